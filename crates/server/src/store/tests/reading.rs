//! Every way of asking for a stretch of history, against the plainest implementation of what it means.

use super::*;
use chat::event::{Happening, Place, RoomRef, What};
use chat::history::{Grant, HistoryEvent, Item, Kept, Mark, Past, Since, Stretch, View};
use chat::membership::Role;
use chat::message::{Lasting, MessageState};
use chat::unread::{Unread, UnreadQuestion};
use proptest::prelude::*;

/// Small numbers by which a line is made: what, room, speaker, audience, and what it is about.
type Line = (u8, u32, u64, Option<u8>, u16);

fn role(number: u8) -> Role {
    Role::ALL[usize::from(number) % Role::ALL.len()]
}

/// A place among or beside what is kept: by id, by time, or the id of a message that was never said.
fn mark(past: &Past, (kind, at): (u8, u16)) -> Mark {
    let of = past.kept().get(usize::from(at) % past.kept().len().max(1));
    match (kind % 3, of) {
        (0, Some(kept)) => Mark::Message(kept.id()),
        (1, _) => Mark::Message(MessageId(uuid_v7(Timestamp(START.0 + u64::from(at) % 20), 1, 99))),
        _ => Mark::Time(Timestamp(START.0 + u64::from(at) % 20)),
    }
}

/// Mostly messages; also signals that last, reactions to what is kept already (wherever it is), redactions, edits, pins.
fn changes(past: &Past, position: Position, (what, in_room, speaker, audience, at): Line) -> Vec<Change> {
    let of = past.kept().get(usize::from(at) % past.kept().len().max(1));
    let audience = audience.map(role);
    let message = || message(in_room, position, &person(speaker), "x");
    let signal = |lasting| {
        let (kind, tags, payload) = (MessageKind::Signal, Some("+a=b".into()), Box::default());
        let message = Message { kind, tags, payload, audience, lasting: Some(Box::new(lasting)), ..message() };
        vec![Change::Posted(Arc::new(message))]
    };
    match (what % 16, of) {
        (0, _) => signal(Lasting::Asked),
        (1..4, Some(kept)) => {
            let value = ["+1", "tea"][usize::from(at) % 2].into();
            signal(Lasting::Reaction { to: kept.id(), on: what % 16 > 1, value })
        }
        // Nobody redacts what has nothing left.
        (4, Some(Kept::Said { message: said, state })) if *state != MessageState::Redacted => {
            let number = said.room;
            let room = RoomRef { number, id: room_id(number.0), name: format!("#room{}", number.0).into() };
            let what =
                What::Redacted { room, target: said.id, said: None, reason: (at % 2 == 0).then(|| "spam".into()) };
            let happening = Arc::new(Happening { at: time_of(position), place: None, by: person(speaker), what });
            let (id, audience) = (message_id(position), said.audience);
            let event = HistoryEvent { id, room: number, position, happening, audience, recipient_id: None };
            vec![
                Change::Redacted { room: number, position: said.position, target: said.id },
                Change::Happened(Arc::new(event)),
            ]
        }
        (7, Some(Kept::Said { message: said, .. })) if said.kind != MessageKind::Signal => {
            let number = said.room;
            let room = RoomRef { number, id: room_id(number.0), name: format!("#room{}", number.0).into() };
            let what = What::Pinned { room, target: said.id, on: at % 3 > 0, message: None };
            let happening = Arc::new(Happening { at: time_of(position), place: None, by: person(speaker), what });
            let (id, audience) = (message_id(position), said.audience);
            let event = HistoryEvent { id, room: number, position, happening, audience, recipient_id: None };
            vec![Change::Happened(Arc::new(event))]
        }
        (5..7, Some(Kept::Said { message: said, state }))
            if said.kind != MessageKind::Signal && *state != MessageState::Redacted =>
        {
            let number = said.room;
            let room = RoomRef { number, id: room_id(number.0), name: format!("#room{}", number.0).into() };
            let (id, audience) = (message_id(position), said.audience);
            let text = format!("edited {at}").into();
            let what = What::Edited { room, id, target: said.id, kind: said.kind, audience, text };
            let happening = Arc::new(Happening { at: time_of(position), place: None, by: person(speaker), what });
            let event = HistoryEvent { id, room: number, position, happening, audience, recipient_id: None };
            vec![Change::Edited { position: said.position, in_lines: at % 2 == 1, event: Arc::new(event) }]
        }
        _ => vec![Change::Posted(Arc::new(Message { audience, ..message() }))],
    }
}

