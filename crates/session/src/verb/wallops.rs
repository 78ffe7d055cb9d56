//! WALLOPS (RFC 2812 section 4.7; Modern IRC "WALLOPS message").

use super::{Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::{Announcement, Command};
use wire::Line;

pub(crate) const VERB: Verb = Verb {
    name: "WALLOPS",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "WALLOPS :<text>\nSays something to everyone who wants to hear it (mode +w). For operators.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let text = line.param(0).unwrap_or_default();
    if text.is_empty() {
        turn.need_more_params();
        return;
    }
    let limit = turn.facts.limits.topic_length;
    if targets::fits(turn, "The text", &[], text, limit) {
        turn.ask(Command::Announce { to: Announcement::Wallops, text: text.into() });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_with, with_operator};

    #[test]
    fn those_hear_it_who_want_to() {
        check_with(
            with_operator,
            "alice=
             bob=
             carol=
             bob> MODE bob +w
             bob<<
             alice> WALLOPS :hi
             alice< :irc.example 481 alice :…
             alice> OPER root sesame
             alice<<
             alice> WALLOPS :hear, hear
             bob< :alice!… WALLOPS :hear, hear
             alice> WALLOPS :
             alice< :irc.example 461 alice WALLOPS :Not enough parameters
             alice> NOTICE $$irc.* :restart at noon
             alice< :alice!… NOTICE $$irc.example :restart at noon
             bob< :alice!… NOTICE $$irc.example :restart at noon
             carol< :alice!… NOTICE $$irc.example :restart at noon
             bob> PRIVMSG $* :me too
             bob< :irc.example 481 bob :…
             bob> PRIVMSG $other.example :me too
             bob< :irc.example 402 bob other.example :…",
        );
    }
}
