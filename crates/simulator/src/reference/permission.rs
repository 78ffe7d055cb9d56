//! Who may do what in a room.

use super::*;

impl Reference {
    pub(super) fn may_join(&self, who: Who, room_key: &str, key: Option<&str>, by_link: bool) -> Permission {
        let (room, person) = (&self.rooms[room_key], &self.people[&who]);
        if self.acts_as_owner(who) {
            return Ok(());
        }
        if room.has(RoomFlag::AccountsJoin) && person.account.is_none() {
            return no("AccountsOnly");
        }
        let invited = person.invited_to.contains(&room.serial);
        if !invited && room.silence_of(person) == Some("Banned") {
            return no("Banned");
        }
        let listed = || room.list(ListKind::Invitation).any(|mask| fits(mask, person));
        if !invited && !by_link && room.has(RoomFlag::InviteOnly) && !listed() {
            return no("InviteOnly");
        }
        if !by_link && room.key.is_some() && room.key.as_deref() != key {
            return no("WrongKey");
        }
        if !invited && !by_link && room.limit.is_some_and(|limit| room.members.len() >= limit as usize) {
            return no("RoomFull");
        }
        Ok(())
    }

    /// The key of a room that one may know of.
    pub(super) fn visible(&self, who: Who, name: &str) -> Result<String, String> {
        let key = name.to_lowercase();
        let Some(room) = self.rooms.get(&key) else { return no("NoSuchRoom") };
        if room.has(RoomFlag::Secret) && !room.members.contains_key(&who) && !self.acts_as_owner_in(&key, who) {
            return no("NoSuchRoom");
        }
        Ok(key)
    }

    /// The same of a room that one is in.
    pub(super) fn insider(&self, who: Who, name: &str) -> Result<String, String> {
        let key = self.visible(who, name)?;
        let may = self.rooms[&key].members.contains_key(&who) || self.acts_as_owner_in(&key, who);
        if may { Ok(key) } else { no("NotMember") }
    }

    pub(super) fn ranks(&self, who: Who, key: &str, role: Role) -> Permission {
        if self.rooms[key].is_group {
            return no("NobodyRanks");
        }
        let has = self.rooms[key].members.get(&who).is_some_and(|roles| roles.at_least(role));
        if has || self.acts_as_owner(who) { Ok(()) } else { no("NeedsRole") }
    }

    pub(super) fn not_above(&self, who: Who, key: &str, found: &Result<Member, String>) -> Permission {
        let rank = |roles: Roles| roles.highest().map_or(-1, |role| role as i32);
        let mine = self.rooms[key].members.get(&who).copied().unwrap_or_default();
        let (theirs, oneself) = match found {
            Ok(member) => (self.roles_of(key, member), matches!(member, Member::Here(whom) if *whom == who)),
            Err(_) => (Roles::NONE, false),
        };
        if oneself || self.acts_as_owner(who) || rank(theirs) <= rank(mine) { Ok(()) } else { no("Outranked") }
    }

    /// The member of that name: here, or an account that is away.
    pub(super) fn member_of(&self, key: &str, name: &str) -> Result<Member, String> {
        let here = self.named(name);
        if let Some(who) = here.filter(|who| self.rooms[key].members.contains_key(who)) {
            return Ok(Member::Here(who));
        }
        let account = name.to_lowercase();
        let kept = self.accounts.get(&account).is_some_and(|account| account.kept.contains_key(key));
        if kept && self.present_as(&account).is_none() {
            return Ok(Member::Away(account));
        }
        no(if here.is_some() { "TheyAreNotMember" } else { "NoSuchClient" })
    }

    pub(super) fn roles_of(&self, key: &str, member: &Member) -> Roles {
        match member {
            Member::Here(who) => self.rooms[key].members.get(who).copied(),
            Member::Away(account) => self.accounts[account].kept.get(key).copied(),
        }
        .unwrap_or_default()
    }

    /// Nobody is above the members of a group.
    pub(super) fn acts_as_owner_in(&self, key: &str, who: Who) -> bool {
        self.acts_as_owner(who) && !self.rooms[key].is_group
    }

