//! Keys against posting twice (`parlor/once`): a client that lost its connection in the middle of sending says the same
//! again under the same key, and what was said already is not said again.

use crate::id::{ClientId, MessageId, RoomNumber, Timestamp};
use compact_str::CompactString;
use foldhash::fast::FixedState;
use std::collections::{HashMap, VecDeque};

/// How long a key is known, in milliseconds: 24 hours.
pub const ONCE_MS: u64 = 24 * 3_600_000;

/// Keys that are known at a time, about 60 MB of them. One more, and the oldest is forgotten before its time.
pub const ONCE_KEYS: usize = 1 << 19;

/// 1 to 64 characters of A-Z a-z 0-9 - _.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OnceKey(CompactString);

impl OnceKey {
    pub fn parse(text: &str) -> Option<OnceKey> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        ((1..=64).contains(&text.len()) && text.bytes().all(is_allowed)).then(|| OnceKey(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a key holds for: one client in one room.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Posted {
    pub client: ClientId,
    pub room: RoomNumber,
    pub key: OnceKey,
}

/// The messages of the last day that were said under a key.
#[derive(Debug)]
pub(crate) struct PostedOnce {
    messages: HashMap<Posted, MessageId, FixedState>,
    /// The oldest first; a message's time is in its id.
    order: VecDeque<(Posted, MessageId)>,
}

/// The oldest of [`PostedOnce`], which was forgotten.
#[derive(Debug)]
pub(crate) struct Forgotten {
    posted: Posted,
    id: MessageId,
    /// `false`: the key had been used anew since.
    was_known: bool,
}

impl PostedOnce {
    pub fn new(hasher: FixedState) -> PostedOnce {
        PostedOnce { messages: HashMap::with_hasher(hasher), order: VecDeque::new() }
    }

    /// The message that was said under this key within the last day.
    pub fn find(&self, posted: &Posted, now: Timestamp) -> Option<MessageId> {
        self.messages.get(posted).copied().filter(|id| !is_over(*id, now))
    }

    /// A message that was said later than all others here. Returned: the one that the key stood for before, its day over.
    pub fn add(&mut self, posted: Posted, id: MessageId) -> Option<MessageId> {
        self.order.push_back((posted.clone(), id));
        self.messages.insert(posted, id)
    }

    /// Undoes the last [`PostedOnce::add`].
    pub fn take_back(&mut self, before: Option<MessageId>) {
        let Some((posted, _)) = self.order.pop_back() else { return };
        match before {
            Some(id) => self.messages.insert(posted, id),
            None => self.messages.remove(&posted),
        };
    }

    /// Forgets the oldest, if its day is over or there are too many.
    pub fn forget_oldest(&mut self, now: Timestamp) -> Option<Forgotten> {
        let (_, id) = self.order.front()?;
        if !is_over(*id, now) && self.order.len() <= ONCE_KEYS {
            return None;
        }
        let (posted, id) = self.order.pop_front()?;
        let was_known = self.messages.get(&posted) == Some(&id);
        if was_known {
            self.messages.remove(&posted);
        }
        Some(Forgotten { posted, id, was_known })
    }

    /// Undoes the last [`PostedOnce::forget_oldest`].
    pub fn put_back(&mut self, Forgotten { posted, id, was_known }: Forgotten) {
        if was_known {
            self.messages.insert(posted.clone(), id);
        }
        self.order.push_front((posted, id));
    }

    #[cfg(test)]
    pub fn check(&self) {
        assert!(self.messages.len() <= self.order.len());
        for (posted, id) in &self.messages {
            assert!(self.order.contains(&(posted.clone(), *id)));
        }
    }
}

fn is_over(id: MessageId, now: Timestamp) -> bool {
    id.time().0.saturating_add(ONCE_MS) <= now.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::uuid_v7;
    use uuid::Uuid;

    fn posted(key: &str) -> Posted {
        Posted { client: ClientId(Uuid::from_u128(1)), room: RoomNumber(1), key: OnceKey::parse(key).unwrap() }
    }

    fn said_at(ms: u64) -> MessageId {
        MessageId(uuid_v7(Timestamp(ms), ms, 1))
    }

    #[test]
    fn keys() {
        let longest = "x".repeat(64);
        for (text, expected) in [
            ("a", true),
            ("A-z_09", true),
            (&longest, true),
            ("", false),
            (&format!("{longest}x"), false),
            ("a b", false),
            ("a.b", false),
            ("é", false),
        ] {
            assert_eq!(OnceKey::parse(text).is_some(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_key_holds_for_a_day_and_can_then_be_used_anew() {
        let mut once = PostedOnce::new(FixedState::with_seed(1));
        let (start, day) = (1_000, ONCE_MS);
        assert_eq!(once.find(&posted("a"), Timestamp(start)), None);
        once.add(posted("a"), said_at(start));
        assert_eq!(once.find(&posted("a"), Timestamp(start + day - 1)), Some(said_at(start)));
        assert_eq!(once.find(&posted("a"), Timestamp(start + day)), None);
        assert!(once.forget_oldest(Timestamp(start + day - 1)).is_none());
        let before = once.add(posted("a"), said_at(start + day));
        assert_eq!(before, Some(said_at(start)));
        once.check();
        let forgotten = once.forget_oldest(Timestamp(start + day)).expect("its day is over");
        assert_eq!(once.find(&posted("a"), Timestamp(start + day)), Some(said_at(start + day)));
        once.put_back(forgotten);
        once.take_back(before);
        assert_eq!(once.find(&posted("a"), Timestamp(start + day - 1)), Some(said_at(start)));
        once.take_back(None);
        assert_eq!(once.find(&posted("a"), Timestamp(start)), None);
        once.check();
    }
}
