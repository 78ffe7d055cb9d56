//! Timers of a shard: a wheel of one-second slots. A connection stands in it once; work is proportional to what is due.

/// Longest wait that one round of the wheel holds, in seconds; a later one is looked at and put back.
const SLOTS: usize = 256;

#[derive(Debug)]
pub struct Timers<T> {
    slots: Vec<Vec<T>>,
    /// The second that was last worked off.
    now: u64,
}

impl<T> Timers<T> {
    pub fn new(now_seconds: u64) -> Timers<T> {
        Timers { slots: (0..SLOTS).map(|_| Vec::new()).collect(), now: now_seconds }
    }

    /// `item` comes out of [`Timers::due`] at second `at`, or after at most [`SLOTS`] seconds if that is earlier.
    pub fn add(&mut self, at: u64, item: T) {
        let at = at.clamp(self.now + 1, self.now + SLOTS as u64 - 1);
        self.slots[at as usize % SLOTS].push(item);
    }

    /// Moves what is due by second `now` into `due`.
    pub fn due(&mut self, now: u64, due: &mut Vec<T>) {
        let from = self.now.max(now.saturating_sub(SLOTS as u64));
        for second in from + 1..=now {
            due.append(&mut self.slots[second as usize % SLOTS]);
        }
        self.now = self.now.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_their_second_and_far_ones_within_a_round() {
        let mut timers = Timers::new(1_000);
        timers.add(1_003, "three");
        timers.add(900, "late");
        timers.add(9_999, "far");
        let mut due = Vec::new();
        timers.due(1_001, &mut due);
        assert_eq!(due, ["late"]);
        timers.due(1_002, &mut due);
        assert_eq!(due, ["late"]);
        timers.due(1_003, &mut due);
        assert_eq!(due, ["late", "three"]);
        timers.due(1_300, &mut due);
        assert_eq!(due, ["late", "three", "far"]);
    }
}
