//! Rooms: entering and leaving them, and what is set of them.

use super::*;

impl Reference {
    /// The key of the room that someone comes into who wants to enter this one, and whether she is there already.
    pub(super) fn way_into(
        &self,
        who: Who,
        name: &str,
        key: Option<&str>,
        link: Option<LinkHash>,
        follows: bool,
        line: &Applied<'_>,
    ) -> Result<(String, bool), String> {
        let mut at = name.to_lowercase();
        let is_in = |key: &str| self.rooms.get(key).is_some_and(|room| room.members.contains_key(&who));
        if is_in(&at) {
            return Ok((at, true));
        }
        // A link leads to its room under any name, and a former name to the room that had it.
        let of_link = link.and_then(|link| self.room_of_link(link, line.at)).filter(|_| !self.rooms.contains_key(&at));
        let renamed = self.formerly_named(who, &at, line.at).filter(|_| !self.rooms.contains_key(&at));
        let led = of_link.or_else(|| renamed.clone().filter(|_| follows));
        if led.as_deref().is_some_and(is_in) {
            return Ok((led.unwrap_or_default(), true));
        }
        let rooms = self.rooms_of(who);
        if rooms.iter().filter(|key| !self.rooms[*key].is_group).count() >= self.rooms_per_client {
            return no("TooManyRooms");
        }
        match (led, renamed) {
            (Some(led), _) => at = led,
            (None, Some(_)) => return no("RoomRenamed"),
            (None, None) => {}
        }
        if !self.rooms.contains_key(&at) && link.is_some() {
            return no("LinkInvalid");
        }
        if !self.rooms.contains_key(&at) || self.is_abandoned(&at, line) {
            return Ok((at, false));
        }
        let by_link =
            link.is_some_and(|hash| self.opens(&at, hash, line.at) || self.comes_back(who, &at, hash, line).is_some());
        let Err(refusal) = self.may_join(who, &at, key, by_link) else { return Ok((at, false)) };
        let mut reason = refusal.clone();
        for _ in 0..8 {
            let sends_on = ["Banned", "InviteOnly", "RoomFull", "AccountsOnly"].contains(&reason.as_str());
            let Some(next) = self.forward_of(&at).filter(|_| sends_on) else { break };
            at = next;
            if is_in(&at) {
                return Ok((at, true));
            }
            if self.is_abandoned(&at, line) {
                return Ok((at, false));
            }
            match self.may_join(who, &at, None, false) {
                Ok(()) => return Ok((at, false)),
                Err(another) => reason = another,
            }
        }
        let is_of_link = link.is_some() && ["InviteOnly", "WrongKey"].contains(&refusal.as_str());
        Err(if is_of_link { "LinkInvalid".into() } else { refusal })
    }

    fn room_of_link(&self, link: LinkHash, at: u64) -> Option<String> {
        self.rooms.keys().find(|key| self.opens(key, link, at)).cloned()
    }

    /// Whoever is not in a secret or unlisted room does not learn what it is called now, and whoever is in one knows.
    fn formerly_named(&self, who: Who, key: &str, at: u64) -> Option<String> {
        let had_it = |room: &&Room| room.former_names.iter().any(|(name, until)| name == key && at < *until);
        let room = self.rooms.values().find(had_it)?;
        let is_hidden = room.has(RoomFlag::Secret) || room.has(RoomFlag::Unlisted);
        (!is_hidden && !room.members.contains_key(&who)).then(|| room.name.to_lowercase())
    }

    pub(super) fn formerly_of(&self, who: Who, name: &str, at: u64) -> Option<String> {
        let key = name.to_lowercase();
        let had_it = |room: &&Room| room.former_names.iter().any(|(former, until)| *former == key && at < *until);
        let room = self.rooms.values().find(had_it).filter(|_| !self.rooms.contains_key(&key))?;
        room.members.contains_key(&who).then(|| room.name.to_lowercase())
    }

    pub(super) fn forward_of(&self, key: &str) -> Option<String> {
        let serial = self.rooms.get(key)?.forward?;
        self.rooms.iter().find(|(_, room)| room.serial == serial).map(|(key, _)| key.clone())
    }

    pub fn forward_name(&self, room: &Room) -> Option<&str> {
        self.rooms.values().find(|other| Some(other.serial) == room.forward).map(|other| other.name.as_str())
    }

