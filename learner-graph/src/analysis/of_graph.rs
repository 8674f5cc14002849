//! The analysis of a learner graph.

use super::conditions::Splitting;
use super::faults::Tolerance;
use super::options::{Options, Scope};
use super::redundant::redundant;
use super::report::{Analysis, FaultReport, LearnerFaults, Limit, Redundant, Starved, Strongest};
use super::run::Run;
use super::strongest::strongest;
use super::units::Units;
use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::set::AcceptorSet;
use crate::suspicion::Suspicion;
use crate::uniform::UNIFORMITY_STEPS;
use crate::validity::smallest;

/// Analyses a graph. `progress` is told what is looked at, and how much of it is done.
pub fn analyze(
    graph: &LearnerGraph,
    units: &Units,
    options: &Options,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Analysis {
    Analyzer::new(graph, units, options).ask(1, progress)
}

/// An analysis that can go on with more steps: what is decided is not asked again, and what was found is not lost if
/// it is stopped.
pub struct Analyzer<'a> {
    run: Run<'a>,
}

impl<'a> Analyzer<'a> {
    /// Nothing is asked yet.
    pub fn new(graph: &'a LearnerGraph, units: &'a Units, options: &'a Options) -> Self {
        Self {
            run: Run::new(graph, units, options),
        }
    }

    /// Asks whatever is not decided, with so many times as many steps for each question as the options say, and tells
    /// all that is known. `progress` is told what is looked at, and how much of it is done.
    pub fn ask(&mut self, times: u64, progress: &mut dyn FnMut(&str, usize, usize)) -> Analysis {
        let run = &mut self.run;
        run.again(times);
        let (graph, units, options) = (run.graph, run.units, run.options);
        let learners: Vec<LearnerId> = graph.learners().iter().collect();
        let pairs = graph.pairs();
        let asked = |scopes: &[Scope]| scopes.contains(&options.scope);
        let mut validity = run.validity(progress);
        let mut stopped = Vec::new();
        for (at, l) in learners.iter().enumerate() {
            progress("blocking sets", at, learners.len());
            stopped.push(run.stops(*l));
        }
        let mut pair_faults = Vec::new();
        for (at, (l1, l2)) in pairs.iter().enumerate() {
            progress("splitting sets", at, pairs.len());
            pair_faults.push(run.pair(*l1, *l2));
        }
        let valid = run.verdict(&mut validity, &pairs, &mut pair_faults);
        let mut weights = Vec::new();
        if asked(&[Scope::Everything, Scope::Picture]) {
            progress("what hangs on each", 0, 1);
            weights = run.weights(&learners, &pairs);
        }
        let promises = match options.scope {
            Scope::Everything => {
                progress("the strongest TrustSafe", 0, 1);
                run.promises(valid)
            }
            _ => Promises::not_asked(graph),
        };
        // Last, for they are the only ones that may take as long as they like.
        let violations = run.violations(&validity, progress);
        let known = |report: &FaultReport| !report.is_open();
        run.complete &= stopped.iter().all(known);
        run.complete &= pair_faults.iter().all(|pair| {
            // Of a picture quorums are no part.
            let quorums = options.scope == Scope::Picture || known(&pair.quorums);
            quorums && pair.declared.iter().all(known)
        });
        progress("done", 1, 1);
        let learners = learners.iter().zip(stopped);
        let learners = learners.map(|(l, stopped_by)| LearnerFaults {
            name: graph.learner_name(*l).to_owned(),
            kept_by_liars: kept_by_liars(graph, *l, options),
            stopped_by,
            quorum_of_liars: quorum_of_liars(graph, *l, &options.suspicion.caught),
        });
        Analysis {
            units: units.names(&units.all()),
            by: options.by.clone(),
            crashed: graph.acceptor_names(&options.crashed),
            byzantine: graph.acceptor_names(&options.suspicion.caught),
            valid,
            violations,
            learners: learners.collect(),
            pairs: pair_faults,
            weights,
            idle: units.names(&(units.all() - units.touched(&graph.named()))),
            redundant: promises.redundant,
            redundant_undecided: promises.redundant_undecided,
            strongest: promises.strongest,
            strongest_is_declared: promises.strongest_is_declared,
            starved: promises.starved,
            complete: run.complete && run.limits.is_empty() && !run.is_stopped(),
            answered: run.complete && !run.is_stopped(),
            stopped: run.is_stopped(),
            limits: std::mem::take(&mut run.limits),
        }
    }
}

fn kept_by_liars(graph: &LearnerGraph, l: LearnerId, options: &Options) -> bool {
    let left = graph.acceptors() - options.crashed;
    graph.is_quorum(l, &left) && !graph.is_quorum(l, &(left - options.suspicion.caught))
}

fn quorum_of_liars(graph: &LearnerGraph, l: LearnerId, liars: &AcceptorSet) -> Vec<String> {
    match graph.is_quorum(l, liars) {
        true => graph.acceptor_names(&smallest(*liars, |set| graph.is_quorum(l, set))),
        false => Vec::new(),
    }
}

