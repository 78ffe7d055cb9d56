//! Everything that is on the screen, and what keys do to it. Knows no terminal and no socket: events come in, bytes and a
//! picture go out, so that tests drive it whole.

mod acting;
mod changes;
mod message;
mod overlay;
mod reading;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use client_core::conversations::{Entry, EntryId};
use client_core::rooms::Presence;
use client_core::{
    Anchor, Change, Connection, Conversations, LinkState, Login, Moment, Page, Password, Timestamp, slash_command,
};
use jiff::tz::TimeZone;
use ratatui::layout::{Position, Rect};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::composer::Composer;
use super::keys::Keymap;
use super::look::Look;
use super::servers::{Neighbour, Wish};
use super::wire_view::WireView;

pub use message::link_in;
pub use overlay::{Looking, Overlay, rooms_offered};

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
    /// When that was said: should it be gone, what was said next to it takes its place.
    pub anchored_at: Timestamp,
    pub selected: Option<EntryId>,
    /// The view stands still because something is selected, and goes back to the end behind that.
    held: bool,
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
    /// Which of the servers, in their order.
    pub server: usize,
    pub name: String,
    pub shown: String,
    pub unread: usize,
    pub more: bool,
    pub mentions: usize,
    pub muted: bool,
    pub here: bool,
}

/// Where things were drawn last, for the mouse.
#[derive(Debug, Default, Clone)]
pub struct Places {
    pub list: Rect,
    /// The server, and what of it; nothing for the line of the server itself.
    pub listed: Vec<(usize, Option<String>)>,
    pub timeline: Rect,
    pub rows: Vec<Option<EntryId>>,
    /// What the rows say, and where texts begin in them.
    pub texts: Vec<String>,
    pub text_column: u16,
    /// The entry below the line of what was unread.
    pub first_unread: Option<EntryId>,
    /// The list of people is shown.
    pub people: bool,
    /// The lists are shown in this width unless one wants otherwise.
    pub list_fits: bool,
    pub people_fit: bool,
}

impl Places {
    /// The columns of a row of the timeline that lie between two places, as one reads.
    pub fn columns_between(&self, row: u16, from: Position, to: Position) -> Range<u16> {
        let (first, last) = if (from.y, from.x) <= (to.y, to.x) { (from, to) } else { (to, from) };
        if row < first.y || row > last.y {
            return 0..0;
        }
        let left = self.timeline.x;
        // Whoever begins in a text means texts, and not times and names.
        let begin = if first.x >= left + self.text_column { left + self.text_column } else { left };
        let start = if row == first.y { first.x.max(left) } else { begin };
        let end = if row == last.y { (last.x + 1).min(self.timeline.right()) } else { self.timeline.right() };
        start..end.max(start)
    }

