//! Slots that some learner has not decided leave memory in pages, and come back as they were.

use super::FOUR;
use super::puppet::{Puppets, RECENT, batch, one_b};
use crate::history::{History as _, Keep};
use crate::hpaxos::{Entry, Input, Message, OneB, Output, Record, Scope, SlotVotes, Votes};
use crate::{Ballot, Page, Slot};
use crypto::Digest;
use learner_graph::LearnerSet;

/// The slots of a page.
const PAGE: u64 = RECENT / 2;
/// So many slots are decided for alice and bob; carol, who wants all four, has none.
const SLOTS: u64 = 10 * PAGE;

fn page(n: u64) -> Page {
    Page::of(Slot(n * PAGE), PAGE)
}

fn learners(p: &Puppets, names: &[&str]) -> LearnerSet {
    let graph = p.network.graph();
    let ids = names.iter().map(|name| super::learner(graph, name));
    ids.collect()
}

fn text(slot: u64) -> String {
    format!("slot {slot}")
}

/// The others decide a slot in ballot 1 for these learners.
fn decide(p: &mut Puppets, slot: u64, names: &[&str]) -> Digest {
    let (bytes, digest) = batch(&text(slot));
    let everyone = p.network.graph().learners();
    p.give(vec![Input::Batch(bytes)]);
    p.announce(1, slot, digest);
    let names = learners(p, names);
    for i in 0..3 {
        p.two_av(i, 1, slot, digest, everyone);
        p.two_b(i, 1, slot, digest, names);
    }
    digest
}

/// The real one plays a4, and has voted everywhere.
fn far_ahead() -> Puppets {
    let mut p = Puppets::new(FOUR, 3);
    p.others_join(1, &[0, 1, 2]);
    for slot in 0..SLOTS {
        decide(&mut p, slot, &["alice", "bob"]);
    }
    let next = p.engine.status().next;
    assert_eq!(next, [Slot(SLOTS), Slot(SLOTS), Slot(0)]);
    p
}

/// The frozen pages: all but carol's next, the one after, and the recent ones.
fn frozen() -> Vec<Page> {
    (2..8).map(page).collect()
}

/// The same as one.
fn left_out() -> Page {
    Page {
        start: page(2).start,
        end: page(8).start,
    }
}

/// Everybody joins ballot 2, and nobody says anything about these pages.
fn join_2(p: &mut Puppets) {
    for i in [0, 2] {
        p.hear(i, Message::Wish { ballot: Ballot(2) });
    }
    p.start(2);
    for i in 0..3 {
        let Message::OneB(joins) = one_b(2, 0, vec![]) else {
            unreachable!("a 1b");
        };
        let scope = Scope::AllBut(vec![left_out()]);
        p.hear(i, Message::OneB(OneB { scope, ..joins }));
    }
    assert_eq!(p.engine.status().max_bal, Ballot(2));
}

/// Carol decides the slots of a page.
fn carol_decides(p: &mut Puppets, n: u64) {
    let carol = learners(p, &["carol"]);
    for slot in page(n).slots() {
        for i in 0..3 {
            let (_, digest) = batch(&text(slot.0));
            p.two_b(i, 1, slot.0, digest, carol);
        }
    }
}

/// What the acceptor has sent, by slot, as far as it is in memory.
fn sent(p: &Puppets) -> String {
    format!("{:?}", p.engine.acceptor)
}

fn parts(p: &Puppets) -> Vec<OneB> {
    let parts = p.one_bs().into_iter();
    parts.filter(|m| m.scope.page().is_some()).collect()
}

#[test]
fn what_one_learner_has_not_decided_leaves_memory() {
    let mut p = far_ahead();
    let engine = &p.engine;
    assert_eq!(engine.received.frozen().collect::<Vec<_>>(), frozen());
    let hot = usize::try_from(SLOTS - 6 * PAGE).expect("small");
    assert_eq!(engine.received.slots_from(Slot(0)).count(), hot);
    assert_eq!(engine.batches.kept().count(), hot);
    // So it is in what is stored, and after a restart from that.
    for _ in 0..2 {
        p.checkpoint();
        let said = p.stored.iter().filter(|r| matches!(r, Record::Message(_)));
        assert!(said.count() < hot * 12);
        p.restart();
        p.give(Vec::new());
        assert_eq!(p.engine.received.frozen().collect::<Vec<_>>(), frozen());
        assert_eq!(p.engine.received.slots_from(Slot(0)).count(), hot);
    }
}

