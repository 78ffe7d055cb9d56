//! Logging in and out: proofs, and a session that turns out to be an account, or someone who is here already.

use super::Hub;
use super::attempts::Tried;
use super::state::{Session, Stage};
use super::turn::Turn;
use crate::change::Change;
use crate::client::{AccountOf, Modes};
use crate::command::PersonalMode;
use crate::effect::Effect;
use crate::event::{RoomStep, What};
use crate::id::{ClientId, SessionId, Timestamp};
use crate::membership::{Membership, Roles};
use crate::name::Username;
use crate::person::Person;
use crate::query::{Answer, Counted, Credentials};
use crate::refusal::Refusal;
use crate::snapshot::AccountRecord;
use compact_str::format_compact;
use std::net::IpAddr;
use std::sync::Arc;

impl Hub {
    /// What is needed to check a password: found or not, disabled or not, the same is done.
    pub(super) fn credentials(&mut self, name: &Username, address: IpAddr, exempt: bool, turn: &mut Turn) {
        let account = self.state.account_named(name.key()).and_then(|slot| self.state.account(slot));
        let record = account.map(|account| account.record.clone()).filter(|record| !record.disabled);
        let last_address = record.as_ref().and_then(|record| record.last_address);
        let tried = Tried { name: name.key(), limit: self.settings.login_attempts_per_account, last_address };
        let from = (address, self.settings.login_attempts_per_address);
        let counted = if exempt { Ok(None) } else { self.attempts.note(tried, from, turn.now).map(Some) };
        match counted {
            Ok(counted) => turn.answer(Answer::Credentials(Box::new(Credentials { account: record, counted }))),
            Err(retry_after_seconds) => turn.refuse(Refusal::TooManyAttempts { retry_after_seconds }),
        }
    }

    pub(super) fn certificate_account(&self, certificate: &[u8; 32], turn: &mut Turn) {
        let account = self
            .state
            .account_with_certificate(certificate)
            .and_then(|slot| self.state.account(slot))
            .map(|account| account.record.clone())
            .filter(|record| !record.disabled);
        turn.answer(Answer::Credentials(Box::new(Credentials { account, counted: None })));
    }

    /// The account of this id, if one can log in as it.
    pub(super) fn usable_account(&self, id: ClientId) -> Option<u32> {
        let slot = self.state.account_of(id)?;
        self.state.account(slot).filter(|account| !account.record.disabled)?;
        Some(slot)
    }

    /// What proved something at this time still does: a password that was replaced while it was checked lets nobody in.
    pub(super) fn is_proof(&self, account: u32, since: Timestamp) -> bool {
        self.state.account(account).is_some_and(|account| account.record.proofs_since == since)
    }

    /// `account`: none where nothing was proved.
    pub(super) fn log_in(&mut self, account: Option<u32>, address: IpAddr, counted: Option<Counted>, turn: &mut Turn) {
        let Some(session) = turn.session() else {
            turn.refuse(Refusal::NotYours);
            return;
        };
        let Some(slot) = account else {
            turn.refuse(Refusal::WrongCredentials);
            return;
        };
        if let Err(refusal) = self.check_account_ban(slot, turn.now) {
            turn.refuse(refusal);
            return;
        }
        if !self.make_way(session, turn) {
            return;
        }
        self.note_success(slot, address, counted, turn);
        if let Err(refusal) = self.be(session, slot, turn) {
            turn.refuse(refusal);
        }
    }

    /// An account was logged in to: noted, so that where it came from is its home.
    pub(super) fn note_success(&mut self, slot: u32, address: IpAddr, counted: Option<Counted>, turn: &mut Turn) {
        if let Some(key) = self.state.account(slot).map(|account| account.username.key().clone()) {
            let tried = Tried { name: &key, limit: self.settings.login_attempts_per_account, last_address: None };
            let from = (address, self.settings.login_attempts_per_address);
            self.attempts.succeeded(tried, from, counted, turn.now);
        }
        self.note_login(slot, address, turn);
    }

    fn note_login(&mut self, slot: u32, address: IpAddr, turn: &mut Turn) {
        let Some(account) = self.state.account(slot) else {
            return;
        };
        let here = account.client.and_then(|client| self.state.client(client));
        let is_first = here.is_none_or(|client| client.sessions.is_empty());
        let absent_since = is_first.then_some(account.record.last_seen);
        let record =
            AccountRecord { last_seen: turn.now, last_address: Some(address), ..AccountRecord::clone(&account.record) };
        self.keep_if_working(Change::Account(Box::new(record.clone())), turn);
        self.state.set_record(slot, record);
        self.state.set_absent_since(slot, absent_since);
    }

