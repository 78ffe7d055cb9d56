//! What has been said, per room and person, as far as it is known here: the changes of a [`crate::Connection`] that
//! converses, put together. Pure: takes changes in, and a front end shows what has come of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use wire::CaseMapping;

use crate::change::{Anchor, Change, ConversationChange, Count, Message, Page, Person, Typing};
use crate::moment::{Moment, Timestamp};
use crate::outbox::{MessageKind, PostId};
use crate::slash_command::is_room;

/// Entries of one conversation while its end is shown; the oldest go, and come back as pages.
const MOST_AT_END: usize = 3_000;
/// Entries of one conversation in any case.
const MOST_ENTRIES: usize = 200_000;
/// How far back it is looked whether a live message is here already: a repetition comes soon.
const REPETITION_WITHIN: usize = 500;
/// Whoever says no more for so long does not write any longer (typing "active").
const TYPING_LASTS: Duration = Duration::from_secs(6);
/// The same after "paused".
const PAUSE_LASTS: Duration = Duration::from_secs(30);
/// People who write at once, per conversation.
const MOST_TYPING: usize = 20;
/// Different reactions under a message, and people with each.
const MOST_REACTIONS: usize = 50;
const MOST_REACTING: usize = 200;

/// What outlives the program of one conversation, and of how many.
const MOST_KEPT_MESSAGES: usize = 100;
const MOST_KEPT_CONVERSATIONS: usize = 40;

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

/// A conversation as it outlives the program.
#[derive(Debug, Clone)]
pub struct KeptConversation {
    pub name: String,
    pub read_up_to: Option<Timestamp>,
    /// Oldest first.
    pub said: Vec<KeptMessage>,
}

#[derive(Debug, Clone)]
pub struct KeptMessage {
    pub timestamp: Timestamp,
    pub said: Said,
}

#[derive(Debug, Clone)]
struct Writing {
    name: CompactString,
    until: Duration,
}

#[derive(Debug)]
pub struct Conversation {
    pub name: CompactString,
    entries: VecDeque<Entry>,
    /// Nothing was said before the first entry.
    begins_here: bool,
    /// The entries reach to the present. If not, they are a page out of the past.
    at_end: bool,
    /// Live messages have come since the last page was asked for after a lost link.
    stale: bool,
    /// The server would not tell: it is asked again after the next link, or when the person wants the end.
    refused: bool,
    /// From an earlier run, or from before the link was lost: shown until the server tells what has become of it.
    outdated: bool,
    /// One wants to be told of it less loudly.
    muted: bool,
    /// How many messages are kept in view, as far as the server has said.
    pins: usize,
    read_up_to: Option<Timestamp>,
    unread: Count,
    mentions: Count,
    writing: Vec<Writing>,
    people: BTreeMap<CompactString, Arc<Person>>,
    /// When something was last said, as far as is known.
    last_said: Timestamp,
}

