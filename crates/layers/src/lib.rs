//! One chat line unfolded into what crosses the network: the text, the IRC line around it, a WebSocket frame, a TLS record,
//! TCP segments, IP packets, Ethernet frames, with the bytes of each and what each costs.
//!
//! Pure: what is known of the connection comes as an argument ([`Path`]). What a program can see of itself is marked
//! [`Known::Seen`]; what follows from it by a rule of a specification [`Known::Computed`]; what stands in for something
//! unknown [`Known::Assumed`].
//!
//! The page has the same in `web/src/wire/`; `tests/lines.json` is checked against both.

pub mod irc_line;
pub mod lesson;
pub mod path;
pub mod unfold;

pub use lesson::{Heading, TERMS, Term};
pub use path::{Direction, Link, Path, RecordProtection};
pub use unfold::{Layer, Unfolded, unfold};

/// How something is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The program had these bytes in its hands, or the kernel told it.
    Seen,
    /// It follows from what was seen.
    Computed,
    /// What is usual, since nothing told.
    Assumed,
}

/// A piece of a layer: a header's field, a parameter of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub value: String,
    pub bytes: usize,
    pub known: Known,
}
