//! Arrivals: a client comes, or another device of one who is here.

use super::state::{Session, SessionRare, Stage};
use super::turn::Turn;
use super::{Asker, Hub};
use crate::client::{ABSENT, AccountOf, Client, Modes};
use crate::command::{Arrival, Departure, PersonalMode};
use crate::effect::Effect;
use crate::id::{ClientId, RoomNumber, SessionId};
use crate::name::Username;
use crate::person::Person;
use crate::query::{Answer, Welcome};
use crate::refusal::Refusal;
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
    use crate::settings::Settings;

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
