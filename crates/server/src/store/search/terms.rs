//! What the index is written with, and how it is asked.
//!
//! A word that someone looks for by its beginning or by a part of it is found by its *pieces*: every three characters of it
//! that follow each other, and its first two. They stand for themselves in the index, with a sign before them that no word
//! has: `~` for three characters somewhere, `^` for a beginning. What has all pieces of a part nearly always has the part;
//! the finder looks at each message anyway. A word of two or three characters is not written again as its own only piece:
//! whoever asks for the piece asks for the word too.
//!
//! In scripts without spaces the terms are pairs of neighbours ([`chat::search`]); there every single character is written
//! too, since one is a word often enough.

use chat::id::ClientId;
use chat::search::{Part, each_term, fold_name, is_unspaced};
use std::fmt::Write as _;

/// Pieces of one part that the index is asked for: some of a long part name it as well as all do, and each costs a look-up
/// in every segment.
const MOST_PIECES: usize = 8;

/// Writes the terms of a text, a space behind each.
pub(super) fn write_terms(text: &str, out: &mut String) {
    each_term(text, |term| {
        write(out, "", term);
        let Some(first) = term.chars().next() else { return };
        if is_unspaced(first) {
            if let Some((second, _)) = term.char_indices().nth(1) {
                write(out, "", &term[..second]);
            }
        } else if first.is_alphanumeric() {
            write_pieces(term, first, out);
        }
    });
}

fn write_pieces(word: &str, first: char, out: &mut String) {
    let mut behind = word.char_indices().map(|(at, _)| at).skip(1);
    let Some(second) = behind.next() else { return };
    if is_worth_a_term(first) {
        write(out, "^", &word[..second]);
    }
    let Some(third) = behind.next() else { return };
    write(out, "^", &word[..third]);
    if behind.next().is_some() {
        threes(word).for_each(|piece| write(out, "~", piece));
    }
}

/// Whether words that begin so are looked for in the index. With a Latin letter so many words begin that looking at one
/// message after the other finds enough.
fn is_worth_a_term(first: char) -> bool {
    !first.is_ascii_lowercase()
}

/// Every three characters that follow each other; of fewer than three, all.
fn threes(word: &str) -> impl Iterator<Item = &str> {
    let starts = word.char_indices().map(|(at, _)| at);
    let ends = starts.clone().skip(3).chain([word.len()]);
    starts.zip(ends).map(|(from, to)| &word[from..to])
}

fn write(out: &mut String, sign: &str, term: &str) {
    out.push_str(sign);
    out.push_str(term);
    out.push(' ');
}

/// How the index is asked for a part, in FTS5's query language (section 3): what it names holds the part, or may hold it.
/// `None`: it can't be asked.
pub(super) fn expression(part: &Part) -> Option<String> {
    let all = |terms: &[_]| -> Vec<String> {
        terms.iter().map(|term: &compact_str::CompactString| quoted("", term)).collect()
    };
    match part {
        Part::Terms { terms, open: false } => both(all(terms)),
        Part::Terms { terms, open: true } => {
            let (last, before) = terms.split_last()?;
            let mut conditions = all(before);
            conditions.extend(beginning(last));
            both(conditions)
        }
        Part::Within(part) => {
            let pieces = || pieces(part);
            match part.chars().nth(3) {
                Some(_) => both(pieces()),
                None => either(std::iter::once(quoted("", part)).chain(pieces()).collect()),
            }
        }
    }
}

fn beginning(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    let itself = quoted("", text);
    if is_unspaced(first) || !first.is_alphanumeric() {
        return Some(itself);
    }
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    match starts.get(2) {
        None if starts.len() == 1 && !is_worth_a_term(first) => None,
        None => either(vec![itself, quoted("^", text)]),
        Some(&third) => {
            let mut longer = vec![quoted("^", &text[..third])];
            longer.extend(pieces(text));
            either([Some(itself), both(longer)].into_iter().flatten().collect())
        }
    }
}

