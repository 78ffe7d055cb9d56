//! Group conversations (docs/decisions/0011-groups.md): a few people, each with an account, talk among themselves as two do
//! in a direct conversation. To everything else a group is a room, so it has history, markers, search and marks like one.
//! Nobody owns it: every member may bring someone in, name it and leave. Nobody joins it: one is brought in, here or not,
//! and reads what is said from then on. When the last one has left, it is gone with all that was said.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind, Flags};
use crate::event::What;
use crate::id::RoomNumber;
use crate::membership::{Membership, Roles};
use crate::name::{ChatroomName, GROUP_PREFIX, Username};
use crate::person::Person;
use crate::query::{Answer, GroupRow};
use crate::refusal::Refusal;
use compact_str::CompactString;
use std::collections::BTreeSet;
use std::sync::Arc;

/// People in a group. Two have their direct conversation, more make a room.
const GROUP_LEAST: usize = 3;
const GROUP_MOST: usize = 10;
/// Groups that an account can be in. They do not count as rooms: nobody can keep someone out of rooms by bringing her into
/// groups.
const GROUPS: usize = 100;
/// Openings of groups and bringings in of one client in an hour; each puts something before people who did not ask for it.
const CHANGES: u32 = 30;
const CHANGES_MS: u64 = 3_600_000;

/// What a member is told of someone who has no device here.
const ABSENT: &str = "is not connected; the group is shown on return";

impl Hub {
    pub(super) fn open_group(&mut self, asker: Asker, with: &[Username], turn: &mut Turn) {
        match self.try_open_group(asker, with, None, turn) {
            Ok(number) => {
                if let Some(group) = self.state.room(number).and_then(|room| self.group_row(room)) {
                    turn.answer(Answer::Group(group));
                }
            }
            Err(refusal) => turn.refuse(refusal),
        }
    }

    /// Whoever enters `#+bob+carol` means the group of herself and these: so clients that know of rooms alone have groups.
    /// That there is one of others by this name is not told.
    pub(super) fn join_group(&mut self, asker: Asker, name: &ChatroomName, turn: &mut Turn) -> Result<(), Refusal> {
        let people = name.text().strip_prefix(GROUP_PREFIX).unwrap_or_default();
        let with: Vec<Username> =
            people.split('+').map(|person| Username::lookup(person, &self.settings.name_rules)).collect();
        if with.len() + 1 < GROUP_LEAST {
            return Err(Refusal::NoSuchRoom { name: name.text().clone() });
        }
        self.try_open_group(asker, &with, Some(name), turn).map(|_| ())
    }

    /// `asked`: by this name of a room.
    fn try_open_group(
        &mut self,
        asker: Asker,
        with: &[Username],
        asked: Option<&ChatroomName>,
        turn: &mut Turn,
    ) -> Result<RoomNumber, Refusal> {
        let own = self.account_slot(asker.slot).ok_or(Refusal::NotLoggedIn)?;
        let mut people = vec![own];
        for name in with {
            let account = self.account_for_group(name)?;
            if !people.contains(&account) {
                people.push(account);
            }
        }
        if !(GROUP_LEAST..=GROUP_MOST).contains(&people.len()) {
            return Err(Refusal::GroupSize { least: GROUP_LEAST, most: GROUP_MOST });
        }
        if let Some(number) = self.group_of(&people) {
            self.tell_group_name(asked, number, turn);
            return Ok(number);
        }
        if self.groups_of(own).count() >= GROUPS {
            return Err(Refusal::TooManyGroups { limit: GROUPS });
        }
        for account in people.iter().skip(1) {
            self.check_bringing(asker, *account)?;
        }
        self.count_group_change(asker.slot, turn)?;
        let number = self.add_group(&people, turn);
        self.keep_room(number, turn);
        self.tell_group_name(asked, number, turn);
        for account in people {
            self.bring_in(account, number, turn);
        }
        Ok(number)
    }

