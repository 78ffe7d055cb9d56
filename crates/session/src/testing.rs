//! Conversations as tests: real sessions and a real hub, with a log that commits at once and time that stands still.
//!
//! A transcript is a line each:
//!
//! ```text
//! alice=                      connects and registers as alice; the welcome is passed over
//! alice= sasl batch           the same with these capabilities
//! alice+ plain exempt         connects and says nothing; the words are of [`World::connect`]
//! alice> PRIVMSG #tea :hi     says a line, and everything that follows from it happens
//! bob< :alice!… PRIVMSG …     what bob is sent next; `…` stands for any text
//! bob<<                       whatever else bob has been sent is passed over
//! alice!                      the server has closed the connection
//! alice-                      the connection breaks
//! alice~ h.example            the oldest lookup of her host that has had no outcome yet has this one; nothing: no name
//! +30                         so many seconds pass
//! account alice               the server's own command line makes an account, with the password sesame
//! device alice                a device of alice's logs in over HTTP, and stays so; connections with `device=alice` are its own
//! device alice ends           it logs out
//! store fails | store works   the log takes nothing | takes everything again
//! store unreadable            what was said cannot be read, until the store works
//! ```
//!
//! `{hi}` in a step is the msgid of what was said first with the text `hi`.
//!
//! A line sent to anyone and not in the transcript is a failure. Text behind ` ## ` is a comment.

use crate::facts::AddressRange;
use crate::sasl::scram::tests::keys_of;
use crate::{
    Configured, ConnectionSeen, Moment, Output, Overlong, Peer, ServerFacts, Session, Treatment, WAIT_FOR_ANSWER, Work,
    WorkResult, render,
};
use chat::audit::AuditEntry;
use chat::change::Change;
use chat::command::{Command, NewAccount, Origin, Request};
use chat::device_login::{LoginClaim, NewDevice, SecretHash};
use chat::effect::{Effect, Effects, EventOrigin, ServerEffect};
use chat::event::Event;
use chat::history::Past;
use chat::hub::Hub;
use chat::id::{MessageId, Position, RoomNumber, SessionId, Timestamp};
use chat::log::{Batch, Log, Outcome, StorageFailure};
use chat::name::Username;
use chat::query::{Answer, Query};
use chat::sequencer::Sequencer;
use chat::settings::Settings;
use chat::snapshot::Snapshot;
use compact_str::CompactString;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

/// Plays a transcript against a server with default settings.
#[track_caller]
pub(crate) fn check(transcript: &str) {
    check_with(|_, _| {}, transcript);
}

/// Plays a transcript against a server with other settings.
#[track_caller]
pub(crate) fn check_with(change: impl FnOnce(&mut Configured, &mut Settings), transcript: &str) {
    let mut world = World::new(change);
    for (number, line) in transcript.lines().enumerate() {
        let line = line.split(" ## ").next().unwrap_or_default().trim();
        if !line.is_empty() {
            world.play(line).unwrap_or_else(|why| panic!("line {} of the transcript, {line}\n{why}", number + 1));
        }
    }
    world.end().unwrap_or_else(|why| panic!("at the end of the transcript\n{why}"));
}

/// A server without sockets.
pub(crate) struct World {
    facts: ServerFacts,
    sequencer: Sequencer<TestLog>,
    connections: Vec<Connection>,
    rooms: BTreeMap<RoomNumber, BTreeSet<u32>>,
    now: Moment,
    /// What the devices show, by their accounts.
    claims: BTreeMap<String, LoginClaim>,
    told_console: Vec<Answer>,
    /// How often chance was asked for: then it is this number over and over.
    drawn: u8,
}

/// Someone's connection. The newest of a name is the one that a transcript speaks of.
struct Connection {
    name: String,
    session: Session,
    /// The name of its address.
    host: Option<CompactString>,
    host_is_late: bool,
    /// Tickets of lookups without an outcome.
    lookups: VecDeque<u32>,
    received: VecDeque<String>,
    closed: bool,
    gone: bool,
}

