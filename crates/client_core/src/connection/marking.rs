//! What people mark: messages that a room keeps in view (`parlor/pins`), conversations that are muted on all of one's devices
//! (IRCv3 draft metadata-2 with soju's key), messages that are told to those who moderate (REPORT).

use compact_str::CompactString;
use wire::{Capability, Line, LineWriter};

use super::{Connection, is_room, source, tag};
use crate::change::{Change, ConversationChange, LinkState, Message};

/// Says that a conversation is muted (soju "Metadata keys"): 1 or 0, for one's own devices alone.
const MUTED: &str = "soju.im/muted";
/// Messages of an answer to PINS; a room keeps fewer in view.
const MOST_PINS: usize = 500;
/// Questions about marks whose refusal is no news.
const MOST_ASKED: usize = 500;

/// What a room keeps in view, while it is told.
#[derive(Debug)]
pub(super) struct ArrivingPins {
    reference: CompactString,
    room_name: CompactString,
    messages: Vec<Message>,
}

impl Connection {
    /// Keeps a message in view for everyone, or no more. Whether the server can be asked.
    pub fn pin(&mut self, target: &str, message_id: &str, on: bool) -> bool {
        let can = self.can_pin();
        if can {
            let verb = if on { "PIN" } else { "UNPIN" };
            LineWriter::new(&mut self.output).verb(verb).param(target).param(message_id).end();
        }
        can
    }

    /// Asks what is kept in view; comes as `ConversationChange::Pins`. Whether the server can be asked.
    pub fn ask_pins(&mut self, target: &str) -> bool {
        let can = self.can_pin();
        if can {
            LineWriter::new(&mut self.output).verb("PINS").param(target).end();
        }
        can
    }

    /// Tells those who moderate of a message. Whether the server can be asked.
    pub fn report(&mut self, target: &str, message_id: &str, reason: &str) -> bool {
        let can = self.can_report();
        if can {
            LineWriter::new(&mut self.output).verb("REPORT").param(target).param(message_id).trailing(reason);
        }
        can
    }

    /// Mutes a conversation on all of one's devices, or no more. Whether the server can be asked.
    pub fn mute(&mut self, target: &str, on: bool) -> bool {
        let can = self.can_mute();
        if can {
            let value = if on { "1" } else { "0" };
            let line = LineWriter::new(&mut self.output).verb("METADATA").param(target).param("SET").param(MUTED);
            line.trailing(value);
        }
        can
    }

    /// Whether a conversation is muted; of rooms it is asked without the front end's doing.
    pub fn ask_muted(&mut self, target: &str) {
        if self.can_mute() && self.link.marks_asked.len() < MOST_ASKED {
            LineWriter::new(&mut self.output).verb("METADATA").param(target).param("GET").param(MUTED).end();
            self.link.marks_asked.push(target.into());
        }
    }

    pub fn can_pin(&self) -> bool {
        self.has(Capability::ParlorPins)
    }

    pub fn can_mute(&self) -> bool {
        self.has(Capability::Metadata2)
    }

    /// The server says by this capability that it knows REPORT; its lines for programs are not asked for.
    pub fn can_report(&self) -> bool {
        self.state == LinkState::Joined && self.link.offered.contains_key(Capability::ParlorReports.name())
    }

    fn has(&self, capability: Capability) -> bool {
        self.state == LinkState::Joined && self.link.capabilities.effective().contains(capability)
    }

    /// What other devices of one's own mark is to be told.
    pub(super) fn subscribe_to_marks(&mut self) {
        if self.can_mute() {
            LineWriter::new(&mut self.output).verb("METADATA").param("*").param("SUB").param(MUTED).end();
        }
    }

    /// Whether the line was about marks.
    pub(super) fn marks_arrived(&mut self, verb: &str, line: &Line<'_>, changes: &mut Vec<Change>) -> bool {
        match (verb, line.params()) {
            ("BATCH", [reference, kind, room]) if *kind == Capability::ParlorPins.name() => {
                if let Some(reference) = reference.strip_prefix('+') {
                    let room_name = self.room_spelled(room);
                    self.link.pins =
                        Some(ArrivingPins { reference: reference.into(), room_name, messages: Vec::new() });
                }
                true
            }
            ("BATCH", [reference, ..]) => {
                let ended = |pins: &mut ArrivingPins| reference.strip_prefix('-') == Some(pins.reference.as_str());
                let Some(ArrivingPins { room_name, messages, .. }) = self.link.pins.take_if(ended) else {
                    return false;
                };
                changes.push(Change::Conversation(ConversationChange::Pins { room_name, messages }));
                true
            }
            // In the answer to PINS it stands before its message.
            ("PIN" | "UNPIN", _) if self.is_of_pins(tag(line, "batch").as_deref()) => true,
            ("PINS", [room, number, ..]) => {
                if let Ok(number) = number.parse() {
                    let room_name = self.room_spelled(room);
                    changes.push(Change::Conversation(ConversationChange::PinCount { room_name, number }));
                }
                true
            }
            // 761 <me> <target> <key> <visibility> :<value>
            ("761", [_, target, key, _, value]) | ("METADATA", [target, key, _, value]) if *key == MUTED => {
                self.mark_answered(target);
                let room_name = self.room_spelled(target);
                let on = *value == "1";
                changes.push(Change::Conversation(ConversationChange::Muted { room_name, on }));
                true
            }
            // 766: there is none of this key; 770: subscribed.
            ("766", [_, target, key, ..]) if *key == MUTED => {
                self.mark_answered(target);
                true
            }
            ("770", params) => params.get(1..) == Some(&[MUTED][..]),
            ("FAIL", [command, _, context @ ..]) if *command == "METADATA" => {
                context.iter().any(|word| self.mark_answered(word)) || context.first() == Some(&MUTED)
            }
            _ => false,
        }
    }

    /// Whether it was asked about this one.
    fn mark_answered(&mut self, target: &str) -> bool {
        let at = self.link.marks_asked.iter().position(|asked| self.rooms.same(asked, target));
        at.map(|at| self.link.marks_asked.swap_remove(at)).is_some()
    }

    fn is_of_pins(&self, batch: Option<&str>) -> bool {
        batch.is_some() && self.link.pins.as_ref().map(|pins| pins.reference.as_str()) == batch
    }

    /// A pinned message of an answer; any other is given back.
    pub(super) fn file_in_pins(&mut self, batch: Option<&str>, mut message: Message) -> Option<Message> {
        match &mut self.link.pins {
            Some(pins) if Some(pins.reference.as_str()) == batch => {
                if !is_room(&pins.room_name) {
                    message.room_name.clone_from(&pins.room_name);
                }
                if pins.messages.len() < MOST_PINS {
                    pins.messages.push(message);
                }
                None
            }
            _ => Some(message),
        }
    }

    /// `PIN <target> <msgid>` and UNPIN, now or in the past.
    pub(super) fn pinned(&self, verb: &str, line: &Line<'_>) -> Option<ConversationChange> {
        let by = source(line);
        let own = self.is_own(&by.name) || by.account.is_some() && by.account == self.account;
        let room_name = self.conversation_of(line.param(0)?, &by, own);
        Some(ConversationChange::Pinned { room_name, message_id: line.param(1)?.into(), by, on: verb == "PIN" })
    }
}
