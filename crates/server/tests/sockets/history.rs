//! What was said is there to be read again, after the server was killed as well.

use crate::support::{Daemon, Irc, tag};

const CAPABILITIES: &str = "batch server-time message-tags echo-message draft/chathistory";

/// The texts of the batch that answers this question.
fn ask(irc: &mut Irc, question: &str) -> Vec<String> {
    irc.send(&format!("CHATHISTORY {question}"));
    irc.expect(" BATCH +");
    let mut texts = Vec::new();
    loop {
        let line = irc.line().expect("an open connection");
        if line.contains(" BATCH -") {
            return texts;
        }
        texts.push(line.rsplit_once(" :").expect("a text").1.to_owned());
    }
}

#[test]
fn history_is_read_after_a_kill() {
    let daemon = Daemon::start("[history]\nmax_page = 50");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    let mut ids = Vec::new();
    for number in 0..120 {
        alice.send(&format!("PRIVMSG #tea :{number}"));
        let echo = alice.expect(" PRIVMSG #tea ");
        ids.push(tag(&echo, "msgid").expect("an id").to_owned());
    }
    let daemon = Daemon::start_in(daemon.kill());
    let mut bob = Irc::register_with(daemon.irc(), "bob", CAPABILITIES);
    bob.send("CHATHISTORY LATEST #tea * 10");
    bob.expect("FAIL CHATHISTORY INVALID_TARGET LATEST #tea");
    bob.join("#tea");
    let numbers = |range: std::ops::Range<usize>| range.map(|number| number.to_string()).collect::<Vec<_>>();
    assert_eq!(ask(&mut bob, "LATEST #tea * 1000"), numbers(70..120));
    assert_eq!(ask(&mut bob, &format!("BEFORE #tea msgid={} 50", ids[70])), numbers(20..70));
    assert_eq!(ask(&mut bob, &format!("AFTER #tea msgid={} 3", ids[0])), numbers(1..4));
    assert_eq!(ask(&mut bob, &format!("AROUND #tea msgid={} 5", ids[60])), numbers(58..63));
    assert_eq!(ask(&mut bob, &format!("BETWEEN #tea msgid={} msgid={} 50", ids[10], ids[14])), numbers(11..14));
}

/// T14: what someone may read is what she may see live, through restarts too.
#[test]
fn nobody_reads_what_she_may_not() {
    let daemon = Daemon::start("[history]\nmax_page = 50");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.send("REGISTER * * correct-horse-1");
    alice.expect("REGISTER SUCCESS");
    alice.join("#tea");
    alice.send("MODE #tea +J");
    alice.expect("MODE #tea +J");
    let say = |alice: &mut Irc, text: &str| {
        alice.send(&format!("PRIVMSG #tea :{text}"));
        alice.expect(&format!(" PRIVMSG #tea :{text}"));
    };
    say(&mut alice, "before");

    let mut bob = Irc::register_with(daemon.irc(), "bob", CAPABILITIES);
    bob.send("REGISTER * * correct-horse-2");
    bob.expect("REGISTER SUCCESS");
    let refused = |irc: &mut Irc| {
        irc.send("CHATHISTORY LATEST #tea * 50");
        irc.expect("FAIL CHATHISTORY INVALID_TARGET LATEST #tea");
        assert!(targets(irc).is_empty());
    };
    refused(&mut bob);
    bob.join("#tea");
    say(&mut alice, "to all");
    alice.send("PRIVMSG @#tea :to operators");
    alice.expect("PRIVMSG @#tea :to operators");
    assert_eq!(ask(&mut bob, "LATEST #tea * 50"), ["to all"]);
    assert_eq!(targets(&mut bob), ["#tea"]);

    // A secret room is read by those who are in it, and a ban alone puts nobody out.
    alice.send("MODE #tea +sb bob!*@*");
    alice.expect("MODE #tea +sb");
    say(&mut alice, "while banned");
    bob.expect("while banned");
    assert_eq!(ask(&mut bob, "LATEST #tea * 50"), ["to all", "while banned"]);

    // Where her membership began is kept.
    drop((alice, bob));
    let daemon = Daemon::start_in(daemon.kill());
    let log_in = |name: &str, password: &str| {
        let mut irc = Irc::connect(daemon.irc());
        irc.send(&format!("CAP REQ :{CAPABILITIES}"));
        irc.send(&format!("PASS {name}:{password}"));
        irc.send(&format!("NICK {name}"));
        irc.send(&format!("USER {name} 0 * :{name}"));
        irc.send("CAP END");
        irc.expect(" 366 ");
        irc
    };
    let (mut alice, mut bob) = (log_in("alice", "correct-horse-1"), log_in("bob", "correct-horse-2"));
    assert_eq!(ask(&mut bob, "LATEST #tea * 50"), ["to all", "while banned"]);
    assert_eq!(ask(&mut alice, "LATEST #tea * 50"), ["before", "to all", "to operators", "while banned"]);

    alice.send("KICK #tea bob :out");
    bob.expect("KICK #tea bob :out");
    refused(&mut bob);
    alice.send("MODE #tea -b bob!*@*");
    alice.expect("MODE #tea -b");
    // Whoever comes back reads from there on.
    bob.join("#tea");
    assert_eq!(ask(&mut bob, "LATEST #tea * 50"), [""; 0]);
    say(&mut alice, "again");
    bob.expect("again");
    assert_eq!(ask(&mut bob, "LATEST #tea * 50"), ["again"]);
    alice.send("MODE #tea -J");
    bob.expect("MODE #tea -J");
    assert_eq!(ask(&mut bob, "LATEST #tea * 50"), ["before", "to all", "while banned", "again"]);
}

