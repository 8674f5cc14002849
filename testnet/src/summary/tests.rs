use super::*;
use crate::observe::{Batch, Report};
use crate::values::from_lines;

struct Run {
    expect: Expectation,
    observer: Observer,
    tracker: Tracker,
    nodes: Nodes,
}

/// Two values, two nodes, the built-in graph of four acceptors.
fn run(byzantine: &[u16]) -> Run {
    let (graph, _) = learner_graph::parse_graph(&learner_graph::builtin(4)).expect("valid");
    let byzantine = byzantine
        .iter()
        .map(|a| learner_graph::AcceptorId(*a))
        .collect();
    let values = from_lines(b"v\nw");
    let mut tracker = Tracker::new(&values, 2, 3);
    tracker.posted(0, Duration::ZERO);
    tracker.posted(1, Duration::ZERO);
    Run {
        expect: Expectation::new(graph, byzantine),
        observer: Observer::new(2, 3),
        tracker,
        nodes: Nodes {
            names: vec!["n1".into(), "n2".into()],
            ..Nodes::default()
        },
    }
}

impl Run {
    fn decide(&mut self, node: Node, learner: Learner, slot: u64, text: &str, ms: u64) {
        let at = Duration::from_millis(ms);
        let item = Item {
            key: String::new(),
            bytes: text.as_bytes().to_vec(),
        };
        self.tracker.decided(node, learner, &item, at);
        let batch = Batch {
            ballot: 1,
            digest: "".into(),
            items: [item].into(),
        };
        self.observer.fold(
            Report {
                node,
                learner,
                slot,
                batch,
            },
            at,
        );
    }

    fn decide_all(&mut self, learners: &[Learner]) {
        for (slot, text, ms) in [(0, "v", 10), (1, "w", 30)] {
            for learner in learners {
                self.decide(0, *learner, slot, text, ms);
                self.decide(1, *learner, slot, text, ms + 5);
            }
        }
    }

    fn summary(&self) -> Summary {
        let (e, o, t) = (&self.expect, &self.observer, &self.tracker);
        summarise(e, o, t, &self.nodes, Vec::new(), Duration::from_secs(1))
    }
}

#[test]
fn everything_decided_and_agreed_is_0() {
    let mut run = run(&[]);
    run.decide_all(&[0, 1, 2]);
    let summary = run.summary();
    assert_eq!(summary.code(), 0);
    let alice = &summary.learners[0];
    assert_eq!((alice.slots, alice.values, alice.must_decide), (2, 2, true));
    let ms = Duration::from_millis;
    assert_eq!(alice.latency, Some((ms(10), ms(30))));
    let json = summary.to_json();
    assert_eq!(json["event"], "summary");
    assert_eq!(json["agreed"], true);
    assert_eq!(
        json["entangled"],
        serde_json::json!([["alice", "bob", "carol"]])
    );
    assert_eq!(json["learners"][0]["latency_ms"]["max"], 30.0);
    assert_eq!(json["decided_ms"], 35.0, "the run went on after that");
    let lines = lines(&summary);
    assert!(
        lines.contains("in 35 ms") && lines.contains("all 2 nodes report"),
        "{lines}"
    );
}

fn lines(summary: &Summary) -> String {
    let paint = crate::show::words::Paint::new(false);
    crate::show::verdict::lines(summary, paint).join("\n")
}

#[test]
fn the_dead_report_nothing_and_one_node_is_not_compared() {
    let mut run = run(&[]);
    run.decide_all(&[0, 1, 2]);
    run.nodes.names.push("n3".into());
    run.nodes.dead.push((2, "killed".into()));
    let two = lines(&run.summary());
    assert!(
        two.contains("the 2 living nodes report the same log"),
        "{two}"
    );
    run.nodes.dead.push((1, "killed".into()));
    let one = lines(&run.summary());
    assert!(!one.contains("the same log"), "{one}");
}

#[test]
fn who_is_paused_has_not_died_and_values_of_others_are_told() {
    let mut run = run(&[]);
    run.decide_all(&[0, 1, 2]);
    run.nodes.dead.push((1, PAUSED.into()));
    let mut summary = run.summary();
    summary.others = 2;
    let shown = lines(&summary);
    assert!(
        shown.contains("\nn2 is paused\n") && !shown.contains("died"),
        "{shown}"
    );
    assert!(
        shown.contains("2 values more, submitted by others, were decided"),
        "{shown}"
    );
}

