use super::*;

fn expect(text: &str, byzantine: &[u16]) -> Expectation {
    let (graph, _) = learner_graph::parse_graph(text).expect("a valid graph");
    let byzantine = byzantine
        .iter()
        .map(|a| learner_graph::AcceptorId(*a))
        .collect();
    Expectation::new(graph, byzantine)
}

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;

#[test]
fn quorums_that_are_left_decide() {
    let mut expect = expect(&learner_graph::builtin(4), &[]);
    assert_eq!(expect.deciders(), [ALICE, BOB, CAROL]);
    expect.died(learner_graph::AcceptorId(3));
    assert_eq!(expect.deciders(), [ALICE, BOB], "carol needs all four");
    expect.died(learner_graph::AcceptorId(3));
    assert_eq!(expect.deciders(), [ALICE, BOB], "nobody dies twice");
    expect.died(learner_graph::AcceptorId(0));
    assert!(expect.deciders().is_empty());
}

#[test]
fn nobody_can_rely_on_a_byzantine_acceptor() {
    let mut expect = expect(&learner_graph::builtin(4), &[0]);
    assert_eq!(expect.deciders(), [ALICE], "bob needs a1, carol all four");
    expect.died(learner_graph::AcceptorId(0));
    assert_eq!(expect.deciders(), [ALICE], "it was not counted on before");
}

#[test]
fn who_can_decide_is_awaited_if_nobody_must() {
    let mut two_bad = expect(&learner_graph::builtin(4), &[2, 3]);
    assert!(two_bad.deciders().is_empty());
    assert_eq!(two_bad.awaited(), [ALICE, BOB, CAROL]);
    two_bad.died(learner_graph::AcceptorId(3));
    assert_eq!(two_bad.awaited(), [ALICE, BOB]);
    two_bad.died(learner_graph::AcceptorId(2));
    assert!(two_bad.awaited().is_empty());
    let one_bad = expect(&learner_graph::builtin(4), &[3]);
    assert_eq!(one_bad.awaited(), [ALICE, BOB], "carol is not waited for");
}

#[test]
fn the_dead_are_safe_and_the_byzantine_are_not() {
    let mut one = expect(&learner_graph::builtin(4), &[3]);
    one.died(learner_graph::AcceptorId(2));
    assert!(one.must_agree(ALICE, CAROL) && one.must_agree(BOB, BOB));
    assert_eq!(one.groups(), [[ALICE, BOB, CAROL]]);
    assert!(
        one.verdict(ALICE, BOB)
            .starts_with("not allowed: alice and bob are to agree while any 3 of")
    );
    let two = expect(&learner_graph::builtin(4), &[2, 3]);
    assert!(!two.must_agree(ALICE, CAROL) && !two.must_agree(BOB, BOB));
    assert_eq!(two.groups(), [[ALICE], [BOB], [CAROL]]);
    assert!(two.verdict(ALICE, BOB).starts_with("allowed: "));
    let bob = "allowed: bob is to agree with itself while any 3 of a1, a2, a3 and a4 are safe, but a3 and a4 are not, and \
               the others leave no such set";
    assert_eq!(two.verdict(BOB, BOB), bob);
    // The words and the graph mean the same.
    for expect in [&one, &two] {
        for (a, b) in [(ALICE, BOB), (ALICE, CAROL), (BOB, CAROL), (CAROL, CAROL)] {
            let names = |l: usize| {
                expect
                    .graph()
                    .learner_name(learner_graph::LearnerId(l as u16))
                    .to_owned()
            };
            let byzantine = expect.byzantine.iter();
            let byzantine = byzantine.map(|a| expect.graph().acceptor_name(a).to_owned());
            let judgement = expect
                .rules
                .judge(&names(a), &names(b), &byzantine.collect(), false);
            assert_eq!(judgement.allowed, !expect.must_agree(a, b));
        }
    }
}

