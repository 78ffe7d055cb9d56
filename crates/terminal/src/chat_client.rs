//! `chat_client`: talk in the rooms of a parlor server, or of any IRC server, from a terminal or a script.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    terminal::run()
}
