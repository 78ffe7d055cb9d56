//! Records as rows, and back: the one place that knows how a value looks on disk.
//!
//! What is small and closed is written as a word or as a number that is fixed here, not by an enum's layout, so that the
//! domain's types can change without changing what old databases mean.

use chat::audit::{AuditAction, AuditEntry};
use chat::chatroom::RoomFlag;
use chat::command::PersonalMode;
use chat::event::{Happening, Place, RoomRef, RoomStep, What};
use chat::history::{HistoryEvent, Kept};
use chat::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp};
use chat::invite_link::{InviteLink, LinkHash};
use chat::membership::{Membership, Role, Roles};
use chat::message::{Lasting, Message, MessageKind, MessageState};
use chat::metadata::{Mark, Marks, MetadataKey};
use chat::once::{OnceKey, Posted};
use chat::person::Person;
use chat::personal::ConversationKey;
use chat::pin::{Pin, PinRecord};
use chat::refusal::{ListKind, Right, Rights};
use chat::report::{Report, ReportNumber, ReportedText};
use chat::server_ban::{AddressRange, BanTarget, ServerBan};
use chat::snapshot::{
    AccountRecord, DeviceRecord, ListEntry, MarksRecord, MembershipRecord, MetadataOwner, MetadataRecord,
    PresenceRecord, ReadMarkerRecord, RoomKind, RoomRecord, ScramKeys, Topic,
};
use compact_str::CompactString;
use rusqlite::types::{FromSqlError, ToSqlOutput, Type, Value, ValueRef};
use rusqlite::{CachedStatement, Row, params};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

// ---- Accounts

pub(super) const KEEP_ACCOUNT: &str = "INSERT INTO account
    (id, username, password_hash, scram_iterations, scram_salt, scram_stored_key, scram_server_key, email, created,
     last_seen, last_address, rights, owner, disabled, proofs_since, always_on)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT DO UPDATE SET username = ?2, password_hash = ?3, scram_iterations = ?4, scram_salt = ?5,
     scram_stored_key = ?6, scram_server_key = ?7, email = ?8, created = ?9, last_seen = ?10, last_address = ?11,
     rights = ?12, owner = ?13, disabled = ?14, proofs_since = ?15, always_on = ?16";
pub(super) const ACCOUNTS: &str = "SELECT id, username, password_hash, scram_iterations, scram_salt, scram_stored_key,
    scram_server_key, email, created, last_seen, last_address, rights, owner, disabled, proofs_since, always_on
    FROM account ORDER BY id";
pub(super) const FORGET_ACCOUNT: &str = "DELETE FROM account WHERE id = ?1";
pub(super) const KEEP_CERTIFICATE: &str = "INSERT INTO certificate (account, place, fingerprint) VALUES (?1, ?2, ?3)";
pub(super) const CERTIFICATES: &str = "SELECT account, fingerprint FROM certificate ORDER BY account, place";
pub(super) const FORGET_CERTIFICATES: &str = "DELETE FROM certificate WHERE account = ?1";

pub(super) fn keep_account(statement: &mut CachedStatement<'_>, account: &AccountRecord) -> rusqlite::Result<()> {
    let scram = account.scram.as_deref();
    statement.execute(params![
        bytes(&account.id.0),
        account.username.as_str(),
        account.password_hash.as_deref(),
        scram.map(|keys| keys.iterations),
        scram.map(|keys| &keys.salt),
        scram.map(|keys| &keys.stored_key[..]),
        scram.map(|keys| &keys.server_key[..]),
        account.email.as_deref(),
        time(account.created),
        time(account.last_seen),
        account.last_address.map(|address| address.to_string()),
        words(Right::ALL.into_iter().filter(|right| account.rights.holds(*right)).map(Right::word)),
        account.owner,
        account.disabled,
        time(account.proofs_since),
        account.always_on,
    ])?;
    Ok(())
}

/// Without its certificates.
pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<AccountRecord> {
    Ok(AccountRecord {
        id: ClientId(uuid(row, 0)?),
        username: text(row, 1)?,
        password_hash: long_text(row, 2)?,
        scram: match row.get(3)? {
            None => None,
            Some(iterations) => Some(Box::new(ScramKeys {
                iterations,
                salt: row.get(4)?,
                stored_key: row.get(5)?,
                server_key: row.get(6)?,
            })),
        },
        certificates: Vec::new(),
        email: long_text(row, 7)?,
        created: Timestamp(unsigned(row, 8)?),
        last_seen: Timestamp(unsigned(row, 9)?),
        last_address: parsed(row, 10, |address| address.parse::<IpAddr>().ok())?,
        rights: from_words(row, 11, Right::from_word)?
            .into_iter()
            .fold(Rights::NONE, |rights, right| rights.with(right)),
        owner: row.get(12)?,
        disabled: row.get(13)?,
        proofs_since: Timestamp(unsigned(row, 14)?),
        always_on: row.get(15)?,
    })
}

// ---- Who stays without a device

pub(super) const KEEP_PRESENCE: &str = "INSERT OR REPLACE INTO presence
    (account, name, ident, host, realname, modes, away, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(super) const PRESENCES: &str =
    "SELECT account, name, ident, host, realname, modes, away, since FROM presence ORDER BY account";
pub(super) const FORGET_PRESENCE: &str = "DELETE FROM presence WHERE account = ?1";

pub(super) fn keep_presence(statement: &mut CachedStatement<'_>, record: &PresenceRecord) -> rusqlite::Result<()> {
    statement.execute(params![
        bytes(&record.account.0),
        record.name.as_str(),
        record.ident.as_str(),
        record.host.as_str(),
        record.realname.as_str(),
        words(record.modes.iter().map(|mode| personal_word(*mode))),
        record.away.as_deref(),
        time(record.since),
    ])?;
    Ok(())
}

pub(super) fn presence(row: &Row<'_>) -> rusqlite::Result<PresenceRecord> {
    let from_word = |word: &str| PersonalMode::ALL.into_iter().find(|mode| personal_word(*mode) == word);
    Ok(PresenceRecord {
        account: ClientId(uuid(row, 0)?),
        name: text(row, 1)?,
        ident: text(row, 2)?,
        host: text(row, 3)?,
        realname: text(row, 4)?,
        modes: from_words(row, 5, from_word)?,
        away: long_text(row, 6)?,
        since: Timestamp(unsigned(row, 7)?),
    })
}

fn personal_word(mode: PersonalMode) -> &'static str {
    match mode {
        PersonalMode::Invisible => "invisible",
        PersonalMode::Wallops => "wallops",
        PersonalMode::Bot => "bot",
        PersonalMode::AccountsOnly => "accounts-only",
        PersonalMode::SecureOnly => "secure-only",
        PersonalMode::Operator => "operator",
        PersonalMode::NoCtcp => "no-ctcp",
    }
}

