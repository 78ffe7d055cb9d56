//! /metrics tells what happens: each figure moves when what it names is done over a socket.

use crate::support::{DEADLINE, Daemon, Irc};
use std::time::Instant;

/// Waits until the figure is at least this.
fn reaches(daemon: &Daemon, figure: &str, least: f64) {
    let begun = Instant::now();
    loop {
        let page = daemon.fetch("/metrics");
        let value = page
            .lines()
            .find_map(|line| line.strip_prefix(figure)?.strip_prefix(' ')?.parse::<f64>().ok())
            .unwrap_or_default();
        if value >= least {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{figure} is {value}, not {least}, in {page}");
    }
}

#[test]
fn every_figure_moves() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register(daemon.irc(), "alice");
    let mut bob = Irc::connect_tls(daemon.address("ircs")).registered("bob");
    for person in [&mut alice, &mut bob] {
        person.join("#tea");
    }
    let check = |figure: &str, least: f64| reaches(&daemon, figure, least);
    check("parlor_connections", 2.0);
    check("parlor_connections_accepted_total", 2.0);
    check("parlor_sessions_by_kind{kind=\"plain\"}", 1.0);
    check("parlor_sessions_by_kind{kind=\"tls\"}", 1.0);
    check("parlor_clients", 2.0);
    check("parlor_rooms", 2.0);
    alice.send("PRIVMSG #tea :one");
    alice.send("PRIVMSG bob :two");
    bob.expect("PRIVMSG bob :two");
    check("parlor_messages_received_total", 2.0);
    check("parlor_messages_delivered_total", 2.0);
    check("parlor_delivery_latency_seconds_count", 2.0);
    check("parlor_commit_latency_seconds_count", 1.0);
    check("parlor_lines_received_total", 8.0);
    alice.send("PRIVMSG #nowhere :three");
    alice.send("CHATHISTORY LATEST #nowhere * 5");
    alice.drain();
    check("parlor_commands_refused_total{reason=\"ERR_NOSUCHCHANNEL\"}", 1.0);
    check("parlor_commands_refused_total{reason=\"INVALID_TARGET\"}", 1.0);
    for line in ["CAP REQ sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE AGFsaWNlAHNlc2FtZQ=="] {
        alice.send(line);
    }
    alice.expect(" 904 ");
    check("parlor_logins_total{result=\"refused\"}", 1.0);
    alice.send("QUIT");
    alice.until_closed();
    drop(bob);
    check("parlor_connections_closed_total{reason=\"quit\"}", 1.0);
    let begun = Instant::now();
    while daemon.metric("parlor_sessions_by_kind") > 0.0 || daemon.metric("parlor_connections") > 0.0 {
        assert!(begun.elapsed() < DEADLINE, "they are counted still");
    }
    let ends = daemon.metric("parlor_connections_closed_total");
    assert!((2.0..=2.0).contains(&ends), "each end is counted once: {ends}");
}
