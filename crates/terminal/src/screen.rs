//! Where lines go: two plain streams, or a terminal whose last line is being typed and is never overwritten.

use std::fmt;
use std::io::{self, Write};

use crossterm::event::KeyEvent;
use crossterm::terminal;
use unicode_width::UnicodeWidthStr as _;

use crate::line_editor::{KeyOutcome, LineEditor};
use crate::plain_text::Stream;
use crate::word_wrap::wrapped;

/// Back to the first column, and the line made empty (ECMA-48 EL).
const ERASE_LINE: &str = "\r\x1b[K";
/// Everything made empty, the cursor in the corner (ECMA-48 ED, CUP).
const ERASE_ALL: &str = "\x1b[2J\x1b[H";

pub struct Screen {
    output: Box<dyn Write>,
    complaints: Box<dyn Write>,
    typing: Option<Typing>,
}

/// A terminal in raw mode with a line at its bottom.
struct Typing {
    editor: LineEditor,
    /// A secret is being typed: nothing of it is shown, completed or remembered. The line above waits meanwhile.
    secret: Option<LineEditor>,
    prompt: String,
    columns: usize,
    /// The line on the screen is up to date.
    drawn: bool,
    /// The terminal is in raw mode and has to be put back.
    raw: bool,
}

impl fmt::Debug for Screen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Screen").field("typing", &self.typing.is_some()).finish_non_exhaustive()
    }
}

impl Screen {
    /// Standard output and standard error.
    pub fn of_streams() -> Screen {
        Screen { output: Box::new(io::BufWriter::new(io::stdout())), complaints: Box::new(io::stderr()), typing: None }
    }

    /// The terminal, in raw mode until this is dropped.
    pub fn of_terminal() -> io::Result<Screen> {
        terminal::enable_raw_mode()?;
        let columns = terminal::size().map_or(0, |(columns, _)| usize::from(columns));
        let typing = Typing {
            editor: LineEditor::default(),
            secret: None,
            prompt: String::new(),
            columns: known_columns(columns),
            drawn: false,
            raw: true,
        };
        Ok(Screen {
            output: Box::new(io::BufWriter::new(io::stdout())),
            complaints: Box::new(io::sink()),
            typing: Some(typing),
        })
    }

    /// Writes a line, or a message of several; `flush` makes it seen.
    pub fn print(&mut self, stream: Stream, line: &str) -> io::Result<()> {
        match (&mut self.typing, stream) {
            (Some(typing), _) => {
                typing.drawn = false;
                self.output.write_all(ERASE_LINE.as_bytes())?;
                for part in line.split('\n').flat_map(|line| wrapped(line, typing.columns)) {
                    write!(self.output, "{part}\r\n")?;
                }
                Ok(())
            }
            (None, Stream::Output) => writeln!(self.output, "{line}"),
            (None, Stream::Complaint) => {
                // In the order in which they happened, where both streams go to the same place.
                self.output.flush()?;
                writeln!(self.complaints, "{line}")
            }
        }
    }

