//! The network: one task that drives libp2p.
//!
//! ```text
//!   engine ──Command──► publish, ask, answer ──► libp2p ──► peers
//!                                                  │
//!   engine ◄──inputs── verify ◄──frames, answers───┤
//!      ▲                  └──verdict──► gossipsub  │
//!      └──────────────questions of peers───────────┘
//! ```
//!
//! What comes on streams goes to verification without the task. Nobody here waits for the engine or for verification: what
//! does not fit into their queues is dropped and counted. Gossip is best effort anyway; every `sync_ms` one peer in turn is asked for
//! what is missing here, and at once when a connection is new.
//!
//! The task is the same for every protocol: it carries bytes, which the verification threads read and
//! the engine writes.

mod behaviour;
pub(crate) mod budget;
mod carrier;
mod events;
pub(crate) mod frame;
#[cfg(test)]
mod fuzz;
mod names;
mod outbox;
mod peers;
pub(crate) mod request;
pub(crate) mod seen;
mod shared;
mod streams;
mod task;
mod verify;

pub use behaviour::NetworkStartError;
pub use carrier::Carrier;
pub(crate) use task::{Network, Setup};
