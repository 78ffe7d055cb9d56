//! The thread of the one writer: takes what the shards ask, runs the sequencer, hands each shard its effects.

use crate::limits;
use crate::mailbox::Mailbox;
use crate::metrics::HubMetrics;
use crate::shard::{ShardHandle, wall_clock};
use chat::command::{Command, Control, Origin, Request};
use chat::effect::{Effects, ServerEffect};
use chat::log::Log;
use chat::query::Answer;
use chat::sequencer::Sequencer;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// What reaches the hub's thread.
#[derive(Debug)]
pub enum HubInput {
    /// From a session.
    Request(Request),
    /// From the command line or the server itself; the answers go through `answers`.
    Console { command: Box<Command>, answers: Sender<Answer> },
    /// Without an answer: reloads.
    Server(Box<Command>),
    /// Told when all that came before is on disk and its effects are with the shards; the thread ends.
    Stop(Sender<()>),
}

/// A control that an operator asked for and may ask for.
#[derive(Debug)]
pub struct Asked {
    pub control: Control,
    pub by: String,
}

pub struct HubThread<L> {
    pub sequencer: Sequencer<L>,
    pub inbox: Arc<Mailbox<HubInput>>,
    pub shards: Vec<Arc<ShardHandle>>,
    pub controls: Sender<Asked>,
    pub metrics: Arc<HubMetrics>,
    /// Set while the store takes nothing, for /healthz.
    pub storage_fails: Arc<AtomicBool>,
}

/// When the next batch goes to the log. A flush takes the same time for one command as for a thousand; whoever was answered
/// by the last one is about to speak again, so a short wait behind it gathers them with those who spoke meanwhile.
/// Without it two halves of the senders take turns, each waiting for the other's flush.
#[derive(Debug)]
struct CommitPace {
    begun: Instant,
    /// How long the last commit took.
    took: Duration,
    hold_until: Option<Instant>,
}

/// Commits of fewer commands are followed by the next at once.
const WORTH_HOLDING: usize = 8;
/// The share of a flush that is waited behind it.
const HOLD_SHARE: u32 = 8;
const LONGEST_HOLD: Duration = Duration::from_micros(500);

impl CommitPace {
    fn new() -> CommitPace {
        CommitPace { begun: Instant::now(), took: Duration::ZERO, hold_until: None }
    }

    fn begin(&mut self) {
        self.begun = Instant::now();
        self.hold_until = None;
    }

    fn ended(&mut self, commands: usize) {
        self.took = self.begun.elapsed();
        self.hold_until =
            (commands >= WORTH_HOLDING).then(|| Instant::now() + (self.took / HOLD_SHARE).min(LONGEST_HOLD));
    }

    /// How much longer to wait; zero: now.
    fn wait(&self) -> Duration {
        self.hold_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

/// Waits no longer than this for work, so that a deadline set meanwhile is never missed by much.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl<L: Log> HubThread<L> {
    pub fn run(mut self) {
        let mut inputs = Vec::new();
        let mut effects = Effects::for_shards(self.shards.len());
        let mut consoles = HashMap::new();
        let mut next_console = 1;
        let mut stop: Option<Sender<()>> = None;
        let mut pace = CommitPace::new();
        // Commands in the batch under way.
        let mut committing = 0;
        loop {
            let patience = if self.sequencer.waits_for_commit() { pace.wait() } else { self.patience() };
            self.inbox.wait_and_take(&mut inputs, patience);
            let now = wall_clock();
            let was_under_way = self.sequencer.is_committing();
            self.sequencer.take_outcomes(now, &mut effects);
            if was_under_way && !self.sequencer.is_committing() {
                pace.ended(committing);
            }
            let count = inputs.len();
            let requests = inputs.drain(..).filter_map(|input| match input {
                HubInput::Request(request) => Some(request),
                HubInput::Server(command) => Some(Request { origin: Origin::Server, command: *command }),
                HubInput::Console { command, answers } => {
                    let number = next_console;
                    next_console += 1;
                    consoles.insert(number, answers);
                    Some(Request { origin: Origin::Console { number }, command: *command })
                }
                HubInput::Stop(done) => {
                    stop = Some(done);
                    None
                }
            });
            self.sequencer.take_in(now, requests, &mut effects);
            if self.sequencer.next_deadline().is_some_and(|deadline| deadline <= now) {
                let request = Request { origin: Origin::Server, command: Command::DeadlineReached };
                self.sequencer.take_in(now, [request], &mut effects);
            }
            // What may be seen goes out first: the shards work on it while the disk does on the rest.
            self.hand_out(&mut effects);
            if self.sequencer.waits_for_commit() && (stop.is_some() || pace.wait().is_zero()) {
                committing = self.sequencer.gathered();
                pace.begin();
                self.sequencer.commit();
            }
            self.storage_fails.store(self.sequencer.storage_fails(), Ordering::Relaxed);
            self.metrics.turn(count, self.sequencer.hub().gauges());
            for effect in effects.server.drain(..) {
                match effect {
                    ServerEffect::Control { control, by } => {
                        // The main thread is gone only when the server is stopping already.
                        let _ = self.controls.send(Asked { control, by });
                    }
                    ServerEffect::Console { number, answer } => {
                        if let Some(answers) = consoles.get(&number) {
                            // Whoever asked may have given up.
                            let _ = Sender::send(answers, answer);
                        }
                    }
                }
            }
            if self.sequencer.is_settled() {
                // Nothing that a console asked is unanswered; its senders are dropped, which ends its wait.
                consoles.clear();
                if let Some(done) = stop.take() {
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn hand_out(&self, effects: &mut Effects) {
        for (shard, list) in self.shards.iter().zip(&mut effects.shards) {
            while shard.effects.len() >= limits::HUB_TO_SHARD_EFFECTS {
                // The bound of the queue: the hub waits for this shard, which never waits for anyone.
                std::thread::sleep(Duration::from_millis(1));
            }
            shard.effects.append(list);
        }
    }

    fn patience(&self) -> Duration {
        match self.sequencer.next_deadline() {
            None => LONGEST_WAIT,
            Some(deadline) => Duration::from_millis(deadline.0.saturating_sub(wall_clock().0)).min(LONGEST_WAIT),
        }
    }
}
