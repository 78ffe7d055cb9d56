//! The devices of one person: which are connected and which were, and ending one from another.

use super::attempts::network;
use super::state::Session;
use super::turn::Turn;
use super::{Asker, Hub};
use crate::change::Change;
use crate::id::{ClientId, SessionId, Timestamp, uuid_v7};
use crate::personal::DEVICES;
use crate::query::{Answer, DeviceRow};
use crate::refusal::Refusal;
use crate::snapshot::DeviceRecord;
use compact_str::{CompactString, format_compact};

impl Hub {
    /// Those that are connected, then the others, the last seen first.
    pub(super) fn devices_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let account = self.state.client(asker.slot).and_then(|client| client.account.as_ref());
        let remembered = account.map_or(&[][..], |account| self.state.devices(account.slot));
        let mut rows: Vec<DeviceRow> = Vec::new();
        for id in self.sessions_of(asker.slot) {
            let Some(session) = self.state.session(id) else { continue };
            let active = self.state.session_place(id).map_or(0, |place| u64::from(place.active) * 1000);
            let login = remembered.iter().find(|device| session.login() == Some(device.id));
            let row = DeviceRow {
                id: login.map_or_else(|| self.device_id(id, session.signed_on), record_id),
                name: login.map_or_else(|| session.device().map(CompactString::from), |device| device.name.clone()),
                address: session.address,
                transport: session.transport.into(),
                signed_on: session.signed_on,
                last_active: session.signed_on.max(Timestamp(active)),
                is_connected: true,
                is_absent: self.state.is_absent(id),
                is_this: id == asker.session,
            };
            // A browser is one device, with however many windows.
            match rows.iter_mut().find(|other| login.is_some() && other.id == row.id) {
                Some(other) => {
                    other.signed_on = other.signed_on.min(row.signed_on);
                    other.last_active = other.last_active.max(row.last_active);
                    other.is_absent &= row.is_absent;
                    other.is_this |= row.is_this;
                }
                None => rows.push(row),
            }
        }
        let mut gone: Vec<&DeviceRecord> = self.devices_gone(asker.slot).collect();
        gone.sort_by_key(|device| std::cmp::Reverse(device.seen));
        rows.extend(gone.into_iter().map(|device| DeviceRow {
            id: record_id(device),
            name: device.name.clone(),
            address: device.address,
            transport: device.transport.clone(),
            signed_on: device.came,
            last_active: device.seen,
            is_connected: false,
            is_absent: true,
            is_this: false,
        }));
        Ok(Answer::Devices(rows))
    }

    /// Those of an account that are remembered and not connected.
    fn devices_gone(&self, slot: u32) -> impl Iterator<Item = &DeviceRecord> {
        let account = self.state.client(slot).and_then(|client| client.account.as_ref());
        let devices = account.map_or(&[][..], |account| self.state.devices(account.slot));
        let sessions = self.sessions_of(slot);
        devices.iter().filter(move |device| {
            let mut sessions = sessions.iter().filter_map(|id| self.state.session(*id));
            !sessions.any(|session| is_of(device, session))
        })
    }

    /// Only one's own can be ended, and not the one that asks: that is what saying goodbye is for. One that is not
    /// connected is forgotten.
    pub(super) fn end_device(&mut self, asker: Asker, id: &CompactString, turn: &mut Turn) {
        let found = self.sessions_of(asker.slot).into_iter().find(|session| {
            let signed_on = self.state.session(*session).map(|session| session.signed_on);
            let is_device = self.state.session(*session).is_some_and(|session| session.login().is_none());
            *session != asker.session && is_device && signed_on.is_some_and(|at| self.device_id(*session, at) == *id)
        });
        if let Some(session) = found {
            self.close_session_of(asker.slot, session, "ended from another device", turn);
            self.settle_absence(asker.slot, turn);
            turn.answer(Answer::DeviceEnded { id: id.clone() });
            return;
        }
        let own = self.state.session(asker.session).and_then(Session::login);
        let account = self.state.client(asker.slot).and_then(|client| client.account.as_ref().map(|of| of.slot));
        let stays_logged_in = account.and_then(|account| {
            let device = self.state.devices(account).iter().find(|device| record_id(device) == *id)?;
            (device.login.is_some() && Some(device.id) != own).then_some((account, device.id))
        });
        if let Some((account, device)) = stays_logged_in {
            let was_here = self.forget_device(account, device, "ended from another device", turn);
            let id = id.clone();
            turn.answer(if was_here { Answer::DeviceEnded { id } } else { Answer::DeviceForgotten { id } });
            return;
        }
        let gone = self.devices_gone(asker.slot).find(|device| record_id(device) == *id).cloned();
        let Some((account, device)) = gone.and_then(|device| Some((self.state.account_of(device.account)?, device)))
        else {
            turn.refuse(Refusal::NoSuchDevice { id: id.clone() });
            return;
        };
        let left = self.state.devices(account).iter().filter(|other| other.id != device.id).cloned().collect();
        self.state.set_devices(account, left);
        turn.keep(Change::DeviceForgotten { account: device.account, id: device.id });
        turn.answer(Answer::DeviceForgotten { id: id.clone() });
    }

    /// A session is one of an account from now on: its device is here.
    pub(super) fn note_device(&mut self, id: SessionId, turn: &mut Turn) {
        let new_id = uuid_v7(turn.now, turn.position.0, self.seed.rotate_left(24)).as_u128() as u64;
        self.change_device(id, turn, |known, account, session, now| {
            let (name, login) = match known {
                Some(device) => (device.name.clone(), device.login.clone()),
                // Its login was ended while it came.
                None if session.login().is_some() => return None,
                None => (session.device().map(CompactString::from), None),
            };
            let id = known.map_or(new_id, |device| device.id);
            let (transport, address) = (session.transport.into(), session.address);
            Some(DeviceRecord { account, id, name, transport, address, came: now, seen: now, login })
        });
    }

    /// A session ends, or is its account's no more. What it is called by is known still.
    pub(super) fn note_device_gone(&mut self, id: SessionId, turn: &mut Turn) {
        self.change_device(id, turn, |known, _, _, now| Some(DeviceRecord { seen: now, ..known?.clone() }));
    }

    fn change_device(
        &mut self,
        id: SessionId,
        turn: &mut Turn,
        changed: impl FnOnce(Option<&DeviceRecord>, ClientId, &Session, Timestamp) -> Option<DeviceRecord>,
    ) {
        let Some(session) = self.state.session(id) else { return };
        let Some(account) = self.state.client(session.client).and_then(|client| client.account.clone()) else { return };
        let known = self.state.devices(account.slot).iter().find(|device| is_of(device, session));
        let Some(record) = changed(known, account.record.id, session, turn.now) else { return };
        self.keep_if_working(Change::Device(Box::new(record.clone())), turn);
        self.put_device(account.slot, record, turn);
    }

    /// Made from the start's seed: nobody can tell one from another.
    fn device_id(&self, id: SessionId, signed_on: Timestamp) -> CompactString {
        let number = u64::from(id.shard) << 48 ^ u64::from(id.slot) << 28 ^ u64::from(id.generation);
        let bytes = uuid_v7(signed_on, number, self.seed.rotate_left(8));
        let low = bytes.as_u128() as u64;
        format_compact!("{:016x}", low)
    }
}

