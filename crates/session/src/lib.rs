//! One connection's conversation, server side: lines in, commands for the hub out; events in, lines out.
//!
//! Pure: no clock, no randomness, no I/O, no thread. A shard owns many [`Session`]s and gives each what arrives for
//! it; whatever a session wants done comes back in an [`Output`].

mod answer;
mod cloak;
mod confirmation;
pub mod duration;
pub mod facts;
mod flood_guard;
mod form;
mod greeting;
mod host;
pub mod invite_token;
pub mod isupport;
mod login;
mod lookup;
pub mod mode_letters;
pub mod negotiation;
#[cfg(test)]
mod other_clients;
mod pending;
mod refusal_numeric;
mod registration;
pub mod render;
pub mod room_index;
mod sasl;
pub mod search_words;
#[cfg(test)]
mod secret_rooms;
mod session;
mod targets;
#[cfg(test)]
mod testing;
pub mod time_text;
mod turn;
pub mod verb;
mod work;

pub use facts::{Configured, ServerFacts};
pub use form::Form;
pub use host::is_host;
pub use session::{Count, Moment, Output, Overlong, Peer, Session, Treatment, WAIT_FOR_ANSWER, speaks_something_else};
pub use turn::Turn;
pub use verb::register::is_email;
pub use work::{ConnectionSeen, Fact, Work, WorkResult};
