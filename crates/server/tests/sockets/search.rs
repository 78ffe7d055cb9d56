//! Searching what was said, over real sockets: what is found and by whom, hostile words, and after the server was killed
//! while its index was behind.

use crate::support::{DEADLINE, Daemon, Irc, tag};
use std::time::Instant;

const CAPABILITIES: &str = "batch server-time message-tags echo-message soju.im/search draft/message-edit \
                            draft/message-redaction";

/// The texts of the batch that answers this search.
fn search(irc: &mut Irc, attributes: &str) -> Vec<String> {
    irc.send(&format!("SEARCH {attributes}"));
    let begin = irc.expect_any(&[" BATCH +", " FAIL SEARCH "]);
    assert!(begin.contains(" soju.im/search"), "{attributes}: {begin}");
    let mut texts = Vec::new();
    loop {
        let line = irc.line().expect("an open connection");
        if line.contains(" BATCH -") {
            return texts;
        }
        texts.push(line.rsplit_once(" :").expect("a text").1.to_owned());
    }
}

fn say(irc: &mut Irc, to: &str, text: &str) {
    irc.send(&format!("PRIVMSG {to} :{text}"));
    irc.expect(&format!(" PRIVMSG {to} :{text}"));
}

/// Until the index has everything.
fn wait_for_index(daemon: &Daemon) {
    let begun = Instant::now();
    let index = daemon.data().join("parlor-search.db");
    let database = daemon.data().join("parlor.db");
    let number = |path: &std::path::Path, sql: &str| -> Option<i64> {
        rusqlite::Connection::open(path).ok()?.query_row(sql, [], |row| row.get(0)).ok()
    };
    loop {
        let newest = number(&database, "SELECT max(number) FROM message");
        let indexed = number(&index, "SELECT indexed FROM progress");
        if indexed.is_some() && indexed == newest {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{indexed:?} of {newest:?} indexed");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn t14_members_find_what_they_may_read_and_nobody_else_does() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    let mut bob = Irc::register_with(daemon.irc(), "bob", CAPABILITIES);
    let mut eve = Irc::register_with(daemon.irc(), "eve", CAPABILITIES);
    alice.join("#tea");
    bob.join("#tea");
    say(&mut alice, "#tea", "Crème brûlée with green tea");
    say(&mut alice, "#tea", "今天天气很好");
    say(&mut alice, "bob", "our secretplan");
    say(&mut alice, "@#tea", "operators only");
    for waits in [false, true] {
        // At once, and from the index.
        if waits {
            wait_for_index(&daemon);
        }
        assert_eq!(search(&mut bob, "text=creme"), ["Crème brûlée with green tea"]);
        assert_eq!(search(&mut bob, "text=\"green\\stea\""), ["Crème brûlée with green tea"]);
        assert_eq!(search(&mut bob, "text=*rül*"), ["Crème brûlée with green tea"]);
        assert_eq!(search(&mut bob, "text=天气;in=#tea"), ["今天天气很好"]);
        assert_eq!(search(&mut bob, "text=secretpl*"), ["our secretplan"]);
        assert_eq!(search(&mut bob, "from=alice;limit=1"), ["our secretplan"]);
        assert_eq!(search(&mut bob, "text=operators"), [""; 0]);
        assert_eq!(search(&mut alice, "text=operators"), ["operators only"]);
        for attributes in
            ["text=creme", "text=secretplan", "from=alice", "text=天", "limit=50", "text=secretplan;in=alice"]
        {
            assert_eq!(search(&mut eve, attributes), [""; 0], "{attributes}");
        }
        eve.send("SEARCH text=creme;in=#tea");
        eve.expect("FAIL SEARCH INVALID_PARAMS in :");
    }
    // Put out: nothing of the room is found any more.
    alice.send("KICK #tea bob");
    bob.expect(" KICK #tea bob");
    assert_eq!(search(&mut bob, "text=creme"), [""; 0]);
    bob.send("SEARCH text=creme;in=#tea");
    bob.expect("FAIL SEARCH INVALID_PARAMS in :");
    assert_eq!(search(&mut bob, "text=secretplan"), ["our secretplan"]);
}

#[test]
fn t17_words_are_words_whatever_they_look_like() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    let mut eve = Irc::register_with(daemon.irc(), "eve", CAPABILITIES);
    alice.join("#tea");
    eve.join("#other");
    for text in ["alpha beta", "said AND terms", "rowid", "DROP TABLE message", "x' OR '1'='1"] {
        say(&mut alice, "#tea", text);
    }
    say(&mut eve, "#other", "alpha of eve");
    wait_for_index(&daemon);
    let hostile = [
        "text=\"alpha\\s\"\"\\sOR\\s\"beta\"",
        "text=alpha\\sOR\\s#1",
        "text=\"#1\"",
        "text=terms:alpha",
        "text=NEAR(alpha\\sbeta,\\s5)",
        "text=alpha*\\sNOT\\sbeta",
        "text=^alpha",
        "text={terms}\\s:\\salpha",
        "text=x'\\sOR\\s'1'='1",
        "text=%",
        "text=_lpha",
        "text=a%",
        "text=*%*",
        "text=\")\\sOR\\s(\"alpha\"",
        "text=alpha\\s--\\s*",
        "from=alice\"\\sOR\\s\"eve",
        "from=@616c696365",
        "text=@616c696365",
        "text=alpha;in=#other\\sOR\\s#tea",
        "text=&",
        "text=;drop",
    ];
    for attributes in hostile {
        eve.send(&format!("SEARCH {attributes}"));
        let answer = eve.expect_any(&[" BATCH +", " FAIL SEARCH INVALID_PARAMS "]);
        if answer.contains(" BATCH +") {
            loop {
                let line = eve.line().expect("an open connection");
                if line.contains(" BATCH -") {
                    break;
                }
                assert!(line.contains("alpha of eve"), "{attributes}: {line}");
            }
        }
    }
    assert_eq!(search(&mut alice, "text=\"said\\sAND\\sterms\""), ["said AND terms"]);
    assert_eq!(search(&mut alice, "text=DROP\\sTABLE"), ["DROP TABLE message"]);
    assert_eq!(search(&mut alice, "text=x'\\sOR\\s'1'='1"), ["x' OR '1'='1"]);
    assert_eq!(search(&mut alice, "from=alice").len(), 5);
}

#[test]
fn everything_is_found_after_kills_while_the_index_is_behind() {
    const MESSAGES: usize = 1_500;
    let mut daemon = Daemon::start("[history]\nmax_page = 1000");
    let mut said = 0;
    for round in 0..3 {
        let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
        alice.join("#tea");
        for number in 0..MESSAGES {
            alice.send(&format!("PRIVMSG #tea :word{} round{round} number{number}", number % 7));
        }
        for _ in 0..MESSAGES {
            alice.expect(" PRIVMSG #tea :word");
        }
        said += MESSAGES;
        // Somewhere in the index's first commits of this round.
        daemon = Daemon::start_in(daemon.kill());
    }
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    wait_for_index(&daemon);
    let found = |alice: &mut Irc, attributes: &str| search(alice, attributes).len();
    for round in 0..3 {
        assert_eq!(
            found(&mut alice, &format!("text=round{round}\\sword3;limit=1000")),
            MESSAGES.div_ceil(7) - 1,
            "{round}"
        );
        assert_eq!(search(&mut alice, &format!("text=round{round}\\snumber1499")).len(), 1);
    }
    let mut all = 0;
    for word in 0..7 {
        all += found(&mut alice, &format!("text=word{word};limit=1000"));
    }
    assert_eq!(all, said);
    // Each message has its terms once.
    let index = rusqlite::Connection::open(daemon.data().join("parlor-search.db")).expect("opened");
    let count: i64 = index
        .query_row("SELECT count(*) FROM said WHERE said MATCH 'round0 OR round1 OR round2'", [], |row| row.get(0))
        .expect("counted");
    assert_eq!(count as usize, said);
    index.execute("INSERT INTO said (said) VALUES ('integrity-check')", []).expect("sound");
}

/// Messages whose terms the index has that have this word, as whoever holds the file can read them.
fn in_index(daemon: &Daemon, word: &str) -> i64 {
    let index = rusqlite::Connection::open(daemon.data().join("parlor-search.db")).expect("opened");
    index.query_row("SELECT count(*) FROM said WHERE said MATCH ?", [word], |row| row.get(0)).expect("counted")
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// From the moment that an edit or a redaction is acknowledged the old words lead nowhere, while the index is behind too and
/// when the server is killed meanwhile; the new ones lead to the message as soon as the index has followed.
#[test]
fn what_was_edited_or_taken_back_is_found_as_it_is_now() {
    let mut daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    let said = |alice: &mut Irc, text: &str| {
        alice.send(&format!("PRIVMSG #tea :{text}"));
        tag(&alice.expect(&format!(" PRIVMSG #tea :{text}")), "msgid").expect("an id").to_owned()
    };
    let edited = said(&mut alice, "zebra grazing");
    let redacted = said(&mut alice, "walrus grazing");
    wait_for_index(&daemon);
    wait_until("the index has the words", || in_index(&daemon, "zebra") == 1 && in_index(&daemon, "walrus") == 1);
    alice.send(&format!("@draft/target-msgid={edited};draft/edit-text=giraffe\\sgrazing EDIT #tea"));
    alice.expect("draft/edit-text=giraffe");
    alice.send(&format!("REDACT #tea {redacted}"));
    alice.expect("REDACT #tea");
    let finds_nothing_old = |alice: &mut Irc| {
        for words in ["zebra", "walrus", "*ebr*", "\"walrus\\sgrazing\""] {
            assert_eq!(search(alice, &format!("text={words}")), [""; 0], "{words}");
        }
    };
    finds_nothing_old(&mut alice);
    daemon = Daemon::start_in(daemon.kill());
    alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    finds_nothing_old(&mut alice);
    wait_until("the index follows", || {
        in_index(&daemon, "zebra") == 0 && in_index(&daemon, "walrus") == 0 && in_index(&daemon, "giraffe") == 1
    });
    finds_nothing_old(&mut alice);
    for words in ["giraffe", "*iraf*", "grazing", "\"giraffe\\sgrazing\""] {
        assert_eq!(search(&mut alice, &format!("text={words}")), ["giraffe grazing"], "{words}");
    }
}

/// What is over is found no more, whether it is deleted yet or not, and its words go from the index too, when the server
/// was killed in the middle of it as well.
#[test]
fn what_is_over_is_found_no_more_after_a_kill_too() {
    let mut daemon = Daemon::start("");
    let enter = |daemon: &Daemon| {
        let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
        alice.join("#tea");
        alice
    };
    let mut alice = enter(&daemon);
    for number in 0..300 {
        alice.send(&format!("PRIVMSG #tea :okapi number{number}"));
    }
    for _ in 0..300 {
        alice.expect(" PRIVMSG #tea :okapi");
    }
    wait_for_index(&daemon);
    wait_until("the index has the words", || in_index(&daemon, "okapi") == 300);
    alice.join("#keep");
    say(&mut alice, "#keep", "okapi to stay");
    assert_eq!(search(&mut alice, "text=okapi;in=#keep"), ["okapi to stay"]);
    alice.send("MODE #tea +H 1m");
    alice.expect("MODE #tea +H");
    let folder = daemon.kill();
    let database = rusqlite::Connection::open(folder.path().join("data").join("parlor.db")).expect("opened");
    // As if it had been said two hours before.
    database.execute("UPDATE message SET time = time - 7200000 WHERE text LIKE 'okapi number%'", []).expect("aged");
    drop(database);
    daemon = Daemon::start_in(folder);
    let mut kills = 0;
    loop {
        let left = || {
            let database = rusqlite::Connection::open(daemon.data().join("parlor.db")).expect("opened");
            let count = "SELECT count(*) FROM message WHERE text LIKE 'okapi number%'";
            database.query_row(count, [], |row| row.get::<_, i64>(0)).expect("counted")
        };
        // Into the middle of the deleting, and then before the index has noticed all of it.
        match kills {
            0 => wait_until("deleting begins", || left() < 300),
            1 => wait_until("deleting ends", || left() == 0),
            _ => break,
        }
        kills += 1;
        daemon = Daemon::start_in(daemon.kill());
        alice = enter(&daemon);
        alice.join("#keep");
        assert_eq!(search(&mut alice, "text=okapi"), ["okapi to stay"]);
    }
    wait_until("the index forgets", || in_index(&daemon, "okapi") == 1);
    assert_eq!(search(&mut alice, "text=okapi"), ["okapi to stay"]);
    assert_eq!(search(&mut alice, "text=number7"), [""; 0]);
    let index = rusqlite::Connection::open(daemon.data().join("parlor-search.db")).expect("opened");
    index.execute("INSERT INTO said (said) VALUES ('integrity-check')", []).expect("sound");
}
