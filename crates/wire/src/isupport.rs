//! RPL_ISUPPORT (005): what a server supports, as tokens, on as many lines as they need.

use std::borrow::Cow;

use crate::line::Line;
use crate::line_writer::{LineWriter, MAX_BODY};
use crate::numeric::Numeric;

/// The most tokens on one line (Modern IRC "RPL_ISUPPORT"): fifteen parameters without the target and the text.
pub const MAX_TOKENS: usize = 13;

/// What every 005 ends with.
pub const SUPPORTED_TEXT: &str = "are supported by this server";

/// One token, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsupportToken<'a> {
    pub name: &'a str,
    /// Without its escapes; `None` when there is no `=`.
    pub value: Option<Cow<'a, str>>,
    /// `-NAME`: take back what was said of it before.
    pub negated: bool,
}

impl<'a> IsupportToken<'a> {
    /// Reads `NAME`, `NAME=value` or `-NAME`. `None` when there is no name.
    pub fn parse(token: &'a str) -> Option<IsupportToken<'a>> {
        let (token, negated) = match token.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (token, false),
        };
        let (name, value) = match token.split_once('=') {
            Some((name, value)) => (name, Some(unescape(value))),
            None => (token, None),
        };
        (!name.is_empty()).then_some(IsupportToken { name, value, negated })
    }

    /// The tokens of a 005 line: all parameters but the first (the target) and the last (the text).
    pub fn of_line<'l>(line: &'l Line<'a>) -> impl Iterator<Item = IsupportToken<'a>> + 'l {
        let params = line.params();
        let tokens = params.get(1..params.len().saturating_sub(1)).unwrap_or_default();
        tokens.iter().filter_map(|token| IsupportToken::parse(token))
    }
}

/// A token for sending: `NAME` or `NAME=value`, the value escaped.
pub fn token(name: &str, value: Option<&str>) -> String {
    match value {
        Some(value) => format!("{name}={}", escape(value)),
        None => name.to_owned(),
    }
}