    /// The account of someone who is here, or of someone who is not.
    fn account_for_group(&self, name: &Username) -> Result<u32, Refusal> {
        if let Some(slot) = self.state.client_named(name.key()) {
            return self.account_slot(slot).ok_or_else(|| Refusal::GuestInGroup { name: name.text().clone() });
        }
        let account = self.state.account_named(name.key());
        let usable = |slot: &u32| self.state.account(*slot).is_some_and(|account| !account.record.disabled);
        account.filter(usable).ok_or_else(|| Refusal::NoSuchClient { name: name.text().clone() })
    }

    fn account_slot(&self, client: u32) -> Option<u32> {
        self.state.client(client)?.account.as_ref().map(|account| account.slot)
    }

    fn groups_of(&self, account: u32) -> impl Iterator<Item = &Chatroom> {
        let rooms = self.state.account(account).map_or(&[][..], |account| account.rooms.as_slice());
        rooms.iter().filter_map(|(number, _)| self.state.room(*number)).filter(|room| room.is_group())
    }

    /// The group of exactly these, the oldest if there are several.
    fn group_of(&self, people: &[u32]) -> Option<RoomNumber> {
        let people: BTreeSet<u32> = people.iter().copied().collect();
        let groups = self.groups_of(*people.first()?).filter(|room| room.group() == Some(&people));
        groups.map(|room| room.number).min()
    }

    /// Whether someone may be brought into a group of the asker's.
    fn check_bringing(&self, asker: Asker, account: u32) -> Result<(), Refusal> {
        let Some((by, whom)) = self.state.client(asker.slot).zip(self.state.account(account)) else {
            return Err(Refusal::NotYours);
        };
        if self.has_blocked(None, Some(account), by.id) || self.groups_of(account).count() >= GROUPS {
            return Err(Refusal::NotForGroups { name: whom.username.text().clone() });
        }
        Ok(())
    }

    fn count_group_change(&mut self, client: u32, turn: &Turn) -> Result<(), Refusal> {
        let hour = turn.now.0 / CHANGES_MS;
        let slot = self.account_slot(client).ok_or(Refusal::NotYours)?;
        let counted = self.state.account(slot).map(|account| account.group_changes);
        let changes = counted.filter(|(of, _)| *of == hour).map_or(0, |(_, changes)| changes);
        if changes >= CHANGES {
            let retry_after_seconds = (CHANGES_MS - turn.now.0 % CHANGES_MS).div_ceil(1000);
            return Err(Refusal::GroupsTooOften { retry_after_seconds });
        }
        self.state.set_group_changes(slot, (hour, changes + 1));
        Ok(())
    }

    fn add_group(&mut self, people: &[u32], turn: &Turn) -> RoomNumber {
        let number = self.state.next_room();
        let id = self.new_room_id(turn);
        let name = self.name_for_group(people, number);
        let mut room = Chatroom::new(number, id, name.text().clone(), name.key().clone(), turn.now);
        room.kind = ChatroomKind::Group;
        room.rules.flags = Flags::of_a_group();
        self.state.add_room(room);
        number
    }

    /// `#+alice+bob+carol`, as many names as fit; another group of that name gets its number behind it. Names of several
    /// scripts may make no name together: then it is called by its number alone.
    fn name_for_group(&self, people: &[u32], number: RoomNumber) -> ChatroomName {
        let rules = &self.settings.name_rules;
        let behind = format!("+{}", number.0);
        let mut text = String::from("#");
        for name in people.iter().filter_map(|account| self.state.account(*account)).map(|account| &account.username) {
            if text.len() + 1 + name.text().len() + behind.len() > rules.max_room_name {
                break;
            }
            text.push('+');
            text.push_str(name.text());
        }
        let is_free = |name: &ChatroomName| {
            name.is_of_group()
                && self.state.room_named(name.key()).is_none()
                && self.state.room_looking_like(name, None).is_none()
        };
        [text.clone(), text + &behind]
            .iter()
            .filter_map(|text| ChatroomName::parse(text, rules).ok())
            .find(is_free)
            .unwrap_or_else(|| ChatroomName::lookup(&format!("#{behind}"), rules))
    }

    /// Its name is another one than what was asked for.
    fn tell_group_name(&self, asked: Option<&ChatroomName>, number: RoomNumber, turn: &mut Turn) {
        if let Some((asked, room)) = asked.zip(self.state.room(number))
            && *asked.key() != room.key
        {
            turn.answer(Answer::Forwarded { from: asked.text().clone(), to: room.name.clone(), is_renamed: true });
        }
    }

