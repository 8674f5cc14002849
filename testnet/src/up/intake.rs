//! Takes events in: keeps the observer, the tracker and the predictions up to date. No I/O but showing.

use crate::expect::Expectation;
use crate::launch::layout::Layout;
use crate::observe::{Batch, Item, Learner, Node, Observer, Report};
use crate::show::{Show, State};
use crate::summary::{Nodes, Summary, summarise};
use crate::track::Tracker;
use crate::values::Value;
use hpaxos_client::{Decision, Event};
use learner_graph::AcceptorId;
use serde::Deserialize as _;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

mod known;

/// What has become of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was taken in.
    In,
    /// It says that others are missing.
    Gap,
}

/// Pieces of evidence that the verdict has.
const PROVED: usize = 20;

/// Everything known about a run.
pub(super) struct Intake {
    expect: Expectation,
    observer: Observer,
    tracker: Tracker,
    /// How many values of others each learner has decided at each node.
    others: BTreeMap<(Learner, Node), usize>,
    nodes: Nodes,
    learners: HashMap<String, usize>,
    acceptors: Vec<Option<String>>,
    keys: Vec<String>,
    /// Acceptors that each node has reported evidence against.
    caught: BTreeSet<(Node, String)>,
    /// What evidence says that each node has told of.
    evidence: BTreeSet<(Node, String)>,
    /// Learners of which each node has said that they are disconnected.
    disconnected: BTreeSet<(Node, (Learner, Learner))>,
    /// Nodes that sent something unreadable, which is said once.
    unreadable: BTreeSet<Node>,
    awaited: Vec<usize>,
    /// The highest ballot that a trusted node has told.
    ballot: u64,
    /// Since when learners differ that must agree.
    broken: Option<Instant>,
    origin: Instant,
}

