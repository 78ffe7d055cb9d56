//! Entering rooms, and making those that are not there yet.

use super::forwarding::Forwarded;
use super::pinning::readable_pins;
use super::turn::Turn;
use super::{Asker, Hub};
use crate::chatroom::{Chatroom, RoomFlag};
use crate::client::Client;
use crate::effect::Effect;
use crate::event::What;
use crate::id::{RoomNumber, SessionId};
use crate::invite_link::{InviteLink, LinkHash};
use crate::membership::{Membership, Role, Roles};
use crate::name::ChatroomName;
use crate::permission::{Act, Actor, permit};
use crate::person::Person;
use crate::query::{Answer, RoomView};
use crate::refusal::{Refusal, Right};
use crate::settings::RoomCreation;
use std::sync::Arc;

impl Hub {
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
                        // Whoever has a link is told of it, not to ask for what it was to be.
                        let is_of_link =
                            link.is_some() && matches!(refusal, Refusal::InviteOnly { .. } | Refusal::WrongKey { .. });
                        return Err(if is_of_link { Refusal::LinkInvalid } else { refusal });
                    };
                    self.tell_forwarded(number, to.room(), turn);
                    match to {
                        Forwarded::In { .. } => return Ok(()),
                        Forwarded::To { room, roles } => (room, roles),
                    }
                }
            },
            // Nobody makes a room by a link that leads nowhere.
            None if link.is_some() => return Err(Refusal::LinkInvalid),
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
            by_link: link.is_some_and(|link| {
                let is_usable = |kept: &InviteLink| kept.hash == link && kept.is_usable(turn.now);
                room.rules.links.iter().any(is_usable) || self.comes_back(client, number, link, turn.now).is_some()
            }),
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
}
