//! What happened besides messages.

use super::message::{LastPerson, audience, person};
use super::room::{LISTS, flag_from_word, flag_word, list_word, role_number};
use super::value::{broken, bytes, long_text, some_text, some_uuid, text, time, unsigned, uuid};
use chat::event::{Happening, Place, RoomRef, RoomStep, What};
use chat::history::{HistoryEvent, Kept};
use chat::id::{ChatroomId, ClientId, MessageId, Position, RoomNumber, Timestamp};
use chat::membership::{Role, Roles};
use chat::message::{Lasting, Message, MessageKind, MessageState};
use chat::person::Person;
use compact_str::CompactString;
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Row, params};
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

pub(in crate::store) const KEEP_EVENT: &str = "INSERT INTO event
    (number, room, position, id, time, person, kind, target, text, tags, addressed_to, recipient, audience)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
/// The message's text before an edit goes to the row of the edit. Parameters as of [`REDACT_MESSAGE`], with the row's number.
pub(in crate::store) const KEEP_EARLIER: &str = "UPDATE event SET earlier =
    (SELECT message.text FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = ?1 AND run.position = (SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2)
       AND message.position = ?2 AND message.id = ?3)
    WHERE number = ?4";
/// Gives the message of this room, position and id another text, unless it is redacted.
pub(in crate::store) const EDIT_MESSAGE: &str = "UPDATE message SET text = ?4, seams = ?5, state = 1
    WHERE id = ?3 AND state IS NOT 2 AND number =
    (SELECT message.number FROM run
     CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
     WHERE run.room = ?1 AND run.position = (SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2)
       AND message.position = ?2)";
/// The edits of a message so far are not shown any more.
pub(in crate::store) const VOID_EDITS: &str = "UPDATE event INDEXED BY event_about SET kind = 7
    WHERE room = ?1 AND target = ?2 AND kind BETWEEN 5 AND 6";
/// The earlier texts of a message are gone.
pub(in crate::store) const REDACT_EDITS: &str = "UPDATE event INDEXED BY event_about
    SET kind = 0, text = NULL, earlier = NULL WHERE room = ?1 AND target = ?2 AND kind BETWEEN 5 AND 7";
/// What a message said before, the oldest first: until when, and what.
pub(in crate::store) const EARLIER_TEXTS: &str = "SELECT time, earlier FROM event INDEXED BY event_about
    WHERE room = ?1 AND target = ?2 AND kind BETWEEN 5 AND 7 AND earlier IS NOT NULL ORDER BY position, number LIMIT ?3";
/// Blanks the signal of this room, position and id.
pub(in crate::store) const REDACT_EVENT: &str = "UPDATE event SET kind = 0, text = NULL, tags = NULL
    WHERE room = ?1 AND position = ?2 AND id = ?3";
/// The columns that [`event`] reads, of `event`, `person` and `room`.
pub(in crate::store) const EVENT_COLUMNS: &str =
    "event.id, event.time, event.position, event.room, event.kind, event.target,
    event.text, event.tags, coalesce(event.addressed_to, room.name, ''), event.recipient, event.audience, room.id,
    event.person, person.client, person.name, person.ident, person.host, person.account, person.realname, person.bot";

/// What `event.kind` says. From [`kind::REDACTION`] to [`kind::UNPIN`]: who may see a message may see what became of it.
pub(in crate::store) mod kind {
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
pub(in crate::store) fn keep_event(
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
pub(super) fn happened(what: &What) -> Option<(i64, Option<Cow<'_, str>>)> {
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
pub(super) fn step_text(step: &RoomStep) -> String {
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

pub(super) fn step_from_text(text: &str) -> Option<RoomStep> {
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

pub(in crate::store) fn event(row: &Row<'_>, last: &mut LastPerson) -> rusqlite::Result<Kept> {
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
        kind::REDACTION => {
            Ok(happened(What::Redacted { room: room(), target: target()?, said: None, reason: long_text(row, 6)? }))
        }
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
pub(in crate::store) fn earlier_text(row: &Row<'_>) -> rusqlite::Result<(Timestamp, Box<str>)> {
    Ok((Timestamp(unsigned(row, 0)?), row.get(1)?))
}
