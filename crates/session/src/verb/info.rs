//! INFO (RFC 2812 section 3.4.10).

use super::{Phase, Verb, time};
use crate::targets;
use crate::turn::Turn;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "INFO",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "INFO [<server>]\nShows what this server is.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if !targets::is_this_server(turn, line.param(0)) {
        return;
    }
    let facts = turn.facts;
    let started = time::in_words(facts.started);
    for text in [
        format!("{}: {}", facts.server_name, facts.description),
        format!("This is {}, a chat server. It speaks IRC and IRCv3.", facts.version),
        format!("Running since {started}"),
    ] {
        turn.numeric(Numeric::RPL_INFO).trailing_cut(&text);
    }
    turn.numeric(Numeric::RPL_ENDOFINFO).trailing("End of INFO list");
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_this_is() {
        check(
            "alice=
             alice> INFO *.example
             alice< :irc.example 371 alice :irc.example: A parlor
             alice< :irc.example 371 alice :This is parlor-…
             alice< :irc.example 371 alice :Running since …
             alice< :irc.example 374 alice :End of INFO list
             alice> INFO nowhere
             alice< :irc.example 402 alice nowhere :…",
        );
    }
}
