//! Set-up: clients connect, negotiate, register and join, a bounded number of them at a time.

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::irc_bytes::{Line, lines, shown};
use crate::swarm::{Conversation, Outgoing, Swarm};

/// Nothing for so long ends a run.
pub const STALLED: Duration = Duration::from_secs(30);

/// What a client wants to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// No capability at all, as a person with netcat.
    Plain,
    /// `message-tags` and `server-time`.
    Tags,
    /// What a modern client asks for.
    Modern,
    /// What one that searches needs.
    Searching,
    /// What one that reads old messages needs.
    Reading,
    /// The same, to see too what happened besides.
    ReadingEvents,
    /// What one that asks for what is unread needs.
    CountingUnread,
}

impl Dialect {
    fn capabilities(self) -> &'static [&'static str] {
        match self {
            Dialect::Plain => &[],
            Dialect::Tags => &["message-tags", "server-time"],
            Dialect::Searching => &["message-tags", "server-time", "batch", "soju.im/search"],
            Dialect::Reading => &["message-tags", "server-time", "batch", "draft/chathistory"],
            Dialect::ReadingEvents => {
                &["message-tags", "server-time", "batch", "draft/chathistory", "draft/event-playback"]
            }
            Dialect::CountingUnread => &["message-tags", "server-time", "batch", "parlor/unread"],
            Dialect::Modern => &[
                "message-tags",
                "server-time",
                "account-tag",
                "batch",
                "labeled-response",
                "multi-prefix",
                "extended-join",
                "away-notify",
                "account-notify",
                "chghost",
                "setname",
                "invite-notify",
            ],
        }
    }
}

/// One client to be.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub dialect: Dialect,
    /// Ask for `echo-message` too.
    pub wants_echo: bool,
    /// Joined after registration.
    pub room: Option<String>,
}

/// What a client ended up with.
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    pub nick: String,
    /// Has `server-time`: its lines carry tags.
    pub tagged: bool,
    pub echo: bool,
    /// How many capabilities the server agreed to.
    pub capabilities: usize,
}

/// The nick of client `number` at its first attempt. Seven characters, since some servers allow no more than nine.
pub fn nick(number: usize, attempt: usize) -> String {
    match attempt {
        0 => format!("m{number:05}"),
        _ => format!("m{number:05}x{attempt}"),
    }
}

