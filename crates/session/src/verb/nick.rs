//! NICK: the name to go by, before the welcome and later.

use super::{Phase, Verb};
use crate::refusal_numeric;
use crate::turn::Turn;
use crate::verb::Awaiting;
use chat::command::Command;
use chat::name::{NameError, Username};
use chat::query::Answer;
use wire::{Line, Numeric, truncate_at_char_boundary};

pub(crate) const VERB: Verb = Verb {
    name: "NICK",
    parameters: 0,
    phase: Phase::Any,
    cost: 2,
    receive,
    help: "NICK <name>\nChooses the name to go by.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let wanted = line.param(0).unwrap_or_default();
    match Username::parse(wanted, &turn.facts.name_rules) {
        Ok(name) => match turn.session.registration.as_deref_mut() {
            Some(registration) => registration.name = Some(name),
            None => {
                turn.ask(Command::Rename { to: name });
                turn.await_with(Awaiting::Rename);
            }
        },
        Err(NameError::Empty) => turn.numeric(Numeric::ERR_NONICKNAMEGIVEN).trailing("No nickname given"),
        Err(error) => {
            let shown = truncate_at_char_boundary(wanted, 64);
            turn.numeric(Numeric::ERR_ERRONEUSNICKNAME)
                .param(shown)
                .trailing_fmt(format_args!("Erroneous nickname: {error}"));
        }
    }
}

pub(crate) fn answer(turn: &mut Turn<'_>, answer: &Answer) {
    match answer {
        Answer::Refused(refusal) => refusal_numeric::write(turn, "NICK", "", refusal),
        other => crate::answer::dispatch(turn, None, other),
    }
}
