//! Everything that can happen to a conversation, as one closed list. A front end shows changes; it never reads lines.

use std::time::Duration;

use compact_str::CompactString;

use crate::moment::Timestamp;
use crate::outbox::{MessageKind, PostId};

/// How far the present link has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// No link. The front end opens the next one when its clock reaches `retry_at` (as `Moment::since_start`).
    Down { retry_at: Duration },
    /// Finding out what the server can do (CAP).
    Negotiating,
    /// Proving who one is (SASL).
    Authenticating,
    /// Telling a name, or making an account.
    Registering,
    /// Welcome: rooms can be joined and messages sent.
    Joined,
    /// QUIT has been sent; the server's ERROR is awaited.
    Closing,
}

/// A person as a line names one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    pub name: CompactString,
    /// The Client's id, from the tag `parlor/sender-id`.
    pub id: Option<CompactString>,
    pub account: Option<CompactString>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The tag `msgid`.
    pub id: Option<CompactString>,
    pub sender: Person,
    /// Without the wrapping of CTCP.
    pub payload: String,
    /// The tag `time`; the time of arrival where a server sends none.
    pub timestamp: Timestamp,
    /// The room; of a direct message the other person's name.
    pub room_name: CompactString,
    /// The tag `parlor/room-id`.
    pub room_id: Option<CompactString>,
    pub kind: MessageKind,
    /// Said by the person at this client, here or on another device.
    pub own: bool,
    /// Between two people, not in a room.
    pub direct: bool,
    /// The id of the message that this one answers (the tag `+draft/reply`).
    pub reply_to: Option<CompactString>,
}

/// Which part of what was said is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The end.
    Latest,
    Before(Anchor),
    After(Anchor),
    /// The message itself and what stands around it.
    Around(Anchor),
}

/// A place in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    Message(CompactString),
    Time(Timestamp),
}

/// Whether somebody is writing (the tag `+typing`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    Active,
    Paused,
    Done,
}

/// How many; `is_more`: at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub number: usize,
    pub is_more: bool,
}

/// What only a front end that shows whole conversations is told (see [`crate::Connection::converse`]). `room_name`: of a
/// direct conversation the other person's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConversationChange {
    /// `on`: given, or taken back.
    Reacted {
        room_name: CompactString,
        message_id: CompactString,
        who: Person,
        own: bool,
        reaction: String,
        on: bool,
    },
    Edited {
        room_name: CompactString,
        message_id: CompactString,
        payload: String,
    },
    Deleted {
        room_name: CompactString,
        message_id: CompactString,
        by: Person,
        reason: Option<String>,
    },
    Typing {
        room_name: CompactString,
        who: CompactString,
        typing: Typing,
    },
    /// Up to when one has read, on whichever device.
    ReadUpTo {
        room_name: CompactString,
        timestamp: Timestamp,
    },
    Unread {
        room_name: CompactString,
        messages: Count,
        mentions: Count,
        /// Messages whose ids sort behind it are not among them. Empty: the server does not say.
        as_of: CompactString,
    },
    RoomRenamed {
        from: CompactString,
        to: CompactString,
        timestamp: Timestamp,
    },
    /// A page of history that was asked for. `is_end`: there is nothing behind it in the direction of asking.
    History {
        room_name: CompactString,
        page: Page,
        items: Vec<Change>,
        is_end: bool,
    },
    /// The page will not come.
    HistoryRefused {
        room_name: CompactString,
        page: Page,
        sentence: String,
    },
    /// There is a direct conversation with this person, in which something was last said then.
    Correspondent {
        name: CompactString,
        timestamp: Timestamp,
    },
    /// What the server sees of this connection: a name and what it is, of one group (ADDRESS, TLS, TCP, LINK).
    ConnectionSeen {
        group: CompactString,
        facts: Vec<(CompactString, String)>,
    },
    /// A message is kept in view for everyone, or no more.
    Pinned {
        room_name: CompactString,
        message_id: CompactString,
        by: Person,
        on: bool,
    },
    /// How many messages are kept in view.
    PinCount {
        room_name: CompactString,
        number: usize,
    },
    /// What is kept in view, in the order of pinning.
    Pins {
        room_name: CompactString,
        messages: Vec<Message>,
    },
    /// One is told less loudly of this conversation, on whichever device that was said.
    Muted {
        room_name: CompactString,
        on: bool,
    },
    /// A room that there is; the answer to LIST, room by room.
    RoomListed {
        name: CompactString,
        people: usize,
        topic: String,
    },
    /// All rooms have been told.
    RoomsListed,
    /// Who is away in a room has become known.
    PresenceKnown {
        room_name: CompactString,
    },
}

