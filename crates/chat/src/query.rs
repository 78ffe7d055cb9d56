//! Everything that can be asked without changing anything, and the answers. Who may see what is decided by the hub.

use crate::chatroom::RoomFlag;
use crate::event::RoomRef;
use crate::history::Grant;
use crate::id::{ChatroomId, ClientId, MessageId, Timestamp};
use crate::invite_link::{InviteLink, LinkHash};
use crate::membership::Roles;
use crate::message::Message;
use crate::metadata::MetadataKey;
use crate::name::{ChatroomName, Username};
use crate::person::Person;
use crate::pin::Pin;
use crate::refusal::ListKind;
use crate::report::{ClosedReports, ReportView};
use crate::server_ban::ServerBan;
use crate::snapshot::{ListEntry, SharedAccount, Topic};
use crate::unread::UnreadQuestion;
use compact_str::CompactString;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Query {
    /// Nothing but to be told, by the end of the request, that everything which anyone had asked before has been told to
    /// whom it concerns.
    Nothing,
    /// What is needed to check a login; counts as an attempt. `Credentials`, for unknown names as well.
    /// `exempt`: from an address without login throttles.
    Credentials {
        name: Username,
        address: IpAddr,
        exempt: bool,
    },
    /// The account of a client certificate, if any (SASL EXTERNAL). `Credentials`.
    CertificateAccount {
        certificate: [u8; 32],
    },
    Account {
        name: Username,
    },
    Accounts,

    Topic {
        room: ChatroomName,
    },
    Members {
        room: ChatroomName,
    },
    /// Accounts that are members of a room and not here. `AbsentMembers`.
    AbsentMembers {
        room: ChatroomName,
    },
    RoomSettings {
        room: ChatroomName,
    },
    RoomList {
        room: ChatroomName,
        list: ListKind,
    },
    InviteLinks {
        room: ChatroomName,
    },
    /// Into which room a link leads, for whoever has it. `LinkLeads`, or `LinkInvalid`.
    InviteLink {
        hash: LinkHash,
    },
    Rooms(Box<RoomFilter>),
    OwnInvitations,
    /// The groups that one is in. `Groups`.
    Groups,
    OwnModes,
    /// Who may write to the asker without an account.
    Accepted,

    /// `Who` rows of a room's members, of one person, or of everyone matching a mask.
    Who {
        of: WhoTarget,
        operators_only: bool,
    },
    Whois {
        name: Username,
    },
    Whowas {
        name: Username,
        count: usize,
    },
    /// For each name: is it here, and a few facts. The names not here are left out.
    Present {
        names: Vec<Username>,
    },
    Watched,
    /// Which of the watched are here.
    WatchedStatus,
    Counts,
    /// For operators: everyone's connections.
    Connections,
    Operators,
    /// Leave to read what is noted of who did what. `AuditGranted`.
    Audit,
    ServerBans,

    /// Leave to read what was said there. `HistoryGranted`.
    History {
        of: Conversation,
    },
    /// `Metadata`. `keys`: `None`: all that are set.
    Metadata {
        of: MetadataTarget,
        keys: Option<Vec<MetadataKey>>,
    },
    /// What one subscribes to, of a room with its members or of a person. `MetadataValues`.
    MetadataSync {
        of: MetadataTarget,
    },
    Subscriptions,
    /// What is to be counted of all of one's conversations. `Unread`.
    Unread,
    /// What is to be counted of one's direct conversations since one was here last; of none, if another device was here.
    /// `Unread`.
    Missed,
    /// Whether one stays when all devices are gone. `AlwaysOn`.
    AlwaysOn,
    /// One's own sessions, and devices that are not connected. `Devices`.
    Devices,
    /// Up to when one has read it. `ReadMarker`.
    ReadMarker {
        of: Conversation,
    },
    /// Leave to read what edited messages said before. `HistoryGranted`.
    EarlierTexts {
        of: Conversation,
    },
    /// What is pinned there, with leave to read it. `Pins`.
    Pins {
        of: Conversation,
    },
    /// The open reports that one may see; `None`: of all rooms, and of direct messages. `Reports`.
    Reports {
        room: Option<ChatroomName>,
    },
    /// Leave to read in all of one's rooms and direct conversations. `Conversations`.
    Conversations,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Conversation {
    Room(ChatroomName),
    /// The direct conversation with this person, who need not be here.
    With(Username),
}

/// Whose metadata is meant.
#[derive(Clone, PartialEq, Debug)]
pub enum MetadataTarget {
    Oneself,
    Person(Username),
    Room(ChatroomName),
}

#[derive(Clone, Debug)]
pub enum WhoTarget {
    Room(ChatroomName),
    /// Matched against names, idents, hosts, realnames, accounts; an exact name is such a mask too.
    Mask(CompactString),
}

/// Which rooms to list; all conditions hold at once. Sizes and ages as asked.
#[derive(Clone, Debug, Default)]
pub struct RoomFilter {
    /// Exact names; empty: all.
    pub names: Vec<ChatroomName>,
    /// Masks with `*` and `?`; any of them.
    pub masks: Vec<CompactString>,
    pub not_masks: Vec<CompactString>,
    pub more_members_than: Option<usize>,
    pub fewer_members_than: Option<usize>,
    /// Minutes.
    pub created_more_than_ago: Option<u64>,
    pub created_less_than_ago: Option<u64>,
    pub topic_more_than_ago: Option<u64>,
    pub topic_less_than_ago: Option<u64>,
    /// Since something was last said there; with "more than", rooms where nothing was are meant too.
    pub said_more_than_ago: Option<u64>,
    pub said_less_than_ago: Option<u64>,
}

/// Told to one session, with the number of its request. Vectors are in a stable order.
#[derive(Debug, Clone)]
pub enum Answer {
    Refused(crate::refusal::Refusal),
    Welcome(Box<Welcome>),
    Credentials(Box<Credentials>),
    LoggedIn {
        account: CompactString,
        person: Option<Arc<Person>>,
    },
    LoggedOut,
    AccountCreated {
        account: CompactString,
        /// It is the first one, and so the server's owner.
        is_owner: bool,
    },
    AccountChanged {
        account: CompactString,
    },
    AccountDeleted {
        account: CompactString,
    },
    /// A device is logged in to this account, and stays so. `is_due`: what it shows is to be replaced.
    DeviceLogin {
        account: CompactString,
        id: ClientId,
        device: CompactString,
        is_due: bool,
    },
    Account(SharedAccount),
    Accounts(Vec<SharedAccount>),

    /// One's own join worked (told to every session of the client, after the event); what a newcomer is shown.
    Entered(Box<RoomView>),
    Topic {
        room: CompactString,
        topic: Option<Topic>,
    },
    Members(Box<RoomMembers>),
    AbsentMembers(Box<AbsentMembers>),
    RoomSettings(Box<RoomSettingsView>),
    RoomList {
        room: CompactString,
        list: ListKind,
        entries: Vec<ListEntry>,
    },
    LinkCreated {
        room: CompactString,
        link: Box<InviteLink>,
    },
    LinkRevoked {
        room: CompactString,
        id: CompactString,
    },
    InviteLinks {
        room: CompactString,
        links: Vec<InviteLink>,
    },
    LinkLeads {
        room: CompactString,
    },
    Rooms(Vec<RoomRow>),
    OwnInvitations(Vec<CompactString>),
    /// Kept out of one room, let into another instead (or in there already); or that room is called so now.
    Forwarded {
        from: CompactString,
        to: CompactString,
        is_renamed: bool,
    },
    /// A room has another name: told to each session of its members, and to the one that asked. What is to be shown of it
    /// depends on what the session knows, so it is no event that all see alike.
    RoomRenamed {
        renaming: Arc<RoomRenaming>,
        is_member: bool,
        /// Up to when she has read it.
        read_marker: Option<Timestamp>,
    },
    /// Those of them who are here, by name.
    Accepted(Vec<CompactString>),
    OwnModes {
        modes: Vec<crate::command::PersonalMode>,
    },
    Invited {
        who: CompactString,
        room: CompactString,
        away: Option<Box<str>>,
    },
    Knocked {
        room: CompactString,
    },
    Group(GroupRow),
    Groups(Vec<GroupRow>),

    Who {
        target: CompactString,
        rows: Vec<WhoRow>,
    },
    Whois(Box<Profile>),
    Whowas {
        name: CompactString,
        rows: Vec<WhowasRow>,
    },
    Present(Vec<PresentRow>),
    /// The recipient of a direct message is away.
    RecipientAway {
        name: CompactString,
        message: Box<str>,
    },
    Away {
        now: bool,
    },
    Watched(Vec<CompactString>),
    WatchedStatus {
        online: Vec<Arc<Person>>,
        offline: Vec<CompactString>,
    },
    Counts(Box<Counts>),
    Connections(Vec<ConnectionRow>),
    AuditGranted,
    Operators(Vec<Arc<Person>>),
    /// With the name of each account.
    ServerBans(Vec<(ServerBan, Option<CompactString>)>),
    /// `closed`: connections that were ended by it.
    BannedFromServer {
        ban: Box<ServerBan>,
        account: Option<CompactString>,
        closed: usize,
    },
    ServerBanLifted {
        ban: Box<ServerBan>,
        account: Option<CompactString>,
    },
    BecameOperator {
        title: CompactString,
    },
    Killed {
        who: CompactString,
    },

    /// That was said already, as this message; with leave to read it.
    Repeated {
        id: MessageId,
        history: Box<Grant>,
    },

    /// In the order of the keys asked for.
    Metadata {
        of: CompactString,
        rows: Vec<MetadataRow>,
    },
    MetadataSet {
        row: MetadataRow,
        was_set: bool,
    },
    /// Values as they are now: asked for of this target, or `None`: told because something began that they belong to.
    MetadataValues {
        of: Option<CompactString>,
        rows: Vec<MetadataRow>,
    },
    /// There is too much to be told of this room by itself: it is to be asked for.
    MetadataSyncLater {
        of: CompactString,
    },
    /// `refused`: the first key for which there was no room.
    Subscribed {
        keys: Vec<MetadataKey>,
        refused: Option<MetadataKey>,
    },
    Unsubscribed {
        keys: Vec<MetadataKey>,
    },
    Subscriptions(Vec<MetadataKey>),

    Unread(Box<UnreadQuestion>),
    /// Told unasked when another device has changed it.
    AlwaysOn(AlwaysOnStatus),
    Devices(Vec<DeviceRow>),
    DeviceEnded {
        id: CompactString,
    },
    DeviceForgotten {
        id: CompactString,
    },

    /// `None`: there is no marker. Told unasked when another device has moved it.
    ReadMarker {
        of: CompactString,
        at: Option<Timestamp>,
    },

    Reported,
    /// Someone has reported this message; told unasked to those who may see it.
    ReportMade(Arc<(ReportView, Arc<Message>)>),
    /// The oldest first.
    Reports(Vec<ReportView>),
    /// Told to all who may have seen them.
    ReportsClosed(Arc<ClosedReports>),
    /// Told to an operator of the server who comes, or takes her rank: how many she may see.
    OpenReports {
        count: usize,
    },
    /// `None`: nothing was ever said there.
    Pins(Option<Box<PinsView>>),
    /// `None`: nothing was ever said there.
    HistoryGranted(Option<Box<Grant>>),
    /// In the order of their making.
    Conversations(Vec<Grant>),
}

/// One value of someone's metadata; `None`: there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetadataRow {
    pub of: CompactString,
    pub key: MetadataKey,
    pub value: Option<Arc<str>>,
    /// For the devices of the one who set it alone.
    pub is_private: bool,
}

