//! What the system tells the process: to end, or to read its configuration again.

use crate::ServerEvent;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGTERM, or SIGINT (Ctrl-C); or SIGHUP because the terminal in which the server was started has been closed.
    Terminate,
    /// SIGHUP.
    Reload,
}

/// Sends signals to the main thread from now on.
pub fn watch(events: Sender<ServerEvent>) -> io::Result<()> {
    // A file that may not grow any more (RLIMIT_FSIZE, `ulimit -f`) is a failed write like another one, for the store to see
    // to; unheard the signal would end the process.
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let had_terminal = io::stdin().is_terminal();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            // A terminal that is gone is none any more. Whoever closes its window means to end what runs in it, and would
            // not think of a server that holds the ports from now on unseen.
            let terminal_closed = had_terminal && !io::stdin().is_terminal();
            let signal = if signal == SIGHUP && !terminal_closed { Signal::Reload } else { Signal::Terminate };
            if events.send(ServerEvent::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
