//! The decisions of one learner, as HTTP shows them.

use crate::history::{Outcome, Shown};
use consensus::{Ballot, Slot, Values};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// A decision as it was delivered, to however many learners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// The slot.
    pub(crate) slot: Slot,
    /// The ballot.
    pub(crate) ballot: Ballot,
    /// The digest of the batch.
    pub(crate) digest: Digest,
    /// The values that are new to the learners.
    pub(crate) values: Values,
    /// From this node's first knowledge of the oldest value to the decision.
    pub(crate) latency_ms: Option<u64>,
    /// The acceptors of the certificate.
    pub(crate) acceptors: AcceptorSet,
}

/// Where and by whom a value was decided: what of a decision concerns each of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The learner.
    pub(crate) learner: LearnerId,
    /// The slot.
    pub(crate) slot: Slot,
    /// The ballot.
    pub(crate) ballot: Ballot,
    /// The digest of the batch.
    pub(crate) digest: Digest,
    /// From this node's first knowledge of the oldest value to the decision.
    pub(crate) latency_ms: Option<u64>,
    /// The acceptors of the certificate.
    pub(crate) acceptors: AcceptorSet,
}

impl Receipt {
    /// That of a decision of a learner that was read from the history: how long it took was not stored.
    pub(crate) fn read(learner: LearnerId, slot: Slot, outcome: &Outcome) -> Self {
        Receipt {
            learner,
            slot,
            ballot: outcome.ballot,
            digest: outcome.digest,
            latency_ms: None,
            acceptors: outcome.quorum,
        }
    }
}

impl Delivered {
    /// What one of its learners has in it, without its values.
    pub(crate) fn receipt(&self, learner: LearnerId) -> Receipt {
        Receipt {
            learner,
            slot: self.slot,
            ballot: self.ballot,
            digest: self.digest,
            latency_ms: self.latency_ms,
            acceptors: self.acceptors,
        }
    }

    /// One that was read from the history: how long it took was not stored.
    pub(crate) fn shown(shown: Shown) -> Self {
        Delivered {
            slot: shown.slot,
            ballot: shown.ballot,
            digest: shown.digest,
            values: shown.values,
            latency_ms: None,
            acceptors: shown.quorum,
        }
    }

    /// The bytes that it takes in memory, about.
    pub(crate) fn size(&self) -> usize {
        let values = self.values.iter();
        256 + values
            .map(|v| 64 + v.key.len() + v.bytes.len())
            .sum::<usize>()
    }
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Decisions from the slot asked for, and the slot to ask for next.
    Decisions(Vec<Arc<Delivered>>, Slot),
    /// The slot asked for is no longer in memory.
    Old,
}

/// The latest decisions; the oldest are dropped at the bound, and are in the history.
pub(crate) struct DecisionLog {
    learner: LearnerId,
    kept: VecDeque<Arc<Delivered>>,
    bytes: usize,
    max_count: usize,
    max_bytes: usize,
    next: Slot,
    /// How many were delivered, those dropped included.
    delivered: u64,
    /// Where each value kept was delivered: from when somebody first asked for one.
    index: Option<HashMap<Digest, Slot>>,
    /// Clients that wait for a value, with their numbers for it. Bounded by the values of HTTP requests in progress.
    waiting: HashMap<Digest, Vec<(usize, Told)>>,
}

/// Where a client hears of the decisions of its values. What it hears keeps no decision in memory.
pub(crate) type Told = UnboundedSender<(usize, Receipt)>;

impl DecisionLog {
    /// The log of a learner that goes on at a slot.
    pub(crate) fn new(learner: LearnerId, next: Slot, max_count: usize, max_bytes: usize) -> Self {
        DecisionLog {
            learner,
            kept: VecDeque::new(),
            bytes: 0,
            max_count,
            max_bytes,
            next,
            delivered: next.0,
            index: None,
            waiting: HashMap::new(),
        }
    }

    /// Adds the next decision and tells who waits for its values.
    pub(crate) fn push(&mut self, decision: Arc<Delivered>) {
        self.next = decision.slot.next();
        self.delivered += 1;
        self.bytes += decision.size();
        // Nobody has ever asked for a value of most learners, if there are many.
        if let Some(index) = &mut self.index {
            for id in &**decision.values.ids() {
                index.insert(*id, decision.slot);
                for (number, client) in self.waiting.remove(id).unwrap_or_default() {
                    // The client may have gone away.
                    let _ = client.send((number, decision.receipt(self.learner)));
                }
            }
        }
        self.kept.push_back(decision);
        while self.kept.len() > self.max_count
            || (self.bytes > self.max_bytes && self.kept.len() > 1)
        {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.size();
            if let Some(index) = &mut self.index {
                for id in &**oldest.values.ids() {
                    index.remove(id);
                }
            }
        }
    }

    /// At most `limit` decisions from a slot on, about `max_bytes` of them but at least one.
    pub(crate) fn page(&self, from: Slot, limit: usize, max_bytes: usize) -> Page {
        let first = self.kept.front().map_or(self.next, |d| d.slot);
        if from < first {
            return Page::Old;
        }
        let start = self.kept.partition_point(|d| d.slot < from);
        let mut decisions: Vec<Arc<Delivered>> = Vec::new();
        let mut bytes = 0;
        for decision in self.kept.range(start..).take(limit) {
            bytes += decision.size();
            if bytes > max_bytes && !decisions.is_empty() {
                break;
            }
            decisions.push(Arc::clone(decision));
        }
        let next = decisions.last().map_or(from, |d| d.slot.next());
        Page::Decisions(decisions, next)
    }

