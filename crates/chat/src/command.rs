//! Everything that can be asked to change. Typed and closed; no secret is ever a field of one.

use crate::chatroom::RoomFlag;
use crate::device_login::{LoginClaim, NewDevice, SecretHash};
use crate::id::{ClientId, RequestNumber, SessionId, Timestamp};
use crate::invite_link::LinkHash;
use crate::membership::Role;
use crate::message::{Lasting, Message, MessageKind};
use crate::metadata::MetadataKey;
use crate::name::{ChatroomName, RelayedName, Username};
use crate::once::OnceKey;
use crate::pin::WhichPin;
use crate::query::{Conversation, Counted, MetadataTarget, Query};
use crate::refusal::{ListKind, Rights};
use crate::report::ReportNumber;
use crate::server_ban::Banned;
use crate::settings::Settings;
use crate::snapshot::ScramKeys;
use compact_str::CompactString;
use std::net::IpAddr;
use std::sync::Arc;

/// A command with who asked.
#[derive(Debug)]
pub struct Request {
    pub origin: Origin,
    pub command: Command,
}

/// Who asked. What a session is told in answer carries its request number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// `last`: the last command of this request (one line may ask several things); when it has been applied and its
    /// effects are out, the session is told `Done`.
    Session { id: SessionId, number: RequestNumber, last: bool },
    /// The server's own command line or administration, which may do anything, or its HTTP side. Answers carry the number.
    Console { number: u64 },
    /// The server itself: timers, reloads.
    Server,
}

#[derive(Debug, Clone)]
pub enum Command {
    // Presence
    /// A session has said who it is and takes its place. Answer: `Welcome`, or `Refused`.
    Arrive(Box<Arrival>),
    /// A session is gone. No answer.
    Depart(Departure),
    /// Another name to be shown.
    Rename {
        to: Username,
    },
    SetRealname {
        to: CompactString,
    },
    /// `None`: back. `*`: nobody is at this device; the person is away when nobody is at any of them.
    SetAway {
        message: Option<Box<str>>,
    },
    ChangeOwnModes {
        changes: Vec<(bool, PersonalMode)>,
    },
    /// Who may write to her though they have no account ([`PersonalMode::AccountsOnly`]), until she leaves.
    ChangeAccepted {
        changes: Vec<(bool, Username)>,
    },
    /// The session has shown a configured operator's password (checked outside); `None`: lays the rights down.
    BecomeOperator {
        rule: Option<CompactString>,
    },
    /// Person `of` shall be shown with this ident and host. For operators.
    ChangeHost {
        of: Username,
        ident: CompactString,
        host: CompactString,
    },

    // Accounts. A password comes as its hash.
    /// A password or certificate was checked outside against what `Query::Credentials` gave; before or after arrival.
    LogIn {
        account: ClientId,
        verified: bool,
        address: IpAddr,
        /// As what the attempt was counted, as `Credentials` said.
        counted: Option<Counted>,
        /// Of the account's record that it was checked against: one that has changed meanwhile proves nothing.
        proofs_since: Timestamp,
    },
    /// What its device has shown logs a session in. Answer: `LoggedIn`.
    LogInAgain {
        claim: LoginClaim,
        address: IpAddr,
    },
    LogOut,
    CreateAccount(Box<NewAccount>),
    // The next five come from the server's own HTTP side, for a visitor.
    /// A password was checked as for `LogIn`; the device stays logged in. Answer: `DeviceLogin`.
    LogInDevice {
        account: ClientId,
        counted: Option<Counted>,
        proofs_since: Timestamp,
        device: Box<NewDevice>,
    },
    /// As `CreateAccount` of someone who is nobody yet, and `LogInDevice`.
    SignUp {
        account: Box<NewAccount>,
        device: Box<NewDevice>,
    },
    /// Who is that? Answer: `DeviceLogin`.
    ShowLogin {
        claim: LoginClaim,
    },
    /// The device shows this from now on. Answer: `DeviceLogin`.
    RenewLogin {
        claim: LoginClaim,
        to: SecretHash,
    },
    /// The device logs out. Answer: `DeviceForgotten`.
    EndLogin {
        claim: LoginClaim,
    },
    ChangeAccount {
        account: Username,
        change: AccountChange,
    },
    DeleteAccount {
        account: Username,
    },

