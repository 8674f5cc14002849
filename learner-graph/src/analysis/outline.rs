//! What a page shows of a graph: how much its learners bear, with one smallest set of each kind, and
//! what hangs on each acceptor. Nothing is listed that grows faster than the graph, so that graphs of
//! hundreds of acceptors are outlined at once.

use super::options::Options;
use super::report::{FaultReport, Verdict};
use super::run::Run;
use super::units::{UnitSet, Units};
use super::weights::ClassWeight;
use crate::graph::LearnerGraph;
use crate::report::Names;
use serde::Serialize;

/// The most pairs of learners that are named of which the same is to be said.
pub const MAX_PAIRS_NAMED: usize = 1000;
/// The most groups of such pairs.
pub const MAX_PAIR_GROUPS: usize = 300;
/// The most pairs that are named of one acceptor.
pub const MAX_DISENTANGLED_NAMED: usize = 100;

/// What a graph bears, in short.
#[derive(Clone, Debug, Serialize)]
pub struct Outline {
    /// Acceptors that are taken to be silent.
    pub crashed: Names,
    /// Acceptors that are taken to lie, and that may be silent as well.
    pub byzantine: Names,
    /// What stops the learners. Those of which the same is to be said are together.
    pub learners: Vec<OutlinedLearners>,
    /// What keeps learners from agreeing that have promised it: only pairs of which something is
    /// declared, or each with itself.
    pub pairs: Vec<OutlinedPairs>,
    /// How many such pairs are in none of the groups, of which there are at most
    /// [`MAX_PAIR_GROUPS`].
    pub pairs_left_out: usize,
    /// What hangs on each unit; nothing is known of those that are missing.
    pub weights: Vec<OutlinedUnits>,
    /// Whether every question was answered; if not, the time or the steps ran out.
    pub complete: bool,
}

/// How many faults are borne before something happens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Borne {
    /// How to read `tolerated`.
    pub verdict: Verdict,
    /// Any so many further faults do not do it; absent if it is done already, or nothing is known.
    pub tolerated: Option<usize>,
    /// A smallest set that does it, or the smallest that was found; of those that fail further.
    pub smallest: Names,
}

/// Learners that bear the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutlinedLearners {
    /// Their names.
    pub names: Names,
    /// Silent units that leave them no quorum.
    pub stopped_by: Borne,
}

/// Pairs of learners that bear the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutlinedPairs {
    /// The pairs, at most [`MAX_PAIRS_NAMED`]; the same name twice for a learner with itself.
    pub between: Vec<[String; 2]>,
    /// How many pairs there are.
    pub count: usize,
    /// Lies after which no declared agreement holds.
    pub declared: Borne,
    /// Lies with which a quorum of the one and a quorum of the other decide differently.
    pub quorums: Borne,
}

/// Units on which the same hangs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutlinedUnits {
    /// Their names.
    pub names: Names,
    /// Learners that have no quorum without it.
    pub stops: Names,
    /// Pairs whose declared agreement is gone if it lies, at most
    /// [`MAX_DISENTANGLED_NAMED`].
    pub disentangles: Vec<[String; 2]>,
    /// How many pairs these are.
    pub disentangled: usize,
    /// Learners that tolerate one crash less once it has crashed.
    pub weakens_progress: usize,
    /// Pairs that tolerate one lie less once it lies.
    pub weakens_agreement: usize,
    /// Learners of which it was not decided what becomes of them without it.
    pub undecided_progress: usize,
    /// Pairs of which it was not decided what becomes of their declared agreement if it lies.
    pub undecided_agreement: usize,
}

impl From<FaultReport> for Borne {
    fn from(report: FaultReport) -> Self {
        Self {
            verdict: report.verdict,
            tolerated: report.tolerated,
            smallest: report.smallest,
        }
    }
}

