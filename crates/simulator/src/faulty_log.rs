//! A log that commits late, fails, recovers, and at a crash has only what it committed: the store with it, which plays
//! the part of SQLite.

use crate::defect::Defect;
use crate::invariants::number_in;
use crate::random::Random;
use chat::change::Change;
use chat::history::{Kept, Past};
use chat::id::{ClientId, MessageId, Position, RoomNumber, Timestamp};
use chat::log::{Batch, Log, Outcome, StorageFailure};
use chat::message::Message;
use chat::metadata::MetadataKey;
use chat::once::Posted;
use chat::personal::ConversationKey;
use chat::pin::PinRecord;
use chat::report::Report;
use chat::server_ban::ServerBan;
use chat::snapshot::{
    AccountRecord, DeviceRecord, MarksRecord, MembershipRecord, MetadataOwner, MetadataRecord, PresenceRecord,
    ReadMarkerRecord, RoomRecord, Snapshot,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What is on disk.
#[derive(Debug, Default)]
pub struct Store {
    rooms: BTreeMap<RoomNumber, RoomRecord>,
    accounts: BTreeMap<ClientId, AccountRecord>,
    memberships: BTreeMap<(RoomNumber, ClientId), MembershipRecord>,
    markers: BTreeMap<(ClientId, ConversationKey), ReadMarkerRecord>,
    metadata: BTreeMap<(MetadataOwner, MetadataKey), MetadataRecord>,
    marks: BTreeMap<(ClientId, ConversationKey), MarksRecord>,
    /// By the number in their text, and whom they were sent to, in small letters.
    said: BTreeMap<(u64, String), Position>,
    /// Of what was said to people, by the number and whom it reached: the name it was sent to, in small letters.
    said_to_people: BTreeMap<(u64, ClientId), String>,
    /// What was said under one key in two rooms.
    said_anew: BTreeSet<u64>,
    ids: BTreeSet<MessageId>,
    /// Of what happened in rooms.
    events: BTreeSet<String>,
    posted_once: Vec<(Posted, MessageId)>,
    server_bans: Vec<ServerBan>,
    presences: BTreeMap<ClientId, PresenceRecord>,
    devices: BTreeMap<(ClientId, u64), DeviceRecord>,
    pins: Vec<PinRecord>,
    reports: Vec<Report>,
    past: Past,
    position: Position,
    timestamp: Timestamp,
    next_room: u32,
    /// The first thing that was committed and must not have been.
    pub wrong: Option<String>,
}

impl Store {
    /// What the hub starts from.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            rooms: self.rooms.values().cloned().collect(),
            accounts: self.accounts.values().cloned().collect(),
            memberships: self.memberships.values().cloned().collect(),
            read_markers: self.markers.values().cloned().collect(),
            metadata: self.metadata.values().cloned().collect(),
            marks: self.marks.values().cloned().collect(),
            posted_once: self.posted_once.clone(),
            server_bans: self.server_bans.clone(),
            last_said: self.last_said(),
            presences: self.presences.values().cloned().collect(),
            devices: self.devices.values().cloned().collect(),
            pins: self.pins.clone(),
            reports: self.reports.clone(),
            position: self.position,
            timestamp: self.timestamp,
            next_room: self.next_room,
        }
    }

    /// When something was last said to everyone in each room: messages stand in their order.
    fn last_said(&self) -> Vec<(RoomNumber, Timestamp)> {
        let mut last = BTreeMap::new();
        for kept in self.past.kept().iter().filter(|kept| kept.is_message()) {
            if let Kept::Said { message, .. } = kept
                && message.audience.is_none()
            {
                last.insert(message.room, message.timestamp);
            }
        }
        last.into_iter().collect()
    }

    /// The place in the order of the message with this number in its text, sent to this name.
    pub fn position_of(&self, number: u64, to: &str) -> Option<Position> {
        self.said.get(&(number, to.to_owned())).copied()
    }

    /// The name that the message with this number was sent to, which reached the account of this name.
    pub fn name_that_reached(&self, number: u64, account: &str) -> Option<&str> {
        let (id, _) = self.proof_of(account)?;
        self.said_to_people.get(&(number, id)).map(String::as_str)
    }

    /// What a reader of this store finds.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// The message with this number is there once.
    pub fn has_one_id(&self, number: u64) -> bool {
        !self.said_anew.contains(&number)
    }

    pub fn has_event(&self, id: &str) -> bool {
        self.events.contains(id)
    }

    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The account of this name, and since when its proofs are good.
    pub fn proof_of(&self, name: &str) -> Option<(ClientId, Timestamp)> {
        let record = self.accounts.values().find(|record| record.username.eq_ignore_ascii_case(name))?;
        Some((record.id, record.proofs_since))
    }

    pub fn usernames(&self) -> impl Iterator<Item = (ClientId, String)> {
        self.accounts.values().map(|record| (record.id, record.username.to_string()))
    }

    pub fn messages(&self) -> usize {
        self.ids.len()
    }

    fn commit(&mut self, batch: Batch) {
        if batch.position < self.position || batch.timestamp < self.timestamp {
            self.wrong.get_or_insert_with(|| format!("batch {} goes back in the order", batch.number));
        }
        let before = self.position;
        for change in batch.changes {
            self.past.apply(&change);
            match change {
                Change::Posted(message) => {
                    self.keep(&message, before);
                    if let Some(key) = message.once.clone() {
                        let posted = Posted { client: message.sender_id, room: message.room, key };
                        self.posted_once.push((posted, message.id));
                    }
                }
                Change::Happened(event) | Change::Edited { event, .. } => {
                    self.events.insert(event.id.0.to_string());
                    if !self.rooms.contains_key(&event.room) || event.position <= before {
                        self.wrong.get_or_insert_with(|| format!("an event was kept nowhere or behind: {event:?}"));
                    }
                }
                Change::Redacted { room, target, .. } => {
                    let there = self.past.kept().iter().any(|kept| kept.room() == room && kept.id() == target);
                    if !there {
                        self.wrong.get_or_insert_with(|| format!("redacted was what is not there: {target}"));
                    }
                }
                Change::Reported { report, .. } => self.reports.push(*report),
                Change::ReportClosed(number) => {
                    for report in self.reports.iter_mut().filter(|report| report.number == number) {
                        *report = report.closed();
                    }
                }
                Change::ReportForgotten(number) => self.reports.retain(|report| report.number != number),
                Change::Pinned(record) => self.pins.push(*record),
                Change::Unpinned { room, message } => {
                    self.pins.retain(|record| (record.room, record.pin.message) != (room, message));
                }
                Change::Room(record) => {
                    self.next_room = self.next_room.max(record.number.0 + 1);
                    self.rooms.insert(record.number, *record);
                }
                Change::RoomRemoved(number) => {
                    self.rooms.remove(&number);
                    self.memberships.retain(|(room, _), _| *room != number);
                    self.pins.retain(|record| record.room != number);
                }
                Change::Account(record) => {
                    self.accounts.insert(record.id, *record);
                }
                Change::AccountRemoved(id) => {
                    self.accounts.remove(&id);
                    self.presences.remove(&id);
                    self.devices.retain(|(account, _), _| *account != id);
                    self.memberships.retain(|(_, account), _| *account != id);
                    self.markers.retain(|(account, _), _| *account != id);
                }
                Change::Member(record) => {
                    if !self.rooms.contains_key(&record.room) || !self.accounts.contains_key(&record.account) {
                        self.wrong.get_or_insert_with(|| "a membership of nobody or nowhere was kept".to_owned());
                    }
                    self.memberships.insert((record.room, record.account), record);
                }
                Change::Metadata(record) => {
                    let key = (record.owner, record.key.clone());
                    match record.value {
                        Some(_) => self.metadata.insert(key, record),
                        None => self.metadata.remove(&key),
                    };
                }
                Change::Marks(record) => {
                    self.marks.insert((record.account, record.conversation), record);
                }
                Change::Audited(_) => {}
                Change::Device(record) => {
                    self.devices.insert((record.account, record.id), *record);
                }
                Change::DeviceForgotten { account, id } => {
                    self.devices.remove(&(account, id));
                }
                Change::Presence(record) => {
                    self.presences.insert(record.account, *record);
                }
                Change::PresenceRemoved(account) => {
                    self.presences.remove(&account);
                }
                Change::ServerBan(ban) => {
                    self.server_bans.retain(|other| other.target != ban.target);
                    self.server_bans.push(*ban);
                }
                Change::ServerBanRemoved(target) => self.server_bans.retain(|ban| ban.target != target),
                Change::ReadMarker(record) => {
                    self.markers.insert((record.account, record.conversation), record);
                }
                Change::ReadMarkerRemoved { account, conversation } => {
                    self.markers.remove(&(account, conversation));
                }
                Change::MemberRemoved { room, account } => {
                    self.memberships.remove(&(room, account));
                }
            }
        }
        self.position = batch.position;
        self.timestamp = batch.timestamp;
    }

    fn keep(&mut self, message: &Message, before: Position) {
        let mut wrong = |what: &str| {
            self.wrong.get_or_insert_with(|| format!("{what}: {:?} to {}", message.payload, message.addressed_to));
        };
        if !self.rooms.contains_key(&message.room) {
            wrong("a message was kept whose room is not");
        }
        if message.position <= before {
            wrong("a message was kept behind its place");
        }
        if !self.ids.insert(message.id) {
            wrong("a message's id was given out before");
        }
        let Some(number) = number_in(&message.payload) else { return };
        let to = message.addressed_to.to_lowercase().to_string();
        if let Some(recipient) = message.recipient_id {
            self.said_to_people.insert((number, recipient), to.clone());
        }
        // Under a key another account may say the same, and this one in another room that has the name by now.
        let before = self.said.insert((number, to), message.position);
        let is_same = |kept: &Kept| match kept {
            Kept::Said { message: said, .. } => {
                Some(said.position) == before && (said.room, said.sender_id) == (message.room, message.sender_id)
            }
            Kept::Happened(_) => false,
        };
        if before.is_some() && (message.once.is_none() || self.past.kept().iter().any(is_same)) {
            wrong("a message was kept twice");
        }
        if before.is_some() {
            self.said_anew.insert(number);
        }
    }
}

