//! A message: what someone said in a room (a direct conversation is a room of two).

use crate::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp};
use crate::membership::Role;
use crate::once::OnceKey;
use crate::person::Person;
use compact_str::CompactString;
use std::sync::Arc;

/// One message of a room, as it is stored and delivered. Immutable and shared.
#[derive(Debug)]
pub struct Message {
    pub id: MessageId,
    pub sender_id: ClientId,
    pub payload: Box<str>,
    pub timestamp: Timestamp,
    pub chatroom_id: ChatroomId,

    pub position: Position,
    pub room: RoomNumber,
    /// The sender as she appeared when she said it.
    pub sender: Arc<Person>,
    pub kind: MessageKind,
    /// What the sender's client attached for the other clients, as it came (`+a=b;+c`), without the leading `@`.
    pub tags: Option<Box<str>>,
    /// The name it was sent to, as others see it: the room's, or the other person's.
    pub addressed_to: CompactString,
    /// Only members of at least this role receive it.
    pub audience: Option<Role>,
    /// The other person of a direct conversation.
    pub recipient_id: Option<ClientId>,
    /// The key under which it was said, against posting twice. Known where it is said and kept, not where it is read.
    pub once: Option<OnceKey>,
}

impl Message {
    /// The same with another text: a view of it for someone who can't be shown it as it is.
    pub fn with_payload(&self, payload: &str) -> Message {
        Message {
            payload: payload.into(),
            sender: self.sender.clone(),
            tags: self.tags.clone(),
            addressed_to: self.addressed_to.clone(),
            once: self.once.clone(),
            ..*self
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum MessageKind {
    Text,
    /// Never answered by a program (RFC 2812 section 3.3.2).
    Notice,
    /// Only tags, no text: typing, a reaction. Not kept unless it has lasting value.
    Signal,
}
