//! A shard: one thread that owns its connections, reads what is ready, hands commands to the hub in one batch, turns
//! the hub's effects into bytes, and writes to each connection once per turn.
//!
//! Nothing here waits for another thread and nothing is locked on the message path: what crosses threads is a batch
//! in a [`Mailbox`].

pub mod connection;
pub mod outbox;
pub mod slab;
pub mod socket;
pub mod timers;

mod catching_up;
mod closing;
mod delivery;
mod opening;
mod reading;
mod seeing;
mod writing;

use crate::admission::Admission;
use crate::exports::Exports;
use crate::host_lookup::HostLookups;
use crate::http::UpgradedConnection;
use crate::hub_thread::HubInput;
use crate::limits::{self, Limits};
use crate::mailbox::Mailbox;
use crate::metrics::ShardMetrics;
use crate::password_pool::PasswordPool;
use crate::readers::Readers;
use crate::searches::Searches;
use crate::shard::catching_up::CatchUp;
use crate::shard::connection::Class;
use crate::shard::slab::Slab;
use crate::shard::timers::Timers;
use chat::command::Request;
use chat::effect::Effect;
use chat::id::{SessionId, Timestamp};
use mio::{Events, Poll, Token};
use session::room_index::RoomIndex;
use session::{Moment, Output, ServerFacts, WorkResult};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What reaches a shard from other threads, but for effects.
#[derive(Debug)]
pub enum ShardInput {
    Accepted(Accepted),
    WebSocket(Box<UpgradedConnection>),
    WorkDone {
        session: SessionId,
        ticket: u32,
        result: WorkResult,
    },
    /// Answered when the hub has what could be read here by now.
    CatchUp(Arc<CatchUp>),
    Reconfigured {
        facts: Arc<ServerFacts>,
        rules: Arc<ConnectionRules>,
    },
    /// Take nothing new from anyone. Answered through the sender, when all requests are with the hub.
    StopReading(std::sync::mpsc::Sender<()>),
    /// Say goodbye to everyone with these words and end when all is written, at the latest then.
    Stop {
        farewell: String,
        within: Duration,
    },
}

/// A connection fresh from a listener.
#[derive(Debug)]
pub struct Accepted {
    pub stream: std::net::TcpStream,
    pub peer: SocketAddr,
    pub local: SocketAddr,
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// A PROXY header comes first.
    pub proxied: bool,
}

/// What the configuration says about connections.
#[derive(Debug, Clone)]
pub struct ConnectionRules {
    pub limits: Limits,
    pub exempt: Vec<crate::config::AddressRange>,
    /// SHA-256 of the certificate that new connections are shown.
    pub certificate: Option<discovery::Fingerprint>,
}

/// How other threads reach a shard.
#[derive(Debug)]
pub struct ShardHandle {
    pub effects: Mailbox<Effect>,
    pub inputs: Mailbox<ShardInput>,
    pub metrics: Arc<ShardMetrics>,
}

/// What a shard is given to work with.
#[derive(Debug)]
pub struct Surroundings {
    pub facts: Arc<ServerFacts>,
    pub rules: Arc<ConnectionRules>,
    pub hub: Arc<Mailbox<HubInput>>,
    pub passwords: Arc<PasswordPool>,
    pub readers: Arc<Readers>,
    pub exports: Arc<Exports>,
    pub searches: Arc<Searches>,
    pub lookups: Arc<HostLookups>,
    pub admission: Arc<Admission>,
    /// All of them, by their numbers, this one too.
    pub shards: Arc<[Arc<ShardHandle>]>,
}

pub struct Shard {
    number: u16,
    poll: Poll,
    handle: Arc<ShardHandle>,
    around: Surroundings,
    clock: Clock,
    now: Moment,

    connections: Slab,
    rooms: RoomIndex<Class>,
    timers: Timers<(SessionId, u64)>,
    /// Connections with something to write, this turn.
    dirty: Vec<u32>,
    /// Connections with something left to read, for the next turn.
    unread: Vec<SessionId>,
    /// Connections whose lines wait, and since when they may go on (monotonic milliseconds).
    held: Vec<(SessionId, u64)>,
    /// To be answered when the sockets have been looked at once more.
    catching_up: Vec<Arc<CatchUp>>,
    stopping: Stopping,
    /// Bytes in the outboxes of those who do not keep up.
    waiting: usize,
    /// Messages that this turn delivers, and when they got their place in the order.
    delivering: Option<(Timestamp, u64)>,

