//! What hangs on each acceptor or group: who stops, and whose promise ends, if it fails as well.

use super::faults::Tolerance;
use super::harm::{Disentangles, Harm, Stops};
use super::report::{FaultReport, Limit, Verdict, Weight};
use super::run::Run;
use super::units::{UnitId, UnitSet};
use crate::expr::NodeId;
use crate::id::LearnerId;
use crate::kinds::Promise;
use crate::known::Known;
use crate::search::Found;
use crate::set::AcceptorSet;
use std::collections::{BTreeMap, HashMap};

/// The most questions that are asked to weigh units.
const MAX_WEIGHED: usize = 20_000;

/// What comes of one more failure; absent what was not decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Change {
    /// The harm is done, and was not before.
    done: Option<bool>,
    /// Less is tolerated than before.
    weakened: Option<bool>,
}

/// What hangs on each unit of a class.
pub(super) struct ClassWeight {
    pub(super) class: UnitSet,
    /// Without a name.
    pub(super) weight: Weight,
    /// How many pairs it disentangles, which need not all be named.
    pub(super) disentangled: usize,
}

/// What comes of the failure of each unit, for learners with the same quorums, and for pairs with the same promise.
#[derive(Default)]
pub(super) struct KnownWeights {
    progress: Known<(UnitId, NodeId), Change>,
    agreement: Known<(UnitId, Promise), Change>,
}

impl KnownWeights {
    pub(super) fn again(&mut self) {
        self.progress.again();
        self.agreement.again();
    }
}

