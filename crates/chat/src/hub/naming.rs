//! What people are called: names, realnames, and the hosts that they are shown with.

use super::turn::Turn;
use super::{Asker, Hub};
use crate::event::What;
use crate::id::Position;
use crate::name::Username;
use crate::person::Person;
use crate::refusal::{Refusal, Right};
use compact_str::{CompactString, format_compact};
use std::sync::Arc;

impl Hub {
    /// Whether a client (`slot`; `None`: a new one) that is this account may bear the name.
    pub(super) fn check_name(&self, name: &Username, slot: Option<u32>, account: Option<u32>) -> Result<(), Refusal> {
        let text = || name.text().clone();
        if Username::parse(name.text(), &self.settings.name_rules).is_err() {
            return Err(Refusal::NameInvalid { name: text() });
        }
        if self.state.client_named(name.key()).is_some_and(|holder| Some(holder) != slot) {
            return Err(Refusal::NameInUse { name: text() });
        }
        let owner = self.state.account_named(name.key());
        if owner.is_some() && owner == account {
            return Ok(());
        }
        if name.is_of_a_service() {
            return Err(Refusal::NameOfService { name: text() });
        }
        if owner.is_some() && self.settings.nick_protection {
            return Err(Refusal::NameReserved { name: text() });
        }
        let looks_like_an_account =
            self.settings.nick_protection && self.state.account_looking_like(name, account).is_some();
        if looks_like_an_account || self.state.client_looking_like(name, slot).is_some() {
            return Err(Refusal::NameConfusable { name: text() });
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, asker: Asker, to: &Username, turn: &mut Turn) {
        let Some(client) = self.state.client(asker.slot) else {
            return;
        };
        if client.username.text() == to.text() {
            return;
        }
        let account = client.account.as_ref().map(|account| account.slot);
        let is_fixed = self.settings.nick_follows_account
            && account
                .and_then(|slot| self.state.account(slot))
                .is_some_and(|account| account.username.text() != to.text());
        if is_fixed {
            turn.refuse(Refusal::NameFixed { name: to.text().clone() });
            return;
        }
        match self.check_name(to, Some(asker.slot), account) {
            Ok(()) => self.change_name(asker.slot, to.clone(), turn),
            Err(refusal) => turn.refuse(refusal),
        }
    }

    /// Gives a client another name, which must be free, and tells everyone concerned.
    pub(super) fn change_name(&mut self, slot: u32, to: Username, turn: &mut Turn) {
        let Some(client) = self.state.client(slot) else {
            return;
        };
        let is_another = client.username.key() != to.key();
        let before = client.person.clone();
        let event = self.happening(&before, What::Renamed { to: to.text().clone() }, turn);
        self.note_everywhere(slot, &event, turn);
        // Whoever gave someone else's account another name hears of it as everyone else does.
        let is_oneself = self.asker(turn).is_some_and(|asker| asker.slot == slot);
        let origin = turn.event_origin().filter(|_| is_oneself);
        self.tell_peers(slot, event, origin, turn);
        if is_another {
            self.tell_went_offline(slot, turn);
            self.note_whowas(slot, turn);
        }
        let person = Arc::new(Person { name: to.text().clone(), ..Person::clone(&before) });
        self.state.change_client(slot, |client| {
            client.username = to;
            client.person = person;
        });
        if is_another {
            self.tell_came_online(slot, turn);
        }
        self.rename_guest(slot, turn);
        self.update_presence(slot, turn);
    }

    /// A name for someone who lost hers: `guest` and a number.
    pub(super) fn free_guest_name(&self, position: Position) -> Username {
        let rules = &self.settings.name_rules;
        let mut number = position.0 % 100_000;
        loop {
            let name = Username::lookup(&format_compact!("guest{number}"), rules);
            if self.check_name(&name, None, None).is_ok() || number > u64::from(u32::MAX) {
                return name;
            }
            // At most as many steps as there are people and accounts.
            number += 1;
        }
    }

    pub(super) fn set_realname(&mut self, asker: Asker, to: CompactString, turn: &mut Turn) {
        let Some(before) = self.person(asker.slot) else {
            return;
        };
        if before.realname == to {
            return;
        }
        let event = turn.event(&before, What::RealnameChanged { to: to.clone() });
        let origin = turn.event_origin();
        self.tell_peers(asker.slot, event.clone(), origin, turn);
        self.tell_watchers(asker.slot, &event, turn);
        let person = Arc::new(Person { realname: to, ..Person::clone(&before) });
        self.state.change_client(asker.slot, |client| client.person = person);
        self.update_presence(asker.slot, turn);
    }

    pub(super) fn change_host(&mut self, of: &Username, ident: CompactString, host: CompactString, turn: &mut Turn) {
        if let Err(refusal) = self.require(Right::Accounts, turn) {
            turn.refuse(refusal);
            return;
        }
        let Some(slot) = self.state.client_named(of.key()) else {
            turn.refuse(Refusal::NoSuchClient { name: of.text().clone() });
            return;
        };
        let Some(before) = self.person(slot) else {
            return;
        };
        let event = turn.event(&before, What::HostChanged { ident: ident.clone(), host: host.clone() });
        // Whoever did it hears of it as everyone else does: it is not her doing that is shown, but a change of the other.
        let origin = self.asker(turn).filter(|asker| asker.slot == slot).and_then(|_| turn.event_origin());
        self.tell_peers(slot, event.clone(), origin, turn);
        self.tell_watchers(slot, &event, turn);
        let person = Arc::new(Person { ident, host, ..Person::clone(&before) });
        self.state.change_client(slot, |client| client.person = person);
        self.update_presence(slot, turn);
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check, check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn names_in_use_are_refused() {
        check(
            "
            > alice arrives
            alice: welcome alice
            > eve arrives as ALICE
            eve: refused: NameInUse { name: \"ALICE\" }
            > eve arrives as аlice
            eve: refused: NameConfusable { name: \"аlice\" }
            > eve arrives as 1alice
            eve: refused: NameInvalid { name: \"1alice\" }
            > eve arrives as NickServ
            eve: refused: NameOfService { name: \"NickServ\" }
            > eve arrives as nickserν
            eve: refused: NameOfService { name: \"nickserν\" }
            > eve arrives as eve
            eve: welcome eve
            > eve renames alice
            eve: refused: NameInUse { name: \"alice\" }
            > eve renames Eve
            [eve*] eve is now Eve
            > eve renames Eve
            > eve renames al*
            eve: refused: NameInvalid { name: \"al*\" }
            > eve renames ChanServ
            eve: refused: NameOfService { name: \"ChanServ\" }
            > eve renames nickservice
            [eve*] Eve is now nickservice
            > eve renames Eve
            [eve*] nickservice is now Eve
            > eve arrives as other
            ",
        );
    }

    #[test]
    fn the_shown_name_can_follow_the_account() {
        check_with(
            Settings { nick_follows_account: true, ..settings() },
            "
            > console registers Alice
            console: account Alice created
            > alice arrives account alice as other
            alice: logged in to Alice as nobody yet
            alice: welcome Alice
            > alice renames bob
            alice: refused: NameFixed { name: \"bob\" }
            > alice renames alice
            alice: refused: NameFixed { name: \"alice\" }
            > alice renames Alice
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > console registers Bobby
            console: account Bobby created
            > bob logs in Bobby
            [bob*] bob is now Bobby
            [bob*] Bobby is account Bobby
            bob: logged in to Bobby as Bobby
            ",
        );
    }
}
