//! What is pinned stays so, after the server was killed as well.

use crate::support::{Daemon, Irc, tag};

const CAPABILITIES: &str = "batch message-tags echo-message parlor/pins draft/message-edit draft/message-redaction";

#[test]
fn pins_outlive_a_kill() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        alice.send(&format!("PRIVMSG #tea :{text}"));
        let echo = alice.expect(" PRIVMSG #tea ");
        ids.push(tag(&echo, "msgid").expect("an id").to_owned());
    }
    for id in [&ids[2], &ids[0], &ids[1]] {
        alice.send(&format!("PIN #tea {id}"));
        alice.expect(&format!(" PIN #tea {id}"));
    }
    alice.send(&format!("UNPIN #tea {}", ids[1]));
    alice.expect(&format!(" UNPIN #tea {}", ids[1]));
    alice.send(&format!("@draft/target-msgid={};draft/edit-text=uno EDIT #tea", ids[0]));
    alice.expect(" EDIT #tea");
    let daemon = Daemon::start_in(daemon.kill());

    let mut plain = Irc::register(daemon.irc(), "plain");
    plain.send("JOIN #tea");
    plain.expect("NOTICE plain :#tea has 2 pinned messages: PINS #tea shows them");
    plain.send("PINS #tea");
    for text in
        ["#tea 1: pinned by alice", "<alice> three", "#tea 2: pinned by alice", "<alice> uno", "2 pinned messages"]
    {
        let line = plain.line().expect("an open connection");
        assert!(line.contains(text), "{line}");
    }
    // Whoever comes first into a room that nobody owns is its operator.
    let mut bob = Irc::register_with(daemon.irc(), "bob", CAPABILITIES);
    bob.send("JOIN #tea");
    bob.expect("PINS #tea 2");
    plain.send("UNPIN #tea 1");
    bob.expect(&format!(" UNPIN #tea {}", ids[2]));
    plain.send("PIN #tea alice");
    bob.expect(&format!(" PIN #tea {}", ids[2]));
    plain.send("PIN #tea alice");
    plain.expect("FAIL PIN ALREADY_PINNED #tea alice :");
}
