//! A message that was redacted stays so, after the server was killed as well.

use crate::support::{Daemon, Irc, tag};

const CAPABILITIES: &str =
    "batch server-time message-tags echo-message draft/chathistory draft/message-redaction parlor/identity";

#[test]
fn a_redaction_outlives_a_kill() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", CAPABILITIES);
    alice.join("#tea");
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        alice.send(&format!("PRIVMSG #tea :{text}"));
        let echo = alice.expect(" PRIVMSG #tea ");
        ids.push(tag(&echo, "msgid").expect("an id").to_owned());
    }
    alice.send(&format!("REDACT #tea {} :typo", ids[1]));
    alice.expect(&format!(" REDACT #tea {} :typo", ids[1]));
    let daemon = Daemon::start_in(daemon.kill());

    let mut bob = Irc::register_with(daemon.irc(), "bob", CAPABILITIES);
    bob.join("#tea");
    bob.send("CHATHISTORY LATEST #tea * 10");
    bob.expect(" BATCH +");
    bob.expect(" PRIVMSG #tea :one");
    let left = bob.line().expect("an open connection");
    assert!(left.ends_with(" PRIVMSG #tea :") && tag(&left, "msgid") == Some(&ids[1]), "{left}");
    let redaction = bob.line().expect("an open connection");
    assert!(redaction.contains("draft/chathistory-context"), "{redaction}");
    assert!(redaction.ends_with(&format!(" REDACT #tea {} :typo", ids[1])), "{redaction}");
    bob.expect(" PRIVMSG #tea :three");
    bob.expect(" BATCH -");
    // Whoever comes first into a room that nobody owns is its operator. What alice said is long gone from memory.
    bob.send(&format!("REDACT #tea {}", ids[2]));
    bob.expect(&format!(" REDACT #tea {}", ids[2]));
    bob.send(&format!("REDACT #tea {}", ids[1]));
    bob.expect(&format!("FAIL REDACT UNKNOWN_MSGID #tea {} :", ids[1]));

    let mut plain = Irc::register_with(daemon.irc(), "plain", "batch message-tags draft/chathistory");
    plain.join("#tea");
    plain.send("CHATHISTORY LATEST #tea * 10");
    plain.expect(" PRIVMSG #tea :one");
    let next = plain.line().expect("an open connection");
    assert!(next.contains(" BATCH -"), "{next}");
}
