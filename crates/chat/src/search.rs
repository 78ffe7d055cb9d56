//! Searching what was said: what a text's terms are, what a search asks for, and which messages it means. Whoever has an
//! index uses the same terms, and checks with [`Search::matches`] what the index names
//! (docs/decisions/0009-search-index.md).
//!
//! A *term* is a word without case and diacritics. Scripts without spaces between words have no words that could be told
//! without a dictionary; there every two neighbouring characters are a term, so that any part of a text is a phrase of terms
//! and is found by it.

use crate::history::{Grant, Kept, Past};
use crate::id::Timestamp;
use crate::message::{Message, MessageKind, MessageState};
use compact_str::CompactString;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization as _;

/// Bytes of a term. A longer word stands for its beginning.
pub const TERM_BYTES: usize = 64;

/// Terms of a search. More are refused before.
pub const MOST_TERMS: usize = 32;

/// Characters that a part within words must have: fewer are in nearly every word.
pub const LEAST_WITHIN: usize = 3;

/// Which messages are wanted; all conditions hold at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    pub parts: Vec<Part>,
    /// Sent under this name, or by this account; as [`fold_name`] makes it.
    pub from: Option<CompactString>,
    /// At or after.
    pub since: Option<Timestamp>,
    /// At or before.
    pub until: Option<Timestamp>,
    /// The first ones are wanted, not the last ones.
    pub oldest_first: bool,
}

/// What a text must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These terms, one behind the other; `open`: the last is the beginning of a term.
    Terms { terms: Vec<CompactString>, open: bool },
    /// A term that holds this somewhere.
    Within(CompactString),
}

impl Part {
    /// A word or a phrase as someone types it. `None`: there is nothing in it that could be found.
    pub fn phrase(text: &str, open: bool) -> Option<Part> {
        let folded = fold(text);
        let mut terms = Vec::new();
        let mut last = None;
        split(&folded, |piece| {
            piece.each_term(|term| terms.push(cut(term)));
            last = Some(piece);
        });
        match last? {
            // In a text it may go on behind what was typed.
            Piece::Run(run) => {
                let is_one = run.chars().nth(1).is_none();
                if !is_one {
                    terms.pop();
                }
                Some(Part::Terms { terms, open: is_one })
            }
            Piece::Word(_) => Some(Part::Terms { terms, open }),
            Piece::Symbol(_) => Some(Part::Terms { terms, open: false }),
        }
    }

    /// A part of a word.
    pub fn within(text: &str) -> Option<Part> {
        match Part::phrase(text, true)? {
            Part::Terms { terms, open: true } if terms.len() == 1 && may_be_within(&terms[0]) => {
                terms.into_iter().next().map(Part::Within)
            }
            phrase => Some(phrase),
        }
    }

    pub fn terms(&self) -> usize {
        match self {
            Part::Terms { terms, .. } => terms.len(),
            Part::Within(_) => 1,
        }
    }

    fn holds(&self, said: &[CompactString]) -> bool {
        match self {
            Part::Within(part) => said.iter().any(|term| term.contains(part.as_str())),
            Part::Terms { terms, open } => said.windows(terms.len()).any(|stretch| {
                let mut pairs = stretch.iter().zip(terms);
                let last = pairs.next_back();
                pairs.all(|(said, term)| said == term)
                    && last
                        .is_none_or(|(said, term)| if *open { said.starts_with(term.as_str()) } else { said == term })
            }),
        }
    }
}

fn may_be_within(term: &str) -> bool {
    term.chars().count() >= LEAST_WITHIN && !term.chars().any(is_unspaced)
}

impl Search {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.from.is_none() && self.since.is_none() && self.until.is_none()
    }

    /// Whether this is a message that is searched for, whoever may read it.
    pub fn matches(&self, message: &Message, state: MessageState) -> bool {
        is_searched(message.kind)
            && state != MessageState::Redacted
            && self.since.is_none_or(|since| message.timestamp >= since)
            && self.until.is_none_or(|until| message.timestamp <= until)
            && self.from.as_ref().is_none_or(|from| {
                let is = |name: &str| fold_name(name) == *from;
                is(&message.sender.name) || message.sender.account.as_deref().is_some_and(is)
            })
            && (self.parts.is_empty() || self.matches_text(&message.payload))
    }

    /// Whether a text holds all that is wanted of one.
    pub fn matches_text(&self, text: &str) -> bool {
        let mut said = Vec::new();
        each_term(text, |term| said.push(cut(term)));
        self.parts.iter().all(|part| part.holds(&said))
    }

    /// The same with whole words as parts of words: for when the words themselves are nowhere. `None`: it is the same.
    pub fn loosened(&self) -> Option<Search> {
        let mut loose = self.clone();
        for part in &mut loose.parts {
            if let Part::Terms { terms, open: false } = part
                && let [term] = terms.as_slice()
                && may_be_within(term)
            {
                *part = Part::Within(term.clone());
            }
        }
        (loose != *self).then_some(loose)
    }
}

