//! Brings a database to this version, in one transaction: killed in between, it is still the old one.

use super::problem::Problem;
use super::schema;
use rusqlite::{Connection, TransactionBehavior};

/// Checks whose database this is and makes what is missing. `fresh`: the file was empty a moment ago. The inner error is
/// about the content; the file is unchanged then.
pub(super) fn bring_up_to_date(connection: &mut Connection, fresh: bool) -> rusqlite::Result<Result<(), Problem>> {
    if fresh {
        connection.execute_batch(&format!("PRAGMA page_size = {};", schema::PAGE_BYTES))?;
    }
    if let Err(problem) = recognise(connection)? {
        return Ok(Err(problem));
    }
    // Before the transaction: the mode can't change within one. It stays with the file.
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let detail = format!("its file system has no shared memory for SQLite's WAL, only {mode}");
        return Ok(Err(Problem::Failed { detail }));
    }
    connection.execute_batch("PRAGMA synchronous = FULL;")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    for step in schema::STEPS.iter().skip(version.max(0) as usize) {
        transaction.execute_batch(step)?;
    }
    if version == 0 {
        let mut secret = zeroize::Zeroizing::new([0; 32]);
        if let Err(error) = getrandom::fill(&mut *secret) {
            return Ok(Err(Problem::Failed { detail: format!("the system gives no random bytes: {error}") }));
        }
        transaction.execute(schema::KEEP_SECRET, [&secret[..]])?;
        transaction.pragma_update(None, "application_id", schema::APPLICATION)?;
    }
    if version != schema::VERSION {
        transaction.pragma_update(None, "user_version", schema::VERSION)?;
    }
    let missing = schema::missing(&transaction)?;
    if !missing.is_empty() {
        return Ok(Err(Problem::Damaged { detail: format!("lacks {}", missing.join(", ")) }));
    }
    transaction.commit()?;
    Ok(Ok(()))
}

/// Whether this is our database, or an empty one that may become it.
pub(super) fn recognise(connection: &Connection) -> rusqlite::Result<Result<(), Problem>> {
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found = version(connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let empty = application == 0 && found == 0 && tables == 0;
    Ok(if application != schema::APPLICATION && !empty {
        Err(Problem::NotOurs)
    } else if found > schema::VERSION {
        Err(Problem::Newer { found, known: schema::VERSION })
    } else {
        Ok(())
    })
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}
