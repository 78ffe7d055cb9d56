//! The terminal client: a line tool for scripts, and pleasant enough for people.
//!
//! `client_core` decides everything about the conversation; this crate has the socket, the clock, the random numbers, the
//! files and the screen.

#![forbid(unsafe_code)]

mod address;
mod arguments;
mod capture;
mod certificate_trust;
mod data_folder;
mod discover;
mod disk;
mod exit_code;
mod explain;
mod full_screen;
mod input;
mod json_lines;
mod kept_conversations;
mod kept_outbox;
mod kept_passwords;
mod known_servers;
mod lan;
mod line_editor;
mod line_mode;
mod link_failure;
mod lookup;
mod network;
mod password;
mod plain_text;
mod plan;
mod preferences;
mod printable;
mod questions;
mod reach;
mod remembered_servers;
mod screen;
mod server_list;
mod signals;
mod system_keyring;
mod word_wrap;
mod zone;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arguments::{Arguments, Command};
use capture::Capture;
pub use exit_code::Exit;
/// For fuzzing: see the target `screen`.
#[doc(hidden)]
pub use full_screen::play_hostile_server;

/// The whole program: arguments in, exit code out.
pub fn run() -> ExitCode {
    let exit = match arguments::read() {
        Ok(Arguments { command: Some(Command::Discover { seconds, json }), .. }) => discover::run(seconds, json),
        Ok(Arguments { command: Some(Command::Connect(reaching)), .. }) => explain::run(&reaching),
        Ok(Arguments { command: Some(Command::Capture { with_secrets, file, rest }), .. }) => {
            captured(with_secrets, &file, rest)
        }
        Ok(arguments) => talk(arguments, None),
        Err(exit) => exit,
    };
    exit.into()
}

fn captured(with_secrets: bool, file: &Path, rest: Vec<String>) -> Exit {
    if !with_secrets {
        eprintln!(
            "The file would hold {}. If that is what you want, say chat_client capture --with-secrets FILE ...",
            capture::WARNING
        );
        return Exit::Usage;
    }
    let arguments = match arguments::read_rest(rest) {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    let capture = match Capture::create(file) {
        Ok(capture) => capture,
        Err(sentence) => {
            eprintln!("{sentence}");
            return Exit::Usage;
        }
    };
    eprintln!("Careful: {} will hold {}.", file.display(), capture::WARNING);
    let exit = talk(arguments, Some(Arc::clone(&capture)));
    match capture.in_words() {
        Ok(sentence) => eprintln!("{sentence}"),
        Err(sentence) => {
            eprintln!("{sentence}");
            return Exit::Usage;
        }
    }
    exit
}

fn talk(arguments: Arguments, capture: Option<Arc<Capture>>) -> Exit {
    let full_screen = arguments.is_full_screen();
    // As the last time: on the same servers.
    let as_before = full_screen && arguments.server.is_none() && !arguments.ask;
    // Before any question is asked.
    let preferences = if full_screen { preferences::read() } else { Ok(preferences::Preferences::default()) };
    let planned = preferences.and_then(|preferences| {
        let plan = plan::Plan::new(arguments)?;
        let others = if as_before { plan.of_the_others()? } else { Vec::new() };
        Ok((plan, others, preferences))
    });
    match planned {
        Ok((plan, others, preferences)) if full_screen => {
            full_screen::run(std::iter::once(plan).chain(others).collect(), preferences, capture)
        }
        Ok((plan, ..)) => line_mode::run(plan, capture),
        Err(sentence) => {
            eprintln!("{sentence}");
            Exit::Usage
        }
    }
}
