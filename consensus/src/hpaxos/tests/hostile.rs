//! What a single member can try against the others, in ways that break no form.

use super::puppet::{Puppets, batch, one_b};
use super::{FOUR, entry, learner, value};
use crate::history::MemoryHistory;
use crate::hpaxos::{HPaxos, Input, Message, Output, SlotVotes, Votes};
use crate::{Ballot, ClientValue, Slot};
use crypto::{Digest, MemberId};
use learner_graph::LearnerSet;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The kiosk decides by a4 alone and has agreement with nobody.
const KIOSK: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]
[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
[learners]
alice = "any3"
kiosk = "a4"
[[safe]]
between = ["alice"]
when = "any3"
"#;

const ALICE: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]
[learners]
alice = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
[[safe]]
between = ["alice"]
when = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
"#;

/// Carol believes in a4, which may lie.
const DUPED: &str = r#"
acceptors = ["a1", "a2", "a3", "a4"]
[define]
any3 = { threshold = 3, of = ["a1", "a2", "a3", "a4"] }
[learners]
alice = "any3"
carol = { threshold = 4, of = ["a1", "a2", "a3", "a4"] }
[[safe]]
between = ["alice"]
when = "any3"
[[safe]]
between = ["carol"]
when = "a4"
"#;

fn val(text: &str) -> ClientValue {
    ClientValue::new(vec![], text.as_bytes().to_vec()).expect("small")
}

fn said_1c(p: &Puppets) -> usize {
    p.said
        .iter()
        .filter(|m| matches!(m, Message::OneC(_)))
        .count()
}

#[test]
fn one_slot_number_in_a_1b_costs_a_leader_little() {
    let mut p = Puppets::new(FOUR, 1);
    let everyone = p.network.graph().learners();
    for i in [0, 2, 3] {
        p.hear(i, Message::Wish { ballot: Ballot(2) });
    }
    for i in [0, 2] {
        p.hear(i, one_b(2, 0, vec![]));
    }
    let far = vec![(1 << 40, vec![], vec![entry(1, "x", everyone)])];
    p.hear(3, one_b(2, 0, far));
    p.wait(Duration::from_millis(20));
    assert_eq!(said_1c(&p), 1, "the leader goes on");
}

/// The values that a2 announces in slot 0 in its first turns, when a4 claims to have voted for a value that
/// does not exist.
fn announced_beside_an_invention(graph: &str) -> Vec<Digest> {
    let mut p = Puppets::new(graph, 1);
    let everyone = p.network.graph().learners();
    let invention = entry(1, "invention", everyone);
    p.give(vec![Input::Submit(val("mine"))]);
    for ballot in [2, 6] {
        for i in [0, 2, 3] {
            let ballot = Ballot(ballot);
            p.hear(i, Message::Wish { ballot });
        }
        for i in [0, 2] {
            p.hear(i, one_b(ballot, 0, vec![]));
        }
        let shown = vec![(0, vec![invention.clone()], vec![invention.clone()])];
        p.hear(3, one_b(ballot, 0, shown));
        p.wait(Duration::from_millis(20));
    }
    let one_cs = p.said.iter().filter_map(|m| match m {
        Message::OneC(c) => Some(&c.proposals),
        _ => None,
    });
    let first = one_cs.filter_map(|proposals| proposals.first());
    first
        .filter(|q| q.slot == Slot(0))
        .map(|q| q.value)
        .collect()
}

#[test]
fn an_invention_for_a_learner_that_needs_the_liar_holds_nobody_else_up() {
    // Carol wants all four; for alice and bob any value is safe without a4.
    let (_, mine) = batch("mine");
    assert_eq!(announced_beside_an_invention(FOUR), [mine, mine]);
}

#[test]
fn an_invention_for_a_learner_that_trusts_the_liar_holds_nobody_else_up_for_ever() {
    let (_, mine) = batch("mine");
    let announced = announced_beside_an_invention(DUPED);
    assert_eq!(announced, [mine, value("invention")], "they take turns");
}

