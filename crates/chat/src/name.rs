//! Names of people and of rooms: parsed once, compared by a folded key.
//!
//! What a name may not contain follows from where names stand beside other text: in lists (`,`), in masks (`*`, `?`,
//! `!`, `@`), before a role's prefix, where a server's name could stand (`.`), before a colon in a conversation.

use compact_str::{CompactString, ToCompactString};
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};
use smallvec::SmallVec;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

/// How names are compared, and how long they may be. From the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRules {
    pub casemapping: Casemapping,
    /// Bytes of UTF-8.
    pub max_name: usize,
    /// Bytes of UTF-8, the `#` included.
    pub max_room_name: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Casemapping {
    /// Unicode names by PRECIS (RFC 8265 UsernameCaseMapped); names that look alike are refused.
    Precis,
    /// `a` to `z` alone have cases, and people's names are ASCII.
    Ascii,
}

impl Default for NameRules {
    fn default() -> NameRules {
        NameRules { casemapping: Casemapping::Precis, max_name: 32, max_room_name: 64 }
    }
}

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    Empty,
    /// Longer than so many bytes.
    TooLong {
        limit: usize,
    },
    /// This character can't stand anywhere in a name.
    Forbidden {
        character: char,
    },
    /// This character can't stand at the start.
    BadStart {
        character: char,
    },
    /// A room's name starts with `#`.
    NotARoom,
    /// Not a name by PRECIS: a symbol, an invisible character, or directions mixed (RFC 8264, RFC 8265).
    NotAnIdentifier,
}

/// The name of someone elsewhere for whom a client speaks (bridging): `name/network`. The stroke, which stands in no name
/// of a person here, keeps the two apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayedName(CompactString);

impl RelayedName {
    /// Names elsewhere are longer than ours, and the network's is behind them.
    pub const MAX: usize = 64;

    /// Each part is made of what could stand in a name here.
    pub fn parse(text: &str, rules: &NameRules) -> Result<RelayedName, NameError> {
        if text.len() > RelayedName::MAX {
            return Err(NameError::TooLong { limit: RelayedName::MAX });
        }
        let rules = NameRules { max_name: RelayedName::MAX, ..*rules };
        let Some((name, network)) = text.split_once('/') else {
            return Err(NameError::NotAnIdentifier);
        };
        for part in [name, network] {
            // What can't begin a name for reasons of ours, such as a digit, can elsewhere.
            if Username::parse(part, &rules).is_err() {
                Username::parse(&compact_str::format_compact!("x{part}"), &rules)?;
            }
            if part.is_empty() {
                return Err(NameError::Empty);
            }
        }
        Ok(RelayedName(text.into()))
    }

    pub fn text(&self) -> &CompactString {
        &self.0
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Empty => write!(f, "the name is empty; give at least one letter"),
            NameError::TooLong { limit } => write!(f, "the name is longer than {limit} bytes; choose a shorter one"),
            NameError::Forbidden { character } => {
                write!(f, "the name contains {character:?}; use letters, digits, '-' and '_'")
            }
            NameError::BadStart { character } => {
                write!(f, "the name starts with {character:?}; let it start with a letter")
            }
            NameError::NotARoom => write!(f, "the name of a room starts with '#' and has a letter behind it"),
            NameError::NotAnIdentifier => {
                write!(f, "the name has a character that is not a letter or digit; use letters of one script")
            }
        }
    }
}

/// A person's name: as she writes it, and folded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username {
    text: CompactString,
    key: CompactString,
}

/// A room's name: as its creator wrote it, and folded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChatroomName {
    text: CompactString,
    key: CompactString,
}

/// Anywhere in a person's name. Space and comma end it in lists, `*` and `?` are wildcards, `!` and `@` part a mask, `.`
/// is for servers and hosts, `:` starts the last parameter and parts an extended mask. The quotes and angle brackets
/// are what people and programs put around a name, `;` and `=` part tags, `/` commands and paths.
const NOT_IN_A_NAME: &str = " ,*?!@.:;'\"<>/=";
/// At its start. `$` announces a mask of servers, `#` and `&` a room, `~ & @ % +` are prefixes of roles, `-` and `+`
/// switch modes.
const NOT_FIRST_IN_A_NAME: &str = "$#&~@%+-";
/// In a room's name: parts of lists, and wildcards.
const NOT_IN_A_ROOM_NAME: &str = " ,*?";

