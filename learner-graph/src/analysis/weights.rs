//! What hangs on each acceptor or group: who stops, and whose promise ends, if it fails as well.

use super::faults::Tolerance;
use super::harm::{Disentangles, Harm, Stops};
use super::of_graph::Run;
use super::report::{FaultReport, Verdict, Weight};
use super::units::UnitSet;
use crate::expr::NodeId;
use crate::id::LearnerId;
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
        let all = self.graph.acceptors();
        let mut lives: HashMap<NodeId, Vec<LearnerId>> = HashMap::new();
        for l in learners {
            let live = self.graph.live[usize::from(l.0)].0;
            lives.entry(live).or_default().push(*l);
        }
        // In order, so that always the same are named.
        let mut agreements: BTreeMap<(usize, usize), Vec<(LearnerId, LearnerId)>> = BTreeMap::new();
        for (l1, l2) in pairs {
            if self.is_promised(*l1, *l2) {
                let key = self.declared_key(*l1, *l2);
                agreements.entry(key).or_default().push((*l1, *l2));
            }
        }
        let roots = self.graph.live.iter().map(|(id, _)| *id);
        let roots = roots.chain(self.graph.rules.iter().map(|rule| rule.expr));
        let classes = self.classes((roots.collect(), all));
        if classes.len() * (lives.len() + agreements.len()) > MAX_WEIGHED {
            self.complete = false;
            return Vec::new();
        }
        let name = |l: LearnerId| self.graph.learner_name(l).to_owned();
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
            for (live, learners) in &lives {
                let harm = Stops::new(self.graph, learners[0]);
                let change = self.change(self.stops.get(live), &harm, self.silent() | failed);
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
            let caught = self.options.suspicion.caught;
            for (key, pairs) in &agreements {
                let harm = Disentangles::new(self.graph, pairs[0].0, pairs[0].1);
                let change = self.change(self.declared.get(key), &harm, caught | failed);
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
            if self.effort().is_stopped() {
                // Of this class and those to come nothing is known, which is not the same as that nothing
                // hangs on them.
                self.complete = false;
                break;
            }
            self.complete &= weight.undecided_progress + weight.undecided_agreement == 0;
            weights.push(ClassWeight {
                class,
                weight,
                disentangled,
            });
        }
        weights
    }

    /// What is done with these acceptors faulty, beside what was known without one of them.
    fn change<H: Harm>(
        &self,
        before: Option<&FaultReport>,
        harm: &H,
        given: AcceptorSet,
    ) -> Change {
        match before {
            _ if self.effort().is_stopped() => {
                Change::of((Verdict::Undecided, None), Tolerance::Undecided)
            }
            Some(before) => Change::of(
                (before.verdict, before.tolerated),
                self.faults(harm, given).tolerance(),
            ),
            None => Change::of((Verdict::Undecided, None), Tolerance::Undecided),
        }
    }
}

impl Change {
    /// From what was tolerated before, and what is afterwards.
    fn of((verdict, tolerated): (Verdict, Option<usize>), after: Tolerance) -> Self {
        let held = match verdict {
            Verdict::Broken => Some(false),
            Verdict::Exact | Verdict::AtLeast | Verdict::Never => Some(true),
            Verdict::Undecided => None,
        };
        let broken = match after {
            Tolerance::Broken => Some(true),
            Tolerance::Undecided | Tolerance::Between { at_least: None, .. } => None,
            Tolerance::Faults { .. } | Tolerance::Between { .. } | Tolerance::Always => Some(false),
        };
        let done = match (held, broken) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        let weakened = match (verdict, tolerated, after) {
            // What cannot get worse.
            (Verdict::Broken | Verdict::Never, ..) | (.., Tolerance::Always) => Some(false),
            (_, _, Tolerance::Broken) => done,
            (Verdict::Exact, Some(before), Tolerance::Faults { tolerated, .. }) => {
                Some(tolerated < before)
            }
            (Verdict::Exact, Some(before), Tolerance::Between { at_least, by }) => {
                match at_least.is_some_and(|least| before <= least) {
                    true => Some(false),
                    false => (by.len() <= before).then_some(true),
                }
            }
            _ => None,
        };
        Self { done, weakened }
    }

    fn is_open(self) -> bool {
        self.done.is_none() || self.weakened.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(before: usize) -> (Verdict, Option<usize>) {
        (Verdict::Exact, Some(before))
    }

    fn between(at_least: Option<usize>, found: usize) -> Tolerance {
        let by = UnitSet::first(found);
        Tolerance::Between { at_least, by }
    }

    #[test]
    fn what_was_not_decided_is_no_answer() {
        let unknown = (Verdict::Undecided, None);
        let faults = |tolerated: usize| Tolerance::Faults {
            tolerated,
            by: UnitSet::first(tolerated + 1),
        };
        for (before, after, done, weakened) in [
            (exact(2), faults(1), Some(false), Some(true)),
            (exact(2), faults(2), Some(false), Some(false)),
            (exact(0), Tolerance::Broken, Some(true), Some(true)),
            (exact(2), Tolerance::Undecided, None, None),
            // Two of them are enough now, or three, and it was three.
            (exact(2), between(Some(0), 2), Some(false), Some(true)),
            (exact(2), between(Some(0), 3), Some(false), None),
            (exact(2), between(None, 3), None, None),
            (unknown, Tolerance::Broken, None, None),
            (unknown, faults(1), Some(false), None),
            (
                (Verdict::AtLeast, Some(0)),
                Tolerance::Broken,
                Some(true),
                Some(true),
            ),
            ((Verdict::AtLeast, Some(0)), faults(1), Some(false), None),
            (
                (Verdict::Broken, None),
                Tolerance::Undecided,
                Some(false),
                Some(false),
            ),
            (
                (Verdict::Never, Some(4)),
                Tolerance::Always,
                Some(false),
                Some(false),
            ),
        ] {
            let change = Change { done, weakened };
            assert_eq!(Change::of(before, after), change, "{before:?} {after:?}");
            assert_eq!(change.is_open(), done.is_none() || weakened.is_none());
        }
    }
}
