//! TOPIC (RFC 2812 section 3.2.4).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::Query;
use chat::snapshot::Topic;
use wire::{Line, MAX_BODY, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "TOPIC",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "TOPIC <room> [:<text>]\nShows a room's topic, or changes it; an empty text takes it away.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let name = line.param(0).unwrap_or_default();
    let Some(room) = targets::room(turn, name) else {
        return;
    };
    turn.await_with(Awaiting::About(name.into()));
    match line.param(1) {
        None => turn.ask(Command::Ask(Query::Topic { room })),
        Some(text) => {
            let limit = turn.facts.limits.topic_length.min(most_shown(turn, name));
            if targets::fits(turn, "The topic", &[name], text, limit) {
                turn.ask(Command::SetTopic { room, text: text.into() });
            }
        }
    }
}

/// How many bytes of a topic 332 can show to the one with the longest name. Less than the configured limit only where
/// the names of server and room are very long.
fn most_shown(turn: &Turn<'_>, room: &str) -> usize {
    let longest_name = turn.facts.name_rules.max_name;
    let fixed = format!(":{} 332  {room} :\r\n", turn.facts.server_name).len() + longest_name;
    MAX_BODY.saturating_sub(fixed)
}

/// 332 and 333.
pub(crate) fn write(turn: &mut Turn<'_>, room: &str, topic: &Topic) {
    turn.numeric(Numeric::RPL_TOPIC).param(room).trailing_cut(&topic.text);
    turn.numeric(Numeric::RPL_TOPICWHOTIME)
        .param(room)
        .param(&topic.by)
        .param_fmt(format_args!("{}", topic.at.0 / 1000))
        .end();
}

/// The answer to being asked for the topic.
pub(crate) fn write_asked(turn: &mut Turn<'_>, room: &str, topic: Option<&Topic>) {
    match topic {
        Some(topic) => write(turn, room, topic),
        None => turn.numeric(Numeric::RPL_NOTOPIC).param(room).trailing("No topic is set"),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn topics_are_set_shown_and_taken_away() {
        check(
            "alice=
             bob=
             alice> JOIN #tea
             bob> JOIN #tea
             alice<<
             bob<<
             bob> TOPIC #tea
             bob< :irc.example 331 bob #tea :No topic is set
             alice> TOPIC #tea :green tea
             alice< :alice!… TOPIC #tea :green tea
             bob< :alice!… TOPIC #tea :green tea
             bob> TOPIC #tea
             bob< :irc.example 332 bob #tea :green tea
             bob< :irc.example 333 bob #tea alice!… 1700000000
             alice> TOPIC #tea :
             alice< :alice!… TOPIC #tea :
             bob< :alice!… TOPIC #tea :
             bob> TOPIC #tea
             bob< :irc.example 331 bob #tea :No topic is set",
        );
    }

    #[test]
    fn every_refusal() {
        let long = "x".repeat(391);
        check(&format!(
            "alice=
             bob=
             alice> JOIN #tea
             alice> MODE #tea +t
             alice<<
             bob> TOPIC #tea :mine
             bob< :irc.example 442 bob #tea :…
             bob> JOIN #tea
             bob<<
             alice<<
             bob> TOPIC #tea :mine
             bob< :irc.example 482 bob #tea :…
             bob> TOPIC #nowhere
             bob< :irc.example 403 bob #nowhere :…
             bob> TOPIC nonsense
             bob< :irc.example 403 bob nonsense :…
             bob> TOPIC
             bob< :irc.example 461 bob TOPIC :Not enough parameters
             alice> TOPIC #tea :{long}
             alice< :irc.example 417 alice :The topic has 391 bytes, at most 390 are possible: make it shorter
             store fails
             alice> TOPIC #tea :green
             alice< :irc.example FAIL TOPIC STORAGE_FULL #tea :…
             store works
             alice> TOPIC #tea :green
             alice< :alice!… TOPIC #tea :green
             bob< :alice!… TOPIC #tea :green"
        ));
    }
}
