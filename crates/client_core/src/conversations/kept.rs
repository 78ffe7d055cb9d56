//! What outlives the program: the end of each conversation, shown at the next start until the server has told it.

use std::collections::VecDeque;

use super::Conversations;
use super::conversation::{Conversation, Entry, Said, What};
use crate::moment::Timestamp;

/// What outlives the program of one conversation, and of how many.
const MOST_KEPT_MESSAGES: usize = 100;
const MOST_KEPT_CONVERSATIONS: usize = 40;

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

impl Conversations {
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
}
