//! The task itself.

use super::behaviour::{Behaviour, BehaviourEvent, NetworkStartError, protocol_name, swarm};
use super::outbox::Outbox;
use super::peers::Peers;
use super::request::{Request, RequestKind, Response};
use super::seen::Seen;
use super::verify::{Job, Pool, Report, Verifier};
use crate::config::{Config, Limits, NodeConfig};
use crate::engine::{Command, EngineHandle, Event, NodeIndex, Ticket};
use crate::view::View;
use consensus::hpaxos::Input;
use crypto::{Keypair, MemberId};
use futures::StreamExt;
use libp2p::Swarm;
use libp2p::allow_block_list::NotAllowed;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance, PublishError};
use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ListenError, SwarmEvent};
use libp2p::{PeerId, identify, ping};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(50);
/// Questions of one peer that the engine may have at once.
const MAX_ASKING: usize = 4;
/// Reports that may wait for the task.
const REPORTS: usize = 256;

/// What the network needs.
pub(crate) struct Setup<'a> {
    pub(crate) config: &'a Config,
    pub(crate) node: &'a NodeConfig,
    pub(crate) keypair: &'a Keypair,
    pub(crate) engine: EngineHandle,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) view: Arc<View>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// See the module's documentation.
pub(crate) struct Network {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    protocol: String,
    peers: Peers,
    members: HashMap<NodeIndex, MemberId>,
    outbox: Outbox,
    pool: Pool,
    engine: EngineHandle,
    commands: mpsc::Receiver<Command>,
    reports: mpsc::Receiver<Report>,
    view: Arc<View>,
    stop: watch::Receiver<bool>,
    sync_every: Duration,
    sync_at: Instant,
    alive_every: Duration,
    next_ticket: u64,
    tickets: HashMap<Ticket, (NodeIndex, ResponseChannel<Response>)>,
    asked: HashMap<OutboundRequestId, (NodeIndex, RequestKind)>,
    in_flight: HashSet<(NodeIndex, RequestKind)>,
}

impl Network {
    /// Listens and starts the verification threads; `run` does the rest. Needs a tokio runtime.
    pub(crate) fn start(
        setup: Setup<'_>,
    ) -> Result<(Network, Vec<JoinHandle<()>>), NetworkStartError> {
        let Setup {
            config,
            node,
            keypair,
            engine,
            commands,
            view,
            seen,
            stop,
        } = setup;
        let topic = IdentTopic::new(protocol_name(config));
        let swarm = swarm(config, node, keypair, &topic)?;
        let limits = &config.limits;
        let (reporter, reports) = mpsc::channel(REPORTS);
        let verifier = Verifier {
            network: Arc::clone(&config.network),
            seen,
            view: Arc::clone(&view),
            engine: engine.clone(),
            reports: reporter,
        };
        let threads = match Limits::count(limits.verify_threads) {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let (pool, handles) = Pool::start(
            threads,
            Limits::count(limits.verify_queue),
            Limits::mib(limits.verify_queue_mib),
            verifier,
        )
        .map_err(|e| NetworkStartError::Setup(format!("cannot start a thread: {e}")))?;
        let now = Instant::now();
        let members = config
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(i, n)| Some((i, n.member?)));
        let network = Network {
            swarm,
            topic,
            protocol: protocol_name(config),
            peers: Peers::new(config, node, now),
            members: members.collect(),
            outbox: Outbox::new(
                Limits::count(limits.outbox_frames),
                Limits::mib(limits.outbox_mib),
            ),
            pool,
            engine,
            commands,
            reports,
            view,
            stop,
            sync_every: Limits::ms(limits.sync_ms),
            sync_at: now,
            alive_every: Limits::ms(limits.patience_ms) / 4,
            next_ticket: 0,
            tickets: HashMap::new(),
            asked: HashMap::new(),
            in_flight: HashSet::new(),
        };
        Ok((network, handles))
    }

