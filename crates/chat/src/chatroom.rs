//! A room: its name, its rules, who is in it, what was said last.

use crate::client::Client;
use crate::id::{ChatroomId, ClientId, Position, RoomNumber, SessionId, Timestamp};
use crate::invite_link::InviteLink;
use crate::mask::{self, Verdict};
use crate::membership::Roles;
use crate::message::Message;
use crate::metadata::Metadata;
use crate::person::Person;
use crate::pin::Pin;
use crate::query::MemberRow;
use crate::refusal::ListKind;
use crate::snapshot::{FormerName, ListEntry, RoomKind, RoomRecord, Topic};
use compact_str::CompactString;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A room with who is present in it. Only the hub changes one.
#[derive(Debug)]
pub struct Chatroom {
    pub id: ChatroomId,
    /// As its creator wrote it. Of a direct conversation: empty, or what the one who has no account is, or was, called.
    pub name: CompactString,
    /// The last messages, oldest first; all of them are in the store.
    pub messages: VecDeque<Arc<Message>>,

    pub(crate) number: RoomNumber,
    /// The name, folded.
    pub(crate) key: CompactString,
    pub(crate) kind: ChatroomKind,
    pub(crate) created: Timestamp,
    /// When the changes of its name are paid for (`hub/renaming.rs`); not kept on disk.
    pub(crate) renames_paid_at: Option<Timestamp>,
    /// Names that it had before, folded too; the newest first.
    #[expect(clippy::box_collection, reason = "most rooms have none")]
    pub(crate) former_names: Option<Box<Vec<(CompactString, FormerName)>>>,
    pub(crate) rules: Rules,
    /// Accounts, present or not, that are members, by their places.
    pub(crate) accounts: BTreeSet<u32>,
    /// What it says of itself.
    pub(crate) metadata: Option<Box<Metadata>>,
    /// Those present. The order changes when someone leaves (the last takes the place), by rule and never by chance.
    pub(crate) members: Vec<Member>,
    /// Sessions in the room, for each shard; shards behind the end have none.
    pub(crate) sessions: SmallVec<[u32; 4]>,
    /// Messages that it keeps in view, in the order in which they were pinned.
    #[expect(clippy::box_collection, reason = "most rooms have none")]
    pub(crate) pins: Option<Box<Vec<Pin>>>,
    /// Something was said here once: then the room is not forgotten.
    pub(crate) has_history: bool,
    /// When something was last said here to everyone; 0: never, as far as is known.
    pub(crate) last_said: Timestamp,
    /// Who spoke when, in slow mode; by identity, so that leaving and coming back is no way round it. Not kept on disk.
    #[expect(clippy::box_collection, reason = "most rooms have none")]
    pub(crate) spoke: Option<Box<BTreeMap<ClientId, Timestamp>>>,
    /// The rows of all members, until something in them changes.
    pub(crate) rows: Option<Arc<[MemberRow]>>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum ChatroomKind {
    Named,
    /// A named room that is the conversation of its members (docs/decisions/0011-groups.md).
    Group,
    /// The direct conversation of two clients, the smaller id first.
    Direct(ClientId, ClientId),
}

/// What a room's operators decide, and who they are for good.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Rules {
    pub flags: Flags,
    pub topic: Option<Box<Topic>>,
    pub key: Option<CompactString>,
    pub member_limit: Option<u32>,
    /// Slow mode: between two messages of one member, who has no role, pass as many seconds.
    pub slow_seconds: Option<u32>,
    /// Where those go who are kept out. The room may be gone.
    pub forward: Option<RoomNumber>,
    /// How long messages are kept, in seconds, if not as long as the server keeps them.
    pub retention: Option<u32>,
    pub lists: Vec<(ListKind, ListEntry)>,
    pub links: Vec<InviteLink>,
    /// Accounts, present or not, that are at least operator here. With none, and not registered, nobody owns the room.
    pub operators: u32,
}

/// A client that is present in a room.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Member {
    /// Its place among the hub's clients.
    pub client: u32,
    pub roles: Roles,
    /// What the ban lists say about her, worked out when she first speaks and kept until a list or she changes.
    pub verdict: Option<Verdict>,
    pub since: Timestamp,
    /// Of the joining in the one order.
    pub position: Position,
}

/// The set of a room's switches, as bits of [`RoomFlag`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flags(pub u16);

