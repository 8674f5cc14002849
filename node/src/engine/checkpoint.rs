//! The log is kept short: what it says is said again in fewer words, and the rest is in the history.

use super::{Engine, EngineError};
use crate::view::metrics::whole;
use consensus::history::History as _;
use consensus::storage::Storage;
use consensus::{Page, Protocol, Slot};
use crypto::codec;
use learner_graph::LearnerId;
use std::time::Instant;

impl<P: Protocol, S: Storage> Engine<P, S> {
    /// Replaces the log by a checkpoint when it has grown enough. The history is durable before: the
    /// checkpoint says nothing about what is there.
    pub(super) fn checkpoint_if_due(&mut self) -> Result<(), EngineError> {
        let due = self.state.checkpoint_bytes.max(self.state.last_checkpoint);
        if self.storage.grown() < due || !self.state.own.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        self.sync()?;
        self.history.commit()?;
        let (mut records, mut bytes) = (0u64, 0);
        let checkpoint = self.machine.protocol.checkpoint();
        // What a checkpoint looked up in the history in vain would be missing.
        self.check_history()?;
        let mut encoded = checkpoint.into_iter().map(|record| {
            let encoded = codec::encode(&record);
            records += 1;
            bytes += encoded.len() as u64;
            encoded
        });
        self.storage.replace(&mut encoded)?;
        self.state.last_checkpoint = bytes;
        let metrics = &self.view.metrics;
        metrics.checkpoints.inc();
        let took = start.elapsed();
        metrics.checkpoint_time.observe(took.as_secs_f64());
        metrics.log_bytes.set(whole(bytes));
        tracing::info!(
            records,
            bytes,
            took_ms = took.as_millis(),
            "replaced the log by a checkpoint"
        );
        Ok(())
    }

    /// Nothing of a step that asked a broken history may be executed.
    pub(super) fn check_history(&self) -> Result<(), EngineError> {
        self.history
            .failed()
            .map_or(Ok(()), |error| Err(error.into()))
    }

    /// The log says that what is known of a page is in the history, or every learner has come past it since.
    pub(super) fn expect_page(&self, page: Page) -> Result<(), EngineError> {
        let mut lanes = (0..self.history.lanes()).map(LearnerId);
        let kept = self.history.has_page(page);
        let settled = lanes.all(|lane| self.history.next(lane) >= page.end);
        self.check_history()?;
        if kept || settled {
            Ok(())
        } else {
            Err(EngineError::PageLost(page))
        }
    }

    /// The log says that everything below this slot is in the history, or comes from what it said before.
    pub(super) fn expect_history(&self, low_water: Slot) -> Result<(), EngineError> {
        for lane in (0..self.history.lanes()).map(LearnerId) {
            let next = self.history.next(lane);
            // It may have failed just now.
            self.check_history()?;
            if next < low_water {
                return Err(EngineError::HistoryLost {
                    low_water: low_water.0,
                    lane: lane.0,
                    next: next.0,
                });
            }
        }
        Ok(())
    }
}