    /// Runs until told to stop or until the engine has ended.
    pub(crate) async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK.min(self.sync_every));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.swarm_event(event),
                command = self.commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                Some(report) = self.reports.recv() => self.report(report),
                _ = tick.tick() => self.tick(Instant::now()),
                // An error means that whoever could say it is gone: stop as well.
                _ = stop.changed() => return,
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        for id in self.peers.pardon(now) {
            self.swarm.behaviour_mut().allowed.allow_peer(id);
        }
        for (id, address) in self.peers.to_dial(now) {
            // From a port of its own: sharing the listening port makes redialling fail for a while.
            let dial = DialOpts::peer_id(id)
                .addresses(vec![address])
                .allocate_new_port()
                .build();
            if let Err(error) = self.swarm.dial(dial) {
                tracing::trace!(%id, %error, "not dialled");
            }
        }
        if now >= self.sync_at {
            self.sync_at = now + self.sync_every;
            let in_flight = &self.in_flight;
            let next = self
                .peers
                .next(|peer| !in_flight.contains(&(peer, RequestKind::Sync)));
            if let Some(peer) = next {
                self.sync(peer);
            }
        }
        self.flush();
    }

    /// Lets the engine say what to ask this peer for. If it is busy there is a next time.
    fn sync(&mut self, peer: NodeIndex) {
        if !self.in_flight.contains(&(peer, RequestKind::Sync)) {
            let _ = self.engine.try_send(Event::AskPeer { peer });
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Publish(frame) => {
                // Nobody else exists: everything said has been heard.
                if !self.peers.is_empty() {
                    let dropped = self.outbox.push(frame);
                    self.dropped("outbox_full", dropped);
                    self.flush();
                }
            }
            Command::Ask(peer, request) => self.ask(peer, request),
            Command::Answer(ticket, response) => self.answer(ticket, response),
        }
    }

    fn dropped(&self, reason: &str, n: u64) {
        if n > 0 {
            self.view.metrics.dropped(reason, n);
        }
    }

    /// Publishes what waits, if there is anybody to receive it.
    fn flush(&mut self) {
        while self.peers.any_subscribed() {
            let Some(frame) = self.outbox.pop() else {
                return;
            };
            match self
                .swarm
                .behaviour_mut()
                .gossip
                .publish(self.topic.hash(), frame)
            {
                Ok(_) => {}
                Err(PublishError::AllQueuesFull(_)) => self.dropped("peer_queues_full", 1),
                Err(error) => {
                    tracing::debug!(%error, "not published");
                    self.dropped("not_published", 1);
                }
            }
        }
    }

    fn ask(&mut self, peer: Option<NodeIndex>, request: Request) {
        let kind = request.kind();
        let in_flight = &self.in_flight;
        let free = |peer| !in_flight.contains(&(peer, kind));
        // Whatever is not asked now is asked at the next turn.
        let peer = match peer {
            Some(peer) if free(peer) => peer,
            Some(_) => return,
            None => match self.peers.next(free) {
                Some(peer) => peer,
                None => return,
            },
        };
        let Some(id) = self.peers.get(peer).filter(|p| p.connected).map(|p| p.id) else {
            return;
        };
        let request = self
            .swarm
            .behaviour_mut()
            .requests
            .send_request(&id, request);
        self.asked.insert(request, (peer, kind));
        self.in_flight.insert((peer, kind));
    }

    fn answer(&mut self, ticket: Ticket, response: Response) {
        let Some((peer, channel)) = self.tickets.remove(&ticket) else {
            return;
        };
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.asking = peer.asking.saturating_sub(1);
        }
        // Fails if the peer has gone away.
        let _ = self
            .swarm
            .behaviour_mut()
            .requests
            .send_response(channel, response);
    }

    fn report(&mut self, report: Report) {
        if let Some(id) = &report.id
            && let Some(peer) = self.peers.get(report.from)
        {
            let verdict = match report.outcome {
                Ok(_) => MessageAcceptance::Accept,
                Err(_) => MessageAcceptance::Reject,
            };
            let gossip = &mut self.swarm.behaviour_mut().gossip;
            gossip.report_message_validation_result(id, &peer.id, verdict);
        }
        match report.outcome {
            Err(reason) => self.refused(report.from, reason),
            // Whoever had something new may have more.
            Ok(new) if new > 0 && report.id.is_none() => self.sync(report.from),
            Ok(_) => {}
        }
    }

    fn refused(&mut self, from: NodeIndex, reason: &'static str) {
        let now = Instant::now();
        let Some(name) = self.peers.get(from).map(|p| p.name.clone()) else {
            return;
        };
        self.view.metrics.refused(reason, &name);
        tracing::debug!(peer = name, reason, "refused");
        if self.peers.refused(from, now) {
            self.ban(from, now, reason);
        }
    }

    fn ban(&mut self, from: NodeIndex, now: Instant, reason: &str) {
        self.peers.ban(from, now);
        let Some(peer) = self.peers.get(from) else {
            return;
        };
        tracing::warn!(peer = peer.name, reason, "shuts a peer out for a minute");
        self.swarm.behaviour_mut().allowed.disallow_peer(peer.id);
    }

    fn swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                num_established,
                ..
            } => {
                if num_established.get() == 1 {
                    self.connected(&peer_id);
                }
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
                if cause.downcast::<NotAllowed>().is_ok() {
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
        self.tickets.retain(|_, (peer, _)| *peer != index);
    }

    /// Something came straight from this peer.
    fn alive(&mut self, index: NodeIndex) {
        let now = Instant::now();
        let every = self.alive_every;
        let Some(member) = self.members.get(&index).copied() else {
            return;
        };
        let Some(peer) = self.peers.get_mut(index) else {
            return;
        };
        let known = peer
            .told_alive
            .is_some_and(|t| now.duration_since(t) < every);
        if !known
            && self
                .engine
                .try_send(Event::Inputs(vec![Input::Alive(member)]))
                .is_ok()
        {
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
                    (Some(index), Ok(_)) => self.alive(index),
                    // A connection that answers no more is closed, so that it is dialled again.
                    (_, Err(ping::Failure::Timeout)) => {
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
            BehaviourEvent::Identify(_) => {}
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
        self.ban(index, Instant::now(), "wrong_network");
    }

    fn gossip_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                self.view.metrics.frames_received.inc();
                let Some(from) = self.peers.index(&propagation_source) else {
                    return;
                };
                self.alive(from);
                let job = Job::Frame {
                    id: message_id.clone(),
                    from,
                    bytes: message.data,
                };
                if self.pool.submit(job).is_err() {
                    self.dropped("verify_queue_full", 1);
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

    fn set_subscribed(&mut self, id: &PeerId, subscribed: bool) {
        let index = self.peers.index(id);
        if let Some(peer) = index.and_then(|i| self.peers.get_mut(i)) {
            peer.subscribed = subscribed;
        }
    }

    fn request_event(&mut self, event: request_response::Event<Request, Response>) {
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
    fn asked_by(&mut self, index: NodeIndex, request: Request, channel: ResponseChannel<Response>) {
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

    fn answered(&mut self, from: NodeIndex, id: OutboundRequestId, response: Response) {
        let Some((peer, kind)) = self.asked.remove(&id) else {
            return;
        };
        self.in_flight.remove(&(peer, kind));
        if peer != from || !response.answers(kind) {
            self.refused(from, "frame");
            return;
        }
        if self.pool.submit(Job::Answer { from, response }).is_err() {
            self.dropped("verify_queue_full", 1);
        }
    }
}
