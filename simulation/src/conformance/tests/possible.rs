//! KnowsSafeAt beyond the first ballot: who vouches, and which sets of acceptors may still be safe.

use super::run::{FOUR, MIXED};
use super::stage::{ALICE, SLOT, Stage, acceptor, two_av, vote};
use consensus::Ballot;
use consensus::hpaxos::Scope;
use consensus::hpaxos::trace::{Action, Msg, Said};
use learner_graph::{AcceptorSet, LearnerId};

const SAFE: &str = "KnowsSafeAt(l, a, b, v)";

/// Three of four have sent 2av for v in ballot 1, a1 has voted, and a4 is silent from then on: the state
/// in which the published rule deadlocks.
fn one_crashed() -> Stage {
    let mut s = Stage::proposed(FOUR, &[1, 2, 4]);
    s.votes(1, ALICE, 1, "v");
    s.starts(2);
    for i in 1..=3 {
        s.joins(i, 2);
    }
    s
}

#[test]
fn those_who_saw_the_value_vouch_for_it() {
    let mut s = one_crashed();
    s.announces(2, "v");
    s.does(3, two_av(3, vote(ALICE, 2, "v")));
}

#[test]
fn another_value_is_not_safe() {
    let mut s = one_crashed();
    s.announces(2, "w");
    assert_eq!(s.refuses(3, two_av(3, vote(ALICE, 2, "w"))), SAFE);
}

#[test]
fn a_value_that_was_only_proposed_binds_nobody() {
    let mut s = Stage::proposed(FOUR, &[1, 2]);
    s.starts(2);
    for i in 1..=3 {
        s.joins(i, 2);
    }
    s.announces(2, "w");
    s.does(3, two_av(3, vote(ALICE, 2, "w")));
}

/// a1 and a2 of three show nothing; a4, which lies, shows a vote of alice's for w and a 2av of w.
fn liar_shows(s: &mut Stage, voter: bool) {
    for lr in s.0.graph().learners() {
        let slots = vec![Said {
            slot: SLOT,
            votes: voter.then_some(vote(ALICE, 1, "w")).into_iter().collect(),
            proposals: vec![vote(lr, 1, "w")],
        }];
        let (acc, bal, low_water) = (acceptor(4), Ballot(2), SLOT);
        s.lies(Msg::OneB {
            lr,
            acc,
            bal,
            low_water,
            scope: Scope::ALL,
            slots,
        });
    }
}

#[test]
fn one_liar_alone_does_not_vouch() {
    // a1 voted for v; the liar shows w as later. No quorum without a1 but through the liar.
    let mut s = Stage::new(FOUR, &[4]);
    s.starts(1);
    for i in 1..=3 {
        s.joins(i, 1);
    }
    liar_joins_1(&mut s);
    s.announces(1, "v");
    for i in 1..=3 {
        s.proposes(i, 1, "v");
    }
    s.votes(1, ALICE, 1, "v");
    s.starts(2);
    s.joins(2, 2);
    s.joins(3, 2);
    liar_shows(&mut s, true);
    s.announces(2, "w");
    let why = s.refuses(3, two_av(3, vote(ALICE, 2, "w")));
    assert_eq!(
        why, SAFE,
        "a2 and a3 show v, and a4 alone is no voucher for w"
    );
    s.lies(Msg::OneC(vote(ALICE, 2, "v"), SLOT));
    // Nor is v, by these three: a4's vote for w has the ballot of their 2av.
    assert_eq!(s.refuses(3, two_av(3, vote(ALICE, 2, "v"))), SAFE);
    s.joins(1, 2);
    s.does(3, two_av(3, vote(ALICE, 2, "v")));
}

fn liar_joins_1(s: &mut Stage) {
    for lr in s.0.graph().learners() {
        s.lies(Msg::OneB {
            lr,
            acc: acceptor(4),
            bal: Ballot(1),
            low_water: SLOT,
            scope: Scope::ALL,
            slots: Vec::new(),
        });
    }
}

/// kiosk's sets need a1, a2 and a3. If it decided otherwise than alice, alice is bound by it as long as
/// the three may be safe.
#[test]
fn evidence_narrows_which_sets_are_possible() {
    let kiosk = LearnerId(2);
    let mut s = Stage::new(MIXED, &[2]);
    s.starts(1);
    for i in [1, 3, 4] {
        s.joins(i, 1);
    }
    for lr in s.0.graph().learners() {
        s.lies(Msg::OneB {
            lr,
            acc: acceptor(2),
            bal: Ballot(1),
            low_water: SLOT,
            scope: Scope::ALL,
            slots: Vec::new(),
        });
    }
    s.announces(1, "v");
    for i in [1, 3] {
        s.says(i, Msg::TwoAv(acceptor(i), vote(kiosk, 1, "v"), SLOT));
    }
    s.votes(1, kiosk, 1, "v");
    // In ballot 2 the vote itself would be in the way.
    s.starts(3);
    for i in [1, 3, 4] {
        s.joins(i, 3);
    }
    s.announces(3, "w");
    let w = two_av(3, vote(ALICE, 3, "w"));
    assert_eq!(s.refuses(3, w.clone()), SAFE, "a1 voted for kiosk");
    let evidence = |pairs: Vec<_>| Action::Disconnect {
        acc: acceptor(3),
        pairs,
        caught: [acceptor(2)].into_iter().collect(),
        apart: Vec::new(),
    };
    // With a2 caught no set that joins alice and kiosk is possible: nobody need vouch.
    s.does(3, evidence(Vec::new()));
    s.does(3, w);
}

#[test]
fn a_disconnected_learner_binds_nobody() {
    let kiosk = LearnerId(2);
    let mut s = Stage::new(MIXED, &[2]);
    s.starts(1);
    for i in [1, 3, 4] {
        s.joins(i, 1);
    }
    s.announces(1, "v");
    for i in [1, 3] {
        s.says(i, Msg::TwoAv(acceptor(i), vote(kiosk, 1, "v"), SLOT));
    }
    s.votes(1, kiosk, 1, "v");
    s.starts(2);
    for i in [1, 3, 4] {
        s.joins(i, 2);
    }
    s.announces(2, "w");
    let w = two_av(3, vote(ALICE, 2, "w"));
    assert_eq!(s.refuses(3, w.clone()), SAFE);
    s.does(
        3,
        Action::Disconnect {
            acc: acceptor(3),
            pairs: vec![(kiosk, ALICE)],
            caught: AcceptorSet::EMPTY,
            apart: Vec::new(),
        },
    );
    s.does(3, w);
}