/// The same device comes again: by what it has shown, by what it calls itself, or else by where it comes from and what
/// carries it.
fn is_of(device: &DeviceRecord, session: &Session) -> bool {
    if device.login.is_some() || session.login().is_some() {
        return session.login() == Some(device.id);
    }
    match session.device() {
        Some(name) => device.name.as_deref() == Some(name),
        None => {
            device.name.is_none()
                && device.transport == session.transport
                && network(device.address) == network(session.address)
        }
    }
}

pub(super) fn record_id(device: &DeviceRecord) -> CompactString {
    format_compact!("{:016x}", device.id)
}

/// Puts a device among the others, in the place of itself. Returned: those that make way for it, before all those that would
/// have to log in anyway.
pub(super) fn add(devices: &mut Vec<DeviceRecord>, record: DeviceRecord) -> Vec<DeviceRecord> {
    let added = record.id;
    match devices.binary_search_by_key(&record.id, |device| device.id) {
        Ok(place) => devices[place] = record,
        Err(place) => devices.insert(place, record),
    }
    let mut forgotten = Vec::new();
    while devices.len() > DEVICES
        && let Some(place) = (0..devices.len())
            .filter(|place| devices[*place].id != added)
            .min_by_key(|place| (devices[*place].login.is_some(), devices[*place].seen))
    {
        forgotten.push(devices.remove(place));
    }
    forgotten
}

#[cfg(test)]
mod tests {
    use crate::command::Command;
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::{AlwaysOn, Settings};

    const TWO: &str = "
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
        > alice/2 arrives account alice
        alice/2: logged in to alice as nobody yet
        alice/2: welcome again alice
        [alice/2] alice (alice) joined #tea ~
        alice/2: entered #tea ~alice bob
        ";

    #[test]
    fn one_is_away_when_nobody_is_at_any_device() {
        check_with(
            settings(),
            &format!(
                "{TWO}
                > alice away *
                alice: away true
                > alice/2 away *
                [bob alice alice/2*] alice is away: *
                alice/2: away true
                > alice back
                [bob alice* alice/2] alice is back
                alice: away false
                > alice quits
                [bob alice/2] alice is away: *
                > alice/2 away at lunch
                [bob alice/2*] alice is away: at lunch
                alice/2: away true
                > alice/2 away *
                alice/2: away true
                > alice/3 arrives account alice
                alice/3: logged in to alice as nobody yet
                alice/3: welcome again alice
                [alice/3] alice (alice) joined #tea ~ away: at lunch
                alice/3: entered #tea ~alice bob
                > alice/3 back
                [bob alice/2 alice/3*] alice is back
                alice/3: away false
                "
            ),
        );
    }