/// Lines that came behind a question to the store go on as soon as it is answered: they waited for the next second.
#[test]
fn many_questions_at_once_are_answered_one_after_the_other_at_once() {
    const QUESTIONS: usize = 30;
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    alice.send("PRIVMSG #tea :hi");
    alice.expect(" PRIVMSG #tea :hi");
    let begun = std::time::Instant::now();
    alice.send(&vec!["CHATHISTORY LATEST #tea * 10"; QUESTIONS].join("\r\n"));
    for _ in 0..QUESTIONS {
        alice.expect(" BATCH -");
    }
    let took = begun.elapsed();
    assert!(took < std::time::Duration::from_secs(QUESTIONS as u64 / 3), "{took:?}");
}

/// The names that CHATHISTORY TARGETS gives.
fn targets(irc: &mut Irc) -> Vec<String> {
    irc.send("CHATHISTORY TARGETS timestamp=2020-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 50");
    irc.expect(" BATCH +");
    let mut names = Vec::new();
    loop {
        let line = irc.line().expect("an open connection");
        if line.contains(" BATCH -") {
            return names;
        }
        let name = line.split_once(" TARGETS ").and_then(|(_, rest)| rest.split(' ').next());
        names.push(name.expect("a name").to_owned());
    }
}

/// draft/event-playback: what happened in a room comes back to whoever can take it, with the id and time that it had, and
/// to nobody else; it is there after a kill too.
#[test]
fn what_happened_comes_back_with_what_was_said() {
    let daemon = Daemon::start("");
    let events = format!("{CAPABILITIES} draft/event-playback draft/channel-rename extended-join");
    let mut alice = Irc::register_with(daemon.irc(), "alice", &events);
    alice.join("#tea");
    let mut seen = Vec::new();
    let mut all = |alice: &mut Irc, doing: &str, part: &str| {
        if !doing.is_empty() {
            alice.send(doing);
        }
        let line = alice.expect(part);
        seen.push((tag(&line, "msgid").expect("an id").to_owned(), tag(&line, "time").expect("a time").to_owned()));
    };
    all(&mut alice, "PRIVMSG #tea :hi", "PRIVMSG #tea :hi");
    let mut bob = Irc::register(daemon.irc(), "bob");
    bob.join("#tea");
    all(&mut alice, "", ":bob!");
    all(&mut alice, "TOPIC #tea :leaves", "TOPIC #tea :leaves");
    all(&mut alice, "MODE #tea +v bob", "MODE #tea +v bob");
    bob.send("NICK rob");
    all(&mut alice, "", "NICK rob");
    all(&mut alice, "KICK #tea rob :out", "KICK #tea rob :out");
    bob.join("#tea");
    all(&mut alice, "", "JOIN #tea");
    bob.send("PART #tea :bye");
    all(&mut alice, "", "PART #tea :bye");
    bob.join("#tea");
    all(&mut alice, "", "JOIN #tea");
    bob.send("QUIT :gone");
    all(&mut alice, "", "QUIT :");
    all(&mut alice, "PRIVMSG #tea :there", "PRIVMSG #tea :there");
    let expected = [
        "PRIVMSG #tea :hi",
        "JOIN #tea * :bob",
        "TOPIC #tea :leaves",
        "MODE #tea +v bob",
        "NICK rob",
        "KICK #tea rob :out",
        "JOIN #tea * :bob",
        "PART #tea :bye",
        "JOIN #tea * :bob",
        "QUIT :",
        "PRIVMSG #tea :there",
    ];
    let check = |irc: &mut Irc, question: &str, from: usize, to: usize| {
        let lines = batch(irc, question);
        assert_eq!(lines.len(), to - from, "{question}: {lines:?}");
        for (line, at) in lines.iter().zip(from..to) {
            let (id, time) = &seen[at];
            assert_eq!((tag(line, "msgid"), tag(line, "time")), (Some(id.as_str()), Some(time.as_str())), "{line}");
            assert!(line.contains(expected[at]), "{line} for {}", expected[at]);
        }
    };
    check(&mut alice, &format!("AFTER #tea msgid={} 50", seen[0].0), 1, 11);
    check(&mut alice, &format!("BEFORE #tea msgid={} 4", seen[9].0), 5, 9);
    check(&mut alice, &format!("AFTER #tea msgid={} 2", seen[4].0), 5, 7);
    check(&mut alice, &format!("AROUND #tea msgid={} 3", seen[5].0), 4, 7);
    let mut plain = Irc::register_with(daemon.irc(), "plain", CAPABILITIES);
    plain.join("#tea");
    assert_eq!(ask(&mut plain, "LATEST #tea * 50"), ["hi", "there"]);
    drop((alice, plain));

    let daemon = Daemon::start_in(daemon.kill());
    let mut carol = Irc::register_with(daemon.irc(), "carol", &events);
    carol.join("#tea");
    check(&mut carol, &format!("BETWEEN #tea msgid={} msgid={} 50", seen[0].0, seen[10].0), 1, 10);
    let plain = format!("{CAPABILITIES} extended-join");
    let mut plain = Irc::register_with(daemon.irc(), "plain", &plain);
    plain.join("#tea");
    assert_eq!(ask(&mut plain, "LATEST #tea * 50"), ["hi", "there"]);
}

