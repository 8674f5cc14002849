//! `GET /v1/decisions/{learner}/{slot}/certificate`: the answer is a decision file.

use super::{Fixture, answer, fixture};
use crate::decision::Claim;
use crate::engine::{Certified, Event, Unproved};
use crate::testing::{batch, certificate, config};
use consensus::storage::StorageError;
use consensus::{Batch, Slot};
use learner_graph::LearnerId;
use std::sync::Arc;

const BOB: LearnerId = LearnerId(1);

/// An engine that knows bob's decision of slot 5, with or without its values.
fn knows(f: &mut Fixture, batch: Option<Arc<Batch>>, of: &Batch) {
    let events = f.events.take().unwrap();
    let certificate = certificate(&config(""), BOB, 5, of, &[2, 3]);
    std::thread::spawn(move || {
        for event in events {
            let Event::Certificate {
                learner,
                slot,
                answer,
            } = event
            else {
                panic!("not asked here: {event:?}");
            };
            let known = (learner, slot) == (BOB, Slot(5));
            let certified = known.then(|| Certified {
                certificate: certificate.clone(),
                batch: batch.clone(),
            });
            answer.send(Ok(certified)).unwrap();
        }
    });
}

#[tokio::test]
async fn what_is_served_can_be_verified_as_it_is() {
    let mut f = fixture("").await;
    let values = batch(&[b"v", b"\xff"]);
    knows(&mut f, Some(Arc::new(values.clone())), &values);
    // The node does not play bob, and has his certificates all the same.
    let response = f
        .get("/v1/decisions/bob/5/certificate")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let text = response.text().await.unwrap();
    let line = text.strip_suffix('\n').expect("a whole line");
    let proved = Claim::read(line).unwrap().verify(&config("")).unwrap();
    assert_eq!((proved.learner, proved.slot), (BOB, Slot(5)));
    assert_eq!(proved.digest, values.digest());
    let (status, _) = answer(f.get("/v1/decisions/bob/6/certificate")).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_decision_without_its_values_is_not_served_yet() {
    let mut f = fixture("").await;
    knows(&mut f, None, &batch(&[b"v"]));
    let (status, problem) = answer(f.get("/v1/decisions/bob/5/certificate")).await;
    assert_eq!(status, 503);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("values have not arrived"), "{detail}");
}

#[tokio::test]
async fn what_is_damaged_is_said_to_be_so() {
    let mut f = fixture("").await;
    let events = f.events.take().unwrap();
    std::thread::spawn(move || {
        for event in events {
            let Event::Certificate { answer, .. } = event else {
                panic!("not asked here: {event:?}");
            };
            let damage = StorageError("row 5 of table messages is missing".into());
            answer.send(Err(Unproved::Unreadable(damage))).unwrap();
        }
    });
    let (status, problem) = answer(f.get("/v1/decisions/bob/5/certificate")).await;
    assert_eq!(status, 500);
    assert_eq!(problem["type"], "urn:hpaxos:problem:unreadable");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("row 5 of table messages"), "{detail}");
}

#[tokio::test]
async fn whoever_asks_for_more_than_can_be_read_is_told_to_come_later() {
    let mut f = fixture("").await;
    let events = f.events.take().unwrap();
    std::thread::spawn(move || {
        for event in events {
            let Event::Certificate { answer, .. } = event else {
                panic!("not asked here: {event:?}");
            };
            answer.send(Err(Unproved::Full)).unwrap();
        }
    });
    let (status, problem) = answer(f.get("/v1/decisions/bob/5/certificate")).await;
    assert_eq!(status, 429);
    assert_eq!(problem["type"], "urn:hpaxos:problem:full");
}
