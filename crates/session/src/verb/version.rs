//! VERSION (RFC 2812 section 3.4.3), with RPL_ISUPPORT (Modern IRC "VERSION message").

use super::{Phase, Verb};
use crate::isupport;
use crate::targets;
use crate::turn::Turn;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "VERSION",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "VERSION [<server>]\nShows which program the server runs, and what it supports.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if !targets::is_this_server(turn, line.param(0)) {
        return;
    }
    let facts = turn.facts;
    turn.numeric(Numeric::RPL_VERSION).param(&facts.version).param(&facts.server_name).trailing_cut(&facts.description);
    isupport::write(turn);
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_program_and_what_it_supports() {
        check(
            "alice=
             alice> VERSION
             alice< :irc.example 351 alice parlor-… irc.example :A parlor
             alice< :irc.example 005 alice … :are supported by this server
             alice< :irc.example 005 alice … :are supported by this server
             alice< :irc.example 005 alice … :are supported by this server
             alice> VERSION other.example
             alice< :irc.example 402 alice other.example :…",
        );
    }
}
