//! What follows from new 2b and new evidence: LearnerDecide, LearnerRecv and Disconnect.

use super::evidence::{Evidence, EvidenceError, Finding};
use super::learner::Learned;
use super::{Decision, HPaxos, Invalid, Output, Record};
use crate::history::Keep;
use crate::{Ballot, Slot, Time};
use crypto::Digest;
use learner_graph::LearnerSet;
use std::sync::Arc;

impl HPaxos {
    /// HPaxos: LearnerDecide, as far as new 2b of one slot and ballot allow it.
    pub(super) fn decide(&mut self, slot: Slot, ballot: Ballot, now: Time, out: &mut Vec<Output>) {
        let Some(received) = self.received.slot(slot) else {
            return;
        };
        let since = received.announced(ballot).map_or(now, |a| a.since);
        let learned = self
            .learners
            .decide(self.network.graph(), slot, ballot, received);
        if learned.is_empty() {
            return;
        }
        for learned in learned {
            match learned {
                Learned::Decided(learners, value) => {
                    self.received.decided(slot, now);
                    let (front, step) = (self.learners.front(), self.config.step());
                    for l in learners {
                        self.pacemaker.progress(l, now.saturating_sub(since));
                        let next = self.learners.undecided(l);
                        self.pacemaker.moved(l, next, front, step, now);
                    }
                    self.batches.claim(value, out);
                    self.compare(learners, slot, value, out);
                }
                Learned::Fork(fork, evidence) => {
                    out.push(Output::Fork(fork));
                    self.found(*evidence, out);
                }
            }
        }
        self.deliver(now, out);
    }

    /// Compares a new decision with those of the other learners in the slot.
    fn compare(&mut self, learners: LearnerSet, slot: Slot, mine: Digest, out: &mut Vec<Output>) {
        let others = self.learners.otherwise(slot, mine);
        let all = others
            .iter()
            .flat_map(|(other, _)| learners.into_iter().map(move |l| (l, *other)));
        for (learner, other) in all {
            let certificates = (
                self.learners.certificate(learner, slot),
                self.learners.certificate(other, slot),
            );
            if let (Some(first), Some(second)) = certificates {
                self.found(Evidence::Disagreement { first, second }, out);
            }
        }
    }

    /// What learners have just got in a slot, those that decided otherwise there have to get in
    /// another one, and they have to get theirs.
    fn exchange(
        &mut self,
        learners: LearnerSet,
        slot: Slot,
        mine: Digest,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        for (other, theirs) in self.learners.otherwise(slot, mine) {
            let mut missed: Vec<_> = learners.into_iter().map(|l| (theirs, l)).collect();
            missed.push((mine, other));
            for (value, misses) in missed {
                let Some(named) = self.batches.named(&value) else {
                    continue;
                };
                for (id, v) in named.values.named() {
                    if self.waiting.missed(*id, v, misses, now) {
                        out.push(Output::Persist(Record::Owed(v.clone(), misses)));
                    }
                    if let Some(proposer) = &mut self.proposer {
                        proposer.release(id, &self.waiting);
                    }
                }
            }
        }
    }

    /// Delivers to every learner what its log has next, as far as the bytes are here; at once to all that have it
    /// in common.
    pub(super) fn deliver(&mut self, now: Time, out: &mut Vec<Output>) {
        let mut to_serve = self.network.graph().learners();
        while let Some(learner) = to_serve.iter().next() {
            let next = self.learners.next_delivery(learner);
            let found = next.and_then(|(slot, decided)| {
                let named = self.batches.named(&decided.value)?;
                Some((slot, Arc::clone(decided), named))
            });
            let Some((slot, decided, named)) = found else {
                to_serve.remove(learner);
                continue;
            };
            let together = self.learners.sharing_next(to_serve, slot, &decided);
            let learners = self.waiting.alike(&named, together);
            let (values, heard) = self.waiting.deliver_batch(&named, learners, now);
            self.learners.delivered(learners, slot);
            self.exchange(learners, slot, decided.value, now, out);
            let decision = Decision {
                learners,
                slot,
                ballot: decided.ballot,
                value: decided.value,
                values,
                heard,
                quorum: decided.quorum,
            };
            self.history.keep(Keep::Decision {
                decision: decision.clone(),
                batch: named.batch,
                proof: decided.two_b.iter().map(|m| m.signed().clone()).collect(),
            });
            out.push(Output::Decided(decision));
        }
    }

    /// Evidence that this node found itself: if it is news, everyone gets it.
    pub(super) fn found(&mut self, evidence: Evidence, out: &mut Vec<Output>) {
        // A liar may contradict itself all day long.
        let finding = evidence.recall(&self.network);
        if self.take_evidence(evidence.clone(), finding, out) {
            out.push(Output::SendEvidence(evidence));
        }
    }

    /// Evidence from elsewhere.
    pub(super) fn admit(&mut self, evidence: Evidence, out: &mut Vec<Output>) {
        let finding = evidence.verify(&self.network);
        self.take_evidence(evidence, finding, out);
    }

    /// HPaxos: Disconnect, when evidence proves it. True if the evidence is news.
    fn take_evidence(
        &mut self,
        evidence: Evidence,
        finding: Result<Finding, EvidenceError>,
        out: &mut Vec<Output>,
    ) -> bool {
        let Ok(finding) = finding else {
            self.refuse(Invalid::Evidence.reason());
            return false;
        };
        let graph = self.network.graph();
        let Some(admitted) = self.convictions.admit(evidence.clone(), finding, graph) else {
            return false;
        };
        out.push(Output::Persist(Record::Evidence(evidence.clone())));
        out.push(Output::Evidence(evidence, admitted.finding));
        for (l1, l2) in admitted.disconnected {
            out.push(Output::Disconnected(l1, l2));
        }
        // More values may be safe than before.
        self.all_dirty = true;
        if let Some(proposer) = &mut self.proposer {
            proposer.look_again();
        }
        true
    }
}
