//! Classic Paxos: whole networks under crashes and loss, every step of which refines Voting.

mod support;

use consensus::Protocol as _;
use consensus::paxos::{Body, Message, Paxos};
use consensus::{Ballot, Record, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use support::{Cluster, network};

const SECOND: Duration = Duration::from_secs(1);

fn majority(n: usize) -> String {
    let names: Vec<String> = (1..=n).map(|i| format!("\"a{i}\"")).collect();
    let names = names.join(", ");
    format!(
        "acceptors = [{names}]\n[learners]\nall = {{ threshold = {}, of = [{names}] }}\n\
         [[safe]]\nbetween = [\"all\"]\nwhen = {{ threshold = {n}, of = [{names}] }}\n",
        n / 2 + 1
    )
}

/// Module Voting, with one `maxBal` for all slots. A step that is none of Voting's is a failure.
struct Voting {
    graph: LearnerGraph,
    max_bal: BTreeMap<AcceptorId, Ballot>,
    votes: BTreeMap<Slot, BTreeSet<(AcceptorId, Ballot, Digest)>>,
    steps: usize,
}

impl Voting {
    fn new(graph: LearnerGraph) -> Self {
        Voting {
            graph,
            max_bal: BTreeMap::new(),
            votes: BTreeMap::new(),
            steps: 0,
        }
    }

    fn max_bal(&self, a: AcceptorId) -> Ballot {
        self.max_bal.get(&a).copied().unwrap_or(Ballot::NONE)
    }

    fn voted_for(&self, slot: Slot) -> impl Iterator<Item = &(AcceptorId, Ballot, Digest)> {
        self.votes.get(&slot).into_iter().flatten()
    }

    /// A statement of an acceptor has become durable.
    fn step(&mut self, a: AcceptorId, body: &Body) {
        self.steps += 1;
        match body {
            Body::OneB { ballot, .. } => {
                // Voting: IncreaseMaxBal(a, b).
                assert!(
                    *ballot > self.max_bal(a),
                    "a promise that is none: {body:?}"
                );
                self.max_bal.insert(a, *ballot);
            }
            Body::TwoB { ballot, values } => {
                for (slot, value) in values {
                    self.vote_for(a, *slot, *ballot, *value);
                }
                self.max_bal.insert(a, *ballot);
            }
            _ => {}
        }
    }

    /// Voting: VoteFor(a, b, v).
    fn vote_for(&mut self, a: AcceptorId, slot: Slot, b: Ballot, v: Digest) {
        assert!(self.max_bal(a) <= b, "a promise is broken");
        let once = self
            .voted_for(slot)
            .all(|(who, bal, _)| (*who, *bal) != (a, b));
        assert!(once, "a second vote of {a:?} in ballot {b}");
        let one = self
            .voted_for(slot)
            .all(|(_, bal, val)| *bal != b || *val == v);
        assert!(one, "OneValuePerBallot: slot {slot} ballot {b}");
        assert!(
            self.shows_safe_at(slot, b, v),
            "ShowsSafeAt: slot {slot} ballot {b}"
        );
        self.votes.entry(slot).or_default().insert((a, b, v));
        let chosen: BTreeSet<Digest> = self.chosen(slot);
        assert!(chosen.len() <= 1, "Consistency: slot {slot}: {chosen:?}");
    }

    /// Voting: \E Q : ShowsSafeAt(Q, b, v).
    fn shows_safe_at(&self, slot: Slot, b: Ballot, v: Digest) -> bool {
        let promised = self
            .graph
            .acceptors()
            .iter()
            .filter(|a| self.max_bal(*a) >= b);
        let promised: Vec<AcceptorId> = promised.collect();
        (0u32..1 << promised.len()).any(|bits| {
            let chosen = promised
                .iter()
                .enumerate()
                .filter(|(i, _)| bits >> i & 1 == 1);
            let q: AcceptorSet = chosen.map(|(_, a)| *a).collect();
            let below = self
                .voted_for(slot)
                .filter(|(a, c, _)| q.contains(*a) && *c < b);
            let highest = below.map(|(_, c, v)| (*c, *v)).max_by_key(|(c, _)| *c);
            self.graph.is_quorum(LearnerId(0), &q) && highest.is_none_or(|(_, w)| w == v)
        })
    }

    /// Voting: chosen.
    fn chosen(&self, slot: Slot) -> BTreeSet<Digest> {
        let mut by: BTreeMap<(Ballot, Digest), AcceptorSet> = BTreeMap::new();
        for (a, b, v) in self.voted_for(slot) {
            by.entry((*b, *v)).or_default().insert(*a);
        }
        let quorum = |set: &AcceptorSet| self.graph.is_quorum(LearnerId(0), set);
        by.into_iter()
            .filter(|(_, set)| quorum(set))
            .map(|((_, v), _)| v)
            .collect()
    }
}

fn cluster(n: usize, seed: u64) -> (Cluster<Paxos>, Rc<RefCell<Voting>>) {
    let network = network(&majority(n));
    let voting = Rc::new(RefCell::new(Voting::new(network.graph().clone())));
    let mut cluster = Cluster::<Paxos>::new(network, seed);
    let seen = Rc::clone(&voting);
    cluster.watch = Some(Box::new(move |i, record| {
        if let Record::Message(Message { body, .. }) = record {
            seen.borrow_mut().step(AcceptorId(i as u16), body);
        }
    }));
    (cluster, voting)
}

#[test]
fn everything_is_decided_in_one_order_by_one_leader() {
    for n in [1, 3, 5] {
        let (mut c, voting) = cluster(n, 1);
        for i in 0..20 {
            c.submit(i % n, &format!("value {i}"));
        }
        c.run_until(5 * SECOND, "everything", |c| c.all_delivered("all", 20));
        let log = c.texts(0, "all");
        assert!((0..n).all(|i| c.texts(i, "all") == log));
        assert_eq!(
            c.nodes[0].engine.as_ref().expect("up").status().ballot,
            Ballot(1)
        );
        // What learners deliver is what Voting has chosen.
        for d in &c.nodes[0].logs[0] {
            assert_eq!(voting.borrow().chosen(d.slot), BTreeSet::from([d.value]));
        }
    }
}

#[test]
fn a_minority_may_die_the_leader_included_and_comes_back() {
    let (mut c, _voting) = cluster(5, 2);
    c.submit(1, "first");
    c.run_until(5 * SECOND, "first", |c| c.all_delivered("all", 1));
    c.kill(0);
    c.kill(4);
    for i in 0..10 {
        c.submit(1 + i % 3, &format!("value {i}"));
    }
    c.run_until(20 * SECOND, "the rest goes on", |c| {
        c.all_delivered("all", 11)
    });
    c.restart(0);
    c.restart(4);
    c.submit(4, "last");
    c.run_until(20 * SECOND, "all catch up", |c| c.all_delivered("all", 12));
    c.check_agreement(&[0, 1, 2, 3, 4]);
}

#[test]
fn random_faults_refine_voting_and_everything_is_decided_afterwards() {
    let mut steps = 0;
    for seed in 0..60 {
        let n = [3, 5][seed as usize % 2];
        let (mut c, voting) = cluster(n, seed);
        c.shake(&format!("seed {seed}"));
        steps += voting.borrow().steps;
    }
    assert!(steps > 1000, "Voting saw {steps} steps");
}
