//! RESTART (RFC 2812 section 4.4).

use super::{Phase, Verb};
use crate::turn::Turn;
use chat::command::{Command, Control};
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "RESTART",
    parameters: 0,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "RESTART\nStops the server and starts it again. For operators.",
};

fn receive(turn: &mut Turn<'_>, _line: &Line<'_>) {
    turn.ask(Command::Control(Control::Restart));
}
