//! How long the analysis of graphs takes, and how much memory: of families that grow, and of
//! crawled networks, beside another analyser if there is one.
//!
//! ```sh
//! cargo bench -p learner-graph --bench families                  # or with one family's name
//! FBAS_ANALYZER=path/to/fbas_analyzer cargo bench -p learner-graph --bench families -- networks
//! ```

use learner_graph::{Options, Units, VALIDITY_STEPS, analyze, analyze_slices, parse_unchecked};
use std::fmt::Write;
use std::time::Instant;

/// Graphs of some sizes, made by their size.
type Family = (&'static str, &'static [usize], fn(usize) -> String);

fn main() {
    let only = std::env::args().nth(1).filter(|a| !a.starts_with("--"));
    let wanted = |family: &str| only.as_deref().is_none_or(|only| only == family);
    if wanted("networks") {
        networks();
    }
    println!("family size acceptors learners | validity_s valid | analysis_s complete | peak_mb");
    let families: [Family; 4] = [
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

/// Crawled networks, and generated ones as they would be crawled.
fn networks() {
    println!("network nodes | task seconds found | other_seconds ratio");
    let path = |name: &str| format!("{}/tests/stellar/{name}.json", env!("CARGO_MANIFEST_DIR"));
    for name in ["correct", "broken", "mobilecoin_nodes_2021-10-22"] {
        network(name, &path(name));
    }
    let dir = std::env::temp_dir();
    let generated = [
        ("flat", 31, 1),
        ("flat", 100, 1),
        ("flat", 301, 1),
        ("organisations", 21, 3),
        ("organisations", 60, 3),
        ("organisations", 200, 5),
    ];
    for (kind, n, per) in generated {
        let name = format!("{kind}-{n}");
        let file = dir.join(format!("{name}.json"));
        std::fs::write(&file, crawled(n, per)).expect("a file for the other analyser");
        network(&name, &file.to_string_lossy());
        let _ = std::fs::remove_file(file);
    }
}

/// `n` nodes that all need more than two thirds of the organisations of `per` nodes, by majorities.
fn crawled(n: usize, per: usize) -> String {
    let members = |o: usize| list((o * per..(o + 1) * per).map(|a| format!("n{a}")));
    let count = n / per;
    let need = count - (count - 1) / 3;
    let set = if per == 1 {
        format!(
            "{{\"threshold\": {need}, \"validators\": [{}]}}",
            list((0..n).map(|a| format!("n{a}")))
        )
    } else {
        let org = |o| {
            format!(
                "{{\"threshold\": {}, \"validators\": [{}]}}",
                per / 2 + 1,
                members(o)
            )
        };
        let orgs: Vec<_> = (0..count).map(org).collect();
        format!(
            "{{\"threshold\": {need}, \"validators\": [], \"innerQuorumSets\": [{}]}}",
            orgs.join(", ")
        )
    };
    let node = |a: usize| format!("{{\"publicKey\": \"n{a}\", \"quorumSet\": {set}}}");
    format!("[{}]", (0..n).map(node).collect::<Vec<_>>().join(", "))
}

fn network(name: &str, file: &str) {
    let text = std::fs::read_to_string(file).expect("a list of nodes");
    let network = learner_graph::stellar::read(&text).expect("a list of nodes");
    let units = network.units(None).expect("nodes");
    let options = Options {
        max_sets: 1_000,
        steps: 1_000_000,
        ..Options::default()
    };
    let mut times: Vec<(String, f64)> = Vec::new();
    let mut begun: Option<(String, Instant)> = None;
    let found = analyze_slices(&network.slices, &units, &options, &mut |what, _, _| {
        if let Some((what, since)) = begun.take() {
            times.push((what, since.elapsed().as_secs_f64()));
        }
        begun = Some((what.to_owned(), Instant::now()));
    });
    let counts = [
        format!("{:?}", found.intersect),
        format!("{}/{}", found.n_quorums, found.quorums.complete),
        format!(
            "{}/{}",
            found.halted_by.sets, found.halted_by.minimal.complete
        ),
        format!(
            "{}/{}",
            found.split_by.sets, found.split_by.minimal.complete
        ),
    ];
    let flags: [&[&str]; 4] = [&[], &["-q"], &["-b"], &["-s"]];
    for (((task, seconds), count), flags) in times.iter().zip(counts).zip(flags) {
        let other = other(file, flags);
        let beside = match other {
            None => String::from("-"),
            Some(None) => String::from("more than 30"),
            Some(Some(other)) => format!("{other:.4} {:.2}", seconds / other),
        };
        println!(
            "{name} {} | {task} {seconds:.4} {count} | {beside}",
            network.slices.n_nodes()
        );
    }
}

/// The seconds of the other analyser, less those that it needs for nothing; `Some(None)` if it
/// was stopped after half a minute.
fn other(file: &str, flags: &[&str]) -> Option<Option<f64>> {
    let program = std::env::var("FBAS_ANALYZER").ok()?;
    let start = Instant::now();
    let mut child = std::process::Command::new(program)
        .arg(file)
        .args(flags)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    while start.elapsed().as_secs() < 30 {
        if child.try_wait().ok()?.is_some() {
            return Some(Some(start.elapsed().as_secs_f64()));
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let _ = child.kill();
    let _ = child.wait();
    Some(None)
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
