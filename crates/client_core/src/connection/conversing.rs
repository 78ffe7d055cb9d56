//! What a front end needs that shows whole conversations, beyond messages as they come: pages of history with what became
//! of each message, reactions, edits, deletions, who is writing, and what is read and unread (IRCv3 drafts chathistory,
//! event-playback, message-edit, message-redaction, read-marker, react, reply, typing; `parlor/unread`).

use std::time::Duration;

use compact_str::{CompactString, format_compact};
use wire::{Capability, CapabilitySet, Line, LineWriter};

use super::{Connection, is_room, place, source, tag, timestamp};
use crate::change::{Anchor, Change, ConversationChange, Count, LinkState, Message, Page, Person, Typing};
use crate::mode_words;
use crate::moment::{Moment, Timestamp};
use crate::outbox::{MessageKind, OutboxFull, PostId};
use crate::plain_words;

/// Asked for besides what every front end makes use of.
pub(super) const WANTED_FOR_CONVERSATIONS: CapabilitySet = CapabilitySet::of(&[
    Capability::EventPlayback,
    Capability::MessageEdit,
    Capability::MessageRedaction,
    Capability::ReadMarker,
    Capability::ChannelRename,
    Capability::ParlorUnread,
    Capability::ParlorPins,
    Capability::ParlorConnection,
    Capability::Metadata2,
]);

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Items of a page; a server that sends more is cut off there.
const MOST_ITEMS: usize = 4_000;
/// Direct conversations are listed that are not older than this.
const CORRESPONDENTS_WITHIN_DAYS: i64 = 365;
const MOST_CORRESPONDENTS: usize = 50;
/// Names our questions with WHOX, so that their answers are known (`WHO <room> %tnf,<token>`).
const WHO_TOKEN: &str = "77";

/// Begins the labels of what only says that one is writing.
const TYPING_LABEL: &str = "t";

/// A page of history that is awaited.
#[derive(Debug)]
pub(super) struct AskedPage {
    room: CompactString,
    page: Page,
    label: CompactString,
    limit: usize,
    reference: Option<CompactString>,
    asked_at: Duration,
    items: Vec<Change>,
    /// Messages and events that the server counts: context comes on top.
    counted: usize,
}

/// The message that a line answers.
pub(super) fn replied_to(line: &Line<'_>) -> Option<CompactString> {
    tag(line, "+draft/reply").or_else(|| tag(line, "+reply"))
}

impl Connection {
    /// From the next link on, all that whole conversations are made of is asked for and told
    /// (`Change::Conversation`); history comes in pages, and what was missed is the front end's to ask for.
    pub fn converse(&mut self) {
        self.conversing = true;
    }

    /// Like [`Connection::post_together`], as an answer to the message of that id.
    pub fn post_reply(
        &mut self,
        now: Moment,
        target: &str,
        text: &str,
        kind: MessageKind,
        reply_to: Option<&str>,
    ) -> Result<Vec<PostId>, OutboxFull> {
        let Some(reply_to) = reply_to else { return self.post_together(now, target, text, kind) };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim_matches('\n');
        let id = self.outbox.push(now.since_start, target, text, kind)?;
        self.outbox.set_reply(id, reply_to);
        self.send_posts();
        Ok(vec![id])
    }

    /// Gives a message of one's own another text. Whether the server can be asked.
    pub fn edit(&mut self, target: &str, message_id: &str, text: &str) -> bool {
        self.write_if(Capability::MessageEdit, |line| {
            line.tag("draft/target-msgid", Some(message_id))
                .tag("draft/edit-text", Some(text))
                .verb("EDIT")
                .param(target)
                .end();
        })
    }

    /// Takes a message away for good. Whether the server can be asked.
    pub fn delete(&mut self, target: &str, message_id: &str) -> bool {
        self.write_if(Capability::MessageRedaction, |line| line.verb("REDACT").param(target).param(message_id).end())
    }

    /// Puts a reaction under a message, or takes it back. Whether the server can be asked.
    pub fn react(&mut self, target: &str, message_id: &str, reaction: &str, on: bool) -> bool {
        self.write_if(Capability::MessageTags, |line| {
            let key = if on { "+draft/react" } else { "+draft/unreact" };
            line.tag("+draft/reply", Some(message_id)).tag(key, Some(reaction)).verb("TAGMSG").param(target).end();
        })
    }

