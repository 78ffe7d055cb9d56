//! Everything that is on the screen, and what keys do to it. Knows no terminal and no socket: events come in, bytes and a
//! picture go out, so that tests drive it whole.

use std::collections::BTreeMap;
use std::time::Duration;

use client_core::conversations::{EntryId, What};
use client_core::rooms::Presence;
use client_core::slash_command::{self, room_name};
use client_core::{
    Anchor, Change, Connection, ConversationChange, Conversations, LinkState, Login, Message, MessageKind, Moment,
    Page, Password, Timestamp, Typed, Typing,
};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use super::composer::{Composer, Purpose};
use super::emoji::EMOJI;
use super::fuzzy;
use super::look::Look;
use super::wire_view::WireView;

/// Where the server itself speaks. No person and no room can be called so.
pub const SERVER: &str = "*";
/// People without anything unread that are listed.
const MOST_PEOPLE: usize = 12;
/// That one is writing is said again after so long.
const TYPING_AGAIN: Duration = Duration::from_secs(3);
/// Entries above what is shown, before more are asked for.
const NEAR_TOP: usize = 40;
/// A text of more lines is asked about before it goes into a room.
const LONG_TEXT: usize = 10;
const MOST_FOUND: usize = 200;

/// What stands in front of everything.
#[derive(Debug)]
pub enum Overlay {
    Switcher {
        typed: String,
        at: usize,
    },
    Reactions {
        conversation: String,
        message_id: String,
        typed: String,
        at: usize,
    },
    Keys {
        scrolled: u16,
    },
    Help {
        scrolled: u16,
    },
    /// Lines of the wire; so many of the last ones are below the screen.
    Wire {
        scrolled: usize,
    },
    Found {
        words: String,
        found: Vec<Message>,
        at: usize,
        ended: bool,
    },
    /// A long text is about to be sent.
    Long {
        lines: usize,
    },
    /// The server let us not in.
    Login {
        sentence: String,
        typed: Secret,
    },
}

/// A secret that is being typed: shown to nobody, not even in a debug print.
#[derive(Default)]
pub struct Secret(zeroize::Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("(a secret)")
    }
}

impl Secret {
    pub fn length(&self) -> usize {
        self.0.chars().count()
    }
}

/// Where a conversation is to be shown once it has been loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jump {
    Message(String),
    Unread(Timestamp),
}

/// How one looks at a conversation.
#[derive(Debug, Default)]
pub struct View {
    /// The lowest entry on the screen and how many of its rows are below it; `None`: the end.
    pub anchor: Option<(EntryId, usize)>,
    pub selected: Option<EntryId>,
    pub unread_from: Option<Timestamp>,
    pub jump: Option<Jump>,
    pub composer: Composer,
    /// The entries that were on the screen last.
    pub visible: Option<(EntryId, EntryId)>,
    /// Delete was pressed once for this entry.
    pub deleting: Option<EntryId>,
}

/// A line of the list of rooms and people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub shown: String,
    pub unread: usize,
    pub more: bool,
    pub mentions: usize,
    pub here: bool,
}

/// Where things were drawn last, for the mouse.
#[derive(Debug, Default, Clone)]
pub struct Places {
    pub list: Rect,
    pub listed: Vec<String>,
    pub timeline: Rect,
    pub rows: Vec<Option<EntryId>>,
    /// The list of people is shown.
    pub people: bool,
}

pub struct App {
    pub connection: Connection,
    pub conversations: Conversations,
    pub server: String,
    pub zone: TimeZone,
    pub look: Look,
    pub now: Moment,
    pub present: Option<String>,
    pub views: BTreeMap<String, View>,
    pub overlay: Option<Overlay>,
    pub show_list: Option<bool>,
    pub show_people: Option<bool>,
    /// A sentence in the status line until the next key.
    pub hint: Option<String>,
    /// A socket is being opened.
    pub opening: bool,
    /// Why the last link ended or did not come up.
    pub failure: Option<String>,
    pub places: Places,
    pub wire: WireView,
    /// To be put into the clipboard.
    pub copied: Option<String>,
    /// Something for a person who does not look: who said what.
    pub alert: Option<String>,
    pub mouse: bool,
    pub done: bool,
    /// The person at the terminal looks at it, as far as it tells.
    focused: bool,
    leaving: bool,
    /// Rooms asked for by hand: shown when they let one in.
    followed: Vec<String>,
    /// A group was asked for; its name is the server's to choose, and begins with `#+`.
    followed_group: bool,
    asked_names: bool,
    asked_topic: bool,
    typing_said: Option<(String, Duration)>,
    login_refused: Option<String>,
    /// The password that was typed here last.
    pub typed_password: Option<Password>,
    /// A password was wrong: what is kept of it is of no use.
    pub password_wrong: bool,
}

impl App {
    pub fn new(mut connection: Connection, server: String, zone: TimeZone, look: Look, now: Moment) -> App {
        connection.converse();
        let present = connection.rooms().iter().next().map(|room| room.name.to_string());
        App {
            connection,
            conversations: Conversations::default(),
            server,
            zone,
            look,
            now,
            present,
            views: BTreeMap::new(),
            overlay: None,
            show_list: None,
            show_people: None,
            hint: None,
            opening: false,
            failure: None,
            places: Places::default(),
            wire: WireView::default(),
            copied: None,
            alert: None,
            mouse: true,
            done: false,
            focused: true,
            leaving: false,
            followed: Vec::new(),
            followed_group: false,
            asked_names: false,
            asked_topic: false,
            typing_said: None,
            login_refused: None,
            typed_password: None,
            password_wrong: false,
        }
    }

