//! The question where to, with the servers of the local network below it as they appear and go while one thinks.

use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event};

use crate::lan::{Announced, Listening, Neighbours, NetworkChange, Seen, in_words};
use crate::line_editor::KeyOutcome;
use crate::plain_text::Stream;
use crate::screen::Screen;

/// How often the network is looked at while no key comes.
const GLANCE: Duration = Duration::from_millis(100);

/// After so long it is likely that nobody will be heard of.
const SILENCE: Duration = Duration::from_secs(5);
const NOBODY_YET: &str = "  No server of this network has announced itself yet. If there is one, the network may block multicast: type the \
                          join code that chat_server prints at its start.";

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Typed(String),
    /// The number of one that was found.
    Found(Announced),
}

/// The numbers of what was found, in the order in which it appeared. A number once seen stays that server's.
#[derive(Debug)]
struct Numbered {
    first: usize,
    neighbours: Neighbours,
    found: Vec<(String, Option<Announced>)>,
}

impl Numbered {
    /// The line that tells it.
    fn note(&mut self, change: NetworkChange) -> Option<String> {
        match self.neighbours.note(change)? {
            Seen::There(key, server) => {
                let place = self.found.iter().position(|(known, _)| *known == key).unwrap_or(self.found.len());
                let words = in_words(&server);
                let before = match self.found.get_mut(place) {
                    Some(entry) => entry.1.replace(server),
                    None => {
                        self.found.push((key, Some(server)));
                        None
                    }
                };
                // One more address is nothing new for whoever reads the list.
                let is_new = before.is_none_or(|before| in_words(&before) != words);
                is_new.then(|| format!("  {}  {words}  (on this network)", self.first + place))
            }
            Seen::Gone(key, was) => {
                let place = self.found.iter().position(|(known, _)| *known == key)?;
                self.found[place].1 = None;
                Some(format!("  {}  {} has gone", self.first + place, was.name))
            }
        }
    }

    fn answer(&self, text: String) -> Answer {
        let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(self.first));
        match number.and_then(|place| self.found.get(place)) {
            Some((_, Some(server))) => Answer::Found(server.clone()),
            _ => Answer::Typed(text),
        }
    }
}

/// Asks on the terminal. Servers that are found get the numbers from `first` on.
///
/// # Errors
/// A sentence: the terminal is of no use, or the person left.
pub fn ask(listening: &Listening, question: &str, first: usize) -> Result<Answer, String> {
    let unusable =
        |error: io::Error| format!("The questions cannot be asked here ({error}); give the server as an argument.");
    let mut screen = Screen::of_terminal().map_err(unusable)?;
    screen.change_prompt(question);
    let mut numbered = Numbered { first, neighbours: Neighbours::default(), found: Vec::new() };
    let mut silent_until = Some(Instant::now() + SILENCE);
    loop {
        if silent_until.take_if(|until| *until <= Instant::now()).is_some() && numbered.found.is_empty() {
            screen.print(Stream::Output, NOBODY_YET).map_err(unusable)?;
        }
        while let Ok(change) = listening.changes().try_recv() {
            if let Some(line) = numbered.note(change) {
                screen.print(Stream::Output, &line).map_err(unusable)?;
            }
        }
        screen.flush().map_err(unusable)?;
        if !event::poll(GLANCE).map_err(unusable)? {
            continue;
        }
        match event::read().map_err(unusable)? {
            Event::Key(key) => match screen.key(key).map_err(unusable)? {
                KeyOutcome::Entered(text) => {
                    screen.print(Stream::Output, &format!("{question}{text}")).map_err(unusable)?;
                    screen.change_prompt("");
                    screen.flush().map_err(unusable)?;
                    return Ok(numbered.answer(text.trim().to_owned()));
                }
                KeyOutcome::InputEnded | KeyOutcome::Interrupted => {
                    return Err(
                        "No server was named; run chat_client again, or give the server as an argument.".to_owned()
                    );
                }
                _ => {}
            },
            Event::Resize(columns, _) => screen.resized(columns.into()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(key: &str, name: &str) -> NetworkChange {
        let server = Announced {
            name: name.to_owned(),
            tls: true,
            host: format!("{key}.local"),
            port: 6697,
            addresses: vec!["192.168.1.5:6697".parse().unwrap()],
            fingerprint: None,
            policy: None,
        };
        NetworkChange::There(key.to_owned(), server)
    }

    #[test]
    fn a_number_stays_its_server_s() {
        let mut numbered = Numbered { first: 3, neighbours: Neighbours::default(), found: Vec::new() };
        let mut note = |change| numbered.note(change).unwrap_or_default();
        assert_eq!(note(there("a", "A")), "  3  A  192.168.1.5:6697  (on this network)");
        assert_eq!(note(there("b", "B")), "  4  B  192.168.1.5:6697  (on this network)");
        let NetworkChange::There(key, mut more) = there("b", "B") else { panic!("it is there") };
        more.addresses.push("[fd00::5]:6697".parse().unwrap());
        assert_eq!(note(NetworkChange::There(key, more)), "");
        assert_eq!(note(NetworkChange::Gone("a".to_owned())), "  3  A has gone");
        assert_eq!(numbered.answer("3".to_owned()), Answer::Typed("3".to_owned()));
        assert!(matches!(numbered.answer("4".to_owned()), Answer::Found(server) if server.name == "B"));
        assert_eq!(numbered.answer("1".to_owned()), Answer::Typed("1".to_owned()));
        assert_eq!(numbered.note(there("a", "A")).unwrap(), "  3  A  192.168.1.5:6697  (on this network)");
        assert!(matches!(numbered.answer("3".to_owned()), Answer::Found(server) if server.name == "A"));
    }
}
