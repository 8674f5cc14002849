//! A power cut between any two operations, or in the middle of one.
//!
//! What is on the disk then follows from the operations before: names that were given or removed since
//! the directory was last synced may be on the disk or not, each by itself, and of a file that was not
//! synced there may be anything. All of it is tried.

use std::collections::BTreeMap;

use super::*;
use crate::storage::files::journal::{self, Operation};

/// The names in a directory with the contents behind them. The lock does not matter.
type Files = BTreeMap<String, Vec<u8>>;

const DRAFT: &str = "segment.new";

fn files(directory: &TempDir) -> Files {
    let all = snapshot(directory).into_iter().map(|(path, bytes)| {
        let name = path.file_name().unwrap().to_str().unwrap();
        (name.to_owned(), bytes)
    });
    all.filter(|(name, _)| name != "lock").collect()
}

fn directory_of(files: &Files) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

/// Everything that may be on the disk after these operations, which began with the files `before`.
/// `written` is what the draft became.
fn possible(before: &Files, written: &[u8], done: &[Operation]) -> Vec<Files> {
    // The draft is the same file under another name, and complete as soon as it was synced.
    let synced = done.contains(&Operation::Sync(DRAFT.to_owned()));
    let half = || [&written[..written.len() / 2], &vec![0; written.len() / 2]].concat();
    let drafts = match synced {
        true => vec![written.to_vec()],
        false => vec![
            Vec::new(),
            vec![0; written.len()],
            half(),
            written[..50].to_vec(),
        ],
    };
    let durable = done.iter().rposition(|o| *o == Operation::SyncDirectory);
    let (sure, unsure) = done.split_at(durable.map_or(0, |at| at + 1));
    let mut found = Vec::new();
    for draft in &drafts {
        for chosen in 0..1u32 << unsure.len() {
            let happened = (0..).zip(unsure).filter(|(bit, _)| chosen & 1 << bit != 0);
            let mut files = before.clone();
            // That the draft has a name is as unsure as any name, and of no interest without one.
            files.insert(DRAFT.to_owned(), draft.clone());
            for operation in sure.iter().chain(happened.map(|(_, operation)| operation)) {
                match operation {
                    Operation::Rename(from, to) => {
                        let bytes = files.remove(from).unwrap();
                        files.insert(to.clone(), bytes);
                    }
                    Operation::Remove(name) => drop(files.remove(name)),
                    Operation::Sync(_) | Operation::SyncDirectory => {}
                }
            }
            found.push(files);
        }
    }
    found
}

/// A log of three segments, and what replaced them.
struct Replaced {
    before: Files,
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
    /// The new segment.
    written: Vec<u8>,
    done: Vec<Operation>,
}

const NAME: &str = "segment-0000000000000002.log";

fn replaced() -> Replaced {
    let big = [7; 3000];
    let directory = log_of(&[&[&big], &[&big], &[b"three"]]);
    let (mut log, replay) = open(&directory).unwrap();
    let old = replay.map(Result::unwrap).collect();
    log.append(b"never synced").unwrap();
    let before = files(&directory);
    let new = vec![vec![8; 5000], b"more".to_vec()];
    journal::take();
    log.replace(&mut new.clone().into_iter()).unwrap();
    let done = journal::take();
    drop(log);
    let mut after = files(&directory);
    let written = after.remove(NAME).unwrap();
    assert!(after.is_empty(), "{:?}", after.keys());
    Replaced {
        before,
        old,
        new,
        written,
        done,
    }
}

/// Opens what is on the disk after these operations: the old log or the new one. Returns how often it was
/// the new one, and of how many.
fn count_new(replaced: &Replaced, done: &[Operation]) -> (usize, usize) {
    let Replaced { old, new, .. } = replaced;
    let all = possible(&replaced.before, &replaced.written, done);
    let mut count = 0;
    for files in &all {
        let words = format!("after {done:?}: {:?}", files.keys());
        let cut = directory_of(files);
        let mut found = records(&cut);
        if found == *new {
            count += 1;
        } else {
            assert!(found == *old, "{words}");
        }
        // What was left over is gone, and the log goes on.
        let looked = examine(cut.path(), None, &mut |_| {}).unwrap();
        assert_eq!((looked.leftovers, looked.draft), (0, false), "{words}");
        let (mut log, replay) = open(&cut).unwrap();
        drop(replay);
        log.append(b"next").unwrap();
        log.sync().unwrap();
        drop(log);
        found.push(b"next".to_vec());
        assert!(records(&cut) == found, "{words}");
    }
    (count, all.len())
}

#[test]
fn a_replacement_leaves_all_of_it_or_nothing() {
    let replaced = replaced();
    let done = &replaced.done;
    let counts: Vec<_> = (0..=done.len())
        .map(|count| count_new(&replaced, &done[..count]))
        .collect();
    // At first it is never the new one, then perhaps, and in the end always.
    assert_eq!(counts.first().map(|(new, _)| *new), Some(0), "{counts:?}");
    assert!(
        counts.iter().any(|(new, all)| 0 < *new && new < all),
        "{counts:?}"
    );
    assert!(
        counts.last().is_some_and(|(new, all)| new == all),
        "{counts:?}"
    );
}

#[test]
fn opening_after_a_kill_is_no_less_careful() {
    // The process died as soon as the new name was given, and the next one removes the old segments.
    let mut replaced = replaced();
    let renamed = |o: &Operation| matches!(o, Operation::Rename(..));
    let at = replaced.done.iter().position(renamed).unwrap();
    replaced.done.truncate(at + 1);
    let mut files = replaced.before.clone();
    files.insert(NAME.to_owned(), replaced.written.clone());
    let directory = directory_of(&files);
    journal::take();
    assert_eq!(records(&directory), replaced.new);
    let opening = journal::take();
    // The oldest goes first, so that what is left is never taken for a log.
    let removes = opening.iter().filter(|o| matches!(o, Operation::Remove(_)));
    let oldest_first = [0, 1].map(|n| Operation::Remove(format!("segment-{n:016x}.log")));
    assert!(removes.eq(&oldest_first), "{opening:?}");
    replaced.done.extend(opening);
    for count in at + 1..=replaced.done.len() {
        count_new(&replaced, &replaced.done[..count]);
    }
    let (new, all) = count_new(&replaced, &replaced.done);
    assert_eq!(new, all);
}
