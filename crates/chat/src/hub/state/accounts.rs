//! Accounts, by place, name, id and certificate, and the memberships that they keep.

use super::OWED_AUDITS;
use super::journal::Undo;
use super::{Account, State, name_of_account, named};
use crate::audit::AuditEntry;
use crate::client::AccountOf;
use crate::id::{ClientId, RoomNumber, Timestamp};
use crate::membership::{Membership, Role};
use crate::name::Username;
use crate::snapshot::{AccountRecord, SharedAccount};
use std::sync::Arc;

impl State {
    pub fn account(&self, slot: u32) -> Option<&Account> {
        self.accounts.at(slot)
    }

    /// In the order in which they were made, as far as deleted ones left no place free.
    pub fn accounts(&self) -> impl Iterator<Item = (u32, &Account)> {
        self.accounts.iter()
    }

    pub fn account_named(&self, key: &str) -> Option<u32> {
        self.account_names.find(key, |slot| self.accounts.at(slot).map(name_of_account))
    }

    pub fn account_looking_like(&self, name: &Username, except: Option<u32>) -> Option<u32> {
        self.account_names.find_confusable(
            named(name),
            |slot| self.accounts.at(slot).map(name_of_account),
            |slot| Some(slot) == except,
        )
    }

    pub fn account_of(&self, id: ClientId) -> Option<u32> {
        self.account_ids.get(&id).copied()
    }

    pub fn account_with_certificate(&self, certificate: &[u8; 32]) -> Option<u32> {
        self.certificates.get(certificate).copied()
    }

    /// The account that is called so, folded; else the one that was lately.
    pub fn account_called(&self, key: &str, now: Timestamp) -> Option<u32> {
        self.account_named(key).or_else(|| self.account_formerly_named(key, now))
    }

    fn account_formerly_named(&self, key: &str, now: Timestamp) -> Option<u32> {
        let slot = self.last_account_formerly_named(key)?;
        let mut names = self.accounts.at(slot)?.record.former_names.iter();
        names.any(|former| former.name == key && now < former.until).then_some(slot)
    }

    /// The last account that had this name, folded, before, however long ago.
    pub fn last_account_formerly_named(&self, key: &str) -> Option<u32> {
        self.former_usernames.get(key).copied()
    }

    pub fn add_account(&mut self, account: Account) -> u32 {
        let (slot, appended) = self.accounts.insert(account);
        self.link_account(slot);
        self.journal.push(Undo::AccountAdded { slot, appended });
        slot
    }

    /// Its client must be gone, and its memberships removed.
    pub fn remove_account(&mut self, slot: u32) {
        self.unlink_account(slot);
        if let Some(account) = self.accounts.remove(slot) {
            self.journal.push(Undo::AccountRemoved { slot, account: Box::new(account) });
        }
    }

