//! Everything but the messages, read at start.

use super::record;
use chat::id::{Position, RoomNumber, Timestamp};
use chat::once::{ONCE_KEYS, ONCE_MS};
use chat::snapshot::Snapshot;
use rusqlite::{Connection, params};

/// Reads it as of one moment.
pub(super) fn load(connection: &mut Connection) -> rusqlite::Result<Snapshot> {
    let moment = connection.transaction()?;
    let mut snapshot = moment.query_row("SELECT position, timestamp, next_room FROM state", [], |row| {
        Ok(Snapshot {
            position: Position(record::unsigned(row, 0)?),
            timestamp: Timestamp(record::unsigned(row, 1)?),
            next_room: row.get(2)?,
            ..Snapshot::default()
        })
    })?;

    let mut statement = moment.prepare(record::ACCOUNTS)?;
    snapshot.accounts = statement.query_map([], record::account)?.collect::<rusqlite::Result<_>>()?;
    // Both lists are in the order of their accounts, so one walk joins them. An entry without its account can't be: the
    // schema forbids it.
    let mut statement = moment.prepare(record::CERTIFICATES)?;
    let mut rows = statement.query([])?;
    let mut accounts = snapshot.accounts.iter_mut().peekable();
    while let Some(row) = rows.next()? {
        let (account, fingerprint): ([u8; 16], [u8; 32]) = (row.get(0)?, row.get(1)?);
        while accounts.next_if(|record| *record.id.0.as_bytes() < account).is_some() {}
        if let Some(record) = accounts.peek_mut().filter(|record| *record.id.0.as_bytes() == account) {
            record.certificates.push(fingerprint);
        }
    }

    let mut statement = moment.prepare(record::FORMER_USERNAMES)?;
    let mut rows = statement.query([])?;
    let mut accounts = snapshot.accounts.iter_mut().peekable();
    while let Some(row) = rows.next()? {
        let (account, former) = record::former_username(row)?;
        while accounts.next_if(|record| record.id < account).is_some() {}
        if let Some(record) = accounts.peek_mut().filter(|record| record.id == account) {
            record.former_names.push(former);
        }
    }

    let mut statement = moment.prepare(record::ROOMS)?;
    snapshot.rooms = statement.query_map([], record::room)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::LIST_ENTRIES)?;
    let mut rows = statement.query([])?;
    let mut rooms = snapshot.rooms.iter_mut().peekable();
    while let Some(row) = rows.next()? {
        let (room, kind, entry) = record::list_entry(row)?;
        while rooms.next_if(|record| record.number < room).is_some() {}
        if let Some(record) = rooms.peek_mut().filter(|record| record.number == room) {
            record.lists.push((kind, entry));
        }
    }

    let mut statement = moment.prepare(record::LAST_SAID)?;
    let rows = statement.query_map([], |row| Ok((RoomNumber(row.get(0)?), Timestamp(record::unsigned(row, 1)?))))?;
    snapshot.last_said = rows.collect::<rusqlite::Result<_>>()?;

    let mut statement = moment.prepare(record::LINKS)?;
    let mut rows = statement.query([])?;
    let mut rooms = snapshot.rooms.iter_mut().peekable();
    while let Some(row) = rows.next()? {
        let (room, link) = record::link(row)?;
        while rooms.next_if(|record| record.number < room).is_some() {}
        if let Some(record) = rooms.peek_mut().filter(|record| record.number == room) {
            record.links.push(link);
        }
    }

    let mut statement = moment.prepare(record::FORMER_NAMES)?;
    let mut rows = statement.query([])?;
    let mut rooms = snapshot.rooms.iter_mut().peekable();
    while let Some(row) = rows.next()? {
        let (room, former) = record::former_name(row)?;
        while rooms.next_if(|record| record.number < room).is_some() {}
        if let Some(record) = rooms.peek_mut().filter(|record| record.number == room) {
            record.former_names.push(former);
        }
    }

    let mut statement = moment.prepare(record::DEVICES)?;
    snapshot.devices = statement.query_map([], record::device)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::PRESENCES)?;
    snapshot.presences = statement.query_map([], record::presence)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::BANS)?;
    snapshot.server_bans = statement.query_map([], record::ban)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::REPORTS)?;
    snapshot.reports = statement.query_map([], record::report)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::PINS)?;
    snapshot.pins = statement.query_map([], record::pin)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::MEMBERS)?;
    snapshot.memberships = statement.query_map([], record::member)?.collect::<rusqlite::Result<_>>()?;

    let mut statement = moment.prepare(record::METADATA)?;
    let rows = statement.query_map([], record::metadata)?;
    snapshot.metadata = rows.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::MARKS)?;
    snapshot.marks = statement.query_map([], record::marks)?.collect::<rusqlite::Result<_>>()?;
    let mut statement = moment.prepare(record::READ_MARKERS)?;
    snapshot.read_markers = statement.query_map([], record::read_marker)?.collect::<rusqlite::Result<_>>()?;

    let since = Timestamp(snapshot.timestamp.0.saturating_sub(ONCE_MS));
    let mut statement = moment.prepare(record::POSTED_ONCE)?;
    let rows = statement.query_map(params![record::time(since), ONCE_KEYS as i64], record::posted_once)?;
    snapshot.posted_once = rows.filter_map(Result::transpose).collect::<rusqlite::Result<_>>()?;
    snapshot.posted_once.reverse();
    Ok(snapshot)
}
