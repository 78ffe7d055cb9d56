//! A client: a person's identity while it is present. An account's outlives every visit; a guest's ends with it.

use crate::command::PersonalMode;
use crate::id::{ClientId, RoomNumber, SessionId, Timestamp};
use crate::invite_link::{LinkHash, WayBack};
use crate::name::Username;
use crate::person::Person;
use crate::personal::Personal;
use crate::refusal::Rights;
use crate::snapshot::{PresenceRecord, SharedAccount};
use compact_str::CompactString;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::sync::Arc;

/// The away message of someone who is at none of her devices, for no reason that she gave (pre-away).
pub(crate) const ABSENT: &str = "*";

/// How many people a client may accept direct messages from who have no account; when someone comes on the list by being
/// written to, the oldest makes way.
pub const ACCEPTED: usize = 64;

/// Someone who is here, on one device or several, or away for so short a time that nobody was told.
/// An idle one costs about 200 bytes and her [`Person`]; what is rare is boxed.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: ClientId,
    /// The name shown now; an account's own username is in `account`.
    pub username: Username,
    /// Where the device came from that arrived last. Shown to herself and to those who may see all.
    pub ip_address: IpAddr,
    /// The account, with its password's hash; `None`: a guest.
    pub(crate) account: Option<AccountOf>,

    pub(crate) person: Arc<Person>,
    pub(crate) sessions: SmallVec<[SessionId; 1]>,
    pub(crate) rooms: SmallVec<[Place; 2]>,
    pub(crate) modes: Modes,
    pub(crate) signed_on: Timestamp,
    pub(crate) last_active: Timestamp,
    pub(crate) rare: Option<Box<Rare>>,
}

/// An account and its place among the hub's accounts.
#[derive(Clone, Debug)]
pub(crate) struct AccountOf {
    pub slot: u32,
    pub record: SharedAccount,
}

/// A room one is in, and at which place of its members.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Place {
    pub room: RoomNumber,
    pub member: u32,
}

/// What few clients have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rare {
    pub away: Option<Box<str>>,
    pub operator: Option<ServerOperator>,
    /// Rooms that someone has invited her to, oldest first.
    pub invitations: Vec<RoomNumber>,
    /// The invite link that she last came into a room by, if new people may make an account with it.
    pub came_by: Option<LinkHash>,
    /// Of a guest: links for so many people that she came by, and may come back by.
    pub ways_back: Vec<WayBack>,
    /// Rooms that she knocked at, and when.
    pub knocks: Vec<(RoomNumber, Timestamp)>,
    /// Who may write to her without an account, oldest first. Some may be gone.
    pub accepted: Vec<ClientId>,
    /// A guest's direct conversations: nobody can go on with them when she has left.
    pub directs: Vec<RoomNumber>,
    /// What a guest keeps for herself; an account's is with the account.
    pub personal: Option<Box<Personal>>,
    /// Changes of metadata in a minute, and which minute that is.
    pub metadata_changes: (u64, u32),
    /// All devices are gone, and nobody was told yet.
    pub leaving: Option<Leaving>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServerOperator {
    pub rights: Rights,
    pub title: CompactString,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaving {
    pub deadline: Timestamp,
    pub reason: Box<str>,
}

/// The set of a person's modes, as bits of [`PersonalMode`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Modes(pub u8);

impl Modes {
    pub fn has(self, mode: PersonalMode) -> bool {
        self.0 & (1 << mode as u8) != 0
    }
    pub fn set(self, mode: PersonalMode, on: bool) -> Modes {
        let bit = 1 << mode as u8;
        Modes(if on { self.0 | bit } else { self.0 & !bit })
    }
    pub fn list(self) -> Vec<PersonalMode> {
        PersonalMode::ALL.into_iter().filter(|mode| self.has(*mode)).collect()
    }
}

impl Client {
    /// The hash to check a password against; a guest has none, nor has an account that logs in by certificate alone.
    pub fn password_hash(&self) -> Option<&str> {
        self.account.as_ref().and_then(|account| account.record.password_hash.as_deref())
    }

    pub fn person(&self) -> &Arc<Person> {
        &self.person
    }

    pub(crate) fn has(&self, mode: PersonalMode) -> bool {
        self.modes.has(mode)
    }
    pub(crate) fn is_account(&self) -> bool {
        self.account.is_some()
    }
    pub(crate) fn away(&self) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.away.as_deref())
    }
    pub(crate) fn operator(&self) -> Option<&ServerOperator> {
        self.rare.as_ref().and_then(|rare| rare.operator.as_ref())
    }
    pub(crate) fn leaving(&self) -> Option<&Leaving> {
        self.rare.as_ref().and_then(|rare| rare.leaving.as_ref())
    }
    pub(crate) fn accepts(&self, id: ClientId) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.accepted.contains(&id))
    }
    pub(crate) fn invitations(&self) -> &[RoomNumber] {
        self.rare.as_ref().map_or(&[], |rare| rare.invitations.as_slice())
    }
    pub(crate) fn place(&self, room: RoomNumber) -> Option<Place> {
        self.rooms.iter().copied().find(|place| place.room == room)
    }

    /// Rights on the whole server that her account has.
    pub(crate) fn rights_of_account(&self) -> Rights {
        match &self.account {
            Some(account) if account.record.owner => Rights::ALL,
            Some(account) => account.record.rights,
            None => Rights::NONE,
        }
    }

    /// Rights on the whole server: those of her account, and those shown by an operator's password.
    pub(crate) fn rights(&self) -> Rights {
        Rights(self.rights_of_account().0 | self.operator().map_or(0, |operator| operator.rights.0))
    }

    /// How a start would show her again, as this account.
    pub(crate) fn presence(&self, account: ClientId) -> PresenceRecord {
        PresenceRecord {
            account,
            name: self.username.text().clone(),
            ident: self.person.ident.clone(),
            host: self.person.host.clone(),
            realname: self.person.realname.clone(),
            // The rank of an operator is shown anew.
            modes: self.modes.set(PersonalMode::Operator, false).list(),
            away: self.away().filter(|message| *message != ABSENT).map(Box::from),
            since: self.signed_on,
        }
    }

    pub(crate) fn idle_seconds(&self, now: Timestamp) -> u64 {
        now.0.saturating_sub(self.last_active.0) / 1000
    }

    /// What is rare about her, made if need be; [`Client::tidy`] drops it when it is empty again.
    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
    pub(crate) fn tidy(&mut self) {
        if self.rare.as_deref().is_some_and(|rare| *rare == Rare::default()) {
            self.rare = None;
        }
    }
}