// ---- Devices

pub(super) const KEEP_DEVICE: &str = "INSERT OR REPLACE INTO device
    (account, id, name, transport, address, came, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const DEVICES: &str =
    "SELECT account, id, name, transport, address, came, seen FROM device ORDER BY account, id";
pub(super) const FORGET_DEVICE: &str = "DELETE FROM device WHERE account = ?1 AND id = ?2";
pub(super) const FORGET_DEVICES: &str = "DELETE FROM device WHERE account = ?1";

pub(super) fn keep_device(statement: &mut CachedStatement<'_>, device: &DeviceRecord) -> rusqlite::Result<()> {
    statement.execute(params![
        bytes(&device.account.0),
        device.id.cast_signed(),
        device.name.as_deref(),
        device.transport.as_str(),
        device.address.to_string(),
        time(device.came),
        time(device.seen),
    ])?;
    Ok(())
}

pub(super) fn device(row: &Row<'_>) -> rusqlite::Result<DeviceRecord> {
    let address = parsed(row, 4, |address| address.parse::<IpAddr>().ok())?;
    Ok(DeviceRecord {
        account: ClientId(uuid(row, 0)?),
        id: row.get::<_, i64>(1)?.cast_unsigned(),
        name: some_text(row, 2)?,
        transport: text(row, 3)?,
        address: address.ok_or_else(|| broken(4, Type::Null, "no address".to_owned()))?,
        came: Timestamp(unsigned(row, 5)?),
        seen: Timestamp(unsigned(row, 6)?),
    })
}

// ---- Rooms

pub(super) const KEEP_ROOM: &str = "INSERT INTO room
    (number, id, name, first_client, second_client, created, topic, topic_by, topic_at, flags, key, member_limit,
     slow_seconds, forward, retention, is_group)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT (number) DO UPDATE SET id = ?2, name = ?3, first_client = ?4, second_client = ?5, created = ?6,
     topic = ?7, topic_by = ?8, topic_at = ?9, flags = ?10, key = ?11, member_limit = ?12, slow_seconds = ?13,
     forward = ?14, retention = ?15, is_group = ?16, removed = NULL";
pub(super) const ROOMS: &str =
    "SELECT number, id, name, first_client, second_client, created, topic, topic_by, topic_at,
    flags, key, member_limit, slow_seconds, forward, retention, is_group FROM room WHERE removed IS NULL ORDER BY number";
/// When something was last said to everyone in each named room. A room's runs lead to it: a search for each room.
pub(super) const LAST_SAID: &str = "SELECT * FROM (SELECT number,
     (SELECT message.time FROM run
      CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
      WHERE run.room = room.number AND message.audience IS NULL
      ORDER BY run.position DESC, message.number DESC LIMIT 1) AS time
     FROM room WHERE name IS NOT NULL AND removed IS NULL) WHERE time IS NOT NULL";
pub(super) const REMOVE_ROOM: &str = "UPDATE room SET removed = ?2 WHERE number = ?1";
pub(super) const KEEP_LIST_ENTRY: &str =
    "INSERT INTO room_list (room, place, kind, mask, set_by, set_at, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub(super) const LIST_ENTRIES: &str =
    "SELECT room, kind, mask, set_by, set_at, until FROM room_list ORDER BY room, place";
pub(super) const FORGET_LIST_ENTRIES: &str = "DELETE FROM room_list WHERE room = ?1";

pub(super) fn keep_room(statement: &mut CachedStatement<'_>, room: &RoomRecord) -> rusqlite::Result<()> {
    let (name, between) = match &room.kind {
        RoomKind::Named { name } | RoomKind::Group { name } => (Some(name.as_str()), None),
        RoomKind::Direct { between } => (None, Some(between)),
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
    ])?;
    Ok(())
}

/// Without its lists.
pub(super) fn room(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        number: RoomNumber(row.get(0)?),
        id: ChatroomId(uuid(row, 1)?),
        kind: match some_text(row, 2)? {
            Some(name) if row.get(15)? => RoomKind::Group { name },
            Some(name) => RoomKind::Named { name },
            None => RoomKind::Direct { between: (ClientId(uuid(row, 3)?), ClientId(uuid(row, 4)?)) },
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
    })
}

