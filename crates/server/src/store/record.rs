//! Records as rows, and back: the one place that knows how a value looks on disk.
//!
//! What is small and closed is written as a word or as a number that is fixed here, not by an enum's layout, so that the
//! domain's types can change without changing what old databases mean.

mod account;
mod audit;
mod event;
mod message;
mod personal;
mod report;
mod room;
mod server_ban;
mod value;

pub(super) use account::*;
pub(super) use audit::*;
pub(super) use event::*;
pub(super) use message::*;
pub(super) use personal::*;
pub(super) use report::*;
pub(super) use room::*;
pub(super) use server_ban::*;
pub(super) use value::*;
