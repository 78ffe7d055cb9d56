//! Which key does what: the usual ones, what a person prefers instead, and the one key sheet, which F1 shows and
//! docs/terminal.md has.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::Deserialize;

/// What a key can be made to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Switcher,
    Next,
    Previous,
    Unread,
    Rooms,
    People,
    Mouse,
    Search,
    Pins,
    Select,
    SelectDown,
    ScrollUp,
    ScrollDown,
    FirstUnread,
    End,
    Read,
    Mute,
    KeySheet,
    Wire,
    Redraw,
    NewLine,
    Undo,
    Redo,
    Reply,
    Quote,
    React,
    Edit,
    Delete,
    Copy,
    Open,
    Parent,
    Pin,
    Report,
    Again,
}

/// A name in the preferences, what it does, and the usual keys. Those of a selected message are apart: there letters act.
struct Usual {
    action: Action,
    name: &'static str,
    of_message: bool,
    keys: &'static [&'static str],
}

const fn anywhere(action: Action, name: &'static str, keys: &'static [&'static str]) -> Usual {
    Usual { action, name, of_message: false, keys }
}

const fn message(action: Action, name: &'static str, keys: &'static [&'static str]) -> Usual {
    Usual { action, name, of_message: true, keys }
}

const USUAL: &[Usual] = &[
    anywhere(Action::Switcher, "switcher", &["ctrl-k"]),
    anywhere(Action::Next, "next", &["ctrl-n"]),
    anywhere(Action::Previous, "previous", &["ctrl-p"]),
    anywhere(Action::Unread, "unread", &["alt-a"]),
    anywhere(Action::Rooms, "rooms", &["f2"]),
    anywhere(Action::People, "people", &["f3"]),
    anywhere(Action::Mouse, "mouse", &["f4"]),
    anywhere(Action::Search, "search", &["ctrl-f"]),
    anywhere(Action::Pins, "pins", &["alt-p"]),
    anywhere(Action::Select, "select", &["alt-up", "ctrl-s"]),
    anywhere(Action::SelectDown, "select-down", &["alt-down"]),
    anywhere(Action::ScrollUp, "scroll-up", &["pageup"]),
    anywhere(Action::ScrollDown, "scroll-down", &["pagedown"]),
    anywhere(Action::FirstUnread, "first-unread", &["alt-u"]),
    anywhere(Action::End, "end", &["ctrl-end"]),
    anywhere(Action::Read, "read", &["alt-r"]),
    anywhere(Action::Mute, "mute", &["alt-m"]),
    anywhere(Action::KeySheet, "keys", &["f1"]),
    anywhere(Action::Wire, "wire", &["f12"]),
    anywhere(Action::Redraw, "redraw", &["ctrl-l"]),
    anywhere(Action::NewLine, "new-line", &["alt-enter", "ctrl-j", "shift-enter", "ctrl-enter"]),
    anywhere(Action::Undo, "undo", &["ctrl-z"]),
    anywhere(Action::Redo, "redo", &["ctrl-r"]),
    message(Action::Reply, "reply", &["r", "enter"]),
    message(Action::Quote, "quote", &[">"]),
    message(Action::React, "react", &["+", "a"]),
    message(Action::Edit, "edit", &["e"]),
    message(Action::Delete, "delete", &["x", "delete"]),
    message(Action::Copy, "copy", &["c", "y"]),
    message(Action::Open, "open", &["o"]),
    message(Action::Parent, "parent", &["p"]),
    message(Action::Pin, "pin", &["P"]),
    message(Action::Report, "report", &["!"]),
    message(Action::Again, "again", &["u"]),
];

/// A key as it is pressed, with what is held down meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Keys by their names in the preferences.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
];

const HELD: &[(&str, &str, KeyModifiers)] = &[
    ("ctrl-", "Ctrl-", KeyModifiers::CONTROL),
    ("alt-", "Alt-", KeyModifiers::ALT),
    ("shift-", "Shift-", KeyModifiers::SHIFT),
];

impl Press {
    /// `ctrl-k`, `alt-up`, `f2`, `+`, `P`.
    fn parse(text: &str) -> Option<Press> {
        let (mut rest, mut modifiers) = (text, KeyModifiers::NONE);
        while let Some((name, _, held)) =
            HELD.iter().find(|(name, ..)| rest.starts_with(name) && rest.len() > name.len())
        {
            modifiers |= *held;
            rest = &rest[name.len()..];
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None) if !letter.is_control() => KeyCode::Char(letter),
            _ => match NAMED.iter().find(|(name, _)| *name == rest) {
                Some((_, code)) => *code,
                None => {
                    let number = rest.strip_prefix('f')?.parse().ok()?;
                    (1..=24).contains(&number).then_some(KeyCode::F(number))?
                }
            },
        };
        Some(Press { code, modifiers }.normal())
    }

    /// A letter tells by itself whether shift was held; with control terminals tell none from the other.
    fn normal(self) -> Press {
        match self.code {
            KeyCode::Char(letter) => {
                let modifiers = self.modifiers - KeyModifiers::SHIFT;
                let control = modifiers.contains(KeyModifiers::CONTROL);
                let letter = if control { letter.to_ascii_lowercase() } else { letter };
                Press { code: KeyCode::Char(letter), modifiers }
            }
            _ => self,
        }
    }
}

