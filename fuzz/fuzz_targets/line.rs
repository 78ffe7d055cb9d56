//! Any bytes as a stream of IRC lines: cut, parsed, looked at in every way, written again and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{
    CaseMapping, Ctcp, Frame, Framer, IsupportToken, Line, LineError, LineLimits, LineWriter, MAX_PARAMS, ModeKind,
    ModeString, isupport, mode, tags,
};

/// Small, so that short inputs reach them.
const LIMITS: LineLimits = LineLimits { tags: 60, body: 80 };

fuzz_target!(|input: &[u8]| {
    // The first byte says how the rest is cut and which lines are put on hold.
    let Some((&how, stream)) = input.split_first() else {
        return;
    };
    let lines = cut(stream, stream.len().max(1), 0);
    let chunk_len = usize::from(how & 0x1f) + 1;
    assert_eq!(cut(stream, chunk_len, how >> 5), lines, "the lines depend on how the stream was cut");
    for line in lines.iter().flatten() {
        parse(line);
    }
});

/// The lines of the stream read in chunks; `None` for one that was too long. After every `hold_every` lines (0:
/// never) the rest is held and asked for again.
fn cut(stream: &[u8], chunk_len: usize, hold_every: u8) -> Vec<Option<Vec<u8>>> {
    let max = LIMITS.line();
    let mut framer = Framer::new();
    let mut lines = Vec::new();
    for chunk in stream.chunks(chunk_len) {
        let mut frames = framer.push(chunk, max);
        while let Some(frame) = frames.next_frame() {
            lines.push(match frame {
                Frame::Line(line) => Some(line.to_vec()),
                Frame::TooLong { head, .. } => {
                    assert_eq!(head.len(), max);
                    None
                }
            });
            if hold_every > 0 && lines.len() % usize::from(hold_every) == 0 {
                framer.hold(frames);
                frames = framer.push(b"", max);
            }
        }
        assert!(framer.pending().len() <= max + 2);
    }
    lines
}

fn parse(bytes: &[u8]) {
    match Line::parse(bytes, LIMITS) {
        Ok(line) => {
            look_at(&line);
            write_and_read(&line);
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            match error {
                LineError::InvalidUtf8 { .. } => assert!(std::str::from_utf8(bytes).is_err()),
                LineError::TooLong { .. } => assert!(bytes.len() > LIMITS.tags.min(LIMITS.body)),
                LineError::ForbiddenByte { byte } => assert!(bytes.contains(&byte)),
                LineError::Empty | LineError::NoVerb => {}
            }
        }
    }
}

/// Everything that reads a parsed line holds on any line.
fn look_at(line: &Line<'_>) {
    assert!(!line.verb.is_empty() && !line.verb.contains(' '));
    assert!(line.params().len() <= MAX_PARAMS);
    if let Some((_, middles)) = line.params().split_last() {
        assert!(middles.iter().all(|middle| !middle.is_empty() && !middle.contains(' ') && !middle.starts_with(':')));
    }
    for (key, value) in line.tags.iter() {
        assert!(line.tags.contains(key));
        let mut escaped = Vec::new();
        tags::escape_into(&mut escaped, &tags::unescape(value));
        let escaped = String::from_utf8(escaped).expect("escaping keeps UTF-8");
        assert_eq!(tags::unescape(&escaped), tags::unescape(value));
    }
    for (key, value) in line.tags.client_only() {
        assert_eq!(line.tags.raw_value(key), Some(value));
    }
    for text in line.params() {
        let _ = Ctcp::parse(text).map(Ctcp::is_action);
        for mapping in [CaseMapping::Ascii, CaseMapping::Rfc1459, CaseMapping::Precis] {
            assert!(mapping.eq(&mapping.fold(text), text));
        }
    }
    for token in IsupportToken::of_line(line) {
        if let Some(value) = &token.value {
            assert_eq!(isupport::unescape(&isupport::escape(value)), *value);
        }
    }
    look_at_modes(line.params());
}

fn look_at_modes(words: &[&str]) {
    let kind = |letter: char| match letter {
        'b' => ModeKind::List,
        'k' => ModeKind::AlwaysParam,
        'l' => ModeKind::ParamWhenSet,
        'o' => ModeKind::Prefix,
        _ => ModeKind::Flag,
    };
    let changes: Vec<_> = mode::parse(words, kind).collect();
    let strings = mode::compose(changes.iter().copied(), 3, 40);
    let letters = |string: &ModeString<'_>| string.letters.chars().filter(|c| !matches!(c, '+' | '-')).count();
    assert_eq!(strings.iter().map(letters).sum::<usize>(), changes.len());
    assert!(strings.iter().all(|string| string.params.len() <= 3));
}

/// A line that was read can be written, and is read again as the same.
fn write_and_read(line: &Line<'_>) {
    let mut buffer = Vec::new();
    let mut writer = LineWriter::new(&mut buffer);
    for (key, value) in line.tags.iter() {
        writer = writer.raw_tag(key, value);
    }
    let writer = writer.source(line.source.unwrap_or("")).verb(line.verb);
    match line.params().split_last() {
        Some((last, middles)) => writer.params(middles).trailing(last),
        None => writer.end(),
    }
    let written = buffer.strip_suffix(b"\r\n").expect("every line ends with CR LF");
    let no_limits = LineLimits { tags: usize::MAX / 4, body: usize::MAX / 4 };
    let again = Line::parse(written, no_limits).expect("what was written can be read");
    assert!(again.tags.iter().eq(line.tags.iter()));
    // Written, an empty source is none, and a word that would be read as something else is `*`.
    let source = line.source.filter(|source| !source.is_empty());
    assert_eq!(again.source, source.map(|source| if source.starts_with(':') { "*" } else { source }));
    assert_eq!(again.verb, if line.verb.starts_with([':', '@']) { "*" } else { line.verb });
    assert_eq!(again.params(), line.params());
}