#[test]
fn groups_follow_the_graph() {
    let text = r#"
        acceptors = ["a1", "a2", "a3"]
        [learners]
        x = { threshold = 2, of = ["a1", "a2", "a3"] }
        y = { threshold = 2, of = ["a1", "a2", "a3"] }
        z = "a1"
        [[safe]]
        between = ["x", "y"]
        when = { threshold = 3, of = ["a1", "a2", "a3"] }
        [[safe]]
        between = ["z"]
        when = "a1"
    "#;
    let all_safe = expect(text, &[]);
    assert_eq!(all_safe.groups(), [vec![0, 1], vec![2]]);
    assert!(all_safe.must_agree(0, 1) && !all_safe.must_agree(1, 2));
    let one_bad = expect(text, &[2]);
    assert_eq!(one_bad.groups(), [[0], [1], [2]]);
    assert!(one_bad.must_agree(2, 2) && !one_bad.must_agree(0, 0));
}

/// Nodes n1, n2, …, with the quorums of a file.
fn of_quorums(mode: Mode, text: &str, nodes: usize) -> Expectation {
    let quorums = node::config::look(text, "test.toml", mode).quorums;
    let quorums = quorums.expect("good quorums");
    let names: Vec<String> = (1..=nodes).map(|i| format!("n{i}")).collect();
    let graph = quorums.network(names.clone()).expect("few learners");
    let read = (mode == Mode::Paxos).then(|| quorums.read());
    Expectation::of_quorums(mode, graph, read, &names)
}

#[test]
fn paxos_needs_a_read_and_a_write_quorum() {
    let text = "acceptors = [\"a1\", \"a2\", \"a3\"]\n[quorums]\n\
                read = { threshold = 3, of = [\"a1\", \"a2\", \"a3\"] }\n\
                write = { threshold = 1, of = [\"a1\", \"a2\", \"a3\"] }\n";
    let mut small_writes = of_quorums(Mode::Paxos, text, 3);
    assert_eq!(small_writes.deciders(), [0, 1, 2]);
    small_writes.died(learner_graph::AcceptorId(2));
    assert!(small_writes.awaited().is_empty(), "no ballot can begin");
    let swapped = text
        .replace("read", "x")
        .replace("write", "read")
        .replace('x', "write");
    let mut small_reads = of_quorums(Mode::Paxos, &swapped, 3);
    small_reads.died(learner_graph::AcceptorId(2));
    assert!(small_reads.awaited().is_empty(), "nothing can be accepted");
    assert_eq!(
        small_reads.excuse(0),
        Some("no quorum to rely on: need not decide")
    );
}

#[test]
fn a_learner_dies_with_its_node_and_all_must_agree() {
    let acceptors: Vec<String> = (1..=3).map(|i| format!("\"a{i}\"")).collect();
    let text = format!("acceptors = [{}]\n", acceptors.join(", "));
    // Learners are in the order of their names: n1, n10, n11, n2, …
    let mut expect = of_quorums(Mode::Paxos, &text, 11);
    assert_eq!(expect.groups(), [(0..11).collect::<Vec<_>>()]);
    assert!(expect.plays(9, 1) && expect.plays(1, 3) && !expect.plays(1, 1));
    expect.node_died(9);
    assert_eq!(
        (expect.must_decide(1), expect.excuse(1)),
        (false, Some("its node died"))
    );
    assert_eq!(expect.deciders().len(), 10);
    let places: Vec<_> = expect.places(&[0, 1, 3], &[0, 1]).collect();
    assert_eq!(places, [(0, 0), (3, 1)]);
    assert!(expect.must_agree(0, 1), "the dead told no lies");
    assert!(expect.verdict(0, 1).contains("must agree"));
}

#[test]
fn one_processor_and_a_quorum_of_disks_suffice() {
    let disk = |i: u8| format!("[disks.d{i}]\npath = \"d{i}\"\n");
    let text = (1..=3).map(disk).collect::<String>();
    let mut expect = of_quorums(Mode::DiskPaxos, &text, 2);
    expect.died(learner_graph::AcceptorId(0));
    expect.node_died(0);
    assert_eq!(expect.deciders(), [1]);
    expect.died(learner_graph::AcceptorId(1));
    assert!(expect.awaited().is_empty());
}
