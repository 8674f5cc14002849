//! Submitting values: `POST /v1/values`.

use crate::answer::{MAX_ANSWER_BYTES, Origin};
use crate::client::Client;
use crate::error::Error;
use crate::value::Decision;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What HTTP leaves out around a header.
const BLANKS: [char; 2] = [' ', '\t'];

/// A node has taken a value, and will have it decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// The id of the value: the digest of key and bytes, in hex.
    pub id: String,
    /// Where it was decided. `None` if that was not asked, or has not happened in time.
    pub receipt: Option<Receipt>,
}

/// Where a value was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Receipt {
    /// The node that answers.
    #[serde(default)]
    pub node: String,
    /// The learner that has decided it.
    pub learner: String,
    /// The slot.
    pub slot: u64,
    /// The ballot in which it was decided.
    pub ballot: u64,
    /// The digest of the batch, in hex.
    pub digest: String,
    /// Milliseconds from the node's first knowledge of the slot's oldest value to the decision, if it knows.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// Whose votes decided, as far as the node has seen.
    #[serde(default)]
    pub acceptors: Vec<String>,
    /// The path of what proves it, where messages are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A value in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The id of the value.
    pub id: String,
    /// Its place among the values of the decision, from 0.
    pub position: usize,
    /// The decision.
    pub decision: Decision,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    decided: bool,
}

/// A key as a header. The same keys are refused where they are no headers: a value has one name however it comes.
pub(crate) fn key_header(key: &str) -> Result<HeaderValue, Error> {
    let bad_key = || Error::Key(key.escape_debug().to_string());
    // Blanks around a header are no part of it: two keys would become one.
    if key.starts_with(BLANKS) || key.ends_with(BLANKS) {
        return Err(bad_key());
    }
    HeaderValue::from_bytes(key.as_bytes()).map_err(|_| bad_key())
}

impl Client {
    /// Submits a value under an idempotency key; an empty key is none. The node has made it durable
    /// when it answers.
    ///
    /// # Errors
    /// [`Error::Key`] if the key has control characters, or begins or ends with a blank. If the node does not answer
    /// or refuses the value. Whether it has kept it is not known if it does
    /// not answer: submitted again it counts once.
    pub async fn submit(&self, value: &[u8], key: &str) -> Result<Submitted, Error> {
        self.post(value, key, &[], Duration::ZERO).await
    }

    /// Submits a value and waits until a learner that the node plays has decided it, 600 s at most. Without a receipt
    /// that has not happened within `timeout`; the value still waits to be decided then.
    ///
    /// # Errors
    /// As [`submit`](Self::submit), or if the node does not play the learner.
    pub async fn decide(
        &self,
        value: &[u8],
        key: &str,
        learner: &str,
        timeout: Duration,
    ) -> Result<Submitted, Error> {
        let ms = timeout.as_millis().to_string();
        let query = [("wait", learner), ("timeout_ms", &ms)];
        self.post(value, key, &query, timeout).await
    }

    /// Submits a value, waits until a learner has decided it, and asks for the decision: one more request than
    /// [`decide`](Self::decide).
    ///
    /// # Errors
    /// As [`decide`](Self::decide), and [`Error::Undecided`] if it was not decided in time.
    pub async fn submit_and_wait(
        &self,
        value: &[u8],
        key: &str,
        learner: &str,
        timeout: Duration,
    ) -> Result<Placed, Error> {
        let Submitted { id, receipt } = self.decide(value, key, learner, timeout).await?;
        match receipt {
            Some(receipt) => self.placed(id, learner, receipt.slot).await,
            None => Err(Error::Undecided {
                id,
                learner: learner.to_owned(),
                waited: timeout,
            }),
        }
    }

    async fn placed(&self, id: String, learner: &str, slot: u64) -> Result<Placed, Error> {
        let page = self.page(learner, slot, 1).await?;
        let decision = page.decisions.into_iter().find(|d| d.slot == slot);
        let found = decision.and_then(|decision| {
            let position = decision.values.iter().position(|value| value.id == id)?;
            Some((position, decision))
        });
        let path = ["v1", "learners", learner, "decisions"];
        let missing = || {
            let origin = self.origin(&self.address(&path, &[]));
            origin.unreadable(format!("value {id} is not in slot {slot}"))
        };
        let (position, decision) = found.ok_or_else(missing)?;
        Ok(Placed {
            id,
            position,
            decision,
        })
    }

    async fn post(
        &self,
        value: &[u8],
        key: &str,
        query: &[(&str, &str)],
        wait: Duration,
    ) -> Result<Submitted, Error> {
        let key = Some(key_header(key)?).filter(|key| !key.is_empty());
        let path = ["v1", "values"];
        let (bytes, origin) = self.post_body(&path, query, key, value, wait).await?;
        let unreadable = |e| origin.unreadable(e);
        let Answer { id, decided } = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let receipt = match decided {
            true => Some(serde_json::from_slice(&bytes).map_err(unreadable)?),
            false => None,
        };
        Ok(Submitted { id, receipt })
    }

    /// The successful answer to `POST` of these bytes, which may take `wait` longer than others.
    pub(crate) async fn post_body(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        key: Option<HeaderValue>,
        body: &[u8],
        wait: Duration,
    ) -> Result<(Vec<u8>, Origin), Error> {
        let url = self.address(path, query);
        let origin = self.origin(&url);
        let timeout = self.patience().saturating_add(wait);
        let request = || {
            let request = self.http().post(url.clone()).timeout(timeout);
            let request = match &key {
                None => request,
                Some(key) => request.header("Idempotency-Key", key.clone()),
            };
            request
                .header(CONTENT_TYPE, "application/octet-stream")
                .body(body.to_vec())
        };
        let bytes = self.ask(request, &origin, MAX_ANSWER_BYTES).await?;
        Ok((bytes, origin))
    }
}
