//! What is over is deleted, a little at a time, and nothing else; whenever the process ends in between.

use super::*;
use crate::store::retention::Pruner;
use crate::store::writer::Writer;
use crate::store::{Edge, History};
use chat::event::{Happening, RoomRef, What};
use chat::history::HistoryEvent;
use chat::once::OnceKey;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// One message, as small numbers: its room and its speaker.
type Said = (u32, u64);

/// The rooms' own times, in seconds.
const ROOMS: [Option<u32>; 3] = [None, Some(1), Some(3)];

struct World {
    folder: TempDir,
    store: Store,
    writer: Writer,
    pruner: Pruner,
    position: Position,
    batch: u64,
    now: Timestamp,
    /// Every message that was ever committed, by room.
    said: BTreeMap<u32, Vec<Arc<Message>>>,
    /// The rooms and times of everything else that happened.
    happened: Vec<(u32, Timestamp)>,
}

impl World {
    fn new(keeps: Option<Duration>) -> World {
        let folder = folder();
        let store = Store::open(&database(&folder), Durability::Full).expect("opened");
        let writer = Writer::open(store.path(), Durability::Full).expect("a writer");
        let mut world = World {
            folder,
            store,
            writer,
            pruner: pruner(keeps),
            position: Position(0),
            batch: 0,
            now: START,
            said: BTreeMap::new(),
            happened: Vec::new(),
        };
        let rooms = (0..).zip(ROOMS).map(|(number, retention)| RoomRecord { retention, ..room(number) });
        world.commit(rooms.map(|room| Change::Room(Box::new(room))).collect());
        world
    }

    fn commit(&mut self, changes: Vec<Change>) {
        self.batch += 1;
        self.position.0 += 1;
        let batch = Batch { number: self.batch, position: self.position, timestamp: self.now, changes };
        self.writer.commit(&batch).expect("committed");
        for change in batch.changes {
            match change {
                Change::Posted(message) => self.said.entry(message.room.0).or_default().push(message),
                Change::Happened(event) => self.happened.push((event.room.0, event.happening.at)),
                _ => {}
            }
        }
    }

    /// All of it said so many milliseconds after what was said before.
    fn say(&mut self, later: u64, batch: Vec<Said>) {
        self.now.0 += later;
        let changes = batch.into_iter().map(|(room, speaker)| {
            self.position.0 += 1;
            if speaker == 1 {
                return self.redaction(room);
            }
            Change::Posted(Arc::new(Message {
                timestamp: self.now,
                once: OnceKey::parse(&format!("k{}", self.position.0)),
                ..message(room, self.position, &person(speaker), "x")
            }))
        });
        let changes = changes.collect();
        self.commit(changes);
    }

    /// Something that is no message, by someone who says nothing.
    fn redaction(&self, number: u32) -> Change {
        let room = RoomRef { number: RoomNumber(number), id: room_id(number), name: "#tea".into() };
        let what = What::Redacted { room, target: message_id(Position(1)), said: None, reason: None };
        Change::Happened(Arc::new(HistoryEvent {
            id: message_id(self.position),
            room: RoomNumber(number),
            position: self.position,
            happening: Arc::new(Happening { at: self.now, place: None, by: person(1), what }),
            audience: None,
            recipient_id: None,
        }))
    }

    fn restart(&mut self, keeps: Option<Duration>) {
        self.store = Store::open(&database(&self.folder), Durability::Full).expect("opened again");
        self.writer = Writer::open(self.store.path(), Durability::Full).expect("a writer");
        self.pruner = pruner(keeps);
    }

    /// Whether a message is over now.
    fn is_over(&self, room: u32, at: Timestamp, keeps: Option<Duration>) -> bool {
        let of_room = ROOMS[room as usize].map(|seconds| Duration::from_secs(seconds.into()));
        let age = Duration::from_millis(self.now.0.saturating_sub(at.0));
        of_room.into_iter().chain(keeps).any(|span| age > span)
    }

