//! EDIT: gives a message of one's own another text (IRCv3 proposal message-edit, docs/decisions/0008-editing.md).

use super::{Phase, Verb, chathistory};
use crate::lookup::{self, Then};
use crate::targets;
use crate::turn::Turn;
use wire::{Capability, Ctcp, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "EDIT",
    parameters: 1,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "@draft/target-msgid=<msgid>;draft/edit-text=<text> EDIT <room or nick>\n\
           Gives a message of your own another text, within 24 hours; its earlier texts are kept for the room's \
           moderators.\n\
           For clients with the capability draft/message-edit.",
};

/// Bytes of the text as it stands in the tag, escapes included: so the tags that the server adds fit beside it into the 8,191
/// bytes of a line's tags (message-tags "Size limit").
const TEXT_BYTES: usize = 3_584;

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    // The verb comes with the capability: "a client MUST negotiate" it.
    if !turn.has(Capability::MessageEdit) {
        turn.numeric(Numeric::ERR_UNKNOWNCOMMAND).param("EDIT").trailing("Unknown command");
        return;
    }
    let target = line.param(0).unwrap_or_default();
    let id = line.tags.get("draft/target-msgid").unwrap_or_default();
    if id.is_empty() {
        let text = "The line lacks draft/target-msgid, the id of the message to be edited";
        return turn.fail("EDIT", "INVALID_EDIT", &[targets::shown(target)], text);
    }
    let text = line.tags.get("draft/edit-text").unwrap_or_default();
    let written = line.tags.raw_value("draft/edit-text").unwrap_or_default();
    let limits = &turn.facts.limits;
    let problem = if text.trim().is_empty() {
        Some("The new text is empty: to take a message away there is REDACT".to_owned())
    } else if text.contains(['\r', '\0']) {
        Some("The new text holds a character that no text may hold (NUL or CR)".to_owned())
    } else if written.len() > TEXT_BYTES {
        Some(format!("The new text has {} bytes in its tag, at most {TEXT_BYTES} are possible", written.len()))
    } else if text.len() > limits.multiline_bytes || text.split('\n').count() > limits.multiline_lines {
        let (bytes, lines) = (limits.multiline_bytes, limits.multiline_lines);
        Some(format!("The new text is too long: at most {bytes} bytes in {lines} lines are possible"))
    } else {
        None
    };
    if let Some(problem) = problem {
        let context = [targets::shown(target), targets::shown(&id)];
        return turn.fail("EDIT", "INVALID_EDIT", &context, &problem);
    }
    // As others may be shown it: the longer verb, and the mark of an edited message.
    let middles = " ".len() + target.len() + "PRIVMSG".len() - "EDIT".len() + chathistory::EDITED.len();
    let in_lines = text.contains('\n') || targets::excess_when_relayed(turn, middles, &text) > 0;
    let between_programs = Ctcp::parse(&text).is_some_and(|ctcp| !ctcp.is_action());
    lookup::begin(turn, target, &id, Then::Edit { text: text.into(), in_lines, between_programs });
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    const ROOM: &str = "
        alice= message-tags batch draft/message-edit draft/message-redaction draft/chathistory
        bob= message-tags echo-message batch labeled-response draft/message-edit draft/chathistory
        eve= message-tags batch draft/chathistory
        plain=
        alice> JOIN #tea
        bob> JOIN #tea
        eve> JOIN #tea
        plain> JOIN #tea
        bob> PRIVMSG #tea :helo
        bob> PRIVMSG #tea :later
        alice<<
        bob<<
        eve<<
        plain<<
        ";

    fn check_room(transcript: &str) {
        check(&format!("{ROOM}{transcript}"));
    }

    #[test]
    fn everyone_learns_the_new_text() {
        check_room(
            "bob> @label=x;draft/target-msgid={helo};draft/edit-text=hello\\sall EDIT #TEA
             bob< @label=x;msgid=…;draft/target-msgid={helo};draft/edit-text=hello\\sall :bob!… EDIT #tea
             alice< @msgid=…;draft/target-msgid={helo};draft/edit-text=hello\\sall :bob!… EDIT #tea
             eve< :bob!… PRIVMSG #tea :* hello all
             plain< :bob!… PRIVMSG #tea :* hello all
             bob> @draft/target-msgid={helo};draft/edit-text=hi EDIT #tea
             bob<<
             alice<<
             eve< :bob!… PRIVMSG #tea :* hi
             plain< :bob!… PRIVMSG #tea :* hi
             alice> CHATHISTORY LATEST #tea * 2
             alice< …BATCH +1 chathistory #tea
             alice< @batch=1;msgid={helo} :bob!… PRIVMSG #tea :hi
             alice< @batch=1;draft/chathistory-context;msgid=…;draft/target-msgid={helo};draft/edit-text=hi :bob!… EDIT #tea
             alice< @batch=1;msgid={later} :bob!… PRIVMSG #tea :later
             alice< …BATCH -1
             eve> CHATHISTORY LATEST #tea * 2
             eve< …BATCH +1 chathistory #tea
             eve< @batch=1;msgid={helo} :bob!… PRIVMSG #tea :hi (edited)
             eve< @batch=1;msgid={later} :bob!… PRIVMSG #tea :later
             eve< …BATCH -1
             alice> CHATHISTORY AFTER #tea msgid={later} 2
             alice< …BATCH +2 chathistory #tea
             alice< @batch=2;msgid=…;draft/target-msgid={helo};draft/edit-text=hi :bob!… EDIT #tea
             alice< …BATCH -2",
        );
    }

    #[test]
    fn what_is_redacted_stays_so() {
        check_room(
            "bob> @draft/target-msgid={helo};draft/edit-text=secret EDIT #tea
             alice> REDACT #tea {helo}
             alice<<
             bob<<
             eve<<
             plain<<
             bob> @draft/target-msgid={helo};draft/edit-text=again EDIT #tea
             bob< :irc.example FAIL EDIT UNKNOWN_MSGID #tea {helo} :…
             bob> CHATHISTORY AFTER #tea msgid={later} 2
             bob< …BATCH +1 chathistory #tea
             bob< …BATCH -1",
        );
    }

    #[test]
    fn direct_messages() {
        check_room(
            "bob> PRIVMSG eve :psst
             eve<<
             bob<<
             bob> @draft/target-msgid={psst};draft/edit-text=never\\smind EDIT eve
             bob< @msgid=…;draft/target-msgid={psst};draft/edit-text=never\\smind :bob!… EDIT eve
             eve< :bob!… PRIVMSG eve :* never mind",
        );
    }

    #[test]
    fn every_refusal() {
        let long = "x".repeat(3_585);
        check_room(&format!(
            "bob> EDIT
             bob< :irc.example 461 bob EDIT :…
             bob> @draft/edit-text=x EDIT #tea
             bob< :irc.example FAIL EDIT INVALID_EDIT #tea :…
             bob> @draft/target-msgid={{helo}} EDIT #tea
             bob< :irc.example FAIL EDIT INVALID_EDIT #tea {{helo}} :…
             bob> @draft/target-msgid={{helo}};draft/edit-text=a\\rb EDIT #tea
             bob< :irc.example FAIL EDIT INVALID_EDIT #tea {{helo}} :…
             bob> @draft/target-msgid={{helo}};draft/edit-text={long} EDIT #tea
             bob< :irc.example FAIL EDIT INVALID_EDIT #tea {{helo}} :…
             bob> @draft/target-msgid={{helo}};draft/edit-text=x EDIT #none
             bob< :irc.example FAIL EDIT INVALID_TARGET #none :…
             bob> @draft/target-msgid=nothing;draft/edit-text=x EDIT #tea
             bob< :irc.example FAIL EDIT UNKNOWN_MSGID #tea nothing :…
             alice> @draft/target-msgid={{helo}};draft/edit-text=x EDIT #tea
             alice< :irc.example FAIL EDIT EDIT_FORBIDDEN #tea {{helo}} :…
             eve> @draft/target-msgid={{helo}};draft/edit-text=x EDIT #tea
             eve< :irc.example 421 eve EDIT :Unknown command
             alice> MODE #tea +m
             alice<<
             bob<<
             eve<<
             plain<<
             bob> @draft/target-msgid={{helo}};draft/edit-text=x EDIT #tea
             bob< :irc.example 404 bob #tea :…
             alice> MODE #tea -m
             alice<<
             bob<<
             eve<<
             plain<<
             store fails
             bob> @draft/target-msgid={{helo}};draft/edit-text=x EDIT #tea
             bob< :irc.example FAIL EDIT STORAGE_FULL #tea {{helo}} :…
             store works
             +86401
             alice<<
             bob<<
             eve<<
             plain<<
             bob> @draft/target-msgid={{helo}};draft/edit-text=x EDIT #tea
             bob< :irc.example FAIL EDIT EDIT_WINDOW_EXPIRED #tea {{helo}} 86400 :…"
        ));
    }
}
