//! What is shown of a network that agrees, one that does not, a liar and a node that is gone: the whole screen, held
//! against files. `REWRITE=1` writes them anew.

mod verdict;

use super::draw::{AMBER, LOUD, draw};
use super::state::{Look, News, Watch};
use super::text;
use super::view::{Pane, View};
use hpaxos_client::{Decision, Event, EvidenceList, Graph, Status, Value};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const GRAPH: &str = "learner graph 1\nacceptors a1 a2 a3 a4\nlearner alice 3(a1,a2,a3,a4)\nlearner bob 3(a1,a2,a3,a4)\n\
                     learner kiosk 2(a1,a2,a3)\nsafe alice,bob 3(a1,a2,a3,a4)\nsafe alice,bob,kiosk 1(3(a1,a2,a3))\n";

fn graph() -> News {
    let player = |n: u8| json!({"acceptor": format!("a{n}"), "node": format!("n{n}")});
    let graph: Graph = serde_json::from_value(json!({
        "network": "demo", "network_id": "6333103ca564be91", "learners": ["alice", "bob", "kiosk"],
        "acceptors": [player(1), player(2), player(3), player(4)], "proposers": ["n1", "n2"], "canonical": GRAPH,
    }))
    .expect("a graph");
    News::Graph(Box::new(graph))
}

fn status(node: &str, more: serde_json::Value) -> News {
    let all = ["alice", "bob", "kiosk"];
    let mut status = json!({
        "node": node, "mode": "hpaxos", "network": "demo", "network_id": "6333103ca564be91", "phase": "ready",
        "plays": all, "peers": {"connected": 3, "expected": 3, "by_name": {}},
        "ballot": 7, "leader": "n2", "waiting": 1, "patience_ms": {"alice": 1000, "bob": 2000},
        "given_up": {"times": 2, "last": {"ballot": 6, "next": 7, "reason": "patience", "words": "alice waited", "at_ms": 1}},
        "learners": {"alice": {"next": 12}, "bob": {"next": 12}, "kiosk": {"next": 11}},
        "connected": {"alice": all, "bob": all, "kiosk": all},
    });
    for (field, value) in more.as_object().cloned().unwrap_or_default() {
        status[field] = value;
    }
    let status: Status = serde_json::from_value(status).expect("a status");
    News::Status(Box::new(status))
}

fn decided(learner: &str, slot: u64, text: &str) -> News {
    let digest = crypto::Digest::of(text.as_bytes()).to_string();
    let value = Value {
        bytes: text.as_bytes().to_vec(),
        ..Value::default()
    };
    News::Event(Box::new(Event::Decision(Decision {
        learner: learner.to_owned(),
        slot,
        ballot: 7,
        digest,
        values: vec![value],
        latency_ms: Some(8 + slot),
        ..Decision::default()
    })))
}

const NODES: usize = 2;

/// Two nodes of a network that has decided some slots.
fn agreeing() -> Watch {
    let urls = [1, 2].map(|n| format!("http://127.0.0.1:800{n}"));
    let mut watch = Watch::new(&urls);
    for node in 0..NODES {
        let second = Duration::from_secs(1);
        watch.take(node, second, status(&format!("n{}", node + 1), json!({})));
        watch.take(node, second, graph());
    }
    for slot in 0..12 {
        let at = Duration::from_secs(3 + slot / 4);
        for learner in ["alice", "bob", "kiosk"] {
            if (learner, slot) == ("kiosk", 11) {
                continue;
            }
            for node in 0..NODES {
                watch.take(node, at, decided(learner, slot, &format!("value {slot}")));
            }
        }
    }
    watch.now = Duration::from_secs(6);
    watch
}

fn diverging() -> Watch {
    let mut watch = agreeing();
    watch.take(
        0,
        Duration::from_secs(6),
        decided("kiosk", 11, "something else"),
    );
    watch
}

