//! The log: readable lines on standard error, a level that a reload can change, and a limit on saying the same thing.
//!
//! Whoever logs names no secret; `config::Secret` hides itself. What a client sent is logged in its `Debug` form only,
//! so that it cannot forge a line or send escape sequences to a terminal.

use crate::config::LogLevel;
use crate::limits::COMPLAINT_INTERVAL;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

/// Changes the level of the log that [`start`] has set up.
#[derive(Clone, Debug)]
pub struct LogControl(Option<reload::Handle<EnvFilter, tracing_subscriber::Registry>>);

impl LogControl {
    pub fn set_level(&self, level: LogLevel) {
        if let Some(handle) = &self.0 {
            // Fails only when the subscriber is gone, and then nothing is logged any more.
            let _ = handle.reload(filter(level));
        }
    }
}

/// Sets up the process's log. A second call changes nothing, so that tests may start several servers in one process.
pub fn start(level: LogLevel) -> LogControl {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let subscriber = tracing_subscriber::registry().with(filter);
    // The journal of systemd stamps each line itself.
    let started = if std::env::var_os("JOURNAL_STREAM").is_some() {
        subscriber.with(lines.without_time().with_ansi(false)).try_init()
    } else {
        let colours = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
        subscriber.with(lines.with_ansi(colours)).try_init()
    };
    LogControl(started.is_ok().then_some(handle))
}

/// Ours at the level asked for; the libraries only when something is wrong, or for `trace`. What rustls warns of is what
/// peers do wrong, once each time: thousands of lines for whoever wants to fill the log, and we count them ourselves.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn,rustls=error",
        LogLevel::Info => "warn,rustls=error,server=info,chat_server=info,session=info,chat=info",
        LogLevel::Debug => "warn,rustls=error,server=debug,chat_server=debug,session=debug,chat=debug",
        LogLevel::Trace => "trace",
    })
}

/// Something that may go wrong again and again, by the thousand when someone means harm: said at most once in
/// [`COMPLAINT_INTERVAL`], with how often it was left out since.
///
/// ```text
/// static BAD_HANDSHAKE: RepeatedComplaint = RepeatedComplaint::new();
/// BAD_HANDSHAKE.say(|left_out| tracing::warn!("a TLS handshake failed: {error}{left_out}"));
/// ```
#[derive(Debug, Default)]
pub struct RepeatedComplaint(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    left_out: u64,
}

/// How often the complaint was left out since it was last said: nothing, or " (and 12 more like it)".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeftOut(pub u64);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            times => write!(f, " (and {times} more like it)"),
        }
    }
}

impl RepeatedComplaint {
    pub const fn new() -> RepeatedComplaint {
        RepeatedComplaint(Mutex::new(Said { last: None, left_out: 0 }))
    }

    /// Calls `log` unless it was called less than the interval ago; then it only counts.
    pub fn say(&self, log: impl FnOnce(LeftOut)) {
        if let Some(left_out) = self.turn(Instant::now()) {
            log(left_out);
        }
    }

    fn turn(&self, now: Instant) -> Option<LeftOut> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.last.is_some_and(|last| now.saturating_duration_since(last) < COMPLAINT_INTERVAL) {
            said.left_out += 1;
            return None;
        }
        said.last = Some(now);
        Some(LeftOut(std::mem::take(&mut said.left_out)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_complaint_is_said_once_a_second_with_what_was_left_out() {
        let complaint = RepeatedComplaint::new();
        let start = Instant::now();
        let at = |ms| complaint.turn(start + Duration::from_millis(ms)).map(|left_out| left_out.to_string());
        assert_eq!(at(0).as_deref(), Some(""));
        assert_eq!(at(1), None);
        assert_eq!(at(999), None);
        assert_eq!(at(1_000).as_deref(), Some(" (and 2 more like it)"));
        assert_eq!(at(1_001), None);
        assert_eq!(at(5_000).as_deref(), Some(" (and 1 more like it)"));
        assert_eq!(at(9_000).as_deref(), Some(""));
    }

    #[test]
    fn the_level_is_changed_while_running() {
        let control = start(LogLevel::Error);
        if control.0.is_some() {
            assert!(!tracing::enabled!(target: "server", tracing::Level::DEBUG));
            control.set_level(LogLevel::Debug);
            assert!(tracing::enabled!(target: "server", tracing::Level::DEBUG));
            assert!(!tracing::enabled!(target: "hyper", tracing::Level::DEBUG));
            control.set_level(LogLevel::Error);
        }
    }
}
