//! What is over is deleted while people talk, and whenever the server is killed meanwhile nothing else is missing.

use crate::support::{Daemon, EXEMPT, Irc, TEST_CONFIG, tag};
use rusqlite::{Connection, OpenFlags};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const OLD: i64 = 6_000;
const CAPABILITIES: &str = "batch server-time message-tags echo-message draft/chathistory";
const PATIENCE: Duration = Duration::from_secs(60);

fn open(folder: &TempDir, flags: OpenFlags) -> Connection {
    Connection::open_with_flags(folder.path().join("data/parlor.db"), flags).expect("the database")
}

fn count(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).expect("counted")
}

/// A room with messages of two days ago, in runs of ten by a hundred people, as if they had been said then.
fn age(folder: &TempDir) {
    let connection = open(folder, OpenFlags::SQLITE_OPEN_READ_WRITE);
    connection
        .execute_batch(&format!(
            "UPDATE message SET number = number + {OLD}, position = position + {OLD};
             UPDATE run SET number = number + {OLD}, position = position + {OLD};
             UPDATE person_window SET first_message = first_message + {OLD}, first_person = first_person + 100
               WHERE first_message > 0;
             UPDATE message SET person = person + 100;
             UPDATE event SET number = number + {OLD}, position = position + {OLD}, person = person + 100;
             UPDATE person SET number = number + 100;
             UPDATE state SET position = position + {OLD};
             CREATE TEMP TABLE old AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {OLD})
               SELECT n FROM n;
             INSERT INTO person SELECT n, randomblob(16), 'old' || n, 'u', 'h', NULL, 'Old', 0 FROM old WHERE n <= 100;
             INSERT INTO message (number, room, position, id, time, person, kind, text)
               SELECT n, (SELECT number FROM room WHERE name = '#tea'), n, randomblob(16),
                 (SELECT min(time) FROM message) - 172800000 + n, n % 100 + 1, 0, 'old ' || n FROM old;
             INSERT INTO run SELECT (SELECT number FROM room WHERE name = '#tea'), n, n, 10 FROM old WHERE n % 10 = 1;"
        ))
        .expect("aged");
}

#[test]
fn the_old_goes_and_the_new_stays_through_kills() {
    let folder = TempDir::new().expect("a temporary folder");
    let configure = |folder: &TempDir, more: &str| {
        std::fs::write(folder.path().join("config.toml"), format!("{TEST_CONFIG}\n{EXEMPT}\n{more}")).expect("written");
    };
    configure(&folder, "");
    let daemon = Daemon::start_in(folder);
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    let mut said = Vec::new();
    let mut say = |alice: &mut Irc| {
        let text = format!("new {}", said.len());
        alice.send(&format!("PRIVMSG #tea :{text}"));
        let echo = alice.expect(&format!("PRIVMSG #tea :{text}"));
        said.push((tag(&echo, "msgid").expect("an id").to_owned(), text));
        said.len()
    };
    for _ in 0..20 {
        say(&mut alice);
    }
    drop(alice);
    let mut folder = daemon.kill();
    age(&folder);

    // Without a retention all of it is there, and the first page is old.
    let daemon = Daemon::start_in(folder);
    let mut bob = Irc::register_with(daemon.irc(), "bob", CAPABILITIES);
    bob.join("#tea");
    assert_eq!(page(&mut bob, "AFTER #tea timestamp=2000-01-01T00:00:00.000Z 3"), ["old 1", "old 2", "old 3"]);
    folder = daemon.kill();

    configure(&folder, "[history]\nretention = \"1d\"");
    let begun = Instant::now();
    let mut kills = 0;
    let mut left = OLD;
    loop {
        let daemon = Daemon::start_in(folder);
        let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
        alice.join("#tea");
        // From the first moment on nothing old is shown, whether it is deleted yet or not.
        assert_eq!(page(&mut alice, "AFTER #tea timestamp=2000-01-01T00:00:00.000Z 3"), ["new 0", "new 1", "new 2"]);
        let database = open(&daemon.folder, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let before = left;
        while left == before || (kills > 2 && left > 0) {
            let new = say(&mut alice);
            assert_eq!(page(&mut alice, "LATEST #tea * 1"), [format!("new {}", new - 1)]);
            left = count(&database, "SELECT count(*) FROM message WHERE text LIKE 'old%'");
            assert!(begun.elapsed() < PATIENCE, "{left} are left");
        }
        drop((alice, database));
        folder = daemon.kill();
        let database = open(&folder, OpenFlags::SQLITE_OPEN_READ_WRITE);
        let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
        assert_eq!(sound, "ok");
        assert_eq!(count(&database, "SELECT sum(messages) FROM run"), count(&database, "SELECT count(*) FROM message"));
        if left == 0 {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 2, "it was all gone before anything could be killed");

    // The people who are referred to no more go too, and the pages are there to be used again.
    let daemon = Daemon::start_in(folder);
    let database = open(&daemon.folder, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let mut carol = Irc::register_with(daemon.irc(), "carol", CAPABILITIES);
    carol.join("#tea");
    let first = page(&mut carol, "AFTER #tea timestamp=2000-01-01T00:00:00.000Z 100");
    let expected: Vec<&str> = said.iter().map(|(_, text)| text.as_str()).take(100).collect();
    assert_eq!(first, expected);
    let begun = Instant::now();
    while count(&database, "SELECT count(*) FROM person WHERE name LIKE 'old%'") > 0 {
        assert!(begun.elapsed() < PATIENCE, "old people are left");
        carol.send("PRIVMSG #tea :still here");
        carol.expect("still here");
    }
    assert!(count(&database, "PRAGMA freelist_count") > 50);
}

/// The texts of the batch that answers this question.
fn page(irc: &mut Irc, question: &str) -> Vec<String> {
    irc.send(&format!("CHATHISTORY {question}"));
    irc.expect(" BATCH +");
    let mut texts = Vec::new();
    loop {
        let line = irc.line().expect("an open connection");
        if line.contains(" BATCH -") {
            return texts;
        }
        if line.contains("batch=") {
            texts.push(line.rsplit_once(" :").expect("a text").1.to_owned());
        }
    }
}
