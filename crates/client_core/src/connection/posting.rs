//! Sending what the outbox holds, and learning what became of it.

use compact_str::CompactString;
use wire::{Capability, LineWriter, ctcp};

use super::multiline::write_lines;
use super::{Connection, is_room};
use crate::change::{Change, LinkState, Message, Person};
use crate::moment::Moment;
use crate::outbox::{MessageKind, OutboxFull, Post, PostId};
use crate::rooms::Presence;

/// The user name and the host that servers put into a relayed line are not known beforehand: as long as they are usually
/// allowed to be (Modern IRC "HOSTLEN", "USERLEN").
const ASSUMED_USER_AND_HOST: &str =
    "uuuuuuuuuuuuuuuuuu@hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh";

/// Bytes of the longest name, until the server has said its own (ISUPPORT NICKLEN): what servers commonly allow.
const ASSUMED_NICK: usize = 30;

impl Connection {
    /// Puts text on its way to a room or a person. Each line of it is a message, and one that is too long for a line of
    /// the protocol becomes several. What is empty is left out. Sent at once, or as soon as the room is joined.
    pub fn post(
        &mut self,
        now: Moment,
        target: &str,
        text: &str,
        kind: MessageKind,
    ) -> Result<Vec<PostId>, OutboxFull> {
        let budget = budget_for(self.longest_name(), kind, target);
        let mut posts = Vec::new();
        for line in text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
            for part in parts(line, budget) {
                posts.push(self.outbox.push(now.since_start, target, part, kind)?);
            }
        }
        self.send_posts();
        Ok(posts)
    }

    /// `post`, with a full outbox told as a change.
    pub(super) fn queue(
        &mut self,
        now: Moment,
        target: &str,
        text: &str,
        kind: MessageKind,
        changes: &mut Vec<Change>,
    ) {
        if self.post(now, target, text, kind).is_err() {
            changes.push(Change::Refused {
                sentence: "Too many messages wait to be sent already; wait until the link is back and type this again."
                    .to_owned(),
            });
        }
    }

    /// Writes what may go now.
    pub(super) fn send_posts(&mut self) {
        if self.state != LinkState::Joined {
            return;
        }
        self.fit_to_server();
        let (labels, keys, longest_name) = (self.has_labels(), self.knows_keys(), self.longest_name());
        let rooms = &self.rooms;
        let ready =
            |target: &str| !is_room(target) || rooms.find(target).is_none_or(|room| room.presence == Presence::Joined);
        let mut sent = false;
        while let Some(post) = self.outbox.send_next(keys, ready) {
            if post.is_of_lines() {
                let budget = budget_for(longest_name, post.kind, &post.target);
                write_lines(&mut self.output, post, labels, keys, budget);
            } else {
                write_post(&mut self.output, post, labels, keys);
            }
            sent = true;
        }
        if !labels && (sent || self.outbox.iter().next().is_some()) {
            self.raise_fence();
        }
    }

    /// Without labels the PONG to a PING behind the messages says that the server has dealt with them.
    fn raise_fence(&mut self) {
        let number = self.link.next_ping;
        if self.link.fence.is_none() && self.outbox.raise_fence(number) {
            self.link.fence = Some(number);
            self.link.next_ping += 1;
            LineWriter::new(&mut self.output).verb("PING").trailing_fmt(format_args!("{number}"));
        }
    }

    pub(super) fn fence_passed(&mut self, now: Moment, fence: u64, changes: &mut Vec<Change>) {
        for post in self.outbox.fence_passed(fence) {
            // Where there are echoes, one came that a server's filter had changed: it is shown already.
            if !self.link.capabilities.contains(Capability::EchoMessage) {
                changes.push(Change::MessageAdded(self.message_of(now, &post)));
            }
            changes.push(Change::PostAccepted { post: post.id });
        }
    }

    /// An answer with a label of ours that is no echo and no refusal (ACK, or an answer without either): taken.
    pub(super) fn accept_labelled(&mut self, now: Moment, label: &str, changes: &mut Vec<Change>) {
        if let Some(post) = self.outbox.take_labelled(label) {
            changes.push(Change::MessageAdded(self.message_of(now, &post)));
            changes.push(Change::PostAccepted { post: post.id });
        }
    }

    /// A message of ours came back: which one is it?
    pub(super) fn echoed(
        &mut self,
        label: Option<&str>,
        target: &str,
        payload: &str,
        kind: MessageKind,
        changes: &mut Vec<Change>,
    ) {
        let rooms = &self.rooms;
        let post = match label {
            Some(label) => self.outbox.take_labelled(label),
            None if self.has_labels() => None,
            None => self.outbox.take_unlabelled(|own| rooms.same(own, target), Some((payload, kind))),
        };
        if let Some(post) = post {
            changes.push(Change::PostAccepted { post: post.id });
        }
    }

    /// A refusal that may be about a message of ours. Whether it was.
    pub(super) fn refuse_post(
        &mut self,
        label: Option<&str>,
        target: Option<&str>,
        sentence: &str,
        changes: &mut Vec<Change>,
    ) -> bool {
        let rooms = &self.rooms;
        let post = match (label, target) {
            (Some(label), _) => self.outbox.take_labelled(label),
            (None, Some(target)) if !self.has_labels() => {
                self.outbox.take_unlabelled(|own| rooms.same(own, target), None)
            }
            _ => None,
        };
        let Some(post) = post else { return false };
        changes.push(refusal(post, sentence));
        true
    }

    /// A room refused us: so it does all that waits for it.
    pub(super) fn refuse_waiting(&mut self, room: &str, sentence: &str, changes: &mut Vec<Change>) {
        let rooms = &self.rooms;
        for post in self.outbox.take_waiting_for(|own| rooms.same(own, room)) {
            changes.push(refusal(post, sentence));
        }
    }

    /// For a front end that ends: what has not been acknowledged, as unknown.
    pub fn give_up(&mut self) -> Vec<Post> {
        self.outbox.take_everything()
    }

    pub(super) fn has_labels(&self) -> bool {
        self.link.capabilities.effective().contains(Capability::LabeledResponse)
    }

    pub(super) fn knows_keys(&self) -> bool {
        let needed = [Capability::ParlorOnce, Capability::MessageTags];
        needed.into_iter().all(|capability| self.link.capabilities.contains(capability))
    }

    /// A message that the server never echoed, as it must have been seen by the others.
    fn message_of(&self, now: Moment, post: &Post) -> Message {
        let room = self.rooms.find(&post.target);
        Message {
            id: None,
            sender: Person { name: self.name.clone(), id: None, account: self.account.clone() },
            payload: post.payload.clone(),
            timestamp: now.wall,
            room_name: room.map_or_else(|| post.target.clone(), |room| room.name.clone()),
            room_id: room.and_then(|room| room.id.clone()),
            kind: post.kind,
            own: true,
            direct: !is_room(&post.target),
            reply_to: post.reply_to.clone(),
        }
    }
}

