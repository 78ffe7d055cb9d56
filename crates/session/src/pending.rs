//! Lines whose answer is not complete yet, oldest first, and what must wait behind them.
//!
//! Every reply to a line comes before any reply to a later line of the same connection. The hub answers in the order
//! of asking; what this session can answer by itself meanwhile is held behind the last unanswered request.

use crate::verb::{Awaiting, Verb};
use chat::id::RequestNumber;
use compact_str::CompactString;

/// Requests that may be unanswered at a time. At the limit no further line is read ([`crate::Session::flood_wait_ms`]).
pub(crate) const MOST_PENDING: usize = 128;

/// Bytes of local replies that may be held behind unanswered requests. At the limit no further line is read either.
pub(crate) const MOST_HELD: usize = 65_536;

#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) number: RequestNumber,
    /// `Done`s that the hub still owes.
    pub(crate) dones: u16,
    /// Results of [`crate::Work`] still owed.
    pub(crate) works: u16,
    /// No later line is worked on before this one is complete: it takes several steps, and what comes next depends on
    /// their outcome.
    pub(crate) barrier: bool,
    pub(crate) verb: &'static Verb,
    pub(crate) awaiting: Option<Box<Awaiting>>,
    pub(crate) labelled: Option<Box<Labelled>>,
    /// Local replies to later lines.
    pub(crate) held: Vec<u8>,
}

impl Pending {
    pub(crate) fn is_complete(&self) -> bool {
        self.dones == 0 && self.works == 0
    }
}

/// A labelled line's answer as far as it has come: it is sent when it is complete, since only then is it known
/// whether it needs a batch (labeled-response).
#[derive(Debug)]
pub(crate) struct Labelled {
    /// As sent, escapes and all: it goes back unchanged.
    pub(crate) label: CompactString,
    pub(crate) lines: Vec<u8>,
}
