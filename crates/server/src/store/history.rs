//! Old messages, read beside the writer and never in its way.

use super::problem::{StoreError, in_file};
use super::{Access, connect, record};
use chat::audit::{AuditEntry, AuditFilter};
use chat::history::{EarlierText, FoundMessage, Grant, Item, Kept, Mark, Stretch, View, with_context};
use chat::id::{MessageId, Position, RoomNumber, Timestamp};
use chat::message::{Message, MessageState};
use chat::report::{ReportNumber, ReportedText};
use chat::unread::{Unread, UnreadQuestion};
use record::kind;
use rusqlite::{Connection, OptionalExtension, Params, ToSql, params};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Reads a room's messages from a connection of its own. For one thread.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    connection: Connection,
}

/// From where a page is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// The last ones.
    Newest,
    /// The first ones.
    Oldest,
    /// The last ones before this place.
    Before(Position),
    /// The first ones after this place.
    After(Position),
}

impl History {
    pub(super) fn open(path: &Path) -> Result<History, StoreError> {
        Ok(History { path: path.to_owned(), connection: connect(path, Access::Read)? })
    }

    /// Up to `limit` lines of a conversation, the oldest first, each message with its context: what
    /// [`chat::history::Past::read`] says, by the indexes.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn read(&self, grant: &Grant, stretch: Stretch, view: View, limit: usize) -> Result<Vec<Item>, StoreError> {
        in_file(&self.path, self.at_one_moment(|| self.read_stretch(grant, stretch, view, limit)))
    }

    /// What is noted of who did what: the newest entries that the filter admits, the newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        in_file(&self.path, super::audit::select(&self.connection, filter))
    }

    /// When something that the reader may read was last said there.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn latest_time(&self, grant: &Grant) -> Result<Option<Timestamp>, StoreError> {
        let newest = || self.messages_before(&self.reader(grant, View::default())?, i64::MAX, 1);
        let newest = in_file(&self.path, self.at_one_moment(newest))?;
        Ok(newest.last().map(|(message, _)| message.timestamp))
    }

    /// What is unread of each conversation. One where nothing was said since costs one look at its last message.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn unread(&self, question: &UnreadQuestion) -> Result<Vec<Unread>, StoreError> {
        let count = |(grant, until): &(Grant, Option<Timestamp>)| self.count_unread(question, grant, *until);
        let all = || question.conversations.iter().map(count).collect();
        in_file(&self.path, self.at_one_moment(all))
    }

    /// From the newest on back until one that was read: with the position, the time only ever grows, so no place has to be
    /// looked for.
    fn count_unread(
        &self,
        question: &UnreadQuestion,
        grant: &Grant,
        until: Option<Timestamp>,
    ) -> rusqlite::Result<Unread> {
        let first_unread =
            until.map_or(Timestamp(0), |until| Timestamp(until.0.saturating_add(1))).max(grant.since.time);
        let reader = Reader::of(grant, first_position(grant), View::default());
        let mut statement = self.connection.prepare_cached(BEFORE.get_or_init(before))?;
        let limit = i64::try_from(question.most() + 1).unwrap_or(i64::MAX);
        let end = i64::try_from(question.as_of.position.0).unwrap_or(i64::MAX);
        let mut rows = statement.query(reader.parameters(&end, &limit).as_slice())?;
        let mut last = None;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (message, _) = record::message(row, &mut last)?;
            if message.timestamp < first_unread {
                break;
            }
            found.push(message);
        }
        Ok(question.count(grant, found.iter()))
    }

    /// The message or lasting signal with this id, if it is the reader's to read.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn find(&self, grant: &Grant, id: MessageId) -> Result<Option<(Arc<Message>, MessageState)>, StoreError> {
        let found = in_file(&self.path, self.at_one_moment(|| self.find_kept(grant.room, id)))?;
        Ok(found.filter(|kept| grant.covers(kept)).and_then(|kept| match kept {
            Kept::Said { message, state } => Some((message, state)),
            Kept::Happened(_) => None,
        }))
    }

    /// What is kept of the messages that these open reports are about.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn reported(&self, numbers: &[ReportNumber]) -> Result<Vec<ReportedText>, StoreError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(record::REPORTED)?;
            let mut read_one = |number: &ReportNumber| {
                let found = statement.query_row([number.0 as i64], record::reported).optional()?;
                Ok(found.unwrap_or(ReportedText { text: None, is_redacted: false }))
            };
            numbers.iter().map(&mut read_one).collect()
        };
        in_file(&self.path, self.at_one_moment(read))
    }

    /// Messages whose places are known: each one that is there still and the reader's to read.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn find_all(
        &self,
        grant: &Grant,
        which: &[(Position, MessageId)],
    ) -> Result<Vec<Option<FoundMessage>>, StoreError> {
        let everyone = Reader::of_everything(grant.room);
        let find = |(position, id): &(Position, MessageId)| {
            let found = self.messages_after(&everyone, position.0 as i64 - 1, 1)?.pop();
            let found = found.filter(|(message, _)| message.id == *id).map(said).filter(|kept| grant.covers(kept));
            Ok(found.and_then(|kept| match kept {
                Kept::Said { message, state } => Some((message, state)),
                Kept::Happened(_) => None,
            }))
        };
        in_file(&self.path, self.at_one_moment(|| which.iter().map(find).collect()))
    }

    /// What a message said before it was edited, the oldest first, each with the time until which it did. `None`: there
    /// is no such message that the reader may see.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn earlier_texts(&self, grant: &Grant, id: MessageId) -> Result<Option<Vec<EarlierText>>, StoreError> {
        if self.find(grant, id)?.is_none() {
            return Ok(None);
        }
        let read = || {
            let mut statement = self.connection.prepare_cached(record::EARLIER_TEXTS)?;
            let parameters = params![grant.room.0, id.0.as_bytes(), chat::history::EARLIER_TEXTS as i64];
            statement.query_map(parameters, record::earlier_text)?.collect()
        };
        in_file(&self.path, read()).map(Some)
    }

    /// Up to `limit` messages of a room, the oldest first, whoever they were for.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn page(&self, room: RoomNumber, from: Edge, limit: usize) -> Result<Vec<Message>, StoreError> {
        in_file(&self.path, self.read_page(room, from, limit))
    }

    /// A room's message with this id. Looks at some forty rows: there is no index of ids, which are found by their time.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn message(&self, room: RoomNumber, id: MessageId) -> Result<Option<Message>, StoreError> {
        let found = in_file(&self.path, self.find_message(room, id));
        found.map(|found| found.map(|(message, _)| message))
    }

    /// The place of the room's first message that was not said before this time; `None`: all were.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn position_at(&self, room: RoomNumber, time: Timestamp) -> Result<Option<Position>, StoreError> {
        in_file(&self.path, self.find_time(room, time))
    }

    /// Every room that has or had messages, the removed ones included.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn rooms(&self) -> Result<Vec<RoomNumber>, StoreError> {
        let read = || {
            let mut statement = self.connection.prepare_cached("SELECT number FROM room ORDER BY number")?;
            statement.query_map([], |row| row.get(0).map(RoomNumber))?.collect()
        };
        in_file(&self.path, read())
    }

    /// What is read with several questions is read as of one moment: messages can be deleted meanwhile.
    fn at_one_moment<T>(&self, read: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let _moment = self.connection.unchecked_transaction()?;
        read()
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Rows of a table.
    #[cfg(test)]
    pub(super) fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.connection.query_row(&sql, [], |row| row.get(0)).expect("counted")
    }

    fn read_stretch(&self, grant: &Grant, stretch: Stretch, view: View, limit: usize) -> rusqlite::Result<Vec<Item>> {
        let mut reader = self.reader(grant, view)?;
        let bounds = |mark| self.bounds(grant.room, mark);
        const ALL: Range<i64> = 0..i64::MAX;
        let found = match stretch {
            Stretch::Latest { after: None } => self.last_of(&reader, ALL, limit)?,
            Stretch::Latest { after: Some(mark) } => {
                reader.known = Some(mark.last_id());
                self.last_of(&reader, bounds(mark)?.1..i64::MAX, limit)?
            }
            Stretch::Before(mark) => self.last_of(&reader, 0..bounds(mark)?.0, limit)?,
            Stretch::After(mark) => {
                reader.known = Some(mark.last_id());
                self.first_of(&reader, bounds(mark)?.1..i64::MAX, limit)?
            }
            Stretch::Around(mark) => {
                let middle = bounds(mark)?.0;
                let mut found = self.last_of(&reader, 0..middle, limit / 2)?;
                found.extend(self.first_of(&reader, middle..i64::MAX, limit - limit / 2)?);
                found
            }
            Stretch::Between(one, other) => {
                let (from, to) = (bounds(one)?, bounds(other)?);
                if from.0 <= to.0 {
                    reader.known = Some(one.last_id());
                    self.first_of(&reader, from.1..to.0, limit)?
                } else {
                    reader.known = Some(other.last_id());
                    self.last_of(&reader, to.1..from.0, limit)?
                }
            }
        };
        self.with_their_context(&reader, found)
    }

    /// The position at which what a mark stands for begins, and the one behind it.
    fn bounds(&self, room: RoomNumber, mark: Mark) -> rusqlite::Result<(i64, i64)> {
        if let Mark::Message(id) = mark
            && let Some(kept) = self.find_kept(room, id)?
        {
            let at = kept.position().0 as i64;
            return Ok((at, at + 1));
        }
        let time = mark.time();
        Ok((self.first_from(room, time)?, self.first_from(room, Timestamp(time.0.saturating_add(1)))?))
    }

    /// The position of the first line that is not from before this time.
    fn first_from(&self, room: RoomNumber, time: Timestamp) -> rusqlite::Result<i64> {
        let of_messages = self.find_time(room, time)?.map_or(i64::MAX, |position| position.0 as i64);
        let of_events = self.find_event_time(room, time)?.unwrap_or(i64::MAX);
        Ok(of_messages.min(of_events))
    }

    /// The last lines of a part of the order.
    fn last_of(&self, reader: &Reader, part: Range<i64>, limit: usize) -> rusqlite::Result<Vec<Kept>> {
        let mut messages = self.messages_before(reader, part.end, limit)?;
        messages.retain(|(message, _)| message.position.0 as i64 >= part.start);
        let mut found: Vec<Kept> = messages.into_iter().map(said).collect();
        // Behind a full page of messages nothing is left to be found.
        let start = if found.len() < limit { part.start } else { found.first().map_or(part.start, place) };
        found.extend(self.events(reader, Order::NewestFirst, start..part.end, limit)?);
        found.sort_by_key(place);
        found.drain(..found.len().saturating_sub(limit));
        Ok(found)
    }

    /// The first lines of a part of the order.
    fn first_of(&self, reader: &Reader, part: Range<i64>, limit: usize) -> rusqlite::Result<Vec<Kept>> {
        let mut messages = self.messages_after(reader, part.start - 1, limit)?;
        messages.retain(|(message, _)| (message.position.0 as i64) < part.end);
        let mut found: Vec<Kept> = messages.into_iter().map(said).collect();
        let end = if found.len() < limit { part.end } else { found.last().map_or(part.end, place) };
        found.extend(self.events(reader, Order::OldestFirst, part.start..end, limit)?);
        found.sort_by_key(place);
        found.truncate(limit);
        Ok(found)
    }

    fn read_page(&self, room: RoomNumber, from: Edge, limit: usize) -> rusqlite::Result<Vec<Message>> {
        let reader = Reader::of_everything(room);
        let found = match from {
            Edge::Newest => self.messages_before(&reader, i64::MAX, limit)?,
            Edge::Before(position) => self.messages_before(&reader, position.0 as i64, limit)?,
            Edge::Oldest => self.messages_after(&reader, -1, limit)?,
            Edge::After(position) => self.messages_after(&reader, position.0 as i64, limit)?,
        };
        Ok(found.into_iter().map(|(message, _)| message).collect())
    }

    fn messages_before(&self, reader: &Reader, position: i64, limit: usize) -> rusqlite::Result<Vec<Found>> {
        let mut messages = self.messages(BEFORE.get_or_init(before), reader, position, limit)?;
        messages.reverse();
        Ok(messages)
    }

    fn messages_after(&self, reader: &Reader, position: i64, limit: usize) -> rusqlite::Result<Vec<Found>> {
        self.messages(AFTER.get_or_init(after), reader, position.max(reader.first - 1), limit)
    }

    fn reader(&self, grant: &Grant, view: View) -> rusqlite::Result<Reader> {
        let time = grant.since.time;
        let mut first = first_position(grant);
        if time > Timestamp(0) {
            first = first.max(self.first_from(grant.room, time)?);
        }
        Ok(Reader::of(grant, first, view))
    }

    fn messages(&self, sql: &str, reader: &Reader, position: i64, limit: usize) -> rusqlite::Result<Vec<Found>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut last = None;
        let mut statement = self.connection.prepare_cached(sql)?;
        let parameters = reader.parameters(&position, &limit);
        statement.query_map(parameters.as_slice(), |row| record::message(row, &mut last))?.collect()
    }

    /// Events that stand in their own place, in whichever order.
    fn events(&self, reader: &Reader, order: Order, part: Range<i64>, limit: usize) -> rusqlite::Result<Vec<Kept>> {
        // What is about messages alone is wanted of those known already, and where none is, nothing.
        let View { redactions, edits, events, renamings, .. } = reader.view;
        if !events && (!(redactions || edits) || reader.known.is_none()) {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let which = if events { Which::All } else { Which::AboutMessages };
        let parameters = params![
            reader.room.0,
            part.start.max(reader.first),
            part.end,
            reader.role,
            reader.client_bytes(),
            redactions,
            events,
            edits,
            reader.known.as_ref().map(|id| id.0.as_bytes()),
            limit,
            renamings
        ];
        self.query_events(&select_some(order, which), parameters)
    }

    fn query_events(&self, sql: &str, parameters: impl Params) -> rusqlite::Result<Vec<Kept>> {
        let mut last = None;
        let mut statement = self.connection.prepare_cached(sql)?;
        statement.query_map(parameters, |row| record::event(row, &mut last))?.collect()
    }

    /// Puts behind each message what became of it.
    fn with_their_context(&self, reader: &Reader, found: Vec<Kept>) -> rusqlite::Result<Vec<Item>> {
        let ids = || found.iter().filter(|kept| kept.is_message()).map(Kept::id);
        let has_context = match ids().min().zip(ids().max()) {
            Some((low, high)) if reader.view.has_events() => {
                let bounds = params![reader.room.0, low.0.as_bytes(), high.0.as_bytes()];
                self.connection.prepare_cached(HAS_CONTEXT)?.exists(bounds)?
            }
            _ => false,
        };
        let mut failure = None;
        let page = with_context(found, |id| {
            if !has_context || failure.is_some() {
                return Vec::new();
            }
            let parameters = params![
                reader.room.0,
                id.0.as_bytes(),
                CONTEXT_ROWS,
                reader.role,
                reader.client_bytes(),
                reader.view.redactions,
                reader.view.events,
                reader.view.edits
            ];
            match self.query_events(CONTEXT.get_or_init(context), parameters) {
                Ok(mut about) => {
                    about.reverse();
                    about
                }
                Err(error) => {
                    failure = Some(error);
                    Vec::new()
                }
            }
        });
        failure.map_or(Ok(page), Err)
    }

    /// The message or event with this id, whoever it is for.
    fn find_kept(&self, room: RoomNumber, id: MessageId) -> rusqlite::Result<Option<Kept>> {
        if let Some(found) = self.find_message(room, id)? {
            return Ok(Some(said(found)));
        }
        let time = id.time();
        let Some(first) = self.find_event_time(room, time)? else {
            return Ok(None);
        };
        let end = self.find_event_time(room, Timestamp(time.0.saturating_add(1)))?.unwrap_or(i64::MAX);
        let parameters = params![room.0, first, end, id.0.as_bytes()];
        Ok(self.query_events(EVENT.get_or_init(event), parameters)?.pop())
    }

    fn find_message(&self, room: RoomNumber, id: MessageId) -> rusqlite::Result<Option<Found>> {
        let time = id.time();
        let Some(first) = self.find_time(room, time)? else {
            return Ok(None);
        };
        let mut passed = first.0 as i64 - 1;
        loop {
            let page = self.messages_after(&Reader::of_everything(room), passed, 100)?;
            let Some((end, _)) = page.last() else {
                return Ok(None);
            };
            passed = end.position.0 as i64;
            let is_last = end.timestamp > time;
            let found = page.into_iter().find(|(message, _)| message.id == id);
            if found.is_some() || is_last {
                return Ok(found);
            }
        }
    }

    /// The place of the room's first message that was not said before this time.
    fn find_time(&self, room: RoomNumber, time: Timestamp) -> rusqlite::Result<Option<Position>> {
        let newest = self.messages_before(&Reader::of_everything(room), i64::MAX, 1)?;
        let newest = newest.last().map(|(newest, _)| (newest.position.0, newest.timestamp.0));
        let found = self.halve(AT, room, time, newest)?;
        Ok(found.map(Position))
    }

    /// The place of the room's first event that did not happen before this time.
    fn find_event_time(&self, room: RoomNumber, time: Timestamp) -> rusqlite::Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached(NEWEST_EVENT)?;
        let mut rows = statement.query([room.0])?;
        let newest = match rows.next()? {
            Some(row) => Some((record::unsigned(row, 0)?, record::unsigned(row, 1)?)),
            None => None,
        };
        let found = self.halve(AT_EVENT, room, time, newest)?;
        Ok(found.map(|position| position as i64))
    }

    /// Halves the room's positions until the time is found: with the position, the time only ever grows. `at`: gives
    /// place and time of the first from a place on; `newest`: those of the last.
    fn halve(
        &self,
        at: &str,
        room: RoomNumber,
        time: Timestamp,
        newest: Option<(u64, u64)>,
    ) -> rusqlite::Result<Option<u64>> {
        let Some((newest, _)) = newest.filter(|(_, newest)| *newest >= time.0) else {
            return Ok(None);
        };
        let mut statement = self.connection.prepare_cached(at)?;
        let mut first_from = |position: u64| {
            statement.query_row(params![room.0, position as i64], |row| {
                Ok((record::unsigned(row, 0)?, record::unsigned(row, 1)?))
            })
        };
        // The first from `low` on may be too early, that from `high` on is not.
        let (mut low, mut high) = (0, newest);
        while low < high {
            let middle = low + (high - low) / 2;
            let (position, said) = first_from(middle)?;
            if said < time.0 {
                low = position + 1;
            } else {
                high = middle;
            }
        }
        let (position, _) = first_from(low)?;
        Ok(Some(position))
    }
}

