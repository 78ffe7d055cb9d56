//! QUIT: the clean exit. ERROR comes behind the answers to everything said before, then the connection is closed.

use super::{Phase, Verb};
use crate::turn::Turn;
use chat::command::{Command, Departure};
use wire::{Line, truncate_at_char_boundary};

/// Bytes of a reason.
const REASON: usize = 390;

pub(crate) const VERB: Verb = Verb {
    name: "QUIT",
    parameters: 0,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "QUIT [<reason>]\nLeaves the server.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let reason = line.param(0).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| truncate_at_char_boundary(reason, REASON));
    if turn.session.known_to_hub {
        // Modern IRC "QUIT message": what others see says that it was the client's own word.
        let announced = reason.map(|reason| format!("Quit: {reason}").into_boxed_str());
        turn.tell(Command::Depart(Departure::Quit { reason: announced }));
    }
    turn.session.departed = true;
    turn.close(&format!("Closing link: (Quit: {})", reason.unwrap_or(turn.nick())));
}
