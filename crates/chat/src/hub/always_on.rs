//! Those who stay when all their devices are gone, and are here again after a start: by the server's settings
//! (`accounts.always_on`), and by what they say of it themselves. A bouncer's work, done where the conversation is.

use super::turn::Turn;
use super::{Asker, Hub, StorageState};
use crate::change::Change;
use crate::client::{ABSENT, AccountOf, Client, Leaving, Modes};
use crate::command::PersonalMode;
use crate::id::{Position, Timestamp};
use crate::name::Username;
use crate::person::Person;
use crate::query::{AlwaysOnStatus, Answer};
use crate::refusal::Refusal;
use crate::snapshot::{AccountRecord, PresenceRecord};
use smallvec::SmallVec;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// Said for who has stayed for as long as one may.
const TOO_LONG: &str = "without a device for too long";

impl Hub {
    // What someone says of it

    pub(super) fn set_always_on(&mut self, asker: Asker, choice: Option<bool>, turn: &mut Turn) {
        let Some(account) = self.account_of(asker.slot) else {
            turn.refuse(Refusal::NotLoggedIn);
            return;
        };
        let Some(record) = self.state.account(account).map(|account| account.record.clone()) else { return };
        if choice == Some(true) && self.settings.always_on.holds_for(choice) && !self.has_room_for(account) {
            turn.refuse(Refusal::TooManyAlwaysOn { limit: self.settings.always_on_accounts });
            return;
        }
        if record.always_on != choice {
            let record = AccountRecord { always_on: choice, ..AccountRecord::clone(&record) };
            turn.keep(Change::Account(Box::new(record.clone())));
            self.state.set_record(account, record);
            self.keep_presence(asker.slot, turn);
        }
        let Some(status) = self.always_on_status(asker.slot) else { return };
        let is_new = record.always_on != choice;
        for id in self.sessions_of(asker.slot) {
            if is_new || id == asker.session {
                turn.tell(id, Answer::AlwaysOn(status));
            }
        }
    }