/// Outlines a graph, as it is after the faults of `options`, and until its flag is raised.
pub fn outline(graph: &LearnerGraph, units: &Units, options: &Options) -> Outline {
    let options = Options {
        max_sets: 0,
        ..options.clone()
    };
    let mut run = Run::new(graph, units, &options);
    let learners = learners(&mut run);
    let (pairs, pairs_left_out) = pairs(&mut run);
    let all: Vec<_> = graph.learners().iter().collect();
    let classes = run.class_weights(&all, &graph.pairs(), MAX_DISENTANGLED_NAMED);
    let weights = alike(units, classes);
    let open = |borne: &Borne| matches!(borne.verdict, Verdict::AtLeast | Verdict::Undecided);
    let open = learners.iter().any(|o| open(&o.stopped_by))
        || pairs.iter().any(|o| open(&o.declared) || open(&o.quorums));
    Outline {
        crashed: graph.acceptor_names(&options.crashed),
        byzantine: graph.acceptor_names(&options.suspicion.caught),
        learners,
        pairs,
        pairs_left_out,
        weights,
        complete: run.complete && run.limits.is_empty() && !open && !run.is_stopped(),
    }
}

fn learners(run: &mut Run<'_>) -> Vec<OutlinedLearners> {
    let mut all: Vec<OutlinedLearners> = Vec::new();
    for l in run.graph.learners() {
        let stopped_by = Borne::from(run.stops(l));
        let name = run.graph.learner_name(l).to_owned();
        match all.iter_mut().find(|o| o.stopped_by == stopped_by) {
            Some(alike) => alike.names.push(name),
            None => all.push(OutlinedLearners {
                names: vec![name],
                stopped_by,
            }),
        }
    }
    all
}

/// The pairs, and how many are in no group because there are too many groups.
fn pairs(run: &mut Run<'_>) -> (Vec<OutlinedPairs>, usize) {
    let mut all: Vec<OutlinedPairs> = Vec::new();
    let mut left_out = 0;
    for (l1, l2) in run.graph.pairs() {
        if !run.is_promised(l1, l2) {
            continue;
        }
        let found = run.pair(l1, l2);
        let declared = found.declared.unwrap_or_else(FaultReport::undecided);
        let (declared, quorums) = (Borne::from(declared), Borne::from(found.quorums));
        let between = [l1, l2].map(|l| run.graph.learner_name(l).to_owned());
        let alike = |o: &&mut OutlinedPairs| o.declared == declared && o.quorums == quorums;
        let full = all.len() == MAX_PAIR_GROUPS;
        match all.iter_mut().find(alike) {
            Some(alike) => {
                alike.count += 1;
                if alike.between.len() < MAX_PAIRS_NAMED {
                    alike.between.push(between);
                }
            }
            None if full => left_out += 1,
            None => all.push(OutlinedPairs {
                between: vec![between],
                count: 1,
                declared,
                quorums,
            }),
        }
    }
    (all, left_out)
}

/// Units of which the same is to be said, together.
fn alike(units: &Units, classes: Vec<ClassWeight>) -> Vec<OutlinedUnits> {
    let mut all: Vec<(OutlinedUnits, UnitSet)> = Vec::new();
    for ClassWeight {
        class,
        weight,
        disentangled,
    } in classes
    {
        let what = OutlinedUnits {
            names: Vec::new(),
            stops: weight.stops,
            disentangles: weight.disentangles,
            disentangled,
            weakens_progress: weight.weakens_progress,
            weakens_agreement: weight.weakens_agreement,
            undecided_progress: weight.undecided_progress,
            undecided_agreement: weight.undecided_agreement,
        };
        match all.iter_mut().find(|(known, _)| *known == what) {
            Some((_, of)) => *of |= class,
            None => all.push((what, class)),
        }
    }
    all.sort_by_key(|(_, of)| of.iter().next());
    let named = |(what, of)| OutlinedUnits {
        names: units.names(&of),
        ..what
    };
    all.into_iter().map(named).collect()
}
