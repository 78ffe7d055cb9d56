//! SIGHUP and REHASH: what changes at once, what a bad file does, and that nobody is dropped by it.

use crate::support::{Daemon, EXEMPT, Irc, Link, Upgrade, dial};
use std::path::Path;
use tempfile::TempDir;

const LISTENERS: &str = r#"
[server]
name = "parlor.test"
MOTD

[[listener]]
address = "127.0.0.1:0"
protocol = "irc"

[[listener]]
address = "127.0.0.1:0"
protocol = "irc"
tls = true

[[listener]]
address = "127.0.0.1:0"
protocol = "http"
tls = true

[tls]
certificate = "cert.pem"
key = "key.pem"

[accounts]
password_cost = "test"

[[operator]]
name = "admin"
password = "open sesame"
rights = ["all"]
"#;

fn write_config(folder: &Path, motd: &str, more: &str) {
    let config = LISTENERS.replace("MOTD", &format!("motd = \"{motd}\""));
    std::fs::write(folder.join("config.toml"), format!("{config}\n{EXEMPT}\n{more}")).expect("the configuration");
}

/// A new certificate and its key, in PEM.
fn write_certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["parlor.test".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("written");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
}

fn started() -> Daemon {
    let folder = TempDir::new().expect("a temporary folder");
    write_config(folder.path(), "the first", "");
    write_certificate(folder.path());
    Daemon::start_in(folder)
}

#[test]
fn a_new_certificate_is_shown_to_those_who_come_and_nobody_is_dropped() {
    let daemon = started();
    let mut early = Irc::connect_tls(daemon.address("ircs")).registered("early");
    let mut browser =
        Upgrade::default().over(Link::tls(dial(daemon.address("https")))).expect("a WebSocket").registered("browser");
    let first = early.certificate().expect("a certificate");
    assert_eq!(browser.certificate().as_ref(), Some(&first));
    for person in [&mut early, &mut browser] {
        person.join("#tea");
    }

    write_certificate(daemon.folder.path());
    daemon.signal("HUP");
    daemon.logs("the configuration was read again");

    let mut late = Irc::connect_tls(daemon.address("ircs")).registered("late");
    let second = late.certificate().expect("a certificate");
    assert_ne!(second, first, "the old certificate is still shown");
    let later =
        Upgrade::default().over(Link::tls(dial(daemon.address("https")))).expect("a WebSocket").registered("later");
    assert_eq!(later.certificate(), Some(second));
    late.join("#tea");
    early.send("PRIVMSG #tea :still here");
    browser.expect("PRIVMSG #tea :still here");
    late.expect("PRIVMSG #tea :still here");
    browser.send("PRIVMSG #tea :so am I");
    early.expect("PRIVMSG #tea :so am I");
}

#[test]
fn a_key_that_does_not_fit_changes_nothing_and_is_named() {
    let daemon = started();
    let before = Irc::connect_tls(daemon.address("ircs")).registered("before").certificate();
    let folder = daemon.folder.path();
    let old_key = std::fs::read(folder.join("key.pem")).expect("the key");
    write_certificate(folder);
    std::fs::write(folder.join("key.pem"), old_key).expect("written");
    daemon.signal("HUP");
    let complaint = daemon.logs("the configuration stays as it was");
    assert!(complaint.contains("key.pem") && complaint.contains("cert.pem"), "{complaint}");
    assert_eq!(Irc::connect_tls(daemon.address("ircs")).registered("after").certificate(), before);
}

#[test]
fn a_good_file_takes_effect_and_a_bad_one_changes_nothing_and_says_where_it_is_wrong() {
    let daemon = started();
    let mut alice = Irc::register(daemon.irc(), "alice");
    let motd = |person: &mut Irc| {
        person.send("MOTD");
        let text = person.expect(" 372 ");
        person.expect(" 376 ");
        text
    };
    assert!(motd(&mut alice).ends_with("the first"));

    write_config(daemon.folder.path(), "the second", "");
    daemon.signal("HUP");
    daemon.logs("the configuration was read again");
    assert!(motd(&mut alice).ends_with("the second"));

    write_config(daemon.folder.path(), "the third", "[limits]\nnick_lenght = 12\n");
    daemon.signal("HUP");
    let complaint = daemon.logs("the configuration stays as it was");
    let config = std::fs::read_to_string(daemon.folder.path().join("config.toml")).expect("the configuration");
    let line = 1 + config.lines().position(|line| line.starts_with("nick_lenght")).expect("the mistake");
    for part in ["config.toml", &line.to_string(), "nick_lenght"] {
        assert!(complaint.contains(part), "{part} is not in: {complaint}");
    }
    assert!(motd(&mut alice).ends_with("the second"));

    // The same by an operator on the wire, when it is good again.
    write_config(daemon.folder.path(), "the fourth", "");
    alice.send("REHASH");
    alice.expect(" 481 ");
    alice.send("OPER admin :open sesame");
    alice.expect(" 381 ");
    alice.send("REHASH");
    alice.expect(" 382 ");
    daemon.logs("the configuration was read again (alice)");
    assert!(motd(&mut alice).ends_with("the fourth"));

    // Whoever asked for it is told what is wrong.
    write_config(daemon.folder.path(), "the fifth", "nick_lenght = 9");
    alice.send("REHASH");
    alice.expect(" 382 ");
    let told = alice.expect("NOTICE");
    assert!(told.contains("stays as it was") && told.contains("nick_lenght"), "{told}");
}

#[test]
fn bounds_that_change_hold_for_those_who_are_here() {
    let daemon = started();
    let mut alice = Irc::register_with(daemon.irc(), "alice", "cap-notify");
    alice.join("#tea");
    alice.send(&format!("TOPIC #tea :{}", "t".repeat(60)));
    assert!(alice.expect("TOPIC #tea :").ends_with(&"t".repeat(60)));
    write_config(daemon.folder.path(), "the second", "[limits]\ntopic_length = 20\n");
    daemon.signal("HUP");
    daemon.logs("the configuration was read again");
    alice.send(&format!("TOPIC #tea :{}", "u".repeat(60)));
    alice.expect("at most 20 are possible");
    alice.send("TOPIC #tea :short");
    alice.expect("TOPIC #tea :short");
}

#[test]
fn a_hundred_reloads_under_talk_lose_nothing() {
    let daemon = started();
    let mut talker = Irc::register_with(daemon.irc(), "talker", "echo-message");
    let mut listener = Irc::connect_tls(daemon.address("ircs")).registered("listener");
    talker.join("#tea");
    listener.join("#tea");
    for n in 0..100 {
        daemon.signal("HUP");
        talker.send(&format!("PRIVMSG #tea :{n}."));
        talker.expect(&format!(" :{n}."));
        let heard = listener.expect("PRIVMSG #tea ");
        assert!(heard.ends_with(&format!(":{n}.")), "{heard} came instead of {n}");
    }
    // Signals that come while one is being worked on are one to the kernel, so not all of them show.
    assert!(daemon.logs("the configuration was read again").contains("SIGHUP"));
}
