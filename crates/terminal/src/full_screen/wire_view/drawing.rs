//! The wire has the whole screen: the lines, and below them one of them unfolded.

use std::time::Duration;

use client_core::Timestamp;
use discovery::steps::{Endpoint, Milliseconds, TimedStep};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use crate::full_screen::app::{App, Overlay};
use crate::full_screen::flow::{broken, cut};
use crate::printable::printable;

/// Rows of the lines above one that is unfolded, its own among them.
const LINES_ABOVE: u16 = 4;
/// Columns of the names of terms.
const NAME_COLUMNS: usize = 18;

impl App {
    /// When the kernel is to be asked about the connection: while a line of it is unfolded on the screen.
    pub fn next_look(&self) -> Option<(Duration, std::net::SocketAddr, std::net::SocketAddr)> {
        let is_shown = self.in_front && matches!(self.overlay, Some(Overlay::Wire { unfolded: Some(_), .. }));
        if is_shown { self.wire.next_look() } else { None }
    }

    pub(in crate::full_screen) fn draw_wire(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        scrolled: usize,
        row: Option<usize>,
    ) {
        frame.render_widget(Clear, area);
        let keys = match row {
            None => " The wire (F12 closes it, Enter unfolds what was said last) ",
            Some(_) => " The wire (F12 closes it, Enter folds, ↑↓ another line, ←→ explains) ",
        };
        let block = Block::bordered().title(cut(keys, usize::from(area.width.saturating_sub(2))));
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let head = if row.is_some() { Vec::new() } else { self.link_in_words(usize::from(inner.width)) };
        let above = match row {
            None => inner.height,
            Some(_) => LINES_ABOVE.min(inner.height / 3),
        };
        let [lines, below] = Layout::vertical([Constraint::Length(above), Constraint::Min(0)]).areas(inner);
        self.draw_lines(frame, lines, scrolled, head);
        if let Some(row) = row {
            self.draw_unfolded(frame, below, scrolled, row);
        }
    }

    fn link_in_words(&self, width: usize) -> Vec<Line<'static>> {
        let facts = match &self.wire.facts {
            Some(facts) => {
                let tls = facts.tls.as_ref().map_or_else(
                    || "not encrypted".to_owned(),
                    |tls| format!("encrypted, {}, {}", tls.version, tls.suite),
                );
                let trip = self.connection.round_trip().map_or_else(String::new, |trip| {
                    format!(", there and back in {:.1} ms", trip.as_secs_f64() * 1_000.0)
                });
                let local = facts.local.as_ref().map_or_else(|| "unknown".to_owned(), Endpoint::to_string);
                format!("from {local} to {}, {tls}{trip}", facts.remote)
            }
            None => format!("no link to {}", self.server),
        };
        broken(&[(facts, self.look.bold())], width).into_iter().map(Line::from).collect()
    }

    /// The last ones at the bottom.
    fn draw_lines(&self, frame: &mut Frame<'_>, area: Rect, scrolled: usize, head: Vec<Line<'static>>) {
        let width = usize::from(area.width);
        let height = usize::from(area.height).saturating_sub(head.len());
        let mut from_below: Vec<Line<'static>> = Vec::new();
        let mut steps = self.wire.steps().rev().peekable();
        for (place, line) in self.wire.lines().iter().rev().enumerate() {
            // How the link came about stands where it happened, between the lines.
            while let Some((at, step)) = steps.next_if(|(at, _)| *at > line.at) {
                if place >= scrolled && from_below.len() < height {
                    from_below.extend(self.step_in_words(*at, step, width));
                }
            }
            if from_below.len() >= height {
                break;
            }
            if place < scrolled {
                continue;
            }
            let words = format!("     {}", printable(&super::explained(line)));
            from_below.push(Line::styled(cut(&words, width), self.look.dim()));
            let arrow = if line.sent { "→" } else { "←" };
            let text = format!("{arrow} {} {}", self.clock(line.at), printable(&line.text));
            // All of it: what one looks for mostly stands behind the tags.
            let text = broken(&[(text, self.look.plain())], width);
            from_below.extend(text.into_iter().rev().map(Line::from));
        }
        for (at, step) in steps {
            if from_below.len() >= height {
                break;
            }
            from_below.extend(self.step_in_words(*at, step, width));
        }
        from_below.truncate(height);
        let mut lines = head;
        lines.extend(from_below.into_iter().rev());
        frame.render_widget(Paragraph::new(lines), area);
    }

    /// The last row first.
    fn step_in_words(&self, at: Timestamp, step: &TimedStep, width: usize) -> impl Iterator<Item = Line<'static>> {
        let words = printable(&step.step.to_string()).into_owned();
        let text = format!("· {} +{} {words}", self.clock(at), Milliseconds(step.at));
        broken(&[(text, self.look.dim())], width).into_iter().rev().map(Line::from)
    }

    fn draw_unfolded(&self, frame: &mut Frame<'_>, area: Rect, scrolled: usize, chosen: usize) {
        let rows = self.wire.rows(scrolled);
        let width = usize::from(area.width);
        let mut explained: Vec<Line<'static>> = Vec::new();
        if let Some(row) = rows.get(chosen) {
            explained.push(Line::styled("─".repeat(width), self.look.dim()));
            let title = format!("{} (lesson: {})", row.term.name, row.term.heading.name());
            explained.push(Line::styled(cut(&title, width), self.look.bold()));
            let words = printable(&row.words()).into_owned();
            // In its row it is cut.
            if !row.is_log && NAME_COLUMNS + words.width() > width.saturating_sub(2) {
                explained.extend(broken(&[(words, self.look.plain())], width).into_iter().map(Line::from));
            }
            let text = broken(&[(row.term.explanation.to_owned(), self.look.plain())], width);
            explained.extend(text.into_iter().map(Line::from));
            if row.is_log {
                for entry in &row.details {
                    let entry = printable(entry).into_owned();
                    explained.extend(broken(&[(entry, self.look.dim())], width).into_iter().map(Line::from));
                }
            } else if !row.details.is_empty() {
                let details = printable(&row.details.join(" · ")).into_owned();
                explained.extend(broken(&[(details, self.look.dim())], width).into_iter().map(Line::from));
            }
        } else {
            explained.push(Line::styled("There is no link, so there is nothing to unfold.", self.look.dim()));
        }
        // The rows keep a third at least; the explanation is cut rather than they.
        let height = usize::from(area.height);
        let for_rows = height.saturating_sub(explained.len()).max(height.div_ceil(3)).min(rows.len());
        explained.truncate(height - for_rows);
        let first = chosen.saturating_sub(for_rows.saturating_sub(1));
        let mut lines: Vec<Line<'static>> = rows
            .iter()
            .enumerate()
            .skip(first)
            .take(for_rows)
            .map(|(at, row)| {
                let pad = " ".repeat(NAME_COLUMNS.saturating_sub(row.term.name.width()));
                let text = format!("{}{pad}{}", row.term.name, printable(&row.words()));
                self.choice(cut(&text, width.saturating_sub(2)), at == chosen)
            })
            .collect();
        lines.extend(explained);
        frame.render_widget(Paragraph::new(lines), area);
    }
}
