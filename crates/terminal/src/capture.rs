//! `chat_client capture FILE`: one's own conversation as a file for Wireshark, with the secrets that open its TLS.
//!
//! The bytes are those that were really written and read; the packets around them are put together here, since looking at
//! real ones needs rights that a person in a classroom has not (docs/decisions/0014-seeing-the-wire.md). The file says so.

mod packets;
mod pcapng;

use std::fmt::{self, Debug};
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::KeyLog;

use packets::{Sender, Stream};

/// What must be known by whoever wants such a file.
pub const WARNING: &str = "everything that this conversation says, your password if you log in, and the keys that open it, for \
                           whoever gets the file";

const HOW_IT_WAS_MADE: &str = "Made by chat_client without looking at the network: the bytes in these packets are those that it \
                               wrote and read; their division into packets and the headers are computed from what the system \
                               tells of the connection. Acknowledgements without data, repeats and losses are not here.";

/// The file.
pub struct Capture {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    interfaces: u32,
    /// Why the file is not complete.
    failure: Option<String>,
}

impl Capture {
    /// A new file, which nobody else may read; the error is a sentence.
    pub fn create(path: &Path) -> Result<Arc<Capture>, String> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{} is there already; give the capture another name, or delete the file.", path.display())
            }
            _ => format!("{} cannot be written ({error}); give the capture another place.", path.display()),
        })?;
        let state = Mutex::new(State { file, interfaces: 0, failure: None });
        let capture = Arc::new(Capture { path: path.to_owned(), state });
        capture.lock().put(&pcapng::section(HOW_IT_WAS_MADE));
        Ok(capture)
    }

    /// One more connection. Without its ends nothing of it can be told.
    pub fn link(self: &Arc<Self>, local: Option<SocketAddr>, remote: SocketAddr) -> Arc<CapturedLink> {
        let local = local.unwrap_or_else(|| SocketAddr::new(remote.ip(), 0));
        let (stream, link_type) = Stream::of(local, remote, &socket_facts::look(local, remote));
        let mut state = self.lock();
        let interface = state.interfaces;
        state.interfaces += 1;
        state.put(&pcapng::interface(link_type));
        drop(state);
        let link = LinkState { stream, interface, held: Some(Vec::new()) };
        let link = CapturedLink { capture: Arc::clone(self), state: Mutex::new(link) };
        link.note(Happened::Opened);
        Arc::new(link)
    }

    /// What is to be said at the end.
    pub fn in_words(&self) -> Result<String, String> {
        let path = self.path.display();
        match &self.lock().failure {
            None => Ok(format!("The capture is in {path}; wireshark opens it. Delete it when you are done.")),
            Some(why) => Err(format!("The capture in {path} is not complete ({why}).")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Capture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Capture({})", self.path.display())
    }
}

impl State {
    fn put(&mut self, block: &[u8]) {
        if self.failure.is_none()
            && let Err(error) = self.file.write_all(block)
        {
            self.failure = Some(error.to_string());
        }
    }
}

/// One connection's part of the file.
#[derive(Debug)]
pub struct CapturedLink {
    capture: Arc<Capture>,
    state: Mutex<LinkState>,
}

#[derive(Debug)]
struct LinkState {
    stream: Stream,
    interface: u32,
    /// Packets of the handshake: the secrets must stand before what they open. `None`: it is over.
    held: Option<Vec<Vec<u8>>>,
}

enum Happened<'a> {
    Opened,
    Said(Sender, &'a [u8]),
    Ended(Sender),
}

impl CapturedLink {
    /// The handshake is over, or there is none.
    pub fn established(&self) {
        let held = self.lock().held.take();
        let mut capture = self.capture.lock();
        held.unwrap_or_default().iter().for_each(|packet| capture.put(packet));
    }

    fn note(&self, happened: Happened<'_>) {
        let mut link = self.lock();
        let packets = match happened {
            Happened::Opened => link.stream.opened(),
            Happened::Said(sender, bytes) => link.stream.said(sender, bytes),
            Happened::Ended(sender) => link.stream.ended(sender),
        };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for (sender, packet) in packets {
            let block = pcapng::packet(link.interface, since_epoch, sender == Sender::Client, &packet);
            match &mut link.held {
                Some(held) => held.push(block),
                None => self.capture.lock().put(&block),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyLog for CapturedLink {
    /// In the format of NSS, which Wireshark reads (RFC 9850).
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        self.capture.lock().put(&pcapng::tls_secrets(line.as_bytes()));
    }
}

impl Drop for CapturedLink {
    fn drop(&mut self) {
        self.note(Happened::Ended(Sender::Client));
        self.established();
    }
}

/// A stream whose bytes are noted on their way, if somebody wants them.
#[derive(Debug)]
pub struct Tapped<'a, S> {
    pub stream: &'a mut S,
    pub captured: Option<&'a CapturedLink>,
}

impl<S: Read> Read for Tapped<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        if let Some(captured) = self.captured {
            captured.note(match count {
                0 => Happened::Ended(Sender::Server),
                count => Happened::Said(Sender::Server, &buffer[..count]),
            });
        }
        Ok(count)
    }
}

impl<S: Write> Write for Tapped<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.stream.write(bytes)?;
        if let Some(captured) = self.captured {
            captured.note(Happened::Said(Sender::Client, &bytes[..count]));
        }
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = self.stream.write_vectored(slices)?;
        if let Some(captured) = self.captured {
            let written: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(count).collect();
            captured.note(Happened::Said(Sender::Client, &written));
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind and length of each block, which says its length at both ends.
    fn blocks(file: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let mut rest = file;
        let mut found = Vec::new();
        while !rest.is_empty() {
            let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            let length = word(4) as usize;
            assert!(length.is_multiple_of(4) && word(length - 4) as usize == length, "a block of {length} bytes");
            found.push((word(0), rest[8..length - 4].to_vec()));
            rest = &rest[length..];
        }
        found
    }

    #[test]
    fn secrets_stand_before_what_they_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.pcapng");
        let capture = Capture::create(&path).unwrap();
        let link = capture.link(Some("127.0.0.1:50000".parse().unwrap()), "127.0.0.1:6697".parse().unwrap());
        let mut wire: Vec<u8> = Vec::new();
        let mut tapped = Tapped { stream: &mut wire, captured: Some(&link) };
        let written = tapped.write_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")]).unwrap();
        assert_eq!(written, 5);
        link.log("CLIENT_HANDSHAKE_TRAFFIC_SECRET", &[1; 32], &[2; 48]);
        let mut answer = &b"welcome"[..];
        Tapped { stream: &mut answer, captured: Some(&link) }.read_exact(&mut [0; 7]).unwrap();
        link.established();
        drop(link);
        let file = std::fs::read(&path).unwrap();
        let blocks = blocks(&file);
        let kinds: Vec<u32> = blocks.iter().map(|(kind, _)| *kind).collect();
        // Section, interface, secrets, then SYN, SYN ACK, ACK, the two that speak, and the end.
        assert_eq!(kinds, [0x0A0D_0D0A, 1, 10, 6, 6, 6, 6, 6, 6]);
        assert!(blocks[6].1.windows(5).any(|bytes| bytes == b"hello"));
        assert!(blocks[7].1.windows(7).any(|bytes| bytes == b"welcome"));
        assert!(capture.in_words().unwrap().contains("one.pcapng"));
        let sentence = Capture::create(&path).unwrap_err();
        assert!(sentence.contains("is there already"), "{sentence}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
