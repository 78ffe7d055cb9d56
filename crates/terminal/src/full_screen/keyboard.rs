//! Keys as the terminal tells them, put right where two of them came at once. Escape and the beginning of another key's sequence
//! are the same byte: when both are read together, as over a slow ssh, crossterm takes the two for one Escape and the rest of
//! the sequence for typed letters (`[24~` for F12).

use std::collections::VecDeque;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// Letters of the longest sequence that is understood, such as `[24;5~`.
const LONGEST: usize = 6;

/// Events in their order. `next`: the next one, waited for or only if it is there already.
pub struct Keyboard<N> {
    next: N,
    put_right: VecDeque<Event>,
}

pub enum Wait {
    Yes,
    No,
}

impl<N, E> Keyboard<N>
where
    N: FnMut(Wait) -> Result<Option<Event>, E>,
{
    pub fn new(next: N) -> Keyboard<N> {
        Keyboard { next, put_right: VecDeque::new() }
    }

    /// `None`: the source has none, though it was to be waited for.
    pub fn read(&mut self) -> Result<Option<Event>, E> {
        if let Some(event) = self.put_right.pop_front() {
            return Ok(Some(event));
        }
        let event = (self.next)(Wait::Yes)?;
        if event == Some(Event::Key(KeyCode::Esc.into())) {
            self.read_behind_escape()?;
        }
        Ok(event)
    }

    /// What came together with an Escape: a key, if it can be one.
    fn read_behind_escape(&mut self) -> Result<(), E> {
        let mut letters = String::new();
        let mut read = Vec::new();
        while letters.len() < LONGEST {
            let Some(event) = (self.next)(Wait::No)? else { break };
            read.push(event.clone());
            let Event::Key(KeyEvent { code: KeyCode::Char(letter), .. }) = event else { break };
            letters.push(letter);
            if !letters.starts_with(['[', 'O']) {
                break;
            }
            if let Some(key) = key_of(&letters) {
                read = vec![Event::Key(key)];
                break;
            }
        }
        self.put_right.extend(read);
        Ok(())
    }
}

/// What follows the Escape of a key's sequence (xterm "PC-Style Function Keys"): `[A`, `OP`, `[24~`, `[1;5C`.
fn key_of(letters: &str) -> Option<KeyEvent> {
    let (introducer, rest) = letters.split_at_checked(1)?;
    let last = rest.chars().last()?;
    let mut numbers = rest[..rest.len() - last.len_utf8()].split(';');
    let number = numbers.next().unwrap_or_default();
    let modifiers = numbers.next().map_or(Some(1), |text| text.parse::<u8>().ok())?;
    let code = match (introducer, number, last) {
        ("[" | "O", "" | "1", 'A') => KeyCode::Up,
        ("[" | "O", "" | "1", 'B') => KeyCode::Down,
        ("[" | "O", "" | "1", 'C') => KeyCode::Right,
        ("[" | "O", "" | "1", 'D') => KeyCode::Left,
        ("[" | "O", "" | "1", 'H') | ("[", "1" | "7", '~') => KeyCode::Home,
        ("[" | "O", "" | "1", 'F') | ("[", "4" | "8", '~') => KeyCode::End,
        ("O", "", 'P'..='S') | ("[", "1", 'P'..='S') => KeyCode::F(last as u8 - b'P' + 1),
        ("[", "", 'Z') => KeyCode::BackTab,
        ("[", "2", '~') => KeyCode::Insert,
        ("[", "3", '~') => KeyCode::Delete,
        ("[", "5", '~') => KeyCode::PageUp,
        ("[", "6", '~') => KeyCode::PageDown,
        ("[", number, '~') => KeyCode::F(match number.parse().ok()? {
            number @ 11..=15 => number - 10,
            number @ 17..=21 => number - 11,
            number @ 23..=24 => number - 12,
            _ => return None,
        }),
        _ => return None,
    };
    // The number is one more than the sum of its modifiers.
    let held = modifiers.checked_sub(1)?;
    let all = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    let modifiers = all.into_iter().filter(|(bit, _)| held & bit != 0).map(|(_, modifier)| modifier).collect();
    Some(KeyEvent::new(code, modifiers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(c: char) -> Event {
        Event::Key(KeyCode::Char(c).into())
    }

    /// `|`: what follows is not there yet. `E` is Escape.
    fn read(script: &str) -> Vec<Event> {
        let mut script = script.chars();
        let next = |wait| -> Result<Option<Event>, ()> {
            match (wait, script.clone().next()) {
                (Wait::No, Some('|')) => return Ok(None),
                (Wait::Yes, Some('|')) => drop(script.next()),
                _ => {}
            }
            Ok(script.next().map(|c| if c == 'E' { Event::Key(KeyCode::Esc.into()) } else { letter(c) }))
        };
        let mut keyboard = Keyboard::new(next);
        std::iter::from_fn(|| keyboard.read().unwrap()).collect()
    }

    #[test]
    fn a_key_behind_an_escape_stays_a_key() {
        let escape = Event::Key(KeyCode::Esc.into());
        let key = |code: KeyCode, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        let check = |script: &str, expected: &[Event]| {
            assert_eq!(read(&format!("{script}x")), [expected, &[letter('x')]].concat(), "{script}");
        };
        check("E[24~", &[escape.clone(), key(KeyCode::F(12), none)]);
        check("E[15~", &[escape.clone(), key(KeyCode::F(5), none)]);
        check("EOP", &[escape.clone(), key(KeyCode::F(1), none)]);
        check("E[A", &[escape.clone(), key(KeyCode::Up, none)]);
        check("E[1;5C", &[escape.clone(), key(KeyCode::Right, KeyModifiers::CONTROL)]);
        check("E[5~", &[escape.clone(), key(KeyCode::PageUp, none)]);
        check("E", std::slice::from_ref(&escape));
        // By hand, one after the other.
        check("E|[|A", &[escape.clone(), letter('['), letter('A')]);
        // Nothing that is known: as it was read.
        check("E[99~", &[escape.clone(), letter('['), letter('9'), letter('9'), letter('~')]);
        check("EE", &[escape.clone(), escape]);
    }
}
