//! What things look like: the sixteen colours that every terminal has and its owner has chosen, a person's own theme, and
//! without colours (NO_COLOR) bold, dim, underlined and reversed.

use std::env;

use crate::preferences::{Ground, OwnTheme, Preferences};
use ratatui::style::{Color, Modifier, Style};

/// Colours of names in a theme, at most.
pub const MOST_NAMES: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    colours: bool,
    palette: Palette,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Palette {
    link: Color,
    code: Color,
    mention: Color,
    unread: Color,
    alarm: Color,
    /// Of the topic and of the status line; reversed where there is none.
    bar: Option<(Color, Color)>,
    names: [Color; MOST_NAMES],
    name_count: usize,
}

const ON_DARK: Palette = Palette {
    link: Color::Cyan,
    code: Color::Green,
    mention: Color::LightYellow,
    unread: Color::Red,
    alarm: Color::Red,
    bar: None,
    names: filled([
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Magenta,
        Color::Cyan,
        Color::LightRed,
        Color::LightGreen,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
    ]),
    name_count: 10,
};

const ON_LIGHT: Palette = Palette {
    link: Color::Blue,
    code: Color::Magenta,
    mention: Color::Red,
    unread: Color::Red,
    alarm: Color::Red,
    bar: None,
    names: filled([Color::Red, Color::Green, Color::Blue, Color::Magenta, Color::Cyan]),
    name_count: 5,
};

const fn filled<const N: usize>(names: [Color; N]) -> [Color; MOST_NAMES] {
    let mut all = [Color::Reset; MOST_NAMES];
    let mut at = 0;
    while at < N {
        all[at] = names[at];
        at += 1;
    }
    all
}

impl Look {
    pub fn new(colours: bool, ground: Ground) -> Look {
        Look { colours, palette: if ground == Ground::Light { ON_LIGHT } else { ON_DARK } }
    }

    /// `NO_COLOR` (no-color.org) holds whatever is preferred.
    pub fn preferred(preferences: &Preferences) -> Look {
        let colours = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match preferences.theme.as_str() {
            "dark" => Look::new(colours, Ground::Dark),
            "light" => Look::new(colours, Ground::Light),
            "plain" => Look::new(false, Ground::Dark),
            name => match preferences.themes.get(name) {
                Some(own) => Look::own(colours, own),
                None => Look::new(colours, ground_of_environment()),
            },
        }
    }

    fn own(colours: bool, own: &OwnTheme) -> Look {
        let mut look = Look::new(colours, own.ground.unwrap_or_else(ground_of_environment));
        let palette = &mut look.palette;
        for (of, colour) in [
            (&mut palette.link, own.link),
            (&mut palette.code, own.code),
            (&mut palette.mention, own.mention),
            (&mut palette.unread, own.unread),
            (&mut palette.alarm, own.alarm),
        ] {
            *of = colour.map_or(*of, |colour| colour.0);
        }
        palette.bar = own.bar.map(|[letters, ground]| (letters.0, ground.0));
        if !own.names.is_empty() {
            palette.name_count = own.names.len().min(MOST_NAMES);
            for (of, name) in palette.names.iter_mut().zip(&own.names) {
                *of = name.0;
            }
        }
        look
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    pub fn plain(self) -> Style {
        Style::new()
    }

    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub fn link(self) -> Style {
        self.coloured(self.palette.link).add_modifier(Modifier::UNDERLINED)
    }

    pub fn code(self) -> Style {
        self.coloured(self.palette.code)
    }

    pub fn mention(self) -> Style {
        self.coloured(self.palette.mention).add_modifier(Modifier::BOLD)
    }

    pub fn unread(self) -> Style {
        self.coloured(self.palette.unread)
    }

    pub fn alarm(self) -> Style {
        self.coloured(self.palette.alarm).add_modifier(Modifier::BOLD)
    }

    pub fn bar(self) -> Style {
        match self.palette.bar.filter(|_| self.colours) {
            Some((letters, ground)) => Style::new().fg(letters).bg(ground),
            None => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A colour of its own for each name, the same on every day.
    pub fn name(self, name: &str) -> Style {
        // FNV-1a, as the line tool does it.
        let hash = name
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let at = usize::try_from(hash % self.palette.name_count as u64).unwrap_or(0);
        self.coloured(self.palette.names[at]).add_modifier(Modifier::BOLD)
    }
}

/// `COLORFGBG`, by which terminals such as rxvt and Konsole tell their ground.
fn ground_of_environment() -> Ground {
    let ground = env::var("COLORFGBG").ok();
    let ground = ground.as_deref().and_then(|colours| colours.rsplit(';').next());
    match ground {
        Some("7" | "9" | "10" | "11" | "12" | "13" | "14" | "15") => Ground::Light,
        _ => Ground::Dark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_theme_changes_what_it_names() {
        let preferences: Preferences = toml::from_str(
            "theme = 'sea'\n[themes.sea]\nground = 'light'\nlink = '#0077aa'\nbar = ['white', 'blue']\nnames = ['blue', '33']",
        )
        .unwrap();
        let look = Look::preferred(&preferences);
        assert_eq!(look.link().fg, Some(Color::Rgb(0, 0x77, 0xaa)));
        assert_eq!(look.code().fg, Some(Color::Magenta), "of the light ground");
        assert_eq!((look.bar().fg, look.bar().bg), (Some(Color::White), Some(Color::Blue)));
        for name in ["alice", "bob", "carol", "dora"] {
            assert!(matches!(look.name(name).fg, Some(Color::Blue | Color::Indexed(33))));
        }
        let plain = Look { colours: false, ..look };
        assert_eq!((plain.bar(), plain.link().fg), (Look::new(false, Ground::Dark).bar(), None));
    }
}
