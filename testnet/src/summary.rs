//! The verdict of a run. No I/O.

use crate::expect::Expectation;
use crate::observe::{Divergence, Item, Learner, Node, Observer};
use crate::track::{Lack, Tracker};
use node::config::Mode;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// How a node "died" that only does nothing for a while.
pub const PAUSED: &str = "paused";

/// A learner's part of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnerSummary {
    /// Its name.
    pub name: String,
    /// Whether the graph says that it must decide, with the acceptors that are left.
    pub must_decide: bool,
    /// Why it need not.
    pub excuse: Option<&'static str>,
    /// Most slots decided on a trusted node.
    pub slots: u64,
    /// Most of the submitted values decided on a trusted node.
    pub values: usize,
    /// Median and maximum from submission to its first decision.
    pub latency: Option<(Duration, Duration)>,
}

/// A pair of learners, or one twice, that was seen to differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was noticed first.
    pub first: Divergence,
    /// The number of slots in which they differ.
    pub slots: usize,
    /// Whether the graph says that they must agree: then something is broken.
    pub broken: bool,
    /// The graph's words about it.
    pub verdict: String,
}

/// The verdict of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The protocol.
    pub mode: Mode,
    /// The nodes' names.
    pub nodes: Vec<String>,
    /// How many values were to be decided.
    pub total: usize,
    /// The learners, in the graph's order.
    pub learners: Vec<LearnerSummary>,
    /// Learners that must agree with each other, in groups.
    pub groups: Vec<Vec<Learner>>,
    /// Whoever differs.
    pub differences: Vec<Difference>,
    /// The learners that are waited for: those that must decide, or else those that can.
    pub awaited: Vec<Learner>,
    /// Who of them has not decided everything.
    pub lacks: Vec<Lack>,
    /// Nodes that died, with how they ended, and those that are paused.
    pub dead: Vec<(Node, String)>,
    /// Disks that were killed.
    pub dead_disks: Vec<String>,
    /// Nodes that live and whose reports count.
    pub living: usize,
    /// Nodes whose acceptor misbehaves on purpose; their reports prove nothing.
    pub byzantine: Vec<Node>,
    /// Acceptors that nodes have evidence against.
    pub caught: Vec<String>,
    /// What evidence proves, in words, the first of them: proposers that lie are caught as well, and are no acceptors.
    pub evidence: Vec<String>,
    /// How long the run took.
    pub elapsed: Duration,
    /// When the latest of the values was decided.
    pub last: Option<Duration>,
    /// Values that were decided and not submitted by this run: the most at one place.
    pub others: usize,
    /// Whether the run was told to stop before it was over.
    pub interrupted: bool,
}

impl Summary {
    /// Whether everybody agrees who must.
    #[must_use]
    pub fn agreed(&self) -> bool {
        self.differences.iter().all(|d| !d.broken)
    }

    /// Whether everything was decided by everybody who is waited for, and somebody is.
    #[must_use]
    pub fn decided(&self) -> bool {
        self.lacks.is_empty() && (self.total == 0 || !self.awaited.is_empty())
    }

    /// The exit code: 0 done, 1 divergence, 3 not everything was decided.
    #[must_use]
    pub fn code(&self) -> u8 {
        match (self.agreed(), self.decided()) {
            (false, _) => 1,
            (true, true) => 0,
            (true, false) => 3,
        }
    }

    /// A learner's name.
    #[must_use]
    pub fn learner(&self, learner: Learner) -> &str {
        self.learners.get(learner).map_or("?", |l| l.name.as_str())
    }

    /// A node's name.
    #[must_use]
    pub fn node(&self, node: Node) -> &str {
        self.nodes.get(node).map_or("?", String::as_str)
    }

