//! How many bytes of what was received may wait for verification and for the engine.

use crate::engine::NodeIndex;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// No peer may take more than this part of the whole, so that a flood leaves room for the others.
const SHARES: usize = 4;

/// Bytes that may wait, in all and per peer.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    waiting: Arc<Mutex<HashMap<NodeIndex, usize>>>,
    most: usize,
}

/// Some bytes of a [`Budget`], until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Budget,
    from: NodeIndex,
    bytes: usize,
}

impl Budget {
    /// Room for so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        let waiting = Arc::default();
        Budget { waiting, most }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeIndex, usize>> {
        // Every operation leaves the sums consistent, so a panic elsewhere does not matter.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes are taken.
    pub(crate) fn taken(&self) -> usize {
        self.lock().values().sum()
    }

    /// Takes room for what a peer sent, if there is any. One thing of whatever size always fits a
    /// share that is empty.
    pub(crate) fn take(&self, from: NodeIndex, bytes: usize) -> Option<Permit> {
        let mut waiting = self.lock();
        let all: usize = waiting.values().sum();
        let own = waiting.entry(from).or_default();
        if all + bytes > self.most || (*own > 0 && *own + bytes > self.most / SHARES) {
            return None;
        }
        *own += bytes;
        let budget = self.clone();
        Some(Permit {
            budget,
            from,
            bytes,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(own) = self.budget.lock().get_mut(&self.from) {
            *own -= self.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_its_share_and_no_more_until_it_is_given_back() {
        let budget = Budget::new(100);
        let first = budget.take(1, 20).unwrap();
        assert!(budget.take(1, 6).is_none(), "a quarter is 25");
        let second = budget.take(1, 5).unwrap();
        let _other = budget.take(2, 70).unwrap();
        assert!(budget.take(3, 6).is_none(), "all of it is taken");
        assert_eq!(budget.taken(), 95);
        drop((first, second));
        assert!(budget.take(1, 25).is_some());
    }
}