    /// Makes an account a member for good, and, if someone is here as it, shows it the group.
    fn bring_in(&mut self, account: u32, number: RoomNumber, turn: &mut Turn) {
        let membership = Membership { roles: Roles::NONE, since: turn.now, position: turn.position };
        self.keep_member(number, account, membership, turn);
        if let Some(slot) = self.state.account(account).and_then(|account| account.client) {
            self.enter_room(slot, number, membership, true, turn);
        }
    }

    /// INVITE into a group: whoever is invited is in it.
    pub(super) fn invite_to_group(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        who: &Username,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let account = self.account_for_group(who)?;
        let Some((by, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return Ok(());
        };
        let members = self.state.room(number).and_then(Chatroom::group).cloned().unwrap_or_default();
        if members.contains(&account) {
            return Err(Refusal::AlreadyMember { name: who.text().clone(), room: room.name });
        }
        if members.len() >= GROUP_MOST {
            return Err(Refusal::GroupSize { least: GROUP_LEAST, most: GROUP_MOST });
        }
        self.check_bringing(asker, account)?;
        self.count_group_change(asker.slot, turn)?;
        let (person, away) = self.appearance_of(account);
        // Whoever is brought in while away is seen by nobody before she comes back: the members are told this way.
        let mut others = self.sessions_of_room(number);
        others.retain(|id| self.state.session(*id).is_some_and(|session| session.client != asker.slot));
        let told = turn.event(&by, What::Invited { room: room.clone(), who: person.clone(), to_invited: false });
        turn.tell_sessions(&others, &told, None);
        self.bring_in(account, number, turn);
        turn.answer(Answer::Invited { who: person.name.clone(), room: room.name, away });
        Ok(())
    }

    /// How an account is shown, here or not, and what there is to say of its absence.
    fn appearance_of(&self, account: u32) -> (Arc<Person>, Option<Box<str>>) {
        let found = self.state.account(account);
        match found.and_then(|account| account.client).and_then(|slot| self.state.client(slot)) {
            Some(client) => (client.person.clone(), client.away().map(Box::from)),
            None => {
                let name = found.map(|account| account.record.username.clone()).unwrap_or_default();
                let person = Person { name: name.clone(), account: Some(name), ..Person::clone(&self.server) };
                (Arc::new(person), Some(ABSENT.into()))
            }
        }
    }

    pub(super) fn groups_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let own = self.account_slot(asker.slot).ok_or(Refusal::NotLoggedIn)?;
        Ok(Answer::Groups(self.groups_of(own).filter_map(|room| self.group_row(room)).collect()))
    }

    fn group_row(&self, room: &Chatroom) -> Option<GroupRow> {
        let accounts = room.group()?.iter().filter_map(|slot| self.state.account(*slot));
        let mut members: Vec<CompactString> = accounts.map(|account| account.record.username.clone()).collect();
        members.sort();
        Some(GroupRow { name: room.name.clone(), members })
    }

    /// Nobody is left who could read what was said in it, so that is deleted like what is over.
    pub(super) fn end_empty_group(&mut self, number: RoomNumber, turn: &mut Turn) {
        let Some(room) = self.state.room(number).filter(|room| room.group().is_some_and(BTreeSet::is_empty)) else {
            return;
        };
        let mut record = room.record();
        record.retention = Some(1);
        self.state.remove_room(number);
        turn.keep(Change::Room(Box::new(record)));
        turn.keep(Change::RoomRemoved(number));
    }
}

#[cfg(test)]
mod tests {
    use super::{CHANGES, GROUPS};
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::Settings;

    /// Alice, bob and carol are here, dave is not, and erin is a guest.
    const PEOPLE: &str = "
        > console registers alice
        console: account alice created
        > console registers bob
        console: account bob created
        > console registers carol
        console: account carol created
        > console registers dave
        console: account dave created
        > alice arrives account alice
        alice: logged in to alice as nobody yet
        alice: welcome alice
        > bob arrives account bob
        bob: logged in to bob as nobody yet
        bob: welcome bob
        > carol arrives account carol
        carol: logged in to carol as nobody yet
        carol: welcome carol
        > erin arrives
        erin: welcome erin
        ";

