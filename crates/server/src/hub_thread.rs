//! The thread of the one writer: takes what the shards ask, runs the sequencer, hands each shard its effects.

use crate::admission::Admission;
use crate::limits;
use crate::logging::RepeatedComplaint;
use crate::mailbox::Mailbox;
use crate::metrics::HubMetrics;
use crate::shard::{ShardHandle, wall_clock};
use chat::command::{Command, Control, Origin, Request};
use chat::effect::{Effects, ServerEffect};
use chat::log::Log;
use chat::query::Answer;
use chat::sequencer::Sequencer;
use rustix::time::{ClockId, clock_gettime};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// Takes the answers to a command of no session, each as it comes, and says whether it waits for more. Called on the hub's
/// thread: must not block.
pub type AnswerTaker = Box<dyn Fn(Answer) -> bool + Send>;

/// What reaches the hub's thread.
pub enum HubInput {
    /// From a session.
    Request(Request),
    /// From the command line, or from the HTTP side for a visitor.
    Console { command: Box<Command>, answers: AnswerTaker },
    /// Without an answer: reloads.
    Server(Box<Command>),
    /// Told when all that came before is on disk and its effects are with the shards; the thread ends.
    Stop(Sender<()>),
}

impl fmt::Debug for HubInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HubInput::Request(request) => f.debug_tuple("Request").field(request).finish(),
            HubInput::Console { command, .. } => f.debug_struct("Console").field("command", command).finish(),
            HubInput::Server(command) => f.debug_tuple("Server").field(command).finish(),
            HubInput::Stop(_) => f.write_str("Stop"),
        }
    }
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
    /// Is told from where nobody may connect.
    pub admission: Arc<Admission>,
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

/// How much of the processor's time turns take. The clock of a thread costs a call of the kernel, so it is read once in
/// [`TurnTimer::UNREAD`] of work: short turns that were not read are taken to have had the processor all the time.
#[derive(Debug)]
struct TurnTimer {
    /// What the thread had used when it was read.
    read: Duration,
    /// How long the turns since then took.
    since: Duration,
}

impl TurnTimer {
    const UNREAD: Duration = Duration::from_millis(5);

    fn new() -> TurnTimer {
        TurnTimer { read: thread_time(), since: Duration::ZERO }
    }

