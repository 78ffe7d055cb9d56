//! From the hub's effects, and the sessions' own answers, to outboxes.

use super::Shard;
use super::connection::{Carrier, Class, Connection, Stage};
use super::slab::Slab;
use crate::limits;
use crate::password_pool::Task;
use crate::readers::Reading;
use chat::effect::{Effect, EventOrigin};
use chat::event::Event;
use chat::id::{RoomNumber, SessionId, Timestamp};
use session::room_index::{Exception, Outboxes, Segment};
use session::{Count, ServerFacts, Session, Treatment, Work, render};
use smallvec::SmallVec;
use wire::Capability;

/// The outboxes of this shard: whoever gets something is written to at the end of the turn.
struct Queues<'a> {
    connections: &'a mut Slab,
    dirty: &'a mut Vec<u32>,
}

impl Outboxes for Queues<'_> {
    fn push(&mut self, slot: u32, segment: Segment) {
        if let Some(connection) = self.connections.at(slot) {
            connection.queue(segment, self.dirty);
        }
    }
}

impl Connection {
    fn queue(&mut self, segment: Segment, dirty: &mut Vec<u32>) {
        self.outbox.push(segment);
        if !self.dirty {
            self.dirty = true;
            dirty.push(self.id.slot);
        }
    }
}

