//! What the server itself would refuse without a word.

use super::{DEADLINE, answer, fixture, fixture_of};
use crate::engine::Submitted;
use crate::testing;
use std::io::{Read, Write};
use std::net::TcpStream;

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_a_problem() {
    let f = fixture("").await;
    for (path, allowed) in [("/v1/values", "POST"), ("/healthz", "GET,HEAD")] {
        let request = || f.client.delete(format!("{}{path}", f.url));
        assert_eq!(answer(request()).await.0, 405, "{path}");
        let response = request().send().await.unwrap();
        assert_eq!(response.headers()["allow"], allowed, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let mut f = fixture("").await;
    f.engine(Submitted::Accepted, false);
    let address = f.url.strip_prefix("http://").unwrap().to_owned();
    let response = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = "POST /v1/values HTTP/1.1\r\nhost: n1\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"no length\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    });
    let response = response.await.unwrap();
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(
        response.contains("urn:hpaxos:problem:bad-request"),
        "{response}"
    );
}

#[tokio::test]
async fn a_node_on_loopback_is_asked_by_no_name() {
    let mut config = testing::config("");
    let of = |config: &mut crate::Config, address: &str| {
        let node = config.nodes.iter_mut().find(|node| node.name == "n1");
        node.unwrap().http = Some(address.parse().unwrap());
    };
    of(&mut config, "127.0.0.1:8001");
    let f = fixture_of(&config, 64).await;
    for path in ["/v1/status", "/v1/events", "/metrics", "/"] {
        let ask = |host: &str| f.get(path).header("host", host);
        let refused = answer(ask("evil.example:8001")).await;
        assert_eq!(refused.0, 403, "{path}");
        assert_eq!(refused.1["type"], "urn:hpaxos:problem:foreign", "{path}");
        for good in ["localhost:8001", "127.0.0.1", "[::1]:8001"] {
            let response = ask(good).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path} as {good}");
        }
    }
    // Elsewhere names are what it is asked by.
    of(&mut config, "0.0.0.0:8001");
    let f = fixture_of(&config, 64).await;
    let named = f.get("/v1/status").header("host", "n1.example").send();
    assert_eq!(named.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_stream() {
    let f = fixture("").await;
    for path in ["/v1/events", "/v1/status"] {
        let foreign = f.get(path).header("origin", "http://evil.example");
        assert_eq!(answer(foreign).await.0, 403, "{path}");
    }
    let own = f.get("/v1/events").header("origin", &f.url).send();
    assert_eq!(own.await.unwrap().status(), 200);
}