    /// She may.
    pub(super) fn join(&mut self, who: Who, name: &str, room_key: &str, link: Option<LinkHash>, line: &Applied<'_>) {
        let room_key = room_key.to_owned();
        let account = self.people[&who].account.clone();
        let roles = if self.rooms.contains_key(&room_key) {
            if self.is_abandoned(&room_key, line) {
                self.open_up(&room_key);
            }
            if let Some(link) = link {
                self.count_link(who, &room_key, link, line);
            }
            let serial = self.rooms[&room_key].serial;
            self.person_mut(who).invited_to.retain(|invited| *invited != serial);
            if self.is_nobodys(&room_key) { Roles::of(Role::Operator) } else { Roles::NONE }
        } else {
            self.add_room(name);
            Roles::of(if account.is_some() { Role::Owner } else { Role::Operator })
        };
        if let Some(account) = account {
            self.account_mut(&account).kept.insert(room_key.clone(), roles);
        }
        self.room_mut(&room_key).members.insert(who, roles);
        self.joined.insert((self.rooms[&room_key].serial, self.speaker(who)), self.order);
    }

    pub(super) fn part(&mut self, who: Who, name: &str, line: &Applied<'_>) -> Permission {
        let key = self.visible(who, name)?;
        if !self.rooms[&key].members.contains_key(&who) {
            return no("NotMember");
        }
        self.leave(who, &key, line);
        Ok(())
    }

    /// Out of the room for good.
    pub(super) fn leave(&mut self, who: Who, key: &str, line: &Applied<'_>) {
        self.room_mut(key).members.remove(&who);
        if let Some(account) = self.people[&who].account.clone() {
            self.account_mut(&account).kept.remove(key);
        }
        self.joined.remove(&(self.rooms[key].serial, self.speaker(who)));
        self.settle(key, line);
    }

    pub(super) fn set_topic(&mut self, who: Who, name: &str, text: &str) -> Permission {
        let key = self.insider(who, name)?;
        if self.rooms[&key].has(RoomFlag::TopicLocked) {
            self.ranks(who, &key, Role::HalfOperator)?;
        }
        self.room_mut(&key).has_topic = !text.is_empty();
        Ok(())
    }

    pub(super) fn rename_room(&mut self, who: Who, name: &str, to: &str, line: &Applied<'_>) -> Permission {
        let key = self.insider(who, name)?;
        let room = &self.rooms[&key];
        if !room.is_group {
            self.ranks(who, &key, if room.has(RoomFlag::Registered) { Role::Owner } else { Role::Operator })?;
        }
        let to_key = to.to_lowercase();
        let is_other = to_key != key;
        if room.name == to
            || room.is_group != is_of_group(to)
            || (room.is_group && to.matches('+').count() > 1)
            || (is_other && (key == "#lobby" || self.rooms.contains_key(&to_key)))
            || (is_other && room.renames_paid_at > line.at + 120_000)
        {
            return no("NotRenamed");
        }
        if let Some(mut room) = self.rooms.remove(&key) {
            room.name = to.to_owned();
            if is_other {
                room.renames_paid_at = room.renames_paid_at.max(line.at) + 60_000;
                if !room.is_group {
                    for other in self.rooms.values_mut() {
                        other.former_names.retain(|(name, _)| *name != key);
                    }
                    let is_kept = |name: &str, until: u64| name != key && name != to_key && line.at < until;
                    room.former_names.retain(|(name, until)| is_kept(name, *until));
                    room.former_names.insert(0, (key.clone(), line.at + 30 * 24 * 3_600_000));
                    room.former_names.truncate(5);
                }
            }
            self.rooms.insert(to_key.clone(), room);
        }
        for account in self.accounts.values_mut() {
            if let Some(roles) = account.kept.remove(&key) {
                account.kept.insert(to_key.clone(), roles);
            }
        }
        Ok(())
    }

    pub(super) fn invite(&mut self, who: Who, name: &str, whom: &str, line: &Applied<'_>) -> Permission {
        let key = self.insider(who, name)?;
        if self.rooms[&key].is_group {
            let account = self.account_for_group(whom)?;
            if self.accounts[&account].kept.contains_key(&key) {
                return no("AlreadyMember");
            }
            self.count_group_change(who, line)?;
            self.bring_in(&account, &key);
            return Ok(());
        }
        if self.rooms[&key].has(RoomFlag::InviteOnly) {
            self.ranks(who, &key, Role::HalfOperator)?;
        }
        let Some(whom) = self.named(whom) else { return no("NoSuchClient") };
        let room = &self.rooms[&key];
        if room.members.contains_key(&whom) {
            return no("AlreadyMember");
        }
        let serial = room.serial;
        let invited_to = &mut self.person_mut(whom).invited_to;
        invited_to.retain(|invited| *invited != serial);
        invited_to.push_back(serial);
        Ok(())
    }

