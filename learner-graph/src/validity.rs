//! Validity: the last condition of `LearnerGraphAssumption`, in the strong form of the proof.
//!
//! For every edge (from, to, q) of the closed TrustSafe and all quorums Q1 of `from` and Q2 of
//! `to`, the sets q, Q1 and Q2 have an acceptor in common. A counterexample leaves every acceptor
//! out of at least one of the three, so the search asks of each acceptor which one misses it.

use crate::effort::Effort;
use crate::expr::Node;
use crate::family::Family;
use crate::formula::{Counter, Formula};
use crate::graph::LearnerGraph;
use crate::id::{AcceptorId, LearnerId};
use crate::kinds::{self, Kinds};
use crate::known::Known;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use batsat::Lit;
use std::collections::{HashMap, HashSet};

/// The steps that checking validity may take: some seconds, and half a minute if many pairs are hard.
pub const VALIDITY_STEPS: Steps = Steps {
    search: 500_000,
    solver: 1_000_000,
};

/// One pair takes at most this part of the steps of the solver, or [`OF_PAIR`] if that is more: nobody waits long for one
/// that cannot be decided.
const PART: u64 = 10;
const OF_PAIR: u64 = 100_000;

/// The steps that each pair may take before any takes more.
const FIRST_STEPS: Steps = Steps {
    search: 5_000,
    solver: 2_000,
};

/// How much work a check may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    /// For the search by classes of interchangeable acceptors, in all.
    pub search: u64,
    /// For the solver, which is asked about pairs of learners that the search leaves open, in all; one pair may take a
    /// tenth of them, and some seconds in any case.
    pub solver: u64,
}

/// Three sets that ought to have an acceptor in common and do not. All are minimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The edge starts here.
    pub from: LearnerId,
    /// The edge ends here; may be `from` itself.
    pub to: LearnerId,
    /// A TrustSafe set of the two.
    pub safe: AcceptorSet,
    /// A quorum of `from`.
    pub quorum_from: AcceptorSet,
    /// A quorum of `to`.
    pub quorum_to: AcceptorSet,
}

impl Violation {
    /// Three sets that have nobody in common, and nobody whom they can spare: a safe set of a pair and a quorum of
    /// each.
    pub(crate) fn least(
        graph: &LearnerGraph,
        (from, to): (LearnerId, LearnerId),
        [safe, quorum_from, quorum_to]: [AcceptorSet; 3],
    ) -> Self {
        Self {
            from,
            to,
            safe: smallest(safe, |s| graph.trust_safe(from, to, s)),
            quorum_from: smallest(quorum_from, |s| graph.is_quorum(from, s)),
            quorum_to: smallest(quorum_to, |s| graph.is_quorum(to, s)),
        }
    }
}

/// What a check of validity found.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Validity {
    /// One counterexample per edge that has one; of edges that differ only in the learners'
    /// names, one.
    pub violations: Vec<Violation>,
    /// Edges for which the steps ran out.
    pub undecided: Vec<(LearnerId, LearnerId)>,
}

impl Validity {
    /// Whether the graph was shown to be valid: an undecided one was not.
    pub fn holds(&self) -> bool {
        self.verdict() == Some(true)
    }

    /// Whether the graph is valid; nothing if that was not decided.
    pub fn verdict(&self) -> Option<bool> {
        match (self.violations.is_empty(), self.undecided.is_empty()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        }
    }
}

impl Steps {
    /// So many times as many.
    pub(crate) fn times(self, times: u64) -> Self {
        Self {
            search: self.search.saturating_mul(times),
            solver: self.solver.saturating_mul(times),
        }
    }

    /// What each of so many has.
    fn share(self, of: usize) -> Self {
        let of = of.max(1) as u64;
        Self {
            search: self.search / of,
            solver: self.solver / of,
        }
    }

    fn at_most(self, most: Self) -> Self {
        Self {
            search: self.search.min(most.search),
            solver: self.solver.min(most.solver),
        }
    }
}

/// What is known of the validity of pairs that differ in more than the learners' names.
pub(crate) type KnownPairs = Known<kinds::Pair, Found<Violation>>;

impl LearnerGraph {
    /// Checks validity in at most `steps` steps ([`VALIDITY_STEPS`] is a good number).
    pub fn validity(&self, steps: Steps) -> Validity {
        let until = Effort::steps(0);
        self.validity_until(steps, &until, &mut KnownPairs::default(), &mut |_, _| {})
    }

