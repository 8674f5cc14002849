//! HPaxos: KnowsSafeAt as published, to compare with: tests show that it deadlocks where the vouching
//! rule does not, and that it implies the vouching rule.

use super::one_bs::SlotView;
use super::safe_at::Trust;
use crate::Ballot;
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId};

/// HPaxos: KnowsSafeAt(l, ac, b, v) = KnowsSafeAt1 \/ KnowsSafeAt2.
pub(super) fn knows_safe_at(
    trust: Trust<'_>,
    view: &SlotView<'_>,
    learner: LearnerId,
    value: &Digest,
) -> bool {
    let connected = trust.connected[usize::from(learner.0)];
    let votes = |a| {
        view.reports
            .iter()
            .filter(move |(from, _)| *from == a)
            .flat_map(|(_, r)| &r.votes)
            .filter(move |e| e.learners.intersects(&connected))
    };
    // HPaxos: KnowsSafeAt1.
    let silent: AcceptorSet = view
        .covering
        .iter()
        .filter(|a| votes(*a).next().is_none())
        .collect();
    if trust.graph.is_quorum(learner, &silent) {
        return true;
    }
    // HPaxos: KnowsSafeAt2.
    let ballots: Vec<Ballot> = view.proposals().map(|(_, e)| e.ballot).collect();
    ballots.into_iter().any(|c| {
        let quorum: AcceptorSet = view
            .covering
            .iter()
            .filter(|a| votes(*a).all(|e| e.ballot <= c && (e.ballot != c || e.value == *value)))
            .collect();
        let shown: AcceptorSet = view
            .proposals()
            .filter(|(_, e)| e.ballot == c && e.value == *value && e.learners.contains(learner))
            .map(|(a, _)| a)
            .collect();
        trust.graph.is_quorum(learner, &quorum) && trust.graph.is_quorum(learner, &shown)
    })
}
