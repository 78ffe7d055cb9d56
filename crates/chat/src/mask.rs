//! Masks: patterns over people, for ban lists and searches.
//!
//! A plain mask is `name!ident@host` with `*` (any text) and `?` (any one character). An extended one starts with `~`:
//! `~a:account` the account (`~a:*`: any account), `~r:pattern` the realname, `~m:mask` a mute: who matches the inner
//! mask may be in the room but not speak there. The long forms `~account:`, `~realname:`, `~mute:` mean the same.

use crate::person::Person;
use compact_str::{CompactString, format_compact};

/// Bytes of a mask; a longer one is refused, so that a full list stays cheap to search.
pub const MAX_MASK: usize = 256;

/// A mask in its canonical form, taken apart. Borrows its text, so that a list entry is read without allocating.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mask<'a> {
    /// Keeps silent instead of keeping out.
    pub mute: bool,
    subject: Subject<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Subject<'a> {
    Source { name: &'a str, ident: &'a str, host: &'a str },
    Account(&'a str),
    Realname(&'a str),
}

/// What the lists of a room say about a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Verdict {
    #[default]
    Free,
    /// May join, may not speak.
    Muted,
    Banned,
}

/// The one way to write this mask: `nick` is `nick!*@*`, `a@b` is `*!a@b`, `~account:x` is `~a:x`.
/// `None`: no mask (empty, too long when written so, or of an unknown extended kind).
pub fn canonical(text: &str) -> Option<CompactString> {
    written_out(text).filter(|mask| mask.len() <= MAX_MASK)
}

fn written_out(text: &str) -> Option<CompactString> {
    if text.is_empty() || text.len() > MAX_MASK || text.chars().any(char::is_control) {
        return None;
    }
    if let Some((kind, inner)) = extended(text) {
        return match kind {
            _ if inner.is_empty() => None,
            Kind::Account => Some(format_compact!("~a:{inner}")),
            Kind::Realname => Some(format_compact!("~r:{inner}")),
            // A mute of a mute says nothing more.
            Kind::Mute => match extended(inner) {
                Some((Kind::Mute, _)) => None,
                _ => Some(format_compact!("~m:{}", written_out(inner)?)),
            },
            Kind::Unknown => None,
        };
    }
    let (name, address) = match text.split_once('!') {
        Some((name, address)) => (name, Some(address)),
        None if text.contains('@') => ("*", Some(text)),
        None => (text, None),
    };
    let (ident, host) = match address.map(|address| address.rsplit_once('@').unwrap_or((address, "*"))) {
        Some((ident, host)) => (ident, host),
        None => ("*", "*"),
    };
    Some(format_compact!("{}!{}@{}", or_any(name), or_any(ident), or_any(host)))
}

fn or_any(part: &str) -> &str {
    if part.is_empty() { "*" } else { part }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Account,
    Realname,
    Mute,
    Unknown,
}

/// The kind of an extended mask and what stands behind its colon. No name starts with `~`, so nothing else is meant.
fn extended(text: &str) -> Option<(Kind, &str)> {
    let (kind, inner) = text.strip_prefix('~')?.split_once(':')?;
    let kind = match kind {
        "a" | "account" => Kind::Account,
        "r" | "realname" => Kind::Realname,
        "m" | "mute" => Kind::Mute,
        _ => Kind::Unknown,
    };
    Some((kind, inner))
}

impl<'a> Mask<'a> {
    /// Takes a canonical mask apart (see [`canonical`]).
    pub fn new(text: &'a str) -> Mask<'a> {
        match extended(text) {
            Some((Kind::Mute, inner)) => Mask { mute: true, ..Mask::new(inner) },
            Some((Kind::Account, inner)) => Mask { mute: false, subject: Subject::Account(inner) },
            Some((Kind::Realname, inner)) => Mask { mute: false, subject: Subject::Realname(inner) },
            Some((Kind::Unknown, _)) | None => {
                let (name, address) = text.split_once('!').unwrap_or((text, "*@*"));
                let (ident, host) = address.rsplit_once('@').unwrap_or((address, "*"));
                Mask { mute: false, subject: Subject::Source { name, ident, host } }
            }
        }
    }

    pub fn matches(&self, person: &Person) -> bool {
        match self.subject {
            Subject::Source { name, ident, host } => {
                glob(name, &person.name) && glob(ident, &person.ident) && glob(host, &person.host)
            }
            Subject::Account(pattern) => person.account.as_ref().is_some_and(|account| glob(pattern, account)),
            Subject::Realname(pattern) => glob(pattern, &person.realname),
        }
    }
}

/// What bans and their exceptions come to for this person. An exception shields from bans and mutes; one that is itself
/// a mute mask shields from mutes alone.
pub fn verdict<'a>(
    person: &Person,
    bans: impl Iterator<Item = &'a str>,
    exceptions: impl Iterator<Item = &'a str>,
) -> Verdict {
    let mut found = Verdict::Free;
    for mask in bans.map(Mask::new) {
        let says = if mask.mute { Verdict::Muted } else { Verdict::Banned };
        if found as u8 >= says as u8 || !mask.matches(person) {
            continue;
        }
        found = says;
        if found == Verdict::Banned {
            break;
        }
    }
    if found == Verdict::Free {
        return found;
    }
    let mut shielded_from_mutes = false;
    for mask in exceptions.map(Mask::new).filter(|mask| mask.matches(person)) {
        if !mask.mute {
            return Verdict::Free;
        }
        shielded_from_mutes = true;
    }
    if found == Verdict::Muted && shielded_from_mutes { Verdict::Free } else { found }
}

/// `*` matches any text, `?` any one character; cases don't count. At worst the product of both lengths, since of all
/// stars only the last needs to be tried again.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut pattern_rest = pattern.chars();
    let mut text_rest = text.chars();
    // Where to go on when a guess fails: behind the last star, with it swallowing one character more.
    let mut retry: Option<(std::str::Chars, std::str::Chars)> = None;
    loop {
        let mut pattern_next = pattern_rest.clone();
        let wanted = pattern_next.next();
        if wanted == Some('*') {
            pattern_rest = pattern_next;
            retry = Some((pattern_rest.clone(), text_rest.clone()));
            continue;
        }
        let mut text_next = text_rest.clone();
        match (wanted, text_next.next()) {
            (None, None) => return true,
            (Some(wanted), Some(character)) if wanted == '?' || fold(wanted) == fold(character) => {
                pattern_rest = pattern_next;
                text_rest = text_next;
            }
            _ => {
                let Some((after_star, from)) = &mut retry else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                pattern_rest = after_star.clone();
                text_rest = from.clone();
            }
        }
    }
}

