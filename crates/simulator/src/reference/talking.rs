//! Who is told what.

use super::*;

impl Reference {
    /// Who speaks: an account on any device, a guest in one stay.
    pub(super) fn speaker(&self, who: Who) -> String {
        self.people[&who].account.clone().unwrap_or_else(|| format!("guest {who}"))
    }

    /// Whom a name stands for who can be spoken to: someone here, or an account that is away.
    pub(super) fn speaker_named(&self, name: &str) -> Option<String> {
        let account = name.to_lowercase();
        let away = || self.accounts.contains_key(&account).then(|| account.clone());
        self.named(name).map(|who| self.speaker(who)).or_else(away)
    }

    /// What a speaker is called now; `None`: a guest who has gone.
    pub(super) fn name_of(&self, speaker: &str) -> Option<&str> {
        let here = self.people.iter().find(|(who, _)| self.speaker(**who) == speaker);
        here.map(|(_, person)| person.name.as_str())
            .or_else(|| self.accounts.get(speaker).map(|account| account.name.as_str()))
    }

    /// The message that this one was said as already, by the same speaker in the same conversation under the same key.
    pub(super) fn said_under(&self, who: Who, post: &Post, at: u64) -> Option<MessageId> {
        const DAY_MS: u64 = 24 * 3_600_000;
        let key = post.once.as_ref().filter(|_| post.kind != MessageKind::Signal)?;
        let speaker = self.speaker(who);
        let talk = match &post.to {
            Recipient::Room { name, .. } => Talk::Room(self.room(name.text())?.serial),
            Recipient::Person { name } => Talk::between(speaker.clone(), self.speaker_named(name.text())?),
        };
        let is_it = |said: &&Said| {
            said.talk == talk
                && said.speaker == speaker
                && said.message.once.as_ref() == Some(key)
                && at < said.message.timestamp.0 + DAY_MS
        };
        self.said.values().find(is_it).map(|said| said.message.id)
    }

    /// Nothing is said, and whoever asked is told what was.
    pub(super) fn repeat(&self, who: Who, post: &Post, line: &Applied<'_>) -> Result<(), String> {
        let expected = self.said_under(who, post, line.at);
        let told = line.answers.iter().find_map(|answer| match answer {
            Answer::Repeated { id, .. } => Some(*id),
            _ => None,
        });
        let was_said = line.events.iter().any(|event| matches!(event, Event::Posted(_)));
        if told != expected || was_said {
            return Err(format!("{post:?} was said before as {expected:?}: told {told:?}, said again: {was_said}"));
        }
        Ok(())
    }

    pub(super) fn note_said(&mut self, who: Who, to: &Recipient, events: &[Event]) {
        let speaker = self.speaker(who);
        let talk = match to {
            Recipient::Room { name, .. } => self.room(name.text()).map(|room| Talk::Room(room.serial)),
            Recipient::Person { name } => {
                self.speaker_named(name.text()).map(|other| Talk::between(speaker.clone(), other))
            }
        };
        let Some(talk) = talk else { return };
        for event in events {
            let Event::Posted(message) = event else { continue };
            if let Talk::Direct(one, other) = &talk
                && message.recipient_id.is_some()
            {
                let accounts = [one, other].iter().filter(|side| self.accounts.contains_key(**side)).count();
                let guest = [one, other].into_iter().find(|side| !self.accounts.contains_key(*side));
                let guest = guest.filter(|_| accounts == 1).and_then(|guest| self.name_of(guest)).map(str::to_owned);
                self.talks.entry(talk.clone()).or_insert((message.room, guest));
            }
            let is_there = match &talk {
                Talk::Direct(..) => message.recipient_id.is_some(),
                Talk::Room(serial) => self.room(&message.addressed_to).is_some_and(|room| room.serial == *serial),
            };
            if message.kind != MessageKind::Signal && is_there {
                let said = Said {
                    talk: talk.clone(),
                    speaker: speaker.clone(),
                    audience: message.audience,
                    order: self.order,
                    state: MessageState::AsSaid,
                    is_pinned: false,
                    text: None,
                    message: message.clone(),
                };
                self.said.entry(message.id).or_insert(said);
            }
        }
    }

