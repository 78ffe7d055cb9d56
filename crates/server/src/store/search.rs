//! Searching: an index of what was said in a file of its own, which follows the database in the background
//! ([`follower`]), and what reads both ([`finder`]). Why it is made so: docs/decisions/0009-search-index.md.

mod cutoff;
mod finder;
mod follower;
mod index;

pub use finder::{Finder, Found};
pub(super) use follower::Forgetting;
pub use follower::{Follower, Following};

use chat::id::ClientId;
use chat::search::fold_name;
use std::path::{Path, PathBuf};

/// The index's name in the data folder, beside the database's.
pub const INDEX: &str = "parlor-search.db";

fn index_path(database: &Path) -> PathBuf {
    database.with_file_name(INDEX)
}

/// The term of everything said in a room.
fn room_term(room: u32) -> String {
    format!("#{room}")
}

/// The term of everything said under a name. In hexadecimal digits: names have characters that part terms.
fn name_term(folded: &str) -> String {
    let mut term = String::with_capacity(1 + 2 * folded.len());
    term.push('@');
    push_hex(&mut term, folded.as_bytes());
    term
}

/// The term of everything in someone's direct conversations.
fn participant_term(client: &[u8]) -> String {
    let mut term = String::from("&");
    push_hex(&mut term, client);
    term
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    use std::fmt::Write as _;
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}

fn participant_term_of(client: ClientId) -> String {
    participant_term(client.0.as_bytes())
}

fn folded_name_term(name: &str) -> String {
    name_term(&fold_name(name))
}
