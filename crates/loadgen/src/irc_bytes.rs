//! The little of IRC that a measuring client must read, on plain bytes.
//!
//! Written apart from the server's parser on purpose: a verifier that shares code with what it judges shares its mistakes.

/// One line in its parts, borrowed. Source: modern IRC client protocol, "Message format"; IRCv3 message-tags.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Line<'a> {
    /// What stands between `@` and the first space; `None` where the line has no tags.
    pub tags: Option<&'a [u8]>,
    /// What stands behind `:`, e.g. `nick!user@host`; empty where the line has none.
    pub source: &'a [u8],
    pub command: &'a [u8],
    /// Everything behind the command, leading space removed.
    pub rest: &'a [u8],
}

impl<'a> Line<'a> {
    /// Reads one line, with or without its line end. `None` if there is no command in it.
    pub fn parse(line: &'a [u8]) -> Option<Line<'a>> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut rest = line.strip_suffix(b"\r").unwrap_or(line);
        let mut tags = None;
        if let Some(tagged) = rest.strip_prefix(b"@") {
            let (word, behind) = word(tagged);
            tags = Some(word);
            rest = behind;
        }
        let mut source: &[u8] = b"";
        if let Some(sourced) = rest.strip_prefix(b":") {
            (source, rest) = word(sourced);
        }
        let (command, rest) = word(rest);
        (!command.is_empty()).then_some(Line { tags, source, command, rest })
    }

    /// The part of the source before `!`.
    pub fn nick(&self) -> &'a [u8] {
        let end = memchr::memchr(b'!', self.source).unwrap_or(self.source.len());
        &self.source[..end]
    }

    pub fn parameters(&self) -> Parameters<'a> {
        Parameters { rest: self.rest }
    }

    /// Parameter number `index`, counted from 0.
    pub fn parameter(&self, index: usize) -> Option<&'a [u8]> {
        self.parameters().nth(index)
    }

    /// Whether a tag of this name is among the tags.
    pub fn has_tag(&self, name: &[u8]) -> bool {
        self.tags.is_some_and(|tags| {
            tags.split(|&byte| byte == b';').any(|tag| tag.split(|&byte| byte == b'=').next() == Some(name))
        })
    }
}

/// The parameters of a [`Line`] in order; the last may hold spaces.
#[derive(Debug)]
pub struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Parameters<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(trailing) = self.rest.strip_prefix(b":") {
            self.rest = b"";
            return Some(trailing);
        }
        if self.rest.is_empty() {
            return None;
        }
        let (parameter, rest) = word(self.rest);
        self.rest = rest;
        Some(parameter)
    }
}

/// The first word, and what stands behind the spaces that end it.
fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = memchr::memchr(b' ', bytes) else {
        return (bytes, b"");
    };
    let behind = &bytes[end..];
    let spaces = behind.iter().take_while(|&&byte| byte == b' ').count();
    (&bytes[..end], &behind[spaces..])
}

/// The lines of a chunk that ends with a line end, each with its line end.
pub fn lines(mut chunk: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', chunk)?;
        let (line, rest) = chunk.split_at(end + 1);
        chunk = rest;
        Some(line)
    })
}

/// Bytes as text for a sentence that a person reads.
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end();
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, tags: Option<&str>, source: &str, nick: &str, command: &str, parameters: &[&str]) {
        let parsed = Line::parse(line.as_bytes()).expect("a command");
        assert_eq!(parsed.tags, tags.map(str::as_bytes));
        assert_eq!(parsed.source, source.as_bytes());
        assert_eq!(parsed.nick(), nick.as_bytes());
        assert_eq!(parsed.command, command.as_bytes());
        let expected: Vec<&[u8]> = parameters.iter().map(|parameter| parameter.as_bytes()).collect();
        assert_eq!(parsed.parameters().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_line_falls_into_its_parts() {
        check("PING\r\n", None, "", "", "PING", &[]);
        check("PING :a b\n", None, "", "", "PING", &["a b"]);
        check(":a!b@c PRIVMSG #tea :hi: there\r\n", None, "a!b@c", "a", "PRIVMSG", &["#tea", "hi: there"]);
        check(
            "@time=1;+x=: :srv 353 me = #t :a b \r\n",
            Some("time=1;+x=:"),
            "srv",
            "srv",
            "353",
            &["me", "=", "#t", "a b "],
        );
        check("CAP  LS   302", None, "", "", "CAP", &["LS", "302"]);
        check("TOPIC #t :\r\n", None, "", "", "TOPIC", &["#t", ""]);
    }

    #[test]
    fn a_line_without_command_is_none() {
        for line in ["", "\r\n", ":a", "@a=b", "@a :b\r\n"] {
            assert_eq!(Line::parse(line.as_bytes()), None, "{line:?}");
        }
    }

    #[test]
    fn tags_are_found_by_their_whole_name() {
        let line = Line::parse(b"@timer=1;time=2;msgid X").expect("a command");
        assert!(line.has_tag(b"time") && line.has_tag(b"msgid") && line.has_tag(b"timer"));
        assert!(!line.has_tag(b"tim") && !line.has_tag(b"1"));
    }

    #[test]
    fn a_chunk_falls_into_lines() {
        let found: Vec<&[u8]> = lines(b"a\r\nb\n\nrest").collect();
        assert_eq!(found, [&b"a\r\n"[..], b"b\n", b"\n"]);
    }
}
