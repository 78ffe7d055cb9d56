//! What the exit code tells a script. The one list; `--help` prints it.

use std::process::ExitCode;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Fine = 0,
    Usage = 1,
    NoConnection = 2,
    LoginRefused = 3,
    NotPosted = 4,
    CertificateChanged = 5,
}

impl Exit {
    pub const ALL: [(Exit, &str); 6] = [
        (Exit::Fine, "all was well: everything posted was acknowledged by the server"),
        (Exit::Usage, "an argument, a file or the environment is wrong; nothing was sent"),
        (Exit::NoConnection, "the server could not be reached, or did not let the login finish"),
        (Exit::LoginRefused, "the server refused the name, the password or the new account"),
        (Exit::NotPosted, "a message or a room was refused, or a message was not acknowledged"),
        (Exit::CertificateChanged, "the server's certificate is not the one known for it"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order() {
        for (code, (exit, _)) in Exit::ALL.iter().enumerate() {
            assert_eq!(*exit as usize, code);
        }
    }
}
