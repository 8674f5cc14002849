//! Bitsets against the standard library's ordered sets, and their one encoding.

use learner_graph::{
    AcceptorId, AcceptorSet, IdSet, LearnerId, LearnerSet, MAX_ACCEPTORS, MAX_LEARNERS,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::value::{Error, SeqDeserializer};
use std::collections::BTreeSet;

fn ids() -> impl Strategy<Value = BTreeSet<u16>> {
    prop::collection::btree_set(0..MAX_ACCEPTORS as u16, 0..40)
}

fn set(ids: &BTreeSet<u16>) -> AcceptorSet {
    ids.iter().copied().map(AcceptorId).collect()
}

fn numbers(set: AcceptorSet) -> Vec<u16> {
    set.iter().map(|id| id.0).collect()
}

proptest! {
    #[test]
    fn operations(a in ids(), b in ids(), one in 0..MAX_ACCEPTORS as u16) {
        let (x, y) = (set(&a), set(&b));
        prop_assert_eq!(numbers(x), a.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(numbers(x | y), a.union(&b).copied().collect::<Vec<_>>());
        prop_assert_eq!(numbers(x & y), a.intersection(&b).copied().collect::<Vec<_>>());
        prop_assert_eq!(numbers(x - y), a.difference(&b).copied().collect::<Vec<_>>());
        prop_assert_eq!(x.len(), a.len());
        prop_assert_eq!(x.is_empty(), a.is_empty());
        prop_assert_eq!(x.common(&y), a.intersection(&b).count());
        prop_assert_eq!(x.intersects(&y), !a.is_disjoint(&b));
        prop_assert_eq!(x.is_subset(&y), a.is_subset(&b));
        prop_assert!((x & y).is_subset(&x));
        prop_assert_eq!(x == y, a == b);
        let (mut c, mut z) = (a.clone(), x);
        prop_assert_eq!(z.insert(AcceptorId(one)), c.insert(one));
        prop_assert_eq!(z, set(&c));
        prop_assert!(z.contains(AcceptorId(one)));
        prop_assert_eq!(z.remove(AcceptorId(one)), c.remove(&one));
        prop_assert_eq!(z, set(&c));
        prop_assert!(!z.contains(AcceptorId(one)));
    }

    #[test]
    fn one_encoding(words in prop::collection::vec(0u64..3, 0..10)) {
        let read = read::<8>(&words);
        let canonical = words.len() <= 8 && words.last() != Some(&0);
        prop_assert_eq!(read.is_ok(), canonical);
        if let Ok(set) = read {
            let written = toml::Value::try_from(set).expect("an array of numbers");
            let numbers = words.iter().map(|w| toml::Value::Integer(*w as i64)).collect();
            prop_assert_eq!(written, toml::Value::Array(numbers));
        }
    }
}

fn read<const W: usize>(words: &[u64]) -> Result<IdSet<AcceptorId, W>, Error> {
    IdSet::deserialize(SeqDeserializer::new(words.iter().copied()))
}

#[test]
fn first_ones() {
    for n in 0..=MAX_ACCEPTORS {
        let set = AcceptorSet::first(n);
        assert_eq!(numbers(set), (0..n as u16).collect::<Vec<_>>());
    }
    assert_eq!(AcceptorSet::first(MAX_ACCEPTORS + 1).len(), MAX_ACCEPTORS);
    assert_eq!(LearnerSet::first(MAX_LEARNERS).len(), MAX_LEARNERS);
}

#[test]
fn identities_beyond_the_capacity_are_never_members() {
    let mut set = LearnerSet::EMPTY;
    for id in [MAX_LEARNERS as u16, u16::MAX] {
        assert!(!set.insert(LearnerId(id)));
        assert!(!set.contains(LearnerId(id)));
        assert!(!set.remove(LearnerId(id)));
    }
    assert!(set.is_empty());
}

#[test]
fn identities_are_bare_numbers() {
    assert_eq!(
        toml::Value::try_from(AcceptorId(7)),
        Ok(toml::Value::Integer(7))
    );
    assert_eq!(toml::Value::Integer(9).try_into(), Ok(LearnerId(9)));
}
