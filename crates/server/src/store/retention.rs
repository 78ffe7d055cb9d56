//! Deleting what is over: messages that are older than the server, or their room, keeps them.
//!
//! A little at a time, between commits, so that none waits for more than one such step. A pass takes the oldest messages
//! of all as far as the server's time goes, then those of rooms that keep theirs for a shorter time, then the appearances
//! of people that nothing refers to any more. Each step is a transaction that leaves everything right behind it: killed
//! at any moment, the next start goes on. What is not deleted yet is not read all the same: grants begin at the time from
//! which on messages are kept (`chat::hub::history`).

use super::record;
use super::writer::Writer;
use chat::id::{RoomNumber, Timestamp};
use foldhash::HashSet;
use rusqlite::{Connection, OptionalExtension, Params, params};
use std::time::{Duration, Instant};

/// Messages that one step deletes at most: measured, about 2 ms of work.
const ROWS: usize = 256;
/// A step looks at no more when this has passed, whatever is left of its rows.
const LONGEST: Duration = Duration::from_millis(2);
/// Rows that one step of a sweep looks at, which is only reading.
const SWEPT_ROWS: i64 = 4_096;
/// Behind each step this many times as long is left to commits.
const PAUSES: u32 = 9;
/// Between two passes: a tenth of the shortest time that is kept anywhere, within these.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// After an error, such as a full disk.
const REST_AFTER_ERROR: Duration = Duration::from_secs(60);
/// How long people are referred to by the same row before they get another one, if some that share their window wait to
/// be swept.
const OPEN_WINDOW: Duration = Duration::from_secs(3600);

/// Deletes for as long as the log runs.
#[derive(Debug)]
pub(super) struct Pruner {
    /// How long the server keeps messages; `None`: for ever.
    keeps: Option<Duration>,
    stage: Stage,
    /// When there is something to do; `None`: never, as far as is known.
    due: Option<Instant>,
    /// The shortest time that anything is kept, as of this pass.
    shortest: Option<Duration>,
    /// Another pass is due right behind this one.
    again: bool,
    deleted: usize,
    window_opened: Instant,
}

#[derive(Debug)]
enum Stage {
    Resting,
    /// The oldest of all.
    Oldest,
    /// Those of rooms that keep theirs for a shorter time; what is left to do, with the time from which on they are kept.
    Rooms(Vec<(RoomNumber, Timestamp)>),
    People(Option<Sweep>),
}

/// Looks through one window for appearances that nothing refers to (`person_window` in `schema_3.sql`).
#[derive(Debug)]
struct Sweep {
    /// Where the window's messages and people begin, and where those of the next one do.
    messages: (i64, i64),
    people: (i64, i64),
    /// How far its messages were looked at, and its people.
    next_message: i64,
    next_person: i64,
    seen: HashSet<i64>,
}

/// What a step may still do.
struct Budget {
    rows: usize,
    begun: Instant,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.rows == 0 || self.begun.elapsed() >= LONGEST
    }
}

impl Pruner {
    pub fn new() -> Pruner {
        Pruner {
            keeps: None,
            stage: Stage::Resting,
            due: None,
            shortest: None,
            again: false,
            deleted: 0,
            window_opened: Instant::now(),
        }
    }

    pub fn keep_for(&mut self, span: Option<Duration>) {
        self.keeps = span;
        self.wake();
    }

    /// Something may be over sooner than it was.
    pub fn wake(&mut self) {
        self.again = true;
        if matches!(self.stage, Stage::Resting) {
            self.due = Some(Instant::now());
        }
    }

    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Does a little. Returned: rows that were written.
    pub fn work(&mut self, writer: &mut Writer, now: Timestamp) -> usize {
        let begun = Instant::now();
        match self.step(writer, now) {
            Ok(rows) => {
                self.deleted += rows;
                let pause =
                    if matches!(self.stage, Stage::Resting) { self.rest() } else { Some(begun.elapsed() * PAUSES) };
                self.due = pause.map(|pause| Instant::now() + pause);
                rows
            }
            Err(error) => {
                tracing::warn!("messages whose time is over could not be deleted, for now: {error}");
                self.stage = Stage::Resting;
                self.due = Some(Instant::now() + REST_AFTER_ERROR);
                0
            }
        }
    }

    /// How long until the next pass; `None`: nothing is ever over.
    fn rest(&mut self) -> Option<Duration> {
        if self.deleted > 0 {
            tracing::info!("{} messages whose time was over are deleted", std::mem::take(&mut self.deleted));
        }
        if self.again {
            return Some(Duration::ZERO);
        }
        self.shortest.map(|span| (span / 10).clamp(SHORTEST_REST, LONGEST_REST))
    }

