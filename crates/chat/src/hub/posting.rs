//! Talking in rooms. The busiest path of the hub: a lookup of the session, one of the room, one message made, one effect a
//! shard.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::change::Change;
use crate::chatroom::Chatroom;
use crate::client::Client;
use crate::command::{Post, Recipient};
use crate::event::Event;
use crate::id::{ChatroomId, ClientId, MessageId, RoomNumber, SessionId, uuid_v7};
use crate::mask::Verdict;
use crate::membership::Role;
use crate::message::{Lasting, Message, MessageKind};
use crate::name::{ChatroomName, RelayedName};
use crate::once::{OnceKey, Posted};
use crate::permission::{Act, is_screened, permit};
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::{Refusal, Right, Silence};
use compact_str::CompactString;
use std::sync::Arc;

/// What is said, without to whom.
pub(super) struct Said {
    pub(super) kind: MessageKind,
    pub(super) text: Box<str>,
    pub(super) relayed_as: Option<RelayedName>,
    pub(super) seams: Option<Box<[u32]>>,
    pub(super) tags: Option<Box<str>>,
    pub(super) between_programs: bool,
    pub(super) once: Option<OnceKey>,
    pub(super) lasting: Option<Box<Lasting>>,
}

impl Said {
    /// It passes and is gone.
    pub(super) fn is_fleeting(&self) -> bool {
        self.kind == MessageKind::Signal && self.lasting.is_none()
    }
}

/// Where it is said.
pub(super) struct Place {
    pub(super) room: RoomNumber,
    pub(super) room_id: ChatroomId,
    pub(super) addressed_to: CompactString,
    pub(super) audience: Option<Role>,
    pub(super) recipient_id: Option<ClientId>,
}

