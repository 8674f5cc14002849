//! What all protocols share about the log: the bytes behind digests, and values on their way in.

pub(crate) mod batches;
pub(crate) mod waiting;
