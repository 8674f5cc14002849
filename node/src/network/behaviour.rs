//! What libp2p is put together from.

use super::request::Codec;
use super::streams::{Bounds, Streams};
use crate::config::{Config, Limits, NodeConfig};
use crypto::{Digest, Keypair};
use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, IdentTopic, Message, MessageAuthenticity, MessageId, ValidationMode,
};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder, TransportError, identify, identity, noise, ping, tcp,
    yamux,
};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// Handshakes in progress at once.
const MAX_PENDING: u32 = 1024;
/// Connections with one peer: both ends may dial at once, and an old one may be dying.
const MAX_PER_PEER: u32 = 4;
/// How long a request to a peer may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests of one peer in progress at once.
const MAX_STREAMS: usize = 8;
/// Frames that wait for one peer; gossipsub drops further ones.
const PEER_QUEUE: usize = 2048;
/// Messages must stay in gossipsub's cache until their verdict: this many heartbeats.
const HISTORY: usize = 10;
const HEARTBEAT: Duration = Duration::from_millis(500);

/// All behaviours.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    /// First, so that strangers are refused before anything else happens.
    pub(super) allowed: allow_block_list::Behaviour<AllowedPeers>,
    limits: connection_limits::Behaviour,
    pub(super) gossip: gossipsub::Behaviour,
    pub(super) requests: request_response::Behaviour<Codec>,
    pub(super) streams: libp2p_stream::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

/// Why the network could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NetworkStartError {
    /// The address to listen on is taken, or not one of this machine.
    #[error(
        "cannot listen on {address}: {source}; stop the program that uses it, or change `{field}` of node '{node}' in the configuration"
    )]
    Listen {
        /// The address.
        address: String,
        /// Which field of the configuration names it.
        field: &'static str,
        /// The node.
        node: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something in libp2p did not fit together.
    #[error("cannot start the network: {0}")]
    Setup(String),
}

fn setup(error: impl std::fmt::Display) -> NetworkStartError {
    NetworkStartError::Setup(error.to_string())
}

/// The name of the network as peers tell each other: nodes with another configuration have another.
pub(super) fn protocol_name(config: &Config) -> String {
    format!("/hpaxos/1/{}", config.network.id())
}

/// Builds the swarm and listens. Neither a frame nor a response is larger than `max_frame`.
pub(super) fn swarm(
    config: &Config,
    node: &NodeConfig,
    keypair: &Keypair,
    topic: &IdentTopic,
    max_frame: usize,
) -> Result<Swarm<Behaviour>, NetworkStartError> {
    let mut seed = *keypair.to_seed();
    let identity = identity::Keypair::ed25519_from_bytes(&mut seed).map_err(setup)?;
    let mut behaviour = Behaviour {
        allowed: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(connection_limits(&config.limits)),
        gossip: gossip(config, max_frame)?,
        requests: requests(config, max_frame)?,
        streams: libp2p_stream::Behaviour::new(),
        identify: identify::Behaviour::new(
            identify::Config::new(protocol_name(config), identity.public())
                .with_hide_listen_addrs(true)
                .with_agent_version(format!("hpaxos/{}", env!("CARGO_PKG_VERSION"))),
        ),
        ping: ping::Behaviour::new(ping_config(&config.limits)),
    };
    behaviour.gossip.subscribe(topic).map_err(setup)?;
    let others = config.nodes.iter().filter(|n| n.name != node.name);
    for peer in others {
        behaviour.allowed.allow_peer(peer.peer);
        if is_full_mesh(config) {
            behaviour.gossip.add_explicit_peer(&peer.peer);
        }
    }
    let mut swarm = SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .map_err(setup)?
        .with_behaviour(|_| behaviour)
        .map_err(setup)?
        // Peers are few and known: connections stay.
        .with_swarm_config(|c| c.with_idle_connection_timeout(Duration::from_secs(86_400)))
        .build();
    listen(&mut swarm, node)?;
    Ok(swarm)
}

