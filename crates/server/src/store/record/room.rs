//! Rooms with their lists and links, who belongs to them, and what they keep in view.

use super::value::{
    broken, bytes, from_words, long_text, parsed, some_text, some_time, text, time, unsigned, uuid, words,
};
use chat::chatroom::RoomFlag;
use chat::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp};
use chat::invite_link::{InviteLink, LinkHash};
use chat::membership::{Membership, Role, Roles};
use chat::pin::{Pin, PinRecord};
use chat::refusal::ListKind;
use chat::snapshot::{FormerName, ListEntry, MembershipRecord, RoomKind, RoomRecord, Topic};
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Row, params};
use uuid::Uuid;

pub(in crate::store) const KEEP_ROOM: &str = "INSERT INTO room
    (number, id, name, first_client, second_client, created, topic, topic_by, topic_at, flags, key, member_limit,
     slow_seconds, forward, retention, is_group, other_name)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
    ON CONFLICT (number) DO UPDATE SET id = ?2, name = ?3, first_client = ?4, second_client = ?5, created = ?6,
     topic = ?7, topic_by = ?8, topic_at = ?9, flags = ?10, key = ?11, member_limit = ?12, slow_seconds = ?13,
     forward = ?14, retention = ?15, is_group = ?16, other_name = ?17, removed = NULL";
pub(in crate::store) const ROOMS: &str =
    "SELECT number, id, name, first_client, second_client, created, topic, topic_by, topic_at,
    flags, key, member_limit, slow_seconds, forward, retention, is_group, other_name FROM room WHERE removed IS NULL ORDER BY number";
/// When something was last said to everyone in each named room. A room's runs lead to it: a search for each room.
pub(in crate::store) const LAST_SAID: &str = "SELECT * FROM (SELECT number,
     (SELECT message.time FROM run
      CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
      WHERE run.room = room.number AND message.audience IS NULL
      ORDER BY run.position DESC, message.number DESC LIMIT 1) AS time
     FROM room WHERE name IS NOT NULL AND removed IS NULL) WHERE time IS NOT NULL";
pub(in crate::store) const REMOVE_ROOM: &str = "UPDATE room SET removed = ?2 WHERE number = ?1";
pub(in crate::store) const KEEP_LIST_ENTRY: &str =
    "INSERT INTO room_list (room, place, kind, mask, set_by, set_at, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(in crate::store) const LIST_ENTRIES: &str =
    "SELECT room, kind, mask, set_by, set_at, until FROM room_list ORDER BY room, place";
pub(in crate::store) const FORGET_LIST_ENTRIES: &str = "DELETE FROM room_list WHERE room = ?1";

pub(in crate::store) fn keep_room(statement: &mut CachedStatement<'_>, room: &RoomRecord) -> rusqlite::Result<()> {
    let (name, between, other_name) = match &room.kind {
        RoomKind::Named { name } | RoomKind::Group { name } => (Some(name.as_str()), None, None),
        RoomKind::Direct { between, other } => (None, Some(between), other.as_deref()),
    };
    statement.execute(params![
        room.number.0,
        bytes(&room.id.0),
        name,
        between.map(|(first, _)| bytes(&first.0)),
        between.map(|(_, second)| bytes(&second.0)),
        time(room.created),
        room.topic.as_ref().map(|topic| &*topic.text),
        room.topic.as_ref().map(|topic| topic.by.as_str()),
        room.topic.as_ref().map(|topic| time(topic.at)),
        words(room.flags.iter().map(|flag| flag_word(*flag))),
        room.key.as_deref(),
        room.member_limit,
        room.slow_seconds,
        room.forward.map(|to| to.0),
        room.retention,
        matches!(room.kind, RoomKind::Group { .. }),
        other_name,
    ])?;
    Ok(())
}

/// Without its lists.
pub(in crate::store) fn room(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        number: RoomNumber(row.get(0)?),
        id: ChatroomId(uuid(row, 1)?),
        kind: match some_text(row, 2)? {
            Some(name) if row.get(15)? => RoomKind::Group { name },
            Some(name) => RoomKind::Named { name },
            None => RoomKind::Direct {
                between: (ClientId(uuid(row, 3)?), ClientId(uuid(row, 4)?)),
                other: some_text(row, 16)?,
            },
        },
        created: Timestamp(unsigned(row, 5)?),
        topic: match long_text(row, 6)? {
            Some(topic) => Some(Topic { text: topic, by: text(row, 7)?, at: Timestamp(unsigned(row, 8)?) }),
            None => None,
        },
        flags: from_words(row, 9, flag_from_word)?,
        key: some_text(row, 10)?,
        member_limit: row.get(11)?,
        slow_seconds: row.get(12)?,
        forward: row.get::<_, Option<u32>>(13)?.map(RoomNumber),
        retention: row.get(14)?,
        lists: Vec::new(),
        links: Vec::new(),
        former_names: Vec::new(),
    })
}

