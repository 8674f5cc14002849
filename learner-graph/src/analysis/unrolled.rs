//! A system of quorum slices as a learner graph: quorums written out as expressions.
//!
//! Where nodes rely on each other in no circle, a set contains a quorum of a node if it has the
//! node, and a quorum of each node of one of its slices: an expression as it stands. Inside of a
//! circle it is the minimal quorums, in patterns.

use super::Harm;
use super::conditions::nothing_splits;
use super::faults::Faults;
use super::harm::Splits;
use super::pattern::{Pattern, apart};
use super::units::{UnitId, UnitSet, Units};
use crate::effort::Effort;
use crate::expr::{Exprs, FALSE, Node, NodeId, TRUE};
use crate::id::AcceptorId;
use crate::problem::Problem;
use crate::report::Names;
use crate::set::{AcceptorSet, MAX_LEARNERS};
use crate::slices::{Gathers, Slices};
use std::collections::HashMap;
use std::fmt::Write;

/// The most patterns of quorums of one node that are written out.
const MAX_PATTERNS: usize = 100;
/// The steps that finding those of one node may take.
const STEPS: u64 = 200_000;

/// A system of slices as a learner graph, and what is not in it.
#[derive(Clone, Debug)]
pub struct Unrolled {
    /// The graph.
    pub toml: String,
    /// Nodes that say nothing of whom they rely on.
    pub silent: Names,
    /// Nodes that are in no quorum of the system, whatever the others do.
    pub in_no_quorum: Names,
    /// Nodes that are acceptors, and no learners, since their quorums are too many to be written out.
    pub too_many_quorums: Names,
    /// Nodes that are acceptors, and no learners, since the work that was allowed ended before their quorums
    /// were known.
    pub undecided: Names,
    /// Whether any two quorums meet, so that the graph promises agreement; absent if that is not known.
    pub meet: Option<bool>,
    /// If it is not known: whether there are too many quorums to tell. Otherwise the work that was allowed
    /// ended before.
    pub too_many_to_meet: bool,
}

impl Unrolled {
    /// How many nodes have become learners, of so many.
    pub fn learners(&self, nodes: usize) -> usize {
        let left_out = [
            &self.silent,
            &self.in_no_quorum,
            &self.too_many_quorums,
            &self.undecided,
        ];
        nodes - left_out.map(Vec::len).iter().sum::<usize>()
    }
}

/// Why something is not written out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gap {
    /// It is too much.
    TooMany,
    /// The work that was allowed ended.
    Undecided,
}

impl Slices {
    /// The system as a learner graph in TOML: the nodes that can be in a quorum, as acceptors and
    /// as learners of the same names, and agreement of all of them while the safe acceptors meet
    /// whatever two quorums have in common. Without that entry if there are quorums that do not
    /// meet, or too many. Nodes whose quorums are too many, or not known when the work that is allowed ends, are
    /// no learners; a comment names them.
    pub fn to_toml(&self, effort: &Effort) -> Result<Unrolled, Box<Problem>> {
        let live = self.quorum_within(&self.all());
        if live.is_empty() {
            let what =
                "no node can be in a quorum, since no set of nodes has what each of them needs";
            let mend = "there is nothing that a graph could say";
            return Err(Box::new(Problem::error(None, what, mend)));
        }
        if live.len() > MAX_LEARNERS {
            let what = format!("{} nodes can be in a quorum", live.len());
            let mend = format!("a graph has at most {MAX_LEARNERS} learners");
            return Err(Box::new(Problem::error(None, what, mend)));
        }
        let mut unroll = Unroll {
            slices: self,
            live,
            classes: self.classes(effort),
            units: Units::single(self.names().to_vec()),
            effort,
            exprs: self.exprs().clone(),
            definitions: Vec::new(),
            known: HashMap::new(),
        };
        for node in live {
            // What is missing is remembered, and named.
            let _ = unroll.quorums_of(node);
        }
        let (meet, safe, too_many_to_meet) = match unroll.safe() {
            Ok(Some(safe)) => (Some(true), Some(safe), false),
            Ok(None) => (Some(false), None, false),
            Err(gap) => (None, None, gap == Gap::TooMany),
        };
        let names = |nodes: AcceptorSet| -> Names {
            let names = nodes.iter().map(|a| self.names()[usize::from(a.0)].clone());
            names.collect()
        };
        let silent = |a: &AcceptorId| self.needs(*a) == FALSE;
        let silent: AcceptorSet = self.all().iter().filter(silent).collect();
        Ok(Unrolled {
            toml: unroll.write(&live, safe),
            silent: names(silent),
            in_no_quorum: names(self.all() - live - silent),
            too_many_quorums: names(unroll.without(&live, Gap::TooMany)),
            undecided: names(unroll.without(&live, Gap::Undecided)),
            meet,
            too_many_to_meet,
        })
    }
}