impl Run<'_> {
    /// What hangs on each unit; nothing if there are too many questions.
    pub(super) fn weights(
        &mut self,
        learners: &[LearnerId],
        pairs: &[(LearnerId, LearnerId)],
    ) -> Vec<Weight> {
        let classes = self.class_weights(learners, pairs, usize::MAX);
        let mut weights = Vec::new();
        for ClassWeight { class, weight, .. } in classes {
            weights.extend(class.iter().map(|unit| {
                let name = self.units.name(unit).to_owned();
                let weight = weight.clone();
                (unit, Weight { name, ..weight })
            }));
        }
        weights.sort_by_key(|(unit, _)| *unit);
        weights.into_iter().map(|(_, weight)| weight).collect()
    }

    /// The same for classes of units that nothing tells apart, with at most so many pairs named of each.
    pub(super) fn class_weights(
        &mut self,
        learners: &[LearnerId],
        pairs: &[(LearnerId, LearnerId)],
        named: usize,
    ) -> Vec<ClassWeight> {
        let mut lives: HashMap<NodeId, Vec<LearnerId>> = HashMap::new();
        for l in learners {
            let live = self.kinds.quorums_of(*l);
            lives.entry(live).or_default().push(*l);
        }
        // In order, so that always the same are named.
        let mut agreements: BTreeMap<Promise, Vec<(LearnerId, LearnerId)>> = BTreeMap::new();
        for (l1, l2) in pairs {
            if self.is_promised(*l1, *l2) {
                let key = self.kinds.promise(*l1, *l2);
                agreements.entry(key).or_default().push((*l1, *l2));
            }
        }
        let roots = self.graph.live.iter().map(|(id, _)| *id);
        let roots = roots.chain(self.graph.rules.iter().map(|rule| rule.expr));
        let roots: Vec<NodeId> = roots.collect();
        // Nothing hangs on whoever stands in none of them.
        let matter = self.graph.exprs.supports(&roots);
        let classes = self.classes(&self.graph.exprs, (roots, matter));
        if classes.len() * (lives.len() + agreements.len()) > MAX_WEIGHED {
            self.limits.push(Limit::Weights);
            return Vec::new();
        }
        let graph = self.graph;
        let agreements = agreements.into_iter().map(|(key, pairs)| {
            let harm = Disentangles::new(graph, pairs[0].0, pairs[0].1);
            (key, (pairs, harm))
        });
        let agreements: BTreeMap<_, _> = agreements.collect();
        let name = |l: LearnerId| graph.learner_name(l).to_owned();
        let mut weights = Vec::new();
        for class in classes {
            let Some(unit) = class.iter().next() else {
                continue;
            };
            let mut weight = Weight {
                name: String::new(),
                stops: Vec::new(),
                disentangles: Vec::new(),
                weakens_progress: 0,
                weakens_agreement: 0,
                undecided_progress: 0,
                undecided_agreement: 0,
            };
            let failed = self.units.acceptors(&std::iter::once(unit).collect());
            let mut is_known = false;
            for (live, learners) in &lives {
                let change = self.without(unit, failed, *live, learners[0]);
                is_known |= change != Change::UNKNOWN;
                if change.is_open() {
                    weight.undecided_progress += learners.len();
                }
                if change.done == Some(true) {
                    weight.stops.extend(learners.iter().map(|l| name(*l)));
                }
                if change.weakened == Some(true) {
                    weight.weakens_progress += learners.len();
                }
            }
            weight.stops.sort();
            let mut disentangled = 0;
            for (key, (pairs, harm)) in &agreements {
                let change = self.lying(unit, failed, *key, harm);
                is_known |= change != Change::UNKNOWN;
                if change.is_open() {
                    weight.undecided_agreement += pairs.len();
                }
                if change.done == Some(true) {
                    let room = named.saturating_sub(weight.disentangles.len());
                    let some = pairs.iter().take(room);
                    let names = some.map(|(a, b)| [name(*a), name(*b)]);
                    weight.disentangles.extend(names);
                    disentangled += pairs.len();
                }
                if change.weakened == Some(true) {
                    weight.weakens_agreement += pairs.len();
                }
            }
            weight.disentangles.sort();
            self.complete &= weight.undecided_progress + weight.undecided_agreement == 0;
            if self.is_stopped() && !is_known {
                // Of this class nothing is known, which is not the same as that nothing hangs on it.
                self.complete = false;
                continue;
            }
            weights.push(ClassWeight {
                class,
                weight,
                disentangled,
            });
        }
        weights
    }

    /// What becomes of learners with these quorums if a unit is silent as well.
    fn without(
        &mut self,
        unit: UnitId,
        failed: AcceptorSet,
        quorums: NodeId,
        one: LearnerId,
    ) -> Change {
        let key = (unit, quorums);
        if let Some(known) = self.known.weights.progress.get(&key, self.is_stopped()) {
            return known;
        }
        let harm = Stops::new(self.graph, one);
        let before = self.known.stops.find(&quorums);
        let change = self.change(before, &harm, self.silent(), failed);
        let (decided, stopped) = (!change.is_open(), self.is_stopped());
        let known = &mut self.known.weights.progress;
        known.keep(key, change, decided, stopped)
    }

    /// What becomes of pairs with this promise if a unit lies as well.
    fn lying(
        &mut self,
        unit: UnitId,
        failed: AcceptorSet,
        promise: Promise,
        harm: &Disentangles<'_>,
    ) -> Change {
        let key = (unit, promise);
        if let Some(known) = self.known.weights.agreement.get(&key, self.is_stopped()) {
            return known;
        }
        let before = self.known.declared.find(&promise);
        let change = self.change(before, harm, self.options.suspicion.caught, failed);
        let (decided, stopped) = (!change.is_open(), self.is_stopped());
        let known = &mut self.known.weights.agreement;
        known.keep(key, change, decided, stopped)
    }

    /// What is done with the acceptors of `failed` faulty as well, beside what was known without.
    fn change<H: Harm>(
        &self,
        before: Option<&FaultReport>,
        harm: &H,
        given: AcceptorSet,
        failed: AcceptorSet,
    ) -> Change {
        let effort = self.effort();
        if effort.is_stopped() {
            return Change::UNKNOWN;
        }
        if !harm.about().1.intersects(&failed) {
            return Change::NONE;
        }
        let is_done = |faulty: AcceptorSet| match harm.done_by(&faulty, &effort) {
            Found::Yes(()) => Some(true),
            Found::No => Some(false),
            Found::Undecided => None,
        };
        let done = [is_done(given), is_done(given | failed)];
        let before = before.and_then(|report| match report.verdict {
            Verdict::Exact => report.tolerated,
            Verdict::Never => Some(usize::MAX),
            Verdict::Broken | Verdict::AtLeast | Verdict::Undecided => None,
        });
        let after = || self.faults(harm, given | failed).tolerance();
        Change::of(done, before, after)
    }
}

