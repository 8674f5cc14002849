//! A node with an empty directory beside one that has everything.

use super::open::{forget, read};
use super::{LATE, Machine, NAME, write_key};
use consensus::Slot;
use consensus::history::History as _;
use learner_graph::LearnerId;
use node::history::{FILE_NAME, HistoryFile};
use node::{Config, Node};
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

pub(super) fn run<P: Machine>(config: &Config, directory: &Path) {
    let slots = alone::<P>(config, directory);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let full = Node::start(config, NAME, &directory.join("key"), directory).await;
        let full = full.expect("it starts");
        let fresh = tempfile::TempDir::new_in(directory).expect("a directory");
        let key = fresh.path().join("key");
        write_key(P::NODES, &key);
        let start = Instant::now();
        let late = Node::start(config, LATE, &key, &fresh.path().join("data")).await;
        let late = late.expect("it starts");
        let client = hpaxos_client::http_client().build().expect("a client");
        let url = format!("http://{}/v1/status", late.http().expect("an address"));
        loop {
            let answer = client.get(&url).send().await.expect("an answer");
            let status: Value = answer.json().await.expect("JSON");
            let learners = status["learners"].as_object().into_iter().flatten();
            // Those that the node plays: of others it knows less.
            let next = learners.filter_map(|(_, learner)| learner["delivered"]["next"].as_u64());
            if next.min().is_some_and(|next| next >= slots) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        show("an empty node catches up", slots, start.elapsed());
        late.stop().await.expect("it stops");
        full.stop().await.expect("it stops");
    });
}

/// How fast the parts are by themselves, on one core: reading the file, reading what proves each decision, and verifying
/// that, each message once. Returns the slots of the history.
fn alone<P: Machine>(config: &Config, directory: &Path) -> u64 {
    let path = directory.join(FILE_NAME);
    let lanes = usize::from(P::LANES);
    let history = HistoryFile::<P::Wire>::open(&path, config.network.id(), lanes, P::wire_bytes);
    let history = history.expect("a history");
    let Slot(slots) = history.next(LearnerId(0));
    forget(directory);
    let start = Instant::now();
    read(&path);
    show("plainly read the history", slots, start.elapsed());
    forget(directory);
    let mut verifying = Duration::ZERO;
    let mut known = HashSet::new();
    let start = Instant::now();
    for slot in (0..slots).map(Slot) {
        let kept = history.decision(LearnerId(0), slot).expect("a decision");
        let mut news = kept.proof;
        news.retain(|wire| known.insert(P::id(wire)));
        let begun = Instant::now();
        for wire in news {
            std::hint::black_box(P::open(wire, &config.network).expect("genuine"));
        }
        verifying += begun.elapsed();
    }
    show(
        "read every decision with its proof",
        slots,
        start.elapsed() - verifying,
    );
    show("verify it, one core", slots, verifying);
    println!("{} messages", known.len());
    slots
}

fn show(name: &str, slots: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    println!(
        "{name:45} {seconds:8.3} s {:10.0} slots/s",
        slots as f64 / seconds
    );
}
