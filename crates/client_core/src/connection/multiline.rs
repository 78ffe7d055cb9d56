//! Messages of several lines (IRCv3 draft multiline): put together when they come, taken apart when they go.

use compact_str::CompactString;
use wire::{Capability, Line, LineWriter};

use super::posting::{budget_for, parts, verb, with_post_tags};
use super::{Connection, tag, timestamp};
use crate::change::{Change, Person};
use crate::moment::{Moment, Timestamp};
use crate::outbox::{MessageKind, OutboxFull, Post, PostId};

/// What a message says of itself, whether it came on one line or on several.
#[derive(Debug)]
pub(super) struct Said {
    pub sender: Person,
    /// Not a person, as far as can be told.
    pub from_server: bool,
    pub id: Option<CompactString>,
    pub timestamp: Timestamp,
    pub room_id: Option<CompactString>,
    pub reply_to: Option<CompactString>,
    pub label: Option<CompactString>,
    /// The batch that it stands in.
    pub batch: Option<CompactString>,
}

/// A message that has not come to its end.
#[derive(Debug)]
pub(super) struct Arriving {
    reference: CompactString,
    said: Said,
    target: String,
    is_notice: bool,
    text: Option<String>,
}

/// As many may come at once; the lines of one more are taken for messages of their own.
const MOST_ARRIVING: usize = 16;
/// Bytes of one message. What goes on for longer is shown so far, and the rest line by line.
const LONGEST_ARRIVING: usize = 256 * 1024;
/// What a server takes that does not say how many lines.
const ASSUMED_LINES: usize = 16;

/// What the server takes as one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    bytes: usize,
    lines: usize,
}

impl Connection {
    pub(super) fn said(&self, now: Moment, line: &Line<'_>) -> Said {
        Said {
            sender: super::source(line),
            from_server: line.source.is_none_or(|source| !source.contains('!') && source.contains('.')),
            id: tag(line, "msgid"),
            timestamp: timestamp(line, now),
            room_id: tag(line, "parlor/room-id"),
            reply_to: super::conversing::replied_to(line),
            label: self.label(line),
            batch: tag(line, "batch"),
        }
    }

    /// `BATCH +<reference> draft/multiline <target>`. Whether it begins a message.
    pub(super) fn lines_begin(&mut self, now: Moment, reference: &str, line: &Line<'_>) -> bool {
        let Some(target) = line.param(2).filter(|_| line.param(1) == Some(Capability::Multiline.name())) else {
            return false;
        };
        if self.link.arriving.len() >= MOST_ARRIVING {
            return false;
        }
        let said = self.said(now, line);
        self.link.arriving.push(Arriving {
            reference: reference.into(),
            said,
            target: target.to_owned(),
            is_notice: false,
            text: None,
        });
        true
    }

    /// A line with a text. Whether it is of a message that is coming.
    pub(super) fn line_of_message(&mut self, line: &Line<'_>, text: &str, changes: &mut Vec<Change>) -> bool {
        let Some(reference) = tag(line, "batch") else { return false };
        let Some(at) = self.link.arriving.iter().position(|arriving| arriving.reference == reference) else {
            return false;
        };
        let arriving = &mut self.link.arriving[at];
        arriving.is_notice = line.verb_is("NOTICE");
        match &mut arriving.text {
            None => arriving.text = Some(text.to_owned()),
            Some(so_far) => {
                if !line.tags.contains("draft/multiline-concat") {
                    so_far.push('\n');
                }
                so_far.push_str(text);
            }
        }
        if arriving.text.as_ref().is_some_and(|text| text.len() > LONGEST_ARRIVING) {
            self.lines_end(&reference, changes);
        }
        true
    }

    /// `BATCH -<reference>`. Whether it ends a message, which is then there as a whole.
    pub(super) fn lines_end(&mut self, reference: &str, changes: &mut Vec<Change>) -> bool {
        let Some(at) = self.link.arriving.iter().position(|arriving| arriving.reference == reference) else {
            return false;
        };
        let Arriving { said, target, is_notice, text, .. } = self.link.arriving.remove(at);
        if let Some(text) = text {
            self.message_said(said, &target, &text, is_notice, changes);
        }
        true
    }

