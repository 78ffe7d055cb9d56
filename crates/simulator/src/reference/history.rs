//! Who may read what was said.

use super::*;
use chat::history::Grant;

impl Reference {
    /// The conversation that someone names, if it was ever begun, or why she may not read it.
    fn talk_of(&self, who: Who, of: &Conversation, earlier_texts: bool, at: u64) -> Result<Option<Talk>, String> {
        match of {
            Conversation::Room(name) => {
                let key = self.insider(who, name.text());
                // By a name that it had before its members read it on.
                let key = key.or_else(|reason| {
                    self.formerly_of(who, name.text(), at).filter(|_| !earlier_texts).ok_or(reason)
                })?;
                if earlier_texts {
                    self.ranks(who, &key, Role::HalfOperator)?;
                }
                Ok(Some(Talk::Room(self.rooms[&key].serial)))
            }
            Conversation::With(name) => {
                let Some(other) = self.speaker_named(name.text()) else {
                    return self.departed_named(who, name.text()).map(Some).ok_or_else(|| "NoSuchClient".to_owned());
                };
                let talk = Talk::between(self.speaker(who), other);
                Ok(self.talks.contains_key(&talk).then_some(talk))
            }
        }
    }

    pub(super) fn ask_history(
        &self,
        who: Who,
        of: &Conversation,
        earlier_texts: bool,
        line: &Applied<'_>,
    ) -> Result<Vec<String>, String> {
        let granted = line.answers.iter().find_map(|answer| match answer {
            Answer::HistoryGranted(grant) => Some(grant.as_deref()),
            _ => None,
        });
        match (self.talk_of(who, of, earlier_texts, line.at), granted) {
            (Err(reason), None) => return Ok(vec![reason]),
            (Ok(None), Some(None)) => {}
            (Ok(Some(talk)), Some(Some(grant))) => self.check_grant(who, &talk, grant, line.at)?,
            (expected, found) => return Err(format!("asks for {of:?}: {expected:?} is right, and it was {found:?}")),
        }
        Ok(Vec::new())
    }

    pub(super) fn ask_conversations(&self, who: Who, line: &Applied<'_>) -> Result<Vec<String>, String> {
        for answer in line.answers {
            if let Answer::Conversations(grants) = answer {
                self.check_conversations(who, &grants.iter().collect::<Vec<&Grant>>(), line.at)?;
            }
        }
        Ok(Vec::new())
    }

    /// What is to be counted, and from where on: what was read is not.
    pub(super) fn ask_unread(&self, who: Who, line: &Applied<'_>) -> Result<Vec<String>, String> {
        for answer in line.answers {
            let Answer::Unread(question) = answer else { continue };
            let grants: Vec<&Grant> = question.conversations.iter().map(|(grant, _)| grant).collect();
            self.check_conversations(who, &grants, line.at)?;
            let talks = self.conversations_of(who);
            for (grant, until) in &question.conversations {
                let read = self.marker_of(who, &talks[grant.name.as_str()]);
                // Without a marker a room is read up to when she came.
                let is_right = match &talks[grant.name.as_str()] {
                    Talk::Room(_) if read.is_none() => until.is_some(),
                    _ => until.map(|until| until.0) == read,
                };
                if !is_right {
                    return Err(format!("has read {} up to {read:?}, and it is counted from {until:?}", grant.name));
                }
            }
        }
        Ok(Vec::new())
    }

    /// All that someone may read, by what it is called now.
    fn conversations_of(&self, who: Who) -> BTreeMap<String, Talk> {
        let me = self.speaker(who);
        let rooms = self.rooms.values().filter(|room| room.members.contains_key(&who));
        let mut all: BTreeMap<String, Talk> = rooms.map(|room| (room.name.clone(), Talk::Room(room.serial))).collect();
        for talk in self.talks.keys() {
            let Talk::Direct(one, other) = talk else { continue };
            let other = match (*one == me, *other == me) {
                (true, _) => other,
                (_, true) => one,
                _ => continue,
            };
            if let Some(name) = self.name_of(other) {
                all.insert(name.to_owned(), talk.clone());
            }
        }
        all.extend(self.departed(who).into_iter().map(|(name, _, talk)| (name, talk)));
        all
    }

