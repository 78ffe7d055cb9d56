//! Links that let people into a room, and new people make an account. Who has the token may; the server knows its hash.

use crate::id::{ClientId, RoomNumber, Timestamp};
use compact_str::CompactString;
use std::fmt::Write;

/// SHA-256 of a token of 128 bits of chance: of no use to whoever reads it on the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkHash(pub [u8; 32]);

/// A link as it is kept, with its room.
#[derive(Clone, PartialEq, Debug)]
pub struct InviteLink {
    pub hash: LinkHash,
    /// `name!ident@host` of who made it.
    pub by: CompactString,
    /// The account that made it; new people can make an account with it for as long as this one can be used.
    pub account: Option<ClientId>,
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
    /// How often it can still be used; `None`: any number of times.
    pub uses_left: Option<u32>,
}

/// A guest has no account to be known by when her connection comes back: who has the link that she came by, her name and her
/// address is she, and the link, which was for so many people, is not used again.
#[derive(Clone, PartialEq, Debug)]
pub struct WayBack {
    pub hash: LinkHash,
    pub room: RoomNumber,
    /// As the link's.
    pub expires: Option<Timestamp>,
}

impl LinkHash {
    /// What operators call a link that they list or revoke: tells nothing of the token.
    pub fn id(&self) -> CompactString {
        let mut id = CompactString::default();
        for byte in &self.0[..4] {
            // Appending to a string cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        id
    }
}

impl InviteLink {
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| end > now) && self.uses_left != Some(0)
    }
}
