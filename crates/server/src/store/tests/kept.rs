//! What is given to the log is what is read again.

use super::*;
use chat::audit::{AuditAction, AuditEntry, AuditFilter};
use chat::chatroom::RoomFlag;
use chat::command::PersonalMode;
use chat::device_login::{DeviceLogin, SecretHash};
use chat::invite_link::{InviteLink, LinkHash};
use chat::membership::{Membership, Role, Roles};
use chat::metadata::{Mark, Marks, MetadataKey};
use chat::personal::ConversationKey;
use chat::pin::{Pin, PinRecord};
use chat::refusal::{ListKind, Right, Rights};
use chat::report::{Report, ReportNumber, ReportedText};
use chat::server_ban::{AddressRange, BanTarget, ServerBan};
use chat::snapshot::{
    DeviceRecord, FormerName, ListEntry, MarksRecord, MembershipRecord, MetadataOwner, MetadataRecord, PresenceRecord,
    ReadMarkerRecord, ScramKeys, Snapshot, Topic,
};
use compact_str::CompactString;
use proptest::prelude::*;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// What the snapshot should be, kept the simple way.
#[derive(Default)]
struct Model {
    rooms: BTreeMap<u32, RoomRecord>,
    accounts: BTreeMap<ClientId, AccountRecord>,
    memberships: BTreeMap<(u32, ClientId), MembershipRecord>,
    /// Rooms stand before people, as integers do before blobs.
    markers: BTreeMap<(ClientId, ConversationKey), ReadMarkerRecord>,
    metadata: BTreeMap<(MetadataOwner, MetadataKey), MetadataRecord>,
    marks: BTreeMap<(ClientId, ConversationKey), MarksRecord>,
    /// The order in which they were set is that of their times.
    server_bans: Vec<ServerBan>,
    presences: BTreeMap<ClientId, PresenceRecord>,
    /// By the numbers of their ids as SQLite knows them.
    devices: BTreeMap<(ClientId, i64), DeviceRecord>,
    /// Of each room in the order in which they were pinned.
    pins: Vec<PinRecord>,
    reports: BTreeMap<ReportNumber, Report>,
    next_room: u32,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Posted(_) | Change::Happened(_) | Change::Edited { .. } | Change::Redacted { .. } => {}
            Change::Room(room) => {
                self.next_room = self.next_room.max(room.number.0 + 1);
                self.rooms.insert(room.number.0, (**room).clone());
            }
            Change::RoomRemoved(room) => {
                self.rooms.remove(&room.0);
                self.memberships.retain(|(of, _), _| *of != room.0);
                self.metadata.retain(|(of, _), _| *of != MetadataOwner::Room(*room));
                self.pins.retain(|record| record.room != *room);
            }
            Change::Account(account) => {
                self.accounts.insert(account.id, (**account).clone());
            }
            Change::AccountRemoved(account) => {
                self.accounts.remove(account);
                self.presences.remove(account);
                self.devices.retain(|(of, _), _| of != account);
                self.memberships.retain(|(_, of), _| of != account);
                self.markers.retain(|(of, _), _| of != account);
                self.marks.retain(|(of, _), _| of != account);
                self.metadata.retain(|(of, _), _| *of != MetadataOwner::Account(*account));
            }
            Change::Member(member) => {
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
            Change::Device(device) => {
                self.devices.insert((device.account, device.id.cast_signed()), (**device).clone());
            }
            Change::DeviceForgotten { account, id } => {
                self.devices.remove(&(*account, id.cast_signed()));
            }
            Change::Presence(record) => {
                self.presences.insert(record.account, (**record).clone());
            }
            Change::PresenceRemoved(account) => {
                self.presences.remove(account);
            }
            Change::ServerBan(ban) => {
                self.server_bans.retain(|other| other.target != ban.target);
                self.server_bans.push((**ban).clone());
            }
            Change::ServerBanRemoved(target) => self.server_bans.retain(|ban| ban.target != *target),
            Change::Reported { report, .. } => {
                self.reports.insert(report.number, (**report).clone());
            }
            Change::ReportClosed(number) => {
                if let Some(report) = self.reports.get_mut(number) {
                    *report = report.closed();
                }
            }
            Change::ReportForgotten(number) => {
                self.reports.remove(number);
            }
            Change::Pinned(record) => {
                self.pins.push((**record).clone());
                self.pins.sort_by_key(|record| record.room);
            }
            Change::Unpinned { room, message } => {
                self.pins.retain(|record| (record.room, record.pin.message) != (*room, *message));
            }
            Change::ReadMarker(marker) => {
                self.markers.insert((marker.account, marker.conversation), marker.clone());
            }
            Change::ReadMarkerRemoved { account, conversation } => {
                self.markers.remove(&(*account, *conversation));
            }
            Change::MemberRemoved { room, account } => {
                self.memberships.remove(&(room.0, *account));
            }
        }
    }

    fn check(&self, snapshot: &Snapshot, position: Position) {
        assert_eq!(snapshot.accounts, self.accounts.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.rooms, self.rooms.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.memberships, self.memberships.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.metadata, self.metadata.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.marks, self.marks.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.read_markers, self.markers.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.server_bans, self.server_bans);
        assert_eq!(snapshot.devices, self.devices.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.presences, self.presences.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.pins, self.pins);
        assert_eq!(snapshot.reports, self.reports.values().cloned().collect::<Vec<_>>());
        assert_eq!(snapshot.next_room, self.next_room);
        assert_eq!((snapshot.position, snapshot.timestamp), (position, time_of(position)));
    }
}

