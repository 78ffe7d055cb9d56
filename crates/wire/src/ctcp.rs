//! CTCP: a message whose text is between two bytes 0x01 (ircdocs "Client-to-Client Protocol").

const DELIMITER: char = '\u{1}';

/// A CTCP query (in a PRIVMSG) or reply (in a NOTICE).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ctcp<'a> {
    /// As sent; compare in any ASCII case.
    pub command: &'a str,
    /// Empty when there are none.
    pub arguments: &'a str,
}

impl<'a> Ctcp<'a> {
    /// Reads a message's text; the closing delimiter may be missing. `None` when it is an ordinary message.
    pub fn parse(text: &'a str) -> Option<Ctcp<'a>> {
        let inside = text.strip_prefix(DELIMITER)?;
        let inside = inside.strip_suffix(DELIMITER).unwrap_or(inside);
        let (command, arguments) = inside.split_once(' ').unwrap_or((inside, ""));
        (!command.is_empty()).then_some(Ctcp { command, arguments })
    }

    /// Whether it is `ACTION`, the one that is part of the conversation (`/me`), and goes where other CTCPs may not.
    pub fn is_action(self) -> bool {
        self.command.eq_ignore_ascii_case("ACTION")
    }
}

/// The text of an ACTION.
pub fn action(text: &str) -> String {
    format!("{DELIMITER}ACTION {text}{DELIMITER}")
}
