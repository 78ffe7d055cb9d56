//! Metadata (IRCv3 draft metadata-2 and metadata-3): what people and rooms say of themselves under keys, and marks that
//! someone puts on her own conversations, which nobody else sees.

use compact_str::CompactString;
use std::fmt;
use std::sync::Arc;
use unicode_normalization::char::is_combining_mark;

/// Keys that one device can subscribe to.
pub const SUBSCRIPTIONS: usize = 50;
/// Bytes of a key.
pub const METADATA_KEY_BYTES: usize = 64;
/// The key of the name that others are shown in place of, or beside, the one that someone is called by.
pub const DISPLAY_NAME: &str = "display-name";
/// Characters of it.
pub const DISPLAY_NAME_CHARACTERS: usize = 64;
/// With more members, what a room and its members say of themselves is not sent by itself, but when it is asked for.
pub const SYNC_MEMBERS: usize = 200;
/// Changes of a person's and her rooms' metadata in a minute; each is told to all who share a room with her.
pub const METADATA_CHANGES: u32 = 60;

/// One or more of a-z, 0-9 and `_./-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MetadataKey(CompactString);

impl MetadataKey {
    pub fn parse(text: &str) -> Option<MetadataKey> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'/' | b'-');
        ((1..=METADATA_KEY_BYTES).contains(&text.len()) && text.bytes().all(is_allowed))
            .then(|| MetadataKey(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The mark that this key is, if it is one.
    pub fn mark(&self) -> Option<Mark> {
        Mark::ALL.into_iter().find(|mark| mark.word() == self.as_str())
    }
}

/// Why a text can't be a display name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisplayNameError {
    /// Nothing of it would be seen.
    Invisible,
    TooLong,
}

impl fmt::Display for DisplayNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DisplayNameError::Invisible => {
                write!(f, "Nothing of this display name would be seen: give at least one letter")
            }
            DisplayNameError::TooLong => {
                write!(f, "A display name has at most {DISPLAY_NAME_CHARACTERS} characters: make it shorter")
            }
        }
    }
}

/// A display name as it is kept. It stands beside what others say, so what turns the direction of text around it, and what
/// nobody sees, is left out of it.
pub fn display_name(text: &str) -> Result<Box<str>, DisplayNameError> {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        let before = name.chars().next_back();
        match character {
            _ if character.is_whitespace() => {
                if before.is_some_and(|before| before != ' ') {
                    name.push(' ');
                }
            }
            _ if character.is_control() || is_unseen(character) => {}
            // Emoji and the letters of some scripts are joined by them.
            _ if is_joiner(character) => {
                if before.is_some_and(|before| before != ' ' && (!before.is_ascii() || character == '\u{fe0f}')) {
                    name.push(character);
                }
            }
            _ => name.push(character),
        }
    }
    name.truncate(name.trim_end_matches([' ', '\u{200c}', '\u{200d}']).len());
    if name.chars().all(|character| character == ' ' || is_joiner(character) || is_combining_mark(character)) {
        return Err(DisplayNameError::Invisible);
    }
    if name.chars().count() > DISPLAY_NAME_CHARACTERS {
        return Err(DisplayNameError::TooLong);
    }
    Ok(name.into())
}

/// What of a display name is compared with the names of others.
pub fn seen_of_display_name(name: &str) -> String {
    name.chars().filter(|character| !is_joiner(*character)).collect()
}

/// What changes the look of the characters beside it and has none of its own: joiners, variation selectors, and the tags
/// of flags.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

/// What turns directions (UAX 9), and what is drawn as nothing or as a blank (Default_Ignorable_Code_Point, and U+2800).
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e001f}' | '\u{e0080}'..='\u{e0fff}'
    )
}

/// What someone notes about a conversation, for her own devices alone. The keys are soju's, which clients know already
/// (soju "Metadata keys"): their values are 0 and 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Mark {
    /// Nothing that this person says to her directly reaches her.
    Blocked = 0,
    /// To be shown less prominently, without notifications.
    Muted = 1,
    /// To be shown more prominently than others.
    Pinned = 2,
}

impl Mark {
    pub const ALL: [Mark; 3] = [Mark::Blocked, Mark::Muted, Mark::Pinned];

    pub fn word(self) -> &'static str {
        match self {
            Mark::Blocked => "soju.im/blocked",
            Mark::Muted => "soju.im/muted",
            Mark::Pinned => "soju.im/pinned",
        }
    }

    pub fn key(self) -> MetadataKey {
        MetadataKey(CompactString::const_new(self.word()))
    }
}

/// A set of marks, as bits of [`Mark`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks(pub u8);