    /// Makes the session one of this account, whatever it was before.
    pub(super) fn be(&mut self, session: SessionId, account: u32, turn: &mut Turn) -> Result<(), Refusal> {
        let Some(record) = self.state.account(account).map(|account| account.record.clone()) else {
            return Ok(());
        };
        let Some(mut slot) = self.state.session(session).map(|session| session.client) else {
            self.state.set_verified(session, Some(record.id));
            turn.answer(Answer::LoggedIn { account: record.username.clone(), person: None });
            return Ok(());
        };
        let current = self.state.client(slot).and_then(|client| client.account.as_ref()).map(|account| account.slot);
        if current == Some(account) {
            let person = self.person(slot);
            turn.answer(Answer::LoggedIn { account: record.username.clone(), person });
            return Ok(());
        }
        if current.is_some() {
            slot = self.leave_account(session, slot, turn);
        }
        match self.state.account(account).and_then(|account| account.client) {
            Some(other) => self.move_session(session, slot, other, turn),
            None => self.become_account(slot, account, turn),
        }
        self.note_device(session, turn);
        Ok(())
    }

    /// A guest turns out to be an account that is not here yet: she stays where she is, as herself.
    fn become_account(&mut self, slot: u32, account: u32, turn: &mut Turn) {
        let Some((record, username)) =
            self.state.account(account).map(|account| (account.record.clone(), account.username.clone()))
        else {
            return;
        };
        let is_own_name = self.state.client(slot).is_some_and(|client| client.username.text() == username.text());
        if self.settings.nick_follows_account
            && !is_own_name
            && self.check_name(&username, Some(slot), Some(account)).is_ok()
        {
            self.change_name(slot, username, turn);
        }
        self.leave_directs(slot);
        self.take_over_markers(slot, account, turn);
        self.take_over_metadata(slot, account, turn);
        let Some(before) = self.person(slot) else {
            return;
        };
        let event = turn.event(&before, What::AccountChanged { account: Some(record.username.clone()) });
        let origin = turn.event_origin();
        self.tell_peers(slot, event.clone(), origin, turn);
        self.tell_watchers(slot, &event, turn);
        let person =
            Arc::new(Person { id: record.id, account: Some(record.username.clone()), ..Person::clone(&before) });
        self.state.change_client(slot, |client| {
            client.id = record.id;
            client.account = Some(AccountOf { slot: account, record: record.clone() });
            client.person = person.clone();
        });
        self.keep_presence(slot, turn);
        self.keep_memberships_of_guest(slot, account, turn);
        self.show_markers(slot, turn);
        self.return_to_rooms(slot, account, turn);
        turn.answer(Answer::LoggedIn { account: record.username.clone(), person: Some(person) });
    }

    /// The rooms a guest is in become her account's; what the account may do there she may do from now on.
    fn keep_memberships_of_guest(&mut self, slot: u32, account: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let (person, rooms) = (client.person.clone(), client.rooms.clone());
        for place in rooms {
            let Some(member) = self.state.member(place).copied() else {
                continue;
            };
            let kept = self.state.kept_membership(account, place.room);
            let roles = Roles(member.roles.0 | kept.map_or(0, |kept| kept.roles.0));
            let joined = Membership { roles, since: member.since, position: member.position };
            self.keep_member(place.room, account, Membership { roles, ..kept.unwrap_or(joined) }, turn);
            if roles == member.roles {
                continue;
            }
            self.state.set_roles(place, roles);
            let steps = Roles(roles.0 & !member.roles.0)
                .iter()
                .map(|role| RoomStep::Role { on: true, role, who: person.name.clone() })
                .collect();
            if let Some(room) = self.room_ref(place.room) {
                let event = self.happening(&person, What::RoomChanged { room, steps }, turn);
                self.note(place.room, &event, turn);
                self.tell_room(place.room, event, None, turn);
            }
        }
    }

