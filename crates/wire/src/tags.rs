//! Message tags (IRCv3 message-tags): read lazily from the raw text between `@` and the space.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use memchr::memchr;

use crate::line_writer::contains;

/// From how many tags on a second occurrence of a key is looked for with a map, not by reading on: a line of
/// 4094 bytes can hold two thousand tags, and comparing each with all others would make that line expensive.
const MANY_TAGS: usize = 16;

/// The tags of one line, not yet taken apart. Costs nothing until asked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Tags<'a> {
    data: &'a str,
}

impl<'a> Tags<'a> {
    /// Tags from tag data: what stands between `@` and the space.
    pub const fn new(data: &'a str) -> Tags<'a> {
        Tags { data }
    }

    /// The tag data as sent.
    pub const fn raw(self) -> &'a str {
        self.data
    }

    pub const fn is_empty(self) -> bool {
        self.data.is_empty()
    }

    /// Every tag as key and escaped value, in the order sent, repeated keys included. A tag without a value has an
    /// empty one: the specification lets nobody tell the two apart.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        split_tags(self.data).map(key_and_value)
    }

    /// The escaped value of `key`; of several the last ("disregard all but the final occurrence").
    pub fn raw_value(self, key: &str) -> Option<&'a str> {
        if self.data.is_empty() {
            return None;
        }
        self.iter().filter(|(found, _)| *found == key).last().map(|(_, value)| value)
    }

    /// The value of `key` without its escapes; of several the last. Borrowed when there is nothing to unescape.
    pub fn get(self, key: &str) -> Option<Cow<'a, str>> {
        self.raw_value(key).map(unescape)
    }

    pub fn contains(self, key: &str) -> bool {
        self.raw_value(key).is_some()
    }

    /// The tags that a server relays as they are: keys with `+`, with their escaped values, in the order sent; of a
    /// repeated key only the last. Write them with [`LineWriter::raw_tag`](crate::LineWriter::raw_tag).
    pub fn client_only(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let last_places = self.last_places_if_many();
        split_tags(self.data).enumerate().filter_map(move |(place, tag)| {
            let (key, value) = key_and_value(tag);
            if key.len() < 2 || !key.starts_with('+') {
                return None;
            }
            let last = match &last_places {
                Some(places) => places.get(key) == Some(&place),
                None => !split_tags(self.data).skip(place + 1).any(|later| key_and_value(later).0 == key),
            };
            last.then_some((key, value))
        })
    }

    /// For each key the place of its last occurrence; `None` when there are few tags.
    fn last_places_if_many(self) -> Option<BTreeMap<&'a str, usize>> {
        if memchr::memchr_iter(b';', self.data.as_bytes()).count() < MANY_TAGS {
            return None;
        }
        // A later entry with the same key replaces an earlier one.
        Some(split_tags(self.data).enumerate().map(|(place, tag)| (key_and_value(tag).0, place)).collect())
    }
}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

fn split_tags(data: &str) -> impl Iterator<Item = &str> + Clone {
    // A tag without a key is nothing that anyone could ask for or pass on.
    data.split(';').filter(|tag| !tag.is_empty() && !tag.starts_with('='))
}

fn key_and_value(tag: &str) -> (&str, &str) {
    tag.split_once('=').unwrap_or((tag, ""))
}

/// Whether `key` is written as message-tags "Format" says: `[+][vendor/]name`, the name of ASCII letters, digits and
/// hyphens, the vendor a host name. For keys of one's own: a line with another key must not be refused for it.
pub fn is_valid_key(key: &str) -> bool {
    let key = key.strip_prefix('+').unwrap_or(key);
    let (vendor, name) = match key.split_once('/') {
        Some((vendor, name)) => (Some(vendor), name),
        None => (None, key),
    };
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_name(name) && vendor.is_none_or(|vendor| vendor.split('.').all(is_name))
}

/// A value without its escapes. A backslash at the end goes, one before any other character goes and leaves it.
pub fn unescape(value: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'\\', value.as_bytes()) else {
        return Cow::Borrowed(value);
    };
    let mut plain = String::with_capacity(value.len());
    plain.push_str(&value[..first]);
    let mut rest = value[first..].chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some(':') => plain.push(';'),
            Some('s') => plain.push(' '),
            Some('r') => plain.push('\r'),
            Some('n') => plain.push('\n'),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Cow::Owned(plain)
}

/// Appends `value` with its escapes. A NUL, for which there is no escape, becomes a space.
pub fn escape_into(buffer: &mut Vec<u8>, value: &str) {
    let value = value.as_bytes();
    if !contains(value, |byte| escape_of(byte).is_some()) {
        buffer.extend_from_slice(value);
        return;
    }
    for &byte in value {
        match escape_of(byte) {
            Some(letter) => buffer.extend_from_slice(&[b'\\', letter]),
            None => buffer.push(byte),
        }
    }
}

