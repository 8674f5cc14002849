//! A process that is killed while it keeps.

use super::*;
use std::io::{BufRead, BufReader};

#[test]
fn a_kill_at_any_instant_leaves_a_prefix() {
    let directory = TempDir::new().unwrap();
    let path = path(&directory);
    let (mut acknowledged, mut released) = (0, 0);
    for round in 0..30 {
        let mut process = child::spawn(child::Role::Keep, directory.path());
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.lines().map(Result::unwrap);
        let mut hear = |line: String| {
            acknowledged = acknowledged.max(child::acknowledged(&line));
            released = released.max(child::released(&line));
        };
        // Killed at another point each time, the first of them before anything is kept.
        lines.by_ref().take(3 * round).for_each(&mut hear);
        process.kill().unwrap();
        process.wait().unwrap();
        lines.for_each(&mut hear);

        if !path.exists() {
            assert_eq!(acknowledged, 0);
            continue;
        }
        let summary = sound(&path);
        for next in &summary.next {
            assert!(next.0 >= acknowledged, "{next} of {acknowledged}");
            assert!(next.0 <= released, "{next} of {released}");
        }
        assert_eq!(summary.pages, 0);
        let history = open(&path);
        for to in 0..3 {
            assert_eq!(history.next(lane(to)), summary.next[usize::from(to)]);
        }
        assert_holds(&history, acknowledged);
    }
    assert!(acknowledged > 50, "{acknowledged}");
}