    fn check(script: &str) {
        check_with(settings(), &format!("{PEOPLE}\n{script}"));
    }

    #[test]
    fn the_same_people_have_the_same_group() {
        check(
            "
            > show changes
            > alice gathers bob,Carol
            [alice*] alice (alice) joined #+alice+bob+carol
            alice: entered #+alice+bob+carol alice
            [alice* bob] bob (bob) joined #+alice+bob+carol
            bob (unasked): entered #+alice+bob+carol alice bob
            [alice* bob carol] carol (carol) joined #+alice+bob+carol
            carol (unasked): entered #+alice+bob+carol alice bob carol
            alice: group #+alice+bob+carol(alice bob carol)
            keep: group #+alice+bob+carol
            keep: member #+alice+bob+carol alice
            keep: member #+alice+bob+carol bob
            keep: member #+alice+bob+carol carol
            > carol gathers alice,bob,alice,carol
            carol: group #+alice+bob+carol(alice bob carol)
            > bob joins #+carol+alice
            bob: #+carol+alice is called #+alice+bob+carol
            > bob joins #+alice+bob+carol
            > bob says #+alice+bob+carol hi
            [alice bob* carol] bob -> #+alice+bob+carol: hi
            keep: post hi
            > alice joins #+bob+dave
            alice: #+bob+dave is called #+alice+bob+dave
            [alice*] alice (alice) joined #+alice+bob+dave
            alice: entered #+alice+bob+dave alice
            [alice* bob] bob (bob) joined #+alice+bob+dave
            bob (unasked): entered #+alice+bob+dave alice bob
            keep: group #+alice+bob+dave
            keep: member #+alice+bob+dave alice
            keep: member #+alice+bob+dave bob
            keep: member #+alice+bob+dave dave
            > alice asks groups
            alice: groups: #+alice+bob+carol(alice bob carol) #+alice+bob+dave(alice bob dave)
            > dave arrives account dave
            dave: logged in to dave as nobody yet
            keep: account dave
            dave: welcome dave
            [alice bob dave] dave (dave) joined #+alice+bob+dave
            dave: entered #+alice+bob+dave alice bob dave
            > dave asks groups
            dave: groups: #+alice+bob+dave(alice bob dave)
            ",
        );
    }

