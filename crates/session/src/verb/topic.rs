//! TOPIC (RFC 2812 section 3.2.4).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::Query;
use chat::snapshot::Topic;
use wire::{Line, Numeric};

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
            let limit = turn.facts.limits.topic_length;
            if targets::fits(turn, "The topic", text, limit) {
                turn.ask(Command::SetTopic {
                    room,
                    text: text.into(),
                });
            }
        }
    }
}

/// 332 and 333.
pub(crate) fn write(turn: &mut Turn<'_>, room: &str, topic: &Topic) {
    turn.numeric(Numeric::RPL_TOPIC)
        .param(room)
        .trailing_cut(&topic.text);
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
        None => turn
            .numeric(Numeric::RPL_NOTOPIC)
            .param(room)
            .trailing("No topic is set"),
    }
}
