//! What the system tells the process: to end, or to read its configuration again.

use crate::ServerEvent;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::Sender;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGTERM, or SIGINT (Ctrl-C).
    Terminate,
    /// SIGHUP.
    Reload,
}

/// Sends signals to the main thread from now on.
pub fn watch(events: Sender<ServerEvent>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let signal = if signal == SIGHUP { Signal::Reload } else { Signal::Terminate };
            if events.send(ServerEvent::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
