//! What was said and what happened in a conversation: what may be asked of it, what the hub grants, and what a reader of
//! the store yields. The hub keeps no history; whoever has a grant reads the store with it, beside the hub and never
//! through it (design: old history is not read through the hub).
//!
//! A page is a stretch of the conversation's messages and events in their order. Behind a message stands its context:
//! what happened to it later, wherever that is in the order, so that whoever reads the page sees the message as it is now
//! (draft/chathistory-context). Context is not counted. The same event stands in its own place only when its message was
//! said before the stretch begins: whoever reads on from there has the message already and learns what became of it.
//! Of a redacted message those who ask for placeholders are shown that there was one, without its text, and its redaction as
//! its context; to others it is not there.

use crate::change::Change;
use crate::event::{Happening, RoomRef, What};
use crate::id::{ClientId, MessageId, Position, RoomNumber, Timestamp};
use crate::membership::Role;
use crate::message::{Lasting, Message, MessageKind, MessageState};
use crate::report::{ReportNumber, ReportedText};
use crate::unread::{Unread, UnreadQuestion};
use compact_str::CompactString;
use std::sync::Arc;
use uuid::Uuid;

/// Leave to read one conversation, as of the moment it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    pub room: RoomNumber,
    /// What the reader calls the conversation: the room's name, or the other person's.
    pub name: CompactString,
    /// The other person of a direct conversation.
    pub with: Option<ClientId>,
    pub reader: ClientId,
    /// The reader's highest role there: what was said to higher ones alone is not hers to read, unless she said it.
    pub role: Option<Role>,
    /// What was said before this is not hers to read either.
    pub since: Since,
}

/// Where what someone may read of a conversation begins, itself included: behind both. By default nothing is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Since {
    pub position: Position,
    pub time: Timestamp,
}

/// A place in a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// One that is not there (any more) stands for the time that its id holds.
    Message(MessageId),
    Time(Timestamp),
}

/// Which part of a conversation; marks themselves are left out, but for the one that others are around of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stretch {
    /// The last ones, or the last ones behind a mark.
    Latest {
        after: Option<Mark>,
    },
    Before(Mark),
    After(Mark),
    /// Half of them before the mark, and from it on.
    Around(Mark),
    /// Read from the first mark towards the second, whichever is earlier.
    Between(Mark, Mark),
}

/// What the reader can be shown besides messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct View {
    /// That messages were redacted.
    pub redactions: bool,
    /// In their places the redacted messages too, without their text. Else they are left out, and so is their redaction.
    pub placeholders: bool,
    /// That messages were edited. Else they have their newest text all the same.
    pub edits: bool,
    /// Lasting signals, and whatever else happened.
    pub events: bool,
    /// Of what happened also that the room got another name, if the reader knows of that.
    pub renamings: bool,
}

/// Something other than a message that happened in a room and belongs to its history.
#[derive(Debug)]
pub struct HistoryEvent {
    /// Made like a message's id, and as unique.
    pub id: MessageId,
    pub room: RoomNumber,
    pub position: Position,
    pub happening: Arc<Happening>,
    /// As of a message: it is told to members of at least this role.
    pub audience: Option<Role>,
    /// Of a direct conversation: the one that the happening's room is named after.
    pub recipient_id: Option<ClientId>,
}

/// A line of history as the store has it.
#[derive(Clone, Debug)]
pub enum Kept {
    /// A message, or a lasting signal.
    Said {
        message: Arc<Message>,
        state: MessageState,
    },
    Happened(Arc<HistoryEvent>),
}

/// A line of a page.
#[derive(Clone, Debug)]
pub struct Item {
    pub kept: Kept,
    /// It belongs to the message before it.
    pub is_context: bool,
}

/// The most lines of context that a message has in a page; of more the first ones are shown.
pub const CONTEXT_LINES: usize = 100;

/// A message as it is found, and what has become of it.
pub type FoundMessage = (Arc<Message>, MessageState);

/// What a message said before, and until when.
pub type EarlierText = (Timestamp, Box<str>);

/// The most earlier texts of a message that are read, the oldest.
pub const EARLIER_TEXTS: usize = 100;

impl Grant {
    /// Whether this line of the conversation is the reader's to read.
    pub fn covers(&self, kept: &Kept) -> bool {
        kept.room() == self.room
            && kept.position() >= self.since.position
            && kept.timestamp() >= self.since.time
            && (kept.audience().is_none_or(|least| self.role.is_some_and(|role| role >= least))
                || kept.author() == self.reader)
    }
}

impl Mark {
    /// The time that it stands for where the message itself is not there.
    pub fn time(self) -> Timestamp {
        match self {
            Mark::Time(time) => time,
            Mark::Message(id) => id.time(),
        }
    }

