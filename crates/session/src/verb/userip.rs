//! USERIP: like USERHOST, with addresses. For oneself, and for operators who may see all.

use super::{Phase, Verb, userhost};
use crate::turn::Turn;
use chat::query::PresentRow;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "USERIP",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "USERIP <name>{ <name>}\nShows the addresses of up to five people. For operators; others see their own.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    userhost::ask(turn, line);
}

/// 340; 481 when there is someone, but none whose address the asker may see.
pub(crate) fn write(turn: &mut Turn<'_>, rows: &[PresentRow]) {
    let replies: Vec<String> =
        rows.iter().filter_map(|row| row.address.map(|address| userhost::reply(row, &address))).collect();
    if replies.is_empty() && !rows.is_empty() {
        turn.numeric(Numeric::ERR_NOPRIVILEGES)
            .trailing("Only operators of this server may see other people's addresses");
    } else {
        turn.numeric(Numeric::RPL_USERIP).trailing_cut(&replies.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn addresses_for_oneself() {
        check(
            "alice=
             bob=
             alice> USERIP alice
             alice< :irc.example 340 alice :alice=+~alice@192.0.2.1
             alice> USERIP bob
             alice< :irc.example 481 alice :…
             alice> USERIP nobody
             alice< :irc.example 340 alice :
             alice> USERIP
             alice< :irc.example 461 alice USERIP :Not enough parameters",
        );
    }
}
