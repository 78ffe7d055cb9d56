//! JOIN (RFC 2812 section 3.2.1), and what a newcomer to a room is shown.

use super::{Awaiting, Phase, Verb, names, topic};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::name::ChatroomName;
use chat::query::RoomView;
use wire::{Capability, Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "JOIN",
    parameters: 1,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "JOIN <room>{,<room>} [<key>{,<key>}]\n\
           Enters rooms; one that does not exist is created and is yours. JOIN 0 leaves all rooms.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let rooms = line.param(0).unwrap_or_default();
    if rooms == "0" {
        turn.ask(Command::PartAll { reason: None });
        return;
    }
    if targets::list(rooms).next().is_none() {
        turn.need_more_params();
        return;
    }
    turn.await_with(Awaiting::About(rooms.into()));
    // A key belongs to the room in its own place, so empty ones count.
    let mut keys = line.param(1).unwrap_or_default().split(',');
    for name in targets::list(rooms) {
        let key = keys.next().filter(|key| !key.is_empty());
        match ChatroomName::parse(name, &turn.facts.name_rules) {
            Ok(room) => turn.ask(Command::Join {
                room,
                key: key.map(Into::into),
            }),
            Err(error) => turn
                .numeric(Numeric::ERR_BADCHANMASK)
                .param(name)
                .trailing_fmt(format_args!("This cannot be a room: {error}")),
        }
    }
}

/// What follows one's own JOIN: the topic if there is one, and who is here.
pub(crate) fn write_entered(turn: &mut Turn<'_>, view: &RoomView) {
    if let Some(topic) = &view.topic {
        topic::write(turn, &view.name, topic);
    }
    if !turn.has(Capability::NoImplicitNames) {
        names::write(turn, &view.members);
        names::write_end(turn, &view.name);
    }
}
