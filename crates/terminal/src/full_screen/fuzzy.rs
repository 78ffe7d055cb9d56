//! Finding a name by some of its letters in their order.

/// How well a name answers to what was typed; `None`: not at all. Letters at the beginning of a word and letters that
/// follow each other count for more.
pub fn score(typed: &str, name: &str) -> Option<i64> {
    let mut score = 0;
    let letters: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let mut at = 0;
    let mut last: Option<usize> = None;
    for wanted in typed.chars().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()) {
        let found = at + letters[at..].iter().position(|letter| *letter == wanted)?;
        let begins_word = found == 0 || !letters[found - 1].is_alphanumeric();
        score += 10;
        score += if last.is_some_and(|last| last + 1 == found) { 15 } else { 0 };
        score += if begins_word { 12 } else { 0 };
        last = Some(found);
        at = found + 1;
    }
    // Of two that answer equally well the shorter one was meant.
    Some(score - i64::try_from(letters.len()).unwrap_or(i64::MAX / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_answer_scores_higher() {
        let best = |typed: &str, names: &[&'static str]| {
            names.iter().filter_map(|name| Some((score(typed, name)?, *name))).max().map(|(_, name)| name)
        };
        assert_eq!(best("tea", &["#theatre", "#tea", "#green-tea"]), Some("#tea"));
        assert_eq!(best("gt", &["#great", "#green-tea"]), Some("#green-tea"));
        assert_eq!(best("bob", &["#tea", "alice"]), None);
        assert_eq!(best("ÄT", &["#äther"]), Some("#äther"));
        assert!(score("", "#tea").is_some());
    }
}
