//! What survives a bad network: `chat_client` with `loadgen proxy` between it and the server.

use crate::support::{BadNetwork, Daemon, Irc, Person};

/// Alice, whose way to the server leads through this network, and Bob, who is beside the server.
fn meet(daemon: &Daemon, network: &BadNetwork) -> (Person, Irc) {
    let mut bob = Irc::register(daemon.irc(), "bob");
    bob.join("#lobby");
    let address = format!("alice@{}", network.address);
    let mut alice = Person::start(daemon, &["--plain", "--register", &address]);
    alice.says("before");
    bob.expect("PRIVMSG #lobby :before");
    (alice, bob)
}

/// What Alice said, up to this, in the order in which Bob heard it.
fn heard(bob: &mut Irc, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let line = bob.expect("PRIVMSG #lobby :");
        let text = line.split(" :").last().expect("a text").to_owned();
        heard.push(text);
        if heard.last().is_some_and(|text| text == last) {
            return heard;
        }
    }
}

#[test]
fn what_was_said_into_a_half_open_link_is_posted_once() {
    let daemon = Daemon::start("");
    let mut network = BadNetwork::start(daemon.irc(), &[]);
    let (mut alice, mut bob) = meet(&daemon, &network);
    network.order("half-open");
    alice.says("into the void");
    network.says("went nowhere");
    network.order("heal");
    alice.says("after");
    assert_eq!(heard(&mut bob, "after"), ["into the void", "after"]);
    assert_eq!(alice.leaves(), Some(0));
}

#[test]
fn a_link_that_is_cut_again_and_again_loses_and_doubles_nothing() {
    let daemon = Daemon::start("");
    let mut network = BadNetwork::start(daemon.irc(), &["--delay", "5", "--jitter", "10"]);
    let (mut alice, mut bob) = meet(&daemon, &network);
    for number in 0..3 {
        alice.says(&format!("{number}"));
        network.order("cut");
    }
    alice.says("after");
    assert_eq!(heard(&mut bob, "after"), ["0", "1", "2", "after"]);
    assert_eq!(alice.leaves(), Some(0));
}

#[test]
fn a_pulled_cable_is_waited_for() {
    let daemon = Daemon::start("");
    let mut network = BadNetwork::start(daemon.irc(), &["--loss", "10"]);
    let (mut alice, mut bob) = meet(&daemon, &network);
    network.order("pull");
    alice.says("meanwhile");
    bob.send("PING quiet");
    assert!(bob.expect_any(&["PRIVMSG", " PONG "]).contains(" PONG "), "nothing came through");
    network.order("heal");
    alice.says("after");
    assert_eq!(heard(&mut bob, "after"), ["meanwhile", "after"]);
    assert_eq!(alice.leaves(), Some(0));
}
