//! The lesson's sequence diagram, with the real programs over real sockets, step by step (ARCHITECTURE.md).

use crate::support::{Daemon, Irc, Person, tag};

#[test]
fn the_sequence_diagram_of_the_lesson_runs_with_the_real_programs() {
    let daemon = Daemon::start("");
    let server = daemon.irc().to_string();

    // Someone is in the room already, on a bare socket, and sees every line of the wire.
    let mut watcher = Irc::register_with(daemon.irc(), "watcher", "message-tags server-time parlor/identity");
    watcher.join("#lobby");

    // Authenticate -> Authenticate OK: a new account, made and logged in by the client.
    let alice_at = format!("alice@{server}");
    let mut alice = Person::start(&daemon, &["--register", "--plain", "--json", &alice_at, "#lobby"]);

    // Broadcast New Client: every member hears of it, the newcomer included.
    let join = watcher.expect(" JOIN #lobby");
    assert!(join.contains(":alice!"), "{join}");
    alice.sees("\"alice\"");

    let bob_at = format!("bob@{server}");
    let mut bob = Person::start(&daemon, &["--guest", "--plain", "--json", &bob_at, "#lobby"]);
    watcher.expect(":bob!");
    alice.sees("\"bob\"");

    // Send Message -> Message Received: the echo, with the id under which it is on disk.
    alice.says("hello, room");
    let echo = alice.sees("hello, room");
    // Broadcast Message: to every other member, with sender, payload, timestamp, room and ids.
    let on_wire = watcher.expect("PRIVMSG #lobby :hello, room");
    let at_bob = bob.sees("hello, room");
    let id = tag(&on_wire, "msgid").expect("a message has an id");
    for line in [&echo, &at_bob] {
        let message: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
        let holds = |part: &str| line.contains(part);
        assert!(holds(id), "{line} does not hold the message id {id}");
        assert!(holds(tag(&on_wire, "parlor/sender-id").expect("sender id")), "{line} lacks the sender id");
        assert!(holds(tag(&on_wire, "parlor/room-id").expect("room id")), "{line} lacks the room id");
        assert!(holds(tag(&on_wire, "time").expect("a time")), "{line} lacks the timestamp");
        assert!(message.is_object(), "{line}");
    }

    // Disconnect -> Disconnect OK: QUIT, ERROR, exit code 0.
    assert_eq!(bob.leaves(), Some(0));
    // Broadcast Client Disconnected.
    let quit = watcher.expect(" QUIT ");
    assert!(quit.contains(":bob!"), "{quit}");
    alice.sees("\"bob\"");
    assert_eq!(alice.leaves(), Some(0));
    watcher.expect(":alice!");

    let (status, _folder) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    let last = watcher.until_closed().expect("a last line");
    assert!(last.contains(" ERROR :Closing link: (The server is shutting down)"), "{last:?} is not the goodbye");
}