    /// What is left of each room is its end, and nothing that is not over is missing. Returned: how many are over and left.
    fn check(&self, keeps: Option<Duration>) -> usize {
        let history = self.store.history().expect("a reader");
        let mut left_over = 0;
        for (room, said) in &self.said {
            let left = history.page(RoomNumber(*room), Edge::Oldest, 10_000).expect("a page");
            let ids = |messages: &[Arc<Message>]| messages.iter().map(|message| message.id).collect::<Vec<_>>();
            let end = said.len().checked_sub(left.len()).expect("no more than were said");
            let left: Vec<Arc<Message>> = left.into_iter().map(Arc::new).collect();
            assert_eq!(ids(&left), ids(&said[end..]));
            assert!(
                said[..end].iter().all(|message| self.is_over(*room, message.timestamp, keeps)),
                "one too many is deleted"
            );
            left_over += left.iter().filter(|message| self.is_over(*room, message.timestamp, keeps)).count();
        }
        let kept = self.happened.iter().filter(|(room, at)| !self.is_over(*room, *at, keeps)).count() as i64;
        assert!(history.count("event") >= kept, "an event too many is deleted");
        left_over += (history.count("event") - kept) as usize;
        let sound: String = query(&history, "PRAGMA integrity_check");
        assert_eq!(sound, "ok");
        let in_runs: i64 = query(&history, "SELECT coalesce(sum(messages), 0) FROM run");
        assert_eq!(in_runs, history.count("message"));
        let without: i64 =
            query(&history, "SELECT count(*) FROM message WHERE person NOT IN (SELECT number FROM person)");
        let events: i64 = query(&history, "SELECT count(*) FROM event WHERE person NOT IN (SELECT number FROM person)");
        assert_eq!(events, 0);
        assert_eq!(without, 0);
        left_over
    }

    fn steps(&mut self, most: usize) {
        for _ in 0..most {
            self.pruner.step(&mut self.writer, self.now).expect("a step");
            if self.pruner.is_resting() {
                break;
            }
        }
    }
}

fn pruner(keeps: Option<Duration>) -> Pruner {
    let mut pruner = Pruner::new();
    pruner.keep_for(keeps);
    pruner
}

fn query<T: rusqlite::types::FromSql>(history: &History, sql: &str) -> T {
    history.connection().query_row(sql, [], |row| row.get(0)).expect("an answer")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn what_is_over_is_deleted_and_nothing_else(
        keeps in prop::option::of(1..4u64),
        rounds in prop::collection::vec(
            (prop::collection::vec((0..1_500u64, prop::collection::vec((0..3u32, 1..6u64), 1..12)), 1..5), 0..12usize,
             any::<bool>()), 1..5),
    ) {
        let keeps = keeps.map(Duration::from_secs);
        let mut world = World::new(keeps);
        for (batches, steps, restarts) in rounds {
            for (later, batch) in batches {
                world.say(later, batch);
            }
            world.steps(steps);
            world.check(keeps);
            if restarts {
                world.restart(keeps);
            }
        }
        // Whatever was in the middle is finished, and then a pass of its own.
        world.steps(1_000);
        world.restart(keeps);
        // Begins a window, so that those before can be swept.
        world.say(0, vec![(0, 9)]);
        world.steps(1_000);
        prop_assert!(world.pruner.is_resting());
        prop_assert_eq!(world.check(keeps), 0);
        let history = world.store.history().expect("a reader");
        let keys: i64 = query(&history, "SELECT count(*) FROM posted_once WHERE number NOT IN (SELECT number FROM message)");
        prop_assert_eq!(keys, 0);
        let people = "SELECT count(*) FROM person WHERE number NOT IN (SELECT person FROM message)
            AND number NOT IN (SELECT person FROM event)";
        prop_assert_eq!(query::<i64>(&history, people), 0, "someone is kept whom nothing refers to");
    }
}

/// A great many at once: every step is bounded, and commits go on between them.
#[test]
fn much_is_deleted_in_small_steps() {
    let keeps = Some(Duration::from_secs(60));
    let mut world = World::new(keeps);
    for _ in 0..5 {
        world.say(0, (0..1_000).map(|number| (number % 2, u64::from(number % 50))).collect());
    }
    world.now.0 += 100_000;
    let mut steps = 0;
    let mut most = 0;
    loop {
        most = most.max(world.pruner.step(&mut world.writer, world.now).expect("a step"));
        steps += 1;
        if world.pruner.is_resting() {
            break;
        }
        if steps % 4 == 0 {
            world.say(0, vec![(0, 1)]);
        }
    }
    assert!(most <= 256, "{most} rows in one step");
    assert!(steps >= 5_000 / 256, "{steps} steps");
    assert_eq!(world.check(keeps), 0);
}

