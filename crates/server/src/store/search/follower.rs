//! The thread that brings the index up to date with the database, beside everything else: it has the lowest priority, reads
//! on a connection of its own and writes another file, so no commit waits for it. What it has not come to stands in the
//! database, which is its queue.

use super::index::{Entry, Forgotten, Index, Progress, Unusable, is_broken};
use super::terms::{Facts, write_facts};
use crate::store::problem::{Problem, StoreError};
use crate::store::{Access, connect, record};
use foldhash::HashMap;
use rusqlite::{Connection, Row, params};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long messages gather before they are taken in: within the second that the index may be behind, and long enough
/// that a commit of the index is worth it.
const GATHERING: Duration = Duration::from_millis(500);

/// How often it looks when nobody tells it to: messages whose time is over are deleted between commits.
const UNTOLD: Duration = Duration::from_secs(5);

/// After something that failed, such as a full disk.
const PAUSE: Duration = Duration::from_secs(1);

/// Messages read at a time: a reading that takes long would keep the database's WAL from beginning anew.
const CHUNK: usize = 4_096;

/// Chunks in one commit of the index: its segments are the fewer and need the less merging.
const CHUNKS_OF_A_COMMIT: usize = 8;

/// Messages forgotten at a time: each term of each is looked for in every segment, 6 ms in all when there are ten million
/// messages. So a commit of the index takes no second, and what is said meanwhile is taken in as soon.
const FORGOTTEN_AT_A_TIME: usize = 16;

/// Messages that wait to be forgotten, from which on the index is made anew; of one in so many ...
const TOO_MANY_TO_FORGET: i64 = 10_000;
/// ... that there are, if those are more: that is half the work then, but it can't be searched meanwhile.
const SHARE_TO_FORGET: i64 = 200;

/// Senders in rooms whose terms are kept ready.
const KEPT_FACTS: usize = 16_384;

/// Messages behind, from which on the log says when the index has caught up.
const WORTH_TELLING: u64 = 100_000;

/// Tells the store that rows of search_forget up to this one are not needed any more.
pub type Forgetting = Box<dyn Fn(i64) + Send>;

/// What others know of the follower.
#[derive(Clone, Debug, Default)]
pub struct Following(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Something was committed since it last looked.
    news: AtomicBool,
    stop: AtomicBool,
    /// Someone has found the index damaged.
    broken: AtomicBool,
    /// Counts the files: whoever has opened an earlier one opens it again.
    generation: AtomicU64,
    behind: AtomicU64,
    thread: OnceLock<Thread>,
}

