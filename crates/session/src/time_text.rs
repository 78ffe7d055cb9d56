//! Times as the `time` tag writes them: `YYYY-MM-DDThh:mm:ss.sssZ` (IRCv3 server-time, RFC 3339).

use chat::id::Timestamp;

/// Appends `time`, 24 bytes.
pub fn write_time(buffer: &mut Vec<u8>, time: Timestamp) {
    buffer.extend_from_slice(&time_text(time));
}

/// `time` as text, all ASCII. Years after 9999 stay at its last millisecond, which no tag could show.
pub fn time_text(time: Timestamp) -> [u8; 24] {
    const LAST: u64 = 253_402_300_799_999;
    let milliseconds = time.0.min(LAST);
    let (year, month, day) = date(milliseconds / 86_400_000);
    let of_day = milliseconds % 86_400_000;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], of_day / 3_600_000);
    digits(&mut text[14..16], of_day / 60_000 % 60);
    digits(&mut text[17..19], of_day / 1_000 % 60);
    digits(&mut text[20..23], of_day % 1_000);
    text
}

/// Year, month and day of the proleptic Gregorian calendar, for a number of days since 1970-01-01.
/// (The years are taken to begin in March, so that the leap day is their last; Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", `civil_from_days`.)
pub fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Reads what [`time_text`] writes; the fraction may be absent, or shorter or longer (RFC 3339 section 5.6).
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let rest = text.strip_suffix('Z')?;
    let (day, clock) = rest.split_once('T')?;
    let mut parts = day.split('-').map(|part| number(part, if part.len() == 4 { 4 } else { 2 }));
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':').map(|part| number(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || fraction.is_empty() {
        return None;
    }
    let milliseconds: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    // 60: a leap second, which no clock of ours knows.
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_of(year, month, day)?;
    Some(Timestamp(days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1_000 + milliseconds))
}

/// When a day begins that is written `YYYY-MM-DD`.
pub fn time_of_day(text: &str) -> Option<Timestamp> {
    let mut beginning = String::with_capacity(20);
    beginning.push_str(text);
    beginning.push_str("T00:00:00Z");
    parse_time(&beginning)
}

/// The inverse of [`date`] (Howard Hinnant, `days_from_civil`); `None` before 1970 and for a day that is not in its month.
fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let of_march = year.checked_sub(u64::from(month <= 2))?;
    let (era, year_of_era) = (of_march / 400, of_march % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    let days = (era * 146_097 + of_era).checked_sub(719_468)?;
    (date(days) == (year, month, day)).then_some(days)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn digits(text: &mut [u8], mut value: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for time in [0, 951_782_399_999, 951_782_400_000, 1_700_000_000_123, 4_107_542_400_000, 253_402_300_799_999] {
            let text = time_text(Timestamp(time));
            assert_eq!(parse_time(str::from_utf8(&text).unwrap()), Some(Timestamp(time)));
        }
        let cases = [
            ("2023-11-14T22:13:20Z", Some(1_700_000_000_000)),
            ("2023-11-14T22:13:20.5Z", Some(1_700_000_000_500)),
            ("2023-11-14T22:13:20.123456Z", Some(1_700_000_000_123)),
            ("2023-02-29T00:00:00.000Z", None),
            ("2023-13-01T00:00:00.000Z", None),
            ("2023-00-01T00:00:00.000Z", None),
            ("0000-01-01T00:00:00.000Z", None),
            ("1969-12-31T23:59:59.999Z", None),
            ("2023-11-14T22:13:20.000", None),
            ("2023-11-14 22:13:20.000Z", None),
            ("2023-11-14T24:00:00.000Z", None),
            ("2023-11-14T22:13:20.Z", None),
            ("+023-11-14T22:13:20.000Z", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_time(text), expected.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn known_times() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ];
        for (time, expected) in cases {
            let mut buffer = Vec::new();
            write_time(&mut buffer, Timestamp(time));
            assert_eq!(String::from_utf8(buffer).as_deref(), Ok(expected));
        }
    }
}
