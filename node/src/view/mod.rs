//! What clients can see of a node: written by the engine and the network, read by HTTP.
//!
//! ```text
//!   engine ──status, decisions, evidence──►┐
//!                                          ├─ View ─► HTTP handlers, event streams, /metrics
//!   network ──peers, refusals─────────────►┘
//! ```
//!
//! Locks are held for copying only, never across an await or a write to a client.

pub(crate) mod decisions;
pub(crate) mod events;
pub(crate) mod metrics;
mod past;
pub(crate) mod sides;
pub(crate) mod timeouts;

use crate::config::{Config, Limits, Mode, NodeConfig};
use crate::history::Shelf;
use crate::telemetry::Telemetry;
use consensus::{Ballot, Decision, Fork, Network, Slot, Status, Time};
use crypto::{Digest, MemberId};
use decisions::{DecisionLog, Delivered};
use events::{EventLog, Happening};
use learner_graph::{AcceptorId, LearnerId};
use metrics::{Metrics, whole};
use past::lane;
use sides::{Statement, sides};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use timeouts::Timeouts;
use tokio::sync::watch;

/// How many pieces of evidence are shown: far more than the protocol keeps for any network.
const MAX_PROOFS: usize = 4096;

/// How far the node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It replays its storage.
    Starting,
    /// It takes part.
    Ready,
    /// It is ending.
    Stopping,
}

/// Evidence as clients get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The digest of the encoding: its name.
    pub(crate) digest: Digest,
    /// The acceptor that is caught, if one is.
    pub(crate) acceptor: Option<String>,
    /// What it proves.
    pub(crate) words: String,
    /// What contradicts each other in it.
    pub(crate) sides: Vec<Vec<Statement>>,
    /// The encoding, for verification offline.
    pub(crate) encoded: Arc<Vec<u8>>,
}

/// See the module's documentation.
pub(crate) struct View {
    /// This node.
    pub(crate) node: NodeConfig,
    /// The network's name.
    pub(crate) network_name: String,
    /// The protocol.
    pub(crate) mode: Mode,
    /// The names of all other nodes.
    pub(crate) peers: Vec<String>,
    /// The graph and the members.
    pub(crate) network: Arc<Network>,
    /// The counters.
    pub(crate) metrics: Metrics,
    /// The event log.
    pub(crate) events: EventLog,
    /// Where spans go, if anybody wants them.
    pub(crate) telemetry: Option<Arc<Telemetry>>,
    logs: BTreeMap<LearnerId, Mutex<DecisionLog>>,
    /// What is no longer in the logs.
    shelf: Arc<dyn Shelf>,
    phase: watch::Sender<Phase>,
    /// A peer of which nothing has come for so long is silent.
    silence: Duration,
    state: RwLock<State>,
}

struct State {
    status: Option<Status>,
    ahead: Vec<Slot>,
    proofs: Vec<Proof>,
    timeouts: Timeouts,
    connected: BTreeMap<String, bool>,
    /// When each peer was heard last.
    heard: BTreeMap<String, Instant>,
}

impl View {
    /// The view of a node that has not started yet. `run` tells the runs of the node apart.
    pub(crate) fn new(config: &Config, node: &NodeConfig, run: u64, shelf: Arc<dyn Shelf>) -> Self {
        let limits = &config.limits;
        let log = |learner: LearnerId| {
            let (count, bytes) = (
                Limits::count(limits.decisions_kept),
                Limits::mib(limits.decisions_kept_mib),
            );
            let next = shelf.next(lane(config.mode, learner));
            Mutex::new(DecisionLog::new(learner, next, count, bytes))
        };
        let others = config.nodes.iter().filter(|n| n.name != node.name);
        let peers: Vec<String> = others.map(|n| n.name.clone()).collect();
        let state = State {
            status: None,
            ahead: Vec::new(),
            proofs: Vec::new(),
            timeouts: Timeouts::default(),
            connected: peers.iter().map(|p| (p.clone(), false)).collect(),
            heard: BTreeMap::new(),
        };
        let metrics = Metrics::new(config.network.graph());
        metrics.peers_expected.set(whole(peers.len() as u64));
        View {
            node: node.clone(),
            network_name: config.name.clone(),
            mode: config.mode,
            peers,
            network: Arc::clone(&config.network),
            metrics,
            telemetry: None,
            events: EventLog::new(
                run,
                Limits::count(limits.events_kept),
                Limits::mib(limits.events_kept_mib),
            ),
            logs: node.learners.iter().map(|l| (*l, log(*l))).collect(),
            shelf,
            phase: watch::Sender::new(Phase::Starting),
            silence: limits.silence(),
            state: RwLock::new(state),
        }
    }

