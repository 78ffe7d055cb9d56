//! The real program in a pseudo-terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use crate::scripted_peer::{DEADLINE, Peer, chat_client, chat_client_of_terminal, ended};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The person's side of the terminal.
struct Person {
    keys: File,
    chunks: Receiver<Vec<u8>>,
    seen: String,
}

impl Person {
    fn sees(&mut self, text: &str) {
        self.sees_after(text);
    }

    /// Reads on until `text` is on the screen; what came before it.
    fn sees_after(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let chunk = self.chunks.recv_timeout(left).unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        let start = self.seen.find(text).unwrap();
        let before = self.seen[..start].to_owned();
        self.seen.drain(..start + text.len());
        before
    }

    /// The same, and no other line comes before it.
    fn sees_next(&mut self, text: &str) {
        let before = self.sees_after(text);
        assert!(!before.contains("\r\n"), "before {text:?}: {before:?}");
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
}

/// The program in a terminal of its own, as the guest alice in #tea.
fn at_a_terminal(peer: &Peer, folder: &Path) -> (Child, Person) {
    let mut command = chat_client(folder);
    command.args(["--lines", "--plain", "--guest", &format!("alice@{}", peer.address), "tea"]);
    started(command)
}

/// As alice, who has an account and is asked for its password.
fn asked_for_a_password(peer: &Peer, folder: &Path) -> (Child, Person) {
    let mut command = chat_client_of_terminal(folder);
    command.args(["--lines", "--plain", &format!("alice@{}", peer.address), "tea"]);
    started(command)
}

fn started(mut command: Command) -> (Child, Person) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let terminal = || Stdio::from(OpenOptions::new().read(true).write(true).open(&path).unwrap());
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    let child = command.stdin(terminal()).stdout(terminal()).stderr(terminal()).spawn().unwrap();
    drop(command);

    let keys = File::from(controller);
    let mut screen = keys.try_clone().unwrap();
    let (told, chunks) = mpsc::channel();
    // Ends with an error when the last program has closed the terminal.
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            if told.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    (child, Person { keys, chunks, seen: String::new() })
}

#[test]
fn the_line_being_typed_survives_what_comes_in() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(
        "
        > CAP LS 302
        < :s CAP * LS :
        > NICK :alice
        > USER alice 0 * :alice
        > CAP END
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        < :alice!a@h JOIN #tea
        < :s 353 alice = #tea :@alice bobby
        < :s 366 alice #tea :End
        wait typing
        < :bobby!b@h PRIVMSG #tea :how\u{1b}[2J are you?
        > PRIVMSG #tea :bobby: fine
        > PING :2
        < :s PONG s :2
        > QUIT
        < ERROR :Goodbye
        ",
    );
    let (child, mut person) = at_a_terminal(&peer, folder.path());
    person.sees("* you are in #tea\r\n");
    person.sees("* here: @alice, bobby\r\n");
    person.types("bo\t");
    person.sees("#tea> bobby: ");
    person.types("finr");
    person.sees("#tea> bobby: finr");
    peer.waited.send("typing".to_owned()).unwrap();
    // The line is erased, the message printed, and the line drawn again below it.
    person.sees("\r\x1b[K");
    person.sees("bobby: how␛[2J are you?\r\n\r\x1b[K#tea> bobby: finr");
    person.types("\x7fe\r");
    person.sees("alice: bobby: fine\r\n");
    person.types("\x03");
    peer.finished();
    assert_eq!(ended(child).code, Some(0));
}

#[test]
fn what_is_typed_without_a_link_is_counted_and_sent_when_it_is_back() {
    let enters = "
        > CAP LS 302
        < :s CAP * LS :
        > NICK :alice
        > USER alice 0 * :alice
        > CAP END
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        < :alice!a@h JOIN #tea
        < :s 332 alice #tea :all about tea
        < :s 353 alice = #tea :@alice bobby
        < :s 366 alice #tea :End
    ";
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&format!(
        "{enters}
        wait drop
        close
        again
        wait typed
        {enters}
        > PRIVMSG #tea :are you there?
        > PING :2
        < :s PONG s :2
        > QUIT
        < ERROR :Goodbye
        "
    ));
    let (child, mut person) = at_a_terminal(&peer, folder.path());
    person.sees("the topic: all about tea\r\n");
    person.sees("* here: @alice, bobby\r\n");
    peer.waited.send("drop".to_owned()).unwrap();
    person.sees("! The link to the server was lost (the server closed it).\r\n");
    person.sees("* Trying again until it answers; what you type is sent then.\r\n");
    person.types("are you there?\r");
    person.sees(", 1 waiting)> ");
    peer.waited.send("typed".to_owned()).unwrap();
    person.sees("* You are back on ");
    person.sees("as alice, a guest.\r\n");
    // The room, its topic and its people are as they were: what was typed comes next.
    person.sees_next("alice: are you there?\r\n");
    person.types("/quit\r");
    peer.finished();
    assert_eq!(ended(child).code, Some(0));
}

