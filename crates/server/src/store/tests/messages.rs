//! Messages and what happened in rooms come back as they were: in pages, by their time, by their id and by their key.

use super::*;
use crate::store::Edge;
use chat::chatroom::RoomFlag;
use chat::membership::{Role, Roles};
use chat::refusal::ListKind;

/// Everything of a message, in a form that can be compared.
fn shown(message: &Message) -> String {
    format!("{message:?}")
}

#[test]
fn messages_come_back_as_they_were() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    let direct = RoomKind::Direct { between: (client(1), client(2)), other: None };
    writing.commit(vec![boxed_room(room(3)), boxed_room(RoomRecord { kind: direct, ..room(4) })]);
    let guest = Arc::new(Person { account: None, bot: true, realname: "ロボット".into(), ..(*person(2)).clone() });
    let mut said = Vec::new();
    for kind in [MessageKind::Text, MessageKind::Notice, MessageKind::Signal] {
        for audience in [None, Some(Role::Voice), Some(Role::Owner)] {
            let position = writing.next_position();
            let sender = if audience.is_some() { guest.clone() } else { person(1) };
            said.push(Message {
                kind,
                audience,
                tags: (kind == MessageKind::Signal).then(|| "+typing=active;+x".into()),
                ..message(3, position, &sender, "Tee? ☕ ' \" % \u{1}")
            });
        }
    }
    for seams in [&[][..], &[2, 9]] {
        let position = writing.next_position();
        said.push(Message { seams: Some(seams.into()), ..message(3, position, &guest, "long\n\nlonger still") });
    }
    let position = writing.next_position();
    let direct =
        Message { addressed_to: "user2".into(), recipient_id: Some(client(2)), ..message(4, position, &guest, "") };
    let expected: Vec<String> = said.iter().map(shown).collect();
    let expected_direct = vec![shown(&direct)];
    writing.commit(said.into_iter().chain([direct]).map(|message| Change::Posted(Arc::new(message))).collect());
    // What was said stays readable when the room is gone.
    writing.commit(vec![Change::RoomRemoved(RoomNumber(3))]);

    let history = store.history().expect("a reader");
    let read = |number| -> Vec<String> {
        history.page(RoomNumber(number), Edge::Oldest, 100).expect("a page").iter().map(shown).collect()
    };
    assert_eq!(read(3), expected);
    assert_eq!(read(4), expected_direct);
    assert_eq!(history.rooms().expect("rooms"), [RoomNumber(3), RoomNumber(4)]);
}

#[test]
fn one_who_speaks_often_has_one_row_until_something_changes() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![boxed_room(room(1))]);
    let renamed = Arc::new(Person { name: "other".into(), ..(*person(1)).clone() });
    for sender in [person(1), person(1), person(2), renamed.clone(), renamed, person(2)] {
        let position = writing.next_position();
        writing.commit(vec![Change::Posted(Arc::new(message(1, position, &sender, "x")))]);
    }
    let people: i64 = store.history().expect("a reader").count("person");
    assert_eq!(people, 3);
    let names: Vec<String> = store
        .history()
        .expect("a reader")
        .page(RoomNumber(1), Edge::Oldest, 9)
        .expect("a page")
        .iter()
        .map(|message| message.sender.name.to_string())
        .collect();
    assert_eq!(names, ["user1", "user1", "user2", "other", "other", "user2"]);
}

/// Messages 1 to 200 dealt to two rooms in batches of growing size, so that runs of all lengths lie between each other.
fn dealt() -> (TempDir, Store, Vec<Vec<Position>>) {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![boxed_room(room(0)), boxed_room(room(1)), boxed_room(room(2))]);
    let mut positions = vec![Vec::new(); 3];
    for size in 1..20 {
        let batch = (0..size)
            .map(|place| {
                let room = u32::from(place % 3 == 1);
                let said = writing.say(room, "x");
                positions[room as usize].push(writing.position);
                said
            })
            .collect();
        writing.commit(batch);
    }
    drop(writing);
    (folder, store, positions)
}

