//! Searches: the index names messages that may be meant, and each is looked at before it is shown. So an index that is
//! behind, or that a hostile name or word has confused, shows nothing that is not there or that is not the reader's.

use super::cutoff::Cutoff;
use super::follower::Following;
use super::index::is_broken;
use super::{index_path, terms};
use crate::logging::RepeatedComplaint;
use crate::store::problem::{Problem, StoreError, in_file};
use crate::store::{Access, connect, record};
use chat::history::{Grant, Kept};
use chat::id::{RoomNumber, Timestamp};
use chat::message::Message;
use chat::search::Search;
use foldhash::HashMap;
use rusqlite::{Connection, ErrorCode, InterruptHandle, params};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

static UNREADABLE: RepeatedComplaint = RepeatedComplaint::new();
static WITHOUT: RepeatedComplaint = RepeatedComplaint::new();

/// Messages of others that are passed over, for each room of the reader, before the index is asked for her rooms alone: that
/// costs a look-up of each room, in every segment of the index, as much time as passing over so many.
const PASSED_OVER_PER_ROOM: usize = 40;

/// The same for all rooms together, however few: what most people look for is found by then.
const PASSED_OVER_AT_LEAST: usize = 200;

/// Rooms that the index is asked for at a time. Whoever is in more gets what there is among everyone's messages until the
/// time is over.
const MOST_ROOMS: usize = 512;

/// Messages of one commit stand by room, not by time: by so many the numbers of a time can be off.
const OUT_OF_ORDER: i64 = 20_000;

/// Pages that each connection keeps: of ten million messages, those that lead to a message's page.
const CACHE: &str = "PRAGMA cache_size = -8192";

/// How often it is looked at the clock.
const BETWEEN_LOOKS: usize = 16;

/// What a search has found.
#[derive(Debug)]
pub struct Found {
    /// The oldest first.
    pub messages: Vec<Arc<Message>>,
    /// False: the time was over before all was looked at.
    pub complete: bool,
}

/// Searches on connections of its own. For one thread.
pub struct Finder {
    database: PathBuf,
    main: Connection,
    interrupt_main: Arc<InterruptHandle>,
    index: Option<OpenIndex>,
    following: Following,
    cutoff: Cutoff,
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").field("database", &self.database).finish_non_exhaustive()
    }
}

struct OpenIndex {
    generation: u64,
    connection: Connection,
    interrupt: Arc<InterruptHandle>,
}

impl Finder {
    pub(crate) fn open(database: &Path, following: &Following) -> Result<Finder, StoreError> {
        let main = connect(database, Access::Read)?;
        in_file(database, main.execute_batch(CACHE))?;
        let cutoff = Cutoff::start().map_err(|error| StoreError::new(database, Problem::of_io(&error)))?;
        Ok(Finder {
            database: database.to_owned(),
            interrupt_main: Arc::new(main.get_interrupt_handle()),
            main,
            index: None,
            following: following.clone(),
            cutoff,
        })
    }

    /// Up to `limit` messages that the grants let read: what [`chat::history::Past::search`] says, as far as `patience` reaches.
    ///
    /// # Errors
    /// When the database can't be read. A bad index is no error: then the last messages are looked at, one by one.
    pub fn search(
        &mut self,
        grants: &[Grant],
        search: &Search,
        limit: usize,
        patience: Duration,
    ) -> Result<Found, StoreError> {
        let begun = Instant::now();
        self.open_index();
        let mut handles = vec![self.interrupt_main.clone()];
        handles.extend(self.index.as_ref().map(|index| index.interrupt.clone()));
        let clock = Clock { half: begun + patience / 2, ends: begun + patience };
        let running = self.cutoff.until(clock.ends, handles);
        let mut outcome = self.look(grants, search, limit, clock);
        if let (Ok(found), Some(loose)) = (&outcome, search.loosened())
            && found.complete
            && found.messages.is_empty()
        {
            outcome = self.look(grants, &loose, limit, clock);
        }
        drop(running);
        // The time can be over before the first look.
        let nothing = Found { messages: Vec::new(), complete: false };
        let outcome = outcome.or_else(unless_interrupted(clock.ends, nothing));
        in_file(&self.database, outcome)
    }

    fn open_index(&mut self) {
        let generation = self.following.generation();
        if self.index.as_ref().is_some_and(|index| index.generation == generation) {
            return;
        }
        self.index = None;
        // 0: the follower has not come to it.
        if generation > 0 {
            let opened = connect(&index_path(&self.database), Access::Read).and_then(|connection| {
                in_file(&index_path(&self.database), connection.execute_batch(CACHE))?;
                Ok(connection)
            });
            match opened {
                Ok(connection) => {
                    let interrupt = Arc::new(connection.get_interrupt_handle());
                    self.index = Some(OpenIndex { generation, connection, interrupt });
                }
                Err(error) => {
                    WITHOUT.say(|left_out| tracing::warn!("searching without its index: {error}{left_out}"));
                }
            }
        }
    }

