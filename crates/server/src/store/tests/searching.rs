//! The search index: what it finds against the plainest search, what it must forget, and files that are not as they should
//! be.

use super::*;
use crate::store::search::INDEX;
use crate::store::{Finder, Follower, Following, Found};
use chat::history::{Grant, Past, Since};
use chat::membership::Role;
use chat::search::{Part, Search, fold_name};
use proptest::prelude::*;
use rusqlite::Connection;

const PATIENCE: Duration = Duration::from_secs(30);

/// A store whose index follows.
struct Searching {
    // The follower ends first, as in the server.
    follower: Option<Follower>,
    writing: Writing,
    following: Following,
    finder: Finder,
    folder: TempDir,
    said: Vec<Arc<Message>>,
}

impl Searching {
    fn start() -> Searching {
        let mut searching = Searching::start_in(folder(), Vec::new());
        searching.writing.commit((0..4).map(|number| Change::Room(Box::new(room(number)))).collect());
        let direct = RoomRecord { kind: RoomKind::Direct { between: (client(1), client(2)), other: None }, ..room(9) };
        searching.writing.commit(vec![Change::Room(Box::new(direct))]);
        searching
    }

    fn start_in(folder: TempDir, said: Vec<Arc<Message>>) -> Searching {
        let store = Store::open(&database(&folder), Durability::Relaxed).expect("opened");
        let following = Following::default();
        let observer = following.clone();
        let (awake, woken) = channel();
        let observe = Arc::new(move |_| observer.committed());
        let log = store.start_log(Arc::new(move || _ = awake.send(())), Some(observe)).expect("a log");
        let position = store.snapshot().expect("a snapshot").position;
        let follower = Some(store.start_search_index(&following, &log).expect("a follower"));
        let finder = store.finder(&following).expect("a finder");
        let writing = Writing { log, woken, position, batch: 0 };
        Searching { follower, writing, following, finder, folder, said }
    }

    fn new_finder(&self) -> Finder {
        Finder::open(&database(&self.folder), &self.following).expect("a finder")
    }

    /// Ends it, as a server does.
    fn stop(self) -> (TempDir, Vec<Arc<Message>>) {
        let Searching { follower, writing, folder, said, finder, .. } = self;
        drop((follower, writing, finder));
        (folder, said)
    }

    fn again(self) -> Searching {
        let (folder, said) = self.stop();
        Searching::start_in(folder, said)
    }

    fn say(&mut self, room: u32, speaker: u64, text: &str) {
        let position = self.writing.next_position();
        let said = Arc::new(message(room, position, &person(speaker), text));
        self.said.push(said.clone());
        self.writing.commit(vec![Change::Posted(said)]);
    }

    fn main(&self) -> Connection {
        let connection = Connection::open(database(&self.folder)).expect("opened");
        connection.busy_timeout(DEADLINE).expect("set");
        // As the store's own.
        connection.execute_batch("PRAGMA secure_delete = ON").expect("set");
        connection
    }

    fn index(&self) -> Connection {
        Connection::open(self.folder.path().join(INDEX)).expect("opened")
    }

    fn wait(&self) {
        wait_for_index(&self.folder, &self.following);
    }

    fn found(&mut self, grants: &[Grant], search: &Search, limit: usize) -> Vec<Position> {
        let Found { messages, complete } = self.finder.search(grants, search, limit, PATIENCE).expect("searched");
        assert!(complete, "{search:?}");
        messages.iter().map(|message| message.position).collect()
    }

    /// Texts that user1 finds in rooms 0 to 3.
    fn texts(&mut self, words: &str) -> Vec<String> {
        let search = Search { parts: vec![Part::phrase(words, false).expect("words")], ..Search::default() };
        let grants: Vec<Grant> = (0..4).map(|room| grant(room, 1, None)).collect();
        let found = self.finder.search(&grants, &search, 100, PATIENCE).expect("searched");
        found.messages.iter().map(|message| message.payload.to_string()).collect()
    }

