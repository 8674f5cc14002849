//! Every conjunct of every action is needed: without it the action is refused, by that name.

use super::run::{FOUR, MIXED};
use super::stage::{ALICE, BOB, CAROL, SLOT, Stage, acceptor, two_av, two_b, value, vote};
use crate::conformance::Spec;
use consensus::hpaxos::trace::{Action, Msg, Said};
use consensus::{Ballot, Slot};
use learner_graph::{AcceptorSet, LearnerId};

fn one_a(bal: u64) -> Msg {
    Msg::OneA {
        lr: ALICE,
        bal: Ballot(bal),
    }
}

#[test]
fn phase_1a_and_1c() {
    let mut s = Stage::new(FOUR, &[]);
    assert_eq!(s.refuses(1, Action::Send(one_a(0))), "b \\in Ballot");
    let unknown = Msg::OneA {
        lr: LearnerId(9),
        bal: Ballot(1),
    };
    assert_eq!(s.refuses(1, Action::Send(unknown)), "l \\in Learner");
    let announce = |v| Action::Send(Msg::OneC(vote(ALICE, 1, v), SLOT));
    assert_eq!(s.refuses(1, announce("v")), "InitializedBallot(l, b)");
    s.starts(1);
    s.does(1, announce("v"));
    s.does(1, announce("v"));
    assert_eq!(s.refuses(1, announce("w")), "one value");
    s.does(1, Action::FakeSend(Msg::OneC(vote(ALICE, 1, "w"), SLOT)));
}

#[test]
fn phase_1b_joins_a_started_ballot_once() {
    let mut s = Stage::new(FOUR, &[]);
    let join = |s: &Stage, bal| Action::Send(s.one_b(2, ALICE, bal));
    let m = join(&s, 1);
    assert_eq!(s.refuses(2, m.clone()), "InitializedBallot(l, b)");
    s.does(1, Action::Send(one_a(1)));
    assert_eq!(s.refuses(2, m.clone()), "received");
    s.does(2, Action::Recv(acceptor(2), one_a(1)));
    assert_eq!(s.refuses(3, m.clone()), "played by one node");
    s.does(2, m.clone());
    assert_eq!(s.refuses(2, m), "maxBal[l, a] < b");
    s.starts(3);
    s.starts(2);
    s.joins(2, 3);
    let lower = join(&s, 2);
    assert_eq!(s.refuses(2, lower), "maxBal[l, a] < b");
}

/// Changes what a 1b says.
fn changed(m: &Msg, change: impl Fn(&mut Slot, &mut Vec<Said>)) -> Action {
    let mut m = m.clone();
    if let Msg::OneB {
        low_water, slots, ..
    } = &mut m
    {
        change(low_water, slots);
    }
    Action::Send(m)
}

#[test]
fn phase_1b_tells_everything() {
    const VOTES: &str = "votes |-> {p \\in votesSent[a] : MaxVote(a, b, p)}";
    let mut s = Stage::proposed(FOUR, &[1, 2, 3, 4]);
    s.votes(2, ALICE, 1, "v");
    s.votes(2, BOB, 1, "v");
    s.starts(2);
    let m = s.one_b(2, ALICE, 2);
    let none = changed(&m, |_, slots| slots.clear());
    assert_eq!(s.refuses(2, none), VOTES);
    let fewer = changed(&m, |_, slots| slots[0].votes.truncate(1));
    assert_eq!(s.refuses(2, fewer), VOTES);
    let other = changed(&m, |_, slots| slots[0].votes[0].val = value("w"));
    assert_eq!(s.refuses(2, other), VOTES);
    let more = changed(&m, |_, slots| slots[0].votes.push(vote(CAROL, 1, "v")));
    assert_eq!(s.refuses(2, more), VOTES);
    let proposals = changed(&m, |_, slots| slots[0].proposals.clear());
    assert!(s.refuses(2, proposals).starts_with("proposals |->"));
    let of_bob = changed(&m, |_, slots| slots[0].proposals.push(vote(BOB, 1, "v")));
    assert!(s.refuses(2, of_bob).starts_with("proposals |->"));
    let elsewhere = changed(&m, |_, slots| {
        let mut said = slots[0].clone();
        said.slot = Slot(5);
        slots.push(said);
    });
    assert_eq!(s.refuses(2, elsewhere), VOTES);
    let twice = changed(&m, |_, slots| slots.push(slots[0].clone()));
    assert_eq!(s.refuses(2, twice), "slots");
    // Sets have no order.
    s.does(2, changed(&m, |_, slots| slots[0].votes.reverse()));
}

