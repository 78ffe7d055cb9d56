//! The journal: before-images of what changed, and how each is put back.

use super::personal::{Keeper, MetadataOf};
use super::{
    Account, Redacted, Reported, Returning, Session, SessionPlace, Stage, State, Whowas, forget_worked_out, set_place,
};
use crate::audit::AuditEntry;
use crate::chatroom::{Chatroom, Member, Rules};
use crate::client::{Client, Place};
use crate::id::{ClientId, MessageId, RoomNumber, SessionId, Timestamp};
use crate::membership::{Membership, Roles};
use crate::message::Message;
use crate::metadata::{Marks, MetadataKey};
use crate::name::Username;
use crate::once::Forgotten;
use crate::personal::ConversationKey;
use crate::pin::Pin;
use crate::report::ReportNumber;
use crate::server_ban::ServerBan;
use crate::snapshot::{DeviceRecord, FormerName, SharedAccount};
use compact_str::CompactString;
use std::sync::Arc;

/// How to take one step back.
#[derive(Debug)]
pub(super) enum Undo {
    ClientAdded { slot: u32, appended: bool },
    ClientRemoved { slot: u32, client: Box<Client> },
    Client { slot: u32, before: Box<Client> },
    Attached { session: SessionId, before: Box<SessionPlace> },
    Detached { session: SessionId, position: u32, before: Box<SessionPlace> },
    Stage { session: SessionId, before: Box<SessionPlace> },
    RoomAdded(RoomNumber),
    RoomRemoved(Box<Chatroom>),
    Rules { room: RoomNumber, before: Box<Rules> },
    Spoke { room: RoomNumber, client: ClientId, before: Option<Timestamp> },
    RoomNamed { room: RoomNumber, before: Box<(CompactString, CompactString, Option<Timestamp>)> },
    FormerNames { room: RoomNumber, before: Vec<(CompactString, FormerName)> },
    MemberAdded(RoomNumber),
    MemberRemoved { room: RoomNumber, member: u32, place: u32, before: Member },
    Roles { room: RoomNumber, member: u32, before: Roles },
    Posted { room: RoomNumber, evicted: Option<Arc<Message>>, pushed: bool, had_history: bool, last_said: Timestamp },
    AccountAdded { slot: u32, appended: bool },
    AccountRemoved { slot: u32, account: Box<Account> },
    Record { slot: u32, before: SharedAccount },
    AlwaysOn { slot: u32, before: bool },
    AbsentSince { slot: u32, before: Option<Timestamp> },
    OwedAudits { before: Vec<AuditEntry> },
    GroupChanges { slot: u32, before: (u64, u32) },
    AccountNamed { slot: u32, before: Box<(Username, SharedAccount)> },
    KeptAdded { account: u32 },
    KeptChanged { account: u32, position: u32, before: Membership },
    KeptRemoved { account: u32, position: u32, room: RoomNumber, before: Membership },
    Marker { keeper: Keeper, conversation: ConversationKey, before: Option<Timestamp>, had_history: bool },
    Marks { keeper: Keeper, conversation: ConversationKey, before: Marks },
    Metadata { of: MetadataOf, key: Box<MetadataKey>, before: Option<Arc<str>> },
    Subscriptions { session: SessionId, before: Vec<MetadataKey> },
    Absent { session: SessionId, before: bool },
    Devices { account: u32, before: Vec<DeviceRecord> },
    Watched(SessionId),
    Unwatched { session: SessionId, position: u32, watcher: u32, name: Box<Username> },
    ServerBans(Arc<Vec<ServerBan>>),
    WhowasAdded { evicted: Option<Box<Whowas>> },
    Returning(Vec<Returning>),
    OnceAdded { before: Option<MessageId> },
    OnceForgotten(Box<Forgotten>),
    Redacted(Box<Redacted>),
    Report { number: ReportNumber, before: Option<Box<Reported>> },
    Pinned(RoomNumber),
    Unpinned { room: RoomNumber, place: usize, before: Box<Pin> },
    Replaced { place: usize, before: Arc<Message> },
}

impl State {
    pub fn mark(&mut self, batch: u64) {
        self.marks.push_back((batch, self.journal.len()));
    }

    pub fn forget_until(&mut self, batch: u64) {
        let mut end = 0;
        while let Some((number, length)) = self.marks.front().copied() {
            if number > batch {
                break;
            }
            end = length;
            self.marks.pop_front();
        }
        let end = end.min(self.journal.len());
        self.journal.drain(..end);
        for (_, length) in &mut self.marks {
            *length = length.saturating_sub(end);
        }
    }

    pub fn forget_all(&mut self) {
        self.journal.clear();
        self.marks.clear();
    }

    pub fn roll_back(&mut self) {
        self.roll_back_to(0);
        self.marks.clear();
    }

