//! Fuzzing what peers send: frames, requests and answers.

use super::frame::{FrameOf, max_frame_bytes};
use super::request::{Codec, ResponseOf};
use consensus::Protocol;
use consensus::disk_paxos::DiskPaxos;
use consensus::hpaxos::HPaxos;
use consensus::paxos::Paxos;
use crypto::codec;
use futures::executor::block_on;
use futures::io::Cursor;
use libp2p::StreamProtocol;
use libp2p::request_response::Codec as _;
use std::path::Path;

/// The first byte of an input says what the rest is.
#[test]
fn any_bytes() {
    bolero::check!()
        .with_iterations(10_000)
        .with_max_len(512)
        .for_each(|bytes: &[u8]| {
            let Some((kind, bytes)) = bytes.split_first() else {
                return;
            };
            match kind % 7 {
                0 => frame::<HPaxos>(bytes),
                1 => frame::<Paxos>(bytes),
                2 => frame::<DiskPaxos>(bytes),
                3 => response::<HPaxos>(bytes),
                4 => response::<Paxos>(bytes),
                5 => response::<DiskPaxos>(bytes),
                _ => request(bytes),
            }
        });
}

fn frame<P: Protocol>(bytes: &[u8]) {
    match FrameOf::<P>::decode(bytes, max_frame_bytes::<P>()) {
        Ok(frame) => {
            let nonce = bytes[1..9].try_into().expect("eight bytes");
            let again = frame.encode(u64::from_le_bytes(nonce));
            assert_eq!(again, bytes, "another encoding was accepted");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn response<P: Protocol>(bytes: &[u8]) {
    match codec::decode::<ResponseOf<P>>(bytes, max_frame_bytes::<P>()) {
        Ok(response) => assert_eq!(codec::encode(&response), bytes),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

static PROTOCOL: StreamProtocol = StreamProtocol::new("/fuzz");

/// A request as it comes out of a stream, which may go on behind it.
fn request(bytes: &[u8]) {
    let mut codec = Codec { max_response: 0 };
    let read = block_on(codec.read_request(&PROTOCOL, &mut Cursor::new(bytes)));
    match read {
        Ok(request) => {
            let mut again = Cursor::new(Vec::new());
            let written = codec.write_request(&PROTOCOL, &mut again, request);
            block_on(written).expect("what was read can be written");
            assert!(bytes.starts_with(again.get_ref()), "not as it was written");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// `cargo test -p node --lib network::fuzz -- --ignored`
#[test]
#[ignore = "writes files"]
fn write_corpus() {
    use super::request::{Request, Response};
    use consensus::{Ballot, Batch, ClientValue, SyncAnswer, SyncRequest, paxos};
    let value = ClientValue::new(vec![1], b"value".to_vec()).expect("small");
    let batch = Batch {
        values: vec![value.clone()],
    };
    let message = paxos::Message {
        from: crypto::MemberId(1),
        body: paxos::Body::OneA { ballot: Ballot(2) },
    };
    let frame = FrameOf::<Paxos> {
        batches: vec![batch.clone()],
        values: vec![value],
        messages: vec![message.clone()],
        evidence: Vec::new(),
    };
    let request = Request::Sync(SyncRequest {
        next: Vec::new(),
        have: vec![7],
    });
    let mut stream = Cursor::new(Vec::new());
    let mut codec = Codec { max_response: 0 };
    block_on(codec.write_request(&PROTOCOL, &mut stream, request)).expect("small");
    let answer: ResponseOf<Paxos> = Response::Sync(SyncAnswer {
        messages: vec![message],
        evidence: Vec::new(),
    });
    let batches: ResponseOf<HPaxos> = Response::Batches(vec![batch.clone()]);
    let of_hpaxos = FrameOf::<HPaxos> {
        batches: vec![batch],
        ..Default::default()
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("src/network/__fuzz__/network__fuzz__any_bytes/corpus");
    std::fs::create_dir_all(&corpus).expect("a directory");
    for (name, kind, bytes) in [
        ("frame-hpaxos", 0, of_hpaxos.encode(3)),
        ("frame-paxos", 1, frame.encode(3)),
        (
            "frame-disk-paxos",
            2,
            FrameOf::<DiskPaxos>::default().encode(0),
        ),
        ("response-hpaxos", 3, codec::encode(&batches)),
        ("response-paxos", 4, codec::encode(&answer)),
        ("request", 6, stream.into_inner()),
    ] {
        std::fs::write(corpus.join(name), [&[kind], &bytes[..]].concat()).expect("a file");
    }
}
