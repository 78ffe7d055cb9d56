//! chat_server as a library: binds, starts the threads, runs until told to stop, and ends gracefully.
//!
//! The only crate with threads, sockets, files, clocks and randomness on the server's side; it decides nothing that has to
//! do with chat. `Server` is the whole; the modules are its parts.

pub mod account_command;
pub mod admission;
pub mod announcing;
pub mod audit_command;
pub mod certificate;
pub mod command_line;
pub mod config;
pub mod control;
pub mod current;
pub mod data_folder;
pub mod exports;
pub mod facts;
pub mod host_lookup;
pub mod http;
pub mod hub_thread;
pub mod join_command;
pub mod limits;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod listener;
pub mod logging;
pub mod machine_addresses;
pub mod mailbox;
pub mod metrics;
pub mod open_files;
pub mod page;
pub mod password;
pub mod password_pool;
pub mod proxy_protocol;
pub mod readers;
pub mod searches;
pub mod shard;
pub mod signals;
pub mod store;
pub mod tls;
pub mod ways_in;
pub mod websocket;

use crate::admission::{Admission, AdmissionRules};
use crate::announcing::Announcer;
use crate::config::{AddressRange, Config, Listener, Protocol, Sources};
use crate::current::Current;
use crate::exports::Exports;
use crate::host_lookup::HostLookups;
use crate::hub_thread::{Asked, HubInput, HubThread};
use crate::listener::{Acceptance, Acceptor, Bound};
use crate::machine_addresses::machine_addresses;
use crate::mailbox::Mailbox;
use crate::metrics::Metrics;
use crate::password_pool::PasswordPool;
use crate::readers::Readers;
use crate::searches::Searches;
use crate::shard::{ConnectionRules, Shard, ShardHandle, ShardInput, Surroundings, wall_clock};
use crate::tls::TlsMaterial;
use crate::ways_in::WaysIn;
use chat::command::{Announcement, Command, Control};
use chat::hub::Hub;
use chat::id::Timestamp;
use chat::name::NameRules;
use chat::sequencer::Sequencer;
use session::{ServerFacts, WorkResult};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A running server.
pub struct Server {
    /// Of the first listener.
    pub ip_address: IpAddr,
    pub port: u16,
    /// What it listens on, in the order of the configuration; port 0 has become a port.
    pub listening: Vec<(Listener, SocketAddr)>,
    /// No account exists yet: the first one made will own the server.
    pub has_no_account: bool,

    sources: Sources,
    log_control: logging::LogControl,
    config: Config,
    secret: Zeroizing<[u8; 32]>,
    started: Timestamp,
    open_files: usize,

    shards: Vec<Arc<ShardHandle>>,
    threads: Vec<JoinHandle<()>>,
    hub: Arc<Mailbox<HubInput>>,
    keep_for: store::KeepFor,
    admission: Arc<Admission>,
    tls: Arc<Current<Option<Arc<rustls::ServerConfig>>>>,
    trusted_proxies: Arc<Current<Vec<AddressRange>>>,
    gateways: Arc<Current<Vec<AddressRange>>>,
    name_rules: Arc<Current<NameRules>>,
    ways_in: Arc<Current<WaysIn>>,
    stopping: Arc<AtomicBool>,
    /// Signals to end so far.
    signals: u32,
    accept_waker: Option<mio::Waker>,
    http: Option<http::HttpServer>,
    http_rules: Arc<Current<http::HttpRules>>,
    http_tls: Arc<Current<Option<Arc<rustls::ServerConfig>>>>,
    announcer: Option<Announcer>,
    events: Receiver<ServerEvent>,
    _search_index: store::Follower,
    // Last: the folder stays locked until everything above is gone.
    _control: control::ControlSocket,
    _folder: data_folder::DataFolder,
}

/// Everything that the main thread waits for.
#[derive(Debug)]
pub enum ServerEvent {
    Signal(signals::Signal),
    Asked(Asked),
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    Stopped,
    /// Start again, in this process's place.
    Restart,
    /// A second signal: at once, without goodbyes.
    AtOnce,
}

