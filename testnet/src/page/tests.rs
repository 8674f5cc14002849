use super::*;

/// The page of no nodes, at whose other end every fault is done.
async fn page() -> Page {
    let (page, mut commands) = serve(Vec::new(), Arc::default()).await.expect("served");
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            if let Command::Inflict(fault, answer) = command {
                let why = fault.to_string();
                let _ = answer.send(match fault {
                    Fault::Partition(_) => Err(Undone::Never(why)),
                    Fault::Start(_) => Err(Undone::NotNow(why)),
                    _ => Ok(()),
                });
            }
        }
    });
    page
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    let answer = request.send().await.expect("answered");
    answer.status().as_u16()
}

#[tokio::test]
async fn pages_of_other_sites_can_do_nothing() {
    let page = page().await;
    let client = hpaxos_client::http_client()
        .no_proxy()
        .build()
        .expect("client");
    let faults = format!("{}/v1/faults", page.url);
    let kill = || client.post(&faults).json(&json!({"kill": "n1"}));
    assert_eq!(status(kill()).await, 200);
    assert_eq!(
        status(kill().header("origin", page.url.as_str())).await,
        200
    );
    assert_eq!(
        status(kill().header("origin", "http://evil.example")).await,
        403
    );
    // A name that was pointed to this machine.
    let port = page.url.rsplit(':').next().expect("a port");
    let rebound = format!("evil.example:{port}");
    let origin = format!("http://{rebound}");
    let rebound = kill()
        .header("host", rebound.as_str())
        .header("origin", origin.as_str());
    assert_eq!(status(rebound).await, 403);
    let form = client.post(&faults).body(r#"{"kill":"n1"}"#);
    assert_eq!(status(form).await, 415, "only JSON is read");
    let wrong = client.post(&faults).json(&json!({"kil": "n1"}));
    assert_eq!(status(wrong).await, 422);
}

/// `hpaxos ready` and `hpaxos submit` ask this address as if a node were there.
#[tokio::test]
async fn who_takes_the_page_for_a_node_is_told_where_the_nodes_are() {
    let node = "http://127.0.0.1:7001";
    let client = Client::connect(node).expect("a client");
    let nodes = vec![("n1".to_owned(), client)];
    let (page, _commands) = serve(nodes, Arc::default()).await.expect("served");
    let there = Client::connect(&page.url).expect("a client");
    let ready = there.ready().await.expect_err("it is no node");
    let wait = Duration::from_secs(1);
    let decided = there.decide(b"x", "", "alice", wait).await;
    let decided = decided.expect_err("it is no node");
    let status = there.status().await.expect_err("it is no node");
    for error in [ready, decided, status] {
        let words = error.to_string();
        for part in ["the page of a whole network", node, "n1"] {
            assert!(words.contains(part), "{words}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_a_problem_document() {
    let page = page().await;
    let client = hpaxos_client::http_client()
        .no_proxy()
        .build()
        .expect("client");
    let url = |path: &str| format!("{}{path}", page.url);
    assert_eq!(status(client.get(url("/healthz"))).await, 200);
    let json = |body: &'static str| {
        let request = client.post(url("/v1/faults"));
        request
            .header("content-type", "application/json")
            .body(body)
    };
    for (request, code, name, detail) in [
        (client.get(url("/v2")), 404, "not-found", "no such route"),
        (
            client.get(url("/v1/graph/analysis?crash=a1")),
            400,
            "bad-request",
            "`crashed` and `byzantine`",
        ),
        (
            client.get(url("/v1/graph/analysis")),
            503,
            "unavailable",
            "no node answers",
        ),
        (
            client.get(url("/v1/faults")),
            405,
            "method-not-allowed",
            "no such method",
        ),
        (
            client.post(url("/v1/values")).body("x"),
            400,
            "bad-request",
            "`node` is missing",
        ),
        (
            client.post(url("/v1/values?node=n9")).body("x"),
            404,
            "not-found",
            "no node 'n9'",
        ),
        (
            client.post(url("/v1/faults")).body("x"),
            415,
            "not-json",
            "content-type",
        ),
        (json(r#"{"start":"n1"}"#), 409, "not-now", "start n1"),
        (
            json(r#"{"partition":[["n1"]]}"#),
            422,
            "no-fault",
            "partition: n1",
        ),
        (json("{"), 400, "bad-request", "a fault is an object"),
        (json("[]"), 422, "no-fault", "a fault is an object"),
        (
            json(r#"{"kill":"n1","start":"n2"}"#),
            422,
            "no-fault",
            "a fault is an object with one entry",
        ),
        (
            json(r#"{"kil":"n1"}"#),
            422,
            "no-fault",
            "unknown variant `kil`",
        ),
    ] {
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status().as_u16(), code, "{detail}");
        let kind = answer.headers()["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        assert_eq!(kind, "application/problem+json", "{detail}");
        let document: Value = answer.json().await.expect("JSON");
        assert_eq!(document["type"], format!("urn:hpaxos:problem:{name}"));
        assert_eq!(document["status"], code);
        assert!(document["title"].is_string(), "{document}");
        let said = document["detail"].as_str().unwrap_or_default();
        assert!(said.contains(detail), "{document}");
    }
}
