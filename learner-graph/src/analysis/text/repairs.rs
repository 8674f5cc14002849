//! What breaks validity, and what mends it.

use super::super::violation::{Change, Price, Repair, ViolationReport};
use super::words::{list, whole};
use crate::through::in_words;
use std::fmt;

/// The most repairs of one pair that are shown.
const REPAIRS_SHOWN: usize = 6;

/// The most counterexamples that are spelled out.
const COUNTEREXAMPLES_SHOWN: usize = 6;

/// What breaks validity: so many pairs of learners are not valid, of which these are all that differ in more than names.
pub(super) fn counterexamples(
    f: &mut fmt::Formatter<'_>,
    pairs: usize,
    violations: &[ViolationReport],
) -> fmt::Result {
    let all_told = violations.len() == pairs;
    if pairs > 1 {
        // What is said of all of them is true only if all are here.
        let common = if all_told {
            in_common(violations)
        } else {
            String::new()
        };
        writeln!(f, "  {pairs} pairs are not valid{common}.")?;
    }
    // Those of few entries tell most; then in the order of the file again.
    let mut shown: Vec<&ViolationReport> = violations.iter().collect();
    shown.sort_by_key(|v| v.through.len());
    shown.truncate(COUNTEREXAMPLES_SHOWN);
    shown.sort_by_key(|v| v.line());
    for violation in &shown {
        counterexample(f, violation)?;
    }
    let left = pairs.saturating_sub(shown.len());
    if left > 0 {
        let where_else = if all_told {
            "(--json has them all)"
        } else {
            "like these"
        };
        writeln!(f, "  … and {left} more pairs {where_else}")?;
    }
    if shown.iter().any(|v| is_open(v)) {
        let them = if shown.len() == 1 {
            "it"
        } else {
            "each of them"
        };
        writeln!(
            f,
            "  Whether raising thresholds mends {them} was not decided."
        )?;
    }
    Ok(())
}

/// Who, and which entries, are in all counterexamples.
fn in_common(violations: &[ViolationReport]) -> String {
    let Some((first, others)) = violations.split_first() else {
        return String::new();
    };
    let places = first.through.iter().map(|link| &link.place);
    let places = places.filter(|place| {
        let has = |v: &ViolationReport| v.through.iter().any(|link| link.place == **place);
        others.iter().all(has)
    });
    let places: Vec<String> = places.map(ToString::to_string).collect();
    let is_in_all = |name: &&String| others.iter().all(|v| v.between.contains(*name));
    let mut learners: Vec<&String> = first.between.iter().filter(is_in_all).collect();
    learners.dedup();
    let mut words = Vec::new();
    if !learners.is_empty() {
        words.push(format!("of {}", list(&learners)));
    }
    if !places.is_empty() {
        words.push(format!("promised by {}", list(&places)));
    }
    match words.is_empty() {
        true => String::new(),
        false => format!("; all of them are {}", words.join(" and ")),
    }
}

/// A counterexample, and what mends it.
fn counterexample(f: &mut fmt::Formatter<'_>, violation: &ViolationReport) -> fmt::Result {
    let [a, b] = &violation.between;
    let [of_a, of_b] = violation.quorums.each_ref().map(|names| whole(names));
    let safe = whole(&violation.safe);
    let through = in_words(a, &violation.through);
    if a == b {
        writeln!(
            f,
            "  {a} shall agree with itself while {safe} are safe; {of_a} and {of_b} are quorums of it."
        )?;
    } else {
        writeln!(
            f,
            "  {a} and {b} shall agree{through} while {safe} are safe; {of_a} is a quorum of {a}, {of_b} one of {b}."
        )?;
    }
    repairs(f, violation)
}

/// Whether it is open what becomes of it if thresholds are raised.
fn is_open(violation: &ViolationReport) -> bool {
    let raises_one = |repair: &Repair| raises(repair) && repair.changes.len() == 1;
    !violation.repairs_complete && !violation.repairs.iter().any(raises_one)
}

fn repairs(f: &mut fmt::Formatter<'_>, violation: &ViolationReport) -> fmt::Result {
    let found = &violation.repairs;
    let (complete, that_stop) = (violation.repairs_complete, &violation.repairs_that_stop);
    let raising: Vec<usize> = found
        .iter()
        .filter(|repair| raises(repair))
        .map(|r| r.changes.len())
        .collect();
    match (raising.iter().min(), complete) {
        (Some(1), _) | (_, false) => {}
        (Some(_), true) if that_stop.iter().any(|changes| changes.len() == 1) => writeln!(
            f,
            "    No threshold of the file mends it by being raised alone, and leaves quorums to all who have some."
        )?,
        (Some(_), true) => writeln!(
            f,
            "    No threshold of the file mends it by being raised alone."
        )?,
        (None, true) if !that_stop.is_empty() => {}
        (None, true) => writeln!(
            f,
            "    No thresholds of the file mend it, raised alone or together: other quorums are needed, or the promise has to go."
        )?,
    }
    for (at, repair) in shown(found).enumerate() {
        let either = if at == 0 { "mend it:" } else { "     or:" };
        let what = changes(&repair.changes);
        writeln!(f, "    {either} {what}{}", consequences(repair))?;
    }
    match found.len().saturating_sub(REPAIRS_SHOWN) {
        0 => {}
        left => writeln!(f, "         … and {left} more ways (--json has them all)")?,
    }
    if !that_stop.is_empty() {
        writeln!(
            f,
            "    These mend it too, but leave a learner without a quorum of acceptors that are not silent:"
        )?;
    }
    for refused in that_stop.iter().take(REPAIRS_SHOWN) {
        writeln!(f, "         {}", changes(refused))?;
    }
    match that_stop.len().saturating_sub(REPAIRS_SHOWN) {
        0 => {}
        left => writeln!(f, "         … and {left} more (--json has them all)")?,
    }
    match (raising.iter().min(), complete) {
        (Some(1), false) => writeln!(f, "    Not all thresholds were tried: there may be others."),
        _ => Ok(()),
    }
}

