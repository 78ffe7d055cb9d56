//! The picture: what of an [`App`] stands where, on a screen of any size.

use client_core::LinkState;
use client_core::conversations::EntryId;
use client_core::rooms::Member;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::app::{App, Listed, Looking, Overlay, SERVER, rooms_offered};
use super::composer::Purpose;
use super::flow::cut;
use super::keys::{Action, SHEET};
use super::timeline::{Row, Timeline};
use crate::printable::printable;

/// The list of rooms beside the conversation, from this width on; the people, from that one.
const WITH_LIST: u16 = 64;
const WITH_PEOPLE: u16 = 100;
/// Messages that a search tells, of those that it finds: the last ones.
const SEARCHED: usize = 50;

impl App {
    pub fn draw(&mut self, frame: &mut Frame<'_>) {
        let area = frame.area();
        self.places = super::app::Places::default();
        if area.width < 10 || area.height < 4 {
            frame.render_widget(Paragraph::new("too small"), area);
            return;
        }
        let list_width = if area.width >= 120 { 22 } else { 17 };
        (self.places.list_fits, self.places.people_fit) = (area.width >= WITH_LIST, area.width >= WITH_PEOPLE);
        let list_shown = self.show_list.unwrap_or(area.width >= WITH_LIST) && area.width >= 30;
        let is_room = client_core::slash_command::is_room(self.present_name());
        let people_shown = is_room && self.show_people.unwrap_or(area.width >= WITH_PEOPLE) && area.width >= 30;
        let [list, main, people] = Layout::horizontal([
            Constraint::Length(if list_shown { list_width } else { 0 }),
            Constraint::Min(10),
            Constraint::Length(if people_shown { 18 } else { 0 }),
        ])
        .areas(area);
        if list_shown {
            self.draw_list(frame, list);
        }
        if people_shown {
            self.places.people = true;
            self.draw_people(frame, people);
        }
        self.draw_main(frame, main);
        if self.overlay.is_some() {
            self.draw_overlay(frame, area);
        }
    }

    fn draw_list(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let inner = bordered(frame, area, ratatui::widgets::Borders::RIGHT, self.look.dim());
        let width = usize::from(inner.width);
        let present = self.present_name().to_owned();
        let mut lines: Vec<Line<'static>> = Vec::new();
        let mut listed_at: Vec<(usize, Option<String>)> = Vec::new();
        let mut at = 0;
        let list = self.whole_list();
        let servers = 1 + self.neighbours.len();
        for server in 0..servers {
            // One server needs no name; of several each has a line of its own.
            if servers > 1 {
                lines.push(self.server_line(server, width));
                listed_at.push((server, None));
            }
            for listed in list.iter().filter(|listed| listed.server == server) {
                let is_present = server == self.place && listed.name == present;
                if is_present {
                    at = lines.len();
                }
                lines.push(self.list_line(listed, width, is_present));
                listed_at.push((server, Some(listed.name.clone())));
            }
        }
        // The one that is shown stays on the screen however long the list is.
        let from = (at + 1).saturating_sub(usize::from(inner.height));
        self.places.list = inner;
        self.places.listed = listed_at.into_iter().skip(from).collect();
        frame.render_widget(Paragraph::new(lines.into_iter().skip(from).collect::<Vec<_>>()), inner);
    }

