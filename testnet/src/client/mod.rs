//! A client of one node's HTTP API.
//!
//! ```text
//!   values ──submit──► POST /v1/values        node
//!   values ──decide──► POST /v1/values?wait=
//!   events ◄─follow──  GET  /v1/events  ◄──── (resumes after a lost connection)
//!   missed ◄catch_up─  GET  /v1/learners/{learner}/decisions
//! ```

pub mod catch_up;
pub mod follow;
pub mod leader;
pub mod sse;
pub mod submit;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::time::Duration;

/// How long a node may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// How long a client waits at most before it tries a busy node again.
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No answer: the node is dead, or does not answer in time.
    #[error("no answer from {url}: {reason}")]
    NoAnswer {
        /// The address asked.
        url: String,
        /// What happened instead.
        reason: String,
    },
    /// An answer that is not what it should be.
    #[error("{url}{path} cannot be read: {error}")]
    Unreadable {
        /// The address asked.
        url: String,
        /// The path there.
        path: String,
        /// What is wrong with the answer.
        error: serde_json::Error,
    },
    /// The node refuses, and would refuse again.
    #[error("{url} answers {status}: {text}")]
    Refused {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the node says about it.
        text: String,
    },
}

/// What a node says about a submitted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It keeps the value and will have it decided.
    Accepted,
    /// It has too much to do; try again after this time.
    Busy(Duration),
}

/// A client of one node.
#[derive(Clone, Debug)]
pub struct NodeClient {
    http: Client,
    url: String,
}

/// The connections that all clients of a program share.
///
/// # Errors
/// If the system cannot make sockets.
pub fn connections() -> Result<Client, reqwest::Error> {
    // Nodes are on this machine or addressed on purpose: a proxy would only be in the way.
    Client::builder()
        .no_proxy()
        .connect_timeout(ANSWER_PATIENCE)
        .build()
}

impl NodeClient {
    /// A client of the node whose HTTP API is at this URL.
    #[must_use]
    pub fn new(http: Client, url: String) -> Self {
        NodeClient { http, url }
    }

    /// The URL of the node's HTTP API.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn no_answer(&self, error: &reqwest::Error) -> ClientError {
        use std::error::Error;
        // The error's own words name the URL again; its cause says what happened.
        let cause = std::iter::successors(error.source(), |e| (*e).source()).last();
        let reason = cause.map_or_else(|| error.to_string(), ToString::to_string);
        ClientError::NoAnswer {
            url: self.url.clone(),
            reason,
        }
    }

    async fn refused(&self, answer: reqwest::Response) -> ClientError {
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap_or_default();
        let text = text.chars().filter(|c| !c.is_control()).take(300).collect();
        ClientError::Refused {
            url: self.url.clone(),
            status,
            text,
        }
    }

    /// Submits a value under an idempotency key.
    ///
    /// # Errors
    /// If the node does not answer or refuses the value.
    pub async fn submit(&self, key: &str, value: Vec<u8>) -> Result<Submitted, ClientError> {
        let request = self
            .http
            .post(format!("{}/v1/values", self.url))
            .timeout(ANSWER_PATIENCE)
            .header("Idempotency-Key", key)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(value);
        let answer = request.send().await.map_err(|e| self.no_answer(&e))?;
        match answer.status() {
            status if status.is_success() => Ok(Submitted::Accepted),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Ok(Submitted::Busy(retry_after(&answer)))
            }
            _ => Err(self.refused(answer).await),
        }
    }

    /// Submits a value and waits until a learner that the node plays has decided it. `false` if that
    /// has not happened within `patience`; the value still waits to be decided then.
    ///
    /// # Errors
    /// If the node does not answer or refuses the value, for whatever reason.
    pub async fn decide(
        &self,
        value: Vec<u8>,
        learner: &str,
        patience: Duration,
    ) -> Result<bool, ClientError> {
        let (url, ms) = (&self.url, patience.as_millis());
        let url = format!("{url}/v1/values?wait={learner}&timeout_ms={ms}");
        let request = self
            .http
            .post(url)
            .timeout(patience + ANSWER_PATIENCE)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(value);
        let answer = request.send().await.map_err(|e| self.no_answer(&e))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(self.refused(answer).await);
        }
        // Read to its end, so that the connection can be used again.
        answer.bytes().await.map_err(|e| self.no_answer(&e))?;
        Ok(status == StatusCode::OK)
    }

    /// Submits a value once, without a key, and returns what the node says of it.
    ///
    /// # Errors
    /// If the node does not answer, refuses the value, or answers with something else.
    pub async fn post_value(&self, value: Vec<u8>) -> Result<Json, ClientError> {
        let path = "/v1/values";
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .timeout(ANSWER_PATIENCE)
            .header(CONTENT_TYPE, "application/octet-stream")
            .body(value);
        let answer = request.send().await.map_err(|e| self.no_answer(&e))?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let body = answer.bytes().await.map_err(|e| self.no_answer(&e))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Unreadable {
            url: self.url.clone(),
            path: path.to_owned(),
            error,
        })
    }

    /// Asks for a JSON document, for example `/v1/evidence`.
    ///
    /// # Errors
    /// If the node does not answer, refuses, or answers with something else.
    pub async fn get(&self, path: &str) -> Result<Json, ClientError> {
        self.get_as(path).await
    }

    /// The same, read as something else than any document.
    ///
    /// # Errors
    /// As [`get`](Self::get), or if the document is not of this kind.
    pub async fn get_as<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let request = self
            .http
            .get(format!("{}{path}", self.url))
            .timeout(ANSWER_PATIENCE);
        let answer = request.send().await.map_err(|e| self.no_answer(&e))?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let body = answer.bytes().await.map_err(|e| self.no_answer(&e))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Unreadable {
            url: self.url.clone(),
            path: path.to_owned(),
            error,
        })
    }

    /// Opens the event stream, after the event with this id if one is given.
    ///
    /// # Errors
    /// If the node does not answer or refuses.
    async fn events(&self, after: Option<&str>) -> Result<reqwest::Response, ClientError> {
        let mut request = self
            .http
            .get(format!("{}/v1/events", self.url))
            .header("Accept", "text/event-stream");
        if let Some(id) = after {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.send().await.map_err(|e| self.no_answer(&e))?;
        match answer.status().is_success() {
            true => Ok(answer),
            false => Err(self.refused(answer).await),
        }
    }
}

fn retry_after(answer: &reqwest::Response) -> Duration {
    let header = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let seconds = header.and_then(|text| text.trim().parse().ok());
    seconds
        .map_or(Duration::from_millis(200), Duration::from_secs)
        .min(LONGEST_RETRY)
}
