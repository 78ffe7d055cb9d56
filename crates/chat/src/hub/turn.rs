//! One request on its way through the hub: who asked, when, and where the effects go.

use crate::change::Change;
use crate::command::Origin;
use crate::effect::{Effect, Effects, EventOrigin, ServerEffect};
use crate::event::{Event, Happening, What};
use crate::id::{Position, SessionId, Timestamp};
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::Refusal;
use std::sync::Arc;

pub(super) struct Turn<'e> {
    pub effects: &'e mut Effects,
    pub origin: Origin,
    pub now: Timestamp,
    pub position: Position,
    /// An event told the session already that all is out.
    pub finished: bool,
}

impl Turn<'_> {
    /// The session that asked.
    pub fn session(&self) -> Option<SessionId> {
        match self.origin {
            Origin::Session { id, .. } => Some(id),
            Origin::Console { .. } | Origin::Server => None,
        }
    }

    /// To whoever asked, with the number of the request.
    pub fn answer(&mut self, answer: Answer) {
        match self.origin {
            Origin::Session { id, number, .. } => self.effects.to(id, Effect::Answer { to: id, number, answer }),
            Origin::Console { number } => self.effects.server.push(ServerEffect::Console { number, answer }),
            Origin::Server => {}
        }
    }

    pub fn refuse(&mut self, refusal: Refusal) {
        self.answer(Answer::Refused(refusal));
    }

    /// To a session: with the number if it asked, unasked otherwise.
    pub fn tell(&mut self, to: SessionId, answer: Answer) {
        let number = match self.origin {
            Origin::Session { id, number, .. } if id == to => number,
            _ => 0,
        };
        self.effects.to(to, Effect::Answer { to, number, answer });
    }

    pub fn keep(&mut self, change: Change) {
        self.effects.changes.push(change);
    }

    /// A place of its own for something that the command leads to.
    pub fn next_position(&mut self) -> Position {
        let position = Position(self.position.0 + self.effects.places);
        self.effects.places += 1;
        position
    }

    pub fn event(&self, by: &Arc<Person>, what: What) -> Event {
        Event::Happened(Arc::new(Happening { at: self.now, place: None, by: by.clone(), what }))
    }

    /// Marks an event as caused by the session that asked; more follows.
    pub fn event_origin(&self) -> Option<EventOrigin> {
        match self.origin {
            Origin::Session { id, number, .. } => Some(EventOrigin { session: id, number, finishes: false }),
            _ => None,
        }
    }

    /// The same for the last event of the request: no `Done` follows it.
    pub fn finishing_origin(&mut self) -> Option<EventOrigin> {
        match self.origin {
            Origin::Session { id, number, last } => {
                self.finished = last;
                Some(EventOrigin { session: id, number, finishes: last })
            }
            _ => None,
        }
    }

    pub fn finish(self) {
        if let Origin::Session { id, number, last: true } = self.origin
            && !self.finished
        {
            self.effects.to(id, Effect::Done { to: id, number });
        }
    }

    /// To these sessions, wherever they are.
    pub fn tell_sessions(&mut self, sessions: &[SessionId], event: &Event, origin: Option<EventOrigin>) {
        self.by_shard(sessions, |sessions| Effect::ToSessions { sessions, event: event.clone(), origin });
    }

    /// To these sessions of those who watch the person.
    pub fn tell_watchers(&mut self, sessions: &[SessionId], event: &Event) {
        self.by_shard(sessions, |sessions| Effect::ToWatchers { sessions, event: event.clone() });
    }

    /// To these other devices of the one who said it.
    pub fn mirror(&mut self, sessions: &[SessionId], event: &Event) {
        self.by_shard(sessions, |sessions| Effect::Mirror { sessions, event: event.clone() });
    }

    fn by_shard(&mut self, sessions: &[SessionId], effect: impl Fn(Vec<SessionId>) -> Effect) {
        match sessions {
            [] => {}
            [one] => self.effects.to(*one, effect(vec![*one])),
            _ => {
                for (shard, list) in self.effects.shards.iter_mut().enumerate() {
                    let here: Vec<SessionId> =
                        sessions.iter().copied().filter(|session| session.shard as usize == shard).collect();
                    if !here.is_empty() {
                        list.push(effect(here));
                    }
                }
            }
        }
    }
}
