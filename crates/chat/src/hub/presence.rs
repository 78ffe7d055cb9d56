//! Who is here: arrivals, departures, names, being away.

use super::state::{Session, SessionRare, Stage, Whowas};
use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::change::Change;
use crate::client::{ABSENT, AccountOf, Client, Leaving, Modes, ServerOperator};
use crate::command::{Arrival, Departure, PersonalMode};
use crate::effect::Effect;
use crate::event::What;
use crate::id::{ClientId, Position, RoomNumber, SessionId, Timestamp};
use crate::name::Username;
use crate::person::Person;
use crate::query::{Answer, Welcome};
use crate::refusal::{Refusal, Right, Rights};
use crate::snapshot::AccountRecord;
use compact_str::{CompactString, format_compact};
use smallvec::SmallVec;
use std::net::IpAddr;
use std::sync::Arc;

impl Hub {
    pub(super) fn arrive(&mut self, arrival: Arrival, turn: &mut Turn) {
        let Some(id) = turn.session() else {
            turn.refuse(Refusal::NotYours);
            return;
        };
        if !self.make_way(id, turn) || self.state.session(id).is_some() {
            return;
        }
        if let Err(refusal) = self.admit(id, arrival, turn) {
            turn.refuse(refusal);
        }
    }

    /// Frees the session's place from an older one, whose end was never told. `false`: there is no place for it, or a
    /// newer one has it.
    pub(super) fn make_way(&mut self, id: SessionId, turn: &mut Turn) -> bool {
        if !self.state.can_seat(id) {
            let reason = "the server has no room for more connections".into();
            turn.effects.to(id, Effect::Close { session: id, reason });
            return false;
        }
        let Some(occupant) = self.state.occupant(id) else {
            return true;
        };
        if occupant.generation == id.generation {
            return true;
        }
        let is_newer = id.generation.wrapping_sub(occupant.generation) < u32::MAX / 2;
        if is_newer {
            self.end_session(occupant, Departure::Broken { reason: "connection replaced".into() }, turn);
        }
        is_newer
    }

    fn admit(&mut self, id: SessionId, arrival: Arrival, turn: &mut Turn) -> Result<(), Refusal> {
        let account = self.account_arriving(id, &arrival)?;
        self.check_server_bans(arrival.address, arrival.certificate.as_ref(), account, turn.now)?;
        if account.is_none() && !self.settings.guests {
            return Err(Refusal::AccountRequired);
        }
        let login = match arrival.login {
            Some(claim) => Some(self.device_of_claim(claim, account, turn.now)?),
            None => None,
        };
        let session = Session {
            client: 0,
            address: arrival.address,
            secure: arrival.secure,
            transport: arrival.transport,
            certificate: arrival.certificate.map(Box::new),
            signed_on: turn.now,
            rare: SessionRare::of_arrival(
                arrival.device.clone().filter(|_| account.is_some()),
                arrival.gateway.clone(),
                login,
            ),
        };
        let here = account.and_then(|account| self.state.account(account)).and_then(|account| account.client);
        if let Some(slot) = here {
            self.state.attach(id, Session { client: slot, ..session });
            self.note_device(id, turn);
            self.set_on_arrival(slot, arrival.metadata, turn);
            self.subscribe_on_arrival(id, arrival.subscriptions);
            self.welcome_device(id, slot, arrival.address, arrival.away, turn);
            return Ok(());
        }
        let username = match account.and_then(|account| self.state.account(account)) {
            Some(account) if self.settings.nick_follows_account => account.username.clone(),
            _ => arrival.name.clone(),
        };
        self.check_name(&username, None, account)?;
        let slot = self.add_client(username, account, &arrival, turn);
        self.state.attach(id, Session { client: slot, ..session });
        self.note_device(id, turn);
        self.set_on_arrival(slot, arrival.metadata, turn);
        self.subscribe_on_arrival(id, arrival.subscriptions);
        self.keep_presence(slot, turn);
        self.welcome(id, slot, false, turn);
        self.away_on_arrival(Asker { session: id, slot }, arrival.away, turn);
        self.tell_came_online(slot, turn);
        if let Some(account) = account {
            self.return_to_rooms(slot, account, turn);
        }
        Ok(())
    }

