//! The links between nodes: every connection goes through one, so that it can be cut and slowed.
//!
//! ```text
//!   n1 ──dials──► link n1→n2 ──► n2        a link has a condition, the same in both directions
//!   n2 ──dials──► link n2→n1 ──► n1
//! ```
//!
//! Where a link is cut, connections stay open and nothing passes, as where a cable is pulled; when it heals, what
//! was on its way arrives. That a connection has ended is on its way as its last bytes are.

use super::layout::Ports;
use crate::failure::Failure;
use crate::observe::Node;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Bytes that are taken in at once.
const CHUNK: usize = 64 << 10;
/// Bytes on their way in one direction; beyond, whoever sends waits. A link that is slow is not narrow.
const ON_THE_WAY: usize = 4 << 20;
/// So many are counted for a chunk that is shorter.
const SHORTEST: usize = 256;
/// Connections of one node to another at once. There is one, or two while both dial, and those that wait for a cut
/// link until their dialler gives up.
const CONNECTIONS: usize = 32;
/// The pause before something is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How two nodes reach each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Nothing passes.
    pub cut: bool,
    /// How much longer everything takes, in each direction.
    pub delay: Duration,
}

/// The links between all nodes of a network. Dropping this closes them.
#[derive(Debug, Default)]
pub struct Links {
    /// By who dials whom.
    ports: HashMap<(Node, Node), u16>,
    conditions: HashMap<(Node, Node), watch::Sender<Condition>>,
    _tasks: JoinSet<()>,
}

impl Links {
    /// Opens a link between every two of the nodes that listen on these ports.
    ///
    /// # Errors
    /// If the system has no port for one.
    pub async fn open(nodes: &[Ports]) -> Result<Links, Failure> {
        let failed = |e: io::Error| Failure::could_not_run(format!("no link between nodes: {e}"));
        let mut links = Links::default();
        for (from, _) in nodes.iter().enumerate() {
            for (to, ports) in nodes.iter().enumerate().filter(|(to, _)| *to != from) {
                let condition = links.conditions.entry(pair(from, to)).or_default();
                let condition = condition.subscribe();
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
                let listener = listener.map_err(failed)?;
                let port = listener.local_addr().map_err(failed)?.port();
                links.ports.insert((from, to), port);
                let target = SocketAddrV4::new(Ipv4Addr::LOCALHOST, ports.peers);
                links._tasks.spawn(accept(listener, target, condition));
            }
        }
        Ok(links)
    }

    /// The port that a node dials to reach another one, if there is a link.
    #[must_use]
    pub fn port(&self, from: Node, to: Node) -> Option<u16> {
        self.ports.get(&(from, to)).copied()
    }

    /// Every two nodes, with how they reach each other.
    pub fn conditions(&self) -> impl Iterator<Item = ((Node, Node), Condition)> {
        let all = self.conditions.iter();
        all.map(|(pair, condition)| (*pair, *condition.borrow()))
    }

    /// Changes how every two nodes reach each other.
    pub fn change(&self, change: impl Fn((Node, Node), &mut Condition)) {
        for (pair, condition) in &self.conditions {
            condition.send_modify(|condition| change(*pair, condition));
        }
    }
}

/// Two nodes, the smaller one first.
#[must_use]
pub fn pair(a: Node, b: Node) -> (Node, Node) {
    (a.min(b), a.max(b))
}

