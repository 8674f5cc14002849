//! The strongest TrustSafe that the quorums of learners allow.
//!
//! TrustSafe is transitive, and the [conditions](super::conditions) under which each two learners can agree need not be.
//! Then some set of safe acceptors is in those of two pairs and not in that of the third, and there is no strongest
//! TrustSafe: one of the two has to give way, and either may.

use super::conditions::{Conditions, Sorted, Splitting};
use super::redundant::follows;
use super::report::{Conflict, Declared, Strongest};
use super::together::together;
use crate::effort::Effort;
use crate::expr::{Exprs, NodeId};
use crate::family::Family;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::search::{Found, Search};
use crate::set::{AcceptorSet, LearnerSet};
use std::collections::{BTreeSet, HashMap};

/// The most conflicts that are named.
const MAX_CONFLICTS: usize = 16;
/// The steps that looking for one conflict may take.
const STEPS: u64 = 50_000;
/// The steps that looking for all of them may take.
const ALL_STEPS: u64 = 2_000_000;

/// The strongest TrustSafe, from the splitting sets of every pair (the smaller learner first). Looking for conflicts
/// may take so many times as many steps as usual. Whether the graph says all of it; nothing if that is not known.
pub(crate) fn strongest(
    graph: &LearnerGraph,
    splitting: Vec<((LearnerId, LearnerId), Splitting)>,
    times: u64,
    effort: &Effort,
) -> (Strongest, Option<bool>) {
    let mut exprs = graph.exprs.clone();
    let Sorted {
        known,
        never,
        undecided,
        too_many,
    } = Sorted::new(graph, splitting, &mut exprs, times, effort);
    let name = |(a, b)| [a, b].map(|l| graph.learner_name(l).to_owned());
    let mut found = Conflicts::new(&exprs, times, effort);
    found.look(graph, &known, &undecided);
    let agreements = entries(&known);
    let (declared, chosen) = match (undecided.is_empty(), found.named.is_empty()) {
        (false, _) => (None, None),
        (true, false) => (Some(false), together(graph, &exprs, &known, times, effort)),
        (true, true) => (
            says_all(graph, &exprs, &agreements, times, effort),
            (found.undecided == 0).then(|| known.clone()),
        ),
    };
    let written = |entries: Vec<(NodeId, LearnerSet)>| -> Vec<Declared> {
        let entry = |(when, learners): (NodeId, LearnerSet)| Declared {
            between: graph.learner_names(&learners),
            when: graph.toml_of(&exprs, when),
        };
        entries.into_iter().map(entry).collect()
    };
    let strongest = Strongest {
        together: chosen.map(|chosen| written(entries(&chosen))),
        agreements: written(agreements),
        never: never.into_iter().map(name).collect(),
        conflicts: found.named,
        conflicts_left_out: found.left_out,
        conflicts_undecided: found.undecided,
        undecided: undecided.iter().copied().map(name).collect(),
        too_many,
    };
    (strongest, declared)
}

/// Whether these agreements, over more expressions than those of a graph, follow from what it declares.
fn says_all(
    graph: &LearnerGraph,
    exprs: &Exprs,
    entries: &[(NodeId, LearnerSet)],
    times: u64,
    effort: &Effort,
) -> Option<bool> {
    let mut declared = graph.clone();
    declared.exprs = exprs.clone();
    let mut search = Search::new(exprs, effort);
    let mut all = Some(true);
    for (when, learners) in entries {
        match follows(&declared, (*learners, *when), times, &mut search) {
            Found::Yes(()) => {}
            Found::No => return Some(false),
            Found::Undecided => all = None,
        }
    }
    all
}

fn of(known: &Conditions, a: LearnerId, b: LearnerId) -> Option<NodeId> {
    known.get(&(a.min(b), a.max(b))).copied()
}

/// Sets that are in the conditions of two pairs with a learner in common and not in that of the
/// other two: one for each of these.
struct Conflicts {
    named: Vec<Conflict>,
    left_out: usize,
    undecided: usize,
    search: Search,
    effort: Effort,
    /// For all that is to come.
    steps: u64,
    /// For one question.
    of_each: u64,
    /// Of two conditions and a third one what a search found.
    known: HashMap<(NodeId, NodeId, Option<NodeId>), Found<AcceptorSet>>,
}

