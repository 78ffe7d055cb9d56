//! PING: answered in its place, behind the answers to everything said before.

use super::{Phase, Verb};
use crate::turn::Turn;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "PING",
    parameters: 0,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "PING <token>\nAsks for a PONG with the same token.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    match line.param(0) {
        None | Some("") => turn.numeric(Numeric::ERR_NOORIGIN).trailing("No origin specified"),
        Some(token) => {
            let facts = turn.facts;
            turn.server_line("PONG").param(&facts.server_name).trailing(token);
        }
    }
}
