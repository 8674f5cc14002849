//! What is going to happen, in order of time.

use consensus::Time;
use std::collections::BTreeMap;

/// Events in the order of their times, and of their planning where times are equal.
#[derive(Debug)]
pub(super) struct Agenda<E> {
    planned: u64,
    events: BTreeMap<(Time, u64), E>,
}

impl<E> Agenda<E> {
    pub(super) fn new() -> Self {
        Agenda {
            planned: 0,
            events: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, at: Time, event: E) {
        self.planned += 1;
        self.events.insert((at, self.planned), event);
    }

    /// The next event, unless it is later than `end`.
    pub(super) fn next(&mut self, end: Time) -> Option<(Time, E)> {
        let entry = self.events.first_entry()?;
        (entry.key().0 <= end).then(|| {
            let ((at, _), event) = entry.remove_entry();
            (at, event)
        })
    }
}
