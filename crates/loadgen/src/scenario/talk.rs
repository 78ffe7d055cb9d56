//! A history as people leave one: many messages in rooms, busy ones and quiet ones.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{Figures, Reading, Report, ServerOptions};
use crate::arrival::{Visitor, answered_ping};
use crate::chatter::{Chance, text};
use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::swarm::{Conversation, Outgoing};

#[derive(Debug, Args)]
pub struct Talk {
    #[command(flatten)]
    server: ServerOptions,
    /// Messages in all
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    messages: u64,
    /// Rooms, each with two people; the first are the busiest
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=40_000))]
    rooms: u64,
}

/// The name of a room that people talk in.
pub fn room(number: u64) -> String {
    format!("#talk{number}")
}

/// Messages that the busiest say at a time.
const MOST_AT_A_TIME: f64 = 64.0;

/// Everyone says some messages and a PING; the PONG comes when all are on disk.
struct Talking {
    rooms: u64,
    left: u64,
    under_way: u64,
    said: u64,
    chance: Chance,
    last_error: String,
}

impl Talking {
    fn say(&mut self, client: usize, out: &mut Vec<u8>) {
        let room = client as u64 % self.rooms;
        let busy = (1.0 - room as f64 / self.rooms as f64).powi(3);
        let count = ((busy * MOST_AT_A_TIME) as u64).max(1).min(self.left);
        if count == 0 {
            return;
        }
        for _ in 0..count {
            out.extend_from_slice(format!("PRIVMSG {} :", self::room(room)).as_bytes());
            text(&mut self.chance, out);
            out.extend_from_slice(b"\r\n");
        }
        self.left -= count;
        self.under_way += count;
        out.extend_from_slice(format!("PING {count}\r\n").as_bytes());
    }
}

impl Conversation for Talking {
    fn connected(&mut self, _client: usize, _outgoing: &mut Outgoing) {}

    fn received(&mut self, client: usize, chunk: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        for line in lines(chunk) {
            let Some(parsed) = Line::parse(line) else { continue };
            if answered_ping(&parsed, outgoing.of(client)) {
                continue;
            }
            match parsed.command {
                b"PONG" => {
                    let count =
                        parsed.parameter(1).and_then(|count| std::str::from_utf8(count).ok()?.parse::<u64>().ok());
                    let count = count.unwrap_or_default();
                    self.said += count;
                    self.under_way -= count;
                    self.say(client, outgoing.of(client));
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

impl Talk {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let visitors = (0..2 * self.rooms).map(|client| Visitor {
            dialect: self.server.clients().dialect(0),
            wants_echo: false,
            room: Some(room(client % self.rooms)),
        });
        crowd.admit(visitors.collect())?;
        let mut talking = Talking {
            rooms: self.rooms,
            left: self.messages,
            under_way: 0,
            said: 0,
            chance: Chance::new(1),
            last_error: String::new(),
        };
        let begin = Reading::take(crowd.server)?;
        for client in 0..2 * self.rooms as usize {
            talking.say(client, crowd.swarm.outgoing().of(client));
        }
        while talking.under_way > 0 {
            crowd.swarm.turn(&mut talking, Duration::from_secs(1))?;
        }
        let span = begin.until_now(crowd.server)?;
        let mut figures = Figures::default();
        figures.add("messages", talking.said as f64);
        figures.add("messages_per_second", talking.said as f64 / span.wall);
        span.report(&mut figures, crowd.server)?;
        let mut settings = self.server.settings();
        settings.insert("rooms".to_owned(), json!(self.rooms));
        Ok(Report { scenario: "talk", settings, rounds: vec![figures], verified: (talking.said, "messages on disk") })
    }
}