fn with_liar() -> Watch {
    let mut watch = agreeing();
    let words =
        "acceptor a4 is not safe: it sent two 2av with different values in slot 0, ballot 1";
    let caught = json!({
        "caught": ["a4"], "refusals": {"bad_signature": 3},
        "connected": {"alice": ["alice", "bob"], "bob": ["alice", "bob"], "kiosk": ["kiosk"]},
    });
    let sides = json!([
        [{"says": "2av in slot 0, ballot 1", "value": "9b2751c3aa"}],
        [{"says": "2av in slot 0, ballot 1", "value": "02e6b4d1bb"}],
    ]);
    let evidence: EvidenceList = serde_json::from_value(json!({
        "node": "n1", "evidence": [{"digest": "2a", "acceptor": "a4", "words": words, "evidence": "AA==", "sides": sides}],
    }))
    .expect("evidence");
    let at = Duration::from_secs(6);
    watch.take(0, at, status("n1", caught));
    watch.take(0, at, News::Evidence(Box::new(evidence)));
    let event = Event::Evidence {
        acceptor: Some("a4".to_owned()),
        words: words.to_owned(),
    };
    for node in 0..NODES {
        watch.take(node, at, News::Event(Box::new(event.clone())));
    }
    let learners = vec!["alice".to_owned(), "kiosk".to_owned()];
    let event = Event::Disconnected { learners };
    watch.take(1, at, News::Event(Box::new(event)));
    watch
}

fn with_a_node_gone() -> Watch {
    let mut watch = agreeing();
    let gone = "cannot reach http://127.0.0.1:8002: connection refused\u{1b}[2J".to_owned();
    watch.take(1, Duration::from_secs(6), News::Gone(gone));
    watch
}

fn drawn(watch: &Watch, view: &mut View, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen");
    let drawn = terminal.draw(|frame| draw(frame, watch, view));
    drawn.expect("it can be drawn on").buffer.clone()
}

fn screen(watch: &Watch, pane: Pane) -> String {
    let mut view = View {
        pane,
        ..View::default()
    };
    let buffer = drawn(watch, &mut view, 80, 24);
    lines(&buffer)
}

fn lines(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width).map(|row| {
        let row: String = row.iter().map(|cell| cell.symbol()).collect();
        format!("{}\n", row.trim_end())
    });
    rows.collect()
}

#[track_caller]
fn same(name: &str, shown: &str) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/cli/watch/tests/{name}.txt"));
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(&path, shown).expect("it can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        shown,
        expected,
        "{}: REWRITE=1 writes it anew\n{shown}",
        path.display()
    );
}

#[test]
fn agreement() {
    let watch = agreeing();
    same("agreement", &screen(&watch, Pane::Learners));
    same("agreement-once", &text::text(&watch));
    assert!(!watch.is_broken());
}

#[test]
fn a_divergence_cannot_be_overlooked() {
    let watch = diverging();
    same("divergence", &screen(&watch, Pane::Learners));
    same("divergence-once", &text::text(&watch));
    let buffer = drawn(&watch, &mut View::default(), 80, 24);
    let loud = buffer
        .content
        .iter()
        .filter(|cell| cell.bg == LOUD.bg.unwrap_or_default());
    let loud: String = loud.map(|cell| cell.symbol()).collect();
    assert!(
        loud.starts_with("VIOLATION: alice and kiosk differ in slot 11, which is not allowed: "),
        "{loud}"
    );
    assert_eq!(
        loud.matches('!').count(),
        3,
        "every learner's decision of the slot is marked: {loud}"
    );
    assert!(watch.is_broken(), "the graph promises that they agree");
    // It is said in every pane.
    for pane in Pane::ALL {
        assert!(screen(&watch, pane).contains("VIOLATION: "));
    }
    let json = text::json(&watch);
    assert_eq!(json["broken"], true);
    assert_eq!(json["different"][0]["slot"], 11);
    assert_eq!(
        json["different"][0]["pairs"],
        json!([["alice", "kiosk"], ["bob", "kiosk"]])
    );
}

#[test]
fn what_the_graph_allows_is_amber_and_says_why() {
    let mut watch = diverging();
    assert!(watch.is_broken());
    let second = Duration::from_secs(6);
    watch.take(0, second, status("n1", json!({"caught": ["a2"]})));
    assert!(!watch.is_broken());
    let (words, look) = watch.verdict();
    assert_eq!(look, Look::Allowed);
    let why = "alice and kiosk differ in slot 11, which is allowed: alice and kiosk are to agree while all of a1, a2 and \
               a3 are safe, but a2 is not, and the others leave no such set; bob and kiosk differ";
    assert!(words.starts_with(why), "{words}");
    same("allowed", &screen(&watch, Pane::Learners));
    let buffer = drawn(&watch, &mut View::default(), 80, 24);
    let on = |style: ratatui::style::Style| {
        let cells = buffer
            .content
            .iter()
            .filter(|cell| Some(cell.bg) == style.bg);
        cells.map(|cell| cell.symbol()).collect::<String>()
    };
    assert_eq!(on(LOUD), "", "nothing is red");
    let digits = |text: &str| crypto::Digest::of(text.as_bytes()).to_string()[..2].to_owned();
    let of_slot = format!(" {0} {0} {1}", digits("value 11"), digits("something else"));
    assert!(on(AMBER).ends_with(&of_slot), "{}", on(AMBER));
    let once = text::text(&watch);
    assert!(
        once.contains("slot 11  different, which is allowed"),
        "{once}"
    );
}

