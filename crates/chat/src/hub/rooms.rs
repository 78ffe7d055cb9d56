//! Rooms: entering, leaving, topics, and being let in.

use super::forwarding::Forwarded;
use super::pinning::readable_pins;
use super::turn::Turn;
use super::{Asker, Hub, StorageState};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind, RoomFlag};
use crate::client::Client;
use crate::command::PersonalMode;
use crate::effect::Effect;
use crate::event::{Event, What};
use crate::id::{RoomNumber, SessionId, Timestamp};
use crate::invite_link::LinkHash;
use crate::membership::{Membership, Role, Roles};
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, Actor, RoomRules, permit};
use crate::person::Person;
use crate::query::{Answer, RoomMembers, RoomView, Visibility};
use crate::refusal::{Refusal, Right};
use crate::settings::RoomCreation;
use crate::snapshot::Topic;
use std::sync::Arc;

/// Between two knocks of one client at one room, in milliseconds.
const KNOCK_INTERVAL_MS: u64 = 60_000;
/// Rooms that a client can be invited to at once; the oldest invitation makes way.
const INVITATIONS: usize = 64;
/// Doors a client's last knocks are remembered at; the oldest makes way.
const KNOCKS: usize = 16;

impl Hub {
    /// The room's side of a permission.
    pub(super) fn rules_of(room: &Chatroom) -> RoomRules<'_> {
        RoomRules {
            name: &room.name,
            flags: room.rules.flags,
            key: room.rules.key.as_deref(),
            is_full: room.rules.member_limit.is_some_and(|limit| room.members.len() >= limit as usize),
            is_group: room.is_group(),
        }
    }

    /// Her side of a permission, without what only some acts ask for.
    pub(super) fn actor(client: &Client, room: &Chatroom) -> Actor {
        Actor {
            roles: client
                .place(room.number)
                .and_then(|place| room.members.get(place.member as usize))
                .map(|member| member.roles),
            is_account: client.is_account(),
            acts_as_owner: Hub::acts_as_owner(client),
            verdict: Default::default(),
            invited: false,
            by_link: false,
            listed_as_invited: false,
            wait_seconds: None,
        }
    }

    /// Only while she shows the rank: whoever owns the server is in rooms a member like any other, until she means it.
    pub(super) fn acts_as_owner(client: &Client) -> bool {
        client.has(PersonalMode::Operator) && client.rights().holds(Right::Rooms)
    }

    /// The room of this name, if the client may do this in it.
    pub(super) fn room_for(&self, slot: u32, name: &ChatroomName, act: Act) -> Result<RoomNumber, Refusal> {
        let missing = || Refusal::NoSuchRoom { name: name.text().clone() };
        let number = self.state.room_named(name.key()).ok_or_else(missing)?;
        let (client, room) = self.state.client(slot).zip(self.state.room(number)).ok_or_else(missing)?;
        permit(&Hub::actor(client, room), act, &Hub::rules_of(room)).map_err(|refusal| refusal.of_room(name.text()))?;
        Ok(number)
    }

    // Entering

    pub(super) fn join(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        key: Option<&str>,
        link: Option<LinkHash>,
        follows: bool,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = self.try_join(asker, name, key, link, follows, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_join(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        key: Option<&str>,
        link: Option<LinkHash>,
        follows: bool,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let Some(client) = self.state.client(asker.slot) else {
            return Ok(());
        };
        let account = client.account.as_ref().map(|account| account.slot);
        let found = self.state.room_named(name.key());
        // Being in it already is no error.
        if found.is_some_and(|number| client.place(number).is_some()) {
            return Ok(());
        }
        if name.is_of_group() && found.and_then(|number| self.state.room(number)).is_none_or(Chatroom::is_group) {
            return self.join_group(asker, name, turn);
        }
        // The link of a room leads to it under whatever name.
        let of_link = || {
            let number = self.state.room_of_link(link?)?;
            let mut links = self.state.room(number)?.rules.links.iter();
            links.any(|kept| Some(kept.hash) == link && kept.is_usable(turn.now)).then_some(number)
        };
        let renamed = || of_link().or_else(|| self.room_formerly_named(client, name, turn.now).filter(|_| follows));
        let renamed = if found.is_none() { renamed() } else { None };
        let is_there = renamed.is_some_and(|number| client.place(number).is_some());
        if !is_there && self.has_many_rooms(client) {
            return Err(Refusal::TooManyRooms { room: name.text().clone() });
        }
        if found.or(renamed).is_none()
            && let Some(room) =
                self.room_formerly_named(client, name, turn.now).and_then(|number| self.state.room(number))
        {
            return Err(Refusal::RoomRenamed { room: name.text().clone(), to: room.name.clone() });
        }
        if let Some(room) = renamed.and_then(|number| self.state.room(number)) {
            let (from, to) = (name.text().clone(), room.name.clone());
            turn.answer(Answer::Forwarded { from, to, is_renamed: true });
            if is_there {
                return Ok(());
            }
        }
        let (number, roles) = match found.or(renamed) {
            Some(number) => match self.admit_to_room(asker.slot, number, key, link, turn) {
                Ok(roles) => (number, roles),
                Err(refusal) => {
                    let Some(to) = self.forward_from(asker.slot, number, &refusal, turn) else {
                        return Err(refusal);
                    };
                    self.tell_forwarded(number, to.room(), turn);
                    match to {
                        Forwarded::In { .. } => return Ok(()),
                        Forwarded::To { room, roles } => (room, roles),
                    }
                }
            },
            None => {
                self.check_new_room(client, name)?;
                let number = self.add_named_room(name, turn);
                self.keep_room(number, turn);
                (number, Roles::of(if account.is_some() { Role::Owner } else { Role::Operator }))
            }
        };
        let membership = Membership { roles, since: turn.now, position: turn.position };
        if let Some(account) = account {
            self.keep_member(number, account, membership, turn);
        }
        self.enter_room(asker.slot, number, membership, true, turn);
        Ok(())
    }

    /// Groups are not counted: others bring her into them.
    fn has_many_rooms(&self, client: &Client) -> bool {
        let most = self.settings.rooms_per_client;
        let is_group = |number| self.state.room(number).is_some_and(Chatroom::is_group);
        client.rooms.len() >= most && client.rooms.iter().filter(|place| !is_group(place.room)).count() >= most
    }

    /// With which roles she enters an existing room.
    pub(super) fn admit_to_room(
        &mut self,
        slot: u32,
        number: RoomNumber,
        key: Option<&str>,
        link: Option<LinkHash>,
        turn: &mut Turn,
    ) -> Result<Roles, Refusal> {
        self.lift_restrictions(number, turn);
        let Some((client, room)) = self.state.client(slot).zip(self.state.room(number)) else {
            return Ok(Roles::NONE);
        };
        let is_invited = client.invitations().contains(&number);
        let actor = Actor {
            verdict: room.rules.verdict(&client.person),
            invited: is_invited,
            by_link: link
                .is_some_and(|link| room.rules.links.iter().any(|kept| kept.hash == link && kept.is_usable(turn.now))),
            listed_as_invited: room.has(RoomFlag::InviteOnly) && room.rules.lists_as_invited(&client.person),
            ..Hub::actor(client, room)
        };
        permit(&actor, Act::Join { key }, &Hub::rules_of(room))?;
        if actor.by_link
            && let Some(link) = link
        {
            self.count_link(slot, number, link, turn);
        }
        let Some(room) = self.state.room(number) else {
            return Ok(Roles::NONE);
        };
        // The first to come to a room that is nobody's looks after it.
        let is_first = room.members.is_empty() && room.is_unowned();
        if is_invited {
            self.state.change_client(slot, |client| client.rare_mut().invitations.retain(|room| *room != number));
        }
        Ok(if is_first { Roles::of(Role::Operator) } else { Roles::NONE })
    }

    fn check_new_room(&self, client: &Client, name: &ChatroomName) -> Result<(), Refusal> {
        let text = || name.text().clone();
        if ChatroomName::parse(name.text(), &self.settings.name_rules).is_err() {
            return Err(Refusal::RoomNameInvalid { room: text() });
        }
        if !self.may_create_rooms(client) {
            return Err(Refusal::MayNotCreateRoom { room: text() });
        }
        if self.state.room_looking_like(name, None).is_some() {
            return Err(Refusal::RoomNameConfusable { room: text() });
        }
        Ok(())
    }

    pub(super) fn may_create_rooms(&self, client: &Client) -> bool {
        match self.settings.room_creation {
            RoomCreation::Anyone => true,
            RoomCreation::Accounts => client.is_account(),
            RoomCreation::Operators => client.rights().holds(Right::Rooms),
        }
    }

    pub(super) fn add_named_room(&mut self, name: &ChatroomName, turn: &Turn) -> RoomNumber {
        let number = self.state.next_room();
        let id = self.new_room_id(turn);
        self.state.add_room(Chatroom::new(number, id, name.text().clone(), name.key().clone(), turn.now));
        number
    }

    pub(super) fn keep_room(&self, number: RoomNumber, turn: &mut Turn) {
        if let Some(room) = self.state.room(number) {
            turn.keep(Change::Room(Box::new(room.record())));
        }
    }

    /// Puts a client into a room: its sessions see the room from here on, the room sees her, she is shown who is there.
    pub(super) fn enter_room(
        &mut self,
        slot: u32,
        number: RoomNumber,
        membership: Membership,
        is_asked: bool,
        turn: &mut Turn,
    ) {
        self.state.add_member(number, slot, membership);
        let sessions = self.sessions_of(slot);
        for session in &sessions {
            turn.effects.to(*session, Effect::Enter { session: *session, room: number });
        }
        if let Some((person, what)) = self.joined(slot, number) {
            let event = self.happening(&person, what, turn);
            self.note_of_member(slot, number, &event, turn);
            let origin = if is_asked { turn.event_origin() } else { None };
            self.tell_of_member(slot, number, event, origin, turn);
        }
        for session in sessions {
            self.show_room(session, number, turn);
        }
        self.introduce(slot, number, turn);
    }

    pub(super) fn joined(&self, slot: u32, number: RoomNumber) -> Option<(Arc<Person>, What)> {
        let client = self.state.client(slot)?;
        let roles = self.state.member(client.place(number)?)?.roles;
        let room = self.room_ref(number)?;
        Some((client.person.clone(), What::Joined { room, away: client.away().map(Box::from), roles }))
    }

    /// Shows a newcomer's session what the room is and who is there.
    pub(super) fn show_room(&mut self, id: SessionId, number: RoomNumber, turn: &mut Turn) {
        let slot = self.state.session(id).map(|session| session.client);
        let Some(members) = self.members_shown_to(slot, number) else {
            return;
        };
        let client = self.state.session(id).and_then(|session| self.state.client(session.client));
        let Some((client, room)) = client.zip(self.state.room(number)) else {
            return;
        };
        let history = self.grant(client, room, room.name.clone(), turn);
        let topic = room.rules.topic.as_deref().cloned();
        let read_marker = self.state.session(id).and_then(|session| self.marker_of_room(session.client, room.number));
        let pins = readable_pins(room, &history).count();
        let reports = self.reports_in(client, room);
        let view =
            RoomView { id: room.id, name: room.name.clone(), topic, members, read_marker, pins, reports, history };
        turn.tell(id, Answer::Entered(Box::new(view)));
        self.show_metadata(id, number, turn);
    }

    /// Who is in a room, as a member of it is told.
    pub(super) fn members_shown_to(&mut self, slot: Option<u32>, number: RoomNumber) -> Option<RoomMembers> {
        let members = self.members_of(number)?;
        let room = self.state.room(number)?;
        let is_of_the_audience = slot.is_some_and(|slot| self.is_of_the_audience(slot, room));
        Some(if is_of_the_audience { members.without_the_audience() } else { members })
    }

    pub(super) fn members_of(&mut self, number: RoomNumber) -> Option<RoomMembers> {
        let members = self.state.rows(number);
        let room = self.state.room(number)?;
        let visibility = match room.has(RoomFlag::Secret) {
            true => Visibility::Secret,
            false if room.has(RoomFlag::Unlisted) => Visibility::Unlisted,
            false => Visibility::Public,
        };
        Some(RoomMembers { room: room.name.clone(), visibility, members })
    }

    /// An account that is back is back in its rooms.
    pub(super) fn return_to_rooms(&mut self, slot: u32, account: u32, turn: &mut Turn) {
        let kept = self.state.account(account).map(|account| account.rooms.clone()).unwrap_or_default();
        for (number, membership) in kept {
            let is_here = self.state.client(slot).is_none_or(|client| client.place(number).is_some());
            if is_here || self.state.room(number).is_none() {
                continue;
            }
            let mut membership = membership;
            if self.state.room(number).is_some_and(|room| self.is_abandoned(room)) {
                self.lift_restrictions(number, turn);
                membership.roles = membership.roles.with(Role::Operator);
                self.keep_member(number, account, membership, turn);
            }
            self.enter_room(slot, number, membership, false, turn);
        }
    }

    // Leaving

    pub(super) fn part(&mut self, asker: Asker, name: &ChatroomName, reason: Option<Box<str>>, turn: &mut Turn) {
        let here = self.room_for(asker.slot, name, Act::See).and_then(|number| {
            let is_member = self.state.client(asker.slot).is_some_and(|client| client.place(number).is_some());
            is_member.then_some(number).ok_or_else(|| Refusal::NotMember { room: name.text().clone() })
        });
        match here {
            Ok(number) => self.part_room(asker, number, reason, turn),
            Err(refusal) => turn.refuse(refusal),
        }
    }

    pub(super) fn part_all(&mut self, asker: Asker, reason: Option<Box<str>>, turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        let rooms: Vec<RoomNumber> = client.rooms.iter().map(|place| place.room).collect();
        for number in rooms {
            self.part_room(asker, number, reason.clone(), turn);
        }
    }

    fn part_room(&mut self, asker: Asker, number: RoomNumber, reason: Option<Box<str>>, turn: &mut Turn) {
        let Some((person, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return;
        };
        let event = self.happening(&person, What::Left { room, reason }, turn);
        self.leave_room(asker.slot, number, event, turn);
    }

    /// Takes a client out of a room for good. The event comes first, so that the leaver sees it too.
    pub(super) fn leave_room(&mut self, slot: u32, number: RoomNumber, event: Event, turn: &mut Turn) {
        let origin = turn.event_origin();
        self.note_of_member(slot, number, &event, turn);
        self.tell_of_member(slot, number, event, origin, turn);
        for session in self.sessions_of(slot) {
            turn.effects.to(session, Effect::Leave { session, room: number });
        }
        self.state.remove_member(number, slot);
        let account = self.state.client(slot).and_then(|client| client.account.as_ref()).map(|account| account.slot);
        if let Some(account) = account {
            self.end_membership(account, number, turn);
        }
        self.settle_empty_room(number, turn);
    }

    pub(super) fn end_membership(&mut self, account: u32, number: RoomNumber, turn: &mut Turn) {
        let Some(id) = self.state.account(account).map(|account| account.record.id) else {
            return;
        };
        if self.state.kept_membership(account, number).is_some() {
            self.state.keep_membership(account, number, None);
            turn.keep(Change::MemberRemoved { room: number, account: id });
        }
    }

    /// What becomes of a room that the last one has left, if nobody owns it: one where nothing was ever said is
    /// forgotten, another loses its restrictions. While the store takes nothing this waits for the next one who comes.
    pub(super) fn settle_empty_room(&mut self, number: RoomNumber, turn: &mut Turn) {
        self.end_empty_group(number, turn);
        let Some(room) = self.state.room(number).filter(|room| self.is_abandoned(room)) else {
            return;
        };
        if !room.has_history && room.metadata.is_none() && room.rules.topic.is_none() && room.rules.kept_members == 0 {
            self.state.remove_room(number);
            turn.keep(Change::RoomRemoved(number));
        } else {
            self.lift_restrictions(number, turn);
        }
    }

    /// A room that nobody owns and nobody is in has no restrictions, since nobody could ever lift them. Its id, topic
    /// and history stay.
    fn lift_restrictions(&mut self, number: RoomNumber, turn: &mut Turn) {
        let Some(room) = self.state.room(number).filter(|room| self.is_abandoned(room)) else {
            return;
        };
        let bare = room.rules.without_restrictions();
        if room.rules != bare {
            self.state.change_rules(number, |rules| *rules = bare);
            self.keep_room(number, turn);
        }
    }

    fn is_abandoned(&self, room: &Chatroom) -> bool {
        self.storage == StorageState::Working
            && room.kind == ChatroomKind::Named
            && room.members.is_empty()
            && room.is_unowned()
    }

    // Topics

    pub(super) fn set_topic(&mut self, asker: Asker, name: &ChatroomName, text: Box<str>, turn: &mut Turn) {
        let number = match self.room_for(asker.slot, name, Act::SetTopic) {
            Ok(number) => number,
            Err(refusal) => {
                turn.refuse(refusal);
                return;
            }
        };
        let Some((person, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return;
        };
        let has_topic = self.state.room(number).is_some_and(|room| room.rules.topic.is_some());
        if text.is_empty() && !has_topic {
            return;
        }
        let topic =
            (!text.is_empty()).then(|| Box::new(Topic { text: text.clone(), by: person.mask().into(), at: turn.now }));
        self.state.change_rules(number, |rules| rules.topic = topic);
        self.keep_room(number, turn);
        self.audit_topic(asker, number, text.is_empty(), turn);
        let event = self.happening(&person, What::TopicChanged { room, text }, turn);
        self.note(number, &event, turn);
        let origin = turn.event_origin();
        self.tell_room(number, event, origin, turn);
    }

    /// That of people who are no operators is no operator's doing: the room's history has it.
    fn audit_topic(&mut self, asker: Asker, number: RoomNumber, is_gone: bool, turn: &mut Turn) {
        let Some((client, room)) = self.state.client(asker.slot).zip(self.state.room(number)) else { return };
        if room.kind == ChatroomKind::Named
            && Hub::actor(client, room).roles.unwrap_or_default().at_least(Role::HalfOperator)
        {
            let name = room.name.clone();
            self.audit(AuditAction::Topic, Some(&name), "", if is_gone { "removed" } else { "set" }, turn);
        }
    }

    // Being let in

    pub(super) fn invite(&mut self, asker: Asker, name: &ChatroomName, who: &Username, turn: &mut Turn) {
        if let Err(refusal) = self.try_invite(asker, name, who, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_invite(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        who: &Username,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchClient { name: who.text().clone() };
        let number = self.room_for(asker.slot, name, Act::Invite)?;
        if self.state.room(number).is_some_and(Chatroom::is_group) {
            return self.invite_to_group(asker, number, who, turn);
        }
        let slot = self.state.client_named(who.key()).ok_or_else(missing)?;
        let invited = self.state.client(slot).ok_or_else(missing)?;
        let Some((by, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return Ok(());
        };
        let person = invited.person.clone();
        if invited.place(number).is_some() {
            return Err(Refusal::AlreadyMember { name: person.name.clone(), room: room.name });
        }
        let away = invited.away().map(Box::from);
        // Whoever is blocked is not told so.
        let is_blocked = self.has_blocked(Some(slot), None, by.id);
        if is_blocked {
            turn.answer(Answer::Invited { who: person.name.clone(), room: room.name, away });
            return Ok(());
        }
        self.state.change_client(slot, |client| {
            let invitations = &mut client.rare_mut().invitations;
            invitations.retain(|invited_to| *invited_to != number);
            if invitations.len() >= INVITATIONS {
                invitations.remove(0);
            }
            invitations.push(number);
        });
        let event = |to_invited, turn: &Turn| {
            turn.event(&by, What::Invited { room: room.clone(), who: person.clone(), to_invited })
        };
        let sessions = self.sessions_of(slot);
        let to_invited = event(true, turn);
        turn.tell_sessions(&sessions, &to_invited, None);
        // Those hear of it who might have invited themselves; never who is not to see who is here.
        let all_may = self
            .state
            .room(number)
            .is_some_and(|room| !room.has(RoomFlag::InviteOnly) && !room.has(RoomFlag::Auditorium));
        let mut others =
            if all_may { self.sessions_of_room(number) } else { self.sessions_at_least(number, Role::HalfOperator) };
        others.retain(|id| self.state.session(*id).is_some_and(|session| session.client != asker.slot));
        let to_operators = event(false, turn);
        turn.tell_sessions(&others, &to_operators, None);
        turn.answer(Answer::Invited { who: person.name.clone(), room: room.name.clone(), away });
        Ok(())
    }

    pub(super) fn knock(&mut self, asker: Asker, name: &ChatroomName, text: Option<Box<str>>, turn: &mut Turn) {
        if let Err(refusal) = self.try_knock(asker, name, text, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_knock(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        text: Option<Box<str>>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let number = self.room_for(asker.slot, name, Act::See)?;
        let Some((client, room)) = self.state.client(asker.slot).zip(self.state.room(number)) else {
            return Ok(());
        };
        let (person, room_name) = (client.person.clone(), room.name.clone());
        if client.place(number).is_some() {
            return Err(Refusal::AlreadyMember { name: person.name.clone(), room: room_name });
        }
        let actor = Actor { verdict: room.rules.verdict(&person), ..Hub::actor(client, room) };
        permit(&actor, Act::Knock, &Hub::rules_of(room)).map_err(|refusal| refusal.of_room(name.text()))?;
        let is_recent = |at: Timestamp| at.0.saturating_add(KNOCK_INTERVAL_MS) > turn.now.0;
        let last = client.rare.as_ref().and_then(|rare| rare.knocks.iter().find(|(room, _)| *room == number));
        if last.is_some_and(|(_, at)| is_recent(*at)) {
            return Err(Refusal::KnockedTooOften { room: room_name });
        }
        let now = turn.now;
        self.state.change_client(asker.slot, |client| {
            let knocks = &mut client.rare_mut().knocks;
            knocks.retain(|(room, at)| *room != number && at.0.saturating_add(KNOCK_INTERVAL_MS) > now.0);
            if knocks.len() >= KNOCKS {
                knocks.remove(0);
            }
            knocks.push((number, now));
        });
        if let Some(room) = self.room_ref(number) {
            let event = turn.event(&person, What::Knocked { room, text });
            let mut sessions = self.sessions_at_least(number, Role::HalfOperator);
            // Whoever is blocked is not told so, and not heard.
            sessions.retain(|id| {
                let keeper = self.state.session(*id).map(|session| session.client);
                !self.has_blocked(keeper, None, person.id)
            });
            turn.tell_sessions(&sessions, &event, None);
        }
        turn.answer(Answer::Knocked { room: room_name });
        Ok(())
    }

    /// Whether a client may know that the room is there.
    pub(super) fn can_see(&self, slot: Option<u32>, room: &Chatroom, sees_all: bool) -> bool {
        if sees_all && !room.is_group() {
            return true;
        }
        match slot.and_then(|slot| self.state.client(slot)) {
            Some(client) => permit(&Hub::actor(client, room), Act::See, &Hub::rules_of(room)).is_ok(),
            None => !room.has(RoomFlag::Secret),
        }
    }

    pub(super) fn person_or_server(&self, turn: &Turn) -> Arc<Person> {
        self.asker(turn).and_then(|asker| self.person(asker.slot)).unwrap_or_else(|| self.server.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};
    use crate::settings::{RoomCreation, Settings};

    #[test]
    fn who_makes_a_room_looks_after_it() {
        check_with(
            settings(),
            "
            > show changes
            > console registers alice
            console: account alice created
            keep: account alice
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            keep: account alice
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            keep: room #tea nt
            keep: member #tea ~alice
            > alice joins #TEA
            > bob arrives
            bob: welcome bob
            > bob joins #pot
            [bob*] bob joined #pot @
            bob: entered #pot @bob
            keep: room #pot nt
            > bob joins pot
            bob: refused: RoomNameInvalid { room: \"pot\" }
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea ~alice bob
            > bob parts #pot bye
            [bob*] bob left #pot (bye)
            keep: no room
            > bob parts #pot
            bob: refused: NoSuchRoom { name: \"#pot\" }
            > bob parts #none
            bob: refused: NoSuchRoom { name: \"#none\" }
            > alice parts #tea
            [alice* bob] alice left #tea
            keep: no member #tea alice
            > bob asks settings #tea
            bob: settings of #tea: nt key none limit None
            ",
        );
    }

    #[test]
    fn room_creation_may_be_for_accounts() {
        check_with(
            Settings { room_creation: RoomCreation::Accounts, ..settings() },
            "
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            alice: refused: MayNotCreateRoom { room: \"#tea\" }
            > alice registers alice
            alice: account alice created
            [alice*] alice is account alice
            alice: logged in to alice as alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice joins #тea
            [alice*] alice (alice) joined #тea ~
            alice: entered #тea ~alice
            ",
        );
    }

    #[test]
    fn room_creation_may_be_for_operators() {
        check_with(
            Settings { room_creation: RoomCreation::Operators, ..settings() },
            "
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            alice: refused: MayNotCreateRoom { room: \"#tea\" }
            > alice opers admin
            [alice*] alice has modes +o
            alice: operator: is an admin
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice joins #теа
            [alice*] alice joined #теа @
            alice: entered #теа @alice
            > alice joins #tеa
            alice: refused: RoomNameConfusable { room: \"#tеa\" }
            ",
        );
    }

    #[test]
    fn there_is_a_limit_of_rooms() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice joins #1
            [alice*] alice joined #1 @
            alice: entered #1 @alice
            > alice joins #2
            [alice*] alice joined #2 @
            alice: entered #2 @alice
            > alice joins #3
            [alice*] alice joined #3 @
            alice: entered #3 @alice
            > alice joins #4
            [alice*] alice joined #4 @
            alice: entered #4 @alice
            > alice joins #5
            [alice*] alice joined #5 @
            alice: entered #5 @alice
            > alice joins #6
            alice: refused: TooManyRooms { room: \"#6\" }
            > alice parts all
            [alice*] alice left #1
            [alice*] alice left #2
            [alice*] alice left #3
            [alice*] alice left #4
            [alice*] alice left #5
            > alice joins #6
            [alice*] alice joined #6 @
            alice: entered #6 @alice
            ",
        );
    }

    #[test]
    fn doors() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > owner arrives account owner
            owner: logged in to owner as nobody yet
            owner: welcome owner
            > owner joins #tea
            [owner*] owner (owner) joined #tea ~
            owner: entered #tea ~owner
            > owner mode #tea +k key
            [owner*] owner changed #tea: +k:key
            > eve arrives
            eve: welcome eve
            > eve joins #tea
            eve: refused: WrongKey { room: \"#tea\" }
            > eve joins #tea wrong
            eve: refused: WrongKey { room: \"#tea\" }
            > eve joins #tea key
            [owner eve*] eve joined #tea
            eve: entered #tea ~owner eve
            > eve parts #tea
            [owner eve*] eve left #tea
            > owner mode #tea -k+l 1
            [owner*] owner changed #tea: -k:key +l:1
            > eve joins #tea
            eve: refused: RoomFull { room: \"#tea\" }
            > owner mode #tea -l+b eve
            [owner*] owner changed #tea: -l +b:eve!*@*
            > eve joins #tea
            eve: refused: Banned { room: \"#tea\" }
            > owner mode #tea +e *!u@cloak
            [owner*] owner changed #tea: +e:*!u@cloak
            > eve joins #tea
            [owner eve*] eve joined #tea
            eve: entered #tea ~owner eve
            > eve parts #tea
            [owner eve*] eve left #tea
            > owner mode #tea -b+i eve
            [owner*] owner changed #tea: -b:eve!*@* +i
            > eve joins #tea
            eve: refused: InviteOnly { room: \"#tea\" }
            > owner mode #tea +I e*
            [owner*] owner changed #tea: +I:e*!*@*
            > eve joins #tea
            [owner eve*] eve joined #tea
            eve: entered #tea ~owner eve
            > eve parts #tea
            [owner eve*] eve left #tea
            > owner mode #tea -i+R
            [owner*] owner changed #tea: -i +R
            > eve joins #tea
            eve: refused: AccountsOnly { room: \"#tea\" }
            > eve registers eve
            eve: account eve created
            [eve*] eve is account eve
            eve: logged in to eve as eve
            > eve joins #tea
            [owner eve*] eve (eve) joined #tea
            eve: entered #tea ~owner eve
            ",
        );
    }

    #[test]
    fn an_invitation_opens_the_door() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > op mode #tea +ilb 1 eve
            [op*] op changed #tea: +i +l:1 +b:eve!*@*
            > eve arrives
            eve: welcome eve
            > eve/tls arrives as other
            eve/tls: welcome other
            > op invites eve #tea
            [eve] op invited eve to #tea
            op: eve is invited to #tea
            > eve asks invitations
            eve: invited to #tea
            > eve joins #tea
            [op eve*] eve joined #tea
            eve: entered #tea @op eve
            > eve asks invitations
            eve: invited to
            > op invites eve #tea
            op: refused: AlreadyMember { name: \"eve\", room: \"#tea\" }
            > op invites nobody #tea
            op: refused: NoSuchClient { name: \"nobody\" }
            > op invites other #none
            op: refused: NoSuchRoom { name: \"#none\" }
            > eve invites other #tea
            eve: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > op mode #tea +h eve
            [op* eve] op changed #tea: +h:eve
            > eve away lunch
            [op eve*] eve is away: lunch
            eve: away true
            > eve invites other #tea
            [eve/tls] eve invited other to #tea
            [op] eve invited other to #tea
            eve: other is invited to #tea
            > eve parts #tea
            [op eve*] eve left #tea
            > op invites eve #tea
            [eve] op invited eve to #tea
            op: eve is invited to #tea (lunch)
            > eve/tls invites eve #tea
            eve/tls: refused: NotMember { room: \"#tea\" }
            > eve joins #tea
            [op eve*] eve joined #tea away: lunch
            eve: entered #tea @op eve
            ",
        );
    }

    #[test]
    fn knocking() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > eve arrives
            eve: welcome eve
            > eve knocks #tea
            eve: refused: RoomOpen { room: \"#tea\" }
            > op mode #tea +i
            [op*] op changed #tea: +i
            > eve knocks #tea let me in
            [op] eve knocked at #tea (let me in)
            eve: knocked at #tea
            > eve knocks #tea
            eve: refused: KnockedTooOften { room: \"#tea\" }
            > op sets metadata eve soju.im/blocked 1
            op: set again: eve/soju.im/blocked=1!
            > time 61
            > eve knocks #tea let me in
            eve: knocked at #tea
            > op sets metadata eve soju.im/blocked 0
            op: set again: eve/soju.im/blocked=0!
            > op knocks #tea
            op: refused: AlreadyMember { name: \"op\", room: \"#tea\" }
            > eve knocks #none
            eve: refused: NoSuchRoom { name: \"#none\" }
            > time 61
            > eve knocks #tea
            [op] eve knocked at #tea
            eve: knocked at #tea
            > op mode #tea +b eve
            [op*] op changed #tea: +b:eve!*@*
            > time 61
            > eve knocks #tea
            eve: refused: Banned { room: \"#tea\" }
            > op mode #tea +s
            [op*] op changed #tea: +s
            > eve knocks #tea
            eve: refused: NoSuchRoom { name: \"#tea\" }
            ",
        );
    }

    #[test]
    fn topics() {
        check_with(
            settings(),
            "
            > show changes
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            keep: room #tea nt
            > bob arrives
            bob: welcome bob
            > bob topic #tea mine
            bob: refused: NotMember { room: \"#tea\" }
            > bob joins #tea
            [op bob*] bob joined #tea
            bob: entered #tea @op bob
            > bob topic #tea mine
            bob: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > op topic #tea
            > op topic #tea Green tea
            [op* bob] op set topic of #tea: Green tea
            keep: room #tea nt
            > bob asks topic #tea
            bob: topic of #tea: Green tea by op!u@cloak
            > op mode #tea -t
            [op* bob] op changed #tea: -t
            keep: room #tea n
            > bob topic #tea
            [op bob*] bob set topic of #tea:
            keep: room #tea n
            > bob asks topic #tea
            bob: no topic of #tea
            > bob asks topic #none
            bob: refused: NoSuchRoom { name: \"#none\" }
            > bob topic #none x
            bob: refused: NoSuchRoom { name: \"#none\" }
            ",
        );
    }

    #[test]
    fn an_abandoned_room_loses_its_restrictions() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > op says #tea hello
            [op*] op -> #tea: hello
            > op mode #tea +isk-n secret
            [op*] op changed #tea: +i +s +k:secret -n
            > show changes
            > op quits
            keep: room #tea nt
            > bob arrives
            bob: welcome bob
            > bob asks settings #tea
            bob: settings of #tea: nt key none limit None
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > bob parts #tea
            [bob*] bob left #tea
            ",
        );
    }

    #[test]
    fn a_room_with_an_owner_keeps_them() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice mode #tea +i
            [alice*] alice changed #tea: +i
            > alice quits
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            bob: refused: InviteOnly { room: \"#tea\" }
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            [alice] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice parts #tea
            [alice*] alice left #tea
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            ",
        );
    }

    #[test]
    fn a_plain_member_comes_back_to_an_abandoned_room() {
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
            > op mode #tea +m
            [op* bob] op changed #tea: +m
            > bob quits
            [op] bob quit ()
            > op quits
            > show changes
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            keep: account bob
            bob: welcome bob
            [bob] bob (bob) joined #tea @
            bob: entered #tea @bob
            keep: member #tea @bob
            ",
        );
    }

    #[test]
    fn standing_rooms_stand() {
        check_with(
            Settings { standing_rooms: vec!["#lobby".into()], ..settings() },
            "
            > show changes
            > alice arrives
            alice: welcome alice
            keep: room #lobby ntP
            > alice joins #lobby
            [alice*] alice joined #lobby
            alice: entered #lobby alice
            > alice mode #lobby +m
            alice: refused: NeedsRole { room: \"#lobby\", role: Operator }
            > alice parts #lobby
            [alice*] alice left #lobby
            > console registers root
            console: account root created
            keep: account root
            > root arrives account root
            root: logged in to root as nobody yet
            keep: account root
            root: welcome root
            > root modes +o
            [root*] root has modes +o
            > root mode #lobby +v root
            root: refused: TheyAreNotMember { name: \"root\", room: \"#lobby\" }
            > root joins #lobby
            [root*] root (root) joined #lobby
            root: entered #lobby root
            keep: member #lobby root
            > root mode #lobby +m-P
            root: refused: FlagRefused { room: \"#lobby\", flag: Registered }
            [root*] root changed #lobby: +m
            keep: room #lobby mntP
            > alice joins #lobby
            [alice* root] alice joined #lobby
            alice: entered #lobby root alice
            ",
        );
    }
}
