//! What all that happens in rooms stands on: who may do what there, who may know of a room, who is in it.

use super::Hub;
use super::turn::Turn;
use crate::change::Change;
use crate::chatroom::{Chatroom, RoomFlag};
use crate::client::Client;
use crate::command::PersonalMode;
use crate::id::RoomNumber;
use crate::name::ChatroomName;
use crate::permission::{Act, Actor, RoomRules, permit};
use crate::person::Person;
use crate::query::{RoomMembers, Visibility};
use crate::refusal::{Refusal, Right};
use std::sync::Arc;

impl Hub {
    /// The room's side of a permission.
    pub(super) fn rules_of(room: &Chatroom) -> RoomRules<'_> {
        RoomRules {
            name: &room.name,
            flags: room.rules.flags,
            key: room.rules.key.as_deref(),
            is_full: room.rules.member_limit.is_some_and(|limit| room.members.len() >= limit as usize),
            is_group: room.is_group(),
        }
    }

    /// Her side of a permission, without what only some acts ask for.
    pub(super) fn actor(client: &Client, room: &Chatroom) -> Actor {
        Actor {
            roles: client
                .place(room.number)
                .and_then(|place| room.members.get(place.member as usize))
                .map(|member| member.roles),
            is_account: client.is_account(),
            acts_as_owner: Hub::acts_as_owner(client),
            verdict: Default::default(),
            invited: false,
            by_link: false,
            listed_as_invited: false,
            wait_seconds: None,
        }
    }

    /// Only while she shows the rank: whoever owns the server is in rooms a member like any other, until she means it.
    pub(super) fn acts_as_owner(client: &Client) -> bool {
        client.has(PersonalMode::Operator) && client.rights().holds(Right::Rooms)
    }

    /// The room of this name, if the client may do this in it.
    pub(super) fn room_for(&self, slot: u32, name: &ChatroomName, act: Act) -> Result<RoomNumber, Refusal> {
        let missing = || Refusal::NoSuchRoom { name: name.text().clone() };
        let number = self.state.room_named(name.key()).ok_or_else(missing)?;
        let (client, room) = self.state.client(slot).zip(self.state.room(number)).ok_or_else(missing)?;
        permit(&Hub::actor(client, room), act, &Hub::rules_of(room)).map_err(|refusal| refusal.of_room(name.text()))?;
        Ok(number)
    }

    pub(super) fn keep_room(&self, number: RoomNumber, turn: &mut Turn) {
        if let Some(room) = self.state.room(number) {
            turn.keep(Change::Room(Box::new(room.record())));
        }
    }

    /// Who is in a room, as a member of it is told.
    pub(super) fn members_shown_to(&mut self, slot: Option<u32>, number: RoomNumber) -> Option<RoomMembers> {
        let members = self.members_of(number)?;
        let room = self.state.room(number)?;
        let is_of_the_audience = slot.is_some_and(|slot| self.is_of_the_audience(slot, room));
        Some(if is_of_the_audience { members.without_the_audience() } else { members })
    }

    pub(super) fn members_of(&mut self, number: RoomNumber) -> Option<RoomMembers> {
        let members = self.state.rows(number);
        let room = self.state.room(number)?;
        let visibility = match room.has(RoomFlag::Secret) {
            true => Visibility::Secret,
            false if room.has(RoomFlag::Unlisted) => Visibility::Unlisted,
            false => Visibility::Public,
        };
        Some(RoomMembers { room: room.name.clone(), visibility, members })
    }

    /// Whether a client may know that the room is there.
    pub(super) fn can_see(&self, slot: Option<u32>, room: &Chatroom, sees_all: bool) -> bool {
        if sees_all && !room.is_group() {
            return true;
        }
        match slot.and_then(|slot| self.state.client(slot)) {
            Some(client) => permit(&Hub::actor(client, room), Act::See, &Hub::rules_of(room)).is_ok(),
            None => !room.has(RoomFlag::Secret),
        }
    }

    pub(super) fn person_or_server(&self, turn: &Turn) -> Arc<Person> {
        self.asker(turn).and_then(|asker| self.person(asker.slot)).unwrap_or_else(|| self.server.clone())
    }
}
