//! The tables of the hub, and their before-images.
//!
//! Nothing else changes a table: each method here that changes something also notes on the journal how to take it back.
//! Taken back in the opposite order, every step finds the state that it left, so places in tables and lists are exact.
//! Not taken back, since nothing follows from it: when someone was last active, the highest number of clients, and what
//! was worked out in advance (member rows, verdicts of ban lists).

mod personal;

pub(super) use personal::{Keeper, MetadataOf};

use super::name_index::{NameIndex, Named};
use crate::chatroom::{Chatroom, ChatroomKind, Member, Rules};
use crate::client::{AccountOf, Client, Place};
use crate::command::PersonalMode;
use crate::id::{ClientId, MessageId, RoomNumber, SessionId, Timestamp};
use crate::invite_link::LinkHash;
use crate::membership::{Membership, Role, Roles};
use crate::message::Message;
use crate::metadata::{Marks, MetadataKey};
use crate::name::{ChatroomName, Username};
use crate::once::{Forgotten, Posted, PostedOnce};
use crate::person::Person;
use crate::personal::{ConversationKey, Personal};
use crate::pin::Pin;
use crate::query::MemberRow;
use crate::report::{Report, ReportNumber};
use crate::server_ban::ServerBan;
use crate::snapshot::{AccountRecord, DeviceRecord, SharedAccount};
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
    /// Direct conversations by their two clients, the smaller id first.
    directs: HashMap<(ClientId, ClientId), RoomNumber, FixedState>,
    /// The same by each of the two.
    directs_of: BTreeSet<(ClientId, RoomNumber)>,
    next_room: u32,

    accounts: Slab<Account>,
    account_names: NameIndex,
    account_ids: HashMap<ClientId, u32, FixedState>,
    certificates: HashMap<[u8; 32], u32, FixedState>,

    /// Who watches a folded name.
    watchers: HashMap<CompactString, SmallVec<[SessionId; 1]>, FixedState>,
    posted_once: PostedOnce,
    server_bans: Arc<Vec<ServerBan>>,
    whowas: VecDeque<Whowas>,
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

    journal: Vec<Undo>,
    /// Where batches end on the journal, oldest first.
    marks: VecDeque<(u64, usize)>,
}

/// Kept beside the tables so that nobody needs to count.
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
    /// The gateway that it is connected through.
    pub gateway: Option<CompactString>,
}

impl SessionRare {
    /// `None`: it comes with nothing that is rare.
    pub fn of_arrival(device: Option<CompactString>, gateway: Option<CompactString>) -> Option<Box<SessionRare>> {
        (device.is_some() || gateway.is_some())
            .then(|| Box::new(SessionRare { device, gateway, ..SessionRare::default() }))
    }
}

impl Session {
    pub fn device(&self) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.device.as_deref())
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

/// A report, and of a guest's from where it came: she is someone else when she comes again. Not kept on disk.
type Reported = (Report, Option<IpAddr>);

/// What [`State::redact_message`] did.
#[derive(Debug)]
struct Redacted {
    evicted: Option<MessageId>,
    /// The message among the recent ones of its room, with its place there.
    recent: Option<(RoomNumber, usize, Arc<Message>)>,
}

/// How to take one step back.
#[derive(Debug)]
enum Undo {
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
    MemberAdded(RoomNumber),
    MemberRemoved { room: RoomNumber, member: u32, place: u32, before: Member },
    Roles { room: RoomNumber, member: u32, before: Roles },
    Posted { room: RoomNumber, evicted: Option<Arc<Message>>, pushed: bool, had_history: bool, last_said: Timestamp },
    AccountAdded { slot: u32, appended: bool },
    AccountRemoved { slot: u32, account: Box<Account> },
    Record { slot: u32, before: SharedAccount },
    AlwaysOn { slot: u32, before: bool },
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
    OnceAdded { before: Option<MessageId> },
    OnceForgotten(Box<Forgotten>),
    Redacted(Box<Redacted>),
    Report { number: ReportNumber, before: Option<Box<Reported>> },
    Pinned(RoomNumber),
    Unpinned { room: RoomNumber, place: usize, before: Box<Pin> },
    Replaced { place: usize, before: Arc<Message> },
}

