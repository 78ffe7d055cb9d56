//! Putting members out of rooms, and people off the server.

use super::room_changes::Found;
use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::event::What;
use crate::membership::Roles;
use crate::name::{ChatroomName, Username};
use crate::permission::{Act, Target};
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::{Refusal, Right};
use std::sync::Arc;

impl Hub {
    pub(super) fn kick(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        who: &Username,
        reason: Option<Box<str>>,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = self.try_kick(asker, name, who, reason, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_kick(
        &mut self,
        asker: Asker,
        name: &ChatroomName,
        who: &Username,
        reason: Option<Box<str>>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let number = self.room_for(asker.slot, name, Act::See)?;
        let found = self.find_member(number, who);
        let (name, roles) = match &found {
            Ok(found) => self.described(found),
            Err(_) => (who.text().clone(), Roles::NONE),
        };
        let is_oneself = matches!(&found, Ok(Found::Present { slot, .. }) if *slot == asker.slot);
        self.permit_in(asker, number, Act::Kick { of: Target { name: &name, roles, is_oneself } })?;
        let Some((by, room)) = self.person(asker.slot).zip(self.room_ref(number)) else {
            return Ok(());
        };
        let found = found?;
        self.audit(AuditAction::Kick, Some(&room.name), &name, reason.as_deref().unwrap_or_default(), turn);
        match found {
            Found::Present { slot, .. } => {
                let Some(who) = self.person(slot) else {
                    return Ok(());
                };
                let event = self.happening(&by, What::Kicked { room, who, reason }, turn);
                self.leave_room(slot, number, event, turn);
            }
            Found::Absent { account, .. } => {
                if let Some(who) = self.absent_person(account) {
                    let event = self.happening(&by, What::Kicked { room, who, reason }, turn);
                    self.note(number, &event, turn);
                    let origin = turn.event_origin();
                    self.tell_room(number, event, origin, turn);
                }
                self.end_membership(account, number, turn);
            }
        }
        Ok(())
    }

    /// An account that is not here, as far as one can see it.
    fn absent_person(&self, account: u32) -> Option<Arc<Person>> {
        let record = &self.state.account(account)?.record;
        Some(Arc::new(Person {
            id: record.id,
            name: record.username.clone(),
            account: Some(record.username.clone()),
            ..Person::clone(&self.server)
        }))
    }

    pub(super) fn kill(&mut self, who: &Username, reason: &str, turn: &mut Turn) {
        if let Err(refusal) = self.require(Right::Kill, turn) {
            turn.refuse(refusal);
            return;
        }
        let Some((slot, person)) = self.state.client_named(who.key()).and_then(|slot| Some((slot, self.person(slot)?)))
        else {
            turn.refuse(Refusal::NoSuchClient { name: who.text().clone() });
            return;
        };
        let by = self.person_or_server(turn);
        let by = if by.name.is_empty() { "the server" } else { by.name.as_str() };
        let words = format!("Killed by {by}: {reason}");
        self.audit(AuditAction::Kill, None, &person.name, reason, turn);
        turn.answer(Answer::Killed { who: person.name.clone() });
        self.close_and_quit(slot, &words, turn);
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn kicking_someone_who_is_away_ends_the_membership() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > console registers bob
            console: account bob created
            > owner arrives account owner
            owner: logged in to owner as nobody yet
            owner: welcome owner
            > owner joins #tea
            [owner*] owner (owner) joined #tea ~
            owner: entered #tea ~owner
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            > bob joins #tea
            [owner bob*] bob (bob) joined #tea
            bob: entered #tea ~owner bob
            > bob quits
            [owner] bob quit ()
            > owner kicks #tea bob not again
            [owner*] owner kicked bob from #tea (not again)
            > bob arrives account bob
            bob: logged in to bob as nobody yet
            bob: welcome bob
            ",
        );
    }

    #[test]
    fn kicking_by_rank() {
        check_with(
            settings(),
            "
            > console registers owner
            console: account owner created
            > owner arrives account owner
            owner: logged in to owner as nobody yet
            owner: welcome owner
            > owner joins #tea
            [owner*] owner (owner) joined #tea ~
            owner: entered #tea ~owner
            > op arrives
            op: welcome op
            > op joins #tea
            [owner op*] op joined #tea
            op: entered #tea ~owner op
            > half arrives
            half: welcome half
            > half joins #tea
            [owner op half*] half joined #tea
            half: entered #tea ~owner op half
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [owner op half bob*] bob joined #tea
            bob: entered #tea ~owner op half bob
            > owner mode #tea +oh op half
            [owner* op half bob] owner changed #tea: +o:op +h:half
            > half kicks #tea op
            half: refused: Outranked { room: \"#tea\", name: \"op\" }
            > op kicks #tea owner
            op: refused: Outranked { room: \"#tea\", name: \"owner\" }
            > bob kicks #tea half
            bob: refused: NeedsRole { room: \"#tea\", role: HalfOperator }
            > half kicks #tea nobody
            half: refused: NoSuchClient { name: \"nobody\" }
            > eve arrives
            eve: welcome eve
            > half kicks #tea eve
            half: refused: TheyAreNotMember { name: \"eve\", room: \"#tea\" }
            > eve kicks #tea bob
            eve: refused: NotMember { room: \"#tea\" }
            > half kicks #tea bob get out
            [owner op half* bob] half kicked bob from #tea (get out)
            > op kicks #tea op
            [owner op* half] op kicked op from #tea
            > eve kicks #none bob
            eve: refused: NoSuchRoom { name: \"#none\" }
            ",
        );
    }

    #[test]
    fn killing() {
        check_with(
            settings(),
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
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            > alice joins #tea
            [bob alice* alice/2] alice (alice) joined #tea
            alice: entered #tea @bob alice
            alice/2 (unasked): entered #tea @bob alice
            > bob kills alice bad
            bob: refused: NotOperator
            > bob opers admin
            [bob*] bob has modes +o
            bob: operator: is an admin
            > bob kills nobody bad
            bob: refused: NoSuchClient { name: \"nobody\" }
            > bob kills alice spam
            bob: killed alice
            alice: closed: Killed by bob: spam
            alice/2: closed: Killed by bob: spam
            [bob] alice quit (Killed by bob: spam)
            > console kills bob you too
            bob: closed: Killed by the server: you too
            console: killed bob
            ",
        );
    }
}
