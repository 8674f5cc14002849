//! Whole networks of the real state machines in one deterministic process.
//!
//! ```text
//!   seed ──► setting (links, clocks, values), faults ─┐
//!   graph ─► stage (who takes part, who lies) ────────┼─► world: agenda ─► life, steps, mail, drives
//!                                                     │            │ every input, record and output
//!                                                     │            ▼
//!   outcome ◄── liveness ◄────────────────────────────┘   oracle ─► specification, invariants/
//!      │
//!      └─► seeds (many, on all cores) ─► shrink (the fewest faults) ─► show
//! ```
//!
//! A run has one thread, and everything that looks random in it comes from its [`chance`]. Nothing here
//! decides anything about a protocol: `protocols` makes the state machines as a node makes them.

pub mod adversary;
mod agenda;
pub mod chance;
pub mod clock;
pub mod command;
mod conforms;
pub mod disks;
mod drives;
pub mod faults;
pub mod invariants;
mod keeping;
mod life;
mod mail;
mod node;
pub mod oracle;
pub mod protocols;
pub mod run;
pub mod scenario;
mod seeds;
pub mod setting;
mod show;
mod shrink;
pub mod stage;
mod steps;
pub mod tally;
pub mod weather;
mod words;
pub mod world;