/// Texts whose digests begin with the same two digits.
fn alike() -> (String, String) {
    let digest = |n: u32| crypto::Digest::of(n.to_string().as_bytes()).to_string();
    let other = (1..).find(|n| digest(*n)[..2] == digest(0)[..2]).unwrap();
    ("0".to_owned(), other.to_string())
}

#[test]
fn values_of_one_slot_are_told_apart_by_digits() {
    let mut watch = agreeing();
    let (ours, theirs) = alike();
    let second = Duration::from_secs(6);
    watch.take(0, second, decided("alice", 12, &ours));
    watch.take(0, second, decided("bob", 12, &theirs));
    let digits = |text: &str| {
        let digest = crypto::Digest::of(text.as_bytes()).to_string();
        watch.lanes.digits(12, &digest)
    };
    assert_ne!(digits(&ours), digits(&theirs));
    assert_eq!(digits(&ours).len(), 2);
    // Where there is nothing to tell apart they are the first.
    let digest = crypto::Digest::of(b"value 3").to_string();
    assert_eq!(watch.lanes.digits(3, &digest), digest[..2]);
}

#[test]
fn nodes_that_differ_about_one_learner_are_seen() {
    let mut watch = agreeing();
    watch.take(
        1,
        Duration::from_secs(6),
        decided("alice", 3, "something else"),
    );
    assert!(watch.is_broken());
    assert!(
        watch
            .verdict()
            .0
            .contains("nodes differ about alice in slot 3"),
        "{}",
        watch.verdict().0
    );
}

#[test]
fn a_caught_acceptor() {
    let watch = with_liar();
    same("caught", &screen(&watch, Pane::Learners));
    same("caught-evidence", &screen(&watch, Pane::Evidence));
    same("caught-events", &screen(&watch, Pane::Events));
    same("caught-once", &text::text(&watch));
    let edges = text::json(&watch)["edges"].clone();
    let states: Vec<_> = (0..3).map(|at| edges[at]["state"].clone()).collect();
    assert_eq!(states, ["weakened", "disconnected", "disconnected"]);
}

#[test]
fn a_node_that_is_gone() {
    let mut watch = with_a_node_gone();
    same("gone", &screen(&watch, Pane::Nodes));
    assert!(screen(&watch, Pane::Learners).contains("1 of 2 nodes ready"));
    watch.take(1, Duration::from_secs(8), status("n2", json!({})));
    let back = screen(&watch, Pane::Events);
    assert!(back.contains("n2       answers again"), "{back}");
    assert!(screen(&watch, Pane::Nodes).contains("2 of 2 nodes ready"));
}

#[test]
fn disks_are_shown_with_who_sees_them() {
    let mut watch = agreeing();
    let disks = json!({"mode": "disk-paxos", "disks": [
        {"name": "d1", "up": true, "operations": 7, "logged": 3, "mbal": 7},
        {"name": "d2", "up": false, "problem": "no such device"},
    ]});
    watch.take(0, Duration::from_secs(6), status("n1", disks));
    let shown = screen(&watch, Pane::Nodes);
    assert!(
        shown.contains("d1 as n1 sees it  up  mbal 7  logged 3  7 operations"),
        "{shown}"
    );
    assert!(
        shown.contains("d2 as n1 sees it  no such device"),
        "{shown}"
    );
}

#[test]
fn nothing_is_known_at_first() {
    let watch = Watch::new(&["http://127.0.0.1:8001".to_owned()]);
    for pane in Pane::ALL {
        assert!(screen(&watch, pane).contains("0 of 1 nodes ready"));
    }
    assert!(screen(&watch, Pane::Nodes).contains("asking"));
}

#[test]
fn every_size_can_be_drawn_on() {
    let watch = with_liar();
    for (width, height) in [(1, 1), (39, 24), (40, 12), (41, 13), (80, 24), (200, 60)] {
        for pane in Pane::ALL {
            let mut view = View {
                pane,
                down: usize::MAX,
                back: u64::MAX,
                help: true,
            };
            let _ = drawn(&watch, &mut view, width, height);
            if width >= 40 && pane == Pane::Learners {
                assert!(view.back < 100, "scrolled too far is scrolled back");
            }
        }
    }
    let large = drawn(&watch, &mut View::default(), 200, 60);
    assert!(lines(&large).contains("kiosk"));
}
