//! Traces: what happened, in the words of the specification, as lines of JSON (`docs/trace.md`).
//!
//! ```text
//!   outputs of a step ─► Recorder (consensus) ─► actions ─► Line ─► Writer ─► file
//!                                                                              │
//!                                    a checker of traces ◄─ Line ◄─ Reader ◄───┘
//! ```

mod json;
mod line;
mod reader;
#[cfg(test)]
mod tests;
mod tracer;
mod writer;

pub use line::{FORMAT, Init, Line, Wrong};
pub use reader::{LineError, MAX_LINE_BYTES, Numbered, Reader};
pub(crate) use tracer::Tracer;
pub use writer::{Writer, WriterError};