/// What each ASCII character is, as bits: nearly every name is decided by this table alone, once a message.
static ASCII: [u8; 128] = ascii_classes();
const BAD_IN_NAME: u8 = 1;
const BAD_FIRST: u8 = 2;
const BAD_IN_ROOM: u8 = 4;
const CAPITAL: u8 = 8;

const fn ascii_classes() -> [u8; 128] {
    let mut classes = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        let character = byte as u8;
        if character.is_ascii_control() {
            classes[byte] |= BAD_IN_NAME | BAD_IN_ROOM;
        }
        if contains(NOT_IN_A_NAME, character) {
            classes[byte] |= BAD_IN_NAME;
        }
        // RFC 2812 section 2.3.1: a digit never comes first, so that a name is never taken for a number.
        if contains(NOT_FIRST_IN_A_NAME, character) || character.is_ascii_digit() {
            classes[byte] |= BAD_FIRST;
        }
        if contains(NOT_IN_A_ROOM_NAME, character) {
            classes[byte] |= BAD_IN_ROOM;
        }
        if character.is_ascii_uppercase() {
            classes[byte] |= CAPITAL;
        }
        byte += 1;
    }
    classes
}

const fn contains(list: &str, byte: u8) -> bool {
    let list = list.as_bytes();
    let mut index = 0;
    while index < list.len() {
        if list[index] == byte {
            return true;
        }
        index += 1;
    }
    false
}

/// All classes that occur in the text; `None`: not ASCII.
fn ascii_classes_of(text: &str) -> Option<u8> {
    text.bytes().try_fold(0, |found, byte| Some(found | ASCII.get(byte as usize)?))
}

impl Username {
    /// A name that someone may bear. Width and composition are made canonical; the case stays as written.
    pub fn parse(text: &str, rules: &NameRules) -> Result<Username, NameError> {
        if let (Some(classes), Some(first)) = (ascii_classes_of(text), text.bytes().next())
            && classes & BAD_IN_NAME == 0
            && ASCII[first as usize & 0x7f] & BAD_FIRST == 0
            && text.len() <= rules.max_name
        {
            return Ok(Username { text: CompactString::new(text), key: fold(text, classes) });
        }
        Username::parse_any(text, rules)
    }

    /// For names with more than ASCII, and for saying what is wrong with one.
    fn parse_any(text: &str, rules: &NameRules) -> Result<Username, NameError> {
        let first = text.chars().next().ok_or(NameError::Empty)?;
        if let Some(character) = text.chars().find(|c| c.is_control() || NOT_IN_A_NAME.contains(*c)) {
            return Err(NameError::Forbidden { character });
        }
        if NOT_FIRST_IN_A_NAME.contains(first) || first.is_ascii_digit() {
            return Err(NameError::BadStart { character: first });
        }
        let (text, key) = match rules.casemapping {
            _ if text.is_ascii() => (CompactString::new(text), fold_ascii(text)),
            Casemapping::Ascii => {
                let character = text.chars().find(|c| !c.is_ascii()).unwrap_or(first);
                return Err(NameError::Forbidden { character });
            }
            Casemapping::Precis => identifier(text)?,
        };
        // Folding can bring forth what was hidden in a full-width form.
        if let Some(character) = text.chars().find(|c| NOT_IN_A_NAME.contains(*c)) {
            return Err(NameError::Forbidden { character });
        }
        if let Some(character) = text.chars().next().filter(|c| NOT_FIRST_IN_A_NAME.contains(*c) || c.is_ascii_digit())
        {
            return Err(NameError::BadStart { character });
        }
        if text.len() > rules.max_name {
            return Err(NameError::TooLong { limit: rules.max_name });
        }
        Ok(Username { text, key })
    }

    /// A name that is only looked for: whatever it is, if nobody can bear it nobody is found.
    pub fn lookup(text: &str, rules: &NameRules) -> Username {
        Username::parse(text, rules).unwrap_or_else(|_| Username {
            text: CompactString::new(text),
            key: text.to_lowercase().to_compact_string(),
        })
    }

    pub fn text(&self) -> &CompactString {
        &self.text
    }
    /// What is compared: equal keys are the same name.
    pub fn key(&self) -> &CompactString {
        &self.key
    }
    /// What the name looks like: see [`skeletons`].
    pub fn skeletons(&self) -> SmallVec<[CompactString; 2]> {
        skeletons(&self.text, &self.key)
    }