    /// What an account has talked of with guests who are gone, the newest first: what it is called, the number of the room,
    /// and the conversation.
    fn departed(&self, who: Who) -> Vec<(String, RoomNumber, Talk)> {
        let me = self.speaker(who);
        if !self.accounts.contains_key(&me) {
            return Vec::new();
        }
        let mut all: Vec<(RoomNumber, &str, &Talk)> = Vec::new();
        for (talk, (number, guest)) in &self.talks {
            let Talk::Direct(one, other) = talk else { continue };
            let other = if *one == me { other } else { one };
            let is_hers = talk == &Talk::between(me.clone(), other.clone());
            if let Some(guest) = guest.as_deref().filter(|_| is_hers && self.name_of(other).is_none()) {
                all.push((*number, guest, talk));
            }
        }
        all.sort();
        let mut taken = BTreeSet::new();
        let named = all.into_iter().rev().map(|(number, guest, talk)| {
            let is_first = taken.insert(guest.to_lowercase());
            let plain = is_first && self.speaker_named(guest).is_none();
            let name = if plain { guest.to_owned() } else { format!("{guest}/{}", number.0) };
            (name, number, talk.clone())
        });
        named.collect()
    }

    /// The conversation of an account with a guest who is gone.
    pub(super) fn departed_named(&self, who: Who, name: &str) -> Option<Talk> {
        self.departed(who)
            .into_iter()
            .find(|(plain, ..)| plain.to_lowercase() == name.to_lowercase())
            .map(|(.., talk)| talk)
    }

    fn check_conversations(&self, who: Who, grants: &[&Grant], at: u64) -> Result<(), String> {
        let talks = self.conversations_of(who);
        let mut names: Vec<&str> = grants.iter().map(|grant| grant.name.as_str()).collect();
        names.sort_unstable();
        if !names.iter().copied().eq(talks.keys().map(String::as_str)) {
            return Err(format!("may read {talks:?}, and is told of {names:?}"));
        }
        grants.iter().try_for_each(|grant| self.check_grant(who, &talks[grant.name.as_str()], grant, at))
    }

    /// Of everything that was ever said, what she may read is hers to read with this leave, and nothing else.
    fn check_grant(&self, who: Who, talk: &Talk, grant: &Grant, at: u64) -> Result<(), String> {
        for said in self.said.values() {
            let message = &said.message;
            let hears = message.audience.is_none_or(|least| grant.role.is_some_and(|role| role >= least));
            let covers = grant.room == message.room
                && message.position >= grant.since.position
                && message.timestamp >= grant.since.time
                && (hears || message.sender_id == grant.reader);
            if covers != self.may_read(who, talk, said, at) {
                return Err(format!("may read {talk:?} as {grant:?}: that is wrong of {said:?}"));
            }
        }
        Ok(())
    }

    fn may_read(&self, who: Who, talk: &Talk, said: &Said, at: u64) -> bool {
        if said.talk != *talk {
            return false;
        }
        let me = self.speaker(who);
        let Talk::Room(serial) = talk else {
            // What a blocked person said is hers alone.
            return said.audience.is_none() || said.speaker == me;
        };
        let Some((key, room)) = self.rooms.iter().find(|(_, room)| room.serial == *serial) else { return false };
        let roles = room.members.get(&who).copied().unwrap_or_default();
        let hears = said.audience.is_none_or(|least| roles.at_least(least)) || said.speaker == me;
        let since = self.joined.get(&(*serial, me)).copied().unwrap_or(u64::MAX);
        let was_there = !room.has(RoomFlag::HistorySinceJoin) || self.acts_as_owner_in(key, who) || said.order >= since;
        let kept_since = room.retention.map_or(0, |seconds| at.saturating_sub(u64::from(seconds) * 1000));
        hears && was_there && said.message.timestamp.0 >= kept_since
    }
}
