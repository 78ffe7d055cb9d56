//! A session: the state of one connection's conversation, and the doors through which everything reaches it.

use crate::facts::{AddressRange, ServerFacts};
use crate::flood_guard::FloodGuard;
use crate::form::Form;
use crate::pending::{MOST_HELD, MOST_PENDING, Pending};
use crate::registration::Registration;
use crate::sasl::Exchange;
use crate::turn::Turn;
use crate::verb::batch::OpenBatch;
use crate::verb::{Awaiting, Phase, Verb};
use crate::work::{Work, WorkResult};
use crate::{confirmation, host, isupport, login, negotiation, registration, render, verb};
use chat::command::{Command, Departure, Origin, PersonalMode, Request};
use chat::device_login::LoginClaim;
use chat::event::{Event, What};
use chat::id::{RequestNumber, SessionId, Timestamp};
use chat::message::Message;
use chat::person::Person;
use chat::query::Answer;
use compact_str::CompactString;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use wire::{Capability, CapabilitySet, Line, LineError, LineLimits, Numeric, Tags};

/// A point in time, as the caller's clocks have it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    pub wall: Timestamp,
    /// Milliseconds of a clock that never goes back; its zero does not matter.
    pub monotonic_ms: u64,
}

/// What the server knows of a connection before its first line.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: IpAddr,
    /// The server's port that was connected to.
    pub port_local: u16,
    /// TLS.
    pub secure: bool,
    pub loopback: bool,
    /// SHA-256 of the client's certificate.
    pub certificate: Option<[u8; 32]>,
    /// What its device has shown, and stays logged in by.
    pub login: Option<LoginClaim>,
    /// What carries the session, for those who may know ("TLS", "WebSocket").
    pub transport: &'static str,
    /// No flood control, no login throttles.
    pub exempt: bool,
}

/// What a session wants done. The caller empties it after use and may use it for many sessions' calls in turn, as long
/// as each call's bytes go to that session's connection.
#[derive(Debug, Default)]
pub struct Output {
    /// Whole lines for this connection.
    pub bytes: Vec<u8>,
    /// For the hub, in order.
    pub requests: Vec<Request>,
    /// For the pools of passwords, of readers and of lookups.
    pub work: Vec<Work>,
    /// Close the connection when the bytes are out.
    pub close: bool,
    /// For the figures of who runs the server.
    pub counts: Vec<Count>,
}

/// Something that happened, for who counts such things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
    /// A refusal was written: the name of its numeric, or its FAIL code.
    Refused(&'static str),
    /// A login was tried; whether it succeeded.
    Login(bool),
    /// The session ends, said once: why, in a word.
    Ended(&'static str),
}

/// A line over the limit of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Overlong<'a> {
    /// Its beginning, as far as it was kept.
    pub head: &'a [u8],
}

/// How the session whose request caused an event is to be told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Treatment {
    /// The same bytes as everyone of its form.
    Shared,
    /// Not at all.
    Nothing,
    /// Through [`Session::event`].
    Personal,
}

/// [`Session::flood_wait_ms`]: no line is to be read before the next answer, `Done` or result has come.
pub const WAIT_FOR_ANSWER: u64 = u64::MAX;

/// The most lines that a connection may send before its registration is complete.
const LINES_BEFORE_REGISTRATION: u16 = 500;

/// Bytes of a label (labeled-response: "MUST NOT exceed 64 bytes"), escapes resolved.
const LABEL_BYTES: usize = 64;