/// The letter that stands for a byte after a backslash.
fn escape_of(byte: u8) -> Option<u8> {
    match byte {
        b';' => Some(b':'),
        b' ' | 0 => Some(b's'),
        b'\\' => Some(b'\\'),
        b'\r' => Some(b'r'),
        b'\n' => Some(b'n'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of message-tags "Escaping values", and of parser-tests of the IRC parser test suite's kind.
    const ESCAPES: [(&str, &str); 8] = [
        ("plain", "plain"),
        ("", ""),
        ("a;b", "a\\:b"),
        ("a b", "a\\sb"),
        ("a\\b", "a\\\\b"),
        ("\r\n", "\\r\\n"),
        ("\\s", "\\\\s"),
        ("é; 😀", "é\\:\\s😀"),
    ];

    #[test]
    fn escapes_both_ways() {
        for (plain, escaped) in ESCAPES {
            let mut written = Vec::new();
            escape_into(&mut written, plain);
            assert_eq!(written, escaped.as_bytes(), "{plain:?}");
            assert_eq!(unescape(escaped), plain);
        }
    }

    #[test]
    fn unescapes_what_nobody_should_send() {
        for (escaped, plain) in [("test\\", "test"), ("\\b", "b"), ("\\", ""), ("a\\\\\\", "a\\"), ("\\é", "é")] {
            assert_eq!(unescape(escaped), plain, "{escaped:?}");
        }
        assert!(matches!(unescape("nothing"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_nul_cannot_be_escaped() {
        let mut written = Vec::new();
        escape_into(&mut written, "a\0b");
        assert_eq!(written, b"a\\sb");
    }

    #[test]
    fn values() {
        #[track_caller]
        fn check(data: &str, key: &str, expected: Option<&str>) {
            assert_eq!(Tags::new(data).get(key).as_deref(), expected, "{key} of {data:?}");
        }
        check("", "a", None);
        check("a", "a", Some(""));
        check("a=", "a", Some(""));
        check("a=b=c", "a", Some("b=c"));
        check("a=1;b=2", "b", Some("2"));
        check("a=1;b=2;a=3", "a", Some("3"));
        check("a=1;a", "a", Some(""));
        check("A=1", "a", None);
        check(";;a=1;", "a", Some("1"));
        check("+draft/reply=x\\sy", "+draft/reply", Some("x y"));
        check("ab=1", "a", None);
        check("=;=1;a=2", "", None);
    }

    #[test]
    fn all_in_order() {
        let tags = Tags::new("time=1;+a;b=;+a=2");
        let all: Vec<_> = tags.iter().collect();
        assert_eq!(all, [("time", "1"), ("+a", ""), ("b", ""), ("+a", "2")]);
        assert!(tags.contains("b") && !tags.contains("c"));
        assert!(Tags::default().iter().next().is_none());
    }

    #[test]
    fn client_only_tags() {
        #[track_caller]
        fn check(data: &str, expected: &[(&str, &str)]) {
            let found: Vec<_> = Tags::new(data).client_only().collect();
            assert_eq!(found, expected, "{data:?}");
        }
        check("", &[]);
        check("label=1;time=2", &[]);
        check("label=1;+a=2;+draft/b", &[("+a", "2"), ("+draft/b", "")]);
        check("+a=1;+b=2;+a=3", &[("+b", "2"), ("+a", "3")]);
        check("+;+=1;+a", &[("+a", "")]);
        // An escaped value is passed on as it came, even where it could be written otherwise.
        check("+a=\\b", &[("+a", "\\b")]);
    }

    #[test]
    fn many_tags_are_told_apart_like_few() {
        let data = (0..500).map(|n| format!("+k{}={n}", n % 100)).collect::<Vec<_>>().join(";");
        let found: Vec<_> = Tags::new(&data).client_only().map(|(key, value)| format!("{key}={value}")).collect();
        let expected: Vec<_> = (400..500).map(|n| format!("+k{}={n}", n % 100)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn keys() {
        for key in ["a", "+a", "a-b", "draft/a", "+draft/a", "example.com/a", "xn--e1afmkfd.org/foo", "parlor/once"] {
            assert!(is_valid_key(key), "{key}");
        }
        for key in ["", "+", "a_b", "/a", "a/", "a b", "a=b", "++a", "é", "a/b/c", "a..b/c", "a;b"] {
            assert!(!is_valid_key(key), "{key}");
        }
    }
}
