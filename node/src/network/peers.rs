//! The other nodes: who is connected, who is dialled when, whose turn it is.

use crate::config::{Config, Limits, NodeConfig};
use crate::engine::NodeIndex;
use libp2p::{Multiaddr, PeerId};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// The first pause before dialling again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// So many refusals within [`REFUSALS_WITHIN`] are no accident: the peer is shut out for a while.
const MAX_REFUSALS: u32 = 16;
const REFUSALS_WITHIN: Duration = Duration::from_secs(60);
/// How long a peer is shut out for that.
pub(super) const BAN: Duration = Duration::from_secs(60);
/// How long frames travel as gossip for the sake of a peer that there is no connection with.
const PASSED_ON: Duration = Duration::from_secs(10);
/// How long a peer with another configuration is left alone: somebody may be mending it.
pub(super) const OTHER_NETWORK: Duration = Duration::from_secs(5);

/// One other node.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its name.
    pub(super) name: String,
    /// Its identity.
    pub(super) id: PeerId,
    /// Where to dial it.
    pub(super) address: Multiaddr,
    /// Whether there is a connection.
    pub(super) connected: bool,
    /// Whether it receives gossip.
    pub(super) subscribed: bool,
    /// Requests of its that are not answered yet.
    pub(super) asking: usize,
    /// When anything came from it last.
    pub(super) heard: Option<Instant>,
    /// When the engine was told last that it is up.
    pub(super) told_alive: Option<Instant>,
    /// Since when there is no connection, if there is none.
    away: Option<Instant>,
    pause: Duration,
    dial_at: Instant,
    refusals: u32,
    refusals_since: Instant,
    banned_until: Option<Instant>,
}

/// All other nodes, by their place in the configuration.
#[derive(Debug)]
pub(super) struct Peers {
    peers: HashMap<NodeIndex, Peer>,
    order: Vec<NodeIndex>,
    by_id: HashMap<PeerId, NodeIndex>,
    turn: usize,
    max_pause: Duration,
    jitter: RandomState,
    dials: u64,
}

