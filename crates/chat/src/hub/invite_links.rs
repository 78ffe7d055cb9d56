//! Links that let people into a room: made, listed and revoked by its operators, counted when someone comes by one.

use super::state::Returning;
use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::chatroom::Rules;
use crate::client::Client;
use crate::command::NewLink;
use crate::id::{RoomNumber, Timestamp};
use crate::invite_link::{InviteLink, LinkHash, WayBack};
use crate::mask::Verdict;
use crate::membership::{Membership, Roles};
use crate::name::{ChatroomName, Username};
use crate::permission::Act;
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::Refusal;
use std::sync::Arc;

/// Links that a room can have at once.
const LINKS: usize = 20;
/// Guests who have gone and can come back by the links that they came by; the oldest makes way.
const RETURNING: usize = 1_000;
/// So long they can, in milliseconds, if their link lasts so long: who sleeps with the lid shut is the same the next morning.
const RETURN_MS: u64 = 86_400_000;

impl Hub {
    pub(super) fn create_link(&mut self, asker: Asker, name: &ChatroomName, new: NewLink, turn: &mut Turn) {
        match self.try_create_link(asker, name, new, turn) {
            Ok(answer) => turn.answer(answer),
            Err(refusal) => turn.refuse(refusal),
        }
    }

    fn try_create_link(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        new: NewLink,
        turn: &mut Turn,
    ) -> Result<Answer, Refusal> {
        let number = self.room_for(asker.slot, name, Act::ManageLinks)?;
        let Some((client, room)) = self.state.client(asker.slot).zip(self.state.room(number)) else {
            return Err(Refusal::NotYours);
        };
        if room.rules.links.iter().filter(|link| link.is_usable(turn.now)).count() >= LINKS {
            return Err(Refusal::TooManyLinks { room: room.name.clone(), limit: LINKS });
        }
        let link = InviteLink {
            hash: new.hash,
            by: client.person.mask().into(),
            account: client.account.as_ref().map(|_| client.id),
            created: turn.now,
            expires: new.lasts_ms.map(|lasts| Timestamp(turn.now.0.saturating_add(lasts))),
            uses_left: new.uses,
        };
        let answer = Answer::LinkCreated { room: room.name.clone(), link: Box::new(link.clone()) };
        let room_name = room.name.clone();
        self.change_links(number, turn, |rules| rules.links.push(link));
        self.audit(AuditAction::InviteLink, Some(&room_name), &new.hash.id(), "created", turn);
        Ok(answer)
    }

    pub(super) fn revoke_link(&mut self, asker: Asker, name: &ChatroomName, id: &str, turn: &mut Turn) {
        let number = match self.room_for(asker.slot, name, Act::ManageLinks) {
            Ok(number) => number,
            Err(refusal) => return turn.refuse(refusal),
        };
        let Some(room) = self.state.room(number) else { return };
        let room_name = room.name.clone();
        if !room.rules.links.iter().any(|link| link.is_usable(turn.now) && link.hash.id() == id) {
            return turn.refuse(Refusal::NoSuchLink { room: room_name, id: id.into() });
        }
        self.change_links(number, turn, |rules| rules.links.retain(|link| link.hash.id() != id));
        self.end_ways_back(number, id);
        self.audit(AuditAction::InviteLink, Some(&room_name), id, "revoked", turn);
        turn.answer(Answer::LinkRevoked { room: room_name, id: id.into() });
    }

    pub(super) fn links_answer(&self, name: &ChatroomName, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let number = self.room_for(asker.slot, name, Act::ManageLinks)?;
        let room = self.state.room(number).ok_or(Refusal::NotYours)?;
        let links = room.rules.links.iter().filter(|link| link.is_usable(turn.now)).cloned().collect();
        Ok(Answer::InviteLinks { room: room.name.clone(), links })
    }

    /// Into which room a link leads: whoever has it is let in there, so may know what it is called by now.
    pub(super) fn link_answer(&self, hash: LinkHash, turn: &Turn) -> Result<Answer, Refusal> {
        let room = self.state.room_of_link(hash).and_then(|number| self.state.room(number));
        let opens = |link: &InviteLink| link.hash == hash && link.is_usable(turn.now);
        let opened = room.filter(|room| room.rules.links.iter().any(opens));
        opened.map(|room| Answer::LinkLeads { room: room.name.clone() }).ok_or(Refusal::LinkInvalid)
    }