    /// Nothing is begun.
    #[cfg(test)]
    pub fn is_resting(&self) -> bool {
        matches!(self.stage, Stage::Resting)
    }

    pub(super) fn step(&mut self, writer: &mut Writer, now: Timestamp) -> rusqlite::Result<usize> {
        let before = |span: Duration| Timestamp(now.0.saturating_sub(span.as_millis() as u64));
        match &mut self.stage {
            Stage::Resting => {
                self.again = false;
                self.shortest = self.keeps;
                self.stage = Stage::Oldest;
                Ok(0)
            }
            Stage::Oldest => {
                let mut budget = Budget { rows: ROWS, begun: Instant::now() };
                let is_done = match self.keeps.map(before) {
                    Some(kept_since) => writer.delete(|connection| {
                        Ok(delete_oldest(connection, kept_since, &mut budget)?
                            && delete_oldest_events(connection, kept_since, &mut budget)?)
                    })?,
                    None => true,
                };
                if is_done {
                    let rooms = rooms_with_their_own(writer.connection())?;
                    let shortest = rooms.iter().map(|(_, span)| *span).min();
                    self.shortest = self.shortest.into_iter().chain(shortest).min();
                    self.stage = Stage::Rooms(rooms.into_iter().map(|(room, span)| (room, before(span))).collect());
                }
                Ok(ROWS - budget.rows)
            }
            Stage::Rooms(rooms) => {
                let mut budget = Budget { rows: ROWS, begun: Instant::now() };
                if !rooms.is_empty() {
                    writer.delete(|connection| {
                        while let Some((room, kept_since)) = rooms.last().filter(|_| !budget.is_spent()) {
                            let (room, kept_since) = (*room, *kept_since);
                            if delete_of_room(connection, room, kept_since, &mut budget)?
                                && delete_events_of_room(connection, room, kept_since, &mut budget)?
                            {
                                rooms.pop();
                            }
                        }
                        Ok(())
                    })?;
                }
                if rooms.is_empty() {
                    self.stage = Stage::People(None);
                }
                Ok(ROWS - budget.rows)
            }
            Stage::People(None) => {
                self.stage = match next_sweep(writer.connection())? {
                    Some(sweep) => Stage::People(Some(sweep)),
                    None => {
                        if self.window_opened.elapsed() >= OPEN_WINDOW && is_open_window_thinned(writer.connection())? {
                            writer.open_window()?;
                            self.window_opened = Instant::now();
                        }
                        Stage::Resting
                    }
                };
                Ok(0)
            }
            Stage::People(Some(sweep)) => {
                if sweep.next_message < sweep.messages.1 {
                    sweep.look(writer.connection())?;
                } else if writer.delete(|connection| sweep.forget_people(connection))? {
                    self.stage = Stage::People(None);
                }
                Ok(0)
            }
        }
    }
}

/// Rooms that say how long they keep messages.
fn rooms_with_their_own(connection: &Connection) -> rusqlite::Result<Vec<(RoomNumber, Duration)>> {
    let mut statement = connection.prepare_cached("SELECT number, retention FROM room WHERE retention IS NOT NULL")?;
    let rooms = statement.query_map([], |row| {
        let seconds: u32 = row.get(1)?;
        Ok((RoomNumber(row.get(0)?), Duration::from_secs(seconds.into())))
    })?;
    rooms.collect()
}

/// A row of `run`.
struct Run {
    room: RoomNumber,
    position: i64,
    number: i64,
    messages: i64,
}

fn run(row: &rusqlite::Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run { room: RoomNumber(row.get(0)?), position: row.get(1)?, number: row.get(2)?, messages: row.get(3)? })
}