impl Following {
    /// Something was committed. Cheap: called after every commit.
    pub fn committed(&self) {
        if !self.0.news.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// Messages that are not in the index yet, as of its last look.
    pub fn behind(&self) -> u64 {
        self.0.behind.load(Ordering::Relaxed)
    }

    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The index of this generation can't be read: it is to be made anew.
    pub(super) fn report_broken(&self, generation: u64) {
        if generation == self.generation() {
            self.0.broken.store(true, Ordering::Release);
            self.committed();
        }
    }

    fn wake(&self) {
        if let Some(thread) = self.0.thread.get() {
            thread.unpark();
        }
    }

    fn is_stopping(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }
}

/// How long the end of the follower is waited for. It may get no processor time, and needs none: what it has not committed
/// is done at the next start.
const FAREWELL: Duration = Duration::from_secs(1);

/// The running follower. Dropping it ends it after the chunk that it has in hand; it goes on there at the next start.
#[derive(Debug)]
pub struct Follower {
    following: Following,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// # Errors
    /// When the database can't be opened or the system gives no thread. A bad index is no error, but made anew.
    pub(crate) fn start(
        database: &Path,
        following: &Following,
        forgetting: Forgetting,
    ) -> Result<Follower, StoreError> {
        let worker = Worker {
            database: database.to_owned(),
            main: connect(database, Access::Read)?,
            index: None,
            following: following.clone(),
            forgetting,
            facts: FactsRead::default(),
            complaining: false,
            told: false,
        };
        let thread = std::thread::Builder::new()
            .name("search index".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| StoreError::new(database, Problem::of_io(&error)))?;
        Ok(Follower { following: following.clone(), thread: Some(thread) })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.following.0.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let begun = Instant::now();
            while !thread.is_finished() && begun.elapsed() < FAREWELL {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

struct Worker {
    database: PathBuf,
    main: Connection,
    index: Option<Index>,
    following: Following,
    forgetting: Forgetting,
    facts: FactsRead,
    /// The last look failed, and the log knows.
    complaining: bool,
    /// The log knows that the index is far behind.
    told: bool,
}

/// What is in the database for the index, as of one moment.
struct Chunk {
    entries: Vec<Entry>,
    forgotten: Vec<Forgotten>,
    /// The last row of search_forget.
    last: i64,
    /// The last message.
    newest: i64,
}

enum Trouble {
    Database(rusqlite::Error),
    Index(rusqlite::Error),
    Store(StoreError),
    /// More is to be forgotten than is sensible.
    TooMuchToForget,
}

impl Worker {
    fn run(mut self) {
        // What is committed before this is seen by the first look.
        let _ = self.following.0.thread.set(std::thread::current());
        take_little_time();
        while !self.following.is_stopping() {
            self.following.0.news.store(false, Ordering::Release);
            match self.follow() {
                Ok(()) => {
                    if self.complaining {
                        self.complaining = false;
                        tracing::info!("the search index follows again");
                    }
                    self.wait_for_news();
                    self.pause(GATHERING);
                }
                Err(trouble) => {
                    self.recover(trouble);
                    self.pause(PAUSE);
                }
            }
        }
    }

    fn wait_for_news(&self) {
        let begun = Instant::now();
        while !self.following.0.news.load(Ordering::Acquire) && !self.following.is_stopping() {
            let left = UNTOLD.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return;
            }
            std::thread::park_timeout(left);
        }
    }

    /// Unless it is to stop.
    fn pause(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while !self.following.is_stopping() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::park_timeout(left);
        }
    }

    /// Takes in all that there is.
    fn follow(&mut self) -> Result<(), Trouble> {
        if self.following.0.broken.swap(false, Ordering::AcqRel) {
            self.index = None;
            self.make_anew("it is damaged")?;
        }
        if self.index.is_none() {
            self.open()?;
        }
        let Some(index) = &mut self.index else { return Ok(()) };
        let mut progress = index.progress().map_err(Trouble::Index)?;
        loop {
            if self.following.is_stopping() {
                return Ok(());
            }
            let mut forgot = false;
            let mut left = 0;
            let mut begun = false;
            for _ in 0..CHUNKS_OF_A_COMMIT {
                let chunk = read_chunk(&mut self.main, &mut self.facts, &progress)?;
                left = chunk.newest.saturating_sub(progress.indexed).max(0) as u64;
                if chunk.entries.is_empty() && chunk.last == progress.forgotten {
                    left = 0;
                    break;
                }
                if left > WORTH_TELLING && !self.told {
                    self.told = true;
                    tracing::info!("the search index has {left} messages to take in; searches find the rest meanwhile");
                }
                if !begun {
                    index.begin().map_err(Trouble::Index)?;
                    begun = true;
                }
                index.take(&chunk.entries, &chunk.forgotten, chunk.last).map_err(Trouble::Index)?;
                forgot |= chunk.last > progress.forgotten;
                progress.forgotten = chunk.last;
                if let Some(entry) = chunk.entries.last() {
                    progress.indexed = entry.number;
                }
                left = chunk.newest.saturating_sub(progress.indexed).max(0) as u64;
                if self.following.is_stopping() {
                    break;
                }
            }
            if begun {
                index.commit().map_err(Trouble::Index)?;
            }
            self.following.0.behind.store(left, Ordering::Relaxed);
            if forgot {
                if let Err(error) = index.fold() {
                    tracing::debug!("the WAL of the search index could not be folded: {error}");
                }
                (self.forgetting)(progress.forgotten);
            }
            if !begun {
                if std::mem::take(&mut self.told) {
                    tracing::info!("the search index has everything");
                }
                return Ok(());
            }
        }
    }

    /// Opens the index, if it is one of this database.
    fn open(&mut self) -> Result<(), Trouble> {
        let index = match Index::open(&self.database) {
            Ok(index) => index,
            Err(Unusable::Anew(why)) => return self.make_anew(&why),
            Err(Unusable::Failed(error)) => return Err(Trouble::Store(error)),
        };
        let progress = index.progress().map_err(Trouble::Index)?;
        if !is_of(&self.main, &progress).map_err(Trouble::Database)? {
            return self.make_anew("it is of another database, or of a later state of this one");
        }
        // After a kill between the index's commit and this.
        (self.forgetting)(progress.forgotten);
        self.index = Some(index);
        self.following.0.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn make_anew(&mut self, why: &str) -> Result<(), Trouble> {
        self.index = None;
        let path = super::index_path(&self.database);
        let last = last_forgotten(&self.main).map_err(Trouble::Database)?;
        let newest = newest(&self.main).map_err(Trouble::Database)?;
        if newest > 0 {
            tracing::info!("the search index {} is made anew in the background: {why}", path.display());
        }
        let mut index = Index::make(&self.database).map_err(Trouble::Store)?;
        index.begin_behind(last).map_err(Trouble::Index)?;
        (self.forgetting)(last);
        self.index = Some(index);
        self.following.0.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn recover(&mut self, trouble: Trouble) {
        if let Some(index) = &mut self.index {
            index.roll_back();
        }
        let what = match trouble {
            Trouble::Index(error) if is_broken(&error) => {
                self.following.0.broken.store(true, Ordering::Release);
                format!("it is damaged: {error}")
            }
            Trouble::TooMuchToForget => {
                self.following.0.broken.store(true, Ordering::Release);
                return;
            }
            Trouble::Index(error) => error.to_string(),
            Trouble::Database(error) => error.to_string(),
            Trouble::Store(error) => error.to_string(),
        };
        if !self.complaining {
            self.complaining = true;
            let path = super::index_path(&self.database);
            tracing::error!("the search index {} does not follow ({what}); it tries again each second", path.display());
        }
    }
}

fn read_chunk(main: &mut Connection, facts: &mut FactsRead, progress: &Progress) -> Result<Chunk, Trouble> {
    let mut read = || {
        let moment = main.transaction()?;
        let mut last = last_forgotten(&moment)?;
        let newest = newest(&moment)?;
        if last - progress.forgotten > TOO_MANY_TO_FORGET.max(newest / SHARE_TO_FORGET) {
            return Ok(None);
        }
        let mut statement = moment.prepare_cached(ENTRIES)?;
        let mut rows = statement.query(params![progress.indexed, CHUNK as i64])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(Entry {
                facts: facts.of(&moment, row.get(0)?, row.get(1)?)?,
                number: row.get(2)?,
                id: row.get(3)?,
                kind: record::kind(row, 4)?,
                text: row.get(5)?,
            });
        }
        let mut statement = moment.prepare_cached(FORGOTTEN)?;
        let parameters = params![progress.forgotten, progress.indexed, FORGOTTEN_AT_A_TIME as i64];
        let mut rows = statement.query(parameters)?;
        let mut forgotten = Vec::new();
        while let Some(row) = rows.next()? {
            forgotten.push(Forgotten {
                facts: facts.of(&moment, row.get(0)?, row.get(1)?)?,
                number: row.get(2)?,
                text: row.get(3)?,
                text_now: row.get(4)?,
            });
            if forgotten.len() == FORGOTTEN_AT_A_TIME {
                last = row.get(5)?;
            }
        }
        Ok(Some(Chunk { entries, forgotten, last, newest }))
    };
    read().map_err(Trouble::Database)?.ok_or(Trouble::TooMuchToForget)
}

const ENTRIES: &str =
    "SELECT room, person, number, id, kind, text FROM message WHERE number > ?1 ORDER BY number LIMIT ?2";

/// Of messages that the index has; others are indexed as they are when their turn comes. If that is before a change of
/// theirs is forgotten, then their old terms are taken out and their new ones put in once more, which changes nothing.
const FORGOTTEN: &str = "SELECT gone.room, gone.person, gone.number, gone.text, message.text, gone.sequence
    FROM search_forget AS gone LEFT JOIN message ON message.number = gone.number
    WHERE gone.sequence > ?1 AND gone.number <= ?2 ORDER BY gone.sequence LIMIT ?3";

const FACTS: &str = "SELECT person.name, person.account, room.first_client, room.second_client
    FROM (SELECT 1) LEFT JOIN person ON person.number = ?2 LEFT JOIN room ON room.number = ?1";

/// The terms of who said something and where, read once: neither row ever changes in what they come from, and numbers are
/// not given out again.
#[derive(Default)]
struct FactsRead(HashMap<(u32, i64), Arc<str>>);

impl FactsRead {
    fn of(&mut self, main: &Connection, room: u32, person: i64) -> rusqlite::Result<Arc<str>> {
        if let Some(terms) = self.0.get(&(room, person)) {
            return Ok(terms.clone());
        }
        let read = |row: &Row<'_>| {
            let (one, other): (Option<[u8; 16]>, Option<[u8; 16]>) = (row.get(2)?, row.get(3)?);
            let name: Option<String> = row.get(0)?;
            Ok(Facts { room, name: name.unwrap_or_default(), account: row.get(1)?, between: one.zip(other) })
        };
        let facts = main.prepare_cached(FACTS)?.query_row(params![room, person], read)?;
        let mut terms = String::new();
        write_facts(&facts, &mut terms);
        let terms: Arc<str> = terms.into();
        if self.0.len() >= KEPT_FACTS {
            self.0.clear();
        }
        self.0.insert((room, person), terms.clone());
        Ok(terms)
    }
}

fn newest(main: &Connection) -> rusqlite::Result<i64> {
    main.prepare_cached("SELECT coalesce(max(number), 0) FROM message")?.query_row([], |row| row.get(0))
}

/// The last row that search_forget ever had.
fn last_forgotten(main: &Connection) -> rusqlite::Result<i64> {
    main.prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'search_forget'")?
        .query_row([], |row| row.get(0))
}

/// Whether an index that is so far can have come from this database as it is.
fn is_of(main: &Connection, progress: &Progress) -> rusqlite::Result<bool> {
    if progress.indexed > newest(main)? || progress.forgotten > last_forgotten(main)? {
        return Ok(false);
    }
    let id: Option<Option<[u8; 16]>> = main
        .prepare_cached("SELECT (SELECT id FROM message WHERE number = ?1)")?
        .query_row([progress.indexed], |row| row.get(0))
        .map(Some)?;
    // A message that is gone tells nothing.
    Ok(id.flatten().is_none_or(|id| progress.id == Some(id)))
}

/// Whoever is waited for comes first: this thread gets what processor time nobody else wants, and stops at once when someone
/// does (SCHED_IDLE, sched(7)). The lowest priority of the usual kind finishes its slice first, which cost a server on one
/// core a tenth of its messages.
fn take_little_time() {
    // On Linux a thread has a priority of its own; elsewhere this would be the whole process's.
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let this = thread_priority::thread_native_id();
        if let Err(error) = thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, idle) {
            tracing::debug!("the search index's thread keeps its priority: {error}");
        }
    }
}
