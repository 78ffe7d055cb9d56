//! `cargo xtask bench`: our server beside the physical limit and beside other servers, in one run, as one table.
//!
//! Figures move from machine to machine and from hour to hour, so a server is never measured alone: each round runs the limit
//! server, ours and the peers one after the other, each in a fresh process on core 0, with the load on core 1, and the table
//! gives medians and ratios.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

/// Measure the server beside the physical limit, and print one table
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rounds; in each the limit, the server and the peers run one after the other
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: usize,
    /// Only these scenarios
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = scenario_name)]
    scenario: Vec<&'static str>,
    /// Other servers to measure in the same run, if they are installed
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    peer: Vec<Peer>,
    /// Seconds of one measured part, for the scenarios that go on for a time
    #[arg(long, value_name = "SECONDS", default_value_t = 4.0)]
    seconds: f64,
    /// Leave our own server out: the limit and the peers only
    #[arg(long)]
    skip_server: bool,
    /// Take the release binaries as they are
    #[arg(long)]
    no_build: bool,
    /// Also write every round's figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// The limit with one write for each delivery
    LimitSingle,
    /// InspIRCd 3, with the IRCv3 modules that the clients ask for
    Inspircd,
    /// ngIRCd
    Ngircd,
}

/// One kind of run: what loadgen does and how the servers are set up for it.
#[derive(Debug)]
struct Scenario {
    name: &'static str,
    load: &'static [&'static str],
    timed: bool,
    durability: &'static str,
    tls: bool,
    limit: bool,
    /// Peers keep nothing on disk and have no TLS here, so they run where that is no unfair comparison.
    peers: bool,
}

const FANOUT: &[&str] = &["fanout", "--members", "1000", "--outstanding", "64"];
const LATENCY: &[&str] = &["latency", "--members", "1000", "--rate", "100"];

#[rustfmt::skip]
const SCENARIOS: &[Scenario] = &[
    Scenario { name: "fanout-64", load: FANOUT, timed: true, durability: "full", tls: false, limit: true, peers: true },
    Scenario { name: "fanout-1", load: &["fanout", "--members", "1000", "--outstanding", "1"], timed: true, durability: "full", tls: false, limit: true, peers: true },
    Scenario { name: "fanout-64-relaxed", load: FANOUT, timed: true, durability: "relaxed", tls: false, limit: true, peers: false },
    Scenario { name: "pairs", load: &["pairs", "--rooms", "200", "--outstanding", "16"], timed: true, durability: "full", tls: false, limit: true, peers: true },
    Scenario { name: "durable", load: &["durable", "--senders", "64", "--rooms", "4"], timed: true, durability: "full", tls: false, limit: true, peers: true },
    Scenario { name: "latency-relaxed", load: LATENCY, timed: true, durability: "relaxed", tls: false, limit: true, peers: true },
    Scenario { name: "latency-full", load: LATENCY, timed: true, durability: "full", tls: false, limit: true, peers: false },
    Scenario { name: "idle", load: &["idle", "--count", "10000"], timed: false, durability: "full", tls: false, limit: true, peers: true },
    Scenario { name: "idle-tls", load: &["idle", "--count", "10000", "--tls"], timed: false, durability: "full", tls: true, limit: false, peers: false },
    Scenario { name: "joinstorm", load: &["joinstorm", "--count", "2000"], timed: false, durability: "full", tls: false, limit: false, peers: true },
];

/// One line of the table: a figure of a scenario, and what it has to be.
#[derive(Debug)]
struct Row {
    scenario: &'static str,
    title: &'static str,
    figure: &'static str,
    unit: &'static str,
    reach: Reach,
}

#[derive(Debug, Clone, Copy)]
enum Reach {
    AtMost(f64),
    AtLeast(f64),
    /// The same for the ratio of our figure to that of the limit.
    RatioAtMost(f64),
    RatioAtLeast(f64),
    /// So much, one flush of this disk, and a millisecond.
    AtMostAndOneFlush(f64),
}

