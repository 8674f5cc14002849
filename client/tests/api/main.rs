//! The client against a node that says what a test wants it to say.

#![allow(clippy::unwrap_used)]

mod gather;
mod replicas;
mod requests;
mod streams;
mod stub;
