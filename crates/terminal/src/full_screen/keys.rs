//! The one key sheet: F1 shows it, and docs/terminal.md has it.

pub struct Keys {
    pub keys: &'static str,
    pub about: &'static str,
}

const fn keys(keys: &'static str, about: &'static str) -> Keys {
    Keys { keys, about }
}

pub const SHEET: &[(&str, &[Keys])] = &[
    (
        "Writing",
        &[
            keys("Enter", "send"),
            keys("Alt-Enter, Ctrl-J", "a new line"),
            keys("Tab", "complete a name, #room, /command or :emoji"),
            keys("Up, Down", "what you typed before"),
            keys("Ctrl-U", "undo; Ctrl-R: redo"),
            keys("Esc", "neither answer nor edit; back to the end"),
        ],
    ),
    (
        "Going somewhere",
        &[
            keys("Ctrl-K", "go to a room or person by some letters"),
            keys("Alt-1 … Alt-9", "the first … ninth in the list"),
            keys("Ctrl-N, Ctrl-P", "the next, the one before"),
            keys("Alt-A", "where something is unread"),
            keys("F2, F3", "show or hide rooms, people"),
        ],
    ),
    (
        "Reading",
        &[
            keys("PageUp, PageDown", "scroll; further back is loaded as you go"),
            keys("Alt-U", "the first unread message"),
            keys("Ctrl-End", "back to the end"),
            keys("Ctrl-F", "search what was said"),
            keys("F4", "leave the mouse to the terminal, or take it back"),
        ],
    ),
    (
        "A message: Alt-Up or Ctrl-S selects it, then",
        &[
            keys("Up, Down", "another one"),
            keys("r, Enter", "answer it"),
            keys("+", "react"),
            keys("e", "edit it, if it is yours"),
            keys("x", "delete it, twice to be sure"),
            keys("c", "copy it"),
            keys("p", "go to what it answers"),
            keys("u", "send it again, if it failed"),
            keys("Esc", "back to writing"),
        ],
    ),
    (
        "The end",
        &[
            keys("Ctrl-C twice, /quit", "say goodbye and leave"),
            keys("/help", "all commands in words"),
            keys("F12", "what goes over the wire, explained"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn the_document_has_the_same_keys() {
        let mut table = String::new();
        for (title, keys) in SHEET {
            let _ = write!(table, "\n| {title} | |\n| --- | --- |\n");
            for Keys { keys, about } in *keys {
                let _ = writeln!(table, "| {keys} | {about} |");
            }
        }
        let document = include_str!("../../../../docs/terminal.md");
        let written = document.split("<!-- keys -->\n").nth(1).and_then(|rest| rest.split("<!-- /keys -->").next());
        assert_eq!(written.map(str::trim), Some(table.trim()));
    }
}
