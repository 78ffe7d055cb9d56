//! The real binary over real sockets.

mod line_tool;
mod scripted_peer;
#[cfg(target_os = "linux")]
mod terminal_screen;
