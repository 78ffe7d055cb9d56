//! The configuration: what a file, the environment and flags say, as typed values with their defaults.
//!
//! The flags win over the environment, the environment (`PARLOR_<TABLE>_<KEY>`) over the file. Every complaint is a
//! sentence that names the place, the key and the mend, and all of them are reported at once. The commented file with all
//! defaults is `config/sample.toml`; a test holds it to this reader. On a reload [`Config::load`] is simply called again.

mod address_range;
mod contradictions;
mod environment;
mod files;
mod listener;
mod operator;
mod secret;
mod settings;
mod tables;
mod values;

pub use address_range::{AddressRange, any_contains};
pub use environment::variables_of;
pub use listener::{Listener, Protocol};
pub use operator::{OPERATOR_RIGHTS, Operator, OperatorPassword};
pub use secret::Secret;
pub use settings::Complaint;

use crate::limits::Limits;
use contradictions::{Places, complain_of_contradictions, warn_of_risks, warn_of_what_has_no_effect};
use environment::add_environment;
use files::{Unread, read_text};
use settings::{Complaints, Origin, Settings};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tables::{
    read_accounts, read_flood, read_history, read_http, read_limits, read_log, read_proxy, read_rooms, read_server,
    read_storage, read_tls,
};
use values::line;

/// The commented default file, as `chat_server config` prints it.
pub const SAMPLE: &str = include_str!("config/sample.toml");