/// Commits at once, or fails at once, or has nothing to say yet.
#[derive(Default)]
struct TestLog {
    outcomes: VecDeque<Outcome>,
    failing: bool,
    waits: bool,
    unreadable: bool,
    past: Past,
    audit: Vec<AuditEntry>,
    /// Every text that was said, as it was said, with the message's id.
    said: Vec<(Box<str>, MessageId)>,
}

impl Log for TestLog {
    fn append(&mut self, batch: Batch) {
        if !self.failing {
            for change in &batch.changes {
                self.past.apply(change);
                if let Change::Audited(entry) = change {
                    self.audit.push(AuditEntry::clone(entry));
                }
                if let Change::Posted(message) = change {
                    self.said.push((message.payload.clone(), message.id));
                }
            }
        }
        self.outcomes.push_back(if self.failing {
            Outcome::Failed { batch: batch.number, failure: StorageFailure::Full }
        } else {
            Outcome::Committed { batch: batch.number }
        });
    }
    fn committed(&mut self) -> Option<Outcome> {
        if self.waits { None } else { self.outcomes.pop_front() }
    }
}

/// What the password pool's hash of a password looks like here.
fn hash_of(password: &str) -> Box<str> {
    format!("hash of {password}").into()
}

impl World {
    pub(crate) fn new(change: impl FnOnce(&mut Configured, &mut Settings)) -> World {
        let mut configured = Configured {
            server_name: "irc.example".into(),
            network: "Example".into(),
            login: crate::facts::Login { scram_iterations: 16, ..Default::default() },
            ..Configured::default()
        };
        let mut settings = Settings::default();
        change(&mut configured, &mut settings);
        settings.name_rules = configured.name_rules;
        let hub = Hub::restore(Snapshot::default(), settings, 7, 1);
        let now = Moment { wall: Timestamp(1_700_000_000_000), monotonic_ms: 1_000_000 };
        let sequencer = Sequencer::new(hub, TestLog::default(), 1, Position(0), now.wall);
        World {
            facts: ServerFacts::new(configured),
            sequencer,
            connections: Vec::new(),
            rooms: BTreeMap::new(),
            now,
            claims: BTreeMap::new(),
            told_console: Vec::new(),
            drawn: 0,
        }
    }

    /// A line with ids in the place of the texts in braces. What nobody has said stays.
    fn with_ids(&mut self, line: &str) -> String {
        let mut text = line.to_owned();
        for (said, id) in &self.sequencer.log_mut().said {
            if text.contains('{') && !said.is_empty() {
                text = text.replace(&format!("{{{said}}}"), &id.to_string());
            }
        }
        text
    }

    /// One line of a transcript.
    fn play(&mut self, line: &str) -> Result<(), String> {
        let line = self.with_ids(line);
        let line = line.as_str();
        if let Some(seconds) = line.strip_prefix('+') {
            return self.pass(seconds.parse().map_err(|_| "not a number of seconds")?);
        }
        if let Some(name) = line.strip_prefix("account ") {
            let account = NewAccount {
                username: Username::lookup(name, &self.facts.name_rules),
                password_hash: Some(hash_of("sesame")),
                scram: None,
                email: None,
                certificate: None,
                address: None,
                link: None,
            };
            let command = Command::CreateAccount(Box::new(account));
            self.submit(vec![Request { origin: Origin::Console { number: 1 }, command }]);
            return Ok(());
        }
        if let Some(name) = line.strip_prefix("device ") {
            return self.device(name);
        }
        match line {
            "store fails" => {
                self.sequencer.log_mut().failing = true;
                return Ok(());
            }
            "store unreadable" => {
                self.sequencer.log_mut().unreadable = true;
                return Ok(());
            }
            "store works" => {
                let log = self.sequencer.log_mut();
                log.failing = false;
                log.unreadable = false;
                log.outcomes.push_back(Outcome::Recovered);
                self.submit(Vec::new());
                return Ok(());
            }
            _ => {}
        }
        let end = line.find(['=', '+', '>', '<', '!', '-', '~']).ok_or("no step is written like this")?;
        let (name, step) = line.split_at(end);
        let (step, rest) = step.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match step {
            "=" => self.arrive(name, rest)?,
            "+" => {
                self.connect(name, rest);
            }
            ">" => {
                let at = self.named(name)?;
                self.say(at, rest)?;
            }
            "<" if rest == "<" => {
                let at = self.named(name)?;
                self.connections[at].received.clear();
            }
            "<" => self.expect(name, rest)?,
            "~" => {
                let at = self.named(name)?;
                self.name_comes(at, Some(rest).filter(|host| !host.is_empty()));
            }
            "!" => {
                let at = self.named(name)?;
                if !self.connections[at].closed {
                    return Err(format!("{name} is still connected"));
                }
            }
            _ => {
                let at = self.named(name)?;
                self.gone(at, "Connection closed");
            }
        }
        Ok(())
    }

