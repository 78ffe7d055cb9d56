//! The hub's tests as transcripts: what is asked (`>`), and what follows, one effect a line.
//!
//! ```text
//! > alice arrives
//! alice: welcome alice
//! > alice joins #tea
//! [alice*] alice joined #tea @
//! alice: entered #tea @alice
//! ```
//!
//! In brackets: the sessions that an event reaches, `*` behind the one whose request caused it. A session is a person's
//! name, or `name/device`. A world keeps each shard's room index from `Enter` and `Leave` as a shard does, so what a room
//! sees is what its members would see. It also checks, after every line, that each request was told `Done` exactly
//! once (or was finished by an event), and that the hub's derived tables are right.

use super::{Entry, Hub, StorageState};
use crate::change::Change;
use crate::chatroom::RoomFlag;
use crate::command::{
    AccountChange, Announcement, Arrival, Command, Control, Departure, NewAccount, NewLink, Origin, PersonalMode, Post,
    Recipient, Request, RoomChange,
};
use crate::device_login::{LoginClaim, NewDevice, SecretHash};
use crate::effect::{Effect, Effects, EventOrigin, ServerEffect};
use crate::event::{Event, RoomStep, What};
use crate::history::{Grant, Since};
use crate::id::{ClientId, MessageId, Position, RoomNumber, SessionId, Timestamp};
use crate::invite_link::LinkHash;
use crate::log::StorageFailure;
use crate::membership::{Role, Roles};
use crate::message::{Message, MessageKind};
use crate::metadata::MetadataKey;
use crate::name::{ChatroomName, NameRules, Username};
use crate::once::{OnceKey, Posted};
use crate::personal::ConversationKey;
use crate::pin::{PinRecord, WhichPin};
use crate::query::{
    Answer, Conversation, Counted, GroupRow, MemberRow, MetadataRow, MetadataTarget, Query, RoomFilter, WhoTarget,
};
use crate::refusal::{ListKind, Right, Rights};
use crate::report::{Report, ReportNumber, ReportView};
use crate::server_ban::{AddressRange, BanTarget, Banned, ServerBan};
use crate::settings::{OperatorRule, Settings};
use crate::snapshot::{
    AccountRecord, DeviceRecord, MarksRecord, MembershipRecord, MetadataOwner, MetadataRecord, PresenceRecord,
    ReadMarkerRecord, RoomKind, RoomRecord, Snapshot,
};
use compact_str::CompactString;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A transcript that must come true, on one shard, with no standing rooms.
pub(super) fn check(script: &str) {
    World::new(Settings { standing_rooms: Vec::new(), ..Settings::default() }, 1).check(script);
}

pub(super) struct World {
    pub hub: Hub,
    pub now: u64,
    pub position: u64,
    rules: NameRules,
    shards: usize,
    sessions: BTreeMap<String, (SessionId, u32)>,
    /// The room index of the shards.
    inside: BTreeSet<(RoomNumber, SessionId)>,
    next_slot: u32,
    shows_changes: bool,
    /// What is noted in the history of rooms.
    shows_notes: bool,
    shows_audit: bool,
    /// What a store would have, when it is wanted.
    store: Option<Store>,
    /// Everything that was kept with this text, the newest last: what a reader of the store would find.
    said: Vec<Arc<Message>>,
    /// Who was told of which event by the command at hand.
    told: BTreeSet<(SessionId, usize)>,
    pub lines: Vec<String>,
}

/// The simplest store: records by their keys.
#[derive(Default)]
struct Store {
    rooms: BTreeMap<u32, RoomRecord>,
    accounts: BTreeMap<ClientId, AccountRecord>,
    memberships: BTreeMap<(u32, ClientId), MembershipRecord>,
    markers: BTreeMap<(ClientId, ConversationKey), ReadMarkerRecord>,
    metadata: BTreeMap<(MetadataOwner, MetadataKey), MetadataRecord>,
    marks: BTreeMap<(ClientId, ConversationKey), MarksRecord>,
    posted_once: Vec<(Posted, MessageId)>,
    last_said: BTreeMap<u32, Timestamp>,
    server_bans: Vec<ServerBan>,
    presences: BTreeMap<ClientId, PresenceRecord>,
    devices: BTreeMap<(ClientId, u64), DeviceRecord>,
    pins: Vec<PinRecord>,
    reports: Vec<Report>,
}

impl Store {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Posted(message) => {
                assert!(self.rooms.contains_key(&message.room.0), "its room is kept already");
                if message.kind != MessageKind::Signal && message.audience.is_none() {
                    self.last_said.insert(message.room.0, message.timestamp);
                }
                if let Some(key) = message.once.clone() {
                    self.posted_once.push((Posted { client: message.sender_id, room: message.room, key }, message.id));
                }
            }
            Change::Happened(event) => assert!(self.rooms.contains_key(&event.room.0), "its room is kept already"),
            Change::Edited { event, .. } => assert!(self.rooms.contains_key(&event.room.0), "its room is kept already"),
            Change::Redacted { room, .. } => assert!(self.rooms.contains_key(&room.0), "its room is kept already"),
            Change::Reported { report, .. } => self.reports.push(Report::clone(report)),
            Change::ReportClosed(number) => {
                let found = self.reports.iter_mut().find(|report| report.number == *number);
                let report = found.expect("only what is kept is closed");
                *report = report.closed();
            }
            Change::ReportForgotten(number) => self.reports.retain(|report| report.number != *number),
            Change::Pinned(record) => {
                assert!(self.rooms.contains_key(&record.room.0), "its room is kept already");
                self.pins.push(PinRecord::clone(record));
            }
            Change::Unpinned { room, message } => {
                self.pins.retain(|record| (record.room, record.pin.message) != (*room, *message));
            }
            Change::Room(room) => {
                self.rooms.insert(room.number.0, RoomRecord::clone(room));
            }
            Change::RoomRemoved(number) => {
                assert!(self.rooms.remove(&number.0).is_some(), "only what is kept is removed");
                assert!(!self.memberships.keys().any(|(room, _)| *room == number.0), "nobody is a member of it");
                self.pins.retain(|record| record.room != *number);
            }
            Change::Account(account) => {
                self.accounts.insert(account.id, AccountRecord::clone(account));
            }
            Change::AccountRemoved(id) => {
                assert!(self.accounts.remove(id).is_some(), "only what is kept is removed");
                assert!(!self.memberships.keys().any(|(_, account)| account == id), "it is a member of nothing");
                self.markers.retain(|(account, _), _| account != id);
                self.marks.retain(|(account, _), _| account != id);
                assert!(!self.presences.contains_key(id), "it is not here");
                self.devices.retain(|(account, _), _| account != id);
                self.metadata.retain(|(owner, _), _| *owner != MetadataOwner::Account(*id));
            }
            Change::Member(member) => {
                assert!(self.rooms.contains_key(&member.room.0), "its room is kept already");
                assert!(self.accounts.contains_key(&member.account), "its account is kept already");
                self.memberships.insert((member.room.0, member.account), member.clone());
            }
            Change::Metadata(record) => {
                let key = (record.owner, record.key.clone());
                match record.value {
                    Some(_) => self.metadata.insert(key, record.clone()),
                    None => self.metadata.remove(&key),
                };
            }
            Change::Marks(record) => {
                let key = (record.account, record.conversation);
                match record.marks.is_empty() {
                    false => self.marks.insert(key, record.clone()),
                    true => self.marks.remove(&key),
                };
            }
            Change::Audited(_) => {}
            Change::Device(record) => {
                assert!(self.accounts.contains_key(&record.account), "its account is kept already");
                self.devices.insert((record.account, record.id), DeviceRecord::clone(record));
            }
            Change::DeviceForgotten { account, id } => {
                assert!(self.devices.remove(&(*account, *id)).is_some(), "only what is kept is removed");
            }
            Change::Presence(record) => {
                assert!(self.accounts.contains_key(&record.account), "its account is kept already");
                self.presences.insert(record.account, PresenceRecord::clone(record));
            }
            Change::PresenceRemoved(account) => {
                assert!(self.presences.remove(account).is_some(), "only what is kept is removed");
            }
            Change::ServerBan(ban) => {
                self.server_bans.retain(|other| other.target != ban.target);
                self.server_bans.push(ServerBan::clone(ban));
            }
            Change::ServerBanRemoved(target) => self.server_bans.retain(|ban| ban.target != *target),
            Change::ReadMarker(marker) => {
                assert!(self.accounts.contains_key(&marker.account), "its account is kept already");
                self.markers.insert((marker.account, marker.conversation), marker.clone());
            }
            Change::ReadMarkerRemoved { account, conversation } => {
                assert!(self.markers.remove(&(*account, *conversation)).is_some(), "only what is kept is removed");
            }
            Change::MemberRemoved { room, account } => {
                assert!(self.memberships.remove(&(room.0, *account)).is_some(), "only what is kept is removed");
            }
        }
    }
}

