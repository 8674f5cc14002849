//! The learner graph: names, TrustLive, and the text that identifies it.

use crate::analysis::Declared;
use crate::closure::Rule;
use crate::expr::{Exprs, Node, NodeId};
use crate::flat::{Flat, Root};
use crate::groups::GroupKind;
use crate::id::{AcceptorId, LearnerId};
use crate::set::{AcceptorSet, LearnerSet};
use crate::written::Written;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Who is trusted by whom: TrustLive (a learner's quorums) and TrustSafe (the sets of acceptors
/// that, if all safe, make two learners agree). Immutable; made by
/// [`GraphSection::build`](crate::GraphSection::build).
#[derive(Clone)]
pub struct LearnerGraph {
    acceptors: Names,
    learners: Names,
    pub(crate) exprs: Exprs,
    pub(crate) flat: Flat,
    pub(crate) live: Vec<(NodeId, Root)>,
    /// Every learner once, those with the same quorums together.
    alike: Vec<(Root, LearnerSet)>,
    pub(crate) rules: Vec<Rule>,
    /// Who fails together, for analyses: no part of what the graph means.
    pub(crate) groups: Vec<GroupKind>,
    /// How it stands in its file, if it came from one: for what is said to the file's author.
    pub(crate) written: Option<Arc<Written>>,
}

/// Names in the order of their identities.
#[derive(Clone)]
struct Names {
    names: Vec<String>,
    index: HashMap<String, u16>,
}

impl Names {
    fn new(names: Vec<String>) -> Self {
        let index = names.iter().cloned().zip(0..).collect();
        Self { names, index }
    }

    fn get(&self, at: u16) -> &str {
        self.names.get(usize::from(at)).map_or("?", String::as_str)
    }
}

/// The learners of each of these quorums.
fn alike(live: &[(NodeId, Root)]) -> Vec<(Root, LearnerSet)> {
    let mut alike: Vec<(Root, LearnerSet)> = Vec::new();
    for (learner, (_, root)) in (0..).map(LearnerId).zip(live) {
        match alike.iter_mut().find(|(of, _)| of == root) {
            Some((_, learners)) => {
                learners.insert(learner);
            }
            None => alike.push((*root, LearnerSet::just(learner))),
        }
    }
    alike
}

impl LearnerGraph {
    /// Puts a graph together from checked parts: one TrustLive expression per learner, and the
    /// declared agreements.
    pub(crate) fn new(
        acceptors: Vec<String>,
        learners: Vec<String>,
        exprs: Exprs,
        live: &[NodeId],
        safe: &[(LearnerSet, NodeId)],
    ) -> Self {
        let mut flat = Flat::default();
        let live: Vec<_> = live.iter().map(|id| (*id, flat.add(&exprs, *id))).collect();
        let mut graph = Self {
            acceptors: Names::new(acceptors),
            learners: Names::new(learners),
            exprs,
            flat,
            alike: alike(&live),
            live,
            rules: Vec::new(),
            groups: Vec::new(),
            written: None,
        };
        for (learners, expr) in merged(safe) {
            graph.declare(learners, expr);
        }
        graph
    }

    /// Declares that these learners agree with each other, and each with itself, under this condition.
    pub(crate) fn declare(&mut self, learners: LearnerSet, expr: NodeId) {
        let root = self.flat.add(&self.exprs, expr);
        self.rules.push(Rule {
            learners,
            expr,
            root,
        });
    }

    /// The same graph with groups of acceptors.
    pub(crate) fn with_groups(self, groups: Vec<GroupKind>) -> Self {
        Self { groups, ..self }
    }

    /// The same graph, which stands like this in its file.
    pub(crate) fn with_written(self, written: Written) -> Self {
        Self {
            written: Some(Arc::new(written)),
            ..self
        }
    }

    /// The same graph, read from this text: places in it have lines.
    pub(crate) fn with_lines_of(mut self, text: &str) -> Self {
        if let Some(written) = self.written.as_mut().and_then(Arc::get_mut) {
            written.read_from(text);
        }
        self
    }

    /// All acceptors.
    pub fn acceptors(&self) -> AcceptorSet {
        AcceptorSet::first(self.n_acceptors())
    }

    /// All learners.
    pub fn learners(&self) -> LearnerSet {
        LearnerSet::first(self.n_learners())
    }

    /// The number of acceptors, at most [`MAX_ACCEPTORS`](crate::MAX_ACCEPTORS).
    pub fn n_acceptors(&self) -> usize {
        self.acceptors.names.len()
    }

    /// The number of learners, at most [`MAX_LEARNERS`](crate::MAX_LEARNERS).
    pub fn n_learners(&self) -> usize {
        self.learners.names.len()
    }

    /// The name of an acceptor; `?` if the graph has no such acceptor.
    pub fn acceptor_name(&self, id: AcceptorId) -> &str {
        self.acceptors.get(id.0)
    }

    /// The name of a learner; `?` if the graph has no such learner.
    pub fn learner_name(&self, id: LearnerId) -> &str {
        self.learners.get(id.0)
    }

    /// The acceptor with this name.
    pub fn acceptor(&self, name: &str) -> Option<AcceptorId> {
        self.acceptors.index.get(name).copied().map(AcceptorId)
    }

    /// The learner with this name.
    pub fn learner(&self, name: &str) -> Option<LearnerId> {
        self.learners.index.get(name).copied().map(LearnerId)
    }

    /// TrustLive: whether `set` contains a quorum of `l`. Monotone in `set`; a few machine words
    /// for a flat threshold; does not allocate. False for a learner that is not in the graph.
    pub fn is_quorum(&self, l: LearnerId, set: &AcceptorSet) -> bool {
        let live = self.live.get(usize::from(l.0));
        live.is_some_and(|(_, root)| self.flat.holds(*root, set))
    }

    /// TrustLive: those of `learners` of whom `set` contains a quorum. Learners with the same quorums cost as much as
    /// one of them; does not allocate.
    pub fn with_quorum(&self, learners: LearnerSet, set: &AcceptorSet) -> LearnerSet {
        let mut with = LearnerSet::EMPTY;
        for (root, alike) in &self.alike {
            if alike.intersects(&learners) && self.flat.holds(*root, set) {
                with |= *alike & learners;
            }
        }
        with
    }

    /// Every two learners, the smaller first, and each with itself.
    pub(crate) fn pairs(&self) -> Vec<(LearnerId, LearnerId)> {
        let learners = self.learners();
        let with = |l1| {
            learners
                .iter()
                .filter(move |l2| l1 <= *l2)
                .map(move |l2| (l1, l2))
        };
        learners.iter().flat_map(with).collect()
    }

    /// The names of a set of learners, in the order of their identities.
    pub fn learner_names(&self, set: &LearnerSet) -> Vec<String> {
        set.iter()
            .map(|l| self.learner_name(l).to_owned())
            .collect()
    }

    /// The names of a set of acceptors, in the order of their identities.
    pub fn acceptor_names(&self, set: &AcceptorSet) -> Vec<String> {
        set.iter()
            .map(|a| self.acceptor_name(a).to_owned())
            .collect()
    }

    /// A set of acceptors in words: `{a1, a2}`.
    pub fn names(&self, set: &AcceptorSet) -> String {
        format!("{{{}}}", self.acceptor_names(set).join(", "))
    }

    /// A text that two files share if and only if they mean the same network in the same words:
    /// hash it to identify the network.
    ///
    /// The order of acceptors counts (it numbers them), as do all names. The order of learners,
    /// definitions, members and agreements does not, nor does whether a definition was used, a
    /// member was listed by weight or twice, or an agreement of three learners was spelled as
    /// pairs. Expressions that are equivalent for deeper reasons may still differ. Groups say who
    /// fails together, and nothing about the network: they are no part of it.
    pub fn canonical(&self) -> String {
        let mut text = String::from("learner graph 1\nacceptors");
        for name in &self.acceptors.names {
            text.push(' ');
            text.push_str(name);
        }
        text.push('\n');
        for (name, (live, _)) in self.learners.names.iter().zip(&self.live) {
            text.push_str(&format!("learner {name} {}\n", self.expression(*live)));
        }
        let mut safe: Vec<String> = Vec::new();
        for rule in &self.rules {
            let names: Vec<_> = rule.learners.iter().map(|l| self.learner_name(l)).collect();
            safe.push(format!(
                "safe {} {}\n",
                names.join(","),
                self.expression(rule.expr)
            ));
        }
        safe.sort();
        text.extend(safe);
        text
    }

    /// The declared agreements, each with the learners that it joins.
    pub fn agreements(&self) -> Vec<Declared> {
        self.rules.iter().map(|rule| self.declared(rule)).collect()
    }

    /// A declared agreement in the words of a file.
    pub(crate) fn declared(&self, rule: &Rule) -> Declared {
        Declared {
            between: self.learner_names(&rule.learners),
            when: self.toml(rule.expr),
        }
    }

    /// The quorums of a learner as they are written in a file; empty if the graph has no such
    /// learner.
    pub fn quorums_as_toml(&self, l: LearnerId) -> String {
        let live = self.live.get(usize::from(l.0));
        live.map_or_else(String::new, |(id, _)| self.toml(*id))
    }

    /// The quorums of a learner in few words, `2(a1,2(a2,a3,a4))`: so many of these, and `3*a1`
    /// for what counts three times. Empty if the graph has no such learner.
    pub fn quorums_in_short(&self, l: LearnerId) -> String {
        let live = self.live.get(usize::from(l.0));
        live.map_or_else(String::new, |(id, _)| self.expression(*id))
    }

    /// The acceptors that occur in the quorums of a learner; none if the graph has no such learner.
    pub fn voters(&self, l: LearnerId) -> AcceptorSet {
        let live = self.live.get(usize::from(l.0));
        live.map_or(AcceptorSet::EMPTY, |(id, _)| self.exprs.support(*id))
    }

    /// The acceptors that stand in any expression.
    pub(crate) fn named(&self) -> AcceptorSet {
        let live = self.live.iter().map(|(id, _)| *id);
        let roots: Vec<NodeId> = live
            .chain(self.rules.iter().map(|rule| rule.expr))
            .collect();
        self.exprs.supports(&roots)
    }

    /// An expression of the graph as it is written in a file.
    pub(crate) fn toml(&self, id: NodeId) -> String {
        self.toml_of(&self.exprs, id)
    }

    /// An expression over the graph's acceptors as it is written in a file.
    pub(crate) fn toml_of(&self, exprs: &Exprs, id: NodeId) -> String {
        exprs.toml(id, &|a| self.acceptor_name(a).to_owned())
    }

    /// An expression in canonical words: `2(a1,2(a2,a3,a4),2*a4)`.
    fn expression(&self, id: NodeId) -> String {
        match self.exprs.node(id) {
            Node::Constant(holds) => holds.to_string(),
            Node::Acceptor(a) => self.acceptor_name(*a).to_owned(),
            Node::Threshold { need, members } => {
                let member = |(id, weight): &(NodeId, u64)| match weight {
                    1 => self.expression(*id),
                    _ => format!("{weight}*{}", self.expression(*id)),
                };
                // Node numbers depend on what was read first, so the words are sorted instead.
                let mut words: Vec<String> = members.iter().map(member).collect();
                words.sort();
                format!("{need}({})", words.join(","))
            }
        }
    }
}

impl fmt::Debug for LearnerGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

/// Agreements with the same condition that share a learner are one: whenever one holds, so does
/// the other, and transitivity joins them.
fn merged(safe: &[(LearnerSet, NodeId)]) -> Vec<(LearnerSet, NodeId)> {
    let mut result: Vec<(LearnerSet, NodeId)> = Vec::new();
    for (learners, expr) in safe {
        let mut joined = *learners;
        result.retain(|(others, other)| {
            let same = other == expr && others.intersects(&joined);
            if same {
                joined |= *others;
            }
            !same
        });
        result.push((joined, *expr));
    }
    result
}
