//! Quorum slices, as federated systems such as Stellar declare trust: every node says which sets
//! of others it relies on, and a *quorum* is a set of nodes with something for each of its
//! members to rely on.
//!
//! Such a system is a learner graph in which every node is an acceptor and a learner, and the
//! quorums of a learner are those that contain it. It is analysed as it is declared; only
//! [`to_toml`](Slices::to_toml) writes quorums out.

mod harms;

use crate::analysis::UnitSet;
use crate::effort::Effort;
use crate::expr::{Exprs, FALSE, NodeId};
use crate::formula::Formula;
use crate::id::AcceptorId;
use crate::set::AcceptorSet;
use crate::symmetry::{self, Swap};
use batsat::Lit;
use std::collections::HashMap;

pub(crate) use harms::{Forks, Gathers, Halts};

/// What every node needs of the others.
#[derive(Clone)]
pub struct Slices {
    names: Vec<String>,
    exprs: Exprs,
    needs: Vec<NodeId>,
    /// Whatever some node needs, and all nodes that need it: those are asked about once.
    alike: Vec<(NodeId, AcceptorSet)>,
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
            alike: alike(&needs),
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
            let mut rest = AcceptorSet::EMPTY;
            for (needs, nodes) in &self.alike {
                if nodes.intersects(&quorum) && self.exprs.holds(*needs, &helped) {
                    rest |= quorum & *nodes;
                }
            }
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
        let mut needs = self.alike.iter().filter(|(needs, _)| *needs != FALSE);
        let same = needs.all(|(needs, _)| *needs == first);
        (same && self.exprs.support(first).is_subset(&live)).then_some(first)
    }

    /// Nodes in classes whose members can change places without changing the system. Once the flag of
    /// an effort is raised, those that are left are classes of their own.
    pub(crate) fn classes(&self, until: &Effort) -> Vec<UnitSet> {
        let firsts = self.in_same_places();
        let one_of_each: Vec<AcceptorSet> = firsts
            .iter()
            .map(|class| class.iter().take(1).collect())
            .collect();
        let kinds = symmetry::kinds(&self.exprs, &one_of_each, |swap| {
            !until.is_stopped() && self.keeps(swap)
        });
        let mut classes: Vec<UnitSet> = Vec::new();
        for (kind, nodes) in kinds.into_iter().zip(&firsts) {
            let units = nodes.iter().map(|a| crate::analysis::UnitId(a.0));
            match classes.get_mut(kind) {
                Some(class) => class.extend(units),
                None => classes.push(units.collect()),
            }
        }
        classes
    }

    /// Nodes in classes of those that need the same and stand in the same places of all that is needed, ordered by
    /// their first nodes. There may be classes that can change places all the same.
    fn in_same_places(&self) -> Vec<AcceptorSet> {
        let needs = self.alike.iter().map(|(needs, _)| *needs).collect();
        let mut places = symmetry::classes(&self.exprs, needs);
        let somewhere = places
            .iter()
            .fold(AcceptorSet::EMPTY, |all, class| all | *class);
        places.push(self.all() - somewhere);
        let mut classes: Vec<AcceptorSet> = places
            .iter()
            .flat_map(|place| self.alike.iter().map(|(_, nodes)| *place & *nodes))
            .filter(|class| !class.is_empty())
            .collect();
        classes.sort_by_key(|class| class.iter().next());
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
        for (needs, nodes) in &self.alike {
            let content = formula.requires(&self.exprs, *needs, helped);
            for node in nodes {
                formula.clause([!set[usize::from(node.0)], content]);
            }
        }
    }
}

/// Whatever some node needs, with all nodes that do, ordered by the first of them.
fn alike(needs: &[NodeId]) -> Vec<(NodeId, AcceptorSet)> {
    let mut alike: Vec<(NodeId, AcceptorSet)> = Vec::new();
    let mut known = HashMap::new();
    for (needs, node) in needs.iter().zip(0..) {
        let at = *known.entry(*needs).or_insert(alike.len());
        if at == alike.len() {
            alike.push((*needs, AcceptorSet::EMPTY));
        }
        alike[at].1.insert(AcceptorId(node));
    }
    alike
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

#[cfg(test)]
mod tests {
    use super::*;

    /// So many organisations of three nodes: each node needs two of three in more than two thirds of them, and those of
    /// the last organisation in all of them.
    fn organisations(n: u16) -> Slices {
        let inner = |o: u16| QuorumSet {
            threshold: 2,
            nodes: (3 * o..3 * o + 3).collect(),
            inner: Vec::new(),
        };
        let needs = |a: u16| QuorumSet {
            threshold: u64::from(if a / 3 + 1 == n { n } else { n - (n - 1) / 3 }),
            nodes: Vec::new(),
            inner: (0..n).map(inner).collect(),
        };
        let nodes = (0..3 * n).map(|a| (format!("n{a}"), Some(needs(a))));
        Slices::new(nodes.collect())
    }

    #[test]
    fn nodes_that_need_the_same_are_asked_about_once() {
        let slices = organisations(100);
        let sizes: Vec<usize> = slices.alike.iter().map(|(_, nodes)| nodes.len()).collect();
        assert_eq!(sizes, [297, 3]);
        // What a node needs takes some 50 000 literals to say.
        let mut formula = Formula::new(&Effort::steps(10_000));
        let set = formula.fresh_many(slices.n_nodes());
        slices.content_if(&mut formula, &set, &set);
        assert!(!formula.is_given_up());
    }

    #[test]
    fn nodes_are_alike_if_they_need_the_same_and_stand_in_the_same_places() {
        let sizes = |slices: &Slices| -> Vec<usize> {
            let classes = slices.classes(&Effort::steps(0));
            classes.iter().map(|class| class.len()).collect()
        };
        assert_eq!(sizes(&organisations(5)), [3; 5]);
        // Two say it in other words: b and c can change places, though each stands where the other does not.
        let needs = |nodes: &[u16]| {
            let one = |node: &u16| QuorumSet {
                threshold: 2,
                nodes: vec![0, *node],
                inner: Vec::new(),
            };
            QuorumSet {
                threshold: 1,
                nodes: Vec::new(),
                inner: nodes.iter().map(one).collect(),
            }
        };
        let node = |name: &str, of: &[u16]| (name.to_owned(), Some(needs(of)));
        let slices = Slices::new(vec![
            node("a", &[1, 2]),
            node("b", &[1, 2]),
            node("c", &[1, 2]),
        ]);
        assert_eq!(sizes(&slices), [1, 2]);
        // Nobody needs the first, which is a class all the same; the last stands where b and c do, and needs more.
        let needs = |threshold| QuorumSet {
            threshold,
            nodes: vec![1, 2, 3],
            inner: Vec::new(),
        };
        let node = |name: &str, threshold| (name.to_owned(), Some(needs(threshold)));
        let slices = Slices::new(vec![node("a", 2), node("b", 2), node("c", 2), node("d", 3)]);
        assert_eq!(sizes(&slices), [1, 2, 1]);
    }
}