pub(super) fn keep_list_entry(
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

pub(super) fn list_entry(row: &Row<'_>) -> rusqlite::Result<(RoomNumber, ListKind, ListEntry)> {
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

pub(super) const KEEP_LINK: &str =
    "INSERT INTO invite_link (room, place, hash, created_by, account, created, expires, uses_left)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(super) const LINKS: &str = "SELECT room, hash, created_by, account, created, expires, uses_left FROM invite_link
    ORDER BY room, place";
pub(super) const FORGET_LINKS: &str = "DELETE FROM invite_link WHERE room = ?1";

pub(super) fn keep_link(
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

pub(super) fn link(row: &Row<'_>) -> rusqlite::Result<(RoomNumber, InviteLink)> {
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

fn flag_word(flag: RoomFlag) -> &'static str {
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

fn flag_from_word(word: &str) -> Option<RoomFlag> {
    RoomFlag::ALL.into_iter().find(|flag| flag_word(*flag) == word)
}

const LISTS: [ListKind; 3] = [ListKind::Ban, ListKind::Exception, ListKind::Invitation];

fn list_word(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Ban => "ban",
        ListKind::Exception => "exception",
        ListKind::Invitation => "invitation",
    }
}

// ---- The audit

pub(super) const KEEP_AUDIT: &str =
    "INSERT INTO audit (at, made_by, account, action, room, target, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
/// The oldest that are too old, or beyond the most that are kept: of as many as asked for.
pub(super) const FORGET_AUDIT: &str = "DELETE FROM audit WHERE number IN
    (SELECT number FROM (SELECT number, at FROM audit ORDER BY number LIMIT ?3) WHERE at < ?1 OR number <= ?2)";
/// The newest first.
pub(super) const AUDIT: &str =
    "SELECT at, made_by, account, action, room, target, detail FROM audit ORDER BY number DESC";

pub(super) fn keep_audit(statement: &mut CachedStatement<'_>, entry: &AuditEntry) -> rusqlite::Result<()> {
    statement.execute(params![
        time(entry.at),
        entry.by.as_str(),
        entry.account.as_deref(),
        entry.action.word(),
        entry.room.as_deref(),
        entry.target.as_str(),
        &*entry.detail,
    ])?;
    Ok(())
}

pub(super) fn audit(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    let action = parsed(row, 3, AuditAction::from_word)?;
    Ok(AuditEntry {
        at: Timestamp(unsigned(row, 0)?),
        by: text(row, 1)?,
        account: some_text(row, 2)?,
        action: action.ok_or_else(|| broken(3, Type::Null, "no action".to_owned()))?,
        room: some_text(row, 4)?,
        target: text(row, 5)?,
        detail: row.get::<_, Box<str>>(6)?,
    })
}

// ---- Bans from the server

pub(super) const KEEP_BAN: &str = "INSERT INTO server_ban (target, reason, set_by, set_at, until)
    VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET reason = ?2, set_by = ?3, set_at = ?4, until = ?5";
pub(super) const BANS: &str = "SELECT target, reason, set_by, set_at, until FROM server_ban ORDER BY set_at, target";
pub(super) const FORGET_BAN: &str = "DELETE FROM server_ban WHERE target = ?1";

pub(super) fn keep_ban(statement: &mut CachedStatement<'_>, ban: &ServerBan) -> rusqlite::Result<()> {
    let target = ban_target_text(&ban.target);
    statement.execute(params![target, &*ban.reason, ban.by.as_str(), time(ban.at), ban.until.map(time)])?;
    Ok(())
}

pub(super) fn ban(row: &Row<'_>) -> rusqlite::Result<ServerBan> {
    let target = parsed(row, 0, ban_target)?;
    Ok(ServerBan {
        target: target.ok_or_else(|| broken(0, Type::Null, "no target".to_owned()))?,
        reason: row.get::<_, Box<str>>(1)?,
        by: text(row, 2)?,
        at: Timestamp(unsigned(row, 3)?),
        until: some_time(row, 4)?,
    })
}

pub(super) fn ban_target_text(target: &BanTarget) -> String {
    match target {
        BanTarget::Account(id) => format!("account {}", id.0),
        BanTarget::Range(range) => format!("range {range}"),
        BanTarget::Door(range) => format!("door {range}"),
        BanTarget::Certificate(certificate) => {
            certificate.iter().fold("certificate ".to_owned(), |text, byte| text + &format!("{byte:02x}"))
        }
    }
}

fn ban_target(text: &str) -> Option<BanTarget> {
    let (kind, value) = text.split_once(' ')?;
    Some(match kind {
        "account" => BanTarget::Account(ClientId(value.parse().ok()?)),
        "range" | "door" => {
            let (address, prefix) = value.split_once('/')?;
            let range = AddressRange::new(address.parse().ok()?, prefix.parse().ok()?)?;
            if kind == "door" { BanTarget::Door(range) } else { BanTarget::Range(range) }
        }
        "certificate" => {
            let mut certificate = [0; 32];
            for (at, byte) in certificate.iter_mut().enumerate() {
                *byte = u8::from_str_radix(value.get(2 * at..2 * at + 2)?, 16).ok()?;
            }
            BanTarget::Certificate(certificate)
        }
        _ => return None,
    })
}

// ---- Reports

pub(super) const KEEP_REPORT: &str =
    "INSERT INTO report (number, room, message, position, audience, said_to, author, said_by,
    reporter, reported_by, reason, at, is_open, text)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, ?13)";
pub(super) const REPORTS: &str = "SELECT number, room, message, position, audience, said_to, author, said_by, reporter,
    reported_by, reason, at, is_open FROM report ORDER BY number";
/// What [`Report::closed`] leaves.
pub(super) const CLOSE_REPORT: &str = "UPDATE report SET text = NULL, reason = '', said_by = '', reported_by = '',
    said_to = iif(said_to IS NULL, NULL, ''), is_open = 0 WHERE number = ?1";
pub(super) const FORGET_REPORT: &str = "DELETE FROM report WHERE number = ?1";
/// What a message said when it was reported, and what has become of it.
pub(super) const REPORTED: &str = "SELECT text,
    (SELECT message.state FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = report.room
       AND run.position = (SELECT max(position) FROM run WHERE room = report.room AND position <= report.position)
       AND message.position = report.position AND message.id = report.message)
    FROM report WHERE number = ?1";

pub(super) fn keep_report(statement: &mut CachedStatement<'_>, report: &Report, text: &str) -> rusqlite::Result<()> {
    statement.execute(params![
        report.number.0 as i64,
        report.room.0,
        bytes(&report.message.0),
        report.position.0 as i64,
        report.audience.map(role_number),
        report.said_to.as_deref(),
        bytes(&report.author.0),
        report.said_by.as_str(),
        bytes(&report.reporter.0),
        report.reported_by.as_str(),
        &*report.reason,
        time(report.at),
        text,
    ])?;
    Ok(())
}

pub(super) fn report(row: &Row<'_>) -> rusqlite::Result<Report> {
    Ok(Report {
        number: ReportNumber(unsigned(row, 0)?),
        room: RoomNumber(row.get(1)?),
        message: MessageId(uuid(row, 2)?),
        position: Position(unsigned(row, 3)?),
        audience: audience(row, 4)?,
        said_to: some_text(row, 5)?,
        author: ClientId(uuid(row, 6)?),
        said_by: text(row, 7)?,
        reporter: ClientId(uuid(row, 8)?),
        reported_by: text(row, 9)?,
        reason: row.get::<_, Box<str>>(10)?,
        at: Timestamp(unsigned(row, 11)?),
        is_open: row.get(12)?,
    })
}

pub(super) fn reported(row: &Row<'_>) -> rusqlite::Result<ReportedText> {
    Ok(ReportedText { text: long_text(row, 0)?, is_redacted: row.get::<_, Option<i64>>(1)? == Some(2) })
}

// ---- Pins

pub(super) const KEEP_PIN: &str = "INSERT INTO pin (room, message, position, pinned, pinned_by, pinned_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET position = ?3, pinned = ?4, pinned_by = ?5, pinned_at = ?6";
pub(super) const PINS: &str =
    "SELECT room, message, position, pinned, pinned_by, pinned_at FROM pin ORDER BY room, pinned, message";
pub(super) const FORGET_PIN: &str = "DELETE FROM pin WHERE room = ?1 AND message = ?2";
pub(super) const FORGET_PINS: &str = "DELETE FROM pin WHERE room = ?1";

pub(super) fn keep_pin(statement: &mut CachedStatement<'_>, record: &PinRecord) -> rusqlite::Result<()> {
    let PinRecord { room, pin } = record;
    let (position, pinned) = (pin.position.0 as i64, pin.pinned.0 as i64);
    statement.execute(params![room.0, bytes(&pin.message.0), position, pinned, pin.by.as_str(), time(pin.at)])?;
    Ok(())
}

pub(super) fn pin(row: &Row<'_>) -> rusqlite::Result<PinRecord> {
    let pin = Pin {
        message: MessageId(uuid(row, 1)?),
        position: Position(unsigned(row, 2)?),
        pinned: Position(unsigned(row, 3)?),
        by: text(row, 4)?,
        at: Timestamp(unsigned(row, 5)?),
    };
    Ok(PinRecord { room: RoomNumber(row.get(0)?), pin })
}

// ---- Memberships

pub(super) const KEEP_MEMBER: &str = "INSERT INTO membership (room, account, roles, since, position)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET roles = ?3, since = ?4, position = ?5";
pub(super) const MEMBERS: &str = "SELECT room, account, roles, since, position FROM membership ORDER BY room, account";
pub(super) const FORGET_MEMBER: &str = "DELETE FROM membership WHERE room = ?1 AND account = ?2";
pub(super) const FORGET_MEMBERSHIPS: &str = "DELETE FROM membership WHERE account = ?1";
pub(super) const FORGET_MEMBERS: &str = "DELETE FROM membership WHERE room = ?1";

pub(super) fn keep_member(statement: &mut CachedStatement<'_>, member: &MembershipRecord) -> rusqlite::Result<()> {
    let roles = member.membership.roles.iter().fold(0, |bits, role| bits | 1 << role_number(role));
    let Membership { since, position, .. } = member.membership;
    statement.execute(params![member.room.0, bytes(&member.account.0), roles, time(since), position.0 as i64])?;
    Ok(())
}

pub(super) fn member(row: &Row<'_>) -> rusqlite::Result<MembershipRecord> {
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

pub(super) fn role_number(role: Role) -> i64 {
    match role {
        Role::Voice => 0,
        Role::HalfOperator => 1,
        Role::Operator => 2,
        Role::Admin => 3,
        Role::Owner => 4,
    }
}

// ---- What accounts keep for themselves

pub(super) const KEEP_READ_MARKER: &str = "INSERT INTO read_marker (account, conversation, at) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET at = ?3";
pub(super) const READ_MARKERS: &str =
    "SELECT account, conversation, at FROM read_marker ORDER BY account, conversation";
pub(super) const FORGET_READ_MARKER: &str = "DELETE FROM read_marker WHERE account = ?1 AND conversation = ?2";
pub(super) const FORGET_READ_MARKERS: &str = "DELETE FROM read_marker WHERE account = ?1";

pub(super) fn keep_read_marker(statement: &mut CachedStatement<'_>, marker: &ReadMarkerRecord) -> rusqlite::Result<()> {
    statement.execute(params![bytes(&marker.account.0), key(&marker.conversation), time(marker.at)])?;
    Ok(())
}

pub(super) fn read_marker(row: &Row<'_>) -> rusqlite::Result<ReadMarkerRecord> {
    Ok(ReadMarkerRecord {
        account: ClientId(uuid(row, 0)?),
        conversation: conversation(row, 1)?,
        at: Timestamp(unsigned(row, 2)?),
    })
}

pub(super) const KEEP_METADATA: &str = "INSERT INTO metadata (owner, key, value) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET value = ?3";
pub(super) const METADATA: &str = "SELECT owner, key, value FROM metadata ORDER BY owner, key";
pub(super) const FORGET_METADATA: &str = "DELETE FROM metadata WHERE owner = ?1 AND key = ?2";
pub(super) const FORGET_ALL_METADATA: &str = "DELETE FROM metadata WHERE owner = ?1";
pub(super) const KEEP_MARKS: &str = "INSERT INTO mark (account, conversation, marks) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET marks = ?3";
pub(super) const MARKS: &str = "SELECT account, conversation, marks FROM mark ORDER BY account, conversation";
pub(super) const FORGET_MARKS: &str = "DELETE FROM mark WHERE account = ?1 AND conversation = ?2";
pub(super) const FORGET_ALL_MARKS: &str = "DELETE FROM mark WHERE account = ?1";

pub(super) fn owner(owner: &MetadataOwner) -> ToSqlOutput<'_> {
    match owner {
        MetadataOwner::Room(number) => ToSqlOutput::Owned(Value::Integer(number.0.into())),
        MetadataOwner::Account(account) => ToSqlOutput::Borrowed(ValueRef::Blob(account.0.as_bytes())),
    }
}

/// `None`: the key is none (any more).
pub(super) fn metadata(row: &Row<'_>) -> rusqlite::Result<Option<MetadataRecord>> {
    let owner = match row.get_ref(0)? {
        ValueRef::Integer(_) => MetadataOwner::Room(RoomNumber(row.get(0)?)),
        _ => MetadataOwner::Account(ClientId(uuid(row, 0)?)),
    };
    let value = long_text(row, 2)?.map(Arc::from);
    Ok(MetadataKey::parse(&text(row, 1)?).map(|key| MetadataRecord { owner, key, value }))
}

pub(super) fn mark_words(marks: Marks) -> String {
    words(marks.iter().map(mark_word))
}

pub(super) fn marks(row: &Row<'_>) -> rusqlite::Result<MarksRecord> {
    let from_word = |word: &str| Mark::ALL.into_iter().find(|mark| mark_word(*mark) == word);
    let marks = from_words(row, 2, from_word)?.into_iter().fold(Marks::default(), |marks, mark| marks.with(mark, true));
    Ok(MarksRecord { account: ClientId(uuid(row, 0)?), conversation: conversation(row, 1)?, marks })
}

fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Blocked => "blocked",
        Mark::Muted => "muted",
        Mark::Pinned => "pinned",
    }
}

