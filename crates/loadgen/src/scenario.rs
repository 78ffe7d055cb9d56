//! What the scenarios share: options, bringing clients in, measured parts, and the report.

mod asking;
pub mod comings;
pub mod durable;
pub mod fanout;
pub mod history;
pub mod idle;
pub mod joinstorm;
pub mod latency;
pub mod pairs;
pub mod search;
pub mod talk;
pub mod unread;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::arrival::{Arrival, Arrived, Dialect, Visitor};
use crate::fault::Fault;
use crate::measure::{Process, median};
use crate::swarm::{Swarm, Target};
use crate::tls;
use crate::traffic::Traffic;
use crate::verifier::{LARGEST_TEXT, Member, SMALLEST_TEXT};

#[derive(Debug, Clone, Args)]
pub struct ServerOptions {
    /// Address of the server to load
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6667")]
    server: SocketAddr,
    /// Process id of the server: its CPU time and memory are read from /proc
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Speak TLS, accepting any certificate
    #[arg(long)]
    tls: bool,
    /// What the clients speak [default: mixed; idle: plain]
    #[arg(long)]
    clients: Option<Clients>,
    /// Clients that share one source address of 127.0.0.0/8
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    per_address: usize,
    /// Connections and registrations under way at a time
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    at_once: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Clients {
    /// No capabilities
    Plain,
    /// message-tags and server-time
    Tags,
    /// All that a modern client asks for
    Modern,
    /// A third each of plain, tags and modern
    Mixed,
}

impl Clients {
    fn dialect(self, number: usize) -> Dialect {
        match self {
            Clients::Plain => Dialect::Plain,
            Clients::Tags => Dialect::Tags,
            Clients::Modern => Dialect::Modern,
            Clients::Mixed => [Dialect::Plain, Dialect::Tags, Dialect::Modern][number % 3],
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct Timing {
    /// Seconds before the first measured round
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    warm_up: f64,
    /// Seconds of one measured round
    #[arg(long, value_name = "SECONDS", default_value_t = 4.0)]
    seconds: f64,
    /// Measured rounds, one after the other on the same server
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    rounds: usize,
    /// Never sleep while measuring: the server then pays for no wake-up of the load, as if the clients were elsewhere. Only
    /// with a core of its own
    #[arg(long)]
    spin: bool,
}

impl Timing {
    /// How long a turn of the loop may sleep.
    fn nap(&self) -> Duration {
        match self.spin {
            true => Duration::ZERO,
            false => Duration::from_millis(10),
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct Text {
    /// Bytes of one text
    #[arg(long, value_name = "BYTES", default_value_t = 100, value_parser = text_size)]
    size: usize,
}

fn text_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (SMALLEST_TEXT..=LARGEST_TEXT).contains(&size) => Ok(size),
        _ => Err(format!("a text has {SMALLEST_TEXT} to {LARGEST_TEXT} bytes")),
    }
}

/// The clients of a run, arrived.
#[derive(Debug)]
struct Crowd {
    swarm: Swarm,
    arrival: Arrival,
    server: Option<Process>,
    at_once: usize,
}

impl ServerOptions {
    fn empty_crowd(&self) -> Result<Crowd, Fault> {
        let target = Target {
            address: self.server,
            tls: match self.tls {
                true => Some(tls::settings()?),
                false => None,
            },
            clients_per_address: self.per_address,
        };
        Ok(Crowd {
            swarm: Swarm::new(target)?,
            arrival: Arrival::default(),
            server: self.server_pid.map(Process::new),
            at_once: self.at_once,
        })
    }

    fn clients(&self) -> Clients {
        self.clients.unwrap_or(Clients::Mixed)
    }

    fn settings(&self) -> Map<String, Value> {
        let mut settings = Map::new();
        settings.insert("server".to_owned(), json!(self.server.to_string()));
        settings.insert("tls".to_owned(), json!(self.tls));
        settings
    }
}

impl Crowd {
    fn admit(&mut self, visitors: Vec<Visitor>) -> Result<(), Fault> {
        self.arrival.admit(&mut self.swarm, visitors, self.at_once)
    }

    fn members(&self) -> Vec<Member> {
        let arrived = self.arrival.arrived().enumerate();
        let member = |(client, arrived): (usize, &Arrived)| Member {
            client,
            nick: arrived.nick.clone(),
            tagged: arrived.tagged,
            echo: arrived.echo,
        };
        arrived.map(member).collect()
    }

    /// How many clients got how many capabilities, for the report: a server without CAP makes everyone plain.
    fn negotiated(&self) -> Value {
        let mut counts = std::collections::BTreeMap::new();
        for arrived in self.arrival.arrived() {
            let tags = if arrived.tagged { ", tagged" } else { "" };
            let echo = if arrived.echo { ", echo" } else { "" };
            let kind = format!("{} capabilities{tags}{echo}", arrived.capabilities);
            *counts.entry(kind).or_insert(0) += 1;
        }
        json!(counts)
    }

    /// Keeps windows full for the warm-up and all rounds; the figures of each round.
    fn measure(&mut self, traffic: &mut Traffic, timing: &Timing) -> Result<Vec<Figures>, Fault> {
        traffic.start(&mut self.swarm);
        let nap = timing.nap();
        traffic.run_for(&mut self.swarm, Duration::from_secs_f64(timing.warm_up), nap)?;
        let mut rounds = Vec::new();
        for _ in 0..timing.rounds.max(1) {
            let before = (traffic.completed(), traffic.deliveries());
            let begin = Reading::take(self.server)?;
            traffic.run_for(&mut self.swarm, Duration::from_secs_f64(timing.seconds), nap)?;
            let span = begin.until_now(self.server)?;
            let messages = (traffic.completed() - before.0) as f64;
            let deliveries = (traffic.deliveries() - before.1) as f64;
            let mut figures = Figures::default();
            figures.add("messages", messages);
            figures.add("deliveries", deliveries);
            figures.add("messages_per_second", messages / span.wall);
            figures.add("deliveries_per_second", deliveries / span.wall);
            if let Some(server_cpu) = span.server_cpu {
                let per_million = server_cpu / deliveries * 1e6;
                figures.add("server_core_seconds_per_million_deliveries", per_million);
            }
            span.report(&mut figures, self.server)?;
            rounds.push(figures);
        }
        traffic.drain(&mut self.swarm)?;
        Ok(rounds)
    }
}

/// Clock and CPU times at one moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    server: Option<Duration>,
    own: Duration,
}

/// What passed between two readings, in seconds.
#[derive(Debug, Clone, Copy)]
struct Span {
    wall: f64,
    server_cpu: Option<f64>,
    own_cpu: f64,
}

impl Reading {
    fn take(server: Option<Process>) -> Result<Reading, Fault> {
        Ok(Reading {
            server: server.map(Process::cpu_time).transpose()?,
            own: Process::own().cpu_time()?,
            at: Instant::now(),
        })
    }

    fn until_now(self, server: Option<Process>) -> Result<Span, Fault> {
        let now = Reading::take(server)?;
        let server_cpu = now.server.zip(self.server);
        Ok(Span {
            wall: (now.at - self.at).as_secs_f64(),
            server_cpu: server_cpu.map(|(now, then)| now.saturating_sub(then).as_secs_f64()),
            own_cpu: now.own.saturating_sub(self.own).as_secs_f64(),
        })
    }
}

impl Span {
    fn report(&self, figures: &mut Figures, server: Option<Process>) -> Result<(), Fault> {
        figures.add("wall_seconds", self.wall);
        if let Some(server_cpu) = self.server_cpu {
            figures.add("server_cpu_seconds", server_cpu);
        }
        // Near wall_seconds: the generator, not the server, set the pace.
        figures.add("load_cpu_seconds", self.own_cpu);
        if let Some(server) = server {
            figures.add("server_resident_kib", server.resident_kib()? as f64);
        }
        Ok(())
    }
}

/// Named numbers of one round; the unit is part of the name.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    fn add(&mut self, name: &'static str, value: f64) {
        self.0.push((name, value));
    }

    fn to_json(&self) -> Value {
        let pairs = self.0.iter();
        pairs.map(|&(name, value)| (name.to_owned(), json!(value))).collect()
    }
}

const DELIVERIES: &str = "deliveries verified: once, in order, unchanged";

/// What a scenario found.
#[derive(Debug)]
pub struct Report {
    scenario: &'static str,
    settings: Map<String, Value>,
    rounds: Vec<Figures>,
    /// What was checked and found right in the whole run, warm-up included: how many, of what.
    verified: (u64, &'static str),
}

impl Report {
    pub fn to_json(&self) -> Value {
        let rounds: Vec<Value> = self.rounds.iter().map(Figures::to_json).collect();
        json!({
            "scenario": self.scenario,
            "settings": self.settings,
            "verified": self.verified.0,
            "rounds": rounds,
            "median": self.median().to_json(),
        })
    }

