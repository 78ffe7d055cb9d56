//! What can be found in the place of the database, and what is said of it.

use super::*;
use crate::store::{Edge, Problem, StoreError, backup, schema};
use rusqlite::Connection;
use std::fs;

fn made() -> TempDir {
    let folder = folder();
    let mut writing = Writing::start(&database(&folder));
    writing.commit(vec![Change::Room(Box::new(room(1))), Change::Account(Box::new(account(1)))]);
    folder
}

fn tampered(sql: &str) -> TempDir {
    let folder = made();
    Connection::open(database(&folder)).and_then(|connection| connection.execute_batch(sql)).expect("tampered");
    folder
}

fn check(folder: &TempDir, expected: impl Fn(&Problem) -> bool) {
    let path = database(folder);
    let before = fs::read(&path).ok();
    let refused = Store::open(&path, Durability::Full).and_then(|store| store.snapshot().map(drop));
    match refused {
        Err(StoreError { problem, path: named }) if expected(&problem) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&path).ok(), before, "the file was changed");
}

#[test]
fn a_newer_database_is_refused() {
    let folder = tampered("PRAGMA user_version = 99");
    check(&folder, |problem| *problem == Problem::Newer { found: 99, known: crate::store::schema::VERSION });
    let sentence = Store::open(&database(&folder), Durability::Full).expect_err("refused").to_string();
    assert!(sentence.contains("newer server") && sentence.contains("99"), "{sentence}");
}

#[test]
fn what_is_not_our_database_is_refused_and_left_alone() {
    let folder = folder();
    fs::write(database(&folder), "Dear diary, this is long enough to be one of a database.").expect("written");
    check(&folder, |problem| *problem == Problem::NotADatabase);
    fs::write(database(&folder), "short").expect("written");
    check(&folder, |problem| *problem == Problem::NotADatabase);
    check(&tampered("PRAGMA application_id = 7"), |problem| *problem == Problem::NotOurs);
    let other = super::folder();
    Connection::open(database(&other)).and_then(|other| other.execute_batch("CREATE TABLE t (x)")).expect("made");
    check(&other, |problem| *problem == Problem::NotOurs);
}

#[test]
fn a_damaged_database_is_refused() {
    let damaged = |problem: &Problem| matches!(problem, Problem::Damaged { .. });
    check(&tampered("DROP TABLE run"), damaged);
    check(&tampered("DROP TABLE membership"), damaged);
    check(&tampered("ALTER TABLE room RENAME COLUMN topic TO subject"), damaged);
    check(&tampered("DELETE FROM state"), damaged);
    check(&tampered("UPDATE room SET flags = 'unheard-of'"), damaged);
    check(&tampered("UPDATE account SET id = x'0102'"), damaged);
    let folder = made();
    let mut bytes = fs::read(database(&folder)).expect("read");
    bytes[100..4096].fill(0xff);
    fs::write(database(&folder), bytes).expect("written");
    check(&folder, damaged);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = folder();
    let refused = Store::open(&folder.path().join("no").join(DATABASE), Durability::Full).expect_err("refused");
    assert_eq!(refused.problem, Problem::Missing);
    fs::create_dir(database(&folder)).expect("a folder in the database's place");
    assert!(matches!(Store::open(&database(&folder), Durability::Full), Err(StoreError { .. })));
}

#[test]
fn additions_of_the_owner_do_no_harm() {
    let folder = tampered("CREATE INDEX mine ON message (time); CREATE VIEW said AS SELECT text FROM message;");
    Store::open(&database(&folder), Durability::Full).expect("opened");
}

/// Of files and folders that their owner may not use; says nothing to root, who may use everything.
#[cfg(unix)]
#[test]
fn missing_permissions_are_named() {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        return;
    }
    let folder = made();
    fs::set_permissions(database(&folder), fs::Permissions::from_mode(0o400)).expect("set");
    check(&folder, |problem| matches!(problem, Problem::Forbidden | Problem::ReadOnly));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let writing = Writing::start(&database(&folder));
    backup::back_up(&database(&folder), &folder.path().join("copy.db")).expect("backed up");
    let mut seen = 0;
    for entry in fs::read_dir(folder.path()).expect("the folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("its mode").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        seen += 1;
    }
    assert!(seen >= 4, "database, WAL, shared memory, copy");
    drop(writing);
}

