//! Each invariant finds the state that contradicts it, by name.

use super::*;
use crate::conformance::tests::run::{FOUR, MIXED};
use crate::conformance::tests::stage::{
    ALICE, BOB, CAROL, SLOT, Stage, acceptor, two_av, two_b, value, vote,
};
use consensus::Ballot;
use consensus::hpaxos::trace::Vote;
use learner_graph::AcceptorSet;

/// All have proposed v in ballot 1, and all invariants hold.
fn stage() -> Stage {
    let stage = Stage::proposed(FOUR, &[1, 2, 3, 4]);
    check_all(&stage.0).unwrap_or_else(|e| panic!("{e}"));
    stage
}

/// The name of an invariant that looks at the action, and of all that look at everything.
fn found(stage: &Stage, action: &Action) -> (&'static str, Vec<&'static str>) {
    let first = check(&stage.0, action).expect_err("it is broken");
    let all = IN_SLOT
        .iter()
        .filter_map(|(_, holds)| holds(&stage.0, SLOT).err());
    let mut all: Vec<_> = all.map(|broken| broken.invariant).collect();
    all.extend(connected_spec::holds(&stage.0).err().map(|b| b.invariant));
    all.extend(evidence::holds(&stage.0).err().map(|b| b.invariant));
    (first.invariant, all)
}

/// What happens without being allowed.
fn takes(stage: &mut Stage, i: u16, action: &Action) {
    stage.0.take(usize::from(i - 1), action);
}

fn at(stage: &mut Stage, i: u16) -> &mut AtAcceptor {
    let instance = stage.0.slots.get_mut(&SLOT).expect("it is there");
    &mut instance.acceptors[usize::from(i - 1)]
}

fn msg(action: &Action) -> Msg {
    match action {
        Action::Send(m) => m.clone(),
        other => panic!("{other:?} sends nothing"),
    }
}

#[test]
fn votes_sent_1() {
    let mut s = stage();
    s.votes(2, ALICE, 1, "v");
    at(&mut s, 2).votes_sent.insert(vote(BOB, 1, "v"));
    let (first, all) = found(&s, &two_b(2, vote(ALICE, 1, "v")));
    assert_eq!((first, all), ("VotesSentSpec1", vec!["VotesSentSpec1"]));
}

#[test]
fn votes_sent_2() {
    let mut s = stage();
    s.votes(2, ALICE, 1, "v");
    at(&mut s, 2).votes_sent.clear();
    let (first, all) = found(&s, &two_b(2, vote(ALICE, 1, "v")));
    assert_eq!(first, "VotesSentSpec2");
    assert_eq!(all, ["VotesSentSpec2", "MsgInv2b"]);
}

/// Of the variables nothing breaks it; a MaxVote that leaves out the last vote does.
#[test]
fn votes_sent_3() {
    let votes = [vote(ALICE, 1, "v"), vote(ALICE, 3, "v"), vote(BOB, 2, "w")];
    let at = AtAcceptor {
        votes_sent: votes.into_iter().collect(),
        ..AtAcceptor::default()
    };
    let max = |b| at.max_votes(b);
    assert_eq!(votes_sent_spec_3::unbounded(&at.votes_sent, max), None);
    let wrong = |b: Ballot| at.max_votes(Ballot(b.0 - 1));
    let unbounded = votes_sent_spec_3::unbounded(&at.votes_sent, wrong);
    assert_eq!(unbounded, Some(votes[0]));
}

#[test]
fn votes_sent_4() {
    let mut s = stage();
    s.votes(2, ALICE, 1, "v");
    let other = two_b(2, vote(BOB, 1, "w"));
    takes(&mut s, 2, &other);
    let (first, all) = found(&s, &other);
    assert_eq!(first, "VotesSentSpec4");
    assert_eq!(all, ["VotesSentSpec4", "MsgInv2b"]);
}