impl Hub {
    pub(super) fn post(&mut self, asker: Asker, post: Post, turn: &mut Turn) {
        self.state.touch(asker.slot, asker.session, turn.now);
        let Post { to, kind, text, relayed_as, seams, tags, between_programs, once, lasting } = post;
        // What is not kept can't be told from what was never said.
        let once = once.filter(|_| kind != MessageKind::Signal);
        let lasting = lasting.filter(|_| kind == MessageKind::Signal);
        let said = Said { kind, text, relayed_as, seams, tags, between_programs, once, lasting };
        let done = match to {
            Recipient::Room { name, at_least } => self.post_to_room(asker, &name, at_least, said, turn),
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
        let missing = || Refusal::NoSuchRoom { name: name.text().clone() };
        let number = self.state.room_named(name.key()).ok_or_else(missing)?;
        let (client, room) = self.state.client(asker.slot).zip(self.state.room(number)).ok_or_else(missing)?;
        if self.is_repeated(client, room, &room.name, &said, turn) {
            return Ok(());
        }
        let mut actor = Hub::actor(client, room);
        let mut fresh_verdict = None;
        if !room.rules.lists.is_empty() {
            let place = client.place(number);
            let known =
                place.and_then(|place| room.members.get(place.member as usize)).and_then(|member| member.verdict);
            actor.verdict = known.unwrap_or_else(|| room.rules.verdict(&client.person));
            fresh_verdict = place.filter(|_| known.is_none()).map(|place| (place, actor.verdict));
        }
        if room.rules.slow_seconds.is_some() && said.kind != MessageKind::Signal {
            actor.wait_seconds = room.wait_seconds(client.id, turn.now);
        }
        let act = match &said.relayed_as {
            None => Act::Speak { between_programs: said.between_programs },
            Some(_) => {
                Act::Relay { has_right: client.rights().holds(Right::Relay), between_programs: said.between_programs }
            }
        };
        let relayed = || said.relayed_as.as_ref().map_or(Ok(()), |name| may_be_relayed(client, name, room));
        let permitted = permit(&actor, act, &Hub::rules_of(room))
            .and_then(|()| relayed())
            .map_err(|refusal| refusal.of_room(name.text()));
        if permitted.is_ok() {
            // Who may relay is not one of many who speak ([`crate::permission`]).
            let is_screened = said.relayed_as.is_none() && is_screened(&actor, &Hub::rules_of(room));
            let screened = is_screened.then_some(Role::HalfOperator);
            let audience = audience.max(audience.and(screened));
            let place =
                Place { room: number, room_id: room.id, addressed_to: room.name.clone(), audience, recipient_id: None };
            let message = self.message(client, place, said, turn);
            let event = Event::Posted(message.clone());
            match audience.or(screened) {
                None => {
                    let origin = turn.finishing_origin();
                    self.tell_room(number, event, origin, turn);
                }
                Some(role) => self.post_to_role(asker, number, role, &event, turn),
            }
            self.note_spoke(&message, turn);
            // It is said as if to everyone; in the history it stands for whom it was.
            let kept = match screened.filter(|_| audience.is_none()) {
                Some(role) => Arc::new(message.to_audience(role)),
                None => message,
            };
            self.keep_message(kept, turn);
        }
        if let Some((place, verdict)) = fresh_verdict {
            self.state.note_verdict(place, verdict);
        }
        permitted
    }

    fn note_spoke(&mut self, message: &Message, turn: &Turn) {
        let slow = self.state.room(message.room).and_then(|room| room.rules.slow_seconds);
        if let Some(seconds) = slow.filter(|_| message.kind != MessageKind::Signal) {
            self.state.note_spoke(message.room, message.sender_id, seconds, turn.now);
        }
    }

    /// To members of at least this role, and to the speaker, who may be none of them.
    fn post_to_role(&self, asker: Asker, number: RoomNumber, role: Role, event: &Event, turn: &mut Turn) {
        let mut sessions = self.sessions_at_least(number, role);
        let is_hers = |id: &SessionId| self.state.session(*id).is_some_and(|session| session.client == asker.slot);
        if !sessions.iter().any(is_hers) {
            let others: Vec<SessionId> =
                self.sessions_of(asker.slot).into_iter().filter(|id| *id != asker.session).collect();
            turn.mirror(&others, event);
            sessions.push(asker.session);
        }
        let origin = turn.finishing_origin();
        turn.tell_sessions(&sessions, event, origin);
    }

    /// Whether this client has said this there already, by its key; if so that is the answer. Asked before whether she may
    /// speak: what was said was said, and a client that is not sure must learn of it.
    pub(super) fn is_repeated(
        &self,
        client: &Client,
        room: &Chatroom,
        name: &CompactString,
        said: &Said,
        turn: &mut Turn,
    ) -> bool {
        let Some(key) = said.once.clone() else { return false };
        let posted = Posted { client: client.id, room: room.number, key };
        let Some(id) = self.state.posted_once(&posted, turn.now) else { return false };
        turn.answer(Answer::Repeated { id, history: Box::new(self.grant_of_own(client, room, name.clone(), turn)) });
        true
    }

    pub(super) fn message(&self, sender: &Client, place: Place, said: Said, turn: &Turn) -> Arc<Message> {
        let sender = match &said.relayed_as {
            None => sender.person.clone(),
            Some(name) => Arc::new(relayed_person(sender, name)),
        };
        Arc::new(Message {
            id: MessageId(uuid_v7(turn.now, turn.position.0, self.seed)),
            sender_id: sender.id,
            payload: said.text,
            seams: said.seams,
            timestamp: turn.now,
            chatroom_id: place.room_id,
            position: turn.position,
            room: place.room,
            sender,
            kind: said.kind,
            tags: said.tags,
            addressed_to: place.addressed_to,
            audience: place.audience,
            recipient_id: place.recipient_id,
            once: said.once,
            lasting: said.lasting,
        })
    }

    /// Into the store, and among the recent ones of its room. Signals pass and are gone, unless they have lasting value.
    pub(super) fn keep_message(&mut self, message: Arc<Message>, turn: &mut Turn) {
        if message.kind == MessageKind::Signal {
            if message.lasting.is_some() {
                turn.keep(Change::Posted(message));
            }
        } else {
            turn.keep(Change::Posted(message.clone()));
            if let Some(key) = message.once.clone() {
                self.state.note_once(Posted { client: message.sender_id, room: message.room, key }, message.id);
            }
            self.state.push_message(message, self.settings.recent_messages);
        }
    }
}

/// How someone elsewhere appears: nobody here can have such a name ([`RelayedName`]), ident and host, and there is no
/// account. The id is that of the client who answers for it, and so is the realname ([`Message::relayed_by`]).
fn relayed_person(by: &Client, name: &RelayedName) -> Person {
    Person {
        id: by.id,
        name: name.text().clone(),
        ident: "relay".into(),
        host: "relayed".into(),
        account: None,
        realname: by.username.text().clone(),
        bot: false,
    }
}

/// A room's lists hold for those who are spoken for as well: by the name that they are shown with.
fn may_be_relayed(by: &Client, name: &RelayedName, room: &Chatroom) -> Result<(), Refusal> {
    let why = match room.rules.verdict(&relayed_person(by, name)) {
        Verdict::Free => return Ok(()),
        Verdict::Banned => Silence::Banned,
        Verdict::Muted => Silence::Muted,
    };
    Err(Refusal::CannotSpeak { room: room.name.clone(), why })
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn in_slow_mode_members_wait_and_those_with_a_role_do_not() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > bob mode #tea +W 10
            bob: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > alice mode #tea +W 10
            [alice* bob] alice changed #tea: +W:10
            > alice says #tea one
            [alice* bob] alice -> #tea: one
            > alice says #tea two
            [alice* bob] alice -> #tea: two
            > bob says #tea one
            [alice bob*] bob -> #tea: one
            > time 3
            > bob says #tea two
            bob: refused: CannotSpeak { room: \"#tea\", why: Slow { wait_seconds: 7 } }
            > bob signals #tea
            [alice bob*] signal bob -> #tea:
            > bob parts #tea
            [alice bob*] bob left #tea
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > bob notices #tea two
            bob: refused: CannotSpeak { room: \"#tea\", why: Slow { wait_seconds: 7 } }
            > time 7
            > storage fails
            > bob says #tea two
            bob: refused: StorageFull
            > storage works
            > bob says #tea two
            [alice bob*] bob -> #tea: two
            > alice mode #tea +v bob
            [alice* bob] alice changed #tea: +v:bob
            > bob says #tea three
            [alice bob*] bob -> #tea: three
            > alice mode #tea -vW bob
            [alice* bob] alice changed #tea: -v:bob -W
            > bob says #tea four
            [alice bob*] bob -> #tea: four
            ",
        );
    }

    #[test]
    fn what_is_screened_reaches_the_moderators() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > carol arrives
            carol: welcome carol
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > carol joins #tea
            [alice bob carol*] carol joined #tea
            carol: entered #tea @alice bob carol
            > bob says #tea before
            [alice bob* carol] bob -> #tea: before
            > bob mode #tea +U
            bob: refused: NeedsRole { room: \"#tea\", role: Operator }
            > alice mode #tea +U
            [alice* bob carol] alice changed #tea: +U
            > show changes
            > bob says #tea one
            [alice bob*] bob -> #tea: one
            keep: post one
            > bob signals #tea
            [alice bob*] signal bob -> #tea:
            > bob edits before to after
            bob: refused: CannotSpeak { room: \"#tea\", why: Screened }
            > alice says #tea two
            [alice* bob carol] alice -> #tea: two
            keep: post two
            > alice mode #tea +v bob
            [alice* bob carol] alice changed #tea: +v:bob
            > bob says #tea three
            [alice bob* carol] bob -> #tea: three
            keep: post three
            ",
        );
    }

    #[test]
    fn announcements_are_read_by_all_and_made_by_few() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > alice mode #tea +Av bob
            [alice* bob] alice changed #tea: +A +v:bob
            > bob says #tea hi
            bob: refused: CannotSpeak { room: \"#tea\", why: Announcements }
            > alice mode #tea +h bob
            [alice* bob] alice changed #tea: +h:bob
            > bob says #tea hi
            [alice bob*] bob -> #tea: hi
            ",
        );
    }

