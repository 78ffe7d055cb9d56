//! Who hears of what: rooms as a whole where that says it, else each session once.

use super::Hub;
use super::turn::Turn;
use crate::chatroom::{Chatroom, RoomFlag};
use crate::client::Client;
use crate::effect::{Effect, EventOrigin};
use crate::event::{Event, RoomRef};
use crate::id::{RoomNumber, SessionId};
use crate::membership::{Role, Roles};
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

    /// What concerns a member of a room: to all of it, or, if she is one of its audience, to those who see that and to
    /// herself.
    pub(super) fn tell_of_member(
        &self,
        slot: u32,
        room: RoomNumber,
        event: Event,
        origin: Option<EventOrigin>,
        turn: &mut Turn,
    ) {
        let Some(audience) = self.audience_of(slot, room) else {
            return self.tell_room(room, event, origin, turn);
        };
        let mut sessions = self.sessions_at_least(room, audience);
        sessions.extend(self.sessions_of(slot));
        // Whoever did it to her, from outside perhaps.
        if let Some(origin) = origin.filter(|origin| !sessions.contains(&origin.session)) {
            sessions.push(origin.session);
        }
        turn.tell_sessions(&sessions, &event, origin);
    }

    /// Who sees that a client is in a room: members of at least this role, or everyone.
    pub(super) fn audience_of(&self, slot: u32, room: RoomNumber) -> Option<Role> {
        let (client, room) = self.state.client(slot).zip(self.state.room(room))?;
        room.roles_of(client).is_some_and(|roles| room.hides(roles)).then_some(Role::Voice)
    }

    /// To her own sessions and to everyone who sees her in a room, each once: to her largest room as a whole, and to
    /// those of her other rooms who are not in it one by one. So the list stays short where the rooms overlap, as when
    /// all of a great room go at once.
    pub(super) fn tell_peers(&mut self, slot: u32, event: Event, origin: Option<EventOrigin>, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let size = |room: RoomNumber| self.state.room(room).map_or(0, |room| room.members.len());
        let shows = |room: &RoomNumber| {
            self.state.room(*room).is_some_and(|room| !room.has(RoomFlag::Auditorium) || is_shown(client, room))
        };
        // The first of the largest.
        let largest = client.rooms.iter().rev().map(|place| place.room).filter(shows).max_by_key(|room| size(*room));
        let has_others = client.rooms.len() > 1;
        let Some(largest) = largest else {
            let mut sessions = client.sessions.to_vec();
            sessions.extend(self.sessions_of_peers(slot));
            turn.tell_sessions(&sessions, &event, origin);
            return;
        };
        self.tell_room(largest, event.clone(), origin, turn);
        if has_others {
            let sessions = self.sessions_of_peers_outside(slot, Some(largest));
            // The one who asked is in her largest room, and told there.
            turn.tell_sessions(&sessions, &event, None);
        }
    }

    /// The sessions of all others who see a client in a room, each once; not in any order.
    pub(super) fn sessions_of_peers(&mut self, slot: u32) -> Vec<SessionId> {
        self.sessions_of_peers_outside(slot, None)
    }

    /// The sessions of all others who see a client in a room but are not in this one, each once.
    fn sessions_of_peers_outside(&mut self, slot: u32, told: Option<RoomNumber>) -> Vec<SessionId> {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.seen.clear();
            self.epoch = 1;
        }
        self.seen.resize(self.state.client_places(), 0);
        let Some(client) = self.state.client(slot) else {
            return Vec::new();
        };
        if let Some(oneself) = self.seen.get_mut(slot as usize) {
            *oneself = self.epoch;
        }
        let mut sessions = Vec::new();
        let rooms = client.rooms.iter().map(|place| place.room).filter(|room| Some(*room) != told);
        let members = rooms.filter_map(|room| self.state.room(room)).flat_map(|room| {
            let is_hidden = room.has(RoomFlag::Auditorium) && !is_shown(client, room);
            room.members.iter().filter(move |member| !is_hidden || member.roles != Roles::NONE)
        });
        for member in members {
            match self.seen.get_mut(member.client as usize) {
                Some(seen) if *seen != self.epoch => *seen = self.epoch,
                _ => continue,
            }
            let was_told = |peer: &&Client| told.is_some_and(|room| peer.place(room).is_some());
            if let Some(peer) = self.state.client(member.client).filter(|peer| !was_told(peer)) {
                sessions.extend_from_slice(&peer.sessions);
            }
        }
        sessions
    }

    /// To those who watch her name and see her in no room: the others are told as peers.
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
                    .is_some_and(|session| session.client != slot && !self.see_each_other(session.client, slot))
            })
            .collect();
        turn.tell_watchers(&sessions, event);
    }

    /// Whether two share a room in which neither of them is hidden from the other.
    pub(super) fn see_each_other(&self, one: u32, other: u32) -> bool {
        let (Some(one), Some(other)) = (self.state.client(one), self.state.client(other)) else {
            return false;
        };
        one.rooms.iter().filter(|place| other.place(place.room).is_some()).any(|place| {
            self.state
                .room(place.room)
                .is_some_and(|room| !room.has(RoomFlag::Auditorium) || is_shown(one, room) || is_shown(other, room))
        })
    }

    /// Whether a member of a room is not told who its audience is.
    pub(super) fn is_of_the_audience(&self, slot: u32, room: &Chatroom) -> bool {
        self.state.client(slot).is_some_and(|client| !is_shown(client, room))
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

/// Whether everyone who is in the room sees that she is there.
fn is_shown(client: &Client, room: &Chatroom) -> bool {
    room.roles_of(client).is_none_or(|roles| !room.hides(roles))
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    /// Coming, going and being there are told to those who have a role, and of those who have one; what is said is for all.
    #[test]
    fn an_audience_sees_the_stage_alone() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice mode #tea +u
            [alice*] alice changed #tea: +u
            > bob arrives
            bob: welcome bob
            > carol arrives
            carol: welcome carol
            > carol watches bob
            carol: online [bob] offline []
            > show notes
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice
            note in #tea for +: bob joined #tea
            > carol joins #tea
            [alice carol*] carol joined #tea
            carol: entered #tea @alice
            note in #tea for +: carol joined #tea
            > bob says #tea hi
            [alice bob* carol] bob -> #tea: hi
            > alice asks members #tea
            alice: members of #tea: @alice bob carol
            > bob asks members #tea
            bob: members of #tea: @alice
            > bob asks who #tea
            bob: who #tea: alice(@#tea)
            > bob asks whois carol
            bob: whois carol in [] devices 1 idle 0
            > bob asks whois alice
            bob: whois alice in [@#tea] devices 1 idle 0
            > alice asks whois carol
            alice: whois carol in [#tea] devices 1 idle 0
            > bob away lunch
            [bob* alice] bob is away: lunch
            watching [carol] bob is away: lunch
            bob: away true
            > alice mode #tea +v bob
            [alice* bob carol] alice changed #tea: +v:bob
            note in #tea: alice changed #tea: +v:bob
            > bob renames rob
            [alice bob* carol] bob is now rob
            [carol] bob is offline
            note in #tea: bob is now rob
            > bob asks members #tea
            bob: members of #tea: @alice +rob carol
            > bob joins #cup
            [bob*] rob joined #cup @ away: lunch
            bob: entered #cup @rob
            note in #cup: rob joined #cup @ away: lunch
            > carol joins #cup
            [bob carol*] carol joined #cup
            carol: entered #cup @rob carol
            note in #cup: carol joined #cup
            > alice mode #tea -v rob
            [alice* bob carol] alice changed #tea: -v:rob
            note in #tea: alice changed #tea: -v:rob
            > carol renames cora
            [bob carol*] carol is now cora
            [alice] carol is now cora
            note in #tea for +: carol is now cora
            note in #cup: carol is now cora
            > carol parts #cup
            [bob carol*] cora left #cup
            note in #cup: cora left #cup
            > alice kicks #tea cora out
            [alice* carol] alice kicked cora from #tea (out)
            note in #tea for +: alice kicked cora from #tea (out)
            > bob parts #tea
            [alice bob*] rob left #tea
            note in #tea for +: rob left #tea
            > alice parts #tea
            [alice*] alice left #tea
            note in #tea: alice left #tea
            ",
        );
    }
}