type Found = (Message, MessageState);

fn said((message, state): Found) -> Kept {
    Kept::Said { message: Arc::new(message), state }
}

fn place(kept: &Kept) -> i64 {
    kept.position().0 as i64
}

#[derive(Clone, Copy)]
enum Order {
    OldestFirst,
    NewestFirst,
}

#[derive(Clone, Copy)]
enum Which {
    All,
    AboutMessages,
}

/// Whose eyes a room is read with.
struct Reader {
    room: RoomNumber,
    /// The number of her highest role; -1: none.
    role: i64,
    client: Option<[u8; 16]>,
    /// The first position that is hers to read.
    first: i64,
    view: View,
    /// What is about messages up to this one stands in its own place.
    known: Option<MessageId>,
    /// What is left of redacted messages too: for those who know of redactions, and where a place is looked for.
    sees_redacted: bool,
}

impl Reader {
    /// All messages, the redacted ones too.
    fn of_everything(room: RoomNumber) -> Reader {
        Reader { room, role: i64::MAX, client: None, first: 0, view: View::default(), known: None, sees_redacted: true }
    }

    fn of(grant: &Grant, first: i64, view: View) -> Reader {
        Reader {
            room: grant.room,
            role: grant.role.map_or(-1, record::role_number),
            client: Some(*grant.reader.0.as_bytes()),
            first,
            view,
            known: None,
            sees_redacted: view.placeholders,
        }
    }

