//! Disks that are full, and processes that are killed.

use super::*;
use crate::store::writer::Writer;
use crate::store::{Edge, History};
use chat::log::StorageFailure;
use rusqlite::Connection;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn said(history: &History, room: u32) -> Vec<String> {
    let page = history.page(RoomNumber(room), Edge::Oldest, 10_000_000).expect("a page");
    assert!(page.windows(2).all(|pair| pair[0].position < pair[1].position), "out of order");
    page.into_iter().map(|message| message.payload.into()).collect()
}

#[test]
fn a_batch_that_breaks_a_rule_of_the_schema_is_taken_back_whole() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    writing.commit(vec![Change::Room(Box::new(room(1)))]);
    let twin = RoomRecord { id: room_id(1), ..room(3) };
    let lost = writing.say(1, "lost");
    let batch = writing.append(vec![Change::Room(Box::new(room(2))), lost, Change::Room(Box::new(twin))]);
    assert_eq!(writing.outcome(), Outcome::Failed { batch, failure: StorageFailure::Error });
    assert_eq!(writing.outcome(), Outcome::Recovered);
    let kept = writing.say(1, "kept");
    writing.commit(vec![kept]);
    assert_eq!(said(&store.history().expect("a reader"), 1), ["kept"]);
    let snapshot = store.snapshot().expect("a snapshot");
    assert_eq!((snapshot.rooms.len(), snapshot.next_room), (1, 2));
}

#[test]
fn a_writer_without_space_keeps_nothing_of_a_batch_and_goes_on_with_space() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writer = Writer::open(store.path(), Durability::Full).expect("a writer");
    let batch = |number: u64, text: &str| Batch {
        number,
        position: Position(number * 10),
        timestamp: START,
        changes: vec![
            Change::Room(Box::new(room(1))),
            Change::Posted(Arc::new(message(1, Position(number * 10), &person(number), text))),
        ],
    };
    writer.commit(&batch(1, "one")).expect("committed");
    let pages: i64 = writer.connection().query_row("PRAGMA page_count", [], |row| row.get(0)).expect("pages");
    let limit = |pages: i64| format!("PRAGMA max_page_count = {pages}");
    let long = "x".repeat(100_000);
    writer.connection().query_row(&limit(pages), [], |_| Ok(())).expect("limited");
    let error = writer.commit(&batch(2, &long)).expect_err("full");
    assert_eq!(crate::store::problem::failure_of(&error, store.path()), StorageFailure::Full);
    assert!(writer.is_usable() && !writer.has_kept(&batch(2, &long)).expect("asked"));
    writer.probe().expect_err("still full");
    assert!(writer.is_usable());
    writer.connection().query_row(&limit(1_000_000), [], |_| Ok(())).expect("no longer limited");
    writer.probe().expect("space");
    writer.commit(&batch(3, "three")).expect("committed");
    assert!(writer.has_kept(&batch(3, "three")).expect("asked"));
    assert_eq!(said(&store.history().expect("a reader"), 1), ["one", "three"]);
    let filling: i64 = store.history().expect("a reader").count("probe");
    assert_eq!(filling, 0);
}

/// A small file system of its own. Only root can make one; others are content with the test above.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(mebibytes: u32) -> Option<SmallDisk> {
        let folder = folder();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=700"), "parlor-test"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(SmallDisk(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_fails_at_once_and_recovers_by_itself() {
    let Some(disk) = SmallDisk::mount(16) else {
        eprintln!("no small file system can be mounted here: nothing tested");
        return;
    };
    let store = Store::open(&database(&disk.0), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    let history = store.history().expect("a reader");
    writing.commit(vec![Change::Room(Box::new(room(1)))]);
    let mut expected = Vec::new();
    for round in 0..3 {
        let filler = disk.0.path().join("filler");
        fill(&filler);
        // The WAL may have room for some more.
        let failed = loop {
            let text = format!("{round} {} {}", expected.len(), "x".repeat(20_000));
            let message = writing.say(1, &text);
            let begun = Instant::now();
            let batch = writing.append(vec![message]);
            match writing.outcome() {
                Outcome::Committed { .. } => expected.push(text),
                Outcome::Failed { failure, batch: failed } => {
                    assert_eq!((failure, failed), (StorageFailure::Full, batch));
                    break begun.elapsed();
                }
                Outcome::Recovered => panic!("recovered before it failed"),
            }
        };
        assert!(failed < Duration::from_secs(1), "said after {failed:?}");
        // Later ones fail without being tried, and reading goes on.
        let message = writing.say(1, "never");
        let batch = writing.append(vec![message]);
        assert_eq!(writing.outcome(), Outcome::Failed { batch, failure: StorageFailure::Full });
        assert_eq!(said(&history, 1), expected);

        fs::remove_file(&filler).expect("removed");
        let begun = Instant::now();
        assert_eq!(writing.outcome(), Outcome::Recovered);
        assert!(begun.elapsed() < Duration::from_secs(2), "recovered after {:?}", begun.elapsed());
        let text = format!("{round} after");
        let message = writing.say(1, &text);
        writing.commit(vec![message]);
        expected.push(text);
    }
    drop((writing, history, store));
    let store = Store::open(&database(&disk.0), Durability::Full).expect("opened again");
    assert_eq!(said(&store.history().expect("a reader"), 1), expected);
}

