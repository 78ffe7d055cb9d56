//! Where one types: several lines with undo, what was typed before, and completion of people, rooms, commands and emoji.

use ratatui_textarea::{CursorMove, Input, Key, TextArea, WrapMode};

use super::emoji::EMOJI;

/// Texts that can be called back.
const MOST_REMEMBERED: usize = 200;
/// Lines of the screen that it takes at most.
pub const MOST_ROWS: u16 = 8;

/// The message that the text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// It answers that one.
    Answer { message_id: String, brief: String },
    /// It takes its place.
    Edit { message_id: String },
}

#[derive(Debug)]
pub struct Composer {
    area: TextArea<'static>,
    pub purpose: Option<Purpose>,
    remembered: Vec<String>,
    /// Which of the remembered texts is shown, and what was being typed meanwhile.
    recalled: Option<(usize, String)>,
    /// What was being written before a command came in between.
    aside: Option<(String, Option<Purpose>)>,
    completion: Option<Completion>,
}

#[derive(Debug)]
struct Completion {
    candidates: Vec<String>,
    at: usize,
    /// Characters that the present candidate takes before the cursor.
    length: usize,
}

impl Default for Composer {
    fn default() -> Composer {
        Composer {
            area: area(""),
            purpose: None,
            remembered: Vec::new(),
            recalled: None,
            aside: None,
            completion: None,
        }
    }
}

fn area(text: &str) -> TextArea<'static> {
    let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
    area.set_cursor_line_style(ratatui::style::Style::new());
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_placeholder_text("Write here; F1 shows the keys");
    area.set_placeholder_style(ratatui::style::Style::new().add_modifier(ratatui::style::Modifier::DIM));
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    area
}

impl Composer {
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    pub fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// Rows that the text takes in this width.
    pub fn rows(&self, width: u16) -> u16 {
        let width = usize::from(width.max(1));
        let rows: usize = self
            .area
            .lines()
            .iter()
            .map(|line| super::flow::broken(&[(line.clone(), ratatui::style::Style::new())], width).len())
            .sum();
        u16::try_from(rows).unwrap_or(MOST_ROWS).clamp(1, MOST_ROWS)
    }

    pub fn set_text(&mut self, text: &str) {
        self.area = area(text);
        self.completion = None;
        self.recalled = None;
    }

    /// The text is on its way; it can be called back.
    pub fn take(&mut self) -> String {
        let text = self.text();
        if !text.trim().is_empty() && self.remembered.last() != Some(&text) {
            self.remembered.push(text.clone());
            if self.remembered.len() > MOST_REMEMBERED {
                self.remembered.remove(0);
            }
        }
        self.set_text("");
        self.purpose = None;
        self.resume();
        text
    }

    /// A command is typed for once; what was being written comes back behind it.
    pub fn interrupt(&mut self, command: &str) {
        if self.aside.is_none() && (!self.is_empty() || self.purpose.is_some()) {
            self.aside = Some((self.text(), self.purpose.take()));
        }
        self.set_text(command);
    }

    /// `false`: nothing was interrupted.
    pub fn resume(&mut self) -> bool {
        let Some((text, purpose)) = self.aside.take() else { return false };
        self.set_text(&text);
        self.purpose = purpose;
        true
    }

    pub fn input(&mut self, input: Input) {
        self.completion = None;
        // As in a shell, and in other clients; the text area would undo.
        if matches!(input, Input { key: Key::Char('u'), ctrl: true, alt: false, .. }) {
            self.area.delete_line_by_head();
        } else {
            self.area.input(input);
        }
    }

    pub fn undo(&mut self) {
        self.completion = None;
        self.area.undo();
    }

    pub fn redo(&mut self) {
        self.completion = None;
        self.area.redo();
    }

    pub fn new_line(&mut self) {
        self.completion = None;
        self.area.insert_newline();
    }

    pub fn insert(&mut self, text: &str) {
        self.completion = None;
        // Whatever the terminal pastes: control characters are no text.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text: String = text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
        self.area.insert_str(text.replace('\t', "    "));
    }

    pub fn is_on_first_line(&self) -> bool {
        self.area.cursor().0 == 0
    }

    pub fn is_on_last_line(&self) -> bool {
        self.area.cursor().0 + 1 >= self.area.lines().len()
    }

    /// The text typed before the one that is shown.
    pub fn recall_older(&mut self) {
        let (at, typed) = match self.recalled.take() {
            Some((at, typed)) => (at.saturating_sub(1), typed),
            None => (self.remembered.len().saturating_sub(1), self.text()),
        };
        if let Some(text) = self.remembered.get(at).cloned() {
            self.set_text(&text);
            self.recalled = Some((at, typed));
        }
    }

    pub fn recall_newer(&mut self) {
        let Some((at, typed)) = self.recalled.take() else { return };
        match self.remembered.get(at + 1).cloned() {
            Some(text) => {
                self.set_text(&text);
                self.recalled = Some((at + 1, typed));
            }
            None => self.set_text(&typed),
        }
    }

