//! One conversation: what is known of it, and from where to where.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;

use super::message_changes::mentions;
use crate::change::{Anchor, Count, Message, Page, Person};
use crate::moment::Timestamp;
use crate::outbox::{MessageKind, PostId};
use crate::slash_command::is_room;

/// Entries of one conversation while its end is shown; the oldest go, and come back as pages.
const MOST_AT_END: usize = 3_000;
/// Entries of one conversation in any case.
pub(super) const MOST_ENTRIES: usize = 200_000;

/// Unread messages of one conversation that a count may not have seen yet: it takes milliseconds.
const MOST_CAME: usize = 200;

/// Names an entry for as long as it is kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId(pub u64);

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: EntryId,
    pub timestamp: Timestamp,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Said(Box<Said>),
    /// Something happened, as a sentence without a full stop. `quiet`: people come and go.
    Happened {
        sentence: String,
        quiet: bool,
    },
    /// A message of one's own that was not taken, or of which nobody knows.
    Failed(Box<Failed>),
    /// What was said in between is not known here.
    Gap,
}

/// Rare, and apart: of messages there may be a hundred thousand.
#[derive(Debug, Clone)]
pub struct Failed {
    pub post: PostId,
    pub payload: String,
    pub kind: MessageKind,
    pub sentence: String,
}

#[derive(Debug, Clone)]
pub struct Said {
    /// Empty where the server gives none.
    pub id: CompactString,
    pub sender: Arc<Person>,
    pub payload: String,
    pub kind: MessageKind,
    pub own: bool,
    pub reply_to: Option<CompactString>,
    pub edited: bool,
    /// Who took it away, and why; the text is gone.
    pub deleted: Option<Box<Deleted>>,
    /// It names oneself.
    pub mentions: bool,
    /// It is kept in view for everyone.
    pub pinned: bool,
    pub reactions: Vec<Reaction>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    pub by: CompactString,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub text: String,
    pub names: Vec<CompactString>,
    /// One has given it oneself.
    pub own: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Writing {
    pub(super) name: CompactString,
    pub(super) until: Duration,
}

/// A message that was unread when it came.
#[derive(Debug)]
pub(super) struct Came {
    id: CompactString,
    timestamp: Timestamp,
    is_named: bool,
}

#[derive(Debug)]
pub struct Conversation {
    pub name: CompactString,
    pub(super) entries: VecDeque<Entry>,
    /// Nothing was said before the first entry.
    pub(super) begins_here: bool,
    /// The entries reach to the present. If not, they are a page out of the past.
    pub(super) at_end: bool,
    /// Live messages have come since the last page was asked for after a lost link.
    pub(super) stale: bool,
    /// The server would not tell: it is asked again after the next link, or when the person wants the end.
    pub(super) refused: bool,
    /// From an earlier run, or from before the link was lost: shown until the server tells what has become of it.
    pub(super) outdated: bool,
    /// One wants to be told of it less loudly.
    pub(super) muted: bool,
    /// How many messages are kept in view, as far as the server has said.
    pub(super) pins: usize,
    pub(super) read_up_to: Option<Timestamp>,
    pub(super) unread: Count,
    /// What was unread when it came, the latest: a count that was asked for before does not know it.
    came: VecDeque<Came>,
    pub(super) mentions: Count,
    pub(super) writing: Vec<Writing>,
    people: BTreeMap<CompactString, Arc<Person>>,
    /// When something was last said, as far as is known.
    pub(super) last_said: Timestamp,
}

impl Conversation {
    pub(super) fn new(name: &str) -> Conversation {
        Conversation {
            name: name.into(),
            entries: VecDeque::new(),
            begins_here: false,
            at_end: true,
            stale: true,
            refused: false,
            outdated: false,
            muted: false,
            pins: 0,
            read_up_to: None,
            unread: Count::default(),
            came: VecDeque::new(),
            mentions: Count::default(),
            writing: Vec::new(),
            people: BTreeMap::new(),
            last_said: Timestamp(0),
        }
    }

    pub fn is_room(&self) -> bool {
        is_room(&self.name)
    }

    pub fn entries(&self) -> &VecDeque<Entry> {
        &self.entries
    }

    pub fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.place_of(id).map(|at| &self.entries[at])
    }

