//! Accounts: making, changing and deleting them, and what becomes of the sessions concerned.

use super::Hub;
use super::state::{Account, Stage};
use super::turn::Turn;
use crate::audit::AuditAction;
use crate::change::Change;
use crate::command::{AccountChange, NewAccount, PersonalMode};
use crate::effect::Effect;
use crate::id::{RoomNumber, Timestamp};
use crate::membership::Membership;
use crate::name::Username;
use crate::query::Answer;
use crate::refusal::{Refusal, Right, Rights};
use crate::snapshot::AccountRecord;
use std::sync::Arc;

/// Certificates of one account; the oldest makes way.
const CERTIFICATES: usize = 16;

/// Who asks about an account.
enum Standing {
    Owner,
    /// The account itself.
    Oneself,
    /// May change the accounts of others.
    Allowed,
}

impl Hub {
    pub(super) fn create_account(&mut self, new: NewAccount, turn: &mut Turn) {
        let may_for_others = self.rights(turn).holds(Right::Accounts);
        let made = self.try_create_account(new, may_for_others, turn);
        let is_somebody = self.is_logged_in(turn);
        let outcome = made.and_then(|slot| match turn.session() {
            Some(session) if !is_somebody && self.make_way(session, turn) => self.be(session, slot, turn),
            _ => Ok(()),
        });
        if let Err(refusal) = outcome {
            turn.refuse(refusal);
        }
    }

    /// Whoever asks is logged in to an account.
    fn is_logged_in(&self, turn: &Turn) -> bool {
        let is_verified = turn
            .session()
            .and_then(|id| self.state.session_place(id))
            .is_some_and(|place| matches!(place.stage, Stage::Verified(_)));
        let asker = self.asker(turn).and_then(|asker| self.state.client(asker.slot));
        is_verified || asker.is_some_and(|client| client.is_account())
    }

    /// Makes the account, and logs nobody in to it. `may_for_others`: by someone who may make any.
    pub(super) fn try_create_account(
        &mut self,
        new: NewAccount,
        may_for_others: bool,
        turn: &mut Turn,
    ) -> Result<u32, Refusal> {
        if !may_for_others && !self.settings.registration_open && new.link.is_none() {
            return Err(Refusal::RegistrationClosed);
        }
        let asker = self.asker(turn);
        let is_logged_in = self.is_logged_in(turn);
        if is_logged_in && !may_for_others {
            return Err(Refusal::AlreadyLoggedIn);
        }
        let oneself = asker.filter(|_| !is_logged_in).map(|asker| asker.slot);
        self.check_account_name(&new.username, None, oneself)?;
        // Whoever keeps the server may have a program of that name.
        if !may_for_others && new.username.is_of_a_service() {
            return Err(Refusal::NameOfService { name: new.username.text().clone() });
        }
        if let (false, Some(address)) = (may_for_others, new.address) {
            self.check_server_bans(address, new.certificate.as_ref(), None, turn.now)?;
        }
        let by_link = match new.link.filter(|_| !may_for_others) {
            Some(link) => self.link_for_account(link, &new.username, asker, turn.now)?.map(|room| (room, link)),
            None => None,
        };
        let certificates =
            new.certificate.filter(|certificate| self.state.account_with_certificate(certificate).is_none());
        let is_first = self.state.counts.accounts == 0;
        let record = AccountRecord {
            id: self.new_client_id(turn),
            username: new.username.text().clone(),
            password_hash: new.password_hash,
            scram: new.scram,
            certificates: certificates.into_iter().collect(),
            email: new.email,
            created: turn.now,
            last_seen: turn.now,
            last_address: new.address,
            // Whoever sets the server up makes the first account, and owns the server.
            rights: if is_first { Rights::ALL } else { Rights::NONE },
            owner: is_first,
            disabled: false,
            proofs_since: turn.now,
            always_on: None,
            former_names: Vec::new(),
        };
        turn.keep(Change::Account(Box::new(record.clone())));
        turn.answer(Answer::AccountCreated { account: record.username.clone(), is_owner: is_first });
        if may_for_others {
            self.audit(AuditAction::Account, None, &record.username, "created", turn);
        }
        let account = Account {
            record: Arc::new(record),
            username: new.username,
            rooms: Vec::new(),
            client: None,
            is_always_on: false,
            absent_since: None,
            group_changes: (0, 0),
            personal: None,
        };
        let slot = self.state.add_account(account);
        if let Some((room, link)) = by_link {
            self.enter_by_link(slot, room, link, turn);
        }
        Ok(slot)
    }

