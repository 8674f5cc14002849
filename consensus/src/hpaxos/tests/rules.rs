//! One test per rule of what an acceptor and a proposer do; each fails when its rule is removed.

use super::puppet::{Puppets, batch, one_b, votes};
use super::{FOUR, entry, learner, value};
use crate::history::MemoryHistory;
use crate::hpaxos::acceptor::Acceptor;
use crate::hpaxos::convictions::Convictions;
use crate::hpaxos::evidence::Finding;
use crate::hpaxos::received::Received;
use crate::hpaxos::{
    Contradiction, Entry, Input, Message, OneC, Output, Proposal, Record, SyncRequest,
};
use crate::log::batches::{Batches, Named};
use crate::{Ballot, ClientValue, GivenUp, Protocol, Slot, Why};
use crypto::{Digest, MemberId};
use learner_graph::{AcceptorId, LearnerId, LearnerSet};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The real one plays a4; a1, a2 and a3 own the ballots 1, 2 and 3.
fn a4() -> Puppets {
    Puppets::new(FOUR, 3)
}

fn all(p: &Puppets) -> LearnerSet {
    p.network.graph().learners()
}

/// The learners served by what was sent.
fn union(sent: &[(u64, Digest, LearnerSet)]) -> LearnerSet {
    sent.iter()
        .fold(LearnerSet::EMPTY, |all, (_, _, learners)| all | *learners)
}

/// Makes the bytes of a batch known, so that only the rule in question decides.
fn known(p: &mut Puppets, text: &str) -> Digest {
    let (batch, digest) = batch(text);
    p.give(vec![Input::Batch(batch)]);
    digest
}

#[test]
fn rule_1_a_ballot_is_joined_once_for_all_learners() {
    let mut p = a4();
    p.start(1);
    p.start(1);
    p.others_join(1, &[0, 1, 2]);
    assert_eq!(p.one_bs().len(), 1, "one 1b, however often it is asked for");
    assert_eq!(p.engine.status().max_bal, Ballot(1));
    // A lower ballot is never joined again.
    p.others_join(3, &[0, 1, 2]);
    p.others_join(2, &[0, 1, 2]);
    assert_eq!(
        p.one_bs().iter().map(|b| b.ballot.0).collect::<Vec<_>>(),
        [1, 3]
    );
}

#[test]
fn rule_1_phase_1b_needs_a_higher_ballot() {
    let mut acceptor = Acceptor::new(AcceptorId(0));
    assert_eq!(
        acceptor.phase_1b(Ballot(2), vec![], |_| None::<crate::hpaxos::OneB>),
        None
    );
    assert!(
        acceptor.phase_1b(Ballot(2), vec![], Some).is_some(),
        "what could not be said was not done"
    );
    assert_eq!(acceptor.phase_1b(Ballot(2), vec![], Some), None);
    assert_eq!(acceptor.phase_1b(Ballot(1), vec![], Some), None);
}

#[test]
fn a_ballot_nobody_surely_safe_asks_for_is_not_joined() {
    let mut p = a4();
    // One acceptor alone may be lying about its impatience.
    p.start(2);
    p.hear(0, Message::Wish { ballot: Ballot(2) });
    assert!(p.one_bs().is_empty());
    // Nobody was heard for long, so nobody knows whom a wish would have to meet.
    p.now += Duration::from_secs(60);
    p.give(Vec::new());
    assert!(p.one_bs().is_empty());
    p.all_alive();
    p.hear(1, Message::Wish { ballot: Ballot(2) });
    assert_eq!(p.one_bs().len(), 1);
    // A 1a counts from the owner of its ballot only: ballot 3 belongs to a3.
    p.hear(0, Message::Wish { ballot: Ballot(3) });
    p.hear(1, Message::Wish { ballot: Ballot(3) });
    p.hear(0, Message::OneA { ballot: Ballot(3) });
    assert_eq!(p.one_bs().len(), 1);
    assert_eq!(p.engine.status().refused.get("not_owner"), Some(&1));
}

