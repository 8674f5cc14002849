//! The proposer: Phase1a and Phase1c.

use super::SLOT_RANGE;
use super::learner::Learners;
use super::message::{OneC, Proposal};
use super::one_bs::{OneBs, SlotView};
use super::pages::Pages;
use super::received::Received;
use super::safe_at::{Trust, knows_safe_at};
use crate::log::batches::{Batches, Named};
use crate::log::pipeline::{Batching, Choice, Pipeline, Supply};
use crate::log::waiting::Waiting;
use crate::planted::{Bug, planted};
use crate::{Ballot, Page, Slot, Time};
use crypto::Digest;
use learner_graph::{AcceptorSet, LearnerId, LearnerSet};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    /// What it announced in `ballot`.
    pipeline: Pipeline,
    /// What some learner has decided and others have not.
    backlog: Backlog,
}

/// Slots that some learner has decided and others have not. They have a window of their own, one for each set of
/// learners that lack the same slots: who catches up does not slow the others.
#[derive(Debug, Default)]
struct Backlog {
    /// To be announced in, as far as they are not announced.
    slots: BTreeSet<Slot>,
    /// Announced, with the learners that had not decided; until one of them has.
    open: BTreeMap<Slot, LearnerSet>,
    /// Whether there is something new to announce in.
    changed: bool,
}

