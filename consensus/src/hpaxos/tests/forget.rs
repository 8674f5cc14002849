//! What leaves memory, what a checkpoint has to say, and what the history answers.

use super::puppet::{Puppets, RECENT, batch, one_b};
use super::{FOUR, learner};
use crate::history::History as _;
use crate::hpaxos::{Input, Output, Record};
use crate::{ClientValue, Slot};
use crypto::Digest;
use learner_graph::LearnerSet;

/// The real one plays a4; ballot 1 of a1 is joined by everybody.
fn a4() -> Puppets {
    let mut p = Puppets::new(FOUR, 3);
    p.others_join(1, &[0, 1, 2]);
    p
}

/// Every learner decides a value of its own in a slot.
fn decide(p: &mut Puppets, slot: u64, text: &str) -> Digest {
    let everyone = p.network.graph().learners();
    decide_for(p, everyone, slot, text)
}

/// These learners do.
fn decide_for(p: &mut Puppets, learners: LearnerSet, slot: u64, text: &str) -> Digest {
    let (bytes, digest) = batch(text);
    p.give(vec![Input::Batch(bytes)]);
    p.announce(1, slot, digest);
    for i in 0..3 {
        p.two_av(i, 1, slot, digest, learners);
        p.two_b(i, 1, slot, digest, learners);
    }
    digest
}

/// Decides so many slots that the low-water mark rises.
fn settle(p: &mut Puppets) {
    for slot in 0..RECENT {
        decide(p, slot, &slot.to_string());
    }
    assert_eq!(p.engine.floor, Slot(RECENT));
}

/// What each learner has got in a slot.
fn delivered(p: &Puppets, slot: u64) -> Vec<Vec<ClientValue>> {
    let of = |o: &Output| match o {
        Output::Decided(d) if d.slot == Slot(slot) => vec![d.values.to_vec(); d.learners.len()],
        _ => Vec::new(),
    };
    p.outputs.iter().flat_map(of).collect()
}

#[test]
fn few_large_slots_leave_memory_as_well() {
    let mut p = a4();
    let (slots, large) = (RECENT - 1, 1 << 20);
    for slot in 0..slots {
        decide(&mut p, slot, &slot.to_string().repeat(large));
    }
    let kept = p.engine.batches.kept().count();
    assert!(kept <= 4, "{kept} of 1 MiB");
    assert!(p.engine.floor >= Slot(3));
}

#[test]
fn large_bytes_leave_memory_although_a_learner_lacks_them() {
    let mut p = a4();
    let (slots, large) = (RECENT - 1, 1 << 20);
    let carol = LearnerSet::just(learner(p.network.graph(), "carol"));
    let others = p.network.graph().learners() - carol;
    let mut digests = Vec::new();
    for slot in 0..slots {
        digests.push(decide_for(
            &mut p,
            others,
            slot,
            &slot.to_string().repeat(large),
        ));
    }
    assert_eq!(p.engine.floor, Slot(0), "carol has decided nothing");
    let kept = p.engine.batches.kept().count();
    assert!(kept <= 4, "{kept} of 1 MiB");
    for i in 0..3 {
        p.two_av(i, 1, 0, digests[0], carol);
        p.two_b(i, 1, 0, digests[0], carol);
    }
    assert_eq!(
        delivered(&p, 0),
        vec![batch(&"0".repeat(large)).0.values.to_vec(); 3]
    );
}

/// Everything that an acceptor and a proposer must never forget.
fn state(p: &Puppets) -> String {
    let proposer = p.engine.proposer.as_ref().map(|p| p.ballot());
    let evidence = p.engine.evidence();
    format!("{:?} {proposer:?} {evidence:?}", p.engine.acceptor)
}

#[test]
fn what_every_learner_has_delivered_leaves_memory() {
    let mut p = a4();
    settle(&mut p);
    let open = decide(&mut p, RECENT, "open");
    let engine = &p.engine;
    assert_eq!(engine.received.slots_from(Slot(0)).count(), 1);
    assert_eq!(
        engine
            .batches
            .kept()
            .map(|kept| kept.digest)
            .collect::<Vec<_>>(),
        [open]
    );
    assert!(
        engine
            .learners
            .proof(learner_graph::LearnerId(0), Slot(0))
            .is_empty()
    );
    // The history has it, and what proves it.
    for learner in p.network.graph().learners().iter() {
        let kept = p.history.decision(learner, Slot(0)).expect("kept");
        assert_eq!(kept.value, batch("0").1);
        let certificate = engine.learners.certificate(learner, Slot(0)).expect("kept");
        let quorum = certificate.verify(&p.network).expect("a certificate");
        assert!(p.network.graph().is_quorum(learner, &quorum));
    }
    assert!(engine.batches.stored(&batch("0").1));
}

