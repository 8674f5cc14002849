//! What the tests share: two kinds of message and a network of three members.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a module of every test binary, of which each uses a part"
)]

use std::collections::BTreeSet;

use crypto::{Body, Digest, Keypair, Keyring, MemberId, NetworkId, PublicKey, Signed, Signer};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub ballot: u64,
    pub slots: BTreeSet<u32>,
    pub note: String,
    pub value: Option<Digest>,
}

impl Body for Promise {
    const DOMAIN: &'static str = "test/promise/v1";
    const MAX_BYTES: usize = 1024;
}

/// The same bytes under another tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Retraction(pub Promise);

impl Body for Retraction {
    const DOMAIN: &'static str = "test/retraction/v1";
    const MAX_BYTES: usize = 1024;
}

pub fn promise() -> Promise {
    Promise {
        ballot: 7,
        slots: BTreeSet::from([1, 2, 9]),
        note: "joined".to_owned(),
        value: Some(Digest::of(b"value")),
    }
}

pub fn network() -> NetworkId {
    NetworkId(Digest::of(b"network"))
}

pub fn keypair(member: u8) -> Keypair {
    Keypair::from_seed([member + 1; 32])
}

pub fn signer(member: u8) -> Signer {
    Signer::new(keypair(member), MemberId(member.into()), network())
}

pub fn public_keys() -> Vec<PublicKey> {
    (0..3).map(|member| keypair(member).public()).collect()
}

pub fn keyring() -> Keyring {
    Keyring::new(network(), public_keys()).unwrap()
}

/// A message from its parts, through the wire: the only way in for outsiders.
pub fn assemble<T: Body>(signer: u16, body: &[u8], signature: &[u8; 64]) -> Signed<T> {
    let mut wire = signer.to_le_bytes().to_vec();
    wire.extend_from_slice(&(body.len() as u64).to_le_bytes());
    wire.extend_from_slice(body);
    wire.extend_from_slice(signature);
    crypto::codec::decode(&wire, Signed::<T>::MAX_ENCODED).unwrap()
}

/// A valid signature of a member for any bytes as the body.
pub fn sign_raw<T: Body>(member: u8, body: &[u8]) -> [u8; 64] {
    use ed25519_dalek::{Signer, SigningKey};
    let mut bytes = vec![T::DOMAIN.len() as u8];
    bytes.extend_from_slice(T::DOMAIN.as_bytes());
    bytes.extend_from_slice(network().0.as_bytes());
    bytes.extend_from_slice(&u16::from(member).to_le_bytes());
    bytes.extend_from_slice(body);
    SigningKey::from_bytes(&[member + 1; 32])
        .sign(&bytes)
        .to_bytes()
}
