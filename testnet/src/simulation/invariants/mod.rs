//! What must hold, one file for each, named after the paper.

pub mod evidence;
pub mod liveness;
pub mod log;
