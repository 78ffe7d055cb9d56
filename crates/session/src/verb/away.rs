//! AWAY (RFC 2812 section 4.1).

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "AWAY",
    parameters: 0,
    phase: Phase::Any,
    cost: 1,
    receive,
    help: "AWAY [:<message>]\nSays that you are away, on all your devices; without a message: that you are back.\n\
           AWAY * says that nobody is at this device: you are away when that is so of all of them.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let message = line.param(0).filter(|message| !message.is_empty());
    let is_registered = turn.session.is_registered();
    if !is_registered && !turn.has(Capability::PreAway) {
        turn.numeric(Numeric::ERR_NOTREGISTERED).trailing("You have not registered");
        return;
    }
    let limit = turn.facts.limits.away_length;
    if !targets::fits(turn, "The message", &[], message.unwrap_or_default(), limit) {
        return;
    }
    if is_registered {
        turn.ask(Command::SetAway { message: message.map(Into::into) });
    } else if let Some(registration) = turn.session.registration.as_deref_mut() {
        // pre-away: "servers MUST accept the AWAY command before connection registration has completed".
        registration.away = message.map(Into::into);
        write(turn, message.is_some());
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

    #[test]
    fn before_the_welcome_and_for_one_device() {
        check(
            "alice+
             alice> AWAY *
             alice< :irc.example 451 * :…
             alice> CAP REQ :draft/pre-away
             alice< :irc.example CAP * ACK :draft/pre-away
             alice> AWAY :at work
             alice< :irc.example 306 * :…
             alice> AWAY
             alice< :irc.example 305 * :…
             alice> AWAY *
             alice< :irc.example 306 * :…
             alice> NICK alice
             alice> USER a 0 * :a
             alice> CAP END
             alice<<
             bob= away-notify
             bob> PRIVMSG alice :hi
             bob< :irc.example 301 bob alice :*
             alice< :bob!… PRIVMSG alice :hi
             alice> JOIN #tea
             bob> JOIN #tea
             bob<<
             alice<<
             alice> AWAY
             alice< :irc.example 305 alice :…
             bob< :alice!… AWAY
             alice> AWAY *
             alice< :irc.example 306 alice :…
             bob< :alice!… AWAY :*",
        );
    }
}
