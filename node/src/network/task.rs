//! The task itself.

use super::behaviour::{Behaviour, NetworkStartError, is_full_mesh, protocol_name, streams, swarm};
use super::frame::max_frame_bytes;
use super::names::{Found, Names};
use super::outbox::Outbox;
use super::peers::{BAN, Peers};
use super::request::{Request, RequestKind};
use super::seen::Seen;
use super::streams::{Bounds, Streams};
use super::verify::{Pool, Report, Source, Verifier};
use crate::config::{Config, Limits, Named, NodeConfig};
use crate::engine::{Command, EngineHandle, Event, Intake, NodeIndex, Queued, Ticket};
use crate::view::View;
use crate::view::metrics::whole;
use consensus::{InputOf, Protocol};
use crypto::{Keypair, MemberId};
use futures::StreamExt;
use libp2p::gossipsub::{IdentTopic, MessageAcceptance, PublishError};
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, Swarm};
use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(50);
/// Reports that may wait for the task.
const REPORTS: usize = 256;

/// What the network needs.
pub(crate) struct Setup<'a, P: Protocol> {
    pub(crate) config: &'a Config,
    pub(crate) node: &'a NodeConfig,
    pub(crate) keypair: &'a Keypair,
    pub(crate) queue: Intake<Queued<InputOf<P>>>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) view: Arc<View>,
    pub(crate) seen: Arc<Seen<P>>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// See the module's documentation.
pub(crate) struct Network {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) topic: IdentTopic,
    pub(super) protocol: String,
    pub(super) peers: Peers,
    pub(super) names: Names,
    pub(super) members: HashMap<NodeIndex, MemberId>,
    pub(super) outbox: Outbox,
    pub(super) streams: Streams,
    full_mesh: bool,
    pub(super) pool: Pool,
    /// The verification threads.
    verifying: Vec<JoinHandle<()>>,
    pub(super) engine: EngineHandle,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) reports: mpsc::Receiver<Report>,
    pub(super) view: Arc<View>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) sync_every: Duration,
    pub(super) sync_at: Instant,
    pub(super) alive_every: Duration,
    pub(super) next_ticket: u64,
    pub(super) tickets: HashMap<Ticket, (NodeIndex, ResponseChannel<Vec<u8>>)>,
    pub(super) asked: HashMap<OutboundRequestId, (NodeIndex, RequestKind)>,
    pub(super) in_flight: HashSet<(NodeIndex, RequestKind)>,
}

impl Network {
    /// Listens and starts the verification threads; `run` does the rest. Needs a tokio runtime.
    pub(crate) fn start<P: Protocol>(setup: Setup<'_, P>) -> Result<Network, NetworkStartError> {
        let Setup {
            config,
            node,
            keypair,
            queue,
            commands,
            view,
            seen,
            stop,
        } = setup;
        let topic = IdentTopic::new(protocol_name(config));
        let swarm = swarm(config, node, keypair, &topic, max_frame_bytes::<P>())?;
        let limits = &config.limits;
        let bounds = Bounds {
            frames: Limits::count(limits.outbox_frames),
            bytes: Limits::mib(limits.outbox_mib),
            frame: max_frame_bytes::<P>(),
        };
        let streams = streams(config, &swarm, bounds)?;
        let (reporter, reports) = mpsc::channel(REPORTS);
        let verifier = Verifier {
            network: Arc::clone(&config.network),
            seen,
            view: Arc::clone(&view),
            engine: queue.clone(),
            reports: reporter,
        };
        let threads = match Limits::count(limits.verify_threads) {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let (pool, verifying) = Pool::start(
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
        Ok(Network {
            swarm,
            topic,
            protocol: protocol_name(config),
            peers: Peers::new(config, node, now),
            names: Names::new(),
            members: members.collect(),
            outbox: Outbox::new(bounds.frames, bounds.bytes),
            streams,
            full_mesh: is_full_mesh(config),
            pool,
            verifying,
            engine: EngineHandle::new(queue),
            commands,
            reports,
            view,
            stop,
            sync_every: Limits::ms(limits.sync_ms),
            sync_at: now,
            alive_every: Limits::ms(limits.patience_ms) / 8,
            next_ticket: 0,
            tickets: HashMap::new(),
            asked: HashMap::new(),
            in_flight: HashSet::new(),
        })
    }

    /// Runs until told to stop or until the engine has ended.
    ///
    /// # Panics
    /// If a verification thread has panicked: what it had in hand is in flight for ever.
    pub(crate) async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK.min(self.sync_every).min(self.alive_every));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.swarm_event(event),
                (id, stream) = self.streams.next() => self.opened(&id, stream),
                command = self.commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return,
                },
                Some(report) = self.reports.recv() => self.report(report),
                found = self.names.next() => self.found(found),
                _ = tick.tick() => self.tick(Instant::now()),
                // An error means that whoever could say it is gone: stop as well.
                _ = stop.changed() => return,
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        for thread in self.verifying.extract_if(.., |thread| thread.is_finished()) {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        for peer in self.streams.heard() {
            self.alive(peer);
        }
        for id in self.peers.pardon(now) {
            self.swarm.behaviour_mut().allowed.allow_peer(id);
        }
        for (id, address) in self.peers.due_to_dial(now) {
            match Named::of(&address) {
                Some(named) => self.names.ask(id, named),
                None => self.dial(id, vec![address]),
            }
        }
        self.open_streams(now);
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
        self.measure();
    }