/// What to ask for: from all over the part, the first and the last among them.
fn pieces(part: &str) -> Vec<String> {
    let pieces: Vec<&str> = threes(part).collect();
    let last = pieces.len() - 1;
    let steps = last.min(MOST_PIECES - 1);
    (0..=steps).map(|step| quoted("~", pieces[step * last / steps.max(1)])).collect()
}

fn both(conditions: Vec<String>) -> Option<String> {
    joined(conditions, " AND ")
}

pub(super) fn either(conditions: Vec<String>) -> Option<String> {
    joined(conditions, " OR ")
}

fn joined(mut conditions: Vec<String>, by: &str) -> Option<String> {
    conditions.sort();
    conditions.dedup();
    match conditions.len() {
        0 => None,
        1 => conditions.pop(),
        _ => Some(format!("({})", conditions.join(by))),
    }
}

/// A string of the query language. Terms hold no quotation mark; this holds if one ever did.
fn quoted(sign: &str, term: &str) -> String {
    format!("\"{sign}{}\"", term.replace('"', "\"\""))
}

/// Everything said in a room.
pub(super) fn in_room(room: u32) -> String {
    quoted("", &room_term(room))
}

/// Everything said under a name, by a folded one.
pub(super) fn by_name(folded: &str) -> String {
    quoted("", &name_term(folded))
}

/// Everything in someone's direct conversations.
pub(super) fn with(client: ClientId) -> String {
    quoted("", &participant_term(client.0.as_bytes()))
}

/// What is known of a message besides its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    pub(super) room: u32,
    pub(super) name: String,
    pub(super) account: Option<String>,
    pub(super) between: Option<([u8; 16], [u8; 16])>,
}

/// Writes the terms of what is known besides, a space behind each.
pub(super) fn write_facts(facts: &Facts, out: &mut String) {
    write(out, "", &room_term(facts.room));
    write(out, "", &name_term(&fold_name(&facts.name)));
    if let Some(account) = facts.account.as_ref().filter(|account| **account != facts.name) {
        write(out, "", &name_term(&fold_name(account)));
    }
    if let Some((one, other)) = &facts.between {
        write(out, "", &participant_term(one));
        write(out, "", &participant_term(other));
    }
}

fn room_term(room: u32) -> String {
    format!("#{room}")
}

/// In hexadecimal digits: names have characters that part terms.
fn name_term(folded: &str) -> String {
    hexadecimal('@', folded.as_bytes())
}

fn participant_term(client: &[u8]) -> String {
    hexadecimal('&', client)
}