impl State {
    pub fn new(seed: u64, shards: usize) -> State {
        let hasher = FixedState::with_seed(seed);
        State {
            clients: Slab::default(),
            client_names: NameIndex::new(hasher.clone()),
            sessions: (0..shards).map(|_| Vec::new()).collect(),
            rooms: Vec::new(),
            room_names: NameIndex::new(hasher.clone()),
            directs: HashMap::with_hasher(hasher.clone()),
            directs_of: BTreeSet::new(),
            next_room: 0,
            accounts: Slab::default(),
            account_names: NameIndex::new(hasher.clone()),
            account_ids: HashMap::with_hasher(hasher.clone()),
            certificates: HashMap::with_hasher(hasher.clone()),
            posted_once: PostedOnce::new(hasher.clone()),
            links: HashMap::with_hasher(hasher.clone()),
            entry_ends: BTreeSet::new(),
            watchers: HashMap::with_hasher(hasher),
            server_bans: Arc::default(),
            whowas: VecDeque::new(),
            redacted: VecDeque::new(),
            reports: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            counts: StateCounts::default(),
            journal: Vec::new(),
            marks: VecDeque::new(),
        }
    }

    // The journal

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

    // Clients

    pub fn client(&self, slot: u32) -> Option<&Client> {
        self.clients.at(slot)
    }

    pub fn clients(&self) -> impl Iterator<Item = (u32, &Client)> {
        self.clients.iter()
    }

    pub fn client_named(&self, key: &str) -> Option<u32> {
        self.client_names.find(key, |slot| self.clients.at(slot).map(name_of_client))
    }

    /// Someone else whose name looks like this one.
    pub fn client_looking_like(&self, name: &Username, except: Option<u32>) -> Option<u32> {
        self.client_names.find_confusable(
            named(name),
            |slot| self.clients.at(slot).map(name_of_client),
            |slot| Some(slot) == except,
        )
    }

    /// How many places the table of clients has, taken or free.
    pub fn client_places(&self) -> usize {
        self.clients.entries.len()
    }

    pub fn add_client(&mut self, client: Client) -> u32 {
        let (slot, appended) = self.clients.insert(client);
        self.link_client(slot);
        self.counts.most_clients = self.counts.most_clients.max(self.counts.clients);
        self.journal.push(Undo::ClientAdded { slot, appended });
        slot
    }

    /// She must have left her rooms, and her sessions must be detached.
    pub fn remove_client(&mut self, slot: u32) {
        self.unlink_client(slot);
        if let Some(client) = self.clients.remove(slot) {
            self.journal.push(Undo::ClientRemoved { slot, client: Box::new(client) });
        }
    }

    /// Changes what stands in the client itself. Rooms and sessions have their own methods.
    pub fn change_client(&mut self, slot: u32, change: impl FnOnce(&mut Client)) {
        let Some(client) = self.clients.at_mut(slot) else {
            return;
        };
        let before = client.clone();
        change(client);
        client.tidy();
        self.relink_client(slot, &before);
        self.journal.push(Undo::Client { slot, before: Box::new(before) });
    }

    pub fn touch(&mut self, slot: u32, id: SessionId, now: Timestamp) {
        if let Some(client) = self.clients.at_mut(slot) {
            client.last_active = now;
        }
        let place = self.sessions.get_mut(id.shard as usize).and_then(|places| places.get_mut(id.slot as usize));
        if let Some(place) = place {
            place.active = (now.0 / 1000) as u32;
        }
    }

    fn link_client(&mut self, slot: u32) {
        let Some(client) = self.clients.at(slot) else {
            return;
        };
        self.client_names.insert(slot, name_of_client(client));
        self.counts.clients += 1;
        self.counts.invisible += usize::from(client.has(PersonalMode::Invisible));
        self.counts.operators += usize::from(client.has(PersonalMode::Operator));
        if let Some(leaving) = client.leaving() {
            self.deadlines.insert((leaving.deadline, slot));
        }
        if let Some(account) = client.account.as_ref().and_then(|account| self.accounts.at_mut(account.slot)) {
            account.client = Some(slot);
        }
    }

    fn unlink_client(&mut self, slot: u32) {
        let Some(client) = self.clients.at(slot) else {
            return;
        };
        self.client_names.remove(slot, name_of_client(client));
        self.counts.clients -= 1;
        self.counts.invisible -= usize::from(client.has(PersonalMode::Invisible));
        self.counts.operators -= usize::from(client.has(PersonalMode::Operator));
        if let Some(leaving) = client.leaving() {
            self.deadlines.remove(&(leaving.deadline, slot));
        }
        if let Some(account) = client.account.as_ref().and_then(|account| self.accounts.at_mut(account.slot)) {
            account.client = None;
        }
    }