#[test]
fn patience_runs_out_and_doubles() {
    let mut p = a4();
    p.others_join(1, &[0, 1, 2]);
    let value = ClientValue::new(vec![], b"unheeded".to_vec()).expect("small");
    p.give(vec![Input::Submit(value)]);
    let mut after = |millis, expected: &[u64]| {
        p.now += Duration::from_millis(millis);
        p.all_alive();
        assert_eq!(p.wishes(), expected);
    };
    after(999, &[]);
    after(1, &[2]);
    after(1999, &[2]);
    after(1, &[2, 3]);
    // For learners whose quorums are silent nobody is troubled.
    p.wait(Duration::from_secs(100));
    assert_eq!(p.wishes(), [2, 3]);
    let learners = p.network.graph().learners();
    let given_up = |ballot, next, seconds| GivenUp {
        ballot: Ballot(ballot),
        next: Ballot(next),
        why: Why::Patience {
            learners,
            patience: Duration::from_secs(seconds),
        },
    };
    assert_eq!(p.given_up(), [given_up(1, 2, 1), given_up(2, 3, 2)]);
    let four = vec![Duration::from_secs(4); learners.len()];
    assert_eq!(p.engine.status().patience, four);
}

/// What could not be decided while a quorum was silent is no fault of whoever leads when it is back.
#[test]
fn patience_starts_when_the_quorum_is_there() {
    let mut p = a4();
    p.others_join(1, &[0, 1, 2]);
    decided_for_alice_and_bob(&mut p, 0);
    // Carol wants all four, and a3 is silent.
    let mut after = |millis, alive: &[u16], expected: &[u64]| {
        p.now += Duration::from_millis(millis);
        p.alive(alive);
        assert_eq!(p.wishes(), expected);
    };
    for _ in 0..20 {
        after(500, &[0, 1], &[]);
    }
    // It was last missed half a second ago.
    after(500, &[0, 1, 2], &[]);
    after(499, &[0, 1, 2], &[]);
    after(1, &[0, 1, 2], &[2]);
}

/// What is wished for when carol, who is twelve slots behind, decides so many of them in every 900 ms, and the others
/// so many new ones, 100 ms after the last time.
fn catching_up(times: &[(usize, u64)]) -> Vec<u64> {
    let mut p = a4();
    p.others_join(1, &[0, 1, 2]);
    let mut front = 12;
    let mut values: Vec<Digest> = (0..front)
        .map(|slot| decided_for_alice_and_bob(&mut p, slot))
        .collect();
    let carol: LearnerSet = [learner(p.network.graph(), "carol")].into_iter().collect();
    let mut undecided = 0..;
    for (decides, new) in times {
        p.now += Duration::from_millis(900);
        p.all_alive();
        for _ in 0..*new {
            values.push(decided_for_alice_and_bob(&mut p, front));
            front += 1;
        }
        for slot in undecided.by_ref().take(*decides) {
            for i in 0..3 {
                p.two_b(i, 1, slot as u64, values[slot], carol);
            }
        }
        assert!(p.wishes().is_empty());
    }
    p.now += Duration::from_millis(100);
    p.all_alive();
    p.wishes()
}

#[test]
fn patience_lasts_while_a_learner_moves_by_a_window() {
    // It is judged from its first decision on, and a window is four slots.
    assert_eq!(catching_up(&[(4, 0)]), [2]);
    assert!(catching_up(&[(5, 0)]).is_empty());
    assert_eq!(catching_up(&[(5, 0), (3, 0)]), [2]);
    assert!(catching_up(&[(5, 0), (4, 0)]).is_empty());
}

/// A leader that serves the others and throws it a window now and then loses its turn.
#[test]
fn patience_runs_out_for_a_learner_that_falls_further_behind() {
    assert_eq!(catching_up(&[(5, 0), (6, 7)]), [2]);
    assert!(catching_up(&[(5, 0), (6, 6)]).is_empty());
}

/// The slot is decided in ballot 1, but not for carol.
fn decided_for_alice_and_bob(p: &mut Puppets, slot: u64) -> Digest {
    let value = known(p, &format!("slot {slot}"));
    let everyone = all(p);
    p.announce(1, slot, value);
    let carol: LearnerSet = [learner(p.network.graph(), "carol")].into_iter().collect();
    for i in 0..3 {
        p.two_av(i, 1, slot, value, everyone);
        p.two_b(i, 1, slot, value, everyone - carol);
    }
    value
}

