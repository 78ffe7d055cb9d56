//! `parlor/once`: a message whose fate its sender does not know is sent again, and is posted once.

use crate::support::{Daemon, Irc, tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::net::SocketAddr;

const CAPABILITIES: &str =
    "batch server-time message-tags echo-message labeled-response sasl draft/chathistory parlor/once";

fn log_in(address: SocketAddr) -> Irc {
    let mut irc = Irc::connect(address);
    irc.send(&format!("CAP REQ :{CAPABILITIES}"));
    irc.send("NICK alice");
    irc.send("USER alice 0 * :Alice");
    irc.send("AUTHENTICATE PLAIN");
    irc.expect("AUTHENTICATE +");
    irc.send(&format!("AUTHENTICATE {}", BASE64.encode("\0alice\0correct horse")));
    irc.expect(" 903 ");
    irc.send("CAP END");
    irc.greeted("alice");
    irc
}

/// The server is killed with any number of keyed messages under way; everything is sent again afterwards, on another
/// connection and to another process.
#[test]
fn what_is_sent_again_after_a_kill_is_posted_once() {
    let mut daemon = Daemon::start("");
    let mut maker = Irc::register(daemon.irc(), "alice");
    maker.send("REGISTER * * :correct horse");
    maker.expect("REGISTER SUCCESS");
    drop(maker);
    let mut sent = 0u32;
    let mut ids: Vec<Option<String>> = Vec::new();
    for _round in 0..4 {
        let mut alice = log_in(daemon.irc());
        alice.join("#tea");
        // What was echoed before must be echoed as it was; what was not, is posted now or was.
        for (number, id) in ids.iter_mut().enumerate() {
            alice.send(&format!("@label=again{number};parlor/once=key-{number} PRIVMSG #tea :{number}"));
            let echo = alice.expect(&format!("label=again{number};"));
            let found = tag(&echo, "msgid").expect("an id").to_owned();
            assert_eq!(*id.get_or_insert(found.clone()), found, "{echo}");
        }
        for _ in 0..50 {
            alice.send(&format!("@label=new;parlor/once=key-{sent} PRIVMSG #tea :{sent}"));
            ids.push(None);
            sent += 1;
        }
        for id in ids.iter_mut().rev().take(50).rev().take(20) {
            *id = tag(&alice.expect(" PRIVMSG #tea "), "msgid").map(str::to_owned);
        }
        daemon = Daemon::start_in(daemon.kill());
    }
    let mut alice = log_in(daemon.irc());
    alice.join("#tea");
    for number in 0..sent {
        alice.send(&format!("@label=last{number};parlor/once=key-{number} PRIVMSG #tea :{number}"));
        alice.expect(&format!("label=last{number};"));
    }
    let mut texts: Vec<u32> = Vec::new();
    let mut before = "*".to_owned();
    loop {
        let word = if before == "*" { "LATEST" } else { "BEFORE" };
        alice.send(&format!("CHATHISTORY {word} #tea {before} 100"));
        alice.expect(" BATCH +");
        let mut page = Vec::new();
        loop {
            let line = alice.line().expect("an open connection");
            if line.contains(" BATCH -") {
                break;
            }
            page.push(line);
        }
        let Some(first) = page.first() else { break };
        before = format!("msgid={}", tag(first, "msgid").expect("an id"));
        texts.extend(
            page.iter().map(|line| line.rsplit_once(" :").expect("a text").1.parse::<u32>().expect("a number")),
        );
    }
    texts.sort_unstable();
    assert_eq!(texts, (0..sent).collect::<Vec<u32>>(), "each once");
}