/// Commits the batches, and compares what a start would load after each, and after a real one at the end.
fn check(batches: Vec<Vec<Change>>) {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    let mut model = Model::default();
    for batch in batches {
        batch.iter().for_each(|change| model.apply(change));
        writing.commit(batch);
        model.check(&store.snapshot().expect("a snapshot"), writing.position);
    }
    let position = writing.position;
    drop((writing, store));
    let store = Store::open(&database(&folder), Durability::Full).expect("opened again");
    model.check(&store.snapshot().expect("a snapshot"), position);
}

fn server_ban(target: BanTarget, minute: u64) -> Change {
    let at = Timestamp(START.0 + minute * 60_000);
    let until = minute.is_multiple_of(2).then_some(Timestamp(at.0 + 1));
    Change::ServerBan(Box::new(ServerBan { target, reason: "spam".into(), by: "a!b@c".into(), at, until }))
}

fn member(room: u32, account: u64, roles: Roles) -> Change {
    let membership = Membership { roles, since: START, position: Position(account) };
    Change::Member(MembershipRecord { room: RoomNumber(room), account: client(account), membership })
}

#[test]
fn an_empty_store_is_an_empty_snapshot() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Relaxed).expect("opened");
    let snapshot = store.snapshot().expect("a snapshot");
    assert!(snapshot.accounts.is_empty() && snapshot.rooms.is_empty() && snapshot.memberships.is_empty());
    assert_eq!((snapshot.position, snapshot.timestamp, snapshot.next_room), Default::default());
}