    /// Files of the data folder in which these bytes are.
    fn files_with(folder: &TempDir, bytes: &str) -> Vec<String> {
        // As at the next start: the follower may have ended last, and its connection to the database can't fold the WAL.
        for name in [DATABASE, INDEX] {
            let begun = Instant::now();
            loop {
                let connection = Connection::open(folder.path().join(name)).expect("opened");
                let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
                if busy == Ok(false) {
                    break;
                }
                assert!(begun.elapsed() < DEADLINE, "{name}: {busy:?}");
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        let files = std::fs::read_dir(folder.path()).expect("read");
        let with = files.map(|file| file.expect("a file")).filter(|file| {
            let content = std::fs::read(file.path()).expect("read");
            memchr::memmem::find(&content, bytes.as_bytes()).is_some()
        });
        with.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// Until the index has all messages, and nothing is to be forgotten.
pub(super) fn wait_for_index(folder: &TempDir, following: &Following) {
    following.committed();
    let main = Connection::open(database(folder)).expect("opened");
    main.busy_timeout(DEADLINE).expect("set");
    let newest: i64 =
        main.query_row("SELECT coalesce(max(number), 0) FROM message", [], |row| row.get(0)).expect("read");
    let begun = Instant::now();
    loop {
        let waiting: i64 = main.query_row("SELECT count(*) FROM search_forget", [], |row| row.get(0)).expect("counted");
        let index = Connection::open(folder.path().join(INDEX)).expect("opened");
        let indexed = index.query_row("SELECT indexed FROM progress", [], |row| row.get::<_, i64>(0));
        if waiting == 0 && indexed.as_ref().is_ok_and(|indexed| *indexed >= newest) {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{indexed:?} of {newest} indexed, {waiting} to be forgotten");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn grant(room: u32, reader: u64, role: Option<Role>) -> Grant {
    let name = if room == 9 { "someone".into() } else { format!("#room{room}").into() };
    Grant { with: None, room: RoomNumber(room), name, reader: client(reader), role, since: Since::default() }
}

const WORDS: &[&str] =
    &["tea", "team", "steam", "Crème", "creme", "x1", "今天天气", "天气", "お茶", "🍵", "don't", "a", "ab"];

fn part() -> impl Strategy<Value = Part> {
    let words = prop::collection::vec(prop::sample::select(WORDS), 1..3).prop_map(|words| words.join(" "));
    let word = prop::sample::select(&["te", "tea", "ea", "team", "天", "天气", "茶", "crem", "cr", "eam", "none"][..]);
    prop_oneof![
        (words, any::<bool>()).prop_map(|(words, open)| Part::phrase(&words, open).expect("words")),
        (word.clone(), any::<bool>()).prop_map(|(word, open)| Part::phrase(word, open).expect("a word")),
        word.prop_map(|word| Part::within(word).expect("a word")),
    ]
}

fn search() -> impl Strategy<Value = Search> {
    let time = || prop::option::weighted(0.3, (0..12u64).prop_map(|later| Timestamp(START.0 + later)));
    let from = prop::option::weighted(0.3, (1..4u64).prop_map(|number| fold_name(&format!("User{number}"))));
    (prop::collection::vec(part(), 0..3), from, time(), time(), any::<bool>())
        .prop_map(|(parts, from, since, until, oldest_first)| Search { parts, from, since, until, oldest_first })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10) })]

    #[test]
    fn finds_what_the_plain_search_finds(
        batches in prop::collection::vec(
            prop::collection::vec(
                (0..5u32, 1..4u64, prop::option::weighted(0.2, 0..5usize), prop::collection::vec(prop::sample::select(WORDS), 1..5)),
                1..12),
            1..6),
        questions in prop::collection::vec(
            (
                search(), 1..4u64,
                prop::collection::vec((0..5u32, prop::option::of(0..5usize), prop::option::weighted(0.3, 0..40u64)), 1..4),
                0..7usize,
            ),
            60),
        indexed in any::<bool>(),
    ) {
        let mut searching = Searching::start();
        for batch in batches {
            let changes = batch.into_iter().map(|(room, speaker, audience, words)| {
                let room = if room == 4 { 9 } else { room };
                let position = searching.writing.next_position();
                let audience = audience.map(|role| Role::ALL[role]);
                let said = Message { audience, ..message(room, position, &person(speaker), &words.join(" ")) };
                let said = Arc::new(said);
                searching.said.push(said.clone());
                Change::Posted(said)
            });
            let changes: Vec<Change> = changes.collect();
            // Which of one commit are the last is not looked at closely: they stand by room.
            let begun = searching.said.len() - changes.len();
            searching.said[begun..].sort_by_key(|message| message.room);
            searching.writing.commit(changes);
        }
        if indexed {
            searching.wait();
        }
        let mut past = Past::default();
        searching.said.iter().for_each(|message| past.apply(&Change::Posted(message.clone())));
        for (search, reader, rooms, limit) in questions {
            let mut grants: Vec<Grant> = Vec::new();
            for (room, role, since) in rooms {
                let room = if room == 4 { 9 } else { room };
                if !grants.iter().any(|grant| grant.room.0 == room) {
                    let since = Since { position: Position(since.unwrap_or(0)), ..Since::default() };
                    grants.push(Grant { since, ..grant(room, reader, role.map(|role| Role::ALL[role])) });
                }
            }
            let mut expected: Vec<Position> =
                past.search(&grants, &search, limit).iter().map(|message| message.position).collect();
            expected.sort();
            let found = searching.found(&grants, &search, limit);
            prop_assert_eq!(found, expected, "{:?} by {:?}, at most {}", search, grants, limit);
        }
    }
}

#[test]
fn someone_in_few_quiet_rooms_finds_what_is_said_there() {
    let mut searching = Searching::start();
    searching.say(1, 1, "tea is ready");
    searching.say(2, 1, "no tea here");
    // More than are passed over one by one.
    let chatter = (0..7_000).map(|number| searching.writing.say(0, &format!("tea {number}"))).collect();
    searching.writing.commit(chatter);
    searching.wait();
    let grants = [grant(1, 3, None), grant(2, 3, None)];
    let tea = Search { parts: Part::phrase("tea", false).into_iter().collect(), ..Search::default() };
    let all = Search::default();
    let expected: Vec<Position> = searching.said.iter().map(|message| message.position).collect();
    for search in [&tea, &all] {
        assert_eq!(searching.found(&grants, search, 10), expected);
        let oldest = Search { oldest_first: true, ..search.clone() };
        assert_eq!(searching.found(&grants, &oldest, 1), expected[..1]);
        assert_eq!(searching.found(&grants, search, 1), expected[1..]);
    }
    let beginning = |text| Search { parts: Part::phrase(text, true).into_iter().collect(), ..Search::default() };
    assert_eq!(searching.found(&[grant(0, 3, None)], &beginning("1"), 5).len(), 5);
    assert_eq!(searching.found(&grants, &beginning("1"), 5), []);
    // The index is not asked for a single letter.
    assert_eq!(searching.found(&[grant(0, 3, None)], &beginning("t"), 5).len(), 5);
    assert_eq!(searching.found(&grants, &beginning("t"), 5), expected);
    assert_eq!(searching.found(&grants, &beginning("x"), 5), []);
    let part = |text| Search { parts: Part::within(text).into_iter().collect(), ..Search::default() };
    assert_eq!(searching.found(&grants, &part("ead"), 5), expected[..1]);
    assert_eq!(searching.found(&grants, &part("zea"), 5), []);
}

#[test]
fn much_is_taken_back_at_once_and_what_is_said_meanwhile_is_taken_in() {
    let mut searching = Searching::start();
    let chatter = (0..1_000).map(|number| searching.writing.say(0, &format!("before{number} common"))).collect();
    searching.writing.commit(chatter);
    searching.wait();
    let main = searching.main();
    main.execute_batch(
        "BEGIN; DELETE FROM message WHERE number % 2 = 0 AND text LIKE 'before%';
         UPDATE message SET text = replace(text, 'before', 'after') WHERE text LIKE 'before%';
         UPDATE message SET text = text || ' twice' WHERE text LIKE 'after%'; COMMIT;",
    )
    .expect("changed");
    let left: i64 = main.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).expect("counted");
    searching.say(1, 1, "said meanwhile, common");
    searching.wait();
    let named = |term: &str| -> i64 {
        let count = "SELECT count(*) FROM said WHERE said MATCH ?1";
        searching.index().query_row(count, [format!("\"{term}\"")], |row| row.get(0)).expect("counted")
    };
    assert_eq!(["common", "twice", "~ter", "~efo", "#0"].map(named), [left + 1, left, left, 0, left]);
    searching.index().execute("INSERT INTO said (said) VALUES ('integrity-check')", []).expect("sound");
    assert_eq!(searching.texts("common twice").len(), 100);
    assert_eq!(searching.texts("meanwhile").len(), 1);
}

#[test]
fn what_is_taken_back_is_found_nowhere_not_even_in_the_files() {
    let mut searching = Searching::start();
    for number in 0..50 {
        searching.say(0, 1, &format!("ordinary talk {number}"));
    }
    searching.say(0, 1, "the password is zanzibar7 forever");
    searching.say(1, 2, "secretplan alpha");
    searching.say(1, 2, "kumquat before");
    searching.say(2, 2, "ordinary zanzibar7");
    searching.wait();
    assert_eq!(searching.texts("zanzibar7").len(), 2);
    assert_eq!(searching.texts("secretplan"), ["secretplan alpha"]);
    let redacted = searching.said[50].clone();
    let (room, position, target) = (redacted.room, redacted.position, redacted.id);
    searching.writing.commit(vec![Change::Redacted { room, position, target }]);
    let main = searching.main();
    let changed = |sql: &str| main.execute(sql, []).expect("changed");
    assert_eq!(changed("DELETE FROM message WHERE text LIKE 'secretplan%'"), 1);
    assert_eq!(changed("UPDATE message SET text = 'passionfruit after' WHERE text LIKE 'kumquat%'"), 1);
    assert_eq!(changed("UPDATE message SET text = 'mango at last' WHERE text LIKE 'passionfruit%'"), 1);
    drop(main);
    // At once, even before the index has followed.
    assert_eq!(searching.texts("zanzibar7"), ["ordinary zanzibar7"]);
    searching.wait();
    assert_eq!(searching.texts("zanzibar7"), ["ordinary zanzibar7"]);
    assert_eq!(searching.texts("secretplan"), [""; 0]);
    assert_eq!(searching.texts("kumquat"), [""; 0]);
    assert_eq!(searching.texts("passionfruit"), [""; 0]);
    assert_eq!(searching.texts("mango"), ["mango at last"]);
    assert_eq!(searching.texts("talk").len(), 50);
    let in_index = |term: &str| {
        let count = "SELECT count(*) FROM said WHERE said MATCH ?1";
        searching.index().query_row(count, [format!("\"{term}\"")], |row| row.get::<_, i64>(0)).expect("counted")
    };
    assert_eq!(
        ["zanzibar7", "~anz", "secretplan", "kumquat", "passionfruit", "mango"].map(in_index),
        [1, 1, 0, 0, 0, 1]
    );
    searching.index().execute("INSERT INTO said (said) VALUES ('integrity-check')", []).expect("sound");

    let searching = searching.again();
    assert_eq!(searching.main().execute("DELETE FROM message WHERE text LIKE '%zanzibar7'", []).expect("deleted"), 1);
    searching.wait();
    let (folder, _) = searching.stop();
    for gone in ["zanzibar7", "secretplan", "kumquat", "passionfruit"] {
        assert_eq!(Searching::files_with(&folder, gone), [""; 0], "{gone}");
    }
    assert_eq!(Searching::files_with(&folder, "mango at last"), [DATABASE]);
}

#[test]
fn an_index_that_does_not_fit_is_made_anew() {
    let mut searching = Searching::start();
    for number in 0..20 {
        searching.say(0, 1, &format!("apple {number}"));
    }
    searching.wait();
    let (folder, said) = searching.stop();
    let index = folder.path().join(INDEX);
    let kept = std::fs::read(&index).expect("read");
    let change = |sql: &'static str| {
        move |index: &Path| Connection::open(index).expect("opened").execute_batch(sql).expect("changed")
    };
    type Damage = Box<dyn Fn(&Path)>;
    let damage: Vec<(&str, Damage)> = vec![
        ("missing", Box::new(|index| std::fs::remove_file(index).expect("removed"))),
        ("no database", Box::new(|index| std::fs::write(index, "something else").expect("written"))),
        ("empty", Box::new(|index| std::fs::write(index, "").expect("written"))),
        ("older or newer", Box::new(change("PRAGMA user_version = 77"))),
        ("without its tables", Box::new(change("DROP TABLE said"))),
        ("of a later state", Box::new(change("UPDATE progress SET indexed = 1000"))),
        ("of another database", Box::new(change("UPDATE progress SET id = zeroblob(16)"))),
        ("ahead in what it forgot", Box::new(change("UPDATE progress SET forgotten = 5"))),
        (
            "damaged inside",
            Box::new(|index| {
                let mut bytes = std::fs::read(index).expect("read");
                bytes[4_096..].fill(0xa5);
                std::fs::write(index, bytes).expect("written");
            }),
        ),
        ("damaged terms", Box::new(change("UPDATE said_data SET block = x'ff00ff' WHERE id > 10"))),
    ];
    let (mut folder, mut said) = (folder, said);
    for (what, damage) in damage {
        std::fs::write(&index, &kept).expect("written");
        damage(&index);
        let mut searching = Searching::start_in(folder, said);
        // Everything is found all the time.
        assert_eq!(searching.texts("apple").len(), 20, "{what}");
        searching.say(0, 1, "apple again");
        let all = searching.said.len();
        let begun = Instant::now();
        loop {
            searching.wait();
            assert_eq!(searching.texts("apple").len(), all, "{what}");
            let sound =
                searching.index().query_row("SELECT count(*) FROM said WHERE said MATCH 'apple'", [], |row| row.get(0));
            if sound == Ok(all as i64) {
                break;
            }
            assert!(begun.elapsed() < DEADLINE, "{what}: {sound:?}");
        }
        // Back to what the kept index is of.
        searching.said.pop();
        searching.main().execute("DELETE FROM message WHERE text = 'apple again'", []).expect("deleted");
        searching.wait();
        (folder, said) = searching.stop();
        let main = Connection::open(database(&folder)).expect("opened");
        main.execute("DELETE FROM sqlite_sequence", []).expect("deleted");
    }
}

