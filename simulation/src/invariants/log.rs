//! What a log promises to whoever reads it: order, no loss of what was shown, no duplicate, agreement.

use crate::oracle::{Place, Verdict, Violation};
use crate::stage::Stage;
use consensus::{ClientValue, Decision, Slot};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};
use std::collections::{BTreeMap, BTreeSet};

/// What every learner has delivered at every node that follows the protocol.
#[derive(Debug)]
pub struct Logs {
    entangled: Vec<LearnerSet>,
    names: Vec<String>,
    /// Everything that was ever shown there, slot by slot.
    shown: BTreeMap<(Place, LearnerId), Vec<Shown>>,
    since: BTreeMap<(Place, LearnerId), Since>,
    /// The values that some learner has in a slot, wherever.
    decided: BTreeMap<Slot, BTreeMap<LearnerId, BTreeSet<Digest>>>,
}

/// What was shown of a slot.
#[derive(Debug)]
struct Shown {
    value: Digest,
    /// The client values that were new.
    new: Vec<Digest>,
}

/// What a node's log has: what its history had when it started, and what it has shown since.
#[derive(Debug, Default)]
struct Since {
    next: Slot,
    values: BTreeSet<Digest>,
    order: Vec<Digest>,
}

impl Logs {
    /// Nothing is delivered yet.
    #[must_use]
    pub fn new(stage: &Stage) -> Self {
        let learners = stage.network().graph().learners();
        Logs {
            entangled: stage.entangled(),
            names: learners
                .iter()
                .map(|l| stage.learner(l).to_owned())
                .collect(),
            shown: BTreeMap::new(),
            since: BTreeMap::new(),
            decided: BTreeMap::new(),
        }
    }

    /// A node starts again. It shows everything from the first slot on that its history has not: `next`.
    ///
    /// # Errors
    /// If that was never shown, or the history has what was not.
    pub fn restarts(&mut self, place: Place, next: impl Fn(LearnerId) -> Slot) -> Verdict {
        self.since.retain(|(at, _), _| *at != place);
        for ((at, learner), shown) in &self.shown {
            let next = next(*learner);
            let kept = usize::try_from(next.0).ok().and_then(|n| shown.get(..n));
            if *at != place {
                continue;
            }
            let Some(kept) = kept else {
                let what = format!("slot {next} is next after slot {}", shown.len());
                return Err(Violation::of("what is in the history was shown", what));
            };
            let order: Vec<Digest> = kept.iter().flat_map(|s| &s.new).copied().collect();
            let values = order.iter().copied().collect();
            let since = Since {
                next,
                values,
                order,
            };
            self.since.insert((place, *learner), since);
        }
        Ok(())
    }

    /// Learners deliver the next slot of their logs at a node.
    ///
    /// # Errors
    /// If it is not the next one, not what was shown there before, not what entangled learners have, or
    /// has a client's value for the second time.
    pub fn delivered(&mut self, place: Place, decision: &Decision) -> Verdict {
        let mut learners = decision.learners.into_iter();
        learners.try_for_each(|learner| self.delivers(place, learner, decision))
    }

    fn delivers(&mut self, place: Place, learner: LearnerId, decision: &Decision) -> Verdict {
        let (slot, value) = (decision.slot, decision.value);
        let since = self.since.entry((place, learner)).or_default();
        if since.next != slot {
            let what = format!("slot {slot} is delivered where slot {} is next", since.next);
            return Err(Violation::of("log order", what));
        }
        since.next = slot.next();
        let new: Vec<Digest> = decision.values.iter().map(ClientValue::id).collect();
        for id in &new {
            since.order.push(*id);
            if !since.values.insert(*id) {
                let what = format!("slot {slot} delivers a client's value again");
                return Err(Violation::of("no duplicate", what));
            }
        }
        let shown = self.shown.entry((place, learner)).or_default();
        match usize::try_from(slot.0).ok().and_then(|at| shown.get(at)) {
            Some(before) if (before.value, &before.new) != (value, &new) => {
                let what = format!("slot {slot} was shown with another value before a restart");
                return Err(Violation::of("what was shown stays", what));
            }
            Some(_) => {}
            None => shown.push(Shown { value, new }),
        }
        self.agrees(learner, slot, value)
    }

    /// HPaxos: Safety; Voting: Consistency.
    fn agrees(&mut self, learner: LearnerId, slot: Slot, value: Digest) -> Verdict {
        let decided = self.decided.entry(slot).or_default();
        for other in self.entangled[usize::from(learner.0)].iter() {
            let theirs = decided.get(&other).into_iter().flatten();
            if theirs.clone().any(|v| *v != value) {
                let name = |l: LearnerId| &self.names[usize::from(l.0)];
                let (mine, theirs) = (name(learner), name(other));
                let what = format!("{mine} and {theirs} decide different values in slot {slot}");
                return Err(Violation::of("Safety", what));
            }
        }
        decided.entry(learner).or_default().insert(value);
        Ok(())
    }

    /// The pairs of learners, entangled or not, that have decided different values in some slot.
    #[must_use]
    pub fn disagreements(&self) -> BTreeSet<(LearnerId, LearnerId)> {
        let mut pairs = BTreeSet::new();
        for decided in self.decided.values() {
            for (l1, mine) in decided {
                for (l2, theirs) in decided.range(*l1..) {
                    let differ = mine.iter().any(|v| theirs.iter().any(|w| v != w));
                    if differ {
                        pairs.insert((*l1, *l2));
                    }
                }
            }
        }
        pairs
    }

    /// The client values that a learner has at a node.
    #[must_use]
    pub fn values(&self, place: Place, learner: LearnerId) -> Option<&BTreeSet<Digest>> {
        self.since.get(&(place, learner)).map(|s| &s.values)
    }

    /// The client values that a learner has at a node, in the order of the log.
    #[must_use]
    pub fn order(&self, place: Place, learner: LearnerId) -> &[Digest] {
        let since = self.since.get(&(place, learner));
        since.map_or(&[], |s| &s.order)
    }

    /// How many slots a learner has at a node.
    #[must_use]
    pub fn len(&self, place: Place, learner: LearnerId) -> u64 {
        self.since.get(&(place, learner)).map_or(0, |s| s.next.0)
    }
}