impl Past {
    /// Up to `limit` messages that a search finds, the oldest first.
    pub fn search(&self, grants: &[Grant], search: &Search, limit: usize) -> Vec<Arc<Message>> {
        let wanted = self.kept().iter().filter(|kept| grants.iter().any(|grant| grant.covers(kept)));
        let mut found: Vec<Arc<Message>> = wanted
            .filter_map(|kept| match kept {
                Kept::Said { message, state } if search.matches(message, *state) => Some(message.clone()),
                _ => None,
            })
            .collect();
        if search.oldest_first {
            found.truncate(limit);
        } else {
            found.drain(..found.len().saturating_sub(limit));
        }
        match search.loosened() {
            Some(loose) if found.is_empty() => self.search(grants, &loose, limit),
            _ => found,
        }
    }
}

/// Whether messages of this kind have a text that is searched.
pub fn is_searched(kind: MessageKind) -> bool {
    matches!(kind, MessageKind::Text | MessageKind::Notice)
}

/// The terms of a text, in their order.
pub fn each_term(text: &str, mut each: impl FnMut(&str)) {
    let folded = fold(&unformatted(text));
    split(&folded, |piece| piece.each_term(|term| each(cut_str(term))));
}

/// A name as names are compared here: without case, and with compatible characters as one.
pub fn fold_name(name: &str) -> CompactString {
    if name.is_ascii() {
        return name.to_ascii_lowercase().into();
    }
    name.chars().flat_map(char::to_lowercase).nfkc().collect()
}

/// Without case, and without the diacritics of European scripts. The marks of others are part of their letters.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let bare = text.chars().flat_map(char::to_lowercase).nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    // Some signs are only taken for letters by the decomposition, and have a case then.
    bare.nfc().flat_map(char::to_lowercase).collect()
}

/// What a person sees of a text: without the wrapping of `/me`, and without the codes for colours and the like, which may
/// stand within a word (modern.ircdocs.horse/formatting).
fn unformatted(text: &str) -> std::borrow::Cow<'_, str> {
    let text = text.strip_prefix("\u{1}ACTION ").unwrap_or(text);
    let is_code = |c: char| c.is_ascii_control() && c != '\n' && c != '\t';
    if !text.contains(is_code) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_code) {
        let (before, code) = rest.split_at(at);
        plain.push_str(before);
        rest = &code[1..];
        rest = match code.as_bytes()[0] {
            0x03 => after_colours(rest, 2, u8::is_ascii_digit),
            0x04 => after_colours(rest, 6, u8::is_ascii_hexdigit),
            _ => rest,
        };
    }
    plain.push_str(rest);
    plain.into()
}

/// Behind one colour, or two with a comma between them.
fn after_colours(text: &str, digits: usize, is_digit: fn(&u8) -> bool) -> &str {
    let colour = |text: &str| text.bytes().take(digits).take_while(is_digit).count();
    let first = colour(text);
    let rest = &text[first..];
    match rest.strip_prefix(',').filter(|_| first > 0) {
        Some(second) if colour(second) > 0 => &second[colour(second)..],
        _ => rest,
    }
}

enum Piece<'a> {
    Word(&'a str),
    /// Of a script without spaces.
    Run(&'a str),
    /// A picture that people type.
    Symbol(&'a str),
}

impl Piece<'_> {
    /// The last character of a run is a term by itself: it begins no pair.
    fn each_term(&self, mut each: impl FnMut(&str)) {
        let run = match self {
            Piece::Word(text) | Piece::Symbol(text) => return each(text),
            Piece::Run(run) => run,
        };
        let mut starts = run.char_indices().map(|(at, _)| at);
        let mut first = starts.next();
        let mut second = starts.next();
        while let Some(from) = first {
            let third = starts.next();
            each(&run[from..third.unwrap_or(run.len())]);
            (first, second) = (second, third);
        }
    }
}

fn split<'a>(folded: &'a str, mut each: impl FnMut(Piece<'a>)) {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Class {
        Gap,
        Word,
        Run,
        Symbol,
    }
    let class = |c: char| match c {
        'a'..='z' | '0'..='9' => Class::Word,
        _ if c.is_ascii() => Class::Gap,
        _ if c.is_alphanumeric() => {
            if is_unspaced(c) {
                Class::Run
            } else {
                Class::Word
            }
        }
        '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => Class::Symbol,
        _ => Class::Gap,
    };
    let mut begun = (0, Class::Gap);
    let mut end = |begun: (usize, Class), to: usize| {
        let text = &folded[begun.0..to];
        match begun.1 {
            Class::Gap => {}
            Class::Word => each(Piece::Word(text)),
            Class::Run => each(Piece::Run(text)),
            Class::Symbol => each(Piece::Symbol(text)),
        }
    };
    for (at, c) in folded.char_indices() {
        let now = class(c);
        if now != begun.1 || now == Class::Symbol {
            end(begun, at);
            begun = (at, now);
        }
    }
    end(begun, folded.len());
}

/// Scripts whose words are not, or not always, parted by spaces.
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}'       // Thai, Lao
        | '\u{1000}'..='\u{109f}'   // Burmese
        | '\u{1780}'..='\u{17ff}'   // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{312f}'   // Kana, Bopomofo
        | '\u{31a0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'   // Han
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'   // Hangul: words with their particles
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