    /// Says whether one is writing.
    pub fn say_typing(&mut self, target: &str, typing: Typing) -> bool {
        let value = match typing {
            Typing::Active => "active",
            Typing::Paused => "paused",
            Typing::Done => "done",
        };
        // Labelled, so that a refusal is known for what it is: nobody asked for it, and nobody is to be told.
        let label = format_compact!("{TYPING_LABEL}{}", self.link.next_question);
        self.link.next_question += 1;
        let labels = self.has_labels();
        self.write_if(Capability::MessageTags, |mut line| {
            if labels {
                line = line.tag("label", Some(&label));
            }
            line.tag("+typing", Some(value)).verb("TAGMSG").param(target).end();
        })
    }

    /// Says that one has read up to this time, on all devices.
    pub fn mark_read(&mut self, target: &str, up_to: Timestamp) -> bool {
        self.write_if(Capability::ReadMarker, |line| {
            line.verb("MARKREAD").param(target).param_fmt(format_args!("timestamp={up_to}")).end();
        })
    }

    /// Asks up to when one has read; of rooms the server says it by itself.
    pub fn ask_read_marker(&mut self, target: &str) -> bool {
        self.write_if(Capability::ReadMarker, |line| line.verb("MARKREAD").param(target).end())
    }

    /// Has the server tell what it sees of this connection (`parlor/connection`). `false`: it cannot.
    pub fn ask_connection(&mut self) -> bool {
        self.write_if(Capability::ParlorConnection, |line| line.verb("CONNECTION").end())
    }

    /// Whether history can be asked for.
    pub fn has_history(&self) -> bool {
        self.state == LinkState::Joined && self.link.capabilities.contains(Capability::Chathistory)
    }

    /// Asks for a page of history, which comes as `ConversationChange::History`. `false`: it can't be asked for, or is
    /// awaited already.
    pub fn ask_history(&mut self, now: Moment, target: &str, page: Page) -> bool {
        let awaited = self.link.pages.iter().any(|asked| asked.page == page && self.rooms.same(&asked.room, target));
        if !self.has_history() || awaited {
            return false;
        }
        let limit = match self.link.history_page {
            0 => 100,
            most => most.min(100),
        };
        let label = format_compact!("h{}", self.link.next_question);
        self.link.next_question += 1;
        let mut line = LineWriter::new(&mut self.output);
        if self.link.capabilities.effective().contains(Capability::LabeledResponse) {
            line = line.tag("label", Some(&label));
        }
        let line = line.verb("CHATHISTORY");
        let (subcommand, anchor) = match &page {
            Page::Latest => ("LATEST", None),
            Page::Before(anchor) => ("BEFORE", Some(anchor)),
            Page::After(anchor) => ("AFTER", Some(anchor)),
            Page::Around(anchor) => ("AROUND", Some(anchor)),
        };
        let line = line.param(subcommand).param(target);
        let line = match anchor {
            None => line.param("*"),
            Some(Anchor::Message(id)) => line.param_fmt(format_args!("msgid={id}")),
            Some(Anchor::Time(time)) => line.param_fmt(format_args!("timestamp={time}")),
        };
        line.param_fmt(format_args!("{limit}")).end();
        self.link.pages.push(AskedPage {
            room: target.into(),
            page,
            label,
            limit,
            reference: None,
            asked_at: now.since_start,
            items: Vec::new(),
            counted: 0,
        });
        true
    }

    /// Whether a page of this conversation is awaited.
    pub fn awaits_history(&self, target: &str) -> bool {
        self.link.pages.iter().any(|asked| self.rooms.same(&asked.room, target))
    }

    /// The server let us in: what is unread, and with whom there are conversations. Rooms have been asked for before, and
    /// it answers in order.
    pub(super) fn ask_about_conversations(&mut self, now: Moment) {
        if !self.conversing {
            return;
        }
        if self.has_history() {
            let before = Timestamp(now.wall.0 - CORRESPONDENTS_WITHIN_DAYS * 86_400_000);
            // A day ahead: the server's clock need not be ours.
            let after = Timestamp(now.wall.0 + 86_400_000);
            LineWriter::new(&mut self.output)
                .verb("CHATHISTORY")
                .param("TARGETS")
                .param_fmt(format_args!("timestamp={after}"))
                .param_fmt(format_args!("timestamp={before}"))
                .param_fmt(format_args!("{MOST_CORRESPONDENTS}"))
                .end();
        }
        self.subscribe_to_marks();
        if self.link.capabilities.contains(Capability::ParlorUnread) {
            LineWriter::new(&mut self.output).verb("UNREAD").end();
        }
    }

