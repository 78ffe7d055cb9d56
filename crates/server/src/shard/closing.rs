//! How connections end, and what is looked at when a timer says so.

use super::connection::Stage;
use super::timers::{self, tick, ticks};
use super::{Shard, Stopping};
use crate::websocket;
use chat::id::SessionId;
use session::Session;
use std::io;
use std::time::Duration;

/// Ticks that a connection which was told goodbye has to take it: five seconds.
const ENDING_TICKS: u64 = ticks(5);

impl Shard {
    /// The tick of this connection's check has come.
    pub(super) fn check(&mut self, id: SessionId, at: u64) {
        let (now, stalled_after) =
            (tick(self.now.monotonic_ms), ticks(self.around.rules.limits.stalled_seconds as u64));
        let Some(connection) = self.connections.find(id) else { return };
        if connection.next_check != at {
            return; // An earlier or later entry stands for it.
        }
        if now < at {
            return self.watch(id, at);
        }
        match &connection.stage {
            Stage::Proxy { opening, .. } | Stage::Handshake { opening } => {
                let deadline = opening.deadline;
                if now >= deadline {
                    self.handle.metrics.closed_because("handshake_timeout");
                    self.drop_connection(id.slot);
                } else {
                    self.watch(id, deadline);
                }
            }
            Stage::Ending { until, .. } => {
                let until = *until;
                if now >= until || connection.outbox.is_empty() {
                    self.drop_connection(id.slot);
                } else {
                    self.watch(id, until);
                }
            }
            Stage::Open(_) => {
                let give_up = connection.last_progress + stalled_after;
                let blocked = connection.blocked && !connection.outbox.is_empty();
                if blocked && now >= give_up {
                    return self.abandon(id, "stalled", "Reading nothing");
                }
                let mut next = 0;
                self.with_session(id, |session, now, facts, output| next = session.check(now, facts, output));
                let next = timers::tick_from(next).max(now + 1);
                self.watch(id, if blocked { next.min(give_up) } else { next });
            }
        }
    }

    /// The peer will say no more. It may have hung up its half alone and wait for answers, as `printf … | nc -N` does: it
    /// gets those to all that it said.
    pub(super) fn peer_closed(&mut self, id: SessionId) {
        let Some(connection) = self.connections.find(id) else { return };
        if connection.is_ending() {
            return self.drop_connection(id.slot);
        }
        connection.hung_up = true;
        self.end_if_answered(id);
    }

    /// Ends a connection whose peer has hung up as soon as everything that it said is answered.
    pub(super) fn end_if_answered(&mut self, id: SessionId) {
        let Some(connection) = self.connections.find(id) else { return };
        if !connection.hung_up || connection.session().is_some_and(Session::owes_answers) {
            return;
        }
        connection.hung_up = false;
        self.handle.metrics.closed_because("hung_up");
        self.depart(id, "Connection closed");
        self.leave_all(id);
        if self.connections.find(id).is_some_and(|connection| !connection.outbox.is_empty()) {
            self.close(id);
        } else {
            self.drop_connection(id.slot);
        }
    }

    /// Reading or writing failed.
    pub(super) fn broken(&mut self, id: SessionId, error: &io::Error) {
        let (why, reason) = match error.kind() {
            io::ErrorKind::ConnectionReset => ("reset", "Connection reset by peer"),
            io::ErrorKind::BrokenPipe => ("reset", "Connection closed"),
            io::ErrorKind::TimedOut => ("timed_out", "Connection timed out"),
            io::ErrorKind::InvalidData => {
                self.handle.metrics.refused_handshake();
                ("tls_error", "TLS error")
            }
            _ => ("failed", "Connection failed"),
        };
        self.count_end(id, why);
        self.depart(id, reason);
        self.drop_connection(id.slot);
    }

    /// Counts why a connection ends, unless it was ending already and was counted then.
    pub(super) fn count_end(&mut self, id: SessionId, why: &'static str) {
        if self.connections.find(id).is_some_and(|connection| !connection.is_ending()) {
            self.handle.metrics.closed_because(why);
        }
    }

