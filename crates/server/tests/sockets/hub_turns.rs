//! T9 of the reliability plan: the one writer is never busy for long with anything that one person or many can ask of it.

use crate::support::{self, Daemon, Irc};
use std::net::SocketAddr;

/// The plan's bound for a turn of the hub.
const LONGEST_TURN: f64 = 0.1;

/// How often a load is tried. This is about what a turn has to do, not about who else uses the processor: a turn that is
/// preempted is long once, one that does too much is long each time. (The time of the thread alone would tell them apart
/// at once, but costs a call of the kernel each turn, for this test's sake.)
const TRIES: usize = 4;

/// Turns of the hub so far, and those that took too long.
fn turns(daemon: &Daemon) -> (u64, u64) {
    let page = daemon.fetch("/metrics");
    let value = |name: &str| -> u64 {
        let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {page}"));
        line.trim().parse().expect("a number")
    };
    let all = value("parlor_hub_turn_seconds_count");
    (all, all - value(&format!("parlor_hub_turn_seconds_bucket{{le=\"{LONGEST_TURN:?}\"}}")))
}

/// Puts this load on it, again if a turn was long, and fails if one always is.
fn check(daemon: &Daemon, what: &str, mut load: impl FnMut()) {
    for _ in 0..TRIES {
        let before = turns(daemon);
        load();
        let after = turns(daemon);
        println!("{what}: {} turns, {} of them long", after.0 - before.0, after.1 - before.1);
        assert!(after.0 > before.0, "{what}: the hub had nothing to do");
        if after.1 == before.1 {
            return;
        }
    }
    panic!("{what}: a turn of the hub takes more than {LONGEST_TURN} s");
}

/// Registered people in the one great room and two rooms of their own, all of whom join at once.
fn storm(address: SocketAddr, people: usize, round: usize) -> Vec<Irc> {
    let mut crowd: Vec<Irc> = Vec::with_capacity(people);
    for group in (0..people).collect::<Vec<_>>().chunks(200) {
        let group: Vec<Irc> = group
            .iter()
            .map(|number| {
                let mut irc = Irc::connect(address);
                irc.send(&format!("NICK r{round}n{number}\r\nUSER c 0 * :c\r\nPING :here"));
                irc
            })
            .collect();
        for mut irc in group {
            irc.expect("PONG");
            crowd.push(irc);
        }
    }
    for (number, irc) in crowd.iter_mut().enumerate() {
        irc.send(&format!("JOIN #great,#a{round}x{number},#b{round}x{number}"));
    }
    for (number, irc) in crowd.iter_mut().enumerate() {
        irc.expect(&format!(" 366 r{round}n{number} #b"));
    }
    crowd
}

#[test]
fn t9_no_turn_takes_long_under_any_load() {
    let _alone = support::alone();
    let daemon = Daemon::start("[limits]\nwhowas = 10\nsendq_bytes = 67_108_864\n");
    let people = support::crowd(2_000);
    let mut asker = Irc::register_with(daemon.irc(), "asker", "multi-prefix userhost-in-names");
    asker.join("#great");

    let mut crowd = Vec::new();
    let mut round = 0;
    check(&daemon, "a storm of joins", || {
        round += 1;
        crowd.append(&mut storm(daemon.irc(), people, round));
    });
    asker.drain();
    check(&daemon, "long lists", || {
        for question in
            ["NAMES #great", "WHO #great", "WHO *", "WHO r1n*", "WHO #great %tcuihsnfdlaor,7", "LIST", "LUSERS"]
        {
            asker.send(question);
            asker.drain();
        }
        let many: Vec<String> = (0..40).map(|number| format!("#a1x{number}")).collect();
        asker.send(&format!("LIST {}", many.join(",")));
        asker.send("LIST >0,U>0,*x1*");
        asker.drain();
    });
    check(&daemon, "one change that concerns all", || {
        for line in ["MODE #great +b-b *!*@*.example *!*@*.example", "TOPIC #great :all of you", "AWAY :here", "AWAY"] {
            asker.send(line);
        }
        asker.drain();
    });
    check(&daemon, "all leave at once", || {
        if crowd.is_empty() {
            round += 1;
            crowd = storm(daemon.irc(), people, round);
        }
        let leaving = std::mem::take(&mut crowd);
        let gone = leaving.len() as f64;
        let before = daemon.metric("parlor_connections");
        drop(leaving);
        while daemon.metric("parlor_clients") > 1.0 || daemon.metric("parlor_connections") > before - gone {
            asker.drain();
        }
    });
}
