//! Devices that stay logged in: from the password to the last visit, without a password in between.
//!
//! What is asked here comes from the server's own HTTP side, on behalf of visitors whose password or secret it has seen.

use super::Hub;
use super::devices::record_id;
use super::turn::Turn;
use crate::change::Change;
use crate::command::NewAccount;
use crate::device_login::{DeviceLogin, LoginClaim, NewDevice, SecretHash, Shown};
use crate::id::{ClientId, Timestamp, uuid_v7};
use crate::query::{Answer, Counted};
use crate::refusal::Refusal;
use crate::snapshot::DeviceRecord;
use std::net::IpAddr;

/// A login that someone has shown a good secret of.
struct Recognised {
    account: u32,
    device: DeviceRecord,
    login: DeviceLogin,
    shown: Shown,
}

impl Hub {
    /// A password was checked outside: the device stays logged in from now on.
    pub(super) fn log_in_device(
        &mut self,
        (account, proofs_since): (ClientId, Timestamp),
        counted: Option<Counted>,
        device: NewDevice,
        turn: &mut Turn,
    ) {
        let outcome = match self.usable_account(account).filter(|slot| self.is_proof(*slot, proofs_since)) {
            _ if turn.session().is_some() => Err(Refusal::NotYours),
            None => Err(Refusal::WrongCredentials),
            Some(slot) => self.check_server_bans(device.address, None, Some(slot), turn.now).map(|()| slot),
        };
        match outcome {
            Ok(slot) => {
                self.note_success(slot, device.address, counted, turn);
                self.add_login(slot, device, turn);
            }
            Err(refusal) => turn.refuse(refusal),
        }
    }

    /// A stranger makes an account, as with `CreateAccount` from a session, and her device stays logged in.
    pub(super) fn sign_up(&mut self, new: NewAccount, device: NewDevice, turn: &mut Turn) {
        let made = match turn.session() {
            Some(_) => Err(Refusal::NotYours),
            None => self.try_create_account(new, false, turn),
        };
        match made {
            Ok(slot) => self.add_login(slot, device, turn),
            Err(refusal) => turn.refuse(refusal),
        }
    }

    fn add_login(&mut self, slot: u32, device: NewDevice, turn: &mut Turn) {
        let Some(account) = self.state.account(slot).map(|account| account.record.clone()) else { return };
        let NewDevice { name, transport, address, secret } = device;
        let id = uuid_v7(turn.now, turn.position.0, self.seed.rotate_left(40)).as_u128() as u64;
        let login = Some(Box::new(DeviceLogin::new(secret, turn.now)));
        let record =
            DeviceRecord { account: account.id, id, name, transport, address, came: turn.now, seen: turn.now, login };
        let device = record_id(&record);
        turn.keep(Change::Device(Box::new(record.clone())));
        self.put_device(slot, record, turn);
        turn.answer(Answer::DeviceLogin { account: account.username.clone(), id: account.id, device, is_due: false });
    }

    /// The login of this claim, if its secret is good and its account can be used.
    fn recognise(&self, claim: LoginClaim, now: Timestamp) -> Result<Recognised, Refusal> {
        let account = self.usable_account(claim.account).ok_or(Refusal::LoginEnded)?;
        let found = self.state.devices(account).iter().find_map(|device| {
            let login = device.login.as_deref()?;
            let shown = login.recognise(claim.secret, now)?;
            Some(Recognised { account, device: device.clone(), login: login.clone(), shown })
        });
        let found = found.ok_or(Refusal::LoginEnded)?;
        self.check_account_ban(account, now)?;
        Ok(found)
    }

    /// The device that a session comes from which has shown this.
    pub(super) fn device_of_claim(
        &self,
        claim: LoginClaim,
        account: Option<u32>,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let found = self.recognise(claim, now)?;
        if Some(found.account) == account { Ok(found.device.id) } else { Err(Refusal::LoginEnded) }
    }

