//! What has been said, per room and person, as far as it is known here: the changes of a [`crate::Connection`] that
//! converses, put together. Pure: takes changes in, and a front end shows what has come of them.

mod conversation;
mod happenings;
mod kept;
mod message_changes;
mod pages;
#[cfg(test)]
mod tests;

pub use conversation::{Conversation, Deleted, Entry, EntryId, Failed, Reaction, Said, What};
pub use kept::{KeptConversation, KeptMessage};
pub use message_changes::mentions;

use conversation::Writing;
use happenings::push_happened;
use message_changes::changes_among;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use compact_str::CompactString;
use wire::CaseMapping;

use crate::change::{Change, ConversationChange, Count, Message, Page, Typing};
use crate::moment::{Moment, Timestamp};
use crate::outbox::{MessageKind, PostId};

/// How far back it is looked whether a live message is here already: a repetition comes soon.
const REPETITION_WITHIN: usize = 500;
/// Whoever says no more for so long does not write any longer (typing "active").
const TYPING_LASTS: Duration = Duration::from_secs(6);
/// The same after "paused".
const PAUSE_LASTS: Duration = Duration::from_secs(30);
/// People who write at once, per conversation.
const MOST_TYPING: usize = 20;

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
            conversation.one_unread(&said.id, message.timestamp, said.mentions || message.direct);
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
            ConversationChange::Reacted { room_name, .. } | ConversationChange::Edited { room_name, .. } => {
                if let Some(conversation) = self.by_name.get_mut(&self.case_mapping.fold(room_name)) {
                    changes_among(&mut conversation.entries, change, own_name);
                }
            }
            ConversationChange::Deleted { room_name, message_id, .. } => {
                if let Some(conversation) = self.by_name.get_mut(&self.case_mapping.fold(room_name)) {
                    changes_among(&mut conversation.entries, change, own_name);
                    conversation.one_deleted(message_id);
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
            ConversationChange::Unread { room_name, messages, mentions, as_of } => {
                self.open(room_name).unread_counted(*messages, *mentions, as_of);
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
}
