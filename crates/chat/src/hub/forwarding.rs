//! A room can send those whom it keeps out to another one (470, as in Charybdis and its descendants).

use super::turn::Turn;
use super::{Asker, Hub};
use crate::event::RoomStep;
use crate::id::RoomNumber;
use crate::membership::Roles;
use crate::name::ChatroomName;
use crate::permission::{Act, permit};
use crate::query::Answer;
use crate::refusal::Refusal;

/// How many rooms one after the other may send someone on. What would go round in a circle is not set; a longer way ends
/// with the first room's refusal.
const FORWARDS: usize = 8;

/// Where someone ends who was kept out.
pub(super) enum Forwarded {
    /// In this room, which she may enter with these roles.
    To { room: RoomNumber, roles: Roles },
    /// She is in it already.
    In { room: RoomNumber },
}

impl Forwarded {
    pub(super) fn room(&self) -> RoomNumber {
        match self {
            Forwarded::To { room, .. } | Forwarded::In { room } => *room,
        }
    }
}

impl Hub {
    pub(super) fn forward_from(
        &mut self,
        slot: u32,
        from: RoomNumber,
        refusal: &Refusal,
        turn: &mut Turn,
    ) -> Option<Forwarded> {
        let mut room = from;
        let mut goes_on = is_forwarded(refusal);
        for _ in 0..FORWARDS {
            if !goes_on {
                return None;
            }
            room = self.forward_of(room)?;
            if self.state.client(slot)?.place(room).is_some() {
                return Some(Forwarded::In { room });
            }
            match self.admit_to_room(slot, room, None, None, turn) {
                Ok(roles) => return Some(Forwarded::To { room, roles }),
                Err(refusal) => goes_on = is_forwarded(&refusal),
            }
        }
        None
    }

    pub(super) fn tell_forwarded(&self, from: RoomNumber, to: RoomNumber, turn: &mut Turn) {
        if let Some((from, to)) = self.state.room(from).zip(self.state.room(to)) {
            turn.answer(Answer::Forwarded { from: from.name.clone(), to: to.name.clone(), is_renamed: false });
        }
    }

    /// The room that this one sends people to, if it is still there.
    pub(super) fn forward_of(&self, room: RoomNumber) -> Option<RoomNumber> {
        self.state.room(room)?.rules.forward.filter(|to| self.state.room(*to).is_some())
    }

    /// `Ok(None)`: it is so already.
    pub(super) fn set_forward(
        &mut self,
        asker: Asker,
        number: RoomNumber,
        to: Option<&ChatroomName>,
    ) -> Result<Option<RoomStep>, Refusal> {
        let target = match to {
            Some(name) => Some(self.forward_target(asker, number, name)?),
            None => None,
        };
        if self.state.room(number).is_none_or(|room| room.rules.forward == target) {
            return Ok(None);
        }
        self.state.change_rules(number, |rules| rules.forward = target);
        let name = target.and_then(|target| self.state.room(target)).map(|room| room.name.clone());
        Ok(Some(RoomStep::Forward { to: name }))
    }

    /// Nobody sends strangers into a room that is not hers as well. One that she may not know of is none.
    fn forward_target(&self, asker: Asker, number: RoomNumber, name: &ChatroomName) -> Result<RoomNumber, Refusal> {
        let from = || self.state.room(number).map(|room| room.name.clone()).unwrap_or_default();
        let missing = || Refusal::NoForwardTarget { room: from(), to: name.text().clone() };
        let target = self.state.room_named(name.key()).ok_or_else(missing)?;
        let (client, room) = self.state.client(asker.slot).zip(self.state.room(target)).ok_or_else(missing)?;
        let permitted = permit(&Hub::actor(client, room), Act::ReceiveForwards, &Hub::rules_of(room));
        permitted.map_err(|refusal| match refusal {
            Refusal::NoSuchRoom { .. } => missing(),
            other => other,
        })?;
        let mut next = Some(target);
        for _ in 0..FORWARDS {
            match next {
                Some(room) if room == number => break,
                Some(room) => next = self.forward_of(room),
                None => return Ok(target),
            }
        }
        Err(Refusal::NotForwarded { room: from(), to: room.name.clone() })
    }
}

