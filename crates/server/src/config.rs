//! The configuration: what a file, the environment and flags say, as typed values with their defaults.
//!
//! The flags win over the environment, the environment (`PARLOR_<TABLE>_<KEY>`) over the file. Every complaint is a
//! sentence that names the place, the key and the mend, and all of them are reported at once. The commented file with all
//! defaults is `config/sample.toml`; a test holds it to this reader. On a reload [`Config::load`] is simply called again.

mod address_range;
mod listener;
mod operator;
mod secret;
mod settings;

pub use address_range::{AddressRange, any_contains};
pub use listener::{Listener, Protocol};
pub use operator::{OPERATOR_RIGHTS, Operator, OperatorPassword};
pub use secret::Secret;
pub use settings::Complaint;

use crate::limits::Limits;
use settings::{Complaints, Origin, Section, Settings};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// The top-level tables, as they may stand in a variable's name.
const TABLES: [&str; 14] = [
    "server",
    "listener",
    "tls",
    "storage",
    "accounts",
    "rooms",
    "history",
    "limits",
    "flood",
    "proxy",
    "http",
    "operator",
    "discovery",
    "log",
];

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
        let Config { server, listeners, storage, limits, discovery, .. } = self;
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
        keep(&mut kept, "discovery.mdns", &mut discovery.mdns, &in_use.discovery.mdns);
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

/// `PARLOR_SERVER_NAME` is `name` of `[server]`; `PARLOR_LISTENER` and `PARLOR_OPERATOR` set the whole lists. Variables
/// that begin with no table's name belong to someone else (the build, the client).
fn add_environment(settings: &mut Settings, variables: &[(OsString, OsString)], complaints: &Complaints) {
    let mut variables: Vec<_> = variables.iter().collect();
    variables.sort();
    for (name, value) in variables {
        let Some((name, table, rest)) = setting_of(name) else {
            continue;
        };
        let origin = Origin::Environment(name.to_string());
        let Some(value) = value.to_str() else {
            complaints.add(&origin, "", "the value is not UTF-8; write it in UTF-8");
            continue;
        };
        match rest[table.len()..].strip_prefix('_') {
            Some(key) if table != "listener" && table != "operator" => {
                settings.overlay(table, key, value.to_string(), origin);
            }
            None if table == "listener" || table == "operator" => {
                settings.overlay_whole(table, value.to_string(), origin);
            }
            Some(_) => complaints.add(
                &origin,
                "",
                format!("one variable sets the whole list; name it PARLOR_{}", table.to_ascii_uppercase()),
            ),
            None => complaints.add(&origin, "", format!("this names a table; name a key as well, as in {name}_KEY")),
        }
    }
}

/// The variable's name, the table that it is about, and all after `PARLOR_` in lower case.
fn setting_of(name: &OsString) -> Option<(&str, &'static str, String)> {
    let name = name.to_str()?;
    let rest = name.strip_prefix("PARLOR_")?.to_ascii_lowercase();
    let is_of = |table: &&str| rest.strip_prefix(table).is_some_and(|after| after.is_empty() || after.starts_with('_'));
    let table = TABLES.into_iter().find(|table| is_of(table))?;
    Some((name, table, rest))
}

