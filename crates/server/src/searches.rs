//! Searching old messages: a thread of its own, so that nobody who reads a page of history waits for it. Each search has so
//! long and no longer.

use crate::limits;
use crate::logging::RepeatedComplaint;
use crate::mailbox::Mailbox;
use crate::shard::{ShardHandle, ShardInput};
use crate::store::{Finder, Following, Store, StoreError};
use chat::history::Grant;
use chat::id::SessionId;
use chat::search::Search;
use session::WorkResult;
use std::sync::Arc;
use std::time::Duration;

static UNSEARCHED: RepeatedComplaint = RepeatedComplaint::new();

#[derive(Debug)]
pub struct Searches {
    queue: Mailbox<Job>,
    shards: Vec<Arc<ShardHandle>>,
}

#[derive(Debug)]
struct Job {
    session: SessionId,
    ticket: u32,
    grants: Vec<Grant>,
    search: Box<Search>,
    limit: usize,
}

impl Searches {
    /// # Errors
    /// When the database can't be opened or the system gives no thread.
    pub fn start(
        store: &Store,
        following: &Following,
        shards: Vec<Arc<ShardHandle>>,
    ) -> Result<Arc<Searches>, StoreError> {
        let finder = store.finder(following)?;
        let searches = Arc::new(Searches { queue: Mailbox::for_waiting_thread(), shards });
        let worker = searches.clone();
        std::thread::Builder::new()
            .name("search".to_owned())
            .spawn(move || worker.run(finder))
            .map_err(|error| StoreError::of_io(store.path(), &error))?;
        Ok(searches)
    }

    /// Takes a search, or answers at once that it takes none.
    pub fn submit(&self, session: SessionId, ticket: u32, grants: Vec<Grant>, search: Box<Search>, limit: usize) {
        if self.queue.len() >= limits::SEARCH_QUEUE {
            self.answer(session, ticket, WorkResult::Busy);
        } else {
            self.queue.push(Job { session, ticket, grants, search, limit });
        }
    }

    fn run(&self, mut finder: Finder) {
        let mut jobs = Vec::new();
        loop {
            self.queue.wait_and_take(&mut jobs, Duration::from_secs(3600));
            for job in jobs.drain(..) {
                let result = match finder.search(&job.grants, &job.search, job.limit, limits::SEARCH_TIME) {
                    Ok(found) => WorkResult::Searched { messages: found.messages, complete: found.complete },
                    Err(error) => {
                        UNSEARCHED
                            .say(|left_out| tracing::error!("old messages could not be searched: {error}{left_out}"));
                        WorkResult::Unreadable
                    }
                };
                self.answer(job.session, job.ticket, result);
            }
        }
    }

    fn answer(&self, session: SessionId, ticket: u32, result: WorkResult) {
        if let Some(shard) = self.shards.get(session.shard as usize) {
            shard.inputs.push(ShardInput::WorkDone { session, ticket, result });
        }
    }
}
