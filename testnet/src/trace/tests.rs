//! Traces of a real run are accepted, and no mutation of them is.

use super::merge::{Merge, Trouble};
use super::show::Summary;
use consensus::hpaxos::trace::{Action, Msg, Vote};
use consensus::{Ballot, Slot};
use crypto::Digest;
use learner_graph::{AcceptorId, LearnerId};
use node::trace::{Init, Line};
use run::{FOUR, Run};

#[path = "../../../simulation/src/conformance/tests/run.rs"]
#[expect(dead_code, reason = "the tests of the specification need more of it")]
mod run;

type Actions = Vec<(usize, Action)>;

/// Two values in ballot 1, then one leader after the other is silent before everybody has decided what it led, and
/// all learners get everything in the end.
fn run() -> Run {
    let mut run = Run::new(FOUR);
    run.submit(0, "first");
    run.settle(20);
    run.submit(1, "second");
    run.settle(20);
    run.cut.insert(0);
    run.submit(2, "third");
    run.settle(40);
    run.heal(0);
    run.cut.insert(1);
    run.submit(2, "fourth");
    run.settle(40);
    run.heal(1);
    run.settle(40);
    run
}

fn name(node: usize) -> String {
    format!("n{}", node + 1)
}

/// The traces of all nodes, one text each.
fn texts(run: &Run, actions: &Actions) -> Vec<(String, String)> {
    let graph = run.network.graph();
    let of = |node: usize| {
        let acc = AcceptorId(node as u16);
        let safe = run.liar.map(|liar| {
            let all = graph
                .acceptors()
                .iter()
                .filter(|a| usize::from(a.0) != liar);
            all.map(|a| graph.acceptor_name(a).to_owned()).collect()
        });
        let init = Line::Init(Init {
            node: name(node),
            network: run.network.id().to_string(),
            graph: FOUR.to_owned(),
            acc: Some(graph.acceptor_name(acc).to_owned()),
            safe: safe.filter(|_| run.liar == Some(node)),
        });
        let mut text = init.to_json(graph) + "\n";
        for (_, action) in actions.iter().filter(|(at, _)| *at == node) {
            let line = Line::Step {
                node: name(node),
                action: action.clone(),
            };
            text += &(line.to_json(graph) + "\n");
        }
        (format!("{}.ndjson", name(node)), text)
    };
    (0..graph.n_acceptors()).map(of).collect()
}

fn check(texts: &[(String, String)], faulty: &[&str]) -> Result<(Summary, u64), Trouble> {
    let inputs = texts
        .iter()
        .map(|(n, t)| (n.clone(), t.as_bytes()))
        .collect();
    let faulty: Vec<String> = faulty.iter().map(|f| (*f).to_owned()).collect();
    let mut merge = Merge::start(inputs, &faulty)?;
    let mut summary = Summary::new(merge.spec().graph(), None);
    let mut untold = 0;
    while let Some(taken) = merge.take_next()? {
        summary.count(&taken);
        untold += u64::from(taken.file.is_empty());
    }
    merge.finish()?;
    summary.decided(merge.spec());
    Ok((summary, untold))
}

fn why(trouble: Trouble) -> String {
    match trouble {
        Trouble::Refused(culprit) => format!("{culprit:?}"),
        Trouble::Failure(failure) => format!("could not be checked: {failure}"),
    }
}

#[test]
fn a_run_is_accepted_whatever_the_order_of_its_files() {
    let run = run();
    let mut texts = texts(&run, &run.actions);
    for _ in 0..4 {
        let (summary, untold) = check(&texts, &[]).map_err(why).expect("accepted");
        assert_eq!(untold, 0);
        let shown: serde_json::Value = serde_json::from_str(&summary.show(true)).expect("JSON");
        for learner in ["alice", "bob", "carol"] {
            assert!(shown["decided"][learner].as_u64() >= Some(3), "{shown}");
        }
        assert!(shown["ballots"].as_u64() >= Some(2), "{shown}");
        texts.rotate_left(1);
    }
}

/// A kind of mutation: whether it changed this action (`None`: the line is left out).
type Mutation = fn(usize, &Action) -> Option<Vec<(usize, Action)>>;