    /// Puts right what is derived from a client, after it was changed from `before`.
    fn relink_client(&mut self, slot: u32, before: &Client) {
        let Some(client) = self.clients.at(slot) else {
            return;
        };
        if client.username != before.username {
            self.client_names.remove(slot, name_of_client(before));
            self.client_names.insert(slot, name_of_client(client));
        }
        if client.modes != before.modes {
            let has = |client: &Client, mode| usize::from(client.has(mode));
            let (invisible, operator) = (PersonalMode::Invisible, PersonalMode::Operator);
            self.counts.invisible = self.counts.invisible + has(client, invisible) - has(before, invisible);
            self.counts.operators = self.counts.operators + has(client, operator) - has(before, operator);
        }
        if client.leaving() != before.leaving() {
            if let Some(leaving) = before.leaving() {
                self.deadlines.remove(&(leaving.deadline, slot));
            }
            if let Some(leaving) = client.leaving() {
                self.deadlines.insert((leaving.deadline, slot));
            }
        }
        let account_slot = |client: &Client| client.account.as_ref().map(|account| account.slot);
        if account_slot(client) != account_slot(before) {
            if let Some(account) = account_slot(before).and_then(|slot| self.accounts.at_mut(slot)) {
                account.client = None;
            }
            if let Some(account) = account_slot(client).and_then(|slot| self.accounts.at_mut(slot)) {
                account.client = Some(slot);
            }
        }
        if !Arc::ptr_eq(&client.person, &before.person) {
            for place in &client.rooms {
                if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                    room.rows = None;
                    if let Some(member) = room.members.get_mut(place.member as usize) {
                        member.verdict = None;
                    }
                }
            }
        }
    }

    /// The first client that is to be announced as gone, and when.
    pub fn next_deadline(&self) -> Option<(Timestamp, u32)> {
        self.deadlines.first().copied()
    }

    // Sessions

    /// The place of a session, if it is of this generation.
    pub fn session_place(&self, id: SessionId) -> Option<&SessionPlace> {
        let place = self.sessions.get(id.shard as usize)?.get(id.slot as usize)?;
        (place.generation == id.generation).then_some(place)
    }

    /// What is at the place of this session now, of whatever generation.
    pub fn occupant(&self, id: SessionId) -> Option<SessionId> {
        let place = self.sessions.get(id.shard as usize)?.get(id.slot as usize)?;
        let taken = !matches!(place.stage, Stage::Vacant);
        taken.then_some(SessionId { generation: place.generation, ..id })
    }

    pub fn session(&self, id: SessionId) -> Option<&Session> {
        match &self.session_place(id)?.stage {
            Stage::Present(session) => Some(session),
            _ => None,
        }
    }

    fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let place = self.sessions.get_mut(id.shard as usize)?.get_mut(id.slot as usize)?;
        match &mut place.stage {
            Stage::Present(session) if place.generation == id.generation => Some(session),
            _ => None,
        }
    }

    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().enumerate().flat_map(|(shard, places)| {
            places.iter().enumerate().filter_map(move |(slot, place)| match &place.stage {
                Stage::Present(session) => {
                    let id = SessionId { shard: shard as u16, slot: slot as u32, generation: place.generation };
                    Some((id, session))
                }
                _ => None,
            })
        })
    }

    /// Whether a session of this name can be.
    pub fn can_seat(&self, id: SessionId) -> bool {
        (id.shard as usize) < self.sessions.len() && id.slot < SESSIONS_PER_SHARD
    }

    fn seat(&mut self, id: SessionId) -> Option<&mut SessionPlace> {
        if !self.can_seat(id) {
            return None;
        }
        let places = self.sessions.get_mut(id.shard as usize)?;
        if places.len() <= id.slot as usize {
            places.resize_with(id.slot as usize + 1, SessionPlace::default);
        }
        places.get_mut(id.slot as usize)
    }

    /// Notes that a session has logged in before it arrived (or, with `None`, that it has not). The place must be its
    /// own or free.
    pub fn set_verified(&mut self, id: SessionId, account: Option<ClientId>) {
        let Some(place) = self.seat(id) else { return };
        let stage = account.map_or(Stage::Vacant, Stage::Verified);
        let before = std::mem::replace(place, SessionPlace { generation: id.generation, active: 0, stage });
        self.journal.push(Undo::Stage { session: id, before: Box::new(before) });
    }

    /// Those that have logged in as this account and not arrived. Looks at all places: for what is rare.
    pub fn verified_as(&self, account: ClientId) -> Vec<SessionId> {
        let shards = self.sessions.iter().enumerate();
        let places = shards.flat_map(|(shard, places)| places.iter().enumerate().map(move |place| (shard, place)));
        places
            .filter(|(_, (_, place))| matches!(place.stage, Stage::Verified(verified) if verified == account))
            .map(|(shard, (slot, place))| SessionId {
                shard: shard as u16,
                slot: slot as u32,
                generation: place.generation,
            })
            .collect()
    }

    /// Makes the session a device of its client. The place must be its own or free.
    pub fn attach(&mut self, id: SessionId, session: Session) {
        let slot = session.client;
        let Some(place) = self.seat(id) else { return };
        let stage = Stage::Present(session);
        let before = std::mem::replace(place, SessionPlace { generation: id.generation, active: 0, stage });
        if let Some(client) = self.clients.at_mut(slot) {
            client.sessions.push(id);
            for place in &client.rooms {
                if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                    room.session_entered(id);
                }
            }
        }
        self.counts.sessions += 1;
        self.journal.push(Undo::Attached { session: id, before: Box::new(before) });
    }

    /// Takes the session from its client, and stops its watching.
    pub fn detach(&mut self, id: SessionId) {
        while let Some(key) =
            self.session(id).and_then(|session| session.watching().last()).map(|name| name.key().clone())
        {
            self.unwatch(id, &key);
        }
        let Some(slot) = self.session(id).map(|session| session.client) else {
            return;
        };
        let Some(place) = self.seat(id) else { return };
        let vacant = SessionPlace { generation: id.generation, active: 0, stage: Stage::Vacant };
        let before = std::mem::replace(place, vacant);
        let mut position = 0;
        if let Some(client) = self.clients.at_mut(slot) {
            position = client.sessions.iter().position(|session| *session == id).unwrap_or(0);
            if position < client.sessions.len() {
                client.sessions.remove(position);
            }
            for place in &client.rooms {
                if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                    room.session_left(id);
                }
            }
        }
        self.counts.sessions -= 1;
        self.journal.push(Undo::Detached { session: id, position: position as u32, before: Box::new(before) });
    }

    // Rooms

    pub fn room(&self, number: RoomNumber) -> Option<&Chatroom> {
        self.rooms.get(number.0 as usize)?.as_deref()
    }

    fn room_mut(&mut self, number: RoomNumber) -> Option<&mut Chatroom> {
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

    fn place_room(&mut self, room: Box<Chatroom>) {
        let place = room.number.0 as usize;
        if self.rooms.len() <= place {
            self.rooms.resize_with(place + 1, || None);
        }
        self.next_room = self.next_room.max(room.number.0.saturating_add(1));
        self.link_rules(room.number, &room.rules);
        match room.kind {
            ChatroomKind::Named => {
                self.room_names.insert(room.number.0, name_of_room(&room));
                self.counts.rooms += 1;
            }
            ChatroomKind::Group(_) => {
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

    fn displace_room(&mut self, number: RoomNumber) -> Option<Box<Chatroom>> {
        let room = self.rooms.get_mut(number.0 as usize)?.take()?;
        self.unlink_rules(number, &room.rules);
        match room.kind {
            ChatroomKind::Named => {
                self.room_names.remove(number.0, name_of_room(&room));
                self.counts.rooms -= 1;
            }
            ChatroomKind::Group(_) => {
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

    fn link_rules(&mut self, number: RoomNumber, rules: &Rules) {
        self.links.extend(rules.links.iter().map(|link| (link.hash, number)));
        self.entry_ends.extend(rules.first_end().map(|end| (end, number)));
    }

    fn unlink_rules(&mut self, number: RoomNumber, rules: &Rules) {
        for link in &rules.links {
            self.links.remove(&link.hash);
        }
        if let Some(end) = rules.first_end() {
            self.entry_ends.remove(&(end, number));
        }
    }

    /// Puts right what is derived from a room's rules, after they were changed from `before`.
    fn relink_rules(&mut self, number: RoomNumber, before: &Rules) {
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
    pub fn name_room(&mut self, number: RoomNumber, name: &ChatroomName, now: Timestamp) {
        if let Some(before) = self.replace_room_name(number, name.text().clone(), name.key().clone(), Some(now)) {
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

    fn replace_room_name(
        &mut self,
        number: RoomNumber,
        name: CompactString,
        key: CompactString,
        at: Option<Timestamp>,
    ) -> Option<(CompactString, CompactString, Option<Timestamp>)> {
        let room = self.rooms.get_mut(number.0 as usize)?.as_deref_mut()?;
        self.room_names.remove(number.0, name_of_room(room));
        let before = (
            std::mem::replace(&mut room.name, name),
            std::mem::replace(&mut room.key, key),
            std::mem::replace(&mut room.renamed, at),
        );
        self.room_names.insert(number.0, name_of_room(room));
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

    // Accounts

    pub fn account(&self, slot: u32) -> Option<&Account> {
        self.accounts.at(slot)
    }

    /// In the order in which they were made, as far as deleted ones left no place free.
    pub fn accounts(&self) -> impl Iterator<Item = (u32, &Account)> {
        self.accounts.iter()
    }

    pub fn account_named(&self, key: &str) -> Option<u32> {
        self.account_names.find(key, |slot| self.accounts.at(slot).map(name_of_account))
    }

    pub fn account_looking_like(&self, name: &Username, except: Option<u32>) -> Option<u32> {
        self.account_names.find_confusable(
            named(name),
            |slot| self.accounts.at(slot).map(name_of_account),
            |slot| Some(slot) == except,
        )
    }

    pub fn account_of(&self, id: ClientId) -> Option<u32> {
        self.account_ids.get(&id).copied()
    }

    pub fn account_with_certificate(&self, certificate: &[u8; 32]) -> Option<u32> {
        self.certificates.get(certificate).copied()
    }

    pub fn add_account(&mut self, account: Account) -> u32 {
        let (slot, appended) = self.accounts.insert(account);
        self.link_account(slot);
        self.journal.push(Undo::AccountAdded { slot, appended });
        slot
    }

    /// Its client must be gone, and its memberships removed.
    pub fn remove_account(&mut self, slot: u32) {
        self.unlink_account(slot);
        if let Some(account) = self.accounts.remove(slot) {
            self.journal.push(Undo::AccountRemoved { slot, account: Box::new(account) });
        }
    }

    pub fn set_record(&mut self, slot: u32, record: AccountRecord) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        let before = account.record.clone();
        self.replace_record(slot, Arc::new(record));
        self.journal.push(Undo::Record { slot, before });
    }

    /// Notes that an account stays without a device, or does no more.
    pub fn set_always_on(&mut self, slot: u32, is_always_on: bool) {
        let before = self.put_always_on(slot, is_always_on);
        self.journal.push(Undo::AlwaysOn { slot, before });
    }

    fn put_always_on(&mut self, slot: u32, is_always_on: bool) -> bool {
        let Some(account) = self.accounts.at_mut(slot) else { return false };
        let before = std::mem::replace(&mut account.is_always_on, is_always_on);
        self.counts.always_on = self.counts.always_on + usize::from(is_always_on) - usize::from(before);
        before
    }

    /// Gives an account another name, which must be free, with the record that says so.
    pub fn name_account(&mut self, slot: u32, username: Username, record: AccountRecord) {
        if let Some(before) = self.replace_account_name(slot, username, Arc::new(record)) {
            self.journal.push(Undo::AccountNamed { slot, before: Box::new(before) });
        }
    }

    fn replace_account_name(
        &mut self,
        slot: u32,
        username: Username,
        record: SharedAccount,
    ) -> Option<(Username, SharedAccount)> {
        let account = self.accounts.at(slot)?;
        let before = (account.username.clone(), account.record.clone());
        self.account_names.remove(slot, name_of_account(account));
        self.accounts.at_mut(slot)?.username = username;
        self.account_names.insert(slot, name_of_account(self.accounts.at(slot)?));
        self.replace_record(slot, record);
        Some(before)
    }

    fn replace_record(&mut self, slot: u32, record: SharedAccount) {
        let same_certificates =
            self.accounts.at(slot).is_some_and(|account| account.record.certificates == record.certificates);
        if !same_certificates {
            self.unlink_certificates(slot);
        }
        let Some(account) = self.accounts.at_mut(slot) else {
            return;
        };
        account.record = record.clone();
        if let Some(client) = account.client.and_then(|client| self.clients.at_mut(client)) {
            client.account = Some(AccountOf { slot, record });
        }
        if !same_certificates {
            self.link_certificates(slot);
        }
    }

    fn link_account(&mut self, slot: u32) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        self.account_names.insert(slot, name_of_account(account));
        self.account_ids.insert(account.record.id, slot);
        self.counts.accounts += 1;
        self.link_certificates(slot);
    }

    fn unlink_account(&mut self, slot: u32) {
        self.unlink_certificates(slot);
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        self.account_names.remove(slot, name_of_account(account));
        self.account_ids.remove(&account.record.id);
        self.counts.accounts -= 1;
    }

    fn link_certificates(&mut self, slot: u32) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        for certificate in &account.record.certificates {
            self.certificates.entry(*certificate).or_insert(slot);
        }
    }

    fn unlink_certificates(&mut self, slot: u32) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        for certificate in &account.record.certificates {
            if self.certificates.get(certificate) == Some(&slot) {
                self.certificates.remove(certificate);
            }
        }
    }

    /// What an account's membership of a room is for good.
    pub fn kept_membership(&self, account: u32, room: RoomNumber) -> Option<Membership> {
        let kept = &self.accounts.at(account)?.rooms;
        kept.iter().find(|(number, _)| *number == room).map(|(_, membership)| *membership)
    }

    /// Sets it, or with `None` ends it.
    pub fn keep_membership(&mut self, slot: u32, room: RoomNumber, membership: Option<Membership>) {
        let Some(account) = self.accounts.at_mut(slot) else {
            return;
        };
        let position = account.rooms.iter().position(|(number, _)| *number == room);
        let was = position.map(|position| account.rooms[position].1);
        let step = match (position, membership) {
            (None, None) => return,
            (None, Some(membership)) => {
                account.rooms.push((room, membership));
                Undo::KeptAdded { account: slot }
            }
            (Some(position), Some(membership)) => {
                let before = std::mem::replace(&mut account.rooms[position].1, membership);
                Undo::KeptChanged { account: slot, position: position as u32, before }
            }
            (Some(position), None) => {
                let (_, before) = account.rooms.remove(position);
                Undo::KeptRemoved { account: slot, position: position as u32, room, before }
            }
        };
        self.journal.push(step);
        self.count_kept(slot, room, was, membership);
    }

    fn count_kept(&mut self, account: u32, room: RoomNumber, before: Option<Membership>, after: Option<Membership>) {
        let operates = |membership: Option<Membership>| {
            u32::from(membership.is_some_and(|membership| membership.roles.at_least(Role::Operator)))
        };
        if let Some(room) = self.room_mut(room) {
            if let ChatroomKind::Group(accounts) = &mut room.kind {
                match after {
                    Some(_) => accounts.insert(account),
                    None => accounts.remove(&account),
                };
            }
            let rules = &mut room.rules;
            rules.operators = (rules.operators + operates(after)).saturating_sub(operates(before));
            let is_kept = |membership: Option<Membership>| u32::from(membership.is_some());
            rules.kept_members = (rules.kept_members + is_kept(after)).saturating_sub(is_kept(before));
        }
    }

    // Watching, and those who were here

    pub fn watchers(&self, key: &str) -> &[SessionId] {
        self.watchers.get(key).map_or(&[], |sessions| sessions.as_slice())
    }

    /// The session must not watch the name yet.
    pub fn watch(&mut self, id: SessionId, name: Username) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let key = name.key().clone();
        session.rare_mut().watching.push(name);
        self.watchers.entry(key).or_default().push(id);
        self.journal.push(Undo::Watched(id));
    }

    pub fn unwatch(&mut self, id: SessionId, key: &str) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let Some(position) = session.watching().iter().position(|name| name.key() == key) else {
            return;
        };
        let name = session.rare_mut().watching.remove(position);
        session.tidy();
        let mut watcher = 0;
        if let Some(sessions) = self.watchers.get_mut(key) {
            watcher = sessions.iter().position(|session| *session == id).unwrap_or(0);
            if watcher < sessions.len() {
                sessions.remove(watcher);
            }
            if sessions.is_empty() {
                self.watchers.remove(key);
            }
        }
        self.journal.push(Undo::Unwatched {
            session: id,
            position: position as u32,
            watcher: watcher as u32,
            name: Box::new(name),
        });
    }

    /// Latest first.
    pub fn whowas(&self, key: &str) -> impl Iterator<Item = &Whowas> {
        self.whowas.iter().rev().filter(move |entry| entry.key == key)
    }

    /// Notes someone who was here; of those there are at most `limit`.
    pub fn push_whowas(&mut self, entry: Whowas, limit: usize) {
        if limit == 0 {
            return;
        }
        let evicted = if self.whowas.len() >= limit { self.whowas.pop_front() } else { None };
        self.whowas.push_back(entry);
        self.journal.push(Undo::WhowasAdded { evicted: evicted.map(Box::new) });
    }

    // Taking back

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

/// A table whose places are used again, the last one freed first.
#[derive(Debug)]
struct Slab<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    fn at(&self, slot: u32) -> Option<&T> {
        self.entries.get(slot as usize)?.as_ref()
    }
    fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }
    fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries.iter().enumerate().filter_map(|(slot, entry)| Some((slot as u32, entry.as_ref()?)))
    }

    /// The place, and whether it is a new one.
    fn insert(&mut self, value: T) -> (u32, bool) {
        if let Some(slot) = self.free.pop() {
            self.entries[slot as usize] = Some(value);
            return (slot, false);
        }
        self.entries.push(Some(value));
        (self.entries.len() as u32 - 1, true)
    }

    fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.entries.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(value)
    }

    fn take_back_insert(&mut self, slot: u32, appended: bool) {
        if appended {
            self.entries.truncate(slot as usize);
        } else {
            self.remove(slot);
        }
    }

    fn take_back_remove(&mut self, slot: u32, value: T) {
        self.free.pop();
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            *entry = Some(value);
        }
    }
}