async fn accept(
    listener: TcpListener,
    target: SocketAddrV4,
    condition: watch::Receiver<Condition>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                // Whoever dials more often than that is refused.
                Ok((stream, _)) if connections.len() < CONNECTIONS => {
                    connections.spawn(connect(stream, target, condition.clone()));
                }
                Ok(_) => {}
                // No file left for it, for example: whoever dialled tries again.
                Err(error) => {
                    tracing::warn!(%error, "a connection between nodes was lost");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            // So that what has ended is forgotten.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until both directions have ended.
async fn connect(
    mut stream: TcpStream,
    target: SocketAddrV4,
    mut condition: watch::Receiver<Condition>,
) {
    // While the link is cut, what was said first is taken in, so that it shows when the dialler gives up.
    let mut early = Vec::new();
    loop {
        let full = early.len() >= CHUNK;
        tokio::select! {
            biased;
            healed = condition.wait_for(|c| !c.cut) => match healed {
                Ok(_) => break,
                Err(_) => return,
            },
            read = stream.read_buf(&mut early), if !full => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
            }
        }
    }
    // A node that is down refuses; its link does so too.
    let Ok(mut other) = TcpStream::connect(target).await else {
        return;
    };
    let prompt = stream.set_nodelay(true).and(other.set_nodelay(true));
    if prompt.is_err() || other.write_all(&early).await.is_err() {
        return;
    }
    let ((read_a, write_a), (read_b, write_b)) = (stream.into_split(), other.into_split());
    let (there, back) = (
        direction(read_a, write_b, condition.clone()),
        direction(read_b, write_a, condition),
    );
    // One that breaks takes the other along.
    let _ = tokio::try_join!(there, back);
}

/// What is on its way.
struct Sent {
    due: Instant,
    what: What,
}

enum What {
    /// Bytes, with the room that they take.
    Bytes(Vec<u8>, OwnedSemaphorePermit),
    /// There are no more.
    End,
}

/// Carries bytes in one direction until there are no more.
async fn direction(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut condition: watch::Receiver<Condition>,
) -> io::Result<()> {
    // The room is what bounds it.
    let (send, mut receive) = mpsc::unbounded_channel::<Sent>();
    let room = Arc::new(Semaphore::new(ON_THE_WAY));
    let mut delays = condition.clone();
    let read = async move {
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            buffer.clear();
            if let Err(error) = from.read_buf(&mut buffer).await {
                // A connection that breaks does not show through a cut link.
                let _ = delays.wait_for(|c| !c.cut).await;
                return Err(error);
            }
            let due = Instant::now() + delays.borrow().delay;
            let what = if buffer.is_empty() {
                What::End
            } else {
                let takes = u32::try_from(buffer.len().max(SHORTEST)).unwrap_or(u32::MAX);
                let room = Arc::clone(&room).acquire_many_owned(takes).await;
                // No longer than what is in it.
                What::Bytes(
                    buffer.clone(),
                    room.map_err(|_| io::ErrorKind::NotConnected)?,
                )
            };
            let end = matches!(what, What::End);
            if send.send(Sent { due, what }).is_err() || end {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some(Sent { due, what }) = receive.recv().await {
            tokio::time::sleep_until(due).await;
            let healed = condition.wait_for(|c| !c.cut).await;
            healed.map_err(|_| io::ErrorKind::NotConnected)?;
            match what {
                What::Bytes(bytes, _room) => to.write_all(&bytes).await?,
                What::End => to.shutdown().await?,
            }
        }
        Ok(())
    };
    tokio::try_join!(read, write).map(|_: ((), ())| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{DuplexStream, duplex};

    /// Two ends of a connection from node 0 to node 1, which answers what it hears.
    async fn connected() -> (Links, TcpStream, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
        let peers = listener.local_addr().expect("bound").port();
        let ports = [Ports { peers: 1, http: 1 }, Ports { peers, http: 1 }];
        let links = Links::open(&ports).await.expect("links");
        let port = links.port(0, 1).expect("a link");
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        let stream = stream.await.expect("connected");
        let echo = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write)
                .await
                .expect("copied");
        });
        (links, stream, echo)
    }

    async fn echoed(stream: &mut TcpStream, text: &[u8]) {
        stream.write_all(text).await.expect("written");
        let mut heard = vec![0; text.len()];
        stream.read_exact(&mut heard).await.expect("read");
        assert_eq!(heard, text);
    }

    #[tokio::test]
    async fn a_slow_link_is_slow_in_both_directions() {
        let (links, mut stream, _echo) = connected().await;
        let slow = Duration::from_millis(150);
        links.change(|_, condition| condition.delay = slow);
        let start = Instant::now();
        echoed(&mut stream, b"slow").await;
        assert!(start.elapsed() >= 2 * slow);
    }

    #[tokio::test]
    async fn what_was_on_its_way_arrives_when_a_cut_link_heals() {
        let (links, mut stream, _echo) = connected().await;
        echoed(&mut stream, b"before").await;
        links.change(|pair, condition| condition.cut = pair == (0, 1));
        stream.write_all(b"later").await.expect("written");
        let mut heard = [0; 5];
        let early =
            tokio::time::timeout(Duration::from_millis(100), stream.read_exact(&mut heard)).await;
        assert!(early.is_err(), "{early:?}");
        links.change(|_, condition| condition.cut = false);
        stream.read_exact(&mut heard).await.expect("read");
        assert_eq!(&heard, b"later");
    }

    #[tokio::test]
    async fn an_end_waits_at_a_cut_link_and_takes_as_long_as_bytes() {
        let (links, mut stream, _echo) = connected().await;
        echoed(&mut stream, b"before").await;
        links.change(|_, condition| condition.cut = true);
        stream.shutdown().await.expect("ended");
        let mut heard = [0; 8];
        let early = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut heard)).await;
        assert!(early.is_err(), "{early:?}");
        links.change(|_, condition| condition.cut = false);
        assert_eq!(stream.read(&mut heard).await.expect("read"), 0);

        let (links, mut stream, _echo) = connected().await;
        echoed(&mut stream, b"before").await;
        let slow = Duration::from_millis(150);
        links.change(|_, condition| condition.delay = slow);
        let start = Instant::now();
        stream.shutdown().await.expect("ended");
        assert_eq!(stream.read(&mut heard).await.expect("read"), 0);
        assert!(start.elapsed() >= 2 * slow);
    }

    /// One direction of a slow link, from a pipe of so many bytes.
    fn slow(pipe: usize, delay: Duration) -> (DuplexStream, DuplexStream, impl Sized) {
        let cut = false;
        let (tell, condition) = watch::channel(Condition { cut, delay });
        let ((end, from), (to, other)) = (duplex(pipe), duplex(CHUNK));
        let link = tokio::spawn(direction(from, to, condition));
        (end, other, (tell, link))
    }

    #[tokio::test]
    async fn many_short_messages_are_on_their_way_at_once() {
        const LEN: usize = 16;
        let (mut end, _other, _link) = slow(LEN, Duration::from_secs(3600));
        // Each is taken in for itself, and nothing arrives before they are all on their way.
        for _ in 0..1000 {
            end.write_all(&[0; LEN]).await.expect("it does not wait");
        }
    }

    #[tokio::test]
    async fn what_is_on_its_way_is_bounded() {
        let (mut end, mut other, _link) = slow(CHUNK, Duration::from_millis(100));
        let written = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&written);
        let total = 3 * ON_THE_WAY;
        let writer = tokio::spawn(async move {
            while counted.load(Ordering::Relaxed) < total {
                let n = end.write(&[0; CHUNK]).await.expect("written");
                counted.fetch_add(n, Ordering::Relaxed);
            }
        });
        let (mut read, mut buffer) = (0, vec![0; CHUNK]);
        // What is on its way, and what is in the pipes, in the buffer and in both hands.
        let most = ON_THE_WAY + 5 * CHUNK;
        loop {
            let n = other.read(&mut buffer).await.expect("read");
            if n == 0 {
                break;
            }
            read += n;
            assert!(written.load(Ordering::Relaxed) <= read + most);
        }
        writer.await.expect("ended");
        assert!(read >= total);
    }

    #[tokio::test]
    async fn who_dials_a_cut_link_is_heard_when_it_heals_and_may_give_up() {
        let (links, _first, echo) = connected().await;
        links.change(|_, condition| condition.cut = true);
        let port = links.port(0, 1).expect("a link");
        let dial = || TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        // Far more than may wait at once, if those that gave up were still there.
        for _ in 0..3 * CONNECTIONS {
            let mut stream = dial().await.expect("it is silent, and does not refuse");
            stream.write_all(b"hello").await.expect("written");
            stream.shutdown().await.expect("ended");
            assert_eq!(stream.read(&mut [0; 8]).await.expect("closed"), 0);
        }
        echo.abort();
    }

    #[tokio::test]
    async fn an_end_is_passed_on_and_a_refusal_too() {
        let (links, mut stream, echo) = connected().await;
        stream.shutdown().await.expect("ended");
        assert_eq!(stream.read(&mut [0; 8]).await.expect("read"), 0);
        echo.await.expect("ended");
        // Nobody listens any more.
        let port = links.port(0, 1).expect("a link");
        let again = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        let read = again.expect("the link listens").read(&mut [0; 8]).await;
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }
}