#[test]
fn rule_2_a_1b_shows_every_maximal_vote_and_highest_2av() {
    let mut p = a4();
    let (v, w) = (known(&mut p, "v"), known(&mut p, "w"));
    let everyone = all(&p);
    p.others_join(1, &[0, 1, 2]);
    p.announce(1, 0, v);
    p.announce(1, 5, w);
    for i in 0..3 {
        p.two_av(i, 1, 0, v, everyone);
    }
    assert_eq!(union(&p.sent_2b(0)), everyone);
    p.start(2);
    let sent = || {
        vec![Entry {
            ballot: Ballot(1),
            value: v,
            learners: everyone,
        }]
    };
    for i in 0..3 {
        p.hear(i, one_b(2, 0, vec![(0, vec![], sent())]));
    }
    let shown = p.one_bs().pop().expect("joined ballot 2");
    let slots: Vec<u64> = shown.slots.iter().map(|s| s.slot.0).collect();
    assert_eq!(
        (shown.ballot, shown.low_water, slots),
        (Ballot(2), Slot(0), vec![0, 5])
    );
    let e = |v| {
        vec![Entry {
            ballot: Ballot(1),
            value: v,
            learners: everyone,
        }]
    };
    assert_eq!(
        (&shown.slots[0].votes, &shown.slots[0].proposals),
        (&e(v), &e(v))
    );
    assert_eq!(
        (&shown.slots[1].votes, &shown.slots[1].proposals),
        (&vec![], &e(w))
    );
}

#[test]
fn rule_2_a_repeated_1b_repeats_its_bytes_even_after_a_restart() {
    let mut p = a4();
    let v = known(&mut p, "v");
    p.others_join(1, &[0, 1, 2]);
    p.announce(1, 0, v);
    p.others_join(2, &[0, 1, 2]);
    let first = p.one_bs();
    p.restart();
    p.start(2);
    p.others_join(2, &[0, 1, 2]);
    assert_eq!(p.one_bs(), first, "nothing new is signed");
    assert!(p.hands_out().contains(&Message::OneB(first[1].clone())));
}

#[test]
fn rule_2_nothing_below_the_low_water_mark_is_signed_again() {
    let mut p = a4();
    let (v, w) = (known(&mut p, "v"), known(&mut p, "w"));
    let everyone = all(&p);
    p.others_join(1, &[0, 1, 2]);
    p.announce(1, 0, v);
    for i in 0..3 {
        p.two_av(i, 1, 0, v, everyone);
        p.two_b(i, 1, 0, v, everyone);
    }
    p.start(2);
    for i in 0..3 {
        p.hear(i, one_b(2, 1, vec![]));
    }
    let one_b = p.one_bs().pop().expect("joined ballot 2");
    assert_eq!(
        (one_b.low_water, one_b.slots.len()),
        (Slot(1), 0),
        "settled slots are dropped"
    );
    let before = (p.sent_2av(0).len(), p.sent_2b(0).len());
    for restarted in [false, true] {
        if restarted {
            p.restart();
        }
        p.announce(2, 0, w);
        for i in 0..3 {
            p.two_av(i, 2, 0, w, everyone);
        }
        assert_eq!((p.sent_2av(0).len(), p.sent_2b(0).len()), before);
    }
}

#[test]
fn rule_3_votes_are_sent_in_the_joined_ballot_only() {
    let mut p = a4();
    let v = known(&mut p, "v");
    let everyone = all(&p);
    p.others_join(2, &[0, 1, 2]);
    assert_eq!(p.engine.status().max_bal, Ballot(2));
    // Below: left behind. Above: not joined.
    for ballot in [1, 3] {
        for i in 0..3 {
            p.hear(i, one_b(ballot, 0, vec![]));
        }
        p.said.clear();
        if ballot == 3 {
            // The 1a is missing, so the ballot is not joined although everyone else has.
            assert_eq!(p.engine.status().max_bal, Ballot(2));
        }
        p.announce(ballot, 0, v);
        for i in 0..3 {
            p.two_av(i, ballot, 0, v, everyone);
        }
        assert!(
            p.sent_2av(0).is_empty() && p.sent_2b(0).is_empty(),
            "ballot {ballot}"
        );
    }
}

