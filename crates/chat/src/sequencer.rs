//! Puts commands into the one order, and holds back what follows from a change until the change is on disk.
//!
//! A turn's commands are applied at once, with before-images kept; their changes go to the [`Log`] as one batch, their
//! effects wait. While a batch is being committed the next one gathers (group commit). When the log says "committed",
//! the effects go out; when it says "failed", the hub is put back to where it was and the same commands are applied
//! again to a hub that knows that the store takes nothing: what needs the disk is refused, the rest goes on. So nobody
//! ever sees anything that could be lost (docs/decisions/0002-apply-then-release.md).

use crate::command::{Command, Origin, Request};
use crate::effect::{Effect, Effects};
use crate::hub::{Entry, Hub, StorageState};
use crate::id::{Position, RequestNumber, SessionId, Timestamp};
use crate::log::{Batch, Log, Outcome, StorageFailure};
use crate::query::Answer;
use crate::refusal::Refusal;
use std::collections::VecDeque;

#[derive(Debug)]
pub struct Sequencer<L> {
    hub: Hub,
    log: L,
    position: Position,
    timestamp: Timestamp,
    /// What is being committed, oldest first: at most [`BATCHES_UNDER_WAY`].
    under_way: VecDeque<Held>,
    /// What gathers meanwhile.
    gathering: Held,
    next_batch: u64,
    /// Effects of the command being applied, before it is known whether they may go.
    scratch: Effects,
    shards: usize,
    storage_fails: bool,
}

/// Batches given to the log and not yet answered. One: everything that arrives during a flush shares the next one.
const BATCHES_UNDER_WAY: usize = 1;

/// Applied commands whose effects wait for a batch.
#[derive(Debug)]
struct Held {
    number: u64,
    effects: Effects,
    /// What to do again if the batch fails, in order.
    again: Vec<Again>,
}

#[derive(Debug)]
enum Again {
    /// A post that is on its way to the disk: it alone of all commands is not kept a second time; it would be refused anyway.
    Refuse {
        session: SessionId,
        number: RequestNumber,
        last: bool,
    },
    Apply(Request),
}

impl<L: Log> Sequencer<L> {
    pub fn new(hub: Hub, log: L, shards: usize, position: Position, timestamp: Timestamp) -> Sequencer<L> {
        Sequencer {
            hub,
            log,
            position,
            timestamp,
            under_way: VecDeque::new(),
            gathering: Held::empty(shards),
            next_batch: 1,
            scratch: Effects::for_shards(shards),
            shards,
            storage_fails: false,
        }
    }

    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    pub fn log_mut(&mut self) -> &mut L {
        &mut self.log
    }

    /// [`Sequencer::take_in`], and the batch that gathered goes to the log at once.
    pub fn submit(&mut self, now: Timestamp, requests: impl IntoIterator<Item = Request>, out: &mut Effects) {
        self.take_in(now, requests, out);
        self.commit();
    }

    /// [`Sequencer::take_outcomes`], and the batch that gathered meanwhile goes to the log at once.
    pub fn collect(&mut self, now: Timestamp, out: &mut Effects) {
        self.take_outcomes(now, out);
        self.commit();
    }

    /// Applies one turn's requests in order. What may be seen now is appended to `out`; the rest waits for
    /// [`Sequencer::commit`] and what the log answers.
    pub fn take_in(&mut self, now: Timestamp, requests: impl IntoIterator<Item = Request>, out: &mut Effects) {
        self.timestamp = self.timestamp.max(now);
        for request in requests {
            self.apply(request, out);
        }
    }

    /// Takes what the log has to say. What may be seen now is appended to `out`.
    pub fn take_outcomes(&mut self, now: Timestamp, out: &mut Effects) {
        self.timestamp = self.timestamp.max(now);
        while let Some(outcome) = self.log.committed() {
            match outcome {
                Outcome::Committed { batch } => self.release(batch, out),
                Outcome::Failed { batch, failure } => {
                    if self.under_way.iter().any(|held| held.number == batch) {
                        self.fail(failure, out);
                    }
                }
                Outcome::Recovered => {
                    self.storage_fails = false;
                    self.hub.set_storage(StorageState::Working);
                }
            }
        }
    }

