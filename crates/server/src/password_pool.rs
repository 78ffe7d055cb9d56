//! Slow hashing and what else is secret, off the threads that everyone waits for: a few threads behind a short queue.

use crate::limits;
use crate::logging::RepeatedComplaint;
use crate::mailbox::Mailbox;
use crate::password::{self, PasswordCost};
use crate::shard::{ShardHandle, ShardInput};
use chat::id::SessionId;
use session::WorkResult;
use std::fmt;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

static UNHASHED: RepeatedComplaint = RepeatedComplaint::new();
static NO_CHANCE: RepeatedComplaint = RepeatedComplaint::new();

pub struct PasswordPool {
    queue: Mailbox<Job>,
    shards: OnceLock<Vec<Arc<ShardHandle>>>,
    cost: PasswordCost,
}

struct Job {
    back_to: BackTo,
    task: Task,
}

/// Who waits for the result.
enum BackTo {
    Session(SessionId, u32),
    /// Called on the pool's thread; must not block.
    Taker(Box<dyn FnOnce(WorkResult) + Send>),
}

/// What is to be done with a password.
#[derive(Debug)]
pub enum Task {
    /// `None`: the same time is spent on a dummy, and the answer is no.
    Check {
        hash: Option<Box<str>>,
        password: Zeroizing<String>,
    },
    Hash {
        password: Zeroizing<String>,
        scram: bool,
    },
    /// 128 bits of chance, for a secret that someone is given.
    Draw,
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordPool").field("cost", &self.cost).finish_non_exhaustive()
    }
}

impl PasswordPool {
    /// One thread a pool: hashing shall not take more than a core from talking.
    pub fn start(cost: PasswordCost) -> std::io::Result<Arc<PasswordPool>> {
        let pool = Arc::new(PasswordPool { queue: Mailbox::for_waiting_thread(), shards: OnceLock::new(), cost });
        let worker = pool.clone();
        std::thread::Builder::new().name("passwords".to_owned()).spawn(move || worker.run())?;
        Ok(pool)
    }

    /// Where results go; once, before the first work.
    pub fn serve(&self, shards: Vec<Arc<ShardHandle>>) {
        // A second call would be a mistake of the caller's without effect.
        let _ = self.shards.set(shards);
    }

    /// Takes work, or answers at once that it takes none.
    pub fn submit(&self, session: SessionId, ticket: u32, task: Task) {
        self.take(Job { back_to: BackTo::Session(session, ticket), task });
    }

    /// The same for someone who is no session.
    pub fn submit_for(&self, task: Task, taker: Box<dyn FnOnce(WorkResult) + Send>) {
        self.take(Job { back_to: BackTo::Taker(taker), task });
    }

    fn take(&self, job: Job) {
        if self.queue.len() >= limits::PASSWORD_QUEUE {
            self.answer(job.back_to, WorkResult::Busy);
        } else {
            self.queue.push(job);
        }
    }

    fn run(&self) {
        let mut jobs = Vec::new();
        loop {
            self.queue.wait_and_take(&mut jobs, std::time::Duration::from_secs(3600));
            for job in jobs.drain(..) {
                let result = match job.task {
                    Task::Check { hash, password } => {
                        WorkResult::Checked { matches: password::verify(hash.as_deref(), &password, self.cost) }
                    }
                    Task::Hash { password, scram } => match password::judge(&password, self.cost) {
                        Err(why) => WorkResult::Weak { why },
                        Ok(()) => match password::hash(&password, scram, self.cost) {
                            Ok(hashed) => WorkResult::Hashed { hash: hashed.hash, scram: hashed.scram },
                            Err(error) => {
                                UNHASHED.say(|left_out| {
                                    tracing::error!("a password could not be hashed: {error}{left_out}")
                                });
                                WorkResult::Busy
                            }
                        },
                    },
                    Task::Draw => {
                        let mut drawn = Zeroizing::new([0; 16]);
                        match getrandom::fill(&mut *drawn) {
                            Ok(()) => WorkResult::Drawn(drawn),
                            Err(error) => {
                                NO_CHANCE.say(|left_out| {
                                    tracing::error!("the system gives no random bytes: {error}{left_out}");
                                });
                                WorkResult::Busy
                            }
                        }
                    }
                };
                self.answer(job.back_to, result);
            }
        }
    }

    fn answer(&self, back_to: BackTo, result: WorkResult) {
        let (session, ticket) = match back_to {
            BackTo::Session(session, ticket) => (session, ticket),
            BackTo::Taker(taker) => return taker(result),
        };
        if let Some(shard) = self.shards.get().and_then(|shards| shards.get(session.shard as usize)) {
            shard.inputs.push(ShardInput::WorkDone { session, ticket, result });
        }
    }
}
