//! Talking: in rooms, and from one to another. The busiest path of the hub: a lookup of the session, one of the room,
//! one message made, one effect a shard.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::client::Client;
use crate::command::{PersonalMode, Post, Recipient};
use crate::event::Event;
use crate::id::{ChatroomId, ClientId, MessageId, RoomNumber, SessionId, uuid_v7};
use crate::membership::Role;
use crate::message::{Message, MessageKind};
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, permit};
use crate::query::Answer;
use crate::refusal::Refusal;
use compact_str::CompactString;
use std::sync::Arc;

/// What is said, without to whom.
struct Said {
    kind: MessageKind,
    text: Box<str>,
    tags: Option<Box<str>>,
    between_programs: bool,
}

/// Where it is said.
struct Place {
    room: RoomNumber,
    room_id: ChatroomId,
    addressed_to: CompactString,
    audience: Option<Role>,
    recipient_id: Option<ClientId>,
}

impl Hub {
    pub(super) fn post(&mut self, asker: Asker, post: Post, turn: &mut Turn) {
        self.state.touch(asker.slot, turn.now);
        let Post {
            to,
            kind,
            text,
            tags,
            between_programs,
        } = post;
        let said = Said {
            kind,
            text,
            tags,
            between_programs,
        };
        let done = match to {
            Recipient::Room { name, at_least } => {
                self.post_to_room(asker, &name, at_least, said, turn)
            }
            Recipient::Person { name } => self.post_to_person(asker, &name, said, turn),
        };
        if let Err(refusal) = done {
            turn.refuse(refusal);
        }
    }

    fn post_to_room(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        audience: Option<Role>,
        said: Said,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchRoom {
            name: name.text().clone(),
        };
        let number = self.state.room_named(name.key()).ok_or_else(missing)?;
        let (client, room) = self
            .state
            .client(asker.slot)
            .zip(self.state.room(number))
            .ok_or_else(missing)?;
        let mut actor = Hub::actor(client, room);
        let mut fresh_verdict = None;
        if !room.rules.lists.is_empty() {
            let place = client.place(number);
            let known = place
                .and_then(|place| room.members.get(place.member as usize))
                .and_then(|member| member.verdict);
            actor.verdict = known.unwrap_or_else(|| room.rules.verdict(&client.person));
            fresh_verdict = place
                .filter(|_| known.is_none())
                .map(|place| (place, actor.verdict));
        }
        let permitted = permit(
            &actor,
            Act::Speak {
                between_programs: said.between_programs,
            },
            &Hub::rules_of(room),
        );
        if permitted.is_ok() {
            let place = Place {
                room: number,
                room_id: room.id,
                addressed_to: room.name.clone(),
                audience,
                recipient_id: None,
            };
            let message = self.message(client, place, said, turn);
            let event = Event::Posted(message.clone());
            match audience {
                None => {
                    let origin = turn.finishing_origin();
                    self.to_room(number, event, origin, turn);
                }
                Some(role) => self.post_to_role(asker, number, role, &event, turn),
            }
            self.keep_message(message, turn);
        }
        if let Some((place, verdict)) = fresh_verdict {
            self.state.note_verdict(place, verdict);
        }
        permitted
    }

    /// To members of at least this role, and to the speaker, who may be none of them.
    fn post_to_role(
        &self,
        asker: Asker,
        number: RoomNumber,
        role: Role,
        event: &Event,
        turn: &mut Turn,
    ) {
        let mut sessions = self.sessions_at_least(number, role);
        let is_hers = |id: &SessionId| {
            self.state
                .session(*id)
                .is_some_and(|session| session.client == asker.slot)
        };
        if !sessions.iter().any(is_hers) {
            let others: Vec<SessionId> = self
                .sessions_of(asker.slot)
                .into_iter()
                .filter(|id| *id != asker.session)
                .collect();
            turn.mirror(&others, event);
            sessions.push(asker.session);
        }
        let origin = turn.finishing_origin();
        turn.to_sessions(&sessions, event, origin);
    }

