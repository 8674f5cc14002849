//! When the log is replaced: never by what relies on something that is not durable, broken or not known.

use super::played::{Done, Played, Stage, decision, gone};
use super::*;
use consensus::history::History as _;
use std::sync::Mutex;

/// Keeps a decision and stores something when it hears of a disk, and ends.
fn keeper(stage: &Stage) -> Played {
    let (history, engine) = (Arc::clone(&stage.history), stage.engine.clone());
    Played::new(move |inputs| {
        if inputs.is_empty() {
            return Vec::new();
        }
        history.keep(decision(0, 0));
        engine.send(Event::Stop).expect("there is room");
        vec![Output::Persist(Record::Message(10))]
    })
}

/// The log is to be replaced whenever there is anything in it.
fn eager() -> Stage {
    let mut stage = Stage::new();
    stage.checkpoint_bytes = 1;
    stage.engine.send(failed(DISKS[0])).expect("there is room");
    stage
}

#[test]
fn the_history_is_durable_before_a_checkpoint_relies_on_it() {
    let stage = eager();
    let protocol = keeper(&stage);
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Ok(()));
    let expected = [
        Done::Stored(10),
        Done::Synced { shown: 0 },
        Done::Replaced { unwritten: 0 },
    ];
    assert_eq!(done, expected);
}

#[test]
fn what_a_broken_history_was_asked_for_replaces_no_log() {
    let stage = eager();
    let (protocol, history) = (keeper(&stage), Arc::clone(&stage.history));
    // It is durable, and then cannot be read.
    let protocol = protocol.at_checkpoints(move || history.fail(&gone()));
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Err(EngineError::Storage(gone())));
    assert_eq!(done, [Done::Stored(10), Done::Synced { shown: 0 }]);
}

#[test]
fn no_checkpoint_is_asked_for_while_the_node_has_not_heard_all_that_it_said() {
    /// So many messages need several batches of steps.
    const MESSAGES: u64 = 40;
    let stage = eager();
    let engine = stage.engine.clone();
    let last_heard = Arc::new(Mutex::new(0));
    let at_checkpoints = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&last_heard);
    let protocol = Played::new(move |inputs| {
        let mut outputs = Vec::new();
        for input in inputs {
            let say = match input {
                Input::Message(number) => {
                    *heard.lock().expect("nobody panicked") = number;
                    number + 1
                }
                _ => 1,
            };
            if say <= MESSAGES {
                outputs.extend([Output::Persist(Record::Message(say)), Output::Send(say)]);
            } else {
                engine.send(Event::Stop).expect("there is room");
            }
        }
        outputs
    });
    let asked = Arc::clone(&at_checkpoints);
    let protocol = protocol.at_checkpoints(move || {
        let heard = *last_heard.lock().expect("nobody panicked");
        asked.lock().expect("nobody panicked").push(heard);
    });
    let (ended, done) = stage.run(protocol, &[]);
    assert_eq!(ended, Ok(()));
    let syncs = |done: &&Done| matches!(done, Done::Synced { .. });
    assert!(done.iter().filter(syncs).count() > 1, "{done:?}");
    let asked = at_checkpoints.lock().expect("nobody panicked");
    assert_eq!(*asked, [MESSAGES]);
}