fn hexadecimal(sign: char, bytes: &[u8]) -> String {
    let mut term = String::with_capacity(1 + 2 * bytes.len());
    term.push(sign);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(term, "{byte:02x}");
    }
    term
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::search::Search;
    use proptest::prelude::*;
    use rusqlite::Connection;

    fn terms(text: &str) -> String {
        let mut out = String::new();
        write_terms(text, &mut out);
        out
    }

    #[test]
    fn terms_of_texts() {
        let check = |text: &str, expected: &str| assert_eq!(terms(text).trim_end(), expected, "{text:?}");
        check("a to tea", "a to tea ^te");
        check("Team", "team ^te ~tea ~eam");
        check("7 42 2026", "7 42 ^4 2026 ^2 ^20 ~202 ~026");
        check("сад", "сад ^с ^са");
        check("内核", "内核 内 核");
        check("内", "内");
        check("🍵 crème", "🍵 creme ^cr ~cre ~rem ~eme");
        check("?!", "");
    }

    #[test]
    fn questions() {
        let check = |part: Option<Part>, expected: Option<&str>| {
            let part = part.expect("something to look for");
            assert_eq!(expression(&part).as_deref(), expected, "{part:?}");
        };
        check(Part::phrase("tea", false), Some("\"tea\""));
        check(Part::phrase("tea for tea", false), Some("(\"for\" AND \"tea\")"));
        check(Part::phrase("t", true), None);
        check(Part::phrase("a t", true), Some("\"a\""));
        check(Part::phrase("7", true), Some("(\"7\" OR \"^7\")"));
        check(Part::phrase("te", true), Some("(\"^te\" OR \"te\")"));
        check(Part::phrase("team", true), Some("(\"team\" OR (\"^te\" AND \"~eam\" AND \"~tea\"))"));
        check(Part::phrase("天气", false), Some("\"天气\""));
        check(Part::phrase("天", false), Some("\"天\""));
        check(Part::phrase("x天", false), Some("(\"x\" AND \"天\")"));
        check(Part::phrase("🍵", true), Some("\"🍵\""));
        check(Part::within("tea"), Some("(\"tea\" OR \"~tea\")"));
        check(Part::within("eam"), Some("(\"eam\" OR \"~eam\")"));
        check(Part::within("team"), Some("(\"~eam\" AND \"~tea\")"));
        let long = expression(&Part::within("abcdefghijklmnopqrstuvwxyz").expect("a part")).expect("a question");
        assert_eq!(long.matches(" AND ").count(), MOST_PIECES - 1, "{long}");
        assert!(long.contains("~abc") && long.contains("~xyz"), "{long}");
    }

    /// Said of the two clients of a direct conversation.
    const FACTS: &str = "#17 @616c696365 &00000000000000000000000000000001 &00000000000000000000000000000002 ";

    #[test]
    fn facts_are_terms_that_no_text_has() {
        let between = Some((1u128.to_be_bytes(), 2u128.to_be_bytes()));
        let facts = Facts { room: 17, name: "Alice".into(), account: Some("Alice".into()), between };
        let mut out = String::new();
        write_facts(&facts, &mut out);
        assert_eq!(out, FACTS);
        assert_eq!(terms("#17 @616c &ab ^te ~tea").matches(['#', '@', '&']).count(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// The index may name too much, and never too little.
        #[test]
        fn what_holds_a_part_is_named(
            texts in prop::collection::vec("[a-cé7]{0,5}|[a-b今天气]{0,6}|\\PC{0,20}|([ab]{1,4} ){0,4}|[a-z0-9]{60,70}", 8),
            phrases in prop::collection::vec(("[a-cé7]{1,4}|[a-b今天气]{1,3}|\\PC{1,4}|[ab]{1,3} [ab]{1,3}|[a-z]{1,2}", any::<bool>()), 8),
            from in 0..60usize,
            length in 1..66usize,
        ) {
            let index = Connection::open_in_memory().expect("a database");
            index.execute_batch(include_str!("schema.sql")).expect("the schema");
            for (number, text) in texts.iter().enumerate() {
                let terms = terms(text) + FACTS;
                index.execute("INSERT INTO said (rowid, terms) VALUES (?1, ?2)", (number as i64, terms)).expect("written");
            }
            let mut parts: Vec<Part> = phrases.iter().filter_map(|(text, open)| Part::phrase(text, *open)).collect();
            parts.extend(phrases.iter().filter_map(|(text, _)| Part::within(text)));
            // Parts that are there.
            for text in &texts {
                let stretch: String = text.chars().skip(from).take(length).collect();
                parts.extend(Part::within(&stretch));
                parts.extend(Part::phrase(&stretch, true));
            }
            for part in parts {
                let Some(expression) = expression(&part) else { continue };
                let search = Search { parts: vec![part.clone()], ..Search::default() };
                let mut asked = index.prepare("SELECT rowid FROM said WHERE said MATCH ?1").expect("prepared");
                let named: rusqlite::Result<Vec<i64>> =
                    asked.query_map([&expression], |row| row.get(0)).expect("asked").collect();
                let named = named.expect("named");
                for (number, text) in texts.iter().enumerate() {
                    prop_assert!(
                        !search.matches_text(text) || named.contains(&(number as i64)),
                        "{:?} holds {:?}, but {} names {:?}", text, part, expression, named
                    );
                }
            }
        }
    }
}