impl Server {
    /// Opens the data, binds, and starts the threads; when it returns, connections are accepted. The error is one
    /// sentence for a person.
    pub fn start(config: Config, sources: Sources, log_control: logging::LogControl) -> Result<Server, String> {
        let started = wall_clock();
        let open_files = open_files::raise_limit().unwrap_or_else(|sentence| {
            tracing::warn!("{sentence}");
            1_024
        });
        let count = shard_count();
        open_files::check(open_files, count)?;
        let folder = data_folder::DataFolder::open_when_free(&config.storage.path, limits::FOLDER_PATIENCE)?;
        let bound = bind_all(&config)?;
        let tls_material = if bound.iter().any(|bound| bound.settings.tls) {
            Some(TlsMaterial::load(&config).map_err(|error| error.to_string())?)
        } else {
            None
        };
        let failed = |what: &str, error: io::Error| format!("{what} could not be started: {error}");

        let metrics = Metrics::new(count);
        let hub_inbox = Arc::new(Mailbox::for_waiting_thread());
        let durability = match config.storage.durability {
            config::Durability::Full => store::Durability::Full,
            config::Durability::Relaxed => store::Durability::Relaxed,
        };
        let sentence = |error: store::StoreError| error.to_string();
        let store = store::Store::open(&folder.database(), durability).map_err(sentence)?;
        let secret = store.secret().map_err(sentence)?;
        let snapshot = store.snapshot().map_err(sentence)?;
        let following = metrics.search_index.clone();
        let log = store.start_log(wake_hub(&hub_inbox), Some(on_commit(&metrics))).map_err(sentence)?;
        let search_index = store.start_search_index(&following, &log).map_err(sentence)?;
        let keep_for = log.keep_for();
        keep_for.set(facts::retention(&config));
        let has_no_account = snapshot.accounts.is_empty();
        let (position, timestamp) = (snapshot.position, snapshot.timestamp);
        let seed = u64::from_ne_bytes(random_bytes()?);
        let hub = Hub::restore(snapshot, facts::settings(&config), seed, count);

        let room = open_files::connection_room(config.limits.connections, open_files, count);
        if let Some(warning) = &room.warning {
            tracing::warn!("{warning}");
        }
        let admission = Arc::new(Admission::new(admission_rules(&config, room.connections), &machine_addresses()));
        admission.close_doors(hub.closed_doors());
        let passwords =
            PasswordPool::start(facts::password_cost(&config)).map_err(|e| failed("the password thread", e))?;
        let session_facts = Arc::new(ServerFacts::new(facts::configured(&config, &secret, started)));
        let rules = Arc::new(connection_rules(&config, tls_material.as_ref()));

        let mut threads = Vec::new();
        let mut shards = Vec::new();
        let mut polls = Vec::new();
        for number in 0..count {
            let (poll, handle) = Shard::prepare(metrics.shards[number].clone()).map_err(|e| failed("a shard", e))?;
            polls.push(poll);
            shards.push(handle);
        }
        let all_shards: Arc<[_]> = shards.clone().into();
        passwords.serve(shards.clone());
        let lookups = HostLookups::new(answer_in(&shards));
        let readers = Readers::start(&store, shards.clone()).map_err(sentence)?;
        let listening: Vec<_> = bound.iter().map(|bound| (bound.settings.clone(), bound.address)).collect();
        let http_rules = Arc::new(Current::new(http::HttpRules::new(&config, with_ports(&listening))));
        let exports = Exports::new(folder.database(), http_rules.clone());
        let searches = Searches::start(&store, &following, shards.clone()).map_err(sentence)?;
        for (number, poll) in polls.into_iter().enumerate() {
            let handle = shards[number].clone();
            let around = Surroundings {
                exports: exports.clone(),
                facts: session_facts.clone(),
                rules: rules.clone(),
                hub: hub_inbox.clone(),
                passwords: passwords.clone(),
                readers: readers.clone(),
                searches: searches.clone(),
                lookups: lookups.clone(),
                admission: admission.clone(),
                shards: all_shards.clone(),
            };
            threads.push(
                spawn(&format!("shard {number}"), move || Shard::new(number as u16, poll, handle, around).run())
                    .map_err(|e| failed("a shard", e))?,
            );
        }

        let storage_fails = Arc::new(AtomicBool::new(false));
        let (event_sender, events) = channel();
        let controls = forward_controls(event_sender.clone()).map_err(|e| failed("a thread", e))?;
        let hub_thread = HubThread {
            sequencer: Sequencer::new(hub, log, count, position, timestamp),
            inbox: hub_inbox.clone(),
            shards: shards.clone(),
            controls,
            admission: admission.clone(),
            metrics: metrics.hub.clone(),
            storage_fails: storage_fails.clone(),
        };
        threads.push(spawn("hub", move || hub_thread.run()).map_err(|e| failed("the hub", e))?);
        signals::watch(event_sender).map_err(|e| failed("signal handling", e))?;

        let name_rules = Arc::new(Current::new(facts::name_rules(&config)));
        let ways_in = Arc::new(Current::new(ways_in(&listening, tls_material.as_ref())));
        let control = {
            let inbox = hub_inbox.clone();
            control::ControlSocket::open(
                &folder,
                name_rules.clone(),
                ways_in.clone(),
                Arc::new(move |command: Command, answers: Sender<chat::query::Answer>| {
                    // Whoever asked may have given up.
                    let answers = Box::new(move |answer| answers.send(answer).is_ok());
                    inbox.push(HubInput::Console { command: Box::new(command), answers });
                }),
            )?
        };

        let tls = Arc::new(Current::new(tls_material.as_ref().map(|material| material.irc.clone())));
        let trusted_proxies = Arc::new(Current::new(config.proxy.trusted.clone()));
        let gateways = Arc::new(Current::new(gateway_addresses(&config)));
        let stopping = Arc::new(AtomicBool::new(false));
        let (irc, web): (Vec<Bound>, Vec<Bound>) =
            bound.into_iter().partition(|bound| bound.settings.protocol == Protocol::Irc);
        let http_tls = Arc::new(Current::new(tls_material.as_ref().map(|material| material.http.clone())));
        let http = start_http(
            web,
            http::HttpSurroundings {
                rules: http_rules.clone(),
                tls: http_tls.clone(),
                admission: admission.clone(),
                metrics: metrics.clone(),
                exports,
                hub: hub_inbox.clone(),
                passwords: passwords.clone(),
                on_websocket: hand_to_shards(&shards),
                trouble: trouble_of(&storage_fails),
            },
        )
        .map_err(|e| failed("the HTTP thread", e))?;
        let acceptance = Acceptance {
            admission: admission.clone(),
            shards: shards.clone(),
            tls: tls.clone(),
            trusted_proxies: trusted_proxies.clone(),
            gateways: gateways.clone(),
            stopping: stopping.clone(),
            metrics: metrics.listeners.clone(),
        };
        let (acceptor, accept_waker) = Acceptor::new(irc, acceptance).map_err(|e| failed("accepting", e))?;
        threads.push(spawn("accept", move || acceptor.run()).map_err(|e| failed("accepting", e))?);

        let mut announcer = None;
        announce(&mut announcer, &config, &ways_in.load());

        let first = listening.first().map_or(SocketAddr::from(([127, 0, 0, 1], 0)), |(_, address)| *address);
        Ok(Server {
            ip_address: first.ip(),
            port: first.port(),
            listening,
            has_no_account,
            sources,
            log_control,
            config,
            secret,
            started,
            open_files,
            shards,
            threads,
            hub: hub_inbox,
            keep_for,
            admission,
            tls,
            trusted_proxies,
            gateways,
            name_rules,
            ways_in,
            stopping,
            signals: 0,
            accept_waker: Some(accept_waker),
            http,
            http_rules,
            http_tls,
            announcer,
            events,
            _search_index: search_index,
            _control: control,
            _folder: folder,
        })
    }

