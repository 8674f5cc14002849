//! What must hold in every state that a protocol reaches, one file per invariant, named after the paper.

pub mod bytes;
pub mod disk_synod;
pub mod evidence;
pub mod hpaxos;
pub mod liveness;
pub mod log;
pub mod voting;