    /// A session logs in by what its device shows.
    pub(super) fn log_in_again(&mut self, claim: LoginClaim, address: IpAddr, turn: &mut Turn) {
        let Some(session) = turn.session() else {
            turn.refuse(Refusal::NotYours);
            return;
        };
        let found = match self.recognise(claim, turn.now) {
            Ok(found) => found,
            Err(refusal) => {
                turn.refuse(refusal);
                return;
            }
        };
        if !self.make_way(session, turn) {
            return;
        }
        let slot = found.account;
        self.settle(found, turn);
        self.note_success(slot, address, None, turn);
        if let Err(refusal) = self.be(session, slot, turn) {
            turn.refuse(refusal);
        }
    }

    /// Who a visitor is by what her device shows.
    pub(super) fn show_login(&mut self, claim: LoginClaim, turn: &mut Turn) {
        let found = match turn.session() {
            Some(_) => Err(Refusal::NotYours),
            None => self.recognise(claim, turn.now),
        };
        match found {
            Ok(found) => {
                let is_due = found.login.is_due(found.shown, turn.now);
                self.answer_login(&found, is_due, turn);
                self.settle(found, turn);
            }
            Err(refusal) => turn.refuse(refusal),
        }
    }

    /// A device that is due gets a new secret.
    pub(super) fn renew_login(&mut self, claim: LoginClaim, to: SecretHash, turn: &mut Turn) {
        let found = match turn.session() {
            Some(_) => Err(Refusal::NotYours),
            None => self.recognise(claim, turn.now),
        };
        match found {
            // Two of its windows asked at once: one of them brings the new one.
            Ok(found) if !found.login.is_due(found.shown, turn.now) => turn.refuse(Refusal::LoginIsFresh),
            Ok(found) => {
                let login = found.login.renewed(found.shown, to, turn.now);
                let record = DeviceRecord { login: Some(Box::new(login)), ..found.device.clone() };
                turn.keep(Change::Device(Box::new(record.clone())));
                self.put_device(found.account, record, turn);
                self.answer_login(&found, false, turn);
            }
            Err(refusal) => turn.refuse(refusal),
        }
    }

    /// A device logs out.
    pub(super) fn end_login(&mut self, claim: LoginClaim, turn: &mut Turn) {
        let found = match turn.session() {
            Some(_) => Err(Refusal::NotYours),
            None => self.recognise(claim, turn.now),
        };
        match found {
            Ok(found) => {
                turn.answer(Answer::DeviceForgotten { id: record_id(&found.device) });
                self.forget_device(found.account, found.device.id, "logged out", turn);
            }
            Err(refusal) => turn.refuse(refusal),
        }
    }

    fn answer_login(&self, found: &Recognised, is_due: bool, turn: &mut Turn) {
        let Some(record) = self.state.account(found.account).map(|account| account.record.clone()) else { return };
        let device = record_id(&found.device);
        turn.answer(Answer::DeviceLogin { account: record.username.clone(), id: record.id, device, is_due });
    }

    /// The newest secret has reached the device.
    fn settle(&mut self, found: Recognised, turn: &mut Turn) {
        if found.shown != Shown::Newest {
            return;
        }
        if let Some(login) = found.login.settled(turn.now) {
            let record = DeviceRecord { login: Some(Box::new(login)), ..found.device };
            self.keep_if_working(Change::Device(Box::new(record.clone())), turn);
            self.put_device(found.account, record, turn);
        }
    }

    /// No device of the account stays logged in, but for the one that asks. Sessions are closed by the caller.
    pub(super) fn end_logins(&mut self, slot: u32, turn: &mut Turn) {
        let asks = turn.session().and_then(|id| self.state.session(id));
        let is_hers = asks
            .and_then(|session| self.state.client(session.client))
            .is_some_and(|client| client.account.as_ref().is_some_and(|account| account.slot == slot));
        let spared = asks.filter(|_| is_hers).and_then(|session| session.login());
        let devices = self.state.devices(slot);
        let (ended, left): (Vec<_>, Vec<_>) =
            devices.iter().cloned().partition(|device| device.login.is_some() && Some(device.id) != spared);
        if ended.is_empty() {
            return;
        }
        for device in ended {
            turn.keep(Change::DeviceForgotten { account: device.account, id: device.id });
        }
        self.state.set_devices(slot, left);
    }