impl World {
    pub fn new(settings: Settings, shards: usize) -> World {
        World::restore(Snapshot::default(), settings, shards)
    }

    pub fn restore(snapshot: Snapshot, settings: Settings, shards: usize) -> World {
        let rules = settings.name_rules;
        World {
            position: snapshot.position.0,
            hub: Hub::restore(snapshot, settings, 7, shards),
            now: 1_700_000_000_000,
            rules,
            shards,
            sessions: BTreeMap::new(),
            inside: BTreeSet::new(),
            next_slot: 0,
            shows_changes: false,
            shows_notes: false,
            shows_audit: false,
            store: None,
            said: Vec::new(),
            told: BTreeSet::new(),
            lines: Vec::new(),
        }
    }

    pub fn check(&mut self, script: &str) {
        let script: Vec<&str> = script.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        self.lines.clear();
        for line in &script {
            if let Some(asked) = line.strip_prefix("> ") {
                self.lines.push((*line).to_owned());
                self.run(asked);
            }
        }
        let expected = script.join("\n");
        let found = self.lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
        assert!(expected == found, "expected:\n{expected}\n\nfound:\n{found}\n");
    }

    /// One line of what is asked.
    pub fn run(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["time", seconds] => {
                self.now += seconds.parse::<u64>().unwrap() * 1000;
                self.apply(Origin::Server, Command::DeadlineReached);
            }
            ["storage", "fails"] => self.hub.set_storage(StorageState::Failing(StorageFailure::Full)),
            ["storage", "works"] => self.hub.set_storage(StorageState::Working),
            ["show", "changes"] => self.shows_changes = true,
            ["show", "notes"] => self.shows_notes = true,
            ["show", "audit"] => self.shows_audit = true,
            ["console", rest @ ..] => {
                let command = self.command("console", rest);
                self.apply(Origin::Console { number: 1 }, command);
            }
            [who, "arrives", rest @ ..] => self.arrive(who, rest),
            [who, rest @ ..] => {
                let command = self.command(who, rest);
                let origin = self.origin(who);
                self.apply(origin, command);
            }
            [] => {}
        }
    }

    pub fn origin(&mut self, who: &str) -> Origin {
        let (id, number) = self.seat(who);
        *number += 1;
        Origin::Session { id, number: *number, last: true }
    }

    fn seat(&mut self, who: &str) -> (SessionId, &mut u32) {
        let shards = self.shards as u32;
        let next_slot = &mut self.next_slot;
        let (id, number) = self.sessions.entry(who.to_owned()).or_insert_with(|| {
            let slot = *next_slot;
            *next_slot += 1;
            (SessionId { shard: (slot % shards) as u16, slot: slot / shards, generation: 1 }, 0)
        });
        (*id, number)
    }

    /// `arrives`, `arrives as NAME`, `arrives account NAME [as NAME] [on DEVICE]`, `arrives account NAME by SECRET`; the
    /// account is logged in to first.
    fn arrive(&mut self, who: &str, words: &[&str]) {
        let (account, words) = match words {
            ["account", account, rest @ ..] => (Some(*account), rest),
            rest => (None, rest),
        };
        let (secret, words) = match words {
            [rest @ .., "by", secret] => (Some(*secret), rest),
            rest => (None, rest),
        };
        let (device, words) = match words {
            [rest @ .., "on", device] => (Some(CompactString::from(*device)), rest),
            rest => (None, rest),
        };
        let own = who.split('/').next().unwrap_or_default();
        let name = if let ["as", name] = words { name } else { account.unwrap_or(own) };
        let account = account.map(|account| self.account(account));
        let address = address_of(who);
        let login = account.zip(secret).map(|(account, secret)| LoginClaim { account, secret: secret_of(secret) });
        if let Some(account) = account {
            let origin = self.origin(who);
            let proofs_since = self.proofs_since(account);
            let command = match login {
                Some(claim) => Command::LogInAgain { claim, address },
                None => Command::LogIn { account, verified: true, address, counted: None, proofs_since },
            };
            self.apply(origin, command);
        }
        let arrival = Arrival {
            realname: CompactString::from(format!("{own} real")),
            account,
            address,
            secure: who.contains("/tls"),
            device,
            login,
            ..self.arrival(name)
        };
        let origin = self.origin(who);
        self.apply(origin, Command::Arrive(Box::new(arrival)));
    }

    pub fn arrival(&self, name: &str) -> Arrival {
        Arrival {
            name: Username::lookup(name, &self.rules),
            ident: "u".into(),
            realname: CompactString::default(),
            account: None,
            address: address_of(name),
            host: "cloak".into(),
            secure: false,
            certificate: None,
            device: None,
            login: None,
            away: None,
            metadata: Vec::new(),
            subscriptions: Vec::new(),
            modes: Vec::new(),
            gateway: None,
            transport: "TLS",
            port: 6697,
        }
    }

    pub fn id_of(&mut self, who: &str) -> SessionId {
        self.seat(who).0
    }

    /// The next session of this person has her place and a newer generation; of the old one's end nobody was told.
    pub fn renew(&mut self, who: &str) {
        let (mut id, _) = self.seat(who);
        id.generation += 1;
        self.sessions.insert(who.to_owned(), (id, 0));
    }

    /// Where the shards are: what is taken back in the hub never reached them.
    pub fn note_place(&self) -> BTreeSet<(RoomNumber, SessionId)> {
        self.inside.clone()
    }
    pub fn return_to(&mut self, inside: BTreeSet<(RoomNumber, SessionId)>) {
        self.inside = inside;
    }

    /// From here on changes go to a store.
    pub fn keep_changes(&mut self) {
        self.store = Some(Store::default());
    }
    /// What the store would give at the next start.
    pub fn kept(&mut self) -> Snapshot {
        let store = self.store.take().unwrap_or_default();
        Snapshot {
            next_room: store.rooms.keys().max().map_or(0, |number| number + 1),
            rooms: store.rooms.into_values().collect(),
            accounts: store.accounts.into_values().collect(),
            memberships: store.memberships.into_values().collect(),
            read_markers: store.markers.into_values().collect(),
            metadata: store.metadata.into_values().collect(),
            marks: store.marks.into_values().collect(),
            posted_once: store.posted_once,
            last_said: store.last_said.into_iter().map(|(room, at)| (RoomNumber(room), at)).collect(),
            server_bans: store.server_bans,
            presences: store.presences.into_values().collect(),
            devices: store.devices.into_values().collect(),
            pins: store.pins,
            reports: store.reports,
            position: Position(self.position),
            timestamp: Timestamp(self.now),
        }
    }

    fn account(&self, name: &str) -> ClientId {
        let key = Username::lookup(name, &self.rules);
        let slot = self.hub.state.account_named(key.key());
        slot.and_then(|slot| self.hub.state.account(slot))
            .map_or(ClientId(uuid::Uuid::max()), |account| account.record.id)
    }

    /// As a check a moment ago would have found it.
    fn proofs_since(&self, account: ClientId) -> Timestamp {
        let slot = self.hub.state.account_of(account).and_then(|slot| self.hub.state.account(slot));
        slot.map_or(Timestamp(0), |account| account.record.proofs_since)
    }

    pub fn command(&self, who: &str, words: &[&str]) -> Command {
        let name = |text: &str| Username::lookup(text, &self.rules);
        let names = |text: &str| text.split(',').map(name).collect::<Vec<_>>();
        let room = |text: &str| ChatroomName::lookup(text, &self.rules);
        let text = |words: &[&str]| Box::<str>::from(words.join(" "));
        let some = |words: &[&str]| (!words.is_empty()).then(|| text(words));
        let post = |to, kind, words: &[&str]| {
            let between_programs = words.first() == Some(&"VERSION");
            let once = words.first().and_then(|word| word.strip_prefix("once:")).and_then(OnceKey::parse);
            let (text, seams, tags, lasting) = (text(words), None, None, None);
            Command::Post(Box::new(Post {
                to,
                kind,
                text,
                relayed_as: None,
                seams,
                tags,
                between_programs,
                once,
                lasting,
            }))
        };
        let to_room = |text: &str| {
            let at_least = if text.starts_with('@') { Some(Role::Operator) } else { None };
            Recipient::Room { name: room(text.trim_start_matches('@')), at_least }
        };
        match words {
            ["quits", reason @ ..] => Command::Depart(Departure::Quit { reason: some(reason) }),
            ["breaks"] => Command::Depart(Departure::Broken { reason: "connection lost".into() }),
            ["renames", to] => Command::Rename { to: name(to) },
            ["realname", to @ ..] => Command::SetRealname { to: text(to).into() },
            ["away", message @ ..] => Command::SetAway { message: Some(text(message)) },
            ["back"] => Command::SetAway { message: None },
            ["modes", letters] => Command::ChangeOwnModes { changes: own_modes(letters) },
            ["accepts", change] => {
                Command::ChangeAccepted { changes: vec![(change.starts_with('+'), name(&change[1..]))] }
            }
            ["opers", rule] => Command::BecomeOperator { rule: Some((*rule).into()) },
            ["deopers"] => Command::BecomeOperator { rule: None },
            ["rehosts", of, host] => Command::ChangeHost { of: name(of), ident: "x".into(), host: (*host).into() },
            ["logs", "in", account] => Command::LogIn {
                account: self.account(account),
                verified: true,
                address: address_of(who),
                counted: None,
                proofs_since: self.proofs_since(self.account(account)),
            },
            ["logs", "in", account, "with", "the", "old", "password"] => Command::LogIn {
                account: self.account(account),
                verified: true,
                address: address_of(who),
                counted: None,
                proofs_since: Timestamp(0),
            },
            ["logs", "in", account, lane] => {
                let counted = [("home", Counted::Home), ("first", Counted::First), ("shared", Counted::Shared)]
                    .into_iter()
                    .find_map(|(word, counted)| (word == *lane).then_some(counted));
                let account = self.account(account);
                let proofs_since = self.proofs_since(account);
                Command::LogIn { account, verified: true, address: address_of(who), counted, proofs_since }
            }
            ["fails", account] => Command::LogIn {
                account: self.account(account),
                verified: false,
                address: address_of(who),
                counted: None,
                proofs_since: self.proofs_since(self.account(account)),
            },
            ["logs", "out"] => Command::LogOut,
            ["keeps", account, "in", "by", secret] => Command::LogInDevice {
                account: self.account(account),
                counted: None,
                proofs_since: self.proofs_since(self.account(account)),
                device: Box::new(new_device(who, secret)),
            },
            ["signs", username, "up", "by", secret, link @ ..] => Command::SignUp {
                account: Box::new(new_account(name(username), who, link.first().copied())),
                device: Box::new(new_device(who, secret)),
            },
            ["knows", account, "by", secret] => {
                Command::ShowLogin { claim: LoginClaim { account: self.account(account), secret: secret_of(secret) } }
            }
            ["renews", account, "by", secret, to] => Command::RenewLogin {
                claim: LoginClaim { account: self.account(account), secret: secret_of(secret) },
                to: secret_of(to),
            },
            ["ends", account, "by", secret] => {
                Command::EndLogin { claim: LoginClaim { account: self.account(account), secret: secret_of(secret) } }
            }
            ["registers", username, link @ ..] => {
                Command::CreateAccount(Box::new(new_account(name(username), who, link.get(1).copied())))
            }
            ["sets", "password", account] => Command::ChangeAccount {
                account: name(account),
                change: AccountChange::Password { hash: "other".into(), scram: None },
            },
            ["calls", account, to] => {
                Command::ChangeAccount { account: name(account), change: AccountChange::Name(name(to)) }
            }
            ["adds", "certificate", account, byte] => Command::ChangeAccount {
                account: name(account),
                change: AccountChange::AddCertificate([byte.parse().unwrap(); 32]),
            },
            ["disables", account] => {
                Command::ChangeAccount { account: name(account), change: AccountChange::Disabled(true) }
            }
            ["enables", account] => {
                Command::ChangeAccount { account: name(account), change: AccountChange::Disabled(false) }
            }
            ["grants", account, right] => Command::ChangeAccount {
                account: name(account),
                change: AccountChange::Rights(Rights::NONE.with(Right::from_word(right).unwrap())),
            },
            ["takes", "all", "rights", "from", account] => {
                Command::ChangeAccount { account: name(account), change: AccountChange::Rights(Rights::NONE) }
            }
            ["hands", "the", "server", "to", account] => {
                Command::ChangeAccount { account: name(account), change: AccountChange::Owner }
            }
            ["stays", choice] => Command::SetAlwaysOn {
                choice: match *choice {
                    "on" => Some(true),
                    "off" => Some(false),
                    _ => None,
                },
            },
            ["deletes", account] => Command::DeleteAccount { account: name(account) },
            ["joins", to] => Command::Join { room: room(to), key: None, link: None, follows: false },
            ["follows", to] => Command::Join { room: room(to), key: None, link: None, follows: true },
            ["joins", to, "by", link] => {
                Command::Join { room: room(to), key: None, link: Some(link_of(link)), follows: false }
            }
            ["joins", to, key] => {
                Command::Join { room: room(to), key: Some((*key).into()), link: None, follows: false }
            }
            ["links", to, link, uses, lasts @ ..] => Command::CreateLink {
                room: room(to),
                link: NewLink {
                    hash: link_of(link),
                    lasts_ms: lasts.first().map(|seconds| seconds.parse::<u64>().unwrap() * 1000),
                    uses: uses.parse().ok(),
                },
            },
            ["revokes", of, id] => Command::RevokeLink { room: room(of), id: (*id).into() },
            ["bans", from, mask, "for", seconds] => Command::ChangeRoom {
                room: room(from),
                changes: vec![RoomChange::List {
                    on: true,
                    list: ListKind::Ban,
                    mask: (*mask).into(),
                    lasts_ms: Some(seconds.parse::<u64>().unwrap() * 1000),
                }],
            },
            ["parts", "all"] => Command::PartAll { reason: None },
            ["parts", from, reason @ ..] => Command::Part { room: room(from), reason: some(reason) },
            ["topic", of, words @ ..] => Command::SetTopic { room: room(of), text: text(words) },
            ["mode", of, changes @ ..] => {
                Command::ChangeRoom { room: room(of), changes: room_changes(changes, &self.rules) }
            }
            ["names", of, to, reason @ ..] => {
                Command::RenameRoom { room: room(of), to: room(to), reason: some(reason) }
            }
            ["kicks", from, who, reason @ ..] => {
                Command::Kick { room: room(from), who: name(who), reason: some(reason) }
            }
            ["invites", who, to] => Command::Invite { room: room(to), who: name(who) },
            ["gathers", people] => Command::OpenGroup { with: names(people) },
            ["knocks", at, words @ ..] => Command::Knock { room: room(at), text: some(words) },
            ["says", to, words @ ..] if to.contains('#') => post(to_room(to), MessageKind::Text, words),
            ["says", to, words @ ..] => post(Recipient::Person { name: name(to) }, MessageKind::Text, words),
            ["notices", to, words @ ..] if to.contains('#') => post(to_room(to), MessageKind::Notice, words),
            ["notices", to, words @ ..] => post(Recipient::Person { name: name(to) }, MessageKind::Notice, words),
            ["signals", to] if to.contains('#') => post(to_room(to), MessageKind::Signal, &[]),
            ["signals", to] => post(Recipient::Person { name: name(to) }, MessageKind::Signal, &[]),
            ["edits", words @ ..] => {
                let at = words.iter().position(|word| *word == "to").unwrap_or(words.len());
                let new = words.get(at + 1..).unwrap_or_default();
                let between_programs = new.first() == Some(&"VERSION");
                let message = self.found(&words[..at].join(" "));
                Command::Edit { message, text: text(new), in_lines: false, between_programs }
            }
            // Whatever was said with these words, as it was found by someone who may read it, or as nobody ever said it.
            ["redacts", words @ ..] => {
                let (said, reason) = match words.iter().position(|word| *word == "for") {
                    Some(at) => (&words[..at], some(&words[at + 1..])),
                    None => (words, None),
                };
                Command::Redact { message: self.found(&said.join(" ")), reason }
            }
            ["reports", words @ ..] => {
                let at = words.iter().position(|word| *word == "for").unwrap_or(words.len());
                let reason = text(words.get(at + 1..).unwrap_or_default());
                Command::Report { message: self.found(&words[..at].join(" ")), reason }
            }
            // The open one with this number among them.
            [done @ ("resolves" | "dismisses"), which, note @ ..] => {
                let open = self.hub.state.reports().map(|(report, _)| report).filter(|report| report.is_open);
                let place = which.parse::<usize>().unwrap() - 1;
                let number = open.map(|report| report.number).nth(place).unwrap_or(ReportNumber(u64::MAX));
                Command::CloseReport { number, resolved: *done == "resolves", note: some(note) }
            }
            ["pins", words @ ..] => Command::Pin { message: self.found(&words.join(" ")) },
            // Of what was said with these words, or the one with this number.
            ["unpins", of, words @ ..] => {
                let words = words.join(" ");
                let which = match words.parse() {
                    Ok(number) => WhichPin::Number(number),
                    Err(_) => WhichPin::Of(self.found(&words).id),
                };
                Command::Unpin { of: self.conversation(of), which }
            }
            ["sets", "metadata", of, key, value @ ..] => Command::SetMetadata {
                of: self.metadata_target(of),
                key: MetadataKey::parse(key).unwrap(),
                value: some(value),
                exempt: false,
            },
            ["clears", "metadata", of] => Command::ClearMetadata { of: self.metadata_target(of) },
            ["subscribes", keys] => Command::Subscribe { keys: metadata_keys(keys) },
            ["unsubscribes", keys] => Command::Unsubscribe { keys: metadata_keys(keys) },
            ["reads", of, at] => Command::MarkRead { of: self.conversation(of), at: Timestamp(at.parse().unwrap()) },
            ["watches", list] => Command::Watch { names: names(list) },
            ["unwatches", "all"] => Command::UnwatchAll,
            ["unwatches", list] => Command::Unwatch { names: names(list) },
            ["bars", who, reason, lasts @ ..] => Command::BanFromServer {
                who: banned(who, &self.rules),
                reason: (*reason).into(),
                lasts_ms: lasts.first().map(|seconds| seconds.parse::<u64>().unwrap() * 1000),
            },
            ["unbars", who] => Command::LiftServerBan { who: banned(who, &self.rules) },
            ["kills", who, reason @ ..] => Command::Kill { who: name(who), reason: text(reason) },
            ["announces", words @ ..] => Command::Announce { to: Announcement::Everyone, text: text(words) },
            ["tells", "operators", words @ ..] => Command::Announce { to: Announcement::Operators, text: text(words) },
            ["wallops", words @ ..] => Command::Announce { to: Announcement::Wallops, text: text(words) },
            ["stops"] => Command::Control(Control::Stop),
            ["rehashes"] => Command::Control(Control::Rehash),
            ["asks", question @ ..] => Command::Ask(self.query(who, question)),
            _ => panic!("no such line: {who} {words:?}"),
        }
    }

    fn found(&self, text: &str) -> Arc<Message> {
        let found = self.said.iter().rfind(|message| *message.payload == *text);
        found.cloned().unwrap_or_else(|| {
            let nobody = ClientId(uuid::Uuid::nil());
            Arc::new(Message {
                id: MessageId(uuid::Uuid::nil()),
                sender_id: nobody,
                payload: text.into(),
                seams: None,
                timestamp: Timestamp(0),
                chatroom_id: crate::id::ChatroomId(uuid::Uuid::nil()),
                position: Position(0),
                room: RoomNumber(u32::MAX),
                sender: Arc::new(crate::person::Person {
                    id: nobody,
                    name: CompactString::default(),
                    ident: CompactString::default(),
                    host: CompactString::default(),
                    account: None,
                    realname: CompactString::default(),
                    bot: false,
                }),
                kind: MessageKind::Text,
                tags: None,
                addressed_to: CompactString::default(),
                audience: None,
                recipient_id: None,
                once: None,
                lasting: None,
            })
        })
    }

    fn query(&self, who: &str, words: &[&str]) -> Query {
        let name = |text: &str| Username::lookup(text, &self.rules);
        let room = |text: &str| ChatroomName::lookup(text, &self.rules);
        match words {
            ["credentials", account] => {
                Query::Credentials { name: name(account), address: address_of(who), exempt: false }
            }
            ["certificate", byte] => Query::CertificateAccount { certificate: [byte.parse().unwrap(); 32] },
            ["account", account] => Query::Account { name: name(account) },
            ["accounts"] => Query::Accounts,
            ["topic", of] => Query::Topic { room: room(of) },
            ["members", of] => Query::Members { room: room(of) },
            ["settings", of] => Query::RoomSettings { room: room(of) },
            ["bans", of] => Query::RoomList { room: room(of), list: ListKind::Ban },
            ["exceptions", of] => Query::RoomList { room: room(of), list: ListKind::Exception },
            ["links", of] => Query::InviteLinks { room: room(of) },
            ["rooms"] => Query::Rooms(Box::default()),
            ["rooms", filter] => Query::Rooms(Box::new(self.filter(filter))),
            ["invitations"] => Query::OwnInvitations,
            ["groups"] => Query::Groups,
            ["modes"] => Query::OwnModes,
            ["accepted"] => Query::Accepted,
            ["who", of] if of.starts_with('#') => Query::Who { of: WhoTarget::Room(room(of)), operators_only: false },
            ["who", mask] => Query::Who { of: WhoTarget::Mask((*mask).into()), operators_only: false },
            ["operators", mask] => Query::Who { of: WhoTarget::Mask((*mask).into()), operators_only: true },
            ["whois", of] => Query::Whois { name: name(of) },
            ["whowas", of] => Query::Whowas { name: name(of), count: 0 },
            ["present", list] => Query::Present { names: list.split(',').map(name).collect() },
            ["watched"] => Query::Watched,
            ["status"] => Query::WatchedStatus,
            ["counts"] => Query::Counts,
            ["audit"] => Query::Audit,
            ["server", "bans"] => Query::ServerBans,
            ["connections"] => Query::Connections,
            ["earlier", "texts", of] if of.starts_with('#') => Query::EarlierTexts { of: Conversation::Room(room(of)) },
            ["earlier", "texts", of] => Query::EarlierTexts { of: Conversation::With(name(of)) },
            ["history", of] if of.starts_with('#') => Query::History { of: Conversation::Room(room(of)) },
            ["history", of] => Query::History { of: Conversation::With(name(of)) },
            ["reports"] => Query::Reports { room: None },
            ["reports", of] => Query::Reports { room: Some(room(of)) },
            ["pins", of] => Query::Pins { of: self.conversation(of) },
            ["metadata", of] => Query::Metadata { of: self.metadata_target(of), keys: None },
            ["metadata", of, keys] => Query::Metadata { of: self.metadata_target(of), keys: Some(metadata_keys(keys)) },
            ["sync", of] => Query::MetadataSync { of: self.metadata_target(of) },
            ["subscriptions"] => Query::Subscriptions,
            ["unread"] => Query::Unread,
            ["missed"] => Query::Missed,
            ["devices"] => Query::Devices,
            ["staying"] => Query::AlwaysOn,
            ["marker", of] => Query::ReadMarker { of: self.conversation(of) },
            ["conversations"] => Query::Conversations,
            _ => panic!("no such question: {words:?}"),
        }
    }

    fn metadata_target(&self, of: &str) -> MetadataTarget {
        match of {
            "*" => MetadataTarget::Oneself,
            of if of.starts_with('#') => MetadataTarget::Room(ChatroomName::lookup(of, &self.rules)),
            of => MetadataTarget::Person(Username::lookup(of, &self.rules)),
        }
    }

    fn conversation(&self, of: &str) -> Conversation {
        if of.starts_with('#') {
            Conversation::Room(ChatroomName::lookup(of, &self.rules))
        } else {
            Conversation::With(Username::lookup(of, &self.rules))
        }
    }

    fn filter(&self, text: &str) -> RoomFilter {
        let mut filter = RoomFilter::default();
        for part in text.split(',') {
            if let Some(number) = part.strip_prefix('>') {
                filter.more_members_than = number.parse().ok();
            } else if let Some(number) = part.strip_prefix('<') {
                filter.fewer_members_than = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("C>") {
                filter.created_more_than_ago = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("A>") {
                filter.said_more_than_ago = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("A<") {
                filter.said_less_than_ago = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("T<") {
                filter.topic_less_than_ago = number.parse().ok();
            } else if let Some(mask) = part.strip_prefix('!') {
                filter.not_masks.push(mask.into());
            } else if part.contains('*') {
                filter.masks.push(part.into());
            } else {
                filter.names.push(ChatroomName::lookup(part, &self.rules));
            }
        }
        filter
    }

    pub fn apply(&mut self, origin: Origin, command: Command) {
        let mut effects = Effects::for_shards(self.shards);
        self.apply_into(origin, command, &mut effects);
        self.show(origin, effects);
        self.hub.state.check();
    }

    pub fn apply_into(&mut self, origin: Origin, command: Command, effects: &mut Effects) {
        self.position += 1;
        let entry = Entry {
            position: Position(self.position),
            timestamp: Timestamp(self.now),
            request: Request { origin, command },
        };
        self.hub.apply(entry, effects);
    }

    fn show(&mut self, origin: Origin, effects: Effects) {
        let mut ends = 0;
        self.told.clear();
        for (shard, list) in effects.shards.into_iter().enumerate() {
            for effect in list {
                ends += usize::from(self.is_end(shard, &effect, origin));
                if let Some(line) = self.line(shard, effect) {
                    self.lines.push(line);
                }
            }
        }
        if let Origin::Session { last, .. } = origin {
            assert_eq!(ends, usize::from(last), "each request is finished once: {:?}", self.lines);
        }
        for effect in effects.server {
            self.lines.push(match effect {
                ServerEffect::Control { control, by } => format!("server: {control:?} by {by}"),
                ServerEffect::Doors(ranges) => {
                    ranges.iter().fold("server: doors".to_owned(), |text, range| format!("{text} {range}"))
                }
                ServerEffect::Console { answer, .. } => {
                    format!("console: {}", answer_line(&answer))
                }
            });
        }
        self.said.extend(effects.changes.iter().filter_map(|change| match change {
            Change::Posted(message) => Some(message.clone()),
            _ => None,
        }));
        if let Some(store) = &mut self.store {
            effects.changes.iter().for_each(|change| store.apply(change));
        }
        for change in &effects.changes {
            match change {
                Change::Happened(event) if event.happening.place.is_some() && self.shows_notes => {
                    let room = self.hub.state.room(event.room).map_or("a room that is gone", |room| &room.name);
                    let whom =
                        event.audience.map(|role| format!(" for {}", prefixes(Roles::of(role)))).unwrap_or_default();
                    let line =
                        format!("note in {room}{whom}: {}", event_line(&Event::Happened(event.happening.clone())));
                    self.lines.push(line);
                }
                Change::Happened(event) if event.happening.place.is_some() => {}
                change if self.shows_changes && !matches!(change, Change::Audited(_) | Change::Device(_)) => {
                    let line = self.change_line(change);
                    self.lines.push(format!("keep: {line}"));
                }
                Change::Audited(entry) if self.shows_audit => {
                    let room = entry.room.as_ref().map(|room| format!(" {room}")).unwrap_or_default();
                    let (by, action, target, detail) = (&entry.by, entry.action.word(), &entry.target, &entry.detail);
                    self.lines.push(format!("audit: {by} {action}{room} {target}: {detail}"));
                }
                _ => {}
            }
        }
        self.check_room_index();
    }

    /// Tells the asking session that all is out. The other shards carry the origin too, and ignore it.
    fn is_end(&self, shard: usize, effect: &Effect, origin: Origin) -> bool {
        let Origin::Session { id, .. } = origin else {
            return false;
        };
        match effect {
            Effect::Done { to, .. } => {
                assert_eq!(*to, id);
                true
            }
            Effect::ToRoom { origin: Some(origin), .. } | Effect::ToSessions { origin: Some(origin), .. } => {
                assert_eq!(origin.session, id);
                origin.finishes && id.shard as usize == shard
            }
            _ => false,
        }
    }

    /// Every session is in the rooms of its client, and in no other.
    fn check_room_index(&self) {
        let mut expected = BTreeSet::new();
        for (id, session) in self.hub.state.sessions() {
            if let Some(client) = self.hub.state.client(session.client) {
                expected.extend(client.rooms.iter().map(|place| (place.room, id)));
            }
        }
        assert_eq!(self.inside, expected, "room index");
    }

    fn session_name(&self, id: SessionId) -> String {
        let found = self.sessions.iter().find(|(_, (session, _))| *session == id);
        found.map_or_else(|| format!("{id:?}"), |(name, _)| name.clone())
    }

    /// The names of those reached. Nobody is told the same twice.
    fn reached(
        &mut self,
        sessions: impl IntoIterator<Item = SessionId>,
        event: &Event,
        origin: Option<EventOrigin>,
    ) -> String {
        let which = match event {
            Event::Posted(message) => Arc::as_ptr(message) as usize,
            Event::Happened(happening) => Arc::as_ptr(happening) as usize,
        };
        let mut names = Vec::new();
        for id in sessions {
            let mark = if origin.is_some_and(|origin| origin.session == id) { "*" } else { "" };
            let name = self.session_name(id);
            assert!(self.told.insert((id, which)), "{name} is told twice: {}", event_line(event));
            names.push(format!("{name}{mark}"));
        }
        format!("[{}]", names.join(" "))
    }

    fn line(&mut self, shard: usize, effect: Effect) -> Option<String> {
        match effect {
            Effect::Answer { to, number, answer } => {
                let unasked = if number == 0 { " (unasked)" } else { "" };
                let line = match &answer {
                    Answer::Pins(Some(view)) => {
                        let pins = view.pins.iter();
                        let pins = pins.map(|(number, pin)| format!("{number}:{}", self.text_of(pin.message)));
                        format!("pins of {}: {}", view.history.name, list(pins))
                    }
                    answer => answer_line(answer),
                };
                Some(format!("{}{unasked}: {line}", self.session_name(to)))
            }
            Effect::Done { .. } => None,
            Effect::Enter { session, room } => {
                assert!(self.inside.insert((room, session)), "entered twice");
                None
            }
            Effect::Leave { session, room } => {
                assert!(self.inside.remove(&(room, session)), "left without being in");
                None
            }
            Effect::ToRoom { room, event, origin } => {
                let mut sessions: Vec<SessionId> = self
                    .inside
                    .iter()
                    .filter(|(number, id)| *number == room && id.shard as usize == shard)
                    .map(|(_, id)| *id)
                    .collect();
                // The one who caused it is told by its shard, in the room or not.
                if let Some(origin) = origin
                    && origin.session.shard as usize == shard
                    && !sessions.contains(&origin.session)
                {
                    sessions.push(origin.session);
                }
                Some(format!("{} {}", self.reached(sessions, &event, origin), event_line(&event)))
            }
            Effect::ToSessions { sessions, event, origin } => {
                assert!(sessions.iter().all(|id| id.shard as usize == shard));
                let unique: BTreeSet<_> = sessions.iter().collect();
                assert_eq!(unique.len(), sessions.len(), "nobody is told twice");
                Some(format!("{} {}", self.reached(sessions, &event, origin), event_line(&event)))
            }
            Effect::ToWatchers { sessions, event } => {
                Some(format!("watching {} {}", self.reached(sessions, &event, None), event_line(&event)))
            }
            Effect::Mirror { sessions, event } => {
                Some(format!("mirror {} {}", self.reached(sessions, &event, None), event_line(&event)))
            }
            Effect::ToAll { event } => Some(format!("[everyone] {}", event_line(&event))),
            Effect::Close { session, reason } => Some(format!("{}: closed: {reason}", self.session_name(session))),
        }
    }

    /// What was said under this id.
    fn text_of(&self, id: MessageId) -> String {
        let said = self.said.iter().find(|message| message.id == id);
        said.map_or_else(|| id.to_string(), |message| message.payload.to_string())
    }

    fn change_line(&self, change: &Change) -> String {
        let room_name = |number: RoomNumber| {
            self.hub.state.room(number).map_or_else(|| number.0.to_string(), |room| room.name.to_string())
        };
        let account_name = |id: ClientId| {
            let slot = self.hub.state.account_of(id);
            let account = slot.and_then(|slot| self.hub.state.account(slot));
            account.map_or_else(|| "someone".to_owned(), |account| account.username.text().to_string())
        };
        let conversation_name = |conversation: &ConversationKey| match conversation {
            ConversationKey::Room(number) => room_name(*number),
            ConversationKey::With(id) => account_name(*id),
        };
        match change {
            Change::Posted(message) => format!("post {}", message.payload),
            Change::Happened(event) | Change::Edited { event, .. } => {
                event_line(&Event::Happened(event.happening.clone()))
            }
            Change::Redacted { target, .. } => format!("nothing of {}", self.text_of(*target)),
            Change::Reported { report, text } => format!("report by {}: {text}", name_in(&report.reported_by)),
            Change::ReportClosed(_) => "report closed".to_owned(),
            Change::ReportForgotten(_) => "report forgotten".to_owned(),
            Change::Pinned(record) => format!("pin of {}", self.text_of(record.pin.message)),
            Change::Unpinned { message, .. } => format!("no pin of {}", self.text_of(*message)),
            Change::Room(room) => match &room.kind {
                RoomKind::Named { name } => {
                    format!("room {name} {}", flags(room.flags.iter().copied()))
                }
                RoomKind::Group { name } => {
                    let ends = if room.retention.is_some() { ", its messages over" } else { "" };
                    format!("group {name}{ends}")
                }
                RoomKind::Direct { .. } => "direct room".to_owned(),
            },
            Change::Audited(_) => "audit".to_owned(),
            Change::RoomRemoved(_) => "no room".to_owned(),
            Change::ServerBan(ban) => format!("server ban {}", ban_text(ban, None)),
            Change::ServerBanRemoved(_) => "no server ban".to_owned(),
            Change::Account(account) => format!("account {}", account.username),
            Change::AccountRemoved(_) => "no account".to_owned(),
            Change::Presence(record) => format!("presence of {} as {}", account_name(record.account), record.name),
            Change::Device(_) => "device".to_owned(),
            Change::DeviceForgotten { account, .. } => format!("no device of {}", account_name(*account)),
            Change::PresenceRemoved(id) => format!("no presence of {}", account_name(*id)),
            Change::Member(member) => format!(
                "member {} {}{}",
                room_name(member.room),
                prefixes(member.membership.roles),
                account_name(member.account)
            ),
            Change::Metadata(record) => {
                let of = match record.owner {
                    MetadataOwner::Room(number) => room_name(number),
                    MetadataOwner::Account(id) => account_name(id),
                };
                format!("metadata {of}/{} {}", record.key.as_str(), record.value.as_deref().unwrap_or("-"))
            }
            Change::Marks(record) => {
                let of = conversation_name(&record.conversation);
                let marks = list(record.marks.iter().map(|mark| mark.word()));
                format!("marks {of} of {}: {marks}", account_name(record.account))
            }
            Change::ReadMarker(marker) => {
                let of = conversation_name(&marker.conversation);
                format!("marker {of} of {} {}", account_name(marker.account), marker.at.0)
            }
            Change::ReadMarkerRemoved { account, conversation } => {
                format!("no marker {} of {}", conversation_name(conversation), account_name(*account))
            }
            Change::MemberRemoved { room, account } => {
                format!("no member {} {}", room_name(*room), account_name(*account))
            }
        }
    }
}

/// Settings that the family tests share: one operator rule, few of everything.
pub(super) fn settings() -> Settings {
    Settings {
        standing_rooms: Vec::new(),
        operators: vec![OperatorRule { name: "admin".into(), rights: Rights::ALL, title: "is an admin".into() }],
        rooms_per_client: 5,
        list_entries: 3,
        monitor_entries: 2,
        whowas_entries: 3,
        recent_messages: 3,
        ..Settings::default()
    }
}

pub(super) fn check_with(settings: Settings, script: &str) {
    World::new(settings, 1).check(script);
}

/// One address for each person.
/// A secret by its number.
fn secret_of(number: &str) -> SecretHash {
    SecretHash([number.parse().unwrap(); 32])
}

fn new_device(who: &str, secret: &str) -> NewDevice {
    NewDevice {
        name: Some("browser".into()),
        transport: "WebSocket".into(),
        address: address_of(who),
        secret: secret_of(secret),
    }
}

fn new_account(username: Username, who: &str, link: Option<&str>) -> NewAccount {
    NewAccount {
        username,
        password_hash: Some("hash".into()),
        scram: None,
        email: None,
        certificate: None,
        address: Some(address_of(who)),
        link: link.map(link_of),
    }
}

fn address_of(who: &str) -> IpAddr {
    let last = who.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    if who.contains("/v6") {
        return IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]);
    }
    IpAddr::from([192, 0, 2, last])
}

fn own_modes(letters: &str) -> Vec<(bool, PersonalMode)> {
    let mut on = true;
    let mut changes = Vec::new();
    for letter in letters.chars() {
        match letter {
            '+' => on = true,
            '-' => on = false,
            letter => changes.push((on, own_mode(letter))),
        }
    }
    changes
}

const OWN_MODES: [(char, PersonalMode); 7] = [
    ('i', PersonalMode::Invisible),
    ('w', PersonalMode::Wallops),
    ('B', PersonalMode::Bot),
    ('R', PersonalMode::AccountsOnly),
    ('Z', PersonalMode::SecureOnly),
    ('o', PersonalMode::Operator),
    ('T', PersonalMode::NoCtcp),
];

fn own_mode(letter: char) -> PersonalMode {
    OWN_MODES.into_iter().find(|(known, _)| *known == letter).unwrap().1
}
fn own_letter(mode: PersonalMode) -> char {
    OWN_MODES.into_iter().find(|(_, known)| *known == mode).unwrap().0
}

const FLAGS: [(char, RoomFlag); 14] = [
    ('m', RoomFlag::Moderated),
    ('n', RoomFlag::MembersSpeak),
    ('s', RoomFlag::Secret),
    ('t', RoomFlag::TopicLocked),
    ('i', RoomFlag::InviteOnly),
    ('C', RoomFlag::NoCtcp),
    ('R', RoomFlag::AccountsJoin),
    ('M', RoomFlag::AccountsSpeak),
    ('P', RoomFlag::Registered),
    ('J', RoomFlag::HistorySinceJoin),
    ('A', RoomFlag::Announcements),
    ('p', RoomFlag::Unlisted),
    ('U', RoomFlag::OpModerated),
    ('u', RoomFlag::Auditorium),
];
const ROLES: [(char, char, Role); 5] = [
    ('q', '~', Role::Owner),
    ('a', '&', Role::Admin),
    ('o', '@', Role::Operator),
    ('h', '%', Role::HalfOperator),
    ('v', '+', Role::Voice),
];
const LISTS: [(char, ListKind); 3] = [('b', ListKind::Ban), ('e', ListKind::Exception), ('I', ListKind::Invitation)];

fn flags(list: impl Iterator<Item = RoomFlag>) -> String {
    list.map(|flag| FLAGS.into_iter().find(|(_, known)| *known == flag).unwrap().0).collect()
}
fn prefixes(roles: Roles) -> String {
    roles.iter().map(|role| ROLES.into_iter().find(|(_, _, known)| *known == role).unwrap().1).collect()
}

/// `+o-v bob carol` as steps.
fn room_changes(words: &[&str], rules: &NameRules) -> Vec<RoomChange> {
    let [letters, parameters @ ..] = words else {
        return Vec::new();
    };
    let mut parameters = parameters.iter();
    let mut on = true;
    let mut changes = Vec::new();
    for letter in letters.chars() {
        let flag = FLAGS.into_iter().find(|(known, _)| *known == letter);
        let role = ROLES.into_iter().find(|(known, _, _)| *known == letter);
        let list = LISTS.into_iter().find(|(known, _)| *known == letter);
        changes.push(match (letter, flag, role, list) {
            ('+', ..) => {
                on = true;
                continue;
            }
            ('-', ..) => {
                on = false;
                continue;
            }
            (_, Some((_, flag)), ..) => RoomChange::Flag { on, flag },
            (_, _, Some((_, _, role)), _) => {
                RoomChange::Role { on, role, who: Username::lookup(parameters.next().unwrap(), rules) }
            }
            (_, _, _, Some((_, list))) => {
                RoomChange::List { on, list, mask: (*parameters.next().unwrap()).into(), lasts_ms: None }
            }
            ('k', ..) => RoomChange::Key { key: on.then(|| (*parameters.next().unwrap()).into()) },
            ('l', ..) => RoomChange::MemberLimit { limit: on.then(|| parameters.next().unwrap().parse().unwrap()) },
            ('W', ..) => RoomChange::SlowMode { seconds: on.then(|| parameters.next().unwrap().parse().unwrap()) },
            ('f', ..) => {
                RoomChange::Forward { to: on.then(|| ChatroomName::lookup(parameters.next().unwrap(), rules)) }
            }
            ('H', ..) => RoomChange::Retention { seconds: on.then(|| parameters.next().unwrap().parse().unwrap()) },
            _ => panic!("no such mode: {letter}"),
        });
    }
    changes
}

/// `a:account`, `c:7` (a certificate of sevens), a range, or someone who is here.
fn banned(text: &str, rules: &NameRules) -> Banned {
    if let Some(account) = text.strip_prefix("a:") {
        return Banned::Account(Username::lookup(account, rules));
    }
    if let Some(byte) = text.strip_prefix("c:") {
        return Banned::Certificate([byte.parse().unwrap(); 32]);
    }
    let (is_door, text) = text.strip_prefix("d:").map_or((false, text), |range| (true, range));
    match text.split_once('/') {
        Some((address, prefix)) => {
            let range = AddressRange::new(address.parse().unwrap(), prefix.parse().unwrap()).unwrap();
            if is_door { Banned::Door(range) } else { Banned::Range(range) }
        }
        None => Banned::Person(Username::lookup(text, rules)),
    }
}

fn ban_text(ban: &ServerBan, account: Option<&str>) -> String {
    match ban.target {
        BanTarget::Account(_) => account.unwrap_or("someone").to_owned(),
        BanTarget::Range(range) => range.to_string(),
        BanTarget::Door(range) => format!("d:{range}"),
        BanTarget::Certificate(certificate) => format!("c:{}", certificate[0]),
    }
}

/// A hash that is a number over and over.
fn link_of(number: &str) -> LinkHash {
    LinkHash([number.parse().unwrap(); 32])
}

fn reason_text(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({reason})"))
}

fn event_line(event: &Event) -> String {
    let happening = match event {
        Event::Posted(message) => {
            let kind = match message.kind {
                MessageKind::Text => "",
                MessageKind::Notice => "notice ",
                MessageKind::Signal => "signal ",
            };
            let audience = message.audience.map(|role| prefixes(Roles::of(role))).unwrap_or_default();
            let (sender, to) = (&message.sender.name, &message.addressed_to);
            return format!("{kind}{sender} -> {audience}{to}: {}", message.payload);
        }
        Event::Happened(happening) => happening,
    };
    let by = if happening.by.name.is_empty() { "server" } else { happening.by.name.as_str() };
    match &happening.what {
        What::Joined { room, away, roles } => {
            let account = happening.by.account.as_ref().map(|account| format!(" ({account})")).unwrap_or_default();
            let away = away.as_ref().map(|away| format!(" away: {away}")).unwrap_or_default();
            {
                let roles = prefixes(*roles);
                let space = if roles.is_empty() { "" } else { " " };
                format!("{by}{account} joined {}{space}{roles}{away}", room.name)
            }
        }
        What::Left { room, reason } => {
            format!("{by} left {}{}", room.name, reason_text(reason.as_deref()))
        }
        What::Kicked { room, who, reason } => {
            format!("{by} kicked {} from {}{}", who.name, room.name, reason_text(reason.as_deref()))
        }
        What::Quit { reason } => format!("{by} quit{}", reason_text(Some(reason))),
        What::Renamed { to } => format!("{by} is now {to}"),
        What::RealnameChanged { to } => format!("{by} has realname {to}"),
        What::HostChanged { ident, host } => format!("{by} is from {ident}@{host}"),
        What::AccountChanged { account: Some(account) } => format!("{by} is account {account}"),
        What::AccountChanged { account: None } => format!("{by} is no account"),
        What::AwayChanged { message: Some(message) } => format!("{by} is away: {message}"),
        What::AwayChanged { message: None } => format!("{by} is back"),
        What::TopicChanged { room, text } => format!("{by} set topic of {}: {text}", room.name),
        What::RoomChanged { room, steps } => {
            let steps: Vec<String> = steps.iter().map(step_line).collect();
            format!("{by} changed {}: {}", room.name, steps.join(" "))
        }
        What::RoomRenamed { room, old, reason } => {
            format!("{by} renamed {old} to {}{}", room.name, reason_text(reason.as_deref()))
        }
        What::Edited { room, text, .. } => format!("{by} edited something in {}: {text}", room.name),
        What::Pinned { room, on, message, .. } => {
            let what = message.as_ref().map_or("something", |message| &message.payload);
            format!("{by} {}pinned {what} in {}", if *on { "" } else { "un" }, room.name)
        }
        What::Redacted { room, reason, .. } => {
            format!("{by} redacted something in {}{}", room.name, reason_text(reason.as_deref()))
        }
        What::Invited { room, who, .. } => format!("{by} invited {} to {}", who.name, room.name),
        What::Knocked { room, text } => format!("{by} knocked at {}{}", room.name, reason_text(text.as_deref())),
        What::OwnModesChanged { changes } => {
            let changes: String =
                changes.iter().map(|(on, mode)| format!("{}{}", sign(*on), own_letter(*mode))).collect();
            format!("{by} has modes {changes}")
        }
        What::Announced { text, wallops } => {
            format!("{by} {}: {text}", if *wallops { "wallops" } else { "announces" })
        }
        What::MetadataChanged { of, key, value } => {
            let value = value.as_deref().map_or_else(|| " is gone".to_owned(), |value| format!("={value}"));
            format!("{by}: {of}/{}{value}", key.as_str())
        }
        What::CameOnline => format!("{by} is online"),
        What::WentOffline => format!("{by} is offline"),
    }
}

fn name_in(mask: &str) -> &str {
    mask.split('!').next().unwrap_or_default()
}

fn report_line(view: &ReportView) -> String {
    let report = &view.report;
    let place = view
        .room
        .as_deref()
        .map_or_else(|| format!("to {}", report.said_to.as_deref().unwrap_or("nowhere")), |room| format!("in {room}"));
    format!("{} reports {} {place} ({})", name_in(&report.reported_by), name_in(&report.said_by), report.reason)
}

fn metadata_keys(keys: &str) -> Vec<MetadataKey> {
    keys.split(',').map(|key| MetadataKey::parse(key).unwrap()).collect()
}

fn metadata_rows(rows: &[MetadataRow]) -> String {
    list(rows.iter().map(|row| {
        let value = row.value.as_deref().map_or_else(|| "-".to_owned(), |value| format!("={value}"));
        format!("{}/{}{value}{}", row.of, row.key.as_str(), if row.is_private { "!" } else { "" })
    }))
}

fn sign(on: bool) -> char {
    if on { '+' } else { '-' }
}

fn step_line(step: &RoomStep) -> String {
    match step {
        RoomStep::Flag { on, flag } => format!("{}{}", sign(*on), flags([*flag].into_iter())),
        RoomStep::Key { on, key } => format!("{}k:{key}", sign(*on)),
        RoomStep::MemberLimit { limit: Some(limit) } => format!("+l:{limit}"),
        RoomStep::MemberLimit { limit: None } => "-l".to_owned(),
        RoomStep::SlowMode { seconds: Some(seconds) } => format!("+W:{seconds}"),
        RoomStep::SlowMode { seconds: None } => "-W".to_owned(),
        RoomStep::Forward { to: Some(to) } => format!("+f:{to}"),
        RoomStep::Forward { to: None } => "-f".to_owned(),
        RoomStep::Retention { seconds: Some(seconds) } => format!("+H:{seconds}"),
        RoomStep::Retention { seconds: None } => "-H".to_owned(),
        RoomStep::Role { on, role, who } => {
            let letter = ROLES.into_iter().find(|(_, _, known)| known == role).unwrap().0;
            format!("{}{letter}:{who}", sign(*on))
        }
        RoomStep::List { on, list, mask } => {
            let letter = LISTS.into_iter().find(|(_, known)| known == list).unwrap().0;
            format!("{}{letter}:{mask}", sign(*on))
        }
    }
}

fn rows(members: &[MemberRow]) -> String {
    let members: Vec<String> =
        members.iter().map(|row| format!("{}{}", prefixes(row.roles), row.person.name)).collect();
    members.join(" ")
}

fn list<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
    words.join(" ")
}

