//! What a leader proposes, slot by slot.

use super::*;
use crate::history::MemoryHistory;
use crate::log::queue::Load;
use learner_graph::{LearnerId, LearnerSet};
use std::sync::Arc;

const MS: Duration = Duration::from_millis(1);

struct Leader {
    pipeline: Pipeline,
    waiting: Waiting,
    batches: Batches,
    batching: Batching,
    decided: BTreeMap<Slot, Digest>,
}

fn value(n: u8, bytes: usize) -> ClientValue {
    ClientValue::new(vec![n], vec![n; bytes]).expect("small")
}

impl Leader {
    fn new(delay: Duration, bytes: usize) -> Self {
        let history = Arc::new(MemoryHistory::<()>::default());
        let room = Load {
            values: 1000,
            bytes: usize::MAX,
        };
        Leader {
            pipeline: Pipeline::default(),
            waiting: Waiting::new(room, MS, history.clone()),
            batches: Batches::new(history),
            batching: Batching { delay, bytes },
            decided: BTreeMap::new(),
        }
    }

    fn supply(&self, now: Time) -> Supply<'_> {
        Supply {
            waiting: &self.waiting,
            batches: &self.batches,
            batching: self.batching,
            now,
        }
    }

    /// A value of so many bytes comes in.
    fn hear(&mut self, n: u8, bytes: usize, now: Time) {
        self.waiting.heard(value(n, bytes), now);
    }

    /// Proposes all it can, and says how many values went into each slot.
    fn propose(&mut self, now: Time) -> Vec<(u64, usize)> {
        let decided = self.decided.clone();
        self.pipeline.close(
            |slot| !decided.contains_key(&slot),
            |slot, value| decided.get(&slot) == Some(value),
            &self.waiting,
        );
        let mut slots = Vec::new();
        loop {
            let mut made = Vec::new();
            let mut pipeline = std::mem::take(&mut self.pipeline);
            let next = pipeline.next(|_| Some(Choice::Any), self.supply(now), &mut made);
            self.pipeline = pipeline;
            let Some((slot, _)) = next else {
                return slots;
            };
            for made in made {
                slots.push((slot.0, made.values.len()));
                self.batches.keep(made);
            }
        }
    }

    /// A slot is decided as proposed.
    fn decide(&mut self, slot: u64) {
        let slot = Slot(slot);
        let (_, value) = self
            .pipeline
            .proposed()
            .find(|(s, _)| *s == slot)
            .expect("open");
        self.decided.insert(slot, value);
    }

    /// A slot is delivered.
    fn deliver(&mut self, slot: u64) {
        let value = &self.decided[&Slot(slot)];
        let batch = self.batches.named(value).expect("kept");
        let learner = LearnerSet::just(LearnerId(0));
        self.waiting.deliver_batch(&batch, learner, 9 * MS);
    }
}

#[test]
fn without_delay_whatever_waits_goes_at_once_and_together() {
    let mut leader = Leader::new(Duration::ZERO, MAX_BATCH_BYTES);
    leader.hear(0, 10, MS);
    assert_eq!(leader.propose(MS), [(0, 1)]);
    for n in 1..4 {
        leader.hear(n, 10, MS);
    }
    assert_eq!(leader.propose(MS), [(1, 3)]);
    assert_eq!(leader.pipeline.due(), None);
}

#[test]
fn with_delay_a_value_waits_while_a_slot_is_open() {
    let mut leader = Leader::new(10 * MS, MAX_BATCH_BYTES);
    (0..4).for_each(|n| leader.hear(n, 10, MS));
    assert_eq!(leader.propose(MS), [(0, 4)], "nothing is open");
    leader.hear(4, 10, 2 * MS);
    leader.hear(5, 10, 8 * MS);
    assert_eq!(leader.propose(11 * MS), []);
    assert_eq!(leader.pipeline.due(), Some(12 * MS));
    assert_eq!(
        leader.propose(12 * MS),
        [(1, 2)],
        "the oldest has waited enough"
    );
    assert_eq!(leader.pipeline.due(), None);
    leader.decide(0);
    leader.hear(6, 10, 13 * MS);
    assert_eq!(leader.propose(13 * MS), [], "slot 1 is open");
}

