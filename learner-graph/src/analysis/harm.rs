//! What faults can do to learners: stop one, split two.
//!
//! Each harm is monotone: what some faulty acceptors do, more of them do as well.

use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::family::Family;
use crate::formula::Formula;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use crate::symmetry::{self, Swap};
use batsat::Lit;

/// The steps of a search by classes of interchangeable acceptors, before the solver is asked.
const SEARCH_STEPS: u64 = 300_000;
/// The same where it is asked for every acceptor of a set.
const SHORT_STEPS: u64 = 5_000;

/// A harm that faulty acceptors may do.
pub(crate) trait Harm {
    /// Clauses that can be satisfied if acceptors with a true literal in `faulty` do the harm.
    /// They may be satisfiable for others too; [`done_by`](Self::done_by) has the last word.
    fn encode(&self, formula: &mut Formula, faulty: &[Lit]);

    /// The expressions that the harm is about, and the acceptors of them that matter if they are
    /// faulty. Acceptors that stand in the same places of the expressions do the same.
    fn about(&self) -> (Vec<NodeId>, AcceptorSet);

    /// Where these expressions are.
    fn exprs(&self) -> &Exprs;

    /// Whether the harm is the same with some acceptors in each other's places.
    fn keeps(&self, swap: &mut Swap) -> bool {
        let (roots, _) = self.about();
        swap.keeps(&roots)
    }

    /// A number for each of some classes of acceptors that the harm does not tell apart, the same for
    /// classes that can change places as a whole.
    fn kinds(&self, classes: &[AcceptorSet]) -> Vec<usize> {
        symmetry::kinds(self.exprs(), classes, |swap| self.keeps(swap))
    }

    /// Whether these faulty acceptors do the harm.
    fn done_by(&self, faulty: &AcceptorSet, effort: &Effort) -> Found<()>;

    /// A smallest set of acceptors that does the harm together with those of `given`, which it
    /// leaves out, if there is a way to find one that knows of symmetry.
    fn smallest(&self, _given: &AcceptorSet, _effort: &Effort) -> Found<AcceptorSet> {
        Found::Undecided
    }
}

/// A learner has no quorum left: the faulty acceptors are silent, and meet all its quorums.
pub(crate) struct Stops<'a> {
    graph: &'a LearnerGraph,
    learner: LearnerId,
}

/// Two learners, or one with itself, can decide differently: a quorum of the one and a quorum of
/// the other have only faulty acceptors in common, whatever was declared.
pub(crate) struct Splits<'a> {
    exprs: &'a Exprs,
    quorums: [NodeId; 2],
    all: AcceptorSet,
}

/// What is safe is in no TrustSafe set of two learners any more: nobody promises that they
/// agree.
pub(crate) struct Disentangles<'a> {
    graph: &'a LearnerGraph,
    pair: [LearnerId; 2],
    /// Those of the graph, and what the family is made of.
    exprs: Exprs,
    /// Their TrustSafe; nothing if they have no set.
    family: Option<Family>,
}

impl<'a> Stops<'a> {
    pub(crate) fn new(graph: &'a LearnerGraph, learner: LearnerId) -> Self {
        Self { graph, learner }
    }
}

impl<'a> Splits<'a> {
    pub(crate) fn new(graph: &'a LearnerGraph, l1: LearnerId, l2: LearnerId) -> Self {
        let quorums = [l1, l2].map(|l| graph.live[usize::from(l.0)].0);
        Self::of(&graph.exprs, quorums, graph.acceptors())
    }

    /// The same of two expressions that hold of quorums.
    pub(crate) fn of(exprs: &'a Exprs, quorums: [NodeId; 2], all: AcceptorSet) -> Self {
        Self {
            exprs,
            quorums,
            all,
        }
    }

    /// Two quorums that have nobody but these acceptors in common.
    pub(crate) fn quorums(&self, faulty: &AcceptorSet, effort: &Effort) -> Found<[AcceptorSet; 2]> {
        let honest = self.all - *faulty;
        match self.least_common(&honest, &effort.again(SHORT_STEPS)) {
            Found::Yes([q1, q2]) if (q1 & q2 & honest).is_empty() => {
                return Found::Yes([q1, q2]);
            }
            Found::Yes(_) | Found::No => return Found::No,
            Found::Undecided => {}
        }
        let mut formula = Formula::new(effort);
        let faulty = formula.fixed(faulty, self.all.len());
        let pair = self.require(&mut formula, &faulty);
        let found = formula.solve(&[]);
        found.map(|()| pair.map(|quorum| formula.chosen(&quorum)))
    }

    /// Two quorums with as few of these in common as possible.
    fn least_common(&self, honest: &AcceptorSet, effort: &Effort) -> Found<[AcceptorSet; 2]> {
        let [first, second] = self.quorums.map(Family::Of);
        Search::new(self.exprs, effort).overlap(honest, [&first, &second])
    }

    fn require(&self, formula: &mut Formula, faulty: &[Lit]) -> [Vec<Lit>; 2] {
        let sets = self.quorums.map(|quorum| {
            let set = formula.fresh_many(faulty.len());
            let holds = formula.requires(self.exprs, quorum, &set);
            formula.clause([holds]);
            set
        });
        for (a, faulty) in faulty.iter().enumerate() {
            formula.clause([!sets[0][a], !sets[1][a], *faulty]);
        }
        sets
    }
}

