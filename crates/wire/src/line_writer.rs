//! Appends lines to a buffer, without anything in between.
//!
//! Whatever is passed in, what comes out is one line. NUL, CR and LF become spaces. A middle parameter (a source, a
//! verb) that could not stand there, because it is empty, has a space or begins with a colon, becomes `*`: it is what
//! servers write for "cannot be shown", and cutting at the space would show something that was never said. So text
//! that matters goes into the trailing parameter, which takes anything.

use std::fmt;

use crate::numeric::Numeric;
use crate::tags::escape_into;

/// Bytes of a line after its tags, with its CR LF (RFC 2812 section 2.3; message-tags "Size limit").
pub const MAX_BODY: usize = 512;

const CRLF: &[u8] = b"\r\n";

/// A line being written: tags, until a source, verb or numeric comes.
#[derive(Debug)]
#[must_use = "the line has no end yet"]
pub struct LineWriter<'b> {
    buffer: &'b mut Vec<u8>,
    tagged: bool,
}

/// A line with its source written: the verb comes next.
#[derive(Debug)]
#[must_use = "the line has no end yet"]
pub struct SourcedLine<'b> {
    buffer: &'b mut Vec<u8>,
    body_start: usize,
}

/// A line with its verb written: parameters, then [`ParamWriter::trailing`] or [`ParamWriter::end`].
#[derive(Debug)]
#[must_use = "the line has no end yet"]
pub struct ParamWriter<'b> {
    buffer: &'b mut Vec<u8>,
    body_start: usize,
}

/// A line in its last parameter, which is put together from pieces. Ends with [`TrailingWriter::end`].
#[derive(Debug)]
#[must_use = "the line has no end yet"]
pub struct TrailingWriter<'b> {
    buffer: &'b mut Vec<u8>,
    body_start: usize,
    text_start: usize,
}

impl<'b> LineWriter<'b> {
    /// A new line at the end of `buffer`.
    pub fn new(buffer: &'b mut Vec<u8>) -> LineWriter<'b> {
        LineWriter { buffer, tagged: false }
    }

    /// Adds a tag, its value escaped. An empty value is written as none, as message-tags advises. A byte that would end
    /// the key is replaced by `_`; a tag without a key is left out.
    pub fn tag(mut self, key: &str, value: Option<&str>) -> Self {
        if key.is_empty() {
            return self;
        }
        self.push_key(key);
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.buffer.push(b'=');
            escape_into(self.buffer, value);
        }
        self
    }

    /// Adds a tag whose value is escaped already: one of [`Tags::client_only`](crate::Tags::client_only), passed on
    /// as it came. Bytes that would end the value are replaced by `_`.
    pub fn raw_tag(mut self, key: &str, escaped: &str) -> Self {
        if key.is_empty() {
            return self;
        }
        self.push_key(key);
        if !escaped.is_empty() {
            self.buffer.push(b'=');
            push_replacing(self.buffer, escaped, |byte| matches!(byte, 0 | b'\r' | b'\n' | b' ' | b';'), b'_');
        }
        self
    }

    /// The source, without its colon: `nick!user@host` or a server's name. An empty one is left out.
    pub fn source(mut self, source: &str) -> SourcedLine<'b> {
        let body_start = self.end_tags();
        if !source.is_empty() {
            self.buffer.push(b':');
            push_word(self.buffer, source);
            self.buffer.push(b' ');
        }
        SourcedLine { buffer: self.buffer, body_start }
    }

    /// The verb of a line without a source.
    pub fn verb(self, verb: &str) -> ParamWriter<'b> {
        self.source("").verb(verb)
    }

    /// A numeric reply of `server` to `target`, the nick of the one it answers (`*` when it has none yet).
    pub fn numeric(self, server: &str, numeric: Numeric, target: &str) -> ParamWriter<'b> {
        self.source(server).numeric(numeric, target)
    }

    fn push_key(&mut self, key: &str) {
        self.buffer.push(if self.tagged { b';' } else { b'@' });
        self.tagged = true;
        push_replacing(self.buffer, key, |byte| matches!(byte, 0 | b'\r' | b'\n' | b' ' | b';' | b'='), b'_');
    }

    /// Closes the tags; the body starts at the returned place.
    fn end_tags(&mut self) -> usize {
        if self.tagged {
            self.buffer.push(b' ');
        }
        self.buffer.len()
    }
}

