//! The analysis of a system of quorum slices, without writing its quorums out.

use super::Harm;
use super::faults::Faults;
use super::options::Options;
use super::pattern::{Pattern, sets_of};
use super::report::{FaultReport, Part, parts};
use super::units::{UnitSet, Units};
use crate::effort::Effort;
use crate::known::Known;
use crate::minimal::Minimal;
use crate::report::Names;
use crate::search::Found;
use crate::set::AcceptorSet;
use crate::slices::{Forks, Gathers, Halts, Slices};
use serde::Serialize;
use std::sync::Arc;

/// What faults do to a system of quorum slices.
#[derive(Clone, Debug, Serialize)]
pub struct SlicesAnalysis {
    /// What fails as a whole: the nodes, or the groups of one kind.
    pub units: Names,
    /// The kind of group, if nodes do not fail one by one.
    pub by: Option<String>,
    /// Nodes that are taken to be silent.
    pub crashed: Names,
    /// Nodes that are taken to lie.
    pub byzantine: Names,
    /// Nodes that can be in a quorum.
    pub in_quorums: usize,
    /// A minimal quorum of nodes that are all taken to lie; empty if there is none.
    pub quorum_of_liars: Names,
    /// Whether any two quorums have a node in common that is not Byzantine; absent if that was
    /// not decided.
    pub intersect: Option<bool>,
    /// Two quorums that do not, without their Byzantine nodes.
    pub apart: Option<[Names; 2]>,
    /// The minimal quorums, in patterns.
    pub quorums: Minimal<Vec<Part>>,
    /// How many minimal quorums the patterns stand for.
    pub n_quorums: Option<u64>,
    /// All units of minimal quorums: nobody else matters to the system as a whole.
    pub top_tier: Names,
    /// Silent units that leave no quorum: blocking sets.
    pub halted_by: FaultReport,
    /// Lying units with which two quorums decide differently: splitting sets.
    pub split_by: FaultReport,
    /// Whether every question was answered.
    pub complete: bool,
    /// Whether it was stopped.
    #[serde(skip)]
    pub(crate) stopped: bool,
}

/// Analyses a system of slices; see [`analyze`](super::analyze).
pub fn analyze_slices(
    slices: &Slices,
    units: &Units,
    options: &Options,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> SlicesAnalysis {
    SlicesAnalyzer::new(slices, units, options).ask(1, progress)
}

/// An analysis that can go on with more steps; see [`Analyzer`](super::Analyzer).
pub struct SlicesAnalyzer<'a> {
    slices: &'a Slices,
    units: &'a Units,
    options: &'a Options,
    classes: Vec<UnitSet>,
    times: u64,
    apart: Known<(), Found<[AcceptorSet; 2]>>,
    quorums: Known<(), Minimal<Pattern>>,
    harms: Known<&'static str, FaultReport>,
}

impl<'a> SlicesAnalyzer<'a> {
    /// Nothing is asked yet.
    pub fn new(slices: &'a Slices, units: &'a Units, options: &'a Options) -> Self {
        Self {
            slices,
            units,
            options,
            classes: classes(slices, units, options),
            times: 1,
            apart: Known::default(),
            quorums: Known::default(),
            harms: Known::default(),
        }
    }

    /// Asks whatever is not decided, with so many times as many steps for each question as the options say, and tells
    /// all that is known. `progress` is told what is looked at, and how much of it is done.
    pub fn ask(
        &mut self,
        times: u64,
        progress: &mut dyn FnMut(&str, usize, usize),
    ) -> SlicesAnalysis {
        self.times = times;
        self.apart.again();
        self.quorums.again();
        self.harms.again();
        let (slices, caught) = (self.slices, self.options.suspicion.caught);
        let silent = self.options.crashed | caught;
        progress("quorum intersection", 0, 4);
        let apart = self.apart();
        progress("minimal quorums", 1, 4);
        let quorums = self.quorums();
        progress("blocking sets", 2, 4);
        let halted_by = self.harm("halts", &Halts(slices), silent);
        progress("splitting sets", 3, 4);
        let split_by = self.harm("forks", &Forks(slices), caught);
        progress("done", 4, 4);
        self.found(apart, &quorums, halted_by, split_by)
    }

    fn effort(&self) -> Effort {
        let steps = self.options.steps.saturating_mul(self.times);
        Effort::until(steps, Arc::clone(&self.options.stop))
    }

    fn is_stopped(&self) -> bool {
        self.options.is_stopped()
    }

