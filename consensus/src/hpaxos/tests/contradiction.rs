//! Which pairs of statements convict, and which must not.

use super::{FOUR, entry, network, signer, value};
use crate::hpaxos::evidence::{Certificate, Evidence, EvidenceError, Finding};
use crate::hpaxos::{
    Contradiction, Entry, HPaxos, Message, OneB, OneC, Proposal, Scope, SlotReport, SlotVotes,
    Votes, contradiction,
};
use crate::{Ballot, Network, Page, Protocol as _, Slot};
use learner_graph::{AcceptorId, LearnerId, LearnerSet};

fn l(ids: &[u16]) -> LearnerSet {
    ids.iter().map(|i| LearnerId(*i)).collect()
}

fn votes(
    ballot: u64,
    slot: u64,
    two_av: Option<(&str, &[u16])>,
    two_b: Option<(&str, &[u16])>,
) -> Message {
    let of = |v: Option<(&str, &[u16])>| v.map(|(v, ls)| (value(v), l(ls)));
    let slots = vec![SlotVotes {
        slot: Slot(slot),
        two_av: of(two_av),
        two_b: of(two_b),
    }];
    Message::Votes(Votes {
        ballot: Ballot(ballot),
        slots,
    })
}

fn one_b(
    ballot: u64,
    low_water: u64,
    slot: u64,
    votes: Vec<Entry>,
    proposals: Vec<Entry>,
) -> Message {
    let slots = if votes.is_empty() && proposals.is_empty() {
        Vec::new()
    } else {
        vec![SlotReport {
            slot: Slot(slot),
            votes,
            proposals,
        }]
    };
    Message::OneB(OneB {
        ballot: Ballot(ballot),
        low_water: Slot(low_water),
        scope: Scope::ALL,
        slots,
    })
}

fn page(start: u64, end: u64) -> Page {
    Page {
        start: Slot(start),
        end: Slot(end),
    }
}

/// The same with another scope.
fn scoped(scope: Scope, message: Message) -> Message {
    match message {
        Message::OneB(m) => Message::OneB(OneB { scope, ..m }),
        other => other,
    }
}

fn one_c(ballot: u64, slot: u64, v: &str) -> Message {
    let proposals = vec![Proposal {
        slot: Slot(slot),
        value: value(v),
        learners: l(&[0]),
    }];
    Message::OneC(OneC {
        ballot: Ballot(ballot),
        proposals,
    })
}

/// Every kind that convicts, whichever statement comes first.
#[test]
fn contradictions_convict_in_both_orders() {
    let (s, b, j) = (Slot(3), Ballot(2), Ballot(5));
    let cases = [
        (
            votes(2, 3, Some(("v", &[0])), None),
            votes(2, 3, Some(("w", &[1])), None),
            Contradiction::TwoAv { slot: s, ballot: b },
        ),
        (
            votes(2, 3, None, Some(("v", &[0]))),
            votes(2, 3, None, Some(("w", &[1]))),
            Contradiction::TwoB { slot: s, ballot: b },
        ),
        (
            one_b(5, 0, 3, vec![], vec![]),
            one_b(5, 1, 3, vec![], vec![]),
            Contradiction::OneB { ballot: j },
        ),
        // Two parts about one page.
        (
            scoped(Scope::Only(page(2, 6)), one_b(5, 0, 3, vec![], vec![])),
            scoped(
                Scope::Only(page(2, 6)),
                one_b(5, 0, 3, vec![entry(2, "v", l(&[0]))], vec![]),
            ),
            Contradiction::OneB { ballot: j },
        ),
        // A part about the page of the slot hides a vote.
        (
            votes(2, 3, None, Some(("v", &[0]))),
            scoped(Scope::Only(page(2, 6)), one_b(5, 0, 3, vec![], vec![])),
            Contradiction::HiddenVote {
                slot: s,
                ballot: b,
                joined: j,
            },
        ),
        // The vote is missing for one of the learners.
        (
            votes(2, 3, None, Some(("v", &[0, 1]))),
            one_b(5, 3, 3, vec![entry(2, "v", l(&[0]))], vec![]),
            Contradiction::HiddenVote {
                slot: s,
                ballot: b,
                joined: j,
            },
        ),
        // Another value at the ballot of the vote.
        (
            votes(2, 3, None, Some(("v", &[0]))),
            one_b(5, 0, 3, vec![entry(2, "w", l(&[0]))], vec![]),
            Contradiction::HiddenVote {
                slot: s,
                ballot: b,
                joined: j,
            },
        ),
        // Only a vote of a lower ballot.
        (
            votes(2, 3, None, Some(("v", &[0]))),
            one_b(5, 0, 3, vec![entry(1, "v", l(&[0]))], vec![]),
            Contradiction::HiddenVote {
                slot: s,
                ballot: b,
                joined: j,
            },
        ),
        (
            votes(2, 3, Some(("v", &[0])), None),
            one_b(5, 0, 3, vec![], vec![entry(1, "v", l(&[0]))]),
            Contradiction::HiddenProposal {
                slot: s,
                ballot: b,
                joined: j,
            },
        ),
        (
            one_c(2, 3, "v"),
            one_c(2, 3, "w"),
            Contradiction::OneC { slot: s, ballot: b },
        ),
    ];
    for (first, second, expected) in cases {
        assert_eq!(
            contradiction(&first, &second),
            Some(expected),
            "{first:?} {second:?}"
        );
        assert_eq!(
            contradiction(&second, &first),
            Some(expected),
            "{second:?} {first:?}"
        );
        assert_eq!(contradiction(&first, &first), None);
    }
}

