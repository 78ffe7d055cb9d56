//! What was said and done, kept while someone wants to read it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// Shared by all who write to it. Off, it costs nothing: what would be written is not even put together.
#[derive(Clone, Debug, Default)]
pub struct Transcript(Option<Rc<RefCell<Lines>>>);

#[derive(Debug)]
struct Lines {
    kept: VecDeque<String>,
    most: usize,
    aloud: bool,
}

impl Transcript {
    pub fn off() -> Transcript {
        Transcript(None)
    }

    /// Keeps the last `most` lines; `aloud`: says each on standard output as well.
    pub fn of(most: usize, aloud: bool) -> Transcript {
        Transcript(Some(Rc::new(RefCell::new(Lines { kept: VecDeque::new(), most, aloud }))))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub fn note(&self, line: fmt::Arguments<'_>) {
        let Some(lines) = &self.0 else { return };
        let mut lines = lines.borrow_mut();
        let line = line.to_string();
        if lines.aloud {
            println!("{line}");
        }
        if lines.kept.len() >= lines.most {
            lines.kept.pop_front();
        }
        lines.kept.push_back(line);
    }

    pub fn kept(&self) -> Vec<String> {
        self.0.as_ref().map_or_else(Vec::new, |lines| lines.borrow().kept.iter().cloned().collect())
    }
}
