//! All that the database holds of one account, as JSON, for the person whose account it is.

use super::problem::{Problem, StoreError, in_file};
use super::{Access, connect, migration};
use chat::membership::Roles;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::Path;

/// What can go wrong: with the database, or with where it is written to.
#[derive(Debug)]
pub enum ExportError {
    Store(StoreError),
    NoSuchAccount,
    Output(io::Error),
}

/// Writes what is kept of the account that `is_meant` by its username: itself, without what proves its password, its
/// memberships, and everything that it said, in the order in which it was said. Read in one transaction beside a server that
/// may be running, and written as it is read: it can be long.
///
/// # Errors
/// When there is no such account, or the database or the output fails.
pub fn export(database: &Path, is_meant: impl Fn(&str) -> bool, output: &mut impl Write) -> Result<(), ExportError> {
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
    is_meant: &impl Fn(&str) -> bool,
    output: &mut impl Write,
) -> rusqlite::Result<io::Result<bool>> {
    connection.execute_batch("BEGIN")?;
    let mut accounts = connection.prepare("SELECT id, username FROM account")?;
    let mut rows = accounts.query([])?;
    let mut found: Option<Vec<u8>> = None;
    while let Some(row) = rows.next()? {
        if is_meant(&row.get::<_, String>(1)?) {
            found = Some(row.get(0)?);
        }
    }
    let Some(id) = found else { return Ok(Ok(false)) };
    let one = |sql: &str| -> rusqlite::Result<Vec<Value>> {
        let mut statement = connection.prepare(sql)?;
        statement.query_map([&id], object)?.collect()
    };
    let account = one(ACCOUNT)?.pop().unwrap_or_default();
    let certificates = one("SELECT fingerprint AS sha256 FROM certificate WHERE account = ?1 ORDER BY place")?;
    let memberships = one(MEMBERSHIPS)?;
    let head = json!({"account": account, "certificates": certificates, "memberships": memberships});
    let mut text = format!("{head:#}");
    // The last member follows: the messages, one a line.
    text.truncate(text.trim_end_matches(['}', '\n']).len());
    if let Err(error) = write!(output, "{text},\n  \"messages\": [") {
        return Ok(Err(error));
    }
    let mut messages = connection.prepare(MESSAGES)?;
    let mut rows = messages.query([&id])?;
    let mut separator = "\n";
    while let Some(row) = rows.next()? {
        if let Err(error) = write!(output, "{separator}    {}", object(row)?) {
            return Ok(Err(error));
        }
        separator = ",\n";
    }
    Ok(writeln!(output, "\n  ]\n}}").and_then(|()| output.flush()).map(|()| true))
}

const ACCOUNT: &str = "SELECT id, username, email, created AS created_time, last_seen AS last_seen_time, last_address,
    rights, owner, disabled, password_hash IS NOT NULL AS has_password FROM account WHERE id = ?1";

const MEMBERSHIPS: &str = "SELECT room.id AS room_id, room.name AS room_name, membership.roles,
    membership.since AS since_time FROM membership JOIN room ON room.number = membership.room
    WHERE membership.account = ?1 ORDER BY membership.room";

const MESSAGES: &str = "SELECT message.id, message.time AS said_time, room.id AS room_id, room.name AS room_name,
    message.addressed_to, person.name AS sender_name, CASE message.kind WHEN 0 THEN 'message' WHEN 1 THEN 'notice' ELSE
    'signal' END AS kind, message.tags, message.text
    FROM message JOIN person ON person.number = message.person LEFT JOIN room ON room.number = message.room
    WHERE person.client = ?1 ORDER BY message.number";

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
                Ok(id) => uuid::Uuid::from_bytes(id).to_string().into(),
                Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
            },
        };
        object.insert(name.trim_end_matches("_time").to_owned(), value);
    }
    Ok(Value::Object(object))
}

const FLAGS: [&str; 3] = ["owner", "disabled", "has_password"];
