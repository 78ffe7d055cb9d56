//! The one writer: everything that changes who is here, which rooms there are and what was said happens in
//! [`Hub::apply`], one entry after the other. This file only hands each command to its family.

use crate::command::{Origin, Request};
use crate::effect::{Effect, Effects};
use crate::id::{Position, Timestamp};
use crate::log::StorageFailure;
use crate::query::Counts;
use crate::settings::Settings;
use crate::snapshot::Snapshot;

/// A request with its place and time in the one order.
#[derive(Debug)]
pub struct Entry {
    pub position: Position,
    pub timestamp: Timestamp,
    pub request: Request,
}

/// Whether the log takes changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StorageState {
    Working,
    /// What needs the disk is refused; the rest goes on.
    Failing(StorageFailure),
}

/// How much there is, for statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gauges {
    pub clients: usize,
    pub sessions: usize,
    pub rooms: usize,
    pub direct_rooms: usize,
    pub accounts: usize,
    /// Before-images held for batches that the log has not answered.
    pub journal: usize,
}

/// The state, and the rules by which it changes. Pure: no clock, no chance, no I/O; never panics.
#[derive(Debug)]
pub struct Hub {
    settings: Settings,
    storage: StorageState,
}

impl Hub {
    /// The state as it was kept, with nobody present. `seed`: chosen anew at each start; ids are made from it.
    pub fn restore(_snapshot: Snapshot, settings: Settings, _seed: u64, _shards: usize) -> Hub {
        Hub {
            settings,
            storage: StorageState::Working,
        }
    }

    /// Applies one request. What it leads to is appended to `effects`.
    pub fn apply(&mut self, entry: Entry, effects: &mut Effects) {
        if let Origin::Session {
            id,
            number,
            last: true,
        } = entry.request.origin
        {
            effects.to(id, Effect::Done { to: id, number });
        }
    }

    /// When `Command::DeadlineReached` has something to do.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    pub fn set_storage(&mut self, storage: StorageState) {
        self.storage = storage;
    }

    /// What was applied since the last mark belongs to this batch.
    pub fn mark(&mut self, _batch: u64) {}

    /// Up to and with this batch nothing needs to be taken back any more.
    pub fn forget_until(&mut self, _batch: u64) {}

    /// Nothing applied so far needs to be taken back.
    pub fn forget_all(&mut self) {}

    /// Takes back everything that was not forgotten.
    pub fn roll_back(&mut self) {}

    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    pub fn gauges(&self) -> Gauges {
        Gauges::default()
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
