//! By which name a node is asked.
//!
//! A page of any site can have its own name lead to this machine, after it was loaded: for a browser the node is then a
//! part of that site, whose page may read everything. The request still has the name in it. So a node that listens on
//! loopback, where nobody but this machine should ask, hears only those who say an address, `localhost`, or a name that
//! it was given (`http_names`), which a proxy before it passes on.

use super::problem::Problem;
use super::{Api, page};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// What has an API under it, and no pages.
const API: &str = "/v1/";

/// Refuses names that nobody has given to this machine, and pages of other sites.
pub(super) async fn guard(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let node = &api.view.node;
    let loopback = node.http.is_some_and(|at| at.ip().is_loopback());
    if loopback && !asks_this_machine(request.uri(), request.headers(), &node.http_names) {
        return Problem::misnamed().into_response();
    }
    if request.uri().path().starts_with(API) && page::is_foreign(request.headers()) {
        return Problem::foreign().into_response();
    }
    next.run(request).await
}

/// Whether all that a request says of where it goes is an address, `localhost` or one of these names. Browsers always
/// say it; who says nothing is none.
fn asks_this_machine(uri: &Uri, headers: &HeaderMap, names: &[String]) -> bool {
    let known = |host: &str| {
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        is_no_name(host) || names.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    uri.authority().is_none_or(|to| known(to.as_str()))
        && hosts.all(|host| host.to_str().is_ok_and(known))
}

/// Whether `HOST` or `HOST:PORT` is an address or `localhost`.
fn is_no_name(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix('[') {
        let parts = rest.split_once(']');
        return parts.is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.starts_with(':'))
        });
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost") || name.parse::<Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_addresses() {
        for good in [
            "127.0.0.1:8001",
            "127.0.0.1",
            "localhost:8001",
            "LOCALHOST",
            "[::1]:8001",
            "[::1]",
            "10.0.0.1:80",
        ] {
            assert!(is_no_name(good), "{good}");
        }
        for bad in [
            "evil.example:8001",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "[::1].evil.example",
            "127.1",
            "[evil]:8001",
            "[::1",
            "::1",
            "n1",
            "",
        ] {
            assert!(!is_no_name(bad), "{bad}");
        }
    }

    #[test]
    fn all_that_is_said_counts() {
        let asks = |uri: &str, hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, host.parse().unwrap());
            }
            asks_this_machine(&uri.parse().unwrap(), &headers, &["ledger.example".into()])
        };
        assert!(
            asks("/v1/status", &["Ledger.example:443"]),
            "a name that it has"
        );
        assert!(!asks("/v1/status", &["ledger.example.evil"]));
        assert!(asks("/v1/status", &[]));
        assert!(asks("http://127.0.0.1:1/v1/status", &["localhost"]));
        assert!(!asks("http://evil.example/v1/status", &["127.0.0.1:1"]));
        assert!(!asks("/v1/status", &["127.0.0.1", "evil.example"]));
    }
}
