//! What an account is called: whether it may be, what becomes of all that says its name when it is called otherwise, and that
//! the name of before leads to it for a while.

use super::Hub;
use super::renaming::{FORMER_NAME_MS, FORMER_NAMES};
use super::turn::Turn;
use crate::change::Change;
use crate::event::{RoomStep, What};
use crate::id::{RoomNumber, Timestamp};
use crate::name::Username;
use crate::person::Person;
use crate::query::Answer;
use crate::refusal::Refusal;
use crate::snapshot::{AccountRecord, FormerName};
use compact_str::{CompactString, format_compact};
use std::sync::Arc;

impl Hub {
    /// Her rooms, her rights and what she said go by her id and stay. What rooms say of the account by its name goes with
    /// it: a ban that a new name would shake off is none, and whoever takes the old name gets nothing of hers.
    pub(super) fn name_account(
        &mut self,
        slot: u32,
        to: Username,
        record: AccountRecord,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        let client = self.state.account(slot).and_then(|account| account.client);
        self.check_account_name(&to, Some(slot), client)?;
        let old = record.username.clone();
        let known = client.and_then(|client| self.state.client(client)).zip(self.state.account(slot));
        let is_named_so = known.is_some_and(|(client, account)| client.username.key() == account.username.key());
        let former_names = self.former_usernames_with(slot, &record, &to, turn);
        let record = AccountRecord { username: to.text().clone(), former_names, ..record };
        turn.keep(Change::Account(Box::new(record.clone())));
        self.state.name_account(slot, to.clone(), record);
        if let Some((client, before)) = client.and_then(|client| Some((client, self.person(client)?))) {
            let event = turn.event(&before, What::AccountChanged { account: Some(to.text().clone()) });
            let is_hers =
                turn.session().and_then(|id| self.state.session(id)).is_some_and(|asks| asks.client == client);
            let origin = turn.event_origin().filter(|_| is_hers);
            self.tell_peers(client, event.clone(), origin, turn);
            self.tell_watchers(client, &event, turn);
            let person = Arc::new(Person { account: Some(to.text().clone()), ..Person::clone(&before) });
            self.state.change_client(client, |client| client.person = person);
            // Whoever is called as her account is stays so: the name of before is anybody's from now on.
            let follows = self.settings.nick_follows_account || is_named_so;
            if follows && self.check_name(&to, Some(client), Some(slot)).is_ok() {
                self.change_name(client, to.clone(), turn);
            }
        }
        self.rename_in_lists(&old, to.text(), turn);
        turn.answer(Answer::AccountChanged { account: to.text().clone() });
        Ok(())
    }

    /// Whether an account may be called so. `account`, `client`: whose own names are in nobody's way.
    pub(super) fn check_account_name(
        &self,
        name: &Username,
        account: Option<u32>,
        client: Option<u32>,
    ) -> Result<(), Refusal> {
        let text = || name.text().clone();
        if Username::parse(name.text(), &self.settings.name_rules).is_err() {
            return Err(Refusal::AccountNameInvalid { name: text() });
        }
        if self.state.account_named(name.key()).is_some_and(|holder| Some(holder) != account) {
            return Err(Refusal::AccountExists { name: text() });
        }
        if self.state.account_looking_like(name, account).is_some() {
            return Err(Refusal::NameConfusable { name: text() });
        }
        if self.settings.nick_protection {
            if self.state.client_named(name.key()).is_some_and(|holder| Some(holder) != client) {
                return Err(Refusal::NameInUse { name: text() });
            }
            if self.state.client_looking_like(name, client).is_some() {
                return Err(Refusal::NameConfusable { name: text() });
            }
        }
        Ok(())
    }

    /// What an account that is to be called otherwise was called before. The name that it has now leads to it from then on, and
    /// to no other that had it before.
    fn former_usernames_with(
        &mut self,
        slot: u32,
        record: &AccountRecord,
        to: &Username,
        turn: &mut Turn,
    ) -> Vec<FormerName> {
        let key = Username::lookup(&record.username, &self.settings.name_rules).key().clone();
        // Only the spelling is another.
        if key == *to.key() {
            return record.former_names.clone();
        }
        let before = self.state.last_account_formerly_named(&key).filter(|before| *before != slot);
        if let Some((before, other)) = before.and_then(|slot| Some((slot, self.state.account(slot)?.record.clone()))) {
            let mut other = AccountRecord::clone(&other);
            other.former_names.retain(|former| former.name != key);
            turn.keep(Change::Account(Box::new(other.clone())));
            self.state.set_record(before, other);
        }
        let is_kept = |former: &&FormerName| former.name != key && former.name != *to.key() && turn.now < former.until;
        let others = record.former_names.iter().filter(is_kept).take(FORMER_NAMES - 1).cloned();
        let until = Timestamp(turn.now.0.saturating_add(FORMER_NAME_MS));
        std::iter::once(FormerName { name: key.clone(), until }).chain(others).collect()
    }

