//! REHASH (RFC 2812 section 4.2): reads the configuration again. What comes of it stands in the server's log.

use super::{Phase, Verb};
use crate::turn::Turn;
use chat::command::{Command, Control};
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "REHASH",
    parameters: 0,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "REHASH\nHas the server read its configuration again. For operators.",
};

fn receive(turn: &mut Turn<'_>, _line: &Line<'_>) {
    turn.ask(Command::Control(Control::Rehash));
}
