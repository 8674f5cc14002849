//! Submitting several values with one request.

use super::*;
use crate::http::many::EACH;
use crate::http::values::longest_receipt;
use crate::http::{KIB, SMALL};
use consensus::{MAX_BATCH_BYTES, MAX_BATCH_VALUES};
use std::sync::atomic::Ordering;

/// The body of a request with these values, without keys.
fn body<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    for value in values {
        body.push(0);
        body.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
        body.extend_from_slice(value);
    }
    body
}

/// Distinct values.
fn distinct(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| n.to_le_bytes().to_vec()).collect()
}

/// The slots of an answer, each with the places of its values.
fn places(told: &Value) -> Vec<(u64, Vec<u64>)> {
    let slots = told["decided"].as_array().unwrap().iter();
    let numbers = |list: &Value| {
        let list = list.as_array().unwrap().iter();
        list.map(|n| n.as_u64().unwrap()).collect()
    };
    slots
        .map(|slot| (slot["slot"].as_u64().unwrap(), numbers(&slot["values"])))
        .collect()
}

/// An engine that stores what does not begin with `full`, and decides the values that begin with `d` in slot 1: before
/// it answers, or after that. Returns what was submitted.
fn engine(f: &mut Fixture, before: bool) -> std::thread::JoinHandle<Vec<(usize, Vec<u8>)>> {
    f.view.set_ready();
    let (events, view) = (f.events.take().unwrap(), Arc::clone(&f.view));
    std::thread::spawn(move || {
        let Ok(Event::Submit { values, answer }) = events.recv_timeout(DEADLINE) else {
            panic!("nothing was submitted");
        };
        let submitted = values.iter().map(|(at, value)| (*at, value.bytes.clone()));
        let submitted: Vec<_> = submitted.collect();
        let decided = values.into_iter().map(|(_, value)| value);
        let decided = decided.filter(|value| value.bytes.starts_with(b"d"));
        let decided = decision(1, decided.collect());
        let decide = || view.decided(decided, Some(Time::from_millis(30)));
        let store = || {
            for (at, bytes) in &submitted {
                let fate = match bytes.starts_with(b"full") {
                    true => Submitted::Full,
                    false => Submitted::Accepted,
                };
                answer.send((*at, fate)).unwrap();
            }
        };
        if before {
            decide();
            store();
        } else {
            store();
            decide();
        }
        submitted
    })
}

#[tokio::test]
async fn the_fate_of_each_of_many_values_is_told_by_its_place() {
    let mut f = fixture("").await;
    f.decide(0, b"old");
    let engine = engine(&mut f, true);
    let values = [&b"d1"[..], b"full", b"old", b"kept", b"d2", b"d1"];
    let request = f.post("/many?wait=alice&timeout_ms=600000");
    let (status, told) = answer(request.body(body(values))).await;
    assert_eq!(places(&told), [(0, vec![2]), (1, vec![0, 4, 5])]);
    let certificate = &told["decided"][1]["certificate"];
    assert_eq!(certificate, "/v1/decisions/alice/1/certificate");
    assert_eq!(
        (status, &told["kept"], &told["full"]),
        (202, &json!([3]), &json!([1]))
    );
    let expected = [
        (0, &b"d1"[..]),
        (1, b"full"),
        (3, b"kept"),
        (4, b"d2"),
        (5, b"d1"),
    ];
    assert_eq!(
        engine.join().unwrap(),
        expected.map(|(n, value)| (n, value.to_vec()))
    );
}

/// Nobody waits for the slowest value: as soon as there is something to tell, it is told.
#[tokio::test]
async fn an_answer_comes_with_the_first_decision_or_refusal() {
    for (values, decided, full) in [
        ([&b"slow"[..], b"d"], vec![(1, vec![1])], json!([])),
        ([&b"slow"[..], b"full"], vec![], json!([1])),
    ] {
        let mut f = fixture("").await;
        let _engine = engine(&mut f, false);
        let request = f.post("/many?wait=alice&timeout_ms=600000");
        let (status, told) = answer(request.body(body(values))).await;
        assert_eq!((status, &told["kept"]), (202, &json!([0])), "{told}");
        assert_eq!((places(&told), &told["full"]), (decided, &full));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_values_of_a_slot_are_told_together() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, true);
    let values = distinct(MAX_BATCH_VALUES);
    let body = body(values.iter().map(Vec::as_slice));
    let (status, told) = answer(f.post("/many?wait=alice").body(body)).await;
    assert_eq!(status, 200, "{}", told["kept"]);
}

#[tokio::test]
async fn values_without_room_are_told_so_though_it_is_all_of_them() {
    let mut f = fixture("").await;
    f.engine(Submitted::Full, false);
    let (status, told) = answer(f.post("/many").body(body([&b"a"[..], b"b"]))).await;
    assert_eq!((status, &told["full"]), (202, &json!([0, 1])));
}

/// Tells that a request has been stored, and keeps the engine's queue open.
fn stored(f: &mut Fixture) -> tokio::task::JoinHandle<Receiver<Event>> {
    f.view.set_ready();
    let events = f.events.take().unwrap();
    tokio::task::spawn_blocking(move || {
        let Ok(Event::Submit { values, answer }) = events.recv_timeout(DEADLINE) else {
            panic!("nothing was submitted");
        };
        for (at, _) in values {
            answer.send((at, Submitted::Accepted)).unwrap();
        }
        events
    })
}

