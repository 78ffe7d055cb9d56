//! The tables of the hub, and their before-images.
//!
//! Nothing else changes a table: each method here that changes something also notes on the journal how to take it back.
//! Taken back in the opposite order, every step finds the state that it left, so places in tables and lists are exact.
//! Not taken back, since nothing follows from it: when someone was last active, the highest number of clients, and what
//! was worked out in advance (member rows, verdicts of ban lists).

mod accounts;
mod clients;
#[cfg(test)]
mod inspection;
mod journal;
mod personal;
mod rooms;
mod sessions;
mod slab;
mod watching;

pub(super) use personal::{Keeper, MetadataOf};

use journal::Undo;
use slab::Slab;

use super::name_index::{NameIndex, Named};
use crate::audit::AuditEntry;
use crate::chatroom::Chatroom;
use crate::client::Client;
use crate::id::{ClientId, MessageId, RoomNumber, SessionId, Timestamp};
use crate::invite_link::{LinkHash, WayBack};
use crate::membership::Membership;
use crate::message::Message;
use crate::metadata::MetadataKey;
use crate::name::Username;
use crate::once::{Posted, PostedOnce};
use crate::person::Person;
use crate::personal::Personal;
use crate::report::{Report, ReportNumber};
use crate::server_ban::ServerBan;
use crate::snapshot::SharedAccount;
use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

/// Sessions of one shard: a place beyond this is nobody's, so that a wrong number can't claim memory.
pub(super) const SESSIONS_PER_SHARD: u32 = 1 << 20;

/// Redactions that are remembered: more than there can be between the reading of a message and what is asked to be done
/// with it.
const REDACTIONS: usize = 1024;

#[derive(Debug)]
pub(super) struct State {
    clients: Slab<Client>,
    client_names: NameIndex,
    sessions: Vec<Vec<SessionPlace>>,

    rooms: Vec<Option<Box<Chatroom>>>,
    room_names: NameIndex,
    /// Which room has had a name lately, folded.
    former_names: HashMap<CompactString, RoomNumber, FixedState>,
    /// Direct conversations by their two clients, the smaller id first.
    directs: HashMap<(ClientId, ClientId), RoomNumber, FixedState>,
    /// The same by each of the two.
    directs_of: BTreeSet<(ClientId, RoomNumber)>,
    next_room: u32,

    accounts: Slab<Account>,
    account_names: NameIndex,
    account_ids: HashMap<ClientId, u32, FixedState>,
    certificates: HashMap<[u8; 32], u32, FixedState>,
    /// Which account has had a name lately, folded.
    former_usernames: HashMap<CompactString, u32, FixedState>,

    /// Who watches a folded name.
    watchers: HashMap<CompactString, SmallVec<[SessionId; 1]>, FixedState>,
    posted_once: PostedOnce,
    server_bans: Arc<Vec<ServerBan>>,
    whowas: VecDeque<Whowas>,
    /// Guests who have gone and may come back by their links, the latest last.
    returning: Vec<Returning>,
    /// The last messages that were redacted, at most [`REDACTIONS`].
    redacted: VecDeque<MessageId>,
    reports: BTreeMap<ReportNumber, Reported>,
    /// Which room an invite link is of.
    links: HashMap<LinkHash, RoomNumber, FixedState>,
    /// When the first entry of each room's lists ends by itself.
    entry_ends: BTreeSet<(Timestamp, RoomNumber)>,
    /// When clients without a device are to be announced as gone.
    deadlines: BTreeSet<(Timestamp, u32)>,
    pub counts: StateCounts,
    /// What is to be noted when the store takes something again, at most [`OWED_AUDITS`].
    owed_audits: Vec<AuditEntry>,

    journal: Vec<Undo>,
    /// Where batches end on the journal, oldest first.
    marks: VecDeque<(u64, usize)>,
}

/// Kept beside the tables so that nobody needs to count.
/// More that operators do while the store takes nothing is not noted.
const OWED_AUDITS: usize = 1_000;

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct StateCounts {
    pub clients: usize,
    pub invisible: usize,
    pub operators: usize,
    pub sessions: usize,
    pub rooms: usize,
    pub direct_rooms: usize,
    pub accounts: usize,
    pub always_on: usize,
    pub most_clients: usize,
}

