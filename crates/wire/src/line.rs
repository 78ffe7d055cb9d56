//! One line, read in place: `[@tags] [:source] verb [params]`, without its CR LF.

use std::error::Error;
use std::fmt;
use std::str;

use memchr::{memchr, memchr3};

use crate::tags::Tags;

/// The most parameters a line has: fourteen middles and one that takes the rest (RFC 2812 section 2.3.1).
pub const MAX_PARAMS: usize = 15;

/// One parsed line. Everything in it is a slice of the bytes it was parsed from.
#[derive(Clone, PartialEq, Eq)]
pub struct Line<'a> {
    pub tags: Tags<'a>,
    /// Who says it, without the colon. A server ignores what a client puts here.
    pub source: Option<&'a str>,
    /// As sent, any case; compare with [`Line::verb_is`]. A numeric is three digits.
    pub verb: &'a str,
    params: [&'a str; MAX_PARAMS],
    param_count: u8,
}

impl<'a> Line<'a> {
    /// Reads one line. `bytes` is without the line ending.
    ///
    /// Several spaces between parts count as one, spaces before the first part and after the last middle parameter
    /// are passed over. A fifteenth parameter takes the rest of the line even without a colon. Nothing is allocated.
    ///
    /// # Errors
    ///
    /// See [`LineError`]. The tags come with those errors that leave them readable, so that the answer can carry
    /// the `label` of the line it answers.
    #[inline]
    pub fn parse(bytes: &'a [u8], limits: LineLimits) -> Result<Line<'a>, LineError<'a>> {
        if let Some(at) = memchr3(0, b'\r', b'\n', bytes) {
            return Err(LineError::ForbiddenByte { byte: bytes[at] });
        }
        let (tag_bytes, body_bytes) = split_tags(bytes);
        if tag_bytes.len() > limits.tags {
            return Err(LineError::TooLong { part: LinePart::Tags, limit: limits.tags, tags: Tags::default() });
        }
        // Each side is whole UTF-8 if and only if the line is: they were cut apart at an ASCII byte.
        let tags = str::from_utf8(tag_bytes).map(Tags::new);
        if body_bytes.len() > limits.body {
            let tags = tags.unwrap_or_default();
            return Err(LineError::TooLong { part: LinePart::Body, limit: limits.body, tags });
        }
        let (Ok(tags), Ok(body)) = (tags, str::from_utf8(body_bytes)) else {
            let verb = verb_of_bytes(body_bytes);
            return Err(LineError::InvalidUtf8 { verb, tags: tags.unwrap_or_default() });
        };
        Self::parse_body(tags, body)
    }

    #[inline]
    fn parse_body(tags: Tags<'a>, body: &'a str) -> Result<Line<'a>, LineError<'a>> {
        let mut rest = skip_spaces(body);
        let mut source = None;
        if let Some(after_colon) = rest.strip_prefix(':') {
            let (word, after) = split_word(after_colon);
            source = Some(word);
            rest = skip_spaces(after);
        }
        if rest.is_empty() {
            let nothing_at_all = source.is_none() && tags.is_empty();
            return Err(if nothing_at_all { LineError::Empty } else { LineError::NoVerb });
        }
        let (verb, mut rest) = split_word(rest);
        let mut params = [""; MAX_PARAMS];
        let mut count = 0;
        while count < MAX_PARAMS {
            rest = skip_spaces(rest);
            if rest.is_empty() {
                break;
            }
            if let Some(trailing) = rest.strip_prefix(':') {
                params[count] = trailing;
                count += 1;
                break;
            }
            if count == MAX_PARAMS - 1 {
                params[count] = rest;
                count += 1;
                break;
            }
            (params[count], rest) = split_word(rest);
            count += 1;
        }
        Ok(Line { tags, source, verb, params, param_count: count as u8 })
    }

    /// The parameters, at most [`MAX_PARAMS`].
    pub fn params(&self) -> &[&'a str] {
        &self.params[..usize::from(self.param_count)]
    }

