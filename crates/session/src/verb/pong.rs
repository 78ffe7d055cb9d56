//! PONG: that something came is all there is to know.

use super::{Phase, Verb};
use crate::turn::Turn;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "PONG",
    parameters: 0,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "PONG <token>\nAnswers the server's PING.",
};

fn receive(_: &mut Turn<'_>, _: &Line<'_>) {}
