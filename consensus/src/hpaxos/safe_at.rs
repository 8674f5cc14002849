//! HPaxos: KnowsSafeAt, with the vouching rule in the place of KnowsSafeAt2.
//!
//! v is safe for l at b if for every learner L1 connected with l there are a quorum BQ of l and a
//! ballot c < b, or no c, such that
//!
//! 1. every acceptor of BQ sent a 1b for b that covers the slot and whose vote of L1 is below c, or
//!    at c and for v (no c: it has no vote of L1); and
//! 2. unless there is no c, every TrustSafe set q of (L1, l) that may still be part of the safe set
//!    has an acceptor whose 1b shows a 2av (L3, r, v) with c <= r and q in TrustSafe(L1, L3).
//!
//! Every q joins l and L1, so that their 2av always count: that is tried first, and mostly enough. It
//! is not always, even in a uniform graph: where l has an old vote for another value and a connected
//! learner has decided v since, only that learner's 2av can vouch for v.

use super::message::Entry;
use super::one_bs::SlotView;
use crate::Ballot;
use crate::planted::{Bug, planted};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerGraph, LearnerId, LearnerSet, Suspicion};

/// Third learners, joined with L1 by some sets only, that are looked at; more are not asked, which is
/// sound.
const MAX_THIRDS: usize = 10;

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
    #[cfg(feature = "planted")]
    if planted(Bug::PublishedRule) {
        return super::published::knows_safe_at(trust, view, learner, value);
    }
    if view.reports.is_empty() {
        // Nothing was ever sent in this slot: HPaxos: KnowsSafeAt1, whatever the value.
        return trust.graph.is_quorum(learner, &view.covering);
    }
    // A learner connected with nobody, itself included, has agreement with nobody: it needs a quorum
    // all the same (HPaxos: MsgInv2av).
    trust.graph.is_quorum(learner, &view.covering)
        && trust.connected[usize::from(learner.0)]
            .iter()
            .filter(|other| *other == learner || !planted(Bug::IgnoreConnected))
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
    let mut ballots: Vec<Ballot> = view
        .proposals()
        .filter(|(_, e)| e.value == *value)
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
        trust.graph.is_quorum(learner, &quorum) && vouched(trust, view, learner, other, value, c)
    })
}

/// Part 2 of the rule.
fn vouched(
    trust: Trust<'_>,
    view: &SlotView<'_>,
    learner: LearnerId,
    other: LearnerId,
    value: &Digest,
    c: Ballot,
) -> bool {
    // Somebody shows a 2av at c: that is where c comes from.
    if planted(Bug::VouchUnsafe) {
        return true;
    }
    let vouchers = |third: LearnerId| -> AcceptorSet {
        let vouches = |e: &Entry| e.value == *value && e.ballot >= c && e.learners.contains(third);
        view.proposals()
            .filter(|(_, e)| vouches(e))
            .map(|(a, _)| a)
            .collect()
    };
    // A set that may be safe, joins L1 and l, but joins L1 with none of `apart`, among `within`.
    let possible = |within: &AcceptorSet, apart: &[LearnerId]| {
        let mut suspicion = trust.suspicion.clone();
        suspicion
            .disagreements
            .extend(apart.iter().map(|third| (other, *third)));
        trust
            .graph
            .possible_set_within(other, learner, within, &suspicion)
    };
    let mut within = trust.graph.acceptors() - vouchers(learner) - vouchers(other);
    // Third learners that every set in question joins with L1: theirs count like those of L1.
    let mut thirds: Vec<(LearnerId, AcceptorSet)> = Vec::new();
    for third in trust.graph.learners().iter() {
        if !possible(&within, &[]) {
            return true;
        }
        let from = vouchers(third);
        if from.intersects(&within) {
            if possible(&within, &[third]) {
                thirds.push((third, from));
            } else {
                within -= from;
            }
        }
    }
    if thirds.len() > MAX_THIRDS {
        return !possible(&within, &[]);
    }
    // The rest count against the sets that join them with L1. So look, for every choice of those that a
    // set does not join, for a set that none of the others vouches for.
    (0u32..1 << thirds.len()).all(|choice| {
        let is_apart = |i: &usize| choice >> i & 1 == 1;
        let (apart, joined): (Vec<usize>, Vec<usize>) = (0..thirds.len()).partition(is_apart);
        let apart: Vec<LearnerId> = apart.into_iter().map(|i| thirds[i].0).collect();
        let heard = joined
            .into_iter()
            .fold(AcceptorSet::EMPTY, |all, i| all | thirds[i].1);
        !possible(&(within - heard), &apart)
    })
}

/// The maximal vote for one learner.
fn vote(votes: &[Entry], learner: LearnerId) -> Option<&Entry> {
    votes.iter().find(|e| e.learners.contains(learner))
}
