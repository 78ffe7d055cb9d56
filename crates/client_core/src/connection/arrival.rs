//! What a line from the server means: one branch per verb. Numerics and standard replies are in `replies`.

use compact_str::CompactString;
use wire::{Capability, Ctcp, Line, LineWriter};

use super::catching_up::Arrived;
use super::multiline::Said;
use super::{Connection, is_room, place, source, tag, timestamp};
use crate::change::{Change, LinkState, Message};
use crate::mode_words;
use crate::moment::Moment;
use crate::outbox::MessageKind;
use crate::rooms::Presence;

impl Connection {
    pub(super) fn arrive(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let verb = line.verb.to_ascii_uppercase();
        if self.conversing && self.arrived_for_conversations(now, &verb, line, changes) {
            return;
        }
        if verb.len() == 3
            && let Ok(code) = verb.parse::<u16>()
        {
            self.numeric_arrived(now, code, line, changes);
            return;
        }
        match verb.as_str() {
            "PRIVMSG" | "NOTICE" => self.message_arrived(now, line, changes),
            "JOIN" => self.join_arrived(now, line, changes),
            "PART" => self.part_arrived(now, line, changes),
            "QUIT" => self.quit_arrived(now, line, changes),
            "KICK" => self.kick_arrived(now, line, changes),
            "NICK" => self.nick_arrived(now, line, changes),
            "TOPIC" => self.topic_arrived(now, line, changes),
            "MODE" => self.mode_arrived(now, line, changes),
            "INVITE" => self.invite_arrived(line, changes),
            "AWAY" => {
                let (who, message) = (source(line), line.param(0).filter(|text| !text.is_empty()).map(str::to_owned));
                self.rooms.member_away(&who.name, message.is_some());
                changes.push(Change::Away { who, message });
            }
            "ACCOUNT" => self.account_arrived(line, changes),
            "SETNAME" => changes.push(Change::RealnameChanged {
                who: source(line),
                realname: line.param(0).unwrap_or_default().to_owned(),
            }),
            "PING" => LineWriter::new(&mut self.output)
                .verb("PONG")
                .trailing(line.params().last().copied().unwrap_or_default()),
            "PONG" => {
                if let Some(number) = line.params().last().and_then(|token| token.parse().ok()) {
                    self.pong_arrived(now, number, changes);
                }
            }
            "BATCH" => self.batch_arrived(now, line, changes),
            "ACK" => {
                if let Some(label) = self.label(line) {
                    self.accept_labelled(now, &label, changes);
                }
            }
            "CAP" => self.cap_arrived(now, line, changes),
            "AUTHENTICATE" => self.authenticate_arrived(now, line, changes),
            "REGISTER" | "VERIFY" => self.register_arrived(now, line, changes),
            "FAIL" | "WARN" | "NOTE" => self.standard_reply_arrived(now, &verb, line, changes),
            "WALLOPS" => changes.push(Change::Notice {
                from: source(line).name,
                text: line.params().last().copied().unwrap_or_default().to_owned(),
                timestamp: timestamp(line, now),
            }),
            "ERROR" => self.error_arrived(line, changes),
            // CHGHOST and what a later server invents: nothing that a line of text could show.
            _ => {}
        }
    }

    /// The label that a line answers: its own, or that of the batch it is in.
    pub(super) fn label(&self, line: &Line<'_>) -> Option<CompactString> {
        tag(line, "label").or_else(|| self.link.batches.get(&tag(line, "batch")?).cloned())
    }

