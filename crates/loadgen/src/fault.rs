//! Why a run ended without a figure.

use std::fmt;
use std::io;

use crate::verifier::Misdelivery;

#[derive(Debug)]
pub enum Fault {
    /// A wrong option, or a machine that cannot carry the run.
    Usage(String),
    /// A system call failed while doing what the text says.
    Io(String, io::Error),
    /// The server closed a connection.
    Closed { client: usize, last_error: String },
    /// The server refused or answered something that the scenario cannot go on with.
    Refused { client: usize, line: String },
    /// A member did not get what it should have got.
    Misdelivered { client: usize, what: Misdelivery },
    /// Nothing came for too long.
    Stalled { seconds: u64, waiting_for: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Usage(text) => f.write_str(text),
            Fault::Io(doing, error) => write!(f, "cannot {doing}: {error}"),
            Fault::Closed { client, last_error } if last_error.is_empty() => {
                write!(f, "the server closed the connection of client {client} without an ERROR line")
            }
            Fault::Closed { client, last_error } => {
                write!(f, "the server closed the connection of client {client}: {last_error}")
            }
            Fault::Refused { client, line } => {
                write!(f, "client {client} cannot go on after the server's line: {line}")
            }
            Fault::Misdelivered { client, what } => write!(f, "client {client}: {what}"),
            Fault::Stalled { seconds, waiting_for } => {
                write!(f, "nothing came for {seconds} s; waiting for {waiting_for}")
            }
        }
    }
}

impl std::error::Error for Fault {}
