//! Groups: the conversation of a few people, found again by who is in it.

use super::*;

impl Reference {
    /// The outer error: it was otherwise.
    pub(super) fn open_group(&mut self, who: Who, with: &[String], line: &Applied<'_>) -> Result<Permission, String> {
        let people = match self.people_for_group(who, with) {
            Ok(people) => people,
            Err(reason) => return Ok(no(&reason)),
        };
        if self.group_of(&people).is_some() {
            return Ok(Ok(()));
        }
        if let Err(reason) = self.count_group_change(who, line) {
            return Ok(no(&reason));
        }
        let Some(name) = self.new_group(line.events) else {
            return Err(format!("{people:?} must have a new group, and have none"));
        };
        let room = self.add_room(&name);
        room.is_group = true;
        room.flags = ["MembersSpeak", "Secret", "InviteOnly", "HistorySinceJoin", "Unlisted"]
            .map(|word| {
                RoomFlag::ALL.into_iter().find(|flag| format!("{flag:?}") == word).map_or(99, |flag| flag as u16)
            })
            .into();
        for account in people {
            self.bring_in(&account, &name.to_lowercase());
        }
        Ok(Ok(()))
    }

    pub(super) fn people_for_group(&self, who: Who, with: &[String]) -> Result<BTreeSet<String>, String> {
        let own = self.people[&who].account.clone().ok_or("NotLoggedIn")?;
        let mut people = BTreeSet::from([own]);
        for name in with {
            people.insert(self.account_for_group(name)?);
        }
        if (3..=10).contains(&people.len()) { Ok(people) } else { no("GroupSize") }
    }

    pub(super) fn account_for_group(&self, name: &str) -> Result<String, String> {
        if let Some(who) = self.named(name) {
            return self.people[&who].account.clone().ok_or("GuestInGroup".to_owned());
        }
        let key = name.to_lowercase();
        if self.accounts.contains_key(&key) { Ok(key) } else { no("NoSuchClient") }
    }

    /// The oldest group of exactly these.
    pub(super) fn group_of(&self, people: &BTreeSet<String>) -> Option<String> {
        let members = |key: &String| -> BTreeSet<String> {
            let keep = self.accounts.iter().filter(|(_, account)| account.kept.contains_key(key));
            keep.map(|(name, _)| name.clone()).collect()
        };
        let groups = self.rooms.iter().filter(|(key, room)| room.is_group && members(key) == *people);
        groups.min_by_key(|(_, room)| room.serial).map(|(key, _)| key.clone())
    }

    /// The name of a group that nobody knew of before, as its opener was told.
    pub(super) fn new_group(&self, events: &[Event]) -> Option<String> {
        let names = events.iter().filter_map(room_of).filter(|name| is_of_group(name));
        names.filter(|name| self.room(name).is_none()).map(str::to_owned).next()
    }

    pub(super) fn count_group_change(&mut self, who: Who, line: &Applied<'_>) -> Permission {
        let hour = line.at / 3_600_000;
        let Some(account) = self.person_mut(who).account.clone() else { return Ok(()) };
        let counted = &mut self.account_mut(&account).group_changes;
        if counted.0 != hour {
            *counted = (hour, 0);
        }
        if counted.1 >= 30 {
            return no("GroupsTooOften");
        }
        counted.1 += 1;
        Ok(())
    }

    /// For good; and if someone is here as it, now.
    pub(super) fn bring_in(&mut self, account: &str, key: &str) {
        self.account_mut(account).kept.insert(key.to_owned(), Roles::NONE);
        self.joined.insert((self.rooms[key].serial, account.to_owned()), self.order);
        if let Some(who) = self.present_as(account) {
            self.room_mut(key).members.insert(who, Roles::NONE);
        }
    }
}

/// Whether a room's name is of those that only groups have.
pub(super) fn is_of_group(name: &str) -> bool {
    name.starts_with("#+")
}

/// Whom a group's name, entered like a room's, means.
pub(super) fn people_in(name: &str) -> Vec<String> {
    name[2..].split('+').map(str::to_owned).collect()
}