/// An account with the rooms that it is a member of for good.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub record: SharedAccount,
    pub username: Username,
    pub rooms: Vec<(RoomNumber, Membership)>,
    /// The client that is present as this account.
    pub client: Option<u32>,
    /// It stays without a device, and the store knows how it appears. Then its client is here.
    pub is_always_on: bool,
    /// Since when it had no device when the first of those that are here logged in. The store does not know it.
    pub absent_since: Option<Timestamp>,
    /// Groups opened, and people brought into some, in an hour, and which hour that is. The store does not know it.
    pub group_changes: (u64, u32),
    pub personal: Option<Box<Personal>>,
}

/// A place of a shard, with the generation of whoever had it last.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionPlace {
    pub generation: u32,
    /// When it last said or read something, in seconds; 0: not since it came. Here since there is room for it.
    pub active: u32,
    pub stage: Stage,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Stage {
    #[default]
    Vacant,
    /// Logged in, and not arrived yet.
    Verified(ClientId),
    Present(Session),
}

/// One device of a client.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub client: u32,
    pub address: IpAddr,
    pub secure: bool,
    pub transport: &'static str,
    pub certificate: Option<Box<[u8; 32]>>,
    pub signed_on: Timestamp,
    pub rare: Option<Box<SessionRare>>,
}

/// What few sessions have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SessionRare {
    /// The names that it watches, oldest first.
    pub watching: Vec<Username>,
    /// Keys of metadata that it is told of.
    pub subscriptions: Vec<MetadataKey>,
    /// Nobody is at it.
    pub is_absent: bool,
    /// What the device calls itself.
    pub device: Option<CompactString>,
    /// The device that it comes from, of those that stay logged in.
    pub login: Option<u64>,
    /// The gateway that it is connected through.
    pub gateway: Option<CompactString>,
}

impl SessionRare {
    /// `None`: it comes with nothing that is rare.
    pub fn of_arrival(
        device: Option<CompactString>,
        gateway: Option<CompactString>,
        login: Option<u64>,
    ) -> Option<Box<SessionRare>> {
        (device.is_some() || gateway.is_some() || login.is_some())
            .then(|| Box::new(SessionRare { device, gateway, login, ..SessionRare::default() }))
    }
}

impl Session {
    pub fn device(&self) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.device.as_deref())
    }

    pub fn login(&self) -> Option<u64> {
        self.rare.as_ref().and_then(|rare| rare.login)
    }

    pub fn watching(&self) -> &[Username] {
        self.rare.as_ref().map_or(&[], |rare| rare.watching.as_slice())
    }

    /// Made if need be; [`Session::tidy`] drops it when it is empty again.
    fn rare_mut(&mut self) -> &mut SessionRare {
        self.rare.get_or_insert_default()
    }

    fn tidy(&mut self) {
        if self.rare.as_deref().is_some_and(|rare| *rare == SessionRare::default()) {
            self.rare = None;
        }
    }
}

/// Someone who was here under a name.
#[derive(Clone, Debug)]
pub(super) struct Whowas {
    pub key: CompactString,
    pub person: Arc<Person>,
    pub left: Timestamp,
    pub address: IpAddr,
}

/// A guest who has gone, from a room that she came into by a link. Not kept on disk.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Returning {
    pub key: CompactString,
    pub address: IpAddr,
    pub way: WayBack,
    pub until: Timestamp,
}

/// A report, and of a guest's from where it came: she is someone else when she comes again. Not kept on disk.
type Reported = (Report, Option<IpAddr>);

/// What [`State::redact_message`] did.
#[derive(Debug)]
struct Redacted {
    evicted: Option<MessageId>,
    /// The message among the recent ones of its room, with its place there.
    recent: Option<(RoomNumber, usize, Arc<Message>)>,
}

