//! Submitting several values with one request: `POST /v1/values/many`.

use crate::client::Client;
use crate::error::Error;
use crate::submit::{Receipt, key_header};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// Values in one request, at most.
pub const MAX_VALUES: usize = 4096;
/// Bytes of one request, at most: of each value its key, its bytes and [`VALUE_OVERHEAD`].
pub const MAX_REQUEST_BYTES: usize = (1 << 20) + 4096;
/// Bytes of a value, at most.
pub const MAX_VALUE_BYTES: usize = 1 << 20;
/// Bytes of an idempotency key, at most.
pub const MAX_KEY_BYTES: usize = 128;
/// Bytes that a value takes in a request beside its key and its own.
pub const VALUE_OVERHEAD: usize = 5;

/// What became of one of several values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The learner has decided it. Values of one slot share the receipt.
    Decided(Arc<Receipt>),
    /// The node has made it durable, and will have it decided. Whoever waits for it asks again.
    Kept,
    /// Too many values wait at the node: submit it again later. The client does not do so by itself.
    Full,
}

/// Several values, as a request takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    bytes: Vec<u8>,
    count: usize,
}

impl Values {
    /// How many bytes of a request a value takes.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub(crate) fn size(value: &[u8], key: &str) -> Result<usize, Error> {
        key_header(key)?;
        let within = |what, bytes, limit| match bytes <= limit {
            true => Ok(bytes),
            false => Err(Error::TooLarge { what, bytes, limit }),
        };
        let key = within("idempotency key", key.len(), MAX_KEY_BYTES)?;
        Ok(VALUE_OVERHEAD + key + within("value", value.len(), MAX_VALUE_BYTES)?)
    }

    /// Adds a value under an idempotency key; an empty key is none. False if it does not fit beside the others: it does
    /// into a request of its own.
    ///
    /// # Errors
    /// [`Error::Key`] if this cannot be a key: as a header it would be another one. [`Error::TooLarge`] if the value or
    /// the key is longer than any node takes it: it would be refused with all the others.
    pub fn push(&mut self, value: &[u8], key: &str) -> Result<bool, Error> {
        let bytes = self.bytes.len() + Values::size(value, key)?;
        if self.count == MAX_VALUES || bytes > MAX_REQUEST_BYTES {
            return Ok(false);
        }
        // Both lengths were seen to be within these.
        self.bytes.push(key.len() as u8);
        self.bytes.extend_from_slice(key.as_bytes());
        let length = value.len() as u32;
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(value);
        self.count += 1;
        Ok(true)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

#[derive(Deserialize)]
struct Answer {
    decided: Vec<Slot>,
    kept: Vec<usize>,
    full: Vec<usize>,
}

#[derive(Deserialize)]
struct Slot {
    #[serde(flatten)]
    receipt: Receipt,
    values: Vec<usize>,
}

impl Answer {
    /// The fate of each of so many values; `None` if it does not say what became of each exactly once.
    fn fates(self, count: usize) -> Option<Vec<Fate>> {
        let mut fates: Vec<Option<Fate>> = vec![None; count];
        let mut set = |at: usize, fate: Fate| {
            let free = fates.get_mut(at).filter(|fate| fate.is_none())?;
            *free = Some(fate);
            Some(())
        };
        for Slot { receipt, values } in self.decided {
            let receipt = Arc::new(receipt);
            for at in values {
                set(at, Fate::Decided(Arc::clone(&receipt)))?;
            }
        }
        for at in self.kept {
            set(at, Fate::Kept)?;
        }
        for at in self.full {
            set(at, Fate::Full)?;
        }
        fates.into_iter().collect()
    }
}

impl Client {
    /// Submits several values at once: one request, and at the node one look at its storage, for all. The node has made
    /// those durable that are [`Fate::Kept`]. Returns the fate of each, in their order.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), for all of them.
    pub async fn submit_many(&self, values: &Values) -> Result<Vec<Fate>, Error> {
        self.post_many(values, &[], Duration::ZERO).await
    }

    /// Submits several values at once, and waits until a learner that the node plays has decided some of them, 600 s at
    /// most; if the node has no room for one of them, or one is decided already, it does not wait. Those that are
    /// [`Fate::Kept`] were not decided by then: ask again for them. [`Gather`](crate::Gather) does so.
    ///
    /// # Errors
    /// As [`submit_many`](Self::submit_many), or if the node does not play the learner.
    pub async fn decide_many(
        &self,
        values: &Values,
        learner: &str,
        timeout: Duration,
    ) -> Result<Vec<Fate>, Error> {
        let ms = timeout.as_millis().to_string();
        let query = [("wait", learner), ("timeout_ms", &ms)];
        self.post_many(values, &query, timeout).await
    }

    async fn post_many(
        &self,
        values: &Values,
        query: &[(&str, &str)],
        wait: Duration,
    ) -> Result<Vec<Fate>, Error> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let (path, body) = (["v1", "values", "many"], &values.bytes);
        let (bytes, origin) = self.post_body(&path, query, None, body, wait).await?;
        let answer: Answer =
            serde_json::from_slice(&bytes).map_err(|error| origin.unreadable(error))?;
        let wrong = || origin.unreadable("it does not say of each value once what became of it");
        answer.fates(values.len()).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fill_a_request_and_no_more() {
        let mut values = Values::default();
        for _ in 0..MAX_VALUES {
            assert_eq!(values.push(b"", ""), Ok(true));
        }
        assert_eq!(values.push(b"", ""), Ok(false));
        let mut values = Values::default();
        let (most, key) = (vec![0; MAX_VALUE_BYTES], "k".repeat(MAX_KEY_BYTES));
        assert_eq!(values.push(&most, &key), Ok(true));
        assert_eq!(values.push(&most, &key), Ok(false));
        assert_eq!(values.len(), 1);
    }

    /// A node refuses a request for one of its values.
    #[test]
    fn what_nodes_do_not_take_gets_into_no_request() {
        let mut values = Values::default();
        let too_large = |what, bytes, limit| Err(Error::TooLarge { what, bytes, limit });
        let long = vec![0; MAX_VALUE_BYTES + 1];
        assert_eq!(
            values.push(&long, ""),
            too_large("value", long.len(), 1_048_576)
        );
        for bytes in [MAX_KEY_BYTES + 1, 256] {
            let refused = values.push(b"", &"k".repeat(bytes));
            assert_eq!(refused, too_large("idempotency key", bytes, 128));
        }
        assert!(matches!(values.push(b"", " "), Err(Error::Key(_))));
        assert!(values.is_empty());
    }

    #[test]
    fn an_answer_says_of_each_value_once_what_became_of_it() {
        let slot = |values: &[usize]| Slot {
            receipt: Receipt::default(),
            values: values.to_vec(),
        };
        let answer = |decided, kept: &[usize], full: &[usize]| Answer {
            decided,
            kept: kept.to_vec(),
            full: full.to_vec(),
        };
        let receipt = Arc::new(Receipt::default());
        let fates = answer(vec![slot(&[2])], &[0], &[1]).fates(3);
        assert_eq!(
            fates,
            Some(vec![Fate::Kept, Fate::Full, Fate::Decided(receipt)])
        );
        for wrong in [
            answer(vec![slot(&[0]), slot(&[0])], &[1], &[]),
            answer(vec![], &[0], &[]),
            answer(vec![], &[0, 1, 2], &[]),
        ] {
            assert_eq!(wrong.fates(2), None);
        }
    }
}