#[test]
fn pages_in_both_directions() {
    let (_folder, store, positions) = dealt();
    let history = store.history().expect("a reader");
    for (room, expected) in positions.iter().enumerate() {
        let page = |edge, limit| -> Vec<Position> {
            let page = history.page(RoomNumber(room as u32), edge, limit).expect("a page");
            page.iter().map(|message| message.position).collect()
        };
        let last = expected.last().map_or(0, |position| position.0) + 3;
        for limit in [0, 1, 7, 1_000] {
            let tail = |all: &[Position]| all[all.len().saturating_sub(limit)..].to_vec();
            let head = |all: &[Position]| all[..limit.min(all.len())].to_vec();
            assert_eq!(page(Edge::Newest, limit), tail(expected));
            assert_eq!(page(Edge::Oldest, limit), head(expected));
            for place in (0..last).map(Position) {
                let before = expected.partition_point(|position| *position < place);
                let behind = expected.partition_point(|position| *position <= place);
                assert_eq!(page(Edge::Before(place), limit), tail(&expected[..before]), "{room} {place:?}");
                assert_eq!(page(Edge::After(place), limit), head(&expected[behind..]), "{room} {place:?}");
            }
        }
    }
}

#[test]
fn a_message_is_found_by_its_time_and_by_its_id() {
    let (_folder, store, positions) = dealt();
    let history = store.history().expect("a reader");
    for (number, expected) in positions.iter().enumerate() {
        let number = RoomNumber(number as u32);
        for time in START.0.saturating_sub(2)..START.0 + 30 {
            let first = expected.iter().copied().find(|position| time_of(*position).0 >= time);
            assert_eq!(history.position_at(number, Timestamp(time)).expect("found"), first, "{number:?} {time}");
        }
        for position in positions.iter().flatten().copied() {
            let found = history.message(number, message_id(position)).expect("looked for");
            let expected = expected.contains(&position).then_some(position);
            assert_eq!(found.map(|message| message.position), expected);
        }
    }
}

#[test]
fn keys_are_known_at_the_next_start_and_gone_after_a_day() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![Change::Room(Box::new(room(1)))]);
    let keyed = |writing: &mut Writing, key: &str, days: u64| {
        let position = writing.next_position();
        let timestamp = Timestamp(START.0 + days * chat::once::ONCE_MS);
        let once = chat::once::OnceKey::parse(key);
        let message = Message { once, timestamp, ..message(1, position, &person(1), key) };
        writing.batch += 1;
        writing.position.0 += 1;
        let changes = vec![Change::Posted(Arc::new(message))];
        writing.log.append(Batch { number: writing.batch, position: writing.position, timestamp, changes });
        assert_eq!(writing.outcome(), Outcome::Committed { batch: writing.batch });
    };
    let known = || {
        let posted = store.snapshot().expect("read").posted_once;
        posted.into_iter().map(|(posted, _)| posted.key.as_str().to_owned()).collect::<Vec<_>>()
    };
    keyed(&mut writing, "a", 0);
    keyed(&mut writing, "b", 0);
    assert_eq!(known(), ["a", "b"]);
    keyed(&mut writing, "c", 2);
    assert_eq!(known(), ["c"]);
    let history = store.history().expect("a reader");
    assert_eq!(history.count("posted_once"), 1, "no longer than a day");
}