/// Everything of a page, in a form that can be compared.
fn shown(page: &[Item]) -> Vec<String> {
    page.iter().map(|item| format!("{item:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn stretches_are_what_the_plain_reader_says(
        batches in prop::collection::vec(
            prop::collection::vec(
                (any::<u8>(), 0..3u32, 1..3u64, prop::option::weighted(0.3, 0..5u8), any::<u16>()), 1..12), 1..10),
        questions in prop::collection::vec(
            ((0..6u8, 0..3u32, 0..9usize), (any::<(u8, u16)>(), any::<(u8, u16)>()),
             (1..3u64, prop::option::of(0..5u8), (prop::option::of(0..40u64), prop::option::of(0..40u64))),
             any::<(bool, bool, bool)>()),
            40),
    ) {
        let folder = folder();
        let store = Store::open(&database(&folder), Durability::Relaxed).expect("opened");
        let mut writing = Writing::on(&store);
        writing.commit((0..3).map(|number| Change::Room(Box::new(room(number)))).collect());
        let mut past = Past::default();
        for batch in batches {
            let mut all = Vec::new();
            for line in batch {
                let position = writing.next_position();
                let changes = changes(&past, position, line);
                changes.iter().for_each(|change| past.apply(change));
                all.extend(changes);
            }
            writing.commit(all);
        }
        let history = store.history().expect("a reader");
        for ((kind, room, limit), (one, other), (reader, highest, (position, time)), (redactions, edits, events)) in questions {
            let (one, other) = (mark(&past, one), mark(&past, other));
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
            let view = View { redactions, placeholders: redactions && events, edits, events, renamings: redactions != edits };
            let grant = Grant { with: None, room: RoomNumber(room), name: "#room".into(), reader: client(reader), role, since };
            let found = history.read(&grant, stretch, view, limit).expect("read");
            let expected = past.read(&grant, stretch, view, limit);
            prop_assert_eq!(shown(&found), shown(&expected), "{:?} of {:?}, {:?}, at most {}", stretch, grant, view, limit);
            prop_assert_eq!(history.latest_time(&grant).expect("read"), past.latest_time(&grant));
            let conversations = vec![(grant.clone(), Some(one.time())), (grant, None)];
            let question = UnreadQuestion { conversations, names: vec!["user1".into()], blocked: vec![client(2)], groups: vec![RoomNumber(1)], as_of: place(position.unwrap_or(u64::MAX)) };
            prop_assert_eq!(history.unread(&question).expect("read"), past.unread(&question));
        }
        for kept in past.kept() {
            for of in 0..3 {
                let grant = Grant {
                    with: None, room: RoomNumber(of),
                    name: "#room".into(),
                    reader: client(1),
                    role: Some(Role::Voice),
                    since: Since::default(),
                };
                let found = history.find(&grant, kept.id()).expect("looked up");
                prop_assert_eq!(format!("{found:?}"), format!("{:?}", past.find(&grant, kept.id())));
                let earlier = history.earlier_texts(&grant, kept.id()).expect("looked up");
                prop_assert_eq!(earlier, past.earlier_texts(&grant, kept.id()));
            }
        }
    }
}

/// With the id of nothing.
fn place(position: u64) -> Place {
    Place { id: MessageId(uuid_v7(START, 0, 1)), position: Position(position) }
}

/// Each room is looked at by its own index: a thousand of them are a matter of milliseconds.
#[test]
fn unread_in_a_thousand_rooms() {
    const ROOMS: u32 = 1_000;
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit((0..ROOMS).map(|number| Change::Room(Box::new(room(number)))).collect());
    for _ in 0..30 {
        let said = (0..ROOMS).map(|number| writing.say(number, "hi user9")).collect();
        writing.commit(said);
    }
    let conversations = (0..ROOMS).map(|number| {
        let name = "#room".into();
        let grant = Grant {
            with: None,
            room: RoomNumber(number),
            name,
            reader: client(9),
            role: None,
            since: Since::default(),
        };
        (grant, (number % 2 == 0).then_some(Timestamp(u64::MAX / 4)))
    });
    let question = UnreadQuestion {
        conversations: conversations.collect(),
        names: vec!["user9".into()],
        blocked: Vec::new(),
        groups: Vec::new(),
        as_of: place(u64::MAX),
    };
    let begun = Instant::now();
    let counts = store.history().and_then(|history| history.unread(&question)).expect("counted");
    println!("{ROOMS} rooms, half of them read, 30 unread in each other one: {:?}", begun.elapsed());
    let all = Unread { messages: 30, mentions: 30, is_more: false };
    assert!(counts.iter().enumerate().all(|(at, count)| *count == if at % 2 == 0 { Unread::default() } else { all }));
}
