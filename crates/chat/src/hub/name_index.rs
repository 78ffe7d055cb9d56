//! Finds who bears a name, and who bears one that looks like it. Holds no names itself: 9 bytes an entry.

use compact_str::CompactString;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// From folded names, and from what names look like, to places in a table that holds the names.
#[derive(Debug)]
pub(super) struct NameIndex {
    hasher: FixedState,
    keys: HashTable<Entry>,
    skeletons: HashTable<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    place: u32,
}

/// A name in the two forms that count.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub text: &'a str,
    pub key: &'a str,
}

impl NameIndex {
    pub fn new(hasher: FixedState) -> NameIndex {
        NameIndex { hasher, keys: HashTable::new(), skeletons: HashTable::new() }
    }

    pub fn insert(&mut self, place: u32, name: Named) {
        let entry = Entry { hash: self.hash(name.key), place };
        self.keys.insert_unique(spread(entry.hash), entry, |entry| spread(entry.hash));
        for skeleton in crate::name::skeletons(name.text, name.key) {
            let entry = Entry { hash: self.hash(&skeleton), place };
            self.skeletons.insert_unique(spread(entry.hash), entry, |entry| spread(entry.hash));
        }
    }

    pub fn remove(&mut self, place: u32, name: Named) {
        let hash = self.hash(name.key);
        remove_entry(&mut self.keys, hash, place);
        for skeleton in crate::name::skeletons(name.text, name.key) {
            let hash = self.hash(&skeleton);
            remove_entry(&mut self.skeletons, hash, place);
        }
    }

    /// The place of exactly this folded name.
    pub fn find<'a>(&self, key: &str, name_at: impl Fn(u32) -> Option<Named<'a>>) -> Option<u32> {
        let hash = self.hash(key);
        self.keys
            .find(spread(hash), |entry| entry.hash == hash && name_at(entry.place).is_some_and(|name| name.key == key))
            .map(|entry| entry.place)
    }

    /// A place, other than those `ignored`, of a different name that looks the same (UTS 39 section 4). Two ASCII names
    /// are never held against each other: people know that `l` and `1` are alike, and their names are older than we.
    pub fn find_confusable<'a>(
        &self,
        name: Named,
        name_at: impl Fn(u32) -> Option<Named<'a>>,
        ignored: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let skeletons = crate::name::skeletons(name.text, name.key);
        let looks_alike = |entry: &&Entry, skeleton: &CompactString| {
            name_at(entry.place).is_some_and(|other| {
                other.key != name.key
                    && !(other.text.is_ascii() && name.text.is_ascii())
                    && crate::name::skeletons(other.text, other.key).contains(skeleton)
            })
        };
        skeletons.iter().find_map(|skeleton| {
            let hash = self.hash(skeleton);
            self.skeletons
                .iter_hash(spread(hash))
                .find(|entry| entry.hash == hash && !ignored(entry.place) && looks_alike(entry, skeleton))
                .map(|entry| entry.place)
        })
    }

    fn hash(&self, text: &str) -> u32 {
        self.hasher.hash_one(text) as u32
    }
}

fn remove_entry(table: &mut HashTable<Entry>, hash: u32, place: u32) {
    if let Ok(entry) = table.find_entry(spread(hash), |entry| entry.hash == hash && entry.place == place) {
        entry.remove();
    }
}

/// The table takes its place from the low bits and its tag from the high ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
