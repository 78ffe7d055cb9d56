//! MONITOR: to be told when people come and go (IRCv3 monitor).

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::name::Username;
use chat::person::Person;
use chat::query::Query;
use compact_str::CompactString;
use std::sync::Arc;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "MONITOR",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "MONITOR + <name>{,<name>}, MONITOR - <name>{,<name>}, MONITOR C, L or S\n\
           Watches for people, or no longer; C watches for nobody, L lists who is watched for, S shows who of them is \
           here.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let names = line.param(1).unwrap_or_default();
    match line.param(0).unwrap_or_default() {
        "+" => {
            // "'target' MUST be a valid nick": what nobody can be called is never here, and is not watched for.
            let rules = &turn.facts.name_rules;
            let (valid, invalid): (Vec<_>, Vec<_>) = targets::list(names)
                .map(|name| Username::parse(name, rules).map_err(|_| name))
                .partition(Result::is_ok);
            let invalid: Vec<&str> = invalid.into_iter().filter_map(Result::err).collect();
            write_names(turn, Numeric::RPL_MONOFFLINE, invalid);
            if !valid.is_empty() {
                let names = valid.into_iter().flatten().collect();
                turn.ask(Command::Watch { names });
            } else if targets::list(line.param(1).unwrap_or_default()).next().is_none() {
                turn.need_more_params();
            }
        }
        "-" => {
            let names: Vec<_> = targets::list(names).map(|name| targets::person(turn, name)).collect();
            if names.is_empty() {
                turn.need_more_params();
            } else {
                turn.ask(Command::Unwatch { names });
            }
        }
        "C" | "c" => turn.ask(Command::UnwatchAll),
        "L" | "l" => turn.ask(Command::Ask(Query::Watched)),
        "S" | "s" => turn.ask(Command::Ask(Query::WatchedStatus)),
        other => {
            let text = "MONITOR has + - C L and S";
            turn.numeric(Numeric::ERR_UNKNOWNERROR).param("MONITOR").param(targets::shown(other)).trailing(text);
        }
    }
}

/// 732 and 733.
pub(crate) fn write_list(turn: &mut Turn<'_>, names: &[CompactString]) {
    write_names(turn, Numeric::RPL_MONLIST, names);
    turn.numeric(Numeric::RPL_ENDOFMONLIST).trailing("End of MONITOR list");
}

/// 730 and 731.
pub(crate) fn write_status(turn: &mut Turn<'_>, online: &[Arc<Person>], offline: &[CompactString]) {
    let masks: Vec<String> = online.iter().map(|person| person.mask()).collect();
    write_names(turn, Numeric::RPL_MONONLINE, &masks);
    write_names(turn, Numeric::RPL_MONOFFLINE, offline);
}

/// Names with commas, on as many lines as they need.
fn write_names<S: AsRef<str>>(turn: &mut Turn<'_>, numeric: Numeric, names: impl AsRef<[S]>) {
    let mut rest = names.as_ref();
    while !rest.is_empty() {
        let mut line = turn.numeric(numeric).open_trailing();
        let fitting = rest.iter().take_while(|name| line.try_item(',', targets::shown(name.as_ref()))).count();
        line.end();
        rest = &rest[fitting.max(1)..];
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    #[test]
    fn people_come_and_go() {
        check(
            "alice=
             bob=
             alice> MONITOR + bob,carol
             alice< :irc.example 730 alice :bob!…
             alice< :irc.example 731 alice :carol
             carol=
             alice< :irc.example 730 * :carol!…
             alice> MONITOR L
             alice< :irc.example 732 alice :bob,carol
             alice< :irc.example 733 alice :End of MONITOR list
             bob> NICK rob
             bob<<
             alice< :irc.example 731 * :bob
             alice> MONITOR S
             alice< :irc.example 730 alice :carol!…
             alice< :irc.example 731 alice :bob
             alice> MONITOR - bob
             alice> MONITOR C
             alice> MONITOR L
             alice< :irc.example 733 alice :End of MONITOR list
             carol> QUIT
             carol<<",
        );
    }

    #[test]
    fn every_refusal() {
        check_with(
            |_, settings| settings.monitor_entries = 1,
            "alice=
             alice> MONITOR + *!u@host,bob
             alice< :irc.example 731 alice :*!u@host
             alice< :irc.example 731 alice :bob
             alice> MONITOR + carol
             alice< :irc.example 734 alice 1 carol :…
             alice> MONITOR +
             alice< :irc.example 461 alice MONITOR :Not enough parameters
             alice> MONITOR -
             alice< :irc.example 461 alice MONITOR :Not enough parameters
             alice> MONITOR
             alice< :irc.example 461 alice MONITOR :Not enough parameters
             alice> MONITOR x
             alice< :irc.example 400 alice MONITOR x :…",
        );
    }
}
