//! The way into the engine's queue, which counts what waits there.

use prometheus_client::metrics::gauge::Gauge;
use std::sync::mpsc::{SendError, SyncSender, TrySendError};

/// A sender that counts. Whoever receives counts down.
pub(crate) struct Intake<T> {
    queue: SyncSender<T>,
    waiting: Gauge,
}

impl<T> Intake<T> {
    /// Counts in this gauge.
    pub(crate) fn new(queue: SyncSender<T>, waiting: Gauge) -> Self {
        Intake { queue, waiting }
    }

    /// Waits for room.
    pub(crate) fn send(&self, item: T) -> Result<(), SendError<T>> {
        // Counted before, so that it is never counted down first: those that wait for room are counted too.
        self.waiting.inc();
        self.queue.send(item).inspect_err(|_| {
            self.waiting.dec();
        })
    }

    /// Does not wait.
    pub(crate) fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        self.waiting.inc();
        self.queue.try_send(item).inspect_err(|_| {
            self.waiting.dec();
        })
    }
}

impl<T> Clone for Intake<T> {
    fn clone(&self) -> Self {
        Intake {
            queue: self.queue.clone(),
            waiting: self.waiting.clone(),
        }
    }
}

/// Nobody looks at what it counts.
impl<T> From<SyncSender<T>> for Intake<T> {
    fn from(queue: SyncSender<T>) -> Self {
        Intake::new(queue, Gauge::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn what_does_not_get_in_does_not_count() {
        let (sender, receiver) = sync_channel(1);
        let waiting = Gauge::default();
        let intake = Intake::new(sender, waiting.clone());
        intake.send(1).unwrap();
        assert!(intake.try_send(2).is_err());
        assert_eq!(waiting.get(), 1);
        drop(receiver);
        assert!(intake.clone().send(3).is_err());
        assert_eq!(waiting.get(), 1);
    }
}