    /// A connection that takes nothing any more: what waits for it is thrown away.
    pub(super) fn abandon(&mut self, id: SessionId, why: &'static str, reason: &str) {
        self.count_end(id, why);
        self.handle.metrics.closed_slow();
        self.depart(id, reason);
        self.drop_connection(id.slot);
    }

    /// The session has said its last words: these are written, then the connection ends.
    pub(super) fn close(&mut self, id: SessionId) {
        self.depart(id, "Connection closed");
        self.leave_all(id);
        let until = tick(self.now.monotonic_ms) + ENDING_TICKS;
        let Some(connection) = self.connections.find(id) else { return };
        if connection.is_ending() {
            return;
        }
        if connection.websocket.is_some() {
            connection.outbox.push_own(websocket::close_frame(websocket::CloseCode::Normal, ""));
        }
        connection.stage = Stage::Ending { until, told: false };
        connection.held = false;
        self.watch(id, until);
        self.mark_dirty(id.slot);
    }

    /// The hub has put the session out (killed, disabled, deleted); it has forgotten it already.
    pub(super) fn close_for_hub(&mut self, id: SessionId, reason: &str) {
        self.with_session(id, |session, now, facts, output| session.put_out(now, facts, reason, output));
    }

    /// A WebSocket peer said goodbye, or broke the protocol.
    pub(super) fn websocket_closed(&mut self, id: SessionId, answer: Vec<u8>) {
        self.count_end(id, "websocket_closed");
        let until = tick(self.now.monotonic_ms) + ENDING_TICKS;
        self.depart(id, "Connection closed");
        self.leave_all(id);
        self.send_raw(id, answer);
        let Some(connection) = self.connections.find(id) else { return };
        connection.stage = Stage::Ending { until, told: false };
        self.watch(id, until);
        self.mark_dirty(id.slot);
    }

    fn depart(&mut self, id: SessionId, reason: &str) {
        let Some(session) = self.connections.find(id).and_then(|connection| connection.session_mut()) else { return };
        if let Some(request) = session.depart(reason) {
            self.requests.push(request.into());
        }
    }

    /// Forgets the connection and closes its socket.
    pub(super) fn drop_connection(&mut self, slot: u32) {
        let Some(id) = self.connections.at(slot).map(|connection| connection.id) else { return };
        self.leave_all(id);
        let Some(mut connection) = self.connections.remove(slot) else { return };
        // Closing the descriptor takes it out of the poll as well; an error here changes nothing.
        let _ = self.poll.registry().deregister(&mut connection.socket.stream);
        if matches!(connection.stage, Stage::Proxy { .. } | Stage::Handshake { .. }) {
            connection.socket.finish();
        }
        self.around.admission.leave(connection.address);
        self.waiting -= connection.waiting as usize;
        if let Some(kind) = connection.kind {
            self.handle.metrics.kind_ended(kind);
        }
        self.handle.metrics.connections_closed();
    }

    /// ERROR to everyone, registered or not; the shard ends when all is written or `within` is over.
    pub(super) fn say_goodbye(&mut self, farewell: &str, within: Duration) {
        let until = self.now.monotonic_ms + within.as_millis() as u64;
        self.stopping = Stopping::Ending { until };
        for slot in self.connections.slots() {
            let Some(connection) = self.connections.at(slot) else { continue };
            let id = connection.id;
            match &connection.stage {
                Stage::Open(_) => {
                    self.with_session(id, |session, now, facts, output| session.close(now, facts, farewell, output));
                }
                // It has been told goodbye; the stop doesn't wait for it to hang up.
                Stage::Ending { told: true, .. } => self.drop_connection(slot),
                Stage::Ending { told: false, .. } => {}
                Stage::Proxy { .. } | Stage::Handshake { .. } => self.drop_connection(slot),
            }
        }
        // The hub stops with us: what sessions have to say to it now, nobody needs.
        self.requests.clear();
    }
}
