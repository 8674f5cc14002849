//! Maps by digest, for what is looked up and never walked: their order is nobody's business.

#![expect(
    clippy::disallowed_types,
    reason = "not random: these hash by what is in them alone"
)]

use crypto::Digest;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// What is known of digests.
pub(crate) type ByDigest<T> = HashMap<Digest, T, BuildHasherDefault<FirstBytes>>;
/// Digests.
pub(crate) type Digests = HashSet<Digest, BuildHasherDefault<FirstBytes>>;

/// A digest's first bytes are its hash. Whoever looks for values that share some of them finds a few, which costs this
/// node less than them; and there are never more than may wait.
#[derive(Debug, Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    /// The last thing written counts: before the bytes comes how many they are.
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }
}