    /// The parameter at `index`, counted from 0. It may be empty only as the last one.
    pub fn param(&self, index: usize) -> Option<&'a str> {
        self.params().get(index).copied()
    }

    /// Whether the verb is `name`, in any ASCII case (RFC 2812 section 2.3 leaves case to the receiver; all ignore it).
    pub fn verb_is(&self, name: &str) -> bool {
        self.verb.eq_ignore_ascii_case(name)
    }

    /// The nick of a source `nick!user@host`; of a server its name.
    pub fn source_nick(&self) -> Option<&'a str> {
        self.source.map(|source| source.split(['!', '@']).next().unwrap_or(source))
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("tags", &self.tags)
            .field("source", &self.source)
            .field("verb", &self.verb)
            .field("params", &self.params())
            .finish()
    }
}

/// How many bytes a line may have. Both counts leave out what only separates: the `@` and the space around the
/// tags, the CR LF after the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineLimits {
    /// Bytes of tag data, between `@` and the space.
    pub tags: usize,
    /// Bytes from after the tags' space to before the CR LF.
    pub body: usize,
}

impl LineLimits {
    /// What a server takes from a client: message-tags "Size limit" (`client_max`), and RFC 2812 section 2.3.
    pub const FROM_CLIENT: LineLimits = LineLimits { tags: 4094, body: 510 };

    /// What a client takes from a server: message-tags "Size limit" (`combined_max`, 8191 with `@` and space).
    pub const FROM_SERVER: LineLimits = LineLimits { tags: 8189, body: 510 };

    /// The same with another limit for the body: a client may take longer lines than a server should send.
    pub const fn with_body(self, body: usize) -> LineLimits {
        LineLimits { tags: self.tags, body }
    }

    /// Bytes of the longest line that can be within both limits, without its CR LF: what a
    /// [`Framer`](crate::Framer) has to let through.
    pub const fn line(self) -> usize {
        1 + self.tags + 1 + self.body
    }
}

/// Why bytes are not a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError<'a> {
    /// Nothing but spaces: RFC 2812 section 2.3.1 has empty messages silently ignored.
    Empty,
    /// Tags or a source, and nothing after them.
    NoVerb,
    /// A part is over its limit. A server answers 417 ERR_INPUTTOOLONG and never shortens the line.
    TooLong {
        part: LinePart,
        /// The limit in bytes that it is over.
        limit: usize,
        /// Empty when they are what is too long.
        tags: Tags<'a>,
    },
    /// NUL, CR or LF inside the line (RFC 2812 section 2.3.1, `nospcrlfcl`).
    ForbiddenByte { byte: u8 },
    /// Not UTF-8 (utf8-only): a server answers `FAIL <verb or *> INVALID_UTF8`.
    InvalidUtf8 {
        /// `None` when there is none, or when the verb itself is not ASCII.
        verb: Option<&'a str>,
        /// Empty when they are what is not UTF-8.
        tags: Tags<'a>,
    },
}

/// The part of a line that a limit speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinePart {
    Tags,
    Body,
}

impl fmt::Display for LineError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::Empty => write!(f, "the line is empty"),
            LineError::NoVerb => write!(f, "the line has no command after its tags and source"),
            LineError::TooLong { part: LinePart::Tags, limit, .. } => {
                write!(f, "the tags of the line are longer than {limit} bytes")
            }
            LineError::TooLong { part: LinePart::Body, limit, .. } => {
                write!(f, "the line is longer than {limit} bytes")
            }
            LineError::ForbiddenByte { byte } => {
                write!(f, "the line contains the byte {byte:#04x}, which no line may")
            }
            LineError::InvalidUtf8 { .. } => write!(f, "the line is not valid UTF-8"),
        }
    }
}

impl Error for LineError<'_> {}

/// Cuts `@tags ` off: the tag data and everything after its one space. Without tags the first is empty.
fn split_tags(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes {
        [b'@', rest @ ..] => match memchr(b' ', rest) {
            Some(space) => (&rest[..space], &rest[space + 1..]),
            None => (rest, &[]),
        },
        _ => (&[], bytes),
    }
}

