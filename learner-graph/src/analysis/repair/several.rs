//! Several changes that mend a pair together, where one threshold does not.

use super::super::violation::{Change, Repair};
use super::{Attempts, Enough, Repairs, least_of, raised, repair};
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::set::LearnerSet;
use crate::validity::Violation;
use std::collections::{BTreeMap, BTreeSet};

impl Attempts<'_> {
    /// Raises all thresholds that a counterexample depends on, and lowers again what need not be raised: first
    /// those of quorums, and then, for another way, first those of promises.
    pub(super) fn together(&self, at: usize, repairs: &mut Repairs) {
        let violation = &self.violations[at];
        let Some(needed) = &self.needed[at] else {
            return;
        };
        let all = self.thresholds.iter().enumerate();
        let open = all.filter(|(_, t)| needed.contains(t) && t.need < t.total);
        let all: BTreeMap<usize, u64> = open.map(|(number, t)| (number, t.total)).collect();
        match self.enough(&all, violation) {
            Enough::Yes => {}
            Enough::No => return,
            Enough::Unknown => {
                repairs.complete = false;
                return;
            }
        }
        for promises_first in [false, true] {
            let mut order: Vec<usize> = all.keys().copied().collect();
            order.sort_by_key(|number| self.thresholds[*number].is_promise() != promises_first);
            let (numbers, least) = self.lowered(&all, &order, violation);
            let Some(changed) = self.read(&numbers) else {
                repairs.complete = false;
                continue;
            };
            let changes = numbers.iter();
            let changes = changes.map(|(number, to)| raised(&self.thresholds[*number], *to));
            let changes: Vec<Change> = changes.collect();
            if self.stops_somebody(&changed) {
                if !repairs.that_stop.contains(&changes) {
                    repairs.that_stop.push(changes);
                }
                continue;
            }
            if repairs.found.iter().all(|known| known.changes != changes) {
                let effect = self.effect(&changed);
                repairs.found.push(repair(changes, least, effect));
            }
        }
    }

    /// Of numbers that are enough together those that are needed, none larger than needed; and whether that is known.
    fn lowered(
        &self,
        all: &BTreeMap<usize, u64>,
        order: &[usize],
        violation: &Violation,
    ) -> (BTreeMap<usize, u64>, bool) {
        let (mut numbers, mut least) = (all.clone(), true);
        for number in order {
            let mut fewer = numbers.clone();
            fewer.remove(number);
            match self.enough(&fewer, violation) {
                Enough::Yes => numbers = fewer,
                Enough::No => {}
                Enough::Unknown => least = false,
            }
        }
        for number in order.iter().filter(|number| all.contains_key(number)) {
            if !numbers.contains_key(number) {
                continue;
            }
            let enough = |to: u64| {
                let mut others = numbers.clone();
                others.insert(*number, to);
                self.enough(&others, violation)
            };
            let (to, known) = least_of(&self.thresholds[*number], enough);
            least &= known;
            numbers.insert(*number, to);
        }
        (numbers, least)
    }

    fn enough(&self, numbers: &BTreeMap<usize, u64>, violation: &Violation) -> Enough {
        match self.read(numbers) {
            Some(changed) => self.mends(&changed, violation),
            None => Enough::Unknown,
        }
    }

    fn read(&self, numbers: &BTreeMap<usize, u64>) -> Option<LearnerGraph> {
        let left = self.effort.take(self.size);
        left.then(|| self.written.changed(numbers))?
    }

    /// Takes either learner out of the promises that are not kept: out of all, and then back into those that are.
    pub(super) fn without_promise(&self, at: usize, repairs: &mut Repairs) {
        let violation = &self.violations[at];
        let pair: LearnerSet = [violation.from, violation.to].into_iter().collect();
        for learner in pair {
            repairs.found.extend(self.taken_out(learner, violation));
        }
    }

    fn taken_out(&self, learner: LearnerId, violation: &Violation) -> Option<Repair> {
        let name = self.graph.learner_name(learner);
        let entries = self.written.safe.iter().enumerate();
        let own = entries.filter(|(_, (_, between, _))| between.contains(learner));
        let own: Vec<(usize, LearnerSet)> = own.map(|(at, (_, set, _))| (at, *set)).collect();
        let mut out: BTreeSet<usize> = own.iter().map(|(at, _)| *at).collect();
        let mut least = true;
        for (at, _) in &own {
            let mut fewer = out.clone();
            fewer.remove(at);
            let left = self.effort.take(self.size);
            let changed = left.then(|| self.written.without(name, &fewer)).flatten();
            match changed.map_or(Enough::Unknown, |graph| self.mends(&graph, violation)) {
                Enough::Yes => out = fewer,
                Enough::No => {}
                Enough::Unknown => least = false,
            }
        }
        // Of one there is nothing less.
        least |= out.len() == 1;
        let changed = self.written.without(name, &out)?;
        let changes = own.iter().filter(|(at, _)| out.contains(at));
        let changes = changes.map(|(at, between)| {
            let place = self.written.safe_entry(*at)?;
            Some(match between.len() {
                1 => Change::Remove { place },
                _ => Change::TakeOut {
                    place,
                    learner: name.to_owned(),
                },
            })
        });
        Some(Repair {
            ends: self.ended(&changed),
            ..repair(
                changes.collect::<Option<_>>()?,
                least,
                self.effect(&changed),
            )
        })
    }

    /// To how many pairs of learners nothing is promised any more.
    fn ended(&self, changed: &LearnerGraph) -> usize {
        let all = self.graph.acceptors();
        let rows = self.graph.ent(&all).into_iter().zip(changed.ent(&all));
        let rows = rows.zip(self.graph.learners());
        rows.map(|((before, after), l)| (before - after).iter().filter(|other| l <= *other).count())
            .sum()
    }
}
