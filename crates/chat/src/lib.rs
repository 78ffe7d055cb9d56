//! The domain of parlor: who is here, which rooms there are, what was said, and who may do what.
//!
//! This crate knows no IRC (no numeric, no capability, no line length), no socket, no clock, no randomness and no
//! thread: time, ids and chance are arguments. State changes only in [`hub::Hub::apply`], the one door.
//! Everything that crosses its border is a closed list: [`command`], [`query`], [`effect`], [`refusal`], [`change`].

pub mod audit;
pub mod change;
pub mod chatroom;
pub mod client;
pub mod command;
pub mod device_login;
pub mod effect;
pub mod event;
pub mod history;
pub mod hub;
pub mod id;
pub mod invite_link;
pub mod log;
pub mod mask;
pub mod membership;
pub mod message;
pub mod metadata;
pub mod name;
pub mod once;
pub mod permission;
pub mod person;
pub mod personal;
pub mod pin;
pub mod query;
pub mod refusal;
pub mod report;
pub mod search;
pub mod sequencer;
pub mod server_ban;
pub mod settings;
pub mod snapshot;
pub mod unread;