/// The most bytes that a configuration file or a message of the day may have.
const FILE_BYTES: u64 = 1_048_576;

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    pub server: Server,
    pub listeners: Vec<Listener>,
    pub tls: Tls,
    pub storage: Storage,
    pub accounts: Accounts,
    pub rooms: Rooms,
    pub history: History,
    pub limits: Limits,
    pub flood: Flood,
    pub proxy: Proxy,
    pub http: Http,
    pub operators: Vec<Operator>,
    pub discovery: Discovery,
    pub log: Log,
    /// Sentences about what is allowed but unwise.
    pub warnings: Vec<String>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Server {
    pub name: String,
    pub network: String,
    pub description: String,
    /// Lines of the message of the day; empty: there is none (422).
    pub motd: Vec<String>,
    /// Asked of every connection (PASS).
    pub password: Option<Secret>,
    pub casemapping: Casemapping,
    pub lookup_hostnames: bool,
    pub admin: Admin,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Admin {
    pub name: String,
    pub location: String,
    pub email: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Casemapping {
    /// Unicode names; names that look like another's are refused (RFC 8265, UTS 39).
    Precis,
    Ascii,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tls {
    /// Certificate chain and key as PEM files; `None`: a self-signed certificate, made once, in the data folder.
    pub files: Option<CertificateFiles>,
    pub sts: Option<Sts>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateFiles {
    pub certificate: PemFile,
    pub key: PemFile,
}

/// A file, and where the configuration names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PemFile {
    pub path: PathBuf,
    /// Such as `parlor.toml:7: [tls] key`; empty for a file that the server has chosen itself.
    pub named_at: String,
}

impl PemFile {
    pub fn of_our_own(path: PathBuf) -> PemFile {
        PemFile { path, named_at: String::new() }
    }
}

/// How complaints about the file begin.
impl fmt::Display for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.named_at.is_empty() {
            write!(f, "{}: ", self.named_at)?;
        }
        write!(f, "{}", self.path.display())
    }
}

/// Strict Transport Security of IRC (spec `sts`): clients that know it come back over TLS only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sts {
    pub duration: Duration,
    pub port: u16,
    pub preload: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Storage {
    pub path: PathBuf,
    pub durability: Durability,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Flushed before anyone sees it: survives power loss.
    Full,
    /// Survives the death of the process, not power loss.
    Relaxed,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accounts {
    pub registration: Registration,
    pub register_before_connect: bool,
    pub email_required: bool,
    pub sasl_mechanisms: Vec<SaslMechanism>,
    pub password_cost: PasswordCost,
    pub guests: bool,
    pub nick_protection: bool,
    pub nick_follows_account: bool,
    /// Letters only, without `+`.
    pub default_user_modes: String,
    pub always_on: AlwaysOn,
    /// How long one stays without a device; `None`: for ever.
    pub always_on_for: Option<Duration>,
    /// Failed attempts a minute: on one connection; on one account, from anywhere but its last address; from one address.
    pub login_attempts: u32,
    pub login_attempts_per_account: u32,
    pub login_attempts_per_address: u32,
    /// PLAIN and passwords in the clear are accepted on an unencrypted connection that is not loopback.
    pub plaintext_login: bool,
    /// How long the broken connection of an account stays unannounced.
    pub grace: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Registration {
    Open,
    /// Only an admin creates accounts.
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SaslMechanism {
    Plain,
    ScramSha256,
    External,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordCost {
    /// Argon2id, 19 MiB, two passes.
    Standard,
    /// The cheapest there is; for tests on loopback.
    Test,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlwaysOn {
    Disabled,
    OptIn,
    OptOut,
    Mandatory,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rooms {
    pub auto_join: Vec<String>,
    pub creation: RoomCreation,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RoomCreation {
    Anyone,
    Accounts,
    Operators,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct History {
    /// Messages of one CHATHISTORY answer.
    pub max_page: usize,
    pub retention: Retention,
    /// Lines replayed at JOIN to a client without chathistory.
    pub unread_replay: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retention {
    Forever,
    For(Duration),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flood {
    /// Addresses without flood control, connection and login throttles.
    pub exempt: Vec<AddressRange>,
    pub lines_per_second: u32,
    pub burst_lines: u32,
    /// New connections a minute from one address.
    pub connections_per_minute: u32,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Proxy {
    /// May send PROXY, WEBIRC, X-Forwarded-For.
    pub trusted: Vec<AddressRange>,
    pub webirc: Vec<WebircGateway>,
}

/// A gateway that names its users' addresses with WEBIRC.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebircGateway {
    /// The gateway's own name (WEBIRC's second parameter); `None`: any.
    pub name: Option<String>,
    /// From where it connects; `proxy.trusted` when it lists none itself.
    pub addresses: Vec<AddressRange>,
    pub password: Secret,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Http {
    /// WebSocket origins besides our own, lower case, without a slash at the end; `*`: any.
    pub origins: Vec<String>,
    /// `Authorization: Bearer …` that opens /metrics to others than loopback.
    pub metrics_token: Option<Secret>,
    /// Where the page is for people, without a slash at the end; `None`: as it listens.
    pub url: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Discovery {
    pub mdns: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log {
    pub level: LogLevel,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Where a configuration comes from.
#[derive(Clone, Default, Debug)]
pub struct Sources {
    pub file: Option<PathBuf>,
    /// Variables as `std::env::vars_os` gives them; those without `PARLOR_` are passed over.
    pub environment: Vec<(OsString, OsString)>,
    pub flags: Flags,
}

impl Sources {
    pub fn of_this_process(file: Option<PathBuf>, flags: Flags) -> Sources {
        Sources { file, environment: std::env::vars_os().collect(), flags }
    }
}

/// What the command line says over everything else.
#[derive(Clone, Default, Debug)]
pub struct Flags {
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--listen`, each one such as `ircs://0.0.0.0:6697`; if any is given, no other listener counts.
    pub listen: Vec<String>,
    /// `--lan`: TLS and the page are open to the network.
    pub lan: bool,
    /// `--log`
    pub log: Option<String>,
}

/// Everything that is wrong with a configuration, a sentence each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    pub complaints: Vec<Complaint>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, complaint) in self.complaints.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads all sources.
    ///
    /// # Errors
    /// Everything that is wrong, at once: unknown keys, wrong kinds, values out of range, contradictions, files that
    /// cannot be read.
    pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
        let complaints = Complaints::default();
        let mut settings = Settings::new(complaints.clone());
        if let Some(path) = &sources.file {
            match read_text(path) {
                Ok(text) => settings.add_file(path, &text),
                Err(Unread::NotUtf8 { line }) => complaints
                    .add_general(format!("{}:{line}: this line is not UTF-8; save the file in UTF-8", path.display())),
                Err(why) => complaints.add_general(format!(
                    "{}: {why}; name an existing file with --config, or start without it for the defaults",
                    path.display()
                )),
            }
        }
        add_environment(&mut settings, &sources.environment, &complaints);
        add_flags(&mut settings, &sources.flags);
        let config = read(settings, &sources.flags, &complaints);
        let complaints = complaints.take();
        if complaints.is_empty() { Ok(config) } else { Err(ConfigError { complaints }) }
    }

    /// Puts back, after a reload, the values that can't change while the server runs to those `in_use`; the keys of those
    /// that differed. All others take effect at once.
    pub fn keep_until_restart(&mut self, in_use: &Config) -> Vec<&'static str> {
        fn keep<T: Clone + PartialEq>(kept: &mut Vec<&'static str>, key: &'static str, new: &mut T, in_use: &T) {
            if *new != *in_use {
                new.clone_from(in_use);
                kept.push(key);
            }
        }
        let mut kept = Vec::new();
        let Config { server, listeners, storage, limits, .. } = self;
        keep(&mut kept, "server.name", &mut server.name, &in_use.server.name);
        keep(&mut kept, "server.network", &mut server.network, &in_use.server.network);
        keep(&mut kept, "server.casemapping", &mut server.casemapping, &in_use.server.casemapping);
        keep(&mut kept, "listener", listeners, &in_use.listeners);
        keep(&mut kept, "storage.path", &mut storage.path, &in_use.storage.path);
        keep(&mut kept, "storage.durability", &mut storage.durability, &in_use.storage.durability);
        keep(&mut kept, "limits.nick_length", &mut limits.nick_length, &in_use.limits.nick_length);
        keep(&mut kept, "limits.channel_length", &mut limits.channel_length, &in_use.limits.channel_length);
        let send_buffer = &mut limits.socket_send_buffer_bytes;
        keep(&mut kept, "limits.socket_send_buffer_bytes", send_buffer, &in_use.limits.socket_send_buffer_bytes);
        kept
    }

    /// Every listener is on a loopback address, so nobody but this machine can connect.
    pub fn is_loopback_only(&self) -> bool {
        self.listeners.iter().all(|listener| listener.address.ip().to_canonical().is_loopback())
    }
}

impl Default for Config {
    /// What an empty file and no flags give.
    fn default() -> Config {
        let complaints = Complaints::default();
        read(Settings::new(complaints.clone()), &Flags::default(), &complaints)
    }
}

fn add_flags(settings: &mut Settings, flags: &Flags) {
    if let Some(path) = &flags.data {
        settings.overlay("storage", "path", path.to_string_lossy().into_owned(), Origin::Flag("--data"));
    }
    if let Some(level) = &flags.log {
        settings.overlay("log", "level", level.clone(), Origin::Flag("--log"));
    }
    if !flags.listen.is_empty() {
        settings.overlay_whole("listener", flags.listen.join(","), Origin::Flag("--listen"));
    }
}

/// Takes every key out of `settings`; the one place that knows keys, kinds, ranges and defaults.
fn read(mut settings: Settings, flags: &Flags, complaints: &Complaints) -> Config {
    let mut warnings = Vec::new();
    let server = read_server(settings.table("server"));
    let (listeners, proxied) = listener::read(&mut settings, flags.lan, complaints);
    let tls = read_tls(settings.table("tls"));
    let storage = read_storage(settings.table("storage"));
    let (accounts, places) = read_accounts(settings.table("accounts"));
    let places = Places { proxied, ..places };
    let history = read_history(settings.table("history"));
    let limits = read_limits(settings.table("limits"));
    let rooms = read_rooms(settings.table("rooms"), &limits);
    let flood = read_flood(settings.table("flood"));
    let proxy = read_proxy(settings.table("proxy"));
    let http = read_http(settings.table("http"));
    let operators = operator::read(&mut settings, &mut warnings);
    let discovery = {
        let mut section = settings.table("discovery");
        let mdns = section.boolean("mdns").is_some_and(|(mdns, _)| mdns);
        section.finish();
        // Who opens the server to the network wants it to be found there.
        Discovery { mdns: mdns || flags.lan }
    };
    let log = read_log(settings.table("log"));
    settings.finish();

    let config = Config {
        server,
        listeners,
        tls,
        storage,
        accounts,
        rooms,
        history,
        limits,
        flood,
        proxy,
        http,
        operators,
        discovery,
        log,
        warnings: Vec::new(),
    };
    complain_of_contradictions(&config, &places, complaints);
    warn_of_risks(&config, &mut warnings);
    warn_of_what_has_no_effect(&config, &mut warnings);
    Config { warnings, ..config }
}

#[cfg(test)]
mod tests;
