//! Bytes to IRC lines and back, and the tables that both ends of the protocol share.
//!
//! This crate knows the wire and nothing else: no chat, no connection, no clock, no socket. What it reads it
//! reads in place, what it writes it appends to the caller's buffer.
//!
//! Sources: RFC 1459 and 2812 section 2.3, the Modern IRC Client Protocol (ircdocs), and the IRCv3 specifications
//! named beside each rule.

pub mod capability;
pub mod casefold;
pub mod ctcp;
pub mod framer;
pub mod isupport;
pub mod line;
pub mod line_writer;
pub mod mode;
pub mod numeric;
pub mod tags;

pub use capability::{Capability, CapabilitySet};
pub use casefold::CaseMapping;
pub use ctcp::Ctcp;
pub use framer::{Frame, Framer, Frames};
pub use isupport::IsupportToken;
pub use line::{Line, LineError, LineLimits, LinePart, MAX_PARAMS};
pub use line_writer::{
    LineWriter, MAX_BODY, ParamWriter, SourcedLine, TrailingWriter, text_budget, truncate_at_char_boundary,
};
pub use mode::{ModeChange, ModeKind, ModeString, Sign};
pub use numeric::Numeric;
pub use tags::Tags;