impl<'b> SourcedLine<'b> {
    /// One that begins with `@` would be read as tags: it becomes `*` too.
    pub fn verb(self, verb: &str) -> ParamWriter<'b> {
        push_word(self.buffer, if verb.starts_with('@') { "" } else { verb });
        ParamWriter { buffer: self.buffer, body_start: self.body_start }
    }

    pub fn numeric(self, numeric: Numeric, target: &str) -> ParamWriter<'b> {
        self.buffer.extend_from_slice(&numeric.digits());
        ParamWriter { buffer: self.buffer, body_start: self.body_start }.param(target)
    }
}

impl<'b> ParamWriter<'b> {
    /// Adds a middle parameter; one that cannot be a middle becomes `*`.
    pub fn param(self, param: &str) -> Self {
        self.buffer.push(b' ');
        push_word(self.buffer, param);
        self
    }

    /// Adds several middle parameters.
    pub fn params<S: AsRef<str>>(self, params: impl IntoIterator<Item = S>) -> Self {
        params.into_iter().fold(self, |line, param| line.param(param.as_ref()))
    }

    /// Adds a middle parameter that is formatted in place: numbers, joined names.
    pub fn param_fmt(self, param: fmt::Arguments<'_>) -> Self {
        self.buffer.push(b' ');
        let start = self.buffer.len();
        append_fmt(self.buffer, param);
        if breaks_word(&self.buffer[start..]) {
            self.buffer.truncate(start);
            self.buffer.push(b'*');
        }
        self
    }

    /// Ends the line with a last parameter that may be empty, have spaces and begin with a colon.
    pub fn trailing(self, text: &str) {
        self.open_trailing().text(text).end();
    }

    /// The same, formatted in place.
    pub fn trailing_fmt(self, text: fmt::Arguments<'_>) {
        self.open_trailing().fmt(text).end();
    }

    /// The same, cut at a character so that the line has at most [`MAX_BODY`] bytes. For what the server itself says;
    /// what a person said is refused instead (417), never shortened.
    pub fn trailing_cut(self, text: &str) {
        let budget = self.text_budget();
        self.trailing(truncate_at_char_boundary(text, budget));
    }

    /// Ends the line, its last parameter a middle one.
    pub fn end(self) {
        self.buffer.extend_from_slice(CRLF);
    }

    /// Begins a last parameter that is put together from pieces.
    pub fn open_trailing(self) -> TrailingWriter<'b> {
        self.buffer.extend_from_slice(b" :");
        let text_start = self.buffer.len();
        TrailingWriter { buffer: self.buffer, body_start: self.body_start, text_start }
    }

    /// How many bytes of text a trailing parameter can have here for the line to have at most [`MAX_BODY`] bytes.
    pub fn text_budget(&self) -> usize {
        budget_after(self.buffer.len() - self.body_start)
    }
}

impl TrailingWriter<'_> {
    /// Adds a piece as it is, without a separator.
    pub fn text(self, piece: &str) -> Self {
        push_replacing(self.buffer, piece, is_forbidden, b' ');
        self
    }

    pub fn fmt(self, piece: fmt::Arguments<'_>) -> Self {
        let start = self.buffer.len();
        append_fmt(self.buffer, piece);
        for byte in &mut self.buffer[start..] {
            if is_forbidden(*byte) {
                *byte = b' ';
            }
        }
        self
    }

    /// Adds `item`, after `separator` when it is not the first piece, if the line then still has at most
    /// [`MAX_BODY`] bytes. Returns whether it did: if not, this line is to be ended and the item begins the next.
    pub fn try_item(&mut self, separator: char, item: &str) -> bool {
        let separator_len = if self.is_empty() { 0 } else { separator.len_utf8() };
        if separator_len + item.len() > self.room() {
            return false;
        }
        if separator_len > 0 {
            push_replacing(self.buffer, separator.encode_utf8(&mut [0; 4]), is_forbidden, b' ');
        }
        push_replacing(self.buffer, item, is_forbidden, b' ');
        true
    }

    /// How many more bytes of text the line can take to have at most [`MAX_BODY`].
    pub fn room(&self) -> usize {
        MAX_BODY.saturating_sub(self.buffer.len() - self.body_start + CRLF.len())
    }

    /// Whether nothing has been added yet.
    pub fn is_empty(&self) -> bool {
        self.buffer.len() == self.text_start
    }

    pub fn end(self) {
        self.buffer.extend_from_slice(CRLF);
    }
}

