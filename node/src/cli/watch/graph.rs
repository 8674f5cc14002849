//! The learner graph as nodes tell it, and what holds between learners now.

use crate::agreement::{Judgement, Rules};
use hpaxos_client::{Graph, Player};
use std::collections::{BTreeMap, BTreeSet};

/// A learner, and the quorums that it decides by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Learner {
    pub(super) name: String,
    pub(super) live: String,
}

/// Learners that agree while acceptors are safe that satisfy an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Agreement {
    between: Vec<String>,
    /// In words.
    when: String,
    named: BTreeSet<String>,
}

/// The graph, read from its canonical text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trust {
    pub(super) learners: Vec<Learner>,
    pub(super) acceptors: Vec<Player>,
    agreements: Vec<Agreement>,
    rules: Rules,
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
    /// Learners that some node has seen to decide twice in one slot.
    pub(super) forked: BTreeSet<String>,
}

impl Trust {
    /// Reads what a node answers.
    pub(super) fn read(graph: &Graph) -> Trust {
        let mut trust = Trust {
            acceptors: graph.acceptors.clone(),
            rules: Rules::read(&graph.canonical),
            ..Trust::default()
        };
        for line in graph.canonical.lines().skip(1) {
            let mut words = line.splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("learner"), Some(name), Some(live)) => trust.learners.push(Learner {
                    name: name.to_owned(),
                    live: Rules::words(live),
                }),
                (Some("safe"), Some(between), Some(when)) => trust.agreements.push(Agreement {
                    between: between.split(',').map(str::to_owned).collect(),
                    when: Rules::words(when),
                    named: Rules::named(when),
                }),
                _ => {}
            }
        }
        trust
    }

    /// Whether two learners may decide differently by what is known, and why.
    pub(super) fn judge(&self, a: &str, b: &str, known: &Known) -> Judgement {
        // Nobody can say yet.
        if self.learners.is_empty() {
            let why = "the graph is not known yet".to_owned();
            return Judgement { allowed: true, why };
        }
        let apart = known.apart.contains(&pair(a, b));
        self.rules.judge(a, b, &known.caught, apart)
    }

    /// Whether two certificates prove that learners differ whom those that were caught do not free from their promise.
    pub(super) fn is_disproved(&self, known: &Known) -> bool {
        let mut apart = known.apart.iter();
        apart.any(|[a, b]| self.rules.must_agree(a, b, &known.caught))
    }

    /// All pairs of which the graph says something.
    pub(super) fn edges(&self, known: &Known) -> Vec<Edge> {
        let mut pairs: BTreeMap<[String; 2], Vec<&Agreement>> = BTreeMap::new();
        for agreement in &self.agreements {
            for (at, a) in agreement.between.iter().enumerate() {
                for b in &agreement.between[at + 1..] {
                    let when = pairs.entry(pair(a, b)).or_default();
                    when.push(agreement);
                }
            }
        }
        let edge = |(between, when): ([String; 2], Vec<&Agreement>)| {
            let named = |acceptor: &&String| when.iter().any(|a| a.named.contains(*acceptor));
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
            let when: Vec<&str> = when.iter().map(|a| a.when.as_str()).collect();
            let when = when.join(", or ");
            let words = format!("they are to agree while {when} are safe; {why}");
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
