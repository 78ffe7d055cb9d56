//! Passwords of accounts, kept so that the next time is without questions: in the system's keyring, and where there is none
//! in a file that only its owner can read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client_core::Password;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::data_folder;
use crate::system_keyring;

pub use crate::system_keyring::Owner;

/// How long the keyring may have its owner unlock it.
const TO_UNLOCK: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// `host:port`.
    address: String,
    name: String,
    password: String,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    account: Vec<Line>,
}

fn path() -> Option<PathBuf> {
    data_folder::path().map(|folder| folder.join("passwords.toml"))
}

/// Where a password is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    InKeyring,
    InFile(PathBuf),
    /// As it was before.
    Already,
}

/// The file's, which is there at once. The error is a sentence.
pub fn find_in_file(owner: &Owner) -> Result<Option<Password>, String> {
    path().map_or(Ok(None), |path| find_in(&path, &owner.address, &owner.name))
}

/// May take as long as a person takes to unlock a keyring.
pub fn find_in_keyring(owner: &Owner) -> Option<Password> {
    system_keyring::find(owner, TO_UNLOCK)
}

/// Keeps it in place of an older one. May take as long as a person takes to unlock a keyring. The error is a sentence.
pub fn keep(owner: &Owner, password: &Password, keyring: bool) -> Result<Kept, String> {
    if keyring && system_keyring::keep(owner, password, TO_UNLOCK) {
        forget_in_file(owner)?;
        return Ok(Kept::InKeyring);
    }
    let Some(path) = path() else { return Ok(Kept::Already) };
    let is_new = change_in(&path, &owner.address, &owner.name, Some(password))?;
    Ok(if is_new { Kept::InFile(path) } else { Kept::Already })
}

/// From the file to the keyring, if there is one by now that needs no unlocking. The error is a sentence.
pub fn move_to_keyring(owner: &Owner, password: &Password) -> Result<Kept, String> {
    if !system_keyring::keep(owner, password, Duration::ZERO) {
        return Ok(Kept::Already);
    }
    forget_in_file(owner)?;
    Ok(Kept::InKeyring)
}

/// It was wrong. The error is a sentence.
pub fn forget(owner: &Owner, keyring: bool) -> Result<(), String> {
    if keyring {
        system_keyring::forget(owner, Duration::ZERO);
    }
    forget_in_file(owner)
}

fn forget_in_file(owner: &Owner) -> Result<(), String> {
    path().map_or(Ok(false), |path| change_in(&path, &owner.address, &owner.name, None)).map(drop)
}

fn find_in(path: &Path, address: &str, name: &str) -> Result<Option<Password>, String> {
    let file = read_from(path)?;
    let kept = file.account.iter().find(|kept| kept.address == address && kept.name == name);
    Ok(kept.map(|kept| Password::new(kept.password.as_str())))
}

/// Whether anything changed.
fn change_in(path: &Path, address: &str, name: &str, password: Option<&Password>) -> Result<bool, String> {
    let mut file = read_from(path)?;
    let kept = file.account.iter().find(|kept| kept.address == address && kept.name == name);
    if kept.map(|kept| kept.password.as_str()) == password.map(Password::reveal) {
        return Ok(false);
    }
    file.account.retain(|kept| !(kept.address == address && kept.name == name));
    if let Some(password) = password {
        let password = password.reveal().to_owned();
        file.account.push(Line { address: address.to_owned(), name: name.to_owned(), password });
    }
    let cannot =
        |error: String| format!("The passwords in {} cannot be changed ({error}); check its folder.", path.display());
    let text = Zeroizing::new(toml::to_string(&file).map_err(|error| cannot(error.to_string()))?);
    let text = Zeroizing::new(format!("# Passwords that chat_client knows. Keep this file to yourself.\n\n{}", *text));
    data_folder::write_private(path, &text).map_err(|error| cannot(error.to_string()))?;
    Ok(true)
}

fn read_from(path: &Path) -> Result<File, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(format!("The passwords in {} cannot be read ({error}).", path.display())),
    };
    // The parser's own sentence would show a line of the file.
    toml::from_str(&text)
        .map_err(|_| format!("The passwords in {} are not understood; correct or remove that file.", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_changed_and_forgotten_and_nobody_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlor").join("passwords.toml");
        let found = |name: &str| find_in(&path, "a:1", name).unwrap().map(|password| password.reveal().to_owned());
        assert_eq!(found("alice"), None);
        assert_eq!(change_in(&path, "a:1", "alice", Some(&Password::new("one \"two\""))), Ok(true));
        assert_eq!(change_in(&path, "a:1", "bob", Some(&Password::new("three"))), Ok(true));
        assert_eq!(change_in(&path, "a:1", "bob", Some(&Password::new("three"))), Ok(false));
        assert_eq!((found("alice").as_deref(), found("bob").as_deref()), (Some("one \"two\""), Some("three")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(change_in(&path, "a:1", "alice", None), Ok(true));
        assert_eq!((found("alice"), found("bob").as_deref()), (None, Some("three")));
    }

    #[test]
    fn a_broken_file_is_named_and_its_content_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords.toml");
        fs::write(&path, "password = sesame").unwrap();
        let Err(error) = find_in(&path, "a:1", "alice") else { panic!("it is no TOML") };
        assert!(error.contains("not understood") && !error.contains("sesame"), "{error}");
    }
}