struct Unroll<'a> {
    slices: &'a Slices,
    /// The nodes that can be in a quorum.
    live: AcceptorSet,
    classes: Vec<UnitSet>,
    units: Units,
    effort: &'a Effort,
    exprs: Exprs,
    /// Nodes with their quorums, those that others refer to first.
    definitions: Vec<(AcceptorId, NodeId)>,
    /// What stands for the quorums of a node in other expressions: an acceptor beyond all nodes,
    /// which is written as the name of a definition.
    known: HashMap<AcceptorId, Result<NodeId, Gap>>,
}

impl Unroll<'_> {
    /// An expression that holds of the sets with a quorum of a node.
    fn quorums_of(&mut self, node: AcceptorId) -> Result<NodeId, Gap> {
        if let Some(known) = self.known.get(&node) {
            return *known;
        }
        let quorums = if self.relies_on_itself(node) {
            let patterns = self.patterns(&Gathers(self.slices, Some(node)), Some(node));
            patterns.map(|patterns| self.any_of(&patterns))
        } else {
            let needs = self.replaced(self.slices.needs(node), node);
            let own = self.exprs.acceptor(node);
            needs.map(|needs| self.exprs.threshold(2, [(own, 1), (needs, 1)]))
        };
        let stands = AcceptorId(self.slices.n_nodes() as u16 + node.0);
        let stands = quorums.map(|quorums| {
            self.definitions.push((node, quorums));
            self.exprs.acceptor(stands)
        });
        self.known.insert(node, stands);
        stands
    }

    /// A condition under which any two quorums have a safe node in common, if they have a node in common.
    fn safe(&mut self) -> Result<Option<NodeId>, Gap> {
        let core = self.patterns(&Gathers(self.slices, None), None)?;
        let core = self.any_of(&core);
        let splits = Splits::of(&self.exprs, [core, core], self.slices.all());
        let splitting = self.patterns(&splits, None)?;
        let meet = splitting.iter().all(|pattern| pattern.size() > 0);
        Ok(meet.then(|| nothing_splits(&mut self.exprs, &splitting)))
    }

    /// Whether a chain of nodes that rely on each other leads back, other than by itself.
    fn relies_on_itself(&self, node: AcceptorId) -> bool {
        let needs = |a: AcceptorId| {
            let mut others = self.slices.exprs().support(self.slices.needs(a));
            others.remove(a);
            others
        };
        let mut reached = needs(node);
        loop {
            let more = reached.iter().fold(reached, |all, a| all | needs(a));
            if more == reached {
                return reached.contains(node);
            }
            reached = more;
        }
    }

    /// What a node needs, of the quorums of others.
    fn replaced(&mut self, id: NodeId, node: AcceptorId) -> Result<NodeId, Gap> {
        Ok(match self.exprs.node(id).clone() {
            Node::Constant(_) => id,
            Node::Acceptor(a) if a == node => TRUE,
            Node::Acceptor(a) if !self.live.contains(a) => FALSE,
            Node::Acceptor(a) => self.quorums_of(a)?,
            Node::Threshold { need, members } => {
                let mut replaced = Vec::with_capacity(members.len());
                for (member, weight) in &members {
                    replaced.push((self.replaced(*member, node)?, *weight));
                }
                self.exprs.threshold(need, replaced)
            }
        })
    }

    /// All minimal sets, unless they are too many. If the question is about one node, that one is
    /// like no other.
    fn patterns(&self, harm: &dyn Harm, about: Option<AcceptorId>) -> Result<Vec<Pattern>, Gap> {
        if !self.effort.is_left() {
            return Err(Gap::Undecided);
        }
        let effort = self.effort.again(STEPS.min(self.effort.left()));
        let before = effort.left();
        let about: UnitSet = about.iter().map(|node| UnitId(node.0)).collect();
        let classes = apart(self.classes.clone(), &about);
        let faults = Faults {
            harm,
            units: &self.units,
            classes,
            given: AcceptorSet::EMPTY,
            n_acceptors: self.slices.n_nodes(),
            effort: effort.clone(),
        };
        let found = faults.any_minimal(MAX_PATTERNS);
        self.effort.take(before - effort.left());
        match found {
            Some(found) if found.complete => Ok(found.sets),
            Some(_) => Err(Gap::TooMany),
            None => Err(Gap::Undecided),
        }
    }

    /// An expression that holds of the sets with a set of one of these patterns.
    fn any_of(&mut self, patterns: &[Pattern]) -> NodeId {
        let mut any = Vec::new();
        for pattern in patterns {
            let mut all = Vec::new();
            for (count, class) in pattern.parts() {
                let members = class.iter().map(|unit| AcceptorId(unit.0));
                let members: Vec<_> = members.map(|a| (self.exprs.acceptor(a), 1)).collect();
                all.push((self.exprs.threshold(count as u64, members), 1));
            }
            any.push((self.exprs.threshold(all.len() as u64, all), 1));
        }
        self.exprs.threshold(1, any)
    }

    /// The nodes whose quorums can be written out.
    fn learners(&self, live: &AcceptorSet) -> AcceptorSet {
        let learner = |a: &AcceptorId| self.known.get(a).is_some_and(Result::is_ok);
        live.iter().filter(learner).collect()
    }

    /// The nodes that are no learners for this reason.
    fn without(&self, live: &AcceptorSet, gap: Gap) -> AcceptorSet {
        let missing = |a: &AcceptorId| self.known.get(a) == Some(&Err(gap));
        live.iter().filter(missing).collect()
    }

    fn write(&self, live: &AcceptorSet, safe: Option<NodeId>) -> String {
        let names = self.slices.names();
        let mut prefix = String::from("q");
        while names.iter().any(|name| name.starts_with(&prefix)) {
            prefix.push('q');
        }
        let name = |a: AcceptorId| {
            let at = usize::from(a.0);
            match names.get(at) {
                Some(name) => name.clone(),
                None => format!("{prefix}{}", at - names.len()),
            }
        };
        let list = |set: &AcceptorSet| {
            let names: Vec<_> = set.iter().map(|a| format!("\"{}\"", name(a))).collect();
            names.join(", ")
        };
        let mut text = format!("acceptors = [{}]\n\n[define]\n", list(live));
        for (node, quorums) in &self.definitions {
            let words = self.exprs.toml(*quorums, &name);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{prefix}{} = {words}", node.0);
        }
        text.push_str("\n[learners]\n");
        let learners = self.learners(live);
        for node in learners {
            let _ = writeln!(text, "\"{}\" = \"{prefix}{}\"", name(node), node.0);
        }
        for (gap, why) in [
            (Gap::TooMany, "their quorums are too many to be written out"),
            (
                Gap::Undecided,
                "the work that was allowed ended before their quorums were known",
            ),
        ] {
            let left_out = self.without(live, gap);
            if !left_out.is_empty() {
                let names = left_out.iter().map(name).collect::<Vec<_>>().join(", ");
                let _ = writeln!(text, "# No learners, since {why}: {names}.");
            }
        }
        if let Some(safe) = safe {
            let when = self.exprs.toml(safe, &name);
            let _ = write!(
                text,
                "\n[[safe]]\nbetween = [{}]\nwhen = {when}\n",
                list(&learners)
            );
        }
        text
    }
}