/// One device's conversation with the server.
#[derive(Debug)]
pub struct Session {
    pub(crate) id: SessionId,
    pub(crate) link: Link,
    /// Who the client is; `None` before the hub has let it in.
    pub(crate) person: Option<Arc<Person>>,
    /// What only registration needs.
    pub(crate) registration: Option<Box<Registration>>,
    /// What a session has only while it is at something, and most never.
    rare: Option<Box<Rare>>,
    pub(crate) capabilities: CapabilitySet,
    /// Said `CAP LS 302` or more.
    pub(crate) cap_302: bool,
    /// Everything is said; closes when nothing is unanswered any more.
    pub(crate) closing: bool,
    /// The hub does not know of this session (any more).
    pub(crate) departed: bool,
    /// A PING of ours is unanswered.
    pinged: bool,
    /// The hub was told of a login, or of the arrival.
    pub(crate) known_to_hub: bool,
    lines: u16,
    batches: u16,
    /// Failed logins since `attempts_since`, in seconds of the monotonic clock.
    pub(crate) attempts: u8,
    pub(crate) attempts_since: u32,
    number: RequestNumber,
    flood: FloodGuard,
    last_heard_ms: u64,
    pub(crate) pending: VecDeque<Pending>,
}

#[derive(Debug, Default)]
struct Rare {
    /// A login of several lines.
    sasl: Option<Exchange>,
    /// A batch that the client has begun and not ended.
    batch: Option<OpenBatch>,
}

/// What stays known of the connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) secure: bool,
    pub(crate) loopback: bool,
    pub(crate) exempt: bool,
    pub(crate) transport: &'static str,
    pub(crate) certificate: Option<Box<[u8; 32]>>,
}

impl Session {
    pub fn new(id: SessionId, peer: Peer, now: Moment, facts: &ServerFacts) -> Session {
        let link = Link {
            address: peer.address.to_canonical(),
            port: peer.port_local,
            secure: peer.secure,
            loopback: peer.loopback,
            exempt: peer.exempt,
            transport: peer.transport,
            certificate: peer.certificate.map(Box::new),
        };
        Session {
            id,
            link,
            person: None,
            registration: Some(Box::new(Registration::new(now, peer.login, facts))),
            rare: None,
            capabilities: CapabilitySet::EMPTY,
            cap_302: false,
            closing: false,
            departed: false,
            pinged: false,
            known_to_hub: false,
            lines: 0,
            batches: 0,
            attempts: 0,
            attempts_since: 0,
            number: 0,
            flood: FloodGuard::new(now.monotonic_ms, &facts.flood),
            last_heard_ms: now.monotonic_ms,
            pending: VecDeque::new(),
        }
    }

    // ---- What arrives

    /// One line without its line ending.
    pub fn receive(&mut self, now: Moment, facts: &ServerFacts, frame: Result<&[u8], Overlong<'_>>, out: &mut Output) {
        if self.closing {
            return;
        }
        self.last_heard_ms = now.monotonic_ms;
        self.pinged = false;
        let bytes = match frame {
            Ok(bytes) => bytes,
            Err(Overlong { head }) => return self.refuse_overlong(now, facts, head, out),
        };
        let first = self.lines == 0;
        self.lines = self.lines.saturating_add(1);
        if self.person.is_none() {
            if first && speaks_something_else(bytes) {
                self.closing = true;
                out.close = true;
                out.counts.push(Count::Ended("another_protocol"));
                return;
            }
            if self.lines > LINES_BEFORE_REGISTRATION {
                return self.end_with(now, facts, "too_many_lines", "Too many lines before registration", out);
            }
        }
        match Line::parse(bytes, LineLimits::FROM_CLIENT) {
            Ok(line) => self.receive_line(now, facts, &line, out),
            Err(error) => self.refuse_line(now, facts, &error, out),
        }
    }

