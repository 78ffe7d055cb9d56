//! What stands in front of everything, and what keys do there.

use client_core::slash_command;
use client_core::{Login, Message, Password};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{App, Jump, SERVER};
use crate::full_screen::emoji::EMOJI;
use crate::full_screen::fuzzy;
use crate::full_screen::keys::Action;
use crate::full_screen::wire_view::Unfolded;

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
    /// Lines of the wire; so many of the last ones are below the screen. The last one that is shown may be
    /// unfolded.
    Wire {
        scrolled: usize,
        unfolded: Option<Unfolded>,
    },
    Found {
        looking: Looking,
        found: Vec<Message>,
        at: usize,
        ended: bool,
    },
    /// A long text is about to be sent.
    Long {
        lines: usize,
    },
    /// The rooms of the server.
    Rooms {
        rooms: Vec<RoomOffered>,
        typed: String,
        at: usize,
        ended: bool,
    },
    /// Why a message is to be reported.
    Report {
        conversation: String,
        message_id: String,
        who: String,
        typed: String,
    },
    /// Something that one must not miss; any key closes it.
    Notice {
        title: String,
        sentence: String,
    },
    /// The server let us not in, or does not know yet who comes.
    Login {
        sentence: String,
        typed: Secret,
    },
}

/// A room that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomOffered {
    pub name: String,
    pub people: usize,
    pub topic: String,
}

/// What messages are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looking {
    /// Those with these words.
    Words(String),
    /// Those that this conversation keeps in view.
    Pins(String),
}

/// A secret that is being typed: shown to nobody, not even in a debug print.
#[derive(Default)]
pub struct Secret {
    text: zeroize::Zeroizing<String>,
    /// It was answered before; who types now begins anew.
    pub is_from_before: bool,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("(a secret)")
    }
}

impl Secret {
    pub fn from_before(password: &Password) -> Secret {
        Secret { text: zeroize::Zeroizing::new(password.reveal().to_owned()), is_from_before: true }
    }

    pub fn length(&self) -> usize {
        self.text.chars().count()
    }

    fn begin_anew(&mut self) {
        if std::mem::take(&mut self.is_from_before) {
            self.text.clear();
        }
    }
}

