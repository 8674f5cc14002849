//! Values of many tasks that share requests.

use crate::stub::{FULL, LONG, Stub, asked};
use futures::FutureExt;
use futures::future::join_all;
use hpaxos_client::{Error, Gather, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use std::time::Duration;
use tokio::runtime::Handle;

/// One request at a time on its way to this node, which says so if it is busy.
async fn one(stub: &Stub) -> Gather {
    Gather::start(&stub.serve().await, "alice", LONG, 1)
}

/// The same, which asks a busy node again.
async fn patient(stub: &Stub) -> Gather {
    let node = stub.serve().await.retrying(LONG);
    Gather::start(&node, "alice", LONG, 1)
}

#[tokio::test]
async fn values_of_many_tasks_share_requests() {
    let stub = Stub::default();
    let gather = one(&stub).await;
    // Nobody has sent anything when the last of these has come.
    let tasks = ["a", "b", "c"].map(|value| gather.decide(value.into(), "k"));
    for fate in join_all(tasks).await {
        assert_eq!(fate.unwrap().unwrap().slot, 7);
    }
    assert_eq!(asked(&stub), ["k: a, k: b, k: c"]);
    // What does not fit beside others goes with the next request, and nothing is lost or told twice.
    let long = vec![b'x'; 700_000];
    let tasks = [1, 2, 3].map(|_| gather.decide(long.clone(), ""));
    let fates = join_all(tasks).await;
    assert!(fates.iter().all(|f| matches!(f, Ok(Some(_)))));
    assert_eq!(asked(&stub).len(), 4);
}

#[tokio::test]
async fn what_no_node_takes_is_refused_to_its_own_task_alone() {
    let stub = Stub::default();
    let gather = one(&stub).await;
    let key = "k".repeat(MAX_KEY_BYTES + 1);
    let (good, long, long_key, bad) = futures::join!(
        gather.decide(b"good".to_vec(), ""),
        gather.decide(vec![0; MAX_VALUE_BYTES + 1], ""),
        gather.decide(b"v".to_vec(), &key),
        gather.decide(b"v".to_vec(), " k"),
    );
    assert!(matches!(good, Ok(Some(_))));
    assert!(matches!(long, Err(Error::TooLarge { what: "value", .. })));
    assert!(matches!(long_key, Err(Error::TooLarge { .. })));
    assert!(matches!(bad, Err(Error::Key(_))));
    assert_eq!(asked(&stub), [": good"]);
}

/// A node has no room for a request, or for a value of it: to the task it is the same.
#[tokio::test]
async fn a_value_without_room_is_asked_again_only_if_that_is_wanted() {
    let some = r#"{"decided":[],"kept":[1],"full":[0]}"#;
    for (status, answer) in [(429, FULL), (202, some)] {
        let stub = Stub::default();
        stub.answer(status, &[("retry-after", "0")], answer);
        let gather = one(&stub).await;
        let fates = join_all(["a", "b"].map(|value| gather.decide(value.into(), ""))).await;
        assert!(matches!(fates[0], Err(Error::Busy { .. })), "{fates:?}");
        // The other has the room, or is refused like the first one.
        assert_eq!(fates[1].is_ok(), status == 202, "{fates:?}");

        let stub = Stub::default();
        stub.answer(status, &[("retry-after", "0")], answer);
        let gather = patient(&stub).await;
        let fates = join_all(["a", "b"].map(|value| gather.decide(value.into(), ""))).await;
        let decided = |fate: &Result<_, Error>| matches!(fate, Ok(Some(_)));
        assert!(fates.iter().all(decided), "{fates:?}");
    }
}

/// The node says to ask again in half a minute: that is for the values that it said so of.
#[tokio::test]
async fn a_value_that_pauses_keeps_no_request_from_others() {
    let stub = Stub::default();
    let gather = patient(&stub).await;
    stub.answer(429, &[("retry-after", "30")], FULL);
    let other = gather.clone();
    let pausing = tokio::spawn(async move { other.decide(b"a".to_vec(), "").await });
    while asked(&stub).is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(
        gather.decide(b"b".to_vec(), "").await,
        Ok(Some(_))
    ));
    assert_eq!(asked(&stub), [": a", ": b"]);
    pausing.abort();
}

#[tokio::test]
async fn what_is_kept_is_asked_again_until_its_time_is_over() {
    let stub = Stub::default();
    let kept = r#"{"decided":[],"kept":[0],"full":[]}"#;
    stub.answer(202, &[], kept);
    let decided = one(&stub).await.decide(b"a".to_vec(), "").await;
    assert!(matches!(decided, Ok(Some(_))));
    assert_eq!(asked(&stub), [": a", ": a"]);
    // However long it is waited for: no request is taken from the others for more than a second.
    assert_eq!(*stub.waits.lock().unwrap(), [1000, 1000]);

    stub.answer(202, &[], kept);
    let gather = Gather::start(&stub.serve().await, "alice", Duration::ZERO, 1);
    assert_eq!(gather.decide(b"b".to_vec(), "").await, Ok(None));
    assert_eq!(asked(&stub)[2..], [": b"]);
}

#[tokio::test]
async fn all_whose_request_fails_are_told_why() {
    let stub = Stub::default();
    let gather = one(&stub).await;
    stub.answer(202, &[], r#"{"decided":[],"kept":[],"full":[0]}"#);
    let fates = join_all(["a", "b"].map(|value| gather.decide(value.into(), ""))).await;
    let unreadable = |fate: &Result<_, Error>| matches!(fate, Err(Error::Unreadable { .. }));
    assert!(fates.iter().all(unreadable), "{fates:?}");
}

#[tokio::test]
async fn who_has_gone_away_submits_nothing_more() {
    let stub = Stub::default();
    let gather = one(&stub).await;
    for _ in 0..3 {
        let gone = gather.decide(b"gone".to_vec(), "");
        assert!(gone.now_or_never().is_none(), "it waits for its request");
    }
    assert!(matches!(
        gather.decide(b"last".to_vec(), "").await,
        Ok(Some(_))
    ));
    assert_eq!(asked(&stub), [": last"]);
}

#[tokio::test]
async fn the_requests_end_with_the_last_clone() {
    let node = Stub::default().serve().await;
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let gather = Gather::start(&node, "alice", LONG, 3);
    assert_eq!(tasks(), before + 3);
    let clone = gather.clone();
    drop(gather);
    assert!(clone.decide(b"v".to_vec(), "").await.is_ok());
    // Some of these are connections, which stay.
    let used = tasks();
    drop(clone);
    let over = async {
        while tasks() > used - 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, over).await.unwrap();
}