    pub(super) fn kick(&mut self, who: Who, name: &str, whom: &str, line: &Applied<'_>) -> Permission {
        let key = self.visible(who, name)?;
        let found = self.member_of(&key, whom);
        self.insider(who, name)?;
        self.ranks(who, &key, Role::HalfOperator)?;
        self.not_above(who, &key, &found)?;
        match found? {
            Member::Here(whom) => self.leave(whom, &key, line),
            Member::Away(account) => {
                self.account_mut(&account).kept.remove(&key);
                self.joined.remove(&(self.rooms[&key].serial, account));
            }
        }
        Ok(())
    }

    /// The accounts that are members of a room and not here.
    pub(super) fn ask_absent(&self, who: Who, name: &str, line: &Applied<'_>) -> Result<Vec<String>, String> {
        let key = match self.insider(who, name) {
            Ok(key) => key,
            Err(reason) => return Ok(vec![reason]),
        };
        let room = &self.rooms[&key];
        let is_shown = room.members.get(&who).is_some_and(|roles| *roles != Roles::NONE);
        let sees_everyone = !room.has(RoomFlag::Auditorium) || is_shown || self.acts_as_owner(who);
        let absent = |(name, account): (&String, &Account)| {
            let roles = account.kept.get(&key).filter(|_| sees_everyone && self.present_as(name).is_none())?;
            Some((account.name.clone(), roles.0))
        };
        let expected: BTreeMap<String, u8> = self.accounts.iter().filter_map(absent).collect();
        for answer in line.answers {
            let Answer::AbsentMembers(told) = answer else { continue };
            let told: BTreeMap<String, u8> =
                told.members.iter().map(|member| (member.name.to_string(), member.roles.0)).collect();
            if told != expected {
                return Err(format!("is told that {told:?} are not in {key}, and {expected:?} are not"));
            }
        }
        Ok(Vec::new())
    }

    pub(super) fn change_room(
        &mut self,
        who: Who,
        name: &str,
        changes: &[RoomChange],
        line: &Applied<'_>,
    ) -> Vec<String> {
        let key = match self.visible(who, name) {
            Ok(key) => key,
            Err(reason) => return vec![reason],
        };
        changes.iter().filter_map(|change| self.change_room_once(who, name, &key, change, line).err()).collect()
    }