/// How many bytes of text fit into the trailing parameter of `:source verb middles... :text`, for the line to have at
/// most [`MAX_BODY`] bytes. 0 when nothing fits.
///
/// This is how a server knows, before it takes a message, that every member can be sent it whole.
pub fn text_budget(source: &str, verb: &str, middles: &[&str]) -> usize {
    let source_len = if source.is_empty() { 0 } else { ":".len() + source.len() + " ".len() };
    let middles_len: usize = middles.iter().map(|middle| " ".len() + middle.len()).sum();
    budget_after(source_len + verb.len() + middles_len)
}

/// The longest beginning of `text` that has at most `max_bytes` bytes and ends between two characters.
pub fn truncate_at_char_boundary(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

fn budget_after(body_len: usize) -> usize {
    MAX_BODY.saturating_sub(body_len + " :".len() + CRLF.len())
}

/// Appends a source, verb or middle parameter, or `*` in the place of one that would break the line.
fn push_word(buffer: &mut Vec<u8>, word: &str) {
    if breaks_word(word.as_bytes()) {
        buffer.push(b'*');
    } else {
        buffer.extend_from_slice(word.as_bytes());
    }
}

fn breaks_word(word: &[u8]) -> bool {
    word.is_empty() || word[0] == b':' || contains(word, |byte| byte == b' ' || is_forbidden(byte))
}

fn is_forbidden(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}

/// Appends `text`, with `replacement` for each byte that `is_bad`. All bad bytes are ASCII, so it stays UTF-8.
fn push_replacing(buffer: &mut Vec<u8>, text: &str, is_bad: impl Fn(u8) -> bool, replacement: u8) {
    let start = buffer.len();
    buffer.extend_from_slice(text.as_bytes());
    if contains(text.as_bytes(), &is_bad) {
        for byte in &mut buffer[start..] {
            if is_bad(*byte) {
                *byte = replacement;
            }
        }
    }
}

/// Whether any byte is bad. Looks at all of them, without an early end: nearly no text has one, and so the compiler
/// can take sixteen at a time.
pub(crate) fn contains(text: &[u8], is_bad: impl Fn(u8) -> bool) -> bool {
    text.iter().fold(false, |found, &byte| found | is_bad(byte))
}

fn append_fmt(buffer: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    struct Append<'b>(&'b mut Vec<u8>);
    impl fmt::Write for Append<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Appending cannot fail; a `Display` that fails by itself has written what it could.
    let _ = fmt::Write::write_fmt(&mut Append(buffer), arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl FnOnce(LineWriter<'_>), expected: &str) {
        let mut buffer = b"before\r\n".to_vec();
        write(LineWriter::new(&mut buffer));
        let written = String::from_utf8(buffer).expect("UTF-8 in, UTF-8 out");
        assert_eq!(written.strip_prefix("before\r\n").expect("only appended"), format!("{expected}\r\n"));
    }

    #[test]
    fn lines() {
        check(|line| line.verb("PING").end(), "PING");
        check(|line| line.verb("PING").trailing(""), "PING :");
        check(|line| line.source("").verb("PING").end(), "PING");
        check(
            |line| line.source("a!b@c").verb("PRIVMSG").param("#tea").trailing(":) hi"),
            ":a!b@c PRIVMSG #tea ::) hi",
        );
        check(
            |line| line.tag("time", Some("1")).tag("bot", None).tag("e", Some("")).verb("X").end(),
            "@time=1;bot;e X",
        );
        check(
            |line| line.tag("+a", Some("b; c")).source("s").verb("TAGMSG").param("x").end(),
            "@+a=b\\:\\sc :s TAGMSG x",
        );
        check(|line| line.raw_tag("+a", "\\b\\s").raw_tag("+c", "").verb("X").end(), "@+a=\\b\\s;+c X");
        check(|line| line.numeric("srv", Numeric::RPL_WELCOME, "alice").trailing("Welcome"), ":srv 001 alice :Welcome");
        check(
            |line| {
                line.numeric("srv", Numeric::RPL_LIST, "*")
                    .param_fmt(format_args!("{}", 12))
                    .trailing_fmt(format_args!("{}-{}", 1, 2))
            },
            ":srv 322 * 12 :1-2",
        );
        check(|line| line.verb("MODE").param("#a").params(["+ov", "x", "y"]).end(), "MODE #a +ov x y");
        check(|line| line.verb("X").open_trailing().text("a b").fmt(format_args!(" {}", 3)).end(), "X :a b 3");
    }

    #[test]
    fn nothing_breaks_a_line() {
        check(|line| line.tag("", Some("v")).raw_tag("", "v").verb("X").end(), "X");
        check(|line| line.verb("X").param("").end(), "X *");
        check(|line| line.verb("X").param("a b").end(), "X *");
        check(|line| line.verb("X").param(":a").end(), "X *");
        check(|line| line.verb("X").param("a\r\nQUIT").end(), "X *");
        check(|line| line.verb("X").param("a\0").end(), "X *");
        check(|line| line.verb("X").param("a:b@c").end(), "X a:b@c");
        check(|line| line.verb("X").param_fmt(format_args!("{} {}", 1, 2)).end(), "X *");
        check(|line| line.verb("X").param_fmt(format_args!("")).end(), "X *");
        check(|line| line.verb("X").trailing("a\r\nQUIT\0"), "X :a  QUIT ");
        check(|line| line.verb("X").trailing_fmt(format_args!("a{}b", '\n')), "X :a b");
        check(|line| line.verb("").end(), "*");
        check(|line| line.verb("@a b").end(), "*");
        check(|line| line.verb("@a").end(), "*");
        check(|line| line.verb(":a").end(), "*");
        check(|line| line.source("a b\n").verb("X").end(), ":* X");
        check(|line| line.source("s").numeric(Numeric::ERR_NOSUCHNICK, "").end(), ":s 401 *");
        check(|line| line.tag("a b;c=d\n", Some("\0\r\n")).verb("X").end(), "@a_b_c_d_=\\s\\r\\n X");
        check(|line| line.raw_tag("k", "a b;c\0\r\n").verb("X").end(), "@k=a_b_c___ X");
    }

    #[test]
    fn budgets_agree_with_what_is_written() {
        let (source, verb, middles) = ("alice!~a@host", "PRIVMSG", ["#tea"]);
        let budget = text_budget(source, verb, &middles);
        let mut buffer = Vec::new();
        let line = LineWriter::new(&mut buffer).tag("time", Some("2026")).source(source).verb(verb).params(middles);
        assert_eq!(line.text_budget(), budget);
        line.trailing(&"x".repeat(budget));
        let body = buffer.len() - "@time=2026 ".len();
        assert_eq!(body, MAX_BODY);
        assert_eq!(text_budget("", "X", &[]), MAX_BODY - "X :\r\n".len());
        assert_eq!(text_budget("", "X", &["y".repeat(600).as_str()]), 0);
    }

    #[test]
    fn long_text_of_the_server_is_cut_between_characters() {
        let mut buffer = Vec::new();
        LineWriter::new(&mut buffer).verb("X").trailing_cut(&"é".repeat(400));
        // 507 bytes are left, an odd number.
        assert_eq!(buffer.len(), MAX_BODY - 1);
        assert!(std::str::from_utf8(&buffer).is_ok());
    }

    #[test]
    fn truncation() {
        for (text, max, expected) in [
            ("abc", 5, "abc"),
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("é", 1, ""),
            ("aé", 2, "a"),
            ("😀", 3, ""),
            ("", 0, ""),
        ] {
            assert_eq!(truncate_at_char_boundary(text, max), expected, "{text:?} to {max}");
        }
    }

    #[test]
    fn items_until_the_line_is_full() {
        let mut buffer = Vec::new();
        let mut names = LineWriter::new(&mut buffer).tag("batch", Some("1")).source("s").verb("353").open_trailing();
        assert!(names.is_empty());
        let mut count = 0;
        while names.try_item(' ', "alice") {
            count += 1;
        }
        assert!(names.room() < " alice".len());
        names.end();
        assert_eq!(buffer.len(), "@batch=1 :s 353 :\r\n".len() + count * "alice ".len() - 1);
        assert!(buffer.len() - "@batch=1 ".len() <= MAX_BODY);
        assert!(buffer.ends_with(b"alice alice\r\n"));
    }
}
