//! What can be found in the place of the database, and what is said of it.

use super::*;
use crate::store::{Edge, Problem, StoreError, backup};
use chat::membership::{Membership, Roles};
use chat::snapshot::MembershipRecord;
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

/// A database as each earlier version left it, with messages, is brought up to date and goes on.
#[test]
fn a_database_of_an_earlier_version_is_brought_up_to_date() {
    const BACK_TO_2: &str = "DROP TABLE event; ALTER TABLE message DROP COLUMN state; \
        ALTER TABLE membership DROP COLUMN position; PRAGMA user_version = 2;";
    const BACK_TO_1: &str = "DROP TABLE posted_once; PRAGMA user_version = 1;";
    check_upgrade(BACK_TO_2);
    check_upgrade(&format!("{BACK_TO_2}{BACK_TO_1}"));
}

/// `as_it_was`: makes a database of this version an older one.
#[track_caller]
fn check_upgrade(as_it_was: &str) {
    let folder = folder();
    let path = database(&folder);
    let mut writing = Writing::start(&path);
    let membership = Membership { roles: Roles::NONE, since: START, position: Position(7) };
    let member = MembershipRecord { room: RoomNumber(1), account: client(1), membership };
    writing.commit(vec![
        Change::Room(Box::new(room(1))),
        Change::Account(Box::new(account(1))),
        Change::Member(member.clone()),
    ]);
    let said = writing.say(1, "from before");
    writing.commit(vec![said]);
    drop(writing);
    let connection = Connection::open(&path).expect("opened");
    connection.execute_batch(as_it_was).expect("as it was");
    drop(connection);
    let store = Store::open(&path, Durability::Full).expect("brought up to date");
    let snapshot = store.snapshot().expect("read");
    assert_eq!(snapshot.accounts.len(), 1);
    let unknown = Membership { position: Position(0), ..membership };
    assert_eq!(snapshot.memberships, [MembershipRecord { membership: unknown, ..member }]);
    let mut writing = Writing::on(&store);
    let said = writing.say(1, "from now");
    writing.commit(vec![said]);
    let page = store.history().and_then(|history| history.page(RoomNumber(1), Edge::Oldest, 10)).expect("read");
    let texts: Vec<&str> = page.iter().map(|message| &*message.payload).collect();
    assert_eq!(texts, ["from before", "from now"]);
}