    /// A guest turns out to be someone who is here on another device: the guest goes, the session joins her.
    fn move_session(&mut self, id: SessionId, guest: u32, to: u32, turn: &mut Turn) {
        let Some(session) = self.state.session(id).cloned() else {
            return;
        };
        let Some((client, before)) = self.state.client(to).zip(self.person(guest)) else {
            return;
        };
        let (person, modes, address) = (client.person.clone(), client.modes, session.address);
        let guest_modes = self.state.client(guest).map(|client| client.modes).unwrap_or_default();
        if let Some(account) = client.account.as_ref().map(|account| account.slot) {
            self.take_over_markers(guest, account, turn);
            self.take_over_metadata(guest, account, turn);
        }
        self.show_leaving(id, guest, turn);
        self.take_session(id, guest, &format_compact!("logged in as {}", person.name), turn);
        self.state.attach(id, Session { client: to, rare: None, ..session.clone() });
        self.watch_again(id, session, turn);
        self.cancel_leaving(to, Some(address));
        self.tell_new_self(id, &before, &person, turn);
        let changes = changes_of_modes(guest_modes, modes);
        if !changes.is_empty() {
            let event = turn.event(&person, What::OwnModesChanged { changes });
            turn.tell_sessions(&[id], &event, None);
        }
        let account = person.account.clone().unwrap_or_default();
        turn.tell(id, Answer::LoggedIn { account, person: Some(person) });
        self.show_rooms(id, to, turn);
    }

    /// Tells one session alone under which name and account it goes on.
    fn tell_new_self(&self, id: SessionId, before: &Arc<Person>, after: &Arc<Person>, turn: &mut Turn) {
        if before.name != after.name {
            let event = turn.event(before, What::Renamed { to: after.name.clone() });
            turn.tell_sessions(&[id], &event, None);
        }
        let renamed = Arc::new(Person { name: after.name.clone(), ..Person::clone(before) });
        let event = turn.event(&renamed, What::AccountChanged { account: after.account.clone() });
        turn.tell_sessions(&[id], &event, None);
    }

    /// One session sees itself leave all rooms of its client; the others see nothing.
    fn show_leaving(&self, id: SessionId, slot: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        for place in &client.rooms {
            if let Some(room) = self.room_ref(place.room) {
                let event = turn.event(&client.person, What::Left { room, reason: None });
                turn.tell_sessions(&[id], &event, None);
            }
            turn.effects.to(id, Effect::Leave { session: id, room: place.room });
        }
    }

    /// Takes the session from its client, which quits with these words if it was the last one.
    fn take_session(&mut self, id: SessionId, slot: u32, words: &str, turn: &mut Turn) {
        self.note_device_gone(id, turn);
        self.state.detach(id);
        if self.state.client(slot).is_some_and(|client| client.sessions.is_empty())
            && !self.stays_without_device(slot, turn)
        {
            self.quit(slot, words.into(), turn);
        }
    }

    /// A session keeps what it watches when it changes its client.
    fn watch_again(&mut self, id: SessionId, before: Session, _turn: &mut Turn) {
        let Some(rare) = before.rare else { return };
        for name in rare.watching {
            self.state.watch(id, name);
        }
        self.state.set_subscriptions(id, rare.subscriptions);
    }

    pub(super) fn log_out(&mut self, turn: &mut Turn) {
        let Some(id) = turn.session() else {
            turn.refuse(Refusal::NotYours);
            return;
        };
        if let Some(Stage::Verified(_)) = self.state.session_place(id).map(|place| &place.stage) {
            self.state.set_verified(id, None);
            turn.answer(Answer::LoggedOut);
            return;
        }
        let slot = self.state.session(id).map(|session| session.client);
        let Some(slot) = slot.filter(|slot| self.state.client(*slot).is_some_and(|client| client.is_account())) else {
            turn.refuse(Refusal::NotLoggedIn);
            return;
        };
        if !self.settings.guests {
            turn.refuse(Refusal::AccountRequired);
            return;
        }
        self.leave_account(id, slot, turn);
        turn.answer(Answer::LoggedOut);
    }

