//! A disk that takes nothing more, for real: the data folder is a small file system of its own.

use crate::support::{self, Daemon, EXEMPT, Irc, TEST_CONFIG, dial};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A mounted tmpfs, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`: this user may not mount, and says so.
    fn mount(at: &Path) -> Option<SmallDisk> {
        std::fs::create_dir(at).expect("a folder");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs"]).arg(at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(SmallDisk(at.to_owned())),
            refused => {
                println!("SKIPPED: a disk that fills up can only be mounted by root ({refused:?})");
                None
            }
        }
    }

    /// Takes what is left, to the last byte.
    fn fill(&self) -> Filling {
        let path = self.0.join("filling");
        let mut file = File::create(&path).expect("a file");
        for size in [1 << 16, 1 << 12, 1] {
            let bytes = vec![b'x'; size];
            while file.write_all(&bytes).is_ok() {}
        }
        Filling(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is being ended may still have a file open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

struct Filling(PathBuf);

impl Filling {
    fn free(self) {
        std::fs::remove_file(self.0).expect("space again");
    }
}

fn health(daemon: &Daemon) -> String {
    let mut stream = dial(daemon.address("http"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

/// Says something; whether it was taken, and how long the answer took.
fn say(sender: &mut Irc, text: &str) -> (bool, Duration) {
    let begun = Instant::now();
    sender.send(&format!("@label={} PRIVMSG #tea :{text}", text.replace(' ', "-")));
    let answer = sender.expect(&format!("label={}", text.replace(' ', "-")));
    let taken = answer.contains(&format!("PRIVMSG #tea :{text}"));
    assert!(taken || answer.contains("FAIL PRIVMSG STORAGE_FULL"), "{answer}");
    (taken, begun.elapsed())
}

/// How long the disk stays full, for every submission. PARLOR_DROUGHT_SECONDS=60 is the plan's.
const DROUGHT_SECONDS: u64 = 10;

fn drought() -> Duration {
    let seconds = std::env::var("PARLOR_DROUGHT_SECONDS").ok();
    Duration::from_secs(seconds.map_or(DROUGHT_SECONDS, |seconds| seconds.parse().expect("a number")))
}

/// D3 of the reliability plan.
#[test]
fn a_full_disk_refuses_messages_and_nothing_else_and_recovers_by_itself() {
    let folder = TempDir::new().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(&folder.path().join("data")) else { return };
    let _alone = support::alone();
    std::fs::write(folder.path().join("config.toml"), format!("{TEST_CONFIG}\n{EXEMPT}")).expect("the configuration");
    let daemon = Daemon::start_in(folder);
    let capabilities = "message-tags echo-message batch labeled-response standard-replies";
    let mut sender = Irc::register_with(daemon.irc(), "sender", capabilities);
    let mut watcher = Irc::register(daemon.irc(), "watcher");
    let mut member = Irc::connect(daemon.irc());
    member.send("NICK member\r\nREGISTER * * :correct horse battery\r\nUSER member 0 * :member");
    member.expect("REGISTER SUCCESS");
    member.greeted("member");
    for person in [&mut sender, &mut watcher] {
        person.join("#tea");
    }
    let mut taken = Vec::new();
    for n in 0..10 {
        let text = format!("before {n}");
        assert!(say(&mut sender, &text).0);
        taken.push(text);
    }

    let filling = disk.fill();
    let begun = Instant::now();
    let mut refused = 0;
    let mut slowest = Duration::ZERO;
    // What little the last blocks still take may be taken.
    for n in 0.. {
        let text = format!("during {n}");
        let (was_taken, took) = say(&mut sender, &text);
        slowest = slowest.max(took);
        if was_taken {
            assert_eq!(refused, 0, "{text} was taken by a full disk");
            taken.push(text);
        } else {
            refused += 1;
        }
        assert!(refused > 0 || begun.elapsed() < Duration::from_secs(20), "the disk does not get full");
        // Everything that needs no disk goes on all the time.
        let asked = Instant::now();
        sender.send("PING :alive");
        sender.expect("PONG parlor.test :alive");
        watcher.send("NAMES #tea");
        watcher.expect(" 366 ");
        watcher.send("WHO #tea");
        watcher.expect(" 315 ");
        slowest = slowest.max(asked.elapsed());
        if refused >= 100 && begun.elapsed() > drought() {
            break;
        }
    }
    assert!(slowest <= Duration::from_secs(1), "an answer took {slowest:?}");
    watcher.send("NICK spectator");
    sender.expect("NICK spectator");
    let mut newcomer = Irc::register(daemon.irc(), "newcomer");
    newcomer.join("#tea");
    watcher.expect(":newcomer!");
    newcomer.send("AUTHENTICATE PLAIN");
    newcomer.expect("AUTHENTICATE +");
    newcomer.send("AUTHENTICATE AG1lbWJlcgBjb3JyZWN0IGhvcnNlIGJhdHRlcnk=");
    newcomer.expect(" 903 ");
    newcomer.send("QUIT :enough");
    watcher.expect(":newcomer!");
    // Nobody saw what was refused.
    let seen = watcher.drain();
    assert!(!seen.iter().any(|line| line.contains("during")), "{seen:#?}");
    let sick = health(&daemon);
    assert!(sick.starts_with("HTTP/1.1 503 "), "{sick}");
    daemon.logs("takes nothing");

    filling.free();
    let freed = Instant::now();
    for n in 0.. {
        let text = format!("after {n}");
        if say(&mut sender, &text).0 {
            taken.push(text);
            break;
        }
        assert!(freed.elapsed() < Duration::from_secs(5), "no message is taken 5 s after there is space");
    }
    println!("refused {refused}, slowest answer {slowest:?}, taken again after {:?}", freed.elapsed());
    watcher.expect("#tea :after ");
    let well = health(&daemon);
    assert!(well.starts_with("HTTP/1.1 200 "), "{well}");
    for n in 0..10 {
        let text = format!("long after {n}");
        assert!(say(&mut sender, &text).0);
        taken.push(text);
    }

    // As it is on disk after a kill.
    let folder = daemon.kill();
    let daemon = Daemon::start_in(folder);
    let (status, folder) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    let database = folder.path().join("data").join("parlor.db");
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database");
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(verdict, "ok");
    let mut statement = database.prepare("SELECT text FROM message ORDER BY position").expect("the table");
    let kept: Vec<String> =
        statement.query_map([], |row| row.get(0)).expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(kept, taken);
    drop(statement);
    drop(database);
    drop(disk);
}

/// Goodbye needs no disk, and a start says what it needs.
#[test]
fn a_full_disk_keeps_nobody_from_stopping_and_is_named_at_the_start() {
    let folder = TempDir::new().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(&folder.path().join("data")) else { return };
    let _alone = support::alone();
    std::fs::write(folder.path().join("config.toml"), format!("{TEST_CONFIG}\n{EXEMPT}")).expect("the configuration");
    let daemon = Daemon::start_in(folder);
    let capabilities = "message-tags echo-message batch labeled-response standard-replies";
    let mut sender = Irc::register_with(daemon.irc(), "sender", capabilities);
    sender.join("#tea");
    assert!(say(&mut sender, "before").0);
    let filling = disk.fill();
    let begun = Instant::now();
    for n in 0.. {
        if !say(&mut sender, &format!("during {n}")).0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "the disk does not get full");
    }
    for n in 0..50 {
        sender.send(&format!("PRIVMSG #tea :on its way {n}"));
    }
    let begun = Instant::now();
    let (status, folder) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    assert!(begun.elapsed() <= Duration::from_secs(5), "the end took {:?}", begun.elapsed());
    assert!(sender.until_closed().is_some_and(|last| last.contains("ERROR :")));
    filling.free();

    // What is not there yet can't be made when there is no space for it.
    for entry in std::fs::read_dir(folder.path().join("data")).expect("the folder") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    let filling = disk.fill();
    let (mut child, output) = support::spawn(folder.path());
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(1));
    let said: Vec<String> = output.iter().collect();
    let complaint = said.last().expect("a sentence");
    assert!(complaint.to_lowercase().contains("space"), "{said:#?}");
    filling.free();
    drop(disk);
}

/// The system's own bound on a file's size (`ulimit -f`) is a disk that takes no more, and does not end the server.
#[test]
fn a_file_that_may_not_grow_refuses_messages_and_nothing_else() {
    // In blocks of 512 bytes: enough for a new database and some messages.
    let daemon = Daemon::start_under(&format!("{TEST_CONFIG}\n{EXEMPT}"), "-f 2000");
    let capabilities = "message-tags echo-message batch labeled-response standard-replies";
    let mut alice = Irc::register_with(daemon.irc(), "alice", capabilities);
    alice.join("#tea");
    let text = "t".repeat(400);
    let mut taken = 0;
    let refused = loop {
        alice.send(&format!("@label={taken} PRIVMSG #tea :{text}"));
        let answer = alice.expect(&format!("label={taken}"));
        if answer.contains("FAIL") {
            break answer;
        }
        taken += 1;
        assert!(taken < 10_000, "nothing was ever refused");
    };
    assert!(taken > 10, "{taken} messages, then {refused}");
    assert!(refused.contains("FAIL PRIVMSG STORAGE_"), "{refused}");
    alice.send("NAMES #tea");
    alice.expect(" 366 ");
    assert!(health(&daemon).starts_with("HTTP/1.1 503"));
    assert!(daemon.metric("parlor_commit_failures_total") >= 1.0);
    let mut bob = Irc::register_with(daemon.irc(), "bob", "batch draft/chathistory message-tags");
    bob.join("#tea");
    bob.send("CHATHISTORY LATEST #tea * 5");
    bob.expect(&text);
}
