//! What people keep for themselves: with their account, or, of a guest, with her client.

use super::{State, Undo};
use crate::id::Timestamp;
use crate::personal::{ConversationKey, Personal};

/// Where a person's own things are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::hub) enum Keeper {
    Account(u32),
    /// A guest's client.
    Guest(u32),
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
