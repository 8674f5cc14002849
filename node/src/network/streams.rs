//! Streams of frames, straight to each node that there is a connection with.
//!
//! ```text
//!   frame ──► queue of each peer ──► writer ──► length, bytes, … ──► reader of the peer ──► its verification
//! ```
//!
//! Where every node is connected to every other one, a frame needs nobody to pass it on, and a stream takes a
//! fraction of the processor time of gossip (docs/performance.md). A frame is its length as 4 bytes, little endian,
//! and its bytes. Frames that wait share one write. A queue that is full, of frames or of bytes, takes no more:
//! what a slow peer missed it is offered by synchronisation, as after gossip that was lost. So does the queue of
//! verification. Whom its network task has heard on streams it looks up at every tick.

use super::verify::{Pool, Source};
use crate::engine::NodeIndex;
use futures::io::{BufReader, copy};
use futures::{AsyncRead, AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{PeerId, Stream, StreamProtocol};
use libp2p_stream::{AlreadyRegistered, Control, IncomingStreams};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;

/// Waiting frames share writes of about so many bytes.
const WRITE_BYTES: usize = 64 << 10;
/// The pause before a stream that broke, or could not be opened, is opened again.
const AGAIN: Duration = Duration::from_millis(500);

/// The streams with all peers.
pub(super) struct Streams {
    control: Control,
    protocol: StreamProtocol,
    incoming: IncomingStreams,
    writers: HashMap<NodeIndex, Writer>,
    readers: HashMap<NodeIndex, Reader>,
    bounds: Bounds,
}

/// What may wait, and how large a frame may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Frames that may wait for one peer.
    pub(super) frames: usize,
    /// Their bytes.
    pub(super) bytes: usize,
    /// The bytes of the largest frame.
    pub(super) frame: usize,
}

/// The way to one peer.
struct Writer {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    /// Whether its stream was opened. The queue is closed when that broke, or could not be opened.
    open: Arc<AtomicBool>,
    begun: Instant,
}

/// Reads a peer's stream until it is dropped.
struct Reader {
    task: AbortHandle,
    /// Whether anything came since this was looked at.
    heard: Arc<AtomicBool>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A frame with its room in the queue.
struct Waiting {
    frame: Arc<[u8]>,
    _room: OwnedSemaphorePermit,
}

impl Streams {
    /// Listens for streams of this protocol.
    pub(super) fn new(
        mut control: Control,
        protocol: StreamProtocol,
        bounds: Bounds,
    ) -> Result<Self, AlreadyRegistered> {
        let incoming = control.accept(protocol.clone())?;
        Ok(Streams {
            control,
            protocol,
            incoming,
            writers: HashMap::new(),
            readers: HashMap::new(),
            bounds,
        })
    }

    /// The next stream that a peer opens; nothing is lost if nobody waits for it to the end.
    pub(super) async fn next(&mut self) -> (PeerId, Stream) {
        match self.incoming.next().await {
            Some(opened) => opened,
            None => std::future::pending().await,
        }
    }

    /// From whom anything came since this was asked last.
    pub(super) fn heard(&self) -> Vec<NodeIndex> {
        let heard = |reader: &Reader| reader.heard.swap(false, Ordering::Relaxed);
        let readers = self.readers.iter().filter(|(_, reader)| heard(reader));
        readers.map(|(peer, _)| *peer).collect()
    }

    /// Opens a stream to a connected peer, unless there is one or the last attempt was just now.
    pub(super) fn open(&mut self, peer: NodeIndex, id: PeerId, now: Instant) {
        let writer = self.writers.get(&peer);
        let soon = |w: &Writer| !w.queue.is_closed() || now < w.begun + AGAIN;
        if writer.is_some_and(soon) {
            return;
        }
        let (queue, waiting) = mpsc::channel(self.bounds.frames);
        let open = Arc::new(AtomicBool::new(false));
        let (mut control, protocol) = (self.control.clone(), self.protocol.clone());
        let is_open = Arc::clone(&open);
        tokio::spawn(async move {
            match control.open_stream(id, protocol).await {
                Ok(stream) => {
                    is_open.store(true, Ordering::Relaxed);
                    write(stream, waiting).await;
                }
                Err(error) => tracing::debug!(%id, %error, "no stream"),
            }
        });
        let room = Arc::new(Semaphore::new(self.bounds.bytes));
        self.writers.insert(
            peer,
            Writer {
                queue,
                room,
                open,
                begun: now,
            },
        );
    }

    /// There is no connection any more.
    pub(super) fn close(&mut self, peer: NodeIndex) {
        self.writers.remove(&peer);
    }

    /// Whether frames reach a peer on a stream.
    pub(super) fn is_open(&self, peer: NodeIndex) -> bool {
        let writer = self.writers.get(&peer);
        writer.is_some_and(|w| w.open.load(Ordering::Relaxed) && !w.queue.is_closed())
    }

    /// Sends a frame to everybody who has an open stream. Returns how many it was sent to, and how many had no room.
    pub(super) fn send(&self, frame: Vec<u8>) -> (u64, u64) {
        let frame: Arc<[u8]> = frame.into();
        let (mut sent, mut full) = (0, 0);
        for (peer, writer) in &self.writers {
            if self.is_open(*peer) {
                match writer.send(&frame) {
                    true => sent += 1,
                    false => full += 1,
                }
            }
        }
        (sent, full)
    }