/// `true`: nothing that was said before this time is left. Messages stand in the order of their commits, so the oldest
/// are the first.
fn delete_oldest(connection: &Connection, kept_since: Timestamp, budget: &mut Budget) -> rusqlite::Result<bool> {
    let mut first = connection.prepare_cached(
        "SELECT run.room, run.position, run.number, run.messages
         FROM (SELECT room, position FROM message ORDER BY number LIMIT 1) AS oldest
         CROSS JOIN run ON run.room = oldest.room AND run.position = oldest.position",
    )?;
    while !budget.is_spent() {
        let Some(run) = first.query_row([], run).optional()? else {
            return Ok(true);
        };
        if !thin(connection, &run, kept_since, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same of one room.
fn delete_of_room(
    connection: &Connection,
    room: RoomNumber,
    kept_since: Timestamp,
    budget: &mut Budget,
) -> rusqlite::Result<bool> {
    let mut first = connection
        .prepare_cached("SELECT room, position, number, messages FROM run WHERE room = ?1 ORDER BY position LIMIT 1")?;
    while !budget.is_spent() {
        let Some(run) = first.query_row([room.0], run).optional()? else {
            return Ok(true);
        };
        if !thin(connection, &run, kept_since, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What else happened, and stands in the order of its numbers too.
fn delete_oldest_events(connection: &Connection, kept_since: Timestamp, budget: &mut Budget) -> rusqlite::Result<bool> {
    let oldest = "SELECT number, time, room FROM event ORDER BY number LIMIT ?1";
    delete_events(connection, oldest, params![budget.rows as i64], kept_since, budget)
}

/// The same of one room.
fn delete_events_of_room(
    connection: &Connection,
    room: RoomNumber,
    kept_since: Timestamp,
    budget: &mut Budget,
) -> rusqlite::Result<bool> {
    let oldest = "SELECT number, time, room FROM event INDEXED BY event_place WHERE room = ?2
        ORDER BY position, number LIMIT ?1";
    delete_events(connection, oldest, params![budget.rows as i64, room.0], kept_since, budget)
}

fn delete_events(
    connection: &Connection,
    oldest: &str,
    parameters: impl Params,
    kept_since: Timestamp,
    budget: &mut Budget,
) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(oldest)?;
    let mut rows = statement.query(parameters)?;
    let mut over: Vec<(i64, RoomNumber)> = Vec::new();
    let mut is_done = false;
    while let Some(row) = rows.next()? {
        if record::unsigned(row, 1)? >= kept_since.0 {
            is_done = true;
            break;
        }
        over.push((row.get(0)?, RoomNumber(row.get(2)?)));
    }
    drop(rows);
    let mut delete = connection.prepare_cached("DELETE FROM event WHERE number = ?1")?;
    for (number, _) in &over {
        delete.execute([number])?;
    }
    let numbers = over.iter().map(|(number, _)| *number);
    if let Some((first, last)) = numbers.clone().min().zip(numbers.max()) {
        note_thinned(connection, first, last + 1)?;
    }
    is_done |= over.len() < budget.rows;
    budget.rows -= over.len();
    over.dedup_by_key(|(_, room)| *room);
    for (_, room) in &over {
        forget_empty_room(connection, *room)?;
    }
    Ok(is_done)
}

/// Deletes what is over at the beginning of a run, as far as the budget goes. `false`: its next message is kept.
fn thin(connection: &Connection, run: &Run, kept_since: Timestamp, budget: &mut Budget) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT position, time FROM message WHERE number >= ?1 AND number < ?2 ORDER BY number LIMIT ?3",
    )?;
    let mut rows = statement.query(params![run.number, run.number + run.messages, budget.rows as i64 + 1])?;
    let mut over = 0;
    let mut rest = None;
    while let Some(row) = rows.next()? {
        let is_over = record::unsigned(row, 1)? < kept_since.0;
        if !is_over || over == budget.rows as i64 {
            rest = Some((row.get::<_, i64>(0)?, is_over));
            break;
        }
        over += 1;
    }
    if over == 0 {
        return Ok(false);
    }
    let deleted = params![run.number, run.number + over];
    connection.prepare_cached("DELETE FROM message WHERE number >= ?1 AND number < ?2")?.execute(deleted)?;
    connection.prepare_cached("DELETE FROM posted_once WHERE number >= ?1 AND number < ?2")?.execute(deleted)?;
    connection
        .prepare_cached("DELETE FROM run WHERE room = ?1 AND position = ?2")?
        .execute(params![run.room.0, run.position])?;
    match rest {
        Some((position, _)) => {
            let left = params![run.room.0, position, run.number + over, run.messages - over];
            connection.prepare_cached(record::KEEP_RUN)?.execute(left)?;
        }
        None => forget_empty_room(connection, run.room)?,
    }
    note_thinned(connection, run.number, run.number + over)?;
    budget.rows -= over as usize;
    Ok(rest.is_none_or(|(_, is_over)| is_over))
}

/// Of a room that is gone and where nothing was ever said nothing stays: the comings and goings go too, unless they are
/// so many that a commit would wait for it.
pub(super) fn forget_room(connection: &Connection, room: RoomNumber) -> rusqlite::Result<()> {
    let has_messages = connection.prepare_cached("SELECT 1 FROM run WHERE room = ?1 LIMIT 1")?.exists([room.0])?;
    if has_messages {
        return Ok(());
    }
    let mut first = connection.prepare_cached(
        "SELECT min(number), max(number) FROM (SELECT number FROM event INDEXED BY event_place WHERE room = ?1 LIMIT ?2)",
    )?;
    let numbers: (Option<i64>, Option<i64>) =
        first.query_row(params![room.0, ROWS as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if let (Some(first), Some(last)) = numbers {
        connection
            .prepare_cached("DELETE FROM event WHERE number IN (SELECT number FROM event INDEXED BY event_place WHERE room = ?1 LIMIT ?2)")?
            .execute(params![room.0, ROWS as i64])?;
        note_thinned(connection, first, last + 1)?;
    }
    forget_empty_room(connection, room)
}

/// A room that is gone kept its row for the messages that were said there, and a conversation with a guest her name.
fn forget_empty_room(connection: &Connection, room: RoomNumber) -> rusqlite::Result<()> {
    const EMPTY: &str =
        "NOT EXISTS (SELECT 1 FROM run WHERE room = ?1) AND NOT EXISTS (SELECT 1 FROM event WHERE room = ?1)";
    let gone = format!("DELETE FROM room WHERE number = ?1 AND removed IS NOT NULL AND {EMPTY}");
    connection.prepare_cached(&gone)?.execute([room.0])?;
    let name = format!("UPDATE room SET other_name = NULL WHERE number = ?1 AND other_name IS NOT NULL AND {EMPTY}");
    connection.prepare_cached(&name)?.execute([room.0])?;
    Ok(())
}

/// The windows of these numbers are to be swept.
fn note_thinned(connection: &Connection, first: i64, end: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE person_window SET thinned = 1 WHERE thinned = 0 AND first_message < ?2
             AND first_message >= (SELECT max(first_message) FROM person_window WHERE first_message <= ?1)",
        )?
        .execute([first, end])?;
    Ok(())
}

/// The first window that is to be swept. Not the last one: what is said now refers to its people.
fn next_sweep(connection: &Connection) -> rusqlite::Result<Option<Sweep>> {
    let mut statement = connection.prepare_cached(
        "SELECT first_message, end_message, first_person, end_person FROM (
            SELECT first_message, lead(first_message) OVER later AS end_message, first_person,
                lead(first_person) OVER later AS end_person, thinned
            FROM person_window WINDOW later AS (ORDER BY first_message))
         WHERE thinned = 1 AND end_message IS NOT NULL LIMIT 1",
    )?;
    let found = statement.query_row([], |row| {
        let (messages, people) = ((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?));
        Ok(Sweep { messages, people, next_message: messages.0, next_person: people.0, seen: HashSet::default() })
    });
    found.optional()
}

fn is_open_window_thinned(connection: &Connection) -> rusqlite::Result<bool> {
    let last = "SELECT thinned FROM person_window ORDER BY first_message DESC LIMIT 1";
    connection.prepare_cached(last)?.query_row([], |row| row.get(0))
}

impl Sweep {
    /// Notes who is referred to by the next messages and events.
    fn look(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let end = self.messages.1.min(self.next_message.saturating_add(SWEPT_ROWS));
        for table in ["message", "event"] {
            let sql = format!("SELECT person FROM {table} WHERE number >= ?1 AND number < ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([self.next_message, end])?;
            while let Some(row) = rows.next()? {
                self.seen.insert(row.get(0)?);
            }
        }
        self.next_message = end;
        Ok(())
    }

    /// Deletes some of those whom nothing refers to. `true`: all, and the window is swept.
    fn forget_people(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let mut statement = connection
            .prepare_cached("SELECT number FROM person WHERE number >= ?1 AND number < ?2 ORDER BY number LIMIT ?3")?;
        let people = statement.query_map(params![self.next_person, self.people.1, ROWS as i64], |row| row.get(0))?;
        let people: Vec<i64> = people.collect::<rusqlite::Result<_>>()?;
        let mut forget = connection.prepare_cached("DELETE FROM person WHERE number = ?1")?;
        for number in people.iter().filter(|number| !self.seen.contains(number)) {
            forget.execute([number])?;
        }
        if let Some(last) = people.last().filter(|_| people.len() == ROWS) {
            self.next_person = last + 1;
            return Ok(false);
        }
        if self.seen.is_empty() {
            // Nothing is left in it: what lies before is one window with it.
            connection
                .prepare_cached("DELETE FROM person_window WHERE first_message = ?1")?
                .execute([self.messages.0])?;
        } else {
            connection
                .prepare_cached("UPDATE person_window SET thinned = 0 WHERE first_message = ?1")?
                .execute([self.messages.0])?;
        }
        Ok(true)
    }
}
