//! Every scenario of the examples passes, with real processes; and one that must not does not.

use crate::support::{entries, run};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scenarios")
}

/// A test for each of these.
macro_rules! scenarios {
    ($($name:ident = $file:literal;)+) => {
        $(#[test]
        fn $name() {
            let file = directory().join($file);
            let outcome = run("run", &[file.to_str().unwrap(), "--json"], None);
            assert_eq!(outcome.code(), Some(0), "{outcome}");
        })+

        #[test]
        fn every_file_is_played() {
            let mut played = vec![$($file.to_owned()),+];
            let mut files = entries(&directory());
            files.retain(|file| !file.ends_with("-graph.toml"));
            files.sort_unstable();
            played.sort_unstable();
            assert_eq!(files, played);
        }
    };
}

scenarios! {
    all_die = "all-die.toml";
    a_disk_is_lost = "disk-loss.toml";
    the_leader_dies = "leader-dies.toml";
    an_acceptor_lies = "lying-acceptor.toml";
    a_leader_lies = "lying-leader.toml";
    the_smaller_side = "minority.toml";
    one_crash = "one-crash.toml";
    a_node_hangs = "paused.toml";
    paxos_without_its_majority = "paxos-majority.toml";
    one_after_the_other = "rolling-restart.toml";
    one_is_slow = "slow-link.toml";
    two_worlds = "two-worlds.toml";
}

/// A scenario of four nodes with these steps, played to its end: the exit code, and the steps as they were told.
fn played(steps: &str) -> (Option<i32>, Vec<Json>) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.toml");
    std::fs::write(&file, format!("title = \"t\"\nnodes = 4\n{steps}")).unwrap();
    let outcome = run("run", &[file.to_str().unwrap(), "--json"], None);
    let steps = outcome.events();
    let steps = steps.into_iter().filter(|event| event["event"] == "step");
    (outcome.code(), steps.collect())
}

#[test]
fn what_does_not_come_true_fails() {
    let (code, steps) = played(
        r#"
        [[step]]
        kill = "n4"
        [[step]]
        submit = "x"
        [[step]]
        expect = { decided = "carol", within = 1 }
        [[step]]
        start = "n4"
        "#,
    );
    assert_eq!((code, steps.len()), (Some(1), 3), "{steps:?}");
    assert_eq!(steps[2]["passed"], false);
    assert_eq!(steps[2]["why"], "carol has decided 0 of 1 at node n1");
}

#[test]
fn who_was_to_wait_and_decided_fails() {
    let (code, steps) = played(
        r#"
        [[step]]
        submit = "x"
        [[step]]
        expect = { waits = "alice", for = 30 }
        "#,
    );
    assert_eq!((code, steps.len()), (Some(1), 2), "{steps:?}");
    assert_eq!(steps[1]["why"], "alice has decided");
}

#[test]
fn a_fault_that_makes_no_sense_fails() {
    let (code, steps) = played("[[step]]\nstart = \"n1\"\n");
    assert_eq!((code, steps.len()), (Some(1), 1), "{steps:?}");
    assert_eq!(steps[0]["why"], "n1 runs already");
}