#[test]
fn the_secret_is_drawn_once() {
    let (one, other) = (folder(), folder());
    let secret = |folder: &TempDir| {
        *Store::open(&database(folder), Durability::Full).and_then(|store| store.secret()).expect("a secret")
    };
    let first = secret(&one);
    assert_eq!(first, secret(&one));
    assert_ne!(first, secret(&other));
    assert_ne!(first, [0; 32]);
}

#[test]
fn a_backup_overwrites_nothing_and_copies_nothing_foreign() {
    let folder = made();
    let target = folder.path().join("copy.db");
    fs::write(&target, "precious").expect("written");
    let refused = backup::back_up(&database(&folder), &target).expect_err("refused");
    assert_eq!((refused.problem, refused.path), (Problem::Exists, target.clone()));
    assert_eq!(fs::read(&target).expect("read"), b"precious");

    let target = folder.path().join("other.db");
    let check = |source: &Path, problem: Problem| {
        let refused = backup::back_up(source, &target).expect_err("refused");
        assert_eq!((refused.problem, refused.path.as_path()), (problem, source));
        assert!(!target.exists());
    };
    check(&folder.path().join("none.db"), Problem::Missing);
    check(&folder.path().join("copy.db"), Problem::NotADatabase);
    let foreign = tampered("PRAGMA application_id = 7");
    check(&database(&foreign), Problem::NotOurs);
}

/// A database as each earlier version left it, with what it knew of a room, an account and a message, is brought up to
/// date and goes on.
#[test]
fn a_database_of_an_earlier_version_is_brought_up_to_date() {
    for version in 1..schema::VERSION {
        let folder = folder();
        let path = database(&folder);
        let old = Connection::open(&path).expect("made");
        schema::STEPS[..version as usize].iter().for_each(|step| old.execute_batch(step).expect("a step"));
        old.execute_batch(&format!(
            "INSERT INTO secret VALUES ('server', zeroblob(32));
             INSERT INTO account (id, username, created, last_seen, rights, owner, disabled) VALUES (zeroblob(16), 'zoe', 1, 2, '', 1, 0);
             INSERT INTO room (number, id, name, created, topic, topic_by, topic_at, flags, key, member_limit)
              VALUES (1, zeroblob(16), '#tea', 1, 'leaves', 'a!b@c', 2, 'secret', 'k', 7);
             INSERT INTO room_list (room, place, kind, mask, set_by, set_at) VALUES (1, 0, 'ban', '*!*@bad', 'a!b@c', 3);
             INSERT INTO membership (room, account, roles, since) VALUES (1, zeroblob(16), 16, 1);
             INSERT INTO person VALUES (1, zeroblob(16), 'zoe', 'z', 'host', 'zoe', 'Zoe', 0);
             INSERT INTO message (number, room, position, id, time, person, kind, text)
              VALUES (1, 1, 1, zeroblob(16), 5, 1, 0, 'from before');
             INSERT INTO run VALUES (1, 1, 1, 1);
             UPDATE state SET position = 1, timestamp = 5, next_room = 2;
             PRAGMA application_id = {}; PRAGMA user_version = {version};",
            schema::APPLICATION
        ))
        .expect("as it was");
        if version >= 3 {
            old.execute_batch("UPDATE state SET next_message = 2, next_person = 2").expect("as it was");
        }
        drop(old);
        let store = Store::open(&path, Durability::Full).expect("brought up to date");
        let kept = store.snapshot().expect("read");
        assert_eq!((kept.accounts.len(), kept.memberships.len()), (1, 1), "of version {version}");
        assert_eq!(kept.memberships[0].membership.position, Position(0), "unknown");
        assert_eq!((kept.accounts[0].proofs_since, kept.accounts[0].always_on), (Timestamp(0), None));
        assert_eq!((kept.rooms[0].lists.len(), kept.rooms[0].member_limit), (1, Some(7)));
        assert_eq!(kept.rooms[0].kind, RoomKind::Named { name: "#tea".into() });
        assert_eq!(kept.last_said, [(RoomNumber(1), Timestamp(5))]);
        let mut writing = Writing::on(&store);
        writing.position = kept.position;
        let now = Message { seams: Some([4].into()), ..message(1, writing.next_position(), &person(1), "from\nnow") };
        writing.commit(vec![Change::Posted(Arc::new(now))]);
        let page = store.history().and_then(|history| history.page(RoomNumber(1), Edge::Oldest, 10)).expect("read");
        let texts: Vec<_> = page.iter().map(|message| (&*message.payload, message.seams.as_deref())).collect();
        assert_eq!(texts, [("from before", None), ("from\nnow", Some(&[4][..]))]);
    }
}