#[test]
fn rule_4_one_value_per_slot_and_ballot_whatever_the_learner() {
    let mut p = a4();
    let (v, w) = (known(&mut p, "v"), known(&mut p, "w"));
    let graph = p.network.graph().clone();
    let (alice, bob) = (learner(&graph, "alice"), learner(&graph, "bob"));
    let only = |l: LearnerId| LearnerSet::from_iter([l]);
    p.others_join(1, &[0, 1, 2]);
    let announce = |p: &mut Puppets, v, l| {
        let proposals = vec![Proposal {
            slot: Slot(0),
            value: v,
            learners: only(l),
        }];
        p.hear(
            0,
            Message::OneC(OneC {
                ballot: Ballot(1),
                proposals,
            }),
        );
    };
    announce(&mut p, v, alice);
    announce(&mut p, w, bob);
    assert_eq!(p.sent_2av(0), [(1, v, only(alice))]);
    for i in 0..3 {
        p.two_av(i, 1, 0, v, only(alice));
        p.two_av(i, 1, 0, w, only(bob));
    }
    assert_eq!(p.sent_2b(0), [(1, v, only(alice))]);
    // The same value may be sent for more learners.
    for i in 0..3 {
        p.two_av(i, 1, 0, v, only(bob));
    }
    assert_eq!(p.sent_2b(0), [(1, v, only(alice)), (1, v, only(bob))]);
}

#[test]
fn rule_4_holds_across_a_restart() {
    let mut p = a4();
    let (v, w) = (known(&mut p, "v"), known(&mut p, "w"));
    let graph = p.network.graph().clone();
    let only = |name| LearnerSet::from_iter([learner(&graph, name)]);
    p.others_join(1, &[0, 1, 2]);
    let announce = |p: &mut Puppets, value, learners| {
        let slot = Slot(0);
        let proposals = vec![Proposal {
            slot,
            value,
            learners,
        }];
        p.hear(
            0,
            Message::OneC(OneC {
                ballot: Ballot(1),
                proposals,
            }),
        );
    };
    announce(&mut p, v, only("alice"));
    assert_eq!(p.sent_2av(0).len(), 1);
    // Its own words are enough: what the proposer had said is not remembered here.
    let by_proposer = |r: &Record| matches!(r, Record::Message(m) if m.signer() == MemberId(0));
    p.stored.retain(|r| !by_proposer(r));
    p.restart();
    p.start(1);
    p.hear(0, one_b(1, 0, vec![]));
    p.give(vec![Input::Batch(batch("w").0)]);
    announce(&mut p, w, only("bob"));
    assert_eq!(
        p.sent_2av(0),
        [(1, v, only("alice"))],
        "what was sent before the crash binds"
    );
}

#[test]
fn rule_2_an_acceptor_itself_keeps_to_its_low_water_mark() {
    let p = a4();
    let graph = p.network.graph();
    let mut received = Received::default();
    let mut batches = Batches::new::<()>(Arc::new(MemoryHistory::default()));
    let (bytes, v) = batch("v");
    batches.keep(Named::new(v, Arc::new(bytes)));
    for i in 0..4 {
        let Message::OneB(joins) = one_b(1, 0, vec![]) else {
            unreachable!("a 1b");
        };
        let signed = p.sign(i, Message::OneB(joins.clone()));
        received.one_b(&joins, AcceptorId(i), &signed, i == 3);
    }
    let proposals = vec![Proposal {
        slot: Slot(3),
        value: v,
        learners: graph.learners(),
    }];
    let one_c = OneC {
        ballot: Ballot(1),
        proposals,
    };
    let signed = p.sign(0, Message::OneC(one_c.clone()));
    received.one_c(&one_c, &signed, Slot(0), Duration::ZERO);
    let convictions = Convictions::new(graph);
    let slots = BTreeSet::from([Slot(3)]);
    let votes = |low_water| {
        let mut acceptor = Acceptor::new(AcceptorId(3));
        acceptor.phase_1b(Ballot(1), vec![], Some);
        acceptor.raise_low_water(Slot(low_water));
        acceptor.phase_2(
            &slots,
            &received,
            &batches,
            convictions.trust(graph),
            &mut Vec::new(),
        )
    };
    assert!(votes(3).is_some());
    assert!(votes(4).is_none());
}

