//! What was reported waits for those who moderate, after the server was killed as well.

use crate::support::{Daemon, Irc, tag};

const CAPABILITIES: &str = "batch message-tags echo-message parlor/reports draft/message-redaction";

#[test]
fn reports_outlive_a_kill() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    let mut bob = Irc::register_with(daemon.irc(), "bob", CAPABILITIES);
    bob.join("#tea");
    let mut ids = Vec::new();
    for text in ["one", "two"] {
        bob.send(&format!("PRIVMSG #tea :{text}"));
        let echo = bob.expect(" PRIVMSG #tea ");
        ids.push(tag(&echo, "msgid").expect("an id").to_owned());
    }
    let mut eve = Irc::register(daemon.irc(), "eve");
    eve.join("#tea");
    let mut numbers = Vec::new();
    for id in &ids {
        eve.send(&format!("REPORT #tea {id} :rude"));
        eve.expect("Those who moderate have your report");
        let told = alice.expect("NOTE REPORTS REPORT ");
        numbers.push(told.split(' ').nth(4).expect("a number").to_owned());
    }
    alice.send(&format!("REPORTS DISMISS {}", numbers[0]));
    alice.expect(&format!("NOTE REPORTS CLOSED {} dismissed alice", numbers[0]));
    bob.send(&format!("REDACT #tea {}", ids[1]));
    bob.expect(" REDACT #tea ");
    let daemon = Daemon::start_in(daemon.kill());

    // Whoever comes first into a room that nobody owns is its operator.
    let mut carol = Irc::register_with(daemon.irc(), "carol", CAPABILITIES);
    carol.send("JOIN #tea");
    carol.expect("NOTE REPORTS OPEN #tea 1 :");
    carol.send("REPORTS");
    let expected = [
        format!("NOTE REPORTS REPORT {} #tea {} ", numbers[1], ids[1]),
        format!("NOTE REPORTS TEXT {} :two", numbers[1]),
        format!("NOTE REPORTS REDACTED {} :", numbers[1]),
        "NOTE REPORTS END_OF_REPORTS 1 :".to_owned(),
    ];
    for expected in expected {
        let line = carol.line().expect("an open connection");
        assert!(line.contains(&expected), "{line}");
    }
    carol.send(&format!("REPORTS RESOLVE {} :seen to", numbers[1]));
    carol.expect(&format!("NOTE REPORTS CLOSED {} resolved carol :seen to", numbers[1]));
    let daemon = Daemon::start_in(daemon.kill());
    let mut dave = Irc::register_with(daemon.irc(), "dave", CAPABILITIES);
    dave.join("#tea");
    dave.send("REPORTS #tea");
    let line = dave.line().expect("an open connection");
    assert!(line.contains("NOTE REPORTS END_OF_REPORTS 0 :"), "{line}");
}