    /// The account of this name, if whoever asks may change it in the way that her standing allows.
    fn account_to_change(&self, name: &Username, turn: &Turn) -> Result<(u32, Standing), Refusal> {
        let found = self.state.account_named(name.key());
        let missing = || Refusal::NoSuchAccount { name: name.text().clone() };
        if turn.session().is_none() {
            return Ok((found.ok_or_else(missing)?, Standing::Owner));
        }
        let own = self.asker(turn).and_then(|asker| self.state.client(asker.slot)?.account.clone());
        if let Some(own) = own.as_ref().filter(|own| Some(own.slot) == found) {
            return Ok((own.slot, if own.record.owner { Standing::Owner } else { Standing::Oneself }));
        }
        self.require(Right::Accounts, turn)?;
        let slot = found.ok_or_else(missing)?;
        if own.is_some_and(|own| own.record.owner) {
            return Ok((slot, Standing::Owner));
        }
        // Nobody gets at rights that she has not by way of someone else's password.
        let rights = self.rights(turn);
        let Some(record) = self.state.account(slot).map(|account| account.record.clone()) else {
            return Err(missing());
        };
        if record.owner || record.rights.0 & !rights.0 != 0 {
            return Err(Refusal::NotYours);
        }
        Ok((slot, Standing::Allowed))
    }

