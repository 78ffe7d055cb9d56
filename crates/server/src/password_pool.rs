//! Slow hashing and what else is secret, off the threads that everyone waits for: a few threads behind a short queue.

use crate::limits;
use crate::logging::RepeatedComplaint;
use crate::mailbox::Mailbox;
use crate::password::{self, PasswordCost};
use crate::shard::{ShardHandle, ShardInput};
use chat::id::SessionId;
use session::WorkResult;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

static UNHASHED: RepeatedComplaint = RepeatedComplaint::new();
static NO_CHANCE: RepeatedComplaint = RepeatedComplaint::new();

#[derive(Debug)]
pub struct PasswordPool {
    queue: Mailbox<Job>,
    shards: OnceLock<Vec<Arc<ShardHandle>>>,
    cost: PasswordCost,
}

#[derive(Debug)]
struct Job {
    session: SessionId,
    ticket: u32,
    task: Task,
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
        if self.queue.len() >= limits::PASSWORD_QUEUE {
            self.answer(session, ticket, WorkResult::Busy);
        } else {
            self.queue.push(Job { session, ticket, task });
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
                self.answer(job.session, job.ticket, result);
            }
        }
    }

    fn answer(&self, session: SessionId, ticket: u32, result: WorkResult) {
        if let Some(shard) = self.shards.get().and_then(|shards| shards.get(session.shard as usize)) {
            shard.inputs.push(ShardInput::WorkDone { session, ticket, result });
        }
    }
}
