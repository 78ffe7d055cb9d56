//! A conversation's entries as lines of the screen.

use client_core::conversations::{Conversation, Entry, EntryId, Failed, Said, What};
use client_core::outbox::Post;
use client_core::{MessageKind, Timestamp};
use jiff::tz::TimeZone;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::app::link_in;
use super::direction;
use super::flow::{broken, cut};
use super::look::Look;
use crate::printable::printable;

/// Messages of one person that follow each other within this time stand under one name.
const GROUP_WITHIN: i64 = 5 * 60_000;
/// With fewer columns than this a name has a line of its own.
const NARROW: usize = 56;
/// Columns of a name beside its text.
const NAME: usize = 12;
/// `12:34 `
const TIME: usize = 6;
/// Lines of one message that are shown unless it is selected; no one message fills the screen for good.
const MOST_LINES: usize = 60;

/// A line of the screen, and which entry it belongs to.
#[derive(Debug, Clone)]
pub struct Row {
    pub entry: Option<EntryId>,
    pub line: Line<'static>,
}

pub struct Timeline<'a> {
    pub conversation: &'a Conversation,
    pub width: usize,
    pub look: Look,
    pub zone: &'a TimeZone,
    pub own_name: &'a str,
    /// Text from right to left is brought into order.
    pub orders: bool,
    pub selected: Option<EntryId>,
    /// The first of what was unread when the conversation was opened.
    pub first_unread: Option<EntryId>,
}

/// The first message of others behind this time.
pub fn first_unread(conversation: &Conversation, marker: Timestamp) -> Option<EntryId> {
    let is_new = |entry: &&Entry| entry.timestamp > marker && entry.said().is_some_and(|said| !said.own);
    // From the end: what is behind the marker is mostly little, and what is before it may be very much.
    let behind =
        conversation.entries().iter().rev().take_while(|entry| entry.timestamp > marker || entry.said().is_none());
    behind.filter(is_new).last().map(|entry| entry.id)
}