    fn change_room_once(
        &mut self,
        who: Who,
        name: &str,
        key: &str,
        change: &RoomChange,
        line: &Applied<'_>,
    ) -> Permission {
        let found = match change {
            RoomChange::Role { who: whom, .. } => self.member_of(key, whom.text()),
            _ => no(""),
        };
        self.insider(who, name)?;
        match change {
            RoomChange::Flag { on, flag } => {
                let needed = if *flag == RoomFlag::Registered { Role::Owner } else { Role::Operator };
                self.ranks(who, key, needed)?;
                let room = self.room_mut(key);
                let is_on = room.has(*flag);
                if is_on && !on && *flag == RoomFlag::Registered && key == "#lobby" {
                    return no("FlagRefused");
                }
                if *on {
                    room.flags.insert(*flag as u16);
                } else {
                    room.flags.remove(&(*flag as u16));
                }
            }
            RoomChange::Key { key: wanted } => {
                self.ranks(who, key, Role::Operator)?;
                self.room_mut(key).key = wanted.as_ref().map(ToString::to_string);
            }
            RoomChange::Retention { seconds } => {
                self.ranks(who, key, Role::Operator)?;
                self.room_mut(key).retention = *seconds;
            }
            RoomChange::MemberLimit { limit } => {
                self.ranks(who, key, Role::Operator)?;
                self.room_mut(key).limit = *limit;
            }
            RoomChange::SlowMode { seconds } => {
                self.ranks(who, key, Role::HalfOperator)?;
                self.room_mut(key).slow = *seconds;
            }
            RoomChange::Forward { to } => {
                self.ranks(who, key, Role::Operator)?;
                let target = match to {
                    None => None,
                    Some(to) => {
                        let Ok(to) = self.visible(who, to.text()) else { return no("NoForwardTarget") };
                        self.ranks(who, &to, Role::Operator)?;
                        let mut way = vec![to.clone()];
                        while let Some(next) = way.last().and_then(|last| self.forward_of(last)) {
                            way.push(next);
                            if way.len() > 8 {
                                break;
                            }
                        }
                        if way.len() >= 8 || way.iter().any(|room| room == key) {
                            return no("NotForwarded");
                        }
                        Some(self.rooms[&to].serial)
                    }
                };
                self.room_mut(key).forward = target;
            }
            RoomChange::List { on, list, mask, lasts_ms } => {
                let needed = if *list == ListKind::Ban { Role::HalfOperator } else { Role::Operator };
                self.ranks(who, key, needed)?;
                let most = self.list_entries;
                let room = self.room_mut(key);
                let at = room.lists.iter().position(|(of, listed, _)| of == list && listed.eq_ignore_ascii_case(mask));
                let until = lasts_ms.map(|lasts| line.at + lasts);
                match (on, at) {
                    (true, Some(at)) if until.is_some() => room.lists[at].2 = until,
                    (true, None) if room.list(*list).count() >= most => return no("ListFull"),
                    (true, None) => room.lists.push((*list, mask.to_string(), until)),
                    (false, Some(at)) => {
                        room.lists.remove(at);
                    }
                    _ => {}
                }
            }
            RoomChange::Role { on, role, .. } => {
                let oneself = matches!(&found, Ok(Member::Here(whom)) if *whom == who);
                if *on || !oneself {
                    let needed = match role {
                        Role::Voice => Role::HalfOperator,
                        Role::HalfOperator | Role::Operator => Role::Operator,
                        Role::Admin | Role::Owner => Role::Owner,
                    };
                    self.ranks(who, key, needed)?;
                    self.not_above(who, key, &found)?;
                }
                let member = found?;
                let before = self.roles_of(key, &member);
                let after = if *on { before.with(*role) } else { before.without(*role) };
                let account = match member {
                    Member::Here(whom) => {
                        self.room_mut(key).members.insert(whom, after);
                        self.people[&whom].account.clone()
                    }
                    Member::Away(account) => Some(account),
                };
                if let Some(account) = account {
                    self.account_mut(&account).kept.insert(key.to_owned(), after);
                }
            }
        }
        Ok(())
    }

    /// What becomes of a room that the last one has left.
    pub(super) fn settle(&mut self, key: &str, line: &Applied<'_>) {
        if self.rooms[key].is_group && !self.accounts.values().any(|account| account.kept.contains_key(key)) {
            self.rooms.remove(key);
            return;
        }
        if !self.is_abandoned(key, line) {
            return;
        }
        let room = &self.rooms[key];
        let is_kept = self.accounts.values().any(|account| account.kept.contains_key(key));
        if room.has_past || room.has_topic || is_kept {
            self.open_up(key);
        } else {
            self.rooms.remove(key);
        }
    }

    /// Nobody is in it, and nobody will ever come back to it as its operator. A failing store lets that be for later.
    pub(super) fn is_abandoned(&self, key: &str, line: &Applied<'_>) -> bool {
        !line.failing && self.is_nobodys(key)
    }

    pub(super) fn is_nobodys(&self, key: &str) -> bool {
        let operates = |account: &Account| account.kept.get(key).is_some_and(|roles| roles.at_least(Role::Operator));
        let is_empty = |room: &Room| room.members.is_empty() && !room.has(RoomFlag::Registered) && !room.is_group;
        self.room(key).is_some_and(is_empty) && !self.accounts.values().any(operates)
    }

    pub(super) fn open_up(&mut self, key: &str) {
        let room = self.room_mut(key);
        // Who reads the past is promised to those who spoke.
        let promised = room.has(RoomFlag::HistorySinceJoin);
        room.flags = new_flags();
        if promised {
            room.flags.insert(RoomFlag::HistorySinceJoin as u16);
        }
        room.key = None;
        room.limit = None;
        room.slow = None;
        room.forward = None;
        room.links.clear();
        room.lists.clear();
    }

    /// Bans and the like whose time is over. A failing store lets that be for later.
    pub(super) fn end_timed_entries(&mut self, line: &Applied<'_>) {
        if !line.failing {
            for room in self.rooms.values_mut() {
                room.lists.retain(|(_, _, until)| until.is_none_or(|until| until > line.at));
            }
        }
    }
}
