//! How long something lasts, as people write it: `30m`, `1d12h`, `2w`, `1y`, or a number of minutes, as KLINE has it in
//! Charybdis.

/// Seconds of each unit, the longest first.
const UNITS: [(char, u64); 6] =
    [('y', 365 * 86_400), ('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A hundred years: whoever means longer means for ever.
const MOST_SECONDS: u64 = 100 * 365 * 86_400;

/// What is answered to anything else.
pub const EXPECTED: &str = "A duration is a number of minutes, or like 30m, 12h, 7d, 2w, 1d12h";

/// Milliseconds, more than none.
pub fn parse(text: &str) -> Option<u64> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let mut letters = rest[digits..].chars();
        let unit = match letters.next() {
            Some(letter) => UNITS.iter().find(|(known, _)| *known == letter.to_ascii_lowercase())?.1,
            // Without a unit it is the whole text.
            None if digits == text.len() => 60,
            None => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = letters.as_str();
    }
    (1..=MOST_SECONDS).contains(&seconds).then_some(seconds * 1000)
}

/// As [`parse`], where nobody who writes a number alone means minutes, as of what is deleted when its time is over.
pub fn parse_with_unit(text: &str) -> Option<u64> {
    parse(text).filter(|_| !text.ends_with(|last: char| last.is_ascii_digit()))
}

/// As it is written, largest units first: `1d12h`. In days rather than weeks or years, which nobody counts in exactly.
pub fn text(ms: u64) -> String {
    let mut seconds = ms.div_ceil(1000);
    let mut text = String::new();
    for (letter, unit) in UNITS.into_iter().skip_while(|(letter, _)| *letter != 'd') {
        if seconds >= unit {
            text.push_str(&format!("{}{letter}", seconds / unit));
            seconds %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (written, seconds) in [
            ("10", Some(600)),
            ("90s", Some(90)),
            ("1d12h", Some(129_600)),
            ("2W", Some(1_209_600)),
            ("1y", Some(31_536_000)),
            ("1h30m5s", Some(5_405)),
            ("0", None),
            ("", None),
            ("m", None),
            ("1x", None),
            ("1h30", None),
            ("-1h", None),
            ("99999999999999999999h", None),
            ("101y", None),
        ] {
            assert_eq!(parse(written), seconds.map(|seconds| seconds * 1000), "{written}");
        }
        assert_eq!((parse_with_unit("10"), parse_with_unit("10m")), (None, Some(600_000)));
        for written in ["1d12h", "1h30m5s", "14d", "365d", "59s"] {
            assert_eq!(text(parse(written).unwrap()), written);
        }
        assert_eq!(text(0), "0s");
        assert_eq!(text(500), "1s");
    }
}
