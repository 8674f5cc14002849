//! Expressions compiled for the hot path: evaluated without allocation.
//!
//! ```text
//! node: need 2, mask {a1}, parts ──► (weight 1, node: need 2, mask {a2 a3 a4}, no parts)
//! ```
//!
//! Acceptors of weight one are counted with a mask and a population count; only other members
//! are visited one by one. The depth is bounded when the graph is read.

use crate::expr::{Exprs, Node, NodeId};
use crate::id::AcceptorId;
use crate::set::AcceptorSet;
use std::collections::HashMap;

/// An expression in a [`Flat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root(u32);

#[derive(Clone, Debug)]
struct FlatNode {
    need: u64,
    mask: AcceptorSet,
    parts: std::ops::Range<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Acceptor(AcceptorId),
    Node(u32),
}

/// Compiled expressions.
#[derive(Clone, Default, Debug)]
pub(crate) struct Flat {
    nodes: Vec<FlatNode>,
    parts: Vec<(u64, Part)>,
    known: HashMap<NodeId, u32>,
}

impl Flat {
    /// Compiles an expression; equal expressions are compiled once.
    pub(crate) fn add(&mut self, exprs: &Exprs, id: NodeId) -> Root {
        Root(self.compile(exprs, id))
    }

    fn compile(&mut self, exprs: &Exprs, id: NodeId) -> u32 {
        if let Some(at) = self.known.get(&id) {
            return *at;
        }
        let mut mask = AcceptorSet::EMPTY;
        let mut own = Vec::new();
        let need = match exprs.node(id) {
            Node::Constant(true) => 0,
            Node::Constant(false) => u64::MAX,
            Node::Acceptor(a) => {
                mask.insert(*a);
                1
            }
            Node::Threshold { need, members } => {
                for (member, weight) in members {
                    match exprs.node(*member) {
                        Node::Acceptor(a) if *weight == 1 => {
                            mask.insert(*a);
                        }
                        Node::Acceptor(a) => own.push((*weight, Part::Acceptor(*a))),
                        _ => own.push((*weight, Part::Node(self.compile(exprs, *member)))),
                    }
                }
                *need
            }
        };
        let start = self.parts.len() as u32;
        self.parts.append(&mut own);
        let at = self.nodes.len() as u32;
        self.nodes.push(FlatNode {
            need,
            mask,
            parts: start..self.parts.len() as u32,
        });
        self.known.insert(id, at);
        at
    }

    /// Whether the expression holds of `set`.
    pub(crate) fn holds(&self, root: Root, set: &AcceptorSet) -> bool {
        self.node_holds(root.0, set)
    }

    fn node_holds(&self, at: u32, set: &AcceptorSet) -> bool {
        let node = &self.nodes[at as usize];
        let mut have = node.mask.common(set) as u64;
        let parts = &self.parts[node.parts.start as usize..node.parts.end as usize];
        for (weight, part) in parts {
            if have >= node.need {
                return true;
            }
            let holds = match part {
                Part::Acceptor(a) => set.contains(*a),
                Part::Node(n) => self.node_holds(*n, set),
            };
            if holds {
                have += weight;
            }
        }
        have >= node.need
    }
}
