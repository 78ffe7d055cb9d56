//! Rooms: their names, rules, members, recent messages and pins.

use super::journal::Undo;
use super::{REDACTIONS, Redacted, State, forget_worked_out, name_of_room, set_place};
use crate::chatroom::{Chatroom, ChatroomKind, Member, Rules};
use crate::client::Place;
use crate::hub::name_index::Named;
use crate::id::{ClientId, MessageId, RoomNumber, Timestamp};
use crate::invite_link::LinkHash;
use crate::membership::{Membership, Roles};
use crate::message::Message;
use crate::name::{ChatroomName, Username};
use crate::pin::Pin;
use crate::query::MemberRow;
use crate::snapshot::FormerName;
use compact_str::CompactString;
use std::sync::Arc;

impl State {
    pub fn room(&self, number: RoomNumber) -> Option<&Chatroom> {
        self.rooms.get(number.0 as usize)?.as_deref()
    }

    pub(super) fn room_mut(&mut self, number: RoomNumber) -> Option<&mut Chatroom> {
        self.rooms.get_mut(number.0 as usize)?.as_deref_mut()
    }

    /// Every room by its number, direct conversations too.
    pub fn rooms(&self) -> impl Iterator<Item = &Chatroom> {
        self.rooms.iter().filter_map(Option::as_deref)
    }

    pub fn room_named(&self, key: &str) -> Option<RoomNumber> {
        self.room_names.find(key, |number| self.room(RoomNumber(number)).map(name_of_room)).map(RoomNumber)
    }

    /// Another room whose name looks like this one.
    pub fn room_looking_like(&self, name: &ChatroomName, except: Option<RoomNumber>) -> Option<RoomNumber> {
        let name = Named { text: name.text(), key: name.key() };
        self.room_names
            .find_confusable(
                name,
                |number| self.room(RoomNumber(number)).map(name_of_room),
                |number| Some(RoomNumber(number)) == except,
            )
            .map(RoomNumber)
    }

    pub fn direct(&self, one: ClientId, other: ClientId) -> Option<RoomNumber> {
        self.directs.get(&(one.min(other), one.max(other))).copied()
    }

    /// The direct conversations that a client has had, in the order of their making.
    pub fn directs_of(&self, client: ClientId) -> impl Iterator<Item = &Chatroom> {
        let all = (client, RoomNumber(0))..=(client, RoomNumber(u32::MAX));
        self.directs_of.range(all).filter_map(|(_, number)| self.room(*number))
    }

    /// The number that the next room gets.
    pub fn next_room(&self) -> RoomNumber {
        RoomNumber(self.next_room)
    }

    /// Numbers below this were given out before.
    pub fn reserve_room_numbers(&mut self, next: u32) {
        self.next_room = self.next_room.max(next);
    }

    /// Adds a room under the number that is next.
    pub fn add_room(&mut self, room: Chatroom) {
        let number = room.number;
        self.place_room(Box::new(room));
        self.journal.push(Undo::RoomAdded(number));
    }

    pub(super) fn place_room(&mut self, room: Box<Chatroom>) {
        let place = room.number.0 as usize;
        if self.rooms.len() <= place {
            self.rooms.resize_with(place + 1, || None);
        }
        self.next_room = self.next_room.max(room.number.0.saturating_add(1));
        self.link_rules(room.number, &room.rules);
        for (key, _) in room.former_names() {
            self.former_names.insert(key.clone(), room.number);
        }
        match room.kind {
            ChatroomKind::Named => {
                self.room_names.insert(room.number.0, name_of_room(&room));
                self.counts.rooms += 1;
            }
            ChatroomKind::Group => {
                self.room_names.insert(room.number.0, name_of_room(&room));
                self.counts.direct_rooms += 1;
            }
            ChatroomKind::Direct(one, other) => {
                self.directs.insert((one, other), room.number);
                self.directs_of.extend([(one, room.number), (other, room.number)]);
                self.counts.direct_rooms += 1;
            }
        }
        self.rooms[place] = Some(room);
    }

