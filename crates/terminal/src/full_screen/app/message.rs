//! What can be done with the message that is selected, and with a conversation as a whole.

use client_core::conversations::{EntryId, Said, What};
use client_core::slash_command::is_room;

use super::overlay::{Looking, Overlay};
use super::{App, SERVER};
use crate::full_screen::composer::Purpose;
use crate::full_screen::keys::Action;

impl App {
    pub(super) fn act_on_message(&mut self, action: Action, deleting: Option<EntryId>) {
        match action {
            Action::Reply => self.answer(),
            Action::Quote => self.quote(),
            Action::React => {
                if let Some((message_id, _, _)) = self.selected_message() {
                    let conversation = self.present_name().to_owned();
                    self.overlay = Some(Overlay::Reactions { conversation, message_id, typed: String::new(), at: 0 });
                }
            }
            Action::Edit => match self.selected_message() {
                Some((message_id, payload, true)) => {
                    let view = self.view();
                    view.selected = None;
                    view.composer.set_text(&payload);
                    view.composer.purpose = Some(Purpose::Edit { message_id });
                }
                Some(_) => self.hint = Some("Only your own messages can be edited.".to_owned()),
                None => {}
            },
            Action::Delete => self.delete(deleting),
            Action::Copy => {
                if let Some(text) = self.selected_text() {
                    self.copy(text);
                }
            }
            Action::Open => self.open_link(),
            Action::Parent => self.show_parent(),
            Action::Pin => self.pin(),
            Action::Report => self.report(),
            Action::Again => self.send_again(),
            _ => {}
        }
    }

    pub(super) fn copy(&mut self, text: String) {
        self.copied = Some(text);
        self.hint = Some("Copied, if your terminal lets programs copy (OSC 52).".to_owned());
    }

    fn selected_said(&self) -> Option<&Said> {
        let id = self.views.get(self.present_name())?.selected?;
        self.conversations.find(self.present_name())?.entry(id)?.said()
    }

    /// Id, text, and whether it is one's own.
    fn selected_message(&mut self) -> Option<(String, String, bool)> {
        let said = self.selected_said()?;
        if said.id.is_empty() || said.deleted.is_some() {
            self.hint = Some("Nothing can be done with this one.".to_owned());
            return None;
        }
        Some((said.id.to_string(), said.payload.clone(), said.own))
    }

    fn selected_text(&mut self) -> Option<String> {
        let id = self.view().selected?;
        let entry = self.conversations.find(self.present_name())?.entry(id)?;
        match &entry.what {
            What::Said(said) => Some(said.payload.clone()),
            What::Failed(failed) => Some(failed.payload.clone()),
            _ => None,
        }
    }

    fn answer(&mut self) {
        let Some((message_id, payload, _)) = self.selected_message() else { return };
        let sender = self.selected_said().map(|said| said.sender.name.to_string()).unwrap_or_default();
        let view = self.view();
        view.selected = None;
        let brief = format!("{sender}: {}", payload.replace('\n', " "));
        view.composer.purpose = Some(Purpose::Answer { message_id, brief });
    }

    /// Its lines stand in what one writes, each behind a `>`.
    fn quote(&mut self) {
        let Some(text) = self.selected_text() else { return };
        let quoted: String = text.lines().map(|line| format!("> {line}\n")).collect();
        let view = self.view();
        view.selected = None;
        view.composer.insert(&quoted);
    }