#[test]
fn a_1b_leaves_out_only_what_every_learner_has_decided() {
    let mut s = Stage::proposed(FOUR, &[1, 2, 3, 4]);
    for lr in [ALICE, BOB] {
        for i in 1..=4 {
            s.votes(i, lr, 1, "v");
        }
    }
    s.starts(2);
    let m = s.one_b(2, ALICE, 2);
    let drop = |m: &Msg| {
        changed(m, |low_water, slots| {
            *low_water = Slot(1);
            slots.clear();
        })
    };
    let says = changed(&m, |low_water, _| *low_water = Slot(1));
    assert_eq!(s.refuses(2, drop(&m)), "low water", "carol has not decided");
    for i in 1..=4 {
        s.votes(i, CAROL, 1, "v");
    }
    let m = s.one_b(2, ALICE, 2);
    assert_eq!(s.refuses(2, says), "low water", "it speaks of a slot below");
    s.does(2, drop(&m));
    let of_bob = s.one_b(2, BOB, 2);
    assert_eq!(s.refuses(2, Action::Send(of_bob.clone())), "low water");
    s.does(2, drop(&of_bob));
    s.does(2, drop(&s.one_b(2, CAROL, 2)));
    s.announces(2, "v");
    for action in [
        two_av(2, vote(ALICE, 2, "v")),
        two_b(2, vote(ALICE, 2, "v")),
    ] {
        assert_eq!(s.refuses(2, action), "low water", "nothing is signed below");
    }
    // Nor do its 1b count there: three of four cover the slot, and carol's quorums are of four.
    for i in [1, 3, 4] {
        s.joins(i, 2);
    }
    s.does(1, two_av(1, vote(ALICE, 2, "v")));
    let why = s.refuses(1, two_av(1, vote(CAROL, 2, "v")));
    assert_eq!(why, "KnowsSafeAt(l, a, b, v)");
}

#[test]
fn phase_2av() {
    const JOINED: &str = "joined: maxBal[L, a] = b";
    let mut s = Stage::new(FOUR, &[]);
    s.starts(1);
    let v = two_av(2, vote(ALICE, 1, "v"));
    assert_eq!(s.refuses(2, v.clone()), JOINED);
    let m = s.one_b(2, ALICE, 1);
    s.says(2, m);
    assert_eq!(
        s.refuses(2, v.clone()),
        JOINED,
        "not joined for bob and carol"
    );
    for lr in [BOB, CAROL] {
        let m = s.one_b(2, lr, 1);
        s.says(2, m);
    }
    assert_eq!(s.refuses(2, v.clone()), "AnnouncedValue(l, b, v)");
    let of_bob = Msg::OneC(vote(BOB, 1, "v"), SLOT);
    s.says(1, of_bob);
    assert_eq!(
        s.refuses(2, v.clone()),
        "AnnouncedValue(l, b, v)",
        "for bob only"
    );
    s.does(1, Action::Send(Msg::OneC(vote(ALICE, 1, "v"), SLOT)));
    assert_eq!(s.refuses(2, v.clone()), "received");
    s.announces(1, "v");
    assert_eq!(
        s.refuses(2, v.clone()),
        "KnowsSafeAt(l, a, b, v)",
        "no quorum of 1b"
    );
    s.joins(1, 1);
    s.joins(3, 1);
    s.does(2, v.clone());
    assert_eq!(s.refuses(2, v), "once");
    let carol = two_av(2, vote(CAROL, 1, "v"));
    assert_eq!(
        s.refuses(2, carol),
        "KnowsSafeAt(l, a, b, v)",
        "carol wants four"
    );
    s.lies(Msg::OneC(vote(BOB, 1, "w"), SLOT));
    assert_eq!(s.refuses(2, two_av(2, vote(BOB, 1, "w"))), "one value");
}

