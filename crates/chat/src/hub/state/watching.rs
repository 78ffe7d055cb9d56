//! Who watches which name, and who was here lately.

use super::journal::Undo;
use super::{Returning, State, Whowas};
use crate::id::SessionId;
use crate::name::Username;

impl State {
    pub fn watchers(&self, key: &str) -> &[SessionId] {
        self.watchers.get(key).map_or(&[], |sessions| sessions.as_slice())
    }

    /// The session must not watch the name yet.
    pub fn watch(&mut self, id: SessionId, name: Username) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let key = name.key().clone();
        session.rare_mut().watching.push(name);
        self.watchers.entry(key).or_default().push(id);
        self.journal.push(Undo::Watched(id));
    }

    pub fn unwatch(&mut self, id: SessionId, key: &str) {
        let Some(session) = self.session_mut(id) else {
            return;
        };
        let Some(position) = session.watching().iter().position(|name| name.key() == key) else {
            return;
        };
        let name = session.rare_mut().watching.remove(position);
        session.tidy();
        let mut watcher = 0;
        if let Some(sessions) = self.watchers.get_mut(key) {
            watcher = sessions.iter().position(|session| *session == id).unwrap_or(0);
            if watcher < sessions.len() {
                sessions.remove(watcher);
            }
            if sessions.is_empty() {
                self.watchers.remove(key);
            }
        }
        self.journal.push(Undo::Unwatched {
            session: id,
            position: position as u32,
            watcher: watcher as u32,
            name: Box::new(name),
        });
    }

    /// Latest first.
    pub fn whowas(&self, key: &str) -> impl Iterator<Item = &Whowas> {
        self.whowas.iter().rev().filter(move |entry| entry.key == key)
    }

    /// The latest last.
    pub fn returning(&self) -> &[Returning] {
        &self.returning
    }

    pub fn set_returning(&mut self, returning: Vec<Returning>) {
        let before = std::mem::replace(&mut self.returning, returning);
        self.journal.push(Undo::Returning(before));
    }

    /// Notes someone who was here; of those there are at most `limit`.
    pub fn push_whowas(&mut self, entry: Whowas, limit: usize) {
        if limit == 0 {
            return;
        }
        let evicted = if self.whowas.len() >= limit { self.whowas.pop_front() } else { None };
        self.whowas.push_back(entry);
        self.journal.push(Undo::WhowasAdded { evicted: evicted.map(Box::new) });
    }
}
