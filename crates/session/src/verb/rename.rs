//! RENAME: another name for a room (IRCv3 draft/channel-rename).

use super::{Awaiting, Phase, Verb, join};
use crate::render;
use crate::targets;
use crate::turn::Turn;
use chat::command::Command;
use chat::event::{Event, Happening, RoomRef, What};
use chat::id::Timestamp;
use chat::membership::Roles;
use chat::name::ChatroomName;
use chat::query::RoomRenaming;
use std::sync::Arc;
use wire::{Capability, Line};

pub(crate) const VERB: Verb = Verb {
    name: "RENAME",
    parameters: 2,
    phase: Phase::Registered,
    cost: 3,
    receive,
    help: "RENAME <room> <new name> [:<reason>]\n\
           Gives a room another name; its members, history and settings stay. For its operators; of a kept room (+P) for \
           its owners.",
};

fn receive(turn: &mut Turn<'_>, line: &Line<'_>) {
    let (old, new) = (line.param(0).unwrap_or_default(), line.param(1).unwrap_or_default());
    let Some(room) = targets::room(turn, old) else {
        return;
    };
    let to = match ChatroomName::parse(new, &turn.facts.name_rules) {
        Ok(to) => to,
        Err(error) => {
            let context = [targets::shown(old), targets::shown(new)];
            turn.fail("RENAME", "CANNOT_RENAME", &context, &format!("This cannot be a room's name: {error}"));
            return;
        }
    };
    let reason = line.param(2).filter(|reason| !reason.is_empty());
    let limit = turn.facts.limits.kick_length;
    if targets::fits(turn, "The reason", &[old, new], reason.unwrap_or_default(), limit) {
        turn.await_with(Awaiting::About(old.into()));
        turn.ask(Command::RenameRoom { room, to, reason: reason.map(Into::into) });
    }
}

/// A room has another name. Whoever does not know the command leaves the old room and enters the new one (the
/// specification's "Fallback"), unless it is the same name to the client.
pub(crate) fn write(turn: &mut Turn<'_>, renaming: &RoomRenaming, is_member: bool, read_marker: Option<Timestamp>) {
    if turn.has(Capability::ChannelRename) {
        show(turn, &renaming.event);
    } else if !is_member {
        let nick = turn.nick().to_owned();
        let (old, new) = (&renaming.old, &renaming.room.name);
        turn.server_line("NOTICE").param(&nick).trailing_fmt(format_args!("{old} is now called {new}"));
    } else if !renaming.is_same {
        leave_and_enter(turn, renaming, read_marker);
    }
}

fn leave_and_enter(turn: &mut Turn<'_>, renaming: &RoomRenaming, read_marker: Option<Timestamp>) {
    let (Some(by), Event::Happened(renamed)) = (turn.session.person().cloned(), &renaming.event) else {
        return;
    };
    let at = renamed.at;
    let old = RoomRef { name: renaming.old.clone(), ..renaming.room.clone() };
    let left = What::Left { room: old, reason: renaming.reason.clone() };
    // The list of members says which ranks she has.
    let joined = What::Joined { room: renaming.room.clone(), away: None, roles: Roles::NONE };
    for what in [left, joined] {
        show(turn, &Event::Happened(Arc::new(Happening { at, place: None, by: by.clone(), what })));
    }
    join::write_room(turn, &renaming.room.name, renaming.topic.as_ref(), read_marker, &renaming.members);
}

fn show(turn: &mut Turn<'_>, event: &Event) {
    let (form, facts) = (turn.session.form(), turn.facts);
    render::render(event, form, facts, turn.ready_lines());
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_with, with_operator};

    #[test]
    fn who_knows_the_command_sees_it_and_others_leave_and_enter() {
        check(
            "alice= draft/channel-rename
             bob= extended-join
             carol= draft/channel-rename no-implicit-names
             dave=
             alice> JOIN #tea
             bob> JOIN #tea
             carol> JOIN #tea
             alice> TOPIC #tea :leaves
             alice<<
             bob<<
             carol<<
             alice> RENAME #tea #kettle :it boils
             alice< :alice!… RENAME #tea #kettle :it boils
             carol< :alice!… RENAME #tea #kettle :it boils
             bob< :bob!… PART #tea :it boils
             bob< :bob!… JOIN #kettle * :bob
             bob< :irc.example 332 bob #kettle :leaves
             bob< :irc.example 333 bob #kettle alice!… 1700000000
             bob< :irc.example 353 bob = #kettle :@alice bob carol
             bob< :irc.example 366 bob #kettle :End of NAMES list
             bob> PRIVMSG #kettle :hot
             alice< :bob!… PRIVMSG #kettle :hot
             carol< :bob!… PRIVMSG #kettle :hot
             dave> JOIN #cup
             dave< :dave!… JOIN #cup
             dave< :irc.example MODE #cup +o dave
             dave<<
             dave> RENAME #cup #Cup
             dave> RENAME #cup #Cup
             dave< :irc.example FAIL RENAME CANNOT_RENAME #Cup #Cup :…
             dave> TOPIC #cup
             dave< :irc.example 331 dave #Cup :…",
        );
    }

    #[test]
    fn a_rename_without_reason_is_answered_with_its_label() {
        check(
            "alice= draft/channel-rename batch labeled-response
             bob= batch labeled-response
             alice> JOIN #tea
             alice<<
             alice> @label=1 RENAME #tea #pot
             alice< @label=1 :alice!… RENAME #tea #pot :
             bob> JOIN #milk
             bob<<
             bob> @label=2 RENAME #milk #cream
             bob< @label=2 :irc.example BATCH +1 labeled-response
             bob< @batch=1 :bob!… PART #milk
             bob< @batch=1 :bob!… JOIN #cream
             bob< @batch=1 :irc.example 353 bob = #cream :@bob
             bob< @batch=1 :irc.example 366 bob #cream :End of NAMES list
             bob< :irc.example BATCH -1",
        );
    }

    #[test]
    fn every_refusal() {
        let long = "x".repeat(391);
        check_with(
            with_operator,
            &format!(
                "alice=
             bob=
             alice> JOIN #tea
             alice<<
             bob> RENAME #tea #pot
             bob< :irc.example 442 bob #tea :…
             bob> JOIN #tea
             bob<<
             alice<<
             bob> RENAME #tea #pot
             bob< :irc.example 482 bob #tea :…
             bob> RENAME #none #pot
             bob< :irc.example 403 bob #none :…
             bob> RENAME nonsense #pot
             bob< :irc.example 403 bob nonsense :…
             bob> RENAME #tea
             bob< :irc.example 461 bob RENAME :Not enough parameters
             alice> RENAME #tea pot
             alice< :irc.example FAIL RENAME CANNOT_RENAME #tea pot :…
             alice> RENAME #tea #lobby
             alice< :irc.example FAIL RENAME CHANNEL_NAME_IN_USE #tea #lobby :…
             alice> RENAME #tea #pot :{long}
             alice< :irc.example 417 alice :…
             store fails
             alice> RENAME #tea #pot
             alice< :irc.example FAIL RENAME STORAGE_FULL #tea :…
             store works
             alice> OPER root sesame
             alice<<
             alice> RENAME #lobby #Lobby
             alice< :irc.example NOTICE alice :#lobby is now called #Lobby"
            ),
        );
    }
}
