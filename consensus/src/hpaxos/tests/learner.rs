//! What is known of learners' decisions when they have left memory.

use super::FOUR;
use super::puppet::{Puppets, batch};
use crate::history::{History, Keep, MemoryHistory};
use crate::hpaxos::learner::Learners;
use crate::hpaxos::{Input, Output};
use crate::{Ballot, Batch, Decision, Slot, Values};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId, LearnerSet};
use proptest::prelude::*;
use std::sync::Arc;

#[test]
fn whoever_decided_otherwise_is_known_by_the_history_as_well() {
    let history = Arc::new(MemoryHistory::default());
    let (theirs, mine) = (Digest::of(b"theirs"), Digest::of(b"mine"));
    let (alice, slot) = (LearnerId(0), Slot(0));
    history.keep(Keep::Decision {
        decision: Decision {
            learners: LearnerSet::just(alice),
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

/// The learners of every decision that was delivered.
fn delivered(p: &Puppets) -> Vec<LearnerSet> {
    let of = |o: &Output| match o {
        Output::Decided(d) => Some(d.learners),
        _ => None,
    };
    p.outputs.iter().filter_map(of).collect()
}

/// The real one plays a4, the last to be heard; a1 votes for these in messages of their own.
fn decide(a1: &[LearnerSet], p: &mut Puppets) {
    let (bytes, digest) = batch("x");
    let everyone = p.network.graph().learners();
    p.others_join(1, &[0, 1, 2]);
    p.give(vec![Input::Batch(bytes)]);
    p.announce(1, 0, digest);
    for i in 0..3 {
        p.two_av(i, 1, 0, digest, everyone);
    }
    for learners in a1 {
        p.two_b(0, 1, 0, digest, *learners);
    }
    for i in 1..3 {
        p.two_b(i, 1, 0, digest, everyone);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever votes are said for which learners, in whatever order.
    #[test]
    fn every_certificate_has_a_vote_of_each_of_its_acceptors(
        said in proptest::collection::vec((0..3u16, 1..8u8), 0..12)
    ) {
        let mut p = Puppets::new(FOUR, 3);
        let (bytes, digest) = batch("x");
        p.give(vec![Input::Batch(bytes)]);
        for (from, bits) in said {
            let learners = (0..3).filter(|l| bits >> l & 1 == 1).map(LearnerId);
            p.two_b(from, 1, 0, digest, learners.collect());
        }
        for restarted in [false, true] {
            if restarted {
                p.restart();
            }
            for learner in p.network.graph().learners().iter() {
                let certificate = p.engine.learners.certificate(learner, Slot(0));
                let quorum = certificate.map(|c| c.verify(&p.network).expect("its own votes"));
                let of = |q| p.network.graph().is_quorum(learner, &q);
                prop_assert!(quorum.is_none_or(of));
            }
        }
    }
}

#[test]
fn what_proves_a_decision_to_several_is_delivered_to_them_at_once() {
    let mut p = Puppets::new(FOUR, 3);
    let everyone = p.network.graph().learners();
    decide(&[everyone], &mut p);
    let groups = delivered(&p);
    assert!(groups.len() < everyone.len(), "{groups:?}");
    assert_eq!(
        groups.iter().map(LearnerSet::len).sum::<usize>(),
        everyone.len()
    );
}

#[test]
fn whoever_needs_another_message_has_a_proof_of_its_own() {
    let mut p = Puppets::new(FOUR, 3);
    let everyone = p.network.graph().learners();
    let each: Vec<LearnerSet> = everyone.iter().map(LearnerSet::just).collect();
    decide(&each, &mut p);
    assert_eq!(delivered(&p).len(), everyone.len());
    for learner in everyone {
        let certificate = p
            .engine
            .learners
            .certificate(learner, Slot(0))
            .expect("decided");
        let quorum = certificate.verify(&p.network).expect("its own votes");
        assert!(p.network.graph().is_quorum(learner, &quorum));
    }
}
