//! The proposer: Phase1a and Phase1c.

use super::learner::Learners;
use super::message::{OneC, Proposal};
use super::one_bs::{OneBs, SlotView};
use super::safe_at::{Trust, knows_safe_at};
use crate::log::batches::Batches;
use crate::log::waiting::Waiting;
use crate::{Ballot, Batch, MAX_BATCH_BYTES, Slot, Time};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerSet};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Client values in one batch, at most.
const MAX_BATCH_VALUES: usize = 4096;

/// What the owner of a ballot must not forget, and where it stands.
#[derive(Debug, Default)]
pub(super) struct Proposer {
    /// The highest of its own ballots that it started; 0 before the first.
    ballot: Ballot,
    /// Since when some learner has a quorum of 1b for `ballot`.
    quorum_since: Option<Time>,
    /// Enough 1b are here, or the grace for the rest is over.
    ready: bool,
    /// The 1b senders when older slots were last looked at.
    looked: AcceptorSet,
    /// Slots that other ballots left unfinished.
    unfinished: BTreeSet<Slot>,
    /// What it announced in `ballot`. One value per slot, forever.
    proposed: BTreeMap<Slot, Digest>,
    /// Announced slots that some learner with a quorum has not decided.
    open: BTreeSet<Slot>,
    /// The first slot that nobody has used.
    fresh: Slot,
    /// The client values that announced batches carry.
    carried: BTreeSet<Digest>,
}

/// What a proposer looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    pub(super) now: Time,
    pub(super) grace: Duration,
    pub(super) window: u64,
    pub(super) one_bs: &'a OneBs,
    pub(super) learners: &'a Learners,
    pub(super) waiting: &'a Waiting,
    pub(super) batches: &'a Batches,
    pub(super) trust: Trust<'a>,
}

/// A value to announce: known by its digest, or new.
enum Choice {
    Taken(Digest),
    Any,
}

impl Proposer {
    /// The ballot that it leads, if it started one.
    pub(super) fn ballot(&self) -> Ballot {
        self.ballot
    }

    /// HPaxos: Phase1a(l, b) for all learners l. The 1a must be durable before it leaves.
    pub(super) fn phase_1a(&mut self, ballot: Ballot) {
        *self = Proposer {
            ballot,
            ..Proposer::default()
        };
    }

    /// When `phase_1c` has to be called although nothing happens.
    pub(super) fn deadline(&self, grace: Duration) -> Option<Time> {
        if self.ready {
            None
        } else {
            Some(self.quorum_since?.saturating_add(grace))
        }
    }

    /// HPaxos: Phase1c(l, b, v) for everything that can be announced now: unfinished slots first,
    /// then waiting values in fresh slots. What is returned counts as announced, and it and the new
    /// batches must be durable before they leave.
    pub(super) fn phase_1c(&mut self, scene: Scene<'_>) -> (Vec<Batch>, Option<OneC>) {
        let served = served(scene);
        if !self.is_ready(served, scene) {
            return (Vec::new(), None);
        }
        if self.looked != scene.one_bs.senders() {
            self.looked = scene.one_bs.senders();
            self.look_back(served, scene);
        }
        self.close(served, scene);
        let mut made = Vec::new();
        let mut proposals = Vec::new();
        while (self.open.len() as u64) < scene.window {
            let Some((slot, value)) = self.next(served, scene, &mut made) else {
                break;
            };
            let learners = scene.learners.undecided_in(slot);
            proposals.push(Proposal {
                slot,
                value,
                learners,
            });
            self.note(slot, value, scene.batches.get(&value).map(|b| &**b));
            self.open.insert(slot);
        }
        proposals.sort_unstable_by_key(|p| p.slot);
        let one_c = (!proposals.is_empty()).then_some(OneC {
            ballot: self.ballot,
            proposals,
        });
        (made, one_c)
    }

    /// Waits a little for more than the first quorum: a value chosen with a fuller picture serves
    /// more learners in this ballot.
    fn is_ready(&mut self, served: LearnerSet, scene: Scene<'_>) -> bool {
        if !self.ready && !served.is_empty() {
            let since = *self.quorum_since.get_or_insert(scene.now);
            self.ready = served == scene.trust.graph.learners()
                || scene.now >= since.saturating_add(scene.grace);
        }
        self.ready
    }

    /// Finds what earlier ballots left unfinished for learners that can be served now.
    fn look_back(&mut self, served: LearnerSet, scene: Scene<'_>) {
        let settled = scene.learners.settled();
        let reported_end = scene
            .one_bs
            .reported_from(settled)
            .next_back()
            .map_or(settled, Slot::next);
        let end = reported_end.max(scene.learners.end()).max(settled);
        self.fresh = self.fresh.max(end);
        let unfinished = |s: &Slot| {
            !self.proposed.contains_key(s) && scene.learners.undecided_in(*s).intersects(&served)
        };
        self.unfinished = (settled.0..end.0).map(Slot).filter(unfinished).collect();
    }

    /// Closes slots that everyone who can be served has decided. Where an older ballot's value won
    /// there, the values announced wait again.
    fn close(&mut self, served: LearnerSet, scene: Scene<'_>) {
        let undecided = |slot: &Slot| scene.learners.undecided_in(*slot).intersects(&served);
        let closed: Vec<Slot> = self
            .open
            .iter()
            .copied()
            .filter(|s| !undecided(s))
            .collect();
        for slot in closed {
            self.open.remove(&slot);
            let Some(value) = self.proposed.get(&slot) else {
                continue;
            };
            if !scene.learners.decided_as(slot, value)
                && let Some(batch) = scene.batches.get(value)
            {
                for v in &batch.values {
                    self.carried.remove(&v.id());
                }
            }
        }
    }

