//! What a person types to search: words, "phrases", beginnings*, *parts*, and from: in: before: after: limit: with a value.
//! And the attributes of the `search` extension, which say the same (`text=…;in=…`); their text is read like typed words,
//! so that a client need not know more than its person. Where both say something, what the person wrote counts.

use crate::time_text::{parse_time, time_of_day};
use chat::id::Timestamp;
use chat::search::{MOST_TERMS, Part, Search, fold_name};
use compact_str::CompactString;

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub search: Search,
    /// The room or the person.
    pub within: Option<CompactString>,
    pub limit: Option<u32>,
}

/// What is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The attribute, or `*`.
    pub which: CompactString,
    pub why: &'static str,
}

/// Reads the parameters of SEARCH.
///
/// # Errors
/// When an attribute or a value is not understood, or nothing is asked for.
pub fn parse(params: &[&str]) -> Result<Asked, Wrong> {
    let mut asked = Asked::default();
    match params {
        [one] if has_attributes(one) => attributes(one, &mut asked)?,
        _ => words(&params.join(" "), &mut asked)?,
    }
    if asked.search.is_empty() && asked.within.is_none() && asked.limit.is_none() {
        return Err(wrong("*", "There is nothing in it that could be searched for"));
    }
    if asked.search.parts.iter().map(Part::terms).sum::<usize>() > MOST_TERMS {
        return Err(wrong("text", "These are too many words"));
    }
    Ok(asked)
}

fn wrong(which: &str, why: &'static str) -> Wrong {
    Wrong { which: which.into(), why }
}

/// `key=value` in front, as the specification has it. A person's words rarely look so; then a space or quotation marks help.
fn has_attributes(text: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    first.split_once('=').is_some_and(|(key, _)| {
        ATTRIBUTES.contains(&key) || (wire::tags::is_valid_key(key) && !text.contains(char::is_whitespace))
    })
}

const ATTRIBUTES: [&str; 6] = ["after", "before", "from", "in", "limit", "text"];

fn attributes(text: &str, asked: &mut Asked) -> Result<(), Wrong> {
    let mut typed = None;
    for attribute in text.split(';').filter(|attribute| !attribute.is_empty()) {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = wire::tags::unescape(value);
        match key {
            "text" => typed = Some(value),
            // "messages SHOULD be searched from that time".
            "after" => {
                condition(asked, "after", &value)?;
                asked.search.oldest_first = true;
            }
            known if ATTRIBUTES.contains(&known) => condition(asked, known, &value)?,
            unknown => {
                let shown = crate::targets::shown(unknown);
                return Err(wrong(if shown.is_empty() { "*" } else { shown }, "There is no such attribute"));
            }
        }
    }
    typed.map_or(Ok(()), |typed| words(&typed, asked))
}

fn words(text: &str, asked: &mut Asked) -> Result<(), Wrong> {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (phrase, behind) = match rest.strip_prefix(is_quotation_mark) {
            Some(quoted) => {
                let (phrase, behind) = match quoted.find(is_quotation_mark) {
                    Some(end) => (&quoted[..end], quoted[end..].trim_start_matches(is_quotation_mark)),
                    None => (quoted, ""),
                };
                let (open, behind) = match behind.strip_prefix('*') {
                    Some(behind) => (true, behind),
                    None => (false, behind),
                };
                (Part::phrase(phrase, open), behind)
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                (self::word(word, asked)?, behind)
            }
        };
        asked.search.parts.extend(phrase);
        rest = behind.trim_start();
    }
    Ok(())
}

