//! The conversation of one person with one server, over as many links as it takes.
//!
//! `Connection` is a state machine: the front end opens a socket and calls [`Connection::link_up`], feeds what arrives to
//! [`Connection::receive`], writes what [`Connection::take_output`] gives, calls [`Connection::tick`] when
//! [`Connection::next_deadline`] has come, and [`Connection::link_down`] when the socket is gone. Every call returns all
//! changes that it caused, in their order. Rooms and unsent messages outlive a link.

mod arrival;
mod catching_up;
mod conversing;
mod marking;
mod multiline;
mod negotiation;
mod posting;
mod replies;

use std::collections::BTreeMap;
use std::time::Duration;

use compact_str::CompactString;
use wire::{CapabilitySet, Frame, Framer, Line, LineLimits, LineWriter};

use crate::change::{Change, LinkState, Person, Place};
use crate::connection::catching_up::CatchUp;
use crate::moment::{Moment, Timestamp};
use crate::outbox::{KeptPost, Outbox};
use crate::reconnect::Reconnect;
use crate::rooms::{Presence, Rooms};
use crate::sasl::{Exchange, Mechanism, Password};
use crate::slash_command::{self, Typed};

/// A server that has said nothing about CAP for this long knows none; we introduce ourselves without.
pub const NEGOTIATION_PATIENCE: Duration = Duration::from_secs(3);
/// After so long a silence we ask with a PING.
pub const PING_AFTER: Duration = Duration::from_secs(30);
/// A PING unanswered, and nothing else heard, for so long: the link is dead.
pub const PONG_WITHIN: Duration = Duration::from_secs(30);
/// How long the server's ERROR is awaited after QUIT.
pub const GOODBYE_DEADLINE: Duration = Duration::from_secs(5);
/// The longest line taken from a server, in bytes; a longer one is left out and said to be.
const LONGEST_LINE: usize = 64 * 1024;

/// Who comes, and where to. Stays the same over all links.
#[derive(Debug, Clone)]
pub struct Settings {
    pub name: String,
    /// Shown beside the name.
    pub realname: String,
    pub login: Login,
    /// The server's own password (PASS), asked of everyone by some.
    pub server_password: Option<Password>,
    /// Only this mechanism, instead of the best that the server offers.
    pub mechanism: Option<Mechanism>,
    /// Rooms to be joined, the first to be talked in first.
    pub rooms: Vec<String>,
    /// Random text for the keys of messages (see [`Outbox::new`]).
    pub key_prefix: String,
    /// From the opening of a link to the server's welcome; after it the link counts as dead.
    pub login_patience: Duration,
}

/// How one proves to be who one says.
#[derive(Debug, Clone)]
pub enum Login {
    /// Not at all. Another name is tried when the wanted one is taken.
    Guest,
    Account {
        password: Password,
    },
    /// Make the account first.
    Register {
        password: Password,
        email: Option<String>,
    },
}

/// Who could listen on the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSecurity {
    /// TLS.
    Encrypted,
    /// Plain, but it never leaves this machine.
    Loopback,
    /// Plain, through a network: no password is sent as it is.
    Open,
}

#[derive(Debug)]
pub struct Connection {
    settings: Settings,
    state: LinkState,
    link: Link,
    rooms: Rooms,
    outbox: Outbox,
    reconnect: Reconnect,
    name: CompactString,
    account: Option<CompactString>,
    output: Vec<u8>,
    /// Everything that whole conversations need is asked for.
    conversing: bool,
}