    /// How others come in, as of now.
    pub fn ways_in(&self) -> Arc<WaysIn> {
        self.ways_in.load()
    }

    /// Runs until a signal or an operator ends it.
    pub fn run(mut self) -> Ended {
        loop {
            let Ok(event) = self.events.recv() else { return self.stop("The server is shutting down", Ended::Stopped) };
            match event {
                ServerEvent::Signal(signals::Signal::Reload) => self.reload("SIGHUP"),
                ServerEvent::Signal(signals::Signal::Terminate) => {
                    self.signals = 1;
                    return self.stop("The server is shutting down", Ended::Stopped);
                }
                ServerEvent::Asked(Asked { control, by }) => match control {
                    Control::Rehash => self.reload(&by),
                    Control::Stop => {
                        tracing::info!("{by} stops the server");
                        return self.stop("The server is shutting down", Ended::Stopped);
                    }
                    Control::Restart => {
                        tracing::info!("{by} restarts the server");
                        return self.stop("The server is restarting; come back in a moment", Ended::Restart);
                    }
                },
            }
        }
    }

    /// Reads the configuration again. A bad one changes nothing and is complained of.
    fn reload(&mut self, by: &str) {
        let mut config = match Config::load(&self.sources) {
            Ok(config) => config,
            Err(error) => {
                return self.complain(&format!("the configuration stays as it was ({by} asked for a reload): {error}"));
            }
        };
        let tls_material = if self.listening.iter().any(|(listener, _)| listener.tls) {
            match TlsMaterial::load(&config) {
                Ok(material) => Some(material),
                Err(error) => {
                    let words = format!("the configuration stays as it was ({by} asked for a reload): {error}");
                    return self.complain(&words);
                }
            }
        } else {
            None
        };
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        for key in config.keep_until_restart(&self.config) {
            tracing::warn!("{key} has changed; that takes effect when the server is started again");
        }
        self.log_control.set_level(config.log.level);
        let room = open_files::connection_room(config.limits.connections, self.open_files, self.shards.len());
        self.admission.reconfigure(admission_rules(&config, room.connections));
        self.trusted_proxies.replace(config.proxy.trusted.clone());
        self.gateways.replace(gateway_addresses(&config));
        self.name_rules.replace(facts::name_rules(&config));
        self.tls.replace(tls_material.as_ref().map(|material| material.irc.clone()));
        self.http_tls.replace(tls_material.as_ref().map(|material| material.http.clone()));
        self.http_rules.replace(http::HttpRules::new(&config, with_ports(&self.listening)));
        let facts = Arc::new(ServerFacts::new(facts::configured(&config, &self.secret, self.started)));
        let rules = Arc::new(connection_rules(&config, tls_material.as_ref()));
        self.hub.push(HubInput::Server(Box::new(Command::Reconfigure(Box::new(facts::settings(&config))))));
        self.keep_for.set(facts::retention(&config));
        for shard in &self.shards {
            shard.inputs.push(ShardInput::Reconfigured { facts: facts.clone(), rules: rules.clone() });
        }
        self.ways_in.replace(ways_in(&self.listening, tls_material.as_ref()));
        announce(&mut self.announcer, &config, &self.ways_in.load());
        self.config = config;
        tracing::info!("the configuration was read again ({by})");
    }

