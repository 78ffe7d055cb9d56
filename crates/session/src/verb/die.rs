//! DIE (RFC 2812 section 4.3).

use super::{Phase, Verb};
use crate::turn::Turn;
use chat::command::{Command, Control};
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "DIE",
    parameters: 0,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "DIE\nStops the server. For operators.",
};

fn receive(turn: &mut Turn<'_>, _line: &Line<'_>) {
    turn.ask(Command::Control(Control::Stop));
}
