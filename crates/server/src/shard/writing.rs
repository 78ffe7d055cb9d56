//! From outboxes to sockets: once per connection and turn.

use super::connection::Stage;
use super::timers::{tick, ticks};
use super::{Shard, Stopping};
use session::room_index::Segment;
use std::io::ErrorKind;

/// Connections that are looked at together before they are written.
const CALLED_UP: usize = 16;

impl Shard {
    pub(super) fn mark_dirty(&mut self, slot: u32) {
        if let Some(connection) = self.connections.at(slot)
            && !connection.dirty
        {
            connection.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// The end of a turn: what rooms said goes to their members' outboxes, and each of these is written.
    pub(super) fn flush(&mut self) {
        self.flush_rooms();
        self.observe_deliveries();
        let mut dirty = std::mem::take(&mut self.dirty);
        let mut written = 0;
        for next in dirty.chunks(CALLED_UP) {
            self.call_up(next);
            for slot in next {
                written += self.write(*slot);
            }
        }
        dirty.clear();
        self.handle.metrics.bytes_out(written);
        self.handle.metrics.waiting_bytes(self.waiting);
        // Writing may have ended connections, which leaves nothing new to write; keep the allocation.
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
        self.around.hub.append(&mut self.requests);
    }

    /// Looks at what [`Shard::write`] needs of these connections. A send fills the caches with the kernel's own memory, so that
    /// each connection's would come from far, one after the other; looked at together they come at the same time.
    fn call_up(&mut self, slots: &[u32]) {
        let looked_at = |seen: usize, slot: &u32| match self.connections.at(*slot) {
            Some(connection) => {
                let first = connection.outbox.segments().next().map_or(0, Segment::len);
                // Not a sum: a check that never comes is the largest number.
                seen ^ first ^ connection.last_progress as usize ^ connection.next_check as usize
            }
            None => seen,
        };
        std::hint::black_box(slots.iter().fold(0, looked_at));
    }

    /// Writes what the kernel takes; how many bytes that were.
    fn write(&mut self, slot: u32) -> usize {
        let now = tick(self.now.monotonic_ms);
        let Some(connection) = self.connections.at(slot) else { return 0 };
        connection.dirty = false;
        let mut written = 0;
        while !connection.blocked && (!connection.outbox.is_empty() || connection.socket.wants_write()) {
            let result = if connection.outbox.is_empty() {
                connection.socket.write_tls().map(|()| 0)
            } else {
                connection.socket.write(connection.outbox.segments())
            };
            match result {
                Ok(count) => {
                    connection.outbox.advance(count);
                    connection.last_progress = now;
                    written += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    connection.blocked = true;
                    if connection.last_progress == 0 {
                        connection.last_progress = now;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let id = connection.id;
                    self.broken(id, &error);
                    return written;
                }
            }
        }
        let id = connection.id;
        let left = if connection.blocked { connection.outbox.len() as u32 } else { 0 };
        if left != connection.waiting {
            self.waiting = self.waiting + left as usize - connection.waiting as usize;
            connection.waiting = left;
        }
        let (blocked, waiting, ending) = (connection.blocked, connection.outbox.len(), connection.is_ending());
        let next_check = connection.next_check;
        if blocked && waiting > self.around.rules.limits.sendq_bytes {
            self.abandon(id, "sendq_exceeded", "SendQ exceeded");
        } else if blocked {
            let give_up = now + ticks(self.around.rules.limits.stalled_seconds as u64);
            if next_check > give_up {
                self.watch(id, give_up);
            }
        } else if ending && waiting == 0 {
            self.say_no_more(id);
        }
        written
    }

    /// Says no more; the peer's own words are thrown away until it closes too, so that ours are not lost by a reset.
    fn say_no_more(&mut self, slot_of: chat::id::SessionId) {
        let now = tick(self.now.monotonic_ms);
        let Some(connection) = self.connections.find(slot_of) else { return };
        if let Stage::Ending { told, .. } = &mut connection.stage
            && !std::mem::replace(told, true)
        {
            connection.socket.finish();
            if matches!(self.stopping, Stopping::Ending { .. }) {
                self.drop_connection(slot_of.slot);
            } else {
                self.watch(slot_of, now + ticks(2));
            }
        }
    }
}
