//! Whole networks of the real state machines in one deterministic process, held against the specification.
//!
//! ```text
//!   seed ──► setting (links, clocks, values), faults ─┐
//!   cast ──► stage (who takes part, who lies) ────────┼─► world: agenda ─► life, steps, mail, drives
//!                                                     │            │ every input, record and output
//!                                                     │            ▼
//!   outcome ◄── liveness ◄────────────────────────────┘   oracle ─► conformance, invariants/
//!      │
//!      └─► shrink (the fewest faults)
//! ```
//!
//! [`run`] runs a seed, and [`scenario`] has what a test says to a network. [`conformance`] is the specification as a
//! program, and [`invariants`] are those of the proofs.
//!
//! A run has one thread, and everything that looks random in it comes from its [`chance`]: like the protocols, this
//! crate knows neither files nor clocks. Nothing here decides anything about a protocol.

pub mod adversary;
mod agenda;
pub mod cast;
pub mod chance;
pub mod clock;
pub mod conformance;
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
pub mod setting;
pub mod shrink;
pub mod stage;
mod steps;
pub mod tally;
pub mod weather;
mod words;
pub mod world;
