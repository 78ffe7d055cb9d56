//! What becomes of a message that was said: reactions, another text, none any more.

use std::collections::VecDeque;

use super::conversation::{Deleted, Entry, Reaction, Said, What};
use crate::change::ConversationChange;

/// Different reactions under a message, and people with each.
const MOST_REACTIONS: usize = 50;
const MOST_REACTING: usize = 200;

/// Whether the message that is spoken of stands among these.
pub(super) fn changes_among(entries: &mut VecDeque<Entry>, change: &ConversationChange, own_name: &str) -> bool {
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

pub(super) fn react(said: &mut Said, name: &str, own: bool, text: &str, on: bool) {
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

pub(super) fn edit(said: &mut Said, payload: &str, own_name: &str) {
    if said.deleted.is_none() {
        payload.clone_into(&mut said.payload);
        said.edited = true;
        said.mentions = !said.own && mentions(payload, own_name);
    }
}

pub(super) fn delete(said: &mut Said, by: &str, reason: Option<&str>) {
    said.payload = String::new();
    said.reactions.clear();
    said.mentions = false;
    said.edited = false;
    said.pinned = false;
    said.deleted = Some(Box::new(Deleted { by: by.into(), reason: reason.map(str::to_owned) }));
}

/// Whether a text names somebody: as a word by itself, in any case; not in code (Markdown's, between backticks), nor in an
/// address. As the server counts (`chat::unread::mentions`), which clients must not see: that both say the same the simulator tests.
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
