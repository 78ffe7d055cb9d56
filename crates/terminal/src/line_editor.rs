//! The line being typed: text, cursor, history. Knows keys, but no terminal: what is to be seen is a string and a column.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::printable::is_printable;

/// Typed lines kept for the up key.
const LONGEST_HISTORY: usize = 500;
/// Bytes of one typed line; more keys are not taken.
const LONGEST_LINE: usize = 16 * 1024;

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOutcome {
    /// The line looks different now, or the cursor stands elsewhere.
    Edited,
    Nothing,
    /// Enter: the line, and the editor is empty again.
    Entered(String),
    /// Ctrl-D on an empty line.
    InputEnded,
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-L.
    ClearScreen,
    /// Tab: the name that begins with this should be completed.
    Complete(String),
}

#[derive(Debug, Default)]
pub struct LineEditor {
    text: String,
    /// A byte index, always between two graphemes.
    cursor: usize,
    history: Vec<String>,
    /// How far up in the history, and what was being typed before.
    recalled: Option<(usize, String)>,
}

impl LineEditor {
    pub fn key(&mut self, key: KeyEvent) -> KeyOutcome {
        if key.kind == KeyEventKind::Release {
            return KeyOutcome::Nothing;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Enter => return self.enter(),
            KeyCode::Char('c') if control => return KeyOutcome::Interrupted,
            KeyCode::Char('d') if control && self.text.is_empty() => return KeyOutcome::InputEnded,
            KeyCode::Char('l') if control => return KeyOutcome::ClearScreen,
            KeyCode::Tab => return KeyOutcome::Complete(self.word_before_cursor().to_owned()),
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('b') if control => self.cursor = self.before(),
            KeyCode::Char('f') if control => self.cursor = self.after(),
            KeyCode::Char('d') if control => drop(self.text.drain(self.cursor..self.after())),
            KeyCode::Char('h') if control => self.delete_from(self.before()),
            KeyCode::Char('k') if control => self.text.truncate(self.cursor),
            KeyCode::Char('u') if control => self.delete_from(0),
            KeyCode::Char('w') if control => self.delete_from(self.word_start()),
            KeyCode::Char('p') if control => self.recall_older(),
            KeyCode::Char('n') if control => self.recall_newer(),
            KeyCode::Char('b') if alt => self.cursor = self.word_start(),
            KeyCode::Char('f') if alt => self.cursor = self.word_end(),
            KeyCode::Char(c) if !control && !alt && is_printable(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if alt => self.delete_from(self.word_start()),
            KeyCode::Backspace => self.delete_from(self.before()),
            KeyCode::Delete => drop(self.text.drain(self.cursor..self.after())),
            KeyCode::Left if control => self.cursor = self.word_start(),
            KeyCode::Right if control => self.cursor = self.word_end(),
            KeyCode::Left => self.cursor = self.before(),
            KeyCode::Right => self.cursor = self.after(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Up => self.recall_older(),
            KeyCode::Down => self.recall_newer(),
            _ => return KeyOutcome::Nothing,
        }
        KeyOutcome::Edited
    }

    /// Puts the whole of `name` in place of the word before the cursor.
    pub fn complete(&mut self, name: &str) {
        let start = self.cursor - self.word_before_cursor().len();
        let mark = if start == 0 { ": " } else { " " };
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
        self.insert(name);
        self.insert(mark);
    }

    /// The part of the line that fits into `width` columns with the cursor in it, and the cursor's column in that part.
    pub fn view(&self, width: usize) -> (String, usize) {
        let width = width.max(2);
        let before: Vec<&str> = self.text[..self.cursor].graphemes(true).collect();
        // From the cursor back to the left, while there is room for it and for the cursor itself.
        let mut column = 0;
        let mut visible = Vec::new();
        for grapheme in before.iter().rev() {
            if column + grapheme.width() >= width {
                break;
            }
            column += grapheme.width();
            visible.push(*grapheme);
        }
        visible.reverse();
        let mut used = column;
        for grapheme in self.text[self.cursor..].graphemes(true) {
            if used + grapheme.width() > width {
                break;
            }
            used += grapheme.width();
            visible.push(grapheme);
        }
        (visible.concat(), column)
    }

    fn insert(&mut self, text: &str) {
        if self.text.len() + text.len() <= LONGEST_LINE {
            self.text.insert_str(self.cursor, text);
            self.cursor += text.len();
            // A combining character joins what stood there: the cursor goes behind the whole.
            self.cursor = self
                .text
                .grapheme_indices(true)
                .map(|(at, grapheme)| at + grapheme.len())
                .find(|end| *end >= self.cursor)
                .unwrap_or(self.text.len());
        }
    }

    fn enter(&mut self) -> KeyOutcome {
        let line = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.recalled = None;
        if !line.trim().is_empty() && self.history.last() != Some(&line) {
            if self.history.len() == LONGEST_HISTORY {
                self.history.remove(0);
            }
            self.history.push(line.clone());
        }
        KeyOutcome::Entered(line)
    }

    fn delete_from(&mut self, start: usize) {
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.cursor + self.text[self.cursor..].graphemes(true).next().map_or(0, str::len)
    }

    fn word_start(&self) -> usize {
        let trimmed = self.text[..self.cursor].trim_end();
        trimmed.rfind(char::is_whitespace).map_or(0, |at| at + trimmed[at..].chars().next().map_or(0, char::len_utf8))
    }

    fn word_end(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let word = rest.len() - rest.trim_start().len();
        self.cursor + rest[word..].find(char::is_whitespace).map_or(rest.len(), |at| word + at)
    }

    fn word_before_cursor(&self) -> &str {
        let before = &self.text[..self.cursor];
        before.rsplit(char::is_whitespace).next().unwrap_or(before)
    }

    fn recall_older(&mut self) {
        let index = self.recalled.as_ref().map_or(self.history.len(), |(index, _)| *index);
        let Some(older) = index.checked_sub(1) else {
            return;
        };
        let typed = self.recalled.take().map_or_else(|| std::mem::take(&mut self.text), |(_, typed)| typed);
        self.recalled = Some((older, typed));
        self.text.clone_from(&self.history[older]);
        self.cursor = self.text.len();
    }

    fn recall_newer(&mut self) {
        let Some((index, typed)) = self.recalled.take() else {
            return;
        };
        match self.history.get(index + 1) {
            Some(newer) => {
                self.text.clone_from(newer);
                self.recalled = Some((index + 1, typed));
            }
            None => self.text = typed,
        }
        self.cursor = self.text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Plain letters are typed; `<left>`, `<c-w>` and so on are keys. The result: the text with `|` at the cursor.
    fn typed(editor: &mut LineEditor, keys: &str) -> Vec<KeyOutcome> {
        let mut outcomes = Vec::new();
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let (code, modifiers) = match rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
                Some((name, _)) => {
                    let key = match name {
                        "left" => KeyCode::Left,
                        "right" => KeyCode::Right,
                        "up" => KeyCode::Up,
                        "down" => KeyCode::Down,
                        "home" => KeyCode::Home,
                        "end" => KeyCode::End,
                        "bs" => KeyCode::Backspace,
                        "del" => KeyCode::Delete,
                        "enter" => KeyCode::Enter,
                        "tab" => KeyCode::Tab,
                        control => KeyCode::Char(control.strip_prefix("c-").unwrap().chars().next().unwrap()),
                    };
                    rest = &rest[name.len() + 2..];
                    (key, if name.starts_with("c-") { KeyModifiers::CONTROL } else { KeyModifiers::NONE })
                }
                None => {
                    rest = &rest[first.len_utf8()..];
                    (KeyCode::Char(first), KeyModifiers::NONE)
                }
            };
            outcomes.push(editor.key(KeyEvent::new(code, modifiers)));
        }
        outcomes
    }

    fn check(keys: &str, expected: &str) {
        let mut editor = LineEditor::default();
        typed(&mut editor, keys);
        let (before, after) = editor.text.split_at(editor.cursor);
        assert_eq!(format!("{before}|{after}"), expected, "{keys}");
    }

    #[test]
    fn keys_edit_the_line() {
        check("helo<left>l", "hell|o");
        check("one two<c-w>", "one |");
        check("one two <c-w>", "one |");
        check("one two<home><del><del>x<end>!", "xe two!|");
        check("one<left><left><c-k>", "o|");
        check("one<left><c-u>", "|e");
        check("one<c-a>x<c-e>y", "xoney|");
        check("a<bs><bs>", "|");
        check("e\u{301}<bs>", "|");
        check("日本<left>x", "日x|本");
        check("👩‍👩‍👧<left>x", "x|👩‍👩‍👧");
        check("ab<left><c-d>", "a|");
    }

    #[test]
    fn history_goes_up_and_down_and_keeps_what_was_typed() {
        check("one<enter>two<enter>th<up>", "two|");
        check("one<enter>two<enter>th<up><up><up>", "one|");
        check("one<enter>two<enter>th<up><up><down>", "two|");
        check("one<enter>two<enter>th<up><down>", "th|");
        check("one<enter>one<enter> <enter><up><up>", "one|");
        check("<down>x", "x|");
    }

    #[test]
    fn some_keys_are_for_the_program() {
        let mut editor = LineEditor::default();
        assert_eq!(typed(&mut editor, "hi<enter>").pop(), Some(KeyOutcome::Entered("hi".to_owned())));
        assert_eq!(typed(&mut editor, "<c-d>"), [KeyOutcome::InputEnded]);
        assert_eq!(typed(&mut editor, "x<c-d>").pop(), Some(KeyOutcome::Edited), "not on a line with text");
        assert_eq!(typed(&mut editor, "<c-c>"), [KeyOutcome::Interrupted]);
        assert_eq!(typed(&mut editor, "<c-l>"), [KeyOutcome::ClearScreen]);
    }

    #[test]
    fn names_are_completed() {
        let mut editor = LineEditor::default();
        assert_eq!(typed(&mut editor, "al<tab>").pop(), Some(KeyOutcome::Complete("al".to_owned())));
        editor.complete("Alice");
        assert_eq!(editor.text, "Alice: ");
        assert_eq!(typed(&mut editor, "ask bo<tab>").pop(), Some(KeyOutcome::Complete("bo".to_owned())));
        editor.complete("bob");
        assert_eq!(editor.text, "Alice: ask bob ");
    }

    #[test]
    fn a_long_line_is_seen_around_the_cursor() {
        let view = |keys: &str, width: usize| {
            let mut editor = LineEditor::default();
            typed(&mut editor, keys);
            editor.view(width)
        };
        assert_eq!(view("abc", 10), ("abc".to_owned(), 3));
        assert_eq!(view("abcdefghij", 5), ("ghij".to_owned(), 4));
        assert_eq!(view("abcdefghij<home>", 5), ("abcde".to_owned(), 0));
        assert_eq!(view("日本語日本語", 6), ("本語".to_owned(), 4));
        assert_eq!(view("日本語<home><right>", 6), ("日本語".to_owned(), 2));
    }

    proptest! {
        #[test]
        fn any_keys_leave_a_sound_line(keys in proptest::collection::vec((0usize..14, any::<char>()), 0..80), width in 1usize..30) {
            let mut editor = LineEditor::default();
            for (choice, c) in keys {
                let code = [KeyCode::Left, KeyCode::Right, KeyCode::Up, KeyCode::Down, KeyCode::Backspace, KeyCode::Delete, KeyCode::Home, KeyCode::Enter].get(choice).copied().unwrap_or(KeyCode::Char(c));
                editor.key(KeyEvent::new(code, KeyModifiers::NONE));
                prop_assert!(editor.text.is_char_boundary(editor.cursor));
                let (seen, column) = editor.view(width);
                prop_assert!(seen.width() <= width.max(2) && column <= seen.width());
            }
        }
    }
}