/// What a proposer looks at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) now: Time,
    pub(super) grace: Duration,
    pub(super) window: u64,
    pub(super) batching: Batching,
    /// How many turns every proposer has had before this one.
    pub(super) turn: u64,
    pub(super) received: &'a Received,
    pub(super) pages: &'a Pages,
    pub(super) one_bs: &'a OneBs,
    pub(super) learners: &'a Learners,
    pub(super) waiting: &'a Waiting,
    pub(super) batches: &'a Batches,
    pub(super) trust: Trust<'a>,
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
            self.pipeline.due()
        } else {
            Some(self.quorum_since?.saturating_add(grace))
        }
    }

    /// HPaxos: Phase1c(l, b, v) for everything that can be announced now. What is returned counts as
    /// announced, and it and the new batches must be durable before they leave.
    pub(super) fn phase_1c(&mut self, scene: Scene<'_>) -> (Vec<Named>, Option<OneC>) {
        let served = served(scene);
        if !self.is_ready(served, scene) {
            return (Vec::new(), None);
        }
        let learners = scene.learners;
        let everyone = scene.trust.graph.learners();
        let undecided_in = |slot| learners.undecided_in(slot);
        let wanted = |slot: Slot| undecided_in(slot).intersects(&served);
        let is_late = |slot: &Slot| undecided_in(*slot) != everyone;
        if self.looked != scene.one_bs.senders() {
            self.looked = scene.one_bs.senders();
            let settled = learners.settled();
            let reported = scene.one_bs.reported_from(settled).next_back();
            // Whatever a 1b claims, no honest acceptor has voted beyond the range that is heard.
            let reported = reported.map_or(settled, Slot::next);
            let end = reported
                .min(learners.front().plus(SLOT_RANGE))
                .max(learners.end());
            // Frozen pages have their turn when their learner comes to them.
            let slots = scene.received.hot(settled, end);
            let due = |slot: &Slot| scene.pages.is_due(*slot) && wanted(*slot);
            let (late, front): (BTreeSet<Slot>, BTreeSet<Slot>) =
                slots.filter(due).partition(is_late);
            self.backlog.look_back(late);
            self.pipeline.look_back(front.into_iter(), end);
        }
        // A learner whose quorum has fallen silent must not fill the window: one decision closes.
        let decided_as = |slot, value: &Digest| learners.decided_as(slot, value);
        let pipeline = &mut self.pipeline;
        pipeline.close(|slot| !is_late(&slot), decided_as, scene.waiting);
        let skipped = pipeline.fresh().up_to(learners.end());
        let (late, front): (BTreeSet<Slot>, BTreeSet<Slot>) =
            skipped.filter(|slot| wanted(*slot)).partition(is_late);
        pipeline.extend_to(learners.end(), front);
        self.backlog.extend(late);
        let (mut made, mut proposals) = (Vec::new(), Vec::new());
        let ballot = self.ballot;
        // Nothing is announced that nobody would hear, this node included: what it announced it has to
        // remember.
        let last = learners.front().plus(SLOT_RANGE);
        let choose = |slot| {
            let choice = choose(served, slot, scene);
            choice.filter(|_| slot <= last && wanted(slot))
        };
        let supply = Supply {
            waiting: scene.waiting,
            batches: scene.batches,
            batching: scene.batching,
            now: scene.now,
        };
        let propose = |(slot, value)| Proposal {
            slot,
            value,
            learners: undecided_in(slot),
        };
        // Where learners are not connected a value may go into their gaps, which come before what is fresh.
        let announce = |slot| {
            let choice = choose(slot)?;
            pipeline.next_in(slot, choice, supply, &mut made)
        };
        let behind = self.backlog.next(scene.window, undecided_in, announce);
        // They are among those that the pipeline counts until it closes them.
        let window = scene.window + behind.len() as u64;
        proposals.extend(behind.into_iter().map(propose));
        while self.pipeline.open() < window {
            let next = self.pipeline.next(choose, supply, &mut made);
            let Some(next) = next else { break };
            proposals.push(propose(next));
        }
        proposals.sort_unstable_by_key(|p| p.slot);
        let one_c = (!proposals.is_empty()).then_some(OneC { ballot, proposals });
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

    /// A value waits again although an announced batch carries it.
    pub(super) fn release(&mut self, id: &Digest, waiting: &Waiting) {
        self.pipeline.release(id, waiting);
    }

    /// Everything below a slot is settled: what was announced there is asked for no more.
    pub(super) fn forget_below(&mut self, slot: Slot, waiting: &Waiting) {
        self.pipeline.forget_below(slot, waiting);
        self.backlog.retain(|at| at >= slot);
    }

    /// Whether everything that it announced in a page has come back to it.
    pub(super) fn is_announced(&self, page: Page, received: &Received) -> bool {
        let mut proposed = self
            .pipeline
            .proposed()
            .filter(|(slot, _)| page.contains(*slot));
        proposed.all(|(slot, value)| {
            let announced = received.slot(slot).and_then(|s| s.announced(self.ballot));
            announced.is_some_and(|a| a.value == value)
        })
    }

    /// A page leaves memory: what was announced there comes back with it.
    pub(super) fn freeze(&mut self, page: Page, waiting: &Waiting) {
        self.pipeline.forget(page, waiting);
        self.backlog.retain(|slot| !page.contains(slot));
    }

    /// The values announced in the present ballot.
    pub(super) fn announced(&self) -> impl Iterator<Item = Digest> {
        self.pipeline.proposed().map(|(_, value)| value)
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
    pub(super) fn restore_1c(
        &mut self,
        one_c: &OneC,
        of: impl Fn(Slot) -> bool,
        batches: &Batches,
    ) {
        // It has started what it announced in, whichever of the two comes back first.
        self.restore_1a(one_c.ballot);
        if one_c.ballot == self.ballot && !planted(Bug::ForgetAnnounced) {
            for p in one_c.proposals.iter().filter(|p| of(p.slot)) {
                self.pipeline.restore(p.slot, p.value, batches);
            }
        }
    }
}

impl Backlog {
    /// These are to be announced in, as far as they are not announced.
    fn look_back(&mut self, slots: BTreeSet<Slot>) {
        self.slots = slots;
        self.changed = true;
    }

    fn extend(&mut self, slots: BTreeSet<Slot>) {
        self.changed |= !slots.is_empty();
        self.slots.extend(slots);
    }

    fn retain(&mut self, stays: impl Fn(Slot) -> bool) {
        self.slots.retain(|slot| stays(*slot));
        self.open.retain(|slot, _| stays(*slot));
        self.changed = true;
    }

    /// Announces in the next slots, as far as there is room. Where `announce` cannot, looking back finds the slot
    /// again.
    fn next(
        &mut self,
        window: u64,
        undecided_in: impl Fn(Slot) -> LearnerSet,
        mut announce: impl FnMut(Slot) -> Option<(Slot, Digest)>,
    ) -> Vec<(Slot, Digest)> {
        let before = self.open.len();
        self.open.retain(|slot, by| undecided_in(*slot) == *by);
        let mut room = before - self.open.len();
        if std::mem::take(&mut self.changed) {
            room = usize::MAX;
        }
        let mut open: BTreeMap<LearnerSet, u64> = BTreeMap::new();
        for by in self.open.values() {
            *open.entry(*by).or_default() += 1;
        }
        let mut announced = Vec::new();
        self.slots.retain(|slot| {
            if room == 0 {
                return true;
            }
            let by = undecided_in(*slot);
            let open = open.entry(by).or_default();
            if *open >= window {
                return true;
            }
            if let Some(next) = announce(*slot) {
                *open += 1;
                room -= 1;
                self.open.insert(*slot, by);
                announced.push(next);
            }
            false
        });
        announced
    }
}

/// The learners with a quorum of 1b.
fn served(scene: Scene<'_>) -> LearnerSet {
    let graph = scene.trust.graph;
    graph.with_quorum(graph.learners(), &scene.one_bs.senders())
}

/// Which value to announce in a slot, judged as acceptors will judge it. `None` if none is safe.
fn choose(served: LearnerSet, slot: Slot, scene: Scene<'_>) -> Option<Choice> {
    let view = scene.one_bs.of_slot(slot);
    let wanting = scene.learners.undecided_in(slot) & served;
    let safe_for = |value: &Digest| -> LearnerSet {
        wanting
            .iter()
            .filter(|l| knows_safe_at(scene.trust, &view, *l, value))
            .collect()
    };
    // No batch has this digest: it stands for any value that was never proposed here.
    let free = safe_for(&Digest([0; 32]));
    let here = |value: &Digest| scene.batches.here(value);
    let shown: Vec<(Digest, LearnerSet)> = shown(&view)
        .into_iter()
        .map(|value| (value, safe_for(&value)))
        .collect();
    // The value of the highest 2av that serves everyone. One whose bytes are not here may be a liar's invention,
    // which nobody can ever store: whoever any value serves does not wait for it.
    let everyones = |(value, learners): &&(Digest, LearnerSet)| {
        *learners == wanting && (here(value) || free.is_empty())
    };
    if let Some((value, _)) = shown.iter().find(everyones) {
        return Some(Choice::Taken(*value));
    }
    // Where none does, learners have forked, or some are bound to what others are not. They take turns, since
    // one ballot has one value.
    let for_learner = |learner: LearnerId| {
        let mut serve = shown
            .iter()
            .filter(|(_, learners)| learners.contains(learner));
        let seen = serve.clone().find(|(value, _)| here(value));
        match seen {
            None if free.contains(learner) => Some(Choice::Any),
            None => serve.next().map(|(value, _)| Choice::Taken(*value)),
            Some((value, _)) => Some(Choice::Taken(*value)),
        }
    };
    let turn = scene.turn.checked_rem(wanting.len() as u64)?;
    let turn = usize::try_from(turn).ok()?;
    let all = wanting.iter().cycle().skip(turn).take(wanting.len());
    all.into_iter().find_map(for_learner)
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