    fn device(&mut self, words: &str) -> Result<(), String> {
        let origin = Origin::Console { number: 1 };
        let (name, command) = match words.strip_suffix(" ends") {
            Some(name) => (name, Command::EndLogin { claim: *self.claims.get(name).ok_or("there is no such device")? }),
            None => {
                let username = Username::lookup(words, &self.facts.name_rules);
                let query = Command::Ask(Query::Account { name: username });
                self.submit(vec![Request { origin, command: query }]);
                let Some(Answer::Account(record)) = self.told_console.last().cloned() else {
                    return Err(format!("{:?}", self.told_console));
                };
                let secret = SecretHash([7; 32]);
                self.claims.insert(words.to_owned(), LoginClaim { account: record.id, secret });
                let (name, transport, address) = (Some("a browser".into()), "WebSocket".into(), [192, 0, 2, 1].into());
                let device = Box::new(NewDevice { name, transport, address, secret });
                let proofs_since = record.proofs_since;
                (words, Command::LogInDevice { account: record.id, counted: None, proofs_since, device })
            }
        };
        self.told_console.clear();
        self.submit(vec![Request { origin, command }]);
        match self.told_console.last() {
            Some(Answer::DeviceLogin { account, .. }) if account == name => Ok(()),
            Some(Answer::DeviceForgotten { .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }

    fn end(&self) -> Result<(), String> {
        let left: Vec<String> = self
            .connections
            .iter()
            .flat_map(|connection| connection.received.iter().map(|line| format!("{}< {line}", connection.name)))
            .collect();
        if left.is_empty() { Ok(()) } else { Err(format!("was sent as well:\n{}", left.join("\n"))) }
    }

    /// A new connection. `words`: `plain` (no TLS), `loopback`, `exempt` (no flood control), `certificate` (one of its
    /// own; all of one name are the same), `device=…` (that of this account), `address=…`, `host=…` (the name
    /// of the address), `host-late` (it comes when the transcript says so). By default TLS, exempt, 192.0.2.1.
    pub(crate) fn connect(&mut self, name: &str, words: &str) -> usize {
        let word = |key: &str| words.split(' ').any(|word| word == key);
        let value = |key: &str| words.split(' ').find_map(|word| word.strip_prefix(key));
        let address: IpAddr = value("address=").map_or(Ok([192, 0, 2, 1].into()), str::parse).unwrap();
        let mut certificate = [0; 32];
        certificate.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        let peer = Peer {
            address,
            port_local: 6697,
            secure: !word("plain"),
            loopback: word("loopback"),
            certificate: word("certificate").then_some(certificate),
            login: value("device=").map(|account| self.claims[account]),
            transport: "TLS",
            exempt: !word("throttled"),
        };
        let slot = self.connections.len();
        let id = SessionId { shard: 0, slot: slot as u32, generation: 1 };
        self.connections.push(Connection {
            name: name.to_owned(),
            session: Session::new(id, peer, self.now, &self.facts),
            host: value("host=").map(Into::into),
            host_is_late: word("host-late"),
            lookups: VecDeque::new(),
            received: VecDeque::new(),
            closed: false,
            gone: false,
        });
        slot
    }

    pub(crate) fn arrive(&mut self, name: &str, capabilities: &str) -> Result<(), String> {
        let nick = name.split('/').next().unwrap_or(name);
        let at = self.connect(name, "");
        if !capabilities.is_empty() {
            self.say(at, &format!("CAP REQ :{capabilities}"))?;
        }
        self.say(at, &format!("NICK {nick}"))?;
        self.say(at, &format!("USER {nick} 0 * :{nick}"))?;
        if !capabilities.is_empty() {
            self.say(at, "CAP END")?;
        }
        let connection = &mut self.connections[at];
        if !connection.session.is_registered() {
            return Err(format!("{name} could not register: {:?}", connection.received));
        }
        connection.received.clear();
        Ok(())
    }

    /// Says a line once the session may be read from, and lets everything happen that follows from it.
    pub(crate) fn say(&mut self, at: usize, line: &str) -> Result<(), String> {
        let connection = &mut self.connections[at];
        let wait = connection.session.flood_wait_ms(self.now, &self.facts);
        if wait != 0 {
            return Err(match wait {
                WAIT_FOR_ANSWER => "the session waits for an answer that has not come".to_owned(),
                _ => format!("the session is held back for {wait} ms"),
            });
        }
        let mut out = Output::default();
        connection.session.receive(self.now, &self.facts, Ok(line.as_bytes()), &mut out);
        self.carry_out(at, out);
        Ok(())
    }

    /// Says several lines as one read from the socket: what they ask reaches the hub together, as far as the session
    /// lets them be read at once.
    pub(crate) fn say_at_once(&mut self, at: usize, lines: &[&str]) {
        let mut all = Output::default();
        for line in lines {
            if self.connections[at].session.flood_wait_ms(self.now, &self.facts) == WAIT_FOR_ANSWER {
                self.carry_out(at, std::mem::take(&mut all));
            }
            self.connections[at].session.receive(self.now, &self.facts, Ok(line.as_bytes()), &mut all);
        }
        self.carry_out(at, all);
    }

    /// The same with any bytes, whether the session may be read from or not.
    pub(crate) fn say_bytes(&mut self, at: usize, frame: Result<&[u8], Overlong<'_>>) {
        let mut out = Output::default();
        self.connections[at].session.receive(self.now, &self.facts, frame, &mut out);
        self.carry_out(at, out);
    }

    /// The oldest lookup without an outcome has this one.
    pub(crate) fn name_comes(&mut self, at: usize, host: Option<&str>) {
        let ticket = self.connections[at].lookups.pop_front().expect("a name was asked for");
        let result = WorkResult::Host(host.map(Into::into));
        self.with_at(at, |session, now, facts, out| session.work_done(now, facts, ticket, result, out));
    }

    /// Lookups of this connection's host that have had no outcome.
    pub(crate) fn lookups(&self, at: usize) -> usize {
        self.connections[at].lookups.len()
    }

    /// Whether the log keeps its outcomes to itself; from `false` on it tells them.
    pub(crate) fn log_waits(&mut self, waits: bool) {
        self.sequencer.log_mut().waits = waits;
        self.submit(Vec::new());
    }

    /// The configuration is read again.
    pub(crate) fn change_facts(&mut self, change: impl FnOnce(&mut Configured)) {
        let mut configured = Configured::clone(&self.facts);
        change(&mut configured);
        let old = std::mem::replace(&mut self.facts, ServerFacts::new(configured));
        for at in 0..self.connections.len() {
            let mut out = Output::default();
            self.connections[at].session.facts_changed(self.now, &old, &self.facts, &mut out);
            self.carry_out(at, out);
        }
    }

    pub(crate) fn is_closed(&self, at: usize) -> bool {
        self.connections[at].closed
    }

    pub(crate) fn received(&mut self, at: usize) -> Vec<String> {
        self.connections[at].received.drain(..).collect()
    }

    pub(crate) fn session(&mut self, at: usize) -> &mut Session {
        &mut self.connections[at].session
    }

    pub(crate) fn named(&self, name: &str) -> Result<usize, String> {
        self.connections
            .iter()
            .rposition(|connection| connection.name == name)
            .ok_or_else(|| format!("nobody is called {name}"))
    }

    fn expect(&mut self, name: &str, expected: &str) -> Result<(), String> {
        let at = self.named(name)?;
        let received = &mut self.connections[at].received;
        match received.pop_front() {
            Some(line) if fits(expected, &line) => Ok(()),
            Some(line) => {
                let rest: String = received.iter().map(|line| format!("\n{name}< {line}")).collect();
                Err(format!("but it was\n{name}< {line}{rest}"))
            }
            None => Err("but there was nothing".to_owned()),
        }
    }

    fn pass(&mut self, seconds: u64) -> Result<(), String> {
        self.now.wall.0 += seconds * 1000;
        self.now.monotonic_ms += seconds * 1000;
        for at in 0..self.connections.len() {
            if self.connections[at].gone {
                continue;
            }
            let mut out = Output::default();
            let next = self.connections[at].session.check(self.now, &self.facts, &mut out);
            if next <= self.now.monotonic_ms {
                return Err(format!("{} wants to be checked in the past", self.connections[at].name));
            }
            self.carry_out(at, out);
        }
        if self.sequencer.next_deadline().is_some_and(|deadline| deadline <= self.now.wall) {
            self.submit(vec![Request { origin: Origin::Server, command: Command::DeadlineReached }]);
        }
        Ok(())
    }

    fn carry_out(&mut self, at: usize, out: Output) {
        let Output { bytes, requests, work, close, counts: _ } = out;
        let connection = &mut self.connections[at];
        let text = String::from_utf8(bytes).expect("lines are UTF-8");
        assert!(text.is_empty() || text.ends_with("\r\n"), "lines are whole: {text:?}");
        if !connection.closed {
            for line in text.split("\r\n").filter(|line| !line.is_empty()) {
                assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
                let body = if line.starts_with('@') { line.split_once(' ').map_or("", |(_, body)| body) } else { line };
                assert!(body.len() <= 510, "a line of {} bytes: {line}", body.len());
                connection.received.push_back(line.to_owned());
            }
        }
        if !requests.is_empty() {
            self.submit(requests);
        }
        for work in work {
            let connection = &mut self.connections[at];
            if let (Work::LookUpHost { ticket, .. }, true) = (&work, connection.host_is_late) {
                connection.lookups.push_back(*ticket);
                continue;
            }
            let (ticket, result) = self.result_of(at, work);
            let mut out = Output::default();
            self.connections[at].session.work_done(self.now, &self.facts, ticket, result, &mut out);
            self.carry_out(at, out);
        }
        if close && !self.connections[at].closed {
            self.connections[at].closed = true;
            self.gone(at, "Connection closed");
        }
    }

    fn gone(&mut self, at: usize, reason: &str) {
        let connection = &mut self.connections[at];
        if std::mem::replace(&mut connection.gone, true) {
            return;
        }
        let departure = connection.session.depart(reason);
        for members in self.rooms.values_mut() {
            members.remove(&(at as u32));
        }
        self.submit(departure.into_iter().collect());
    }

    fn submit(&mut self, requests: Vec<Request>) {
        let mut effects = Effects::for_shards(1);
        self.sequencer.submit(self.now.wall, requests, &mut effects);
        self.sequencer.collect(self.now.wall, &mut effects);
        let told = effects.server.iter().filter_map(|effect| match effect {
            ServerEffect::Console { answer, .. } => Some(answer.clone()),
            _ => None,
        });
        self.told_console.extend(told);
        for effect in std::mem::take(&mut effects.shards[0]) {
            self.follow(effect);
        }
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { to, number, answer } => {
                self.with(to, |session, now, facts, out| session.answer(now, facts, number, &answer, out));
            }
            Effect::Done { to, number } => {
                self.with(to, |session, now, facts, out| session.done(now, facts, number, out));
            }
            Effect::Enter { session, room } => {
                self.rooms.entry(room).or_default().insert(session.slot);
            }
            Effect::Leave { session, room } => {
                self.rooms.entry(room).or_default().remove(&session.slot);
            }
            Effect::ToRoom { room, event, origin } => {
                let members = self.rooms.get(&room).cloned().unwrap_or_default();
                self.tell(members, &event, origin);
            }
            Effect::ToSessions { sessions, event, origin } => {
                self.tell(sessions.into_iter().map(|session| session.slot).collect(), &event, origin);
            }
            Effect::ToWatchers { sessions, event } => {
                let slots = sessions.into_iter().map(|session| session.slot);
                let asked =
                    |slot: &u32| self.connections[*slot as usize].session.has(wire::Capability::ExtendedMonitor);
                let takers = slots.filter(asked).collect();
                self.tell(takers, &event, None);
            }
            Effect::Mirror { sessions, event } => {
                let slots = sessions.into_iter().map(|session| session.slot);
                let takers = slots.filter(|slot| self.connections[*slot as usize].session.takes_mirror()).collect();
                self.tell(takers, &event, None);
            }
            Effect::ToAll { event } => {
                let registered = (0..self.connections.len() as u32)
                    .filter(|slot| self.connections[*slot as usize].session.is_registered())
                    .collect();
                self.tell(registered, &event, None);
            }
            Effect::Close { session, reason } => {
                self.with(session, |session, now, facts, out| session.put_out(now, facts, &reason, out));
            }
        }
    }

    fn tell(&mut self, slots: BTreeSet<u32>, event: &Event, origin: Option<EventOrigin>) {
        let id_of = |slot: u32| SessionId { shard: 0, slot, generation: 1 };
        for slot in slots {
            let is_origin = origin.is_some_and(|origin| origin.session == id_of(slot));
            if !is_origin {
                self.with(id_of(slot), |session, _, facts, out| {
                    render::render(event, session.form(), facts, &mut out.bytes);
                    session.observe(event);
                });
            }
        }
        let Some(EventOrigin { session: id, number, finishes }) = origin else {
            return;
        };
        self.with(id, |session, now, facts, out| {
            match session.treatment(event, number) {
                Treatment::Nothing => {}
                Treatment::Shared => render::render(event, session.form(), facts, &mut out.bytes),
                Treatment::Personal => session.event(now, facts, event, Some(number), out),
            }
            session.observe(event);
            if finishes {
                session.done(now, facts, number, out);
            }
        });
    }

    fn with(&mut self, id: SessionId, act: impl FnOnce(&mut Session, Moment, &ServerFacts, &mut Output)) {
        self.with_at(id.slot as usize, act);
    }

    fn with_at(&mut self, at: usize, act: impl FnOnce(&mut Session, Moment, &ServerFacts, &mut Output)) {
        if self.connections[at].gone {
            return;
        }
        let mut out = Output::default();
        act(&mut self.connections[at].session, self.now, &self.facts, &mut out);
        self.carry_out(at, out);
    }
}

impl World {
    fn result_of(&mut self, at: usize, work: Work) -> (u32, WorkResult) {
        if let Work::ReadAudit { ticket, filter } = &work {
            let noted = self.sequencer.log_mut().audit.iter().rev();
            let found = noted.filter(|entry| filter.admits(entry)).take(filter.limit).cloned().collect();
            return (*ticket, WorkResult::Audit(found));
        }
        if let Work::DrawToken { ticket } = work {
            self.drawn += 1;
            return (ticket, WorkResult::Drawn([self.drawn; 16].into()));
        }
        let TestLog { past, unreadable, .. } = self.sequencer.log_mut();
        match work {
            Work::CheckPassword { ticket, hash, password } => {
                (ticket, WorkResult::Checked { matches: hash == Some(hash_of(&password)) })
            }
            Work::HashPassword { ticket, password, .. } if password.as_str() == "password" => {
                (ticket, WorkResult::Weak { why: "Everyone tries this password first" })
            }
            Work::HashPassword { ticket, password, scram } => {
                let keys = scram.then(|| Box::new(keys_of(&password, b"0123456789abcdef", 16)));
                (ticket, WorkResult::Hashed { hash: hash_of(&password), scram: keys })
            }
            Work::ReadHistory { ticket, .. }
            | Work::FindMessage { ticket, .. }
            | Work::FindMessages { ticket, .. }
            | Work::FindConversation { ticket, .. }
            | Work::ReadReported { ticket, .. }
            | Work::ReadEarlierTexts { ticket, .. }
                if *unreadable =>
            {
                (ticket, WorkResult::Unreadable)
            }
            Work::ReadHistory { ticket, grant, stretch, view, limit } => {
                let items = past.read(&grant, stretch, view, limit);
                (ticket, WorkResult::Page { of: grant.name.clone(), items })
            }
            Work::FindMessage { ticket, grant, id } => (ticket, WorkResult::Found(past.find(&grant, id))),
            Work::FindMessages { ticket, grant, which } => {
                (ticket, WorkResult::FoundAll(past.find_all(&grant, &which)))
            }
            Work::ReadReported { ticket, numbers } => (ticket, WorkResult::Reported(past.reported(&numbers))),
            Work::ReadEarlierTexts { ticket, grant, id } => {
                (ticket, WorkResult::EarlierTexts(past.earlier_texts(&grant, id)))
            }
            Work::Search { ticket, .. } if *unreadable => (ticket, WorkResult::Unreadable),
            Work::Search { ticket, grants, search, limit } => {
                let messages = past.search(&grants, &search, limit);
                (ticket, WorkResult::Searched { messages, complete: true })
            }
            Work::CountUnread { ticket, .. } if *unreadable => (ticket, WorkResult::Unreadable),
            Work::CountUnread { ticket, question } => (ticket, WorkResult::Unread(past.unread(&question))),
            Work::FindConversation { ticket, grants, id } => {
                let found = grants.into_iter().find(|grant| past.find(grant, id).is_some());
                (ticket, WorkResult::FoundIn(found.map(Box::new)))
            }
            Work::ReadLatestTimes { ticket, grants } => {
                (ticket, WorkResult::LatestTimes(grants.iter().map(|grant| past.latest_time(grant)).collect()))
            }
            Work::CatchUp { ticket } => (ticket, WorkResult::CaughtUp),
            Work::SeeConnection { ticket } => (ticket, WorkResult::Connection(Box::new(seen()))),
            Work::OfferExport { ticket, .. } if *unreadable => (ticket, WorkResult::Busy),
            Work::OfferExport { ticket, .. } => {
                (ticket, WorkResult::Offered { url: "https://irc.example/export/0".to_owned(), seconds: 600 })
            }
            // Answered above.
            Work::DrawToken { ticket } | Work::ReadAudit { ticket, .. } => (ticket, WorkResult::Busy),
            Work::LookUpHost { ticket, .. } => (ticket, WorkResult::Host(self.connections[at].host.clone())),
        }
    }
}

/// What a server sees of each connection here.
fn seen() -> ConnectionSeen {
    ConnectionSeen {
        ends: Some(("192.0.2.1:50000".parse().unwrap(), "192.0.2.9:6697".parse().unwrap())),
        tls: vec![("version", "TLSv1.3".to_owned()), ("suite", "TLS13_AES_256_GCM_SHA384".to_owned())],
        tcp: vec![("state", "ESTABLISHED".to_owned()), ("rtt-us", "1500".to_owned())],
        link: vec![("mtu", "1500".to_owned())],
    }
}

/// Whether a line is the expected one, where `…` stands for any text.
pub(crate) fn fits(expected: &str, line: &str) -> bool {
    let mut pieces = expected.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// One address as a range.
pub(crate) fn only(address: &str) -> AddressRange {
    let base: IpAddr = address.parse().unwrap();
    AddressRange { base, prefix: if base.is_ipv4() { 32 } else { 128 } }
}

#[test]
fn patterns() {
    for (expected, line, result) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a…", "ab", true),
        ("…", "", true),
        ("a…c", "abc", true),
        ("a…c", "abd", false),
        ("a…b…c", "a x b y c", true),
        ("a…b…c", "a y c", false),
    ] {
        assert_eq!(fits(expected, line), result, "{expected} {line}");
    }
}

/// For [`check_with`]: `OPER root sesame` gives all rights.
pub(crate) fn with_operator(configured: &mut Configured, settings: &mut Settings) {
    let password = crate::facts::Password::Plain("sesame".to_owned().into());
    configured.operators.push(crate::facts::OperatorLogin { name: "root".into(), password });
    settings.operators.push(chat::settings::OperatorRule {
        name: "root".into(),
        rights: chat::refusal::Rights::ALL,
        title: "is a server admin".into(),
    });
}
