//! The whole server but its sockets, clocks and disk, under a seed: what happens once happens again.
//!
//! Production code are the sessions, the lines, the rendering, the room index, the sequencer and the hub. The rest is
//! played: the shards' loop without sockets ([`shard`]), a log that commits late, fails and forgets ([`faulty_log`]),
//! the queues between them ([`world`]), and people with their clients ([`client`], [`workload`]). A small model that was
//! written apart ([`reference`]) says what must come of every command; [`invariants`] what must hold of every line.
//! [`simulation`] puts it together.

pub mod client;
pub mod defect;
pub mod faulty_log;
pub mod invariants;
pub mod page;
pub mod random;
pub mod reference;
pub mod shard;
pub mod simulation;
pub mod transcript;
pub mod workload;
pub mod world;
