//! The store as a whole, on real files.

mod faults;
mod files;
mod kept;
mod messages;
mod opening;
mod reading;
mod retention;
mod searching;

use super::{DATABASE, Durability, SqliteLog, Store};
use chat::change::Change;
use chat::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp, uuid_v7};
use chat::log::{Batch, Log, Outcome};
use chat::message::{Message, MessageKind};
use chat::person::Person;
use chat::snapshot::{AccountRecord, RoomKind, RoomRecord};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const START: Timestamp = Timestamp(1_700_000_000_000);

/// How long anything may take before a test is given up.
const DEADLINE: Duration = Duration::from_secs(60);

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join(DATABASE)
}

/// A log with the numbering that the sequencer does for it.
struct Writing {
    log: SqliteLog,
    woken: Receiver<()>,
    position: Position,
    batch: u64,
}

impl Writing {
    fn start(path: &Path) -> Writing {
        Writing::on(&Store::open(path, Durability::Full).expect("opened"))
    }

    fn on(store: &Store) -> Writing {
        let (awake, woken) = channel();
        let log = store.start_log(Arc::new(move || _ = awake.send(())), None).expect("a log");
        let position = store.snapshot().expect("a snapshot").position;
        Writing { log, woken, position, batch: 0 }
    }

    fn next_position(&mut self) -> Position {
        self.position.0 += 1;
        self.position
    }

    /// The next message in this room.
    fn say(&mut self, room: u32, text: &str) -> Change {
        let position = self.next_position();
        Change::Posted(Arc::new(message(room, position, &person(1), text)))
    }

    fn append(&mut self, changes: Vec<Change>) -> u64 {
        self.batch += 1;
        self.position.0 += 1;
        let timestamp = time_of(self.position);
        self.log.append(Batch { number: self.batch, position: self.position, timestamp, changes });
        self.batch
    }

    fn outcome(&mut self) -> Outcome {
        let begun = Instant::now();
        loop {
            if let Some(outcome) = self.log.committed() {
                return outcome;
            }
            let left = DEADLINE.saturating_sub(begun.elapsed());
            self.woken.recv_timeout(left).expect("no outcome in time");
        }
    }

    fn commit(&mut self, changes: Vec<Change>) {
        let batch = self.append(changes);
        assert_eq!(self.outcome(), Outcome::Committed { batch });
    }
}

fn time_of(position: Position) -> Timestamp {
    Timestamp(START.0 + position.0 / 10)
}

fn client(number: u64) -> ClientId {
    ClientId(uuid_v7(START, number, 1))
}

fn room_id(number: u32) -> ChatroomId {
    ChatroomId(uuid_v7(START, u64::from(number), 2))
}

fn message_id(position: Position) -> MessageId {
    MessageId(uuid_v7(time_of(position), position.0, 3))
}

fn room(number: u32) -> RoomRecord {
    RoomRecord {
        number: RoomNumber(number),
        id: room_id(number),
        kind: RoomKind::Named { name: format!("#room{number}").into() },
        created: START,
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

fn account(number: u64) -> AccountRecord {
    AccountRecord {
        id: client(number),
        username: format!("user{number}").into(),
        password_hash: None,
        scram: None,
        certificates: Vec::new(),
        former_names: Vec::new(),
        email: None,
        created: START,
        last_seen: START,
        last_address: None,
        rights: Default::default(),
        owner: false,
        disabled: false,
        proofs_since: START,
        always_on: None,
    }
}

fn person(number: u64) -> Arc<Person> {
    Arc::new(Person {
        id: client(number),
        name: format!("user{number}").into(),
        ident: "user".into(),
        host: "abc.cloaked.example".into(),
        account: Some(format!("user{number}").into()),
        realname: "User".into(),
        bot: false,
    })
}

fn message(room: u32, position: Position, sender: &Arc<Person>, text: &str) -> Message {
    Message {
        id: message_id(position),
        sender_id: sender.id,
        payload: text.into(),
        seams: None,
        timestamp: time_of(position),
        chatroom_id: room_id(room),
        position,
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

fn boxed_room(room: RoomRecord) -> Change {
    Change::Room(Box::new(room))
}

fn boxed_account(account: AccountRecord) -> Change {
    Change::Account(Box::new(account))
}

/// This message has another text from this position on.
fn edit(message: &Message, position: Position, text: &str) -> Change {
    let number = message.room;
    let room = chat::event::RoomRef { number, id: message.chatroom_id, name: message.addressed_to.clone() };
    let (id, target, kind, audience) = (message_id(position), message.id, message.kind, message.audience);
    let what = chat::event::What::Edited { room, id, target, kind, audience, text: text.into() };
    let happening = chat::event::Happening { at: time_of(position), place: None, by: message.sender.clone(), what };
    let (happening, recipient_id) = (Arc::new(happening), message.recipient_id);
    let event = chat::history::HistoryEvent { id, room: number, position, happening, audience, recipient_id };
    Change::Edited { position: message.position, in_lines: false, event: Arc::new(event) }
}
