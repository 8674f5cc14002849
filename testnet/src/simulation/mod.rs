//! Whole networks of the real state machines in one deterministic process.
pub mod adversary;
mod agenda;
pub mod chance;
pub mod clock;
pub mod command;
pub mod disks;
mod drives;
pub mod faults;
pub mod invariants;
mod node;
pub mod oracle;
pub mod protocols;
pub mod run;
pub mod setting;
pub mod stage;
pub mod tally;
pub mod weather;
pub mod world;
