//! All that the database holds of one account, as JSON, for the person whose account it is.

use super::problem::{Problem, StoreError, in_file};
use super::{Access, connect, migration};
use chat::id::{ClientId, Timestamp};
use chat::membership::Roles;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::Path;
use uuid::Uuid;

/// What can go wrong: with the database, or with where it is written to.
#[derive(Debug)]
pub enum ExportError {
    Store(StoreError),
    NoSuchAccount,
    Output(io::Error),
}

/// An account that may be the one that is meant.
#[derive(Debug)]
pub struct Candidate {
    pub id: ClientId,
    pub username: String,
    pub disabled: bool,
    /// As of its record.
    pub proofs_since: Timestamp,
}

/// Numbers of messages and events that are read at a time: between two readings the database is let go, so that a slow
/// reader of what is written does not keep it from being tidied up (a WAL that is read cannot begin anew).
const WINDOW: i64 = 16_384;

/// Writes what is kept of the account that `is_meant`: itself, without what proves that someone is it; what it keeps for
/// itself; what it did, and what was done to it; and everything that it said, in the order in which it was said. Read beside a
/// server that may be running, and written as it is read: it can be long.
///
/// # Errors
/// When there is no such account, or the database or the output fails.
pub fn export(
    database: &Path,
    is_meant: impl Fn(&Candidate) -> bool,
    output: &mut impl Write,
) -> Result<(), ExportError> {
    let failed = |problem| ExportError::Store(StoreError::new(database, problem));
    if !database.exists() {
        return Err(failed(Problem::Missing));
    }
    let connection = connect(database, Access::Read).map_err(ExportError::Store)?;
    in_file(database, migration::recognise(&connection)).map_err(ExportError::Store)?.map_err(failed)?;
    // `?` of SQLite inside, of the output outside.
    match in_file(database, write(&connection, &is_meant, output)).map_err(ExportError::Store)? {
        Ok(true) => Ok(()),
        Ok(false) => Err(ExportError::NoSuchAccount),
        Err(error) => Err(ExportError::Output(error)),
    }
}

fn write(
    connection: &Connection,
    is_meant: &impl Fn(&Candidate) -> bool,
    output: &mut impl Write,
) -> rusqlite::Result<io::Result<bool>> {
    let Some(found) = find(connection, is_meant)? else { return Ok(Ok(false)) };
    // It begins as of one moment.
    connection.execute_batch("BEGIN")?;
    let head = head(connection, &found)?;
    let last: i64 = connection.query_row(
        "SELECT max(coalesce((SELECT max(number) FROM message), 0), coalesce((SELECT max(number) FROM event), 0))",
        [],
        |row| row.get(0),
    )?;
    connection.execute_batch("COMMIT")?;
    let mut text = format!("{head:#}");
    // More members follow: what was said and done, one a line.
    text.truncate(text.trim_end_matches(['}', '\n']).len());
    if let Err(error) = output.write_all(text.as_bytes()) {
        return Ok(Err(error));
    }
    for (name, sql) in [("messages", MESSAGES), ("events", EVENTS)] {
        if let Err(error) = write!(output, ",\n  \"{name}\": [") {
            return Ok(Err(error));
        }
        let mut separator = "\n";
        let mut first = 1;
        while first <= last {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![found.id.0.as_bytes(), first, first + WINDOW], object)?;
            let rows = rows.collect::<rusqlite::Result<Vec<Value>>>()?;
            drop(statement);
            for row in rows {
                if let Err(error) = write!(output, "{separator}    {row}") {
                    return Ok(Err(error));
                }
                separator = ",\n";
            }
            first += WINDOW;
        }
        if let Err(error) = write!(output, "\n  ]") {
            return Ok(Err(error));
        }
    }
    Ok(writeln!(output, "\n}}").and_then(|()| output.flush()).map(|()| true))
}

