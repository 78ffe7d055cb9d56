//! MARKREAD: up to when one has read a conversation, in step on all devices (IRCv3 draft read-marker).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::time_text::{parse_time, time_text};
use crate::turn::Turn;
use chat::command::Command;
use chat::id::Timestamp;
use chat::query::Query;
use chat::refusal::Refusal;
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "MARKREAD",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "MARKREAD <room or nick> [timestamp=YYYY-MM-DDThh:mm:ss.sssZ]\n\
           Says that you have read there up to this time, on all your devices; without a time: shows up to when you\n\
           have read. A marker never goes back.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let Some(target) = line.param(0).filter(|target| !target.is_empty()) else {
        return turn.fail("MARKREAD", "NEED_MORE_PARAMS", &[], "Missing parameters");
    };
    let Some(of) = targets::conversation(turn, target) else {
        return turn.fail("MARKREAD", "INVALID_PARAMS", &[targets::shown(target)], "This cannot be a room's name");
    };
    let command = match line.param(1) {
        None => Command::Ask(Query::ReadMarker { of }),
        // "The timestamp MUST NOT be a literal `*`" from a client.
        Some(text) => match text.strip_prefix("timestamp=").and_then(parse_time) {
            Some(at) => Command::MarkRead { of, at },
            None => {
                let text = if text.is_empty() { "*" } else { targets::shown(text) };
                let context = [targets::shown(target), text];
                return turn.fail(
                    "MARKREAD",
                    "INVALID_PARAMS",
                    &context,
                    "This is no time: write timestamp=YYYY-MM-DDThh:mm:ss.sssZ",
                );
            }
        },
    };
    turn.await_with(Awaiting::About(target.into()));
    turn.ask(command);
}

/// To whoever asked, and to those of one's devices that have the capability when another one has moved the marker.
pub(crate) fn write(turn: &mut Turn<'_>, of: &str, at: Option<Timestamp>) {
    if turn.verb() != "MARKREAD" && !turn.has(Capability::ReadMarker) {
        return;
    }
    let line = turn.server_line("MARKREAD").param(targets::shown(of));
    match at {
        Some(at) => {
            let time = time_text(at);
            line.param_fmt(format_args!("timestamp={}", str::from_utf8(&time).unwrap_or_default())).end();
        }
        None => line.param("*").end(),
    }
}