impl Conversation {
    fn new(name: &str) -> Conversation {
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

    fn said_mut(&mut self, id: &str) -> Option<&mut Said> {
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

    fn said(&mut self, message: &Message, own_name: &str) -> Said {
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

    /// What others said behind the marker, counted among what is here; only when that reaches back to the marker.
    fn count_unread(&mut self) {
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

    fn stops_writing(&mut self, name: &str) {
        self.writing.retain(|writing| writing.name != name);
    }

    fn trim(&mut self) {
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

fn ids_of<'e>(entries: impl Iterator<Item = &'e Entry>) -> BTreeSet<CompactString> {
    entries.filter_map(|entry| Some(entry.said()?.id.clone())).filter(|id| !id.is_empty()).collect()
}

fn is_among(entry: &Entry, ids: &BTreeSet<CompactString>) -> bool {
    entry.said().is_some_and(|said| ids.contains(&said.id))
}

fn anchor(entry: &Entry) -> Option<Anchor> {
    match entry.said() {
        Some(said) if !said.id.is_empty() => Some(Anchor::Message(said.id.clone())),
        Some(_) => Some(Anchor::Time(entry.timestamp)),
        None => None,
    }
}

/// All of them, compared as the server compares names.
#[derive(Debug, Default)]
pub struct Conversations {
    case_mapping: CaseMapping,
    by_name: BTreeMap<CompactString, Conversation>,
    next_entry: u64,
    /// The conversation that is being scrolled in, of which nothing is thrown away.
    held: Option<CompactString>,
}

impl Conversations {
    pub fn find(&self, name: &str) -> Option<&Conversation> {
        self.by_name.get(&self.case_mapping.fold(name))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Conversation> {
        self.by_name.values()
    }

    pub fn same(&self, one: &str, other: &str) -> bool {
        self.case_mapping.eq(one, other)
    }

    /// Begins a conversation, if there is none.
    pub fn open(&mut self, name: &str) -> &mut Conversation {
        self.by_name.entry(self.case_mapping.fold(name)).or_insert_with(|| Conversation::new(name))
    }

    pub fn close(&mut self, name: &str) {
        self.by_name.remove(&self.case_mapping.fold(name));
    }

    /// Of this conversation nothing is thrown away while it is scrolled in.
    pub fn hold(&mut self, name: Option<&str>) {
        let held = name.map(|name| self.case_mapping.fold(name));
        if self.held != held {
            let before = std::mem::replace(&mut self.held, held);
            if let Some(conversation) = before.and_then(|before| self.by_name.get_mut(&before)) {
                conversation.trim();
            }
        }
    }

    /// The end is asked for, whatever is here.
    pub fn return_to_end(&mut self, name: &str) {
        let conversation = self.open(name);
        conversation.stale = true;
        conversation.refused = false;
    }

    /// Everything here has been seen. What to tell the server, if that is news to it.
    pub fn seen(&mut self, name: &str) -> Option<Timestamp> {
        let conversation = self.by_name.get_mut(&self.case_mapping.fold(name))?;
        if !conversation.at_end {
            return None;
        }
        conversation.unread = Count::default();
        conversation.mentions = Count::default();
        let last = conversation.entries.iter().rev().find(|entry| entry.said().is_some_and(|said| !said.id.is_empty()));
        let last = last?.timestamp;
        let is_news = conversation.read_up_to.is_none_or(|marker| marker < last);
        if is_news {
            conversation.read_up_to = Some(last);
        }
        is_news.then_some(last)
    }

    /// Everything that was said here is taken for read, whether it is on the screen or known at all. Up to when.
    pub fn read_all(&mut self, name: &str, now: Timestamp) -> Option<Timestamp> {
        let conversation = self.by_name.get_mut(&self.case_mapping.fold(name))?;
        let last = if conversation.last_said > Timestamp(0) { conversation.last_said } else { now };
        conversation.unread = Count::default();
        conversation.mentions = Count::default();
        conversation.read_up_to = conversation.read_up_to.max(Some(last));
        conversation.read_up_to
    }

    /// Takes a failed message away, and gives its text back.
    pub fn take_failed(&mut self, name: &str, id: EntryId) -> Option<(String, MessageKind)> {
        let conversation = self.by_name.get_mut(&self.case_mapping.fold(name))?;
        let at = conversation.place_of(id)?;
        if !matches!(conversation.entries[at].what, What::Failed(_)) {
            return None;
        }
        match conversation.entries.remove(at)?.what {
            What::Failed(failed) => Some((failed.payload, failed.kind)),
            _ => None,
        }
    }

    /// The end of each conversation that something was said in lately, to be shown when the program starts the next time.
    pub fn kept(&self) -> Vec<KeptConversation> {
        let mut lately: Vec<&Conversation> = self
            .by_name
            .values()
            .filter(|conversation| conversation.at_end && !conversation.entries.is_empty())
            .collect();
        lately.sort_by_key(|conversation| std::cmp::Reverse(conversation.last_said));
        lately.truncate(MOST_KEPT_CONVERSATIONS);
        let kept = |conversation: &&Conversation| {
            let said = conversation.entries.iter().filter_map(|entry| {
                let said = entry.said().filter(|said| !said.id.is_empty())?;
                Some(KeptMessage { timestamp: entry.timestamp, said: said.clone() })
            });
            let mut said: Vec<KeptMessage> = said.collect();
            said.drain(..said.len().saturating_sub(MOST_KEPT_MESSAGES));
            KeptConversation { name: conversation.name.to_string(), read_up_to: conversation.read_up_to, said }
        };
        lately.iter().map(kept).collect()
    }

    /// What an earlier run has kept; it goes when the server tells the end of the conversation.
    pub fn restore(&mut self, kept: Vec<KeptConversation>) {
        for KeptConversation { name, read_up_to, said } in kept {
            let entries: VecDeque<Entry> = said
                .into_iter()
                .map(|KeptMessage { timestamp, said }| Entry {
                    id: self.next_id(),
                    timestamp,
                    what: What::Said(Box::new(said)),
                })
                .collect();
            let conversation = self.open(&name);
            conversation.last_said = entries.back().map_or(Timestamp(0), |entry| entry.timestamp);
            conversation.entries = entries;
            conversation.read_up_to = read_up_to;
            conversation.outdated = true;
        }
    }

    /// Something that only this client says, in a conversation.
    pub fn remark(&mut self, name: &str, sentence: String, timestamp: Timestamp) {
        self.happened(name, sentence, false, timestamp);
    }

    /// A change of the connection. `own_name`: what one is called now; `case_mapping`: the server's.
    pub fn take_in(&mut self, change: &Change, own_name: &str, case_mapping: CaseMapping, now: Moment) {
        self.change_case_mapping(case_mapping);
        match change {
            Change::MessageAdded(message) => self.message_added(message, own_name),
            Change::Conversation(change) => self.conversation_changed(change, own_name, now),
            Change::PostRefused { post, target, payload, sentence } => {
                self.failed(*post, target, payload, sentence, now);
            }
            Change::PostUnknown { post, target, payload } => {
                let sentence = "The link was lost meanwhile: it may or may not have arrived.";
                self.failed(*post, target, payload, sentence, now);
            }
            Change::LinkState(crate::change::LinkState::Down { .. }) => {
                for conversation in self.by_name.values_mut() {
                    conversation.stale = true;
                    conversation.outdated |= !conversation.entries.is_empty();
                    conversation.refused = false;
                    conversation.writing.clear();
                }
            }
            Change::Joined { place, own: true, .. } => {
                self.open(&place.room_name);
            }
            _ => {
                if let Some((rooms, sentence, quiet, timestamp)) = self.words(change) {
                    for room in rooms {
                        if self.find(&room).is_some() {
                            self.happened(&room, sentence.clone(), quiet, timestamp);
                        }
                    }
                }
                if let Change::Quit { who, .. } = change {
                    for conversation in self.by_name.values_mut() {
                        conversation.stops_writing(&who.name);
                    }
                }
            }
        }
    }

    fn change_case_mapping(&mut self, case_mapping: CaseMapping) {
        if self.case_mapping == case_mapping {
            return;
        }
        self.case_mapping = case_mapping;
        for conversation in std::mem::take(&mut self.by_name).into_values() {
            self.by_name.entry(case_mapping.fold(&conversation.name)).or_insert(conversation);
        }
    }

    fn next_id(&mut self) -> EntryId {
        self.next_entry += 1;
        EntryId(self.next_entry)
    }

    fn message_added(&mut self, message: &Message, own_name: &str) {
        let id = self.next_id();
        let name = self.case_mapping.fold(&message.room_name);
        let is_held = self.held.as_ref() == Some(&name);
        let conversation = self.open(&message.room_name);
        conversation.stops_writing(&message.sender.name);
        let said = conversation.said(message, own_name);
        let is_repetition = !said.id.is_empty()
            && conversation
                .entries
                .iter()
                .rev()
                .take(REPETITION_WITHIN)
                .any(|entry| entry.said().is_some_and(|known| known.id == said.id));
        if is_repetition {
            return;
        }
        conversation.last_said = conversation.last_said.max(message.timestamp);
        let is_read = conversation.read_up_to.is_some_and(|marker| marker >= message.timestamp);
        if !message.own && !is_read {
            conversation.unread.number += 1;
            conversation.mentions.number += usize::from(said.mentions || message.direct);
        }
        // Among what is out of the past it has no place; the end is asked for before it is shown.
        if conversation.at_end {
            conversation.entries.push_back(Entry {
                id,
                timestamp: message.timestamp,
                what: What::Said(Box::new(said)),
            });
            if !is_held {
                conversation.trim();
            }
        }
    }

    fn happened(&mut self, name: &str, sentence: String, quiet: bool, timestamp: Timestamp) {
        let id = self.next_id();
        let conversation = self.open(name);
        if !conversation.at_end {
            return;
        }
        push_happened(&mut conversation.entries, id, sentence, quiet, timestamp);
    }

    fn failed(&mut self, post: PostId, target: &str, payload: &str, sentence: &str, now: Moment) {
        let id = self.next_id();
        let conversation = self.open(target);
        let failed =
            Failed { post, payload: payload.to_owned(), kind: MessageKind::Text, sentence: sentence.to_owned() };
        let what = What::Failed(Box::new(failed));
        conversation.entries.push_back(Entry { id, timestamp: now.wall, what });
    }

    fn conversation_changed(&mut self, change: &ConversationChange, own_name: &str, now: Moment) {
        match change {
            ConversationChange::Reacted { room_name, message_id, who, own, reaction, on } => {
                if let Some(conversation) = self.by_name.get_mut(&self.case_mapping.fold(room_name))
                    && let Some(said) = conversation.said_mut(message_id)
                {
                    react(said, &who.name, *own, reaction, *on);
                }
            }
            ConversationChange::Edited { room_name, message_id, payload } => {
                if let Some(conversation) = self.by_name.get_mut(&self.case_mapping.fold(room_name))
                    && let Some(said) = conversation.said_mut(message_id)
                {
                    edit(said, payload, own_name);
                }
            }
            ConversationChange::Deleted { room_name, message_id, by, reason } => {
                if let Some(conversation) = self.by_name.get_mut(&self.case_mapping.fold(room_name)) {
                    if let Some(said) = conversation.said_mut(message_id) {
                        delete(said, &by.name, reason.as_deref());
                    }
                    conversation.count_unread();
                }
            }
            ConversationChange::Pinned { room_name, message_id, by, on } => {
                self.pinned(room_name, message_id, &by.name, *on, now);
            }
            ConversationChange::PinCount { room_name, number } => self.open(room_name).pins = *number,
            ConversationChange::Pins { room_name, messages } => {
                let conversation = self.open(room_name);
                conversation.pins = messages.len();
                let ids: BTreeSet<&str> = messages.iter().filter_map(|message| message.id.as_deref()).collect();
                for entry in &mut conversation.entries {
                    if let What::Said(said) = &mut entry.what {
                        said.pinned = ids.contains(said.id.as_str());
                    }
                }
            }
            ConversationChange::Muted { room_name, on } => {
                // Of someone whom one never wrote with there is nothing to be muted here.
                if *on || self.find(room_name).is_some() {
                    self.open(room_name).muted = *on;
                }
            }
            ConversationChange::Typing { room_name, who, typing } => {
                let Some(conversation) = self.by_name.get_mut(&self.case_mapping.fold(room_name)) else { return };
                conversation.stops_writing(who);
                conversation.writing.retain(|writing| writing.until > now.since_start);
                let lasts = match typing {
                    Typing::Active => TYPING_LASTS,
                    Typing::Paused => PAUSE_LASTS,
                    Typing::Done => return,
                };
                if conversation.writing.len() < MOST_TYPING {
                    conversation.writing.push(Writing { name: who.clone(), until: now.since_start + lasts });
                }
            }
            ConversationChange::ReadUpTo { room_name, timestamp } => {
                let conversation = self.open(room_name);
                if conversation.read_up_to.is_none_or(|marker| marker < *timestamp) {
                    conversation.read_up_to = Some(*timestamp);
                    conversation.count_unread();
                }
            }
            ConversationChange::Unread { room_name, messages, mentions } => {
                let conversation = self.open(room_name);
                conversation.unread = *messages;
                conversation.mentions = *mentions;
            }
            ConversationChange::RoomRenamed { from, to, timestamp } => {
                if let Some(mut conversation) = self.by_name.remove(&self.case_mapping.fold(from)) {
                    conversation.name = to.clone();
                    self.by_name.insert(self.case_mapping.fold(to), conversation);
                    self.happened(to, format!("{from} is now called {to}"), false, *timestamp);
                }
            }
            ConversationChange::History { room_name, page, items, is_end } => {
                self.page_came(room_name, page, items, *is_end, own_name);
            }
            ConversationChange::HistoryRefused { room_name, page, .. } => {
                let conversation = self.open(room_name);
                match page {
                    // What is here is all that there will be.
                    Page::Around(_) => conversation.outdated = false,
                    _ => conversation.refused = true,
                }
            }
            ConversationChange::PresenceKnown { .. }
            | ConversationChange::RoomListed { .. }
            | ConversationChange::ConnectionSeen { .. }
            | ConversationChange::RoomsListed => {}
            ConversationChange::Correspondent { name, timestamp } => {
                let conversation = self.open(name);
                conversation.last_said = conversation.last_said.max(*timestamp);
            }
        }
    }

    fn pinned(&mut self, room: &str, message_id: &str, by: &str, on: bool, now: Moment) {
        let conversation = self.open(room);
        conversation.pins = if on { conversation.pins + 1 } else { conversation.pins.saturating_sub(1) };
        let mut brief = "a message".to_owned();
        if let Some(said) = conversation.said_mut(message_id) {
            said.pinned = on;
            let line = said.payload.lines().next().unwrap_or_default();
            let end = line.char_indices().nth(60).map_or(line.len(), |(at, _)| at);
            brief = format!("what {} said: {}", said.sender.name, &line[..end]);
        }
        let does = if on { "pinned" } else { "unpinned" };
        self.happened(room, format!("{by} {does} {brief}"), false, now.wall);
    }

    fn page_came(&mut self, name: &str, page: &Page, items: &[Change], is_end: bool, own_name: &str) {
        let is_held = self.held.as_ref() == Some(&self.case_mapping.fold(name));
        let mut next = self.next_entry;
        let mut next_id = || {
            next += 1;
            EntryId(next)
        };
        // The page by itself first: what became of its messages stands in it too.
        let mut came: VecDeque<Entry> = VecDeque::new();
        let mut elsewhere = Vec::new();
        for item in items {
            match item {
                Change::MessageAdded(message) => {
                    let said = self.open(name).said(message, own_name);
                    came.push_back(Entry {
                        id: next_id(),
                        timestamp: message.timestamp,
                        what: What::Said(Box::new(said)),
                    });
                }
                Change::Conversation(change) => {
                    if !changes_among(&mut came, change, own_name) {
                        elsewhere.push(change);
                    }
                }
                _ => {
                    if let Some((_, sentence, quiet, timestamp)) = self.words(item) {
                        push_happened(&mut came, next_id(), sentence, quiet, timestamp);
                    }
                }
            }
        }
        self.next_entry = next;
        let conversation = self.open(name);
        // Meanwhile something else may be shown than what the page goes on from.
        let fits = match page {
            Page::Before(_) => conversation.page_before().as_ref() == Some(page),
            Page::After(_) => conversation.page_after().as_ref() == Some(page),
            Page::Latest | Page::Around(_) => true,
        };
        if !fits {
            return;
        }
        conversation.refused = false;
        if matches!(page, Page::Latest) && is_held && (conversation.outdated || !conversation.at_end) {
            // Somebody reads further up: that stays where it is, and is asked for anew; the end comes when it is gone to.
            conversation.at_end = false;
            conversation.stale = false;
            return;
        }
        let ids = ids_of(came.iter());
        let known = |entry: &Entry| entry.said().is_some_and(|said| ids.contains(&said.id));
        match page {
            Page::Latest => {
                let first_common = conversation.entries.iter().position(known);
                // Of what is from before, some may have been edited or taken away since: it comes anew when it is scrolled to.
                let first_common = first_common.filter(|_| conversation.at_end && !conversation.outdated);
                conversation.outdated = false;
                let last = came.iter().rev().find_map(|entry| entry.said().map(|_| entry.timestamp));
                let mut before: VecDeque<Entry> = std::mem::take(&mut conversation.entries);
                // What was said since, and what this client alone knows.
                let mut tail: Vec<Entry> = Vec::new();
                if conversation.at_end {
                    let from = first_common.unwrap_or(0);
                    let rest = before.split_off(from);
                    tail = rest
                        .into_iter()
                        .filter(|entry| match &entry.what {
                            What::Said(said) => {
                                !ids.contains(&said.id) && last.is_none_or(|last| entry.timestamp >= last)
                            }
                            What::Failed(_) => true,
                            What::Happened { .. } => last.is_some_and(|last| entry.timestamp > last),
                            What::Gap => false,
                        })
                        .collect();
                }
                if first_common.is_none() {
                    before.clear();
                    conversation.begins_here = is_end;
                }
                conversation.entries = before;
                conversation.entries.extend(came);
                conversation.entries.extend(tail);
                conversation.at_end = true;
                conversation.stale = false;
                if !is_held {
                    conversation.trim();
                }
            }
            Page::Before(_) => {
                let known = ids_of(conversation.entries.iter().take(REPETITION_WITHIN));
                came.retain(|entry| !is_among(entry, &known));
                conversation.begins_here = is_end;
                for entry in came.into_iter().rev() {
                    conversation.entries.push_front(entry);
                }
                while conversation.entries.len() > MOST_ENTRIES {
                    conversation.entries.pop_back();
                    conversation.at_end = false;
                }
            }
            Page::After(_) => {
                let known = ids_of(conversation.entries.iter().rev().take(REPETITION_WITHIN));
                came.retain(|entry| !is_among(entry, &known));
                conversation.entries.extend(came);
                conversation.at_end |= is_end;
                while conversation.entries.len() > MOST_ENTRIES {
                    conversation.entries.pop_front();
                    conversation.begins_here = false;
                }
            }
            Page::Around(_) => {
                conversation.outdated = false;
                if !came.is_empty() {
                    keep_ids(&conversation.entries, &mut came);
                    conversation.entries = came;
                    conversation.begins_here = false;
                    conversation.at_end = false;
                }
            }
        }
        let last = conversation.entries.iter().rev().find_map(|entry| entry.said().map(|_| entry.timestamp));
        conversation.last_said = conversation.last_said.max(last.unwrap_or_default());
        conversation.count_unread();
        for change in elsewhere {
            changes_among(&mut conversation.entries, change, own_name);
        }
    }

    /// What happened in words, and in which rooms.
    fn words(&self, change: &Change) -> Option<(Vec<CompactString>, String, bool, Timestamp)> {
        let because = |reason: &Option<String>| reason.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
        let one = |room: &CompactString| vec![room.clone()];
        Some(match change {
            Change::Joined { place, who, own: false } => {
                (one(&place.room_name), format!("{} joined", who.name), true, place.timestamp)
            }
            Change::Left { place, who, reason, own } => {
                let sentence =
                    if *own { "you left".to_owned() } else { format!("{} left{}", who.name, because(reason)) };
                (one(&place.room_name), sentence, !*own, place.timestamp)
            }
            Change::Kicked { place, who, by, reason, own } => {
                let who = if *own { "you were".to_owned() } else { format!("{who} was") };
                let sentence = format!("{who} put out by {}{}", by.name, because(reason));
                (one(&place.room_name), sentence, false, place.timestamp)
            }
            Change::Quit { who, reason, rooms, timestamp } => {
                (rooms.clone(), format!("{} left the server{}", who.name, because(reason)), true, *timestamp)
            }
            Change::Renamed { from, to, own, rooms, timestamp } => {
                let sentence = if *own { format!("you are now {to}") } else { format!("{from} is now called {to}") };
                (rooms.clone(), sentence, true, *timestamp)
            }
            Change::TopicChanged { place, by, topic } => {
                let sentence = if topic.is_empty() {
                    format!("{} took away the topic", by.name)
                } else {
                    format!("{} changed the topic: {topic}", by.name)
                };
                (one(&place.room_name), sentence, false, place.timestamp)
            }
            Change::ModesChanged { target, by, phrases, timestamp, .. } if !phrases.is_empty() => {
                // A server that gives ranks on joining is no news.
                let quiet = by.name.contains('.');
                (one(target), format!("{} {}", by.name, phrases.join(", ")), quiet, *timestamp)
            }
            _ => return None,
        })
    }
}

/// What was here already keeps its place on the screen.
fn keep_ids(before: &VecDeque<Entry>, came: &mut VecDeque<Entry>) {
    let known: BTreeMap<&str, EntryId> = before
        .iter()
        .filter_map(|entry| Some((entry.said()?.id.as_str(), entry.id)))
        .filter(|(id, _)| !id.is_empty())
        .collect();
    for entry in came {
        if let Some(id) = entry.said().and_then(|said| known.get(said.id.as_str())) {
            entry.id = *id;
        }
    }
}

/// People who come and go in a row share a line.
fn push_happened(entries: &mut VecDeque<Entry>, id: EntryId, sentence: String, quiet: bool, timestamp: Timestamp) {
    const LONGEST: usize = 200;
    const APART: i64 = 10 * 60_000;
    if quiet
        && let Some(Entry { timestamp: before, what: What::Happened { sentence: so_far, quiet: true }, .. }) =
            entries.back_mut()
        && so_far.len() + sentence.len() < LONGEST
        && (timestamp.0 - before.0).abs() < APART
    {
        so_far.push_str("; ");
        so_far.push_str(&sentence);
        return;
    }
    entries.push_back(Entry { id, timestamp, what: What::Happened { sentence, quiet } });
}

/// Whether the message that is spoken of stands among these.
fn changes_among(entries: &mut VecDeque<Entry>, change: &ConversationChange, own_name: &str) -> bool {
    let (ConversationChange::Reacted { message_id, .. }
    | ConversationChange::Edited { message_id, .. }
    | ConversationChange::Pinned { message_id, .. }
    | ConversationChange::Deleted { message_id, .. }) = change
    else {
        return true;
    };
    let said = entries.iter_mut().rev().find_map(|entry| match &mut entry.what {
        What::Said(said) if said.id == *message_id => Some(said),
        _ => None,
    });
    let Some(said) = said else { return false };
    match change {
        ConversationChange::Reacted { who, own, reaction, on, .. } => react(said, &who.name, *own, reaction, *on),
        ConversationChange::Edited { payload, .. } => edit(said, payload, own_name),
        ConversationChange::Deleted { by, reason, .. } => delete(said, &by.name, reason.as_deref()),
        ConversationChange::Pinned { on, .. } => said.pinned = *on,
        _ => {}
    }
    true
}

fn react(said: &mut Said, name: &str, own: bool, text: &str, on: bool) {
    let at = said.reactions.iter().position(|reaction| reaction.text == text);
    match (at, on) {
        (Some(at), true) => {
            let reaction = &mut said.reactions[at];
            if !reaction.names.iter().any(|known| known == name) && reaction.names.len() < MOST_REACTING {
                reaction.names.push(name.into());
            }
            reaction.own |= own;
        }
        (None, true) if said.reactions.len() < MOST_REACTIONS => {
            said.reactions.push(Reaction { text: text.to_owned(), names: vec![name.into()], own });
        }
        (Some(at), false) => {
            let reaction = &mut said.reactions[at];
            reaction.names.retain(|known| known != name);
            reaction.own &= !own;
            if reaction.names.is_empty() {
                said.reactions.remove(at);
            }
        }
        (None, _) => {}
    }
}

fn edit(said: &mut Said, payload: &str, own_name: &str) {
    if said.deleted.is_none() {
        payload.clone_into(&mut said.payload);
        said.edited = true;
        said.mentions = !said.own && mentions(payload, own_name);
    }
}

fn delete(said: &mut Said, by: &str, reason: Option<&str>) {
    said.payload = String::new();
    said.reactions.clear();
    said.mentions = false;
    said.edited = false;
    said.pinned = false;
    said.deleted = Some(Box::new(Deleted { by: by.into(), reason: reason.map(str::to_owned) }));
}

/// Whether the text names this person: as a word by itself, in any case.
pub fn mentions(text: &str, name: &str) -> bool {
    if name.is_empty() {
        return false;
    }
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '[' | ']' | '{' | '}' | '\\' | '|' | '^');
    text.match_indices(&name).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(is_of_name) && !after.is_some_and(is_of_name)
    })
}

#[cfg(test)]
mod tests;