#[test]
fn phase_2b() {
    const QUORUM: &str = "\\E Q : [lr |-> l, q |-> Q] \\in TrustLive /\\ \\A aa \\in Q : a 2av of aa is in received[a]";
    let mut s = Stage::proposed(FOUR, &[2, 3]);
    let v = two_b(2, vote(ALICE, 1, "v"));
    assert_eq!(s.refuses(2, v.clone()), QUORUM, "two 2av");
    // The third 2av is sent; a2 receives it for alice only.
    let for_alice = Msg::TwoAv(acceptor(1), vote(ALICE, 1, "v"), SLOT);
    s.does(1, Action::Send(for_alice.clone()));
    assert_eq!(s.refuses(2, v.clone()), QUORUM, "sent, but not received");
    s.does(2, Action::Recv(acceptor(2), for_alice));
    assert_eq!(
        s.refuses(2, two_b(2, vote(BOB, 1, "v"))),
        QUORUM,
        "of another learner"
    );
    assert_eq!(
        s.refuses(2, two_b(2, vote(ALICE, 1, "w"))),
        QUORUM,
        "another value"
    );
    s.does(2, v.clone());
    assert_eq!(s.refuses(2, v), "once");
    s.starts(2);
    s.joins(3, 2);
    let left = two_b(3, vote(ALICE, 1, "v"));
    assert_eq!(s.refuses(3, left), "joined: maxBal[L, a] = b");
}

#[test]
fn one_value_in_2b_of_a_ballot() {
    let mut s = Stage::new(FOUR, &[1, 3, 4]);
    s.starts(1);
    s.joins(2, 1);
    for (lr, v) in [(ALICE, "v"), (BOB, "w")] {
        for i in [1, 3, 4] {
            s.lies(Msg::TwoAv(acceptor(i), vote(lr, 1, v), SLOT));
        }
    }
    s.votes(2, ALICE, 1, "v");
    assert_eq!(s.refuses(2, two_b(2, vote(BOB, 1, "w"))), "one value");
}

#[test]
fn receiving_needs_sending() {
    let mut s = Stage::proposed(FOUR, &[2]);
    let sent = Msg::TwoAv(acceptor(2), vote(ALICE, 1, "v"), SLOT);
    s.does(3, Action::Recv(acceptor(3), sent));
    for unsent in [
        Msg::TwoAv(acceptor(3), vote(ALICE, 1, "v"), SLOT),
        Msg::TwoAv(acceptor(2), vote(ALICE, 2, "v"), SLOT),
        Msg::TwoAv(acceptor(2), vote(ALICE, 1, "w"), SLOT),
        Msg::TwoAv(acceptor(2), vote(ALICE, 1, "v"), Slot(1)),
        Msg::TwoB(acceptor(2), vote(ALICE, 1, "v"), SLOT),
        Msg::OneC(vote(ALICE, 1, "w"), SLOT),
        one_a(2),
        s.one_b(2, ALICE, 2),
    ] {
        let recv = Action::Recv(acceptor(3), unsent.clone());
        let refused = s.act(3, &recv).expect_err("never sent");
        assert_eq!(refused.conjunct, "m \\in msgs");
        assert_eq!(refused.unsent.as_deref(), Some(&unsent), "it waits for it");
    }
    let unsent = Msg::TwoB(acceptor(2), vote(ALICE, 1, "v"), SLOT);
    assert_eq!(s.refuses(3, Action::LearnerRecv(unsent)), "m \\in msgs");
    let no_2b = Msg::OneC(vote(ALICE, 1, "v"), SLOT);
    assert_eq!(s.refuses(3, Action::LearnerRecv(no_2b)), "m.type = \"2b\"");
}

