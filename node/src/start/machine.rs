//! The machine of each mode.

use super::StartError;
use crate::byzantine::{Liar, Lie};
use crate::config::{Config, NodeConfig};
use crate::engine::{self, Announced, EngineHandle, Event, Machine};
use crate::trace::Tracer;
use crate::{disks, machines};
use consensus::disk_paxos::{DiskPaxos, Operation};
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{Ballot, HistoryOf, Slot};
use crypto::{Digest, Keypair, Signer};
use std::path::Path;
use std::sync::Arc;

/// Heterogeneous Paxos. Whoever signs reads the key file.
pub(super) fn hpaxos(
    config: &Config,
    node: &NodeConfig,
    key: &Path,
    trace: Option<&Path>,
    history: Arc<HistoryOf<HPaxos>>,
) -> Result<Machine<HPaxos>, StartError> {
    let signer = || -> Result<Option<Signer>, StartError> {
        let Some(member) = node.member else {
            return Ok(None);
        };
        Ok(Some(Signer::new(
            Keypair::load(key)?,
            member,
            config.network.id(),
        )))
    };
    let protocol = machines::hpaxos(config, signer()?, history);
    let lie = match (node.byzantine, signer()?) {
        (Some(behaviour), Some(signer)) => {
            tracing::warn!(
                behaviour = behaviour.name(),
                "THIS NODE MISBEHAVES ON PURPOSE: remove `byzantine` from its configuration unless this is a test"
            );
            let liar = Liar::new(behaviour, signer);
            let lie: Lie<HPaxos> =
                Box::new(move |message| Some(liar.contradict(message)?.signed().clone()));
            Some(lie)
        }
        _ => None,
    };
    let trace = trace.map(|file| Tracer::start(file, config, node));
    let trace = trace.transpose().map_err(StartError::Trace)?;
    Ok(Machine {
        protocol,
        lie,
        trace: trace.map(|trace| Box::new(trace) as Box<dyn engine::Trace<HPaxos>>),
        disks: None,
        announces: |message| match &**message {
            hpaxos::Message::OneC(one_c) => {
                let proposals = one_c.proposals.iter();
                let announced = proposals.map(|p| announced(p.slot, one_c.ballot, p.value));
                announced.collect()
            }
            _ => Vec::new(),
        },
    })
}

/// Classic Paxos.
pub(super) fn paxos(
    config: &Config,
    node: &NodeConfig,
    history: Arc<HistoryOf<Paxos>>,
) -> Machine<Paxos> {
    Machine {
        protocol: machines::paxos(config, node, history),
        lie: None,
        trace: None,
        disks: None,
        announces: |message| match &message.body {
            paxos::Body::TwoA { ballot, values } => {
                let values = values.iter();
                values
                    .map(|(slot, value)| announced(*slot, *ballot, *value))
                    .collect()
            }
            _ => Vec::new(),
        },
    }
}

/// Disk Paxos. A processor has a thread for each disk; a node that is none learns by gossip.
pub(super) fn disk_paxos(
    config: &Config,
    node: &NodeConfig,
    engine: &EngineHandle,
    history: Arc<HistoryOf<DiskPaxos>>,
) -> Result<Machine<DiskPaxos>, StartError> {
    let disks = match (&config.disks, node.processor) {
        (Some(disks), Some(id)) => {
            let name = node.name.clone();
            let engine = engine.clone();
            let report = move |event| {
                // Whatever happens on a disk after the engine has ended, nobody needs to know.
                let _ = engine.send(Event::Disk(event));
            };
            let disks = disks::Disks::start(disks, &disks::Member { id, name }, report);
            let disks = Threads(disks.map_err(StartError::Thread)?);
            Some(Box::new(disks) as Box<dyn engine::Disks>)
        }
        _ => None,
    };
    Ok(Machine {
        protocol: machines::disk_paxos(config, node, history),
        lie: None,
        trace: None,
        disks,
        // What it proposes goes to the disks. What it tells the others is committed already.
        announces: |message| {
            let votes = message.votes.iter();
            votes
                .map(|vote| announced(vote.slot, vote.ballot, vote.value))
                .collect()
        },
    })
}

fn announced(slot: Slot, ballot: Ballot, value: Digest) -> Announced {
    Announced {
        slot,
        ballot,
        value,
    }
}

/// The disks' threads. They end with the engine, which lets go of its queue before.
struct Threads(disks::Disks);

impl engine::Disks for Threads {
    fn submit(&mut self, operation: Operation) {
        self.0.send(operation);
    }
}
