//! Where a password comes from: a file, the environment, or a question whose answer is not shown. Never an argument,
//! which every process of the machine could read.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use client_core::Password;
use zeroize::Zeroizing;

/// The password for an account, if there is one without asking. The error is a sentence.
pub fn given(file: Option<&Path>) -> Result<Option<Password>, String> {
    if let Some(file) = file {
        return from_file(file).map(Some);
    }
    from_environment("PARLOR_PASSWORD")
}

/// The server's own password.
pub fn of_server() -> Result<Option<Password>, String> {
    from_environment("PARLOR_SERVER_PASSWORD")
}

/// Asks without showing the answer. Empty is an answer too. The error is a sentence.
pub fn ask(question: &str) -> Result<Password, String> {
    let _quiet = Quiet::begin();
    rpassword::prompt_password(question)
        .map(Password::new)
        .map_err(|_| "There is no terminal to ask for the password on; use --password-file FILE, set PARLOR_PASSWORD, or come with --guest.".to_owned())
}

/// Asks twice, for a new account.
pub fn ask_new(name: &str) -> Result<Password, String> {
    let first = Zeroizing::new(prompt_twice_part(&format!("New password for {name}: "))?);
    let second = Zeroizing::new(prompt_twice_part("The same again: ")?);
    if first.is_empty() {
        return Err("An account needs a password; run the same command again and type one.".to_owned());
    }
    if *first != *second {
        return Err("The two passwords are not the same; run the same command again.".to_owned());
    }
    Ok(Password::new(first.as_str()))
}

fn prompt_twice_part(question: &str) -> Result<String, String> {
    let _quiet = Quiet::begin();
    rpassword::prompt_password(question).map_err(|_| {
        "There is no terminal to ask for the new password on; use --password-file FILE or set PARLOR_PASSWORD."
            .to_owned()
    })
}

/// Nothing that is typed is shown while this is there. rpassword turns the echo off only behind its question, and who has
/// read that may be quicker.
struct Quiet {
    #[cfg(unix)]
    before: Option<(fs::File, rustix::termios::Termios)>,
}

impl Quiet {
    #[cfg(unix)]
    fn begin() -> Quiet {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let quiet = || {
            let terminal = fs::OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
            let before = tcgetattr(&terminal).ok()?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&terminal, OptionalActions::Now, &quiet).ok()?;
            Some((terminal, before))
        };
        Quiet { before: quiet() }
    }

    #[cfg(not(unix))]
    fn begin() -> Quiet {
        Quiet {}
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some((terminal, before)) = &self.before {
            // A terminal that is gone needs no echo.
            let _ = tcsetattr(terminal, OptionalActions::Now, before);
        }
    }
}

fn from_file(file: &Path) -> Result<Password, String> {
    let text = fs::read_to_string(file).map(Zeroizing::new).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::PermissionDenied => "you may not read it".to_owned(),
            ErrorKind::IsADirectory => "it is a folder".to_owned(),
            ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
            _ => error.to_string(),
        };
        format!("The password file {} cannot be read ({why}); check its name and permissions.", file.display())
    })?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Password::new(line)),
        _ => Err(format!("The first line of the password file {} is empty; write the password there.", file.display())),
    }
}

fn from_environment(name: &str) -> Result<Option<Password>, String> {
    match env::var(name) {
        Ok(text) if !text.is_empty() => Ok(Some(Password::new(text))),
        Ok(_) | Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("The environment variable {name} is not UTF-8; set it anew.")),
    }
}