/// A room's other name stands in its history, for those who know of such.
#[test]
fn a_renaming_comes_back() {
    let daemon = Daemon::start("");
    let events = format!("{CAPABILITIES} draft/event-playback");
    let renames = format!("{events} draft/channel-rename");
    let mut alice = Irc::register_with(daemon.irc(), "alice", &renames);
    alice.join("#tea");
    alice.send("PRIVMSG #tea :before");
    alice.expect("PRIVMSG #tea :before");
    alice.send("RENAME #tea #pot :it is better so");
    let renamed = alice.expect("RENAME #tea #pot :it is better so");
    let id = tag(&renamed, "msgid").expect("an id").to_owned();
    alice.send("PRIVMSG #pot :after");
    alice.expect("PRIVMSG #pot :after");
    let daemon = Daemon::start_in(daemon.kill());
    let read = |name: &str, capabilities: &str| {
        let mut irc = Irc::register_with(daemon.irc(), name, capabilities);
        irc.join("#pot");
        batch(&mut irc, &format!("AROUND #pot msgid={id} 3"))
    };
    let lines = read("bob", &renames);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains(" RENAME #tea #pot :it is better so") && lines[1].contains(&id), "{lines:?}");
    let lines = read("carol", &events);
    assert!(!lines.iter().any(|line| line.contains("RENAME")), "{lines:?}");
}