/// What comes after everything was deleted has numbers that nothing had before.
#[test]
fn numbers_are_not_given_out_again() {
    let keeps = Some(Duration::from_secs(1));
    let mut world = World::new(keeps);
    world.say(0, vec![(0, 3), (0, 2)]);
    world.now.0 += 10_000;
    world.steps(100);
    let history = world.store.history().expect("a reader");
    assert_eq!((history.count("message"), history.count("run")), (0, 0));
    world.restart(keeps);
    world.say(0, vec![(0, 3)]);
    let numbers: (i64, i64) =
        (query(&history, "SELECT number FROM message"), query(&history, "SELECT max(number) FROM person"));
    assert_eq!(numbers, (3, 3));
}

/// A room that is gone goes for good with its last message; one that is there stays.
#[test]
fn a_room_that_is_gone_goes_with_its_last_message() {
    let keeps = Some(Duration::from_secs(1));
    let mut world = World::new(keeps);
    world.say(0, vec![(0, 2), (1, 2)]);
    world.commit(vec![Change::RoomRemoved(RoomNumber(1))]);
    world.steps(100);
    assert_eq!(world.store.history().expect("a reader").rooms().expect("read").len(), 3);
    world.now.0 += 10_000;
    world.steps(100);
    let rooms = world.store.history().expect("a reader").rooms().expect("read");
    assert_eq!(rooms, [RoomNumber(0), RoomNumber(2)]);
}

/// Of a group that everyone has left nothing is kept, although the server keeps everything.
#[test]
fn a_group_that_ended_goes_with_all_that_was_said() {
    let mut world = World::new(None);
    world.say(0, vec![(0, 2), (0, 3)]);
    let ended = RoomRecord { kind: RoomKind::Group { name: "#+a+b+c".into() }, retention: Some(1), ..room(0) };
    world.commit(vec![Change::Room(Box::new(ended)), Change::RoomRemoved(RoomNumber(0))]);
    world.now.0 += 2_000;
    world.steps(100);
    let history = world.store.history().expect("a reader");
    assert_eq!((history.count("message"), history.count("event")), (0, 0));
    assert_eq!(history.rooms().expect("read"), [RoomNumber(1), RoomNumber(2)]);
}

/// What a guest was called is known no longer than what was said.
#[test]
fn the_name_of_a_guest_goes_with_all_that_was_said() {
    let mut world = World::new(Some(Duration::from_secs(60)));
    let between = (client(1), client(2));
    let talk = RoomRecord { kind: RoomKind::Direct { between, other: Some("gus".into()) }, ..room(0) };
    world.commit(vec![Change::Room(Box::new(talk))]);
    world.say(0, vec![(0, 2)]);
    let kept = |world: &World| match &world.store.snapshot().expect("read").rooms[0].kind {
        RoomKind::Direct { other, .. } => other.clone(),
        kind => panic!("{kind:?}"),
    };
    world.steps(100);
    assert_eq!(kept(&world).as_deref(), Some("gus"));
    world.now.0 += 61_000;
    world.steps(100);
    assert_eq!(kept(&world), None);
}

/// The log does it by itself, as soon as it knows for how long messages are kept, and not before.
#[test]
fn the_log_deletes_between_commits() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![Change::Room(Box::new(room(1)))]);
    let old: Vec<Change> = (0..1_000).map(|_| writing.say(1, "old")).collect();
    writing.commit(old);
    let history = store.history().expect("a reader");
    let mut ids = BTreeSet::new();
    let now = crate::shard::wall_clock();
    let mut say_now = |writing: &mut Writing| {
        let position = writing.next_position();
        let message = Message { timestamp: now, ..message(1, position, &person(2), "new") };
        ids.insert(message.id);
        writing.commit(vec![Change::Posted(Arc::new(message))]);
        ids.len() as i64
    };
    say_now(&mut writing);
    assert_eq!(history.count("message"), 1_001);
    // Of the room: shorter than the server's.
    writing.log.keep_for().set(None);
    writing.commit(vec![Change::Room(Box::new(RoomRecord { retention: Some(3_600), ..room(1) }))]);
    let begun = Instant::now();
    loop {
        let new = say_now(&mut writing);
        if history.count("message") == new {
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "{} are left", history.count("message"));
    }
    // Of the server.
    writing.log.keep_for().set(Some(Duration::from_millis(1)));
    while history.count("message") > 0 {
        assert!(begun.elapsed() < DEADLINE, "{} are left", history.count("message"));
        writing.commit(vec![]);
    }
}
