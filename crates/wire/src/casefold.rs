//! Which names are the same name: the client's comparison, by the server's `CASEMAPPING`.
//!
//! A client compares what the server sent with what a person typed. The server has already prepared the names that it
//! sends (RFC 8265 for `precis`: width, normalisation, what may stand in a name at all), so here lower case is enough:
//! no normalisation is needed between two spellings of the same server. A server decides with its own, full rules.

use compact_str::CompactString;

/// `CASEMAPPING` of RPL_ISUPPORT (Modern IRC "CASEMAPPING Parameter").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CaseMapping {
    Ascii,
    /// ASCII, and `[]\~` are the capitals of `{}|^`. What holds for a server that does not say (RFC 2812 section 2.2).
    #[default]
    Rfc1459,
    /// The same without `~` and `^`.
    Rfc1459Strict,
    /// All of Unicode, each character lowered by itself (RFC 8265 section 3.3, UsernameCaseMapped). Also called `rfc7613`.
    Precis,
}

impl CaseMapping {
    /// The mapping that a token's value names, in any case. `None` for one that is not known: fall back to ASCII, which
    /// calls too few names the same rather than too many.
    pub fn from_token(value: &str) -> Option<CaseMapping> {
        let known = [
            ("ascii", CaseMapping::Ascii),
            ("rfc1459", CaseMapping::Rfc1459),
            ("rfc1459-strict", CaseMapping::Rfc1459Strict),
            ("strict-rfc1459", CaseMapping::Rfc1459Strict),
            ("precis", CaseMapping::Precis),
            ("rfc7613", CaseMapping::Precis),
            ("rfc8265", CaseMapping::Precis),
        ];
        known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value)).map(|(_, mapping)| mapping)
    }

    /// The value by which a server announces it.
    pub const fn token(self) -> &'static str {
        match self {
            CaseMapping::Ascii => "ascii",
            CaseMapping::Rfc1459 => "rfc1459",
            CaseMapping::Rfc1459Strict => "rfc1459-strict",
            CaseMapping::Precis => "precis",
        }
    }

    /// The form of `name` that is equal for all its spellings: a key for maps, not for showing.
    pub fn fold(self, name: &str) -> CompactString {
        let mut folded = CompactString::with_capacity(name.len());
        folded.extend(self.folded_chars(name));
        folded
    }

    /// Whether two names are the same. Nothing is allocated.
    pub fn eq(self, a: &str, b: &str) -> bool {
        a == b || self.folded_chars(a).eq(self.folded_chars(b))
    }

    fn folded_chars(self, name: &str) -> impl Iterator<Item = char> {
        name.chars().flat_map(move |c| {
            let (one, many) = match self {
                CaseMapping::Precis if !c.is_ascii() => (None, Some(c.to_lowercase())),
                _ => (Some(self.fold_ascii(c)), None),
            };
            one.into_iter().chain(many.into_iter().flatten())
        })
    }

    fn fold_ascii(self, c: char) -> char {
        match (self, c) {
            (CaseMapping::Rfc1459 | CaseMapping::Rfc1459Strict, '[') => '{',
            (CaseMapping::Rfc1459 | CaseMapping::Rfc1459Strict, ']') => '}',
            (CaseMapping::Rfc1459 | CaseMapping::Rfc1459Strict, '\\') => '|',
            (CaseMapping::Rfc1459, '~') => '^',
            _ => c.to_ascii_lowercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CaseMapping; 4] =
        [CaseMapping::Ascii, CaseMapping::Rfc1459, CaseMapping::Rfc1459Strict, CaseMapping::Precis];

    #[test]
    fn names() {
        /// `same`: under which of [`ALL`] the two are one name.
        #[track_caller]
        fn check(a: &str, b: &str, same: [bool; 4]) {
            for (mapping, same) in ALL.into_iter().zip(same) {
                assert_eq!(mapping.eq(a, b), same, "{mapping:?} {a} {b}");
                assert_eq!(mapping.fold(a) == mapping.fold(b), same, "{mapping:?} {a} {b}");
            }
        }
        check("Alice", "aLICE", [true, true, true, true]);
        check("alice", "alicE2", [false, false, false, false]);
        check("a[]\\", "A{}|", [false, true, true, false]);
        check("a~", "a^", [false, true, false, false]);
        check("ÉTÉ", "été", [false, false, false, true]);
        // Character by character, so a final sigma is no special case, like on the server.
        check("ΟΔΟΣ", "οδοσ", [false, false, false, true]);
        check("İ", "i\u{307}", [false, false, false, true]);
        check("ß", "ss", [false, false, false, false]);
        check("#Tea", "#tea", [true, true, true, true]);
        check("", "", [true, true, true, true]);
    }

    #[test]
    fn tokens() {
        for mapping in ALL {
            assert_eq!(CaseMapping::from_token(mapping.token()), Some(mapping));
        }
        assert_eq!(CaseMapping::from_token("RFC7613"), Some(CaseMapping::Precis));
        assert_eq!(CaseMapping::from_token("klingon"), None);
    }
}
