//! libp2p with streams alone: a task writes to each peer, another one reads from it.

use super::{Arrived, NODES, Nodes};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream::{Behaviour, Control};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/frames");
/// As many as those of the network that are not signed.
const BYTES: usize = 223;
/// Frames that may wait for one peer.
const QUEUE: usize = 1024;

/// How frames that wait are written.
#[derive(Clone, Copy)]
pub(crate) enum Writes {
    /// One by one.
    Each,
    /// Those that wait together.
    Shared,
}

type Frame = Arc<[u8]>;

/// Nodes that are streams and nothing else.
pub(crate) struct Raw {
    /// Of each node, to all others.
    queues: Vec<Vec<mpsc::Sender<Frame>>>,
}

impl Raw {
    pub(crate) fn start(writes: Writes, tell: Sender<Arrived>) -> Self {
        let queues = Handle::current().block_on(connect(writes, &tell));
        Raw { queues }
    }
}

impl Nodes for Raw {
    fn publish(&self, node: usize, number: usize) {
        let mut frame = vec![0; BYTES];
        frame[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let frame: Frame = frame.into();
        for queue in &self.queues[node] {
            let sent = queue.blocking_send(Arc::clone(&frame));
            sent.expect("the stream lasts");
        }
    }

    fn bytes(&self) -> usize {
        BYTES
    }

    fn astray(&self) -> u64 {
        0
    }
}

/// Connects everybody with everybody, each to those before it.
async fn connect(writes: Writes, tell: &Sender<Arrived>) -> Vec<Vec<mpsc::Sender<Frame>>> {
    let (connected, mut connections) = mpsc::channel(NODES * NODES);
    let mut nodes: Vec<(PeerId, Control, Multiaddr)> = Vec::new();
    for _ in 0..NODES {
        let (mut swarm, address) = listening().await;
        for (_, _, other) in &nodes {
            swarm.dial(other.clone()).expect("an address");
        }
        let mut control = swarm.behaviour().new_control();
        let mut incoming = control.accept(PROTOCOL).expect("accepted once");
        nodes.push((*swarm.local_peer_id(), control, address));
        let connected = connected.clone();
        tokio::spawn(async move {
            loop {
                if let SwarmEvent::ConnectionEstablished { .. } = swarm.select_next_some().await {
                    connected.send(()).await.expect("counted");
                }
            }
        });
        let tell = tell.clone();
        tokio::spawn(async move {
            while let Some((_, stream)) = incoming.next().await {
                tokio::spawn(read(stream, tell.clone()));
            }
        });
    }
    for _ in 0..NODES * (NODES - 1) {
        connections.recv().await.expect("a connection");
    }
    let mut queues = Vec::new();
    for (me, control, _) in &nodes {
        let mut to_all = Vec::new();
        for (peer, ..) in nodes.iter().filter(|(peer, ..)| peer != me) {
            let stream = control.clone().open_stream(*peer, PROTOCOL).await;
            let (queue, waiting) = mpsc::channel(QUEUE);
            tokio::spawn(write(stream.expect("a stream"), waiting, writes));
            to_all.push(queue);
        }
        queues.push(to_all);
    }
    queues
}

/// A node, and where it listens; set up as the network's.
async fn listening() -> (Swarm<Behaviour>, Multiaddr) {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )
        .expect("a transport")
        .with_behaviour(|_| Behaviour::new())
        .expect("a behaviour")
        .build();
    let any = "/ip4/127.0.0.1/tcp/0".parse().expect("an address");
    swarm.listen_on(any).expect("it listens");
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return (swarm, address);
        }
    }
}

async fn write(mut stream: Stream, mut queue: mpsc::Receiver<Frame>, writes: Writes) {
    let mut bytes = Vec::new();
    while let Some(frame) = queue.recv().await {
        put(&mut bytes, &frame);
        while let Writes::Shared = writes
            && let Ok(frame) = queue.try_recv()
        {
            put(&mut bytes, &frame);
        }
        stream.write_all(&bytes).await.expect("the stream lasts");
        stream.flush().await.expect("the stream lasts");
        bytes.clear();
    }
}

fn put(bytes: &mut Vec<u8>, frame: &Frame) {
    bytes.extend_from_slice(&(frame.len() as u32).to_le_bytes());
    bytes.extend_from_slice(frame);
}

/// Until the other end is dropped.
async fn read(stream: Stream, tell: Sender<Arrived>) {
    let mut stream = futures::io::BufReader::with_capacity(64 << 10, stream);
    let mut length = [0; 4];
    while stream.read_exact(&mut length).await.is_ok() {
        let mut frame = vec![0; u32::from_le_bytes(length) as usize];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        let number = frame[..8].try_into().expect("eight bytes");
        let number = u64::from_le_bytes(number) as usize;
        // At the end nobody counts any more.
        let _ = tell.send((number, Instant::now()));
    }
}