fn answer_line(answer: &Answer) -> String {
    match answer {
        Answer::Refused(refusal) => format!("refused: {refusal:?}"),
        Answer::Welcome(welcome) => {
            let again = if welcome.joined_others { " again" } else { "" };
            format!("welcome{again} {}", welcome.person.name)
        }
        Answer::Credentials(credentials) => {
            let account = credentials.account.as_ref().map(|account| account.username.as_str());
            format!("credentials of {}", account.unwrap_or("nobody"))
        }
        Answer::LoggedIn { account, person } => {
            let person = person.as_ref().map(|person| person.name.as_str());
            format!("logged in to {account} as {}", person.unwrap_or("nobody yet"))
        }
        Answer::LoggedOut => "logged out".to_owned(),
        Answer::AccountCreated { account, .. } => format!("account {account} created"),
        Answer::AccountChanged { account } => format!("account {account} changed"),
        Answer::AccountDeleted { account } => format!("account {account} deleted"),
        Answer::Account(account) => {
            format!("account {}{}", account.username, if account.owner { " (owner)" } else { "" })
        }
        Answer::Accounts(accounts) => format!("accounts {}", list(accounts.iter().map(|account| &account.username))),
        Answer::Entered(view) => {
            let some = |what: &str, count: usize| if count > 0 { format!(", {what} {count}") } else { String::new() };
            let (pins, reports) = (some("pins", view.pins), some("reports", view.reports));
            format!("entered {} {}{pins}{reports}", view.name, rows(&view.members.members))
        }
        Answer::Topic { room, topic: Some(topic) } => format!("topic of {room}: {} by {}", topic.text, topic.by),
        Answer::Topic { room, topic: None } => format!("no topic of {room}"),
        Answer::Members(members) => {
            format!("members of {}: {}", members.room, rows(&members.members))
        }
        Answer::RoomSettings(view) => {
            let key = view.key.as_deref().unwrap_or(if view.key_set { "hidden" } else { "none" });
            let slow = view.slow_seconds.map(|seconds| format!(" slow {seconds}")).unwrap_or_default();
            let forward = view.forward.as_ref().map(|to| format!(" forward {to}")).unwrap_or_default();
            format!(
                "settings of {}: {} key {key} limit {:?}{slow}{forward}",
                view.room,
                flags(view.flags.iter().copied()),
                view.member_limit
            )
        }
        Answer::RoomList { room, entries, .. } => {
            format!("list of {room}: {}", list(entries.iter().map(|entry| &entry.mask)))
        }
        Answer::LinkCreated { room, link } => format!("link {} into {room}", link.hash.id()),
        Answer::LinkRevoked { room, id } => format!("link {id} into {room} is revoked"),
        Answer::InviteLinks { room, links } => {
            let links = links.iter().map(|link| format!("{}({})", link.hash.id(), link.uses_left.unwrap_or_default()));
            format!("links into {room}: {}", list(links))
        }
        Answer::Rooms(rows) => {
            let rows = rows.iter().map(|row| {
                let said = row.last_said.map(|at| format!(" at {}", at.0)).unwrap_or_default();
                format!("{}({}{said})", row.name, row.members)
            });
            format!("rooms {}", list(rows))
        }
        Answer::OwnInvitations(rooms) => format!("invited to {}", list(rooms)),
        Answer::Forwarded { from, to, is_renamed: false } => format!("forwarded from {from} to {to}"),
        Answer::Forwarded { from, to, is_renamed: true } => format!("{from} is called {to}"),
        Answer::RoomRenamed { renaming, is_member, .. } => {
            let outside = if *is_member { "" } else { " (outside)" };
            let same = if renaming.is_same { " (same)" } else { "" };
            format!("{}{same}{outside}: {}", event_line(&renaming.event), rows(&renaming.members.members))
        }
        Answer::Accepted(names) if names.is_empty() => "accepts nobody".to_owned(),
        Answer::Accepted(names) => format!("accepts {}", names.join(" ")),
        Answer::OwnModes { modes } => {
            format!("modes {}", modes.iter().map(|mode| own_letter(*mode)).collect::<String>())
        }
        Answer::Invited { who, room, away } => {
            format!("{who} is invited to {room}{}", reason_text(away.as_deref()))
        }
        Answer::Group(group) => format!("group {}", group_text(group)),
        Answer::Groups(groups) => format!("groups: {}", list(groups.iter().map(group_text))),
        Answer::Knocked { room } => format!("knocked at {room}"),
        Answer::Who { target, rows } => {
            let rows = rows.iter().map(|row| {
                let room = row.room.as_ref().map(|(name, roles)| format!("{}{name}", prefixes(*roles)));
                let address = row.address.map(|_| "!").unwrap_or_default();
                format!("{}({}){address}", row.person.name, room.unwrap_or_default())
            });
            format!("who {target}: {}", list(rows))
        }
        Answer::Whois(profile) => {
            let rooms = profile.rooms.iter().map(|(name, roles)| format!("{}{name}", prefixes(*roles)));
            let mut line = format!("whois {} in [{}]", profile.person.name, list(rooms));
            if let Some(title) = &profile.operator {
                line += &format!(" {title}");
            }
            if profile.address.is_some() {
                line += " with address";
            }
            format!("{line} devices {} idle {}", profile.sessions, profile.idle_seconds)
        }
        Answer::Whowas { name, rows } => {
            let rows = rows.iter().map(|row| {
                format!("{}{}", row.person.realname.replace(' ', "-"), row.address.map(|_| "!").unwrap_or_default())
            });
            format!("whowas {name}: {}", list(rows))
        }
        Answer::Present(rows) => {
            format!("present {}", list(rows.iter().map(|row| &row.person.name)))
        }
        Answer::RecipientAway { name, message } => format!("{name} is away: {message}"),
        Answer::Away { now } => format!("away {now}"),
        Answer::Watched(names) => format!("watching {}", list(names)),
        Answer::WatchedStatus { online, offline } => {
            format!("online [{}] offline [{}]", list(online.iter().map(|person| &person.name)), list(offline))
        }
        Answer::Counts(counts) => format!("{counts:?}"),
        Answer::Connections(rows) => format!("connections {}", list(rows.iter().map(|row| &row.person.name))),
        Answer::Operators(people) => format!("operators {}", list(people.iter().map(|person| &person.name))),
        Answer::AuditGranted => "may read the audit".to_owned(),
        Answer::ServerBans(bans) => {
            format!("server bans {}", list(bans.iter().map(|(ban, account)| ban_text(ban, account.as_deref()))))
        }
        Answer::BannedFromServer { ban, account, closed } => {
            format!("banned {}, closed {closed}", ban_text(ban, account.as_deref()))
        }
        Answer::ServerBanLifted { ban, account } => format!("ban of {} lifted", ban_text(ban, account.as_deref())),
        Answer::BecameOperator { title } => format!("operator: {title}"),
        Answer::Killed { who } => format!("killed {who}"),
        Answer::Repeated { history, .. } => format!("has said that in {} already", history.name),
        Answer::Metadata { of, rows } => format!("metadata of {of}: {}", metadata_rows(rows)),
        Answer::MetadataSet { row, was_set } => {
            format!("set{}: {}", if *was_set { " again" } else { "" }, metadata_rows(std::slice::from_ref(row)))
        }
        Answer::MetadataValues { of: Some(of), rows } => format!("sync of {of}: {}", metadata_rows(rows)),
        Answer::MetadataValues { of: None, rows } => format!("values: {}", metadata_rows(rows)),
        Answer::MetadataSyncLater { of } => format!("sync {of} later"),
        Answer::Subscribed { keys, refused } => {
            let refused = refused.as_ref().map(|key| format!(", not {}", key.as_str())).unwrap_or_default();
            format!("subscribed {}{refused}", list(keys.iter().map(MetadataKey::as_str)))
        }
        Answer::Unsubscribed { keys } => format!("unsubscribed {}", list(keys.iter().map(MetadataKey::as_str))),
        Answer::Subscriptions(keys) => format!("subscriptions {}", list(keys.iter().map(MetadataKey::as_str))),
        Answer::Unread(question) => {
            let read = question.conversations.iter().map(|(grant, until)| {
                format!("{}:{}", grant.name, until.map_or_else(|| "-".to_owned(), |until| until.0.to_string()))
            });
            format!("unread of {} without {}: {}", list(&question.names), question.blocked.len(), list(read))
        }
        Answer::AlwaysOn(status) => {
            let word = |on: bool| if on { "on" } else { "off" };
            format!("stays: {}, {}", status.choice.map_or("as the server has it", word), word(status.is_on))
        }
        Answer::Devices(rows) => {
            let rows = rows.iter().map(|row| {
                let state = if row.is_connected { "here" } else { "gone" };
                let this = if row.is_this { "*" } else { "" };
                format!("{}:{state}:{}{this}", row.id, row.name.as_deref().unwrap_or("-"))
            });
            format!("devices {}", list(rows))
        }
        Answer::DeviceLogin { account, is_due, .. } => {
            format!("{account} stays logged in{}", if *is_due { ", and is due" } else { "" })
        }
        Answer::DeviceEnded { id } => format!("ended {id}"),
        Answer::DeviceForgotten { id } => format!("device {id} forgotten"),
        Answer::ReadMarker { of, at: Some(at) } => format!("marker of {of}: {}", at.0),
        Answer::ReadMarker { of, at: None } => format!("marker of {of}: none"),
        Answer::Reported => "reported".to_owned(),
        Answer::ReportMade(made) => {
            let (view, message) = &**made;
            format!("{}: {}", report_line(view), message.payload)
        }
        Answer::Reports(views) => format!("reports [{}]", list(views.iter().map(report_line)).replace("] [", "; ")),
        Answer::ReportsClosed(closed) => {
            let done = if closed.resolved { "resolved" } else { "dismissed" };
            format!("{} reports {done} by {}{}", closed.numbers.len(), closed.by, reason_text(closed.note.as_deref()))
        }
        Answer::OpenReports { count } => format!("{count} open reports"),
        Answer::Pins(None) => "nothing was ever said there".to_owned(),
        Answer::Pins(Some(view)) => format!("{} pins of {}", view.pins.len(), view.history.name),
        Answer::HistoryGranted(None) => "nothing was ever said there".to_owned(),
        Answer::HistoryGranted(Some(grant)) => {
            let role = grant.role.map(|role| format!(" as {role:?}")).unwrap_or_default();
            format!("may read {}{role}{}", grant.name, since(grant))
        }
        Answer::Conversations(grants) => {
            format!("conversations {}", list(grants.iter().map(|grant| format!("{}{}", grant.name, since(grant)))))
        }
    }
}

fn group_text(group: &GroupRow) -> String {
    format!("{}({})", group.name, list(&group.members))
}

/// Nothing, where a grant leaves nothing out.
fn since(grant: &Grant) -> String {
    match grant.since {
        Since { position: Position(0), time: Timestamp(0) } => String::new(),
        Since { position, time: Timestamp(0) } => format!(" since command {}", position.0),
        Since { position: Position(0), time } => format!(" since {}", time.0),
        Since { position, time } => format!(" since command {} and {}", position.0, time.0),
    }
}
