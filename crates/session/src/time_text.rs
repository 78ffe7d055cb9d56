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
