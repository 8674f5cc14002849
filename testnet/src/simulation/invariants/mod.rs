//! What must hold, one file for each, named after the paper.

pub mod liveness;
pub mod log;