    /// Puts a text of several lines on its way as one message, where the server takes such; where it does not, or not so
    /// long ones, as few as it can be.
    pub fn post_together(
        &mut self,
        now: Moment,
        target: &str,
        text: &str,
        kind: MessageKind,
    ) -> Result<Vec<PostId>, OutboxFull> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim_matches('\n');
        let lines = text.split('\n').count();
        if lines < 2 {
            return self.post(now, target, text, kind);
        }
        if lines > self.outbox.room() {
            return Err(OutboxFull);
        }
        let posts = vec![self.outbox.push(now.since_start, target, text, kind)?];
        self.send_posts();
        Ok(posts)
    }

    /// Before anything is sent: what this server can't take as one message becomes several.
    pub(super) fn fit_to_server(&mut self) {
        let limits = self.multiline_limits();
        for id in self.outbox.of_lines() {
            let Some(post) = self.outbox.iter().find(|post| post.id == id) else { continue };
            let budget = budget_for(self.longest_name(), post.kind, &post.target);
            let messages = match limits {
                Some(limits) => messages_within(&post.payload, budget, limits),
                None => post.payload.split('\n').flat_map(|line| parts(line, budget)).map(str::to_owned).collect(),
            };
            if messages.len() != 1 {
                self.outbox.replace(id, messages);
            }
        }
    }

    fn multiline_limits(&self) -> Option<Limits> {
        if !self.link.capabilities.effective().contains(Capability::Multiline) {
            return None;
        }
        let value = self.link.offered.get(Capability::Multiline.name()).map(String::as_str).unwrap_or_default();
        let of = |key: &str| {
            let entry = value.split(',').find_map(|entry| entry.strip_prefix(key)?.strip_prefix('='))?;
            entry.parse::<usize>().ok().filter(|limit| *limit > 0)
        };
        Some(Limits { bytes: of("max-bytes")?, lines: of("max-lines").unwrap_or(ASSUMED_LINES) })
    }
}

/// The lines on which this line of a text is sent, nothing of it left out: spaces stay where it is broken.
fn pieces(line: &str, budget: usize) -> Vec<&str> {
    let budget = budget.max(16);
    let (mut rest, mut pieces) = (line, Vec::new());
    while rest.len() > budget {
        let whole = wire::truncate_at_char_boundary(rest, budget);
        let cut = whole.rfind(' ').map(|at| at + 1).filter(|at| *at >= budget * 2 / 3).unwrap_or(whole.len());
        pieces.push(&rest[..cut]);
        rest = &rest[cut..];
    }
    pieces.push(rest);
    pieces
}

/// The text as messages, each of which the server takes.
fn messages_within(text: &str, budget: usize, limits: Limits) -> Vec<String> {
    let budget = budget.min(limits.bytes);
    let mut messages = Vec::new();
    let (mut message, mut lines) = (String::new(), 0);
    let mut end = |message: &mut String| {
        let said = message.trim_matches('\n');
        if !said.is_empty() {
            messages.push(said.to_owned());
        }
        message.clear();
    };
    for line in text.split('\n') {
        for (at, piece) in pieces(line, budget).into_iter().enumerate() {
            let joint = usize::from(at == 0 && lines > 0);
            if lines >= limits.lines || message.len() + joint + piece.len() > limits.bytes {
                end(&mut message);
                lines = 0;
            } else if joint > 0 {
                message.push('\n');
            }
            message.push_str(piece);
            lines += 1;
        }
    }
    end(&mut message);
    messages
}

/// Writes a post of several lines. `budget`: bytes of text that a line can have.
pub(super) fn write_lines(output: &mut Vec<u8>, post: &Post, labels: bool, keys: bool, budget: usize) {
    let reference = post.label();
    with_post_tags(LineWriter::new(output), post, labels, keys)
        .verb("BATCH")
        .param_fmt(format_args!("+{reference}"))
        .param(Capability::Multiline.name())
        .param(&post.target)
        .end();
    for line in post.payload.split('\n') {
        for (at, piece) in pieces(line, budget).into_iter().enumerate() {
            let mut writer = LineWriter::new(output).tag("batch", Some(&reference));
            if at > 0 {
                writer = writer.tag("draft/multiline-concat", None);
            }
            writer.verb(verb(post.kind)).param(&post.target).trailing(piece);
        }
    }
    LineWriter::new(output).verb("BATCH").param_fmt(format_args!("-{reference}")).end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_becomes_as_few_messages_as_the_server_takes() {
        let check = |text: &str, bytes: usize, lines: usize, expected: &[&str]| {
            assert_eq!(messages_within(text, 20, Limits { bytes, lines }), expected, "{text:?} {bytes} {lines}");
        };
        check("one\n\ntwo", 100, 10, &["one\n\ntwo"]);
        check("one\n\ntwo", 7, 10, &["one", "two"]);
        check("one\n\ntwo", 100, 2, &["one", "two"]);
        check("one\ntwo\nthree", 100, 2, &["one\ntwo", "three"]);
        check("\n\n", 100, 10, &[]);
        // A line that is sent on several counts as so many.
        check("one two three four five six\nseven", 100, 2, &["one two three four five six", "seven"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_long(text in "[a-zé ]{0,80}(\n[a-zé ]{0,80}){0,9}", bytes in 40usize..200, lines in 1usize..8) {
            let messages = messages_within(&text, 30, Limits { bytes, lines });
            let letters = |text: &str| text.replace(['\n', ' '], "");
            prop_assert_eq!(letters(&messages.concat()), letters(&text));
            for message in messages {
                prop_assert!(message.len() <= bytes);
                let count: usize = message.split('\n').map(|line| pieces(line, 30).len()).sum();
                prop_assert!(count <= lines, "{} lines of {:?}", count, message);
            }
        }
    }
}
