//! The keys of a network.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{MemberId, NetworkId, PublicKey, PublicKeyError};

/// A network's id and the keys of its members, ready for verification. Cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    network: NetworkId,
    members: Arc<[(PublicKey, VerifyingKey)]>,
}

/// Why a list of keys is not a keyring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// One key for two members: one signer would count twice in a quorum.
    #[error("members {first} and {second} have the same public key {key}")]
    Duplicate {
        /// The first member with the key.
        first: MemberId,
        /// The second member with the key.
        second: MemberId,
        /// The key.
        key: PublicKey,
    },
    /// More members than a [`MemberId`] can count.
    #[error("{0} members, at most 65536 are possible")]
    TooMany(usize),
    /// A key cannot be verified with.
    #[error("member {member}: {error}")]
    Key {
        /// Whose key.
        member: MemberId,
        /// What is wrong with it.
        error: PublicKeyError,
    },
}

impl Keyring {
    /// The keyring of `network`; the member at position `i` of `keys` is `MemberId(i)`.
    /// Without keys it refuses every message.
    ///
    /// # Errors
    /// [`KeyringError`] for duplicate keys or too many of them.
    pub fn new(network: NetworkId, keys: Vec<PublicKey>) -> Result<Self, KeyringError> {
        let mut seen = BTreeMap::new();
        let mut members = Vec::with_capacity(keys.len());
        for (position, key) in keys.iter().copied().enumerate() {
            let position =
                u16::try_from(position).map_err(|_| KeyringError::TooMany(keys.len()))?;
            let member = MemberId(position);
            if let Some(first) = seen.insert(key, member) {
                let second = member;
                return Err(KeyringError::Duplicate { first, second, key });
            }
            let verifying = key
                .to_verifying_key()
                .map_err(|error| KeyringError::Key { member, error })?;
            members.push((key, verifying));
        }
        let members = members.into();
        Ok(Self { network, members })
    }

    /// The network whose messages this keyring verifies.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The key of a member, if there is such a member.
    #[must_use]
    pub fn key(&self, member: MemberId) -> Option<PublicKey> {
        self.members.get(member.index()).map(|(key, _)| *key)
    }

    /// The member that has a key.
    #[must_use]
    pub fn member(&self, key: &PublicKey) -> Option<MemberId> {
        let position = self.members.iter().position(|(known, _)| known == key)?;
        u16::try_from(position).ok().map(MemberId)
    }

    pub(crate) fn verifier(&self, member: MemberId) -> Option<Verifier<'_>> {
        self.members
            .get(member.index())
            .map(|(_, key)| Verifier(key))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.members.iter().map(|(key, _)| key);
        write!(f, "Keyring({:?}, ", self.network)?;
        f.debug_list().entries(keys).finish()?;
        f.write_str(")")
    }
}

/// The key of one member.
pub(crate) struct Verifier<'a>(&'a VerifyingKey);

impl Verifier<'_> {
    /// Whether the signature is the member's for exactly these bytes. Strict, one at a time:
    /// the batch equation accepts signatures that single verification refuses, and nodes would
    /// disagree about them.
    pub(crate) fn accepts(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(bytes, &signature).is_ok()
    }
}