    /// Whether other networks have a service of this name, or of one that looks like it: people, and programs that are set up
    /// for such a network, send it their passwords.
    pub fn is_of_a_service(&self) -> bool {
        static LOOKS: LazyLock<HashSet<CompactString>> =
            LazyLock::new(|| SERVICES.iter().map(|name| skeleton(name)).collect());
        // Few names are so like them that it has to be seen more closely.
        self.key.len() <= LONGEST_LOOK && self.skeletons().iter().any(|look| LOOKS.contains(look))
    }
}

/// The services of Atheme, Anope and Ergo, as they are called out of the box.
const SERVICES: [&str; 17] = [
    "nickserv",
    "chanserv",
    "memoserv",
    "operserv",
    "hostserv",
    "botserv",
    "saslserv",
    "authserv",
    "helpserv",
    "statserv",
    "infoserv",
    "groupserv",
    "histserv",
    "gameserv",
    "userserv",
    "rootserv",
    "services",
];
/// A name of ten letters may have four bytes for each.
const LONGEST_LOOK: usize = 40;

impl ChatroomName {
    pub fn parse(text: &str, rules: &NameRules) -> Result<ChatroomName, NameError> {
        if let Some(classes) = ascii_classes_of(text)
            && classes & BAD_IN_ROOM == 0
            && text.starts_with('#')
            && text.bytes().any(|byte| byte != b'#')
            && text.len() <= rules.max_room_name
        {
            return Ok(ChatroomName { text: CompactString::new(text), key: fold(text, classes) });
        }
        ChatroomName::parse_any(text, rules)
    }

    /// For names with more than ASCII, and for saying what is wrong with one.
    fn parse_any(text: &str, rules: &NameRules) -> Result<ChatroomName, NameError> {
        let rest = text.trim_start_matches('#');
        if rest.len() == text.len() || rest.is_empty() {
            return Err(if text.is_empty() { NameError::Empty } else { NameError::NotARoom });
        }
        if let Some(character) = text.chars().find(|c| c.is_control() || NOT_IN_A_ROOM_NAME.contains(*c)) {
            return Err(NameError::Forbidden { character });
        }
        let (text, key) = match rules.casemapping {
            _ if text.is_ascii() => (CompactString::new(text), fold_ascii(text)),
            Casemapping::Ascii => (CompactString::new(text), fold_ascii(text)),
            Casemapping::Precis => {
                // The rule on directions is for the name behind the '#' (RFC 8265 section 3.2, RFC 5893 section 2).
                let (rest_text, rest_key) = identifier(rest)?;
                let hashes = &text[..text.len() - rest.len()];
                let with_hashes = |rest: CompactString| {
                    let mut whole = CompactString::new(hashes);
                    whole.push_str(&rest);
                    whole
                };
                (with_hashes(rest_text), with_hashes(rest_key))
            }
        };
        // Folding can bring forth what was hidden in a full-width form.
        if text.bytes().all(|byte| byte == b'#') {
            return Err(NameError::NotARoom);
        }
        if let Some(character) = text.chars().find(|c| NOT_IN_A_ROOM_NAME.contains(*c)) {
            return Err(NameError::Forbidden { character });
        }
        if text.len() > rules.max_room_name {
            return Err(NameError::TooLong { limit: rules.max_room_name });
        }
        Ok(ChatroomName { text, key })
    }

    /// A name that is only looked for.
    pub fn lookup(text: &str, rules: &NameRules) -> ChatroomName {
        ChatroomName::parse(text, rules).unwrap_or_else(|_| ChatroomName {
            text: CompactString::new(text),
            key: text.to_lowercase().to_compact_string(),
        })
    }

    pub fn text(&self) -> &CompactString {
        &self.text
    }
    /// What is compared: equal keys are the same name.
    pub fn key(&self) -> &CompactString {
        &self.key
    }
    /// What the name looks like: see [`skeletons`].
    pub fn skeletons(&self) -> SmallVec<[CompactString; 2]> {
        skeletons(&self.text, &self.key)
    }

    /// The names of groups begin with [`GROUP_PREFIX`], and those of no other room.
    pub fn is_of_group(&self) -> bool {
        self.key.starts_with(GROUP_PREFIX)
    }
}

/// What tells a group's name from a room's: nobody can find out by making a room of that name whether there is a group.
pub const GROUP_PREFIX: &str = "#+";

/// Name and key by PRECIS. The fast way out for ASCII is the caller's: there both are plain.
fn identifier(text: &str) -> Result<(CompactString, CompactString), NameError> {
    let shown = UsernameCasePreserved::enforce(text).map_err(|_| NameError::NotAnIdentifier)?;
    let key = UsernameCaseMapped::enforce(shown.as_ref()).map_err(|_| NameError::NotAnIdentifier)?;
    Ok((CompactString::new(&shown), CompactString::new(&key)))
}

