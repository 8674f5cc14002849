//! What a running node of HPaxos writes.

use super::line::{Init, Line};
use super::writer::{Writer, WriterError};
use crate::config::{Config, NodeConfig};
use crate::engine::Trace;
use consensus::Network;
use consensus::hpaxos::trace::{Action, Recorder, messages};
use consensus::hpaxos::{HPaxos, Input, Message, Output, Record};
use crypto::{Digest, Signed};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Writes the trace of one node.
///
/// A node that is killed between storing something and writing its line has stored more than its file
/// tells. So while it takes back what is stored it writes the lines that are not there yet.
pub(crate) struct Tracer {
    writer: Writer,
    recorder: Recorder,
    network: Arc<Network>,
    node: String,
    /// Whether the node misbehaves on purpose: then its acceptor is not safe.
    misbehaves: bool,
    /// The lines from before the start, until everything is taken back.
    known: Option<HashSet<Digest>>,
}

impl Tracer {
    /// Opens the file of a node and says that it starts.
    pub(crate) fn start(
        path: &Path,
        config: &Config,
        node: &NodeConfig,
    ) -> Result<Tracer, WriterError> {
        let network = Arc::clone(&config.network);
        let id = network.id().to_string();
        let mut writer = Writer::open(path)?;
        let known = writer.known(&node.name, &id)?;
        let mut tracer = Tracer {
            recorder: Recorder::new(Arc::clone(&network), node.member),
            writer,
            network,
            node: node.name.clone(),
            misbehaves: node.byzantine.is_some(),
            known: Some(known),
        };
        let init = Line::Init(tracer.init(config, node, id));
        tracer.writer.append([&init], tracer.network.graph())?;
        let never_connected = tracer.recorder.init();
        tracer.write(never_connected)?;
        Ok(tracer)
    }

    fn init(&self, config: &Config, node: &NodeConfig, network: String) -> Init {
        let graph = self.network.graph();
        let name = |acc| graph.acceptor_name(acc).to_owned();
        let others = || {
            let all = graph.acceptors().iter();
            all.filter(|acc| Some(*acc) != node.acceptor)
        };
        Init {
            node: node.name.clone(),
            network,
            graph: config.graph_text.clone(),
            acc: node.acceptor.map(name),
            safe: self.misbehaves.then(|| others().map(name).collect()),
        }
    }

    fn write(&mut self, actions: Vec<Action>) -> Result<(), WriterError> {
        let honest = |action: Action| match self.misbehaves {
            true => action.of_unsafe(),
            false => Some(action),
        };
        let line = |action| Line::Step {
            node: self.node.clone(),
            action,
        };
        let graph = self.network.graph();
        let lines = actions.into_iter().filter_map(honest).map(line);
        let new = |line: &Line| match &self.known {
            Some(known) => !known.contains(&Digest::of(line.to_json(graph).as_bytes())),
            None => true,
        };
        let lines: Vec<Line> = lines.filter(new).collect();
        if lines.is_empty() {
            return Ok(());
        }
        self.writer.append(&lines, graph)
    }
}

impl Trace<HPaxos> for Tracer {
    fn restored(&mut self, record: &Record, outputs: &[Output]) -> Result<(), WriterError> {
        let own = Output::Persist(record.clone());
        let mut actions = self.recorder.told(&own);
        actions.extend(self.recorder.restored(record));
        actions.extend(outputs.iter().flat_map(|out| self.recorder.told(out)));
        self.write(actions)
    }

    fn heard(&mut self, inputs: &[Input]) -> Result<(), WriterError> {
        // Everything is taken back before anything is heard.
        self.known = None;
        let actions = inputs.iter().flat_map(|input| self.recorder.heard(input));
        let actions = actions.collect();
        self.write(actions)
    }

    fn told(&mut self, outputs: &[Output], lies: &[Signed<Message>]) -> Result<(), WriterError> {
        let told = outputs.iter().flat_map(|out| self.recorder.told(out));
        let lies = lies.iter().flat_map(|lie| lied(lie, &self.network));
        let actions = told.chain(lies).collect();
        self.write(actions)
    }
}

fn lied(lie: &Signed<Message>, network: &Network) -> Vec<Action> {
    let Ok(lie) = lie.clone().verify(network.keyring()) else {
        return Vec::new();
    };
    let said = messages(&lie, lie.signer(), network);
    said.into_iter().map(Action::FakeSend).collect()
}