    /// The account that the session has proved to be; a claim alone counts for nothing.
    fn account_arriving(&mut self, id: SessionId, arrival: &Arrival) -> Result<Option<u32>, Refusal> {
        let verified = match self.state.session_place(id).map(|place| &place.stage) {
            Some(Stage::Verified(account)) => Some(*account),
            _ => None,
        };
        if arrival.account.is_some() && arrival.account != verified {
            return Err(Refusal::WrongCredentials);
        }
        let Some(verified) = verified else {
            return Ok(None);
        };
        let account = self.usable_account(verified);
        if account.is_none() {
            // Disabled or deleted since then: what was proved is worth nothing any more.
            self.state.set_verified(id, None);
        }
        account.map(Some).ok_or(Refusal::WrongCredentials)
    }

    fn add_client(&mut self, username: Username, account: Option<u32>, arrival: &Arrival, turn: &Turn) -> u32 {
        let record = account.and_then(|slot| self.state.account(slot)).map(|account| account.record.clone());
        let id = record.as_ref().map_or_else(|| self.new_client_id(turn), |record| record.id);
        let mut modes = Modes::default();
        for mode in &arrival.modes {
            if *mode != PersonalMode::Operator {
                modes = modes.set(*mode, true);
            }
        }
        let person = Person {
            id,
            name: username.text().clone(),
            ident: arrival.ident.clone(),
            host: arrival.host.clone(),
            account: record.as_ref().map(|record| record.username.clone()),
            realname: arrival.realname.clone(),
            bot: modes.has(PersonalMode::Bot),
        };
        self.state.add_client(Client {
            id,
            username,
            ip_address: arrival.address,
            account: account.zip(record).map(|(slot, record)| AccountOf { slot, record }),
            person: Arc::new(person),
            sessions: SmallVec::new(),
            rooms: SmallVec::new(),
            modes,
            signed_on: turn.now,
            last_active: turn.now,
            rare: None,
        })
    }

    /// A device says from the start whether someone is at it; one that says nothing has someone.
    fn away_on_arrival(&mut self, asker: Asker, away: Option<Box<str>>, turn: &mut Turn) {
        match away {
            None => self.settle_absence(asker.slot, turn),
            away => self.note_away(asker, away, turn),
        }
    }

    /// Another device of someone who is here: she hears of her rooms, nobody hears of the device.
    fn welcome_device(&mut self, id: SessionId, slot: u32, address: IpAddr, away: Option<Box<str>>, turn: &mut Turn) {
        self.cancel_leaving(slot, Some(address));
        self.welcome(id, slot, true, turn);
        self.away_on_arrival(Asker { session: id, slot }, away, turn);
        self.show_rooms(id, slot, turn);
    }

    pub(super) fn cancel_leaving(&mut self, slot: u32, address: Option<IpAddr>) {
        self.state.change_client(slot, |client| {
            client.ip_address = address.unwrap_or(client.ip_address);
            if let Some(rare) = &mut client.rare {
                rare.leaving = None;
            }
        });
    }

    fn welcome(&self, id: SessionId, slot: u32, joined_others: bool, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let welcome = Welcome {
            person: client.person.clone(),
            joined_others,
            counts: self.counts(),
            modes: client.modes.list(),
            // Whoever comes is there; a device that nobody is at has said so itself.
            away: client.away().filter(|message| *message != ABSENT).map(Box::from),
            metadata: self.metadata_of_client(slot),
            always_on: self.always_on_status(slot),
        };
        turn.tell(id, Answer::Welcome(Box::new(welcome)));
        self.tell_of_reports(slot, &[id], turn);
        self.show_marks(id, turn);
    }