pub(in crate::store) fn keep_list_entry(
    statement: &mut CachedStatement<'_>,
    room: RoomNumber,
    place: usize,
    kind: ListKind,
    entry: &ListEntry,
) -> rusqlite::Result<()> {
    let place = place as i64;
    statement.execute(params![
        room.0,
        place,
        list_word(kind),
        entry.mask.as_str(),
        entry.by.as_str(),
        time(entry.at),
        entry.until.map(time),
    ])?;
    Ok(())
}

pub(in crate::store) fn list_entry(row: &Row<'_>) -> rusqlite::Result<(RoomNumber, ListKind, ListEntry)> {
    let kind = parsed(row, 1, |word| LISTS.into_iter().find(|kind| list_word(*kind) == word))?;
    let kind = kind.ok_or_else(|| broken(1, Type::Null, "no list".to_owned()))?;
    let entry = ListEntry {
        mask: text(row, 2)?,
        by: text(row, 3)?,
        at: Timestamp(unsigned(row, 4)?),
        until: some_time(row, 5)?,
    };
    Ok((RoomNumber(row.get(0)?), kind, entry))
}

pub(in crate::store) const KEEP_LINK: &str =
    "INSERT INTO invite_link (room, place, hash, created_by, account, created, expires, uses_left)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(in crate::store) const LINKS: &str =
    "SELECT room, hash, created_by, account, created, expires, uses_left FROM invite_link
    ORDER BY room, place";
pub(in crate::store) const FORGET_LINKS: &str = "DELETE FROM invite_link WHERE room = ?1";

pub(in crate::store) fn keep_link(
    statement: &mut CachedStatement<'_>,
    room: RoomNumber,
    place: usize,
    link: &InviteLink,
) -> rusqlite::Result<()> {
    statement.execute(params![
        room.0,
        place as i64,
        &link.hash.0[..],
        link.by.as_str(),
        link.account.as_ref().map(|id| bytes(&id.0)),
        time(link.created),
        link.expires.map(time),
        link.uses_left,
    ])?;
    Ok(())
}

pub(in crate::store) fn link(row: &Row<'_>) -> rusqlite::Result<(RoomNumber, InviteLink)> {
    let link = InviteLink {
        hash: LinkHash(row.get(1)?),
        by: text(row, 2)?,
        account: row.get::<_, Option<[u8; 16]>>(3)?.map(|bytes| ClientId(Uuid::from_bytes(bytes))),
        created: Timestamp(unsigned(row, 4)?),
        expires: some_time(row, 5)?,
        uses_left: row.get(6)?,
    };
    Ok((RoomNumber(row.get(0)?), link))
}

pub(in crate::store) const KEEP_FORMER_NAME: &str =
    "INSERT INTO former_name (room, place, name, until) VALUES (?1, ?2, ?3, ?4)";
pub(in crate::store) const FORMER_NAMES: &str = "SELECT room, name, until FROM former_name ORDER BY room, place";
pub(in crate::store) const FORGET_FORMER_NAMES: &str = "DELETE FROM former_name WHERE room = ?1";

pub(in crate::store) fn keep_former_name(
    statement: &mut CachedStatement<'_>,
    room: RoomNumber,
    place: usize,
    former: &FormerName,
) -> rusqlite::Result<()> {
    statement.execute(params![room.0, place as i64, former.name.as_str(), time(former.until)])?;
    Ok(())
}

pub(in crate::store) fn former_name(row: &Row<'_>) -> rusqlite::Result<(RoomNumber, FormerName)> {
    Ok((RoomNumber(row.get(0)?), FormerName { name: text(row, 1)?, until: Timestamp(unsigned(row, 2)?) }))
}

pub(super) fn flag_word(flag: RoomFlag) -> &'static str {
    match flag {
        RoomFlag::Moderated => "moderated",
        RoomFlag::MembersSpeak => "members-speak",
        RoomFlag::Secret => "secret",
        RoomFlag::TopicLocked => "topic-locked",
        RoomFlag::InviteOnly => "invite-only",
        RoomFlag::NoCtcp => "no-ctcp",
        RoomFlag::AccountsJoin => "accounts-join",
        RoomFlag::AccountsSpeak => "accounts-speak",
        RoomFlag::Registered => "registered",
        RoomFlag::HistorySinceJoin => "history-since-join",
        RoomFlag::Announcements => "announcements",
        RoomFlag::Unlisted => "unlisted",
        RoomFlag::OpModerated => "op-moderated",
        RoomFlag::Auditorium => "auditorium",
    }
}