    /// An answer of the hub; `number` 0: unasked.
    pub fn answer(
        &mut self,
        now: Moment,
        facts: &ServerFacts,
        number: RequestNumber,
        answer: &Answer,
        out: &mut Output,
    ) {
        if let (Some(person), Answer::LoggedIn { person: Some(now), .. }) = (&mut self.person, answer) {
            *person = now.clone();
        }
        let mut turn = Turn::of_answer(self, facts, now, out, number);
        match turn.take_awaiting() {
            Some(awaiting) => match *awaiting {
                Awaiting::Arrival => registration::answer(&mut turn, answer),
                Awaiting::Login(attempt) => login::answer(&mut turn, *attempt, answer),
                Awaiting::Confirmation(wish) => confirmation::answer(&mut turn, *wish, answer),
                Awaiting::Operator { name } => verb::oper::answer(&mut turn, name, answer),
                Awaiting::Rename => verb::nick::answer(&mut turn, answer),
                Awaiting::Register(form) => verb::register::answer(&mut turn, form, answer),
                Awaiting::Audit(filter) => verb::audit::answer(&mut turn, filter, answer),
                Awaiting::Export => verb::account::answer(&mut turn, answer),
                Awaiting::InviteLink(asked) => verb::invitelink::answer(&mut turn, asked, answer),
                Awaiting::History(asked) => verb::chathistory::answer(&mut turn, asked, answer),
                Awaiting::Lookup(asked) => crate::lookup::answer(&mut turn, asked, answer),
                Awaiting::Search(asked) => verb::search::answer(&mut turn, asked, answer),
                other => {
                    crate::answer::dispatch(&mut turn, Some(&other), answer);
                    turn.put_awaiting(Box::new(other));
                }
            },
            None => crate::answer::dispatch(&mut turn, None, answer),
        }
        registration::advance(&mut turn);
        turn.finish();
    }

    /// Everything that the request led to has been told. Also to be called for an event's origin behind the event, when
    /// the event finishes the request.
    pub fn done(&mut self, now: Moment, facts: &ServerFacts, number: RequestNumber, out: &mut Output) {
        let mut turn = Turn::of_answer(self, facts, now, out, number);
        turn.count_done();
        crate::answer::complete(&mut turn);
        registration::advance(&mut turn);
        turn.finish();
    }

    /// How an event that this session's request `number` caused is told to it.
    pub fn treatment(&self, event: &Event, number: RequestNumber) -> Treatment {
        if let Event::Posted(message) = event {
            // A direct message to oneself is received as well as said.
            match (is_to_oneself(message), self.has(Capability::EchoMessage)) {
                (false, false) => return Treatment::Nothing,
                (true, true) => return Treatment::Personal,
                (true, false) | (false, true) => {}
            }
        }
        // The numerics that answer the line say it already: 305 and 306, 900 and 901.
        if let Event::Happened(happening) = event
            && matches!(happening.what, What::AwayChanged { .. } | What::AccountChanged { .. })
            && self.person.as_ref().is_some_and(|person| person.id == happening.by.id)
        {
            return Treatment::Nothing;
        }
        if self.pending.iter().any(|pending| {
            pending.number == number && (pending.labelled.is_some() || !std::ptr::eq(pending, &self.pending[0]))
        }) {
            Treatment::Personal
        } else {
            Treatment::Shared
        }
    }

    /// An event for this session alone. `number`: the request of this session that caused it.
    pub fn event(
        &mut self,
        now: Moment,
        facts: &ServerFacts,
        event: &Event,
        number: Option<RequestNumber>,
        out: &mut Output,
    ) {
        let form = self.form();
        if let Event::Posted(message) = event
            && number.is_some()
            && is_to_oneself(message)
            && self.has(Capability::EchoMessage)
        {
            // Once as received; below, as the echo, with the label.
            render::render(event, form, facts, &mut out.bytes);
        }
        let mut turn = Turn::of_answer(self, facts, now, out, number.unwrap_or(0));
        render::render(event, form, facts, turn.ready_lines());
        turn.finish();
    }

    /// Whether an event changes what sessions know about themselves: if so, [`Session::observe`] is to be called for each
    /// session that is told of it, in whatever way.
    pub fn concerns_people(event: &Event) -> bool {
        matches!(
            event,
            Event::Happened(happening) if matches!(
                happening.what,
                What::Renamed { .. }
                    | What::HostChanged { .. }
                    | What::RealnameChanged { .. }
                    | What::AccountChanged { .. }
                    | What::OwnModesChanged { .. }
            )
        )
    }

