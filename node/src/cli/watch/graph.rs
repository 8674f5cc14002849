//! The learner graph as nodes tell it, and what holds between learners now.

use hpaxos_client::{Graph, Player};
use std::collections::{BTreeMap, BTreeSet};

/// A learner, and the quorums that it decides by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Learner {
    pub(super) name: String,
    pub(super) live: String,
}

/// Learners that agree when the safe acceptors satisfy an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Agreement {
    between: Vec<String>,
    when: String,
}

/// The graph, read from its canonical text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trust {
    pub(super) learners: Vec<Learner>,
    pub(super) acceptors: Vec<Player>,
    agreements: Vec<Agreement>,
}

/// What is known of the agreement of two learners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    /// Nothing is known against it.
    Entangled,
    /// Some acceptor that it could rest on was caught; the others suffice.
    Weakened,
    /// It is no longer promised.
    Disconnected,
}

impl Bond {
    pub(super) fn name(self) -> &'static str {
        match self {
            Bond::Entangled => "entangled",
            Bond::Weakened => "weakened",
            Bond::Disconnected => "disconnected",
        }
    }
}

/// Two learners of whom the graph says when they agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) between: [String; 2],
    pub(super) bond: Bond,
    /// Why.
    pub(super) words: String,
}

/// What nodes say now about acceptors and learners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Acceptors that some node knows not to be safe.
    pub(super) caught: BTreeSet<String>,
    /// Pairs that some node knows no longer to be connected, the smaller name first.
    pub(super) apart: BTreeSet<[String; 2]>,
}

impl Trust {
    /// Reads what a node answers.
    pub(super) fn read(graph: &Graph) -> Trust {
        let mut trust = Trust {
            acceptors: graph.acceptors.clone(),
            ..Trust::default()
        };
        for line in graph.canonical.lines().skip(1) {
            let mut words = line.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("learner"), Some(name), Some(live)) => trust.learners.push(Learner {
                    name: name.to_owned(),
                    live: live.to_owned(),
                }),
                (Some("safe"), Some(between), Some(when)) => trust.agreements.push(Agreement {
                    between: between.split(',').map(str::to_owned).collect(),
                    when: when.to_owned(),
                }),
                _ => {}
            }
        }
        trust
    }

    /// Whether the graph says when these two agree.
    pub(super) fn promises(&self, a: &str, b: &str) -> bool {
        let has = |agreement: &Agreement, name: &str| agreement.between.iter().any(|l| l == name);
        let mut agreements = self.agreements.iter();
        agreements.any(|agreement| has(agreement, a) && has(agreement, b))
    }

    /// All pairs of which the graph says something.
    pub(super) fn edges(&self, known: &Known) -> Vec<Edge> {
        let mut pairs: BTreeMap<[String; 2], Vec<&str>> = BTreeMap::new();
        for agreement in &self.agreements {
            for (at, a) in agreement.between.iter().enumerate() {
                for b in &agreement.between[at + 1..] {
                    let when = pairs.entry(pair(a, b)).or_default();
                    when.push(&agreement.when);
                }
            }
        }
        let edge = |(between, when): ([String; 2], Vec<&str>)| {
            let named = |acceptor: &&String| when.iter().any(|text| names(text, acceptor));
            let hurt: Vec<&str> = known
                .caught
                .iter()
                .filter(named)
                .map(String::as_str)
                .collect();
            let bond = match (known.apart.contains(&between), hurt.is_empty()) {
                (true, _) => Bond::Disconnected,
                (false, false) => Bond::Weakened,
                (false, true) => Bond::Entangled,
            };
            let why = match bond {
                Bond::Entangled => "nothing is known against it".to_owned(),
                Bond::Weakened => {
                    format!("{} was caught; the others still suffice", hurt.join(", "))
                }
                Bond::Disconnected => "what was proved leaves no such set".to_owned(),
            };
            let when = when.join(" or ");
            let words = format!("they agree if the safe acceptors satisfy {when}; {why}");
            Edge {
                between,
                bond,
                words,
            }
        };
        pairs.into_iter().map(edge).collect()
    }
}

/// Two names in order.
pub(super) fn pair(a: &str, b: &str) -> [String; 2] {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    [a.to_owned(), b.to_owned()]
}

/// Whether an expression names an acceptor.
fn names(expression: &str, acceptor: &str) -> bool {
    let mut words = expression.split_inclusive(['(', ')', ',', '*']);
    // What ends with ( or * is a number.
    words.any(|word| word.trim_end_matches([')', ',']) == acceptor)
}
