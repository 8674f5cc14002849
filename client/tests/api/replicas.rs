//! Replicas: what is applied, what callers get, and when they get nothing.

use crate::stub::Stub;
use hpaxos_client::{Error, Nodes, Replica, ReplicaError, StateMachine, Value};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

/// Remembers all values, and says how many there were before.
#[derive(Default)]
struct Tape(Vec<String>);

impl StateMachine for Tape {
    type Output = usize;

    fn apply(&mut self, value: &Value) -> usize {
        self.0.push(value.text().unwrap().to_owned());
        self.0.len() - 1
    }
}

async fn replica(stub: &Stub) -> Replica<Tape> {
    let nodes = Nodes::new([stub.serve().await]);
    Replica::start(&nodes, "alice", Tape::default())
}

#[tokio::test]
async fn a_value_is_applied_once_and_its_output_can_be_had_again() {
    let stub = Stub::default();
    let _stream = stub.stream();
    for text in ["a", "b", "c"] {
        let _ = stub.decide(text);
    }
    let replica = replica(&stub).await;
    // Waited for, or applied before: that is for chance to say, and makes no difference.
    assert_eq!(replica.execute(b"b", "", LONG, 0).await, Ok(1));
    replica.wait_until(3, LONG).await.unwrap();
    // Applied before for sure.
    assert_eq!(replica.execute(b"a", "", LONG, 0).await, Ok(0));
    let (tape, slot) = replica.read(|tape| tape.0.clone());
    assert_eq!((tape.concat().as_str(), slot), ("abc", 3));
}

#[tokio::test]
async fn a_value_that_is_decided_later_is_waited_for() {
    let stub = Stub::default();
    let stream = stub.stream();
    let replica = replica(&stub).await;
    let event = stub.decide("a");
    // The node has decided it and says so; the replica hears of it afterwards.
    let (output, sent) = tokio::join!(replica.execute(b"a", "", LONG, 0), async {
        stream.send(format!("data: {event}\n\n"))
    });
    sent.unwrap();
    assert_eq!(output, Ok(0));
}

#[tokio::test]
async fn what_is_not_decided_or_not_applied_in_time_is_said() {
    let stub = Stub::default();
    let _stream = stub.stream();
    let replica = replica(&stub).await;
    let undecided = replica
        .execute(b"a", "k", Duration::ZERO, 0)
        .await
        .unwrap_err();
    assert!(
        matches!(undecided, ReplicaError::Submit(Error::Undecided { .. })),
        "{undecided}"
    );
    let behind = replica.wait_until(1, Duration::ZERO).await.unwrap_err();
    let (slot, waited) = (0, Duration::ZERO);
    assert_eq!(behind, ReplicaError::Behind { slot, waited });
}

#[tokio::test]
async fn a_replica_that_cannot_go_on_says_why() {
    let stub = Stub::default();
    let _stream = stub.stream();
    stub.answer(404, &[], "{\"detail\": \"no learner\"}");
    let replica = replica(&stub).await;
    let stopped = replica.wait_until(1, LONG).await.unwrap_err();
    let ReplicaError::Stopped { applied: 0, why } = stopped else {
        panic!("{stopped}")
    };
    assert!(matches!(why, Error::Refused { .. }), "{why}");
}

/// Cannot apply a value.
struct Broken;

impl StateMachine for Broken {
    type Output = ();

    fn apply(&mut self, value: &Value) {
        panic!("{:?} is too much for it, as is meant here", value.text());
    }
}

#[tokio::test]
async fn a_replica_whose_machine_has_panicked_has_ended() {
    let stub = Stub::default();
    let _stream = stub.stream();
    let _ = stub.decide("a");
    let nodes = Nodes::new([stub.serve().await]);
    let replica = Replica::start(&nodes, "alice", Broken);
    let ended = replica.wait_until(1, LONG).await;
    assert_eq!(ended, Err(ReplicaError::Ended { applied: 0 }));
    let ended = replica.execute(b"a", "", LONG, 0).await;
    assert_eq!(ended, Err(ReplicaError::Ended { applied: 0 }));
}

#[tokio::test]
async fn a_machine_goes_on_where_it_was() {
    let stub = Stub::default();
    let _stream = stub.stream();
    for text in ["a", "b", "c"] {
        let _ = stub.decide(text);
    }
    let nodes = Nodes::new([stub.serve().await]);
    let before = Tape(vec!["a".to_owned()]);
    let replica = Replica::resume(&nodes, "alice", before, 1);
    replica.wait_until(3, LONG).await.unwrap();
    assert_eq!(replica.read(|tape| tape.0.concat()).0, "abc");
}