/// What belongs to the present link and ends with it.
#[derive(Debug)]
struct Link {
    security: LinkSecurity,
    up_since: Duration,
    joined_since: Option<Duration>,
    framer: Framer,
    nonce: [u8; 18],
    /// What the server offers, with values.
    offered: BTreeMap<CompactString, String>,
    requested: CapabilitySet,
    capabilities: CapabilitySet,
    cap_answered: bool,
    introduced: bool,
    exchange: Option<Exchange>,
    /// What 908 named, when the capability had no value.
    mechanisms: Option<String>,
    register: RegisterStep,
    /// 001 has come.
    welcome_seen: bool,
    names_tried: u32,
    rank_letters: CompactString,
    rank_symbols: CompactString,
    status_symbols: CompactString,
    /// Rooms whose history is being read.
    catching_up: Vec<CatchUp>,
    /// Pages of history that were asked for ([`Connection::ask_history`]).
    pages: Vec<conversing::AskedPage>,
    next_question: u64,
    /// The server knows WHOX.
    has_whox: bool,
    /// Rooms about whose people was asked.
    who_asked: Vec<CompactString>,
    /// Rooms whose modes are asked for, though not by hand.
    modes_asked: Vec<CompactString>,
    /// Messages that the server tells at once (ISUPPORT CHATHISTORY); 0: any number.
    history_page: usize,
    /// Bytes of the longest name (ISUPPORT NICKLEN).
    nick_length: Option<usize>,
    /// Messages of several lines whose end has not come.
    arriving: Vec<multiline::Arriving>,
    /// What a room keeps in view, while it is told.
    pins: Option<marking::ArrivingPins>,
    /// Whose marks were asked for without the person's doing.
    marks_asked: Vec<CompactString>,
    /// The open batch of what is unread, and as of which id it was counted.
    unread: Option<(CompactString, CompactString)>,
    /// The batch of an answered search, and how many messages it has brought.
    search: Option<(CompactString, usize)>,
    /// Open batches of labeled-response: reference to label.
    batches: BTreeMap<CompactString, CompactString>,
    last_heard: Duration,
    ping: Option<Ping>,
    next_ping: u64,
    /// The fence whose PING is under way.
    fence: Option<u64>,
    round_trip: Option<Duration>,
    closing_since: Duration,
    /// Why the server closes, when it said so.
    farewell: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Ping {
    number: u64,
    sent_at: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RegisterStep {
    NotNeeded,
    Needed,
    Sent,
    Done,
}

impl Connection {
    pub fn new(settings: Settings) -> Connection {
        let mut rooms = Rooms::default();
        for room in &settings.rooms {
            rooms.wish(room, None);
        }
        Connection {
            state: LinkState::Down { retry_at: Duration::ZERO },
            link: Link::new(Duration::ZERO, LinkSecurity::Open, [0; 18]),
            rooms,
            outbox: Outbox::new(&settings.key_prefix),
            reconnect: Reconnect::default(),
            name: settings.name.as_str().into(),
            account: None,
            output: Vec::new(),
            conversing: false,
            settings,
        }
    }

    pub fn state(&self) -> LinkState {
        self.state
    }

    /// The present name, as the server writes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account that one is logged in to.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    pub fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub fn capabilities(&self) -> CapabilitySet {
        self.link.capabilities
    }

    /// From the last PING to its PONG.
    pub fn round_trip(&self) -> Option<Duration> {
        self.link.round_trip
    }

    /// Whether every room wished for has been joined or has refused.
    pub fn rooms_settled(&self) -> bool {
        self.state == LinkState::Joined && self.rooms.iter().all(|room| room.presence == Presence::Joined)
    }

    /// What an earlier run of the program had under way goes before everything else. What had been sent under a key is sent
    /// again under it; of what had been sent without one, `Change::PostUnknown` tells.
    pub fn restore_posts(&mut self, now: Moment, kept: Vec<KeptPost>) {
        self.outbox.restore(now.since_start, kept);
    }

    /// A socket is connected. `nonce` are fresh random bytes.
    pub fn link_up(&mut self, now: Moment, security: LinkSecurity, nonce: [u8; 18]) -> Vec<Change> {
        self.link = Link::new(now.since_start, security, nonce);
        if matches!(self.settings.login, Login::Register { .. }) {
            self.link.register = RegisterStep::Needed;
        }
        self.name = self.settings.name.as_str().into();
        self.account = None;
        self.output.clear();
        let mut changes = Vec::new();
        self.begin_negotiation(&mut changes);
        changes
    }

    /// Bytes from the socket.
    pub fn receive(&mut self, now: Moment, bytes: &[u8]) -> Vec<Change> {
        let mut changes = Vec::new();
        self.link.last_heard = now.since_start;
        let mut frames = self.link.framer.push(bytes, LONGEST_LINE);
        while let Some(frame) = frames.next_frame() {
            match frame {
                Frame::Line(line) => self.receive_line(now, line, &mut changes),
                Frame::TooLong { .. } => changes.push(Change::Refused {
                    sentence: format!("The server sent a line of more than {LONGEST_LINE} bytes, which was left out; tell its administrator."),
                }),
            }
        }
        self.send_posts();
        changes
    }

    /// Time has passed. Harmless to call at any moment.
    pub fn tick(&mut self, now: Moment) -> Vec<Change> {
        let mut changes = Vec::new();
        let now = now.since_start;
        match self.state {
            LinkState::Down { .. } => {}
            LinkState::Closing if now >= self.link.closing_since + GOODBYE_DEADLINE => self.closed(false, &mut changes),
            LinkState::Closing => {}
            LinkState::Joined => {
                self.watch_link(now, &mut changes);
                self.watch_catching_up(now, &mut changes);
                self.watch_pages(now, &mut changes);
            }
            _ if now >= self.link.up_since + self.settings.login_patience => changes.push(Change::LinkDead {
                sentence: format!(
                    "The server did not finish the login within {} seconds; try again later.",
                    self.settings.login_patience.as_secs()
                ),
            }),
            _ => {
                if !self.link.cap_answered && !self.link.introduced && now >= self.link.up_since + NEGOTIATION_PATIENCE
                {
                    self.introduce();
                }
            }
        }
        changes
    }

    /// When `tick` has something to do, as `Moment::since_start`; `None`: nothing is awaited.
    pub fn next_deadline(&self) -> Option<Duration> {
        match self.state {
            LinkState::Down { .. } => None,
            LinkState::Closing => Some(self.link.closing_since + GOODBYE_DEADLINE),
            LinkState::Joined => {
                let ping = match self.link.ping {
                    Some(ping) => ping.sent_at.max(self.link.last_heard) + PONG_WITHIN,
                    None => self.link.last_heard + PING_AFTER,
                };
                let waits = [self.catching_up_until(), self.pages_until()];
                Some(waits.into_iter().flatten().fold(ping, Duration::min))
            }
            _ if !self.link.cap_answered && !self.link.introduced => Some(self.link.up_since + NEGOTIATION_PATIENCE),
            _ => Some(self.link.up_since + self.settings.login_patience),
        }
    }

    /// The socket is gone, or could not be opened at all. `chance` is a random number for the wait before the next
    /// attempt, which the change to `LinkState::Down` names.
    pub fn link_down(&mut self, now: Moment, chance: u32) -> Vec<Change> {
        let mut changes = Vec::new();
        self.output.clear();
        self.release_held(&mut changes);
        self.forget_pages(&mut changes);
        if self.state == LinkState::Closing {
            let clean = self.link.farewell.is_some();
            self.closed(clean, &mut changes);
            return changes;
        }
        if let Some(joined_since) = self.link.joined_since {
            self.reconnect.link_lived(now.since_start.saturating_sub(joined_since));
        }
        for post in self.outbox.link_lost(self.account.is_some()) {
            changes.push(Change::PostUnknown { post: post.id, target: post.target, payload: post.payload });
        }
        self.rooms.link_lost();
        self.link.joined_since = None;
        let retry_at = now.since_start + self.reconnect.next_wait(chance);
        self.change_state(LinkState::Down { retry_at }, &mut changes);
        changes
    }

    /// Bytes for the socket, oldest first; empty when there are none.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Says goodbye. `Change::Closed` follows when the server has answered, the link has ended or
    /// `GOODBYE_DEADLINE` has passed; at once when there is no link.
    pub fn quit(&mut self, now: Moment, reason: Option<&str>) -> Vec<Change> {
        let mut changes = Vec::new();
        match self.state {
            LinkState::Down { .. } => self.closed(true, &mut changes),
            LinkState::Closing => {}
            _ => self.begin_closing(now.since_start, reason, &mut changes),
        }
        changes
    }

    /// After a refused login, when the conversation is over: begins another one, with a new link and this login. What waits
    /// to be posted goes on waiting.
    pub fn log_in_again(&mut self, now: Moment, login: Login) -> Vec<Change> {
        let mut changes = Vec::new();
        if matches!(self.state, LinkState::Down { .. }) {
            self.settings.login = login;
            self.change_state(LinkState::Down { retry_at: now.since_start }, &mut changes);
        }
        changes
    }

    /// The next attempt is made now, and not when it would have been.
    pub fn retry_now(&mut self, now: Moment) -> Vec<Change> {
        let mut changes = Vec::new();
        if matches!(self.state, LinkState::Down { .. }) {
            self.change_state(LinkState::Down { retry_at: now.since_start }, &mut changes);
        }
        changes
    }

    /// Carries out what was typed; `present` is the room that one talks in. What the front end does itself (`Quit`,
    /// `Help`) does nothing here.
    pub fn carry_out(&mut self, now: Moment, typed: Typed, present: Option<&str>) -> Vec<Change> {
        let mut changes = Vec::new();
        self.carry_out_typed(now, typed, present, &mut changes);
        self.send_posts();
        changes
    }

    /// Asks to be let into a room now, or as soon as there is a link.
    pub fn join(&mut self, room: &str, key: Option<&str>) {
        let wished = self.rooms.wish(room, key);
        if wished.presence == Presence::Wished && self.state == LinkState::Joined {
            self.ask_into_rooms();
        }
    }

    fn receive_line(&mut self, now: Moment, bytes: &[u8], changes: &mut Vec<Change>) {
        // Other servers relay what is not UTF-8; a sign in its place is better than a lost line. The same holds for
        // bytes that no line may have.
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        if text.contains(['\0', '\r']) {
            text = text.replace(['\0', '\r'], " ");
        }
        let limits = LineLimits { tags: LONGEST_LINE, body: LONGEST_LINE };
        // An empty line, or one of tags alone, says nothing; a client has nobody to complain to.
        if let Ok(line) = Line::parse(text.as_bytes(), limits) {
            self.arrive(now, &line, changes);
        }
    }

    fn watch_link(&mut self, now: Duration, changes: &mut Vec<Change>) {
        match self.link.ping {
            Some(ping) if now >= ping.sent_at.max(self.link.last_heard) + PONG_WITHIN => {
                changes.push(Change::LinkDead {
                    sentence: format!(
                        "Nothing was heard from the server for {} seconds.",
                        now.saturating_sub(self.link.last_heard).as_secs()
                    ),
                })
            }
            None if now >= self.link.last_heard + PING_AFTER => {
                self.send_ping(now);
            }
            _ => {}
        }
    }

    /// Its number.
    fn send_ping(&mut self, now: Duration) -> u64 {
        let number = self.link.next_ping;
        self.link.next_ping += 1;
        self.link.ping = Some(Ping { number, sent_at: now });
        LineWriter::new(&mut self.output).verb("PING").trailing_fmt(format_args!("{number}"));
        number
    }

    fn pong_arrived(&mut self, now: Moment, number: u64, changes: &mut Vec<Change>) {
        if let Some(ping) = self.link.ping.take_if(|ping| ping.number <= number)
            && ping.number == number
        {
            self.link.round_trip = Some(now.since_start.saturating_sub(ping.sent_at));
        }
        if self.link.fence.take_if(|fence| *fence <= number).is_some() {
            self.fence_passed(now, number, changes);
        }
    }

    /// The server let us in: everything that waited for it.
    fn welcomed(&mut self, now: Moment, changes: &mut Vec<Change>) {
        self.link.joined_since = Some(now.since_start);
        self.change_state(LinkState::Joined, changes);
        changes.push(Change::Welcome { name: self.name.clone(), account: self.account.clone() });
        for post in self.outbox.link_ready(now.since_start, self.knows_keys() && self.account.is_some()) {
            changes.push(Change::PostUnknown { post: post.id, target: post.target, payload: post.payload });
        }
        self.send_ping(now.since_start);
        self.ask_into_rooms();
        self.ask_about_conversations(now);
    }

    /// JOIN for every room that is only wished for yet.
    fn ask_into_rooms(&mut self) {
        let wished: Vec<(CompactString, Option<String>)> = self
            .rooms
            .iter()
            .filter(|room| room.presence == Presence::Wished)
            .map(|room| (room.name.clone(), room.key.clone()))
            .collect();
        for (name, key) in wished {
            let line = LineWriter::new(&mut self.output).verb("JOIN").param(&name);
            match key {
                Some(key) => line.param(&key).end(),
                None => line.end(),
            }
            if let Some(room) = self.rooms.find_mut(&name) {
                room.presence = Presence::Asked;
            }
        }
    }

    fn carry_out_typed(&mut self, now: Moment, typed: Typed, present: Option<&str>, changes: &mut Vec<Change>) {
        use crate::outbox::MessageKind::{Action, Notice, Text};
        let in_room = |room: Option<String>| room.or_else(|| present.map(str::to_owned));
        let refused = |sentence: &str| Change::Refused { sentence: sentence.to_owned() };
        let no_room = || refused("You are in no room; enter one with /join ROOM.");
        // What is said waits for a link; everything else is asked of a server that is there.
        let waits = matches!(
            typed,
            Typed::Say(_)
                | Typed::Me(_)
                | Typed::Message { .. }
                | Typed::Notice { .. }
                | Typed::Join { .. }
                | Typed::Nothing
                | Typed::Quit(_)
                | Typed::Help
        );
        if !waits && self.state != LinkState::Joined {
            changes.push(refused("There is no link to the server just now; wait until it is back and try again."));
            return;
        }
        match typed {
            Typed::Nothing | Typed::Quit(_) | Typed::Help => {}
            Typed::Say(text) | Typed::Me(text) if present.is_none() => {
                let _ = text;
                changes.push(no_room());
            }
            Typed::Say(text) => self.queue(now, present.unwrap_or_default(), &text, Text, changes),
            Typed::Me(text) => self.queue(now, present.unwrap_or_default(), &text, Action, changes),
            Typed::Message { to, text } => self.queue(now, &to, &text, Text, changes),
            Typed::Notice { to, text } => self.queue(now, &to, &text, Notice, changes),
            Typed::Join { rooms, key } => {
                for room in rooms {
                    self.join(&room, key.as_deref());
                }
            }
            Typed::Part { room, reason } => match in_room(room) {
                None => changes.push(no_room()),
                Some(room) => {
                    let line = LineWriter::new(&mut self.output).verb("PART").param(&room);
                    match reason {
                        Some(reason) => line.trailing(&reason),
                        None => line.end(),
                    }
                }
            },
            Typed::Nick(name) => LineWriter::new(&mut self.output).verb("NICK").trailing(&name),
            Typed::Topic(topic) => match present {
                None => changes.push(no_room()),
                Some(room) => {
                    let line = LineWriter::new(&mut self.output).verb("TOPIC").param(room);
                    match topic {
                        Some(topic) => line.trailing(&topic),
                        None => line.end(),
                    }
                }
            },
            Typed::Away(message) => {
                let line = LineWriter::new(&mut self.output).verb("AWAY");
                match message {
                    Some(message) => line.trailing(&message),
                    None => line.end(),
                }
            }
            Typed::Names(room) => self.ask_about("NAMES", in_room(room), no_room(), changes),
            Typed::Who(mask) => self.ask_about("WHO", in_room(mask), no_room(), changes),
            Typed::Whois(name) => LineWriter::new(&mut self.output).verb("WHOIS").param(&name).end(),
            Typed::List => LineWriter::new(&mut self.output).verb("LIST").end(),
            Typed::Group(names) => {
                let line = LineWriter::new(&mut self.output).verb("GROUP");
                if names.is_empty() { line.end() } else { line.param(&names.join(",")).end() }
            }
            Typed::Search(words) => self.search(&words, changes),
            Typed::Pins => self.ask_about("PINS", in_room(None), no_room(), changes),
            Typed::Pin(what) | Typed::Unpin(what) if present.is_none() => {
                let _ = what;
                changes.push(no_room());
            }
            Typed::Pin(who) => {
                LineWriter::new(&mut self.output).verb("PIN").param(present.unwrap_or_default()).param(&who).end();
            }
            Typed::Unpin(number) => {
                LineWriter::new(&mut self.output).verb("UNPIN").param(present.unwrap_or_default()).param(&number).end();
            }
            Typed::Report { who, reason } => match present {
                None => changes.push(no_room()),
                Some(room) => {
                    LineWriter::new(&mut self.output).verb("REPORT").param(room).param(&who).trailing(&reason);
                }
            },
            Typed::Invite { who, room } => match in_room(room) {
                None => changes.push(no_room()),
                Some(room) => LineWriter::new(&mut self.output).verb("INVITE").param(&who).param(&room).end(),
            },
            Typed::Kick { who, reason } => match present {
                None => changes.push(no_room()),
                Some(room) => {
                    let line = LineWriter::new(&mut self.output).verb("KICK").param(room).param(&who);
                    match reason {
                        Some(reason) => line.trailing(&reason),
                        None => line.end(),
                    }
                }
            },
            Typed::Mode(rest) => {
                let mut words = rest.split_ascii_whitespace().peekable();
                // Changes without a target are for the present room.
                let target = words.next_if(|word| !word.starts_with(['+', '-'])).or(present);
                match target {
                    None => changes.push(no_room()),
                    Some(target) => LineWriter::new(&mut self.output).verb("MODE").param(target).params(words).end(),
                }
            }
            Typed::Quote(line) => {
                // Two lines in one would be a command that nobody typed.
                let line: String =
                    line.chars().map(|c| if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c }).collect();
                self.output.extend_from_slice(line.as_bytes());
                self.output.extend_from_slice(b"\r\n");
            }
        }
    }