    // Rooms
    Join {
        room: ChatroomName,
        key: Option<CompactString>,
        /// Of the token of an invite link, given in the place of the key.
        link: Option<LinkHash>,
        /// Whether she is sent on from a name that a room had before, or told of the new one.
        follows: bool,
    },
    Part {
        room: ChatroomName,
        reason: Option<Box<str>>,
    },
    PartAll {
        reason: Option<Box<str>>,
    },
    /// Empty text: no topic.
    SetTopic {
        room: ChatroomName,
        text: Box<str>,
    },
    ChangeRoom {
        room: ChatroomName,
        changes: Vec<RoomChange>,
    },
    /// Gives the room another name; all else stays.
    RenameRoom {
        room: ChatroomName,
        to: ChatroomName,
        reason: Option<Box<str>>,
    },
    Kick {
        room: ChatroomName,
        who: Username,
        reason: Option<Box<str>>,
    },
    Invite {
        room: ChatroomName,
        who: Username,
    },
    /// A link into the room; the token was drawn outside.
    CreateLink {
        room: ChatroomName,
        link: NewLink,
    },
    RevokeLink {
        room: ChatroomName,
        id: CompactString,
    },
    Knock {
        room: ChatroomName,
        text: Option<Box<str>>,
    },
    /// The group conversation of the asker and these people: the one that they have, or a new one. Answer: `Group`.
    OpenGroup {
        with: Vec<Username>,
    },

    // Talking
    Post(Box<Post>),
    /// Takes the text of a message away. The message as a reader of the store found it: who said it and when, which
    /// decides who may, never changes.
    Redact {
        message: Arc<Message>,
        reason: Option<Box<str>>,
    },
    /// Gives a message another text; it was found as for `Redact`. `in_lines`: as of [`Message::edited`];
    /// `between_programs`: as of [`Post`].
    Edit {
        message: Arc<Message>,
        text: Box<str>,
        in_lines: bool,
        between_programs: bool,
    },

    /// Keeps a message in view; it was found as for `Redact`.
    Pin {
        message: Arc<Message>,
    },
    Unpin {
        of: Conversation,
        which: WhichPin,
    },

    /// Tells those who moderate of a message; it was found as for `Redact`. Answer: `Reported`.
    Report {
        message: Arc<Message>,
        reason: Box<str>,
    },
    /// A report and all others of the same message are dealt with. Answer: `ReportsClosed`.
    CloseReport {
        number: ReportNumber,
        resolved: bool,
        note: Option<Box<str>>,
    },

    /// She has read this conversation up to here. Answer: `ReadMarker`, to all of her devices.
    MarkRead {
        of: Conversation,
        at: Timestamp,
    },

    // Metadata
    /// `None`: takes the value away. `exempt`: from an address without flood control. Answer: `MetadataSet`.
    SetMetadata {
        of: MetadataTarget,
        key: MetadataKey,
        value: Option<Box<str>>,
        exempt: bool,
    },
    /// Answer: `Metadata`, with every key that was set.
    ClearMetadata {
        of: MetadataTarget,
    },
    Subscribe {
        keys: Vec<MetadataKey>,
    },
    Unsubscribe {
        keys: Vec<MetadataKey>,
    },

    // Devices
    /// Whether she stays when all her devices are gone; `None`: as the server has it. Answer: `AlwaysOn`, to all devices.
    SetAlwaysOn {
        choice: Option<bool>,
    },
    /// Ends another one of the asker's sessions (answer: `DeviceEnded`), or forgets a device that is not connected
    /// (`DeviceForgotten`).
    EndDevice {
        id: CompactString,
    },

    // Watching for people
    Watch {
        names: Vec<Username>,
    },
    Unwatch {
        names: Vec<Username>,
    },
    UnwatchAll,

    // The server
    Kill {
        who: Username,
        reason: Box<str>,
    },
    /// Keeps someone from the whole server. For operators.
    BanFromServer {
        who: Banned,
        reason: Box<str>,
        lasts_ms: Option<u64>,
    },
    LiftServerBan {
        who: Banned,
    },
    Announce {
        to: Announcement,
        text: Box<str>,
    },
    /// Asks whether the session may make the server do this; if so the effect is `ServerEffect::Control`.
    Control(Control),
    Reconfigure(Box<Settings>),
    /// The time the hub asked to be woken at has come.
    DeadlineReached,

    /// A question: answered in its place in the order, changes nothing.
    Ask(Query),
}

