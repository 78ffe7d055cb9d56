//! Pages of history, put where they belong.

use std::collections::{BTreeMap, VecDeque};

use super::conversation::{Entry, EntryId, MOST_ENTRIES, What, ids_of, is_among};
use super::happenings::push_happened;
use super::message_changes::changes_among;
use super::{Conversations, REPETITION_WITHIN};
use crate::change::{Change, Page};

impl Conversations {
    pub(super) fn page_came(&mut self, name: &str, page: &Page, items: &[Change], is_end: bool, own_name: &str) {
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
