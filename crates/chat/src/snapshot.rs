//! The durable state as plain records: what the store gives the hub at start, and what it is told to keep ([`crate::change`]).

use crate::chatroom::RoomFlag;
use crate::command::PersonalMode;
use crate::device_login::DeviceLogin;
use crate::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp};
use crate::invite_link::InviteLink;
use crate::membership::Membership;
use crate::metadata::{Marks, MetadataKey};
use crate::once::Posted;
use crate::personal::ConversationKey;
use crate::pin::PinRecord;
use crate::refusal::{ListKind, Rights};
use crate::report::Report;
use crate::server_ban::ServerBan;
use compact_str::CompactString;
use std::net::IpAddr;
use std::sync::Arc;

/// Everything that outlives the process, except the messages.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub rooms: Vec<RoomRecord>,
    pub accounts: Vec<AccountRecord>,
    pub memberships: Vec<MembershipRecord>,
    pub read_markers: Vec<ReadMarkerRecord>,
    pub metadata: Vec<MetadataRecord>,
    pub marks: Vec<MarksRecord>,
    /// What was said under a key within the last day, the oldest first.
    pub posted_once: Vec<(Posted, MessageId)>,
    /// When something was last said to everyone in each named room where that is still kept.
    pub last_said: Vec<(RoomNumber, Timestamp)>,
    pub server_bans: Vec<ServerBan>,
    pub devices: Vec<DeviceRecord>,
    /// Of accounts that stay without a device.
    pub presences: Vec<PresenceRecord>,
    /// Of each room in the order in which they were pinned.
    pub pins: Vec<PinRecord>,
    pub reports: Vec<Report>,
    /// The last position and time given out; both go on from here.
    pub position: Position,
    pub timestamp: Timestamp,
    /// The next room's number.
    pub next_room: u32,
}

/// A room as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct RoomRecord {
    pub number: RoomNumber,
    pub id: ChatroomId,
    pub kind: RoomKind,
    pub created: Timestamp,
    pub topic: Option<Topic>,
    pub flags: Vec<RoomFlag>,
    pub key: Option<CompactString>,
    pub member_limit: Option<u32>,
    pub slow_seconds: Option<u32>,
    pub forward: Option<RoomNumber>,
    /// Seconds that messages are kept; `None`: as long as the server keeps them.
    pub retention: Option<u32>,
    pub lists: Vec<(ListKind, ListEntry)>,
    pub links: Vec<InviteLink>,
    pub former_names: Vec<FormerName>,
}

/// A name that a room or an account had before, and until when it leads there.
#[derive(Clone, PartialEq, Debug)]
pub struct FormerName {
    pub name: CompactString,
    pub until: Timestamp,
}

#[derive(Clone, PartialEq, Debug)]
pub enum RoomKind {
    /// A named room.
    Named { name: CompactString },
    /// A named room that is the conversation of the accounts that are members of it.
    Group { name: CompactString },
    /// The direct conversation of two clients, the smaller id first. `other`: what one of them, who has no account (any more),
    /// was called last.
    Direct { between: (ClientId, ClientId), other: Option<CompactString> },
}

#[derive(Clone, PartialEq, Debug)]
pub struct Topic {
    pub text: Box<str>,
    /// `name!ident@host` of who set it.
    pub by: CompactString,
    pub at: Timestamp,
}

/// An entry of a ban, exception or invitation list.
#[derive(Clone, PartialEq, Debug)]
pub struct ListEntry {
    pub mask: CompactString,
    pub by: CompactString,
    pub at: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// An account as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct AccountRecord {
    pub id: ClientId,
    pub username: CompactString,
    /// PHC string of Argon2id. `None`: no password login (certificate only).
    pub password_hash: Option<Box<str>>,
    pub scram: Option<Box<ScramKeys>>,
    /// SHA-256 of client certificates that log in as this account (SASL EXTERNAL).
    pub certificates: Vec<[u8; 32]>,
    pub email: Option<Box<str>>,
    pub created: Timestamp,
    pub last_seen: Timestamp,
    pub last_address: Option<IpAddr>,
    /// Rights on the whole server; the first account has all of them and is the owner.
    pub rights: Rights,
    pub owner: bool,
    pub disabled: bool,
    /// When it was last said anew what proves that someone is this account.
    pub proofs_since: Timestamp,
    /// What she says of staying without a device; `None`: as the server has it.
    pub always_on: Option<bool>,
    /// What it was called before, folded; the newest first.
    pub former_names: Vec<FormerName>,
}

/// A device that someone has been connected with. For her own eyes.
#[derive(Clone, PartialEq, Debug)]
pub struct DeviceRecord {
    pub account: ClientId,
    /// Names it to her, for good.
    pub id: u64,
    /// What it calls itself at login; `None`: it is known by the network that it comes from, and by what carries it.
    pub name: Option<CompactString>,
    pub transport: CompactString,
    pub address: IpAddr,
    /// When it last came.
    pub came: Timestamp,
    /// When it was last here. Of one that is here: when it came.
    pub seen: Timestamp,
    /// It stays logged in by this; then it is known by that, and by nothing else.
    pub login: Option<Box<DeviceLogin>>,
}

/// How someone who stays without a device appears: what a start shows of her again.
#[derive(Clone, PartialEq, Debug)]
pub struct PresenceRecord {
    pub account: ClientId,
    pub name: CompactString,
    pub ident: CompactString,
    pub host: CompactString,
    pub realname: CompactString,
    pub modes: Vec<PersonalMode>,
    /// What she says of being away, in words.
    pub away: Option<Box<str>>,
    /// Since when she is here.
    pub since: Timestamp,
}

/// What a server keeps for SCRAM (RFC 5802 section 3): enough to verify, not to impersonate.
#[derive(Clone, PartialEq, Debug)]
pub struct ScramKeys {
    pub iterations: u32,
    pub salt: Vec<u8>,
    pub stored_key: [u8; 32],
    pub server_key: [u8; 32],
}

#[derive(Clone, PartialEq, Debug)]
pub struct MembershipRecord {
    pub room: RoomNumber,
    pub account: ClientId,
    pub membership: Membership,
}

/// Up to when an account has read one of its conversations.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadMarkerRecord {
    pub account: ClientId,
    pub conversation: ConversationKey,
    pub at: Timestamp,
}

/// One value that an account or a room says of itself; `None`: it does not (any more).
#[derive(Clone, PartialEq, Debug)]
pub struct MetadataRecord {
    pub owner: MetadataOwner,
    pub key: MetadataKey,
    pub value: Option<Arc<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MetadataOwner {
    Room(RoomNumber),
    Account(ClientId),
}

/// What an account has marked one of its conversations as.
#[derive(Clone, PartialEq, Debug)]
pub struct MarksRecord {
    pub account: ClientId,
    pub conversation: ConversationKey,
    pub marks: Marks,
}

/// What a login needs to know of an account; shared, since it is read from another thread.
pub type SharedAccount = Arc<AccountRecord>;
