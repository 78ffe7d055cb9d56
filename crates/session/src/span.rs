//! Spans of time as people write them: `90s`, `15m`, `12h`, `30d`, `4w`, `1y`.

/// Seconds of each unit, the longest first.
const UNITS: [(char, u64); 6] =
    [('y', 365 * 86_400), ('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Seconds; `None`: no span, or none at all.
pub fn parse_span(text: &str) -> Option<u64> {
    let (_, seconds) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
    let number: u32 = text[..text.len() - 1].trim().parse().ok()?;
    (number > 0).then(|| u64::from(number) * seconds)
}

/// In the longest unit that says it exactly; days rather than weeks or years, which nobody counts in exactly.
pub fn span_text(seconds: u64) -> String {
    let (unit, of_unit) =
        UNITS[2..].iter().find(|(_, of_unit)| seconds.is_multiple_of(*of_unit)).copied().unwrap_or(('s', 1));
    format!("{}{unit}", seconds / of_unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, seconds, shown) in [
            ("90s", Some(90), "90s"),
            ("60s", Some(60), "1m"),
            ("15m", Some(900), "15m"),
            ("36h", Some(129_600), "36h"),
            ("48h", Some(172_800), "2d"),
            ("2w", Some(1_209_600), "14d"),
            ("1y", Some(31_536_000), "365d"),
            ("0d", None, ""),
            ("d", None, ""),
            ("-1d", None, ""),
            ("12", None, ""),
            ("12x", None, ""),
            ("", None, ""),
            ("5000000000s", None, ""),
        ] {
            assert_eq!(parse_span(text), seconds, "{text}");
            if let Some(seconds) = seconds {
                assert_eq!(span_text(seconds), shown, "{text}");
                assert_eq!(parse_span(shown), Some(seconds), "{text}");
            }
        }
    }
}