    /// Takes note of an event that is about the session's own client. To be called after the event has been rendered.
    pub fn observe(&mut self, event: &Event) {
        let (Some(person), Event::Happened(happening)) = (&mut self.person, event) else {
            return;
        };
        // By its name, which is one person's alone at any time; the identity of a guest who logs in becomes another.
        if happening.by.name != person.name {
            return;
        }
        let mut now = Person::clone(&happening.by);
        match &happening.what {
            What::Renamed { to } => now.name = to.clone(),
            What::HostChanged { ident, host } => {
                now.ident = ident.clone();
                now.host = host.clone();
            }
            What::RealnameChanged { to } => now.realname = to.clone(),
            What::AccountChanged { account } => now.account = account.clone(),
            What::OwnModesChanged { changes } => {
                let bot = changes.iter().rev().find(|(_, mode)| *mode == PersonalMode::Bot);
                now.bot = bot.map_or(now.bot, |(on, _)| *on);
            }
            _ => return,
        }
        if now != **person {
            *person = Arc::new(now);
        }
    }

    /// Whether it is told what the client's other devices say to someone: all devices see the same conversation, also those
    /// that take no echo of their own words, as they do in rooms.
    pub fn takes_mirror(&self) -> bool {
        self.person.is_some()
    }

    /// The outcome of a [`Work`].
    pub fn work_done(&mut self, now: Moment, facts: &ServerFacts, ticket: u32, result: WorkResult, out: &mut Output) {
        if self.registration.as_deref().is_some_and(|registration| registration.lookup.is_for(ticket)) {
            return self.looked_up(now, facts, Some(result), out);
        }
        let mut turn = Turn::of_answer(self, facts, now, out, ticket);
        if turn.count_work() {
            match (turn.take_awaiting().map(|awaiting| *awaiting), result) {
                (Some(Awaiting::History(asked)), result) => verb::chathistory::read(&mut turn, asked, result),
                (Some(Awaiting::Lookup(asked)), result) => crate::lookup::found(&mut turn, asked, result),
                (Some(Awaiting::Pins(asked)), result) => verb::pins::found(&mut turn, &asked, &result),
                (Some(Awaiting::Reports(views)), result) => verb::reports::read(&mut turn, &views, &result),
                (Some(Awaiting::Unread { names, as_of }), result) => {
                    verb::unread::counted(&mut turn, &names, as_of, &result)
                }
                (Some(Awaiting::Missed(asked)), result) => verb::unread::read_missed(&mut turn, &asked, &result),
                (_, WorkResult::Connection(seen)) => verb::connection::write(&mut turn, &seen),
                (Some(Awaiting::Search(_)), result) => verb::search::found(&mut turn, &result),
                (Some(Awaiting::Export), result) => verb::account::offered(&mut turn, &result),
                (Some(Awaiting::Ping { token }), _) => verb::ping::caught_up(&mut turn, token),
                (Some(Awaiting::Audit(_)), result) => verb::audit::read(&mut turn, &result),
                (other, WorkResult::Found(found)) => {
                    verb::privmsg::write_repeated(&mut turn, found);
                    other.into_iter().for_each(|other| turn.put_awaiting(Box::new(other)));
                }
                (other, WorkResult::Page { of, items }) => {
                    verb::chathistory::write_replay(&mut turn, &of, &items);
                    other.into_iter().for_each(|other| turn.put_awaiting(Box::new(other)));
                }
                (other, WorkResult::Unreadable | WorkResult::Busy)
                    if turn.verb() == "PRIVMSG" || turn.verb() == "NOTICE" =>
                {
                    verb::privmsg::write_unreadable(&mut turn);
                    other.into_iter().for_each(|other| turn.put_awaiting(Box::new(other)));
                }
                (Some(awaiting), result) => match awaiting {
                    Awaiting::Login(attempt) => login::checked(&mut turn, *attempt, result),
                    Awaiting::Confirmation(wish) => confirmation::worked(&mut turn, *wish, result),
                    Awaiting::Operator { name } => verb::oper::checked(&mut turn, name, result),
                    Awaiting::ServerPassword => registration::password_checked(&mut turn, result),
                    Awaiting::Gateway(claim) => verb::webirc::checked(&mut turn, *claim, result),
                    Awaiting::Register(form) => verb::register::hashed(&mut turn, form, result),
                    Awaiting::InviteLink(asked) => verb::invitelink::drawn(&mut turn, asked, &result),
                    other => turn.put_awaiting(Box::new(other)),
                },
                // A replay that could not be read: what is said from now on is seen all the same.
                (None, _) => {}
            }
        }
        registration::advance(&mut turn);
        turn.finish();
    }