    fn look(&self, grants: &[Grant], search: &Search, limit: usize, clock: Clock) -> rusqlite::Result<Found> {
        // One transaction for all: each would take and give back its locks otherwise. An earlier one that an interrupt kept
        // from ending ends here.
        if !self.main.is_autocommit() {
            self.main.execute_batch("ROLLBACK")?;
        }
        let _moment = self.main.unchecked_transaction()?;
        let mut hunt = Hunt {
            main: &self.main,
            grants: HashMap::default(),
            search,
            limit,
            clock,
            found: Vec::new(),
            sender: None,
            steps: 0,
            complete: true,
        };
        hunt.take_grants(grants)?;
        let Some(range) = hunt.range()? else {
            return Ok(Found { messages: Vec::new(), complete: true });
        };
        if grants.is_empty() || limit == 0 || range.is_empty() {
            return Ok(Found { messages: Vec::new(), complete: true });
        }
        let indexed = self.index.as_ref().and_then(|index| match progress(&index.connection) {
            Ok(indexed) => Some(Ok((index, indexed))),
            Err(error) if is_interrupted(&error, clock.ends) => Some(Err(error)),
            Err(error) => {
                self.complain(index, &error);
                None
            }
        });
        let Some((index, indexed)) = indexed.transpose()? else {
            hunt.walk(range, clock.ends)?;
            return Ok(hunt.finish());
        };
        let old = *range.start()..=indexed.min(*range.end());
        let new = (indexed + 1).max(*range.start())..=*range.end();
        if search.oldest_first {
            hunt.ask(index, old.clone()).or_else(|error| self.without_index(index, error, &mut hunt, old))?;
            hunt.walk(new, clock.ends)?;
        } else {
            // Half of the time: when the index is far behind, what it has is looked at too.
            hunt.walk(new, if old.is_empty() { clock.ends } else { clock.half })?;
            hunt.ask(index, old.clone()).or_else(|error| self.without_index(index, error, &mut hunt, old))?;
        }
        Ok(hunt.finish())
    }

    fn without_index(
        &self,
        index: &OpenIndex,
        error: rusqlite::Error,
        hunt: &mut Hunt<'_>,
        range: RangeInclusive<i64>,
    ) -> rusqlite::Result<()> {
        if !is_broken(&error) {
            return Err(error);
        }
        self.complain(index, &error);
        hunt.walk(range, hunt.clock.ends)
    }

    fn complain(&self, index: &OpenIndex, error: &rusqlite::Error) {
        UNREADABLE.say(|left_out| tracing::warn!("the search index can't be read: {error}{left_out}"));
        if is_broken(error) {
            self.following.report_broken(index.generation);
        }
    }
}

#[derive(Clone, Copy)]
struct Clock {
    half: Instant,
    ends: Instant,
}

/// One search under way.
struct Hunt<'a> {
    main: &'a Connection,
    /// With the number before which nothing of the room is the reader's.
    grants: HashMap<RoomNumber, (&'a Grant, i64)>,
    search: &'a Search,
    limit: usize,
    clock: Clock,
    found: Vec<Arc<Message>>,
    sender: record::LastPerson,
    steps: usize,
    complete: bool,
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    All,
    Enough,
    TimeIsOver,
    /// At this message: too many had been others'.
    PassedOver(i64),
}

