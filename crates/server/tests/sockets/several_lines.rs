//! `draft/multiline`: what was one message is one after a kill, on every carrier.

use crate::support::{Daemon, Irc, Upgrade, tag};

const KNOWS: &str = "batch draft/multiline message-tags echo-message labeled-response draft/chathistory";
const LINES: [&str; 3] = ["one", "", "two"];

fn says(person: &mut Irc) -> String {
    person.send("@label=1 BATCH +b draft/multiline #tea");
    for line in LINES {
        person.send(&format!("@batch=b PRIVMSG #tea :{line}"));
    }
    person.send("@batch=b;draft/multiline-concat PRIVMSG #tea : and more");
    person.send("BATCH -b");
    let opening = person.expect(" BATCH +m");
    assert_eq!(tag(&opening, "label"), Some("1"), "{opening}");
    tag(&opening, "msgid").expect("an id").to_owned()
}

/// The lines of the one message, once its beginning has been seen.
fn rest(person: &mut Irc) -> Vec<(String, bool)> {
    let mut lines = Vec::new();
    loop {
        let line = person.line().expect("an open connection");
        if line.contains(" BATCH -m") {
            return lines;
        }
        let is_continued = line.contains(";draft/multiline-concat ");
        let (_, text) = line.split_once(" PRIVMSG #tea :").unwrap_or_else(|| panic!("{line}"));
        lines.push((text.to_owned(), is_continued));
    }
}

#[test]
fn a_message_of_several_lines_is_one_on_every_carrier_and_after_a_kill() {
    let composed: Vec<(String, bool)> =
        LINES.map(|line| (line.to_owned(), false)).into_iter().chain([(" and more".to_owned(), true)]).collect();
    let mut daemon = Daemon::start("");
    let mut alice = Irc::register_with(daemon.irc(), "alice", KNOWS);
    let mut browser =
        Upgrade::default().open(daemon.address("http")).expect("a WebSocket").registered_with("web", KNOWS);
    let mut plain = Irc::register(daemon.irc(), "plain");
    for person in [&mut alice, &mut browser, &mut plain] {
        person.join("#tea");
    }
    alice.drain();
    let id = says(&mut alice);
    assert_eq!(rest(&mut alice), composed);
    assert_eq!(tag(&browser.expect(" BATCH +m"), "msgid"), Some(id.as_str()));
    assert_eq!(rest(&mut browser), composed);
    for text in ["one", "two", " and more"] {
        let line = plain.expect(" PRIVMSG #tea :");
        assert!(line.ends_with(&format!(" PRIVMSG #tea :{text}")), "{line}");
    }

    daemon = Daemon::start_in(daemon.kill());
    let mut later = Irc::register_with(daemon.irc(), "later", KNOWS);
    later.join("#tea");
    later.drain();
    later.send("CHATHISTORY LATEST #tea * 1");
    later.expect(" chathistory #tea");
    assert_eq!(tag(&later.expect(" BATCH +m"), "msgid"), Some(id.as_str()));
    assert_eq!(rest(&mut later), composed);
}
