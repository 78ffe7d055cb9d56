//! What a person keeps on the server for all of her devices: what she says of herself, and what nobody else ever sees.

use crate::id::{ClientId, RoomNumber, Timestamp};
use crate::metadata::{Marks, Metadata};
use crate::snapshot::DeviceRecord;

/// Read markers of one account. At the limit the one that is furthest back makes way.
pub const READ_MARKERS: usize = 4_096;
/// The same of a guest, whose markers end with the connection.
pub const READ_MARKERS_OF_GUEST: usize = 128;

/// Conversations that one account can have marked as blocked, muted or pinned. One more is refused.
pub const CONVERSATIONS: usize = 1_024;
/// The same of a guest.
pub const CONVERSATIONS_OF_GUEST: usize = 64;

/// Devices of one account that are remembered. At the limit the one makes way that was here the longest ago.
pub const DEVICES: usize = 16;

/// One of a person's conversations, as what she keeps about it is found by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ConversationKey {
    Room(RoomNumber),
    /// With this person, under whatever name.
    With(ClientId),
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Personal {
    pub markers: ReadMarkers,
    pub marks: MarkedConversations,
    /// What she says of herself, to everyone.
    pub metadata: Metadata,
    /// An account's, by their ids.
    pub devices: Vec<DeviceRecord>,
}

impl Personal {
    pub fn is_empty(&self) -> bool {
        self.markers.is_empty() && self.marks.0.is_empty() && self.metadata.is_empty() && self.devices.is_empty()
    }
}

/// The conversations that a person has blocked, muted or pinned.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct MarkedConversations(Vec<(ConversationKey, Marks)>);

impl MarkedConversations {
    pub fn iter(&self) -> impl Iterator<Item = (ConversationKey, Marks)> + '_ {
        self.0.iter().copied()
    }

    pub fn of(&self, conversation: ConversationKey) -> Marks {
        self.find(conversation).map_or(Marks::default(), |place| self.0[place].1)
    }

    /// Returned: what was marked before.
    pub fn set(&mut self, conversation: ConversationKey, marks: Marks) -> Marks {
        match self.find(conversation) {
            Ok(place) if marks.is_empty() => self.0.remove(place).1,
            Ok(place) => std::mem::replace(&mut self.0[place].1, marks),
            Err(_) if marks.is_empty() => Marks::default(),
            Err(place) => {
                self.0.insert(place, (conversation, marks));
                Marks::default()
            }
        }
    }

    fn find(&self, conversation: ConversationKey) -> Result<usize, usize> {
        self.0.binary_search_by(|(of, _)| of.cmp(&conversation))
    }
}

/// Up to when a person has read each of her conversations.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct ReadMarkers(Vec<(ConversationKey, Timestamp)>);

impl ReadMarkers {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &(ConversationKey, Timestamp)> {
        self.0.iter()
    }

    pub fn of(&self, conversation: ConversationKey) -> Option<Timestamp> {
        self.find(conversation).ok().map(|place| self.0[place].1)
    }

    /// Sets one, or with `None` forgets it. Returned: what it was.
    pub fn set(&mut self, conversation: ConversationKey, at: Option<Timestamp>) -> Option<Timestamp> {
        match (self.find(conversation), at) {
            (Ok(place), Some(at)) => Some(std::mem::replace(&mut self.0[place].1, at)),
            (Ok(place), None) => Some(self.0.remove(place).1),
            (Err(place), Some(at)) => {
                self.0.insert(place, (conversation, at));
                None
            }
            (Err(_), None) => None,
        }
    }

    /// The one that was read up to the earliest time.
    pub fn furthest_back(&self) -> Option<ConversationKey> {
        self.0.iter().min_by_key(|(_, at)| *at).map(|(conversation, _)| *conversation)
    }

    fn find(&self, conversation: ConversationKey) -> Result<usize, usize> {
        self.0.binary_search_by(|(of, _)| of.cmp(&conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_replaced_and_forgotten() {
        let room = |number| ConversationKey::Room(RoomNumber(number));
        let mut markers = ReadMarkers::default();
        assert_eq!(markers.set(room(2), Some(Timestamp(5))), None);
        assert_eq!(markers.set(room(1), Some(Timestamp(3))), None);
        assert_eq!(markers.set(room(2), Some(Timestamp(7))), Some(Timestamp(5)));
        assert_eq!(markers.of(room(2)), Some(Timestamp(7)));
        assert_eq!(markers.of(room(9)), None);
        assert_eq!(markers.furthest_back(), Some(room(1)));
        assert_eq!(markers.set(room(1), None), Some(Timestamp(3)));
        assert_eq!(markers.set(room(1), None), None);
        assert_eq!(markers.len(), 1);
    }
}
