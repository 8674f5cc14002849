//! Validity, with counterexamples as small as they can be found, and what mends them.

use super::faults::Tolerance;
use super::harm::Splits;
use super::options::Scope;
use super::repair::{Repairs, repairs};
use super::report::PairFaults;
use super::run::Run;
use super::text::MAX_ROWS;
use super::violation::ViolationReport;
use crate::effort::Effort;
use crate::id::LearnerId;
use crate::search::Found;
use crate::set::AcceptorSet;
use crate::through::links;
use crate::validity::{Steps, VALIDITY_STEPS, Validity, Violation};

/// The steps that validity may take at first: fewer than a node has for many pairs, which would leave no time for what else
/// is asked.
const STEPS: Steps = Steps {
    solver: 200_000,
    ..VALIDITY_STEPS
};
/// The steps that looking for smaller counterexamples may take, all of them together.
const SMALLEST_STEPS: u64 = STEPS.solver;

impl Run<'_> {
    pub(super) fn validity(&mut self, progress: &mut dyn FnMut(&str, usize, usize)) -> Validity {
        let (steps, until) = (STEPS.times(self.times), self.effort());
        let pairs = &mut self.known.pairs;
        let found = self
            .graph
            .validity_until(steps, &until, pairs, &mut |done, all| {
                progress("validity", done, all);
            });
        let bad = found.violations.iter();
        let bad = bad.map(|v| (self.kinds.pair(v.from, v.to), Some(false)));
        let open = found.undecided.iter();
        let open = open.map(|(a, b)| (self.kinds.pair(*a, *b), None));
        self.not_valid = bad.chain(open).collect();
        found
    }

    /// Whether the graph is valid: pairs of which that was not decided are not if their quorums stand fewer lies than
    /// they were promised.
    pub(super) fn verdict(
        &mut self,
        validity: &mut Validity,
        pairs: &[(LearnerId, LearnerId)],
        faults: &mut [PairFaults],
    ) -> Option<bool> {
        let mut verdict = validity.verdict();
        for (pair, faults) in pairs.iter().zip(faults) {
            let declared = faults.declared.as_ref();
            if faults.kept.is_some() || !declared.is_some_and(|d| d.is_broken_by(&faults.quorums)) {
                continue;
            }
            faults.kept = Some(false);
            verdict = Some(false);
            // Of pairs of a kind one is listed.
            if let Some(at) = validity.undecided.iter().position(|open| open == pair) {
                validity.undecided.remove(at);
                validity.violations.extend(self.counterexample(*pair));
            }
        }
        self.complete &= validity.undecided.is_empty();
        verdict
    }

    /// Of a pair whose quorums are split by fewer lies than end what it was promised.
    fn counterexample(&mut self, (from, to): (LearnerId, LearnerId)) -> Option<Violation> {
        let liars = match self.splits(from, to).tolerance {
            Tolerance::Faults { by, .. } => self.units.acceptors(&by),
            _ => AcceptorSet::EMPTY,
        };
        let liars = liars | self.options.suspicion.caught;
        let splits = Splits::new(self.graph, from, to);
        let Found::Yes([quorum_from, quorum_to]) = splits.quorums(&liars, &self.effort()) else {
            return None;
        };
        let (safe, graph) = (self.graph.acceptors() - liars, self.graph);
        Some(Violation::least(
            graph,
            (from, to),
            [safe, quorum_from, quorum_to],
        ))
    }

    /// Counterexamples as small as they can be found, and what mends them.
    pub(super) fn violations(
        &mut self,
        validity: &Validity,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Vec<ViolationReport> {
        let reports = self.counterexamples(validity, progress);
        // Of a graph that stands in no file nothing can be changed, and of a picture repairs are no part.
        let asked = self.graph.written.is_some() && self.options.scope != Scope::Picture;
        self.complete &= !asked || reports.iter().all(ViolationReport::is_decided);
        reports
    }

    fn counterexamples(
        &mut self,
        validity: &Validity,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Vec<ViolationReport> {
        if self.options.scope == Scope::Tolerances {
            return Vec::new();
        }
        let n = validity.violations.len();
        if let Some(known) = self.known.violations.get(&n, self.is_stopped()) {
            return known;
        }
        let mut reports: Vec<ViolationReport> = match self.options.scope {
            // Nobody sees how large they are, or what mends them.
            Scope::Picture => {
                let found = validity.violations.iter();
                found
                    .map(|v| self.violation(v, Repairs::default()))
                    .collect()
            }
            _ => self.smallest(&validity.violations, progress),
        };
        // In the order of the file, as a check tells them.
        reports.sort_by_key(ViolationReport::line);
        let repaired = |v: &ViolationReport| self.options.scope == Scope::Picture || v.is_decided();
        let repaired = reports.iter().all(repaired);
        let decided = validity.undecided.is_empty() && repaired;
        let stopped = self.is_stopped();
        self.known.violations.keep(n, reports, decided, stopped)
    }

    fn smallest(
        &self,
        violations: &[Violation],
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Vec<ViolationReport> {
        let smallest = self.smaller(violations, &self.effort_of(SMALLEST_STEPS), progress);
        progress("what mends them", 0, 1);
        let available = self.graph.acceptors() - self.silent();
        let (times, effort) = (self.times, self.effort());
        let caught = &self.options.suspicion.caught;
        let repairs = repairs(self.graph, &smallest, &available, caught, times, &effort);
        let found = smallest.iter().zip(repairs);
        found
            .map(|(v, repairs)| self.violation(v, repairs))
            .collect()
    }

    /// Counterexamples made smaller in one effort, of which those that are shown first have most.
    fn smaller(
        &self,
        violations: &[Violation],
        effort: &Effort,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> Vec<Violation> {
        let mut smaller = Vec::new();
        for (at, violation) in violations.iter().enumerate() {
            progress("counterexamples", at, violations.len());
            let sharing = (violations.len() - at).min(MAX_ROWS) as u64;
            let share = effort.again(effort.left() / sharing);
            let allowed = share.left();
            smaller.push(self.graph.smallest_violation(violation, &share));
            effort.take(allowed - share.left());
        }
        smaller
    }

    fn violation(&self, v: &Violation, repairs: Repairs) -> ViolationReport {
        let name = |l: LearnerId| self.graph.learner_name(l).to_owned();
        ViolationReport {
            between: [name(v.from), name(v.to)],
            through: links(self.graph, (v.from, v.to), &v.safe),
            safe: self.graph.acceptor_names(&v.safe),
            quorums: [
                self.graph.acceptor_names(&v.quorum_from),
                self.graph.acceptor_names(&v.quorum_to),
            ],
            repairs: repairs.found,
            repairs_complete: repairs.complete,
            repairs_that_stop: repairs.that_stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::Options;
    use super::*;
    use crate::graph::LearnerGraph;
    use crate::parse_unchecked;

    /// Two of four are a quorum, which are split by nobody, and shall agree whatever one of them does.
    fn of_four() -> LearnerGraph {
        let of = |n: usize| format!("{{ threshold = {n}, of = [\"a\", \"b\", \"c\", \"d\"] }}");
        let text = format!(
            "acceptors = [\"a\", \"b\", \"c\", \"d\"]\n[learners]\nx = {}\n\
             [[safe]]\nbetween = [\"x\"]\nwhen = {}\n",
            of(2),
            of(3)
        );
        parse_unchecked(&text).expect("a graph")
    }

    #[test]
    fn what_mends_a_graph_may_be_open() {
        let graph = of_four();
        let units = graph.units(None).expect("acceptors");
        let options = Options::default();
        let mut run = Run::new(&graph, &units, &options);
        let nothing = &mut |_: &str, _, _| {};
        let validity = run.validity(nothing);
        assert_eq!(validity.violations.len(), 1);
        run.again(0);
        run.violations(&validity, nothing);
        assert!(!run.complete, "there were no steps for repairs");
        run.again(1);
        run.violations(&validity, nothing);
        assert!(run.complete);
    }

    #[test]
    fn all_counterexamples_are_made_smaller_in_one_effort() {
        let graph = of_four();
        let units = graph.units(None).expect("acceptors");
        let options = Options::default();
        let mut run = Run::new(&graph, &units, &options);
        let nothing = &mut |_: &str, _, _| {};
        let found = run.validity(nothing).violations[0];
        let taken = |times: usize| {
            let effort = Effort::steps(1_000_000);
            let smaller = run.smaller(&vec![found; times], &effort, &mut |_, _, _| {});
            assert_eq!(smaller.len(), times);
            1_000_000 - effort.left()
        };
        let one = taken(1);
        assert_eq!((one > 0, taken(5)), (true, 5 * one));
    }

    #[test]
    fn what_stands_fewer_lies_than_is_promised_is_not_valid() {
        let graph = of_four();
        let units = graph.units(None).expect("acceptors");
        let options = Options::default();
        let mut run = Run::new(&graph, &units, &options);
        let pair = (LearnerId(0), LearnerId(0));
        let mut validity = Validity {
            undecided: vec![pair],
            ..Validity::default()
        };
        let mut faults = [run.pair(pair.0, pair.1)];
        faults[0].kept = None;
        let verdict = run.verdict(&mut validity, &[pair], &mut faults);
        assert_eq!((verdict, faults[0].kept), (Some(false), Some(false)));
        assert!(validity.undecided.is_empty() && run.complete);
        let found = validity.violations[0];
        assert_eq!(
            found.safe & found.quorum_from & found.quorum_to,
            AcceptorSet::EMPTY
        );
        assert!(graph.is_quorum(pair.0, &found.quorum_from));
        assert!(graph.is_quorum(pair.0, &found.quorum_to));
        assert!(graph.trust_safe(pair.0, pair.0, &found.safe));
    }
}