fn cut(term: &str) -> CompactString {
    cut_str(term).into()
}

fn cut_str(term: &str) -> &str {
    &term[..term.floor_char_boundary(TERM_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        each_term(text, |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn terms_of_texts() {
        let check = |text: &str, expected: &str| assert_eq!(terms(text).join(" "), expected, "{text:?}");
        check("Hello, World!", "hello world");
        check("don't foo_bar x-ray v1.2", "don t foo bar x ray v1 2");
        check("Crème Brûlée ÅNGSTRÖM", "creme brulee angstrom");
        check("ПРИВЕТ Ёлка", "привет елка");
        check("今天天气", "今天 天天 天气 气");
        check("内", "内");
        check("Linux内核 6", "linux 内核 核 6");
        check("ﾊﾝｶｸ ＦＵＬＬ", "ハン ンカ カク ク full");
        check("がぎ", "がぎ ぎ");
        check("한국어를", "한국 국어 어를 를");
        check("tea 🍵🍵 ok", "tea 🍵 🍵 ok");
        check("\u{1}ACTION waves\u{1}", "waves");
        check("\u{3}04,12red\u{3} he\u{2}llo\u{2} \u{3}5,x", "red hello x");
        check("two\nlines", "two lines");
        check("", "");
        check("?!", "");
        check(&"x".repeat(100), &"x".repeat(64));
        check("हिन्दी", "हिन दी");
    }

    fn holds(part: Option<Part>, text: &str) -> bool {
        let search = Search { parts: part.into_iter().collect(), ..Search::default() };
        assert!(!search.parts.is_empty());
        search.matches_text(text)
    }

    #[test]
    fn parts_of_texts() {
        let said = |part: Option<Part>, text: &str| assert!(holds(part.clone(), text), "{part:?} is in {text:?}");
        let not = |part: Option<Part>, text: &str| assert!(!holds(part.clone(), text), "{part:?} is not in {text:?}");
        said(Part::phrase("TEA", false), "a cup of tea");
        not(Part::phrase("tea", false), "a team");
        said(Part::phrase("tea", true), "a team");
        not(Part::phrase("tea", true), "steam");
        said(Part::within("tea"), "steam");
        said(Part::phrase("cup of", false), "a cup of tea");
        not(Part::phrase("of cup", false), "a cup of tea");
        said(Part::phrase("cup o", true), "a cup of tea");
        said(Part::phrase("don't", false), "I don't know");
        said(Part::phrase("creme", false), "crème");
        said(Part::phrase("CRÈME", false), "creme");
        // Any part of a text without spaces, of one character or more.
        for part in ["今", "气", "天天", "天天气", "今天天气很", "很好", "好"] {
            said(Part::phrase(part, false), "我说今天天气很好。");
        }
        not(Part::phrase("天今", false), "今天天气");
        said(Part::phrase("内核linux", false), "内核linux");
        said(Part::phrase("linux内", false), "linux内核");
        said(Part::phrase("すし", false), "おすしを食べる");
        said(Part::phrase("🍵", false), "more 🍵 please");
        // Too short to be looked for within words.
        not(Part::within("ea"), "tea");
        said(Part::within("te"), "tea");
        assert_eq!(Part::phrase("?!", false), None);
        assert_eq!(Part::within(""), None);
    }

    #[test]
    fn words_become_parts_of_words() {
        let search =
            |parts: [Option<Part>; 2]| Search { parts: parts.into_iter().flatten().collect(), ..Search::default() };
        let strict = search([Part::phrase("tea", false), Part::phrase("a cup", false)]);
        assert_eq!(strict.loosened(), Some(search([Part::within("tea"), Part::phrase("a cup", false)])));
        assert_eq!(search([Part::phrase("天气", false), Part::phrase("te", false)]).loosened(), None);
    }

    proptest! {
        #[test]
        fn what_is_said_is_found(text in "\\PC{0,40}", from in 0..40usize, length in 1..40usize) {
            let all: Vec<char> = text.chars().collect();
            let whole: String = all.iter().collect();
            if let Some(part) = Part::phrase(&whole, false) {
                prop_assert!(holds(Some(part), &text), "{text:?}");
            }
            // Any stretch of a script without spaces.
            let run: String = all.iter().skip(from).take(length).take_while(|c| is_unspaced(**c)).collect();
            if let Some(part) = Part::phrase(&run, false) && run.nfkd().eq(run.chars()) {
                prop_assert!(holds(Some(part), &text), "{run:?} in {text:?}");
            }
        }

        #[test]
        fn terms_hold_nothing_that_a_query_could_be_made_of(text in "\\PC{0,60}") {
            for term in terms(&text) {
                prop_assert!(!term.is_empty() && term.len() <= TERM_BYTES);
                prop_assert!(!term.contains(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()), "{term:?}");
                prop_assert!(!term.contains(char::is_whitespace), "{term:?}");
            }
        }
    }
}
