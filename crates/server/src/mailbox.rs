//! What crosses threads: a list behind a lock that the receiver takes whole, once a turn, and one wake-up for it.
//!
//! The lock is held for an append or a swap, never while anything is worked on.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The receiving end of one thread. Senders append batches; the length may be read without the lock, so that a sender
/// can hold back before the bound (`limits.rs`) is passed.
#[derive(Debug)]
pub struct Mailbox<T> {
    items: Mutex<Vec<T>>,
    length: AtomicUsize,
    /// Set by the first sender since the last take: only it wakes the receiver.
    signalled: AtomicBool,
    wake: Wake,
}

#[derive(Debug)]
enum Wake {
    /// The receiver waits in an event loop.
    Poll(Arc<mio::Waker>),
    /// The receiver waits here.
    Condition(Condvar),
}

impl<T> Mailbox<T> {
    pub fn for_event_loop(waker: Arc<mio::Waker>) -> Mailbox<T> {
        Mailbox::new(Wake::Poll(waker))
    }

    pub fn for_waiting_thread() -> Mailbox<T> {
        Mailbox::new(Wake::Condition(Condvar::new()))
    }

    fn new(wake: Wake) -> Mailbox<T> {
        Mailbox { items: Mutex::new(Vec::new()), length: AtomicUsize::new(0), signalled: AtomicBool::new(false), wake }
    }

    /// Appends all of `batch`, leaving it empty with its allocation.
    pub fn append(&self, batch: &mut Vec<T>) {
        if batch.is_empty() {
            return;
        }
        let mut items = self.lock();
        if items.is_empty() {
            std::mem::swap(&mut *items, batch);
        } else {
            items.append(batch);
        }
        self.length.store(items.len(), Ordering::Relaxed);
        drop(items);
        self.wake();
    }

    pub fn push(&self, item: T) {
        let mut items = self.lock();
        items.push(item);
        self.length.store(items.len(), Ordering::Relaxed);
        drop(items);
        self.wake();
    }

    /// Items that wait, as of a moment ago.
    pub fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wakes the receiver, whether or not there is an item.
    pub fn wake(&self) {
        if !self.signalled.swap(true, Ordering::AcqRel) {
            match &self.wake {
                // A full or broken wake-up pipe means that the receiver is awake or gone.
                Wake::Poll(waker) => drop(waker.wake()),
                Wake::Condition(condition) => {
                    // The lock orders this with the receiver's check, so the notice can't fall between check and wait.
                    drop(self.lock());
                    condition.notify_one();
                }
            }
        }
    }

    /// Takes everything into `taken`, which must be empty; its allocation is what senders append to next.
    pub fn take(&self, taken: &mut Vec<T>) {
        self.signalled.store(false, Ordering::Release);
        let mut items = self.lock();
        std::mem::swap(&mut *items, taken);
        self.length.store(0, Ordering::Relaxed);
    }

    /// For a waiting thread: as [`Mailbox::take`], after waiting for an item or a wake-up, at most `patience`.
    pub fn wait_and_take(&self, taken: &mut Vec<T>, patience: Duration) {
        if let Wake::Condition(condition) = &self.wake {
            let items = self.lock();
            if items.is_empty() && !self.signalled.load(Ordering::Acquire) {
                drop(condition.wait_timeout(items, patience).unwrap_or_else(PoisonError::into_inner));
            }
        }
        self.take(taken);
    }

    /// For a waiting thread that takes nothing now: waits for the next wake-up, at most `patience`.
    pub fn wait(&self, patience: Duration) {
        if let Wake::Condition(condition) = &self.wake {
            let items = self.lock();
            if !self.signalled.load(Ordering::Acquire) {
                drop(condition.wait_timeout(items, patience).unwrap_or_else(PoisonError::into_inner));
            }
        }
        self.signalled.store(false, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        // A thread that panicked while appending has left whole items; go on with them.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_sent_by_several_threads_arrives_once_and_in_each_senders_order() {
        let mailbox = Arc::new(Mailbox::for_waiting_thread());
        let senders: Vec<_> = (0..4u32)
            .map(|sender| {
                let mailbox = mailbox.clone();
                std::thread::spawn(move || {
                    for n in 0..5_000u32 {
                        if n % 3 == 0 {
                            mailbox.push((sender, n));
                        } else {
                            mailbox.append(&mut vec![(sender, n)]);
                        }
                    }
                })
            })
            .collect();
        let begun = std::time::Instant::now();
        let mut seen = [0u32; 4];
        let mut taken = Vec::new();
        while seen.iter().sum::<u32>() < 20_000 {
            mailbox.wait_and_take(&mut taken, Duration::from_secs(10));
            // A sender may wake the receiver for what an earlier take has brought already.
            assert!(begun.elapsed() < Duration::from_secs(10), "{seen:?} is all that came");
            for (sender, n) in taken.drain(..) {
                assert_eq!(seen[sender as usize], n);
                seen[sender as usize] += 1;
            }
        }
        for sender in senders {
            sender.join().expect("a sender panicked");
        }
    }

    #[test]
    fn a_wake_up_before_the_wait_is_not_lost() {
        let mailbox = Mailbox::<()>::for_waiting_thread();
        mailbox.wake();
        let begun = std::time::Instant::now();
        mailbox.wait_and_take(&mut Vec::new(), Duration::from_secs(10));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
