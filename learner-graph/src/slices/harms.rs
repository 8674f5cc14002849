//! What faults do to a system of quorum slices, and who makes up a quorum.

use super::Slices;
use crate::analysis::Harm;
use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::family::Family;
use crate::formula::Formula;
use crate::id::AcceptorId;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use crate::symmetry::Swap;
use batsat::Lit;

/// The steps of a search where all nodes need the same.
const SEARCH_STEPS: u64 = 2_000_000;
/// Where many sets are asked about, one after the other, so many steps of a search take one of what is allowed.
const PER_STEP: u64 = 16;

/// No quorum is left without the faulty nodes.
pub(crate) struct Halts<'a>(pub(crate) &'a Slices);

/// Two quorums have only faulty nodes in common: those tell everybody what they like to hear.
pub(crate) struct Forks<'a>(pub(crate) &'a Slices);

/// The nodes contain a quorum, one with this node if there is one: no harm, but monotone as well.
pub(crate) struct Gathers<'a>(pub(crate) &'a Slices, pub(crate) Option<AcceptorId>);

impl Harm for Halts<'_> {
    // That nothing is a quorum is not said in clauses: sets that are one are left out as they
    // are met.
    fn encode(&self, _: &mut Formula, _: &[Lit]) {}

    fn about(&self) -> (Vec<NodeId>, AcceptorSet) {
        (self.0.needs.clone(), self.0.all())
    }

    fn exprs(&self) -> &Exprs {
        self.0.exprs()
    }

    fn keeps(&self, swap: &mut Swap) -> bool {
        self.0.keeps(swap)
    }

    fn done_by(&self, faulty: &AcceptorSet, _: &Effort) -> Found<()> {
        Found::whether(self.0.quorum_within(&(self.0.all() - *faulty)).is_empty())
    }

    fn smallest(&self, given: &AcceptorSet, effort: &Effort) -> Found<AcceptorSet> {
        let Some(needs) = self.0.common else {
            return Found::Undecided;
        };
        let mut search = Search::new(&self.0.exprs, &effort.again(SEARCH_STEPS));
        search.leave(&(self.0.all() - *given), &Family::Of(needs))
    }
}

impl Forks<'_> {
    /// Two quorums without a common node, if there are.
    pub(crate) fn quorums(&self, faulty: &AcceptorSet, effort: &Effort) -> Found<[AcceptorSet; 2]> {
        self.quorums_within(faulty, &effort.again(SEARCH_STEPS), effort)
    }

    /// The same with other steps where all nodes need the same.
    fn quorums_within(
        &self,
        faulty: &AcceptorSet,
        search: &Effort,
        effort: &Effort,
    ) -> Found<[AcceptorSet; 2]> {
        if let Some(answer) = self.by_symmetry(faulty, search) {
            return answer;
        }
        let mut formula = Formula::new(effort);
        let faulty = formula.fixed(faulty, self.0.n_nodes());
        let pair = self.pair(&mut formula, &faulty);
        let found = formula.solve(&[]);
        found.map(|()| pair.map(|quorum| formula.chosen(&quorum)))
    }

    /// The same where all nodes need the same; nothing if they do not, or that did not help.
    fn by_symmetry(
        &self,
        faulty: &AcceptorSet,
        effort: &Effort,
    ) -> Option<Found<[AcceptorSet; 2]>> {
        let honest = self.0.all() - *faulty;
        let needs = Family::Of(self.0.common?);
        let mut search = Search::new(&self.0.exprs, effort);
        match search.disjoint(&honest, [&needs, &needs]) {
            Found::Yes(pair) => self.members(pair, &honest).map(Found::Yes),
            Found::No => Some(Found::No),
            Found::Undecided => None,
        }
    }

    /// The honest nodes of two quorums that have none in common. Somebody has to be there to be split: for a quorum
    /// without any, a node that neither needs, which may be a faulty one that behaves well. Nothing if there is none.
    fn members(&self, pair: [AcceptorSet; 2], honest: &AcceptorSet) -> Option<[AcceptorSet; 2]> {
        let mut members = pair.map(|quorum| quorum & *honest);
        if members.iter().all(|members| !members.is_empty()) {
            return Some(members);
        }
        let live = self.0.quorum_within(&self.0.all());
        let others = (live & *honest) - members[0] - members[1];
        let mut others = others.iter().chain(live - *honest);
        for members in &mut members {
            if members.is_empty() {
                members.insert(others.next()?);
            }
        }
        let content = |at: usize| {
            let helped = (pair[at] | members[at]) - members[1 - at];
            self.0.exprs.holds(self.0.common?, &helped).then_some(())
        };
        content(0).and(content(1))?;
        Some(members)
    }

    /// Two quorums, each with the help of faulty nodes that are in neither: a faulty node may
    /// behave well, so that more faults do no less harm.
    fn pair(&self, formula: &mut Formula, faulty: &[Lit]) -> [Vec<Lit>; 2] {
        let n = self.0.n_nodes();
        let pair = [(); 2].map(|()| formula.fresh_many(n));
        for (own, other) in [(0, 1), (1, 0)] {
            let helped = formula.fresh_many(n);
            for (at, helps) in helped.iter().enumerate() {
                formula.clause([!*helps, pair[own][at], faulty[at]]);
                formula.clause([!*helps, !pair[other][at]]);
            }
            self.0.content_if(formula, &pair[own], &helped);
            formula.clause(pair[own].iter().copied());
        }
        for (first, second) in pair[0].iter().zip(&pair[1]) {
            formula.clause([!*first, !*second]);
        }
        pair
    }
}

