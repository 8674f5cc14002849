//! A process that is killed while it appends.

use std::io::{BufRead, BufReader};

use super::*;

#[test]
fn everything_acknowledged_survives_a_kill() {
    let directory = TempDir::new().unwrap();
    let mut acknowledged = 0;
    for round in 0..12 {
        let mut process = child::spawn(child::Role::Append, directory.path());
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.lines().map(Result::unwrap);
        // Killed at another point each time, while it goes on appending.
        for line in lines.by_ref().take(3 + 7 * round) {
            acknowledged = acknowledged.max(child::acknowledged(&line));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        for line in lines {
            acknowledged = acknowledged.max(child::acknowledged(&line));
        }
        child::assert_recovered(directory.path(), acknowledged);
    }
    let summary = crate::storage::check(directory.path(), network()).unwrap();
    assert!(summary.records > 100, "{summary:?}");
    assert!(summary.segments > 1, "{summary:?}");
}
