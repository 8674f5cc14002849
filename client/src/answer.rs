//! An answer, read up to a bound.

use crate::error::{Error, Problem};
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use std::time::Duration;

/// The longest answer that is read, but for evidence. A page of decisions is the longest: its values fill about 2 MiB,
/// and are there as base64 and as text.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;
/// The longest list of evidence that is read.
pub const EVIDENCE_BYTES: usize = 256 << 20;

/// The longest time to wait that is believed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Where an answer comes from, to say so if it is of no use.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) url: String,
    pub(crate) path: String,
}

/// What happened in the end: an error's own words only name the URL again.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let cause = std::iter::successors(error.source(), |e| (*e).source()).last();
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

impl Origin {
    pub(crate) fn no_answer(&self, error: &reqwest::Error) -> Error {
        let (url, reason) = (self.url.clone(), cause(error));
        Error::NoAnswer { url, reason }
    }

    pub(crate) fn unreadable(&self, why: impl std::fmt::Display) -> Error {
        Error::Unreadable {
            url: self.url.clone(),
            path: self.path.clone(),
            why: why.to_string(),
        }
    }

    /// The bytes of a successful answer, at most so many.
    pub(crate) async fn bytes(&self, answer: Response, limit: usize) -> Result<Vec<u8>, Error> {
        let answer = self.successful(answer).await?;
        self.body(answer, limit).await
    }

    /// The answer itself, if it is a successful one.
    pub(crate) async fn successful(&self, answer: Response) -> Result<Response, Error> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let retry_after = retry_after(&answer);
        let text = self.body(answer, MAX_ANSWER_BYTES).await?;
        let (url, problem) = (self.url.clone(), Problem::read(status.as_u16(), &text));
        Err(match status {
            // A proxy that does not reach the node says bad gateway.
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Error::Busy {
                url,
                problem,
                retry_after,
            },
            _ => Error::Refused { url, problem },
        })
    }

    async fn body(&self, mut answer: Response, limit: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(|e| self.no_answer(&e))? {
            if bytes.len() + more.len() > limit {
                return Err(self.unreadable(format!("more than {limit} bytes")));
            }
            bytes.extend_from_slice(&more);
        }
        Ok(bytes)
    }
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let header = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = header.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}
