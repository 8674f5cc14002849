//! How a node gets what gossip did not bring: it tells a peer where it stands and what it has, and
//! the peer answers with what helps.

use super::HPaxos;
use super::evidence::Evidence;
use super::message::Message;
use crate::io::short_name as short;
use crate::{Slot, SyncRequest};
use crypto::{Digest, Signed, Verified, codec};
use std::collections::BTreeSet;

/// Slots that are looked at beyond the first undecided one of a learner: a page, of which that one may be the
/// last, and the page after are in memory.
const SYNC_SLOTS: u64 = super::PAGE;
/// Names in a request, at most.
const MAX_HAVE: usize = 1 << 16;

/// What a peer sends to a node that asks.
pub type SyncAnswer = crate::SyncAnswer<Signed<Message>, Evidence>;

impl HPaxos {
    /// What to ask a peer for.
    pub(super) fn sync_request(&self) -> SyncRequest {
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
    pub(super) fn answer(&self, request: &SyncRequest, max_bytes: usize) -> SyncAnswer {
        let mut answer = SyncAnswer {
            messages: Vec::new(),
            evidence: Vec::new(),
        };
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
        // What does not fit is left for the next time; alone, everything fits.
        let mut large = None;
        for message in self.relevant(&request.next) {
            if !have.insert(short(&message.id())) {
                continue;
            }
            let size = message.signed().body().len() + 128;
            if bytes + size <= max_bytes {
                bytes += size;
                answer.messages.push(message.signed().clone());
            } else {
                large = large.or(Some(message));
            }
        }
        if answer.messages.is_empty() {
            answer.messages.extend(large.map(|m| m.signed().clone()));
        }
        answer
    }

    /// The messages here that can matter to a node whose learners stand at `next`.
    fn relevant<'a>(&'a self, next: &'a [Slot]) -> impl Iterator<Item = &'a Verified<Message>> {
        let present = self.present();
        let wishes = self.wishes.values().filter(move |m| m.ballot() > present);
        let joining = self.received.joining(present);
        let starts: BTreeSet<Slot> = next.iter().copied().collect();
        let slots: BTreeSet<Slot> = starts
            .into_iter()
            .flat_map(|s| (s.0..s.0.saturating_add(SYNC_SLOTS)).map(Slot))
            .take_while(|s| *s < self.end())
            .collect();
        let slots = slots.into_iter().flat_map(|slot| self.about(slot, next));
        wishes.chain(slots).chain(joining)
    }

    /// The certificates of a slot for the learners that have not come so far, and whatever else is
    /// kept while some learner here has not decided it either, with what justifies it (rule 9).
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
        let justification = kept
            .into_iter()
            .flat_map(move |_| self.received.justification(slot));
        proofs
            .chain(kept.into_iter().flat_map(|s| s.messages()))
            .chain(justification)
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

fn evidence_name(evidence: &Evidence) -> u64 {
    short(&Digest::of_encoded(evidence))
}