const CORE_SECONDS: &str = "server_core_seconds_per_million_deliveries";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { scenario: "fanout-64", title: "1,000 members, 64 outstanding", figure: CORE_SECONDS, unit: "core s per million deliveries", reach: Reach::RatioAtMost(1.6) },
    Row { scenario: "fanout-1", title: "1,000 members, 1 outstanding", figure: CORE_SECONDS, unit: "core s per million deliveries", reach: Reach::RatioAtMost(1.15) },
    Row { scenario: "fanout-64-relaxed", title: "1,000 members, 64 outstanding, relaxed", figure: "deliveries_per_second", unit: "deliveries/s", reach: Reach::RatioAtLeast(0.6) },
    Row { scenario: "pairs", title: "200 rooms of two, 16 outstanding each", figure: "messages_per_second", unit: "messages/s", reach: Reach::AtLeast(200_000.0) },
    Row { scenario: "durable", title: "64 senders, 1 outstanding each", figure: "messages_per_second", unit: "messages/s", reach: Reach::AtLeast(15_000.0) },
    Row { scenario: "latency-relaxed", title: "1,000 members, 100 messages/s, relaxed", figure: "p99_ms", unit: "ms, p99 to the last reader", reach: Reach::AtMost(4.5) },
    Row { scenario: "latency-full", title: "1,000 members, 100 messages/s, full", figure: "p99_ms", unit: "ms, p99 to the last reader", reach: Reach::AtMostAndOneFlush(4.5) },
    Row { scenario: "idle", title: "10,000 idle, plain", figure: "kib_per_connection", unit: "KiB per connection", reach: Reach::AtMost(2.0) },
    Row { scenario: "idle-tls", title: "10,000 idle, TLS", figure: "kib_per_connection", unit: "KiB per connection", reach: Reach::AtMost(16.0) },
    Row { scenario: "idle", title: "10,000 register, plain", figure: "registrations_per_second", unit: "registrations/s", reach: Reach::AtLeast(15_000.0) },
    Row { scenario: "joinstorm", title: "2,000 join one room at once", figure: "server_cpu_seconds", unit: "server CPU s", reach: Reach::AtMost(0.7) },
];

fn scenario_name(text: &str) -> Result<&'static str, String> {
    let names = SCENARIOS.iter().map(|scenario| scenario.name);
    match names.clone().find(|name| *name == text) {
        Some(name) => Ok(name),
        None => Err(format!("give one of {}", names.collect::<Vec<_>>().join(", "))),
    }
}

/// Runs the bench and prints the table on standard output, progress on standard error. An error also if a figure is not reached.
pub fn bench(args: &Arguments) -> Result<(), String> {
    let workshop = Workshop::open(args)?;
    let chosen = SCENARIOS.iter().filter(|scenario| args.scenario.is_empty() || args.scenario.contains(&scenario.name));
    let chosen: Vec<&Scenario> = chosen.collect();
    let flush_ms = flush_milliseconds(&workshop.folder)?;
    let mut results = Results::default();
    for scenario in &chosen {
        let contenders = contenders(args, scenario);
        for round in 1..=args.rounds.max(1) {
            for &contender in &contenders {
                let place = format!("{} round {round}: {}", scenario.name, contender.name());
                eprintln!("{place}");
                match workshop.run(scenario, contender, args.seconds) {
                    Ok(outcome) => results.add(scenario.name, contender, outcome),
                    Err(why) => {
                        eprintln!("{place}: {why}");
                        results.failures.push(format!("{place}: {why}"));
                    }
                }
            }
        }
    }
    let (table, unreached) = results.table(args, &chosen, flush_ms);
    println!("{table}");
    println!("{}", workshop.commands(&chosen, args));
    if let Some(file) = &args.json {
        let text = format!("{:#}\n", results.to_json(flush_ms));
        fs::write(file, text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    match (unreached, results.failures.len()) {
        (0, 0) => Ok(()),
        (unreached, failed) => Err(format!("{unreached} figures are not reached, {failed} runs failed")),
    }
}

/// Who runs under the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Contender {
    Limit,
    Parlor,
    LimitSingle,
    Inspircd,
    Ngircd,
}

impl Contender {
    fn name(self) -> &'static str {
        match self {
            Contender::Limit => "limit",
            Contender::Parlor => "parlor",
            Contender::LimitSingle => "limit, one write a delivery",
            Contender::Inspircd => "InspIRCd",
            Contender::Ngircd => "ngIRCd",
        }
    }
}

