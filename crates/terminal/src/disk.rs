//! What the screen does not wait for: a disk that takes its time. One thread writes and flushes; of what is still to be
//! written of a file only the newest is kept, so that no more waits than there are files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crate::data_folder;

/// Makes a file's whole text.
type MakeText = Box<dyn FnOnce() -> String + Send>;

#[derive(Default)]
struct Waiting {
    texts: BTreeMap<PathBuf, MakeText>,
    /// Written, but not yet sure to survive a loss of power.
    flushes: BTreeSet<PathBuf>,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

/// The end of it waits until everything is done.
pub struct Disk {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Disk {
    /// `complain` is told of what cannot be written, from the thread.
    pub fn start(complain: impl Fn(&Path, io::Error) + Send + 'static) -> io::Result<Disk> {
        let shared = Arc::new(Shared::default());
        let work = Arc::clone(&shared);
        let thread = thread::Builder::new().name("disk".to_owned()).spawn(move || work.run(&complain))?;
        Ok(Disk { shared, thread: Some(thread) })
    }

    /// A whole file that only its owner can read.
    pub fn write(&self, path: PathBuf, text: impl FnOnce() -> String + Send + 'static) {
        self.shared.add(|waiting| {
            waiting.texts.insert(path, Box::new(text));
        });
    }

    /// What has been written to that file.
    pub fn flush(&self, path: PathBuf) {
        self.shared.add(|waiting| {
            waiting.flushes.insert(path);
        });
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.shared.add(|waiting| waiting.ended = true);
        // It ends by itself; a panic there has been shown.
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

impl Shared {
    fn add(&self, add: impl FnOnce(&mut Waiting)) {
        add(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    fn run(&self, complain: &dyn Fn(&Path, io::Error)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let text = waiting.texts.pop_first();
            let flush = if text.is_none() { waiting.flushes.pop_first() } else { None };
            if text.is_none() && flush.is_none() {
                if waiting.ended {
                    return;
                }
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(waiting);
            let written = match (text, &flush) {
                (Some((path, text)), _) => data_folder::write_private(&path, &text()).map_err(|error| (path, error)),
                (None, Some(path)) => data_folder::flush(path).map_err(|error| (path.clone(), error)),
                (None, None) => Ok(()),
            };
            if let Err((path, error)) = written {
                complain(&path, error);
            }
            waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_newest_is_on_the_disk_at_the_end_and_what_cannot_be_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let (told, complaints) = mpsc::channel();
        let disk = Disk::start(move |path, _| told.send(path.to_owned()).unwrap()).unwrap();
        let (begun, first_begun) = mpsc::channel();
        let (go_on, waits) = mpsc::channel::<()>();
        disk.write(path.clone(), move || {
            begun.send(()).unwrap();
            waits.recv().unwrap();
            "first".to_owned()
        });
        first_begun.recv().unwrap();
        // While it is busy with the first one.
        disk.write(path.clone(), || panic!("nobody needs this one any more"));
        disk.write(path.clone(), || "last".to_owned());
        disk.flush(path.clone());
        disk.flush(folder.path().join("not there"));
        go_on.send(()).unwrap();
        drop(disk);
        assert_eq!(fs::read_to_string(&path).unwrap(), "last");
        assert_eq!(complaints.iter().collect::<Vec<_>>(), [folder.path().join("not there")]);
    }
}