#[test]
fn an_equivocating_proposer_loses_its_turn_at_once() {
    let mut p = a4();
    p.others_join(1, &[0, 1, 2]);
    p.announce(1, 0, value("v"));
    p.announce(1, 0, value("w"));
    let told = p.outputs.iter().any(|o| {
        matches!(o, Output::Evidence(_, Finding::Equivocated(m, Contradiction::OneC { .. })) if m.0 == 0)
    });
    assert!(told);
    assert!(
        p.engine.status().caught.is_empty(),
        "an acceptor is not convicted for its 1c"
    );
    assert!(p.said.contains(&Message::Wish { ballot: Ballot(2) }));
    // Its next turn is skipped: 5 belongs to it again.
    p.others_join(4, &[0, 1, 2]);
    p.hear(0, Message::Wish { ballot: Ballot(5) });
    p.hear(1, Message::Wish { ballot: Ballot(5) });
    p.start(5);
    assert!(p.one_bs().iter().all(|b| b.ballot != Ballot(5)));
    assert!(p.said.contains(&Message::Wish { ballot: Ballot(6) }));
}

#[test]
fn rule_5_a_2av_needs_a_1c_for_the_learner_and_a_safe_value() {
    let mut p = a4();
    let (v, w) = (known(&mut p, "v"), known(&mut p, "w"));
    let everyone = all(&p);
    // Ballot 1 is history: all others voted v there.
    let voted = || {
        one_b(
            2,
            0,
            vec![(
                0,
                vec![Entry {
                    ballot: Ballot(1),
                    value: v,
                    learners: everyone,
                }],
                vec![Entry {
                    ballot: Ballot(1),
                    value: v,
                    learners: everyone,
                }],
            )],
        )
    };
    p.start(2);
    for i in 0..3 {
        p.hear(i, voted());
    }
    assert_eq!(p.engine.status().max_bal, Ballot(2));
    p.announce(2, 0, w);
    assert!(
        p.sent_2av(0).is_empty(),
        "w is not safe, whatever the proposer says"
    );

    let mut p = a4();
    known(&mut p, "v");
    p.start(2);
    for i in 0..3 {
        p.hear(i, voted());
    }
    let graph = p.network.graph().clone();
    let only = LearnerSet::from_iter([learner(&graph, "bob")]);
    let proposals = vec![Proposal {
        slot: Slot(0),
        value: v,
        learners: only,
    }];
    p.hear(
        1,
        Message::OneC(OneC {
            ballot: Ballot(2),
            proposals,
        }),
    );
    assert_eq!(
        p.sent_2av(0),
        [(2, v, only)],
        "a 1c counts for the learners that it names"
    );
}

#[test]
fn rule_5_safety_is_judged_by_1b_received_here() {
    let mut p = a4();
    let v = known(&mut p, "v");
    p.start(2);
    p.hear(0, Message::Wish { ballot: Ballot(2) });
    p.hear(1, one_b(2, 0, vec![]));
    assert_eq!(p.engine.status().max_bal, Ballot(2));
    p.announce(2, 0, v);
    assert!(p.sent_2av(0).is_empty(), "two 1b are no quorum");
    p.hear(2, one_b(2, 0, vec![]));
    let graph = p.network.graph().clone();
    // alice needs any three; bob needs a1, whose 1b is missing, and so does carol.
    let alice = LearnerSet::from_iter([learner(&graph, "alice")]);
    assert_eq!(p.sent_2av(0), [(2, v, alice)]);
    // A 1b that says nothing about the slot is none for it.
    let mut p = a4();
    known(&mut p, "v");
    p.start(2);
    for i in 0..3 {
        p.hear(i, one_b(2, 1, vec![]));
    }
    p.announce(2, 0, v);
    assert!(p.sent_2av(0).is_empty());
}

#[test]
fn rule_6_a_2b_needs_a_quorum_of_2av_of_its_own_learner() {
    let mut p = a4();
    let v = known(&mut p, "v");
    let graph = p.network.graph().clone();
    let (alice, carol) = (learner(&graph, "alice"), learner(&graph, "carol"));
    let only = |l: LearnerId| LearnerSet::from_iter([l]);
    p.others_join(1, &[0, 1, 2]);
    // No 1c: the real one sends no 2av itself.
    p.two_av(0, 1, 0, v, all(&p));
    p.two_av(1, 1, 0, v, all(&p));
    assert!(p.sent_2b(0).is_empty());
    p.two_av(2, 1, 0, v, only(carol));
    assert!(p.sent_2b(0).is_empty(), "a 2av for carol is none for alice");
    p.two_av(2, 1, 0, v, only(alice));
    assert_eq!(p.sent_2b(0), [(1, v, only(alice))]);
}

