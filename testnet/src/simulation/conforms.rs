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
use node::trace::{Init, Line, Writer, WriterError};
use std::sync::Arc;

/// Takes what nodes do apart into actions, and gives each to the specification.
pub struct Conforms {
    stage: Arc<Stage>,
    recorders: Vec<Recorder>,
    spec: Result<Spec, TooLarge>,
    stored: Stored,
    begun: bool,
    /// Where the actions are written, if they are.
    trace: Option<Result<Writer, WriterError>>,
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
            begun: false,
            trace: stage.trace.as_deref().map(Writer::open),
            stage: Arc::clone(stage),
        }
    }

    fn all(&mut self, place: Place, actions: Vec<Action>) -> Verdict {
        let node = self.stage.name(place);
        let step = |action: &Action| Line::Step {
            node: node.clone(),
            action: action.clone(),
        };
        self.write(|| actions.iter().map(step).collect())?;
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

    fn write(&mut self, lines: impl FnOnce() -> Vec<Line>) -> Verdict {
        let graph = self.stage.network().graph();
        let written = match &mut self.trace {
            None => return Ok(()),
            Some(Ok(writer)) => writer.append(&lines(), graph).map_err(|e| e.to_string()),
            Some(Err(e)) => Err(e.to_string()),
        };
        written.map_err(|e| Violation::of("the trace can be written", e))
    }

    fn init(&self, place: Place) -> Line {
        let graph = self.stage.network().graph();
        let name = |acc| graph.acceptor_name(acc).to_owned();
        Line::Init(Init {
            node: self.stage.name(place),
            network: self.stage.network().id().to_string(),
            graph: self.stage.config.graph_text.clone(),
            acc: self.stage.acceptor(place).map(name),
            safe: Some(self.stage.safe().iter().map(name).collect()),
        })
    }
}

impl Oracle<HPaxos> for Conforms {
    fn started(&mut self, place: Place) -> Verdict {
        if !std::mem::replace(&mut self.begun, true) {
            let all = (0..self.stage.places()).map(|at| self.init(at));
            let all = all.collect();
            self.write(|| all)?;
        }
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
}