impl Intake {
    pub(super) fn new(
        expect: Expectation,
        layout: &Layout,
        values: &[Value],
        origin: Instant,
    ) -> Intake {
        let graph = expect.graph();
        let names = graph
            .learners()
            .iter()
            .map(|l| graph.learner_name(l).to_owned());
        let learners: HashMap<String, usize> = names.zip(0..).collect();
        let byzantine = layout
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, plan)| plan.byzantine.is_some());
        let nodes = Nodes {
            names: layout.nodes.iter().map(|plan| plan.name.clone()).collect(),
            dead: Vec::new(),
            dead_disks: Vec::new(),
            byzantine: byzantine.map(|(at, _)| at).collect(),
        };
        Intake {
            observer: Observer::new(nodes.names.len(), learners.len()),
            tracker: Tracker::new(values, nodes.names.len(), learners.len()),
            others: BTreeMap::new(),
            awaited: expect.awaited(),
            acceptors: layout
                .nodes
                .iter()
                .map(|plan| plan.acceptor.clone())
                .collect(),
            keys: values.iter().map(|value| value.key.clone()).collect(),
            expect,
            nodes,
            learners,
            caught: BTreeSet::new(),
            evidence: BTreeSet::new(),
            disconnected: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            ballot: 0,
            broken: None,
            origin,
        }
    }

    /// An event of a node, as it came.
    pub(super) fn event(
        &mut self,
        node: Node,
        data: &str,
        at: Instant,
        show: &mut dyn Show,
    ) -> io::Result<Taken> {
        let read =
            serde_json::from_str::<Json>(data).and_then(|raw| Ok((Event::deserialize(&raw)?, raw)));
        let (event, raw) = match read {
            Ok(read) => read,
            Err(_) if !self.unreadable.insert(node) => return Ok(Taken::In),
            Err(error) => {
                let name = self.node_name(node);
                show.notice(&format!("{name} sends events that cannot be read: {error}"))?;
                return Ok(Taken::In);
            }
        };
        match &event {
            Event::Gap {} => return Ok(Taken::Gap),
            Event::Decision(decided) => {
                let now = at.saturating_duration_since(self.origin);
                self.decided(node, decided, &raw, &event, now, show)?;
                return Ok(Taken::In);
            }
            Event::Evidence {
                acceptor, words, ..
            } if self.trusted(node) => {
                let caught = acceptor.iter().map(|acceptor| (node, acceptor.clone()));
                self.caught.extend(caught);
                self.evidence.insert((node, words.clone()));
            }
            Event::Disconnected { learners } if self.trusted(node) => {
                let ids = learners.iter().filter_map(|name| self.learners.get(name));
                if let [a, b] = ids.copied().collect::<Vec<_>>()[..] {
                    self.disconnected.insert((node, (a.min(b), a.max(b))));
                }
            }
            Event::Ballot { ballot, .. } if self.trusted(node) => {
                self.ballot = self.ballot.max(*ballot);
            }
            _ => {}
        }
        show.event(node, &raw, &event, None)?;
        Ok(Taken::In)
    }

    /// Marks the submitted values of a decision as decided: how many there are, and the latency of the oldest.
    fn own(&mut self, node: Node, decided: &Decision, now: Duration) -> (usize, Option<Duration>) {
        let Some(learner) = self.learners.get(&decided.learner).copied() else {
            return (0, None);
        };
        let items = decided.values.iter();
        let delivered =
            items.filter_map(|v| self.tracker.decided(node, learner, &Item::from(v), now));
        let delivered: Vec<_> = delivered.collect();
        let latency = delivered.iter().filter_map(|d| d.latency).max();
        (delivered.len(), latency)
    }

    fn decided(
        &mut self,
        node: Node,
        decided: &Decision,
        raw: &Json,
        event: &Event,
        now: Duration,
        show: &mut dyn Show,
    ) -> io::Result<()> {
        let (own, latency) = self.own(node, decided, now);
        // A node with a misbehaving acceptor may tell anything: its reports prove nothing.
        let learner = self
            .learners
            .get(&decided.learner)
            .copied()
            .filter(|_| self.trusted(node));
        let Some(learner) = learner else {
            return show.event(node, raw, event, latency);
        };
        let items: Arc<[Item]> = decided.values.iter().map(Item::from).collect();
        let batch = Batch {
            ballot: decided.ballot,
            digest: decided.digest.as_str().into(),
            items,
        };
        let report = Report {
            node,
            learner,
            slot: decided.slot,
            batch,
        };
        let folded = self.observer.fold(report.clone(), now);
        if folded.new {
            let others = self.others.entry((learner, node)).or_default();
            *others += decided.values.len().saturating_sub(own);
        }
        if folded.new || !folded.divergences.is_empty() {
            show.event(node, raw, event, latency)?;
        }
        if folded.new && self.observer.reported_by(learner, decided.slot).0 == 1 {
            show.decision(&report, latency, now)?;
        }
        for divergence in &folded.divergences {
            let (a, b) = divergence.pair();
            let broken = self.expect.must_agree(a, b);
            if broken {
                self.broken.get_or_insert_with(Instant::now);
            }
            show.divergence(divergence, &self.expect.verdict(a, b), broken)?;
        }
        Ok(())
    }

    fn trusted(&self, node: Node) -> bool {
        !self.nodes.byzantine.contains(&node)
    }

    /// A value is being submitted.
    pub(super) fn posted(&mut self, value: usize, at: Instant) {
        self.tracker
            .posted(value, at.saturating_duration_since(self.origin));
    }

    /// A node has died, or does nothing for a while.
    pub(super) fn died(&mut self, node: Node, how: &str) {
        self.nodes.dead.retain(|(dead, _)| *dead != node);
        self.nodes.dead.push((node, how.to_owned()));
        if let Some(acceptor) = self.acceptor_of(node) {
            self.expect.died(acceptor);
        }
        self.expect.node_died(node);
        self.awaited = self.expect.awaited();
    }

    /// A node is there again.
    pub(super) fn returned(&mut self, node: Node) {
        self.nodes.dead.retain(|(dead, _)| *dead != node);
        if let Some(acceptor) = self.acceptor_of(node) {
            self.expect.returned(acceptor);
        }
        self.expect.node_returned(node);
        self.awaited = self.expect.awaited();
    }

    /// What a node has told of its decisions does not count any more: it is asked again.
    pub(super) fn forget(&mut self, node: Node) {
        self.tracker.forget(node);
        self.observer.forget(node);
    }

    /// From now on nothing that a node says proves anything.
    pub(super) fn misbehaves(&mut self, node: Node) {
        self.nodes.byzantine.push(node);
        if let Some(acceptor) = self.acceptor_of(node) {
            self.expect.misbehaves(acceptor);
        }
        self.awaited = self.expect.awaited();
    }

    fn acceptor_of(&self, node: Node) -> Option<AcceptorId> {
        let name = self.acceptors[node].as_deref()?;
        self.expect.graph().acceptor(name)
    }

    /// A disk has been taken away.
    pub(super) fn disk_died(&mut self, disk: &str) {
        self.nodes.dead_disks.push(disk.to_owned());
        if let Some(disk) = self.expect.graph().acceptor(disk) {
            self.expect.died(disk);
        }
        self.awaited = self.expect.awaited();
    }

    /// A disk has been given back.
    pub(super) fn disk_returned(&mut self, disk: &str) {
        self.nodes.dead_disks.retain(|dead| dead != disk);
        if let Some(disk) = self.expect.graph().acceptor(disk) {
            self.expect.returned(disk);
        }
        self.awaited = self.expect.awaited();
    }

    /// The disks that were taken away.
    pub(super) fn dead_disks(&self) -> &[String] {
        &self.nodes.dead_disks
    }

    /// Whether any learner of any living node has decided a value: then all can learn of it.
    pub(super) fn decided_somewhere(&self, value: usize) -> bool {
        let nodes = self.nodes.living();
        let mut learners = 0..self.learners.len();
        learners.any(|l| nodes.iter().any(|n| self.tracker.has(l, *n, value)))
    }

    /// How many values everybody has decided who is waited for.
    pub(super) fn done(&self) -> usize {
        let nodes = self.nodes.living();
        let places = self.expect.places(&self.awaited, &nodes);
        let counts = places.map(|(l, n)| self.tracker.count(l, n));
        counts.min().unwrap_or(0)
    }

    /// Whether everything is decided by everybody who is waited for.
    pub(super) fn complete(&self) -> bool {
        self.done() >= self.tracker.total()
    }

    /// Whether nobody can decide anything any more.
    pub(super) fn hopeless(&self) -> bool {
        self.awaited.is_empty() || self.nodes.living().is_empty()
    }

    /// Since when learners differ that must agree.
    pub(super) fn broken_since(&self) -> Option<Instant> {
        self.broken
    }

    /// Whether a living node has no evidence yet against an acceptor that misbehaves.
    pub(super) fn awaits_evidence(&self) -> bool {
        let acceptors = self
            .nodes
            .byzantine
            .iter()
            .filter_map(|n| self.acceptors[*n].clone());
        let nodes = self.nodes.living();
        let mut acceptors = acceptors;
        acceptors.any(|a| nodes.iter().any(|n| !self.is_caught(*n, &a)))
    }

    /// What the graph predicts by now.
    pub(super) fn expect(&self) -> &Expectation {
        &self.expect
    }

    /// The learners with the slot from which a node's decisions of it are not known yet.
    pub(super) fn missing_from(&self, node: Node) -> Vec<(String, u64)> {
        let next =
            |(name, at): (&String, &usize)| (name.clone(), self.observer.next_slot(*at, node));
        let played = |(_, at): &(&String, &usize)| self.expect.plays(node, **at);
        self.learners.iter().filter(played).map(next).collect()
    }

    /// The number of values, and the highest ballot.
    pub(super) fn progress(&self) -> (usize, u64) {
        (self.tracker.total(), self.ballot)
    }

    /// A node's name.
    pub(super) fn node_name(&self, node: Node) -> &str {
        self.nodes.names.get(node).map_or("?", String::as_str)
    }

    /// A value's key.
    pub(super) fn key(&self, value: usize) -> &str {
        self.keys.get(value).map_or("?", String::as_str)
    }

    /// The learners' names, in the order of the graph.
    pub(super) fn learner_names(&self) -> Vec<String> {
        let graph = self.expect.graph();
        graph.learner_names(&graph.learners())
    }

    /// The state for showing.
    pub(super) fn state(&self, now: Duration) -> State<'_> {
        State {
            observer: &self.observer,
            living: self.nodes.living().len(),
            one_each: self.expect.one_each(),
            awaited: &self.awaited,
            done: self.done(),
            now,
        }
    }

    /// The verdict by now.
    pub(super) fn summary(&self, elapsed: Duration, interrupted: bool) -> Summary {
        let caught: BTreeSet<&String> = self.caught.iter().map(|(_, acceptor)| acceptor).collect();
        let caught = caught.into_iter().cloned().collect();
        let (expect, observer, tracker) = (&self.expect, &self.observer, &self.tracker);
        let summary = summarise(expect, observer, tracker, &self.nodes, caught, elapsed);
        let proved: BTreeSet<&String> = self.evidence.iter().map(|(_, words)| words).collect();
        Summary {
            evidence: proved.into_iter().take(PROVED).cloned().collect(),
            others: self.others.values().copied().max().unwrap_or(0),
            interrupted: interrupted && !summary.decided(),
            ..summary
        }
    }
}
