//! Signals that ask the program to end: the first politely, the second at once.

use std::io;

/// Calls `report` when SIGINT, SIGTERM or SIGHUP comes. The second one calls `restore` and ends the process, as if it had
/// not been caught.
#[cfg(unix)]
pub fn watch(mut report: impl FnMut() + Send + 'static, restore: impl Fn() + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let (told, asked) = std::sync::mpsc::sync_channel(1);
    let wait = move || {
        let mut is_asked = false;
        for signal in signals.forever() {
            if is_asked {
                // A shell reads 128 and the number as "ended by that signal". A terminal in raw mode would be of no use
                // to it.
                restore();
                std::process::exit(128 + signal);
            }
            is_asked = true;
            // `report` may wait for a loop that is stuck; the second signal does not.
            let _ = told.try_send(());
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    let tell = move || {
        while asked.recv().is_ok() {
            report();
        }
    };
    std::thread::Builder::new().name("goodbye".to_owned()).spawn(tell).map(drop)
}

/// Other systems end the process by themselves.
#[cfg(not(unix))]
pub fn watch(_report: impl FnMut() + Send + 'static, _restore: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// Writes to the terminal past whatever this process has locked, and gives up rather than wait for it.
#[cfg(unix)]
pub fn write_to_terminal(bytes: &[u8]) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits();
    let terminal = std::fs::OpenOptions::new().write(true).custom_flags(flags.cast_signed()).open("/dev/tty");
    if let Ok(mut terminal) = terminal {
        let _ = terminal.write_all(bytes);
    }
}

#[cfg(not(unix))]
pub fn write_to_terminal(_bytes: &[u8]) {}
