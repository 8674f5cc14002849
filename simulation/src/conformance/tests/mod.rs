//! Behaviours of the real state machines are accepted; a guard that does not hold is named.

mod guards;
mod possible;
pub(crate) mod run;
pub(crate) mod stage;
mod whole;