impl Peers {
    /// Everybody but this node, to be dialled at once.
    pub(super) fn new(config: &Config, node: &NodeConfig, now: Instant) -> Self {
        let others = config
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, n)| n.name != node.name);
        let peers: HashMap<NodeIndex, Peer> = others.map(|(i, n)| (i, Peer::new(n, now))).collect();
        let mut order: Vec<NodeIndex> = peers.keys().copied().collect();
        order.sort_unstable();
        Peers {
            by_id: peers.iter().map(|(i, p)| (p.id, *i)).collect(),
            peers,
            order,
            turn: 0,
            max_pause: Limits::ms(config.limits.redial_max_ms),
            jitter: RandomState::new(),
            dials: 0,
        }
    }

    /// The node with this identity.
    pub(super) fn index(&self, id: &PeerId) -> Option<NodeIndex> {
        self.by_id.get(id).copied()
    }

    /// One node.
    pub(super) fn get(&self, index: NodeIndex) -> Option<&Peer> {
        self.peers.get(&index)
    }

    /// One node, to be changed.
    pub(super) fn get_mut(&mut self, index: NodeIndex) -> Option<&mut Peer> {
        self.peers.get_mut(&index)
    }

    /// When anything came from each of the others last.
    pub(super) fn heard(&self) -> impl Iterator<Item = (&str, Option<Instant>)> {
        self.peers.values().map(|p| (p.name.as_str(), p.heard))
    }

    /// Whether there is nobody else in the network.
    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Whether anybody receives gossip.
    pub(super) fn any_subscribed(&self) -> bool {
        self.peers.values().any(|p| p.subscribed)
    }

    /// Whom there is a connection with.
    pub(super) fn connected(&self) -> impl Iterator<Item = (NodeIndex, PeerId)> {
        let connected = self.peers.iter().filter(|(_, p)| p.connected);
        connected.map(|(at, p)| (*at, p.id))
    }

    /// Whether everybody gets what is sent straight to those who have a stream. Who has been away for long is
    /// waited for no more: if that is a node that others can reach, it asks them.
    pub(super) fn are_reached(&self, now: Instant, has_stream: impl Fn(NodeIndex) -> bool) -> bool {
        let mut peers = self.peers.iter();
        let gone = |p: &Peer| p.away.is_some_and(|since| now >= since + PASSED_ON);
        self.peers.values().any(|p| p.connected)
            && peers.all(|(at, p)| {
                if p.connected {
                    has_stream(*at)
                } else {
                    gone(p)
                }
            })
    }

    /// The next connected node in turn that fits.
    pub(super) fn next(&mut self, fits: impl Fn(NodeIndex) -> bool) -> Option<NodeIndex> {
        for _ in 0..self.order.len() {
            self.turn = (self.turn + 1) % self.order.len();
            let index = self.order[self.turn];
            if self.peers.get(&index).is_some_and(|p| p.connected) && fits(index) {
                return Some(index);
            }
        }
        None
    }

    /// Whom to dial now. Each is given a longer pause until it is connected.
    pub(super) fn due_to_dial(&mut self, now: Instant) -> Vec<(PeerId, Multiaddr)> {
        let mut due = Vec::new();
        for index in &self.order {
            let Some(peer) = self.peers.get_mut(index) else {
                continue;
            };
            if peer.connected || peer.banned_until.is_some() || now < peer.dial_at {
                continue;
            }
            // Two nodes that dial each other should not go on doing so in step.
            self.dials += 1;
            let random = self.jitter.hash_one(self.dials) % 1000;
            let jitter = peer.pause.mul_f64(random as f64 / 2000.0);
            peer.dial_at = now + peer.pause + jitter;
            peer.pause = (peer.pause * 2).min(self.max_pause);
            due.push((peer.id, peer.address.clone()));
        }
        due
    }

    /// Notes a refusal of something that a peer sent. True if that is enough to shut it out.
    pub(super) fn refused(&mut self, index: NodeIndex, now: Instant) -> bool {
        let Some(peer) = self.peers.get_mut(&index) else {
            return false;
        };
        if now.duration_since(peer.refusals_since) > REFUSALS_WITHIN {
            (peer.refusals, peer.refusals_since) = (0, now);
        }
        peer.refusals += 1;
        peer.refusals >= MAX_REFUSALS && peer.banned_until.is_none()
    }

    /// Shuts a peer out for a while.
    pub(super) fn ban(&mut self, index: NodeIndex, until: Instant) {
        if let Some(peer) = self.peers.get_mut(&index) {
            peer.banned_until = peer.banned_until.max(Some(until));
        }
    }

    /// Lets those in again whose time is over.
    pub(super) fn pardon(&mut self, now: Instant) -> Vec<PeerId> {
        let over = self
            .peers
            .values_mut()
            .filter(|p| p.banned_until.is_some_and(|t| t <= now));
        over.map(|peer| {
            (peer.banned_until, peer.refusals, peer.pause) = (None, 0, FIRST_PAUSE);
            peer.id
        })
        .collect()
    }
}

impl Peer {
    fn new(node: &NodeConfig, now: Instant) -> Self {
        Peer {
            name: node.name.clone(),
            id: node.peer,
            address: node.address.clone(),
            connected: false,
            subscribed: false,
            asking: 0,
            heard: None,
            told_alive: None,
            away: Some(now),
            pause: FIRST_PAUSE,
            dial_at: now,
            refusals: 0,
            refusals_since: now,
            banned_until: None,
        }
    }

    /// There is a connection.
    pub(super) fn up(&mut self) {
        self.connected = true;
        self.away = None;
        self.pause = FIRST_PAUSE;
    }

    /// The last connection is gone; it is dialled again after the first pause.
    pub(super) fn down(&mut self, now: Instant) {
        (self.connected, self.subscribed, self.asking) = (false, false, 0);
        self.away = Some(now);
        self.dial_at = now + FIRST_PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn everybody_is_reached_on_streams_or_has_been_away_for_long() {
        let config = testing::config("");
        let start = Instant::now();
        let mut peers = Peers::new(&config, &config.nodes[0], start);
        let others: Vec<NodeIndex> = peers.order.clone();
        let (last, most) = others.split_last().expect("others");
        let long = start + PASSED_ON;
        assert!(!peers.are_reached(long, |_| true), "nobody is there");
        for peer in most {
            peers.get_mut(*peer).expect("a peer").up();
        }
        assert!(!peers.are_reached(start, |_| true), "others may reach it");
        assert!(
            peers.are_reached(long, |_| true),
            "it is waited for no more"
        );
        assert!(
            !peers.are_reached(long, |at| at != most[0]),
            "no stream yet"
        );
        peers.get_mut(*last).expect("a peer").up();
        assert!(peers.are_reached(start, |_| true));
        peers.get_mut(*last).expect("a peer").down(long);
        assert!(!peers.are_reached(long, |_| true), "it has just gone");
    }
}
