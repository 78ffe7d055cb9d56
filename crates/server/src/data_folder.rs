//! The folder in which a server keeps everything, and the lock by which it has it for itself.

use crate::store;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Holds the lock, and names its holder. Stays when the server is gone: removing it would race with the next one.
const LOCK: &str = "lock";

/// How often to look whether the folder is free. Nothing tells another process that a lock is given up.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The data folder, held by this process alone until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// The operating system's lock goes with it.
    _lock: File,
}

/// Why the folder can't be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DataFolderError {
    /// Another process has it; its number, if it has written one down.
    InUse { path: PathBuf, process: Option<u32> },
    /// It can't be made or written; `what` is the folder or the file in it.
    Unusable { what: PathBuf, detail: String },
}

impl DataFolder {
    /// Takes the folder, and makes it if it is not there, for its owner alone.
    ///
    /// # Errors
    /// When another process has it, or it can't be made or written.
    pub fn open(path: &Path) -> Result<DataFolder, DataFolderError> {
        make_folder(path).map_err(|error| DataFolderError::unusable(path, &error))?;
        let lock_path = path.join(LOCK);
        let unusable = |error: io::Error| DataFolderError::unusable(&lock_path, &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut lock = store::only_for_owner(&mut options).open(&lock_path).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // What can't be read or understood is no reason to say less than that the folder is in use.
                let _ = lock.take(20).read_to_string(&mut text);
                let process = text.trim().parse().ok();
                return Err(DataFolderError::InUse { path: path.to_owned(), process });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let note = format!("{}\n", std::process::id());
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| lock.write_all(note.as_bytes()))
            .map_err(unusable)?;
        Ok(DataFolder { path: path.to_owned(), _lock: lock })
    }

    /// The same, but another process that ends within `patience` is waited for: a server that is just stopping, or a
    /// command about accounts, which takes a moment.
    ///
    /// # Errors
    /// As [`DataFolder::open`].
    pub fn open_when_free(path: &Path, patience: Duration) -> Result<DataFolder, DataFolderError> {
        let begun = Instant::now();
        loop {
            match DataFolder::open(path) {
                Err(DataFolderError::InUse { .. }) if begun.elapsed() < patience => std::thread::sleep(LOOK_AGAIN),
                outcome => return outcome,
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is.
    pub fn database(&self) -> PathBuf {
        self.path.join(store::DATABASE)
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    store::flush_folder(path)
}

impl DataFolderError {
    fn unusable(what: &Path, error: &io::Error) -> DataFolderError {
        let detail = match error.kind() {
            ErrorKind::PermissionDenied => "this user may not write there".to_owned(),
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "a file is in its place".to_owned(),
            ErrorKind::IsADirectory => "a folder is in its place".to_owned(),
            ErrorKind::ReadOnlyFilesystem => "it is on a disk that can only be read".to_owned(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "there is no space left".to_owned(),
            _ => error.to_string(),
        };
        DataFolderError::Unusable { what: what.to_owned(), detail }
    }
}

impl fmt::Display for DataFolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataFolderError::InUse { path, process } => {
                write!(f, "the data folder {} is in use by another chat_server", path.display())?;
                if let Some(process) = process {
                    write!(f, " (process {process})")?;
                }
                write!(f, "; stop that one, or give this one a folder of its own with storage.path or --data")
            }
            DataFolderError::Unusable { what, detail } => {
                write!(
                    f,
                    "{} can't be used ({detail}); choose another folder with storage.path or --data, or give this user \
                     the right to write it",
                    what.display()
                )
            }
        }
    }
}

impl std::error::Error for DataFolderError {}

impl From<DataFolderError> for String {
    fn from(error: DataFolderError) -> String {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_is_made_for_its_owner_alone() {
        let around = tempfile::tempdir().expect("a folder");
        let path = around.path().join("some/where");
        let folder = DataFolder::open(&path).expect("made");
        assert_eq!(folder.database(), path.join("parlor.db"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join(LOCK))), (0o700, 0o600));
        }
    }

    #[test]
    fn a_folder_in_use_is_refused_until_it_is_free() {
        let around = tempfile::tempdir().expect("a folder");
        let held = DataFolder::open(around.path()).expect("free");
        let refused = DataFolder::open(around.path()).expect_err("in use");
        let process = Some(std::process::id());
        assert_eq!(refused, DataFolderError::InUse { path: around.path().to_owned(), process });
        let sentence = refused.to_string();
        assert!(sentence.contains(&around.path().display().to_string()), "{sentence}");
        assert!(sentence.contains(&std::process::id().to_string()), "{sentence}");
        drop(held);
        let held = DataFolder::open(around.path()).expect("free again");
        fs::write(around.path().join(LOCK), "no number").expect("written");
        let refused = DataFolder::open(around.path()).expect_err("in use");
        assert_eq!(refused, DataFolderError::InUse { path: around.path().to_owned(), process: None });
        drop(held);
    }

    #[test]
    fn a_folder_that_becomes_free_in_time_is_taken() {
        let around = tempfile::tempdir().expect("a folder");
        let held = DataFolder::open(around.path()).expect("free");
        let refused = DataFolder::open_when_free(around.path(), LOOK_AGAIN).expect_err("in use");
        assert!(matches!(refused, DataFolderError::InUse { .. }));
        let path = around.path().to_owned();
        let waiting = std::thread::spawn(move || DataFolder::open_when_free(&path, Duration::from_secs(60)).is_ok());
        drop(held);
        assert!(waiting.join().expect("no panic"));
    }

    #[test]
    fn a_file_in_the_folders_place_is_named() {
        let around = tempfile::tempdir().expect("a folder");
        let path = around.path().join("file");
        fs::write(&path, "").expect("written");
        for path in [path.clone(), path.join("below")] {
            let sentence = DataFolder::open(&path).expect_err("no folder").to_string();
            assert!(sentence.contains("a file is in its place"), "{sentence}");
        }
    }
}