/// What an honest acceptor says, in ways that look close to a contradiction.
#[test]
fn honest_statements_convict_nobody() {
    let cases = [
        // The same value for more learners.
        (
            votes(2, 3, Some(("v", &[0])), None),
            votes(2, 3, Some(("v", &[1])), None),
        ),
        // A 2av of one value and a 2b of another in one ballot (the 2b follows the others' 2av).
        (
            votes(2, 3, Some(("v", &[0])), None),
            votes(2, 3, None, Some(("w", &[0]))),
        ),
        // The 1b leaves out the page of the slot, or is about another one.
        (
            votes(2, 3, Some(("v", &[0])), Some(("v", &[0]))),
            scoped(
                Scope::AllBut(vec![page(2, 6)]),
                one_b(5, 0, 3, vec![], vec![]),
            ),
        ),
        (
            votes(2, 3, Some(("v", &[0])), Some(("v", &[0]))),
            scoped(Scope::Only(page(4, 6)), one_b(5, 0, 3, vec![], vec![])),
        ),
        // The parts of one 1b.
        (
            scoped(
                Scope::Only(page(2, 6)),
                one_b(5, 0, 3, vec![entry(2, "v", l(&[0]))], vec![]),
            ),
            scoped(
                Scope::AllBut(vec![page(2, 6)]),
                one_b(5, 0, 3, vec![], vec![]),
            ),
        ),
        (
            scoped(Scope::Only(page(2, 6)), one_b(5, 0, 3, vec![], vec![])),
            scoped(Scope::Only(page(6, 8)), one_b(5, 0, 3, vec![], vec![])),
        ),
        // Another ballot, another slot.
        (
            votes(2, 3, None, Some(("v", &[0]))),
            votes(4, 3, None, Some(("w", &[0]))),
        ),
        (
            votes(2, 3, None, Some(("v", &[0]))),
            votes(2, 4, None, Some(("w", &[0]))),
        ),
        // A 1b of a lower or the same ballot knows nothing of the vote.
        (
            votes(5, 3, Some(("v", &[0])), Some(("v", &[0]))),
            one_b(5, 0, 3, vec![], vec![]),
        ),
        (
            votes(6, 3, Some(("v", &[0])), Some(("v", &[0]))),
            one_b(5, 0, 3, vec![], vec![]),
        ),
        // Below its low-water mark a 1b says nothing.
        (
            votes(2, 3, Some(("v", &[0])), Some(("v", &[0]))),
            one_b(5, 4, 3, vec![], vec![]),
        ),
        // A later vote, of whatever value, stands for the earlier one.
        (
            votes(2, 3, None, Some(("v", &[0]))),
            one_b(5, 0, 3, vec![entry(4, "w", l(&[0]))], vec![]),
        ),
        // A later 2av of the same value stands for the earlier one.
        (
            votes(2, 3, Some(("v", &[0])), None),
            one_b(5, 0, 3, vec![], vec![entry(4, "v", l(&[0]))]),
        ),
        (
            one_b(5, 0, 3, vec![], vec![]),
            one_b(6, 1, 3, vec![], vec![]),
        ),
        (one_c(2, 3, "v"), one_c(2, 4, "w")),
        (one_c(2, 3, "v"), one_c(6, 3, "w")),
    ];
    for (first, second) in cases {
        assert_eq!(contradiction(&first, &second), None, "{first:?} {second:?}");
        assert_eq!(contradiction(&second, &first), None, "{second:?} {first:?}");
    }
}

