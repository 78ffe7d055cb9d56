//! Messages that a room keeps in view for everyone who reads it.

use crate::id::{MessageId, Position, RoomNumber};
use compact_str::CompactString;

/// Pinned messages of one room at most.
pub const PINS: usize = 50;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    pub message: MessageId,
    /// Where the message stands in the one order, ...
    pub position: Position,
    /// ... and where its pinning does: pins stand in that order.
    pub pinned: Position,
    /// `name!ident@host` of who pinned it.
    pub by: CompactString,
    pub at: crate::id::Timestamp,
}

/// A pin as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinRecord {
    pub room: RoomNumber,
    pub pin: Pin,
}

/// Which of a room's pins is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhichPin {
    Of(MessageId),
    /// Its number in the list, from 1.
    Number(usize),
}
