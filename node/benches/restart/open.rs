//! Opens a data directory, part by part and as a node.

use super::{Machine, NAME};
use consensus::history::History as _;
use consensus::{HistoryOf, RecordOf};
use crypto::codec;
use learner_graph::LearnerId;
use node::history::{FILE_NAME, HistoryFile};
use node::storage::FileLog;
use node::{Config, Node};
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub(super) fn run<P: Machine>(config: &Config, directory: &Path) {
    let (id, lanes) = (config.network.id(), usize::from(P::LANES));
    let open_log = || FileLog::open(directory.join("log"), id).expect("a log");
    let open_history = || {
        let path = directory.join(FILE_NAME);
        HistoryFile::open(path, id, lanes, P::wire_bytes).expect("a history")
    };
    let part = |name: &str| {
        forget(directory);
        (name.to_owned(), Instant::now())
    };
    let done = |(name, start): (String, Instant)| {
        println!(
            "{name:45} {:8.3} s {:6} MiB",
            start.elapsed().as_secs_f64(),
            memory()
        );
    };

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let timed = part("the whole node, until HTTP answers");
        let key = directory.join("key");
        let node = Node::start(config, NAME, &key, directory).await;
        let node = node.expect("it starts");
        assert!(node.ready().await);
        let client = hpaxos_client::http_client().build().expect("a client");
        let url = format!("http://{}/v1/status", node.http().expect("an address"));
        let answer = client.get(url).send().await.expect("an answer");
        assert!(answer.status().is_success());
        done(timed);
        node.stop().await.expect("it stops");
    });

    let log = files(&directory.join("log"));
    for (name, files) in [("log", log), ("history", vec![directory.join(FILE_NAME)])] {
        let (_, start) = part("");
        let bytes: u64 = files.iter().map(|file| read(file)).sum();
        done((
            format!("plainly read the {name}, {} MiB", bytes >> 20),
            start,
        ));
    }
    let timed = part("open the log");
    let (log, replay) = open_log();
    done(timed);
    let timed = part("read its records again");
    let records = replay.inspect(|record| assert!(record.is_ok())).count();
    done((format!("read its {records} records again"), timed.1));
    drop(log);
    let timed = part("open the history");
    let history = Arc::new(open_history());
    done(timed);
    let slots = history.next(LearnerId(0));
    let (_log, replay) = open_log();
    let mut protocol = P::machine(config, 0, Arc::clone(&history) as Arc<HistoryOf<P>>);
    let timed = part("read, decode and restore the records");
    for record in replay {
        let record = record.expect("sound");
        let record: RecordOf<P> = codec::decode(&record, codec::LARGEST).expect("a record");
        protocol.restore(record);
    }
    done(timed);
    let next = protocol.next(LearnerId(0));
    drop((_log, protocol));
    drop(history);
    println!("{slots} slots in the history, {next} with the log");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(directory).expect("a directory");
    let paths = names.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.is_file()).collect()
}

/// Takes the files out of the system's memory.
pub(super) fn forget(directory: &Path) {
    for path in files(directory)
        .into_iter()
        .chain(files(&directory.join("log")))
    {
        let file = File::open(path).expect("a file");
        file.sync_all().expect("synced");
        fadvise(&file, 0, None, Advice::DontNeed).expect("forgotten");
    }
}

/// Reads a file from its start to its end: its bytes.
pub(super) fn read(path: &Path) -> u64 {
    let (mut file, mut buffer) = (File::open(path).expect("a file"), vec![0; 1 << 20]);
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer).expect("readable") {
            0 => return bytes,
            read => bytes += read as u64,
        }
    }
}

/// The memory of this process, in MiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    words
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
        >> 10
}