    /// The configuration was read again: capabilities and limits that are different now are told. What the rest of it
    /// changes holds from now on without a word.
    pub fn facts_changed(&mut self, now: Moment, old: &ServerFacts, new: &ServerFacts, out: &mut Output) {
        if self.closing {
            return;
        }
        self.link.exempt |= new.exempt.iter().any(|range| range.contains(self.link.address));
        let mut turn = Turn::of_answer(self, new, now, out, 0);
        negotiation::announce_changes(&mut turn, old, new);
        if turn.session.is_registered() {
            let changed = isupport::difference(&old.isupport, &new.isupport);
            isupport::write_tokens(&mut turn, &changed);
        }
        turn.finish();
    }

    // ---- Time

    /// Sees to what time has brought: the end of patience with registration, a PING, the end of silence.
    /// Returns the monotonic time in milliseconds of the next call.
    pub fn check(&mut self, now: Moment, facts: &ServerFacts, out: &mut Output) -> u64 {
        let ping_ms = facts.limits.ping_seconds.max(1) * 1000;
        if self.closing {
            return now.monotonic_ms + ping_ms;
        }
        if let Some(registration) = &self.registration {
            if now.monotonic_ms >= registration.deadline_ms {
                self.end_with(now, facts, "registration_timeout", "Registration timed out", out);
                return now.monotonic_ms + ping_ms;
            }
            let deadline_ms = registration.deadline_ms;
            if let Some(until_ms) = registration.lookup.until_ms() {
                if now.monotonic_ms < until_ms {
                    return until_ms.min(deadline_ms);
                }
                self.looked_up(now, facts, None, out);
            }
            return deadline_ms;
        }
        if self.rare.is_some() {
            let mut turn = Turn::of_line(self, facts, now, out, None);
            verb::batch::time_passes(&mut turn);
            turn.finish();
        }
        let quiet_until = self.last_heard_ms + ping_ms;
        if now.monotonic_ms < quiet_until {
            return quiet_until;
        }
        if now.monotonic_ms >= quiet_until + ping_ms && self.pinged {
            let seconds = facts.limits.ping_seconds * 2;
            self.end_with(now, facts, "ping_timeout", &format!("Ping timeout: {seconds} seconds"), out);
            return now.monotonic_ms + ping_ms;
        }
        if !self.pinged {
            self.pinged = true;
            // Not held behind unanswered requests: it answers nothing.
            let mut turn = Turn::of_answer(self, facts, now, out, 0);
            turn.line("", "PING").trailing(&facts.server_name);
            turn.finish();
            // After a pause of the whole process the client still has its full time to answer.
            self.last_heard_ms = now.monotonic_ms - ping_ms;
            return now.monotonic_ms + ping_ms;
        }
        quiet_until + ping_ms
    }

    /// Milliseconds until the next line may be read; 0: now; [`WAIT_FOR_ANSWER`]: not before the next call of
    /// [`Session::answer`], [`Session::done`] or [`Session::work_done`]. Ask before every line.
    pub fn flood_wait_ms(&mut self, now: Moment, facts: &ServerFacts) -> u64 {
        if self.closing
            || self.awaits_host()
            || self.pending.len() >= MOST_PENDING
            || self.pending.iter().map(|pending| pending.held.len()).sum::<usize>() >= MOST_HELD
            || self.pending.back().is_some_and(|pending| pending.barrier)
        {
            return WAIT_FOR_ANSWER;
        }
        if self.link.exempt {
            return 0;
        }
        self.flood.wait_ms(now.monotonic_ms, &facts.flood)
    }

    // ---- The end

    /// The connection is gone, or is being closed by the server for `reason`. The request to be sent on, if the hub knows
    /// of this session.
    pub fn depart(&mut self, reason: &str) -> Option<Request> {
        let known = self.known_to_hub && !self.departed;
        self.departed = true;
        self.closing = true;
        known.then(|| self.telling(Command::Depart(Departure::Broken { reason: reason.into() })))
    }