/// A login with PLAIN; `response`: account and password as they must be sent.
fn logs_in(response: &str) -> String {
    format!(
        "
        > CAP LS 302
        < :s CAP * LS :sasl=PLAIN
        > CAP REQ :sasl
        < :s CAP * ACK :sasl
        > AUTHENTICATE PLAIN
        < AUTHENTICATE +
        > AUTHENTICATE {response}
        "
    )
}

/// The same with the password "wrong", and what becomes of it.
fn fails() -> String {
    let login = logs_in("AGFsaWNlAHdyb25n");
    format!("{login}\n< :s 904 * :SASL authentication failed\n> QUIT\n< ERROR :Goodbye\n")
}

#[test]
fn a_wrong_password_is_asked_for_again_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&format!(
        "{}
        again
        {}
        again
        {}
        < :s 900 * * alice :You are now logged in as alice
        < :s 903 * :SASL authentication successful
        > NICK :alice
        > USER alice 0 * :alice
        > CAP END
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        < :alice!a@h JOIN #tea
        < :s 366 alice #tea :End
        > PRIVMSG #tea :hello
        > PING :2
        < :s PONG s :2
        > QUIT
        < ERROR :Goodbye
        ",
        fails(),
        fails(),
        logs_in("AGFsaWNlAHNlc2FtZQ==")
    ));
    let (child, mut person) = asked_for_a_password(&peer, folder.path());
    person.sees("Password for alice on 127.0.0.1 (empty: come as a guest): ");
    person.types("wrong\r");
    let mut shown = String::new();
    for password in ["wrong", "sesame"] {
        shown += &person.sees_after("The name or the password is wrong; check both and try again.\r\n");
        shown += &person.sees_after("Password for alice (empty: come as a guest): ");
        person.types(&format!("{password}\r"));
    }
    shown += &person.sees_after(", logged in as alice.\r\n");
    shown += &person.sees_after("* you are in #tea\r\n");
    // Nor does the up key bring it back.
    person.types("\x1b[Ahello\r");
    shown += &person.sees_after("alice: hello\r\n");
    assert!(!shown.contains("wrong") && !shown.contains("sesame"), "{shown:?}");
    person.types("/quit\r");
    peer.finished();
    assert_eq!(ended(child).code, Some(0));
}

#[test]
fn passwords_that_stay_wrong_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Peer::plain(&[fails(), fails(), fails(), fails()].join("again\n"));
    let (child, mut person) = asked_for_a_password(&peer, folder.path());
    person.sees("Password for alice on 127.0.0.1 (empty: come as a guest): ");
    person.types("wrong\r");
    for _ in 0..3 {
        // The question may be drawn twice; what is typed at the second time would be no answer to it.
        person.sees("The name or the password is wrong; check both and try again.\r\n");
        person.sees("Password for alice (empty: come as a guest): ");
        person.types("wrong\r");
    }
    person.sees("The name or the password is wrong; check both and try again.\r\n");
    peer.finished();
    assert_eq!(ended(child).code, Some(3));
}

#[test]
fn who_is_asked_again_may_leave_or_come_as_a_guest() {
    let folder = tempfile::tempdir().unwrap();
    for leave in ["\x03", "\x04"] {
        let peer = Peer::plain(&fails());
        let (child, mut person) = asked_for_a_password(&peer, folder.path());
        person.sees("(empty: come as a guest): ");
        person.types("wrong\r");
        person.sees("Password for alice (empty: come as a guest): ");
        person.types(leave);
        peer.finished();
        assert_eq!(ended(child).code, Some(3), "{leave:?}");
    }
    let peer = Peer::plain(&format!(
        "{}
        again
        > CAP LS 302
        < :s CAP * LS :
        > NICK :alice
        > USER alice 0 * :alice
        > CAP END
        < :s 001 alice :Welcome
        > PING :1
        > JOIN #tea
        < :alice!a@h JOIN #tea
        < :s 366 alice #tea :End
        > QUIT
        < ERROR :Goodbye
        ",
        fails()
    ));
    let (child, mut person) = asked_for_a_password(&peer, folder.path());
    person.sees("(empty: come as a guest): ");
    person.types("wrong\r");
    person.sees("Password for alice (empty: come as a guest): ");
    person.types("\r");
    person.sees("as alice, a guest.\r\n");
    person.sees("* you are in #tea\r\n");
    person.types("\x03");
    peer.finished();
    assert_eq!(ended(child).code, Some(0));
}
