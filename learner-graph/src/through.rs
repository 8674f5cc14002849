//! Promises that nobody wrote as one: entries of a file that lead from one learner to another by transitivity.

use crate::graph::LearnerGraph;
use crate::id::LearnerId;
use crate::set::AcceptorSet;
use crate::written::{Place, Written};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

/// The most entries of a chain that are all named.
const MAX_NAMED: usize = 4;
/// So many entries, and learners, are named of each end of a longer one.
const AT_END: usize = 2;

/// A step of a chain of promises.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Link {
    /// The `[[safe]]` entry.
    pub place: Place,
    /// The learner that it leads to.
    pub learner: String,
}

/// The numbers of the entries of a shortest chain from one learner to another, or to itself, that all hold of a set,
/// each with the learner that it leads to; empty if there is none.
pub(crate) fn chain(
    graph: &LearnerGraph,
    written: &Written,
    (from, to): (LearnerId, LearnerId),
    set: &AcceptorSet,
) -> Vec<(usize, LearnerId)> {
    let mut entries: Vec<_> = written.safe.iter().enumerate().collect();
    entries.retain(|(_, (_, _, when))| graph.exprs.holds(*when, set));
    // By which entry, and from whom, each learner was reached first.
    let mut reached: BTreeMap<LearnerId, (usize, LearnerId)> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(at) = open.pop_front() {
        for (number, (_, learners, _)) in &entries {
            for next in learners.iter().filter(|_| learners.contains(at)) {
                // A learner agrees with itself by an entry, too.
                if (next != from || to == from) && !reached.contains_key(&next) {
                    reached.insert(next, (*number, at));
                    open.push_back(next);
                }
            }
        }
    }
    let mut steps = Vec::new();
    let mut at = to;
    while let Some((number, before)) = reached.get(&at).copied() {
        steps.push((number, at));
        at = before;
        if at == from {
            break;
        }
    }
    steps.reverse();
    steps
}

/// The same by names and places; empty if the graph stands in no file.
pub(crate) fn links(
    graph: &LearnerGraph,
    pair: (LearnerId, LearnerId),
    set: &AcceptorSet,
) -> Vec<Link> {
    let Some(written) = &graph.written else {
        return Vec::new();
    };
    let link = |(number, learner)| {
        Some(Link {
            place: written.safe_entry(number)?,
            learner: graph.learner_name(learner).to_owned(),
        })
    };
    let steps = chain(graph, written, pair, set).into_iter();
    steps.filter_map(link).collect()
}

/// ` (through [[safe]] 3 and [[safe]] 1: exchange – bankA – bankB)`; nothing if one entry says it.
pub(crate) fn in_words(from: &str, links: &[Link]) -> String {
    if links.len() < 2 {
        return String::new();
    }
    let places: Vec<String> = links.iter().map(|link| link.place.to_string()).collect();
    let learners = links.iter().map(|link| link.learner.as_str());
    let learners: Vec<&str> = std::iter::once(from).chain(learners).collect();
    let ends = |names: &[&str]| -> [String; 2] {
        let last = names.len() - AT_END;
        [names[..AT_END].join(", "), names[last..].join(", ")]
    };
    let (entries, way) = match places.as_slice() {
        [first @ .., last] if links.len() <= MAX_NAMED => (
            format!("{} and {last}", first.join(", ")),
            learners.join(" – "),
        ),
        all => {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let ([first, last], n) = (ends(&all), all.len());
            let way = ends(&learners).map(|ends| ends.replace(", ", " – "));
            (
                format!("{n} entries, {first}, … {last}"),
                way.join(" – … – "),
            )
        }
    };
    format!(" (through {entries}: {way})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_unchecked;

    /// What is said of two learners of a ring, whose first two have an entry that asks for all acceptors, in words.
    fn around(n: usize, [from, to]: [usize; 2], safe: usize) -> String {
        let learner = |l| format!("l{} = \"a\"\n", l % n);
        let learners: String = (0..n).map(learner).collect();
        let entry = |l: usize| {
            let all = if l == 0 { "[\"a\", \"b\"]" } else { "[\"a\"]" };
            let next = (l + 1) % n;
            format!("[[safe]]\nbetween = [\"l{l}\", \"l{next}\"]\nwhen = {{ sets = [{all}] }}\n")
        };
        let entries: String = (0..n).map(entry).collect();
        let text = format!("acceptors = [\"a\", \"b\"]\n[learners]\n{learners}{entries}");
        let graph = parse_unchecked(&text).expect("a graph");
        let learner = |l| graph.learner(&format!("l{l}")).expect("a learner");
        let set = AcceptorSet::first(safe);
        let links = links(&graph, (learner(from), learner(to)), &set);
        assert!(links.iter().all(|link| link.place.line.is_some()));
        let words = in_words(&format!("l{from}"), &links);
        match links.as_slice() {
            [one] => format!("{}{words}", one.place.name),
            _ => words,
        }
    }

    #[test]
    fn the_shortest_chain_that_holds_is_named() {
        assert_eq!(around(4, [0, 1], 2), "[[safe]] 1");
        assert_eq!(around(4, [2, 2], 1), "[[safe]] 2");
        assert_eq!(
            around(4, [0, 1], 1),
            " (through [[safe]] 4 (line 16), [[safe]] 3 (line 13) and [[safe]] 2 (line 10): l0 – l3 – l2 – l1)"
        );
        assert_eq!(around(4, [0, 1], 0), "", "none holds");
        assert_eq!(
            around(9, [0, 1], 1),
            " (through 8 entries, [[safe]] 9 (line 36), [[safe]] 8 (line 33), … [[safe]] 3 (line 18), \
             [[safe]] 2 (line 15): l0 – l8 – … – l2 – l1)"
        );
    }
}