/// The names of those variables that set something.
pub fn variables_of(environment: &[(OsString, OsString)]) -> Vec<&str> {
    let mut names: Vec<&str> =
        environment.iter().filter_map(|(name, _)| setting_of(name).map(|(name, ..)| name)).collect();
    names.sort_unstable();
    names
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
        Discovery { mdns }
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

fn read_server(mut section: Section) -> Server {
    let defaults = Server {
        name: host_name(),
        network: "parlor".to_string(),
        description: "A friendly parlor".to_string(),
        motd: Vec::new(),
        password: None,
        casemapping: Casemapping::Precis,
        lookup_hostnames: false,
        admin: Admin::default(),
    };
    let name = match section.text("name") {
        Some((name, _)) if is_server_name(&name) => name,
        Some((name, place)) => {
            section.complain(
                &place,
                "name",
                format!("{name:?} is no server name; write 1 to 63 letters, digits, dots and hyphens"),
            );
            defaults.name
        }
        None => defaults.name,
    };
    let network = line(&mut section, "network", 64).filter(|network| !network.is_empty()).unwrap_or(defaults.network);
    let description = line(&mut section, "description", 200).unwrap_or(defaults.description);
    let motd = read_motd(&mut section);
    let password = section.text("password").and_then(|(password, place)| {
        if password.is_empty() || password.contains(['\r', '\n', '\0']) {
            section.complain(
                &place,
                "password",
                "an empty password protects nothing; write one line, or leave the key out",
            );
            return None;
        }
        Some(Secret::new(password))
    });
    let casemapping = section
        .choice("casemapping", &[("precis", Casemapping::Precis), ("ascii", Casemapping::Ascii)])
        .map_or(defaults.casemapping, |(casemapping, _)| casemapping);
    let lookup_hostnames = section.boolean("lookup_hostnames").is_some_and(|(lookup, _)| lookup);
    let admin = {
        let mut section = section.table("admin");
        let admin = Admin {
            name: line(&mut section, "name", 200).unwrap_or_default(),
            location: line(&mut section, "location", 200).unwrap_or_default(),
            email: line(&mut section, "email", 200).unwrap_or_default(),
        };
        section.finish();
        admin
    };
    section.finish();
    Server { name, network, description, motd, password, casemapping, lookup_hostnames, admin }
}

fn read_motd(section: &mut Section) -> Vec<String> {
    let text = section.text("motd");
    let file = section.text("motd_file");
    let text = match (text, file) {
        (Some(_), Some((_, place))) => {
            section.complain(&place, "motd_file", "motd is set as well; keep one of the two");
            return Vec::new();
        }
        (Some((text, _)), None) => text,
        (None, Some((path, place))) => {
            let path = place.resolve(&path);
            match read_text(&path) {
                Ok(text) => text,
                Err(why) => {
                    section.complain(
                        &place,
                        "motd_file",
                        format!("{}: {why}; name a readable text file", path.display()),
                    );
                    return Vec::new();
                }
            }
        }
        (None, None) => return Vec::new(),
    };
    text.lines().map(|line| line.replace(['\r', '\0'], "")).collect()
}

fn read_tls(mut section: Section) -> Tls {
    let mut file = |key| {
        section.text(key).map(|(path, place)| {
            let path = place.resolve(&path);
            if let Err(why) = std::fs::File::open(&path) {
                let why = plain_words(&why);
                section.complain(&place, key, format!("{}: {why}; name a readable PEM file", path.display()));
            }
            let named_at = format!("{place}: [tls] {key}");
            (PemFile { path, named_at }, place)
        })
    };
    let files = match (file("certificate"), file("key")) {
        (Some((certificate, _)), Some((key, _))) => Some(CertificateFiles { certificate, key }),
        (None, None) => None,
        (Some((_, place)), None) => {
            section.complain(&place, "certificate", "there is no key for it; set key as well");
            None
        }
        (None, Some((_, place))) => {
            section.complain(&place, "key", "there is no certificate for it; set certificate as well");
            None
        }
    };
    let sts = {
        let mut section = section.table("sts");
        let duration = span(&mut section, "duration");
        let port = section.integer("port", 1..=65_535);
        let preload = section.boolean("preload").is_some_and(|(preload, _)| preload);
        let sts = match (duration, port) {
            (Some((duration, _)), port) => {
                let port = port.map_or(6697, |(port, _)| port as u16);
                Some(Sts { duration, port, preload })
            }
            (None, Some((_, place))) => {
                section.complain(&place, "port", "sts needs a duration as well, such as duration = \"30d\"");
                None
            }
            (None, None) => None,
        };
        section.finish();
        sts
    };
    section.finish();
    Tls { files, sts }
}

fn read_storage(mut section: Section) -> Storage {
    let path = match section.text("path") {
        Some((path, place)) if path.is_empty() => {
            section.complain(&place, "path", "the path is empty; name a folder");
            PathBuf::from("parlor-data")
        }
        Some((path, place)) => {
            let path = place.resolve(&path);
            if path.is_file() {
                section.complain(
                    &place,
                    "path",
                    format!("{} is a file, and a folder is wanted; name a folder", path.display()),
                );
            }
            path
        }
        None => PathBuf::from("parlor-data"),
    };
    let durability = section
        .choice("durability", &[("full", Durability::Full), ("relaxed", Durability::Relaxed)])
        .map_or(Durability::Full, |(durability, _)| durability);
    section.finish();
    Storage { path, durability }
}

/// Where keys stand which another key may contradict.
#[derive(Default)]
struct Places {
    /// `proxy_protocol = true` of a listener.
    proxied: Option<Origin>,
    /// `password_cost = "test"`.
    test_passwords: Option<Origin>,
    guests: Option<Origin>,
}

fn read_accounts(mut section: Section) -> (Accounts, Places) {
    const MECHANISMS: [(&str, SaslMechanism); 3] = [
        ("PLAIN", SaslMechanism::Plain),
        ("SCRAM-SHA-256", SaslMechanism::ScramSha256),
        ("EXTERNAL", SaslMechanism::External),
    ];
    let registration = section
        .choice("registration", &[("open", Registration::Open), ("closed", Registration::Closed)])
        .map_or(Registration::Open, |(registration, _)| registration);
    let register_before_connect = boolean(&mut section, "register_before_connect", true);
    let email_required = boolean(&mut section, "email_required", false);
    let sasl_mechanisms = match section.texts("sasl_mechanisms") {
        Some(names) => {
            let mut mechanisms = Vec::new();
            for (name, place) in names {
                match MECHANISMS.iter().find(|(known, _)| *known == name) {
                    Some((_, mechanism)) if !mechanisms.contains(mechanism) => mechanisms.push(*mechanism),
                    Some(_) => {
                        section.complain(&place, "sasl_mechanisms", format!("{name:?} stands here twice; remove one"))
                    }
                    None => section.complain(
                        &place,
                        "sasl_mechanisms",
                        format!("{name:?} is none of \"PLAIN\", \"SCRAM-SHA-256\", \"EXTERNAL\""),
                    ),
                }
            }
            mechanisms
        }
        None => MECHANISMS.iter().map(|(_, mechanism)| *mechanism).collect(),
    };
    let password_cost =
        section.choice("password_cost", &[("standard", PasswordCost::Standard), ("test", PasswordCost::Test)]);
    let (guests, guests_place) =
        section.boolean("guests").map_or((true, None), |(guests, place)| (guests, Some(place)));
    let nick_protection = boolean(&mut section, "nick_protection", true);
    let nick_follows_account = boolean(&mut section, "nick_follows_account", false);
    let default_user_modes = match section.text("default_user_modes") {
        Some((modes, place)) => {
            let letters = modes.trim_start_matches('+').to_string();
            if let Some(letter) = letters.chars().find(|letter| !"iwBRTZ".contains(*letter)) {
                section.complain(
                    &place,
                    "default_user_modes",
                    format!("{letter:?} is no user mode that can be set at the start; choose from i w B R T Z"),
                );
            }
            letters
        }
        None => String::new(),
    };
    let always_on = section
        .choice(
            "always_on",
            &[
                ("disabled", AlwaysOn::Disabled),
                ("opt-in", AlwaysOn::OptIn),
                ("opt-out", AlwaysOn::OptOut),
                ("mandatory", AlwaysOn::Mandatory),
            ],
        )
        .map_or(AlwaysOn::OptIn, |(always_on, _)| always_on);
    let always_on_days = count(&mut section, "always_on_days", 365, 0..=36_500);
    let always_on_for = (always_on_days > 0).then(|| Duration::from_secs(u64::from(always_on_days) * 86_400));
    let login_attempts = count(&mut section, "login_attempts", 3, 1..=1_000_000);
    let login_attempts_per_account = count(&mut section, "login_attempts_per_account", 5, 1..=1_000_000);
    let login_attempts_per_address = count(&mut section, "login_attempts_per_address", 20, 1..=1_000_000);
    let plaintext_login = boolean(&mut section, "plaintext_login", false);
    let grace = Duration::from_secs(u64::from(count(&mut section, "grace_seconds", 30, 0..=86_400)));
    section.finish();
    let test_place =
        password_cost.as_ref().filter(|(cost, _)| *cost == PasswordCost::Test).map(|(_, place)| place.clone());
    let accounts = Accounts {
        registration,
        register_before_connect,
        email_required,
        sasl_mechanisms,
        password_cost: password_cost.map_or(PasswordCost::Standard, |(cost, _)| cost),
        guests,
        nick_protection,
        nick_follows_account,
        default_user_modes,
        always_on,
        always_on_for,
        login_attempts,
        login_attempts_per_account,
        login_attempts_per_address,
        plaintext_login,
        grace,
    };
    (accounts, Places { proxied: None, test_passwords: test_place, guests: guests_place })
}

fn read_rooms(mut section: Section, limits: &Limits) -> Rooms {
    let auto_join = match section.texts("auto_join") {
        Some(names) => {
            for (name, place) in &names {
                let well_formed = name.starts_with('#')
                    && (2..=limits.channel_length).contains(&name.len())
                    && !name.contains([' ', ',', ':', '\x07', '\r', '\n', '\0']);
                if !well_formed {
                    section.complain(
                        place,
                        "auto_join",
                        format!(
                            "{name:?} is no room's name; write # and up to {} bytes without spaces and commas",
                            limits.channel_length - 1
                        ),
                    );
                }
            }
            names.into_iter().map(|(name, _)| name).collect()
        }
        None => vec!["#lobby".to_string()],
    };
    let creation = section
        .choice(
            "creation",
            &[
                ("anyone", RoomCreation::Anyone),
                ("accounts", RoomCreation::Accounts),
                ("operators", RoomCreation::Operators),
            ],
        )
        .map_or(RoomCreation::Anyone, |(creation, _)| creation);
    section.finish();
    Rooms { auto_join, creation }
}

fn read_history(mut section: Section) -> History {
    let max_page = count(&mut section, "max_page", 100, 1..=10_000) as usize;
    let retention = match section.text("retention") {
        Some((text, _)) if text == "forever" => Retention::Forever,
        Some((text, place)) => match parse_span(&text) {
            Some(span) => Retention::For(span),
            None => {
                section.complain(
                    &place,
                    "retention",
                    format!("{text:?} is neither \"forever\" nor a time such as \"90d\""),
                );
                Retention::Forever
            }
        },
        None => Retention::Forever,
    };
    let unread_replay = count(&mut section, "unread_replay", 0, 0..=10_000) as usize;
    section.finish();
    History { max_page, retention, unread_replay }
}

fn read_limits(mut section: Section) -> Limits {
    let limits = Limits::from_configured(|bound| {
        section.integer(bound.key, bound.least as i64..=bound.most as i64).map(|(value, _)| value as usize)
    });
    section.finish();
    limits
}

fn read_flood(mut section: Section) -> Flood {
    let exempt = address_ranges(&mut section, "exempt");
    let lines_per_second = count(&mut section, "lines_per_second", 4, 1..=1_000_000);
    let burst_lines = count(&mut section, "burst_lines", 40, 1..=1_000_000);
    let connections_per_minute = count(&mut section, "connections_per_minute", 60, 1..=1_000_000);
    section.finish();
    Flood { exempt, lines_per_second, burst_lines, connections_per_minute }
}

fn read_proxy(mut section: Section) -> Proxy {
    let trusted = address_ranges(&mut section, "trusted");
    let mut webirc = Vec::new();
    for mut gateway in section.tables("webirc") {
        let name = line(&mut gateway, "name", 200);
        let own = address_ranges(&mut gateway, "addresses");
        let addresses = if own.is_empty() { trusted.clone() } else { own };
        let place = gateway.origin().clone();
        if addresses.is_empty() {
            gateway.complain(&place, "addresses", "from where does it connect? write addresses = [\"192.0.2.1\"]");
        }
        match gateway.text("password") {
            Some((password, _)) if !password.is_empty() => {
                webirc.push(WebircGateway { name, addresses, password: Secret::new(password) });
            }
            Some((_, place)) => gateway.complain(&place, "password", "it is empty; a gateway needs a password"),
            None => gateway.complain(&place, "password", "it is missing; a gateway needs a password"),
        }
        gateway.finish();
    }
    section.finish();
    Proxy { trusted, webirc }
}

fn read_http(mut section: Section) -> Http {
    let mut origins = Vec::new();
    for (origin, place) in section.texts("origins").unwrap_or_default() {
        let normal = origin.trim_end_matches('/').to_ascii_lowercase();
        let is_origin = normal
            .split_once("://")
            .is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty() && !host.contains(['/', ' ', '*']));
        if normal == "*" || is_origin {
            origins.push(normal);
        } else {
            section.complain(
                &place,
                "origins",
                format!("{origin:?} is no origin; write one like \"https://chat.example.org\", or \"*\" for any"),
            );
        }
    }
    let metrics_token = section.text("metrics_token").and_then(|(token, place)| {
        if token.len() < 16 {
            section.complain(&place, "metrics_token", "it can be guessed; write at least 16 characters");
            return None;
        }
        Some(Secret::new(token))
    });
    let url = section.text("url").and_then(|(url, place)| {
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control())) {
            section.complain(&place, "url", "it does not begin with https:// or http:// and a name");
            return None;
        }
        Some(url.trim_end_matches('/').to_owned())
    });
    section.finish();
    Http { origins, metrics_token, url }
}