    /// Takes one device into all rooms of its client, without anyone else hearing of it.
    pub(super) fn show_rooms(&mut self, id: SessionId, slot: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let rooms: Vec<RoomNumber> = client.rooms.iter().map(|place| place.room).collect();
        for room in rooms {
            turn.effects.to(id, Effect::Enter { session: id, room });
            // Shown to this device alone, and no second coming: the room's history has nothing of it.
            if let Some((person, what)) = self.joined(slot, room) {
                let event = turn.event(&person, what);
                turn.tell_sessions(&[id], &event, None);
            }
            self.show_room(id, room, turn);
        }
    }

    pub(super) fn depart(&mut self, departure: Departure, turn: &mut Turn) {
        if let Some(id) = turn.session() {
            self.end_session(id, departure, turn);
        }
    }

    pub(super) fn end_session(&mut self, id: SessionId, departure: Departure, turn: &mut Turn) {
        let Some(place) = self.state.session_place(id) else {
            return;
        };
        let slot = match &place.stage {
            Stage::Vacant => return,
            Stage::Verified(_) => {
                self.state.set_verified(id, None);
                return;
            }
            Stage::Present(session) => session.client,
        };
        self.leave_rooms_with(id, slot, turn);
        self.note_device_gone(id, turn);
        self.state.detach(id);
        let Some(client) = self.state.client(slot).filter(|client| client.sessions.is_empty()) else {
            self.settle_absence(slot, turn);
            return;
        };
        let (reason, is_broken) = match departure {
            Departure::Quit { reason } => (reason.unwrap_or_default(), false),
            Departure::Broken { reason } => (reason, true),
        };
        let is_account = client.is_account();
        self.note_last_seen(slot, turn);
        if self.stays_without_device(slot, turn) {
            return;
        }
        if is_account && is_broken && self.settings.grace_ms > 0 {
            let deadline = Timestamp(turn.now.0.saturating_add(self.settings.grace_ms));
            self.state.change_client(slot, |client| client.rare_mut().leaving = Some(Leaving { deadline, reason }));
            return;
        }
        self.quit(slot, reason, turn);
    }

    /// The device sees its client's rooms no more.
    fn leave_rooms_with(&self, id: SessionId, slot: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        for place in &client.rooms {
            turn.effects.to(id, Effect::Leave { session: id, room: place.room });
        }
    }

    pub(super) fn note_last_seen(&mut self, slot: u32, turn: &mut Turn) {
        let Some(account) = self.state.client(slot).and_then(|client| client.account.clone()) else {
            return;
        };
        let record = AccountRecord { last_seen: turn.now, ..AccountRecord::clone(&account.record) };
        self.keep_if_working(Change::Account(Box::new(record.clone())), turn);
        self.state.set_record(account.slot, record);
    }

    /// Those whose time to come back is over.
    pub(super) fn announce_those_gone(&mut self, turn: &mut Turn) {
        while let Some((deadline, slot)) = self.state.next_deadline() {
            if deadline > turn.now {
                break;
            }
            let Some(reason) =
                self.state.client(slot).and_then(|client| client.leaving()).map(|leaving| leaving.reason.clone())
            else {
                break;
            };
            self.quit(slot, reason, turn);
        }
    }

    /// Closes all devices of a client with these words, and announces that it is gone.
    pub(super) fn close_and_quit(&mut self, slot: u32, words: &str, turn: &mut Turn) {
        for id in self.sessions_of(slot) {
            self.close_session_of(slot, id, words, turn);
        }
        self.quit(slot, words.into(), turn);
    }

    /// One device of the client is closed; she stays.
    pub(super) fn close_session_of(&mut self, slot: u32, id: SessionId, words: &str, turn: &mut Turn) {
        self.leave_rooms_with(id, slot, turn);
        turn.effects.to(id, Effect::Close { session: id, reason: words.into() });
        self.note_device_gone(id, turn);
        self.state.detach(id);
    }

