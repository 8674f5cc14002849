//! When to ask again.

use crate::error::Error;
use std::time::{Duration, Instant};

/// The first pause, if the node does not say how long it should be; then they double.
const FIRST: Duration = Duration::from_millis(50);
/// The longest pause that is not asked for.
const LONGEST: Duration = Duration::from_millis(500);

/// Pauses between attempts, longer and longer.
#[derive(Clone, Debug)]
pub(crate) struct Pauses {
    next: Duration,
}

impl Pauses {
    pub(crate) fn new() -> Pauses {
        Pauses { next: FIRST }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        pause
    }
}

/// How long a busy node is asked again.
#[derive(Debug)]
pub(crate) struct WhileBusy {
    over: Option<Instant>,
    pauses: Pauses,
}

impl WhileBusy {
    /// For so long from now on.
    pub(crate) fn new(patience: Duration) -> WhileBusy {
        WhileBusy {
            over: Instant::now().checked_add(patience),
            pauses: Pauses::new(),
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The error itself, if it is another one or the time would be over.
    pub(crate) async fn pause(&mut self, error: Error) -> Result<(), Error> {
        let Error::Busy { retry_after, .. } = &error else {
            return Err(error);
        };
        let pause = self.pauses.next().max(retry_after.unwrap_or_default());
        if self.over.is_some_and(|over| Instant::now() + pause > over) {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
