//! The tables, version by version, and whether a database has them.

use rusqlite::Connection;

/// "prlr": how `file` and we tell our databases from others (PRAGMA application_id).
pub(super) const APPLICATION: i64 = 0x7072_6c72;

/// What turns a database of version n into one of version n + 1. Never changed once released; a change is another step.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
];

/// The version that this server writes (PRAGMA user_version).
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Bytes. 4,096 measured better than 8,192: a commit touches the last page of each busy room's runs, and writes it whole.
pub(super) const PAGE_BYTES: u32 = 4_096;

pub(super) const SECRET: &str = "SELECT value FROM secret WHERE name = 'server'";
pub(super) const KEEP_SECRET: &str = "INSERT INTO secret (name, value) VALUES ('server', ?1)";

/// Tables and indexes that should be there and are not, or differ: their names. Others may have been added.
pub(super) fn missing(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let model = Connection::open_in_memory()?;
    for step in STEPS {
        model.execute_batch(step)?;
    }
    let found = definitions(connection)?;
    let expected = definitions(&model)?;
    Ok(expected.into_iter().filter(|definition| !found.contains(definition)).map(|(name, _)| name).collect())
}

fn definitions(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
