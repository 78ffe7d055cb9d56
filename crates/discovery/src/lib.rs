//! How a server is found: what it says of itself on the local network, the code that stands for its address, which machine
//! of a domain it is and which address is tried when; and the record of all that.
//!
//! Pure, and known to both sides: the server writes these, the clients read them. Nothing here is trust. What a record says
//! only tells where to knock; a fingerprint counts when a person brought it (a join code), not because the network said so.

pub mod announcement;
pub mod join_code;
pub mod race;
pub mod srv;
pub mod steps;

pub use announcement::{Announcement, JoinPolicy};
pub use join_code::{JoinCode, JoinCodeError};

/// SHA-256 of a certificate's DER form.
pub type Fingerprint = [u8; 32];

/// `AB:CD:…`, as browsers and `openssl x509 -fingerprint -sha256` show it.
pub fn fingerprint_text(fingerprint: &[u8]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
