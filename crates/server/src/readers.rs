//! Reading old messages, off the threads that everyone waits for: a thread behind a bounded queue, with a connection to
//! the database of its own. It never holds up a commit (WAL), and the hub never waits for it.

use crate::limits;
use crate::logging::RepeatedComplaint;
use crate::mailbox::Mailbox;
use crate::shard::{ShardHandle, ShardInput};
use crate::store::{History, Store, StoreError};
use chat::audit::AuditFilter;
use chat::history::{Grant, Stretch, View};
use chat::id::{MessageId, Position, SessionId};
use chat::report::ReportNumber;
use chat::unread::UnreadQuestion;
use session::WorkResult;
use std::sync::Arc;
use std::time::Duration;

static UNREADABLE: RepeatedComplaint = RepeatedComplaint::new();

#[derive(Debug)]
pub struct Readers {
    queue: Mailbox<Job>,
    shards: Vec<Arc<ShardHandle>>,
}

#[derive(Debug)]
struct Job {
    session: SessionId,
    ticket: u32,
    reading: Reading,
}

/// What is to be read.
#[derive(Debug)]
pub enum Reading {
    Page { grant: Box<Grant>, stretch: Stretch, view: View, limit: usize },
    Message { grant: Box<Grant>, id: MessageId },
    Messages { grant: Box<Grant>, which: Vec<(Position, MessageId)> },
    Reported(Vec<ReportNumber>),
    EarlierTexts { grant: Box<Grant>, id: MessageId },
    Conversation { grants: Vec<Grant>, id: MessageId },
    LatestTimes(Vec<Grant>),
    Unread(Box<UnreadQuestion>),
    Audit(Box<AuditFilter>),
}

impl Readers {
    /// # Errors
    /// When the database can't be opened or the system gives no thread.
    pub fn start(store: &Store, shards: Vec<Arc<ShardHandle>>) -> Result<Arc<Readers>, StoreError> {
        let history = store.history()?;
        let readers = Arc::new(Readers { queue: Mailbox::for_waiting_thread(), shards });
        let worker = readers.clone();
        std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || worker.run(&history))
            .map_err(|error| StoreError::of_io(store.path(), &error))?;
        Ok(readers)
    }

    /// Takes work, or answers at once that it takes none.
    pub fn submit(&self, session: SessionId, ticket: u32, reading: Reading) {
        if self.queue.len() >= limits::READER_QUEUE {
            self.answer(session, ticket, WorkResult::Busy);
        } else {
            self.queue.push(Job { session, ticket, reading });
        }
    }

    fn run(&self, history: &History) {
        let mut jobs = Vec::new();
        loop {
            self.queue.wait_and_take(&mut jobs, Duration::from_secs(3600));
            for job in jobs.drain(..) {
                let result = match job.reading {
                    Reading::Page { grant, stretch, view, limit } => history
                        .read(&grant, stretch, view, limit)
                        .map(|items| WorkResult::Page { of: grant.name.clone(), items }),
                    Reading::Message { grant, id } => history.find(&grant, id).map(WorkResult::Found),
                    Reading::Conversation { grants, id } => {
                        conversation_of(history, grants, id).map(WorkResult::FoundIn)
                    }
                    Reading::Messages { grant, which } => history.find_all(&grant, &which).map(WorkResult::FoundAll),
                    Reading::Reported(numbers) => history.reported(&numbers).map(WorkResult::Reported),
                    Reading::EarlierTexts { grant, id } => {
                        history.earlier_texts(&grant, id).map(WorkResult::EarlierTexts)
                    }
                    Reading::Unread(question) => history.unread(&question).map(WorkResult::Unread),
                    Reading::Audit(filter) => history.audit(&filter).map(WorkResult::Audit),
                    Reading::LatestTimes(grants) => {
                        let times = grants.iter().map(|grant| history.latest_time(grant));
                        times.collect::<Result<_, _>>().map(WorkResult::LatestTimes)
                    }
                };
                let result = result.unwrap_or_else(|error| {
                    UNREADABLE.say(|left_out| tracing::error!("old messages could not be read: {error}{left_out}"));
                    WorkResult::Unreadable
                });
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

fn conversation_of(history: &History, grants: Vec<Grant>, id: MessageId) -> Result<Option<Box<Grant>>, StoreError> {
    for grant in grants {
        if history.find(&grant, id)?.is_some() {
            return Ok(Some(Box::new(grant)));
        }
    }
    Ok(None)
}