/// What a session knows about itself when it takes its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    pub name: Username,
    pub ident: CompactString,
    pub realname: CompactString,
    /// Logged in to this account (already told by `LogIn`).
    pub account: Option<ClientId>,
    pub address: IpAddr,
    /// The host to show: cloaked or looked up.
    pub host: CompactString,
    /// TLS, or a loopback that counts as such.
    pub secure: bool,
    pub certificate: Option<[u8; 32]>,
    /// What the device calls itself.
    pub device: Option<CompactString>,
    /// What the device has shown, and was told by `LogInAgain`.
    pub login: Option<LoginClaim>,
    /// Away from the start, as of `SetAway`.
    pub away: Option<Box<str>>,
    /// What it has said of its person before, and the keys that it wants to be told of.
    pub metadata: Vec<(MetadataKey, Option<Box<str>>)>,
    pub subscriptions: Vec<MetadataKey>,
    /// Modes that everyone starts with (`accounts.default_user_modes`).
    pub modes: Vec<PersonalMode>,
    /// The gateway that speaks for her, by its own name.
    pub gateway: Option<CompactString>,
    /// What carries the session, for those who may know ("TLS", "WebSocket").
    pub transport: &'static str,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// Said goodbye: announced at once with these words.
    Quit { reason: Option<Box<str>> },
    /// The connection broke or was closed for a reason that the server gives: for an account, announced after the
    /// grace period unless the device comes back.
    Broken { reason: Box<str> },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum PersonalMode {
    /// Not listed for people who share no room.
    Invisible = 0,
    /// Takes announcements to operators.
    Wallops = 1,
    Bot = 2,
    /// Direct messages from accounts only.
    AccountsOnly = 3,
    /// Direct messages over TLS only.
    SecureOnly = 4,
    /// Is an operator of the server. Can be laid down, not taken up.
    Operator = 5,
    /// Direct messages that are questions between programs are refused, except actions.
    NoCtcp = 6,
}

impl PersonalMode {
    pub const ALL: [PersonalMode; 7] = [
        PersonalMode::Invisible,
        PersonalMode::Wallops,
        PersonalMode::Bot,
        PersonalMode::AccountsOnly,
        PersonalMode::SecureOnly,
        PersonalMode::Operator,
        PersonalMode::NoCtcp,
    ];
}

#[derive(Clone, PartialEq, Debug)]
pub struct NewAccount {
    pub username: Username,
    pub password_hash: Option<Box<str>>,
    pub scram: Option<Box<ScramKeys>>,
    pub email: Option<Box<str>>,
    pub certificate: Option<[u8; 32]>,
    pub address: Option<IpAddr>,
    /// An invite link: opens a closed registration, and its room.
    pub link: Option<LinkHash>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NewLink {
    pub hash: LinkHash,
    pub lasts_ms: Option<u64>,
    pub uses: Option<u32>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum AccountChange {
    Password {
        hash: Box<str>,
        scram: Option<Box<ScramKeys>>,
    },
    /// What it is called from now on; all else of it stays.
    Name(Username),
    AddCertificate([u8; 32]),
    RemoveCertificate([u8; 32]),
    Disabled(bool),
    Rights(Rights),
    /// It owns the server from now on; whoever owned it keeps all rights but that.
    Owner,
}

/// One step of a change of a room's settings, in the order given.
#[derive(Clone, PartialEq, Debug)]
pub enum RoomChange {
    Flag {
        on: bool,
        flag: RoomFlag,
    },
    Key {
        key: Option<CompactString>,
    },
    MemberLimit {
        limit: Option<u32>,
    },
    SlowMode {
        seconds: Option<u32>,
    },
    /// Where those go who are kept out.
    Forward {
        to: Option<ChatroomName>,
    },
    /// How long messages are kept, in seconds.
    Retention {
        seconds: Option<u32>,
    },
    Role {
        on: bool,
        role: Role,
        who: Username,
    },
    List {
        on: bool,
        list: ListKind,
        mask: CompactString,
        /// It ends by itself after so long.
        lasts_ms: Option<u64>,
    },
}

#[derive(Clone, PartialEq, Debug)]
pub struct Post {
    pub to: Recipient,
    pub kind: MessageKind,
    pub text: Box<str>,
    /// Said in a room for someone elsewhere, who is called so ([`crate::name::RelayedName`]).
    pub relayed_as: Option<RelayedName>,
    /// As [`crate::message::Message::seams`].
    pub seams: Option<Box<[u32]>>,
    /// Client-only tags in their escaped form, without the leading `@`.
    pub tags: Option<Box<str>>,
    /// The text is a question or answer between programs; rooms can refuse these.
    pub between_programs: bool,
    /// Said before under the same key by the same client in the same room: nothing is posted (`Repeated`).
    pub once: Option<OnceKey>,
    /// Of a signal: why it is to be kept.
    pub lasting: Option<Box<Lasting>>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Recipient {
    Room { name: ChatroomName, at_least: Option<Role> },
    Person { name: Username },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Announcement {
    /// Those who take announcements.
    Wallops,
    /// Those who have the rank of an operator.
    Operators,
    Everyone,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Control {
    Rehash,
    Restart,
    Stop,
}
