//! ERROR: said by servers; from a client it means nothing and is passed over (Modern IRC "ERROR message").

use super::{Phase, Verb};
use crate::turn::Turn;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "ERROR",
    parameters: 0,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "ERROR <text>\nSaid by the server alone, before it closes a connection.",
};

fn receive(_: &mut Turn<'_>, _: &Line<'_>) {}
