//! Staying without a device: by the server's word and one's own, and as there is room.

use super::*;

impl Reference {
    pub(super) fn bring_back(&mut self, account: &str, kept: Kept, position: u64) {
        if !self.may_stay(account) {
            return;
        }
        let own_name = self.accounts[account].name.clone();
        let free = [kept.name, own_name].into_iter().find(|name| self.check_name(name, None, Some(account)).is_ok());
        let name = free.unwrap_or_else(|| {
            let numbers = position % 100_000..;
            let mut names = numbers.map(|number| format!("guest{number}"));
            names.find(|name| self.check_name(name, None, None).is_ok()).expect("numbers do not end")
        });
        let who = self.add_person(Person {
            name,
            account: Some(account.to_owned()),
            ident: kept.ident,
            host: kept.host,
            realname: kept.realname,
            sessions: BTreeSet::new(),
            ways_back: Vec::new(),
            invited_to: VecDeque::new(),
            modes: kept.modes,
            away: kept.away,
            accepted: BTreeSet::new(),
            markers: BTreeMap::new(),
            shows_rank: false,
            gone_at: None,
        });
        self.account_mut(account).stays = true;
        for (key, roles) in self.accounts[account].kept.clone() {
            if let Some(room) = self.rooms.get_mut(&key) {
                room.members.insert(who, roles);
            }
        }
    }

    /// Those who are here without a device, and may be.
    pub fn staying(&self) -> usize {
        let stays = |person: &&Person| {
            person.sessions.is_empty() && person.account.as_ref().is_some_and(|account| self.accounts[account].stays)
        };
        self.people.values().filter(stays).count()
    }

    /// By the server's word and its own, and as there is room.
    pub(super) fn may_stay(&self, account: &str) -> bool {
        let is_wanted = match self.always_on {
            AlwaysOn::Disabled => false,
            AlwaysOn::OptIn => self.accounts[account].always_on == Some(true),
            AlwaysOn::OptOut => self.accounts[account].always_on != Some(false),
            AlwaysOn::Mandatory => true,
        };
        let staying = self.accounts.values().filter(|account| account.stays).count();
        is_wanted && (self.accounts[account].stays || staying < self.always_on_accounts)
    }

    pub(super) fn set_always_on(&mut self, who: Who, choice: Option<bool>, line: &Applied<'_>) -> Permission {
        let Some(account) = self.people[&who].account.clone() else { return no("NotLoggedIn") };
        let before = std::mem::replace(&mut self.account_mut(&account).always_on, choice);
        let is_full = choice == Some(true) && self.always_on != AlwaysOn::Disabled && !self.may_stay(&account);
        if is_full || (before != choice && line.failing) {
            self.account_mut(&account).always_on = before;
            return no(if is_full { "TooManyAlwaysOn" } else { "a storage refusal" });
        }
        if before != choice {
            self.begin_to_stay(who, line);
        }
        Ok(())
    }

    /// Stays from now on if she may, and not if she does not want to any more.
    pub(super) fn begin_to_stay(&mut self, who: Who, line: &Applied<'_>) {
        let Some(account) = self.people[&who].account.clone() else { return };
        if self.may_stay(&account) {
            if !line.failing {
                self.account_mut(&account).stays = true;
                self.keep(who, line);
            }
        } else if self.accounts[&account].stays {
            self.stop_staying(who, line);
        }
    }

    pub(super) fn stop_staying(&mut self, who: Who, line: &Applied<'_>) {
        let Some(account) = self.people[&who].account.clone() else { return };
        let account = self.account_mut(&account);
        if std::mem::replace(&mut account.stays, false) && !line.failing {
            account.kept_as = None;
        }
    }

    /// The store is told how someone who stays appears now.
    pub(super) fn keep(&mut self, who: Who, line: &Applied<'_>) {
        let person = &self.people[&who];
        let Some(account) = person.account.clone().filter(|account| self.accounts[account].stays) else { return };
        if line.failing {
            return;
        }
        let kept = Kept {
            name: person.name.clone(),
            ident: person.ident.clone(),
            host: person.host.clone(),
            realname: person.realname.clone(),
            modes: person.modes.clone(),
            away: person.away.clone(),
        };
        self.account_mut(&account).kept_as = Some(kept);
    }

    /// Whether someone without a device is still here. Nobody shows a rank for her then.
    pub(super) fn remains(&mut self, who: Who, line: &Applied<'_>) -> bool {
        self.begin_to_stay(who, line);
        let account = self.people[&who].account.as_ref();
        let remains = account.is_some_and(|account| self.accounts[account].stays);
        if remains {
            self.person_mut(who).shows_rank = false;
        }
        remains
    }
}