    /// The same until the flag of this effort is raised, whose steps do not count. What is known is not asked
    /// again; `progress` is told how many pairs are done, and of how many.
    pub(crate) fn validity_until(
        &self,
        steps: Steps,
        until: &Effort,
        known: &mut KnownPairs,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Validity {
        let mut search = Search::new(&self.exprs, until);
        let kinds = Kinds::of(self);
        let mut seen = HashSet::new();
        let mut pairs = self.pairs();
        pairs.retain(|(from, to)| seen.insert(kinds.pair(*from, *to)));
        let mut left = steps;
        let mut ask = |(from, to), share: Steps, left: &mut Steps| {
            let solver = until.again(share.solver);
            search.allow(share.search);
            let found = self.violation(&mut search, from, to, &solver);
            left.search -= share.search - search.left().min(share.search);
            left.solver -= share.solver - solver.left().min(share.solver);
            found
        };
        // Easy pairs come first, in a quarter of the steps: a hard one would leave nothing to those after it, and each of
        // many that are equally hard has three times as many the second time.
        let first = steps.share(4 * pairs.len()).at_most(FIRST_STEPS);
        let mut open = Vec::new();
        for (at, pair) in pairs.iter().enumerate() {
            progress(at, pairs.len());
            let kind = kinds.pair(pair.0, pair.1);
            if until.is_stopped() || known.get(&kind, false).is_some() {
                continue;
            }
            match ask(*pair, first, &mut left) {
                Found::Undecided => open.push(*pair),
                found => {
                    known.keep(kind, found, true, false);
                }
            }
        }
        let most = Steps {
            solver: OF_PAIR.max(steps.solver / PART),
            ..steps
        };
        for (at, pair) in open.iter().enumerate() {
            if until.is_stopped() {
                break;
            }
            progress(pairs.len() - open.len() + at, pairs.len());
            let share = left.share(open.len() - at).at_most(most);
            let found = ask(*pair, share, &mut left);
            let kind = kinds.pair(pair.0, pair.1);
            known.keep(kind, found, found != Found::Undecided, until.is_stopped());
        }
        let mut result = Validity::default();
        for (from, to) in pairs {
            match known.find(&kinds.pair(from, to)) {
                Some(Found::Yes(violation)) => result.violations.push(*violation),
                Some(Found::No) => {}
                Some(Found::Undecided) | None => result.undecided.push((from, to)),
            }
        }
        result
    }

    /// A counterexample of one edge, if there is one.
    pub(crate) fn violation(
        &self,
        search: &mut Search,
        from: LearnerId,
        to: LearnerId,
        solver: &Effort,
    ) -> Found<Violation> {
        let Some(safe) = Family::agreement(self, from, to) else {
            return Found::No;
        };
        let (live_from, live_to) = (Family::live(self, from), Family::live(self, to));
        if self.counts_suffice(&[&safe, &live_from, &live_to]) {
            return Found::No;
        }
        let mut found = search.disjoint(&self.acceptors(), [&safe, &live_from, &live_to]);
        if matches!(found, Found::Undecided) {
            // Irregular expressions are nothing for the search, but often for the solver.
            found = Apart::new(self, from, to, solver).find(None);
        }
        found.map(|sets| Violation::least(self, (from, to), sets))
    }

    /// A counterexample of the same edge with as few acceptors in its three sets as possible, as
    /// far as that can be found in these steps.
    pub(crate) fn smallest_violation(&self, violation: &Violation, effort: &Effort) -> Violation {
        let (from, to) = (violation.from, violation.to);
        let mut best = *violation;
        if !effort.is_left() {
            return best;
        }
        let mut apart = Apart::new(self, from, to, effort);
        loop {
            let size = best.safe.len() + best.quorum_from.len() + best.quorum_to.len();
            let Found::Yes(sets) = apart.find(Some(size)) else {
                return best;
            };
            best = Violation::least(self, (from, to), sets);
        }
    }

    /// Whether counting shows that they always meet: each is a threshold over acceptors with
    /// weights. An acceptor is missing from at least one of the sets, so that all of them together
    /// weigh at most the sum of all weights less the smallest of each acceptor; if the thresholds
    /// ask for more, there are no such sets. Each threshold may count with a factor. This settles
    /// flat graphs of hundreds of acceptors at once, whatever the weights.
    pub(crate) fn counts_suffice(&self, families: &[&Family]) -> bool {
        let flat: Option<Vec<FlatThreshold>> =
            families.iter().map(|f| self.flat_threshold(f)).collect();
        let Some(flat) = flat else { return false };
        let total = |(_, members): &FlatThreshold| -> u64 {
            members.iter().map(|(_, weight)| *weight).sum()
        };
        let largest = flat.iter().map(total).max().unwrap_or(0);
        // As written, or as if all had the same weight in all: whole numbers, so that nothing is
        // rounded in favour of the graph.
        let alike = |of: &FlatThreshold| (u128::from(largest) << 32) / u128::from(total(of).max(1));
        let factors = [vec![1; flat.len()], flat.iter().map(alike).collect()];
        factors.iter().any(|factors| {
            let mut asked: u128 = 0;
            let mut of_each: HashMap<AcceptorId, (u128, u128, usize)> = HashMap::new();
            for ((need, members), factor) in flat.iter().zip(factors) {
                asked = asked.saturating_add(u128::from(*need).saturating_mul(*factor));
                for (acceptor, weight) in members {
                    let weight = u128::from(*weight).saturating_mul(*factor);
                    let (sum, least, times) = of_each.entry(*acceptor).or_insert((0, u128::MAX, 0));
                    *sum = sum.saturating_add(weight);
                    *least = weight.min(*least);
                    *times += 1;
                }
            }
            let there = of_each.values().map(|(sum, least, times)| {
                let spared = if *times == flat.len() { *least } else { 0 };
                sum - spared
            });
            asked > there.fold(0, u128::saturating_add)
        })
    }

    /// A threshold over acceptors: what it needs, and their weights.
    fn flat_threshold(&self, family: &Family) -> Option<FlatThreshold> {
        let root = match family {
            Family::Of(root) => *root,
            Family::Agreement { conditions, .. } => match conditions.as_slice() {
                [only] => *only,
                _ => return None,
            },
        };
        match self.exprs.node(root) {
            Node::Acceptor(a) => Some((1, vec![(*a, 1)])),
            Node::Threshold { need, members } => {
                let weights = members
                    .iter()
                    .map(|(id, weight)| match self.exprs.node(*id) {
                        Node::Acceptor(a) => Some((*a, *weight)),
                        Node::Constant(_) | Node::Threshold { .. } => None,
                    });
                Some((*need, weights.collect::<Option<_>>()?))
            }
            Node::Constant(_) => None,
        }
    }
}

/// What a threshold over acceptors needs, and their weights.
type FlatThreshold = (u64, Vec<(AcceptorId, u64)>);

/// A TrustSafe set of two learners and a quorum of each without a common acceptor, as a question
/// to the solver.
struct Apart {
    formula: Formula,
    sets: [Vec<Lit>; 3],
    /// Counts the members of all three.
    members: Counter,
}

impl Apart {
    fn new(graph: &LearnerGraph, from: LearnerId, to: LearnerId, effort: &Effort) -> Self {
        let mut formula = Formula::new(effort);
        let sets = [(); 3].map(|()| formula.fresh_many(graph.n_acceptors()));
        let agree = graph.agree_if(&mut formula, from, to, &sets[0]);
        formula.clause([agree]);
        for (learner, set) in [(from, &sets[1]), (to, &sets[2])] {
            let live = graph.live[usize::from(learner.0)].0;
            let quorum = formula.requires(&graph.exprs, live, set);
            formula.clause([quorum]);
        }
        for ((a, b), c) in sets[0].iter().zip(&sets[1]).zip(&sets[2]) {
            formula.clause([!*a, !*b, !*c]);
        }
        Self {
            formula,
            members: Counter::of(&sets.concat()),
            sets,
        }
    }

    /// Three such sets, with fewer members in all than `fewer_than`.
    fn find(&mut self, fewer_than: Option<usize>) -> Found<[AcceptorSet; 3]> {
        let bound = fewer_than.map(|n| !self.members.at_least(&mut self.formula, n));
        let assumptions: Vec<Lit> = bound.into_iter().collect();
        self.formula
            .solve(&assumptions)
            .map(|()| self.sets.each_ref().map(|set| self.formula.chosen(set)))
    }
}

/// A minimal subset that still passes a monotone test; later acceptors are dropped first.
pub(crate) fn smallest(mut set: AcceptorSet, test: impl Fn(&AcceptorSet) -> bool) -> AcceptorSet {
    let mut members: Vec<_> = set.iter().collect();
    members.reverse();
    for member in members {
        set.remove(member);
        if !test(&set) {
            set.insert(member);
        }
    }
    set
}