impl Marks {
    pub fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u8) != 0
    }
    #[must_use]
    pub fn with(self, mark: Mark, on: bool) -> Marks {
        let bit = 1 << mark as u8;
        Marks(if on { self.0 | bit } else { self.0 & !bit })
    }
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub fn iter(self) -> impl Iterator<Item = Mark> {
        Mark::ALL.into_iter().filter(move |mark| self.has(*mark))
    }
}

/// What someone or something says of itself, by keys in their order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Metadata(Vec<(MetadataKey, Arc<str>)>);

impl Metadata {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &(MetadataKey, Arc<str>)> {
        self.0.iter()
    }

    pub fn of(&self, key: &MetadataKey) -> Option<&Arc<str>> {
        self.0.iter().find(|(of, _)| of == key).map(|(_, value)| value)
    }

    /// Sets a value, or with `None` takes it away. Returned: what it was.
    pub fn set(&mut self, key: MetadataKey, value: Option<Arc<str>>) -> Option<Arc<str>> {
        match (self.0.binary_search_by(|(of, _)| of.cmp(&key)), value) {
            (Ok(place), Some(value)) => Some(std::mem::replace(&mut self.0[place].1, value)),
            (Ok(place), None) => Some(self.0.remove(place).1),
            (Err(place), Some(value)) => {
                self.0.insert(place, (key, value));
                None
            }
            (Err(_), None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let longest = "x".repeat(METADATA_KEY_BYTES);
        let cases = [
            ("avatar", true),
            ("display-name", true),
            ("a_b.c/d-9", true),
            (&longest, true),
            ("", false),
            (&format!("{longest}x"), false),
            ("Avatar", false),
            ("$url$", false),
            ("a b", false),
            ("é", false),
        ];
        for (text, expected) in cases {
            assert_eq!(MetadataKey::parse(text).is_some(), expected, "{text:?}");
        }
        for mark in Mark::ALL {
            assert_eq!(MetadataKey::parse(mark.word()).and_then(|key| key.mark()), Some(mark));
        }
        assert_eq!(MetadataKey::parse("avatar").and_then(|key| key.mark()), None);
    }

    #[test]
    fn display_names() {
        use DisplayNameError::{Invisible, TooLong};
        let longest = "ü".repeat(DISPLAY_NAME_CHARACTERS);
        let cases = [
            ("Alice in Chains", Ok("Alice in Chains")),
            ("  a\u{a0}\u{3000} b\t", Ok("a b")),
            ("\u{202e}evil\u{202c}\u{2067}x\u{200f}", Ok("evilx")),
            ("\u{3}4bold\u{2}\u{7}", Ok("4bold")),
            ("al\u{200d}i\u{200b}ce\u{fe00}\u{ad}", Ok("alice")),
            ("👩\u{200d}🚀 \u{200d}1\u{fe0f}\u{20e3}", Ok("👩\u{200d}🚀 1\u{fe0f}\u{20e3}")),
            ("🏴\u{e0067}\u{e0062}\u{e007f}", Ok("🏴\u{e0067}\u{e0062}\u{e007f}")),
            ("می\u{200c}خواهم\u{200c}", Ok("می\u{200c}خواهم")),
            (longest.as_str(), Ok(longest.as_str())),
            ("", Err(Invisible)),
            ("\u{200b}\u{200d} \u{feff}", Err(Invisible)),
            ("\u{3164}\u{2800}", Err(Invisible)),
            ("\u{301}\u{301}", Err(Invisible)),
            (&format!("{longest}x"), Err(TooLong)),
        ];
        for (text, expected) in cases {
            assert_eq!(display_name(text).as_deref(), expected.as_ref().copied(), "{text:?}");
        }
        assert_eq!(seen_of_display_name("а\u{200d}b\u{fe0f}"), "аb");
    }

    #[test]
    fn values_and_marks() {
        let key = |text| MetadataKey::parse(text).unwrap();
        let mut metadata = Metadata::default();
        assert_eq!(metadata.set(key("b"), Some("1".into())), None);
        assert_eq!(metadata.set(key("a"), Some("".into())), None);
        assert_eq!(metadata.set(key("b"), Some("2".into())).as_deref(), Some("1"));
        assert_eq!(metadata.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(metadata.set(key("a"), None).as_deref(), Some(""));
        assert_eq!((metadata.of(&key("a")), metadata.len()), (None, 1));
        let marks = Marks::default().with(Mark::Pinned, true).with(Mark::Blocked, true).with(Mark::Pinned, false);
        assert_eq!(marks.iter().collect::<Vec<_>>(), [Mark::Blocked]);
        assert!(marks.with(Mark::Blocked, false).is_empty());
    }
}