fn read_log(mut section: Section) -> Log {
    let level = section
        .choice(
            "level",
            &[
                ("error", LogLevel::Error),
                ("warn", LogLevel::Warn),
                ("info", LogLevel::Info),
                ("debug", LogLevel::Debug),
                ("trace", LogLevel::Trace),
            ],
        )
        .map_or(LogLevel::Info, |(level, _)| level);
    section.finish();
    Log { level }
}

/// What each key allows but the whole does not.
fn complain_of_contradictions(config: &Config, places: &Places, complaints: &Complaints) {
    if let (Some(place), false) = (&places.test_passwords, config.is_loopback_only()) {
        complaints.add(
            place,
            "[accounts] password_cost",
            "\"test\" protects no password, and a listener is not on loopback; write \"standard\"",
        );
    }
    if let Some(place) = places.proxied.as_ref().filter(|_| config.proxy.trusted.is_empty()) {
        complaints.add(
            place,
            "[[listener]] proxy_protocol",
            "nobody may send a PROXY header, so nobody could connect; name the proxy's address in [proxy] trusted",
        );
    }
    if let Some(place) = places.guests.as_ref().filter(|_| !config.accounts.guests)
        && config.accounts.registration == Registration::Open
        && !config.accounts.register_before_connect
        && config.accounts.sasl_mechanisms.is_empty()
    {
        complaints.add(
            place,
            "[accounts] guests",
            "without guests, register_before_connect and sasl_mechanisms nobody could come in; allow one of them",
        );
    }
}