impl Flags {
    pub fn with(self, flag: RoomFlag) -> Flags {
        Flags(self.0 | 1 << flag as u16)
    }
    pub fn without(self, flag: RoomFlag) -> Flags {
        Flags(self.0 & !(1 << flag as u16))
    }
    pub fn has(self, flag: RoomFlag) -> bool {
        self.0 & (1 << flag as u16) != 0
    }
    pub fn iter(self) -> impl Iterator<Item = RoomFlag> {
        RoomFlag::ALL.into_iter().filter(move |flag| self.has(*flag))
    }
    /// What a new room starts with: members speak, operators set the topic.
    pub fn of_a_new_room() -> Flags {
        Flags::default().with(RoomFlag::MembersSpeak).with(RoomFlag::TopicLocked)
    }
    /// What a group has, always: it is its members' own affair, and whoever is brought in later reads from then on.
    pub fn of_a_group() -> Flags {
        [RoomFlag::MembersSpeak, RoomFlag::Secret, RoomFlag::InviteOnly, RoomFlag::HistorySinceJoin, RoomFlag::Unlisted]
            .into_iter()
            .collect()
    }
}

impl FromIterator<RoomFlag> for Flags {
    fn from_iter<I: IntoIterator<Item = RoomFlag>>(flags: I) -> Flags {
        flags.into_iter().fold(Flags::default(), Flags::with)
    }
}

/// A switch of a room.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum RoomFlag {
    /// Only members with a role may speak.
    Moderated = 0,
    /// Only members may speak.
    MembersSpeak = 1,
    /// Not listed, not shown in anyone's profile to those outside.
    Secret = 2,
    /// Only half-operators and above change the topic.
    TopicLocked = 3,
    InviteOnly = 4,
    /// No questions between programs (CTCP), except actions.
    NoCtcp = 5,
    /// Only accounts may join.
    AccountsJoin = 6,
    /// Only accounts (and members with a role) may speak.
    AccountsSpeak = 7,
    /// Kept for ever, with its settings, even when nobody owns it.
    Registered = 8,
    /// What was said before someone joined is not hers to read.
    HistorySinceJoin = 9,
    /// Only half-operators and above speak: all others read.
    Announcements = 10,
    /// Its name is told to nobody who does not know it: not in lists, not in anyone's profile.
    Unlisted = 11,
    /// What those without a role say reaches half-operators and above only, and is not refused.
    OpModerated = 12,
    /// Those without a role see only those who have one ([`Chatroom::hides`]).
    Auditorium = 13,
}

impl RoomFlag {
    pub const ALL: [RoomFlag; 14] = [
        RoomFlag::Moderated,
        RoomFlag::MembersSpeak,
        RoomFlag::Secret,
        RoomFlag::TopicLocked,
        RoomFlag::InviteOnly,
        RoomFlag::NoCtcp,
        RoomFlag::AccountsJoin,
        RoomFlag::AccountsSpeak,
        RoomFlag::Registered,
        RoomFlag::HistorySinceJoin,
        RoomFlag::Announcements,
        RoomFlag::Unlisted,
        RoomFlag::OpModerated,
        RoomFlag::Auditorium,
    ];
}

impl Chatroom {
    /// A room that nobody is in.
    pub(crate) fn new(
        number: RoomNumber,
        id: ChatroomId,
        name: CompactString,
        key: CompactString,
        created: Timestamp,
    ) -> Chatroom {
        Chatroom {
            id,
            name,
            messages: VecDeque::new(),
            number,
            key,
            kind: ChatroomKind::Named,
            created,
            renames_paid_at: None,
            former_names: None,
            rules: Rules { flags: Flags::of_a_new_room(), ..Rules::default() },
            accounts: BTreeSet::new(),
            metadata: None,
            pins: None,
            members: Vec::new(),
            sessions: SmallVec::new(),
            has_history: false,
            last_said: Timestamp(0),
            spoke: None,
            rows: None,
        }
    }

    /// What is to be kept of it.
    pub(crate) fn record(&self) -> RoomRecord {
        RoomRecord {
            number: self.number,
            id: self.id,
            kind: match &self.kind {
                ChatroomKind::Named => RoomKind::Named { name: self.name.clone() },
                ChatroomKind::Group => RoomKind::Group { name: self.name.clone() },
                ChatroomKind::Direct(one, other) => RoomKind::Direct {
                    between: (*one, *other),
                    other: (!self.name.is_empty()).then(|| self.name.clone()),
                },
            },
            created: self.created,
            topic: self.rules.topic.as_deref().cloned(),
            flags: self.rules.flags.iter().collect(),
            key: self.rules.key.clone(),
            member_limit: self.rules.member_limit,
            slow_seconds: self.rules.slow_seconds,
            forward: self.rules.forward,
            retention: self.rules.retention,
            lists: self.rules.lists.clone(),
            links: self.rules.links.clone(),
            former_names: self.former_names().map(|(_, former)| former.clone()).collect(),
        }
    }