fn of_vote(action: &Action, change: impl Fn(&mut Vote)) -> Option<Action> {
    let mut action = action.clone();
    match &mut action {
        Action::Send(Msg::OneC(v, _) | Msg::TwoAv(_, v, _) | Msg::TwoB(_, v, _)) => change(v),
        Action::Recv(_, Msg::OneC(v, _) | Msg::TwoAv(_, v, _) | Msg::TwoB(_, v, _)) => change(v),
        Action::LearnerRecv(Msg::TwoB(_, v, _)) => change(v),
        _ => return None,
    }
    Some(action)
}

fn other_value() -> Digest {
    Digest::of(b"never proposed")
}

const CAROL: LearnerId = LearnerId(2);

fn dropped_send(_: usize, action: &Action) -> Option<Actions> {
    matches!(action, Action::Send(_)).then(Vec::new)
}

/// carol needs all four: without any 2av that is for her no 2b of her follows.
fn dropped_recv_of_2av(_: usize, action: &Action) -> Option<Actions> {
    let needed = matches!(action, Action::Recv(_, Msg::TwoAv(_, v, Slot(0))) if v.lr == CAROL);
    needed.then(Vec::new)
}

fn dropped_recv_of_1a(_: usize, action: &Action) -> Option<Actions> {
    let needed = matches!(action, Action::Recv(_, Msg::OneA { bal, .. }) if bal.0 == 1);
    needed.then(Vec::new)
}

fn dropped_recv_of_1c(_: usize, action: &Action) -> Option<Actions> {
    let needed = matches!(action, Action::Recv(_, Msg::OneC(v, Slot(0))) if v.bal.0 == 1);
    needed.then(Vec::new)
}

fn dropped_recv_of_1b(_: usize, action: &Action) -> Option<Actions> {
    let needed =
        matches!(action, Action::Recv(_, Msg::OneB { lr, bal, .. }) if *lr == CAROL && bal.0 == 1);
    needed.then(Vec::new)
}

fn dropped_learner_recv(_: usize, action: &Action) -> Option<Actions> {
    let needed = matches!(action, Action::LearnerRecv(Msg::TwoB(_, v, Slot(0))) if v.lr == CAROL);
    needed.then(Vec::new)
}

fn changed_value(node: usize, action: &Action) -> Option<Actions> {
    let changed = of_vote(action, |v| v.val = other_value());
    let changed = changed.or_else(|| match action.clone() {
        Action::LearnerDecide { lr, bal, slot, .. } => Some(Action::LearnerDecide {
            lr,
            bal,
            slot,
            val: other_value(),
        }),
        _ => None,
    });
    changed.map(|action| vec![(node, action)])
}

fn changed_ballot(node: usize, action: &Action) -> Option<Actions> {
    let mut changed = of_vote(action, |v| v.bal = v.bal.next());
    if changed.is_none() {
        let mut action = action.clone();
        match &mut action {
            Action::Send(Msg::OneA { bal, .. } | Msg::OneB { bal, .. })
            | Action::LearnerDecide { bal, .. }
            | Action::Recv(_, Msg::OneB { bal, .. }) => *bal = bal.next(),
            _ => return None,
        }
        changed = Some(action);
    }
    changed.map(|action| vec![(node, action)])
}

fn changed_slot(node: usize, action: &Action) -> Option<Actions> {
    let mut action = action.clone();
    match &mut action {
        Action::Send(Msg::OneC(_, slot) | Msg::TwoAv(_, _, slot) | Msg::TwoB(_, _, slot))
        | Action::LearnerDecide { slot, .. } => *slot = Slot(slot.0 + 50),
        _ => return None,
    }
    Some(vec![(node, action)])
}

fn changed_learner(node: usize, action: &Action) -> Option<Actions> {
    let next = |lr: &mut LearnerId| *lr = LearnerId((lr.0 + 1) % 3);
    let mut action = action.clone();
    match &mut action {
        Action::Send(Msg::OneA { lr, .. } | Msg::OneB { lr, .. }) => next(lr),
        Action::Send(Msg::OneC(v, _) | Msg::TwoAv(_, v, _) | Msg::TwoB(_, v, _)) => {
            next(&mut v.lr);
        }
        _ => return None,
    }
    Some(vec![(node, action)])
}

