//! Ends what runs too long: a thread that interrupts SQLite when the time is over. SQLite's own progress handler is no
//! help: within one step of a full text query it is never called.

use rusqlite::InterruptHandle;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Cutoff {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When what runs now is to end, and what to interrupt then.
    running: Option<(Instant, Vec<Arc<InterruptHandle>>)>,
    stop: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// Until it is dropped, what it was made for may be interrupted.
#[derive(Debug)]
pub(super) struct Running<'a>(&'a Cutoff);

impl Cutoff {
    pub(super) fn start() -> std::io::Result<Cutoff> {
        let shared = Arc::new(Shared::default());
        let watcher = shared.clone();
        let thread = std::thread::Builder::new().name("search cutoff".to_owned()).spawn(move || watcher.run())?;
        Ok(Cutoff { shared, thread: Some(thread) })
    }

    pub(super) fn until(&self, ends: Instant, handles: Vec<Arc<InterruptHandle>>) -> Running<'_> {
        self.change(|state| state.running = Some((ends, handles)));
        Running(self)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.notify_one();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Under the lock: an interrupt that comes late would hit whatever runs next.
        self.0.change(|state| state.running = None);
    }
}

impl Drop for Cutoff {
    fn drop(&mut self) {
        self.change(|state| state.stop = true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.stop {
            let left = state.running.as_ref().map(|(ends, _)| ends.saturating_duration_since(Instant::now()));
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => {
                    if let Some((_, handles)) = state.running.take() {
                        handles.iter().for_each(|handle| handle.interrupt());
                    }
                    state
                }
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::{Connection, ErrorCode};
    use std::time::Duration;

    const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    #[test]
    fn what_runs_too_long_is_ended_and_what_comes_next_is_not() {
        let connection = Connection::open_in_memory().expect("a database");
        let handle = Arc::new(connection.get_interrupt_handle());
        let cutoff = Cutoff::start().expect("a thread");
        for _ in 0..3 {
            let running = cutoff.until(Instant::now() + Duration::from_millis(5), vec![handle.clone()]);
            let error = connection.query_row(ENDLESS, [], |row| row.get::<_, i64>(0)).expect_err("it never ends");
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted));
            drop(running);
            let running = cutoff.until(Instant::now() + Duration::from_secs(3600), vec![handle.clone()]);
            let sum = "SELECT sum(i) FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9999)
                SELECT i FROM n)";
            assert_eq!(connection.query_row(sum, [], |row| row.get::<_, i64>(0)), Ok(49_995_000));
            drop(running);
        }
    }
}