/// One of the asker's sessions, or a device that is not connected.
#[derive(Debug, Clone)]
pub struct DeviceRow {
    /// Names it as long as it is connected, or as long as it is not, and tells nobody anything.
    pub id: CompactString,
    /// What it calls itself.
    pub name: Option<CompactString>,
    pub address: IpAddr,
    pub transport: CompactString,
    pub signed_on: Timestamp,
    /// When it last said or read something; of one that is not connected, when it was last here.
    pub last_active: Timestamp,
    pub is_connected: bool,
    /// Nobody is at it.
    pub is_absent: bool,
    /// The one that asks.
    pub is_this: bool,
}

/// Whether someone stays when all her devices are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlwaysOnStatus {
    /// What she said; `None`: as the server has it.
    pub choice: Option<bool>,
    /// What is so.
    pub is_on: bool,
}

/// How a session's arrival went.
#[derive(Debug, Clone)]
pub struct Welcome {
    pub person: Arc<Person>,
    /// Another device of this client was here already; its rooms follow as `Entered`.
    pub joined_others: bool,
    pub counts: Counts,
    pub modes: Vec<crate::command::PersonalMode>,
    pub away: Option<Box<str>>,
    pub metadata: Vec<(MetadataKey, Arc<str>)>,
    /// `None`: a guest.
    pub always_on: Option<AlwaysOnStatus>,
}