    /// Into the log, and to the operators who are here: whoever wrote REHASH may not see the log.
    fn complain(&self, words: &str) {
        tracing::error!("{words}");
        // A mistake a line in the log; in a line of IRC there is no room for that.
        let text = words.lines().collect::<Vec<_>>().join("; ").into();
        let command = Command::Announce { to: Announcement::Operators, text };
        self.hub.push(HubInput::Server(Box::new(command)));
    }

    /// Ends within [`limits::STOP_DEADLINE`]: nothing new is taken, what was taken is committed and delivered, everyone is
    /// told, the sockets close.
    fn stop(mut self, farewell: &str, ended: Ended) -> Ended {
        let deadline = Instant::now() + limits::STOP_DEADLINE;
        tracing::info!("stopping");
        self.stopping.store(true, Ordering::Release);
        if let Some(announcer) = self.announcer.take()
            && let Ok(thread) = spawn("goodbye", move || announcer.say_goodbye())
        {
            self.threads.push(thread);
        }
        if let Some(waker) = &self.accept_waker {
            // The thread is gone already if this fails.
            let _ = waker.wake();
        }
        if let Some(http) = self.http.take() {
            http.begin_stop();
            while !http.has_ended() {
                let event = self.events.recv_timeout(Duration::from_millis(5)).ok();
                if self.cuts_short(event) {
                    return Ended::AtOnce;
                }
            }
            http.stop();
        }
        // A share of the deadline for each step, so that a stuck disk can't keep people from hearing goodbye.
        let (done, answers) = channel();
        for shard in &self.shards {
            shard.inputs.push(ShardInput::StopReading(done.clone()));
        }
        drop(done);
        if self.wait_for(&answers, self.shards.len(), Duration::from_secs(1)) == Wait::Interrupted {
            return Ended::AtOnce;
        }
        let (done, answers) = channel();
        self.hub.push(HubInput::Stop(done));
        match self.wait_for(&answers, 1, Duration::from_secs(2)) {
            Wait::Done => {}
            Wait::TimeOut => {
                tracing::error!("not everything could be written to disk in time; nobody has seen what was not")
            }
            Wait::Interrupted => return Ended::AtOnce,
        }
        let within = deadline.saturating_duration_since(Instant::now()).saturating_sub(Duration::from_millis(500));
        for shard in &self.shards {
            shard.inputs.push(ShardInput::Stop { farewell: farewell.to_owned(), within });
        }
        while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
            let event = self.events.recv_timeout(Duration::from_millis(5)).ok();
            if self.cuts_short(event) {
                return Ended::AtOnce;
            }
        }
        tracing::info!("stopped");
        // A signal to end that came while an operator's restart was under way is the later word.
        if self.signals > 0 { Ended::Stopped } else { ended }
    }

    /// Takes note of a signal to end that came while the server stops. The second one ends it at once; a first one, when an
    /// operator had begun the stop, only asks for what is being done.
    fn cuts_short(&mut self, event: Option<ServerEvent>) -> bool {
        if let Some(ServerEvent::Signal(signals::Signal::Terminate)) = event {
            self.signals += 1;
            tracing::info!("a signal to end came ({})", self.signals);
        }
        self.signals > 1
    }

    /// Waits for so many answers; a second signal to end is the one thing that cuts it short.
    fn wait_for(&mut self, answers: &mpsc::Receiver<()>, count: usize, patience: Duration) -> Wait {
        let deadline = Instant::now() + patience;
        let mut left = count;
        while left > 0 {
            match answers.recv_timeout(Duration::from_millis(5)) {
                Ok(()) => left -= 1,
                Err(mpsc::RecvTimeoutError::Disconnected) => return Wait::Done,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            let event = self.events.try_recv().ok();
            if self.cuts_short(event) {
                return Wait::Interrupted;
            }
            if left > 0 && Instant::now() >= deadline {
                return Wait::TimeOut;
            }
        }
        Wait::Done
    }
}