#[test]
fn evidence_is_verified_from_the_configuration_alone() {
    let network = network(FOUR);
    let sign = |i, m: Message| signer(&network, i).sign(m).expect("small");
    let v = sign(2, votes(2, 3, None, Some(("v", &[0]))));
    let w = sign(2, votes(2, 3, None, Some(("w", &[0]))));
    let other = sign(1, votes(2, 3, None, Some(("w", &[0]))));
    let evidence = Evidence::from_pair(&v, &w).expect("a contradiction");
    assert_eq!(
        Evidence::from_pair(&w, &v),
        Some(evidence.clone()),
        "the order means nothing"
    );
    let found = Contradiction::TwoB {
        slot: Slot(3),
        ballot: Ballot(2),
    };
    assert_eq!(
        evidence.verify(&network),
        Ok(Finding::Caught(AcceptorId(2), found))
    );
    let finding = Finding::Caught(AcceptorId(2), found);
    assert_eq!(
        HPaxos::culprit(&finding, &network),
        network.player(AcceptorId(2))
    );
    // Two members that differ contradict nothing.
    assert_eq!(Evidence::from_pair(&v, &other), None);
    let forged = Evidence::Contradiction {
        first: v.signed().clone(),
        second: other.signed().clone(),
    };
    assert_eq!(forged.verify(&network), Err(EvidenceError::NoContradiction));
    // Messages of another network are no evidence in this one.
    let elsewhere = super::network(super::MIXED);
    assert!(matches!(
        evidence.verify(&elsewhere),
        Err(EvidenceError::Refused(_))
    ));
}

/// The certificate of a learner's decision in slot 0, from the 2b of these acceptors.
fn certificate(network: &Network, learner: LearnerId, v: &str, from: &[u16]) -> Certificate {
    let two_b = |i: &u16| {
        let message = votes(1, 0, None, Some((v, &[0, 1, 2])));
        signer(network, *i)
            .sign(message)
            .expect("small")
            .signed()
            .clone()
    };
    let two_b = from.iter().map(two_b).collect();
    Certificate {
        learner,
        slot: Slot(0),
        ballot: Ballot(1),
        value: value(v),
        two_b,
    }
}

#[test]
fn a_certificate_needs_the_quorum_of_its_own_learner() {
    let network = network(FOUR);
    let graph = network.graph();
    let (alice, carol) = (
        super::learner(graph, "alice"),
        super::learner(graph, "carol"),
    );
    let verify = |learner, from: &[u16]| certificate(&network, learner, "v", from).verify(&network);
    assert!(verify(alice, &[0, 1, 2]).is_ok());
    assert_eq!(verify(alice, &[0, 1]), Err(EvidenceError::NoQuorum));
    assert_eq!(verify(alice, &[0, 0, 1]), Err(EvidenceError::NoQuorum));
    // Another learner's certificate is none of one's own.
    assert_eq!(verify(carol, &[0, 1, 2]), Err(EvidenceError::NoQuorum));
    assert_eq!(
        verify(LearnerId(9), &[0, 1, 2]),
        Err(EvidenceError::UnknownLearner)
    );
    let mut other_value = certificate(&network, alice, "v", &[0, 1, 2]);
    other_value.value = value("w");
    assert_eq!(other_value.verify(&network), Err(EvidenceError::NoQuorum));
}

#[test]
fn a_disagreement_is_two_valid_certificates_of_one_slot_and_two_values() {
    let network = network(FOUR);
    let (l1, l2) = (LearnerId(0), LearnerId(1));
    let of = |l, v| certificate(&network, l, v, &[0, 1, 2]);
    let verify = |first, second| Evidence::Disagreement { first, second }.verify(&network);
    let apart = Finding::NotEntangled {
        first: l1,
        second: l2,
        slot: Slot(0),
    };
    assert_eq!(verify(of(l1, "v"), of(l2, "w")), Ok(apart));
    let same = Err(EvidenceError::NoDisagreement);
    assert_eq!(verify(of(l1, "v"), of(l2, "v")), same);
    let mut later = of(l2, "w");
    later.slot = Slot(1);
    assert_eq!(verify(of(l1, "v"), later), same);
    let few = || certificate(&network, l1, "v", &[0, 1]);
    assert_eq!(verify(few(), of(l2, "w")), Err(EvidenceError::NoQuorum));
    assert_eq!(verify(of(l2, "w"), few()), Err(EvidenceError::NoQuorum));
}