    /// The hub has put this session out ([`chat::effect::Effect::Close`]): says so and closes. What it asked meanwhile
    /// comes to the hub as from someone unknown, and a login or a new account is noted for one who is yet to arrive: she
    /// is not, so that is told.
    pub fn put_out(&mut self, now: Moment, facts: &ServerFacts, reason: &str, out: &mut Output) {
        if !self.pending.is_empty() {
            let request = self.telling(Command::Depart(Departure::Broken { reason: reason.into() }));
            out.requests.push(request);
        }
        self.departed = true;
        self.say_goodbye(now, facts, "put_out", reason, out);
    }

    /// The session is over, the hub knows or the server stops: says so and closes. Nothing is asked of the hub any more.
    pub fn close(&mut self, now: Moment, facts: &ServerFacts, reason: &str, out: &mut Output) {
        self.departed = true;
        self.say_goodbye(now, facts, "stopping", reason, out);
    }

    /// The server ends the conversation for a reason of its own: the client is told, and the hub by [`Session::depart`].
    pub fn turn_away(&mut self, now: Moment, facts: &ServerFacts, reason: &str, out: &mut Output) {
        self.say_goodbye(now, facts, "turned_away", reason, out);
    }

    fn say_goodbye(&mut self, now: Moment, facts: &ServerFacts, why: &'static str, reason: &str, out: &mut Output) {
        if !self.closing {
            let mut turn = Turn::of_answer(self, facts, now, out, 0);
            turn.end_answer();
            turn.error_line(&format!("Closing link: ({reason})"));
            self.closing = true;
            out.counts.push(Count::Ended(why));
        }
        out.close = true;
    }

    // ---- What others ask about it

    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The client's address: the gateway's claim once WEBIRC was accepted.
    pub fn address(&self) -> IpAddr {
        self.link.address
    }

    /// Lines of the client are not answered in full yet.
    pub fn owes_answers(&self) -> bool {
        !self.pending.is_empty() || self.awaits_host()
    }

    pub fn is_registered(&self) -> bool {
        self.person.is_some()
    }

    /// Who the client is, as others see it; `None` before registration is complete.
    pub fn person(&self) -> Option<&Arc<Person>> {
        self.person.as_ref()
    }

    /// What shared bytes depend on. Changes only inside [`Session::receive`].
    pub fn form(&self) -> Form {
        Form::of(self.capabilities)
    }

