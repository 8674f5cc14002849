//! `testnet load`: what it measures, what it counts, what it refuses, and that nothing is left behind.

use crate::support::{self, Launcher, Outcome, children, run};
use rustix::process::Signal;
use serde_json::Value as Json;

const FINE: Option<&str> = Some("");

fn load(args: &[&str], fake: Option<&str>) -> Outcome {
    let quick = ["--seconds", "1", "--warm-up", "0"];
    run("load", &[args, &quick].concat(), fake)
}

/// The measurements of a run with `--json`, whose every field must be there.
fn measured(outcome: &Outcome) -> Vec<Json> {
    let objects = outcome.events();
    for object in &objects {
        let fields: &[&str] = match object["event"].as_str().unwrap() {
            "load" => &[
                "clients",
                "value_bytes",
                "values",
                "values_per_second",
                "errors",
                "answered",
            ],
            "plain-loop" => &["disks", "processors", "rounds", "rounds_per_second"],
            other => panic!("{other}: {outcome}"),
        };
        for field in fields.iter().chain(&["seconds"]) {
            assert!(object[field].is_number(), "{field}: {outcome}");
        }
        for field in ["median", "p95", "p99", "max"] {
            let ms = object["latency_ms"][field].as_f64();
            assert!(ms > Some(0.0), "{field}: {outcome}");
        }
    }
    objects
}