#[test]
fn records_with_every_field_set_or_empty() {
    let entry = |mask: &str| ListEntry {
        mask: mask.into(),
        by: "a!b@c".into(),
        at: Timestamp(START.0 + 5),
        until: mask.contains('a').then_some(Timestamp(START.0 + 9)),
    };
    let link = |byte: u8, account| InviteLink {
        hash: LinkHash([byte; 32]),
        by: "a!b@c".into(),
        account,
        created: START,
        expires: account.map(|_| Timestamp(START.0 + 7)),
        uses_left: account.map(|_| 3),
    };
    check(vec![
        vec![
            boxed_account(account(1)),
            boxed_account(AccountRecord {
                username: "Zoë".into(),
                password_hash: Some("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA".into()),
                scram: Some(Box::new(ScramKeys {
                    iterations: 600_000,
                    salt: vec![0, 1, 255],
                    stored_key: [7; 32],
                    server_key: [8; 32],
                })),
                certificates: vec![[9; 32], [1; 32], [5; 32]],
                email: Some("zoe@example".into()),
                last_seen: Timestamp(START.0 + 1),
                last_address: Some("2001:db8::1".parse().expect("an address")),
                rights: Rights::ALL,
                owner: true,
                disabled: true,
                proofs_since: Timestamp(START.0 + 3),
                always_on: Some(true),
                ..account(2)
            }),
            boxed_account(AccountRecord {
                certificates: vec![[3; 32]],
                last_address: Some("192.0.2.1".parse().expect("an address")),
                rights: Rights::NONE.with(Right::SeeAll).with(Right::Kill),
                ..account(3)
            }),
            boxed_room(room(0)),
            boxed_room(RoomRecord {
                kind: RoomKind::Direct { between: (client(1), client(2)), other: Some("gus".into()) },
                ..room(1)
            }),
            boxed_room(RoomRecord { kind: RoomKind::Group { name: "#+a+b+c".into() }, ..room(2) }),
            boxed_room(RoomRecord {
                topic: Some(Topic { text: "".into(), by: "a!b@c".into(), at: START }),
                flags: RoomFlag::ALL.to_vec(),
                key: Some("sesame open".into()),
                member_limit: Some(7),
                slow_seconds: Some(30),
                forward: Some(RoomNumber(1)),
                links: vec![link(1, Some(client(1))), link(2, None)],
                former_names: vec![FormerName { name: "#Pot".into(), until: START }],
                retention: Some(3_600),
                lists: vec![
                    (ListKind::Invitation, entry("z!*@*")),
                    (ListKind::Ban, entry("*!*@bad")),
                    (ListKind::Ban, entry("a*!*@bad")),
                    (ListKind::Exception, entry("*!*@*")),
                ],
                ..room(7)
            }),
            member(0, 1, Roles::NONE),
            member(7, 1, Roles::of(Role::Owner).with(Role::Voice)),
            member(7, 2, Role::ALL.into_iter().fold(Roles::NONE, Roles::with)),
        ],
        // Replaced whole: fewer certificates, fewer entries, another role.
        vec![
            boxed_account(AccountRecord {
                certificates: vec![[5; 32]],
                former_names: vec![FormerName { name: "twyla".into(), until: START }],
                ..account(2)
            }),
            boxed_room(RoomRecord { lists: vec![(ListKind::Ban, entry("only"))], ..room(7) }),
            member(7, 1, Roles::of(Role::HalfOperator)),
        ],
        vec![
            server_ban(BanTarget::Account(client(1)), 1),
            server_ban(BanTarget::Door(AddressRange::of_one([192, 0, 2, 1].into())), 2),
            server_ban(BanTarget::Range(AddressRange::of_one([192, 0, 2, 1].into())), 2),
            server_ban(BanTarget::Range(AddressRange::of_one("2001:db8::1".parse().expect("an address"))), 3),
            server_ban(BanTarget::Certificate([0xa7; 32]), 4),
        ],
        vec![
            Change::ServerBanRemoved(BanTarget::Account(client(1))),
            Change::ServerBanRemoved(BanTarget::Account(client(9))),
            server_ban(BanTarget::Certificate([0xa7; 32]), 5),
        ],
        vec![Change::MemberRemoved { room: RoomNumber(7), account: client(1) }],
        vec![Change::AccountRemoved(client(2))],
        vec![Change::RoomRemoved(RoomNumber(7))],
        // Things that are not there, and an order that needs the end of the batch to be right.
        vec![
            Change::RoomRemoved(RoomNumber(99)),
            Change::AccountRemoved(client(99)),
            Change::MemberRemoved { room: RoomNumber(99), account: client(99) },
            member(8, 4, Roles::NONE),
            boxed_account(account(4)),
            boxed_room(room(8)),
        ],
        vec![],
    ]);
}

#[test]
fn metadata_and_marks_are_kept() {
    let set = |owner, key: &str, value: Option<&str>| {
        let key = MetadataKey::parse(key).expect("a key");
        Change::Metadata(MetadataRecord { owner, key, value: value.map(Arc::from) })
    };
    let mark = |conversation, marks| Change::Marks(MarksRecord { account: client(1), conversation, marks });
    let (of_room, of_account) = (MetadataOwner::Room(RoomNumber(7)), MetadataOwner::Account(client(1)));
    let both = Marks::default().with(Mark::Muted, true).with(Mark::Blocked, true);
    check(vec![
        vec![
            boxed_account(account(1)),
            boxed_room(room(7)),
            set(of_room, "avatar", Some("☕")),
            set(of_room, "b", Some("")),
        ],
        vec![set(of_account, "status", Some("here")), mark(ConversationKey::Room(RoomNumber(7)), both)],
        vec![set(of_account, "status", Some("gone")), mark(ConversationKey::With(client(2)), both)],
        vec![mark(ConversationKey::Room(RoomNumber(7)), Marks::default()), set(of_room, "avatar", None)],
        vec![Change::RoomRemoved(RoomNumber(7))],
        vec![Change::AccountRemoved(client(1))],
    ]);
}