    fn read<T>(&self, f: impl FnOnce(&State) -> T) -> T {
        f(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// How far the node is.
    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Tells how far the node is as it goes on.
    pub(crate) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// The protocol runs.
    pub(crate) fn set_ready(&self) {
        self.phase.send_if_modified(|phase| {
            let starting = *phase == Phase::Starting;
            if starting {
                *phase = Phase::Ready;
            }
            starting
        });
    }

    /// The node is ending.
    pub(crate) fn set_stopping(&self) {
        self.phase.send_replace(Phase::Stopping);
    }

    /// Where the protocol stands; `None` before it has started.
    pub(crate) fn status(&self) -> Option<Status> {
        self.read(|s| s.status.clone())
    }

    /// Where the protocol stands now.
    pub(crate) fn set_status(&self, status: Status) {
        self.metrics.stands(&status);
        let ahead = self.ahead();
        let learners = self.network.graph().learners();
        for (i, (learner, next)) in learners.iter().zip(&status.next).enumerate() {
            let ahead = ahead.get(i).copied().unwrap_or_default().max(*next);
            self.metrics.came_to(learner, *next, ahead);
        }
        for (learner, patience) in learners.iter().zip(&status.patience) {
            self.metrics.waits(learner, *patience);
        }
        self.write(|s| s.status = Some(status));
    }

    /// Per learner, the highest slot that a peer says it has come to.
    pub(crate) fn ahead(&self) -> Vec<Slot> {
        self.read(|s| s.ahead.clone())
    }

    /// A peer has come to a slot.
    pub(crate) fn set_ahead(&self, ahead: &[Slot]) {
        self.write(|s| s.ahead = ahead.to_vec());
    }

    /// Measures the history. Not to be called from asynchronous code.
    pub(crate) fn measure_disk(&self) {
        let unwritten = self.shelf.unwritten();
        self.metrics.history_unwritten.set(whole(unwritten as u64));
        if let Some((size, free)) = self.shelf.room() {
            self.metrics.history_bytes.set(whole(size));
            self.metrics.disk_free.set(whole(free));
        }
    }

    /// All evidence known.
    pub(crate) fn proofs(&self) -> Vec<Proof> {
        self.read(|s| s.proofs.clone())
    }

    /// There is new evidence: its encoding, the acceptor that it catches, if it does, and what it
    /// proves.
    pub(crate) fn evidence(
        &self,
        encoded: Vec<u8>,
        acceptor: Option<AcceptorId>,
        words: String,
        live: bool,
    ) {
        let digest = Digest::of(&encoded);
        let acceptor = acceptor.map(|a| self.network.graph().acceptor_name(a).to_owned());
        tracing::warn!(acceptor, %words, "evidence");
        let (count, known) = self.read(|s| {
            let known = s.proofs.iter().any(|p| p.digest == digest);
            (s.proofs.len(), known)
        });
        if !known && count < MAX_PROOFS {
            // Made once, and not for whoever asks: a liar's messages can be large.
            let proof = Proof {
                digest,
                acceptor: acceptor.clone(),
                words: words.clone(),
                sides: sides(self.network.graph(), &encoded),
                encoded: Arc::new(encoded),
            };
            self.write(|s| s.proofs.push(proof));
        }
        let count = self.read(|s| s.proofs.len());
        self.metrics.evidence.set(whole(count as u64));
        if live {
            self.events.push(Happening::Evidence { acceptor, words });
        }
    }

    /// Which peers are connected, by name.
    pub(crate) fn connected_peers(&self) -> BTreeMap<String, bool> {
        self.read(|s| s.connected.clone())
    }

    /// For how long nothing has come from each peer, by name; none from whom nothing ever came.
    pub(crate) fn silent_for(&self, now: Instant) -> BTreeMap<String, Option<Duration>> {
        self.read(|s| {
            let since = |peer: &String| {
                let heard = s.heard.get(peer)?;
                Some(now.saturating_duration_since(*heard))
            };
            self.peers.iter().map(|p| (p.clone(), since(p))).collect()
        })
    }

    /// Peers that are connected as far as anybody knows, and of which nothing has come for [`Limits::silence`].
    pub(crate) fn silent(&self, now: Instant) -> Vec<String> {
        self.read(|s| self.silent_in(s, now).cloned().collect())
    }

    fn silent_in<'a>(&'a self, state: &'a State, now: Instant) -> impl Iterator<Item = &'a String> {
        let connected = state.connected.iter().filter(|(_, connected)| **connected);
        let silent = move |peer: &&String| {
            let heard = state.heard.get(*peer);
            heard.is_some_and(|at| now.saturating_duration_since(*at) >= self.silence)
        };
        connected.map(|(peer, _)| peer).filter(silent)
    }

    /// When the peers were heard last.
    pub(crate) fn set_heard<'a>(
        &self,
        peers: impl Iterator<Item = (&'a str, Option<Instant>)>,
        now: Instant,
    ) {
        let heard = self.write(|s| {
            for (peer, at) in peers.filter_map(|(peer, at)| Some((peer, at?))) {
                match s.heard.get_mut(peer) {
                    Some(heard) => *heard = at,
                    None => {
                        s.heard.insert(peer.to_owned(), at);
                    }
                }
            }
            let connected = s.connected.values().filter(|c| **c).count();
            connected - self.silent_in(s, now).count()
        });
        self.metrics.peers_heard.set(whole(heard as u64));
    }

    /// A peer was connected or disconnected.
    pub(crate) fn set_peer(&self, peer: &str, connected: bool) {
        let count = self.write(|s| {
            s.connected.insert(peer.to_owned(), connected);
            s.connected.values().filter(|c| **c).count()
        });
        self.metrics.peers_connected.set(whole(count as u64));
        self.events.push(Happening::Peer {
            peer: peer.to_owned(),
            connected,
        });
    }

    /// The decisions of a learner that this node plays.
    pub(crate) fn log(&self, learner: LearnerId) -> Option<MutexGuard<'_, DecisionLog>> {
        Some(
            self.logs
                .get(&learner)?
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The learner of this name, if this node plays it.
    pub(crate) fn played(&self, name: &str) -> Option<LearnerId> {
        self.network
            .graph()
            .learner(name)
            .filter(|l| self.logs.contains_key(l))
    }

    /// The names of the learners that this node plays.
    pub(crate) fn played_names(&self) -> Vec<&str> {
        self.logs.keys().map(|l| self.learner_name(*l)).collect()
    }

    /// The name of a learner.
    pub(crate) fn learner_name(&self, learner: LearnerId) -> &str {
        self.network.graph().learner_name(learner)
    }

    /// The name of a member.
    pub(crate) fn member_name(&self, member: MemberId) -> &str {
        self.network.member(member).map_or("?", |m| m.name.as_str())
    }

    /// Learners decided. `now` is missing for what was decided before this run: it is shown, but
    /// no event.
    pub(crate) fn decided(&self, decision: Decision, now: Option<Time>) {
        let latency = now
            .zip(decision.heard)
            .map(|(now, heard)| now.saturating_sub(heard));
        let delivered = Arc::new(Delivered {
            slot: decision.slot,
            ballot: decision.ballot,
            digest: decision.value,
            values: decision.values,
            latency_ms: latency.map(|l| u64::try_from(l.as_millis()).unwrap_or(u64::MAX)),
            acceptors: decision.quorum,
        });
        let mut told = Vec::new();
        for learner in decision.learners {
            self.metrics.decided(learner, latency);
            if let Some(mut log) = self.log(learner) {
                log.push(Arc::clone(&delivered));
                told.push(Happening::Decision(learner, Arc::clone(&delivered)));
            }
        }
        if now.is_some() {
            self.events.push_all(told);
        }
    }

    /// A learner saw a second decision in a slot.
    pub(crate) fn fork(&self, fork: &Fork, live: bool) {
        let learner = self.learner_name(fork.learner);
        self.metrics.forked(fork.learner);
        tracing::warn!(
            learner,
            slot = fork.slot.0,
            "a learner that is not entangled with itself has forked"
        );
        if live && self.logs.contains_key(&fork.learner) {
            let digests = [0, 1].map(|i: usize| fork.values[i].1.to_string());
            self.events.push(Happening::Fork {
                learner: learner.to_owned(),
                slot: fork.slot,
                digests,
            });
        }
    }

    /// Two learners are no longer connected.
    pub(crate) fn disconnected(&self, a: LearnerId, b: LearnerId, live: bool) {
        let names = [a, b].map(|l| self.learner_name(l).to_owned());
        tracing::warn!(learners = ?names, "no longer sure to agree");
        if live {
            self.events.push(Happening::Disconnected(names));
        }
    }

    /// There is a higher ballot.
    pub(crate) fn ballot(&self, ballot: Ballot, leader: MemberId, live: bool) {
        let leader = self.member_name(leader).to_owned();
        if live {
            self.metrics.ballots.inc();
            tracing::info!(ballot = ballot.0, leader, "a higher ballot");
            self.events.push(Happening::Ballot {
                ballot: ballot.0,
                leader,
            });
        }
    }
}
