//! What must hold of every line that anyone is sent, and of everything that was ever said.

use crate::faulty_log::Store;
use chat::id::Position;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a line beyond its tags, CR LF included (RFC 2812 section 2.3).
const LONGEST_BODY: usize = 512;
/// Bytes of tags with their `@` and the space behind them (message-tags "Size limit").
const LONGEST_TAGS: usize = 8191;

/// The lines of what a connection was sent at once: whole, UTF-8, of a length that a client must take, and without a
/// byte that would make another line of a part of one.
pub fn lines_of(bytes: &[u8]) -> Result<Vec<&str>, String> {
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8 ({error}): {}", shown()))?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Some(text) = text.strip_suffix("\r\n") else { return Err(format!("half a line was sent: {text:?}")) };
    let lines: Vec<&str> = text.split("\r\n").collect();
    for line in &lines {
        if line.contains(['\r', '\n', '\0']) {
            return Err(format!("a line with a CR, LF or NUL was sent: {line:?}"));
        }
        let tags = if line.starts_with('@') { line.find(' ').map_or(line.len(), |end| end + 1) } else { 0 };
        let body = line.len() - tags + 2;
        if body > LONGEST_BODY || tags > LONGEST_TAGS {
            return Err(format!("a line of {body} bytes behind {tags} bytes of tags was sent: {line}"));
        }
        if body <= 2 {
            return Err("an empty line was sent".to_owned());
        }
    }
    Ok(lines)
}

/// The number that the workload put into a message's text, as a word `m17`.
pub fn number_in(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).find_map(|word| word.strip_prefix('m')?.parse().ok())
}

/// Everything that was ever said, and what became of it. Messages are known by the number in their text and by whom they
/// are addressed to, in small letters.
#[derive(Debug, Default)]
pub struct Ledger {
    fates: BTreeMap<(u64, String), Fate>,
    /// The labelled lines that said something to one target.
    labels: BTreeMap<String, (u64, String)>,
    /// What happened in rooms while the store took nothing.
    pub unnoted: BTreeSet<String>,
    /// Messages that were said under a key, by this account: it may say them again from anywhere.
    pub keyed: Vec<Keyed>,
    /// Links into rooms that someone has made; everyone knows of them.
    pub links: Vec<InviteLink>,
    next_number: u64,
    next_word: u64,
}

#[derive(Clone, Debug)]
pub struct Keyed {
    pub account: String,
    pub key: String,
    pub number: u64,
    pub to: String,
}

#[derive(Clone, Debug)]
pub struct InviteLink {
    pub room: String,
    pub id: String,
    pub token: String,
}

#[derive(Debug, Default)]
struct Fate {
    refused: bool,
    seen: bool,
    msgid: Option<String>,
}

impl Ledger {
    pub fn new_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// A word that nobody said before.
    pub fn new_word(&mut self) -> String {
        self.next_word += 1;
        format!("z{}", self.next_word)
    }

    pub fn labelled(&mut self, label: &str, number: u64, to: &str) {
        self.labels.insert(label.to_owned(), (number, to.to_owned()));
    }

    /// The sender was told that it was not sent.
    pub fn refused(&mut self, number: u64, to: &str) -> Result<(), String> {
        // What is said again may have been refused before, or be refused where it was said before.
        if self.keyed.iter().any(|keyed| keyed.number == number) {
            return Ok(());
        }
        let fate = self.fates.entry((number, to.to_owned())).or_default();
        fate.refused = true;
        if fate.seen { Err(format!("m{number} to {to} was refused, and someone saw it")) } else { Ok(()) }
    }

    pub fn refused_label(&mut self, label: &str) -> Result<(), String> {
        match self.labels.get(label).cloned() {
            Some((number, to)) => self.refused(number, &to),
            None => Ok(()),
        }
    }

    /// Someone was sent it. Returns its place in the order.
    pub fn seen(&mut self, number: u64, to: &str, msgid: Option<&str>, store: &Store) -> Result<Position, String> {
        let fate = self.fates.entry((number, to.to_owned())).or_default();
        fate.seen = true;
        if fate.refused {
            return Err(format!("m{number} to {to} was refused, and someone is sent it"));
        }
        if let Some(msgid) = msgid.filter(|_| store.has_one_id(number)) {
            match &fate.msgid {
                Some(known) if known != msgid => return Err(format!("m{number} to {to} has two ids")),
                Some(_) => {}
                None => fate.msgid = Some(msgid.to_owned()),
            }
        }
        let position = store.position_of(number, to);
        position.ok_or_else(|| format!("m{number} to {to} was shown and is not on disk"))
    }

    /// Someone was shown that something happened in a room, which has this id in its history.
    pub fn happened(&self, id: &str, store: &Store) -> Result<(), String> {
        match store.has_event(id) || self.unnoted.contains(id) {
            true => Ok(()),
            false => Err(format!("is shown {id}, which is not on disk")),
        }
    }

    /// What anyone saw is on disk, and what was refused is not.
    pub fn check(&self, store: &Store) -> Result<(), String> {
        for ((number, to), fate) in &self.fates {
            let kept = store.position_of(*number, to).is_some();
            if fate.seen && !kept {
                return Err(format!("m{number} to {to} was seen once and is not on disk"));
            }
            if fate.refused && kept {
                return Err(format!("m{number} to {to} was refused and is on disk"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let long = format!("{}\r\n", "x".repeat(511));
        let cases: [(&[u8], Option<usize>); 9] = [
            (b"", Some(0)),
            (b"a\r\n", Some(1)),
            (b"@t=1 a\r\nb\r\n", Some(2)),
            (b"a", None),
            (b"a\nb\r\n", None),
            (b"a\rb\r\n", None),
            (b"a\0\r\n", None),
            (b"\xff\r\n", None),
            (long.as_bytes(), None),
        ];
        for (bytes, count) in cases {
            assert_eq!(lines_of(bytes).map(|lines| lines.len()).ok(), count, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn numbers() {
        for (text, number) in
            [("m17 hello", Some(17)), ("\u{1}ACTION m5\u{1}", Some(5)), ("hello", None), ("am3", None)]
        {
            assert_eq!(number_in(text), number, "{text}");
        }
    }
}
