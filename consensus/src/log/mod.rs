//! What all protocols share about the log: the bytes behind digests, values on their way in, and the
//! slots that a leader fills.

pub(crate) mod batches;
mod by_digest;
pub(crate) mod pipeline;
pub(crate) mod queue;
pub(crate) mod recent;
pub(crate) mod timer;
pub(crate) mod waiting;