    /// Of a statement with [`READABLE`].
    fn parameters<'a>(&'a self, position: &'a i64, limit: &'a i64) -> [&'a dyn ToSql; 7] {
        [&self.room.0, position, limit, &self.role, &self.client, &self.first, &self.sees_redacted]
    }

    fn client_bytes(&self) -> Option<&[u8; 16]> {
        self.client.as_ref()
    }
}

fn first_position(grant: &Grant) -> i64 {
    i64::try_from(grant.since.position.0).unwrap_or(i64::MAX)
}

/// As [`Grant::covers`].
const READABLE: &str = "message.position >= ?6
    AND (message.audience IS NULL OR message.audience <= ?4 OR person.client = ?5)
    AND (?7 OR message.state IS NOT 2)";

/// The newest rows about one message that are looked at.
const CONTEXT_ROWS: i64 = 1_000;

static BEFORE: OnceLock<String> = OnceLock::new();
static AFTER: OnceLock<String> = OnceLock::new();
static CONTEXT: OnceLock<String> = OnceLock::new();
static EVENT: OnceLock<String> = OnceLock::new();

/// `SELECT` of what [`record::event`] reads.
fn select_events(from: &str) -> String {
    let columns = record::EVENT_COLUMNS;
    format!(
        "SELECT {columns} FROM {from}
         CROSS JOIN person ON person.number = event.person CROSS JOIN room ON room.number = event.room"
    )
}