    /// Reads a peer's stream, and has verified what comes; the one before is given up.
    pub(super) fn read(
        &mut self,
        peer: NodeIndex,
        stream: impl AsyncRead + Unpin + Send + 'static,
        pool: Pool,
    ) {
        let (largest, heard) = (self.bounds.frame, Arc::new(AtomicBool::new(false)));
        let came = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            let frame = |bytes| {
                came.store(true, Ordering::Relaxed);
                pool.frame(Source::Stream, peer, bytes);
            };
            if let Err(TooLarge) = read(stream, largest, frame).await {
                pool.refuse(peer, "frame").await;
            }
        });
        let task = task.abort_handle();
        self.readers.insert(peer, Reader { task, heard });
    }
}

impl Writer {
    fn send(&self, frame: &Arc<[u8]>) -> bool {
        let bytes = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        room.is_ok_and(|room| {
            let frame = Arc::clone(frame);
            let waiting = Waiting { frame, _room: room };
            self.queue.try_send(waiting).is_ok()
        })
    }
}

/// Writes what waits until the stream breaks or the queue is given up.
async fn write(mut stream: Stream, mut queue: mpsc::Receiver<Waiting>) {
    let mut bytes = Vec::new();
    while let Some(waiting) = queue.recv().await {
        put(&mut bytes, &waiting.frame);
        while bytes.len() < WRITE_BYTES
            && let Ok(waiting) = queue.try_recv()
        {
            put(&mut bytes, &waiting.frame);
        }
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        if let Err(error) = written.await {
            tracing::debug!(%error, "a stream broke");
            return;
        }
        bytes.clear();
    }
}

fn put(bytes: &mut Vec<u8>, frame: &[u8]) {
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(frame);
}

/// A peer claims to send a frame that is larger than frames are.
#[derive(Debug, PartialEq, Eq)]
struct TooLarge;

/// Reads frames until the stream ends, or holds something that is none.
async fn read(
    stream: impl AsyncRead + Unpin,
    largest: usize,
    mut arrived: impl FnMut(Vec<u8>),
) -> Result<(), TooLarge> {
    let mut stream = BufReader::with_capacity(WRITE_BYTES, stream);
    let mut length = [0; 4];
    while stream.read_exact(&mut length).await.is_ok() {
        let length = u32::from_le_bytes(length);
        if length as usize > largest {
            return Err(TooLarge);
        }
        // Takes room as bytes come, whatever length is claimed.
        let mut frame = Vec::new();
        let copied = copy((&mut stream).take(length.into()), &mut frame).await;
        if !copied.is_ok_and(|bytes| bytes == u64::from(length)) {
            break;
        }
        arrived(frame);
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use futures::io::Cursor;

    fn writer(frames: usize, bytes: usize) -> (Writer, mpsc::Receiver<Waiting>) {
        let (queue, waiting) = mpsc::channel(frames);
        let writer = Writer {
            queue,
            room: Arc::new(Semaphore::new(bytes)),
            open: Arc::new(AtomicBool::new(true)),
            begun: Instant::now(),
        };
        (writer, waiting)
    }

    /// A stream to this peer, open until what is returned is dropped.
    pub(in super::super) fn open_to(streams: &mut Streams, peer: NodeIndex) -> impl Sized + use<> {
        let (writer, waiting) = writer(16, 1 << 10);
        streams.writers.insert(peer, writer);
        waiting
    }

    async fn frames(bytes: &[u8], largest: usize) -> (Vec<Vec<u8>>, Result<(), TooLarge>) {
        let mut all = Vec::new();
        let read = read(Cursor::new(bytes), largest, |frame| all.push(frame)).await;
        (all, read)
    }

    #[tokio::test]
    async fn frames_come_as_they_were_put() {
        let mut bytes = Vec::new();
        let sent: [&[u8]; 3] = [b"one", b"", &[7; 100_000]];
        sent.iter().for_each(|frame| put(&mut bytes, frame));
        let came = frames(&bytes, 100_000).await;
        let sent: Vec<_> = sent.iter().map(|frame| frame.to_vec()).collect();
        assert_eq!(came, (sent, Ok(())));
    }

    #[tokio::test]
    async fn what_is_cut_short_is_no_frame() {
        let mut bytes = Vec::new();
        put(&mut bytes, b"whole");
        put(&mut bytes, b"cut");
        for end in bytes.len() - 6..bytes.len() {
            let came = frames(&bytes[..end], 100).await;
            assert_eq!(came, (vec![b"whole".to_vec()], Ok(())), "{end} bytes");
        }
    }

    /// Nor is room taken for it.
    #[tokio::test]
    async fn a_claim_that_is_too_large_ends_the_stream() {
        let mut bytes = u32::MAX.to_le_bytes().to_vec();
        put(&mut bytes, b"not read any more");
        assert_eq!(frames(&bytes, 100).await, (Vec::new(), Err(TooLarge)));
    }

    #[tokio::test]
    async fn a_queue_is_bounded_in_frames_and_bytes() {
        let frame: Arc<[u8]> = Arc::from([0; 10]);
        let (few, mut waiting) = writer(2, 1000);
        let sent = [(); 3].map(|()| few.send(&frame));
        assert_eq!(sent, [true, true, false], "two frames");
        drop(waiting.recv().await);
        assert!(few.send(&frame), "there is room again");
        let (small, mut waiting) = writer(100, 25);
        let sent = [(); 3].map(|()| small.send(&frame));
        assert_eq!(sent, [true, true, false], "25 bytes");
        drop(waiting.recv().await);
        assert!(small.send(&frame), "there is room again");
    }
}