/// How often things go wrong, in a thousand turns of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub begins_to_fail: u64,
    pub recovers: u64,
    /// An outcome that is known is not told yet.
    pub dawdles: u64,
}

/// The log in front of the [`Store`].
#[derive(Debug, Default)]
pub struct FaultyLog {
    pub store: Store,
    under_way: VecDeque<Batch>,
    outcomes: VecDeque<Outcome>,
    failing: Option<StorageFailure>,
    /// The failure was told: so is the recovery.
    failure_told: bool,
    /// One outcome at a time: the next is given out when asked for.
    may_tell: bool,
    /// Of the defects those of a log.
    defect: Option<Defect>,
}

impl Log for FaultyLog {
    fn append(&mut self, mut batch: Batch) {
        match self.defect {
            Some(Defect::ShowsTooEarly) => self.outcomes.push_back(Outcome::Committed { batch: batch.number }),
            Some(Defect::LogLosesEvents) => {
                batch
                    .changes
                    .retain(|change| !matches!(change, Change::Happened(event) if event.happening.place.is_some()));
            }
            Some(Defect::LogLosesMessages) => batch.changes.retain(|change| !matches!(change, Change::Posted(_))),
            _ => {}
        }
        self.under_way.push_back(batch);
    }

    fn committed(&mut self) -> Option<Outcome> {
        if !std::mem::take(&mut self.may_tell) {
            return None;
        }
        self.outcomes.pop_front()
    }
}