#[test]
fn a_value_is_delivered_once_for_ever() {
    let mut p = a4();
    settle(&mut p);
    // A client submits it again: it is accepted, and nothing follows.
    let (old, _) = batch("5");
    let (stored, outputs) = (p.stored.len(), p.outputs.len());
    p.give(vec![
        Input::Submit(old.values[0].clone()),
        Input::Value(old.values[0].clone()),
    ]);
    assert_eq!(p.stored.len(), stored, "nothing is stored for it");
    let news = &p.outputs[outputs..];
    assert!(matches!(news, [Output::Accepted(_)]), "{news:?}");
    assert_eq!(p.engine.waiting.len(), 0);
    // A proposer that does not know better has it decided again.
    decide(&mut p, RECENT, "5");
    let all = delivered(&p, RECENT);
    assert_eq!(all.len(), p.network.graph().n_learners());
    assert!(all.iter().all(Vec::is_empty), "{all:?}");
}

#[test]
fn a_checkpoint_says_all_that_must_not_be_forgotten() {
    let mut p = a4();
    settle(&mut p);
    decide(&mut p, RECENT, "decided since");
    let everyone = p.network.graph().learners();
    let (bytes, open) = batch("open");
    p.give(vec![Input::Batch(bytes)]);
    p.announce(1, RECENT + 1, open);
    for i in 0..3 {
        p.two_av(i, 1, RECENT + 1, open, everyone);
    }
    p.give(vec![Input::Submit(batch("mine").0.values[0].clone())]);
    p.others_join(2, &[0, 1, 2]);
    let (before, records) = (state(&p), p.stored.len());
    let one_b = p.one_bs().pop();
    p.checkpoint();
    assert!(
        p.stored.len() < records / 2,
        "{} of {records}",
        p.stored.len()
    );
    p.restart();
    assert_eq!(state(&p), before);
    assert_eq!(p.engine.waiting.own().count(), 1);
    assert!(p.engine.batches.stored(&open));
    // It has promised ballot 2, and its vote of ballot 1 binds.
    p.start(2);
    p.others_join(2, &[0, 1, 2]);
    assert_eq!(p.one_bs().pop(), one_b);
    // And a checkpoint of what came out of a checkpoint says the same.
    let again = p.engine.checkpoint();
    assert_eq!(again, p.stored);
}

#[cfg(feature = "planted")]
#[test]
fn a_checkpoint_without_votes_is_seen() {
    use crate::planted::{Bug, plant};
    let mut p = a4();
    decide(&mut p, 0, "decided");
    let before = state(&p);
    plant(Some(Bug::CheckpointWithoutVotes));
    p.checkpoint();
    plant(None);
    p.restart();
    assert_ne!(state(&p), before);
}

#[test]
fn what_a_crash_takes_from_the_history_comes_back_from_the_records() {
    let mut p = a4();
    settle(&mut p);
    let all = p.stored.clone();
    // Nothing of the history was durable.
    p.restart();
    for learner in p.network.graph().learners().iter() {
        assert_eq!(p.history.next(learner), Slot(RECENT));
    }
    // All of it was, and the records say it again.
    p.history.flush();
    p.restart();
    assert_eq!(p.engine.floor, Slot(RECENT));
    for learner in p.network.graph().learners().iter() {
        assert_eq!(p.history.next(learner), Slot(RECENT));
    }
    // Some of it was.
    p.history.flush();
    let marks = |r: &Record| matches!(r, Record::LowWater(_));
    let until = all.iter().position(marks).expect("a mark");
    p.stored = all[..until].to_vec();
    p.restart();
    assert_eq!(p.engine.floor, Slot(RECENT), "the history says so");
    p.hear(0, one_b(1, 0, vec![]));
    decide(&mut p, RECENT, "goes on");
    for learner in p.network.graph().learners().iter() {
        assert_eq!(p.history.next(learner), Slot(RECENT + 1));
    }
}