#[cfg(test)]
impl State {
    /// Everything that counts, as text: two states are the same when their dumps are.
    pub fn dump(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for (slot, client) in self.clients.iter() {
            let account = client.account.as_ref().map(|account| (account.slot, &account.record));
            let Client { id, username, ip_address, person, sessions, rooms, modes, signed_on, rare, .. } = client;
            let _ = writeln!(
                text,
                "client {slot} {id} {username:?} {ip_address} {account:?} {person:?} {sessions:?} {rooms:?} {modes:?} \
                 {signed_on:?} {rare:?}"
            );
        }
        let _ = writeln!(text, "free clients {:?} of {}", self.clients.free, self.clients.entries.len());
        for (shard, places) in self.sessions.iter().enumerate() {
            for (slot, place) in places.iter().enumerate() {
                // A place that was never taken and one that is free again are the same.
                if !matches!(place.stage, Stage::Vacant) {
                    let _ = writeln!(text, "session {shard} {slot} {} {:?}", place.generation, place.stage);
                }
            }
        }
        for room in self.rooms() {
            let members: Vec<_> = room
                .members
                .iter()
                .map(|member| (member.client, member.roles, member.since, member.position))
                .collect();
            let messages: Vec<_> = room.messages.iter().map(|message| (message.id, &message.payload)).collect();
            let sessions: Vec<u32> = (0..self.sessions.len()).map(|shard| room.sessions_on(shard)).collect();
            let (kind, rules, has_history) = (&room.kind, &room.rules, (room.has_history, room.last_said));
            let _ = writeln!(
                text,
                "room {:?} {:?} {} {} {kind:?} {rules:?} {has_history:?} {members:?} {messages:?} {sessions:?} \
                 {:?} {:?}",
                room.number, room.id, room.name, room.key, room.metadata, room.pins
            );
        }
        let _ = writeln!(text, "next room {}", self.next_room);
        for (slot, account) in self.accounts.iter() {
            let _ = writeln!(text, "account {slot} {account:?}");
        }
        let _ = writeln!(text, "free accounts {:?} of {}", self.accounts.free, self.accounts.entries.len());
        let mut watchers: Vec<_> = self.watchers.iter().collect();
        watchers.sort();
        let _ = writeln!(text, "watchers {watchers:?}");
        for entry in &self.whowas {
            let _ = writeln!(text, "was here {entry:?}");
        }
        let _ = writeln!(text, "reports {:?}", self.reports);
        let _ = writeln!(text, "redacted {:?}", self.redacted);
        let _ = writeln!(text, "server bans {:?}", self.server_bans);
        let _ = writeln!(text, "deadlines {:?}", self.deadlines);
        let _ = writeln!(text, "counts {:?}", StateCounts { most_clients: 0, ..self.counts });
        text
    }