    fn faults<'b>(&'b self, harm: &'b dyn Harm, given: AcceptorSet) -> Faults<'b, dyn Harm + 'b> {
        Faults {
            harm,
            units: self.units,
            classes: self.classes.clone(),
            given,
            n_acceptors: self.slices.n_nodes(),
            effort: self.effort(),
        }
    }

    /// Two quorums without a node in common that is not caught.
    fn apart(&mut self) -> Found<[AcceptorSet; 2]> {
        if let Some(known) = self.apart.get(&(), self.is_stopped()) {
            return known;
        }
        let caught = self.options.suspicion.caught;
        let found = Forks(self.slices).quorums(&caught, &self.effort());
        let (decided, stopped) = (found != Found::Undecided, self.is_stopped());
        self.apart.keep((), found, decided, stopped)
    }

    fn quorums(&mut self) -> Minimal<Pattern> {
        if let Some(known) = self.quorums.get(&(), self.is_stopped()) {
            return known;
        }
        let cap = self.options.max_sets;
        let gathers = Gathers(self.slices, None);
        let found = self.faults(&gathers, AcceptorSet::EMPTY).minimal(0, cap);
        let decided = found.complete || found.sets.len() >= cap;
        let stopped = self.is_stopped();
        self.quorums.keep((), found, decided, stopped)
    }

    fn harm(&mut self, name: &'static str, harm: &dyn Harm, given: AcceptorSet) -> FaultReport {
        if let Some(known) = self.harms.get(&name, self.is_stopped()) {
            return known;
        }
        let cap = self.options.max_sets;
        let (tolerance, sets) = self.faults(harm, given).look(cap);
        let report = FaultReport::new(self.units, tolerance, &sets);
        let (decided, stopped) = (report.is_decided(cap), self.is_stopped());
        self.harms.keep(name, report, decided, stopped)
    }

    fn found(
        &self,
        apart: Found<[AcceptorSet; 2]>,
        quorums: &Minimal<Pattern>,
        halted_by: FaultReport,
        split_by: FaultReport,
    ) -> SlicesAnalysis {
        let (slices, units, options) = (self.slices, self.units, self.options);
        let caught = options.suspicion.caught;
        let names = |set: &AcceptorSet| -> Names {
            set.iter()
                .map(|a| slices.names()[usize::from(a.0)].clone())
                .collect()
        };
        let (intersect, apart) = match apart {
            Found::Yes(pair) => {
                let smaller = pair.map(|quorum| slices.smaller_quorum(&quorum, &caught));
                (Some(false), Some(smaller.map(|quorum| names(&quorum))))
            }
            Found::No => (Some(true), None),
            Found::Undecided => (None, None),
        };
        let top = quorums.sets.iter().map(Pattern::support);
        let top = top.fold(UnitSet::EMPTY, |all, units| all | units);
        let complete = intersect.is_some()
            && quorums.complete
            && [&halted_by, &split_by]
                .iter()
                .all(|report| report.minimal.complete && !report.is_open());
        SlicesAnalysis {
            units: units.names(&units.all()),
            by: options.by.clone(),
            crashed: names(&options.crashed),
            byzantine: names(&caught),
            in_quorums: slices.quorum_within(&slices.all()).len(),
            quorum_of_liars: names(
                &slices.smaller_quorum(&slices.quorum_within(&caught), &AcceptorSet::EMPTY),
            ),
            intersect,
            apart,
            n_quorums: sets_of(&quorums.sets),
            top_tier: units.names(&top),
            quorums: Minimal {
                sets: quorums.sets.iter().map(|p| parts(units, p)).collect(),
                complete: quorums.complete,
            },
            halted_by,
            split_by,
            complete,
            stopped: self.is_stopped(),
        }
    }
}

impl SlicesAnalysis {
    /// Whether more steps, or more time, can tell nothing more of what these options ask for.
    pub fn is_decided(&self, options: &Options) -> bool {
        let cap = options.max_sets;
        let quorums = self.quorums.complete || self.quorums.sets.len() >= cap;
        let harms = [&self.halted_by, &self.split_by];
        self.complete
            || (self.intersect.is_some()
                && quorums
                && harms.iter().all(|harm| harm.is_decided(cap)))
    }
}

/// Units that the system does not tell apart; what has failed is not like what has not.
fn classes(slices: &Slices, units: &Units, options: &Options) -> Vec<UnitSet> {
    if !units.are_single() {
        return units
            .all()
            .iter()
            .map(|u| std::iter::once(u).collect())
            .collect();
    }
    let until = Effort::until(0, Arc::clone(&options.stop));
    options.told_apart(units, slices.classes(&until))
}
