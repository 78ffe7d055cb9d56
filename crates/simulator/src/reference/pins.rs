//! Messages that are kept in view.

use super::*;

impl Reference {
    pub(super) fn pin(&self, who: Who, message: &Message) -> Permission {
        let (key, _) = self.place_of(who, message.id)?;
        // The workload pins in rooms alone.
        let Some(key) = key else { return no("CannotPin") };
        self.may_pin(who, &key)?;
        self.still_there(message.id)?;
        if message.audience.is_some() {
            return no("CannotPin");
        }
        if self.said[&message.id].is_pinned {
            return no("AlreadyPinned");
        }
        let talk = &self.said[&message.id].talk;
        let pinned = self.said.values().filter(|said| said.talk == *talk && said.is_pinned).count();
        if pinned >= PINS { no("TooManyPins") } else { Ok(()) }
    }

    pub(super) fn unpin(&self, who: Who, room: &str, id: MessageId) -> Permission {
        let key = self.insider(who, room)?;
        self.may_pin(who, &key)?;
        let is_pinned = |said: &Said| said.talk == Talk::Room(self.rooms[&key].serial) && said.is_pinned;
        if self.said.get(&id).is_some_and(is_pinned) { Ok(()) } else { no("NotPinned") }
    }

    pub(super) fn may_pin(&self, who: Who, key: &str) -> Permission {
        if self.rooms[key].is_group { Ok(()) } else { self.ranks(who, key, Role::HalfOperator) }
    }

    /// Whoever asked was told, if she may, and else not.
    pub(super) fn set_pinned(
        &mut self,
        command: &Command,
        permitted: Permission,
        id: MessageId,
        pinned: bool,
        line: &Applied<'_>,
    ) -> Result<Vec<String>, String> {
        let is_it = |what: &What| matches!(what, What::Pinned { target, on, .. } if *target == id && *on == pinned);
        let seen = line.events.iter().any(|event| matches!(event, Event::Happened(event) if is_it(&event.what)));
        if permitted.is_ok() != seen {
            return Err(format!("{command:?}: expected {permitted:?}, and it was otherwise"));
        }
        if let (Ok(()), Some(said)) = (&permitted, self.said.get_mut(&id)) {
            said.is_pinned = pinned;
        }
        Ok(permitted.err().into_iter().collect())
    }
}
