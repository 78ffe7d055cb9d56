//! Which lines a page of history must have: a second opinion, written apart from the reader's.
//!
//! All lines of the conversation stand in a row; a stretch is cut out of it, and walked from one of its ends until enough
//! of what counts has been met.

use chat::event::What;
use chat::history::{Grant, Item, Kept, Mark, Stretch, View};
use chat::id::MessageId;
use chat::message::MessageState;
use std::ops::Range;

/// Whether a page is as it must be. `kept`: everything that is on disk, in its order.
pub fn check(
    kept: &[Kept],
    grant: &Grant,
    stretch: Stretch,
    view: View,
    limit: usize,
    items: &[Item],
) -> Result<(), String> {
    let row = Row { lines: kept.iter().filter(|kept| kept.room() == grant.room).collect(), grant, view };
    let expected = row.page(stretch, limit);
    let found: Vec<(MessageId, bool)> = items.iter().map(|item| (item.kept.id(), item.is_context)).collect();
    if found == expected {
        return Ok(());
    }
    Err(format!("{stretch:?} of {limit} by {grant:?} with {view:?} is {found:?}, and should be {expected:?}"))
}

struct Row<'a> {
    lines: Vec<&'a Kept>,
    grant: &'a Grant,
    view: View,
}

impl Row<'_> {
    fn page(&self, stretch: Stretch, limit: usize) -> Vec<(MessageId, bool)> {
        let end = self.lines.len();
        let lines = match stretch {
            Stretch::Latest { after } => {
                self.walk(after.map_or(0, |mark| self.place(mark).end)..end, true, after, limit)
            }
            Stretch::Before(mark) => self.walk(0..self.place(mark).start, true, None, limit),
            Stretch::After(mark) => self.walk(self.place(mark).end..end, false, Some(mark), limit),
            Stretch::Around(mark) => {
                let middle = self.place(mark).start;
                let mut lines = self.walk(0..middle, true, None, limit / 2);
                lines.extend(self.walk(middle..end, false, None, limit - limit / 2));
                lines
            }
            Stretch::Between(from, to) => {
                let (one, other) = (self.place(from), self.place(to));
                match one.start <= other.start {
                    true => self.walk(one.end..other.start, false, Some(from), limit),
                    false => self.walk(other.end..one.start, true, Some(to), limit),
                }
            }
        };
        lines.into_iter().flat_map(|at| self.with_context(self.lines[at])).collect()
    }

    /// What a mark stands for: from the first line of it up to behind the last.
    fn place(&self, mark: Mark) -> Range<usize> {
        let by_time = |time| {
            let before = |later: bool| {
                self.lines.iter().filter(|kept| kept.timestamp() < time || (later && kept.timestamp() == time)).count()
            };
            before(false)..before(true)
        };
        match mark {
            Mark::Time(time) => by_time(time),
            Mark::Message(id) => match self.lines.iter().position(|kept| kept.id() == id) {
                Some(at) => at..at + 1,
                None => by_time(id.time()),
            },
        }
    }

    /// `known`: what came up to there the reader has already.
    fn walk(&self, range: Range<usize>, from_the_end: bool, known: Option<Mark>, limit: usize) -> Vec<usize> {
        let mut places: Vec<usize> = range.collect();
        if from_the_end {
            places.reverse();
        }
        let (mut page, mut counted) = (Vec::new(), 0);
        for at in places {
            if counted == limit {
                break;
            }
            let kept = self.lines[at];
            if !self.grant.covers(kept) {
                continue;
            }
            // What happened to a message stands with it, unless that was read before.
            let is_elsewhere = kept.target().is_some_and(|of| known.is_none_or(|known| of > known.last_id()));
            if self.view.shows(kept) && !is_elsewhere {
                page.push(at);
                counted += 1;
            }
        }
        page.sort_unstable();
        page
    }

    /// The workload reacts to nothing: what becomes of a message is what happened to it.
    fn with_context(&self, kept: &Kept) -> Vec<(MessageId, bool)> {
        if !kept.is_message() {
            return vec![(kept.id(), false)];
        }
        let about = self.lines.iter().filter(|about| about.target() == Some(kept.id()) && self.view.shows(about));
        let is_redaction = |kept: &Kept| matches!(kept, Kept::Happened(event) if matches!(event.happening.what, What::Redacted { .. }));
        // Of a redacted one nothing else is left.
        let about = about.filter(|about| !is_redacted(kept) || is_redaction(about));
        std::iter::once((kept.id(), false)).chain(about.map(|about| (about.id(), true))).collect()
    }
}

fn is_redacted(kept: &Kept) -> bool {
    matches!(kept, Kept::Said { state: MessageState::Redacted, .. })
}