#[derive(PartialEq, Eq)]
enum Wait {
    Done,
    TimeOut,
    Interrupted,
}

fn bind_all(config: &Config) -> Result<Vec<Bound>, String> {
    let mut bound = Vec::new();
    for settings in &config.listeners {
        match listener::bind(settings, config.limits.socket_send_buffer_bytes) {
            Ok(one) => bound.push(one),
            Err(sentence) if settings.optional => tracing::info!("{sentence} (going on without it)"),
            Err(sentence) => return Err(sentence),
        }
    }
    Ok(bound)
}

/// What can be reached by others is announced, when that is wanted; a failure is no reason not to run.
fn announce(announcer: &mut Option<Announcer>, config: &Config, WaysIn { listening, fingerprint, .. }: &WaysIn) {
    let services = match config.discovery.mdns {
        true => announcing::services(config, listening, fingerprint.as_ref()),
        false => Vec::new(),
    };
    let outcome = match announcer {
        Some(announcer) => announcer.announce(services),
        None if services.is_empty() => Ok(()),
        None => Announcer::start(services).map(|started| *announcer = Some(started)),
    };
    if let Err(sentence) = outcome {
        tracing::warn!("{sentence}; people can still join with the address or the join code");
    }
}

fn wake_hub(inbox: &Arc<Mailbox<HubInput>>) -> store::Waker {
    let inbox = inbox.clone();
    Arc::new(move || inbox.wake())
}