    #[test]
    fn who_is_always_on_is_away_without_a_device() {
        check_with(
            Settings { always_on: AlwaysOn::Mandatory, ..settings() },
            &format!(
                "{TWO}
                > alice quits
                > alice/2 quits
                [bob] alice is away: *
                > bob says alice hi
                [bob*] bob -> alice: hi
                bob: alice is away: *
                > alice/3 arrives account alice
                alice/3: logged in to alice as nobody yet
                alice/3: welcome again alice
                [bob alice/3*] alice is back
                [alice/3] alice (alice) joined #tea ~
                alice/3: entered #tea ~alice bob
                "
            ),
        );
    }

    #[test]
    fn a_device_is_ended_from_another_one_of_hers_alone() {
        let mut world = World::new(settings(), 1);
        world.check(TWO);
        let ids = |world: &mut World, who: &str| {
            world.lines.clear();
            world.run(&format!("{who} asks devices"));
            let line = world.lines.concat();
            let words: Vec<String> = line.split(' ').skip(2).map(|row| row.replace(":here:-", "")).collect();
            words
        };
        let hers = ids(&mut world, "alice");
        assert_eq!(hers.len(), 2, "{hers:?}");
        let this =
            hers.iter().find(|id| id.ends_with('*')).expect("the one that asks").trim_end_matches('*').to_owned();
        let other = hers.iter().find(|id| !id.ends_with('*')).expect("the other one").clone();
        let end = |id: &str| Command::EndDevice { id: id.into() };
        for (who, id) in [("bob", &other), ("alice", &this)] {
            world.lines.clear();
            let origin = world.origin(who);
            world.apply(origin, end(id));
            assert!(world.lines.concat().contains("NoSuchDevice"), "{:?}", world.lines);
        }
        world.lines.clear();
        let origin = world.origin("alice");
        world.apply(origin, end(&other));
        let said = world.lines.join("\n");
        assert!(said.contains("alice/2: closed: ended from another device"), "{said}");
        // It is remembered, as one that is not connected.
        let left = ids(&mut world, "alice");
        assert!(left.len() == 2 && left[1].ends_with(":gone:-"), "{left:?}");
    }

    #[test]
    fn devices_are_remembered_by_what_they_call_themselves() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        world.check("> console registers alice\nconsole: account alice created\n");
        for line in [
            "alice arrives account alice on phone",
            "alice/2 arrives account alice on desk",
            "time 60",
            "alice breaks",
            "alice/3 arrives account alice",
        ] {
            world.run(line);
        }
        let listed = |world: &mut World, who: &str| {
            world.lines.clear();
            world.run(&format!("{who} asks devices"));
            let line = world.lines.concat();
            // Without their ids.
            let rows = line.split(' ').skip(2).filter_map(|row| row.split_once(':'));
            rows.map(|(_, row)| row.to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(listed(&mut world, "alice/3"), "here:desk here:-* gone:phone");
        // The same device again, from somewhere else.
        world.run("time 1");
        world.run("alice/v6 arrives account alice on phone");
        assert_eq!(listed(&mut world, "alice/3"), "here:desk here:-* here:phone");
        world.run("alice/v6 quits");
        world.run("time 1");
        world.run("alice/2 quits");
        let settings = world.hub.settings().clone();
        let mut world = World::restore(world.kept(), settings, 1);
        world.run("alice arrives account alice on tablet");
        assert_eq!(listed(&mut world, "alice"), "here:tablet* gone:desk gone:phone gone:-");
        let phone = world.hub.state.devices(0).iter().find(|device| device.name.as_deref() == Some("phone"));
        let id = format!("{:016x}", phone.expect("remembered").id);
        world.run("bob arrives");
        world.lines.clear();
        for who in ["bob", "alice", "alice"] {
            let origin = world.origin(who);
            world.apply(origin, Command::EndDevice { id: id.as_str().into() });
        }
        let gone = format!("refused: NoSuchDevice {{ id: \"{id}\" }}");
        assert_eq!(
            world.lines,
            [format!("bob: {gone}"), format!("alice: device {id} forgotten"), format!("alice: {gone}")]
        );
        assert_eq!(listed(&mut world, "alice"), "here:tablet* gone:desk gone:-");
    }

    #[test]
    fn no_more_devices_are_remembered_than_may() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        world.run("console registers alice");
        for number in 0..crate::personal::DEVICES + 3 {
            world.run(&format!("alice/{number} arrives account alice on device{number}"));
            world.run(&format!("alice/{number} quits"));
            world.run("time 1");
        }
        let kept = world.kept().devices;
        assert_eq!(kept.len(), crate::personal::DEVICES);
        assert!(!kept.iter().any(|device| device.name.as_deref() == Some("device2")), "the oldest make way");
    }

    #[test]
    fn while_the_store_fails_devices_come_and_go() {
        check_with(
            settings(),
            &format!(
                "{TWO}
                > storage fails
                > alice/2 quits
                > alice/3 arrives account alice
                alice/3: logged in to alice as nobody yet
                alice/3: welcome again alice
                [alice/3] alice (alice) joined #tea ~
                alice/3: entered #tea ~alice bob
                "
            ),
        );
    }
}