fn find(connection: &Connection, is_meant: &impl Fn(&Candidate) -> bool) -> rusqlite::Result<Option<Candidate>> {
    let mut accounts = connection.prepare("SELECT id, username, disabled, proofs_since FROM account")?;
    let mut rows = accounts.query([])?;
    let mut found = None;
    while let Some(row) = rows.next()? {
        let candidate = Candidate {
            id: ClientId(Uuid::from_bytes(row.get(0)?)),
            username: row.get(1)?,
            disabled: row.get(2)?,
            proofs_since: Timestamp(row.get::<_, i64>(3)?.max(0) as u64),
        };
        if is_meant(&candidate) {
            found = Some(candidate);
        }
    }
    Ok(found)
}

/// What is not long.
fn head(connection: &Connection, of: &Candidate) -> rusqlite::Result<Value> {
    let by_id = |sql: &str| -> rusqlite::Result<Vec<Value>> {
        connection.prepare(sql)?.query_map([&of.id.0.as_bytes()[..]], object)?.collect()
    };
    let by_text = |sql: &str, text: &str| -> rusqlite::Result<Vec<Value>> {
        connection.prepare(sql)?.query_map([text], object)?.collect()
    };
    Ok(json!({
        "account": by_id(ACCOUNT)?.pop().unwrap_or_default(),
        "certificates": by_id("SELECT fingerprint AS sha256 FROM certificate WHERE account = ?1 ORDER BY place")?,
        "former_names": by_id("SELECT name, until AS until_time FROM former_username WHERE account = ?1 ORDER BY place")?,
        "devices": by_id("SELECT name, transport, address, came AS came_time, seen AS seen_time FROM device
            WHERE account = ?1 ORDER BY seen")?,
        "memberships": by_id(MEMBERSHIPS)?,
        "metadata": by_id("SELECT key, value FROM metadata WHERE owner = ?1 ORDER BY key")?,
        "marks": by_id(MARKS)?,
        "read_markers": by_id(READ_MARKERS)?,
        "invite_links": by_id(INVITE_LINKS)?,
        "pins": by_id(PINS)?,
        // What was said of her by those who reported it is theirs.
        "reports_made": by_id(REPORTS)?,
        "server_bans": by_text("SELECT reason, set_at AS set_time, until AS until_time FROM server_ban
            WHERE target = ?1", &format!("account {}", of.id.0))?,
        // Noted by names: what someone else did who had this one before is not hers.
        "done_by_account": by_id(DONE_BY)?,
        // By whom, and what else is said of it, is theirs who did it.
        "done_to_account": by_id(DONE_TO)?,
    }))
}

const ACCOUNT: &str = "SELECT id, username, email, created AS created_time, last_seen AS last_seen_time, last_address,
    rights, owner, disabled, always_on, password_hash IS NOT NULL AS has_password FROM account WHERE id = ?1";

const MEMBERSHIPS: &str = "SELECT room.id AS room_id, room.name AS room_name, membership.roles,
    membership.since AS since_time FROM membership JOIN room ON room.number = membership.room
    WHERE membership.account = ?1 ORDER BY membership.room";

const MARKS: &str = "SELECT (SELECT name FROM room WHERE number = conversation) AS room_name,
    (SELECT username FROM account WHERE id = conversation) AS person_name, marks FROM mark
    WHERE account = ?1 ORDER BY conversation";

const READ_MARKERS: &str = "SELECT (SELECT name FROM room WHERE number = conversation) AS room_name,
    (SELECT username FROM account WHERE id = conversation) AS person_name, at AS read_until_time FROM read_marker
    WHERE account = ?1 ORDER BY conversation";

const INVITE_LINKS: &str = "SELECT room.name AS room_name, invite_link.created AS created_time,
    invite_link.expires AS expires_time, invite_link.uses_left FROM invite_link JOIN room ON room.number = invite_link.room
    WHERE invite_link.account = ?1 ORDER BY invite_link.created";

const REPORTS: &str = "SELECT report.at AS reported_time, room.name AS room_name, report.said_to, report.said_by,
    report.message, report.reason, report.is_open FROM report LEFT JOIN room ON room.number = report.room
    WHERE report.reporter = ?1 ORDER BY report.number";

const DONE_BY: &str = "SELECT audit.at AS done_time, audit.action, audit.room, audit.target, audit.detail
    FROM account JOIN audit ON audit.account = account.username AND audit.at >= account.created
    WHERE account.id = ?1 ORDER BY audit.number";

const DONE_TO: &str = "SELECT audit.at AS done_time, audit.action, audit.room
    FROM account JOIN audit ON audit.target = account.username AND audit.at >= account.created
    WHERE account.id = ?1 AND audit.account IS NOT account.username ORDER BY audit.number";

/// What she pinned and is pinned still.
const PINS: &str = "SELECT room.name AS room_name, pin.message, pin.pinned_at AS pinned_time
    FROM pin JOIN event ON event.room = pin.room AND event.position = pin.pinned AND event.target = pin.message
    JOIN person ON person.number = event.person LEFT JOIN room ON room.number = pin.room
    WHERE person.client = ?1 ORDER BY pin.pinned_at, pin.message";

const MESSAGES: &str = "SELECT message.id, message.time AS said_time, room.id AS room_id, room.name AS room_name,
    message.addressed_to, person.name AS sender_name, CASE message.kind WHEN 0 THEN 'message' WHEN 1 THEN 'notice' ELSE
    'signal' END AS kind, message.tags, message.text
    FROM message CROSS JOIN person ON person.number = message.person LEFT JOIN room ON room.number = message.room
    WHERE message.number >= ?2 AND message.number < ?3 AND person.client = ?1 ORDER BY message.number";

/// What she did to messages, and in rooms. Earlier texts of what she said are hers too.
const EVENTS: &str = "SELECT event.id, event.time AS done_time, room.id AS room_id, room.name AS room_name,
    event.addressed_to, person.name AS sender_name, CASE event.kind WHEN 1 THEN 'signal' WHEN 2 THEN 'reaction'
    WHEN 3 THEN 'reaction-taken-back' WHEN 4 THEN 'redaction' WHEN 5 THEN 'edit' WHEN 6 THEN 'edit' WHEN 7 THEN 'edit'
    WHEN 8 THEN 'pin' WHEN 9 THEN 'unpin'
    WHEN 20 THEN 'join' WHEN 21 THEN 'leave' WHEN 22 THEN 'kick' WHEN 23 THEN 'quit' WHEN 24 THEN 'rename'
    WHEN 25 THEN 'topic' WHEN 26 THEN 'room-change' WHEN 27 THEN 'room-rename' ELSE 'other' END AS kind, event.target, event.text, event.earlier,
    event.tags
    FROM event CROSS JOIN person ON person.number = event.person LEFT JOIN room ON room.number = event.room
    WHERE event.number >= ?2 AND event.number < ?3 AND event.kind <> 0 AND person.client = ?1 ORDER BY event.number";

/// A row by the names of its columns. Ids are UUIDs, times are in UTC; other bytes are in hexadecimal digits.
fn object(row: &Row<'_>) -> rusqlite::Result<Value> {
    let names = row.as_ref().column_names().map(str::to_owned).collect::<Vec<_>>();
    let mut object = Map::new();
    for (column, name) in names.into_iter().enumerate() {
        let value = match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(ms) if name.ends_with("_time") => {
                jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.into(), |time| time.to_string().into())
            }
            ValueRef::Integer(flag @ (0 | 1)) if FLAGS.contains(&name.as_str()) => (flag == 1).into(),
            ValueRef::Integer(roles) if name == "roles" => {
                Roles(roles as u8).iter().map(|role| format!("{role:?}").to_lowercase()).collect()
            }
            ValueRef::Integer(number) => number.into(),
            ValueRef::Real(number) => number.into(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
            ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
                Ok(id) => Uuid::from_bytes(id).to_string().into(),
                Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
            },
        };
        object.insert(name.trim_end_matches("_time").to_owned(), value);
    }
    Ok(Value::Object(object))
}

const FLAGS: [&str; 5] = ["owner", "disabled", "has_password", "always_on", "is_open"];