/// Outcomes of lookups go to the shard of the session that asked.
fn answer_in(shards: &[Arc<ShardHandle>]) -> host_lookup::Answer {
    let shards = shards.to_vec();
    Box::new(move |session, ticket, name| {
        if let Some(shard) = shards.get(session.shard as usize) {
            shard.inputs.push(ShardInput::WorkDone { session, ticket, result: WorkResult::Host(name) });
        }
    })
}

fn on_commit(metrics: &Arc<Metrics>) -> store::Observer {
    let (metrics, following) = (metrics.store.clone(), metrics.search_index.clone());
    Arc::new(move |committed| {
        let Some(committed) = committed else { return metrics.failed() };
        if committed.changes > 0 {
            metrics.committed(committed.changes, committed.messages, committed.took);
        }
        following.committed();
    })
}

/// As of now.
fn ways_in(listening: &[(Listener, SocketAddr)], tls: Option<&TlsMaterial>) -> WaysIn {
    WaysIn {
        listening: listening.to_vec(),
        fingerprint: tls.map(|material| material.fingerprint),
        self_signed: tls.is_some_and(|material| material.self_signed),
    }
}

/// A shard a core that this process may run on.
fn shard_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(64)
}

fn connection_rules(config: &Config, tls: Option<&TlsMaterial>) -> ConnectionRules {
    ConnectionRules {
        limits: config.limits.clone(),
        exempt: config.flood.exempt.clone(),
        certificate: tls.map(|material| material.fingerprint),
    }
}

fn admission_rules(config: &Config, most: usize) -> AdmissionRules {
    AdmissionRules::new(&config.limits, most, config.flood.connections_per_minute as usize, config.flood.exempt.clone())
}

/// From where WEBIRC may come.
pub(crate) fn gateway_addresses(config: &Config) -> Vec<AddressRange> {
    config.proxy.webirc.iter().flat_map(|gateway| gateway.addresses.iter().cloned()).collect()
}

/// The listeners with the ports that they really have.
fn with_ports(listening: &[(Listener, SocketAddr)]) -> Vec<Listener> {
    listening.iter().map(|(listener, address)| Listener { address: *address, ..listener.clone() }).collect()
}

fn start_http(bound: Vec<Bound>, around: http::HttpSurroundings) -> io::Result<Option<http::HttpServer>> {
    if bound.is_empty() {
        return Ok(None);
    }
    let listeners = bound
        .into_iter()
        .map(|bound| http::HttpListener {
            socket: bound.socket,
            settings: Listener { address: bound.address, ..bound.settings },
        })
        .collect();
    http::HttpServer::start(listeners, around).map(Some)
}

/// Connections that speak WebSocket are dealt to the shards in turn, like any other.
fn hand_to_shards(shards: &[Arc<ShardHandle>]) -> Arc<dyn Fn(http::UpgradedConnection) + Send + Sync> {
    let (shards, turn) = (shards.to_vec(), AtomicUsize::new(0));
    Arc::new(move |upgraded| {
        let shard = &shards[turn.fetch_add(1, Ordering::Relaxed) % shards.len()];
        shard.inputs.push(ShardInput::WebSocket(Box::new(upgraded)));
    })
}

/// What /healthz complains of.
fn trouble_of(storage_fails: &Arc<AtomicBool>) -> Arc<dyn Fn() -> Option<String> + Send + Sync> {
    let fails = storage_fails.clone();
    Arc::new(move || fails.load(Ordering::Relaxed).then(|| "the store takes nothing: see the log".to_owned()))
}

fn forward_controls(events: Sender<ServerEvent>) -> io::Result<Sender<Asked>> {
    let (sender, receiver) = channel();
    spawn("controls", move || {
        for asked in receiver {
            if events.send(ServerEvent::Asked(asked)).is_err() {
                return;
            }
        }
    })?;
    Ok(sender)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let work = std::panic::AssertUnwindSafe(work);
        if std::panic::catch_unwind(work).is_err() {
            // A shard or the hub that is gone would leave everyone waiting for it. The process ends; what was acknowledged
            // is on disk, and a supervisor starts it again (reliability: restart within a second).
            tracing::error!("a thread of the server failed; the server ends at once, nothing acknowledged is lost");
            std::process::abort();
        }
    })
}

fn random_bytes<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| format!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}