    /// Not below any id of what was said up to the mark, and below those of what was said later: ids begin with their
    /// time.
    pub fn last_id(self) -> MessageId {
        match self {
            Mark::Message(id) => id,
            Mark::Time(time) => {
                let mut bytes = [0xff; 16];
                bytes[..6].copy_from_slice(&time.0.to_be_bytes()[2..]);
                MessageId(Uuid::from_bytes(bytes))
            }
        }
    }
}

impl View {
    /// Whether anything but messages is wanted.
    pub fn has_events(self) -> bool {
        self.redactions || self.edits || self.events
    }

    /// Whether a line is to be shown where it stands, or with the message that it is about.
    pub fn shows(self, kept: &Kept) -> bool {
        match kept {
            Kept::Said { message, state } if message.kind == MessageKind::Signal => {
                self.events && *state != MessageState::Redacted
            }
            Kept::Said { state, .. } => self.placeholders || *state != MessageState::Redacted,
            Kept::Happened(event) => match event.happening.what {
                What::Redacted { .. } => self.redactions,
                What::Edited { .. } => self.edits,
                What::RoomRenamed { .. } => self.events && self.renamings,
                _ => self.events,
            },
        }
    }
}

impl Stretch {
    /// Where the reader has been already: nothing from there on is left out. `at`: the place of a mark.
    pub fn known_until(self, at: impl Fn(Mark) -> Position) -> Option<Mark> {
        match self {
            Stretch::Latest { after: None } | Stretch::Before(_) | Stretch::Around(_) => None,
            Stretch::Latest { after: Some(mark) } | Stretch::After(mark) => Some(mark),
            Stretch::Between(from, to) => Some(if at(from) <= at(to) { from } else { to }),
        }
    }
}

impl HistoryEvent {
    /// The message that it is about.
    pub fn target(&self) -> Option<MessageId> {
        match &self.happening.what {
            What::Redacted { target, .. } | What::Edited { target, .. } | What::Pinned { target, .. } => Some(*target),
            _ => None,
        }
    }

    /// What is left of its line when it has become void: a place in the order, as of a signal that was redacted.
    pub fn void(&self, named: &RoomRef) -> Kept {
        let message = Message {
            id: self.id,
            sender_id: self.happening.by.id,
            payload: Box::default(),
            seams: None,
            timestamp: self.happening.at,
            chatroom_id: named.id,
            position: self.position,
            room: self.room,
            sender: self.happening.by.clone(),
            kind: MessageKind::Signal,
            tags: None,
            addressed_to: named.name.clone(),
            audience: self.audience,
            recipient_id: self.recipient_id,
            once: None,
            lasting: None,
        };
        Kept::Said { message: Arc::new(message), state: MessageState::Redacted }
    }
}

impl Kept {
    pub fn room(&self) -> RoomNumber {
        match self {
            Kept::Said { message, .. } => message.room,
            Kept::Happened(event) => event.room,
        }
    }

    pub fn id(&self) -> MessageId {
        match self {
            Kept::Said { message, .. } => message.id,
            Kept::Happened(event) => event.id,
        }
    }

    pub fn position(&self) -> Position {
        match self {
            Kept::Said { message, .. } => message.position,
            Kept::Happened(event) => event.position,
        }
    }

    pub fn timestamp(&self) -> Timestamp {
        match self {
            Kept::Said { message, .. } => message.timestamp,
            Kept::Happened(event) => event.happening.at,
        }
    }

    /// The message that it is about; `None` of messages themselves.
    pub fn target(&self) -> Option<MessageId> {
        match self {
            Kept::Said { message, .. } => message.lasting.as_ref().and_then(|lasting| lasting.target()),
            Kept::Happened(event) => event.target(),
        }
    }

    /// A message; not a signal.
    pub fn is_message(&self) -> bool {
        matches!(self, Kept::Said { message, .. } if message.kind != MessageKind::Signal)
    }

    fn audience(&self) -> Option<Role> {
        match self {
            Kept::Said { message, .. } => message.audience,
            Kept::Happened(event) => event.audience,
        }
    }

    fn author(&self) -> ClientId {
        match self {
            Kept::Said { message, .. } => message.sender_id,
            Kept::Happened(event) => event.happening.by.id,
        }
    }
}

/// What of all that happened to a message belongs behind it in a page: `about` are the lines that the reader may see, in
/// their order. Of a redacted message nothing is left but its redaction; a reaction that was taken back is none.
pub fn context_of(state: MessageState, mut about: Vec<Kept>) -> Vec<Kept> {
    let is_redaction =
        |kept: &Kept| matches!(kept, Kept::Happened(event) if matches!(event.happening.what, What::Redacted { .. }));
    if state == MessageState::Redacted {
        about.retain(is_redaction);
    }
    let mut standing: Vec<Kept> = Vec::new();
    for kept in about {
        if let Some((who, value, on)) = reaction(&kept) {
            // Of the same person the same reaction counts once.
            standing.retain(|before| reaction(before).is_none_or(|(of, said, _)| (of, said) != (who, value)));
            if !on {
                continue;
            }
        }
        standing.push(kept);
    }
    standing.truncate(CONTEXT_LINES);
    standing
}