    pub fn place_of(&self, id: EntryId) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.id == id)
    }

    /// The message with this id of the server's.
    pub fn message(&self, id: &str) -> Option<(usize, &Said)> {
        let at = self.place_of_message(id)?;
        self.entries[at].said().map(|said| (at, said))
    }

    pub fn begins_here(&self) -> bool {
        self.begins_here
    }

    pub fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// The end has to be asked for: it was never, or the link was lost since.
    pub fn is_stale(&self) -> bool {
        self.stale && !self.refused
    }

    /// What is here may have been edited, deleted or reacted to without this client's being told.
    pub fn is_outdated(&self) -> bool {
        self.outdated && !self.refused
    }

    pub fn is_muted(&self) -> bool {
        self.muted
    }

    pub fn pins(&self) -> usize {
        self.pins
    }

    pub fn read_up_to(&self) -> Option<Timestamp> {
        self.read_up_to
    }

    pub fn unread(&self) -> Count {
        self.unread
    }

    pub fn mentions(&self) -> Count {
        self.mentions
    }

    pub fn last_said(&self) -> Timestamp {
        self.last_said
    }

    /// Who is writing now.
    pub fn writing(&self, now: Duration) -> impl Iterator<Item = &str> {
        self.writing.iter().filter(move |writing| now < writing.until).map(|writing| writing.name.as_str())
    }

    /// When the first of those who write will be taken to have stopped.
    pub fn writing_until(&self) -> Option<Duration> {
        self.writing.iter().map(|writing| writing.until).min()
    }

    /// What to ask for to know what was said before (or after) what is known.
    pub fn page_before(&self) -> Option<Page> {
        if self.begins_here || self.refused {
            return None;
        }
        self.entries.iter().find_map(anchor).map(Page::Before)
    }

    pub fn page_after(&self) -> Option<Page> {
        if self.at_end || self.refused {
            return None;
        }
        self.entries.iter().rev().find_map(anchor).map(Page::After)
    }

    fn place_of_message(&self, id: &str) -> Option<usize> {
        if id.is_empty() {
            return None;
        }
        self.entries.iter().rposition(|entry| entry.said().is_some_and(|said| said.id == id))
    }

    pub(super) fn said_mut(&mut self, id: &str) -> Option<&mut Said> {
        let at = self.place_of_message(id)?;
        match &mut self.entries[at].what {
            What::Said(said) => Some(said),
            _ => None,
        }
    }

    fn person(&mut self, person: &Person) -> Arc<Person> {
        if let Some(known) = self.people.get(&person.name)
            && **known == *person
        {
            return Arc::clone(known);
        }
        if self.people.len() > 10_000 {
            self.people.clear();
        }
        let person = Arc::new(person.clone());
        self.people.insert(person.name.clone(), Arc::clone(&person));
        person
    }

    pub(super) fn said(&mut self, message: &Message, own_name: &str) -> Said {
        Said {
            id: message.id.clone().unwrap_or_default(),
            sender: self.person(&message.sender),
            payload: message.payload.clone(),
            kind: message.kind,
            own: message.own,
            reply_to: message.reply_to.clone(),
            edited: false,
            deleted: None,
            mentions: !message.own && mentions(&message.payload, own_name),
            pinned: false,
            reactions: Vec::new(),
        }
    }

    /// Somebody said something that is not read.
    pub(super) fn one_unread(&mut self, id: &str, timestamp: Timestamp, is_named: bool) {
        self.unread.number += 1;
        self.mentions.number += usize::from(is_named);
        if self.came.len() >= MOST_CAME {
            self.came.pop_front();
        }
        self.came.push_back(Came { id: id.into(), timestamp, is_named });
    }

    /// As the server counted. What came while it did, it did not count.
    pub(super) fn unread_counted(&mut self, messages: Count, mentions: Count, as_of: &str) {
        let read_up_to = self.read_up_to;
        self.came.retain(|came| {
            !as_of.is_empty() && came.id.as_str() > as_of && read_up_to.is_none_or(|marker| marker < came.timestamp)
        });
        let named = self.came.iter().filter(|came| came.is_named).count();
        self.unread = Count { number: messages.number + self.came.len(), ..messages };
        self.mentions = Count { number: mentions.number + named, ..mentions };
    }

    /// What others said behind the marker, counted among what is here; only when that reaches back to the marker.
    pub(super) fn count_unread(&mut self) {
        let Some(marker) = self.read_up_to else { return };
        let reaches = self.begins_here || self.entries.front().is_some_and(|entry| entry.timestamp <= marker);
        if self.last_said <= marker {
            self.unread = Count::default();
            self.mentions = Count::default();
        } else if reaches && self.at_end {
            let new = |entry: &&Entry| {
                entry.timestamp > marker && entry.said().is_some_and(|said| !said.own && said.deleted.is_none())
            };
            let is_direct = !self.is_room();
            let counts = self.entries.iter().rev().take_while(|entry| entry.timestamp > marker).filter(new);
            let (mut unread, mut named) = (0, 0);
            for entry in counts {
                unread += 1;
                named += usize::from(is_direct || entry.said().is_some_and(|said| said.mentions));
            }
            self.unread = Count { number: unread, is_more: false };
            self.mentions = Count { number: named, is_more: false };
        }
    }

    pub(super) fn one_deleted(&mut self, id: &str) {
        self.came.retain(|came| came.id != id);
        self.count_unread();
    }

    pub(super) fn stops_writing(&mut self, name: &str) {
        self.writing.retain(|writing| writing.name != name);
    }

    pub(super) fn trim(&mut self) {
        let most = if self.at_end { MOST_AT_END + MOST_AT_END / 2 } else { MOST_ENTRIES };
        if self.entries.len() > most {
            let leave = if self.at_end { MOST_AT_END } else { MOST_ENTRIES };
            self.entries.drain(..self.entries.len() - leave);
            self.begins_here = false;
        }
    }
}

impl Entry {
    pub fn said(&self) -> Option<&Said> {
        match &self.what {
            What::Said(said) => Some(said),
            _ => None,
        }
    }
}

pub(super) fn ids_of<'e>(entries: impl Iterator<Item = &'e Entry>) -> BTreeSet<CompactString> {
    entries.filter_map(|entry| Some(entry.said()?.id.clone())).filter(|id| !id.is_empty()).collect()
}

pub(super) fn is_among(entry: &Entry, ids: &BTreeSet<CompactString>) -> bool {
    entry.said().is_some_and(|said| ids.contains(&said.id))
}

fn anchor(entry: &Entry) -> Option<Anchor> {
    match entry.said() {
        Some(said) if !said.id.is_empty() => Some(Anchor::Message(said.id.clone())),
        Some(_) => Some(Anchor::Time(entry.timestamp)),
        None => None,
    }
}
