//! What the server itself would refuse without a word.

use super::{DEADLINE, answer, fixture};
use crate::engine::Submitted;
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