impl<'a> Disentangles<'a> {
    pub(crate) fn new(graph: &'a LearnerGraph, l1: LearnerId, l2: LearnerId) -> Self {
        let mut exprs = graph.exprs.clone();
        let family = Family::agreement(graph, l1, l2).map(|family| family.joined(&mut exprs));
        Self {
            graph,
            pair: [l1, l2],
            exprs,
            family,
        }
    }
}

fn negated(literals: &[Lit]) -> Vec<Lit> {
    literals.iter().map(|literal| !*literal).collect()
}

impl Harm for Stops<'_> {
    fn encode(&self, formula: &mut Formula, faulty: &[Lit]) {
        let live = self.graph.live[usize::from(self.learner.0)].0;
        let quorum = formula.reports(&self.graph.exprs, live, &negated(faulty));
        formula.clause([!quorum]);
    }

    fn about(&self) -> (Vec<NodeId>, AcceptorSet) {
        let live = self.graph.live[usize::from(self.learner.0)].0;
        (vec![live], self.graph.exprs.support(live))
    }

    fn exprs(&self) -> &Exprs {
        &self.graph.exprs
    }

    fn done_by(&self, faulty: &AcceptorSet, _: &Effort) -> Found<()> {
        let rest = self.graph.acceptors() - *faulty;
        Found::whether(!self.graph.is_quorum(self.learner, &rest))
    }

    fn smallest(&self, given: &AcceptorSet, effort: &Effort) -> Found<AcceptorSet> {
        let family = Family::live(self.graph, self.learner);
        let mut search = Search::new(&self.graph.exprs, &effort.again(SEARCH_STEPS));
        search.leave(&(self.graph.acceptors() - *given), &family)
    }
}

impl Harm for Splits<'_> {
    fn encode(&self, formula: &mut Formula, faulty: &[Lit]) {
        self.require(formula, faulty);
    }

    fn about(&self) -> (Vec<NodeId>, AcceptorSet) {
        let [first, second] = self.quorums.map(|id| self.exprs.support(id));
        (self.quorums.to_vec(), first & second)
    }

    fn exprs(&self) -> &Exprs {
        self.exprs
    }

    fn done_by(&self, faulty: &AcceptorSet, effort: &Effort) -> Found<()> {
        self.quorums(faulty, effort).map(|_| ())
    }

    fn smallest(&self, given: &AcceptorSet, effort: &Effort) -> Found<AcceptorSet> {
        let honest = self.all - *given;
        let found = self.least_common(&honest, &effort.again(SEARCH_STEPS));
        found.map(|[q1, q2]| q1 & q2 & honest)
    }
}

impl Disentangles<'_> {
    fn roots(&self) -> &[NodeId] {
        self.family.as_ref().map_or(&[], Family::roots)
    }
}

impl Harm for Disentangles<'_> {
    /// There is a way to put every learner on one of two sides, the pair on different ones, such
    /// that no agreement that holds among the safe acceptors crosses.
    fn encode(&self, formula: &mut Formula, faulty: &[Lit]) {
        let safe = negated(faulty);
        let (from, to, groups, conditions) = match &self.family {
            None => return,
            Some(Family::Of(root)) => {
                let holds = formula.reports(&self.exprs, *root, &safe);
                return formula.clause([!holds]);
            }
            Some(Family::Agreement {
                from,
                to,
                groups,
                conditions,
            }) => (*from, *to, groups, conditions),
        };
        let side = formula.fresh_many(self.graph.n_learners());
        let place = |l: LearnerId| side[usize::from(l.0)];
        formula.clause([place(from)]);
        formula.clause([!place(to)]);
        for (group, condition) in groups.iter().zip(conditions) {
            let holds = formula.reports(&self.exprs, *condition, &safe);
            let mut learners = group.iter();
            let Some(first) = learners.next() else {
                continue;
            };
            for other in learners {
                formula.clause([!holds, !place(first), place(other)]);
                formula.clause([!holds, place(first), !place(other)]);
            }
        }
    }

    fn about(&self) -> (Vec<NodeId>, AcceptorSet) {
        let roots = self.roots().to_vec();
        let all = self.exprs.supports(&roots);
        (roots, all)
    }

    fn keeps(&self, swap: &mut Swap) -> bool {
        swap.keeps(self.roots())
    }

    fn exprs(&self) -> &Exprs {
        &self.exprs
    }

    fn done_by(&self, faulty: &AcceptorSet, _: &Effort) -> Found<()> {
        let [l1, l2] = self.pair;
        let safe = self.graph.acceptors() - *faulty;
        Found::whether(!self.graph.trust_safe(l1, l2, &safe))
    }

    fn smallest(&self, given: &AcceptorSet, effort: &Effort) -> Found<AcceptorSet> {
        let Some(family) = &self.family else {
            return Found::Yes(AcceptorSet::EMPTY);
        };
        let mut search = Search::new(&self.exprs, &effort.again(SEARCH_STEPS));
        search.leave(&(self.graph.acceptors() - *given), family)
    }
}
