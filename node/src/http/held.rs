//! Bodies that hold what they take of a bound until they are gone.
//!
//! ```text
//!   place among the requests ┐
//!   room in memory ──────────┴─ in every piece of an answer ──► buffers of the connection ──► written, or closed
//! ```
//!
//! The end of a body is not the end of an answer: what the other end has not read yet waits in the connection. So a
//! piece keeps its part of the bound for as long as its bytes are in memory.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A body whose pieces hold something.
struct Held<T> {
    body: Body,
    holds: Arc<T>,
}

/// A piece of a body.
struct Piece<T> {
    bytes: Bytes,
    _holds: Arc<T>,
}

impl<T> AsRef<[u8]> for Piece<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The same body, which holds something until the last of it is written or dropped.
pub(super) fn hold<T: Send + Sync + 'static>(body: Body, holds: T) -> Body {
    let holds = Arc::new(holds);
    Body::new(Held { body, holds })
}

impl<T: Send + Sync + 'static> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let holds = Arc::clone(&self.holds);
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let held = |bytes| {
            Bytes::from_owner(Piece {
                bytes,
                _holds: holds,
            })
        };
        frame.map_ok(|frame| frame.map_data(held))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[tokio::test]
    async fn it_is_held_until_the_bytes_are_gone() {
        let thing = Arc::new(());
        let body = hold(Body::from("words"), Arc::clone(&thing));
        assert_eq!(body.size_hint().exact(), Some(5));
        let mut pieces = body.into_data_stream();
        let piece = pieces.next().await.unwrap().unwrap();
        assert!(pieces.next().await.is_none());
        drop(pieces);
        assert_eq!(piece, "words");
        assert_eq!(Arc::strong_count(&thing), 2, "the bytes wait to be written");
        drop(piece);
        assert_eq!(Arc::strong_count(&thing), 1);
    }

    #[tokio::test]
    async fn nobody_who_goes_away_keeps_it() {
        let thing = Arc::new(());
        drop(hold(Body::from("words"), Arc::clone(&thing)));
        assert_eq!(Arc::strong_count(&thing), 1);
    }
}