    fn post_to_person(
        &mut self,
        asker: Asker,
        name: &Username,
        said: Said,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchClient {
            name: name.text().clone(),
        };
        let to = self.state.client_named(name.key()).ok_or_else(missing)?;
        let (sender, recipient) = self
            .state
            .client(asker.slot)
            .zip(self.state.client(to))
            .ok_or_else(missing)?;
        self.check_recipient(asker, sender, recipient)?;
        let (one, other) = (sender.id, recipient.id);
        let answers_away = said.kind == MessageKind::Text && to != asker.slot;
        let away = recipient
            .away()
            .filter(|_| answers_away)
            .map(Box::<str>::from);
        let room = match self.state.direct(one, other) {
            Some(number) => number,
            None => self.add_direct(asker.slot, to, turn),
        };
        let (sender, recipient) = self
            .state
            .client(asker.slot)
            .zip(self.state.client(to))
            .ok_or_else(missing)?;
        let recipient_name = recipient.username.text().clone();
        let place = Place {
            room,
            room_id: self
                .state
                .room(room)
                .map(|room| room.id)
                .ok_or_else(missing)?,
            addressed_to: recipient_name.clone(),
            audience: None,
            recipient_id: Some(other),
        };
        let message = self.message(sender, place, said, turn);
        let event = Event::Posted(message.clone());
        let mut to_sessions = self.sessions_of(to);
        to_sessions.retain(|id| *id != asker.session);
        turn.to_sessions(&to_sessions, &event, None);
        if to != asker.slot {
            let mut others = self.sessions_of(asker.slot);
            others.retain(|id| *id != asker.session);
            turn.mirror(&others, &event);
        }
        let origin = if away.is_some() {
            turn.event_origin()
        } else {
            turn.finishing_origin()
        };
        turn.to_sessions(&[asker.session], &event, origin);
        if let Some(message) = away {
            turn.answer(Answer::RecipientAway {
                name: recipient_name,
                message,
            });
        }
        self.keep_message(message, turn);
        Ok(())
    }

    fn check_recipient(
        &self,
        asker: Asker,
        sender: &Client,
        recipient: &Client,
    ) -> Result<(), Refusal> {
        if sender.id == recipient.id {
            return Ok(());
        }
        let name = || recipient.username.text().clone();
        if recipient.has(PersonalMode::AccountsOnly) && !sender.is_account() {
            return Err(Refusal::RecipientWantsAccounts { name: name() });
        }
        let is_secure = self
            .state
            .session(asker.session)
            .is_some_and(|session| session.secure);
        if recipient.has(PersonalMode::SecureOnly) && !is_secure {
            return Err(Refusal::RecipientWantsSecure { name: name() });
        }
        Ok(())
    }

    /// The conversation of two who never talked before.
    fn add_direct(&mut self, one: u32, other: u32, turn: &mut Turn) -> RoomNumber {
        let number = self.state.next_room();
        let Some((first, second)) = self.state.client(one).zip(self.state.client(other)) else {
            return number;
        };
        let (low, high) = (first.id.min(second.id), first.id.max(second.id));
        let has_guest = !first.is_account() || !second.is_account();
        let id = self.new_room_id(turn);
        let mut room = Chatroom::new(
            number,
            id,
            CompactString::default(),
            CompactString::default(),
            turn.now,
        );
        room.kind = ChatroomKind::Direct(low, high);
        room.rules.flags = Default::default();
        self.state.add_room(room);
        self.keep_room(number, turn);
        if has_guest {
            self.remember_direct(one, number);
            if one != other {
                self.remember_direct(other, number);
            }
        }
        number
    }

    fn remember_direct(&mut self, slot: u32, number: RoomNumber) {
        let directs = self
            .state
            .client(slot)
            .and_then(|client| client.rare.as_ref())
            .map(|rare| &rare.directs);
        // Those that ended with the other side are dropped now and then, so that the list is no longer than it must be.
        let ended: Vec<RoomNumber> = match directs {
            Some(directs) if directs.len().is_power_of_two() => directs
                .iter()
                .copied()
                .filter(|number| self.state.room(*number).is_none())
                .collect(),
            _ => Vec::new(),
        };
        self.state.change_client(slot, |client| {
            let directs = &mut client.rare_mut().directs;
            // Both are in the order of their numbers.
            directs.retain(|number| {
                ended
                    .binary_search_by_key(&number.0, |ended| ended.0)
                    .is_err()
            });
            directs.push(number);
        });
    }

    fn message(&self, sender: &Client, place: Place, said: Said, turn: &Turn) -> Arc<Message> {
        Arc::new(Message {
            id: MessageId(uuid_v7(turn.now, turn.position.0, self.seed)),
            sender_id: sender.id,
            payload: said.text,
            timestamp: turn.now,
            chatroom_id: place.room_id,
            position: turn.position,
            room: place.room,
            sender: sender.person.clone(),
            kind: said.kind,
            tags: said.tags,
            addressed_to: place.addressed_to,
            audience: place.audience,
            recipient_id: place.recipient_id,
        })
    }

    /// Into the store, and among the recent ones of its room. Signals pass and are gone.
    fn keep_message(&mut self, message: Arc<Message>, turn: &mut Turn) {
        if message.kind != MessageKind::Signal {
            turn.keep(Change::Posted(message.clone()));
            self.state
                .push_message(message, self.settings.recent_messages);
        }
    }
}