impl App {
    /// What one is offered while typing in the switcher.
    pub fn offered(&self, typed: &str) -> Vec<(usize, String)> {
        let mut list = self.whole_list();
        let present = self.present_name();
        // Where something waits is meant most often, and where one is already least.
        list.sort_by_key(|listed| {
            let is_here = listed.server == self.place;
            let waits = std::cmp::Reverse((listed.mentions > 0, listed.unread > 0 && !listed.muted));
            (is_here && listed.name == present, waits, !is_here)
        });
        let mut names: Vec<(usize, String)> = list.into_iter().map(|listed| (listed.server, listed.name)).collect();
        for room in self.connection.rooms().iter() {
            for member in room.members() {
                if !self.connection.rooms().same(&member.name, self.connection.name()) {
                    names.push((self.place, member.name.to_string()));
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|(server, name)| name != SERVER && seen.insert((*server, name.to_lowercase())));
        let mut scored: Vec<(i64, usize, (usize, String))> = names
            .into_iter()
            .enumerate()
            .filter_map(|(at, name)| {
                let score = if typed.is_empty() { 0 } else { fuzzy::score(typed, &name.1)? };
                Some((-score, at, name))
            })
            .collect();
        scored.sort();
        scored.into_iter().map(|(_, _, name)| name).take(12).collect()
    }

    pub(super) fn look_for(&mut self, looking: Looking) {
        self.overlay = Some(Overlay::Found { looking, found: Vec::new(), at: 0, ended: false });
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

    pub(super) fn overlay_key(&mut self, key: KeyEvent) {
        let Some(overlay) = self.overlay.take() else { return };
        if key.code == KeyCode::Esc && !matches!(overlay, Overlay::Login { .. }) {
            return;
        }
        match overlay {
            Overlay::Switcher { mut typed, mut at } => {
                let offered = self.offered(&typed);
                if key.code == KeyCode::Enter {
                    let typed = Some((self.place, typed)).filter(|(_, typed)| typed.starts_with('#'));
                    match offered.get(at).cloned().or(typed) {
                        Some((server, room))
                            if server == self.place && slash_command::is_room(&room) && !self.is_here(&room) =>
                        {
                            self.command(&format!("/join {room}"));
                        }
                        Some((server, name)) => self.go_to(server, &name),
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
            Overlay::Wire { scrolled, unfolded } => {
                let scrolled = self.wire.below(scrolled, unfolded);
                let scrolled = match key.code {
                    KeyCode::Up => scrolled + 1,
                    KeyCode::Down => scrolled.saturating_sub(1),
                    KeyCode::PageUp => scrolled + 10,
                    KeyCode::PageDown => scrolled.saturating_sub(10),
                    KeyCode::End => 0,
                    _ => scrolled,
                };
                let scrolled = match (key.code, unfolded, scrolled) {
                    // Behind what was said comes what the programs say to each other.
                    (KeyCode::Enter, None, 0) => self.wire.after_last_said(),
                    (_, _, scrolled) => self.wire.below(scrolled, None),
                };
                let row = match (key.code, unfolded.map(|unfolded| unfolded.row)) {
                    (KeyCode::Enter, None) => {
                        self.connection.ask_connection();
                        Some(0)
                    }
                    (KeyCode::Enter, Some(_)) => None,
                    (KeyCode::Right | KeyCode::Tab, Some(row)) => Some(row + 1),
                    (KeyCode::Left | KeyCode::BackTab, Some(row)) => Some(row.saturating_sub(1)),
                    (_, row) => row,
                };
                let last_row = self.wire.rows(scrolled).len().saturating_sub(1);
                let unfolded = row.map(|row| self.wire.unfold(row.min(last_row)));
                self.overlay = Some(Overlay::Wire { scrolled, unfolded });
            }
            Overlay::Found { looking, found, mut at, ended } => {
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
                // What is pinned can be unpinned here, and is shown anew.
                if let (Looking::Pins(room), Some(Action::Pin | Action::Delete)) =
                    (&looking, self.keymap.of_message(key))
                    && let Some(id) = found.get(at).and_then(|message| message.id.clone())
                    && self.may_pin(room)
                {
                    self.connection.pin(room, &id, false);
                    self.connection.ask_pins(room);
                }
                self.overlay = Some(Overlay::Found { looking, found, at, ended });
            }
            Overlay::Rooms { rooms, mut typed, mut at, ended } => {
                let offered = rooms_offered(&rooms, &typed);
                if key.code == KeyCode::Enter {
                    if let Some(room) = offered.get(at) {
                        self.command(&format!("/join {}", room.name));
                    }
                    return;
                }
                let count = offered.len();
                edit_query(key, &mut typed, &mut at, count);
                self.overlay = Some(Overlay::Rooms { rooms, typed, at, ended });
            }
            Overlay::Report { conversation, message_id, who, mut typed } => {
                if key.code == KeyCode::Enter && !typed.trim().is_empty() {
                    self.view().selected = None;
                    if !self.connection.report(&conversation, &message_id, typed.trim()) {
                        self.hint = Some("Nothing can be reported just now: there is no link.".to_owned());
                    }
                    return;
                }
                edit_query(key, &mut typed, &mut 0, 0);
                self.overlay = Some(Overlay::Report { conversation, message_id, who, typed });
            }
            Overlay::Notice { .. } => {}
            Overlay::Long { lines } => match key.code {
                KeyCode::Enter => self.enter(true),
                _ => self.overlay = Some(Overlay::Long { lines }),
            },
            Overlay::Login { sentence, mut typed } => {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                let login = match key.code {
                    KeyCode::Esc => Some(Login::Guest),
                    KeyCode::Enter if typed.text.is_empty() => None,
                    KeyCode::Enter => Some(Login::Account { password: Password::new(typed.text.as_str()) }),
                    KeyCode::Char('r') if control && !typed.text.is_empty() => {
                        Some(Login::Register { password: Password::new(typed.text.as_str()), email: None })
                    }
                    KeyCode::Backspace => {
                        typed.begin_anew();
                        typed.text.pop();
                        None
                    }
                    KeyCode::Char(c) if !control => {
                        typed.begin_anew();
                        typed.text.push(c);
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
                        self.log_in(login);
                    }
                    None => self.overlay = Some(Overlay::Login { sentence, typed }),
                }
            }
        }
    }
}

/// Those that answer to what is typed, the best first; of all of them those with most people.
pub fn rooms_offered<'r>(rooms: &'r [RoomOffered], typed: &str) -> Vec<&'r RoomOffered> {
    let score = |room: &RoomOffered| fuzzy::score(typed, &format!("{} {}", room.name, room.topic));
    let mut offered: Vec<(i64, &RoomOffered)> =
        rooms.iter().filter_map(|room| Some((if typed.is_empty() { 0 } else { score(room)? }, room))).collect();
    offered.sort_by_key(|(score, room)| (std::cmp::Reverse(*score), std::cmp::Reverse(room.people), &room.name));
    offered.into_iter().map(|(_, room)| room).collect()
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
