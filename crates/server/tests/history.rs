//! What was said is there to be read again, after the server was killed as well.

mod support;

use support::{Daemon, Irc, tag};

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
