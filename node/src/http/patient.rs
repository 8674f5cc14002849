//! A connection whose other end takes what it is sent, or is let go.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// So many bytes earn a second more to wait. Slower than that, an answer would keep its place and its memory for hours.
const BYTES_PER_SECOND: u32 = 8 << 10;

/// No timer runs for less.
const SHORTEST: Duration = Duration::from_millis(1);

/// Fails when what is written waits for too long in all: for `patience`, and longer the more is taken. When everything
/// is taken, the time begins anew. Reading is passed on as it is.
pub(super) struct Patient<S> {
    stream: S,
    left: Left,
    /// Since when a write waits, and what ends that.
    late: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// How much longer the other end may let us wait.
#[derive(Debug, PartialEq)]
struct Left {
    most: Duration,
    now: Duration,
    bytes_per_second: u32,
}

impl Left {
    /// So long without anything being taken.
    fn new(most: Duration, bytes_per_second: u32) -> Self {
        Left {
            most,
            now: most,
            bytes_per_second,
        }
    }

    /// It took so many bytes after so long.
    fn took(&mut self, bytes: usize, after: Duration) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs(u64::from(bytes)) / self.bytes_per_second;
        self.now = self.now.saturating_sub(after).saturating_add(earned);
        self.now = self.now.min(self.most);
    }

    /// It took everything.
    fn took_all(&mut self) {
        self.now = self.most;
    }
}

impl<S> Patient<S> {
    /// Waits so long for whoever takes nothing.
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self::with_rate(stream, patience, BYTES_PER_SECOND)
    }

    fn with_rate(stream: S, patience: Duration, bytes_per_second: u32) -> Self {
        Patient {
            stream,
            left: Left::new(patience, bytes_per_second),
            late: None,
        }
    }

    /// What came of a write, and how many bytes were taken in it.
    fn judge<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(result) = written {
            let waited = self.late.take().map(|(since, _)| since.elapsed());
            if let Ok(taken) = &result {
                self.left.took(bytes(taken), waited.unwrap_or_default());
            }
            return Poll::Ready(result);
        }
        let left = self.left.now;
        let words = "the client does not read what it asked for";
        if left < SHORTEST {
            return Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, words)));
        }
        let begin = || (Instant::now(), Box::pin(sleep(left)));
        let (_, late) = self.late.get_or_insert_with(begin);
        ready!(late.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, words)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(written, |n| *n, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.judge(written, |n| *n, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        let flushed = ready!(self.judge(flushed, |()| 0, cx));
        self.left.took_all();
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(shut, |()| 0, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn whoever_reads_nothing_is_let_go() {
        let (ours, _theirs) = duplex(16);
        let mut patient = Patient::new(ours, Duration::from_millis(1));
        let error = patient.write_all(&[7; 17]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn whoever_reads_a_byte_at_a_time_is_let_go_as_well() {
        let (ours, mut theirs) = duplex(16);
        // What it takes earns it next to nothing.
        let mut patient = Patient::with_rate(ours, Duration::from_millis(1), u32::MAX);
        let reading = tokio::spawn(async move { while theirs.read_u8().await.is_ok() {} });
        let error = patient.write_all(&[7; 1 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(patient);
        reading.await.unwrap();
    }

    #[test]
    fn what_is_taken_earns_time() {
        let seconds = Duration::from_secs;
        let mut left = Left::new(seconds(30), 100);
        left.took(100, seconds(20));
        assert_eq!(left.now, seconds(11));
        left.took(1000, seconds(10));
        assert_eq!(left.now, seconds(11), "it is quick enough");
        left.took(1, seconds(12));
        assert_eq!(left.now, Duration::from_millis(10), "it is not");
        left.took(usize::MAX, seconds(0));
        assert_eq!(left.now, seconds(30), "no time is saved up");
        left.took(0, seconds(29));
        left.took_all();
        assert_eq!(left.now, seconds(30), "the next answer is another one");
    }

    #[tokio::test]
    async fn whoever_reads_gets_everything() {
        let (ours, mut theirs) = duplex(16);
        let mut patient = Patient::new(ours, Duration::from_secs(60));
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.unwrap();
            all
        });
        patient.write_all(&[7; 1000]).await.unwrap();
        patient.shutdown().await.unwrap();
        assert_eq!(reading.await.unwrap(), [7; 1000]);
    }
}