    /// Whether a capability is in force, with all that it requires.
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(capability) && self.capabilities.contains_all(capability.requires())
    }

    /// The name it goes by now; `*` before it has one.
    pub fn nick(&self) -> &str {
        nick_of(self.person.as_ref(), self.registration.as_deref())
    }

    // ---- Inside

    fn receive_line(&mut self, now: Moment, facts: &ServerFacts, line: &Line<'_>, out: &mut Output) {
        let found = Verb::find(line.verb);
        let registered = self.person.is_some();
        let label = self.label(line.tags);
        let bad_label = label.is_none() && self.has_bad_label(line.tags);
        let mut turn = Turn::of_line(self, facts, now, out, label);
        if turn.session.rare.is_some() && verb::batch::takes(&mut turn, line) {
            return turn.finish();
        }
        turn.session.spend(now, facts, found.map_or(1, |verb| verb.cost));
        match found {
            None => {
                turn.numeric(Numeric::ERR_UNKNOWNCOMMAND).param(&shown_verb(line.verb)).trailing("Unknown command");
            }
            Some(verb) => {
                turn.set_verb(verb);
                match verb.phase {
                    _ if bad_label => {
                        turn.fail(verb.name, "INVALID_LABEL", &[], "A label has at most 64 bytes: nothing was done");
                    }
                    Phase::Registered if !registered => {
                        turn.numeric(Numeric::ERR_NOTREGISTERED).trailing("You have not registered");
                    }
                    Phase::Unregistered if registered => {
                        turn.numeric(Numeric::ERR_ALREADYREGISTERED).trailing("You may not reregister");
                    }
                    _ if line.params().len() < verb.parameters => turn.need_more_params(),
                    _ => (verb.receive)(&mut turn, line),
                }
            }
        }
        registration::advance(&mut turn);
        turn.finish();
    }

    /// The name of the address has come, or patience with it has ended (`None`).
    fn looked_up(&mut self, now: Moment, facts: &ServerFacts, result: Option<WorkResult>, out: &mut Output) {
        if let Some(registration) = self.registration.as_deref_mut() {
            host::looked_up(registration, result);
        }
        let mut turn = Turn::of_line(self, facts, now, out, None);
        registration::advance(&mut turn);
        turn.finish();
    }

    fn awaits_host(&self) -> bool {
        self.registration.as_deref().is_some_and(|registration| registration.lookup.is_awaited())
    }

    fn refuse_line(&mut self, now: Moment, facts: &ServerFacts, error: &LineError<'_>, out: &mut Output) {
        self.spend(now, facts, 1);
        let tags = match error {
            LineError::TooLong { tags, .. } | LineError::InvalidUtf8 { tags, .. } => *tags,
            LineError::Empty | LineError::NoVerb | LineError::ForbiddenByte { .. } => Tags::default(),
        };
        let label = self.label(tags);
        let mut turn = Turn::of_line(self, facts, now, out, label);
        if turn.session.rare.is_some() && !matches!(error, LineError::Empty | LineError::NoVerb) {
            verb::batch::line_lost(&mut turn);
        }
        match error {
            // RFC 2812 section 2.3.1: empty messages are silently ignored. The rest says nothing that could be answered.
            LineError::Empty | LineError::NoVerb => {}
            LineError::TooLong { .. } => {
                turn.numeric(Numeric::ERR_INPUTTOOLONG).trailing("Input line was too long");
            }
            LineError::ForbiddenByte { .. } => {
                turn.fail("*", "INVALID_MESSAGE", &[], "The line holds a byte that no line may hold (NUL or CR)");
            }
            LineError::InvalidUtf8 { verb, .. } => {
                let verb = verb.map_or("*".into(), |verb| shown_verb(verb).to_uppercase());
                turn.fail(&verb, "INVALID_UTF8", &[], "Message rejected: it is not valid UTF-8");
            }
        }
        turn.finish();
    }

    fn refuse_overlong(&mut self, now: Moment, facts: &ServerFacts, head: &[u8], out: &mut Output) {
        let tags = head
            .strip_prefix(b"@")
            .and_then(|rest| rest.split(|byte| *byte == b' ').next())
            .filter(|tags| tags.len() <= LineLimits::FROM_CLIENT.tags)
            .and_then(|tags| std::str::from_utf8(tags).ok());
        let tags = Tags::new(tags.unwrap_or_default());
        let error = LineError::TooLong { part: wire::LinePart::Body, limit: LineLimits::FROM_CLIENT.body, tags };
        self.refuse_line(now, facts, &error, out);
    }

    /// The label that the answer is to carry.
    fn label<'l>(&self, tags: Tags<'l>) -> Option<&'l str> {
        if tags.is_empty() || !self.has(Capability::LabeledResponse) {
            return None;
        }
        tags.raw_value("label").filter(|label| !label.is_empty() && is_label(label))
    }

    /// It has a label that none may be ("MUST NOT exceed 64 bytes"): whoever waits for its answer would wait for ever.
    fn has_bad_label(&self, tags: Tags<'_>) -> bool {
        !tags.is_empty()
            && self.has(Capability::LabeledResponse)
            && tags.raw_value("label").is_some_and(|label| !is_label(label))
    }

    fn spend(&mut self, now: Moment, facts: &ServerFacts, lines: u8) {
        self.spend_thousandths(now, facts, u32::from(lines) * 1000);
    }

    /// Takes thousandths of a line from what the connection may send.
    pub(crate) fn spend_thousandths(&mut self, now: Moment, facts: &ServerFacts, thousandths: u32) {
        if !self.link.exempt {
            self.flood.spend(now.monotonic_ms, &facts.flood, thousandths);
        }
    }

    pub(crate) fn take_sasl(&mut self) -> Option<Exchange> {
        let rare = self.rare.as_deref_mut()?;
        let exchange = rare.sasl.take();
        self.let_go_of_rare();
        exchange
    }

    pub(crate) fn put_sasl(&mut self, exchange: Exchange) {
        self.rare.get_or_insert_default().sasl = Some(exchange);
    }

    pub(crate) fn take_batch(&mut self) -> Option<OpenBatch> {
        let rare = self.rare.as_deref_mut()?;
        let batch = rare.batch.take();
        self.let_go_of_rare();
        batch
    }

    pub(crate) fn put_batch(&mut self, batch: OpenBatch) {
        self.rare.get_or_insert_default().batch = Some(batch);
    }

    fn let_go_of_rare(&mut self) {
        if self.rare.as_deref().is_some_and(|rare| rare.sasl.is_none() && rare.batch.is_none()) {
            self.rare = None;
        }
    }

    /// The server ends the connection by its own decision.
    fn end_with(&mut self, now: Moment, facts: &ServerFacts, why: &'static str, reason: &str, out: &mut Output) {
        let departure = self.depart(reason);
        out.requests.extend(departure);
        let mut turn = Turn::of_answer(self, facts, now, out, 0);
        turn.error_line(&format!("Closing link: ({reason})"));
        turn.finish();
        out.close = true;
        out.counts.push(Count::Ended(why));
    }

    pub(crate) fn next_number(&mut self) -> RequestNumber {
        self.number = self.number.wrapping_add(1).max(1);
        self.number
    }

    pub(crate) fn next_batch(&mut self) -> u16 {
        self.batches = self.batches.wrapping_add(1).max(1);
        self.batches
    }

    /// A request that nothing waits for.
    pub(crate) fn telling(&mut self, command: Command) -> Request {
        let number = self.next_number();
        Request { origin: Origin::Session { id: self.id, number, last: true }, command }
    }
}