/// As [`View::shows`].
fn shown() -> String {
    let (gone, redaction, earlier) = (kind::GONE, kind::REDACTION, kind::EARLIER_EDIT);
    let (edit, edit_of_notice) = (kind::EDIT, kind::EDIT_OF_NOTICE);
    format!(
        "(event.kind = {redaction} AND ?6 OR event.kind IN ({edit}, {edit_of_notice}) AND ?8
          OR event.kind NOT IN ({gone}, {redaction}, {edit}, {edit_of_notice}, {earlier}) AND ?7)"
    )
}

/// As [`Grant::covers`], of an event.
const COVERED: &str = "(event.audience IS NULL OR event.audience <= ?4 OR person.client = ?5)";

fn select_some(order: Order, which: Which) -> String {
    let direction = match order {
        Order::OldestFirst => "",
        Order::NewestFirst => "DESC",
    };
    let (index, wanted) = match which {
        Which::All => ("event_place", "(event.target IS NULL OR event.target <= ?9)"),
        Which::AboutMessages => ("event_about_place", "event.target IS NOT NULL AND event.target <= ?9"),
    };
    let (select, shown) = (select_events(&format!("event INDEXED BY {index}")), shown());
    let room_rename = kind::ROOM_RENAME;
    format!(
        "{select} WHERE event.room = ?1 AND event.position >= ?2 AND event.position < ?3 AND {wanted} AND {shown}
           AND (?11 OR event.kind <> {room_rename}) AND {COVERED}
         ORDER BY event.position {direction}, event.number {direction} LIMIT ?10"
    )
}

