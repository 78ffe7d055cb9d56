//! How the server ends, as its connections see it.

mod support;

use std::time::Duration;
use support::{Daemon, Irc};

#[test]
fn who_has_left_but_not_hung_up_does_not_keep_the_server_from_ending() {
    let mut daemon = Daemon::start("");
    let mut lingering = Irc::register(daemon.irc(), "alice");
    lingering.send("QUIT :bye");
    lingering.expect("ERROR ");
    daemon.signal("TERM");
    // The two seconds that a connection has to hang up after QUIT are not waited for.
    let status = daemon.wait_for_exit(Duration::from_millis(1500)).expect("the server waits for who has left");
    assert_eq!(status.code(), Some(0));
}