    /// Shows what was printed, and the line being typed below it.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(typing) = &mut self.typing
            && !typing.drawn
        {
            let room = typing.columns.saturating_sub(typing.prompt.width() + 1);
            let (seen, column) = match typing.secret {
                Some(_) => (String::new(), 0),
                None => typing.editor.view(room),
            };
            write!(self.output, "{ERASE_LINE}{}{seen}\r", typing.prompt)?;
            let column = typing.prompt.width() + column;
            if column > 0 {
                write!(self.output, "\x1b[{column}C")?;
            }
            typing.drawn = true;
        }
        self.output.flush()
    }

    /// Nobody reads the output any more; nothing is written from now on.
    pub fn discard_output(&mut self) {
        self.output = Box::new(io::sink());
    }

    /// What stands before the line being typed.
    pub fn change_prompt(&mut self, prompt: &str) {
        if let Some(typing) = &mut self.typing
            && typing.prompt != prompt
        {
            prompt.clone_into(&mut typing.prompt);
            typing.drawn = false;
        }
    }

    /// The next line entered is a secret.
    pub fn ask_secret(&mut self) {
        if let Some(typing) = &mut self.typing {
            typing.secret = Some(LineEditor::default());
            typing.drawn = false;
        }
    }

    pub fn asks_secret(&self) -> bool {
        self.typing.as_ref().is_some_and(|typing| typing.secret.is_some())
    }

    /// The secret has been typed, and is no line of the conversation.
    pub fn secret_typed(&mut self) {
        if let Some(typing) = &mut self.typing {
            typing.secret = None;
            typing.drawn = false;
        }
    }

    pub fn resized(&mut self, columns: usize) {
        if let Some(typing) = &mut self.typing {
            typing.columns = known_columns(columns);
            typing.drawn = false;
        }
    }

    pub fn key(&mut self, key: KeyEvent) -> io::Result<KeyOutcome> {
        let Some(typing) = &mut self.typing else {
            return Ok(KeyOutcome::Nothing);
        };
        let outcome = typing.secret.as_mut().unwrap_or(&mut typing.editor).key(key);
        if outcome != KeyOutcome::Nothing {
            typing.drawn = false;
        }
        if outcome == KeyOutcome::ClearScreen {
            self.output.write_all(ERASE_ALL.as_bytes())?;
        }
        Ok(outcome)
    }

    pub fn complete(&mut self, name: &str) {
        if let Some(typing) = &mut self.typing
            && typing.secret.is_none()
        {
            typing.editor.complete(name);
            typing.drawn = false;
        }
    }
}

/// A terminal that does not know its own width says 0.
fn known_columns(columns: usize) -> usize {
    if columns == 0 { 80 } else { columns }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(typing) = &self.typing {
            // Nothing is left to tell it to when this fails.
            let _ = self.output.write_all(ERASE_LINE.as_bytes()).and_then(|()| self.output.flush());
            if typing.raw {
                let _ = terminal::disable_raw_mode();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Sink(Rc<RefCell<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink {
        fn take(&self) -> String {
            String::from_utf8(self.0.take()).unwrap()
        }
    }

    #[test]
    fn incoming_lines_go_above_the_line_being_typed() {
        let sink = Sink::default();
        let typing = Typing {
            editor: LineEditor::default(),
            secret: None,
            prompt: "#tea> ".to_owned(),
            columns: 20,
            drawn: false,
            raw: false,
        };
        let mut screen =
            Screen { output: Box::new(sink.clone()), complaints: Box::new(io::sink()), typing: Some(typing) };
        for c in "hi".chars() {
            screen.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)).unwrap();
        }
        screen.flush().unwrap();
        assert_eq!(sink.take(), "\r\x1b[K#tea> hi\r\x1b[8C");
        screen.print(Stream::Output, "12:34 bob: hello").unwrap();
        screen.print(Stream::Complaint, "12:34 ! no").unwrap();
        screen.flush().unwrap();
        assert_eq!(sink.take(), "\r\x1b[K12:34 bob: hello\r\n\r\x1b[K12:34 ! no\r\n\r\x1b[K#tea> hi\r\x1b[8C");
        screen.flush().unwrap();
        assert_eq!(sink.take(), "", "nothing new, nothing drawn");
        screen.resized(9);
        screen.flush().unwrap();
        assert_eq!(sink.take(), "\r\x1b[K#tea> i\r\x1b[7C");
    }

    #[test]
    fn streams_are_plain() {
        let (output, complaints) = (Sink::default(), Sink::default());
        let mut screen =
            Screen { output: Box::new(output.clone()), complaints: Box::new(complaints.clone()), typing: None };
        screen.print(Stream::Output, "said").unwrap();
        screen.print(Stream::Complaint, "refused").unwrap();
        screen.change_prompt("#tea> ");
        screen.flush().unwrap();
        assert_eq!((output.take().as_str(), complaints.take().as_str()), ("said\n", "refused\n"));
    }
}
