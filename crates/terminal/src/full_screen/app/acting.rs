//! What keys, the mouse and typed commands do.

use client_core::slash_command::{self, room_name};
use client_core::{LinkState, MessageKind, Typed, Typing};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{App, LONG_TEXT, Overlay, SERVER, TYPING_AGAIN};
use crate::full_screen::composer::Purpose;
use crate::full_screen::keys::Action;
use crate::full_screen::servers::Wish;

impl App {
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
            // Who one is, is still to be answered.
            MouseEventKind::Down(_) if matches!(self.overlay, Some(Overlay::Login { .. })) => {}
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_some() => self.overlay = None,
            MouseEventKind::Down(MouseButton::Left) if self.places.list.contains(at) => {
                let row = usize::from(event.row - self.places.list.y);
                match self.places.listed.get(row).cloned() {
                    Some((server, Some(name))) => self.go_to(server, &name),
                    Some((server, None)) if server == self.place => self.go(SERVER),
                    Some((server, None)) => self.wish = Some(Wish::Show { server, name: None }),
                    None => {}
                }
            }
            MouseEventKind::Down(MouseButton::Left) if self.places.timeline.contains(at) => {
                self.drag = Some((at, at));
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                if let Some((_, to)) = &mut self.drag {
                    *to = at;
                }
            }
            MouseEventKind::Up(MouseButton::Left) => match self.drag.take() {
                Some((from, to)) if from != to => self.copy_dragged(from, to),
                Some((from, _)) => {
                    let row = usize::from(from.y.saturating_sub(self.places.timeline.y));
                    let clicked = self.places.rows.get(row).copied().flatten();
                    let view = self.view();
                    view.selected = if view.selected == clicked { None } else { clicked };
                }
                None => {}
            },
            _ => {}
        }
    }

    pub fn key(&mut self, key: KeyEvent) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        self.hint = None;
        self.drag = None;
        let leaving = std::mem::take(&mut self.leaving);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let is_asked = matches!(self.overlay, Some(Overlay::Login { .. }));
        let action = self.keymap.anywhere(key);
        match action {
            _ if control && key.code == KeyCode::Char('c') => return self.asked_to_leave(leaving),
            Some(Action::KeySheet) if !is_asked => {
                self.overlay = match self.overlay {
                    Some(Overlay::Keys { .. }) => None,
                    _ => Some(Overlay::Keys { scrolled: 0 }),
                };
                return;
            }
            Some(Action::Wire) if !is_asked => {
                self.overlay = match self.overlay {
                    Some(Overlay::Wire { .. }) => None,
                    _ => Some(Overlay::Wire { scrolled: 0, unfolded: None }),
                };
                return;
            }
            Some(Action::Redraw) => {
                self.redraw = true;
                return;
            }
            _ => {}
        }
        if self.overlay.is_some() {
            return self.overlay_key(key);
        }
        if let Some(action) = action
            && self.act(action)
        {
            return;
        }
        match key.code {
            KeyCode::Char('d') if control && self.view().composer.is_empty() => self.leave(None),
            KeyCode::Char(digit @ '1'..='9') if alt => {
                let at = usize::from(digit as u8 - b'1');
                if let Some(listed) = self.whole_list().get(at) {
                    self.go_to(listed.server, &listed.name);
                }
            }
            _ if self.view().selected.is_some() => self.selection_key(key),
            _ => self.writing_key(key),
        }
    }

    /// What can be done at any time. `false`: not now.
    fn act(&mut self, action: Action) -> bool {
        let half = isize::try_from(self.places.timeline.height / 2 + 1).unwrap_or(10);
        let writes = self.view().selected.is_none();
        match action {
            Action::Switcher => self.overlay = Some(Overlay::Switcher { typed: String::new(), at: 0 }),
            Action::Next => self.go_along(1),
            Action::Previous => self.go_along(-1),
            Action::Unread => self.go_to_unread(),
            // What is as the width has it anyway goes on following the width.
            Action::Rooms => {
                let wanted = self.places.list.width == 0;
                self.show_list = (wanted != self.places.list_fits).then_some(wanted);
            }
            Action::People => {
                let wanted = !self.places.people;
                self.show_people = (wanted != self.places.people_fit).then_some(wanted);
            }
            Action::Mouse => {
                self.mouse = !self.mouse;
                let whose = if self.mouse { "this program" } else { "the terminal: select and copy with it" };
                let key = self.keymap.first(Action::Mouse);
                self.hint = Some(format!("The mouse belongs to {whose}. {key} changes that."));
            }
            Action::Search => self.view().composer.interrupt("/search "),
            Action::Pins => self.show_pins(),
            Action::Select => self.select(-1),
            Action::SelectDown => self.select(1),
            Action::ScrollUp => self.scroll(half),
            Action::ScrollDown => self.scroll(-half),
            Action::FirstUnread => self.jump_to_unread(),
            Action::End => self.show_end(),
            Action::Read => self.take_for_read(false),
            Action::Mute => self.mute(None),
            Action::NewLine if writes => self.view().composer.new_line(),
            Action::Undo if writes => self.view().composer.undo(),
            Action::Redo if writes => self.view().composer.redo(),
            _ => return false,
        }
        true
    }

    fn writing_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Enter => return self.enter(false),
            KeyCode::Tab | KeyCode::BackTab => {
                let (people, rooms) = self.completions();
                let commands: Vec<&str> = self.commands().iter().map(|help| help.name).collect();
                let backwards = key.code == KeyCode::BackTab;
                self.view().composer.complete(&commands, &people, &rooms, backwards);
            }
            KeyCode::Esc if self.view().composer.resume() => {}
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
        match self.keymap.of_message(key) {
            Some(action) => self.act_on_message(action, deleting),
            None => match key.code {
                KeyCode::Esc => self.view().selected = None,
                KeyCode::Up | KeyCode::Char('k') => self.select(-1),
                KeyCode::Down | KeyCode::Char('j') => self.select(1),
                _ => {}
            },
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

    /// Leaves all servers, and the program.
    pub fn leave(&mut self, reason: Option<&str>) {
        self.leaves = true;
        self.part(reason);
    }

    /// Says goodbye to this server.
    pub fn part(&mut self, reason: Option<&str>) {
        if matches!(self.connection.state(), LinkState::Joined) {
            let changes = self.connection.quit(self.now, reason);
            self.take_in(changes);
        } else {
            self.done = true;
        }
    }

    pub(super) fn enter(&mut self, sure: bool) {
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

    pub(super) fn command(&mut self, line: &str) {
        if self.command_of_the_screen(line) {
            return;
        }
        match slash_command::parse(line) {
            Err(sentence) => self.hint = Some(sentence),
            Ok(Typed::Help) => self.overlay = Some(Overlay::Help { scrolled: 0 }),
            Ok(Typed::Quit(reason)) => self.leave(reason.as_deref()),
            Ok(Typed::Pins) => self.show_pins(),
            Ok(typed) => {
                // Servers answer these by notices.
                self.asked_notices = matches!(&typed, Typed::Group(_) | Typed::Quote(_));
                match &typed {
                    Typed::Join { rooms, .. } => {
                        let here: Option<String> = rooms.iter().find(|room| self.is_here(room)).cloned();
                        match here {
                            Some(room) => self.go(&room),
                            None => self.followed.extend(rooms.iter().map(|room| room_name(room))),
                        }
                    }
                    Typed::Group(names) => self.followed_group = !names.is_empty(),
                    Typed::List if self.connection.state() == LinkState::Joined => {
                        self.overlay =
                            Some(Overlay::Rooms { rooms: Vec::new(), typed: String::new(), at: 0, ended: false });
                    }
                    Typed::Names(_) => self.asked_names = true,
                    Typed::Topic(None) => self.asked_topic = true,
                    Typed::Message { to, .. } => self.go(&to.clone()),
                    Typed::Search(words) => self.look_for(super::overlay::Looking::Words(words.clone())),
                    _ => {}
                }
                let present = self.present.clone().filter(|name| name != SERVER);
                let changes = self.connection.carry_out(self.now, typed, present.as_deref());
                self.take_in(changes);
            }
        }
    }

    /// Whether it was one that only a screen carries out.
    fn command_of_the_screen(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            // Of two there is no group, and it needs none.
            ["/query" | "/msg" | "/group", name] => self.go(name),
            ["/server" | "/connect"] => {
                let others = self.neighbours.iter();
                let others = others.map(|other| (other.place, format!("{} ({})", other.server, other.words)));
                let own = (self.place, format!("{} ({}, shown)", self.server, self.state_words().0));
                let mut servers: Vec<(usize, String)> = others.chain([own]).collect();
                servers.sort();
                let servers: Vec<String> = servers.into_iter().map(|(_, words)| words).collect();
                self.tell(format!("you are on {}; /server [NAME@]HOST goes to one more", servers.join(", ")));
            }
            ["/server" | "/connect", address, rooms @ ..] => {
                let rooms = rooms.iter().map(|room| room_name(room)).collect();
                self.wish = Some(Wish::Connect { address: (*address).to_owned(), rooms });
            }
            ["/disconnect"] => self.wish = Some(Wish::Disconnect),
            ["/reconnect"] => self.wish = Some(Wish::Reconnect),
            ["/read"] => self.take_for_read(false),
            ["/read", "all"] => self.take_for_read(true),
            ["/mute"] => self.mute(Some(true)),
            ["/unmute"] => self.mute(Some(false)),
            ["/close"] if !slash_command::is_room(self.present_name()) => {
                let name = self.present_name().to_owned();
                self.conversations.close(&name);
                self.views.remove(&name);
                self.present = None;
            }
            ["/close"] => self.command("/part"),
            _ => return false,
        }
        true
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
            let mut seen: std::collections::BTreeSet<&str> = people.iter().map(String::as_str).collect();
            let own = self.connection.name();
            let others = room.members().map(|member| member.name.as_str());
            let others = others.filter(|name| !rooms.same(name, own) && seen.insert(name));
            let others: Vec<String> = others.map(str::to_owned).collect();
            people.extend(others);
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

    pub(super) fn stop_typing(&mut self) {
        if let Some((name, _)) = self.typing_said.take() {
            self.connection.say_typing(&name, Typing::Done);
        }
    }
}