impl<'a> Hunt<'a> {
    fn take_grants(&mut self, grants: &'a [Grant]) -> rusqlite::Result<()> {
        // The run that the place is in, or the one behind it.
        let mut run = self.main.prepare_cached(
            "SELECT coalesce((SELECT number FROM run WHERE room = ?1 AND position <= ?2 ORDER BY position DESC LIMIT 1),
                             (SELECT number FROM run WHERE room = ?1 ORDER BY position LIMIT 1), 0)",
        )?;
        for grant in grants {
            let first = match grant.since.position.0 {
                0 => 0,
                position => run.query_row(params![grant.room.0, position as i64], |row| row.get(0))?,
            };
            self.grants.insert(grant.room, (grant, first));
        }
        Ok(())
    }

    fn finish(mut self) -> Found {
        self.found.sort_by_key(|message| message.position);
        Found { messages: self.found, complete: self.complete }
    }

    /// The numbers of all messages of the time that is asked for, and perhaps of some more; `None`: nothing was ever said.
    fn range(&self) -> rusqlite::Result<Option<RangeInclusive<i64>>> {
        let newest: Option<i64> =
            self.main.prepare_cached("SELECT max(number) FROM message")?.query_row([], |row| row.get(0))?;
        let Some(newest) = newest else { return Ok(None) };
        let (mut first, mut last) = (1, newest);
        first = self.grants.values().map(|(_, number)| *number).min().unwrap_or(first).max(first);
        if let Some(since) = self.search.since {
            first = self.number_at(since, newest)?.saturating_sub(OUT_OF_ORDER).max(first);
        }
        if let Some(until) = self.search.until {
            let behind = Timestamp(until.0.saturating_add(1));
            last = self.number_at(behind, newest)?.saturating_add(OUT_OF_ORDER).min(newest);
        }
        Ok(Some(first..=last))
    }

    /// About the number of the first message that was not said before this time.
    fn number_at(&self, time: Timestamp, newest: i64) -> rusqlite::Result<i64> {
        let mut at =
            self.main.prepare_cached("SELECT number, time FROM message WHERE number >= ?1 ORDER BY number LIMIT 1")?;
        let (mut low, mut high) = (1, newest + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let (number, said): (i64, i64) = at.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if (said.max(0) as u64) < time.0 {
                low = number + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Looks at every message of a range.
    fn walk(&mut self, range: RangeInclusive<i64>, ends: Instant) -> rusqlite::Result<()> {
        let end = self.walk_until(range, ends, usize::MAX);
        self.note(end)?;
        Ok(())
    }

    fn note(&mut self, end: rusqlite::Result<End>) -> rusqlite::Result<End> {
        let end = end.or_else(unless_interrupted(self.clock.ends, End::TimeIsOver))?;
        self.complete &= end != End::TimeIsOver;
        Ok(end)
    }

    fn walk_until(&mut self, range: RangeInclusive<i64>, ends: Instant, patience: usize) -> rusqlite::Result<End> {
        if range.is_empty() {
            return Ok(End::All);
        }
        let main = self.main;
        let mut numbers = main.prepare_cached(match self.search.oldest_first {
            true => "SELECT number, room FROM message WHERE number BETWEEN ?1 AND ?2 ORDER BY number",
            false => "SELECT number, room FROM message WHERE number BETWEEN ?1 AND ?2 ORDER BY number DESC",
        })?;
        let mut rows = numbers.query(params![range.start(), range.end()])?;
        let next = || match rows.next()? {
            Some(row) => Ok(Some((row.get(0)?, Some(RoomNumber(row.get(1)?))))),
            None => Ok(None),
        };
        self.look_at_each(next, ends, patience)
    }

    fn ask_until(
        &mut self,
        index: &OpenIndex,
        expression: &str,
        range: RangeInclusive<i64>,
        patience: usize,
    ) -> rusqlite::Result<End> {
        let mut numbers = index.connection.prepare_cached(match self.search.oldest_first {
            true => "SELECT rowid FROM said WHERE said MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid",
            false => "SELECT rowid FROM said WHERE said MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC",
        })?;
        let mut rows = numbers.query(params![expression, range.start(), range.end()])?;
        let next = || match rows.next()? {
            Some(row) => Ok(Some((row.get(0)?, None))),
            None => Ok(None),
        };
        self.look_at_each(next, self.clock.ends, patience)
    }

    /// `next`: the number of a message that may be meant, and its room where that is known.
    fn look_at_each(
        &mut self,
        mut next: impl FnMut() -> rusqlite::Result<Option<(i64, Option<RoomNumber>)>>,
        ends: Instant,
        patience: usize,
    ) -> rusqlite::Result<End> {
        let main = self.main;
        let mut glance = main.prepare_cached("SELECT room, text FROM message WHERE number = ?1")?;
        let mut whole = main.prepare_cached(MESSAGE.get_or_init(message_by_number))?;
        let mut passed_over = 0;
        loop {
            if self.found.len() >= self.limit {
                return Ok(End::Enough);
            }
            self.steps += 1;
            if self.steps.is_multiple_of(BETWEEN_LOOKS) && Instant::now() >= ends {
                return Ok(End::TimeIsOver);
            }
            let Some((number, room)) = next()? else {
                return Ok(End::All);
            };
            let granted = |room| self.grants.get(&room).filter(|(_, first)| number >= *first);
            let mut grant = room.and_then(granted);
            // Of most messages only what decides is read.
            let mut may_be_meant = true;
            if room.is_none() || grant.is_some() && !self.search.parts.is_empty() {
                let mut rows = glance.query([number])?;
                // Where the index has not followed yet it may be gone.
                let row = rows.next()?;
                grant = match row {
                    Some(row) => granted(RoomNumber(row.get(0)?)),
                    None => None,
                };
                if let (Some(row), Some(_)) = (row, grant)
                    && !self.search.parts.is_empty()
                {
                    may_be_meant = self.search.matches_text(row.get_ref(1)?.as_str()?);
                }
            }
            let Some((grant, _)) = grant else {
                passed_over += 1;
                if passed_over >= patience {
                    return Ok(End::PassedOver(number));
                }
                continue;
            };
            if !may_be_meant {
                continue;
            }
            let sender = &mut self.sender;
            let found = whole.query_map([number], |row| record::message(row, sender))?.next().transpose()?;
            if let Some((message, state)) = found.map(|(message, state)| (Arc::new(message), state))
                && self.search.matches(&message, state)
                && grant.covers(&Kept::Said { message: message.clone(), state })
            {
                self.found.push(message);
            }
        }
    }

    /// Looks at what the index names.
    fn ask(&mut self, index: &OpenIndex, range: RangeInclusive<i64>) -> rusqlite::Result<()> {
        if range.is_empty() || self.found.len() >= self.limit {
            return Ok(());
        }
        let end = self.ask_in_two_steps(index, range);
        self.note(end)?;
        Ok(())
    }

    fn ask_in_two_steps(&mut self, index: &OpenIndex, range: RangeInclusive<i64>) -> rusqlite::Result<End> {
        let mut conditions: Vec<String> = self.search.parts.iter().filter_map(terms::expression).collect();
        conditions.extend(self.search.from.as_ref().map(|name| terms::by_name(name)));
        let rooms = self.rooms();
        if self.grants.len() == 1 {
            conditions.extend(rooms);
            return self.ask_until(index, &conditions.join(" AND "), range, usize::MAX);
        }
        let patience = match rooms {
            Some(_) => (self.grants.len() * PASSED_OVER_PER_ROOM).max(PASSED_OVER_AT_LEAST),
            None => usize::MAX,
        };
        let end = match conditions.is_empty() {
            true => self.walk_until(range.clone(), self.clock.ends, patience)?,
            false => self.ask_until(index, &conditions.join(" AND "), range.clone(), patience)?,
        };
        let (End::PassedOver(at), Some(rooms)) = (end, rooms) else {
            return Ok(end);
        };
        let rest = if self.search.oldest_first { at + 1..=*range.end() } else { *range.start()..=at - 1 };
        if rest.is_empty() {
            return Ok(End::All);
        }
        conditions.push(rooms);
        self.ask_until(index, &conditions.join(" AND "), rest, usize::MAX)
    }

    /// Everything that the reader may read, as far as the index knows.
    fn rooms(&self) -> Option<String> {
        let mut conditions: Vec<String> = Vec::new();
        if self.grants.len() <= MOST_ROOMS {
            conditions.extend(self.grants.keys().map(|room| terms::in_room(room.0)));
        } else {
            // All direct conversations have a term in common.
            let (rooms, direct): (Vec<&Grant>, Vec<&Grant>) =
                self.grants.values().map(|(grant, _)| *grant).partition(|grant| grant.name.starts_with('#'));
            conditions.extend(rooms.iter().map(|grant| terms::in_room(grant.room.0)));
            conditions.extend(direct.first().map(|grant| terms::with(grant.reader)));
        }
        if conditions.len() > MOST_ROOMS {
            return None;
        }
        terms::either(conditions)
    }
}

static MESSAGE: OnceLock<String> = OnceLock::new();

fn message_by_number() -> String {
    format!(
        "SELECT {columns} FROM message CROSS JOIN person ON person.number = message.person
         CROSS JOIN room ON room.number = message.room WHERE message.number = ?1",
        columns = record::MESSAGE_COLUMNS
    )
}

fn progress(index: &Connection) -> rusqlite::Result<i64> {
    index.prepare_cached("SELECT indexed FROM progress")?.query_row([], |row| row.get(0))
}

fn unless_interrupted<T>(ends: Instant, otherwise: T) -> impl FnOnce(rusqlite::Error) -> rusqlite::Result<T> {
    move |error| if is_interrupted(&error, ends) { Ok(otherwise) } else { Err(error) }
}

/// An interrupt that comes while FTS5 opens its table is only "vtable constructor failed".
fn is_interrupted(error: &rusqlite::Error, ends: Instant) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => true,
        Some(ErrorCode::Unknown) => Instant::now() >= ends,
        _ => false,
    }
}
