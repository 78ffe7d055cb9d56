//! Moving among conversations and in one.

use client_core::conversations::What;
use client_core::{Anchor, Page};
use ratatui::layout::Position;

use super::{App, Jump, Listed, Overlay};

impl App {
    pub(super) fn go_along(&mut self, step: isize) {
        let list = self.whole_list();
        if list.is_empty() {
            return;
        }
        let is_present = |listed: &Listed| listed.server == self.place && listed.name == self.present_name();
        let at = list.iter().position(is_present).unwrap_or(0);
        let count = list.len().cast_signed();
        let next = &list[(at.cast_signed() + step).rem_euclid(count).cast_unsigned()];
        self.go_to(next.server, &next.name);
    }

    pub(super) fn go_to_unread(&mut self) {
        let mut list = self.whole_list();
        list.retain(|listed| {
            listed.unread > 0
                && (!listed.muted || listed.mentions > 0)
                && !(listed.server == self.place && listed.name == self.present_name())
        });
        list.sort_by_key(|listed| std::cmp::Reverse(listed.mentions > 0));
        match list.first() {
            Some(listed) => self.go_to(listed.server, &listed.name),
            None => self.hint = Some("Nothing is unread elsewhere.".to_owned()),
        }
    }

    pub fn show_end(&mut self) {
        let name = self.present_name().to_owned();
        let at_end = self.conversations.find(&name).is_none_or(|found| found.is_at_end());
        if !at_end {
            self.conversations.return_to_end(&name);
        }
        let view = self.view();
        view.anchor = None;
        view.selected = None;
        view.jump = None;
    }

    pub(super) fn jump_to_unread(&mut self) {
        let name = self.present_name().to_owned();
        let from = self.view().unread_from;
        match from {
            Some(marker) => self.jump(&name, Jump::Unread(marker)),
            None => self.hint = Some("Nothing was unread here.".to_owned()),
        }
    }

    pub(super) fn jump(&mut self, name: &str, jump: Jump) {
        let conversation = self.conversations.open(name);
        let is_there = match &jump {
            Jump::Message(id) => conversation.message(id).is_some(),
            Jump::Unread(marker) => {
                conversation.begins_here()
                    || conversation.entries().front().is_some_and(|entry| entry.timestamp <= *marker)
            }
        };
        let anchor = match &jump {
            Jump::Message(id) => Anchor::Message(id.as_str().into()),
            Jump::Unread(marker) => Anchor::Time(*marker),
        };
        self.views.entry(name.to_owned()).or_default().jump = Some(jump);
        if is_there {
            self.jump_if_there(name);
        } else if !self.connection.ask_history(self.now, name, Page::Around(anchor)) {
            self.views.entry(name.to_owned()).or_default().jump = None;
            self.hint = Some("What was said then cannot be loaded just now.".to_owned());
        }
    }

    pub(super) fn jump_if_there(&mut self, name: &str) {
        let Some(conversation) = self.conversations.find(name) else { return };
        let Some(view) = self.views.get_mut(conversation.name.as_str()) else { return };
        let entries = conversation.entries();
        let found = match &view.jump {
            Some(Jump::Message(id)) => conversation.message(id).map(|(at, _)| at),
            Some(Jump::Unread(marker)) => {
                entries.iter().position(|entry| entry.timestamp > *marker && entry.said().is_some_and(|said| !said.own))
            }
            None => None,
        };
        if let Some(at) = found {
            let is_message = matches!(view.jump, Some(Jump::Message(_)));
            view.jump = None;
            view.selected = is_message.then(|| entries[at].id);
            // A few below it, so that it stands amid what was said around it.
            let below = if is_message { at + 4 } else { at + usize::from(self.places.timeline.height / 2) };
            view.anchor = entries.get(below).map(|entry| (entry.id, 0));
            if view.anchor.is_none() && !conversation.is_at_end() {
                view.anchor = entries.back().map(|entry| (entry.id, 0));
            }
        }
    }

    /// Puts what the mouse was drawn over into the clipboard.
    pub(super) fn copy_dragged(&mut self, from: Position, to: Position) {
        let text = self.places.text_between(from, to);
        if !text.trim().is_empty() {
            self.copy(text);
        }
    }

    /// Up is positive.
    pub fn scroll(&mut self, rows: isize) {
        if let Some(Overlay::Keys { scrolled } | Overlay::Help { scrolled }) = &mut self.overlay {
            *scrolled = scrolled.saturating_add_signed(i16::try_from(-rows).unwrap_or(0));
            return;
        }
        if let Some(Overlay::Wire { scrolled, .. }) = &mut self.overlay {
            *scrolled = scrolled.saturating_add_signed(rows).min(self.wire.lines().len().saturating_sub(1));
            return;
        }
        let name = self.present_name().to_owned();
        self.scroll_by(&name, rows);
    }

    pub(super) fn select(&mut self, step: isize) {
        let name = self.present_name().to_owned();
        let Some(conversation) = self.conversations.find(&name) else { return };
        let entries = conversation.entries();
        let can = |at: usize| matches!(entries[at].what, What::Said(_) | What::Failed(_));
        let view = self.views.entry(name.clone()).or_default();
        let at = match view.selected.and_then(|id| conversation.place_of(id)) {
            Some(at) if step < 0 => (0..at).rev().find(|at| can(*at)).or(Some(at)),
            Some(at) => (at + 1..entries.len()).find(|at| can(*at)),
            None if step < 0 => {
                let last = view.visible.and_then(|(_, last)| conversation.place_of(last)).unwrap_or(entries.len());
                (0..entries.len().min(last + 1)).rev().find(|at| can(*at))
            }
            None => None,
        };
        view.selected = at.map(|at| entries[at].id);
        if let Some(at) = at
            && let Some((first, last)) = view.visible
        {
            let id = entries[at].id;
            let first = conversation.place_of(first).unwrap_or(0);
            let last = conversation.place_of(last).unwrap_or(entries.len());
            if at > last {
                view.anchor = if at + 1 == entries.len() { None } else { Some((id, 0)) };
            } else if at <= first {
                let height = usize::from(self.places.timeline.height);
                self.scroll_by(&name, isize::try_from(height / 2).unwrap_or(5));
            }
        } else if at.is_none() && step > 0 {
            self.show_end();
        }
    }

    pub(super) fn show_parent(&mut self) {
        let Some(id) = self.view().selected else { return };
        let name = self.present_name().to_owned();
        let parent = self
            .conversations
            .find(&name)
            .and_then(|found| found.entry(id)?.said()?.reply_to.as_ref().map(ToString::to_string));
        match parent {
            Some(parent) => self.jump(&name, Jump::Message(parent)),
            None => self.hint = Some("This message answers no other.".to_owned()),
        }
    }
}
