//! Long lines on a narrow terminal: broken between words, and the rest set in below what was said rather than the time.

use unicode_width::UnicodeWidthStr as _;

/// Where the rest of a line begins: below what follows `12:34 `.
const INDENT: usize = 6;
/// A terminal narrower than this has no columns to give away.
const LEAST_COLUMNS: usize = 24;

/// The line in parts that each fit `columns`. A word that fits on no line of its own is left to the terminal.
pub fn wrapped(line: &str, columns: usize) -> Vec<String> {
    if columns < LEAST_COLUMNS || visible_width(line) <= columns {
        return vec![line.to_owned()];
    }
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut width = 0;
    for (number, word) in line.split(' ').enumerate() {
        let word_width = visible_width(word);
        let is_first = number == 0;
        let begins_anew = !is_first && width + 1 + word_width > columns && width > INDENT;
        if begins_anew {
            parts.push(std::mem::replace(&mut part, " ".repeat(INDENT)));
            width = INDENT;
        } else if !is_first {
            part.push(' ');
            width += 1;
        }
        part.push_str(word);
        width += word_width;
        if width > columns {
            // The terminal goes on in the first column of its next line.
            width %= columns;
        }
    }
    parts.push(part);
    parts
}

/// Columns that a text takes; our own colours (`ESC [ … m`) take none.
fn visible_width(text: &str) -> usize {
    let mut pieces = text.split('\x1b');
    let first = pieces.next().unwrap_or_default().width();
    first + pieces.map(|piece| piece.split_once('m').map_or(0, |(_, rest)| rest.width())).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let check = |line: &str, columns: usize, expected: &[&str]| {
            assert_eq!(wrapped(line, columns), expected, "{line} in {columns}");
        };
        check("12:34 bob: hello", 40, &["12:34 bob: hello"]);
        check("12:34 bob: hello, how are you today?", 30, &["12:34 bob: hello, how are you", "      today?"]);
        check("12:34 bob: one two three four five six", 24, &["12:34 bob: one two three", "      four five six"]);
        // A width of exactly the terminal's fits.
        check("12:34 bob: abcdefghijkl!", 24, &["12:34 bob: abcdefghijkl!"]);
        // Two columns each.
        check("12:34 bob: 日本語 日本語 日本語", 24, &["12:34 bob: 日本語 日本語", "      日本語"]);
        // Colours take no columns.
        check(
            "\x1b[2m12:34\x1b[0m \x1b[31mbob\x1b[0m: hello there",
            24,
            &["\x1b[2m12:34\x1b[0m \x1b[31mbob\x1b[0m: hello there"],
        );
        // Too narrow to give columns away.
        check("12:34 bob: one two three four", 20, &["12:34 bob: one two three four"]);
    }

    #[test]
    fn a_word_longer_than_the_line_is_left_whole() {
        let link = "https://chat.example/a/very/long/path/that/goes/on";
        let line = format!("12:34 bob: see {link} for more");
        // 56 columns are 26 of the second line: one word more fits there.
        let with_link = format!("      {link} for");
        assert_eq!(wrapped(&line, 30), ["12:34 bob: see", &with_link, "      more"]);
        // Together again it is what was said.
        let joined: String = wrapped(&line, 30).iter().map(|part| format!("{} ", part.trim_start())).collect();
        assert_eq!(joined.trim_end(), line);
    }
}
