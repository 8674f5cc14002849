//! How long the analysis of growing graphs takes, and how much memory: `cargo bench -p
//! learner-graph --bench families`. Prints one line for each graph and task.

use learner_graph::{Options, Units, VALIDITY_STEPS, analyze, parse_unchecked};
use std::fmt::Write;
use std::time::Instant;

fn main() {
    println!("family size acceptors learners | validity_s valid | analysis_s complete | peak_mb");
    let only = std::env::args().nth(1).filter(|a| !a.starts_with("--"));
    let wanted = |family: &str| only.as_deref().is_none_or(|only| only == family);
    let families: [(&str, &[usize], fn(usize) -> String); 4] = [
        ("threshold", &[4, 10, 31, 100, 301], threshold),
        ("organisations", &[5, 10, 20, 40, 100], organisations),
        ("chain", &[5, 10, 20, 50], |n| chain(n, false)),
        ("ring", &[5, 10, 20, 50], |n| chain(n, true)),
    ];
    for (family, sizes, text) in families {
        if !wanted(family) {
            continue;
        }
        for size in sizes {
            measure(family, *size, &text(*size));
        }
    }
}

fn measure(family: &str, size: usize, text: &str) {
    let graph = parse_unchecked(text).expect("a graph");
    let start = Instant::now();
    let valid = graph.validity(VALIDITY_STEPS);
    let validity = start.elapsed().as_secs_f64();
    let names = graph
        .acceptors()
        .iter()
        .map(|a| graph.acceptor_name(a).to_owned());
    let units = Units::single(names.collect());
    let start = Instant::now();
    let mut at = (String::new(), Instant::now());
    let found = analyze(&graph, &units, &Options::default(), &mut |what, _, _| {
        if at.0 != what {
            if !at.0.is_empty() && std::env::var("DETAIL").is_ok() {
                eprintln!("    {} {:.3}", at.0, at.1.elapsed().as_secs_f64());
            }
            at = (what.to_owned(), Instant::now());
        }
    });
    let analysis = start.elapsed().as_secs_f64();
    println!(
        "{family} {size} {} {} | {validity:.4} {} | {analysis:.3} {} | {}",
        graph.n_acceptors(),
        graph.n_learners(),
        valid.holds(),
        found.complete,
        peak() / 1024
    );
}

/// The most memory that the process ever had, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}

fn list(names: impl Iterator<Item = String>) -> String {
    names
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// One learner that decides by 2f + 1 of 3f + 1.
fn threshold(n: usize) -> String {
    let f = (n - 1) / 3;
    let all = list((0..n).map(|a| format!("a{a}")));
    let quorum = format!("{{ threshold = {}, of = [{all}] }}", n - f);
    format!(
        "acceptors = [{all}]\n[learners]\nl = {quorum}\n[[safe]]\nbetween = [\"l\"]\nwhen = {quorum}\n"
    )
}

/// Two learners over organisations of five acceptors: three of five in more than two thirds of
/// the organisations, and four of five in as many.
fn organisations(n: usize) -> String {
    let all = list((0..n).flat_map(|o| (0..5).map(move |a| format!("o{o}.{a}"))));
    let quorum = |inner: usize| {
        let org = |o: usize| {
            let members = list((0..5).map(|a| format!("o{o}.{a}")));
            format!("{{ threshold = {inner}, of = [{members}] }}")
        };
        let orgs: Vec<_> = (0..n).map(org).collect();
        format!(
            "{{ threshold = {}, of = [{}] }}",
            n - (n - 1) / 3,
            orgs.join(", ")
        )
    };
    format!(
        "acceptors = [{all}]\n[define]\nthree = {}\nfour = {}\n[learners]\nl = \"four\"\nk = \"four\"\nm = \"three\"\n[[safe]]\nbetween = [\"l\", \"k\"]\nwhen = \"four\"\n",
        quorum(3),
        quorum(4)
    )
}

/// Learners each of which shares acceptors with the next one.
fn chain(n: usize, ring: bool) -> String {
    let count = if ring { 2 * n } else { 2 * n + 2 };
    let all = list((0..count).map(|a| format!("a{a}")));
    let mut text = format!("acceptors = [{all}]\n[learners]\n");
    let window = |l: usize| list((0..4).map(|i| format!("a{}", (2 * l + i) % count)));
    for l in 0..n {
        let _ = writeln!(text, "l{l} = {{ threshold = 3, of = [{}] }}", window(l));
    }
    for l in 0..n {
        let _ = writeln!(
            text,
            "[[safe]]\nbetween = [\"l{l}\"]\nwhen = {{ threshold = 3, of = [{}] }}",
            window(l)
        );
    }
    text
}
