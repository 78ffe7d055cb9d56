//! Being let in: inviting someone, and knocking.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::chatroom::{Chatroom, RoomFlag};
use crate::event::What;
use crate::id::Timestamp;
use crate::membership::Role;
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, Actor, permit};
use crate::query::Answer;
use crate::refusal::Refusal;

/// Between two knocks of one client at one room, in milliseconds.
const KNOCK_INTERVAL_MS: u64 = 60_000;
/// Rooms that a client can be invited to at once; the oldest invitation makes way.
const INVITATIONS: usize = 64;
/// Doors a client's last knocks are remembered at; the oldest makes way.
const KNOCKS: usize = 16;

impl Hub {
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
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

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
}