    pub(super) fn always_on_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        self.always_on_status(asker.slot).map(Answer::AlwaysOn).ok_or(Refusal::NotLoggedIn)
    }

    /// `None`: a guest.
    pub(super) fn always_on_status(&self, slot: u32) -> Option<AlwaysOnStatus> {
        let account = self.state.account(self.account_of(slot)?)?;
        Some(AlwaysOnStatus { choice: account.record.always_on, is_on: account.is_always_on })
    }

    // What is kept of it

    /// Someone who stays appears in another way. While the store takes nothing she stays as it knows her; it is told when
    /// she next changes or goes.
    pub(super) fn update_presence(&mut self, slot: u32, turn: &mut Turn) {
        let account = self.account_of(slot).and_then(|account| self.state.account(account));
        if account.is_some_and(|account| account.is_always_on) {
            self.keep_presence(slot, turn);
        }
    }

    /// She stays from now on, if she may.
    pub(super) fn keep_presence(&mut self, slot: u32, turn: &mut Turn) {
        let Some(account) = self.account_of(slot) else { return };
        let Some(found) = self.state.account(account) else { return };
        let (choice, id, is_known) = (found.record.always_on, found.record.id, found.is_always_on);
        if !self.settings.always_on.holds_for(choice) {
            return self.forget_presence(slot, turn);
        }
        if self.storage != StorageState::Working || !self.has_room_for(account) {
            return;
        }
        let Some(client) = self.state.client(slot) else { return };
        turn.keep(Change::Presence(Box::new(client.presence(id))));
        if !is_known {
            self.state.set_always_on(account, true);
        }
    }

    /// She goes with her last device from now on.
    pub(super) fn forget_presence(&mut self, slot: u32, turn: &mut Turn) {
        let Some(account) = self.account_of(slot) else { return };
        let Some(found) = self.state.account(account).filter(|account| account.is_always_on) else { return };
        self.keep_if_working(Change::PresenceRemoved(found.record.id), turn);
        self.state.set_always_on(account, false);
    }

    fn has_room_for(&self, account: u32) -> bool {
        let is_counted = self.state.account(account).is_some_and(|account| account.is_always_on);
        is_counted || self.state.counts.always_on < self.settings.always_on_accounts
    }

    fn has_no_device(&self, slot: u32) -> bool {
        self.state.client(slot).is_some_and(|client| client.sessions.is_empty())
    }

    pub(super) fn account_of(&self, slot: u32) -> Option<u32> {
        self.state.client(slot)?.account.as_ref().map(|account| account.slot)
    }

    // Staying, and coming back

    /// Her last device is gone. True: she stays. Nobody is at a device then, and a rank that was shown by a password is
    /// shown by whoever comes next, or is not.
    pub(super) fn stays_without_device(&mut self, slot: u32, turn: &mut Turn) -> bool {
        self.keep_presence(slot, turn);
        let account = self.account_of(slot).and_then(|account| self.state.account(account));
        if !account.is_some_and(|account| account.is_always_on) {
            return false;
        }
        let modes = self.state.client(slot).map_or(Modes::default(), |client| client.modes);
        if modes.has(PersonalMode::Operator) {
            let without = modes.set(PersonalMode::Operator, false);
            self.set_modes(slot, without, vec![(false, PersonalMode::Operator)], turn);
        }
        self.settle_absence(slot, turn);
        self.set_end_of_stay(slot, turn.now);
        true
    }

    /// Someone who was last here then stays until it has been too long.
    fn set_end_of_stay(&mut self, slot: u32, last_seen: Timestamp) {
        let leaving = self.end_of_stay(last_seen).map(|deadline| Leaving { deadline, reason: TOO_LONG.into() });
        if self.state.client(slot).is_some_and(|client| client.leaving() != leaving.as_ref()) {
            self.state.change_client(slot, |client| client.rare_mut().leaving = leaving);
        }
    }

    fn end_of_stay(&self, last_seen: Timestamp) -> Option<Timestamp> {
        self.settings.always_on_ms.map(|lasts| Timestamp(last_seen.0.saturating_add(lasts)))
    }

    /// After a start: she is where she was, and nobody is told. Of her name, if others have it now, her account's is left.
    pub(super) fn bring_back(&mut self, record: PresenceRecord, position: Position, now: Timestamp) {
        let Some(account) = self.usable_account(record.account) else { return };
        let Some(found) = self.state.account(account).filter(|account| account.client.is_none()) else { return };
        let (kept, rooms, own_name) = (found.record.clone(), found.rooms.clone(), found.username.clone());
        let stays = self.settings.always_on.holds_for(kept.always_on) && self.has_room_for(account);
        let is_over = self.end_of_stay(kept.last_seen).is_some_and(|end| end <= now);
        if !stays || is_over || self.check_account_ban(account, now).is_err() {
            return;
        }
        let shown = Username::lookup(&record.name, &self.settings.name_rules);
        let names = if self.settings.nick_follows_account { [own_name.clone(), shown] } else { [shown, own_name] };
        let free = names.into_iter().find(|name| self.check_name(name, None, Some(account)).is_ok());
        let username = free.unwrap_or_else(|| self.free_guest_name(position));
        let modes = record.modes.iter().fold(Modes::default(), |modes, mode| modes.set(*mode, true));
        let person = Person {
            id: kept.id,
            name: username.text().clone(),
            ident: record.ident,
            host: record.host,
            account: Some(kept.username.clone()),
            realname: record.realname,
            bot: modes.has(PersonalMode::Bot),
        };
        let slot = self.state.add_client(Client {
            id: kept.id,
            username,
            ip_address: kept.last_address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            account: Some(AccountOf { slot: account, record: kept.clone() }),
            person: Arc::new(person),
            sessions: SmallVec::new(),
            rooms: SmallVec::new(),
            modes,
            signed_on: record.since,
            last_active: kept.last_seen,
            rare: None,
        });
        let away = record.away.unwrap_or_else(|| ABSENT.into());
        self.state.change_client(slot, |client| client.rare_mut().away = Some(away));
        self.set_end_of_stay(slot, kept.last_seen);
        self.state.set_always_on(account, true);
        for (number, membership) in rooms {
            if self.state.room(number).is_some() {
                self.state.add_member(number, slot, membership);
            }
        }
    }

    /// The settings are others: who may stay no more goes, or goes with her last device.
    pub(super) fn let_those_go_who_may_not_stay(&mut self, turn: &mut Turn) {
        let stays: Vec<u32> =
            self.state.accounts().filter(|(_, account)| account.is_always_on).map(|(slot, _)| slot).collect();
        for account in stays {
            let Some(found) = self.state.account(account) else { continue };
            let (client, last_seen) = (found.client, found.record.last_seen);
            if let Some(client) = client.filter(|slot| self.has_no_device(*slot)) {
                self.set_end_of_stay(client, last_seen);
            }
        }
        let setting = self.settings.always_on;
        let may_not = self
            .state
            .accounts()
            .filter(|(_, account)| account.is_always_on && !setting.holds_for(account.record.always_on));
        let clients: Vec<u32> = may_not.filter_map(|(_, account)| account.client).collect();
        for slot in clients {
            self.forget_presence(slot, turn);
            if self.has_no_device(slot) {
                self.quit(slot, "nobody stays here without a device any more".into(), turn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::command::{Command, Origin};
    use crate::hub::transcript::{World, check_with, settings};
    use crate::settings::{AlwaysOn, Settings};

    const EVENING: &str = "
        > console registers root
        console: account root created
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
        ";

    #[test]
    fn one_stays_by_ones_own_choice() {
        check_with(
            settings(),
            &format!(
                "{EVENING}
                > bob stays on
                bob: refused: NotLoggedIn
                > bob asks staying
                bob: refused: NotLoggedIn
                > alice asks staying
                alice: stays: as the server has it, off
                > show changes
                > alice/2 arrives account alice
                alice/2: logged in to alice as nobody yet
                keep: account alice
                alice/2: welcome again alice
                [alice/2] alice (alice) joined #tea
                alice/2: entered #tea @bob alice
                > alice stays on
                alice: stays: on, on
                alice/2 (unasked): stays: on, on
                keep: account alice
                keep: presence of alice as alice
                > alice stays on
                alice: stays: on, on
                > alice/2 quits
                > alice renames ally
                [bob alice*] alice is now ally
                keep: presence of alice as ally
                > alice quits bye
                [bob] ally is away: *
                keep: account alice
                keep: presence of alice as ally
                > bob asks members #tea
                bob: members of #tea: @bob ally
                > bob says ally are you there
                [bob*] bob -> ally: are you there
                bob: ally is away: *
                keep: direct room
                keep: post are you there
                > eve arrives as ally
                eve: refused: NameInUse {{ name: \"ally\" }}
                > alice/3 arrives account alice
                alice/3: logged in to alice as nobody yet
                keep: account alice
                alice/3: welcome again ally
                [bob alice/3*] ally is back
                [alice/3] ally (alice) joined #tea
                alice/3: entered #tea @bob ally
                > alice/3 stays off
                alice/3: stays: off, off
                keep: account alice
                keep: no presence of alice
                > alice/3 quits bye
                [bob] ally quit (bye)
                keep: account alice
                "
            ),
        );
    }

    #[test]
    fn the_server_has_the_first_word() {
        let with = |always_on| Settings { always_on, ..settings() };
        for (setting, choice, stays) in [
            (AlwaysOn::Disabled, "on", "on, off"),
            (AlwaysOn::OptIn, "default", "as the server has it, off"),
            (AlwaysOn::OptOut, "default", "as the server has it, on"),
            (AlwaysOn::OptOut, "off", "off, off"),
            (AlwaysOn::Mandatory, "off", "off, on"),
        ] {
            let goes = if stays.ends_with("on") { "[bob] alice is away: *" } else { "[bob] alice quit (bye)" };
            check_with(
                with(setting),
                &format!("{EVENING}> alice stays {choice}\nalice: stays: {stays}\n> alice quits bye\n{goes}\n"),
            );
        }
    }

    #[test]
    fn what_ends_a_stay() {
        let stays = format!("{EVENING}> alice stays on\nalice: stays: on, on\n> alice quits\n[bob] alice is away: *\n");
        for (line, expected) in [
            ("console disables alice", "[bob] alice quit (the account was disabled)\nconsole: account alice changed"),
            ("console deletes alice", "console: account alice deleted\n[bob] alice quit (the account was deleted)"),
            ("console kills alice enough", "[bob] alice quit (Killed by the server: enough)\nconsole: killed alice"),
            (
                "console sets password alice",
                "[bob] alice quit (the password was changed)\nconsole: account alice changed",
            ),
        ] {
            let mut world = World::new(settings(), 1);
            world.keep_changes();
            world.check(&stays);
            world.lines.clear();
            world.run(line);
            let mut found = world.lines.clone();
            let mut expected: Vec<&str> = expected.lines().collect();
            found.sort();
            expected.sort_unstable();
            assert_eq!(found, expected, "{line}");
            assert!(world.kept().presences.is_empty(), "{line}");
        }
    }

    #[test]
    fn a_ban_of_the_account_puts_out_who_has_no_device() {
        check_with(
            settings(),
            &format!(
                "{EVENING}
                > alice stays on
                alice: stays: on, on
                > alice quits
                [bob] alice is away: *
                > console bars a:alice spam
                [bob] alice quit (Banned from this server: spam)
                console: banned alice, closed 0
                "
            ),
        );
    }

    #[test]
    fn logging_out_leaves_her_here() {
        check_with(
            settings(),
            &format!(
                "{EVENING}
                > alice stays on
                alice: stays: on, on
                > alice logs out
                [alice] alice left #tea
                [bob] alice is away: *
                [alice] alice is now guest9
                [alice] guest9 is no account
                alice: logged out
                > bob asks members #tea
                bob: members of #tea: @bob alice
                "
            ),
        );
    }

    #[test]
    fn no_more_stay_than_may() {
        check_with(
            Settings { always_on_accounts: 1, ..settings() },
            &format!(
                "{EVENING}
                > root arrives account root
                root: logged in to root as nobody yet
                root: welcome root
                > root stays on
                root: stays: on, on
                > alice stays on
                alice: refused: TooManyAlwaysOn {{ limit: 1 }}
                > root stays off
                root: stays: off, off
                > alice stays on
                alice: stays: on, on
                "
            ),
        );
    }

    #[test]
    fn a_rank_shown_by_a_password_ends_with_the_last_device() {
        check_with(
            settings(),
            &format!(
                "{EVENING}
                > alice stays on
                alice: stays: on, on
                > alice opers admin
                [alice*] alice has modes +o
                alice: operator: is an admin
                > alice breaks
                [bob] alice is away: *
                > alice/2 arrives account alice
                alice/2: logged in to alice as nobody yet
                alice/2: welcome again alice
                [bob alice/2*] alice is back
                [alice/2] alice (alice) joined #tea
                alice/2: entered #tea @bob alice
                > alice/2 rehosts bob new.host
                alice/2: refused: NotOperator
                "
            ),
        );
    }

    #[test]
    fn she_is_here_again_after_a_start() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        world.check(EVENING);
        for line in [
            "alice stays on",
            "alice renames ally",
            "alice realname Alice A",
            "alice modes +wB",
            "alice away at lunch",
            "bob kicks #tea ally",
            "alice joins #pot",
            "root arrives account root",
            "root stays on",
            "root quits",
            "alice breaks",
        ] {
            world.run(line);
        }
        // What was on disk when the process died.
        let snapshot = world.kept();
        let start = |settings: Settings| {
            let mut again = snapshot_of(&snapshot);
            again.position = snapshot.position;
            World::restore(again, settings, 2)
        };
        let mut world = start(settings());
        world.hub.state.check();
        world.check(
            "
            > eve arrives
            eve: welcome eve
            > eve asks members #pot
            eve: members of #pot: ~ally
            > eve asks whois ally
            eve: whois ally in [~#pot] devices 0 idle 0
            > eve arrives as root
            > eve renames root
            eve: refused: NameInUse { name: \"root\" }
            > eve says root hello
            [eve*] eve -> root: hello
            eve: root is away: *
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome again ally
            [alice] ally (alice) joined #pot ~ away: at lunch
            alice: entered #pot ~ally
            ",
        );
        // Where nobody stays, nobody is here.
        let mut world = start(Settings { always_on: AlwaysOn::Disabled, ..settings() });
        world.check("> eve arrives as ally\neve: welcome ally\n");
        // There may be room for fewer.
        let world = start(Settings { always_on_accounts: 1, ..settings() });
        assert_eq!(world.hub.counts().clients, 1);
        // Her name is her account's where it has to be.
        let mut world = start(Settings { nick_follows_account: true, ..settings() });
        world.check("> eve arrives\neve: welcome eve\n> eve asks members #pot\neve: members of #pot: ~alice\n");
    }

    fn snapshot_of(snapshot: &crate::snapshot::Snapshot) -> crate::snapshot::Snapshot {
        crate::snapshot::Snapshot {
            rooms: snapshot.rooms.clone(),
            accounts: snapshot.accounts.clone(),
            memberships: snapshot.memberships.clone(),
            presences: snapshot.presences.clone(),
            timestamp: snapshot.timestamp,
            next_room: snapshot.next_room,
            ..crate::snapshot::Snapshot::default()
        }
    }

    #[test]
    fn nobody_stays_for_longer_than_one_may() {
        let minute = || Settings { always_on_ms: Some(60_000), ..settings() };
        let mut world = World::new(minute(), 1);
        world.keep_changes();
        world.check(&format!(
            "{EVENING}
            > alice stays on
            alice: stays: on, on
            > alice breaks
            [bob] alice is away: *
            > time 59
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            [bob alice/2*] alice is back
            [alice/2] alice (alice) joined #tea
            alice/2: entered #tea @bob alice
            > time 100
            > alice/2 quits
            [bob] alice is away: *
            > time 59
            "
        ));
        let snapshot = world.kept();
        let begin = |seconds: u64| {
            let mut snapshot = snapshot_of(&snapshot);
            snapshot.timestamp.0 += seconds * 1000;
            let world = World::restore(snapshot, minute(), 1);
            world.hub.state.check();
            world
        };
        assert_eq!(begin(0).hub.counts().clients, 1);
        assert!(begin(0).hub.next_deadline().is_some());
        assert_eq!(begin(1).hub.counts().clients, 0, "it was too long already");
        // Another setting holds for who is here.
        world.apply(Origin::Server, Command::Reconfigure(Box::new(Settings { always_on_ms: None, ..settings() })));
        assert_eq!(world.hub.next_deadline(), None);
        world.apply(Origin::Server, Command::Reconfigure(Box::new(minute())));
        world.lines.clear();
        world.run("time 1");
        assert_eq!(world.lines, ["[bob] alice quit (without a device for too long)"]);
    }

    #[test]
    fn other_settings_let_those_go_who_may_not_stay() {
        let mut world = World::new(Settings { always_on: AlwaysOn::OptOut, ..settings() }, 1);
        world.check(EVENING);
        for line in ["root arrives account root", "root stays on", "root joins #tea", "alice quits", "root quits"] {
            world.run(line);
        }
        world.lines.clear();
        world.apply(Origin::Server, Command::Reconfigure(Box::new(settings())));
        assert_eq!(world.lines, ["[bob] alice quit (nobody stays here without a device any more)"]);
        world.check("> bob asks members #tea\nbob: members of #tea: @bob root\n");
    }

    #[test]
    fn while_the_store_takes_nothing_nobody_begins_to_stay() {
        check_with(
            settings(),
            &format!(
                "{EVENING}
                > storage fails
                > alice stays on
                alice: refused: StorageFull
                > storage works
                > alice stays on
                alice: stays: on, on
                > storage fails
                > alice quits
                [bob] alice is away: *
                > alice/2 arrives account alice
                alice/2: logged in to alice as nobody yet
                alice/2: welcome again alice
                [bob alice/2*] alice is back
                [alice/2] alice (alice) joined #tea
                alice/2: entered #tea @bob alice
                "
            ),
        );
    }
}
