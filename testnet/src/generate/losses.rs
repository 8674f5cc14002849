//! What the loss of a single acceptor or disk does to each learner.

use learner_graph::LearnerGraph;
use node::config::Mode;

/// A line for each learner, in the order of the graph: which single losses it does not stand. Learners that differ in
/// nothing but where they are have one line.
pub(super) fn words(graph: &LearnerGraph, mode: Mode) -> Vec<String> {
    let of_one = |learner| {
        let all = graph.acceptors();
        let needed = all.iter().filter(|acceptor| {
            let mut others = all;
            others.remove(*acceptor);
            !graph.is_quorum(learner, &others)
        });
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
            format!(
                "learner {} {}",
                graph.learner_name(learner),
                of_one(learner)
            )
        };
        return learners.iter().map(line).collect();
    }
    let first = learners.iter().next();
    let line = first.map(|learner| format!("every learner {}", of_one(learner)));
    line.into_iter().collect()
}