pub(super) fn flag_from_word(word: &str) -> Option<RoomFlag> {
    RoomFlag::ALL.into_iter().find(|flag| flag_word(*flag) == word)
}

pub(super) const LISTS: [ListKind; 3] = [ListKind::Ban, ListKind::Exception, ListKind::Invitation];

pub(super) fn list_word(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Ban => "ban",
        ListKind::Exception => "exception",
        ListKind::Invitation => "invitation",
    }
}

pub(in crate::store) const KEEP_MEMBER: &str = "INSERT INTO membership (room, account, roles, since, position)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET roles = ?3, since = ?4, position = ?5";
pub(in crate::store) const MEMBERS: &str =
    "SELECT room, account, roles, since, position FROM membership ORDER BY room, account";
pub(in crate::store) const FORGET_MEMBER: &str = "DELETE FROM membership WHERE room = ?1 AND account = ?2";
pub(in crate::store) const FORGET_MEMBERSHIPS: &str = "DELETE FROM membership WHERE account = ?1";
pub(in crate::store) const FORGET_MEMBERS: &str = "DELETE FROM membership WHERE room = ?1";

pub(in crate::store) fn keep_member(
    statement: &mut CachedStatement<'_>,
    member: &MembershipRecord,
) -> rusqlite::Result<()> {
    let roles = member.membership.roles.iter().fold(0, |bits, role| bits | 1 << role_number(role));
    let Membership { since, position, .. } = member.membership;
    statement.execute(params![member.room.0, bytes(&member.account.0), roles, time(since), position.0 as i64])?;
    Ok(())
}

pub(in crate::store) fn member(row: &Row<'_>) -> rusqlite::Result<MembershipRecord> {
    let bits: i64 = row.get(2)?;
    if bits >> Role::ALL.len() != 0 {
        return Err(broken(2, Type::Integer, format!("no roles: {bits}")));
    }
    let held = Role::ALL.into_iter().filter(|role| bits & (1 << role_number(*role)) != 0);
    let roles = held.fold(Roles::NONE, Roles::with);
    Ok(MembershipRecord {
        room: RoomNumber(row.get(0)?),
        account: ClientId(uuid(row, 1)?),
        membership: Membership { roles, since: Timestamp(unsigned(row, 3)?), position: Position(unsigned(row, 4)?) },
    })
}

pub(in crate::store) fn role_number(role: Role) -> i64 {
    match role {
        Role::Voice => 0,
        Role::HalfOperator => 1,
        Role::Operator => 2,
        Role::Admin => 3,
        Role::Owner => 4,
    }
}

pub(in crate::store) const KEEP_PIN: &str = "INSERT INTO pin (room, message, position, pinned, pinned_by, pinned_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET position = ?3, pinned = ?4, pinned_by = ?5, pinned_at = ?6";
pub(in crate::store) const PINS: &str =
    "SELECT room, message, position, pinned, pinned_by, pinned_at FROM pin ORDER BY room, pinned, message";
pub(in crate::store) const FORGET_PIN: &str = "DELETE FROM pin WHERE room = ?1 AND message = ?2";
pub(in crate::store) const FORGET_PINS: &str = "DELETE FROM pin WHERE room = ?1";

pub(in crate::store) fn keep_pin(statement: &mut CachedStatement<'_>, record: &PinRecord) -> rusqlite::Result<()> {
    let PinRecord { room, pin } = record;
    let (position, pinned) = (pin.position.0 as i64, pin.pinned.0 as i64);
    statement.execute(params![room.0, bytes(&pin.message.0), position, pinned, pin.by.as_str(), time(pin.at)])?;
    Ok(())
}

pub(in crate::store) fn pin(row: &Row<'_>) -> rusqlite::Result<PinRecord> {
    let pin = Pin {
        message: MessageId(uuid(row, 1)?),
        position: Position(unsigned(row, 2)?),
        pinned: Position(unsigned(row, 3)?),
        by: text(row, 4)?,
        at: Timestamp(unsigned(row, 5)?),
    };
    Ok(PinRecord { room: RoomNumber(row.get(0)?), pin })
}
