//! Those who stay when all their devices are gone, over real sockets and through the death of the process.

use crate::support::{Daemon, Irc};

fn register(daemon: &Daemon, name: &str) -> Irc {
    let mut irc = Irc::connect(daemon.irc());
    irc.send(&format!("NICK {name}\r\nREGISTER * * :four words of it\r\nUSER a 0 * :{name} real"));
    irc.expect("REGISTER SUCCESS");
    irc.greeted(name);
    irc
}

fn names(irc: &mut Irc, room: &str) -> Vec<String> {
    irc.send(&format!("NAMES {room}"));
    let line = irc.expect(" 353 ");
    irc.expect(" 366 ");
    let mut names: Vec<String> =
        line.rsplit(':').next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn who_stays_is_here_again_after_a_kill() {
    let daemon = Daemon::start("");
    let root = register(&daemon, "root");
    let mut alice = register(&daemon, "alice");
    alice.send("PERSISTENCE SET ON");
    alice.expect("NOTE PERSISTENCE STATUS ON ON");
    alice.join("#tea");
    alice.send("NICK ally");
    alice.expect(" NICK ");
    alice.send("AWAY :at lunch");
    alice.expect(" 306 ");
    let mut carol = register(&daemon, "carol");
    carol.send("PERSISTENCE SET ON");
    carol.expect("NOTE PERSISTENCE STATUS ON ON");
    carol.join("#tea");
    carol.send("QUIT");
    carol.until_closed();
    let mut dave = register(&daemon, "dave");
    dave.join("#tea");
    assert_eq!(names(&mut dave, "#tea"), ["carol", "dave", "~ally"]);

    let folder = daemon.kill();
    drop((root, alice, dave));
    let daemon = Daemon::start_in(folder);
    let mut bob = Irc::register(daemon.irc(), "bob");
    bob.join("#tea");
    assert_eq!(names(&mut bob, "#tea"), ["bob", "carol", "~ally"]);
    bob.send("WHOIS ally");
    assert!(bob.expect(" 311 ").ends_with(":alice real"));
    bob.expect(" 330 bob ally alice ");
    bob.expect(" 301 bob ally :at lunch");
    bob.expect(" 318 ");
    bob.send("PRIVMSG carol :are you there");
    bob.expect(" 301 bob carol :*");
    let mut eve = Irc::connect(daemon.irc());
    eve.send("NICK ally\r\nUSER e 0 * :e");
    eve.expect(" 433 ");

    // Whoever comes back is welcomed by the name that she left, in her rooms, and finds what was said to her.
    let mut alice = Irc::connect(daemon.irc());
    alice.send("PASS :alice:four words of it\r\nNICK alice\r\nUSER a 0 * :a");
    alice.greeted("ally");
    alice.expect(" JOIN #tea");
    let mut carol = Irc::connect(daemon.irc());
    carol.send(
        "CAP REQ :batch draft/chathistory\r\nPASS :carol:four words of it\r\nNICK carol\r\nUSER a 0 * :a\r\nCAP END",
    );
    carol.greeted("carol");
    carol.send("CHATHISTORY LATEST bob * 10");
    carol.expect("PRIVMSG carol :are you there");
    // She does not stay any more: the next start knows nothing of her.
    carol.send("PERSISTENCE SET OFF");
    carol.expect("NOTE PERSISTENCE STATUS OFF OFF");
    let daemon = Daemon::start_in(daemon.kill());
    let mut bob = Irc::register(daemon.irc(), "bob");
    bob.join("#tea");
    assert_eq!(names(&mut bob, "#tea"), ["bob", "~ally"]);
}
