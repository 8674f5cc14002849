//! Bounds of what waits, and what is told of it.

use super::*;
use crate::history::MemoryHistory;

type Out = Output<(), (), (), ()>;

/// Room for `values` values or `bytes` bytes of this node's own clients.
fn waiting(values: usize, bytes: usize) -> Waiting {
    let history = Arc::new(MemoryHistory::<()>::default());
    Waiting::new(Load { values, bytes }, Duration::from_secs(1), history)
}

/// A value that takes so many bytes.
fn value(n: u8, bytes: usize) -> ClientValue {
    ClientValue::new(vec![n], vec![n; bytes - 17]).expect("within the bounds")
}

/// Whether a submission is accepted.
fn submit(waiting: &mut Waiting, value: &ClientValue) -> bool {
    let mut out: Vec<Out> = Vec::new();
    waiting.submit(value.clone(), Time::ZERO, &mut out);
    matches!(out.last(), Some(Output::Accepted(_)))
}

fn deliver(waiting: &mut Waiting, value: &ClientValue) {
    let batch = Named::of_values([(value.id(), value.clone())].into_iter());
    waiting.deliver_batch(&batch, LearnerSet::just(LearnerId(0)), Time::ZERO);
}

#[test]
fn own_values_are_bounded_in_bytes() {
    let mut waiting = waiting(100, 1000);
    assert!(submit(&mut waiting, &value(1, 600)));
    assert!(!submit(&mut waiting, &value(2, 401)), "one byte too many");
    assert!(submit(&mut waiting, &value(3, 400)), "it just fits");
    assert!(submit(&mut waiting, &value(1, 600)), "known already");
    deliver(&mut waiting, &value(1, 600));
    assert!(submit(&mut waiting, &value(2, 401)), "there is room again");
}

#[test]
fn values_of_peers_are_bounded_in_bytes() {
    let mut waiting = waiting(100, 1000);
    for n in 0..4 {
        assert!(waiting.heard(value(n, 1000), Time::ZERO));
    }
    assert!(
        !waiting.heard(value(9, 17), Time::ZERO),
        "four times as much"
    );
    assert_eq!(waiting.len(), 4);
    // What others fill leaves the clients of this node their own room, and what is theirs counts once.
    assert!(submit(&mut waiting, &value(0, 1000)));
    assert!(!submit(&mut waiting, &value(9, 17)));
    deliver(&mut waiting, &value(3, 1000));
    assert!(waiting.heard(value(9, 17), Time::ZERO));
}

#[test]
fn what_waits_again_counts_again() {
    let mut waiting = waiting(1, 1000);
    let own = value(1, 100);
    assert!(submit(&mut waiting, &own));
    deliver(&mut waiting, &own);
    assert!((waiting.own, waiting.queue.load()) == (Load::default(), Load::default()));
    assert!(waiting.missed(own.id(), &own, LearnerId(1), Time::ZERO));
    assert!(!waiting.missed(own.id(), &own, LearnerId(1), Time::ZERO));
    let one = Load::of(&own);
    assert_eq!((waiting.own, waiting.queue.load()), (one, one));
    assert!(!submit(&mut waiting, &value(2, 100)));
    waiting.deliver(own.id(), LearnerSet::just(LearnerId(1)), Time::ZERO);
    assert_eq!((waiting.own, waiting.queue.load()), Default::default());
    assert!(submit(&mut waiting, &value(2, 100)));
}

#[test]
fn learners_to_which_other_values_are_new_are_not_alike() {
    let mut waiting = waiting(10, 1000);
    let values = [value(1, 100), value(2, 100)];
    let named =
        |values: &[ClientValue]| Named::of_values(values.iter().map(|v| (v.id(), v.clone())));
    let set = |ids: &[u16]| -> LearnerSet { ids.iter().copied().map(LearnerId).collect() };
    let all = set(&[0, 1, 2, 3]);
    waiting.deliver_batch(&named(&values[..1]), set(&[1, 2]), Time::ZERO);
    waiting.deliver_batch(&named(&values[1..]), set(&[2]), Time::ZERO);
    let both = named(&values);
    assert_eq!(waiting.alike(&both, all), set(&[0, 3]));
    assert_eq!(waiting.alike(&both, set(&[1, 2, 3])), set(&[1]));
    assert_eq!(waiting.alike(&both, set(&[2, 3])), set(&[2]));
    assert_eq!(waiting.alike(&both, set(&[])), set(&[]));
    let (new, _) = waiting.deliver_batch(&both, set(&[0, 3]), Time::ZERO);
    assert_eq!(new.len(), 2);
    let (new, _) = waiting.deliver_batch(&both, set(&[1]), Time::ZERO);
    assert_eq!(new.to_vec(), values[1..]);
}
