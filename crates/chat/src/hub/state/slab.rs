//! A table whose places are used again.

/// The place that was freed last is given out first.
#[derive(Debug)]
pub(super) struct Slab<T> {
    pub(super) entries: Vec<Option<T>>,
    pub(super) free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(super) fn at(&self, slot: u32) -> Option<&T> {
        self.entries.get(slot as usize)?.as_ref()
    }
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries.iter().enumerate().filter_map(|(slot, entry)| Some((slot as u32, entry.as_ref()?)))
    }

    /// The place, and whether it is a new one.
    pub(super) fn insert(&mut self, value: T) -> (u32, bool) {
        if let Some(slot) = self.free.pop() {
            self.entries[slot as usize] = Some(value);
            return (slot, false);
        }
        self.entries.push(Some(value));
        (self.entries.len() as u32 - 1, true)
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.entries.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(value)
    }

    pub(super) fn take_back_insert(&mut self, slot: u32, appended: bool) {
        if appended {
            self.entries.truncate(slot as usize);
        } else {
            self.remove(slot);
        }
    }

    pub(super) fn take_back_remove(&mut self, slot: u32, value: T) {
        self.free.pop();
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            *entry = Some(value);
        }
    }
}
