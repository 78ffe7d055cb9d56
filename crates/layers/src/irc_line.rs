//! The parts of an IRC line by name, in its own order and without changing a byte of it.

use crate::{Known, Part};

/// The line without its ending, as parts that together are all of it. A separator counts with the part that it begins.
pub fn parts(line: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = line;
    if rest.starts_with('@') {
        let (tags, behind) = cut(rest, ' ');
        rest = behind;
        for tag in tags[1..].split(';') {
            let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
            parts.push(seen(format!("tag {name}"), value, 1 + tag.len()));
        }
    }
    let mut space = usize::from(rest.starts_with(' '));
    if rest[space..].starts_with(':') {
        let (source, behind) = cut(&rest[space..], ' ');
        rest = behind;
        source_parts(source, space, &mut parts);
        space = usize::from(rest.starts_with(' '));
    }
    let (verb, mut rest) = cut(&rest[space..], ' ');
    let is_numeric = verb.len() == 3 && verb.bytes().all(|byte| byte.is_ascii_digit());
    parts.push(seen(if is_numeric { "numeric" } else { "command" }.to_owned(), verb, space + verb.len()));
    let names = parameter_names(verb);
    let mut index = 0;
    while !rest.is_empty() {
        let value = &rest[1..];
        let (value, length, behind) = match value.strip_prefix(':') {
            Some(trailing) => (trailing, rest.len(), ""),
            None => {
                let (value, behind) = cut(value, ' ');
                (value, 1 + value.len(), behind)
            }
        };
        let name = match (is_numeric, index) {
            (true, 0) => "your nick".to_owned(),
            _ => names.get(index).map_or_else(|| format!("parameter {}", index + 1), |name| (*name).to_owned()),
        };
        parts.push(seen(name, value, length));
        rest = behind;
        index += 1;
    }
    parts
}

/// What a person wrote in it, where it is a line that carries such a text.
pub fn text(line: &str) -> Option<&str> {
    let mut rest = line;
    if rest.starts_with('@') {
        rest = cut(rest, ' ').1.trim_start_matches(' ');
    }
    if rest.starts_with(':') {
        rest = cut(rest, ' ').1.trim_start_matches(' ');
    }
    let (verb, behind) = cut(rest, ' ');
    let carries = ["PRIVMSG", "NOTICE", "TOPIC", "PART", "QUIT", "KICK", "AWAY", "WALLOPS"];
    if !carries.iter().any(|known| verb.eq_ignore_ascii_case(known)) {
        return None;
    }
    if let Some(text) = behind.strip_prefix(" :") {
        return Some(text);
    }
    behind.split_once(" :").map(|(_, text)| text)
}

fn source_parts(source: &str, space: usize, parts: &mut Vec<Part>) {
    let (name, host) = match source[1..].split_once('@') {
        Some((name, host)) => (name, Some(host)),
        None => (&source[1..], None),
    };
    let (nick, user) = match name.split_once('!') {
        Some((nick, user)) => (nick, Some(user)),
        None => (name, None),
    };
    let is_person = user.is_some() || host.is_some();
    parts.push(seen(if is_person { "sender" } else { "source" }.to_owned(), nick, space + 1 + nick.len()));
    parts.extend(user.map(|user| seen("user name".to_owned(), user, 1 + user.len())));
    parts.extend(host.map(|host| seen("host".to_owned(), host, 1 + host.len())));
}

fn parameter_names(verb: &str) -> &'static [&'static str] {
    match verb.to_ascii_uppercase().as_str() {
        "PRIVMSG" | "NOTICE" => &["to", "text"],
        "TAGMSG" => &["to"],
        "JOIN" => &["channel", "account", "real name"],
        "PART" => &["channel", "reason"],
        "TOPIC" => &["channel", "topic"],
        "KICK" => &["channel", "nick", "reason"],
        "QUIT" | "AWAY" | "ERROR" => &["reason"],
        "NICK" => &["nick"],
        "USER" => &["user name", "unused", "unused", "real name"],
        "MODE" => &["of", "changes"],
        "PING" | "PONG" => &["token"],
        "INVITE" => &["nick", "channel"],
        _ => &[],
    }
}

/// Before the first `separator`, and from it on.
fn cut(text: &str, separator: char) -> (&str, &str) {
    text.split_at(text.find(separator).unwrap_or(text.len()))
}

fn seen(name: String, value: &str, bytes: usize) -> Part {
    Part { name, value: value.to_owned(), bytes, known: Known::Seen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(line: &str) -> Vec<String> {
        parts(line).iter().map(|part| format!("{}={}/{}", part.name, part.value, part.bytes)).collect()
    }

    #[test]
    fn every_part_has_its_name() {
        for (line, expected) in [
            ("PRIVMSG #tea :hi there", &["command=PRIVMSG/7", "to=#tea/5", "text=hi there/10"][..]),
            (
                "@time=12:00;msgid=a :bob!~b@host PRIVMSG #tea :hi",
                &[
                    "tag time=12:00/11",
                    "tag msgid=a/8",
                    "sender=bob/5",
                    "user name=~b/3",
                    "host=host/5",
                    "command=PRIVMSG/8",
                    "to=#tea/5",
                    "text=hi/4",
                ],
            ),
            (
                ":irc.example 353 bob = #tea :a b",
                &[
                    "source=irc.example/12",
                    "numeric=353/4",
                    "your nick=bob/4",
                    "parameter 2==/2",
                    "parameter 3=#tea/5",
                    "parameter 4=a b/5",
                ],
            ),
            ("QUIT", &["command=QUIT/4"]),
            ("", &["command=/0"]),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn the_text_of_a_line() {
        for (line, expected) in [
            ("PRIVMSG #tea :hi :there", Some("hi :there")),
            ("@a=:b :bob!b@h PRIVMSG #tea :hi", Some("hi")),
            ("QUIT :bye", Some("bye")),
            ("PRIVMSG #tea hi", None),
            ("PING :x", None),
            ("", None),
        ] {
            assert_eq!(text(line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_counted_twice(line in "[@: ;=!a-z#é]{0,60}") {
            prop_assert_eq!(parts(&line).iter().map(|part| part.bytes).sum::<usize>(), line.len());
            let _ = text(&line);
        }
    }
}
