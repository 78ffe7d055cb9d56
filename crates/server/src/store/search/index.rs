//! The index's file: made, checked, written. For the follower's thread alone.

use super::{folded_name_term, index_path, participant_term, room_term};
use crate::store::problem::{Problem, StoreError, in_file};
use crate::store::{PATIENCE, only_for_owner};
use chat::message::MessageKind;
use chat::search::{each_term, is_searched};
use foldhash::HashSet;
use rusqlite::{Connection, OpenFlags, params};
use std::fs::OpenOptions;
use std::hash::BuildHasher as _;
use std::io::ErrorKind;
use std::path::Path;

/// "prls" (PRAGMA application_id).
const APPLICATION: i64 = 0x7072_6c73;

/// A file of another version is made anew.
const VERSION: i64 = 1;

/// Kibibytes of pages that the writing connection keeps.
const CACHE_KIB: u32 = 16_384;

/// Pages in the index's WAL at which SQLite folds it: nobody waits for these commits.
const FOLDED_AT_PAGES: u32 = 2_048;

/// Bytes that the WAL file keeps when it is begun anew.
const KEPT_WAL_BYTES: u32 = 16 * 1_048_576;

/// Hashes of terms that are remembered to be in the table already.
const KNOWN_TERMS: usize = 500_000;

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
    pub(super) facts: Facts,
    pub(super) text: String,
}

/// What is known of a message besides its text.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) room: u32,
    pub(super) name: String,
    pub(super) account: Option<String>,
    pub(super) between: Option<([u8; 16], [u8; 16])>,
}

/// What a message is no longer, and what it is instead, if it is still there.
#[derive(Debug)]
pub(super) struct Forgotten {
    pub(super) number: i64,
    pub(super) facts: Facts,
    pub(super) text: String,
    /// Its text now.
    pub(super) text_now: Option<String>,
}

#[derive(Debug)]
pub(super) struct Index {
    connection: Connection,
    known: HashSet<u64>,
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
            let index = Index { connection, known: HashSet::default() };
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
        Ok(Index { connection, known: HashSet::default() })
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
        self.known.clear();
        if !self.connection.is_autocommit() {
            // If even this fails, so does the next beginning.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// Takes in what was said and forgets what is no longer. `last`: the last row of search_forget that was looked at.
    pub(super) fn take(&mut self, entries: &[Entry], forgotten: &[Forgotten], last: i64) -> rusqlite::Result<()> {
        let Index { connection, known, .. } = self;
        let mut add = connection.prepare_cached("INSERT INTO said (rowid, terms) VALUES (?1, ?2)")?;
        let mut forget =
            connection.prepare_cached("INSERT INTO said (said, rowid, terms) VALUES ('delete', ?1, ?2)")?;
        let mut vocabulary = Vocabulary::new(connection, known)?;
        let mut terms = String::new();
        // A message that changed several times is in the index as it was first.
        let mut seen = HashSet::default();
        for old in forgotten {
            if !seen.insert(old.number) {
                continue;
            }
            if !old.text.is_empty() {
                terms.clear();
                terms_of(&old.text, &old.facts, &mut terms, |_| Ok(()))?;
                forget.execute(params![old.number, terms])?;
            }
            if let Some(now) = old.text_now.as_ref().filter(|text| !text.is_empty()) {
                terms.clear();
                terms_of(now, &old.facts, &mut terms, |term| vocabulary.learn(term))?;
                add.execute(params![old.number, terms])?;
            }
        }
        for entry in entries {
            if is_searched(entry.kind) && !entry.text.is_empty() {
                terms.clear();
                terms_of(&entry.text, &entry.facts, &mut terms, |term| vocabulary.learn(term))?;
                add.execute(params![entry.number, terms])?;
            }
        }
        for old in forgotten {
            let mut unlearned = Ok(());
            each_term(&old.text, |term| {
                if unlearned.is_ok() {
                    unlearned = vocabulary.unlearn_if_unused(term);
                }
            });
            unlearned?;
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

/// Writes a message's terms, with spaces between them; each term of its text is passed on.
fn terms_of(
    text: &str,
    facts: &Facts,
    terms: &mut String,
    mut learn: impl FnMut(&str) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut learned = Ok(());
    each_term(text, |term| {
        if learned.is_ok() {
            learned = learn(term);
        }
        terms.push_str(term);
        terms.push(' ');
    });
    learned?;
    terms.push_str(&room_term(facts.room));
    terms.push(' ');
    terms.push_str(&folded_name_term(&facts.name));
    if let Some(account) = facts.account.as_ref().filter(|account| **account != facts.name) {
        terms.push(' ');
        terms.push_str(&folded_name_term(account));
    }
    if let Some((one, other)) = &facts.between {
        for client in [one, other] {
            terms.push(' ');
            terms.push_str(&participant_term(client));
        }
    }
    Ok(())
}

/// The table of terms.
struct Vocabulary<'a> {
    connection: &'a Connection,
    known: &'a mut HashSet<u64>,
    add: rusqlite::CachedStatement<'a>,
    add_pieces: rusqlite::CachedStatement<'a>,
}

impl<'a> Vocabulary<'a> {
    fn new(connection: &'a Connection, known: &'a mut HashSet<u64>) -> rusqlite::Result<Vocabulary<'a>> {
        Ok(Vocabulary {
            connection,
            known,
            add: connection.prepare_cached("INSERT OR IGNORE INTO term (text) VALUES (?1)")?,
            add_pieces: connection.prepare_cached("INSERT INTO piece (rowid, text) VALUES (?1, ?2)")?,
        })
    }

    fn learn(&mut self, term: &str) -> rusqlite::Result<()> {
        let hash = self.known.hasher().hash_one(term);
        if self.known.contains(&hash) {
            return Ok(());
        }
        if self.known.len() >= KNOWN_TERMS {
            self.known.clear();
        }
        if self.add.execute([term])? > 0 && term.chars().nth(2).is_some() {
            self.add_pieces.execute(params![self.connection.last_insert_rowid(), term])?;
        }
        self.known.insert(hash);
        Ok(())
    }

    /// Nobody says it any more: a word that was taken back is not to be found in the list of words either.
    fn unlearn_if_unused(&mut self, term: &str) -> rusqlite::Result<()> {
        let mut used = self.connection.prepare_cached("SELECT 1 FROM said WHERE said MATCH ?1 LIMIT 1")?;
        if used.exists([format!("\"{term}\"")])? {
            return Ok(());
        }
        let hash = self.known.hasher().hash_one(term);
        self.known.remove(&hash);
        let mut number = self.connection.prepare_cached("SELECT number FROM term WHERE text = ?1")?;
        let Some(number) =
            number.query_row([term], |row| row.get::<_, i64>(0)).map(Some).or_else(|error| match error {
                rusqlite::Error::QueryReturnedNoRows => Ok(None),
                error => Err(error),
            })?
        else {
            return Ok(());
        };
        if term.chars().nth(2).is_some() {
            let mut forget =
                self.connection.prepare_cached("INSERT INTO piece (piece, rowid, text) VALUES ('delete', ?1, ?2)")?;
            forget.execute(params![number, term])?;
        }
        self.connection.prepare_cached("DELETE FROM term WHERE number = ?1")?.execute([number])?;
        Ok(())
    }
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
