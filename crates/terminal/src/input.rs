//! What a person or a pipe gives us: lines, or keys. Read by a thread of its own, since reading waits.

use std::io::{self, BufRead as _, Read as _};
use std::sync::mpsc::Receiver;
use std::thread;

use crossterm::event::{self, KeyEvent};

/// A line of input that is longer comes in parts.
const LONGEST_LINE: u64 = 64 * 1024;

#[derive(Debug)]
pub enum InputEvent {
    Line(String),
    Key(KeyEvent),
    Resized {
        columns: usize,
    },
    /// Nothing more will come. A sentence when that is not how it should be.
    Ended(Option<String>),
}

/// Reads standard input by lines. One permit is used up by each, so that a fast pipe waits for a slow server.
pub fn read_lines(permits: Receiver<()>, mut report: impl FnMut(InputEvent) + Send + 'static) -> io::Result<()> {
    let read = move || {
        let mut input = io::stdin().lock();
        while permits.recv().is_ok() {
            let mut line = Vec::new();
            match input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return report(InputEvent::Ended(None)),
                Ok(_) => report(InputEvent::Line(String::from_utf8_lossy(&line).into_owned())),
                Err(error) => {
                    return report(InputEvent::Ended(Some(format!(
                        "The input cannot be read ({error}); check where it comes from."
                    ))));
                }
            }
        }
    };
    thread::Builder::new().name("input".to_owned()).spawn(read).map(drop)
}

/// Reads keys from the terminal, which is in raw mode.
pub fn read_keys(mut report: impl FnMut(InputEvent) + Send + 'static) -> io::Result<()> {
    let read = move || {
        loop {
            match event::read() {
                Ok(event::Event::Key(key)) => report(InputEvent::Key(key)),
                Ok(event::Event::Resize(columns, _)) => report(InputEvent::Resized { columns: usize::from(columns) }),
                Ok(_) => {}
                Err(error) => {
                    return report(InputEvent::Ended(Some(format!("The terminal cannot be read ({error})."))));
                }
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read).map(drop)
}
