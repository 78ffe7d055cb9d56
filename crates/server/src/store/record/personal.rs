//! What accounts keep for themselves: read markers, metadata, marks.

use super::value::{bytes, from_words, long_text, text, time, unsigned, uuid, words};
use chat::id::{ClientId, RoomNumber, Timestamp};
use chat::metadata::{Mark, Marks, MetadataKey};
use chat::personal::ConversationKey;
use chat::snapshot::{MarksRecord, MetadataOwner, MetadataRecord, ReadMarkerRecord};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Row, params};
use std::sync::Arc;

pub(in crate::store) const KEEP_READ_MARKER: &str =
    "INSERT INTO read_marker (account, conversation, at) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET at = ?3";
pub(in crate::store) const READ_MARKERS: &str =
    "SELECT account, conversation, at FROM read_marker ORDER BY account, conversation";
pub(in crate::store) const FORGET_READ_MARKER: &str =
    "DELETE FROM read_marker WHERE account = ?1 AND conversation = ?2";
pub(in crate::store) const FORGET_READ_MARKERS: &str = "DELETE FROM read_marker WHERE account = ?1";

pub(in crate::store) fn keep_read_marker(
    statement: &mut CachedStatement<'_>,
    marker: &ReadMarkerRecord,
) -> rusqlite::Result<()> {
    statement.execute(params![bytes(&marker.account.0), key(&marker.conversation), time(marker.at)])?;
    Ok(())
}

pub(in crate::store) fn read_marker(row: &Row<'_>) -> rusqlite::Result<ReadMarkerRecord> {
    Ok(ReadMarkerRecord {
        account: ClientId(uuid(row, 0)?),
        conversation: conversation(row, 1)?,
        at: Timestamp(unsigned(row, 2)?),
    })
}

pub(in crate::store) const KEEP_METADATA: &str = "INSERT INTO metadata (owner, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET value = ?3";
pub(in crate::store) const METADATA: &str = "SELECT owner, key, value FROM metadata ORDER BY owner, key";
pub(in crate::store) const FORGET_METADATA: &str = "DELETE FROM metadata WHERE owner = ?1 AND key = ?2";
pub(in crate::store) const FORGET_ALL_METADATA: &str = "DELETE FROM metadata WHERE owner = ?1";
pub(in crate::store) const KEEP_MARKS: &str = "INSERT INTO mark (account, conversation, marks) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET marks = ?3";
pub(in crate::store) const MARKS: &str = "SELECT account, conversation, marks FROM mark ORDER BY account, conversation";
pub(in crate::store) const FORGET_MARKS: &str = "DELETE FROM mark WHERE account = ?1 AND conversation = ?2";
pub(in crate::store) const FORGET_ALL_MARKS: &str = "DELETE FROM mark WHERE account = ?1";

pub(in crate::store) fn owner(owner: &MetadataOwner) -> ToSqlOutput<'_> {
    match owner {
        MetadataOwner::Room(number) => ToSqlOutput::Owned(Value::Integer(number.0.into())),
        MetadataOwner::Account(account) => ToSqlOutput::Borrowed(ValueRef::Blob(account.0.as_bytes())),
    }
}

/// `None`: the key is none (any more).
pub(in crate::store) fn metadata(row: &Row<'_>) -> rusqlite::Result<Option<MetadataRecord>> {
    let owner = match row.get_ref(0)? {
        ValueRef::Integer(_) => MetadataOwner::Room(RoomNumber(row.get(0)?)),
        _ => MetadataOwner::Account(ClientId(uuid(row, 0)?)),
    };
    let value = long_text(row, 2)?.map(Arc::from);
    Ok(MetadataKey::parse(&text(row, 1)?).map(|key| MetadataRecord { owner, key, value }))
}

pub(in crate::store) fn mark_words(marks: Marks) -> String {
    words(marks.iter().map(mark_word))
}

pub(in crate::store) fn marks(row: &Row<'_>) -> rusqlite::Result<MarksRecord> {
    let from_word = |word: &str| Mark::ALL.into_iter().find(|mark| mark_word(*mark) == word);
    let marks = from_words(row, 2, from_word)?.into_iter().fold(Marks::default(), |marks, mark| marks.with(mark, true));
    Ok(MarksRecord { account: ClientId(uuid(row, 0)?), conversation: conversation(row, 1)?, marks })
}

pub(super) fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Blocked => "blocked",
        Mark::Muted => "muted",
        Mark::Pinned => "pinned",
    }
}

/// A room as its number, a person as the bytes of the id.
pub(in crate::store) fn key(conversation: &ConversationKey) -> ToSqlOutput<'_> {
    match conversation {
        ConversationKey::Room(number) => ToSqlOutput::Owned(Value::Integer(number.0.into())),
        ConversationKey::With(client) => ToSqlOutput::Borrowed(ValueRef::Blob(client.0.as_bytes())),
    }
}

pub(super) fn conversation(row: &Row<'_>, column: usize) -> rusqlite::Result<ConversationKey> {
    match row.get_ref(column)? {
        ValueRef::Integer(_) => row.get(column).map(|number| ConversationKey::Room(RoomNumber(number))),
        _ => uuid(row, column).map(|id| ConversationKey::With(ClientId(id))),
    }
}