    /// The summary as the last line of `--json`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let names =
            |group: &Vec<Learner>| group.iter().map(|l| self.learner(*l)).collect::<Vec<_>>();
        let ms = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let learner = |l: &LearnerSummary| {
            json!({
                "learner": l.name,
                "must_decide": l.must_decide,
                "slots": l.slots,
                "values": l.values,
                "latency_ms": l.latency.map(|(median, max)| json!({"median": ms(median), "max": ms(max)})),
            })
        };
        let difference = |d: &Difference| {
            let side = |r: &crate::observe::Report| {
                json!({
                    "node": self.node(r.node), "learner": self.learner(r.learner),
                    "ballot": r.batch.ballot, "values": r.batch.items.iter().map(value).collect::<Vec<_>>(),
                })
            };
            json!({
                "slot": d.first.first.slot, "slots": d.slots, "broken": d.broken, "verdict": d.verdict,
                "sides": [side(&d.first.first), side(&d.first.second)],
            })
        };
        let lack = |l: &Lack| json!({"learner": self.learner(l.learner), "node": self.node(l.node), "missing": l.missing});
        json!({
            "event": "summary",
            "agreed": self.agreed(),
            "decided": self.decided(),
            "values": self.total,
            "others": self.others,
            "learners": self.learners.iter().map(learner).collect::<Vec<_>>(),
            "entangled": self.groups.iter().map(names).collect::<Vec<_>>(),
            "divergences": self.differences.iter().map(difference).collect::<Vec<_>>(),
            "lacking": self.lacks.iter().map(lack).collect::<Vec<_>>(),
            "dead_disks": self.dead_disks,
            "interrupted": self.interrupted,
            "dead": self.dead.iter().map(|(n, how)| json!({"node": self.node(*n), "how": how})).collect::<Vec<_>>(),
            "byzantine": self.byzantine.iter().map(|n| self.node(*n)).collect::<Vec<_>>(),
            "caught": self.caught,
            "evidence": self.evidence,
            "decided_ms": self.last.filter(|_| self.decided()).map(ms),
            "elapsed_ms": ms(self.elapsed),
        })
    }
}

/// A value as the HTTP API shows it.
fn value(item: &Item) -> Json {
    use base64::Engine;
    let mut shown =
        json!({"base64": base64::engine::general_purpose::STANDARD.encode(&item.bytes)});
    if let Ok(text) = std::str::from_utf8(&item.bytes) {
        shown["text"] = json!(text);
    }
    shown
}

/// The nodes of a run as the verdict sees them.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    /// Their names.
    pub names: Vec<String>,
    /// Those that died, with how.
    pub dead: Vec<(Node, String)>,
    /// Disks that were killed.
    pub dead_disks: Vec<String>,
    /// Those whose acceptor misbehaves.
    pub byzantine: Vec<Node>,
}

impl Nodes {
    /// The nodes whose reports count.
    #[must_use]
    pub fn trusted(&self) -> Vec<Node> {
        (0..self.names.len())
            .filter(|n| !self.byzantine.contains(n))
            .collect()
    }

    /// The trusted nodes that live: those on which everything must be decided.
    #[must_use]
    pub fn living(&self) -> Vec<Node> {
        let dead = |node: &Node| self.dead.iter().any(|(n, _)| n == node);
        self.trusted().into_iter().filter(|n| !dead(n)).collect()
    }
}

/// Puts the verdict together.
#[must_use]
pub fn summarise(
    expect: &Expectation,
    observer: &Observer,
    tracker: &Tracker,
    nodes: &Nodes,
    caught: Vec<String>,
    elapsed: Duration,
) -> Summary {
    let graph = expect.graph();
    let learners = graph.learners().iter().zip(0..).map(|(id, at)| {
        let trusted = || nodes.trusted().into_iter();
        let latencies = tracker.latencies(at);
        LearnerSummary {
            name: graph.learner_name(id).to_owned(),
            must_decide: expect.must_decide(at),
            excuse: expect.excuse(at),
            slots: trusted()
                .map(|n| observer.decided_slots(at, n))
                .max()
                .unwrap_or(0),
            values: trusted().map(|n| tracker.count(at, n)).max().unwrap_or(0),
            latency: latencies.last().map(|max| (median(&latencies), *max)),
        }
    });
    let differences = observer.diverged().values().map(|diverged| {
        let (a, b) = diverged.first.pair();
        Difference {
            first: diverged.first.clone(),
            slots: diverged.slots.len(),
            broken: expect.must_agree(a, b),
            verdict: expect.verdict(a, b),
        }
    });
    let awaited = expect.awaited();
    let living = nodes.living();
    Summary {
        mode: expect.mode(),
        nodes: nodes.names.clone(),
        total: tracker.total(),
        learners: learners.collect(),
        groups: expect.groups(),
        differences: differences.collect(),
        lacks: tracker.lacking(expect.places(&awaited, &living)),
        awaited,
        dead: nodes.dead.clone(),
        dead_disks: nodes.dead_disks.clone(),
        living: living.len(),
        byzantine: nodes.byzantine.clone(),
        caught,
        evidence: Vec::new(),
        elapsed,
        last: tracker.last(),
        others: 0,
        interrupted: false,
    }
}

/// The middle one of ascending times, the lower of two.
fn median(ascending: &[Duration]) -> Duration {
    ascending
        .get(ascending.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
