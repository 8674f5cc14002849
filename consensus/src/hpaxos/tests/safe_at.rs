//! KnowsSafeAt: the vouching rule beside the published one and beside an oracle that reads the rule
//! literally, over all sets.

use super::{FOUR, LG4, MIXED, PAIR, THR0, entry, graph, learner, value};
use crate::hpaxos::one_bs::SlotView;
use crate::hpaxos::safe_at::{Trust, knows_safe_at};
use crate::hpaxos::{Entry, SlotReport, published};
use crate::{Ballot, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId, LearnerSet, Suspicion};
use proptest::prelude::*;

/// What each acceptor that sent a 1b shows: votes and 2av.
type Shown = Vec<ShownBy>;
type ShownBy = Option<(Vec<Entry>, Vec<Entry>)>;

fn reports(shown: &Shown) -> Vec<(AcceptorId, SlotReport)> {
    let of = |(i, s): (usize, &ShownBy)| {
        let (votes, proposals) = s.clone()?;
        let report = SlotReport {
            slot: Slot(0),
            votes,
            proposals,
        };
        Some((AcceptorId(i as u16), report))
    };
    shown.iter().enumerate().filter_map(of).collect()
}

fn view(reports: &[(AcceptorId, SlotReport)]) -> SlotView<'_> {
    SlotView {
        covering: reports.iter().map(|(a, _)| *a).collect(),
        reports: reports
            .iter()
            .filter(|(_, r)| !r.votes.is_empty() || !r.proposals.is_empty())
            .map(|(a, r)| (*a, r))
            .collect(),
    }
}

/// One slow acceptor and one crash: a1 voted v in ballot 1 after 2av of a1, a2 and a4, then a4 falls
/// silent. For ballot 2 there are the 1b of a1, a2 and a3. The published rule finds no safe value
/// then or ever; the vouching rule finds v, and only v.
#[test]
fn one_crash_deadlocks_the_published_rule_and_not_the_vouching_rule() {
    let graph = graph(FOUR);
    let (alice, all) = (learner(&graph, "alice"), graph.learners());
    let av = || vec![entry(1, "v", all)];
    let vote = vec![entry(1, "v", LearnerSet::from_iter([alice]))];
    let shown: Shown = vec![
        Some((vote, av())),
        Some((vec![], av())),
        Some((vec![], vec![])),
        None,
    ];
    let suspicion = Suspicion::default();
    let connected = graph.connected(&suspicion);
    let trust = Trust {
        graph: &graph,
        connected: &connected,
        suspicion: &suspicion,
    };
    let reports = reports(&shown);
    let view = view(&reports);
    assert!(knows_safe_at(trust, &view, alice, &value("v")));
    assert!(!knows_safe_at(trust, &view, alice, &value("w")));
    for v in ["v", "w"] {
        assert!(
            !published::knows_safe_at(trust, &view, alice, &value(v)),
            "{v}"
        );
    }
}

/// bob has an old vote for v in ballot 3, and no quorum without it; alice has decided w in ballot 4,
/// in which nothing was sent for bob. Only alice's 2av can vouch for w against bob's old vote, and
/// they do, since whatever is safe joins alice and bob.
#[test]
fn the_2av_of_a_third_learner_vouch_too() {
    let graph = graph(FOUR);
    let set = |name| LearnerSet::from_iter([learner(&graph, name)]);
    let (alice, bob, all) = (set("alice"), set("bob"), graph.learners());
    let shown: Shown = vec![
        Some((
            vec![entry(3, "v", bob), entry(4, "w", alice)],
            vec![entry(3, "v", all), entry(4, "w", alice)],
        )),
        Some((
            vec![entry(4, "w", alice)],
            vec![entry(3, "v", all), entry(4, "w", alice)],
        )),
        Some((
            vec![entry(4, "w", alice)],
            vec![entry(3, "v", all), entry(4, "w", alice)],
        )),
        Some((vec![entry(4, "w", alice)], vec![entry(4, "w", alice)])),
    ];
    let suspicion = Suspicion::default();
    let connected = graph.connected(&suspicion);
    let trust = Trust {
        graph: &graph,
        connected: &connected,
        suspicion: &suspicion,
    };
    let reports = reports(&shown);
    let view = view(&reports);
    assert!(knows_safe_at(
        trust,
        &view,
        learner(&graph, "bob"),
        &value("w")
    ));
    assert!(!knows_safe_at(
        trust,
        &view,
        learner(&graph, "bob"),
        &value("v")
    ));
}