    fn message_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let (Some(target), Some(text)) = (line.param(0), line.param(1)) else {
            return;
        };
        if !self.line_of_message(line, text, changes) {
            let said = self.said(now, line);
            self.message_said(said, target, text, line.verb_is("NOTICE"), changes);
        }
    }

    /// A message is there as a whole.
    pub(super) fn message_said(
        &mut self,
        said: Said,
        target: &str,
        text: &str,
        is_notice: bool,
        changes: &mut Vec<Change>,
    ) {
        let Said { sender, from_server, id, timestamp, room_id, reply_to, label, batch } = said;
        let own = self.is_own(&sender.name);
        // STATUSMSG: "@#tea" is said in #tea, to a part of it.
        let target = match target.trim_start_matches(|symbol| self.link.status_symbols.contains(symbol)) {
            room if is_room(room) => room,
            _ => target,
        };
        let direct = !is_room(target);
        if is_notice && direct && (from_server || self.state != LinkState::Joined) {
            changes.push(Change::Notice { from: sender.name, text: text.to_owned(), timestamp });
            return;
        }
        let (kind, payload) = match Ctcp::parse(text) {
            Some(ctcp) if ctcp.is_action() => (MessageKind::Action, ctcp.arguments),
            // Other CTCP are questions between programs.
            Some(_) => return,
            None if is_notice => (MessageKind::Notice, text),
            None => (MessageKind::Text, text),
        };
        let room = if direct { None } else { self.rooms.find_mut(target) };
        let room_name = match room {
            Some(room) => {
                if room_id.is_some() {
                    room.id.clone_from(&room_id);
                }
                room.name.clone()
            }
            None if direct && !own => sender.name.clone(),
            None => target.into(),
        };
        let message = Message {
            id,
            sender,
            payload: payload.to_owned(),
            timestamp,
            room_name,
            room_id,
            kind,
            own,
            direct,
            reply_to,
        };
        let Some(message) = self.file_in_pins(batch.as_deref(), message) else { return };
        let Some(message) = self.file_in_page(batch.as_deref(), message) else { return };
        if let (Some(batch), Some((search, found))) = (&batch, &mut self.link.search)
            && batch == search
        {
            *found += 1;
            changes.push(Change::Found(message));
            return;
        }
        let arrived = self.message_added(message, batch.as_deref(), changes);
        if own && arrived != Arrived::FromHistory {
            let mut accepted = Vec::new();
            self.echoed(label.as_deref(), target, payload, kind, &mut accepted);
            match self.behind(&arrived) {
                Some(held) => held.append(&mut accepted),
                None => changes.append(&mut accepted),
            }
        }
    }

    /// `JOIN <room>`, or with extended-join `JOIN <room> <account or *> :<realname>`.
    fn join_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let Some(name) = line.param(0) else { return };
        let mut who = source(line);
        if let Some(account) = line.param(1).filter(|account| *account != "*") {
            who.account = Some(account.into());
        }
        let own = self.is_own(&who.name);
        let place = place(line, now, name);
        if own {
            let room = self.rooms.wish(name, None);
            // Asking for a room that the server put us into by itself is answered once more by some.
            let known = room.presence == Presence::Joined;
            room.presence = Presence::Joined;
            room.name = name.into();
            if place.room_id.is_some() {
                room.id.clone_from(&place.room_id);
            }
            if known {
                return;
            }
        }
        self.rooms.member_joined(name, &who.name);
        changes.push(Change::Joined { place, who, own });
        if own && self.conversing {
            self.room_entered(now, name);
        } else if own {
            self.catch_up(now, name);
        }
    }

    fn part_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let Some(name) = line.param(0) else { return };
        let who = source(line);
        let own = self.is_own(&who.name);
        if own {
            self.rooms.remove(name);
        } else {
            self.rooms.member_left(name, &who.name);
        }
        changes.push(Change::Left { place: place(line, now, name), who, reason: reason(line, 1), own });
    }

    fn quit_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let who = source(line);
        let rooms = self.rooms.member_quit(&who.name);
        if !self.is_own(&who.name) {
            changes.push(Change::Quit { who, reason: reason(line, 0), rooms, timestamp: timestamp(line, now) });
        }
    }

    fn kick_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let (Some(name), Some(who)) = (line.param(0), line.param(1)) else {
            return;
        };
        let own = self.is_own(who);
        let place = place(line, now, name);
        if own {
            self.rooms.remove(name);
            self.refuse_waiting(
                name,
                &format!("You were put out of {name}; join it again when you are welcome."),
                changes,
            );
        } else {
            self.rooms.member_left(name, who);
        }
        changes.push(Change::Kicked { place, who: who.into(), by: source(line), reason: reason(line, 2), own });
    }

    fn nick_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let Some(to) = line.param(0) else { return };
        let from = source(line).name;
        let own = self.is_own(&from);
        if own {
            self.name = to.into();
            // The next link asks for the new name; an account keeps its own.
            if self.account.is_none() {
                to.clone_into(&mut self.settings.name);
            }
        }
        let rooms = self.rooms.member_renamed(&from, to);
        changes.push(Change::Renamed { from, to: to.into(), own, rooms, timestamp: timestamp(line, now) });
    }

    fn topic_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let Some(name) = line.param(0) else { return };
        let topic = line.param(1).unwrap_or_default().to_owned();
        if let Some(room) = self.rooms.find_mut(name) {
            room.topic = Some(topic.clone()).filter(|topic| !topic.is_empty());
        }
        changes.push(Change::TopicChanged { place: place(line, now, name), by: source(line), topic });
    }

    fn mode_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let Some((target, modes)) = line.params().split_first() else {
            return;
        };
        self.rooms.modes_changed(target, modes, &self.link.rank_letters, &self.link.rank_symbols);
        changes.push(Change::ModesChanged {
            target: (*target).into(),
            by: source(line),
            modes: modes.join(" "),
            phrases: if is_room(target) {
                mode_words::room_changes(modes, &self.link.rank_letters)
            } else {
                Vec::new()
            },
            timestamp: timestamp(line, now),
        });
    }

    fn invite_arrived(&mut self, line: &Line<'_>, changes: &mut Vec<Change>) {
        let (Some(who), Some(room)) = (line.param(0), line.param(1)) else {
            return;
        };
        changes.push(Change::Invited {
            room_name: room.into(),
            who: who.into(),
            by: source(line),
            own: self.is_own(who),
        });
    }

    fn account_arrived(&mut self, line: &Line<'_>, changes: &mut Vec<Change>) {
        let who = source(line).name;
        let account = line.param(0).filter(|account| *account != "*").map(CompactString::from);
        if self.is_own(&who) {
            self.account.clone_from(&account);
        }
        changes.push(Change::AccountChanged { who, account });
    }

    /// `BATCH +<reference> labeled-response` opens an answer of several lines, `BATCH -<reference>` ends it.
    fn batch_arrived(&mut self, now: Moment, line: &Line<'_>, changes: &mut Vec<Change>) {
        let Some(reference) = line.param(0) else {
            return;
        };
        if let Some(reference) = reference.strip_prefix('+') {
            if line.param(1) == Some("chathistory") && self.page_begins(reference, line.param(2).unwrap_or_default()) {
                return;
            }
            if self.lines_begin(now, reference, line) {
                return;
            }
            if line.param(1) == Some("soju.im/search") {
                self.link.search = Some((reference.into(), 0));
                return;
            }
            // Batches nest: an inner one answers what the outer one does.
            if let Some(label) = self.label(line) {
                self.link.batches.insert(reference.into(), label);
            }
        } else if let Some(reference) = reference.strip_prefix('-')
            && !self.page_ends(now, reference, changes)
            && !self.lines_end(reference, changes)
            && !self.search_ends(reference, changes)
            && let Some(label) = self.link.batches.remove(reference)
            && !self.link.batches.values().any(|open| *open == label)
        {
            self.accept_labelled(now, &label, changes);
        }
    }

    /// Asks for what was said (soju.im/search). The server understands the words.
    pub(super) fn search(&mut self, words: &str, changes: &mut Vec<Change>) {
        if self.state != LinkState::Joined || !self.link.capabilities.contains(Capability::Search) {
            let sentence = match self.state {
                LinkState::Joined => "This server cannot search what was said.",
                _ => "There is no link to a server that could search; try again when there is one.",
            };
            return changes.push(Change::Refused { sentence: sentence.to_owned() });
        }
        let mut attributes = b"text=".to_vec();
        wire::tags::escape_into(&mut attributes, words);
        let attributes = String::from_utf8_lossy(&attributes).into_owned();
        LineWriter::new(&mut self.output).verb("SEARCH").param(&attributes).end();
    }

    /// A batch has ended. Whether it was what a search has found.
    fn search_ends(&mut self, reference: &str, changes: &mut Vec<Change>) -> bool {
        let search = self.link.search.take_if(|(search, _)| search == reference);
        changes.extend(search.as_ref().map(|(_, found)| Change::SearchEnded { found: *found }));
        search.is_some()
    }

    fn error_arrived(&mut self, line: &Line<'_>, changes: &mut Vec<Change>) {
        let text = line.param(0).unwrap_or_default();
        self.link.farewell = Some(text.to_owned());
        if self.state == LinkState::Closing {
            self.closed(true, changes);
        } else {
            changes.push(Change::LinkDead { sentence: format!("The server closed the connection: {text}") });
        }
    }
}

fn reason(line: &Line<'_>, index: usize) -> Option<String> {
    line.param(index).filter(|reason| !reason.is_empty()).map(str::to_owned)
}
