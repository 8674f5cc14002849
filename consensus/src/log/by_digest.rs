//! Maps by digest, for what is looked up and never walked: their order is nobody's business.

#![expect(
    clippy::disallowed_types,
    reason = "nothing here tells in which order they are"
)]

use crypto::Digest;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What is known of digests.
///
/// Clients and peers choose the values behind them, so the hash has a secret of this process: whoever looks for values
/// that fall together elsewhere finds none that do here. Since the map cannot be walked, nothing that a node says or
/// stores follows from the secret.
#[derive(Debug)]
pub(crate) struct ByDigest<T>(HashMap<Digest, T>);

/// Digests.
pub(crate) type Digests = ByDigest<()>;

impl<T> Default for ByDigest<T> {
    fn default() -> Self {
        ByDigest(HashMap::new())
    }
}

impl<T> ByDigest<T> {
    pub(crate) fn get(&self, digest: &Digest) -> Option<&T> {
        self.0.get(digest)
    }

    pub(crate) fn get_mut(&mut self, digest: &Digest) -> Option<&mut T> {
        self.0.get_mut(digest)
    }

    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.0.contains_key(digest)
    }

    pub(crate) fn entry(&mut self, digest: Digest) -> Entry<'_, Digest, T> {
        self.0.entry(digest)
    }

    pub(crate) fn insert(&mut self, digest: Digest, known: T) {
        self.0.insert(digest, known);
    }

    pub(crate) fn remove(&mut self, digest: &Digest) {
        self.0.remove(digest);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
