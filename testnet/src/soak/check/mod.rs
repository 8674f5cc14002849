//! The checks of a soak: every log as it is read, against what was submitted and against each other. No I/O.
//!
//! ```text
//!   decisions of a log ─► in slot order? ─► Window: same as every log that must agree?
//!                              │
//!                              └─► values ─► Stamp: submitted? ─► Log: once, and in order?
//!   values acknowledged ─────────────────────────► at the end: nothing missing, same hash?
//! ```
//!
//! What is kept does not grow with the number of values: for each log the next slot, a running hash, and for
//! each client how many of its values have come; for all logs that must agree a fingerprint for each slot
//! that not all of them have told ([`window::OPEN`] at most), for the last [`window::KEPT`] that they have, and for
//! some thousand older ones.

pub mod finding;
pub mod log;
pub mod window;

use crate::expect::Expectation;
use crate::launch::layout::Layout;
use crate::observe::{Learner, Node};
use crate::soak::stamp::Stamp;
use finding::{Finding, Kind};
use hpaxos_client::{Decision, Value};
use log::{Log, Wrong};
use window::{Compared, Window};

/// Findings that are kept in words; more are counted.
const FINDINGS: usize = 20;

/// A learner at a node that plays it: where a log is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The learner's place in the graph.
    pub learner: Learner,
    /// The node's place.
    pub node: Node,
    /// The learner's name.
    pub learner_name: String,
    /// The node's name.
    pub node_name: String,
}

/// All logs, and what is known to be wrong.
#[derive(Debug)]
pub struct Checker {
    places: Vec<Place>,
    logs: Vec<Log>,
    /// The window of each log.
    group: Vec<usize>,
    windows: Vec<Window>,
    /// For each client: in which logs its values come in order.
    in_order: Vec<Vec<bool>>,
    findings: Vec<Finding>,
    more: u64,
}

impl Checker {
    /// The logs of a network in which nobody has decided anything, for clients that wait for these
    /// learners; `None` for one that waits for the learner of whatever node it asks.
    #[must_use]
    pub fn new(expect: &Expectation, layout: &Layout, clients: &[Option<Learner>]) -> Checker {
        let places = places(expect, layout);
        let mut group: Vec<usize> = Vec::new();
        let mut groups = 0;
        for (at, place) in places.iter().enumerate() {
            let agrees = |other: &usize| expect.must_agree(places[*other].learner, place.learner);
            let known = (0..at).find(agrees).map(|other| group[other]);
            group.push(known.unwrap_or(groups));
            groups = groups.max(group[at] + 1);
        }
        let in_order = |learner: &Option<Learner>| {
            let agrees = |place: &Place| match learner {
                Some(l) => expect.must_agree(*l, *l) && expect.must_agree(*l, place.learner),
                None => expect.one_each(),
            };
            places.iter().map(agrees).collect()
        };
        Checker {
            logs: vec![Log::new(clients.len()); places.len()],
            windows: vec![Window::default(); groups],
            in_order: clients.iter().map(in_order).collect(),
            group,
            places,
            findings: Vec::new(),
            more: 0,
        }
    }

    /// Where logs are read.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// A log, by its place.
    #[must_use]
    pub fn log(&self, at: usize) -> &Log {
        &self.logs[at]
    }

    /// What is wrong, and how many more such things there are.
    #[must_use]
    pub fn findings(&self) -> (&[Finding], u64) {
        (&self.findings, self.more)
    }

    /// Notes what others found.
    pub fn found(&mut self, finding: Finding) {
        match self.findings.len() < FINDINGS {
            true => self.findings.push(finding),
            false => self.more += 1,
        }
    }

    /// The most values that a learner has decided at any node.
    #[must_use]
    pub fn decided(&self, learner: Learner) -> u64 {
        let logs = self.places.iter().zip(&self.logs);
        let of_learner = logs.filter(|(place, _)| place.learner == learner);
        of_learner.map(|(_, log)| log.values).max().unwrap_or(0)
    }

    /// The next decision of a log, or one that was told before and is told again.
    pub fn take(&mut self, at: usize, told: &Decision) {
        let next = self.logs[at].next;
        if told.slot > next {
            let words = format!("leaves slots {next} to {} out", told.slot - 1);
            return self.wrong(Kind::Skipped, at, next, &words);
        }
        let again = told.slot < next;
        let values = told.values.iter().map(|v| v.bytes.as_slice());
        let print = log::print(&told.digest, values);
        let window = &mut self.windows[self.group[at]];
        match window.compare(at, told.slot, print) {
            Compared::First | Compared::Same | Compared::Forgotten => {}
            Compared::Differs(_) if again => {
                let words = "tells this slot otherwise than before".to_owned();
                self.wrong(Kind::Changed, at, told.slot, &words);
            }
            Compared::Differs(first) => {
                let other = first.map_or("another log".to_owned(), |first| self.name(first));
                let words = format!("has {}, unlike {other}", shown(told));
                self.wrong(Kind::Diverged, at, told.slot, &words);
            }
            Compared::TooFar => {
                let words = format!("is {} slots ahead of others", window::OPEN);
                self.wrong(Kind::Stuck, at, told.slot, &words);
            }
        }
        if again {
            return;
        }
        self.logs[at].next = next + 1;
        for value in &told.values {
            self.value(at, told.slot, &value.bytes);
        }
        let group = self.group[at];
        let logs = self.logs.iter().zip(&self.group);
        let settled = logs.filter(|(_, g)| **g == group).map(|(log, _)| log.next);
        self.windows[group].settle(settled.min().unwrap_or(0));
    }

