//! Deterministic simulation.

pub mod invariants;
