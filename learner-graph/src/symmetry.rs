//! Acceptors that expressions do not tell apart.

use crate::expr::{Exprs, Node, NodeId};
use crate::set::AcceptorSet;
use std::collections::HashMap;

/// The acceptors of some expressions in classes whose members can change places with each other
/// without changing any of the expressions: they stand in the same thresholds, with the same
/// weights.
///
/// Classes come as they occur in the largest expression, then the next largest, so that the
/// members of one threshold are decided together.
pub(crate) fn classes(exprs: &Exprs, mut roots: Vec<NodeId>) -> Vec<AcceptorSet> {
    roots.sort_by_key(|id| (std::cmp::Reverse(exprs.written(*id)), *id));
    let mut walk = Walk {
        exprs,
        seen: vec![false; exprs.len()],
        places: HashMap::new(),
        order: Vec::new(),
    };
    for root in roots {
        // An expression that is one acceptor is a place of its own.
        if let Node::Acceptor(_) = exprs.node(root) {
            walk.stands(root, root, 0);
        }
        walk.visit(root);
    }
    let mut classes: Vec<AcceptorSet> = Vec::new();
    let mut class_of: HashMap<&[(NodeId, u64)], usize> = HashMap::new();
    for member in &walk.order {
        let Some(places) = walk.places.get(member) else {
            continue;
        };
        let at = *class_of.entry(places).or_insert(classes.len());
        if at == classes.len() {
            classes.push(AcceptorSet::EMPTY);
        }
        classes[at] |= exprs.support(*member);
    }
    classes
}

struct Walk<'a> {
    exprs: &'a Exprs,
    seen: Vec<bool>,
    /// For each acceptor the thresholds that it stands in, with its weights.
    places: HashMap<NodeId, Vec<(NodeId, u64)>>,
    order: Vec<NodeId>,
}

impl Walk<'_> {
    fn stands(&mut self, member: NodeId, place: NodeId, weight: u64) {
        let places = self.places.entry(member).or_default();
        if places.is_empty() {
            self.order.push(member);
        }
        if !places.contains(&(place, weight)) {
            places.push((place, weight));
        }
    }

    fn visit(&mut self, id: NodeId) {
        if std::mem::replace(&mut self.seen[id.index()], true) {
            return;
        }
        if let Node::Threshold { members, .. } = self.exprs.node(id) {
            for (member, weight) in members {
                match self.exprs.node(*member) {
                    Node::Acceptor(_) => self.stands(*member, id, *weight),
                    _ => self.visit(*member),
                }
            }
        }
    }
}
