//! Whole sessions against a real hub: any bytes of several clients, in any pieces, with a disk that fails, a process that
//! dies, time that jumps. Nothing panics, no line is sent that a client could not take, nothing grows without bound, and
//! when everyone has left nothing is left of anyone.

#![no_main]

use chat::id::SessionId;
use chat::log::StorageFailure;
use chat::settings::Settings;
use libfuzzer_sys::fuzz_target;
use session::Peer;
use session::facts::Limits;
use simulator::invariants::lines_of;
use simulator::random::Random;
use simulator::shard::Sent;
use simulator::transcript::Transcript;
use simulator::world::{SHARDS, World, configuration};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Between two steps of the input; in no UTF-8 text.
const END_OF_STEP: u8 = 0xfe;
const MOST_CONNECTIONS: usize = 8;
/// Bytes, as `cargo xtask test` bounds them (`-max_len`).
const LONGEST_INPUT: u64 = 4_096;
/// What a server may have to say to everyone for one line: a page of history, each message with all the tags it may have.
const BYTES_FOR_A_LINE: usize = 1 << 20;
/// Seconds that can pass at once: around the limits of timers.
const JUMPS: [u64; 8] = [1, 2, 9, 31, 61, 121, 601, 90_000];

/// What lines are made of, so that few bytes make one that means something.
const WORDS: [&str; 115] = [
    "PRIVMSG",
    "NOTICE",
    "TAGMSG",
    "JOIN",
    "PART",
    "MODE",
    "TOPIC",
    "NAMES",
    "LIST",
    "INVITE",
    "KICK",
    "KNOCK",
    "NICK",
    "USER",
    "PASS",
    "CAP",
    "AUTHENTICATE",
    "REGISTER",
    "VERIFY",
    "QUIT",
    "PING",
    "PONG",
    "WHO",
    "WHOIS",
    "WHOWAS",
    "AWAY",
    "MONITOR",
    "SETNAME",
    "USERHOST",
    "USERIP",
    "ISON",
    "OPER",
    "KILL",
    "WALLOPS",
    "STATS",
    "LUSERS",
    "WEBIRC",
    "HELP",
    "REHASH",
    "CHGHOST",
    "ISUPPORT",
    "#tea",
    "#lobby",
    "#cup",
    "#tea,#cup,#pot",
    "#Café",
    "#x,,#",
    "@#tea",
    "alice",
    "bob",
    "carol",
    "alice,bob",
    "al",
    "аlice",
    "ALICE",
    "*",
    "*!*@*",
    "a:alice",
    "m:a:*",
    "~r:*x*",
    "+ov-o",
    "+b",
    "-b",
    "+kl",
    "+imnstCRMP",
    "-imnstCRM",
    "+q",
    "-o",
    "+I",
    "+e",
    "+iwBRZ",
    "key",
    "3",
    "0",
    "-1",
    "99999999999999999999",
    "LS",
    "302",
    "REQ",
    "END",
    "LIST",
    ":sasl=PLAIN echo-message",
    ":labeled-response batch",
    ":message-tags echo-message server-time",
    ":-batch -labeled-response",
    "PLAIN",
    "SCRAM-SHA-256",
    "EXTERNAL",
    "AGFsaWNlAHBhc3N3b3JkLW9mLWFsaWNl",
    "password-of-alice",
    "root",
    "sesame",
    "%tcuihsnfdlaor,42",
    "+",
    "$*",
    ":hello \u{1}ACTION waves\u{1} ☕",
    "CHATHISTORY",
    "LATEST",
    "BEFORE",
    "AFTER",
    "AROUND",
    "BETWEEN",
    "TARGETS",
    "50",
    "timestamp=2023-11-14T22:13:20.000Z",
    "msgid=018bcfe5-6800-7001-8000-000000000000",
    ":draft/chathistory batch message-tags server-time",
    ":draft/multiline batch message-tags",
    "BATCH",
    "+1",
    "-1",
    "draft/multiline",
    "@batch=1",
    "@batch=1;draft/multiline-concat",
    "@label=7",
];

fuzz_target!(|input: &[u8]| {
    let mut play = Play::new();
    for step in input.split(|byte| *byte == END_OF_STEP) {
        if let Some((what, rest)) = step.split_first() {
            play.step(*what, rest);
        }
    }
    play.end();
});

struct Play {
    world: World,
    connections: Vec<SessionId>,
    random: Random,
    /// Nothing goes on by itself.
    slow: bool,
    lines_said: usize,
    bytes_told: usize,
}

impl Play {
    fn new() -> Play {
        let (mut configured, settings) = configuration();
        configured.limits = Limits { list_modes: 3, rooms_per_client: 3, ..configured.limits };
        let settings = Settings { list_entries: 3, rooms_per_client: 3, recent_messages: 3, ..settings };
        Play {
            world: World::new(configured, settings, 1, Transcript::off(), None),
            connections: Vec::new(),
            random: Random::new(1),
            slow: false,
            lines_said: 0,
            bytes_told: 0,
        }
    }

