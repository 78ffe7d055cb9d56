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
use crate::mask::Verdict;
use crate::membership::Role;
use crate::message::{Lasting, Message, MessageKind};
use crate::name::{ChatroomName, RelayedName, Username};
use crate::once::{OnceKey, Posted};
use crate::permission::{Act, is_screened, permit};
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::{Refusal, Right, Silence};
use compact_str::CompactString;
use smallvec::SmallVec;
use std::sync::Arc;

/// What is said, without to whom.
struct Said {
    kind: MessageKind,
    text: Box<str>,
    relayed_as: Option<RelayedName>,
    seams: Option<Box<[u32]>>,
    tags: Option<Box<str>>,
    between_programs: bool,
    once: Option<OnceKey>,
    lasting: Option<Box<Lasting>>,
}

impl Said {
    /// It passes and is gone.
    fn is_fleeting(&self) -> bool {
        self.kind == MessageKind::Signal && self.lasting.is_none()
    }
}

/// What the sender is told of someone who has no device here.
const ABSENT: &str = "is not connected; the message is kept and shown on return";

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

    fn post_to_person(&mut self, asker: Asker, name: &Username, said: Said, turn: &mut Turn) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchClient { name: name.text().clone() };
        let Some(to) = self.state.client_named(name.key()) else {
            return self.post_to_absent(asker, name, said, turn);
        };
        let (sender, recipient) = self.state.client(asker.slot).zip(self.state.client(to)).ok_or_else(missing)?;
        let conversation = self.state.direct(sender.id, recipient.id).and_then(|number| self.state.room(number));
        if conversation.is_some_and(|room| self.is_repeated(sender, room, recipient.username.text(), &said, turn)) {
            return Ok(());
        }
        self.check_recipient(asker, sender, recipient, &said)?;
        let (one, other) = (sender.id, recipient.id);
        let accepts = sender.has(PersonalMode::AccountsOnly)
            && said.kind != MessageKind::Signal
            && !recipient.is_account()
            && one != other
            && !sender.accepts(other);
        let answers_away = said.kind == MessageKind::Text && to != asker.slot;
        let away = recipient.away().filter(|_| answers_away).map(Box::<str>::from);
        let room = match self.state.direct(one, other) {
            Some(number) => number,
            None => {
                // It ends with a guest who takes part, and not with an account that comes back.
                let mut guests: SmallVec<[u32; 2]> = SmallVec::new();
                for (slot, client) in [(asker.slot, sender), (to, recipient)] {
                    if !client.is_account() && !guests.contains(&slot) {
                        guests.push(slot);
                    }
                }
                let guest = guests.iter().find_map(|slot| self.state.client(*slot)).map(|guest| guest.username.clone());
                let account =
                    [sender, recipient].into_iter().find(|client| client.is_account()).map(|client| client.id);
                let number = self.add_direct(one, other, account.zip(guest), turn);
                guests.into_iter().for_each(|slot| self.remember_direct(slot, number));
                number
            }
        };
        // Whoever is written to may answer.
        if accepts {
            self.accept(asker.slot, other);
        }
        let (_, recipient) = self.state.client(asker.slot).zip(self.state.client(to)).ok_or_else(missing)?;
        let recipient_name = recipient.username.text().clone();
        self.say_directly(asker, room, (other, recipient_name), Some(to), away, said, turn).ok_or_else(missing)
    }

    /// Tells both sides and keeps it. `to`: the recipient's client, if there is one here; `away`: what the sender is told
    /// of the recipient. `None`: sender or conversation are not there.
    #[expect(clippy::too_many_arguments, reason = "what two ways of finding a recipient have in common")]
    fn say_directly(
        &mut self,
        asker: Asker,
        room: RoomNumber,
        (recipient, name): (ClientId, CompactString),
        to: Option<u32>,
        away: Option<Box<str>>,
        said: Said,
        turn: &mut Turn,
    ) -> Option<()> {
        let sender = self.state.client(asker.slot)?.id;
        let is_blocked = sender != recipient && self.has_blocked(to, self.state.account_of(recipient), sender);
        let place = Place {
            room,
            room_id: self.state.room(room)?.id,
            addressed_to: name.clone(),
            // What a blocked person says is hers alone, now and in history: she is not told that nobody hears it.
            audience: is_blocked.then_some(Role::Owner),
            recipient_id: Some(recipient),
        };
        let message = self.message(self.state.client(asker.slot)?, place, said, turn);
        let event = Event::Posted(message.clone());
        let others_of = |slot| {
            let mut sessions = self.sessions_of(slot);
            sessions.retain(|id| *id != asker.session);
            sessions
        };
        if let Some(to) = to.filter(|_| !is_blocked) {
            turn.tell_sessions(&others_of(to), &event, None);
        }
        if to != Some(asker.slot) {
            turn.mirror(&others_of(asker.slot), &event);
        }
        let origin = if away.is_some() { turn.event_origin() } else { turn.finishing_origin() };
        turn.tell_sessions(&[asker.session], &event, origin);
        if let Some(message) = away {
            turn.answer(Answer::RecipientAway { name, message });
        }
        self.keep_message(message, turn);
        Some(())
    }

    fn check_recipient(&self, asker: Asker, sender: &Client, recipient: &Client, said: &Said) -> Result<(), Refusal> {
        if sender.id == recipient.id {
            return Ok(());
        }
        let name = || recipient.username.text().clone();
        if recipient.has(PersonalMode::AccountsOnly) && !sender.is_account() && !recipient.accepts(sender.id) {
            return Err(Refusal::RecipientWantsAccounts { name: name() });
        }
        let is_secure = self.state.session(asker.session).is_some_and(|session| session.secure);
        if recipient.has(PersonalMode::SecureOnly) && !is_secure {
            return Err(Refusal::RecipientWantsSecure { name: name() });
        }
        if said.between_programs && recipient.has(PersonalMode::NoCtcp) {
            return Err(Refusal::RecipientWantsNoCtcp { name: name() });
        }
        Ok(())
    }

    /// Whether this client has said this there already, by its key; if so that is the answer. Asked before whether she may
    /// speak: what was said was said, and a client that is not sure must learn of it.
    fn is_repeated(
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

    /// To an account without a device here: kept, to be read on its return.
    fn post_to_absent(&mut self, asker: Asker, name: &Username, said: Said, turn: &mut Turn) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchClient { name: name.text().clone() };
        let sender = self.state.client(asker.slot).ok_or_else(missing)?;
        let account = self.state.account_named(name.key()).and_then(|slot| self.state.account(slot));
        let recipient = account.ok_or_else(missing)?;
        let (one, other, recipient_name) = (sender.id, recipient.record.id, recipient.username.text().clone());
        let conversation = self.state.direct(one, other).and_then(|number| self.state.room(number));
        // It may have been said by a guest, or to someone who is here under another name now.
        if conversation.is_some_and(|room| self.is_repeated(sender, room, &recipient_name, &said, turn)) {
            return Ok(());
        }
        let is_absent = recipient.client.is_none() && !recipient.record.disabled;
        if !is_absent || said.is_fleeting() {
            return Err(missing());
        }
        let guest = (!sender.is_account()).then(|| sender.username.clone());
        if guest.is_some() && !self.settings.guests_reach_absent {
            return Err(Refusal::RecipientWantsAccounts { name: recipient_name });
        }
        let room = match self.state.direct(one, other) {
            Some(number) => number,
            None => {
                let is_guest = guest.is_some();
                let number = self.add_direct(one, other, guest.map(|guest| (other, guest)), turn);
                if is_guest {
                    self.remember_direct(asker.slot, number);
                }
                number
            }
        };
        let away = (said.kind == MessageKind::Text).then(|| ABSENT.into());
        self.say_directly(asker, room, (other, recipient_name), None, away, said, turn).ok_or_else(missing)
    }

    /// The conversation of two who never talked before. `guest`: of an account and a guest, and what she is called.
    fn add_direct(
        &mut self,
        one: ClientId,
        other: ClientId,
        guest: Option<(ClientId, Username)>,
        turn: &mut Turn,
    ) -> RoomNumber {
        let number = self.state.next_room();
        let id = self.new_room_id(turn);
        let mut room = Chatroom::new(number, id, CompactString::default(), CompactString::default(), turn.now);
        room.kind = ChatroomKind::Direct(one.min(other), one.max(other));
        room.rules.flags = Default::default();
        self.state.add_room(room);
        match guest {
            Some((account, name)) => self.name_guest(number, account, &name, turn),
            None => self.keep_room(number, turn),
        }
        number
    }

    fn remember_direct(&mut self, slot: u32, number: RoomNumber) {
        let directs = self.state.client(slot).and_then(|client| client.rare.as_ref()).map(|rare| &rare.directs);
        // Those that ended with the other side are dropped now and then, so that the list is no longer than it must be.
        let ended: Vec<RoomNumber> = match directs {
            Some(directs) if directs.len().is_power_of_two() => {
                directs.iter().copied().filter(|number| self.state.room(*number).is_none()).collect()
            }
            _ => Vec::new(),
        };
        self.state.change_client(slot, |client| {
            let directs = &mut client.rare_mut().directs;
            // Both are in the order of their numbers.
            directs.retain(|number| ended.binary_search_by_key(&number.0, |ended| ended.0).is_err());
            directs.push(number);
        });
    }

    fn message(&self, sender: &Client, place: Place, said: Said, turn: &Turn) -> Arc<Message> {
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
    fn keep_message(&mut self, message: Arc<Message>, turn: &mut Turn) {
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
    fn what_is_said_to_an_absent_account_is_kept() {
        check_with(
            settings(),
            "
            > show changes
            > console registers alice
            console: account alice created
            keep: account alice
            > console registers bob
            console: account bob created
            keep: account bob
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            keep: account alice
            alice: welcome alice
            > alice says bob once:k are you there
            [alice*] alice -> bob: once:k are you there
            alice: bob is away: is not connected; the message is kept and shown on return
            keep: direct room
            keep: post once:k are you there
            > alice says bob once:k are you there
            alice: has said that in bob already
            > alice notices BOB psst
            [alice*] notice alice -> bob: psst
            keep: post psst
            > alice signals bob
            alice: refused: NoSuchClient { name: \"bob\" }
            > eve arrives
            eve: welcome eve
            > eve says bob hi
            [eve*] eve -> bob: hi
            eve: bob is away: is not connected; the message is kept and shown on return
            keep: direct room
            keep: post hi
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            keep: account bob
            bob: welcome bob
            > bob asks conversations
            bob: conversations alice eve
            > bob says alice yes
            [alice] bob -> alice: yes
            [bob*] bob -> alice: yes
            keep: post yes
            > bob renames robert
            [bob*] bob is now robert
            > alice says bob by the account of someone here
            alice: refused: NoSuchClient { name: \"bob\" }
            > bob quits
            keep: account bob
            > console disables bob
            console: account bob changed
            keep: account bob
            > alice says bob hello
            alice: refused: NoSuchClient { name: \"bob\" }
            ",
        );
    }

    #[test]
    fn what_a_guest_said_was_said_though_the_account_has_gone() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers bob
            console: account bob created
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > eve arrives
            eve: welcome eve
            > eve says bob once:k hi
            [bob] eve -> bob: once:k hi
            [eve*] eve -> bob: once:k hi
            > bob renames robert
            [bob*] bob is now robert
            > eve says bob once:k hi
            eve: has said that in bob already
            > bob quits
            > eve says bob once:k hi
            eve: has said that in bob already
            > eve says bob once:n are you there
            [eve*] eve -> bob: once:n are you there
            eve: bob is away: is not connected; the message is kept and shown on return
            > console disables bob
            console: account bob changed
            > eve says bob once:k hi
            eve: has said that in bob already
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
    fn talking_to_one() {
        check_with(
            settings(),
            "
            > show changes
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            keep: direct room
            keep: post hi
            > bob says ALICE hello
            [alice] bob -> alice: hello
            [bob*] bob -> alice: hello
            keep: post hello
            > alice signals bob
            [bob] signal alice -> bob:
            [alice*] signal alice -> bob:
            > alice notices bob psst
            [bob] notice alice -> bob: psst
            [alice*] notice alice -> bob: psst
            keep: post psst
            > alice says nobody hi
            alice: refused: NoSuchClient { name: \"nobody\" }
            > alice says alice me
            [alice*] alice -> alice: me
            keep: direct room
            keep: post me
            > bob away lunch
            [bob*] bob is away: lunch
            bob: away true
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            alice: bob is away: lunch
            keep: post hi
            > alice notices bob hi
            [bob] notice alice -> bob: hi
            [alice*] notice alice -> bob: hi
            keep: post hi
            > alice signals bob
            [bob] signal alice -> bob:
            [alice*] signal alice -> bob:
            > bob says bob hm
            [bob*] bob -> bob: hm
            keep: direct room
            keep: post hm
            > bob quits
            > bob arrives
            bob: welcome bob
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            keep: direct room
            keep: post hi
            ",
        );
    }

    #[test]
    fn recipients_choose() {
        check_with(
            settings(),
            "
            > console registers carol
            console: account carol created
            > alice arrives
            alice: welcome alice
            > bob/tls arrives as bob
            bob/tls: welcome bob
            > bob/tls modes +RZ
            [bob/tls*] bob has modes +R+Z
            > alice says bob hi
            alice: refused: RecipientWantsAccounts { name: \"bob\" }
            > carol arrives account carol
            carol: logged in to carol as nobody yet
            carol: welcome carol
            > carol says bob hi
            carol: refused: RecipientWantsSecure { name: \"bob\" }
            > carol/tls arrives account carol
            carol/tls: logged in to carol as nobody yet
            carol/tls: welcome again carol
            > carol/tls says bob hi
            [bob/tls] carol -> bob: hi
            mirror [carol] carol -> bob: hi
            [carol/tls*] carol -> bob: hi
            > bob/tls says bob hi
            [bob/tls*] bob -> bob: hi
            > bob/tls modes -RZ+T
            [bob/tls*] bob has modes -R-Z+T
            > alice says bob VERSION
            alice: refused: RecipientWantsNoCtcp { name: \"bob\" }
            > alice says bob hi
            [bob/tls] alice -> bob: hi
            [alice*] alice -> bob: hi
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
