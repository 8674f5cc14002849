//! Graphs in which nothing is like anything else.
#![allow(dead_code, reason = "not every file of tests uses all of it")]

use learner_graph::{LearnerGraph, parse_unchecked};
use std::fmt::Write;

/// Numbers without a pattern.
struct Irregular(u64);

impl Irregular {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % below
    }
}

/// A graph of so many acceptors, to each of which every learner gives another weight.
pub(crate) fn irregular(acceptors: usize, learners: usize) -> LearnerGraph {
    parse_unchecked(&irregular_text(acceptors, learners)).expect("a graph")
}

/// The same as text.
pub(crate) fn irregular_text(acceptors: usize, learners: usize) -> String {
    let mut numbers = Irregular(1);
    let mut expr = || {
        let weights: Vec<u64> = (0..acceptors)
            .map(|_| numbers.next(1_000_000) + 2)
            .collect();
        let all: u64 = weights.iter().sum();
        let members = weights.iter().enumerate();
        let members = members.map(|(a, weight)| format!("{{ weight = {weight}, of = \"a{a}\" }}"));
        let members: Vec<String> = members.collect();
        format!(
            "{{ threshold = {}, of = [{}] }}",
            all * 2 / 3,
            members.join(", ")
        )
    };
    let names = |prefix: &str, n: usize| {
        let names: Vec<String> = (0..n).map(|i| format!("\"{prefix}{i}\"")).collect();
        names.join(", ")
    };
    let mut text = format!("acceptors = [{}]\n[learners]\n", names("a", acceptors));
    for l in 0..learners {
        let _ = writeln!(text, "l{l} = {}", expr());
    }
    let _ = writeln!(
        text,
        "[[safe]]\nbetween = [{}]\nwhen = {}",
        names("l", learners),
        expr()
    );
    text
}
