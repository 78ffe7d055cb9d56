//! Being away: said in words, or by devices that nobody is at.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::client::ABSENT;
use crate::event::What;
use crate::query::Answer;

impl Hub {
    pub(super) fn set_away(&mut self, asker: Asker, message: Option<Box<str>>, turn: &mut Turn) {
        let now = message.is_some();
        self.note_away(asker, message, turn);
        turn.answer(Answer::Away { now });
    }

    /// `*`: nobody is at this device. What a person says in words holds for all of her devices, until she is back at one.
    pub(super) fn note_away(&mut self, asker: Asker, message: Option<Box<str>>, turn: &mut Turn) {
        let is_absent = message.as_deref() == Some(ABSENT);
        if self.state.is_absent(asker.session) != is_absent {
            self.state.set_absent(asker.session, is_absent);
        }
        if is_absent {
            self.settle_absence(asker.slot, turn);
        } else {
            self.change_away(asker.slot, message, turn);
        }
    }

    /// Someone is away when nobody is at any of her devices (pre-away), and there when someone is; unless she has said
    /// in words that she is away.
    pub(super) fn settle_absence(&mut self, slot: u32, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else { return };
        if client.away().is_some_and(|message| message != ABSENT) {
            return;
        }
        let is_absent = client.sessions.iter().all(|id| self.state.is_absent(*id));
        self.change_away(slot, is_absent.then(|| ABSENT.into()), turn);
    }

    fn change_away(&mut self, slot: u32, message: Option<Box<str>>, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        if client.away() == message.as_deref() {
            return;
        }
        let person = client.person.clone();
        let said = self.words_of_absence(slot);
        self.state.change_client(slot, |client| client.rare_mut().away = message.clone());
        let event = turn.event(&person, What::AwayChanged { message });
        let is_oneself = self.asker(turn).is_some_and(|asker| asker.slot == slot);
        let origin = turn.event_origin().filter(|_| is_oneself);
        self.tell_peers(slot, event.clone(), origin, turn);
        self.tell_watchers(slot, &event, turn);
        if said != self.words_of_absence(slot) {
            self.update_presence(slot, turn);
        }
    }

    /// What she says of being away, in words.
    fn words_of_absence(&self, slot: u32) -> Option<Box<str>> {
        let away = self.state.client(slot)?.away()?;
        (away != ABSENT).then(|| away.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::check;

    #[test]
    fn someone_without_rooms_tells_herself() {
        check(
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice/2 arrives account alice
            alice/2: logged in to alice as nobody yet
            alice/2: welcome again alice
            > alice renames al
            [alice* alice/2] alice is now al
            > alice/2 realname Alice A
            [alice alice/2*] al has realname Alice A
            > alice/2 realname Alice A
            > alice away tea time
            [alice* alice/2] al is away: tea time
            alice: away true
            > alice away tea time
            alice: away true
            > alice back
            [alice* alice/2] al is back
            alice: away false
            > alice modes +iw-o+o
            [alice* alice/2] al has modes +i+w+o
            > alice modes -o
            [alice* alice/2] al has modes -o
            > alice modes +i
            ",
        );
    }
}
