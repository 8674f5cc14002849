use super::*;

const ALICE: Learner = 0;
const BOB: Learner = 1;

fn report(node: Node, learner: Learner, slot: u64, ballot: u64, text: &str) -> Report {
    let item = Item {
        key: String::new(),
        bytes: text.as_bytes().to_vec(),
    };
    Report {
        node,
        learner,
        slot,
        batch: Batch {
            ballot,
            digest: Arc::from(""),
            items: Arc::from([item]),
        },
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn equal_reports_agree_whatever_the_ballot() {
    let mut observer = Observer::new(2, 2);
    for (ballot, (node, learner)) in [(0, ALICE), (1, ALICE), (0, BOB), (1, BOB)]
        .into_iter()
        .enumerate()
    {
        let folded = observer.fold(report(node, learner, 7, ballot as u64, "v"), ms(1));
        assert_eq!(
            folded,
            Folded {
                new: true,
                divergences: vec![]
            }
        );
    }
    assert!(observer.diverged().is_empty());
}

#[test]
fn repeats_change_nothing() {
    let mut observer = Observer::new(1, 1);
    assert!(observer.fold(report(0, ALICE, 0, 1, "v"), ms(3)).new);
    assert_eq!(
        observer.fold(report(0, ALICE, 0, 1, "v"), ms(9)),
        Folded::default()
    );
    assert_eq!(observer.decided_slots(ALICE, 0), 1);
    assert_eq!(
        (observer.next_slot(ALICE, 0), observer.next_slot(ALICE, 7)),
        (1, 0)
    );
    assert_eq!(observer.reported_by(ALICE, 0), (1, Some(ms(3))));
}

#[test]
fn learners_that_differ_are_found_once_per_slot() {
    let mut observer = Observer::new(2, 2);
    observer.fold(report(0, ALICE, 0, 1, "v"), ms(1));
    let folded = observer.fold(report(0, BOB, 0, 1, "w"), ms(1));
    assert_eq!(folded.divergences.len(), 1);
    assert_eq!(folded.divergences[0].first, report(0, ALICE, 0, 1, "v"));
    assert_eq!(folded.divergences[0].second, report(0, BOB, 0, 1, "w"));
    assert!(
        observer
            .fold(report(1, BOB, 0, 1, "w"), ms(1))
            .divergences
            .is_empty()
    );
    assert!(
        observer
            .fold(report(1, ALICE, 0, 1, "v"), ms(1))
            .divergences
            .is_empty()
    );
    observer.fold(report(1, ALICE, 5, 1, "v"), ms(1));
    assert_eq!(
        observer
            .fold(report(1, BOB, 5, 1, "w"), ms(1))
            .divergences
            .len(),
        1
    );
    let diverged = &observer.diverged()[&(ALICE, BOB)];
    assert_eq!(diverged.slots, BTreeSet::from([0, 5]));
    assert_eq!(observer.diverged().len(), 1);
}

#[test]
fn nodes_that_differ_about_one_learner_are_found() {
    let mut observer = Observer::new(3, 1);
    observer.fold(report(0, ALICE, 2, 1, "v"), ms(1));
    observer.fold(report(1, ALICE, 2, 1, "v"), ms(1));
    let folded = observer.fold(report(2, ALICE, 2, 1, "w"), ms(1));
    assert_eq!(folded.divergences.len(), 1);
    assert_eq!(folded.divergences[0].pair(), (ALICE, ALICE));
    assert!(observer.diverged().contains_key(&(ALICE, ALICE)));
}

#[test]
fn a_node_that_changes_its_mind_is_found() {
    let mut observer = Observer::new(1, 1);
    observer.fold(report(0, ALICE, 2, 1, "v"), ms(1));
    let folded = observer.fold(report(0, ALICE, 2, 3, "w"), ms(2));
    assert!(!folded.new);
    assert_eq!(folded.divergences.len(), 1);
    assert_eq!(
        observer.decided_slots(ALICE, 0),
        1,
        "the log keeps what came first"
    );
}

#[test]
fn one_report_can_contradict_several_learners() {
    let mut observer = Observer::new(2, 3);
    observer.fold(report(0, ALICE, 0, 1, "v"), ms(1));
    observer.fold(report(1, ALICE, 0, 1, "v"), ms(1));
    observer.fold(report(0, BOB, 0, 1, "v"), ms(1));
    let pairs: Vec<_> = observer
        .fold(report(0, 2, 0, 1, "w"), ms(1))
        .divergences
        .iter()
        .map(Divergence::pair)
        .collect();
    assert_eq!(pairs, [(ALICE, 2), (BOB, 2)]);
}

#[test]
fn items_are_compared_with_key_and_order() {
    let items = |list: &[(&str, &str)]| -> Arc<[Item]> {
        let item = |(key, text): &(&str, &str)| Item {
            key: (*key).to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        list.iter().map(item).collect()
    };
    let differs = |a: Arc<[Item]>, b: Arc<[Item]>| {
        let mut observer = Observer::new(1, 2);
        let batch = |items| Batch {
            ballot: 1,
            digest: Arc::from(""),
            items,
        };
        observer.fold(
            Report {
                node: 0,
                learner: 0,
                slot: 0,
                batch: batch(a),
            },
            ms(0),
        );
        let second = Report {
            node: 0,
            learner: 1,
            slot: 0,
            batch: batch(b),
        };
        !observer.fold(second, ms(0)).divergences.is_empty()
    };
    assert!(!differs(
        items(&[("k", "v"), ("l", "w")]),
        items(&[("k", "v"), ("l", "w")])
    ));
    assert!(differs(
        items(&[("k", "v"), ("l", "w")]),
        items(&[("l", "w"), ("k", "v")])
    ));
    assert!(differs(items(&[("k", "v")]), items(&[("l", "v")])));
    assert!(differs(items(&[("k", "v")]), items(&[])));
}

#[test]
fn batches_are_compared_by_their_digests() {
    let mut observer = Observer::new(1, 2);
    let mut fold = |learner, slot, digest: &str, text: Option<&str>| {
        let mut report = report(0, learner, slot, 1, text.unwrap_or_default());
        report.batch.digest = digest.into();
        if text.is_none() {
            report.batch.items = Arc::from([]);
        }
        observer.fold(report, ms(0)).divergences.len()
    };
    assert_eq!(
        (fold(ALICE, 0, "aa", Some("v")), fold(BOB, 0, "aa", None)),
        (0, 0),
        "bob had decided v before"
    );
    assert_eq!(
        (fold(ALICE, 1, "aa", None), fold(BOB, 1, "bb", None)),
        (0, 1),
        "nothing in either is new"
    );
}

#[test]
fn strangers_are_ignored() {
    let mut observer = Observer::new(1, 1);
    assert_eq!(
        observer.fold(report(1, 0, 0, 1, "v"), ms(0)),
        Folded::default()
    );
    assert_eq!(
        observer.fold(report(0, 1, 0, 1, "v"), ms(0)),
        Folded::default()
    );
    assert_eq!(observer.reported_by(0, 0), (0, None));
}

#[test]
fn memory_is_bounded_and_forgotten_slots_stay_counted() {
    let mut observer = Observer::new(1, 1);
    let total = SLOTS_KEPT as u64 + 10;
    for slot in 0..total {
        assert!(observer.fold(report(0, 0, slot, 1, "v"), ms(0)).new);
    }
    assert_eq!(observer.slots.len(), SLOTS_KEPT);
    assert_eq!(observer.decided_slots(0, 0), total);
    assert_eq!(
        observer.fold(report(0, 0, 3, 1, "w"), ms(0)),
        Folded::default()
    );
}