/// Deals out tokens to lines, in their order: at most [`MAX_TOKENS`] on each, and no line over [`MAX_BODY`] bytes when
/// sent by `server` to `target`. A token that is too long by itself gets a line of its own.
pub fn lines<'t, S: AsRef<str>>(tokens: &'t [S], server: &str, target: &str) -> impl Iterator<Item = &'t [S]> {
    let fixed = format!(":{server} 005 {target} :{SUPPORTED_TEXT}\r\n").len();
    let budget = MAX_BODY.saturating_sub(fixed);
    let mut rest = tokens;
    std::iter::from_fn(move || {
        let mut used = 0;
        let count = rest
            .iter()
            .take(MAX_TOKENS)
            .take_while(|token| {
                used += " ".len() + token.as_ref().len();
                used <= budget
            })
            .count();
        let (line, after) = rest.split_at(count.max(1).min(rest.len()));
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// Appends the whole reply: every line of [`lines`], without tags.
pub fn write<S: AsRef<str>>(buffer: &mut Vec<u8>, server: &str, target: &str, tokens: &[S]) {
    for line in lines(tokens, server, target) {
        LineWriter::new(buffer).numeric(server, Numeric::RPL_ISUPPORT, target).params(line).trailing(SUPPORTED_TEXT);
    }
}

/// Escapes what may not stand in a value: space, backslash and `=`, and the bytes that no line may have.
pub fn escape(value: &str) -> Cow<'_, str> {
    let needs_escape = |c: char| matches!(c, ' ' | '\\' | '=' | '\0' | '\r' | '\n');
    if !value.contains(needs_escape) {
        return Cow::Borrowed(value);
    }
    let mut escaped = String::with_capacity(value.len() + 9);
    for c in value.chars() {
        if needs_escape(c) {
            escaped.push_str(&format!("\\x{:02X}", c as u32));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Undoes [`escape`]: `\xHH` is the ASCII character of that number. Any other backslash stays as it is.
pub fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains("\\x") {
        return Cow::Borrowed(value);
    }
    let mut plain = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("\\x") {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                plain.push_str("\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::LineLimits;

    #[test]
    fn tokens() {
        #[track_caller]
        fn check(token: &str, expected: Option<(&str, Option<&str>, bool)>) {
            let found = IsupportToken::parse(token);
            let found = found.as_ref().map(|t| (t.name, t.value.as_deref(), t.negated));
            assert_eq!(found, expected, "{token:?}");
        }
        check("SAFELIST", Some(("SAFELIST", None, false)));
        check("NICKLEN=32", Some(("NICKLEN", Some("32"), false)));
        check("EXCEPTS=", Some(("EXCEPTS", Some(""), false)));
        check("-NICKLEN", Some(("NICKLEN", None, true)));
        check("NETWORK=my\\x20net\\x3D\\x5C", Some(("NETWORK", Some("my net=\\"), false)));
        check("A=b=c", Some(("A", Some("b=c"), false)));
        check("", None);
        check("=x", None);
        check("-", None);
    }

    #[test]
    fn escapes() {
        for (plain, escaped) in [
            ("", ""),
            ("(qaohv)~&@%+", "(qaohv)~&@%+"),
            ("my net", "my\\x20net"),
            ("a=b\\c", "a\\x3Db\\x5Cc"),
            ("\\x20", "\\x5Cx20"),
            ("a\r\n\0", "a\\x0D\\x0A\\x00"),
            ("é ü", "é\\x20ü"),
        ] {
            assert_eq!(escape(plain), escaped);
            assert_eq!(unescape(escaped), plain);
        }
        // What is no escape stays.
        for odd in ["\\x", "\\x2", "\\xé", "\\xZZ", "\\xFF", "\\x+1", "a\\b"] {
            assert_eq!(unescape(odd), odd);
        }
        assert_eq!(token("NETWORK", Some("a b")), "NETWORK=a\\x20b");
        assert_eq!(token("SAFELIST", None), "SAFELIST");
    }

    #[test]
    fn every_token_goes_out_once_on_lines_that_fit() {
        #[track_caller]
        fn check(tokens: Vec<String>, expected_lines: usize) {
            let mut buffer = Vec::new();
            write(&mut buffer, "parlor.example", "alice", &tokens);
            let lines: Vec<&[u8]> = buffer.split_inclusive(|&byte| byte == b'\n').collect();
            assert_eq!(lines.len(), expected_lines);
            let mut read = Vec::new();
            for bytes in lines {
                assert!(bytes.len() <= MAX_BODY, "{} bytes", bytes.len());
                let line = Line::parse(bytes.strip_suffix(b"\r\n").unwrap(), LineLimits::FROM_SERVER).unwrap();
                assert_eq!((line.verb, line.param(0)), ("005", Some("alice")));
                assert_eq!(line.params().last(), Some(&SUPPORTED_TEXT));
                let of_line: Vec<_> = IsupportToken::of_line(&line).map(|token| token.name.to_owned()).collect();
                assert!((1..=MAX_TOKENS).contains(&of_line.len()));
                read.extend(of_line);
            }
            assert_eq!(read, tokens);
        }
        check(vec![], 0);
        check((0..13).map(|n| format!("T{n}")).collect(), 1);
        check((0..14).map(|n| format!("T{n}")).collect(), 2);
        check((0..40).map(|n| format!("T{n}")).collect(), 4);
        // 512 bytes take four of these.
        check((0..9).map(|n| format!("{}{n}", "T".repeat(100))).collect(), 3);
    }

    #[test]
    fn a_token_too_long_for_any_line_has_one_alone() {
        let tokens = ["A".to_owned(), "B".repeat(600), "C".to_owned()];
        let lengths: Vec<usize> = lines(&tokens, "s", "t").map(<[String]>::len).collect();
        assert_eq!(lengths, [1, 1, 1]);
    }

    #[test]
    fn short_lines_have_no_tokens() {
        for text in ["005", "005 a", "005 a :are supported"] {
            let line = Line::parse(text.as_bytes(), LineLimits::FROM_SERVER).unwrap();
            assert_eq!(IsupportToken::of_line(&line).count(), 0, "{text}");
        }
    }
}