/// Where and when something happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub room_name: CompactString,
    pub room_id: Option<CompactString>,
    pub timestamp: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    LinkState(LinkState),
    /// The server let us in, under this name.
    Welcome {
        name: CompactString,
        account: Option<CompactString>,
    },
    MessageAdded(Message),
    /// Never told unless asked for with [`crate::Connection::converse`].
    Conversation(ConversationChange),
    /// Was said at some time, and is what was searched for.
    Found(Message),
    /// All that was found has been told.
    SearchEnded {
        found: usize,
    },
    /// The server has taken the message; its `MessageAdded` came just before.
    PostAccepted {
        post: PostId,
    },
    PostRefused {
        post: PostId,
        target: CompactString,
        payload: String,
        sentence: String,
    },
    /// The link was lost before the answer came: the message may or may not have been posted.
    PostUnknown {
        post: PostId,
        target: CompactString,
        payload: String,
    },

    Joined {
        place: Place,
        who: Person,
        own: bool,
    },
    Left {
        place: Place,
        who: Person,
        reason: Option<String>,
        own: bool,
    },
    Kicked {
        place: Place,
        who: CompactString,
        by: Person,
        reason: Option<String>,
        own: bool,
    },
    /// `rooms`: those that one shared with who left.
    Quit {
        who: Person,
        reason: Option<String>,
        rooms: Vec<CompactString>,
        timestamp: Timestamp,
    },
    Renamed {
        from: CompactString,
        to: CompactString,
        own: bool,
        rooms: Vec<CompactString>,
        timestamp: Timestamp,
    },
    /// Somebody changed the topic; empty: took it away.
    TopicChanged {
        place: Place,
        by: Person,
        topic: String,
    },
    /// The topic as it stands when one joins or asks.
    TopicIs {
        place: Place,
        topic: String,
    },
    /// Who is in a room; each name with its rank in front (`~ & @ % +`).
    Members {
        room_name: CompactString,
        names: Vec<CompactString>,
    },
    /// Modes of a room, or of oneself.
    ModesChanged {
        target: CompactString,
        by: Person,
        /// As the protocol has them.
        modes: String,
        /// What was done, one phrase for each change, to stand behind the name; for rooms alone.
        phrases: Vec<String>,
        timestamp: Timestamp,
    },
    /// `message` is `None` when the person is back.
    Away {
        who: Person,
        message: Option<String>,
    },
    AccountChanged {
        who: CompactString,
        account: Option<CompactString>,
    },
    RealnameChanged {
        who: Person,
        realname: String,
    },
    Invited {
        room_name: CompactString,
        who: CompactString,
        by: Person,
        own: bool,
    },

    /// A notice from the server, or from a person to us alone.
    Notice {
        from: CompactString,
        text: String,
        timestamp: Timestamp,
    },
    /// One line of the server's message of the day.
    MessageOfTheDay {
        text: String,
    },
    /// An answer worth showing, as a sentence.
    Information {
        sentence: String,
    },
    /// Something asked for was not done; says the mend.
    Refused {
        sentence: String,
    },
    /// A room let us not in. It is not asked again.
    JoinRefused {
        room_name: CompactString,
        sentence: String,
    },
    /// The server lets us not in as who we say we are. The link ends, and another attempt would end likewise.
    LoginRefused {
        sentence: String,
        /// The name and the password do not belong together: another password may do ([`crate::Connection::log_in_again`]).
        wrong_password: bool,
    },
    /// The link is of no use any more: the front end closes it and calls `link_down`.
    LinkDead {
        sentence: String,
    },
    /// After `quit`: the conversation is over. `clean`: the server said goodbye.
    Closed {
        clean: bool,
    },
}
