//! SHA-256 digests.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::codec;
use crate::fixed::{self, HexError};

/// A SHA-256 digest: the name of a value, of a message, of a configuration.
///
/// Text is 64 hex digits; `Debug` shows the first eight. Binary encodings hold the 32 bytes and
/// nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of a value's encoding, which is in memory at no time.
    ///
    /// # Panics
    /// As [`codec::encode`] does.
    #[must_use]
    pub fn of_encoded<T: Serialize + ?Sized>(value: &T) -> Self {
        let mut hasher = Sha256::new();
        codec::encode_in_parts(value, |part| hasher.update(part));
        Self(hasher.finalize().into())
    }

    /// The digest of the concatenation of `parts`. The caller frames them: this does not.
    pub(crate) fn of_all(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// By bytes, the first of which nearly always tell: derived, every comparison would be a call.
impl Ord for Digest {
    fn cmp(&self, other: &Self) -> Ordering {
        let first = |digest: &Self| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&digest.0[..8]);
            u64::from_be_bytes(bytes)
        };
        let by_first = first(self).cmp(&first(other));
        by_first.then_with(|| self.0.cmp(&other.0))
    }
}

/// For maps in memory: half of the bytes, in which nobody finds two digests alike.
impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[..16]);
        state.write_u128(u128::from_le_bytes(half));
    }
}

impl PartialOrd for Digest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0[..4]))
    }
}

impl FromStr for Digest {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        fixed::parse(text).map(Self)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fixed::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fixed::deserialize(deserializer).map(Self)
    }
}