impl Shard {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { to, number, answer } => {
                self.with_session(to, |session, now, facts, output| {
                    session.answer(now, facts, number, &answer, output)
                });
            }
            Effect::Done { to, number } => self.done(to, number),
            Effect::Enter { session, room } => self.enter(session, room),
            Effect::Leave { session, room } => self.leave(session, room),
            Effect::ToRoom { room, event, origin } => self.deliver_to_room(room, &event, origin),
            Effect::ToSessions { sessions, event, origin } => self.deliver_to_sessions(&sessions, &event, origin),
            Effect::Mirror { sessions, event } => {
                let takers: Vec<SessionId> = sessions.into_iter().filter(|id| self.takes_mirror(*id)).collect();
                self.deliver_to_sessions(&takers, &event, None);
            }
            Effect::ToWatchers { sessions, event } => {
                let askers: Vec<SessionId> = sessions.into_iter().filter(|id| self.takes_watched_events(*id)).collect();
                self.deliver_to_sessions(&askers, &event, None);
            }
            Effect::ToAll { event } => {
                let all: Vec<SessionId> =
                    self.connections.slots().into_iter().filter_map(|slot| self.registered_at(slot)).collect();
                self.deliver_to_sessions(&all, &event, None);
            }
            Effect::Close { session, reason } => self.close_for_hub(session, &reason),
        }
    }

    fn done(&mut self, to: SessionId, number: u32) {
        self.with_session(to, |session, now, facts, output| session.done(now, facts, number, output));
        self.resume(to);
    }

    fn enter(&mut self, session: SessionId, room: RoomNumber) {
        let Some(connection) = self.connections.find(session) else { return };
        if !connection.rooms.contains(&room) {
            connection.rooms.push(room);
            self.rooms.enter(room, session.slot, connection.class);
        }
    }

    fn leave(&mut self, session: SessionId, room: RoomNumber) {
        let Shard { connections, rooms, dirty, .. } = self;
        let Some(connection) = connections.find(session) else { return };
        if let Some(at) = connection.rooms.iter().position(|of| *of == room) {
            connection.rooms.swap_remove(at);
            let class = connection.class;
            rooms.leave(room, session.slot, class, &mut Queues { connections, dirty });
        }
    }

    fn deliver_to_room(&mut self, room: RoomNumber, event: &Event, origin: Option<EventOrigin>) {
        let origin = origin.filter(|origin| origin.session.shard == self.number);
        let mut exception = None;
        if let Some(origin) = origin
            && let Some((class, _, Treated::Own(instead))) = self.treat(origin, event)
        {
            // A device that has just come, of someone who is here already, is not in her rooms yet.
            if self.connections.find(origin.session).is_some_and(|connection| connection.rooms.contains(&room)) {
                exception = Some(Exception { slot: origin.session.slot, form: class, instead });
            } else if let Some(instead) = instead {
                self.tell(origin.session, instead);
            }
        }
        let Shard { connections, dirty, rooms, around, scratch, handle, .. } = self;
        let render = |class: Class, buffer: &mut Vec<u8>| class.render(event, &around.facts, scratch, buffer);
        if event.is_of_a_person() {
            rooms.broadcast_across(room, exception, &mut Queues { connections, dirty }, render);
        } else {
            rooms.broadcast(room, exception, render);
        }
        handle.metrics.events(1);
        if let Event::Posted(message) = event {
            handle.metrics.delivered_to(rooms.size(room));
            self.delivers(message.timestamp);
        }
        if Session::concerns_people(event) {
            for slot in self.rooms.members(room).collect::<Vec<u32>>() {
                self.observe(slot, event);
            }
        }
        if let Some(origin) = origin.filter(|origin| origin.finishes) {
            self.done(origin.session, origin.number);
        }
    }

    fn deliver_to_sessions(&mut self, sessions: &[SessionId], event: &Event, origin: Option<EventOrigin>) {
        let mut rendered: SmallVec<[(Class, Segment); 4]> = SmallVec::new();
        for id in sessions {
            if let Some(origin) = origin.filter(|origin| origin.session == *id)
                && let Some((_, _, Treated::Own(own))) = self.treat(origin, event)
            {
                if let Some(own) = own {
                    self.tell(*id, own);
                }
                continue;
            }
            let Some(class) = self.connections.find(*id).map(|connection| connection.class) else { continue };
            let segment = match rendered.iter().find(|(of, _)| *of == class) {
                Some((_, segment)) => segment.clone(),
                None => {
                    let mut bytes = Vec::new();
                    class.render(event, &self.around.facts, &mut self.scratch, &mut bytes);
                    let segment = Segment::new(bytes);
                    rendered.push((class, segment.clone()));
                    segment
                }
            };
            self.tell(*id, segment);
        }
        self.handle.metrics.events(1);
        if let Event::Posted(message) = event {
            self.handle.metrics.delivered_to(sessions.len());
            self.delivers(message.timestamp);
        }
        if Session::concerns_people(event) {
            for id in sessions {
                self.observe(id.slot, event);
            }
        }
        if let Some(origin) = origin.filter(|origin| origin.finishes && origin.session.shard == self.number) {
            self.done(origin.session, origin.number);
        }
    }

    /// A session that was told of its own client's change takes note of it.
    fn observe(&mut self, slot: u32, event: &Event) {
        if let Some(session) = self.connections.at(slot).and_then(|connection| connection.session_mut()) {
            session.observe(event);
        }
    }

    /// What the session whose request caused an event sees of it. `None`: it is gone.
    fn treat(&mut self, origin: EventOrigin, event: &Event) -> Option<(Class, bool, Treated)> {
        let Shard { connections, around, now, output, .. } = self;
        let connection = connections.find(origin.session)?;
        let class = connection.class;
        let is_member = match event {
            Event::Posted(message) => connection.rooms.contains(&message.room),
            Event::Happened(_) => true,
        };
        let Stage::Open(session) = &mut connection.stage else { return None };
        let treated = match session.treatment(event, origin.number) {
            Treatment::Shared if is_member => Treated::Shared,
            Treatment::Nothing => Treated::Own(None),
            _ => {
                session.event(*now, &around.facts, event, Some(origin.number), output);
                let lines = std::mem::take(&mut output.bytes);
                Treated::Own((!lines.is_empty()).then(|| Segment::new(class.carrier.carried(lines))))
            }
        };
        Some((class, is_member, treated))
    }

    /// Queues something for this connection alone, behind what its rooms said before.
    fn tell(&mut self, id: SessionId, segment: Segment) {
        if segment.is_empty() {
            return;
        }
        self.catch_up(id);
        let Shard { connections, dirty, .. } = self;
        // Behind its ERROR nothing follows, though the hub may not know yet that it has left.
        if let Some(connection) = connections.find(id).filter(|connection| !connection.is_ending()) {
            connection.queue(segment, dirty);
        }
    }

    /// What this connection's rooms have said so far goes into its outbox: something else is to follow it.
    fn catch_up(&mut self, id: SessionId) {
        let Shard { connections, rooms, dirty, .. } = self;
        let Some(connection) = connections.find(id) else { return };
        let (of, class) = (connection.rooms.clone(), connection.class);
        rooms.flush_slot(&of, id.slot, class, &mut Queues { connections, dirty });
    }

    /// Bytes as they go onto the socket, for this connection alone.
    pub(super) fn send_raw(&mut self, id: SessionId, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.catch_up(id);
        if let Some(connection) = self.connections.find(id) {
            connection.outbox.push_own(bytes);
            self.mark_dirty(id.slot);
        }
    }

    /// Sees to all that a session wanted: bytes, requests, work, the end.
    pub(super) fn take_output(&mut self, id: SessionId) {
        let Some(connection) = self.connections.find(id) else {
            self.output.bytes.clear();
            self.output.counts.clear();
            return;
        };
        let carrier = connection.class.carrier;
        let form = connection.session().map(Session::form);
        if !self.output.bytes.is_empty() {
            let lines = std::mem::take(&mut self.output.bytes);
            self.send_raw(id, carrier.carried(lines));
        }
        if let Some(form) = form {
            self.change_form(id, form);
        }
        self.requests.extend(self.output.requests.drain(..).map(Into::into));
        for count in self.output.counts.drain(..) {
            match count {
                Count::Refused(reason) => self.handle.metrics.refused(reason),
                Count::Login(succeeded) => self.handle.metrics.login(succeeded),
                Count::Ended(why) => self.handle.metrics.closed_because(why),
            }
        }
        let mut looks_up = false;
        let mut catches_up = None;
        let mut sees = None;
        for work in self.output.work.drain(..) {
            match work {
                Work::CheckPassword { ticket, hash, password } => {
                    self.around.passwords.submit(id, ticket, Task::Check { hash, password });
                }
                Work::HashPassword { ticket, password, scram } => {
                    self.around.passwords.submit(id, ticket, Task::Hash { password, scram });
                }
                Work::ReadAudit { ticket, filter } => {
                    self.around.readers.submit(id, ticket, Reading::Audit(filter));
                }
                Work::OfferExport { ticket, account, proofs_since } => {
                    let result = self.around.exports.offer(account, proofs_since);
                    self.handle.inputs.push(super::ShardInput::WorkDone { session: id, ticket, result });
                }
                Work::DrawToken { ticket } => self.around.passwords.submit(id, ticket, Task::Draw),
                Work::ReadHistory { ticket, grant, stretch, view, limit } => {
                    self.around.readers.submit(id, ticket, Reading::Page { grant, stretch, view, limit });
                }
                Work::FindMessage { ticket, grant, id: message } => {
                    self.around.readers.submit(id, ticket, Reading::Message { grant, id: message });
                }
                Work::FindMessages { ticket, grant, which } => {
                    self.around.readers.submit(id, ticket, Reading::Messages { grant, which });
                }
                Work::ReadReported { ticket, numbers } => {
                    self.around.readers.submit(id, ticket, Reading::Reported(numbers));
                }
                Work::ReadEarlierTexts { ticket, grant, id: message } => {
                    self.around.readers.submit(id, ticket, Reading::EarlierTexts { grant, id: message });
                }
                Work::CountUnread { ticket, question } => {
                    self.around.readers.submit(id, ticket, Reading::Unread(question));
                }
                Work::FindConversation { ticket, grants, id: message } => {
                    self.around.readers.submit(id, ticket, Reading::Conversation { grants, id: message });
                }
                Work::ReadLatestTimes { ticket, grants } => {
                    self.around.readers.submit(id, ticket, Reading::LatestTimes(grants));
                }
                Work::Search { ticket, grants, search, limit } => {
                    self.around.searches.submit(id, ticket, grants, search, limit);
                }
                Work::CatchUp { ticket } => catches_up = Some(ticket),
                Work::SeeConnection { ticket } => sees = Some(ticket),
                Work::LookUpHost { ticket, address } => {
                    self.around.lookups.submit(id, ticket, address);
                    looks_up = true;
                }
            }
        }
        if let Some(ticket) = catches_up {
            self.ask_all_to_catch_up(id, ticket);
        }
        if let Some(ticket) = sees {
            self.see_connection(id, ticket);
        }
        if looks_up {
            let patience_ends = self.now.monotonic_ms + limits::HOST_LOOKUP_PATIENCE.as_millis() as u64;
            self.watch_no_later(id, super::timers::tick_from(patience_ends));
        }
        if std::mem::take(&mut self.output.close) {
            return self.close(id);
        }
        self.count_for_person(id);
        self.end_if_answered(id);
    }

    /// A gateway has said for whom it speaks (WEBIRC): the connection counts for that address from now on, and has its
    /// bounds.
    fn count_for_person(&mut self, id: SessionId) {
        let Some(connection) = self.connections.find(id) else { return };
        let counted = connection.address;
        let Some(session) = connection.session().filter(|session| session.address() != counted) else { return };
        let address = session.address();
        match self.around.admission.readmit(counted, address) {
            Ok(()) => connection.address = address,
            Err(refusal) => {
                let reason = refusal.to_string();
                self.with_session(id, |session, now, facts, output| session.turn_away(now, facts, &reason, output));
            }
        }
    }

    /// A session that has negotiated something else is rendered for in another way from here on.
    fn change_form(&mut self, id: SessionId, form: session::Form) {
        let Shard { connections, rooms, dirty, .. } = self;
        let Some(connection) = connections.find(id) else { return };
        let old = connection.class;
        if old.form == form {
            return;
        }
        connection.class.form = form;
        let (new, of) = (connection.class, connection.rooms.clone());
        rooms.change_form(&of, id.slot, old, new, &mut Queues { connections, dirty });
    }

    /// The end of the turn for the rooms: every member's outbox has its view of what was said.
    pub(super) fn flush_rooms(&mut self) {
        let Shard { connections, rooms, dirty, .. } = self;
        rooms.flush(&mut Queues { connections, dirty });
    }

    /// A message goes to this shard's readers.
    fn delivers(&mut self, since: Timestamp) {
        match &mut self.delivering {
            Some((at, messages)) if *at == since => *messages += 1,
            _ => {
                self.observe_deliveries();
                self.delivering = Some((since, 1));
            }
        }
    }

    pub(super) fn observe_deliveries(&mut self) {
        if let Some((since, messages)) = self.delivering.take() {
            let took = super::wall_clock().0.saturating_sub(since.0);
            self.handle.metrics.delivered(std::time::Duration::from_millis(took), messages);
        }
    }

    /// Takes a connection that is going out of its rooms; what they said before is still written to it.
    pub(super) fn leave_all(&mut self, id: SessionId) {
        let Shard { connections, rooms, dirty, .. } = self;
        let Some(connection) = connections.find(id) else { return };
        let (of, class) = (std::mem::take(&mut connection.rooms), connection.class);
        for room in of {
            rooms.leave(room, id.slot, class, &mut Queues { connections, dirty });
        }
    }

    fn takes_mirror(&mut self, id: SessionId) -> bool {
        self.connections
            .find(id)
            .and_then(|connection| connection.session())
            .is_some_and(|session| session.takes_mirror())
    }

    /// Asked to hear of those it watches (IRCv3 extended-monitor).
    fn takes_watched_events(&mut self, id: SessionId) -> bool {
        self.connections
            .find(id)
            .and_then(|connection| connection.session())
            .is_some_and(|session| session.has(Capability::ExtendedMonitor))
    }

    fn registered_at(&mut self, slot: u32) -> Option<SessionId> {
        let connection = self.connections.at(slot)?;
        connection.session().filter(|session| session.is_registered())?;
        Some(connection.id)
    }
}

/// What one session sees of an event.
enum Treated {
    /// The same bytes as everyone of its class.
    Shared,
    /// These, or nothing.
    Own(Option<Segment>),
}

impl Class {
    fn render(self, event: &Event, facts: &ServerFacts, scratch: &mut Vec<u8>, buffer: &mut Vec<u8>) {
        if self.carrier == Carrier::Lines {
            render::render(event, self.form, facts, buffer);
        } else {
            scratch.clear();
            render::render(event, self.form, facts, scratch);
            self.carrier.carry(scratch, buffer);
        }
    }
}

impl Carrier {
    fn carried(self, lines: Vec<u8>) -> Vec<u8> {
        if self == Carrier::Lines {
            return lines;
        }
        let mut carried = Vec::with_capacity(lines.len() + 16);
        self.carry(&lines, &mut carried);
        carried
    }
}
