//! What libp2p reports, and what follows from it.

use super::behaviour::BehaviourEvent;
use super::peers::OTHER_NETWORK;
use super::request::Request;
use super::task::Network;
use super::verify::{Job, Source};
use crate::engine::{Event, NodeIndex, Ticket};
use libp2p::allow_block_list::NotAllowed;
use libp2p::gossipsub::{self, MessageAcceptance};
use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::swarm::{ListenError, SwarmEvent};
use libp2p::{PeerId, Stream, identify, ping};
use std::time::Instant;

/// Questions of one peer that the engine may have at once.
const MAX_ASKING: usize = 4;

/// Whether a failed ping says that nobody is there. The first that fails is not reported; what fails next on a silent
/// connection is opening another stream for it, which is no time-out by name.
fn is_dead(failure: &ping::Failure) -> bool {
    !matches!(failure, ping::Failure::Unsupported)
}

impl Network {
    pub(super) fn swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                num_established,
                ..
            } if num_established.get() == 1 => {
                self.connected(&peer_id);
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                ..
            } => {
                self.disconnected(&peer_id);
            }
            SwarmEvent::IncomingConnectionError {
                error: ListenError::Denied { cause },
                peer_id,
                send_back_addr,
                ..
            } => {
                let stranger = peer_id.is_none_or(|id| self.peers.index(&id).is_none());
                // Nodes of this network can be shut out for a while.
                if stranger && cause.downcast::<NotAllowed>().is_ok() {
                    self.view.metrics.foreign.inc();
                    let id = peer_id.map(|p| p.to_string());
                    tracing::warn!(id, from = %send_back_addr, "refused a connection: no node of this network");
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                let index = peer_id.and_then(|id| self.peers.index(&id));
                let name = index
                    .and_then(|i| self.peers.get(i))
                    .map(|p| p.name.as_str());
                tracing::debug!(peer = name, %error, "cannot connect");
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening for peers")
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::warn!(%error, "listening for peers")
            }
            _ => {}
        }
    }

    fn connected(&mut self, id: &PeerId) {
        let Some(index) = self.peers.index(id) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        peer.up();
        tracing::info!(peer = peer.name, "connected");
        self.view.set_peer(&peer.name, true);
        self.alive(index);
        self.open_streams(Instant::now());
        self.sync(index);
    }

    fn disconnected(&mut self, id: &PeerId) {
        let Some(index) = self.peers.index(id) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        peer.down(Instant::now());
        tracing::info!(peer = peer.name, "disconnected");
        self.view.set_peer(&peer.name, false);
        self.streams.close(index);
        self.tickets.retain(|_, (peer, _)| *peer != index);
    }

    /// Something came straight from this peer.
    pub(super) fn alive(&mut self, index: NodeIndex) {
        let now = Instant::now();
        let every = self.alive_every;
        if let Some(peer) = self.peers.get_mut(index) {
            peer.heard = Some(now);
        }
        let Some(member) = self.members.get(&index).copied() else {
            return;
        };
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let known = peer
            .told_alive
            .is_some_and(|t| now.duration_since(t) < every);
        if !known && self.engine.try_send(Event::Alive(member)).is_ok() {
            peer.told_alive = Some(now);
        }
    }

    fn behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(event) => self.gossip_event(event),
            BehaviourEvent::Requests(event) => self.request_event(event),
            BehaviourEvent::Ping(ping::Event {
                peer,
                connection,
                result,
            }) => {
                match (self.peers.index(&peer), result) {
                    (Some(index), Ok(after)) => {
                        if let Some(peer) = self.peers.get(index) {
                            self.view.metrics.answered(&peer.name, after);
                        }
                        self.alive(index);
                    }
                    // A connection that answers no more is closed, so that it is dialled again.
                    (_, Err(failure)) if is_dead(&failure) => {
                        self.swarm.close_connection(connection);
                    }
                    _ => {}
                }
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                if info.protocol_version != self.protocol
                    && let Some(index) = self.peers.index(&peer_id)
                {
                    self.wrong_network(index, &info.protocol_version);
                }
            }
            BehaviourEvent::Identify(_) | BehaviourEvent::Streams(()) => {}
        }
    }

    fn wrong_network(&mut self, index: NodeIndex, theirs: &str) {
        if let Some(peer) = self.peers.get(index) {
            // Their text may be anything.
            let theirs: String = theirs
                .chars()
                .take(128)
                .filter(|c| !c.is_control())
                .collect();
            let (peer, ours) = (peer.name.as_str(), self.protocol.as_str());
            tracing::warn!(
                peer,
                ours,
                theirs,
                "the peer has another configuration; give all nodes the same file"
            );
            self.view.metrics.refused("wrong_network", peer);
        }
        self.ban(index, Instant::now() + OTHER_NETWORK);
    }

    fn gossip_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                let Some(from) = self.peers.index(&propagation_source) else {
                    return;
                };
                let source = Source::Gossip(message_id.clone());
                self.alive(from);
                if !self.pool.frame(source, from, message.data) {
                    let gossip = &mut self.swarm.behaviour_mut().gossip;
                    let ignore = MessageAcceptance::Ignore;
                    gossip.report_message_validation_result(
                        &message_id,
                        &propagation_source,
                        ignore,
                    );
                }
            }
            gossipsub::Event::Subscribed { peer_id, topic } if topic == self.topic.hash() => {
                self.set_subscribed(&peer_id, true);
                self.flush();
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } if topic == self.topic.hash() => {
                self.set_subscribed(&peer_id, false);
            }
            gossipsub::Event::SlowPeer {
                peer_id,
                failed_messages,
            } => {
                let index = self.peers.index(&peer_id);
                let name = index
                    .and_then(|i| self.peers.get(i))
                    .map(|p| p.name.as_str());
                tracing::debug!(peer = name, ?failed_messages, "a peer is slow");
                self.dropped("slow_peer", 1);
            }
            _ => {}
        }
    }

    /// A peer has opened its stream.
    pub(super) fn opened(&mut self, id: &PeerId, stream: Stream) {
        if let Some(from) = self.peers.index(id) {
            self.streams.read(from, stream, self.pool.clone());
        }
    }

    fn set_subscribed(&mut self, id: &PeerId, subscribed: bool) {
        let index = self.peers.index(id);
        if let Some(peer) = index.and_then(|i| self.peers.get_mut(i)) {
            peer.subscribed = subscribed;
        }
    }

    fn request_event(&mut self, event: request_response::Event<Request, Vec<u8>>) {
        match event {
            request_response::Event::Message { peer, message, .. } => {
                let Some(index) = self.peers.index(&peer) else {
                    return;
                };
                self.alive(index);
                match message {
                    request_response::Message::Request {
                        request, channel, ..
                    } => {
                        self.asked_by(index, request, channel);
                    }
                    request_response::Message::Response {
                        request_id,
                        response,
                    } => {
                        self.answered(index, request_id, response);
                    }
                }
            }
            request_response::Event::OutboundFailure {
                request_id, error, ..
            } => {
                if let Some(key) = self.asked.remove(&request_id) {
                    self.in_flight.remove(&key);
                }
                tracing::debug!(%error, "a request failed");
            }
            _ => {}
        }
    }

    /// A peer asks. Without room the question is dropped, and the peer asks somebody else.
    fn asked_by(&mut self, index: NodeIndex, request: Request, channel: ResponseChannel<Vec<u8>>) {
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let ticket = Ticket(self.next_ticket);
        if peer.asking >= MAX_ASKING
            || self
                .engine
                .try_send(Event::Request { ticket, request })
                .is_err()
        {
            self.dropped("question", 1);
            return;
        }
        peer.asking += 1;
        self.next_ticket += 1;
        self.tickets.insert(ticket, (index, channel));
    }

    fn answered(&mut self, from: NodeIndex, id: OutboundRequestId, bytes: Vec<u8>) {
        let Some((peer, kind)) = self.asked.remove(&id) else {
            return;
        };
        // It is in flight until it has been taken in: who asks before gets much of it once more.
        let taken = peer == from
            && self.pool.submit(Job {
                source: Source::Answer(kind),
                from,
                bytes,
            });
        if !taken {
            self.in_flight.remove(&(peer, kind));
        }
        if peer != from {
            self.refused(from, "frame");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_on_which_no_ping_can_begin_is_dead_as_well() {
        let negotiation = std::io::Error::from(std::io::ErrorKind::TimedOut);
        let other = ping::Failure::Other {
            error: Box::new(negotiation),
        };
        assert!(is_dead(&other) && is_dead(&ping::Failure::Timeout));
        assert!(!is_dead(&ping::Failure::Unsupported));
    }
}
