//! The words of a transcript's requests.

use super::World;
use crate::chatroom::RoomFlag;
use crate::command::{NewAccount, PersonalMode, RoomChange};
use crate::device_login::{NewDevice, SecretHash};
use crate::invite_link::LinkHash;
use crate::membership::Role;
use crate::metadata::MetadataKey;
use crate::name::{ChatroomName, NameRules, Username};
use crate::query::{Conversation, MetadataTarget, Query, RoomFilter, WhoTarget};
use crate::refusal::ListKind;
use crate::server_ban::{AddressRange, Banned};
use std::net::IpAddr;

impl World {
    pub(super) fn query(&self, who: &str, words: &[&str]) -> Query {
        let name = |text: &str| Username::lookup(text, &self.rules);
        let room = |text: &str| ChatroomName::lookup(text, &self.rules);
        match words {
            ["credentials", account] => {
                Query::Credentials { name: name(account), address: address_of(who), exempt: false }
            }
            ["certificate", byte] => Query::CertificateAccount { certificate: [byte.parse().unwrap(); 32] },
            ["account", account] => Query::Account { name: name(account) },
            ["accounts"] => Query::Accounts,
            ["topic", of] => Query::Topic { room: room(of) },
            ["members", of] => Query::Members { room: room(of) },
            ["absent", of] => Query::AbsentMembers { room: room(of) },
            ["settings", of] => Query::RoomSettings { room: room(of) },
            ["bans", of] => Query::RoomList { room: room(of), list: ListKind::Ban },
            ["exceptions", of] => Query::RoomList { room: room(of), list: ListKind::Exception },
            ["links", of] => Query::InviteLinks { room: room(of) },
            ["link", number] => Query::InviteLink { hash: link_of(number) },
            ["rooms"] => Query::Rooms(Box::default()),
            ["rooms", filter] => Query::Rooms(Box::new(self.filter(filter))),
            ["invitations"] => Query::OwnInvitations,
            ["groups"] => Query::Groups,
            ["modes"] => Query::OwnModes,
            ["accepted"] => Query::Accepted,
            ["who", of] if of.starts_with('#') => Query::Who { of: WhoTarget::Room(room(of)), operators_only: false },
            ["who", mask] => Query::Who { of: WhoTarget::Mask((*mask).into()), operators_only: false },
            ["operators", mask] => Query::Who { of: WhoTarget::Mask((*mask).into()), operators_only: true },
            ["whois", of] => Query::Whois { name: name(of) },
            ["whowas", of] => Query::Whowas { name: name(of), count: 0 },
            ["present", list] => Query::Present { names: list.split(',').map(name).collect() },
            ["watched"] => Query::Watched,
            ["status"] => Query::WatchedStatus,
            ["counts"] => Query::Counts,
            ["audit"] => Query::Audit,
            ["server", "bans"] => Query::ServerBans,
            ["connections"] => Query::Connections,
            ["earlier", "texts", of] if of.starts_with('#') => Query::EarlierTexts { of: Conversation::Room(room(of)) },
            ["earlier", "texts", of] => Query::EarlierTexts { of: Conversation::With(name(of)) },
            ["history", of] if of.starts_with('#') => Query::History { of: Conversation::Room(room(of)) },
            ["history", of] => Query::History { of: Conversation::With(name(of)) },
            ["reports"] => Query::Reports { room: None },
            ["reports", of] => Query::Reports { room: Some(room(of)) },
            ["pins", of] => Query::Pins { of: self.conversation(of) },
            ["metadata", of] => Query::Metadata { of: self.metadata_target(of), keys: None },
            ["metadata", of, keys] => Query::Metadata { of: self.metadata_target(of), keys: Some(metadata_keys(keys)) },
            ["sync", of] => Query::MetadataSync { of: self.metadata_target(of) },
            ["subscriptions"] => Query::Subscriptions,
            ["unread"] => Query::Unread,
            ["missed"] => Query::Missed,
            ["devices"] => Query::Devices,
            ["staying"] => Query::AlwaysOn,
            ["marker", of] => Query::ReadMarker { of: self.conversation(of) },
            ["conversations"] => Query::Conversations,
            _ => panic!("no such question: {words:?}"),
        }
    }

