//! What the loss of a single acceptor or disk does to each learner.

use crate::launch::layout::NodePlan;
use crate::show::words;
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId};
use node::config::Mode;
use std::collections::BTreeMap;

fn all_but(graph: &LearnerGraph, one: AcceptorId) -> AcceptorSet {
    let mut others = graph.acceptors();
    others.remove(one);
    others
}

/// Whether two nodes still agree on what a learner decides if one acceptor lies, whichever it is.
fn of_one_liar(graph: &LearnerGraph, learner: LearnerId) -> &'static str {
    let mut liars = graph.acceptors().iter();
    match liars.all(|liar| graph.trust_safe(learner, learner, &all_but(graph, liar))) {
        true => "; no one acceptor that lies makes it contradict itself",
        false => "; one acceptor that lies can make it contradict itself",
    }
}

/// A line for each host with several nodes, and who stands still without it. Containers have no host of their own, which has
/// no name.
pub(super) fn of_hosts<'a>(
    graph: &LearnerGraph,
    nodes: impl Iterator<Item = (&'a str, &'a NodePlan)>,
) -> Vec<String> {
    let mut hosts: BTreeMap<&str, Vec<&NodePlan>> = BTreeMap::new();
    for (host, node) in nodes.filter(|(host, _)| !host.is_empty()) {
        hosts.entry(host).or_default().push(node);
    }
    let several = hosts.into_iter().filter(|(_, nodes)| nodes.len() > 1);
    let line = |(host, nodes): (&str, Vec<&NodePlan>)| {
        let mut left = graph.acceptors();
        let acceptors = nodes.iter().filter_map(|node| node.acceptor.as_deref());
        for acceptor in acceptors.filter_map(|name| graph.acceptor(name)) {
            left.remove(acceptor);
        }
        let learners = graph.learners().into_iter();
        let stopped = learners.filter(|learner| !graph.is_quorum(*learner, &left));
        let stopped: Vec<&str> = stopped.map(|learner| graph.learner_name(learner)).collect();
        let n = nodes.len();
        match stopped.as_slice() {
            [] => format!("{n} nodes are on host {host}, and fail with it"),
            [..] => format!(
                "{n} nodes are on host {host}, and fail with it: then no quorum is left to {}",
                words::list(&stopped)
            ),
        }
    };
    several.map(line).collect()
}

/// A line for each learner, in the order of the graph: which single losses it does not stand. Learners that differ in
/// nothing but where they are have one line.
pub(super) fn words(graph: &LearnerGraph, mode: Mode) -> Vec<String> {
    let of_one = |learner| {
        let all = graph.acceptors();
        let needed = all.iter();
        let needed = needed.filter(|a| !graph.is_quorum(learner, &all_but(graph, *a)));
        let needed: Vec<&str> = needed.map(|a| graph.acceptor_name(a)).collect();
        let what = match mode {
            Mode::DiskPaxos => "disk",
            Mode::Hpaxos | Mode::Paxos => "acceptor",
        };
        match needed.as_slice() {
            [] => format!("goes on without any one {what}"),
            [one] => format!("stands still without {what} {one}"),
            [..] => format!("stands still without any one of {}", needed.join(", ")),
        }
    };
    let learners = graph.learners();
    if mode == Mode::Hpaxos {
        let line = |learner| {
            let name = graph.learner_name(learner);
            format!(
                "learner {name} {}{}",
                of_one(learner),
                of_one_liar(graph, learner)
            )
        };
        return learners.iter().map(line).collect();
    }
    let first = learners.iter().next();
    let line = first.map(|learner| format!("every learner {}", of_one(learner)));
    line.into_iter().collect()
}
