//! Keeping order: roles, modes and lists of rooms, removing members, and what operators of the server do.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::chatroom::RoomFlag;
use crate::client::Place;
use crate::command::{Announcement, Control, PersonalMode, RoomChange};
use crate::effect::{Effect, ServerEffect};
use crate::event::{RoomStep, What};
use crate::id::{RoomNumber, SessionId};
use crate::mask;
use crate::membership::{Membership, Role, Roles};
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, Target, permit};
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::{ListKind, Refusal, Right};
use crate::snapshot::ListEntry;
use compact_str::CompactString;
use std::sync::Arc;

/// A member who is acted on: present, or an account whose membership goes on while it is away.
enum Found {
    Present {
        slot: u32,
        place: Place,
        account: Option<u32>,
    },
    Absent {
        account: u32,
        membership: Membership,
    },
}

impl Hub {
    // Rooms

    pub(super) fn change_room(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        changes: Vec<RoomChange>,
        turn: &mut Turn,
    ) {
        let number = match self.room_for(asker.slot, name, Act::See) {
            Ok(number) => number,
            Err(refusal) => {
                turn.refuse(refusal);
                return;
            }
        };
        let mut steps = Vec::new();
        for change in changes {
            match self.change_room_once(asker, number, change, turn) {
                Ok(step) => steps.extend(step),
                Err(refusal) => turn.refuse(refusal),
            }
        }
        // Roles are kept with the memberships, all else with the room.
        if steps
            .iter()
            .any(|step| !matches!(step, RoomStep::Role { .. }))
        {
            self.keep_room(number, turn);
        }
        let Some((person, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return;
        };
        if !steps.is_empty() {
            let event = turn.event(&person, What::RoomChanged { room, steps });
            let origin = turn.event_origin();
            self.to_room(number, event, origin, turn);
        }
    }

    /// One step. `Ok(None)`: it is so already.
    fn change_room_once(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        change: RoomChange,
        turn: &mut Turn,
    ) -> Result<Option<RoomStep>, Refusal> {
        match change {
            RoomChange::Flag { on, flag } => {
                self.permit_in(asker, number, Act::SetFlag { flag })?;
                self.set_flag(number, on, flag)
            }
            RoomChange::Key { key } => {
                self.permit_in(asker, number, Act::SetKey)?;
                Ok(self.set_key(number, key.filter(|key| !key.is_empty())))
            }
            RoomChange::MemberLimit { limit } => {
                self.permit_in(asker, number, Act::SetMemberLimit)?;
                let before = self
                    .state
                    .room(number)
                    .and_then(|room| room.rules.member_limit);
                if before == limit {
                    return Ok(None);
                }
                self.state
                    .change_rules(number, |rules| rules.member_limit = limit);
                Ok(Some(RoomStep::MemberLimit { limit }))
            }
            RoomChange::Role { on, role, who } => {
                self.change_role(asker, number, on, role, &who, turn)
            }
            RoomChange::List { on, list, mask } => {
                self.permit_in(asker, number, Act::ChangeList { list })?;
                self.change_list(asker, number, on, list, &mask, turn)
            }
        }
    }

    fn permit_in(&self, asker: Asker, number: RoomNumber, act: Act) -> Result<(), Refusal> {
        match self.state.client(asker.slot).zip(self.state.room(number)) {
            Some((client, room)) => permit(&Hub::actor(client, room), act, &Hub::rules_of(room)),
            None => Err(Refusal::NotYours),
        }
    }

    fn set_flag(
        &mut self,
        number: RoomNumber,
        on: bool,
        flag: RoomFlag,
    ) -> Result<Option<RoomStep>, Refusal> {
        let Some(room) = self.state.room(number) else {
            return Ok(None);
        };
        if room.has(flag) == on {
            return Ok(None);
        }
        // A room of the configuration stays, whatever its owner says.
        let is_standing = || {
            let rules = &self.settings.name_rules;
            self.settings
                .standing_rooms
                .iter()
                .any(|name| ChatroomName::lookup(name, rules).key() == &room.key)
        };
        if flag == RoomFlag::Registered && !on && is_standing() {
            return Err(Refusal::FlagRefused {
                room: room.name.clone(),
                flag,
            });
        }
        self.state.change_rules(number, |rules| {
            rules.flags = if on {
                rules.flags.with(flag)
            } else {
                rules.flags.without(flag)
            };
        });
        Ok(Some(RoomStep::Flag { on, flag }))
    }

    fn set_key(&mut self, number: RoomNumber, key: Option<CompactString>) -> Option<RoomStep> {
        let before = self.state.room(number)?.rules.key.clone();
        if before == key {
            return None;
        }
        self.state
            .change_rules(number, |rules| rules.key = key.clone());
        match key {
            Some(key) => Some(RoomStep::Key { on: true, key }),
            None => before.map(|key| RoomStep::Key { on: false, key }),
        }
    }

    fn change_list(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        on: bool,
        list: ListKind,
        mask: &str,
        turn: &Turn,
    ) -> Result<Option<RoomStep>, Refusal> {
        // What is no mask matches nobody, and is on no list.
        let Some(mask) = mask::canonical(mask) else {
            return Ok(None);
        };
        let Some((room, person)) = self.state.room(number).zip(self.person(asker.slot)) else {
            return Ok(None);
        };
        let is_same = |entry: &ListEntry| entry.mask.to_lowercase() == mask.to_lowercase();
        let listed = room
            .rules
            .list(list)
            .find(|entry| is_same(entry))
            .map(|entry| entry.mask.clone());
        match (on, listed) {
            (true, Some(_)) | (false, None) => Ok(None),
            (true, None) => {
                if room.rules.list(list).count() >= self.settings.list_entries {
                    return Err(Refusal::ListFull {
                        room: room.name.clone(),
                        mask,
                        letter_of: list,
                    });
                }
                let entry = ListEntry {
                    mask: mask.clone(),
                    by: person.mask().into(),
                    at: turn.now,
                };
                self.state
                    .change_rules(number, |rules| rules.lists.push((list, entry)));
                Ok(Some(RoomStep::List { on, list, mask }))
            }
            (false, Some(mask)) => {
                self.state.change_rules(number, |rules| {
                    rules
                        .lists
                        .retain(|(kind, entry)| *kind != list || entry.mask != mask);
                });
                Ok(Some(RoomStep::List { on, list, mask }))
            }
        }
    }

    fn change_role(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        on: bool,
        role: Role,
        who: &Username,
        turn: &mut Turn,
    ) -> Result<Option<RoomStep>, Refusal> {
        let found = self.find_member(number, who);
        let (name, roles) = match &found {
            Ok(found) => self.described(found),
            // Whoever may not give roles does not learn who is there.
            Err(_) => (who.text().clone(), Roles::NONE),
        };
        let is_oneself = matches!(&found, Ok(Found::Present { slot, .. }) if *slot == asker.slot);
        let of = Target {
            name: &name,
            roles,
            is_oneself,
        };
        self.permit_in(asker, number, Act::ChangeRole { on, role, of })?;
        let found = found?;
        if roles.holds(role) == on {
            return Ok(None);
        }
        let roles = if on {
            roles.with(role)
        } else {
            roles.without(role)
        };
        let account = match found {
            Found::Present { place, account, .. } => {
                self.state.set_roles(place, roles);
                account
            }
            Found::Absent { account, .. } => Some(account),
        };
        if let Some(account) = account {
            let since = self
                .state
                .kept_membership(account, number)
                .map_or(turn.now, |kept| kept.since);
            self.keep_member(number, account, Membership { roles, since }, turn);
        }
        Ok(Some(RoomStep::Role {
            on,
            role,
            who: name,
        }))
    }

    /// The member of this name, present, or an account that is away.
    fn find_member(&self, number: RoomNumber, who: &Username) -> Result<Found, Refusal> {
        let present = self.state.client_named(who.key());
        if let Some((slot, client)) =
            present.and_then(|slot| Some((slot, self.state.client(slot)?)))
            && let Some(place) = client.place(number)
        {
            return Ok(Found::Present {
                slot,
                place,
                account: client.account.as_ref().map(|account| account.slot),
            });
        }
        let account = self.state.account_named(who.key());
        let is_away = |slot: &u32| {
            self.state
                .account(*slot)
                .is_some_and(|account| account.client.is_none())
        };
        if let Some(account) = account.filter(is_away)
            && let Some(membership) = self.state.kept_membership(account, number)
        {
            return Ok(Found::Absent {
                account,
                membership,
            });
        }
        match (present, self.state.room(number)) {
            (Some(_), Some(room)) => Err(Refusal::TheyAreNotMember {
                name: who.text().clone(),
                room: room.name.clone(),
            }),
            _ => Err(Refusal::NoSuchClient {
                name: who.text().clone(),
            }),
        }
    }

    fn described(&self, found: &Found) -> (CompactString, Roles) {
        match found {
            Found::Present { slot, place, .. } => {
                let name = self
                    .state
                    .client(*slot)
                    .map(|client| client.username.text().clone());
                let roles = self.state.member(*place).map(|member| member.roles);
                (name.unwrap_or_default(), roles.unwrap_or_default())
            }
            Found::Absent {
                account,
                membership,
            } => {
                let name = self
                    .state
                    .account(*account)
                    .map(|account| account.username.text().clone());
                (name.unwrap_or_default(), membership.roles)
            }
        }
    }

    pub(super) fn kick(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        who: &Username,
        reason: Option<Box<str>>,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = self.try_kick(asker, name, who, reason, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_kick(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        who: &Username,
        reason: Option<Box<str>>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let number = self.room_for(asker.slot, name, Act::See)?;
        let found = self.find_member(number, who);
        let (name, roles) = match &found {
            Ok(found) => self.described(found),
            Err(_) => (who.text().clone(), Roles::NONE),
        };
        let is_oneself = matches!(&found, Ok(Found::Present { slot, .. }) if *slot == asker.slot);
        self.permit_in(
            asker,
            number,
            Act::Kick {
                of: Target {
                    name: &name,
                    roles,
                    is_oneself,
                },
            },
        )?;
        let Some((by, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return Ok(());
        };
        match found? {
            Found::Present { slot, .. } => {
                let Some(who) = self.person(slot) else {
                    return Ok(());
                };
                let event = turn.event(&by, What::Kicked { room, who, reason });
                self.leave_room(slot, number, event, turn);
            }
            Found::Absent { account, .. } => {
                if let Some(who) = self.absent_person(account) {
                    let event = turn.event(&by, What::Kicked { room, who, reason });
                    let origin = turn.event_origin();
                    self.to_room(number, event, origin, turn);
                }
                self.end_membership(account, number, turn);
            }
        }
        Ok(())
    }

    /// An account that is not here, as far as one can see it.
    fn absent_person(&self, account: u32) -> Option<Arc<Person>> {
        let record = &self.state.account(account)?.record;
        Some(Arc::new(Person {
            id: record.id,
            name: record.username.clone(),
            account: Some(record.username.clone()),
            ..Person::clone(&self.server)
        }))
    }

    // The server

    pub(super) fn kill(&mut self, who: &Username, reason: &str, turn: &mut Turn) {
        if let Err(refusal) = self.require(Right::Kill, turn) {
            turn.refuse(refusal);
            return;
        }
        let Some((slot, person)) = self
            .state
            .client_named(who.key())
            .and_then(|slot| Some((slot, self.person(slot)?)))
        else {
            turn.refuse(Refusal::NoSuchClient {
                name: who.text().clone(),
            });
            return;
        };
        let by = self.person_or_server(turn);
        let by = if by.name.is_empty() {
            "the server"
        } else {
            by.name.as_str()
        };
        let words = format!("Killed by {by}: {reason}");
        turn.answer(Answer::Killed {
            who: person.name.clone(),
        });
        self.close_and_quit(slot, &words, turn);
    }

    pub(super) fn announce(&mut self, to: Announcement, text: Box<str>, turn: &mut Turn) {
        if let Err(refusal) = self.require(Right::Announce, turn) {
            turn.refuse(refusal);
            return;
        }
        let by = self.person_or_server(turn);
        let wallops = to == Announcement::Wallops;
        let event = turn.event(&by, What::Announced { text, wallops });
        if !wallops {
            for list in &mut turn.effects.shards {
                list.push(Effect::ToAll {
                    event: event.clone(),
                });
            }
            return;
        }
        let sessions: Vec<SessionId> = self
            .state
            .clients()
            .filter(|(_, client)| client.has(PersonalMode::Wallops))
            .flat_map(|(_, client)| client.sessions.iter().copied())
            .collect();
        turn.to_sessions(&sessions, &event, None);
    }

    pub(super) fn control(&mut self, control: Control, turn: &mut Turn) {
        let right = match control {
            Control::Rehash => Right::Rehash,
            Control::Restart | Control::Stop => Right::Stop,
        };
        if let Err(refusal) = self.require(right, turn) {
            turn.refuse(refusal);
            return;
        }
        let by = self.person_or_server(turn);
        let by = if by.name.is_empty() {
            "the server".to_owned()
        } else {
            by.name.to_string()
        };
        turn.effects
            .server
            .push(ServerEffect::Control { control, by });
    }
}
