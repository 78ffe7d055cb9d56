//! One connection of a shard: its socket, how far it has come, and what waits for it.

use super::outbox::Outbox;
use super::socket::Socket;
use crate::metrics::ConnectionKind;
use crate::websocket;
use chat::id::{RoomNumber, SessionId};
use session::{Form, Session};
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};

#[derive(Debug)]
pub struct Connection {
    pub id: SessionId,
    pub socket: Socket,
    pub stage: Stage,
    pub outbox: Outbox,
    /// The rooms whose broadcasts it gets.
    pub rooms: SmallVec<[RoomNumber; 2]>,
    pub class: Class,
    pub framer: wire::Framer,
    pub websocket: Option<Box<WebSocket>>,
    /// Counted for this address in the admission table.
    pub address: IpAddr,
    /// The tick of the timers at which it is looked at next; its entry in the timers is the one that says so.
    pub next_check: u64,
    /// The tick at which the kernel last took something while more waited.
    pub last_progress: u64,
    /// Stands in the shard's list of those with something to write.
    pub dirty: bool,
    /// The kernel takes nothing more until it says so.
    pub blocked: bool,
    /// There may be something to read that was left for later.
    pub unread: bool,
    /// Since its last bytes were read, all shards have looked at their sockets, or are about to.
    pub caught_up: bool,
    /// Lines wait in the framer for the flood allowance or for answers.
    pub held: bool,
    /// As which it is counted while it has a session.
    pub kind: Option<ConnectionKind>,
    /// What of its outbox is counted as waiting: nothing, while the kernel takes all.
    pub waiting: u32,
    /// The peer will say no more, and may be waiting for answers to what it said.
    pub hung_up: bool,
}

/// How far a connection has come.
#[derive(Debug)]
pub enum Stage {
    /// Waits for the PROXY header; what came of it so far.
    Proxy {
        header: Vec<u8>,
        opening: Box<Opening>,
    },
    /// In the TLS handshake.
    Handshake {
        opening: Box<Opening>,
    },
    Open(Box<Session>),
    /// Has been told goodbye: what waits is written, then what comes is thrown away until the peer closes or `until`.
    Ending {
        until: u64,
        told: bool,
    },
}

/// A WebSocket's reading side.
#[derive(Debug)]
pub struct WebSocket {
    pub decoder: websocket::Decoder,
    /// The beginning of a frame whose rest has not come yet.
    pub unfinished: Vec<u8>,
}

/// What is known of a connection before its session begins.
#[derive(Debug)]
pub struct Opening {
    pub peer: SocketAddr,
    pub local: SocketAddr,
    pub tls: Option<std::sync::Arc<rustls::ServerConfig>>,
    /// When it was accepted, by the shard's clock: registration has its time from there.
    pub accepted_ms: u64,
    /// The tick by which the session must have begun.
    pub deadline: u64,
}

/// What the bytes of an event depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Class {
    pub form: Form,
    pub carrier: Carrier,
}

/// How lines travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carrier {
    /// Ended by CR LF.
    Lines,
    /// One line a WebSocket text message (IRCv3 WebSocket, `text.ircv3.net`).
    Text,
    /// One line a WebSocket binary message (`binary.ircv3.net`).
    Binary,
}

impl Connection {
    pub fn session(&self) -> Option<&Session> {
        match &self.stage {
            Stage::Open(session) => Some(session),
            _ => None,
        }
    }

    pub fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.stage {
            Stage::Open(session) => Some(session),
            _ => None,
        }
    }

    pub fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Ending { .. })
    }
}

impl Carrier {
    /// Lines with their endings, as this carrier transports them; appended to `buffer`.
    pub fn carry(self, lines: &[u8], buffer: &mut Vec<u8>) {
        if self == Carrier::Lines {
            return buffer.extend_from_slice(lines);
        }
        let mut rest = lines;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            websocket::encode_line(buffer, self == Carrier::Text, &rest[..end]);
            rest = &rest[end + 1..];
        }
    }
}