/// The verb of a body that is not UTF-8, for the answer that names it.
fn verb_of_bytes(body: &[u8]) -> Option<&str> {
    let mut words = body.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let first = words.next()?;
    let verb = if first[0] == b':' { words.next()? } else { first };
    // An ASCII verb only: it goes back to the client as a parameter.
    str::from_utf8(verb).ok().filter(|verb| verb.is_ascii())
}

fn skip_spaces(text: &str) -> &str {
    let spaces = text.bytes().take_while(|&byte| byte == b' ').count();
    &text[spaces..]
}

/// The text up to the first space, and the rest from that space on.
fn split_word(text: &str) -> (&str, &str) {
    // A plain loop: words are short, and a search by blocks costs more to begin.
    let end = text.bytes().position(|byte| byte == b' ');
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line is, as text: `tags|source|verb|param|param`, or the error.
    fn shown(bytes: &[u8]) -> String {
        match Line::parse(bytes, LineLimits::FROM_CLIENT) {
            Ok(line) => {
                let source = line.source.unwrap_or("-");
                let mut parts = vec![line.tags.raw(), source, line.verb];
                parts.extend(line.params());
                parts.join("|")
            }
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn lines() {
        #[track_caller]
        fn check(bytes: &str, expected: &str) {
            assert_eq!(shown(bytes.as_bytes()), expected, "{bytes:?}");
        }
        check("PING", "|-|PING");
        check("PING ", "|-|PING");
        check("  PING  a   b ", "|-|PING|a|b");
        check("PRIVMSG #tea :hi there ", "|-|PRIVMSG|#tea|hi there ");
        check("PRIVMSG #tea :", "|-|PRIVMSG|#tea|");
        check("PRIVMSG #tea ::-)", "|-|PRIVMSG|#tea|:-)");
        check("PRIVMSG #tea hi:you", "|-|PRIVMSG|#tea|hi:you");
        check("privmsg #café :Grüße 😀", "|-|privmsg|#café|Grüße 😀");
        check(":alice!a@h JOIN #tea", "|alice!a@h|JOIN|#tea");
        check(":s   001   alice :Hi", "|s|001|alice|Hi");
        check("@a=1;+b PING x", "a=1;+b|-|PING|x");
        check("@a=1   :s   PING x", "a=1|s|PING|x");
        check("@ PING x", "|-|PING|x");
        check("@a=é PING", "a=é|-|PING");
        // A tag section only at the very start; elsewhere `@` is a letter like any other.
        check(" @a PING", "|-|@a|PING");
        check(": PING", "||PING");
        // A fifteenth parameter takes the rest, with or without colon (RFC 2812 section 2.3.1).
        check("V 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 ", "|-|V|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15 16 ");
        check("V 1 2 3 4 5 6 7 8 9 10 11 12 13 14 :15 :16", "|-|V|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15 :16");
        check("V 1 2 3 4 5 6 7 8 9 10 11 12 13 14 ", "|-|V|1|2|3|4|5|6|7|8|9|10|11|12|13|14");
    }

    #[test]
    fn errors() {
        #[track_caller]
        fn check(bytes: &[u8], expected: LineError<'_>) {
            let found = Line::parse(bytes, LineLimits::FROM_CLIENT);
            assert_eq!(found, Err(expected), "{:?}", String::from_utf8_lossy(bytes));
        }
        let none = Tags::default();
        check(b"", LineError::Empty);
        check(b"   ", LineError::Empty);
        check(b"@a=1", LineError::NoVerb);
        check(b"@a=1  ", LineError::NoVerb);
        check(b":source", LineError::NoVerb);
        check(b":source ", LineError::NoVerb);
        check(b"PING a\0b", LineError::ForbiddenByte { byte: 0 });
        check(b"PING a\rb", LineError::ForbiddenByte { byte: b'\r' });
        check(b"PING a\nb", LineError::ForbiddenByte { byte: b'\n' });
        check(b"@a\0 PING a", LineError::ForbiddenByte { byte: 0 });
        let labelled = Tags::new("label=7");
        check(b"PRIVMSG a :\xff", LineError::InvalidUtf8 { verb: Some("PRIVMSG"), tags: none });
        check(b"@label=7 PRIVMSG \xff", LineError::InvalidUtf8 { verb: Some("PRIVMSG"), tags: labelled });
        check(b"@label=7 :\xff  NICK a", LineError::InvalidUtf8 { verb: Some("NICK"), tags: labelled });
        check(b"@label=\xff NICK a", LineError::InvalidUtf8 { verb: Some("NICK"), tags: none });
        check(b"@label=\xff", LineError::InvalidUtf8 { verb: None, tags: none });
        check(b"@label=7 NICK\xff a", LineError::InvalidUtf8 { verb: None, tags: labelled });
        check(b":\xff", LineError::InvalidUtf8 { verb: None, tags: none });
        // A character cut in two by the end of the line.
        check(&"PING é".as_bytes()[..6], LineError::InvalidUtf8 { verb: Some("PING"), tags: none });
    }

    #[test]
    fn limits() {
        #[track_caller]
        fn check(limits: LineLimits, tag_bytes: usize, body_bytes: usize, expected: Option<LinePart>) {
            let mut line = Vec::new();
            if tag_bytes > 0 {
                line.push(b'@');
                line.extend(std::iter::repeat_n(b't', tag_bytes));
                line.push(b' ');
            }
            line.extend(b"PING ");
            line.extend(std::iter::repeat_n(b'p', body_bytes - 5));
            let found = match Line::parse(&line, limits) {
                Ok(_) => None,
                Err(LineError::TooLong { part, .. }) => Some(part),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(found, expected, "{tag_bytes} and {body_bytes} bytes");
        }
        let client = LineLimits::FROM_CLIENT;
        check(client, 0, 510, None);
        check(client, 0, 511, Some(LinePart::Body));
        check(client, 4094, 510, None);
        check(client, 4095, 510, Some(LinePart::Tags));
        check(client, 4094, 511, Some(LinePart::Body));
        check(client, 4095, 511, Some(LinePart::Tags));
        let server = LineLimits::FROM_SERVER;
        check(server, 8189, 510, None);
        check(server, 8190, 510, Some(LinePart::Tags));
        check(server, 8189, 511, Some(LinePart::Body));
        check(server.with_body(2000), 8189, 2000, None);
        assert_eq!(client.line(), 4096 + 510);
        assert_eq!(server.line(), 8191 + 510);
    }

    #[test]
    fn a_body_that_is_too_long_keeps_its_label() {
        let line = format!("@label=x PRIVMSG #tea :{}", "a".repeat(510));
        let error = Line::parse(line.as_bytes(), LineLimits::FROM_CLIENT).unwrap_err();
        let LineError::TooLong { part: LinePart::Body, limit: 510, tags } = error else {
            panic!("{error:?}");
        };
        assert_eq!(tags.raw_value("label"), Some("x"));
    }

    #[test]
    fn parts_of_a_line() {
        let line = Line::parse(b":a!b@c pRiVmSg x :y z", LineLimits::FROM_SERVER).unwrap();
        assert!(line.verb_is("PRIVMSG") && !line.verb_is("NOTICE"));
        assert_eq!(line.source_nick(), Some("a"));
        assert_eq!(line.param(0), Some("x"));
        assert_eq!(line.param(1), Some("y z"));
        assert_eq!(line.param(2), None);
        assert_eq!(line.params().len(), 2);
    }

    #[test]
    fn errors_are_one_sentence() {
        let errors = [
            LineError::Empty,
            LineError::NoVerb,
            LineError::TooLong { part: LinePart::Tags, limit: 4094, tags: Tags::default() },
            LineError::TooLong { part: LinePart::Body, limit: 510, tags: Tags::default() },
            LineError::ForbiddenByte { byte: 0 },
            LineError::InvalidUtf8 { verb: None, tags: Tags::default() },
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.starts_with("the ") && !text.contains('\n'), "{text}");
        }
        let limit = LineError::TooLong { part: LinePart::Body, limit: 510, tags: Tags::default() };
        assert_eq!(limit.to_string(), "the line is longer than 510 bytes");
    }
}
