//! Whoever has the answer to a PING has seen all that had reached the server before it, whichever shard had to read it: each
//! looks at its sockets once more, and hands what it finds to the hub before the hub is asked for the answer.

use super::{Shard, ShardHandle, ShardInput};
use chat::id::SessionId;
use session::WorkResult;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What one session asks of all shards.
#[derive(Debug)]
pub struct CatchUp {
    session: SessionId,
    ticket: u32,
    /// Where the session is.
    home: Arc<ShardHandle>,
    /// Shards that have not answered.
    left: AtomicUsize,
}

impl CatchUp {
    /// One shard has done so. The last one tells the session.
    pub(super) fn answer(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let (session, ticket) = (self.session, self.ticket);
            self.home.inputs.push(ShardInput::WorkDone { session, ticket, result: WorkResult::CaughtUp });
        }
    }
}

impl Shard {
    /// One who says PING many times at once, all of it read before, waits for the others once.
    pub(super) fn ask_all_to_catch_up(&mut self, session: SessionId, ticket: u32) {
        let Some(connection) = self.connections.find(session) else { return };
        if std::mem::replace(&mut connection.caught_up, true) {
            self.handle.inputs.push(ShardInput::WorkDone { session, ticket, result: WorkResult::CaughtUp });
            return;
        }
        let shards = &self.around.shards;
        let left = AtomicUsize::new(shards.len());
        let asked = Arc::new(CatchUp { session, ticket, home: self.handle.clone(), left });
        for shard in shards.iter() {
            shard.inputs.push(ShardInput::CatchUp(asked.clone()));
        }
    }
}