    /// She comes into the room by this link, which can be used.
    pub(super) fn count_link(&mut self, slot: u32, number: RoomNumber, hash: LinkHash, turn: &mut Turn) {
        let is_usable = |link: &&InviteLink| link.hash == hash && link.is_usable(turn.now);
        let Some(link) = self.state.room(number).and_then(|room| room.rules.links.iter().find(is_usable)) else {
            return self.take_way_back(slot, number, hash, turn);
        };
        let way = WayBack { hash, room: number, expires: link.expires };
        let may_register = link.account.is_some_and(|account| self.usable_account(account).is_some());
        let is_guest = self.state.client(slot).is_some_and(|client| !client.is_account());
        if link.uses_left.is_some() {
            self.change_links(number, turn, |rules| use_once(rules, hash));
            if is_guest {
                self.note_way_back(slot, way);
            }
        }
        if may_register && is_guest {
            self.state.change_client(slot, |client| client.rare_mut().came_by = Some(hash));
        }
    }

    /// Which of those who may come back she is, if she is one.
    pub(super) fn comes_back(&self, who: &Client, number: RoomNumber, hash: LinkHash, now: Timestamp) -> Option<usize> {
        let is_she = |gone: &Returning| {
            let WayBack { hash: by, room, .. } = gone.way;
            by == hash && room == number && gone.key == *who.username.key() && gone.address == who.ip_address
        };
        let found = self.state.returning().iter().position(|gone| is_she(gone) && gone.until > now);
        found.filter(|_| !who.is_account())
    }

    fn take_way_back(&mut self, slot: u32, number: RoomNumber, hash: LinkHash, turn: &Turn) {
        let found = self.state.client(slot).and_then(|client| self.comes_back(client, number, hash, turn.now));
        let Some(at) = found else { return };
        let mut returning = self.state.returning().to_vec();
        let Returning { way, .. } = returning.remove(at);
        self.state.set_returning(returning);
        self.note_way_back(slot, way);
    }

    fn note_way_back(&mut self, slot: u32, way: WayBack) {
        self.state.change_client(slot, |client| {
            let ways = &mut client.rare_mut().ways_back;
            ways.retain(|known| known.room != way.room);
            ways.push(way);
        });
    }

    /// She goes, and was in these rooms until now: whoever was put out of one has no way back into it.
    pub(super) fn note_ways_back(&mut self, slot: u32, turn: &Turn) {
        let Some(client) = self.state.client(slot).filter(|client| !client.is_account()) else { return };
        let ways = client.rare.as_ref().map_or(&[][..], |rare| &rare.ways_back);
        let end = Timestamp(turn.now.0.saturating_add(RETURN_MS));
        let gone: Vec<Returning> = ways
            .iter()
            .filter(|way| client.place(way.room).is_some())
            .map(|way| Returning {
                key: client.username.key().clone(),
                address: client.ip_address,
                way: way.clone(),
                until: way.expires.map_or(end, |expires| expires.min(end)),
            })
            .collect();
        if gone.is_empty() {
            return;
        }
        let mut returning: Vec<Returning> = self.state.returning().to_vec();
        returning.retain(|known| known.until > turn.now);
        returning.extend(gone);
        returning.drain(..returning.len().saturating_sub(RETURNING));
        self.state.set_returning(returning);
    }

    /// Nobody can use the link any more.
    fn end_ways_back(&mut self, number: RoomNumber, id: &str) {
        let is_other = |way: &WayBack| way.room != number || way.hash.id() != id;
        let mut returning = self.state.returning().to_vec();
        returning.retain(|gone| is_other(&gone.way));
        self.state.set_returning(returning);
        let members = self.state.room(number).map_or(&[][..], |room| &room.members);
        for slot in members.iter().map(|member| member.client).collect::<Vec<u32>>() {
            if self
                .state
                .client(slot)
                .and_then(|client| client.rare.as_ref())
                .is_some_and(|rare| !rare.ways_back.is_empty())
            {
                self.state.change_client(slot, |client| client.rare_mut().ways_back.retain(is_other));
            }
        }
    }

