//! Whole networks on real sockets.

use crate::fixture::{DEADLINE, TestNet, free_ports, new_key, until};
use futures::future::join_all;
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;

fn plain(_: &str) -> String {
    String::new()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_learners_deliver_the_same_in_the_same_order() {
    let mut net = TestNet::new(plain);
    net.start_all().await;
    let values: Vec<String> = (0..24).map(|i| format!("value {i}")).collect();
    let shared = &net;
    join_all(values.iter().enumerate().map(|(i, value)| async move {
        let (node, learner) = (format!("n{}", i % 4 + 1), ["alice", "bob"][i % 2]);
        shared.submit(&node, value, learner).await
    }))
    .await;
    let expected = net.delivered_all("n1", "alice", values.len()).await;
    let mut sorted = expected.clone();
    sorted.sort();
    let mut all = values.clone();
    all.sort();
    assert_eq!(sorted, all, "every value exactly once");
    for node in ["n1", "n2", "n3", "n4"] {
        for learner in ["alice", "bob"] {
            let delivered = net.delivered_all(node, learner, values.len()).await;
            assert_eq!(delivered, expected, "{learner} at {node}");
        }
        let status = net.get(node, "/v1/status").await;
        assert_eq!(status["refusals"], serde_json::json!({}), "{status}");
        assert_eq!(status["groups"], serde_json::json!([["alice", "bob"]]));
    }
}

/// How many frames a node has sent in a way.
async fn frames_sent(net: &TestNet, node: &str, way: &str) -> u64 {
    let address = format!("{}/metrics", net.address(node));
    let answer = net.client.get(address).send().await.expect("an answer");
    let text = answer.text().await.expect("metrics");
    let name = format!("hpaxos_frames_sent_total{{way=\"{way}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |number| number.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_go_straight_to_everybody_who_is_connected() {
    let mut net = TestNet::new(plain);
    net.start_all().await;
    let shared = &net;
    until("frames go on streams", || async {
        let value = format!("after {}", frames_sent(shared, "n1", "gossip").await);
        shared.submit("n1", &value, "alice").await;
        (frames_sent(shared, "n1", "stream").await > 0).then_some(())
    })
    .await;
    // One that has just gone may be reached by others.
    net.stop("n4").await;
    let before = frames_sent(&net, "n1", "gossip").await;
    net.submit("n1", "without n4", "alice").await;
    assert!(frames_sent(&net, "n1", "gossip").await > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_alone_suffices() {
    let net = TestNet::new(plain);
    let text = net
        .text
        .replace("[limits]", "[limits]\nfull_mesh_nodes = 2");
    let mut net = TestNet::of(net.dir, text);
    net.start_all().await;
    net.submit("n3", "passed on", "alice").await;
    for node in ["n1", "n2", "n3", "n4"] {
        assert_eq!(net.delivered_all(node, "bob", 1).await, ["passed on"]);
        assert_eq!(frames_sent(&net, node, "stream").await, 0);
        assert!(frames_sent(&net, node, "gossip").await > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_stops_and_comes_back() {
    let mut net = TestNet::new(plain);
    net.start_all().await;
    net.submit("n2", "first", "alice").await;
    let leader = net.get("n2", "/v1/status").await["leader"]
        .as_str()
        .expect("a leader")
        .to_owned();
    net.stop(&leader).await;
    let other = if leader == "n2" { "n3" } else { "n2" };
    // bob needs a1, so only alice is asked to decide without a node.
    net.submit(other, "second", "alice").await;
    net.start(&leader).await;
    let values = net.delivered_all(&leader, "bob", 2).await;
    assert_eq!(values, ["first", "second"]);
    let status = net.get(&leader, "/v1/status").await;
    assert!(status["storage"]["replayed_records"].as_u64() > Some(0));
    assert_ne!(status["leader"], leader.as_str(), "another one leads now");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_still_there_after_all_nodes_were_stopped() {
    let mut net = TestNet::new(plain);
    net.start_all().await;
    let decided = net.submit("n1", "kept", "alice").await;
    for node in ["n1", "n2", "n3", "n4"] {
        net.stop(node).await;
    }
    net.start_all().await;
    assert_eq!(net.delivered_all("n3", "alice", 1).await, ["kept"]);
    let again = net.submit("n1", "kept", "alice").await;
    assert_eq!(
        again["slot"], decided["slot"],
        "submitted again, decided once"
    );
    net.submit("n4", "more", "bob").await;
    let slot = decided["slot"].as_u64().expect("a slot");
    let proof = net
        .get("n2", &format!("/v1/decisions/alice/{slot}/certificate"))
        .await;
    assert_eq!(proof["digest"], decided["digest"]);
    assert!(
        proof["signers"].as_array().expect("signers").len() >= 3,
        "{proof}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_voter_is_caught_and_the_rest_goes_on() {
    let lie = |name: &str| {
        if name == "n4" {
            "byzantine = \"double-vote\"".into()
        } else {
            String::new()
        }
    };
    let mut net = TestNet::new(lie);
    net.start_all().await;
    // It lies when it votes, and a slot may be decided before it does.
    let mut submitted = 0;
    for node in ["n1", "n2", "n3"] {
        let start = Instant::now();
        while net.get(node, "/v1/status").await["caught"] != serde_json::json!(["a4"]) {
            assert!(start.elapsed() < DEADLINE, "{node} does not catch a4");
            net.submit("n1", &format!("value {submitted}"), "alice")
                .await;
            submitted += 1;
        }
    }
    net.submit("n2", "last", "bob").await;
    let delivered = net.delivered_all("n3", "bob", submitted + 1).await;
    assert_eq!(delivered.last().map(String::as_str), Some("last"));
    // Anybody can check it with the configuration alone.
    let file = net.path("evidence.json");
    std::fs::write(&file, net.get("n1", "/v1/evidence").await.to_string()).expect("written");
    let verify = Command::new(env!("CARGO_BIN_EXE_hpaxos"))
        .args(["evidence", "verify", "--config"])
        .args([net.path("net.toml"), file])
        .output()
        .expect("it runs");
    let words = String::from_utf8_lossy(&verify.stdout);
    assert!(
        verify.status.success() && words.contains("acceptor a4 is not safe"),
        "{verify:?}"
    );
    what_is_left_is_told_by_a_running_node(&mut net).await;
}

/// a4 is caught, and of the other three all are needed: by the command, which verifies the evidence, and by HTTP.
async fn what_is_left_is_told_by_a_running_node(net: &mut TestNet) {
    let url = net.address("n1");
    let analyze = ["graph", "analyze", "net.toml", "--node", &url];
    let told = net.run(&[&analyze[..], &["--json"]].concat()).await;
    let found: Value = serde_json::from_slice(&told.stdout).expect("one JSON object");
    assert!(told.status.success() && told.stderr.is_empty(), "{told:?}");
    assert_eq!(found["byzantine"], json!(["a4"]));
    let stopped = |learner: &Value| learner["stopped_by"]["tolerated"].clone();
    let learners = found["learners"].as_array().expect("learners");
    assert_eq!(
        learners.iter().map(stopped).collect::<Vec<_>>(),
        [json!(0), json!(0)]
    );
    let asked = net.get("n1", "/v1/graph/analysis?byzantine=a4").await;
    assert_eq!(asked["byzantine"], found["byzantine"]);
    let together = asked["learners"].as_array().expect("learners");
    assert!(
        together.iter().all(|learner| stopped(learner) == 0),
        "{asked}"
    );
    for pair in found["pairs"].as_array().expect("pairs") {
        let mut groups = asked["pairs"].as_array().expect("pairs").iter();
        let of = |group: &&Value| {
            group["between"]
                .as_array()
                .expect("pairs")
                .contains(&pair["between"])
        };
        let group = groups.find(of).expect("every pair is promised something");
        for kind in ["declared", "quorums"] {
            assert_eq!(
                group[kind]["tolerated"], pair[kind]["tolerated"],
                "{asked} {found}"
            );
        }
    }
    // Who is not connected is named, and not taken to have crashed.
    net.stop("n3").await;
    until("n1 notices that n3 is gone", || async {
        let status = net.get("n1", "/v1/status").await;
        (status["peers"]["by_name"]["n3"] == false).then_some(())
    })
    .await;
    let told = net.run(&analyze).await;
    let (words, notes) = (
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr),
    );
    assert!(
        words.contains("Assumed to lie: a4.") && !words.contains("Assumed to be silent"),
        "{words}"
    );
    assert!(
        notes.contains("a3; to suppose it add --crashed a3"),
        "{notes}"
    );
    let told = net
        .run(&[&analyze[..], &["--crashed", "a3"]].concat())
        .await;
    let words = String::from_utf8_lossy(&told.stdout);
    assert!(words.contains("alice, bob  none without liars"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_only_learns_follows() {
    let net = TestNet::new(plain);
    let key = new_key(&net.dir, "watcher");
    let port = free_ports(1)[0];
    let text = format!(
        "{}[nodes.watcher]\nkey = \"{key}\"\nlearners = [\"bob\"]\n\
         address = \"/ip4/127.0.0.1/tcp/{port}\"\nhttp = \"127.0.0.1:0\"\n",
        net.text
    );
    let mut net = TestNet::of(net.dir, text);
    for node in ["n1", "n2", "n3", "n4"] {
        net.start(node).await;
    }
    net.submit("n1", "before", "alice").await;
    net.start("watcher").await;
    net.submit("watcher", "through the watcher", "bob").await;
    let expected = ["before", "through the watcher"];
    assert_eq!(net.delivered_all("watcher", "bob", 2).await, expected);
    assert_eq!(net.delivered_all("n2", "alice", 2).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_can_start_as_soon_as_it_has_stopped_whoever_is_connected() {
    let mut net = TestNet::new(plain);
    net.start_all().await;
    for round in 0..10 {
        let value = format!("value {round}");
        net.submit("n1", &value, "alice").await;
        net.stop("n1").await;
        net.start("n1").await;
    }
    // A request that never gets to its end holds the node's history while it is served.
    let address = net.address("n1");
    let address = address.strip_prefix("http://").expect("an address");
    let mut client = TcpStream::connect(address).expect("a connection");
    client.write_all(b"GET / HTTP/1.1\r\n").expect("it is sent");
    net.submit("n1", "the last", "alice").await;
    net.stop("n1").await;
    net.start("n1").await;
    assert_eq!(net.delivered_all("n1", "alice", 11).await.len(), 11);
    drop(client);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_and_counted() {
    let mut net = TestNet::new(plain);
    for node in ["n1", "n2", "n3"] {
        net.start(node).await;
    }
    // The same file, but n4 has a key that the others do not know.
    let known = net.config.node("n4").expect("n4").key.to_string();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let unknown = new_key(&dir, "n4");
    let mut stranger = TestNet::of(dir, net.text.replace(&known, &unknown.to_string()));
    stranger.start("n4").await;
    until("the stranger is refused", || async {
        let status = net.get("n1", "/v1/status").await;
        (status["foreign_connections"].as_u64() > Some(0)).then_some(())
    })
    .await;
    net.submit("n1", "without the stranger", "alice").await;
    let status = net.get("n1", "/v1/status").await;
    assert_eq!(status["peers"]["by_name"]["n4"], false);
    assert!(stranger.delivered("n4", "alice").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_configuration_is_another_network() {
    let mut net = TestNet::new(plain);
    for node in ["n1", "n2", "n3"] {
        net.start(node).await;
    }
    // n4's own key and address, but its file has another name for the network.
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::copy(net.path("n4.key"), dir.path().join("n4.key")).expect("copied");
    let mut other = TestNet::of(dir, net.text.replace("\"test\"", "\"other\""));
    other.start("n4").await;
    // Whoever notices first closes the connection, so that the other one may not.
    until("the other configuration is noticed", || async {
        let statuses = [
            net.get("n1", "/v1/status").await,
            other.get("n4", "/v1/status").await,
        ];
        let noticed = |s: &serde_json::Value| s["refusals"]["wrong_network"].as_u64() > Some(0);
        statuses.iter().any(noticed).then_some(())
    })
    .await;
    net.submit("n1", "value", "alice").await;
    assert!(other.delivered("n4", "alice").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_find_each_other_by_name() {
    let net = TestNet::new(plain);
    let text = net.text.lines().map(|line| {
        let port = line.strip_prefix("address = \"/ip4/127.0.0.1/tcp/");
        port.map_or(format!("{line}\n"), |port| {
            format!(
                "address = \"/dns4/localhost/tcp/{port}\nlisten = \"/ip4/127.0.0.1/tcp/{port}\n"
            )
        })
    });
    let text = text.collect();
    let mut net = TestNet::of(net.dir, text);
    net.start_all().await;
    net.submit("n3", "by name", "alice").await;
    for node in ["n1", "n2", "n3", "n4"] {
        assert_eq!(net.delivered_all(node, "bob", 1).await, ["by name"]);
    }
}
