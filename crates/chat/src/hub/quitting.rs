//! Departures: a device goes, and its client with it unless another stays, or it may come back.

use super::Hub;
use super::state::{Stage, Whowas};
use super::turn::Turn;
use crate::change::Change;
use crate::client::Leaving;
use crate::command::Departure;
use crate::effect::Effect;
use crate::event::What;
use crate::id::{RoomNumber, SessionId, Timestamp};
use crate::snapshot::AccountRecord;

impl Hub {
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
        self.note_ways_back(slot, turn);
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
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check, check_with, settings};
    use crate::settings::{AlwaysOn, Settings};

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
}