    /// Whether a new account can be made with this link, and the room that it then is a member of; `None`: whoever makes
    /// it is there already, by this link. An account of the link's maker stands for that.
    pub(super) fn link_for_account(
        &self,
        hash: LinkHash,
        name: &Username,
        asker: Option<Asker>,
        now: Timestamp,
    ) -> Result<Option<RoomNumber>, Refusal> {
        let client = asker.and_then(|asker| self.state.client(asker.slot));
        if client.and_then(|client| client.rare.as_ref()).is_some_and(|rare| rare.came_by == Some(hash)) {
            return Ok(None);
        }
        let room = self.state.room_of_link(hash).and_then(|number| self.state.room(number));
        let link = room.and_then(|room| room.rules.links.iter().find(|link| link.hash == hash));
        let (room, _) = room
            .zip(link)
            .filter(|(_, link)| link.is_usable(now))
            .filter(|(_, link)| link.account.is_some_and(|account| self.usable_account(account).is_some()))
            .ok_or(Refusal::LinkInvalid)?;
        // A link is for anyone, so it says nothing about a ban.
        let person = match client {
            Some(client) => client.person.clone(),
            None => Arc::new(Person {
                name: name.text().clone(),
                account: Some(name.text().clone()),
                ..Person::clone(&self.server)
            }),
        };
        if room.rules.verdict(&person) == Verdict::Banned {
            return Err(Refusal::LinkInvalid);
        }
        Ok(Some(room.number))
    }

    /// A new account becomes a member of the room whose link it was made with.
    pub(super) fn enter_by_link(&mut self, account: u32, number: RoomNumber, hash: LinkHash, turn: &mut Turn) {
        self.change_links(number, turn, |rules| use_once(rules, hash));
        let membership = Membership { roles: Roles::NONE, since: turn.now, position: turn.position };
        self.keep_member(number, account, membership, turn);
    }

    /// Also forgets those whose time is over.
    fn change_links(&mut self, number: RoomNumber, turn: &mut Turn, change: impl FnOnce(&mut Rules)) {
        let now = turn.now;
        self.state.change_rules(number, |rules| {
            change(rules);
            rules.links.retain(|link| link.is_usable(now));
        });
        self.keep_room(number, turn);
    }
}