#[test]
fn learners_that_are_not_entangled_may_get_different_votes() {
    let kiosk = consensus::hpaxos::trace::Vote {
        lr: learner_graph::LearnerId(2),
        ..vote(ALICE, 1, "w")
    };
    for (faulty, expected) in [(&[][..], false), (&[2][..], true)] {
        let mut s = Stage::new(MIXED, faulty);
        takes(&mut s, 1, &two_b(1, vote(ALICE, 1, "v")));
        takes(&mut s, 1, &two_b(1, kiosk));
        assert_eq!(votes_sent_spec_4::holds(&s.0, SLOT).is_ok(), expected);
    }
}

#[test]
fn two_av_sent_1() {
    let mut s = stage();
    at(&mut s, 2).two_av_sent.insert(vote(BOB, 2, "v"));
    let (first, all) = found(&s, &two_av(2, vote(ALICE, 1, "v")));
    assert_eq!((first, all), ("2avSentSpec1", vec!["2avSentSpec1"]));
}

#[test]
fn two_av_sent_2() {
    let mut s = stage();
    at(&mut s, 2).two_av_sent.remove(&vote(BOB, 1, "v"));
    let (first, all) = found(&s, &two_av(2, vote(BOB, 1, "v")));
    assert_eq!(first, "2avSentSpec2");
    assert_eq!(all, ["2avSentSpec2", "MsgInv2av"]);
}

#[test]
fn two_av_sent_3() {
    let mut s = stage();
    s.lies(Msg::OneC(vote(BOB, 1, "w"), SLOT));
    let other = two_av(2, vote(BOB, 1, "w"));
    takes(&mut s, 2, &other);
    let (first, all) = found(&s, &other);
    assert_eq!((first, all), ("2avSentSpec3", vec!["2avSentSpec3"]));
}

#[test]
fn connected() {
    let mut s = stage();
    let action = Action::Disconnect {
        acc: acceptor(2),
        pairs: vec![(ALICE, CAROL)],
        caught: AcceptorSet::EMPTY,
        apart: Vec::new(),
    };
    takes(&mut s, 2, &action);
    assert_eq!(found(&s, &action), ("ConnectedSpec", vec!["ConnectedSpec"]));
}

#[test]
fn evidence_against_the_safe_and_the_entangled() {
    for (caught, apart) in [(vec![acceptor(3)], vec![]), (vec![], vec![(ALICE, BOB)])] {
        let mut s = stage();
        let action = Action::Disconnect {
            acc: acceptor(2),
            pairs: Vec::new(),
            caught: caught.into_iter().collect(),
            apart,
        };
        takes(&mut s, 2, &action);
        assert_eq!(found(&s, &action), ("evidence", vec!["evidence"]));
    }
}

fn decides(lr: learner_graph::LearnerId, bal: u64, val: &str) -> Action {
    Action::LearnerDecide {
        lr,
        bal: Ballot(bal),
        slot: SLOT,
        val: value(val),
    }
}

#[test]
fn decision() {
    let mut s = stage();
    s.votes(1, ALICE, 1, "v");
    s.votes(2, ALICE, 1, "v");
    let action = decides(ALICE, 1, "v");
    takes(&mut s, 3, &action);
    assert_eq!(found(&s, &action), ("DecisionSpec", vec!["DecisionSpec"]));
}

#[test]
fn safety_of_entangled_learners_at_different_nodes() {
    let mut s = Stage::new(FOUR, &[2, 3, 4]);
    for (lr, v) in [(ALICE, "v"), (BOB, "w")] {
        for i in [2, 3, 4] {
            s.lies(Msg::TwoB(acceptor(i), vote(lr, 1, v), SLOT));
        }
    }
    takes(&mut s, 1, &decides(ALICE, 1, "v"));
    // The three that decide are not safe, so that nobody is entangled.
    takes(&mut s, 2, &decides(ALICE, 2, "w"));
    assert!(safety::holds(&s.0, SLOT).is_ok());
    let mut s = stage();
    for i in 1..=3 {
        s.votes(i, ALICE, 1, "v");
    }
    s.does(1, decides(ALICE, 1, "v"));
    let mut both = s.0.clone();
    both.take(1, &decides(BOB, 3, "w"));
    let broken = safety::holds(&both, SLOT).expect_err("two values");
    assert_eq!(broken.invariant, "Safety");
    s.0.take(2, &decides(ALICE, 1, "w"));
    let broken = safety::holds(&s.0, SLOT).expect_err("two values of one learner");
    assert_eq!(broken.invariant, "Safety");
}