impl Harm for Forks<'_> {
    fn encode(&self, formula: &mut Formula, faulty: &[Lit]) {
        self.pair(formula, faulty);
    }

    fn about(&self) -> (Vec<NodeId>, AcceptorSet) {
        (self.0.needs.clone(), self.0.all())
    }

    fn exprs(&self) -> &Exprs {
        self.0.exprs()
    }

    fn keeps(&self, swap: &mut Swap) -> bool {
        self.0.keeps(swap)
    }

    fn done_by(&self, faulty: &AcceptorSet, effort: &Effort) -> Found<()> {
        let allowed = effort.left().saturating_mul(PER_STEP).min(SEARCH_STEPS);
        let search = effort.again(allowed);
        let found = self.quorums_within(faulty, &search, effort);
        effort.take((allowed - search.left()) / PER_STEP);
        found.map(|_| ())
    }

    fn smallest(&self, given: &AcceptorSet, effort: &Effort) -> Found<AcceptorSet> {
        let Some(needs) = self.0.common.map(Family::Of) else {
            return Found::Undecided;
        };
        let honest = self.0.all() - *given;
        let mut search = Search::new(&self.0.exprs, &effort.again(SEARCH_STEPS));
        let Found::Yes(pair) = search.overlap(&honest, [&needs, &needs]) else {
            return Found::Undecided;
        };
        let faulty = pair[0] & pair[1] & honest;
        // Somebody has to be left to be split.
        match pair
            .iter()
            .all(|quorum| !((*quorum & honest) - faulty).is_empty())
        {
            true => Found::Yes(faulty),
            false => Found::Undecided,
        }
    }
}

impl Harm for Gathers<'_> {
    fn encode(&self, formula: &mut Formula, members: &[Lit]) {
        let quorum = formula.fresh_many(self.0.n_nodes());
        self.0.content_if(formula, &quorum, &quorum);
        for (inside, member) in quorum.iter().zip(members) {
            formula.clause([!*inside, *member]);
        }
        match self.1 {
            Some(node) => formula.clause([quorum[usize::from(node.0)]]),
            None => formula.clause(quorum),
        }
    }

    fn about(&self) -> (Vec<NodeId>, AcceptorSet) {
        (self.0.needs.clone(), self.0.all())
    }

    fn exprs(&self) -> &Exprs {
        self.0.exprs()
    }

    fn keeps(&self, swap: &mut Swap) -> bool {
        let stays = self.1.is_none_or(|node| swap.acceptor(node) == node);
        stays && self.0.keeps(swap)
    }

    fn done_by(&self, members: &AcceptorSet, _: &Effort) -> Found<()> {
        let quorum = self.0.quorum_within(members);
        Found::whether(match self.1 {
            Some(node) => quorum.contains(node),
            None => !quorum.is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slices::QuorumSet;

    #[test]
    fn one_of_many_questions_takes_less_of_what_is_allowed() {
        // Two of three nodes in more than two thirds of the organisations.
        let inner = |o: u16| QuorumSet {
            threshold: 2,
            nodes: (3 * o..3 * o + 3).collect(),
            inner: Vec::new(),
        };
        let needs = QuorumSet {
            threshold: 14,
            nodes: Vec::new(),
            inner: (0..20).map(inner).collect(),
        };
        let nodes = (0..60).map(|a| (format!("n{a}"), Some(needs.clone())));
        let slices = Slices::new(nodes.collect());
        let (forks, nobody) = (Forks(&slices), AcceptorSet::EMPTY);
        let search = Effort::steps(SEARCH_STEPS);
        let found = forks.quorums_within(&nobody, &search, &Effort::steps(0));
        assert_eq!(found, Found::No);
        let taken = SEARCH_STEPS - search.left();
        assert!(taken > 64, "{taken}");
        let effort = Effort::steps(taken / 4);
        assert_eq!(forks.done_by(&nobody, &effort), Found::No);
        assert!(effort.left() > taken / 8, "{} of {taken}", effort.left());
    }
}
