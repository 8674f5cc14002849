//! Things of which there may be so many at once.

use super::rate::Source;
use crate::view::metrics::whole;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
        self.take_many(1)
    }

    /// Room for so many more, until it is dropped, if there is that much.
    pub(super) fn take_many(&self, n: usize) -> Option<OwnedSemaphorePermit> {
        let n = u32::try_from(n).ok()?;
        Arc::clone(&self.free).try_acquire_many_owned(n).ok()
    }

    /// A place for one more, as soon as there is one.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// How many there are.
    pub(super) fn taken(&self) -> i64 {
        let free = self.free.available_permits();
        whole(self.most.saturating_sub(free) as u64)
    }
}

/// A bound on things of all clients, of which no client may have more than three quarters: the others always find
/// a place.
pub(super) struct Fair {
    all: Bounded,
    each: PerClient,
}

/// A place of a client, until it is dropped.
pub(super) type FairPlace = (OwnedSemaphorePermit, Option<Place>);

impl Fair {
    /// At most so many for all clients together.
    pub(super) fn new(most: usize) -> Self {
        Fair {
            all: Bounded::new(most),
            each: PerClient::new((most - most / 4).max(1)),
        }
    }

    /// A place for one more of this client, if there is one.
    pub(super) fn take(&self, client: Option<IpAddr>) -> Option<FairPlace> {
        let own = match client {
            Some(address) => Some(self.each.take(address)?),
            None => None,
        };
        Some((self.all.take()?, own))
    }

    /// How many there are.
    pub(super) fn taken(&self) -> i64 {
        self.all.taken()
    }
}

/// A bound on things of one client. Those of all together have one of their own, which bounds this as well.
pub(super) struct PerClient {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

type Taken = HashMap<Source, usize>;

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    // A number is right between statements that can panic.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place of a client, until it is dropped.
pub(super) struct Place {
    client: Source,
    taken: Arc<Mutex<Taken>>,
}

impl PerClient {
    /// At most so many for each.
    pub(super) fn new(most: usize) -> Self {
        PerClient {
            most,
            taken: Arc::default(),
        }
    }

    /// A place for one more of this client, if there is one.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let client = Source::from(address);
        let mut taken = lock(&self.taken);
        let mine = taken.entry(client).or_default();
        if *mine >= self.most {
            return None;
        }
        *mine += 1;
        drop(taken);
        Some(Place {
            client,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(mine) = taken.get_mut(&self.client) {
            *mine -= 1;
            if *mine == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_has_all_places() {
        let places = Fair::new(4);
        let [one, other] = [1, 2].map(|n| Some(IpAddr::from([127, 0, 0, n])));
        let taken: Vec<_> = std::iter::from_fn(|| places.take(one)).collect();
        assert_eq!(taken.len(), 3);
        let theirs = places.take(other).unwrap();
        assert!(places.take(other).is_none(), "those of all are bounded too");
        drop((taken, theirs));
        assert_eq!(places.taken(), 0);
        assert!(places.take(one).is_some());
    }

    #[test]
    fn each_client_has_its_own_places() {
        let places = PerClient::new(2);
        let [one, other] = [1, 2].map(|n| IpAddr::from([127, 0, 0, n]));
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert!(places.take(one).is_none());
        let theirs = places.take(other).unwrap();
        drop(first);
        assert!(places.take(one).is_some(), "a place is free again");
        drop(theirs);
        assert_eq!(lock(&places.taken).len(), 1, "the other is forgotten");
    }
}