    pub(super) fn displace_room(&mut self, number: RoomNumber) -> Option<Box<Chatroom>> {
        let room = self.rooms.get_mut(number.0 as usize)?.take()?;
        self.unlink_rules(number, &room.rules);
        self.unlink_former_names(&room);
        match room.kind {
            ChatroomKind::Named => {
                self.room_names.remove(number.0, name_of_room(&room));
                self.counts.rooms -= 1;
            }
            ChatroomKind::Group => {
                self.room_names.remove(number.0, name_of_room(&room));
                self.counts.direct_rooms -= 1;
            }
            ChatroomKind::Direct(one, other) => {
                self.directs.remove(&(one, other));
                self.directs_of.remove(&(one, number));
                self.directs_of.remove(&(other, number));
                self.counts.direct_rooms -= 1;
            }
        }
        Some(room)
    }

    /// Nobody may be in it. Its number is not given out again.
    pub fn remove_room(&mut self, number: RoomNumber) {
        if let Some(room) = self.displace_room(number) {
            self.journal.push(Undo::RoomRemoved(room));
        }
    }

    pub fn change_rules(&mut self, number: RoomNumber, change: impl FnOnce(&mut Rules)) {
        let Some(room) = self.room_mut(number) else {
            return;
        };
        let before = room.rules.clone();
        change(&mut room.rules);
        if room.rules.lists != before.lists {
            forget_worked_out(room);
        }
        self.relink_rules(number, &before);
        self.journal.push(Undo::Rules { room: number, before: Box::new(before) });
    }

    pub(super) fn link_rules(&mut self, number: RoomNumber, rules: &Rules) {
        self.links.extend(rules.links.iter().map(|link| (link.hash, number)));
        self.entry_ends.extend(rules.first_end().map(|end| (end, number)));
    }

    pub(super) fn unlink_rules(&mut self, number: RoomNumber, rules: &Rules) {
        for link in &rules.links {
            self.links.remove(&link.hash);
        }
        if let Some(end) = rules.first_end() {
            self.entry_ends.remove(&(end, number));
        }
    }

    /// Puts right what is derived from a room's rules, after they were changed from `before`.
    pub(super) fn relink_rules(&mut self, number: RoomNumber, before: &Rules) {
        let Some(room) = self.rooms.get(number.0 as usize).and_then(Option::as_deref) else { return };
        let rules = &room.rules;
        if rules.links != before.links {
            before.links.iter().for_each(|link| _ = self.links.remove(&link.hash));
            self.links.extend(rules.links.iter().map(|link| (link.hash, number)));
        }
        if let Some(end) = before.first_end() {
            self.entry_ends.remove(&(end, number));
        }
        self.entry_ends.extend(rules.first_end().map(|end| (end, number)));
    }

    pub fn room_of_link(&self, hash: LinkHash) -> Option<RoomNumber> {
        self.links.get(&hash).copied()
    }

    /// The first entry of a room's lists that ends by itself, and when.
    pub fn next_entry_end(&self) -> Option<(Timestamp, RoomNumber)> {
        self.entry_ends.first().copied()
    }

    /// Gives a named room another name, which must be free.
    pub fn name_room(&mut self, number: RoomNumber, name: &ChatroomName, paid_at: Option<Timestamp>) {
        if let Some(before) = self.replace_room_name(number, name.text().clone(), name.key().clone(), paid_at) {
            self.journal.push(Undo::RoomNamed { room: number, before: Box::new(before) });
        }
    }

    /// The names that a room had before, folded too.
    pub fn set_former_names(&mut self, number: RoomNumber, names: Vec<(CompactString, FormerName)>) {
        if let Some(before) = self.replace_former_names(number, names) {
            self.journal.push(Undo::FormerNames { room: number, before });
        }
    }

    pub(super) fn replace_former_names(
        &mut self,
        number: RoomNumber,
        names: Vec<(CompactString, FormerName)>,
    ) -> Option<Vec<(CompactString, FormerName)>> {
        let mut room = self.rooms.get_mut(number.0 as usize)?.take()?;
        self.unlink_former_names(&room);
        for (key, _) in &names {
            self.former_names.insert(key.clone(), number);
        }
        let names = (!names.is_empty()).then(|| Box::new(names));
        let before = std::mem::replace(&mut room.former_names, names);
        self.rooms[number.0 as usize] = Some(room);
        Some(before.map(|names| *names).unwrap_or_default())
    }

