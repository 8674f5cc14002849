//! HPaxos: every run is a behaviour of the specification, and every state keeps its invariants.

use super::invariants::bytes::Stored;
use super::invariants::hpaxos as invariants;
use super::oracle::{Oracle, Place, Verdict, Violation};
use super::stage::Stage;
use crate::conformance::{Refused, Spec, TooLarge};
use consensus::hpaxos::trace::{Action, Recorder, messages};
use consensus::hpaxos::{HPaxos, Message};
use consensus::{InputOf, Output, OutputOf, Record, RecordOf};
use crypto::Verified;
use std::sync::Arc;

/// Takes what nodes do apart into actions, and gives each to the specification.
pub struct Conforms {
    stage: Arc<Stage>,
    recorders: Vec<Recorder>,
    spec: Result<Spec, TooLarge>,
    stored: Stored,
    /// What happened, if it is kept.
    kept: Option<Vec<(Place, Action)>>,
}

impl Conforms {
    /// HPaxos: Init.
    #[must_use]
    pub fn new(stage: &Arc<Stage>) -> Self {
        let network = stage.network();
        let recorder = |place| Recorder::new(Arc::clone(network), stage.member(place));
        Conforms {
            recorders: (0..stage.places()).map(recorder).collect(),
            spec: Spec::new(network.graph().clone(), stage.safe()),
            stored: Stored::default(),
            kept: stage.keeps_actions.then(Vec::new),
            stage: Arc::clone(stage),
        }
    }

    fn all(&mut self, place: Place, actions: Vec<Action>) -> Verdict {
        if let Some(kept) = &mut self.kept {
            kept.extend(actions.iter().map(|action| (place, action.clone())));
        }
        let spec = self
            .spec
            .as_mut()
            .map_err(|e| Violation::of("the run can be checked", e.to_string()))?;
        for action in actions {
            let refused = |e: Refused| Violation::of("the specification", e.to_string());
            spec.apply(place, &action).map_err(refused)?;
            invariants::check(spec, &action)
                .map_err(|broken| Violation::of(broken.invariant, broken.to_string()))?;
        }
        Ok(())
    }
}

impl Oracle<HPaxos> for Conforms {
    fn started(&mut self, place: Place) -> Verdict {
        let actions = self.recorders[place].init();
        self.all(place, actions)
    }

    fn restored(&mut self, place: Place, record: &RecordOf<HPaxos>) -> Verdict {
        let actions = self.recorders[place].restored(record);
        self.all(place, actions)
    }

    fn heard(&mut self, place: Place, input: &InputOf<HPaxos>) -> Verdict {
        let actions = self.recorders[place].heard(input);
        self.all(place, actions)
    }

    fn told(&mut self, place: Place, output: &OutputOf<HPaxos>) -> Verdict {
        if let Output::Persist(record) = output {
            let own = match record {
                Record::Message(signed) => self.recorders[place].own(signed),
                _ => None,
            };
            self.stored.durable(place, record, own.as_deref())?;
        }
        let actions = self.recorders[place].told(output);
        self.all(place, actions)
    }

    fn lied(&mut self, place: Place, message: &Verified<Message>) -> Verdict {
        if self.stage.is_honest(message.signer()) {
            // It hands on what another one has said: nobody can forge that.
            return Ok(());
        }
        let said = messages(message, message.signer(), self.stage.network());
        self.all(place, said.into_iter().map(Action::FakeSend).collect())
    }

    fn actions(&mut self) -> Vec<(Place, Action)> {
        self.kept.take().unwrap_or_default()
    }
}
