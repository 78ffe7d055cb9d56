//! PART (RFC 2812 section 3.2.2).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "PART",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "PART <room>{,<room>} [:<reason>]\nLeaves rooms, on all your devices.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let rooms = line.param(0).unwrap_or_default();
    let reason = line.param(1).filter(|reason| !reason.is_empty());
    let longest = targets::longest(targets::list(rooms));
    let limit = turn.facts.limits.kick_length;
    if !targets::fits(turn, "The reason", &[longest], reason.unwrap_or_default(), limit) {
        return;
    }
    turn.await_with(Awaiting::About(rooms.into()));
    for name in targets::list(rooms) {
        if let Some(room) = targets::room(turn, name) {
            turn.ask(Command::Part { room, reason: reason.map(Into::into) });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn rooms_are_left() {
        check(
            "alice=
             bob=
             alice> JOIN #tea,#milk
             bob> JOIN #tea
             alice<<
             bob<<
             alice> PART #tea,#milk :bye all
             alice< :alice!… PART #tea :bye all
             alice< :alice!… PART #milk :bye all
             bob< :alice!… PART #tea :bye all
             alice> PART #tea
             alice< :irc.example 442 alice #tea :…
             alice> PART #nowhere
             alice< :irc.example 403 alice #nowhere :…
             alice> PART nonsense
             alice< :irc.example 403 alice nonsense :…
             alice> PART
             alice< :irc.example 461 alice PART :Not enough parameters
             bob> PART #tea
             bob< :bob!… PART #tea",
        );
    }

    #[test]
    fn a_reason_is_refused_not_cut() {
        let reason = "x".repeat(400);
        check(&format!(
            "alice=
             alice> JOIN #tea
             alice<<
             alice> PART #tea :{reason}
             alice< :irc.example 417 alice :The reason has 400 bytes, at most 390 are possible: make it shorter"
        ));
    }
}
