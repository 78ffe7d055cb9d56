//! What someone has not read yet, in all of her conversations at once. Counted beside the hub, from the store, when a device
//! asks for it, and not kept up to date with every message: that would cost a write for each member of a room.
//!
//! A mention is found by looking for the reader's names in what is unread. An index of mentions would have to know, with
//! every message, the names of all members, here or not; what is unread is short or is not counted to its end.

use crate::event::Place;
use crate::history::Grant;
use crate::id::{ClientId, RoomNumber, Timestamp};
use crate::message::{Message, MessageKind};
use compact_str::CompactString;

/// Messages that one question looks at, in all conversations together.
const LOOKED_AT: usize = 100_000;
/// Messages of one conversation that are counted at the most, and at the most where there are many conversations.
const MOST: usize = 1_000;
const LEAST_MOST: usize = 50;

/// What is to be counted.
#[derive(Clone, Debug)]
pub struct UnreadQuestion {
    /// With the time up to which each was read; `None`: nothing was.
    pub conversations: Vec<(Grant, Option<Timestamp>)>,
    /// What she is called.
    pub names: Vec<CompactString>,
    /// Whose words do not count.
    pub blocked: Vec<ClientId>,
    /// Rooms where all that is said is meant for her, in their order: what few people say among themselves.
    pub groups: Vec<RoomNumber>,
    /// When it was asked: what is said behind it reaches her by itself, before or after the answer, and is not counted. The id
    /// is nobody's; those of later messages sort behind it.
    pub as_of: Place,
}

/// What is unread in one conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unread {
    pub messages: usize,
    /// Those among them that name the reader; in a direct conversation and in a group all do.
    pub mentions: usize,
    /// There are more, which were not looked at.
    pub is_more: bool,
}

impl UnreadQuestion {
    /// Messages of each conversation that are looked at.
    pub fn most(&self) -> usize {
        (LOOKED_AT / self.conversations.len().max(1)).clamp(LEAST_MOST, MOST)
    }

    /// `messages`: those behind what was read, the newest first; one more than [`UnreadQuestion::most`] if there are more.
    pub fn count<'m>(&self, grant: &Grant, messages: impl Iterator<Item = &'m Message>) -> Unread {
        let most = self.most();
        let mut unread = Unread::default();
        let is_group = self.groups.binary_search(&grant.room).is_ok();
        for (looked_at, message) in messages.enumerate() {
            if looked_at >= most {
                unread.is_more = true;
                break;
            }
            let is_counted = message.kind != MessageKind::Signal
                && message.sender_id != grant.reader
                && !self.blocked.contains(&message.sender_id);
            if is_counted {
                unread.messages += 1;
                let is_direct = message.recipient_id.is_some() || is_group;
                let names_her = || self.names.iter().any(|name| mentions(&message.payload, name));
                unread.mentions += usize::from(is_direct || names_her());
            }
        }
        unread
    }
}

/// Whether a text names somebody: as a word by itself, in any case; not in code (Markdown's, between backticks), nor in an
/// address. `client_core` has the same.
pub fn mentions(text: &str, name: &str) -> bool {
    if name.is_empty() || text.len() < name.len() {
        return false;
    }
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '[' | ']' | '{' | '}' | '\\' | '|' | '^');
    text.match_indices(name.as_str()).any(|(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        !before.chars().next_back().is_some_and(is_of_name)
            && !after.chars().next().is_some_and(is_of_name)
            && !ends_in_address(before)
            && !ends_in_code(before, after)
    })
}

/// What goes on here is part of `https://…` or of `somebody@…`.
fn ends_in_address(text: &str) -> bool {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    word.contains("://") || word.strip_suffix('@').is_some_and(|local| local.ends_with(char::is_alphanumeric))
}

/// Between `before` and `after` is code: as many backticks as opened it close it (CommonMark 6.1).
fn ends_in_code(before: &str, after: &str) -> bool {
    let runs =
        |text: &str| -> Vec<usize> { text.split(|c| c != '`').map(str::len).filter(|&length| length > 0).collect() };
    let closing = runs(after);
    let mut open = None;
    let opening = runs(before);
    for (at, &length) in opening.iter().enumerate() {
        match open {
            Some(opened) if opened == length => open = None,
            None if opening[at + 1..].contains(&length) || closing.contains(&length) => open = Some(length),
            _ => {}
        }
    }
    open.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{MessageId, Position};

    #[test]
    fn a_name_is_a_word() {
        let cases = [
            ("alice: hi", "alice", true),
            ("hi @Alice!", "alice", true),
            ("ALICE", "alice", true),
            ("malice", "alice", false),
            ("alices", "alice", false),
            ("alice_ alice", "alice", true),
            ("alice2", "alice", false),
            ("für Zoë.", "zoë", true),
            ("", "alice", false),
            ("anything", "", false),
            ("alice-x", "alice", false),
            ("for `alice` only", "alice", false),
            ("``a ` alice``", "alice", false),
            ("```\nalice\n```", "alice", false),
            ("`code` alice `code`", "alice", true),
            ("a lone ` alice", "alice", true),
            ("`` alice `", "alice", true),
            ("http://x.example/@alice/1", "alice", false),
            ("mail@alice.org", "alice", false),
            ("see http://x.example alice", "alice", true),
            ("(@alice)", "alice", true),
        ];
        for (text, name, expected) in cases {
            assert_eq!(mentions(text, name), expected, "{name} in {text:?}");
        }
    }

    #[test]
    fn many_conversations_are_each_looked_at_less() {
        let question = |count: usize| {
            let grant = Grant {
                with: None,
                room: crate::id::RoomNumber(0),
                name: "#tea".into(),
                reader: ClientId(uuid::Uuid::nil()),
                role: None,
                since: Default::default(),
            };
            UnreadQuestion {
                conversations: vec![(grant, None); count],
                names: Vec::new(),
                blocked: Vec::new(),
                groups: Vec::new(),
                as_of: Place { id: MessageId(uuid::Uuid::nil()), position: Position(0) },
            }
        };
        for (conversations, most) in [(0, 1_000), (1, 1_000), (100, 1_000), (1_000, 100), (10_000, 50)] {
            assert_eq!(question(conversations).most(), most, "{conversations}");
        }
    }
}
