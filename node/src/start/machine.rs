//! The machine of each mode.

use super::StartError;
use crate::byzantine::{Liar, Lie};
use crate::config::{Config, Limits, NodeConfig};
use crate::disks;
use crate::engine::{self, EngineHandle, Event, Machine};
use crate::trace::Tracer;
use consensus::disk_paxos::{self, DiskPaxos, Operation};
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use crypto::{Keypair, Signer};
use learner_graph::LearnerId;
use std::path::Path;
use std::sync::Arc;

/// Heterogeneous Paxos. Whoever signs reads the key file.
pub(super) fn hpaxos(
    config: &Config,
    node: &NodeConfig,
    key: &Path,
    trace: Option<&Path>,
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
    let limits = &config.limits;
    let protocol = HPaxos::new(
        Arc::clone(&config.network),
        hpaxos::Config {
            signer: signer()?,
            patience: Limits::ms(limits.patience_ms),
            grace: Limits::ms(limits.grace_ms),
            window: limits.window,
            max_waiting: Limits::count(limits.max_waiting),
        },
    );
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
    })
}

/// Classic Paxos.
pub(super) fn paxos(config: &Config, node: &NodeConfig) -> Machine<Paxos> {
    let limits = &config.limits;
    let read = config.read_quorums.as_ref();
    let protocol = Paxos::new(
        Arc::clone(&config.network),
        paxos::Config {
            me: node.member,
            // A node that plays no learner shows no decisions, whosever they are.
            learner: node.learners.first().copied().unwrap_or(LearnerId(0)),
            read: read.unwrap_or(config.network.graph()).clone(),
            patience: Limits::ms(limits.patience_ms),
            window: limits.window,
            max_waiting: Limits::count(limits.max_waiting),
        },
    );
    Machine {
        protocol,
        lie: None,
        trace: None,
        disks: None,
    }
}

/// Disk Paxos. A processor has a thread for each disk; a node that is none learns by gossip.
pub(super) fn disk_paxos(
    config: &Config,
    node: &NodeConfig,
    engine: &EngineHandle,
) -> Result<Machine<DiskPaxos>, StartError> {
    let limits = &config.limits;
    let processors = config.nodes.iter();
    let processors = processors.filter_map(|n| n.processor.zip(n.member));
    let protocol = DiskPaxos::new(
        Arc::clone(&config.network),
        disk_paxos::Config {
            me: node.processor,
            processors: processors.collect(),
            learner: node.learners.first().copied().unwrap_or(LearnerId(0)),
            patience: Limits::ms(limits.patience_ms),
            window: limits.window,
            max_waiting: Limits::count(limits.max_waiting),
        },
    );
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
        protocol,
        lie: None,
        trace: None,
        disks,
    })
}

/// The disks' threads. They end with the engine, which lets go of its queue before.
struct Threads(disks::Disks);

impl engine::Disks for Threads {
    fn submit(&mut self, operation: Operation) {
        self.0.send(operation);
    }
}
