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

/// Slots are decided and delivered.
fn finish(leader: &mut Leader, slots: std::ops::Range<u64>) {
    for slot in slots {
        leader.decide(slot);
        leader.deliver(slot);
    }
}

#[test]
fn after_a_decision_values_wait_for_those_who_are_missing() {
    let mut leader = Leader::new(20 * MS, MAX_BATCH_BYTES);
    (0..3).for_each(|n| leader.hear(n, 10, MS));
    assert_eq!(leader.propose(MS), [(0, 3)]);
    finish(&mut leader, 0..1);
    assert_eq!(leader.propose(5 * MS), []);
    leader.hear(3, 10, 6 * MS);
    assert_eq!(leader.propose(6 * MS), []);
    assert_eq!(
        leader.pipeline.due(),
        Some(13 * MS),
        "twice the 4 ms it took"
    );
    leader.hear(4, 10, 7 * MS);
    assert_eq!(leader.propose(7 * MS), []);
    leader.hear(5, 10, 7 * MS);
    assert_eq!(leader.propose(7 * MS), [(1, 3)], "all are back");
    leader.hear(6, 10, 8 * MS);
    assert_eq!(leader.propose(8 * MS), []);
    finish(&mut leader, 1..2);
    assert_eq!(leader.propose(10 * MS), []);
    let two_thirds = 10 * MS + 6 * MS * 2 / 3;
    assert_eq!(leader.pipeline.due(), Some(two_thirds), "two of three");
    assert_eq!(leader.propose(two_thirds), [(2, 1)], "nobody came");
    finish(&mut leader, 2..3);
    leader.hear(7, 10, 15 * MS);
    assert_eq!(leader.propose(15 * MS), [(3, 1)], "nobody is missing");
}

#[test]
fn who_is_missing_counts_those_who_were_on_their_way() {
    let mut leader = Leader::new(20 * MS, MAX_BATCH_BYTES);
    leader.hear(0, 10, MS);
    assert_eq!(leader.propose(MS), [(0, 1)]);
    (1..3).for_each(|n| leader.hear(n, 10, 2 * MS));
    assert_eq!(leader.propose(2 * MS), [(1, 2)]);
    finish(&mut leader, 0..2);
    assert_eq!(leader.propose(5 * MS), []);
    (3..5).for_each(|n| leader.hear(n, 10, 6 * MS));
    assert_eq!(leader.propose(6 * MS), [], "two of three");
    leader.hear(5, 10, 6 * MS);
    assert_eq!(leader.propose(6 * MS), [(2, 3)]);
}

#[test]
fn who_did_not_come_back_is_not_waited_for_after_the_next_decisions() {
    let mut leader = Leader::new(20 * MS, MAX_BATCH_BYTES);
    let (mut slot, mut n) = (0, 0);
    // Three come, and then one, long before the time is over: whether it was waited for the others.
    let mut alone_waits = || {
        let at = 100 * MS * (slot as u32 + 1);
        (n..n + 3).for_each(|n| leader.hear(n, 10, at));
        assert_eq!(leader.propose(at), [(slot, 3)]);
        finish(&mut leader, slot..slot + 1);
        assert_eq!(leader.propose(at + 10 * MS), []);
        leader.hear(n + 3, 10, at + 11 * MS);
        let waits = leader.propose(at + 11 * MS).is_empty();
        if waits {
            assert_eq!(leader.propose(at + 30 * MS), [(slot + 1, 1)]);
        }
        finish(&mut leader, slot + 1..slot + 2);
        leader.propose(at + 40 * MS);
        (slot, n) = (slot + 2, n + 4);
        waits
    };
    // Each time has two decisions: nobody is waited for after one, two, four more.
    let waits: Vec<bool> = (0..9).map(|_| alone_waits()).collect();
    let expected = [true, true, false, true, false, false, true, false, false];
    assert_eq!(waits, expected);
    assert_eq!(leader.pipeline.passed, 8);
    leader.pipeline.to_pass = 0;
    for round in 1..3 {
        let at = 5000 * MS + 10 * MS * round;
        (0..3).for_each(|n| leader.hear(60 * round as u8 + n, 10, at));
        assert_eq!(leader.propose(at).len(), 1);
        let slot = leader.pipeline.fresh().0 - 1;
        finish(&mut leader, slot..slot + 1);
        assert_eq!(leader.propose(at + 5 * MS), []);
    }
    assert_eq!(leader.pipeline.passed, 0, "they came back");
}

#[test]
fn no_value_waits_longer_than_it_may() {
    let mut leader = Leader::new(20 * MS, MAX_BATCH_BYTES);
    (0..2).for_each(|n| leader.hear(n, 10, MS));
    assert_eq!(leader.propose(MS), [(0, 2)]);
    finish(&mut leader, 0..1);
    assert_eq!(leader.propose(100 * MS), [], "it took 99 ms");
    leader.hear(2, 10, 101 * MS);
    assert_eq!(leader.propose(101 * MS), []);
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
