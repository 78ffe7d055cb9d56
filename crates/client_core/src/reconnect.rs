//! When to try again after a link was lost: exponential back-off with full jitter, so that ten thousand clients of a
//! restarted server do not come back in the same second.

use std::time::Duration;

/// The first retry waits at most this long.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);
/// No retry waits longer than this, however often it failed.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A link that lived this long was a good one: the next loss starts again with `FIRST_WAIT`.
pub const PROVEN_LINK: Duration = Duration::from_secs(30);

/// Counts failures and names the next wait.
#[derive(Debug, Clone, Default)]
pub struct Reconnect {
    failures: u32,
}

impl Reconnect {
    /// How long to wait before the next attempt. `chance` is a uniform random number: the wait is a uniform fraction
    /// of the ceiling, never less than a tenth of it, and the ceiling doubles with each failure up to `LONGEST_WAIT`.
    pub fn next_wait(&mut self, chance: u32) -> Duration {
        let ceiling = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        let fraction = 0.1 + 0.9 * f64::from(chance) / f64::from(u32::MAX);
        ceiling.mul_f64(fraction)
    }

    /// A link ended that had been usable for `lived`.
    pub fn link_lived(&mut self, lived: Duration) {
        if lived >= PROVEN_LINK {
            self.failures = 0;
        }
    }

    /// How many attempts failed in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let mut reconnect = Reconnect::default();
        let waits: Vec<u64> = (0..9).map(|_| reconnect.next_wait(u32::MAX).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        reconnect.link_lived(PROVEN_LINK - Duration::from_millis(1));
        assert_eq!(reconnect.next_wait(u32::MAX), LONGEST_WAIT, "a link that dies at once proves nothing");
        reconnect.link_lived(PROVEN_LINK);
        assert_eq!(reconnect.next_wait(u32::MAX), FIRST_WAIT);
    }

    proptest! {
        #[test]
        fn every_wait_is_within_its_bounds(chances in proptest::collection::vec(any::<u32>(), 1..200)) {
            let mut reconnect = Reconnect::default();
            for chance in chances {
                let wait = reconnect.next_wait(chance);
                prop_assert!(wait >= FIRST_WAIT / 10 && wait <= LONGEST_WAIT);
            }
        }
    }
}
