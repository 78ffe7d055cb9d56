//! Signals that ask the program to end: the first politely, the second at once.

use std::io;

/// Calls `report` when SIGINT, SIGTERM or SIGHUP comes. The second one ends the process, as if it had not been caught.
#[cfg(unix)]
pub fn watch(mut report: impl FnMut() + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let wait = move || {
        let mut asked = false;
        for signal in signals.forever() {
            if asked {
                // A shell reads 128 and the number as "ended by that signal". A terminal in raw mode would be of no use
                // to it.
                let _ = crossterm::terminal::disable_raw_mode();
                std::process::exit(128 + signal);
            }
            asked = true;
            report();
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// Other systems end the process by themselves.
#[cfg(not(unix))]
pub fn watch(_report: impl FnMut() + Send + 'static) -> io::Result<()> {
    Ok(())
}
