//! What leaves one weighted threshold: the heaviest first. No search by classes or by clauses is needed, of
//! which many different weights make hard work.

use crate::expr::{Exprs, FALSE, Node, TRUE};
use crate::family::{Family, Status};
use crate::set::AcceptorSet;

/// The fewest acceptors of `within` without which the others are not in the family, if it is of one
/// threshold over acceptors and nothing else.
pub(crate) fn fewest_missing(
    exprs: &Exprs,
    within: &AcceptorSet,
    family: &Family,
) -> Option<AcceptorSet> {
    let roots = family.roots();
    let (root, rest) = roots.split_first()?;
    let all_out = family.status(&vec![FALSE; roots.len()]) == Status::Out;
    let all_in = family.status(&vec![TRUE; roots.len()]) == Status::In;
    if rest.iter().any(|other| other != root) || !all_out || !all_in {
        return None;
    }
    let Node::Threshold { need, members } = exprs.node(*root) else {
        return None;
    };
    let mut there = Vec::with_capacity(members.len());
    for (member, weight) in members {
        let Node::Acceptor(acceptor) = exprs.node(*member) else {
            return None;
        };
        if within.contains(*acceptor) {
            there.push((*weight, *acceptor));
        }
    }
    // Of equal ones the last, as a search finds them.
    there.sort_by_key(|there| std::cmp::Reverse(*there));
    let weights = there.iter().map(|(weight, _)| u128::from(*weight));
    let mut left: u128 = weights.sum();
    let mut missing = AcceptorSet::EMPTY;
    for (weight, acceptor) in there {
        if left < u128::from(*need) {
            break;
        }
        left -= u128::from(weight);
        missing.insert(acceptor);
    }
    Some(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AcceptorId;

    #[test]
    fn the_heaviest_are_missed_first() {
        let mut exprs = Exprs::new();
        let weights = [3u64, 17, 5, 11, 7];
        let members = weights.iter().zip(0..).map(|(weight, at)| (at, *weight));
        let members: Vec<_> = members
            .map(|(at, weight)| (exprs.acceptor(AcceptorId(at)), weight))
            .collect();
        let root = exprs.threshold(22, members);
        let family = Family::Of(root);
        let all = AcceptorSet::first(5);
        // 43 of weight: without 17 there are 26, without 11 as well 15.
        let expected: AcceptorSet = [1, 3].map(AcceptorId).into_iter().collect();
        assert_eq!(fewest_missing(&exprs, &all, &family), Some(expected));
        // Whoever is not there need not be missed.
        let few: AcceptorSet = [0, 2].map(AcceptorId).into_iter().collect();
        let none = Some(AcceptorSet::EMPTY);
        assert_eq!(fewest_missing(&exprs, &few, &family), none);
        let nested = exprs.acceptor(AcceptorId(5));
        let nested = exprs.threshold(2, [(root, 1), (nested, 1)]);
        let found = fewest_missing(&exprs, &all, &Family::Of(nested));
        assert_eq!(found, None, "not over acceptors alone");
    }
}
