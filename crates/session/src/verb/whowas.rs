//! WHOWAS (RFC 2812 section 3.6.3; Modern IRC "WHOWAS message").

use super::{Phase, Verb, time};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{Query, WhowasRow};
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "WHOWAS",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "WHOWAS <name> [<count>]\nShows who used a name lately, the latest first.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let names = line.param(0).unwrap_or_default();
    if !targets::is_this_server(turn, line.param(2)) {
        return;
    }
    // "If a non-positive number is passed as being <count>, then a full search is done."
    let count =
        line.param(1).and_then(|count| count.parse::<usize>().ok()).filter(|count| *count > 0).unwrap_or(usize::MAX);
    let names: Vec<_> =
        targets::list(names).take(targets::most("WHOWAS")).map(|name| targets::person(turn, name)).collect();
    if names.is_empty() {
        turn.numeric(Numeric::ERR_NONICKNAMEGIVEN).trailing("No nickname given");
    }
    for name in names {
        turn.ask(Command::Ask(Query::Whowas { name, count }));
    }
}

pub(crate) fn write(turn: &mut Turn<'_>, name: &str, rows: &[WhowasRow]) {
    let server = &turn.facts.server_name;
    for row in rows {
        let person = &row.person;
        turn.numeric(Numeric::RPL_WHOWASUSER)
            .param(&person.name)
            .param(&person.ident)
            .param(&person.host)
            .param("*")
            .trailing_cut(&person.realname);
        if let Some(address) = row.address {
            let zero = if address.to_string().starts_with(':') { "0" } else { "" };
            turn.numeric(Numeric::RPL_WHOISACTUALLY)
                .param(&person.name)
                .param_fmt(format_args!("{zero}{address}"))
                .trailing("was connecting from");
        }
        turn.numeric(Numeric::RPL_WHOISSERVER).param(&person.name).param(server).trailing(&time::in_words(row.left));
    }
    write_end(turn, name);
}

/// 369.
pub(crate) fn write_end(turn: &mut Turn<'_>, name: &str) {
    turn.numeric(Numeric::RPL_ENDOFWHOWAS).param(targets::shown(name)).trailing("End of WHOWAS");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn those_who_left() {
        check(
            "alice=
             bob=
             bob> NICK rob
             bob<<
             +60
             bob<<
             alice<<
             bob> QUIT
             bob<<
             alice> WHOWAS rob
             alice< :irc.example 314 alice rob ~bob … * :bob
             alice< :irc.example 312 alice rob irc.example :Tuesday, 14 November 2023, 22:14:20 UTC
             alice< :irc.example 369 alice rob :End of WHOWAS
             alice> WHOWAS BOB 1
             alice< :irc.example 314 alice bob ~bob … * :bob
             alice< :irc.example 312 alice bob irc.example :Tuesday, 14 November 2023, 22:13:20 UTC
             alice< :irc.example 369 alice BOB :End of WHOWAS
             alice> WHOWAS nobody -1
             alice< :irc.example 406 alice nobody :…
             alice< :irc.example 369 alice nobody :End of WHOWAS
             alice> WHOWAS
             alice< :irc.example 431 alice :No nickname given
             alice> WHOWAS rob 1 other.example
             alice< :irc.example 402 alice other.example :…",
        );
    }
}