    /// Each folded, and as it was.
    pub(crate) fn former_names(&self) -> impl Iterator<Item = &(CompactString, FormerName)> {
        self.former_names.iter().flat_map(|names| names.iter())
    }

    pub(crate) fn pins(&self) -> &[Pin] {
        self.pins.as_ref().map_or(&[], |pins| pins.as_slice())
    }

    /// To be called when one was taken away.
    pub(crate) fn tidy_pins(&mut self) {
        self.pins.take_if(|pins| pins.is_empty());
    }

    pub(crate) fn has(&self, flag: RoomFlag) -> bool {
        self.rules.flags.has(flag)
    }

    /// Whether someone with these roles is seen only by those who have one: one of the audience.
    pub(crate) fn hides(&self, roles: Roles) -> bool {
        self.has(RoomFlag::Auditorium) && roles == Roles::NONE
    }

    /// The roles of a client that is here.
    pub(crate) fn roles_of(&self, client: &Client) -> Option<Roles> {
        let place = client.place(self.number)?;
        self.members.get(place.member as usize).map(|member| member.roles)
    }

    /// A conversation of two, which has no name and no members.
    pub(crate) fn is_direct(&self) -> bool {
        matches!(self.kind, ChatroomKind::Direct(..))
    }

    pub(crate) fn is_group(&self) -> bool {
        self.kind == ChatroomKind::Group
    }

    /// Of a group: the accounts whose conversation it is, by their places.
    pub(crate) fn group(&self) -> Option<&BTreeSet<u32>> {
        self.is_group().then_some(&self.accounts)
    }

    /// Nobody can act as its operator for good: neither an account nor its registration keeps it.
    pub(crate) fn is_unowned(&self) -> bool {
        self.rules.operators == 0 && !self.has(RoomFlag::Registered)
    }

    /// For how many seconds this client must wait before it speaks again, if slow mode holds for it.
    pub(crate) fn wait_seconds(&self, client: ClientId, now: Timestamp) -> Option<u32> {
        let slow_ms = u64::from(self.rules.slow_seconds?) * 1000;
        let last = self.spoke.as_ref()?.get(&client)?;
        let left_ms = (last.0 + slow_ms).saturating_sub(now.0);
        (left_ms > 0).then(|| left_ms.div_ceil(1000) as u32)
    }

    pub(crate) fn sessions_on(&self, shard: usize) -> u32 {
        self.sessions.get(shard).copied().unwrap_or(0)
    }

    pub(crate) fn session_entered(&mut self, session: SessionId) {
        let shard = session.shard as usize;
        if self.sessions.len() <= shard {
            self.sessions.resize(shard + 1, 0);
        }
        self.sessions[shard] += 1;
    }

    pub(crate) fn session_left(&mut self, session: SessionId) {
        if let Some(count) = self.sessions.get_mut(session.shard as usize) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Rules {
    /// When the first entry of a list ends by itself.
    pub(crate) fn first_end(&self) -> Option<Timestamp> {
        self.lists.iter().filter_map(|(_, entry)| entry.until).min()
    }

    pub(crate) fn list(&self, kind: ListKind) -> impl Iterator<Item = &ListEntry> {
        self.lists.iter().filter(move |(of, _)| *of == kind).map(|(_, entry)| entry)
    }

    fn masks(&self, kind: ListKind) -> impl Iterator<Item = &str> {
        self.list(kind).map(|entry| entry.mask.as_str())
    }

    /// What the ban list and its exceptions say about a person.
    pub(crate) fn verdict(&self, person: &Person) -> Verdict {
        if self.lists.is_empty() {
            return Verdict::Free;
        }
        mask::verdict(person, self.masks(ListKind::Ban), self.masks(ListKind::Exception))
    }

    /// On the list of those who may join although it is by invitation only.
    pub(crate) fn lists_as_invited(&self, person: &Person) -> bool {
        self.masks(ListKind::Invitation).any(|entry| mask::Mask::new(entry).matches(person))
    }

    /// Nothing but the default: what an unowned room goes back to when the last one has left. Who reads the past,
    /// and how long it is kept, is no question of getting in, and was promised to those who spoke.
    pub(crate) fn without_restrictions(&self) -> Rules {
        let flags = Flags::of_a_new_room();
        let promised = self.flags.has(RoomFlag::HistorySinceJoin);
        Rules {
            flags: if promised { flags.with(RoomFlag::HistorySinceJoin) } else { flags },
            topic: self.topic.clone(),
            retention: self.retention,
            operators: self.operators,
            ..Rules::default()
        }
    }
}
