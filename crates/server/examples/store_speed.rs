//! What the store takes and gives: `cargo run --release -p server --example store_speed -- FOLDER [MESSAGES [BATCH [ROOMS]]]`
//!
//! Writes MESSAGES (1,000,000) of 100 bytes in batches of BATCH (3,000) over ROOMS (200) rooms into a new database in
//! FOLDER, flushed as the server does; adds 100,000 accounts; then opens it, reads pages of 50 at random places, and deletes
//! what is over, which is everything, for ten seconds.

use chat::change::Change;
use chat::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp, uuid_v7};
use chat::log::{Batch, Log, Outcome};
use chat::membership::{Membership, Role, Roles};
use chat::message::{Message, MessageKind};
use chat::person::Person;
use chat::refusal::Rights;
use chat::snapshot::{AccountRecord, MembershipRecord, RoomKind, RoomRecord};
use server::store::{DATABASE, Durability, Edge, SqliteLog, Store};
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const START: u64 = 1_700_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: usize| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let folder = PathBuf::from(arguments.first().ok_or("say in which new folder the database shall be")?);
    let (messages, batch, rooms) = (number(1, 1_000_000)?, number(2, 3_000)?, number(3, 200)?);
    std::fs::create_dir(&folder)?;
    let path = folder.join(DATABASE);

    let store = Store::open(&path, Durability::Full)?;
    let (awake, woken) = channel();
    let wake = Arc::new(move || _ = awake.send(()));
    let (measured, commits) = channel();
    let observe = Arc::new(move |commit| _ = measured.send(commit));
    let mut log = Writing { log: store.start_log(wake, Some(observe))?, woken, position: 0, number: 0 };
    log.commit((0..rooms as u32).map(|number| Change::Room(Box::new(room(number)))).collect())?;
    let people: Vec<Arc<Person>> = (0..1_000).map(person).collect();

    let cpu = process_seconds();
    let begun = Instant::now();
    let mut chance = 1u64;
    let mut written = 0;
    // One batch is made while the last one is committed, as the sequencer does.
    let mut making = Vec::with_capacity(batch);
    let mut under_way = 0;
    while written < messages {
        for _ in 0..batch {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let room = (chance >> 33) as usize % rooms;
            log.position += 1;
            making.push(Change::Posted(Arc::new(message(log.position, room as u32, &people[room % people.len()]))));
        }
        written += batch;
        if under_way > 0 {
            log.wait()?;
        }
        log.append(std::mem::take(&mut making));
        under_way = 1;
    }
    log.wait()?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = process_seconds() - cpu;
    let mut took: Vec<f64> =
        commits.try_iter().flatten().skip(1).map(|commit| commit.took.as_secs_f64() * 1e3).collect();
    took.sort_by(f64::total_cmp);
    println!(
        "{written} messages in batches of {batch} over {rooms} rooms: {:.0} a second, {:.2} µs of processor each (making them included); \
         a commit takes {:.1} ms (median), {:.1} (99 %), {:.1} (longest)",
        written as f64 / seconds,
        cpu * 1e6 / written as f64,
        at(&took, 50),
        at(&took, 99),
        at(&took, 100),
    );

    let begun = Instant::now();
    for number in 0..100 {
        log.commit((0..1_000).flat_map(|place| account(number * 1_000 + place)).collect())?;
    }
    println!("100,000 accounts in 100 commits: {:.1} s", begun.elapsed().as_secs_f64());
    drop(log);
    drop(store);
    println!("the database has {} MiB", std::fs::metadata(&path)?.len() >> 20);

    let begun = Instant::now();
    let store = Store::open(&path, Durability::Full)?;
    let opened = begun.elapsed();
    let snapshot = store.snapshot()?;
    let loaded = begun.elapsed();
    let (measured, commits) = channel();
    let observe = Arc::new(move |commit| _ = measured.send(commit));
    let log = store.start_log(Arc::new(|| {}), Some(observe))?;
    println!(
        "start: opened after {:.0} ms, {} accounts and {} memberships loaded after {:.0} ms, log ready after {:.0} ms",
        opened.as_secs_f64() * 1e3,
        snapshot.accounts.len(),
        snapshot.memberships.len(),
        loaded.as_secs_f64() * 1e3,
        begun.elapsed().as_secs_f64() * 1e3
    );

    let history = store.history()?;
    let mut took = Vec::new();
    let mut found = Vec::new();
    for _ in 0..2_000 {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let room = RoomNumber(((chance >> 33) % rooms as u64) as u32);
        let place = Position(1 + (chance >> 13) % written as u64);
        let begun = Instant::now();
        let page = history.page(room, Edge::Before(place), 50)?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        if let Some(message) = page.first() {
            let begun = Instant::now();
            let again = history.message(room, message.id)?;
            found.push(begun.elapsed().as_secs_f64() * 1e3);
            assert_eq!(again.map(|again| again.position), Some(message.position));
        }
    }
    for (what, mut took) in [("a page of 50", took), ("a message by its id", found)] {
        took.sort_by(f64::total_cmp);
        println!(
            "{what}: {:.2} ms (median), {:.2} (99 %), {:.2} (longest)",
            at(&took, 50),
            at(&took, 99),
            at(&took, 100)
        );
    }

    let count = || -> Result<i64, Box<dyn Error>> {
        let connection = rusqlite::Connection::open(&path)?;
        // Those that are gone are the first.
        Ok(connection.query_row("SELECT max(number) - min(number) + 1 FROM message", [], |row| row.get(0))?)
    };
    let before = count()?;
    let begun = Instant::now();
    log.keep_for().set(Some(Duration::from_secs(3_600)));
    std::thread::sleep(Duration::from_secs(10));
    let took = commits.try_iter().flatten().filter(|commit| commit.changes == 0);
    let mut took: Vec<f64> = took.map(|commit| commit.took.as_secs_f64() * 1e3).collect();
    let deleted = before - count()?;
    println!(
        "{deleted} messages deleted in {:.1} s, in {} steps, which commits can have to wait for: {:.2} ms (median), {:.2} (99 %), \
         {:.2} (longest)",
        begun.elapsed().as_secs_f64(),
        took.len(),
        {
            took.sort_by(f64::total_cmp);
            at(&took, 50)
        },
        at(&took, 99),
        at(&took, 100),
    );
    Ok(())
}

