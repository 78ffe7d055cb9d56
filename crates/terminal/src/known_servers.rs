//! Certificates trusted on first use: one line a server in the file `known_servers`.
//!
//! `chat.example:6697 SHA256:0f1e…`, the fingerprint of the whole certificate (DER). A shorter one is the beginning of the
//! fingerprint, as a join code promised it; once the certificate was seen the whole follows on a line of its own. Lines that
//! begin with `#` are comments. The file is made for being read and mended by hand.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER_PERMISSIVE;
use discovery::join_code::FINGERPRINT_BYTES;

use crate::data_folder;
use crate::zone::endpoint;

/// SHA-256 of a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; digest::SHA256_OUTPUT_LEN]);

impl From<discovery::Fingerprint> for Fingerprint {
    fn from(bytes: discovery::Fingerprint) -> Fingerprint {
        Fingerprint(bytes)
    }
}

impl Fingerprint {
    pub fn of(certificate: &[u8]) -> Fingerprint {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
        Fingerprint(bytes)
    }
}

/// What a certificate is held to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Whole(Fingerprint),
    /// As a join code has it.
    Start([u8; FINGERPRINT_BYTES]),
}

impl Expected {
    pub fn fits(&self, found: &Fingerprint) -> bool {
        match self {
            Expected::Whole(fingerprint) => fingerprint == found,
            Expected::Start(start) => found.0.starts_with(start),
        }
    }

    #[cfg(test)]
    pub fn start_of(fingerprint: &Fingerprint) -> Expected {
        Expected::Start(std::array::from_fn(|at| fingerprint.0[at]))
    }

    fn parse(text: &str) -> Option<Expected> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.strip_prefix("SHA256:")?.as_bytes()).ok()?;
        let whole = bytes.as_slice().try_into().map(|bytes| Expected::Whole(Fingerprint(bytes)));
        whole.or_else(|_| bytes.as_slice().try_into().map(Expected::Start)).ok()
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Whole(fingerprint) => fingerprint.fmt(out),
            Expected::Start(start) => write!(out, "SHA256:{}", HEXLOWER_PERMISSIVE.encode(start)),
        }
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SHA256:")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A fingerprint that is known, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    pub expected: Expected,
    /// Its line in the file; `None`: only this run knows it.
    pub line: Option<usize>,
}

/// The file, and what could not be written to it in this run.
#[derive(Debug)]
pub struct KnownServers {
    path: Option<PathBuf>,
    unwritten: Mutex<BTreeMap<String, Expected>>,
}

impl KnownServers {
    /// The file in the user's data folder.
    pub fn open() -> KnownServers {
        KnownServers::at(data_folder::path().map(|folder| folder.join("known_servers")))
    }

    fn at(path: Option<PathBuf>) -> KnownServers {
        KnownServers { path, unwritten: Mutex::default() }
    }

    #[cfg(test)]
    pub fn of_this_run() -> KnownServers {
        KnownServers::at(None)
    }

    /// For sentences.
    pub fn file_name(&self) -> String {
        self.path.as_ref().map_or_else(|| "known_servers".to_owned(), |path| path.display().to_string())
    }