    /// Where a value was delivered; if it was not yet, the client will be told, with its number for the value.
    pub(crate) fn wait_for(&mut self, id: Digest, number: usize, client: &Told) -> Option<Receipt> {
        let index = self.index.get_or_insert_with(|| {
            let all = self.kept.iter().flat_map(|d| {
                let ids = d.values.ids().iter();
                ids.map(|id| (*id, d.slot))
            });
            all.collect()
        });
        if let Some(slot) = index.get(&id) {
            let at = self.kept.partition_point(|d| d.slot < *slot);
            if let Some(found) = self.kept.get(at) {
                return Some(found.receipt(self.learner));
            }
        }
        let clients = self.waiting.entry(id).or_default();
        clients.push((number, client.clone()));
        None
    }

    /// Forgets clients that no longer wait for a value.
    pub(crate) fn forget(&mut self, id: &Digest) {
        if let Some(clients) = self.waiting.get_mut(id) {
            clients.retain(|(_, client)| !client.is_closed());
            if clients.is_empty() {
                self.waiting.remove(id);
            }
        }
    }

    /// For how many values somebody waits.
    #[cfg(test)]
    pub(crate) fn waited_for(&self) -> usize {
        self.waiting.len()
    }

    /// The first slot that is not delivered yet.
    pub(crate) fn next(&self) -> Slot {
        self.next
    }

    /// How many decisions were delivered.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::ClientValue;
    use tokio::sync::mpsc::unbounded_channel;

    const L: LearnerId = LearnerId(0);

    fn decision(slot: u64, text: &str) -> Arc<Delivered> {
        let value = ClientValue {
            key: Vec::new(),
            bytes: text.into(),
        };
        Arc::new(Delivered {
            slot: Slot(slot),
            ballot: Ballot(1),
            digest: Digest::of(text.as_bytes()),
            values: [value].into_iter().collect(),
            latency_ms: None,
            acceptors: AcceptorSet::EMPTY,
        })
    }

    fn slots(page: Page) -> (Vec<u64>, u64) {
        match page {
            Page::Decisions(found, next) => (found.iter().map(|d| d.slot.0).collect(), next.0),
            Page::Old => panic!("no longer in memory"),
        }
    }

    #[test]
    fn pages_follow_each_other() {
        let mut log = DecisionLog::new(L, Slot(0), 100, 1 << 20);
        assert_eq!(slots(log.page(Slot(0), 10, 1 << 20)), (vec![], 0));
        for slot in 0..5 {
            log.push(decision(slot, &slot.to_string()));
        }
        assert_eq!(slots(log.page(Slot(0), 3, 1 << 20)), (vec![0, 1, 2], 3));
        assert_eq!(slots(log.page(Slot(3), 3, 1 << 20)), (vec![3, 4], 5));
        assert_eq!(slots(log.page(Slot(9), 3, 1 << 20)), (vec![], 9));
        assert_eq!(
            slots(log.page(Slot(1), 3, 1)),
            (vec![1], 2),
            "at least one, whatever its size"
        );
    }

    #[test]
    fn the_oldest_are_dropped_at_both_bounds() {
        let mut log = DecisionLog::new(L, Slot(0), 2, 1 << 20);
        let (client, _told) = unbounded_channel();
        for slot in 0..5 {
            if slot == 3 {
                log.wait_for(Digest::of(b"another"), 0, &client);
            }
            log.push(decision(slot, &slot.to_string()));
        }
        assert_eq!(log.page(Slot(0), 10, 1 << 20), Page::Old);
        assert_eq!(log.index.as_ref().map(HashMap::len), Some(2));
        assert_eq!((log.next(), log.delivered()), (Slot(5), 5));
        let mut log = DecisionLog::new(L, Slot(0), 100, 1000);
        for slot in 0..5 {
            log.push(decision(slot, &"x".repeat(600)));
        }
        assert_eq!(log.kept.len(), 1);
    }

    #[test]
    fn what_was_kept_before_anybody_asked_is_found() {
        let mut log = DecisionLog::new(L, Slot(0), 100, 1 << 20);
        let all: Vec<_> = (0..3).map(|s| decision(s, &s.to_string())).collect();
        let (client, _told) = unbounded_channel();
        for known in &all[..2] {
            log.push(Arc::clone(known));
        }
        let ask = |log: &mut DecisionLog, slot: usize| {
            let found = log.wait_for(all[slot].values.ids()[0], 0, &client);
            assert_eq!(found, Some(all[slot].receipt(L)));
        };
        ask(&mut log, 1);
        log.push(Arc::clone(&all[2]));
        (0..3).for_each(|slot| ask(&mut log, slot));
    }

    #[test]
    fn who_waits_is_told_once_and_later_comers_at_once() {
        let mut log = DecisionLog::new(L, Slot(0), 100, 1 << 20);
        let wanted = decision(0, "v");
        let id = wanted.values.ids()[0];
        let (client, mut told) = unbounded_channel();
        let (gone, nobody) = unbounded_channel();
        assert_eq!(log.wait_for(id, 7, &client), None);
        assert_eq!(log.wait_for(id, 0, &gone), None);
        drop(nobody);
        log.forget(&id);
        assert_eq!(log.waiting[&id].len(), 1);
        assert!(told.try_recv().is_err());
        log.push(Arc::clone(&wanted));
        assert_eq!(told.try_recv().unwrap(), (7, wanted.receipt(L)));
        assert_eq!(log.wait_for(id, 7, &client), Some(wanted.receipt(L)));
        assert!(told.try_recv().is_err());
        assert!(log.waiting.is_empty());
    }
}
