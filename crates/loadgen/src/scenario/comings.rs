//! A room that people come to and leave all the time, and hardly say anything in.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{Figures, Reading, Report, ServerOptions};
use crate::arrival::{Visitor, answered_ping};
use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::swarm::{Conversation, Outgoing};

#[derive(Debug, Args)]
pub struct Comings {
    #[command(flatten)]
    server: ServerOptions,
    /// The room
    #[arg(long, value_name = "ROOM", default_value = "#comings")]
    room: String,
    /// Comings, each with a going
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    joins: u64,
    /// Messages said before, by the one who stays
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    messages: u64,
    /// People who come and go
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    people: u64,
}

/// Comings of one person at a time.
const AT_A_TIME: u64 = 64;

/// In rounds: everyone comes and goes some times and says PING; the PONG comes when all of it is on disk. The one who stays
/// begins the next round with a PING of hers, when she has read of all that: she would fall behind.
struct Coming {
    room: String,
    people: u64,
    left: u64,
    under_way: u64,
    come: u64,
    last_error: String,
}

impl Coming {
    fn begin_round(&mut self, outgoing: &mut Outgoing) {
        for client in 1..=self.people as usize {
            let count = AT_A_TIME.min(self.left);
            if count == 0 {
                return;
            }
            let out = outgoing.of(client);
            for _ in 0..count {
                out.extend_from_slice(format!("JOIN {0}\r\nPART {0}\r\n", self.room).as_bytes());
            }
            out.extend_from_slice(format!("PING {count}\r\n").as_bytes());
            self.left -= count;
            self.under_way += count;
        }
    }

    fn is_over(&self) -> bool {
        self.left == 0 && self.under_way == 0
    }
}

impl Conversation for Coming {
    fn connected(&mut self, _client: usize, _outgoing: &mut Outgoing) {}

    fn received(&mut self, client: usize, chunk: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        for line in lines(chunk) {
            let Some(parsed) = Line::parse(line) else { continue };
            if answered_ping(&parsed, outgoing.of(client)) {
                continue;
            }
            match parsed.command {
                b"PONG" if client == 0 => self.begin_round(outgoing),
                b"PONG" => {
                    let count =
                        parsed.parameter(1).and_then(|count| std::str::from_utf8(count).ok()?.parse::<u64>().ok());
                    let count = count.unwrap_or_default();
                    self.come += count;
                    self.under_way -= count;
                    if self.under_way == 0 && self.left > 0 {
                        outgoing.of(0).extend_from_slice(b"PING round\r\n");
                    }
                }
                b"ERROR" => self.last_error = shown(line),
                [b'4', ..] | b"FAIL" => return Err(Fault::Refused { client, line: shown(line) }),
                _ => {}
            }
        }
        Ok(())
    }

    fn last_error(&self, _client: usize) -> String {
        self.last_error.clone()
    }
}

impl Comings {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let visitors = (0..=self.people).map(|client| Visitor {
            dialect: self.server.clients().dialect(0),
            wants_echo: false,
            // The first one stays: a room without anyone ends.
            room: (client == 0).then(|| self.room.clone()),
        });
        crowd.admit(visitors.collect())?;
        let mut coming = Coming {
            room: self.room.clone(),
            people: self.people,
            left: self.joins,
            under_way: 0,
            come: 0,
            last_error: String::new(),
        };
        let begin = Reading::take(crowd.server)?;
        let first = crowd.swarm.outgoing().of(0);
        for number in 0..self.messages {
            first.extend_from_slice(format!("PRIVMSG {} :message {number}\r\n", self.room).as_bytes());
        }
        first.extend_from_slice(b"PING round\r\n");
        while !coming.is_over() {
            crowd.swarm.turn(&mut coming, Duration::from_secs(1))?;
        }
        let span = begin.until_now(crowd.server)?;
        let mut figures = Figures::default();
        figures.add("joins", coming.come as f64);
        figures.add("joins_per_second", coming.come as f64 / span.wall);
        span.report(&mut figures, crowd.server)?;
        let mut settings = self.server.settings();
        settings.insert("room".to_owned(), json!(self.room));
        Ok(Report { scenario: "comings", settings, rounds: vec![figures], verified: (coming.come, "joins on disk") })
    }
}