    // Working space, empty between uses.
    buffer: Box<[u8]>,
    output: Output,
    requests: Vec<HubInput>,
    scratch: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Stopping {
    No,
    /// Reads nothing more.
    Deaf,
    /// Writes what waits, until this millisecond.
    Ending {
        until: u64,
    },
}

const WAKE: Token = Token(usize::MAX);

impl Shard {
    /// The poll that the shard will run on and the handle for others, before the thread is there.
    pub fn prepare(metrics: Arc<ShardMetrics>) -> io::Result<(Poll, Arc<ShardHandle>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKE)?);
        let handle = ShardHandle {
            effects: Mailbox::for_event_loop(waker.clone()),
            inputs: Mailbox::for_event_loop(waker),
            metrics,
        };
        Ok((poll, Arc::new(handle)))
    }

    pub fn new(number: u16, poll: Poll, handle: Arc<ShardHandle>, around: Surroundings) -> Shard {
        let clock = Clock::start();
        let now = clock.now();
        Shard {
            number,
            poll,
            handle,
            around,
            clock,
            now,
            connections: Slab::new(number),
            rooms: RoomIndex::default(),
            timers: Timers::new(timers::tick(now.monotonic_ms)),
            dirty: Vec::new(),
            unread: Vec::new(),
            held: Vec::new(),
            catching_up: Vec::new(),
            stopping: Stopping::No,
            waiting: 0,
            delivering: None,
            buffer: vec![0; limits::READ_CHUNK_BYTES].into_boxed_slice(),
            output: Output::default(),
            requests: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Runs until told to stop.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        let mut effects = Vec::new();
        let mut inputs = Vec::new();
        let mut due = Vec::new();
        while !self.is_over() {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    // Nothing can be served without it; the process ends and is started again (reliability.md 2.6).
                    tracing::error!("shard {}: waiting for events failed: {error}", self.number);
                    std::process::abort();
                }
                _ => {}
            }
            self.now = self.clock.now();
            let caught_up = std::mem::take(&mut self.catching_up);
            self.handle.effects.take(&mut effects);
            for effect in effects.drain(..) {
                self.carry_out(effect);
            }
            self.handle.inputs.take(&mut inputs);
            for input in inputs.drain(..) {
                self.take_input(input);
            }
            self.go_on_with_held();
            for id in std::mem::take(&mut self.unread) {
                self.read(id);
            }
            for event in &events {
                self.socket_event(event);
            }
            self.timers.due(timers::tick(self.now.monotonic_ms), &mut due);
            for (id, at) in due.drain(..) {
                self.check(id, at);
            }
            self.around.hub.append(&mut self.requests);
            caught_up.iter().for_each(|asked| asked.answer());
            self.flush();
        }
    }

    fn take_input(&mut self, input: ShardInput) {
        match input {
            ShardInput::Accepted(accepted) => self.accept(accepted),
            ShardInput::WebSocket(upgraded) => self.accept_websocket(*upgraded),
            ShardInput::WorkDone { session, ticket, result } => {
                self.with_session(session, |session, now, facts, output| {
                    session.work_done(now, facts, ticket, result, output);
                });
                // What waited behind it goes on.
                self.resume(session);
            }
            ShardInput::CatchUp(asked) => self.catching_up.push(asked),
            ShardInput::Reconfigured { facts, rules } => self.reconfigure(facts, rules),
            ShardInput::StopReading(done) => {
                self.stopping = Stopping::Deaf;
                self.around.hub.append(&mut self.requests);
                // Whoever asked may have given up waiting.
                let _ = done.send(());
            }
            ShardInput::Stop { farewell, within } => self.say_goodbye(&farewell, within),
        }
    }

    fn reconfigure(&mut self, facts: Arc<ServerFacts>, rules: Arc<ConnectionRules>) {
        let old = std::mem::replace(&mut self.around.facts, facts);
        self.around.rules = rules;
        for slot in self.connections.slots() {
            let Some(id) = self.connections.at(slot).map(|connection| connection.id) else { continue };
            let old = old.clone();
            self.with_session(id, |session, now, new, output| session.facts_changed(now, &old, new, output));
        }
    }

    /// How long nothing needs doing unless something comes.
    fn patience(&self) -> Option<Duration> {
        if !self.catching_up.is_empty() {
            return Some(Duration::ZERO);
        }
        if !self.unread.is_empty() {
            // What is left is read at once, unless the hub has too much before it.
            return Some(if self.hub_is_full() { Duration::from_millis(1) } else { Duration::ZERO });
        }
        let next = self.held.iter().map(|(_, at)| *at).min();
        let until_held = next.map(|at| Duration::from_millis(at.saturating_sub(self.now.monotonic_ms).max(1)));
        // Until the next tick of the timers begins.
        let to_tick = Duration::from_millis(timers::TICK_MS - self.now.monotonic_ms % timers::TICK_MS);
        let tick = if self.connections.is_empty() { Duration::from_secs(60) } else { to_tick };
        let tick = if matches!(self.stopping, Stopping::Ending { .. }) { Duration::from_millis(20) } else { tick };
        Some(until_held.map_or(tick, |wait| wait.min(tick)))
    }

    fn hub_is_full(&self) -> bool {
        self.around.hub.len() + self.requests.len() >= limits::SHARD_TO_HUB_COMMANDS
    }

    fn is_over(&self) -> bool {
        match self.stopping {
            Stopping::Ending { until } => self.connections.is_empty() || self.now.monotonic_ms >= until,
            _ => false,
        }
    }
}

/// The two clocks of a shard.
#[derive(Debug)]
struct Clock {
    start: Instant,
}

impl Clock {
    fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// A moment of another thread by this clock.
    fn milliseconds(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.start).as_millis() as u64
    }

    fn now(&self) -> Moment {
        Moment { wall: wall_clock(), monotonic_ms: self.start.elapsed().as_millis() as u64 }
    }
}

/// Now, by the wall clock. A clock before 1970 counts as 1970.
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as u64)
}

impl From<Request> for HubInput {
    fn from(request: Request) -> HubInput {
        HubInput::Request(request)
    }
}