/// What is about one message, the newest first. Who may see a message may see what became of it.
fn context() -> String {
    let (select, shown) = (select_events("event INDEXED BY event_about"), shown());
    let (redaction, unpin) = (kind::REDACTION, kind::UNPIN);
    format!(
        "{select} WHERE event.room = ?1 AND event.target = ?2 AND {shown}
           AND (event.kind BETWEEN {redaction} AND {unpin} OR {COVERED})
         ORDER BY event.position DESC, event.number DESC LIMIT ?3"
    )
}

/// By its id, among those of its time.
fn event() -> String {
    let select = select_events("event INDEXED BY event_place");
    format!("{select} WHERE event.room = ?1 AND event.position >= ?2 AND event.position < ?3 AND event.id = ?4 LIMIT 1")
}

/// Whether anything is about one of these messages.
const HAS_CONTEXT: &str = "SELECT 1 FROM event INDEXED BY event_about
    WHERE room = ?1 AND target >= ?2 AND target <= ?3 LIMIT 1";

/// Place and time of the last event.
const NEWEST_EVENT: &str = "SELECT position, time FROM event INDEXED BY event_place
    WHERE room = ?1 ORDER BY position DESC LIMIT 1";

/// Place and time of the first event from a place on.
const AT_EVENT: &str = "SELECT position, time FROM event INDEXED BY event_place
    WHERE room = ?1 AND position >= ?2 ORDER BY position LIMIT 1";

