//! What the verdict rests on.

use super::super::state::{Look, Watch};
use super::{agreeing, decided, graph, status};
use serde_json::json;
use std::time::Duration;

const AT: Duration = Duration::from_secs(6);

#[test]
fn a_learner_far_behind_that_decides_differently_is_seen() {
    let mut watch = agreeing();
    for slot in 12..3000 {
        watch.take(0, AT, decided("alice", slot, &format!("value {slot}")));
    }
    assert_eq!(watch.verdict().1, Look::Good);
    watch.take(1, AT, decided("bob", 12, "something else"));
    assert!(watch.is_broken());
    let (words, _) = watch.verdict();
    assert!(words.contains("alice and bob differ in slot 12"), "{words}");
}

#[test]
fn without_a_slot_of_both_nothing_is_said_to_agree() {
    let mut watch = Watch::new(&["http://127.0.0.1:8001".to_owned()]);
    watch.take(0, AT, status("n1", json!({})));
    watch.take(0, AT, graph());
    let nothing = ("nothing to compare yet".to_owned(), Look::Unknown);
    assert_eq!(watch.verdict(), nothing);
    watch.take(0, AT, decided("alice", 7, "seven"));
    watch.take(0, AT, decided("bob", 6, "six"));
    assert_eq!(watch.verdict(), nothing);
    watch.take(0, AT, decided("bob", 7, "seven"));
    let words = "all learners agree in the slot compared, 7";
    assert_eq!(watch.verdict(), (words.to_owned(), Look::Good));
    watch.take(0, AT, decided("kiosk", 6, "six"));
    let words = "all learners agree in the slots compared, 6 to 7; not compared yet, since no slot is known here of \
                 both: alice with kiosk";
    assert_eq!(watch.verdict(), (words.to_owned(), Look::Unknown));
}

#[test]
fn what_nodes_saw_before_counts() {
    let mut watch = agreeing();
    let learners =
        json!({"alice": {"next": 12, "forks": 1}, "bob": {"next": 12}, "kiosk": {"next": 12}});
    watch.take(0, AT, status("n1", json!({"learners": learners})));
    assert!(watch.is_broken());
    let (words, _) = watch.verdict();
    let said = "VIOLATION: a node has seen alice decide twice in one slot, which is not allowed";
    assert!(words.starts_with(said), "{words}");
    // Two certificates, of slots that are not known here.
    let mut watch = agreeing();
    let apart = json!({"connected": {"alice": ["alice", "bob"], "bob": ["alice", "bob"], "kiosk": ["kiosk"]}});
    watch.take(0, AT, status("n1", apart));
    assert!(watch.is_broken());
    let (words, look) = watch.verdict();
    assert!(
        words.starts_with("VIOLATION: two certificates prove"),
        "{words}"
    );
    assert_eq!(look, Look::Broken);
    watch.take(0, AT, decided("kiosk", 11, "something else"));
    let (words, _) = watch.verdict();
    let why = "and no acceptor is caught yet, but two certificates prove that more of them lie than was assumed";
    assert!(words.contains(why), "{words}");
}
