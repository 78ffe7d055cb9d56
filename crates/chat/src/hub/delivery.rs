//! Who hears of what: rooms as a whole where that says it, else each session once.

use super::Hub;
use super::turn::Turn;
use crate::effect::{Effect, EventOrigin};
use crate::event::{Event, RoomRef};
use crate::id::{RoomNumber, SessionId};
use crate::membership::Role;
use crate::person::Person;
use std::sync::Arc;

impl Hub {
    /// To every shard that has sessions in the room, and to the one whose session asked.
    pub(super) fn tell_room(&self, room: RoomNumber, event: Event, origin: Option<EventOrigin>, turn: &mut Turn) {
        let Some(chatroom) = self.state.room(room) else {
            return;
        };
        let asked = origin.map(|origin| origin.session.shard as usize);
        for (shard, list) in turn.effects.shards.iter_mut().enumerate() {
            if chatroom.sessions_on(shard) > 0 || asked == Some(shard) {
                list.push(Effect::ToRoom { room, event: event.clone(), origin });
            }
        }
    }

    /// To her own sessions and to everyone who shares a room with her, each once: to her largest room as a whole, and to
    /// those of her other rooms who are not in it one by one. So the list stays short where the rooms overlap, as when
    /// all of a great room go at once.
    pub(super) fn tell_peers(&mut self, slot: u32, event: Event, origin: Option<EventOrigin>, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let size = |room: RoomNumber| self.state.room(room).map_or(0, |room| room.members.len());
        // The first of the largest.
        let largest = client.rooms.iter().rev().map(|place| place.room).max_by_key(|room| size(*room));
        let Some(largest) = largest else {
            turn.tell_sessions(&client.sessions, &event, origin);
            return;
        };
        let has_others = client.rooms.len() > 1;
        self.tell_room(largest, event.clone(), origin, turn);
        if has_others {
            let sessions = self.sessions_of_peers_outside(slot, largest);
            // The one who asked is in her largest room, and told there.
            turn.tell_sessions(&sessions, &event, None);
        }
    }

    /// The sessions of all who share a room with a client, each once; not in any order.
    pub(super) fn sessions_of_peers(&mut self, slot: u32) -> Vec<SessionId> {
        let rooms: Vec<RoomNumber> = self
            .state
            .client(slot)
            .map_or_else(Vec::new, |client| client.rooms.iter().map(|place| place.room).collect());
        match rooms.first() {
            None => Vec::new(),
            Some(first) => {
                let mut sessions = self.sessions_of_room(*first);
                sessions.extend(self.sessions_of_peers_outside(slot, *first));
                sessions
            }
        }
    }

    /// The sessions of all who share a room with a client but are not in this one, each once.
    fn sessions_of_peers_outside(&mut self, slot: u32, largest: RoomNumber) -> Vec<SessionId> {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.seen.clear();
            self.epoch = 1;
        }
        self.seen.resize(self.state.client_places(), 0);
        let Some(client) = self.state.client(slot) else {
            return Vec::new();
        };
        let mut sessions = Vec::new();
        let rooms = client.rooms.iter().map(|place| place.room).filter(|room| *room != largest);
        let members = rooms.filter_map(|room| self.state.room(room)).flat_map(|room| &room.members);
        for member in members {
            match self.seen.get_mut(member.client as usize) {
                Some(seen) if *seen != self.epoch => *seen = self.epoch,
                _ => continue,
            }
            if let Some(peer) = self.state.client(member.client).filter(|peer| peer.place(largest).is_none()) {
                sessions.extend_from_slice(&peer.sessions);
            }
        }
        sessions
    }

    /// To those who watch her name and share no room with her: the others are told as peers.
    pub(super) fn tell_watchers(&self, slot: u32, event: &Event, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let sessions: Vec<SessionId> = self
            .state
            .watchers(client.username.key())
            .iter()
            .copied()
            .filter(|id| {
                self.state
                    .session(*id)
                    .is_some_and(|session| session.client != slot && !self.share_a_room(session.client, slot))
            })
            .collect();
        turn.tell_watchers(&sessions, event);
    }

    pub(super) fn share_a_room(&self, one: u32, other: u32) -> bool {
        let (Some(one), Some(other)) = (self.state.client(one), self.state.client(other)) else {
            return false;
        };
        one.rooms.iter().any(|place| other.place(place.room).is_some())
    }

    /// The sessions of a room's members of at least this role.
    pub(super) fn sessions_at_least(&self, room: RoomNumber, role: Role) -> Vec<SessionId> {
        let Some(room) = self.state.room(room) else {
            return Vec::new();
        };
        room.members
            .iter()
            .filter(|member| member.roles.at_least(role))
            .filter_map(|member| self.state.client(member.client))
            .flat_map(|client| client.sessions.iter().copied())
            .collect()
    }

    /// The sessions of all members of a room.
    pub(super) fn sessions_of_room(&self, room: RoomNumber) -> Vec<SessionId> {
        let members = self.state.room(room).map(|room| room.members.as_slice()).unwrap_or_default();
        let clients = members.iter().filter_map(|member| self.state.client(member.client));
        clients.flat_map(|client| client.sessions.iter().copied()).collect()
    }

    pub(super) fn sessions_of(&self, slot: u32) -> Vec<SessionId> {
        self.state.client(slot).map_or_else(Vec::new, |client| client.sessions.to_vec())
    }

    pub(super) fn room_ref(&self, room: RoomNumber) -> Option<RoomRef> {
        let room = self.state.room(room)?;
        Some(RoomRef { number: room.number, id: room.id, name: room.name.clone() })
    }

    pub(super) fn person(&self, slot: u32) -> Option<Arc<Person>> {
        self.state.client(slot).map(|client| client.person.clone())
    }
}
