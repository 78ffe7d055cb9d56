//! How fast one connection may send lines: a bucket that holds `burst_lines` and fills at `lines_per_second`.
//! Over it nothing is lost and nobody is closed; the connection is just not read for a while.

use crate::facts::Flood;

#[derive(Clone, Copy, Debug)]
pub(crate) struct FloodGuard {
    /// Thousandths of a line; below zero after a line that costs more than was left.
    tokens: i32,
    /// The low bits of the time of the last filling, in milliseconds.
    filled: u32,
}

impl FloodGuard {
    pub(crate) fn new(now_ms: u64, flood: &Flood) -> FloodGuard {
        FloodGuard { tokens: full(flood), filled: now_ms as u32 }
    }

    /// Takes out thousandths of a line.
    pub(crate) fn spend(&mut self, now_ms: u64, flood: &Flood, thousandths: u32) {
        self.fill(now_ms, flood);
        self.tokens = self.tokens.saturating_sub_unsigned(thousandths);
    }

    /// Milliseconds until a line may be read; 0: now.
    pub(crate) fn wait_ms(&mut self, now_ms: u64, flood: &Flood) -> u64 {
        self.fill(now_ms, flood);
        let missing = 1000 - i64::from(self.tokens);
        if missing <= 0 { 0 } else { (missing as u64).div_ceil(u64::from(flood.lines_per_second.max(1))) }
    }

    fn fill(&mut self, now_ms: u64, flood: &Flood) {
        // Wrapping after 49 days without a line fills less than is due, never more.
        let elapsed = u64::from((now_ms as u32).wrapping_sub(self.filled));
        self.filled = now_ms as u32;
        let gained = elapsed.saturating_mul(u64::from(flood.lines_per_second));
        let tokens = i64::from(self.tokens) + gained.min(1 << 40) as i64;
        self.tokens = tokens.min(i64::from(full(flood))) as i32;
    }
}

fn full(flood: &Flood) -> i32 {
    flood.burst_lines.clamp(1, 1_000_000) as i32 * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_steady_rate() {
        let flood = Flood { lines_per_second: 4, burst_lines: 3 };
        let mut guard = FloodGuard::new(1_000, &flood);
        for _ in 0..3 {
            assert_eq!(guard.wait_ms(1_000, &flood), 0);
            guard.spend(1_000, &flood, 1_000);
        }
        assert_eq!(guard.wait_ms(1_000, &flood), 250);
        assert_eq!(guard.wait_ms(1_249, &flood), 1);
        assert_eq!(guard.wait_ms(1_250, &flood), 0);
        guard.spend(1_250, &flood, 5_000);
        assert_eq!(guard.wait_ms(1_250, &flood), 1_250);
        assert_eq!(guard.wait_ms(100_000, &flood), 0);
        guard.spend(100_000, &flood, 3_000);
        assert_eq!(guard.wait_ms(100_000, &flood), 250, "never more than a burst is saved up");
    }

    #[test]
    fn time_that_wraps_and_great_rates_do_no_harm() {
        let flood = Flood { lines_per_second: u32::MAX, burst_lines: u32::MAX };
        let mut guard = FloodGuard::new(u64::MAX - 5, &flood);
        for step in 0..1_000u64 {
            guard.spend(u64::MAX.wrapping_add(step * 1_000_000), &flood, 255_000);
        }
        assert_eq!(guard.wait_ms(u64::MAX, &flood), 0);
    }
}
