//! What follows from new 2b and new evidence: LearnerDecide, LearnerRecv and Disconnect.

use super::evidence::{Evidence, EvidenceError, Finding};
use super::learner::Learned;
use super::{Decision, HPaxos, Invalid, Output, Record};
use crate::history::Keep;
use crate::{Ballot, Slot, Time};
use crypto::Digest;
use learner_graph::LearnerId;

impl HPaxos {
    /// HPaxos: LearnerDecide, as far as new 2b of one slot and ballot allow it.
    pub(super) fn decide(&mut self, slot: Slot, ballot: Ballot, now: Time, out: &mut Vec<Output>) {
        let Some(received) = self.received.slot(slot) else {
            return;
        };
        let since = received.announced(ballot).map_or(now, |a| a.since);
        for learned in self
            .learners
            .decide(self.network.graph(), slot, ballot, received)
        {
            match learned {
                Learned::Decided(learner) => {
                    self.received.decided(slot, now);
                    self.pacemaker.progress(learner, now.saturating_sub(since));
                    let (next, front) = (self.learners.undecided(learner), self.learners.front());
                    self.pacemaker
                        .moved(learner, next, front, self.config.step(), now);
                    if let Some(value) = self.learners.value(learner, slot) {
                        self.batches.claim(value, out);
                    }
                    self.compare(learner, slot, out);
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
    fn compare(&mut self, learner: LearnerId, slot: Slot, out: &mut Vec<Output>) {
        let Some(mine) = self.learners.value(learner, slot) else {
            return;
        };
        for (other, _) in self.learners.otherwise(slot, mine) {
            let certificates = (
                self.learners.certificate(learner, slot),
                self.learners.certificate(other, slot),
            );
            if let (Some(first), Some(second)) = certificates {
                self.found(Evidence::Disagreement { first, second }, out);
            }
        }
    }

    /// What a learner has just got in a slot, those that decided otherwise there have to get in
    /// another one, and it has to get theirs.
    fn exchange(
        &mut self,
        learner: LearnerId,
        slot: Slot,
        mine: Digest,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        for (other, theirs) in self.learners.otherwise(slot, mine) {
            for (value, misses) in [(theirs, learner), (mine, other)] {
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

    /// Delivers to every learner what its log has next, as far as the bytes are here.
    pub(super) fn deliver(&mut self, now: Time, out: &mut Vec<Output>) {
        for learner in self.learners.ids() {
            while let Some((slot, decided)) = self.learners.next_delivery(learner) {
                let Some(named) = self.batches.named(&decided.value) else {
                    break;
                };
                let (ballot, value, quorum) = (decided.ballot, decided.value, decided.quorum);
                let proof = decided.two_b.iter().map(|m| m.signed().clone()).collect();
                let (values, heard) = self.waiting.deliver_batch(&named, learner, now);
                self.learners.delivered(learner, slot);
                self.exchange(learner, slot, value, now, out);
                let decision = Decision {
                    learner,
                    slot,
                    ballot,
                    value,
                    values,
                    heard,
                    quorum,
                };
                self.history.keep(Keep::Decision {
                    decision: decision.clone(),
                    batch: named.batch,
                    proof,
                });
                out.push(Output::Decided(decision));
            }
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
