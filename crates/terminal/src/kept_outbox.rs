//! Messages under way, on disk before they are sent: what was typed while there was no link, or was being sent when this
//! program was killed, goes out the next time. One running program at a time has a server's and a name's outbox.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client_core::{KeptPost, MessageKind, Timestamp};
use serde::{Deserialize, Serialize};

use crate::data_folder;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    target: String,
    payload: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    key: String,
    was_sent: bool,
    /// Milliseconds since 1970.
    typed_at: i64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Text,
    Action,
    Notice,
}

/// The file, held for as long as this is.
#[derive(Debug)]
pub struct KeptOutbox {
    path: PathBuf,
    _lock: fs::File,
    is_empty: bool,
}

impl KeptOutbox {
    /// `None`: there is no folder for it, or another program has it. The error is a sentence.
    pub fn open(server: &str, name: &str) -> Result<Option<KeptOutbox>, String> {
        data_folder::path().map_or(Ok(None), |folder| KeptOutbox::open_in(&folder.join("outbox"), server, name))
    }

    fn open_in(folder: &Path, server: &str, name: &str) -> Result<Option<KeptOutbox>, String> {
        let stem = file_name(&format!("{name}@{server}"));
        let path = folder.join(format!("{stem}.json"));
        let lock_path = folder.join(format!("{stem}.lock"));
        let cannot = |error: io::Error| {
            format!("Unsent messages cannot be kept in {} ({error}); check that folder.", folder.display())
        };
        data_folder::append_private(&lock_path, "").map_err(cannot)?;
        let lock = fs::OpenOptions::new().append(true).open(&lock_path).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(KeptOutbox { path, _lock: lock, is_empty: false })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was left, oldest first. The error is a sentence.
    pub fn read(&self, now: Timestamp) -> Result<Vec<KeptPost>, String> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(format!("Unsent messages in {} cannot be read ({error}).", self.path.display()));
            }
        };
        // The power went before it was flushed.
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let written: Vec<Written> = serde_json::from_str(&text).map_err(|error| {
            format!("Unsent messages in {} are not understood ({error}); remove that file.", self.path.display())
        })?;
        let kept = |post: Written| KeptPost {
            target: post.target,
            payload: post.payload,
            kind: match post.kind {
                Kind::Text => MessageKind::Text,
                Kind::Action => MessageKind::Action,
                Kind::Notice => MessageKind::Notice,
            },
            reply_to: post.reply_to,
            key: post.key,
            was_sent: post.was_sent,
            age: Duration::from_millis(u64::try_from(now.0 - post.typed_at).unwrap_or(0)),
        };
        Ok(written.into_iter().map(kept).collect())
    }

    /// Written when this returns, so that the end of this program takes nothing away; flushed soon, so that nobody waits for
    /// the disk before a message goes out or its echo is seen. The error is a sentence.
    pub fn write(&mut self, posts: Vec<KeptPost>, now: Timestamp) -> Result<(), String> {
        if posts.is_empty() && self.is_empty {
            return Ok(());
        }
        let is_empty = posts.is_empty();
        let written = |post: KeptPost| Written {
            target: post.target,
            payload: post.payload,
            kind: match post.kind {
                MessageKind::Text => Kind::Text,
                MessageKind::Action => Kind::Action,
                MessageKind::Notice => Kind::Notice,
            },
            reply_to: post.reply_to,
            key: post.key,
            was_sent: post.was_sent,
            typed_at: now.0 - i64::try_from(post.age.as_millis()).unwrap_or(0),
        };
        let written: Vec<Written> = posts.into_iter().map(written).collect();
        let cannot = |error: String| {
            format!(
                "Unsent messages cannot be kept in {} ({error}): if this program ends, they are gone.",
                self.path.display()
            )
        };
        let text = serde_json::to_string(&written).map_err(|error| cannot(error.to_string()))?;
        data_folder::write_private_soon(&self.path, &text).map_err(|error| cannot(error.to_string()))?;
        self.is_empty = is_empty;
        Ok(())
    }
}

/// Letters that every file system takes, a different name for each text.
pub fn file_name(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'@');
    let letter = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("_{byte:02x}") };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_by_one_program_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let open = || KeptOutbox::open_in(folder.path(), "chat.example:6697", "Alice").unwrap();
        let post = KeptPost {
            target: "#tea".to_owned(),
            payload: "one\ntwo".to_owned(),
            kind: MessageKind::Action,
            reply_to: Some("7".to_owned()),
            key: "k-1".to_owned(),
            was_sent: true,
            age: Duration::from_secs(2),
        };
        let mut outbox = open().unwrap();
        assert!(open().is_none(), "the first one has it");
        assert_eq!(outbox.read(Timestamp(0)), Ok(Vec::new()));
        outbox.write(vec![post.clone()], Timestamp(10_000)).unwrap();
        drop(outbox);
        let mut outbox = open().unwrap();
        let older = KeptPost { age: Duration::from_secs(5), ..post };
        assert_eq!(outbox.read(Timestamp(13_000)), Ok(vec![older]));
        outbox.write(Vec::new(), Timestamp(14_000)).unwrap();
        assert_eq!(outbox.read(Timestamp(14_000)), Ok(Vec::new()));
    }

    #[test]
    fn names_of_files_are_plain_and_differ() {
        assert_eq!(file_name("alice@[::1]:6667"), "alice@_5b_3a_3a1_5d_3a6667");
        assert_ne!(file_name("Alice"), file_name("alice"));
        assert_eq!(file_name("../x"), ".._2fx");
    }
}
