//! Who sent one 2av, or one 2b, for which learner.

use learner_graph::{AcceptorId, AcceptorSet, LearnerSet};

/// Who sent a 2av (or 2b) of one ballot and value, for which learner. Learners for whom the same acceptors sent it stand
/// together, so that what it costs does not grow with their number.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Every learner in one of these at most.
    groups: Vec<(LearnerSet, AcceptorSet)>,
}

impl Tally {
    /// Learners, and the acceptors that sent it for each of them; every learner for whom anybody did, once.
    pub(super) fn groups(&self) -> impl Iterator<Item = (LearnerSet, AcceptorSet)> {
        self.groups.iter().copied()
    }

    /// Whether an acceptor sent it for any learner.
    pub(super) fn has(&self, acceptor: AcceptorId) -> bool {
        self.groups.iter().any(|(_, s)| s.contains(acceptor))
    }

    /// An acceptor sent it for these learners. True if that is news of one of them.
    pub(super) fn insert(&mut self, acceptor: AcceptorId, learners: LearnerSet) -> bool {
        let (mut left, mut new) = (learners, false);
        let mut apart = Vec::new();
        for (of, senders) in &mut self.groups {
            let here = *of & left;
            left -= here;
            if here.is_empty() || senders.contains(acceptor) {
                continue;
            }
            new = true;
            if here == *of {
                senders.insert(acceptor);
            } else {
                *of -= here;
                apart.push((here, *senders | AcceptorSet::just(acceptor)));
            }
        }
        self.groups.append(&mut apart);
        if !left.is_empty() {
            new = true;
            self.groups.push((left, AcceptorSet::just(acceptor)));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use learner_graph::LearnerId;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn every_learner_has_the_acceptors_that_named_it(
            said in proptest::collection::vec((0..5u16, 0..64u8), 0..20)
        ) {
            let mut tally = Tally::default();
            let mut expected = BTreeSet::new();
            for (acceptor, bits) in said {
                let learners: LearnerSet = (0..6).filter(|l| bits >> l & 1 == 1).map(LearnerId).collect();
                let named = learners.iter().map(|l| (l, AcceptorId(acceptor)));
                let before = expected.len();
                expected.extend(named);
                let new = tally.insert(AcceptorId(acceptor), learners);
                prop_assert_eq!(new, expected.len() > before);
                prop_assert!(tally.has(AcceptorId(acceptor)) || learners.is_empty());
            }
            let pairs: Vec<_> = tally
                .groups()
                .flat_map(|(of, senders)| of.into_iter().flat_map(move |l| senders.into_iter().map(move |a| (l, a))))
                .collect();
            prop_assert_eq!(pairs.len(), expected.len(), "each once");
            prop_assert_eq!(pairs.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }

    #[test]
    fn learners_that_are_alike_stand_together() {
        let mut tally = Tally::default();
        let all = LearnerSet::first(100);
        (0..4).for_each(|a| assert!(tally.insert(AcceptorId(a), all)));
        assert!(!tally.insert(AcceptorId(2), all));
        assert_eq!(
            tally.groups().collect::<Vec<_>>(),
            [(all, AcceptorSet::first(4))]
        );
    }
}
