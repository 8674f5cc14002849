//! The learners: who has decided what, delivered in the order of slots.
//!
//! Every node follows all learners of the graph, whichever it plays: a slot may be dropped only when
//! the certificate of every learner is held, and patience is counted per learner.

use super::evidence::{Certificate, Evidence};
use super::message::Message;
use super::received::SlotReceived;
use crate::Fork;
use crate::history::{History, Kept};
use crate::planted::{Bug, planted};
use crate::{Ballot, Page, Slot};
use crypto::{Digest, Signed, Verified};
use learner_graph::{AcceptorSet, LearnerGraph, LearnerId, LearnerSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// HPaxos: `decision`, for all learners and slots, with the certificates. What was delivered is in the
/// history, and of that only what is recent is here as well.
pub(super) struct Learners {
    of: Vec<Learner>,
    history: Arc<dyn History<Signed<Message>>>,
    /// From here on every decision is in memory.
    remembered: Slot,
    /// Who has decided which value in a slot, of the decisions that are in memory.
    by_slot: BTreeMap<Slot, Vec<(Digest, LearnerSet)>>,
    /// The first slot that no learner has decided all the way up to.
    front: Slot,
}

#[derive(Debug, Default)]
struct Learner {
    /// The first slot without a decision.
    undecided: Slot,
    /// The first slot not delivered: at most `undecided`, below it while bytes are missing.
    next: Slot,
    /// Those that are in memory: all from `next` on but for frozen pages, and recent ones below.
    decided: BTreeMap<Slot, Arc<Decided>>,
    forks: Vec<Fork>,
}

/// One decision with the messages that prove it, for all learners that they prove it to.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) ballot: Ballot,
    pub(super) value: Digest,
    pub(super) quorum: AcceptorSet,
    pub(super) two_b: Vec<Verified<Message>>,
}

/// What a new 2b led to.
#[derive(Debug)]
pub(super) enum Learned {
    /// These learners decided the slot, with this value.
    Decided(LearnerSet, Digest),
    /// The learner has a second decision in the slot.
    Fork(Fork, Box<Evidence>),
}

impl Learners {
    /// Every learner goes on where the history ends.
    pub(super) fn new(n: usize, history: Arc<dyn History<Signed<Message>>>) -> Self {
        let start = |learner| {
            let next = history.next(learner);
            Learner {
                undecided: next,
                next,
                ..Learner::default()
            }
        };
        let of: Vec<Learner> = LearnerSet::first(n).into_iter().map(start).collect();
        Learners {
            remembered: of.iter().map(|l| l.next).max().unwrap_or_default(),
            by_slot: BTreeMap::new(),
            front: of.iter().map(|l| l.undecided).max().unwrap_or_default(),
            of,
            history,
        }
    }

    /// HPaxos: LearnerDecide, for every learner and ballot in which the 2b of one slot make it so.
    pub(super) fn decide(
        &mut self,
        graph: &LearnerGraph,
        slot: Slot,
        ballot: Ballot,
        received: &SlotReceived,
    ) -> Vec<Learned> {
        let mut learned = Vec::new();
        for (value, tally) in received.two_b(ballot) {
            for (of, quorum) in tally.groups() {
                // HPaxos: ChosenIn(l, b, v).
                let others = of - self.known_to_have(slot, value);
                let anyones = || !graph.with_quorum(graph.learners(), &quorum).is_empty();
                let chosen = match planted(Bug::DecideForAnother) && anyones() {
                    true => others,
                    false => graph.with_quorum(others, &quorum),
                };
                // What proves it to several is kept once.
                let decided = |learners| Decided {
                    ballot,
                    value,
                    quorum,
                    two_b: proof(received, ballot, &quorum, slot, &value, learners),
                };
                let mut deciding = LearnerSet::EMPTY;
                for l in chosen {
                    match self.value(l, slot) {
                        None => {
                            deciding.insert(l);
                        }
                        Some(first) if first != value => {
                            let second = decided(LearnerSet::just(l)).certificate(l, slot);
                            learned.extend(self.fork(second));
                        }
                        Some(_) => {}
                    }
                }
                if !deciding.is_empty() {
                    self.add(deciding, slot, decided(deciding));
                    learned.push(Learned::Decided(deciding, value));
                }
            }
        }
        learned
    }

    /// These learners have decided a slot.
    fn add(&mut self, learners: LearnerSet, slot: Slot, decided: Decided) {
        let values = self.by_slot.entry(slot).or_default();
        match values.iter_mut().find(|(v, _)| *v == decided.value) {
            Some((_, all)) => *all |= learners,
            None => values.push((decided.value, learners)),
        }
        let decided = Arc::new(decided);
        for l in learners {
            let learner = &mut self.of[usize::from(l.0)];
            learner.decided.insert(slot, Arc::clone(&decided));
            while learner.decided.contains_key(&learner.undecided) {
                learner.undecided = learner.undecided.next();
            }
            self.front = self.front.max(learner.undecided);
        }
    }