    fn unlink_former_names(&mut self, room: &Chatroom) {
        for (key, _) in room.former_names() {
            if self.former_names.get(key) == Some(&room.number) {
                self.former_names.remove(key);
            }
        }
    }

    /// The last room that had this name, folded, before, however long ago.
    pub fn last_formerly_named(&self, key: &str) -> Option<RoomNumber> {
        self.former_names.get(key).copied()
    }

    /// The room that had this name, folded, before.
    pub fn room_formerly_named(&self, key: &str, now: Timestamp) -> Option<RoomNumber> {
        let number = *self.former_names.get(key)?;
        let mut names = self.room(number)?.former_names();
        names.any(|(former, name)| former == key && now < name.until).then_some(number)
    }

    /// Notes what the one of a direct conversation who has no account is called.
    pub fn name_other_side(&mut self, number: RoomNumber, name: Option<&Username>) {
        let (text, key) = name.map(|name| (name.text().clone(), name.key().clone())).unwrap_or_default();
        if let Some(before) = self.replace_room_name(number, text, key, None) {
            self.journal.push(Undo::RoomNamed { room: number, before: Box::new(before) });
        }
    }

    /// Notes that someone spoke in a room where one must wait so many seconds before one speaks again.
    pub fn note_spoke(&mut self, number: RoomNumber, client: ClientId, seconds: u32, now: Timestamp) {
        let Some(room) = self.room_mut(number) else {
            return;
        };
        let spoke = room.spoke.get_or_insert_default();
        // Those who may speak again are forgotten now and then, so that the list is of those who spoke lately.
        if spoke.len() >= 64 && spoke.len().is_power_of_two() {
            let since = now.0.saturating_sub(u64::from(seconds) * 1000);
            spoke.retain(|_, at| at.0 > since);
        }
        let before = spoke.insert(client, now);
        self.journal.push(Undo::Spoke { room: number, client, before });
    }

    pub(super) fn replace_room_name(
        &mut self,
        number: RoomNumber,
        name: CompactString,
        key: CompactString,
        at: Option<Timestamp>,
    ) -> Option<(CompactString, CompactString, Option<Timestamp>)> {
        let room = self.rooms.get_mut(number.0 as usize)?.as_deref_mut()?;
        let is_direct = room.is_direct();
        if !is_direct {
            self.room_names.remove(number.0, name_of_room(room));
        }
        let before = (
            std::mem::replace(&mut room.name, name),
            std::mem::replace(&mut room.key, key),
            std::mem::replace(&mut room.renames_paid_at, at),
        );
        if !is_direct {
            self.room_names.insert(number.0, name_of_room(room));
        }
        Some(before)
    }

    pub fn note_verdict(&mut self, place: Place, verdict: crate::mask::Verdict) {
        if let Some(member) = self.room_mut(place.room).and_then(|room| room.members.get_mut(place.member as usize)) {
            member.verdict = Some(verdict);
        }
    }

    pub fn member(&self, place: Place) -> Option<&Member> {
        self.room(place.room)?.members.get(place.member as usize)
    }

