//! Passwords in the system's keyring: GNOME Keyring, on a session's bus of its own.

use super::*;
use std::os::unix::net::UnixListener;

/// With a keyring that is unlocked, as after the login to a desktop.
fn with_keyring(folder: &Path, arguments: &str) -> Terminal {
    let unlocked = "printf master | gnome-keyring-daemon --unlock --components=secrets >/dev/null;";
    Terminal::start_in("dbus-run-session --", unlocked, folder, "alice", (100, 24), arguments)
}

fn is_there() -> bool {
    ["dbus-run-session", "gnome-keyring-daemon"].iter().all(|program| {
        let there = Command::new(program).arg("--version").output().is_ok();
        if !there {
            println!("not tested: {program} is missing (`apt-get install gnome-keyring`)");
        }
        there
    })
}

/// The account is made on the screen. What the status line says of its password then.
fn let_in(alice: &Terminal, port: u16) {
    alice.sees("Server: HOST");
    alice.says(&format!("127.0.0.1:{port}"));
    alice.sees("Your name there");
    alice.says("");
    alice.sees("Password (empty");
    alice.says("sesame-and-more");
    alice.sees("make this account");
    alice.keys(&["C-r"]);
}

fn left(alice: &Terminal) {
    alice.keys(&["C-c", "C-c"]);
    alice.sees("ended with 0");
}

#[test]
fn a_password_is_kept_in_the_keyring_and_else_in_the_file_until_there_is_one() {
    if !is_there() {
        return;
    }
    let (daemon, port) = on_a_fixed_port();
    let folder = daemon.folder.path().to_owned();
    let passwords = || std::fs::read_to_string(folder.join("alice/parlor/passwords.toml")).unwrap_or_default();
    let alice = with_keyring(&folder, "--plain");
    let_in(&alice, port);
    alice.sees("Your password is kept in the keyring of this system.");
    assert_eq!(passwords(), "");
    left(&alice);
    drop(alice);

    // Without a question, and logged in.
    let mut bob = Irc::register_with(daemon.irc(), "bob", ALL);
    let alice = with_keyring(&folder, &format!("--plain alice@127.0.0.1:{port}"));
    alice.sees(" online");
    bob.send("WHOIS alice");
    bob.expect(" 330 ");
    left(&alice);
    drop(alice);

    // No keyring this time: asked for, and kept in the file.
    let alice = Terminal::start(&folder, "alice", 100, 24, "");
    alice.sees("wants to know who you are");
    alice.says("sesame-and-more");
    alice.sees("No keyring here: your password is in passwords.toml.");
    assert!(passwords().contains("sesame-and-more"));
    left(&alice);
    drop(alice);

    // From there it moves.
    let alice = with_keyring(&folder, "");
    alice.sees("Your password is kept in the keyring of this system.");
    assert!(!passwords().contains("sesame"));
    left(&alice);
}

/// A bus that takes the connection and says nothing: the screen is there, and the password is typed.
#[test]
fn a_keyring_that_does_not_answer_holds_nobody_up() {
    let (daemon, port) = on_a_fixed_port();
    let folder = daemon.folder.path().to_owned();
    let _silent = UnixListener::bind(folder.join("bus")).expect("a socket");
    let around = format!("env DBUS_SESSION_BUS_ADDRESS=unix:path={}", folder.join("bus").display());
    let alice = Terminal::start_in(&around, "", &folder, "alice", (100, 24), "--plain");
    let_in(&alice, port);
    alice.sees(" online");
    alice.says("nobody waits");
    alice.sees("alice nobody waits");
    alice.sees("No keyring here: your password is in passwords.toml.");
    left(&alice);
    drop(alice);

    std::fs::remove_file(folder.join("alice/parlor/passwords.toml")).expect("the kept password");
    let alice = Terminal::start_in(&around, "", &folder, "alice", (100, 24), "");
    alice.sees("The keyring of this system does not answer yet");
    alice.sees("nobody waits");
    alice.says("sesame-and-more");
    alice.sees(" online");
    left(&alice);
}
