//! Batches into transactions. Runs on the log's thread alone.

use super::problem::{StoreError, in_file};
use super::{Access, Durability, PATIENCE, audit, connect, record, retention};
use chat::audit::AuditEntry;
use chat::change::Change;
use chat::event::What;
use chat::history::Kept;
use chat::id::{ClientId, Position, RoomNumber, Timestamp};
use chat::log::Batch;
use chat::message::{Message, MessageState};
use chat::once::ONCE_MS;
use chat::person::Person;
use chat::snapshot::{AccountRecord, MarksRecord, MetadataRecord, RoomRecord};
use foldhash::HashMap;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Appearances whose rows are remembered. At the limit all are forgotten, and some get a second row.
const PEOPLE: usize = 16_384;

/// Messages of a window (`person_window` in `schema_3.sql`), and those of the batch that ends it: more makes fewer rows
/// of people, and more to look through for those that nothing refers to.
const WINDOW: i64 = 65_536;

/// Kibibytes of pages that the writer keeps: the ends of several thousand busy rooms.
const CACHE_KIB: u32 = 16_384;

/// Bytes that the WAL file keeps when it is begun anew, so that it need not grow again.
const KEPT_WAL_BYTES: u64 = 64 * 1_048_576;

/// Bytes that a probe writes: more than could fit by chance into what a full disk still has in half-used blocks.
const PROBE_BYTES: u32 = 64 * 1024;

/// Rows of search_forget: a millisecond or two.
const FORGOTTEN_AT_A_TIME: usize = 500;

#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    durability: Durability,
    connection: Connection,
    next: Next,
    people: HashMap<ClientId, (Arc<Person>, i64)>,
    /// From which number on rows of `people` are referred to no more (`person_window` in `schema_3.sql`).
    window_end: i64,
    /// A room was kept that says how long messages are.
    retention_changed: bool,
    /// Something was deleted or blanked that is not to be found any more.
    taken_away: bool,
    /// Room and place in the batch of each message, to sort them by; empty between batches.
    order: Vec<(RoomNumber, u32)>,
}

/// What the next row of each kind is called.
#[derive(Clone, Copy, Debug)]
struct Next {
    room: u32,
    /// Of messages and events, which share their numbers.
    message: i64,
    person: i64,
}