/// Walks the room's runs backwards, and each run's messages; CROSS JOIN keeps SQLite from another order of loops.
fn before() -> String {
    format!(
        "SELECT {columns} FROM run
         CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
         CROSS JOIN person ON person.number = message.person CROSS JOIN room ON room.number = message.room
         WHERE run.room = ?1 AND run.position < ?2 AND message.position < ?2
           AND run.position >= coalesce((SELECT max(position) FROM run WHERE room = ?1 AND position <= ?6), ?6)
           AND {READABLE}
         ORDER BY run.position DESC, message.number DESC LIMIT ?3",
        columns = record::MESSAGE_COLUMNS
    )
}

/// Begins in the run that holds the place, which begins at or before it.
fn after() -> String {
    format!(
        "SELECT {columns} FROM run
         CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
         CROSS JOIN person ON person.number = message.person CROSS JOIN room ON room.number = message.room
         WHERE run.room = ?1 AND message.position > ?2 AND {READABLE}
           AND run.position >= coalesce((SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2), ?2)
         ORDER BY run.position, message.number LIMIT ?3",
        columns = record::MESSAGE_COLUMNS
    )
}

/// Place and time of the first message from a place on.
const AT: &str = "SELECT message.position, message.time FROM run
    CROSS JOIN message ON message.number >= run.number AND message.number < run.number + run.messages
    WHERE run.room = ?1 AND message.position >= ?2
      AND run.position >= coalesce((SELECT max(position) FROM run WHERE room = ?1 AND position <= ?2), ?2)
    ORDER BY run.position, message.number LIMIT 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_is_sorted_or_searched_row_by_row() {
        let connection = Connection::open_in_memory().expect("a database");
        for step in super::super::schema::STEPS {
            connection.execute_batch(step).expect("the schema");
        }
        let mut statements = vec![before(), after(), context(), event()];
        for order in [Order::OldestFirst, Order::NewestFirst] {
            statements.extend([select_some(order, Which::All), select_some(order, Which::AboutMessages)]);
        }
        statements.extend(
            [
                AT,
                HAS_CONTEXT,
                NEWEST_EVENT,
                AT_EVENT,
                record::REDACT_MESSAGE,
                record::REDACT_EVENT,
                record::KEEP_EARLIER,
                record::EDIT_MESSAGE,
                record::VOID_EDITS,
                record::REDACT_EDITS,
                record::EARLIER_TEXTS,
                record::REPORTED,
            ]
            .map(str::to_owned),
        );
        for sql in statements {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("prepared");
            // The parameters stay unset: a plan does not depend on them.
            let plan = statement.raw_query().mapped(|row| row.get(3)).collect::<Result<Vec<String>, _>>();
            let plan = plan.expect("a plan");
            let plan = plan.join("\n");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
    }
}