    fn text_between(&self, from: Position, to: Position) -> String {
        let mut lines = Vec::new();
        for (number, text) in self.texts.iter().enumerate() {
            let row = self.timeline.y + u16::try_from(number).unwrap_or(u16::MAX);
            let columns = self.columns_between(row, from, to);
            if columns.is_empty() {
                continue;
            }
            let mut column = self.timeline.x;
            let mut line = String::new();
            for cluster in text.graphemes(true) {
                if columns.contains(&column) {
                    line.push_str(cluster);
                }
                column += u16::try_from(cluster.width()).unwrap_or(1);
            }
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }
}

pub struct App {
    pub connection: Connection,
    pub conversations: Conversations,
    pub server: String,
    pub zone: TimeZone,
    pub look: Look,
    pub keymap: Arc<Keymap>,
    /// Text from right to left is brought into order here, and not by the terminal.
    pub orders: bool,
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
    /// The server has been reached, and has let one in.
    pub was_let_in: bool,
    pub places: Places,
    pub wire: WireView,
    /// The mouse is drawn over the conversation, from here to there.
    pub drag: Option<(Position, Position)>,
    /// The screen is to be drawn anew as a whole.
    pub redraw: bool,
    /// A link to be opened.
    pub opened: Option<String>,
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
    /// What the server says by notices answers the last command.
    asked_notices: bool,
    typing_said: Option<(String, Duration)>,
    login_refused: Option<String>,
    /// The password that was typed here last.
    pub typed_password: Option<Password>,
    /// The password that was answered before the screen: whoever is new makes an account with it by one key.
    pub answered_password: Option<Password>,
    /// A password was wrong: what is kept of it is of no use.
    pub password_wrong: bool,
    /// Which of the servers this one is, in their order.
    pub place: usize,
    /// The other servers that one is on, for the one that is in front.
    pub neighbours: Vec<Neighbour>,
    /// This one is on the screen.
    pub in_front: bool,
    /// What only the program around all servers can do.
    pub wish: Option<Wish>,
    /// Who one is, is still asked; before that there is no link.
    pub asks_login: bool,
    /// The system's keyring has been asked for the password, and has not answered.
    pub asks_keyring: bool,
    /// Why the server is not to be gone to again until the person says so.
    pub barred: Option<String>,
    /// The person leaves: all servers.
    pub leaves: bool,
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
            keymap: Arc::default(),
            orders: true,
            drag: None,
            redraw: false,
            opened: None,
            now,
            present,
            views: BTreeMap::new(),
            overlay: None,
            show_list: None,
            show_people: None,
            hint: None,
            opening: false,
            failure: None,
            was_let_in: false,
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
            asked_notices: false,
            typing_said: None,
            login_refused: None,
            typed_password: None,
            answered_password: None,
            password_wrong: false,
            place: 0,
            neighbours: Vec::new(),
            in_front: true,
            wish: None,
            asks_login: false,
            asks_keyring: false,
            barred: None,
            leaves: false,
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
        self.hold_still();
        if name == SERVER {
            return;
        }
        let joined = self.is_here(&name);
        let outdated = self.outdated_stretch(&name);
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
            } else if let Some(stretch) = outdated {
                self.connection.ask_history(self.now, &name, stretch);
            } else if let Some(page) = before.filter(|_| near_top || (visible.is_none() && empty)) {
                self.connection.ask_history(self.now, &name, page);
            } else if let Some(page) = after.filter(|_| near_end) {
                self.connection.ask_history(self.now, &name, page);
            }
        }
        self.conversations.hold(anchored.then_some(name.as_str()));
        if self.focused
            && self.in_front
            && !anchored
            && !stale
            && self.overlay.is_none()
            && let Some(up_to) = self.conversations.seen(&name)
        {
            self.connection.mark_read(&name, up_to);
        }
    }

    /// What is selected stays on the screen, however much is said meanwhile.
    fn hold_still(&mut self) {
        let view = self.view();
        match (view.selected, view.visible) {
            (Some(_), Some((_, last))) if view.anchor.is_none() => {
                view.anchor = Some((last, 0));
                view.held = true;
            }
            (None, _) if std::mem::take(&mut view.held) => self.show_end(),
            _ => {}
        }
    }

    /// What to ask for when one reads further up in what is from before the link was lost.
    fn outdated_stretch(&self, name: &str) -> Option<Page> {
        let (anchor, _) = self.views.get(name)?.anchor?;
        let conversation = self.conversations.find(name).filter(|found| found.is_outdated())?;
        let at = conversation.place_of(anchor)?;
        let id = |entry: &Entry| Some(entry.said()?.id.clone()).filter(|id| !id.is_empty());
        let (before, after) = (conversation.entries().range(..=at).rev(), conversation.entries().range(at..));
        Some(Page::Around(Anchor::Message(before.chain(after).find_map(id)?)))
    }

    /// What the window is called: where one is, and how much elsewhere waits for one.
    pub fn title(&self) -> String {
        let mentions: usize =
            self.whole_list().iter().filter(|listed| !listed.muted).map(|listed| listed.mentions).sum();
        let waiting = if mentions > 0 { format!("({mentions}) ") } else { String::new() };
        let name = if self.present_name() == SERVER { "parlor" } else { self.present_name() };
        crate::printable::printable(&format!("{waiting}{name} · {}", self.server)).into_owned()
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
                server: self.place,
                name: name.to_owned(),
                shown: shown.to_owned(),
                unread: unread.number,
                more: unread.is_more,
                mentions: mentions.number,
                muted: found.is_some_and(|found| found.is_muted()),
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

    /// The lists of all servers, in their order.
    pub fn whole_list(&self) -> Vec<Listed> {
        let mut list = self.list();
        list.extend(self.neighbours.iter().flat_map(|neighbour| neighbour.list.iter().cloned()));
        list.sort_by_key(|listed| listed.server);
        list
    }

    /// Shows a conversation of this server or of another one.
    pub fn go_to(&mut self, server: usize, name: &str) {
        if server == self.place {
            self.go(name);
        } else {
            self.stop_typing();
            self.wish = Some(Wish::Show { server, name: Some(name.to_owned()) });
        }
    }

    pub fn is_here(&self, name: &str) -> bool {
        if !slash_command::is_room(name) {
            return true;
        }
        self.connection.rooms().find(name).is_some_and(|room| room.presence == Presence::Joined)
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
            view.held = false;
        }
        let conversation = self.conversations.open(&name);
        let unread_from = conversation.read_up_to().filter(|_| conversation.unread().number > 0);
        let is_person = !conversation.is_room() && name != SERVER;
        if is_person && conversation.read_up_to().is_none() {
            self.connection.ask_read_marker(&name);
            self.connection.ask_muted(&name);
        }
        let view = self.views.entry(name.clone()).or_default();
        view.unread_from = unread_from;
        view.anchor = None;
        view.held = false;
        view.visible = None;
        self.present = Some(name);
    }

    /// Asks for a password, before there is a link or because of what the server said.
    pub fn ask_login(&mut self, sentence: String) {
        let typed = self.answered_password.take().map(|password| overlay::Secret::from_before(&password));
        self.overlay = Some(Overlay::Login { sentence, typed: typed.unwrap_or_default() });
    }

    /// With what was found or typed; whatever asked for it is over.
    pub fn log_in(&mut self, login: Login) {
        if matches!(self.overlay, Some(Overlay::Login { .. })) {
            self.overlay = None;
        }
        self.asks_login = false;
        let changes = self.connection.log_in_again(self.now, login);
        self.take_in(changes);
    }

    pub fn focus_changed(&mut self, focused: bool) {
        self.focused = focused;
    }
}