    fn ask_about(&mut self, verb: &str, target: Option<String>, otherwise: Change, changes: &mut Vec<Change>) {
        match target {
            Some(target) => LineWriter::new(&mut self.output).verb(verb).param(&target).end(),
            None => changes.push(otherwise),
        }
    }

    fn begin_closing(&mut self, now: Duration, reason: Option<&str>, changes: &mut Vec<Change>) {
        let line = LineWriter::new(&mut self.output).verb("QUIT");
        match reason {
            Some(reason) => line.trailing(reason),
            None => line.end(),
        }
        self.link.closing_since = now;
        self.change_state(LinkState::Closing, changes);
    }

    fn closed(&mut self, clean: bool, changes: &mut Vec<Change>) {
        self.rooms.link_lost();
        self.state = LinkState::Down { retry_at: Duration::MAX };
        changes.push(Change::Closed { clean });
    }

    fn refuse_login(&mut self, now: Moment, sentence: String, changes: &mut Vec<Change>) {
        changes.push(Change::LoginRefused { sentence, wrong_password: false });
        self.begin_closing(now.since_start, None, changes);
    }

    fn refuse_password(&mut self, now: Moment, sentence: String, changes: &mut Vec<Change>) {
        changes.push(Change::LoginRefused { sentence, wrong_password: true });
        self.begin_closing(now.since_start, None, changes);
    }