    pub fn view(&mut self) -> &mut View {
        let name = self.present.clone().unwrap_or_else(|| SERVER.to_owned());
        self.views.entry(name).or_default()
    }

    pub fn present_name(&self) -> &str {
        self.present.as_deref().unwrap_or(SERVER)
    }

    /// What a connection says has changed.
    pub fn take_in(&mut self, changes: Vec<Change>) {
        let mapping = self.connection.rooms().case_mapping();
        for change in changes {
            self.conversations.take_in(&change, self.connection.name(), mapping, self.now);
            self.react_to(change);
        }
    }

    /// After whatever happened: asks for what is to be shown, and says what has been read.
    pub fn settle(&mut self) {
        if self.present.is_none() {
            self.present = self.connection.rooms().iter().next().map(|room| room.name.to_string());
        }
        let Some(name) = self.present.clone() else { return };
        if name == SERVER {
            return;
        }
        let joined = self.is_here(&name);
        let conversation = self.conversations.open(&name);
        let (stale, before, after) = (conversation.is_stale(), conversation.page_before(), conversation.page_after());
        let entries = conversation.entries();
        let above = |id: EntryId| entries.iter().position(|entry| entry.id == id);
        let visible = self.views.get(&name).and_then(|view| view.visible);
        let near_top = visible.is_some_and(|(first, _)| above(first).is_some_and(|at| at < NEAR_TOP));
        let near_end = visible.is_some_and(|(_, last)| above(last).is_some_and(|at| at + NEAR_TOP > entries.len()));
        let anchored = self.views.get(&name).is_some_and(|view| view.anchor.is_some());
        let empty = entries.is_empty();
        if joined && self.connection.has_history() {
            if stale && !anchored {
                self.connection.ask_history(self.now, &name, Page::Latest);
            } else if self.connection.awaits_history(&name) {
                // One page after the other.
            } else if let Some(page) = before.filter(|_| near_top || (visible.is_none() && empty)) {
                self.connection.ask_history(self.now, &name, page);
            } else if let Some(page) = after.filter(|_| near_end) {
                self.connection.ask_history(self.now, &name, page);
            }
        }
        self.conversations.hold(anchored.then_some(name.as_str()));
        if self.focused
            && !anchored
            && !stale
            && self.overlay.is_none()
            && let Some(up_to) = self.conversations.seen(&name)
        {
            self.connection.mark_read(&name, up_to);
        }
    }

    /// When something changes by itself on the screen.
    pub fn next_change(&self) -> Option<Duration> {
        let writing = self.conversations.find(self.present_name()).and_then(|found| found.writing_until());
        let countdown = match self.connection.state() {
            LinkState::Down { .. } => Some(self.now.since_start + Duration::from_secs(1)),
            _ => None,
        };
        [writing, countdown].into_iter().flatten().min()
    }

