//! PIN and UNPIN: what a room keeps in view for everyone who reads it. Ours; for plain clients too.

use super::{Awaiting, Phase, Verb};
use crate::lookup::{self, Then};
use crate::turn::Turn;
use chat::command::Command;
use chat::id::MessageId;
use chat::pin::WhichPin;
use compact_str::format_compact;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "PIN",
    parameters: 2,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "PIN <room or nick> <msgid, or nick>\n\
           Keeps a message in view, or with a nick the last one that they said there. In a room for its moderators (+h and \
           above); in a direct conversation for both. A room has up to 50 pinned messages; PINS shows them.",
};

pub(crate) const UNPIN: Verb = Verb {
    name: "UNPIN",
    parameters: 2,
    phase: Phase::Registered,
    cost: 2,
    receive: receive_unpin,
    help: "UNPIN <room or nick> <msgid, or number in PINS>\n\
           Keeps a message in view no longer. In a room for its moderators (+h and above).",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let param = |at| line.param(at).unwrap_or_default();
    lookup::begin(turn, param(0), param(1), Then::Pin);
}

fn receive_unpin(turn: &mut Turn<'_>, line: &Line<'_>) {
    let param = |at| line.param(at).unwrap_or_default();
    let (target, which) = (param(0), param(1));
    let Some(of) = lookup::conversation(turn, target) else {
        return lookup::invalid_target(turn, target);
    };
    turn.await_with(Awaiting::About(format_compact!("{target} {which}")));
    // No room has a message that is called otherwise, nor as many.
    let which = match (which.parse(), which.parse()) {
        (Ok(id), _) => WhichPin::Of(MessageId(id)),
        (_, number) => WhichPin::Number(number.unwrap_or(usize::MAX)),
    };
    turn.ask(Command::Unpin { of, which });
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    const ROOM: &str = "
        alice= message-tags batch labeled-response parlor/pins draft/message-redaction draft/message-edit
        bob= server-time
        eve= message-tags batch draft/chathistory draft/event-playback parlor/pins
        alice> JOIN #tea
        bob> JOIN #tea
        eve> JOIN #tea
        bob> PRIVMSG #tea :hi
        bob> PRIVMSG #tea :there
        alice<<
        bob<<
        eve<<
        ";

    fn check_room(transcript: &str) {
        check(&format!("{ROOM}{transcript}"));
    }

    #[test]
    fn everyone_is_told_in_her_way() {
        check_room(
            "alice> @label=x PIN #TEA {hi}
             alice< @label=x :alice!… PIN #tea {hi}
             bob< @time=2023-11-14T22:13:20.000Z :alice!… NOTICE #tea :pinned <bob> hi
             eve< :alice!… PIN #tea {hi}
             alice> MODE #tea +h bob
             alice<<
             bob<<
             eve<<
             bob> PIN #tea bob
             alice< :bob!… PIN #tea {there}
             bob< …:bob!… NOTICE #tea :pinned <bob> there
             eve< :bob!… PIN #tea {there}
             bob> UNPIN #tea 1
             alice< :bob!… UNPIN #tea {hi}
             bob< …:bob!… NOTICE #tea :unpinned a message
             eve< :bob!… UNPIN #tea {hi}
             alice> UNPIN #tea {there}
             alice< :alice!… UNPIN #tea {there}
             bob< …:alice!… NOTICE #tea :unpinned a message
             eve< :alice!… UNPIN #tea {there}
             eve> CHATHISTORY LATEST #tea * 2
             eve< …BATCH +1 chathistory #tea
             eve< @batch=1;msgid={there} :bob!… PRIVMSG #tea :there
             eve< @batch=1;draft/chathistory-context :bob!… PIN #tea {there}
             eve< @batch=1;draft/chathistory-context :alice!… UNPIN #tea {there}
             eve< @batch=1;msgid=… :alice!… MODE #tea +h bob
             eve< …BATCH -1
             eve> CAP REQ -parlor/pins
             eve<<
             eve> CHATHISTORY AFTER #tea msgid={there} 10
             eve< …BATCH +2 chathistory #tea
             eve< @batch=2 :alice!… NOTICE #tea :pinned a message
             eve< @batch=2;msgid=… :alice!… MODE #tea +h bob
             eve< @batch=2 :bob!… NOTICE #tea :pinned a message
             eve< @batch=2 :bob!… NOTICE #tea :unpinned a message
             eve< @batch=2 :alice!… NOTICE #tea :unpinned a message
             eve< …BATCH -2",
        );
    }

    #[test]
    fn texts_of_all_kinds_for_plain_clients() {
        check_room(
            "bob> PRIVMSG #tea :\u{1}ACTION waves\u{1}
             alice> CAP REQ draft/multiline
             alice> BATCH +1 draft/multiline #tea
             alice> @batch=1 PRIVMSG #tea :one
             alice> @batch=1 PRIVMSG #tea :two
             alice> BATCH -1
             alice<<
             bob<<
             eve<<
             alice> PIN #tea bob
             bob< …:alice!… NOTICE #tea :pinned * bob waves
             alice<<
             eve<<
             alice> PIN #tea alice
             bob< …:alice!… NOTICE #tea :pinned <alice> one two
             alice<<
             eve<<",
        );
    }

    #[test]
    fn direct_conversations() {
        check_room(
            "alice> PRIVMSG bob :psst
             bob<<
             bob> PIN alice alice
             bob< …:bob!… NOTICE alice :pinned <alice> psst
             alice< :bob!… PIN alice {psst}
             alice> UNPIN bob {psst}
             alice< :alice!… UNPIN bob {psst}
             bob< …:alice!… NOTICE bob :unpinned a message
             alice> UNPIN bob {psst}
             alice< :irc.example FAIL UNPIN NOT_PINNED bob {psst} :…
             eve> PIN bob {psst}
             eve< :irc.example FAIL PIN UNKNOWN_MSGID bob {psst} :…",
        );
    }

    #[test]
    fn every_refusal() {
        check_room(
            "alice> PIN #tea
             alice< :irc.example 461 alice PIN :…
             alice> UNPIN #tea
             alice< :irc.example 461 alice UNPIN :…
             alice> PIN #none {hi}
             alice< :irc.example FAIL PIN INVALID_TARGET #none :…
             alice> PIN #tea nobody
             alice< :irc.example FAIL PIN UNKNOWN_MSGID #tea nobody :…
             alice> PIN #tea 0190a6a0-0000-7000-8000-000000000000
             alice< :irc.example FAIL PIN UNKNOWN_MSGID #tea 0190a6a0-0000-7000-8000-000000000000 :…
             bob> PIN #tea {hi}
             bob< …:irc.example 482 bob #tea :…
             bob> UNPIN #tea {hi}
             bob< …:irc.example 482 bob #tea :…
             alice> PIN #tea {hi}
             alice<<
             bob<<
             eve<<
             alice> PIN #tea {hi}
             alice< :irc.example FAIL PIN ALREADY_PINNED #tea {hi} :…
             alice> UNPIN #tea {there}
             alice< :irc.example FAIL UNPIN NOT_PINNED #tea {there} :…
             alice> UNPIN #tea bob
             alice< :irc.example FAIL UNPIN NOT_PINNED #tea bob :…
             alice> UNPIN #tea 2
             alice< :irc.example FAIL UNPIN NOT_PINNED #tea 2 :…
             alice> UNPIN #bad,name 1
             alice< :irc.example FAIL UNPIN INVALID_TARGET #bad,name :…
             alice> UNPIN #none 1
             alice< :irc.example 403 alice #none :…
             alice> UNPIN nobody 1
             alice< :irc.example 401 alice nobody :…
             eve> PART #tea
             alice<<
             bob<<
             eve<<
             eve> PIN #tea {there}
             eve< :irc.example FAIL PIN INVALID_TARGET #tea :…
             alice> PRIVMSG @#tea :quietly
             alice> PIN #tea {quietly}
             alice< :irc.example FAIL PIN CANNOT_PIN #tea {quietly} :…
             store fails
             alice> PIN #tea {there}
             alice< :irc.example FAIL PIN STORAGE_FULL #tea {there} :…
             alice> UNPIN #tea {hi}
             alice< :irc.example FAIL UNPIN STORAGE_FULL #tea {hi} :…
             store works
             store unreadable
             alice> PIN #tea {there}
             alice< :irc.example FAIL PIN TRY_AGAIN #tea {there} :…
             alice> PIN #tea bob
             alice< :irc.example FAIL PIN TRY_AGAIN #tea bob :…",
        );
    }

    #[test]
    fn a_room_is_full_of_pins_at_fifty() {
        let mut transcript = String::from("alice= message-tags batch parlor/pins\nalice> JOIN #tea\n");
        for number in 0..=50 {
            transcript += &format!("alice> PRIVMSG #tea :t{number}\nalice<<\nalice> PIN #tea {{t{number}}}\n");
        }
        transcript += "alice< :irc.example FAIL PIN TOO_MANY_PINS #tea {t50} 50 :…\n";
        check(&transcript);
    }
}
