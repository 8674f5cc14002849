//! What is left of expressions once classes of acceptors are decided.

use crate::expr::{Exprs, FALSE, Node, NodeId, TRUE};
use crate::family::Family;
use crate::set::AcceptorSet;
use std::collections::HashMap;

/// What is held for an expression, beside its members, in bytes.
const PER_EXPR: usize = 200;

/// Expressions, and what is left of them; that is remembered as long as there is room.
pub(super) struct Left {
    pub(super) exprs: Exprs,
    /// How many of the expressions are to be kept; the others are what is left of these. What was
    /// held by then.
    kept: (usize, usize),
    /// What is held beside the expressions that are asked about, in bytes.
    pub(super) held: usize,
    /// The classes that have been decided, by number; `settled` is by that number.
    classes: HashMap<AcceptorSet, u32>,
    settled: HashMap<(NodeId, u32, u16), NodeId>,
}

impl Left {
    pub(super) fn new(exprs: &Exprs) -> Self {
        Self {
            exprs: exprs.clone(),
            kept: (exprs.len(), 0),
            held: 0,
            classes: HashMap::new(),
            settled: HashMap::new(),
        }
    }

    /// Keeps all expressions that are there.
    pub(super) fn keep(&mut self) {
        self.kept = (self.exprs.len(), self.held);
    }

    /// Forgets what is left of expressions if that is more than so much.
    pub(super) fn forget(&mut self, most: usize) {
        if self.held - self.kept.1 > most {
            self.exprs.truncate(self.kept.0);
            self.settled.clear();
            self.classes.clear();
            self.held = self.kept.1;
        }
    }

    /// A family in fewer conditions, of use for one search.
    pub(super) fn joined(&mut self, family: &Family) -> Family {
        let before = self.exprs.len();
        let joined = family.joined(&mut self.exprs);
        let new = self.exprs.len() - before;
        self.held += PER_EXPR * new + 2 * self.exprs.size_from(before);
        joined
    }

    /// What remains of an expression once `count` acceptors of a class are in the set and the
    /// others are not.
    pub(super) fn settle(&mut self, id: NodeId, class: &AcceptorSet, count: u16) -> NodeId {
        if !self.exprs.support(id).intersects(class) {
            return id;
        }
        let number = self.classes.len() as u32;
        let number = *self.classes.entry(*class).or_insert(number);
        self.settle_numbered(id, class, number, count)
    }

    fn settle_numbered(
        &mut self,
        id: NodeId,
        class: &AcceptorSet,
        number: u32,
        count: u16,
    ) -> NodeId {
        if !self.exprs.support(id).intersects(class) {
            return id;
        }
        if let Some(known) = self.settled.get(&(id, number, count)) {
            return *known;
        }
        // The first `count` of the class stand for any: expressions do not tell them apart.
        let rest = match self.exprs.node(id).clone() {
            Node::Constant(_) => id,
            Node::Acceptor(_) if count > 0 => TRUE,
            Node::Acceptor(_) => FALSE,
            Node::Threshold { need, members } => {
                let mut present = count;
                let mut rest = Vec::with_capacity(members.len());
                for (member, weight) in &members {
                    let of_class =
                        matches!(self.exprs.node(*member), Node::Acceptor(a) if class.contains(*a));
                    let left = if !of_class {
                        self.settle_numbered(*member, class, number, count)
                    } else if present > 0 {
                        present -= 1;
                        TRUE
                    } else {
                        FALSE
                    };
                    rest.push((left, *weight));
                }
                self.held += PER_EXPR + 2 * size_of_val(rest.as_slice());
                self.exprs.threshold(need, rest)
            }
        };
        self.settled.insert((id, number, count), rest);
        rest
    }

    /// The same of what was settled before.
    pub(super) fn known(&self, id: NodeId, class: &AcceptorSet, count: u16) -> NodeId {
        let number = self.classes.get(class).copied();
        let key = (id, number.unwrap_or(u32::MAX), count);
        self.settled.get(&key).copied().unwrap_or(id)
    }
}