    /// Rooms first, in the order of joining; then people, those with news before the others; then the server.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |name: &str, shown: &str, here: bool| {
            let found = self.conversations.find(name);
            let (unread, mentions) = found.map(|found| (found.unread(), found.mentions())).unwrap_or_default();
            Listed {
                name: name.to_owned(),
                shown: shown.to_owned(),
                unread: unread.number,
                more: unread.is_more,
                mentions: mentions.number,
                here,
            }
        };
        let mut list: Vec<Listed> = self
            .connection
            .rooms()
            .iter()
            .map(|room| listed(&room.name, &room.name, room.presence == Presence::Joined))
            .collect();
        let mut people: Vec<_> =
            self.conversations.iter().filter(|found| !found.is_room() && found.name != SERVER).collect();
        people.sort_by_key(|found| {
            (std::cmp::Reverse(found.unread().number > 0), std::cmp::Reverse(found.last_said()), found.name.clone())
        });
        for (at, person) in people.into_iter().enumerate() {
            let is_present = self.present.as_deref() == Some(person.name.as_str());
            if at < MOST_PEOPLE || person.unread().number > 0 || is_present {
                list.push(listed(&person.name, &person.name, true));
            }
        }
        if self.conversations.find(SERVER).is_some() {
            list.push(listed(SERVER, "(server)", true));
        }
        list
    }

    pub fn is_here(&self, name: &str) -> bool {
        if !slash_command::is_room(name) {
            return true;
        }
        self.connection.rooms().find(name).is_some_and(|room| room.presence == Presence::Joined)
    }

    /// What one is offered while typing in the switcher.
    pub fn offered(&self, typed: &str) -> Vec<String> {
        let mut names: Vec<String> = self.list().into_iter().map(|listed| listed.name).collect();
        for room in self.connection.rooms().iter() {
            for member in room.members() {
                if !self.connection.rooms().same(&member.name, self.connection.name()) {
                    names.push(member.name.to_string());
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| name != SERVER && seen.insert(name.to_lowercase()));
        let mut scored: Vec<(i64, usize, String)> = names
            .into_iter()
            .enumerate()
            .filter_map(|(at, name)| {
                let score = if typed.is_empty() { 0 } else { fuzzy::score(typed, &name)? };
                Some((-score, at, name))
            })
            .collect();
        scored.sort();
        scored.into_iter().map(|(_, _, name)| name).take(12).collect()
    }

    pub fn offered_reactions(typed: &str) -> Vec<(&'static str, &'static str)> {
        let mut scored: Vec<(i64, usize)> = EMOJI
            .iter()
            .enumerate()
            .filter_map(|(at, (name, _))| Some((if typed.is_empty() { 0 } else { -fuzzy::score(typed, name)? }, at)))
            .collect();
        scored.sort();
        scored.into_iter().take(10).map(|(_, at)| EMOJI[at]).collect()
    }

    /// Shows a conversation.
    pub fn go(&mut self, name: &str) {
        let name = match self.connection.rooms().find(name) {
            Some(room) => room.name.to_string(),
            None => self.conversations.find(name).map_or_else(|| name.to_owned(), |found| found.name.to_string()),
        };
        self.stop_typing();
        if let Some(before) = &self.present
            && let Some(view) = self.views.get_mut(before)
        {
            view.selected = None;
            view.unread_from = None;
        }
        let conversation = self.conversations.open(&name);
        let unread_from = conversation.read_up_to().filter(|_| conversation.unread().number > 0);
        let is_person = !conversation.is_room() && name != SERVER;
        if is_person && conversation.read_up_to().is_none() {
            self.connection.ask_read_marker(&name);
        }
        let view = self.views.entry(name.clone()).or_default();
        view.unread_from = unread_from;
        view.anchor = None;
        view.visible = None;
        self.present = Some(name);
    }

    pub fn focus_changed(&mut self, focused: bool) {
        self.focused = focused;
    }

    pub fn paste(&mut self, text: &str) {
        if self.overlay.is_none() {
            self.view().selected = None;
            self.view().composer.insert(text);
        } else {
            for c in text.chars().filter(|c| !c.is_control()) {
                self.overlay_key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
            }
        }
    }

    pub fn mouse(&mut self, event: MouseEvent) {
        let at = (event.column, event.row).into();
        match event.kind {
            MouseEventKind::ScrollUp => self.scroll(3),
            MouseEventKind::ScrollDown => self.scroll(-3),
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_some() => self.overlay = None,
            MouseEventKind::Down(MouseButton::Left) if self.places.list.contains(at) => {
                let row = usize::from(event.row - self.places.list.y);
                if let Some(name) = self.places.listed.get(row).cloned() {
                    self.go(&name);
                }
            }
            MouseEventKind::Down(MouseButton::Left) if self.places.timeline.contains(at) => {
                let row = usize::from(event.row - self.places.timeline.y);
                let clicked = self.places.rows.get(row).copied().flatten();
                let view = self.view();
                view.selected = if view.selected == clicked { None } else { clicked };
            }
            _ => {}
        }
    }

    pub fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.hint = None;
        let leaving = std::mem::take(&mut self.leaving);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('c') if control => return self.asked_to_leave(leaving),
            KeyCode::F(1) => {
                self.overlay = match self.overlay {
                    Some(Overlay::Keys { .. }) => None,
                    _ => Some(Overlay::Keys { scrolled: 0 }),
                };
                return;
            }
            KeyCode::F(12) => {
                self.overlay = match self.overlay {
                    Some(Overlay::Wire { .. }) => None,
                    _ => Some(Overlay::Wire { scrolled: 0 }),
                };
                return;
            }
            _ => {}
        }
        if self.overlay.is_some() {
            return self.overlay_key(key);
        }
        match key.code {
            KeyCode::Char('k') if control => self.overlay = Some(Overlay::Switcher { typed: String::new(), at: 0 }),
            KeyCode::Char('n') if control => self.go_along(1),
            KeyCode::Char('p') if control => self.go_along(-1),
            KeyCode::Char('f') if control => self.view().composer.set_text("/search "),
            KeyCode::Char('d') if control && self.view().composer.is_empty() => self.leave(None),
            KeyCode::Char('s') if control => self.select(-1),
            KeyCode::Up if alt => self.select(-1),
            KeyCode::Down if alt => self.select(1),
            KeyCode::Char('a') if alt => self.go_to_unread(),
            KeyCode::Char('u') if alt => self.jump_to_unread(),
            KeyCode::Char(digit @ '1'..='9') if alt => {
                let at = usize::from(digit as u8 - b'1');
                if let Some(listed) = self.list().get(at) {
                    let name = listed.name.clone();
                    self.go(&name);
                }
            }
            KeyCode::F(2) => self.show_list = Some(self.places.list.width == 0),
            KeyCode::F(3) => self.show_people = Some(!self.places.people),
            KeyCode::F(4) => {
                self.mouse = !self.mouse;
                let whose = if self.mouse { "this program" } else { "the terminal: select and copy with it" };
                self.hint = Some(format!("The mouse belongs to {whose}. F4 changes that."));
            }
            KeyCode::PageUp => self.scroll(isize::try_from(self.places.timeline.height / 2 + 1).unwrap_or(10)),
            KeyCode::PageDown => self.scroll(-isize::try_from(self.places.timeline.height / 2 + 1).unwrap_or(10)),
            KeyCode::End if control => self.show_end(),
            _ if self.view().selected.is_some() => self.selection_key(key),
            _ => self.writing_key(key, control, alt),
        }
    }

    fn writing_key(&mut self, key: KeyEvent, control: bool, alt: bool) {
        let shift = key.modifiers.contains(KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Enter if alt || shift || control => self.view().composer.new_line(),
            KeyCode::Char('j') if control => self.view().composer.new_line(),
            KeyCode::Enter => return self.enter(false),
            KeyCode::Tab | KeyCode::BackTab => {
                let (people, rooms) = self.completions();
                self.view().composer.complete(&people, &rooms, key.code == KeyCode::BackTab);
            }
            KeyCode::Esc => {
                let view = self.view();
                if view.composer.purpose.take().is_none() {
                    self.show_end();
                } else {
                    view.composer.set_text("");
                }
            }
            KeyCode::Up if self.view().composer.is_on_first_line() => self.view().composer.recall_older(),
            KeyCode::Down if self.view().composer.is_on_last_line() => self.view().composer.recall_newer(),
            _ => self.view().composer.input(key.into()),
        }
        self.say_typing();
    }

    /// A message is selected: letters act on it.
    fn selection_key(&mut self, key: KeyEvent) {
        let deleting = self.view().deleting.take();
        match key.code {
            KeyCode::Esc => self.view().selected = None,
            KeyCode::Up | KeyCode::Char('k') => self.select(-1),
            KeyCode::Down | KeyCode::Char('j') => self.select(1),
            KeyCode::Enter | KeyCode::Char('r') => self.answer(),
            KeyCode::Char('+' | 'a') => {
                if let Some((message_id, _, _)) = self.selected_message() {
                    let conversation = self.present_name().to_owned();
                    self.overlay = Some(Overlay::Reactions { conversation, message_id, typed: String::new(), at: 0 });
                }
            }
            KeyCode::Char('e') => match self.selected_message() {
                Some((message_id, payload, true)) => {
                    let view = self.view();
                    view.selected = None;
                    view.composer.set_text(&payload);
                    view.composer.purpose = Some(Purpose::Edit { message_id });
                }
                Some(_) => self.hint = Some("Only your own messages can be edited.".to_owned()),
                None => {}
            },
            KeyCode::Char('x') | KeyCode::Delete => self.delete(deleting),
            KeyCode::Char('c' | 'y') => {
                if let Some(text) = self.selected_text() {
                    self.copied = Some(text);
                    self.hint = Some("Copied, if your terminal lets programs copy (OSC 52).".to_owned());
                }
            }
            KeyCode::Char('p') => self.show_parent(),
            KeyCode::Char('u') => self.send_again(),
            _ => {}
        }
    }

    fn asked_to_leave(&mut self, again: bool) {
        if self.overlay.take().is_some() && !again {
            return;
        }
        if again {
            return self.leave(None);
        }
        let view = self.view();
        if !view.composer.is_empty() || view.composer.purpose.is_some() {
            view.composer.take();
        }
        self.leaving = true;
        self.hint = Some("Ctrl-C once more leaves.".to_owned());
    }

    pub fn leave(&mut self, reason: Option<&str>) {
        if matches!(self.connection.state(), LinkState::Joined) {
            let changes = self.connection.quit(self.now, reason);
            self.take_in(changes);
        } else {
            self.done = true;
        }
    }

    fn enter(&mut self, sure: bool) {
        let name = self.present_name().to_owned();
        let text = self.view().composer.text();
        if text.trim().is_empty() {
            return;
        }
        let is_command = text.starts_with('/') && !text.starts_with("//") && !text.contains('\n');
        let purpose = self.view().composer.purpose.clone();
        if let Some(Purpose::Edit { message_id }) = &purpose {
            if self.connection.edit(&name, message_id, &text) {
                self.view().composer.take();
            } else {
                self.hint =
                    Some("Nothing can be edited just now: there is no link, or the server cannot do it.".into());
            }
            return;
        }
        if is_command {
            self.view().composer.take();
            return self.command(&text);
        }
        if name == SERVER {
            self.hint = Some("Nobody reads here; go to a room with Ctrl-K, or enter one with /join ROOM.".to_owned());
            return;
        }
        let lines = text.trim_matches('\n').split('\n').count();
        if lines > LONG_TEXT && !sure {
            self.overlay = Some(Overlay::Long { lines });
            return;
        }
        let reply_to = match &purpose {
            Some(Purpose::Answer { message_id, .. }) => Some(message_id.as_str()),
            _ => None,
        };
        let said = text.strip_prefix("//").map_or_else(|| text.clone(), |rest| format!("/{rest}"));
        let posted = self.connection.post_reply(self.now, &name, &said, MessageKind::Text, reply_to);
        match posted {
            Ok(_) => {
                self.typing_said = None;
                self.view().composer.take();
                self.view().unread_from = None;
                self.show_end();
            }
            Err(_) => {
                self.hint = Some("Too many messages wait to be sent; wait until the link is back.".to_owned());
            }
        }
    }

    fn command(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["/query" | "/msg", name] => return self.go(name),
            ["/close"] => {
                let name = self.present_name().to_owned();
                if !slash_command::is_room(&name) {
                    self.conversations.close(&name);
                    self.views.remove(&name);
                    self.present = None;
                    return;
                }
            }
            _ => {}
        }
        match slash_command::parse(line) {
            Err(sentence) => self.hint = Some(sentence),
            Ok(Typed::Help) => self.overlay = Some(Overlay::Help { scrolled: 0 }),
            Ok(Typed::Quit(reason)) => self.leave(reason.as_deref()),
            Ok(typed) => {
                match &typed {
                    Typed::Join { rooms, .. } => {
                        let here: Option<String> = rooms.iter().find(|room| self.is_here(room)).cloned();
                        match here {
                            Some(room) => self.go(&room),
                            None => self.followed.extend(rooms.iter().map(|room| room_name(room))),
                        }
                    }
                    Typed::Group(names) => self.followed_group = !names.is_empty(),
                    Typed::Names(_) => self.asked_names = true,
                    Typed::Topic(None) => self.asked_topic = true,
                    Typed::Message { to, .. } => self.go(&to.clone()),
                    Typed::Search(words) => {
                        self.overlay =
                            Some(Overlay::Found { words: words.clone(), found: Vec::new(), at: 0, ended: false });
                    }
                    _ => {}
                }
                let present = self.present.clone().filter(|name| name != SERVER);
                let changes = self.connection.carry_out(self.now, typed, present.as_deref());
                self.take_in(changes);
            }
        }
    }

    fn overlay_key(&mut self, key: KeyEvent) {
        let Some(overlay) = self.overlay.take() else { return };
        if key.code == KeyCode::Esc && !matches!(overlay, Overlay::Login { .. }) {
            return;
        }
        match overlay {
            Overlay::Switcher { mut typed, mut at } => {
                let offered = self.offered(&typed);
                if key.code == KeyCode::Enter {
                    let wanted =
                        offered.get(at).cloned().or_else(|| Some(typed).filter(|typed| typed.starts_with('#')));
                    match wanted {
                        Some(room) if slash_command::is_room(&room) && !self.is_here(&room) => {
                            self.command(&format!("/join {room}"));
                        }
                        Some(name) => self.go(&name),
                        None => {}
                    }
                    return;
                }
                edit_query(key, &mut typed, &mut at, offered.len());
                self.overlay = Some(Overlay::Switcher { typed, at });
            }
            Overlay::Reactions { conversation, message_id, mut typed, mut at } => {
                let offered = App::offered_reactions(&typed);
                if key.code == KeyCode::Enter {
                    // What is no name of an emoji is a reaction of its own: an emoji that was pasted, or a word.
                    let reaction = offered.get(at).map_or(typed.trim().to_owned(), |(_, emoji)| (*emoji).to_owned());
                    if !reaction.is_empty() {
                        self.react(&conversation, &message_id, &reaction);
                    }
                    return;
                }
                edit_query(key, &mut typed, &mut at, offered.len());
                self.overlay = Some(Overlay::Reactions { conversation, message_id, typed, at });
            }
            Overlay::Keys { scrolled } => {
                if let Some(scrolled) = scrolled_by(key, scrolled) {
                    self.overlay = Some(Overlay::Keys { scrolled });
                }
            }
            Overlay::Help { scrolled } => {
                if let Some(scrolled) = scrolled_by(key, scrolled) {
                    self.overlay = Some(Overlay::Help { scrolled });
                }
            }
            Overlay::Wire { scrolled } => {
                let scrolled = match key.code {
                    KeyCode::Up => scrolled + 1,
                    KeyCode::Down => scrolled.saturating_sub(1),
                    KeyCode::PageUp => scrolled + 10,
                    KeyCode::PageDown => scrolled.saturating_sub(10),
                    KeyCode::End => 0,
                    _ => scrolled,
                };
                self.overlay =
                    Some(Overlay::Wire { scrolled: scrolled.min(self.wire.lines().len().saturating_sub(1)) });
            }
            Overlay::Found { words, found, mut at, ended } => {
                match key.code {
                    KeyCode::Up => at = at.saturating_sub(1),
                    KeyCode::Down => at = (at + 1).min(found.len().saturating_sub(1)),
                    KeyCode::Enter => {
                        if let Some(message) = found.get(at) {
                            let (name, id) = (message.room_name.to_string(), message.id.clone());
                            self.go(&name);
                            if let Some(id) = id {
                                self.jump(&name, Jump::Message(id.to_string()));
                            }
                            return;
                        }
                    }
                    _ => {}
                }
                self.overlay = Some(Overlay::Found { words, found, at, ended });
            }
            Overlay::Long { lines } => match key.code {
                KeyCode::Enter => self.enter(true),
                _ => self.overlay = Some(Overlay::Long { lines }),
            },
            Overlay::Login { sentence, mut typed } => {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                let login = match key.code {
                    KeyCode::Esc => Some(Login::Guest),
                    KeyCode::Enter if typed.0.is_empty() => None,
                    KeyCode::Enter => Some(Login::Account { password: Password::new(typed.0.as_str()) }),
                    KeyCode::Char('r') if control && !typed.0.is_empty() => {
                        Some(Login::Register { password: Password::new(typed.0.as_str()), email: None })
                    }
                    KeyCode::Backspace => {
                        typed.0.pop();
                        None
                    }
                    KeyCode::Char(c) if !control => {
                        typed.0.push(c);
                        None
                    }
                    _ => None,
                };
                match login {
                    Some(login) => {
                        self.typed_password = match &login {
                            Login::Guest => None,
                            Login::Account { password } | Login::Register { password, .. } => Some(password.clone()),
                        };
                        let changes = self.connection.log_in_again(self.now, login);
                        self.take_in(changes);
                    }
                    None => self.overlay = Some(Overlay::Login { sentence, typed }),
                }
            }
        }
    }

    fn react_to(&mut self, change: Change) {
        match change {
            Change::Joined { place, own: true, .. } => {
                let rooms = self.connection.rooms();
                let before = self.followed.len();
                self.followed.retain(|room| !rooms.same(room, &place.room_name));
                let is_group = place.room_name.starts_with("#+") && std::mem::take(&mut self.followed_group);
                if self.followed.len() < before || is_group {
                    self.go(&place.room_name);
                }
            }
            Change::Left { place, own: true, .. } => {
                if self.conversations.same(self.present_name(), &place.room_name) {
                    self.present = None;
                }
                self.conversations.close(&place.room_name);
            }
            Change::Kicked { place, own: true, by, reason, .. } => {
                let why = reason.map_or_else(String::new, |why| format!(" ({why})"));
                self.hint = Some(format!("You were put out of {} by {}{why}.", place.room_name, by.name));
            }
            Change::MessageAdded(message) => {
                let named =
                    message.direct || client_core::conversations::mentions(&message.payload, self.connection.name());
                if !message.own && named && !self.focused {
                    let text = message.payload.lines().next().unwrap_or_default();
                    let text = super::flow::cut(text, 80);
                    self.alert = Some(format!("{}: {text}", message.sender.name));
                }
            }
            Change::Found(message) => {
                if let Some(Overlay::Found { found, .. }) = &mut self.overlay
                    && found.len() < MOST_FOUND
                {
                    found.push(message);
                }
            }
            Change::SearchEnded { .. } => {
                if let Some(Overlay::Found { found, ended, at, .. }) = &mut self.overlay {
                    *ended = true;
                    // The newest is what one mostly looks for.
                    *at = found.len().saturating_sub(1);
                }
            }
            Change::Information { sentence } => self.tell(sentence),
            Change::Refused { sentence } => {
                if matches!(self.overlay, Some(Overlay::Found { .. })) {
                    self.overlay = None;
                }
                self.hint = Some(sentence);
            }
            Change::JoinRefused { room_name, sentence } => {
                self.followed.retain(|room| !self.connection.rooms().same(room, &room_name));
                self.hint = Some(sentence.clone());
                self.conversations.remark(SERVER, sentence, self.now.wall);
                if self.conversations.same(self.present_name(), &room_name) {
                    self.present = None;
                }
            }
            // The list stands beside the conversation, and the topic above it: told only when asked for by hand.
            Change::Members { room_name, names } if std::mem::take(&mut self.asked_names) => {
                self.tell(format!("here in {room_name}: {}", names.join(", ")));
            }
            Change::TopicIs { place, topic } if std::mem::take(&mut self.asked_topic) => {
                self.tell(format!("the topic of {}: {topic}", place.room_name));
            }
            Change::Invited { room_name, by, own: true, .. } => {
                let sentence = format!("{} invites you to {room_name}; enter it with /join {room_name}", by.name);
                self.hint = Some(sentence.clone());
                self.conversations.remark(SERVER, sentence, self.now.wall);
            }
            Change::Notice { from, text, timestamp } => {
                self.conversations.remark(SERVER, format!("{from}: {text}"), timestamp);
            }
            Change::MessageOfTheDay { text } => self.conversations.remark(SERVER, text, self.now.wall),
            Change::LinkDead { sentence } => self.failure = Some(sentence),
            Change::Welcome { .. } => self.failure = None,
            Change::LoginRefused { sentence, wrong_password } => {
                self.login_refused = Some(sentence);
                self.password_wrong |= wrong_password;
            }
            Change::Closed { .. } => match self.login_refused.take() {
                Some(sentence) => self.overlay = Some(Overlay::Login { sentence, typed: Secret::default() }),
                None => self.done = true,
            },
            Change::Conversation(ConversationChange::History { room_name, .. }) => self.jump_if_there(&room_name),
            Change::Conversation(ConversationChange::HistoryRefused { room_name, sentence, .. }) => {
                if let Some(view) = self.views.get_mut(room_name.as_str())
                    && view.jump.take().is_some()
                {
                    self.hint = Some(sentence);
                }
            }
            Change::Conversation(ConversationChange::RoomRenamed { from, to, .. }) => {
                if self.conversations.same(self.present_name(), &from) {
                    self.present = Some(to.to_string());
                }
                if let Some(view) = self.views.remove(from.as_str()) {
                    self.views.insert(to.to_string(), view);
                }
            }
            _ => {}
        }
    }

    /// An answer to what was asked: where one is.
    fn tell(&mut self, sentence: String) {
        let name = self.present_name().to_owned();
        self.conversations.remark(&name, sentence, self.now.wall);
    }

    fn completions(&self) -> (Vec<String>, Vec<String>) {
        let rooms = self.connection.rooms();
        let mut people: Vec<String> = Vec::new();
        // Whoever spoke last is meant most often.
        if let Some(conversation) = self.conversations.find(self.present_name()) {
            for said in conversation.entries().iter().rev().take(200).filter_map(|entry| entry.said()) {
                if !said.own && !people.iter().any(|name| *name == said.sender.name.as_str()) {
                    people.push(said.sender.name.to_string());
                }
            }
        }
        if let Some(room) = rooms.find(self.present_name()) {
            for member in room.members() {
                let is_own = rooms.same(&member.name, self.connection.name());
                if !is_own && !people.iter().any(|name| *name == member.name.as_str()) {
                    people.push(member.name.to_string());
                }
            }
        }
        (people, rooms.iter().map(|room| room.name.to_string()).collect())
    }

    fn say_typing(&mut self) {
        let name = self.present_name().to_owned();
        let text = self.view().composer.text();
        let writes = !text.trim().is_empty() && !text.starts_with('/') && name != SERVER;
        if !writes {
            return self.stop_typing();
        }
        let again = match &self.typing_said {
            Some((said, at)) => *said != name || self.now.since_start >= *at + TYPING_AGAIN,
            None => true,
        };
        if again && self.is_here(&name) && self.connection.say_typing(&name, Typing::Active) {
            self.typing_said = Some((name, self.now.since_start));
        }
    }

    fn stop_typing(&mut self) {
        if let Some((name, _)) = self.typing_said.take() {
            self.connection.say_typing(&name, Typing::Done);
        }
    }

    fn go_along(&mut self, step: isize) {
        let list = self.list();
        if list.is_empty() {
            return;
        }
        let at = list.iter().position(|listed| listed.name == self.present_name()).unwrap_or(0);
        let count = list.len().cast_signed();
        let next = (at.cast_signed() + step).rem_euclid(count).cast_unsigned();
        let name = list[next].name.clone();
        self.go(&name);
    }

    fn go_to_unread(&mut self) {
        let mut list = self.list();
        list.retain(|listed| listed.unread > 0 && listed.name != self.present_name());
        list.sort_by_key(|listed| std::cmp::Reverse(listed.mentions > 0));
        match list.first() {
            Some(listed) => {
                let name = listed.name.clone();
                self.go(&name);
            }
            None => self.hint = Some("Nothing is unread elsewhere.".to_owned()),
        }
    }

    pub fn show_end(&mut self) {
        let name = self.present_name().to_owned();
        let at_end = self.conversations.find(&name).is_none_or(|found| found.is_at_end());
        if !at_end {
            self.conversations.return_to_end(&name);
        }
        let view = self.view();
        view.anchor = None;
        view.selected = None;
        view.jump = None;
    }

    fn jump_to_unread(&mut self) {
        let name = self.present_name().to_owned();
        let from = self.view().unread_from;
        match from {
            Some(marker) => self.jump(&name, Jump::Unread(marker)),
            None => self.hint = Some("Nothing was unread here.".to_owned()),
        }
    }

    fn jump(&mut self, name: &str, jump: Jump) {
        let conversation = self.conversations.open(name);
        let is_there = match &jump {
            Jump::Message(id) => conversation.message(id).is_some(),
            Jump::Unread(marker) => {
                conversation.begins_here()
                    || conversation.entries().front().is_some_and(|entry| entry.timestamp <= *marker)
            }
        };
        let anchor = match &jump {
            Jump::Message(id) => Anchor::Message(id.as_str().into()),
            Jump::Unread(marker) => Anchor::Time(*marker),
        };
        self.views.entry(name.to_owned()).or_default().jump = Some(jump);
        if is_there {
            self.jump_if_there(name);
        } else if !self.connection.ask_history(self.now, name, Page::Around(anchor)) {
            self.views.entry(name.to_owned()).or_default().jump = None;
            self.hint = Some("What was said then cannot be loaded just now.".to_owned());
        }
    }

    fn jump_if_there(&mut self, name: &str) {
        let Some(conversation) = self.conversations.find(name) else { return };
        let Some(view) = self.views.get_mut(conversation.name.as_str()) else { return };
        let entries = conversation.entries();
        let found = match &view.jump {
            Some(Jump::Message(id)) => conversation.message(id).map(|(at, _)| at),
            Some(Jump::Unread(marker)) => {
                entries.iter().position(|entry| entry.timestamp > *marker && entry.said().is_some_and(|said| !said.own))
            }
            None => None,
        };
        if let Some(at) = found {
            let is_message = matches!(view.jump, Some(Jump::Message(_)));
            view.jump = None;
            view.selected = is_message.then(|| entries[at].id);
            // A few below it, so that it stands amid what was said around it.
            let below = if is_message { at + 4 } else { at + usize::from(self.places.timeline.height / 2) };
            view.anchor = entries.get(below).map(|entry| (entry.id, 0));
            if view.anchor.is_none() && !conversation.is_at_end() {
                view.anchor = entries.back().map(|entry| (entry.id, 0));
            }
        }
    }

    /// Up is positive.
    pub fn scroll(&mut self, rows: isize) {
        if let Some(Overlay::Keys { scrolled } | Overlay::Help { scrolled }) = &mut self.overlay {
            *scrolled = scrolled.saturating_add_signed(i16::try_from(-rows).unwrap_or(0));
            return;
        }
        if let Some(Overlay::Wire { scrolled }) = &mut self.overlay {
            *scrolled = scrolled.saturating_add_signed(rows).min(self.wire.lines().len().saturating_sub(1));
            return;
        }
        let name = self.present_name().to_owned();
        self.scroll_by(&name, rows);
    }

    fn select(&mut self, step: isize) {
        let name = self.present_name().to_owned();
        let Some(conversation) = self.conversations.find(&name) else { return };
        let entries = conversation.entries();
        let can = |at: usize| matches!(entries[at].what, What::Said(_) | What::Failed { .. });
        let view = self.views.entry(name.clone()).or_default();
        let at = match view.selected.and_then(|id| conversation.place_of(id)) {
            Some(at) if step < 0 => (0..at).rev().find(|at| can(*at)).or(Some(at)),
            Some(at) => (at + 1..entries.len()).find(|at| can(*at)),
            None if step < 0 => {
                let last = view.visible.and_then(|(_, last)| conversation.place_of(last)).unwrap_or(entries.len());
                (0..entries.len().min(last + 1)).rev().find(|at| can(*at))
            }
            None => None,
        };
        view.selected = at.map(|at| entries[at].id);
        if let Some(at) = at
            && let Some((first, last)) = view.visible
        {
            let id = entries[at].id;
            let first = conversation.place_of(first).unwrap_or(0);
            let last = conversation.place_of(last).unwrap_or(entries.len());
            if at > last {
                view.anchor = if at + 1 == entries.len() { None } else { Some((id, 0)) };
            } else if at <= first {
                let height = usize::from(self.places.timeline.height);
                self.scroll_by(&name, isize::try_from(height / 2).unwrap_or(5));
            }
        } else if at.is_none() && step > 0 {
            self.show_end();
        }
    }

    /// Id, text, and whether it is one's own.
    fn selected_message(&mut self) -> Option<(String, String, bool)> {
        let id = self.view().selected?;
        let said = self.conversations.find(self.present_name())?.entry(id)?.said()?;
        if said.id.is_empty() || said.deleted.is_some() {
            self.hint = Some("Nothing can be done with this one.".to_owned());
            return None;
        }
        Some((said.id.to_string(), said.payload.clone(), said.own))
    }

    fn selected_text(&mut self) -> Option<String> {
        let id = self.view().selected?;
        let entry = self.conversations.find(self.present_name())?.entry(id)?;
        match &entry.what {
            What::Said(said) => Some(said.payload.clone()),
            What::Failed { payload, .. } => Some(payload.clone()),
            _ => None,
        }
    }

    fn answer(&mut self) {
        let Some(id) = self.view().selected else { return };
        let Some((message_id, payload, _)) = self.selected_message() else { return };
        let sender = self
            .conversations
            .find(self.present_name())
            .and_then(|found| found.entry(id)?.said().map(|said| said.sender.name.to_string()))
            .unwrap_or_default();
        let view = self.view();
        view.selected = None;
        let brief = format!("{sender}: {}", payload.replace('\n', " "));
        view.composer.purpose = Some(Purpose::Answer { message_id, brief });
    }

    fn delete(&mut self, asked_before: Option<EntryId>) {
        let Some(id) = self.view().selected else { return };
        let name = self.present_name().to_owned();
        if self.conversations.take_failed(&name, id).is_some() {
            self.view().selected = None;
            return;
        }
        let Some((message_id, _, own)) = self.selected_message() else { return };
        if !own && !self.moderates(&name) {
            self.hint = Some("Only your own messages can be deleted by you here.".to_owned());
        } else if asked_before == Some(id) {
            self.view().selected = None;
            if !self.connection.delete(&name, &message_id) {
                self.hint =
                    Some("Nothing can be deleted just now: there is no link, or the server cannot do it.".into());
            }
        } else {
            self.view().deleting = Some(id);
            self.hint = Some("Press x once more to delete this message for everyone.".to_owned());
        }
    }

    /// The keys that do something with what is selected.
    pub fn offered_actions(&mut self) -> String {
        let name = self.present_name().to_owned();
        let moderates = self.moderates(&name);
        let selected = self.view().selected;
        let entry = self.conversations.find(&name).and_then(|found| found.entry(selected?));
        let mut actions = Vec::new();
        match entry.map(|entry| &entry.what) {
            Some(What::Said(said)) if !said.id.is_empty() && said.deleted.is_none() => {
                actions.extend(["r answer", "+ react"]);
                actions.extend(said.own.then_some("e edit"));
                actions.extend((said.own || moderates).then_some("x delete"));
                actions.push("c copy");
                actions.extend(said.reply_to.as_ref().map(|_| "p parent"));
            }
            Some(What::Failed { .. }) => actions.extend(["u again", "x away", "c copy"]),
            _ => {}
        }
        actions.push("Esc");
        actions.join("  ")
    }

    /// Whether one may take others' messages away: half-operators and above.
    fn moderates(&self, room: &str) -> bool {
        let rooms = self.connection.rooms();
        rooms.find(room).is_some_and(|room| {
            room.members()
                .find(|member| rooms.same(&member.name, self.connection.name()))
                .is_some_and(|member| member.ranks.contains(['~', '&', '@', '%']))
        })
    }

    fn react(&mut self, conversation: &str, message_id: &str, reaction: &str) {
        let given = self
            .conversations
            .find(conversation)
            .and_then(|found| found.message(message_id))
            .is_some_and(|(_, said)| said.reactions.iter().any(|known| known.text == reaction && known.own));
        self.view().selected = None;
        if !self.connection.react(conversation, message_id, reaction, !given) {
            self.hint = Some("Nobody can be told just now: there is no link, or the server cannot do it.".to_owned());
        }
    }

    fn show_parent(&mut self) {
        let Some(id) = self.view().selected else { return };
        let name = self.present_name().to_owned();
        let parent = self
            .conversations
            .find(&name)
            .and_then(|found| found.entry(id)?.said()?.reply_to.as_ref().map(ToString::to_string));
        match parent {
            Some(parent) => self.jump(&name, Jump::Message(parent)),
            None => self.hint = Some("This message answers no other.".to_owned()),
        }
    }

    fn send_again(&mut self) {
        let Some(id) = self.view().selected else { return };
        let name = self.present_name().to_owned();
        if let Some((payload, kind)) = self.conversations.take_failed(&name, id) {
            self.view().selected = None;
            let _ = self.connection.post_reply(self.now, &name, &payload, kind, None);
        }
    }
}

fn edit_query(key: KeyEvent, typed: &mut String, at: &mut usize, offered: usize) {
    match key.code {
        KeyCode::Up => *at = at.saturating_sub(1),
        KeyCode::Down | KeyCode::Tab => *at = (*at + 1).min(offered.saturating_sub(1)),
        KeyCode::Backspace => {
            typed.pop();
            *at = 0;
        }
        KeyCode::Char('k') if key.modifiers.contains(KeyModifiers::CONTROL) => {
            *at = (*at + 1).min(offered.saturating_sub(1));
        }
        KeyCode::Char(c) if !key.modifiers.contains(KeyModifiers::CONTROL) => {
            typed.push(c);
            *at = 0;
        }
        _ => {}
    }
}

fn scrolled_by(key: KeyEvent, scrolled: u16) -> Option<u16> {
    match key.code {
        KeyCode::Up => Some(scrolled.saturating_sub(1)),
        KeyCode::Down => Some(scrolled.saturating_add(1)),
        KeyCode::PageUp => Some(scrolled.saturating_sub(10)),
        KeyCode::PageDown => Some(scrolled.saturating_add(10)),
        _ => None,
    }
}
