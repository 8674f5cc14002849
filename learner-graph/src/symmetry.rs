//! Acceptors that expressions do not tell apart.

use crate::expr::{Exprs, Node, NodeId};
use crate::id::AcceptorId;
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

/// A number for each class, the same for classes that can change places as a whole, each acceptor
/// with the one in its place: if `same` says that nothing is changed by that.
pub(crate) fn kinds(
    exprs: &Exprs,
    classes: &[AcceptorSet],
    mut same: impl FnMut(&mut Swap) -> bool,
) -> Vec<usize> {
    let n_exprs = exprs.len();
    let mut exprs = Some(exprs.clone());
    let mut firsts: Vec<usize> = Vec::new();
    let mut kinds = Vec::new();
    for class in classes {
        let like = firsts.iter().position(|first| {
            let first = classes[*first];
            first.len() == class.len() && {
                let mut swap = Swap::of(exprs.take().unwrap_or_else(Exprs::new), &first, class);
                let like = same(&mut swap);
                swap.exprs.truncate(n_exprs);
                exprs = Some(swap.exprs);
                like
            }
        });
        kinds.push(like.unwrap_or(firsts.len()));
        if like.is_none() {
            firsts.push(kinds.len() - 1);
        }
    }
    kinds
}

/// Acceptors that change places with others.
pub(crate) struct Swap {
    exprs: Exprs,
    with: HashMap<AcceptorId, AcceptorId>,
    moved: AcceptorSet,
    known: HashMap<NodeId, NodeId>,
}

impl Swap {
    /// Those of two sets of one size, in order.
    pub(crate) fn of(exprs: Exprs, a: &AcceptorSet, b: &AcceptorSet) -> Self {
        let pairs = a.iter().zip(b);
        Self {
            exprs,
            with: pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect(),
            moved: *a | *b,
            known: HashMap::new(),
        }
    }

    /// Those that change places.
    pub(crate) fn moved(&self) -> AcceptorSet {
        self.moved
    }

    /// Who stands in the place of an acceptor.
    pub(crate) fn acceptor(&self, a: AcceptorId) -> AcceptorId {
        self.with.get(&a).copied().unwrap_or(a)
    }

    /// The expression with the acceptors in each other's places.
    pub(crate) fn expr(&mut self, id: NodeId) -> NodeId {
        if !self.exprs.support(id).intersects(&self.moved) {
            return id;
        }
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let other = match self.exprs.node(id).clone() {
            Node::Constant(_) => id,
            Node::Acceptor(a) => {
                let a = self.acceptor(a);
                self.exprs.acceptor(a)
            }
            Node::Threshold { need, members } => {
                let members = members
                    .iter()
                    .map(|(member, weight)| (self.expr(*member), *weight));
                let members: Vec<_> = members.collect();
                self.exprs.threshold(need, members)
            }
        };
        self.known.insert(id, other);
        other
    }

    /// Whether these expressions stay as they are.
    pub(crate) fn keeps(&mut self, roots: &[NodeId]) -> bool {
        roots.iter().all(|root| self.expr(*root) == *root)
    }
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