#[test]
fn a_1b_leaves_frozen_pages_out_and_says_them_before_a_vote() {
    let mut p = far_ahead();
    join_2(&mut p);
    let joined = p.one_bs().pop().expect("it has joined");
    assert_eq!(joined.scope, Scope::AllBut(vec![left_out()]));
    let shown: Vec<u64> = joined.slots.iter().map(|r| r.slot.0).collect();
    let hot = (0..2 * PAGE).chain(8 * PAGE..SLOTS);
    assert_eq!(shown, hot.collect::<Vec<_>>());
    // What it hears about a frozen page it does not take in.
    let slot = page(2).start.0;
    let (_, digest) = batch(&text(slot));
    p.announce(2, slot, digest);
    assert_eq!(parts(&p), []);
    carol_decides(&mut p, 0);
    carol_decides(&mut p, 1);
    // Two pages have thawed: it says what it voted there, once, and only then votes again.
    let said = parts(&p);
    let pages: Vec<_> = said.iter().filter_map(|m| m.scope.page()).collect();
    assert_eq!(pages, [page(2), page(3)]);
    for part in &said {
        assert_eq!(part.ballot, Ballot(2));
        let scope = part.scope.page().expect("a page");
        let slots: Vec<Slot> = part.slots.iter().map(|r| r.slot).collect();
        assert_eq!(slots, scope.slots().collect::<Vec<_>>());
        let whole = |r: &crate::hpaxos::SlotReport| r.votes.len() == 1 && r.proposals.len() == 1;
        assert!(part.slots.iter().all(whole), "{part:?}");
    }
    p.announce(2, slot, digest);
    let two_av = |p: &Puppets| p.sent_2av(slot).iter().filter(|(b, ..)| *b == 2).count();
    // A quorum has to say what it voted in the page.
    p.hear(0, Message::OneB(said[0].clone()));
    assert_eq!(two_av(&p), 0);
    p.hear(1, Message::OneB(said[0].clone()));
    assert_eq!(two_av(&p), 1);
    let order = |of: &dyn Fn(&Message) -> bool| p.said.iter().position(of);
    let part = order(&|m| matches!(m, Message::OneB(m) if m.scope == Scope::Only(page(2))));
    let vote = order(
        &|m| matches!(m, Message::Votes(v) if v.ballot == Ballot(2) && v.slots[0].slot == Slot(slot)),
    );
    assert!(part < vote, "{part:?} {vote:?}");
}

#[test]
fn a_page_comes_back_as_it_was() {
    let mut p = Puppets::new(FOUR, 3);
    p.others_join(1, &[0, 1, 2]);
    for slot in 0..SLOTS {
        decide(&mut p, slot, &["alice", "bob"]);
    }
    let votes = p.sent_2b(2 * PAGE);
    assert!(!votes.is_empty());
    // Carol comes to it, through every way in which it may have been kept.
    for (checkpoint, restart) in [(false, false), (false, true), (true, true)] {
        let mut p = far_ahead();
        if checkpoint {
            p.checkpoint();
        }
        if restart {
            p.history.flush();
            p.restart();
            p.give(Vec::new());
        }
        for n in 0..10 {
            carol_decides(&mut p, n);
        }
        let next = p.engine.status().next;
        assert_eq!(next, [Slot(SLOTS); 3], "{checkpoint} {restart}");
        assert_eq!(p.engine.received.frozen().count(), 0);
        assert_eq!(p.sent_2b(2 * PAGE), votes, "it votes once");
        assert!(p.engine.evidence().is_empty());
    }
}

#[test]
fn what_is_said_of_a_thawed_page_is_said_once_whatever_happens() {
    let mut p = far_ahead();
    join_2(&mut p);
    carol_decides(&mut p, 0);
    let said = parts(&p);
    assert_eq!(said.len(), 1);
    let state = sent(&p);
    for checkpoint in [false, true] {
        if checkpoint {
            p.checkpoint();
        }
        p.history.flush();
        p.restart();
        p.give(Vec::new());
        assert_eq!(sent(&p), state);
        assert_eq!(parts(&p), said);
    }
}

#[test]
fn a_page_that_is_lost_is_never_voted_in() {
    let mut p = far_ahead();
    p.checkpoint();
    p.history.keep(Keep::Settled(page(8).start));
    p.history.flush();
    p.restart();
    carol_decides(&mut p, 0);
    join_2(&mut p);
    assert!(p.engine.received.is_frozen(page(2).start));
    assert_eq!(parts(&p), []);
    assert!(p.engine.status().refused["page_lost"] > 0);
}

#[cfg(feature = "planted")]
#[test]
fn a_page_that_thaws_without_its_votes_is_seen() {
    use crate::planted::{Bug, plant};
    let seen = |bug| {
        let mut p = far_ahead();
        plant(bug);
        join_2(&mut p);
        carol_decides(&mut p, 0);
        plant(None);
        parts(&p).iter().map(|m| m.slots.len()).sum::<usize>()
    };
    assert_eq!(seen(None), usize::try_from(PAGE).expect("small"));
    assert_eq!(seen(Some(Bug::ThawWithoutVotes)), 0);
}