/// A room as its number, a person as the bytes of the id.
pub(super) fn key(conversation: &ConversationKey) -> ToSqlOutput<'_> {
    match conversation {
        ConversationKey::Room(number) => ToSqlOutput::Owned(Value::Integer(number.0.into())),
        ConversationKey::With(client) => ToSqlOutput::Borrowed(ValueRef::Blob(client.0.as_bytes())),
    }
}

fn conversation(row: &Row<'_>, column: usize) -> rusqlite::Result<ConversationKey> {
    match row.get_ref(column)? {
        ValueRef::Integer(_) => row.get(column).map(|number| ConversationKey::Room(RoomNumber(number))),
        _ => uuid(row, column).map(|id| ConversationKey::With(ClientId(id))),
    }
}

// ---- Messages

pub(super) const KEEP_PERSON: &str = "INSERT INTO person (number, client, name, ident, host, account, realname, bot)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(super) const KEEP_MESSAGE: &str = "INSERT INTO message
    (number, room, position, id, time, person, kind, tags, text, addressed_to, recipient, audience, seams)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
pub(super) const KEEP_ONCE: &str = "INSERT INTO posted_once (number, key) VALUES (?1, ?2)";
/// The oldest keys whose day is over, as many as asked for.
pub(super) const FORGET_ONCE: &str = "DELETE FROM posted_once WHERE number IN
    (SELECT number FROM (SELECT number FROM posted_once ORDER BY number LIMIT ?2) JOIN message USING (number)
     WHERE message.time < ?1)";
