//! What was simulated, counted.

use std::collections::BTreeMap;
use std::time::Duration;

/// Counts of a run, or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Simulated time.
    pub time: Duration,
    /// How long it took at most from the end of all faults until everything was decided, in times the
    /// patience of the beginning.
    pub rest: u32,
    /// Runs in which nobody had to decide anything in the end.
    pub unbound: u64,
    /// Steps of state machines.
    pub steps: u64,
    /// Messages that arrived.
    pub messages: u64,
    /// Atomic actions on disks.
    pub disk_actions: u64,
    /// Checkpoints made.
    pub checkpoints: u64,
    /// HPaxos: parts of 1b about pages that had been frozen when their acceptor joined.
    pub thawed: u64,
    /// Decisions delivered, over all nodes and learners.
    pub decisions: u64,
    /// Slots of the longest log.
    pub slots: u64,
    /// The highest ballot joined.
    pub ballots: u64,
    /// Faults by kind, those of the network included.
    pub faults: BTreeMap<&'static str, u64>,
    /// What the run did, as a number: equal for equal runs.
    pub fingerprint: u64,
}

impl Tally {
    /// Counts one of a kind.
    pub(super) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Mixes what happened into the fingerprint (FNV-1a).
    pub(super) fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.fingerprint =
                (self.fingerprint ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Tally) {
        self.time += other.time;
        self.rest = self.rest.max(other.rest);
        self.unbound += other.unbound;
        self.steps += other.steps;
        self.messages += other.messages;
        self.disk_actions += other.disk_actions;
        self.checkpoints += other.checkpoints;
        self.thawed += other.thawed;
        self.decisions += other.decisions;
        self.slots = self.slots.max(other.slots);
        self.ballots = self.ballots.max(other.ballots);
        for (kind, n) in &other.faults {
            *self.faults.entry(kind).or_default() += n;
        }
        match self.fingerprint {
            0 => self.fingerprint = other.fingerprint,
            _ => self.mix(&other.fingerprint.to_le_bytes()),
        }
    }
}
