//! Finding by digest.

use super::*;
use crate::history::index::{bucket, filter_of, hash_of};
use crate::history::rows::Delivered;
use fastbloom::DefaultHasher;

/// Filters are stored: whoever makes others needs a new version of the format.
#[test]
fn filters_are_as_they_always_were() {
    let hasher = DefaultHasher::seeded(&[7; 16]);
    let hashes = [0, 1, 255].map(|byte| hash_of(&hasher, &Digest([byte; 32])));
    let expected = [
        15_308_917_954_635_495_781,
        11_439_672_841_991_192_336,
        14_827_771_566_533_055_038,
    ];
    assert_eq!(hashes, expected);
    let mut filter = filter_of(vec![0; 4], &hasher).unwrap();
    filter.insert_hash(hashes[0]);
    filter.insert_hash(hashes[1]);
    let bits = [4402542837760, 144115188369461249, 1342243840, 5501854154752];
    assert_eq!(filter.as_slice(), bits);
}

#[test]
fn buckets_are_in_the_order_of_digests() {
    for buckets in [1, 2, 3, 1000, u32::MAX] {
        let mut digests: Vec<_> = (0..500u32).map(|n| Digest::of(&n.to_le_bytes())).collect();
        digests.extend([Digest([0; 32]), Digest([0xff; 32])]);
        digests.sort();
        let places: Vec<_> = digests.iter().map(|d| bucket(d, buckets)).collect();
        assert!(places.is_sorted());
        assert_eq!(places[0], 0);
        assert_eq!(places[501], buckets - 1);
    }
}

#[test]
fn the_first_delivery_to_a_learner_counts() {
    let mut delivered = Delivered::default();
    delivered.add(Slot(3), lanes(&[0, 2]));
    delivered.add(Slot(4), lanes(&[1, 2]));
    delivered.add(Slot(3), lanes(&[5]));
    assert_eq!(delivered.learners(), lanes(&[0, 1, 2, 5]));
    assert_eq!(delivered.slot(lane(2)), Some(Slot(3)));
    assert_eq!(delivered.slot(lane(1)), Some(Slot(4)));
    assert_eq!(delivered.slot(lane(9)), None);
    assert_eq!(delivered.0.len(), 2);
    delivered.remove(lanes(&[1]));
    delivered.remove(lanes(&[0]));
    assert_eq!(delivered.0, [(Slot(3), lanes(&[2, 5]))]);
}

#[test]
fn deliveries_of_one_value_are_found_wherever_they_are() {
    let directory = TempDir::new().unwrap();
    let history = open(path(&directory));
    // Lane 0 is far ahead: what it got is in other runs than what the others got.
    for slot in 0..200 {
        history.keep(decision(0, slot, &batch(slot, 2)));
        if slot % 10 == 0 {
            history.flush();
        }
    }
    history.commit().unwrap();
    for slot in 0..150 {
        history.keep(decision(1, slot, &batch(slot, 2)));
    }
    history.commit().unwrap();
    for slot in 0..100 {
        history.keep(decision(2, slot, &batch(slot, 2)));
    }
    let assert_found = |history: &File, last: u64| {
        for slot in 0..200 {
            let expected = 1 + usize::from(slot < 150) + usize::from(slot < last);
            for value in &*batch(slot, 2).values {
                assert_eq!(history.delivered(&value.id()).len(), expected);
                assert!(history.may_find(&value.id()));
                for to in 0..3 {
                    let found = history.find(lane(to), &value.id()).unwrap();
                    let here = slot < [200, 150, last][usize::from(to)];
                    assert_eq!(found, here.then_some(Slot(slot)));
                }
            }
        }
    };
    history.flush();
    assert_found(&history, 100);
    drop(history);
    let history = open(path(&directory));
    assert_found(&history, 100);
    drop(history);
    assert_eq!(check(&path(&directory)).delivered, 900);
}

#[test]
fn what_never_was_is_hardly_ever_looked_for_in_the_file() {
    let directory = history_of(300);
    // Every read of the file fails.
    let (history, control) = open_faulty(&path(&directory));
    control.fail(faulty::What::Read, 0, std::io::ErrorKind::Other);
    let mut maybe = 0;
    for number in 0..100 {
        for value in &*batch(1_000_000 + number, 2).values {
            assert!(history.delivered(&value.id()).is_empty());
            maybe += usize::from(history.may_find(&value.id()));
        }
        assert_eq!(history.batch(&batch(1_000_000 + number, 2).digest()), None);
    }
    assert_eq!(history.failed(), None);
    assert!(maybe < 10, "{maybe} of 200");
}

#[test]
fn a_filter_that_takes_one_for_another_adds_nothing() {
    let directory = history_of(300);
    let history = open(path(&directory));
    // So many that filters err about several of them.
    for number in 0..100_000u64 {
        let mut digest = Digest([0; 32]);
        digest.0[..8].copy_from_slice(&number.to_le_bytes());
        assert!(!history.has_batch(&digest), "{number}");
    }
    assert_eq!(history.failed(), None);
}
