//! Everything that can grow has a bound, and the searches are quick where they have to be.

use learner_graph::{
    AcceptorId, GraphSection, MAX_ACCEPTORS, MAX_DEPTH, MAX_FILE_BYTES, MAX_LEARNERS, MAX_PROBLEMS,
    MAX_SAFE_ENTRIES, Options, Steps, Suspicion, VALIDITY_STEPS, Validity, builtin, outline,
    parse_graph, parse_unchecked,
};
use std::time::{Duration, Instant};

/// Far more than any of the searches here takes, far less than enumerating sets would.
const QUICK: Duration = Duration::from_secs(20);

fn quoted(names: impl Iterator<Item = usize>, prefix: &str) -> String {
    names
        .map(|i| format!("\"{prefix}{i}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

fn problems(text: &str) -> String {
    let problems = parse_graph(text).expect_err("a file that is refused");
    problems.iter().map(|p| format!("{p}\n")).collect()
}

fn file(acceptors: usize, learners: usize) -> String {
    let names = quoted(0..acceptors, "a");
    let all = format!("{{ threshold = {acceptors}, of = [{names}] }}");
    let mut text = format!("acceptors = [{names}]\n[define]\nall = {all}\n[learners]\n");
    for l in 0..learners {
        text.push_str(&format!("l{l} = \"all\"\n"));
    }
    let between = quoted(0..learners, "l");
    text.push_str(&format!(
        "[[safe]]\nbetween = [{between}]\nwhen = \"all\"\n"
    ));
    text
}

#[test]
fn the_largest_graph_and_one_more() {
    let start = Instant::now();
    let (graph, warnings) = parse_graph(&file(MAX_ACCEPTORS, MAX_LEARNERS)).expect("valid");
    assert!(warnings.is_empty());
    assert_eq!(graph.n_acceptors(), MAX_ACCEPTORS);
    assert_eq!(graph.n_learners(), MAX_LEARNERS);
    let (l1, l2) = (learner_graph::LearnerId(0), learner_graph::LearnerId(255));
    let disagreed = Suspicion {
        disagreements: vec![(l1, l2)],
        ..Suspicion::default()
    };
    assert!(graph.connected(&disagreed).iter().all(|row| row.is_empty()));
    assert!(
        graph
            .connected(&Suspicion::default())
            .iter()
            .all(|row| row.len() == 256)
    );
    let report = learner_graph::explain(&graph, warnings, Some(graph.acceptors()));
    assert!(report.agreements_left_out > 0);
    assert!(start.elapsed() < QUICK);
    let many = problems(&file(MAX_ACCEPTORS + 1, 1));
    assert!(
        many.contains("there are 513 acceptors; a graph has at most 512"),
        "{many}"
    );
    let many = problems(&file(1, MAX_LEARNERS + 1));
    assert!(
        many.contains("there are 257 learners; a graph has at most 256"),
        "{many}"
    );
}

#[test]
fn entries_and_bytes() {
    let entry = "[[safe]]\nbetween = [\"l0\"]\nwhen = \"a0\"\n";
    let start = "acceptors = [\"a0\"]\n[learners]\nl0 = \"a0\"\n";
    let text = format!("{start}{}", entry.repeat(MAX_SAFE_ENTRIES));
    assert!(parse_graph(&text).is_ok());
    let many = problems(&format!("{text}{entry}"));
    assert!(many.contains("4097 [[safe]] entries"), "{many}");
    let text = format!("{start}# {}", "x".repeat(MAX_FILE_BYTES));
    assert!(problems(&text).contains("at most 1048576 are read"));
}

#[test]
fn nesting() {
    let nested = |levels: usize| {
        let open = "{ threshold = 1, of = [".repeat(levels);
        let close = "] }".repeat(levels);
        format!("acceptors = [\"a\"]\n[learners]\nl = {open}\"a\"{close}\n")
    };
    assert!(parse_graph(&nested(MAX_DEPTH)).is_ok());
    let deep = problems(&nested(MAX_DEPTH + 1));
    assert!(deep.contains("nested deeper than 16 levels"), "{deep}");
    // Too deep even for the TOML parser: refused, not a stack overflow.
    assert!(!problems(&nested(100_000 / 4)).is_empty());
}

#[test]
fn definitions_in_a_chain_or_doubling() {
    let mut chain = String::from("acceptors = [\"a\", \"b\"]\n[learners]\nl = \"d0\"\n[define]\n");
    for d in 0..20_000 {
        chain.push_str(&format!("d{d} = \"d{}\"\n", d + 1));
    }
    chain.push_str("d20000 = \"a\"\n");
    let deep = parse_graph(&chain).expect_err("too deep");
    assert!(deep[0].what.contains("nested deeper"), "{}", deep[0]);
    assert_eq!(deep.len(), MAX_PROBLEMS + 1);
    // Each level holds the one before thirty times over: written out it is exponential.
    let mut text = String::from("acceptors = [\"a\", \"b\"]\n[learners]\nl = \"d5\"\n[define]\n");
    text.push_str("d0 = \"a\"\n");
    for d in 1..=5 {
        let inner = |need: usize| {
            format!(
                "{{ threshold = {need}, of = [\"d{}\", {{ weight = 40, of = \"b\" }}] }}",
                d - 1
            )
        };
        let members: Vec<_> = (1..=30).map(inner).collect();
        text.push_str(&format!(
            "d{d} = {{ threshold = 15, of = [{}] }}\n",
            members.join(", ")
        ));
    }
    assert!(
        problems(&text).contains("members, definitions written out"),
        "{}",
        problems(&text)
    );
}

#[test]
fn flat_thresholds_of_dozens_are_quick() {
    let start = Instant::now();
    for (n, quorum, safe) in [(31, 21, 21), (60, 41, 40), (100, 67, 67), (512, 342, 342)] {
        for off in [0, 1] {
            // Off by one is not valid: 3n acceptors are missed, or one too few.
            let text = threshold_file(n, quorum - off, safe);
            let graph = parse_unchecked(&text).expect("a graph");
            let found = graph.validity(VALIDITY_STEPS);
            assert!(found.undecided.is_empty());
            assert_eq!(
                found.holds(),
                2 * (quorum - off) + safe > 2 * n,
                "{n} {off}"
            );
        }
    }
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
}

fn threshold_file(n: usize, quorum: usize, safe: usize) -> String {
    let names = quoted(0..n, "a");
    format!(
        "acceptors = [{names}]\n[learners]\n\
         l = {{ threshold = {quorum}, of = [{names}] }}\n\
         [[safe]]\nbetween = [\"l\"]\nwhen = {{ threshold = {safe}, of = [{names}] }}\n"
    )
}

#[test]
fn nested_organisations_are_quick() {
    // 40 organisations of 4: any 3 of an organisation, of any 27 organisations.
    let start = Instant::now();
    let orgs = |need: usize| {
        let org = |o: usize| {
            let names = quoted(o * 4..o * 4 + 4, "a");
            format!("{{ threshold = {need}, of = [{names}] }}")
        };
        (0..40).map(org).collect::<Vec<_>>().join(", ")
    };
    for (quorum, valid) in [(27, true), (26, false)] {
        let text = format!(
            "acceptors = [{}]\n[learners]\nl = {{ threshold = {quorum}, of = [{}] }}\n\
             [[safe]]\nbetween = [\"l\"]\nwhen = {{ threshold = 27, of = [{}] }}\n",
            quoted(0..160, "a"),
            orgs(3),
            orgs(3),
        );
        let graph = parse_unchecked(&text).expect("a graph");
        let found = graph.validity(VALIDITY_STEPS);
        assert!(found.undecided.is_empty());
        assert_eq!(found.holds(), valid, "{quorum}");
    }
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
}

#[test]
fn sixteen_acceptors_in_arbitrary_sets_are_quick() {
    // Sets without any pattern: the residues of the powers of a generator.
    let start = Instant::now();
    let n = 16;
    let sets = |seed: u64, size: usize| {
        let mut state = seed;
        let mut set = || {
            let mut members = Vec::new();
            while members.len() < size {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(seed | 1);
                let member = (state >> 33) as usize % n;
                if !members.contains(&member) {
                    members.push(member);
                }
            }
            format!("[{}]", quoted(members.into_iter(), "a"))
        };
        let sets: Vec<_> = (0..12).map(|_| set()).collect();
        format!("{{ sets = [{}] }}", sets.join(", "))
    };
    // Any three sets of 11 of 16 have a common member; three of 10 need not have one.
    for size in [11, 10] {
        let text = format!(
            "acceptors = [{}]\n[learners]\nl = {}\nk = {}\n\
             [[safe]]\nbetween = [\"l\", \"k\"]\nwhen = {}\n",
            quoted(0..n, "a"),
            sets(1, size),
            sets(2, size),
            sets(3, size),
        );
        let graph = parse_unchecked(&text).expect("a graph");
        let found = graph.validity(VALIDITY_STEPS);
        assert!(found.undecided.is_empty());
        assert!(size == 10 || found.holds());
    }
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
}

const FEW: Steps = Steps {
    search: 5,
    solver: 5,
};

#[test]
fn running_out_of_steps_is_never_valid() {
    let (graph, _) = parse_graph(&builtin(10)).expect("a valid graph");
    let Validity {
        violations,
        undecided,
    } = graph.validity(FEW);
    assert!(violations.is_empty());
    assert!(!undecided.is_empty());
    assert!(!graph.validity(FEW).holds());
    let mixed = "acceptors = [\"a\", \"b\", \"c\"]\n[learners]\nl = \"a\"\nk = \"a\"\n\
                 [[safe]]\nbetween = [\"l\", \"k\"]\nwhen = \"a\"\n\
                 [[safe]]\nbetween = [\"l\"]\nwhen = { threshold = 2, of = [\"a\", \"b\", \"c\"] }\n";
    let graph = parse_unchecked(mixed).expect("a graph");
    assert!(!graph.uniformity(1).undecided.is_empty());
    assert!(!graph.uniformity(1).holds());
    assert!(!graph.uniformity(1000).differences.is_empty());
}

#[test]
fn a_section_can_stand_in_a_larger_file() {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        mode: String,
        acceptors: Option<toml::Spanned<learner_graph::Tree>>,
        define: Option<toml::Spanned<learner_graph::Tree>>,
        learners: Option<toml::Spanned<learner_graph::Tree>>,
        safe: Option<toml::Spanned<learner_graph::Tree>>,
        groups: Option<toml::Spanned<learner_graph::Tree>>,
    }
    let text = format!("mode = \"hpaxos\"\n{}", builtin(4));
    let config: Config = toml::from_str(&text).expect("a configuration");
    assert_eq!(config.mode, "hpaxos");
    let section = GraphSection {
        acceptors: config.acceptors,
        define: config.define,
        learners: config.learners,
        safe: config.safe,
        groups: config.groups,
    };
    let (graph, _) = section.build().expect("a valid graph");
    let (alone, _) = parse_graph(&text).expect("a valid graph");
    assert_eq!(graph.canonical(), alone.canonical());
}

#[test]
fn large_graphs_are_outlined_at_once() {
    let start = Instant::now();
    let largest = parse_graph(&file(MAX_ACCEPTORS, MAX_LEARNERS))
        .expect("valid")
        .0;
    let flat = parse_graph(&builtin(301)).expect("valid").0;
    let caught = [AcceptorId(0)].into_iter().collect();
    for (graph, groups, stands) in [(&largest, 1, 0_usize), (&flat, 5, 100)] {
        let units = graph.units(None).expect("single acceptors");
        let mut options = Options::default();
        for left in [stands, stands.saturating_sub(1)] {
            let found = outline(graph, &units, &options);
            assert!(found.complete, "{found:?}");
            assert!(found.pairs.len() <= groups && found.pairs_left_out == 0);
            if options.suspicion.caught.is_empty() || stands > 0 {
                assert_eq!(found.pairs[0].declared.tolerated, Some(left));
            }
            let text = serde_json::to_string(&found).expect("JSON");
            assert!(text.len() < 100_000, "{}", text.len());
            options.suspicion.caught = caught;
        }
    }
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
}