#[derive(Debug, Clone)]
pub struct Credentials {
    /// `None`: no such account (or disabled). The caller checks against a dummy all the same.
    pub account: Option<SharedAccount>,
    /// As what this attempt was counted; `Command::LogIn` has it given back. `None`: not counted.
    pub counted: Option<Counted>,
}

/// The allowance that an attempt at a password is taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// Of the place that the account logged in from before.
    Home,
    /// Of a place that is new to the account.
    First,
    /// Of all places that have used up theirs.
    Shared,
}

#[derive(Debug, Clone)]
pub struct RoomView {
    pub id: ChatroomId,
    pub name: CompactString,
    pub topic: Option<Topic>,
    pub members: RoomMembers,
    /// Up to when she has read it.
    pub read_marker: Option<Timestamp>,
    /// How many pinned messages she can be shown.
    pub pins: usize,
    /// How many open reports of the room she may see.
    pub reports: usize,
    /// Leave to read what was said before.
    pub history: Grant,
}

/// What is pinned in a conversation, as far as the asker may read it.
#[derive(Debug, Clone)]
pub struct PinsView {
    pub history: Grant,
    /// Each with its number in the whole list.
    pub pins: Vec<(usize, Pin)>,
}

/// A room under its new name, with what someone is shown who does not know of such changes and has to enter it anew.
#[derive(Debug)]
pub struct RoomRenaming {
    /// [`crate::event::What::RoomRenamed`].
    pub event: crate::event::Event,
    pub room: RoomRef,
    pub old: CompactString,
    pub reason: Option<Box<str>>,
    /// It is the same name, written in another case.
    pub is_same: bool,
    pub topic: Option<Topic>,
    pub members: RoomMembers,
}

