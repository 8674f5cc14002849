//! Which changes of the file would make a pair of learners valid.
//!
//! ```text
//!  one threshold that is raised ─none─► several that are raised together        a learner taken out of promises
//! ```
//!
//! Larger thresholds leave fewer quorums and fewer safe sets, and so do fewer promises: no change makes a valid pair invalid,
//! and what one number mends a larger one mends as well: the least is found by halving.
//! Every attempt is made with the file: something in it is another, all is read again, whatever shares
//! a definition changes with it, and the pair is searched for a counterexample. The last way is always open: to a
//! learner in no promise nobody is promised to agree.

mod price;
mod several;

use super::text::MAX_ROWS;
use super::violation::{Change, Price, Repair};
use crate::effort::Effort;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::kinds::Kinds;
use crate::search::{Found, Search};
use crate::set::AcceptorSet;
use crate::validity::Violation;
use crate::written::{Needed, Threshold, Written};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

/// The steps that all attempts may take together. To read a file again takes one for each member.
const STEPS: u64 = 1_000_000;
/// The steps that one question may take.
const QUESTION: u64 = 100_000;

/// What mends a counterexample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repairs {
    pub(crate) found: Vec<Repair>,
    /// Whether every threshold that the pair depends on was tried, alone and with others, and what came of it is known.
    pub(crate) complete: bool,
    /// Ways to raise thresholds that would mend it, and take the last available quorum from a learner.
    pub(crate) that_stop: Vec<Vec<Change>>,
}

/// For each counterexample what mends it: whoever has a quorum of `available` acceptors keeps one. Those of `caught` lie
/// already. It may take so many times as many steps as usual.
pub(crate) fn repairs(
    graph: &LearnerGraph,
    violations: &[Violation],
    available: &AcceptorSet,
    caught: &AcceptorSet,
    times: u64,
    effort: &Effort,
) -> Vec<Repairs> {
    let Some(written) = graph.written.as_deref() else {
        return vec![Repairs::default(); violations.len()];
    };
    let effort = effort.again(STEPS.saturating_mul(times));
    let uses = written.uses();
    let needed = |v: &Violation| {
        if !effort.is_left() {
            return None;
        }
        let needed = written.needed(&uses, graph, [v.from, v.to]);
        effort.take(needed.len() as u64);
        Some(needed)
    };
    let attempts = Attempts {
        graph,
        written,
        thresholds: written.thresholds(),
        size: written.size(),
        needed: violations.iter().map(needed).collect(),
        violations,
        available,
        caught,
        stood: OnceCell::new(),
        question: QUESTION.saturating_mul(times),
        effort: effort.clone(),
    };
    let none = |needed: &Option<Needed>| Repairs {
        found: Vec::new(),
        complete: needed.is_some(),
        that_stop: Vec::new(),
    };
    let mut found: Vec<Repairs> = attempts.needed.iter().map(none).collect();
    // Those that are shown come first.
    let shown = violations.len().min(MAX_ROWS);
    for part in [0..shown, shown..violations.len()] {
        for (number, threshold) in attempts.thresholds.iter().enumerate() {
            attempts.threshold(number, threshold, part.clone(), &mut found);
        }
        for at in part {
            let repairs = &mut found[at];
            if repairs.found.is_empty() {
                attempts.together(at, repairs);
            }
            if at < shown || effort.is_left() {
                attempts.without_promise(at, repairs);
            }
            repairs.found.sort_by_key(Repair::rank);
        }
    }
    found
}

struct Attempts<'a> {
    graph: &'a LearnerGraph,
    written: &'a Written,
    thresholds: Vec<Threshold>,
    /// How much there is to read.
    size: u64,
    violations: &'a [Violation],
    /// What each of them depends on; nothing if the steps ran out before that was looked up.
    needed: Vec<Option<Needed>>,
    available: &'a AcceptorSet,
    caught: &'a AcceptorSet,
    /// What is stood without a change.
    stood: OnceCell<price::Stood>,
    /// The steps that one question may take.
    question: u64,
    effort: Effort,
}

/// What comes of a change, beside that it mends a pair.
#[derive(Clone, Copy)]
struct Effect {
    /// How many pairs become valid, and how many do not; nothing if that is not known.
    validity: Option<(usize, usize)>,
    price: Price,
}

/// What is known of a number.
enum Enough {
    Yes,
    No,
    Unknown,
}

