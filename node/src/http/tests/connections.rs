//! Connections that are slow, too many or too quick.

use super::{DEADLINE, Fixture, answer, fixture};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};
use tokio::net::TcpSocket;
use tokio::task::spawn_blocking;

impl Fixture {
    /// One that keeps little of what is not read yet.
    async fn connect_narrow(&self) -> TcpStream {
        let address = self.url.strip_prefix("http://").expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(64 << 10).expect("a size");
        let address = address.parse().expect("an address");
        let stream = socket.connect(address).await.expect("it listens");
        let stream = stream.into_std().expect("a stream");
        stream.set_nonblocking(false).expect("a mode");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time");
        stream
    }

    /// A connection of its own.
    fn connect(&self) -> TcpStream {
        let address = self.url.strip_prefix("http://").expect("an address");
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time");
        stream
    }
}

/// Sends this, and reads until the other end closes the connection.
fn until_closed(mut stream: TcpStream, bytes: &str) -> String {
    stream.write_all(bytes.as_bytes()).expect("it is sent");
    let mut response = String::new();
    stream
        .read_to_string(&mut response)
        .expect("it is closed in time");
    response
}

/// Asks on a connection that stays open, and returns the head and the body of the answer.
fn ask(stream: &mut TcpStream) -> String {
    let request = "GET /healthz HTTP/1.1\r\nhost: n1\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it is sent");
    let (mut response, mut byte) = (String::new(), [0]);
    while !response.ends_with("ok\n") {
        stream.read_exact(&mut byte).expect("an answer");
        response.push(char::from(byte[0]));
    }
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_for_long_is_let_go() {
    let f = fixture("[limits]\nhttp_idle_ms = 2000\n").await;
    let (silent, slow, mut served) = (f.connect(), f.connect(), f.connect());
    let served = spawn_blocking(move || (ask(&mut served), until_closed(served, "")));
    let silent = spawn_blocking(move || until_closed(silent, ""));
    let slow = spawn_blocking(move || until_closed(slow, "GET /healthz HTTP/1.1\r\nhost: n"));
    assert_eq!(f.get("/healthz").send().await.unwrap().status(), 200);
    let (first, rest) = served.await.unwrap();
    assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
    for closed in [silent.await.unwrap(), slow.await.unwrap(), rest] {
        assert!(!closed.contains(" 200 "), "{closed}");
    }
}

