//! AWAY (RFC 2812 section 4.1).

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "AWAY",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "AWAY [:<message>]\nSays that you are away, on all your devices; without a message: that you are back.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let message = line.param(0).filter(|message| !message.is_empty());
    let limit = turn.facts.limits.away_length;
    if targets::fits(turn, "The message", &[], message.unwrap_or_default(), limit) {
        turn.ask(Command::SetAway { message: message.map(Into::into) });
    }
}

pub(crate) fn write(turn: &mut Turn<'_>, now: bool) {
    if now {
        turn.numeric(Numeric::RPL_NOWAWAY).trailing("You have been marked as being away");
    } else {
        turn.numeric(Numeric::RPL_UNAWAY).trailing("You are no longer marked as being away");
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn away_and_back() {
        check(
            "alice= away-notify
             bob= away-notify
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             alice> AWAY :tea time
             bob< :alice!… AWAY :tea time
             alice< :irc.example 306 alice :You have been marked as being away
             alice> AWAY :
             bob< :alice!… AWAY
             alice< :irc.example 305 alice :You are no longer marked as being away",
        );
        let long = "x".repeat(201);
        check(&format!(
            "alice=
             alice> AWAY {long}
             alice< :irc.example 417 alice :The message has 201 bytes, at most 200 are possible: make it shorter"
        ));
    }
}
