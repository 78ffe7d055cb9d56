//! Up to when someone has read what.

use super::*;

impl Reference {
    pub(super) fn mark_read(&mut self, who: Who, of: &Conversation, at: u64, line: &Applied<'_>) -> Permission {
        let mut read = None;
        let marked = match of {
            Conversation::Room(name) => {
                if !self.room(name.text()).is_some_and(|room| room.members.contains_key(&who)) {
                    return no("NotMember");
                }
                let room = self.room_mut(&name.text().as_str().to_lowercase());
                // What someone has read is not forgotten.
                let marked = Marked::Room(room.serial);
                read = Some(name.text().as_str().to_lowercase());
                marked
            }
            Conversation::With(name) => match self.named(name.text()) {
                Some(other) => match &self.people[&other].account {
                    Some(account) => Marked::Account(account.clone()),
                    None => Marked::Guest(other),
                },
                None if self.accounts.contains_key(&name.text().as_str().to_lowercase()) => {
                    Marked::Account(name.text().as_str().to_lowercase())
                }
                None => match self.departed_named(who, name.text()) {
                    Some(talk) => self.marked(who, &talk).ok_or("NoSuchClient")?,
                    None => return no("NoSuchClient"),
                },
            },
        };
        let account = self.people[&who].account.clone();
        let markers = match &account {
            Some(account) => &mut self.account_mut(account).markers,
            None => &mut self.person_mut(who).markers,
        };
        let at = at.min(line.at);
        if markers.get(&marked).is_some_and(|before| *before >= at) {
            return Ok(());
        }
        if account.is_some() && line.failing {
            return no("a storage refusal");
        }
        markers.insert(marked, at);
        if let Some(key) = read {
            self.room_mut(&key).has_past = true;
        }
        Ok(())
    }

    /// Up to when this person has read a room.
    pub fn marker_of_room(&self, who: Who, room: &str) -> Option<u64> {
        let person = &self.people[&who];
        let markers = person.account.as_ref().map_or(&person.markers, |account| &self.accounts[account].markers);
        markers.get(&Marked::Room(self.room(room)?.serial)).copied()
    }

    /// Up to when this person has read a conversation of hers.
    pub(super) fn marker_of(&self, who: Who, talk: &Talk) -> Option<u64> {
        let person = &self.people[&who];
        let markers = person.account.as_ref().map_or(&person.markers, |account| &self.accounts[account].markers);
        markers.get(&self.marked(who, talk)?).copied()
    }

    fn marked(&self, who: Who, talk: &Talk) -> Option<Marked> {
        Some(match talk {
            Talk::Room(serial) => Marked::Room(*serial),
            Talk::Direct(one, other) => {
                let other = if *one == self.speaker(who) { other } else { one };
                match self.accounts.contains_key(other) {
                    true => Marked::Account(other.clone()),
                    false => Marked::Guest(other.strip_prefix("guest ")?.parse().ok()?),
                }
            }
        })
    }
}
