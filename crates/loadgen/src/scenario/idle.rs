//! Many registered clients that do nothing: what arriving and being there costs. Needs a fresh server.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::{Clients, Crowd, Figures, Reading, Report, ServerOptions};
use crate::arrival::{STALLED, Visitor, answered_ping};
use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::swarm::{Conversation, Outgoing};

#[derive(Debug, Args)]
pub struct Idle {
    #[command(flatten)]
    server: ServerOptions,
    /// Clients in the end
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    count: usize,
    /// Clients at the first look at the server's memory; what comes after them is measured
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    baseline: usize,
}

impl Idle {
    pub fn run(&self) -> Result<Report, Fault> {
        if self.baseline == 0 || self.baseline >= self.count {
            let text = format!("--baseline {}: give at least 1 and fewer than --count {}", self.baseline, self.count);
            return Err(Fault::Usage(text));
        }
        let mut crowd = self.server.empty_crowd()?;
        let visitors = |from: usize, to: usize| {
            let clients = self.server.clients.unwrap_or(Clients::Plain);
            let visitor = |client| Visitor { dialect: clients.dialect(client), wants_echo: false, room: None };
            (from..to).map(visitor).collect()
        };
        crowd.admit(visitors(0, self.baseline))?;
        let at_baseline = crowd.settled_kib()?;
        let begin = Reading::take(crowd.server)?;
        crowd.admit(visitors(self.baseline, self.count))?;
        let span = begin.until_now(crowd.server)?;
        let at_end = crowd.settled_kib()?;
        crowd.ping_everyone()?;
        let after_pings = crowd.settled_kib()?;

        let added = (self.count - self.baseline) as f64;
        let mut figures = Figures::default();
        figures.add("registrations", added);
        figures.add("registrations_per_second", added / span.wall);
        if let Some(server_cpu) = span.server_cpu {
            figures.add("registrations_per_server_cpu_second", added / server_cpu);
            figures.add("server_cpu_microseconds_per_registration", server_cpu / added * 1e6);
        }
        if let (Some(before), Some(after), Some(pinged)) = (at_baseline, at_end, after_pings) {
            let slope = |kib: u64| (kib as f64 - before as f64) / added;
            figures.add("kib_per_connection", slope(after));
            figures.add("kib_per_connection_after_ping", slope(pinged));
            figures.add("server_resident_kib_at_baseline", before as f64);
        }
        span.report(&mut figures, crowd.server)?;
        let mut settings = self.server.settings();
        settings.insert("count".to_owned(), json!(self.count));
        settings.insert("baseline".to_owned(), json!(self.baseline));
        settings.insert("at_once".to_owned(), json!(self.server.at_once));
        settings.insert("negotiated".to_owned(), crowd.negotiated());
        Ok(Report {
            scenario: "idle",
            settings,
            rounds: vec![figures],
            verified: (self.count as u64, "clients answered a last PING"),
        })
    }
}

impl Crowd {
    fn settled_kib(&self) -> Result<Option<u64>, Fault> {
        let Some(server) = self.server else {
            return Ok(None);
        };
        server.settle()?;
        server.resident_kib().map(Some)
    }

    /// Sends everyone's PING and waits for all PONGs: every connection is alive.
    fn ping_everyone(&mut self) -> Result<(), Fault> {
        let clients = self.swarm.clients();
        for client in 0..clients {
            self.swarm.outgoing().of(client).extend_from_slice(b"PING :alive\r\n");
        }
        let mut roll_call = RollCall { answered: vec![false; clients], missing: clients, last_error: String::new() };
        let mut progress = (Instant::now(), clients);
        while roll_call.missing > 0 {
            self.swarm.turn(&mut roll_call, Duration::from_millis(100))?;
            if roll_call.missing < progress.1 {
                progress = (Instant::now(), roll_call.missing);
            } else if progress.0.elapsed() > STALLED {
                return Err(Fault::Stalled {
                    seconds: STALLED.as_secs(),
                    waiting_for: format!("the PONG of {} of {clients} clients", roll_call.missing),
                });
            }
        }
        Ok(())
    }
}

/// Everyone answers one PING.
#[derive(Debug)]
struct RollCall {
    answered: Vec<bool>,
    missing: usize,
    last_error: String,
}

impl Conversation for RollCall {
    fn connected(&mut self, _client: usize, _outgoing: &mut Outgoing) {}

    fn received(&mut self, client: usize, chunk: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        for line in lines(chunk) {
            let Some(parsed) = Line::parse(line) else {
                continue;
            };
            if answered_ping(&parsed, outgoing.of(client)) {
                continue;
            }
            match parsed.command {
                b"PONG" if !self.answered[client] => {
                    self.answered[client] = true;
                    self.missing -= 1;
                }
                b"ERROR" => self.last_error = shown(line),
                _ => {}
            }
        }
        Ok(())
    }

    fn last_error(&self, _client: usize) -> String {
        self.last_error.clone()
    }
}
