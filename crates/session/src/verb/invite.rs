//! INVITE (RFC 2812 section 3.2.7; Modern IRC "INVITE message" for the list of one's own invitations).

use super::{Awaiting, Phase, Verb};
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::query::Query;
use compact_str::CompactString;
use wire::{Line, Numeric};

pub(crate) const VERB: Verb = Verb {
    name: "INVITE",
    parameters: 0,
    phase: Phase::Registered,
    cost: 1,
    receive,
    help: "INVITE [<name> <room>]\n\
           Invites someone into a room that you are in. Without parameters: shows which rooms you are invited to.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    match *line.params() {
        [] => turn.ask(Command::Ask(Query::OwnInvitations)),
        [_] => turn.need_more_params(),
        [name, room_name, ..] => {
            let Some(room) = targets::room(turn, room_name) else {
                return;
            };
            let who = targets::person(turn, name);
            turn.await_with(Awaiting::About(room_name.into()));
            turn.ask(Command::Invite { room, who });
        }
    }
}

/// The invitation is out.
pub(crate) fn write_invited(turn: &mut Turn<'_>, who: &str, room: &str, away: Option<&str>) {
    turn.numeric(Numeric::RPL_INVITING)
        .param(who)
        .param(room)
        .end();
    if let Some(message) = away {
        turn.numeric(Numeric::RPL_AWAY)
            .param(who)
            .trailing_cut(message);
    }
}

/// 336 and 337.
pub(crate) fn write_own(turn: &mut Turn<'_>, rooms: &[CompactString]) {
    for room in rooms {
        turn.numeric(Numeric::RPL_INVITELIST).param(room).end();
    }
    turn.numeric(Numeric::RPL_ENDOFINVITELIST)
        .trailing("End of the rooms that you are invited to");
}