pub(crate) fn write_refused(turn: &mut Turn<'_>, about: &str, refusal: &Refusal) {
    let (code, text) = match refusal {
        Refusal::NotMember { .. } => ("INVALID_PARAMS", "You are not in that room: JOIN it first"),
        Refusal::NoSuchClient { .. } => ("INVALID_PARAMS", "Nobody of this name is here"),
        Refusal::StorageFull | Refusal::StorageError => {
            ("INTERNAL_ERROR", "The server cannot write to its disk: the marker was not moved; try again later")
        }
        _ => ("INTERNAL_ERROR", "The read timestamp could not be set"),
    };
    turn.fail("MARKREAD", code, &[targets::shown(about)], text);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn set_and_get() {
        check(
            "alice= draft/read-marker
             alice> JOIN #tea
             alice< :alice!… JOIN #tea
             alice< :irc.example MODE #tea +o alice
             alice< :irc.example MARKREAD #tea *
             alice< :irc.example 353 alice = #tea :@alice
             alice< :irc.example 366 alice #tea :…
             alice> MARKREAD #tea
             alice< :irc.example MARKREAD #tea *
             alice> MARKREAD #TEA timestamp=2019-01-04T14:33:26.123Z
             alice< :irc.example MARKREAD #tea timestamp=2019-01-04T14:33:26.123Z
             alice> MARKREAD #tea timestamp=2018-01-04T14:33:26.123Z ## never back
             alice< :irc.example MARKREAD #tea timestamp=2019-01-04T14:33:26.123Z
             alice> MARKREAD #tea timestamp=2999-01-01T00:00:00.000Z ## nor beyond now
             alice< :irc.example MARKREAD #tea timestamp=2023-11-14T22:13:20.000Z
             alice> MARKREAD bob
             alice< :irc.example MARKREAD bob *
             bob=
             bob> MARKREAD alice timestamp=2019-01-04T14:33:26.123Z ## without the capability too
             bob< :irc.example MARKREAD alice timestamp=2019-01-04T14:33:26.123Z
             alice> MARKREAD bob
             alice< :irc.example MARKREAD bob *",
        );
    }

    #[test]
    fn all_devices_are_in_step() {
        check(
            "alice= draft/read-marker sasl
             alice> REGISTER * * sesame77
             alice<<
             alice> JOIN #tea
             alice<<
             alice/2+
             alice/2> CAP REQ :draft/read-marker
             alice/2> PASS alice:sesame77
             alice/2> NICK alice
             alice/2> USER a 0 * :a
             alice/2> CAP END
             alice/2<<
             alice/3+
             alice/3> PASS alice:sesame77
             alice/3> NICK alice
             alice/3> USER a 0 * :a
             alice/3<<
             alice> MARKREAD #tea timestamp=2019-01-04T14:33:26.123Z
             alice< :irc.example MARKREAD #tea timestamp=2019-01-04T14:33:26.123Z
             alice/2< :irc.example MARKREAD #tea timestamp=2019-01-04T14:33:26.123Z
             alice/4+
             alice/4> CAP REQ :draft/read-marker no-implicit-names
             alice/4> PASS alice:sesame77
             alice/4> NICK alice
             alice/4> USER a 0 * :a
             alice/4< :irc.example CAP * ACK :…
             alice/4> CAP END
             alice/4<<",
        );
    }

    #[test]
    fn what_is_refused() {
        check(
            "alice= draft/read-marker
             alice> MARKREAD
             alice< :irc.example FAIL MARKREAD NEED_MORE_PARAMS :Missing parameters
             alice> MARKREAD :
             alice< :irc.example FAIL MARKREAD NEED_MORE_PARAMS :Missing parameters
             alice> MARKREAD #tea *
             alice< :irc.example FAIL MARKREAD INVALID_PARAMS #tea * :…
             alice> MARKREAD #tea yesterday
             alice< :irc.example FAIL MARKREAD INVALID_PARAMS #tea yesterday :…
             alice> MARKREAD #tea timestamp=never
             alice< :irc.example FAIL MARKREAD INVALID_PARAMS #tea timestamp=never :…
             alice> MARKREAD #a* timestamp=2019-01-04T14:33:26.123Z
             alice< :irc.example FAIL MARKREAD INVALID_PARAMS #a* :…
             alice> MARKREAD #tea timestamp=2019-01-04T14:33:26.123Z
             alice< :irc.example FAIL MARKREAD INVALID_PARAMS #tea :…
             alice> MARKREAD nobody timestamp=2019-01-04T14:33:26.123Z
             alice< :irc.example FAIL MARKREAD INVALID_PARAMS nobody :…
             alice> REGISTER * * sesame77
             alice<<
             store fails
             alice> MARKREAD alice timestamp=2019-01-04T14:33:26.123Z
             alice< :irc.example FAIL MARKREAD INTERNAL_ERROR alice :…
             alice> MARKREAD alice
             alice< :irc.example MARKREAD alice *",
        );
    }

    /// T13: whether there is a secret room is not to be learned from its marker.
    #[test]
    fn a_secret_room_and_none_are_the_same() {
        check(
            "alice=
             alice> JOIN #Secret
             alice> MODE #secret +s
             alice<<
             bob=
             bob> MARKREAD #SECRET
             bob< :irc.example MARKREAD #SECRET *
             bob> MARKREAD #OTHER
             bob< :irc.example MARKREAD #OTHER *
             bob> MARKREAD #SECRET timestamp=2019-01-04T14:33:26.123Z
             bob< :irc.example FAIL MARKREAD INVALID_PARAMS #SECRET :You are not in that room: JOIN it first
             bob> MARKREAD #OTHER timestamp=2019-01-04T14:33:26.123Z
             bob< :irc.example FAIL MARKREAD INVALID_PARAMS #OTHER :You are not in that room: JOIN it first",
        );
    }
}
