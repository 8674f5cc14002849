//! When nodes and disks are killed, and which values wait for that. No I/O.

use crate::launch::layout::Victim;
use crate::plan::When;
use std::time::Duration;

/// The kills that are still to come.
///
/// Values are held back so that each kill is followed by at least one submission: a kill after
/// everything is decided would show nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    kills: Vec<(Victim, When)>,
    total: usize,
}

impl Schedule {
    /// A schedule for a run with `total` values.
    #[must_use]
    pub fn new(kills: Vec<(Victim, When)>, total: usize) -> Self {
        Schedule { kills, total }
    }

    /// How many of the values may be submitted by now.
    #[must_use]
    pub fn released(&self) -> usize {
        let allowed = |when: &When| match when {
            When::Start => 0,
            When::After(_) => self.total.saturating_sub(1),
            When::Decided(n) => *n,
        };
        let allowed = self.kills.iter().map(|(_, when)| allowed(when)).min();
        allowed.unwrap_or(self.total).min(self.total)
    }

    /// Takes out what to kill now: so much time has passed, and so many values were decided by
    /// everybody who must.
    pub fn due(&mut self, elapsed: Duration, done: usize) -> Vec<Victim> {
        let is_due = |when: &When| match when {
            When::Start => true,
            When::After(time) => elapsed >= *time,
            When::Decided(n) => done >= *n,
        };
        let due = self
            .kills
            .iter()
            .filter(|(_, when)| is_due(when))
            .map(|(victim, _)| *victim)
            .collect();
        self.kills.retain(|(_, when)| !is_due(when));
        due
    }

    /// Whether kills are still to come.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.kills.is_empty()
    }

    /// The dead are not killed again.
    pub fn died(&mut self, victim: Victim) {
        self.kills.retain(|(other, _)| *other != victim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn values_wait_for_kills() {
        let mut schedule = Schedule::new(
            vec![
                (Victim::Node(3), When::Start),
                (Victim::Disk(2), When::Decided(4)),
                (Victim::Node(1), When::After(s(5))),
            ],
            10,
        );
        assert_eq!(schedule.released(), 0);
        assert_eq!(schedule.due(s(0), 0), [Victim::Node(3)]);
        assert_eq!(schedule.released(), 4);
        assert!(schedule.due(s(1), 3).is_empty());
        assert_eq!(schedule.due(s(1), 4), [Victim::Disk(2)]);
        assert_eq!(schedule.released(), 9);
        assert!(schedule.is_pending());
        assert_eq!(schedule.due(s(5), 9), [Victim::Node(1)]);
        assert_eq!(schedule.released(), 10);
        assert!(!schedule.is_pending());
    }

    #[test]
    fn without_kills_nothing_waits() {
        assert_eq!(Schedule::new(vec![], 3).released(), 3);
    }

    #[test]
    fn the_dead_are_not_killed() {
        let mut schedule = Schedule::new(vec![(Victim::Node(0), When::Decided(2))], 5);
        schedule.died(Victim::Disk(0));
        assert!(schedule.is_pending());
        schedule.died(Victim::Node(0));
        assert_eq!((schedule.released(), schedule.is_pending()), (5, false));
    }
}
