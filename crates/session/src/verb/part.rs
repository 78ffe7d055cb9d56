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
    let limit = turn.facts.limits.kick_length;
    if !targets::fits(turn, "The reason", reason.unwrap_or_default(), limit) {
        return;
    }
    turn.await_with(Awaiting::About(rooms.into()));
    for name in targets::list(rooms) {
        if let Some(room) = targets::room(turn, name) {
            turn.ask(Command::Part {
                room,
                reason: reason.map(Into::into),
            });
        }
    }
}
