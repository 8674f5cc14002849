//! Quorum slices, as federated systems such as Stellar declare trust: every node says which sets
//! of others it relies on, and a *quorum* is a set of nodes with something for each of its
//! members to rely on.
//!
//! Such a system is a learner graph in which every node is an acceptor and a learner, and the
//! quorums of a learner are those that contain it. It is analysed as it is declared; only
//! [`to_toml`](Slices::to_toml) writes quorums out.

use crate::analysis::{Harm, UnitSet};
use crate::effort::Effort;
use crate::expr::{Exprs, FALSE, NodeId};
use crate::family::Family;
use crate::formula::Formula;
use crate::id::AcceptorId;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use crate::symmetry::{self, Swap};
use batsat::Lit;

/// The steps of a search where all nodes need the same.
const SEARCH_STEPS: u64 = 2_000_000;

/// What every node needs of the others.
#[derive(Clone)]
pub struct Slices {
    names: Vec<String>,
    exprs: Exprs,
    needs: Vec<NodeId>,
    /// What all nodes need, if that is the same, and of each other, but for nodes that are never content: then
    /// a quorum is a set of which it holds, and symmetry can be made use of.
    common: Option<NodeId>,
}

/// A nested threshold over nodes by number: what one node needs.
#[derive(Clone, Debug, Default)]
pub struct QuorumSet {
    /// So many of the members have to hold; 0 is never satisfied.
    pub threshold: u64,
    /// Nodes, by number.
    pub nodes: Vec<u16>,
    /// Further members.
    pub inner: Vec<QuorumSet>,
}

impl Slices {
    /// A system of so many nodes: their names, and what each needs. `None` stands for a node that
    /// says nothing, which is never in a quorum.
    pub fn new(nodes: Vec<(String, Option<QuorumSet>)>) -> Self {
        let mut exprs = Exprs::new();
        for at in 0..nodes.len() as u16 {
            exprs.acceptor(AcceptorId(at));
        }
        let mut needs = Vec::new();
        let mut names = Vec::new();
        for (name, set) in nodes {
            needs.push(set.map_or(FALSE, |set| expression(&mut exprs, &set)));
            names.push(name);
        }
        let mut slices = Self {
            names,
            exprs,
            needs,
            common: None,
        };
        slices.common = slices.common_needs();
        slices
    }

    /// The number of nodes.
    pub fn n_nodes(&self) -> usize {
        self.names.len()
    }

    /// All nodes.
    pub fn all(&self) -> AcceptorSet {
        AcceptorSet::first(self.n_nodes())
    }

    /// The names of the nodes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn exprs(&self) -> &Exprs {
        &self.exprs
    }

    pub(crate) fn needs(&self, node: AcceptorId) -> NodeId {
        self.needs[usize::from(node.0)]
    }

    /// The largest quorum inside a set; empty if there is none.
    pub fn quorum_within(&self, set: &AcceptorSet) -> AcceptorSet {
        self.content(set, &AcceptorSet::EMPTY)
    }

    /// The largest subset of a set each of whose nodes has what it needs in the subset and the
    /// faulty nodes.
    fn content(&self, set: &AcceptorSet, faulty: &AcceptorSet) -> AcceptorSet {
        let mut quorum = *set & self.all();
        loop {
            let helped = quorum | *faulty;
            let content = |a: &AcceptorId| self.exprs.holds(self.needs(*a), &helped);
            let rest: AcceptorSet = quorum.iter().filter(content).collect();
            if rest == quorum {
                return quorum;
            }
            quorum = rest;
        }
    }

    /// A minimal quorum inside of a quorum, with the help of faulty nodes.
    pub(crate) fn smaller_quorum(&self, quorum: &AcceptorSet, faulty: &AcceptorSet) -> AcceptorSet {
        let mut least = *quorum;
        for node in quorum {
            if !least.contains(node) {
                continue;
            }
            let mut without = least;
            without.remove(node);
            let rest = self.content(&without, faulty);
            if !rest.is_empty() {
                least = rest;
            }
        }
        least
    }

    fn common_needs(&self) -> Option<NodeId> {
        let live = self.quorum_within(&self.all());
        let first = self.needs(live.iter().next()?);
        // Whoever is in no quorum of its own may become content through a liar, and counts as well.
        let mut needs = self.needs.iter().filter(|needs| **needs != FALSE);
        let same = needs.all(|needs| *needs == first);
        (same && self.exprs.support(first).is_subset(&live)).then_some(first)
    }

    /// Nodes in classes whose members can change places without changing the system. Once the flag of
    /// an effort is raised, those that are left are classes of their own.
    pub(crate) fn classes(&self, until: &Effort) -> Vec<UnitSet> {
        let single: Vec<AcceptorSet> = self
            .all()
            .iter()
            .map(|a| std::iter::once(a).collect())
            .collect();
        let kinds = symmetry::kinds(&self.exprs, &single, |swap| {
            !until.is_stopped() && self.keeps(swap)
        });
        let mut classes: Vec<UnitSet> = Vec::new();
        for (kind, a) in kinds.into_iter().zip(0..) {
            let unit = crate::analysis::UnitId(a);
            match classes.get_mut(kind) {
                Some(class) => {
                    class.insert(unit);
                }
                None => classes.push(std::iter::once(unit).collect()),
            }
        }
        classes
    }

    /// Whether the system is the same with some nodes in each other's places.
    fn keeps(&self, swap: &mut Swap) -> bool {
        // Where it is not kept, those that are moved will mostly tell.
        let mut all = swap.moved().iter().chain(self.all());
        all.all(|node| swap.expr(self.needs(node)) == self.needs(swap.acceptor(node)))
    }

    /// Literals for a set each of whose nodes has what it needs among the nodes with a literal in
    /// `helped`.
    fn content_if(&self, formula: &mut Formula, set: &[Lit], helped: &[Lit]) {
        for (node, member) in self.all().iter().zip(set) {
            let content = formula.requires(&self.exprs, self.needs(node), helped);
            formula.clause([!*member, content]);
        }
    }
}

