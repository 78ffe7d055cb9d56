//! `chat_client` on the whole screen: the real program in a real terminal (tmux), with a real server.

mod keyring;
mod measures;

use crate::support::{DEADLINE, Daemon, EXEMPT, Irc, TEST_CONFIG, program, tag};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A terminal with a program in it, ended when dropped.
struct Terminal {
    socket: TempDir,
}

impl Terminal {
    /// `arguments` as a shell reads them. Without a session's bus, and so without a keyring.
    fn start(folder: &Path, name: &str, columns: u16, rows: u16, arguments: &str) -> Terminal {
        let around = "env DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere";
        Terminal::start_in(around, "", folder, name, (columns, rows), arguments)
    }

    /// `around`: what runs the shell that does `before` and then becomes the program.
    fn start_in(
        around: &str,
        before: &str,
        folder: &Path,
        name: &str,
        (columns, rows): (u16, u16),
        arguments: &str,
    ) -> Terminal {
        // A tmux of its own, whose socket stays for as long as it runs: without it nothing could end it.
        let socket = TempDir::new().expect("a folder for the socket");
        let client = program("chat_client");
        let home = folder.join(name);
        std::fs::create_dir_all(&home).expect("a home");
        let command = format!(
            "env HOME='{home}' XDG_DATA_HOME='{home}' XDG_CONFIG_HOME='{home}' XDG_RUNTIME_DIR='{home}' TZ=UTC USER={name} {around} sh -c '{before} echo $$ >\"$HOME/pid\"; exec \"$0\" \"$@\"' '{client}' {arguments}; echo ended with $?; read wait",
            home = home.display(),
            client = client.display(),
        );
        let terminal = Terminal { socket };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, &command]);
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output =
            Command::new("tmux").arg("-S").arg(self.socket.path().join("tmux")).args(["-u"]).args(arguments).output();
        let output = output.expect("this test needs tmux: install it, as `apt-get install tmux` does");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// What tmux knows of the terminal, by its format.
    fn tells(&self, format: &str) -> String {
        self.tmux(&["display-message", "-p", format]).trim().to_owned()
    }

    /// By tmux's names: Enter, M-Up, C-k.
    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn says(&self, text: &str) {
        self.types(text);
        self.keys(&["Enter"]);
    }

    fn picture(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    #[track_caller]
    fn sees(&self, text: &str) -> String {
        self.sees_so(|picture| picture.contains(text), text)
    }

    /// The server has it: what is only under way has its sign before it.
    #[track_caller]
    fn sees_said(&self, text: &str) {
        self.sees_so(|picture| picture.lines().any(|line| line.contains(text) && !line.contains('…')), text);
    }

    #[track_caller]
    fn sees_so(&self, is_so: impl Fn(&str) -> bool, what: &str) -> String {
        let begun = Instant::now();
        loop {
            let picture = self.picture();
            if is_so(&picture) {
                return picture;
            }
            assert!(begun.elapsed() < DEADLINE, "not seen: {what}\n{picture}");
            // A terminal tells nobody that it has changed; this only paces the looking.
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A port that stays the same when the server comes back.
fn on_a_fixed_port() -> (Daemon, u16) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let config = TEST_CONFIG.replacen("127.0.0.1:0", &format!("127.0.0.1:{port}"), 1);
    (Daemon::start_with(&format!("{config}\n{EXEMPT}")), port)
}

const ALL: &str = "message-tags batch server-time echo-message labeled-response draft/message-edit \
                   draft/message-redaction draft/chathistory";

#[test]
fn someone_new_talks_answers_reacts_edits_and_searches() {
    let (daemon, port) = on_a_fixed_port();
    let mut bob = Irc::register_with(daemon.irc(), "bob", ALL);
    bob.join("#lobby");
    bob.send("PRIVMSG #lobby :welcome, whoever you are");
    let said = bob.expect("PRIVMSG #lobby :welcome");
    let welcome = tag(&said, "msgid").expect("an id").to_owned();

    // Within three answers: where, who, and no password.
    let alice = Terminal::start(daemon.folder.path(), "alice", 100, 30, "--plain");
    alice.sees("Server: HOST");
    alice.says(&format!("127.0.0.1:{port}"));
    alice.sees("Your name there [alice]");
    alice.says("");
    alice.sees("Password (empty: come as a guest)");
    alice.says("");
    alice.sees("welcome, whoever you are");
    alice.sees(" online");

    alice.says("hello from the screen");
    bob.expect("PRIVMSG #lobby :hello from the screen");
    alice.sees_said("alice hello from the screen");

    // An answer, to the message before one's own.
    alice.keys(&["M-Up"]);
    alice.sees("r answer");
    alice.keys(&["Up"]);
    alice.types("r");
    alice.sees("answering bob: welcome");
    alice.says("thank you");
    let answer = bob.expect("PRIVMSG #lobby :thank you");
    assert_eq!(tag(&answer, "+draft/reply"), Some(welcome.as_str()), "{answer}");
    alice.sees("╭ bob: welcome, whoever you are");

    alice.keys(&["M-Up"]);
    alice.sees("r answer");
    alice.types("+");
    alice.sees("React with");
    alice.says("tada");
    bob.expect("+draft/react=🎉");
    alice.sees("[🎉 1*]");
    bob.send(&format!("@+draft/reply={};+draft/react=🎉 TAGMSG #lobby", tag(&answer, "msgid").expect("an id")));
    alice.sees("[🎉 2*]");

    alice.keys(&["M-Up"]);
    alice.sees("r answer");
    alice.types("e");
    alice.sees("editing your message");
    alice.says(", all of you");
    let edit = bob.expect(" EDIT #lobby");
    assert_eq!(tag(&edit, "draft/edit-text"), Some("thank\\syou,\\sall\\sof\\syou"));
    alice.sees("thank you, all of you (edited)");

    alice.keys(&["M-Up"]);
    alice.sees("r answer");
    alice.types("xx");
    bob.expect(" REDACT #lobby");
    alice.sees("deleted");

    // Found, and shown in its place.
    alice.says("/search whoever");
    alice.sees("1 message with whoever");
    alice.keys(&["Enter"]);
    alice.sees("r answer");
    alice.keys(&["Escape"]);

    // Another size: everything is still there, narrower.
    alice.tmux(&["resize-window", "-x", "44", "-y", "16"]);
    alice.sees_so(|picture| picture.contains("welcome, whoever") && !picture.contains('│'), "a narrow screen");
    alice.tmux(&["resize-window", "-x", "120", "-y", "30"]);
    alice.sees("2 people");

    alice.says("/quit");
    alice.sees("ended with 0");

    // The next time it is there at once.
    let again = Terminal::start(daemon.folder.path(), "alice", 80, 24, "");
    again.sees("welcome, whoever you are");
    again.keys(&["C-c", "C-c"]);
    again.sees("ended with 0");
    drop(again);

    // Without a server too: what was said last is here.
    let folder = daemon.kill();
    let offline = Terminal::start(folder.path(), "alice", 80, 24, "");
    offline.sees("offline");
    offline.sees("welcome, whoever you are");
}

#[test]
fn what_is_typed_while_the_server_is_dead_is_posted_once_when_it_is_back() {
    let (daemon, port) = on_a_fixed_port();
    let mut bob = Irc::register_with(daemon.irc(), "bob", ALL);
    bob.join("#lobby");
    let alice =
        Terminal::start(daemon.folder.path(), "alice", 90, 24, &format!("--plain --guest alice@127.0.0.1:{port}"));
    alice.sees(" online");
    alice.says("before");
    bob.expect("PRIVMSG #lobby :before");
    bob.send("PRIVMSG #lobby :seen");
    alice.sees("bob seen");
    drop(bob);

    let folder = daemon.kill();
    alice.sees("offline");
    alice.says("said while it was dead");
    alice.sees("1 unsent");

    let daemon = Daemon::start_in(folder);
    let mut bob = Irc::register_with(daemon.irc(), "bob", ALL);
    bob.join("#lobby");
    let picture = alice.sees_so(
        |picture| {
            picture.contains("said while it was dead") && picture.contains(" online ") && !picture.contains("…  ")
        },
        "all is sent",
    );
    assert_eq!(picture.matches("said while it was dead").count(), 1, "{picture}");
    assert_eq!(picture.matches("bob seen").count(), 1, "{picture}");
    bob.send("CHATHISTORY LATEST #lobby * 20");
    let mut kept = 0;
    loop {
        let line = bob.line().expect("the history");
        kept += usize::from(line.contains("batch=") && line.contains(":said while it was dead"));
        if line.contains(" BATCH -") {
            break;
        }
    }
    assert_eq!(kept, 1);
}

/// Typed without a link, and the client is killed: the next one sends it.
#[test]
fn what_was_typed_before_the_client_was_killed_is_sent_by_the_next() {
    let (daemon, port) = on_a_fixed_port();
    let folder = daemon.folder.path().to_owned();
    let arguments = format!("--plain --guest alice@127.0.0.1:{port}");
    let alice = Terminal::start(&folder, "alice", 90, 24, &arguments);
    alice.sees(" online");
    let data = daemon.kill();
    alice.sees("offline");
    alice.says("not forgotten");
    alice.sees("1 unsent");
    // The terminal goes away with everything in it.
    drop(alice);
    let daemon = Daemon::start_in(data);
    let mut bob = Irc::register_with(daemon.irc(), "bob", ALL);
    bob.join("#lobby");
    let alice = Terminal::start(&folder, "alice", 90, 24, &arguments);
    bob.expect("PRIVMSG #lobby :not forgotten");
    alice.sees_so(|picture| picture.matches("not forgotten").count() == 1 && picture.contains(" online "), "sent once");
}

#[test]
fn several_servers_at_once_and_the_next_time_all_of_them() {
    let (tea, port) = on_a_fixed_port();
    let (books, other_port) = on_a_fixed_port();
    let mut bob = Irc::register_with(tea.irc(), "bob", ALL);
    bob.join("#lobby");
    let mut carol = Irc::register_with(books.irc(), "carol", ALL);
    carol.join("#lobby");
    let folder = tea.folder.path().to_owned();
    let alice = Terminal::start(&folder, "alice", 90, 24, &format!("--plain --guest alice@127.0.0.1:{port}"));
    alice.sees(" online");
    bob.expect("alice!");
    alice.says(&format!("/server irc://127.0.0.1:{other_port} books"));
    carol.send("JOIN #books");
    alice.sees("#books");
    alice.sees(" online");
    alice.says("hello books");
    carol.expect("PRIVMSG #books :hello books");
    // Unread on the other one, and gone to.
    bob.send("PRIVMSG #lobby :alice, tea is ready");
    alice.sees("@1 1");
    alice.keys(&["M-a"]);
    alice.sees("bob alice, tea is ready");
    alice.says("coming");
    bob.expect("PRIVMSG #lobby :coming");
    // One of them dies; on the other one goes on talking, and what is typed there waits.
    let data = books.kill();
    alice.sees("✗");
    alice.sees(" online");
    bob.send("PRIVMSG #lobby :still here?");
    alice.sees("bob still here?");
    alice.keys(&["C-k"]);
    alice.types("#books");
    alice.keys(&["Enter"]);
    alice.sees("offline");
    alice.says("later");
    alice.sees("1 unsent");
    alice.says("/quit");
    alice.sees("ended with 0");
    drop(alice);

    let books = Daemon::start_in(data);
    let mut carol = Irc::register_with(books.irc(), "carol", ALL);
    carol.join("#books");
    let alice = Terminal::start(&folder, "alice", 90, 24, "");
    carol.expect("PRIVMSG #books :later");
    alice.sees_so(|picture| picture.matches("127.0.0.1").count() == 2 && !picture.contains('✗'), "both servers");
    alice.sees(" online");
}

/// The first signal says goodbye; to a server that does not answer a second one is enough, and the terminal is as before.
#[test]
fn a_second_signal_gives_the_terminal_back_at_once() {
    let (daemon, port) = on_a_fixed_port();
    let alice =
        Terminal::start(daemon.folder.path(), "alice", 90, 24, &format!("--plain --guest alice@127.0.0.1:{port}"));
    alice.sees(" online");
    assert_eq!(alice.tells("#{alternate_on} #{mouse_any_flag}"), "1 1");
    daemon.signal("STOP");
    let process = std::fs::read_to_string(daemon.folder.path().join("alice/pid")).expect("the client's process");
    let signal = || {
        let sent = Command::new("kill").args(["-INT", process.trim()]).status();
        assert!(sent.expect("kill").success());
    };
    signal();
    alice.sees("leaving");
    signal();
    alice.sees("ended with 130");
    assert_eq!(alice.tells("#{alternate_on} #{mouse_any_flag} #{cursor_flag}"), "0 0 1");
    daemon.signal("CONT");
}

#[test]
fn a_changed_certificate_ends_it_with_a_sentence() {
    let daemon = Daemon::start("");
    let port = daemon.address("ircs").port();
    let known = daemon.folder.path().join("alice/parlor");
    std::fs::create_dir_all(&known).expect("a folder");
    let other = format!("127.0.0.1:{port} SHA256:{}\n", "0".repeat(64));
    std::fs::write(known.join("known_servers"), other).expect("a file");
    let alice =
        Terminal::start(daemon.folder.path(), "alice", 90, 24, &format!("--tls --guest alice@127.0.0.1:{port}"));
    alice.sees("ended with 5");
    alice.sees("has changed");
    assert_eq!(alice.tells("#{alternate_on}"), "0");
}

/// An account made on the screen; the next time without a question; and what is marked on one device is so on the other.
#[test]
fn an_account_is_made_kept_and_marks_the_same_on_two_devices() {
    let (daemon, port) = on_a_fixed_port();
    let folder = daemon.folder.path().to_owned();
    let alice = Terminal::start(&folder, "alice", 100, 24, "--plain");
    alice.sees("Server: HOST");
    alice.says(&format!("127.0.0.1:{port}"));
    alice.sees("Your name there");
    alice.says("");
    alice.sees("Password (empty");
    alice.says("sesame-and-more");
    // There is no such account yet: it is made by one key.
    alice.sees("New here? Ctrl-R");
    alice.keys(&["C-r"]);
    alice.sees("your password is in passwords.toml");
    alice.says("/join garden");
    alice.sees(" #garden");
    alice.says("keep the roses");
    alice.sees_said("alice keep the roses");
    alice.keys(&["M-Up"]);
    alice.sees("P pin");
    alice.types("P");
    alice.sees("[1 pinned: Alt-P]");
    alice.keys(&["M-m"]);
    alice.sees("[muted]");

    let other = Terminal::start(&folder, "alice", 100, 24, "");
    other.sees(" online");
    other.keys(&["C-k"]);
    other.types("garden");
    other.keys(&["Enter"]);
    other.sees("keep the roses");
    other.sees("[1 pinned: Alt-P] [muted]");
    other.keys(&["M-m"]);
    other.sees_so(|picture| !picture.contains("[muted]"), "no longer muted");
    alice.sees_so(|picture| !picture.contains("[muted]"), "nor on the other device");
    other.keys(&["M-p"]);
    other.sees("Pinned in #garden");
    other.sees("alice: keep the roses");
}
