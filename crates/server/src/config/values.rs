//! Values that several keys have.

use super::address_range::AddressRange;
use super::settings::{Origin, Section};
use std::time::Duration;

pub(super) fn boolean(section: &mut Section, key: &'static str, default: bool) -> bool {
    section.boolean(key).map_or(default, |(value, _)| value)
}

pub(super) fn count(
    section: &mut Section,
    key: &'static str,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
) -> u32 {
    let range = i64::from(*range.start())..=i64::from(*range.end());
    section.integer(key, range).map_or(default, |(value, _)| value as u32)
}

/// A text that goes into one line of the protocol.
pub(super) fn line(section: &mut Section, key: &'static str, most_bytes: usize) -> Option<String> {
    let (text, place) = section.text(key)?;
    if text.chars().any(char::is_control) {
        section.complain(&place, key, "control characters and line ends are not allowed here; write one plain line");
        return None;
    }
    if text.len() > most_bytes {
        section.complain(&place, key, format!("it has {} bytes; shorten it to {most_bytes}", text.len()));
        return None;
    }
    Some(text)
}

pub(super) fn address_ranges(section: &mut Section, key: &'static str) -> Vec<AddressRange> {
    let mut ranges = Vec::new();
    for (text, place) in section.texts(key).unwrap_or_default() {
        match text.parse() {
            Ok(range) => ranges.push(range),
            Err(why) => section.complain(&place, key, why),
        }
    }
    ranges
}

pub(super) fn span(section: &mut Section, key: &'static str) -> Option<(Duration, Origin)> {
    let (text, place) = section.text(key)?;
    match parse_span(&text) {
        Some(span) => Some((span, place)),
        None => {
            section.complain(&place, key, format!("{text:?} is no time; write one like \"90d\", \"12h\" or \"30m\""));
            None
        }
    }
}

/// `90d`, `1d12h`: whole numbers, each with one of s, m, h, d, w, y (365 days).
pub(super) fn parse_span(text: &str) -> Option<Duration> {
    session::duration::parse_with_unit(text).map(Duration::from_millis)
}
