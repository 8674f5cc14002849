//! Errors as JSON problem documents.

use super::json::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// What went wrong with a request, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// A name that does not change with the words.
    pub(super) kind: String,
    /// What kind of problem it is.
    pub(super) title: &'static str,
    /// The HTTP status.
    pub(super) status: u16,
    /// This problem.
    pub(super) detail: String,
    retry_after: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:hpaxos:problem:{kind}");
        Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be understood",
            detail,
        )
    }

    pub(super) fn unknown_learner(name: &str, played: &[&str], status: StatusCode) -> Self {
        let list = if played.is_empty() {
            "none".to_owned()
        } else {
            played.join(", ")
        };
        let detail = format!("this node does not play a learner '{name}'; it plays: {list}");
        Self::new(status, "unknown-learner", "No such learner here", detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is nothing here",
            detail,
        )
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Not with this method",
            "the route has no such method; the `allow` header names those that it has",
        )
    }

    pub(super) fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "foreign",
            "Not for pages of other sites",
            "the header `origin` names another site than `host`: a browser sends this for a page that this node does not serve",
        )
    }

    pub(super) fn misnamed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "foreign",
            "Not by this name",
            "the node listens on loopback and is asked by a name: ask it by its address or as `localhost`, or give it the \
             name (http_names), which a proxy before it then passes on in the header `host`",
        )
    }

    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The value is too large",
            detail,
        )
    }

    pub(super) fn too_many(detail: impl Into<String>) -> Self {
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "full",
            "Try again later",
            detail,
        );
        Problem {
            retry_after: Some(1),
            ..problem
        }
    }

    /// The address has asked too often; it may ask again after this time.
    pub(super) fn too_fast(after: Duration) -> Self {
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate",
            "Too many requests from one address",
            "more requests per second than one address may make (limits.http_rate)",
        );
        let seconds = u32::try_from(after.as_secs()).unwrap_or(u32::MAX);
        Problem {
            // A whole number, and never too early.
            retry_after: Some(seconds.saturating_add(1)),
            ..problem
        }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The node is not ready",
            detail,
        );
        Problem {
            retry_after: Some(1),
            ..problem
        }
    }

    pub(super) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unreadable",
            "The node cannot read what it stored",
            detail,
        )
    }

    pub(super) fn timeout(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "The request took too long",
            detail,
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let document = json!({
            "type": self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        });
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
