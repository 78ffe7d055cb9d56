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
    if targets::fits(turn, "The text", text.unwrap_or_default(), limit) {
        turn.await_with(Awaiting::About(name.into()));
        turn.ask(Command::Knock {
            room,
            text: text.map(Into::into),
        });
    }
}

/// Bytes. With two rooms' names and a mask before it the line still has less than 512.
const MOST_TEXT: usize = 200;

pub(crate) fn write_delivered(turn: &mut Turn<'_>, room: &str) {
    turn.numeric(Numeric::RPL_KNOCKDLVR)
        .param(room)
        .trailing("Your knock was heard: wait for an invitation");
}