impl RoomRenaming {
    /// What it is to those who are shown only members with a role.
    pub(crate) fn without_the_audience(&self) -> RoomRenaming {
        RoomRenaming {
            event: self.event.clone(),
            room: self.room.clone(),
            old: self.old.clone(),
            reason: self.reason.clone(),
            topic: self.topic.clone(),
            members: self.members.without_the_audience(),
            is_same: self.is_same,
        }
    }
}

impl RoomMembers {
    /// Those who have a role.
    pub(crate) fn without_the_audience(&self) -> RoomMembers {
        let members = self.members.iter().filter(|row| row.roles != Roles::NONE).cloned().collect();
        RoomMembers { room: self.room.clone(), visibility: self.visibility, members }
    }
}

#[derive(Debug, Clone)]
pub struct RoomMembers {
    pub room: CompactString,
    pub visibility: Visibility,
    /// Only those the asker may see. Cheap to clone: shared until the room changes.
    pub members: Arc<[MemberRow]>,
}

#[derive(Debug, Clone)]
pub struct MemberRow {
    pub person: Arc<Person>,
    pub roles: Roles,
}

#[derive(Debug, Clone)]
pub struct AbsentMembers {
    pub room: CompactString,
    pub members: Vec<AbsentMember>,
    /// Members who are not here either, and not told.
    pub more: usize,
}

