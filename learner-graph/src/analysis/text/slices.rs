//! The analysis of a system of quorum slices as text.

use super::super::of_slices::SlicesAnalysis;
use super::super::report::{FaultReport, Part, Verdict};
use super::{MORE, number, pattern_of};
use crate::effort::out_of;
use std::fmt;

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

impl SlicesAnalysis {
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
            "\nNot decided, for {} ran out, or enough sets were found ({MORE}; --sets 1000 lists more of them):",
            out_of(self.stopped)
        )?;
        open.iter().try_for_each(|what| writeln!(f, "  {what}"))
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
