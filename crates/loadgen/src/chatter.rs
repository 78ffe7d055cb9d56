//! Text as people write it, as far as an index has to do with it: few words that are in every second message and many that
//! are hardly ever said (Zipf), Chinese and Japanese among them, and links that nobody repeats.

/// Different words.
pub const WORDS: u64 = 500_000;

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 5] = b"aeiou";

/// Chance with a seed: the same texts in each run.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// xorshift64*.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A rank: 0 is the most frequent, number n comes n times as seldom.
    pub fn rank(&mut self, ranks: u64) -> u64 {
        let even = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (((even * (ranks as f64).ln()).exp() as u64).max(1) - 1).min(ranks - 1)
    }
}

/// The word of a rank. The frequent ones are short.
pub fn word(rank: u64) -> String {
    let syllables = CONSONANTS.len() as u64 * VOWELS.len() as u64;
    let (mut rest, mut length, mut count) = (rank, 1, syllables);
    while rest >= count {
        rest -= count;
        count *= syllables;
        length += 1;
    }
    let mut word = String::new();
    for _ in 0..length {
        let syllable = (rest % syllables) as usize;
        rest /= syllables;
        word.push(CONSONANTS[syllable / VOWELS.len()] as char);
        word.push(VOWELS[syllable % VOWELS.len()] as char);
    }
    word
}

/// A character of everyday Chinese.
pub fn han(rank: u64) -> char {
    char::from_u32(0x4e00 + (rank as u32 * 7) % 20_000).unwrap_or('中')
}

fn kana(rank: u64) -> char {
    char::from_u32(0x3042 + rank as u32 % 80).unwrap_or('あ')
}

/// Appends one message's text.
pub fn text(chance: &mut Chance, out: &mut Vec<u8>) {
    let mut text = String::new();
    match chance.below(100) {
        0..5 => (0..6 + chance.below(14)).for_each(|_| text.push(han(chance.rank(3_000)))),
        5..7 => {
            for _ in 0..4 + chance.below(10) {
                text.push(if chance.below(3) == 0 { han(chance.rank(2_000)) } else { kana(chance.rank(80)) });
            }
        }
        7 => text.push_str(&format!("https://example.com/{:012x}", chance.next() >> 16)),
        _ => {
            for at in 0..3 + chance.below(5) + chance.below(10) {
                if at > 0 {
                    text.push(' ');
                }
                text.push_str(&word(chance.rank(WORDS)));
            }
        }
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_and_frequent_ones_are_frequent() {
        let words: std::collections::HashSet<String> = (0..100_000).map(word).collect();
        assert_eq!(words.len(), 100_000);
        assert_eq!((word(0).len(), word(80).len(), word(WORDS - 1).len()), (2, 4, 6));
        let mut chance = Chance::new(1);
        let first = (0..100_000).filter(|_| chance.rank(WORDS) == 0).count();
        // ln 2 / ln 500,000: 5.3 %.
        assert!((4_000..7_000).contains(&first), "{first}");
    }
}