#[test]
fn a_1b_is_received_as_it_was_sent() {
    let mut s = Stage::proposed(FOUR, &[1, 2, 3, 4]);
    s.starts(2);
    let m = s.one_b(2, ALICE, 2);
    s.does(2, Action::Send(m.clone()));
    let recv = |action| match action {
        Action::Send(m) => Action::Recv(acceptor(3), m),
        other => other,
    };
    for other in [
        changed(&m, |_, slots| slots.clear()),
        changed(&m, |low_water, _| *low_water = Slot(1)),
        changed(&m, |_, slots| slots[0].proposals[0].val = value("w")),
    ] {
        assert_eq!(s.refuses(3, recv(other)), "m \\in msgs");
    }
    s.does(3, recv(Action::Send(m)));
}

#[test]
fn a_learner_decides_by_what_its_node_received() {
    const CHOSEN: &str = "ChosenIn(l, b, v)";
    let mut s = Stage::proposed(FOUR, &[1, 2, 3, 4]);
    let decide = |lr, val| Action::LearnerDecide {
        lr,
        bal: Ballot(1),
        slot: SLOT,
        val: value(val),
    };
    for i in 1..=3 {
        let m = Msg::TwoB(acceptor(i), vote(ALICE, 1, "v"), SLOT);
        s.does(i, Action::Send(m.clone()));
        assert_eq!(s.refuses(1, decide(ALICE, "v")), CHOSEN);
        s.does(1, Action::LearnerRecv(m));
    }
    assert_eq!(
        s.refuses(2, decide(ALICE, "v")),
        CHOSEN,
        "received elsewhere"
    );
    assert_eq!(
        s.refuses(1, decide(BOB, "v")),
        CHOSEN,
        "for another learner"
    );
    assert_eq!(s.refuses(1, decide(ALICE, "w")), CHOSEN);
    s.does(1, decide(ALICE, "v"));
}

#[test]
fn only_pairs_that_are_not_entangled_are_disconnected() {
    let disconnect = |pair| Action::Disconnect {
        acc: acceptor(1),
        pairs: vec![pair],
        caught: AcceptorSet::EMPTY,
        apart: Vec::new(),
    };
    // alice, bob and kiosk: kiosk rests on a1, a2 and a3 together.
    let kiosk = LearnerId(2);
    let mut s = Stage::new(MIXED, &[]);
    assert_eq!(s.refuses(1, disconnect((ALICE, kiosk))), "LL \\notin Ent");
    let mut s = Stage::new(MIXED, &[2]);
    s.does(1, disconnect((ALICE, kiosk)));
    assert_eq!(s.refuses(1, disconnect((ALICE, BOB))), "LL \\notin Ent");
}

#[test]
fn who_is_safe_does_not_lie_and_who_is_not_has_no_other_way_to_speak() {
    let mut s = Stage::new(FOUR, &[4]);
    let m = |i| Msg::TwoB(acceptor(i), vote(ALICE, 7, "w"), SLOT);
    assert_eq!(s.refuses(1, Action::FakeSend(m(1))), "a \\in FakeAcceptor");
    s.does(4, Action::FakeSend(m(4)));
    assert_eq!(s.refuses(4, Action::Send(m(4))), "acc \\in SafeAcceptor");
}

#[test]
fn an_acceptor_is_played_by_one_node() {
    let mut s = Stage::new(FOUR, &[]);
    s.starts(1);
    let recv = Action::Recv(acceptor(2), one_a(1));
    assert_eq!(s.refuses(3, recv), "played by one node");
    s.0.plays(7, acceptor(2)).expect_err("node 1 does");
}

#[test]
fn large_graphs_are_refused() {
    let graph = |n| {
        let text = learner_graph::builtin(n);
        learner_graph::parse_graph(&text).expect("a valid graph").0
    };
    let small = graph(14);
    let all = small.acceptors();
    assert!(Spec::new(small, all).is_ok());
    let refused = Spec::new(graph(15), all).expect_err("too large");
    assert!(refused.to_string().contains("15 acceptors"), "{refused}");
}