    /// Takes back what was done since the journal had this length.
    pub fn roll_back_to(&mut self, length: usize) {
        while self.journal.len() > length {
            if let Some(step) = self.journal.pop() {
                self.take_back(step);
            }
        }
        for room in self.rooms.iter_mut().flatten() {
            forget_worked_out(room);
        }
    }

    pub fn journal_length(&self) -> usize {
        self.journal.len()
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::ClientAdded { slot, appended } => {
                self.unlink_client(slot);
                self.clients.take_back_insert(slot, appended);
            }
            Undo::ClientRemoved { slot, client } => {
                self.clients.take_back_remove(slot, *client);
                self.link_client(slot);
            }
            Undo::Client { slot, before } => {
                if let Some(client) = self.clients.at_mut(slot) {
                    let after = std::mem::replace(client, *before);
                    self.relink_client(slot, &after);
                }
            }
            Undo::Attached { session, before } => {
                if let Some(slot) = self.session(session).map(|session| session.client)
                    && let Some(client) = self.clients.at_mut(slot)
                {
                    client.sessions.pop();
                    for place in &client.rooms {
                        if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                            room.session_left(session);
                        }
                    }
                }
                self.counts.sessions -= 1;
                self.put_back(session, *before);
            }
            Undo::Detached { session, position, before } => {
                if let Stage::Present(Session { client, .. }) = &before.stage
                    && let Some(client) = self.clients.at_mut(*client)
                {
                    client.sessions.insert((position as usize).min(client.sessions.len()), session);
                    for place in &client.rooms {
                        if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                            room.session_entered(session);
                        }
                    }
                }
                self.counts.sessions += 1;
                self.put_back(session, *before);
            }
            Undo::Stage { session, before } => self.put_back(session, *before),
            Undo::RoomAdded(number) => {
                self.displace_room(number);
                self.rooms.truncate(number.0 as usize);
                self.next_room = number.0;
            }
            Undo::RoomRemoved(room) => self.place_room(room),
            Undo::Rules { room, before } => {
                if let Some(found) = self.room_mut(room) {
                    let after = std::mem::replace(&mut found.rules, *before);
                    self.relink_rules(room, &after);
                }
            }
            Undo::Spoke { room, client, before } => {
                if let Some(spoke) = self.room_mut(room).and_then(|room| room.spoke.as_mut()) {
                    match before {
                        Some(before) => spoke.insert(client, before),
                        None => spoke.remove(&client),
                    };
                }
            }
            Undo::RoomNamed { room, before } => {
                let (name, key, at) = *before;
                self.replace_room_name(room, name, key, at);
            }
            Undo::FormerNames { room, before } => _ = self.replace_former_names(room, before),
            Undo::MemberAdded(number) => {
                let State { clients, rooms, .. } = self;
                if let Some(room) = rooms.get_mut(number.0 as usize).and_then(Option::as_deref_mut)
                    && let Some(member) = room.members.pop()
                    && let Some(client) = clients.at_mut(member.client)
                {
                    client.rooms.pop();
                    for session in &client.sessions {
                        room.session_left(*session);
                    }
                }
            }
            Undo::MemberRemoved { room: number, member, place, before } => {
                let State { clients, rooms, .. } = self;
                let Some(room) = rooms.get_mut(number.0 as usize).and_then(Option::as_deref_mut) else {
                    return;
                };
                // The one who took the place goes back to the end.
                let last = room.members.len();
                room.members.push(before);
                let member = (member as usize).min(last);
                room.members.swap(member, last);
                if member != last
                    && let Some(moved) = room.members.get(last)
                {
                    set_place(clients, moved.client, number, last as u32);
                }
                if let Some(client) = clients.at_mut(before.client) {
                    let place = (place as usize).min(client.rooms.len());
                    client.rooms.insert(place, Place { room: number, member: member as u32 });
                    for session in &client.sessions {
                        room.session_entered(*session);
                    }
                }
            }
            Undo::Roles { room, member, before } => {
                if let Some(member) = self.room_mut(room).and_then(|room| room.members.get_mut(member as usize)) {
                    member.roles = before;
                }
            }
            Undo::Posted { room, evicted, pushed, had_history, last_said } => {
                if let Some(room) = self.room_mut(room) {
                    room.has_history = had_history;
                    room.last_said = last_said;
                    if pushed {
                        room.messages.pop_back();
                    }
                    if let Some(evicted) = evicted {
                        room.messages.push_front(evicted);
                    }
                }
            }
            Undo::Redacted(step) => {
                let Redacted { evicted, recent } = *step;
                self.redacted.pop_back();
                if let Some(evicted) = evicted {
                    self.redacted.push_front(evicted);
                }
                if let Some((room, place, message)) = recent
                    && let Some(room) = self.room_mut(room)
                {
                    room.messages.insert(place.min(room.messages.len()), message);
                }
            }
            Undo::Replaced { place, before } => {
                if let Some(known) = self.room_mut(before.room).and_then(|room| room.messages.get_mut(place)) {
                    *known = before;
                }
            }
            Undo::Report { number, before } => {
                match before {
                    Some(before) => self.reports.insert(number, *before),
                    None => self.reports.remove(&number),
                };
            }
            Undo::Pinned(number) => {
                if let Some(room) = self.room_mut(number) {
                    room.pins.as_mut().map(|pins| pins.pop());
                    room.tidy_pins();
                }
            }
            Undo::Unpinned { room, place, before } => {
                if let Some(room) = self.room_mut(room) {
                    let pins = room.pins.get_or_insert_default();
                    pins.insert(place.min(pins.len()), *before);
                }
            }
            Undo::OnceAdded { before } => self.posted_once.take_back(before),
            Undo::OnceForgotten(forgotten) => self.posted_once.put_back(*forgotten),
            Undo::AccountAdded { slot, appended } => {
                self.unlink_account(slot);
                self.accounts.take_back_insert(slot, appended);
            }
            Undo::AccountRemoved { slot, account } => {
                self.accounts.take_back_remove(slot, *account);
                self.link_account(slot);
            }
            Undo::AccountNamed { slot, before } => {
                let (username, record) = *before;
                self.replace_account_name(slot, username, record);
            }
            Undo::Record { slot, before } => self.replace_record(slot, before),
            Undo::AbsentSince { slot, before } => {
                if let Some(account) = self.accounts.at_mut(slot) {
                    account.absent_since = before;
                }
            }
            Undo::OwedAudits { before } => self.owed_audits = before,
            Undo::GroupChanges { slot, before } => {
                if let Some(account) = self.accounts.at_mut(slot) {
                    account.group_changes = before;
                }
            }
            Undo::AlwaysOn { slot, before } => _ = self.put_always_on(slot, before),
            Undo::KeptAdded { account } => {
                if let Some((room, membership)) = self.accounts.at_mut(account).and_then(|account| account.rooms.pop())
                {
                    self.count_kept(account, room, Some(membership), None);
                }
            }
            Undo::KeptChanged { account, position, before } => {
                if let Some(kept) =
                    self.accounts.at_mut(account).and_then(|account| account.rooms.get_mut(position as usize))
                {
                    let after = std::mem::replace(&mut kept.1, before);
                    let room = kept.0;
                    self.count_kept(account, room, Some(after), Some(before));
                }
            }
            Undo::KeptRemoved { account: slot, position, room, before } => {
                if let Some(account) = self.accounts.at_mut(slot) {
                    let position = (position as usize).min(account.rooms.len());
                    account.rooms.insert(position, (room, before));
                    self.count_kept(slot, room, None, Some(before));
                }
            }
            Undo::Marker { keeper, conversation, before, had_history } => {
                self.with_personal(keeper, |personal| {
                    personal.markers.set(conversation, before);
                });
                if let ConversationKey::Room(number) = conversation
                    && let Some(room) = self.room_mut(number)
                {
                    room.has_history = had_history;
                }
            }
            Undo::Marks { keeper, conversation, before } => {
                self.with_personal(keeper, |personal| {
                    personal.marks.set(conversation, before);
                });
            }
            Undo::Metadata { of, key, before } => {
                self.put_metadata(of, *key, before);
            }
            Undo::Absent { session, before } => {
                self.put_absent(session, before);
            }
            Undo::Devices { account, before } => _ = self.put_devices(account, before),
            Undo::Subscriptions { session, before } => {
                self.put_subscriptions(session, before);
            }
            Undo::Watched(id) => {
                let Some(session) = self.session_mut(id) else {
                    return;
                };
                let Some(name) = session.rare_mut().watching.pop() else { return };
                session.tidy();
                if let Some(sessions) = self.watchers.get_mut(name.key()) {
                    sessions.pop();
                    if sessions.is_empty() {
                        self.watchers.remove(name.key());
                    }
                }
            }
            Undo::Unwatched { session: id, position, watcher, name } => {
                let key = name.key().clone();
                if let Some(session) = self.session_mut(id) {
                    let watching = &mut session.rare_mut().watching;
                    watching.insert((position as usize).min(watching.len()), *name);
                }
                let sessions = self.watchers.entry(key).or_default();
                sessions.insert((watcher as usize).min(sessions.len()), id);
            }
            Undo::ServerBans(before) => self.server_bans = before,
            Undo::Returning(before) => self.returning = before,
            Undo::WhowasAdded { evicted } => {
                self.whowas.pop_back();
                if let Some(evicted) = evicted {
                    self.whowas.push_front(*evicted);
                }
            }
        }
    }

    fn put_back(&mut self, id: SessionId, before: SessionPlace) {
        if let Some(place) = self.seat(id) {
            *place = before;
        }
    }
}