    /// The line of a server among several.
    fn server_line(&self, server: usize, width: usize) -> Line<'static> {
        let (name, well) = match self.neighbours.iter().find(|neighbour| neighbour.place == server) {
            Some(neighbour) => (neighbour.server.as_str(), neighbour.well),
            None => (self.server.as_str(), self.state_words().1),
        };
        let mark = if well { "" } else { " ✗" };
        let host_of = |server: &str| server.rsplit_once(':').map_or(server, |(host, _)| host).to_owned();
        let host = host_of(name);
        let all = self.neighbours.iter().map(|neighbour| neighbour.server.as_str()).chain([self.server.as_str()]);
        // Of several on one machine the port tells which.
        let several = all.filter(|server| host_of(server) == host).count() > 1;
        let name = if several { name.to_owned() } else { host };
        let name = cut(&printable(&name), width.saturating_sub(mark.width()));
        Line::from(vec![
            Span::styled(name, self.look.dim().add_modifier(Modifier::UNDERLINED)),
            Span::styled(mark, self.look.alarm()),
        ])
    }

    fn list_line(&self, listed: &Listed, width: usize, is_present: bool) -> Line<'static> {
        let count = match (listed.mentions, listed.unread) {
            (_, 0) => String::new(),
            (0, unread) => format!(" {}{}", unread, if listed.more { "+" } else { "" }),
            (mentions, unread) => format!(" @{mentions} {unread}{}", if listed.more { "+" } else { "" }),
        };
        let name = cut(&printable(&listed.shown), width.saturating_sub(count.width()));
        let pad = width.saturating_sub(name.width() + count.width());
        let style = match (is_present, listed.unread, listed.here) {
            (true, _, _) => self.look.selected(),
            _ if listed.muted => self.look.dim(),
            (_, 0, true) => self.look.plain(),
            (_, 0, false) => self.look.dim(),
            _ => self.look.bold(),
        };
        let count_style = if listed.mentions > 0 && !listed.muted { self.look.mention() } else { style };
        Line::from(vec![
            Span::styled(name, style),
            Span::styled(" ".repeat(pad), style),
            Span::styled(count, if is_present { style } else { count_style }),
        ])
    }

    fn draw_people(&self, frame: &mut Frame<'_>, area: Rect) {
        let inner = bordered(frame, area, ratatui::widgets::Borders::LEFT, self.look.dim());
        let Some(room) = self.connection.rooms().find(self.present_name()) else { return };
        let mut members: Vec<&Member> = room.members().collect();
        let rank = |member: &Member| match member.ranks.chars().next() {
            Some(symbol) => "~&@%+".find(symbol).unwrap_or(5),
            None => 6,
        };
        members.sort_by_key(|member| (rank(member), member.name.to_lowercase()));
        let width = usize::from(inner.width);
        let mut lines = vec![Line::styled(
            cut(&format!("{} {}", members.len(), if members.len() == 1 { "person" } else { "people" }), width),
            self.look.dim(),
        )];
        let height = usize::from(inner.height);
        let room_for = height.saturating_sub(1);
        let shown = if members.len() > room_for { room_for.saturating_sub(1) } else { members.len() };
        for member in members.iter().take(shown) {
            let symbol = member.ranks.chars().next().unwrap_or(' ');
            let away = if member.away { " z" } else { "" };
            let name = cut(&printable(&member.name), width.saturating_sub(1 + away.len()));
            let style = if member.away { self.look.dim() } else { self.look.name(&member.name) };
            let style = style.remove_modifier(Modifier::BOLD);
            lines.push(Line::from(vec![
                Span::styled(symbol.to_string(), self.look.dim()),
                Span::styled(name, style),
                Span::styled(away, self.look.dim()),
            ]));
        }
        if members.len() > shown {
            lines.push(Line::styled(format!("… {} more", members.len() - shown), self.look.dim()));
        }
        frame.render_widget(Paragraph::new(lines), inner);
    }

    fn draw_main(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let prompt_width = 2;
        let rows = self.view().composer.rows(area.width.saturating_sub(prompt_width + 1)).min(area.height / 2);
        let purpose = u16::from(self.view().composer.purpose.is_some());
        // What is to be told is told whole.
        let hint = self.hint_lines(usize::from(area.width));
        let told = u16::try_from(hint.len()).unwrap_or(1).clamp(1, (area.height / 3).max(1));
        let [head, timeline, status, above, composer] = Layout::vertical([
            Constraint::Length(u16::from(area.height >= 8)),
            Constraint::Min(1),
            Constraint::Length(told),
            Constraint::Length(purpose),
            Constraint::Length(rows),
        ])
        .areas(area);
        if head.height > 0 {
            self.draw_head(frame, head);
        }
        self.draw_timeline(frame, timeline);
        if hint.is_empty() {
            self.draw_status(frame, status);
        } else {
            frame.render_widget(Paragraph::new(hint), status);
        }
        if above.height > 0 {
            self.draw_purpose(frame, above);
        }
        self.draw_composer(frame, composer, prompt_width);
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let name = self.present_name();
        let shown = if name == SERVER { format!("{} itself", self.server) } else { printable(name).into_owned() };
        let topic = self.connection.rooms().find(name).and_then(|room| room.topic.clone()).unwrap_or_default();
        let topic = printable(&topic.replace('\n', " ")).into_owned();
        let topic = if self.orders { super::direction::seen(&topic) } else { topic };
        // Where there is no list, what is unread elsewhere.
        let elsewhere: usize = match self.places.list.width {
            0 => {
                let elsewhere = |listed: &&Listed| {
                    listed.unread > 0 && !listed.muted && !(listed.server == self.place && listed.name == name)
                };
                self.whole_list().iter().filter(elsewhere).count()
            }
            _ => 0,
        };
        let mut right = String::new();
        if elsewhere > 0 {
            right.push_str(&format!(" [{elsewhere} unread: {}]", self.keymap.first(Action::Unread)));
        }
        let conversation = self.conversations.find(name);
        if let Some(pins) = conversation.map(|found| found.pins()).filter(|pins| *pins > 0) {
            right.push_str(&format!(" [{pins} pinned: {}]", self.keymap.first(Action::Pins)));
        }
        if conversation.is_some_and(|found| found.is_muted()) {
            right.push_str(" [muted]");
        }
        let width = usize::from(area.width);
        let room = width.saturating_sub(right.width());
        let left = if topic.is_empty() { format!(" {shown}") } else { format!(" {shown}  {topic}") };
        let left = cut(&left, room);
        let pad = room.saturating_sub(left.width());
        let line = Line::styled(format!("{left}{}{right}", " ".repeat(pad)), self.look.bar());
        frame.render_widget(Paragraph::new(line), area);
    }

    fn draw_timeline(&mut self, frame: &mut Frame<'_>, area: Rect) {
        self.places.timeline = area;
        let height = usize::from(area.height);
        let (rows, anchor) = self.visible_rows(usize::from(area.width), height);
        let view = self.view();
        view.anchor = anchor;
        let first = rows.iter().find_map(|row| row.entry);
        let last = rows.iter().rev().find_map(|row| row.entry);
        view.visible = first.zip(last);
        if let Some((id, _)) = anchor {
            let name = self.present_name().to_owned();
            let at = self.conversations.find(&name).and_then(|found| Some(found.entry(id)?.timestamp));
            self.view().anchored_at = at.unwrap_or_default();
        }
        self.places.rows = vec![None; height.saturating_sub(rows.len())];
        self.places.rows.extend(rows.iter().map(|row| row.entry));
        self.places.texts = vec![String::new(); height.saturating_sub(rows.len())];
        let text = |line: &Line<'_>| line.spans.iter().map(|span| span.content.as_ref()).collect::<String>();
        self.places.texts.extend(rows.iter().map(|row| text(&row.line)));
        self.places.text_column = super::timeline::text_column(usize::from(area.width));
        let mut lines: Vec<Line<'static>> = vec![Line::default(); height.saturating_sub(rows.len())];
        if rows.is_empty() {
            let text = self.why_empty();
            let told = super::flow::broken(&[(text, self.look.dim())], usize::from(area.width));
            lines.truncate(height.saturating_sub(told.len()));
            lines.extend(told.into_iter().map(Line::from));
            lines.truncate(height);
        }
        lines.extend(rows.into_iter().map(|row| row.line));
        frame.render_widget(Paragraph::new(lines), area);
        if let Some((from, to)) = self.drag.filter(|(from, to)| from != to) {
            for row in area.rows() {
                for column in self.places.columns_between(row.y, from, to) {
                    if let Some(cell) = frame.buffer_mut().cell_mut((column, row.y)) {
                        cell.modifier.insert(Modifier::REVERSED);
                    }
                }
            }
        }
    }

    fn why_empty(&self) -> String {
        let name = self.present_name();
        if name == SERVER && self.connection.state() == LinkState::Joined {
            return "You are in no room. Enter one with /join ROOM; /list shows which there are.".to_owned();
        }
        if self.connection.awaits_history(name) {
            return "Reading what was said …".to_owned();
        }
        match self.connection.state() {
            LinkState::Joined if !self.is_here(name) => format!("Asking to be let into {} …", printable(name)),
            LinkState::Joined => "Nobody has said anything here yet. Say hello!".to_owned(),
            _ => match &self.failure {
                Some(sentence) if self.was_let_in => printable(sentence).into_owned(),
                Some(sentence) => {
                    format!("{} /server HOST goes somewhere else, Ctrl-C twice leaves.", printable(sentence))
                }
                None => format!("Going to {} …", self.server),
            },
        }
    }

    /// The rows that fit, from the anchor upwards; and the anchor, moved to where it can be.
    fn visible_rows(&mut self, width: usize, height: usize) -> (Vec<Row>, Option<(EntryId, usize)>) {
        let name = self.present_name().to_owned();
        let (anchor, anchored_at, selected, unread_from) = {
            let view = self.view();
            (view.anchor, view.anchored_at, view.selected, view.unread_from)
        };
        let Some(conversation) = self.conversations.find(&name) else { return (Vec::new(), None) };
        let timeline = Timeline {
            conversation,
            width,
            look: self.look,
            zone: &self.zone,
            own_name: self.connection.name(),
            orders: self.orders,
            selected,
            first_unread: unread_from.and_then(|marker| super::timeline::first_unread(conversation, marker)),
        };
        self.places.first_unread = timeline.first_unread;
        let count = conversation.entries().len();
        let anchor = anchor.and_then(|(id, hidden)| match conversation.place_of(id) {
            Some(at) => Some((at, hidden)),
            // It is gone: what was said next to it stands there.
            None => Some((conversation.entries().iter().rposition(|entry| entry.timestamp <= anchored_at)?, 0)),
        });
        let mut from_below: Vec<Row> = Vec::new();
        let (mut at, hidden) = match anchor {
            Some((at, hidden)) => (at + 1, hidden),
            None => {
                let pending = self.connection.outbox().iter();
                let pending = pending.filter(|post| self.connection.rooms().same(&post.target, &name));
                let rows: Vec<Row> = pending.flat_map(|post| timeline.pending(post)).collect();
                from_below.extend(rows.into_iter().rev());
                (count, 0)
            }
        };
        let mut skip = hidden;
        while at > 0 && from_below.len() < height {
            at -= 1;
            for row in timeline.rows(at).into_iter().rev() {
                if skip > 0 {
                    skip -= 1;
                } else {
                    from_below.push(row);
                }
            }
        }
        // Scrolled beyond the beginning: the beginning stands at the top.
        if from_below.len() < height && anchor.is_some() && count > 0 {
            let mut rows = Vec::new();
            for at in 0..count {
                rows.extend(timeline.rows(at));
                if rows.len() >= height {
                    let hidden = rows.len() - height;
                    rows.truncate(height);
                    let entries = conversation.entries();
                    return (rows, Some((entries[at].id, hidden)));
                }
            }
            // All of it fits: the end is on the screen.
            if conversation.is_at_end() {
                return self.without_anchor(width, height);
            }
            return (rows, anchor.map(|(at, _)| (conversation.entries()[at].id, 0)));
        }
        from_below.truncate(height);
        from_below.reverse();
        if let (Some(top), Some(entry)) = (from_below.first_mut(), conversation.entries().get(at)) {
            timeline.name_at_top(top, entry);
        }
        (from_below, anchor.map(|(at, hidden)| (conversation.entries()[at].id, hidden)))
    }

    fn without_anchor(&mut self, width: usize, height: usize) -> (Vec<Row>, Option<(EntryId, usize)>) {
        self.view().anchor = None;
        self.visible_rows(width, height)
    }

    /// Moves what is shown; up is positive.
    pub fn scroll_by(&mut self, name: &str, rows: isize) {
        let Some(conversation) = self.conversations.find(name) else { return };
        let count = conversation.entries().len();
        if count == 0 {
            return;
        }
        let view = self.views.entry(name.to_owned()).or_default();
        let timeline = Timeline {
            conversation,
            width: usize::from(self.places.timeline.width),
            look: self.look,
            zone: &self.zone,
            own_name: self.connection.name(),
            orders: self.orders,
            selected: None,
            first_unread: view.unread_from.and_then(|marker| super::timeline::first_unread(conversation, marker)),
        };
        let anchor = view.anchor.and_then(|(id, hidden)| Some((conversation.place_of(id)?, hidden)));
        let (mut at, mut hidden) = anchor.unwrap_or((count - 1, 0));
        if rows >= 0 {
            hidden += rows.unsigned_abs();
            while at > 0 && hidden >= timeline.rows(at).len() {
                hidden -= timeline.rows(at).len();
                at -= 1;
            }
        } else {
            let mut down = rows.unsigned_abs();
            loop {
                if hidden >= down {
                    hidden -= down;
                    break;
                }
                down -= hidden;
                if at + 1 >= count {
                    hidden = 0;
                    if conversation.is_at_end() {
                        view.anchor = None;
                        return;
                    }
                    break;
                }
                at += 1;
                hidden = timeline.rows(at).len();
            }
        }
        view.anchor = Some((conversation.entries()[at].id, hidden));
    }

    /// What is told until the next key, as lines that fill the width.
    fn hint_lines(&self, width: usize) -> Vec<Line<'static>> {
        let Some(hint) = &self.hint else { return Vec::new() };
        let style = self.look.bar().add_modifier(Modifier::BOLD);
        let lines = super::flow::broken(&[(printable(hint).into_owned(), style)], width.saturating_sub(2));
        let full = |spans: Vec<Span<'static>>| {
            let text: String = spans.iter().map(|span| span.content.as_ref()).collect();
            let pad = width.saturating_sub(text.width() + 1);
            Line::styled(format!(" {text}{}", " ".repeat(pad)), style)
        };
        lines.into_iter().map(full).collect()
    }

    fn more_is_below(&self) -> bool {
        let name = self.present_name();
        let Some((lowest, hidden)) = self.views.get(name).and_then(|view| view.anchor) else { return false };
        let is_last = |id| {
            self.conversations.find(name).is_some_and(|found| found.entries().back().is_some_and(|last| last.id == id))
        };
        hidden > 0 || !is_last(lowest) || !self.conversations.find(name).is_some_and(|found| found.is_at_end())
    }

    /// More is unread than fits: the line before it is not on the screen.
    fn unread_is_above(&self) -> bool {
        let name = self.present_name();
        let Some(conversation) = self.conversations.find(name) else { return false };
        let visible = self.views.get(name).and_then(|view| view.visible);
        let place = |id: Option<EntryId>| id.and_then(|id| conversation.place_of(id));
        match (place(self.places.first_unread), place(visible.map(|(first, _)| first))) {
            (Some(unread), Some(visible)) => unread < visible,
            _ => false,
        }
    }

    fn draw_status(&self, frame: &mut Frame<'_>, area: Rect) {
        let width = usize::from(area.width);
        let (state, is_well) = self.state_words();
        let mut left = format!(" {state}");
        if self.more_is_below() {
            left.push_str(&format!(" · further down there is more: {}", self.keymap.first(Action::End)));
        } else if self.unread_is_above() {
            left.push_str(&format!(" · new above: {}", self.keymap.first(Action::FirstUnread)));
        }
        if let Some(writing) = self.writing_words() {
            left.push_str(" · ");
            left.push_str(&writing);
        }
        let style = if is_well { self.look.bar() } else { self.look.bar().patch(self.look.alarm()) };
        let text = left;
        let own = printable(self.connection.name()).into_owned();
        let right = format!(" {own} ");
        let room = width.saturating_sub(right.width());
        let (text, right) = if room < 20 { (cut(&text, width), String::new()) } else { (cut(&text, room), right) };
        let pad = width.saturating_sub(text.width() + right.width());
        frame.render_widget(Paragraph::new(Line::styled(format!("{text}{}{right}", " ".repeat(pad)), style)), area);
    }

    /// The truth about the link, and whether it is a good one.
    pub fn state_words(&self) -> (String, bool) {
        let waiting = self.connection.outbox().len();
        let unsent = match waiting {
            0 => String::new(),
            waiting => format!(", {waiting} unsent"),
        };
        if self.barred.is_some() {
            return (format!("offline{unsent}: not trusted; /reconnect tries again"), false);
        }
        if self.asks_keyring && self.asks_login {
            return ("offline: asking the keyring for your password …".to_owned(), false);
        }
        if self.asks_login {
            return ("offline: who are you there?".to_owned(), false);
        }
        match self.connection.state() {
            LinkState::Down { .. } if self.opening => (format!("offline{unsent}: calling {} …", self.server), false),
            LinkState::Down { retry_at }
                if retry_at > self.now.since_start + std::time::Duration::from_secs(86_400) =>
            {
                (format!("offline{unsent}"), false)
            }
            LinkState::Down { retry_at } => {
                let wait = retry_at.saturating_sub(self.now.since_start).as_secs() + 1;
                let now = if wait > 5 { " (/reconnect: now)" } else { "" };
                (format!("offline{unsent}: trying again in {wait} s{now}"), false)
            }
            LinkState::Negotiating | LinkState::Registering => (format!("connecting{unsent} …"), false),
            LinkState::Authenticating => (format!("logging in{unsent} …"), false),
            LinkState::Closing => ("leaving …".to_owned(), true),
            LinkState::Joined if self.connection.awaits_history(self.present_name()) => {
                (format!("catching up{unsent} …"), true)
            }
            LinkState::Joined if waiting > 0 => (format!("online, sending {waiting}"), true),
            LinkState::Joined => ("online".to_owned(), true),
        }
    }

    fn writing_words(&self) -> Option<String> {
        let conversation = self.conversations.find(self.present_name())?;
        let names: Vec<&str> = conversation.writing(self.now.since_start).collect();
        let words = match names.as_slice() {
            [] => return None,
            [one] => format!("{one} is writing"),
            [one, two] => format!("{one} and {two} are writing"),
            more => format!("{} people are writing", more.len()),
        };
        Some(printable(&words).into_owned())
    }

    fn draw_purpose(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let text = match &self.view().composer.purpose {
            Some(Purpose::Answer { brief, .. }) => format!("╭ answering {}", printable(brief)),
            Some(Purpose::Edit { .. }) => "╭ editing your message".to_owned(),
            None => return,
        };
        let text = cut(&text, usize::from(area.width).saturating_sub(12));
        let line = Line::from(vec![Span::styled(text, self.look.bold()), Span::styled(" (Esc: not)", self.look.dim())]);
        frame.render_widget(Paragraph::new(line), area);
    }

    fn draw_composer(&mut self, frame: &mut Frame<'_>, area: Rect, prompt_width: u16) {
        let [prompt, text] = Layout::horizontal([Constraint::Length(prompt_width), Constraint::Min(1)]).areas(area);
        frame.render_widget(Paragraph::new(Span::styled(">", self.look.bold())), prompt);
        let selecting = self.view().selected.is_some();
        if selecting {
            let keys = self.offered_actions();
            let line = Line::styled(cut(&keys, usize::from(text.width)), self.look.dim());
            frame.render_widget(Paragraph::new(line), text);
            return;
        }
        let overlaid = self.overlay.is_some();
        let area = self.view().composer.area();
        frame.render_widget(area, text);
        if !overlaid {
            let (cursor, (top, left)) = (area.screen_cursor(), area.scroll_offset());
            let x = text.x + u16::try_from(cursor.col).unwrap_or(0).saturating_sub(left);
            let y = text.y + u16::try_from(cursor.row).unwrap_or(0).saturating_sub(top);
            let last = text.right().saturating_sub(1);
            frame.set_cursor_position(Position::new(x.min(last), y.min(text.bottom().saturating_sub(1))));
        }
    }

    pub(super) fn clock(&self, timestamp: client_core::Timestamp) -> String {
        jiff::Timestamp::from_millisecond(timestamp.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
            .strftime("%H:%M:%S%.3f")
            .to_string()
    }

    fn draw_overlay(&mut self, frame: &mut Frame<'_>, area: Rect) {
        if let Some(Overlay::Wire { scrolled, unfolded }) = self.overlay {
            let scrolled = self.wire.below(scrolled, unfolded);
            return self.draw_wire(frame, area, scrolled, unfolded.map(|unfolded| unfolded.row));
        }
        let Some(overlay) = &self.overlay else { return };
        let mut scroll = 0;
        let (title, lines, cursor): (String, Vec<Line<'static>>, Option<(u16, u16)>) = match overlay {
            Overlay::Switcher { typed, at } => {
                let mut lines = vec![Line::from(format!("> {}", printable(typed)))];
                for (number, (server, name)) in self.offered(typed).iter().enumerate() {
                    let other = self.neighbours.iter().find(|neighbour| neighbour.place == *server);
                    let on = other.map_or_else(String::new, |other| format!("  on {}", other.server));
                    lines.push(self.choice(printable(&format!("{name}{on}")).into_owned(), number == *at));
                }
                if lines.len() == 1 {
                    let hint =
                        if typed.starts_with('#') { "Enter: join this room" } else { "nobody and nothing so called" };
                    lines.push(Line::styled(hint, self.look.dim()));
                }
                ("Go to".to_owned(), lines, Some((2 + typed.width() as u16, 0)))
            }
            Overlay::Reactions { typed, at, .. } => {
                let mut lines = vec![Line::from(format!("> {}", printable(typed)))];
                let offered = App::offered_reactions(typed);
                for (number, (name, emoji)) in offered.iter().enumerate() {
                    lines.push(self.choice(format!("{emoji}  {name}"), number == *at));
                }
                if offered.is_empty() {
                    lines.push(Line::styled("Enter: react with this", self.look.dim()));
                }
                ("React with".to_owned(), lines, Some((2 + typed.width() as u16, 0)))
            }
            Overlay::Keys { scrolled } => {
                scroll = *scrolled;
                ("Keys".to_owned(), self.key_lines(), None)
            }
            Overlay::Help { scrolled } => {
                scroll = *scrolled;
                ("Commands".to_owned(), self.help_lines(usize::from(area.width).saturating_sub(6)), None)
            }
            Overlay::Wire { .. } => return,
            Overlay::Found { looking, found, at, ended } => {
                let title = match (looking, ended, found.len()) {
                    (Looking::Words(words), false, _) => format!("Searching for {} …", printable(words)),
                    (Looking::Words(words), true, 1) => format!("1 message with {}", printable(words)),
                    (Looking::Words(words), true, count) => format!("{count} messages with {}", printable(words)),
                    (Looking::Pins(room), ..) => format!("Pinned in {}", printable(room)),
                };
                let lines = found.iter().enumerate().map(|(number, message)| {
                    let text = format!(
                        "{} {} {}: {}",
                        self.when(message.timestamp),
                        message.room_name,
                        message.sender.name,
                        message.payload.replace('\n', " ")
                    );
                    self.choice(printable(&text).into_owned(), number == *at)
                });
                let mut lines: Vec<Line<'static>> = lines.collect();
                let below = match looking {
                    Looking::Words(_) if *ended && lines.is_empty() => "Nothing was found. Esc closes this.".to_owned(),
                    Looking::Pins(_) if *ended && lines.is_empty() => "Nothing is pinned. Esc closes this.".to_owned(),
                    Looking::Pins(room) if self.may_pin(room) => {
                        format!("Enter opens it in its place   {} unpins it", self.keymap.first(Action::Pin))
                    }
                    Looking::Words(_) if found.len() >= SEARCHED => {
                        "Enter opens it in its place   older ones: add before:DAY".to_owned()
                    }
                    _ => "Enter opens it in its place".to_owned(),
                };
                lines.push(Line::styled(below, self.look.dim()));
                let height = area.height.saturating_sub(6);
                scroll = u16::try_from(*at).unwrap_or(0).saturating_sub(height.saturating_sub(2));
                (title, lines, None)
            }
            Overlay::Rooms { rooms, typed, at, ended } => {
                let offered = rooms_offered(rooms, typed);
                let width = usize::from(area.width).saturating_sub(10);
                let height = usize::from(area.height).saturating_sub(7).max(1);
                let mut lines = vec![Line::from(format!("> {}", printable(typed)))];
                let from = (at + 1).saturating_sub(height);
                for (number, room) in offered.iter().enumerate().skip(from).take(height) {
                    let people = if room.people == 1 { "1 person" } else { &format!("{} people", room.people) };
                    let text = format!("{:<16} {people:<11} {}", room.name, room.topic.replace('\n', " "));
                    lines.push(self.choice(cut(&printable(&text), width), number == *at));
                }
                let below = match (ended, offered.is_empty()) {
                    (false, _) => "asking …",
                    (true, true) => "No room is so called. Esc closes this.",
                    (true, false) => "Enter: go there   letters: look for some",
                };
                lines.push(Line::styled(below, self.look.dim()));
                let title = format!("{} rooms", rooms.len());
                (title, lines, Some((2 + typed.width() as u16, 0)))
            }
            Overlay::Report { who, typed, .. } => {
                let lines = vec![
                    Line::from(printable(&format!("What is wrong with what {who} said?")).into_owned()),
                    Line::from(format!("> {}", printable(typed))),
                    Line::styled("Enter: tell those who moderate   Esc: not", self.look.dim()),
                ];
                ("Report".to_owned(), lines, Some((2 + typed.width() as u16, 1)))
            }
            Overlay::Notice { title, sentence } => {
                let width = usize::from(area.width.saturating_sub(8).min(66));
                let mut lines: Vec<Line<'static>> =
                    super::flow::broken(&[(printable(sentence).into_owned(), self.look.plain())], width)
                        .into_iter()
                        .map(Line::from)
                        .collect();
                lines.push(Line::styled("Any key closes this.", self.look.dim()));
                (title.clone(), lines, None)
            }
            Overlay::Long { lines } => (
                "A long text".to_owned(),
                vec![
                    Line::from(format!("These are {lines} lines. Send them all?")),
                    Line::styled("Enter: send   Esc: go on writing", self.look.dim()),
                ],
                None,
            ),
            Overlay::Login { sentence, typed } => {
                let mut lines: Vec<Line<'static>> = super::flow::broken(
                    &[(printable(sentence).into_owned(), self.look.alarm())],
                    usize::from(area.width.saturating_sub(8).min(66)),
                )
                .into_iter()
                .map(Line::from)
                .collect();
                let row = u16::try_from(lines.len()).unwrap_or(0);
                let name = printable(self.connection.name()).into_owned();
                let question = format!("Password for {name}: ");
                let column = question.width() as u16 + typed.length() as u16;
                lines.push(Line::from(format!("{question}{}", "•".repeat(typed.length()))));
                if typed.is_from_before {
                    lines.push(Line::from(format!(
                        "New here? Ctrl-R makes the account {name} with the password you gave."
                    )));
                }
                lines.push(Line::styled("Enter: log in   Ctrl-R: make this account", self.look.dim()));
                lines.push(Line::styled("Esc: come as a guest   Ctrl-C: leave", self.look.dim()));
                ("Logging in".to_owned(), lines, Some((column, row)))
            }
        };
        let widest = lines.iter().map(Line::width).max().unwrap_or(0).max(title.width() + 2).max(30);
        let width = (u16::try_from(widest).unwrap_or(u16::MAX).saturating_add(4)).min(area.width.saturating_sub(2));
        let height =
            (u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2)).min(area.height.saturating_sub(1));
        let place =
            Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height };
        let most = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_sub(height.saturating_sub(2));
        let scroll = scroll.min(most);
        frame.render_widget(Clear, place);
        let mut block = Block::bordered().title(format!(" {title} ")).padding(ratatui::widgets::Padding::horizontal(1));
        if let (Some(Overlay::Keys { .. } | Overlay::Help { .. }), true) = (&self.overlay, most > 0) {
            let words = if scroll < most { " Down: more " } else { " Up: what is above " };
            block = block.title_bottom(Line::from(words).right_aligned());
        }
        let inner = block.inner(place);
        frame.render_widget(Paragraph::new(lines).block(block).scroll((scroll, 0)), place);
        if let Some((x, y)) = cursor {
            frame.set_cursor_position(Position::new((inner.x + x).min(inner.right().saturating_sub(1)), inner.y + y));
        }
        if let Some(Overlay::Keys { scrolled } | Overlay::Help { scrolled }) = &mut self.overlay {
            *scrolled = scroll;
        }
    }

    pub(super) fn choice(&self, text: String, is_chosen: bool) -> Line<'static> {
        if is_chosen { Line::styled(format!("» {text}"), self.look.bold()) } else { Line::from(format!("  {text}")) }
    }

    fn key_lines(&self) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for (title, keys) in SHEET {
            lines.push(Line::styled(*title, self.look.bold()));
            for key in *keys {
                lines.push(Line::from(format!("  {:<22} {}", key.keys(&self.keymap), key.about())));
            }
        }
        lines
    }

    fn help_lines(&self, width: usize) -> Vec<Line<'static>> {
        let mut lines = vec![Line::from("What you type is said. What begins with / is done:"), Line::default()];
        let beside = width >= 70;
        let indent = if beside { 31 } else { 2 };
        for help in self.commands() {
            let about =
                super::flow::broken(&[(help.about.to_owned(), self.look.plain())], width.saturating_sub(indent));
            let mut usage = format!("{:<31}", help.usage);
            if !beside {
                lines.push(Line::styled(std::mem::take(&mut usage), self.look.bold()));
                usage = "  ".to_owned();
            }
            for about in about {
                let mut line = vec![Span::styled(std::mem::replace(&mut usage, " ".repeat(indent)), self.look.bold())];
                line.extend(about);
                lines.push(Line::from(line));
            }
        }
        lines.push(Line::default());
        let sentence = format!(
            "Text that begins with a slash is written with two. {} shows the keys.",
            self.keymap.first(Action::KeySheet)
        );
        let broken = super::flow::broken(&[(sentence, self.look.plain())], width);
        lines.extend(broken.into_iter().map(Line::from));
        lines
    }

    fn when(&self, timestamp: client_core::Timestamp) -> String {
        jiff::Timestamp::from_millisecond(timestamp.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    }
}

fn bordered(frame: &mut Frame<'_>, area: Rect, sides: ratatui::widgets::Borders, style: ratatui::style::Style) -> Rect {
    let block = Block::new().borders(sides).border_style(style);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}
