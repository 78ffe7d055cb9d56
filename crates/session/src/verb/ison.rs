//! ISON (RFC 2812 section 4.9).

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{PresentRow, Query};
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "ISON",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "ISON <name>{ <name>}\nShows which of these people are here. MONITOR tells it unasked.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let names = line
        .params()
        .iter()
        .flat_map(|param| param.split(' '))
        .filter(|name| !name.is_empty())
        .map(|name| targets::person(turn, name))
        .collect();
    turn.ask(Command::Ask(Query::Present { names }));
}

/// 303, on as many lines as the names need.
pub(crate) fn write(turn: &mut Turn<'_>, rows: &[PresentRow]) {
    let mut names = rows.iter().map(|row| row.person.name.as_str()).peekable();
    loop {
        let mut reply = turn.numeric(Numeric::RPL_ISON).open_trailing();
        while let Some(name) = names.next_if(|name| reply.try_item(' ', name)) {
            let _ = name;
        }
        reply.end();
        if names.peek().is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn who_of_them_is_here() {
        check(
            "alice=
             Bob=
             alice> ISON bob nobody :alice none
             alice< :irc.example 303 alice :Bob alice
             alice> ISON nobody
             alice< :irc.example 303 alice :
             alice> ISON
             alice< :irc.example 461 alice ISON :Not enough parameters",
        );
    }
}
