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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, &str)>) {
            let found = Ctcp::parse(text).map(|ctcp| (ctcp.command, ctcp.arguments));
            assert_eq!(found, expected, "{text:?}");
        }
        check("hi", None);
        check("", None);
        check("\u{1}", None);
        check("\u{1}\u{1}", None);
        check("\u{1} x\u{1}", None);
        check("a \u{1}VERSION\u{1}", None);
        check("\u{1}VERSION\u{1}", Some(("VERSION", "")));
        check("\u{1}VERSION", Some(("VERSION", "")));
        check("\u{1}PING 1 2\u{1}", Some(("PING", "1 2")));
    }

    #[test]
    fn actions() {
        let text = action("waves");
        assert_eq!(text, "\u{1}ACTION waves\u{1}");
        let ctcp = Ctcp::parse(&text).unwrap();
        assert!(ctcp.is_action());
        assert_eq!(ctcp.arguments, "waves");
        assert!(!Ctcp::parse("\u{1}VERSION\u{1}").unwrap().is_action());
    }
}
