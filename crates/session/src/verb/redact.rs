//! REDACT: takes a message away for good (IRCv3 draft message-redaction).

use super::{Phase, Verb};
use crate::lookup::{self, Then};
use crate::targets;
use crate::turn::Turn;
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "REDACT",
    parameters: 2,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "REDACT <room or nick> <msgid> [:<reason>]\n\
           Takes a message away for good: one of your own within 24 hours, in a room that you moderate (+h and above) any.\n\
           For clients with the capability draft/message-redaction.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    // The verb comes with the capability: "a client MUST negotiate" it.
    if !turn.has(Capability::MessageRedaction) {
        turn.numeric(Numeric::ERR_UNKNOWNCOMMAND).param("REDACT").trailing("Unknown command");
        return;
    }
    let param = |at| line.param(at).unwrap_or_default();
    let (target, id, reason) = (param(0), param(1), param(2));
    if !targets::fits(turn, "The reason", &[target, id], reason, turn.facts.limits.kick_length) {
        return;
    }
    let reason = (!reason.is_empty()).then(|| reason.into());
    lookup::begin(turn, target, id, Then::Redact { reason });
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    /// `{hi}`: the msgid of what was said with the text `hi`.
    const ROOM: &str = "
        alice= message-tags echo-message batch labeled-response draft/message-redaction draft/chathistory
        bob= message-tags echo-message draft/message-redaction batch draft/chathistory
        eve= message-tags batch draft/chathistory
        plain=
        alice> JOIN #tea
        bob> JOIN #tea
        eve> JOIN #tea
        plain> JOIN #tea
        alice<<
        bob<<
        eve<<
        plain<<
        bob> PRIVMSG #tea :hi
        alice<<
        bob<<
        eve<<
        plain<<
        ";

    fn check_room(transcript: &str) {
        check(&format!("{ROOM}{transcript}"));
    }

    #[test]
    fn an_author_takes_her_words_back() {
        check_room(
            "bob> REDACT #TEA {hi}
             alice< :bob!… REDACT #tea {hi}
             bob< :bob!… REDACT #tea {hi}
             eve< :bob!… NOTICE #tea :deleted a message by bob (2023-11-14 22:13:20 UTC)
             plain< :bob!… NOTICE #tea :deleted a message by bob (2023-11-14 22:13:20 UTC)
             eve> CHATHISTORY LATEST #tea * 10
             eve< …BATCH +1 chathistory #tea
             eve< …BATCH -1
             alice> CHATHISTORY LATEST #tea * 10
             alice< …BATCH +1 chathistory #tea
             alice< …BATCH -1
             alice> CAP REQ parlor/identity
             alice<<
             alice> CHATHISTORY LATEST #tea * 10
             alice< …BATCH +2 chathistory #tea
             alice< @batch=2;msgid={hi};… :bob!… PRIVMSG #tea :
             alice< @batch=2;draft/chathistory-context;… :bob!… REDACT #tea {hi}
             alice< …BATCH -2
             bob> REDACT #tea {hi}
             bob< :irc.example FAIL REDACT UNKNOWN_MSGID #tea {hi} :…",
        );
    }

    #[test]
    fn an_operator_takes_away_what_others_said() {
        check_room(
            "+86401
             alice<<
             bob<<
             eve<<
             plain<<
             bob> REDACT #tea {hi}
             bob< :irc.example FAIL REDACT REDACT_WINDOW_EXPIRED #tea {hi} 86400 :…
             alice> @label=x REDACT #tea {hi} :wrong room
             alice< @label=x :alice!… REDACT #tea {hi} :wrong room
             bob< :alice!… REDACT #tea {hi} :wrong room
             plain< :alice!… NOTICE #tea :deleted a message by bob (2023-11-14 22:13:20 UTC): wrong room
             alice> PRIVMSG #tea :hello
             alice<<
             bob<<
             eve<<
             plain<<
             bob> REDACT #tea {hello}
             bob< :irc.example FAIL REDACT REDACT_FORBIDDEN #tea {hello} :…",
        );
    }

    #[test]
    fn whoever_was_away_learns_of_it() {
        check_room(
            "alice> PRIVMSG #tea :later
             alice<<
             bob<<
             eve<<
             plain<<
             alice> REDACT #tea {hi}
             alice<<
             bob<<
             eve<<
             plain<<
             bob> CHATHISTORY AFTER #tea msgid={later} 10
             bob< …BATCH +1 chathistory #tea
             bob< @batch=1 :alice!… REDACT #tea {hi}
             bob< …BATCH -1
             eve> CHATHISTORY AFTER #tea msgid={later} 10
             eve< …BATCH +1 chathistory #tea
             eve< …BATCH -1",
        );
    }

    #[test]
    fn direct_messages_are_their_author_s_to_take_back() {
        check_room(
            "alice> PRIVMSG bob :psst
             alice<<
             bob<<
             bob> REDACT alice {psst}
             bob< :irc.example FAIL REDACT REDACT_FORBIDDEN alice {psst} :…
             eve> CAP REQ draft/message-redaction
             eve<<
             eve> REDACT bob {psst}
             eve< :irc.example FAIL REDACT UNKNOWN_MSGID bob {psst} :…
             alice> NICK alicia
             alice<<
             bob<<
             eve<<
             plain<<
             alice> REDACT bob {psst} :never mind
             alice< :alicia!… REDACT bob {psst} :never mind
             bob< :alicia!… REDACT bob {psst} :never mind",
        );
    }

    #[test]
    fn every_refusal() {
        check_room(
            "alice> REDACT #tea
             alice< :irc.example 461 alice REDACT :…
             alice> REDACT #none {hi}
             alice< :irc.example FAIL REDACT INVALID_TARGET #none :…
             alice> REDACT #bad,name {hi}
             alice< :irc.example FAIL REDACT INVALID_TARGET #bad,name :…
             alice> REDACT nobody {hi}
             alice< :irc.example FAIL REDACT INVALID_TARGET nobody :…
             alice> REDACT #tea nothing-like-it
             alice< :irc.example FAIL REDACT UNKNOWN_MSGID #tea nothing-like-it :…
             alice> REDACT #tea 0190a6a0-0000-7000-8000-000000000000
             alice< :irc.example FAIL REDACT UNKNOWN_MSGID #tea 0190a6a0-0000-7000-8000-000000000000 :…
             alice> REDACT bob {hi} ## said in #tea
             alice< :irc.example FAIL REDACT UNKNOWN_MSGID bob {hi} :…
             eve> REDACT #tea {hi}
             eve< :irc.example 421 eve REDACT :Unknown command
             bob> PART #tea
             alice<<
             bob<<
             eve<<
             plain<<
             bob> REDACT #tea {hi}
             bob< :irc.example FAIL REDACT INVALID_TARGET #tea :…
             store fails
             alice> REDACT #tea {hi}
             alice< :irc.example FAIL REDACT STORAGE_FULL #tea {hi} :…
             store works
             store unreadable
             alice> REDACT #tea {hi}
             alice< :irc.example FAIL REDACT TRY_AGAIN #tea {hi} :…
             store works
             alice> REDACT #tea {hi}
             alice< :alice!… REDACT #tea {hi}
             eve< :alice!… NOTICE #tea :deleted …
             plain< :alice!… NOTICE #tea :deleted …",
        );
    }

    #[test]
    fn what_was_said_to_a_rank_is_redacted_before_it() {
        check_room(
            "bob> PRIVMSG @#tea :help
             alice<<
             bob<<
             alice> REDACT #tea {help}
             alice< :alice!… REDACT #tea {help}
             bob< :alice!… REDACT #tea {help}",
        );
    }

    #[test]
    fn a_repeat_of_what_was_redacted_is_not_posted_again() {
        check_room(
            "bob> CAP REQ parlor/once
             bob<<
             bob> @parlor/once=k PRIVMSG #tea :once
             alice<<
             bob<<
             eve<<
             plain<<
             bob> REDACT #tea {once}
             alice<<
             bob<<
             eve<<
             plain<<
             bob> @parlor/once=k PRIVMSG #tea :once
             bob< :irc.example FAIL PRIVMSG NOT_KEPT parlor/once :…",
        );
    }
}