#[test]
fn rule_7_no_vote_before_the_bytes_are_stored() {
    let mut p = a4();
    let (batch, v) = batch("v");
    let everyone = all(&p);
    p.others_join(1, &[0, 1, 2]);
    p.announce(1, 0, v);
    for i in 0..3 {
        p.two_av(i, 1, 0, v, everyone);
    }
    assert!(p.sent_2av(0).is_empty() && p.sent_2b(0).is_empty());
    assert!(
        p.outputs
            .iter()
            .any(|o| matches!(o, Output::Fetch(d) if *d == v))
    );
    // After a restart they are wanted still.
    p.restart();
    assert!(p.engine.wanted().contains(&v));
    p.give(vec![Input::Batch(batch)]);
    assert_eq!(p.sent_2av(0), [(1, v, everyone)]);
    assert_eq!(union(&p.sent_2b(0)), everyone);
    assert!(
        p.engine.batch(&v).is_some(),
        "whoever voted hands the bytes out"
    );
}

#[test]
fn what_an_earlier_leader_announced_is_wanted_no_more_unless_it_is_decided() {
    let mut p = a4();
    let everyone = all(&p);
    p.others_join(1, &[0, 1, 2]);
    p.announce(1, 0, value("decided"));
    p.announce(1, 1, value("announced"));
    for i in 0..3 {
        p.two_b(i, 1, 0, value("decided"), everyone);
    }
    let wanted = |p: &Puppets, texts: [&str; 2]| {
        let expected: BTreeSet<Digest> = texts.into_iter().map(value).collect();
        assert_eq!(*p.engine.wanted(), expected);
    };
    wanted(&p, ["decided", "announced"]);
    for i in 0..3 {
        p.hear(i, Message::Wish { ballot: Ballot(2) });
    }
    p.others_join(2, &[0, 1, 2]);
    p.announce(2, 1, value("another"));
    wanted(&p, ["decided", "another"]);
}

/// The values announced, by ballot and slot, in order.
fn announced(p: &Puppets) -> Vec<(u64, Slot, Digest)> {
    let one_cs = p.said.iter().filter_map(|m| match m {
        Message::OneC(c) => Some(c),
        _ => None,
    });
    one_cs
        .flat_map(|c| c.proposals.iter().map(|q| (c.ballot.0, q.slot, q.value)))
        .collect()
}

fn submit(p: &mut Puppets, text: &str) -> Digest {
    let (batch, digest) = batch(text);
    p.give(batch.values.iter().cloned().map(Input::Submit).collect());
    digest
}

#[test]
fn rule_8_a_proposer_never_uses_a_slot_of_its_ballot_twice() {
    // The real one owns ballot 1.
    let mut p = Puppets::new(FOUR, 0);
    let everyone = all(&p);
    p.others_join(1, &[1, 2]);
    p.wait(Duration::from_millis(20));
    let first = submit(&mut p, "first");
    let second = submit(&mut p, "second");
    // The second slot is decided before the first; then another 1b comes, and a crash.
    for i in 1..4 {
        p.two_b(i, 1, 1, second, everyone);
    }
    p.hear(3, one_b(1, 0, vec![]));
    let third = submit(&mut p, "third");
    p.restart();
    let fourth = submit(&mut p, "fourth");
    let slots = [first, second, third, fourth].into_iter().zip(0..);
    let expected: Vec<_> = slots.map(|(v, s)| (1, Slot(s), v)).collect();
    assert_eq!(announced(&p), expected);
    let one_as = p.said.iter().filter(|m| matches!(m, Message::OneA { .. }));
    assert_eq!(one_as.count(), 1);
}

#[test]
fn rule_9_the_justification_of_every_vote_is_handed_out_even_after_a_restart() {
    let mut p = a4();
    let v = known(&mut p, "v");
    let everyone = all(&p);
    p.others_join(1, &[0, 1, 2]);
    p.announce(1, 0, v);
    for i in 0..3 {
        p.two_av(i, 1, 0, v, everyone);
    }
    assert_eq!(union(&p.sent_2b(0)), everyone);
    for restarted in [false, true] {
        if restarted {
            p.restart();
        }
        let handed = p.hands_out();
        let two_av = handed
            .iter()
            .filter(|m| matches!(m, Message::Votes(v) if v.slots[0].two_av.is_some()));
        let one_b = handed.iter().filter(|m| matches!(m, Message::OneB(_)));
        assert_eq!(
            (two_av.count(), one_b.count()),
            (4, 4),
            "restarted: {restarted}"
        );
    }
}