fn fill(path: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(path).expect("a file");
    while file.write_all(&[0; 4_096]).is_ok() {}
}

const CHILD: &str = "PARLOR_STORE_TEST_CHILD";

/// Not a test of its own: what the next one starts and kills. Says how many batches it has seen committed.
#[test]
fn a_process_that_commits_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let mut writing = Writing::start(Path::new(&path));
    let mut count = 0;
    loop {
        let batch = (0..count % 40 + 1).map(|place| writing.say(1 + place % 3, &format!("{count}"))).collect();
        writing.commit(batch);
        println!("committed {count}");
        count += 1;
    }
}

#[test]
fn kill_9_loses_nothing_that_was_reported() {
    let folder = folder();
    let path = database(&folder);
    let mut writing = Writing::start(&path);
    writing.commit((1..4).map(|number| Change::Room(Box::new(room(number)))).collect());
    drop(writing);
    let (_, module) = module_path!().split_once("::").expect("a module of the crate");
    for cycle in 0..20u32 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "--nocapture", &format!("{module}::a_process_that_commits_until_it_is_killed")])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let before = counts(&path, cycle);
        // Killed after a different number of commits each time, at whatever it does just then.
        let reported =
            |line: std::io::Result<String>| line.ok()?.split("committed ").nth(1)?.trim().parse::<u32>().ok();
        let mut last = 0;
        let enough = cycle * 7 % 50;
        for count in lines.by_ref().filter_map(reported) {
            last = count;
            if count >= enough {
                break;
            }
        }
        child.kill().expect("killed");
        // What it said before it died counts too.
        last = lines.filter_map(reported).last().unwrap_or(last);
        child.wait().expect("gone");
        verify(&path, &before, last);
    }
}

/// Messages of each room, before this cycle's child has written anything.
fn counts(path: &Path, cycle: u32) -> Vec<usize> {
    match cycle {
        // The child may be writing by now, so only what was known before is looked at.
        0 => vec![0; 3],
        _ => {
            let text = fs::read_to_string(path.with_extension("counts")).expect("the last count");
            text.split_whitespace().map(|count| count.parse().expect("a number")).collect()
        }
    }
}

fn verify(path: &Path, before: &[usize], last: u32) {
    let store = Store::open(path, Durability::Full).expect("opened after the kill");
    let history = store.history().expect("a reader");
    let rooms: Vec<Vec<String>> = (1..4).map(|room| said(&history, room)).collect();
    drop((history, store));
    let sound: String = Connection::open(path)
        .and_then(|connection| connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .expect("checked");
    assert_eq!(sound, "ok");
    // The child's batches one after the other, each whole; one more than reported may be there, since the kill can come
    // between commit and report.
    let found = rooms.iter().zip(before).flat_map(|(room, before)| &room[*before..]);
    let newest = found.map(|text| text.parse::<u32>().expect("a number")).max();
    assert!(newest == Some(last) || newest == Some(last + 1), "reported {last}, found {newest:?}");
    for (place, (room, before)) in rooms.iter().zip(before).enumerate() {
        let expected = (0..=newest.unwrap_or(0)).flat_map(|count| {
            std::iter::repeat_n(count, (0..count % 40 + 1).filter(|said| said % 3 == place as u32).count())
        });
        let found: Vec<u32> = room[*before..].iter().map(|text| text.parse().expect("a number")).collect();
        assert_eq!(found, expected.collect::<Vec<_>>());
    }
    let counts: Vec<String> = rooms.iter().map(|room| room.len().to_string()).collect();
    fs::write(path.with_extension("counts"), counts.join(" ")).expect("written");
}