impl From<Peer> for Contender {
    fn from(peer: Peer) -> Contender {
        match peer {
            Peer::LimitSingle => Contender::LimitSingle,
            Peer::Inspircd => Contender::Inspircd,
            Peer::Ngircd => Contender::Ngircd,
        }
    }
}

fn contenders(args: &Arguments, scenario: &Scenario) -> Vec<Contender> {
    let limit = scenario.limit.then_some(Contender::Limit);
    let own = (!args.skip_server).then_some(Contender::Parlor);
    let peers = args.peer.iter().map(|&peer| Contender::from(peer));
    let fits = |peer: &Contender| match peer {
        Contender::LimitSingle => scenario.limit && scenario.peers,
        _ => scenario.peers,
    };
    limit.into_iter().chain(own).chain(peers.filter(fits)).collect()
}

/// Where binaries, configurations and data lie.
#[derive(Debug)]
struct Workshop {
    release: PathBuf,
    /// On a real disk, beside the build: a memory file system would make every flush free.
    folder: PathBuf,
}

/// What one run of one contender gave.
#[derive(Debug)]
struct Outcome {
    /// loadgen's report.
    report: Value,
    /// Messages in one commit, mean, where the server tells.
    commit_batch: Option<f64>,
}

impl Workshop {
    fn open(args: &Arguments) -> Result<Workshop, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        if cores < 2 {
            return Err("the bench needs two cores, one for the server and one for the load".to_owned());
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
        let root = root.ok_or("xtask has no parent folder")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        if !args.no_build {
            build(root, args.skip_server)?;
        }
        let folder = target.join("bench");
        fs::create_dir_all(&folder).map_err(|error| cannot("create", &folder, error))?;
        Ok(Workshop { release: target.join("release"), folder })
    }

