//! Searching: an index of what was said in a file of its own, which follows the database in the background
//! ([`follower`]), and what reads both ([`finder`]). Why it is made so: docs/decisions/0009-search-index.md.

mod cutoff;
mod finder;
mod follower;
mod index;
mod terms;

pub use finder::{Finder, Found};
pub(super) use follower::Forgetting;
pub use follower::{Follower, Following};

use std::path::{Path, PathBuf};

/// The index's name in the data folder, beside the database's.
pub const INDEX: &str = "parlor-search.db";

fn index_path(database: &Path) -> PathBuf {
    database.with_file_name(INDEX)
}