#[test]
fn an_interruption_is_told_from_running_out_of_time() {
    let mut summary = run(&[]).summary();
    assert!(lines(&summary).contains("not everything was decided within 1.00 s"));
    summary.interrupted = true;
    let interrupted = lines(&summary);
    assert!(
        interrupted.contains("interrupted after 1.00 s"),
        "{interrupted}"
    );
}

#[test]
fn who_must_decide_and_has_not_is_3() {
    let mut run = run(&[]);
    run.decide_all(&[0, 1]);
    let summary = run.summary();
    assert_eq!(summary.code(), 3);
    assert!(summary.agreed());
    let lacks: Vec<_> = summary
        .lacks
        .iter()
        .map(|l| (l.learner, l.node, l.missing))
        .collect();
    assert_eq!(lacks, [(2, 0, 2), (2, 1, 2)]);
}

#[test]
fn who_need_not_decide_is_not_waited_for() {
    let mut run = run(&[]);
    run.decide_all(&[0, 1]);
    run.expect.died(learner_graph::AcceptorId(3));
    assert_eq!(run.summary().code(), 0);
    assert!(!run.summary().learners[2].must_decide);
}

#[test]
fn dead_nodes_need_not_decide() {
    let mut run = run(&[]);
    for (slot, text) in [(0, "v"), (1, "w")] {
        for learner in 0..3 {
            run.decide(0, learner, slot, text, 1);
        }
    }
    assert_eq!(run.summary().code(), 3);
    run.nodes.dead.push((1, "killed".into()));
    assert_eq!(run.summary().code(), 0);
}

#[test]
fn if_nobody_can_decide_it_is_not_done() {
    let mut run = run(&[]);
    for acceptor in 0..4 {
        run.expect.died(learner_graph::AcceptorId(acceptor));
    }
    let summary = run.summary();
    assert_eq!((summary.code(), summary.lacks.len()), (3, 0));
}

#[test]
fn divergence_of_entangled_learners_is_1_whatever_else_holds() {
    let mut run = run(&[]);
    run.decide_all(&[0, 1, 2]);
    run.decide(0, 0, 2, "x", 50);
    run.decide(1, 1, 2, "y", 50);
    let summary = run.summary();
    assert_eq!(summary.code(), 1);
    assert_eq!(summary.to_json()["agreed"], false);
    let difference = &summary.differences[0];
    assert_eq!(
        (difference.first.pair(), difference.broken, difference.slots),
        ((0, 1), true, 1)
    );
    assert_eq!(
        summary.to_json()["divergences"][0]["sides"][1]["values"][0]["text"],
        "y"
    );
}

#[test]
fn nodes_that_differ_about_a_learner_are_1() {
    let mut run = run(&[]);
    run.decide_all(&[0, 1, 2]);
    run.decide(0, 1, 2, "x", 50);
    run.decide(1, 1, 2, "y", 50);
    assert_eq!(run.summary().code(), 1);
}

#[test]
fn divergence_that_the_graph_allows_is_told_and_0() {
    let mut run = run(&[2, 3]);
    run.nodes.byzantine = Vec::new();
    run.decide(0, 0, 0, "x", 50);
    run.decide(1, 1, 0, "y", 50);
    let summary = run.summary();
    assert!(summary.agreed());
    assert!(!summary.differences[0].broken);
    assert!(summary.differences[0].verdict.starts_with("allowed: "));
    let shown = lines(&summary);
    assert!(
        shown.contains("alice and bob differ in 1 slot, first in slot 0, which is allowed: "),
        "{shown}"
    );
    assert!(
        !shown.contains("agreed: ") && !shown.contains("VIOLATION"),
        "{shown}"
    );
}

#[test]
fn reports_of_byzantine_nodes_do_not_count() {
    let mut run = run(&[]);
    run.nodes.byzantine = vec![1];
    run.decide(1, 0, 0, "v", 1);
    let summary = run.summary();
    assert_eq!(
        (summary.learners[0].slots, summary.learners[0].values),
        (0, 0)
    );
    assert!(summary.lacks.iter().all(|lack| lack.node == 0));
}