    /// The client, which has no device any more, is gone for everyone.
    pub(super) fn quit(&mut self, slot: u32, reason: Box<str>, turn: &mut Turn) {
        let Some(person) = self.person(slot) else {
            return;
        };
        let event = self.happening(&person, What::Quit { reason }, turn);
        self.note_everywhere(slot, &event, turn);
        self.tell_peers(slot, event, None, turn);
        let rooms: Vec<RoomNumber> = self
            .state
            .client(slot)
            .map_or_else(Vec::new, |client| client.rooms.iter().map(|place| place.room).collect());
        // Backwards, since the places in her own list are given up one by one.
        for room in rooms.iter().rev() {
            self.state.remove_member(*room, slot);
        }
        for room in rooms {
            self.settle_empty_room(room, turn);
        }
        self.tell_went_offline(slot, turn);
        self.note_whowas(slot, turn);
        self.leave_directs(slot);
        self.forget_presence(slot, turn);
        self.state.remove_client(slot);
    }

    pub(super) fn note_whowas(&mut self, slot: u32, turn: &Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let entry = Whowas {
            key: client.username.key().clone(),
            person: client.person.clone(),
            left: turn.now,
            address: client.ip_address,
        };
        self.state.push_whowas(entry, self.settings.whowas_entries);
    }

    // Names