    /// What outlives a restart, in an order of its own.
    pub fn durable(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for room in self.rooms() {
            // Conversations with guests are not taken up again.
            let goes_on = match room.kind {
                ChatroomKind::Named | ChatroomKind::Group(_) => true,
                ChatroomKind::Direct(one, other) => [one, other].iter().all(|id| self.account_of(*id).is_some()),
            };
            if goes_on {
                let last_said = Some(room.last_said).filter(|_| !room.is_direct());
                lines.push(format!("{:?} {:?} {:?} {last_said:?}", room.record(), room.metadata, room.pins));
            }
        }
        for (_, account) in self.accounts.iter() {
            lines.push(format!("{:?}", account.record));
            if let Some(client) = account.client.filter(|_| account.is_always_on).and_then(|slot| self.client(slot)) {
                lines.push(format!("{:?}", client.presence(account.record.id)));
            }
            for (room, membership) in &account.rooms {
                lines.push(format!("{:?} {room:?} {membership:?}", account.record.id));
            }
            lines.extend(account.personal.iter().map(|personal| format!("{:?} {personal:?}", account.record.id)));
        }
        lines.extend(self.reports.values().map(|(report, _)| format!("{report:?}")));
        lines.extend(self.server_bans.iter().map(|ban| format!("{ban:?}")));
        lines.sort();
        lines.join("\n")
    }