    fn value(&mut self, at: usize, slot: u64, bytes: &[u8]) {
        let stamp = Stamp::of(bytes).filter(|s| (s.client as usize) < self.in_order.len());
        let Some(stamp) = stamp else {
            let value = crate::show::words::value(bytes, 40);
            let words = format!("has {value}, which nobody has submitted");
            return self.wrong(Kind::Foreign, at, slot, &words);
        };
        let in_order = self.in_order[stamp.client as usize][at];
        match self.logs[at].take(stamp, in_order) {
            Ok(()) => {}
            Err(Wrong::Twice) => {
                let words = format!("has {stamp} for the second time");
                self.wrong(Kind::Duplicate, at, slot, &words);
            }
            Err(Wrong::Without(number)) => {
                let words = format!(
                    "has {stamp} without value {number} before it, which had been decided when this one was submitted"
                );
                self.wrong(Kind::Reordered, at, slot, &words);
            }
        }
    }

    fn name(&self, at: usize) -> String {
        let place = &self.places[at];
        format!("{} at {}", place.learner_name, place.node_name)
    }

    fn wrong(&mut self, kind: Kind, at: usize, slot: u64, words: &str) {
        let place = &self.places[at];
        self.found(Finding {
            kind,
            node: Some(place.node_name.clone()),
            learner: Some(place.learner_name.clone()),
            slot: Some(slot),
            words: format!("slot {slot}: {} {words}", self.name(at)),
        });
    }

    /// The logs of these learners that lack some of the values that each client has seen acknowledged, with
    /// how many, and the first.
    #[must_use]
    pub fn lacking(&self, learners: &[Learner], acknowledged: &[u64]) -> Vec<(usize, u64, Stamp)> {
        let all = (0..self.places.len()).filter(|at| learners.contains(&self.places[*at].learner));
        let lack = |at: usize| {
            let clients = acknowledged.iter().enumerate();
            let missing = clients.filter_map(|(client, n)| self.logs[at].missing(client, *n));
            let all = missing.reduce(|(a, first), (b, _)| (a + b, first));
            all.map(|(n, first)| (at, n, first))
        };
        all.filter_map(lack).collect()
    }

    /// Nothing more will be decided: whatever is acknowledged must be in every log of these learners, and
    /// logs that must agree must have the same values in the same order.
    pub fn finish(&mut self, learners: &[Learner], acknowledged: &[u64]) {
        for (at, n, first) in self.lacking(learners, acknowledged) {
            let slot = self.logs[at].next;
            let them = crate::show::words::count(
                usize::try_from(n).unwrap_or(usize::MAX),
                "acknowledged value",
            );
            let words = format!("lacks {them}, the first of them {first}");
            self.wrong(Kind::Lost, at, slot, &words);
        }
        if !self.findings.is_empty() {
            return;
        }
        for at in 0..self.places.len() {
            let first = self.group.iter().position(|group| *group == self.group[at]);
            let first = first.unwrap_or(at);
            let ends = [first, at].map(|at| learners.contains(&self.places[at].learner));
            if ends == [true; 2] && self.logs[at].hash != self.logs[first].hash {
                let slot = self.logs[at].next;
                let words = format!("has not the values of {}", self.name(first));
                self.wrong(Kind::Diverged, at, slot, &words);
            }
        }
    }

    /// What a log tells when it is asked for an old slot again.
    pub fn again(&mut self, at: usize, slot: u64, told: Option<&Decision>) {
        match told.filter(|told| told.slot == slot) {
            Some(told) => self.take(at, told),
            None => self.wrong(Kind::Changed, at, slot, "no longer tells this slot"),
        }
    }

    /// Old slots that are remembered, each with a log of it: they can be asked for again. About `all` of
    /// them, and as many of each log.
    #[must_use]
    pub fn old_slots(&self, all: usize) -> Vec<(usize, u64)> {
        let n = all / self.places.len().max(1);
        let of_log = |at: usize| {
            let next = self.logs[at].next;
            let all: Vec<u64> = self.windows[self.group[at]]
                .sampled()
                .filter(|slot| *slot < next)
                .collect();
            let step = all.len().div_ceil(n.max(1)).max(1);
            all.into_iter().step_by(step).map(move |slot| (at, slot))
        };
        (0..self.places.len()).flat_map(of_log).collect()
    }
}

/// A decision in a few words.
fn shown(told: &Decision) -> String {
    let stamp = |value: &Value| Stamp::of(&value.bytes);
    match told.values.as_slice() {
        [] => "no value".to_owned(),
        [first, rest @ ..] => {
            let first = stamp(first).map_or("a strange value".to_owned(), |s| s.to_string());
            match rest.len() {
                0 => first,
                n => format!("{first} and {n} more"),
            }
        }
    }
}

/// Every learner at every node that plays it.
fn places(expect: &Expectation, layout: &Layout) -> Vec<Place> {
    let graph = expect.graph();
    let learners: Vec<Learner> = (0..graph.n_learners()).collect();
    let nodes: Vec<Node> = (0..layout.nodes.len()).collect();
    let names: Vec<&str> = graph
        .learners()
        .iter()
        .map(|l| graph.learner_name(l))
        .collect();
    let place = |(learner, node): (Learner, Node)| Place {
        learner,
        node,
        learner_name: names[learner].to_owned(),
        node_name: layout.nodes[node].name.clone(),
    };
    expect.places(&learners, &nodes).map(place).collect()
}

#[cfg(test)]
mod tests;