impl FaultyLog {
    pub fn with_defect(defect: Option<Defect>) -> FaultyLog {
        FaultyLog { defect, ..FaultyLog::default() }
    }

    /// Lets the next [`Log::committed`] tell an outcome, and says which.
    pub fn tell_one(&mut self) -> Option<Outcome> {
        let next = self.outcomes.front().copied();
        self.may_tell = next.is_some();
        next
    }

    /// One turn of the disk: batches come to their end, it begins to fail, it recovers.
    pub fn turn(&mut self, random: &mut Random, faults: Faults) {
        match self.failing {
            None if random.happens(faults.begins_to_fail) => {
                self.failing = Some(*random.one_of(&[StorageFailure::Full, StorageFailure::Error]));
            }
            Some(_) if random.happens(faults.recovers) => self.recover(),
            _ => {}
        }
        if !random.happens(faults.dawdles) {
            self.finish_batches();
        }
    }

    /// From here on nothing is taken.
    pub fn fail(&mut self, failure: StorageFailure) {
        self.failing = Some(failure);
    }

    /// From here on everything is taken again.
    pub fn recover(&mut self) {
        // What was given to it meanwhile has failed first.
        self.finish_batches();
        self.failing = None;
        if std::mem::take(&mut self.failure_told) {
            self.outcomes.push_back(Outcome::Recovered);
        }
    }

    /// Every batch comes to its end.
    pub fn finish_batches(&mut self) {
        while let Some(batch) = self.under_way.pop_front() {
            let number = batch.number;
            match self.failing {
                _ if self.defect == Some(Defect::ShowsTooEarly) => self.store.commit(batch),
                Some(failure) => {
                    self.failure_told = true;
                    self.outcomes.push_back(Outcome::Failed { batch: number, failure });
                }
                None => {
                    self.store.commit(batch);
                    self.outcomes.push_back(Outcome::Committed { batch: number });
                }
            }
        }
    }

    /// The process dies. `flushed`: what was under way has just reached the disk, and nobody was told.
    pub fn crash(&mut self, flushed: bool) {
        if flushed {
            self.finish_batches();
        }
        self.under_way.clear();
    }

    /// What is left for the next process.
    pub fn restarted(&mut self) -> FaultyLog {
        if self.defect == Some(Defect::ForgetsKeys) {
            self.store.posted_once.clear();
        }
        FaultyLog { store: std::mem::take(&mut self.store), ..FaultyLog::with_defect(self.defect) }
    }

    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.outcomes.is_empty()
    }
}
