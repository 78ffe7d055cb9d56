//! The log on SQLite: a thread that owns the one writing connection, and two queues.
//!
//! A batch is one transaction and one flush. What fails is taken back whole; then batches fail at once until a probe,
//! four times a second, finds that the disk takes something again.

use super::checkpoint::{Checkpointer, Folded};
use super::problem::{StoreError, failure_of};
use super::retention::Pruner;
use super::writer::Writer;
use super::{Durability, Problem, flush_folder};
use crate::shard::wall_clock;
use chat::change::Change;
use chat::log::{Batch, Log, Outcome, StorageFailure};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Called when an outcome can be taken.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Called after each commit, for metrics; `None`: it failed.
pub type Observer = Arc<dyn Fn(Option<Committed>) + Send + Sync>;

/// A commit that worked.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    /// 0: what is over was deleted.
    pub changes: usize,
    /// How many of them are messages.
    pub messages: usize,
    /// Of the whole transaction, its flush included.
    pub took: Duration,
}

/// Between two probes of a disk that takes nothing: short enough that senders are let in again within a second.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// Makes batches durable in one SQLite database. Dropping it waits until everything given to it is committed or has
/// failed, and closes the database.
///
/// The queues have no bound of their own: the sequencer has one batch under way at a time.
pub struct SqliteLog {
    inputs: Sender<Input>,
    outcomes: Receiver<Outcome>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Input {
    Batch(Batch),
    Folded(Folded),
    /// The search index has no use for rows of search_forget up to this one any more.
    Forgotten(i64),
    /// How long messages are kept from now on; `None`: for ever, unless their room says otherwise.
    KeepFor(Option<Duration>),
    Stop,
}

/// Says how long messages are kept. Until it has, nothing is deleted.
#[derive(Clone, Debug)]
pub struct KeepFor(Sender<Input>);

impl KeepFor {
    /// `None`: for ever. Rooms may keep theirs for a shorter time.
    pub fn set(&self, span: Option<Duration>) {
        // The thread is gone only when all is over.
        let _ = self.0.send(Input::KeepFor(span));
    }
}

impl SqliteLog {
    pub(super) fn start(
        path: &Path,
        durability: Durability,
        wake: Waker,
        observe: Option<Observer>,
    ) -> Result<SqliteLog, StoreError> {
        let failed = |error: std::io::Error| StoreError::new(path, Problem::of_io(&error));
        let writer = Writer::open(path, durability)?;
        flush_folder(path).map_err(failed)?;
        let (inputs, taken) = channel();
        let (told, outcomes) = channel();
        let report = inputs.clone();
        let checkpointer = Checkpointer::start(path, move |folded| {
            // The thread is gone only when all is over.
            let _ = report.send(Input::Folded(folded));
        })?;
        let outlet = Outlet { outcomes: Some(told), wake };
        let thread = LogThread {
            writer,
            checkpointer,
            inputs: taken,
            later: inputs.clone(),
            outlet,
            observe,
            failing: None,
            written_since_asked: 0,
            pruner: None,
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(|| thread.run()).map_err(failed)?;
        Ok(SqliteLog { inputs, outcomes, thread: Some(thread) })
    }

    /// For the follower of the search index: this log is the only one that writes the database.
    pub(super) fn forgetting(&self) -> super::search::Forgetting {
        let inputs = self.inputs.clone();
        // The thread is gone only when all is over; the next start says it again.
        Box::new(move |last| _ = inputs.send(Input::Forgotten(last)))
    }

    pub fn keep_for(&self) -> KeepFor {
        KeepFor(self.inputs.clone())
    }
}

impl Log for SqliteLog {
    fn append(&mut self, batch: Batch) {
        // If the thread has died, `committed` says so.
        let _ = self.inputs.send(Input::Batch(batch));
    }