pub(crate) fn nick_of<'s>(person: Option<&'s Arc<Person>>, registration: Option<&'s Registration>) -> &'s str {
    match (person, registration) {
        (Some(person), _) => &person.name,
        (None, Some(registration)) => registration.nick(),
        (None, None) => "*",
    }
}

fn is_to_oneself(message: &Message) -> bool {
    message.recipient_id == Some(message.sender_id)
}

impl Link {
    /// Whether nobody on the way can read along.
    pub(crate) fn is_private(&self) -> bool {
        self.secure || self.loopback
    }

    pub(crate) fn moved_to(&mut self, address: IpAddr, exempt: &[AddressRange]) {
        self.address = address.to_canonical();
        self.exempt = exempt.iter().any(|range| range.contains(self.address));
    }
}

/// Whether a connection's first bytes are those of another protocol: an HTTP request or a TLS hello on a plain port.
/// Such a connection is closed at once: a browser can be made to send lines to any port, with text in them that an
/// attacker chose. Also for bytes that are not a whole line yet.
pub fn speaks_something_else(first: &[u8]) -> bool {
    const METHODS: [&str; 10] = ["GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "CONNECT", "PATCH", "TRACE", "PRI"];
    // A TLS record: handshake (22), version 3.x (RFC 8446 section 5.1).
    if first.starts_with(&[22, 3]) {
        return true;
    }
    let word = first.split(|byte| *byte == b' ').next().unwrap_or_default();
    let complete = word.len() < first.len();
    complete && (METHODS.iter().any(|method| word == method.as_bytes()) || word.eq_ignore_ascii_case(b"Host:"))
}

/// A verb that is not ours, as far as an answer may show it.
fn shown_verb(verb: &str) -> CompactString {
    const MOST: usize = 32;
    wire::truncate_at_char_boundary(verb, MOST).into()
}

/// Whether a label, as it stands in the line, is not too long.
fn is_label(raw: &str) -> bool {
    raw.len() <= LABEL_BYTES || wire::tags::unescape(raw).len() <= LABEL_BYTES
}

#[cfg(test)]
mod tests;