/// Keys that are read, so that a file need not change with the version, but have nothing to act on yet.
fn warn_of_what_has_no_effect(config: &Config, warnings: &mut Vec<String>) {
    if config.discovery.mdns {
        warnings.push("[discovery] mdns: it has no effect yet; this version does not announce itself".to_owned());
    }
}

fn warn_of_risks(config: &Config, warnings: &mut Vec<String>) {
    if config.accounts.plaintext_login && !config.is_loopback_only() {
        warnings.push(
            "[accounts] plaintext_login: passwords cross the network in the clear; turn it off and use a TLS listener"
                .to_string(),
        );
    }
    // What one message of several lines can become: each line has names before it, and tags.
    let longest = config.limits.multiline_bytes + config.limits.multiline_lines * 1_024;
    if longest > config.limits.sendq_bytes {
        warnings.push(format!(
            "[limits] sendq_bytes: one message of multiline_bytes and multiline_lines can have {longest} bytes, and closes \
             the connections of all who are sent it; allow more bytes, or shorter messages"
        ));
    }
    if config.http.origins.iter().any(|origin| origin == "*") {
        warnings.push("[http] origins: with \"*\" any web page can connect from its visitors' browsers".to_string());
    }
    if let Some(sts) = &config.tls.sts {
        let served = config
            .listeners
            .iter()
            .any(|listener| listener.tls && listener.protocol == Protocol::Irc && listener.address.port() == sts.port);
        if !served {
            warnings.push(format!(
                "[tls] sts: no listener of this server speaks IRC over TLS on port {}; clients would be sent there in vain",
                sts.port
            ));
        }
    }
}

