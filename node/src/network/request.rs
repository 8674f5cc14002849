//! What peers ask each other for, and how it is written on a stream.

use super::frame::MAX_FRAME_BYTES;
use consensus::Batch;
use consensus::hpaxos::{SyncAnswer, SyncRequest};
use crypto::{Digest, codec};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io;

/// The largest request: a sync request names what is here, 8 bytes each.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// The largest response.
const MAX_RESPONSE_BYTES: usize = MAX_FRAME_BYTES;
/// About how much a response should hold: it may be exceeded by its last part.
pub(crate) const GOOD_RESPONSE_BYTES: usize = 1 << 20;
/// The most batches that are asked for, and answered, at once.
pub(crate) const MAX_DIGESTS: usize = 64;

/// What a peer is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Messages and evidence that are missing here.
    Sync(SyncRequest),
    /// The bytes of batches.
    Batches(Vec<Digest>),
}

/// What a peer answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Response {
    /// To [`Request::Sync`].
    Sync(SyncAnswer),
    /// To [`Request::Batches`]: those that are here.
    Batches(Vec<Batch>),
}

impl Response {
    /// Whether this can answer the request.
    pub(crate) fn answers(&self, request: RequestKind) -> bool {
        matches!(
            (request, self),
            (RequestKind::Sync, Response::Sync(_)) | (RequestKind::Batches, Response::Batches(_))
        )
    }
}

/// Which request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RequestKind {
    /// [`Request::Sync`].
    Sync,
    /// [`Request::Batches`].
    Batches,
}

impl Request {
    /// Which request this is.
    pub(crate) fn kind(&self) -> RequestKind {
        match self {
            Request::Sync(_) => RequestKind::Sync,
            Request::Batches(_) => RequestKind::Batches,
        }
    }
}

/// Writes a length of four bytes, then the encoding; reads no more than the bounds.
#[derive(Clone, Default)]
pub(crate) struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, MAX_REQUEST_BYTES).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, MAX_RESPONSE_BYTES).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &request, MAX_REQUEST_BYTES).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response, MAX_RESPONSE_BYTES).await
    }
}

async fn read<T, M>(io: &mut T, limit: usize) -> io::Result<M>
where
    T: AsyncRead + Unpin + Send,
    M: Serialize + DeserializeOwned,
{
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > limit {
        return Err(invalid(format!("{length} bytes, the limit is {limit}")));
    }
    // Grows with what arrives, not with what was claimed.
    let mut bytes = Vec::new();
    io.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    codec::decode(&bytes, limit).map_err(|e| invalid(e.to_string()))
}

async fn write<T, M>(io: &mut T, message: &M, limit: usize) -> io::Result<()>
where
    T: AsyncWrite + Unpin + Send,
    M: Serialize,
{
    let bytes = codec::try_encode(message).map_err(|e| invalid(e.to_string()))?;
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= limit);
    let Some(length) = length else {
        return Err(invalid(format!(
            "{} bytes, the limit is {limit}",
            bytes.len()
        )));
    };
    io.write_all(&length.to_le_bytes()).await?;
    io.write_all(&bytes).await?;
    io.close().await
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;

    fn written(request: &Request) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        block_on(write(&mut bytes, request, MAX_REQUEST_BYTES)).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn requests_come_back() {
        let request = Request::Batches(vec![Digest::of(b"x")]);
        let bytes = written(&request);
        let back: Request = block_on(read(&mut Cursor::new(bytes), MAX_REQUEST_BYTES)).unwrap();
        assert_eq!(back, request);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_reading() {
        let mut bytes = Cursor::new(u32::MAX.to_le_bytes().to_vec());
        let error = block_on(read::<_, Request>(&mut bytes, MAX_REQUEST_BYTES)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_short_or_malformed_body_is_refused() {
        let good = written(&Request::Batches(Vec::new()));
        for cut in 0..good.len() {
            let bytes = good[..cut].to_vec();
            assert!(
                block_on(read::<_, Request>(&mut Cursor::new(bytes), 100)).is_err(),
                "{cut}"
            );
        }
        let mut bad = good;
        bad[4] = 0xff;
        assert!(block_on(read::<_, Request>(&mut Cursor::new(bad), 100)).is_err());
    }

    #[test]
    fn what_is_too_large_is_not_written() {
        let request = Request::Batches(vec![Digest::of(b"x"); MAX_REQUEST_BYTES / 32 + 1]);
        let mut bytes = Cursor::new(Vec::new());
        assert!(block_on(write(&mut bytes, &request, MAX_REQUEST_BYTES)).is_err());
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let answer = Response::Batches(Vec::new());
        assert!(answer.answers(Request::Batches(Vec::new()).kind()));
        assert!(!answer.answers(RequestKind::Sync));
    }
}
