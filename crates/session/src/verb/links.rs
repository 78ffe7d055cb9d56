//! LINKS (RFC 2812 section 3.4.5): this server is the whole network, so there are none.

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "LINKS",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "LINKS [<mask>]\nShows the servers that this one is linked with: none.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    // With two parameters the first is the server to ask.
    let mask = line.params().last().copied().filter(|mask| !mask.is_empty()).unwrap_or("*");
    turn.numeric(Numeric::RPL_ENDOFLINKS).param(targets::shown(mask)).trailing("End of LINKS list");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn a_server_alone_has_no_links() {
        check(
            "alice=
             alice> LINKS
             alice< :irc.example 365 alice * :End of LINKS list
             alice> LINKS *.org
             alice< :irc.example 365 alice *.org :End of LINKS list
             alice> LINKS irc.example *.org
             alice< :irc.example 365 alice *.org :End of LINKS list",
        );
    }
}