    /// One is in a room: what was said there last, who is away, and what one may do there.
    pub(super) fn room_entered(&mut self, now: Moment, room: &str) {
        self.ask_history(now, room, Page::Latest);
        self.ask_muted(room);
        LineWriter::new(&mut self.output).verb("MODE").param(room).end();
        self.link.modes_asked.push(room.into());
        if self.link.has_whox {
            LineWriter::new(&mut self.output)
                .verb("WHO")
                .param(room)
                .param_fmt(format_args!("%tcnf,{WHO_TOKEN}"))
                .end();
            self.link.who_asked.push(room.into());
        }
    }

    /// Whether the line was for conversations alone, or belongs to a page of history.
    pub(super) fn arrived_for_conversations(
        &mut self,
        now: Moment,
        verb: &str,
        line: &Line<'_>,
        changes: &mut Vec<Change>,
    ) -> bool {
        if tag(line, "label").is_some_and(|label| label.starts_with(TYPING_LABEL)) {
            return true;
        }
        if self.marks_arrived(verb, line, changes) {
            return true;
        }
        if verb == "BATCH" {
            return self.page_batch_arrived(line, changes);
        }
        if !matches!(verb, "PRIVMSG" | "NOTICE")
            && let Some(at) = self.page_of_batch(tag(line, "batch").as_deref())
        {
            let items = self.event_of_page(now, verb, line);
            let asked = &mut self.link.pages[at];
            // The server counts what is not shown here too, such as one's own coming.
            if !line.tags.contains("draft/chathistory-context") {
                asked.counted += 1;
            }
            asked.items.extend(items);
            return true;
        }
        match verb {
            "TAGMSG" | "EDIT" | "REDACT" | "MARKREAD" | "RENAME" | "PIN" | "UNPIN" => {
                changes.extend(self.conversation_change(now, verb, line));
                true
            }
            "CONNECTION" => {
                if let [group, facts] = line.params() {
                    let facts = facts.split_ascii_whitespace().filter_map(|fact| fact.split_once('='));
                    let facts = facts.map(|(name, value)| (name.into(), value.to_owned())).collect();
                    changes.push(Change::Conversation(ConversationChange::ConnectionSeen {
                        group: (*group).into(),
                        facts,
                    }));
                }
                true
            }
            "UNREAD" => {
                if let [name, messages, mentions] = line.params() {
                    changes.push(Change::Conversation(ConversationChange::Unread {
                        room_name: (*name).into(),
                        messages: count(messages),
                        mentions: count(mentions),
                        as_of: self.counted_as_of(tag(line, "batch").as_deref()),
                    }));
                }
                true
            }
            // CHATHISTORY TARGETS <name> <timestamp>
            "CHATHISTORY" => {
                if let (Some("TARGETS"), Some(name), Some(time)) = (line.param(0), line.param(1), line.param(2))
                    && let (false, Some(timestamp)) = (is_room(name), Timestamp::parse(time))
                {
                    changes
                        .push(Change::Conversation(ConversationChange::Correspondent { name: name.into(), timestamp }));
                }
                true
            }
            // 322 <me> <room> <people> :<topic>
            "322" => {
                if let (Some(name), Some(people)) = (line.param(1), line.param(2)) {
                    changes.push(Change::Conversation(ConversationChange::RoomListed {
                        name: name.into(),
                        people: people.parse().unwrap_or_default(),
                        topic: line.param(3).unwrap_or_default().to_owned(),
                    }));
                }
                true
            }
            "323" => {
                changes.push(Change::Conversation(ConversationChange::RoomsListed));
                true
            }
            "354" if line.param(1) == Some(WHO_TOKEN) => {
                if let (Some(name), Some(flags)) = (line.param(3), line.param(4)) {
                    self.rooms.member_away(name, flags.starts_with('G'));
                }
                true
            }
            "315" => {
                let Some(room) = line.param(1) else { return false };
                let Some(at) = self.link.who_asked.iter().position(|asked| self.rooms.same(asked, room)) else {
                    return false;
                };
                let room_name = self.link.who_asked.remove(at);
                changes.push(Change::Conversation(ConversationChange::PresenceKnown { room_name }));
                true
            }
            "FAIL" => self.page_failed(line, changes),
            _ => false,
        }
    }

    /// A message of history goes into its page; any other is given back.
    pub(super) fn file_in_page(&mut self, batch: Option<&str>, mut message: Message) -> Option<Message> {
        let Some(at) = self.page_of_batch(batch) else { return Some(message) };
        // The name may have been another one then.
        if self.account.is_some() && message.sender.account == self.account {
            message.own = true;
        }
        let asked = &mut self.link.pages[at];
        if !is_room(&asked.room) {
            message.room_name.clone_from(&asked.room);
        }
        asked.counted += 1;
        if asked.items.len() < MOST_ITEMS {
            asked.items.push(Change::MessageAdded(message));
        }
        None
    }

