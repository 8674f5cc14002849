//! How long the analysis of graphs takes, and how much memory: of families that grow, and of
//! crawled networks, beside another analyser if there is one.
//!
//! ```sh
//! cargo bench -p learner-graph --bench families                  # or with one family's name
//! FBAS_ANALYZER=path/to/fbas_analyzer cargo bench -p learner-graph --bench families -- networks
//! PLOT=docs/graph-growth.svg cargo bench -p learner-graph --bench families
//! ```
//!
//! Every graph and every network has a process of its own, so that its memory is its own.

mod graphs;
mod growth;
mod networks;

use growth::Panel;
use learner_graph::{Options, Units, VALIDITY_STEPS, analyze, parse_unchecked};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Graphs of some sizes, made by their size.
type Family = (&'static str, &'static [usize], fn(usize) -> String);

const FAMILIES: [Family; 4] = [
    ("threshold", &[4, 10, 31, 100, 301], graphs::threshold),
    (
        "organisations",
        &[5, 10, 20, 40, 100],
        graphs::organisations,
    ),
    ("chain", &[5, 10, 20, 50], graphs::chain),
    ("ring", &[5, 10, 20, 50], graphs::ring),
];

/// What was measured of a graph.
struct Measured {
    family: &'static str,
    acceptors: f64,
    validity: f64,
    analysis: f64,
    peak_mb: f64,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|a| !a.starts_with("--"))
        .collect();
    match args[..] {
        ["one", family, size] => one(family, size.parse().expect("a size")),
        ["network", name, file] => networks::ours(name, file),
        [only] => all(Some(only)),
        _ => all(None),
    }
}

fn all(only: Option<&str>) {
    let wanted = |family: &str| only.is_none_or(|only| only == family);
    if wanted("networks") {
        networks::all();
    }
    println!("family size acceptors learners | validity_s valid | analysis_s complete | peak_mb");
    let mut measured = Vec::new();
    for (family, sizes, _) in FAMILIES.iter().filter(|(family, _, _)| wanted(family)) {
        for size in *sizes {
            let line = in_own_process(&["one", family, &size.to_string()]);
            print!("{line}");
            measured.push(Measured::read(family, &line).expect("a line of the table"));
        }
    }
    if let Ok(file) = std::env::var("PLOT") {
        draw(&file, &measured);
    }
}

fn draw(file: &str, measured: &[Measured]) {
    let panel = |title, range, figure: fn(&Measured) -> f64| Panel {
        title,
        range,
        lines: FAMILIES
            .iter()
            .map(|(family, _, _)| {
                let of = measured.iter().filter(|m| m.family == *family);
                (*family, of.map(|m| (m.acceptors, figure(m))).collect())
            })
            .collect(),
    };
    let panels = [
        panel("validity, seconds", (1e-6, 100.0), |m| m.validity),
        panel("whole analysis, seconds", (1e-5, 1000.0), |m| m.analysis),
        panel("memory, MB", (1.0, 1000.0), |m| m.peak_mb),
    ];
    growth::write(file, (3.0, 1000.0), &panels).expect("a picture");
}

/// What this program prints with other arguments.
fn in_own_process(args: &[&str]) -> String {
    let this = std::env::current_exe().expect("a program");
    let mut command = Command::new(this);
    let output = command.args(args).stderr(Stdio::inherit()).output();
    let output = output.expect("a process");
    assert!(output.status.success(), "{args:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

impl Measured {
    fn read(family: &'static str, line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at)?.parse().ok();
        Some(Self {
            family,
            acceptors: number(2)?,
            validity: number(5)?,
            analysis: number(8)?,
            peak_mb: number(11)?,
        })
    }
}

fn one(family: &str, size: usize) {
    let mut families = FAMILIES.iter();
    let (_, _, text) = families
        .find(|(name, _, _)| *name == family)
        .expect("a family");
    let graph = parse_unchecked(&text(size)).expect("a graph");
    let start = Instant::now();
    let valid = graph.validity(VALIDITY_STEPS);
    let validity = start.elapsed().as_secs_f64();
    let units = Units::single(graph.acceptor_names(&graph.acceptors()));
    let start = Instant::now();
    let mut parts = Parts::default();
    let found = analyze(&graph, &units, &Options::default(), &mut |what, _, _| {
        parts.begin(what)
    });
    let analysis = start.elapsed().as_secs_f64();
    if std::env::var("DETAIL").is_ok() {
        for (what, seconds) in parts.done {
            eprintln!("    {what} {seconds:.3}");
        }
    }
    println!(
        "{family} {size} {} {} | {validity:.6} {} | {analysis:.6} {} | {:.1}",
        graph.n_acceptors(),
        graph.n_learners(),
        valid.holds(),
        found.complete,
        peak_kib(std::process::id()).unwrap_or(0) as f64 / 1024.0
    );
}

/// How long each part of an analysis took.
#[derive(Default)]
struct Parts {
    done: Vec<(String, f64)>,
    now: Option<(String, Instant)>,
}

impl Parts {
    fn begin(&mut self, what: &str) {
        if self.now.as_ref().is_some_and(|(now, _)| now == what) {
            return;
        }
        let begun = self.now.replace((what.to_owned(), Instant::now()));
        self.done
            .extend(begun.map(|(what, since)| (what, since.elapsed().as_secs_f64())));
    }
}

/// The most memory that a process ever had, in KiB, while it runs.
fn peak_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
