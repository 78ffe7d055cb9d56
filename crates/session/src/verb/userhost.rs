//! USERHOST (RFC 2812 section 4.8).

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{PresentRow, Query};
use std::fmt::Display;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "USERHOST",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "USERHOST <name>{ <name>}\nShows hosts of up to five people, and whether they are away (-) or here (+).",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    ask(turn, line);
}

/// Asks about the people named in the line's parameters.
pub(crate) fn ask(turn: &mut Turn<'_>, line: &Line<'_>) {
    let most = targets::most("USERHOST");
    let names = line
        .params()
        .iter()
        .flat_map(|param| param.split(' '))
        .filter(|name| !name.is_empty())
        .take(most)
        .map(|name| targets::person(turn, name))
        .collect();
    turn.ask(Command::Ask(Query::Present { names }));
}

/// 302.
pub(crate) fn write(turn: &mut Turn<'_>, rows: &[PresentRow]) {
    let replies: Vec<String> = rows.iter().map(|row| reply(row, &row.person.host)).collect();
    turn.numeric(Numeric::RPL_USERHOST).trailing_cut(&replies.join(" "));
}

/// `name*=+ident@host`: `*` for an operator, `-` for someone away.
pub(crate) fn reply(row: &PresentRow, host: &dyn Display) -> String {
    let operator = if row.operator { "*" } else { "" };
    let sign = if row.away { '-' } else { '+' };
    format!("{}{operator}={sign}{}@{host}", row.person.name, row.person.ident)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn hosts_and_whether_away() {
        check(
            "alice=
             bob=
             bob> AWAY :gone
             bob<<
             alice> USERHOST bob nobody ALICE
             alice< :irc.example 302 alice :bob=-~bob@… alice=+~alice@…
             alice> USERHOST nobody
             alice< :irc.example 302 alice :
             alice> USERHOST
             alice< :irc.example 461 alice USERHOST :Not enough parameters",
        );
    }
}
