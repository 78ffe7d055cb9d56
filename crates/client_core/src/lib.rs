//! The user's side of a conversation with a server, pure: bytes in, changes and bytes out. No socket, no clock, no
//! random number: the front end (a terminal, a load generator, the simulator) has them and hands them in.

pub mod change;
pub mod connection;
pub mod conversations;
pub mod mode_words;
pub mod moment;
pub mod outbox;
pub mod plain_words;
pub mod reconnect;
pub mod rooms;
pub mod sasl;
pub mod slash_command;

pub use change::{Anchor, Change, ConversationChange, Count, LinkState, Message, Page, Person, Place, Typing};
pub use connection::{Connection, LinkSecurity, Login, Settings};
pub use conversations::{Conversation, Conversations};
pub use moment::{Moment, Timestamp};
pub use outbox::{KeptPost, MessageKind, OutboxFull, PostId};
pub use sasl::{Mechanism, Password};
pub use slash_command::Typed;
