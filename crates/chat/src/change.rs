//! What must be on disk before anyone sees its effects. Records whole, so that the store needs no knowledge of rules.

use crate::id::{ClientId, RoomNumber};
use crate::message::Message;
use crate::snapshot::{AccountRecord, MembershipRecord, RoomRecord};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Change {
    /// A message was said. Its room is already kept.
    Posted(Arc<Message>),
    /// A room is new or different: replace what is kept of it.
    Room(Box<RoomRecord>),
    RoomRemoved(RoomNumber),
    Account(Box<AccountRecord>),
    AccountRemoved(ClientId),
    Member(MembershipRecord),
    MemberRemoved {
        room: RoomNumber,
        account: ClientId,
    },
}