    /// A fresh server, one loadgen, the server's end.
    fn run(&self, scenario: &Scenario, contender: Contender, seconds: f64) -> Result<Outcome, String> {
        let folder = self.folder.join(format!("run-{}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| cannot("empty", &folder, error))?;
        }
        fs::create_dir_all(&folder).map_err(|error| cannot("create", &folder, error))?;
        let server = self.start(scenario, contender, &folder)?;
        let mut load = pinned(LOAD_CORE, &self.release.join("loadgen"));
        load.args(scenario.load).args(timing(scenario, seconds)).arg("--json");
        if contender == Contender::Ngircd {
            // It has no IRCv3 capability that these clients know, and a backlog of 10: connections beyond it are lost for seconds.
            load.args(["--clients", "plain", "--at-once", "8"]);
        }
        load.arg("--server").arg(server.address.to_string());
        load.arg("--server-pid").arg(server.process.id().to_string());
        let output = load.output().map_err(|error| format!("cannot start loadgen: {error}"))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(format!("{why}{}", server.last_words()));
        }
        let report =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("loadgen printed no JSON: {error}"))?;
        let commit_batch = server.metrics.and_then(commit_batch);
        drop(server);
        fs::remove_dir_all(&folder).map_err(|error| cannot("remove", &folder, error))?;
        Ok(Outcome { report, commit_batch })
    }

    fn start(&self, scenario: &Scenario, contender: Contender, folder: &Path) -> Result<Running, String> {
        let [plain, tls, http] = free_ports()?;
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let file = folder.join("server.conf");
        let configure = |text: String| fs::write(&file, text).map_err(|error| cannot("write", &file, error));
        let mut command = match contender {
            Contender::Limit | Contender::LimitSingle => {
                let mode = if contender == Contender::Limit { "batch" } else { "single" };
                let mut command = pinned(SERVER_CORE, &self.release.join("loadgen"));
                command.args(["limit", "--mode", mode, "--listen", &at(plain).to_string()]);
                command
            }
            Contender::Parlor => {
                configure(parlor_config(at(plain), at(tls), at(http), folder, scenario.durability))?;
                let mut command = pinned(SERVER_CORE, &self.release.join("chat_server"));
                command.arg("--config").arg(&file);
                command
            }
            Contender::Inspircd => {
                configure(inspircd_config(plain, folder))?;
                let mut command = pinned(SERVER_CORE, Path::new("inspircd"));
                command.args(["--nofork", "--runasroot", "--config"]).arg(&file);
                command
            }
            Contender::Ngircd => {
                configure(ngircd_config(plain))?;
                let mut command = pinned(SERVER_CORE, Path::new("ngircd"));
                command.args(["--nodaemon", "--config"]).arg(&file);
                command
            }
        };
        let log = folder.join("output.log");
        let output = File::create(&log).map_err(|error| cannot("create", &log, error))?;
        let errors = output.try_clone().map_err(|error| cannot("open", &log, error))?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(output).stderr(errors);
        let process = command.spawn().map_err(|error| format!("cannot start taskset: {error}; install util-linux"))?;
        let mut running = Running {
            process,
            address: at(if scenario.tls { tls } else { plain }),
            metrics: (contender == Contender::Parlor).then_some(at(http)),
            log,
        };
        running.wait_until_it_accepts(contender)?;
        Ok(running)
    }

    /// The commands that the table comes from, for a reader who wants to run one alone.
    fn commands(&self, scenarios: &[&Scenario], args: &Arguments) -> String {
        let mut text = "Commands, once for each server and round (fresh server, free ports, `ADDRESS` and `PID` its own):\n\n```\n".to_owned();
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        line(format!("taskset -c {SERVER_CORE} loadgen limit --mode batch --listen ADDRESS"));
        line(format!("taskset -c {SERVER_CORE} chat_server --config server.conf"));
        for scenario in scenarios {
            let load = scenario.load.join(" ");
            let timing = timing(scenario, args.seconds).join(" ");
            let durability = scenario.durability;
            line(format!(
                "taskset -c {LOAD_CORE} loadgen {load} {timing} --json --server ADDRESS --server-pid PID  # {}: durability = \"{durability}\"",
                scenario.name
            ));
        }
        text.push_str("```\n\nserver.conf:\n\n```toml\n");
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let data = Path::new("target/bench/run");
        text.push_str(&parlor_config(at(6667), at(6697), at(8080), data, "full"));
        text.push_str("```\n");
        text
    }
}

const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";

fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

fn timing(scenario: &Scenario, seconds: f64) -> Vec<String> {
    if !scenario.timed {
        return Vec::new();
    }
    let seconds = seconds.to_string();
    ["--spin", "--rounds", "1", "--warm-up", "1", "--seconds", &seconds].map(str::to_owned).to_vec()
}

fn build(root: &Path, skip_server: bool) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--release", "--bin", "loadgen", "--package", "loadgen"]);
    if !skip_server {
        command.args(["--bin", "chat_server", "--package", "server"]);
    }
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err("the release build failed".to_owned()),
    }
}

/// A server under load; ends with it.
#[derive(Debug)]
struct Running {
    process: Child,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    log: PathBuf,
}