    /// # Panics
    /// When the store's thread has died of a panic: nothing would ever be committed again, and the process is to end.
    fn committed(&mut self) -> Option<Outcome> {
        match self.outcomes.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => panic!("the store's thread is gone"),
        }
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        let _ = self.inputs.send(Input::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLog").finish_non_exhaustive()
    }
}

/// Where outcomes go. Wakes the other side a last time when the thread ends, however it ends.
struct Outlet {
    outcomes: Option<Sender<Outcome>>,
    wake: Waker,
}

impl Outlet {
    fn tell(&self, outcome: Outcome) {
        if let Some(outcomes) = &self.outcomes {
            // Nobody listens any more when the log is being dropped.
            let _ = outcomes.send(outcome);
        }
        (self.wake)();
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.outcomes = None;
        (self.wake)();
    }
}

/// How often the size of the WAL is asked for: after so many changes. About 64 pages are written for them.
const CHANGES_BETWEEN_QUESTIONS: usize = 1_024;
/// A commit writes some pages for itself, as many as so many changes fill.
const CHANGES_OF_A_COMMIT: usize = 32;

/// How long an emptying of the WAL waits for readers, and with it everyone who says something.
const EMPTYING: Duration = Duration::from_millis(5);
const EMPTYING_AT_THE_END: Duration = Duration::from_millis(500);

struct LogThread {
    writer: Writer,
    checkpointer: Checkpointer,
    inputs: Receiver<Input>,
    /// What is too much for one time.
    later: Sender<Input>,
    outlet: Outlet,
    observe: Option<Observer>,
    failing: Option<Failing>,
    /// Changes committed since the size of the WAL was last asked for, with each commit's own price.
    written_since_asked: usize,
    /// Deletes what is over, once it is known how long messages are kept.
    pruner: Option<Pruner>,
}

#[derive(Clone, Copy)]
struct Failing {
    failure: StorageFailure,
    next_probe: Instant,
}

impl LogThread {
    fn run(mut self) {
        loop {
            let wake = match self.failing {
                Some(failing) => Some(failing.next_probe),
                None => {
                    let pruning = self.pruner.as_ref().and_then(Pruner::due);
                    pruning.into_iter().chain(self.checkpointer.emptying_due()).min()
                }
            };
            let input = match wake {
                None => self.inputs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => self.inputs.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match input {
                Ok(Input::Batch(batch)) => self.take(&batch),
                Ok(Input::Folded(folded)) => self.finish_folding(&folded),
                Ok(Input::Forgotten(last)) => self.forget(last),
                Ok(Input::KeepFor(span)) => self.pruner.get_or_insert_with(Pruner::new).keep_for(span),
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return self.leave(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.failing.is_some_and(|failing| Instant::now() >= failing.next_probe) {
                self.probe();
            }
            self.prune_if_due();
            self.empty_wal_if_due();
        }
    }

    /// Readers may close the database later than this thread does, and they leave the WAL as it is.
    fn leave(&mut self) {
        if self.failing.is_none()
            && let Err(error) = self.writer.empty_wal(EMPTYING_AT_THE_END)
        {
            tracing::debug!("the WAL could not be folded at the end: {error}");
        }
    }

    fn empty_wal_if_due(&mut self) {
        if self.writer.take_taken_away() {
            self.checkpointer.note_taken_away();
        }
        if self.failing.is_none() && self.checkpointer.emptying_due().is_some_and(|due| due <= Instant::now()) {
            self.checkpointer.request_emptying();
        }
    }

    fn prune_if_due(&mut self) {
        let Some(pruner) = self.pruner.as_mut().filter(|_| self.failing.is_none()) else {
            return;
        };
        if self.writer.take_retention_changed() {
            pruner.wake();
        }
        if pruner.due().is_some_and(|due| due <= Instant::now()) {
            let begun = Instant::now();
            let rows = pruner.work(&mut self.writer, wall_clock());
            if rows > 0 {
                // The search index forgets it too.
                if let Some(observe) = &self.observe {
                    observe(Some(Committed { changes: 0, messages: 0, took: begun.elapsed() }));
                }
                self.fold_if_due(rows);
            }
        }
    }

    fn take(&mut self, batch: &Batch) {
        if let Some(Failing { failure, .. }) = self.failing {
            self.observe_failure();
            self.outlet.tell(Outcome::Failed { batch: batch.number, failure });
            return;
        }
        let begun = Instant::now();
        match self.writer.commit(batch) {
            Ok(()) => {
                self.outlet.tell(Outcome::Committed { batch: batch.number });
                if let Some(observe) = &self.observe {
                    let messages = batch.changes.iter().filter(|change| matches!(change, Change::Posted(_)));
                    observe(Some(Committed {
                        changes: batch.changes.len(),
                        messages: messages.count(),
                        took: begun.elapsed(),
                    }));
                }
                self.fold_if_due(batch.changes.len());
            }
            Err(error) => self.resolve(batch, &error),
        }
    }

    fn observe_failure(&self) {
        if let Some(observe) = &self.observe {
            observe(None);
        }
    }

    /// Says `Failed` only when it is certain that nothing of the batch is kept.
    fn resolve(&mut self, batch: &Batch, error: &rusqlite::Error) {
        let path = self.writer.path().to_owned();
        let failure = failure_of(error, &path);
        tracing::error!("{} takes nothing ({error}); what people send is refused until it does", path.display());
        // The batch may have reached the WAL without being flushed. It is not part of the database then, but a process
        // killed now would find it there at its next start. Writing anything puts other content in its place.
        let overwritten = self.writer.probe();
        if self.is_kept(batch) {
            self.outlet.tell(Outcome::Committed { batch: batch.number });
            return;
        }
        self.observe_failure();
        self.outlet.tell(Outcome::Failed { batch: batch.number, failure });
        self.failing = Some(Failing { failure, next_probe: Instant::now() + PROBE_INTERVAL });
        if overwritten.is_ok() {
            self.recover();
        }
    }

    /// Asks until there is an answer: a wrong one would be a lie to everyone who waits.
    fn is_kept(&mut self, batch: &Batch) -> bool {
        loop {
            let kept = self.writer.is_usable().then(|| self.writer.has_kept(batch));
            match kept {
                Some(Ok(kept)) => return kept,
                Some(Err(error)) => {
                    tracing::error!("{} can't be read: {error}", self.writer.path().display())
                }
                None => {}
            }
            if let Err(error) = self.writer.reopen() {
                tracing::error!("{error}");
                std::thread::sleep(PROBE_INTERVAL);
            }
        }
    }

    fn probe(&mut self) {
        if !self.writer.is_usable()
            && let Err(error) = self.writer.reopen()
        {
            tracing::debug!("{error}");
        }
        match self.writer.probe() {
            Ok(()) => self.recover(),
            Err(error) => {
                tracing::debug!("{} still takes nothing: {error}", self.writer.path().display());
                if let Some(failing) = &mut self.failing {
                    failing.next_probe = Instant::now() + PROBE_INTERVAL;
                }
            }
        }
    }

    fn recover(&mut self) {
        self.failing = None;
        tracing::info!("{} takes messages again", self.writer.path().display());
        self.outlet.tell(Outcome::Recovered);
    }

    fn fold_if_due(&mut self, changes: usize) {
        // Asking is a statement of its own, dear beside a commit of one message.
        self.written_since_asked += CHANGES_OF_A_COMMIT + changes;
        if self.written_since_asked < CHANGES_BETWEEN_QUESTIONS {
            return;
        }
        self.written_since_asked = 0;
        match self.writer.unfolded_pages() {
            Ok(pages) if self.checkpointer.is_due(pages) => self.checkpointer.request(),
            Ok(_) => {}
            // Everything is committed all the same; the next commit tells more.
            Err(error) => tracing::warn!("the size of the WAL is unknown: {error}"),
        }
    }

    /// A few at a time: batches come in between.
    fn forget(&mut self, last: i64) {
        if self.failing.is_some() {
            return;
        }
        match self.writer.forget(last) {
            Ok(false) => {}
            Ok(true) => _ = self.later.send(Input::Forgotten(last)),
            // They are taken away the next time that the index says so.
            Err(error) => tracing::warn!("texts that the search index has forgotten stay for now: {error}"),
        }
    }

    fn finish_folding(&mut self, folded: &Folded) {
        let empties = self.checkpointer.done(folded);
        if folded.failed {
            return;
        }
        let folded = if empties {
            self.writer.empty_wal(EMPTYING).map(|is_empty| self.checkpointer.emptied(is_empty))
        } else {
            self.writer.fold()
        };
        if let Err(error) = folded {
            tracing::warn!("the rest of the WAL could not be folded into the database: {error}");
            self.checkpointer.emptied(false);
        }
    }
}