impl Attempts<'_> {
    /// Raises one threshold of the file, for all of these counterexamples that it could mend.
    fn threshold(
        &self,
        number: usize,
        threshold: &Threshold,
        part: Range<usize>,
        found: &mut [Repairs],
    ) {
        if threshold.need >= threshold.total {
            return;
        }
        let mut graphs = Graphs {
            number,
            read: HashMap::new(),
        };
        let mut effects: HashMap<u64, Effect> = HashMap::new();
        for at in part {
            let violation = &self.violations[at];
            let needed = self.needed[at].as_ref();
            if !needed.is_some_and(|needed| needed.contains(threshold)) {
                continue;
            }
            let Some((raise_to, least)) = self.least(&mut graphs, threshold, violation) else {
                found[at].complete = false;
                continue;
            };
            let Some(raise_to) = raise_to else { continue };
            let Some(changed) = graphs.read(self, raise_to) else {
                found[at].complete = false;
                continue;
            };
            if self.stops_somebody(changed) {
                found[at].that_stop.push(vec![raised(threshold, raise_to)]);
                continue;
            }
            let effect = effects.entry(raise_to);
            let effect = *effect.or_insert_with(|| self.effect(changed));
            let change = raised(threshold, raise_to);
            found[at].found.push(repair(vec![change], least, effect));
        }
    }

    /// The least number that mends a pair, and whether it is known to be the least; none if there
    /// is none. Nothing if that is not known.
    fn least(
        &self,
        graphs: &mut Graphs,
        threshold: &Threshold,
        violation: &Violation,
    ) -> Option<(Option<u64>, bool)> {
        let mut enough = |number: u64| match graphs.read(self, number) {
            Some(changed) => self.mends(changed, violation),
            None => Enough::Unknown,
        };
        match enough(threshold.total) {
            Enough::Yes => {}
            Enough::No => return Some((None, true)),
            Enough::Unknown => return None,
        }
        let (number, least) = least_of(threshold, enough);
        Some((Some(number), least))
    }

    fn mends(&self, changed: &LearnerGraph, v: &Violation) -> Enough {
        let stays = changed.trust_safe(v.from, v.to, &v.safe)
            && changed.is_quorum(v.from, &v.quorum_from)
            && changed.is_quorum(v.to, &v.quorum_to);
        if stays {
            return Enough::No;
        }
        match self.violation(changed, v.from, v.to) {
            Found::Yes(_) => Enough::No,
            Found::No => Enough::Yes,
            Found::Undecided => Enough::Unknown,
        }
    }

    /// A counterexample of a pair, in the steps that are left.
    fn violation(
        &self,
        changed: &LearnerGraph,
        from: LearnerId,
        to: LearnerId,
    ) -> Found<Violation> {
        let [search, solver] = [(); 2].map(|()| self.effort.again(self.question));
        let found = match self.effort.is_left() {
            true => {
                let mut search = Search::new(&changed.exprs, &search);
                changed.violation(&mut search, from, to, &solver)
            }
            false => Found::Undecided,
        };
        let left = search.left().saturating_add(solver.left());
        let taken = self.question.saturating_mul(2).saturating_sub(left);
        self.effort.take(taken + 1);
        found
    }

    /// Whether a learner has no quorum left that had one.
    fn stops_somebody(&self, changed: &LearnerGraph) -> bool {
        self.graph.learners().iter().any(|l| {
            self.graph.is_quorum(l, self.available) && !changed.is_quorum(l, self.available)
        })
    }

    /// What comes of a change.
    fn effect(&self, changed: &LearnerGraph) -> Effect {
        Effect {
            validity: self.validity(changed),
            price: self.price(changed),
        }
    }

    /// How many pairs of learners become valid with a change, and how many stay as they are;
    /// nothing if that is not known.
    fn validity(&self, changed: &LearnerGraph) -> Option<(usize, usize)> {
        let kinds = Kinds::of(self.graph);
        let after = Kinds::of(changed);
        let bad = self.violations.iter().map(|v| kinds.pair(v.from, v.to));
        let bad: HashSet<_> = bad.collect();
        let mut known = HashMap::new();
        let (mut mended, mut left) = (0, 0);
        for (from, to) in self.graph.pairs() {
            if !bad.contains(&kinds.pair(from, to)) {
                continue;
            }
            let kind = known.entry(after.pair(from, to));
            match kind.or_insert_with(|| self.violation(changed, from, to).map(|_| ())) {
                Found::Yes(()) => left += 1,
                Found::No => mended += 1,
                Found::Undecided => return None,
            }
        }
        Some((mended, left))
    }
}

/// A threshold that is raised.
fn raised(threshold: &Threshold, raise_to: u64) -> Change {
    Change::Raise {
        place: threshold.place.clone(),
        threshold: threshold.need,
        raise_to,
    }
}

/// Changes with what comes of them; promises stay.
fn repair(changes: Vec<Change>, least: bool, effect: Effect) -> Repair {
    Repair {
        changes,
        least,
        mends: effect.validity.map(|(mends, _)| mends),
        leaves: effect.validity.map(|(_, leaves)| leaves),
        ends: 0,
        price: effect.price,
    }
}

/// The least number that is enough, where the largest is, and whether it is known to be the least.
fn least_of(threshold: &Threshold, mut enough: impl FnMut(u64) -> Enough) -> (u64, bool) {
    let (mut below, mut at, mut least) = (threshold.need, threshold.total, true);
    while at - below > 1 {
        let middle = below + (at - below) / 2;
        match enough(middle) {
            Enough::Yes => at = middle,
            Enough::No => below = middle,
            Enough::Unknown => {
                least = false;
                below = middle;
            }
        }
    }
    (at, least)
}

/// The graphs of a file with one threshold changed, by its number.
struct Graphs {
    number: usize,
    read: HashMap<u64, Option<LearnerGraph>>,
}

impl Graphs {
    fn read(&mut self, attempts: &Attempts<'_>, need: u64) -> Option<&LearnerGraph> {
        let graph = self.read.entry(need).or_insert_with(|| {
            let left = attempts.effort.take(attempts.size);
            left.then(|| {
                attempts
                    .written
                    .changed(&BTreeMap::from([(self.number, need)]))
            })?
        });
        graph.as_ref()
    }
}
