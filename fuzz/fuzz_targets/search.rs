//! Any text as what someone searches for, and as what was said: what is typed is bounded, a phrase is found in the text that
//! it was cut from, and no term holds anything that an index's query language could take for its own.

#![no_main]

use chat::search::{MOST_TERMS, Part, TERM_BYTES, each_term};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (typed, said) = input.split_once('\n').unwrap_or((input, input));
    let params: Vec<&str> = typed.split(' ').collect();
    for params in [&params[..], &[typed]] {
        if let Ok(asked) = session::search_words::parse(params) {
            assert!(asked.search.parts.iter().map(Part::terms).sum::<usize>() <= MOST_TERMS);
            assert!(asked.search.parts.iter().all(|part| part.terms() > 0));
            let _ = asked.search.matches_text(said);
            let _ = asked.search.loosened();
        }
    }
    each_term(said, |term| {
        assert!(!term.is_empty() && term.len() <= TERM_BYTES);
        assert!(!term.contains(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() || c.is_whitespace()), "{term:?}");
    });
    if !said.contains(|c: char| c.is_control())
        && let Some(part) = Part::phrase(said, false)
    {
        let search = chat::search::Search { parts: vec![part], ..Default::default() };
        assert!(search.matches_text(said), "{said:?} is not found in itself");
    }
});