#[test]
fn who_stays_without_a_device_is_kept_as_she_appears() {
    let presence = |number: u64, away: Option<&str>| PresenceRecord {
        account: client(number),
        name: format!("nick{number}").into(),
        ident: "~u".into(),
        host: "cloak".into(),
        realname: "Zoë Z".into(),
        modes: PersonalMode::ALL.to_vec(),
        away: away.map(Box::from),
        since: START,
    };
    let kept = |record| Change::Presence(Box::new(record));
    check(vec![
        vec![boxed_account(account(1)), boxed_account(account(2)), kept(presence(1, None))],
        vec![kept(presence(2, Some("at lunch"))), kept(PresenceRecord { modes: Vec::new(), ..presence(1, None) })],
        vec![Change::PresenceRemoved(client(1)), Change::PresenceRemoved(client(9))],
        vec![boxed_account(AccountRecord { always_on: Some(false), ..account(1) })],
        vec![Change::AccountRemoved(client(2))],
    ]);
}

#[test]
fn devices_are_kept_per_account() {
    let device = |number: u64, id: u64, name: Option<&str>| DeviceRecord {
        account: client(number),
        id,
        name: name.map(CompactString::from),
        transport: "TLS".into(),
        address: if id == 1 { "2001:db8::1".parse().expect("an address") } else { [192, 0, 2, 1].into() },
        came: START,
        seen: Timestamp(START.0 + id % 9),
        login: None,
    };
    let kept = |device| Change::Device(Box::new(device));
    let logged_in = |before| {
        let login = DeviceLogin { secret: SecretHash([3; 32]), made: START, before };
        kept(DeviceRecord { login: Some(Box::new(login)), ..device(1, 3, Some("Firefox on Linux")) })
    };
    check(vec![
        vec![boxed_account(account(1)), boxed_account(account(2)), kept(device(1, 1, None)), kept(device(2, 1, None))],
        vec![kept(device(1, u64::MAX, Some("phone"))), kept(device(1, 1, Some("desk")))],
        vec![logged_in(None)],
        vec![logged_in(Some((SecretHash([2; 32]), Timestamp(START.0 + 60_000))))],
        vec![Change::DeviceForgotten { account: client(1), id: 1 }],
        vec![Change::DeviceForgotten { account: client(9), id: 1 }],
        vec![Change::AccountRemoved(client(1))],
    ]);
}

#[test]
fn pins_are_kept_in_their_order() {
    let pin = |room: u32, of: u64, pinned: u64| {
        let (position, pinned, by) = (Position(of), Position(pinned), "a!b@c".into());
        let pin = Pin { message: message_id(position), position, pinned, by, at: START };
        Change::Pinned(Box::new(PinRecord { room: RoomNumber(room), pin }))
    };
    let no_pin = |room: u32, of: u64| Change::Unpinned { room: RoomNumber(room), message: message_id(Position(of)) };
    check(vec![
        vec![boxed_room(room(1)), boxed_room(room(2)), pin(2, 5, 20), pin(1, 9, 21), pin(1, 3, 22)],
        vec![pin(1, 4, 30), no_pin(1, 9), no_pin(1, 9), no_pin(2, 77)],
        vec![pin(1, 9, 31)],
        vec![Change::RoomRemoved(RoomNumber(1))],
    ]);
}