/// So many connections that have their places, and the refusal that one more is given.
async fn filled(f: &Fixture, n: usize) -> (Vec<TcpStream>, String) {
    let mut open: Vec<TcpStream> = (0..n).map(|_| f.connect()).collect();
    let one_more = f.connect();
    let (open, refused) = spawn_blocking(move || {
        // An answer says that the connection has its place.
        open.iter_mut().for_each(|stream| {
            ask(stream);
        });
        let request = "GET /healthz HTTP/1.1\r\nhost: n1\r\n\r\n";
        (open, until_closed(one_more, request))
    })
    .await
    .unwrap();
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    (open, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded() {
    let f = fixture("[limits]\nhttp_connections = 16\n").await;
    let (mut open, refused) = filled(&f, 16).await;
    assert!(refused.contains("urn:hpaxos:problem:full"), "{refused}");
    assert!(refused.contains("http_connections"), "{refused}");
    let text = f.view.metrics.text();
    let counted = "hpaxos_dropped_total{reason=\"http_connections\"} 1";
    assert!(text.contains(counted), "{text}");
    // As soon as one is closed there is room, and those that are open never notice.
    open.pop();
    let room = async {
        while f.get("/healthz").send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, room).await.unwrap();
    spawn_blocking(move || ask(&mut open[0])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_cannot_take_all_connections() {
    let f = fixture("[limits]\nhttp_connections_per_address = 8\n").await;
    let (open, refused) = filled(&f, 8).await;
    assert!(
        refused.contains("http_connections_per_address"),
        "{refused}"
    );
    let other: IpAddr = "127.0.0.2".parse().unwrap();
    let other = hpaxos_client::http_client()
        .local_address(other)
        .build()
        .unwrap();
    let answered = other.get(format!("{}/healthz", f.url)).send().await;
    assert_eq!(answered.unwrap().status(), 200, "the others have room");
    drop(open);
}

/// Begins to read the answer to a request for everything that is decided, and leaves the rest of it.
fn begin(stream: TcpStream) -> TcpStream {
    let request = "GET /v1/learners/alice/decisions?limit=1000 HTTP/1.1\r\nhost: n1\r\n\r\n";
    begin_with(stream, request)
}

/// Begins to read the answer to a request, and leaves the rest of it.
fn begin_with(mut stream: TcpStream, request: &str) -> TcpStream {
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_read_keeps_its_place_among_the_requests() {
    let f = fixture("[limits]\nhttp_requests = 8\ndecisions_kept_mib = 64\n").await;
    for slot in 0..20 {
        f.decide(slot, &[b'\t'; 1_000_000]);
    }
    let mut slow = Vec::new();
    // All that one address may have.
    for _ in 0..6 {
        slow.push(f.connect_narrow().await);
    }
    let mut slow = spawn_blocking(|| slow.into_iter().map(begin).collect::<Vec<_>>())
        .await
        .unwrap();
    assert_eq!(answer(f.get("/v1/status")).await.0, 429);
    slow.pop();
    let room = async {
        while f.get("/v1/status").send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, room).await.unwrap();
}

/// What waits for a slow reader is kept for `http_idle_ms` and no longer, and nobody else notices.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_nothing_is_let_go_and_the_others_are_served() {
    let f =
        fixture("[limits]\nhttp_idle_ms = 2000\ndecisions_kept_mib = 64\nevents_kept_mib = 64\n")
            .await;
    for slot in 0..20 {
        f.decide(slot, &[b'\t'; 1_000_000]);
    }
    let (answer_to, stream) = (f.connect_narrow().await, f.connect_narrow().await);
    let (mut large, mut events) = spawn_blocking(move || {
        let events = "GET /v1/events?last_event_id=0 HTTP/1.1\r\nhost: n1\r\n\r\n";
        (begin(answer_to), begin_with(stream, events))
    })
    .await
    .unwrap();
    assert_eq!((f.api.requests.taken(), f.api.streams.taken()), (1, 1));
    // Neither reads any more; both lose their places without having closed anything.
    let let_go = async {
        while f.api.requests.taken() > 0 || f.api.streams.taken() > 0 {
            // Only this request itself has a place meanwhile.
            assert_eq!(f.get("/healthz").send().await.unwrap().status(), 200);
        }
    };
    tokio::time::timeout(DEADLINE, let_go).await.unwrap();
    let mut other = f.get("/v1/events?last_event_id=0").send().await.unwrap();
    assert!(other.chunk().await.unwrap().is_some(), "others are told");
    let rest = spawn_blocking(move || {
        [&mut large, &mut events].map(|stream| {
            let mut rest = Vec::new();
            // It may be reset: what counts is that it ends.
            let ended = stream.read_to_end(&mut rest);
            (rest.len(), ended.map_err(|error| error.kind()))
        })
    });
    for (read, ended) in rest.await.unwrap() {
        assert!(read < 2_000_000, "only what was on its way: {read}");
        let timed_out = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
        let on_time = ended.map_or_else(|kind| !timed_out.contains(&kind), |_| true);
        assert!(on_time, "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_in_memory_are_bounded_in_bytes() {
    let f = fixture("[limits]\nhttp_mib = 16\ndecisions_kept_mib = 64\n").await;
    for slot in 0..20 {
        f.decide(slot, &[b'\t'; 1_000_000]);
    }
    let path = "/v1/learners/alice/decisions?limit=1000";
    let (mut slow, mut statuses) = (Vec::new(), Vec::new());
    while !statuses.contains(&429) {
        let stream = f.connect_narrow().await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: n1\r\n\r\n");
        let (stream, status) = spawn_blocking(move || {
            let mut stream = stream;
            stream.write_all(request.as_bytes()).expect("it is sent");
            let mut status = [0; 12];
            stream.read_exact(&mut status).expect("an answer");
            (stream, String::from_utf8_lossy(&status[9..]).into_owned())
        })
        .await
        .unwrap();
        slow.push(stream);
        statuses.push(status.parse().unwrap());
        assert!(slow.len() < 10, "answers of 2 MiB and more: {statuses:?}");
    }
    assert_eq!(statuses[0], 200);
    assert_eq!(
        answer(f.get("/v1/status")).await.0,
        200,
        "what is short is told"
    );
    let metrics = f.view.metrics.text();
    let counted = "hpaxos_dropped_total{reason=\"http_mib\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    drop(slow);
    let room = async {
        while f.get(path).send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, room).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ends_closes_idle_connections() {
    let f = fixture("").await;
    let mut idle = f.connect();
    let idle = spawn_blocking(move || {
        ask(&mut idle);
        idle
    });
    let idle = idle.await.unwrap();
    f.stop.send_replace(true);
    let rest = spawn_blocking(move || until_closed(idle, "")).await;
    assert_eq!(rest.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_one_address_leaves_room_for_the_others() {
    let f = fixture("[limits]\nhttp_rate = 1\nhttp_burst = 5\n").await;
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(answer(f.get("/v1/status")).await.0);
    }
    assert_eq!(statuses[..5], [200; 5]);
    assert!(statuses.contains(&429), "{statuses:?}");
    // Whatever is under /v1 counts, health and metrics do not.
    let mut refused = 0;
    for path in ["/v1/events", "/v1/graph", "/v1/evidence"].iter().cycle() {
        let response = f.get(path).send().await.unwrap();
        if response.status() == 429 {
            let after: u64 = response.headers()["retry-after"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((1..=2).contains(&after), "{after}");
            let problem: serde_json::Value = response.json().await.unwrap();
            assert_eq!(problem["type"], "urn:hpaxos:problem:rate");
            refused += 1;
        }
        if refused == 3 {
            break;
        }
    }
    for path in ["/healthz", "/metrics", "/"] {
        assert_eq!(f.get(path).send().await.unwrap().status(), 200, "{path}");
    }
    let other: IpAddr = "127.0.0.2".parse().unwrap();
    let other = hpaxos_client::http_client()
        .local_address(other)
        .build()
        .unwrap();
    let answered = other.get(format!("{}/v1/status", f.url)).send().await;
    assert_eq!(answered.unwrap().status(), 200);
}

#[tokio::test]
async fn names_that_are_no_text_are_problems() {
    let f = fixture("").await;
    for path in [
        "/v1/learners/%ff/decisions",
        "/v1/decisions/%ff/0/certificate",
    ] {
        let (status, problem) = answer(f.get(path)).await;
        assert_eq!(
            (status, &problem["type"]),
            (400, &"urn:hpaxos:problem:bad-request".into())
        );
    }
    let strange = reqwest::header::HeaderValue::from_bytes(b"7-\xff").unwrap();
    let request = f.get("/v1/events").header("last-event-id", strange);
    assert_eq!(answer(request).await.0, 400);
    let many = f.get("/v1/learners/alice/decisions?limit=x");
    assert_eq!(answer(many).await.0, 400);
    assert_eq!(answer(f.get("/v1/events?from=1")).await.0, 400);
    assert_eq!(answer(f.post("?timeout_ms=soon").body("v")).await.0, 400);
}
