//! Reading what is noted of who did what.

use super::problem::{Problem, StoreError, in_file};
use super::{Access, connect, migration, record};
use chat::audit::{AuditEntry, AuditFilter};
use rusqlite::Connection;
use std::path::Path;

/// How long an entry is kept: a year.
pub(super) const KEPT_MS: u64 = 365 * 86_400_000;

/// Entries that are kept at most, whatever their age: some 20 MB.
pub(super) const KEPT_ENTRIES: i64 = 100_000;

/// The newest entries that the filter admits, the newest first; also while a server runs on the database.
///
/// # Errors
/// When there is no database of ours, or it can't be read.
pub fn read(path: &Path, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
    if !path.exists() {
        return Err(StoreError::new(path, Problem::Missing));
    }
    let connection = connect(path, Access::Read)?;
    in_file(path, migration::recognise(&connection))?.map_err(|problem| StoreError::new(path, problem))?;
    in_file(path, select(&connection, filter))
}

pub(super) fn select(connection: &Connection, filter: &AuditFilter) -> rusqlite::Result<Vec<AuditEntry>> {
    // A database of an earlier version has none, and is brought up to date by the next start.
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'audit'";
    if connection.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(record::AUDIT)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = record::audit(row)?;
        // They stand in the order of time.
        if found.len() >= filter.limit || filter.since.is_some_and(|since| entry.at < since) {
            break;
        }
        if filter.admits(&entry) {
            found.push(entry);
        }
    }
    Ok(found)
}