    #[test]
    fn talking_in_a_room() {
        check_with(
            settings(),
            "
            > show changes
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            keep: room #tea nt
            > bob says #tea hi
            bob: refused: CannotSpeak { room: \"#tea\", why: NotMember }
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > alice says #TEA hello
            [alice* bob] alice -> #tea: hello
            keep: post hello
            > bob notices #tea psst
            [alice bob*] notice bob -> #tea: psst
            keep: post psst
            > bob signals #tea
            [alice bob*] signal bob -> #tea:
            > bob says #none hi
            bob: refused: NoSuchRoom { name: \"#none\" }
            > alice mode #tea -n
            [alice* bob] alice changed #tea: -n
            keep: room #tea t
            > bob parts #tea
            [alice bob*] bob left #tea
            > bob says #tea from outside
            [alice bob*] bob -> #tea: from outside
            keep: post from outside
            ",
        );
    }

    #[test]
    fn several_devices_see_what_she_says() {
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
            > alice joins #tea
            [alice* alice/2] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            alice/2 (unasked): entered #tea ~alice
            > alice/2 says #tea hi
            [alice alice/2*] alice -> #tea: hi
            > alice says bob hi
            [bob] alice -> bob: hi
            mirror [alice/2] alice -> bob: hi
            [alice*] alice -> bob: hi
            > bob says alice hello
            [alice alice/2] bob -> alice: hello
            [bob*] bob -> alice: hello
            > alice says alice note to myself
            [alice/2] alice -> alice: note to myself
            [alice*] alice -> alice: note to myself
            > alice/2 says #none x
            alice/2: refused: NoSuchRoom { name: \"#none\" }
            ",
        );
    }

    #[test]
    fn what_was_said_under_a_key_is_not_said_again() {
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
            > alice joins #tea
            [alice* alice/2] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            alice/2 (unasked): entered #tea ~alice
            > alice joins #pot
            [alice* alice/2] alice (alice) joined #pot ~
            alice: entered #pot ~alice
            alice/2 (unasked): entered #pot ~alice
            > bob joins #tea
            [alice alice/2 bob*] bob joined #tea
            bob: entered #tea ~alice bob
            > alice says #tea once:k hi
            [alice* alice/2 bob] alice -> #tea: once:k hi
            > alice says #tea once:k hi
            alice: has said that in #tea already
            > alice/2 says #TEA once:k something else
            alice/2: has said that in #tea already
            > alice says #pot once:k elsewhere
            [alice* alice/2] alice -> #pot: once:k elsewhere
            > bob says #tea once:k by someone else
            [alice alice/2 bob*] bob -> #tea: once:k by someone else
            > alice says bob once:k hi
            [bob] alice -> bob: once:k hi
            mirror [alice/2] alice -> bob: once:k hi
            [alice*] alice -> bob: once:k hi
            > alice says bob once:k hi
            alice: has said that in bob already
            > alice/2 mode #tea +b bob
            [alice alice/2* bob] alice changed #tea: +b:bob!*@*
            > bob says #tea once:k by someone else
            bob: has said that in #tea already
            ",
        );
    }

    #[test]
    fn silence() {
        check_with(
            settings(),
            "
            > console registers bob
            console: account bob created
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > bob joins #tea
            [op bob*] bob (bob) joined #tea
            bob: entered #tea @op bob
            > eve arrives
            eve: welcome eve
            > eve joins #tea
            [op bob eve*] eve joined #tea
            eve: entered #tea @op bob eve
            > op mode #tea +m
            [op* bob eve] op changed #tea: +m
            > eve says #tea hi
            eve: refused: CannotSpeak { room: \"#tea\", why: Moderated }
            > op mode #tea +v eve
            [op* bob eve] op changed #tea: +v:eve
            > eve says #tea hi
            [op bob eve*] eve -> #tea: hi
            > op mode #tea -v eve
            [op* bob eve] op changed #tea: -v:eve
            > op mode #tea -m+M
            [op* bob eve] op changed #tea: -m +M
            > eve says #tea hi
            eve: refused: CannotSpeak { room: \"#tea\", why: AccountsOnly }
            > bob says #tea hi
            [op bob* eve] bob -> #tea: hi
            > op mode #tea -M+b eve
            [op* bob eve] op changed #tea: -M +b:eve!*@*
            > eve says #tea hi
            eve: refused: CannotSpeak { room: \"#tea\", why: Banned }
            > op mode #tea +v eve
            [op* bob eve] op changed #tea: +v:eve
            > eve says #tea hi
            [op bob eve*] eve -> #tea: hi
            > op mode #tea -v eve
            [op* bob eve] op changed #tea: -v:eve
            > op mode #tea +e eve
            [op* bob eve] op changed #tea: +e:eve!*@*
            > eve says #tea hi
            [op bob eve*] eve -> #tea: hi
            > op mode #tea -eb+b eve eve ~m:~a:bob
            [op* bob eve] op changed #tea: -e:eve!*@* -b:eve!*@* +b:~m:~a:bob
            > bob says #tea hi
            bob: refused: CannotSpeak { room: \"#tea\", why: Muted }
            > eve says #tea hi
            [op bob eve*] eve -> #tea: hi
            > eve renames bobby
            [op bob eve*] eve is now bobby
            > op mode #tea -b+b ~m:~a:bob bobby
            [op* bob eve] op changed #tea: -b:~m:~a:bob +b:bobby!*@*
            > eve says #tea hi
            eve: refused: CannotSpeak { room: \"#tea\", why: Banned }
            > eve renames eve
            [op bob eve*] bobby is now eve
            > eve says #tea hi
            [op bob eve*] eve -> #tea: hi
            > op mode #tea +C
            [op* bob eve] op changed #tea: +C
            > eve says #tea VERSION
            eve: refused: CannotSpeak { room: \"#tea\", why: NoCtcp }
            > op says #tea VERSION
            op: refused: CannotSpeak { room: \"#tea\", why: NoCtcp }
            ",
        );
    }

    #[test]
    fn talking_to_operators() {
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
            > carol arrives
            carol: welcome carol
            > carol joins #tea
            [op bob carol*] carol joined #tea
            carol: entered #tea @op bob carol
            > bob says @#tea help
            [op bob*] bob -> @#tea: help
            > op says @#tea hush
            [op*] op -> @#tea: hush
            > carol signals @#tea
            [op carol*] signal carol -> @#tea:
            ",
        );
    }

    #[test]
    fn while_the_store_takes_nothing() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea ~alice bob
            > show changes
            > storage fails
            > alice says #tea hi
            alice: refused: StorageFull
            > alice says bob hi
            alice: refused: StorageFull
            > bob signals #tea
            [alice bob*] signal bob -> #tea:
            > alice topic #tea x
            alice: refused: StorageFull
            > alice mode #tea +m
            alice: refused: StorageFull
            > bob parts #tea
            [alice bob*] bob left #tea
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea ~alice bob
            > bob joins #new
            bob: refused: StorageFull
            > alice joins #new
            alice: refused: StorageFull
            > alice parts #tea
            alice: refused: StorageFull
            > alice mode #tea +v bob
            [alice* bob] alice changed #tea: +v:bob
            > alice kicks #tea bob
            [alice* bob] alice kicked bob from #tea
            > bob quits
            > carol arrives
            carol: welcome carol
            > carol joins #tea
            [alice carol*] carol joined #tea
            carol: entered #tea ~alice carol
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            [alice/2] alice (alice) joined #tea ~
            alice/2: entered #tea ~alice carol
            > alice/2 quits
            > alice breaks
            > time 40
            [carol] alice quit (connection lost)
            > carol quits
            > alice/3 arrives account alice
            alice/3: logged in to alice as nobody yet
            alice/3: welcome alice
            [alice/3] alice (alice) joined #tea ~
            alice/3: entered #tea ~alice
            > storage works
            > alice/3 says #tea hi
            [alice/3*] alice -> #tea: hi
            keep: post hi
            ",
        );
    }
}
