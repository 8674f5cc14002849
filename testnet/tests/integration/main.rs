//! Tests of the program `testnet` and of networks of real nodes. One binary: linking libp2p takes a while.

#![allow(clippy::unwrap_used)]

mod generate;
mod kv;
mod launcher;
mod load;
mod network;
mod scenarios;
mod simulate;
mod soak;
#[path = "../support/mod.rs"]
mod support;
mod trace;
mod usage;
