//! `chat_server join`: how others join the server that runs, as it said at its start; its addresses may be others by now.

use crate::config::Config;
use crate::control::{self, Question};

/// The lines, with the QR code.
///
/// # Errors
/// One sentence: no server runs there, or nobody else can join it.
pub fn execute(config: &Config) -> Result<String, String> {
    let folder = &config.storage.path;
    let Some(lines) = control::ask(folder, &Question::ShowWaysIn {})? else {
        return Err(format!("no server runs on {}; start it, or name its folder with --data", folder.display()));
    };
    if lines.is_empty() {
        return Err("the server listens on this machine only; start it with --lan to open it to the network".to_owned());
    }
    Ok(lines.join("\n") + "\n")
}