fn changed_sender(node: usize, action: &Action) -> Option<Actions> {
    let next = |acc: &mut AcceptorId| *acc = AcceptorId((acc.0 + 1) % 4);
    let mut action = action.clone();
    match &mut action {
        Action::Send(Msg::OneB { acc, .. } | Msg::TwoAv(acc, ..) | Msg::TwoB(acc, ..))
        | Action::Recv(acc, _) => next(acc),
        _ => return None,
    }
    Some(vec![(node, action)])
}

/// The same vote again for another value, and the same statement again.
fn second_vote(node: usize, action: &Action) -> Option<Actions> {
    let acceptor = matches!(action, Action::Send(Msg::TwoAv(..) | Msg::TwoB(..)));
    let other = of_vote(action, |v| v.val = other_value()).filter(|_| acceptor)?;
    Some(vec![(node, action.clone()), (node, other)])
}

fn said_twice(node: usize, action: &Action) -> Option<Actions> {
    let acceptor = matches!(
        action,
        Action::Send(Msg::OneB { .. } | Msg::TwoAv(..) | Msg::TwoB(..))
    );
    acceptor.then(|| vec![(node, action.clone()); 2])
}

fn hidden_vote(node: usize, action: &Action) -> Option<Actions> {
    let mut action = action.clone();
    let Action::Send(Msg::OneB { slots, .. }) = &mut action else {
        return None;
    };
    let said = slots.iter_mut().find(|s| !s.votes.is_empty())?;
    said.votes.pop();
    Some(vec![(node, action)])
}

fn hidden_proposal(node: usize, action: &Action) -> Option<Actions> {
    let mut action = action.clone();
    let Action::Send(Msg::OneB { slots, .. }) = &mut action else {
        return None;
    };
    let said = slots.iter_mut().find(|s| !s.proposals.is_empty())?;
    said.proposals.pop();
    Some(vec![(node, action)])
}

fn invented_vote(node: usize, action: &Action) -> Option<Actions> {
    let mut action = action.clone();
    let Action::Send(Msg::OneB { slots, bal, .. }) = &mut action else {
        return None;
    };
    let said = slots.first_mut()?;
    let (lr, bal, val) = (CAROL, Ballot(bal.0 - 1), other_value());
    said.votes.push(Vote { lr, bal, val });
    Some(vec![(node, action)])
}

fn raised_low_water(node: usize, action: &Action) -> Option<Actions> {
    let mut action = action.clone();
    let Action::Send(Msg::OneB {
        low_water, slots, ..
    }) = &mut action
    else {
        return None;
    };
    *low_water = Slot(low_water.0 + 100);
    slots.clear();
    Some(vec![(node, action)])
}

fn lie_of_a_safe_acceptor(node: usize, action: &Action) -> Option<Actions> {
    match action {
        Action::Send(m @ Msg::TwoB(..)) => Some(vec![(node, Action::FakeSend(m.clone()))]),
        _ => None,
    }
}

fn moved_to_another_node(node: usize, action: &Action) -> Option<Actions> {
    let acts = matches!(
        action,
        Action::Send(Msg::TwoAv(..) | Msg::TwoB(..)) | Action::Recv(..)
    );
    acts.then(|| vec![((node + 1) % 4, action.clone())])
}

const MUTATIONS: [(&str, Mutation); 20] = [
    ("a send is left out", dropped_send),
    ("the Recv of a 1a is left out", dropped_recv_of_1a),
    ("the Recv of a 1b is left out", dropped_recv_of_1b),
    ("the Recv of a 1c is left out", dropped_recv_of_1c),
    ("the Recv of a 2av is left out", dropped_recv_of_2av),
    ("a LearnerRecv is left out", dropped_learner_recv),
    ("another value", changed_value),
    ("another ballot", changed_ballot),
    ("another slot", changed_slot),
    ("another learner", changed_learner),
    ("another sender", changed_sender),
    ("a second vote", second_vote),
    ("said twice", said_twice),
    ("a 1b hides a vote", hidden_vote),
    ("a 1b hides a 2av", hidden_proposal),
    ("a 1b invents a vote", invented_vote),
    ("a 1b drops slots", raised_low_water),
    ("a safe acceptor lies", lie_of_a_safe_acceptor),
    ("at another node", moved_to_another_node),
    ("disconnects the entangled", disconnects),
];