    /// The client must not be in the room yet.
    pub fn add_member(&mut self, number: RoomNumber, slot: u32, membership: Membership) {
        let State { clients, rooms, .. } = self;
        let Some(room) = rooms.get_mut(number.0 as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let Some(client) = clients.at_mut(slot) else {
            return;
        };
        client.rooms.push(Place { room: number, member: room.members.len() as u32 });
        let Membership { roles, since, position } = membership;
        room.members.push(Member { client: slot, roles, verdict: None, since, position });
        room.rows = None;
        for session in &client.sessions {
            room.session_entered(*session);
        }
        self.journal.push(Undo::MemberAdded(number));
    }

    /// The last member takes the free place.
    pub fn remove_member(&mut self, number: RoomNumber, slot: u32) {
        let State { clients, rooms, .. } = self;
        let Some(room) = rooms.get_mut(number.0 as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let Some(client) = clients.at_mut(slot) else {
            return;
        };
        let Some(position) = client.rooms.iter().position(|place| place.room == number) else {
            return;
        };
        let place = client.rooms.remove(position);
        if place.member as usize >= room.members.len() {
            return;
        }
        let before = room.members.swap_remove(place.member as usize);
        room.rows = None;
        for session in &client.sessions {
            room.session_left(*session);
        }
        if let Some(moved) = room.members.get(place.member as usize) {
            set_place(clients, moved.client, number, place.member);
        }
        self.journal.push(Undo::MemberRemoved { room: number, member: place.member, place: position as u32, before });
    }

    pub fn set_roles(&mut self, place: Place, roles: Roles) {
        let Some(room) = self.room_mut(place.room) else {
            return;
        };
        let Some(member) = room.members.get_mut(place.member as usize) else {
            return;
        };
        let before = std::mem::replace(&mut member.roles, roles);
        room.rows = None;
        self.journal.push(Undo::Roles { room: place.room, member: place.member, before });
    }

    /// The rows of everyone in the room.
    pub fn rows(&mut self, number: RoomNumber) -> Arc<[MemberRow]> {
        let State { clients, rooms, .. } = self;
        let Some(room) = rooms.get_mut(number.0 as usize).and_then(Option::as_deref_mut) else {
            return Arc::from([]);
        };
        if let Some(rows) = &room.rows {
            return rows.clone();
        }
        let rows: Arc<[MemberRow]> = room
            .members
            .iter()
            .filter_map(|member| {
                let client = clients.at(member.client)?;
                Some(MemberRow { person: client.person.clone(), roles: member.roles })
            })
            .collect();
        room.rows = Some(rows.clone());
        rows
    }

    /// Keeps a message among the room's recent ones, of which there are at most `limit`.
    pub fn push_message(&mut self, message: Arc<Message>, limit: usize) {
        let number = message.room;
        let Some(room) = self.room_mut(number) else {
            return;
        };
        let had_history = std::mem::replace(&mut room.has_history, true);
        let last_said = room.last_said;
        if message.audience.is_none() {
            room.last_said = message.timestamp;
        }
        let evicted = if room.messages.len() >= limit { room.messages.pop_front() } else { None };
        let pushed = limit > 0;
        if pushed {
            room.messages.push_back(message);
        }
        self.journal.push(Undo::Posted { room: number, evicted, pushed, had_history, last_said });
    }

    /// As it is known at start.
    pub fn set_last_said(&mut self, number: RoomNumber, at: Timestamp) {
        if let Some(room) = self.room_mut(number) {
            room.last_said = at;
        }
    }

    /// Was redacted a moment ago: whoever has read the message before that comes too late.
    pub fn was_redacted(&self, id: MessageId) -> bool {
        self.redacted.contains(&id)
    }

    /// Notes that a message is redacted, and forgets it where it is held in memory.
    pub fn redact_message(&mut self, number: RoomNumber, id: MessageId) {
        let evicted = if self.redacted.len() >= REDACTIONS { self.redacted.pop_front() } else { None };
        self.redacted.push_back(id);
        let recent = self.room_mut(number).and_then(|room| {
            let place = room.messages.iter().position(|message| message.id == id)?;
            Some((number, place, room.messages.remove(place)?))
        });
        self.journal.push(Undo::Redacted(Box::new(Redacted { evicted, recent })));
    }

    /// A message has another text, where it is held in memory.
    pub fn replace_message(&mut self, message: Arc<Message>) {
        let Some(room) = self.room_mut(message.room) else {
            return;
        };
        if let Some(place) = room.messages.iter().position(|known| known.id == message.id) {
            let before = std::mem::replace(&mut room.messages[place], message);
            self.journal.push(Undo::Replaced { place, before });
        }
    }

    /// Behind the room's other pins.
    pub fn pin(&mut self, number: RoomNumber, pin: Pin) {
        if let Some(room) = self.room_mut(number) {
            room.pins.get_or_insert_default().push(pin);
            self.journal.push(Undo::Pinned(number));
        }
    }

    /// `false`: it was not pinned.
    pub fn unpin(&mut self, number: RoomNumber, message: MessageId) -> bool {
        let Some(room) = self.room_mut(number) else {
            return false;
        };
        let Some(place) = room.pins().iter().position(|pin| pin.message == message) else {
            return false;
        };
        if let Some(before) = room.pins.as_mut().map(|pins| pins.remove(place)) {
            room.tidy_pins();
            self.journal.push(Undo::Unpinned { room: number, place, before: Box::new(before) });
        }
        true
    }
}
