//! The state functions against the module, word for word, and the oracle against statements made by hand.

use super::fixture::{SLOT, a, flexible, three, v};
use super::*;
use crate::chance::Chance;
use consensus::paxos::Message;
use crypto::MemberId;
use learner_graph::AcceptorSet;

/// Voting: ShowsSafeAt(Q, b, v).
fn shows_safe_at(state: &State, q: &AcceptorSet, b: Ballot, v: Digest) -> bool {
    let never = |a, d| state.did_not_vote_at(SLOT, a, Ballot(d));
    q.iter().all(|a| state.max_bal(a) >= b)
        && (0..b.0).any(|c| {
            (c == 0 || q.iter().any(|a| state.voted_for(SLOT, a, Ballot(c), v)))
                && (c + 1..b.0).all(|d| q.iter().all(|a| never(a, d)))
        })
}

/// All quorums that are read, or written.
fn quorums(state: &State, is_quorum: impl Fn(&State, &AcceptorSet) -> bool) -> Vec<AcceptorSet> {
    let n = state.acceptors().iter().count();
    let subset = |bits: u32| (1..=n as u16).filter(move |i| bits >> (i - 1) & 1 == 1);
    let all = (0..1 << n).map(|bits| subset(bits).map(a).collect());
    all.filter(|q| is_quorum(state, q)).collect()
}

#[test]
fn what_is_said_of_some_quorum_is_what_an_enumeration_says() {
    let mut shown = [0, 0];
    let stages = [three(), flexible()];
    for seed in 0..3000 {
        let stage = &stages[(seed % 2) as usize];
        let mut chance = Chance::new(seed, 9);
        let mut state = State::new(stage);
        let value = |chance: &mut Chance| v(["v", "w"][chance.place(2)]);
        for acc in state.acceptors().iter() {
            for _ in 0..chance.below(3) {
                let b = Ballot(1 + chance.below(4));
                state.vote(SLOT, acc, b, value(&mut chance));
            }
            state.promise(acc, Ballot(chance.below(6)));
        }
        let read = quorums(&state, State::is_read_quorum);
        let write = quorums(&state, State::is_write_quorum);
        for b in (1..6).map(Ballot) {
            let v = value(&mut chance);
            let literal = read.iter().any(|q| shows_safe_at(&state, q, b, v));
            assert_eq!(state.shows_safe_at(SLOT, b, v), literal, "seed {seed}");
            shown[usize::from(literal)] += 1;
            let voted = |a| state.voted_for(SLOT, a, b, v);
            let chosen = write.iter().any(|q| q.iter().all(voted));
            assert_eq!(state.chosen_at(SLOT, b, v), chosen, "seed {seed}");
            let out = |a| voted(a) || state.cannot_vote_at(SLOT, a, b);
            let none_other = read.iter().any(|q| q.iter().all(out));
            let found = state.none_other_choosable_at(SLOT, b, v);
            assert_eq!(found, none_other, "seed {seed}");
        }
    }
    assert!(shown.iter().all(|n| *n > 500), "{shown:?}");
}

fn says(voting: &mut Voting, place: Place, body: Body) -> Verdict {
    let from = MemberId(u16::try_from(place).expect("small"));
    let message = Message { from, body };
    voting.told(place, &Output::Persist(Record::Message(message)))
}

fn one_b(b: u64) -> Body {
    Body::OneB {
        ballot: Ballot(b),
        low_water: Slot(0),
        votes: Vec::new(),
    }
}

fn two_b(b: u64, value: &str) -> Body {
    Body::TwoB {
        ballot: Ballot(b),
        values: vec![(SLOT, v(value))],
    }
}

#[test]
fn the_oracle_follows_statements_and_finds_the_one_that_is_no_step() {
    let mut voting = Voting::new(&three());
    for place in 0..3 {
        says(&mut voting, place, one_b(1)).expect("a promise");
    }
    says(&mut voting, 0, two_b(1, "v")).expect("a vote");
    let decided = |ballot| Body::Decided {
        votes: vec![consensus::paxos::Vote {
            slot: SLOT,
            ballot: Ballot(ballot),
            value: v("v"),
        }],
    };
    let early = says(&mut voting, 2, decided(1)).expect_err("one vote");
    assert_eq!(early.invariant, "what is decided is chosen");
    says(&mut voting, 1, two_b(1, "v")).expect("a vote");
    says(&mut voting, 2, decided(1)).expect("two votes");
    for place in 1..3 {
        says(&mut voting, place, one_b(2)).expect("a promise");
    }
    let other = says(&mut voting, 2, two_b(2, "w")).expect_err("v is chosen");
    assert_eq!(other.invariant, "Next: VoteFor");
    assert_eq!(voting.steps(), 8);
}