pub(super) const FORGET_FORGOTTEN: &str = "DELETE FROM search_forget WHERE sequence IN
    (SELECT sequence FROM search_forget WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)";
/// The newest first.
pub(super) const POSTED_ONCE: &str = "SELECT person.client, message.room, posted_once.key, message.id
    FROM posted_once CROSS JOIN message USING (number) CROSS JOIN person ON person.number = message.person
    WHERE message.time >= ?1 ORDER BY posted_once.number DESC LIMIT ?2";
pub(super) const KEEP_RUN: &str = "INSERT INTO run (room, position, number, messages) VALUES (?1, ?2, ?3, ?4)";
/// The columns that [`message`] reads, of `message`, `person` and `room`.
pub(super) const MESSAGE_COLUMNS: &str = "message.id, message.time, message.position, message.room, message.kind,
    message.tags, message.text, coalesce(message.addressed_to, room.name, ''), message.recipient, message.audience,
    room.id, message.state, message.person, person.client, person.name, person.ident, person.host, person.account,
    person.realname, person.bot, message.seams";
/// Blanks the message of this room, position and id.
pub(super) const REDACT_MESSAGE: &str =
    "UPDATE message SET text = '', seams = NULL, tags = NULL, state = 2 WHERE id = ?3 AND number =
    (SELECT message.number FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = ?1 AND run.position = (SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2)
       AND message.position = ?2)";

pub(super) fn keep_person(statement: &mut CachedStatement<'_>, number: i64, person: &Person) -> rusqlite::Result<()> {
    statement.execute(params![
        number,
        bytes(&person.id.0),
        person.name.as_str(),
        person.ident.as_str(),
        person.host.as_str(),
        person.account.as_deref(),
        person.realname.as_str(),
        person.bot,
    ])?;
    Ok(())
}

/// The hot path: the statement keeps its bindings, so each is set each time.
pub(super) fn keep_message(
    statement: &mut CachedStatement<'_>,
    number: i64,
    message: &Message,
    person: i64,
) -> rusqlite::Result<()> {
    // A room's name stands in the room's row.
    let addressed_to = message.recipient_id.map(|_| message.addressed_to.as_str());
    statement.raw_bind_parameter(1, number)?;
    statement.raw_bind_parameter(2, message.room.0)?;
    statement.raw_bind_parameter(3, message.position.0 as i64)?;
    statement.raw_bind_parameter(4, bytes(&message.id.0))?;
    statement.raw_bind_parameter(5, time(message.timestamp))?;
    statement.raw_bind_parameter(6, person)?;
    statement.raw_bind_parameter(7, kind_number(message.kind))?;
    statement.raw_bind_parameter(8, message.tags.as_deref())?;
    statement.raw_bind_parameter(9, &*message.payload)?;
    statement.raw_bind_parameter(10, addressed_to)?;
    statement.raw_bind_parameter(11, message.recipient_id.as_ref().map(|id| bytes(&id.0)))?;
    statement.raw_bind_parameter(12, message.audience.map(role_number))?;
    statement.raw_bind_parameter(13, message.seams.as_deref().map(seams_to_bytes))?;
    statement.raw_execute()?;
    Ok(())
}

/// The person of the row before, by the number of its row.
pub(super) type LastPerson = Option<(i64, Arc<Person>)>;

/// The person whose columns begin at `first` with the row's number; shared with the row before if it is the same again.
fn person(row: &Row<'_>, first: usize, last: &mut LastPerson) -> rusqlite::Result<Arc<Person>> {
    let number: i64 = row.get(first)?;
    Ok(match last {
        Some((same, person)) if *same == number => person.clone(),
        _ => {
            let person = Arc::new(Person {
                id: ClientId(uuid(row, first + 1)?),
                name: text(row, first + 2)?,
                ident: text(row, first + 3)?,
                host: text(row, first + 4)?,
                account: some_text(row, first + 5)?,
                realname: text(row, first + 6)?,
                bot: row.get(first + 7)?,
            });
            *last = Some((number, person.clone()));
            person
        }
    })
}

pub(super) fn message(row: &Row<'_>, last: &mut LastPerson) -> rusqlite::Result<(Message, MessageState)> {
    let sender = person(row, 12, last)?;
    let state = match row.get::<_, Option<i64>>(11)? {
        None => MessageState::AsSaid,
        Some(1) => MessageState::Edited,
        Some(2) => MessageState::Redacted,
        Some(other) => return Err(broken(11, Type::Integer, format!("not understood: {other}"))),
    };
    let message = Message {
        id: MessageId(uuid(row, 0)?),
        timestamp: Timestamp(unsigned(row, 1)?),
        position: Position(unsigned(row, 2)?),
        room: RoomNumber(row.get(3)?),
        kind: kind(row, 4)?,
        tags: long_text(row, 5)?,
        payload: row.get::<_, Box<str>>(6)?,
        seams: seams(row, 20)?,
        addressed_to: text(row, 7)?,
        recipient_id: some_uuid(row, 8)?.map(ClientId),
        audience: audience(row, 9)?,
        chatroom_id: ChatroomId(uuid(row, 10)?),
        once: None,
        lasting: None,
        sender_id: sender.id,
        sender,
    };
    Ok((message, state))
}