    pub(super) fn change_account(&mut self, name: &Username, change: AccountChange, turn: &mut Turn) {
        if let Err(refusal) = self.try_change_account(name, change, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_change_account(&mut self, name: &Username, change: AccountChange, turn: &mut Turn) -> Result<(), Refusal> {
        let (slot, standing) = self.account_to_change(name, turn)?;
        let Some(mut record) = self.state.account(slot).map(|account| AccountRecord::clone(&account.record)) else {
            return Ok(());
        };
        let new_password = matches!(change, AccountChange::Password { .. });
        let words = words_of(&change);
        let own = self.asker(turn).and_then(|asker| self.state.client(asker.slot)?.account.as_ref());
        let by_another = own.is_none_or(|own| own.slot != slot);
        match change {
            AccountChange::Password { hash, scram } => {
                record.password_hash = Some(hash);
                record.scram = scram;
                record.proofs_since = Timestamp(turn.now.0.max(record.proofs_since.0 + 1));
            }
            AccountChange::Name(to) => return self.name_account(slot, to, record, turn),
            AccountChange::AddCertificate(certificate) => {
                match self.state.account_with_certificate(&certificate) {
                    // It would be open whom the certificate logs in.
                    Some(holder) if holder != slot => return Err(Refusal::NotYours),
                    Some(_) => {}
                    None => record.certificates.push(certificate),
                }
                if record.certificates.len() > CERTIFICATES {
                    record.certificates.remove(0);
                }
            }
            AccountChange::RemoveCertificate(certificate) => {
                record.certificates.retain(|kept| *kept != certificate);
                record.proofs_since = Timestamp(turn.now.0.max(record.proofs_since.0 + 1));
            }
            AccountChange::Disabled(disabled) => {
                if matches!(standing, Standing::Oneself) {
                    return Err(Refusal::MissingRight { right: Right::Accounts });
                }
                if record.owner && disabled {
                    return Err(Refusal::OwnsServer { name: record.username });
                }
                record.disabled = disabled;
            }
            AccountChange::Rights(rights) => {
                if !matches!(standing, Standing::Owner) {
                    return Err(Refusal::NotYours);
                }
                // A server whose owner may do nothing can be helped by nobody.
                if record.owner {
                    return Err(Refusal::NotYours);
                }
                record.rights = rights;
            }
            AccountChange::Owner => {
                // Who owns the server is settled on the machine that it runs on.
                if turn.session().is_some() {
                    return Err(Refusal::NotYours);
                }
                self.end_ownership(slot, turn);
                record.owner = true;
                record.rights = Rights::ALL;
                record.disabled = false;
            }
        }
        let username = record.username.clone();
        let is_disabled = record.disabled;
        turn.keep(Change::Account(Box::new(record.clone())));
        self.state.set_record(slot, record);
        turn.answer(Answer::AccountChanged { account: username.clone() });
        if by_another {
            self.audit(AuditAction::Account, None, &username, &words, turn);
        }
        self.lay_down_lost_rank(slot, turn);
        if is_disabled || new_password {
            self.end_logins(slot, turn);
        }
        if is_disabled {
            self.end_sessions_of_account(slot, "the account was disabled", turn);
        } else if new_password {
            // Whoever knew the old one may be somebody else.
            self.end_other_sessions_of_account(slot, "the password was changed", turn);
        }
        Ok(())
    }

    /// A rank that came with rights which the account has no more is no longer shown.
    fn lay_down_lost_rank(&mut self, slot: u32, turn: &mut Turn) {
        let Some(client_slot) = self.state.account(slot).and_then(|account| account.client) else { return };
        let Some(client) = self.state.client(client_slot) else { return };
        let modes = client.modes;
        if modes.has(PersonalMode::Operator) && client.rights() == Rights::NONE {
            let lost = vec![(false, PersonalMode::Operator)];
            self.set_modes(client_slot, modes.set(PersonalMode::Operator, false), lost, turn);
        }
    }

    /// Whoever owns the server, but for `heir`, is one of its admins from now on.
    fn end_ownership(&mut self, heir: u32, turn: &mut Turn) {
        let owners = self.state.accounts().filter(|(slot, account)| account.record.owner && *slot != heir);
        let owners: Vec<(u32, AccountRecord)> =
            owners.map(|(slot, account)| (slot, AccountRecord::clone(&account.record))).collect();
        for (slot, record) in owners {
            let record = AccountRecord { owner: false, ..record };
            turn.keep(Change::Account(Box::new(record.clone())));
            self.state.set_record(slot, record);
        }
    }

    /// Sessions that have logged in as the account and not arrived, but for the one that asks.
    fn end_those_not_arrived(&mut self, slot: u32, words: &str, turn: &mut Turn) {
        let Some(account) = self.state.account(slot).map(|account| account.record.id) else { return };
        for id in self.state.verified_as(account) {
            if turn.session() != Some(id) {
                turn.effects.to(id, Effect::Close { session: id, reason: words.into() });
                self.state.set_verified(id, None);
            }
        }
    }

    pub(super) fn end_sessions_of_account(&mut self, slot: u32, words: &str, turn: &mut Turn) {
        self.end_those_not_arrived(slot, words, turn);
        if let Some(client) = self.state.account(slot).and_then(|account| account.client) {
            self.close_and_quit(client, words, turn);
        }
    }

    /// All but the one that asks for it, if that is one of them.
    fn end_other_sessions_of_account(&mut self, slot: u32, words: &str, turn: &mut Turn) {
        self.end_those_not_arrived(slot, words, turn);
        let Some(client) = self.state.account(slot).and_then(|account| account.client) else {
            return;
        };
        let sessions = self.sessions_of(client);
        match turn.session().filter(|asking| sessions.contains(asking)) {
            Some(asking) => {
                for id in sessions.into_iter().filter(|id| *id != asking) {
                    self.close_session_of(client, id, words, turn);
                }
            }
            None => self.close_and_quit(client, words, turn),
        }
    }

    pub(super) fn delete_account(&mut self, name: &Username, turn: &mut Turn) {
        if let Err(refusal) = self.try_delete_account(name, turn) {
            turn.refuse(refusal);
        }
    }

    fn try_delete_account(&mut self, name: &Username, turn: &mut Turn) -> Result<(), Refusal> {
        let (slot, _) = self.account_to_change(name, turn)?;
        let Some(account) = self.state.account(slot) else {
            return Ok(());
        };
        let (record, username, rooms) = (account.record.clone(), account.username.clone(), account.rooms.clone());
        if record.owner {
            return Err(Refusal::OwnsServer { name: record.username.clone() });
        }
        turn.answer(Answer::AccountDeleted { account: record.username.clone() });
        self.audit(AuditAction::Account, None, &record.username, "deleted", turn);
        self.end_sessions_of_account(slot, "the account was deleted", turn);
        for (room, _) in &rooms {
            self.state.keep_membership(slot, *room, None);
            turn.keep(Change::MemberRemoved { room: *room, account: record.id });
        }
        self.forget_ban_of_account(record.id, turn);
        self.leave_directs_of_account(record.id, &username, turn);
        self.state.remove_account(slot);
        turn.keep(Change::AccountRemoved(record.id));
        for (room, _) in rooms {
            self.settle_empty_room(room, turn);
        }
        Ok(())
    }

    /// Notes an account's membership for good.
    pub(super) fn keep_member(&mut self, room: RoomNumber, account: u32, membership: Membership, turn: &mut Turn) {
        let Some(id) = self.state.account(account).map(|account| account.record.id) else {
            return;
        };
        if self.state.kept_membership(account, room) == Some(membership) {
            return;
        }
        self.state.keep_membership(account, room, Some(membership));
        turn.keep(Change::Member(crate::snapshot::MembershipRecord { room, account: id, membership }));
    }
}

/// For the audit.
fn words_of(change: &AccountChange) -> String {
    match change {
        AccountChange::Password { .. } => "password set".to_owned(),
        AccountChange::Name(name) => format!("renamed to {}", name.text()),
        AccountChange::AddCertificate(_) => "certificate added".to_owned(),
        AccountChange::RemoveCertificate(_) => "certificate removed".to_owned(),
        AccountChange::Disabled(true) => "disabled".to_owned(),
        AccountChange::Disabled(false) => "enabled".to_owned(),
        AccountChange::Rights(rights) => {
            let rights: Vec<&str> =
                Right::ALL.into_iter().filter(|right| rights.holds(*right)).map(Right::word).collect();
            format!("rights: {}", rights.join(" "))
        }
        AccountChange::Owner => "owns the server".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::transcript::{check_with, settings};
    use crate::settings::Settings;

    #[test]
    fn the_first_account_owns_the_server() {
        check_with(
            settings(),
            "
            > show changes
            > console registers root
            console: account root created
            keep: account root
            > console registers alice
            console: account alice created
            keep: account alice
            > root arrives account root
            root: logged in to root as nobody yet
            keep: account root
            root: welcome root
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            keep: account alice
            alice: welcome alice
            > alice asks accounts
            alice: refused: NotOperator
            > root asks accounts
            root: accounts root alice
            > root asks account alice
            root: account alice
            > alice asks account alice
            alice: account alice
            > alice asks account root
            alice: refused: NotOperator
            > alice deletes root
            alice: refused: NotOperator
            > root deletes root
            root: refused: OwnsServer { name: \"root\" }
            > root grants alice accounts
            root: account alice changed
            keep: account alice
            > alice disables root
            alice: refused: NotYours
            > alice deletes nobody
            alice: refused: NoSuchAccount { name: \"nobody\" }
            > alice grants alice kill
            alice: refused: NotYours
            > alice sets password root
            alice: refused: NotYours
            > alice sets password alice
            alice: account alice changed
            keep: account alice
            > console disables root
            console: refused: OwnsServer { name: \"root\" }
            > console deletes root
            console: refused: OwnsServer { name: \"root\" }
            ",
        );
    }

    #[test]
    fn the_server_always_has_one_owner_who_keeps_all_rights() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers alice
            console: account alice created
            > console grants root kill
            console: refused: NotYours
            > root arrives account root
            root: logged in to root as nobody yet
            root: welcome root
            > root hands the server to alice
            root: refused: NotYours
            > show changes
            > console hands the server to alice
            console: account alice changed
            keep: account root
            keep: account alice
            > root grants alice kill
            root: refused: NotYours
            > root deletes alice
            root: refused: NotYours
            > console grants root kill
            console: account root changed
            keep: account root
            > console asks account alice
            console: account alice (owner)
            > console asks account root
            console: account root
            ",
        );
    }

    #[test]
    fn registering_is_logging_in() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > alice arrives
            alice: welcome alice
            > alice joins #tea
            [alice*] alice joined #tea @
            alice: entered #tea @alice
            > bob arrives
            bob: welcome bob
            > bob joins #tea
            [alice bob*] bob joined #tea
            bob: entered #tea @alice bob
            > show changes
            > alice registers Alice
            alice: account Alice created
            [alice* bob] alice is account Alice
            alice: logged in to Alice as alice
            keep: account Alice
            keep: member #tea @Alice
            > bob registers ALICE
            bob: refused: AccountExists { name: \"ALICE\" }
            > bob registers alіce
            bob: refused: NameConfusable { name: \"alіce\" }
            > bob registers root
            bob: refused: AccountExists { name: \"root\" }
            > bob registers 1x
            bob: refused: AccountNameInvalid { name: \"1x\" }
            > bob registers NickServ
            bob: refused: NameOfService { name: \"NickServ\" }
            > alice registers other
            alice: refused: AlreadyLoggedIn
            > carol registers carol
            carol: account carol created
            carol: logged in to carol as nobody yet
            keep: account carol
            > carol registers carol2
            carol: refused: AlreadyLoggedIn
            > carol arrives as carol
            carol: welcome carol
            > bob registers bob
            bob: account bob created
            [alice bob*] bob is account bob
            bob: logged in to bob as bob
            keep: account bob
            keep: member #tea bob
            > eve registers bob
            eve: refused: AccountExists { name: \"bob\" }
            ",
        );
    }

    #[test]
    fn registration_may_be_closed() {
        check_with(
            Settings { registration_open: false, ..settings() },
            "
            > alice arrives
            alice: welcome alice
            > alice registers alice
            alice: refused: RegistrationClosed
            > console registers root
            console: account root created
            > root arrives account root
            root: logged in to root as nobody yet
            root: welcome root
            > root registers alice
            root: refused: NameInUse { name: \"alice\" }
            > alice logs in alice
            alice: refused: WrongCredentials
            ",
        );
    }

    #[test]
    fn disabled_and_deleted_accounts_are_gone_at_once() {
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
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > alice joins #tea
            [bob alice*] alice (alice) joined #tea
            alice: entered #tea @bob alice
            > alice/2 logs in alice
            alice/2: logged in to alice as nobody yet
            > console disables alice
            alice/2: closed: the account was disabled
            alice: closed: the account was disabled
            [bob] alice quit (the account was disabled)
            console: account alice changed
            > eve asks credentials alice
            eve: credentials of nobody
            > eve logs in alice
            eve: refused: WrongCredentials
            > console enables alice
            console: account alice changed
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            [bob alice] alice (alice) joined #tea
            alice: entered #tea @bob alice
            > show changes
            > alice deletes alice
            alice: account alice deleted
            alice: closed: the account was deleted
            [bob] alice quit (the account was deleted)
            keep: no member #tea someone
            keep: no account
            > eve arrives as alice
            eve: welcome alice
            ",
        );
    }

    #[test]
    fn a_new_password_ends_what_the_old_one_began() {
        check_with(
            settings(),
            "
            > console registers root
            console: account root created
            > console registers alice
            console: account alice created
            > alice arrives account alice
            alice: logged in to alice as nobody yet
            alice: welcome alice
            > phone arrives account alice
            phone: logged in to alice as nobody yet
            phone: welcome again alice
            > tablet logs in alice
            tablet: logged in to alice as nobody yet
            > alice sets password alice
            alice: account alice changed
            tablet: closed: the password was changed
            phone: closed: the password was changed
            > alice asks account alice
            alice: account alice
            > watch logs in alice with the old password
            watch: refused: WrongCredentials
            > watch logs in alice
            watch: logged in to alice as nobody yet
            > alice adds certificate alice 1
            alice: account alice changed
            > console sets password alice
            watch: closed: the password was changed
            alice: closed: the password was changed
            console: account alice changed
            ",
        );
    }
}
