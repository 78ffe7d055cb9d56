//! REHASH (RFC 2812 section 4.2): reads the configuration again. What comes of it stands in the server's log.

use super::{Awaiting, Phase, Verb};
use crate::turn::Turn;
use chat::command::{Command, Control};
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "REHASH",
    parameters: 0,
    phase: Phase::Registered,
    cost: 4,
    receive,
    help: "REHASH\nHas the server read its configuration again. For operators.",
};

fn receive(turn: &mut Turn<'_>, _line: &Line<'_>) {
    turn.await_with(Awaiting::Permission);
    turn.ask(Command::Control(Control::Rehash));
}

/// 382: the hub had nothing against it.
pub(crate) fn write_begun(turn: &mut Turn<'_>) {
    turn.numeric(Numeric::RPL_REHASHING).param("configuration").trailing("Rehashing");
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_with, with_operator};

    #[test]
    fn operators_reload() {
        check_with(
            with_operator,
            "alice= batch labeled-response
             alice> REHASH
             alice< :irc.example 481 alice :…
             alice> RESTART
             alice< :irc.example 481 alice :…
             alice> DIE
             alice< :irc.example 481 alice :…
             alice> OPER root sesame
             alice<<
             alice> @label=1 REHASH
             alice< @label=1 :irc.example 382 alice … :Rehashing",
        );
    }
}
