//! Registered clients that all join one room at the same moment, until everyone knows of everyone. Needs a fresh server.
//!
//! Quadratic by nature: each of N has to learn of N - 1 others, from its own list of names or from their JOIN lines behind it.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::{Figures, Reading, Report, ServerOptions};
use crate::arrival::{STALLED, Visitor, answered_ping, number_of};
use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::swarm::{Conversation, Outgoing};

#[derive(Debug, Args)]
pub struct Joinstorm {
    #[command(flatten)]
    server: ServerOptions,
    /// Clients that join
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    count: usize,
    /// The room
    #[arg(long, value_name = "NAME", default_value = "#storm")]
    room: String,
}

impl Joinstorm {
    pub fn run(&self) -> Result<Report, Fault> {
        let mut crowd = self.server.empty_crowd()?;
        let visitors = (0..self.count).map(|client| Visitor {
            dialect: self.server.clients().dialect(client),
            wants_echo: false,
            room: None,
        });
        crowd.admit(visitors.collect())?;

        let mut storm = Storm::new(self.count);
        let begin = Reading::take(crowd.server)?;
        for client in 0..self.count {
            let join = format!("JOIN {}\r\n", self.room);
            crowd.swarm.outgoing().of(client).extend_from_slice(join.as_bytes());
        }
        let mut progress = (Instant::now(), 0);
        while storm.content < self.count {
            crowd.swarm.turn(&mut storm, Duration::from_millis(100))?;
            if storm.facts() > progress.1 {
                progress = (Instant::now(), storm.facts());
            } else if progress.0.elapsed() > STALLED {
                return Err(Fault::Stalled { seconds: STALLED.as_secs(), waiting_for: storm.missing() });
            }
        }
        let span = begin.until_now(crowd.server)?;

        let mut figures = Figures::default();
        figures.add("joins_delivered", storm.joins as f64);
        figures.add("names_delivered", storm.names as f64);
        span.report(&mut figures, crowd.server)?;
        let mut settings = self.server.settings();
        settings.insert("count".to_owned(), json!(self.count));
        settings.insert("negotiated".to_owned(), crowd.negotiated());
        Ok(Report {
            scenario: "joinstorm",
            settings,
            rounds: vec![figures],
            verified: (storm.facts(), "joins and names delivered: everyone knows everyone, no JOIN twice"),
        })
    }
}

/// Who knows of whom.
#[derive(Debug)]
struct Storm {
    members: Vec<Newcomer>,
    /// Members that know of everyone.
    content: usize,
    joins: u64,
    names: u64,
    last_error: String,
}

#[derive(Debug, Clone)]
struct Newcomer {
    joined: bool,
    names_complete: bool,
    unknown: usize,
    content: bool,
    /// By client number: known of, from either source; JOIN seen.
    known: Vec<bool>,
    seen_to_join: Vec<bool>,
}

impl Storm {
    fn new(count: usize) -> Storm {
        let newcomer = Newcomer {
            joined: false,
            names_complete: false,
            unknown: count,
            content: false,
            known: vec![false; count],
            seen_to_join: vec![false; count],
        };
        Storm { members: vec![newcomer; count], content: 0, joins: 0, names: 0, last_error: String::new() }
    }

    fn facts(&self) -> u64 {
        self.joins + self.names
    }

    fn missing(&self) -> String {
        let late = self.members.iter().position(|member| !member.content);
        let late = late.unwrap_or_default();
        let member = &self.members[late];
        let stage = match (member.joined, member.names_complete) {
            (false, _) => "has not seen its own JOIN",
            (true, false) => "has not seen the end of its list of names",
            (true, true) => "has seen its list of names",
        };
        format!(
            "client {late}, which {stage} and does not know of {} others; {} of {} know everyone",
            member.unknown,
            self.content,
            self.members.len()
        )
    }

    fn step(&mut self, client: usize, line: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        let Some(parsed) = Line::parse(line) else {
            return Ok(());
        };
        let refused = |why: &str| Fault::Refused { client, line: format!("{why}: {}", shown(line)) };
        let member = &mut self.members[client];
        match parsed.command {
            b"JOIN" => {
                let number = number_of(parsed.nick()).filter(|&number| number < member.known.len());
                let number = number.ok_or_else(|| refused("a JOIN of a stranger"))?;
                if number == client {
                    member.joined = true;
                } else if !member.joined {
                    return Err(refused("a JOIN seen before the own one"));
                }
                if std::mem::replace(&mut member.seen_to_join[number], true) {
                    return Err(refused("the same JOIN again"));
                }
                member.learn(number);
                self.joins += 1;
            }
            b"353" => {
                let list = parsed.parameter(3).unwrap_or_default();
                let entries = list.split(|&byte| byte == b' ').filter(|entry| !entry.is_empty());
                for entry in entries {
                    let number = number_of(entry).filter(|&number| number < member.known.len());
                    member.learn(number.ok_or_else(|| refused("a stranger among the names"))?);
                    self.names += 1;
                }
            }
            b"366" => member.names_complete = true,
            b"ERROR" => self.last_error = shown(line),
            b"KICK" | b"QUIT" | b"PART" | b"FAIL" | [b'4' | b'5', _, _] => {
                return Err(refused("unexpected"));
            }
            _ => {
                answered_ping(&parsed, outgoing.of(client));
            }
        }
        if !member.content && member.joined && member.names_complete && member.unknown == 0 {
            member.content = true;
            self.content += 1;
        }
        Ok(())
    }
}

impl Newcomer {
    fn learn(&mut self, number: usize) {
        if !std::mem::replace(&mut self.known[number], true) {
            self.unknown -= 1;
        }
    }
}

impl Conversation for Storm {
    fn connected(&mut self, _client: usize, _outgoing: &mut Outgoing) {}

    fn received(&mut self, client: usize, chunk: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        for line in lines(chunk) {
            self.step(client, line, outgoing)?;
        }
        Ok(())
    }

    fn last_error(&self, _client: usize) -> String {
        self.last_error.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Client 0 of two gets these lines; `expected`: does it then know everyone, or what goes wrong.
    #[track_caller]
    fn check(received: &str, expected: Result<bool, &str>) {
        let mut storm = Storm::new(2);
        let mut outgoing = Outgoing::default();
        let outcome = storm.received(0, received.as_bytes(), &mut outgoing);
        match (outcome, expected) {
            (Ok(()), Ok(content)) => assert_eq!(storm.members[0].content, content, "{received}"),
            (Err(fault), Err(part)) => assert!(fault.to_string().contains(part), "{fault}"),
            (outcome, _) => panic!("{received}: {outcome:?}"),
        }
    }

    #[test]
    fn everyone_must_be_known_once() {
        let own = ":m00000!a@b JOIN #storm\r\n";
        let other = "@time=1 :m00001!a@b JOIN #storm * :Load\r\n";
        let names = ":s 353 m00000 = #storm :@m00000\r\n:s 366 m00000 #storm :End\r\n";
        let both = ":s 353 m00000 = #storm :m00000 @m00001\r\n:s 366 m00000 #storm :End\r\n";
        check(&format!("{own}{names}"), Ok(false));
        check(&format!("{own}{names}{other}"), Ok(true));
        check(&format!("{own}{both}"), Ok(true));
        check(both, Ok(false));
        check(&format!("{own}{other}{other}"), Err("the same JOIN again"));
        check(other, Err("before the own one"));
        check(":alice!a@b JOIN #storm\r\n", Err("stranger"));
        check(":s 471 m00000 #storm :full\r\n", Err("471"));
    }
}
