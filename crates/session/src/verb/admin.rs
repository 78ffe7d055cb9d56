//! ADMIN (RFC 2812 section 3.4.9).

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "ADMIN",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "ADMIN [<server>]\nShows who runs this server and how to reach them.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    if !targets::is_this_server(turn, line.param(0)) {
        return;
    }
    let facts = turn.facts;
    let admin = &facts.admin;
    if admin.name.is_empty() && admin.location.is_empty() && admin.email.is_empty() {
        turn.numeric(Numeric::ERR_NOADMININFO)
            .param(&facts.server_name)
            .trailing("Nobody has said who runs this server");
        return;
    }
    turn.numeric(Numeric::RPL_ADMINME).param(&facts.server_name).trailing("Administrative info");
    for (numeric, text) in [
        (Numeric::RPL_ADMINLOC1, &admin.location),
        (Numeric::RPL_ADMINLOC2, &admin.name),
        (Numeric::RPL_ADMINEMAIL, &admin.email),
    ] {
        turn.numeric(numeric).trailing_cut(text);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with};

    #[test]
    fn who_runs_the_server() {
        check(
            "alice=
             alice> ADMIN
             alice< :irc.example 423 alice irc.example :…
             alice> ADMIN other.example
             alice< :irc.example 402 alice other.example :…",
        );
        check_with(
            |configured, _| {
                configured.admin.name = "Zoe".into();
                configured.admin.location = "Room 7".into();
                configured.admin.email = "zoe@school.example".into();
            },
            "alice=
             alice> ADMIN alice
             alice< :irc.example 256 alice irc.example :Administrative info
             alice< :irc.example 257 alice :Room 7
             alice< :irc.example 258 alice :Zoe
             alice< :irc.example 259 alice :zoe@school.example",
        );
    }
}
