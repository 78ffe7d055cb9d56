//! LUSERS (RFC 2812 section 3.4.2; Modern IRC "LUSERS message").

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::{Counts, Query};
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "LUSERS",
    parameters: 0,
    phase: Phase::Registered,
    cost: 2,
    receive,
    help: "LUSERS\nShows how many people and rooms there are.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    // RFC 2812 has a mask and a server; there is one server, so only a foreign second one means something.
    if targets::is_this_server(turn, line.param(1)) {
        turn.ask(Command::Ask(Query::Counts));
    }
}

/// 251 to 266. Connections that have not registered (253) belong to shards, which share no count: left out, as the RFC
/// allows for a count that is zero.
pub(crate) fn write(turn: &mut Turn<'_>, counts: &Counts) {
    let Counts { clients, invisible, operators, rooms, most_clients } = *counts;
    let visible = clients.saturating_sub(invisible);
    turn.numeric(Numeric::RPL_LUSERCLIENT)
        .trailing_fmt(format_args!("There are {visible} users and {invisible} invisible on 1 servers"));
    turn.numeric(Numeric::RPL_LUSEROP).param_fmt(format_args!("{operators}")).trailing("operator(s) online");
    turn.numeric(Numeric::RPL_LUSERCHANNELS).param_fmt(format_args!("{rooms}")).trailing("channels formed");
    turn.numeric(Numeric::RPL_LUSERME).trailing_fmt(format_args!("I have {clients} clients and 0 servers"));
    turn.numeric(Numeric::RPL_LOCALUSERS)
        .param_fmt(format_args!("{clients}"))
        .param_fmt(format_args!("{most_clients}"))
        .trailing_fmt(format_args!("Current local users {clients}, max {most_clients}"));
    turn.numeric(Numeric::RPL_GLOBALUSERS)
        .param_fmt(format_args!("{clients}"))
        .param_fmt(format_args!("{most_clients}"))
        .trailing_fmt(format_args!("Current global users {clients}, max {most_clients}"));
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn how_many_there_are() {
        check(
            "alice=
             bob=
             bob> MODE bob +i
             bob> JOIN #tea
             bob<<
             alice> LUSERS
             alice< :irc.example 251 alice :There are 1 users and 1 invisible on 1 servers
             alice< :irc.example 252 alice 0 :operator(s) online
             alice< :irc.example 254 alice 2 :channels formed
             alice< :irc.example 255 alice :I have 2 clients and 0 servers
             alice< :irc.example 265 alice 2 2 :Current local users 2, max 2
             alice< :irc.example 266 alice 2 2 :Current global users 2, max 2
             alice> LUSERS * other.example
             alice< :irc.example 402 alice other.example :…",
        );
    }
}