fn fold_ascii(text: &str) -> CompactString {
    fold(text, CAPITAL)
}

/// The key of a text whose classes are known, if it is ASCII or only ASCII has cases.
fn fold(text: &str, classes: u8) -> CompactString {
    let mut key = CompactString::new(text);
    if classes & CAPITAL != 0 {
        key.make_ascii_lowercase();
    }
    key
}

/// What a name looks like (UTS 39 section 4), as shown and folded: `Ѕcope` looks like `Scope` only in capitals, `іgor`
/// like `igor` only in small letters. Two names are confusable when any of one's forms equals any of the other's.
/// One form when both are equal.
pub fn skeletons(text: &str, key: &str) -> SmallVec<[CompactString; 2]> {
    let shown = skeleton(text);
    let folded = skeleton(key);
    let mut both = SmallVec::new();
    if folded != shown {
        both.push(folded);
    }
    both.push(shown);
    both
}

/// The skeleton of UTS 39, without its cases.
fn skeleton(text: &str) -> CompactString {
    if !text.is_ascii() {
        return unicode_security::skeleton(text).flat_map(char::to_lowercase).collect();
    }
    let mut skeleton = CompactString::with_capacity(text.len());
    for byte in text.bytes() {
        // The whole of the confusables table for ASCII; a test compares it with the crate's.
        match byte {
            b'"' => skeleton.push_str("''"),
            b'%' => skeleton.push_str("°/₀"),
            b'0' | b'O' => skeleton.push('o'),
            b'1' | b'I' | b'|' => skeleton.push('l'),
            b'`' => skeleton.push('\''),
            b'm' => skeleton.push_str("rn"),
            other => skeleton.push(other.to_ascii_lowercase() as char),
        }
    }
    skeleton
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_elsewhere() {
        let long = format!("{}/discord", "x".repeat(57));
        for (text, expected) in [
            ("alice/discord", true),
            ("Алиса/matrix", true),
            ("007/d", true),
            ("alice", false),
            ("/discord", false),
            ("alice/", false),
            ("a/b/c", false),
            ("invalid!nick/discord", false),
            ("a b/discord", false),
            ("a,b/discord", false),
            ("irc.example/d", false),
            ("al\u{200b}ice/discord", false),
            ("al\u{202e}ice/discord", false),
            (&long, false),
        ] {
            let found = RelayedName::parse(text, &NameRules::default());
            assert_eq!(found.is_ok(), expected, "{text:?}: {found:?}");
            assert!(
                found.is_err() || Username::parse(text, &NameRules::default()).is_err(),
                "{text:?} is someone's here"
            );
        }
    }

    const PRECIS: NameRules = NameRules { casemapping: Casemapping::Precis, max_name: 32, max_room_name: 64 };
    const ASCII: NameRules = NameRules { casemapping: Casemapping::Ascii, max_name: 32, max_room_name: 64 };

    #[test]
    fn a_person_s_name() {
        let check = |text: &str, rules: &NameRules, expected: Result<(&str, &str), NameError>| {
            let found = Username::parse(text, rules);
            let found = found.as_ref().map(|name| (name.text.as_str(), name.key.as_str())).map_err(|error| *error);
            assert_eq!(found, expected, "{text:?}");
        };
        use NameError::*;
        check("alice", &PRECIS, Ok(("alice", "alice")));
        check("Alice[m]", &PRECIS, Ok(("Alice[m]", "alice[m]")));
        check("_x`^{}|\\-1", &PRECIS, Ok(("_x`^{}|\\-1", "_x`^{}|\\-1")));
        check("Zoë", &PRECIS, Ok(("Zoë", "zoë")));
        check("Zoe\u{308}", &PRECIS, Ok(("Zoë", "zoë")));
        check("Ａlice", &PRECIS, Ok(("Alice", "alice")));
        check("日本", &PRECIS, Ok(("日本", "日本")));
        check("ΑΘΗΝΑ", &PRECIS, Ok(("ΑΘΗΝΑ", "αθηνα")));
        check("Zoë", &ASCII, Err(Forbidden { character: 'ë' }));
        check("", &PRECIS, Err(Empty));
        check("a b", &PRECIS, Err(Forbidden { character: ' ' }));
        check("a.b", &PRECIS, Err(Forbidden { character: '.' }));
        check("a\u{7}", &PRECIS, Err(Forbidden { character: '\u{7}' }));
        check("a\u{7f}", &ASCII, Err(Forbidden { character: '\u{7f}' }));
        check("ab＊", &PRECIS, Err(Forbidden { character: '*' }));
        check("＠ab", &PRECIS, Err(Forbidden { character: '@' }));
        check("＋ab", &PRECIS, Err(BadStart { character: '+' }));
        check("1up", &PRECIS, Err(BadStart { character: '1' }));
        check("#tea", &PRECIS, Err(BadStart { character: '#' }));
        check("~op", &PRECIS, Err(BadStart { character: '~' }));
        check("☕", &PRECIS, Err(NotAnIdentifier));
        check("a\u{200b}b", &PRECIS, Err(NotAnIdentifier));
        check(&"x".repeat(32), &PRECIS, Ok((&"x".repeat(32), &"x".repeat(32))));
        check(&"x".repeat(33), &PRECIS, Err(TooLong { limit: 32 }));
        check(&"ß".repeat(17), &PRECIS, Err(TooLong { limit: 32 }));
    }

    #[test]
    fn a_room_s_name() {
        let check = |text: &str, rules: &NameRules, expected: Result<(&str, &str), NameError>| {
            let found = ChatroomName::parse(text, rules);
            let found = found.as_ref().map(|name| (name.text.as_str(), name.key.as_str())).map_err(|error| *error);
            assert_eq!(found, expected, "{text:?}");
        };
        use NameError::*;
        check("#Tea", &PRECIS, Ok(("#Tea", "#tea")));
        check("##c++", &PRECIS, Ok(("##c++", "##c++")));
        check("#Thé", &PRECIS, Ok(("#Thé", "#thé")));
        check("#שלום", &PRECIS, Ok(("#שלום", "#שלום")));
        check("#Thé☕", &ASCII, Ok(("#Thé☕", "#thé☕")));
        check("tea", &PRECIS, Err(NotARoom));
        check("#", &PRECIS, Err(NotARoom));
        check("#＃", &PRECIS, Err(NotARoom));
        check("", &PRECIS, Err(Empty));
        check("#a,b", &PRECIS, Err(Forbidden { character: ',' }));
        check("#a\u{7}", &ASCII, Err(Forbidden { character: '\u{7}' }));
        check("#a＊", &PRECIS, Err(Forbidden { character: '*' }));
        check(&format!("#{}", "x".repeat(64)), &PRECIS, Err(TooLong { limit: 64 }));
    }

    #[test]
    fn the_table_for_ascii_decides_as_the_long_way() {
        for first in (0..=0x7f_u8).map(char::from) {
            for second in (0..=0x7f_u8).map(char::from) {
                for text in [format!("{first}{second}"), format!("#{first}{second}")] {
                    assert_eq!(Username::parse(&text, &PRECIS), Username::parse_any(&text, &PRECIS));
                    assert_eq!(ChatroomName::parse(&text, &PRECIS), ChatroomName::parse_any(&text, &PRECIS));
                }
            }
        }
    }

    #[test]
    fn lookups_take_anything_and_fold_it() {
        for text in ["", "*", "NickServ!x@y", "#Tea", "☕ pot", "ALICE"] {
            assert_eq!(Username::lookup(text, &PRECIS).key(), &text.to_lowercase());
            assert_eq!(Username::lookup(text, &PRECIS).text(), text);
            assert_eq!(ChatroomName::lookup(text, &ASCII).key(), &text.to_lowercase());
        }
    }

    #[test]
    fn names_that_look_alike_share_a_skeleton() {
        let check = |one: &str, other: &str, alike: bool| {
            let one = Username::parse(one, &PRECIS).unwrap();
            let other = Username::parse(other, &PRECIS).unwrap();
            let found = one.skeletons().iter().any(|form| other.skeletons().contains(form));
            assert_eq!(found, alike, "{one:?} {other:?}");
        };
        check("paypal", "раураl", true);
        check("igor", "іgor", true);
        check("SCOPE", "ЅСОРЕ", true);
        check("scope", "ЅСОРЕ", true);
        check("mark", "mаrk", true);
        check("alice", "bob", false);
        check("zoë", "zoe", false);
        check("Alice", "alice", true);
    }

    #[test]
    fn the_ascii_skeletons_are_those_of_the_table() {
        for character in (0x21..0x7f_u8).map(char::from) {
            let text = character.to_string();
            let table: String = unicode_security::skeleton(&text).flat_map(char::to_lowercase).collect();
            assert_eq!(skeleton(&text), table);
        }
    }
}
