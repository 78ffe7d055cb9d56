//! KILL (RFC 2812 section 3.7.1).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "KILL",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "KILL <name> [:<reason>]\nEnds someone's connections. For operators.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let name = line.param(0).unwrap_or_default();
    let reason = line.param(1).filter(|reason| !reason.is_empty()).unwrap_or("No reason given");
    let limit = turn.facts.limits.kick_length;
    if targets::fits(turn, "The reason", &[], reason, limit) {
        let who = targets::person(turn, name);
        turn.await_with(Awaiting::About(name.into()));
        turn.ask(Command::Kill { who, reason: reason.into() });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_with, with_operator};

    #[test]
    fn operators_end_connections() {
        check_with(
            with_operator,
            "alice=
             bob=
             carol=
             bob> JOIN #tea
             carol> JOIN #tea
             bob<<
             carol<<
             bob> KILL carol :spam
             bob< :irc.example 481 bob :…
             alice> OPER root sesame
             alice<<
             alice> KILL nobody
             alice< :irc.example 401 alice nobody :…
             alice> KILL
             alice< :irc.example 461 alice KILL :Not enough parameters
             alice> KILL bob :spam
             carol< :bob!… QUIT :…spam…
             bob< ERROR :…spam…
             bob!
             alice> KILL carol
             carol<<
             carol!",
        );
    }
}
