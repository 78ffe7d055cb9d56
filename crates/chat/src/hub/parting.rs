//! Leaving rooms, and what becomes of a room that nobody is in.

use super::turn::Turn;
use super::{Asker, Hub, StorageState};
use crate::change::Change;
use crate::chatroom::{Chatroom, ChatroomKind};
use crate::effect::Effect;
use crate::event::{Event, What};
use crate::id::RoomNumber;
use crate::name::ChatroomName;
use crate::permission::Act;
use crate::refusal::Refusal;

impl Hub {
    pub(super) fn part(&mut self, asker: Asker, name: &ChatroomName, reason: Option<Box<str>>, turn: &mut Turn) {
        let here = self.room_for(asker.slot, name, Act::See).and_then(|number| {
            let is_member = self.state.client(asker.slot).is_some_and(|client| client.place(number).is_some());
            is_member.then_some(number).ok_or_else(|| Refusal::NotMember { room: name.text().clone() })
        });
        match here {
            Ok(number) => self.part_room(asker, number, reason, turn),
            Err(refusal) => turn.refuse(refusal),
        }
    }

    pub(super) fn part_all(&mut self, asker: Asker, reason: Option<Box<str>>, turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        let rooms: Vec<RoomNumber> = client.rooms.iter().map(|place| place.room).collect();
        for number in rooms {
            self.part_room(asker, number, reason.clone(), turn);
        }
    }

    fn part_room(&mut self, asker: Asker, number: RoomNumber, reason: Option<Box<str>>, turn: &mut Turn) {
        let Some((person, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return;
        };
        let event = self.happening(&person, What::Left { room, reason }, turn);
        self.leave_room(asker.slot, number, event, turn);
    }

    /// Takes a client out of a room for good. The event comes first, so that the leaver sees it too.
    pub(super) fn leave_room(&mut self, slot: u32, number: RoomNumber, event: Event, turn: &mut Turn) {
        let origin = turn.event_origin();
        self.note_of_member(slot, number, &event, turn);
        self.tell_of_member(slot, number, event, origin, turn);
        for session in self.sessions_of(slot) {
            turn.effects.to(session, Effect::Leave { session, room: number });
        }
        self.state.remove_member(number, slot);
        let account = self.state.client(slot).and_then(|client| client.account.as_ref()).map(|account| account.slot);
        if let Some(account) = account {
            self.end_membership(account, number, turn);
        }
        self.settle_empty_room(number, turn);
    }

    pub(super) fn end_membership(&mut self, account: u32, number: RoomNumber, turn: &mut Turn) {
        let Some(id) = self.state.account(account).map(|account| account.record.id) else {
            return;
        };
        if self.state.kept_membership(account, number).is_some() {
            self.state.keep_membership(account, number, None);
            turn.keep(Change::MemberRemoved { room: number, account: id });
        }
    }

    /// What becomes of a room that the last one has left, if nobody owns it: one where nothing was ever said is
    /// forgotten, another loses its restrictions. While the store takes nothing this waits for the next one who comes.
    pub(super) fn settle_empty_room(&mut self, number: RoomNumber, turn: &mut Turn) {
        self.end_empty_group(number, turn);
        let Some(room) = self.state.room(number).filter(|room| self.is_abandoned(room)) else {
            return;
        };
        if !room.has_history && room.metadata.is_none() && room.rules.topic.is_none() && room.accounts.is_empty() {
            self.state.remove_room(number);
            turn.keep(Change::RoomRemoved(number));
        } else {
            self.lift_restrictions(number, turn);
        }
    }

    /// A room that nobody owns and nobody is in has no restrictions, since nobody could ever lift them. Its id, topic
    /// and history stay.
    pub(super) fn lift_restrictions(&mut self, number: RoomNumber, turn: &mut Turn) {
        let Some(room) = self.state.room(number).filter(|room| self.is_abandoned(room)) else {
            return;
        };
        let bare = room.rules.without_restrictions();
        if room.rules != bare {
            self.state.change_rules(number, |rules| *rules = bare);
            self.keep_room(number, turn);
        }
    }

    pub(super) fn is_abandoned(&self, room: &Chatroom) -> bool {
        self.storage == StorageState::Working
            && room.kind == ChatroomKind::Named
            && room.members.is_empty()
            && room.is_unowned()
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn an_abandoned_room_loses_its_restrictions() {
        check_with(
            settings(),
            "
            > op arrives
            op: welcome op
            > op joins #tea
            [op*] op joined #tea @
            op: entered #tea @op
            > op says #tea hello
            [op*] op -> #tea: hello
            > op mode #tea +isk-n secret
            [op*] op changed #tea: +i +s +k:secret -n
            > show changes
            > op quits
            keep: room #tea nt
            > bob arrives
            bob: welcome bob
            > bob asks settings #tea
            bob: settings of #tea: nt key none limit None
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > bob parts #tea
            [bob*] bob left #tea
            ",
        );
    }

    #[test]
    fn a_room_with_an_owner_keeps_them() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [alice*] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice mode #tea +i
            [alice*] alice changed #tea: +i
            > alice quits
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            bob: refused: InviteOnly { room: \"#tea\" }
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            [alice] alice (alice) joined #tea ~
            alice: entered #tea ~alice
            > alice parts #tea
            [alice*] alice left #tea
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            ",
        );
    }

    #[test]
    fn standing_rooms_stand() {
        check_with(
            Settings { standing_rooms: vec!["#lobby".into()], ..settings() },
            "
            > show changes
            > alice arrives
            alice: welcome alice
            keep: room #lobby ntP
            > alice joins #lobby
            [alice*] alice joined #lobby
            alice: entered #lobby alice
            > alice mode #lobby +m
            alice: refused: NeedsRole { room: \"#lobby\", role: Operator }
            > alice parts #lobby
            [alice*] alice left #lobby
            > console registers root
            console: account root created
            keep: account root
            > root arrives account root
            root: logged in to root as nobody yet
            keep: account root
            root: welcome root
            > root modes +o
            [root*] root has modes +o
            > root mode #lobby +v root
            root: refused: TheyAreNotMember { name: \"root\", room: \"#lobby\" }
            > root joins #lobby
            [root*] root (root) joined #lobby
            root: entered #lobby root
            keep: member #lobby root
            > root mode #lobby +m-P
            root: refused: FlagRefused { room: \"#lobby\", flag: Registered }
            [root*] root changed #lobby: +m
            keep: room #lobby mntP
            > alice joins #lobby
            [alice* root] alice joined #lobby
            alice: entered #lobby root alice
            ",
        );
    }
}
