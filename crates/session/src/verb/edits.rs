//! EDITS: what a message said before it was edited, for a room's moderators. Ours; answered with NOTICEs, so that any client
//! shows it.

use super::{Phase, Verb};
use crate::lookup::{self, Asked, Then};
use crate::targets::shown;
use crate::time_text::time_text;
use crate::turn::Turn;
use chat::history::EarlierText;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "EDITS",
    parameters: 2,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "EDITS <room or nick> <msgid>\n\
           Shows what a message said before it was edited. In a room for its moderators (+h and above).",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let param = |at| line.param(at).unwrap_or_default();
    lookup::begin(turn, param(0), param(1), Then::ReadEarlierTexts);
}

/// What was read.
pub(crate) fn write(turn: &mut Turn<'_>, asked: &Asked, texts: &[EarlierText]) {
    let Asked { target, id, .. } = asked;
    let (target, id) = (shown(target), shown(id));
    for (until, text) in texts {
        let until = time_text(*until);
        let until = str::from_utf8(&until).unwrap_or_default();
        turn.notice(&format!("{target} {id} until {until}:"));
        turn.notice(text);
    }
    let count = texts.len();
    turn.notice(&format!("{target} {id}: {count} earlier texts"));
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn moderators_read_what_a_message_said_before() {
        check(
            "alice=
             bob= message-tags draft/message-edit
             alice> JOIN #tea
             bob> JOIN #tea
             bob> PRIVMSG #tea :one
             +1
             bob> @draft/target-msgid={one};draft/edit-text=two\\nlines EDIT #tea
             bob> @draft/target-msgid={one};draft/edit-text=three EDIT #tea
             alice<<
             bob<<
             alice> EDITS #tea {one}
             alice< :irc.example NOTICE alice :#tea {one} until 2023-11-14T22:13:21.000Z:
             alice< :irc.example NOTICE alice :one
             alice< :irc.example NOTICE alice :#tea {one} until 2023-11-14T22:13:21.000Z:
             alice< :irc.example NOTICE alice :two
             alice< :irc.example NOTICE alice :lines
             alice< :irc.example NOTICE alice :#tea {one}: 2 earlier texts
             bob> EDITS #tea {one}
             bob< :irc.example 482 bob #tea :…
             alice> EDITS #tea nothing
             alice< :irc.example FAIL EDITS UNKNOWN_MSGID #tea nothing :…
             alice> EDITS #none {one}
             alice< :irc.example FAIL EDITS INVALID_TARGET #none :…
             alice> EDITS #tea
             alice< :irc.example 461 alice EDITS :…
             alice> CAP REQ :message-tags draft/message-redaction
             alice> REDACT #tea {one}
             alice> EDITS #tea {one}
             alice<<
             bob<<
             alice> EDITS #tea {one}
             alice< :irc.example NOTICE alice :#tea {one}: 0 earlier texts",
        );
    }
}