    /// Recomputes what is derived, and panics where it differs.
    pub fn check(&self) {
        let mut counts = StateCounts { most_clients: self.counts.most_clients, ..StateCounts::default() };
        let mut deadlines = BTreeSet::new();
        for (slot, client) in self.clients.iter() {
            counts.clients += 1;
            counts.invisible += usize::from(client.has(PersonalMode::Invisible));
            counts.operators += usize::from(client.has(PersonalMode::Operator));
            deadlines.extend(client.leaving().map(|leaving| (leaving.deadline, slot)));
            assert_eq!(self.client_named(client.username.key()), Some(slot));
            assert_eq!(client.person.name, client.username.text());
            assert_eq!(client.person.id, client.id);
            assert_eq!(client.person.account, client.account.as_ref().map(|account| account.record.username.clone()));
            for place in &client.rooms {
                assert_eq!(self.member(*place).map(|member| member.client), Some(slot));
            }
            for id in &client.sessions {
                assert_eq!(self.session(*id).map(|session| session.client), Some(slot));
            }
            if let Some(account) = &client.account {
                let kept = self.accounts.at(account.slot).unwrap();
                assert_eq!(kept.client, Some(slot));
                assert!(Arc::ptr_eq(&kept.record, &account.record));
                let present: BTreeSet<u32> = client.rooms.iter().map(|place| place.room.0).collect();
                let durable: BTreeSet<u32> = kept.rooms.iter().map(|(room, _)| room.0).collect();
                assert_eq!(present, durable, "an account that is here is in all of its rooms");
                for place in &client.rooms {
                    let roles = self.member(*place).map(|member| member.roles);
                    let kept = self.kept_membership(account.slot, place.room).map(|kept| kept.roles);
                    assert_eq!(roles, kept, "roles of an account are kept");
                }
            }
        }
        for (id, session) in self.sessions() {
            counts.sessions += 1;
            assert!(self.clients.at(session.client).unwrap().sessions.contains(&id));
            for name in session.watching() {
                assert!(self.watchers(name.key()).contains(&id));
            }
        }
        for (key, sessions) in &self.watchers {
            assert!(!sessions.is_empty());
            for id in sessions {
                let session = self.session(*id).unwrap();
                assert!(session.watching().iter().any(|name| name.key() == key));
            }
        }
        self.posted_once.check();
        let ends: BTreeSet<_> = self.rooms().filter_map(|room| Some((room.rules.first_end()?, room.number))).collect();
        assert_eq!(self.entry_ends, ends, "ends of list entries");
        let links = self.rooms().flat_map(|room| &room.rules.links).count();
        assert_eq!(self.links.len(), links, "links");
        for room in self.rooms() {
            match room.kind {
                ChatroomKind::Named => {
                    counts.rooms += 1;
                    assert_eq!(self.room_named(&room.key), Some(room.number));
                }
                ChatroomKind::Group(ref accounts) => {
                    counts.direct_rooms += 1;
                    assert_eq!(self.room_named(&room.key), Some(room.number));
                    let kept = |slot: &u32| self.kept_membership(*slot, room.number).is_some();
                    let members = self.accounts.iter().map(|(slot, _)| slot).filter(kept);
                    assert!(members.eq(accounts.iter().copied()), "members of {}", room.name);
                    assert!(!accounts.is_empty(), "a group that everyone has left is gone");
                    let is_account = |member: &Member| self.client(member.client).unwrap().is_account();
                    assert!(room.members.iter().all(|member| is_account(member) && member.roles == Roles::NONE));
                }
                ChatroomKind::Direct(one, other) => {
                    counts.direct_rooms += 1;
                    assert_eq!(self.direct(other, one), Some(room.number));
                    for client in [one, other] {
                        assert!(self.directs_of(client).any(|direct| direct.number == room.number));
                    }
                }
            }
            let mut sessions = vec![0; self.sessions.len()];
            for (index, member) in room.members.iter().enumerate() {
                let client = self.clients.at(member.client).unwrap();
                assert_eq!(client.place(room.number).map(|place| place.member), Some(index as u32));
                client.sessions.iter().for_each(|id| sessions[id.shard as usize] += 1);
            }
            for (shard, count) in sessions.into_iter().enumerate() {
                assert_eq!(room.sessions_on(shard), count, "sessions in {}", room.name);
            }
            let kept = || self.accounts.iter().filter_map(|(slot, _)| self.kept_membership(slot, room.number));
            assert_eq!(room.rules.kept_members as usize, kept().count());
            let operators = kept().filter(|membership| membership.roles.at_least(Role::Operator)).count();
            assert_eq!(room.rules.operators as usize, operators);
        }
        for (slot, account) in self.accounts.iter() {
            counts.accounts += 1;
            assert_eq!(self.account_named(account.username.key()), Some(slot));
            assert_eq!(self.account_of(account.record.id), Some(slot));
            assert!(account.client.is_some() || !account.is_always_on, "who stays is here");
            counts.always_on += usize::from(account.is_always_on);
            if let Some(client) = account.client {
                assert_eq!(self.clients.at(client).unwrap().account.as_ref().map(|account| account.slot), Some(slot));
            }
        }
        assert_eq!(self.counts, counts);
        assert_eq!(self.deadlines, deadlines);
    }
}
