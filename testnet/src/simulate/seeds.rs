//! Many seeds, on all cores: each run has one thread and knows nothing of the others.

use simulation::run::Outcome;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Runs every seed of a range, until `end` if there is one or `stop` is set, and hands the outcomes on in the order of the
/// seeds. Stops early when `each` answers false.
pub(super) fn every(
    seeds: Range<u64>,
    end: Option<Instant>,
    stop: &AtomicBool,
    run: impl Fn(u64) -> Outcome + Sync,
    mut each: impl FnMut(Outcome) -> bool,
) {
    let next = AtomicU64::new(seeds.start);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (tell, outcomes) = mpsc::sync_channel::<Outcome>(workers);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (tell, next, run) = (tell.clone(), &next, &run);
            scope.spawn(move || {
                loop {
                    let late = end.is_some_and(|end| Instant::now() >= end);
                    let late = late || stop.load(Ordering::Relaxed);
                    if late {
                        return;
                    }
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // Nobody listens any more: enough is known.
                    if seed >= seeds.end || tell.send(run(seed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        let mut waiting = std::collections::BTreeMap::new();
        let mut due = seeds.start;
        for outcome in outcomes {
            waiting.insert(outcome.seed, outcome);
            while let Some(outcome) = waiting.remove(&due) {
                due += 1;
                if !each(outcome) {
                    return;
                }
            }
        }
    });
}
