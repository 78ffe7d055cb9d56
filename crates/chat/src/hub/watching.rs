//! Watching for people: who asked to be told when a name comes and goes.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::event::What;
use crate::id::SessionId;
use crate::name::Username;
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::Refusal;
use compact_str::CompactString;
use std::sync::Arc;

impl Hub {
    pub(super) fn watch(&mut self, asker: Asker, names: Vec<Username>, turn: &mut Turn) {
        let limit = self.settings.monitor_entries;
        let (mut online, mut offline, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let watched = self.watched(asker.session);
            let is_new = !watched.iter().any(|watched| watched.key() == name.key());
            if is_new && watched.len() >= limit {
                refused.push(name.text().clone());
                continue;
            }
            match self.person_named(&name) {
                Some(person) => online.push(person),
                None => offline.push(name.text().clone()),
            }
            if is_new {
                self.state.watch(asker.session, name);
            }
        }
        if !online.is_empty() || !offline.is_empty() {
            turn.answer(Answer::WatchedStatus { online, offline });
        }
        if !refused.is_empty() {
            turn.refuse(Refusal::MonitorListFull {
                limit,
                names: refused,
            });
        }
    }

    pub(super) fn unwatch(&mut self, asker: Asker, names: &[Username]) {
        for name in names {
            self.state.unwatch(asker.session, name.key());
        }
    }

    pub(super) fn unwatch_all(&mut self, asker: Asker) {
        while let Some(key) = self
            .watched(asker.session)
            .last()
            .map(|name| name.key().clone())
        {
            self.state.unwatch(asker.session, &key);
        }
    }

    pub(super) fn watched_names(&self, session: SessionId) -> Vec<CompactString> {
        self.watched(session)
            .iter()
            .map(|name| name.text().clone())
            .collect()
    }

    pub(super) fn watched_status(&self, session: SessionId) -> Answer {
        let (mut online, mut offline) = (Vec::new(), Vec::new());
        for name in self.watched(session) {
            match self.person_named(name) {
                Some(person) => online.push(person),
                None => offline.push(name.text().clone()),
            }
        }
        Answer::WatchedStatus { online, offline }
    }

    pub(super) fn tell_came_online(&self, slot: u32, turn: &mut Turn) {
        self.tell_those_who_watch(slot, What::CameOnline, turn);
    }

    pub(super) fn tell_went_offline(&self, slot: u32, turn: &mut Turn) {
        self.tell_those_who_watch(slot, What::WentOffline, turn);
    }

    fn tell_those_who_watch(&self, slot: u32, what: What, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let sessions = self.state.watchers(client.username.key());
        if !sessions.is_empty() {
            let event = turn.event(&client.person, what);
            turn.to_sessions(sessions, &event, None);
        }
    }

    fn watched(&self, session: SessionId) -> &[Username] {
        let watching = self
            .state
            .session(session)
            .and_then(|session| session.watching.as_deref());
        watching.map_or(&[], |names| names.as_slice())
    }

    fn person_named(&self, name: &Username) -> Option<Arc<Person>> {
        self.person(self.state.client_named(name.key())?)
    }
}
