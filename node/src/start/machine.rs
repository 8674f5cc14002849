//! The machine of each mode.

use super::StartError;
use crate::byzantine::{Liar, Lie};
use crate::config::{Config, Limits, NodeConfig};
use crate::engine::Machine;
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
    Ok(Machine {
        protocol,
        lie,
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
        disks: None,
    }
}
