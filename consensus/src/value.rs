//! What clients submit, and what a slot decides.

use crypto::Digest;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::Arc;
use thiserror::Error;

/// The largest client value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1 << 20;
/// The largest idempotency key, in bytes.
pub const MAX_KEY_BYTES: usize = 128;
/// Client values in one batch, at most.
pub const MAX_BATCH_VALUES: usize = 4096;
/// The largest encoded [`Batch`], in bytes: one value of the largest size and its frame fit.
pub const MAX_BATCH_BYTES: usize = MAX_VALUE_BYTES + 4096;

/// A value as a client submitted it.
///
/// Its identity is the digest of key and bytes: submitting the same value twice, or through two
/// nodes, is one submission. Who wants the same bytes decided twice gives each its own key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClientValue {
    /// The client's idempotency key; empty if the client gave none.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// The value itself.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// Why a client value is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ValueError {
    /// The value exceeds [`MAX_VALUE_BYTES`].
    #[error(
        "the value has {0} bytes, the limit is {MAX_VALUE_BYTES}; split it or store it elsewhere and submit its digest"
    )]
    ValueTooLarge(usize),
    /// The key exceeds [`MAX_KEY_BYTES`].
    #[error(
        "the idempotency key has {0} bytes, the limit is {MAX_KEY_BYTES}; use a shorter one, a digest for example"
    )]
    KeyTooLarge(usize),
}

impl ClientValue {
    /// A value within the bounds.
    ///
    /// # Errors
    /// [`ValueError`] if the value or the key is too large.
    pub fn new(key: Vec<u8>, bytes: Vec<u8>) -> Result<Self, ValueError> {
        let value = ClientValue { key, bytes };
        value.check()?;
        Ok(value)
    }

    /// Checks the bounds of a value that came from elsewhere.
    ///
    /// # Errors
    /// [`ValueError`] if the value or the key is too large.
    pub fn check(&self) -> Result<(), ValueError> {
        if self.bytes.len() > MAX_VALUE_BYTES {
            return Err(ValueError::ValueTooLarge(self.bytes.len()));
        }
        if self.key.len() > MAX_KEY_BYTES {
            return Err(ValueError::KeyTooLarge(self.key.len()));
        }
        Ok(())
    }

    /// What makes two submissions the same.
    #[must_use]
    pub fn id(&self) -> Digest {
        Digest::of_encoded(self)
    }

    /// Bytes that this value takes in a batch.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        16 + self.key.len() + self.bytes.len()
    }
}

/// Values with their ids, which follow from them and are worked out once. Clones share both.
#[derive(Clone, Debug, Eq)]
pub struct Values {
    values: Arc<[ClientValue]>,
    ids: Arc<[Digest]>,
}

impl Values {
    /// The ids of the values, in their order.
    #[must_use]
    pub fn ids(&self) -> &Arc<[Digest]> {
        &self.ids
    }

    /// Whether these are the values of that batch, all of them and no others.
    #[must_use]
    pub fn are_all_of(&self, batch: &Batch) -> bool {
        Arc::ptr_eq(&self.values, &batch.values) || self.values == batch.values
    }

    /// The values with their ids.
    pub fn named(&self) -> impl Iterator<Item = (&Digest, &ClientValue)> {
        self.ids.iter().zip(&*self.values)
    }

    /// Those with which `pick` agrees.
    pub(crate) fn picked(&self, mut pick: impl FnMut(&Digest) -> bool) -> Values {
        let picked: Vec<(&Digest, &ClientValue)> =
            self.named().filter(|(id, _)| pick(id)).collect();
        if picked.len() == self.ids.len() {
            return self.clone();
        }
        Values {
            ids: picked.iter().map(|(id, _)| **id).collect(),
            values: picked.iter().map(|(_, value)| (*value).clone()).collect(),
        }
    }

    /// Values whose ids are known.
    pub(crate) fn known(named: impl Iterator<Item = (Digest, ClientValue)>) -> Values {
        let (ids, values): (Vec<Digest>, Vec<ClientValue>) = named.unzip();
        Values {
            values: values.into(),
            ids: ids.into(),
        }
    }

    /// The batch of these.
    pub(crate) fn batch(&self) -> Batch {
        let values = Arc::clone(&self.values);
        Batch { values }
    }
}

impl From<Arc<[ClientValue]>> for Values {
    fn from(values: Arc<[ClientValue]>) -> Self {
        let ids = values.iter().map(ClientValue::id).collect();
        Values { values, ids }
    }
}

impl FromIterator<ClientValue> for Values {
    fn from_iter<I: IntoIterator<Item = ClientValue>>(values: I) -> Self {
        Arc::<[ClientValue]>::from_iter(values).into()
    }
}

impl Deref for Values {
    type Target = [ClientValue];

    fn deref(&self) -> &[ClientValue] {
        &self.values
    }
}

impl PartialEq for Values {
    /// Equal values have equal ids.
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

/// The value decided in a slot: client values in the order in which learners deliver them.
///
/// An empty batch fills a gap. HPaxos' `Value` is the digest of a batch; the bytes travel beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The client values, in delivery order. Clones share them.
    pub values: Arc<[ClientValue]>,
}

impl Batch {
    /// The digest that the protocol agrees on.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_encoded(self)
    }

    /// Whether a batch that came from elsewhere keeps the bounds.
    #[must_use]
    pub fn in_bounds(&self) -> bool {
        self.values.len() <= MAX_BATCH_VALUES
            && self.values.iter().all(|v| v.check().is_ok())
            && self.values_len() <= MAX_BATCH_BYTES
    }

    /// Bytes that the values take in it, all together.
    #[must_use]
    pub fn values_len(&self) -> usize {
        self.values.iter().map(ClientValue::encoded_len).sum()
    }
}