fn use_once(rules: &mut Rules, hash: LinkHash) {
    if let Some(left) = rules.links.iter_mut().find(|link| link.hash == hash).and_then(|link| link.uses_left.as_mut()) {
        *left = left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn a_link_opens_the_door_as_often_as_it_says() {
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
            > alice mode #tea +ikl sesame 1
            [alice*] alice changed #tea: +i +k:sesame +l:1
            > bob links #tea 7 1
            bob: refused: NotMember { room: \"#tea\" }
            > alice links #tea 7 1
            alice: link 07070707 into #tea
            > alice asks links #tea
            alice: links into #tea: 07070707(1)
            > bob asks links #tea
            bob: refused: NotMember { room: \"#tea\" }
            > bob joins #tea
            bob: refused: InviteOnly { room: \"#tea\" }
            > bob joins #tea by 8
            bob: refused: LinkInvalid
            > storage fails
            > bob joins #tea by 7
            bob: refused: StorageFull
            > storage works
            > alice mode #tea +b bob!*@*
            [alice*] alice changed #tea: +b:bob!*@*
            > bob joins #tea by 7
            bob: refused: Banned { room: \"#tea\" }
            > alice mode #tea -b bob!*@*
            [alice*] alice changed #tea: -b:bob!*@*
            > bob joins #tea by 7
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > bob joins #tea by 7
            > carol joins #tea by 7
            carol: refused: LinkInvalid
            > alice asks links #tea
            alice: links into #tea:
            > alice links #tea 9 5 60
            alice: link 09090909 into #tea
            > bob revokes #tea 09090909
            bob: refused: NeedsRole { room: \"#tea\", role: Operator }
            > alice revokes #tea 08080808
            alice: refused: NoSuchLink { room: \"#tea\", id: \"08080808\" }
            > time 60
            > carol joins #tea by 9
            carol: refused: LinkInvalid
            > alice revokes #tea 09090909
            alice: refused: NoSuchLink { room: \"#tea\", id: \"09090909\" }
            > alice links #tea 10 5
            alice: link 0a0a0a0a into #tea
            > alice revokes #tea 0a0a0a0a
            alice: link 0a0a0a0a into #tea is revoked
            > carol joins #tea by 10
            carol: refused: LinkInvalid
            ",
        );
    }

    #[test]
    fn a_guest_comes_back_by_the_link_that_she_came_by() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > alice mode #tea +i
            [alice*] alice changed #tea: +i
            > alice links #tea 7 1
            alice: link 07070707 into #tea
            > bob arrives
            bob: welcome bob
            > bob joins #tea by 7
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > bob breaks
            [alice] bob quit (connection lost)
            > carol arrives
            carol: welcome carol
            > carol joins #tea by 7
            carol: refused: LinkInvalid
            > bob arrives
            bob: welcome bob
            > bob joins #tea by 8
            bob: refused: LinkInvalid
            > bob joins #tea by 7
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > alice asks links #tea
            alice: links into #tea:
            > bob breaks
            [alice] bob quit (connection lost)
            > time 86400
            > bob arrives
            bob: welcome bob
            > bob joins #tea by 7
            bob: refused: LinkInvalid
            > alice links #tea 9 1
            alice: link 09090909 into #tea
            > bob joins #tea by 9
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > alice kicks #tea bob
            [alice* bob] alice kicked bob from #tea
            > bob breaks
            > bob arrives
            bob: welcome bob
            > bob joins #tea by 9
            bob: refused: LinkInvalid
            > alice links #tea 10 3
            alice: link 0a0a0a0a into #tea
            > bob joins #tea by 10
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > alice revokes #tea 0a0a0a0a
            alice: link 0a0a0a0a into #tea is revoked
            > bob breaks
            [alice] bob quit (connection lost)
            > bob arrives
            bob: welcome bob
            > bob joins #tea by 10
            bob: refused: LinkInvalid
            ",
        );
    }

    #[test]
    fn a_room_has_so_many_links() {
        let mut world = World::new(settings(), 1);
        for line in ["alice arrives", "alice joins #tea"] {
            world.run(line);
        }
        for number in 0..super::LINKS {
            world.run(&format!("alice links #tea {number} 1"));
        }
        world.check(
            "
            > alice links #tea 100 1
            alice: refused: TooManyLinks { room: \"#tea\", limit: 20 }
            ",
        );
    }

    #[test]
    fn new_people_make_an_account_where_registration_is_closed() {
        check_with(
            Settings { registration_open: false, ..settings() },
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
            > alice links #tea 7 2
            alice: link 07070707 into #tea
            keep: room #tea nt
            > bob registers bob
            bob: refused: RegistrationClosed
            > bob registers bob by 8
            bob: refused: LinkInvalid
            > bob registers bob by 7
            bob: account bob created
            bob: logged in to bob as nobody yet
            keep: account bob
            keep: room #tea nt
            keep: member #tea bob
            > carol arrives
            carol: welcome carol
            > carol joins #tea by 7
            [alice carol*] carol joined #tea
            carol: entered #tea ~alice carol
            keep: room #tea nt
            > dave arrives
            dave: welcome dave
            > dave registers dave by 7
            dave: refused: LinkInvalid
            > carol registers carol by 7
            carol: account carol created
            [alice carol*] carol is account carol
            carol: logged in to carol as carol
            keep: account carol
            keep: member #tea carol
            > alice mode #tea +i
            [alice* carol] alice changed #tea: +i
            keep: room #tea nti
            > dave joins #tea by 7
            dave: refused: LinkInvalid
            > dave joins #nowhere by 8
            dave: refused: LinkInvalid
            > console asks link 7
            console: refused: LinkInvalid
            > dave joins #own
            [dave*] dave joined #own @
            dave: entered #own @dave
            keep: room #own nt
            > dave links #own 9 5
            dave: link 09090909 into #own
            keep: room #own nt
            > console asks link 9
            console: that link leads into #own
            > dave registers dave by 9
            dave: refused: LinkInvalid
            ",
        );
    }

    #[test]
    fn links_outlive_the_process() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        for line in ["alice arrives", "alice joins #tea", "alice mode #tea +i", "alice links #tea 7 2"] {
            world.run(line);
        }
        world.run("console registers owner");
        world.run("alice registers alice");
        let mut world = World::restore(world.kept(), settings(), 1);
        world.check(
            "
            > bob arrives
            bob: welcome bob
            > bob joins #tea by 7
            [bob*] bob joined #tea
            bob: entered #tea bob
            ",
        );
    }
}
