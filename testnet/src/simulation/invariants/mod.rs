//! What must hold, one file for each, named after the paper.

pub mod disk_synod;
pub mod liveness;
pub mod log;
pub mod voting;
