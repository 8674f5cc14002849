//! Divergences and the summary in words. No I/O.

use super::words::{self, Paint};
use crate::observe::{Divergence, Report};
use crate::summary::{Difference, PAUSED, Summary};
use node::config::Mode;

/// A divergence as a block: one that must not be is marked so that nobody overlooks it.
#[must_use]
pub fn block(
    divergence: &Divergence,
    verdict: &str,
    broken: bool,
    nodes: &[String],
    learners: &[String],
) -> Vec<String> {
    let name =
        |names: &[String], at: usize| names.get(at).cloned().unwrap_or_else(|| "?".to_owned());
    let mark = if broken { "!!" } else { " │" };
    let side = |report: &Report| {
        format!(
            "{mark}   {:<12} on {:<4} ballot {:<4} {}",
            name(learners, report.learner),
            name(nodes, report.node),
            report.batch.ballot,
            words::batch(&report.batch, 48)
        )
    };
    let slot = divergence.first.slot;
    let title = match broken {
        true => format!("VIOLATION in slot {slot}: different decisions"),
        false => format!("different decisions in slot {slot}"),
    };
    let mut block = vec![
        format!("{mark} {title}"),
        side(&divergence.first),
        side(&divergence.second),
        format!("{mark} {verdict}"),
    ];
    if broken {
        block.insert(0, mark.to_owned());
        block.push(mark.to_owned());
    }
    block
}

/// The summary in lines.
#[must_use]
pub fn lines(summary: &Summary, paint: Paint) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(table(summary, paint));
    lines.push(String::new());
    lines.extend(agreement(summary, paint));
    lines.extend(nodes(summary, paint));
    lines.extend(lacks(summary, paint));
    if summary.others > 0 {
        let values = words::count(summary.others, "value");
        lines.push(format!(
            "{values} more, submitted by others, {} decided",
            if summary.others == 1 { "was" } else { "were" }
        ));
    }
    lines.push(conclusion(summary, paint));
    lines
}

fn table(summary: &Summary, paint: Paint) -> Vec<String> {
    let width = summary
        .learners
        .iter()
        .map(|l| l.name.len())
        .max()
        .unwrap_or(0)
        .clamp(7, 40);
    let head = format!(
        "{:<width$}  {:>6}  {:>13}  {:>9}  {:>9}",
        "learner", "slots", "values", "median", "max"
    );
    let mut lines = vec![paint.dim(&head)];
    for learner in &summary.learners {
        let (median, max) = learner
            .latency
            .map_or(("-".into(), "-".into()), |(median, max)| {
                (words::time(median), words::time(max))
            });
        let note = learner.excuse.map(|why| format!("  {why}"));
        lines.push(format!(
            "{:<width$}  {:>6}  {:>13}  {median:>9}  {max:>9}{}",
            words::elide(&learner.name, width),
            learner.slots,
            format!("{} of {}", learner.values, summary.total),
            paint.dim(&note.unwrap_or_default()),
        ));
    }
    lines
}

fn agreement(summary: &Summary, paint: Paint) -> Vec<String> {
    let names = |group: &Vec<usize>| {
        group
            .iter()
            .map(|l| summary.learner(*l))
            .collect::<Vec<_>>()
    };
    let mut lines = Vec::new();
    let even = if summary.byzantine.is_empty() {
        ""
    } else {
        ", the Byzantine acceptors notwithstanding"
    };
    let with = if summary.byzantine.is_empty() {
        ""
    } else {
        ", with these Byzantine acceptors"
    };
    for group in &summary.groups {
        let differ = summary.differences.iter().any(|d| {
            let (a, b) = d.first.pair();
            d.broken && group.contains(&a) && group.contains(&b)
        });
        let names = words::list(&names(group));
        lines.push(match (group.len(), differ) {
            (1, false) => format!("{names} need not agree with anybody else{with}"),
            (_, false) => paint.good(&format!("{names} must agree{even}, and do")),
            (_, true) => paint.bad(&format!("VIOLATION: {names} must agree{even}, and do NOT")),
        });
    }
    for difference in &summary.differences {
        let (a, b) = difference.first.pair();
        let who = match a == b {
            true => format!("the nodes differ about {}", summary.learner(a)),
            false => format!("{} and {} differ", summary.learner(a), summary.learner(b)),
        };
        let slots = words::count(difference.slots, "slot");
        let first = difference.first.first.slot;
        let mark = if difference.broken { "VIOLATION: " } else { "" };
        let line = format!(
            "{mark}{who} in {slots}, first in slot {first}, which is {}",
            difference.verdict
        );
        lines.push(if difference.broken {
            paint.bad(&line)
        } else {
            paint.warn(&line)
        });
    }
    lines.extend(same_logs(summary));
    lines
}

