//! Entries of a room's lists that end by themselves, such as a ban for an hour: the server takes them away and says so.

use super::turn::Turn;
use super::{Hub, StorageState};
use crate::event::{RoomStep, What};
use crate::id::RoomNumber;

impl Hub {
    /// While the store takes nothing they stay: it is written down that they are gone.
    pub(super) fn end_timed_entries(&mut self, turn: &mut Turn) {
        while self.storage == StorageState::Working
            && let Some((end, room)) = self.state.next_entry_end()
            && end <= turn.now
        {
            self.end_entries_of(room, turn);
        }
    }

    fn end_entries_of(&mut self, number: RoomNumber, turn: &mut Turn) {
        let Some(room) = self.state.room(number) else { return };
        let now = turn.now;
        let steps: Vec<RoomStep> = room
            .rules
            .lists
            .iter()
            .filter(|(_, entry)| entry.until.is_some_and(|until| until <= now))
            .map(|(list, entry)| RoomStep::List { on: false, list: *list, mask: entry.mask.clone() })
            .collect();
        self.state.change_rules(number, |rules| {
            rules.lists.retain(|(_, entry)| entry.until.is_none_or(|until| until > now));
        });
        self.keep_room(number, turn);
        if let Some(room) = self.room_ref(number) {
            self.audit_steps(&room.name, &steps, turn);
            let event = self.happening(&self.server.clone(), What::RoomChanged { room, steps }, turn);
            self.note(number, &event, turn);
            self.tell_room(number, event, None, turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};

    #[test]
    fn a_ban_ends_by_itself_and_everyone_is_told() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob bans #tea alice!*@* for 60
            bob: refused: NotMember { room: \"#tea\" }
            > alice bans #tea bob!*@* for 60
            [alice*] alice changed #tea: +b:bob!*@*
            > alice bans #tea ~m:carol!*@* for 120
            [alice*] alice changed #tea: +b:~m:carol!*@*
            > bob joins #tea
            bob: refused: Banned { room: \"#tea\" }
            > time 59
            > bob joins #tea
            bob: refused: Banned { room: \"#tea\" }
            > storage fails
            > time 1
            > storage works
            > time 0
            [alice] server changed #tea: -b:bob!*@*
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > alice bans #tea ~m:carol!*@* for 300
            [alice* bob] alice changed #tea: +b:~m:carol!*@*
            > time 100
            > alice asks bans #tea
            alice: list of #tea: ~m:carol!*@*
            > time 200
            [alice bob] server changed #tea: -b:~m:carol!*@*
            > alice bans #tea bob!*@* for 60
            [alice* bob] alice changed #tea: +b:bob!*@*
            > alice mode #tea -b bob!*@*
            [alice* bob] alice changed #tea: -b:bob!*@*
            > time 60
            ",
        );
    }

    #[test]
    fn its_end_outlives_the_process() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        for line in ["alice arrives", "alice joins #tea", "alice says #tea hi", "alice mode #tea +P", "bob arrives"] {
            world.run(line);
        }
        world.run("console registers carol");
        world.run("carol arrives account carol");
        world.run("carol joins #pot");
        world.run("carol bans #pot bob!*@* for 60");
        let mut world = World::restore(world.kept(), settings(), 1);
        world.check(
            "
            > bob arrives
            bob: welcome bob
            > bob joins #pot
            bob: refused: Banned { room: \"#pot\" }
            > time 60
            > bob joins #pot
            [bob*] bob joined #pot
            bob: entered #pot bob
            ",
        );
    }
}