/// One message about a slot in memory and many frozen ones would otherwise bring everything back at every start.
#[test]
fn what_others_say_about_frozen_pages_brings_none_back() {
    let mut p = far_ahead();
    let carol = learners(&p, &["carol"]);
    let slots = [0, 3 * PAGE, 5 * PAGE].map(|slot| SlotVotes {
        slot: Slot(slot),
        two_av: None,
        two_b: Some((batch(&text(slot)).1, carol)),
    });
    let spans = Message::Votes(Votes {
        ballot: Ballot(1),
        slots: slots.to_vec(),
    });
    p.hear(0, spans.clone());
    assert!(p.hands_out().contains(&spans), "it counts in slot 0");
    for _ in 0..2 {
        p.restart();
        assert_eq!(p.engine.received.frozen().collect::<Vec<_>>(), frozen());
        p.checkpoint();
    }
}

/// A learner comes to a page, decides all of it from what was kept there, and the mark rises above it: the log
/// says no more about it, and a restart has to go the same way.
#[test]
fn a_restart_thaws_what_the_learners_had_come_to() {
    // All but the first slot are decided for carol before the pages freeze.
    let mut q = Puppets::new(FOUR, 3);
    let carol = learners(&q, &["carol"]);
    q.others_join(1, &[0, 1, 2]);
    for slot in 0..SLOTS {
        let names: &[&str] = if slot == 0 {
            &["alice", "bob"]
        } else {
            &["alice", "bob", "carol"]
        };
        decide(&mut q, slot, names);
    }
    assert_eq!(q.engine.received.frozen().collect::<Vec<_>>(), frozen());
    q.checkpoint();
    q.history.flush();
    for i in 0..3 {
        q.two_b(i, 1, 0, batch(&text(0)).1, carol);
    }
    // A page at a time, and a timer asks for the next.
    while q.engine.pages_are_due() {
        let soon = q.now + std::time::Duration::from_millis(1);
        let asks = |o: &Output| matches!(o, Output::SetTimer(at) if *at < soon);
        assert!(q.outputs.iter().any(asks));
        q.outputs.clear();
        q.wait(std::time::Duration::from_millis(1));
    }
    assert_eq!(q.engine.status().next, [Slot(SLOTS); 3]);
    let marks = |r: &Record| matches!(r, Record::LowWater(mark) if *mark > page(2).end);
    assert!(q.stored.iter().any(marks), "{:?}", q.engine.floor);
    q.restart();
    assert_eq!(q.engine.status().next, [Slot(SLOTS); 3]);
    let carol = super::learner(q.network.graph(), "carol");
    assert_eq!(q.history.next(carol), Slot(SLOTS));
}

/// The real one leads ballot 5: carol has 16 slots to catch up with, everybody has reported about all of them
/// but a4, who leaves some out, and two values wait.
fn leads_5(a4_leaves_out: Option<Page>) -> Puppets {
    let mut p = Puppets::new(FOUR, 0);
    p.others_join(1, &[1, 2, 3]);
    let everyone = p.network.graph().learners();
    let two = learners(&p, &["alice", "bob"]);
    for slot in 0..2 * RECENT {
        let (bytes, digest) = batch(&text(slot));
        p.give(bytes.values.iter().cloned().map(Input::Submit).collect());
        for i in [1, 2, 3] {
            p.two_av(i, 1, slot, digest, everyone);
            p.two_b(i, 1, slot, digest, two);
        }
    }
    for text in ["one", "another"] {
        let values = batch(text).0.values;
        p.give(values.iter().cloned().map(Input::Submit).collect());
    }
    for i in [1, 2] {
        p.hear(i, Message::Wish { ballot: Ballot(5) });
    }
    for i in [1, 2, 3] {
        let left_out = a4_leaves_out.filter(|_| i == 3);
        let scope = Scope::AllBut(left_out.into_iter().collect());
        let joins = reports(&p, scope, 0..2 * RECENT);
        p.hear(i, joins);
    }
    p
}

/// A 1b of ballot 5 about some of the slots that are decided for alice and bob.
fn reports(p: &Puppets, scope: Scope, slots: std::ops::Range<u64>) -> Message {
    let (everyone, two) = (p.network.graph().learners(), learners(p, &["alice", "bob"]));
    let reports = slots
        .filter(|slot| scope.contains(Slot(*slot)))
        .map(|slot| {
            let sent = |learners| Entry {
                ballot: Ballot(1),
                value: batch(&text(slot)).1,
                learners,
            };
            (slot, vec![sent(two)], vec![sent(everyone)])
        });
    let Message::OneB(one_b) = one_b(5, 0, reports.collect()) else {
        unreachable!("a 1b");
    };
    Message::OneB(OneB { scope, ..one_b })
}

