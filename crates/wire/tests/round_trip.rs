//! What is written is read again as it was meant, whatever was passed in, and however the stream was cut.

use proptest::collection::vec;
use proptest::prelude::*;
use wire::{
    CaseMapping, Frame, Framer, IsupportToken, Line, LineLimits, LineWriter, ModeChange, ModeKind, Numeric, Sign, Tags,
    isupport, mode, tags, truncate_at_char_boundary,
};

const NO_LIMITS: LineLimits = LineLimits { tags: usize::MAX / 4, body: usize::MAX / 4 };

/// Text of what makes trouble, more often than chance would have it.
fn nasty_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9#!@=/+-]{1,4}",
        1 => Just("\r".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\0".to_owned()),
        2 => Just(" ".to_owned()),
        2 => Just(":".to_owned()),
        1 => Just(";".to_owned()),
        1 => Just("\\".to_owned()),
        1 => Just("@".to_owned()),
        2 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn middle() -> impl Strategy<Value = String> {
    "[!-9;-~é😀][!-~é😀]{0,12}"
}

fn key() -> impl Strategy<Value = String> {
    "\\+?([a-z][a-z0-9-]{0,5}/)?[a-z][a-zA-Z0-9-]{0,8}"
}

/// A message as a program sees it, every part such that it can stand where it is put.
#[derive(Debug, Clone)]
struct Message {
    tags: Vec<(String, String)>,
    source: Option<String>,
    verb: String,
    params: Vec<String>,
    trailing: Option<String>,
}

fn message() -> impl Strategy<Value = Message> {
    let trailing = nasty_text().prop_map(|text| text.replace(['\0', '\r', '\n'], " "));
    let tag_value = nasty_text().prop_map(|text| text.replace('\0', " "));
    (
        vec((key(), tag_value), 0..5),
        proptest::option::of(middle()),
        "[A-Z]{1,10}|[0-9]{3}",
        vec(middle(), 0..14),
        proptest::option::of(trailing),
    )
        .prop_map(|(tags, source, verb, params, trailing)| Message { tags, source, verb, params, trailing })
}

fn write(message: &Message, buffer: &mut Vec<u8>) {
    let mut line = LineWriter::new(buffer);
    for (key, value) in &message.tags {
        line = line.tag(key, Some(value));
    }
    let line = line.source(message.source.as_deref().unwrap_or(""));
    let line = line.verb(&message.verb).params(&message.params);
    match &message.trailing {
        Some(text) => line.trailing(text),
        None => line.end(),
    }
}

fn lines_of(stream: &[u8], cuts: &[usize], max: usize, hold_every: usize) -> Vec<Result<Vec<u8>, Vec<u8>>> {
    let mut framer = Framer::new();
    let mut lines = Vec::new();
    let mut taken = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.push(stream.len());
    cuts.sort_unstable();
    let mut start = 0;
    for end in cuts {
        let mut frames = framer.push(&stream[start..end], max);
        start = end;
        loop {
            match frames.next_frame() {
                Some(Frame::Line(line)) => lines.push(Ok(line.to_vec())),
                Some(Frame::TooLong { head, .. }) => lines.push(Err(head.to_vec())),
                None => break,
            }
            taken += 1;
            if taken % hold_every == 0 {
                framer.hold(frames);
                frames = framer.push(b"", max);
            }
        }
        assert!(framer.pending().len() <= max + 2);
        assert!(!framer.is_holding());
    }
    lines
}

/// The same by the simplest means.
fn lines_expected(stream: &[u8], max: usize) -> Vec<Result<Vec<u8>, Vec<u8>>> {
    let mut lines: Vec<&[u8]> = stream.split(|&byte| byte == b'\n').collect();
    lines.pop();
    let cut = lines.into_iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    cut.map(|line| if line.len() <= max { Ok(line.to_vec()) } else { Err(line[..max].to_vec()) }).collect()
}

proptest! {
    #[test]
    fn a_written_message_is_read_again(message in message()) {
        let mut buffer = Vec::new();
        write(&message, &mut buffer);
        let line = buffer.strip_suffix(b"\r\n").expect("CR LF at the end");
        let line = Line::parse(line, NO_LIMITS).unwrap();
        prop_assert_eq!(line.source, message.source.as_deref());
        prop_assert_eq!(line.verb, &message.verb);
        let params: Vec<&str> = message.params.iter().chain(&message.trailing).map(String::as_str).collect();
        prop_assert_eq!(line.params(), &params[..]);
        let read: Vec<(&str, String)> = line.tags.iter().map(|(key, value)| (key, tags::unescape(value).into_owned())).collect();
        let written: Vec<(&str, String)> = message.tags.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        prop_assert_eq!(read, written);
        for (key, _) in &message.tags {
            prop_assert!(tags::is_valid_key(key));
            let last = message.tags.iter().rfind(|(other, _)| other == key).unwrap();
            let value = line.tags.get(key).unwrap();
            prop_assert_eq!(&*value, &last.1);
        }
    }

    #[test]
    fn nothing_that_is_passed_in_breaks_the_line(
        tag in (nasty_text(), nasty_text()), raw in (nasty_text(), nasty_text()), source in nasty_text(),
        verb in nasty_text(), params in vec(nasty_text(), 0..12), trailing in nasty_text(),
    ) {
        let mut buffer = Vec::new();
        LineWriter::new(&mut buffer)
            .tag(&tag.0, Some(&tag.1))
            .raw_tag(&raw.0, &raw.1)
            .source(&source)
            .verb(&verb)
            .params(&params)
            .param_fmt(format_args!("{}", params.concat()))
            .trailing(&trailing);
        let line = buffer.strip_suffix(b"\r\n").expect("CR LF at the end");
        prop_assert!(!line.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')));
        let line = Line::parse(line, NO_LIMITS).unwrap();
        prop_assert_eq!(line.source.is_some(), !source.is_empty());
        prop_assert_eq!(line.params().len(), params.len() + 2);
        let clean = trailing.replace(['\0', '\r', '\n'], " ");
        prop_assert_eq!(line.params().last().copied(), Some(clean.as_str()));
        for (read, given) in line.params().iter().zip(&params) {
            prop_assert!(read == given || *read == "*");
        }
    }

    #[test]
    fn numerics_are_read_again(place in 0..Numeric::ALL.len(), target in middle()) {
        let numeric = Numeric::ALL[place];
        let mut buffer = Vec::new();
        LineWriter::new(&mut buffer).numeric("s", numeric, &target).end();
        let line = Line::parse(buffer.strip_suffix(b"\r\n").unwrap(), LineLimits::FROM_SERVER).unwrap();
        prop_assert_eq!(Numeric::from_verb(line.verb), Some(numeric));
        prop_assert_eq!(line.params(), &[target.as_str()][..]);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..80), piece in nasty_text()) {
        for bytes in [&bytes[..], piece.as_bytes()] {
            let line = Line::parse(bytes, LineLimits { tags: 20, body: 40 });
            if let Ok(line) = line {
                prop_assert!(!line.verb.is_empty() && !line.verb.contains(' '));
                let middles = line.params().split_last().map_or(&[][..], |(_, middles)| middles);
                for middle in middles {
                    prop_assert!(!middle.is_empty() && !middle.contains(' ') && !middle.starts_with(':'));
                }
                prop_assert!(line.tags.raw().len() <= 20);
            }
        }
    }

    #[test]
    fn a_stream_has_the_same_lines_however_it_is_cut(
        stream in vec(prop_oneof![6 => 97u8..100, 2 => Just(b'\n'), 1 => Just(b'\r')], 0..120),
        cuts in vec(any::<usize>(), 0..10), max in 1usize..12, hold_every in 1usize..5,
    ) {
        prop_assert_eq!(lines_of(&stream, &cuts, max, hold_every), lines_expected(&stream, max));
    }

    #[test]
    fn tag_values_survive_escaping(value in nasty_text()) {
        let mut escaped = Vec::new();
        tags::escape_into(&mut escaped, &value);
        let escaped = String::from_utf8(escaped).unwrap();
        prop_assert!(!escaped.contains(['\0', '\r', '\n', ' ', ';']));
        prop_assert_eq!(tags::unescape(&escaped), value.replace('\0', " "));
    }

    #[test]
    fn client_only_tags_are_the_last_of_their_key(keys in vec("\\+?[a-d]{1,2}", 0..40)) {
        let data: Vec<String> = keys.iter().enumerate().map(|(n, key)| format!("{key}={n}")).collect();
        let data = data.join(";");
        let found: Vec<(&str, &str)> = Tags::new(&data).client_only().collect();
        let expected: Vec<(&str, String)> = keys
            .iter()
            .enumerate()
            .filter(|(n, key)| key.starts_with('+') && !keys[n + 1..].contains(key))
            .map(|(n, key)| (key.as_str(), n.to_string()))
            .collect();
        let expected: Vec<(&str, &str)> = expected.iter().map(|(key, value)| (*key, value.as_str())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn isupport_values_survive_escaping(value in nasty_text()) {
        let token = isupport::token("NAME", Some(&value));
        prop_assert!(!token.contains(['\0', '\r', '\n', ' ']));
        let read = IsupportToken::parse(&token).unwrap();
        prop_assert_eq!(read.value.as_deref(), Some(value.as_str()));
    }

    #[test]
    fn composed_modes_are_read_again(
        changes in vec((any::<bool>(), "[bklnot]", "[a-z]{1,6}"), 0..20), max_params in 1usize..5, max_bytes in 12usize..40,
    ) {
        let kind = |letter| match letter {
            'b' => ModeKind::List,
            'k' => ModeKind::AlwaysParam,
            'l' => ModeKind::ParamWhenSet,
            'o' => ModeKind::Prefix,
            _ => ModeKind::Flag,
        };
        let changes: Vec<ModeChange<'_>> = changes
            .iter()
            .map(|(plus, letter, param)| {
                let letter = letter.chars().next().unwrap();
                let sign = if *plus { Sign::Plus } else { Sign::Minus };
                let takes = matches!(letter, 'b' | 'k' | 'o') || (letter == 'l' && *plus);
                ModeChange { sign, letter, param: takes.then_some(param.as_str()) }
            })
            .collect();
        let mut read = Vec::new();
        for string in mode::compose(changes.iter().copied(), max_params, max_bytes) {
            prop_assert!(string.params.len() <= max_params);
            prop_assert!(string.to_string().len() <= max_bytes);
            let mut words = vec![string.letters.as_str()];
            words.extend(&string.params);
            read.extend(mode::parse(&words, kind).map(|c| (c.sign, c.letter, c.param.map(str::to_owned))));
        }
        let expected: Vec<_> = changes.iter().map(|c| (c.sign, c.letter, c.param.map(str::to_owned))).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn folding_and_comparing_agree(a in "[a-cA-C\\[{~^éÉσΣς]{0,3}", b in "[a-cA-C\\[{~^éÉσΣς]{0,3}") {
        for mapping in [CaseMapping::Ascii, CaseMapping::Rfc1459, CaseMapping::Rfc1459Strict, CaseMapping::Precis] {
            prop_assert_eq!(mapping.eq(&a, &b), mapping.fold(&a) == mapping.fold(&b));
            prop_assert_eq!(mapping.fold(&mapping.fold(&a)), mapping.fold(&a));
        }
    }

    #[test]
    fn truncation_keeps_the_most_that_fits(text in nasty_text(), max in 0usize..20) {
        let cut = truncate_at_char_boundary(&text, max);
        prop_assert!(text.starts_with(cut) && cut.len() <= max);
        if let Some(next) = text[cut.len()..].chars().next() {
            prop_assert!(cut.len() + next.len_utf8() > max);
        }
    }
}
