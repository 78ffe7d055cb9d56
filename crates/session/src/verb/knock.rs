//! KNOCK: asks to be let into a room that is by invitation only (as in Charybdis and its descendants).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "KNOCK",
    parameters: 1,
    phase: Phase::Registered,
    cost: 3,
    receive,
    help: "KNOCK <room> [:<text>]\nAsks those who may let you in for an invitation to a room.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let name = line.param(0).unwrap_or_default();
    let Some(room) = targets::room(turn, name) else {
        return;
    };
    let text = line.param(1).filter(|text| !text.is_empty());
    let limit = turn.facts.limits.kick_length.min(MOST_TEXT);
    if targets::fits(turn, "The text", &[], text.unwrap_or_default(), limit) {
        turn.await_with(Awaiting::About(name.into()));
        turn.ask(Command::Knock { room, text: text.map(Into::into) });
    }
}

/// Bytes. With two rooms' names and a mask before it the line still has less than 512.
const MOST_TEXT: usize = 200;

pub(crate) fn write_delivered(turn: &mut Turn<'_>, room: &str) {
    turn.numeric(Numeric::RPL_KNOCKDLVR).param(room).trailing("Your knock was heard: wait for an invitation");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_knock_is_heard_by_operators() {
        check(
            "alice=
             bob=
             carol=
             alice> JOIN #tea
             carol> JOIN #tea
             alice> MODE #tea +i
             alice<<
             carol<<
             bob> KNOCK #tea :let me in
             alice< :irc.example 710 #tea #tea bob!… :has asked for an invite: let me in
             bob< :irc.example 711 bob #tea :…
             bob> KNOCK #tea
             bob< :irc.example 712 bob #tea :…",
        );
    }

    #[test]
    fn every_refusal() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             alice<<
             bob> KNOCK #tea
             bob< :irc.example 713 bob #tea :…
             alice> KNOCK #tea
             alice< :irc.example 714 alice #tea :…
             bob> KNOCK #nowhere
             bob< :irc.example 403 bob #nowhere :…
             bob> KNOCK nonsense
             bob< :irc.example 403 bob nonsense :…
             bob> KNOCK
             bob< :irc.example 461 bob KNOCK :Not enough parameters
             alice> MODE #tea +ib bob
             alice<<
             bob> KNOCK #tea
             bob< :irc.example 474 bob #tea :…",
        );
    }
}