    /// Whether a client (`slot`; `None`: a new one) that is this account may bear the name.
    pub(super) fn check_name(&self, name: &Username, slot: Option<u32>, account: Option<u32>) -> Result<(), Refusal> {
        let text = || name.text().clone();
        if Username::parse(name.text(), &self.settings.name_rules).is_err() {
            return Err(Refusal::NameInvalid { name: text() });
        }
        if self.state.client_named(name.key()).is_some_and(|holder| Some(holder) != slot) {
            return Err(Refusal::NameInUse { name: text() });
        }
        let owner = self.state.account_named(name.key());
        if owner.is_some() && owner == account {
            return Ok(());
        }
        if owner.is_some() && self.settings.nick_protection {
            return Err(Refusal::NameReserved { name: text() });
        }
        let looks_like_an_account =
            self.settings.nick_protection && self.state.account_looking_like(name, account).is_some();
        if looks_like_an_account || self.state.client_looking_like(name, slot).is_some() {
            return Err(Refusal::NameConfusable { name: text() });
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, asker: Asker, to: &Username, turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        if client.username.text() == to.text() {
            return;
        }
        let account = client.account.as_ref().map(|account| account.slot);
        let is_fixed = self.settings.nick_follows_account
            && account
                .and_then(|slot| self.state.account(slot))
                .is_some_and(|account| account.username.text() != to.text());
        if is_fixed {
            turn.refuse(Refusal::NameFixed { name: to.text().clone() });
            return;
        }
        match self.check_name(to, Some(asker.slot), account) {
            Ok(()) => self.change_name(asker.slot, to.clone(), turn),
            Err(refusal) => turn.refuse(refusal),
        }
    }

    /// Gives a client another name, which must be free, and tells everyone concerned.
    pub(super) fn change_name(&mut self, slot: u32, to: Username, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let is_another = client.username.key() != to.key();
        let before = client.person.clone();
        let event = self.happening(&before, What::Renamed { to: to.text().clone() }, turn);
        self.note_everywhere(slot, &event, turn);
        // Whoever gave someone else's account another name hears of it as everyone else does.
        let is_oneself = self.asker(turn).is_some_and(|asker| asker.slot == slot);
        let origin = turn.event_origin().filter(|_| is_oneself);
        self.tell_peers(slot, event, origin, turn);
        if is_another {
            self.tell_went_offline(slot, turn);
            self.note_whowas(slot, turn);
        }
        let person = Arc::new(Person { name: to.text().clone(), ..Person::clone(&before) });
        self.state.change_client(slot, |client| {
            client.username = to;
            client.person = person;
        });
        if is_another {
            self.tell_came_online(slot, turn);
        }
        self.rename_guest(slot, turn);
        self.update_presence(slot, turn);
    }

    /// A name for someone who lost hers: `guest` and a number.
    pub(super) fn free_guest_name(&self, position: Position) -> Username {
        let rules = &self.settings.name_rules;
        let mut number = position.0 % 100_000;
        loop {
            let name = Username::lookup(&format_compact!("guest{number}"), rules);
            if self.check_name(&name, None, None).is_ok() || number > u64::from(u32::MAX) {
                return name;
            }
            // At most as many steps as there are people and accounts.
            number += 1;
        }
    }

    // What is said about oneself

    pub(super) fn set_realname(&mut self, asker: Asker, to: CompactString, turn: &mut Turn) {
        let Some(before) = self.person(asker.slot) else {
            return;
        };
        if before.realname == to {
            return;
        }
        let event = turn.event(&before, What::RealnameChanged { to: to.clone() });
        let origin = turn.event_origin();
        self.tell_peers(asker.slot, event.clone(), origin, turn);
        self.tell_watchers(asker.slot, &event, turn);
        let person = Arc::new(Person { realname: to, ..Person::clone(&before) });
        self.state.change_client(asker.slot, |client| client.person = person);
        self.update_presence(asker.slot, turn);
    }

    pub(super) fn set_away(&mut self, asker: Asker, message: Option<Box<str>>, turn: &mut Turn) {
        let now = message.is_some();
        self.note_away(asker, message, turn);
        turn.answer(Answer::Away { now });
    }

    /// `*`: nobody is at this device. What a person says in words holds for all of her devices, until she is back at one.
    pub(super) fn note_away(&mut self, asker: Asker, message: Option<Box<str>>, turn: &mut Turn) {
        let is_absent = message.as_deref() == Some(ABSENT);
        if self.state.is_absent(asker.session) != is_absent {
            self.state.set_absent(asker.session, is_absent);
        }
        if is_absent {
            self.settle_absence(asker.slot, turn);
        } else {
            self.change_away(asker.slot, message, turn);
        }
    }

    /// Someone is away when nobody is at any of her devices (pre-away), and there when someone is; unless she has said
    /// in words that she is away.
    pub(super) fn settle_absence(&mut self, slot: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else { return };
        if client.away().is_some_and(|message| message != ABSENT) {
            return;
        }
        let is_absent = client.sessions.iter().all(|id| self.state.is_absent(*id));
        self.change_away(slot, is_absent.then(|| ABSENT.into()), turn);
    }

    fn change_away(&mut self, slot: u32, message: Option<Box<str>>, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        if client.away() == message.as_deref() {
            return;
        }
        let person = client.person.clone();
        let said = self.words_of_absence(slot);
        self.state.change_client(slot, |client| client.rare_mut().away = message.clone());
        let event = turn.event(&person, What::AwayChanged { message });
        let is_oneself = self.asker(turn).is_some_and(|asker| asker.slot == slot);
        let origin = turn.event_origin().filter(|_| is_oneself);
        self.tell_peers(slot, event.clone(), origin, turn);
        self.tell_watchers(slot, &event, turn);
        if said != self.words_of_absence(slot) {
            self.update_presence(slot, turn);
        }
    }

    /// What she says of being away, in words.
    fn words_of_absence(&self, slot: u32) -> Option<Box<str>> {
        let away = self.state.client(slot)?.away()?;
        (away != ABSENT).then(|| away.into())
    }

    pub(super) fn change_own_modes(&mut self, asker: Asker, changes: &[(bool, PersonalMode)], turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        let mut modes = client.modes;
        let mut done = Vec::new();
        for &(on, mode) in changes {
            // The rank of an operator comes with an account's rights, or is shown by a password; it is never taken.
            let may_take = mode != PersonalMode::Operator || client.rights_of_account() != Rights::NONE;
            if modes.has(mode) == on || (on && !may_take) {
                continue;
            }
            modes = modes.set(mode, on);
            done.push((on, mode));
        }
        self.set_modes(asker.slot, modes, done, turn);
    }

    /// Sets a client's modes and tells its devices what changed.
    pub(super) fn set_modes(&mut self, slot: u32, modes: Modes, changes: Vec<(bool, PersonalMode)>, turn: &mut Turn) {
        let Some(before) = self.person(slot) else {
            return;
        };
        if changes.is_empty() {
            return;
        }
        let bot = modes.has(PersonalMode::Bot);
        self.state.change_client(slot, |client| {
            client.modes = modes;
            if !modes.has(PersonalMode::Operator)
                && let Some(rare) = &mut client.rare
            {
                rare.operator = None;
            }
            if client.person.bot != bot {
                client.person = Arc::new(Person { bot, ..Person::clone(&client.person) });
            }
        });
        let takes_rank = changes.contains(&(true, PersonalMode::Operator));
        let event = turn.event(&before, What::OwnModesChanged { changes });
        let origin = turn.event_origin();
        let sessions = self.sessions_of(slot);
        turn.tell_sessions(&sessions, &event, origin);
        if takes_rank {
            self.tell_of_reports(slot, &sessions, turn);
        }
        self.update_presence(slot, turn);
    }

    pub(super) fn become_operator(&mut self, asker: Asker, rule: Option<CompactString>, turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        let modes = client.modes;
        let Some(name) = rule else {
            self.change_own_modes(asker, &[(false, PersonalMode::Operator)], turn);
            return;
        };
        let Some(rule) = self.settings.operators.iter().find(|rule| rule.name == name).cloned() else {
            turn.refuse(Refusal::NotOperator);
            return;
        };
        let operator = ServerOperator { rights: rule.rights, title: rule.title.clone() };
        self.state.change_client(asker.slot, |client| client.rare_mut().operator = Some(operator));
        if !modes.has(PersonalMode::Operator) {
            let modes = modes.set(PersonalMode::Operator, true);
            self.set_modes(asker.slot, modes, vec![(true, PersonalMode::Operator)], turn);
        }
        let shown = self.person(asker.slot).map(|person| person.name.clone()).unwrap_or_default();
        self.audit(AuditAction::Operator, None, &shown, &rule.name, turn);
        turn.answer(Answer::BecameOperator { title: rule.title });
    }

    pub(super) fn change_host(&mut self, of: &Username, ident: CompactString, host: CompactString, turn: &mut Turn) {
        if let Err(refusal) = self.require(Right::Accounts, turn) {
            turn.refuse(refusal);
            return;
        }
        let Some(slot) = self.state.client_named(of.key()) else {
            turn.refuse(Refusal::NoSuchClient { name: of.text().clone() });
            return;
        };
        let Some(before) = self.person(slot) else {
            return;
        };
        let event = turn.event(&before, What::HostChanged { ident: ident.clone(), host: host.clone() });
        // Whoever did it hears of it as everyone else does: it is not her doing that is shown, but a change of the other.
        let origin = self.asker(turn).filter(|asker| asker.slot == slot).and_then(|_| turn.event_origin());
        self.tell_peers(slot, event.clone(), origin, turn);
        self.tell_watchers(slot, &event, turn);
        let person = Arc::new(Person { ident, host, ..Person::clone(&before) });
        self.state.change_client(slot, |client| client.person = person);
        self.update_presence(slot, turn);
    }

    /// Makes a session, which must be free of any client, a guest of its own. Nobody is told.
    pub(super) fn seat_guest(
        &mut self,
        id: SessionId,
        session: Session,
        before: &Person,
        name: Username,
        turn: &Turn,
    ) -> u32 {
        let new_id: ClientId = self.new_client_id(turn);
        let person =
            Person { id: new_id, name: name.text().clone(), account: None, bot: false, ..Person::clone(before) };
        let slot = self.state.add_client(Client {
            id: new_id,
            username: name,
            ip_address: session.address,
            account: None,
            person: Arc::new(person),
            sessions: SmallVec::new(),
            rooms: SmallVec::new(),
            modes: Modes::default(),
            signed_on: turn.now,
            last_active: turn.now,
            rare: None,
        });
        self.state.attach(id, Session { client: slot, ..session });
        slot
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check, check_with, settings};
    use crate::settings::{AlwaysOn, Settings};

    #[test]
    fn a_guest_comes_and_goes() {
        check(
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
            > alice quits see you
            [bob] alice quit (see you)
            > bob asks members #tea
            bob: members of #tea: bob
            > bob breaks
            > bob asks members #tea
            bob: refused: NoSuchRoom { name: \"#tea\" }
            ",
        );
    }

    #[test]
    fn names_in_use_are_refused() {
        check(
            "
            > alice arrives
            alice: welcome alice
            > eve arrives as ALICE
            eve: refused: NameInUse { name: \"ALICE\" }
            > eve arrives as аlice
            eve: refused: NameConfusable { name: \"аlice\" }
            > eve arrives as 1alice
            eve: refused: NameInvalid { name: \"1alice\" }
            > eve arrives as eve
            eve: welcome eve
            > eve renames alice
            eve: refused: NameInUse { name: \"alice\" }
            > eve renames Eve
            [eve*] eve is now Eve
            > eve renames Eve
            > eve renames al*
            eve: refused: NameInvalid { name: \"al*\" }
            > eve arrives as other
            ",
        );
    }

    #[test]
    fn guests_may_be_refused() {
        check_with(
            Settings { guests: false, ..settings() },
            "
            > alice arrives
            alice: refused: AccountRequired
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice logs out
            alice: refused: AccountRequired
            ",
        );
    }

    #[test]
    fn two_devices_are_one_person() {
        check(
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
            > alice/2 arrives account alice as other
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            [alice/2] alice (alice) joined #tea
            alice/2: entered #tea @bob alice
            > alice/2 joins #pot
            [alice alice/2*] alice (alice) joined #pot ~
            alice (unasked): entered #pot ~alice
            alice/2: entered #pot ~alice
            > alice says #tea hi
            [bob alice* alice/2] alice -> #tea: hi
            > alice/2 parts #tea bye
            [bob alice alice/2*] alice left #tea (bye)
            > alice renames al
            [alice* alice/2] alice is now al
            > alice/2 away gone
            [alice alice/2*] al is away: gone
            alice/2: away true
            > alice quits
            > bob joins #pot
            [bob* alice/2] bob joined #pot
            bob: entered #pot ~al bob
            > alice/2 quits now
            [bob] al quit (now)
            ",
        );
    }

    #[test]
    fn someone_without_rooms_tells_herself() {
        check(
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            > alice renames al
            [alice* alice/2] alice is now al
            > alice/2 realname Alice A
            [alice alice/2*] al has realname Alice A
            > alice/2 realname Alice A
            > alice away tea time
            [alice* alice/2] al is away: tea time
            alice: away true
            > alice away tea time
            alice: away true
            > alice back
            [alice* alice/2] al is back
            alice: away false
            > alice modes +iw-o+o
            [alice* alice/2] al has modes +i+w+o
            > alice modes -o
            [alice* alice/2] al has modes -o
            > alice modes +i
            ",
        );
    }

    #[test]
    fn those_who_share_several_rooms_are_told_once() {
        check(
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > carol arrives
            carol: welcome carol
            > dave arrives
            dave: welcome dave
            > erin arrives
            erin: welcome erin
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > carol joins #tea
            [alice bob carol*] carol joined #tea
            carol: entered #tea @alice bob carol
            > alice joins #pot
            [alice*] alice joined #pot @
            alice: entered #pot @alice
            > bob joins #pot
            [alice bob*] bob joined #pot
            bob: entered #pot @alice bob
            > dave joins #pot
            [alice bob dave*] dave joined #pot
            dave: entered #pot @alice bob dave
            > alice joins #cup
            [alice*] alice joined #cup @
            alice: entered #cup @alice
            > dave joins #cup
            [alice dave*] dave joined #cup
            dave: entered #cup @alice dave
            > erin joins #cup
            [alice dave erin*] erin joined #cup
            erin: entered #cup @alice dave erin
            > alice renames al
            [alice* bob carol] alice is now al
            [dave erin] alice is now al
            > al/0 arrives
            al/0: refused: NameInUse { name: \"al\" }
            > alice quits bye
            [bob carol] al quit (bye)
            [dave erin] al quit (bye)
            ",
        );
    }

    #[test]
    fn a_broken_device_of_an_account_may_come_back() {
        check(
            "
            > console registers alice
            console: account alice created
            > bob arrives
            bob: welcome bob
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > bob joins #tea
            [bob* alice] bob joined #tea
            bob: entered #tea ~alice bob
            > alice breaks
            > bob says alice are you there
            [bob*] bob -> alice: are you there
            > time 29
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            [alice/2] alice (alice) joined #tea ~
            alice/2: entered #tea ~alice bob
            > time 60
            > alice/2 breaks
            > time 30
            [bob] alice quit (connection lost)
            > alice/3 arrives account alice
            alice/3: logged in to alice as nobody yet
            alice/3: welcome alice
            [bob alice/3] alice (alice) joined #tea ~
            alice/3: entered #tea bob ~alice
            ",
        );
    }

    #[test]
    fn a_clean_goodbye_is_announced_at_once() {
        check(
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
            > alice quits
            [bob] alice quit ()
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            [bob alice] alice (alice) joined #tea
            alice: entered #tea @bob alice
            ",
        );
    }

    #[test]
    fn always_on_means_always_here() {
        check_with(
            Settings { always_on: AlwaysOn::Mandatory, ..settings() },
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
            > alice quits bye
            [bob] alice is away: *
            > bob asks members #tea
            bob: members of #tea: @bob alice
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            [bob alice/2*] alice is back
            [alice/2] alice (alice) joined #tea
            alice/2: entered #tea @bob alice
            > bob quits bye
            [alice/2] bob quit (bye)
            ",
        );
    }

    #[test]
    fn the_shown_name_can_follow_the_account() {
        check_with(
            Settings { nick_follows_account: true, ..settings() },
            "
            > console registers Alice
            console: account Alice created
            > alice arrives account alice as other
            alice: logged in to Alice as nobody yet
            alice: welcome Alice
            > alice renames bob
            alice: refused: NameFixed { name: \"bob\" }
            > alice renames alice
            alice: refused: NameFixed { name: \"alice\" }
            > alice renames Alice
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > console registers Bobby
            console: account Bobby created
            > bob logs in Bobby
            [bob*] bob is now Bobby
            [bob*] Bobby is account Bobby
            bob: logged in to Bobby as Bobby
            ",
        );
    }

    #[test]
    fn operators_of_the_server() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice opers nobody
            alice: refused: NotOperator
            > alice rehosts bob new.host
            alice: refused: NotOperator
            > alice opers admin
            [alice*] alice has modes +o
            alice: operator: is an admin
            > alice opers admin
            alice: operator: is an admin
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > alice rehosts bob new.host
            [bob] bob is from x@new.host
            > alice rehosts nobody new.host
            alice: refused: NoSuchClient { name: \"nobody\" }
            > alice modes -o
            [alice*] alice has modes -o
            > alice rehosts bob other.host
            alice: refused: NotOperator
            > alice opers admin
            [alice*] alice has modes +o
            alice: operator: is an admin
            > alice deopers
            [alice*] alice has modes -o
            ",
        );
    }

    #[test]
    fn a_session_must_have_proved_its_account() {
        check(
            "
            > console registers alice
            console: account alice created
            > eve asks credentials alice
            eve: credentials of alice
            > eve fails alice
            eve: refused: WrongCredentials
            > eve arrives as alice
            eve: refused: NameReserved { name: \"alice\" }
            > eve logs in alice
            eve: logged in to alice as nobody yet
            > eve logs out
            eve: logged out
            > eve arrives as alice
            eve: refused: NameReserved { name: \"alice\" }
            > eve logs out
            eve: refused: NotLoggedIn
            > eve arrives account nobody
            eve: refused: WrongCredentials
            eve: refused: WrongCredentials
            > eve arrives as eve
            eve: welcome eve
            ",
        );
    }
}
