//! Quorum expressions: nested weighted thresholds over acceptors, kept once each.
//!
//! Every expression is monotone: it holds of a superset of any set that it holds of. Equal
//! expressions get equal [`NodeId`]s, however they were written (order of members, repeated
//! members, weights with a common divisor, thresholds around a single member), which makes
//! comparing and remembering them cheap.

use crate::id::AcceptorId;
use crate::set::AcceptorSet;
use std::collections::HashMap;

/// An expression in an [`Exprs`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct NodeId(u32);

/// Holds of every set.
pub(crate) const TRUE: NodeId = NodeId(0);
/// Holds of no set.
pub(crate) const FALSE: NodeId = NodeId(1);

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One expression; see [`Exprs::threshold`] for the normal form of its members.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Node {
    Constant(bool),
    Acceptor(AcceptorId),
    Threshold {
        need: u64,
        members: Box<[(NodeId, u64)]>,
    },
}

/// A growing collection of expressions without duplicates.
#[derive(Clone)]
pub(crate) struct Exprs {
    nodes: Vec<Node>,
    support: Vec<AcceptorSet>,
    written: Vec<u64>,
    index: HashMap<Node, NodeId>,
}

impl Exprs {
    pub(crate) fn new() -> Self {
        let mut exprs = Self {
            nodes: Vec::new(),
            support: Vec::new(),
            written: Vec::new(),
            index: HashMap::new(),
        };
        exprs.intern(Node::Constant(true), AcceptorSet::EMPTY, 1);
        exprs.intern(Node::Constant(false), AcceptorSet::EMPTY, 1);
        exprs
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The acceptors that occur in an expression.
    pub(crate) fn support(&self, id: NodeId) -> AcceptorSet {
        self.support[id.index()]
    }

    /// The acceptors that occur in any of some expressions.
    pub(crate) fn supports(&self, ids: &[NodeId]) -> AcceptorSet {
        let all = ids.iter().map(|id| self.support(*id));
        all.fold(AcceptorSet::EMPTY, |all, support| all | support)
    }

    /// The number of nodes of an expression if every shared part is written out.
    pub(crate) fn written(&self, id: NodeId) -> u64 {
        self.written[id.index()]
    }

    fn intern(&mut self, node: Node, support: AcceptorSet, written: u64) -> NodeId {
        if let Some(id) = self.index.get(&node) {
            return *id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.support.push(support);
        self.written.push(written);
        self.index.insert(node, id);
        id
    }

    pub(crate) fn acceptor(&mut self, id: AcceptorId) -> NodeId {
        self.intern(Node::Acceptor(id), std::iter::once(id).collect(), 1)
    }

    /// Holds of a set when the weights of the members that hold of it add up to `need`.
    ///
    /// Brought to a normal form: no constants, members sorted and different, no weight above
    /// `need`, no common divisor of the weights, no threshold around a single member.
    pub(crate) fn threshold(
        &mut self,
        mut need: u64,
        members: impl IntoIterator<Item = (NodeId, u64)>,
    ) -> NodeId {
        let mut open: Vec<(NodeId, u64)> = Vec::new();
        for (id, weight) in members {
            match id {
                TRUE => need = need.saturating_sub(weight),
                FALSE => {}
                _ if weight > 0 => open.push((id, weight)),
                _ => {}
            }
        }
        if need == 0 {
            return TRUE;
        }
        open.sort_unstable();
        open.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        let mut total: u64 = 0;
        let mut divisor = 0;
        for (_, weight) in &mut open {
            *weight = (*weight).min(need);
            total += *weight;
            divisor = gcd(*weight, divisor);
        }
        if total < need {
            return FALSE;
        }
        if let [(only, _)] = open.as_slice() {
            return *only;
        }
        for (_, weight) in &mut open {
            *weight /= divisor;
        }
        let mut support = AcceptorSet::EMPTY;
        let mut written: u64 = 1;
        for (id, _) in &open {
            support |= self.support(*id);
            written = written.saturating_add(self.written(*id));
        }
        let node = Node::Threshold {
            need: need.div_ceil(divisor),
            members: open.into(),
        };
        self.intern(node, support, written)
    }

    /// Forgets all expressions but the first; nobody may name the others any more.
    pub(crate) fn truncate(&mut self, len: usize) {
        for node in self.nodes.drain(len.min(self.nodes.len())..) {
            self.index.remove(&node);
        }
        self.support.truncate(len);
        self.written.truncate(len);
    }

    /// What the members of the expressions from the `first` on take, in bytes.
    pub(crate) fn size_from(&self, first: usize) -> usize {
        let members = self.nodes[first..].iter().map(|node| match node {
            Node::Threshold { members, .. } => size_of_val(&**members),
            Node::Constant(_) | Node::Acceptor(_) => 0,
        });
        members.sum()
    }

    /// The number of expressions.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// An expression as it is written in a file.
    pub(crate) fn toml(&self, id: NodeId, name: &dyn Fn(AcceptorId) -> String) -> String {
        match self.node(id) {
            // Not met in files: no graph has constants.
            Node::Constant(holds) => holds.to_string(),
            Node::Acceptor(a) => format!("\"{}\"", name(*a)),
            Node::Threshold { need, members } => {
                let member = |(id, weight): &(NodeId, u64)| match weight {
                    1 => self.toml(*id, name),
                    _ => format!("{{ weight = {weight}, of = {} }}", self.toml(*id, name)),
                };
                let members: Vec<_> = members.iter().map(member).collect();
                format!("{{ threshold = {need}, of = [{}] }}", members.join(", "))
            }
        }
    }

    /// Whether an expression holds of a set; the plain definition, for where speed is no matter.
    pub(crate) fn holds(&self, id: NodeId, set: &AcceptorSet) -> bool {
        match self.node(id) {
            Node::Constant(holds) => *holds,
            Node::Acceptor(a) => set.contains(*a),
            Node::Threshold { need, members } => {
                let there = members
                    .iter()
                    .filter(|(member, _)| self.holds(*member, set));
                there.map(|(_, weight)| weight).sum::<u64>() >= *need
            }
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
