//! The seam to whatever makes changes durable: SQLite on one machine, a faulty pretender in the simulator.

use crate::change::Change;
use crate::id::{Position, Timestamp};

/// The changes of one turn or more; committed as a whole or not at all.
#[derive(Debug)]
pub struct Batch {
    pub number: u64,
    /// The position and time of the last command in it; the next start goes on from there.
    pub position: Position,
    pub timestamp: Timestamp,
    pub changes: Vec<Change>,
}

/// What became of batches, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// On disk, as the configured durability says.
    Committed { batch: u64 },
    /// Nothing of the batch is kept. Batches behind it fail too, until `Recovered`.
    Failed { batch: u64, failure: StorageFailure },
    /// After a failure: the log takes batches again.
    Recovered,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StorageFailure {
    /// No space left.
    Full,
    /// Any other I/O error.
    Error,
}

/// Takes batches and says later what became of them. Neither call blocks.
pub trait Log {
    fn append(&mut self, batch: Batch);
    /// The next outcome, if one is there.
    fn committed(&mut self) -> Option<Outcome>;
}