fn fold(character: char) -> char {
    if character.is_ascii() {
        character.to_ascii_lowercase()
    } else {
        character.to_lowercase().next().unwrap_or(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ClientId;
    use uuid::Uuid;

    fn person(name: &str, account: Option<&str>) -> Person {
        Person {
            id: ClientId(Uuid::nil()),
            name: name.into(),
            ident: "user".into(),
            host: "h1.Example".into(),
            account: account.map(CompactString::new),
            realname: "Buy cheap Pills".into(),
            bot: false,
        }
    }

    #[test]
    fn one_way_to_write_a_mask() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(canonical(text).as_deref(), expected, "{text}");
        check("nick", Some("nick!*@*"));
        check("a@b", Some("*!a@b"));
        check("n!u", Some("n!u@*"));
        check("n!u@h", Some("n!u@h"));
        check("!@", Some("*!*@*"));
        check("*@host", Some("*!*@host"));
        check("n!u@x@h", Some("n!u@x@h"));
        check("~a:bob", Some("~a:bob"));
        check("~account:bob", Some("~a:bob"));
        check("~m:bob", Some("~m:bob!*@*"));
        check("~mute:~account:bob", Some("~m:~a:bob"));
        check("~m:~m:bob", None);
        check("~a:", None);
        check("~z:what", None);
        check("", None);
        check("a\u{7}", None);
        check(&"x".repeat(257), None);
        // As it is listed it can be given again: to be taken off.
        let longest = "x".repeat(252);
        check(&longest, Some(&format!("{longest}!*@*")));
        check(&format!("{longest}!*@*"), Some(&format!("{longest}!*@*")));
        check(&"x".repeat(253), None);
        check(&format!("~m:{}", "x".repeat(250)), None);
    }

    #[test]
    fn globs() {
        let check =
            |pattern: &str, text: &str, expected: bool| assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("a*c", "abbbc", true);
        check("a*c", "abbb", false);
        check("*a?c*", "xxabcxx", true);
        check("?", "", false);
        check("?", "ß", true);
        check("ÄB*", "äbc", true);
        check("*.example", "h1.Example", true);
        check("a*b*c*d", "a__b__b__c__d", true);
        check("**", "x", true);
    }

    #[test]
    fn a_spiteful_glob_ends_soon() {
        let pattern = "*a".repeat(120) + "b";
        let text = "a".repeat(4000);
        assert!(!glob(&pattern, &text));
    }

    #[test]
    fn masks_match_people() {
        let check = |mask: &str, account: Option<&str>, expected: bool| {
            let mask = canonical(mask).unwrap();
            assert_eq!(Mask::new(&mask).matches(&person("Bob", account)), expected, "{mask}");
        };
        check("bob", None, true);
        check("b?b!*@*.example", None, true);
        check("*@other", None, false);
        check("~a:Bobby", Some("bobby"), true);
        check("~a:bobby", None, false);
        check("~a:*", Some("x"), true);
        check("~a:*", None, false);
        check("~r:*cheap?pills*", None, true);
        check("~m:~a:bobby", Some("bobby"), true);
    }

    #[test]
    fn verdicts() {
        let check = |bans: &[&str], exceptions: &[&str], expected: Verdict| {
            let found = verdict(&person("bob", Some("bobby")), bans.iter().copied(), exceptions.iter().copied());
            assert_eq!(found, expected, "{bans:?} {exceptions:?}");
        };
        check(&[], &[], Verdict::Free);
        check(&["bob!*@*"], &[], Verdict::Banned);
        check(&["~m:bob!*@*"], &[], Verdict::Muted);
        check(&["~m:bob!*@*", "*!*@*"], &[], Verdict::Banned);
        check(&["*!*@*"], &["~a:bobby"], Verdict::Free);
        check(&["~m:*!*@*"], &["~a:bobby"], Verdict::Free);
        check(&["~m:*!*@*"], &["~m:bob!*@*"], Verdict::Free);
        check(&["*!*@*"], &["~m:bob!*@*"], Verdict::Banned);
        check(&["~a:other"], &[], Verdict::Free);
    }
}
