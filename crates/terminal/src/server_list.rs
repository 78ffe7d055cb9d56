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
    /// The number of one that has gone since; its name.
    Gone(String),
}

/// The numbers of what was found, in the order in which it appeared. A number once seen stays that server's.
#[derive(Debug)]
struct Numbered {
    first: usize,
    neighbours: Neighbours,
    found: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: String,
    /// As it was seen last.
    server: Announced,
    is_there: bool,
}

impl Numbered {
    /// The line that tells it.
    fn note(&mut self, change: NetworkChange) -> Option<String> {
        match self.neighbours.note(change)? {
            Seen::There(key, server) => {
                let words = in_words(&server);
                let place = self.found.iter().position(|entry| entry.key == key);
                let number = self.first + place.unwrap_or(self.found.len());
                // One more address is nothing new for whoever reads the list.
                let is_new = match place.and_then(|place| self.found.get_mut(place)) {
                    Some(entry) => {
                        let was_there = std::mem::replace(&mut entry.is_there, true);
                        let before = std::mem::replace(&mut entry.server, server);
                        !was_there || in_words(&before) != words
                    }
                    None => {
                        self.found.push(Entry { key, server, is_there: true });
                        true
                    }
                };
                is_new.then(|| format!("  {number}  {words}  (on this network)"))
            }
            Seen::Gone(key, was) => {
                let place = self.found.iter().position(|entry| entry.key == key)?;
                self.found[place].is_there = false;
                Some(format!("  {}  {} has gone", self.first + place, was.name))
            }
        }
    }

    /// What Enter alone means, where nothing else is suggested: the first that is there.
    fn suggested(&self) -> Option<(usize, &Announced)> {
        let there = self.found.iter().enumerate().find(|(_, entry)| entry.is_there);
        there.filter(|_| self.first == 1).map(|(place, entry)| (self.first + place, &entry.server))
    }

    fn answer(&self, text: String) -> Answer {
        if text.is_empty()
            && let Some((_, server)) = self.suggested()
        {
            return Answer::Found(server.clone());
        }
        let number = text.parse::<usize>().ok().and_then(|number| number.checked_sub(self.first));
        match number.and_then(|place| self.found.get(place)) {
            Some(entry) if entry.is_there => Answer::Found(entry.server.clone()),
            Some(entry) => Answer::Gone(entry.server.name.clone()),
            None => Answer::Typed(text),
        }
    }
}

/// The servers of the local network, through all that is asked about them.
pub struct ServerList<'a> {
    listening: &'a Listening,
    numbered: Numbered,
    silent_until: Option<Instant>,
}

impl<'a> ServerList<'a> {
    /// Servers that are found get the numbers from `first` on; where that is 1 nothing is remembered, and the first of them is
    /// what Enter alone chooses.
    pub fn new(listening: &'a Listening, first: usize) -> ServerList<'a> {
        let numbered = Numbered { first, neighbours: Neighbours::default(), found: Vec::new() };
        ServerList { listening, numbered, silent_until: Some(Instant::now() + SILENCE) }
    }

    /// Asks on the terminal.
    ///
    /// # Errors
    /// A sentence: the terminal is of no use, or the person left.
    pub fn ask(&mut self, question: &str) -> Result<Answer, String> {
        let unusable =
            |error: io::Error| format!("The questions cannot be asked here ({error}); give the server as an argument.");
        let mut screen = Screen::of_terminal().map_err(unusable)?;
        loop {
            if self.silent_until.take_if(|until| *until <= Instant::now()).is_some() && self.numbered.found.is_empty() {
                screen.print(Stream::Output, NOBODY_YET).map_err(unusable)?;
            }
            while let Ok(change) = self.listening.changes().try_recv() {
                if let Some(line) = self.numbered.note(change) {
                    screen.print(Stream::Output, &line).map_err(unusable)?;
                }
            }
            let prompt = match self.numbered.suggested() {
                Some((number, server)) => format!("Server: a number, or HOST[:PORT] [{number}: {}]: ", server.name),
                None => question.to_owned(),
            };
            screen.change_prompt(&prompt);
            screen.flush().map_err(unusable)?;
            if !event::poll(GLANCE).map_err(unusable)? {
                continue;
            }
            match event::read().map_err(unusable)? {
                Event::Key(key) => match screen.key(key).map_err(unusable)? {
                    KeyOutcome::Entered(text) => {
                        screen.print(Stream::Output, &format!("{prompt}{text}")).map_err(unusable)?;
                        screen.change_prompt("");
                        screen.flush().map_err(unusable)?;
                        return Ok(self.numbered.answer(text.trim().to_owned()));
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
        assert_eq!(numbered.answer("3".to_owned()), Answer::Gone("A".to_owned()));
        assert_eq!(numbered.answer(String::new()), Answer::Typed(String::new()));
        assert!(matches!(numbered.answer("4".to_owned()), Answer::Found(server) if server.name == "B"));
        assert_eq!(numbered.answer("1".to_owned()), Answer::Typed("1".to_owned()));
        assert_eq!(numbered.note(there("a", "A")).unwrap(), "  3  A  192.168.1.5:6697  (on this network)");
        assert!(matches!(numbered.answer("3".to_owned()), Answer::Found(server) if server.name == "A"));
    }

    #[test]
    fn where_nothing_is_remembered_enter_takes_the_first_that_is_there() {
        let mut numbered = Numbered { first: 1, neighbours: Neighbours::default(), found: Vec::new() };
        let suggested =
            |numbered: &Numbered| numbered.suggested().map(|(number, server)| (number, server.name.clone()));
        assert_eq!(suggested(&numbered), None);
        numbered.note(there("a", "A"));
        numbered.note(there("b", "B"));
        assert_eq!(suggested(&numbered), Some((1, "A".to_owned())));
        numbered.note(NetworkChange::Gone("a".to_owned()));
        assert_eq!(suggested(&numbered), Some((2, "B".to_owned())));
        assert!(matches!(numbered.answer(String::new()), Answer::Found(server) if server.name == "B"));
    }
}
