//! What keys, the mouse and typed commands do.

use client_core::slash_command::{self, room_name};
use client_core::{LinkState, MessageKind, Typed, Typing};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::{App, LONG_TEXT, Overlay, SERVER, TYPING_AGAIN};
use crate::full_screen::composer::Purpose;
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
        let is_asked = matches!(self.overlay, Some(Overlay::Login { .. }));
        match key.code {
            KeyCode::Char('c') if control => return self.asked_to_leave(leaving),
            KeyCode::F(1) if !is_asked => {
                self.overlay = match self.overlay {
                    Some(Overlay::Keys { .. }) => None,
                    _ => Some(Overlay::Keys { scrolled: 0 }),
                };
                return;
            }
            KeyCode::F(12) if !is_asked => {
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
                if let Some(listed) = self.whole_list().get(at) {
                    self.go_to(listed.server, &listed.name);
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

    pub(super) fn writing_key(&mut self, key: KeyEvent, control: bool, alt: bool) {
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
    pub(super) fn selection_key(&mut self, key: KeyEvent) {
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

    pub(super) fn asked_to_leave(&mut self, again: bool) {
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
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["/query" | "/msg", name] => return self.go(name),
            ["/server" | "/connect"] => {
                let others =
                    self.neighbours.iter().map(|other| (other.place, format!("{} ({})", other.server, other.words)));
                let own = (self.place, format!("{} ({}, shown)", self.server, self.state_words().0));
                let mut servers: Vec<(usize, String)> = others.chain([own]).collect();
                servers.sort();
                let servers: Vec<String> = servers.into_iter().map(|(_, words)| words).collect();
                let sentence = format!("you are on {}; /server [NAME@]HOST goes to one more", servers.join(", "));
                return self.tell(sentence);
            }
            ["/server" | "/connect", address, rooms @ ..] => {
                let rooms = rooms.iter().map(|room| room_name(room)).collect();
                self.wish = Some(Wish::Connect { address: (*address).to_owned(), rooms });
                return;
            }
            ["/disconnect"] => {
                self.wish = Some(Wish::Disconnect);
                return;
            }
            ["/reconnect"] => {
                self.wish = Some(Wish::Reconnect);
                return;
            }
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

    pub(super) fn completions(&self) -> (Vec<String>, Vec<String>) {
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

    pub(super) fn say_typing(&mut self) {
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
