//! The analysis of a system of quorum slices, without writing its quorums out.

use super::Harm;
use super::faults::Faults;
use super::options::Options;
use super::pattern::{Pattern, sets_of};
use super::report::{FaultReport, Part, parts};
use super::text::{MORE, number, pattern_of};
use super::units::{UnitSet, Units};
use crate::effort::Effort;
use crate::known::Known;
use crate::minimal::Minimal;
use crate::report::Names;
use crate::search::Found;
use crate::set::AcceptorSet;
use crate::slices::{Forks, Gathers, Halts, Slices};
use serde::Serialize;
use std::fmt;
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
        self.effort().is_stopped()
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

    /// What was not decided.
    fn open(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = Vec::new();
        if self.intersect.is_none() {
            open.push("whether any two quorums have a node in common");
        }
        if !self.quorums.complete {
            open.push("whether there are more minimal quorums");
        }
        for (report, harm, sets) in [
            (
                &self.halted_by,
                "how many crashes leave no quorum",
                "whether there are more blocking sets",
            ),
            (
                &self.split_by,
                "how many lies can split the others",
                "whether there are more splitting sets",
            ),
        ] {
            if report.is_open() {
                open.push(harm);
            }
            if !report.minimal.complete {
                open.push(sets);
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nNot decided, for the time or the steps that one question may take ran out, or enough sets were found\n\
             ({MORE}; --sets 1000 lists more of them):"
        )?;
        open.iter().try_for_each(|what| writeln!(f, "  {what}"))
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

impl fmt::Display for SlicesAnalysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.by.as_deref().map_or("nodes", |_| "units");
        writeln!(
            f,
            "{} {what}, {} nodes can be in a quorum",
            self.units.len(),
            self.in_quorums
        )?;
        for (words, names) in [("silent", &self.crashed), ("lying", &self.byzantine)] {
            if !names.is_empty() {
                writeln!(f, "assumed to be {words}: {}", names.join(", "))?;
            }
        }
        if !self.quorum_of_liars.is_empty() {
            writeln!(
                f,
                "\nLIARS ALONE ARE A QUORUM: {{{}}}",
                self.quorum_of_liars.join(", ")
            )?;
        }
        match (self.intersect, &self.apart) {
            _ if self.in_quorums == 0 => writeln!(
                f,
                "\nNOBODY CAN DECIDE: there is no quorum at all, since no set of nodes has what each of them needs."
            )?,
            (Some(true), _) => writeln!(f, "\nAny two quorums have a node in common.")?,
            (None, _) => writeln!(
                f,
                "\nNot decided: whether any two quorums have a node in common."
            )?,
            (Some(false), apart) => {
                let what = match self.byzantine.is_empty() {
                    true => "quorums without a common node.",
                    false => "quorums that have only liars in common; the honest part of each:",
                };
                writeln!(f, "\nNot safe: there are {what}")?;
                for quorum in apart.iter().flatten() {
                    writeln!(f, "  {{{}}}", quorum.join(", "))?;
                }
            }
        }
        if self.in_quorums == 0 {
            return Ok(());
        }
        let count = or_more(self.n_quorums, self.quorums.complete);
        match self.quorums.sets.is_empty() {
            true => writeln!(f, "\nMinimal quorums: {count}")?,
            false => {
                let made_of = self.top_tier.len();
                writeln!(
                    f,
                    "\nMinimal quorums: {count}, made of {made_of} of the {what}"
                )?;
            }
        }
        for pattern in self.quorums.sets.iter().take(SHOWN) {
            writeln!(f, "  {}", words(pattern))?;
        }
        harm(
            f,
            ["crash", "crashes"],
            "Silence of one of these sets leaves no quorum (blocking sets)",
            &self.halted_by,
        )?;
        harm(
            f,
            ["lie", "lies"],
            "Lies of one of these sets can split the others (splitting sets)",
            &self.split_by,
        )?;
        self.open(f)
    }
}

/// The most patterns that are shown of each kind.
const SHOWN: usize = 8;

/// How many sets there are, as far as that is known.
fn or_more(sets: Option<u64>, complete: bool) -> String {
    match (sets, complete) {
        (Some(0), false) => String::from("not known"),
        (Some(n), false) => format!("{n} or more"),
        (sets, _) => number(sets),
    }
}

fn harm(
    f: &mut fmt::Formatter<'_>,
    [fault, faults]: [&str; 2],
    title: &str,
    report: &FaultReport,
) -> fmt::Result {
    use super::report::Verdict;
    let count = or_more(report.sets, report.minimal.complete);
    writeln!(f, "\n{title}: {count}")?;
    match (report.verdict, report.tolerated) {
        (Verdict::Broken, _) => writeln!(f, "  it is so already")?,
        (Verdict::Exact, Some(0)) => writeln!(f, "  no {fault} is tolerated: one can be enough")?,
        (Verdict::Exact, Some(1)) => writeln!(f, "  1 {fault} is tolerated, whosever it is")?,
        (Verdict::Exact, Some(n)) => writeln!(f, "  any {n} {faults} are tolerated")?,
        (Verdict::AtLeast, Some(n)) => writeln!(
            f,
            "  {n} {faults} are tolerated, and not {}; between them nothing was decided",
            report.smallest.len()
        )?,
        (Verdict::Never, _) => writeln!(f, "  there are none")?,
        _ => writeln!(f, "  nothing was decided")?,
    }
    for pattern in report.minimal.sets.iter().take(SHOWN) {
        writeln!(f, "  {}", words(pattern))?;
    }
    let left = report.minimal.sets.len().saturating_sub(SHOWN);
    if left > 0 {
        writeln!(f, "  … and {left} more like these")?;
    }
    Ok(())
}

/// A pattern with all of its names.
fn words(pattern: &[Part]) -> String {
    pattern_of(pattern, |names| names.join(", "))
}