fn reaction(kept: &Kept) -> Option<(ClientId, &CompactString, bool)> {
    match kept {
        Kept::Said { message, .. } => match message.lasting.as_deref() {
            Some(Lasting::Reaction { on, value, .. }) => Some((message.sender_id, value, *on)),
            _ => None,
        },
        Kept::Happened(_) => None,
    }
}

/// All that a store has of all conversations, in the plainest way: faster ones are tested against it, and tests that need
/// none read from it.
#[derive(Debug, Default)]
pub struct Past {
    /// In the order of their positions.
    kept: Vec<Kept>,
    /// In the order of the edits that replaced them.
    earlier: Vec<(MessageId, EarlierText)>,
    /// Of open reports: the message, and what it said.
    reported: Vec<(ReportNumber, MessageId, Box<str>)>,
}

impl Past {
    /// Takes a change that was committed.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Posted(message) => {
                self.kept.push(Kept::Said { message: message.clone(), state: MessageState::AsSaid });
            }
            Change::Happened(event) => self.kept.push(Kept::Happened(event.clone())),
            Change::Edited { event, in_lines, .. } => {
                let What::Edited { target, text, .. } = &event.happening.what else { return };
                self.void_edits(event.room, *target);
                for kept in self.kept.iter_mut().filter(|kept| kept.room() == event.room && kept.id() == *target) {
                    if let Kept::Said { message, state } = kept
                        && *state != MessageState::Redacted
                    {
                        self.earlier.push((*target, (event.happening.at, message.payload.clone())));
                        *message = Arc::new(message.edited(text, *in_lines));
                        *state = MessageState::Edited;
                    }
                }
                self.kept.push(Kept::Happened(event.clone()));
            }
            Change::Reported { report, text } => self.reported.push((report.number, report.message, text.clone())),
            Change::ReportClosed(number) => self.reported.retain(|(of, ..)| of != number),
            Change::Redacted { room, target, .. } => {
                self.void_edits(*room, *target);
                self.earlier.retain(|(of, _)| of != target);
                for kept in self.kept.iter_mut().filter(|kept| kept.room() == *room && kept.id() == *target) {
                    if let Kept::Said { message, state } = kept {
                        *message = Arc::new(message.redacted());
                        *state = MessageState::Redacted;
                    }
                }
            }
            _ => {}
        }
    }

    /// Earlier edits of a message are not shown any more.
    fn void_edits(&mut self, room: RoomNumber, of: MessageId) {
        for kept in self.kept.iter_mut().filter(|kept| kept.room() == room) {
            if let Kept::Happened(event) = kept
                && let What::Edited { target, room, .. } = &event.happening.what
                && *target == of
            {
                *kept = event.void(room);
            }
        }
    }

    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// The message or signal with this id, if it is the reader's to read.
    pub fn find(&self, grant: &Grant, id: MessageId) -> Option<(Arc<Message>, MessageState)> {
        self.kept.iter().filter(|kept| grant.covers(kept)).find_map(|kept| match kept {
            Kept::Said { message, state } if message.id == id => Some((message.clone(), *state)),
            _ => None,
        })
    }

    /// What is kept of the messages that these open reports are about.
    pub fn reported(&self, numbers: &[ReportNumber]) -> Vec<ReportedText> {
        let of = |number: &ReportNumber| {
            let found = self.reported.iter().find(|(of, ..)| of == number);
            let is_it = |id| move |kept: &&Kept| matches!(kept, Kept::Said { message, .. } if message.id == id);
            let message = found.and_then(|(_, id, _)| self.kept.iter().find(is_it(*id)));
            ReportedText {
                text: found.map(|(.., text)| text.clone()),
                is_redacted: matches!(message, Some(Kept::Said { state: MessageState::Redacted, .. })),
            }
        };
        numbers.iter().map(of).collect()
    }

    /// The messages with these ids, each as [`Past::find`] says.
    pub fn find_all(&self, grant: &Grant, which: &[(Position, MessageId)]) -> Vec<Option<FoundMessage>> {
        which.iter().map(|(_, id)| self.find(grant, *id)).collect()
    }

    /// What a message said before it was edited, the oldest first. `None`: there is no such message for the reader.
    pub fn earlier_texts(&self, grant: &Grant, id: MessageId) -> Option<Vec<EarlierText>> {
        self.find(grant, id)?;
        let texts = self.earlier.iter().filter(|(of, _)| *of == id);
        Some(texts.map(|(_, text)| text.clone()).take(EARLIER_TEXTS).collect())
    }

    /// What is unread of each conversation.
    pub fn unread(&self, question: &UnreadQuestion) -> Vec<Unread> {
        let count = |(grant, until): &(Grant, Option<Timestamp>)| {
            let from = Stretch::After(Mark::Time(until.unwrap_or_default()));
            let items = self.read(grant, from, View::default(), usize::MAX);
            let said = items.iter().rev().filter_map(|item| match &item.kept {
                Kept::Said { message, .. } if message.position < question.as_of.position => Some(&**message),
                _ => None,
            });
            question.count(grant, said.take(question.most() + 1))
        };
        question.conversations.iter().map(count).collect()
    }

    /// When something that the reader may read was last said there.
    pub fn latest_time(&self, grant: &Grant) -> Option<Timestamp> {
        let page = self.read(grant, Stretch::Latest { after: None }, View::default(), 1);
        page.first().map(|item| item.kept.timestamp())
    }

    /// Up to `limit` lines of a conversation, the oldest first, each message with its context.
    pub fn read(&self, grant: &Grant, stretch: Stretch, view: View, limit: usize) -> Vec<Item> {
        let room: Vec<&Kept> = self.kept.iter().filter(|kept| kept.room() == grant.room).collect();
        const END: Position = Position(u64::MAX);
        let first =
            |is_it: &dyn Fn(&Kept) -> bool| room.iter().find(|kept| is_it(kept)).map_or(END, |kept| kept.position());
        // Where what a mark stands for begins, and where what is behind it does.
        let bounds = |mark: Mark| match mark {
            Mark::Message(id) if room.iter().any(|kept| kept.id() == id) => {
                let at = first(&|kept| kept.id() == id);
                (at, Position(at.0 + 1))
            }
            mark => (first(&|kept| kept.timestamp() >= mark.time()), first(&|kept| kept.timestamp() > mark.time())),
        };
        let known = stretch.known_until(|mark| bounds(mark).0).map(Mark::last_id);
        let visible = |from: Position, to: Position| {
            let stands_alone = |kept: &Kept| match kept.target() {
                Some(target) => known.is_some_and(|known| target <= known),
                None => true,
            };
            let wanted = |kept: &&&Kept| {
                (from..to).contains(&kept.position()) && grant.covers(kept) && view.shows(kept) && stands_alone(kept)
            };
            room.iter().filter(wanted).map(|kept| Kept::clone(kept)).collect::<Vec<_>>()
        };
        let first = |from: Position, to: Position, limit: usize| {
            let mut found = visible(from, to);
            found.truncate(limit);
            found
        };
        let last = |from: Position, to: Position, limit: usize| {
            let mut found = visible(from, to);
            found.drain(..found.len().saturating_sub(limit));
            found
        };
        const BEGINNING: Position = Position(0);
        let found = match stretch {
            Stretch::Latest { after } => last(after.map_or(BEGINNING, |mark| bounds(mark).1), END, limit),
            Stretch::Before(mark) => last(BEGINNING, bounds(mark).0, limit),
            Stretch::After(mark) => first(bounds(mark).1, END, limit),
            Stretch::Around(mark) => {
                let middle = bounds(mark).0;
                let mut found = last(BEGINNING, middle, limit / 2);
                found.extend(first(middle, END, limit - limit / 2));
                found
            }
            Stretch::Between(from, to) => {
                let (from, to) = (bounds(from), bounds(to));
                if from.0 <= to.0 { first(from.1, to.0, limit) } else { last(to.1, from.0, limit) }
            }
        };
        let about = |id: MessageId| {
            let is_about = |kept: &&&Kept| {
                // Who may see a message may see what became of it.
                let may_see = matches!(kept, Kept::Happened(_)) || grant.covers(kept);
                kept.target() == Some(id) && may_see && view.shows(kept)
            };
            room.iter().filter(is_about).map(|kept| Kept::clone(kept)).collect::<Vec<_>>()
        };
        with_context(found, about)
    }
}

/// Puts the context behind each message. `about`: what the reader may see of what is about this message, in its order.
pub fn with_context(found: Vec<Kept>, mut about: impl FnMut(MessageId) -> Vec<Kept>) -> Vec<Item> {
    let mut page = Vec::with_capacity(found.len());
    for kept in found {
        let context = match &kept {
            Kept::Said { message, state } if kept.is_message() => context_of(*state, about(message.id)),
            _ => Vec::new(),
        };
        page.push(Item { kept, is_context: false });
        page.extend(context.into_iter().map(|kept| Item { kept, is_context: true }));
    }
    page
}