fn disconnects(node: usize, action: &Action) -> Option<Actions> {
    let Action::Recv(acc, _) = action else {
        return None;
    };
    let disconnect = Action::Disconnect {
        acc: *acc,
        pairs: vec![(LearnerId(0), CAROL)],
        caught: learner_graph::AcceptorSet::EMPTY,
        apart: Vec::new(),
    };
    Some(vec![(node, action.clone()), (node, disconnect)])
}

/// How many places of a run are tried for each kind.
const PLACES: usize = 25;

#[test]
fn no_mutation_is_accepted() {
    let run = run();
    for (kind, mutation) in MUTATIONS {
        let places: Vec<usize> = (0..run.actions.len())
            .filter(|at| mutation(run.actions[*at].0, &run.actions[*at].1).is_some())
            // What is received for the second time is not missed.
            .filter(|at| !run.actions[..*at].contains(&run.actions[*at]))
            .collect();
        assert!(places.len() >= 3, "{kind}: {} places", places.len());
        let every = places.len().div_ceil(PLACES);
        for at in places.into_iter().step_by(every) {
            let (node, action) = &run.actions[at];
            let instead = mutation(*node, action).expect("a place of it");
            let mut actions = run.actions.clone();
            actions.splice(at..=at, instead);
            match check(&texts(&run, &actions), &[]) {
                Err(Trouble::Refused(_)) => {}
                Err(Trouble::Failure(e)) => panic!("{kind} at {at}: {e}"),
                Ok(_) => panic!("{kind} is accepted at {at}, node {node}: {action:?}"),
            }
        }
    }
}

/// The file of a liar may be missing: then it has to be said that it is one.
#[test]
fn what_a_liar_said_need_not_be_told() {
    let mut run = Run::new(FOUR);
    run.liar = Some(3);
    run.submit(1, "first");
    run.settle(30);
    let texts = texts(&run, &run.actions);
    let (_, untold) = check(&texts, &[]).map_err(why).expect("accepted");
    assert_eq!(untold, 0, "all that it said is in its file");
    let (_, untold) = check(&texts[..3], &["a4"]).map_err(why).expect("accepted");
    assert!(untold > 0);
    let refused = check(&texts[..3], &[]).expect_err("nobody is said to lie");
    assert!(why(refused).contains("of a4"), "it is named");
}

#[test]
fn lines_are_named() {
    let run = run();
    let mut texts = texts(&run, &run.actions);
    // The second 2b of n3 is for another value.
    let lines: Vec<&str> = texts[2].1.lines().collect();
    let places = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| l.contains("\"Phase2b\""));
    let (at, line) = places.clone().nth(1).expect("a second 2b");
    let from = line.find("\"val\":\"").expect("a value") + 7;
    let changed = format!("{}{}{}", &line[..from], other_value(), &line[from + 64..]);
    texts[2].1 = texts[2].1.replacen(line, &changed, 1);
    let Err(Trouble::Refused(culprit)) = check(&texts, &[]) else {
        panic!("a line is refused");
    };
    assert_eq!((culprit.file.as_str(), culprit.line), ("n3.ndjson", at + 1));
    assert_eq!(culprit.node, "n3");
    assert_eq!(culprit.broken, "one value");
    assert!(culprit.why.contains("a3"), "{}", culprit.why);
}

#[test]
fn files_of_different_networks_are_not_mixed() {
    let run = run();
    let mut texts = texts(&run, &run.actions);
    let id = run.network.id().to_string();
    texts[1].1 = texts[1].1.replacen(&id, &"0".repeat(64), 1);
    assert!(why(check(&texts, &[]).expect_err("two networks")).contains("n2.ndjson:1"));
    assert!(why(check(&[], &[]).expect_err("nothing")).contains("no file has a line"));
    let unknown = check(&texts[..1], &["a9"]).expect_err("no such acceptor");
    assert!(matches!(unknown, Trouble::Failure(f) if f.code() == 2));
}
