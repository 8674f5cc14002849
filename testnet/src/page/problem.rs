//! Why something was not done, as problem documents, like those of the nodes.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::fmt::Display;

/// A kind of problem.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind(&'static str, &'static str, StatusCode);

impl Kind {
    pub(super) const BAD_REQUEST: Kind = Kind(
        "bad-request",
        "The request cannot be understood",
        StatusCode::BAD_REQUEST,
    );
    pub(super) const FOREIGN: Kind = Kind(
        "foreign",
        "Not for pages of other sites",
        StatusCode::FORBIDDEN,
    );
    pub(super) const NOT_FOUND: Kind =
        Kind("not-found", "There is nothing here", StatusCode::NOT_FOUND);
    pub(super) const METHOD: Kind = Kind(
        "method-not-allowed",
        "Not with this method",
        StatusCode::METHOD_NOT_ALLOWED,
    );
    pub(super) const NOT_NOW: Kind = Kind(
        "not-now",
        "It makes no sense as things stand",
        StatusCode::CONFLICT,
    );
    pub(super) const TOO_LARGE: Kind = Kind(
        "too-large",
        "The request is too large",
        StatusCode::PAYLOAD_TOO_LARGE,
    );
    pub(super) const NOT_JSON: Kind = Kind(
        "not-json",
        "Only JSON is read here",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
    );
    pub(super) const NO_FAULT: Kind = Kind(
        "no-fault",
        "This is no fault",
        StatusCode::UNPROCESSABLE_ENTITY,
    );
    pub(super) const NODE: Kind =
        Kind("node", "The node does not take it", StatusCode::BAD_GATEWAY);
    pub(super) const UNAVAILABLE: Kind = Kind(
        "unavailable",
        "The network is not there",
        StatusCode::SERVICE_UNAVAILABLE,
    );

    /// What is wrong with a body or a parameter, by the status that it has.
    pub(super) fn of(status: StatusCode) -> Kind {
        let all = [Kind::TOO_LARGE, Kind::NOT_JSON];
        let found = all.into_iter().find(|kind| kind.2 == status);
        found.unwrap_or(Kind::BAD_REQUEST)
    }

    /// The answer that says so, with what it is this time.
    pub(super) fn with(self, detail: impl Display) -> Response {
        let Kind(name, title, status) = self;
        let document = json!({
            "type": format!("urn:hpaxos:problem:{name}"), "title": title, "status": status.as_u16(),
            "detail": detail.to_string(),
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, document.to_string()).into_response()
    }
}