    /// The learners that have decided this value in a slot, as far as memory knows.
    fn known_to_have(&self, slot: Slot, value: Digest) -> LearnerSet {
        let mut known = self.by_slot.get(&slot).into_iter().flatten();
        known
            .find(|(v, _)| *v == value)
            .map_or(LearnerSet::EMPTY, |(_, learners)| *learners)
    }

    /// A learner has a second decision in a slot, with another value: told once for each slot.
    fn fork(&mut self, second: Certificate) -> Option<Learned> {
        let (l, slot) = (second.learner, second.slot);
        let first = self.certificate(l, slot)?;
        let learner = self.of.get_mut(usize::from(l.0))?;
        if learner.forks.iter().any(|f| f.slot == slot) {
            return None;
        }
        let values = [&first, &second].map(|c| (c.ballot, c.value));
        let fork = Fork {
            learner: l,
            slot,
            values,
        };
        learner.forks.push(fork.clone());
        let evidence = Evidence::Disagreement { first, second };
        Some(Learned::Fork(fork, Box::new(evidence)))
    }

    fn of(&self, learner: LearnerId) -> Option<&Learner> {
        self.of.get(usize::from(learner.0))
    }

    /// The value that a learner has decided in a slot.
    pub(super) fn value(&self, learner: LearnerId, slot: Slot) -> Option<Digest> {
        let l = self.of(learner)?;
        match l.decided.get(&slot) {
            Some(decided) => Some(decided.value),
            None if slot < l.next => self.history.value(learner, slot),
            None => None,
        }
    }

    /// The certificate of a decision.
    pub(super) fn certificate(&self, learner: LearnerId, slot: Slot) -> Option<Certificate> {
        if let Some(certificate) = self.certificate_in_memory(learner, slot) {
            return Some(certificate);
        }
        let next = self.of(learner)?.next;
        let found = self.history.decision(learner, slot);
        found
            .filter(|_| slot < next)
            .map(|found| kept(learner, slot, found))
    }

    /// The same for a decision that is in memory.
    pub(super) fn certificate_in_memory(
        &self,
        learner: LearnerId,
        slot: Slot,
    ) -> Option<Certificate> {
        let decided = self.of(learner)?.decided.get(&slot)?;
        Some(decided.certificate(learner, slot))
    }

    /// The signed messages behind a decision that is in memory.
    pub(super) fn proof(&self, learner: LearnerId, slot: Slot) -> &[Verified<Message>] {
        let decided = self.of(learner).and_then(|l| l.decided.get(&slot));
        decided.map_or(&[], |d| &d.two_b)
    }

    /// The learners that have not decided a slot.
    pub(super) fn undecided_in(&self, slot: Slot) -> LearnerSet {
        let mut undecided = LearnerSet::first(self.of.len());
        if slot < self.front {
            let all = self.ids().zip(&self.of);
            let come = all.filter(|(_, l)| slot >= l.undecided);
            undecided = come.map(|(id, _)| id).collect();
        }
        for (_, learners) in self.by_slot.get(&slot).into_iter().flatten() {
            undecided -= *learners;
        }
        undecided
    }

    /// The learners that have decided a slot with another value than this, with theirs.
    pub(super) fn otherwise(&self, slot: Slot, value: Digest) -> Vec<(LearnerId, Digest)> {
        let mut known = self.by_slot.get(&slot).into_iter().flatten();
        if slot >= self.remembered && known.all(|(v, _)| *v == value) {
            return Vec::new();
        }
        let all = self.ids().filter_map(|l| Some((l, self.value(l, slot)?)));
        all.filter(|(_, theirs)| *theirs != value).collect()
    }

    /// Whether some learner has decided this value in a slot.
    pub(super) fn decided_as(&self, slot: Slot, value: &Digest) -> bool {
        let mut ids = self.ids();
        ids.any(|l| self.value(l, slot) == Some(*value))
    }

    /// The values of all decisions in memory that were not delivered yet.
    pub(super) fn undelivered(&self) -> impl Iterator<Item = Digest> {
        let ahead = self.of.iter().flat_map(|l| l.decided.range(l.next..));
        ahead.map(|(_, d)| d.value)
    }

    /// Decisions below a slot that were delivered leave memory.
    pub(super) fn forget_below(&mut self, slot: Slot) {
        self.remembered = self.remembered.max(slot);
        let mut kept = slot;
        for l in &mut self.of {
            kept = kept.min(l.next);
            let recent = l.decided.split_off(&slot.min(l.next));
            l.decided = recent;
        }
        self.by_slot = self.by_slot.split_off(&kept);
    }