/// A single Byzantine acceptor can neither vouch for a value nor hide a vote that others show.
#[test]
fn a_voucher_must_be_surely_safe() {
    let graph = graph(FOUR);
    let (alice, all) = (learner(&graph, "alice"), graph.learners());
    let vote = vec![entry(1, "v", all)];
    let shown: Shown = vec![
        Some((vote, vec![entry(1, "v", all)])),
        Some((vec![], vec![entry(1, "v", all)])),
        // Claims a 2av of w above the vote: alone, it may be the liar.
        Some((vec![], vec![entry(2, "w", all)])),
        None,
    ];
    let suspicion = Suspicion::default();
    let connected = graph.connected(&suspicion);
    let trust = Trust {
        graph: &graph,
        connected: &connected,
        suspicion: &suspicion,
    };
    let reports = reports(&shown);
    let view = view(&reports);
    assert!(knows_safe_at(trust, &view, alice, &value("v")));
    assert!(!knows_safe_at(trust, &view, alice, &value("w")));
}

/// A quorum's 1b are needed even where nobody shows anything.
#[test]
fn without_a_quorum_of_1b_nothing_is_safe() {
    let graph = graph(FOUR);
    let (alice, carol) = (learner(&graph, "alice"), learner(&graph, "carol"));
    let suspicion = Suspicion::default();
    let connected = graph.connected(&suspicion);
    let trust = Trust {
        graph: &graph,
        connected: &connected,
        suspicion: &suspicion,
    };
    let empty = || Some((vec![], vec![]));
    let three = reports(&vec![empty(), empty(), empty(), None]);
    assert!(knows_safe_at(trust, &view(&three), alice, &value("v")));
    assert!(!knows_safe_at(trust, &view(&three), carol, &value("v")));
    let two = reports(&vec![empty(), empty(), None, None]);
    assert!(!knows_safe_at(trust, &view(&two), alice, &value("v")));
}

fn subsets(n: usize) -> impl Iterator<Item = AcceptorSet> {
    (0u32..1 << n).map(move |bits| {
        (0..n)
            .filter(|i| bits >> i & 1 == 1)
            .map(|i| AcceptorId(i as u16))
            .collect()
    })
}

/// The rule as it stands in the module's documentation, word by word.
fn oracle(
    trust: Trust<'_>,
    reports: &[(AcceptorId, SlotReport)],
    b: u64,
    l: LearnerId,
    v: &Digest,
) -> bool {
    let graph = trust.graph;
    let report = |a: AcceptorId| reports.iter().find(|(x, _)| *x == a).map(|(_, r)| r);
    let covering: AcceptorSet = reports.iter().map(|(a, _)| *a).collect();
    let possible = |q: &AcceptorSet| {
        !q.intersects(&trust.suspicion.caught)
            && trust
                .suspicion
                .disagreements
                .iter()
                .all(|(x, y)| !graph.trust_safe(*x, *y, q))
    };
    let some_l1 = |l1: LearnerId| {
        let quorums = || {
            subsets(graph.n_acceptors()).filter(|q| q.is_subset(&covering) && graph.is_quorum(l, q))
        };
        let one = |q: &AcceptorSet, c: Option<u64>| {
            q.iter().all(|a| {
                report(a)
                    .expect("covering")
                    .votes
                    .iter()
                    .filter(|e| e.learners.contains(l1))
                    .all(|e| match c {
                        None => false,
                        Some(c) => e.ballot.0 < c || e.ballot.0 == c && e.value == *v,
                    })
            })
        };
        let two = |c: u64| {
            let sets = subsets(graph.n_acceptors());
            sets.filter(|q| graph.trust_safe(l1, l, q) && possible(q))
                .all(|q| {
                    q.iter().filter_map(report).any(|r| {
                        r.proposals.iter().any(|e| {
                            let admissible = |l3: LearnerId| graph.trust_safe(l1, l3, &q);
                            e.value == *v
                                && e.ballot.0 >= c
                                && e.ballot.0 < b
                                && e.learners.iter().any(admissible)
                        })
                    })
                })
        };
        quorums().any(|q| one(&q, None) || (1..b).any(|c| one(&q, Some(c)) && two(c)))
    };
    let connected = trust.connected[usize::from(l.0)];
    quorum_of(graph, l, &covering) && connected.iter().all(some_l1)
}

