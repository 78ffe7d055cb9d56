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

mod asked;
mod told;

use super::{Entry, Hub, StorageState};
use crate::change::Change;
use crate::command::{
    AccountChange, Announcement, Arrival, Command, Control, Departure, NewLink, Origin, Post, Recipient, Request,
    RoomChange,
};
use crate::device_login::LoginClaim;
use crate::effect::{Effect, Effects, EventOrigin, ServerEffect};
use crate::event::Event;
use crate::id::{ClientId, MessageId, Position, RoomNumber, SessionId, Timestamp};
use crate::log::StorageFailure;
use crate::membership::{Role, Roles};
use crate::message::{Message, MessageKind};
use crate::metadata::MetadataKey;
use crate::name::{ChatroomName, NameRules, Username};
use crate::once::{OnceKey, Posted};
use crate::personal::ConversationKey;
use crate::pin::{PinRecord, WhichPin};
use crate::query::Counted;
use crate::refusal::{ListKind, Right, Rights};
use crate::report::{Report, ReportNumber};
use crate::server_ban::ServerBan;
use crate::settings::{OperatorRule, Settings};
use crate::snapshot::{
    AccountRecord, DeviceRecord, MarksRecord, MembershipRecord, MetadataOwner, MetadataRecord, PresenceRecord,
    ReadMarkerRecord, RoomRecord, Snapshot,
};
use asked::{address_of, banned, link_of, metadata_keys, new_account, new_device, own_modes, room_changes, secret_of};
use compact_str::CompactString;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use told::{answer_line, event_line, prefixes};

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
