//! What is known of learners' decisions when they have left memory.

use crate::history::{History, Keep, MemoryHistory};
use crate::hpaxos::learner::Learners;
use crate::{Ballot, Batch, Decision, Slot, Values};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId};
use std::sync::Arc;

#[test]
fn whoever_decided_otherwise_is_known_by_the_history_as_well() {
    let history = Arc::new(MemoryHistory::default());
    let (theirs, mine) = (Digest::of(b"theirs"), Digest::of(b"mine"));
    let (alice, slot) = (LearnerId(0), Slot(0));
    history.keep(Keep::Decision {
        decision: Decision {
            learner: alice,
            slot,
            ballot: Ballot(1),
            value: theirs,
            values: Values::from_iter([]),
            heard: None,
            quorum: AcceptorSet::EMPTY,
        },
        batch: Arc::new(Batch::default()),
        proof: Vec::new(),
    });
    let learners = Learners::new(2, history);
    assert_eq!(learners.otherwise(slot, mine), [(alice, theirs)]);
    assert_eq!(learners.otherwise(slot, theirs), []);
    assert_eq!(learners.otherwise(Slot(1), mine), []);
}
