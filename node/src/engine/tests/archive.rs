//! What happens to the node when a thread that reads the history panics.

use super::played::PANICS;
use super::*;
use crate::alarm::Ended;
use tokio::sync::{oneshot, watch};

/// An archivist of a decision that nobody can look at, and how the node ends.
struct Fixture {
    archivist: Archivist<Played>,
    ended: watch::Receiver<Ended>,
    _network: mpsc::Receiver<Command>,
    _directory: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().expect("a directory");
    let history = played::history(directory.path());
    let mut keep = played::decision(0, 0);
    if let Keep::Decision { proof, .. } = &mut keep {
        *proof = vec![PANICS];
    }
    history.keep(keep);
    history.flush();
    let (commands, network) = mpsc::channel(1);
    let (alarm, ended) = testing::alarm();
    Fixture {
        archivist: Archivist::start(history, commands, &alarm),
        ended,
        _network: network,
        _directory: directory,
    }
}

impl Fixture {
    async fn ends(mut self) {
        let ended = self.ended.wait_for(Option::is_some);
        let ended = tokio::time::timeout(DEADLINE, ended).await;
        let ended = ended.expect("in time").expect("said").clone();
        assert_eq!(ended, Some(Err(EngineError::Panicked)));
    }
}

#[tokio::test]
async fn a_panic_while_a_peer_is_answered_ends_the_node() {
    let f = fixture();
    let live = SyncAnswer {
        messages: Vec::new(),
        evidence: Vec::new(),
    };
    let question = Question::Decisions(vec![Slot(0)], live);
    assert!(f.archivist.ask(Ticket(0), question).is_none());
    f.ends().await;
}

#[tokio::test]
async fn a_panic_while_a_decision_is_proved_ends_the_node() {
    let f = fixture();
    let (answer, _told) = oneshot::channel();
    f.archivist.prove(Proof {
        learner: LearnerId(0),
        slot: Slot(0),
        certificate: None,
        answer,
    });
    f.ends().await;
}