impl Conflicts {
    fn new(exprs: &Exprs, times: u64, effort: &Effort) -> Self {
        Self {
            named: Vec::new(),
            left_out: 0,
            undecided: 0,
            search: Search::new(exprs, effort),
            effort: effort.clone(),
            steps: ALL_STEPS.saturating_mul(times),
            of_each: STEPS.saturating_mul(times),
            known: HashMap::new(),
        }
    }

    /// Looks at all pairs with a condition that is known.
    fn look(
        &mut self,
        graph: &LearnerGraph,
        known: &Conditions,
        undecided: &BTreeSet<(LearnerId, LearnerId)>,
    ) {
        let all = graph.acceptors();
        let name = |l: LearnerId| graph.learner_name(l).to_owned();
        for (l1, l3) in graph.pairs().into_iter().filter(|(l1, l3)| l1 != l3) {
            if undecided.contains(&(l1, l3)) {
                continue;
            }
            let third = of(known, l1, l3);
            let mut open = false;
            for l2 in graph.learners().iter().filter(|l2| *l2 != l1 && *l2 != l3) {
                let (Some(first), Some(second)) = (of(known, l1, l2), of(known, l2, l3)) else {
                    let is_open =
                        |a: LearnerId, b: LearnerId| undecided.contains(&(a.min(b), a.max(b)));
                    open |= is_open(l1, l2) || is_open(l2, l3);
                    continue;
                };
                if third == Some(first) || third == Some(second) {
                    continue;
                }
                match self.separate(&all, [first, second], third) {
                    Found::No => {}
                    Found::Undecided => open = true,
                    Found::Yes(_) if self.named.len() == MAX_CONFLICTS => {
                        self.left_out += 1;
                        open = false;
                        break;
                    }
                    Found::Yes(set) => {
                        self.named.push(Conflict {
                            by: name(l2),
                            between: [name(l1), name(l3)],
                            safe: graph.acceptor_names(&set),
                        });
                        open = false;
                        break;
                    }
                }
                if self.effort.is_stopped() {
                    // Others were not asked.
                    open = true;
                    break;
                }
            }
            self.undecided += usize::from(open);
        }
    }

    /// A set in both conditions and not in the third.
    fn separate(
        &mut self,
        all: &AcceptorSet,
        [first, second]: [NodeId; 2],
        third: Option<NodeId>,
    ) -> Found<AcceptorSet> {
        let key = (first.min(second), first.max(second), third);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let steps = self.steps.min(self.of_each);
        self.search.allow(steps);
        let both = self.search.both(first, second);
        let outside: Vec<Family> = third.map(Family::Of).into_iter().collect();
        let found = self.search.separate(all, &both, &outside);
        self.steps -= steps - self.search.left().min(steps);
        self.known.insert(key, found);
        found
    }
}

/// The conditions as they are written in a file: learners each two of which have the same one are
/// one entry.
pub(super) fn entries(known: &Conditions) -> Vec<(NodeId, LearnerSet)> {
    let mut entries: Vec<(NodeId, LearnerSet)> = Vec::new();
    // The places of the entries with each condition.
    let mut places: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for ((l1, l2), when) in known {
        let pair: LearnerSet = [*l1, *l2].into_iter().collect();
        // Those of an entry are alike already.
        let all_alike = |set: &LearnerSet| {
            let joined = *set | pair;
            let with_all = |a| joined.iter().all(|b| of(known, a, b) == Some(*when));
            pair.is_subset(set) || pair.iter().all(with_all)
        };
        let of_it = places.entry(*when).or_default();
        match of_it.iter().find(|at| all_alike(&entries[**at].1)) {
            Some(at) => entries[*at].1 |= pair,
            None => {
                of_it.push(entries.len());
                entries.push((*when, pair));
            }
        }
    }
    // What larger entries say already is left out.
    let said = |at: usize| {
        let (when, set) = entries[at];
        places[&when].iter().any(|other| {
            let (_, s) = entries[*other];
            *other != at && set.is_subset(&s) && (set != s || *other < at)
        })
    };
    let kept = (0..entries.len()).filter(|at| !said(*at));
    kept.map(|at| entries[at]).collect()
}