#[test]
fn repeating_oneself_fills_no_disk() {
    let mut p = Puppets::new(FOUR, 3);
    p.others_join(1, &[0, 1]);
    let mut grows_by = |what: &str, most: usize, act: &mut dyn FnMut(&mut Puppets, u64)| {
        let before = p.stored.len();
        (0..100).for_each(|i| act(&mut p, i));
        let grown = p.stored.len() - before;
        assert!(grown <= most, "{what}: {grown} records");
    };
    grows_by("different 1b of one ballot", 3, &mut |p, i| {
        p.hear(2, one_b(1, i, vec![]))
    });
    grows_by("different 1c of one slot", 3, &mut |p, i| {
        p.announce(1, 0, value(&i.to_string()))
    });
    grows_by("the same clashing 1c", 0, &mut |p, _| {
        p.announce(1, 0, value("7"))
    });
    grows_by("1a of many ballots", 20, &mut |p, i| {
        p.start(1 + 4 * (i % 9))
    });
    grows_by("the same old 1a", 1, &mut |p, _| p.start(1));
    grows_by("1b of many ballots", 66, &mut |p, i| {
        p.hear(1, one_b(1 + i % 33, 0, vec![]))
    });
    grows_by("the same old 1b", 1, &mut |p, _| {
        p.hear(1, one_b(1, 0, vec![]))
    });
}

#[test]
fn a_proposer_that_announces_in_every_ballot_fills_no_memory() {
    let mut p = Puppets::new(FOUR, 3);
    p.others_join(1, &[0, 1]);
    let its = || (1..=33).step_by(4);
    p.announce(2, 0, value("another proposer's"));
    its().for_each(|ballot| p.announce(ballot, 0, value("x")));
    let before = p.stored.len();
    its().take(1).for_each(|ballot| {
        p.announce(ballot, 0, value("x"));
        p.announce(ballot, 0, value("y"));
    });
    assert_eq!(p.stored.len(), before, "the lowest is not taken in again");
    let slot = p.engine.received.slot(Slot(0)).expect("announced in");
    let kept = slot.messages().filter(|m| matches!(***m, Message::OneC(_)));
    let kept: BTreeSet<u64> = kept.map(|m| m.ballot().0).collect();
    let expected = its().skip(1).chain([2]);
    assert_eq!(kept, expected.collect());
}

#[test]
fn what_others_spread_shuts_no_client_out() {
    let mut p = Puppets::new(FOUR, 3);
    for i in 0..20 {
        p.give(vec![Input::Value(val(&format!("junk {i}")))]);
    }
    p.give(vec![Input::Submit(val("mine"))]);
    assert!(
        p.outputs
            .iter()
            .any(|o| matches!(o, Output::Accepted(id) if *id == val("mine").id()))
    );
}

#[test]
fn a_node_far_behind_comes_back() {
    // The others are in ballot 1000, and have decided slot 0 there.
    let mut a = Puppets::new(FOUR, 0);
    let everyone = a.network.graph().learners();
    for i in [1, 2] {
        a.hear(
            i,
            Message::Wish {
                ballot: Ballot(1000),
            },
        );
    }
    a.start(1000);
    for i in [1, 2] {
        a.hear(i, one_b(1000, 0, vec![]));
    }
    let (bytes, digest) = batch("x");
    a.give(vec![Input::Batch(bytes.clone())]);
    a.announce(1000, 0, digest);
    for i in [1, 2] {
        a.two_av(i, 1000, 0, digest, everyone);
    }
    for i in [1, 2] {
        a.two_b(i, 1000, 0, digest, everyone);
    }
    let mut late = Puppets::new(FOUR, 3);
    for _ in 0..5 {
        let answer = a.engine.answer(&late.engine.sync_request(), 1 << 20);
        let open = |m: crypto::Signed<Message>| m.verify(a.network.keyring()).expect("genuine");
        late.give(
            answer
                .messages
                .into_iter()
                .map(open)
                .map(Input::Message)
                .collect(),
        );
        late.wait(Duration::from_millis(100));
        late.all_alive();
    }
    let status = late.engine.status();
    assert_eq!(
        (status.max_bal, status.next[0]),
        (Ballot(1000), Slot(1)),
        "{status:?}"
    );
}

