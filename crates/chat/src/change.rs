//! What must be on disk before anyone sees its effects. Records whole, so that the store needs no knowledge of rules.

use crate::audit::AuditEntry;
use crate::history::HistoryEvent;
use crate::id::{ClientId, MessageId, Position, RoomNumber};
use crate::message::Message;
use crate::personal::ConversationKey;
use crate::pin::PinRecord;
use crate::report::{Report, ReportNumber};
use crate::server_ban::{BanTarget, ServerBan};
use crate::snapshot::{
    AccountRecord, DeviceRecord, MarksRecord, MembershipRecord, MetadataRecord, PresenceRecord, ReadMarkerRecord,
    RoomRecord,
};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Change {
    /// A message was said, or a signal that lasts. Its room is already kept.
    Posted(Arc<Message>),
    /// Something else happened in a room that belongs to its history.
    Happened(Arc<HistoryEvent>),
    /// A message has another text: this event ([`crate::event::What::Edited`]) says which. It is to be kept, with the text
    /// that it replaces. `position`: where the message stands; `in_lines`: as of [`Message::edited`].
    Edited {
        position: Position,
        in_lines: bool,
        event: Arc<HistoryEvent>,
    },
    /// The text and tags of this message, or of this signal, are to be gone; also its earlier texts. `position`: where it
    /// stands, so that it need not be looked for.
    Redacted {
        room: RoomNumber,
        position: Position,
        target: MessageId,
    },
    Pinned(Box<PinRecord>),
    Unpinned {
        room: RoomNumber,
        message: MessageId,
    },
    /// `text`: what the message says now, for those who are to judge it. It is to be gone when the report is closed, or when
    /// the message is deleted.
    Reported {
        report: Box<Report>,
        text: Box<str>,
    },
    /// Nothing is to be left but what [`Report::closed`] has.
    ReportClosed(ReportNumber),
    ReportForgotten(ReportNumber),
    /// A room is new or different: replace what is kept of it.
    Room(Box<RoomRecord>),
    RoomRemoved(RoomNumber),
    Account(Box<AccountRecord>),
    AccountRemoved(ClientId),
    /// In the place of the device with the same account and id.
    Device(Box<DeviceRecord>),
    DeviceForgotten {
        account: ClientId,
        id: u64,
    },
    /// How an account that stays without a device appears now, or that it does not stay any more.
    Presence(Box<PresenceRecord>),
    PresenceRemoved(ClientId),
    Member(MembershipRecord),
    MemberRemoved {
        room: RoomNumber,
        account: ClientId,
    },
    /// A value, or that there is none any more.
    Metadata(MetadataRecord),
    /// What is marked, or that nothing is any more.
    Marks(MarksRecord),
    Audited(Box<AuditEntry>),
    /// In the place of one with the same target.
    ServerBan(Box<ServerBan>),
    ServerBanRemoved(BanTarget),
    ReadMarker(ReadMarkerRecord),
    ReadMarkerRemoved {
        account: ClientId,
        conversation: ConversationKey,
    },
}
