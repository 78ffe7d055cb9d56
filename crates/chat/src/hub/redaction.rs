//! Taking back what was said: the author for a while, a room's moderators always. The message itself is not known here;
//! the asker brings it as a reader of the store found it.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::client::Client;
use crate::event::{Event, Happening, RoomRef, What};
use crate::history::HistoryEvent;
use crate::id::{ClientId, MessageId, RoomNumber, SessionId, Timestamp, uuid_v7};
use crate::membership::Role;
use crate::message::{Message, MessageKind, REDACTION_WINDOW_MS};
use crate::permission::{Act, Authorship, permit, take_back};
use crate::refusal::Refusal;
use compact_str::CompactString;
use std::sync::Arc;

impl Hub {
    pub(super) fn redact(&mut self, asker: Asker, message: &Message, reason: Option<Box<str>>, turn: &mut Turn) {
        self.state.touch(asker.slot, asker.session, turn.now);
        if let Err(refusal) = self.try_redact(asker, message, reason, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_redact(
        &mut self,
        asker: Asker,
        message: &Message,
        reason: Option<Box<str>>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let found = self.state.client(asker.slot).zip(self.state.room(message.room));
        let (client, room) = found.ok_or(Refusal::NoSuchMessage)?;
        let of = authorship(client, message, REDACTION_WINDOW_MS, turn.now);
        match room.kind {
            ChatroomKind::Named | ChatroomKind::Group => {
                permit(&Hub::actor(client, room), Act::Redact { of }, &Hub::rules_of(room))?
            }
            ChatroomKind::Direct(one, other) if [one, other].contains(&client.id) => take_back(of)?,
            ChatroomKind::Direct(..) => return Err(Refusal::NoSuchMessage),
        }
        // Someone else was faster, since this one was read.
        if self.state.was_redacted(message.id) {
            return Err(Refusal::NoSuchMessage);
        }
        let audited = reason.clone();
        let said = (message.kind != MessageKind::Signal).then(|| (message.sender.clone(), message.timestamp));
        let what = |room, _| What::Redacted { room, target: message.id, said, reason };
        let event = self.event_about(client, room, message, what, turn);
        if client.id != message.sender_id {
            let (room_name, why) = (room.name.clone(), audited.unwrap_or_default());
            self.audit(AuditAction::Redact, Some(&room_name), &message.id.to_string(), &why, turn);
        }
        self.state.redact_message(message.room, message.id);
        if self.state.unpin(message.room, message.id) {
            turn.keep(Change::Unpinned { room: message.room, message: message.id });
        }
        turn.keep(Change::Redacted { room: message.room, position: message.position, target: message.id });
        turn.keep(Change::Happened(event.clone()));
        self.tell_about(asker, message, &Event::Happened(event.happening.clone()), turn);
        Ok(())
    }

    /// Something that a client does to a message, for the history of the message's room.
    pub(super) fn event_about(
        &self,
        client: &Client,
        room: &Chatroom,
        message: &Message,
        what: impl FnOnce(RoomRef, MessageId) -> What,
        turn: &Turn,
    ) -> Arc<HistoryEvent> {
        self.event_for(client, room, message.audience, &message.addressed_to, what, turn)
    }

    /// The same to what these see. `addressed_to`: what the other one of a direct conversation is called if she is no more.
    pub(super) fn event_for(
        &self,
        client: &Client,
        room: &Chatroom,
        audience: Option<Role>,
        addressed_to: &CompactString,
        what: impl FnOnce(RoomRef, MessageId) -> What,
        turn: &Turn,
    ) -> Arc<HistoryEvent> {
        let other = other_side(room, client.id);
        let name = match other {
            None => room.name.clone(),
            Some(other) => self.name_of(other).unwrap_or_else(|| addressed_to.clone()),
        };
        let room_ref = RoomRef { number: room.number, id: room.id, name };
        let id = MessageId(uuid_v7(turn.now, turn.position.0, self.seed));
        let happening = Happening { at: turn.now, place: None, by: client.person.clone(), what: what(room_ref, id) };
        Arc::new(HistoryEvent {
            id,
            room: room.number,
            position: turn.position,
            happening: Arc::new(happening),
            audience,
            recipient_id: other,
        })
    }

    /// To everyone who was told of the message and is still there, and to the one who asked.
    pub(super) fn tell_about(&self, asker: Asker, message: &Message, event: &Event, turn: &mut Turn) {
        let seen_by = message.audience.map(|role| (role, message.sender_id));
        self.tell_conversation(asker, message.room, seen_by, event, turn);
    }

    /// To everyone in a conversation, or to those of at least this rank and this author, and to the one who asked.
    pub(super) fn tell_conversation(
        &self,
        asker: Asker,
        room: RoomNumber,
        seen_by: Option<(Role, ClientId)>,
        event: &Event,
        turn: &mut Turn,
    ) {
        let Some((client, room)) = self.state.client(asker.slot).zip(self.state.room(room)) else {
            return;
        };
        let is_asker = |id: &SessionId| *id == asker.session;
        match (other_side(room, client.id), seen_by) {
            (None, None) if client.place(room.number).is_some() => {
                let origin = turn.finishing_origin();
                return self.tell_room(room.number, event.clone(), origin, turn);
            }
            // An operator of the server acts from outside.
            (None, None) => self.tell_room(room.number, event.clone(), None, turn),
            (None, Some((role, author))) => {
                let mut sessions = self.sessions_at_least(room.number, role);
                // Whoever said it to a higher role sees what becomes of it.
                let author = self.client_of(author);
                let is_here =
                    |slot: &u32| self.state.client(*slot).is_some_and(|client| client.place(room.number).is_some());
                let those = author.into_iter().chain([asker.slot]).filter(is_here);
                for id in those.flat_map(|slot| self.sessions_of(slot)) {
                    if !sessions.contains(&id) {
                        sessions.push(id);
                    }
                }
                sessions.retain(|id| !is_asker(id));
                turn.tell_sessions(&sessions, event, None);
            }
            (Some(other), _) => {
                let mut sessions = self.sessions_of(asker.slot);
                if other != client.id {
                    sessions.extend(self.client_of(other).map(|slot| self.sessions_of(slot)).unwrap_or_default());
                }
                sessions.retain(|id| !is_asker(id));
                turn.tell_sessions(&sessions, event, None);
            }
        }
        let origin = turn.finishing_origin();
        turn.tell_sessions(&[asker.session], event, origin);
    }

    /// The client of this id that is here. Guests stand in no table by their id: one look at everyone.
    pub(super) fn client_of(&self, id: ClientId) -> Option<u32> {
        match self.state.account_of(id).and_then(|slot| self.state.account(slot)) {
            Some(account) => account.client,
            None => self.state.clients().find(|(_, client)| client.id == id).map(|(slot, _)| slot),
        }
    }

    /// What someone is called who is here or has an account.
    fn name_of(&self, id: ClientId) -> Option<CompactString> {
        match self.client_of(id).and_then(|slot| self.state.client(slot)) {
            Some(client) => Some(client.username.text().clone()),
            None => {
                let account = self.state.account_of(id).and_then(|slot| self.state.account(slot));
                account.map(|account| account.username.text().clone())
            }
        }
    }
}

/// Whose message it is, and whether she may still change it.
pub(super) fn authorship(client: &Client, message: &Message, window_ms: u64, now: Timestamp) -> Authorship {
    if message.sender_id != client.id {
        Authorship::Foreign
    } else if now.0.saturating_sub(message.timestamp.0) <= window_ms {
        Authorship::Own
    } else {
        Authorship::OwnLongAgo
    }
}

/// The other one of a direct conversation.
pub(super) fn other_side(room: &Chatroom, one: ClientId) -> Option<ClientId> {
    match room.kind {
        ChatroomKind::Named | ChatroomKind::Group => None,
        ChatroomKind::Direct(first, second) => Some(if first == one { second } else { first }),
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn taking_back_what_was_said_in_a_room() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > half arrives
            half: welcome half
            > half joins #tea
            [op half*] half joined #tea
            half: entered #tea @op half
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [op half bob*] bob joined #tea
            bob: entered #tea @op half bob
            > bob says #tea one
            [op half bob*] bob -> #tea: one
            > bob says #tea two
            [op half bob*] bob -> #tea: two
            > op says #tea three
            [op* half bob] op -> #tea: three
            > show changes
            > bob redacts one for good
            [op half bob*] bob redacted something in #tea (good)
            keep: nothing of one
            keep: bob redacted something in #tea (good)
            > bob redacts one
            bob: refused: NoSuchMessage
            > bob redacts three
            bob: refused: NotTheAuthor
            > half redacts two
            half: refused: NotTheAuthor
            > bob mode #tea +h half
            bob: refused: NeedsRole { room: \"#tea\", role: Operator }
            > op mode #tea +h half
            [op* half bob] op changed #tea: +h:half
            > time 86401
            > bob redacts two
            bob: refused: TooLate { window_seconds: 86400 }
            > half redacts two
            [op half* bob] half redacted something in #tea
            keep: nothing of two
            keep: half redacted something in #tea
            > bob parts #tea
            [op half bob*] bob left #tea
            > op says #tea four
            [op* half] op -> #tea: four
            keep: post four
            > storage fails
            > op redacts four
            op: refused: StorageFull
            > storage works
            > op redacts four
            [op* half] op redacted something in #tea
            keep: nothing of four
            keep: op redacted something in #tea
            > half redacts never said
            half: refused: NoSuchMessage
            ",
        );
    }

    #[test]
    fn those_outside_take_nothing_back_unless_they_serve_the_server() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > bob arrives
            bob: welcome bob
            > op mode #tea -n
            [op*] op changed #tea: -n
            > bob says #tea from outside
            [op bob*] bob -> #tea: from outside
            > bob redacts from outside
            bob: refused: NotMember { room: \"#tea\" }
            > bob opers admin
            [bob*] bob has modes +o
            bob: operator: is an admin
            > bob redacts from outside
            [op] bob redacted something in #tea
            [bob*] bob redacted something in #tea
            ",
        );
    }

    #[test]
    fn what_a_rank_was_told_is_taken_back_before_it() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [op bob*] bob joined #tea
            bob: entered #tea @op bob
            > eve arrives
            eve: welcome eve
            > eve joins #tea
            [op bob eve*] eve joined #tea
            eve: entered #tea @op bob eve
            > bob says @#tea help
            [op bob*] bob -> @#tea: help
            > op redacts help
            [bob] op redacted something in #tea
            [op*] op redacted something in #tea
            > bob says @#tea again
            [op bob*] bob -> @#tea: again
            > bob parts #tea
            [op bob* eve] bob left #tea
            > op redacts again
            [op*] op redacted something in #tea
            ",
        );
    }

    #[test]
    fn direct_messages_are_their_author_s_on_every_device() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            > bob arrives
            bob: welcome bob
            > alice says bob hi
            [bob] alice -> bob: hi
            mirror [alice/2] alice -> bob: hi
            [alice*] alice -> bob: hi
            > bob redacts hi
            bob: refused: NotTheAuthor
            > bob renames bobby
            [bob*] bob is now bobby
            > alice/2 redacts hi
            [alice bob] alice redacted something in bobby
            [alice/2*] alice redacted something in bobby
            > bob says alice hello
            [alice alice/2] bobby -> alice: hello
            [bob*] bobby -> alice: hello
            > eve arrives
            eve: welcome eve
            > eve opers admin
            [eve*] eve has modes +o
            eve: operator: is an admin
            > eve redacts hello
            eve: refused: NoSuchMessage
            > bob quits
            > bob/2 arrives as bobby
            bob/2: welcome bobby
            > bob/2 redacts hello
            bob/2: refused: NoSuchMessage
            > alice says alice note
            [alice/2] alice -> alice: note
            [alice*] alice -> alice: note
            > alice redacts note
            [alice/2] alice redacted something in alice
            [alice*] alice redacted something in alice
            ",
        );
    }
}