impl fmt::Display for Press {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, shown, held) in HELD {
            if self.modifiers.contains(*held) {
                out.write_str(shown)?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => out.write_str("Space"),
            KeyCode::Char(letter) if self.modifiers.is_empty() => write!(out, "{letter}"),
            KeyCode::Char(letter) => write!(out, "{}", letter.to_uppercase()),
            KeyCode::F(number) => write!(out, "F{number}"),
            KeyCode::PageUp => out.write_str("PageUp"),
            KeyCode::PageDown => out.write_str("PageDown"),
            code => {
                let name = NAMED.iter().find(|(_, known)| *known == code).map_or("?", |(name, _)| *name);
                let (first, rest) = name.split_at(1);
                write!(out, "{}{rest}", first.to_ascii_uppercase())
            }
        }
    }
}

/// Keys in the preferences: one, or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Preferred {
    One(String),
    Several(Vec<String>),
}

/// All keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    anywhere: Vec<(Press, Action)>,
    of_message: Vec<(Press, Action)>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        let keys = |of_message: bool| {
            let usual = USUAL.iter().filter(move |usual| usual.of_message == of_message);
            usual
                .flat_map(|usual| usual.keys.iter().filter_map(|key| Some((Press::parse(key)?, usual.action))))
                .collect()
        };
        Keymap { anywhere: keys(false), of_message: keys(true) }
    }
}

impl Keymap {
    /// The usual keys, but for what is preferred: by names of actions. The error is a sentence.
    pub fn preferred(preferred: &BTreeMap<String, Preferred>) -> Result<Keymap, String> {
        let mut keymap = Keymap::default();
        let mut given: Vec<(Press, Action, bool)> = Vec::new();
        for (name, keys) in preferred {
            let Some(usual) = USUAL.iter().find(|usual| usual.name == name) else {
                let names: Vec<&str> = USUAL.iter().map(|usual| usual.name).collect();
                return Err(format!("there is nothing called {name} for a key to do; these are: {}", names.join(", ")));
            };
            let of = if usual.of_message { &mut keymap.of_message } else { &mut keymap.anywhere };
            of.retain(|(_, action)| *action != usual.action);
            let keys = match keys {
                Preferred::One(key) => std::slice::from_ref(key),
                Preferred::Several(keys) => keys.as_slice(),
            };
            for key in keys {
                let press = Press::parse(key)
                    .ok_or_else(|| format!("\"{key}\" is no key; write it as ctrl-k, alt-up, f2, pageup or x"))?;
                if given.iter().any(|(known, _, of_message)| *known == press && *of_message == usual.of_message) {
                    return Err(format!("the key {key} is given twice; it can do one thing"));
                }
                given.push((press, usual.action, usual.of_message));
            }
        }
        for (press, action, of_message) in given {
            let of = if of_message { &mut keymap.of_message } else { &mut keymap.anywhere };
            // What a key did usually it does no more.
            of.retain(|(known, _)| *known != press);
            of.push((press, action));
        }
        Ok(keymap)
    }

    pub fn anywhere(&self, key: KeyEvent) -> Option<Action> {
        found(&self.anywhere, key)
    }

    pub fn of_message(&self, key: KeyEvent) -> Option<Action> {
        found(&self.of_message, key)
    }

