//! HPaxos: KnowsSafeAt, with the vouching rule in the place of KnowsSafeAt2.
//!
//! v is safe for l at b if for every learner L1 connected with l there are a quorum BQ of l and a
//! ballot c < b, or no c, such that
//!
//! 1. every acceptor of BQ sent a 1b for b that covers the slot and whose vote of L1 is below c, or
//!    at c and for v (no c: it has no vote of L1); and
//! 2. unless there is no c, every TrustSafe set of (L1, l) that may still be part of the safe set has
//!    an acceptor whose 1b shows a 2av (L3, r, v) with c <= r and L3 = l or L3 = L1.
//!
//! The rule admits any L3 that the same TrustSafe set joins with L1. Here only l and L1 are
//! asked, which every such set joins: that is sound, being less, and loses no liveness in a uniform
//! graph, where whoever voted for L1 saw a quorum of 2av for L1.

use super::message::Entry;
use super::one_bs::SlotView;
use crate::Ballot;
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerGraph, LearnerId, LearnerSet, Suspicion};

/// What the judgement depends on besides the 1b messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trust<'a> {
    pub(super) graph: &'a LearnerGraph,
    /// HPaxos: `connected`, a row per learner.
    pub(super) connected: &'a [LearnerSet],
    pub(super) suspicion: &'a Suspicion,
}

/// HPaxos: KnowsSafeAt(l, ac, b, v), for the slot and ballot of `view`.
pub(super) fn knows_safe_at(
    trust: Trust<'_>,
    view: &SlotView<'_>,
    learner: LearnerId,
    value: &Digest,
) -> bool {
    if view.reports.is_empty() {
        // Nothing was ever sent in this slot: HPaxos: KnowsSafeAt1, whatever the value.
        return trust.graph.is_quorum(learner, &view.covering);
    }
    // A learner connected with nobody, itself included, has agreement with nobody: it needs a quorum
    // all the same (HPaxos: MsgInv2av).
    trust.graph.is_quorum(learner, &view.covering)
        && trust.connected[usize::from(learner.0)]
            .iter()
            .all(|other| safe_for(trust, view, learner, other, value))
}

/// The part of the rule about one learner L1 (`other`) connected with l.
fn safe_for(
    trust: Trust<'_>,
    view: &SlotView<'_>,
    learner: LearnerId,
    other: LearnerId,
    value: &Digest,
) -> bool {
    // No c: a quorum none of which voted for L1.
    let voted = view
        .reports
        .iter()
        .filter(|(_, r)| vote(&r.votes, other).is_some());
    let silent = view.covering - voted.map(|(a, _)| *a).collect();
    if trust.graph.is_quorum(learner, &silent) {
        return true;
    }
    // Some c: the ballots of the 2av that could vouch are the only ones worth trying, because (2) does
    // not change between two of them and (1) only gets easier on the way up to the next.
    let vouching = |e: &Entry| {
        e.value == *value && (e.learners.contains(learner) || e.learners.contains(other))
    };
    let mut ballots: Vec<Ballot> = view
        .proposals()
        .filter(|(_, e)| vouching(e))
        .map(|(_, e)| e.ballot)
        .collect();
    ballots.sort_unstable();
    ballots.dedup();
    ballots.into_iter().any(|c| {
        let blocked = view.reports.iter().filter(|(_, r)| {
            vote(&r.votes, other)
                .is_some_and(|v| v.ballot > c || v.ballot == c && v.value != *value)
        });
        let quorum = view.covering - blocked.map(|(a, _)| *a).collect();
        let vouchers: AcceptorSet = view
            .proposals()
            .filter(|(_, e)| vouching(e) && e.ballot >= c)
            .map(|(a, _)| a)
            .collect();
        trust.graph.is_quorum(learner, &quorum)
            && !trust.graph.possible_set_within(
                other,
                learner,
                &(trust.graph.acceptors() - vouchers),
                trust.suspicion,
            )
    })
}

/// The maximal vote for one learner.
fn vote(votes: &[Entry], learner: LearnerId) -> Option<&Entry> {
    votes.iter().find(|e| e.learners.contains(learner))
}
