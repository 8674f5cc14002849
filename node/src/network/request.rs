//! What peers ask each other for, and how it is written on a stream.

use consensus::{Batch, Protocol, SyncAnswer, SyncRequest};
use crypto::{Digest, codec};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use serde::{Deserialize, Serialize};
use std::io;

/// The largest request: a sync request names what is here, 8 bytes each.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// About how much a response should hold: it may be exceeded by its last part.
pub(crate) const GOOD_RESPONSE_BYTES: usize = 1 << 20;
/// The most batches that are asked for, and answered, at once: of small ones about as many as an answer proves slots.
pub(crate) const MAX_DIGESTS: usize = 2048;

/// What a peer is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Messages and evidence that are missing here.
    Sync(SyncRequest),
    /// The bytes of batches.
    Batches(Vec<Digest>),
}

/// What a peer answers. `W` is a message as it travels, `E` evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Response<W, E> {
    /// To [`Request::Sync`].
    Sync(SyncAnswer<W, E>),
    /// To [`Request::Batches`]: those that are here.
    Batches(Vec<Batch>),
}

/// [`Response`] of a protocol.
pub(crate) type ResponseOf<P> = Response<<P as Protocol>::Wire, <P as Protocol>::Evidence>;

impl<W, E> Response<W, E> {
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
///
/// Responses stay encoded: the engine writes them, and the verification threads read them.
#[derive(Clone)]
pub(crate) struct Codec {
    /// The largest response.
    pub(crate) max_response: usize,
}

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let bytes = read(io, MAX_REQUEST_BYTES).await?;
        codec::decode(&bytes, MAX_REQUEST_BYTES).map_err(|e| invalid(e.to_string()))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, self.max_response).await
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
        write(io, &codec::encode(&request), MAX_REQUEST_BYTES).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response, self.max_response).await
    }
}

async fn read<T>(io: &mut T, limit: usize) -> io::Result<Vec<u8>>
where
    T: AsyncRead + Unpin + Send,
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
    Ok(bytes)
}

async fn write<T>(io: &mut T, bytes: &[u8], limit: usize) -> io::Result<()>
where
    T: AsyncWrite + Unpin + Send,
{
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
    io.write_all(bytes).await?;
    io.close().await
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use consensus::paxos::Paxos;
    use futures::executor::block_on;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;

    const PROTOCOL: StreamProtocol = StreamProtocol::new("/test");

    fn codec(max_response: usize) -> Codec {
        Codec { max_response }
    }

    fn written(request: &Request) -> io::Result<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        block_on(codec(0).write_request(&PROTOCOL, &mut bytes, request.clone()))?;
        Ok(bytes.into_inner())
    }

    fn read(bytes: Vec<u8>) -> io::Result<Request> {
        block_on(codec(0).read_request(&PROTOCOL, &mut Cursor::new(bytes)))
    }

    #[test]
    fn requests_come_back() {
        let request = Request::Batches(vec![Digest::of(b"x")]);
        assert_eq!(read(written(&request).unwrap()).unwrap(), request);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_reading() {
        let error = read(u32::MAX.to_le_bytes().to_vec()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_short_or_malformed_body_is_refused() {
        let good = written(&Request::Batches(Vec::new())).unwrap();
        for cut in 0..good.len() {
            assert!(read(good[..cut].to_vec()).is_err(), "{cut}");
        }
        let mut bad = good;
        bad[4] = 0xff;
        assert!(read(bad).is_err());
    }

    #[test]
    fn what_is_too_large_is_neither_written_nor_read() {
        let request = Request::Batches(vec![Digest::of(b"x"); MAX_REQUEST_BYTES / 32 + 1]);
        assert!(written(&request).is_err());
        let response = vec![7; 100];
        let mut bytes = Cursor::new(Vec::new());
        let mut write = |max| {
            let response = response.clone();
            block_on(codec(max).write_response(&PROTOCOL, &mut bytes, response))
        };
        assert!(write(99).is_err());
        write(100).unwrap();
        let mut read = |max| {
            bytes.set_position(0);
            block_on(codec(max).read_response(&PROTOCOL, &mut bytes))
        };
        assert!(read(99).is_err());
        assert_eq!(read(100).unwrap(), response);
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let answer = ResponseOf::<Paxos>::Batches(Vec::new());
        assert!(answer.answers(Request::Batches(Vec::new()).kind()));
        assert!(!answer.answers(RequestKind::Sync));
    }
}