    /// The keys that do this, as a person reads them.
    pub fn all(&self, action: Action) -> String {
        let all: Vec<String> = self.presses(action).map(|press| press.to_string()).collect();
        // A third one is for terminals that know it, and is not worth the room.
        if all.is_empty() { "(no key)".to_owned() } else { all[..all.len().min(2)].join(", ") }
    }

    pub fn first(&self, action: Action) -> String {
        self.presses(action).next().map_or_else(|| "(no key)".to_owned(), |press| press.to_string())
    }

    fn presses(&self, action: Action) -> impl Iterator<Item = &Press> {
        let all = self.anywhere.iter().chain(&self.of_message);
        all.filter(move |(_, of)| *of == action).map(|(press, _)| press)
    }
}

fn found(keys: &[(Press, Action)], key: KeyEvent) -> Option<Action> {
    let press = Press { code: key.code, modifiers: key.modifiers }.normal();
    keys.iter().find(|(known, _)| *known == press).map(|(_, action)| *action)
}

/// A line of the key sheet.
pub enum Keys {
    /// A key that does one thing always.
    Fixed(&'static str, &'static str),
    /// All keys of an action.
    All(Action, &'static str),
    /// The first key of each of these.
    Each(&'static [Action], &'static str),
}

impl Keys {
    pub fn keys(&self, keymap: &Keymap) -> Cow<'static, str> {
        match self {
            Keys::Fixed(keys, _) => Cow::Borrowed(*keys),
            Keys::All(action, _) => Cow::Owned(keymap.all(*action)),
            Keys::Each(actions, _) => {
                Cow::Owned(actions.iter().map(|action| keymap.first(*action)).collect::<Vec<_>>().join(", "))
            }
        }
    }

    pub fn about(&self) -> &'static str {
        match self {
            Keys::Fixed(_, about) | Keys::All(_, about) | Keys::Each(_, about) => about,
        }
    }
}