    pub(super) fn acts_as_owner(&self, who: Who) -> bool {
        self.owns_the_server(who) && self.people[&who].shows_rank
    }

    pub(super) fn owns_the_server(&self, who: Who) -> bool {
        let account = self.people.get(&who).and_then(|person| person.account.as_ref());
        account.is_some_and(|account| self.accounts[account].owns_the_server)
    }

    /// `slow`: seconds between two messages, where that counts.
    pub(super) fn may_speak(
        &self,
        who: Who,
        key: &str,
        between_programs: bool,
        slow: Option<u32>,
        line: &Applied<'_>,
    ) -> Permission {
        let (room, person) = (&self.rooms[key], &self.people[&who]);
        let roles = room.members.get(&who).copied();
        // Why not is told to those who may know that the room is there.
        let is_hidden = roles.is_none() && room.has(RoomFlag::Secret) && !self.acts_as_owner_in(key, who);
        let no = |why: &str| if is_hidden { no("NoSuchRoom") } else { no(why) };
        if roles.is_none() && room.has(RoomFlag::MembersSpeak) {
            return no("CannotSpeak NotMember");
        }
        if between_programs && room.has(RoomFlag::NoCtcp) {
            return no("CannotSpeak NoCtcp");
        }
        let is_half = self.acts_as_owner_in(key, who) || roles.is_some_and(|roles| roles.at_least(Role::HalfOperator));
        if room.has(RoomFlag::Announcements) && !is_half {
            return no("CannotSpeak Announcements");
        }
        if !self.acts_as_owner_in(key, who) && roles.is_none_or(|roles| roles == Roles::NONE) {
            if let Some(why) = room.silence_of(person) {
                return no(&format!("CannotSpeak {why}"));
            }
            if room.has(RoomFlag::Moderated) {
                return no("CannotSpeak Moderated");
            }
            if room.has(RoomFlag::AccountsSpeak) && person.account.is_none() {
                return no("CannotSpeak AccountsOnly");
            }
            if let Some((slow, last)) = slow.zip(room.spoke.get(&self.speaker(who))) {
                let refusal = |at: u64| {
                    let left = (last + u64::from(slow) * 1000).saturating_sub(at);
                    (left > 0).then(|| format!("CannotSpeak Slow {{ wait_seconds: {} }}", left.div_ceil(1000)))
                };
                let was_told = |why: &String| line.refusals.iter().any(|refusal| reason_of(refusal) == *why);
                let told_before = refusal(line.first_at).filter(|why| line.again && was_told(why));
                if let Some(why) = told_before.or_else(|| refusal(line.at)) {
                    return no(&why);
                }
            }
        }
        Ok(())
    }

    /// What she says is for the moderators.
    pub(super) fn is_screened(&self, who: Who, key: &str) -> bool {
        let room = &self.rooms[key];
        let roles = room.members.get(&who).copied().unwrap_or_default();
        room.has(RoomFlag::OpModerated) && roles == Roles::NONE && !self.acts_as_owner(who)
    }

    /// To say something for someone elsewhere who is called so.
    pub(super) fn may_relay(&self, who: Who, key: &str, name: &str, between_programs: bool) -> Permission {
        let room = &self.rooms[key];
        let by_right = self.owns_the_server(who) && !self.acts_as_owner_in(key, who);
        if by_right {
            self.visible(who, key)?;
        } else {
            self.insider(who, key)?;
            self.ranks(who, key, Role::Operator)?;
        }
        if between_programs && room.has(RoomFlag::NoCtcp) {
            return no("CannotSpeak NoCtcp");
        }
        let person = &self.people[&who];
        if by_right {
            if !room.members.contains_key(&who) && room.has(RoomFlag::MembersSpeak) {
                return no("CannotSpeak NotMember");
            }
            if room.silence_of(person) == Some("Banned") {
                return no("CannotSpeak Banned");
            }
        }
        // The room's lists hold for the name that is shown as well.
        match room.silence_of_one(&format!("{name}!relay@relayed"), None, &person.name) {
            Some(why) => no(&format!("CannotSpeak {why}")),
            None => Ok(()),
        }
    }
}