    /// When `Command::DeadlineReached` is to be submitted next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.hub.next_deadline()
    }

    /// Nothing waits for the disk.
    pub fn is_settled(&self) -> bool {
        self.under_way.is_empty() && self.gathering.is_empty()
    }

    fn apply(&mut self, request: Request, out: &mut Effects) {
        self.position.0 += 1;
        let again = Again::of(&request);
        let entry = Entry { position: self.position, timestamp: self.timestamp, request };
        self.hub.apply(entry, &mut self.scratch);
        self.position.0 += std::mem::take(&mut self.scratch.places).saturating_sub(1);
        let must_wait = !self.is_settled() || !self.scratch.changes.is_empty();
        if must_wait {
            self.gathering.again.push(again);
            self.gathering.effects.take_from(&mut self.scratch);
        } else {
            self.hub.forget_all();
            out.take_from(&mut self.scratch);
        }
    }

    /// Whether something gathered that [`Sequencer::commit`] would give to the log now.
    pub fn waits_for_commit(&self) -> bool {
        self.under_way.len() < BATCHES_UNDER_WAY && !self.gathering.is_empty()
    }

    /// The log has failed and not recovered.
    pub fn storage_fails(&self) -> bool {
        self.storage_fails
    }

    /// A batch is with the log.
    pub fn is_committing(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Commands in the batch that gathers.
    pub fn gathered(&self) -> usize {
        self.gathering.again.len()
    }

    /// Gives what gathered to the log as one batch, unless one is under way. When to do so is the caller's choice: a
    /// little later can mean a lot more in one flush.
    pub fn commit(&mut self) {
        if !self.waits_for_commit() {
            return;
        }
        let (number, position, timestamp) = (self.next_batch, self.position, self.timestamp);
        self.next_batch += 1;
        let mut held = std::mem::replace(&mut self.gathering, Held::empty(self.shards));
        held.number = number;
        self.hub.mark(held.number);
        let changes = std::mem::take(&mut held.effects.changes);
        self.log.append(Batch { number, position, timestamp, changes });
        self.under_way.push_back(held);
    }

    fn release(&mut self, batch: u64, out: &mut Effects) {
        while self.under_way.front().is_some_and(|held| held.number <= batch) {
            if let Some(mut held) = self.under_way.pop_front() {
                self.hub.forget_until(held.number);
                out.take_from(&mut held.effects);
            }
        }
        // What gathered without a change of its own waited only for the order.
        if self.under_way.is_empty() && self.gathering.effects.changes.is_empty() {
            self.gathering.again.clear();
            self.hub.forget_all();
            out.take_from(&mut self.gathering.effects);
        }
    }

    /// Back to before the failed batch, then everything since then again, now refusing what needs the disk.
    fn fail(&mut self, failure: StorageFailure, out: &mut Effects) {
        self.hub.roll_back();
        self.storage_fails = true;
        self.hub.set_storage(StorageState::Failing(failure));
        let gathering = std::mem::replace(&mut self.gathering, Held::empty(self.shards));
        let held: Vec<Held> = self.under_way.drain(..).chain([gathering]).collect();
        for again in held.into_iter().flat_map(|held| held.again) {
            match again {
                Again::Apply(request) => self.apply(request, out),
                Again::Refuse { session, number, last } => {
                    let refusal = refusal_of(failure);
                    let mut effects = std::mem::take(&mut self.scratch);
                    effects.to(session, Effect::Answer { to: session, number, answer: Answer::Refused(refusal) });
                    if last {
                        effects.to(session, Effect::Done { to: session, number });
                    }
                    out.take_from(&mut effects);
                    self.scratch = effects;
                }
            }
        }
    }
}

pub fn refusal_of(failure: StorageFailure) -> Refusal {
    match failure {
        StorageFailure::Full => Refusal::StorageFull,
        StorageFailure::Error => Refusal::StorageError,
    }
}

impl Held {
    fn empty(shards: usize) -> Held {
        Held { number: 0, effects: Effects::for_shards(shards), again: Vec::new() }
    }
    fn is_empty(&self) -> bool {
        self.again.is_empty()
    }
}

impl Again {
    fn of(request: &Request) -> Again {
        match (&request.command, request.origin) {
            (Command::Post(_), Origin::Session { id, number, last }) => Again::Refuse { session: id, number, last },
            _ => Again::Apply(Request { origin: request.origin, command: request.command.clone() }),
        }
    }
}