/// The number in a nick made by [`nick`], member prefixes (`@`, `+`, …) before it ignored.
pub fn number_of(nick: &[u8]) -> Option<usize> {
    let start = nick.iter().position(|byte| !b"~&@%+".contains(byte))?;
    let digits = nick[start..].strip_prefix(b"m")?.get(..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Answers a PING; true if the line was one.
pub fn answered_ping(line: &Line<'_>, out: &mut Vec<u8>) -> bool {
    if line.command != b"PING" {
        return false;
    }
    out.extend_from_slice(b"PONG :");
    out.extend_from_slice(line.parameter(0).unwrap_or_default());
    out.extend_from_slice(b"\r\n");
    true
}

/// Brings clients in. Reusable: a later call of [`Arrival::admit`] adds to those who are there.
#[derive(Debug, Default)]
pub struct Arrival {
    guests: Vec<Guest>,
    arrived: usize,
    error_line: String,
}

#[derive(Debug)]
struct Guest {
    visitor: Visitor,
    result: Arrived,
    stage: Stage,
    /// Capabilities of earlier lines of a long CAP LS.
    offered: Vec<u8>,
    attempts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Registering,
    Joining,
    There,
}

impl Arrival {
    /// Connects these visitors, at most `at_once` of them under way at any moment, and returns when all have arrived.
    pub fn admit(&mut self, swarm: &mut Swarm, visitors: Vec<Visitor>, at_once: usize) -> Result<(), Fault> {
        let mut waiting = visitors.into_iter();
        let mut progress = (Instant::now(), self.arrived);
        loop {
            while self.guests.len() - self.arrived < at_once.max(1) {
                let Some(visitor) = waiting.next() else { break };
                let client = swarm.connect()?;
                assert_eq!(client, self.guests.len(), "one Arrival brings in all clients of a swarm");
                self.guests.push(Guest {
                    visitor,
                    result: Arrived { nick: nick(client, 0), ..Arrived::default() },
                    stage: Stage::Connecting,
                    offered: Vec::new(),
                    attempts: 0,
                });
            }
            if self.arrived == self.guests.len() {
                return Ok(());
            }
            swarm.turn(self, Duration::from_secs(1))?;
            if self.arrived > progress.1 {
                progress = (Instant::now(), self.arrived);
            } else if progress.0.elapsed() > STALLED {
                let late = self.guests.iter().position(|guest| guest.stage != Stage::There);
                let late = late.unwrap_or_default();
                return Err(Fault::Stalled {
                    seconds: STALLED.as_secs(),
                    waiting_for: format!(
                        "client {late}, which is {:?}; {} of {} are there",
                        self.guests[late].stage,
                        self.arrived,
                        self.guests.len()
                    ),
                });
            }
        }
    }

    pub fn arrived(&self) -> impl Iterator<Item = &Arrived> {
        self.guests.iter().map(|guest| &guest.result)
    }

    fn step(&mut self, client: usize, line: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let Some(parsed) = Line::parse(line) else {
            return Ok(());
        };
        if answered_ping(&parsed, out) {
            return Ok(());
        }
        if parsed.command == b"ERROR" {
            self.error_line = shown(line);
            return Ok(());
        }
        let guest = &mut self.guests[client];
        if guest.stage == Stage::There {
            return Ok(());
        }
        let refused = || {
            let line = shown(line);
            Err(Fault::Refused { client, line })
        };
        match parsed.command {
            b"CAP" => match parsed.parameter(1) {
                Some(b"LS") => guest.choose_capabilities(&parsed, out),
                Some(b"ACK") => {
                    let granted = parsed.parameter(2).unwrap_or_default();
                    let has = |name: &str| words(granted).any(|word| word == name.as_bytes());
                    guest.result.tagged = has("server-time");
                    guest.result.echo = has("echo-message");
                    guest.result.capabilities = words(granted).count();
                    out.extend_from_slice(b"CAP END\r\n");
                }
                Some(b"NAK") => return refused(),
                _ => {}
            },
            // A nick that someone left behind by an earlier run still has.
            b"433" | b"436" if guest.attempts < 9 => {
                guest.attempts += 1;
                guest.result.nick = nick(client, guest.attempts);
                out.extend_from_slice(format!("NICK {}\r\n", guest.result.nick).as_bytes());
            }
            // The end of the greeting: RPL_ENDOFMOTD or ERR_NOMOTD.
            b"376" | b"422" if guest.stage == Stage::Registering => match &guest.visitor.room {
                Some(room) => {
                    out.extend_from_slice(format!("JOIN {room}\r\n").as_bytes());
                    guest.stage = Stage::Joining;
                }
                None => {
                    guest.stage = Stage::There;
                    self.arrived += 1;
                }
            },
            // The end of the list of names, the last answer to a JOIN.
            b"366" if guest.stage == Stage::Joining => {
                guest.stage = Stage::There;
                self.arrived += 1;
            }
            // A server without CAP.
            b"421" if parsed.parameter(1) == Some(b"CAP") => {}
            // Errors of registration and of JOIN.
            [b'4', ..] | b"FAIL" if parsed.command != b"422" => return refused(),
            _ => {}
        }
        Ok(())
    }
}

impl Guest {
    fn choose_capabilities(&mut self, line: &Line<'_>, out: &mut Vec<u8>) {
        let more_follow = line.parameter(2) == Some(b"*");
        let list = line.parameter(if more_follow { 3 } else { 2 });
        self.offered.extend_from_slice(list.unwrap_or_default());
        self.offered.push(b' ');
        if more_follow {
            return;
        }
        let echo = self.visitor.wants_echo.then_some("echo-message");
        let wanted = self.visitor.dialect.capabilities().iter().copied().chain(echo);
        let offered: Vec<&[u8]> =
            words(&self.offered).filter_map(|word| word.split(|&byte| byte == b'=').next()).collect();
        let chosen: Vec<&str> = wanted.filter(|name| offered.contains(&name.as_bytes())).collect();
        let answer = match chosen.is_empty() {
            true => "CAP END\r\n".to_owned(),
            false => format!("CAP REQ :{}\r\n", chosen.join(" ")),
        };
        out.extend_from_slice(answer.as_bytes());
        self.offered = Vec::new();
    }
}

impl Conversation for Arrival {
    fn connected(&mut self, client: usize, outgoing: &mut Outgoing) {
        let guest = &mut self.guests[client];
        guest.stage = Stage::Registering;
        let negotiates = guest.visitor.dialect != Dialect::Plain || guest.visitor.wants_echo;
        let cap = if negotiates { "CAP LS 302\r\n" } else { "" };
        let nick = &guest.result.nick;
        let hello = format!("{cap}NICK {nick}\r\nUSER load 0 * :Load\r\n");
        outgoing.of(client).extend_from_slice(hello.as_bytes());
    }

    fn received(&mut self, client: usize, chunk: &[u8], outgoing: &mut Outgoing) -> Result<(), Fault> {
        for line in lines(chunk) {
            self.step(client, line, outgoing.of(client))?;
        }
        Ok(())
    }

    fn last_error(&self, _client: usize) -> String {
        self.error_line.clone()
    }
}

fn words(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicks_carry_their_number() {
        for (text, expected) in [
            ("m00042", Some(42)),
            ("@m00042", Some(42)),
            ("~@m12345x2", Some(12345)),
            ("alice", None),
            ("m12", None),
            ("@", None),
            ("", None),
        ] {
            assert_eq!(number_of(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(number_of(nick(7, 3).as_bytes()), Some(7));
    }

    #[test]
    fn capabilities_are_those_wanted_and_offered() {
        let mut guest = Guest {
            visitor: Visitor { dialect: Dialect::Tags, wants_echo: true, room: None },
            result: Arrived::default(),
            stage: Stage::Registering,
            offered: Vec::new(),
            attempts: 0,
        };
        let mut out = Vec::new();
        let first = Line::parse(b":s CAP * LS * :sasl=PLAIN message-tags").expect("a command");
        guest.choose_capabilities(&first, &mut out);
        assert_eq!(out, b"");
        let last = Line::parse(b":s CAP * LS :echo-message batch").expect("a command");
        guest.choose_capabilities(&last, &mut out);
        assert_eq!(out, b"CAP REQ :message-tags echo-message\r\n");
    }
}
