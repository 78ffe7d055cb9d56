//! Every reason for "no". The edge turns each into its protocol's words; nothing here is a text for people.

use crate::chatroom::RoomFlag;
use crate::id::Timestamp;
use crate::membership::Role;
use crate::metadata::DisplayNameError;
use compact_str::CompactString;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    // Names
    NoSuchClient {
        name: CompactString,
    },
    NoSuchRoom {
        name: CompactString,
    },
    /// Whowas has no such name either.
    NeverSeen {
        name: CompactString,
    },
    NameInUse {
        name: CompactString,
    },
    /// Belongs to an account that the asker is not logged in to.
    NameReserved {
        name: CompactString,
    },
    /// Looks like another one's name (UTS 39 confusable).
    NameConfusable {
        name: CompactString,
    },
    NameInvalid {
        name: CompactString,
    },
    /// Other networks have a service of this name.
    NameOfService {
        name: CompactString,
    },
    /// `nick_follows_account`: the shown name is the account's, always.
    NameFixed {
        name: CompactString,
    },

    // Rooms
    NotMember {
        room: CompactString,
    },
    /// The other person is not in that room.
    TheyAreNotMember {
        name: CompactString,
        room: CompactString,
    },
    AlreadyMember {
        name: CompactString,
        room: CompactString,
    },
    Banned {
        room: CompactString,
    },
    InviteOnly {
        room: CompactString,
    },
    WrongKey {
        room: CompactString,
    },
    RoomFull {
        room: CompactString,
    },
    AccountsOnly {
        room: CompactString,
    },
    SecureOnly {
        room: CompactString,
    },
    TooManyRooms {
        room: CompactString,
    },
    MayNotCreateRoom {
        room: CompactString,
    },
    RoomNameInvalid {
        room: CompactString,
    },
    RoomNameConfusable {
        room: CompactString,
    },
    /// The room of this name has another one.
    RoomRenamed {
        room: CompactString,
        to: CompactString,
    },
    /// A room that those who are kept out of it cannot be sent to.
    NotForwarded {
        room: CompactString,
        to: CompactString,
    },
    /// There is none of this name to send them to.
    NoForwardTarget {
        room: CompactString,
        to: CompactString,
    },
    NotRenamed {
        room: CompactString,
        to: CompactString,
        why: NotRenamed,
    },
    NeedsRole {
        room: CompactString,
        role: Role,
    },
    /// Acting on someone of a higher role.
    Outranked {
        room: CompactString,
        name: CompactString,
    },
    CannotSpeak {
        room: CompactString,
        why: Silence,
    },
    ListFull {
        room: CompactString,
        mask: CompactString,
        letter_of: ListKind,
    },
    NoSuchLink {
        room: CompactString,
        id: CompactString,
    },
    TooManyLinks {
        room: CompactString,
        limit: usize,
    },
    /// Messages shall be kept longer than the server keeps any.
    RetentionTooLong {
        room: CompactString,
        seconds: u32,
        most_seconds: u64,
    },
    KeyAlreadySet {
        room: CompactString,
    },
    /// Knocking at a door that stands open.
    RoomOpen {
        room: CompactString,
    },
    KnockedTooOften {
        room: CompactString,
    },

    // Groups
    /// With the asker there would be fewer people, or more.
    GroupSize {
        least: usize,
        most: usize,
    },
    /// A guest: a group is of people who can come back to it.
    GuestInGroup {
        name: CompactString,
    },
    /// Has blocked the asker, or is in as many groups as one can be in: which of them is not the asker's to know.
    NotForGroups {
        name: CompactString,
    },
    TooManyGroups {
        limit: usize,
    },
    GroupsTooOften {
        retry_after_seconds: u64,
    },
    /// Something that needs a rank, in a group, where nobody has one.
    NobodyRanks {
        room: CompactString,
    },
    /// A flag that cannot be combined or set by the asker.
    FlagRefused {
        room: CompactString,
        flag: RoomFlag,
    },

    // What was said before
    /// It is not there (any more), or is not the asker's to see.
    NoSuchMessage,
    /// Someone else said it, and the asker is no moderator of the room.
    NotTheAuthor,
    /// The asker said it, too long ago.
    TooLate {
        window_seconds: u64,
    },

    /// Reporting what the asker said herself.
    OwnMessage,
    AlreadyReported,
    ReportedTooOften {
        retry_after_seconds: u64,
    },
    /// The queue is full.
    TooManyReports,
    /// There is no open one, or it is not the asker's to see.
    NoSuchReport {
        number: u64,
    },
    AlreadyPinned,
    NotPinned,
    TooManyPins {
        limit: usize,
    },
    /// It was said to a higher rank alone: a pin is for everyone in the room.
    CannotPin,

    // Direct messages
    /// The recipient takes messages from accounts only.
    RecipientWantsAccounts {
        name: CompactString,
    },
    RecipientWantsSecure {
        name: CompactString,
    },
    /// The recipient takes no questions between programs.
    RecipientWantsNoCtcp {
        name: CompactString,
    },
    AlreadyAccepted {
        name: CompactString,
    },
    NotAccepted {
        name: CompactString,
    },
    TooManyAccepted {
        limit: usize,
    },
    /// Deliverable, but the recipient is away with this text. Not a refusal of the message.
    MonitorListFull {
        limit: usize,
        names: Vec<CompactString>,
    },

    /// As many as can be present without a device are so already.
    TooManyAlwaysOn {
        limit: usize,
    },
    /// None of the asker's devices, or the one that she asks with.
    NoSuchDevice {
        id: CompactString,
    },
    /// What the device has shown is good no more.
    LoginEnded,
    /// What the device has shown is not to be replaced yet.
    LoginIsFresh,

    // Metadata
    /// Nobody and nothing of this name has metadata that the asker may know of.
    NoMetadataTarget {
        of: CompactString,
    },
    /// To set, or, of a room that one is kept out of, to see.
    MetadataNotYours {
        of: CompactString,
    },
    TooMuchMetadata {
        of: CompactString,
    },
    MetadataTooOften {
        of: CompactString,
        retry_after_seconds: u64,
    },
    MetadataValueInvalid {
        key: CompactString,
    },
    DisplayNameInvalid {
        error: DisplayNameError,
    },
    /// It is, or looks like, what someone else is called.
    DisplayNameInUse {
        name: CompactString,
    },

    // Server-wide
    NotOperator,
    MissingRight {
        right: Right,
    },
    TooManyTargets {
        name: CompactString,
    },
    /// Someone else's settings, e.g. the modes of another person.
    NotYours,

    /// May not use this server.
    ServerBanned {
        reason: Box<str>,
        until: Option<Timestamp>,
    },
    NoSuchServerBan,
    /// Nobody bans the server's owner, or oneself.
    CannotBan,
    RangeTooWide,
    TooManyServerBans {
        limit: usize,
    },

    // Accounts
    AccountExists {
        name: CompactString,
    },
    AccountNameInvalid {
        name: CompactString,
    },
    /// Wrong password, unknown user, or a disabled account: never told apart.
    WrongCredentials,
    TooManyAttempts {
        retry_after_seconds: u32,
    },
    RegistrationClosed,
    /// The invite link is none, or none any more.
    LinkInvalid,
    AlreadyLoggedIn,
    NotLoggedIn,
    NoSuchAccount {
        name: CompactString,
    },
    /// Somebody has to own the server: it is handed on first.
    OwnsServer {
        name: CompactString,
    },
    /// Guests are not allowed (`accounts.guests = false`).
    AccountRequired,
    /// The name to register must be the one in use (spec draft/account-registration).
    AccountNameMustBeNick {
        name: CompactString,
    },

    // The store
    StorageFull,
    StorageError,
}

