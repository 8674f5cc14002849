//! Any sequence of operations and crashes, held against a model.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::storage::format::RECORD_HEADER_LEN;

/// Lengths of records; segments have 4096 bytes.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![4 => 8..200usize, 1 => 1000..6000usize], 0..5)
}

#[derive(Clone, Debug)]
enum Operation {
    Append(Vec<usize>),
    Sync,
    Replace(Vec<usize>),
    /// The process dies and another one opens the log.
    Die,
    /// The power is cut during a sync: a hole in what it wrote, from one place to another, in 256ths.
    CutSync(u8, u8),
    /// The power is cut while a checkpoint is written, so far in 256ths.
    CutDraft(Vec<usize>, u8),
    /// The power is cut while the segments that a checkpoint has replaced are removed, so many of which
    /// are gone.
    CutRemoval(Vec<usize>, u8),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => lengths().prop_map(Operation::Append),
        3 => Just(Operation::Sync),
        2 => lengths().prop_map(Operation::Replace),
        1 => Just(Operation::Die),
        2 => any::<(u8, u8)>().prop_map(|(from, to)| Operation::CutSync(from, to)),
        1 => (lengths(), any::<u8>()).prop_map(|(l, at)| Operation::CutDraft(l, at)),
        1 => (lengths(), any::<u8>()).prop_map(|(l, at)| Operation::CutRemoval(l, at)),
    ]
}

struct Model {
    directory: TempDir,
    log: Option<FileLog>,
    /// What was acknowledged; so many of them as a checkpoint.
    durable: Vec<Vec<u8>>,
    checkpoint: usize,
    /// What was appended and not synced.
    pending: Vec<Vec<u8>>,
    made: u64,
}

type Files = Vec<(PathBuf, Vec<u8>)>;

impl Model {
    fn new() -> Model {
        // Nothing here depends on a real disk, and memory is quicker.
        let memory = TempDir::new_in("/dev/shm");
        let directory = memory.or_else(|_| TempDir::new()).unwrap();
        let (log, _) = open(&directory).unwrap();
        Model {
            directory,
            log: Some(log),
            durable: Vec::new(),
            checkpoint: 0,
            pending: Vec::new(),
            made: 0,
        }
    }

    /// Records that there have never been before.
    fn make(&mut self, lengths: &[usize]) -> Vec<Vec<u8>> {
        let mut make = |len: &usize| {
            self.made += 1;
            let mut record = self.made.to_le_bytes().to_vec();
            record.resize(*len, self.made as u8 | 1);
            record
        };
        lengths.iter().map(&mut make).collect()
    }

    fn log(&mut self) -> &mut FileLog {
        self.log.as_mut().unwrap()
    }

    fn run(&mut self, operation: &Operation) {
        match operation {
            Operation::Append(lengths) => {
                for record in self.make(lengths) {
                    self.log().append(&record).unwrap();
                    self.pending.push(record);
                }
            }
            Operation::Sync => {
                self.log().sync().unwrap();
                self.durable.append(&mut self.pending);
            }
            Operation::Replace(lengths) => {
                let records = self.make(lengths);
                self.replace(&records);
                self.replaced(records);
            }
            Operation::Die => self.reopen(),
            Operation::CutSync(from, to) => {
                let before = snapshot(&self.directory);
                self.log().sync().unwrap();
                let after = snapshot(&self.directory);
                for ((path, before), (_, after)) in before.iter().zip(after) {
                    let wrong = |at: &usize| before[*at] != after[*at];
                    let first = (0..after.len()).find(wrong).unwrap_or(0);
                    let last = (0..after.len()).rfind(wrong).map_or(0, |at| at + 1);
                    let place = |part: u8| first + (last - first) * usize::from(part) / 256;
                    let mut torn = after.clone();
                    torn[place(*from.min(to))..place(*from.max(to))].fill(0);
                    fs::write(path, torn).unwrap();
                }
                self.reopen();
            }
            Operation::CutDraft(lengths, at) => {
                let (before, written, _) = self.replace_and_look(lengths);
                let cut = written.len() * usize::from(*at) / 256;
                self.restore(&before);
                let draft = self.directory.path().join("segment.new");
                // The header is written when everything else is there.
                fs::write(&draft, &written[..cut]).unwrap();
                edit(&draft, |bytes| {
                    bytes.iter_mut().take(HEADER_LEN).for_each(|b| *b = 0)
                });
                self.reopen();
                assert!(!draft.exists());
            }
            Operation::CutRemoval(lengths, gone) => {
                let (before, written, records) = self.replace_and_look(lengths);
                let mut old = before.clone();
                old.retain(|(path, _)| path.extension().is_some_and(|e| e == "log"));
                let next = self.next_segment(&old);
                old.drain(..old.len() * usize::from(*gone) / 256);
                self.restore(&old);
                fs::write(next, written).unwrap();
                self.replaced(records);
                self.reopen();
            }
        }
    }

    fn replace(&mut self, records: &[Vec<u8>]) {
        self.log().replace(&mut records.iter().cloned()).unwrap();
    }

    fn replaced(&mut self, records: Vec<Vec<u8>>) {
        self.checkpoint = records.len();
        self.durable = records;
        self.pending.clear();
    }

    /// Replaces, and gives what was there before, and the segment that is there instead.
    fn replace_and_look(&mut self, lengths: &[usize]) -> (Files, Vec<u8>, Vec<Vec<u8>>) {
        let before = snapshot(&self.directory);
        let records = self.make(lengths);
        self.replace(&records);
        let mut after = snapshot(&self.directory);
        after.retain(|(path, _)| path.extension().is_some_and(|e| e == "log"));
        assert_eq!(after.len(), 1);
        let (_, written) = after.remove(0);
        (before, written, records)
    }

    fn next_segment(&self, old: &Files) -> PathBuf {
        let name = old.last().unwrap().0.file_stem().unwrap().to_str().unwrap();
        let number = u64::from_str_radix(name.strip_prefix("segment-").unwrap(), 16);
        segment(&self.directory, number.unwrap() + 1)
    }

    /// Puts back what there was. The process is dead.
    fn restore(&mut self, files: &Files) {
        self.log = None;
        for (path, _) in snapshot(&self.directory) {
            fs::remove_file(path).unwrap();
        }
        for (path, bytes) in files {
            fs::write(path, bytes).unwrap();
        }
    }

    /// What comes back is what was acknowledged, and a part of what was appended since.
    fn reopen(&mut self) {
        self.log = None;
        let (log, replay) = open(&self.directory).unwrap();
        let found: Vec<_> = replay.map(Result::unwrap).collect();
        let mut all = self.durable.clone();
        all.append(&mut self.pending);
        assert!(found.len() >= self.durable.len(), "{} records", found.len());
        assert!(all.starts_with(&found), "{} records", found.len());
        self.log = Some(log);
        self.durable = found;
        let generation = self.log().segment.header().generation;
        let first = numbers(&self.directory).first().copied();
        assert_eq!(first, Some(generation), "left over");
    }

    /// How much there is behind the checkpoint.
    fn grown(&self) -> u64 {
        let behind = self.durable[self.checkpoint..].iter().chain(&self.pending);
        behind
            .map(|record| (RECORD_HEADER_LEN + record.len()) as u64)
            .sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn operations_and_crashes(operations in vec(operation(), 1..24)) {
        let mut model = Model::new();
        for operation in &operations {
            model.run(operation);
            let grown = model.grown();
            prop_assert_eq!(model.log().grown(), grown, "after {:?}", operation);
        }
        model.reopen();
    }
}