    /// A device is no more: it is not logged in, and its sessions are closed. Returns whether there was one.
    pub(super) fn forget_device(&mut self, slot: u32, id: u64, words: &str, turn: &mut Turn) -> bool {
        let devices = self.state.devices(slot);
        let Some(account) = devices.iter().find(|device| device.id == id).map(|device| device.account) else {
            return false;
        };
        let left = devices.iter().filter(|device| device.id != id).cloned().collect();
        self.state.set_devices(slot, left);
        turn.keep(Change::DeviceForgotten { account, id });
        self.close_sessions_of_login(slot, id, words, turn)
    }

    fn close_sessions_of_login(&mut self, slot: u32, id: u64, words: &str, turn: &mut Turn) -> bool {
        let Some(client) = self.state.account(slot).and_then(|account| account.client) else { return false };
        let sessions: Vec<_> = self
            .sessions_of(client)
            .into_iter()
            .filter(|session| self.state.session(*session).is_some_and(|session| session.login() == Some(id)))
            .collect();
        for session in &sessions {
            self.close_session_of(client, *session, words, turn);
        }
        if sessions.is_empty() {
            return false;
        }
        if self.state.client(client).is_some_and(|client| !client.sessions.is_empty()) {
            self.settle_absence(client, turn);
            return true;
        }
        self.note_last_seen(client, turn);
        if !self.stays_without_device(client, turn) {
            self.quit(client, words.into(), turn);
        }
        true
    }