#[test]
fn a_leader_that_learns_late_goes_on_behind_what_was_decided() {
    let mut p = Puppets::new(ALICE, 1);
    let everyone = p.network.graph().learners();
    for i in [0, 2, 3] {
        p.hear(i, Message::Wish { ballot: Ballot(2) });
    }
    // The others have settled slot 0 in ballot 1; the leader learns of it afterwards.
    for i in [0, 2, 3] {
        p.hear(i, one_b(2, 1, vec![]));
    }
    p.wait(Duration::from_millis(20));
    let (bytes, digest) = batch("old");
    p.give(vec![Input::Batch(bytes)]);
    for i in [0, 2, 3] {
        p.two_b(i, 1, 0, digest, everyone);
    }
    p.give(vec![Input::Submit(val("mine"))]);
    assert_eq!(said_1c(&p), 1);
}

#[test]
fn rule_9_holds_after_a_change_of_ballot() {
    let mut p = Puppets::new(FOUR, 3);
    let everyone = p.network.graph().learners();
    let (bytes, digest) = batch("x");
    p.others_join(1, &[0, 1, 2]);
    p.give(vec![Input::Batch(bytes)]);
    p.announce(1, 0, digest);
    for i in [0, 1] {
        p.two_av(i, 1, 0, digest, everyone);
    }
    let first = |m: &Message| matches!(m, Message::OneB(b) if b.ballot == Ballot(1));
    let handed_out = |p: &Puppets| p.hands_out().into_iter().filter(first).count();
    assert_eq!(handed_out(&p), 4);
    for i in [0, 2] {
        p.hear(i, Message::Wish { ballot: Ballot(2) });
    }
    p.start(2);
    assert_eq!((p.engine.status().max_bal, handed_out(&p)), (Ballot(2), 4));
}

#[test]
fn a_wish_alone_never_leads_to_the_last_ballot() {
    // A node that has just started and has heard of a4 only.
    let mut p = Puppets::new(KIOSK, 0);
    p.engine = HPaxos::new(
        Arc::clone(&p.network),
        super::puppet::config(&p.network, 0),
        Arc::new(MemoryHistory::default()),
    );
    p.give(vec![Input::Alive(MemberId(3))]);
    let last = u64::MAX / 4 * 4;
    assert_eq!(p.network.owner(Ballot(last)), Some(MemberId(3)));
    p.hear(
        3,
        Message::Wish {
            ballot: Ballot(last),
        },
    );
    p.hear(
        3,
        Message::OneA {
            ballot: Ballot(last),
        },
    );
    assert!(p.engine.status().max_bal <= Ballot::FIRST);
}

#[test]
fn a_member_that_is_a_quorum_alone_leads_nobody_on() {
    let mut p = Puppets::new(KIOSK, 0);
    for i in [1, 2, 3] {
        p.hear(i, one_b(1, 0, vec![]));
    }
    for turn in 1..20 {
        p.hear(3, one_b(1 + 4 * turn, 0, vec![]));
    }
    p.give(vec![Input::Submit(val("v"))]);
    assert_eq!(said_1c(&p), 1, "the leader of ballot 1 goes on");
    let started = p.said.iter().filter(|m| matches!(m, Message::OneA { .. }));
    assert_eq!(
        started.map(Message::ballot).collect::<Vec<_>>(),
        [Ballot(1)]
    );
}

