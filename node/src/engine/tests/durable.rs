//! Nothing of a step is done before everything that it stores is durable, or although the history failed.

use super::played::{Done, Played, Stage, decision, gone, read};
use super::*;
use consensus::history::History as _;

/// Says 1, then 2 when it has heard that, and ends. It stores something before and after everything, keeps
/// a decision, asks a disk, and tells the client that submitted something.
fn talker(stage: &Stage) -> Played {
    let (history, engine) = (Arc::clone(&stage.history), stage.engine.clone());
    Played::new(move |inputs| {
        let mut outputs = Vec::new();
        for input in inputs {
            match input {
                Input::Submit(value) => {
                    history.keep(decision(0, 0));
                    outputs.extend([
                        Output::Persist(Record::Message(10)),
                        Output::Send(1),
                        Output::Accepted(value.id()),
                        Output::Disk(read()),
                        Output::Persist(Record::Message(11)),
                    ]);
                }
                Input::Message(1) => outputs.extend([
                    Output::Persist(Record::Message(12)),
                    Output::Send(2),
                    Output::Persist(Record::Message(13)),
                ]),
                Input::Message(2) => {
                    outputs.push(Output::Persist(Record::Message(14)));
                    engine.send(Event::Stop).expect("there is room");
                }
                _ => {}
            }
        }
        outputs
    })
}

/// A peer may be asked for decisions.
const ASK: Event = Event::AskPeer {
    peer: 1,
    kind: RequestKind::Sync,
};

/// Who asks says where it stands, and what has come by then is not to come again.
#[test]
fn a_peer_is_asked_when_what_has_come_is_taken_in() {
    let mut stage = Stage::new();
    stage.engine.send(ASK).expect("there is room");
    let value = testing::batch(&[b"value"]).values[0].clone();
    stage.submit(value);
    let protocol = talker(&stage);
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Ok(()));
    let at = |what: &Done| done.iter().position(|done| done == what);
    let (sent, requested) = (at(&Done::Sent(2)), at(&Done::Requested));
    assert!(sent.is_some() && sent < requested, "{done:?}");
}

/// Whoever leads can name bytes that nobody has. While many are missing, decisions are asked for now and then only.
#[test]
fn bytes_that_nobody_has_do_not_keep_decisions_away() {
    let mut stage = Stage::new();
    for _ in 0..3 {
        stage.engine.send(ASK).expect("there is room");
    }
    stage.submit(testing::batch(&[b"value"]).values[0].clone());
    let engine = stage.engine.clone();
    let missing = (0..5000u16).map(|n| Digest::of(&n.to_le_bytes()));
    let protocol = Played::new(move |inputs| {
        if !inputs.is_empty() {
            engine.send(Event::Stop).expect("there is room");
        }
        Vec::new()
    });
    let protocol = protocol.wanting(missing);
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Ok(()));
    let asked = done.iter().filter(|done| **done == Done::Requested);
    assert_eq!(asked.count(), 1);
}

fn submitted() -> Stage {
    let mut stage = Stage::new();
    let value = testing::batch(&[b"value"]).values[0].clone();
    stage.submit(value);
    stage
}

/// What the talker stores, and then it is synced.
fn stored() -> Vec<Done> {
    let stored = (10..=14).map(Done::Stored);
    // What led to the decision is not durable until then, so nobody else sees it.
    stored.chain([Done::Synced { shown: 0 }]).collect()
}

#[test]
fn nothing_leaves_before_everything_stored_is_durable() {
    let stage = submitted();
    let (protocol, history) = (talker(&stage), Arc::clone(&stage.history));
    let (ended, mut done) = stage.run(protocol, &[]);
    assert_eq!(ended, Ok(()));
    let after = done.split_off(stored().len().min(done.len()));
    assert_eq!(done, stored(), "then {after:?}");
    // All of it leaves then, whatever comes first.
    assert_eq!(after.len(), 4, "{after:?}");
    for expected in [Done::Asked, Done::Accepted, Done::Sent(1), Done::Sent(2)] {
        assert!(after.contains(&expected), "{expected:?} of {after:?}");
    }
    let shown = history.decisions(LearnerId(0), Slot(0), 9, usize::MAX);
    assert_eq!(shown.expect("it works").len(), 1);
}

#[test]
fn nothing_leaves_that_could_not_be_made_durable() {
    let mut stage = submitted();
    stage.syncs = false;
    let (protocol, history) = (talker(&stage), Arc::clone(&stage.history));
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Err(EngineError::Storage(gone())));
    assert_eq!(done, stored());
    let shown = history.decisions(LearnerId(0), Slot(0), 9, usize::MAX);
    assert_eq!(shown.expect("it works"), []);
}

#[test]
fn nothing_of_a_step_whose_history_failed_is_done() {
    let stage = submitted();
    let (history, mut talker) = (Arc::clone(&stage.history), talker(&stage));
    let mut heard = 0;
    let protocol = Played::new(move |inputs| {
        heard += inputs.len();
        // In the last step of three that share a sync.
        if heard == 3 {
            history.fail(&gone());
        }
        talker.step(Time::ZERO, inputs)
    });
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Err(EngineError::Storage(gone())));
    let stored: Vec<_> = (10..=14).map(Done::Stored).collect();
    assert_eq!(done, stored);
}

/// What is only heard is not worth a sync: it becomes durable with the next thing that is said, or a little later.
#[test]
fn what_a_node_only_hears_waits_for_what_it_says() {
    let stage = Stage::new();
    for disk in DISKS {
        stage.engine.send(failed(disk)).expect("there is room");
    }
    let engine = stage.engine.clone();
    let mut steps = 0;
    let protocol = Played::new(move |_| {
        steps += 1;
        match steps {
            1 => vec![Output::Persist(Record::Message(1)), decided()],
            2 => vec![
                Output::Persist(Record::Message(2)),
                Output::Persist(Record::Message(3)),
                Output::Send(4),
            ],
            // Its own message.
            3 => {
                engine.send(Event::Stop).expect("there is room");
                vec![Output::Persist(Record::Message(5))]
            }
            _ => Vec::new(),
        }
    });
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Ok(()));
    let stored = [1, 2, 3, 5].map(Done::Stored);
    let after = [Done::Synced { shown: 0 }, Done::Sent(4)];
    assert_eq!(done, [&stored[..], &after].concat());
}

#[test]
fn what_a_node_only_hears_is_durable_a_little_later() {
    let mut stage = Stage::new();
    stage.stops = Some(stage.engine.clone());
    let mut first = Some(vec![Output::Persist(Record::Message(1)), decided()]);
    let protocol = Played::new(move |_| first.take().unwrap_or_default());
    let (tell, ended) = channel();
    std::thread::spawn(move || tell.send(stage.run(protocol, &[])));
    let (ended, done) = ended.recv_timeout(DEADLINE).expect("it is synced");
    assert_eq!(ended, Ok(()));
    assert_eq!(done, [Done::Stored(1), Done::Synced { shown: 0 }]);
}

fn decided() -> OutputOf<Played> {
    match decision(0, 0) {
        Keep::Decision { decision, .. } => Output::Decided(decision),
        other => panic!("{other:?}"),
    }
}
