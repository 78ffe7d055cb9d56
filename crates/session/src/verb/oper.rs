//! OPER: the rights of a configured operator, for its password. An unknown name and a wrong password look the same.

use super::{Phase, Verb};
use crate::facts::Password;
use crate::login;
use crate::refusal_numeric;
use crate::registration::same;
use crate::session::{Work, WorkResult};
use crate::turn::Turn;
use crate::verb::Awaiting;
use chat::command::Command;
use chat::query::Answer;
use compact_str::CompactString;
use wire::{Line, Numeric};
use zeroize::Zeroizing;

pub(crate) const VERB: Verb = Verb {
    name: "OPER",
    parameters: 2,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "OPER <name> <password>\nTakes the rights of a configured operator.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let facts = turn.facts;
    let (name, password) = (line.param(0).unwrap_or_default(), line.param(1).unwrap_or_default());
    if facts.operators.is_empty() {
        turn.numeric(Numeric::ERR_NOOPERHOST).trailing("This server has no operators to log in as");
        return;
    }
    if !login::may_try(turn) {
        turn.numeric(Numeric::ERR_PASSWDMISMATCH).trailing("Too many attempts, wait a minute");
        return;
    }
    let known = facts.operators.iter().find(|operator| operator.name == name);
    match known.map(|operator| &operator.password) {
        Some(Password::Plain(expected)) if same(expected, password) => become_operator(turn, name.into()),
        Some(Password::Plain(_)) => refuse(turn),
        hashed => {
            let hash = match hashed {
                Some(Password::Hash(hash)) => Some(hash.clone()),
                _ => None,
            };
            let password = Zeroizing::new(password.to_owned());
            turn.work(|ticket| Work::CheckPassword { ticket, hash, password });
            turn.await_with(Awaiting::Operator { name: name.into() });
        }
    }
}

/// The password has been checked.
pub(crate) fn checked(turn: &mut Turn<'_>, name: CompactString, result: WorkResult) {
    match result {
        WorkResult::Checked { matches: true } => become_operator(turn, name),
        WorkResult::Busy => turn.numeric(Numeric::ERR_PASSWDMISMATCH).trailing("The server is busy, try again"),
        _ => refuse(turn),
    }
}

fn become_operator(turn: &mut Turn<'_>, name: CompactString) {
    turn.ask(Command::BecomeOperator { rule: Some(name.clone()) });
    turn.await_with(Awaiting::Operator { name });
}

pub(crate) fn answer(turn: &mut Turn<'_>, name: CompactString, answer: &Answer) {
    match answer {
        Answer::BecameOperator { .. } => {
            turn.numeric(Numeric::RPL_YOUREOPER).trailing("You are now an IRC operator");
        }
        Answer::Refused(refusal) => refusal_numeric::write(turn, "OPER", &name, refusal),
        other => crate::answer::dispatch(turn, None, other),
    }
    turn.put_awaiting(Box::new(Awaiting::Operator { name }));
}

fn refuse(turn: &mut Turn<'_>) {
    login::count_failure(turn);
    turn.numeric(Numeric::ERR_PASSWDMISMATCH).trailing("Password incorrect");
}