/// What is pinned is found by its place, as it was edited last; what is deleted is pinned no more.
#[test]
fn what_is_pinned_is_found() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![boxed_room(room(1)), boxed_room(room(2))]);
    let said: Vec<Arc<Message>> = [(1, "one"), (2, "two"), (1, "three")]
        .map(|(room, text)| Arc::new(message(room, writing.next_position(), &person(1), text)))
        .into();
    writing.commit(said.iter().map(|message| Change::Posted(message.clone())).collect());
    let pins = said.iter().map(|message| {
        let (position, by) = (message.position, "a!b@c".into());
        let pin = Pin { message: message.id, position, pinned: position, by, at: START };
        Change::Pinned(Box::new(PinRecord { room: message.room, pin }))
    });
    writing.commit(pins.collect());
    let position = writing.next_position();
    writing.commit(vec![edit(&said[0], position, "uno")]);
    let history = store.history().expect("a reader");
    let role = None;
    let grant = chat::history::Grant {
        with: None,
        room: RoomNumber(1),
        name: "#room1".into(),
        reader: client(9),
        role,
        since: Default::default(),
    };
    let found = || -> Vec<Option<String>> {
        let which: Vec<_> = said.iter().map(|message| (message.position, message.id)).collect();
        let found = history.find_all(&grant, &which).expect("read");
        found.into_iter().map(|found| found.map(|(message, state)| format!("{} {state:?}", message.payload))).collect()
    };
    assert_eq!(found(), [Some("uno Edited".to_owned()), None, Some("three AsSaid".to_owned())]);
    assert_eq!(store.snapshot().expect("read").pins.len(), 3);
    Connection::open(database(&folder))
        .and_then(|connection| connection.execute("DELETE FROM message WHERE text = 'uno'", []))
        .expect("deleted");
    assert_eq!(found(), [None, None, Some("three AsSaid".to_owned())]);
    let left: Vec<Position> = store.snapshot().expect("read").pins.iter().map(|record| record.pin.position).collect();
    assert_eq!(left, [said[2].position, said[1].position]);
}

/// Of this message, with every field set or as few as can be.
fn report(number: u64, of: &Message, is_full: bool) -> Change {
    let report = Report {
        number: ReportNumber(number),
        room: of.room,
        message: of.id,
        position: of.position,
        audience: is_full.then_some(Role::Operator),
        said_to: is_full.then(|| "zoë".into()),
        author: of.sender_id,
        said_by: "a!b@c".into(),
        reporter: client(9),
        reported_by: "d!e@f".into(),
        reason: "rude".into(),
        at: Timestamp(START.0 + number),
        is_open: true,
    };
    Change::Reported { report: Box::new(report), text: of.payload.clone() }
}

#[test]
fn reports_are_kept() {
    let said = [message(1, Position(3), &person(1), "one"), message(2, Position(4), &person(1), "two")];
    check(vec![
        vec![boxed_room(room(1)), boxed_room(room(2)), report(20, &said[0], false), report(21, &said[1], true)],
        vec![
            report(22, &said[0], true),
            Change::ReportClosed(ReportNumber(20)),
            Change::ReportClosed(ReportNumber(99)),
        ],
        vec![Change::ReportClosed(ReportNumber(22))],
        vec![Change::ReportForgotten(ReportNumber(20)), Change::ReportForgotten(ReportNumber(99))],
        vec![Change::RoomRemoved(RoomNumber(2))],
    ]);
}

/// What was reported stays as it was, whatever its author makes of it, until the report is closed or its time is over.
#[test]
fn what_is_reported_stays_until_it_is_judged() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![boxed_room(room(1))]);
    let said: Vec<Arc<Message>> =
        ["one", "two", "three"].map(|text| Arc::new(message(1, writing.next_position(), &person(1), text))).into();
    writing.commit(said.iter().map(|message| Change::Posted(message.clone())).collect());
    writing.commit(said.iter().zip(20..).map(|(message, number)| report(number, message, false)).collect());
    let history = store.history().expect("a reader");
    let numbers = [20, 21, 22, 23].map(ReportNumber);
    let read = || history.reported(&numbers).expect("read");
    let text = |text: &str, is_redacted| ReportedText { text: Some(text.into()), is_redacted };
    let nothing = || ReportedText { text: None, is_redacted: false };
    assert_eq!(read(), [text("one", false), text("two", false), text("three", false), nothing()]);
    let position = writing.next_position();
    writing.commit(vec![edit(&said[0], position, "uno")]);
    writing.commit(vec![Change::Redacted { room: RoomNumber(1), position: said[1].position, target: said[1].id }]);
    assert_eq!(read(), [text("one", false), text("two", true), text("three", false), nothing()]);
    writing.commit(vec![Change::ReportClosed(ReportNumber(21))]);
    Connection::open(database(&folder))
        .and_then(|connection| connection.execute("DELETE FROM message WHERE text = 'three'", []))
        .expect("deleted");
    let closed = ReportedText { text: None, is_redacted: true };
    assert_eq!(read(), [text("one", false), closed, nothing(), nothing()]);
}