    /// The next slot to announce a value in, with the value.
    fn next(
        &mut self,
        served: LearnerSet,
        scene: Scene<'_>,
        made: &mut Vec<Batch>,
    ) -> Option<(Slot, Digest)> {
        while let Some(slot) = self.unfinished.pop_first() {
            match choose(self.ballot, served, slot, scene) {
                Some(Choice::Taken(value)) => return Some((slot, value)),
                // A gap: any value will do, an empty batch if nothing waits.
                Some(Choice::Any) => {
                    let batch = self.take(scene.waiting);
                    return Some((slot, self.make(batch, made)));
                }
                // Nothing is safe for anyone with the 1b that are here.
                None => {}
            }
        }
        let batch = self.take(scene.waiting);
        if batch.values.is_empty() {
            return None;
        }
        let slot = self.fresh;
        match choose(self.ballot, served, slot, scene)? {
            Choice::Any => {
                self.fresh = slot.next();
                Some((slot, self.make(batch, made)))
            }
            Choice::Taken(value) => {
                self.fresh = slot.next();
                Some((slot, value))
            }
        }
    }

    /// The oldest waiting values that no announced batch carries.
    fn take(&self, waiting: &Waiting) -> Batch {
        let mut bytes = 0;
        let free = waiting
            .iter()
            .filter(|(id, _)| !self.carried.contains(*id))
            .map(|(_, v)| v);
        let fitting = free.take(MAX_BATCH_VALUES).take_while(|v| {
            bytes += v.encoded_len();
            bytes <= MAX_BATCH_BYTES
        });
        Batch {
            values: fitting.cloned().collect(),
        }
    }

    fn make(&mut self, batch: Batch, made: &mut Vec<Batch>) -> Digest {
        self.carried
            .extend(batch.values.iter().map(crate::ClientValue::id));
        let value = batch.digest();
        made.push(batch);
        value
    }

    fn note(&mut self, slot: Slot, value: Digest, batch: Option<&Batch>) {
        self.proposed.insert(slot, value);
        if let Some(batch) = batch {
            self.carried
                .extend(batch.values.iter().map(crate::ClientValue::id));
        }
    }

    /// A value waits again although an announced batch carries it.
    pub(super) fn release(&mut self, id: &Digest) {
        self.carried.remove(id);
    }

    /// What is safe may have changed: unfinished slots are looked at again.
    pub(super) fn look_again(&mut self) {
        self.looked = AcceptorSet::EMPTY;
    }

    /// Takes back a 1a of its own from storage.
    pub(super) fn restore_1a(&mut self, ballot: Ballot) {
        if ballot > self.ballot {
            self.phase_1a(ballot);
        }
    }

    /// Takes back a 1c of its own from storage.
    pub(super) fn restore_1c(&mut self, one_c: &OneC, batches: &Batches) {
        if one_c.ballot == self.ballot {
            for p in &one_c.proposals {
                self.note(p.slot, p.value, batches.get(&p.value).map(|b| &**b));
                self.open.insert(p.slot);
                self.fresh = self.fresh.max(p.slot.next());
            }
        }
    }
}

/// The learners with a quorum of 1b.
fn served(scene: Scene<'_>) -> LearnerSet {
    let graph = scene.trust.graph;
    let senders = scene.one_bs.senders();
    graph
        .learners()
        .iter()
        .filter(|l| graph.is_quorum(*l, &senders))
        .collect()
}

/// Which value to announce in a slot, judged as acceptors will judge it. `None` if none is safe.
fn choose(ballot: Ballot, served: LearnerSet, slot: Slot, scene: Scene<'_>) -> Option<Choice> {
    let view = scene.one_bs.of_slot(slot);
    let wanting = scene.learners.undecided_in(slot) & served;
    let safe_for = |value: &Digest| -> LearnerSet {
        wanting
            .iter()
            .filter(|l| knows_safe_at(scene.trust, &view, *l, value))
            .collect()
    };
    let candidates: Vec<(Digest, LearnerSet)> = shown(&view)
        .into_iter()
        .map(|value| (value, safe_for(&value)))
        .filter(|(_, learners)| !learners.is_empty())
        .collect();
    // The value of the highest 2av that serves everyone. Where none does, learners have forked, and
    // their values take turns with the ballots, since one ballot has one value.
    if let Some((value, _)) = candidates.iter().find(|(_, learners)| *learners == wanting) {
        return Some(Choice::Taken(*value));
    }
    if !candidates.is_empty() {
        let turn = usize::try_from(ballot.0).unwrap_or(0) % candidates.len();
        return Some(Choice::Taken(candidates[turn].0));
    }
    // No batch has this digest: it stands for any value that was never proposed here.
    let unseen = Digest([0; 32]);
    (!safe_for(&unseen).is_empty()).then_some(Choice::Any)
}

/// The values of all 2av shown, the highest ballot first.
fn shown(view: &SlotView<'_>) -> Vec<Digest> {
    let mut highest: BTreeMap<Digest, Ballot> = BTreeMap::new();
    for (_, entry) in view.proposals() {
        let ballot = highest.entry(entry.value).or_default();
        *ballot = (*ballot).max(entry.ballot);
    }
    let mut values: Vec<Digest> = highest.keys().copied().collect();
    values.sort_by_key(|v| std::cmp::Reverse(highest[v]));
    values
}
