//! A process that is killed while it appends and replaces.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdout};

use super::child::Role;
use super::roles::State;
use super::*;

/// A process to be killed, and what it has acknowledged.
struct Victim {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Victim {
    fn spawn(role: Role, directory: &Path) -> Victim {
        let mut process = child::spawn(role, directory);
        let output = BufReader::new(process.stdout.take().unwrap());
        Victim {
            process,
            lines: output.lines(),
            said: String::new(),
        }
    }

    /// Waits for the next line.
    fn hear(&mut self) -> String {
        let line = self.lines.next().unwrap().unwrap();
        self.said += &line;
        self.said += "\n";
        line
    }

    /// Waits for a line with these words, so many times.
    fn hear_of(&mut self, words: &str, times: usize) {
        for _ in 0..times {
            while !self.hear().contains(words) {}
        }
    }

    /// Waits until something can be seen.
    fn watch(&mut self, seen: impl Fn() -> bool) {
        while !seen() {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "{}: {ended:?}", self.said);
        }
    }

    /// What it had acknowledged when it died, read by anybody or not.
    fn kill(mut self) -> State {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        for line in self.lines {
            self.said += &line.unwrap();
            self.said += "\n";
        }
        roles::acknowledged(&self.said)
    }
}

fn later(one: State, other: State) -> State {
    State {
        checkpoint: one.checkpoint.max(other.checkpoint),
        next: one.next.max(other.next),
    }
}

#[test]
fn everything_acknowledged_survives_a_kill() {
    let directory = TempDir::new().unwrap();
    let mut acknowledged = State::default();
    for round in 0..12 {
        let mut victim = Victim::spawn(Role::Append, directory.path());
        // Killed at another point each time, while it goes on appending.
        for _ in 0..3 + 7 * round {
            victim.hear();
        }
        acknowledged = later(acknowledged, victim.kill());
        roles::assert_recovered(directory.path(), acknowledged);
    }
    let summary = summary(&directory);
    assert!(summary.records > 100, "{summary:?}");
    assert!(summary.segments > 1, "{summary:?}");
}

#[test]
fn everything_acknowledged_survives_kills_during_replacements() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let mut acknowledged = State::default();
    let (mut drafts, mut leftovers) = (0, 0);
    for round in 0..40 {
        let before = generation(path).or(Some(0));
        let mut victim = Victim::spawn(Role::Replace, path);
        match round % 4 {
            // Somewhere.
            0 => (0..4 + 3 * round).for_each(|_| drop(victim.hear())),
            // As soon as a replacement has begun.
            1 => victim.hear_of(roles::REPLACING, 1 + round / 8),
            // While its draft is written.
            2 => {
                victim.hear_of(roles::REPLACING, 1);
                victim.watch(|| path.join("segment.new").exists() || generation(path) != before);
            }
            // When it has taken the place of the others.
            _ => {
                victim.hear_of(roles::REPLACING, 1);
                victim.watch(|| generation(path) != before);
            }
        }
        acknowledged = later(acknowledged, victim.kill());
        let looked = examine(path, None, &mut |_| {}).unwrap();
        drafts += usize::from(looked.draft);
        leftovers += usize::from(looked.leftovers > 0);
        acknowledged = later(acknowledged, roles::assert_recovered(path, acknowledged));
    }
    println!("of 40 kills, {drafts} left a draft, {leftovers} left segments that were replaced");
    assert!(acknowledged.checkpoint > 100, "{acknowledged:?}");
    assert!(drafts > 0, "no kill met a replacement");
}

/// The generation that the last segment belongs to, by its header alone.
fn generation(path: &Path) -> Option<u64> {
    let names = fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
    let last = names
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .max();
    // It may have been removed since.
    let mut bytes = [0; 8];
    let file = fs::File::open(last?).ok()?;
    file.read_exact_at(&mut bytes, 60).ok()?;
    Some(u64::from_le_bytes(bytes))
}

#[test]
fn a_kill_in_the_middle_of_a_checkpoint_leaves_what_there_was() {
    let directory = TempDir::new().unwrap();
    let mut victim = Victim::spawn(Role::Halfway, directory.path());
    victim.hear_of(roles::HALFWAY, 1);
    let acknowledged = victim.kill();
    let draft = fs::metadata(directory.path().join("segment.new")).unwrap();
    assert!(draft.len() > 8 << 20, "{draft:?}");
    let expected = State {
        checkpoint: 0,
        next: 7,
    };
    assert_eq!(acknowledged, expected);
    let state = roles::assert_recovered(directory.path(), acknowledged);
    assert_eq!(state, expected);
}
