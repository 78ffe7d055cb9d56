//! Time as an argument: the caller reads the clocks, this crate only compares.

use std::fmt;
use std::time::Duration;

/// What both clocks of the caller say when something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since the program started, on a clock that never goes back; deadlines are measured with it.
    pub since_start: Duration,
    /// The wall clock; it dates messages of a server that does not date them itself.
    pub wall: Timestamp,
}

/// Milliseconds since 1970-01-01T00:00:00Z. `Display` writes it as the `time` tag does: `2026-11-22T11:13:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads the value of a `time` tag (IRCv3 server-time: ISO 8601, UTC, `YYYY-MM-DDThh:mm:ss.sssZ`). Fractions of
    /// any length are accepted, and so is a missing one; a leap second counts as the second before it. Anything else
    /// is `None`.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = digits::<3>(date, '-')?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = digits::<3>(clock, ':')?;
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let milliseconds =
            fraction.bytes().chain(*b"00").take(3).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second.min(59);
        Some(Timestamp(seconds * 1_000 + milliseconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0.div_euclid(1_000), self.0.rem_euclid(1_000));
        let (days, second_of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
    }
}

/// Exactly `N` runs of at most four digits.
fn digits<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for number in &mut numbers {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 4 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. The year is counted from March, so that the leap day is
/// its last one (the well-known algorithm by Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The other direction: (year, month, day).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_writes_known_times() {
        let check = |text: &str, milliseconds: i64| {
            assert_eq!(Timestamp::parse(text), Some(Timestamp(milliseconds)), "{text}");
            assert_eq!(Timestamp(milliseconds).to_string(), text);
        };
        check("1970-01-01T00:00:00.000Z", 0);
        check("2000-02-29T12:34:56.789Z", 951_827_696_789);
        check("2026-11-22T11:13:00.001Z", 1_795_345_980_001);
        check("1969-12-31T23:59:59.999Z", -1);
    }

    #[test]
    fn accepts_other_fractions_and_refuses_other_shapes() {
        assert_eq!(Timestamp::parse("1970-01-01T00:00:01Z"), Some(Timestamp(1_000)));
        assert_eq!(Timestamp::parse("1970-01-01T00:00:00.5Z"), Some(Timestamp(500)));
        assert_eq!(Timestamp::parse("1970-01-01T00:00:00.123456Z"), Some(Timestamp(123)));
        for wrong in [
            "",
            "Z",
            "T",
            "TZ",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.x1Z",
            "-1970-01-01T00:00:00Z",
            "1970-01-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(milliseconds in -62_000_000_000_000i64..253_000_000_000_000) {
            prop_assert_eq!(Timestamp::parse(&Timestamp(milliseconds).to_string()), Some(Timestamp(milliseconds)));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = Timestamp::parse(&text);
        }
    }
}
