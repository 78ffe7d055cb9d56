//! What happens besides being said, in words: people come, go, are called otherwise.

use std::collections::VecDeque;

use compact_str::CompactString;

use super::Conversations;
use super::conversation::{Entry, EntryId, What};
use crate::change::Change;
use crate::moment::Timestamp;

impl Conversations {
    /// What happened in words, and in which rooms.
    pub(super) fn words(&self, change: &Change) -> Option<(Vec<CompactString>, String, bool, Timestamp)> {
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

/// People who come and go in a row share a line.
pub(super) fn push_happened(
    entries: &mut VecDeque<Entry>,
    id: EntryId,
    sentence: String,
    quiet: bool,
    timestamp: Timestamp,
) {
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