#[derive(Debug, Clone)]
pub struct AbsentMember {
    pub id: ClientId,
    pub name: CompactString,
    pub roles: Roles,
    pub display_name: Option<Arc<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    Public,
    /// Not shown to those who do not know its name.
    Unlisted,
    /// Not shown to those outside.
    Secret,
}

#[derive(Debug, Clone)]
pub struct RoomSettingsView {
    pub room: CompactString,
    pub id: ChatroomId,
    pub flags: Vec<RoomFlag>,
    /// The key itself only for members (`Some("")`-free: others get `key_set` alone).
    pub key: Option<CompactString>,
    pub key_set: bool,
    pub member_limit: Option<u32>,
    pub slow_seconds: Option<u32>,
    /// Where those go who are kept out, as far as the asker may know.
    pub forward: Option<CompactString>,
    pub retention: Option<u32>,
    pub created: Timestamp,
}

#[derive(Debug, Clone)]
pub struct RoomRow {
    pub name: CompactString,
    pub members: usize,
    pub topic: Option<Box<str>>,
    /// When something was last said there to everyone; `None`: nothing that is still kept.
    pub last_said: Option<Timestamp>,
}

/// A group and all of its members, here or not, by the names of their accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    pub name: CompactString,
    pub members: Vec<CompactString>,
}

#[derive(Debug, Clone)]
pub struct WhoRow {
    pub person: Arc<Person>,
    /// The room the row is about, with the roles there: the asked one, else one that asker and person share or is public.
    pub room: Option<(CompactString, Roles)>,
    pub away: bool,
    pub operator: bool,
    pub idle_seconds: u64,
    /// Only for oneself and for those who may see all.
    pub address: Option<IpAddr>,
}

#[derive(Debug, Clone)]
pub struct Profile {
    pub person: Arc<Person>,
    pub rooms: Vec<(CompactString, Roles)>,
    pub away: Option<Box<str>>,
    /// How an operator is described; `None`: not one.
    pub operator: Option<CompactString>,
    pub secure: bool,
    pub idle_seconds: u64,
    pub signed_on: Timestamp,
    /// Only for oneself and for those who may see all.
    pub address: Option<IpAddr>,
    pub certificate: Option<[u8; 32]>,
    pub modes: Option<Vec<crate::command::PersonalMode>>,
    /// Gateways that devices are connected through, likewise.
    pub gateways: Vec<CompactString>,
    /// Devices connected.
    pub sessions: usize,
    pub metadata: Vec<(MetadataKey, Arc<str>)>,
}

#[derive(Debug, Clone)]
pub struct WhowasRow {
    pub person: Arc<Person>,
    pub left: Timestamp,
    /// Only for those who may see all.
    pub address: Option<IpAddr>,
}

#[derive(Debug, Clone)]
pub struct PresentRow {
    pub person: Arc<Person>,
    pub away: bool,
    pub operator: bool,
    /// Only for oneself and for those who may see all.
    pub address: Option<IpAddr>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub clients: usize,
    pub invisible: usize,
    pub operators: usize,
    pub rooms: usize,
    /// Highest number of clients since the start.
    pub most_clients: usize,
}

#[derive(Debug, Clone)]
pub struct ConnectionRow {
    pub person: Arc<Person>,
    pub client: ClientId,
    pub address: IpAddr,
    pub transport: &'static str,
    pub signed_on: Timestamp,
    pub idle_seconds: u64,
}
