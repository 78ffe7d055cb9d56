//! What a person prefers: `chat_client.toml` in the platform's folder for configuration. Every key can be left out.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// The terminal's bell when one is named, or written to, while the terminal is not looked at.
    pub bell: bool,
    /// A notification of the desktop then, where the terminal shows such (OSC 9).
    pub notify: bool,
    /// Neither of them at this time of day, such as "22:00-07:00".
    pub quiet: Option<QuietHours>,
    pub theme: Theme,
    /// The mouse scrolls and selects here, and not in the terminal.
    pub mouse: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the environment says (`NO_COLOR`, `COLORFGBG`).
    Auto,
    Dark,
    Light,
    /// Without colours.
    Plain,
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
        Preferences { bell: true, notify: false, quiet: None, theme: Theme::Auto, mouse: true }
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
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        format!("Line {line} of {} is not understood ({message}); correct it.", path.display())
    })
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
        assert_eq!((some.bell, some.notify, some.theme, some.mouse), (false, true, Theme::Light, false));
        let quiet = some.quiet.unwrap();
        assert!(quiet.contain(23 * 60) && quiet.contain(7 * 60) && !quiet.contain(7 * 60 + 30) && !quiet.contain(720));
        let error = read("bell = true\nbel = true\n").unwrap_err();
        assert!(error.starts_with("Line 2 of FILE is not understood (unknown field `bel`"), "{error}");
        let error = read("quiet = \"22-7\"").unwrap_err();
        assert!(error.contains("write it as 22:00-07:00"), "{error}");
    }

    #[test]
    fn quiet_hours_of_one_day() {
        let quiet = QuietHours::try_from("12:00-13:00".to_owned()).unwrap();
        assert!(quiet.contain(720) && !quiet.contain(780) && !quiet.contain(0));
    }
}