/// Phones put round ones.
fn is_quotation_mark(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

fn word(word: &str, asked: &mut Asked) -> Result<Option<Part>, Wrong> {
    if let Some((key, value)) = word.split_once(':')
        && !value.is_empty()
        && let Some(key) = ATTRIBUTES.into_iter().find(|known| *known != "text" && known.eq_ignore_ascii_case(key))
    {
        condition(asked, key, value)?;
        return Ok(None);
    }
    let (bare, open) = match word.strip_suffix('*') {
        Some(bare) => (bare, true),
        None => (word, false),
    };
    Ok(match bare.strip_prefix('*') {
        Some(bare) => Part::within(bare.trim_matches('*')),
        None => Part::phrase(bare.trim_end_matches('*'), open),
    })
}

fn condition(asked: &mut Asked, key: &str, value: &str) -> Result<(), Wrong> {
    if value.is_empty() {
        return Err(wrong(key, "It has no value"));
    }
    match key {
        "from" => asked.search.from = Some(fold_name(value)),
        "in" => asked.within = Some(value.into()),
        "limit" => {
            asked.limit = Some(value.parse().map_err(|_| wrong(key, "It is no number"))?);
        }
        "after" => asked.search.since = Some(time(value).ok_or(wrong(key, NO_TIME))?.0),
        _ => {
            let (time, is_day) = time(value).ok_or(wrong(key, NO_TIME))?;
            // Before a day is before its beginning.
            asked.search.until = Some(Timestamp(if is_day { time.0.saturating_sub(1) } else { time.0 }));
        }
    }
    Ok(())
}

const NO_TIME: &str = "It is no time; write it as 2026-11-27 or 2026-11-27T08:30:00Z";

/// And whether it is the beginning of a day that was named.
fn time(text: &str) -> Option<(Timestamp, bool)> {
    match parse_time(text) {
        Some(time) => Some((time, false)),
        None => time_of_day(text).map(|time| (time, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn phrase(text: &str) -> Part {
        Part::phrase(text, false).unwrap()
    }

    fn open(text: &str) -> Part {
        Part::phrase(text, true).unwrap()
    }

    #[track_caller]
    fn check(params: &[&str], parts: &[Part], rest: impl FnOnce(&mut Asked)) {
        let mut expected = Asked { search: Search { parts: parts.to_vec(), ..Search::default() }, ..Asked::default() };
        rest(&mut expected);
        assert_eq!(parse(params), Ok(expected), "{params:?}");
    }

    const DAY: Timestamp = Timestamp(1_700_006_400_000);

    #[test]
    fn typed_words() {
        let none = |_: &mut Asked| {};
        check(&["tea"], &[phrase("tea")], none);
        check(&["green", "tea"], &[phrase("green"), phrase("tea")], none);
        check(&["green tea"], &[phrase("green"), phrase("tea")], none);
        check(&["\"green", "tea\"", "now"], &[phrase("green tea"), phrase("now")], none);
        check(&["“green tea”"], &[phrase("green tea")], none);
        check(&["\"green tea"], &[phrase("green tea")], none);
        check(&["\"green te\"*"], &[open("green te")], none);
        check(&["te*"], &[open("te")], none);
        check(&["*eam*"], &[Part::Within("eam".into())], none);
        check(&["*eam"], &[Part::Within("eam".into())], none);
        check(&["*天气*"], &[phrase("天气")], none);
        check(&["don't"], &[phrase("don t")], none);
        check(&["in:"], &[phrase("in")], none);
        check(&["C++", "AND", "-x", "NEAR(a", "b)"], &["c", "and", "x", "near a", "b"].map(phrase), none);
        check(&["\"from:alice\""], &[phrase("from alice")], none);
        check(&["https://example.com/a=b"], &[phrase("https example com a b")], none);
        check(&["tea", "from:Alice", "IN:#Tea", "limit:5"], &[phrase("tea")], |asked| {
            asked.search.from = Some("alice".into());
            asked.within = Some("#Tea".into());
            asked.limit = Some(5);
        });
        check(&["before:2023-11-15"], &[], |asked| asked.search.until = Some(Timestamp(DAY.0 - 1)));
        check(&["after:2023-11-15"], &[], |asked| asked.search.since = Some(DAY));
        check(&["before:2023-11-15T00:00:00Z"], &[], |asked| asked.search.until = Some(DAY));
        check(&["a = b"], &[phrase("a"), phrase("b")], none);
    }

    #[test]
    fn attributes_of_the_specification() {
        let none = |_: &mut Asked| {};
        check(&["text=tea"], &[phrase("tea")], none);
        check(&["text=green\\stea"], &[phrase("green"), phrase("tea")], none);
        check(&["text=green tea"], &[phrase("green"), phrase("tea")], none);
        check(&["text=a\\:b"], &[phrase("a b")], none);
        check(&["from=jackie;in=#chan"], &[], |asked| {
            asked.search.from = Some("jackie".into());
            asked.within = Some("#chan".into());
        });
        check(&["text=fast;in=#chan;limit=2;"], &[phrase("fast")], |asked| {
            asked.within = Some("#chan".into());
            asked.limit = Some(2);
        });
        check(&["after=2023-11-15T00:00:00.000Z"], &[], |asked| {
            asked.search.since = Some(DAY);
            asked.search.oldest_first = true;
        });
        check(&["in=#chan;text=tea\\sin:#other"], &[phrase("tea")], |asked| asked.within = Some("#other".into()));
    }

    #[test]
    fn what_is_not_understood() {
        for (params, which) in [
            (&["txt=tea"][..], "txt"),
            (&["text=tea;n=3"], "n"),
            (&["text=tea;=3"], "*"),
            (&["limit=many"], "limit"),
            (&["text=tea;limit=-1"], "limit"),
            (&["before=yesterday"], "before"),
            (&["after=2023-02-30"], "after"),
            (&["from="], "from"),
            (&["before:tomorrow"], "before"),
            (&["?!"], "*"),
            (&["text="], "*"),
            (&[""], "*"),
            (&["a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6"], "text"),
        ] {
            assert_eq!(parse(params).map_err(|wrong| wrong.which.to_string()), Err(which.to_owned()), "{params:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_never_asks_for_too_much(params in prop::collection::vec("[ -~“今a:=;\\\\*\"]{0,30}", 0..5)) {
            let params: Vec<&str> = params.iter().map(String::as_str).collect();
            if let Ok(asked) = parse(&params) {
                prop_assert!(asked.search.parts.iter().map(Part::terms).sum::<usize>() <= MOST_TERMS);
                prop_assert!(asked.search.parts.iter().all(|part| part.terms() > 0));
            }
        }

        #[test]
        fn quoted_text_is_one_phrase(text in "[a-z:=;* ]{1,30}") {
            let quoted = format!("\"{text}\"");
            if let Ok(asked) = parse(&[&quoted]) {
                prop_assert_eq!(asked.search.parts, Part::phrase(&text, false).into_iter().collect::<Vec<_>>());
            }
        }
    }
}