    /// A digit names a connection, which says the rest; a letter, one that says a line of [`WORDS`]; the others are what
    /// happens to the server.
    fn step(&mut self, what: u8, rest: &[u8]) {
        let first = rest.first().copied().unwrap_or_default();
        match what {
            b'0'..=b'7' => self.say(what - b'0', rest),
            b'a'..=b'h' => self.say(what - b'a', &line_of(rest)),
            b'+' => self.connect(first),
            b'-' => self.break_off(first),
            b't' => {
                let seconds = JUMPS[usize::from(first) % JUMPS.len()];
                self.world.now.wall.0 += seconds * 1000;
                self.world.now.monotonic_ms += seconds * 1000;
            }
            // Someone sets the clock of the machine.
            b'T' => self.world.now.wall.0 = self.world.now.wall.0.saturating_sub(u64::from(first) << 24),
            b'F' => self.world.log().fail(StorageFailure::Full),
            b'E' => self.world.log().fail(StorageFailure::Error),
            b'W' => self.world.log().recover(),
            b'L' => self.world.log().finish_batches(),
            b'H' => drop(self.world.hub_turn(first & 1 == 0)),
            b'P' => self.world.pool_turn(),
            b'S' => {
                let (effects, bytes) = (usize::from(first & 0x0f), usize::from(first >> 4) * 8);
                for at in 0..SHARDS {
                    let sent = self.world.shard_turn(at, effects, || bytes);
                    sent.into_iter().for_each(|sent| self.told(sent));
                }
            }
            b'R' => {
                self.connections.clear();
                self.world.restart(self.random.number(), first & 1 == 0);
            }
            b'Z' => self.slow = first & 1 == 0,
            _ => {}
        }
        if !self.slow {
            self.settle();
        }
    }

    fn connect(&mut self, how: u8) {
        if self.connections.len() >= MOST_CONNECTIONS {
            return;
        }
        let bit = |at: u8| how >> at & 1 == 1;
        let (secure, loopback) = (!bit(1), bit(2));
        let address: IpAddr = if loopback { [127, 0, 0, 1].into() } else { [10, 0, 0, how >> 5].into() };
        let peer = Peer {
            address,
            port_local: if secure { 6697 } else { 6667 },
            secure,
            loopback,
            certificate: bit(3).then_some([how; 32]),
            login: None,
            transport: if secure { "TLS" } else { "TCP" },
            exempt: !bit(4),
        };
        let id = self.world.open(usize::from(how & 1) % SHARDS, peer);
        self.connections.push(id);
    }

    fn say(&mut self, who: u8, bytes: &[u8]) {
        let Some(id) = self.connections.get(usize::from(who)).copied() else { return };
        self.lines_said += 1 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.world.shard(id).arrive(id, bytes);
    }

    fn break_off(&mut self, who: u8) {
        if self.connections.is_empty() {
            return;
        }
        let id = self.connections.remove(usize::from(who) % self.connections.len());
        self.world.shard(id).break_off(id);
    }

    fn settle(&mut self) {
        let mut all = Vec::new();
        self.world.settle(&mut |sent| all.push(sent));
        all.into_iter().for_each(|sent| self.told(sent));
        assert_eq!(self.world.store().wrong, None);
    }

    fn told(&mut self, sent: Sent) {
        lines_of(&sent.bytes).unwrap_or_else(|wrong| panic!("{wrong}"));
        self.bytes_told += sent.bytes.len();
        if sent.closed {
            self.connections.retain(|id| *id != sent.id);
        }
    }

    /// Everyone goes, and the server is as empty as it was; what is on disk is what it knew.
    fn end(&mut self) {
        self.world.log().recover();
        self.settle();
        self.check();
        for id in std::mem::take(&mut self.connections) {
            self.world.shard(id).break_off(id);
        }
        self.settle();
        // The clock may have been put back since someone's connection broke, time and again: once for a byte at the most.
        let long = self.world.settings().grace_ms * 2 + LONGEST_INPUT * (256 << 24);
        self.world.now.wall.0 += long;
        self.world.now.monotonic_ms += long;
        self.settle();
        let gauges = self.world.hub().gauges();
        assert_eq!((gauges.clients, gauges.sessions, gauges.journal), (0, 0, 0), "all have left: {gauges:?}");
        assert!(self.world.shards.iter().all(simulator::shard::Shard::is_empty), "someone is still in a room");
        let most = (self.lines_said + 64) * BYTES_FOR_A_LINE;
        assert!(self.bytes_told <= most, "{} bytes for {} lines", self.bytes_told, self.lines_said);
        self.world.restart(2, true);
        let again = self.world.hub().gauges();
        assert_eq!((again.rooms, again.accounts), (gauges.rooms, gauges.accounts), "the disk knows something else");
    }

    /// The hub counts who is here as the shards do, and each name once.
    fn check(&mut self) {
        let gauges = self.world.hub().gauges();
        let mut names = BTreeSet::new();
        let mut sessions = 0;
        for shard in &self.world.shards {
            for id in shard.ids() {
                let Some(session) = shard.session(id).filter(|session| session.is_registered()) else { continue };
                sessions += 1;
                names.insert(session.nick().to_lowercase());
            }
        }
        assert_eq!(sessions, gauges.sessions, "{gauges:?} beside {names:?}");
        assert!(names.len() <= gauges.clients, "{gauges:?} beside {names:?}");
        assert_eq!(gauges.journal, 0);
    }
}

/// The words that these bytes name, as a line; those behind a byte above 0xc0 as they are.
fn line_of(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte >= 0xc0).unwrap_or(bytes.len());
    let words = bytes[..end].iter().map(|byte| WORDS[usize::from(*byte) % WORDS.len()]);
    let mut line = words.collect::<Vec<&str>>().join(" ").into_bytes();
    if let Some(text) = bytes.get(end + 1..) {
        line.extend_from_slice(b" :");
        line.extend_from_slice(text);
    }
    line.extend_from_slice(b"\r\n");
    line
}