    #[test]
    fn whoever_is_in_it_brings_people_in_names_it_and_leaves() {
        check(
            "
            > alice gathers bob,carol
            [alice*] alice (alice) joined #+alice+bob+carol
            alice: entered #+alice+bob+carol alice
            [alice* bob] bob (bob) joined #+alice+bob+carol
            bob (unasked): entered #+alice+bob+carol alice bob
            [alice* bob carol] carol (carol) joined #+alice+bob+carol
            carol (unasked): entered #+alice+bob+carol alice bob carol
            alice: group #+alice+bob+carol(alice bob carol)
            > alice says #+alice+bob+carol one
            [alice* bob carol] alice -> #+alice+bob+carol: one
            > show changes
            > bob invites dave #+alice+bob+carol
            [alice carol] bob invited dave to #+alice+bob+carol
            bob: dave is invited to #+alice+bob+carol (is not connected; the group is shown on return)
            keep: member #+alice+bob+carol dave
            > dave arrives account dave
            dave: logged in to dave as nobody yet
            keep: account dave
            dave: welcome dave
            [alice bob carol dave] dave (dave) joined #+alice+bob+carol
            dave: entered #+alice+bob+carol alice bob carol dave
            > alice asks history #+alice+bob+carol
            alice: may read #+alice+bob+carol since command 12
            > dave asks history #+alice+bob+carol
            dave: may read #+alice+bob+carol since command 14
            > carol topic #+alice+bob+carol plans
            [alice bob carol* dave] carol set topic of #+alice+bob+carol: plans
            keep: group #+alice+bob+carol
            > dave names #+alice+bob+carol #+Plans
            alice (unasked): dave renamed #+alice+bob+carol to #+Plans: alice bob carol dave
            bob (unasked): dave renamed #+alice+bob+carol to #+Plans: alice bob carol dave
            carol (unasked): dave renamed #+alice+bob+carol to #+Plans: alice bob carol dave
            dave: dave renamed #+alice+bob+carol to #+Plans: alice bob carol dave
            keep: group #+Plans
            > alice sets metadata #+plans display-name Plans
            alice: set: #+Plans/display-name=Plans
            keep: metadata #+Plans/display-name Plans
            > alice parts #+plans bye
            [alice* bob carol dave] alice left #+Plans (bye)
            keep: no member #+Plans alice
            > alice says #+plans hm
            alice: refused: NoSuchRoom { name: \"#+plans\" }
            > alice joins #+plans
            alice: refused: NoSuchRoom { name: \"#+plans\" }
            > bob gathers carol,dave
            bob: group #+Plans(bob carol dave)
            > bob invites alice #+plans
            [dave carol] bob invited alice to #+Plans
            [alice bob* carol dave] alice (alice) joined #+Plans
            alice (unasked): entered #+Plans dave bob carol alice
            bob: alice is invited to #+Plans
            keep: member #+Plans alice
            ",
        );
    }

    #[test]
    fn when_everyone_has_left_it_is_gone_with_what_was_said() {
        check(
            "
            > alice gathers bob,dave
            [alice*] alice (alice) joined #+alice+bob+dave
            alice: entered #+alice+bob+dave alice
            [alice* bob] bob (bob) joined #+alice+bob+dave
            bob (unasked): entered #+alice+bob+dave alice bob
            alice: group #+alice+bob+dave(alice bob dave)
            > alice says #+alice+bob+dave hi
            [alice* bob] alice -> #+alice+bob+dave: hi
            > alice parts #+alice+bob+dave
            [alice* bob] alice left #+alice+bob+dave
            > bob parts #+alice+bob+dave
            [bob*] bob left #+alice+bob+dave
            > show changes
            > console deletes dave
            console: account dave deleted
            keep: no member 0 someone
            keep: no account
            keep: group #+alice+bob+dave, its messages over
            keep: no room
            > alice asks groups
            alice: groups:
            ",
        );
    }

    #[test]
    fn what_is_refused() {
        check(
            "
            > erin gathers alice,bob
            erin: refused: NotLoggedIn
            > erin joins #+alice+bob
            erin: refused: NotLoggedIn
            > erin asks groups
            erin: refused: NotLoggedIn
            > alice gathers bob
            alice: refused: GroupSize { least: 3, most: 10 }
            > alice gathers bob,alice,bob
            alice: refused: GroupSize { least: 3, most: 10 }
            > alice gathers bob,erin
            alice: refused: GuestInGroup { name: \"erin\" }
            > alice gathers bob,nobody
            alice: refused: NoSuchClient { name: \"nobody\" }
            > alice joins #+
            alice: refused: NoSuchRoom { name: \"#+\" }
            > alice joins #+bob
            alice: refused: NoSuchRoom { name: \"#+bob\" }
            > console disables dave
            console: account dave changed
            > alice gathers bob,dave
            alice: refused: NoSuchClient { name: \"dave\" }
            > console enables dave
            console: account dave changed
            > bob sets metadata alice soju.im/blocked 1
            bob: set again: alice/soju.im/blocked=1!
            > alice gathers bob,carol
            alice: refused: NotForGroups { name: \"bob\" }
            > storage fails
            > alice gathers dave,carol
            alice: refused: StorageFull
            > storage works
            > alice gathers dave,carol
            [alice*] alice (alice) joined #+alice+dave+carol
            alice: entered #+alice+dave+carol alice
            [alice* carol] carol (carol) joined #+alice+dave+carol
            carol (unasked): entered #+alice+dave+carol alice carol
            alice: group #+alice+dave+carol(alice carol dave)
            > alice invites bob #+alice+dave+carol
            alice: refused: NotForGroups { name: \"bob\" }
            > alice invites erin #+alice+dave+carol
            alice: refused: GuestInGroup { name: \"erin\" }
            > alice invites dave #+alice+dave+carol
            alice: refused: AlreadyMember { name: \"dave\", room: \"#+alice+dave+carol\" }
            > bob invites erin #+alice+dave+carol
            bob: refused: NoSuchRoom { name: \"#+alice+dave+carol\" }
            > carol mode #+alice+dave+carol +m
            carol: refused: NobodyRanks { room: \"#+alice+dave+carol\" }
            > carol mode #+alice+dave+carol +o carol
            carol: refused: NobodyRanks { room: \"#+alice+dave+carol\" }
            > carol kicks #+alice+dave+carol alice
            carol: refused: NobodyRanks { room: \"#+alice+dave+carol\" }
            > carol links #+alice+dave+carol 7 1
            carol: refused: NobodyRanks { room: \"#+alice+dave+carol\" }
            > carol names #+alice+dave+carol #plans
            carol: refused: NotRenamed { room: \"#+alice+dave+carol\", to: \"#plans\", why: OfGroups }
            > carol names #+alice+dave+carol #+alice+bob+dave
            carol: refused: NotRenamed { room: \"#+alice+dave+carol\", to: \"#+alice+bob+dave\", why: OfGroups }
            > carol joins #tea
            [carol*] carol (carol) joined #tea ~
            carol: entered #tea ~carol
            > carol names #tea #+tea
            carol: refused: NotRenamed { room: \"#tea\", to: \"#+tea\", why: OfGroups }
            ",
        );
    }

    #[test]
    fn nobody_outside_learns_of_it_not_even_an_operator_of_the_server() {
        check(
            "
            > bob gathers carol,dave
            [bob*] bob (bob) joined #+bob+carol+dave
            bob: entered #+bob+carol+dave bob
            [bob* carol] carol (carol) joined #+bob+carol+dave
            carol (unasked): entered #+bob+carol+dave bob carol
            bob: group #+bob+carol+dave(bob carol dave)
            > erin opers admin
            [erin*] erin has modes +o
            erin: operator: is an admin
            > erin asks rooms
            erin: rooms
            > erin asks rooms #+bob+carol+dave
            erin: rooms
            > erin asks members #+bob+carol+dave
            erin: refused: NoSuchRoom { name: \"#+bob+carol+dave\" }
            > erin asks settings #+bob+carol+dave
            erin: refused: NoSuchRoom { name: \"#+bob+carol+dave\" }
            > erin asks history #+bob+carol+dave
            erin: refused: NoSuchRoom { name: \"#+bob+carol+dave\" }
            > erin says #+bob+carol+dave hi
            erin: refused: NoSuchRoom { name: \"#+bob+carol+dave\" }
            > erin knocks #+bob+carol+dave
            erin: refused: NoSuchRoom { name: \"#+bob+carol+dave\" }
            > erin parts #+bob+carol+dave
            erin: refused: NoSuchRoom { name: \"#+bob+carol+dave\" }
            > erin joins #+bob+carol+dave
            erin: refused: NotLoggedIn
            > erin asks whois bob
            erin: whois bob in [] with address devices 1 idle 0
            > carol asks whois bob
            carol: whois bob in [#+bob+carol+dave] devices 1 idle 0
            > carol asks rooms
            carol: rooms #+bob+carol+dave(2)
            > alice joins #+bob+carol+dave
            alice: #+bob+carol+dave is called #+alice+bob+carol+dave
            [alice*] alice (alice) joined #+alice+bob+carol+dave
            alice: entered #+alice+bob+carol+dave alice
            [alice* bob] bob (bob) joined #+alice+bob+carol+dave
            bob (unasked): entered #+alice+bob+carol+dave alice bob
            [alice* bob carol] carol (carol) joined #+alice+bob+carol+dave
            carol (unasked): entered #+alice+bob+carol+dave alice bob carol
            > show audit
            > carol names #+bob+carol+dave #+ours
            bob (unasked): carol renamed #+bob+carol+dave to #+ours: bob carol
            carol: carol renamed #+bob+carol+dave to #+ours: bob carol
            ",
        );
    }

    #[test]
    fn groups_are_no_rooms_where_rooms_are_counted_and_have_a_limit_of_their_own() {
        let mut world = World::new(Settings { rooms_per_client: 1, ..settings() }, 1);
        for name in ["alice", "bob", "carol"] {
            world.run(&format!("console registers {name}"));
            world.run(&format!("{name} arrives account {name}"));
        }
        world.run("alice gathers bob,carol");
        world.check(
            "
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice joins #milk
            alice: refused: TooManyRooms { room: \"#milk\" }
            ",
        );
        for number in 0..GROUPS {
            world.run(&format!("console registers x{number}"));
        }
        for number in 1..GROUPS {
            world.run(&format!("alice gathers bob,x{number}"));
            if (number as u32).is_multiple_of(CHANGES - 1) {
                world.run("time 3600");
            }
        }
        world.check(
            "
            > alice gathers bob,x0
            alice: refused: TooManyGroups { limit: 100 }
            > carol gathers bob,x0
            carol: refused: NotForGroups { name: \"bob\" }
            > carol gathers alice,x0
            carol: refused: NotForGroups { name: \"alice\" }
            ",
        );
    }

    #[test]
    fn so_many_an_hour() {
        let mut world = World::new(settings(), 1);
        for name in ["alice", "bob", "carol"] {
            world.run(&format!("console registers {name}"));
        }
        world.run("alice arrives account alice");
        world.run("alice gathers bob,carol");
        for _ in 1..CHANGES {
            world.run("alice parts all");
            world.run("alice gathers bob,carol");
        }
        world.run("alice parts all");
        // Whoever comes anew has not gathered less.
        world.run("alice quits");
        world.run("alice arrives account alice");
        let script = "
            > alice gathers bob,carol
            alice: refused: GroupsTooOften { retry_after_seconds: N }
            ";
        let left = (3_600_000 - world.now % 3_600_000).div_ceil(1000);
        world.check(&script.replace('N', &left.to_string()));
    }

    #[test]
    fn a_group_outlives_the_process() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        for name in ["alice", "bob", "carol"] {
            world.run(&format!("console registers {name}"));
            world.run(&format!("{name} arrives account {name}"));
        }
        for line in ["alice gathers bob,carol", "alice says #+alice+bob+carol hi", "bob names #+alice+bob+carol #+ours"]
        {
            world.run(line);
        }
        let mut world = World::restore(world.kept(), settings(), 1);
        world.check(
            "
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            [bob] bob (bob) joined #+ours
            bob: entered #+ours bob
            > bob gathers alice,carol
            bob: group #+ours(alice bob carol)
            > bob asks history #+ours
            bob: may read #+ours since command 10
            ",
        );
    }

    #[test]
    fn names_that_make_no_name_together_and_names_that_are_taken() {
        check_with(
            Settings { name_rules: crate::name::NameRules { max_room_name: 21, ..Default::default() }, ..settings() },
            &format!(
                "{PEOPLE}
                > console registers אבג
                console: account אבג created
                > alice gathers bob,carol
                [alice*] alice (alice) joined #+alice+bob+carol
                alice: entered #+alice+bob+carol alice
                [alice* bob] bob (bob) joined #+alice+bob+carol
                bob (unasked): entered #+alice+bob+carol alice bob
                [alice* bob carol] carol (carol) joined #+alice+bob+carol
                carol (unasked): entered #+alice+bob+carol alice bob carol
                alice: group #+alice+bob+carol(alice bob carol)
                > carol parts #+alice+bob+carol
                [alice bob carol*] carol left #+alice+bob+carol
                > alice gathers bob,carol,dave
                [alice*] alice (alice) joined #+alice+bob+carol+1
                alice: entered #+alice+bob+carol+1 alice
                [alice* bob] bob (bob) joined #+alice+bob+carol+1
                bob (unasked): entered #+alice+bob+carol+1 alice bob
                [alice* bob carol] carol (carol) joined #+alice+bob+carol+1
                carol (unasked): entered #+alice+bob+carol+1 alice bob carol
                alice: group #+alice+bob+carol+1(alice bob carol dave)
                > alice gathers אבג,dave
                [alice*] alice (alice) joined #+2
                alice: entered #+2 alice
                alice: group #+2(alice dave אבג)
                "
            ),
        );
    }
}
