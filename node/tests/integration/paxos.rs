//! Networks that run classic Paxos.

use crate::fixture::{TestNet, free_ports, new_key};

/// Three nodes that play everything.
pub(crate) fn net() -> TestNet {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut text = String::from(
        r#"
network = "test"
mode = "paxos"
acceptors = ["a1", "a2", "a3"]
[limits]
patience_ms = 300
sync_ms = 50
redial_max_ms = 500
"#,
    );
    for (i, port) in (1..=3).zip(free_ports(3)) {
        let key = new_key(&dir, &format!("n{i}"));
        text.push_str(&format!(
            "[nodes.n{i}]\nkey = \"{key}\"\nacceptor = \"a{i}\"\nproposer = true\n\
             address = \"/ip4/127.0.0.1/tcp/{port}\"\n\
             http = \"127.0.0.1:0\"\n"
        ));
    }
    TestNet::of(dir, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_outlives_the_leader_and_a_restart_of_everybody() {
    let mut net = net();
    net.start_all().await;
    net.submit("n1", "first", "n1").await;
    let leader = net.get("n1", "/v1/status").await["leader"]
        .as_str()
        .expect("a leader")
        .to_owned();
    net.stop(&leader).await;
    let others: Vec<String> = net.nodes.keys().cloned().collect();
    for (node, value) in others.iter().zip(["second", "third"]) {
        net.submit(node, value, node).await;
    }
    for node in &others {
        net.stop(node).await;
    }
    net.start_all().await;
    net.submit(&leader, "fourth", &leader).await;
    for node in ["n1", "n2", "n3"] {
        let delivered = net.delivered_all(node, node, 4).await;
        assert_eq!(delivered, ["first", "second", "third", "fourth"], "{node}");
        let status = net.get(node, "/v1/status").await;
        assert_eq!(status["mode"], "paxos");
        assert_eq!(status["refusals"], serde_json::json!({}), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_certificates_and_that_is_said() {
    let mut net = net();
    net.start_all().await;
    net.submit("n1", "first", "n1").await;
    let node = net.address("n1");
    let submit = ["submit", "--node", &node, "second", "--wait", "n1"];
    let export = ["decision", "export", "--node", &node, "--learner", "n1"];
    for args in [
        [&submit[..], &["--certificate", "d"]].concat(),
        [&export[..], &["--slot", "0", "--to", "d"]].concat(),
        [&export[..], &["--slots", "0..", "--to", "d"]].concat(),
        vec!["decision", "verify", "--config", "net.toml", "net.toml"],
    ] {
        let refused = net.run(&args).await;
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {refused:?}");
        let why = String::from_utf8_lossy(&refused.stderr);
        let said = why.contains("mode 'paxos' has no") && why.contains("certificates");
        assert!(said, "{args:?}: {why}");
        assert!(!net.path("d").exists(), "{args:?}");
    }
    assert_eq!(
        net.delivered("n1", "n1").await,
        ["first"],
        "nothing was submitted"
    );
}
