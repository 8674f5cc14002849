//! Things of which there may be so many at once.

use crate::view::metrics::whole;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bound on things that last a while.
pub(super) struct Bounded {
    free: Arc<Semaphore>,
    most: usize,
}

impl Bounded {
    /// At most so many.
    pub(super) fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Bounded {
            free: Arc::new(Semaphore::new(most)),
            most,
        }
    }

    /// A place for one more, until it is dropped, if there is one.
    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// How many there are.
    pub(super) fn taken(&self) -> i64 {
        let free = self.free.available_permits();
        whole(self.most.saturating_sub(free) as u64)
    }
}