    /// What a turn that took so long by the wall's clock had of the processor at least. Time that it waited for others on
    /// a busy machine is not its own.
    fn ended(&mut self, took: Duration) -> Duration {
        if self.since + took < Self::UNREAD {
            self.since += took;
            return took;
        }
        let now = thread_time();
        let own = now.saturating_sub(self.read).saturating_sub(self.since).min(took);
        *self = TurnTimer { read: now, since: Duration::ZERO };
        own
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

static LONG_TURN: RepeatedComplaint = RepeatedComplaint::new();

/// Waits no longer than this for work, so that a deadline set meanwhile is never missed by much.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl<L: Log> HubThread<L> {
    pub fn run(mut self) {
        let mut inputs = VecDeque::new();
        let mut effects = Effects::for_shards(self.shards.len());
        let mut consoles = HashMap::new();
        let mut next_console = 1;
        let mut stop: Option<Sender<()>> = None;
        let mut pace = CommitPace::new();
        // Commands in the batch under way.
        let mut committing = 0;
        let mut timer = TurnTimer::new();
        loop {
            let patience = if self.sequencer.waits_for_commit() { pace.wait() } else { self.patience() };
            // While the disk is slow only so much is worked on in advance; the rest stays where its bound is known.
            let room = limits::COMMIT_BATCH_COMMANDS.saturating_sub(self.sequencer.gathered());
            if room == 0 {
                self.inbox.wait(patience);
            } else if inputs.is_empty() {
                let mut taken = Vec::from(inputs);
                self.inbox.wait_and_take(&mut taken, patience);
                inputs = VecDeque::from(taken);
            }
            let (begun, now) = (Instant::now(), wall_clock());
            let was_under_way = self.sequencer.is_committing();
            self.sequencer.take_outcomes(now, &mut effects);
            if was_under_way && !self.sequencer.is_committing() {
                pace.ended(committing);
            }
            let mut count = 0;
            let next = || {
                let is_late =
                    count > 0 && count % limits::HUB_TURN_STEP_COMMANDS == 0 && begun.elapsed() >= limits::HUB_TURN;
                // The rest has the next turn: what follows from these goes out meanwhile.
                if count == room || is_late {
                    return None;
                }
                let input = inputs.pop_front()?;
                count += 1;
                Some(input)
            };
            let requests = std::iter::from_fn(next).filter_map(|input| match input {
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
            self.metrics.waiting(self.sequencer.gathered());
            self.storage_fails.store(self.sequencer.storage_fails(), Ordering::Relaxed);
            let took = begun.elapsed();
            self.metrics.turn(count, took, self.sequencer.hub().gauges());
            let own = timer.ended(took);
            if own > limits::HUB_TURN_AT_MOST {
                self.metrics.long_turn();
                LONG_TURN.say(|left_out| {
                    tracing::warn!(
                        "the hub worked for {own:?} on {count} commands at a time; please report it{left_out}"
                    );
                });
            }
            for effect in effects.server.drain(..) {
                match effect {
                    ServerEffect::Control { control, by } => {
                        // The main thread is gone only when the server is stopping already.
                        let _ = self.controls.send(Asked { control, by });
                    }
                    // Handed out with what the shards get.
                    ServerEffect::Doors(_) => {}
                    ServerEffect::Console { number, answer } => {
                        if let Some(answers) = consoles.get(&number)
                            && !AnswerTaker::as_ref(answers)(answer)
                        {
                            consoles.remove(&number);
                        }
                    }
                }
            }
            if inputs.is_empty() && self.sequencer.is_settled() {
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
        // Before anyone is told of it.
        effects.server.retain_mut(|effect| match effect {
            ServerEffect::Doors(ranges) => {
                self.admission.close_doors(std::mem::take(ranges));
                false
            }
            _ => true,
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::AdmissionRules;
    use crate::limits::Limits;
    use chat::change::Change;
    use chat::command::NewAccount;
    use chat::hub::Hub;
    use chat::id::{Position, Timestamp};
    use chat::log::{Batch, Outcome};
    use chat::name::{NameRules, Username};
    use chat::settings::Settings;
    use chat::snapshot::Snapshot;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A disk whose flush ends when the test says so.
    struct HeldLog {
        given: Sender<usize>,
        under_way: Option<u64>,
        may_go: Arc<Mutex<bool>>,
    }

    impl Log for HeldLog {
        fn append(&mut self, batch: Batch) {
            self.under_way = Some(batch.number);
            let accounts = batch.changes.iter().filter(|change| matches!(change, Change::Account(_)));
            let _ = self.given.send(accounts.count());
        }

        fn committed(&mut self) -> Option<Outcome> {
            if !*self.may_go.lock().expect("the lock") {
                return None;
            }
            self.under_way.take().map(|batch| Outcome::Committed { batch })
        }
    }

    #[test]
    fn while_the_disk_stands_still_no_more_is_worked_on_than_one_commit_takes() {
        let inbox = Arc::new(Mailbox::for_waiting_thread());
        let (given, batches) = channel();
        let (controls, _controls) = channel();
        let may_go = Arc::new(Mutex::new(false));
        let log = HeldLog { given, under_way: None, may_go: may_go.clone() };
        let hub = Hub::restore(Snapshot::default(), Settings::default(), 1, 0);
        let metrics = Arc::new(HubMetrics::default());
        let thread = HubThread {
            sequencer: Sequencer::new(hub, log, 0, Position(0), Timestamp(0)),
            inbox: inbox.clone(),
            shards: Vec::new(),
            controls,
            admission: Arc::new(Admission::new(AdmissionRules::new(&Limits::default(), 1, 1, Vec::new()), &[])),
            metrics: metrics.clone(),
            storage_fails: Arc::default(),
        };
        let thread = std::thread::spawn(move || thread.run());
        let (answers, answered) = channel();
        let make = |number: usize| HubInput::Console {
            command: Box::new(Command::CreateAccount(Box::new(NewAccount {
                username: Username::lookup(&format!("n{number}"), &NameRules::default()),
                password_hash: None,
                scram: None,
                email: None,
                certificate: None,
                address: None,
                link: None,
            }))),
            answers: {
                let answers = answers.clone();
                Box::new(move |answer| answers.send(answer).is_ok())
            },
        };
        inbox.push(make(0));
        batches.recv_timeout(PATIENCE).expect("the first flush begins");
        let many = 2 * limits::COMMIT_BATCH_COMMANDS - 1;
        for number in 1..=many {
            inbox.push(make(number));
        }
        // All that it may take, it takes; then it waits, however often it is woken.
        let begun = Instant::now();
        while metrics.requests() < 1 + limits::COMMIT_BATCH_COMMANDS as u64 {
            assert!(begun.elapsed() < PATIENCE, "{} requests are taken", metrics.requests());
            inbox.wake();
            std::thread::yield_now();
        }
        assert_eq!(answered.try_iter().count(), 0);
        *may_go.lock().expect("the lock") = true;
        inbox.wake();
        for number in 0..=many {
            // A disk wakes the hub when it is done; this one is asked each time.
            while answered.recv_timeout(Duration::from_millis(1)).is_err() {
                assert!(begun.elapsed() < PATIENCE, "{number} are answered");
                inbox.wake();
            }
        }
        let (done, ended) = channel();
        inbox.push(HubInput::Stop(done));
        ended.recv_timeout(PATIENCE).expect("it ends");
        thread.join().expect("the hub");
        let largest = batches.try_iter().max();
        // Each command here makes an account, and is noted besides.
        assert!(largest.is_some_and(|largest| largest <= limits::COMMIT_BATCH_COMMANDS), "{largest:?}");
    }
}