/// The slots in which the real one has announced in ballot 5, a 1c each.
fn announced_in_5(p: &Puppets) -> Vec<Vec<u64>> {
    let one_cs = p.said.iter().filter_map(|m| match m {
        Message::OneC(c) if c.ballot == Ballot(5) => Some(&c.proposals),
        _ => None,
    });
    one_cs
        .map(|c| c.iter().map(|q| q.slot.0).collect())
        .collect()
}

#[test]
fn who_catches_up_has_a_window_of_its_own() {
    let mut p = leads_5(None);
    let carol = learners(&p, &["carol"]);
    // A window, and those that nobody has decided: two that this node announced in ballot 1.
    let new = 2 * RECENT;
    assert_eq!(announced_in_5(&p), [[0, 1, 2, 3, new, new + 1]]);
    // One is decided: there is room for one more.
    for i in [1, 2, 3] {
        p.two_av(i, 5, 0, batch(&text(0)).1, carol);
        p.two_b(i, 5, 0, batch(&text(0)).1, carol);
    }
    // The page after carol's has its turn when she comes to it.
    assert_eq!(announced_in_5(&p)[1..], [[2 * PAGE]]);
}

#[test]
fn a_slot_in_which_nothing_is_safe_yet_takes_no_room() {
    let all = Page {
        start: Slot(0),
        end: Slot(2 * RECENT),
    };
    let mut p = leads_5(Some(all));
    let new = 2 * RECENT;
    assert_eq!(announced_in_5(&p), [[new, new + 1]]);
    for n in [3, 0] {
        let part = reports(&p, Scope::Only(page(n)), 0..2 * RECENT);
        p.hear(3, part);
    }
    let announced = announced_in_5(&p);
    assert_eq!(announced[1..], [vec![12, 13, 14, 15]], "{announced:?}");
    // That was the window.
}

#[test]
fn a_leader_announces_nothing_else_in_a_page_that_thaws() {
    // The real one owns ballot 1.
    let mut p = Puppets::new(FOUR, 0);
    p.others_join(1, &[1, 2, 3]);
    let [two, everyone] =
        [&["alice", "bob"][..], &["alice", "bob", "carol"]].map(|l| learners(&p, l));
    let announced = |p: &Puppets| -> Vec<(Slot, Digest)> {
        let one_cs = p.said.iter().filter_map(|m| match m {
            Message::OneC(c) => Some(&c.proposals),
            _ => None,
        });
        one_cs.flatten().map(|q| (q.slot, q.value)).collect()
    };
    for slot in 0..SLOTS {
        let (bytes, digest) = batch(&text(slot));
        p.give(bytes.values.iter().cloned().map(Input::Submit).collect());
        assert_eq!(announced(&p).last(), Some(&(Slot(slot), digest)));
        for i in [1, 2, 3] {
            p.two_av(i, 1, slot, digest, everyone);
            p.two_b(i, 1, slot, digest, two);
        }
    }
    assert_eq!(p.engine.received.frozen().collect::<Vec<_>>(), frozen());
    for checkpoint in [false, true] {
        if checkpoint {
            p.checkpoint();
        }
        p.history.flush();
        p.restart();
        p.give(Vec::new());
        let carol = learners(&p, &["carol"]);
        let pages = if checkpoint { 4..10 } else { 0..4 };
        for slot in pages.flat_map(|n| page(n).slots()) {
            for i in [1, 2, 3] {
                p.two_b(i, 1, slot.0, batch(&text(slot.0)).1, carol);
            }
        }
    }
    assert_eq!(p.engine.status().next, [Slot(SLOTS); 3]);
    let all = announced(&p);
    let slots: std::collections::BTreeSet<Slot> = all.iter().map(|(slot, _)| *slot).collect();
    assert_eq!(all.len(), slots.len(), "each slot is announced once");
    assert!(p.engine.evidence().is_empty());
}

/// Rule 9: what justifies the votes of a page is kept with it, however many ballots pass.
#[test]
fn a_frozen_page_keeps_what_justifies_its_votes() {
    let mut p = far_ahead();
    // So many ballots pass that the 1b of the first is forgotten.
    for ballot in 2..60 {
        for i in 0..3 {
            p.hear(i, one_b(ballot, 0, vec![]));
        }
    }
    let kept = p.history.page(page(2)).expect("kept");
    let of = |m: &crypto::Signed<Message>| {
        let m = m.clone().verify(p.network.keyring()).expect("genuine");
        matches!(&*m, Message::OneB(m) if m.ballot == Ballot(1))
    };
    assert_eq!(kept.iter().filter(|m| of(m)).count(), 4);
}
