use super::*;
use crate::testing;
use consensus::hpaxos::Scope;
use consensus::hpaxos::trace::{Action, Msg, Said, Vote};
use consensus::{Ballot, Page, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId};
use std::io::Write;

const ALICE: LearnerId = LearnerId(0);
const BOB: LearnerId = LearnerId(1);
const A2: AcceptorId = AcceptorId(1);

fn graph() -> LearnerGraph {
    testing::config("").network.graph().clone()
}

fn init(node: &str, network: &str) -> Line {
    Line::Init(Init {
        node: node.into(),
        network: network.into(),
        graph: testing::config("").graph_text,
        acc: Some("a2".into()),
        safe: None,
    })
}

fn vote(lr: LearnerId) -> Vote {
    Vote {
        lr,
        bal: Ballot(3),
        val: Digest::of(b"v"),
    }
}

/// One message of every kind.
fn messages() -> Vec<Msg> {
    let said = Said {
        slot: Slot(7),
        votes: vec![vote(ALICE), vote(BOB)],
        proposals: vec![vote(ALICE)],
    };
    vec![
        Msg::OneA {
            lr: BOB,
            bal: Ballot(3),
        },
        Msg::OneB {
            lr: ALICE,
            acc: A2,
            bal: Ballot(4),
            low_water: Slot(6),
            scope: Scope::ALL,
            slots: vec![said.clone()],
        },
        Msg::OneC(vote(ALICE), Slot(7)),
        Msg::TwoAv(A2, vote(BOB), Slot(7)),
        Msg::TwoB(A2, vote(BOB), Slot(7)),
        Msg::OneB {
            lr: ALICE,
            acc: A2,
            bal: Ballot(4),
            low_water: Slot(6),
            scope: Scope::AllBut(vec![Page::of(Slot(9), 3)]),
            slots: vec![said],
        },
    ]
}

/// One action of every kind, and of those that have messages one per kind of message.
fn actions() -> Vec<Action> {
    let mut actions = vec![
        Action::LearnerDecide {
            lr: BOB,
            bal: Ballot(3),
            slot: Slot(7),
            val: Digest::of(b"v"),
        },
        Action::Disconnect {
            acc: A2,
            pairs: vec![(ALICE, BOB)],
            caught: AcceptorSet::first(1),
            apart: vec![(BOB, BOB)],
        },
        Action::LearnerRecv(Msg::TwoB(A2, vote(ALICE), Slot(0))),
    ];
    for m in messages() {
        actions.push(Action::Send(m.clone()));
        actions.push(Action::FakeSend(m.clone()));
        actions.push(Action::Recv(A2, m));
    }
    actions
}

fn step(action: Action) -> Line {
    Line::Step {
        node: "n2".into(),
        action,
    }
}

#[test]
fn every_line_is_read_as_it_was_written() {
    let graph = graph();
    for line in actions().into_iter().map(step).chain([init("n2", "00")]) {
        let text = line.to_json(&graph);
        assert_eq!(Line::parse(&text, Some(&graph)), Ok(line), "{text}");
    }
}

/// The text is what `docs/trace.md` says.
#[test]
fn lines_have_the_documented_names() {
    let graph = graph();
    let val = Digest::of(b"v").to_string();
    let of = |at: usize| step(Action::Send(messages()[at].clone())).to_json(&graph);
    assert_eq!(
        of(0),
        r#"{"action":"Phase1a","node":"n2","lr":"bob","bal":3}"#
    );
    let expected = format!(
        r#"{{"action":"Phase2av","node":"n2","slot":7,"lr":"bob","acc":"a2","bal":3,"val":"{val}"}}"#
    );
    assert_eq!(of(3), expected);
    let recv = step(Action::Recv(A2, messages()[4].clone())).to_json(&graph);
    let expected = format!(
        r#"{{"action":"Recv","node":"n2","acc":"a2","m":{{"type":"2b","slot":7,"lr":"bob","acc":"a2","bal":3,"val":"{val}"}}}}"#
    );
    assert_eq!(recv, expected);
}

