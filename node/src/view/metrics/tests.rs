//! The metrics, the page about them, the dashboard and the alerts say the same.

use super::all::{All, Process};
use super::*;
use crate::testing;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

const PAGE: &str = include_str!("../../../../docs/metrics.md");
const ALERTS: &str = include_str!("../../../../docs/alerts.yml");
const DASHBOARD: &str = include_str!("../../../../docs/grafana.json");

/// The full names of all metrics, as they are spoken of, and their types here.
fn all() -> Vec<(String, &'static str)> {
    let own = All::NAMES.iter().map(|name| ("hpaxos", name));
    let process = Process::NAMES.iter().map(|name| ("process", name));
    let full = own.chain(process).map(|(prefix, (name, kind))| {
        let total = if kind.contains("Counter") {
            "_total"
        } else {
            ""
        };
        (format!("{prefix}_{name}{total}"), *kind)
    });
    full.collect()
}

/// The names by which a query can ask for them.
fn series() -> BTreeSet<String> {
    let names = all().into_iter().flat_map(|(name, kind)| {
        if kind.contains("Histogram") {
            ["bucket", "sum", "count"]
                .map(|part| format!("{name}_{part}"))
                .to_vec()
        } else {
            vec![name]
        }
    });
    names.collect()
}

/// The names of metrics of this program in a text.
fn asked(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'));
    words
        .filter(|word| word.starts_with("hpaxos_") || word.starts_with("process_"))
        .collect()
}

/// The expressions of the dashboard.
fn shown() -> String {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array());
    let shown = targets
        .flatten()
        .map(|target| target["expr"].as_str().expect("an expression"));
    shown.collect::<Vec<&str>>().join("\n")
}

#[test]
fn every_metric_is_on_the_page_with_its_type() {
    let rows: Vec<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for (name, kind) in all() {
        let has = |row: &&&str| {
            let first = row.split(" | ").next();
            first.is_some_and(|cell| cell.contains(&format!("`{name}`")))
        };
        let row = rows.iter().find(has);
        let row = row.unwrap_or_else(|| panic!("{name} is not documented"));
        let words = ["counter", "gauge", "histogram"];
        let word = words
            .iter()
            .find(|word| row.contains(&format!("| {word} |")));
        let word = word.unwrap_or_else(|| panic!("{name} has no type: {row}"));
        let kind = kind.to_lowercase().replace("measure", "gauge");
        assert!(kind.contains(word), "{name}: {kind} is no {word}");
    }
}

#[test]
fn what_is_spoken_of_exists() {
    let (names, series) = (all(), series());
    for name in asked(PAGE) {
        let known = series.contains(name) || names.iter().any(|(known, _)| known == name);
        assert!(known, "the page has {name}");
    }
    for (what, text) in [("the dashboard", shown()), ("a rule", ALERTS.to_owned())] {
        let asked = asked(&text);
        assert!(asked.len() > 10, "{what}: {asked:?}");
        for name in asked {
            assert!(series.contains(name), "{what} asks for {name}");
        }
    }
}

/// Whoever adds a metric shows it, or says here that nobody needs to look at it all the time.
#[test]
fn the_dashboard_shows_nearly_everything() {
    let shown = shown();
    let unseen = [
        "hpaxos_low_water",
        "hpaxos_max_bal",
        "hpaxos_storage_replayed_total",
        "process_virtual_memory_bytes",
        "process_max_fds",
        "process_threads",
        "process_start_time_seconds",
    ];
    for (name, _) in all() {
        let there = shown.contains(&name);
        assert_ne!(there, unseen.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn alerts_are_whole_and_on_the_page() {
    let alerts: Vec<&str> = ALERTS.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 12);
    for alert in alerts {
        let name = alert.lines().next().expect("a name");
        for part in [
            "expr: ",
            "labels: { severity: ",
            "annotations: { summary: \"",
        ] {
            let lines = alert.lines().filter(|line| line.trim().starts_with(part));
            assert_eq!(lines.count(), 1, "{name}: {part}");
        }
        assert!(PAGE.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn names_are_as_prometheus_wants_them() {
    let mut seen = BTreeSet::new();
    for (name, kind) in all() {
        let letters = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(letters && !name.contains("__"), "{name}");
        assert_eq!(
            name.matches("_total").count(),
            usize::from(kind.contains("Counter"))
        );
        let unit = ["_ms", "_millis", "_mib", "_kib"]
            .iter()
            .any(|u| name.contains(u));
        assert!(!unit, "{name} is not in a base unit");
        assert!(seen.insert(name.clone()), "{name} is there twice");
    }
}

#[test]
fn the_text_has_units_buckets_and_the_process() {
    let alice = LearnerId(0);
    let metrics = Metrics::new(testing::config("").network.graph());
    metrics.step_time.observe(0.000_02);
    metrics.decided(alice, Some(Duration::from_millis(3)));
    metrics.decided(alice, None);
    metrics.gave_up("patience");
    metrics.waits(alice, Duration::from_millis(1500));
    for n in [2, 5] {
        metrics.stands(&Status {
            refused: BTreeMap::from([("late", n)]),
            ..Status::default()
        });
    }
    let text = metrics.text();
    for line in [
        "# UNIT hpaxos_step_duration_seconds seconds",
        "# UNIT process_resident_memory_bytes bytes",
        "hpaxos_decisions_total{learner=\"alice\"} 2",
        "hpaxos_decision_latency_seconds_count{learner=\"alice\"} 1",
        "hpaxos_decision_latency_seconds_bucket{le=\"0.005\",learner=\"alice\"} 1",
        "hpaxos_decision_latency_seconds_bucket{le=\"0.0025\",learner=\"alice\"} 0",
        "hpaxos_protocol_refusals_total{reason=\"late\"} 5",
        "hpaxos_timeouts_total{reason=\"patience\"} 1",
        "hpaxos_timeouts_total{reason=\"equivocated\"} 0",
        "hpaxos_patience_seconds{learner=\"alice\"} 1.5",
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    let resident = text
        .lines()
        .find_map(|l| l.strip_prefix("process_resident_memory_bytes "));
    let resident: u64 = resident.expect("a value").parse().expect("a number");
    assert!(resident > 1 << 20, "{resident}");
}

#[test]
fn the_start_is_told_where_the_machine_s_own_cannot_be_seen() {
    let metrics = Metrics::new(testing::config("").network.graph());
    // Nothing has looked into /proc yet.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ago = now.expect("after 1970").as_secs_f64() - metrics.process.start_time.get();
    assert!((0.0..3600.0).contains(&ago), "{ago}");
}
