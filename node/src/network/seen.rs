//! What was verified lately, so that nothing is verified twice.

use consensus::Protocol;
use crypto::Digest;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many verified messages are remembered.
const MAX_MESSAGES: usize = 16_384;
/// How many bytes of verified messages are remembered.
const MAX_BYTES: usize = 32 << 20;
/// How long a value or a batch is no news after it came. Whoever repeats one later may have a reason.
const NEWS: Duration = Duration::from_secs(5);
/// How many of them are remembered in that time; beyond, the oldest half is news again.
const MAX_NEWS: usize = 1 << 17;
/// How many pieces of evidence are remembered.
const MAX_EVIDENCE: usize = 1024;

/// Messages and evidence that were verified lately; the oldest are forgotten at the bound, and
/// verified again should they come back.
///
/// Only what *was verified* is entered: a forgery under the name of a message must not keep the
/// message itself out. The messages are kept, not only their names: the protocol may have dropped
/// one that it could not use yet and ask for it again.
pub(crate) struct Seen<P: Protocol> {
    inner: Mutex<Inner<P::Message>>,
}

struct Inner<M> {
    /// With their sizes.
    messages: HashMap<Digest, (M, usize)>,
    order: VecDeque<Digest>,
    bytes: usize,
    /// Values and batches that came lately, and a little before.
    news: [HashSet<Digest>; 2],
    turned: Option<Instant>,
    evidence: HashSet<Digest>,
    evidence_order: VecDeque<Digest>,
}

impl<P: Protocol> Default for Seen<P> {
    fn default() -> Self {
        let inner = Inner {
            messages: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            news: Default::default(),
            turned: None,
            evidence: HashSet::new(),
            evidence_order: VecDeque::new(),
        };
        Seen {
            inner: Mutex::new(inner),
        }
    }
}

impl<P: Protocol> Seen<P> {
    fn lock(&self) -> MutexGuard<'_, Inner<P::Message>> {
        // Every operation leaves the maps consistent, so a panic elsewhere does not matter.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The verified message of this id.
    pub(crate) fn get(&self, id: &Digest) -> Option<P::Message> {
        let inner = self.lock();
        inner.messages.get(id).map(|(message, _)| message.clone())
    }

    /// Remembers a verified message by its id, which is what `P::id` says of it.
    pub(crate) fn insert(&self, id: Digest, message: P::Message) {
        let size = P::wire_bytes(P::wire(&message));
        let mut inner = self.lock();
        if inner.messages.insert(id, (message, size)).is_some() {
            return;
        }
        inner.order.push_back(id);
        inner.bytes += size;
        while inner.order.len() > MAX_MESSAGES || inner.bytes > MAX_BYTES {
            let Some(oldest) = inner.order.pop_front() else {
                break;
            };
            if let Some((_, size)) = inner.messages.remove(&oldest) {
                inner.bytes -= size;
            }
        }
    }

    /// Whether a value or a batch, by its digest, has not come lately.
    pub(crate) fn is_news(&self, digest: &Digest) -> bool {
        self.lock().news.iter().all(|came| !came.contains(digest))
    }

    /// Remembers a value or a batch for a while.
    pub(crate) fn came(&self, digest: Digest) {
        let mut inner = self.lock();
        let now = Instant::now();
        let old = inner.turned.is_none_or(|t| now.duration_since(t) > NEWS);
        if old || inner.news[0].len() >= MAX_NEWS {
            inner.turned = Some(now);
            let lately = std::mem::take(&mut inner.news[0]);
            inner.news[1] = lately;
        }
        inner.news[0].insert(digest);
    }

    /// Whether this evidence was verified already.
    pub(crate) fn has_evidence(&self, digest: &Digest) -> bool {
        self.lock().evidence.contains(digest)
    }

    /// Remembers verified evidence by the digest of its encoding.
    pub(crate) fn insert_evidence(&self, digest: Digest) {
        let mut inner = self.lock();
        if !inner.evidence.insert(digest) {
            return;
        }
        inner.evidence_order.push_back(digest);
        if inner.evidence_order.len() > MAX_EVIDENCE
            && let Some(oldest) = inner.evidence_order.pop_front()
        {
            inner.evidence.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::Ballot;
    use consensus::hpaxos::{HPaxos, Message};
    use crypto::{Keypair, MemberId, NetworkId, Signer};

    #[test]
    fn the_oldest_is_forgotten_at_the_bound() {
        let keypair = Keypair::from_seed([1; 32]);
        let signer = Signer::new(keypair, MemberId(0), NetworkId(Digest::of(b"net")));
        let seen = Seen::<HPaxos>::default();
        let mut ids = Vec::new();
        for ballot in 0..(MAX_MESSAGES as u64 + 10) {
            let message = signer
                .sign(Message::OneA {
                    ballot: Ballot(ballot),
                })
                .unwrap();
            ids.push(message.id());
            seen.insert(message.id(), message.clone());
            seen.insert(message.id(), message);
        }
        assert!(seen.get(&ids[9]).is_none());
        assert!(seen.get(&ids[10]).is_some());
        assert!(seen.get(ids.last().unwrap()).is_some());
        assert_eq!(seen.lock().messages.len(), MAX_MESSAGES);
    }

    #[test]
    fn evidence_is_remembered_up_to_the_bound() {
        let seen = Seen::<HPaxos>::default();
        let digests: Vec<Digest> = (0..=MAX_EVIDENCE as u64)
            .map(|i| Digest::of(&i.to_le_bytes()))
            .collect();
        for digest in &digests {
            seen.insert_evidence(*digest);
        }
        assert!(!seen.has_evidence(&digests[0]));
        assert!(seen.has_evidence(&digests[1]));
    }
}
