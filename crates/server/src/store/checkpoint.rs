//! Folds the WAL into the database file without holding up commits.
//!
//! A checkpoint copies pages and flushes them; for tens of megabytes that takes longer than many commits, and SQLite's
//! automatic one does it inside a commit. So another thread does it while commits go on. What was committed meanwhile is
//! little, and the writer folds that between two batches: then all is folded, and the next commit begins the WAL anew.
//!
//! What was deleted or blanked is overwritten in the database file (`secure_delete`), but stands in the WAL until other
//! pages take its place there, which on a quiet server may be never. So some seconds after such a change the WAL is emptied.

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

/// An emptying waits until no more was taken away for so long: the search index forgets a second later, and what it has
/// no use for any more is taken away then.
const QUIET: Duration = Duration::from_secs(2);
/// It waits no longer than this, however much is taken away meanwhile, and comes no sooner behind the one before: the
/// file has to grow again, which commits wait for.
const BETWEEN_EMPTYINGS: Duration = Duration::from_secs(20);

/// Two: the second takes what was committed during the first, so that the writer has the less to do.
const ROUNDS: usize = 2;

#[derive(Debug)]
pub(super) struct Checkpointer {
    requests: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    under_way: bool,
    not_before: Instant,
    /// Since when, and until when, something is to be gone from the WAL too.
    taken_away: Option<(Instant, Instant)>,
    /// The checkpoint under way is for that.
    empties: bool,
    emptied: Option<Instant>,
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
            // The server before this one may have been killed.
            taken_away: Some((Instant::now(), Instant::now())),
            empties: false,
            emptied: None,
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

    /// Something was deleted or blanked.
    pub(super) fn note_taken_away(&mut self) {
        let now = Instant::now();
        let since = self.taken_away.map_or(now, |(since, _)| since);
        self.taken_away = Some((since, now));
    }

    /// When the WAL is to be emptied; `None`: nothing needs it, or it is under way.
    pub(super) fn emptying_due(&self) -> Option<Instant> {
        let (since, last) = self.taken_away.filter(|_| !self.under_way)?;
        let due = (last + QUIET).min(since + BETWEEN_EMPTYINGS);
        let due = self.emptied.map_or(due, |emptied| due.max(emptied + BETWEEN_EMPTYINGS));
        Some(due.max(self.not_before))
    }

    /// As [`Checkpointer::request`]; behind it the WAL is emptied.
    pub(super) fn request_emptying(&mut self) {
        self.request();
        self.empties = self.under_way;
    }

    /// What was reported has been taken note of. True: now the WAL is to be emptied.
    pub(super) fn done(&mut self, folded: &Folded) -> bool {
        self.under_way = false;
        if folded.failed {
            self.not_before = Instant::now() + PAUSE;
        }
        std::mem::take(&mut self.empties) && !folded.failed
    }

    /// Whether the WAL was emptied. Someone may have been reading it: then it is tried again.
    pub(super) fn emptied(&mut self, is_empty: bool) {
        if is_empty {
            self.taken_away = None;
            self.emptied = Some(Instant::now());
        } else {
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
