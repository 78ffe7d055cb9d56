//! Letters whose width terminals disagree about: flags, emoji that are put together from several, heaps of accents. A terminal
//! that makes one wider than we do leaves something of it behind in cells that we believe to be empty already, and so never
//! write. Rows with such letters are written whole, and once more when these are gone.

use ratatui::buffer::{Buffer, CellDiffOption};

/// Which rows have such letters on the terminal.
#[derive(Debug, Default)]
pub struct DisputedWidths {
    rows: Vec<bool>,
}

impl DisputedWidths {
    /// Before a picture is compared with the one that is on the terminal.
    pub fn write_whole(&mut self, picture: &mut Buffer) {
        let width = usize::from(picture.area.width).max(1);
        let before = std::mem::take(&mut self.rows);
        for (number, row) in picture.content.chunks_mut(width).enumerate() {
            // One code point takes four bytes at most.
            let is_disputed = row.iter().any(|cell| cell.symbol().len() > 4);
            if is_disputed || before.get(number) == Some(&true) {
                for cell in row {
                    cell.set_diff_option(CellDiffOption::AlwaysUpdate);
                }
            }
            self.rows.push(is_disputed);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn what_a_flag_may_have_left_behind_is_written_over() {
        let picture = |text: &str| {
            let mut picture = Buffer::empty(Rect::new(0, 0, 10, 2));
            picture.set_string(0, 0, text, Style::new());
            picture.set_string(0, 1, "second", Style::new());
            picture
        };
        let mut disputed = DisputedWidths::default();
        let mut on_terminal = picture("");
        let mut draw = |text: &str| {
            let mut next = picture(text);
            disputed.write_whole(&mut next);
            let written: Vec<(u16, u16)> = on_terminal.diff(&next).into_iter().map(|(x, y, _)| (x, y)).collect();
            on_terminal = next;
            written
        };
        // The second half of the flag is not written; what stands behind it is.
        let behind: Vec<(u16, u16)> = (2..10).map(|x| (x, 0)).collect();
        assert_eq!(draw("🇩🇪"), [&[(0, 0)], &behind[..]].concat());
        assert_eq!(draw(""), [&[(0, 0), (1, 0)], &behind[..]].concat());
        // Then it is over.
        draw("日本");
        assert_eq!(draw("日本"), []);
    }
}