#[test]
fn a_value_decided_for_one_learner_only_is_not_lost_for_the_other() {
    // A node that leads nothing.
    let mut p = Puppets::new(KIOSK, 1);
    let graph = p.network.graph().clone();
    let only = |name| LearnerSet::from_iter([learner(&graph, name)]);
    p.give(vec![Input::Submit(val("v"))]);
    let ((w_bytes, w), (v_bytes, v)) = (batch("w"), batch("v"));
    p.give(vec![Input::Batch(w_bytes), Input::Batch(v_bytes)]);
    for i in [0, 2, 3] {
        p.two_b(i, 1, 0, w, only("alice"));
    }
    p.two_b(3, 2, 0, v, only("kiosk"));
    p.outputs.clear();
    p.wait(Duration::from_secs(30));
    let again = |o: &Output| matches!(o, Output::SendValue(x) if *x == val("v"));
    assert!(p.outputs.iter().any(again), "alice still has to get it");
    // The history has it for the kiosk; that must not count for alice, whatever the log is reduced to.
    let waiting = p.engine.waiting.len();
    for checkpoint in [false, true] {
        p.history.flush();
        if checkpoint {
            p.checkpoint();
        }
        p.restart();
        assert_eq!(p.engine.waiting.len(), waiting);
        p.outputs.clear();
        p.wait(Duration::from_secs(30));
        assert!(p.outputs.iter().any(again), "after a restart as well");
    }
}

/// What proves a decision to both is new to one of them only.
#[test]
fn a_value_that_one_of_two_learners_has_already_is_delivered_to_the_other() {
    let mut p = Puppets::new(KIOSK, 1);
    let graph = p.network.graph().clone();
    let [alice, kiosk] = ["alice", "kiosk"].map(|name| LearnerSet::just(learner(&graph, name)));
    let ((w_bytes, w), (v_bytes, v)) = (batch("w"), batch("v"));
    p.give(vec![Input::Batch(w_bytes), Input::Batch(v_bytes)]);
    for i in [0, 2, 3] {
        p.two_b(i, 1, 0, w, alice);
    }
    p.two_b(3, 2, 0, v, kiosk);
    for i in [0, 2, 3] {
        p.two_b(i, 3, 1, v, alice | kiosk);
    }
    let got = |o: &Output| match o {
        Output::Decided(d) => Some((d.learners, d.slot.0, d.values.to_vec())),
        _ => None,
    };
    let got: Vec<_> = p.outputs.iter().filter_map(got).collect();
    assert!(got.contains(&(alice, 1, vec![val("v")])), "{got:?}");
    assert!(got.contains(&(kiosk, 1, vec![])), "{got:?}");
}

/// A liar's second vote makes a decision. Nobody may forget that by starting again: a certificate of every
/// learner is held for every slot below the low-water mark.
#[test]
fn a_decision_that_rests_on_a_contradicting_vote_outlives_a_restart() {
    let mut p = Puppets::new(FOUR, 3);
    let everyone = p.network.graph().learners();
    let (bytes, y) = batch("y");
    p.give(vec![Input::Batch(bytes)]);
    p.two_b(0, 1, 0, value("x"), everyone);
    for from in [0, 1, 2] {
        p.two_b(from, 1, 0, y, everyone);
    }
    let alice = learner(p.network.graph(), "alice");
    let decided = |p: &Puppets| {
        p.engine
            .learners
            .certificate(alice, Slot(0))
            .map(|c| c.value)
    };
    assert!(!p.engine.evidence().is_empty(), "it is caught as well");
    assert_eq!(decided(&p), Some(y));
    p.restart();
    assert_eq!(decided(&p), Some(y));
}

/// Rule 9: what counts is kept with its message, even where the rest of the message is too much.
#[test]
fn a_2av_beside_one_2b_too_many_is_stored_and_handed_out() {
    let mut p = Puppets::new(FOUR, 3);
    let everyone = p.network.graph().learners();
    for other in ["x1", "x2", "x3", "x4"] {
        p.two_b(0, 1, 0, value(other), everyone);
    }
    let y = value("y");
    let said = Message::Votes(Votes {
        ballot: Ballot(1),
        slots: vec![SlotVotes {
            slot: Slot(0),
            two_av: Some((y, everyone)),
            two_b: Some((value("x5"), everyone)),
        }],
    });
    let liar = p.sign(0, said.clone());
    p.give(vec![Input::Message(liar)]);
    assert!(p.hands_out().contains(&said), "what counts is handed out");
    assert_eq!(p.engine.status().refused.get("too_many"), Some(&1));
    p.restart();
    assert!(p.hands_out().contains(&said), "and was stored");
}
