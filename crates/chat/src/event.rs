//! What happened, for those who are to see it. Rendered by the edge once per distinct form, so cheap to clone.

use crate::chatroom::RoomFlag;
use crate::command::PersonalMode;
use crate::id::{ChatroomId, MessageId, Position, RoomNumber, Timestamp};
use crate::membership::Role;
use crate::message::{Message, MessageKind};
use crate::metadata::MetadataKey;
use crate::person::Person;
use crate::refusal::ListKind;
use compact_str::CompactString;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Event {
    Posted(Arc<Message>),
    Happened(Arc<Happening>),
}

impl Event {
    /// It is of a person and of no room: told through one of her rooms, it concerns what is said in all the others, and
    /// whoever is in several must not see it out of its place among that.
    pub fn is_of_a_person(&self) -> bool {
        matches!(
            self,
            Event::Happened(happening) if matches!(
                happening.what,
                What::Quit { .. }
                    | What::Renamed { .. }
                    | What::RealnameChanged { .. }
                    | What::HostChanged { .. }
                    | What::AccountChanged { .. }
                    | What::AwayChanged { .. }
            )
        )
    }
}

#[derive(Debug)]
pub struct Happening {
    pub at: Timestamp,
    /// Where it stands in the history of the rooms that it concerns; `None`: in none.
    pub place: Option<Place>,
    /// Who did it, as she appeared before it. An empty name: the server itself.
    pub by: Arc<Person>,
    pub what: What,
}

/// Where something stands in the one order, and by which id it is known. What one command leads to stands in places of
/// its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub id: MessageId,
    pub position: Position,
}

/// Enough of a room for an event.
#[derive(Clone, Debug)]
pub struct RoomRef {
    pub number: RoomNumber,
    pub id: ChatroomId,
    pub name: CompactString,
}

#[derive(Debug)]
pub enum What {
    /// `by` is in the room now. `away`: she is, with this message.
    Joined {
        room: RoomRef,
        away: Option<Box<str>>,
        roles: crate::membership::Roles,
    },
    Left {
        room: RoomRef,
        reason: Option<Box<str>>,
    },
    Kicked {
        room: RoomRef,
        who: Arc<Person>,
        reason: Option<Box<str>>,
    },
    /// `by` is gone from the server (told to everyone who shares a room).
    Quit {
        reason: Box<str>,
    },
    Renamed {
        to: CompactString,
    },
    RealnameChanged {
        to: CompactString,
    },
    HostChanged {
        ident: CompactString,
        host: CompactString,
    },
    /// `None`: logged out.
    AccountChanged {
        account: Option<CompactString>,
    },
    AwayChanged {
        message: Option<Box<str>>,
    },
    TopicChanged {
        room: RoomRef,
        text: Box<str>,
    },
    RoomChanged {
        room: RoomRef,
        steps: Vec<RoomStep>,
    },
    /// The room has another name from here on.
    RoomRenamed {
        room: RoomRef,
        old: CompactString,
        reason: Option<Box<str>>,
    },
    /// A message has another text from here on. In a direct conversation the room's name is the other person's.
    Edited {
        room: RoomRef,
        /// Of this event.
        id: MessageId,
        target: MessageId,
        /// Of the message, as its audience.
        kind: MessageKind,
        audience: Option<Role>,
        text: Box<str>,
    },
    /// A message is kept in view from here on, or no longer. In a direct conversation the room's name is the other person's.
    Pinned {
        room: RoomRef,
        target: MessageId,
        on: bool,
        /// As it was then, for those who have to be told what it said; history does not tell it once more.
        message: Option<Arc<Message>>,
    },
    /// The text of a message was taken away for good. In a direct conversation the room's name is the other person's.
    Redacted {
        room: RoomRef,
        target: MessageId,
        /// Who had said it, and when, for those who know of no redactions; history does not tell it once more. Not of
        /// signals, which they did not see.
        said: Option<(Arc<Person>, Timestamp)>,
        reason: Option<Box<str>>,
    },
    /// Told to the invited person, and to members who may invite (`to_invited` false).
    Invited {
        room: RoomRef,
        who: Arc<Person>,
        to_invited: bool,
    },
    /// Told to those who may let people in.
    Knocked {
        room: RoomRef,
        text: Option<Box<str>>,
    },
    OwnModesChanged {
        changes: Vec<(bool, PersonalMode)>,
    },
    Announced {
        text: Box<str>,
        wallops: bool,
    },
    /// Told to those who subscribe to the key. `value`: `None`: there is none any more.
    MetadataChanged {
        of: CompactString,
        key: MetadataKey,
        value: Option<Arc<str>>,
    },
    /// Told to those who watch `by`.
    CameOnline,
    WentOffline,
}

/// A step of a change that took effect.
#[derive(Clone, PartialEq, Debug)]
pub enum RoomStep {
    Flag {
        on: bool,
        flag: RoomFlag,
    },
    /// On removal the old key is named.
    Key {
        on: bool,
        key: CompactString,
    },
    MemberLimit {
        limit: Option<u32>,
    },
    SlowMode {
        seconds: Option<u32>,
    },
    /// On removal the old room is not named.
    Forward {
        to: Option<CompactString>,
    },
    Retention {
        seconds: Option<u32>,
    },
    Role {
        on: bool,
        role: Role,
        who: CompactString,
    },
    List {
        on: bool,
        list: ListKind,
        mask: CompactString,
    },
}