/// Whoever has only forgotten the key is told so.
fn is_forwarded(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Banned { .. } | Refusal::InviteOnly { .. } | Refusal::RoomFull { .. } | Refusal::AccountsOnly { .. }
    )
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{World, check_with, settings};

    #[test]
    fn whoever_is_kept_out_comes_into_the_other_room() {
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
            > alice joins #hall
            [alice*] alice joined #hall @
            alice: entered #hall @alice
            > alice mode #tea +fi #hall
            [alice*] alice changed #tea: +f:#hall +i
            > bob joins #tea
            bob: forwarded from #tea to #hall
            [alice bob*] bob joined #hall
            bob: entered #hall @alice bob
            > bob joins #tea
            bob: forwarded from #tea to #hall
            > bob parts #hall
            [alice bob*] bob left #hall
            > alice mode #tea -i+l 1
            [alice*] alice changed #tea: -i +l:1
            > bob joins #tea
            bob: forwarded from #tea to #hall
            [alice bob*] bob joined #hall
            bob: entered #hall @alice bob
            > bob parts #hall
            [alice bob*] bob left #hall
            > alice mode #tea -l+k sesame
            [alice*] alice changed #tea: -l +k:sesame
            > bob joins #tea
            bob: refused: WrongKey { room: \"#tea\" }
            > alice mode #tea -k+b bob!*@*
            [alice*] alice changed #tea: -k:sesame +b:bob!*@*
            > alice mode #hall +b bob!*@*
            [alice*] alice changed #hall: +b:bob!*@*
            > bob joins #tea
            bob: refused: Banned { room: \"#tea\" }
            > alice names #hall #foyer
            alice: alice renamed #hall to #foyer: @alice
            > alice mode #foyer -b bob!*@*
            [alice*] alice changed #foyer: -b:bob!*@*
            > alice asks settings #tea
            alice: settings of #tea: nt key none limit None forward #foyer
            > bob joins #tea
            bob: forwarded from #tea to #foyer
            [alice bob*] bob joined #foyer
            bob: entered #foyer @alice bob
            > alice mode #tea -f
            [alice*] alice changed #tea: -f
            > bob joins #tea
            bob: refused: Banned { room: \"#tea\" }
            ",
        );
    }

    #[test]
    fn a_way_ends_and_never_goes_round() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice joins #one
            [alice*] alice joined #one @
            alice: entered #one @alice
            > alice joins #two
            [alice*] alice joined #two @
            alice: entered #two @alice
            > bob joins #bob
            [bob*] bob joined #bob @
            bob: entered #bob @bob
            > alice mode #one +f #one
            alice: refused: NotForwarded { room: \"#one\", to: \"#one\" }
            > alice mode #one +f #none
            alice: refused: NoForwardTarget { room: \"#one\", to: \"#none\" }
            > bob mode #bob +s
            [bob*] bob changed #bob: +s
            > alice mode #one +f #BOB
            alice: refused: NoForwardTarget { room: \"#one\", to: \"#BOB\" }
            > bob mode #bob -s
            [bob*] bob changed #bob: -s
            > alice mode #one +f #bob
            alice: refused: NeedsRole { room: \"#bob\", role: Operator }
            > alice joins #bob
            [alice* bob] alice joined #bob
            alice: entered #bob @bob alice
            > alice mode #one +f #bob
            alice: refused: NeedsRole { room: \"#bob\", role: Operator }
            > alice mode #one +fi #two
            [alice*] alice changed #one: +f:#two +i
            > alice mode #two +f #one
            alice: refused: NotForwarded { room: \"#two\", to: \"#one\" }
            > alice mode #two +i
            [alice*] alice changed #two: +i
            > bob joins #one
            bob: refused: InviteOnly { room: \"#one\" }
            > bob mode #bob +o alice
            [alice bob*] bob changed #bob: +o:alice
            > alice mode #two +f #bob
            [alice*] alice changed #two: +f:#bob
            > bob joins #one
            bob: forwarded from #one to #bob
            > alice parts #bob
            [alice* bob] alice left #bob
            > bob parts #bob
            [bob*] bob left #bob
            > bob joins #one
            bob: refused: InviteOnly { room: \"#one\" }
            > alice asks settings #two
            alice: settings of #two: nti key none limit None
            ",
        );
    }

    /// Only a database that somebody else wrote has a circle: it ends all the same.
    #[test]
    fn a_circle_in_the_database_ends() {
        let mut world = World::new(settings(), 1);
        world.keep_changes();
        for line in ["alice arrives", "alice joins #one", "alice mode #one +s", "alice joins #two"] {
            world.run(line);
        }
        let mut kept = world.kept();
        let (one, two) = (kept.rooms[0].number, kept.rooms[1].number);
        for (room, to) in kept.rooms.iter_mut().zip([two, one]) {
            room.forward = Some(to);
            room.flags.extend([crate::chatroom::RoomFlag::InviteOnly, crate::chatroom::RoomFlag::Registered]);
        }
        World::restore(kept, settings(), 1).check(
            "
            > bob arrives
            bob: welcome bob
            > bob joins #one
            bob: refused: InviteOnly { room: \"#one\" }
            ",
        );
    }
}
