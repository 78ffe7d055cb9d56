//! KICK (RFC 2812 section 3.2.8).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "KICK",
    parameters: 2,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "KICK <room> <name>{,<name>} [:<reason>]\nPuts people out of a room. For its operators.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let rooms: Vec<&str> = targets::list(line.param(0).unwrap_or_default()).collect();
    let people: Vec<&str> = targets::list(line.param(1).unwrap_or_default()).collect();
    // "There MUST be either one channel parameter and multiple user parameter, or as many channel parameters as there
    // are user parameters."
    if rooms.is_empty() || people.is_empty() || (rooms.len() != 1 && rooms.len() != people.len()) {
        turn.need_more_params();
        return;
    }
    let reason = line.param(2).filter(|reason| !reason.is_empty());
    let limit = turn.facts.limits.kick_length;
    if !targets::fits(turn, "The reason", reason.unwrap_or_default(), limit) {
        return;
    }
    turn.await_with(Awaiting::About(line.param(0).unwrap_or_default().into()));
    let most = targets::most("KICK");
    for (place, &name) in people.iter().enumerate() {
        if place >= most {
            turn.numeric(Numeric::ERR_TOOMANYTARGETS)
                .param(name)
                .trailing_fmt(format_args!("Not kicked: at most {most} at once"));
            return;
        }
        let room_name = if rooms.len() == 1 {
            rooms[0]
        } else {
            rooms[place]
        };
        let Some(room) = targets::room(turn, room_name) else {
            continue;
        };
        let who = targets::person(turn, name);
        turn.ask(Command::Kick {
            room,
            who,
            reason: reason.map(Into::into),
        });
    }
}
