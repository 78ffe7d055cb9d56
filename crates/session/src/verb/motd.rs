//! MOTD (RFC 2812 section 3.4.1).

use super::{Phase, Verb};
use crate::greeting;
use crate::targets;
use crate::turn::Turn;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "MOTD",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "MOTD [<server>]\nShows the message of the day.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if targets::is_this_server(turn, line.param(0)) {
        greeting::write_motd(turn);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    #[test]
    fn the_message_of_the_day() {
        check(
            "alice=
             alice> MOTD
             alice< :irc.example 422 alice :…
             alice> MOTD other.example
             alice< :irc.example 402 alice other.example :…",
        );
        check_with(
            |configured, _| configured.motd = vec!["Welcome.".into(), "Be kind.".into()],
            "alice=
             alice> MOTD irc.example
             alice< :irc.example 375 alice :- irc.example Message of the day -…
             alice< :irc.example 372 alice :- Welcome.
             alice< :irc.example 372 alice :- Be kind.
             alice< :irc.example 376 alice :…",
        );
    }
}