/// LIST tells when something was last said, after a kill too, and betrays no secret room by it.
#[test]
fn when_a_room_was_last_spoken_in_outlives_a_kill() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    let mut times = Vec::new();
    for room in ["#tea", "#hidden"] {
        alice.join(room);
        alice.send(&format!("PRIVMSG {room} :hi"));
        times.push(tag(&alice.expect(&format!(" PRIVMSG {room} :hi")), "time").expect("a time").to_owned());
    }
    alice.send("PRIVMSG @#tea :among us");
    alice.expect(" PRIVMSG @#tea :among us");
    alice.send("MODE #hidden +s");
    alice.expect(" MODE #hidden +s");
    alice.send("MODE #tea +P");
    let listed = |irc: &mut Irc, name: &str| {
        irc.send("LIST #tea,#hidden");
        irc.expect(" 321 ");
        let mut rows = Vec::new();
        loop {
            let line = irc.line().expect("an open connection");
            if line.contains(" 323 ") {
                return rows;
            }
            assert!(line.contains(&format!(" 322 {name} ")), "{line}");
            rows.push(tag(&line, "parlor/activity").expect("when").to_owned());
        }
    };
    let mut bob = Irc::register_with(daemon.irc(), "bob", "parlor/activity");
    assert_eq!(listed(&mut bob, "bob"), times[..1]);
    let daemon = Daemon::start_in(daemon.kill());
    let mut bob = Irc::register_with(daemon.irc(), "bob", "parlor/activity");
    assert_eq!(listed(&mut bob, "bob"), times[..1]);
    bob.join("#hidden");
    assert_eq!(listed(&mut bob, "bob"), times);
}

/// The lines of the batch that answers this question.
fn batch(irc: &mut Irc, question: &str) -> Vec<String> {
    irc.send(&format!("CHATHISTORY {question}"));
    irc.expect(" BATCH +");
    let mut lines = Vec::new();
    loop {
        let line = irc.line().expect("an open connection");
        if line.contains(" BATCH -") {
            return lines;
        }
        lines.push(line);
    }
}

/// What was said to an account while it was away is found on its return, whoever has said it and whatever has become of her.
#[test]
fn what_was_said_outlives_who_has_said_it() {
    let daemon = Daemon::start("[history]\nmax_page = 50");
    for name in ["owner", "alice", "carol"] {
        let mut irc = Irc::register_with(daemon.irc(), name, CAPABILITIES);
        irc.send(&format!("REGISTER * * correct-horse-{name}"));
        irc.expect("REGISTER SUCCESS");
        if name == "carol" {
            irc.send("PRIVMSG alice :from carol");
            irc.expect(" 301 carol alice ");
            irc.send("ACCOUNT DELETE :correct-horse-carol");
        } else {
            irc.send("QUIT");
        }
        irc.until_closed();
    }
    let mut gus = Irc::register_with(daemon.irc(), "gus", CAPABILITIES);
    gus.send("PRIVMSG alice :from gus");
    gus.expect(" 301 gus alice ");
    // The guest is here still when the server dies.
    let daemon = Daemon::start_in(daemon.kill());
    let mut alice = Irc::connect(daemon.irc());
    alice.send(&format!("CAP REQ :{CAPABILITIES}"));
    alice.send("PASS alice:correct-horse-alice");
    alice.send("NICK alice");
    alice.send("USER alice 0 * :alice");
    alice.send("CAP END");
    alice.expect(" 422 ");
    assert_eq!(targets(&mut alice), ["carol", "gus"]);
    assert_eq!(ask(&mut alice, "LATEST carol * 50"), ["from carol"]);
    assert_eq!(ask(&mut alice, "LATEST gus * 50"), ["from gus"]);
    // Another one of the same name is another one.
    let mut gus = Irc::register_with(daemon.irc(), "gus", CAPABILITIES);
    assert_eq!(ask(&mut gus, "LATEST alice * 50"), [""; 0]);
    let names = targets(&mut alice);
    let former = names.iter().find(|name| name.starts_with("gus/")).expect("with a number");
    assert_eq!(ask(&mut alice, &format!("LATEST {former} * 50")), ["from gus"]);
}
