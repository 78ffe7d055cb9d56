//! The letters and parameters of MODE, as single changes, and back.

use std::fmt;

use compact_str::CompactString;

/// Whether a mode is set or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    Plus,
    Minus,
}

impl Sign {
    pub const fn symbol(self) -> char {
        match self {
            Sign::Plus => '+',
            Sign::Minus => '-',
        }
    }
}

/// When a letter takes a parameter: types A to D of `CHANMODES`, and the letters of `PREFIX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeKind {
    /// A: an entry is added or removed; without a parameter the list is asked for.
    List,
    /// B.
    AlwaysParam,
    /// C.
    ParamWhenSet,
    /// D. Also for letters that nobody knows: they take nothing away from those that are known.
    Flag,
    /// A member's rank; the parameter is the member's nick.
    Prefix,
}

impl ModeKind {
    const fn takes_param(self, sign: Sign) -> bool {
        match self {
            ModeKind::List | ModeKind::AlwaysParam | ModeKind::Prefix => true,
            ModeKind::ParamWhenSet => matches!(sign, Sign::Plus),
            ModeKind::Flag => false,
        }
    }
}

/// One letter, set or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModeChange<'a> {
    pub sign: Sign,
    pub letter: char,
    /// `None` when the letter takes none, and when it takes one but none was left.
    pub param: Option<&'a str>,
}

/// Reads what follows the target in a MODE line: letters, then their parameters in order, then perhaps more letters
/// (RFC 2812 section 3.2.3 lets signs come again). Letters before any sign are set. A word that is neither a parameter
/// of a letter nor begins with a sign is passed over.
pub fn parse<'p, 'a, K>(letters_and_params: &'p [&'a str], kind: K) -> ModeChanges<'p, 'a, K>
where
    K: Fn(char) -> ModeKind,
{
    let (letters, words) = match letters_and_params {
        [first, rest @ ..] => (*first, rest),
        [] => ("", letters_and_params),
    };
    ModeChanges { letters: letters.chars(), words, sign: Sign::Plus, kind }
}

/// The iterator of [`parse`].
#[derive(Debug, Clone)]
pub struct ModeChanges<'p, 'a, K> {
    letters: std::str::Chars<'a>,
    words: &'p [&'a str],
    sign: Sign,
    kind: K,
}

impl<'a, K: Fn(char) -> ModeKind> Iterator for ModeChanges<'_, 'a, K> {
    type Item = ModeChange<'a>;

    fn next(&mut self) -> Option<ModeChange<'a>> {
        loop {
            match self.letters.next() {
                Some('+') => self.sign = Sign::Plus,
                Some('-') => self.sign = Sign::Minus,
                Some(letter) => {
                    let sign = self.sign;
                    let takes_param = (self.kind)(letter).takes_param(sign);
                    let param = if takes_param { self.next_word() } else { None };
                    return Some(ModeChange { sign, letter, param });
                }
                None => {
                    let word = self.next_word()?;
                    if word.starts_with(['+', '-']) {
                        self.letters = word.chars();
                    }
                }
            }
        }
    }
}

impl<'a, K> ModeChanges<'_, 'a, K> {
    fn next_word(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }
}

/// Letters with their signs, and the parameters that belong to them: the parameters of one MODE line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModeString<'a> {
    pub letters: CompactString,
    pub params: Vec<&'a str>,
}