    pub(super) fn watch_pages(&mut self, now: Duration, changes: &mut Vec<Change>) {
        while let Some(at) = self.link.pages.iter().position(|asked| now >= asked.asked_at + PATIENCE) {
            self.refuse_page(at, "The server does not tell it in time; try again.", changes);
        }
    }

    pub(super) fn pages_until(&self) -> Option<Duration> {
        self.link.pages.iter().map(|asked| asked.asked_at + PATIENCE).min()
    }

    /// The link is gone: nothing that was asked for will come.
    pub(super) fn forget_pages(&mut self, changes: &mut Vec<Change>) {
        while !self.link.pages.is_empty() {
            self.refuse_page(0, "The link was lost; it is asked for again when it is back.", changes);
        }
    }

    fn refuse_page(&mut self, at: usize, sentence: &str, changes: &mut Vec<Change>) {
        let asked = self.link.pages.remove(at);
        changes.push(Change::Conversation(ConversationChange::HistoryRefused {
            room_name: asked.room,
            page: asked.page,
            sentence: sentence.to_owned(),
        }));
    }

    fn page_of_batch(&self, batch: Option<&str>) -> Option<usize> {
        let batch = batch?;
        self.link.pages.iter().position(|asked| asked.reference.as_deref() == Some(batch))
    }

    /// Whether the batch is a page of history that was asked for here.
    fn page_batch_arrived(&mut self, line: &Line<'_>, changes: &mut Vec<Change>) -> bool {
        let Some(reference) = line.param(0) else { return false };
        if let Some(reference) = reference.strip_prefix('+') {
            if line.param(1) == Some("parlor/unread") {
                self.link.unread = Some((reference.into(), line.param(2).unwrap_or_default().into()));
                return true;
            }
            if line.param(1) != Some("chathistory") {
                return false;
            }
            let room = line.param(2).unwrap_or_default();
            let label = self.label(line);
            let is_it = |asked: &AskedPage| match &label {
                Some(label) => asked.label == *label,
                None => asked.reference.is_none() && self.rooms.same(&asked.room, room),
            };
            let Some(at) = self.link.pages.iter().position(is_it) else { return false };
            self.link.pages[at].reference = Some(reference.into());
            return true;
        }
        let reference = reference.strip_prefix('-');
        if self.link.unread.take_if(|(unread, _)| reference == Some(unread.as_str())).is_some() {
            return true;
        }
        let Some(at) = self.page_of_batch(reference) else { return false };
        let asked = self.link.pages.remove(at);
        let is_end = asked.counted < asked.limit && !matches!(asked.page, Page::Around(_));
        changes.push(Change::Conversation(ConversationChange::History {
            room_name: asked.room,
            page: asked.page,
            items: asked.items,
            is_end,
        }));
        true
    }

    fn counted_as_of(&self, batch: Option<&str>) -> CompactString {
        let unread = self.link.unread.as_ref().filter(|(reference, _)| batch == Some(reference.as_str()));
        unread.map(|(_, as_of)| as_of.clone()).unwrap_or_default()
    }

    /// `FAIL CHATHISTORY …` about a page, or about what was asked without the person's doing.
    fn page_failed(&mut self, line: &Line<'_>, changes: &mut Vec<Change>) -> bool {
        let [command, code, context @ ..] = line.params() else { return false };
        let label = self.label(line);
        let asked = match (&label, *command) {
            (Some(label), _) => self.link.pages.iter().position(|asked| asked.label == *label),
            (None, "CHATHISTORY") => {
                self.link.pages.iter().position(|asked| context.iter().any(|word| self.rooms.same(word, &asked.room)))
            }
            _ => None,
        };
        if let Some(at) = asked {
            let sentence = plain_words::standard_reply(command, code, context);
            self.refuse_page(at, &sentence, changes);
            return true;
        }
        // Nobody asked for these by hand.
        label.is_none() && (*command == "UNREAD" || *command == "MARKREAD" || context.first() == Some(&"TARGETS"))
    }

