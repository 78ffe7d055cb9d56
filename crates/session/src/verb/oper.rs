//! OPER: the rights of a configured operator, for its password. An unknown name and a wrong password look the same.

use super::{Phase, Verb};
use crate::facts::Password;
use crate::login;
use crate::refusal_numeric;
use crate::registration::same;
use crate::turn::Turn;
use crate::verb::Awaiting;
use crate::work::{Work, WorkResult};
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
        turn.numeric(Numeric::ERR_NOOPERHOST)
            .trailing("No operators are configured; an account with rights takes its rank with MODE <nick> +o");
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

#[cfg(test)]
mod tests {
    use crate::facts::{Configured, OperatorLogin};
    use crate::testing::{check, check_with};
    use chat::refusal::Rights;
    use chat::settings::{OperatorRule, Settings};
    use zeroize::Zeroizing;

    use super::Password;

    fn operators(configured: &mut Configured, settings: &mut Settings) {
        let plain = Password::Plain(Zeroizing::new("sesame".to_owned()));
        for (name, password) in [("admin", Password::Hash("hash of sesame".into())), ("root", plain)] {
            configured.operators.push(OperatorLogin { name: name.into(), password });
            let title = "is an administrator".into();
            settings.operators.push(OperatorRule { name: name.into(), rights: Rights::ALL, title });
        }
    }

    #[test]
    fn right_and_wrong() {
        for name in ["admin", "root"] {
            check_with(
                operators,
                &format!(
                    "alice=
                     alice> OPER {name} wrong
                     alice< :irc.example 464 alice :Password incorrect
                     alice> OPER nobody sesame
                     alice< :irc.example 464 alice :Password incorrect
                     alice> OPER {name}
                     alice< :irc.example 461 alice OPER :Not enough parameters
                     alice> OPER {name} sesame
                     alice< …
                     alice< …
                     alice> MODE alice
                     alice< :irc.example 221 alice +o",
                ),
            );
        }
    }

    #[test]
    fn failures_are_limited_and_the_order_is_kept() {
        check_with(
            operators,
            "alice+ throttled
             alice> NICK alice
             alice> USER a 0 * :a
             alice<<
             alice> OPER admin wrong
             alice< :irc.example 464 alice :Password incorrect
             alice> OPER admin wrong
             alice< :irc.example 464 alice :Password incorrect
             alice> OPER admin wrong
             alice< :irc.example 464 alice :Password incorrect
             alice> OPER admin sesame
             alice< :irc.example 464 alice :Too many attempts, wait a minute",
        );
        check(
            "alice=
             alice> OPER admin sesame
             alice< :irc.example 491 alice :…
             bob+
             bob> OPER admin sesame
             bob< :irc.example 451 * :You have not registered",
        );
    }
}
