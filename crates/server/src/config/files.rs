//! Files that are read as a whole, and why one was not.

use super::FILE_BYTES;
use std::path::Path;

/// Why a file was not read.
pub(super) enum Unread {
    NotUtf8 { line: usize },
    Other(String),
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unread::NotUtf8 { line } => write!(f, "line {line} is not UTF-8"),
            Unread::Other(why) => f.write_str(why),
        }
    }
}

pub(super) fn read_text(path: &Path) -> Result<String, Unread> {
    let failed = |why: std::io::Error| Unread::Other(plain_words(&why));
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES {
        return Err(Unread::Other(format!("it has {length} bytes, and {FILE_BYTES} are the most")));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|why| {
        let line = 1 + why.as_bytes()[..why.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Unread::NotUtf8 { line }
    })
}

/// Without the number of the operating system's error, which tells people nothing.
pub(super) fn plain_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_string(),
        std::io::ErrorKind::PermissionDenied => "it may not be read by this user".to_string(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_string(),
        _ => error.to_string(),
    }
}
