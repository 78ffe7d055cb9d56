//! SIGTERM with a house full of people: everyone is told, nothing that was confirmed is lost, and it is over soon.

use crate::support::{self, Daemon, Irc, dial};
use rusqlite::{Connection, OpenFlags};
use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// Clients that are registered, in one room of theirs for every hundred.
fn come_in(address: SocketAddr, count: usize) -> Vec<Irc> {
    const THREADS: usize = 4;
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            std::thread::spawn(move || {
                let numbers = (thread..count).step_by(THREADS);
                // A hundred on their way at a time, so that neither side waits for the other.
                let mut all = Vec::new();
                for group in numbers.collect::<Vec<_>>().chunks(100) {
                    let mut group: Vec<Irc> = group
                        .iter()
                        .map(|number| {
                            let mut irc = Irc::connect(address);
                            irc.send(&format!("NICK c{number}\r\nUSER c 0 * :c\r\nJOIN #room{}", number / 100));
                            irc
                        })
                        .collect();
                    for irc in &mut group {
                        irc.expect(" 366 ");
                    }
                    all.append(&mut group);
                }
                all
            })
        })
        .collect();
    threads.into_iter().flat_map(|thread| thread.join().expect("clients")).collect()
}

/// D9 of the reliability plan.
#[test]
fn ten_thousand_are_told_and_nothing_confirmed_is_lost() {
    let _alone = support::alone();
    let mut daemon = Daemon::start("");
    let crowd = support::crowd(10_000);
    let begun = Instant::now();
    let mut clients = come_in(daemon.irc(), crowd);
    println!("{crowd} clients came in within {:?}", begun.elapsed());
    // Not registered, and told all the same.
    let mut strangers: Vec<Irc> = (0..20).map(|_| Irc::connect(daemon.irc())).collect();
    for stranger in &mut strangers[10..] {
        stranger.send("NICK stranger");
        stranger.send("PING :here");
        stranger.expect("PONG");
    }
    let talking: Vec<_> = (0..16)
        .map(|number| {
            let address = daemon.irc();
            std::thread::spawn(move || talk_to_the_end(address, number))
        })
        .collect();
    // All of them are at it for a while.
    let mut listener = Irc::register(daemon.irc(), "listener");
    listener.join("#talk");
    let all: Vec<String> = (0..16).map(|number| format!(":{number} says 100")).collect();
    listener.expect_all(&all.iter().map(String::as_str).collect::<Vec<_>>());

    let begun = Instant::now();
    daemon.signal("TERM");
    let status = daemon.wait_for_exit(Duration::from_secs(10)).expect("it ends");
    let took = begun.elapsed();
    println!("over within {took:?}");
    assert_eq!(status.code(), Some(0));
    assert!(took <= Duration::from_secs(5), "the end took {took:?}");
    for client in clients.iter_mut().chain(&mut strangers) {
        let last = client.until_closed().unwrap_or_default();
        assert!(last.starts_with("ERROR :"), "{}: the last line is {last:?}", client.name);
    }
    assert!(listener.until_closed().is_some_and(|last| last.starts_with("ERROR :")));
    let confirmed: Vec<String> = talking.into_iter().flat_map(|talker| talker.join().expect("a talker")).collect();
    let folder = daemon.into_folder();
    let database = folder.path().join("data").join("parlor.db");
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database");
    let mut statement = database.prepare("SELECT text FROM message").expect("the table");
    let kept: HashSet<String> =
        statement.query_map([], |row| row.get(0)).expect("rows").map(|row| row.expect("a row")).collect();
    println!("{} confirmed, {} kept", confirmed.len(), kept.len());
    assert!(confirmed.len() >= 1_600, "hardly anything was said");
    for text in confirmed {
        assert!(kept.contains(&text), "{text:?} was confirmed and is lost");
    }
}

/// What was confirmed until the server closed.
fn talk_to_the_end(address: SocketAddr, number: usize) -> Vec<String> {
    let mut irc = Irc::register_with(address, &format!("talker{number}"), "echo-message");
    irc.join("#talk");
    let mut confirmed = Vec::new();
    let mut last = None;
    for n in 0.. {
        let text = format!("{number} says {n}");
        let said = irc.try_send(&format!("PRIVMSG #talk :{text}"));
        let mut came_back = false;
        while said.is_ok() && !came_back {
            match irc.try_line() {
                Ok(Some(line)) => {
                    came_back = line.starts_with(&format!(":talker{number}!")) && line.ends_with(&format!(":{text}"));
                    last = Some(line);
                }
                Ok(None) => break,
                Err(error) => panic!("no answer: {error}"),
            }
        }
        if !came_back {
            // What is still in the kernel after a failed write counts.
            while let Ok(Some(line)) = irc.try_line() {
                last = Some(line);
            }
            assert!(last.as_ref().is_some_and(|last| last.starts_with("ERROR :")), "talker{number}: {last:?}");
            return confirmed;
        }
        confirmed.push(text);
    }
    confirmed
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut daemon = Daemon::start("");
    // Keeps the first one busy: takes nothing of what it is told, and there is much of it.
    let mut stuck = Irc::register(daemon.irc(), "stuck");
    stuck.join("#tea");
    let mut talker = Irc::register(daemon.irc(), "talker");
    talker.join("#tea");
    stuck.drain();
    let text = "x".repeat(400);
    for _ in 0..2_000 {
        talker.send(&format!("PRIVMSG #tea :{text}"));
    }
    talker.drain();
    daemon.signal("TERM");
    daemon.logs("stopping");
    let begun = Instant::now();
    daemon.signal("TERM");
    let status = daemon.wait_for_exit(Duration::from_secs(5)).expect("it ends");
    let took = begun.elapsed();
    assert!(took <= Duration::from_millis(500), "the end took {took:?} ({status})");
    assert!(status.code() == Some(130) || status.signal().is_some(), "{status}");
}

