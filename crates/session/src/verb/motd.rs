//! MOTD (RFC 2812 section 3.4.1).

use super::{Phase, Verb};
use crate::greeting;
use crate::targets;
use crate::turn::Turn;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "MOTD",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "MOTD [<server>]\nShows the message of the day.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if targets::is_this_server(turn, line.param(0)) {
        greeting::write_motd(turn);
    }
}