/// A 1b that says what the acceptor has not sent, in its votes, its proposals and its ballot.
#[test]
fn one_b() {
    let mut lies = Vec::new();
    let mut s = stage();
    s.votes(2, ALICE, 1, "v");
    s.starts(2);
    let honest = s.one_b(2, ALICE, 2);
    for change in 0..3 {
        let mut m = honest.clone();
        if let Msg::OneB { slots, .. } = &mut m {
            match change {
                0 => slots[0].votes.clear(),
                1 => slots[0].proposals[0].bal = Ballot(0),
                _ => slots.clear(),
            }
        }
        lies.push(m);
    }
    for m in lies {
        let mut s = Stage(s.0.clone());
        let action = Action::Send(m);
        takes(&mut s, 2, &action);
        assert_eq!(found(&s, &action), ("MsgInv1b", vec!["MsgInv1b"]));
    }
    let mut above = Stage(s.0.clone());
    let action = Action::Send(honest.clone());
    above.0.take(1, &Action::FakeSend(honest.clone()));
    assert_eq!(found(&above, &action), ("MsgInv1b", vec!["MsgInv1b"]));
    // And once it is said, no vote below may follow.
    s.does(2, action);
    let late = two_b(2, vote(BOB, 1, "v"));
    takes(&mut s, 2, &late);
    assert_eq!(found(&s, &late), ("MsgInv1b", vec!["MsgInv1b"]));
}

#[test]
fn two_av_needs_its_reasons() {
    let broken = |s: &mut Stage, vote: Vote| {
        let action = two_av(2, vote);
        takes(s, 2, &action);
        found(s, &action).0
    };
    assert_eq!(broken(&mut stage(), vote(ALICE, 2, "v")), "MsgInv2av");
    let mut started = stage();
    started.starts(2);
    assert_eq!(broken(&mut started, vote(ALICE, 2, "v")), "MsgInv2av");
    let mut announced = stage();
    announced.starts(2);
    announced.announces(2, "v");
    assert_eq!(broken(&mut announced, vote(ALICE, 2, "v")), "MsgInv2av");
    for i in 1..=3 {
        announced.joins(i, 2);
    }
    let action = two_av(2, vote(BOB, 2, "v"));
    announced.does(2, action.clone());
    check(&announced.0, &action).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn two_b_needs_a_quorum_of_2av() {
    let mut s = Stage::proposed(FOUR, &[1, 2]);
    let action = two_b(2, vote(ALICE, 1, "v"));
    takes(&mut s, 2, &action);
    assert_eq!(found(&s, &action), ("MsgInv2b", vec!["MsgInv2b"]));
}

/// A 2av of another value while a quorum may still decide the first, and one while nobody has left the
/// ballot before.
#[test]
fn heterogeneous() {
    let mut s = stage();
    for i in 1..=3 {
        s.votes(i, ALICE, 1, "v");
    }
    s.starts(2);
    for i in 1..=4 {
        s.joins(i, 2);
    }
    let m = Msg::TwoAv(acceptor(3), vote(BOB, 2, "w"), SLOT);
    s.0.take(2, &Action::Send(m));
    let broken = heterogeneous_spec::holds(&s.0, SLOT).expect_err("alice has decided v");
    assert_eq!(broken.invariant, "HeterogeneousSpec");
    let mut s = stage();
    s.starts(2);
    s.joins(1, 2);
    let early = two_av(1, vote(BOB, 2, "v"));
    s.0.take(0, &early);
    let broken = heterogeneous_spec::holds(&s.0, SLOT).expect_err("others may vote anything");
    assert_eq!(broken.invariant, "HeterogeneousSpec");
    s.joins(2, 2);
    s.joins(3, 2);
    heterogeneous_spec::holds(&s.0, SLOT).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        msg(&early),
        Msg::TwoAv(acceptor(1), vote(BOB, 2, "v"), SLOT)
    );
}
