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
    /// Several lines are joined by line feeds.
    pub payload: Box<str>,
    /// A message of several lines, or of one that is too long for a line of its own: the places in the payload, rising,
    /// where its sender broke a line only because it was too long. `None`: a message of one line.
    pub seams: Option<Box<[u32]>>,
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
    /// Of a signal: why it is kept. `None`: it passes and is gone.
    pub lasting: Option<Box<Lasting>>,
}

/// How long after it was said its author may take a message back. Moderators may always.
pub const REDACTION_WINDOW_MS: u64 = 24 * 3_600_000;

/// How long after it was said its author may change a message's text.
pub const EDIT_WINDOW_MS: u64 = 24 * 3_600_000;

/// What gives a signal lasting value: it is kept in the room's history, with what else happened there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lasting {
    /// The sender reacts to a message, or takes such a reaction back (`on` false).
    Reaction { to: MessageId, on: bool, value: CompactString },
    /// The sender's client asks for it to be kept.
    Asked,
}

impl Lasting {
    /// The message that it is about.
    pub fn target(&self) -> Option<MessageId> {
        match self {
            Lasting::Reaction { to, .. } => Some(*to),
            Lasting::Asked => None,
        }
    }
}

/// What has become of a message since it was said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MessageState {
    #[default]
    AsSaid,
    /// Its text is not the one that it was said with.
    Edited,
    /// Its text and tags were taken away; who said it and when is left.
    Redacted,
}

impl Message {
    /// The name of the client who said it for someone elsewhere, as it was then. No name of a person here has a stroke, and
    /// every name of someone elsewhere has.
    pub fn relayed_by(&self) -> Option<&CompactString> {
        self.sender.name.contains('/').then_some(&self.sender.realname)
    }

    /// The same with another text: a view of it for someone who can't be shown it as it is. Where its lines were broken
    /// is not known of another text.
    pub fn with_payload(&self, payload: &str) -> Message {
        Message {
            payload: payload.into(),
            seams: self.seams.is_some().then(Box::default),
            sender: self.sender.clone(),
            tags: self.tags.clone(),
            addressed_to: self.addressed_to.clone(),
            once: self.once.clone(),
            lasting: self.lasting.clone(),
            ..*self
        }
    }

    /// The same for members of at least this role.
    pub(crate) fn to_audience(&self, role: Role) -> Message {
        Message { audience: Some(role), seams: self.seams.clone(), ..self.with_payload(&self.payload) }
    }

    /// The same with the text that its author has given it since. `in_lines`: several, or one that is too long for a line.
    pub fn edited(&self, text: &str, in_lines: bool) -> Message {
        Message { seams: in_lines.then(Box::default), ..self.with_payload(text) }
    }

    /// What is left of it when it is redacted.
    pub fn redacted(&self) -> Message {
        Message { seams: None, tags: None, once: None, lasting: None, ..self.with_payload("") }
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