impl State {
    pub fn new(seed: u64, shards: usize) -> State {
        let hasher = FixedState::with_seed(seed);
        State {
            owed_audits: Vec::new(),
            clients: Slab::default(),
            client_names: NameIndex::new(hasher.clone()),
            sessions: (0..shards).map(|_| Vec::new()).collect(),
            rooms: Vec::new(),
            room_names: NameIndex::new(hasher.clone()),
            former_names: HashMap::with_hasher(hasher.clone()),
            directs: HashMap::with_hasher(hasher.clone()),
            directs_of: BTreeSet::new(),
            next_room: 0,
            accounts: Slab::default(),
            account_names: NameIndex::new(hasher.clone()),
            account_ids: HashMap::with_hasher(hasher.clone()),
            certificates: HashMap::with_hasher(hasher.clone()),
            former_usernames: HashMap::with_hasher(hasher.clone()),
            posted_once: PostedOnce::new(hasher.clone()),
            links: HashMap::with_hasher(hasher.clone()),
            entry_ends: BTreeSet::new(),
            watchers: HashMap::with_hasher(hasher),
            server_bans: Arc::default(),
            whowas: VecDeque::new(),
            returning: Vec::new(),
            redacted: VecDeque::new(),
            reports: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            counts: StateCounts::default(),
            journal: Vec::new(),
            marks: VecDeque::new(),
        }
    }

    // Reports

    /// The oldest first.
    pub fn reports(&self) -> impl Iterator<Item = (&Report, Option<IpAddr>)> {
        self.reports.values().map(|(report, address)| (report, *address))
    }

    pub fn open_report(&self, number: ReportNumber) -> Option<&Report> {
        self.reports.get(&number).map(|(report, _)| report).filter(|report| report.is_open)
    }

    pub fn note_report(&mut self, report: Report, address: Option<IpAddr>) {
        self.replace_report(report.number, Some((report, address)));
    }

    pub fn close_report(&mut self, number: ReportNumber) {
        if let Some((report, address)) = self.reports.get(&number) {
            let closed = (report.closed(), *address);
            self.replace_report(number, Some(closed));
        }
    }

    pub fn forget_report(&mut self, number: ReportNumber) {
        self.replace_report(number, None);
    }

    fn replace_report(&mut self, number: ReportNumber, with: Option<Reported>) {
        let before = match with {
            Some(reported) => self.reports.insert(number, reported),
            None => self.reports.remove(&number),
        };
        self.journal.push(Undo::Report { number, before: before.map(Box::new) });
    }

    // Bans from the server

    pub fn server_bans(&self) -> &Arc<Vec<ServerBan>> {
        &self.server_bans
    }

    pub fn set_server_bans(&mut self, bans: Arc<Vec<ServerBan>>) {
        let before = std::mem::replace(&mut self.server_bans, bans);
        self.journal.push(Undo::ServerBans(before));
    }

    // Keys against posting twice

    pub fn posted_once(&self, posted: &Posted, now: Timestamp) -> Option<MessageId> {
        self.posted_once.find(posted, now)
    }

    pub fn note_once(&mut self, posted: Posted, id: MessageId) {
        // Two at a time, so that those whose day is over become fewer whenever keys are used at all.
        for _ in 0..2 {
            match self.posted_once.forget_oldest(id.time()) {
                Some(forgotten) => self.journal.push(Undo::OnceForgotten(Box::new(forgotten))),
                None => break,
            }
        }
        let before = self.posted_once.add(posted, id);
        self.journal.push(Undo::OnceAdded { before });
    }

    /// Holds no more than so many recent messages in any room from now on.
    pub fn trim_messages(&mut self, limit: usize) {
        for room in self.rooms.iter_mut().flatten() {
            let excess = room.messages.len().saturating_sub(limit);
            room.messages.drain(..excess);
        }
    }
}

fn named(name: &Username) -> Named<'_> {
    Named { text: name.text(), key: name.key() }
}
fn name_of_client(client: &Client) -> Named<'_> {
    named(&client.username)
}
fn name_of_account(account: &Account) -> Named<'_> {
    named(&account.username)
}
fn name_of_room(room: &Chatroom) -> Named<'_> {
    Named { text: &room.name, key: &room.key }
}

/// What was worked out from members and lists must be worked out again.
fn forget_worked_out(room: &mut Chatroom) {
    room.rows = None;
    for member in &mut room.members {
        member.verdict = None;
    }
}

fn set_place(clients: &mut Slab<Client>, slot: u32, room: RoomNumber, member: u32) {
    if let Some(place) =
        clients.at_mut(slot).and_then(|client| client.rooms.iter_mut().find(|place| place.room == room))
    {
        place.member = member;
    }
}
