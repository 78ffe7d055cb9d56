//! Where this program keeps what it remembers: the platform's folder for a user's data.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `parlor` in the folder for data: `$XDG_DATA_HOME` or `~/.local/share` (XDG Base Directory Specification),
/// `~/Library/Application Support` on macOS, `%APPDATA%` on Windows. `None` when the environment names none.
pub fn path() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        absolute("APPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("parlor"))
}

/// Writes a whole file that only its owner can read, so that a crash leaves the old one or the new one.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    replace_private(path, text, fs::File::sync_all)
}

/// The same, for whoever cannot wait for the disk: it survives the end of this program, and once it is flushed the machine's.
pub fn write_private_soon(path: &Path, text: &str) -> io::Result<()> {
    replace_private(path, text, |_| Ok(()))
}

/// Waits until what has been written to a file is on the disk.
pub fn flush(path: &Path) -> io::Result<()> {
    // For writing, without which Windows flushes nothing.
    fs::OpenOptions::new().write(true).open(path)?.sync_all()
}

fn replace_private(path: &Path, text: &str, flush: impl FnOnce(&fs::File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_private_folder(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    remove_old_drafts(folder, &name);
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = private_file().write(true).create(true).truncate(true).open(&draft)?;
        file.write_all(text.as_bytes())?;
        flush(&file)?;
        fs::rename(&draft, path)
    })();
    if written.is_err() {
        // What is left of the draft is of no use; the first error is the one to be told.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// A draft is there for a moment. One that is old is of a program that was ended in that moment.
const DRAFT_IS_OLD: Duration = Duration::from_secs(60);

/// Of one file, by whichever process they were written; nobody waits for it to succeed.
fn remove_old_drafts(folder: &Path, name: &str) {
    let is_draft = |file: &fs::DirEntry| {
        let of_file =
            file.file_name().to_str()?.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.')?.parse::<u32>().ok();
        of_file.filter(|_| {
            file.metadata()
                .and_then(|facts| facts.modified())
                .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > DRAFT_IS_OLD))
        })
    };
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_draft(&file).is_some() {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Adds text to the end of a file that only its owner can read, in one write, so that two programs do not mix.
pub fn append_private(path: &Path, text: &str) -> io::Result<()> {
    create_private_folder(path.parent().unwrap_or(Path::new(".")))?;
    let mut file = private_file().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn private_file() -> fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private_file() -> fs::OpenOptions {
    fs::OpenOptions::new()
}

#[cfg(unix)]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn what_an_ended_program_left_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        let hour = SystemTime::now() - Duration::from_secs(3_600);
        // The last three are another program's that is writing just now, another file's, and nobody's draft.
        for (name, is_old) in [(".a.json.77", true), (".a.json.78", false), (".b.json.77", true), (".a.json.txt", true)]
        {
            fs::write(folder.path().join(name), "half").unwrap();
            if is_old {
                fs::File::options().write(true).open(folder.path().join(name)).unwrap().set_modified(hour).unwrap();
            }
        }
        write_private(&folder.path().join("a.json"), "whole").unwrap();
        let mut left: Vec<String> =
            fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [".a.json.78", ".a.json.txt", ".b.json.77", "a.json"]);
    }
}
