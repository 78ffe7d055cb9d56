//! The loop of a shard without its sockets: the same order of doing things, the production's room index, framer,
//! sessions and rendering.

use crate::invariants::number_in;
use chat::command::Request;
use chat::effect::{Effect, EventOrigin};
use chat::event::{Event, What};
use chat::id::{RoomNumber, SessionId};
use chat::message::MessageKind;
use session::room_index::{Exception, Outboxes, RoomIndex, Segment};
use session::{
    Form, Moment, Output, Overlong, Peer, ServerFacts, Session, Treatment, WAIT_FOR_ANSWER, Work, WorkResult, render,
};
use std::collections::VecDeque;
use wire::{Capability, Frame, Framer, LineLimits};

/// Lines held back are looked at again after so long at the latest, as in production.
const HELD_AT_MOST_MS: u64 = 1_000;

/// The connections of one thread.
#[derive(Debug)]
pub struct Shard {
    number: u16,
    places: Vec<Place>,
    generation: u32,
    rooms: RoomIndex<Form>,
    output: Output,
    /// For the hub.
    pub requests: Vec<Request>,
    /// For the password pool.
    pub work: VecDeque<(SessionId, Work)>,
    /// What was decided about those who are told of their own words only if they asked for it.
    pub echoes: Vec<Echo>,
}

#[derive(Debug, Default)]
struct Place {
    connection: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    id: SessionId,
    session: Session,
    framer: Framer,
    rooms: Vec<RoomNumber>,
    form: Form,
    outbox: Vec<Segment>,
    /// Bytes that have come and were not read.
    unread: VecDeque<u8>,
    /// Lines wait in the framer, until this time at the longest.
    held: bool,
    held_until: u64,
    next_check: u64,
    /// Has been told goodbye: what waits is written, then it ends.
    ending: bool,
}

/// Whether a session was to be told its own message.
#[derive(Clone, Debug)]
pub struct Echo {
    pub session: SessionId,
    /// Whom the message is addressed to.
    pub to: String,
    /// The number in the message's text.
    pub number: u64,
    pub told: bool,
}

/// What a connection was sent in a turn.
#[derive(Debug)]
pub struct Sent {
    pub id: SessionId,
    pub bytes: Vec<u8>,
    /// The server has closed it behind these.
    pub closed: bool,
}

struct Queues<'a>(&'a mut [Place]);

impl Outboxes for Queues<'_> {
    fn push(&mut self, slot: u32, segment: Segment) {
        if let Some(connection) = self.0.get_mut(slot as usize).and_then(|place| place.connection.as_mut()) {
            connection.outbox.push(segment);
        }
    }
}

impl Shard {
    /// `generation`: above those of all sessions that were ever here.
    pub fn new(number: u16, generation: u32) -> Shard {
        Shard {
            number,
            places: Vec::new(),
            generation,
            rooms: RoomIndex::default(),
            output: Output::default(),
            requests: Vec::new(),
            work: VecDeque::new(),
            echoes: Vec::new(),
        }
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// A new connection, in the first free place.
    pub fn open(&mut self, peer: Peer, now: Moment, facts: &ServerFacts) -> SessionId {
        let free = self.places.iter().position(|place| place.connection.is_none());
        let slot = free.unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        self.generation += 1;
        let id = SessionId { shard: self.number, slot: slot as u32, generation: self.generation };
        let session = Session::new(id, peer, now, facts);
        self.places[slot].connection = Some(Connection {
            id,
            form: session.form(),
            session,
            framer: Framer::new(),
            rooms: Vec::new(),
            outbox: Vec::new(),
            unread: VecDeque::new(),
            held: false,
            held_until: 0,
            next_check: now.monotonic_ms + 1000,
            ending: false,
        });
        id
    }

    /// Bytes have come from the peer.
    pub fn arrive(&mut self, id: SessionId, bytes: &[u8]) {
        if let Some(connection) = self.find(id) {
            connection.unread.extend(bytes);
        }
    }

    /// The connection broke.
    pub fn break_off(&mut self, id: SessionId) {
        self.depart(id, "Connection closed");
        self.leave_all(id);
        self.remove(id);
    }

    pub fn is_open(&self, id: SessionId) -> bool {
        self.session(id).is_some()
    }

    /// The conversation of a connection that is not closing.
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        let connection = self.places.get(id.slot as usize)?.connection.as_ref()?;
        (connection.id == id && !connection.ending).then_some(&connection.session)
    }