    /// Puts a device among those of its account. What makes way is forgotten.
    pub(super) fn put_device(&mut self, slot: u32, record: DeviceRecord, turn: &mut Turn) {
        let account = record.account;
        let mut devices = self.state.devices(slot).to_vec();
        let forgotten = super::devices::add(&mut devices, record);
        self.state.set_devices(slot, devices);
        for device in forgotten {
            self.keep_if_working(Change::DeviceForgotten { account, id: device.id }, turn);
            if device.login.is_some() {
                self.close_sessions_of_login(slot, device.id, "logged in with too many devices", turn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::Settings;

    const KEPT: &str = "
        > console registers alice
        console: account alice created
        > console registers bob
        console: account bob created
        > console keeps alice in by 1
        console: alice stays logged in
        ";

    #[test]
    fn a_device_comes_back_without_a_password_until_it_logs_out() {
        check_with(
            settings(),
            &format!(
                "{KEPT}
                > alice arrives account alice by 1
                alice: logged in to alice as nobody yet
                alice: welcome alice
                > alice/2 arrives account alice by 1
                alice/2: logged in to alice as nobody yet
                alice/2: welcome again alice
                > alice/3 arrives account alice
                alice/3: logged in to alice as nobody yet
                alice/3: welcome again alice
                > eve arrives account alice by 2
                eve: refused: LoginEnded
                eve: refused: WrongCredentials
                > bob arrives account bob by 1
                bob: refused: LoginEnded
                bob: refused: WrongCredentials
                > console knows alice by 1
                console: alice stays logged in
                > console knows alice by 2
                console: refused: LoginEnded
                > alice knows alice by 1
                alice: refused: NotYours
                > alice ends alice by 1
                alice: refused: NotYours
                > alice keeps alice in by 3
                alice: refused: NotYours
                > bob signs dave up by 3
                bob: refused: NotYours
                > console ends alice by 1
                alice: closed: logged out
                alice/2: closed: logged out
                console: device 92eeb2369a717a0c forgotten
                > console ends alice by 1
                console: refused: LoginEnded
                > alice arrives account alice by 1
                alice: refused: LoginEnded
                alice: refused: WrongCredentials
                "
            ),
        );
    }

    #[test]
    fn the_last_window_of_a_device_that_logs_out_is_a_goodbye() {
        check_with(
            settings(),
            &format!(
                "{KEPT}
                > bob arrives
                bob: refused: NameReserved {{ name: \"bob\" }}
                > eve arrives
                eve: welcome eve
                > eve joins #tea
                [eve*] eve joined #tea @
                eve: entered #tea @eve
                > alice arrives account alice by 1
                alice: logged in to alice as nobody yet
                alice: welcome alice
                > alice joins #tea
                [eve alice*] alice (alice) joined #tea
                alice: entered #tea @eve alice
                > console ends alice by 1
                alice: closed: logged out
                [eve] alice quit (logged out)
                console: device 92eeb2369a717a0c forgotten
                "
            ),
        );
    }

    #[test]
    fn a_secret_is_renewed_and_the_old_one_goes_when_the_new_one_was_seen() {
        check_with(
            settings(),
            &format!(
                "{KEPT}
                > console renews alice by 1 2
                console: refused: LoginIsFresh
                > time 43200
                > console knows alice by 1
                console: alice stays logged in, and is due
                > storage fails
                > console renews alice by 1 2
                console: refused: StorageFull
                > console keeps alice in by 9
                console: refused: StorageFull
                > console ends alice by 1
                console: refused: StorageFull
                > alice arrives account alice by 1
                alice: logged in to alice as nobody yet
                alice: welcome alice
                > storage works
                > console renews alice by 1 2
                console: alice stays logged in
                > console renews alice by 1 3
                console: refused: LoginIsFresh
                > console knows alice by 1
                console: alice stays logged in
                > time 60
                > console knows alice by 1
                console: alice stays logged in, and is due
                > console knows alice by 2
                console: alice stays logged in
                > time 59
                > console knows alice by 1
                console: alice stays logged in, and is due
                > time 1
                > console knows alice by 1
                console: refused: LoginEnded
                > alice/2 arrives account alice by 2
                alice/2: logged in to alice as nobody yet
                alice/2: welcome again alice
                > time 2592000
                > console knows alice by 2
                console: refused: LoginEnded
                "
            ),
        );
    }

    #[test]
    fn no_login_outlives_its_password_or_its_account() {
        check_with(
            settings(),
            &format!(
                "{KEPT}
                > console keeps bob in by 4
                console: bob stays logged in
                > console keeps bob in by 5
                console: bob stays logged in
                > bob arrives account bob by 4
                bob: logged in to bob as nobody yet
                bob: welcome bob
                > phone arrives account bob by 5
                phone: logged in to bob as nobody yet
                phone: welcome again bob
                > bob sets password bob
                bob: account bob changed
                phone: closed: the password was changed
                > console knows bob by 4
                console: bob stays logged in
                > console knows bob by 5
                console: refused: LoginEnded
                > console sets password bob
                bob: closed: the password was changed
                console: account bob changed
                > console knows bob by 4
                console: refused: LoginEnded
                > console keeps bob in by 6
                console: bob stays logged in
                > console disables bob
                console: account bob changed
                > console knows bob by 6
                console: refused: LoginEnded
                > console keeps bob in by 6
                console: refused: WrongCredentials
                > console enables bob
                console: account bob changed
                > console knows bob by 6
                console: refused: LoginEnded
                "
            ),
        );
    }

    #[test]
    fn who_is_banned_is_kept_out_and_comes_back_when_it_is_over() {
        let mut world = World::new(settings(), 1);
        world.check(KEPT);
        world.check(
            "> console keeps bob in by 4
             console: bob stays logged in
             ",
        );
        let ban = crate::server_ban::Banned::Account(crate::name::Username::lookup("bob", &settings().name_rules));
        let origin = crate::command::Origin::Console { number: 1 };
        let reason: Box<str> = "noise".into();
        world.apply(origin, crate::command::Command::BanFromServer { who: ban.clone(), reason, lasts_ms: None });
        for line in ["console knows bob by 4", "console keeps bob in by 5", "bob arrives account bob by 4"] {
            world.lines.clear();
            world.run(line);
            assert!(world.lines[0].contains("refused: ServerBanned"), "{line}: {:?}", world.lines);
        }
        world.apply(origin, crate::command::Command::LiftServerBan { who: ban });
        world.check(
            "> console knows bob by 4
             console: bob stays logged in
             ",
        );
    }

    #[test]
    fn people_sign_up_as_they_may_from_a_session() {
        check_with(
            Settings { registration_open: false, ..settings() },
            "
            > show changes
            > console registers root
            console: account root created
            keep: account root
            > root arrives account root
            root: logged in to root as nobody yet
            keep: account root
            root: welcome root
            > root joins #tea
            [root*] root (root) joined #tea ~
            root: entered #tea ~root
            keep: room #tea nt
            keep: member #tea ~root
            > root links #tea 7 1
            root: link 07070707 into #tea
            keep: room #tea nt
            > console signs alice up by 1
            console: refused: RegistrationClosed
            > console signs root up by 1 7
            console: refused: AccountExists { name: \"root\" }
            > console signs alice up by 1 7
            console: account alice created
            console: alice stays logged in
            keep: account alice
            keep: room #tea nt
            keep: member #tea alice
            > console signs bob up by 2 7
            console: refused: LinkInvalid
            ",
        );
    }

    #[test]
    fn devices_are_one_row_each_and_ended_from_another() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        world.check(KEPT);
        for line in [
            "console keeps alice in by 2",
            "alice arrives account alice by 1",
            "alice/2 arrives account alice by 1",
            "alice/3 arrives account alice by 2",
            "alice/4 arrives account alice",
        ] {
            world.run(line);
        }
        let listed = |world: &mut World| {
            world.lines.clear();
            world.run("alice asks devices");
            let line = world.lines.concat();
            let rows = line.split(' ').skip(2).filter_map(|row| row.split_once(':'));
            rows.map(|(id, row)| (id.to_owned(), row.to_owned())).collect::<Vec<_>>()
        };
        let rows = listed(&mut world);
        let shown: Vec<&str> = rows.iter().map(|(_, row)| row.as_str()).collect();
        assert_eq!(shown, ["here:browser*", "here:browser", "here:-"]);
        let (own, other) = (rows[0].0.clone(), rows[1].0.clone());
        let end = |world: &mut World, id: &str| {
            world.lines.clear();
            let origin = world.origin("alice");
            world.apply(origin, crate::command::Command::EndDevice { id: id.into() });
            world.lines.clone()
        };
        assert!(end(&mut world, &own)[0].contains("NoSuchDevice"));
        let said = end(&mut world, &other);
        assert!(said.contains(&"alice/3: closed: ended from another device".to_owned()), "{said:?}");
        world.check("> console knows alice by 2\nconsole: refused: LoginEnded\n");
        // One that is not here now.
        world.run("console keeps alice in by 3");
        let gone = listed(&mut world).into_iter().find(|(_, row)| row == "gone:browser").expect("it is listed");
        assert!(end(&mut world, &gone.0)[0].ends_with(" forgotten"));
        world.check("> console knows alice by 3\nconsole: refused: LoginEnded\n");
        // What is left is so after the next start.
        let mut world = World::restore(world.kept(), settings(), 1);
        world.check(
            "> console knows alice by 1
             console: alice stays logged in
             > console knows alice by 2
             console: refused: LoginEnded
             ",
        );
    }

    #[test]
    fn at_the_limit_what_would_have_to_log_in_anyway_makes_way_first() {
        let mut world = World::new(settings(), 1);
        world.check(KEPT);
        world.run("alice arrives account alice by 1");
        for number in 2..=crate::personal::DEVICES {
            world.run("time 1");
            world.run(&format!("alice/{number} arrives account alice on device{number}"));
        }
        world.run("time 1");
        world.run("console keeps alice in by 2");
        world.check("> console knows alice by 1\nconsole: alice stays logged in\n");
        for number in 3..=crate::personal::DEVICES + 1 {
            world.run("time 1");
            world.run(&format!("console keeps alice in by {number}"));
        }
        assert!(
            world.lines.contains(&"alice: closed: logged in with too many devices".to_owned()),
            "{:?}",
            world.lines
        );
        world.check("> console knows alice by 1\nconsole: refused: LoginEnded\n");
    }
}
