//! What a person prefers: `chat_client.toml` in the platform's folder for configuration. Every key can be left out.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use std::collections::BTreeMap;

use ratatui::style::Color;
use serde::Deserialize;

use crate::full_screen::keys::{Keymap, Preferred};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// The terminal's bell when one is named, or written to, while the terminal is not looked at.
    pub bell: bool,
    /// A notification of the desktop then, where the terminal shows such.
    pub notify: Notify,
    /// Neither of them at this time of day, such as "22:00-07:00".
    pub quiet: Option<QuietHours>,
    /// `auto`, `dark`, `light`, `plain`, or one of `themes`.
    pub theme: String,
    pub themes: BTreeMap<String, OwnTheme>,
    /// The mouse scrolls and selects here, and not in the terminal.
    pub mouse: bool,
    /// Passwords are kept in the system's keyring, where there is one.
    pub keyring: bool,
    /// Text from right to left is brought into order here, and the terminal is asked to leave it so.
    pub right_to_left: bool,
    /// Other keys than the usual ones, by what they do.
    pub keys: BTreeMap<String, Preferred>,
}

/// How a notification is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NotifyText")]
pub enum Notify {
    No,
    /// iTerm2, kitty, WezTerm, Windows Terminal, foot.
    Osc9,
    /// rxvt-unicode, VTE (GNOME Terminal), foot.
    Osc777,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NotifyText {
    OnOff(bool),
    Kind(String),
}

impl TryFrom<NotifyText> for Notify {
    type Error = String;

    fn try_from(text: NotifyText) -> Result<Notify, String> {
        match text {
            NotifyText::OnOff(false) => Ok(Notify::No),
            NotifyText::OnOff(true) => Ok(Notify::Osc9),
            NotifyText::Kind(kind) => match kind.as_str() {
                "osc9" => Ok(Notify::Osc9),
                "osc777" => Ok(Notify::Osc777),
                _ => Err(format!("\"{kind}\" is no way to notify; write true, false, \"osc9\" or \"osc777\"")),
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    Dark,
    Light,
}

/// A theme of a person's own: what it leaves out is as on its ground.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnTheme {
    pub ground: Option<Ground>,
    pub link: Option<Colour>,
    pub code: Option<Colour>,
    pub mention: Option<Colour>,
    pub unread: Option<Colour>,
    pub alarm: Option<Colour>,
    /// Letters and ground.
    pub bar: Option<[Colour; 2]>,
    pub names: Vec<Colour>,
}

/// `red`, `lightblue`, `33` (of 256), `#0077aa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour(pub Color);

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Colour, String> {
        let wrong = |_| format!("\"{text}\" is no colour; write it as red, lightblue, 33 or #0077aa");
        text.parse().map(Colour).map_err(wrong)
    }
}

/// Minutes of the day, from and until.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct QuietHours {
    from: u16,
    until: u16,
}

impl Default for Preferences {
    fn default() -> Preferences {
        Preferences {
            bell: true,
            notify: Notify::No,
            quiet: None,
            theme: "auto".to_owned(),
            themes: BTreeMap::new(),
            mouse: true,
            keyring: true,
            right_to_left: true,
            keys: BTreeMap::new(),
        }
    }
}

impl Preferences {
    /// The error is a sentence, without a full stop.
    fn check(&self) -> Result<(), String> {
        let known = ["auto", "dark", "light", "plain"];
        if !known.contains(&self.theme.as_str()) && !self.themes.contains_key(&self.theme) {
            return Err(format!(
                "there is no theme {}; it is one of {}, or has a table [themes.{}]",
                self.theme,
                known.join(", "),
                self.theme
            ));
        }
        Keymap::preferred(&self.keys).map(drop)
    }
}

impl TryFrom<String> for QuietHours {
    type Error = String;

    fn try_from(text: String) -> Result<QuietHours, String> {
        let minutes = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let parsed = text.split_once('-').and_then(|(from, until)| Some((minutes(from)?, minutes(until)?)));
        let (from, until) = parsed.ok_or_else(|| format!("\"{text}\" is no time of day; write it as 22:00-07:00"))?;
        Ok(QuietHours { from, until })
    }
}

impl QuietHours {
    /// `minute`: of the day.
    pub fn contain(self, minute: u16) -> bool {
        if self.from <= self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// `$XDG_CONFIG_HOME` or `~/.config`, `~/Library/Application Support` on macOS, `%APPDATA%` on Windows.
fn path() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        absolute("APPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))
    };
    base.map(|base| base.join("parlor").join("chat_client.toml"))
}

/// The error is a sentence.
pub fn read() -> Result<Preferences, String> {
    path().map_or(Ok(Preferences::default()), |path| read_from(&path))
}

fn read_from(path: &Path) -> Result<Preferences, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Preferences::default()),
        Err(error) => return Err(format!("{} cannot be read ({error}); check its permissions.", path.display())),
    };
    let preferences: Preferences = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        format!("Line {line} of {} is not understood ({message}); correct it.", path.display())
    })?;
    let checked = preferences.check();
    checked.map_err(|wrong| format!("In {} {wrong}. Correct it.", path.display()))?;
    Ok(preferences)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Preferences, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat_client.toml");
        fs::write(&path, text).unwrap();
        read_from(&path).map_err(|error| error.replace(&path.display().to_string(), "FILE"))
    }

    #[test]
    fn what_is_left_out_is_as_usual_and_mistakes_are_named() {
        assert_eq!(read(""), Ok(Preferences::default()));
        let some =
            read("bell = false\nnotify = true\ntheme = \"light\"\nquiet = \"22:00-07:30\"\nmouse = false\n").unwrap();
        assert_eq!((some.bell, some.notify, some.theme.as_str()), (false, Notify::Osc9, "light"));
        assert!(!some.mouse && some.keyring);
        assert_eq!(read("notify = 'osc777'").unwrap().notify, Notify::Osc777);
        let quiet = some.quiet.unwrap();
        assert!(quiet.contain(23 * 60) && quiet.contain(7 * 60) && !quiet.contain(7 * 60 + 30) && !quiet.contain(720));
        let error = read("bell = true\nbel = true\n").unwrap_err();
        assert!(error.starts_with("Line 2 of FILE is not understood (unknown field `bel`"), "{error}");
        let error = read("quiet = \"22-7\"").unwrap_err();
        assert!(error.contains("write it as 22:00-07:00"), "{error}");
        for (text, expected) in [
            (
                "theme = 'sea'",
                "In FILE there is no theme sea; it is one of auto, dark, light, plain, or has a table [themes.sea]. Correct it.",
            ),
            (
                "[keys]\nnext = 'hyper-x'",
                "In FILE \"hyper-x\" is no key; write it as ctrl-k, alt-up, f2, pageup or x. Correct it.",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), expected);
        }
        for (text, expected) in [
            ("notify = 'loud'", "is no way to notify"),
            ("[themes.sea]\nlink = 'sea'", "is no colour"),
            ("[themes.sea]\nlnk = 'red'", "unknown field `lnk`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn quiet_hours_of_one_day() {
        let quiet = QuietHours::try_from("12:00-13:00".to_owned()).unwrap();
        assert!(quiet.contain(720) && !quiet.contain(780) && !quiet.contain(0));
    }
}