/// The first repairs; the last of them is the first that gives up a promise, which is always open, if no other does.
fn shown(found: &[Repair]) -> impl Iterator<Item = &Repair> {
    let gives_up = |repair: &&Repair| !raises(repair);
    let (first, rest) = found.split_at(found.len().min(REPAIRS_SHOWN));
    let last = match first.iter().any(|repair| gives_up(&repair)) {
        true => None,
        false => rest.iter().find(gives_up),
    };
    let first = first
        .iter()
        .take(REPAIRS_SHOWN - usize::from(last.is_some()));
    first.chain(last)
}

/// Whether thresholds are raised, and no promise is given up.
fn raises(repair: &Repair) -> bool {
    matches!(repair.changes[..], [Change::Raise { .. }, ..])
}

/// What is to be changed, in one sentence.
fn changes(changes: &[Change]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<&Change> = None;
    for change in changes {
        let begin = |verb: &str, again: &str| match before {
            Some(last) if std::mem::discriminant(last) == std::mem::discriminant(change) => {
                again.to_owned()
            }
            _ => verb.to_owned(),
        };
        words.push(match change {
            Change::Raise {
                place,
                threshold,
                raise_to,
            } => {
                let begin = begin("raise the threshold of", "that of");
                format!("{begin} {place} from {threshold} to {raise_to}")
            }
            Change::TakeOut { place, learner } => {
                let begin = begin(&format!("take {learner} out of"), "");
                format!("{begin} {place}")
            }
            Change::Remove { place } => format!("{} {place}", begin("remove", "")),
        });
        before = Some(change);
    }
    let words: Vec<&str> = words.iter().map(|words| words.trim()).collect();
    words.join(" and ")
}

/// What comes of it.
fn consequences(repair: &Repair) -> String {
    let mut words = String::new();
    if !repair.least {
        words.push_str(match repair.changes.as_slice() {
            [Change::Raise { .. }] => ", or to a smaller number, which was not decided",
            _ => ", or less than that, which was not decided",
        });
    }
    words.push_str(&match repair.ends {
        0 => String::new(),
        1 => String::from("; to 1 pair nothing is promised any more"),
        n => format!("; to {n} pairs nothing is promised any more"),
    });
    let price = &repair.price;
    let known = [price.crashes, price.lies, price.uniformity.map(usize::from)];
    if repair.leaves.is_none() && known.iter().all(Option::is_none) {
        return words + "; what else comes of it was not decided";
    }
    words.push_str(&match (repair.mends, repair.leaves) {
        (Some(1), Some(0)) => String::new(),
        (Some(2), Some(0)) => String::from("; then both pairs are valid that are not"),
        (Some(all), Some(0)) => format!("; then all {all} pairs are valid that are not"),
        (_, Some(1)) => String::from("; another pair stays as it is"),
        (_, Some(n)) => format!("; {n} other pairs stay as they are"),
        _ => String::from("; what becomes of other pairs was not decided"),
    });
    words + &cost(price)
}

/// What it costs, but for the promises that are ended.
fn cost(price: &Price) -> String {
    let mut costs = Vec::new();
    match price.crashes {
        Some(0) => {}
        Some(1) => costs.push(String::from("1 learner survives fewer crashes")),
        Some(n) => costs.push(format!("{n} learners survive fewer crashes")),
        None => costs.push(String::from(
            "what crashes learners survive was not decided",
        )),
    }
    match price.lies {
        Some(0) => {}
        Some(1) => costs.push(String::from("1 pair is promised to survive fewer lies")),
        Some(n) => costs.push(format!("{n} pairs are promised to survive fewer lies")),
        None => costs.push(String::from("what lies promises survive was not decided")),
    }
    match price.uniformity {
        Some(false) => {}
        Some(true) => costs.push(String::from("the graph is uniform no longer")),
        None => costs.push(String::from(
            "whether the graph stays uniform was not decided",
        )),
    }
    match costs.is_empty() {
        true => String::new(),
        false => format!("; price: {}", costs.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::Place;

    #[test]
    fn giving_up_a_promise_is_always_shown() {
        let place = || Place {
            name: String::from("[[safe]] 1"),
            line: None,
        };
        let raise = |raise_to| Change::Raise {
            place: place(),
            threshold: 1,
            raise_to,
        };
        let give_up = || Change::Remove { place: place() };
        let numbers = |changes: Vec<Change>| -> Vec<u64> {
            let repair = |change| Repair {
                changes: vec![change],
                least: true,
                mends: None,
                leaves: None,
                ends: 0,
                price: Price {
                    crashes: None,
                    lies: None,
                    uniformity: None,
                },
            };
            let all: Vec<Repair> = changes.into_iter().map(repair).collect();
            let number = |repair: &Repair| match repair.changes[0] {
                Change::Raise { raise_to, .. } => raise_to,
                _ => 0,
            };
            shown(&all).map(number).collect()
        };
        let mut changes: Vec<Change> = (1..9).map(raise).collect();
        assert_eq!(numbers(changes.clone()), [1, 2, 3, 4, 5, 6]);
        changes.push(give_up());
        assert_eq!(numbers(changes.clone()), [1, 2, 3, 4, 5, 0]);
        changes.insert(2, give_up());
        assert_eq!(numbers(changes), [1, 2, 0, 3, 4, 5]);
    }
}