    /// Completes the word before the cursor, with the next candidate each time.
    pub fn complete(&mut self, commands: &[&str], people: &[String], rooms: &[String], backwards: bool) {
        if let Some(completion) = &mut self.completion {
            let count = completion.candidates.len();
            completion.at = (completion.at + if backwards { count - 1 } else { 1 }) % count;
            let (length, word) = (completion.length, completion.candidates[completion.at].clone());
            completion.length = word.chars().count();
            self.replace(length, &word);
            return;
        }
        let cursor = self.area.cursor();
        let line: String = self.area.lines()[cursor.0].chars().take(cursor.1).collect();
        let word = line.rsplit(char::is_whitespace).next().unwrap_or_default().to_owned();
        let begins = cursor.0 == 0 && word.len() == line.len();
        let candidates = candidates(&word, begins, commands, people, rooms);
        let Some(first) = candidates.first().cloned() else { return };
        self.replace(word.chars().count(), &first);
        if candidates.len() > 1 {
            self.completion = Some(Completion { candidates, at: 0, length: first.chars().count() });
        }
    }

    fn replace(&mut self, length: usize, word: &str) {
        for _ in 0..length {
            self.area.delete_char();
        }
        self.area.insert_str(word);
    }
}

fn candidates(word: &str, begins: bool, commands: &[&str], people: &[String], rooms: &[String]) -> Vec<String> {
    let lower = word.to_lowercase();
    if word.is_empty() {
        return Vec::new();
    }
    if begins && let Some(command) = lower.strip_prefix('/') {
        let commands = commands.iter().filter(|name| name.starts_with(command));
        return commands.map(|name| format!("/{name} ")).collect();
    }
    if word.starts_with('#') {
        let found = rooms.iter().filter(|room| room.to_lowercase().starts_with(&lower));
        return found.map(|room| format!("{room} ")).collect();
    }
    if let Some(name) = lower.strip_prefix(':').filter(|name| !name.is_empty()) {
        let found = EMOJI.iter().filter(|(known, _)| known.starts_with(name.trim_end_matches(':')));
        return found.map(|(_, emoji)| format!("{emoji} ")).collect();
    }
    let (at, name) = lower.strip_prefix('@').map_or(("", lower.as_str()), |name| ("@", name));
    let behind = if begins && at.is_empty() { ": " } else { " " };
    let found = people.iter().filter(|person| person.to_lowercase().starts_with(name));
    found.map(|person| format!("{at}{person}{behind}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Composer {
        let mut composer = Composer::default();
        composer.insert(text);
        composer
    }

    #[test]
    fn words_are_completed_in_turn() {
        let people = ["alice".to_owned(), "alan".to_owned(), "Bob".to_owned()];
        let rooms = ["#tea".to_owned(), "#coffee".to_owned()];
        let check = |text: &str, times: usize, expected: &str| {
            let mut composer = typed(text);
            for _ in 0..times {
                composer.complete(&["join", "kick"], &people, &rooms, false);
            }
            assert_eq!(composer.text(), expected, "{text} {times}");
        };
        check("al", 1, "alice: ");
        check("al", 2, "alan: ");
        check("al", 3, "alice: ");
        check("hi b", 1, "hi Bob ");
        check("@bo", 1, "@Bob ");
        check("/jo", 1, "/join ");
        check("in #c", 1, "in #coffee ");
        check("nice :tad", 1, "nice 🎉 ");
        check("x", 1, "x");
        check("", 1, "");
    }

    #[test]
    fn what_was_typed_is_called_back_and_what_was_being_typed_too() {
        let mut composer = typed("one");
        composer.take();
        composer.insert("two\nlines");
        composer.take();
        composer.insert("three");
        composer.recall_older();
        assert_eq!(composer.text(), "two\nlines");
        composer.recall_older();
        composer.recall_older();
        assert_eq!(composer.text(), "one");
        composer.recall_newer();
        composer.recall_newer();
        assert_eq!(composer.text(), "three");
    }

    #[test]
    fn what_a_command_interrupts_comes_back() {
        let mut composer = typed("half a sent");
        composer.purpose = Some(Purpose::Edit { message_id: "7".to_owned() });
        composer.interrupt("/search ");
        assert_eq!((composer.text().as_str(), &composer.purpose), ("/search ", &None));
        composer.insert("tea");
        composer.interrupt("/search ");
        assert_eq!(composer.take(), "/search ");
        assert_eq!(composer.text(), "half a sent");
        assert_eq!(composer.purpose, Some(Purpose::Edit { message_id: "7".to_owned() }));
        assert!(!composer.resume());
    }

    #[test]
    fn pasted_control_characters_are_no_text() {
        assert_eq!(typed("a\u{1b}[2J\r\nb\u{7}\tc").text(), "a[2J\nb    c");
    }
}
