//! What stands in the files: the log of writes, a backup, nothing of what was deleted.

use super::searching::wait_for_index;
use super::*;
use crate::store::{Edge, Following, backup};

#[test]
fn the_wal_is_folded_while_commits_go_on() {
    let folder = folder();
    let mut writing = Writing::start(&database(&folder));
    writing.commit(vec![boxed_room(room(1))]);
    let text = "x".repeat(8_000);
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
    // 160 MB; the bound is what two foldings can lag behind.
    let mut largest = 0;
    for _ in 0..80 {
        let batch = (0..250).map(|_| writing.say(1, &text)).collect();
        writing.commit(batch);
        largest = largest.max(size("parlor.db-wal"));
    }
    assert!(largest < 100 << 20, "the WAL grew to {largest} bytes");
    assert!(size("parlor.db") > 40 << 20, "little was folded");
}

#[test]
fn a_backup_under_load_holds_all_that_was_committed_before_it() {
    let folder = folder();
    let source = database(&folder);
    let mut writing = Writing::start(&source);
    writing.commit(vec![boxed_room(room(1)), boxed_account(account(1))]);
    for round in 0..5 {
        for _ in 0..20 {
            let batch = (0..50).map(|_| writing.say(1, "before")).collect();
            writing.commit(batch);
        }
        let promised = writing.position;
        let target = folder.path().join(format!("backup-{round}.db"));
        let copying = std::thread::spawn({
            let (source, target) = (source.clone(), target.clone());
            move || backup::back_up(&source, &target).expect("backed up")
        });
        while !copying.is_finished() {
            let batch = (0..50).map(|_| writing.say(1, "meanwhile")).collect();
            writing.commit(batch);
        }
        let figures = copying.join().expect("the copying thread");
        assert_eq!(figures.accounts, 1);
        assert_eq!(figures.bytes, std::fs::metadata(&target).expect("the copy").len());

        let copy = Store::open(&target, Durability::Full).expect("the copy opens");
        let snapshot = copy.snapshot().expect("a snapshot");
        assert!(snapshot.position >= promised);
        let page = copy.history().expect("a reader").page(RoomNumber(1), Edge::Oldest, 1_000_000).expect("a page");
        assert_eq!(page.len() as u64, figures.messages);
        assert!(page.windows(2).all(|pair| pair[0].position < pair[1].position));
        // All before the promise, and of the rest whole batches only.
        assert!(page.len().is_multiple_of(50) && page.last().is_some_and(|last| last.position.0 + 1 >= promised.0));
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Text and tags are in no file of the folder any more, and who said it when is.
#[test]
fn what_is_redacted_is_gone_from_the_disk() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    // The index of what was said has it too.
    let following = Following::default();
    let follower = store.start_search_index(&following, &writing.log).expect("a follower");
    writing.commit(vec![boxed_room(room(1))]);
    let mut say = |text: &str, tags: &str| {
        let position = writing.next_position();
        let message = Arc::new(Message { tags: Some(tags.into()), ..message(1, position, &person(1), text) });
        writing.commit(vec![Change::Posted(message.clone())]);
        message
    };
    // A text that fills pages of its own, too.
    let long = "looooong".repeat(2_000);
    let before = say("before", "+a=tagbefore");
    let secrets = [say("the secret of the tea", "+a=secrettag"), say(&long, "+b=longtag")];
    let after = say("after", "+a=tagafter");
    let kept_state = |message: &Message| {
        let history = store.history().expect("a reader");
        let grant = chat::history::Grant {
            with: None,
            room: RoomNumber(1),
            name: "#room1".into(),
            reader: client(9),
            role: None,
            since: Default::default(),
        };
        history.find(&grant, message.id).expect("read").expect("found")
    };
    wait_for_index(&folder, &following);
    // One of them was edited: its earlier text is kept, until that is redacted too.
    let position = writing.next_position();
    writing.commit(vec![edit(&secrets[0], position, "not so clever")]);
    let history = store.history().expect("a reader");
    let grant = chat::history::Grant {
        with: None,
        room: RoomNumber(1),
        name: "#room1".into(),
        reader: client(9),
        role: None,
        since: Default::default(),
    };
    let earlier = history.earlier_texts(&grant, secrets[0].id).expect("read").expect("found");
    assert_eq!(earlier, [(time_of(position), "the secret of the tea".into())]);
    for secret in &secrets {
        writing.commit(vec![Change::Redacted { room: RoomNumber(1), position: secret.position, target: secret.id }]);
        let (left, state) = kept_state(secret);
        assert_eq!(state, chat::message::MessageState::Redacted);
        assert_eq!(format!("{left:?}"), format!("{:?}", secret.redacted()));
    }
    for message in [&before, &after] {
        assert_eq!(format!("{:?}", kept_state(message).0), format!("{message:?}"));
    }
    wait_for_index(&folder, &following);
    assert_eq!(history.earlier_texts(&grant, secrets[0].id).expect("read").expect("found"), []);
    // The log of writes is emptied soon, though nothing more is said and everyone has the database open.
    let gone = ["the secret", "not so clever", "secrettag", "loooooong", "longtag"];
    let begun = Instant::now();
    while let Some(text) = gone.iter().find(|text| holds(&folder, text)) {
        assert!(begun.elapsed() < DEADLINE, "{text} is still there");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(holds(&folder, "before") && holds(&folder, "tagafter"), "what was not redacted is there");
    drop((history, follower, writing, store));
}

/// Whether these bytes are anywhere in the folder's files.
fn holds(folder: &TempDir, text: &str) -> bool {
    let files = std::fs::read_dir(folder.path()).expect("the folder").map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| std::fs::read(path).unwrap_or_default();
    files.map(read).any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

/// A reader that closes the database later than the log leaves nothing of it beside the file.
#[test]
fn the_log_of_writes_is_empty_when_it_ends() {
    let folder = folder();
    let store = Store::open(&database(&folder), Durability::Full).expect("opened");
    let mut writing = Writing::on(&store);
    let history = store.history().expect("a reader");
    writing.commit(vec![boxed_room(room(1))]);
    let position = writing.next_position();
    let message = message(1, position, &person(1), "the secret of the tea");
    let (position, target) = (message.position, message.id);
    writing.commit(vec![Change::Posted(Arc::new(message))]);
    assert_eq!(history.page(RoomNumber(1), Edge::Newest, 1).expect("read").len(), 1);
    writing.commit(vec![Change::Redacted { room: RoomNumber(1), position, target }]);
    assert!(holds(&folder, "the secret"), "the log of writes has it");
    drop(writing);
    // The file itself has it until the search index has forgotten it.
    let left = std::fs::read(folder.path().join("parlor.db-wal")).expect("the log of writes");
    assert_eq!(left.len(), 0);
    drop(history);
}
