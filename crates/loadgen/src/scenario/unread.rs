//! What is unread in very many rooms: how long the answer takes.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::asking::{Asking, Taken, names};
use super::{Figures, Report, ServerOptions};
use crate::arrival::{Dialect, STALLED, Visitor, answered_ping};
use crate::chatter::{Chance, text};
use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::swarm::{Conversation, Outgoing};

#[derive(Debug, Args)]
pub struct Unread {
    #[command(flatten)]
    server: ServerOptions,
    /// Rooms that one person is in; the server's limits.rooms_per_client must let her
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    rooms: u64,
    /// Messages said in each
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    messages: u64,
    /// Questions
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    questions: u64,
}

/// Until the PONG.
#[derive(Default)]
struct Waiting {
    done: bool,
    last_error: String,
}

impl Conversation for Waiting {
    fn connected(&mut self, _client: usize, _outgoing: &mut Outgoing) {}

    fn received(&mut self, client: usize, chunk: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        for line in lines(chunk) {
            let Some(parsed) = Line::parse(line) else { continue };
            if answered_ping(&parsed, outgoing.of(client)) {
                continue;
            }
            match parsed.command {
                b"PONG" => self.done = true,
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

impl Unread {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let room = |number: u64| format!("#unread{number}");
        let visitor = |dialect| Visitor { dialect, wants_echo: false, room: Some(room(0)) };
        crowd.admit(vec![visitor(Dialect::CountingUnread), visitor(Dialect::Plain)])?;
        // The reader comes first: what is said from then on is unread.
        for client in 0..2 {
            let joins: String = (1..self.rooms).map(|number| format!("JOIN {}\r\n", room(number))).collect();
            self.say(&mut crowd, client, joins.into_bytes())?;
        }
        let mut chance = Chance::new(4);
        for number in 0..self.rooms {
            let mut said = Vec::new();
            for _ in 0..self.messages {
                said.extend_from_slice(format!("PRIVMSG {} :", room(number)).as_bytes());
                text(&mut chance, &mut said);
                said.extend_from_slice(b"\r\n");
            }
            self.say(&mut crowd, 1, said)?;
        }
        let mut asking = Asking::of(&crowd, "history")?;
        let mut taken = Taken::default();
        for _ in 0..self.questions {
            let took = asking.ask(&mut crowd, 0, "UNREAD")?;
            taken.note(took, &asking);
        }
        let mut figures = Figures::default();
        taken.report(&names!("unread"), &mut figures);
        let mut settings = self.server.settings();
        settings.insert("rooms".to_owned(), json!(self.rooms));
        settings.insert("messages_of_a_room".to_owned(), json!(self.messages));
        Ok(Report {
            scenario: "unread",
            settings,
            rounds: vec![figures],
            verified: (self.questions, "questions answered"),
        })
    }

    /// Sends this, and returns when all of it is done.
    fn say(&self, crowd: &mut super::Crowd, client: usize, mut lines: Vec<u8>) -> Result<(), Fault> {
        lines.extend_from_slice(b"PING 1\r\n");
        crowd.swarm.outgoing().of(client).extend_from_slice(&lines);
        let mut waiting = Waiting::default();
        let began = std::time::Instant::now();
        while !waiting.done {
            crowd.swarm.turn(&mut waiting, Duration::from_secs(1))?;
            if began.elapsed() > STALLED {
                return Err(Fault::Stalled { seconds: STALLED.as_secs(), waiting_for: "a PONG".to_owned() });
            }
        }
        Ok(())
    }
}
