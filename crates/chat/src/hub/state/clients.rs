//! Clients: who is here, by place and by name.

use super::journal::Undo;
use super::{State, name_of_client, named};
use crate::client::Client;
use crate::command::PersonalMode;
use crate::id::{SessionId, Timestamp};
use crate::name::Username;
use std::sync::Arc;

impl State {
    pub fn client(&self, slot: u32) -> Option<&Client> {
        self.clients.at(slot)
    }

    pub fn clients(&self) -> impl Iterator<Item = (u32, &Client)> {
        self.clients.iter()
    }

    pub fn client_named(&self, key: &str) -> Option<u32> {
        self.client_names.find(key, |slot| self.clients.at(slot).map(name_of_client))
    }

    /// Someone else whose name looks like this one.
    pub fn client_looking_like(&self, name: &Username, except: Option<u32>) -> Option<u32> {
        self.client_names.find_confusable(
            named(name),
            |slot| self.clients.at(slot).map(name_of_client),
            |slot| Some(slot) == except,
        )
    }

    /// How many places the table of clients has, taken or free.
    pub fn client_places(&self) -> usize {
        self.clients.entries.len()
    }

    pub fn add_client(&mut self, client: Client) -> u32 {
        let (slot, appended) = self.clients.insert(client);
        self.link_client(slot);
        self.counts.most_clients = self.counts.most_clients.max(self.counts.clients);
        self.journal.push(Undo::ClientAdded { slot, appended });
        slot
    }

    /// She must have left her rooms, and her sessions must be detached.
    pub fn remove_client(&mut self, slot: u32) {
        self.unlink_client(slot);
        if let Some(client) = self.clients.remove(slot) {
            self.journal.push(Undo::ClientRemoved { slot, client: Box::new(client) });
        }
    }

    /// Changes what stands in the client itself. Rooms and sessions have their own methods.
    pub fn change_client(&mut self, slot: u32, change: impl FnOnce(&mut Client)) {
        let Some(client) = self.clients.at_mut(slot) else {
            return;
        };
        let before = client.clone();
        change(client);
        client.tidy();
        self.relink_client(slot, &before);
        self.journal.push(Undo::Client { slot, before: Box::new(before) });
    }

    pub fn touch(&mut self, slot: u32, id: SessionId, now: Timestamp) {
        if let Some(client) = self.clients.at_mut(slot) {
            client.last_active = now;
        }
        let place = self.sessions.get_mut(id.shard as usize).and_then(|places| places.get_mut(id.slot as usize));
        if let Some(place) = place {
            place.active = (now.0 / 1000) as u32;
        }
    }

    pub(super) fn link_client(&mut self, slot: u32) {
        let Some(client) = self.clients.at(slot) else {
            return;
        };
        self.client_names.insert(slot, name_of_client(client));
        self.counts.clients += 1;
        self.counts.invisible += usize::from(client.has(PersonalMode::Invisible));
        self.counts.operators += usize::from(client.has(PersonalMode::Operator));
        if let Some(leaving) = client.leaving() {
            self.deadlines.insert((leaving.deadline, slot));
        }
        if let Some(account) = client.account.as_ref().and_then(|account| self.accounts.at_mut(account.slot)) {
            account.client = Some(slot);
        }
    }

    pub(super) fn unlink_client(&mut self, slot: u32) {
        let Some(client) = self.clients.at(slot) else {
            return;
        };
        self.client_names.remove(slot, name_of_client(client));
        self.counts.clients -= 1;
        self.counts.invisible -= usize::from(client.has(PersonalMode::Invisible));
        self.counts.operators -= usize::from(client.has(PersonalMode::Operator));
        if let Some(leaving) = client.leaving() {
            self.deadlines.remove(&(leaving.deadline, slot));
        }
        if let Some(account) = client.account.as_ref().and_then(|account| self.accounts.at_mut(account.slot)) {
            account.client = None;
        }
    }

    /// Puts right what is derived from a client, after it was changed from `before`.
    pub(super) fn relink_client(&mut self, slot: u32, before: &Client) {
        let Some(client) = self.clients.at(slot) else {
            return;
        };
        if client.username != before.username {
            self.client_names.remove(slot, name_of_client(before));
            self.client_names.insert(slot, name_of_client(client));
        }
        if client.modes != before.modes {
            let has = |client: &Client, mode| usize::from(client.has(mode));
            let (invisible, operator) = (PersonalMode::Invisible, PersonalMode::Operator);
            self.counts.invisible = self.counts.invisible + has(client, invisible) - has(before, invisible);
            self.counts.operators = self.counts.operators + has(client, operator) - has(before, operator);
        }
        if client.leaving() != before.leaving() {
            if let Some(leaving) = before.leaving() {
                self.deadlines.remove(&(leaving.deadline, slot));
            }
            if let Some(leaving) = client.leaving() {
                self.deadlines.insert((leaving.deadline, slot));
            }
        }
        let account_slot = |client: &Client| client.account.as_ref().map(|account| account.slot);
        if account_slot(client) != account_slot(before) {
            if let Some(account) = account_slot(before).and_then(|slot| self.accounts.at_mut(slot)) {
                account.client = None;
            }
            if let Some(account) = account_slot(client).and_then(|slot| self.accounts.at_mut(slot)) {
                account.client = Some(slot);
            }
        }
        if !Arc::ptr_eq(&client.person, &before.person) {
            for place in &client.rooms {
                if let Some(room) = self.rooms.get_mut(place.room.0 as usize).and_then(Option::as_deref_mut) {
                    room.rows = None;
                    if let Some(member) = room.members.get_mut(place.member as usize) {
                        member.verdict = None;
                    }
                }
            }
        }
    }

    /// The first client that is to be announced as gone, and when.
    pub fn next_deadline(&self) -> Option<(Timestamp, u32)> {
        self.deadlines.first().copied()
    }
}
