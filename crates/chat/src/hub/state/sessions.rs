//! Sessions: the devices of clients, in the places that their shards gave them.

use super::journal::Undo;
use super::{SESSIONS_PER_SHARD, Session, SessionPlace, Stage, State};
use crate::id::{ClientId, SessionId};

impl State {
    /// The place of a session, if it is of this generation.
    pub fn session_place(&self, id: SessionId) -> Option<&SessionPlace> {
        let place = self.sessions.get(id.shard as usize)?.get(id.slot as usize)?;
        (place.generation == id.generation).then_some(place)
    }

    /// What is at the place of this session now, of whatever generation.
    pub fn occupant(&self, id: SessionId) -> Option<SessionId> {
        let place = self.sessions.get(id.shard as usize)?.get(id.slot as usize)?;
        let taken = !matches!(place.stage, Stage::Vacant);
        taken.then_some(SessionId { generation: place.generation, ..id })
    }

    pub fn session(&self, id: SessionId) -> Option<&Session> {
        match &self.session_place(id)?.stage {
            Stage::Present(session) => Some(session),
            _ => None,
        }
    }

    pub(super) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let place = self.sessions.get_mut(id.shard as usize)?.get_mut(id.slot as usize)?;
        match &mut place.stage {
            Stage::Present(session) if place.generation == id.generation => Some(session),
            _ => None,
        }
    }

    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.sessions.iter().enumerate().flat_map(|(shard, places)| {
            places.iter().enumerate().filter_map(move |(slot, place)| match &place.stage {
                Stage::Present(session) => {
                    let id = SessionId { shard: shard as u16, slot: slot as u32, generation: place.generation };
                    Some((id, session))
                }
                _ => None,
            })
        })
    }

    /// Whether a session of this name can be.
    pub fn can_seat(&self, id: SessionId) -> bool {
        (id.shard as usize) < self.sessions.len() && id.slot < SESSIONS_PER_SHARD
    }

    pub(super) fn seat(&mut self, id: SessionId) -> Option<&mut SessionPlace> {
        if !self.can_seat(id) {
            return None;
        }
        let places = self.sessions.get_mut(id.shard as usize)?;
        if places.len() <= id.slot as usize {
            places.resize_with(id.slot as usize + 1, SessionPlace::default);
        }
        places.get_mut(id.slot as usize)
    }

    /// Notes that a session has logged in before it arrived (or, with `None`, that it has not). The place must be its
    /// own or free.
    pub fn set_verified(&mut self, id: SessionId, account: Option<ClientId>) {
        let Some(place) = self.seat(id) else { return };
        let stage = account.map_or(Stage::Vacant, Stage::Verified);
        let before = std::mem::replace(place, SessionPlace { generation: id.generation, active: 0, stage });
        self.journal.push(Undo::Stage { session: id, before: Box::new(before) });
    }

    /// Those that have logged in as this account and not arrived. Looks at all places: for what is rare.
    pub fn verified_as(&self, account: ClientId) -> Vec<SessionId> {
        let shards = self.sessions.iter().enumerate();
        let places = shards.flat_map(|(shard, places)| places.iter().enumerate().map(move |place| (shard, place)));
        places
            .filter(|(_, (_, place))| matches!(place.stage, Stage::Verified(verified) if verified == account))
            .map(|(shard, (slot, place))| SessionId {
                shard: shard as u16,
                slot: slot as u32,
                generation: place.generation,
            })
            .collect()
    }

    /// Makes the session a device of its client. The place must be its own or free.
    pub fn attach(&mut self, id: SessionId, session: Session) {
        let slot = session.client;
        let Some(place) = self.seat(id) else { return };
        let stage = Stage::Present(session);
        let before = std::mem::replace(place, SessionPlace { generation: id.generation, active: 0, stage });
        if let Some(client) = self.clients.at_mut(slot) {
            client.sessions.push(id);
            for place in &client.rooms {
                if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                    room.session_entered(id);
                }
            }
        }
        self.counts.sessions += 1;
        self.journal.push(Undo::Attached { session: id, before: Box::new(before) });
    }

    /// Takes the session from its client, and stops its watching.
    pub fn detach(&mut self, id: SessionId) {
        while let Some(key) =
            self.session(id).and_then(|session| session.watching().last()).map(|name| name.key().clone())
        {
            self.unwatch(id, &key);
        }
        let Some(slot) = self.session(id).map(|session| session.client) else {
            return;
        };
        let Some(place) = self.seat(id) else { return };
        let vacant = SessionPlace { generation: id.generation, active: 0, stage: Stage::Vacant };
        let before = std::mem::replace(place, vacant);
        let mut position = 0;
        if let Some(client) = self.clients.at_mut(slot) {
            position = client.sessions.iter().position(|session| *session == id).unwrap_or(0);
            if position < client.sessions.len() {
                client.sessions.remove(position);
            }
            for place in &client.rooms {
                if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                    room.session_left(id);
                }
            }
        }
        self.counts.sessions -= 1;
        self.journal.push(Undo::Detached { session: id, position: position as u32, before: Box::new(before) });
    }
}