fn boolean(section: &mut Section, key: &'static str, default: bool) -> bool {
    section.boolean(key).map_or(default, |(value, _)| value)
}

fn count(section: &mut Section, key: &'static str, default: u32, range: std::ops::RangeInclusive<u32>) -> u32 {
    let range = i64::from(*range.start())..=i64::from(*range.end());
    section.integer(key, range).map_or(default, |(value, _)| value as u32)
}

/// A text that goes into one line of the protocol.
fn line(section: &mut Section, key: &'static str, most_bytes: usize) -> Option<String> {
    let (text, place) = section.text(key)?;
    if text.chars().any(char::is_control) {
        section.complain(&place, key, "control characters and line ends are not allowed here; write one plain line");
        return None;
    }
    if text.len() > most_bytes {
        section.complain(&place, key, format!("it has {} bytes; shorten it to {most_bytes}", text.len()));
        return None;
    }
    Some(text)
}

fn address_ranges(section: &mut Section, key: &'static str) -> Vec<AddressRange> {
    let mut ranges = Vec::new();
    for (text, place) in section.texts(key).unwrap_or_default() {
        match text.parse() {
            Ok(range) => ranges.push(range),
            Err(why) => section.complain(&place, key, why),
        }
    }
    ranges
}

fn span(section: &mut Section, key: &'static str) -> Option<(Duration, Origin)> {
    let (text, place) = section.text(key)?;
    match parse_span(&text) {
        Some(span) => Some((span, place)),
        None => {
            section.complain(&place, key, format!("{text:?} is no time; write one like \"90d\", \"12h\" or \"30m\""));
            None
        }
    }
}