/// That nodes tell the same of each learner. There is nothing to compare with only one.
fn same_logs(summary: &Summary) -> Option<String> {
    let same = |d: &Difference| d.first.pair().0 != d.first.pair().1;
    let compared = summary.mode == Mode::Hpaxos && summary.living > 1;
    if !compared || !summary.differences.iter().all(same) {
        return None;
    }
    let n = summary.living;
    let who = match (summary.dead.is_empty(), summary.byzantine.is_empty()) {
        (true, true) => format!("all {n} nodes"),
        (true, false) => format!("the {n} nodes with a safe acceptor"),
        (false, true) => format!("the {n} living nodes"),
        (false, false) => format!("the {n} living nodes with a safe acceptor"),
    };
    Some(format!("{who} report the same log for each learner"))
}

fn nodes(summary: &Summary, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for (node, how) in &summary.dead {
        let node = summary.node(*node);
        lines.push(paint.warn(&match how.as_str() {
            PAUSED => format!("{node} is paused"),
            how => format!("{node} died: {how}"),
        }));
    }
    for disk in &summary.dead_disks {
        lines.push(paint.warn(&format!("disk {disk} was killed")));
    }
    if !summary.byzantine.is_empty() {
        let names: Vec<&str> = summary.byzantine.iter().map(|n| summary.node(*n)).collect();
        let caught = match (summary.caught.as_slice(), summary.evidence.as_slice()) {
            ([], []) => "no evidence against anybody was reported".to_owned(),
            ([], [proved, ..]) => format!("there is evidence: {proved}"),
            (caught, _) => format!("there is evidence against {}", words::list(caught)),
        };
        lines.push(paint.warn(&format!("Byzantine: {}; {caught}", words::list(&names))));
    }
    lines
}

fn lacks(summary: &Summary, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for lack in summary.lacks.iter().take(20) {
        let (learner, node) = (summary.learner(lack.learner), summary.node(lack.node));
        let missing = words::count(lack.missing, "value");
        lines.push(paint.bad(&match summary.mode {
            Mode::Hpaxos => format!("{learner} on {node} lacks {missing}"),
            Mode::Paxos | Mode::DiskPaxos => format!("{node} lacks {missing}"),
        }));
    }
    if summary.lacks.len() > 20 {
        lines.push(paint.bad(&format!("and {} more", summary.lacks.len() - 20)));
    }
    lines
}

fn conclusion(summary: &Summary, paint: Paint) -> String {
    let after = words::time(summary.elapsed);
    let all = summary.learners.iter().all(|l| l.must_decide);
    let none = summary.learners.iter().all(|l| !l.must_decide);
    let who = match summary.mode {
        Mode::Hpaxos if all => "every learner",
        Mode::Hpaxos if none => "every learner that could",
        Mode::Hpaxos => "every learner with a quorum left",
        Mode::Paxos | Mode::DiskPaxos if all => "every node",
        Mode::Paxos | Mode::DiskPaxos => "every living node",
    };
    // Who differs does not agree, though it may.
    let good = match summary.differences.is_empty() {
        true => "agreed",
        false => "nothing differs that must not",
    };
    match (summary.agreed(), summary.decided()) {
        (false, _) => paint.bad(&format!(
            "VIOLATION, after {after}: learners that must agree do not"
        )),
        (true, true) if summary.total == 0 => paint.good(&format!("{good} after {after}")),
        (true, true) => {
            let values = words::count(summary.total, "value");
            let time = words::time(summary.last.unwrap_or(summary.elapsed));
            let everywhere = match summary.mode {
                Mode::Hpaxos => " everywhere",
                Mode::Paxos | Mode::DiskPaxos => "",
            };
            paint.good(&format!(
                "{good}: {who} decided {values}{everywhere}, in {time}"
            ))
        }
        (true, false) if summary.lacks.is_empty() => {
            let what = match summary.mode {
                Mode::Hpaxos => "no learner has a quorum of living acceptors",
                Mode::Paxos => "no quorum of living acceptors is left",
                Mode::DiskPaxos => "no processor or no quorum of disks is left",
            };
            paint.bad(&format!("nothing more can be decided: {what}"))
        }
        (true, false) if summary.interrupted => paint.bad(&format!(
            "interrupted after {after}: not everything was decided"
        )),
        (true, false) => paint.bad(&format!("not everything was decided within {after}")),
    }
}
