//! From readable sockets to commands for the hub.

use super::connection::Stage;
use super::{Shard, Stopping};
use crate::websocket::{self, Message};
use chat::id::SessionId;
use mio::event::Event;
use session::{Moment, Output, Overlong, ServerFacts, Session};
use std::io::ErrorKind;
use wire::{Frame, LineLimits};

/// First byte of a TLS record that carries a handshake (RFC 8446 section 5.1): someone speaks TLS to a plain port.
const TLS_HANDSHAKE: u8 = 0x16;
/// Lines held back are looked at again after so long at the latest, in milliseconds.
const HELD_AT_MOST_MS: u64 = 1_000;

impl Shard {
    pub(super) fn socket_event(&mut self, event: &Event) {
        let slot = event.token().0;
        let Some(connection) = u32::try_from(slot).ok().and_then(|slot| self.connections.at(slot)) else { return };
        let id = connection.id;
        if event.is_writable() && (connection.blocked || connection.socket.wants_write()) {
            connection.blocked = false;
            self.mark_dirty(id.slot);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(id);
            // The end may have come with the last bytes, in one event: no other will tell of it.
            if event.is_read_closed() {
                self.unread.push(id);
            }
        }
    }

    /// Reads once from a connection and works on what came. What is left is read in the next turn, after the others.
    pub(super) fn read(&mut self, id: SessionId) {
        let hub_is_full = self.hub_is_full();
        let Some(connection) = self.connections.find(id) else { return };
        if connection.held || self.stopping == Stopping::Deaf {
            connection.unread = true;
            return;
        }
        if hub_is_full && !connection.is_ending() {
            connection.unread = true;
            self.unread.push(id);
            return;
        }
        connection.unread = false;
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = connection.socket.read(&mut buffer);
        match result {
            Ok(0) => self.peer_closed(id),
            Ok(count) => {
                connection.caught_up = false;
                if count == buffer.len() || !connection.socket.short_read_is_last() {
                    self.unread.push(id);
                }
                self.handle.metrics.bytes_in(count);
                // Lines may have come in the same flight as the end of the handshake: they are for the session.
                self.finish_handshake(id);
                self.take_bytes(id, &mut buffer[..count]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => self.unread.push(id),
            Err(error) => self.broken(id, &error),
        }
        self.buffer = buffer;
        self.finish_handshake(id);
        if self.connections.find(id).is_some_and(|connection| connection.socket.wants_write()) {
            self.mark_dirty(id.slot);
        }
    }

    /// Bytes from the peer, decrypted, whatever the connection has come to.
    pub(super) fn take_bytes(&mut self, id: SessionId, bytes: &mut [u8]) {
        let Some(connection) = self.connections.find(id) else { return };
        match &connection.stage {
            Stage::Proxy { .. } => self.take_proxy_header(id, bytes),
            Stage::Handshake { .. } | Stage::Ending { .. } => {}
            Stage::Open(_) if connection.websocket.is_some() => self.take_frames(id, bytes),
            Stage::Open(session) => {
                let speaks_tls = !session.is_registered()
                    && !connection.framer.is_holding()
                    && connection.framer.pending().is_empty()
                    && connection.socket.tls.is_none()
                    && bytes.first() == Some(&TLS_HANDSHAKE);
                if speaks_tls {
                    self.drop_connection(id.slot);
                } else {
                    self.take_lines(id, bytes);
                }
            }
        }
    }

    /// Cuts bytes into lines and gives these to the session, as far as it may go on.
    fn take_lines(&mut self, id: SessionId, bytes: &[u8]) {
        let Shard { connections, around, now, output, held, handle, .. } = self;
        let Some(connection) = connections.find(id) else { return };
        let Stage::Open(session) = &mut connection.stage else { return };
        connection.held = false;
        let longest = LineLimits::FROM_CLIENT.line();
        let most = around.rules.limits.recvq_bytes;
        let mut frames = connection.framer.push(bytes, longest);
        let mut lines = 0;
        // Whoever sends what this connection may not have under way sends no IRC.
        let mut is_over_queue = false;
        loop {
            if frames.is_empty() {
                break;
            }
            let wait = session.flood_wait_ms(*now, &around.facts);
            if wait > 0 {
                connection.framer.hold(frames);
                connection.held = true;
                held.push((id, now.monotonic_ms + wait.min(HELD_AT_MOST_MS)));
                break;
            }
            let Some(frame) = frames.next_frame() else { break };
            lines += 1;
            match frame {
                Frame::Line(line) => session.receive(*now, &around.facts, Ok(line), output),
                Frame::TooLong { length, .. } if length > most => {
                    is_over_queue = true;
                    break;
                }
                Frame::TooLong { head, .. } => session.receive(*now, &around.facts, Err(Overlong { head }), output),
            }
            if output.close {
                break;
            }
        }
        is_over_queue |= !connection.held && connection.framer.unfinished() > most;
        handle.metrics.lines_in(lines);
        self.take_output(id);
        if is_over_queue {
            let reason = format!("A line of more than {most} bytes");
            self.with_session(id, |session, now, facts, output| session.turn_away(now, facts, &reason, output));
        }
    }

    /// WebSocket frames: messages are lines, one each; control frames are answered here.
    fn take_frames(&mut self, id: SessionId, bytes: &mut [u8]) {
        let Some(connection) = self.connections.find(id) else { return };
        let Some(websocket) = &mut connection.websocket else { return };
        let mut joined = std::mem::take(&mut websocket.unfinished);
        let input = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            joined.as_mut_slice()
        };
        let mut lines = Vec::new();
        let mut answers = Vec::new();
        let mut at = 0;
        let end = loop {
            match websocket.decoder.decode(&mut input[at..]) {
                Err(violation) => break Some(websocket::close_frame(violation.code, violation.reason)),
                Ok(decoded) => {
                    at += decoded.consumed;
                    match decoded.message {
                        None => break None,
                        Some(Message::Text(line) | Message::Binary(line)) => {
                            // A line break inside a message ends a line there too: the session sees each by itself.
                            lines.extend_from_slice(&line);
                            lines.push(b'\n');
                        }
                        Some(Message::Ping(payload)) => answers.extend_from_slice(&websocket::pong_frame(payload)),
                        Some(Message::Pong(_)) => {}
                        Some(Message::Close { code, .. }) => break Some(websocket::close_answer(code)),
                    }
                }
            }
        };
        websocket.unfinished = input[at..].to_vec();
        self.send_raw(id, answers);
        if !lines.is_empty() {
            self.take_lines(id, &lines);
        }
        if let Some(farewell) = end {
            self.websocket_closed(id, farewell);
        }
    }

    /// Goes on with connections whose lines waited for time to pass.
    pub(super) fn go_on_with_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let now = self.now.monotonic_ms;
        let mut due = Vec::new();
        self.held.retain(|(id, at)| {
            let is_due = *at <= now;
            if is_due {
                due.push(*id);
            }
            !is_due
        });
        for id in due {
            self.resume(id);
        }
    }

    /// Goes on with a connection whose lines waited.
    pub(super) fn resume(&mut self, id: SessionId) {
        let Some(connection) = self.connections.find(id).filter(|connection| connection.held) else { return };
        connection.held = false;
        if self.stopping == Stopping::No {
            self.take_lines(id, &[]);
        }
        let Some(connection) = self.connections.find(id) else { return };
        if !connection.held && connection.unread {
            self.read(id);
        }
    }

    /// Has the session do something, and sees to what comes of it.
    pub(super) fn with_session(
        &mut self,
        id: SessionId,
        work: impl FnOnce(&mut Session, Moment, &ServerFacts, &mut Output),
    ) {
        let Shard { connections, around, now, output, .. } = self;
        let Some(session) = connections.find(id).and_then(|connection| connection.session_mut()) else { return };
        work(session, *now, &around.facts, output);
        self.take_output(id);
    }
}
