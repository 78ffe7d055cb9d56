//! Where a server that dies and starts again is just now, for everyone who wants to come back to it.

use std::sync::{Condvar, Mutex};

/// `T`: how the server can be reached.
pub struct Whereabouts<T> {
    now: Mutex<Now<T>>,
    changed: Condvar,
}

struct Now<T> {
    place: Option<T>,
    /// Nobody says anything new.
    over: bool,
}

impl<T: Copy> Whereabouts<T> {
    pub fn new(place: T) -> Whereabouts<T> {
        Whereabouts { now: Mutex::new(Now { place: Some(place), over: false }), changed: Condvar::new() }
    }

    pub fn set(&self, place: Option<T>) {
        self.now.lock().expect("lock").place = place;
        self.changed.notify_all();
    }

    pub fn end(&self) {
        self.now.lock().expect("lock").over = true;
        self.changed.notify_all();
    }

    pub fn is_over(&self) -> bool {
        self.now.lock().expect("lock").over
    }

    /// Waits until there is a server. `None`: it is over.
    pub fn find(&self) -> Option<T> {
        let mut now = self.now.lock().expect("lock");
        loop {
            match *now {
                Now { over: true, .. } => return None,
                Now { place: Some(place), .. } => return Some(place),
                _ => now = self.changed.wait(now).expect("lock"),
            }
        }
    }
}
