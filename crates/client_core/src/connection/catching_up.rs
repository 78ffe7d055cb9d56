//! What was said in a room while the link was down, read when it is back (IRCv3 draft chathistory). What is said meanwhile
//! waits behind it, so that everything is shown once and in the room's order.

use std::time::Duration;

use compact_str::CompactString;
use wire::{Capability, LineWriter};

use super::Connection;
use crate::change::{Change, Message};
use crate::moment::Moment;

/// Messages asked for at once, where the server does not set a lower bound.
const PAGE: usize = 100;
/// Pages read of one room. Whoever was away for longer reads on elsewhere.
const MOST_PAGES: usize = 20;
/// Changes of one room that wait for its history. One more, and history is not waited for any longer.
const MOST_HELD: usize = 512;
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// One room whose history is being read.
#[derive(Debug)]
pub(super) struct CatchUp {
    room: CompactString,
    /// The batch that brings the page, once it is open.
    reference: Option<CompactString>,
    asked_at: Duration,
    pages: usize,
    in_page: usize,
    /// All that history brought, to know it again when it comes as an echo too.
    ids: Vec<CompactString>,
    held: Vec<Change>,
}

impl Connection {
    /// One is in a room again in which one has read up to a known message.
    pub(super) fn catch_up(&mut self, now: Moment, room: &str) {
        let known = self.rooms.find(room).and_then(|room| room.last_message.clone());
        if let Some(known) = known
            && self.link.capabilities.contains(Capability::Chathistory)
            && self.catch_up_of(room).is_none()
        {
            self.link.catching_up.push(CatchUp {
                room: room.into(),
                reference: None,
                asked_at: now.since_start,
                pages: 0,
                in_page: 0,
                ids: Vec::new(),
                held: Vec::new(),
            });
            self.ask_for_page(room, &known);
        }
    }

    fn ask_for_page(&mut self, room: &str, after: &str) {
        let limit = self.page().to_string();
        LineWriter::new(&mut self.output)
            .verb("CHATHISTORY")
            .param("AFTER")
            .param(room)
            .param_fmt(format_args!("msgid={after}"))
            .param(&limit)
            .end();
    }

    fn page(&self) -> usize {
        // 0: the server sets no bound.
        match self.link.history_page {
            0 => PAGE,
            most => most.min(PAGE),
        }
    }

    fn catch_up_of(&self, room: &str) -> Option<usize> {
        self.link.catching_up.iter().position(|catch_up| self.rooms.same(&catch_up.room, room))
    }

    /// A message of a room has come: it is shown, or waits for what was said before it, or was shown already.
    pub(super) fn message_added(
        &mut self,
        message: Message,
        batch: Option<&str>,
        changes: &mut Vec<Change>,
    ) -> Arrived {
        let catch_up = if message.direct { None } else { self.catch_up_of(&message.room_name) };
        let Some(at) = catch_up else {
            self.note_last_message(&message);
            changes.push(Change::MessageAdded(message));
            return Arrived::Shown;
        };
        let catch_up = &mut self.link.catching_up[at];
        let is_known = message.id.as_ref().is_some_and(|id| catch_up.ids.contains(id));
        if batch.is_some() && batch == catch_up.reference.as_deref() {
            catch_up.in_page += 1;
            if !is_known {
                catch_up.ids.extend(message.id.clone());
                self.note_last_message(&message);
                changes.push(Change::MessageAdded(message));
            }
            return Arrived::FromHistory;
        }
        if catch_up.held.len() >= MOST_HELD {
            self.stop_catching_up(at, Some("too much is being said meanwhile"), changes);
            self.note_last_message(&message);
            changes.extend((!is_known).then_some(Change::MessageAdded(message)));
            return Arrived::Shown;
        }
        if !is_known {
            catch_up.held.push(Change::MessageAdded(message));
        }
        Arrived::Held(at)
    }