struct Writing {
    log: SqliteLog,
    woken: Receiver<()>,
    position: u64,
    number: u64,
}

impl Writing {
    fn append(&mut self, changes: Vec<Change>) {
        self.number += 1;
        let timestamp = Timestamp(START + self.position / 200);
        self.log.append(Batch { number: self.number, position: Position(self.position), timestamp, changes });
    }

    fn wait(&mut self) -> Result<(), Box<dyn Error>> {
        loop {
            match self.log.committed() {
                Some(Outcome::Committed { .. }) => return Ok(()),
                Some(other) => return Err(format!("{other:?}").into()),
                None => self.woken.recv()?,
            }
        }
    }

    fn commit(&mut self, changes: Vec<Change>) -> Result<(), Box<dyn Error>> {
        self.append(changes);
        self.wait()
    }
}

fn at(sorted: &[f64], percent: usize) -> f64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

/// Processor time of all threads.
fn process_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn room(number: u32) -> RoomRecord {
    RoomRecord {
        number: RoomNumber(number),
        id: ChatroomId(uuid_v7(Timestamp(START), u64::from(number), 1)),
        kind: RoomKind::Named { name: format!("#room{number}").into() },
        created: Timestamp(START),
        topic: None,
        flags: Vec::new(),
        key: None,
        member_limit: None,
        slow_seconds: None,
        forward: None,
        links: Vec::new(),
        former_names: Vec::new(),
        retention: None,
        lists: Vec::new(),
    }
}

fn person(number: u64) -> Arc<Person> {
    Arc::new(Person {
        id: ClientId(uuid_v7(Timestamp(START), number, 2)),
        name: format!("someone{number}").into(),
        ident: "someone".into(),
        host: "c8f2b1a97d.cloaked.parlor".into(),
        account: Some(format!("someone{number}").into()),
        realname: "Some One".into(),
        bot: false,
    })
}

fn message(position: u64, room: u32, sender: &Arc<Person>) -> Message {
    let timestamp = Timestamp(START + position / 200);
    Message {
        id: MessageId(uuid_v7(timestamp, position, 3)),
        sender_id: sender.id,
        payload: "x".repeat(100).into(),
        seams: None,
        timestamp,
        chatroom_id: ChatroomId(uuid_v7(Timestamp(START), u64::from(room), 1)),
        position: Position(position),
        room: RoomNumber(room),
        sender: sender.clone(),
        kind: MessageKind::Text,
        tags: None,
        addressed_to: format!("#room{room}").into(),
        audience: None,
        recipient_id: None,
        once: None,
        lasting: None,
    }
}

/// An account, in one room.
fn account(number: u64) -> [Change; 2] {
    let id = ClientId(uuid_v7(Timestamp(START), number, 4));
    let account = AccountRecord {
        former_names: Vec::new(),
        id,
        username: format!("account{number}").into(),
        password_hash: Some(format!("$argon2id$v=19$m=19456,t=2,p=1${:043}${number:043}", 0).into()),
        scram: None,
        certificates: Vec::new(),
        email: None,
        created: Timestamp(START),
        last_seen: Timestamp(START),
        last_address: Some([10, 0, 0, 1].into()),
        rights: Rights::NONE,
        owner: false,
        disabled: false,
        proofs_since: Timestamp(START),
        always_on: None,
    };
    let membership = Membership { roles: Roles::of(Role::Voice), since: Timestamp(START), position: Position(0) };
    [
        Change::Account(Box::new(account)),
        Change::Member(MembershipRecord { room: RoomNumber(0), account: id, membership }),
    ]
}