/// Whether every node sends to every other one itself.
pub(super) fn is_full_mesh(config: &Config) -> bool {
    config.nodes.len() <= Limits::count(config.limits.full_mesh_nodes)
}

/// The streams of frames.
pub(super) fn streams(
    config: &Config,
    swarm: &Swarm<Behaviour>,
    bounds: Bounds,
) -> Result<Streams, NetworkStartError> {
    let name = format!("{}/frames", protocol_name(config));
    let protocol = StreamProtocol::try_from_owned(name).map_err(setup)?;
    Streams::new(swarm.behaviour().streams.new_control(), protocol, bounds).map_err(setup)
}

fn connection_limits(limits: &Limits) -> ConnectionLimits {
    let most = u32::try_from(limits.max_connections).unwrap_or(u32::MAX);
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_PENDING))
        .with_max_pending_outgoing(Some(most))
        .with_max_established(Some(most))
        .with_max_established_per_peer(Some(MAX_PER_PEER))
}

/// Pings keep the protocol informed about who is up, often enough for its patience, and find dead
/// connections.
fn ping_config(limits: &Limits) -> ping::Config {
    ping::Config::new()
        .with_interval(limits.ping_interval())
        .with_timeout(Duration::from_secs(5))
}

fn gossip(config: &Config, max_frame: usize) -> Result<gossipsub::Behaviour, NetworkStartError> {
    // What is in a frame says whose it is, and its content names it.
    let name = |message: &Message| MessageId::from(Digest::of(&message.data).as_bytes().to_vec());
    let built = gossipsub::ConfigBuilder::default()
        .protocol_id_prefix(format!("{}/gossip", protocol_name(config)))
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(name)
        .max_transmit_size(max_frame + 1024)
        .flood_publish(true)
        .heartbeat_initial_delay(Duration::from_millis(50))
        .heartbeat_interval(HEARTBEAT)
        .history_length(HISTORY)
        .history_gossip(3)
        .connection_handler_queue_len(PEER_QUEUE)
        .publish_queue_duration(Duration::from_secs(10))
        .forward_queue_duration(Duration::from_secs(3))
        .build()
        .map_err(setup)?;
    gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, built).map_err(setup)
}

fn requests(
    config: &Config,
    max_response: usize,
) -> Result<request_response::Behaviour<Codec>, NetworkStartError> {
    let name = format!("{}/sync", protocol_name(config));
    let protocol = StreamProtocol::try_from_owned(name).map_err(setup)?;
    let settings = request_response::Config::default()
        .with_request_timeout(REQUEST_TIMEOUT)
        .with_max_concurrent_streams(MAX_STREAMS);
    Ok(request_response::Behaviour::with_codec(
        Codec { max_response },
        [(protocol, ProtocolSupport::Full)],
        settings,
    ))
}

fn listen(swarm: &mut Swarm<Behaviour>, node: &NodeConfig) -> Result<(), NetworkStartError> {
    let failed = |source: io::Error| NetworkStartError::Listen {
        address: node.listen.to_string(),
        field: if node.listen == node.address {
            "address"
        } else {
            "listen"
        },
        node: node.name.clone(),
        source,
    };
    // libp2p shares ports that it listens on, so that a second node on the same port would start
    // and starve. Binding without sharing finds out.
    if let Some(address) = socket_address(node) {
        drop(TcpListener::bind(address).map_err(failed)?);
    }
    match swarm.listen_on(node.listen.clone()) {
        Ok(_) => Ok(()),
        Err(TransportError::Other(source)) => Err(failed(source)),
        Err(TransportError::MultiaddrNotSupported(_)) => {
            Err(failed(io::ErrorKind::Unsupported.into()))
        }
    }
}

/// The configuration allows only an IP address and a TCP port.
fn socket_address(node: &NodeConfig) -> Option<SocketAddr> {
    use libp2p::multiaddr::Protocol;
    let mut parts = node.listen.iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => Some((ip, port).into()),
        (Some(Protocol::Ip6(ip)), Some(Protocol::Tcp(port))) => Some((ip, port).into()),
        _ => None,
    }
}
