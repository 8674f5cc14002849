//! What can be signed, and the exact bytes that a signature covers.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Digest, MemberId, NetworkId, codec};

/// A kind of message that members sign.
///
/// A signature covers, in this order and with nothing in between:
///
/// | bytes | what |
/// |---|---|
/// | 1 | length of the tag |
/// | 1 to 64 | the tag [`Body::DOMAIN`], UTF-8 |
/// | 32 | the network id |
/// | 2 | the signer, little endian |
/// | the rest | the body, as [`codec::encode`] writes it |
///
/// Everything before the body has a known length, so no two different (tag, network, signer, body)
/// have the same signed bytes. The tag is at most 64 bytes long, so that the first byte also keeps
/// these signatures apart from what the transport signs with the same identity.
///
/// Types must follow the rules of [`codec`]: not recursive, no sequences of zero-sized elements.
pub trait Body: Serialize + DeserializeOwned {
    /// The tag, different for every kind and for every version of its meaning, 1 to 64 bytes.
    /// Starts with the name of the protocol, as in `"hpaxos/1b/v1"`.
    const DOMAIN: &'static str;
    /// The largest encoded body, in bytes, that is signed or accepted; at most [`codec::LARGEST`].
    const MAX_BYTES: usize;
}

/// Stops the build where a body's constants are out of range.
pub(crate) const fn check<T: Body>() {
    assert!(
        !T::DOMAIN.is_empty() && T::DOMAIN.len() <= 64,
        "Body::DOMAIN must have 1 to 64 bytes"
    );
    assert!(
        T::MAX_BYTES <= codec::LARGEST,
        "Body::MAX_BYTES must not exceed codec::LARGEST"
    );
}

/// The bytes that a signature covers.
pub(crate) fn signed_bytes<T: Body>(network: NetworkId, signer: MemberId, body: &[u8]) -> Vec<u8> {
    let tag = tag::<T>();
    let mut bytes = Vec::with_capacity(1 + tag.1.len() + 32 + 2 + body.len());
    bytes.extend_from_slice(&tag.0);
    bytes.extend_from_slice(tag.1);
    bytes.extend_from_slice(network.0.as_bytes());
    bytes.extend_from_slice(&signer.0.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The digest of what was said and by whom: the signed bytes without the network id.
pub(crate) fn id<T: Body>(signer: MemberId, body: &[u8]) -> Digest {
    let tag = tag::<T>();
    Digest::of_all(&[&tag.0, tag.1, &signer.0.to_le_bytes(), body])
}

/// The tag with its length in front.
fn tag<T: Body>() -> ([u8; 1], &'static [u8]) {
    const { check::<T>() };
    // The check above keeps the length within a byte.
    ([T::DOMAIN.len() as u8], T::DOMAIN.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Word(String);

    impl Body for Word {
        const DOMAIN: &'static str = "test/word/v1";
        const MAX_BYTES: usize = 64;
    }

    #[test]
    fn signed_bytes_are_tag_network_signer_body() {
        let network = NetworkId(Digest::of(b"network"));
        let bytes = signed_bytes::<Word>(network, MemberId(0x0102), b"body");
        let golden = [
            "0c",
            "746573742f776f72642f7631",
            "3009be769fb8f956e8413ee9f3e0836e34968bc40457d0a10c549d2edcf00cc1",
            "0201",
            "626f6479",
        ];
        assert_eq!(hex::encode(bytes), golden.concat());
    }
}