#[test]
fn a_page_that_is_slow_to_be_read_does_not_keep_a_second_signal_waiting() {
    let mut daemon = Daemon::start("");
    // In the middle of a request: the first signal lets it end, for a moment.
    let mut browser = dial(daemon.address("http"));
    io::Write::write_all(&mut browser, b"GET / HTTP/1.1\r\nHost: lo").expect("asked by half");
    let mut there = Irc::register(daemon.irc(), "there");
    there.drain();
    daemon.signal("TERM");
    daemon.logs("stopping");
    let begun = Instant::now();
    daemon.signal("TERM");
    daemon.wait_for_exit(Duration::from_secs(5)).expect("it ends");
    let took = begun.elapsed();
    assert!(took <= Duration::from_millis(500), "the end took {took:?}");
}

#[test]
fn who_has_left_but_not_hung_up_does_not_keep_the_server_from_ending() {
    let mut daemon = Daemon::start("");
    let mut lingering = Irc::register(daemon.irc(), "alice");
    lingering.send("QUIT :bye");
    lingering.expect("ERROR ");
    daemon.signal("TERM");
    // The two seconds that a connection has to hang up after QUIT are not waited for.
    let status = daemon.wait_for_exit(Duration::from_millis(1500)).expect("the server waits for who has left");
    assert_eq!(status.code(), Some(0));
}

const OPERATOR: &str = "[[operator]]\nname = \"admin\"\npassword = \"open sesame\"\nrights = [\"all\"]\n";

#[test]
fn operators_restart_and_stop_it() {
    let mut daemon = Daemon::start(OPERATOR);
    let mut alice = Irc::register_with(daemon.irc(), "alice", "echo-message");
    alice.join("#tea");
    alice.send("PRIVMSG #tea :before");
    alice.expect("PRIVMSG #tea :before");
    for verb in ["RESTART", "DIE"] {
        alice.send(verb);
        alice.expect(" 481 ");
    }
    alice.send("TOPIC #tea :kept");
    alice.expect("TOPIC #tea :kept");
    alice.send("OPER admin :open sesame");
    alice.expect(" 381 ");
    alice.send("RESTART");
    let last = alice.until_closed();
    assert!(last.as_ref().is_some_and(|last| last.contains("ERROR :") && last.contains("restart")), "{last:?}");

    // The same process, with a new life.
    daemon.listens_again();
    let mut alice = Irc::register(daemon.irc(), "alice");
    alice.send("JOIN #tea");
    assert!(alice.expect(" 332 ").ends_with(":kept"));
    alice.expect(" 366 ");
    alice.send("OPER admin :open sesame");
    alice.expect(" 381 ");
    alice.send("DIE");
    assert!(alice.until_closed().is_some_and(|last| last.contains("ERROR :")));
    let status = daemon.wait_for_exit(Duration::from_secs(5)).expect("it ends");
    assert_eq!(status.code(), Some(0));
}

/// Whoever stops the machine while an operator's DIE is under way asks for the same, once: nothing is cut short by it.
#[test]
fn a_signal_while_an_operator_stops_it_is_the_first_one() {
    for (verb, signals) in [("DIE", 1), ("RESTART", 1), ("DIE", 2)] {
        let mut daemon = Daemon::start(OPERATOR);
        // A request that comes by half keeps the end waiting for a moment.
        let mut browser = dial(daemon.address("http"));
        io::Write::write_all(&mut browser, b"GET / HTTP/1.1\r\nHost: lo").expect("asked by half");
        let mut alice = Irc::register(daemon.irc(), "alice");
        alice.send("OPER admin :open sesame");
        alice.expect(" 381 ");
        alice.send(verb);
        daemon.logs("stopping");
        for _ in 0..signals {
            daemon.signal("TERM");
            if signals > 1 {
                daemon.logs("a signal to end");
            }
        }
        let last = alice.until_closed();
        let status = daemon.wait_for_exit(Duration::from_secs(5)).expect("it ends");
        if signals == 1 {
            assert!(last.is_some_and(|last| last.starts_with("ERROR :")), "{verb}: she was not told");
            assert_eq!(status.code(), Some(0), "{verb}");
        } else {
            assert_ne!(status.code(), Some(0), "{verb}");
        }
    }
}
