//! Who is a member of a room and not here. What is live (NAMES, JOIN, QUIT) is about those who are connected; membership
//! is for good, and whoever wants to write to a member, or to name her, must find her when she is not here too.

use super::Hub;
use super::answers::Viewer;
use super::state::{Keeper, MetadataOf};
use super::turn::Turn;
use crate::metadata::DISPLAY_NAME;
use crate::name::ChatroomName;
use crate::permission::Act;
use crate::query::{AbsentMember, AbsentMembers, Answer};
use crate::refusal::Refusal;

/// Rows of one answer. Of a room of more, they are those whose accounts are the oldest.
const MOST_SHOWN: usize = 1_000;

impl Hub {
    /// For members alone: outside one sees who is here, where one sees that.
    pub(super) fn absent_members_answer(
        &self,
        name: &ChatroomName,
        viewer: Viewer,
        turn: &Turn,
    ) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let number = self.room_for(asker.slot, name, Act::SeeAbsent)?;
        let room = self.state.room(number).ok_or_else(|| Refusal::NoSuchRoom { name: name.text().clone() })?;
        // Whoever sees only those who speak there is told of no others.
        let accounts = room.accounts.iter().filter(|_| self.sees_everyone_in(room, viewer));
        let mut absent = accounts.filter_map(|slot| {
            let account =
                self.state.account(*slot).filter(|account| account.client.is_none() && !account.record.disabled)?;
            let roles = self.state.kept_membership(*slot, number)?.roles;
            let metadata = self.state.metadata(MetadataOf::Person(Keeper::Account(*slot)));
            let display_name = metadata.and_then(|all| all.iter().find(|(key, _)| key.as_str() == DISPLAY_NAME));
            Some(AbsentMember {
                id: account.record.id,
                name: account.record.username.clone(),
                roles,
                display_name: display_name.map(|(_, value)| value.clone()),
            })
        });
        let members = absent.by_ref().take(MOST_SHOWN).collect();
        Ok(Answer::AbsentMembers(Box::new(AbsentMembers { room: room.name.clone(), members, more: absent.count() })))
    }
}
