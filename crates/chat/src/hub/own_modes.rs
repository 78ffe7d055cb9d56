//! Modes of a client itself, and the rank of an operator of the server, which is one of them.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::audit::AuditAction;
use crate::client::{Modes, ServerOperator};
use crate::command::PersonalMode;
use crate::event::What;
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::{Refusal, Rights};
use compact_str::CompactString;
use std::sync::Arc;

impl Hub {
    pub(super) fn change_own_modes(&mut self, asker: Asker, changes: &[(bool, PersonalMode)], turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        let mut modes = client.modes;
        let mut done = Vec::new();
        for &(on, mode) in changes {
            // The rank of an operator comes with an account's rights, or is shown by a password; it is never taken.
            let may_take = mode != PersonalMode::Operator || client.rights_of_account() != Rights::NONE;
            if modes.has(mode) == on || (on && !may_take) {
                continue;
            }
            modes = modes.set(mode, on);
            done.push((on, mode));
        }
        self.set_modes(asker.slot, modes, done, turn);
    }

    /// Sets a client's modes and tells its devices what changed.
    pub(super) fn set_modes(&mut self, slot: u32, modes: Modes, changes: Vec<(bool, PersonalMode)>, turn: &mut Turn) {
        let Some(before) = self.person(slot) else {
            return;
        };
        if changes.is_empty() {
            return;
        }
        let bot = modes.has(PersonalMode::Bot);
        self.state.change_client(slot, |client| {
            client.modes = modes;
            if !modes.has(PersonalMode::Operator)
                && let Some(rare) = &mut client.rare
            {
                rare.operator = None;
            }
            if client.person.bot != bot {
                client.person = Arc::new(Person { bot, ..Person::clone(&client.person) });
            }
        });
        let takes_rank = changes.contains(&(true, PersonalMode::Operator));
        let event = turn.event(&before, What::OwnModesChanged { changes });
        let origin = turn.event_origin();
        let sessions = self.sessions_of(slot);
        turn.tell_sessions(&sessions, &event, origin);
        if takes_rank {
            self.tell_of_reports(slot, &sessions, turn);
        }
        self.update_presence(slot, turn);
    }

    pub(super) fn become_operator(&mut self, asker: Asker, rule: Option<CompactString>, turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        let modes = client.modes;
        let Some(name) = rule else {
            self.change_own_modes(asker, &[(false, PersonalMode::Operator)], turn);
            return;
        };
        let Some(rule) = self.settings.operators.iter().find(|rule| rule.name == name).cloned() else {
            turn.refuse(Refusal::NotOperator);
            return;
        };
        let operator = ServerOperator { rights: rule.rights, title: rule.title.clone() };
        self.state.change_client(asker.slot, |client| client.rare_mut().operator = Some(operator));
        if !modes.has(PersonalMode::Operator) {
            let modes = modes.set(PersonalMode::Operator, true);
            self.set_modes(asker.slot, modes, vec![(true, PersonalMode::Operator)], turn);
        }
        let shown = self.person(asker.slot).map(|person| person.name.clone()).unwrap_or_default();
        self.audit(AuditAction::Operator, None, &shown, &rule.name, turn);
        turn.answer(Answer::BecameOperator { title: rule.title });
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};

    #[test]
    fn operators_of_the_server() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > alice opers nobody
            alice: refused: NotOperator
            > alice rehosts bob new.host
            alice: refused: NotOperator
            > alice opers admin
            [alice*] alice has modes +o
            alice: operator: is an admin
            > alice opers admin
            alice: operator: is an admin
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > alice rehosts bob new.host
            [bob] bob is from x@new.host
            > alice rehosts nobody new.host
            alice: refused: NoSuchClient { name: \"nobody\" }
            > alice modes -o
            [alice*] alice has modes -o
            > alice rehosts bob other.host
            alice: refused: NotOperator
            > alice opers admin
            [alice*] alice has modes +o
            alice: operator: is an admin
            > alice deopers
            [alice*] alice has modes -o
            ",
        );
    }
}