fn audience(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Role>> {
    match row.get::<_, Option<i64>>(column)? {
        None => Ok(None),
        Some(_) => numbered(row, column, &Role::ALL, role_number).map(Some),
    }
}

/// Each in four bytes, the lowest first.
fn seams_to_bytes(seams: &[u32]) -> Vec<u8> {
    seams.iter().flat_map(|seam| seam.to_le_bytes()).collect()
}

fn seams(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Box<[u32]>>> {
    let bytes = row.get_ref(column)?.as_blob_or_null().map_err(|error| wrong(row, column, error))?;
    let Some(bytes) = bytes else { return Ok(None) };
    let (seams, []) = bytes.as_chunks::<4>() else {
        return Err(broken(column, Type::Blob, format!("{} bytes are no places in a text", bytes.len())));
    };
    Ok(Some(seams.iter().map(|seam| u32::from_le_bytes(*seam)).collect()))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageKind> {
    numbered(row, column, &KINDS, kind_number)
}

/// `None`: the key is none (any more).
pub(super) fn posted_once(row: &Row<'_>) -> rusqlite::Result<Option<(Posted, MessageId)>> {
    let key: String = row.get(2)?;
    let (client, room) = (ClientId(uuid(row, 0)?), RoomNumber(row.get(1)?));
    let id = MessageId(uuid(row, 3)?);
    Ok(OnceKey::parse(&key).map(|key| (Posted { client, room, key }, id)))
}

const KINDS: [MessageKind; 3] = [MessageKind::Text, MessageKind::Notice, MessageKind::Signal];

fn kind_number(kind: MessageKind) -> i64 {
    match kind {
        MessageKind::Text => 0,
        MessageKind::Notice => 1,
        MessageKind::Signal => 2,
    }
}

// ---- What happened besides

pub(super) const KEEP_EVENT: &str = "INSERT INTO event
    (number, room, position, id, time, person, kind, target, text, tags, addressed_to, recipient, audience)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
/// The message's text before an edit goes to the row of the edit. Parameters as of [`REDACT_MESSAGE`], with the row's number.
pub(super) const KEEP_EARLIER: &str = "UPDATE event SET earlier =
    (SELECT message.text FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = ?1 AND run.position = (SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2)
       AND message.position = ?2 AND message.id = ?3)
    WHERE number = ?4";
/// Gives the message of this room, position and id another text, unless it is redacted.
pub(super) const EDIT_MESSAGE: &str = "UPDATE message SET text = ?4, seams = ?5, state = 1
    WHERE id = ?3 AND state IS NOT 2 AND number =
    (SELECT message.number FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = ?1 AND run.position = (SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2)
       AND message.position = ?2)";
/// The edits of a message so far are not shown any more.
pub(super) const VOID_EDITS: &str = "UPDATE event INDEXED BY event_about SET kind = 7
    WHERE room = ?1 AND target = ?2 AND kind BETWEEN 5 AND 6";
/// The earlier texts of a message are gone.
pub(super) const REDACT_EDITS: &str = "UPDATE event INDEXED BY event_about
    SET kind = 0, text = NULL, earlier = NULL WHERE room = ?1 AND target = ?2 AND kind BETWEEN 5 AND 7";
/// What a message said before, the oldest first: until when, and what.
pub(super) const EARLIER_TEXTS: &str = "SELECT time, earlier FROM event INDEXED BY event_about
    WHERE room = ?1 AND target = ?2 AND kind BETWEEN 5 AND 7 AND earlier IS NOT NULL ORDER BY position, number LIMIT ?3";
/// Blanks the signal of this room, position and id.
pub(super) const REDACT_EVENT: &str = "UPDATE event SET kind = 0, text = NULL, tags = NULL
    WHERE room = ?1 AND position = ?2 AND id = ?3";
/// The columns that [`event`] reads, of `event`, `person` and `room`.
pub(super) const EVENT_COLUMNS: &str = "event.id, event.time, event.position, event.room, event.kind, event.target,
    event.text, event.tags, coalesce(event.addressed_to, room.name, ''), event.recipient, event.audience, room.id,
    event.person, person.client, person.name, person.ident, person.host, person.account, person.realname, person.bot";

/// What `event.kind` says. From [`kind::REDACTION`] to [`kind::UNPIN`]: who may see a message may see what became of it.
pub(super) mod kind {
    pub const GONE: i64 = 0;
    pub const SIGNAL: i64 = 1;
    pub const REACTION: i64 = 2;
    pub const REACTION_TAKEN_BACK: i64 = 3;
    pub const REDACTION: i64 = 4;
    pub const EDIT: i64 = 5;
    pub const EDIT_OF_NOTICE: i64 = 6;
    /// Another edit came after it.
    pub const EARLIER_EDIT: i64 = 7;
    pub const PIN: i64 = 8;
    pub const UNPIN: i64 = 9;
    pub const JOIN: i64 = 20;
    pub const LEAVE: i64 = 21;
    pub const KICK: i64 = 22;
    pub const QUIT: i64 = 23;
    pub const RENAME: i64 = 24;
    pub const TOPIC: i64 = 25;
    pub const ROOM_CHANGE: i64 = 26;
    pub const ROOM_RENAME: i64 = 27;
}

/// A signal that lasts, or what else happened, as a row.
pub(super) fn keep_event(
    statement: &mut CachedStatement<'_>,
    number: i64,
    kept: &Kept,
    person: i64,
) -> rusqlite::Result<()> {
    let text: Option<Cow<'_, str>>;
    let (kind, text, tags, addressed_to, recipient, audience) = match kept {
        Kept::Said { message, .. } => {
            let (kind, value) = match message.lasting.as_deref() {
                Some(Lasting::Reaction { on: true, value, .. }) => (kind::REACTION, Some(value.as_str())),
                Some(Lasting::Reaction { on: false, value, .. }) => (kind::REACTION_TAKEN_BACK, Some(value.as_str())),
                Some(Lasting::Asked) | None => (kind::SIGNAL, None),
            };
            let tags = message.tags.as_deref();
            (kind, value, tags, &message.addressed_to, message.recipient_id, message.audience)
        }
        Kept::Happened(event) => {
            let Some((kind, happened)) = happened(&event.happening.what) else { return Ok(()) };
            text = happened;
            let name = match &event.happening.what {
                What::Redacted { room, .. } | What::Edited { room, .. } | What::Pinned { room, .. } => &room.name,
                _ => &event.happening.by.name,
            };
            (kind, text.as_deref(), None, name, event.recipient_id, event.audience)
        }
    };
    statement.execute(params![
        number,
        kept.room().0,
        kept.position().0 as i64,
        bytes(&kept.id().0),
        time(kept.timestamp()),
        person,
        kind,
        kept.target().as_ref().map(|target| bytes(&target.0)),
        text,
        tags,
        // A room's name stands in the room's row.
        recipient.map(|_| addressed_to.as_str()),
        recipient.as_ref().map(|id| bytes(&id.0)),
        audience.map(role_number),
    ])?;
    Ok(())
}

/// The kind of what happened, and what is to be said of it. `None`: no history has it.
fn happened(what: &What) -> Option<(i64, Option<Cow<'_, str>>)> {
    let said = |text: &Option<Box<str>>| text.as_deref().map(|text| Cow::Owned(text.to_owned()));
    Some(match what {
        What::Redacted { reason, .. } => (kind::REDACTION, said(reason)),
        What::Edited { kind: MessageKind::Notice, text, .. } => (kind::EDIT_OF_NOTICE, Some(Cow::Borrowed(text))),
        What::Edited { text, .. } => (kind::EDIT, Some(Cow::Borrowed(text))),
        What::Pinned { on, .. } => (if *on { kind::PIN } else { kind::UNPIN }, None),
        What::Joined { .. } => (kind::JOIN, None),
        What::Left { reason, .. } => (kind::LEAVE, said(reason)),
        // No name has a space.
        What::Kicked { who, reason: Some(reason), .. } => (kind::KICK, Some(format!("{} {reason}", who.name).into())),
        What::Kicked { who, reason: None, .. } => (kind::KICK, Some(who.name.as_str().into())),
        What::Quit { reason } => (kind::QUIT, Some(Cow::Borrowed(reason))),
        What::Renamed { to } => (kind::RENAME, Some(to.as_str().into())),
        What::TopicChanged { text, .. } => (kind::TOPIC, Some(Cow::Borrowed(text))),
        What::RoomChanged { steps, .. } => {
            let steps: Vec<String> = steps.iter().map(step_text).collect();
            (kind::ROOM_CHANGE, Some(steps.join("\n").into()))
        }
        // Nor has a room's name.
        What::RoomRenamed { room, old, reason } => {
            let reason = reason.as_deref().map(|reason| format!(" {reason}")).unwrap_or_default();
            (kind::ROOM_RENAME, Some(format!("{old} {}{reason}", room.name).into()))
        }
        _ => return None,
    })
}

/// `+` or `-`, a word, and what belongs to it. A key is none of history's business.
fn step_text(step: &RoomStep) -> String {
    let sign = |on: bool| if on { '+' } else { '-' };
    let number = |word: &str, number: Option<u32>| match number {
        Some(number) => format!("+{word} {number}"),
        None => format!("-{word}"),
    };
    match step {
        RoomStep::Flag { on, flag } => format!("{}{}", sign(*on), flag_word(*flag)),
        RoomStep::Key { on, .. } => format!("{}key", sign(*on)),
        RoomStep::MemberLimit { limit } => number("member-limit", *limit),
        RoomStep::SlowMode { seconds } => number("slow-mode", *seconds),
        RoomStep::Retention { seconds } => number("retention", *seconds),
        RoomStep::Forward { to: Some(to) } => format!("+forward {to}"),
        RoomStep::Forward { to: None } => "-forward".to_owned(),
        RoomStep::Role { on, role, who } => format!("{}role {} {who}", sign(*on), role_number(*role)),
        RoomStep::List { on, list, mask } => format!("{}{} {mask}", sign(*on), list_word(*list)),
    }
}

fn step_from_text(text: &str) -> Option<RoomStep> {
    let on = text.starts_with('+');
    let (word, rest) = match text.get(1..)?.split_once(' ') {
        Some((word, rest)) => (word, Some(rest)),
        None => (text.get(1..)?, None),
    };
    let number = || rest.map_or(Some(None), |rest| rest.parse().ok().map(Some));
    if let Some(flag) = flag_from_word(word) {
        return Some(RoomStep::Flag { on, flag });
    }
    if let Some(list) = LISTS.into_iter().find(|list| list_word(*list) == word) {
        return Some(RoomStep::List { on, list, mask: rest?.into() });
    }
    Some(match word {
        "key" => RoomStep::Key { on, key: "*".into() },
        "member-limit" => RoomStep::MemberLimit { limit: number()? },
        "slow-mode" => RoomStep::SlowMode { seconds: number()? },
        "retention" => RoomStep::Retention { seconds: number()? },
        "forward" => RoomStep::Forward { to: rest.map(CompactString::from) },
        "role" => {
            let (role, who) = rest?.split_once(' ')?;
            let role = Role::ALL.into_iter().find(|held| role_number(*held).to_string() == role)?;
            RoomStep::Role { on, role, who: who.into() }
        }
        _ => return None,
    })
}

pub(super) fn event(row: &Row<'_>, last: &mut LastPerson) -> rusqlite::Result<Kept> {
    let by = person(row, 12, last)?;
    let (id, at, position) = (MessageId(uuid(row, 0)?), Timestamp(unsigned(row, 1)?), Position(unsigned(row, 2)?));
    let (number, room_id, name) = (RoomNumber(row.get(3)?), ChatroomId(uuid(row, 11)?), text(row, 8)?);
    let target = || match some_uuid(row, 5)? {
        Some(target) => Ok(MessageId(target)),
        None => Err(broken(5, Type::Null, "about no message".to_owned())),
    };
    let (recipient_id, audience) = (some_uuid(row, 9)?.map(ClientId), audience(row, 10)?);
    let signal = |lasting, state| -> rusqlite::Result<Kept> {
        let message = Message {
            id,
            sender_id: by.id,
            payload: Box::default(),
            seams: None,
            timestamp: at,
            chatroom_id: room_id,
            position,
            room: number,
            sender: by.clone(),
            kind: MessageKind::Signal,
            tags: long_text(row, 7)?,
            addressed_to: name.clone(),
            audience,
            recipient_id,
            once: None,
            lasting,
        };
        Ok(Kept::Said { message: Arc::new(message), state })
    };
    let reaction = |on| {
        let value = some_text(row, 6)?.unwrap_or_default();
        signal(Some(Box::new(Lasting::Reaction { to: target()?, on, value })), MessageState::AsSaid)
    };
    let happened = |what: What| {
        // What became of a message is told by that message, and an edit has its id itself.
        let is_told = matches!(what, What::Redacted { .. } | What::Edited { .. } | What::Pinned { .. });
        let place = (!is_told).then_some(Place { id, position });
        let happening = Arc::new(Happening { at, place, by: by.clone(), what });
        Kept::Happened(Arc::new(HistoryEvent { id, room: number, position, happening, audience, recipient_id }))
    };
    let room = || RoomRef { number, id: room_id, name: name.clone() };
    match row.get(4)? {
        kind::GONE | kind::EARLIER_EDIT => signal(None, MessageState::Redacted),
        kind::SIGNAL => signal(Some(Box::new(Lasting::Asked)), MessageState::AsSaid),
        kind::REACTION => reaction(true),
        kind::REACTION_TAKEN_BACK => reaction(false),
        kind::REDACTION => Ok(happened(What::Redacted { room: room(), target: target()?, reason: long_text(row, 6)? })),
        edit @ (kind::EDIT | kind::EDIT_OF_NOTICE) => {
            let kind = if edit == kind::EDIT { MessageKind::Text } else { MessageKind::Notice };
            let text = long_text(row, 6)?.unwrap_or_default();
            Ok(happened(What::Edited { room: room(), id, target: target()?, kind, audience, text }))
        }
        pin @ (kind::PIN | kind::UNPIN) => {
            let on = pin == kind::PIN;
            Ok(happened(What::Pinned { room: room(), target: target()?, on, message: None }))
        }
        kind::JOIN => Ok(happened(What::Joined { room: room(), away: None, roles: Roles::NONE })),
        kind::LEAVE => Ok(happened(What::Left { room: room(), reason: long_text(row, 6)? })),
        kind::KICK => {
            let said = text(row, 6)?;
            let (name, reason) = match said.split_once(' ') {
                Some((name, reason)) => (name, Some(reason.into())),
                None => (said.as_str(), None),
            };
            let nobody = ClientId(Uuid::nil());
            let who = Person { id: nobody, name: name.into(), account: None, ..Person::clone(&by) };
            Ok(happened(What::Kicked { room: room(), who: Arc::new(who), reason }))
        }
        kind::QUIT => Ok(happened(What::Quit { reason: long_text(row, 6)?.unwrap_or_default() })),
        kind::RENAME => Ok(happened(What::Renamed { to: text(row, 6)? })),
        kind::TOPIC => Ok(happened(What::TopicChanged { room: room(), text: long_text(row, 6)?.unwrap_or_default() })),
        kind::ROOM_RENAME => {
            let said = text(row, 6)?;
            let mut words = said.splitn(3, ' ');
            let mut next = || words.next().map(CompactString::from);
            let (old, name) = (next().unwrap_or_default(), next().unwrap_or_default());
            let reason = words.next().map(Box::from);
            Ok(happened(What::RoomRenamed { room: RoomRef { name, ..room() }, old, reason }))
        }
        kind::ROOM_CHANGE => {
            let said = long_text(row, 6)?.unwrap_or_default();
            let steps = said.lines().map(|step| {
                step_from_text(step).ok_or_else(|| broken(6, Type::Text, format!("not understood: {step}")))
            });
            let steps = steps.collect::<rusqlite::Result<_>>()?;
            Ok(happened(What::RoomChanged { room: room(), steps }))
        }
        other => Err(broken(4, Type::Integer, format!("not understood: {other}"))),
    }
}

/// A text that was replaced at this time.
pub(super) fn earlier_text(row: &Row<'_>) -> rusqlite::Result<(Timestamp, Box<str>)> {
    Ok((Timestamp(unsigned(row, 0)?), row.get(1)?))
}

// ---- Values

fn bytes(id: &Uuid) -> &[u8] {
    id.as_bytes()
}

pub(super) fn time(time: Timestamp) -> i64 {
    time.0 as i64
}

fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

fn some_uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Uuid::from_bytes))
}