#[test]
fn a_real_network_decides_what_clients_submit() {
    let outcome = load(&["--mode", "paxos", "--clients", "2", "--json"], None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let objects = measured(&outcome);
    assert_eq!(objects.len(), 1, "{outcome}");
    let row = &objects[0];
    assert_eq!(
        (&row["event"], &row["mode"], &row["clients"], &row["nodes"]),
        (&"load".into(), &"paxos".into(), &2.into(), &3.into())
    );
    assert!(row["values"].as_u64() > Some(0), "{outcome}");
    assert!(
        row["answered"].as_u64() >= row["values"].as_u64(),
        "{outcome}"
    );
    assert_eq!(row["errors"], 0, "{outcome}");
    // At least two of three nodes store each value, and there are never more than two at a time.
    assert!(row["syncs_per_value"].as_f64() >= Some(1.0), "{outcome}");
    assert_eq!(row["disks"], Json::Null, "there are none");
}

#[test]
fn clients_of_a_node_share_requests() {
    let args = ["--mode", "paxos", "--clients", "16", "--shared-requests"];
    let outcome = load(&[&args, ["1", "--json"].as_slice()].concat(), None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let row = &measured(&outcome)[0];
    assert_eq!(row["shared_requests"], 1, "{outcome}");
    assert!(row["values"].as_u64() > Some(0), "{outcome}");
    assert_eq!(row["errors"], 0, "{outcome}");
    let outcome = load(&[&args, ["2"].as_slice()].concat(), None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let line = "paxos: 3 nodes, values of 100 bytes, 2 requests shared at each node, 1 s\n";
    assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
}

#[test]
fn disks_are_compared_with_a_plain_loop() {
    let args = ["--mode", "disk-paxos", "--clients", "2", "--json"];
    let outcome = load(&args, None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let objects = measured(&outcome);
    assert_eq!(objects.len(), 2, "{outcome}");
    let (plain, row) = (&objects[0], &objects[1]);
    assert_eq!(
        (&plain["disks"], &plain["processors"]),
        (&3.into(), &2.into())
    );
    let rate = |object: &Json, of: &str| object[of].as_f64().unwrap();
    let ratio = rate(row, "values_per_second") / rate(plain, "rounds_per_second");
    assert!(
        (rate(row, "of_plain_loop") - ratio).abs() < 1e-6,
        "{outcome}"
    );
    assert!(rate(row, "disk_operations_per_value") > 0.0, "{outcome}");
}

#[test]
fn a_person_gets_a_table_for_every_mode_and_number() {
    let outcome = load(&["--clients", "1,3"], FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    for line in [
        "hpaxos: 4 nodes, values of 100 bytes, 1 s\n",
        "\npaxos: 3 nodes, values of 100 bytes, 1 s\n",
        "\ndisk-paxos: 2 nodes, 3 disks, values of 100 bytes, 1 s\n",
        "\n    plain ",
        "disk-paxos, 1 client: ",
        "disk-paxos, 3 clients: ",
        " × the plain loop's ",
    ] {
        assert!(outcome.stdout.contains(line), "no '{line}' in {outcome}");
    }
    let rows = |n: &str| {
        outcome
            .stdout
            .lines()
            .filter(|l| l.split_whitespace().next() == Some(n))
            .count()
    };
    assert_eq!((rows("1"), rows("3")), (3, 3), "{outcome}");
    assert!(
        outcome
            .stdout
            .lines()
            .all(|line| line.chars().count() <= 120),
        "{outcome}"
    );
}

#[test]
fn errors_are_counted_and_shown() {
    let args = ["--mode", "hpaxos", "--clients", "4"];
    let outcome = load(
        &[&args, ["--json"].as_slice()].concat(),
        Some("lose=n1;busy=1"),
    );
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let row = outcome.events().pop().unwrap();
    let kinds = row["error_kinds"].as_object().unwrap();
    assert_eq!(kinds["status 429"], 4, "each node once: {outcome}");
    assert!(kinds["not decided in time"].as_u64() > Some(0), "{outcome}");
    let sum: u64 = kinds.values().filter_map(Json::as_u64).sum();
    assert_eq!(row["errors"].as_u64(), Some(sum), "{outcome}");
    assert!(row["values"].as_u64() > Some(0), "{outcome}");
    let outcome = load(&args, Some("busy=1"));
    assert!(outcome.stdout.contains("4 × status 429"), "{outcome}");
}

#[test]
fn a_killed_leader_is_told_with_the_first_decision_after_it_and_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let plot = dir.path().join("death.svg");
    let args = [
        "--mode",
        "paxos",
        "--clients",
        "4",
        "--kill-leader",
        "1",
        "--seconds",
        "8",
        "--warm-up",
        "1",
        "--plot",
        plot.to_str().unwrap(),
        "--json",
    ];
    let outcome = run("load", &args, None);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let row = &measured(&outcome)[0];
    let death = &row["leader_death"];
    let seconds = |field: &str| death[field].as_f64().unwrap();
    assert!(seconds("at_s") >= 1.0, "{outcome}");
    let pause = seconds("first_decision_s") - seconds("at_s");
    assert!(
        pause > 0.0 && (seconds("pause_ms") / 1e3 - pause).abs() < 1e-3,
        "{outcome}"
    );
    let values = death["values"].as_array().unwrap();
    assert_eq!((values.len(), &death["moment_ms"]), (80, &100.0.into()));
    let sum: u64 = values.iter().filter_map(Json::as_u64).sum();
    assert_eq!(
        Json::from(sum),
        row["values"],
        "every value has its moment: {outcome}"
    );
    let after = (seconds("first_decision_s") * 10.0) as usize;
    assert!(values[after].as_u64() > Some(0), "{outcome}");
    assert_eq!(row["syncs_per_value"], Json::Null, "the dead cannot tell");
    let svg = std::fs::read_to_string(&plot).unwrap();
    let leader = death["leader"].as_str().unwrap();
    for words in [
        &format!("leader {leader} killed"),
        "first decision after it: ",
        "paxos: 3 nodes, values of 100 bytes, 4 clients",
    ] {
        assert!(svg.contains(words), "no '{words}' in {svg}");
    }
}

#[test]
fn without_a_leader_nobody_can_be_killed() {
    let args = ["--mode", "paxos", "--clients", "2", "--kill-leader", "0.2"];
    let outcome = load(&args, FINE);
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome.stderr.contains("no node says who leads"),
        "{outcome}"
    );
}

#[test]
fn an_open_loop_asks_at_its_rate_and_the_times_are_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let plot = dir.path().join("times.svg");
    let plot = plot.to_str().unwrap();
    let args = [
        "--mode", "hpaxos", "--rate", "40,400", "--json", "--plot", plot,
    ];
    let outcome = load(&args, FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let rows = outcome.events();
    for (row, rate) in rows.iter().zip([40u64, 400]) {
        assert_eq!((&row["rate"], &row["clients"]), (&rate.into(), &Json::Null));
        let asked = row["answered"].as_u64().unwrap() + row["errors"].as_u64().unwrap();
        // Of one second, and whatever passed before the first.
        assert!(asked > rate * 8 / 10 && asked <= rate + 1, "{row}");
    }
    assert_eq!(rows.len(), 2, "{outcome}");
    let svg = std::fs::read_to_string(plot).unwrap();
    for words in ["40 values/s offered", "400 values/s offered", "99 %"] {
        assert!(svg.contains(words), "no '{words}' in {svg}");
    }
    let both = load(&["--rate", "1", "--clients", "1"], FINE);
    assert_eq!(both.code(), Some(2), "{both}");
}

#[test]
fn sizes_and_clients_are_compared_in_both_modes_and_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let plot = dir.path().join("rates.svg");
    let matrix = [
        "--modes",
        "hpaxos,paxos",
        "--clients",
        "1,4",
        "--value-bytes",
        "100,5000",
    ];
    let args = [matrix.as_slice(), &["--plot", plot.to_str().unwrap()]].concat();
    let outcome = load(&args, FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    assert!(
        outcome
            .stdout
            .contains("hpaxos: 4 nodes, values of 5000 bytes, 1 s\n"),
        "{outcome}"
    );
    let table = outcome.stdout.split("hpaxos / paxos\n").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>());
    let expected = [["100", "1"], ["100", "4"], ["5000", "1"], ["5000", "4"]];
    assert_eq!(rows.collect::<Vec<_>>(), expected, "{outcome}");
    let svg = std::fs::read_to_string(&plot).unwrap();
    for words in ["values of 100 bytes", "values of 5000 bytes", "clients"] {
        assert!(svg.contains(words), "no '{words}' in {svg}");
    }
    let json = load(&[matrix.as_slice(), &["--json"]].concat(), FINE);
    let events = json.events();
    let compared: Vec<&Json> = events.iter().filter(|e| e["event"] == "compare").collect();
    assert_eq!((events.len(), compared.len()), (8 + 4, 4), "{json}");
    for pair in compared {
        let of = |mode: &str| pair[mode]["values_per_second"].as_f64().unwrap();
        let ratio = pair["hpaxos_of_paxos"]["values_per_second"]
            .as_f64()
            .unwrap();
        assert!((ratio - of("hpaxos") / of("paxos")).abs() < 1e-9, "{pair}");
    }
}

#[test]
fn no_value_at_all_is_exit_3() {
    let outcome = load(&["--mode", "hpaxos", "--clients", "2"], Some("refuse"));
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(outcome.stdout.contains("× status 413"), "{outcome}");
    assert!(
        outcome
            .stderr
            .contains("hpaxos with 2 clients: no value was decided"),
        "{outcome}"
    );
}

#[test]
fn a_node_that_dies_ends_the_run_and_is_named() {
    let outcome = load(&["--mode", "paxos", "--clients", "3"], Some("die=n2"));
    assert_eq!(outcome.code(), Some(3), "{outcome}");
    assert!(
        outcome
            .stderr
            .contains("node n2 died under load: exit code 1"),
        "{outcome}"
    );
}

#[test]
fn a_signal_ends_it_and_leaves_nothing() {
    // The first measurement shows that all nodes run; the others would take a minute.
    let many = ["1"; 60].join(",");
    let args = [
        "--mode",
        "hpaxos",
        "--clients",
        &many,
        "--seconds",
        "1",
        "--warm-up",
        "0",
    ];
    let mut load = Launcher::start_command("load", &args, FINE);
    load.until(|event| event["event"] == "load");
    load.pids.extend(children(load.child.id()));
    load.signal(Signal::INT);
    let (status, _) = load.end();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn wrong_usage_is_exit_2_before_anything_starts() {
    let modes = ["--mode", "paxos", "--mode", "paxos"];
    let kill = |seconds: &'static str, more: &[&'static str]| {
        [&["--kill-leader", "2", "--seconds", seconds], more].concat()
    };
    let one = ["--clients", "1"];
    let many = kill("3", &[]);
    let sizes = kill("3", &["--clients", "1", "--value-bytes", "9,10"]);
    let (late, long) = (kill("2", &one), kill("301", &one));
    let cases: [(&[&str], &str); 15] = [
        (
            &many,
            "--kill-leader takes one number of clients or one rate",
        ),
        (&sizes, "--kill-leader takes one size of values"),
        (&late, "--kill-leader comes after the last second"),
        (&long, "--kill-leader takes at most --seconds 300"),
        (&["--mode", "raft"], "hpaxos, paxos and disk-paxos"),
        (&modes, "--mode paxos is given twice"),
        (&["--clients", "0"], "--clients"),
        (&["--clients", "1,10001"], "--clients"),
        (&["--clients", ""], "--clients"),
        (&["--seconds", "0"], "in no time"),
        (&["--seconds", "3601"], "at most 3600"),
        (&["--warm-up", "1e9"], "at most 3600"),
        (&["--value-bytes", "7"], "--value-bytes"),
        (
            &["--mode", "paxos", "--disks", "3"],
            "--disks is for mode disk-paxos",
        ),
        (&["--nodes", "0"], "--nodes 0"),
    ];
    for (args, words) in cases {
        let outcome = run("load", args, None);
        assert_eq!(outcome.code(), Some(2), "{args:?}: {outcome}");
        assert_eq!(outcome.stdout, "", "{args:?}: {outcome}");
        assert!(outcome.stderr.contains(words), "{args:?}: {outcome}");
    }
}

#[test]
fn a_directory_keeps_a_part_for_each_network() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let args = ["--mode", "disk-paxos", "--clients", "1", "--dir", root];
    let outcome = load(&args, FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    assert_eq!(support::entries(dir.path()), ["disk-paxos"]);
    let mut parts = support::entries(&dir.path().join("disk-paxos"));
    parts.sort();
    let network = ["data", "disks", "keys", "logs", "network.toml"];
    assert_eq!(parts, network, "the plain loop's files are gone");
    let again = load(&args, FINE);
    assert_eq!(again.code(), Some(3), "{again}");
    assert!(again.stderr.contains("is not empty"), "{again}");
    let sizes = [
        "--mode",
        "paxos",
        "--clients",
        "1",
        "--value-bytes",
        "10,20",
        "--dir",
        root,
    ];
    let outcome = load(&sizes, FINE);
    assert_eq!(outcome.code(), Some(0), "{outcome}");
    let mut parts = support::entries(dir.path());
    parts.sort();
    assert_eq!(parts, ["disk-paxos", "paxos-10", "paxos-20"]);
    let plot = load(&["--plot", "/no/such/plot.svg"], FINE);
    assert_eq!(plot.code(), Some(3), "{plot}");
    assert!(plot.stderr.contains("--plot '/no/such/plot.svg'"), "{plot}");
}
