//! Public keys that are safe to verify with.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fixed::{self, HexError};

/// An Ed25519 public key: 32 bytes that have passed [`PublicKey::from_bytes`].
///
/// Text, and human-readable formats, hold 64 hex digits; binary encodings the 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// Why 32 bytes, or a text, are not accepted as a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The text is not 64 hex digits.
    #[error("not a public key: {0}")]
    Hex(#[from] HexError),
    /// The bytes name no point of the curve.
    #[error("not a public key: the bytes are not a point of the Ed25519 curve")]
    NotAPoint,
    /// The bytes are another spelling of a key: two texts would name one signer.
    #[error("not a canonical public key: the same point has another encoding")]
    NonCanonical,
    /// The point has small order: one signature would fit almost every message.
    #[error("weak public key: the point has small order, so its signatures prove nothing")]
    Weak,
    /// The point has a component of small order: libraries disagree on its signatures.
    #[error("public key with a torsion component: verifiers could disagree on its signatures")]
    Torsion,
}

impl PublicKey {
    /// Accepts the canonical encoding of a point of the prime-order subgroup, other than its
    /// identity. Every honestly generated key is one.
    ///
    /// # Errors
    /// One [`PublicKeyError`] for each way to fail that.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, PublicKeyError> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| PublicKeyError::NotAPoint)?;
        let point = key.to_edwards();
        if point.compress().to_bytes() != bytes {
            return Err(PublicKeyError::NonCanonical);
        }
        if key.is_weak() {
            return Err(PublicKeyError::Weak);
        }
        if !point.is_torsion_free() {
            return Err(PublicKeyError::Torsion);
        }
        Ok(Self(bytes))
    }

    /// The key of a secret that we hold. Such points are canonical and torsion-free by construction.
    pub(crate) fn of(key: &VerifyingKey) -> Self {
        Self(key.to_bytes())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The point, ready for verification. Costs a decompression, so a keyring does it once.
    pub(crate) fn to_verifying_key(self) -> Result<VerifyingKey, PublicKeyError> {
        VerifyingKey::from_bytes(&self.0).map_err(|_| PublicKeyError::NotAPoint)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        Self::from_bytes(fixed::parse(text)?)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fixed::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = fixed::deserialize(deserializer)?;
        Self::from_bytes(bytes).map_err(serde::de::Error::custom)
    }
}