impl Running {
    fn wait_until_it_accepts(&mut self, contender: Contender) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.address).is_err() {
            let name = contender.name();
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("{name} ended at its start ({status}){}", self.last_words()));
            }
            if Instant::now() > deadline {
                let address = self.address;
                return Err(format!("{name} does not accept at {address} after 20 s{}", self.last_words()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The last lines that the server printed.
    fn last_words(&self) -> String {
        let Ok(text) = fs::read_to_string(&self.log) else {
            return String::new();
        };
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(5)..];
        if last.is_empty() {
            return String::new();
        }
        format!("; it said: {}", last.join(" / "))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing to be done about a server that is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Three free ports. All are held until all are known, so they differ.
fn free_ports() -> Result<[u16; 3], String> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let open = || -> std::io::Result<[u16; 3]> {
        let listeners = [bind()?, bind()?, bind()?];
        let [a, b, c] = &listeners;
        Ok([a.local_addr()?.port(), b.local_addr()?.port(), c.local_addr()?.port()])
    };
    open().map_err(|error| format!("no free port on loopback: {error}"))
}

fn parlor_config(plain: SocketAddr, tls: SocketAddr, http: SocketAddr, folder: &Path, durability: &str) -> String {
    let data = folder.join("data");
    let data = data.display();
    format!(
        r#"[server]
name = "bench.example"

[[listener]]
address = "{plain}"
protocol = "irc"

[[listener]]
address = "{tls}"
protocol = "irc"
tls = true

[[listener]]
address = "{http}"
protocol = "http"

[storage]
path = "{data}"
durability = "{durability}"

[limits]
connections_per_address = 100_000

[flood]
exempt = ["127.0.0.0/8", "::1"]

[log]
level = "warn"
"#
    )
}

/// InspIRCd 3 with every bound raised and every brake off. `netbuffersize` stays as it is: it decides how much one write carries.
fn inspircd_config(port: u16, folder: &Path) -> String {
    let modules = [
        "ircv3",
        "cap",
        "ircv3_accounttag",
        "ircv3_batch",
        "ircv3_chghost",
        "ircv3_ctctags",
        "ircv3_echomessage",
        "ircv3_invitenotify",
        "ircv3_labeledresponse",
        "ircv3_msgid",
        "ircv3_servertime",
        "namesx",
        "services_account",
        "setname",
    ];
    let mut text = String::new();
    for module in modules {
        let _ = writeln!(text, "<module name=\"{module}\">");
    }
    let folder = folder.display();
    text + &format!(
        r#"<server name="bench.example" description="bench" network="bench">
<admin name="bench" nick="bench" email="bench@bench.example">
<bind address="127.0.0.1" port="{port}" type="clients">
<path datadir="{folder}" logdir="{folder}" runtimedir="{folder}">
<pid file="{folder}/inspircd.pid">
<connect name="all" allow="*" timeout="60" pingfreq="600" hardsendq="100000000" softsendq="100000000" recvq="1000000"
 threshold="1000000000" commandrate="1000000000" fakelag="no" localmax="100000" globalmax="100000" maxchans="1000"
 limit="100000" resolvehostnames="no" useident="no">
<performance softlimit="100000" somaxconn="4096" clonesonconnect="no" quietbursts="yes">
<options defaultmodes="n">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="{folder}/inspircd.log">
"#
    )
}

fn ngircd_config(port: u16) -> String {
    format!(
        "[Global]\nName = bench.example\nAdminInfo1 = bench\nAdminEMail = bench@bench.example\nInfo = bench\nListen = 127.0.0.1\n\
         Ports = {port}\nMotdPhrase = bench\nServerUID = root\nServerGID = root\nPidFile =\n\
         [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\nPingTimeout = 600\nMaxNickLength = 16\n\
         [Options]\nDNS = no\nIdent = no\nPAM = no\nMorePrivacy = no\n"
    )
}

/// Milliseconds of one flush of this disk: the median of 50 appended pages, each followed by `fdatasync`.
fn flush_milliseconds(folder: &Path) -> Result<f64, String> {
    let path = folder.join(format!("flush-{}", std::process::id()));
    let measure = || -> std::io::Result<f64> {
        let mut file = File::create(&path)?;
        let mut times = Vec::new();
        for _ in 0..50 {
            file.write_all(&[0; 4096])?;
            let begin = Instant::now();
            file.sync_data()?;
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        fs::remove_file(&path)?;
        Ok(median(&times).unwrap_or_default())
    };
    measure().map_err(|error| cannot("flush to", &path, error))
}

/// Messages in one commit, mean over the server's life, from its `/metrics`.
fn commit_batch(address: SocketAddr) -> Option<f64> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    messages_per_commit_in(&answer)
}

fn messages_per_commit_in(metrics: &str) -> Option<f64> {
    let value = |counter: &str| -> Option<f64> {
        let line = metrics.lines().find(|line| line.split(' ').next() == Some(counter))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    let messages = value("parlor_committed_messages_total")?;
    let commits = value("parlor_commits_total")?;
    (commits > 0.0).then(|| messages / commits)
}

/// All that was measured.
#[derive(Debug, Default)]
struct Results {
    outcomes: BTreeMap<(&'static str, Contender), Vec<Outcome>>,
    failures: Vec<String>,
}

impl Results {
    fn add(&mut self, scenario: &'static str, contender: Contender, outcome: Outcome) {
        self.outcomes.entry((scenario, contender)).or_default().push(outcome);
    }

    fn median(&self, row: &Row, contender: Contender) -> Option<f64> {
        let outcomes = self.outcomes.get(&(row.scenario, contender))?;
        let values = outcomes.iter().filter_map(|outcome| outcome.report["median"][row.figure].as_f64());
        median(&values.collect::<Vec<_>>())
    }

    /// The table in Markdown, and how many figures of our server are not as they have to be.
    fn table(&self, args: &Arguments, scenarios: &[&Scenario], flush_ms: f64) -> (String, usize) {
        let peers: Vec<Contender> = args.peer.iter().map(|&peer| peer.into()).collect();
        let mut text = "| scenario | figure | parlor | limit | ratio | required | reached |".to_owned();
        for peer in &peers {
            let _ = write!(text, " {} (ratio) |", peer.name());
        }
        text.push_str("\n|---|---|---:|---:|---:|---|---|");
        text.push_str(&"---:|".repeat(peers.len()));
        text.push('\n');
        let mut unreached = 0;
        let rows = ROWS.iter().filter(|row| scenarios.iter().any(|scenario| scenario.name == row.scenario));
        for row in rows {
            let limit = self.median(row, Contender::Limit);
            let own = self.median(row, Contender::Parlor);
            let ratio = own.zip(limit).map(|(own, limit)| own / limit);
            let reached = match (args.skip_server, row.reach.reached(own, ratio, flush_ms)) {
                (true, _) => "",
                (false, true) => "yes",
                (false, false) => {
                    unreached += 1;
                    "**no**"
                }
            };
            let _ = write!(
                text,
                "| {} | {} | {} | {} | {} | {} | {reached} |",
                row.title,
                row.unit,
                shown(own),
                shown(limit),
                shown(ratio),
                row.reach.shown(flush_ms),
            );
            for &peer in &peers {
                let figure = self.median(row, peer);
                let ratio = figure.zip(limit).map(|(figure, limit)| figure / limit);
                let ratio = ratio.map_or(String::new(), |ratio| format!(" ({})", shown(Some(ratio))));
                let _ = write!(text, " {}{ratio} |", shown(figure));
            }
            text.push('\n');
        }
        let _ = write!(
            text,
            "\nMedians of {} rounds, server on one core. One flush of this disk takes {flush_ms:.2} ms.",
            args.rounds.max(1)
        );
        if let Some(batch) = self.commit_batch("durable") {
            let _ = write!(text, " Durable posts: {batch:.1} messages in one commit.");
        }
        text.push('\n');
        for failure in &self.failures {
            let _ = writeln!(text, "Failed: {failure}");
        }
        (text, unreached)
    }

    fn commit_batch(&self, scenario: &'static str) -> Option<f64> {
        let outcomes = self.outcomes.get(&(scenario, Contender::Parlor))?;
        let batches = outcomes.iter().filter_map(|outcome| outcome.commit_batch);
        median(&batches.collect::<Vec<_>>())
    }

    fn to_json(&self, flush_ms: f64) -> Value {
        let runs = self.outcomes.iter().flat_map(|((scenario, contender), outcomes)| {
            outcomes.iter().map(move |outcome| {
                json!({
                    "scenario": scenario,
                    "contender": contender.name(),
                    "report": outcome.report,
                    "messages_per_commit": outcome.commit_batch,
                })
            })
        });
        let runs: Vec<Value> = runs.collect();
        json!({ "flush_ms": flush_ms, "runs": runs, "failures": self.failures })
    }
}

impl Reach {
    fn reached(self, own: Option<f64>, ratio: Option<f64>, flush_ms: f64) -> bool {
        match self {
            Reach::AtMost(bound) => own.is_some_and(|own| own <= bound),
            Reach::AtLeast(bound) => own.is_some_and(|own| own >= bound),
            Reach::RatioAtMost(bound) => ratio.is_some_and(|ratio| ratio <= bound),
            Reach::RatioAtLeast(bound) => ratio.is_some_and(|ratio| ratio >= bound),
            Reach::AtMostAndOneFlush(bound) => own.is_some_and(|own| own <= bound + flush_ms + 1.0),
        }
    }

    fn shown(self, flush_ms: f64) -> String {
        match self {
            Reach::AtMost(bound) => format!("at most {}", shown(Some(bound))),
            Reach::AtLeast(bound) => format!("at least {}", shown(Some(bound))),
            Reach::RatioAtMost(bound) => format!("ratio at most {}", shown(Some(bound))),
            Reach::RatioAtLeast(bound) => format!("ratio at least {}", shown(Some(bound))),
            Reach::AtMostAndOneFlush(bound) => {
                format!("at most {} + one flush + 1: {:.1}", shown(Some(bound)), bound + flush_ms + 1.0)
            }
        }
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// A figure as the table shows it: three digits that matter, thousands with commas; a dash where there is none.
fn shown(value: Option<f64>) -> String {
    let Some(value) = value else {
        return "–".to_owned();
    };
    if value >= 1000.0 {
        let digits = format!("{value:.0}");
        let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
        return groups.collect::<Vec<_>>().join(",");
    }
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.995 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

fn cannot(doing: &str, path: &Path, error: std::io::Error) -> String {
    format!("cannot {doing} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_scenario() {
        for row in ROWS {
            assert!(scenario_name(row.scenario).is_ok(), "{row:?}");
            let ratio = matches!(row.reach, Reach::RatioAtMost(_) | Reach::RatioAtLeast(_));
            let scenario = SCENARIOS.iter().find(|scenario| scenario.name == row.scenario);
            assert!(!ratio || scenario.is_some_and(|scenario| scenario.limit), "{row:?}");
        }
        assert!(scenario_name("fan").is_err());
    }

    #[test]
    fn figures_are_judged() {
        let check = |reach: Reach, own, ratio, expected| {
            assert_eq!(reach.reached(own, ratio, 3.0), expected, "{reach:?} {own:?} {ratio:?}");
        };
        check(Reach::AtMost(2.0), Some(2.0), None, true);
        check(Reach::AtMost(2.0), Some(2.1), None, false);
        check(Reach::AtLeast(2.0), Some(1.9), None, false);
        check(Reach::RatioAtMost(1.6), Some(9.0), Some(1.5), true);
        check(Reach::RatioAtMost(1.6), Some(9.0), None, false);
        check(Reach::RatioAtLeast(0.6), Some(9.0), Some(0.5), false);
        check(Reach::AtMostAndOneFlush(4.5), Some(8.5), None, true);
        check(Reach::AtMostAndOneFlush(4.5), Some(8.6), None, false);
        check(Reach::AtMost(2.0), None, None, false);
    }

    #[test]
    fn figures_are_readable() {
        for (value, expected) in [
            (Some(1_234_567.4), "1,234,567"),
            (Some(15_000.0), "15,000"),
            (Some(12.34), "12.3"),
            (Some(1.15), "1.15"),
            (Some(0.0841), "0.084"),
            (None, "–"),
        ] {
            assert_eq!(shown(value), expected);
        }
    }

    #[test]
    fn the_commit_batch_is_read_from_the_metrics() {
        let metrics = "# TYPE parlor_commits counter\nparlor_commits_total 6\n\
                       parlor_committed_entries_total 310\nparlor_committed_messages_total 300\n";
        assert_eq!(messages_per_commit_in(metrics), Some(50.0));
        assert_eq!(messages_per_commit_in("parlor_x 1\n"), None);
    }
}
