//! STATS (RFC 2812 section 3.4.4): `u` for everyone; `d`, `k`, `l`, `o` and `p` for operators with that right.

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::person::Person;
use chat::query::{ConnectionRow, Query};
use std::sync::Arc;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "STATS",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "STATS <letter> [<server>]\n\
           Shows what the server counts. u: since when it runs. For operators: l: connections; k, d: bans from the \
           server; o, p: operators who are online.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let Some(letter) = line.param(0).and_then(|letters| letters.chars().next()) else {
        turn.need_more_params();
        return;
    };
    if !targets::is_this_server(turn, line.param(1)) {
        return;
    }
    match letter {
        'l' | 'L' => {
            turn.await_with(Awaiting::Stats { letter });
            turn.ask(Command::Ask(Query::Connections));
        }
        'o' | 'O' | 'p' | 'P' => {
            turn.await_with(Awaiting::Stats { letter });
            turn.ask(Command::Ask(Query::Operators));
        }
        'k' | 'K' | 'd' | 'D' => {
            turn.await_with(Awaiting::Stats { letter });
            turn.ask(Command::Ask(Query::ServerBans));
        }
        'u' | 'U' => {
            let seconds = turn.now.wall.0.saturating_sub(turn.facts.started.0) / 1000;
            let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
            turn.numeric(Numeric::RPL_STATSUPTIME)
                .trailing_fmt(format_args!("Server Up {days} days {hours}:{minutes:02}:{:02}", seconds % 60));
            write_end(turn, letter);
        }
        // What nobody counts has no lines.
        _ => write_end(turn, letter),
    }
}

/// 211: `<link> <sendq> <sent lines> <sent KiB> <received lines> <received KiB> <seconds open>`; what is not counted by
/// connection is 0.
pub(crate) fn write_connections(turn: &mut Turn<'_>, letter: char, rows: &[ConnectionRow]) {
    for row in rows {
        let open = turn.now.wall.0.saturating_sub(row.signed_on.0) / 1000;
        turn.numeric(Numeric::RPL_STATSLINKINFO)
            .param_fmt(format_args!("{}[{}]/{}", row.person.name, row.address, row.transport))
            .params(["0", "0", "0", "0", "0"])
            .param_fmt(format_args!("{open}"))
            .trailing_fmt(format_args!("idle {} seconds", row.idle_seconds));
    }
    write_end(turn, letter);
}

/// 243: `O <mask> * <name>`.
pub(crate) fn write_operators(turn: &mut Turn<'_>, letter: char, people: &[Arc<Person>]) {
    for person in people {
        turn.numeric(Numeric::RPL_STATSOLINE)
            .param("O")
            .param_fmt(format_args!("{}@{}", person.ident, person.host))
            .param("*")
            .param(&person.name)
            .end();
    }
    write_end(turn, letter);
}

/// 219.
pub(crate) fn write_end(turn: &mut Turn<'_>, letter: char) {
    turn.numeric(Numeric::RPL_ENDOFSTATS).param_fmt(format_args!("{letter}")).trailing("End of STATS report");
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_with, with_operator};

    #[test]
    fn counts_for_everyone_and_for_operators() {
        check_with(
            with_operator,
            "alice=
             bob=
             alice> STATS u
             alice< :irc.example 242 alice :Server Up … days …
             alice< :irc.example 219 alice u :End of STATS report
             alice> STATS z
             alice< :irc.example 219 alice z :End of STATS report
             alice> STATS l
             alice< :irc.example 481 alice :…
             alice< :irc.example 219 alice l :End of STATS report
             alice> STATS u other.example
             alice< :irc.example 402 alice other.example :…
             alice> STATS
             alice< :irc.example 461 alice STATS :Not enough parameters
             alice> OPER root sesame
             alice<<
             alice> STATS l
             alice< :irc.example 211 alice alice[192.0.2.1]/TLS 0 0 0 0 0 0 :idle 0 seconds
             alice< :irc.example 211 alice bob[192.0.2.1]/TLS 0 0 0 0 0 0 :idle 0 seconds
             alice< :irc.example 219 alice l :End of STATS report
             alice> STATS o
             alice< :irc.example 243 alice O ~alice@… * alice
             alice< :irc.example 219 alice o :End of STATS report",
        );
    }
}
