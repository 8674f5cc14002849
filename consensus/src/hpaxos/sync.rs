//! How a node gets what gossip did not bring: it tells a peer where it stands and what it has, and
//! the peer answers with what helps.

use super::HPaxos;
use super::evidence::Evidence;
use super::message::Message;
use crate::Slot;
use crypto::{Digest, Signed, Verified, codec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Slots that are looked at beyond the first undecided one of a learner.
const SYNC_SLOTS: u64 = 256;
/// Names in a request, at most.
const MAX_HAVE: usize = 1 << 16;

/// What a node tells a peer so that it can send what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// Per learner, the first slot that it has not decided here.
    pub next: Vec<Slot>,
    /// Short names of the messages and the evidence that are here already and would be sent else.
    pub have: Vec<u64>,
}

/// What a peer sends to a node that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAnswer {
    /// Messages that the asking node lacks.
    pub messages: Vec<Signed<Message>>,
    /// Evidence that it lacks.
    pub evidence: Vec<Evidence>,
}

impl HPaxos {
    /// What to ask a peer for.
    #[must_use]
    pub fn sync_request(&self) -> SyncRequest {
        let next: Vec<Slot> = self
            .learners
            .ids()
            .map(|l| self.learners.undecided(l))
            .collect();
        let messages = self.relevant(&next).map(|m| short(&m.id()));
        let evidence = self.evidence().iter().map(|(e, _)| evidence_name(e));
        let have: BTreeSet<u64> = messages.chain(evidence).take(MAX_HAVE).collect();
        SyncRequest {
            next,
            have: have.into_iter().collect(),
        }
    }

    /// What helps a peer that asks, at most about `max_bytes` of it. An answer to a request that is
    /// not of this network's form is empty.
    #[must_use]
    pub fn answer(&self, request: &SyncRequest, max_bytes: usize) -> SyncAnswer {
        let mut answer = SyncAnswer::default();
        if request.next.len() != self.learners.ids().count() || request.have.len() > MAX_HAVE {
            return answer;
        }
        let mut have: BTreeSet<u64> = request.have.iter().copied().collect();
        let mut bytes = 0;
        for (evidence, _) in self.evidence() {
            let encoded = codec::encode(evidence);
            if have.insert(short(&Digest::of(&encoded))) && bytes < max_bytes {
                bytes += encoded.len();
                answer.evidence.push(evidence.clone());
            }
        }
        for message in self.relevant(&request.next) {
            if !have.insert(short(&message.id())) {
                continue;
            }
            bytes += message.signed().body().len() + 128;
            if bytes > max_bytes && !answer.messages.is_empty() {
                break;
            }
            answer.messages.push(message.signed().clone());
        }
        answer
    }

    /// The messages here that can matter to a node whose learners stand at `next`.
    fn relevant<'a>(&'a self, next: &'a [Slot]) -> impl Iterator<Item = &'a Verified<Message>> {
        let wishes = self.wishes.values().filter(|m| m.ballot() > self.ballot);
        let joining = self.received.joining(self.ballot);
        let starts: BTreeSet<Slot> = next.iter().copied().collect();
        let slots: BTreeSet<Slot> = starts
            .into_iter()
            .flat_map(|s| (s.0..s.0.saturating_add(SYNC_SLOTS)).map(Slot))
            .take_while(|s| *s < self.end())
            .collect();
        wishes
            .chain(joining)
            .chain(slots.into_iter().flat_map(|slot| self.about(slot, next)))
    }

    /// The certificates of a slot for the learners that have not come so far, and whatever else is
    /// kept while some learner here has not decided it either.
    fn about<'a>(
        &'a self,
        slot: Slot,
        next: &'a [Slot],
    ) -> impl Iterator<Item = &'a Verified<Message>> {
        let behind = self
            .learners
            .ids()
            .zip(next)
            .filter(move |(_, n)| **n <= slot);
        let proofs = behind.flat_map(move |(l, _)| self.learners.proof(l, slot));
        let open = !self.learners.undecided_in(slot).is_empty();
        let kept = self.received.slot(slot).filter(|_| open);
        proofs.chain(kept.into_iter().flat_map(|s| s.messages()))
    }

    /// One past the last slot of which anything is known.
    fn end(&self) -> Slot {
        let open = self
            .received
            .slots_from(Slot(0))
            .next_back()
            .map(|(s, _)| s.next());
        self.learners.end().max(open.unwrap_or_default())
    }
}

fn short(id: &Digest) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&id.0[..8]);
    u64::from_le_bytes(first)
}

fn evidence_name(evidence: &Evidence) -> u64 {
    short(&Digest::of(&codec::encode(evidence)))
}