fn some_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let time: Option<i64> = row.get(column)?;
    time.map(|_| unsigned(row, column).map(Timestamp)).transpose()
}

fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<CompactString> {
    Ok(CompactString::from(row.get_ref(column)?.as_str().map_err(|error| wrong(row, column, error))?))
}

fn some_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<CompactString>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|error| wrong(row, column, error))?;
    Ok(text.map(CompactString::from))
}

fn long_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Box<str>>> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(|error| wrong(row, column, error))?;
    Ok(text.map(Box::from))
}

fn parsed<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<Option<T>> {
    match some_text(row, column)? {
        None => Ok(None),
        Some(text) => {
            parse(&text).map(Some).ok_or_else(|| broken(column, Type::Text, format!("not understood: {text}")))
        }
    }
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn from_words<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<Vec<T>> {
    let read = |word| parse(word).ok_or_else(|| broken(column, Type::Text, format!("not understood: {word}")));
    text(row, column)?.split_ascii_whitespace().map(read).collect()
}

fn numbered<T: Copy>(row: &Row<'_>, column: usize, all: &[T], number: impl Fn(T) -> i64) -> rusqlite::Result<T> {
    let found: i64 = row.get(column)?;
    let value = all.iter().copied().find(|value| number(*value) == found);
    value.ok_or_else(|| broken(column, Type::Integer, format!("not understood: {found}")))
}

fn wrong(row: &Row<'_>, column: usize, error: FromSqlError) -> rusqlite::Error {
    let kind = row.get_ref(column).map_or(Type::Null, |value| value.data_type());
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

fn broken(column: usize, kind: Type, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, what.into())
}
