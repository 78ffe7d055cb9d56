//! Every way of asking for a stretch of history, against the plainest implementation of what it means.

use super::*;
use chat::history::{Grant, Mark, Since, Stretch, select};
use chat::membership::Role;
use proptest::prelude::*;

/// Small numbers by which a case is made: room, speaker, audience.
type Said = (u32, u64, Option<u8>);

fn role(number: u8) -> Role {
    Role::ALL[usize::from(number) % Role::ALL.len()]
}

/// A place among or beside the messages: by id, by time, or the id of a message that was never said.
fn mark(said: &[Arc<Message>], (kind, at): (u8, u16)) -> Mark {
    let of = said.get(usize::from(at) % said.len().max(1));
    match (kind % 3, of) {
        (0, Some(message)) => Mark::Message(message.id),
        (1, _) => Mark::Message(MessageId(uuid_v7(Timestamp(START.0 + u64::from(at) % 20), 1, 99))),
        _ => Mark::Time(Timestamp(START.0 + u64::from(at) % 20)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn stretches_are_what_the_plain_reader_says(
        batches in prop::collection::vec(
            prop::collection::vec((0..3u32, 1..3u64, prop::option::weighted(0.3, 0..5u8)), 1..12), 1..8),
        questions in prop::collection::vec(
            ((0..6u8, 0..3u32, 0..9usize), (any::<(u8, u16)>(), any::<(u8, u16)>()),
             (1..3u64, prop::option::of(0..5u8), (prop::option::of(0..40u64), prop::option::of(0..40u64)))),
            40),
    ) {
        let folder = folder();
        let store = Store::open(&database(&folder), Durability::Relaxed).expect("opened");
        let mut writing = Writing::on(&store);
        writing.commit((0..3).map(|number| Change::Room(Box::new(room(number)))).collect());
        let mut said: Vec<Arc<Message>> = Vec::new();
        for batch in batches {
            let changes = batch.into_iter().map(|(room, speaker, audience): Said| {
                let position = writing.next_position();
                let audience = audience.map(role);
                let message = Arc::new(Message { audience, ..message(room, position, &person(speaker), "x") });
                said.push(message.clone());
                Change::Posted(message)
            });
            let changes = changes.collect();
            writing.commit(changes);
        }
        let history = store.history().expect("a reader");
        for ((kind, room, limit), (one, other), (reader, highest, (position, time))) in questions {
            let (one, other) = (mark(&said, one), mark(&said, other));
            let stretch = match kind {
                0 => Stretch::Latest { after: None },
                1 => Stretch::Latest { after: Some(one) },
                2 => Stretch::Before(one),
                3 => Stretch::After(one),
                4 => Stretch::Around(one),
                _ => Stretch::Between(one, other),
            };
            let role = highest.map(role);
            let since = Since {
                position: Position(position.unwrap_or(0)),
                time: Timestamp(time.map_or(0, |time| START.0 + time / 5)),
            };
            let grant = Grant { room: RoomNumber(room), name: "#room".into(), reader: client(reader), role, since };
            let found = history.read(&grant, stretch, limit).expect("read");
            let found: Vec<Position> = found.iter().map(|message| message.position).collect();
            let expected = select(&said, &grant, stretch, limit);
            let expected: Vec<Position> = expected.iter().map(|message| message.position).collect();
            prop_assert_eq!(found, expected, "{:?} of {:?}, at most {}", stretch, grant, limit);
            let latest = select(&said, &grant, Stretch::Latest { after: None }, 1);
            let latest = latest.first().map(|message| message.timestamp);
            prop_assert_eq!(history.latest_time(&grant).expect("read"), latest);
        }
    }
}