#[tokio::test]
async fn whoever_waits_for_many_is_answered_when_the_node_ends() {
    let mut f = fixture("").await;
    let stored = stored(&mut f);
    let request = f.post("/many?wait=alice&timeout_ms=600000");
    let waiting = tokio::spawn(answer(request.body(body([&b"a"[..], b"b"]))));
    let _events = stored.await.unwrap();
    f.stop.send_replace(true);
    let (status, told) = waiting.await.unwrap();
    assert_eq!((status, &told["kept"]), (202, &json!([0, 1])));
}

#[tokio::test]
async fn whoever_goes_away_is_no_longer_waited_for() {
    let mut f = fixture("").await;
    let stored = stored(&mut f);
    let request = f.post("/many?wait=alice&timeout_ms=600000");
    let waiting = tokio::spawn(request.body(body([&b"a"[..], b"b"])).send());
    let _events = stored.await.unwrap();
    let waited_for = || f.view.log(LearnerId(0)).unwrap().waited_for();
    assert_eq!(waited_for(), 2);
    waiting.abort();
    let over = async {
        while waited_for() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, over).await.unwrap();
}

#[tokio::test]
async fn values_that_memory_has_forgotten_are_looked_up() {
    let values = distinct(100);
    let value = |bytes: &Vec<u8>| ClientValue::new(Vec::new(), bytes.clone()).unwrap();
    let old = Shown {
        values: values.iter().map(value).collect(),
        ..shown(0, b"")
    };
    let books = testing::Books::of([old]);
    let f = fixture_with(&testing::config(""), books.clone(), 64).await;
    // Nobody takes anything out of the engine's queue.
    f.view.set_ready();
    let body = body(values.iter().map(Vec::as_slice));
    let (status, told) = answer(f.post("/many?wait=alice").body(body)).await;
    assert_eq!(
        (status, places(&told)),
        (200, vec![(0, (0..100).collect())])
    );
    assert_eq!(told["decided"][0]["latency_ms"], Value::Null);
    assert_eq!(books.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_too_large_or_no_value_is_refused_as_it_is_alone() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    let many = |body: Vec<u8>| answer(f.post("/many").body(body));
    let large = vec![0; MAX_VALUE_BYTES + 1];
    for (body, expected, words) in [
        (vec![0; MAX_BATCH_BYTES + 1], 413, "1052672 bytes"),
        (body([&b"v"[..], &large]), 413, "value 2: "),
        (body(vec![&b""[..]; MAX_BATCH_VALUES + 1]), 413, "4096"),
        (vec![0; 4], 400, "value 1 ends too early"),
        (Vec::new(), 400, "no value"),
    ] {
        let (status, problem) = many(body).await;
        assert_eq!(status, expected, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words));
    }
    let most = body(vec![&b""[..]; MAX_BATCH_VALUES]);
    assert_eq!(many(most).await.0, 202);
    assert_eq!(many(body([&large[1..]])).await.0, 202);
}

/// Short values take memory as well, and nothing is submitted of which the answer could not be given.
#[tokio::test]
async fn many_values_have_room_until_they_are_told() {
    let mut f = fixture("[limits]\nhttp_mib = 16\n").await;
    let stored = stored(&mut f);
    let values = distinct(MAX_BATCH_VALUES);
    let values = body(values.iter().map(Vec::as_slice));
    assert!(values.len() < SMALL, "{}", values.len());
    let request = |query: &str| f.post(&format!("/many{query}")).body(values.clone());
    let taken = |kib| f.api.memory.take_many(kib).unwrap();
    let rest = taken((16 << 10) - 5000);
    let (status, problem) = answer(request("?wait=alice")).await;
    assert_eq!(status, 429, "the answer may take more: {problem}");
    let more = taken(1000);
    assert_eq!(answer(request("")).await.0, 429);
    // Only now the engine hears of them.
    drop((rest, more));
    let waiting = tokio::spawn(answer(request("?wait=alice&timeout_ms=600000")));
    let _events = stored.await.unwrap();
    assert!(f.api.memory.taken() > 5000, "{}", f.api.memory.taken());
    f.stop.send_replace(true);
    assert_eq!(waiting.await.unwrap().0, 202);
    let over = async {
        while f.api.memory.taken() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, over).await.unwrap();
}

#[tokio::test]
async fn a_value_of_which_nothing_can_be_read_is_named() {
    let old = [shown(0, b"first"), shown(1, b"second")];
    let mut books = testing::Books::of(old);
    books.damaged = Some(1);
    let f = fixture_with(&testing::config(""), books, 64).await;
    f.view.set_ready();
    let body = body([&b"first"[..], b"second", b"first"]);
    let (status, problem) = answer(f.post("/many?wait=alice").body(body)).await;
    let words = "value 2: a row is damaged";
    assert_eq!((status, &problem["detail"]), (500, &json!(words)));
}

/// What has room already needs no other when it is told.
#[tokio::test]
async fn a_long_answer_has_the_room_that_was_taken_for_it() {
    let values = distinct(MAX_BATCH_VALUES);
    let old = (0..).zip(&values).map(|(slot, bytes)| shown(slot, bytes));
    let f = fixture_with(&testing::config(""), testing::Books::of(old), 64).await;
    f.view.set_ready();
    let most = MAX_BATCH_VALUES * (EACH + longest_receipt(&f.api, LearnerId(0)));
    let free = most.div_ceil(KIB);
    let _rest = f.api.memory.take_many((128 << 10) - free).unwrap();
    let body = body(values.iter().map(Vec::as_slice));
    let (status, told) = answer(f.post("/many?wait=alice").body(body)).await;
    assert_eq!((status, places(&told).len()), (200, values.len()), "{told}");
    let length = told.to_string().len();
    assert!(length > SMALL && length <= most, "{length}");
}
