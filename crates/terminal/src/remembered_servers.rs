//! The servers that one has been on, newest first, for the question "where to?". No secret is among it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::address::{Address, Encryption, Target};
use crate::data_folder;

/// More are not kept.
const MOST_SERVERS: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remembered {
    /// `host:port`.
    pub address: String,
    pub tls: bool,
    pub name: String,
    /// Whether one came without an account.
    pub guest: bool,
    pub rooms: Vec<String>,
    /// Whether one was on it when the whole screen was left the last time; all of these are gone to again.
    #[serde(default)]
    pub open: bool,
    /// It was named without a port: DNS may say where it is, each time anew.
    #[serde(default)]
    pub by_name: bool,
}

impl Remembered {
    pub fn new(target: &Target, name: String, guest: bool, rooms: Vec<String>, open: bool) -> Remembered {
        let Target { tls, by_name, .. } = *target;
        Remembered { address: target.to_string(), tls, name, guest, rooms, open, by_name }
    }

    /// As one went there before. The error is a sentence.
    pub fn target(&self) -> Result<Target, String> {
        let as_before = if self.tls { Encryption::Tls } else { Encryption::Plain };
        Ok(Target { by_name: self.by_name, ..Address::parse(&self.address)?.target(as_before) })
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: Vec<Remembered>,
}

fn path() -> Option<PathBuf> {
    data_folder::path().map(|folder| folder.join("servers.toml"))
}

/// Newest first. The error is a sentence.
pub fn read() -> Result<Vec<Remembered>, String> {
    path().map_or(Ok(Vec::new()), |path| read_from(&path))
}

/// Puts a server in front. The error is a sentence.
pub fn remember(server: Remembered) -> Result<(), String> {
    path().map_or(Ok(()), |path| remember_in(&path, server))
}

/// Says which servers one is on, by address and name. The error is a sentence.
pub fn open_are(open: &[(String, String)]) -> Result<(), String> {
    path().map_or(Ok(()), |path| open_are_in(&path, open))
}

fn read_from(path: &Path) -> Result<Vec<Remembered>, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(format!(
                "The remembered servers in {} cannot be read ({error}); correct or remove that file.",
                path.display()
            ));
        }
    };
    toml::from_str::<File>(&text).map(|file| file.server).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!(
            "Line {line} of {} is not understood ({}); correct it or remove that file.",
            path.display(),
            error.message()
        )
    })
}

fn remember_in(path: &Path, mut server: Remembered) -> Result<(), String> {
    let mut servers = read_from(path)?;
    // Line by line one is on no server besides, and says nothing of that.
    server.open |=
        servers.iter().any(|known| known.open && known.address == server.address && known.name == server.name);
    if servers.first() == Some(&server) {
        return Ok(());
    }
    servers.retain(|known| !(known.address == server.address && known.name == server.name));
    servers.insert(0, server);
    servers.truncate(MOST_SERVERS);
    write_to(path, servers)
}

fn open_are_in(path: &Path, open: &[(String, String)]) -> Result<(), String> {
    let before = read_from(path)?;
    let is_open =
        |server: &Remembered| open.iter().any(|(address, name)| *address == server.address && *name == server.name);
    let servers: Vec<Remembered> =
        before.iter().cloned().map(|server| Remembered { open: is_open(&server), ..server }).collect();
    if servers == before { Ok(()) } else { write_to(path, servers) }
}

fn write_to(path: &Path, servers: Vec<Remembered>) -> Result<(), String> {
    let cannot = |error: String| {
        format!(
            "The server could not be remembered in {} ({error}); check that the folder can be written.",
            path.display()
        )
    };
    let text = toml::to_string(&File { server: servers }).map_err(|error| cannot(error.to_string()))?;
    data_folder::write_private(path, &format!("# The servers that chat_client has been on, newest first.\n\n{text}"))
        .map_err(|error| cannot(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str, name: &str) -> Remembered {
        Remembered {
            address: address.to_owned(),
            tls: true,
            name: name.to_owned(),
            guest: false,
            rooms: vec!["#lobby".to_owned()],
            open: false,
            by_name: false,
        }
    }

    #[test]
    fn one_goes_back_the_way_one_came() {
        for (typed, encryption) in [("chat.example", Encryption::Choose), ("chat.example:7000", Encryption::Plain)] {
            let target = Address::parse(typed).unwrap().target(encryption);
            let remembered = Remembered::new(&target, "alice".to_owned(), true, Vec::new(), false);
            assert_eq!(remembered.target(), Ok(target), "{typed}");
        }
    }

    #[test]
    fn which_are_open_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("servers.toml");
        for address in ["a:1", "b:2", "c:3"] {
            remember_in(&path, server(address, "alice")).unwrap();
        }
        let open = |path: &Path| -> Vec<String> {
            read_from(path).unwrap().into_iter().filter(|server| server.open).map(|server| server.address).collect()
        };
        open_are_in(&path, &[("a:1".to_owned(), "alice".to_owned()), ("c:3".to_owned(), "alice".to_owned())]).unwrap();
        assert_eq!(open(&path), ["c:3", "a:1"]);
        open_are_in(&path, &[("b:2".to_owned(), "alice".to_owned()), ("c:3".to_owned(), "bob".to_owned())]).unwrap();
        assert_eq!(open(&path), ["b:2"]);
        // As written before there were several.
        fs::write(&path, "[[server]]\naddress = 'a:1'\ntls = true\nname = 'alice'\nguest = true\nrooms = []\n")
            .unwrap();
        assert!(open(&path).is_empty());
    }

    #[test]
    fn the_newest_stands_first_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("servers.toml");
        assert_eq!(read_from(&path), Ok(Vec::new()));
        for (address, name) in [("a:1", "alice"), ("b:2", "bob"), ("a:1", "alice")] {
            remember_in(&path, server(address, name)).unwrap();
        }
        assert_eq!(read_from(&path), Ok(vec![server("a:1", "alice"), server("b:2", "bob")]));
        for port in 0..30 {
            remember_in(&path, server(&format!("c:{port}"), "carol")).unwrap();
        }
        assert_eq!(read_from(&path).unwrap().len(), MOST_SERVERS);
    }

    #[test]
    fn a_broken_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("servers.toml");
        fs::write(&path, "[[server]]\naddress = 7\n").unwrap();
        let error = remember_in(&path, server("a:1", "alice")).unwrap_err();
        assert!(error.starts_with(&format!("Line 2 of {} is not understood (", path.display())), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "[[server]]\naddress = 7\n");
    }
}