fn write_post(output: &mut Vec<u8>, post: &Post, labels: bool, keys: bool) {
    let line = with_post_tags(LineWriter::new(output), post, labels, keys);
    let line = line.verb(verb(post.kind)).param(&post.target);
    match post.kind {
        MessageKind::Action => line.trailing(&ctcp::action(&post.payload)),
        MessageKind::Text | MessageKind::Notice => line.trailing(&post.payload),
    }
}

/// What the server is to know of a message of ours.
pub(super) fn with_post_tags<'o>(mut line: LineWriter<'o>, post: &Post, labels: bool, keys: bool) -> LineWriter<'o> {
    if labels {
        line = line.tag("label", Some(&post.label()));
    }
    if keys {
        line = line.tag("parlor/once", Some(&post.key));
    }
    // Only a server with message-tags, which labels need too, takes it.
    if labels && let Some(id) = &post.reply_to {
        line = line.tag("+draft/reply", Some(id));
    }
    line
}

impl Connection {
    /// Bytes of the longest name that one may have by the time that something is relayed: another device may take one while
    /// a text is under way.
    pub(super) fn longest_name(&self) -> usize {
        self.link.nick_length.unwrap_or(ASSUMED_NICK).max(self.name.len())
    }
}

/// Bytes of text that a line to this target can have when it is relayed.
pub(super) fn budget_for(longest_name: usize, kind: MessageKind, target: &str) -> usize {
    let source = format!("{:n<longest_name$}!{ASSUMED_USER_AND_HOST}", "");
    let wrapping = if kind == MessageKind::Action { ctcp::action("").len() } else { 0 };
    wire::text_budget(&source, verb(kind), &[target]).saturating_sub(wrapping)
}

pub(super) fn verb(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text | MessageKind::Action => "PRIVMSG",
        MessageKind::Notice => "NOTICE",
    }
}

fn refusal(post: Post, sentence: &str) -> Change {
    Change::PostRefused {
        post: post.id,
        target: CompactString::clone(&post.target),
        payload: post.payload,
        sentence: sentence.to_owned(),
    }
}

/// Cuts a line into parts of at most `budget` bytes, at a space where there is one in the last third.
pub(super) fn parts(mut line: &str, budget: usize) -> Vec<&str> {
    // A target so long that nothing fits is refused by the server; it must not be an endless loop here.
    let budget = budget.max(16);
    let mut parts = Vec::new();
    while line.len() > budget {
        let whole = wire::truncate_at_char_boundary(line, budget);
        let cut = whole.rfind(' ').filter(|at| *at >= budget * 2 / 3).unwrap_or(whole.len());
        parts.push(&line[..cut]);
        line = line[cut..].strip_prefix(' ').unwrap_or(&line[cut..]);
    }
    if !line.is_empty() {
        parts.push(line);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_lines_are_cut_at_spaces() {
        assert_eq!(parts("short", 20), ["short"]);
        assert_eq!(parts("one two three four five", 20), ["one two three four", "five"]);
        assert_eq!(parts("aaaaaaaaaaaaaaaaaaaaaaaaa", 20), ["aaaaaaaaaaaaaaaaaaaa", "aaaaa"]);
    }

    proptest! {
        #[test]
        fn no_part_is_too_long_and_nothing_is_lost(line in "[a-zäöü€😀 ]{0,300}", budget in 16usize..60) {
            let parts = parts(&line, budget);
            prop_assert!(parts.iter().all(|part| part.len() <= budget));
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&parts.concat()), letters(&line));
        }
    }
}