    /// The session becomes a guest of its own, in no room, with a new identity; the account's rooms stay its own.
    /// Returns the guest.
    fn leave_account(&mut self, id: SessionId, slot: u32, turn: &mut Turn) -> u32 {
        let Some((session, before)) = self.state.session(id).cloned().zip(self.person(slot)) else {
            return slot;
        };
        let Some(name) = self.state.client(slot).map(|client| client.username.clone()) else {
            return slot;
        };
        self.show_leaving(id, slot, turn);
        self.take_session(id, slot, "logged out", turn);
        let name = match self.check_name(&name, None, None) {
            Ok(()) => name,
            Err(_) => self.free_guest_name(turn.position),
        };
        let guest = self.seat_guest(id, Session { rare: None, ..session.clone() }, &before, name, turn);
        self.watch_again(id, session, turn);
        if let Some(after) = self.person(guest) {
            self.tell_new_self(id, &before, &after, turn);
        }
        self.tell_came_online(guest, turn);
        guest
    }
}

fn changes_of_modes(before: Modes, after: Modes) -> Vec<(bool, PersonalMode)> {
    let taken = before.list().into_iter().filter(|mode| !after.has(*mode)).map(|mode| (false, mode));
    let given = after.list().into_iter().filter(|mode| !before.has(*mode)).map(|mode| (true, mode));
    taken.chain(given).collect()
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn a_guest_turns_out_to_be_an_account() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [bob alice*] alice (alice) joined #tea
            alice: entered #tea @bob alice
            > alice joins #pot
            [alice*] alice (alice) joined #pot ~
            alice: entered #pot ~alice
            > alice quits
            [bob] alice quit ()
            > guest arrives
            guest: welcome guest
            > guest joins #tea
            [bob guest*] guest joined #tea
            guest: entered #tea @bob guest
            > guest joins #cup
            [guest*] guest joined #cup @
            guest: entered #cup @guest
            > show changes
            > guest logs in alice
            [bob guest*] guest is account alice
            [guest] guest (alice) joined #pot ~
            guest: entered #pot ~guest
            guest: logged in to alice as guest
            keep: account alice
            keep: member #cup @alice
            > guest renames alice
            [bob guest*] guest is now alice
            ",
        );
    }

    #[test]
    fn a_guest_turns_out_to_be_someone_who_is_here() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [bob alice*] alice (alice) joined #tea
            alice: entered #tea @bob alice
            > alice modes +i
            [alice*] alice has modes +i
            > guest arrives
            guest: welcome guest
            > guest joins #tea
            [bob alice guest*] guest joined #tea
            guest: entered #tea @bob alice guest
            > guest joins #cup
            [guest*] guest joined #cup @
            guest: entered #cup @guest
            > guest watches bob
            guest: online [bob] offline []
            > guest logs in alice
            [guest] guest left #tea
            [guest] guest left #cup
            [bob alice] guest quit (logged in as alice)
            [guest] guest is now alice
            [guest] alice is account alice
            [guest] alice has modes +i
            guest: logged in to alice as alice
            [guest] alice (alice) joined #tea
            guest: entered #tea @bob alice
            > bob says #tea hi
            [bob* alice guest] bob -> #tea: hi
            > guest asks watched
            guest: watching bob
            > guest parts #tea
            [bob alice guest*] alice left #tea
            ",
        );
    }

    #[test]
    fn a_session_can_change_its_account() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > console registers bob
            console: account bob created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice logs in bob
            [alice] alice left #tea
            [alice] alice is now guest6
            [alice] guest6 is no account
            [alice*] guest6 is account bob
            alice: logged in to bob as guest6
            > alice logs in bob
            alice: logged in to bob as guest6
            > alice logs out
            [alice] guest6 is no account
            alice: logged out
            > alice logs out
            alice: refused: NotLoggedIn
            ",
        );
    }

    #[test]
    fn logging_out_leaves_the_rooms_to_the_account() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            > alice joins #tea
            [bob alice* alice/2] alice (alice) joined #tea
            alice: entered #tea @bob alice
            alice/2 (unasked): entered #tea @bob alice
            > alice logs out
            [alice] alice left #tea
            [alice] alice is now guest9
            [alice] guest9 is no account
            alice: logged out
            > alice/2 says #tea still here
            [bob alice/2*] alice -> #tea: still here
            > alice/2 logs out
            [alice/2] alice left #tea
            [bob] alice quit (logged out)
            [alice/2] alice is now guest11
            [alice/2] guest11 is no account
            alice/2: logged out
            > alice/2 arrives account alice
            [alice/2*] guest11 is account alice
            [bob alice/2] guest11 (alice) joined #tea
            alice/2: entered #tea @bob guest11
            alice/2: logged in to alice as guest11
            > carol arrives account alice
            carol: logged in to alice as nobody yet
            carol: welcome again guest11
            [carol] guest11 (alice) joined #tea
            carol: entered #tea @bob guest11
            ",
        );
    }

    #[test]
    fn the_attempts_of_strangers_don_t_lock_the_owner_out() {
        let few = Settings { login_attempts_per_account: 1, ..settings() };
        check_with(
            few,
            "
            > console registers alice
            console: account alice created
            > a asks credentials alice
            a: credentials of alice
            > a asks credentials Alice
            a: credentials of alice
            > a asks credentials alice
            a: credentials of alice
            > a asks credentials alice
            a: credentials of alice
            > a asks credentials alice
            a: refused: TooManyAttempts { retry_after_seconds: 60 }
            > alice asks credentials alice
            alice: credentials of alice
            > alice asks credentials alice
            alice: credentials of alice
            > alice logs in alice first
            alice: logged in to alice as nobody yet
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice quits
            > time 59
            > a asks credentials alice
            a: refused: TooManyAttempts { retry_after_seconds: 1 }
            > alice asks credentials alice
            alice: credentials of alice
            > time 1
            > a asks credentials alice
            a: credentials of alice
            > g asks credentials nobody
            g: credentials of nobody
            > g asks credentials nobody
            g: credentials of nobody
            > g asks credentials nobody
            g: credentials of nobody
            > g asks credentials nobody
            g: credentials of nobody
            > g asks credentials nobody
            g: refused: TooManyAttempts { retry_after_seconds: 60 }
            ",
        );
    }

    #[test]
    fn a_good_attempt_does_not_count() {
        check_with(
            Settings { login_attempts_per_account: 1, ..settings() },
            "
            > console registers alice
            console: account alice created
            > console registers bob
            console: account bob created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice asks credentials alice
            alice: credentials of alice
            > alice asks credentials alice
            alice: refused: TooManyAttempts { retry_after_seconds: 60 }
            > alice logs in alice home
            alice: logged in to alice as alice
            > alice asks credentials alice
            alice: credentials of alice
            > alice logs in alice
            alice: logged in to alice as alice
            > alice asks credentials alice
            alice: refused: TooManyAttempts { retry_after_seconds: 60 }
            > bob asks credentials bob
            bob: credentials of bob
            > bob asks credentials bob
            bob: credentials of bob
            > bob asks credentials bob
            bob: credentials of bob
            > bob asks credentials bob
            bob: credentials of bob
            > bob asks credentials bob
            bob: refused: TooManyAttempts { retry_after_seconds: 60 }
            > bob logs in bob shared
            bob: logged in to bob as nobody yet
            > a asks credentials bob
            a: credentials of bob
            > a asks credentials bob
            a: credentials of bob
            > a asks credentials bob
            a: credentials of bob
            > a asks credentials bob
            a: credentials of bob
            > a asks credentials bob
            a: refused: TooManyAttempts { retry_after_seconds: 60 }
            > bob asks credentials bob
            bob: credentials of bob
            ",
        );
    }

    #[test]
    fn home_is_the_whole_network_of_an_ipv6_address_since_the_rest_of_it_changes_daily() {
        check_with(
            Settings { login_attempts_per_account: 1, ..settings() },
            "
            > console registers alice
            console: account alice created
            > alice/v6 arrives account alice
            alice/v6: logged in to alice as nobody yet
            alice/v6: welcome alice
            > alice/v6b asks credentials alice
            alice/v6b: credentials of alice
            > alice/v6 asks credentials alice
            alice/v6: refused: TooManyAttempts { retry_after_seconds: 60 }
            > alice/v6b asks credentials alice
            alice/v6b: refused: TooManyAttempts { retry_after_seconds: 60 }
            > a asks credentials alice
            a: credentials of alice
            ",
        );
    }

    #[test]
    fn certificates_log_in() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers alice
            console: account alice created
            > console registers bob
            console: account bob created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice adds certificate alice 1
            alice: account alice changed
            > alice adds certificate alice 1
            alice: account alice changed
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > bob adds certificate bob 1
            bob: refused: NotYours
            > bob asks certificate 1
            bob: credentials of alice
            > bob asks certificate 2
            bob: credentials of nobody
            > console disables alice
            alice: closed: the account was disabled
            console: account alice changed
            > bob asks certificate 1
            bob: credentials of nobody
            ",
        );
    }
}