fn quorum_of(graph: &LearnerGraph, l: LearnerId, set: &AcceptorSet) -> bool {
    subsets(graph.n_acceptors()).any(|q| q.is_subset(set) && graph.is_quorum(l, &q))
}

const BALLOT: u64 = 4;

/// Entries as a 1b may have them: votes with disjoint learners, 2av with disjoint learners per value.
fn entries(votes: bool) -> impl Strategy<Value = Vec<Entry>> {
    let one = (1..BALLOT, 0..2usize, 0..8u16);
    proptest::collection::vec(one, 0..4).prop_map(move |raw| {
        let mut kept: Vec<Entry> = Vec::new();
        for (ballot, v, learners) in raw {
            let v = ["v", "w"][v];
            let mut set: LearnerSet = (0..3)
                .filter(|i| learners >> i & 1 == 1)
                .map(LearnerId)
                .collect();
            for e in kept.iter().filter(|e| votes || e.value == value(v)) {
                set -= e.learners;
            }
            let clash = kept
                .iter()
                .any(|e| (e.ballot, e.value) == (Ballot(ballot), value(v)));
            if !set.is_empty() && !clash {
                kept.push(entry(ballot, v, set));
            }
        }
        kept
    })
}

fn shown() -> impl Strategy<Value = Shown> {
    let one = proptest::option::weighted(0.9, (entries(true), entries(false)));
    proptest::collection::vec(one, 4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// The fast rule is the literal rule.
    #[test]
    fn the_vouching_rule_is_what_the_oracle_says(
        which in 0..5usize,
        shown in shown(),
        caught in proptest::option::weighted(0.3, 0..4u16),
        split in any::<bool>(),
        l in 0..3u16,
    ) {
        let graph = graph([FOUR, MIXED, LG4, PAIR, THR0][which]);
        prop_assume!(usize::from(l) < graph.n_learners());
        let mut suspicion = Suspicion::default();
        if let Some(a) = caught.filter(|a| usize::from(*a) < graph.n_acceptors()) {
            suspicion.caught.insert(AcceptorId(a));
        }
        if split {
            suspicion.disagreements.push((LearnerId(0), LearnerId(1)));
        }
        let connected = graph.connected(&suspicion);
        let trust = Trust { graph: &graph, connected: &connected, suspicion: &suspicion };
        let fits = |e: &Entry| e.learners.is_subset(&graph.learners());
        let mut shown = shown;
        shown.truncate(graph.n_acceptors());
        for (votes, proposals) in shown.iter_mut().flatten() {
            votes.retain(fits);
            proposals.retain(fits);
        }
        let reports = reports(&shown);
        let view = view(&reports);
        let l = LearnerId(l);
        for v in ["v", "w", "unseen"] {
            let fast = knows_safe_at(trust, &view, l, &value(v));
            prop_assert_eq!(fast, oracle(trust, &reports, BALLOT, l, &value(v)), "{}", v);
            // A learner that is connected with itself: the published rule implies this one.
            if published::knows_safe_at(trust, &view, l, &value(v)) {
                prop_assert!(fast, "published, but not vouched for: {}", v);
            }
        }
    }
}
