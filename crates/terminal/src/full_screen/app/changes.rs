//! What a connection's changes mean on the screen.

use client_core::{Change, ConversationChange};

use super::overlay::{Looking, RoomOffered};
use super::{App, MOST_FOUND, Overlay, SERVER};

/// Rooms of a server that are shown to choose from.
const MOST_ROOMS: usize = 20_000;

impl App {
    pub(super) fn react_to(&mut self, change: Change) {
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
                let is_muted = self.conversations.find(&message.room_name).is_some_and(|found| found.is_muted());
                if !message.own && named && !self.focused && !is_muted {
                    let text = message.payload.lines().next().unwrap_or_default();
                    let text = crate::full_screen::flow::cut(text, 80);
                    self.alert = Some(format!("{}: {text}", message.sender.name));
                }
            }
            Change::Found(message) => {
                if let Some(Overlay::Found { looking: Looking::Words(_), found, .. }) = &mut self.overlay
                    && found.len() < MOST_FOUND
                {
                    found.push(message);
                }
            }
            Change::SearchEnded { .. } => {
                if let Some(Overlay::Found { looking: Looking::Words(_), found, ended, at }) = &mut self.overlay {
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
                // Gone with the next key; there it can be read again.
                self.conversations.remark(SERVER, sentence.clone(), self.now.wall);
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
            Change::Notice { text, .. } if self.asked_notices => self.tell(text),
            Change::Notice { from, text, timestamp } => {
                self.conversations.remark(SERVER, format!("{from}: {text}"), timestamp);
            }
            Change::MessageOfTheDay { text } => self.conversations.remark(SERVER, text, self.now.wall),
            Change::LinkDead { sentence } => self.failure = Some(sentence),
            Change::Welcome { .. } => {
                self.failure = None;
                self.was_let_in = true;
            }
            Change::LoginRefused { sentence, wrong_password } => {
                self.login_refused = Some(sentence);
                self.password_wrong |= wrong_password;
            }
            Change::Closed { .. } => match self.login_refused.take() {
                Some(sentence) => self.ask_login(sentence),
                None => self.done = true,
            },
            Change::Conversation(ConversationChange::RoomListed { name, people, topic }) => {
                if let Some(Overlay::Rooms { rooms, .. }) = &mut self.overlay
                    && rooms.len() < MOST_ROOMS
                {
                    rooms.push(RoomOffered { name: name.to_string(), people, topic });
                }
            }
            Change::Conversation(ConversationChange::ConnectionSeen { group, facts }) => {
                self.wire.server_told(group, facts);
            }
            Change::Conversation(ConversationChange::RoomsListed) => {
                if let Some(Overlay::Rooms { ended, .. }) = &mut self.overlay {
                    *ended = true;
                }
            }
            Change::Conversation(ConversationChange::Pins { room_name, messages }) => {
                if let Some(Overlay::Found { looking: Looking::Pins(room), found, ended, at }) = &mut self.overlay
                    && self.conversations.same(room, &room_name)
                {
                    *found = messages;
                    *ended = true;
                    *at = (*at).min(found.len().saturating_sub(1));
                }
            }
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
    pub(super) fn tell(&mut self, sentence: String) {
        let name = self.present_name().to_owned();
        self.conversations.remark(&name, sentence, self.now.wall);
    }
}