/// Why a room keeps its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotRenamed {
    /// Another room has the name.
    Taken,
    /// Another room's name looks like it (UTS 39 confusable).
    LooksTaken,
    Invalid,
    /// It begins as only the names of groups do, or is to be a group's and does not.
    OfGroups,
    /// Whoever asks may not make rooms, and so no names of rooms.
    MayNotCreate,
    /// A room of the configuration is to be there under that name.
    Standing,
    RenamedJustNow,
    /// That is its name.
    Unchanged,
}

impl Refusal {
    /// The same to someone who asked for a room by this name: that there is none is said of the name as she wrote it, since
    /// the way a secret room writes it would give the room away.
    pub(crate) fn of_room(self, asked: &CompactString) -> Refusal {
        match self {
            Refusal::NoSuchRoom { .. } => Refusal::NoSuchRoom { name: asked.clone() },
            other => other,
        }
    }
}

/// Why someone may not speak in a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Silence {
    NotMember,
    Moderated,
    Banned,
    Muted,
    AccountsOnly,
    NoCtcp,
    Announcements,
    /// What she says reaches the room's moderators only.
    Screened,
    /// Spoke a moment ago in a room in slow mode.
    Slow {
        wait_seconds: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ListKind {
    Ban,
    /// Exempt from bans.
    Exception,
    /// May join although the room is by invitation only.
    Invitation,
}

/// What an operator of the server may be allowed to do; `rights` in the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Right {
    /// End other people's connections.
    Kill = 0,
    /// Re-read the configuration.
    Rehash = 1,
    /// Stop or restart the server.
    Stop = 2,
    /// See addresses and hidden rooms and people.
    SeeAll = 3,
    /// Send to everyone, or to all operators.
    Announce = 4,
    /// Create, disable, change and delete accounts.
    Accounts = 5,
    /// Act in rooms as their owner.
    Rooms = 6,
    /// Read the server's statistics.
    Statistics = 7,
    /// Speak in rooms for people elsewhere (bridging).
    Relay = 8,
}

impl Right {
    pub const ALL: [Right; 9] = [
        Right::Kill,
        Right::Rehash,
        Right::Stop,
        Right::SeeAll,
        Right::Announce,
        Right::Accounts,
        Right::Rooms,
        Right::Statistics,
        Right::Relay,
    ];
    /// The word for it in the configuration file and on disk.
    pub fn word(self) -> &'static str {
        match self {
            Right::Kill => "kill",
            Right::Rehash => "rehash",
            Right::Stop => "stop",
            Right::SeeAll => "see-all",
            Right::Announce => "announce",
            Right::Accounts => "accounts",
            Right::Rooms => "rooms",
            Right::Statistics => "statistics",
            Right::Relay => "relay",
        }
    }
    pub fn from_word(word: &str) -> Option<Right> {
        Right::ALL.into_iter().find(|right| right.word() == word)
    }
}

/// A set of [`Right`]s as bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Rights(pub u16);

impl Rights {
    pub const NONE: Rights = Rights(0);
    pub const ALL: Rights = Rights(0x1ff);
    pub fn with(self, right: Right) -> Rights {
        Rights(self.0 | 1 << right as u8)
    }
    pub fn holds(self, right: Right) -> bool {
        self.0 & (1 << right as u8) != 0
    }
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
