//! What leaves a learner's memory.

use super::*;
use crate::history::MemoryHistory;

const L: [LearnerId; 2] = [LearnerId(0), LearnerId(1)];

/// Both have decided these slots, and nothing was delivered.
fn decided(slots: std::ops::Range<u64>) -> Learners {
    let mut learners = Learners::new(2, Arc::new(MemoryHistory::default()));
    for slot in slots.map(Slot) {
        let decided = Decided {
            ballot: Ballot::FIRST,
            value: Digest([7; 32]),
            quorum: AcceptorSet::EMPTY,
            two_b: Vec::new(),
        };
        learners.add(L.into_iter().collect(), slot, decided);
    }
    learners
}

#[test]
fn nobody_has_decided_what_is_frozen() {
    let mut learners = decided(4..12);
    let page = Page {
        start: Slot(4),
        end: Slot(8),
    };
    learners.freeze(page);
    let open = |slot| learners.undecided_in(Slot(slot)).len();
    assert_eq!(
        (4..12).map(open).collect::<Vec<_>>(),
        [2, 2, 2, 2, 0, 0, 0, 0]
    );
}

#[test]
fn of_what_all_have_forgotten_nothing_is_in_memory() {
    let mut learners = decided(0..12);
    let of = |l: usize| LearnerSet::just(L[l]);
    (0..10).for_each(|slot| learners.delivered(of(0), Slot(slot)));
    (0..6).for_each(|slot| learners.delivered(of(1), Slot(slot)));
    learners.forget_below(Slot(8));
    // The second one has yet to be given some of them.
    let kept: Vec<Slot> = learners.by_slot.keys().copied().collect();
    assert_eq!(kept, (6..12).map(Slot).collect::<Vec<_>>());
    let of_each = learners.of.iter().map(|l| l.decided.len());
    assert_eq!(of_each.collect::<Vec<_>>(), [4, 6]);
}
