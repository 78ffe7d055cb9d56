//! The index's file: made, checked, written. For the follower's thread alone.

use super::index_path;
use super::terms::write_terms;
use crate::store::problem::{Problem, StoreError, in_file};
use crate::store::{PATIENCE, only_for_owner};
use chat::message::MessageKind;
use chat::search::is_searched;
use foldhash::HashSet;
use rusqlite::{Connection, OpenFlags, params};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// "prls" (PRAGMA application_id).
const APPLICATION: i64 = 0x7072_6c73;

/// A file of another version is made anew.
const VERSION: i64 = 2;

/// Kibibytes of pages that the writing connection keeps.
const CACHE_KIB: u32 = 16_384;

/// Pages in the index's WAL at which SQLite folds it: nobody waits for these commits.
const FOLDED_AT_PAGES: u32 = 2_048;

/// Bytes that the WAL file keeps when it is begun anew.
const KEPT_WAL_BYTES: u32 = 16 * 1_048_576;

/// How far the index has followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Progress {
    pub(super) indexed: i64,
    pub(super) id: Option<[u8; 16]>,
    pub(super) forgotten: i64,
}

/// A message as far as the index has to do with it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: i64,
    pub(super) id: [u8; 16],
    pub(super) kind: MessageKind,
    /// Its terms besides those of its text.
    pub(super) facts: Arc<str>,
    pub(super) text: String,
}

/// What a message is no longer, and what it is instead, if it is still there.
#[derive(Debug)]
pub(super) struct Forgotten {
    pub(super) number: i64,
    pub(super) facts: Arc<str>,
    pub(super) text: String,
    /// Its text now.
    pub(super) text_now: Option<String>,
}

#[derive(Debug)]
pub(super) struct Index {
    connection: Connection,
}

/// Why a file is not used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is to be made (anew), for this reason.
    Anew(String),
    Failed(StoreError),
}

impl Index {
    /// Opens what is there.
    pub(super) fn open(database: &Path) -> Result<Index, Unusable> {
        let path = index_path(database);
        if !path.exists() {
            return Err(Unusable::Anew("there is none yet".to_owned()));
        }
        let looked_at = connect(&path).and_then(|connection| {
            let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
            let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            let index = Index { connection };
            if application != APPLICATION || version != VERSION {
                return Ok(Err(Unusable::Anew(format!("it has version {version}, this server makes {VERSION}"))));
            }
            index.progress()?;
            Ok(Ok(index))
        });
        match looked_at {
            Ok(outcome) => outcome,
            Err(error) if is_broken(&error) => Err(Unusable::Anew(format!("it is damaged: {error}"))),
            Err(error) => Err(Unusable::Failed(StoreError::new(&path, Problem::of(&error)))),
        }
    }

    /// An empty one, in the place of whatever is there.
    pub(super) fn make(database: &Path) -> Result<Index, StoreError> {
        let path = index_path(database);
        let failed = |error: std::io::Error| StoreError::new(&path, Problem::of_io(&error));
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        only_for_owner(OpenOptions::new().write(true).create_new(true)).open(&path).map_err(failed)?;
        let make = || {
            let connection = connect(&path)?;
            // Each reader that comes meanwhile finds all of it or an empty file.
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;",
                include_str!("schema.sql")
            ))?;
            Ok(connection)
        };
        let connection = in_file(&path, make())?;
        Ok(Index { connection })
    }

    pub(super) fn progress(&self) -> rusqlite::Result<Progress> {
        self.connection.query_row("SELECT indexed, id, forgotten FROM progress", [], |row| {
            Ok(Progress { indexed: row.get(0)?, id: row.get(1)?, forgotten: row.get(2)? })
        })
    }

    /// Where an index begins that has nothing: with this many rows of search_forget behind it.
    pub(super) fn begin_behind(&mut self, forgotten: i64) -> rusqlite::Result<()> {
        self.connection.execute("UPDATE progress SET forgotten = ?1", [forgotten])?;
        Ok(())
    }

    /// Begins what [`Index::commit`] ends; several chunks may be taken in between.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    pub(super) fn commit(&mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// After an error: as it was before the transaction.
    pub(super) fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            // If even this fails, so does the next beginning.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// Takes in what was said and forgets what is no longer. `last`: the last row of search_forget that was looked at.
    pub(super) fn take(&mut self, entries: &[Entry], forgotten: &[Forgotten], last: i64) -> rusqlite::Result<()> {
        let Index { connection } = self;
        let mut add = connection.prepare_cached("INSERT INTO said (rowid, terms) VALUES (?1, ?2)")?;
        let mut forget =
            connection.prepare_cached("INSERT INTO said (said, rowid, terms) VALUES ('delete', ?1, ?2)")?;
        let mut terms = String::new();
        // A message that changed several times is in the index as it was first.
        let mut seen = HashSet::default();
        for old in forgotten {
            if !seen.insert(old.number) {
                continue;
            }
            if !old.text.is_empty() {
                forget.execute(params![old.number, terms_of(&old.text, &old.facts, &mut terms)])?;
            }
            if let Some(now) = old.text_now.as_ref().filter(|text| !text.is_empty()) {
                add.execute(params![old.number, terms_of(now, &old.facts, &mut terms)])?;
            }
        }
        for entry in entries {
            if is_searched(entry.kind) && !entry.text.is_empty() {
                add.execute(params![entry.number, terms_of(&entry.text, &entry.facts, &mut terms)])?;
            }
        }
        match entries.last() {
            Some(entry) => connection
                .prepare_cached("UPDATE progress SET indexed = ?1, id = ?2, forgotten = ?3")?
                .execute(params![entry.number, entry.id, last])?,
            None => connection.prepare_cached("UPDATE progress SET forgotten = ?1")?.execute([last])?,
        };
        Ok(())
    }

    /// What was forgotten is in the WAL still, until that is begun anew.
    pub(super) fn fold(&self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

fn terms_of<'a>(text: &str, facts: &str, terms: &'a mut String) -> &'a str {
    terms.clear();
    write_terms(text, terms);
    terms.push_str(facts);
    terms
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // NORMAL: power loss costs the last commits of the index, which are made again.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = {FOLDED_AT_PAGES};
         PRAGMA journal_size_limit = {KEPT_WAL_BYTES};
         PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA trusted_schema = OFF;"
    ))?;
    Ok(connection)
}

/// Whether the file itself is wrong, so that only making it anew can help.
pub(super) fn is_broken(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase))
        || matches!(
            error,
            rusqlite::Error::QueryReturnedNoRows
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
        )
        || error.to_string().contains("no such table")
}
