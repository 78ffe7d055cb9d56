//! Who may write to someone that takes direct messages from accounts only ([`PersonalMode::AccountsOnly`]): those whom
//! she names, and those whom she writes to, until she leaves. Known by who they are, so a name that is free again is
//! nobody's pass.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::client::ACCEPTED;
use crate::id::ClientId;
use crate::name::Username;
use crate::query::Answer;
use crate::refusal::Refusal;
use std::collections::BTreeSet;

impl Hub {
    pub(super) fn change_accepted(&mut self, asker: Asker, changes: Vec<(bool, Username)>, turn: &mut Turn) {
        for (on, name) in changes {
            if let Err(refusal) = self.change_accepted_once(asker, on, &name) {
                turn.refuse(refusal);
            }
        }
    }

    fn change_accepted_once(&mut self, asker: Asker, on: bool, name: &Username) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchClient { name: name.text().clone() };
        let found = self.state.client_named(name.key()).and_then(|slot| self.state.client(slot)).ok_or_else(missing)?;
        let (id, shown) = (found.id, found.username.text().clone());
        let accepts = self.state.client(asker.slot).is_some_and(|client| client.accepts(id));
        match (on, accepts) {
            (true, true) => Err(Refusal::AlreadyAccepted { name: shown }),
            (false, false) => Err(Refusal::NotAccepted { name: shown }),
            (true, false) => {
                self.forget_accepted_who_left(asker.slot);
                let count = self.accepted(asker.slot).len();
                if count >= ACCEPTED {
                    return Err(Refusal::TooManyAccepted { limit: ACCEPTED });
                }
                self.accept(asker.slot, id);
                Ok(())
            }
            (false, true) => {
                self.state.change_client(asker.slot, |client| client.rare_mut().accepted.retain(|known| *known != id));
                Ok(())
            }
        }
    }

    /// Whoever is written to may answer.
    pub(super) fn accept(&mut self, slot: u32, id: ClientId) {
        self.state.change_client(slot, |client| {
            let accepted = &mut client.rare_mut().accepted;
            if accepted.len() >= ACCEPTED {
                accepted.remove(0);
            }
            accepted.push(id);
        });
    }

    pub(super) fn accepted_answer(&self, slot: Option<u32>) -> Answer {
        let accepted: BTreeSet<ClientId> =
            slot.map(|slot| self.accepted(slot)).unwrap_or_default().iter().copied().collect();
        // Guests stand in no table by their id: one look at everyone for all of them.
        let here = self.state.clients().filter(|(_, client)| accepted.contains(&client.id));
        let mut names: Vec<_> = here.map(|(_, client)| client.username.text().clone()).collect();
        names.sort_unstable();
        Answer::Accepted(names)
    }

    fn accepted(&self, slot: u32) -> &[ClientId] {
        let rare = self.state.client(slot).and_then(|client| client.rare.as_ref());
        rare.map_or(&[], |rare| rare.accepted.as_slice())
    }

    /// A guest who has left never comes back as the same.
    fn forget_accepted_who_left(&mut self, slot: u32) {
        if self.accepted(slot).len() < ACCEPTED {
            return;
        }
        let accepted: BTreeSet<ClientId> = self.accepted(slot).iter().copied().collect();
        let here: BTreeSet<ClientId> =
            self.state.clients().map(|(_, client)| client.id).filter(|id| accepted.contains(id)).collect();
        self.state.change_client(slot, |client| client.rare_mut().accepted.retain(|id| here.contains(id)));
    }
}

#[cfg(test)]
mod tests {
    use crate::client::ACCEPTED;
    use crate::hub::transcript::{World, check_with, settings};

    #[test]
    fn whom_she_accepts_may_write_without_an_account() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice modes +R
            [alice*] alice has modes +R
            > bob says alice hi
            bob: refused: RecipientWantsAccounts { name: \"alice\" }
            > alice accepts +bob
            > alice accepts +BOB
            alice: refused: AlreadyAccepted { name: \"bob\" }
            > alice accepts +nobody
            alice: refused: NoSuchClient { name: \"nobody\" }
            > alice asks accepted
            alice: accepts bob
            > bob says alice hi
            [alice] bob -> alice: hi
            [bob*] bob -> alice: hi
            > bob renames rob
            [bob*] bob is now rob
            > alice asks accepted
            alice: accepts rob
            > alice accepts -rob
            > alice accepts -rob
            alice: refused: NotAccepted { name: \"rob\" }
            > bob says alice hi
            bob: refused: RecipientWantsAccounts { name: \"alice\" }
            > alice accepts +rob
            > bob quits
            > alice asks accepted
            alice: accepts nobody
            > eve arrives as rob
            eve: welcome rob
            > eve says alice it is me
            eve: refused: RecipientWantsAccounts { name: \"alice\" }
            ",
        );
    }

    #[test]
    fn whom_she_writes_to_may_answer() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > alice modes +R
            [alice*] alice has modes +R
            > alice signals bob
            [bob] signal alice -> bob:
            [alice*] signal alice -> bob:
            > bob says alice hi
            bob: refused: RecipientWantsAccounts { name: \"alice\" }
            > storage fails
            > alice says bob hi
            alice: refused: StorageFull
            > storage works
            > bob says alice hi
            bob: refused: RecipientWantsAccounts { name: \"alice\" }
            > alice says bob hi
            [bob] alice -> bob: hi
            [alice*] alice -> bob: hi
            > bob says alice hi
            [alice] bob -> alice: hi
            [bob*] bob -> alice: hi
            ",
        );
    }

    #[test]
    fn nobody_accepts_without_end() {
        let mut world = World::new(settings(), 1);
        world.run("alice arrives");
        for number in 0..ACCEPTED {
            world.run(&format!("guest{number} arrives"));
            world.run(&format!("alice accepts +guest{number}"));
        }
        world.run("bob arrives");
        world.check(
            "
            > alice accepts +bob
            alice: refused: TooManyAccepted { limit: 64 }
            > guest7 quits
            > alice accepts +bob
            ",
        );
    }
}
