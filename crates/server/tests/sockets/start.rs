//! How soon a server with a long history is there again.

use crate::support::{self, Daemon, EXEMPT, Irc, TEST_CONFIG, try_dial};
use rusqlite::{Connection, params};
use server::store::{DATABASE, Durability, Store};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ROOMS: u32 = 1_000;
/// Messages in one run, as a commit of a busy server writes them.
const RUN: u32 = 20;

/// A data folder as years of talk leave it: rooms, accounts that are members of two of them, messages.
fn used_folder(messages: u32, accounts: u32) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    std::fs::write(folder.path().join("config.toml"), format!("{TEST_CONFIG}\n{EXEMPT}")).expect("the configuration");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("the data folder");
    let path = data.join(DATABASE);
    drop(Store::open(&path, Durability::Full).expect("a new database"));
    let database = Connection::open(&path).expect("the database");
    database.execute_batch("PRAGMA synchronous = OFF; BEGIN").expect("begun");
    // Identifiers of version 7, each kind with a beginning of its own.
    let numbers = "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < ?1)";
    let id = |kind: u8, n: &str| format!("unhex(printf('018f{kind:02x}%06x70008000%012x', {n} / 1000, {n}))");
    let insert = |into: &str, select: String, count: u32| {
        let statement = format!("INSERT INTO {into} {numbers} SELECT {select} FROM n");
        database.execute(&statement, params![count]).unwrap_or_else(|error| panic!("{statement}: {error}"));
    };
    insert(
        "account (id, username, password_hash, scram_iterations, scram_salt, scram_stored_key, scram_server_key,
         created, last_seen, last_address, rights, owner, disabled)",
        format!(
            "{}, 'person' || n, '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$' || hex(zeroblob(16)), 4096,
             randomblob(16), randomblob(32), randomblob(32), 1700000000000 + n, 1760000000000 + n,
             '198.51.' || (n / 250 % 250) || '.' || (n % 250), '', n = 0, 0",
            id(1, "n")
        ),
        accounts,
    );
    insert(
        "room (number, id, name, created, topic, topic_by, topic_at, flags)",
        format!("n, {}, '#room' || n, 1700000000000 + n, 'About ' || n, 'person1', 1700000000000, ''", id(2, "n")),
        ROOMS,
    );
    for shift in [0, 500] {
        insert(
            "membership (room, account, roles, since)",
            format!("(n + {shift}) % {ROOMS}, {}, 0, 1700000000000 + n", id(1, "n")),
            accounts,
        );
    }
    insert(
        "person (number, client, name, ident, host, account, realname, bot)",
        format!("n, {}, 'person' || n, '~u', 'a.b.c.ip', 'person' || n, 'Person', 0", id(1, "n")),
        accounts,
    );
    insert(
        "message (number, room, position, id, time, person, kind, text)",
        format!(
            "n + 1, n / {RUN} % {ROOMS}, n + 1, {}, 1700000000000 + n, n % {accounts}, 0,
             'message ' || n || ' of someone who has something to say to the others in this room, and says it'",
            id(3, "n")
        ),
        messages,
    );
    insert(
        "run (room, position, number, messages)",
        format!("n % {ROOMS}, n * {RUN} + 1, n * {RUN} + 1, {RUN}"),
        messages / RUN,
    );
    database
        .execute(
            "UPDATE state SET position = ?1, timestamp = 1760000000000, next_room = ?2",
            params![messages + 1, ROOMS],
        )
        .expect("the state");
    database.execute_batch("COMMIT").expect("written");
    folder
}

/// Says how long the first accept took, and that the server is really there with all that it knew.
fn start(folder: TempDir) -> (Duration, TempDir) {
    let begun = Instant::now();
    let daemon = Daemon::start_in(folder);
    let stream = try_dial(daemon.irc()).expect("accepts");
    let took = begun.elapsed();
    drop(stream);
    println!("first accept after {took:?}");
    let mut guest = Irc::register(daemon.irc(), "guest");
    guest.send("NICK person7");
    guest.expect(" 433 ");
    guest.send("JOIN #room5");
    assert!(guest.expect(" 332 ").ends_with(":About 5"));
    guest.expect(" 366 ");
    guest.send("PRIVMSG #room5 :after all");
    guest.drain();
    let (status, folder) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    (took, folder)
}

/// A million messages and a hundred thousand accounts for the program as people run it (`cargo test --release`), where half
/// a second was measured on two busy cores; a tenth of each for the unoptimised one. The best of three starts: a machine
/// that is busy with something else now and then is not what this is about.
#[test]
fn a_long_history_is_there_within_a_second() {
    let _alone = support::alone();
    let (size, limit) = if cfg!(debug_assertions) { (1, 5) } else { (10, 1) };
    let mut folder = used_folder(size * 100_000, size * 10_000);
    let mut tries = Vec::new();
    while tries.len() < 3 {
        let (took, used) = start(folder);
        folder = used;
        tries.push(took);
        if took <= Duration::from_secs(limit) {
            return;
        }
    }
    panic!("the first accepts came after {tries:?}");
}
