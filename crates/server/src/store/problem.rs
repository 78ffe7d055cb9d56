//! What can be wrong with the database, in one sentence each: what, where, and the mend.

use chat::log::StorageFailure;
use rusqlite::ErrorCode;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The database at `path` can't be used.
#[derive(Debug, PartialEq, Eq)]
pub struct StoreError {
    pub path: PathBuf,
    pub problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No database of that name.
    Missing,
    /// No folder of that name, for a file that is to be made in it.
    NoFolder,
    /// A folder has the file's name.
    IsFolder,
    NotADatabase,
    /// A database, but of another program.
    NotOurs,
    /// Written by a later version of the server.
    Newer {
        found: i64,
        known: i64,
    },
    Damaged {
        detail: String,
    },
    /// May be read but not written.
    ReadOnly,
    /// May not even be read.
    Forbidden,
    /// Another process writes it.
    Busy,
    Full,
    /// A file of that name is there already.
    Exists,
    /// Anything else, in the words of the system.
    Failed {
        detail: String,
    },
}

impl StoreError {
    pub(super) fn new(path: &Path, problem: Problem) -> StoreError {
        StoreError { path: path.to_owned(), problem }
    }

    /// The system has refused something that the file was to be used with.
    pub(crate) fn of_io(path: &Path, error: &std::io::Error) -> StoreError {
        StoreError::new(path, Problem::of_io(error))
    }

    /// The file that a person knows, where the error is about one that she has never heard of.
    pub(super) fn about(self, instead_of: &Path, path: &Path) -> StoreError {
        if self.path == instead_of { StoreError::new(path, self.problem) } else { self }
    }
}

/// Says of which file an error is.
pub(super) fn in_file<T>(path: &Path, result: rusqlite::Result<T>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::new(path, Problem::of(&error)))
}

impl Problem {
    pub(super) fn of(error: &rusqlite::Error) -> Problem {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Problem::NotADatabase,
            Some(ErrorCode::DatabaseCorrupt) => Problem::Damaged { detail: error.to_string() },
            Some(ErrorCode::ReadOnly) => Problem::ReadOnly,
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Problem::Forbidden,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Problem::Busy,
            Some(ErrorCode::DiskFull) => Problem::Full,
            Some(_) => Problem::Failed { detail: error.to_string() },
            // Not the engine but a value in a row: what it should be is in `record.rs`.
            None => Problem::Damaged { detail: error.to_string() },
        }
    }

    pub(super) fn of_io(error: &std::io::Error) -> Problem {
        match error.kind() {
            ErrorKind::NotFound => Problem::Missing,
            ErrorKind::PermissionDenied => Problem::Forbidden,
            ErrorKind::ReadOnlyFilesystem => Problem::ReadOnly,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Problem::Full,
            ErrorKind::AlreadyExists => Problem::Exists,
            ErrorKind::IsADirectory => Problem::IsFolder,
            _ => Problem::Failed { detail: error.to_string() },
        }
    }
}

/// How the hub is told of a failed commit. SQLite calls some shortages of space an I/O error, such as when its shared
/// memory file or a file on a network can't grow, so the space itself is asked too.
pub(super) fn failure_of(error: &rusqlite::Error, path: &Path) -> StorageFailure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StorageFailure::Full,
        Some(ErrorCode::SystemIoFailure) if has_no_space(path) => StorageFailure::Full,
        _ => StorageFailure::Error,
    }
}

/// Less than a commit can need.
const SCARCE_BYTES: u64 = 64 * 1024;

fn has_no_space(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|space| space.f_bavail.saturating_mul(space.f_frsize) < SCARCE_BYTES)
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::Missing => write!(
                f,
                "there is no {path}; name the server's folder with --data or --config, or start the server once to make it"
            ),
            Problem::NoFolder => {
                let folder = self.path.parent().unwrap_or(Path::new("."));
                write!(f, "{path} can't be made, since there is no folder {}; make that first", folder.display())
            }
            Problem::IsFolder => {
                write!(f, "{path} is a folder, and a file is wanted; move it away or choose another name")
            }
            Problem::NotADatabase => {
                write!(f, "{path} is not a database; move it away or choose another folder with storage.path")
            }
            Problem::NotOurs => write!(
                f,
                "{path} is a database of another program; move it away or choose another folder with storage.path"
            ),
            Problem::Newer { found, known } => write!(
                f,
                "{path} was written by a newer server (its format is {found}, this server knows up to {known}); \
                 start that newer version, or put an older backup in its place"
            ),
            Problem::Damaged { detail } => write!(
                f,
                "{path} is damaged ({detail}); put a backup in its place, or try sqlite3's .recover on a copy"
            ),
            Problem::ReadOnly => {
                write!(f, "{path} can be read but not written; let the server's user write the file and its folder")
            }
            Problem::Forbidden => {
                write!(f, "{path} can't be opened; let the server's user read and write the file and its folder")
            }
            Problem::Busy => {
                write!(f, "{path} is being written by another program; end that program and try again")
            }
            Problem::Full => write!(f, "there is no space left for {path}; free some and try again"),
            Problem::Exists => write!(f, "{path} is there already and is not overwritten; choose another name"),
            Problem::Failed { detail } => {
                write!(f, "{path} can't be used ({detail}); check the disk and the permissions")
            }
        }
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_one_sentence_that_names_the_file() {
        let detail = || "why".to_owned();
        for problem in [
            Problem::Missing,
            Problem::NoFolder,
            Problem::IsFolder,
            Problem::NotADatabase,
            Problem::NotOurs,
            Problem::Newer { found: 9, known: 1 },
            Problem::Damaged { detail: detail() },
            Problem::ReadOnly,
            Problem::Forbidden,
            Problem::Busy,
            Problem::Full,
            Problem::Exists,
            Problem::Failed { detail: detail() },
        ] {
            let sentence = StoreError::new(Path::new("/data/parlor.db"), problem).to_string();
            assert!(sentence.contains("/data/parlor.db") && !sentence.contains('\n'), "{sentence}");
            assert!(sentence.contains(';'), "no mend: {sentence}");
        }
    }
}