impl Writer {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Writer, StoreError> {
        let connection = connect(path, Access::Write)?;
        let next = in_file(path, prepare(&connection, durability).and_then(|()| Next::read(&connection)))?;
        Ok(Writer {
            path: path.to_owned(),
            durability,
            connection,
            next,
            people: HashMap::default(),
            // The people of before are not known: the first message begins a window.
            window_end: next.message,
            retention_changed: false,
            taken_away: false,
            order: Vec::new(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection anew, after one that may be in a state that nobody knows.
    pub(super) fn reopen(&mut self) -> Result<(), StoreError> {
        *self = Writer::open(&self.path, self.durability)?;
        Ok(())
    }

    /// Keeps the whole batch with one flush, or nothing of it. After an error at the very end nobody knows which:
    /// [`Writer::has_kept`] tells.
    pub(super) fn commit(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        let (next, window_end) = (self.next, self.window_end);
        let written = self.write(batch);
        if written.is_err() {
            self.next = next;
            self.window_end = window_end;
            self.people.clear();
            self.roll_back();
        }
        written
    }

    /// Whether this batch, the last one tried, is in the database.
    pub(super) fn has_kept(&self, batch: &Batch) -> rusqlite::Result<bool> {
        let mut statement = self.connection.prepare_cached("SELECT position FROM state")?;
        let position = statement.query_row([], |row| record::unsigned(row, 0))?;
        Ok(Position(position) >= batch.position)
    }

    /// Whether the disk takes something again. What is written is taken away again.
    pub(super) fn probe(&mut self) -> rusqlite::Result<()> {
        let probed = self.try_probe();
        if probed.is_err() {
            self.roll_back();
        }
        probed
    }

    fn try_probe(&self) -> rusqlite::Result<()> {
        // Each a transaction of its own: what is made and deleted in one is never written.
        self.connection.prepare_cached("INSERT INTO probe (filling) VALUES (zeroblob(?1))")?.execute([PROBE_BYTES])?;
        self.connection.prepare_cached("DELETE FROM probe")?.execute([])?;
        Ok(())
    }

    /// Takes away rows of search_forget up to this one, so many at a time. True: there are more.
    pub(super) fn forget(&mut self, last: i64) -> rusqlite::Result<bool> {
        let taken = self
            .connection
            .prepare_cached(record::FORGET_FORGOTTEN)?
            .execute(params![last, FORGOTTEN_AT_A_TIME as i64])?;
        self.taken_away |= taken > 0;
        Ok(taken >= FORGOTTEN_AT_A_TIME)
    }

    /// Pages in the WAL that are not in the database file yet.
    pub(super) fn unfolded_pages(&self) -> rusqlite::Result<u64> {
        // SQLite 3.51: tells the counts and does nothing else.
        let mut statement = self.connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        statement.query_row([], |row| {
            let (all, done): (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok(all.saturating_sub(done).max(0) as u64)
        })
    }

    /// Folds what is in the WAL into the database file, as far as readers allow, so that the WAL can begin anew.
    pub(super) fn fold(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))
    }

    /// The same, and the WAL is empty then: what was deleted or blanked is nowhere any more. False: someone reads it still.
    pub(super) fn empty_wal(&self, patience: Duration) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(patience)?;
        let mut statement = self.connection.prepare_cached("PRAGMA wal_checkpoint(TRUNCATE)")?;
        let is_empty = statement.query_row([], |row| Ok(row.get::<_, i64>(0)? == 0));
        self.connection.busy_timeout(PATIENCE)?;
        is_empty
    }

    /// Whether something was deleted or blanked since this was last asked.
    pub(super) fn take_taken_away(&mut self) -> bool {
        std::mem::take(&mut self.taken_away)
    }

    /// Whether a room's time may have become shorter since this was last asked.
    pub(super) fn take_retention_changed(&mut self) -> bool {
        std::mem::take(&mut self.retention_changed)
    }

    /// Deletes in a transaction of its own, which nobody waits for: it is flushed with the next commit.
    pub(super) fn delete<T>(&mut self, delete: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let before = self.connection.total_changes();
        let deleted = self.try_delete(delete);
        self.taken_away |= self.connection.total_changes() != before;
        if deleted.is_err() {
            self.roll_back();
        }
        if self.durability == Durability::Full {
            self.connection.execute_batch("PRAGMA synchronous = FULL")?;
        }
        deleted
    }

    fn try_delete<T>(&self, delete: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let before = self.connection.total_changes();
        let deleted = delete(&self.connection)?;
        if self.connection.total_changes() != before {
            self.connection
                .prepare_cached("UPDATE state SET next_message = ?1, next_person = ?2")?
                .execute([self.next.message, self.next.person])?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(deleted)
    }

    /// From here on everyone who speaks is kept anew, so that the window before can be swept.
    pub(super) fn open_window(&mut self) -> rusqlite::Result<()> {
        self.people.clear();
        self.window_end = self.next.message;
        Ok(())
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() {
            // If even this fails the connection is replaced before it is used again.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.connection.is_autocommit()
    }

    fn write(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.order.clear();
        let mut has_events = false;
        let mut removed = Vec::new();
        for (place, change) in batch.changes.iter().enumerate() {
            self.taken_away |= takes_away(change);
            match change {
                Change::Posted(message) if message.lasting.is_some() => has_events = true,
                Change::Happened(_) | Change::Edited { .. } | Change::Redacted { .. } => has_events = true,
                Change::Posted(message) => self.order.push((message.room, place as u32)),
                Change::Room(room) => self.keep_room(room)?,
                Change::RoomRemoved(room) => {
                    self.remove_room(*room, batch.timestamp)?;
                    removed.push(*room);
                }
                Change::Account(account) => self.keep_account(account)?,
                Change::AccountRemoved(account) => {
                    let id = account.0.as_bytes();
                    self.connection.prepare_cached(record::FORGET_MEMBERSHIPS)?.execute([&id[..]])?;
                    self.connection.prepare_cached(record::FORGET_READ_MARKERS)?.execute([&id[..]])?;
                    self.connection.prepare_cached(record::FORGET_ALL_MARKS)?.execute([&id[..]])?;
                    self.connection.prepare_cached(record::FORGET_ALL_METADATA)?.execute([&id[..]])?;
                    self.connection.prepare_cached(record::FORGET_PRESENCE)?.execute([&id[..]])?;
                    self.connection.prepare_cached(record::FORGET_DEVICES)?.execute([&id[..]])?;
                    self.connection.prepare_cached(record::FORGET_ACCOUNT)?.execute([&id[..]])?;
                }
                Change::Device(device) => {
                    record::keep_device(&mut self.connection.prepare_cached(record::KEEP_DEVICE)?, device)?;
                }
                Change::DeviceForgotten { account, id } => {
                    let of = params![account.0.as_bytes(), id.cast_signed()];
                    self.connection.prepare_cached(record::FORGET_DEVICE)?.execute(of)?;
                }
                Change::Presence(presence) => {
                    record::keep_presence(&mut self.connection.prepare_cached(record::KEEP_PRESENCE)?, presence)?;
                }
                Change::PresenceRemoved(account) => {
                    self.connection.prepare_cached(record::FORGET_PRESENCE)?.execute([&account.0.as_bytes()[..]])?;
                }
                Change::Member(member) => {
                    record::keep_member(&mut self.connection.prepare_cached(record::KEEP_MEMBER)?, member)?;
                }
                Change::Metadata(MetadataRecord { owner, key, value: Some(value) }) => {
                    let mut keep = self.connection.prepare_cached(record::KEEP_METADATA)?;
                    keep.execute(params![record::owner(owner), key.as_str(), &**value])?;
                }
                Change::Metadata(MetadataRecord { owner, key, value: None }) => {
                    let mut forget = self.connection.prepare_cached(record::FORGET_METADATA)?;
                    forget.execute(params![record::owner(owner), key.as_str()])?;
                }
                Change::Marks(MarksRecord { account, conversation, marks }) => {
                    let (account, key) = (account.0.as_bytes(), record::key(conversation));
                    if marks.is_empty() {
                        self.connection.prepare_cached(record::FORGET_MARKS)?.execute(params![account, key])?;
                    } else {
                        let mut keep = self.connection.prepare_cached(record::KEEP_MARKS)?;
                        keep.execute(params![account, key, record::mark_words(*marks)])?;
                    }
                }
                Change::Audited(entry) => self.keep_audit(entry)?,
                Change::ServerBan(ban) => {
                    record::keep_ban(&mut self.connection.prepare_cached(record::KEEP_BAN)?, ban)?;
                }
                Change::ServerBanRemoved(target) => {
                    let target = record::ban_target_text(target);
                    self.connection.prepare_cached(record::FORGET_BAN)?.execute([target])?;
                }
                Change::Reported { report, text } => {
                    record::keep_report(&mut self.connection.prepare_cached(record::KEEP_REPORT)?, report, text)?;
                }
                Change::ReportClosed(number) => {
                    self.connection.prepare_cached(record::CLOSE_REPORT)?.execute([number.0 as i64])?;
                }
                Change::ReportForgotten(number) => {
                    self.connection.prepare_cached(record::FORGET_REPORT)?.execute([number.0 as i64])?;
                }
                Change::Pinned(pin) => {
                    record::keep_pin(&mut self.connection.prepare_cached(record::KEEP_PIN)?, pin)?;
                }
                Change::Unpinned { room, message } => {
                    let of = params![room.0, message.0.as_bytes()];
                    self.connection.prepare_cached(record::FORGET_PIN)?.execute(of)?;
                }
                Change::ReadMarker(marker) => {
                    record::keep_read_marker(&mut self.connection.prepare_cached(record::KEEP_READ_MARKER)?, marker)?;
                }
                Change::ReadMarkerRemoved { account, conversation } => {
                    self.connection
                        .prepare_cached(record::FORGET_READ_MARKER)?
                        .execute(params![account.0.as_bytes(), record::key(conversation)])?;
                }
                Change::MemberRemoved { room, account } => {
                    self.connection
                        .prepare_cached(record::FORGET_MEMBER)?
                        .execute(params![room.0, account.0.as_bytes()])?;
                }
            }
        }
        if has_events || !self.order.is_empty() {
            self.keep_window()?;
        }
        if !self.order.is_empty() {
            self.keep_messages(batch)?;
        }
        if has_events {
            self.keep_events(batch)?;
        }
        removed.into_iter().try_for_each(|room| retention::forget_room(&self.connection, room))?;
        self.connection
            .prepare_cached("UPDATE state SET position = ?1, timestamp = ?2, next_room = ?3")?
            .execute(params![batch.position.0 as i64, record::time(batch.timestamp), self.next.room])?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn keep_room(&mut self, room: &RoomRecord) -> rusqlite::Result<()> {
        record::keep_room(&mut self.connection.prepare_cached(record::KEEP_ROOM)?, room)?;
        self.connection.prepare_cached(record::FORGET_LIST_ENTRIES)?.execute([room.number.0])?;
        let mut keep = self.connection.prepare_cached(record::KEEP_LIST_ENTRY)?;
        for (place, (kind, entry)) in room.lists.iter().enumerate() {
            record::keep_list_entry(&mut keep, room.number, place, *kind, entry)?;
        }
        self.connection.prepare_cached(record::FORGET_LINKS)?.execute([room.number.0])?;
        let mut keep = self.connection.prepare_cached(record::KEEP_LINK)?;
        for (place, link) in room.links.iter().enumerate() {
            record::keep_link(&mut keep, room.number, place, link)?;
        }
        self.connection.prepare_cached(record::FORGET_FORMER_NAMES)?.execute([room.number.0])?;
        let mut keep = self.connection.prepare_cached(record::KEEP_FORMER_NAME)?;
        for (place, former) in room.former_names.iter().enumerate() {
            record::keep_former_name(&mut keep, room.number, place, former)?;
        }
        self.retention_changed |= room.retention.is_some();
        self.next.room = self.next.room.max(room.number.0.saturating_add(1));
        Ok(())
    }

    /// The row stays, for the messages that were said there.
    fn remove_room(&self, room: RoomNumber, now: Timestamp) -> rusqlite::Result<()> {
        self.connection.prepare_cached(record::REMOVE_ROOM)?.execute(params![room.0, record::time(now)])?;
        self.connection.prepare_cached(record::FORGET_LIST_ENTRIES)?.execute([room.0])?;
        self.connection.prepare_cached(record::FORGET_LINKS)?.execute([room.0])?;
        self.connection.prepare_cached(record::FORGET_FORMER_NAMES)?.execute([room.0])?;
        self.connection.prepare_cached(record::FORGET_MEMBERS)?.execute([room.0])?;
        self.connection.prepare_cached(record::FORGET_PINS)?.execute([room.0])?;
        self.connection.prepare_cached(record::FORGET_ALL_METADATA)?.execute([room.0])?;
        Ok(())
    }

    /// The table is no longer than a year, nor than its most.
    fn keep_audit(&self, entry: &AuditEntry) -> rusqlite::Result<()> {
        record::keep_audit(&mut self.connection.prepare_cached(record::KEEP_AUDIT)?, entry)?;
        let oldest = Timestamp(entry.at.0.saturating_sub(audit::KEPT_MS));
        let beyond = self.connection.last_insert_rowid() - audit::KEPT_ENTRIES;
        // Two for one, so that it shrinks where it has to.
        let forget = params![record::time(oldest), beyond, 2];
        self.connection.prepare_cached(record::FORGET_AUDIT)?.execute(forget)?;
        Ok(())
    }

    fn keep_account(&self, account: &AccountRecord) -> rusqlite::Result<()> {
        record::keep_account(&mut self.connection.prepare_cached(record::KEEP_ACCOUNT)?, account)?;
        let id = account.id.0.as_bytes();
        self.connection.prepare_cached(record::FORGET_CERTIFICATES)?.execute([&id[..]])?;
        let mut keep = self.connection.prepare_cached(record::KEEP_CERTIFICATE)?;
        for (place, fingerprint) in account.certificates.iter().enumerate() {
            keep.execute(params![id, place as i64, fingerprint])?;
        }
        self.connection.prepare_cached(record::FORGET_FORMER_USERNAMES)?.execute([&id[..]])?;
        let mut keep = self.connection.prepare_cached(record::KEEP_FORMER_USERNAME)?;
        for (place, former) in account.former_names.iter().enumerate() {
            record::keep_former_username(&mut keep, account.id, place, former)?;
        }
        Ok(())
    }

    /// People are referred to by the numbers of one window alone: the first batch behind it begins the next.
    fn keep_window(&mut self) -> rusqlite::Result<()> {
        if self.next.message < self.window_end {
            return Ok(());
        }
        self.people.clear();
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO person_window VALUES (?1, ?2, 0)")?
            .execute([self.next.message, self.next.person])?;
        self.window_end = self.next.message + WINDOW;
        Ok(())
    }

    /// The messages of the batch, room by room, with one run for each room.
    fn keep_messages(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        let Writer { connection, next, people, order, .. } = self;
        order.sort_unstable();
        let mut keys = 0;
        let mut keep = connection.prepare_cached(record::KEEP_MESSAGE)?;
        let mut keep_run = connection.prepare_cached(record::KEEP_RUN)?;
        for run in order.chunk_by(|one, other| one.0 == other.0) {
            let mut messages = run.iter().filter_map(|(_, place)| posted(batch, *place)).peekable();
            let first = (next.message, messages.peek().map_or(0, |message| message.position.0 as i64));
            for message in messages {
                let person = person_number(connection, people, &mut next.person, &message.sender)?;
                record::keep_message(&mut keep, next.message, message, person)?;
                if let Some(key) = &message.once {
                    connection.prepare_cached(record::KEEP_ONCE)?.execute(params![next.message, key.as_str()])?;
                    keys += 1;
                }
                next.message += 1;
            }
            keep_run.execute(params![run[0].0.0, first.1, first.0, next.message - first.0])?;
        }
        if keys > 0 {
            // Twice as many as came, so that the table is no longer than a day.
            let before = Timestamp(batch.timestamp.0.saturating_sub(ONCE_MS));
            connection.prepare_cached(record::FORGET_ONCE)?.execute(params![record::time(before), 2 * keys])?;
        }
        Ok(())
    }
}

impl Writer {
    /// What happened besides, and what became of messages: behind the messages of the batch, in the order of the batch.
    fn keep_events(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        let Writer { connection, next, people, .. } = self;
        for change in &batch.changes {
            let kept = match change {
                Change::Posted(message) if message.lasting.is_some() => {
                    Kept::Said { message: message.clone(), state: MessageState::AsSaid }
                }
                Change::Happened(event) | Change::Edited { event, .. } => Kept::Happened(event.clone()),
                Change::Redacted { room, position, target } => {
                    let of = params![room.0, position.0 as i64, target.0.as_bytes()];
                    if connection.prepare_cached(record::REDACT_MESSAGE)?.execute(of)? == 0 {
                        connection.prepare_cached(record::REDACT_EVENT)?.execute(of)?;
                    }
                    let of = params![room.0, target.0.as_bytes()];
                    connection.prepare_cached(record::REDACT_EDITS)?.execute(of)?;
                    continue;
                }
                _ => continue,
            };
            let by = match &kept {
                Kept::Said { message, .. } => &message.sender,
                Kept::Happened(event) => &event.happening.by,
            };
            let person = person_number(connection, people, &mut next.person, by)?;
            if let Some(target) = kept.target().filter(|_| matches!(change, Change::Edited { .. })) {
                let of = params![kept.room().0, target.0.as_bytes()];
                connection.prepare_cached(record::VOID_EDITS)?.execute(of)?;
            }
            record::keep_event(&mut connection.prepare_cached(record::KEEP_EVENT)?, next.message, &kept, person)?;
            if let Change::Edited { position, in_lines, event } = change
                && let What::Edited { target, text, .. } = &event.happening.what
            {
                let (room, position, id) = (event.room.0, position.0 as i64, target.0.as_bytes());
                let of = params![room, position, id, next.message];
                connection.prepare_cached(record::KEEP_EARLIER)?.execute(of)?;
                // Broken where it must be (see message.seams).
                let seams = in_lines.then_some(&[][..]);
                let new = params![room, position, id, text, seams];
                connection.prepare_cached(record::EDIT_MESSAGE)?.execute(new)?;
            }
            next.message += 1;
        }
        Ok(())
    }
}

/// Whether something that people wrote, or that is known of them, is not to be found behind this change.
fn takes_away(change: &Change) -> bool {
    matches!(
        change,
        Change::Redacted { .. }
            | Change::ReportClosed(_)
            | Change::AccountRemoved(_)
            | Change::DeviceForgotten { .. }
            | Change::Metadata(MetadataRecord { value: None, .. })
    )
}

fn posted(batch: &Batch, place: u32) -> Option<&Message> {
    match batch.changes.get(place as usize) {
        Some(Change::Posted(message)) => Some(message),
        _ => None,
    }
}

/// The row of this appearance, made if it is new.
fn person_number(
    connection: &Connection,
    people: &mut HashMap<ClientId, (Arc<Person>, i64)>,
    next: &mut i64,
    person: &Arc<Person>,
) -> rusqlite::Result<i64> {
    if let Some((known, number)) = people.get(&person.id)
        && (Arc::ptr_eq(known, person) || known == person)
    {
        return Ok(*number);
    }
    let number = *next;
    record::keep_person(&mut connection.prepare_cached(record::KEEP_PERSON)?, number, person)?;
    *next += 1;
    if people.len() >= PEOPLE {
        people.clear();
    }
    people.insert(person.id, (person.clone(), number));
    Ok(number)
}

fn prepare(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Relaxed => "NORMAL",
    };
    // What is deleted or blanked is overwritten: a message that was redacted is not to be found in the file.
    // Checkpoints are asked for by `checkpoint.rs`; SQLite's own would hold up a commit.
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous};
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = {KEPT_WAL_BYTES};
         PRAGMA cache_size = -{CACHE_KIB};
         PRAGMA secure_delete = ON;"
    ))
}

impl Next {
    fn read(connection: &Connection) -> rusqlite::Result<Next> {
        connection.query_row(
            "SELECT next_room,
                max(next_message, 1 + max(coalesce((SELECT max(number) FROM message), 0),
                                          coalesce((SELECT max(number) FROM event), 0))),
                max(next_person, 1 + coalesce((SELECT max(number) FROM person), 0)) FROM state",
            [],
            |row| Ok(Next { room: row.get(0)?, message: row.get(1)?, person: row.get(2)? }),
        )
    }
}