    /// Entries of rooms' lists that name exactly this account name it anew.
    fn rename_in_lists(&mut self, old: &str, new: &str, turn: &mut Turn) {
        let renamed = |mask: &CompactString| {
            let (outer, inner) = mask.strip_prefix("~m:").map_or(("", mask.as_str()), |inner| ("~m:", inner));
            let name = inner.strip_prefix("~a:")?;
            name.eq_ignore_ascii_case(old).then(|| format_compact!("{outer}~a:{new}"))
        };
        let concerned: Vec<(RoomNumber, Vec<RoomStep>)> = self
            .state
            .rooms()
            .filter_map(|room| {
                let steps: Vec<RoomStep> = room
                    .rules
                    .lists
                    .iter()
                    .filter_map(|(list, entry)| Some((*list, entry.mask.clone(), renamed(&entry.mask)?)))
                    .flat_map(|(list, before, after)| {
                        [(false, before), (true, after)].map(|(on, mask)| RoomStep::List { on, list, mask })
                    })
                    .collect();
                (!steps.is_empty()).then_some((room.number, steps))
            })
            .collect();
        for (number, steps) in concerned {
            self.state.change_rules(number, |rules| {
                for (_, entry) in &mut rules.lists {
                    if let Some(mask) = renamed(&entry.mask) {
                        entry.mask = mask;
                    }
                }
            });
            self.keep_room(number, turn);
            if let Some(room) = self.room_ref(number) {
                let event = turn.event(&self.server.clone(), What::RoomChanged { room, steps });
                self.tell_room(number, event, None, turn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn a_name_that_someone_bears_is_not_registered_by_another() {
        check_with(
            settings(),
            "
            > alice arrives
            alice: welcome alice
            > eve arrives
            eve: welcome eve
            > eve registers alice
            eve: refused: NameInUse { name: \"alice\" }
            > eve registers аlice
            eve: refused: NameConfusable { name: \"аlice\" }
            > console registers alice
            console: refused: NameInUse { name: \"alice\" }
            ",
        );
    }

    #[test]
    fn what_it_was_called_leads_to_an_account_while_nobody_else_is_called_so() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > bob arrives
            bob: welcome bob
            > bob says alice hi
            [alice] bob -> alice: hi
            [bob*] bob -> alice: hi
            > console calls alice maria
            [alice] alice is account maria
            [alice] alice is now maria
            console: account maria changed
            > alice renames Mia
            [alice*] maria is now Mia
            > bob says alice are you there
            [alice] bob -> Mia: are you there
            [bob*] bob -> Mia: are you there
            > bob asks history alice
            bob: may read maria
            > alice quits
            > bob says alice good night
            [bob*] bob -> maria: good night
            bob: maria is away: is not connected; the message is kept and shown on return
            > gus arrives as alice
            gus: welcome alice
            > bob says alice who are you
            [gus] bob -> alice: who are you
            [bob*] bob -> alice: who are you
            > gus quits
            > console registers alice
            console: account alice created
            > bob asks history alice
            bob: nothing was ever said there
            > console calls alice ally
            console: account ally changed
            > bob asks history alice
            bob: nothing was ever said there
            > bob asks history maria
            bob: may read maria
            ",
        );
    }

    #[test]
    fn an_account_s_name_is_its_own() {
        check_with(
            settings(),
            "
            > console registers alice
            console: account alice created
            > eve arrives as alice
            eve: refused: NameReserved { name: \"alice\" }
            > eve arrives as Alice
            eve: refused: NameReserved { name: \"Alice\" }
            > eve arrives as alicе
            eve: refused: NameConfusable { name: \"alicе\" }
            > eve arrives as eve
            eve: welcome eve
            > eve renames alice
            eve: refused: NameReserved { name: \"alice\" }
            > alice arrives account alice as al
            alice: logged in to alice as nobody yet
            alice: welcome al
            > alice renames alice
            [alice*] al is now alice
            ",
        );
    }

    #[test]
    fn names_are_free_without_protection() {
        check_with(
            Settings { nick_protection: false, ..settings() },
            "
            > console registers alice
            console: account alice created
            > eve arrives as alice
            eve: welcome alice
            > bob registers eve
            bob: account eve created
            bob: logged in to eve as nobody yet
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: refused: NameInUse { name: \"alice\" }
            > alice arrives account alice as al
            alice: logged in to alice as nobody yet
            alice: welcome al
            ",
        );
    }

    #[test]
    fn another_name_keeps_all_that_is_hers_and_shakes_nothing_off() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers alice
            console: account alice created
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [bob*] bob joined #tea @
            bob: entered #tea @bob
            > bob mode #tea +bI ~a:alice ~m:~a:Alice
            [bob*] bob changed #tea: +b:~a:alice +I:~m:~a:Alice
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #pot
            [alice*] alice (alice) joined #pot ~
            alice: entered #pot ~alice
            > show changes
            > alice calls alice root
            alice: refused: AccountExists { name: \"root\" }
            > alice calls alice bob
            alice: refused: NameInUse { name: \"bob\" }
            > alice calls alice rооt
            alice: refused: NameConfusable { name: \"rооt\" }
            > alice calls root other
            alice: refused: NotOperator
            > alice calls alice ally
            [alice*] alice is account ally
            [alice*] alice is now ally
            [bob] server changed #tea: -b:~a:alice +b:~a:ally -I:~m:~a:Alice +I:~m:~a:ally
            alice: account ally changed
            keep: account ally
            keep: room #tea nt
            > alice joins #tea
            alice: refused: Banned { room: \"#tea\" }
            > alice/2 arrives account ally
            alice/2: logged in to ally as nobody yet
            keep: account ally
            alice/2: welcome again ally
            [alice/2] ally (ally) joined #pot ~
            alice/2: entered #pot ~ally
            > console calls ally ALICE
            [alice alice/2] ally is account ALICE
            [alice alice/2] ally is now ALICE
            [bob] server changed #tea: -b:~a:ally +b:~a:ALICE -I:~m:~a:ally +I:~m:~a:ALICE
            console: account ALICE changed
            keep: account ALICE
            keep: room #tea nt
            > eve registers ally
            eve: account ally created
            eve: logged in to ally as nobody yet
            keep: account ally
            ",
        );
    }
}
