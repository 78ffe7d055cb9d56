//! What the server keeps: one SQLite database in the data folder.
//!
//! One thread writes it ([`sqlite`]); others read on connections of their own ([`history`], [`snapshot`], [`backup`]).
//! The rules of the chat are not known here: changes arrive as whole records ([`chat::change`]) and [`record`] alone knows
//! how they look on disk. The tables and the reasons for their shape are in `schema.sql`.

pub mod audit;
pub mod backup;
mod checkpoint;
pub mod export;
pub mod history;
mod migration;
mod problem;
mod record;
mod retention;
mod schema;
pub mod search;
mod snapshot;
pub mod sqlite;
mod writer;

pub use backup::BackupFigures;
pub use history::{Edge, History};
pub use problem::{Problem, StoreError};
pub use search::{Finder, Follower, Following, Found};
pub use sqlite::{Committed, KeepFor, Observer, SqliteLog, Waker};

use chat::snapshot::Snapshot;
use problem::in_file;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// The database's name in the data folder. SQLite adds `-wal` and `-shm` beside it while it is open.
pub const DATABASE: &str = "parlor.db";

/// How firmly a commit is on disk when it is reported (`storage.durability`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Flushed: survives power loss (SQLite `synchronous=FULL`).
    Full,
    /// Handed to the operating system: survives the death of the process, not power loss, after which the last commits
    /// can be missing but the database is sound (SQLite `synchronous=NORMAL`).
    Relaxed,
}

/// How long a connection waits for another process that writes, such as someone's `sqlite3`.
const PATIENCE: Duration = Duration::from_secs(1);

/// The database of one data folder, checked and of this version.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    durability: Durability,
}

impl Store {
    /// Opens the database at `path`, makes it if there is none, and brings an older one up to this version.
    ///
    /// Only one process may do so at a time (see [`crate::data_folder`]), and within it only one `Store` of a file:
    /// closing a file drops all of a process's locks on it (POSIX), those of SQLite's connections included.
    ///
    /// # Errors
    /// When the file is not a database of ours, is newer, damaged, or can't be read and written. It is unchanged then.
    pub fn open(path: &Path, durability: Durability) -> Result<Store, StoreError> {
        let fresh = inspect(path)?;
        let mut connection = connect(path, Access::Write)?;
        in_file(path, migration::bring_up_to_date(&mut connection, fresh))?
            .map_err(|problem| StoreError::new(path, problem))?;
        Ok(Store { path: path.to_owned(), durability })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that is kept but the messages: about 0.2 s for 100,000 accounts.
    ///
    /// # Errors
    /// When the database can't be read or holds what this version does not understand.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut connection = connect(&self.path, Access::Read)?;
        in_file(&self.path, snapshot::load(&mut connection))
    }

    /// 32 random bytes that were drawn when the database was made: what hosts are cloaked with, and what the salts of
    /// unknown users come from. Kept with the accounts so that a restored backup shows the same hosts.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn secret(&self) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let connection = connect(&self.path, Access::Read)?;
        in_file(&self.path, connection.query_row(schema::SECRET, [], |row| row.get(0))).map(Zeroizing::new)
    }

    /// Starts the thread that commits. `wake` is called when an outcome can be taken, `observe` after each commit; both
    /// on that thread, so they must be quick.
    ///
    /// # Errors
    /// When the database can't be opened for writing, or the system gives no thread.
    pub fn start_log(&self, wake: Waker, observe: Option<Observer>) -> Result<SqliteLog, StoreError> {
        SqliteLog::start(&self.path, self.durability, wake, observe)
    }

    /// A reader of old messages, for one thread.
    ///
    /// # Errors
    /// When the database can't be opened.
    pub fn history(&self) -> Result<History, StoreError> {
        History::open(&self.path)
    }

    /// Starts the thread that brings the search index up to date whenever `following` is told of a commit. `log`: where
    /// the messages come from.
    ///
    /// # Errors
    /// When the database can't be opened, or the system gives no thread.
    pub fn start_search_index(&self, following: &Following, log: &SqliteLog) -> Result<Follower, StoreError> {
        Follower::start(&self.path, following, log.forgetting())
    }

    /// What searches, for one thread.
    ///
    /// # Errors
    /// When the database can't be opened, or the system gives no thread.
    pub fn finder(&self, following: &Following) -> Result<Finder, StoreError> {
        Finder::open(&self.path, following)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Looks at the file without SQLite, which would take an empty or foreign one for its own. Makes an empty one, for its
/// owner alone, if there is none. True: there is nothing in it yet.
fn inspect(path: &Path) -> Result<bool, StoreError> {
    let failed = |error: std::io::Error| StoreError::new(path, Problem::of_io(&error));
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            only_for_owner(options.create_new(true)).open(path).map_err(failed)?;
            return Ok(true);
        }
        Err(error) => return Err(failed(error)),
    };
    let mut beginning = Vec::new();
    file.by_ref().take(16).read_to_end(&mut beginning).map_err(failed)?;
    if beginning.is_empty() {
        return Ok(true);
    }
    // SQLite file format, section 1.3.
    if beginning != b"SQLite format 3\0" {
        return Err(StoreError::new(path, Problem::NotADatabase));
    }
    Ok(false)
}

/// Files made with these options can be read and written by their owner alone. SQLite gives its other files the same
/// mode.
pub(crate) fn only_for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn connect(path: &Path, access: Access) -> Result<Connection, StoreError> {
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    // Each connection stays with one thread.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    in_file(
        path,
        Connection::open_with_flags(path, flags).and_then(|connection| {
            connection.busy_timeout(PATIENCE)?;
            connection.set_prepared_statement_cache_capacity(64);
            connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")?;
            Ok(connection)
        }),
    )
}

/// Makes sure that the folder itself remembers which files are in it.
pub(crate) fn flush_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
