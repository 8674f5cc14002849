//! The state machine of a node in each mode, as the configuration describes it.

use crate::config::{Config, Limits, NodeConfig};
use consensus::disk_paxos::{self, DiskPaxos};
use consensus::hpaxos::{self, HPaxos};
use consensus::paxos::{self, Paxos};
use consensus::{HistoryOf, RECENT_BYTES};
use crypto::Signer;
use learner_graph::LearnerId;
use std::sync::Arc;

/// Heterogeneous Paxos. Without a signer it only learns.
pub(crate) fn hpaxos(
    config: &Config,
    signer: Option<Signer>,
    history: Arc<HistoryOf<HPaxos>>,
) -> HPaxos {
    let limits = &config.limits;
    HPaxos::new(
        Arc::clone(&config.network),
        hpaxos::Config {
            signer,
            patience: Limits::ms(limits.patience_ms),
            grace: Limits::ms(limits.grace_ms),
            window: limits.window,
            batching: limits.batching(),
            max_waiting: Limits::count(limits.max_waiting),
            max_waiting_bytes: Limits::mib(limits.max_waiting_mib),
            recent: limits.slots_in_memory,
            recent_bytes: RECENT_BYTES,
            page: config.page_slots,
        },
        history,
    )
}

/// Classic Paxos.
pub(crate) fn paxos(config: &Config, node: &NodeConfig, history: Arc<HistoryOf<Paxos>>) -> Paxos {
    let limits = &config.limits;
    let read = config.read_quorums.as_ref();
    Paxos::new(
        Arc::clone(&config.network),
        paxos::Config {
            me: node.member,
            // A node that plays no learner shows no decisions, whosever they are.
            learner: node.learners.first().copied().unwrap_or(LearnerId(0)),
            read: read.unwrap_or(config.network.graph()).clone(),
            patience: Limits::ms(limits.patience_ms),
            window: limits.window,
            batching: limits.batching(),
            max_waiting: Limits::count(limits.max_waiting),
            max_waiting_bytes: Limits::mib(limits.max_waiting_mib),
            recent: limits.slots_in_memory,
            recent_bytes: RECENT_BYTES,
        },
        history,
    )
}

/// Disk Paxos. A node that is no processor learns by gossip.
pub(crate) fn disk_paxos(
    config: &Config,
    node: &NodeConfig,
    history: Arc<HistoryOf<DiskPaxos>>,
) -> DiskPaxos {
    let limits = &config.limits;
    let processors = config.nodes.iter();
    let processors = processors.filter_map(|n| n.processor.zip(n.member));
    DiskPaxos::new(
        Arc::clone(&config.network),
        disk_paxos::Config {
            me: node.processor,
            processors: processors.collect(),
            learner: node.learners.first().copied().unwrap_or(LearnerId(0)),
            patience: Limits::ms(limits.patience_ms),
            window: limits.window,
            batching: limits.batching(),
            max_waiting: Limits::count(limits.max_waiting),
            max_waiting_bytes: Limits::mib(limits.max_waiting_mib),
            recent: limits.slots_in_memory,
            recent_bytes: RECENT_BYTES,
        },
        history,
    )
}
