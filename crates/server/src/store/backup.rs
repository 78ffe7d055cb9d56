//! A copy of the database while it is in use.

use super::problem::{Problem, StoreError, in_file};
use super::{Access, connect, flush_folder, migration, only_for_owner};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

/// What a backup holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackupFigures {
    pub bytes: u64,
    pub messages: u64,
    pub accounts: u64,
}

/// Copies the database at `source` to a new file `target`, as of one moment, also while a server runs on it: everything
/// that was committed before the call is in it. The copy is checked and flushed before it gets its name, and only its
/// owner may read it. It is a database as it stands: to restore it, stop the server and put it in the database's place
/// (and remove `-wal` and `-shm` beside it).
///
/// The WAL of a running server is not begun anew while the copy is made, so it grows by what is committed meanwhile.
///
/// # Errors
/// When `target` exists, `source` is not a sound database of ours, or there is no space. Nothing is left at `target`.
pub fn back_up(source: &Path, target: &Path) -> Result<BackupFigures, StoreError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(StoreError::new(target, Problem::Exists));
    }
    if !source.exists() {
        return Err(StoreError::new(source, Problem::Missing));
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(StoreError::new(target, Problem::NoFolder));
    }
    let partial = partial_name(target);
    let made = make(source, &partial).map_err(|error| error.about(&partial, target)).and_then(|figures| {
        // A link never replaces a file that has come into being meanwhile.
        let name = |error: std::io::Error| StoreError::new(target, Problem::of_io(&error));
        fs::hard_link(&partial, target).map_err(name)?;
        flush_folder(target).map_err(name)?;
        Ok(figures)
    });
    // Its content is at `target` by now, or of no use. Gone already if it was never made.
    let _ = fs::remove_file(&partial);
    made
}

fn make(source: &Path, partial: &Path) -> Result<BackupFigures, StoreError> {
    let of_partial = |error: std::io::Error| StoreError::new(partial, Problem::of_io(&error));
    let from = connect(source, Access::Read)?;
    in_file(source, migration::recognise(&from))?.map_err(|problem| StoreError::new(source, problem))?;
    only_for_owner(OpenOptions::new().write(true).create_new(true)).open(partial).map_err(of_partial)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut to = in_file(partial, Connection::open_with_flags(partial, flags))?;
    // One step copies everything within one read transaction, so commits of the server neither show nor start it anew.
    in_file(
        source,
        Backup::new(&from, &mut to).and_then(|backup| match backup.step(-1)? {
            StepResult::Done => Ok(()),
            other => Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                Some(format!("the copy stopped: {other:?}")),
            )),
        }),
    )?;
    let figures = in_file(partial, check(&to))?;
    let soundness = in_file(partial, to.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)))?;
    if soundness != "ok" {
        return Err(StoreError::new(source, Problem::Damaged { detail: soundness }));
    }
    to.close().map_err(|(_, error)| StoreError::new(partial, Problem::of(&error)))?;
    let file = File::open(partial).map_err(of_partial)?;
    file.sync_all().map_err(of_partial)?;
    let bytes = file.metadata().map_err(of_partial)?.len();
    Ok(BackupFigures { bytes, ..figures })
}

fn check(copy: &Connection) -> rusqlite::Result<BackupFigures> {
    // A single file, without a WAL beside it.
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    copy.query_row("SELECT (SELECT coalesce(sum(messages), 0) FROM run), (SELECT count(*) FROM account)", [], |row| {
        let (messages, accounts): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(BackupFigures { bytes: 0, messages: messages.max(0) as u64, accounts: accounts.max(0) as u64 })
    })
}

/// Beside the target, so that naming it needs no copy.
fn partial_name(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    target.with_file_name(name)
}