    pub fn set_record(&mut self, slot: u32, record: AccountRecord) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        let before = account.record.clone();
        self.replace_record(slot, Arc::new(record));
        self.journal.push(Undo::Record { slot, before });
    }

    /// Notes that an account stays without a device, or does no more.
    pub fn set_always_on(&mut self, slot: u32, is_always_on: bool) {
        let before = self.put_always_on(slot, is_always_on);
        self.journal.push(Undo::AlwaysOn { slot, before });
    }

    pub fn set_absent_since(&mut self, slot: u32, since: Option<Timestamp>) {
        let Some(account) = self.accounts.at_mut(slot) else { return };
        let before = std::mem::replace(&mut account.absent_since, since);
        self.journal.push(Undo::AbsentSince { slot, before });
    }

    pub fn owe_audit(&mut self, entry: AuditEntry) {
        if self.owed_audits.len() < OWED_AUDITS {
            self.journal.push(Undo::OwedAudits { before: self.owed_audits.clone() });
            self.owed_audits.push(entry);
        }
    }

    pub fn take_owed_audits(&mut self) -> Vec<AuditEntry> {
        if self.owed_audits.is_empty() {
            return Vec::new();
        }
        let owed = std::mem::take(&mut self.owed_audits);
        self.journal.push(Undo::OwedAudits { before: owed.clone() });
        owed
    }

    pub fn set_group_changes(&mut self, slot: u32, changes: (u64, u32)) {
        let Some(account) = self.accounts.at_mut(slot) else { return };
        let before = std::mem::replace(&mut account.group_changes, changes);
        self.journal.push(Undo::GroupChanges { slot, before });
    }

    pub(super) fn put_always_on(&mut self, slot: u32, is_always_on: bool) -> bool {
        let Some(account) = self.accounts.at_mut(slot) else { return false };
        let before = std::mem::replace(&mut account.is_always_on, is_always_on);
        self.counts.always_on = self.counts.always_on + usize::from(is_always_on) - usize::from(before);
        before
    }

    /// Gives an account another name, which must be free, with the record that says so.
    pub fn name_account(&mut self, slot: u32, username: Username, record: AccountRecord) {
        if let Some(before) = self.replace_account_name(slot, username, Arc::new(record)) {
            self.journal.push(Undo::AccountNamed { slot, before: Box::new(before) });
        }
    }

    pub(super) fn replace_account_name(
        &mut self,
        slot: u32,
        username: Username,
        record: SharedAccount,
    ) -> Option<(Username, SharedAccount)> {
        let account = self.accounts.at(slot)?;
        let before = (account.username.clone(), account.record.clone());
        self.account_names.remove(slot, name_of_account(account));
        self.accounts.at_mut(slot)?.username = username;
        self.account_names.insert(slot, name_of_account(self.accounts.at(slot)?));
        self.replace_record(slot, record);
        Some(before)
    }

    pub(super) fn replace_record(&mut self, slot: u32, record: SharedAccount) {
        let same_certificates =
            self.accounts.at(slot).is_some_and(|account| account.record.certificates == record.certificates);
        if !same_certificates {
            self.unlink_certificates(slot);
        }
        let same_names =
            self.accounts.at(slot).is_some_and(|account| account.record.former_names == record.former_names);
        if !same_names {
            self.unlink_former_usernames(slot);
        }
        let Some(account) = self.accounts.at_mut(slot) else {
            return;
        };
        account.record = record.clone();
        if let Some(client) = account.client.and_then(|client| self.clients.at_mut(client)) {
            client.account = Some(AccountOf { slot, record });
        }
        if !same_certificates {
            self.link_certificates(slot);
        }
        if !same_names {
            self.link_former_usernames(slot);
        }
    }

    pub(super) fn link_account(&mut self, slot: u32) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        self.account_names.insert(slot, name_of_account(account));
        self.account_ids.insert(account.record.id, slot);
        self.counts.accounts += 1;
        self.link_certificates(slot);
        self.link_former_usernames(slot);
    }

    pub(super) fn unlink_account(&mut self, slot: u32) {
        self.unlink_certificates(slot);
        self.unlink_former_usernames(slot);
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        self.account_names.remove(slot, name_of_account(account));
        self.account_ids.remove(&account.record.id);
        self.counts.accounts -= 1;
    }

    pub(super) fn link_certificates(&mut self, slot: u32) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        for certificate in &account.record.certificates {
            self.certificates.entry(*certificate).or_insert(slot);
        }
    }

    pub(super) fn unlink_certificates(&mut self, slot: u32) {
        let Some(account) = self.accounts.at(slot) else {
            return;
        };
        for certificate in &account.record.certificates {
            if self.certificates.get(certificate) == Some(&slot) {
                self.certificates.remove(certificate);
            }
        }
    }

    fn link_former_usernames(&mut self, slot: u32) {
        for former in self.accounts.at(slot).into_iter().flat_map(|account| &account.record.former_names) {
            self.former_usernames.insert(former.name.clone(), slot);
        }
    }

    fn unlink_former_usernames(&mut self, slot: u32) {
        for former in self.accounts.at(slot).into_iter().flat_map(|account| &account.record.former_names) {
            if self.former_usernames.get(&former.name) == Some(&slot) {
                self.former_usernames.remove(&former.name);
            }
        }
    }

    /// What an account's membership of a room is for good.
    pub fn kept_membership(&self, account: u32, room: RoomNumber) -> Option<Membership> {
        let kept = &self.accounts.at(account)?.rooms;
        kept.iter().find(|(number, _)| *number == room).map(|(_, membership)| *membership)
    }

    /// Sets it, or with `None` ends it.
    pub fn keep_membership(&mut self, slot: u32, room: RoomNumber, membership: Option<Membership>) {
        let Some(account) = self.accounts.at_mut(slot) else {
            return;
        };
        let position = account.rooms.iter().position(|(number, _)| *number == room);
        let was = position.map(|position| account.rooms[position].1);
        let step = match (position, membership) {
            (None, None) => return,
            (None, Some(membership)) => {
                account.rooms.push((room, membership));
                Undo::KeptAdded { account: slot }
            }
            (Some(position), Some(membership)) => {
                let before = std::mem::replace(&mut account.rooms[position].1, membership);
                Undo::KeptChanged { account: slot, position: position as u32, before }
            }
            (Some(position), None) => {
                let (_, before) = account.rooms.remove(position);
                Undo::KeptRemoved { account: slot, position: position as u32, room, before }
            }
        };
        self.journal.push(step);
        self.count_kept(slot, room, was, membership);
    }

    pub(super) fn count_kept(
        &mut self,
        account: u32,
        room: RoomNumber,
        before: Option<Membership>,
        after: Option<Membership>,
    ) {
        let operates = |membership: Option<Membership>| {
            u32::from(membership.is_some_and(|membership| membership.roles.at_least(Role::Operator)))
        };
        if let Some(room) = self.room_mut(room) {
            match after {
                Some(_) => room.accounts.insert(account),
                None => room.accounts.remove(&account),
            };
            let rules = &mut room.rules;
            rules.operators = (rules.operators + operates(after)).saturating_sub(operates(before));
        }
    }
}