    /// Shows what waits here. Often enough: whoever reads it does so every few seconds.
    fn measure(&self) {
        let metrics = &self.view.metrics;
        let (frames, bytes) = self.pool.waiting();
        metrics.verify_queue.set(whole(frames as u64));
        metrics.verify_bytes.set(whole(bytes as u64));
        let (frames, bytes) = self.outbox.waiting();
        metrics.outbox.set(whole(frames as u64));
        metrics.outbox_bytes.set(whole(bytes as u64));
        self.view.set_heard(self.peers.heard(), Instant::now());
    }

    fn dial(&mut self, id: PeerId, addresses: Vec<Multiaddr>) {
        // From a port of its own: sharing the listening port makes redialling fail for a while.
        let dial = DialOpts::peer_id(id)
            .addresses(addresses)
            .allocate_new_port()
            .build();
        if let Err(error) = self.swarm.dial(dial) {
            tracing::trace!(%id, %error, "not dialled");
        }
    }

    /// A name has been looked up. One that is not known is asked for again when the peer's pause is over.
    fn found(&mut self, Found { id, addresses }: Found) {
        match addresses {
            Ok(addresses) => self.dial(id, addresses),
            Err(error) => {
                let peer = self.peers.index(&id).and_then(|at| self.peers.get(at));
                let peer = peer.map(|peer| peer.name.as_str());
                tracing::debug!(peer, %error, "cannot find the peer's address by its name");
            }
        }
    }

    /// Lets the engine say what to ask this peer for. If it is busy there is a next time.
    pub(super) fn sync(&mut self, peer: NodeIndex) {
        for kind in [RequestKind::Sync, RequestKind::Batches] {
            if !self.in_flight.contains(&(peer, kind)) {
                let _ = self.engine.try_send(Event::AskPeer { peer, kind });
            }
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

    pub(super) fn dropped(&self, reason: &str, n: u64) {
        if n > 0 {
            self.view.metrics.dropped(reason, n);
        }
    }

    /// Sends what waits, if there is anybody to receive it: straight to everybody, or as gossip if it has to be
    /// passed on.
    pub(super) fn flush(&mut self) {
        let (peers, streams) = (&self.peers, &self.streams);
        let straight =
            self.full_mesh && peers.are_reached(Instant::now(), |at| streams.is_open(at));
        while straight || self.peers.any_subscribed() {
            let Some(frame) = self.outbox.pop() else {
                return;
            };
            match straight {
                true => self.send(frame),
                false => self.publish(frame),
            }
        }
    }

    fn send(&mut self, frame: Vec<u8>) {
        let (sent, full) = self.streams.send(frame);
        self.view.metrics.frames_sent("stream", sent);
        self.dropped("peer_queue_full", full);
    }

    fn publish(&mut self, frame: Vec<u8>) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        match gossip.publish(self.topic.hash(), frame) {
            Ok(_) => self.view.metrics.frames_sent("gossip", 1),
            Err(PublishError::AllQueuesFull(_)) => self.dropped("peer_queues_full", 1),
            Err(error) => {
                tracing::debug!(%error, "not published");
                self.dropped("not_published", 1);
            }
        }
    }

    /// Opens streams to those connected who have none. In larger networks not everybody is told everything directly.
    pub(super) fn open_streams(&mut self, now: Instant) {
        if self.full_mesh {
            for (peer, id) in self.peers.connected() {
                self.streams.open(peer, id, now);
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

    fn answer(&mut self, ticket: Ticket, response: Vec<u8>) {
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
        if let Source::Answer(kind) = report.source {
            self.in_flight.remove(&(report.from, kind));
        }
        if let Source::Gossip(id) = &report.source
            && let Some(peer) = self.peers.get(report.from)
        {
            let verdict = match report.outcome {
                // Whatever says nothing new stops here, however it is wrapped.
                Ok(0) => MessageAcceptance::Ignore,
                Ok(_) => MessageAcceptance::Accept,
                Err(_) => MessageAcceptance::Reject,
            };
            let gossip = &mut self.swarm.behaviour_mut().gossip;
            gossip.report_message_validation_result(id, &peer.id, verdict);
        }
        match report.outcome {
            Err(reason) => self.refused(report.from, reason),
            // Whoever had something new may have more.
            Ok(new) if new > 0 && matches!(report.source, Source::Answer(_)) => {
                self.sync(report.from);
            }
            Ok(_) => {}
        }
    }

    pub(super) fn refused(&mut self, from: NodeIndex, reason: &'static str) {
        let now = Instant::now();
        let Some(name) = self.peers.get(from).map(|p| p.name.clone()) else {
            return;
        };
        self.view.metrics.refused(reason, &name);
        tracing::debug!(peer = name, reason, "refused");
        if self.peers.refused(from, now) {
            tracing::warn!(peer = name, reason, "shuts a peer out for a minute");
            self.ban(from, now + BAN);
        }
    }

    pub(super) fn ban(&mut self, from: NodeIndex, until: Instant) {
        self.peers.ban(from, until);
        if let Some(id) = self.peers.get(from).map(|p| p.id) {
            self.swarm.behaviour_mut().allowed.disallow_peer(id);
        }
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
