//! Anything that may be kept, in any order, against the history in memory.

use super::*;
use consensus::history::MemoryHistory;
use proptest::prelude::*;

const VALUES: u64 = 12;
/// So few entries are recent that most batches and values are in runs soon.
const OPTIONS: Options = Options { recent: 4, ..SMALL };

fn open(directory: &TempDir) -> File {
    let path = path(directory);
    File::open_with(path, network(), LANES, size, OPTIONS).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    /// The next decision of a lane: which batch, and which of its values are new; in common with all that can have it.
    Decide {
        lane: u16,
        in_common: bool,
        batch: u64,
        new: u8,
        proof: Vec<u8>,
    },
    /// A decision that does not follow.
    Stray {
        lane: u16,
        slot: u64,
    },
    Page {
        start: u64,
        messages: Vec<u8>,
        batch: u64,
    },
    Settled(u64),
    Flush,
    Commit,
    /// Closed and opened again.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let proof = || proptest::collection::vec(0..6u8, 0..4);
    prop_oneof![
        12 => (0..3u16, any::<bool>(), 0..VALUES, any::<u8>(), proof()).prop_map(
            |(lane, in_common, batch, new, proof)| {
                Step::Decide { lane, in_common, batch, new, proof }
            },
        ),
        1 => (0..3u16, 0..9u64).prop_map(|(lane, slot)| Step::Stray { lane, slot }),
        3 => (0..40u64, proof(), 0..VALUES).prop_map(|(start, messages, batch)| {
            Step::Page { start, messages, batch }
        }),
        1 => (0..40u64).prop_map(Step::Settled),
        3 => Just(Step::Flush),
        2 => Just(Step::Commit),
        1 => Just(Step::Reopen),
    ]
}

fn messages(numbers: &[u8]) -> Vec<Said> {
    let message = |n: &u8| said(u16::from(*n), vec![*n; 40]);
    numbers.iter().map(message).collect()
}

/// What a step keeps, if it keeps anything. A value is new to a lane once.
fn kept(model: &MemoryHistory<Said>, step: &Step) -> Option<Keep<Said>> {
    match step {
        Step::Decide {
            lane: to,
            in_common,
            batch: number,
            new,
            proof,
        } => {
            let all = batch(*number, number % 4);
            let slot = model.next(lane(*to)).0;
            let has =
                |at: LearnerId, value: &ClientValue| model.delivered(&value.id()).contains(at);
            let alike = |at: &LearnerId| {
                let same = all.values.iter().all(|v| has(*at, v) == has(lane(*to), v));
                // To a lane where it is not the next one it means nothing.
                *at == lane(*to) || *in_common && (same || model.next(*at) != Slot(slot))
            };
            let lanes = (0..3).map(lane).filter(alike).collect();
            let mut keep = decided(lanes, slot, &all, messages(proof));
            if let Keep::Decision { decision, .. } = &mut keep {
                let mut chosen = (0..8).map(|bit| new >> bit & 1 == 1);
                let new = decision.values.iter().filter(|value| {
                    let here = model.delivered(&value.id()).contains(lane(*to));
                    chosen.next().unwrap() && !here
                });
                decision.values = new.cloned().collect();
            }
            Some(keep)
        }
        Step::Stray { lane: to, slot } => Some(decision(*to, *slot, &batch(99, 1)))
            .filter(|_| model.next(lane(*to)) != Slot(*slot)),
        Step::Page {
            start,
            messages: numbers,
            batch: number,
        } => Some(Keep::Page {
            page: page(*start),
            messages: messages(numbers),
            batches: vec![batch(100 + number, 2)],
        }),
        Step::Settled(slot) => Some(Keep::Settled(Slot(*slot))),
        Step::Flush | Step::Commit | Step::Reopen => None,
    }
}

/// All that may be here, and one that never is.
fn batches() -> impl Iterator<Item = Arc<Batch>> {
    let decided = (0..VALUES).map(|n| batch(n, n % 4));
    let paged = (0..VALUES).map(|n| batch(100 + n, 2));
    decided.chain(paged).chain([batch(99, 1)])
}

/// The same is here, whether it is read or not.
fn assert_has(history: &File, model: &MemoryHistory<Said>) {
    for batch in batches() {
        let digest = batch.digest();
        let here = model.batch(&digest).is_some();
        assert_eq!(history.has_batch(&digest), here);
        assert_eq!(model.has_batch(&digest), here);
    }
    for start in (0..48).step_by(8) {
        let here = model.page(page(start)).is_some();
        assert_eq!(history.has_page(page(start)), here);
        assert_eq!(model.has_page(page(start)), here);
    }
    // One that begins where another does is another.
    assert!(!history.has_page(Page::of(Slot(0), 4)));
}

fn assert_same(history: &File, model: &MemoryHistory<Said>) {
    for batch in batches() {
        let digest = batch.digest();
        assert_eq!(history.batch(&digest), model.batch(&digest));
        for value in &*batch.values {
            let id = value.id();
            let to = model.delivered(&id);
            assert_eq!(history.delivered(&id), to);
            for at in (0..3).map(lane) {
                let slot = history.find(at, &id).unwrap();
                assert_eq!(slot.is_some(), to.contains(at));
                let Some(slot) = slot else { continue };
                let shown = history.decisions(at, slot, 1, 0).unwrap();
                assert!(shown[0].values.named().any(|named| named == (&id, value)));
            }
        }
    }
    for at in (0..3).map(lane) {
        let next = model.next(at);
        assert_eq!(history.next(at), next);
        let shown = history
            .decisions(at, Slot(0), usize::MAX, usize::MAX)
            .unwrap();
        assert_eq!(shown.len() as u64, next.0);
        for (slot, shown) in (0..=next.0)
            .map(Slot)
            .zip(shown.into_iter().map(Some).chain([None]))
        {
            let kept = model.decision(at, slot);
            assert_eq!(history.decision(at, slot), kept);
            assert_eq!(
                history.value(at, slot),
                kept.as_ref().map(|kept| kept.value)
            );
            let Some((kept, shown)) = kept.zip(shown) else {
                continue;
            };
            assert_eq!((shown.slot, shown.digest), (slot, kept.value));
        }
    }
    for start in (0..48).step_by(8) {
        assert_eq!(history.page(page(start)), model.page(page(start)));
    }
    assert_eq!(history.failed(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_history_in_memory(steps in proptest::collection::vec(step(), 1..80)) {
        let directory = TempDir::new().unwrap();
        let model = MemoryHistory::default();
        let mut history = open(&directory);
        for step in &steps {
            if let Some(keep) = kept(&model, step) {
                model.keep(keep.clone());
                history.keep(keep);
            }
            assert_has(&history, &model);
            match step {
                Step::Flush => {
                    model.flush();
                    history.flush();
                }
                Step::Commit => {
                    model.flush();
                    history.commit().unwrap();
                }
                Step::Reopen => {
                    model.crash();
                    drop(history);
                    history = open(&directory);
                }
                _ => continue,
            }
            assert_has(&history, &model);
            assert_same(&history, &model);
        }
        drop(history);
        model.crash();
        let summary = sound(&path(&directory));
        let next: Vec<_> = (0..3).map(|at| model.next(lane(at))).collect();
        prop_assert_eq!(summary.next, next);
        let history = open(&directory);
        assert_has(&history, &model);
        assert_same(&history, &model);
    }
}
