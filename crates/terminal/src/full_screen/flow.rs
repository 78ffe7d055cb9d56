//! Styled text broken into lines of a given width: between words, else between grapheme clusters, by the columns that a
//! terminal gives them.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Breaks one line (without line feeds). There is always at least one line, which may be empty.
pub fn broken(pieces: &[(String, Style)], width: usize) -> Vec<Vec<Span<'static>>> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut word = Line::default();
    for (text, style) in pieces {
        for cluster in text.graphemes(true) {
            let columns = cluster.width();
            if cluster == " " {
                line.take_word(&mut word, width, &mut lines);
                // A space at a break is the break.
                if line.columns < width {
                    line.push(cluster, *style, columns);
                }
            } else {
                if word.columns + columns > width {
                    // A word that fits on no line is broken where the line ends.
                    line.take_word(&mut word, width, &mut lines);
                    lines.push(std::mem::take(&mut line).spans);
                }
                word.push(cluster, *style, columns);
            }
        }
    }
    line.take_word(&mut word, width, &mut lines);
    lines.push(line.spans);
    lines
}

/// As much of a text as fits, with a sign that there was more.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut columns = 0;
    for cluster in text.graphemes(true) {
        if columns + cluster.width() + 1 > width {
            break;
        }
        columns += cluster.width();
        cut.push_str(cluster);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

#[derive(Default)]
struct Line {
    spans: Vec<Span<'static>>,
    columns: usize,
}

impl Line {
    fn push(&mut self, cluster: &str, style: Style, columns: usize) {
        self.columns += columns;
        if let Some(last) = self.spans.last_mut()
            && last.style == style
        {
            last.content.to_mut().push_str(cluster);
            return;
        }
        self.spans.push(Span::styled(cluster.to_owned(), style));
    }

    fn take_word(&mut self, word: &mut Line, width: usize, lines: &mut Vec<Vec<Span<'static>>>) {
        if self.columns + word.columns > width && self.columns > 0 {
            lines.push(std::mem::take(self).spans);
        }
        let word = std::mem::take(word);
        self.columns += word.columns;
        for span in word.spans {
            match self.spans.last_mut() {
                Some(last) if last.style == span.style => last.content.to_mut().push_str(&span.content),
                _ => self.spans.push(span),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str, width: usize) -> Vec<String> {
        let lines = broken(&[(text.to_owned(), Style::new())], width);
        lines.into_iter().map(|line| line.into_iter().map(|span| span.content.into_owned()).collect()).collect()
    }

    #[test]
    fn lines_are_broken_between_words_and_wide_letters_count_twice() {
        let check = |text: &str, width: usize, expected: &[&str]| {
            let lines: Vec<String> = texts(text, width).iter().map(|line| line.trim_end().to_owned()).collect();
            assert_eq!(lines, expected, "{text}");
        };
        check("", 5, &[""]);
        check("one two three", 7, &["one two", "three"]);
        check("abcdefghij", 4, &["abcd", "efgh", "ij"]);
        check("日本語日本語", 5, &["日本", "語日", "本語"]);
        check("a 👩‍👩‍👧 b", 4, &["a 👩‍👩‍👧", "b"]);
        check("  indented", 20, &["  indented"]);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello", 4), "hel…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("hello", 0), "");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[a-c日é ]{0,60}", width in 2usize..20) {
            let lines = texts(&text, width);
            for line in &lines {
                prop_assert!(line.width() <= width, "{:?}", lines);
            }
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
