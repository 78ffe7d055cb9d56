//! AUTHENTICATE: what the parameter means is in `sasl.rs`.

use super::{Phase, Verb};
use crate::sasl;
use crate::turn::Turn;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "AUTHENTICATE",
    parameters: 1,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "AUTHENTICATE <mechanism or data>\nLogs in to an account (SASL).",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    sasl::receive(turn, line.param(0).unwrap_or_default());
}
