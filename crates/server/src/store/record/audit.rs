//! Who did what to whom.

use super::value::{broken, parsed, some_text, text, time, unsigned};
use chat::audit::{AuditAction, AuditEntry};
use chat::id::Timestamp;
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Row, params};

pub(in crate::store) const KEEP_AUDIT: &str =
    "INSERT INTO audit (at, made_by, account, action, room, target, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
/// The oldest that are too old, or beyond the most that are kept: of as many as asked for.
pub(in crate::store) const FORGET_AUDIT: &str = "DELETE FROM audit WHERE number IN
    (SELECT number FROM (SELECT number, at FROM audit ORDER BY number LIMIT ?3) WHERE at < ?1 OR number <= ?2)";
/// The newest first.
pub(in crate::store) const AUDIT: &str =
    "SELECT at, made_by, account, action, room, target, detail FROM audit ORDER BY number DESC";

pub(in crate::store) fn keep_audit(statement: &mut CachedStatement<'_>, entry: &AuditEntry) -> rusqlite::Result<()> {
    statement.execute(params![
        time(entry.at),
        entry.by.as_str(),
        entry.account.as_deref(),
        entry.action.word(),
        entry.room.as_deref(),
        entry.target.as_str(),
        &*entry.detail,
    ])?;
    Ok(())
}

pub(in crate::store) fn audit(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    let action = parsed(row, 3, AuditAction::from_word)?;
    Ok(AuditEntry {
        at: Timestamp(unsigned(row, 0)?),
        by: text(row, 1)?,
        account: some_text(row, 2)?,
        action: action.ok_or_else(|| broken(3, Type::Null, "no action".to_owned()))?,
        room: some_text(row, 4)?,
        target: text(row, 5)?,
        detail: row.get::<_, Box<str>>(6)?,
    })
}