    /// What happened in a room in the past: it changes nothing of what is now.
    fn event_of_page(&mut self, now: Moment, verb: &str, line: &Line<'_>) -> Vec<Change> {
        let who = source(line);
        let own = self.is_own(&who.name) || who.account.is_some() && who.account == self.account;
        let room = line.param(0).unwrap_or_default();
        let place = place(line, now, room);
        let text = |index: usize| line.param(index).filter(|text| !text.is_empty()).map(str::to_owned);
        let change = match verb {
            // One's own coming and going is no news to oneself.
            "JOIN" | "PART" | "QUIT" if own => return Vec::new(),
            "JOIN" => Change::Joined { place, who, own: false },
            "PART" => Change::Left { place, who, reason: text(1), own: false },
            "QUIT" => Change::Quit { who, reason: text(0), rooms: Vec::new(), timestamp: timestamp(line, now) },
            "KICK" => {
                let Some(kicked) = line.param(1) else { return Vec::new() };
                Change::Kicked { place, who: kicked.into(), by: who, reason: text(2), own: false }
            }
            "NICK" => Change::Renamed {
                from: who.name,
                to: room.into(),
                own: false,
                rooms: Vec::new(),
                timestamp: timestamp(line, now),
            },
            "TOPIC" => Change::TopicChanged { place, by: who, topic: text(1).unwrap_or_default() },
            "MODE" => {
                let modes = line.params().get(1..).unwrap_or_default();
                Change::ModesChanged {
                    target: room.into(),
                    by: who,
                    modes: modes.join(" "),
                    phrases: mode_words::room_changes(modes, &self.link.rank_letters),
                    timestamp: timestamp(line, now),
                }
            }
            _ => return self.conversation_change(now, verb, line).into_iter().collect(),
        };
        vec![change]
    }

    /// TAGMSG, EDIT, REDACT, PIN, UNPIN, MARKREAD and RENAME, now or in the past.
    fn conversation_change(&mut self, now: Moment, verb: &str, line: &Line<'_>) -> Option<Change> {
        let who = source(line);
        let target = line.param(0)?;
        let own = self.is_own(&who.name) || who.account.is_some() && who.account == self.account;
        let room_name = self.conversation_of(target, &who, own);
        let change = match verb {
            "TAGMSG" => {
                let reacted =
                    [("+draft/react", true), ("+react", true), ("+draft/unreact", false), ("+unreact", false)]
                        .into_iter()
                        .find_map(|(key, on)| Some((line.tags.get(key)?.into_owned(), on)));
                match (reacted, replied_to(line), line.tags.get("+typing")) {
                    (Some((reaction, on)), Some(message_id), _) if !reaction.trim().is_empty() => {
                        ConversationChange::Reacted { room_name, message_id, who, own, reaction, on }
                    }
                    (_, _, Some(typing)) if !own => {
                        let typing = match typing.as_ref() {
                            "active" => Typing::Active,
                            "paused" => Typing::Paused,
                            _ => Typing::Done,
                        };
                        ConversationChange::Typing { room_name, who: who.name, typing }
                    }
                    _ => return None,
                }
            }
            "EDIT" => ConversationChange::Edited {
                room_name,
                message_id: tag(line, "draft/target-msgid")?,
                payload: {
                    let text = line.tags.get("draft/edit-text").filter(|text| !text.is_empty())?;
                    wire::Ctcp::parse(&text).map_or_else(|| text.to_string(), |ctcp| ctcp.arguments.to_owned())
                },
            },
            "REDACT" => ConversationChange::Deleted {
                room_name,
                message_id: line.param(1)?.into(),
                by: who,
                reason: line.param(2).filter(|reason| !reason.is_empty()).map(str::to_owned),
            },
            "MARKREAD" => ConversationChange::ReadUpTo {
                room_name: self.room_spelled(target),
                timestamp: Timestamp::parse(line.param(1)?.strip_prefix("timestamp=")?)?,
            },
            "PIN" | "UNPIN" => self.pinned(verb, line)?,
            "RENAME" => {
                let to = line.param(1)?;
                self.rooms.renamed(target, to);
                ConversationChange::RoomRenamed { from: target.into(), to: to.into(), timestamp: timestamp(line, now) }
            }
            _ => return None,
        };
        Some(Change::Conversation(change))
    }

    pub(super) fn conversation_of(&self, target: &str, who: &Person, own: bool) -> CompactString {
        let target = target.trim_start_matches(|symbol| self.link.status_symbols.contains(symbol));
        if is_room(target) || own { self.room_spelled(target) } else { who.name.clone() }
    }

    pub(super) fn room_spelled(&self, name: &str) -> CompactString {
        self.rooms.find(name).map_or_else(|| name.into(), |room| room.name.clone())
    }

    fn write_if(&mut self, capability: Capability, write: impl FnOnce(LineWriter<'_>)) -> bool {
        let can = self.state == LinkState::Joined && self.link.capabilities.effective().contains(capability);
        if can {
            write(LineWriter::new(&mut self.output));
        }
        can
    }
}

/// `12`, or `1000+`: at least so many.
fn count(text: &str) -> Count {
    let is_more = text.ends_with('+');
    Count { number: text.trim_end_matches('+').parse().unwrap_or_default(), is_more }
}
