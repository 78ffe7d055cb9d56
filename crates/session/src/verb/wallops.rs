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
    if targets::fits(turn, "The text", text, limit) {
        turn.ask(Command::Announce {
            to: Announcement::Wallops,
            text: text.into(),
        });
    }
}
