//! What becomes of messages after they were said.

use super::*;

impl Reference {
    /// The message has another text, or none any more, if it may, and whoever asked for it was told.
    pub(super) fn change(
        &mut self,
        command: &Command,
        permitted: Permission,
        id: MessageId,
        text: Option<&str>,
        line: &Applied<'_>,
    ) -> Result<Vec<String>, String> {
        let is_it = |what: &What| match what {
            What::Redacted { target, .. } => text.is_none() && *target == id,
            What::Edited { target, text: new, .. } => text == Some(new) && *target == id,
            _ => false,
        };
        let seen = line.events.iter().any(|event| matches!(event, Event::Happened(event) if is_it(&event.what)));
        if permitted.is_ok() != seen {
            return Err(format!("{command:?}: expected {permitted:?}, and it was otherwise"));
        }
        if let (Ok(()), Some(said)) = (&permitted, self.said.get_mut(&id)) {
            said.state = if text.is_some() { MessageState::Edited } else { MessageState::Redacted };
            said.text = text.map(str::to_owned);
            said.is_pinned &= text.is_some();
        }
        Ok(permitted.err().into_iter().collect())
    }

    /// The name of the room that a message was said in, as it is now, for someone who is in it, or `None` for one of her
    /// direct conversations; and whether she said it.
    pub(super) fn place_of(&self, who: Who, id: MessageId) -> Result<(Option<String>, bool), String> {
        let said = self.said.get(&id).ok_or("NoSuchMessage")?;
        let me = self.speaker(who);
        let key = match &said.talk {
            Talk::Room(serial) => {
                let room = self.rooms.values().find(|room| room.serial == *serial).ok_or("NoSuchMessage")?;
                Some(self.insider(who, &room.name)?)
            }
            // A conversation among guests ends with one of them.
            Talk::Direct(one, other) => {
                let goes_on = |side: &str| self.name_of(side).is_some() || self.accounts.contains_key(&me);
                let is_there = goes_on(one) && goes_on(other);
                if !is_there || ![one, other].contains(&&me) {
                    return no("NoSuchMessage");
                }
                None
            }
        };
        Ok((key, said.speaker == me))
    }

    pub(super) fn still_there(&self, id: MessageId) -> Permission {
        if self.said[&id].state == MessageState::Redacted { no("NoSuchMessage") } else { Ok(()) }
    }

    /// An author has a day.
    fn in_time(&self, id: MessageId, line: &Applied<'_>) -> Permission {
        let said = self.said[&id].message.timestamp.0;
        if line.at.saturating_sub(said) > 24 * 3_600_000 { no("TooLate") } else { Ok(()) }
    }

    pub(super) fn redact(&self, who: Who, id: MessageId, line: &Applied<'_>) -> Permission {
        let (key, is_own) = self.place_of(who, id)?;
        let moderates = key.is_some_and(|key| self.ranks(who, &key, Role::HalfOperator).is_ok());
        if !moderates {
            if !is_own {
                return no("NotTheAuthor");
            }
            self.in_time(id, line)?;
        }
        self.still_there(id)
    }

    pub(super) fn edit(&self, who: Who, id: MessageId, between_programs: bool, line: &Applied<'_>) -> Permission {
        let (key, is_own) = self.place_of(who, id)?;
        if !is_own {
            return no("NotTheAuthor");
        }
        self.in_time(id, line)?;
        if let Some(key) = key {
            if self.is_screened(who, &key) {
                return no("CannotSpeak Screened");
            }
            self.may_speak(who, &key, between_programs, None, line)?;
        }
        self.still_there(id)
    }
}