    pub fn to_text(&self) -> String {
        let (verified, what) = self.verified;
        let mut text = format!("{}: {verified} {what}\n", self.scenario);
        for (name, value) in &self.settings {
            text += &format!("  {name}: {value}\n");
        }
        let rounds = match self.rounds.len() {
            1 => "one round".to_owned(),
            count => format!("median of {count} rounds (lowest to highest)"),
        };
        text += &format!("{rounds}\n");
        for &(name, value) in &self.median().0 {
            let values = self.values(name);
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            let highest = values.iter().copied().fold(0.0, f64::max);
            let spread = match values.len() {
                1 => String::new(),
                _ => format!("  ({} to {})", readable(lowest), readable(highest)),
            };
            text += &format!("  {name:<44} {:>14}{spread}\n", readable(value));
        }
        text
    }

    fn median(&self) -> Figures {
        let names = self.rounds.first().map(|round| round.0.as_slice());
        let names = names.unwrap_or_default().iter();
        Figures(names.map(|&(name, _)| (name, median(&self.values(name)))).collect())
    }

    fn values(&self, wanted: &str) -> Vec<f64> {
        let figures = self.rounds.iter().flat_map(|round| &round.0);
        figures.filter(|(name, _)| *name == wanted).map(|(_, value)| *value).collect()
    }
}

fn readable(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_gives_the_median_round() {
        let round = |value| Figures(vec![("messages", value), ("wall_seconds", 1.0)]);
        let report = Report {
            scenario: "fanout",
            settings: Map::new(),
            rounds: vec![round(3.0), round(1.0), round(2.0)],
            verified: (6, DELIVERIES),
        };
        let json = report.to_json();
        assert_eq!(json["median"]["messages"], 2.0);
        assert_eq!(json["rounds"].as_array().map(Vec::len), Some(3));
        assert!(report.to_text().contains("(1 to 3)"), "{}", report.to_text());
    }
}