    /// What is known about `server` (`host:port`). Of several lines the last counts. The error is a sentence: a file
    /// that cannot be understood is no reason to trust anyone.
    pub fn find(&self, server: &str) -> Result<Option<Pin>, String> {
        if let Some(expected) = self.unwritten.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(server) {
            return Ok(Some(Pin { expected: *expected, line: None }));
        }
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(format!(
                    "The known certificates in {} cannot be read ({error}); correct or remove that file.",
                    path.display()
                ));
            }
        };
        let mut pin = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let (name, expected) = (words.next(), words.next().and_then(Expected::parse));
            let Some(expected) = expected else {
                return Err(format!(
                    "Line {} of {} is no server with its fingerprint; correct or delete it.",
                    index + 1,
                    path.display()
                ));
            };
            if name == Some(server) {
                pin = Some(Pin { expected, line: Some(index + 1) });
            }
        }
        Ok(pin)
    }

    /// A join code said how the certificate begins. What was known before of that address may have been another machine.
    pub fn promise(&self, server: &str, start: [u8; FINGERPRINT_BYTES]) -> Result<(), String> {
        let known = self.find(server)?.map(|pin| pin.expected);
        match known {
            Some(Expected::Whole(fingerprint)) if fingerprint.0.starts_with(&start) => Ok(()),
            _ => self.add(server, Expected::Start(start)),
        }
    }

    /// A server of this network is gone to by its name from now on. What is known of it under one of its addresses, as from a
    /// join code, counts under the name too, if it is what the server says of itself: an address may have been another
    /// machine's then. The error is a sentence.
    pub fn carry_over(&self, server: &str, addresses: &[SocketAddr], announced: Fingerprint) -> Result<(), String> {
        if self.find(server)?.is_some() {
            return Ok(());
        }
        for address in addresses {
            if let Some(pin) = self.find(&endpoint(*address).to_string())?
                && pin.expected.fits(&announced)
            {
                return self.add(server, pin.expected);
            }
        }
        Ok(())
    }

    /// As [`KnownServers::promise`], for this run alone.
    pub fn promise_once(&self, server: &str, start: [u8; FINGERPRINT_BYTES]) {
        self.hold(server, Expected::Start(start));
    }

    /// In this run.
    pub fn hold(&self, server: &str, expected: Expected) {
        self.unwritten.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(server.to_owned(), expected);
    }

    /// Remembers what a certificate will be held to, from now on. In this run it holds even when the file cannot be written,
    /// which the error tells.
    pub fn add(&self, server: &str, expected: Expected) -> Result<(), String> {
        let written = match &self.path {
            Some(path) => {
                let mut text = String::new();
                if !path.exists() {
                    text.push_str(
                        "# Certificates that chat_client trusted on first use. Delete a line to trust anew.\n",
                    );
                }
                let _ = writeln!(text, "{server} {expected}");
                data_folder::append_private(path, &text).map_err(|error| {
                    format!(
                        "The certificate could not be kept in {} ({error}); it will count as new next time.",
                        path.display()
                    )
                })
            }
            None => Err("There is no folder to keep the certificate in, so it will count as new next time; set HOME."
                .to_owned()),
        };
        if written.is_err() {
            self.hold(server, expected);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/known_servers");
        let servers = KnownServers::at(Some(path.clone()));
        assert_eq!(servers.find("a:1"), Ok(None));
        let whole = |text: &[u8]| Expected::Whole(Fingerprint::of(text));
        let (one, two) = (whole(b"one"), whole(b"two"));
        servers.add("a:1", one).unwrap();
        servers.add("b:2", two).unwrap();
        assert_eq!(servers.find("a:1"), Ok(Some(Pin { expected: one, line: Some(2) })));
        assert_eq!(servers.find("b:2"), Ok(Some(Pin { expected: two, line: Some(3) })));
        servers.add("a:1", two).unwrap();
        assert_eq!(servers.find("a:1"), Ok(Some(Pin { expected: two, line: Some(4) })));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_join_code_counts_more_than_what_was_known() {
        let servers = KnownServers::at(None);
        let (one, two) = (Fingerprint::of(b"one"), Fingerprint::of(b"two"));
        let start = |fingerprint: Fingerprint| {
            <[u8; FINGERPRINT_BYTES]>::try_from(&fingerprint.0[..FINGERPRINT_BYTES]).unwrap()
        };
        let _ = servers.add("a:1", Expected::Whole(one));
        let _ = servers.promise("a:1", start(one));
        assert_eq!(servers.find("a:1").unwrap().unwrap().expected, Expected::Whole(one));
        let _ = servers.promise("a:1", start(two));
        assert_eq!(servers.find("a:1").unwrap().unwrap().expected, Expected::Start(start(two)));
    }

    #[test]
    fn what_is_known_of_an_address_counts_for_the_name_of_its_server() {
        let servers = KnownServers::at(None);
        let (one, two) = (Fingerprint::of(b"one"), Fingerprint::of(b"two"));
        let addresses = ["192.168.1.5:6697".parse().unwrap(), "[fd00::5]:6697".parse().unwrap()];
        let known = |server: &str| servers.find(server).unwrap().map(|pin| pin.expected);
        let _ = servers.add("[fd00::5]:6697", Expected::Whole(one));
        // Another machine has that address now.
        let _ = servers.carry_over("other.local:6697", &addresses, two);
        assert_eq!(known("other.local:6697"), None);
        let _ = servers.carry_over("pi.local:6697", &addresses, one);
        assert_eq!(known("pi.local:6697"), Some(Expected::Whole(one)));
        // What is known under the name is not written over.
        let _ = servers.add("[fd00::5]:6697", Expected::Whole(two));
        let _ = servers.carry_over("pi.local:6697", &addresses, two);
        assert_eq!(known("pi.local:6697"), Some(Expected::Whole(one)));
    }

    #[test]
    fn a_file_that_is_not_understood_trusts_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_servers");
        fs::write(&path, "# fine\n\na:1 SHA256:12\n").unwrap();
        let error = KnownServers::at(Some(path.clone())).find("b:2").unwrap_err();
        assert_eq!(
            error,
            format!("Line 3 of {} is no server with its fingerprint; correct or delete it.", path.display())
        );
        fs::write(&path, [0xff]).unwrap();
        assert!(KnownServers::at(Some(path)).find("b:2").is_err());
    }

    #[test]
    fn what_cannot_be_written_holds_for_this_run() {
        let servers = KnownServers::at(None);
        let one = Expected::Whole(Fingerprint::of(b"one"));
        assert!(servers.add("a:1", one).is_err());
        assert_eq!(servers.find("a:1"), Ok(Some(Pin { expected: one, line: None })));
    }

    #[test]
    fn fingerprints_are_written_as_people_compare_them() {
        let text = Fingerprint::of(b"").to_string();
        assert_eq!(text, "SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Expected::parse(&text), Some(Expected::Whole(Fingerprint::of(b""))));
        let start = Expected::parse("SHA256:e3b0c44298fc1c149a").unwrap();
        assert_eq!(start.to_string(), "SHA256:e3b0c44298fc1c149a");
        assert!(start.fits(&Fingerprint::of(b"")) && !start.fits(&Fingerprint::of(b"x")));
        for wrong in ["SHA256:", "SHA256:e3b0", "SHA256:zz", "e3b0c44298fc1c149a"] {
            assert_eq!(Expected::parse(wrong), None, "{wrong}");
        }
    }
}
