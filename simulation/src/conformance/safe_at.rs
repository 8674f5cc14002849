//! HPaxos: KnowsSafeAt, as the vouching rule says it.
//!
//! v is safe for l at b if a TrustLive quorum of l sent 1b for b (HPaxos: MsgInv2av), and for every
//! learner L1 connected with l there are a TrustLive quorum BQ of l and a c < b, or no c, such that
//!
//! 1. every acceptor of BQ sent a 1b for b whose votes of L1 have ballots <= c, and value v where the
//!    ballot is c (no c: it has no vote of L1); and
//! 2. unless there is no c, every minimal TrustSafe set q of (L1, l) that is still possible has an acceptor
//!    whose 1b shows a 2av (L3, r, v) with c <= r < b and q in TrustSafe(L1, L3).

use super::one_b::OneB;
use super::state::Acceptor;
use super::{AcceptorId, Ballot, LearnerId, Slot, Spec, Vote};
use learner_graph::AcceptorSet;
use std::collections::BTreeSet;

/// The most acceptors that a graph may have: every set of them is looked at.
pub const MAX_ACCEPTORS: usize = 14;

impl Spec {
    /// HPaxos: KnowsSafeAt(l, ac, b, v) in a slot, with `vote` = `[l, b, v]`.
    pub(crate) fn knows_safe_at(
        &self,
        ac: AcceptorId,
        slot: Slot,
        vote: &Vote,
    ) -> Result<(), String> {
        let acceptor = &self.acceptors[usize::from(ac.0)];
        // All 1b for b that say anything about the slot.
        let shown: Vec<&OneB> = self.received_1b(acceptor, vote.bal, slot).collect();
        // HPaxos: S == {mm \in received[ac] : mm.type = "1b" /\ mm.lr = l /\ mm.bal = b}.
        let s: Vec<&OneB> = shown.iter().copied().filter(|m| m.lr == vote.lr).collect();
        let senders: AcceptorSet = s.iter().map(|m| m.acc).collect();
        if !self.graph.is_quorum(vote.lr, &senders) {
            return Err(format!(
                "it has received 1b of ballot {} that cover the slot from {} only, which is no quorum of {}",
                vote.bal,
                self.graph.names(&senders),
                self.name_of_learner(vote.lr)
            ));
        }
        let connected = &acceptor.connected[usize::from(vote.lr.0)];
        for l1 in connected {
            if !self.safe_for(acceptor, slot, vote, l1, &s, &shown) {
                return Err(format!(
                    "what the 1b of ballot {} show does not make the value safe: {} is connected with {}, and may have decided something else before",
                    vote.bal,
                    self.name_of_learner(l1),
                    self.name_of_learner(vote.lr)
                ));
            }
        }
        Ok(())
    }

    /// The part of the rule about one learner L1.
    fn safe_for(
        &self,
        acceptor: &Acceptor,
        slot: Slot,
        vote: &Vote,
        l1: LearnerId,
        s: &[&OneB],
        shown: &[&OneB],
    ) -> bool {
        if self.is_past(slot, vote, l1, None, s) {
            return true;
        }
        // Some c. It is enough to try the ballots of 2av that are shown and b - 1: going up from any
        // other c to the next of these, (1) gets no harder, and (2) asks for the same.
        let of_2av = shown.iter().flat_map(|m| m.proposals(slot));
        let mut ballots: BTreeSet<Ballot> =
            of_2av.map(|p| p.bal).filter(|c| *c < vote.bal).collect();
        ballots.extend(vote.bal.0.checked_sub(1).map(Ballot));
        ballots.into_iter().any(|c| {
            self.is_past(slot, vote, l1, Some(c), s)
                && self.vouched(acceptor, slot, vote, l1, c, shown)
        })
    }

    /// Part 1: \E BQ : [lr |-> l, q |-> BQ] \in TrustLive /\ \A a \in BQ : \E m \in S : …
    fn is_past(
        &self,
        slot: Slot,
        vote: &Vote,
        l1: LearnerId,
        c: Option<Ballot>,
        s: &[&OneB],
    ) -> bool {
        let fits = |p: &Vote| match c {
            None => false,
            Some(c) => p.bal < c || p.bal == c && p.val == vote.val,
        };
        let says_so = |m: &&&OneB| {
            let mut of_l1 = m.votes(slot).iter().filter(|p| p.lr == l1);
            of_l1.all(fits)
        };
        let bq: AcceptorSet = s.iter().filter(says_so).map(|m| m.acc).collect();
        self.graph.is_quorum(vote.lr, &bq)
    }

    /// Part 2: every minimal TrustSafe set of (L1, l) that is possible has an acceptor that vouches.
    fn vouched(
        &self,
        acceptor: &Acceptor,
        slot: Slot,
        vote: &Vote,
        l1: LearnerId,
        c: Ballot,
        shown: &[&OneB],
    ) -> bool {
        let sets = self.minimal.of(&self.graph, l1, vote.lr).iter();
        let mut possible = sets.filter(|q| self.is_possible(acceptor, q));
        possible.all(|q| {
            let counts = |p: &Vote| {
                let in_time = c <= p.bal && p.bal < vote.bal;
                p.val == vote.val && in_time && self.graph.trust_safe(l1, p.lr, q)
            };
            let in_q = |m: &&&OneB| q.contains(m.acc);
            let mut of_q = shown.iter().filter(in_q);
            of_q.any(|m| m.proposals(slot).iter().any(counts))
        })
    }

    /// Whether a set of acceptors can still be part of the safe set: it has no caught member and
    /// contains no TrustSafe set of learners that were seen to disagree.
    fn is_possible(&self, acceptor: &Acceptor, q: &AcceptorSet) -> bool {
        let broken = |(l1, l2): &(LearnerId, LearnerId)| self.graph.trust_safe(*l1, *l2, q);
        !q.intersects(&acceptor.caught) && !acceptor.apart.iter().any(broken)
    }

    /// HPaxos: {m \in received[a] : m.type = "1b" /\ m.bal = b}, as far as sent in the slot's instance.
    pub(crate) fn received_1b<'a>(
        &'a self,
        acceptor: &'a Acceptor,
        bal: Ballot,
        slot: Slot,
    ) -> impl Iterator<Item = &'a OneB> {
        let ids = acceptor.one_b.get(&bal).into_iter().flatten();
        ids.map(|id| self.one_b.get(*id))
            .filter(move |m| m.covers(slot))
    }
}