pub const SHEET: &[(&str, &[Keys])] = &[
    (
        "Writing",
        &[
            Keys::Fixed("Enter", "send"),
            Keys::All(Action::NewLine, "a new line"),
            Keys::Fixed("Tab", "complete a name, #room, /command or :emoji"),
            Keys::Fixed("Up, Down", "what you typed before"),
            Keys::Each(&[Action::Undo, Action::Redo], "undo, redo"),
            Keys::Fixed("Ctrl-W, Ctrl-U", "delete the word before, all before"),
            Keys::Fixed("Esc", "neither answer nor edit; back to the end"),
        ],
    ),
    (
        "Going somewhere",
        &[
            Keys::All(Action::Switcher, "go to a room or person by some letters"),
            Keys::Fixed("Alt-1 … Alt-9", "the first … ninth in the list"),
            Keys::Each(&[Action::Next, Action::Previous], "the next, the one before"),
            Keys::All(Action::Unread, "where something is unread"),
            Keys::Each(&[Action::Rooms, Action::People], "show or hide rooms, people"),
        ],
    ),
    (
        "Reading",
        &[
            Keys::Each(&[Action::ScrollUp, Action::ScrollDown], "scroll; further back is loaded as you go"),
            Keys::All(Action::FirstUnread, "the first unread message"),
            Keys::All(Action::End, "back to the end"),
            Keys::All(Action::Search, "search what was said"),
            Keys::All(Action::Pins, "what is pinned here"),
            Keys::All(Action::Read, "take all of it here for read"),
            Keys::All(Action::Mute, "mute this conversation, or no more"),
            Keys::All(Action::Mouse, "leave the mouse to the terminal, or take it back"),
        ],
    ),
    (
        "A message, when it is selected",
        &[
            Keys::All(Action::Select, "select the last one"),
            Keys::Fixed("Up, Down", "another one"),
            Keys::All(Action::Reply, "answer it"),
            Keys::All(Action::Quote, "quote it"),
            Keys::Each(&[Action::React], "react"),
            Keys::All(Action::Edit, "edit it, if it is yours"),
            Keys::Each(&[Action::Delete], "delete it, twice to be sure"),
            Keys::Each(&[Action::Copy], "copy it"),
            Keys::All(Action::Open, "open its link, else copy it"),
            Keys::All(Action::Parent, "go to what it answers"),
            Keys::All(Action::Pin, "pin it for everyone, or no more, if you may"),
            Keys::All(Action::Report, "report it to those who moderate"),
            Keys::All(Action::Again, "send it again, if it failed"),
            Keys::Fixed("Esc", "back to writing"),
        ],
    ),
    (
        "The end",
        &[
            Keys::Fixed("Ctrl-C twice, /quit", "say goodbye and leave"),
            Keys::Fixed("/help", "all commands in words"),
            Keys::All(Action::Wire, "what goes over the wire, explained"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn the_document_has_the_same_keys() {
        let keymap = Keymap::default();
        let mut table = String::new();
        for (title, keys) in SHEET {
            let _ = write!(table, "\n| {title} | |\n| --- | --- |\n");
            for line in *keys {
                let _ = writeln!(table, "| {} | {} |", line.keys(&keymap), line.about());
            }
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/terminal.md");
        let document = std::fs::read_to_string(path).unwrap();
        let (before, rest) = document.split_once("<!-- keys -->\n").unwrap();
        let (written, after) = rest.split_once("<!-- /keys -->").unwrap();
        // PARLOR_WRITE=1 writes the table anew.
        if std::env::var_os("PARLOR_WRITE").is_some() {
            std::fs::write(path, format!("{before}<!-- keys -->\n{}\n<!-- /keys -->{after}", table.trim())).unwrap();
        } else {
            assert_eq!(written.trim(), table.trim());
        }
    }

    #[test]
    fn every_action_has_one_name_and_keys_that_nothing_else_has() {
        let keymap = Keymap::default();
        for keys in [&keymap.anywhere, &keymap.of_message] {
            for (at, (press, _)) in keys.iter().enumerate() {
                assert!(!keys[..at].iter().any(|(known, _)| known == press), "{press}");
            }
        }
        for (at, usual) in USUAL.iter().enumerate() {
            assert!(usual.keys.iter().all(|key| Press::parse(key).is_some()), "{}", usual.name);
            assert!(!USUAL[..at].iter().any(|known| known.name == usual.name || known.action == usual.action));
        }
    }

    #[test]
    fn keys_are_read_and_shown() {
        for (text, shown) in [
            ("ctrl-k", "Ctrl-K"),
            ("alt-up", "Alt-Up"),
            ("ctrl-alt-x", "Ctrl-Alt-X"),
            ("f12", "F12"),
            ("-", "-"),
            ("ctrl--", "Ctrl--"),
            ("P", "P"),
            ("shift-enter", "Shift-Enter"),
            ("pagedown", "PageDown"),
            ("ä", "ä"),
        ] {
            assert_eq!(Press::parse(text).map(|press| press.to_string()).as_deref(), Some(shown), "{text}");
        }
        for wrong in ["", "ctrl-", "hyper-x", "f0", "f99", "xx"] {
            assert_eq!(Press::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn preferred_keys_take_the_place_of_the_usual_ones() {
        let read = |text: &str| Keymap::preferred(&toml::from_str(text).unwrap());
        let pressed = |keymap: &Keymap, text: &str| {
            let Press { code, modifiers } = Press::parse(text).unwrap();
            keymap.anywhere(KeyEvent::new(code, modifiers))
        };
        assert_eq!(read(""), Ok(Keymap::default()));
        let keymap = read("switcher = 'ctrl-g'\nnext = ['ctrl-k', 'f7']\nreply = 'w'\nprevious = []").unwrap();
        assert_eq!(pressed(&keymap, "ctrl-g"), Some(Action::Switcher));
        assert_eq!(pressed(&keymap, "ctrl-k"), Some(Action::Next));
        assert_eq!(pressed(&keymap, "ctrl-n"), None);
        assert_eq!(pressed(&keymap, "ctrl-p"), None);
        assert_eq!((keymap.all(Action::Next), keymap.all(Action::Previous)), ("Ctrl-K, F7".into(), "(no key)".into()));
        assert_eq!(keymap.all(Action::Reply), "w");
        assert!(read("dance = 'x'").unwrap_err().starts_with("there is nothing called dance for a key to do"));
        assert!(read("next = 'hyper-x'").unwrap_err().starts_with("\"hyper-x\" is no key"));
        assert!(read("next = 'f7'\nprevious = 'f7'").unwrap_err().contains("given twice"));
    }
}
