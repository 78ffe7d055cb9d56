//! A group conversation over real connections: found again by the same people after the server was killed, with all that
//! was said and read in it, and gone when everyone has left it.

use crate::support::{Daemon, Irc, tag};
use std::net::SocketAddr;

const CAPABILITIES: &str = "batch server-time message-tags echo-message labeled-response draft/chathistory \
                            draft/read-marker draft/event-playback draft/channel-rename parlor/groups parlor/unread";
const GROUP: &str = "#+alice+bob+carol";

fn log_in(address: SocketAddr, name: &str, capabilities: &str) -> Irc {
    let mut irc = Irc::connect(address);
    irc.send(&format!("CAP REQ :{capabilities}"));
    irc.send(&format!("PASS {name}:correct-horse"));
    irc.send(&format!("NICK {name}"));
    irc.send(&format!("USER {name} 0 * :{name}"));
    irc.send("CAP END");
    irc.greeted(name);
    irc
}

fn make_accounts(daemon: &Daemon) {
    for name in ["alice", "bob", "carol"] {
        let mut irc = Irc::register(daemon.irc(), name);
        irc.send("REGISTER * * :correct-horse");
        irc.expect("REGISTER SUCCESS");
        irc.send("QUIT");
        irc.until_closed();
    }
}

#[test]
fn a_group_outlives_a_kill_and_ends_with_its_last_member() {
    let daemon = Daemon::start("");
    make_accounts(&daemon);
    let mut alice = log_in(daemon.irc(), "alice", CAPABILITIES);
    // A client that knows of rooms alone.
    let mut bob = log_in(daemon.irc(), "bob", "");
    alice.send("GROUP bob,carol");
    alice.expect(&format!(" GROUP {GROUP} :alice bob carol"));
    bob.expect(&format!(" JOIN {GROUP}"));
    alice.send(&format!("PRIVMSG {GROUP} :one"));
    let one = tag(&alice.expect(&format!(" PRIVMSG {GROUP} :one")), "time").expect("a time").to_owned();
    bob.expect(&format!(" PRIVMSG {GROUP} :one"));
    alice.send(&format!("MARKREAD {GROUP} timestamp={one}"));
    alice.expect(&format!(" MARKREAD {GROUP} timestamp={one}"));
    bob.send(&format!("PRIVMSG {GROUP} :two"));
    alice.expect(&format!(" PRIVMSG {GROUP} :two"));
    let daemon = Daemon::start_in(daemon.kill());

    // Carol was never here: she is brought in on her return, and reads what she was a member for.
    let mut carol = log_in(daemon.irc(), "carol", CAPABILITIES);
    carol.expect(&format!(" JOIN {GROUP}"));
    carol.send(&format!("CHATHISTORY LATEST {GROUP} * 10"));
    carol.expect(&format!(" PRIVMSG {GROUP} :one"));
    carol.expect(&format!(" PRIVMSG {GROUP} :two"));
    let mut alice = log_in(daemon.irc(), "alice", CAPABILITIES);
    alice.expect(&format!(" JOIN {GROUP}"));
    alice.expect(&format!(" MARKREAD {GROUP} timestamp={one}"));
    alice.send("UNREAD");
    alice.expect(&format!(" UNREAD {GROUP} 1 1"));
    alice.send("CHATHISTORY TARGETS timestamp=2020-01-01T00:00:00.000Z timestamp=2200-01-01T00:00:00.000Z 10");
    alice.expect(&format!(" CHATHISTORY TARGETS {GROUP} "));
    let mut bob = log_in(daemon.irc(), "bob", "");
    bob.send("JOIN #+carol+alice");
    bob.expect(&format!(" 470 bob #+carol+alice {GROUP} "));

    // Nobody outside finds it, and nobody is left in it in the end.
    let mut eve = Irc::register(daemon.irc(), "eve");
    eve.send(&format!("PRIVMSG {GROUP} :hi"));
    eve.expect(&format!(" 403 eve {GROUP} "));
    alice.send(&format!("RENAME {GROUP} #+Plans"));
    alice.expect(&format!(" RENAME {GROUP} #+Plans"));
    for irc in [&mut alice, &mut bob, &mut carol] {
        irc.send("PART #+plans");
        irc.expect(" PART #+Plans");
    }
    let daemon = Daemon::start_in(daemon.kill());
    let mut alice = log_in(daemon.irc(), "alice", CAPABILITIES);
    alice.send("GROUP");
    alice.expect(" BATCH +");
    let end = alice.line().expect("an open connection");
    assert!(end.contains(" BATCH -"), "{end}");
    alice.send("GROUP bob,carol");
    alice.expect(&format!(" GROUP {GROUP} :alice bob carol"));
    alice.send(&format!("CHATHISTORY LATEST {GROUP} * 10"));
    alice.expect(" BATCH +");
    loop {
        let line = alice.line().expect("an open connection");
        assert!(!line.contains(" PRIVMSG "), "another group's: {line}");
        if line.contains(" BATCH -") {
            break;
        }
    }
}
