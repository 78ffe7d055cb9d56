//! Folds the WAL into the database file without holding up commits.
//!
//! A checkpoint copies pages and flushes them; for tens of megabytes that takes longer than many commits, and SQLite's
//! automatic one does it inside a commit. So another thread does it while commits go on. What was committed meanwhile is
//! little, and the writer folds that between two batches: then all is folded, and the next commit begins the WAL anew.

use super::problem::StoreError;
use super::{Access, connect};
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pages in the WAL at which folding begins: 16 MiB. The WAL is some times as large if a long reader (a backup) keeps
/// it from beginning anew; then it grows until the reader is done.
const PAGES: u64 = 4_096;

/// After a checkpoint that failed, as on a full disk.
const PAUSE: Duration = Duration::from_secs(1);

/// Two: the second takes what was committed during the first, so that the writer has the less to do.
const ROUNDS: usize = 2;

#[derive(Debug)]
pub(super) struct Checkpointer {
    requests: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    under_way: bool,
    not_before: Instant,
}

/// How a requested checkpoint went.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) failed: bool,
}

impl Checkpointer {
    /// `report` is called on the checkpointer's thread.
    pub(super) fn start(path: &Path, report: impl Fn(Folded) + Send + 'static) -> Result<Checkpointer, StoreError> {
        let connection = connect(path, Access::Write)?;
        let (requests, wanted) = channel();
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || run(&connection, &wanted, &report))
            .map_err(|error| StoreError::new(path, super::Problem::of_io(&error)))?;
        Ok(Checkpointer {
            requests: Some(requests),
            thread: Some(thread),
            under_way: false,
            not_before: Instant::now(),
        })
    }

    /// Whether a checkpoint shall be asked for, now that so many pages wait.
    pub(super) fn is_due(&self, pages: u64) -> bool {
        pages >= PAGES && !self.under_way && Instant::now() >= self.not_before
    }

    pub(super) fn request(&mut self) {
        if let Some(requests) = &self.requests {
            self.under_way = requests.send(()).is_ok();
        }
    }

    /// What was reported has been taken note of.
    pub(super) fn done(&mut self, folded: &Folded) {
        self.under_way = false;
        if folded.failed {
            self.not_before = Instant::now() + PAUSE;
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook; nothing is lost, the WAL holds everything.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, wanted: &Receiver<()>, report: &impl Fn(Folded)) {
    while wanted.recv().is_ok() {
        let folded = (0..ROUNDS)
            .try_for_each(|_| connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(())));
        if let Err(error) = &folded {
            tracing::warn!("the WAL could not be folded into the database and grows meanwhile: {error}");
        }
        report(Folded { failed: folded.is_err() });
    }
}
