//! Text that is written from right to left, brought into the order in which it is seen (Unicode's bidirectional algorithm,
//! UAX 9). Terminals are told to leave what is drawn where it is, for a terminal that turned whole lines would take the times
//! and names beside a text along with it.

use ratatui::text::Span;
use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};
use unicode_segmentation::UnicodeSegmentation as _;

/// "Explicit mode" (ECMA-48 BDSM, "BiDi in Terminal Emulators"): the program orders. Terminals that know no directions
/// ignore it.
pub const PROGRAM_ORDERS: &[u8] = b"\x1b[8l";
pub const TERMINAL_ORDERS: &[u8] = b"\x1b[8h";

/// Brackets that open to the other side in text from the right.
const MIRRORED: &[(&str, &str)] = &[("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("«", "»"), ("‹", "›")];

/// Whether something of it is read from right to left.
fn is_turned(text: &str) -> bool {
    // Nothing below it is (Unicode block Hebrew).
    text.chars().any(|c| c >= '\u{590}' && matches!(bidi_class(c), BidiClass::R | BidiClass::AL | BidiClass::AN))
}

/// The direction that a paragraph has as a whole: that of its first letter which has one.
pub fn level_of<'t>(texts: impl Iterator<Item = &'t str>) -> Level {
    for c in texts.flat_map(str::chars) {
        match bidi_class(c) {
            BidiClass::L => return Level::ltr(),
            BidiClass::R | BidiClass::AL => return Level::rtl(),
            _ => {}
        }
    }
    Level::ltr()
}

/// One line of the screen in the order in which it is seen.
pub fn ordered(line: Vec<Span<'static>>, level: Level) -> Vec<Span<'static>> {
    let text: String = line.iter().map(|span| span.content.as_ref()).collect();
    if !is_turned(&text) {
        return line;
    }
    let info = BidiInfo::new(&text, Some(level));
    let Some(paragraph) = info.paragraphs.first() else { return line };
    let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
    let style_at = |at: usize| {
        let mut end = 0;
        let span = line.iter().find(|span| {
            end += span.content.len();
            at < end
        });
        span.map(|span| span.style).unwrap_or_default()
    };
    let mut seen: Vec<Span<'static>> = Vec::new();
    let mut put = |cluster: &str, at: usize| {
        let style = style_at(at);
        match seen.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(cluster),
            _ => seen.push(Span::styled(cluster.to_owned(), style)),
        }
    };
    for run in runs {
        let clusters = text[run.clone()].grapheme_indices(true);
        if levels[run.start].is_rtl() {
            for (at, cluster) in clusters.rev() {
                put(mirrored(cluster), run.start + at);
            }
        } else {
            clusters.for_each(|(at, cluster)| put(cluster, run.start + at));
        }
    }
    seen
}

/// A text of one style.
pub fn seen(text: &str) -> String {
    if !is_turned(text) {
        return text.to_owned();
    }
    let line = ordered(vec![Span::raw(text.to_owned())], level_of(std::iter::once(text)));
    line.iter().map(|span| span.content.as_ref()).collect()
}

fn mirrored(cluster: &str) -> &str {
    let pair = MIRRORED.iter().find(|(open, close)| cluster == *open || cluster == *close);
    pair.map_or(cluster, |(open, close)| if cluster == *open { close } else { open })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::{Modifier, Style};

    #[test]
    fn text_from_the_right_stands_as_it_is_read() {
        for (text, expected) in [
            ("plain (text)", "plain (text)"),
            ("אבג", "גבא"),
            ("see אבג now", "see גבא now"),
            ("אבג 123 (דה)", "(הד) 123 גבא"),
            ("אבג abc", "abc גבא"),
            // A mark stays on its letter.
            ("שָׁלוֹם", "םוֹלשָׁ"),
        ] {
            assert_eq!(seen(text), expected, "{text}");
        }
    }

    #[test]
    fn styles_go_along() {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let line = ordered(vec![Span::raw("אב"), Span::styled("גד", bold)], Level::rtl());
        assert_eq!(line, [Span::styled("דג", bold), Span::raw("בא")]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_grows_wider(text in "[a-cאבגد1() ]{0,30}") {
            use unicode_width::UnicodeWidthStr as _;
            let turned = seen(&text);
            prop_assert_eq!(turned.width(), text.width());
            let mut letters: Vec<char> = text.chars().filter(|c| !"()".contains(*c)).collect();
            let mut kept: Vec<char> = turned.chars().filter(|c| !"()".contains(*c)).collect();
            letters.sort_unstable();
            kept.sort_unstable();
            prop_assert_eq!(kept, letters);
        }
    }
}