fn expression(exprs: &mut Exprs, set: &QuorumSet) -> NodeId {
    let nodes = set
        .nodes
        .iter()
        .map(|node| exprs.acceptor(AcceptorId(*node)));
    let mut members: Vec<_> = nodes.collect();
    members.extend(set.inner.iter().map(|inner| expression(exprs, inner)));
    // What needs nothing would be content with anything: such a declaration is not meant.
    if set.threshold == 0 {
        return FALSE;
    }
    exprs.threshold(set.threshold, members.into_iter().map(|member| (member, 1)))
}

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
        if let Some(answer) = self.by_symmetry(faulty, effort) {
            return answer;
        }
        let mut formula = Formula::new(effort);
        let faulty = formula.fixed(faulty, self.0.n_nodes());
        let pair = self.pair(&mut formula, &faulty);
        let found = formula.solve(&[]);
        found.map(|()| pair.map(|quorum| formula.chosen(&quorum)))
    }

    /// Two quorums with as few of these in common as possible, where all nodes need the same.
    fn least_common(
        &self,
        honest: &AcceptorSet,
        effort: &Effort,
    ) -> Option<Found<[AcceptorSet; 2]>> {
        let needs = Family::Of(self.0.common?);
        let mut search = Search::new(&self.0.exprs, &effort.again(SEARCH_STEPS));
        Some(search.overlap(honest, [&needs, &needs]))
    }

    /// The same where all nodes need the same; nothing if they do not, or that did not help.
    fn by_symmetry(
        &self,
        faulty: &AcceptorSet,
        effort: &Effort,
    ) -> Option<Found<[AcceptorSet; 2]>> {
        let honest = self.0.all() - *faulty;
        match self.least_common(&honest, effort)? {
            Found::Yes(pair) if (pair[0] & pair[1] & honest).is_empty() => {
                self.members(pair, &honest).map(Found::Yes)
            }
            Found::Yes(_) | Found::No => Some(Found::No),
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
        self.quorums(faulty, effort).map(|_| ())
    }

    fn smallest(&self, given: &AcceptorSet, effort: &Effort) -> Found<AcceptorSet> {
        let honest = self.0.all() - *given;
        match self.least_common(&honest, effort) {
            Some(Found::Yes(pair)) => {
                let faulty = pair[0] & pair[1] & honest;
                // Somebody has to be left to be split.
                let left = pair
                    .iter()
                    .all(|quorum| !((*quorum & honest) - faulty).is_empty());
                if left {
                    Found::Yes(faulty)
                } else {
                    Found::Undecided
                }
            }
            None | Some(Found::No | Found::Undecided) => Found::Undecided,
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