/// Whatever happens in a room is read as it happened, but for what history does not tell.
#[test]
fn everything_that_happens_in_a_room() {
    use chat::event::{Happening, Place, RoomRef, RoomStep, What};
    use chat::history::{Grant, HistoryEvent, Kept, Stretch, View};
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![boxed_room(room(1))]);
    let room = || RoomRef { number: RoomNumber(1), id: room_id(1), name: "#room1".into() };
    let kicked = |reason: Option<&str>| What::Kicked { room: room(), who: person(2), reason: reason.map(Box::from) };
    let steps = RoomFlag::ALL.into_iter().map(|flag| RoomStep::Flag { on: true, flag });
    let roles = Role::ALL.into_iter().map(|role| RoomStep::Role { on: false, role, who: "zoë".into() });
    let lists = [ListKind::Ban, ListKind::Exception, ListKind::Invitation];
    let lists = lists.into_iter().map(|list| RoomStep::List { on: true, list, mask: "~m:~a:bob".into() });
    let more = [
        RoomStep::Key { on: true, key: "sesame".into() },
        RoomStep::Key { on: false, key: "sesame".into() },
        RoomStep::MemberLimit { limit: Some(5) },
        RoomStep::MemberLimit { limit: None },
        RoomStep::SlowMode { seconds: Some(9) },
        RoomStep::SlowMode { seconds: None },
        RoomStep::Retention { seconds: Some(60) },
        RoomStep::Retention { seconds: None },
        RoomStep::Forward { to: Some("#other".into()) },
        RoomStep::Forward { to: None },
    ];
    let all = [
        What::Joined { room: room(), away: Some("out".into()), roles: Roles::of(Role::Owner) },
        What::Left { room: room(), reason: None },
        What::Left { room: room(), reason: Some("bye now".into()) },
        kicked(None),
        kicked(Some("out of here")),
        What::Quit { reason: "".into() },
        What::Quit { reason: "gone".into() },
        What::Renamed { to: "zoë".into() },
        What::RoomRenamed { room: room(), old: "#pot".into(), reason: None },
        What::RoomRenamed { room: room(), old: "#pot".into(), reason: Some("it is better so".into()) },
        What::TopicChanged { room: room(), text: "".into() },
        What::TopicChanged { room: room(), text: "two words".into() },
        What::RoomChanged { room: room(), steps: steps.chain(roles).chain(lists).chain(more).collect() },
    ];
    // What is read of it: the key is not, nor what a newcomer's rank was, nor more of who was removed than the name.
    let told = |what: &What| match what {
        What::Kicked { who, reason, .. } => format!("{} {reason:?}", who.name),
        What::Joined { .. } => "joined".to_owned(),
        other => format!("{other:?}").replace("sesame", "*"),
    };
    let expected: Vec<String> = all.iter().map(told).collect();
    let changes = all.into_iter().map(|what| {
        let position = writing.next_position();
        let place = Some(Place { id: message_id(position), position });
        let happening = Arc::new(Happening { at: time_of(position), place, by: person(1), what });
        let (id, room) = (message_id(position), RoomNumber(1));
        Change::Happened(Arc::new(HistoryEvent { id, room, position, happening, audience: None, recipient_id: None }))
    });
    let changes = changes.collect();
    writing.commit(changes);
    let grant = Grant {
        with: None,
        room: RoomNumber(1),
        name: "#room1".into(),
        reader: client(7),
        role: None,
        since: Default::default(),
    };
    let history = store.history().expect("a reader");
    let read = |events| {
        let view = View { events, renamings: true, ..View::default() };
        history.read(&grant, Stretch::Latest { after: None }, view, 100).expect("read")
    };
    assert_eq!(read(false).len(), 0);
    let mut found = Vec::new();
    for item in read(true) {
        let Kept::Happened(event) = item.kept else { panic!("not what was kept: {item:?}") };
        assert_eq!(event.happening.place, Some(Place { id: event.id, position: event.position }));
        assert_eq!((event.happening.at, &event.happening.by), (time_of(event.position), &person(1)));
        found.push(told(&event.happening.what));
    }
    assert_eq!(found, expected);
}

/// The last message to everyone, wherever in a room's runs it stands.
#[test]
fn when_something_was_last_said_is_read_at_start() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    let direct = RoomKind::Direct { between: (client(1), client(2)), other: None };
    let rooms = [room(1), room(2), RoomRecord { kind: direct, ..room(3) }, room(4), room(5)];
    writing.commit(rooms.into_iter().map(boxed_room).collect());
    let mut times = Vec::new();
    for number in [1, 2, 1, 3, 4, 1] {
        let change = writing.say(number, "hi");
        let Change::Posted(message) = &change else { panic!("not a message") };
        times.push(message.timestamp);
        writing.commit(vec![change]);
    }
    let position = writing.next_position();
    let among_us = Message { audience: Some(Role::Operator), ..message(2, position, &person(1), "among us") };
    writing.commit(vec![Change::Posted(Arc::new(among_us)), Change::RoomRemoved(RoomNumber(4))]);
    let found = store.snapshot().expect("read").last_said;
    assert_eq!(found, [(RoomNumber(1), times[5]), (RoomNumber(2), times[1])]);
}