impl Change {
    const UNKNOWN: Self = Self {
        done: None,
        weakened: None,
    };
    /// What comes of the failure of units that do not matter.
    const NONE: Self = Self {
        done: Some(false),
        weakened: Some(false),
    };

    /// From whether the harm is done before and afterwards, what was tolerated before, and what is
    /// afterwards.
    fn of(
        done: [Option<bool>; 2],
        before: Option<usize>,
        after: impl FnOnce() -> Tolerance,
    ) -> Self {
        match done {
            // It cannot get worse.
            [Some(true), _] => Self {
                done: Some(false),
                weakened: Some(false),
            },
            [Some(false), Some(true)] => Self {
                done: Some(true),
                weakened: Some(true),
            },
            [Some(false), Some(false)] => Self {
                done: Some(false),
                weakened: before.and_then(|before| match before {
                    usize::MAX => Some(false),
                    _ => weakened(before, after()),
                }),
            },
            _ => Self::UNKNOWN,
        }
    }

    fn is_open(self) -> bool {
        self.done.is_none() || self.weakened.is_none()
    }
}

/// Whether less is tolerated than before.
fn weakened(before: usize, after: Tolerance) -> Option<bool> {
    match after {
        Tolerance::Broken => Some(true),
        Tolerance::Always => Some(false),
        Tolerance::Faults { tolerated, .. } => Some(tolerated < before),
        Tolerance::Between { at_least, .. } if at_least.is_some_and(|n| before <= n) => Some(false),
        Tolerance::Between { by, .. } => (by.len() <= before).then_some(true),
        Tolerance::Undecided => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_decided_is_no_answer() {
        let (yes, no) = (Some(true), Some(false));
        let faults = |tolerated: usize| Tolerance::Faults {
            tolerated,
            by: UnitSet::first(tolerated + 1),
        };
        let between = |found: usize| Tolerance::Between {
            at_least: Some(0),
            by: UnitSet::first(found),
        };
        for (done, before, after, expected) in [
            ([no, no], Some(2), faults(1), (no, yes)),
            ([no, no], Some(2), faults(2), (no, no)),
            ([no, no], Some(0), between(1), (no, no)),
            // Two of them are enough now, or three, and it was three.
            ([no, no], Some(2), between(2), (no, yes)),
            ([no, no], Some(2), between(3), (no, None)),
            ([no, no], Some(2), Tolerance::Undecided, (no, None)),
            ([no, no], None, faults(1), (no, None)),
            ([no, no], Some(usize::MAX), Tolerance::Undecided, (no, no)),
            ([no, yes], None, Tolerance::Broken, (yes, yes)),
            ([yes, yes], None, Tolerance::Broken, (no, no)),
            ([None, yes], None, Tolerance::Broken, (None, None)),
            ([no, None], Some(2), Tolerance::Undecided, (None, None)),
        ] {
            let (done_now, weakened) = expected;
            let change = Change {
                done: done_now,
                weakened,
            };
            assert_eq!(Change::of(done, before, || after), change, "{after:?}");
            assert_eq!(change.is_open(), done_now.is_none() || weakened.is_none());
        }
    }
}