    pub(super) fn post_to_room(
        &mut self,
        who: Who,
        line: &Applied<'_>,
        name: &str,
        at_least: Option<Role>,
        post: &Post,
        consequences: &mut Consequences,
    ) -> Permission {
        let (session, key) = (line.session, name.to_lowercase());
        let Some(room) = self.rooms.get(&key) else { return no("NoSuchRoom") };
        let is_slow = room.slow.filter(|_| post.kind != MessageKind::Signal);
        match &post.relayed_as {
            None => self.may_speak(who, &key, post.between_programs, is_slow, line)?,
            Some(name) => self.may_relay(who, &key, name.text(), post.between_programs)?,
        }
        let is_screened = post.relayed_as.is_none() && self.is_screened(who, &key);
        let screened = is_screened.then_some(Role::HalfOperator);
        let at_least = at_least.max(screened);
        let (person, speaker) = (&self.people[&who], self.speaker(who));
        let hears = |roles: &Roles| at_least.is_none_or(|role| roles.at_least(role));
        let hearers = room.members.iter().filter(|(_, roles)| hears(roles));
        let mut sessions: BTreeMap<SessionId, bool> = hearers
            .flat_map(|(hearer, _)| &self.people[hearer].sessions)
            .map(|hearer| (*hearer, *hearer == session))
            .collect();
        // Whoever speaks to a rank that is not hers hears it all the same, on all devices.
        if at_least.is_some() && !sessions.keys().any(|hearer| person.sessions.contains(hearer)) {
            sessions.extend(person.sessions.iter().map(|own| (*own, *own == session)));
        }
        sessions.entry(session).or_insert(true);
        let name = room.name.clone();
        self.tell(&sessions, &name, post, consequences);
        if is_slow.is_some() {
            self.room_mut(&key).spoke.insert(speaker, line.at);
        }
        if post.kind != MessageKind::Signal {
            self.room_mut(&key).has_past = true;
        }
        Ok(())
    }

    pub(super) fn change_accepted(&mut self, who: Who, on: bool, name: &str) -> Permission {
        let Some(whom) = self.named(name) else { return no("NoSuchClient") };
        let whom = self.speaker(whom);
        let accepted = &mut self.person_mut(who).accepted;
        match on {
            true if !accepted.insert(whom.clone()) => no("AlreadyAccepted"),
            false if !accepted.remove(&whom) => no("NotAccepted"),
            _ => Ok(()),
        }
    }

    pub(super) fn post_to_person(
        &mut self,
        who: Who,
        session: SessionId,
        secure: bool,
        name: &str,
        post: &Post,
        consequences: &mut Consequences,
    ) -> Permission {
        let own = |sender: &Person| -> BTreeMap<SessionId, bool> {
            sender.sessions.iter().map(|own| (*own, *own == session)).collect()
        };
        let account = || self.present_as(&name.to_lowercase());
        let Some(to) = self.named(name).or_else(account) else {
            // An account that is not here reads on its return what was said to it.
            let sender = &self.people[&who];
            let key = name.to_lowercase();
            let absent = self.accounts.get(&key).filter(|_| post.kind != MessageKind::Signal);
            let Some(absent) = absent else { return no("NoSuchClient") };
            self.tell(&own(sender), &absent.name, post, consequences);
            return Ok(());
        };
        let (sender, recipient) = (&self.people[&who], &self.people[&to]);
        let is_accepted = recipient.accepted.contains(&self.speaker(who));
        let takes = |mode: PersonalMode| recipient.modes.contains(&(mode as u8));
        if to != who && takes(PersonalMode::AccountsOnly) && sender.account.is_none() && !is_accepted {
            return no("RecipientWantsAccounts");
        }
        if to != who && recipient.modes.contains(&(PersonalMode::SecureOnly as u8)) && !secure {
            return no("RecipientWantsSecure");
        }
        if to != who && takes(PersonalMode::NoCtcp) && post.between_programs {
            return no("RecipientWantsNoCtcp");
        }
        // Whoever is written to may answer.
        let hers = sender.modes.contains(&(PersonalMode::AccountsOnly as u8));
        if to != who && hers && post.kind != MessageKind::Signal && recipient.account.is_none() {
            let answers = self.speaker(to);
            self.person_mut(who).accepted.insert(answers);
        }
        let (sender, recipient) = (&self.people[&who], &self.people[&to]);
        let mut sessions = own(sender);
        sessions.extend(recipient.sessions.iter().map(|theirs| (*theirs, false)));
        let name = recipient.name.clone();
        self.tell(&sessions, &name, post, consequences);
        if to == who {
            // What one says to oneself is received, and echoed.
            self.tell(&BTreeMap::from([(session, true)]), &name, post, consequences);
        }
        Ok(())
    }

    pub(super) fn tell(
        &self,
        to: &BTreeMap<SessionId, bool>,
        name: &str,
        post: &Post,
        consequences: &mut Consequences,
    ) {
        let Some(number) = number_in(&post.text).filter(|_| post.kind != MessageKind::Signal) else { return };
        let telling =
            |(session, own): (&SessionId, &bool)| Telling { session: *session, to: name.to_owned(), number, own: *own };
        consequences.tellings.extend(to.iter().map(telling));
    }
}