#[test]
fn after_a_decision_values_wait_for_as_many_as_there_were_twice_as_long_as_it_took() {
    let mut leader = Leader::new(20 * MS, MAX_BATCH_BYTES);
    (0..3).for_each(|n| leader.hear(n, 10, MS));
    assert_eq!(leader.propose(MS), [(0, 3)]);
    leader.decide(0);
    leader.deliver(0);
    leader.hear(3, 10, 5 * MS);
    assert_eq!(leader.propose(5 * MS), [], "it took 4 ms");
    assert_eq!(leader.pipeline.due(), Some(13 * MS));
    (4..6).for_each(|n| leader.hear(n, 10, 6 * MS));
    assert_eq!(leader.propose(6 * MS), [(1, 3)], "all are back");
    leader.decide(1);
    leader.deliver(1);
    assert_eq!(leader.propose(8 * MS), []);
    leader.hear(6, 10, 9 * MS);
    assert_eq!(leader.propose(11 * MS), []);
    assert_eq!(leader.propose(12 * MS), [(2, 1)], "the others stay away");
    leader.decide(2);
    leader.deliver(2);
    leader.hear(7, 10, 13 * MS);
    assert_eq!(leader.propose(13 * MS), [(3, 1)], "nobody is missed");
    // However long a slot took, no value waits longer than it may.
    (8..10).for_each(|n| leader.hear(n, 10, 14 * MS));
    assert_eq!(leader.propose(14 * MS), [(4, 2)]);
    for slot in 3..5 {
        leader.decide(slot);
        leader.deliver(slot);
    }
    assert_eq!(leader.propose(100 * MS), []);
    leader.hear(10, 10, 101 * MS);
    assert_eq!(leader.propose(120 * MS), []);
    assert_eq!(leader.pipeline.due(), Some(121 * MS));
}

#[test]
fn as_many_as_are_on_their_way_do_not_wait() {
    let mut leader = Leader::new(10 * MS, MAX_BATCH_BYTES);
    leader.hear(0, 10, MS);
    assert_eq!(leader.propose(MS), [(0, 1)]);
    leader.hear(1, 10, MS);
    assert_eq!(leader.propose(MS), [(1, 1)], "one is on its way");
    leader.hear(2, 10, MS);
    assert_eq!(leader.propose(MS), [], "two are");
    leader.hear(3, 10, MS);
    assert_eq!(leader.propose(MS), [(2, 2)]);
    // What is delivered is no longer on its way.
    leader.hear(4, 10, MS);
    for slot in 0..2 {
        leader.decide(slot);
        leader.deliver(slot);
    }
    assert_eq!(leader.propose(MS), []);
    leader.hear(5, 10, MS);
    assert_eq!(leader.propose(MS), [(3, 2)]);
}

#[test]
fn a_full_batch_does_not_wait_and_takes_no_more() {
    let mut leader = Leader::new(10 * MS, 160);
    (0..5).for_each(|n| leader.hear(n, 10, MS));
    assert_eq!(leader.propose(MS), [(0, 5)]);
    // Each takes 27 bytes.
    (5..9).for_each(|n| leader.hear(n, 10, MS));
    assert_eq!(leader.propose(MS), []);
    leader.hear(9, 100, MS);
    assert_eq!(leader.propose(MS), [(1, 4)], "the last does not fit");
    leader.hear(10, 1000, MS);
    assert_eq!(leader.propose(MS), [(2, 1), (3, 1)], "too large for others");
    assert_eq!(leader.pipeline.open(), 4);
}

#[test]
fn what_is_decided_is_not_proposed_again_before_it_is_delivered_and_then_nothing_is_kept_of_it() {
    let mut leader = Leader::new(Duration::ZERO, MAX_BATCH_BYTES);
    for n in 0..3 {
        leader.hear(n, 10, MS);
        assert_eq!(leader.propose(MS), [(u64::from(n), 1)]);
    }
    leader.decide(1);
    leader.decide(2);
    assert_eq!(leader.propose(MS), [], "they wait for slot 0");
    // In slot 0 another value won.
    leader.decided.insert(Slot(0), Digest::of(b"another"));
    leader.deliver(1);
    leader.deliver(2);
    assert_eq!(leader.propose(MS), [(3, 1)]);
    leader.decide(3);
    leader.deliver(3);
    assert_eq!(leader.propose(MS), []);
    leader.pipeline.forget_below(Slot(4), &leader.waiting);
    assert_eq!(leader.pipeline.proposed().count(), 0);
    assert_eq!(leader.pipeline.carried(), 0);
}

#[test]
fn nothing_is_proposed_in_slots_that_are_forgotten() {
    let mut leader = Leader::new(Duration::ZERO, MAX_BATCH_BYTES);
    leader.pipeline.look_back((0..7).map(Slot), Slot(7));
    leader.pipeline.forget_below(Slot(6), &leader.waiting);
    leader.hear(0, 10, MS);
    leader.hear(1, 10, MS);
    assert_eq!(leader.propose(MS), [(6, 2)]);
    leader.decide(6);
    leader.deliver(6);
    leader.pipeline.forget_below(Slot(20), &leader.waiting);
    leader.hear(2, 10, MS);
    assert_eq!(leader.propose(MS), [(20, 1)]);
}
