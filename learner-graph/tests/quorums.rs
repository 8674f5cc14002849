//! Read and write quorums as a configuration has them.

use learner_graph::{LearnerId, QuorumSection, Quorums, Tree, Voters};
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
struct File {
    acceptors: Option<Spanned<Tree>>,
    define: Option<Spanned<Tree>>,
    read: Option<Spanned<Tree>>,
    write: Option<Spanned<Tree>>,
}

fn build(text: &str) -> Result<(Quorums, String), String> {
    let file: File = toml::from_str(text).expect("TOML");
    let section = QuorumSection {
        voters: Voters::Acceptors,
        names: file.acceptors,
        define: file.define,
        read: file.read,
        write: file.write,
    };
    let words = |problems: Vec<learner_graph::Problem>| {
        let located = problems.into_iter().map(|p| p.located(text));
        located.map(|p| format!("{p}\n")).collect::<String>()
    };
    match section.build() {
        Ok((quorums, warnings)) => Ok((quorums, words(warnings))),
        Err(problems) => Err(words(problems)),
    }
}

fn fine(text: &str) -> Quorums {
    build(text)
        .map(|(quorums, _)| quorums)
        .expect("good quorums")
}

#[test]
fn any_majority_if_nothing_is_said() {
    for n in 1..8usize {
        let names: Vec<String> = (1..=n).map(|i| format!("\"a{i}\"")).collect();
        let quorums = fine(&format!("acceptors = [{}]", names.join(", ")));
        let (read, pair) = (quorums.read(), quorums.pair());
        for k in 0..=n {
            let set = learner_graph::AcceptorSet::first(k);
            for (graph, learner) in [(&read, 0), (&pair, 0), (&pair, 1)] {
                assert_eq!(graph.is_quorum(LearnerId(learner), &set), 2 * k > n);
            }
        }
    }
}

#[test]
fn read_and_write_quorums_may_differ_as_long_as_they_meet() {
    let quorums = fine(
        "acceptors = [\"a\", \"b\", \"c\"]\n[define]\nall = { threshold = 3, of = [\"a\", \"b\", \"c\"] }\n\
         [read]\nthreshold = 1\nof = [\"a\", \"b\", \"c\"]\n[write]\nsets = [[\"all\"]]\n",
    );
    let one = std::iter::once(learner_graph::AcceptorId(1)).collect();
    assert!(quorums.read().is_quorum(LearnerId(0), &one));
    let names = vec!["n2".to_owned(), "n1".to_owned()];
    let network = quorums.network(names).expect("two learners");
    let [first, second] = [LearnerId(0), LearnerId(1)];
    assert_eq!(network.learner_name(first), "n1");
    for graph_set in [one, network.acceptors()] {
        let all = graph_set == network.acceptors();
        assert_eq!(network.is_quorum(second, &graph_set), all);
        assert_eq!(network.trust_safe(first, second, &graph_set), all);
    }
}

#[test]
fn quorums_that_share_nobody_are_spelled_out_at_both_places() {
    let error = build(
        "acceptors = [\"a\", \"b\", \"c\", \"d\"]\n\
         read = { threshold = 2, of = [\"a\", \"b\", \"c\", \"d\"] }\n\
         write = { sets = [[\"c\", \"d\"]] }\n",
    )
    .map(|_| ())
    .expect_err("they do not meet");
    assert_eq!(
        error,
        "2:8: error: the read quorum {a, b} and the write quorum {c, d} share nobody; every read \
         quorum must meet every write quorum: use larger read quorums, or larger write quorums\n\
         3:9: error: the write quorum {c, d} and the read quorum {a, b} share nobody; every read \
         quorum must meet every write quorum: use larger write quorums, or larger read quorums\n"
    );
    let error = build("acceptors = [\"a\", \"b\"]\nread = { sets = [[\"a\"], [\"b\"]] }\n");
    let error = error.map(|_| ()).expect_err("one kind of quorums");
    assert!(
        error.starts_with("2:8: error: the quorums {b} and {a} share nobody"),
        "{error}"
    );
}

#[test]
fn everything_wrong_is_said_at_once_and_what_is_unused_too() {
    let error = build("read = \"x\"\nwrite = { threshold = 3, of = [\"y\"] }\n");
    let error = error.map(|_| ()).expect_err("nothing is right");
    for part in [
        "there are no acceptors",
        "1:8: error: read quorums: 'x'",
        "write quorums: 'y'",
    ] {
        assert!(error.contains(part), "no '{part}' in {error}");
    }
    let text = "acceptors = [\"a\", \"b\"]\nread = \"a\"\nwrite = \"a\"\n[define]\nd = \"b\"\n";
    let (_, warnings) = build(text)
        .map_err(|e| panic!("{e}"))
        .unwrap_or_else(|()| unreachable!());
    assert!(
        warnings.contains("acceptor 'b' is in no quorum"),
        "{warnings}"
    );
    assert!(
        warnings.contains("definition 'd' is not used"),
        "{warnings}"
    );
}

#[test]
fn what_is_not_decided_is_refused() {
    // Multiples of three, and a one: two sets of 3m + 2 or more weigh 6m + 6, and all together
    // 6m + 4. So they meet, but weights that all differ keep any two ways of choosing apart, and
    // counting alone leaves room for both.
    let mut weights: Vec<u64> = (1..=60u64)
        .map(|i| 3 * ((i * i * i * 245_489) % 333_323))
        .collect();
    if weights.iter().sum::<u64>() % 6 == 0 {
        weights[0] += 3;
    }
    weights.push(1);
    let total: u64 = weights.iter().sum();
    assert_eq!(total % 6, 4);
    let names: Vec<String> = (1..=61).map(|i| format!("\"a{i}\"")).collect();
    let member = |(name, weight)| format!("{{ weight = {weight}, of = {name} }}");
    let members: Vec<String> = names.iter().zip(&weights).map(member).collect();
    let text = |threshold: u64| {
        let (names, members) = (names.join(", "), members.join(", "));
        format!("acceptors = [{names}]\nread = {{ threshold = {threshold}, of = [{members}] }}\n")
    };
    assert!(build(&text(total / 2 + 1)).is_ok());
    let error = build(&text(total / 2))
        .map(|_| ())
        .expect_err("not known to meet");
    assert!(
        error.starts_with("2:8: error: not decided within"),
        "{error}"
    );
}

#[test]
fn a_network_has_as_many_learners_as_a_graph() {
    let quorums = fine("acceptors = [\"a\"]");
    let names = |n: usize| (0..n).map(|i| format!("n{i}")).collect::<Vec<_>>();
    assert!(
        quorums
            .network(names(learner_graph::MAX_LEARNERS))
            .is_some()
    );
    assert!(
        quorums
            .network(names(learner_graph::MAX_LEARNERS + 1))
            .is_none()
    );
}
