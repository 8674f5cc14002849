//! Replicas of omnipaxos.

#![expect(
    clippy::disallowed_types,
    reason = "what is beside ours is to be as fast as it can"
)]

use super::{Load, Measured, cpu};
use crypto::Digest;
use omnipaxos::messages::Message;
use omnipaxos::storage::{Entry, NoSnapshot};
use omnipaxos::util::LogEntry;
use omnipaxos::{ClusterConfig, OmniPaxos, OmniPaxosConfig, ServerConfig};
use omnipaxos_storage::memory_storage::MemoryStorage;
use std::collections::{HashSet, VecDeque};

#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

impl Entry for Bytes {
    type Snapshot = NoSnapshot;
}

struct Replica {
    machine: OmniPaxos<Bytes, MemoryStorage<Bytes>>,
    /// Entries that were handed out.
    delivered: usize,
    /// The names of those, if a command that is submitted twice is to be delivered once.
    ids: Option<HashSet<Digest>>,
}

/// With ids every replica names every command by its digest and looks whether it has had it, as ours do.
pub(super) fn run(load: Load, ids: bool) -> Measured {
    let mut replicas: Vec<Replica> = (1..=3).map(|pid| replica(pid, ids)).collect();
    let mut travelling = VecDeque::new();
    while replicas
        .iter()
        .any(|r| r.machine.get_current_leader().is_none())
    {
        for r in &mut replicas {
            r.machine.tick();
        }
        exchange(&mut replicas, &mut travelling, 0);
    }
    let start = cpu();
    let mut submitted = 0;
    while replicas.iter().any(|r| r.delivered < load.commands) {
        let end = load.next(submitted, replicas[load.at].delivered);
        let at = &mut replicas[load.at].machine;
        for n in submitted..end {
            at.append(Bytes(load.command(n)))
                .expect("no other configuration");
        }
        submitted = end;
        exchange(&mut replicas, &mut travelling, load.rounds());
    }
    Measured {
        seconds: (cpu() - start).as_secs_f64(),
        ..Measured::default()
    }
}

fn replica(pid: u64, ids: bool) -> Replica {
    let config = OmniPaxosConfig {
        cluster_config: ClusterConfig {
            configuration_id: 1,
            nodes: vec![1, 2, 3],
            flexible_quorum: None,
        },
        server_config: ServerConfig {
            pid,
            // The first leads.
            leader_priority: u32::from(pid == 1),
            ..ServerConfig::default()
        },
    };
    Replica {
        machine: config.build(MemoryStorage::default()).expect("a replica"),
        delivered: 0,
        ids: ids.then(HashSet::new),
    }
}

/// A round: what was sent so many rounds ago arrives, and what is decided is handed out.
fn exchange(
    replicas: &mut [Replica],
    travelling: &mut VecDeque<Vec<Message<Bytes>>>,
    rounds: usize,
) {
    let mut sent = Vec::new();
    for r in replicas.iter_mut() {
        r.machine.take_outgoing_messages(&mut sent);
    }
    travelling.push_back(sent);
    if travelling.len() <= rounds {
        return;
    }
    for message in travelling.pop_front().into_iter().flatten() {
        let to = usize::try_from(message.get_receiver() - 1).expect("one of three");
        replicas[to].machine.handle_incoming(message);
    }
    for r in replicas.iter_mut() {
        r.deliver();
    }
}

impl Replica {
    fn deliver(&mut self) {
        if self.machine.get_decided_idx() == self.delivered {
            return;
        }
        let entries = self.machine.read_decided_suffix(self.delivered);
        for entry in entries.into_iter().flatten() {
            self.delivered += 1;
            let LogEntry::Decided(Bytes(bytes)) = entry else {
                continue;
            };
            if let Some(ids) = &mut self.ids {
                assert!(ids.insert(Digest::of(&bytes)), "no command comes twice");
            }
            std::hint::black_box(bytes);
        }
    }
}