#[test]
fn a_new_leader_takes_over_the_shown_value_and_fills_gaps() {
    // The real one is a2, the owner of ballot 2.
    let mut p = Puppets::new(FOUR, 1);
    let everyone = all(&p);
    let shown = |value| {
        vec![Entry {
            ballot: Ballot(1),
            value,
            learners: everyone,
        }]
    };
    let (v, w) = (known(&mut p, "v"), value("w"));
    p.hear(0, Message::Wish { ballot: Ballot(2) });
    p.hear(2, Message::Wish { ballot: Ballot(2) });
    assert!(p.said.contains(&Message::OneA { ballot: Ballot(2) }));
    // Slot 1 was used by nobody; slot 2 shows a vote.
    for i in [0, 2, 3] {
        p.hear(
            i,
            one_b(2, 0, vec![(0, vec![], shown(v)), (2, shown(w), shown(w))]),
        );
    }
    p.wait(Duration::from_millis(20));
    let empty = crate::Batch::default().digest();
    let expected = [(2, Slot(0), v), (2, Slot(1), empty), (2, Slot(2), w)];
    assert_eq!(announced(&p), expected);
}

#[test]
fn two_decisions_of_a_learner_are_a_fork_with_evidence() {
    let mut p = a4();
    let (v, w) = (known(&mut p, "v"), known(&mut p, "w"));
    let graph = p.network.graph().clone();
    let (alice, bob) = (learner(&graph, "alice"), learner(&graph, "bob"));
    let only = |l: LearnerId| LearnerSet::from_iter([l]);
    for i in 0..3 {
        p.two_b(i, 1, 0, v, only(alice));
        p.two_b(i, 2, 0, w, only(bob));
    }
    // Two learners apart: they are not entangled, and everyone is told so.
    let apart = p.outputs.iter().any(|o| {
        matches!(o, Output::SendEvidence(e)
        if matches!(e.verify(&p.network), Ok(Finding::NotEntangled { .. })))
    });
    assert!(apart);
    assert!(
        p.outputs
            .iter()
            .any(|o| matches!(o, Output::Disconnected(x, y) if (*x, *y) == (alice, bob)))
    );
    // No three acceptors can be all safe then, and all agreement of this graph rests on three.
    let connected = p.engine.status().connected;
    assert!(connected.iter().all(LearnerSet::is_empty), "{connected:?}");
    // What one of them got, the other has to get in another slot.
    assert_eq!(p.engine.status().waiting, 2);
    // Whoever missed the evidence gets it on request, once.
    let next = vec![Slot(0); graph.n_learners()];
    let mut request = SyncRequest { next, have: vec![] };
    assert_eq!(p.engine.answer(&request, 1 << 20).evidence.len(), 1);
    request.have = p.engine.sync_request().have;
    let answer = p.engine.answer(&request, 1 << 20);
    assert!(answer.evidence.is_empty() && answer.messages.is_empty());
    // One learner twice.
    for i in 0..3 {
        p.two_b(i, 3, 0, w, only(alice));
    }
    let fork = p.outputs.iter().find_map(|o| match o {
        Output::Fork(f) => Some(f.clone()),
        _ => None,
    });
    let fork = fork.expect("reported");
    assert_eq!((fork.learner, fork.slot), (alice, Slot(0)));
    assert_eq!(fork.values, [(Ballot(1), v), (Ballot(3), w)]);
    assert!(
        p.engine
            .learners
            .certificate(alice, Slot(0))
            .is_some_and(|c| c.value == v && c.verify(&p.network).is_ok())
    );
}

