//! Crawled networks, and generated ones as they would be crawled.

use super::graphs::list;
use super::{Parts, in_own_process, peak_kib};
use learner_graph::{Options, analyze_slices, stellar};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What the other analyser is asked for, task by task.
const TASKS: [&[&str]; 4] = [&[], &["-q"], &["-b"], &["-s"]];
/// How long it may take for each of them; ours for all of them six times as long.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn all() {
    println!("network nodes | task seconds found | other_s ratio | peak_mb other_mb ratio");
    let crawled = ["correct", "broken", "mobilecoin_nodes_2021-10-22"];
    for name in crawled {
        let dir = env!("CARGO_MANIFEST_DIR");
        compare(name, &format!("{dir}/tests/stellar/{name}.json"));
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
        std::fs::write(&file, generate(n, per)).expect("a file for the other analyser");
        compare(&name, &file.to_string_lossy());
        let _ = std::fs::remove_file(file);
    }
}

/// `n` nodes that all need more than two thirds of the organisations of `per` nodes, by majorities.
fn generate(n: usize, per: usize) -> String {
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

/// Prints a line for each task.
fn compare(name: &str, file: &str) {
    let text = in_own_process(&["network", name, file]);
    let lines: Vec<&str> = text.lines().collect();
    let Some((peak, tasks)) = lines.split_last() else {
        return;
    };
    let ours: f64 = peak.parse().expect("memory in MB");
    for (task, flags) in tasks.iter().zip(TASKS) {
        let mut words = task.rsplit(' ').skip(1);
        let seconds: f64 = words.next().and_then(|s| s.parse().ok()).expect("seconds");
        let beside = match other(file, flags) {
            None => format!("- | {ours:.1} -"),
            Some((None, mb)) => format!("more than {} | {ours:.1} {mb:.1}", PATIENCE.as_secs()),
            Some((Some(other), mb)) => {
                let (time, space) = (seconds / other, ours / mb);
                format!("{other:.4} {time:.2} | {ours:.1} {mb:.1} {space:.2}")
            }
        };
        println!("{name} | {task} | {beside}");
    }
}

/// A line for each task, and one with the memory of all of them.
pub(super) fn ours(name: &str, file: &str) {
    let text = std::fs::read_to_string(file).expect("a list of nodes");
    let network = stellar::read(&text).expect("a list of nodes");
    let units = network.units(None).expect("nodes");
    let options = Options {
        max_sets: 1_000,
        steps: 1_000_000,
        ..Options::default()
    };
    let stop = Arc::clone(&options.stop);
    std::thread::spawn(move || {
        std::thread::sleep(6 * PATIENCE);
        stop.store(true, Ordering::Relaxed);
    });
    let mut parts = Parts::default();
    let found = analyze_slices(&network.slices, &units, &options, &mut |what, _, _| {
        parts.begin(what)
    });
    let sets = |sets: Option<u64>, complete| {
        let count = sets.map_or_else(|| String::from("too-many"), |n| n.to_string());
        let more = if complete { "" } else { "+" };
        format!("{count}{more}")
    };
    let counts = [
        format!("{:?}", found.intersect),
        sets(found.n_quorums, found.quorums.complete),
        sets(found.halted_by.sets, found.halted_by.minimal.complete),
        sets(found.split_by.sets, found.split_by.minimal.complete),
    ];
    for ((task, seconds), count) in parts.done.iter().zip(counts) {
        println!("{task} {seconds:.5} {count}");
    }
    let peak = peak_kib(std::process::id()).unwrap_or(0);
    println!("{:.1}", peak as f64 / 1024.0);
    assert_eq!(parts.done.len(), TASKS.len(), "{name}: {:?}", parts.done);
}

/// The seconds of the other analyser, none if it was stopped when its time was over, and its
/// memory in MB. Nothing if there is no such program.
fn other(file: &str, flags: &[&str]) -> Option<(Option<f64>, f64)> {
    let program = std::env::var("FBAS_ANALYZER").ok()?;
    let start = Instant::now();
    let mut command = Command::new(program);
    let command = command.arg(file).args(flags);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut peak = 0;
    let mut ended = None;
    while ended.is_none() && start.elapsed() < PATIENCE {
        peak = peak.max(peak_kib(child.id()).unwrap_or(0));
        ended = child
            .try_wait()
            .ok()?
            .map(|_| start.elapsed().as_secs_f64());
        std::thread::sleep(Duration::from_micros(200));
    }
    let _ = child.kill();
    let _ = child.wait();
    Some((ended, peak as f64 / 1024.0))
}
