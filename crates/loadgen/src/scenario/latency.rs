//! One room, one sender with a timetable: how long until the last reader has a message.
//!
//! The rate is an open loop: a message is due at its time whether or not earlier ones have arrived, and its latency counts from
//! when it was due. A server (or a generator) that stands still cannot hide it by being asked less.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::{Crowd, DELIVERIES, Figures, Reading, Report, ServerOptions, Text, Timing};
use crate::arrival::Visitor;
use crate::fault::Fault;
use crate::measure::percentile;
use crate::traffic::{Traffic, Window};
use crate::verifier::RoomPlan;

#[derive(Debug, Args)]
pub struct Latency {
    #[command(flatten)]
    server: ServerOptions,
    #[command(flatten)]
    timing: Timing,
    #[command(flatten)]
    text: Text,
    /// Readers in the room, besides the sender
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    members: usize,
    /// Messages a second
    #[arg(long, value_name = "COUNT", default_value_t = 100.0)]
    rate: f64,
    /// The room
    #[arg(long, value_name = "NAME", default_value = "#latency")]
    room: String,
}

impl Latency {
    pub fn run(&self) -> Result<Report, Fault> {
        if !(self.rate > 0.0 && self.rate <= 100_000.0) {
            let text = "--rate: give more than 0 and at most 100000 messages a second";
            return Err(Fault::Usage(text.to_owned()));
        }
        let mut crowd = self.server.empty_crowd()?;
        let visitors = (0..=self.members).map(|client| Visitor {
            dialect: self.server.clients().dialect(client),
            wants_echo: client == 0,
            room: Some(self.room.clone()),
        });
        crowd.admit(visitors.collect())?;
        let plan = RoomPlan { name: self.room.clone(), members: crowd.members(), senders: vec![0] };
        let mut traffic = Traffic::new(&[plan], self.text.size, Window::Closed);
        self.post_by_timetable(&mut crowd, &mut traffic, self.timing.warm_up)?;
        let mut rounds = Vec::new();
        for _ in 0..self.timing.rounds.max(1) {
            let before = traffic.deliveries();
            let begin = Reading::take(crowd.server)?;
            let seconds = self.timing.seconds;
            let mut waits = self.post_by_timetable(&mut crowd, &mut traffic, seconds)?;
            let span = begin.until_now(crowd.server)?;
            waits.sort_by(f64::total_cmp);
            let mut figures = Figures::default();
            figures.add("messages", waits.len() as f64);
            figures.add("deliveries", (traffic.deliveries() - before) as f64);
            figures.add("p50_ms", percentile(&waits, 50.0));
            figures.add("p90_ms", percentile(&waits, 90.0));
            figures.add("p99_ms", percentile(&waits, 99.0));
            figures.add("highest_ms", percentile(&waits, 100.0));
            span.report(&mut figures, crowd.server)?;
            rounds.push(figures);
        }
        let mut settings = self.server.settings();
        settings.insert("members".to_owned(), json!(self.members));
        settings.insert("rate_per_second".to_owned(), json!(self.rate));
        settings.insert("text_bytes".to_owned(), json!(self.text.size));
        settings.insert("negotiated".to_owned(), crowd.negotiated());
        Ok(Report { scenario: "latency", settings, rounds, verified: (traffic.deliveries(), DELIVERIES) })
    }

    /// Milliseconds from due time to last reader, for every message that falls due within `seconds`.
    fn post_by_timetable(&self, crowd: &mut Crowd, traffic: &mut Traffic, seconds: f64) -> Result<Vec<f64>, Fault> {
        let start = Instant::now() + Duration::from_millis(10);
        let count = (seconds * self.rate).round() as u64;
        let due = |number: u64| start + Duration::from_secs_f64(number as f64 / self.rate);
        let mut posted = 0;
        let mut waits = Vec::new();
        while (waits.len() as u64) < count {
            let now = Instant::now();
            while posted < count && due(posted) <= now {
                if !traffic.post(&mut crowd.swarm, 0, 0) {
                    return Err(Fault::Usage(format!(
                        "the server is tens of thousands of messages behind; give a lower --rate than {}",
                        self.rate
                    )));
                }
                posted += 1;
            }
            let wait = match posted < count {
                true => due(posted).saturating_duration_since(now),
                false => Duration::from_millis(10),
            };
            // epoll waits in whole milliseconds, rounded up: the last one or two are spent polling, so as not to post late.
            let wait = Duration::from_millis((wait.as_millis() as u64).saturating_sub(1)).min(self.timing.nap());
            traffic.turn(&mut crowd.swarm, wait)?;
            for at in traffic.take_completions() {
                let wait = at.saturating_duration_since(due(waits.len() as u64));
                waits.push(wait.as_secs_f64() * 1e3);
            }
        }
        Ok(waits)
    }
}
