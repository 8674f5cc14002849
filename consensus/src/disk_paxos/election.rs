//! Who writes to the disks, and when another one takes over. Liveness only.
//!
//! The processor whose ballot is the highest is left alone while it makes progress. Whoever waits in vain
//! for longer than its patience starts a ballot of its own; processors wait differently long, so that
//! one is first. Nobody lies here, so a leader that makes progress is trusted to get to everybody's
//! values, unless they wait for much longer: gossip may be down, and the leader not know them.

use super::block::ProcessorId;
use crate::{Ballot, Time};
use std::time::Duration;

/// How often a value's patience may be put off by progress with other values.
const PUT_OFF: u32 = 4;
/// Patience is not doubled beyond this many times its base.
const MAX_DOUBLING: u32 = 64;

#[derive(Debug)]
pub(super) struct Election {
    base: Duration,
    patience: Duration,
    /// The highest `mbal` that this processor has heard of, its own included.
    highest: Ballot,
    /// When that changed.
    entered: Time,
    /// When a slot was last decided.
    progress: Time,
}

impl Election {
    pub(super) fn new(base: Duration) -> Self {
        Election {
            base,
            patience: base,
            highest: Ballot::NONE,
            entered: Time::ZERO,
            progress: Time::ZERO,
        }
    }

    /// The highest `mbal` heard of.
    pub(super) fn highest(&self) -> Ballot {
        self.highest
    }

    /// How long this processor waits now for another one.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// A ballot was heard of. True if it is the highest.
    pub(super) fn heard(&mut self, ballot: Ballot, now: Time) -> bool {
        let higher = ballot > self.highest;
        if higher {
            (self.highest, self.entered) = (ballot, now);
        }
        higher
    }

    /// A slot was decided.
    pub(super) fn progress(&mut self, now: Time) {
        self.progress = now;
        self.patience = (self.patience / 2).max(self.base);
    }

    /// This processor starts a ballot: if it does not help, the next one starts later.
    pub(super) fn started(&mut self, now: Time) {
        self.entered = now;
        self.patience = (self.patience * 2).min(self.base * MAX_DOUBLING);
    }

    /// When `me`, one of `processors`, may start a ballot for what has been waiting since `oldest`.
    pub(super) fn deadline(
        &self,
        me: ProcessorId,
        processors: &[ProcessorId],
        oldest: Time,
    ) -> Time {
        let leader = ProcessorId::owner(self.highest);
        let place = |p| processors.iter().position(|q| *q == p).unwrap_or(0);
        let turn = match leader {
            Some(leader) => place(leader),
            // The first one is next.
            None => processors.len().saturating_sub(1),
        };
        if leader == Some(me) || (leader.is_none() && place(me) == 0) {
            return oldest;
        }
        let n = processors.len().max(1);
        let rank = u32::try_from((place(me) + n - turn - 1) % n).unwrap_or(u32::MAX);
        let wait = self.patience + (self.base / 4).saturating_mul(rank);
        let since = oldest.max(self.entered);
        let end = since.saturating_add(self.patience.saturating_mul(PUT_OFF));
        since.max(self.progress).min(end).saturating_add(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Time = Time::from_secs;

    fn processors() -> Vec<ProcessorId> {
        [1, 4, 9].into_iter().filter_map(ProcessorId::new).collect()
    }

    #[test]
    fn the_first_starts_at_once_and_a_leader_goes_on_at_once() {
        let ps = processors();
        let mut e = Election::new(S(4));
        assert_eq!(e.deadline(ps[0], &ps, S(10)), S(10));
        assert_eq!(e.deadline(ps[1], &ps, S(10)), S(15));
        assert!(e.heard(Ballot(256 + 4), S(11)));
        assert_eq!(e.deadline(ps[1], &ps, S(10)), S(10));
        assert_eq!(e.deadline(ps[2], &ps, S(10)), S(15));
        assert_eq!(e.deadline(ps[0], &ps, S(10)), S(16));
    }

    #[test]
    fn progress_puts_patience_off_but_not_for_ever() {
        let ps = processors();
        let mut e = Election::new(S(4));
        e.heard(Ballot(1), S(0));
        e.progress(S(12));
        assert_eq!(e.deadline(ps[1], &ps, S(10)), S(16));
        e.progress(S(100));
        assert_eq!(e.deadline(ps[1], &ps, S(10)), S(30));
    }

    #[test]
    fn patience_doubles_with_every_start_and_shrinks_with_progress() {
        let ps = processors();
        let mut e = Election::new(S(4));
        e.heard(Ballot(1), S(0));
        e.started(S(0));
        e.started(S(0));
        assert_eq!(e.deadline(ps[1], &ps, S(0)), S(16));
        e.progress(S(0));
        assert_eq!(e.deadline(ps[1], &ps, S(0)), S(8));
        for _ in 0..20 {
            e.started(S(0));
        }
        assert_eq!(e.deadline(ps[1], &ps, S(0)), S(256));
    }
}