#[test]
fn time_that_is_over_ends_a_search() {
    let mut searching = Searching::start();
    let chatter = (0..3_000).map(|number| searching.writing.say(0, &format!("tea {number}"))).collect();
    searching.writing.commit(chatter);
    // The index is asked for the one and not for the other.
    let [digit, letter] =
        ["1", "t"].map(|text| Search { parts: Part::phrase(text, true).into_iter().collect(), ..Search::default() });
    let grants = [grant(0, 1, None)];
    for _ in 0..2 {
        for (search, all) in [(&digit, 1_111), (&letter, 3_000)] {
            let found = searching.finder.search(&grants, search, 4_000, Duration::ZERO).expect("searched");
            assert!(!found.complete && found.messages.len() < 16);
            let found = searching.finder.search(&grants, search, 4_000, PATIENCE).expect("searched");
            assert!(found.complete && found.messages.len() == all);
        }
        searching.wait();
    }
}

#[test]
fn time_may_be_over_at_any_moment() {
    let mut searching = Searching::start();
    let chatter = (0..300).map(|number| searching.writing.say(0, &format!("tea {number}"))).collect();
    searching.writing.commit(chatter);
    searching.wait();
    let search = Search { parts: vec![Part::phrase("tea", false).expect("words")], ..Search::default() };
    // Since a place, so that the database is asked where that is.
    let grants = [Grant { since: Since { position: Position(2), ..grant(0, 1, None).since }, ..grant(0, 1, None) }];
    for microseconds in 0..400 {
        // On a new connection the first statements read the schema.
        let mut finder = searching.new_finder();
        let patience = Duration::from_micros(microseconds);
        finder.search(&grants, &search, 1_000, patience).expect("what there was time for");
        finder.search(&grants, &search, 1_000, patience).expect("what there was time for");
    }
}

/// The scheduling policy of each thread of this process that has this name, as in sched.h.
#[cfg(target_os = "linux")]
fn policies_of(name: &str) -> Vec<u32> {
    let threads = std::fs::read_dir("/proc/self/task").expect("threads");
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    let ours = stats.filter(|stat| stat.contains(&format!("({name})")));
    // The 41st field; the second, the name, may hold spaces (proc_pid_stat(5)).
    let policy = |stat: String| stat.rsplit_once(')')?.1.split_whitespace().nth(38)?.parse().ok();
    ours.filter_map(policy).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn the_follower_gets_what_processor_time_nobody_else_wants() {
    const SCHED_IDLE: u32 = 5;
    let searching = Searching::start();
    searching.wait();
    let policies = policies_of("search index");
    assert!(policies.contains(&SCHED_IDLE), "{policies:?}");
}