    fn delete(&mut self, asked_before: Option<EntryId>) {
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
            let key = self.keymap.first(Action::Delete);
            self.hint = Some(format!("Press {key} once more to delete this message for everyone."));
        }
    }

    /// The keys that do something with what is selected: only what one may do.
    pub fn offered_actions(&mut self) -> String {
        let name = self.present_name().to_owned();
        let selected = self.view().selected;
        let entry = self.conversations.find(&name).and_then(|found| found.entry(selected?));
        let offered: Vec<(Action, &str)> = match entry.map(|entry| &entry.what) {
            Some(What::Said(said)) if !said.id.is_empty() && said.deleted.is_none() => {
                let all = [
                    (Action::Reply, "answer", true),
                    (Action::React, "react", true),
                    (Action::Edit, "edit", said.own),
                    (Action::Delete, "delete", said.own || self.moderates(&name)),
                    (Action::Copy, "copy", true),
                    (Action::Parent, "parent", said.reply_to.is_some()),
                    (Action::Open, "open", link_in(&said.payload).is_some()),
                    (Action::Pin, if said.pinned { "unpin" } else { "pin" }, self.may_pin(&name)),
                    (Action::Quote, "quote", true),
                    (Action::Report, "report", !said.own && self.connection.can_report()),
                ];
                all.into_iter().filter(|(.., may)| *may).map(|(action, words, _)| (action, words)).collect()
            }
            Some(What::Failed(_)) => {
                vec![(Action::Again, "again"), (Action::Delete, "away"), (Action::Copy, "copy")]
            }
            _ => Vec::new(),
        };
        let offered = offered.iter().map(|(action, words)| format!("{} {words}", self.keymap.first(*action)));
        offered.chain(["Esc".to_owned()]).collect::<Vec<_>>().join("  ")
    }

    /// Whether one may take others' messages away: half-operators and above.
    pub fn moderates(&self, room: &str) -> bool {
        let rooms = self.connection.rooms();
        rooms.find(room).is_some_and(|room| {
            room.members()
                .find(|member| rooms.same(&member.name, self.connection.name()))
                .is_some_and(|member| member.ranks.contains(['~', '&', '@', '%']))
        })
    }

    /// A conversation of a few people, in which nobody has a rank.
    pub fn is_group(&self, name: &str) -> bool {
        name.starts_with("#+")
    }

    /// In a room its moderators, among a few everyone.
    pub fn may_pin(&self, name: &str) -> bool {
        self.connection.can_pin() && (!is_room(name) || self.is_group(name) || self.moderates(name))
    }

    fn pin(&mut self) {
        let Some((message_id, _, _)) = self.selected_message() else { return };
        let name = self.present_name().to_owned();
        let pinned = self.selected_said().is_some_and(|said| said.pinned);
        if !self.may_pin(&name) {
            self.hint = Some("Only moderators of this room pin messages here.".to_owned());
        } else {
            self.view().selected = None;
            self.connection.pin(&name, &message_id, !pinned);
        }
    }

    /// What is kept in view here.
    pub(super) fn show_pins(&mut self) {
        let name = self.present_name().to_owned();
        if name != SERVER && self.connection.ask_pins(&name) {
            self.look_for(Looking::Pins(name));
        } else {
            self.hint = Some("Nothing is pinned here: there is no link, or the server cannot do it.".to_owned());
        }
    }

    fn report(&mut self) {
        let Some((message_id, _, own)) = self.selected_message() else { return };
        if own || !self.connection.can_report() {
            let sentence =
                if own { "What you said yourself is not reported." } else { "This server takes no reports." };
            self.hint = Some(sentence.to_owned());
            return;
        }
        let who = self.selected_said().map(|said| said.sender.name.to_string()).unwrap_or_default();
        let conversation = self.present_name().to_owned();
        self.overlay = Some(Overlay::Report { conversation, message_id, who, typed: String::new() });
    }

    fn open_link(&mut self) {
        let link = self.selected_text().as_deref().and_then(link_in).map(str::to_owned);
        match link {
            Some(link) => self.opened = Some(link),
            None => self.hint = Some("There is no link in this message.".to_owned()),
        }
    }

    /// `on`: or the other way than it is.
    pub(super) fn mute(&mut self, on: Option<bool>) {
        let name = self.present_name().to_owned();
        let on = on.unwrap_or(!self.conversations.find(&name).is_some_and(|found| found.is_muted()));
        if name == SERVER || !self.connection.mute(&name, on) {
            self.hint = Some("Nothing can be muted just now: there is no link, or the server cannot do it.".to_owned());
        } else if on {
            self.hint =
                Some(format!("{name} is muted on all your devices; {} ends that.", self.keymap.first(Action::Mute)));
        }
    }

    /// What is here, or all of the server's, whether it was seen or not.
    pub(super) fn take_for_read(&mut self, all: bool) {
        let names: Vec<String> = if all {
            let unread = self.conversations.iter().filter(|found| found.unread().number > 0);
            unread.map(|found| found.name.to_string()).collect()
        } else {
            vec![self.present_name().to_owned()]
        };
        for name in names.iter().filter(|name| *name != SERVER) {
            if let Some(up_to) = self.conversations.read_all(name, self.now.wall) {
                self.connection.mark_read(name, up_to);
            }
        }
        self.view().unread_from = None;
        let what = if all { "Everything on this server" } else { "Everything here" };
        self.hint = Some(format!("{what} is taken for read."));
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

    fn send_again(&mut self) {
        let Some(id) = self.view().selected else { return };
        let name = self.present_name().to_owned();
        if let Some((payload, kind)) = self.conversations.take_failed(&name, id) {
            self.view().selected = None;
            let _ = self.connection.post_reply(self.now, &name, &payload, kind, None);
        }
    }
}

/// The first link of a text, without what closes the sentence around it.
pub fn link_in(text: &str) -> Option<&str> {
    let mut words = text.split(char::is_whitespace).map(|word| word.trim_start_matches(['(', '<', '[', '"', '\'']));
    let link = words.find(|word| word.starts_with("https://") || word.starts_with("http://"))?;
    let mut link = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '>', ']', '"', '\'']);
    // A bracket that was opened in the link belongs to it.
    while link.ends_with(')') && link.matches(')').count() > link.matches('(').count() {
        link = link[..link.len() - 1].trim_end_matches(['.', ',', ';', ':', '!', '?']);
    }
    (link.len() > "https://".len() && !link.contains(char::is_control)).then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_where_they_should() {
        for (text, link) in [
            ("see https://tea.example/green.", Some("https://tea.example/green")),
            ("(http://a.example/b_(c))", Some("http://a.example/b_(c)")),
            ("<https://a.example>, or not", Some("https://a.example")),
            ("no link: ftp://a.example", None),
            ("https://", None),
            ("file:///etc/passwd -https://x", None),
        ] {
            assert_eq!(link_in(text), link, "{text}");
        }
    }
}