#[test]
fn read_markers_are_kept_per_account() {
    let of = |account: u64, conversation: ConversationKey, at: u64| {
        Change::ReadMarker(ReadMarkerRecord { account: client(account), conversation, at: Timestamp(at) })
    };
    let (room, person) = (ConversationKey::Room(RoomNumber(7)), ConversationKey::With(client(2)));
    check(vec![
        vec![boxed_account(account(1)), boxed_account(account(2)), of(1, room, 5), of(1, person, 6), of(2, room, 7)],
        vec![of(1, room, 8)],
        vec![Change::ReadMarkerRemoved { account: client(1), conversation: person }],
        vec![Change::ReadMarkerRemoved { account: client(1), conversation: person }],
        vec![Change::AccountRemoved(client(2))],
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_changes(choices in prop::collection::vec((0..7u8, 0..5u32, 0..5u64, any::<u8>()), 1..60)) {
        let mut model = Model::default();
        let mut batches = Vec::new();
        for chunk in choices.chunks(6) {
            let mut batch = Vec::new();
            for (what, of_room, of_account, variation) in chunk.iter().copied() {
                let flags = RoomFlag::ALL.into_iter().filter(|flag| variation & (1 << (*flag as u8 & 7)) != 0).collect();
                let roles = Roles(variation & 0x1f);
                let present = model.rooms.contains_key(&of_room) && model.accounts.contains_key(&client(of_account));
                let change = match what {
                    0 | 1 => boxed_room(RoomRecord { flags, member_limit: Some(variation.into()), ..room(of_room) }),
                    2 | 3 => boxed_account(AccountRecord {
                        certificates: vec![[variation; 32]; usize::from(variation % 3)],
                        disabled: variation % 2 == 0,
                        ..account(of_account)
                    }),
                    4 if present => member(of_room, of_account, roles),
                    5 => Change::RoomRemoved(RoomNumber(of_room)),
                    6 => Change::AccountRemoved(client(of_account)),
                    _ => Change::MemberRemoved { room: RoomNumber(of_room), account: client(of_account) },
                };
                model.apply(&change);
                batch.push(change);
            }
            batches.push(batch);
        }
        check(batches);
    }
}

#[test]
fn the_audit_is_read_the_newest_first_and_kept_for_a_year() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    const DAY: u64 = 86_400_000;
    let entry = |day: u64, action: AuditAction| AuditEntry {
        at: Timestamp(START.0 + day * DAY),
        by: "alice!u@cloak".into(),
        account: (!day.is_multiple_of(2)).then(|| "alice".into()),
        action,
        room: (day > 0).then(|| "#tea".into()),
        target: format!("target{day}").into(),
        detail: "why".into(),
    };
    let said: Vec<AuditEntry> =
        AuditAction::ALL.into_iter().enumerate().map(|(day, action)| entry(day as u64, action)).collect();
    writing.commit(said.iter().map(|entry| Change::Audited(Box::new(entry.clone()))).collect());
    let history = store.history().expect("a reader");
    let read = |filter: AuditFilter| history.audit(&filter).expect("read");
    let all = AuditFilter { limit: 100, ..AuditFilter::default() };
    let newest_first: Vec<AuditEntry> = said.iter().rev().cloned().collect();
    assert_eq!(read(all.clone()), newest_first);
    assert_eq!(read(AuditFilter { limit: 2, ..all.clone() }), newest_first[..2]);
    assert_eq!(read(AuditFilter { since: Some(said[said.len() - 2].at), ..all.clone() }), newest_first[..2]);
    assert_eq!(read(AuditFilter { action: Some(AuditAction::List), ..all.clone() }), said[1..2]);
    assert_eq!(crate::store::audit::read(&database(&folder), &all).expect("read"), newest_first);
    // A year after the fourth day, two go with each that comes.
    let late = [entry(365 + 4, AuditAction::Kill), entry(365 + 4, AuditAction::Kill)];
    writing.commit(late.iter().map(|entry| Change::Audited(Box::new(entry.clone()))).collect());
    assert_eq!(read(all).last(), Some(&said[4]));
}