/// What is said of promises: which could be made, which say nothing, and for whom they are not enough.
struct Promises {
    strongest: Strongest,
    strongest_is_declared: Option<bool>,
    starved: Vec<Starved>,
    redundant: Vec<Redundant>,
    redundant_undecided: usize,
}

impl Promises {
    fn not_asked(graph: &LearnerGraph) -> Self {
        Self {
            strongest: Strongest::default(),
            strongest_is_declared: None,
            starved: Vec::new(),
            redundant: Vec::new(),
            redundant_undecided: graph.rules.len(),
        }
    }
}

impl Run<'_> {
    fn promises(&mut self, valid: Option<bool>) -> Promises {
        let (strongest, strongest_is_declared) = self.strongest(valid);
        let starved = self.starved();
        let effort = self.effort();
        let times = self.times;
        let (redundant, redundant_undecided) =
            redundant(self.graph, times, &effort, &mut self.known.redundant);
        // Conflicts with pairs of which too much is to be known are open for that reason.
        let conflicts = strongest.conflicts_undecided == 0 || strongest.too_many > 0;
        let unknown = strongest.undecided.len() > strongest.too_many;
        let together = !strongest.is_open_together();
        self.complete &= redundant_undecided == 0 && conflicts && !unknown && together;
        if strongest.too_many > 0 {
            self.limits.push(Limit::Patterns);
        }
        Promises {
            strongest,
            strongest_is_declared,
            starved,
            redundant,
            redundant_undecided,
        }
    }

    /// The strongest promises, and whether they are those of the file.
    fn strongest(&mut self, valid: Option<bool>) -> (Strongest, Option<bool>) {
        if let Some(known) = self.known.strongest.get(&(), self.is_stopped()) {
            return known;
        }
        let splitting = self.splitting();
        let (found, says_all) = strongest(self.graph, splitting, self.times, &self.effort());
        let is_declared = match valid {
            Some(true) => says_all,
            // More is promised than can be kept.
            Some(false) => Some(false),
            None => None,
        };
        let open = found.undecided.len() + found.conflicts_undecided;
        let decided = open == 0 && is_declared.is_some() && found.together.is_some();
        let (found, stopped) = ((found, is_declared), self.is_stopped());
        self.known.strongest.keep((), found, decided, stopped)
    }

    /// What splits each pair by the quorums as they are, whatever has failed and whatever fails together.
    fn splitting(&mut self) -> Vec<((LearnerId, LearnerId), Splitting)> {
        let as_declared = Options {
            by: None,
            crashed: AcceptorSet::EMPTY,
            suspicion: Suspicion::default(),
            ..self.options.clone()
        };
        let names = self.graph.acceptor_names(&self.graph.acceptors());
        let single = Units::single(names);
        // Only then is every unit the acceptor of its number.
        let is_plain = self.options.by.is_none() && self.silent().is_empty();
        let known = match is_plain {
            true => &mut self.known.splits,
            false => &mut self.known.plain,
        };
        let mut plain = Run::new(self.graph, &single, &as_declared);
        plain.times = self.times;
        plain.known.splits = std::mem::take(known);
        let splitting = |(l1, l2)| {
            let split = plain.splits(l1, l2);
            let splitting = match split.tolerance {
                Tolerance::Broken => Splitting::Never,
                _ if split.minimal.complete => Splitting::All(split.minimal.sets),
                _ if split.minimal.sets.len() >= self.options.max_sets => Splitting::TooMany,
                _ => Splitting::Unknown,
            };
            ((l1, l2), splitting)
        };
        let splitting = self.graph.pairs().into_iter().map(splitting).collect();
        *known = plain.known.splits;
        splitting
    }

    fn starved(&mut self) -> Vec<Starved> {
        let effort = self.effort_of(UNIFORMITY_STEPS);
        let known = &mut self.known.differences;
        let uniformity = self.graph.uniformity_within(&effort, known);
        self.complete &= uniformity.undecided.is_empty();
        let name = |l: LearnerId| self.graph.learner_name(l).to_owned();
        let left = self.graph.acceptors() - self.silent();
        // A quorum that is safe as well, if there is one.
        let quorum = |l: LearnerId, safe: &AcceptorSet| {
            let within = [*safe & left, left];
            let there = within.iter().find(|set| self.graph.is_quorum(l, set));
            there.map_or(AcceptorSet::EMPTY, |set| {
                smallest(*set, |s| self.graph.is_quorum(l, s))
            })
        };
        let starved = uniformity.differences.iter().map(|d| Starved {
            learner: name(d.learner),
            votes_of: name(d.other),
            set: self.graph.acceptor_names(&d.set),
            quorum: self.graph.acceptor_names(&quorum(d.learner, &d.set)),
        });
        starved.collect()
    }
}
