//! What people report to moderators. The text of the reported message is kept with the report as it was then, so that nobody
//! takes it away from those who are to judge it; it is not here but where it is kept, and it is gone when the report is
//! closed, or when the message's time is over.

use crate::id::{ClientId, MessageId, Position, RoomNumber, Timestamp};
use crate::membership::Role;
use compact_str::CompactString;

/// Open reports of one room (or one direct conversation) at most, ...
pub const OPEN_IN_ROOM: usize = 100;
/// ... and of the whole server, ...
pub const OPEN: usize = 1_000;
/// ... and of closed ones so many are remembered, against reporting the same again.
pub const CLOSED: usize = 1_000;

/// So many reports someone makes in this time.
pub const REPORTS_PER_PERSON: usize = 5;
pub const REPORTING_MS: u64 = 600_000;

/// What a report is called: the place in the one order at which it was made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReportNumber(pub u64);

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    pub number: ReportNumber,
    pub room: RoomNumber,
    pub message: MessageId,
    /// Where the message stands.
    pub position: Position,
    /// Whom the message was for, if it was for a rank alone.
    pub audience: Option<Role>,
    /// Of a direct message: the name of the one it was said to; of one in a group: the group's name.
    pub said_to: Option<CompactString>,
    pub author: ClientId,
    /// `name!ident@host` of who said it.
    pub said_by: CompactString,
    pub reporter: ClientId,
    /// `name!ident@host` of who reported it.
    pub reported_by: CompactString,
    pub reason: Box<str>,
    pub at: Timestamp,
    pub is_open: bool,
}

impl Report {
    /// What is remembered when it is closed.
    pub fn closed(&self) -> Report {
        Report {
            said_to: self.said_to.as_ref().map(|_| CompactString::default()),
            said_by: CompactString::default(),
            reported_by: CompactString::default(),
            reason: Box::default(),
            is_open: false,
            ..self.clone()
        }
    }
}

/// A report with what else is shown of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportView {
    pub report: Report,
    /// The room's name; of a direct message, or one in a group, nothing.
    pub room: Option<CompactString>,
}

/// The text of the message as it was reported, `None`: it is over; and whether the message says it still.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportedText {
    pub text: Option<Box<str>>,
    pub is_redacted: bool,
}

/// What became of reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClosedReports {
    /// All that were about the same message.
    pub numbers: Vec<ReportNumber>,
    /// The name of who closed them.
    pub by: CompactString,
    /// Something was done about it; else there was nothing to be done.
    pub resolved: bool,
    pub note: Option<Box<str>>,
}
