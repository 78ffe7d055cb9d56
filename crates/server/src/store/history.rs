//! Old messages, read beside the writer and never in its way.

use super::problem::{StoreError, in_file};
use super::{Access, connect, record};
use chat::history::{Grant, Mark, Since, Stretch};
use chat::id::{ClientId, MessageId, Position, RoomNumber, Timestamp};
use chat::message::Message;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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

    /// Up to `limit` messages of a conversation, the oldest first: what [`chat::history::select`] says, by the index.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn read(&self, grant: &Grant, stretch: Stretch, limit: usize) -> Result<Vec<Message>, StoreError> {
        in_file(&self.path, self.read_stretch(grant, stretch, limit))
    }

    /// When something that the reader may read was last said there.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn latest_time(&self, grant: &Grant) -> Result<Option<Timestamp>, StoreError> {
        let newest = self.reader(grant).and_then(|reader| self.read_before(&reader, i64::MAX, 1));
        in_file(&self.path, newest).map(|newest| newest.last().map(|message| message.timestamp))
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
        in_file(&self.path, self.find(room, id))
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

    /// Rows of a table.
    #[cfg(test)]
    pub(super) fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.connection.query_row(&sql, [], |row| row.get(0)).expect("counted")
    }

    fn read_stretch(&self, grant: &Grant, stretch: Stretch, limit: usize) -> rusqlite::Result<Vec<Message>> {
        let reader = self.reader(grant)?;
        let bounds = |mark| self.bounds(reader.room, mark);
        match stretch {
            Stretch::Latest { after: None } => self.read_before(&reader, i64::MAX, limit),
            Stretch::Latest { after: Some(mark) } => {
                let mut found = self.read_before(&reader, i64::MAX, limit)?;
                let (_, behind) = bounds(mark)?;
                found.retain(|message| message.position.0 as i64 >= behind);
                Ok(found)
            }
            Stretch::Before(mark) => self.read_before(&reader, bounds(mark)?.0, limit),
            Stretch::After(mark) => self.read_after(&reader, bounds(mark)?.1 - 1, limit),
            Stretch::Around(mark) => {
                let middle = bounds(mark)?.0;
                let mut found = self.read_before(&reader, middle, limit / 2)?;
                found.extend(self.read_after(&reader, middle - 1, limit - limit / 2)?);
                Ok(found)
            }
            Stretch::Between(from, to) => {
                let (from, to) = (bounds(from)?, bounds(to)?);
                let mut found = if from.0 <= to.0 {
                    self.read_after(&reader, from.1 - 1, limit)?
                } else {
                    self.read_before(&reader, from.0, limit)?
                };
                let inner = from.1.min(to.1)..from.0.max(to.0);
                found.retain(|message| inner.contains(&(message.position.0 as i64)));
                Ok(found)
            }
        }
    }

    /// The position at which what a mark stands for begins, and the one behind it.
    fn bounds(&self, room: RoomNumber, mark: Mark) -> rusqlite::Result<(i64, i64)> {
        if let Mark::Message(id) = mark
            && let Some(message) = self.find(room, id)?
        {
            let at = message.position.0 as i64;
            return Ok((at, at + 1));
        }
        let time = mark.time();
        let first_from = |time| {
            let found = self.find_time(room, time)?;
            Ok::<_, rusqlite::Error>(found.map_or(i64::MAX, |position| position.0 as i64))
        };
        Ok((first_from(time)?, first_from(Timestamp(time.0.saturating_add(1)))?))
    }

    fn read_page(&self, room: RoomNumber, from: Edge, limit: usize) -> rusqlite::Result<Vec<Message>> {
        let reader = Reader::of_everything(room);
        match from {
            Edge::Newest => self.read_before(&reader, i64::MAX, limit),
            Edge::Before(position) => self.read_before(&reader, position.0 as i64, limit),
            Edge::Oldest => self.read_after(&reader, -1, limit),
            Edge::After(position) => self.read_after(&reader, position.0 as i64, limit),
        }
    }

    fn read_before(&self, reader: &Reader, position: i64, limit: usize) -> rusqlite::Result<Vec<Message>> {
        let mut messages = self.select(BEFORE.get_or_init(before), reader, position, limit)?;
        messages.reverse();
        Ok(messages)
    }

    fn read_after(&self, reader: &Reader, position: i64, limit: usize) -> rusqlite::Result<Vec<Message>> {
        self.select(AFTER.get_or_init(after), reader, position.max(reader.first - 1), limit)
    }

    fn reader(&self, grant: &Grant) -> rusqlite::Result<Reader> {
        let Since { position, time } = grant.since;
        let mut first = i64::try_from(position.0).unwrap_or(i64::MAX);
        if time > Timestamp(0) {
            let found = self.find_time(grant.room, time)?;
            first = first.max(found.map_or(i64::MAX, |position| position.0 as i64));
        }
        Ok(Reader {
            room: grant.room,
            role: grant.role.map_or(-1, record::role_number),
            client: Some(grant.reader),
            first,
        })
    }

    fn select(&self, sql: &str, reader: &Reader, position: i64, limit: usize) -> rusqlite::Result<Vec<Message>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut last = None;
        let mut statement = self.connection.prepare_cached(sql)?;
        let parameters = params![
            reader.room.0,
            position,
            limit,
            reader.role,
            reader.client.as_ref().map(|client| client.0.as_bytes()),
            reader.first
        ];
        statement.query_map(parameters, |row| record::message(row, &mut last))?.collect()
    }

    fn find(&self, room: RoomNumber, id: MessageId) -> rusqlite::Result<Option<Message>> {
        let time = id.time();
        let Some(first) = self.find_time(room, time)? else {
            return Ok(None);
        };
        let mut passed = first.0 as i64 - 1;
        loop {
            let page = self.read_after(&Reader::of_everything(room), passed, 100)?;
            let Some(end) = page.last() else {
                return Ok(None);
            };
            passed = end.position.0 as i64;
            let is_last = end.timestamp > time;
            let found = page.into_iter().find(|message| message.id == id);
            if found.is_some() || is_last {
                return Ok(found);
            }
        }
    }

    /// Halves the room's positions until the time is found: with the position, the time only ever grows.
    fn find_time(&self, room: RoomNumber, time: Timestamp) -> rusqlite::Result<Option<Position>> {
        let newest = self.read_before(&Reader::of_everything(room), i64::MAX, 1)?;
        let Some(newest) = newest.last().filter(|newest| newest.timestamp >= time) else {
            return Ok(None);
        };
        let mut statement = self.connection.prepare_cached(AT)?;
        let mut first_from = |position: u64| {
            statement.query_row(params![room.0, position as i64], |row| {
                Ok((record::unsigned(row, 0)?, record::unsigned(row, 1)?))
            })
        };
        // The first message from `low` on may be too early, that from `high` on is not.
        let (mut low, mut high) = (0, newest.position.0);
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
        Ok(Some(Position(position)))
    }
}

/// Whose eyes a room is read with.
struct Reader {
    room: RoomNumber,
    /// The number of her highest role; -1: none.
    role: i64,
    client: Option<ClientId>,
    /// The first position that is hers to read.
    first: i64,
}

impl Reader {
    fn of_everything(room: RoomNumber) -> Reader {
        Reader { room, role: i64::MAX, client: None, first: 0 }
    }
}

/// As [`Grant::covers`].
const READABLE: &str =
    "message.position >= ?6 AND (message.audience IS NULL OR message.audience <= ?4 OR person.client = ?5)";

static BEFORE: OnceLock<String> = OnceLock::new();
static AFTER: OnceLock<String> = OnceLock::new();

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
        for sql in [before(), after(), AT.to_owned()] {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("prepared");
            // The parameters stay unset: a plan does not depend on them.
            let plan = statement.raw_query().mapped(|row| row.get(3)).collect::<Result<Vec<String>, _>>();
            let plan = plan.expect("a plan");
            let plan = plan.join("\n");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
    }
}