#[test]
fn what_is_out_of_range_or_malformed_is_refused_and_counted() {
    let mut p = a4();
    let everyone = all(&p);
    let refused = |p: &mut Puppets, from, m, reason: &str| {
        let before = p.engine.status().refused.get(reason).copied().unwrap_or(0);
        p.hear(from, m);
        assert_eq!(
            p.engine.status().refused.get(reason),
            Some(&(before + 1)),
            "{reason}"
        );
    };
    let vote = |b, s| votes(b, s, Some((value("v"), everyone)), None);
    refused(&mut p, 0, vote(0, 0), "ballot");
    refused(&mut p, 0, vote(1, 1 << 40), "slot_too_high");
    refused(&mut p, 0, vote(1 << 40, 0), "ballot_too_high");
    refused(
        &mut p,
        0,
        votes(1, 0, Some((value("v"), LearnerSet::EMPTY)), None),
        "learners",
    );
    refused(
        &mut p,
        0,
        votes(1, 0, Some((value("v"), LearnerSet::first(9))), None),
        "learners",
    );
    refused(&mut p, 0, votes(1, 0, None, None), "order");
    refused(
        &mut p,
        0,
        one_b(2, 5, vec![(4, vec![entry(1, "v", everyone)], vec![])]),
        "slot",
    );
    refused(
        &mut p,
        0,
        one_b(2, 0, vec![(4, vec![entry(2, "v", everyone)], vec![])]),
        "ballot",
    );
    let twice = vec![entry(1, "v", everyone), entry(2, "v", everyone)];
    refused(
        &mut p,
        0,
        one_b(3, 0, vec![(4, twice.clone(), vec![])]),
        "order",
    );
    refused(&mut p, 0, one_b(3, 0, vec![(4, vec![], twice)]), "order");
    refused(&mut p, 1, Message::OneA { ballot: Ballot(1) }, "not_owner");
    // More values of one acceptor in one slot and ballot than are kept.
    for v in ["1", "2", "3", "4"] {
        p.two_av(0, 1, 0, value(v), everyone);
    }
    refused(
        &mut p,
        0,
        votes(1, 0, Some((value("5"), everyone)), None),
        "too_many",
    );
    assert!(p.said.is_empty(), "nothing was said because of any of it");
}

#[test]
fn clients_are_told_when_too_much_waits_and_a_value_twice_is_one() {
    let mut p = a4();
    let value = |i: u8| ClientValue::new(vec![], vec![i]).expect("small");
    for i in 0..4 {
        p.give(vec![Input::Submit(value(i))]);
    }
    p.give(vec![Input::Submit(value(0))]);
    p.give(vec![Input::Submit(value(9))]);
    let accepted = p
        .outputs
        .iter()
        .filter(|o| matches!(o, Output::Accepted(_)))
        .count();
    let full: Vec<_> = p
        .outputs
        .iter()
        .filter(|o| matches!(o, Output::Full(_)))
        .collect();
    assert_eq!((accepted, full.len(), p.engine.status().waiting), (5, 1, 4));
    // What was accepted is known after a restart, and spread again.
    p.outputs.clear();
    p.restart();
    assert_eq!(p.engine.status().waiting, 4);
    assert_eq!(
        p.outputs
            .iter()
            .filter(|o| matches!(o, Output::SendValue(_)))
            .count(),
        4
    );
}

/// A value that was decided while its bytes were missing is proposed here again, in a batch of the same digest.
#[test]
fn bytes_that_this_node_makes_itself_are_delivered() {
    let mut p = Puppets::new(FOUR, 0);
    let everyone = all(&p);
    let (_, x) = batch("x");
    p.others_join(2, &[1, 2, 3]);
    for i in 1..4 {
        p.two_b(i, 2, 0, x, everyone);
    }
    let delivered = |p: &Puppets| {
        let decided = |o: &&Output| matches!(o, Output::Decided(_));
        p.outputs.iter().filter(decided).count()
    };
    assert!(p.engine.batches.wanted().contains(&x));
    assert_eq!(delivered(&p), 0);
    for i in [1, 2] {
        p.hear(i, Message::Wish { ballot: Ballot(5) });
    }
    p.start(5);
    let said = || {
        vec![Entry {
            ballot: Ballot(2),
            value: x,
            learners: everyone,
        }]
    };
    for i in [1, 2, 3] {
        p.hear(i, one_b(5, 0, vec![(0, said(), said())]));
    }
    p.wait(Duration::from_millis(20));
    submit(&mut p, "x");
    p.wait(Duration::from_millis(500));
    assert!(p.engine.batches.stored(&x), "it leads");
    assert!(delivered(&p) > 0);
}
