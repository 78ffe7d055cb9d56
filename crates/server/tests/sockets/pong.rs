//! Whoever has the answer to a PING has seen all that others had said before it, whichever threads read their connections.

use crate::support::{Daemon, Irc, Upgrade};

#[test]
fn a_pong_comes_behind_what_others_said_before_its_ping() {
    let daemon = Daemon::start("");
    let mut alice = Irc::register(daemon.irc(), "alice");
    // Connections are dealt to the threads in turn, and those of the page begin anew: two of these three are with another
    // thread than alice, or the same, as it comes.
    let others = [
        Irc::register(daemon.irc(), "bob"),
        Irc::register(daemon.irc(), "carol"),
        Upgrade::default().open(daemon.address("http")).expect("a WebSocket").registered("web"),
    ];
    alice.join("#tea");
    for mut other in others {
        other.join("#tea");
        other.drain();
        for number in 0..100 {
            alice.send(&format!("PRIVMSG #tea :{number}"));
            other.send(&format!("PING {number}"));
            let line = other.expect_any(&[" PRIVMSG #tea :", " PONG "]);
            assert!(line.ends_with(&format!(" PRIVMSG #tea :{number}")), "{line}");
            other.expect(" PONG ");
        }
        other.send("QUIT");
        alice.expect(" QUIT ");
    }
}
