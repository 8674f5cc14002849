//! The trace as the engine sees it.

use super::{Engine, EngineError};
use crate::trace::WriterError;
use consensus::storage::Storage;
use consensus::{InputOf, Output, OutputOf, Protocol, RecordOf};

/// Writes down what happens at a node.
pub(crate) trait Trace<P: Protocol>: Send {
    /// A record was taken back, and this came of it.
    fn restored(
        &mut self,
        record: &RecordOf<P>,
        outputs: &[OutputOf<P>],
    ) -> Result<(), WriterError>;

    /// A step is given this.
    fn heard(&mut self, inputs: &[InputOf<P>]) -> Result<(), WriterError>;

    /// A step asks for this, and its records are durable. These lies go out with it.
    fn told(&mut self, outputs: &[OutputOf<P>], lies: &[P::Wire]) -> Result<(), WriterError>;
}

impl From<WriterError> for EngineError {
    fn from(error: WriterError) -> Self {
        EngineError::Trace(error.to_string())
    }
}

impl<P: Protocol, S: Storage> Engine<P, S> {
    pub(super) fn restore(&mut self, record: RecordOf<P>) -> Result<(), EngineError> {
        let kept = self.machine.trace.is_some().then(|| record.clone());
        let outputs = self.machine.protocol.restore(record);
        if let (Some(trace), Some(record)) = (&mut self.machine.trace, &kept) {
            trace.restored(record, &outputs)?;
        }
        self.restored(outputs);
        Ok(())
    }

    pub(super) fn trace_heard(&mut self, inputs: &[InputOf<P>]) -> Result<(), EngineError> {
        if let Some(trace) = &mut self.machine.trace {
            trace.heard(inputs)?;
        }
        Ok(())
    }

    pub(super) fn trace_told(&mut self, outputs: &[OutputOf<P>]) -> Result<(), EngineError> {
        let Some(trace) = &mut self.machine.trace else {
            return Ok(());
        };
        let lie = self.machine.lie.as_ref();
        let lies = outputs.iter().filter_map(|output| match output {
            Output::Send(message) => lie.and_then(|lie| lie(message)),
            _ => None,
        });
        let lies: Vec<P::Wire> = lies.collect();
        trace.told(outputs, &lies)?;
        Ok(())
    }
}
