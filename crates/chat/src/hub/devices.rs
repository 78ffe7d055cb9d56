//! The devices of one person: which are connected, and ending one from another.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::id::{SessionId, Timestamp, uuid_v7};
use crate::query::{Answer, DeviceRow};
use crate::refusal::Refusal;
use compact_str::{CompactString, format_compact};

impl Hub {
    pub(super) fn devices_answer(&self, turn: &Turn) -> Result<Answer, Refusal> {
        let asker = self.asker(turn).ok_or(Refusal::NotYours)?;
        let rows = self.sessions_of(asker.slot).into_iter().filter_map(|id| {
            let session = self.state.session(id)?;
            let active = self.state.session_place(id).map_or(0, |place| u64::from(place.active) * 1000);
            Some(DeviceRow {
                id: self.device_id(id, session.signed_on),
                address: session.address,
                transport: session.transport,
                signed_on: session.signed_on,
                last_active: session.signed_on.max(Timestamp(active)),
                is_absent: self.state.is_absent(id),
                is_this: id == asker.session,
            })
        });
        Ok(Answer::Devices(rows.collect()))
    }

    /// Only one's own can be ended, and not the one that asks: that is what saying goodbye is for.
    pub(super) fn end_device(&mut self, asker: Asker, id: &CompactString, turn: &mut Turn) {
        let found = self.sessions_of(asker.slot).into_iter().find(|session| {
            let signed_on = self.state.session(*session).map(|session| session.signed_on);
            *session != asker.session && signed_on.is_some_and(|at| self.device_id(*session, at) == *id)
        });
        let Some(session) = found else {
            turn.refuse(Refusal::NoSuchDevice { id: id.clone() });
            return;
        };
        self.close_session_of(asker.slot, session, "ended from another device", turn);
        self.settle_absence(asker.slot, turn);
        turn.answer(Answer::DeviceEnded { id: id.clone() });
    }

    /// Made from the start's seed: nobody can tell one from another.
    fn device_id(&self, id: SessionId, signed_on: Timestamp) -> CompactString {
        let number = u64::from(id.shard) << 48 ^ u64::from(id.slot) << 28 ^ u64::from(id.generation);
        let bytes = uuid_v7(signed_on, number, self.seed.rotate_left(8));
        let low = bytes.as_u128() as u64;
        format_compact!("{:016x}", low)
    }
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
            let words: Vec<String> = line.split(' ').skip(2).map(str::to_owned).collect();
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
        assert_eq!(ids(&mut world, "alice").len(), 1);
    }
}
