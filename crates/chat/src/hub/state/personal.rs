//! What people keep for themselves: with their account, or, of a guest, with her client.

use super::{State, Undo};
use crate::id::{RoomNumber, SessionId, Timestamp};
use crate::metadata::{Marks, Metadata, MetadataKey};
use crate::personal::{ConversationKey, Personal};
use crate::snapshot::DeviceRecord;
use std::sync::Arc;

/// Where a person's own things are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::hub) enum Keeper {
    Account(u32),
    /// A guest's client.
    Guest(u32),
}

/// Whose metadata.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::hub) enum MetadataOf {
    Person(Keeper),
    Room(RoomNumber),
}

impl State {
    pub fn keeper_of(&self, client: u32) -> Option<Keeper> {
        let found = self.client(client)?;
        Some(found.account.as_ref().map_or(Keeper::Guest(client), |account| Keeper::Account(account.slot)))
    }

    pub fn personal(&self, keeper: Keeper) -> Option<&Personal> {
        match keeper {
            Keeper::Account(slot) => self.account(slot)?.personal.as_deref(),
            Keeper::Guest(slot) => self.client(slot)?.rare.as_ref()?.personal.as_deref(),
        }
    }

    pub fn marker(&self, keeper: Keeper, conversation: ConversationKey) -> Option<Timestamp> {
        self.personal(keeper)?.markers.of(conversation)
    }

    /// Sets a read marker, or with `None` forgets it. A room that someone has read is not forgotten.
    pub fn set_marker(&mut self, keeper: Keeper, conversation: ConversationKey, at: Option<Timestamp>) {
        let mut before = None;
        self.with_personal(keeper, |personal| before = personal.markers.set(conversation, at));
        let mut had_history = true;
        if let ConversationKey::Room(number) = conversation
            && let Some(room) = self.room_mut(number)
        {
            had_history = std::mem::replace(&mut room.has_history, true);
        }
        self.journal.push(Undo::Marker { keeper, conversation, before, had_history });
    }

    /// The client that is present as this account, or that is this guest.
    pub fn client_of(&self, keeper: Keeper) -> Option<u32> {
        match keeper {
            Keeper::Account(slot) => self.account(slot)?.client,
            Keeper::Guest(slot) => Some(slot),
        }
    }

    // Marks

    pub fn marks(&self, keeper: Keeper, conversation: ConversationKey) -> Marks {
        self.personal(keeper).map_or(Marks::default(), |personal| personal.marks.of(conversation))
    }

    pub fn marked(&self, keeper: Keeper) -> impl Iterator<Item = (ConversationKey, Marks)> + '_ {
        self.personal(keeper).into_iter().flat_map(|personal| personal.marks.iter())
    }

    pub fn set_marks(&mut self, keeper: Keeper, conversation: ConversationKey, marks: Marks) {
        let mut before = Marks::default();
        self.with_personal(keeper, |personal| before = personal.marks.set(conversation, marks));
        self.journal.push(Undo::Marks { keeper, conversation, before });
    }

    // Metadata

    pub fn metadata(&self, of: MetadataOf) -> Option<&Metadata> {
        match of {
            MetadataOf::Person(keeper) => Some(&self.personal(keeper)?.metadata),
            MetadataOf::Room(number) => self.room(number)?.metadata.as_deref(),
        }
    }

    pub fn set_metadata(&mut self, of: MetadataOf, key: MetadataKey, value: Option<Arc<str>>) {
        let before = self.put_metadata(of, key.clone(), value);
        self.journal.push(Undo::Metadata { of, key: Box::new(key), before });
    }

    /// Without a note on the journal. Returned: what it was.
    pub(super) fn put_metadata(
        &mut self,
        of: MetadataOf,
        key: MetadataKey,
        value: Option<Arc<str>>,
    ) -> Option<Arc<str>> {
        match of {
            MetadataOf::Person(keeper) => {
                let mut before = None;
                self.with_personal(keeper, |personal| before = personal.metadata.set(key, value));
                before
            }
            MetadataOf::Room(number) => {
                let room = self.room_mut(number)?;
                let metadata = room.metadata.get_or_insert_default();
                let before = metadata.set(key, value);
                if metadata.is_empty() {
                    room.metadata = None;
                }
                before
            }
        }
    }

    // Whether someone is at a device

    pub fn is_absent(&self, id: SessionId) -> bool {
        self.session(id).and_then(|session| session.rare.as_ref()).is_some_and(|rare| rare.is_absent)
    }

    pub fn set_absent(&mut self, id: SessionId, is_absent: bool) {
        let before = self.put_absent(id, is_absent);
        self.journal.push(Undo::Absent { session: id, before });
    }

    pub(super) fn put_absent(&mut self, id: SessionId, is_absent: bool) -> bool {
        let Some(session) = self.session_mut(id) else { return false };
        let before = std::mem::replace(&mut session.rare_mut().is_absent, is_absent);
        session.tidy();
        before
    }

    // Devices

    /// Those that are remembered of an account, connected or not, by their ids.
    pub fn devices(&self, account: u32) -> &[DeviceRecord] {
        self.personal(Keeper::Account(account)).map_or(&[], |personal| personal.devices.as_slice())
    }

    pub fn set_devices(&mut self, account: u32, devices: Vec<DeviceRecord>) {
        let before = self.put_devices(account, devices);
        self.journal.push(Undo::Devices { account, before });
    }

    pub(super) fn put_devices(&mut self, account: u32, devices: Vec<DeviceRecord>) -> Vec<DeviceRecord> {
        let mut before = Vec::new();
        self.with_personal(Keeper::Account(account), |personal| {
            before = std::mem::replace(&mut personal.devices, devices);
        });
        before
    }

    // Subscriptions

    pub fn subscriptions(&self, id: SessionId) -> &[MetadataKey] {
        let rare = self.session(id).and_then(|session| session.rare.as_ref());
        rare.map_or(&[], |rare| rare.subscriptions.as_slice())
    }

    pub fn subscribes(&self, id: SessionId, key: &MetadataKey) -> bool {
        self.subscriptions(id).contains(key)
    }

    pub fn set_subscriptions(&mut self, id: SessionId, keys: Vec<MetadataKey>) {
        let before = self.put_subscriptions(id, keys);
        self.journal.push(Undo::Subscriptions { session: id, before });
    }

    pub(super) fn put_subscriptions(&mut self, id: SessionId, keys: Vec<MetadataKey>) -> Vec<MetadataKey> {
        let Some(session) = self.session_mut(id) else { return Vec::new() };
        let before = std::mem::replace(&mut session.rare_mut().subscriptions, keys);
        session.tidy();
        before
    }

    /// Changes what someone keeps, without a note on the journal. What is empty takes no space.
    pub(super) fn with_personal(&mut self, keeper: Keeper, change: impl FnOnce(&mut Personal)) {
        let place = match keeper {
            Keeper::Account(slot) => match self.accounts.at_mut(slot) {
                Some(account) => &mut account.personal,
                None => return,
            },
            Keeper::Guest(slot) => match self.clients.at_mut(slot) {
                Some(client) => &mut client.rare_mut().personal,
                None => return,
            },
        };
        let personal = place.get_or_insert_default();
        change(personal);
        if personal.is_empty() {
            *place = None;
        }
        if let Keeper::Guest(slot) = keeper
            && let Some(client) = self.clients.at_mut(slot)
        {
            client.tidy();
        }
    }
}
