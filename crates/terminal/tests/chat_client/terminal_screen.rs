//! The real program in a pseudo-terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use crate::scripted_peer::{DEADLINE, Peer, chat_client, ended};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The person's side of the terminal.
struct Person {
    keys: File,
    chunks: Receiver<Vec<u8>>,
    seen: String,
}

impl Person {
    /// Reads on until `text` is on the screen.
    fn sees(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            let chunk = self.chunks.recv_timeout(left).unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&chunk));
        }
        let end = self.seen.find(text).unwrap() + text.len();
        self.seen.drain(..end);
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
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
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let path = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    let terminal = || Stdio::from(OpenOptions::new().read(true).write(true).open(&path).unwrap());
    let mut command = chat_client(folder.path());
    command
        .args(["--plain", "--guest", &format!("alice@{}", peer.address), "tea"])
        .env("TERM", "xterm")
        .env("NO_COLOR", "1");
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
    let mut person = Person { keys, chunks, seen: String::new() };
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
