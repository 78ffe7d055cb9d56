//! Bans from the whole server, and the devices that are ended.

use super::*;
use crate::workload::BROWSER;
use chat::query::DeviceRow;

/// Wider ranges are taken for a slip.
const NARROWEST_SLIP: u8 = 7;

impl Reference {
    fn may_ban(&self, session: SessionId) -> Permission {
        match self.sessions.get(&session) {
            Some(Place::Present { who, .. }) if self.owns_the_server(*who) => Ok(()),
            _ => no("NotOperator"),
        }
    }

    fn target_of(&self, whom: &Banned) -> Result<Target, String> {
        match whom {
            Banned::Account(name) => {
                let account = name.text().to_lowercase().to_string();
                if self.accounts.contains_key(&account) { Ok(Target::Account(account)) } else { no("NoSuchAccount") }
            }
            Banned::Person(name) => {
                let person = &self.people[&self.named(name.text()).ok_or("NoSuchClient")?];
                match &person.account {
                    Some(account) => Ok(Target::Account(account.clone())),
                    None => {
                        let session = person.sessions.iter().next().ok_or("NoSuchClient")?;
                        Ok(Target::Range(AddressRange::of_one(self.addresses[session])))
                    }
                }
            }
            Banned::Range(range) => Ok(Target::Range(*range)),
            Banned::Door(range) => Ok(Target::Door(*range)),
            Banned::Certificate(certificate) => Ok(Target::Certificate(*certificate)),
        }
    }

    fn is_kept_out(&self, target: &Target, address: Option<IpAddr>, account: Option<&str>) -> bool {
        if account.is_some_and(|account| self.accounts[account].owns_the_server) {
            return false;
        }
        match target {
            Target::Account(banned) => account == Some(banned),
            Target::Range(range) | Target::Door(range) => address.is_some_and(|address| range.contains(address)),
            Target::Certificate(_) => false,
        }
    }

    pub(super) fn not_banned(&self, address: Option<IpAddr>, account: Option<&str>, at: u64) -> Permission {
        let holds = |until: &Option<u64>| until.is_none_or(|until| until > at);
        match self.bans.iter().any(|(target, until)| holds(until) && self.is_kept_out(target, address, account)) {
            true => no("ServerBanned"),
            false => Ok(()),
        }
    }

    pub(super) fn ban(
        &mut self,
        session: SessionId,
        whom: &Banned,
        lasts_ms: Option<u64>,
        line: &Applied<'_>,
    ) -> Permission {
        self.may_ban(session)?;
        let target = self.target_of(whom)?;
        let range = match &target {
            Target::Range(range) | Target::Door(range) => Some(*range),
            Target::Account(_) | Target::Certificate(_) => None,
        };
        if range.is_some_and(|range| range.base().is_ipv4() && range.prefix() <= NARROWEST_SLIP) {
            return no("RangeTooWide");
        }
        // At the door not even the owner is asked who she is: she does not close it before herself.
        let own = self.addresses.get(&session).copied();
        if matches!(target, Target::Door(range) if own.is_some_and(|own| range.contains(own))) {
            return no("CannotBan");
        }
        if matches!(&target, Target::Account(account) if self.accounts[account].owns_the_server) {
            return no("CannotBan");
        }
        let here = self.sessions.iter().filter_map(|(id, place)| match place {
            Place::Present { who, .. } => Some((*id, *who)),
            Place::Proved(_) => None,
        });
        let meant: Vec<(SessionId, Who)> = here
            .filter(|(id, who)| {
                let address = self.addresses.get(id).copied();
                self.is_kept_out(&target, address, self.people[who].account.as_deref())
            })
            .collect();
        // Who is here without a device goes as well, and who has logged in and not arrived.
        let without_device = match &target {
            Target::Account(account) => {
                self.sessions.retain(|_, place| !matches!(place, Place::Proved(of) if of == account));
                self.present_as(account).filter(|who| self.people[who].sessions.is_empty())
            }
            _ => None,
        };
        self.bans.retain(|(other, _)| *other != target);
        self.bans.push((target, lasts_ms.map(|lasts| line.at + lasts)));
        if let Some(who) = without_device {
            self.quit(who, line);
        }
        for (id, who) in meant {
            self.sessions.remove(&id);
            let person = self.person_mut(who);
            person.sessions.remove(&id);
            if person.sessions.is_empty() {
                self.quit(who, line);
            }
        }
        Ok(())
    }

    pub(super) fn lift_ban(&mut self, session: SessionId, whom: &Banned, line: &Applied<'_>) -> Permission {
        self.may_ban(session)?;
        let target = self.target_of(whom)?;
        let is_it =
            |(other, until): &(Target, Option<u64>)| *other == target && until.is_none_or(|until| until > line.at);
        if !self.bans.iter().any(is_it) {
            return no("NoSuchServerBan");
        }
        self.bans.retain(|(other, _)| *other != target);
        Ok(())
    }

    pub(super) fn end_bans(&mut self, line: &Applied<'_>) {
        if !line.failing {
            self.bans.retain(|(_, until)| until.is_none_or(|until| until > line.at));
        }
    }

    pub(super) fn ask_devices(&self, who: Who, line: &Applied<'_>) -> Result<Vec<String>, String> {
        for answer in line.answers {
            let Answer::Devices(rows) = answer else { continue };
            let expected = self.device_counts(who);
            let is_browser = |row: &&DeviceRow| row.name.as_deref() == Some(BROWSER);
            let here = rows.iter().filter(|row| row.is_connected);
            let gone = rows.iter().filter(|row| !row.is_connected);
            let told = (here.clone().count(), here.filter(is_browser).count(), gone.filter(is_browser).count());
            if told != expected || rows.iter().filter(|row| row.is_this).count() != 1 {
                return Err(format!("has {expected:?} devices, and is told of {rows:?}"));
            }
        }
        Ok(Vec::new())
    }

    /// One device less, which cannot be the one that asks.
    pub(super) fn end_device(&mut self, who: Who, line: &Applied<'_>) -> Result<Vec<String>, String> {
        let ended = line.closed.iter().find(|id| self.people[&who].sessions.contains(id) && **id != line.session);
        let was_told = line.answers.iter().any(|answer| matches!(answer, Answer::DeviceEnded { .. }));
        match (ended.copied(), was_told) {
            (Some(id), true) => {
                self.person_mut(who).sessions.remove(&id);
                self.sessions.remove(&id);
                Ok(Vec::new())
            }
            (None, false) => Ok(vec!["NoSuchDevice".to_owned()]),
            other => Err(format!("ends a device, and {other:?} came of it")),
        }
    }
}
