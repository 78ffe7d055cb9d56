//! Any text as a name, a room's name and a mask: what is accepted stays what it is when it is read again, server and
//! clients agree on which names are the same, and masks match what a slower way says they match.

#![no_main]

use chat::mask::{Mask, canonical, glob};
use chat::name::{ChatroomName, NameRules, Username};
use libfuzzer_sys::fuzz_target;
use wire::CaseMapping;

fuzz_target!(|input: &str| {
    let (one, other) = input.split_once('\n').unwrap_or((input, input));
    let rules = NameRules::default();
    if let Ok(name) = Username::parse(one, &rules) {
        assert_eq!(Username::parse(name.text(), &rules).as_ref(), Ok(&name), "read again it is another name");
        assert_eq!(Username::lookup(one, &rules), name);
        assert!(name.text().len() <= rules.max_name && !name.key().is_empty());
        assert!(!name.text().chars().any(|c| c.is_control() || c.is_whitespace()), "{name:?} has a gap");
        assert!(!name.skeletons().is_empty());
        if let Ok(second) = Username::parse(other, &rules) {
            let same = CaseMapping::Precis.eq(name.text(), second.text());
            assert_eq!(same, name.key() == second.key(), "a client says otherwise of {name:?} and {second:?}");
        }
    }
    if let Ok(room) = ChatroomName::parse(one, &rules) {
        assert_eq!(ChatroomName::parse(room.text(), &rules).as_ref(), Ok(&room), "read again it is another room");
        assert!(room.text().starts_with('#') && room.text().len() <= rules.max_room_name);
        assert!(!room.text().contains([' ', ',', '\r', '\n', '\0']), "{room:?} parts a list");
    }
    if let Some(mask) = canonical(one) {
        assert_eq!(canonical(&mask).as_ref(), Some(&mask), "a mask as it is listed is not that mask");
        let _ = Mask::new(&mask);
    }
    if one.is_ascii() && other.is_ascii() && one.len() * other.len() < 10_000 {
        assert_eq!(glob(one, other), slow_glob(one.as_bytes(), other.as_bytes()), "{one:?} {other:?}");
    }
});

/// By a table: whether the first so many characters of the pattern match the first so many of the text.
fn slow_glob(pattern: &[u8], text: &[u8]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for wanted in pattern {
        let before = row.clone();
        row[0] = before[0] && *wanted == b'*';
        for at in 1..row.len() {
            row[at] = match wanted {
                b'*' => row[at - 1] || before[at],
                b'?' => before[at - 1],
                _ => before[at - 1] && wanted.eq_ignore_ascii_case(&text[at - 1]),
            };
        }
    }
    row[text.len()]
}
