//! A value that a reload replaces while others use it.

use std::sync::{Arc, Mutex, PoisonError};

/// The value as of now. Whoever needs it takes a reference and keeps it for one piece of work (an accept, a request);
/// the next piece sees what a reload has put here meanwhile. The lock is held for a pointer's copy only, and never
/// taken on the message path.
#[derive(Debug)]
pub struct Current<T>(Mutex<Arc<T>>);

impl<T> Current<T> {
    pub fn new(value: T) -> Current<T> {
        Current(Mutex::new(Arc::new(value)))
    }

    pub fn load(&self) -> Arc<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_value_stays_with_those_who_hold_it() {
        let current = Current::new(1);
        let held = current.load();
        current.replace(2);
        assert_eq!((*held, *current.load()), (1, 2));
    }
}