    pub(super) fn metadata_target(&self, of: &str) -> MetadataTarget {
        match of {
            "*" => MetadataTarget::Oneself,
            of if of.starts_with('#') => MetadataTarget::Room(ChatroomName::lookup(of, &self.rules)),
            of => MetadataTarget::Person(Username::lookup(of, &self.rules)),
        }
    }

    pub(super) fn conversation(&self, of: &str) -> Conversation {
        if of.starts_with('#') {
            Conversation::Room(ChatroomName::lookup(of, &self.rules))
        } else {
            Conversation::With(Username::lookup(of, &self.rules))
        }
    }

    pub(super) fn filter(&self, text: &str) -> RoomFilter {
        let mut filter = RoomFilter::default();
        for part in text.split(',') {
            if let Some(number) = part.strip_prefix('>') {
                filter.more_members_than = number.parse().ok();
            } else if let Some(number) = part.strip_prefix('<') {
                filter.fewer_members_than = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("C>") {
                filter.created_more_than_ago = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("A>") {
                filter.said_more_than_ago = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("A<") {
                filter.said_less_than_ago = number.parse().ok();
            } else if let Some(number) = part.strip_prefix("T<") {
                filter.topic_less_than_ago = number.parse().ok();
            } else if let Some(mask) = part.strip_prefix('!') {
                filter.not_masks.push(mask.into());
            } else if part.contains('*') {
                filter.masks.push(part.into());
            } else {
                filter.names.push(ChatroomName::lookup(part, &self.rules));
            }
        }
        filter
    }
}

/// A secret by its number.
pub(super) fn secret_of(number: &str) -> SecretHash {
    SecretHash([number.parse().unwrap(); 32])
}

pub(super) fn new_device(who: &str, secret: &str) -> NewDevice {
    NewDevice {
        name: Some("browser".into()),
        transport: "WebSocket".into(),
        address: address_of(who),
        secret: secret_of(secret),
    }
}

pub(super) fn new_account(username: Username, who: &str, link: Option<&str>) -> NewAccount {
    NewAccount {
        username,
        password_hash: Some("hash".into()),
        scram: None,
        email: None,
        certificate: None,
        address: Some(address_of(who)),
        link: link.map(link_of),
    }
}

/// One address for each person.
pub(super) fn address_of(who: &str) -> IpAddr {
    let last = who.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    if who.contains("/v6") {
        return IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]);
    }
    IpAddr::from([192, 0, 2, last])
}

pub(super) fn own_modes(letters: &str) -> Vec<(bool, PersonalMode)> {
    let mut on = true;
    let mut changes = Vec::new();
    for letter in letters.chars() {
        match letter {
            '+' => on = true,
            '-' => on = false,
            letter => changes.push((on, own_mode(letter))),
        }
    }
    changes
}

pub(super) const OWN_MODES: [(char, PersonalMode); 7] = [
    ('i', PersonalMode::Invisible),
    ('w', PersonalMode::Wallops),
    ('B', PersonalMode::Bot),
    ('R', PersonalMode::AccountsOnly),
    ('Z', PersonalMode::SecureOnly),
    ('o', PersonalMode::Operator),
    ('T', PersonalMode::NoCtcp),
];

pub(super) fn own_mode(letter: char) -> PersonalMode {
    OWN_MODES.into_iter().find(|(known, _)| *known == letter).unwrap().1
}

pub(super) const FLAGS: [(char, RoomFlag); 14] = [
    ('m', RoomFlag::Moderated),
    ('n', RoomFlag::MembersSpeak),
    ('s', RoomFlag::Secret),
    ('t', RoomFlag::TopicLocked),
    ('i', RoomFlag::InviteOnly),
    ('C', RoomFlag::NoCtcp),
    ('R', RoomFlag::AccountsJoin),
    ('M', RoomFlag::AccountsSpeak),
    ('P', RoomFlag::Registered),
    ('J', RoomFlag::HistorySinceJoin),
    ('A', RoomFlag::Announcements),
    ('p', RoomFlag::Unlisted),
    ('U', RoomFlag::OpModerated),
    ('u', RoomFlag::Auditorium),
];

pub(super) const ROLES: [(char, char, Role); 5] = [
    ('q', '~', Role::Owner),
    ('a', '&', Role::Admin),
    ('o', '@', Role::Operator),
    ('h', '%', Role::HalfOperator),
    ('v', '+', Role::Voice),
];

pub(super) const LISTS: [(char, ListKind); 3] =
    [('b', ListKind::Ban), ('e', ListKind::Exception), ('I', ListKind::Invitation)];

/// `+o-v bob carol` as steps.
pub(super) fn room_changes(words: &[&str], rules: &NameRules) -> Vec<RoomChange> {
    let [letters, parameters @ ..] = words else {
        return Vec::new();
    };
    let mut parameters = parameters.iter();
    let mut on = true;
    let mut changes = Vec::new();
    for letter in letters.chars() {
        let flag = FLAGS.into_iter().find(|(known, _)| *known == letter);
        let role = ROLES.into_iter().find(|(known, _, _)| *known == letter);
        let list = LISTS.into_iter().find(|(known, _)| *known == letter);
        changes.push(match (letter, flag, role, list) {
            ('+', ..) => {
                on = true;
                continue;
            }
            ('-', ..) => {
                on = false;
                continue;
            }
            (_, Some((_, flag)), ..) => RoomChange::Flag { on, flag },
            (_, _, Some((_, _, role)), _) => {
                RoomChange::Role { on, role, who: Username::lookup(parameters.next().unwrap(), rules) }
            }
            (_, _, _, Some((_, list))) => {
                RoomChange::List { on, list, mask: (*parameters.next().unwrap()).into(), lasts_ms: None }
            }
            ('k', ..) => RoomChange::Key { key: on.then(|| (*parameters.next().unwrap()).into()) },
            ('l', ..) => RoomChange::MemberLimit { limit: on.then(|| parameters.next().unwrap().parse().unwrap()) },
            ('W', ..) => RoomChange::SlowMode { seconds: on.then(|| parameters.next().unwrap().parse().unwrap()) },
            ('f', ..) => {
                RoomChange::Forward { to: on.then(|| ChatroomName::lookup(parameters.next().unwrap(), rules)) }
            }
            ('H', ..) => RoomChange::Retention { seconds: on.then(|| parameters.next().unwrap().parse().unwrap()) },
            _ => panic!("no such mode: {letter}"),
        });
    }
    changes
}

/// `a:account`, `c:7` (a certificate of sevens), a range, or someone who is here.
pub(super) fn banned(text: &str, rules: &NameRules) -> Banned {
    if let Some(account) = text.strip_prefix("a:") {
        return Banned::Account(Username::lookup(account, rules));
    }
    if let Some(byte) = text.strip_prefix("c:") {
        return Banned::Certificate([byte.parse().unwrap(); 32]);
    }
    let (is_door, text) = text.strip_prefix("d:").map_or((false, text), |range| (true, range));
    match text.split_once('/') {
        Some((address, prefix)) => {
            let range = AddressRange::new(address.parse().unwrap(), prefix.parse().unwrap()).unwrap();
            if is_door { Banned::Door(range) } else { Banned::Range(range) }
        }
        None => Banned::Person(Username::lookup(text, rules)),
    }
}

/// A hash that is a number over and over.
pub(super) fn link_of(number: &str) -> LinkHash {
    LinkHash([number.parse().unwrap(); 32])
}

pub(super) fn metadata_keys(keys: &str) -> Vec<MetadataKey> {
    keys.split(',').map(|key| MetadataKey::parse(key).unwrap()).collect()
}
