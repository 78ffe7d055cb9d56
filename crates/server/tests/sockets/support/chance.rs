//! Chance for tests whose moments are chance: a seed, which is printed, and what follows from it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// SplitMix64: moments need no better chance.
pub struct Chance(u64);

impl Chance {
    /// Another one each time; `what`: printed with the seed.
    pub fn new(what: &str) -> Chance {
        let seed = RandomState::new().build_hasher().finish();
        println!("seed of {what}: {seed}");
        Chance(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Another stream of it.
    pub fn apart(&mut self) -> Chance {
        Chance(self.number())
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// Between these, short ones as often as long ones.
    pub fn moment(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let unit = (self.number() >> 11) as f64 / (1u64 << 53) as f64;
        shortest.mul_f64((longest.as_secs_f64() / shortest.as_secs_f64()).powf(unit))
    }
}

/// How often a test kills the server: PARLOR_KILLS says so, else it is the form for every submission.
pub fn kills(usually: usize) -> usize {
    std::env::var("PARLOR_KILLS").map_or(usually, |kills| kills.parse().expect("PARLOR_KILLS is a number"))
}