impl Timeline<'_> {
    /// The rows of the entry at this place.
    pub fn rows(&self, at: usize) -> Vec<Row> {
        let entries = self.conversation.entries();
        let Some(entry) = entries.get(at) else { return Vec::new() };
        let before = at.checked_sub(1).and_then(|before| entries.get(before));
        let mut lines = Vec::new();
        if at == 0 && self.conversation.begins_here() {
            lines.push(self.middle("the beginning", self.look.dim()));
        }
        let new_day = before.is_none_or(|before| self.day(before.timestamp) != self.day(entry.timestamp));
        if new_day {
            lines.push(self.middle(&self.day(entry.timestamp), self.look.dim()));
        }
        let first_unread = self.first_unread == Some(entry.id);
        if first_unread {
            lines.push(self.middle("new", self.look.unread()));
        }
        let grouped = !new_day && !first_unread && before.is_some_and(|before| follows(before, entry));
        let above = lines.len();
        self.entry_lines(entry, grouped, before, &mut lines);
        let is_selected = self.selected == Some(entry.id);
        let rows = lines.into_iter().enumerate().map(|(number, line)| Row {
            entry: Some(entry.id),
            line: if is_selected && number >= above { self.marked(line) } else { line },
        });
        rows.collect()
    }

    /// Whose it is, where the row that says so is above the screen.
    pub fn name_at_top(&self, row: &mut Row, entry: &Entry) {
        let is_its_row = row.entry == Some(entry.id) && !self.is_narrow();
        let Some(said) = entry.said().filter(|said| is_its_row && said.kind == MessageKind::Text) else { return };
        let (mut columns, mut prefix) = (0, 0);
        let spans = &mut row.line.spans;
        while columns < self.text_column() && prefix < spans.len() {
            columns += spans[prefix].width();
            prefix += 1;
        }
        let margin: String = spans[..prefix].iter().map(|span| span.content.as_ref()).collect();
        // A time is left, and no more than that.
        let Some((time, "")) = margin.split_at_checked(TIME).map(|(time, rest)| (time.to_owned(), rest.trim())) else {
            return;
        };
        if columns != self.text_column() {
            return;
        }
        let name = printable(&said.sender.name).into_owned();
        let shown = cut(&name, NAME);
        let shown = format!("{}{shown} ", " ".repeat(NAME.saturating_sub(shown.width())));
        let style = self.look.name(&name).add_modifier(Modifier::DIM);
        spans.splice(..prefix, [Span::styled(time, self.look.dim()), Span::styled(shown, style)]);
    }

    /// A message that is under way.
    pub fn pending(&self, post: &Post) -> Vec<Row> {
        let mut lines = Vec::new();
        self.put(
            Some(("  …  ", self.look.dim())),
            self.own_name,
            &self.pieces(&post.payload, false),
            post.kind,
            false,
            &mut lines,
        );
        lines.into_iter().map(|line| Row { entry: None, line: line.patch_style(self.look.dim()) }).collect()
    }

    fn entry_lines(&self, entry: &Entry, grouped: bool, before: Option<&Entry>, lines: &mut Vec<Line<'static>>) {
        let time = self.time(entry.timestamp);
        match &entry.what {
            What::Said(said) => {
                // A time that the message before has too says nothing.
                let same_time = grouped && before.is_some_and(|before| self.time(before.timestamp) == time);
                let time = if same_time { String::new() } else { time };
                self.said_lines(said, &time, grouped, lines);
            }
            What::Happened { sentence, .. } => {
                let text = printable(sentence).into_owned();
                self.put_plain(&time, "·", &text, self.look.dim(), lines);
            }
            What::Failed(failed) => {
                let Failed { payload, kind, sentence, .. } = failed.as_ref();
                let pieces = self.pieces(payload, false);
                self.put(Some((&time, self.look.alarm())), self.own_name, &pieces, *kind, false, lines);
                let text = format!("not sent: {} (select it; u: again, x: away)", printable(sentence));
                self.put_plain("", "✗", &text, self.look.alarm(), lines);
            }
            What::Gap => lines.push(self.middle("what was said in between is not loaded", self.look.dim())),
        }
    }

    fn said_lines(&self, said: &Said, time: &str, grouped: bool, lines: &mut Vec<Line<'static>>) {
        if let Some(parent) = &said.reply_to {
            let brief = match self.conversation.message(parent) {
                Some((_, parent)) if parent.deleted.is_some() => format!("{}: (deleted)", parent.sender.name),
                Some((_, parent)) => {
                    format!("{}: {}", parent.sender.name, parent.payload.replace('\n', " "))
                }
                None => "an earlier message".to_owned(),
            };
            let brief = printable(&brief).into_owned();
            let indent = self.text_column();
            let room = self.width.saturating_sub(indent + 2);
            let brief = cut(&brief, room);
            let brief = if self.orders { direction::seen(&brief) } else { brief };
            let line = format!("{}╭ {brief}", " ".repeat(indent));
            lines.push(Line::styled(line, self.look.dim()));
        }
        let mut pieces = match &said.deleted {
            Some(deleted) => {
                let by = if deleted.by == said.sender.name { String::new() } else { format!(" by {}", deleted.by) };
                let why = deleted.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                let text = printable(&format!("deleted{by}{why}")).into_owned();
                vec![vec![(text, self.look.dim().add_modifier(Modifier::ITALIC))]]
            }
            None => self.pieces(&said.payload, said.mentions),
        };
        if let Some(last) = pieces.last_mut() {
            for (mark, is_so) in [(" (edited)", said.edited), (" (pinned)", said.pinned)] {
                last.extend(is_so.then(|| (mark.to_owned(), self.look.dim())));
            }
        }
        self.put(Some((time, self.look.dim())), &said.sender.name, &pieces, said.kind, grouped, lines);
        if !said.reactions.is_empty() {
            let mut pieces = Vec::new();
            for reaction in &said.reactions {
                let text = cut(&printable(&reaction.text), 20);
                let style = if reaction.own { self.look.bold() } else { self.look.plain() };
                let own = if reaction.own { "*" } else { "" };
                pieces.push((format!("[{text} {}{own}]", reaction.names.len()), style));
                pieces.push((" ".to_owned(), self.look.plain()));
            }
            pieces.pop();
            self.put_continued(&[pieces], lines);
        }
    }

    /// The text in pieces, a line of it each.
    fn pieces(&self, text: &str, mentions: bool) -> Vec<Vec<(String, Style)>> {
        let mut in_code = false;
        let mut lines = Vec::new();
        for line in text.split('\n') {
            let line = printable(line).into_owned();
            let is_fence = line.trim_start().starts_with("```");
            if is_fence {
                in_code = !in_code && line.trim().matches("```").count() == 1;
                lines.push(vec![(line, self.look.dim())]);
            } else if in_code {
                lines.push(vec![(line, self.look.code())]);
            } else {
                lines.push(self.words(&line, mentions));
            }
            if lines.len() > MOST_LINES {
                lines.push(vec![("… (the rest is left out; c copies it all)".to_owned(), self.look.dim())]);
                break;
            }
        }
        lines
    }

    fn words(&self, line: &str, mentions: bool) -> Vec<(String, Style)> {
        let mut pieces = Vec::new();
        let mut rest = line;
        while let Some((before, (code, after))) =
            rest.split_once('`').and_then(|(before, rest)| Some((before, rest.split_once('`')?)))
        {
            self.plain_words(before, mentions, &mut pieces);
            pieces.push((format!("`{code}`"), if code.is_empty() { self.look.plain() } else { self.look.code() }));
            rest = after;
        }
        self.plain_words(rest, mentions, &mut pieces);
        pieces
    }

    fn plain_words(&self, text: &str, mentions: bool, pieces: &mut Vec<(String, Style)>) {
        for (number, word) in text.split(' ').enumerate() {
            if number > 0 {
                pieces.push((" ".to_owned(), self.look.plain()));
            }
            if let Some(link) = link_in(word)
                && let Some((before, after)) = word.split_once(link)
            {
                pieces.push((before.to_owned(), self.look.plain()));
                pieces.push((link.to_owned(), self.look.link()));
                pieces.push((after.to_owned(), self.look.plain()));
                continue;
            }
            let is_mention = mentions && client_core::conversations::mentions(word, self.own_name);
            let style = if is_mention { self.look.mention() } else { self.look.plain() };
            pieces.push((word.to_owned(), style));
        }
    }

    fn is_narrow(&self) -> bool {
        is_narrow(self.width)
    }

    /// Where texts begin.
    fn text_column(&self) -> usize {
        usize::from(text_column(self.width))
    }

    fn put(
        &self,
        time: Option<(&str, Style)>,
        name: &str,
        pieces: &[Vec<(String, Style)>],
        kind: MessageKind,
        grouped: bool,
        lines: &mut Vec<Line<'static>>,
    ) {
        let name = printable(name).into_owned();
        let (time, time_style) = time.unwrap_or(("", self.look.dim()));
        let style = self.look.name(&name);
        let mut pieces = pieces.to_vec();
        let mark = match kind {
            MessageKind::Action => {
                if let Some(first) = pieces.first_mut() {
                    first.insert(0, (format!("{name} "), style));
                }
                Some("*")
            }
            MessageKind::Notice => {
                if let Some(first) = pieces.first_mut() {
                    first.insert(0, ("- ".to_owned(), self.look.dim()));
                }
                None
            }
            MessageKind::Text => None,
        };
        if self.is_narrow() {
            if !grouped && mark.is_none() {
                let room = self.width.saturating_sub(TIME);
                lines.push(Line::from(vec![
                    Span::styled(cut(&name, room), style),
                    Span::raw(" "),
                    Span::styled(time.trim().to_owned(), time_style),
                ]));
            }
            if mark.is_some()
                && let Some(first) = pieces.first_mut()
            {
                first.insert(0, ("* ".to_owned(), self.look.dim()));
            }
            self.put_continued(&pieces, lines);
            return;
        }
        let shown = if grouped && mark.is_none() { "" } else { mark.unwrap_or(&name) };
        let shown = cut(shown, NAME);
        let pad = NAME.saturating_sub(shown.width());
        let prefix = vec![
            Span::styled(format!("{time:<5} "), time_style),
            Span::raw(" ".repeat(pad)),
            Span::styled(shown, style),
            Span::raw(" "),
        ];
        let from = lines.len();
        self.put_continued(&pieces, lines);
        if let Some(first) = lines.get_mut(from) {
            first.spans.splice(..1, prefix);
        }
    }

    fn put_plain(&self, time: &str, mark: &str, text: &str, style: Style, lines: &mut Vec<Line<'static>>) {
        let from = lines.len();
        if self.is_narrow() {
            self.put_continued(&[vec![(format!("{mark} {text}"), style)]], lines);
            return;
        }
        self.put_continued(&[vec![(text.to_owned(), style)]], lines);
        if let Some(first) = lines.get_mut(from) {
            let prefix = format!("{time:<5} {:>NAME$} ", mark);
            first.spans.splice(..1, [Span::styled(prefix, style)]);
        }
    }

    /// Lines that begin where texts begin; the first span of each is the indent.
    fn put_continued(&self, pieces: &[Vec<(String, Style)>], lines: &mut Vec<Line<'static>>) {
        let indent = self.text_column();
        for line in pieces {
            let level = direction::level_of(line.iter().map(|(text, _)| text.as_str()));
            for spans in broken(line, self.width.saturating_sub(indent)) {
                let spans = if self.orders { direction::ordered(spans, level) } else { spans };
                let mut all = vec![Span::raw(" ".repeat(indent))];
                all.extend(spans);
                lines.push(Line::from(all));
            }
        }
    }

    fn middle(&self, text: &str, style: Style) -> Line<'static> {
        let text = format!(" {} ", cut(text, self.width.saturating_sub(4)));
        let left = self.width.saturating_sub(text.width()) / 2;
        let right = self.width.saturating_sub(text.width() + left);
        Line::styled(format!("{}{text}{}", "─".repeat(left), "─".repeat(right)), style)
    }

    fn marked(&self, line: Line<'static>) -> Line<'static> {
        let used = line.width();
        let mut line = line;
        line.spans.push(Span::raw(" ".repeat(self.width.saturating_sub(used))));
        line.patch_style(self.look.selected())
    }

    fn local(&self, timestamp: Timestamp) -> jiff::Zoned {
        jiff::Timestamp::from_millisecond(timestamp.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
    }

    pub fn time(&self, timestamp: Timestamp) -> String {
        let local = self.local(timestamp);
        format!("{:02}:{:02}", local.hour(), local.minute())
    }

    fn day(&self, timestamp: Timestamp) -> String {
        self.local(timestamp).strftime("%A, %-d %B %Y").to_string()
    }
}

fn is_narrow(width: usize) -> bool {
    width < NARROW
}

/// Where texts begin in a timeline of this width.
pub fn text_column(width: usize) -> u16 {
    if is_narrow(width) { 2 } else { (TIME + NAME + 1) as u16 }
}

/// Whether a message stands under the name of the one before it.
fn follows(before: &Entry, entry: &Entry) -> bool {
    let (Some(first), Some(second)) = (before.said(), entry.said()) else { return false };
    first.sender.name == second.sender.name
        && first.kind == MessageKind::Text
        && second.kind == MessageKind::Text
        && second.reply_to.is_none()
        && (entry.timestamp.0 - before.timestamp.0).abs() < GROUP_WITHIN
}