    /// Decisions in a page leave memory. Those that were not delivered are made again when it thaws.
    pub(super) fn freeze(&mut self, page: Page) {
        self.remembered = self.remembered.max(page.end);
        for l in &mut self.of {
            l.decided.retain(|slot, _| !page.contains(*slot));
        }
        self.by_slot.retain(|slot, _| !page.contains(*slot));
    }

    /// The first slot that has not been delivered to a learner.
    pub(super) fn next(&self, learner: LearnerId) -> Slot {
        self.of(learner).map_or(Slot(0), |l| l.next)
    }

    /// The first slot that a learner has not decided.
    pub(super) fn undecided(&self, learner: LearnerId) -> Slot {
        self.of
            .get(usize::from(learner.0))
            .map_or(Slot(0), |l| l.undecided)
    }

    /// The first slot that has not been delivered to some learner: below it every certificate is held,
    /// and the history has everything.
    pub(super) fn settled(&self) -> Slot {
        let next = self.of.iter().map(|l| l.next);
        if planted(Bug::SettleForAnother) {
            return next.max().unwrap_or_default();
        }
        next.min().unwrap_or_default()
    }

    /// The first slot that no learner has decided all the way up to: the front of the log.
    pub(super) fn front(&self) -> Slot {
        self.front
    }

    /// One past the highest slot decided by any learner.
    pub(super) fn end(&self) -> Slot {
        let last = |l: &Learner| {
            let last = l.decided.last_key_value();
            last.map_or(l.next, |(s, _)| s.next())
        };
        self.of.iter().map(last).max().unwrap_or_default()
    }

    /// The next slot to deliver to a learner, with its decision, if it is there.
    pub(super) fn next_delivery(&self, learner: LearnerId) -> Option<(Slot, &Arc<Decided>)> {
        let l = self.of.get(usize::from(learner.0))?;
        let mut next = l.next;
        if planted(Bug::SkipGaps) {
            next = *l.decided.range(next..).next()?.0;
        }
        Some((next, l.decided.get(&next)?))
    }

    /// Of these learners those that get this very decision next, in this slot.
    pub(super) fn sharing_next(
        &self,
        learners: LearnerSet,
        slot: Slot,
        decided: &Arc<Decided>,
    ) -> LearnerSet {
        let gets = |l: &LearnerId| {
            let next = self.next_delivery(*l);
            next.is_some_and(|(s, d)| s == slot && Arc::ptr_eq(d, decided))
        };
        learners.iter().filter(gets).collect()
    }

    /// Notes that a slot, the next one, was delivered.
    pub(super) fn delivered(&mut self, learners: LearnerSet, slot: Slot) {
        for l in learners {
            if let Some(l) = self.of.get_mut(usize::from(l.0)) {
                l.next = slot.next();
            }
        }
    }

    /// From this slot on every decision is in memory; those before are in the history alone.
    pub(super) fn remembered(&self) -> Slot {
        self.remembered
    }

    /// All learners.
    pub(super) fn ids(&self) -> impl Iterator<Item = LearnerId> + use<> {
        LearnerSet::first(self.of.len()).into_iter()
    }
}

impl Decided {
    fn certificate(&self, learner: LearnerId, slot: Slot) -> Certificate {
        Certificate {
            learner,
            slot,
            ballot: self.ballot,
            value: self.value,
            two_b: self.two_b.iter().map(|m| m.signed().clone()).collect(),
        }
    }
}

/// The certificate of a decision as the history has it.
pub(super) fn kept(learner: LearnerId, slot: Slot, kept: Kept<Signed<Message>>) -> Certificate {
    Certificate {
        learner,
        slot,
        ballot: kept.ballot,
        value: kept.value,
        two_b: kept.proof,
    }
}

/// One message per acceptor of the quorum that holds its 2b for these learners. There is one: learners that a
/// [`Tally`](super::tally::Tally) has together were named together by each acceptor, the first time that it named them.
fn proof(
    received: &SlotReceived,
    ballot: Ballot,
    quorum: &AcceptorSet,
    slot: Slot,
    value: &Digest,
    learners: LearnerSet,
) -> Vec<Verified<Message>> {
    let holds = |m: &&Verified<Message>| match &***m {
        Message::Votes(votes) => {
            let at = votes.slots.binary_search_by_key(&slot, |s| s.slot);
            let two_b = at.ok().and_then(|i| votes.slots[i].two_b.as_ref());
            two_b.is_some_and(|(v, of)| v == value && learners.is_subset(of))
        }
        _ => false,
    };
    let found = quorum
        .iter()
        .filter_map(|a| received.said(ballot, a).find(holds));
    let proof: Vec<_> = found.cloned().collect();
    assert_eq!(proof.len(), quorum.len(), "a vote that was counted is kept");
    proof
}

#[cfg(test)]
mod tests;
