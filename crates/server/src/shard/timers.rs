//! Timers of a shard: a wheel whose slots are ticks of a quarter of a second. A connection stands in it once; work is
//! proportional to what is due.

/// Milliseconds of a tick: so much later than it is due something may be looked at.
pub const TICK_MS: u64 = 250;

/// Longest wait that one round of the wheel holds, in ticks: 256 seconds; a later one is looked at and put back.
const SLOTS: usize = 1_024;

/// The tick in which this moment lies.
pub fn tick(milliseconds: u64) -> u64 {
    milliseconds / TICK_MS
}

/// The first tick that does not begin before this moment.
pub fn tick_from(milliseconds: u64) -> u64 {
    milliseconds.div_ceil(TICK_MS)
}

/// So many seconds, in ticks.
pub const fn ticks(seconds: u64) -> u64 {
    seconds * (1_000 / TICK_MS)
}

#[derive(Debug)]
pub struct Timers<T> {
    slots: Vec<Vec<T>>,
    /// The tick that was last worked off.
    now: u64,
}

impl<T> Timers<T> {
    pub fn new(now: u64) -> Timers<T> {
        Timers { slots: (0..SLOTS).map(|_| Vec::new()).collect(), now }
    }

    /// `item` comes out of [`Timers::due`] at tick `at`, or after at most [`SLOTS`] ticks if that is earlier.
    pub fn add(&mut self, at: u64, item: T) {
        let at = at.clamp(self.now + 1, self.now + SLOTS as u64 - 1);
        self.slots[at as usize % SLOTS].push(item);
    }

    /// Moves what is due by tick `now` into `due`.
    pub fn due(&mut self, now: u64, due: &mut Vec<T>) {
        let from = self.now.max(now.saturating_sub(SLOTS as u64));
        for tick in from + 1..=now {
            due.append(&mut self.slots[tick as usize % SLOTS]);
        }
        self.now = self.now.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_their_tick_and_far_ones_within_a_round() {
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
        timers.due(2_100, &mut due);
        assert_eq!(due, ["late", "three", "far"]);
    }
}
