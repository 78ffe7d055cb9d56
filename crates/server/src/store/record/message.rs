//! Messages and how their senders appeared.

use super::room::role_number;
use super::value::{broken, bytes, long_text, numbered, some_text, some_uuid, text, time, unsigned, uuid, wrong};
use chat::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp};
use chat::membership::Role;
use chat::message::{Message, MessageKind, MessageState};
use chat::once::{OnceKey, Posted};
use chat::person::Person;
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Row, params};
use std::sync::Arc;

pub(in crate::store) const KEEP_PERSON: &str =
    "INSERT INTO person (number, client, name, ident, host, account, realname, bot)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(in crate::store) const KEEP_MESSAGE: &str = "INSERT INTO message
    (number, room, position, id, time, person, kind, tags, text, addressed_to, recipient, audience, seams)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
pub(in crate::store) const KEEP_ONCE: &str = "INSERT INTO posted_once (number, key) VALUES (?1, ?2)";
/// The oldest keys whose day is over, as many as asked for.
pub(in crate::store) const FORGET_ONCE: &str = "DELETE FROM posted_once WHERE number IN
    (SELECT number FROM (SELECT number FROM posted_once ORDER BY number LIMIT ?2) JOIN message USING (number)
     WHERE message.time < ?1)";
pub(in crate::store) const FORGET_FORGOTTEN: &str = "DELETE FROM search_forget WHERE sequence IN
    (SELECT sequence FROM search_forget WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)";
/// The newest first.
pub(in crate::store) const POSTED_ONCE: &str = "SELECT person.client, message.room, posted_once.key, message.id
    FROM posted_once CROSS JOIN message USING (number) CROSS JOIN person ON person.number = message.person
    WHERE message.time >= ?1 ORDER BY posted_once.number DESC LIMIT ?2";
pub(in crate::store) const KEEP_RUN: &str =
    "INSERT INTO run (room, position, number, messages) VALUES (?1, ?2, ?3, ?4)";
/// The columns that [`message`] reads, of `message`, `person` and `room`.
pub(in crate::store) const MESSAGE_COLUMNS: &str =
    "message.id, message.time, message.position, message.room, message.kind,
    message.tags, message.text, coalesce(message.addressed_to, room.name, ''), message.recipient, message.audience,
    room.id, message.state, message.person, person.client, person.name, person.ident, person.host, person.account,
    person.realname, person.bot, message.seams";
/// Blanks the message of this room, position and id.
pub(in crate::store) const REDACT_MESSAGE: &str =
    "UPDATE message SET text = '', seams = NULL, tags = NULL, state = 2 WHERE id = ?3 AND number =
    (SELECT message.number FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = ?1 AND run.position = (SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2)
       AND message.position = ?2)";

pub(in crate::store) fn keep_person(
    statement: &mut CachedStatement<'_>,
    number: i64,
    person: &Person,
) -> rusqlite::Result<()> {
    statement.execute(params![
        number,
        bytes(&person.id.0),
        person.name.as_str(),
        person.ident.as_str(),
        person.host.as_str(),
        person.account.as_deref(),
        person.realname.as_str(),
        person.bot,
    ])?;
    Ok(())
}

/// The hot path: the statement keeps its bindings, so each is set each time.
pub(in crate::store) fn keep_message(
    statement: &mut CachedStatement<'_>,
    number: i64,
    message: &Message,
    person: i64,
) -> rusqlite::Result<()> {
    // A room's name stands in the room's row.
    let addressed_to = message.recipient_id.map(|_| message.addressed_to.as_str());
    statement.raw_bind_parameter(1, number)?;
    statement.raw_bind_parameter(2, message.room.0)?;
    statement.raw_bind_parameter(3, message.position.0 as i64)?;
    statement.raw_bind_parameter(4, bytes(&message.id.0))?;
    statement.raw_bind_parameter(5, time(message.timestamp))?;
    statement.raw_bind_parameter(6, person)?;
    statement.raw_bind_parameter(7, kind_number(message.kind))?;
    statement.raw_bind_parameter(8, message.tags.as_deref())?;
    statement.raw_bind_parameter(9, &*message.payload)?;
    statement.raw_bind_parameter(10, addressed_to)?;
    statement.raw_bind_parameter(11, message.recipient_id.as_ref().map(|id| bytes(&id.0)))?;
    statement.raw_bind_parameter(12, message.audience.map(role_number))?;
    statement.raw_bind_parameter(13, message.seams.as_deref().map(seams_to_bytes))?;
    statement.raw_execute()?;
    Ok(())
}

