//! Decisions in pages, from memory and from the disk.

use super::*;

#[tokio::test]
async fn decisions_come_in_pages() {
    let f = fixture("").await;
    for slot in 0..3 {
        f.decide(slot, format!("v{slot}").as_bytes());
    }
    f.decide(3, b"\x00");
    let (status, page) = answer(f.get("/v1/learners/alice/decisions?from=1&limit=2")).await;
    assert_eq!((status, &page["next"]), (200, &json!(3)));
    let slots: Vec<u64> = page["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["slot"].as_u64().unwrap())
        .collect();
    assert_eq!(slots, [1, 2]);
    let value = &page["decisions"][0]["values"][0];
    assert_eq!(
        (&value["text"], &value["base64"]),
        (&json!("v1"), &json!("djE="))
    );
    let (_, rest) = answer(f.get("/v1/learners/alice/decisions?from=3")).await;
    let value = &rest["decisions"][0]["values"][0];
    assert_eq!(
        (value.get("text"), &value["base64"]),
        (None, &json!("AA=="))
    );
    assert_eq!(rest["next"], 4);
    assert_eq!(answer(f.get("/v1/learners/bob/decisions")).await.0, 404);
    assert_eq!(
        answer(f.get("/v1/learners/alice/decisions?from=x")).await.0,
        400
    );
}

#[tokio::test]
async fn what_is_no_longer_in_memory_comes_from_the_history() {
    let config = testing::config("[limits]\ndecisions_kept = 16\n");
    // It was there when the node started.
    let old = (0..3).map(|slot| shown(slot, b"old"));
    let f = fixture_with(&config, testing::Books::of(old), 64).await;
    for slot in 3..23 {
        f.decide(slot, b"v");
    }
    let slots = |page: &Value| -> Vec<u64> {
        let decisions = page["decisions"].as_array().unwrap().iter();
        decisions.map(|d| d["slot"].as_u64().unwrap()).collect()
    };
    let (status, page) = answer(f.get("/v1/learners/alice/decisions?from=1")).await;
    assert_eq!((status, slots(&page)), (200, vec![1, 2]), "{page}");
    assert_eq!(page["decisions"][0]["values"][0]["text"], "old");
    assert_eq!(page["next"], 3);
    let (_, page) = answer(f.get("/v1/learners/alice/decisions?from=7&limit=2")).await;
    assert_eq!(slots(&page), [7, 8], "from memory");
}

#[tokio::test]
async fn a_history_shows_nothing_that_was_not_delivered() {
    let config = testing::config("");
    let mut books = testing::Books::of((0..3).map(|slot| shown(slot, b"old")));
    // It is kept already, and what led to it is not durable.
    books.shown.push(shown(3, b"early"));
    let early = books.shown[3].values.ids()[0];
    books.next = Some(3);
    let f = fixture_with(&config, books, 64).await;
    let (_, page) = answer(f.get("/v1/learners/alice/decisions?from=0")).await;
    assert_eq!(page["next"], 3, "{page}");
    let alice = LearnerId(0);
    let find = || f.view.find(alice, [(7, early)]).unwrap();
    assert_eq!(find(), []);
    f.decide(3, b"early");
    let found = find();
    assert_eq!((found[0].0, found[0].1.slot), (7, Slot(3)));
}