    fn change_state(&mut self, state: LinkState, changes: &mut Vec<Change>) {
        if self.state != state {
            self.state = state;
            changes.push(Change::LinkState(state));
        }
    }

    fn is_own(&self, name: &str) -> bool {
        self.rooms.same(name, &self.name)
    }
}

impl Link {
    fn new(up_since: Duration, security: LinkSecurity, nonce: [u8; 18]) -> Link {
        Link {
            security,
            up_since,
            joined_since: None,
            framer: Framer::new(),
            nonce,
            offered: BTreeMap::new(),
            requested: CapabilitySet::EMPTY,
            capabilities: CapabilitySet::EMPTY,
            cap_answered: false,
            introduced: false,
            exchange: None,
            mechanisms: None,
            register: RegisterStep::NotNeeded,
            welcome_seen: false,
            names_tried: 0,
            rank_letters: "qaohv".into(),
            rank_symbols: "~&@%+".into(),
            status_symbols: CompactString::default(),
            catching_up: Vec::new(),
            pages: Vec::new(),
            next_question: 1,
            has_whox: false,
            who_asked: Vec::new(),
            modes_asked: Vec::new(),
            history_page: 0,
            nick_length: None,
            arriving: Vec::new(),
            pins: None,
            marks_asked: Vec::new(),
            unread: None,
            search: None,
            batches: BTreeMap::new(),
            last_heard: up_since,
            ping: None,
            next_ping: 1,
            fence: None,
            round_trip: None,
            closing_since: up_since,
            farewell: None,
        }
    }
}

/// The tag as a short string.
fn tag(line: &Line<'_>, key: &str) -> Option<CompactString> {
    line.tags.get(key).filter(|value| !value.is_empty()).map(CompactString::from)
}

/// When the line was said: its `time` tag, or now.
fn timestamp(line: &Line<'_>, now: Moment) -> Timestamp {
    line.tags.get("time").and_then(|time| Timestamp::parse(&time)).unwrap_or(now.wall)
}

/// Who says the line.
fn source(line: &Line<'_>) -> Person {
    Person {
        name: line.source_nick().unwrap_or_default().into(),
        id: tag(line, "parlor/sender-id"),
        account: tag(line, "account").filter(|account| account != "*"),
    }
}

fn place(line: &Line<'_>, now: Moment, room: &str) -> Place {
    Place { room_name: room.into(), room_id: tag(line, "parlor/room-id"), timestamp: timestamp(line, now) }
}

fn is_room(name: &str) -> bool {
    slash_command::is_room(name)
}

#[cfg(test)]
mod tests;