/// The person of the row before, by the number of its row.
pub(in crate::store) type LastPerson = Option<(i64, Arc<Person>)>;

/// The person whose columns begin at `first` with the row's number; shared with the row before if it is the same again.
pub(super) fn person(row: &Row<'_>, first: usize, last: &mut LastPerson) -> rusqlite::Result<Arc<Person>> {
    let number: i64 = row.get(first)?;
    Ok(match last {
        Some((same, person)) if *same == number => person.clone(),
        _ => {
            let person = Arc::new(Person {
                id: ClientId(uuid(row, first + 1)?),
                name: text(row, first + 2)?,
                ident: text(row, first + 3)?,
                host: text(row, first + 4)?,
                account: some_text(row, first + 5)?,
                realname: text(row, first + 6)?,
                bot: row.get(first + 7)?,
            });
            *last = Some((number, person.clone()));
            person
        }
    })
}

pub(in crate::store) fn message(row: &Row<'_>, last: &mut LastPerson) -> rusqlite::Result<(Message, MessageState)> {
    let sender = person(row, 12, last)?;
    let state = match row.get::<_, Option<i64>>(11)? {
        None => MessageState::AsSaid,
        Some(1) => MessageState::Edited,
        Some(2) => MessageState::Redacted,
        Some(other) => return Err(broken(11, Type::Integer, format!("not understood: {other}"))),
    };
    let message = Message {
        id: MessageId(uuid(row, 0)?),
        timestamp: Timestamp(unsigned(row, 1)?),
        position: Position(unsigned(row, 2)?),
        room: RoomNumber(row.get(3)?),
        kind: kind(row, 4)?,
        tags: long_text(row, 5)?,
        payload: row.get::<_, Box<str>>(6)?,
        seams: seams(row, 20)?,
        addressed_to: text(row, 7)?,
        recipient_id: some_uuid(row, 8)?.map(ClientId),
        audience: audience(row, 9)?,
        chatroom_id: ChatroomId(uuid(row, 10)?),
        once: None,
        lasting: None,
        sender_id: sender.id,
        sender,
    };
    Ok((message, state))
}

pub(super) fn audience(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Role>> {
    match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => numbered(row, column, &Role::ALL, role_number).map(Some),
    }
}

/// Each in four bytes, the lowest first.
pub(super) fn seams_to_bytes(seams: &[u32]) -> Vec<u8> {
    seams.iter().flat_map(|seam| seam.to_le_bytes()).collect()
}

pub(super) fn seams(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Box<[u32]>>> {
    let bytes = row.get_ref(column)?.as_blob_or_null().map_err(|error| wrong(row, column, error))?;
    let Some(bytes) = bytes else { return Ok(None) };
    let (seams, []) = bytes.as_chunks::<4>() else {
        return Err(broken(column, Type::Blob, format!("{} bytes are no places in a text", bytes.len())));
    };
    Ok(Some(seams.iter().map(|seam| u32::from_le_bytes(*seam)).collect()))
}

pub(in crate::store) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageKind> {
    numbered(row, column, &KINDS, kind_number)
}

/// `None`: the key is none (any more).
pub(in crate::store) fn posted_once(row: &Row<'_>) -> rusqlite::Result<Option<(Posted, MessageId)>> {
    let key: String = row.get(2)?;
    let (client, room) = (ClientId(uuid(row, 0)?), RoomNumber(row.get(1)?));
    let id = MessageId(uuid(row, 3)?);
    Ok(OnceKey::parse(&key).map(|key| (Posted { client, room, key }, id)))
}

pub(super) const KINDS: [MessageKind; 3] = [MessageKind::Text, MessageKind::Notice, MessageKind::Signal];

pub(super) fn kind_number(kind: MessageKind) -> i64 {
    match kind {
        MessageKind::Text => 0,
        MessageKind::Notice => 1,
        MessageKind::Signal => 2,
    }
}
