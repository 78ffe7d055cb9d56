//! LINKS (RFC 2812 section 3.4.5): this server is the whole network.

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::mask::glob;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "LINKS",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "LINKS [<mask>]\nShows the servers of this network.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let facts = turn.facts;
    // With two parameters the first is the server to ask.
    let mask = line.params().last().copied().filter(|mask| !mask.is_empty()).unwrap_or("*");
    if glob(mask, &facts.server_name) {
        turn.numeric(Numeric::RPL_LINKS)
            .param(&facts.server_name)
            .param(&facts.server_name)
            .trailing_cut(&format!("0 {}", facts.description));
    }
    turn.numeric(Numeric::RPL_ENDOFLINKS).param(targets::shown(mask)).trailing("End of LINKS list");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn one_server_is_all() {
        check(
            "alice=
             alice> LINKS
             alice< :irc.example 364 alice irc.example irc.example :0 A parlor
             alice< :irc.example 365 alice * :End of LINKS list
             alice> LINKS *.org
             alice< :irc.example 365 alice *.org :End of LINKS list",
        );
    }
}