    /// Bytes or lines of the peer wait for being worked on.
    pub fn has_unread(&self, id: SessionId) -> bool {
        let connection = self.places.get(id.slot as usize).and_then(|place| place.connection.as_ref());
        connection.is_some_and(|connection| connection.id == id && (connection.held || !connection.unread.is_empty()))
    }

    /// There is something to read that need not wait.
    pub fn can_read(&self) -> bool {
        let ready = |connection: &Connection| !connection.unread.is_empty() && !connection.held && !connection.ending;
        self.places.iter().flat_map(|place| &place.connection).any(ready)
    }

    /// Nobody is in any room any more, as far as this shard knows.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.places.iter().all(|place| place.connection.is_none())
    }

    pub fn ids(&self) -> Vec<SessionId> {
        self.places.iter().flat_map(|place| &place.connection).map(|connection| connection.id).collect()
    }

    // ---- What comes in

    /// Reads at most `most` bytes of a connection, if it may be read from.
    pub fn read(&mut self, id: SessionId, most: usize, now: Moment, facts: &ServerFacts) {
        let Some(connection) = self.find(id).filter(|connection| !connection.held && !connection.ending) else {
            return;
        };
        let count = most.min(connection.unread.len());
        let bytes: Vec<u8> = connection.unread.drain(..count).collect();
        if !bytes.is_empty() {
            self.take_lines(id, &bytes, now, facts);
        }
    }

    /// Goes on with connections whose lines waited for time to pass.
    pub fn resume(&mut self, now: Moment, facts: &ServerFacts) {
        for id in self.ids() {
            if self.find(id).is_some_and(|connection| connection.held_until <= now.monotonic_ms) {
                self.resume_one(id, now, facts);
            }
        }
    }

    fn resume_one(&mut self, id: SessionId, now: Moment, facts: &ServerFacts) {
        if self.find(id).is_some_and(|connection| connection.held && !connection.ending) {
            self.take_lines(id, &[], now, facts);
        }
    }

    /// A connection whose lines wait for nothing that will come by itself.
    pub fn stuck(&mut self, now: Moment, facts: &ServerFacts) -> Option<SessionId> {
        let here = self.places.iter_mut().flat_map(|place| &mut place.connection);
        let mut held = here.filter(|connection| connection.held && !connection.ending);
        let is_stuck =
            |connection: &mut Connection| !(1..WAIT_FOR_ANSWER).contains(&connection.session.flood_wait_ms(now, facts));
        held.find_map(|connection| is_stuck(connection).then_some(connection.id))
    }

    fn take_lines(&mut self, id: SessionId, bytes: &[u8], now: Moment, facts: &ServerFacts) {
        let Shard { places, output, .. } = self;
        let Some(connection) = find(places, id) else { return };
        connection.held = false;
        let mut frames = connection.framer.push(bytes, LineLimits::FROM_CLIENT.line());
        while !frames.is_empty() {
            let wait = connection.session.flood_wait_ms(now, facts);
            if wait > 0 {
                connection.framer.hold(frames);
                connection.held = true;
                connection.held_until = now.monotonic_ms + wait.min(HELD_AT_MOST_MS);
                break;
            }
            match frames.next_frame() {
                Some(Frame::Line(line)) => connection.session.receive(now, facts, Ok(line), output),
                Some(Frame::TooLong { head, .. }) => {
                    connection.session.receive(now, facts, Err(Overlong { head }), output);
                }
                None => break,
            }
            if output.close {
                break;
            }
        }
        self.take_output(id);
    }

    /// The outcome of a [`Work`].
    pub fn work_done(&mut self, id: SessionId, ticket: u32, result: WorkResult, now: Moment, facts: &ServerFacts) {
        self.with(id, |session, output| session.work_done(now, facts, ticket, result, output));
        self.resume_one(id, now, facts);
    }

    /// Looks at those whose time has come.
    pub fn check_timers(&mut self, now: Moment, facts: &ServerFacts) {
        for id in self.ids() {
            if self.find(id).is_some_and(|connection| connection.next_check <= now.monotonic_ms) {
                let mut next = now.monotonic_ms + 1000;
                self.with(id, |session, output| next = session.check(now, facts, output));
                if let Some(connection) = self.find(id) {
                    connection.next_check = next.max(now.monotonic_ms + 1);
                }
            }
        }
    }

    // ---- What comes from the hub

    pub fn carry_out(&mut self, effect: Effect, now: Moment, facts: &ServerFacts) {
        match effect {
            Effect::Answer { to, number, answer } => {
                self.with(to, |session, output| session.answer(now, facts, number, &answer, output));
            }
            Effect::Done { to, number } => self.done(to, number, now, facts),
            Effect::Enter { session, room } => self.enter(session, room),
            Effect::Leave { session, room } => self.leave(session, room),
            Effect::ToRoom { room, event, origin } => self.tell_room(room, &event, origin, now, facts),
            Effect::ToSessions { sessions, event, origin } => self.tell_sessions(&sessions, &event, origin, now, facts),
            Effect::ToWatchers { sessions, event } => {
                let takers = self.takers(sessions, |session| session.has(Capability::ExtendedMonitor));
                self.tell_sessions(&takers, &event, None, now, facts);
            }
            Effect::Mirror { sessions, event } => {
                let takers = self.takers(sessions, Session::takes_mirror);
                self.tell_sessions(&takers, &event, None, now, facts);
            }
            Effect::ToAll { event } => {
                let all = self.takers(self.ids(), Session::is_registered);
                self.tell_sessions(&all, &event, None, now, facts);
            }
            Effect::Close { session, reason } => {
                self.with(session, |session, output| session.put_out(now, facts, &reason, output));
            }
        }
    }

    fn takers(&self, mut sessions: Vec<SessionId>, take: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        sessions.retain(|id| self.session(*id).is_some_and(&take));
        sessions
    }

    fn done(&mut self, to: SessionId, number: u32, now: Moment, facts: &ServerFacts) {
        self.with(to, |session, output| session.done(now, facts, number, output));
        self.resume_one(to, now, facts);
    }

    fn enter(&mut self, session: SessionId, room: RoomNumber) {
        let Shard { places, rooms, .. } = self;
        let Some(connection) = find(places, session).filter(|connection| !connection.ending) else { return };
        if !connection.rooms.contains(&room) {
            connection.rooms.push(room);
            rooms.enter(room, session.slot, connection.form);
        }
    }

    fn leave(&mut self, session: SessionId, room: RoomNumber) {
        let Shard { places, rooms, .. } = self;
        let Some(connection) = find(places, session) else { return };
        if let Some(at) = connection.rooms.iter().position(|of| *of == room) {
            connection.rooms.swap_remove(at);
            let form = connection.form;
            rooms.leave(room, session.slot, form, &mut Queues(places));
        }
    }

    fn tell_room(
        &mut self,
        room: RoomNumber,
        event: &Event,
        origin: Option<EventOrigin>,
        now: Moment,
        facts: &ServerFacts,
    ) {
        let origin = origin.filter(|origin| origin.session.shard == self.number);
        let mut exception = None;
        if let Some(origin) = origin {
            self.note_echo(origin.session, event);
            if let Some((form, _, Treated::Own(instead))) = self.treat(origin, event, now, facts) {
                if self.find(origin.session).is_some_and(|connection| connection.rooms.contains(&room)) {
                    exception = Some(Exception { slot: origin.session.slot, form, instead });
                } else if let Some(instead) = instead {
                    self.tell(origin.session, instead);
                }
            }
        }
        let Shard { places, rooms, .. } = self;
        let render = |form: Form, buffer: &mut Vec<u8>| render::render(event, form, facts, buffer);
        if event.is_of_a_person() {
            rooms.broadcast_across(room, exception, &mut Queues(places), render);
        } else {
            rooms.broadcast(room, exception, render);
        }
        if Session::concerns_people(event) {
            let here = self.places.iter_mut().flat_map(|place| &mut place.connection);
            for connection in here.filter(|connection| connection.rooms.contains(&room)) {
                connection.session.observe(event);
            }
        }
        if let Some(origin) = origin.filter(|origin| origin.finishes) {
            self.done(origin.session, origin.number, now, facts);
        }
    }

    fn tell_sessions(
        &mut self,
        sessions: &[SessionId],
        event: &Event,
        origin: Option<EventOrigin>,
        now: Moment,
        facts: &ServerFacts,
    ) {
        let mut rendered: Vec<(Form, Segment)> = Vec::new();
        for id in sessions {
            if let Some(origin) = origin.filter(|origin| origin.session == *id) {
                self.note_echo(*id, event);
                if let Some((_, _, Treated::Own(own))) = self.treat(origin, event, now, facts) {
                    if let Some(own) = own {
                        self.tell(*id, own);
                    }
                    self.observe(*id, event);
                    continue;
                }
            }
            let Some(form) = self.find(*id).filter(|connection| !connection.ending).map(|connection| connection.form)
            else {
                continue;
            };
            let segment = match rendered.iter().find(|(of, _)| *of == form) {
                Some((_, segment)) => segment.clone(),
                None => {
                    let mut bytes = Vec::new();
                    render::render(event, form, facts, &mut bytes);
                    let segment = Segment::new(bytes);
                    rendered.push((form, segment.clone()));
                    segment
                }
            };
            self.tell(*id, segment);
            self.observe(*id, event);
        }
        if let Some(origin) = origin.filter(|origin| origin.finishes && origin.session.shard == self.number) {
            self.done(origin.session, origin.number, now, facts);
        }
    }

    /// What the session whose request caused an event sees of it. `None`: it is gone.
    fn treat(
        &mut self,
        origin: EventOrigin,
        event: &Event,
        now: Moment,
        facts: &ServerFacts,
    ) -> Option<(Form, bool, Treated)> {
        let Shard { places, output, .. } = self;
        let connection = find(places, origin.session).filter(|connection| !connection.ending)?;
        let is_member = match event {
            Event::Posted(message) => connection.rooms.contains(&message.room),
            Event::Happened(_) => true,
        };
        let treated = match connection.session.treatment(event, origin.number) {
            Treatment::Shared if is_member => Treated::Shared,
            Treatment::Nothing => Treated::Own(None),
            _ => {
                connection.session.event(now, facts, event, Some(origin.number), output);
                let lines = std::mem::take(&mut output.bytes);
                Treated::Own((!lines.is_empty()).then(|| Segment::new(lines)))
            }
        };
        Some((connection.form, is_member, treated))
    }

    /// Notes whether the session has asked for hearing itself.
    fn note_echo(&mut self, id: SessionId, event: &Event) {
        let Event::Posted(message) = event else { return };
        let Some(number) = number_in(&message.payload).filter(|_| message.kind != MessageKind::Signal) else { return };
        if let Some(session) = self.session(id) {
            let told = session.has(Capability::EchoMessage);
            self.echoes.push(Echo { session: id, to: message.addressed_to.to_string(), number, told });
        }
    }

    fn observe(&mut self, id: SessionId, event: &Event) {
        if let (true, Some(connection)) = (Session::concerns_people(event), self.find(id)) {
            connection.session.observe(event);
        }
    }

    /// Queues something for this connection alone, behind what its rooms said before.
    fn tell(&mut self, id: SessionId, segment: Segment) {
        if segment.is_empty() {
            return;
        }
        let Shard { places, rooms, .. } = self;
        let Some(connection) = find(places, id) else { return };
        let (of, form) = (connection.rooms.clone(), connection.form);
        rooms.flush_slot(&of, id.slot, form, &mut Queues(places));
        if let Some(connection) = find(places, id) {
            connection.outbox.push(segment);
        }
    }

    // ---- What sessions want

    fn with(&mut self, id: SessionId, act: impl FnOnce(&mut Session, &mut Output)) {
        let Shard { places, output, .. } = self;
        let Some(connection) = find(places, id).filter(|connection| !connection.ending) else { return };
        act(&mut connection.session, output);
        self.take_output(id);
    }

    fn take_output(&mut self, id: SessionId) {
        let bytes = std::mem::take(&mut self.output.bytes);
        self.tell(id, Segment::new(bytes));
        let Shard { places, rooms, .. } = self;
        if let Some(connection) = find(places, id) {
            let (old, new) = (connection.form, connection.session.form());
            if old != new {
                connection.form = new;
                let of = connection.rooms.clone();
                rooms.change_form(&of, id.slot, old, new, &mut Queues(places));
            }
        }
        self.requests.append(&mut self.output.requests);
        self.work.extend(self.output.work.drain(..).map(|work| (id, work)));
        self.output.counts.clear();
        if std::mem::take(&mut self.output.close) {
            self.depart(id, "Connection closed");
            self.leave_all(id);
            if let Some(connection) = self.find(id) {
                connection.ending = true;
                connection.held = false;
                connection.unread.clear();
            }
        }
    }

    fn depart(&mut self, id: SessionId, reason: &str) {
        let departure = self.find(id).and_then(|connection| connection.session.depart(reason));
        self.requests.extend(departure);
    }

    fn leave_all(&mut self, id: SessionId) {
        let Shard { places, rooms, .. } = self;
        let Some(connection) = find(places, id) else { return };
        let (of, form) = (std::mem::take(&mut connection.rooms), connection.form);
        for room in of {
            rooms.leave(room, id.slot, form, &mut Queues(places));
        }
    }

    fn remove(&mut self, id: SessionId) {
        if self.find(id).is_some() {
            self.places[id.slot as usize].connection = None;
        }
    }

    /// The end of the turn: what rooms said goes to their members, what waits is written, what is over ends.
    pub fn end_turn(&mut self) -> Vec<Sent> {
        let Shard { places, rooms, .. } = self;
        rooms.flush(&mut Queues(places));
        let mut all = Vec::new();
        for place in places {
            let Some(connection) = &mut place.connection else { continue };
            if connection.outbox.is_empty() && !connection.ending {
                continue;
            }
            let mut bytes = Vec::new();
            for segment in connection.outbox.drain(..) {
                bytes.extend_from_slice(&segment.bytes());
            }
            let (id, closed) = (connection.id, connection.ending);
            if closed {
                place.connection = None;
            }
            all.push(Sent { id, bytes, closed });
        }
        all
    }

    fn find(&mut self, id: SessionId) -> Option<&mut Connection> {
        find(&mut self.places, id)
    }
}

fn find(places: &mut [Place], id: SessionId) -> Option<&mut Connection> {
    places.get_mut(id.slot as usize)?.connection.as_mut().filter(|connection| connection.id == id)
}

/// What one session sees of an event.
enum Treated {
    /// The same bytes as everyone of its form.
    Shared,
    /// These, or nothing.
    Own(Option<Segment>),
}

/// The room that an event takes place in, if it is one of a room.
pub fn room_of(event: &Event) -> Option<&str> {
    match event {
        Event::Posted(message) => Some(&message.addressed_to),
        Event::Happened(happening) => match &happening.what {
            What::Joined { room, .. } | What::Left { room, .. } | What::Kicked { room, .. } => Some(&room.name),
            _ => None,
        },
    }
}
