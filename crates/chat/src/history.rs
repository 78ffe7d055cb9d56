//! Reading what was said: what may be asked, and what the hub grants. The hub keeps no history; whoever has a grant
//! reads the store with it, beside the hub and never through it (design: old history is not read through the hub).

use crate::id::{ClientId, MessageId, Position, RoomNumber, Timestamp};
use crate::membership::Role;
use crate::message::Message;
use compact_str::CompactString;
use std::sync::Arc;

/// Leave to read one conversation, as of the moment it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    pub room: RoomNumber,
    /// What the reader calls the conversation: the room's name, or the other person's.
    pub name: CompactString,
    pub reader: ClientId,
    /// The reader's highest role there: what was said to higher ones alone is not hers to read, unless she said it.
    pub role: Option<Role>,
    /// What was said before this is not hers to read either.
    pub since: Since,
}

/// Where what someone may read of a conversation begins, itself included: behind both. By default nothing is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Since {
    pub position: Position,
    pub time: Timestamp,
}

/// A place in a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// One that is not there (any more) stands for the time that its id holds.
    Message(MessageId),
    Time(Timestamp),
}

/// Which messages of a conversation; marks themselves are left out, but for the one that others are around of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stretch {
    /// The last ones, or the last ones behind a mark.
    Latest {
        after: Option<Mark>,
    },
    Before(Mark),
    After(Mark),
    /// Half of them before the mark, and from it on.
    Around(Mark),
    /// Read from the first mark towards the second, whichever is earlier.
    Between(Mark, Mark),
}

impl Grant {
    /// Whether this message of the conversation is the reader's to read.
    pub fn covers(&self, message: &Message) -> bool {
        message.room == self.room
            && message.position >= self.since.position
            && message.timestamp >= self.since.time
            && (message.audience.is_none_or(|least| self.role.is_some_and(|role| role >= least))
                || message.sender_id == self.reader)
    }
}

impl Mark {
    /// The time that it stands for where the message itself is not there.
    pub fn time(self) -> Timestamp {
        match self {
            Mark::Time(time) => time,
            Mark::Message(id) => id.time(),
        }
    }
}

/// What a reader of the store yields, in the plainest way: faster ones are tested against it. `said`: all messages of
/// all rooms in the order of their positions.
pub fn select(said: &[Arc<Message>], grant: &Grant, stretch: Stretch, limit: usize) -> Vec<Arc<Message>> {
    let room: Vec<&Arc<Message>> = said.iter().filter(|message| message.room == grant.room).collect();
    // Before how many messages of the room a mark ends, and behind how many it does.
    let bounds = |mark: Mark| match mark {
        Mark::Message(id) if room.iter().any(|message| message.id == id) => {
            let at = room.iter().take_while(|message| message.id != id).count();
            (at, at + 1)
        }
        mark => {
            let time = mark.time();
            let count = |counts: &dyn Fn(Timestamp) -> bool| room.iter().filter(|said| counts(said.timestamp)).count();
            (count(&|said| said < time), count(&|said| said <= time))
        }
    };
    let visible = |from: usize, to: usize| {
        let part = room.get(from..to).unwrap_or_default();
        part.iter().filter(|message| grant.covers(message)).map(|message| Arc::clone(message)).collect::<Vec<_>>()
    };
    let first = |mut found: Vec<Arc<Message>>, limit: usize| {
        found.truncate(limit);
        found
    };
    let last = |mut found: Vec<Arc<Message>>, limit: usize| found.split_off(found.len().saturating_sub(limit));
    match stretch {
        Stretch::Latest { after } => last(visible(after.map_or(0, |mark| bounds(mark).1), room.len()), limit),
        Stretch::Before(mark) => last(visible(0, bounds(mark).0), limit),
        Stretch::After(mark) => first(visible(bounds(mark).1, room.len()), limit),
        Stretch::Around(mark) => {
            let middle = bounds(mark).0;
            let mut found = last(visible(0, middle), limit / 2);
            found.extend(first(visible(middle, room.len()), limit - limit / 2));
            found
        }
        Stretch::Between(from, to) => {
            let (from, to) = (bounds(from), bounds(to));
            if from.0 <= to.0 {
                first(visible(from.1, to.0.max(from.1)), limit)
            } else {
                last(visible(to.1, from.0.max(to.1)), limit)
            }
        }
    }
}
