//! Bans, mutes and their exceptions, once more and slowly.

use super::*;

impl Room {
    pub(super) fn has(&self, flag: RoomFlag) -> bool {
        self.flags.contains(&(flag as u16))
    }

    pub(super) fn list(&self, kind: ListKind) -> impl Iterator<Item = &str> {
        self.lists.iter().filter(move |(of, ..)| *of == kind).map(|(_, mask, _)| mask.as_str())
    }

    /// Whether the lists keep someone out, or silent.
    pub(super) fn silence_of(&self, person: &Person) -> Option<&'static str> {
        self.silence_of_one(&person.shown(), person.account.as_deref(), &person.realname)
    }

    pub(super) fn silence_of_one(&self, shown: &str, account: Option<&str>, realname: &str) -> Option<&'static str> {
        let matching =
            |kind| self.list(kind).filter(|mask| means(mask, shown, account, realname)).collect::<Vec<&str>>();
        let (against, except) = (matching(ListKind::Ban), matching(ListKind::Exception));
        let is_mute = |mask: &&str| mask.starts_with("~m:");
        if except.iter().any(|mask| !is_mute(mask)) {
            return None;
        }
        if against.iter().any(|mask| !is_mute(mask)) {
            return Some("Banned");
        }
        (!against.is_empty() && except.is_empty()).then_some("Muted")
    }
}

impl Person {
    fn shown(&self) -> String {
        format!("{}!{}@{}", self.name, self.ident, self.host)
    }
}

/// Whether a mask means this person.
pub(super) fn fits(mask: &str, person: &Person) -> bool {
    means(mask, &person.shown(), person.account.as_deref(), &person.realname)
}

fn means(mask: &str, shown: &str, account: Option<&str>, realname: &str) -> bool {
    if let Some(inner) = mask.strip_prefix("~m:") {
        return means(inner, shown, account, realname);
    }
    if let Some(wanted) = mask.strip_prefix("~a:") {
        return account.is_some_and(|own| like(wanted, own));
    }
    if let Some(wanted) = mask.strip_prefix("~r:") {
        return like(wanted, realname);
    }
    like(mask, shown)
}

/// `*` is any text, `?` any character, letters are equal in any case. Slow and short.
fn like(pattern: &str, text: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) if go(&pattern[1..], text) => true,
            (Some('*'), Some(_)) => go(pattern, &text[1..]),
            (Some(p), Some(t)) => (*p == '?' || p == t) && go(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    go(&letters(pattern), &letters(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (pattern, text, result) in [
            ("*", "", true),
            ("a*c", "aXbC", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("b*", "abc", false),
        ] {
            assert_eq!(like(pattern, text), result, "{pattern} {text}");
        }
    }
}
