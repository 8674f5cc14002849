//! Sets, patterns and counts in words, none of them longer than people read.

use super::super::report::{FaultReport, Part, Verdict};
use std::collections::BTreeSet;

/// The most names that are written out of one list.
const MAX_NAMES: usize = 12;

/// Names one after the other; of a long list the first.
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_NAMES).map(AsRef::as_ref).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        // Nothing is saved by leaving out one.
        1 => format!("{}, {}", shown.join(", "), names[MAX_NAMES].as_ref()),
        more => format!("{}, … {more} more", shown.join(", ")),
    }
}

/// A set of a counterexample, which is of use only as a whole: all names, unless nobody would read them.
pub(crate) fn whole<S: AsRef<str>>(names: &[S]) -> String {
    const MAX_WHOLE: usize = 24;
    if names.len() > MAX_WHOLE {
        return set(names);
    }
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    format!("{{{}}}", names.join(", "))
}

/// A set: `{a1, a2}`.
pub(crate) fn set<S: AsRef<str>>(names: &[S]) -> String {
    format!("{{{}}}", list(names))
}

/// A pattern: `a4 and any 2 of {a1, a2, a3}`.
pub(super) fn pattern(parts: &[Part]) -> String {
    pattern_of(parts, list)
}

/// The same with lists of names as somebody wants them.
pub(crate) fn pattern_of(parts: &[Part], list: impl Fn(&[String]) -> String) -> String {
    let (all, some): (Vec<&Part>, Vec<&Part>) =
        parts.iter().partition(|part| part.any == part.of.len());
    let all: Vec<String> = all.iter().flat_map(|part| part.of.clone()).collect();
    let some = some
        .iter()
        .map(|part| format!("any {} of {{{}}}", part.any, list(&part.of)));
    let all = (!all.is_empty()).then(|| list(&all));
    let words: Vec<String> = all.into_iter().chain(some).collect();
    words.join(" and ")
}

/// The minimal sets that do a harm: how many, and the first patterns of them, a line each.
pub(super) fn minimal_sets(report: &FaultReport, shown: usize) -> Vec<String> {
    let (found, complete) = (&report.minimal.sets, report.minimal.complete);
    if found.is_empty() {
        let known = matches!(report.verdict, Verdict::Broken | Verdict::Never) && complete;
        return vec![match (known, report.smallest.is_empty()) {
            (true, _) => String::from("none"),
            (false, true) => String::from("not known"),
            (false, false) => format!("not known; one is {}", set(&report.smallest)),
        }];
    }
    let count = match (report.sets, complete) {
        (Some(sets), false) => format!("at least {sets}"),
        (sets, _) => number(sets),
    };
    let mut lines: Vec<String> = found.iter().take(shown).map(|p| pattern(p)).collect();
    let left = found.len() - lines.len();
    if left > 0 {
        lines.push(format!("… and {left} more such lines (--sets)"));
    }
    match lines.first_mut() {
        Some(first) => first.insert_str(0, &format!("{count}: ")),
        None => lines.push(count),
    }
    lines
}

/// A count that may be too large for a number.
pub(crate) fn number(count: Option<u64>) -> String {
    count.map_or_else(|| String::from("more than 10^19"), |n| n.to_string())
}

/// How many faults are tolerated; `broken` is what is said if it is too late.
pub(super) fn tolerated(report: &FaultReport, broken: &str) -> String {
    match (report.verdict, report.tolerated) {
        (Verdict::Broken, _) => broken.to_owned(),
        (Verdict::Exact, Some(n)) => n.to_string(),
        (Verdict::AtLeast, Some(n)) => {
            let most = report.smallest.len().saturating_sub(1);
            format!("not decided: {n} to {most}")
        }
        (Verdict::Never, _) => String::from("any number"),
        (Verdict::Undecided | Verdict::Exact | Verdict::AtLeast, _) => String::from("not decided"),
    }
}

/// Pairs of learners in few words. A list means each two of it, and each with itself.
pub(super) fn pairs<'a>(pairs: impl IntoIterator<Item = &'a [String; 2]>) -> Vec<String> {
    let pair = |[a, b]: &'a [String; 2]| (a.min(b).as_str(), a.max(b).as_str());
    let mut left: BTreeSet<(&str, &str)> = pairs.into_iter().map(pair).collect();
    let mut words = Vec::new();
    // Learners that are all alike, as long as there are any.
    loop {
        let selves: Vec<&str> = left.iter().filter(|(a, b)| a == b).map(|p| p.0).collect();
        let alike = |first: &str| {
            let mut alike: Vec<&str> = Vec::new();
            for l in selves.iter().filter(|l| **l >= first) {
                if alike.iter().all(|other| left.contains(&(*other, *l))) {
                    alike.push(l);
                }
            }
            alike
        };
        let found = selves.iter().map(|l| alike(l)).find(|set| set.len() > 1);
        let Some(found) = found else { break };
        left.retain(|(a, b)| !(found.contains(a) && found.contains(b)));
        words.push(list(&found));
    }
    let selves: Vec<&str> = left.iter().filter(|(a, b)| a == b).map(|p| p.0).collect();
    // The others: one with several, and all that have the same ones.
    let mut stars: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    let mut rest: BTreeSet<(&str, &str)> = left.iter().filter(|(a, b)| a != b).copied().collect();
    while let Some((a, b)) = rest.first().copied() {
        let others = |l: &str| -> Vec<&str> {
            let with = |(x, y): &(&'a str, &'a str)| match (*x == l, *y == l) {
                (true, _) => Some(*y),
                (_, true) => Some(*x),
                _ => None,
            };
            rest.iter().filter_map(with).collect()
        };
        let (of_a, of_b) = (others(a), others(b));
        let (center, with) = if of_a.len() >= of_b.len() {
            (a, of_a)
        } else {
            (b, of_b)
        };
        rest.retain(|(x, y)| *x != center && *y != center);
        match stars.iter_mut().find(|(_, others)| *others == with) {
            Some((centers, _)) => centers.push(center),
            None => stars.push((vec![center], with)),
        }
    }
    words.extend(
        stars
            .iter()
            .map(|(centers, with)| format!("{} with {}", list(centers), list(with))),
    );
    match selves.as_slice() {
        [] => {}
        [one] => words.push(format!("{one} with itself")),
        several => words.push(format!("each of {} with itself", list(several))),
    }
    words
}