/// `90d`, `1d12h`: whole numbers, each with one of s, m, h, d, w, y (365 days).
fn parse_span(text: &str) -> Option<Duration> {
    session::duration::parse_with_unit(text).map(Duration::from_millis)
}

/// Why a file was not read.
enum Unread {
    NotUtf8 { line: usize },
    Other(String),
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unread::NotUtf8 { line } => write!(f, "line {line} is not UTF-8"),
            Unread::Other(why) => f.write_str(why),
        }
    }
}

fn read_text(path: &Path) -> Result<String, Unread> {
    let failed = |why: std::io::Error| Unread::Other(plain_words(&why));
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES {
        return Err(Unread::Other(format!("it has {length} bytes, and {FILE_BYTES} are the most")));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|why| {
        let line = 1 + why.as_bytes()[..why.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Unread::NotUtf8 { line }
    })
}

/// Without the number of the operating system's error, which tells people nothing.
fn plain_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_string(),
        std::io::ErrorKind::PermissionDenied => "it may not be read by this user".to_string(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_string(),
        _ => error.to_string(),
    }
}

fn is_server_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The host's name as a server name. Clients tell a server from a person by the dot in its name, so a bare host name gets
/// the suffix under which mDNS announces it (RFC 6762 section 3).
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = if name.contains('.') { name } else { format!("{name}.local") };
    if is_server_name(&name) { name } else { "parlor.local".to_string() }
}

#[cfg(test)]
mod tests;
