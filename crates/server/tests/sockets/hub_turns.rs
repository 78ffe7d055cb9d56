//! T9 of the reliability plan: the one writer is never busy for long with anything that one person or many can ask of it.

use crate::support::{self, Daemon, Irc};
use std::net::SocketAddr;

/// Puts this load on it, and fails if the hub was busy for more than 100 ms at a time. That is counted in the processor's
/// time: on a machine that is busy with other tests a turn can take longer by the clock without doing more.
fn check(daemon: &Daemon, what: &str, load: impl FnOnce()) {
    let turns = || daemon.metric("parlor_hub_turn_seconds_count");
    let before = turns();
    load();
    let (after, long) = (turns(), daemon.metric("parlor_hub_long_turns_total"));
    println!("{what}: {} turns, {long} of them long", after - before);
    assert!(after > before, "{what}: the hub had nothing to do");
    assert!(long == 0.0, "{what}: a turn of the hub takes more than 100 ms");
}

/// Registered people in the one great room and two rooms of their own, all of whom join at once.
fn storm(address: SocketAddr, people: usize) -> Vec<Irc> {
    let mut crowd: Vec<Irc> = Vec::with_capacity(people);
    for group in (0..people).collect::<Vec<_>>().chunks(200) {
        let group: Vec<Irc> = group
            .iter()
            .map(|number| {
                let mut irc = Irc::connect(address);
                irc.send(&format!("NICK n{number}\r\nUSER c 0 * :c\r\nPING :here"));
                irc
            })
            .collect();
        for mut irc in group {
            irc.expect("PONG");
            crowd.push(irc);
        }
    }
    for (number, irc) in crowd.iter_mut().enumerate() {
        irc.send(&format!("JOIN #great,#a{number},#b{number}"));
    }
    for (number, irc) in crowd.iter_mut().enumerate() {
        irc.expect(&format!(" 366 n{number} #b"));
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
    check(&daemon, "a storm of joins", || crowd = storm(daemon.irc(), people));
    asker.drain();
    check(&daemon, "long lists", || {
        for question in
            ["NAMES #great", "WHO #great", "WHO *", "WHO n1*", "WHO #great %tcuihsnfdlaor,7", "LIST", "LUSERS"]
        {
            asker.send(question);
            asker.drain();
        }
        let many: Vec<String> = (0..40).map(|number| format!("#a{number}")).collect();
        asker.send(&format!("LIST {}", many.join(",")));
        asker.send("LIST >0,U>0,*1*");
        asker.drain();
    });
    check(&daemon, "one change that concerns all", || {
        for line in ["MODE #great +b-b *!*@*.example *!*@*.example", "TOPIC #great :all of you", "AWAY :here", "AWAY"] {
            asker.send(line);
        }
        asker.drain();
    });
    check(&daemon, "all leave at once", || {
        let leaving = std::mem::take(&mut crowd);
        let gone = leaving.len() as f64;
        let before = daemon.metric("parlor_connections");
        drop(leaving);
        while daemon.metric("parlor_clients") > 1.0 || daemon.metric("parlor_connections") > before - gone {
            asker.drain();
        }
    });
}