    /// Where changes go that follow from a message.
    pub(super) fn behind<'c>(&'c mut self, arrived: &Arrived) -> Option<&'c mut Vec<Change>> {
        match arrived {
            Arrived::Held(at) => self.link.catching_up.get_mut(*at).map(|catch_up| &mut catch_up.held),
            Arrived::Shown | Arrived::FromHistory => None,
        }
    }

    fn note_last_message(&mut self, message: &Message) {
        if let (false, Some(id)) = (message.direct, &message.id)
            && let Some(room) = self.rooms.find_mut(&message.room_name)
        {
            room.last_message = Some(id.clone());
        }
    }

    /// A batch of history begins. Whether it is one that was asked for here.
    pub(super) fn page_begins(&mut self, reference: &str, room: &str) -> bool {
        let Some(at) = self.catch_up_of(room) else {
            return false;
        };
        self.link.catching_up[at].reference = Some(reference.into());
        true
    }

    /// A batch has ended. Whether it was a page of history.
    pub(super) fn page_ends(&mut self, now: Moment, reference: &str, changes: &mut Vec<Change>) -> bool {
        let is_it = |catch_up: &CatchUp| catch_up.reference.as_deref() == Some(reference);
        let Some(at) = self.link.catching_up.iter().position(is_it) else {
            return false;
        };
        let page = self.page();
        let catch_up = &mut self.link.catching_up[at];
        catch_up.reference = None;
        catch_up.pages += 1;
        let is_full = std::mem::take(&mut catch_up.in_page) >= page;
        let room = catch_up.room.clone();
        let last = catch_up.ids.last().cloned().filter(|_| is_full);
        match last {
            Some(last) if catch_up.pages < MOST_PAGES => {
                catch_up.asked_at = now.since_start;
                self.ask_for_page(&room, &last);
            }
            Some(_) => self.stop_catching_up(at, Some("there is more than can be read at once"), changes),
            None => self.stop_catching_up(at, None, changes),
        }
        true
    }

    /// The server refused to tell. Whether it was about history that was asked for here.
    pub(super) fn page_refused(&mut self, context: &[&str], changes: &mut Vec<Change>) -> bool {
        let asked = context.iter().find_map(|word| self.catch_up_of(word));
        if let Some(at) = asked {
            self.stop_catching_up(at, context.last().copied(), changes);
        }
        asked.is_some()
    }

    /// Nothing waits for long for a server that does not answer.
    pub(super) fn watch_catching_up(&mut self, now: Duration, changes: &mut Vec<Change>) {
        let is_over = |catch_up: &CatchUp| now >= catch_up.asked_at + PATIENCE;
        while let Some(at) = self.link.catching_up.iter().position(is_over) {
            self.stop_catching_up(at, Some("the server does not tell it in time"), changes);
        }
    }

    pub(super) fn catching_up_until(&self) -> Option<Duration> {
        self.link.catching_up.iter().map(|catch_up| catch_up.asked_at + PATIENCE).min()
    }

    /// The link is gone: what waits is all that there will be.
    pub(super) fn release_held(&mut self, changes: &mut Vec<Change>) {
        while !self.link.catching_up.is_empty() {
            self.stop_catching_up(0, Some("the link was lost again"), changes);
        }
    }

    /// Shows what waited. `gap`: why something in between may be missing.
    fn stop_catching_up(&mut self, at: usize, gap: Option<&str>, changes: &mut Vec<Change>) {
        let catch_up = self.link.catching_up.remove(at);
        if let Some(why) = gap {
            let sentence =
                format!("Not all that was said in {} while you were away is shown here ({why}).", catch_up.room);
            changes.push(Change::Information { sentence });
        }
        for change in catch_up.held {
            // After a gap too: it has been told, and asking for the same again would tell it for ever.
            if let Change::MessageAdded(message) = &change {
                self.note_last_message(message);
            }
            changes.push(change);
        }
    }
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    Shown,
    /// Said in the past: it acknowledges nothing.
    FromHistory,
    /// It waits for the history of this place among those that are being read.
    Held(usize),
}
