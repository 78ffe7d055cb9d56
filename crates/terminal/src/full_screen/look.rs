//! What things look like: the sixteen colours that every terminal has and its owner has chosen, and without colours
//! (NO_COLOR) bold, dim, underlined and reversed.

use std::env;

use crate::preferences::Theme;
use ratatui::style::{Color, Modifier, Style};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub colours: bool,
    /// Dark letters on a light ground.
    pub light: bool,
}

impl Look {
    pub fn preferred(theme: Theme) -> Look {
        let look = Look::of_environment();
        match theme {
            Theme::Auto => look,
            Theme::Dark => Look { light: false, ..look },
            Theme::Light => Look { light: true, ..look },
            Theme::Plain => Look { colours: false, ..look },
        }
    }

    /// `NO_COLOR` (no-color.org), and `COLORFGBG`, by which terminals such as rxvt and Konsole tell their ground.
    fn of_environment() -> Look {
        let colours = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let ground = env::var("COLORFGBG").ok();
        let ground = ground.as_deref().and_then(|colours| colours.rsplit(';').next());
        Look { colours, light: matches!(ground, Some("7" | "9" | "10" | "11" | "12" | "13" | "14" | "15")) }
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
        self.coloured(if self.light { Color::Blue } else { Color::Cyan }).add_modifier(Modifier::UNDERLINED)
    }

    pub fn code(self) -> Style {
        self.coloured(if self.light { Color::Magenta } else { Color::Green })
    }

    pub fn mention(self) -> Style {
        self.coloured(if self.light { Color::Red } else { Color::LightYellow }).add_modifier(Modifier::BOLD)
    }

    pub fn unread(self) -> Style {
        self.coloured(Color::Red)
    }

    pub fn alarm(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A colour of its own for each name, the same on every day.
    pub fn name(self, name: &str) -> Style {
        const ON_DARK: [Color; 10] = [
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
        ];
        const ON_LIGHT: [Color; 5] = [Color::Red, Color::Green, Color::Blue, Color::Magenta, Color::Cyan];
        let colours: &[Color] = if self.light { &ON_LIGHT } else { &ON_DARK };
        // FNV-1a, as the line tool does it.
        let hash = name
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let colour = colours[usize::try_from(hash % colours.len() as u64).unwrap_or(0)];
        self.coloured(colour).add_modifier(Modifier::BOLD)
    }
}
