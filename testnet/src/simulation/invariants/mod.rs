//! What must hold in every state that a protocol reaches, one file per invariant.

pub mod hpaxos;
