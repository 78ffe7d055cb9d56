//! How a client appears to the others at one moment; made new when something of it changes, shared by everything said meanwhile.

use crate::id::ClientId;
use compact_str::CompactString;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    pub id: ClientId,
    /// The name shown now.
    pub name: CompactString,
    /// What the device calls its user ("ident"); never verified.
    pub ident: CompactString,
    /// The host shown to others: cloaked, never an address.
    pub host: CompactString,
    /// The account's username, when this client is an account.
    pub account: Option<CompactString>,
    pub realname: CompactString,
    pub bot: bool,
}

impl Person {
    /// `name!ident@host`, the form that masks are matched against.
    pub fn mask(&self) -> String {
        format!("{}!{}@{}", self.name, self.ident, self.host)
    }
}
