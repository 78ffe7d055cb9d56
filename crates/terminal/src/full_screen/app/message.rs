//! What can be done with the message that is selected.

use client_core::conversations::{EntryId, What};

use super::App;
use crate::full_screen::composer::Purpose;

impl App {
    /// Id, text, and whether it is one's own.
    pub(super) fn selected_message(&mut self) -> Option<(String, String, bool)> {
        let id = self.view().selected?;
        let said = self.conversations.find(self.present_name())?.entry(id)?.said()?;
        if said.id.is_empty() || said.deleted.is_some() {
            self.hint = Some("Nothing can be done with this one.".to_owned());
            return None;
        }
        Some((said.id.to_string(), said.payload.clone(), said.own))
    }

    pub(super) fn selected_text(&mut self) -> Option<String> {
        let id = self.view().selected?;
        let entry = self.conversations.find(self.present_name())?.entry(id)?;
        match &entry.what {
            What::Said(said) => Some(said.payload.clone()),
            What::Failed { payload, .. } => Some(payload.clone()),
            _ => None,
        }
    }

    pub(super) fn answer(&mut self) {
        let Some(id) = self.view().selected else { return };
        let Some((message_id, payload, _)) = self.selected_message() else { return };
        let sender = self
            .conversations
            .find(self.present_name())
            .and_then(|found| found.entry(id)?.said().map(|said| said.sender.name.to_string()))
            .unwrap_or_default();
        let view = self.view();
        view.selected = None;
        let brief = format!("{sender}: {}", payload.replace('\n', " "));
        view.composer.purpose = Some(Purpose::Answer { message_id, brief });
    }

    pub(super) fn delete(&mut self, asked_before: Option<EntryId>) {
        let Some(id) = self.view().selected else { return };
        let name = self.present_name().to_owned();
        if self.conversations.take_failed(&name, id).is_some() {
            self.view().selected = None;
            return;
        }
        let Some((message_id, _, own)) = self.selected_message() else { return };
        if !own && !self.moderates(&name) {
            self.hint = Some("Only your own messages can be deleted by you here.".to_owned());
        } else if asked_before == Some(id) {
            self.view().selected = None;
            if !self.connection.delete(&name, &message_id) {
                self.hint =
                    Some("Nothing can be deleted just now: there is no link, or the server cannot do it.".into());
            }
        } else {
            self.view().deleting = Some(id);
            self.hint = Some("Press x once more to delete this message for everyone.".to_owned());
        }
    }

    /// The keys that do something with what is selected.
    pub fn offered_actions(&mut self) -> String {
        let name = self.present_name().to_owned();
        let moderates = self.moderates(&name);
        let selected = self.view().selected;
        let entry = self.conversations.find(&name).and_then(|found| found.entry(selected?));
        let mut actions = Vec::new();
        match entry.map(|entry| &entry.what) {
            Some(What::Said(said)) if !said.id.is_empty() && said.deleted.is_none() => {
                actions.extend(["r answer", "+ react"]);
                actions.extend(said.own.then_some("e edit"));
                actions.extend((said.own || moderates).then_some("x delete"));
                actions.push("c copy");
                actions.extend(said.reply_to.as_ref().map(|_| "p parent"));
            }
            Some(What::Failed { .. }) => actions.extend(["u again", "x away", "c copy"]),
            _ => {}
        }
        actions.push("Esc");
        actions.join("  ")
    }

    /// Whether one may take others' messages away: half-operators and above.
    pub(super) fn moderates(&self, room: &str) -> bool {
        let rooms = self.connection.rooms();
        rooms.find(room).is_some_and(|room| {
            room.members()
                .find(|member| rooms.same(&member.name, self.connection.name()))
                .is_some_and(|member| member.ranks.contains(['~', '&', '@', '%']))
        })
    }

    pub(super) fn react(&mut self, conversation: &str, message_id: &str, reaction: &str) {
        let given = self
            .conversations
            .find(conversation)
            .and_then(|found| found.message(message_id))
            .is_some_and(|(_, said)| said.reactions.iter().any(|known| known.text == reaction && known.own));
        self.view().selected = None;
        if !self.connection.react(conversation, message_id, reaction, !given) {
            self.hint = Some("Nobody can be told just now: there is no link, or the server cannot do it.".to_owned());
        }
    }

    pub(super) fn send_again(&mut self) {
        let Some(id) = self.view().selected else { return };
        let name = self.present_name().to_owned();
        if let Some((payload, kind)) = self.conversations.take_failed(&name, id) {
            self.view().selected = None;
            let _ = self.connection.post_reply(self.now, &name, &payload, kind, None);
        }
    }
}