/// Puts changes together again, in their order, into as few [`ModeString`]s as the limits allow.
///
/// Each has at most `max_params` parameters (`MODES`; 0 is taken as 1) and, as text with its spaces, at most
/// `max_bytes` bytes. A single change that is longer than `max_bytes` by itself gets a string of its own.
pub fn compose<'a>(
    changes: impl IntoIterator<Item = ModeChange<'a>>,
    max_params: usize,
    max_bytes: usize,
) -> Vec<ModeString<'a>> {
    let mut strings: Vec<ModeString<'a>> = Vec::new();
    let mut bytes = 0;
    let mut sign = None;
    for change in changes {
        let letter_len = change.letter.len_utf8();
        let param_len = change.param.map_or(0, |param| 1 + param.len());
        let sign_len = usize::from(sign != Some(change.sign));
        let fits = strings.last().is_some_and(|string| {
            bytes + sign_len + letter_len + param_len <= max_bytes
                && (change.param.is_none() || string.params.len() < max_params.max(1))
        });
        if !fits {
            strings.push(ModeString::default());
            bytes = 0;
            sign = None;
        }
        let string = strings.last_mut().expect("one was pushed when there was none that fits");
        if sign != Some(change.sign) {
            string.letters.push(change.sign.symbol());
            sign = Some(change.sign);
            bytes += 1;
        }
        string.letters.push(change.letter);
        string.params.extend(change.param);
        bytes += letter_len + param_len;
    }
    strings
}

impl fmt::Display for ModeString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.letters)?;
        self.params.iter().try_for_each(|param| write!(f, " {param}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(letter: char) -> ModeKind {
        match letter {
            'b' | 'e' | 'I' => ModeKind::List,
            'k' => ModeKind::AlwaysParam,
            'l' => ModeKind::ParamWhenSet,
            'o' | 'v' => ModeKind::Prefix,
            _ => ModeKind::Flag,
        }
    }

    fn shown(words: &[&str]) -> String {
        let changes = parse(words, kind).map(|change| {
            let sign = change.sign.symbol();
            let param = change.param.map(|param| format!("={param}")).unwrap_or_default();
            format!("{sign}{}{param}", change.letter)
        });
        changes.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changes() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
            assert_eq!(shown(&words), expected, "{line:?}");
        }
        check("", "");
        check("+", "");
        check("+nt", "+n +t");
        check("nt", "+n +t");
        check("+n-t+m", "+n -t +m");
        check("+ov alice bob", "+o=alice +v=bob");
        check("+o", "+o");
        check("b", "+b");
        check("+b", "+b");
        check("+bb *!*@a *!*@b", "+b=*!*@a +b=*!*@b");
        check("-b *!*@a", "-b=*!*@a");
        check("+l 5", "+l=5");
        check("-l 5", "-l");
        check("+k-k a b", "+k=a -k=b");
        check("-k", "-k");
        check("+lk-o 5 key alice", "+l=5 +k=key -o=alice");
        check("+o alice -v bob", "+o=alice -v=bob");
        check("+n extra +t", "+n +t");
        check("+x?😀", "+x +? +😀");
        check("+--+n", "+n");
        // A parameter may look like letters: the letter before it takes it.
        check("+k -n", "+k=-n");
    }

    fn composed(line: &str, max_params: usize, max_bytes: usize) -> Vec<String> {
        let words: Vec<&str> = line.split(' ').collect();
        compose(parse(&words, kind), max_params, max_bytes).iter().map(ModeString::to_string).collect()
    }

    #[test]
    fn composing() {
        #[track_caller]
        fn check(line: &str, max_params: usize, max_bytes: usize, expected: &[&str]) {
            assert_eq!(composed(line, max_params, max_bytes), expected, "{line:?} {max_params} {max_bytes}");
        }
        check("+", 3, 100, &[]);
        check("+n+t-m", 3, 100, &["+nt-m"]);
        check("+ov-v a b c", 3, 100, &["+ov-v a b c"]);
        check("+oooo a b c d", 3, 100, &["+ooo a b c", "+o d"]);
        check("+ooont a b c", 3, 100, &["+ooont a b c"]);
        check("-oooo a b c d", 1, 100, &["-o a", "-o b", "-o c", "-o d"]);
        check("-oo a b", 0, 100, &["-o a", "-o b"]);
        check("+oo aaaa bbbb", 9, 13, &["+oo aaaa bbbb"]);
        check("+oo aaaa bbbb", 9, 12, &["+o aaaa", "+o bbbb"]);
        check("+o-o aaaa bbbb", 9, 13, &["+o aaaa", "-o bbbb"]);
        // Longer than the limit alone: still sent, in a string of its own.
        check("+no aaaaaaaa", 9, 5, &["+n", "+o aaaaaaaa"]);
    }
}