#[test]
fn the_page_names_every_action_and_field() {
    let page = include_str!("../../../docs/trace.md");
    let graph = graph();
    for line in actions().into_iter().map(step) {
        let json: serde_json::Value = serde_json::from_str(&line.to_json(&graph)).expect("JSON");
        let object = json.as_object().expect("an object");
        let action = json["action"].as_str().expect("a name");
        let row = page.split(&format!("{{\"action\":\"{action}\",")).nth(1);
        let row = row.and_then(|rest| rest.split('`').next());
        let row = row.unwrap_or_else(|| panic!("{action} is not documented"));
        let fields = object.keys().filter(|name| *name != "action");
        for field in fields {
            assert!(row.contains(&format!("\"{field}\"")), "{action}: {field}");
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let graph = graph();
    let good = step(actions()[0].clone()).to_json(&graph);
    let cases = [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "missing field `action`"),
        (r#"{"action":"Phase3"}"#, "unknown variant `Phase3`"),
        (&good.replace("\"bal\":3", "\"bal\":-3"), "invalid value"),
        (&good.replace("\"bal\":3,", ""), "missing field `bal`"),
        (
            &good.replace("\"bal\":3", "\"bal\":3,\"more\":1"),
            "unknown field `more`",
        ),
        (&good.replace("\"val\":\"", "\"val\":\"x"), "hex"),
        (&good.replace("bob", "eve"), "no learner 'eve'"),
    ];
    for (text, words) in cases {
        let wrong = Line::parse(text, Some(&graph)).expect_err(text).to_string();
        assert!(wrong.contains(words), "{text}: {wrong}");
        assert!(wrong.contains("; "), "how to mend it: {wrong}");
    }
    let wrong = Line::parse(&good, None).expect_err("no graph").to_string();
    assert!(wrong.contains("no Init line"), "{wrong}");
    let recv = step(Action::LearnerRecv(messages()[4].clone())).to_json(&graph);
    let other = recv.replacen("\"lr\":\"bob\"", "\"lr\":\"alice\"", 1);
    let wrong = Line::parse(&other, Some(&graph)).expect_err("not for alice");
    assert!(wrong.what.contains("'alice' receives"), "{wrong}");
    let later = init("n2", "00")
        .to_json(&graph)
        .replace("\"format\":1", "\"format\":2");
    let wrong = Line::parse(&later, None).expect_err("another format");
    assert!(wrong.what.contains("format is 2"), "{wrong}");
}

#[test]
fn a_line_is_named_by_file_and_number_and_a_torn_end_is_no_line() {
    let graph = graph();
    let text = format!(
        "{}\n{}\nnonsense\n",
        init("n2", "00").to_json(&graph),
        step(actions()[0].clone()).to_json(&graph)
    );
    let mut reader = Reader::new(text.as_bytes(), "t.ndjson");
    for number in [1, 2] {
        let line = reader.next_line().expect("a line").expect("not the end");
        assert_eq!(line.number, number);
    }
    let error = reader.next_line().expect_err("nonsense").to_string();
    assert!(error.starts_with("t.ndjson:3: "), "{error}");
    let torn = text.trim_end();
    let mut reader = Reader::new(torn.as_bytes(), "t.ndjson");
    let mut lines = std::iter::from_fn(|| reader.next_line().expect("a line"));
    assert_eq!(lines.by_ref().count(), 2);
    assert!(reader.is_torn());
}

fn written(path: &std::path::Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).expect("it is there");
    let mut reader = Reader::new(text.as_bytes(), "t");
    std::iter::from_fn(|| reader.next_line().expect("a line"))
        .map(|n| n.line)
        .collect()
}

#[test]
fn a_torn_end_is_cut_off_before_more_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("n2.ndjson");
    let graph = graph();
    let line = |i: usize| step(actions()[i].clone());
    Writer::open(&path)
        .and_then(|mut w| w.append([&init("n2", "00"), &line(0)], &graph))
        .expect("written");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("it is there");
    file.write_all(b"{\"action\":\"Pha").expect("written");
    Writer::open(&path)
        .and_then(|mut w| w.append([&line(1)], &graph))
        .expect("written");
    assert_eq!(written(&path), [init("n2", "00"), line(0), line(1)]);
}

/// A node that was killed after it had stored its 1a, and before the line was written, writes it when it
/// starts again, once.
#[test]
fn a_start_writes_what_is_stored_and_missing() {
    use crate::engine::Trace as _;
    use consensus::hpaxos::{Message, Record};
    let config = testing::config("");
    let node = config.node("n2").expect("n2");
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("n2.ndjson");
    let member = node.member.expect("a member");
    let signer = crypto::Signer::new(testing::keypair(2), member, config.network.id());
    let own = signer
        .sign(Message::OneA { ballot: Ballot(2) })
        .expect("small");
    let record = Record::Message(own.signed().clone());
    for _ in 0..3 {
        let mut tracer = Tracer::start(&path, &config, node).expect("a trace");
        tracer.restored(&record, &[]).expect("written");
    }
    let sent = |lr| {
        let bal = Ballot(2);
        let m = Msg::OneA { lr, bal };
        [step(Action::Send(m.clone())), step(Action::Recv(A2, m))]
    };
    let lines = written(&path);
    let steps: Vec<&Line> = lines
        .iter()
        .filter(|l| matches!(l, Line::Step { .. }))
        .collect();
    let expected = [sent(ALICE), sent(BOB)];
    assert_eq!(steps.len(), 4, "{steps:?}");
    for line in expected.iter().flatten() {
        assert!(steps.contains(&line), "{line:?}");
    }
    assert_eq!(lines.len(), 3 + 4);
    let other = config.node("n3").expect("n3");
    let refused = Tracer::start(&path, &config, other)
        .err()
        .expect("another node's");
    assert!(
        refused.to_string().contains("trace of node 'n2'"),
        "{refused}"
    );
}
